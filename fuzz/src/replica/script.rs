//! The steps of a replica's script.

use crate::letters::Letters;

/// What happens next.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// `e<n>`: events.
    Events(u64),
    /// `x<n>`: events of which the replica is not told.
    LostEvents(u64),
    /// `p<person><tab><how>`: a tab comes, changes or goes.
    Presence([u64; 3]),
    /// `q<person><tab><how>`: the same, and the replica is not told.
    LostPresence([u64; 3]),
    /// `t<person><on>`: somebody types.
    Typing(u64, bool),
    /// `s`: somebody signals.
    Signal,
    /// `d`: the last message comes once more.
    Twice,
    /// `N<keeps>`: the broker's order begins anew, with the same people or with none.
    Renew(bool),
    /// `R`: the replica is read again.
    Reload,
    /// `f`: what changed is shown.
    Flush,
    /// `j<viewer>`: a viewer joins again.
    Join(u64),
    /// `T<n>`: some time passes.
    Pass(u64),
    /// `c<n>`: no more than so many events are kept.
    Trim(u64),
    /// `l<n>`: it becomes known when the room's person was last seen.
    LastSeen(u64),
    /// `E<epoch><seq>`: any event.
    AnyEvent([u64; 2]),
    /// `P<epoch><version><person><how>`: any change.
    AnyPresence([u64; 4]),
    /// `Z<epoch><seq><version><events><people>`: the replica is read again, and is anything.
    AnyReload([u64; 5]),
}

/// The steps of a script. Characters that begin none are skipped.
pub struct Script<'a>(Letters<'a>);

impl<'a> Script<'a> {
    #[must_use]
    pub fn new(letters: Letters<'a>) -> Self {
        Self(letters)
    }
}

impl Iterator for Script<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let from = &mut self.0;
        loop {
            let letter = from.letter()?;
            return Some(match letter {
                b'e' => Step::Events(from.operand()),
                b'x' => Step::LostEvents(from.operand()),
                b'p' => Step::Presence(from.operands()),
                b'q' => Step::LostPresence(from.operands()),
                b't' => Step::Typing(from.operand(), from.flag()),
                b's' => Step::Signal,
                b'd' => Step::Twice,
                b'N' => Step::Renew(from.flag()),
                b'R' => Step::Reload,
                b'f' => Step::Flush,
                b'j' => Step::Join(from.operand()),
                b'T' => Step::Pass(from.operand()),
                b'c' => Step::Trim(from.operand()),
                b'l' => Step::LastSeen(from.operand()),
                b'E' => Step::AnyEvent(from.operands()),
                b'P' => Step::AnyPresence(from.operands()),
                b'Z' => Step::AnyReload(from.operands()),
                _ => continue,
            });
        }
    }
}
