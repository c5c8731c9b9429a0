//! The steps of a session's script: what its page does, what its server does, and what no server should.

use crate::letters::Letters;

/// What happens next.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// `S`: the session is started.
    Start,
    /// `Q<some>`: the shell gives the token that it was asked for, or says that there is none.
    Token(bool),
    /// `O`: the transport says that it is open.
    Opened,
    /// `C`: the connection is lost.
    Closed,
    /// `n<there>`: the machine has a network, or has none any more.
    Network(bool),
    /// `V<visible>`: the page is shown, or hidden.
    Visible(bool),
    /// `U`: the person does something.
    Used,
    /// `>`: time passes until the session's deadline.
    Wait,
    /// `T<n>`: some time passes.
    Pass(u64),
    /// `a<room>`: a page uses a room.
    Acquire(u64),
    /// `v<room><seq>`: a page uses a room that the server has shown it already.
    AcquireShown(u64, u64),
    /// `r<room>`: a page no longer uses a room.
    Release(u64),
    /// `w<room><people><which>`: a page watches people.
    Watch(u64, u64, u64),
    /// `l<room>`: a listener from now on.
    Listen(u64),
    /// `L<room><epoch><seq>`: a listener to everything after a position.
    ListenSince(u64, u64, u64),
    /// `u<n>`: the oldest listener but `n` stops.
    Unlisten(u64),
    /// `y<room><on>`: the person types.
    Typing(u64, bool),
    /// `s<room>`: the person signals.
    Signal(u64),
    /// `i<hides>`: the person hides, or shows themselves again.
    Invisible(bool),
    /// `b`: the session ends for good.
    Bye,
    /// `H<times>`: the server shakes hands.
    Handshake(u64),
    /// `k<code>`: the server takes the session's next command: code 0 does it, all others are errors.
    Command(u64),
    /// `E<room><events>`: something happens in a room, and the session is told.
    Events(u64, u64),
    /// `p<room><events>`: something happens in a room, and what the session is told of it is lost on the way.
    Lost(u64, u64),
    /// `F<room><thing><version>`: a version of a thing is told of, perhaps too late.
    Version(u64, u64, u64),
    /// `D<room><n>`: the last event but `n` is told of again, where the room does not know it any more.
    Again(u64, u64),
    /// `N<room>`: a room's order begins anew, and the session is told.
    Renew(u64),
    /// `P<room><person><how>`: a person comes, changes or goes.
    Presence(u64, u64, u64),
    /// `t<room><person><on>`: somebody types.
    Types(u64, u64, bool),
    /// `X<room>`: somebody signals.
    Signalled(u64),
    /// `R<room><code>`: the server refuses a room.
    Refused(u64, u64),
    /// `G<action><code>`: the server says goodbye.
    Goodbye(u64, u64),
    /// `B<code>`: the server refuses the connection.
    ConnectError(u64),
    /// `g<n>`: a text that is no frame, or one of another version.
    Text(u64),
    /// `A<id><code>`: any acknowledgement.
    AnyAck(u64, u64),
    /// `j<room><outcome><epoch><seq><frame><events>`: any view of a room.
    AnyJoined([u64; 6]),
    /// `e<room><frame><seq><events>`: any frame of a room.
    AnyFrame([u64; 4]),
    /// `z<room><which><people>`: any of the frames without a number.
    AnyUnnumbered([u64; 3]),
}

/// A script is that of a page with tokens where it begins with this letter.
pub const WITH_TOKENS: u8 = b'K';

/// The steps of a script. Characters that begin none are skipped.
pub struct Script<'a>(Letters<'a>);

impl<'a> Script<'a> {
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Letters::new(bytes))
    }
}

impl Iterator for Script<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let from = &mut self.0;
        loop {
            let letter = from.letter()?;
            // Operands are read in the order in which they are written down here.
            return Some(match letter {
                b'S' => Step::Start,
                b'Q' => Step::Token(from.flag()),
                b'O' => Step::Opened,
                b'C' => Step::Closed,
                b'n' => Step::Network(from.flag()),
                b'V' => Step::Visible(from.flag()),
                b'U' => Step::Used,
                b'>' => Step::Wait,
                b'T' => Step::Pass(from.operand()),
                b'a' => Step::Acquire(from.operand()),
                b'v' => Step::AcquireShown(from.operand(), from.operand()),
                b'r' => Step::Release(from.operand()),
                b'w' => Step::Watch(from.operand(), from.operand(), from.operand()),
                b'l' => Step::Listen(from.operand()),
                b'L' => Step::ListenSince(from.operand(), from.operand(), from.operand()),
                b'u' => Step::Unlisten(from.operand()),
                b'y' => Step::Typing(from.operand(), from.flag()),
                b's' => Step::Signal(from.operand()),
                b'i' => Step::Invisible(from.flag()),
                b'b' => Step::Bye,
                b'H' => Step::Handshake(from.operand()),
                b'k' => Step::Command(from.operand()),
                b'E' => Step::Events(from.operand(), from.operand()),
                b'p' => Step::Lost(from.operand(), from.operand()),
                b'F' => Step::Version(from.operand(), from.operand(), from.operand()),
                b'D' => Step::Again(from.operand(), from.operand()),
                b'N' => Step::Renew(from.operand()),
                b'P' => Step::Presence(from.operand(), from.operand(), from.operand()),
                b't' => Step::Types(from.operand(), from.operand(), from.flag()),
                b'X' => Step::Signalled(from.operand()),
                b'R' => Step::Refused(from.operand(), from.operand()),
                b'G' => Step::Goodbye(from.operand(), from.operand()),
                b'B' => Step::ConnectError(from.operand()),
                b'g' => Step::Text(from.operand()),
                b'A' => Step::AnyAck(from.operand(), from.operand()),
                b'j' => Step::AnyJoined(from.operands()),
                b'e' => Step::AnyFrame(from.operands()),
                b'z' => Step::AnyUnnumbered(from.operands()),
                _ => continue,
            });
        }
    }
}
