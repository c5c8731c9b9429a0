//! Scripts: a letter for each step, then one character for each of its operands.
//!
//! An operand is the low four bits of its character: `0` to `9` mean themselves, `:` to `?` are 10 to 15. Characters
//! that begin no step are skipped, and operands that are missing are 0, so that every text is a script.

/// What happens next.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// `S`: the session is started.
    Start,
    /// `O`: the transport says that it is open.
    Opened,
    /// `C`: the connection is lost.
    Closed,
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
    /// `l<room>`: a listener from now on.
    Listen(u64),
    /// `L<room><epoch><seq>`: a listener to everything after a position.
    ListenSince(u64, u64, u64),
    /// `u<n>`: the oldest listener but `n` stops.
    Unlisten(u64),
    /// `y<room><on>`: the person types.
    Typing(u64, u64),
    /// `b`: the session ends for good.
    Bye,
    /// `H`: the server shakes hands.
    Handshake,
    /// `J<room>`: the server answers the last join.
    Joined(u64),
    /// `E<room><events>`: something happens in a room, and the session is told.
    Frame(u64, u64),
    /// `p<room><events>`: something happens in a room, and the session's frame is lost on the way.
    Lost(u64, u64),
    /// `N<room>`: a room's order begins anew, and the session is told.
    Renew(u64),
    /// `R<room><code>`: the server refuses a room.
    Refused(u64, u64),
    /// `G<action><code>`: the server says goodbye.
    Goodbye(u64, u64),
    /// `B<code>`: the server refuses the connection.
    ConnectError(u64),
    /// `A<id><code>`: the server acknowledges a command: code 0 is well, all others are errors.
    Ack(u64, u64),
    /// `j<room><outcome><epoch><seq><frame><events>`: any view of a room.
    AnyJoined([u64; 6]),
    /// `e<room><frame><seq><events>`: any frame of a room.
    AnyFrame([u64; 4]),
    /// `g<n>`: a text that is no frame.
    Text(u64),
}

/// The steps of a script.
pub struct Script<'a>(std::slice::Iter<'a, u8>);

impl<'a> Script<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    fn operand(&mut self) -> u64 {
        self.0.next().map_or(0, |byte| u64::from(byte & 0x0f))
    }

    fn operands<const N: usize>(&mut self) -> [u64; N] {
        std::array::from_fn(|_| self.operand())
    }
}

impl Iterator for Script<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            let letter = *self.0.next()?;
            // Operands are read in the order in which they are written down here.
            return Some(match letter {
                b'S' => Step::Start,
                b'O' => Step::Opened,
                b'C' => Step::Closed,
                b'>' => Step::Wait,
                b'T' => Step::Pass(self.operand()),
                b'a' => Step::Acquire(self.operand()),
                b'v' => Step::AcquireShown(self.operand(), self.operand()),
                b'r' => Step::Release(self.operand()),
                b'l' => Step::Listen(self.operand()),
                b'L' => Step::ListenSince(self.operand(), self.operand(), self.operand()),
                b'u' => Step::Unlisten(self.operand()),
                b'y' => Step::Typing(self.operand(), self.operand()),
                b'b' => Step::Bye,
                b'H' => Step::Handshake,
                b'J' => Step::Joined(self.operand()),
                b'E' => Step::Frame(self.operand(), self.operand()),
                b'p' => Step::Lost(self.operand(), self.operand()),
                b'N' => Step::Renew(self.operand()),
                b'R' => Step::Refused(self.operand(), self.operand()),
                b'G' => Step::Goodbye(self.operand(), self.operand()),
                b'B' => Step::ConnectError(self.operand()),
                b'A' => Step::Ack(self.operand(), self.operand()),
                b'j' => Step::AnyJoined(self.operands()),
                b'e' => Step::AnyFrame(self.operands()),
                b'g' => Step::Text(self.operand()),
                _ => continue,
            });
        }
    }
}
