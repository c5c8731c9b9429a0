//! A Redis, the instances that meet there, and everybody who is connected to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use leptos_realtime::UserId;
use tokio::time::{Instant, sleep};

use super::{
    Result,
    instance::{Control, Instance},
    person::{Change, Person},
    servers::RedisServer,
    way::Way,
};

/// How long anything may take that is waited for, unless a bound is shorter.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// After how long it is told what was waited for.
const SLOW: Duration = Duration::from_secs(2);

/// How many people connect at once.
const AT_ONCE: usize = 50;

/// How many differences are told.
const TOLD: usize = 5;

/// What an administrator would say too: it is not to forget anything.
pub const KEEP: [&str; 2] = ["--maxmemory-policy", "noeviction"];

/// See the [module](self): of one Redis, each instance has a way of its own to it, or of whatever `R` is, without ways.
/// Fields are dropped in order: whoever needs another goes first.
pub struct World<R = RedisServer> {
    pub people: Vec<Person>,
    pub instances: Vec<Instance>,
    pub ways: Vec<Way>,
    pub redis: R,
    /// What instances are from now on, where that is not this program.
    pub program: Option<PathBuf>,
    url: String,
    settings: Vec<(&'static str, String)>,
    names: usize,
}

impl World {
    /// Starts Redis and so many instances, with these variables beside the defaults.
    pub async fn start(count: usize, settings: &[(&'static str, &str)]) -> Result<Self> {
        Self::start_as(None, count, settings).await
    }

    /// The same of a program that may be another one than this.
    pub async fn start_as(
        program: Option<PathBuf>,
        count: usize,
        settings: &[(&'static str, &str)],
    ) -> Result<Self> {
        let redis = RedisServer::start(&KEEP);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, redis.port()));
        let url = redis.url();
        let mut world = Self::new(redis, url, settings);
        world.program = program;
        for number in 0..count {
            world.ways.push(Way::start(address).await?);
            let instance = world.instance(number)?;
            world.instances.push(instance);
        }
        Ok(world)
    }

    /// Asks Redis.
    pub fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> Result<T> {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        Ok(self.redis.ask(&command)?)
    }
}

impl<R> World<R> {
    fn new(redis: R, url: String, settings: &[(&'static str, &str)]) -> Self {
        let settings = settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        Self {
            people: Vec::new(),
            instances: Vec::new(),
            ways: Vec::new(),
            redis,
            program: None,
            url,
            settings: settings.collect(),
            names: 0,
        }
    }

    /// Starts so many instances that find Redis at this URL.
    pub fn at(
        redis: R,
        url: String,
        count: usize,
        settings: &[(&'static str, &str)],
    ) -> Result<Self> {
        let mut world = Self::new(redis, url, settings);
        for number in 0..count {
            let instance = world.instance(number)?;
            world.instances.push(instance);
        }
        Ok(world)
    }

    /// A new process for the instance of a number.
    pub fn instance(&self, number: usize) -> Result<Instance> {
        self.instance_with(number, &[])
    }

    /// The same, with these variables too: of a name that there is twice, the later one counts.
    pub fn instance_with(&self, number: usize, more: &[(&str, &str)]) -> Result<Instance> {
        let settings = self
            .settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let settings: Vec<_> = settings.chain(more.iter().copied()).collect();
        let program = self.program.as_deref();
        match self.ways.get(number) {
            Some(way) => Instance::start(program, &way.url(), &settings),
            None => Instance::start(program, &self.url, &settings),
        }
    }

    /// What tells each instance what to do.
    pub fn controls(&self) -> Vec<Control> {
        self.instances.iter().map(|i| i.control()).collect()
    }

    /// Somebody new connects to an instance and enters rooms. Returns their number.
    pub fn add(&mut self, instance: usize, rooms: impl IntoIterator<Item = u32>) -> Result<usize> {
        let name = format!("p{:05}", self.names);
        self.names += 1;
        let address = self.instances[instance].address();
        self.people
            .push(Person::connect(&name, instance, address, rooms)?);
        Ok(self.people.len() - 1)
    }

    /// So many people connect, some at a time: each to the instance and the rooms that are named for their number.
    pub async fn add_all<In: IntoIterator<Item = u32>>(
        &mut self,
        count: usize,
        place: impl Fn(usize) -> (usize, In),
    ) -> Result<()> {
        for number in 0..count {
            let (instance, rooms) = place(number);
            self.add(instance, rooms)?;
            if (number + 1) % AT_ONCE == 0 {
                self.until("all are connected", PATIENCE, |world| {
                    world.not_live().is_empty()
                })
                .await?;
            }
        }
        self.converged(PATIENCE).await?;
        Ok(())
    }

    /// So many people, as many at each instance: each in two of so many rooms, of which each has people of all instances.
    pub async fn fill(&mut self, people: usize, rooms: u32) -> Result<()> {
        let instances = self.instances.len();
        let place = |number: usize| {
            let room = (number / instances) as u32 % rooms;
            (number % instances, [room, (room + 1) % rooms])
        };
        self.add_all(people, place).await
    }

    /// Waits until something is so. Returns how long that took.
    pub async fn until(
        &self,
        what: &str,
        patience: Duration,
        is_so: impl Fn(&Self) -> bool,
    ) -> Result<Duration> {
        let start = Instant::now();
        while !is_so(self) {
            if start.elapsed() > patience {
                return Err(format!("waited in vain until {what}").into());
            }
            sleep(LOOK).await;
        }
        Ok(start.elapsed())
    }

    /// Waits until everybody sees everybody. Returns how long that took.
    pub async fn converged(&self, patience: Duration) -> Result<Duration> {
        let start = Instant::now();
        let mut last = None;
        loop {
            let looked = Instant::now();
            let differences = self.differences();
            if differences.is_empty() {
                if let Some(last) = last.filter(|_| start.elapsed() > SLOW) {
                    println!("the last to become the same: {last}");
                }
                return Ok(start.elapsed());
            }
            last = differences.last().cloned();
            if start.elapsed() > patience {
                let told = differences[..differences.len().min(TOLD)].join("; ");
                return Err(format!("views differ after {patience:?}: {told}").into());
            }
            // Looking at everything must not be what keeps the machine busy.
            sleep(LOOK.max(looked.elapsed() * 4)).await;
        }
    }

    /// Who is in each room.
    pub fn rooms(&self) -> BTreeMap<u32, BTreeSet<UserId>> {
        let mut rooms: BTreeMap<u32, BTreeSet<UserId>> = BTreeMap::new();
        for person in &self.people {
            for room in &person.rooms {
                rooms.entry(*room).or_default().insert(person.user.clone());
            }
        }
        rooms
    }

    fn not_live(&self) -> Vec<&UserId> {
        let people = self.people.iter().filter(|person| !person.is_live());
        people.map(|person| &person.user).collect()
    }

    /// Where what somebody sees is not what is.
    pub fn differences(&self) -> Vec<String> {
        let rooms = self.rooms();
        let mut differences = Vec::new();
        for person in &self.people {
            if !person.is_live() {
                let state = person.client.state();
                differences.push(format!("{} is {:?}", person.user, state.connection()));
                continue;
            }
            let state = person.client.state();
            for room in &person.rooms {
                let seen = state.rooms.get(room).map(|seen| &seen.present);
                let Some(seen) = seen else { continue };
                if *seen != rooms[room] {
                    let missing: Vec<_> = rooms[room].difference(seen).take(TOLD).collect();
                    let ghosts: Vec<_> = seen.difference(&rooms[room]).take(TOLD).collect();
                    let (user, instance) = (&person.user, person.instance);
                    differences.push(format!(
                        "{user} at {instance} misses {missing:?} and still sees {ghosts:?} in {room}"
                    ));
                }
            }
        }
        differences
    }

    /// Where what somebody new would see at an instance is not what is.
    pub async fn fresh_differences(&self) -> Result<Vec<String>> {
        let mut differences = Vec::new();
        let rooms = self.rooms();
        for (number, instance) in self.instances.iter().enumerate() {
            for (room, people) in &rooms {
                let view = instance.view(*room).await?;
                let seen: BTreeSet<_> = view.members.iter().map(|m| m.user.clone()).collect();
                if seen != *people {
                    let missing: Vec<_> = people.difference(&seen).take(TOLD).collect();
                    let ghosts: Vec<_> = seen.difference(people).take(TOLD).collect();
                    differences.push(format!(
                        "instance {number} misses {missing:?} and shows {ghosts:?} in {room}"
                    ));
                }
            }
        }
        Ok(differences)
    }

    /// From now on it counts what people see come and go.
    pub fn mark(&self) {
        self.people.iter().for_each(Person::mark);
    }

    /// What people saw come and go since the mark: by whom, in which room.
    pub fn changes(&self) -> Vec<(&Person, u32, Change)> {
        let mut changes = Vec::new();
        for person in &self.people {
            let state = person.client.state();
            for (room, seen) in &state.rooms {
                changes.extend(
                    seen.changes
                        .iter()
                        .map(|change| (person, *room, change.clone())),
                );
            }
        }
        changes
    }

    /// How often somebody was seen going, and coming, since the mark, who is not one of `but`.
    pub fn flickers(&self, but: &[UserId]) -> (usize, usize) {
        let changes = self.changes().into_iter();
        let changes = changes.filter(|(_, _, change)| !but.contains(&change.user));
        let (came, gone): (Vec<_>, Vec<_>) = changes.partition(|(_, _, change)| change.came);
        (gone.len(), came.len())
    }

    /// Views that differed from what was sent, over all instances.
    pub async fn divergences(&self) -> Result<u64> {
        let mut all = 0;
        for instance in &self.instances {
            all += instance.stats().await?.divergences;
        }
        Ok(all)
    }
}
