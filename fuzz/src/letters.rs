//! Scripts as text: a letter for each step, then one character for each of its operands.
//!
//! An operand is the low four bits of its character: `0` to `9` mean themselves, `:` to `?` are 10 to 15, a space is 0.
//! Operands that are missing are 0 too, so that every text is a script.

/// The letters of a script that are still to be read.
pub struct Letters<'a>(std::slice::Iter<'a, u8>);

impl<'a> Letters<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    /// What the next step is.
    pub fn letter(&mut self) -> Option<u8> {
        self.0.next().copied()
    }

    pub fn operand(&mut self) -> u64 {
        self.0.next().map_or(0, |byte| u64::from(byte & 0x0f))
    }

    /// Something that is or is not.
    pub fn flag(&mut self) -> bool {
        self.operand() % 2 == 1
    }

    pub fn operands<const N: usize>(&mut self) -> [u64; N] {
        std::array::from_fn(|_| self.operand())
    }
}

/// Small numbers, and the greatest of all.
#[must_use]
pub fn number(operand: u64) -> u64 {
    if operand == 15 { u64::MAX } else { operand }
}
