//! A random life of one person's inbox, decided by a seed: they are told things, alone and together with others, once
//! and again, and do what people do to notifications, on three devices over two instances. Answers come late or never,
//! connections and messages between the instances are lost, clocks step. Whenever everything has come to rest, the
//! database has to be as the rules say, and each device as the database.

use std::{
    collections::BTreeSet,
    fmt::Display,
    time::{Duration, Instant},
};

use leptos_realtime::{
    Mark, Notice, ProtocolError, RealtimeConfig,
    core::{inbox::Marked, log::Retention, session::Connection},
    protocol::WireNotification,
    server::HostTransaction,
    server_fns::{InboxView, inbox},
    testing::{Cluster, LinkFaults},
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde::Serialize;
use sqlx::Transaction;

use super::{
    Told, as_page, auth,
    device::{Answer, Device, Question},
    host, id,
    model::Model,
    person, request,
};
use crate::common::host::Host;

/// Whose inbox it is.
const ADA: &str = "Ada";

/// Who is told things beside her.
const OTHERS: [&str; 2] = ["Bob", "Cyd"];

const NODES: usize = 2;
const DEVICES: usize = 3;

/// How many steps lie between two times at which everything comes to rest, at most.
const STRETCH: u64 = 400;

/// How long coming to rest may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What happened in a life.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Lived {
    pub operations: u64,
    /// Things that Ada was told.
    pub told: u64,
    /// Notifications that she has in the end.
    pub notifications: u64,
    pub unread: u64,
    /// Changes of her inbox.
    pub changes: u64,
    /// Repeats with a key that was used already.
    pub repeats: u64,
    pub marks: u64,
    /// Questions and marks that were lost, or whose answers were.
    pub lost: u64,
    pub late: u64,
    pub drops: u64,
    pub reloads: u64,
    pub rests: u64,
}

/// How a question fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Straight,
    /// The answer takes so many steps.
    Late(u64),
    /// It never reaches the server.
    Lost,
    /// The answer is lost.
    Unanswered,
}

struct Seat {
    device: Device,
    client: usize,
    /// Answers on their way, and at which step they arrive.
    under_way: Vec<(u64, Answer)>,
    stalled_until: u64,
}

struct Life<H> {
    host: H,
    rng: StdRng,
    cluster: Cluster,
    seats: Vec<Seat>,
    model: Model,
    /// At which step each link is mended.
    mend_at: [u64; NODES],
    step: u64,
    /// Counts what was told.
    number: u64,
    /// What Bob was told.
    bob: u64,
    last: Option<(Told, String)>,
    lived: Lived,
}

type Outcome<T = ()> = Result<T, String>;

/// Lives one life, on a clock that goes. The error says what was not so.
pub async fn live<H: Host>(seed: u64, operations: u64) -> Result<Lived, String>
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let mut life = Life::<H>::begin(seed).await?;
    let lived = life.live(operations).await;
    let lived = lived.map_err(|what| format!("seed {seed} failed at step {}: {what}", life.step));
    life.cluster.shutdown().await;
    lived
}

fn refused(what: impl Display) -> impl FnOnce(ProtocolError) -> String {
    move |error| format!("{what}: {error}")
}

impl<H: Host> Life<H>
where
    Transaction<'static, H::Db>: HostTransaction,
{
    async fn begin(seed: u64) -> Outcome<Self> {
        let host_of_all = H::new().await;
        // Each instance has connections of its own.
        let databases = [host_of_all.database().await, host_of_all.database().await];
        let started = std::sync::atomic::AtomicUsize::new(0);
        let build = move || {
            let node = started.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % NODES;
            let mut config = RealtimeConfig::default();
            // Whoever is away for long has to look again.
            config.retention = Retention {
                count: 16,
                ..config.retention
            };
            host(config).database(databases[node].clone())
        };
        let mut life = Self {
            host: host_of_all,
            rng: StdRng::seed_from_u64(seed),
            cluster: Cluster::start(seed, NODES, build).await,
            seats: Vec::new(),
            model: Model::default(),
            mend_at: [0; NODES],
            step: 0,
            number: 0,
            bob: 0,
            last: None,
            lived: Lived::default(),
        };
        for device in 0..DEVICES {
            let seat = life.load(device % NODES).await?;
            life.seats.extend(seat);
        }
        Ok(life)
    }

    /// A page of Ada's is loaded at an instance; none where it could not be told from where to listen.
    async fn load(&mut self, node: usize) -> Outcome<Option<Seat>> {
        let view = Device::load(self.cluster.node(node), ADA).await;
        let view: InboxView = view.map_err(refused("a page"))?;
        let Some(position) = view.position else {
            return Ok(None);
        };
        let device = Device::of(view);
        let client = self.cluster.connect(node, auth(ADA));
        self.cluster
            .client(client)
            .join(device.room(), Some(position));
        Ok(Some(Seat {
            device,
            client,
            under_way: Vec::new(),
            stalled_until: 0,
        }))
    }

    async fn live(&mut self, operations: u64) -> Outcome<Lived> {
        while self.lived.operations < operations {
            let stretch = self.rng.random_range(STRETCH / 4..=STRETCH);
            for _ in 0..stretch.min(operations - self.lived.operations) {
                self.step += 1;
                self.lived.operations += 1;
                self.operate().await?;
                self.turn().await?;
            }
            self.rest().await?;
        }
        self.lived.changes = self.model.change;
        self.lived.notifications = self.model.rows.len() as u64;
        self.lived.unread = self.model.unread() as u64;
        Ok(self.lived)
    }

    fn node(&mut self) -> usize {
        self.rng.random_range(0..NODES)
    }

    /// A device that does not stand still.
    fn seat(&mut self) -> Option<usize> {
        let awake = |seat: &usize| self.seats[*seat].stalled_until <= self.step;
        let awake: Vec<usize> = (0..DEVICES).filter(awake).collect();
        awake.choose(&mut self.rng).copied()
    }

    fn fate(&mut self) -> Fate {
        match self.rng.random_range(0..100) {
            0..80 => Fate::Straight,
            80..90 => Fate::Late(self.rng.random_range(1..=12)),
            90..95 => Fate::Lost,
            _ => Fate::Unanswered,
        }
    }

    async fn operate(&mut self) -> Outcome {
        match self.rng.random_range(0..100) {
            0..32 => self.tell().await,
            32..36 => self.tell_again().await,
            36..41 => self.tell_in_a_transaction().await,
            41..45 => self.at_once().await,
            45..75 => self.mark().await,
            75..78 => self.read_all().await,
            78..82 => self.more().await,
            82..85 => {
                if let Some(seat) = self.seat() {
                    let (client, node) = (self.seats[seat].client, self.node());
                    self.cluster.drop_connection(client, node);
                    self.lived.drops += 1;
                }
                Ok(())
            }
            85..87 => {
                if let Some(seat) = self.seat() {
                    let seat = &mut self.seats[seat];
                    seat.stalled_until = self.step + self.rng.random_range(5..60);
                    self.cluster.stall(seat.client, true);
                }
                Ok(())
            }
            87..90 => {
                let node = self.node();
                let longest = Duration::from_millis(self.rng.random_range(1..30));
                self.cluster.link(node).set_faults(LinkFaults {
                    drop: 0.3,
                    duplicate: 0.3,
                    delay: Some(Duration::ZERO..longest),
                });
                self.mend_at[node] = self.step + self.rng.random_range(5..40);
                Ok(())
            }
            90..91 => {
                let node = self.node();
                self.cluster.link(node).cut();
                self.mend_at[node] = self.step + self.rng.random_range(5..40);
                Ok(())
            }
            91..93 => {
                let by = self.rng.random_range(-10_000..10_000);
                self.cluster.move_clock(by);
                Ok(())
            }
            93..98 => self.others().await,
            98 => self.reload().await,
            _ => {
                self.cluster.run_for(Duration::from_millis(20)).await;
                Ok(())
            }
        }
    }

    /// Something that Ada is to be told next, and by whom it is.
    fn something(&mut self, subjects: bool) -> (Told, Option<&'static str>) {
        self.number += 1;
        let subject = (subjects && self.rng.random_bool(0.6)).then(|| self.rng.random_range(0..6));
        let kind = self.rng.random_range(0..3);
        let told = Told {
            row: self.model.row_of(kind, subject, self.number),
            number: self.number,
            kind,
            subject,
        };
        let actors = ["Dan", "Eve", "Fay", "Gus", "Hal"];
        let actor = self
            .rng
            .random_bool(0.8)
            .then(|| actors.choose(&mut self.rng));
        (told, actor.flatten().copied())
    }

    fn was_told(&mut self, told: Told, actor: Option<&str>) {
        self.model.told(told, actor);
        self.lived.told += 1;
    }

    async fn tell(&mut self) -> Outcome {
        let (told, actor) = self.something(true);
        let key = format!("told:{}", told.number);
        let mut notice = Notice::new(&told).key(&*key);
        if let Some(actor) = actor {
            notice = notice.by(&person(actor));
        }
        let together = told.subject.is_none() && self.rng.random_bool(0.2);
        let people = if together {
            &[OTHERS[1], ADA, OTHERS[0]][..]
        } else {
            &[ADA]
        };
        let people = people.iter().map(|name| id(name));
        let node = self.node();
        let count = self.cluster.node(node).notify(people, notice).await;
        let count = count.map_err(|error| format!("notify: {error}"))?;
        if count != if together { 3 } else { 1 } {
            return Err(format!("{count} were told"));
        }
        self.bob += u64::from(together);
        self.was_told(told.clone(), actor);
        self.last = Some((told, key));
        Ok(())
    }

    /// A host that is not sure tries again, perhaps elsewhere; and nobody is told what they did themselves.
    async fn tell_again(&mut self) -> Outcome {
        let Some((told, key)) = self.last.clone() else {
            return Ok(());
        };
        let mut notice = Notice::new(&told).key(key);
        if self.rng.random_bool(0.2) {
            notice = Notice::new(&told).by(&person(ADA));
        }
        let node = self.node();
        let count = self.cluster.node(node).notify([id(ADA)], notice).await;
        self.lived.repeats += 1;
        match count {
            Ok(0) => Ok(()),
            other => Err(format!("told again: {other:?}")),
        }
    }

    async fn tell_in_a_transaction(&mut self) -> Outcome {
        let (told, actor) = self.something(true);
        let mut notice = Notice::new(&told);
        if let Some(actor) = actor {
            notice = notice.by(&person(actor));
        }
        let node = self.node();
        let mut tx = self.host.begin().await;
        let written = self
            .cluster
            .node(node)
            .notify_in(&mut tx, [id(ADA)], notice);
        written
            .await
            .map_err(|error| format!("notify_in: {error}"))?;
        if self.rng.random_bool(0.3) {
            return tx.rollback().await.map_err(|error| error.to_string());
        }
        tx.commit().await.map_err(|error| error.to_string())?;
        let deadline = Instant::now() + PATIENCE;
        let waiting = "select count(*) from realtime_outbox where room = 'control:notify' and published is null";
        while self.host.number(waiting).await > 0 {
            if Instant::now() > deadline {
                return Err("what was told in a transaction waits".to_owned());
            }
            self.cluster.run_for(Duration::from_millis(2)).await;
        }
        self.was_told(told, actor);
        Ok(())
    }

    /// Two are told something, and a third reads, all at once and wherever.
    async fn at_once(&mut self) -> Outcome {
        let before = self.model.change;
        let ((one, by_one), (two, by_two)) = (self.something(false), self.something(false));
        let read = self.seat().and_then(|seat| {
            let list = self.seats[seat].device.inbox.list();
            let one = list.choose(&mut self.rng)?;
            let data: Told = serde_json::from_value(one.data.clone()).unwrap();
            let what = Marked::These(vec![one.id], Mark::Read);
            Some((
                seat,
                data.row,
                self.seats[seat].device.mark(what, self.step),
            ))
        });
        let cluster = &self.cluster;
        let tell = async |node: usize, told: &Told, actor: Option<&str>| {
            let mut notice = Notice::new(told);
            if let Some(actor) = actor {
                notice = notice.by(&person(actor));
            }
            cluster.node(node).notify([id(ADA)], notice).await
        };
        let reading = async {
            match &read {
                Some((_, _, question)) => question.ask(cluster.node(0), ADA).await.map(Some),
                None => Ok(None),
            }
        };
        let (first, second, answer) =
            tokio::join!(tell(0, &one, by_one), tell(1, &two, by_two), reading);
        if !matches!((&first, &second), (Ok(1), Ok(1))) {
            return Err(format!("told at once: {first:?} {second:?}"));
        }
        let answer = answer.map_err(refused("a mark"))?;
        self.was_told(one, by_one);
        self.was_told(two, by_two);
        if let (Some((seat, row, _)), Some(answer)) = (read, answer) {
            self.model.marked(&[row], Mark::Read);
            self.seats[seat].device.answered(answer);
        }
        // Who was first is theirs to decide; each has a number.
        let after = Question::Needs(leptos_realtime::core::inbox::Needs::Changes(before));
        let answer = after.ask(self.cluster.node(1), ADA).await;
        let Ok(Answer::Changes(Some(change))) = answer else {
            return Err(format!("what happened at once: {answer:?}"));
        };
        let mut numbers = BTreeSet::new();
        for one in change.notifications.iter().flatten() {
            let data: Told = serde_json::from_value(one.data.clone()).unwrap();
            numbers.insert(one.change);
            if let Some(row) = self.model.rows.get_mut(&data.row) {
                row.change = one.change;
            }
        }
        let expected: BTreeSet<u64> = (before + 1..=self.model.change).collect();
        if numbers != expected || change.change != self.model.change {
            return Err(format!(
                "the numbers {numbers:?} should be {expected:?}: {change:?}"
            ));
        }
        Ok(())
    }

    /// Asks the server on behalf of a device. Says whether the server did it.
    async fn ask(&mut self, seat: usize, question: Question, fate: Fate) -> Outcome<bool> {
        let answer = match fate {
            Fate::Lost => Err(()),
            _ => {
                let node = self.node();
                let asked = question.ask(self.cluster.node(node), ADA).await;
                Ok(asked.map_err(refused(format!("{question:?}")))?)
            }
        };
        let done = answer.is_ok();
        let answer = match (answer, fate) {
            (Ok(answer), Fate::Straight | Fate::Late(_)) => answer,
            _ => {
                self.lived.lost += 1;
                question.unanswered()
            }
        };
        if let Fate::Late(steps) = fate {
            self.lived.late += 1;
            self.seats[seat].under_way.push((self.step + steps, answer));
        } else {
            self.seats[seat].device.answered(answer);
        }
        Ok(done)
    }

    async fn mark(&mut self) -> Outcome {
        let Some(seat) = self.seat() else {
            return Ok(());
        };
        let mark = match self.rng.random_range(0..10) {
            0..3 => Mark::Read,
            3..5 => Mark::Unread,
            5..6 => Mark::Seen,
            6..9 => Mark::Archived,
            _ => Mark::Unarchived,
        };
        let list = match mark {
            Mark::Unarchived => self.stored(true, 1).await?,
            _ => self.seats[seat].device.inbox.list(),
        };
        let most = self.rng.random_range(1..=4);
        let some: Vec<_> = list.choose_multiple(&mut self.rng, most).collect();
        if some.is_empty() {
            return Ok(());
        }
        let row = |one: &&WireNotification| {
            serde_json::from_value::<Told>(one.data.clone())
                .unwrap()
                .row
        };
        let rows: Vec<u64> = some.iter().map(row).collect();
        let ids = some.iter().map(|one| one.id).collect();
        let question = self.seats[seat]
            .device
            .mark(Marked::These(ids, mark), self.step);
        let fate = self.fate();
        if self.ask(seat, question, fate).await? {
            self.model.marked(&rows, mark);
        }
        self.lived.marks += 1;
        Ok(())
    }

    async fn read_all(&mut self) -> Outcome {
        let Some(seat) = self.seat() else {
            return Ok(());
        };
        let device = &mut self.seats[seat].device;
        let up_to = device.inbox.change();
        let question = device.mark(Marked::AllRead(up_to), self.step);
        let fate = self.fate();
        if self.ask(seat, question, fate).await? {
            self.model.all_read(up_to);
        }
        self.lived.marks += 1;
        Ok(())
    }

    async fn more(&mut self) -> Outcome {
        let Some(seat) = self.seat() else {
            return Ok(());
        };
        if let Some(after) = self.seats[seat].device.inbox.next() {
            let fate = self.fate();
            self.ask(seat, Question::More(after), fate).await?;
        }
        Ok(())
    }

    /// Others are told things, and try what they may not.
    async fn others(&mut self) -> Outcome {
        let (told, actor) = self.something(true);
        let mut notice = Notice::new(&told);
        if let Some(actor) = actor {
            notice = notice.by(&person(actor));
        }
        let node = self.node();
        let count = self
            .cluster
            .node(node)
            .notify([id(OTHERS[0])], notice)
            .await;
        if !matches!(count, Ok(1)) {
            return Err(format!("another was not told: {count:?}"));
        }
        self.bob += 1;
        let Some(seat) = self.seat() else {
            return Ok(());
        };
        // Another person names Ada's notifications: nothing happens to them.
        let list = self.seats[seat].device.inbox.list();
        let ids: Vec<i64> = list.iter().take(5).map(|one| one.id.0).collect();
        let marked = leptos_realtime::server_fns::mark_notifications(ids, Mark::Archived, None);
        let page = request(Some(OTHERS[1]));
        as_page(self.cluster.node(node), page, marked)
            .await
            .map(drop)
            .map_err(refused("another's mark"))
    }

    async fn reload(&mut self) -> Outcome {
        let Some(seat) = self.seat() else {
            return Ok(());
        };
        let node = self.node();
        if let Some(fresh) = self.load(node).await? {
            let old = std::mem::replace(&mut self.seats[seat], fresh);
            self.cluster.client(old.client).bye();
            self.told_once(&old.device)?;
            self.lived.reloads += 1;
        }
        Ok(())
    }

    /// What every device does between two operations.
    async fn turn(&mut self) -> Outcome {
        for node in 0..NODES {
            if self.mend_at[node] == self.step {
                self.cluster.link(node).heal();
            }
        }
        if self.rng.random_bool(0.5) {
            self.cluster.run_for(Duration::from_millis(1)).await;
        }
        for seat in 0..DEVICES {
            if self.seats[seat].stalled_until > self.step {
                continue;
            }
            let client = self.seats[seat].client;
            self.cluster.stall(client, false);
            let fate = self.fate();
            self.attend(seat, fate).await?;
        }
        Ok(())
    }

    /// A device takes what came, and asks for what is missing.
    async fn attend(&mut self, seat: usize, fate: Fate) -> Outcome {
        let Seat {
            device,
            client,
            under_way,
            ..
        } = &mut self.seats[seat];
        let step = self.step;
        for (_, answer) in under_way.extract_if(.., |(at, _)| *at <= step) {
            device.answered(answer);
        }
        device.hear(self.cluster.client(*client));
        if let Some(question) = device.ask() {
            self.ask(seat, question, fate).await?;
        }
        Ok(())
    }

    /// Nothing goes wrong any more, and nothing new happens. Then everything has to be as it should.
    async fn rest(&mut self) -> Outcome {
        self.lived.rests += 1;
        for node in 0..NODES {
            self.cluster.link(node).heal();
        }
        // Answers that were late are there.
        self.step += STRETCH;
        let deadline = Instant::now() + PATIENCE;
        loop {
            for seat in 0..DEVICES {
                self.seats[seat].stalled_until = 0;
                let client = self.seats[seat].client;
                self.cluster.stall(client, false);
                self.attend(seat, Fate::Straight).await?;
            }
            let unpublished = "select count(*) from realtime_outbox where published is null";
            let waiting: Vec<usize> = (0..DEVICES)
                .filter(|seat| !self.is_settled(*seat))
                .collect();
            if waiting.is_empty() && self.host.number(unpublished).await == 0 {
                break;
            }
            if Instant::now() > deadline {
                let unpublished = self.host.number(unpublished).await;
                let states = waiting.iter().map(|seat| self.state(*seat));
                return Err(format!(
                    "no rest at change {}, {unpublished} unpublished: {:?}",
                    self.model.change,
                    states.collect::<Vec<_>>()
                ));
            }
            self.cluster.run_for(Duration::from_millis(5)).await;
        }
        self.compare().await
    }

    fn is_settled(&mut self, seat: usize) -> bool {
        let Seat { device, client, .. } = &self.seats[seat];
        let live = *self.cluster.clients()[*client].connection() == Connection::Live;
        live && device.is_at_rest() && device.inbox.change() == self.model.change
    }

    fn state(&self, seat: usize) -> String {
        let Seat { device, client, .. } = &self.seats[seat];
        let connection = self.cluster.clients()[*client].connection();
        let (change, needs) = (device.inbox.change(), device.inbox.needs());
        format!("device {seat} {connection:?} at {change}, needs {needs:?}")
    }

    /// Ada's list as the database has it, in so many pages at most.
    async fn stored(&mut self, archived: bool, pages: usize) -> Outcome<Vec<WireNotification>> {
        let node = self.node();
        stored(&self.cluster, node, ADA, archived, pages).await
    }

    async fn compare(&mut self) -> Outcome {
        let list = self.stored(false, usize::MAX).await?;
        let away = self.stored(true, usize::MAX).await?;
        let all: Vec<_> = list.iter().chain(&away).cloned().collect();
        let differences = self.model.differences(&all);
        if !differences.is_empty() {
            return Err(format!("the database is another one: {differences:#?}"));
        }
        let page = Device::load(self.cluster.node(0), ADA).await;
        let page = page.map_err(refused("a page"))?.page;
        if (page.unread as usize, page.change) != (self.model.unread(), self.model.change) {
            let (unread, change) = (self.model.unread(), self.model.change);
            return Err(format!(
                "{} unread at {} should be {unread} at {change}",
                page.unread, page.change
            ));
        }
        for (number, Seat { device, .. }) in self.seats.iter().enumerate() {
            if device.inbox.unread() != page.unread {
                let (drift, unread) = (device.inbox.unread(), page.unread);
                return Err(format!("device {number} shows {drift} unread of {unread}"));
            }
            let horizon = device.inbox.next();
            let known = list
                .iter()
                .filter(|one| horizon.is_none_or(|horizon| one.place() >= horizon));
            let (known, shown): (Vec<_>, _) = (known.cloned().collect(), device.inbox.list());
            if known != shown {
                let ids = |list: &[WireNotification]| {
                    list.iter()
                        .map(|one| (one.id.0, one.change))
                        .collect::<BTreeSet<_>>()
                };
                let (known, shown) = (ids(&known), ids(&shown));
                let missing: Vec<_> = known.difference(&shown).collect();
                let wrong: Vec<_> = shown.difference(&known).collect();
                return Err(format!(
                    "device {number} misses {missing:?} and shows {wrong:?}, horizon {horizon:?}"
                ));
            }
            self.told_once(device)?;
        }
        let bobs = [
            stored(&self.cluster, 0, OTHERS[0], false, usize::MAX).await?,
            stored(&self.cluster, 1, OTHERS[0], true, usize::MAX).await?,
        ];
        let bobs: u64 = bobs.iter().flatten().map(|one| u64::from(one.count)).sum();
        if bobs != self.bob {
            return Err(format!("another was told {bobs} things, not {}", self.bob));
        }
        Ok(())
    }

    fn told_once(&self, device: &Device) -> Outcome {
        match device.told_again {
            0 => Ok(()),
            again => Err(format!("{again} things were told as news again")),
        }
    }
}

/// Somebody's list, as an instance reads it from the database.
async fn stored(
    cluster: &Cluster,
    node: usize,
    name: &str,
    archived: bool,
    pages: usize,
) -> Outcome<Vec<WireNotification>> {
    let (mut list, mut before) = (Vec::new(), None);
    for _ in 0..pages {
        let (updated, id) = before.map_or(
            (None, None),
            |before: leptos_realtime::protocol::InboxCursor| {
                (Some(before.updated), Some(before.id.0))
            },
        );
        let page = inbox(updated, id, 0, false, archived, None, None, None);
        let page = as_page(cluster.node(node), request(Some(name)), page).await;
        let page = page.map_err(refused("a page"))?;
        list.extend(page.notifications);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    Ok(list)
}
