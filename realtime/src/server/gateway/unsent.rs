//! What waits to be written to a client: how many messages, and how many bytes.
//!
//! socketioxide does not tell how full its buffer is, and ends a connection whose ping finds no place in it. So the
//! messages are counted here as they are queued, and the bytes as the stream takes them.

use std::collections::VecDeque;

/// The messages queued and not yet written, in order.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// The bytes of each that the stream has not taken.
    messages: VecDeque<usize>,
    bytes: usize,
}

impl Unsent {
    /// A text message of so many bytes was queued.
    pub(super) fn queued(&mut self, text: usize) {
        let length = text + header(text);
        self.messages.push_back(length);
        self.bytes += length;
    }

    /// The stream took so many bytes. Those of pings and the like were not queued here: they count as the next
    /// message's, so that a little less is known to wait than does, never more, and the error ends with the queue.
    pub(super) fn wrote(&mut self, mut count: usize) {
        while let Some(first) = self.messages.front_mut() {
            let taken = count.min(*first);
            *first -= taken;
            self.bytes -= taken;
            count -= taken;
            if *first > 0 {
                return;
            }
            self.messages.pop_front();
        }
    }

    /// How many messages wait, one of which may be written in part.
    pub(super) fn messages(&self) -> usize {
        self.messages.len()
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The length of a WebSocket frame's header, without a mask: RFC 6455, section 5.2.
fn header(payload: usize) -> usize {
    match payload {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_wait_until_their_last_byte_is_taken() {
        let mut unsent = Unsent::default();
        unsent.queued(100);
        unsent.queued(1_000);
        assert_eq!((unsent.messages(), unsent.bytes()), (2, 102 + 1_004));
        unsent.wrote(101);
        assert_eq!((unsent.messages(), unsent.bytes()), (2, 1 + 1_004));
        unsent.wrote(2);
        assert_eq!((unsent.messages(), unsent.bytes()), (1, 1_003));
        unsent.wrote(1_003);
        assert_eq!((unsent.messages(), unsent.bytes()), (0, 0));
    }

    #[test]
    fn what_was_not_queued_leaves_no_error_behind() {
        let mut unsent = Unsent::default();
        unsent.wrote(500);
        unsent.queued(70_000);
        unsent.wrote(3);
        unsent.wrote(70_010);
        assert_eq!((unsent.messages(), unsent.bytes()), (0, 0));
    }
}
