//! Random lives of one client's inbox beside a plain server in memory: events are lost while it is away, answers come
//! late, in any order, or never. When everything has come, it shows what the server has.

use std::{collections::VecDeque, sync::LazyLock};

use proptest::prelude::*;

use super::{tests::one, *};

/// Small, so that lives are short in which there is too much.
const PAGE: usize = 3;
const MANY: usize = 4;

/// The rules of the database.
#[derive(Default)]
struct Server {
    change: u64,
    rows: BTreeMap<NotificationId, WireNotification>,
}

impl Server {
    fn unread(&self) -> u32 {
        self.rows.values().filter(|one| one.is_unread()).count() as u32
    }

    fn list(&self, shown: &Shown) -> Vec<WireNotification> {
        let shown = self.rows.values().filter(|one| {
            let below = shown.before.is_none_or(|before| one.place() < before);
            below && shown.filter.fits(one)
        });
        let mut list: Vec<_> = shown.cloned().collect();
        list.sort_unstable_by_key(|one| std::cmp::Reverse(one.place()));
        list
    }

    fn told(&self, touched: Vec<WireNotification>) -> InboxChange {
        InboxChange {
            change: self.change,
            steps: 1,
            unread: self.unread(),
            notifications: (touched.len() < MANY).then_some(touched),
            read_up_to: None,
        }
    }

    /// Something new, or more of what is there.
    fn notify(&mut self, id: u8) -> InboxChange {
        self.change += 1;
        let (id, now) = (i64::from(id), self.change * 10);
        let row = self.rows.entry(NotificationId(id));
        let row = row.or_insert_with(|| one(id, now, 0));
        (row.count, row.change, row.updated) = (row.count + 1, self.change, now);
        row.seen = None;
        let row = row.clone();
        self.told(vec![row])
    }

    fn mark(&mut self, what: &Marked) -> InboxChange {
        let next = self.change + 1;
        let mut touched = Vec::new();
        for row in self.rows.values_mut() {
            let before = row.clone();
            match what {
                Marked::These(ids, mark) if ids.contains(&row.id) => apply_mark(row, *mark, next),
                Marked::AllRead(up_to) if row.change <= *up_to && row.is_unread() => {
                    apply_mark(row, Mark::Read, next);
                }
                _ => {}
            }
            if *row != before {
                row.change = next;
                touched.push(row.clone());
            }
        }
        if touched.is_empty() {
            return InboxChange {
                steps: 0,
                ..self.told(Vec::new())
            };
        }
        self.change = next;
        match what {
            Marked::AllRead(up_to) => InboxChange {
                notifications: None,
                read_up_to: Some((*up_to, next)),
                ..self.told(Vec::new())
            },
            Marked::These(..) => self.told(touched),
        }
    }

    fn changes(&self, after: u64) -> InboxChange {
        let touched = self.rows.values().filter(|one| one.change > after);
        InboxChange {
            steps: self.change.saturating_sub(after),
            ..self.told(touched.cloned().collect())
        }
    }

    fn page(&self, shown: &Shown, after: Option<InboxCursor>) -> InboxPage {
        let list = self.list(shown).into_iter();
        let mut list: Vec<_> = list
            .filter(|one| after.is_none_or(|after| one.place() < after))
            .collect();
        let more = list.len() > PAGE;
        list.truncate(PAGE);
        InboxPage {
            change: self.change,
            unread: self.unread(),
            next: list.last().filter(|_| more).map(WireNotification::place),
            notifications: list,
        }
    }
}

/// What is on its way to the client.
#[derive(Debug)]
enum Answer {
    Changes(Option<InboxChange>),
    Page(Option<InboxPage>),
    /// Of a list that is shown: the first page, or the one after a place.
    List(Shown, Option<InboxCursor>, Option<InboxPage>),
    More(Shown, InboxCursor, InboxPage),
    Marked(MarkId, Option<InboxChange>),
    /// A page that was loaded for another reason.
    Anew(InboxPage),
}

#[derive(Default)]
struct World {
    server: Server,
    inbox: Inbox,
    /// Told in the room: nothing stands for a reset.
    room: VecDeque<Option<InboxChange>>,
    away: bool,
    lost: bool,
    answers: Vec<Answer>,
    asking: bool,
    shown: Vec<Shown>,
}

static ALL: LazyLock<Shown> = LazyLock::new(Shown::default);

/// One of some lists.
fn list(which: u8) -> Shown {
    const LISTS: [&str; 6] = [
        "",
        "show=unread",
        "show=archive",
        "before=60.5",
        "show=unread&before=90.3",
        "kind=none",
    ];
    Shown::read(LISTS[usize::from(which) % LISTS.len()])
}

impl World {
    fn tell(&mut self, change: InboxChange) {
        if change.steps == 0 {
            return;
        }
        match self.away {
            true => self.lost = true,
            false => self.room.push_back(Some(change)),
        }
    }

    fn come_back(&mut self) {
        self.away = false;
        if std::mem::take(&mut self.lost) {
            self.room.push_back(None);
        }
    }

    fn hear(&mut self) {
        match self.room.pop_front() {
            Some(Some(change)) => self.inbox.apply(change),
            Some(None) => self.inbox.missed(),
            None => {}
        }
    }

    fn ask(&mut self, lost: bool) {
        if self.asking || self.inbox.needs() == Needs::Nothing {
            return;
        }
        self.asking = true;
        self.answers.push(match self.inbox.ask() {
            Needs::Page => Answer::Page((!lost).then(|| self.server.page(&ALL, None))),
            Needs::List(shown, after) => {
                let page = self.server.page(&shown, after);
                Answer::List(shown, after, Some(page).filter(|_| !lost))
            }
            _ if lost => Answer::Changes(None),
            _ => Answer::Changes(Some(self.server.changes(self.inbox.change()))),
        });
    }

    fn answer(&mut self, which: usize) {
        if self.answers.is_empty() {
            return;
        }
        let which = which % self.answers.len();
        match self.answers.swap_remove(which) {
            Answer::Changes(Some(change)) => self.inbox.caught_up(change),
            Answer::Page(Some(page)) => self.inbox.begin(page),
            Answer::Changes(None) | Answer::Page(None) => self.inbox.missed(),
            Answer::List(shown, after, Some(page)) => self.inbox.listed(&shown, after, page),
            Answer::List(_, _, None) => {}
            Answer::More(shown, after, page) => {
                return self.inbox.listed(&shown, Some(after), page);
            }
            Answer::Marked(id, change) => return self.inbox.marked(id, change),
            Answer::Anew(page) => return self.inbox.begin(page),
        }
        self.asking = false;
    }

    fn marks(&mut self, what: Marked, fate: u8) {
        let id = self.inbox.mark(what.clone(), 1);
        // It never reaches the server, or its answer is lost, or neither.
        let change = (!fate.is_multiple_of(4)).then(|| self.server.mark(&what));
        self.answers
            .push(Answer::Marked(id, change.clone().filter(|_| fate % 4 != 1)));
        if let Some(change) = change {
            self.tell(change);
        }
    }

    /// One step, as these bytes decide.
    fn step(&mut self, what: u8, which: u8) {
        let some = || NotificationId(i64::from(which % 12));
        let mark = [
            Mark::Read,
            Mark::Unread,
            Mark::Seen,
            Mark::Archived,
            Mark::Unarchived,
        ];
        let mark = Marked::These(vec![some()], mark[usize::from(which / 12) % 5]);
        match what % 18 {
            0..3 => {
                let change = self.server.notify(which % 12);
                self.tell(change);
            }
            // Another device of theirs.
            3 => {
                let change = self.server.mark(&mark);
                self.tell(change);
            }
            4 => {
                let change = self.server.mark(&Marked::AllRead(self.server.change));
                self.tell(change);
            }
            5 => self.marks(mark, which),
            6 => self.marks(Marked::AllRead(self.inbox.change()), which),
            7 => self.away = true,
            8 => self.come_back(),
            9 | 10 => self.hear(),
            11 | 12 => self.ask(which.is_multiple_of(5)),
            13 => self.answer(usize::from(which)),
            14 | 15 => {
                let shown = list(which);
                if let Some(after) = self.inbox.next_of(&shown) {
                    let page = self.server.page(&shown, Some(after));
                    self.answers.push(Answer::More(shown, after, page));
                }
            }
            // Another list is shown, or no more.
            16 => {
                let shown = list(which);
                match self.shown.iter().position(|one| *one == shown) {
                    Some(at) => self.inbox.unwatch(&self.shown.remove(at)),
                    None => {
                        self.inbox.watch(shown.clone());
                        self.shown.push(shown);
                    }
                }
            }
            _ => self
                .answers
                .push(Answer::Anew(self.server.page(&ALL, None))),
        }
    }

    /// Everything comes, and what is missing is asked for. Says whether that ends.
    fn rests(&mut self) -> bool {
        self.come_back();
        while !self.room.is_empty() {
            self.hear();
        }
        for _ in 0..100 {
            self.ask(false);
            if self.answers.is_empty() {
                return true;
            }
            self.answer(0);
        }
        false
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn whatever_is_lost_or_late_it_ends_with_what_the_server_has(
        before in prop::collection::vec(0..12_u8, 0..12),
        steps in prop::collection::vec(any::<(u8, u8)>(), 0..40),
    ) {
        let mut world = World::default();
        for id in before {
            world.server.notify(id);
        }
        world.inbox.begin(world.server.page(&ALL, None));
        for (what, which) in steps {
            world.step(what, which);
        }
        prop_assert!(world.rests(), "it never comes to rest: {:?}", world.inbox);
        let World { server, inbox, shown, .. } = &world;
        prop_assert_eq!((inbox.change(), inbox.unread()), (server.change, server.unread()));
        for shown in shown {
            prop_assert!(inbox.is_listed(shown));
            let whole = inbox.next_of(shown).is_none();
            prop_assert!(whole || !inbox.list_of(shown).is_empty());
        }
        for shown in (0..6).map(list).filter(|shown| inbox.is_listed(shown)) {
            let end = inbox.next_of(&shown);
            let within = |one: &WireNotification| end.is_none_or(|end| one.place() >= end);
            let expected: Vec<_> = server.list(&shown).into_iter().filter(within).collect();
            prop_assert_eq!(inbox.list_of(&shown), expected);
        }
    }
}
