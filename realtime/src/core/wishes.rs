//! What a person wants to be told of, as their page shows it: what they say shows at once, is sent one after the other,
//! and is taken back where the server refuses it.

use std::collections::VecDeque;

use crate::protocol::{PreferenceChange, Preferences};

/// What the person says of a kind in a community, where none means each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The kind.
    pub kind: Option<String>,
    /// The community.
    pub community: Option<String>,
    /// What is changed.
    pub change: PreferenceChange,
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// As the server told it last.
    said: Option<Preferences>,
    /// What it has not answered. The first may be under way.
    pending: VecDeque<Wish>,
    under_way: bool,
}

impl Wishes {
    /// What the server has.
    pub fn begin(&mut self, said: Preferences) {
        self.said = Some(said);
    }

    /// The person says something: it shows at once.
    pub fn say(&mut self, wish: Wish) {
        self.pending.push_back(wish);
    }

    /// What is to be sent now; nothing while something is under way, so that what was said last counts.
    pub fn send(&mut self) -> Option<Wish> {
        if self.under_way {
            return None;
        }
        let wish = self.pending.front().cloned();
        self.under_way = wish.is_some();
        wish
    }

    /// The server has answered what was sent: with what the person wants then, or nothing where it refused.
    pub fn answered(&mut self, said: Option<Preferences>) {
        if std::mem::take(&mut self.under_way) {
            self.pending.pop_front();
        }
        self.said = said.or(self.said.take());
    }

    /// What the person sees; nothing before the server told it.
    #[must_use]
    pub fn shown(&self) -> Option<Preferences> {
        let mut shown = self.said.clone()?;
        for wish in &self.pending {
            shown.change(wish.kind.as_deref(), wish.community.as_deref(), wish.change);
        }
        Some(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn votes(enabled: bool) -> Wish {
        Wish {
            kind: Some("vote".to_owned()),
            community: None,
            change: PreferenceChange::Enabled(Some(enabled)),
        }
    }

    fn shown(wishes: &Wishes) -> Option<bool> {
        wishes.shown().unwrap().said(Some("vote"), None).enabled
    }

    #[test]
    fn what_is_said_shows_at_once_and_what_is_said_last_counts() {
        let mut wishes = Wishes::default();
        assert_eq!(wishes.shown(), None);
        wishes.begin(Preferences::default());
        wishes.say(votes(true));
        wishes.say(votes(false));
        assert_eq!(shown(&wishes), Some(false));
        assert_eq!(wishes.send(), Some(votes(true)));
        assert_eq!(wishes.send(), None, "one after the other");
        let mut said = Preferences::default();
        said.change(Some("vote"), None, votes(true).change);
        wishes.answered(Some(said.clone()));
        assert_eq!(shown(&wishes), Some(false), "the second is to come");
        assert_eq!(wishes.send(), Some(votes(false)));
        said.change(Some("vote"), None, votes(false).change);
        wishes.answered(Some(said));
        assert_eq!((shown(&wishes), wishes.send()), (Some(false), None));
    }

    #[test]
    fn what_is_refused_is_taken_back() {
        let mut wishes = Wishes::default();
        wishes.begin(Preferences::default());
        wishes.say(votes(false));
        wishes.send();
        wishes.answered(None);
        assert_eq!((shown(&wishes), wishes.send()), (None, None));
    }
}
