//! What a scenario found: its figures, and what should not have happened.

use std::time::Duration;

use leptos_realtime::UserId;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Result, world::World};

/// How many of many like things are told.
const TOLD: usize = 5;

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Report {
    pub figures: Map<String, Value>,
    pub broken: Vec<String>,
    /// Whether only counts are looked at: on a busy machine times say nothing.
    pub short: bool,
}

impl Report {
    /// Another figure.
    pub fn figure(&mut self, name: &str, value: impl Serialize) {
        self.figures.insert(name.to_owned(), json!(value));
    }

    /// More of a figure.
    pub fn add(&mut self, name: &str, more: usize) {
        let before = self.figures.get(name).and_then(Value::as_u64);
        self.figure(name, before.unwrap_or_default() + more as u64);
    }

    /// One more figure of a kind.
    pub fn append(&mut self, name: &str, value: impl Serialize) {
        let figures = self.figures.entry(name).or_insert_with(|| json!([]));
        if let Some(figures) = figures.as_array_mut() {
            figures.push(json!(value));
        }
    }

    /// A figure that must be this one.
    pub fn expect<T: Serialize + PartialEq>(&mut self, name: &str, value: T, expected: T) {
        if value != expected {
            let (value, expected) = (json!(value), json!(expected));
            self.wrong(format!("{name} is {value}, not {expected}"));
        }
        self.figure(name, value);
    }

    /// Nobody but these was to be seen coming or going since the mark: how often somebody was, also where that is asked
    /// several times.
    pub fn nobody<R>(&mut self, when: &str, world: &World<R>, but: &[UserId]) {
        let (gone, came) = world.flickers(but);
        self.add("leaves", gone);
        self.add("joins", came);
        if (gone, came) == (0, 0) {
            return;
        }
        for (person, room, change) in world.changes().into_iter().take(TOLD) {
            let what = if change.came { "come" } else { "leave" };
            let ago = change.at.elapsed();
            println!(
                "{} at {} saw {} {what} in {room}, {ago:?} ago",
                person.user, person.instance, change.user
            );
        }
        self.wrong(format!(
            "{when}: {gone} times somebody was seen leaving, {came} times coming"
        ));
    }

    /// A time, in seconds, that must not be longer.
    pub fn within(&mut self, name: &str, value: Duration, bound: Duration) {
        if value > bound && !self.short {
            self.wrong(format!("{name} is {value:?}, more than {bound:?}"));
        }
        self.figure(name, rounded(value.as_secs_f64()));
    }

    /// Something that should not have happened.
    pub fn wrong(&mut self, what: String) {
        println!("broken: {what}");
        self.broken.push(what);
    }

    /// Things that should not have happened, and how many, also where that is asked several times.
    pub fn all_wrong(&mut self, name: &str, wrong: Vec<String>) {
        self.add(name, wrong.len());
        for what in wrong.into_iter().take(TOLD) {
            self.wrong(what);
        }
    }

    /// What is waited for within a bound, and told as a figure, in seconds.
    pub fn waited(&mut self, name: &str, waited: Result<Duration>, bound: Duration) {
        match waited {
            Ok(time) => self.within(name, time, bound),
            Err(error) => self.wrong(format!("{name}: {error}")),
        }
    }
}

pub fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// The time below which so many of a hundred are, in milliseconds.
pub fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let index = times.len().saturating_sub(1) * percent / 100;
    let time = times.get(index).copied().unwrap_or_default();
    rounded(time.as_secs_f64() * 1_000.0)
}
