//! What a room's viewers were shown, frame by frame.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::people::People;
use crate::protocol::{Digest, Member, UnixMillis, User, UserId};

/// How many frames back a viewer's digest can be compared.
const DIGESTS: usize = 64;

/// Which people of a room its viewers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// The most people who are shown one by one. With more the room is large: viewers are shown their number, the
    /// first of them, and those whom each of them watches.
    pub large: usize,
    /// How many people are shown in a large room.
    pub page: usize,
}

impl Default for Crowd {
    fn default() -> Self {
        Self {
            large: 200,
            page: 50,
        }
    }
}

/// What the viewers have been shown, up to frame `frame`. All are shown the same; what is different for each of them
/// goes beside it.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) frame: u64,
    pub(super) members: BTreeMap<UserId, Member>,
    /// The number of people, where the members do not tell it.
    pub(super) count: Option<u32>,
    pub(super) guests: u32,
    pub(super) typing: Vec<User>,
    pub(super) last_seen: Option<UnixMillis>,
    digest: Digest,
    digests: VecDeque<(u64, Digest)>,
}

/// The people of the next frame.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) members: Vec<Member>,
    pub(super) gone: Vec<UserId>,
    pub(super) count: Option<u32>,
    pub(super) guests: Option<u32>,
}

impl Difference {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
            && self.gone.is_empty()
            && self.count.is_none()
            && self.guests.is_none()
    }
}

impl Shown {
    /// Whether the room is shown as a large one from now on. It does not go to and fro at the border.
    fn is_large(&self, people: &People, crowd: Crowd) -> bool {
        let border = match self.count {
            None => crowd.large,
            Some(_) => crowd.large - crowd.large / 5,
        };
        people.count() > border
    }

    /// Whether all viewers have to be shown the room anew, because it became large or is not any more.
    pub(super) fn turns(&self, people: &People, crowd: Crowd) -> bool {
        self.is_large(people, crowd) != self.count.is_some()
    }

    /// Shows everything as it is now.
    pub(super) fn anew(&mut self, people: &People, crowd: Crowd) {
        let large = self.is_large(people, crowd);
        self.count = large.then_some(people.count() as u32);
        self.members = match large {
            true => page(people, crowd),
            false => people
                .all_visible()
                .map(|member| (member.user.clone(), member.clone()))
                .collect(),
        };
        self.guests = people.guests();
        self.digest = Digest::default();
        for member in self.members.values() {
            self.digest.add(member);
        }
        self.next_frame();
    }

    /// Shows what changed of these people.
    pub(super) fn change(
        &mut self,
        people: &People,
        touched: &BTreeSet<UserId>,
        crowd: Crowd,
    ) -> Difference {
        let mut difference = Difference::default();
        if self.count.is_none() {
            for user in touched {
                self.show(user, people.visible(user).cloned(), &mut difference);
            }
        } else if !touched.is_empty() {
            let page = page(people, crowd);
            let left: Vec<UserId> = self
                .members
                .keys()
                .filter(|user| !page.contains_key(*user))
                .cloned()
                .collect();
            for user in left {
                self.show(&user, None, &mut difference);
            }
            for (user, member) in page {
                self.show(&user, Some(member), &mut difference);
            }
            let count = people.count() as u32;
            if self.count != Some(count) {
                self.count = Some(count);
                difference.count = self.count;
            }
        }
        let guests = people.guests();
        if guests != self.guests {
            self.guests = guests;
            difference.guests = Some(guests);
        }
        difference
    }

    fn show(&mut self, user: &UserId, member: Option<Member>, difference: &mut Difference) {
        match member {
            Some(member) if self.members.get(user) != Some(&member) => {
                self.digest.add(&member);
                difference.members.push(member.clone());
                if let Some(before) = self.members.insert(user.clone(), member) {
                    self.digest.remove(&before);
                }
            }
            Some(_) => {}
            None => {
                if let Some(before) = self.members.remove(user) {
                    self.digest.remove(&before);
                    difference.gone.push(user.clone());
                }
            }
        }
    }

    /// Counts a frame, and notes what the viewers see with it.
    pub(super) fn next_frame(&mut self) {
        self.frame += 1;
        let count = self.count.unwrap_or(self.members.len() as u32);
        let digest = self.digest.with_numbers(self.guests, count);
        self.digests.push_back((self.frame, digest));
        if self.digests.len() > DIGESTS {
            self.digests.pop_front();
        }
    }

    /// What was shown with a frame, if that is not too long ago.
    pub(super) fn digest_at(&self, frame: u64) -> Option<Digest> {
        let found = self.digests.iter().rev().find(|(at, _)| *at == frame);
        found.map(|(_, digest)| *digest)
    }
}

/// The people whom a large room shows: those who came first, because they change the least.
fn page(people: &People, crowd: Crowd) -> BTreeMap<UserId, Member> {
    people
        .by_arrival(None)
        .take(crowd.page)
        .map(|member| (member.user.clone(), member.clone()))
        .collect()
}
