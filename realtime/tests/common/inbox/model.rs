//! What should be in an inbox: the rules in a few plain lines, without a database, to be compared with it.

use std::collections::{BTreeMap, BTreeSet};

use leptos_realtime::{Mark, NotificationData, protocol::WireNotification};

use super::Told;

/// A notification, as far as the rules say what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub data: Told,
    pub count: u32,
    pub actors: BTreeSet<String>,
    pub seen: bool,
    pub read: bool,
    pub archived: bool,
    pub open: bool,
    pub change: u64,
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub change: u64,
    pub rows: BTreeMap<u64, Row>,
}

impl Model {
    /// The row that something told now would be in: an open one, or the one of this number.
    pub fn row_of(&self, kind: u8, subject: Option<u8>, number: u64) -> u64 {
        let fits = |(_, row): &(&u64, &Row)| {
            row.open && subject.is_some() && row.data.kind == kind && row.data.subject == subject
        };
        self.rows.iter().find(fits).map_or(number, |(row, _)| *row)
    }

    /// Something was told.
    pub fn told(&mut self, data: Told, actor: Option<&str>) {
        self.change += 1;
        let row = self.rows.entry(data.row).or_insert_with(|| Row {
            data: data.clone(),
            count: 0,
            actors: BTreeSet::new(),
            seen: false,
            read: false,
            archived: false,
            open: data.subject.is_some(),
            change: 0,
        });
        row.data = data;
        row.count += 1;
        row.seen = false;
        row.change = self.change;
        row.actors.extend(actor.map(str::to_owned));
    }

    /// A mark was put on some.
    pub fn marked(&mut self, rows: &[u64], mark: Mark) {
        let change = self.change + 1;
        for row in rows {
            let row = self
                .rows
                .get_mut(row)
                .expect("only what was told is marked");
            let does = match mark {
                Mark::Read => !row.read,
                Mark::Unread => row.read,
                Mark::Seen => !row.seen,
                Mark::Archived => !row.archived,
                Mark::Unarchived => row.archived,
            };
            if !does {
                continue;
            }
            match mark {
                Mark::Read => (row.read, row.seen, row.open) = (true, true, false),
                Mark::Unread => row.read = false,
                Mark::Seen => row.seen = true,
                Mark::Archived => (row.archived, row.open) = (true, false),
                Mark::Unarchived => row.archived = false,
            }
            row.change = change;
            self.change = change;
        }
    }

    /// Everything up to a change was read.
    pub fn all_read(&mut self, up_to: u64) {
        let change = self.change + 1;
        for row in self.rows.values_mut() {
            if !row.read && !row.archived && row.change <= up_to {
                (row.read, row.seen, row.open) = (true, true, false);
                row.change = change;
                self.change = change;
            }
        }
    }

    pub fn unread(&self) -> usize {
        let unread = |row: &&Row| !row.read && !row.archived;
        self.rows.values().filter(unread).count()
    }

    /// Where the database's list, with what was put away, is another one.
    pub fn differences(&self, stored: &[WireNotification]) -> Vec<String> {
        let mut differences = Vec::new();
        let mut missing: BTreeSet<u64> = self.rows.keys().copied().collect();
        for one in stored {
            let data: Told = serde_json::from_value(one.data.clone()).unwrap();
            if !missing.remove(&data.row) {
                differences.push(format!("{} is there twice, or should not be", one.id));
                continue;
            }
            let row = &self.rows[&data.row];
            let found = Row {
                count: one.count,
                // The names of three are told; how many there are is.
                actors: row.actors.clone(),
                seen: one.seen.is_some(),
                read: one.read.is_some(),
                archived: one.archived.is_some(),
                open: row.open,
                change: one.change,
                data,
            };
            let named = one
                .actors
                .iter()
                .all(|actor| row.actors.contains(&actor.name));
            if found != *row || !named || one.actor_count as usize != row.actors.len() {
                differences.push(format!("{one:?} should be {row:?}"));
            }
            if one.kind != row.data.kind() {
                differences.push(format!("{} is of the kind {}", one.id, one.kind));
            }
        }
        differences.extend(missing.iter().map(|row| format!("{row} is missing")));
        differences
    }
}
