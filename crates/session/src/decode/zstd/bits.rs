//! Bit streams (RFC 8878 §4.1, §4.2): most are read backwards, from the last bit to the first; table descriptions
//! are read forwards.

use crate::decode::layer::Corrupt;

/// A stream that is read from its end. The last byte has a one bit above the last bit of data, to mark where that is.
#[derive(Clone, Copy)]
pub(super) struct Backward<'a> {
    bytes: &'a [u8],
    /// Bits that are not read yet. Below zero once more were read than there are: those were zeros.
    left: isize,
}

impl<'a> Backward<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let last = bytes.last().copied().filter(|last| *last != 0).ok_or(Corrupt)?;
        let padding = last.leading_zeros() as usize + 1;
        let left = isize::try_from(bytes.len() * 8 - padding).map_err(|_| Corrupt)?;
        Ok(Self { bytes, left })
    }

    /// The next `count` bits, at most 32, without reading them. Zeros stand where the stream has ended.
    #[inline]
    pub(super) fn peek(&self, count: u8) -> u32 {
        let first = self.left - isize::from(count);
        if first < 0 {
            return self.peek_past_the_end(count);
        }
        let first = first as usize;
        let word = match self.bytes.get(first / 8..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(eight) => u64::from_le_bytes(*eight),
            None => little_endian(self.bytes.get(first / 8..).unwrap_or_default()),
        };
        ((word >> (first % 8)) & ((1 << count) - 1)) as u32
    }

    #[cold]
    fn peek_past_the_end(&self, count: u8) -> u32 {
        let Ok(left) = u8::try_from(self.left) else { return 0 };
        let missing = count - left;
        if missing >= 32 { 0 } else { self.peek(left) << missing }
    }

    #[inline]
    pub(super) fn skip(&mut self, count: u8) {
        self.left -= isize::from(count);
    }

    #[inline]
    pub(super) fn read(&mut self, count: u8) -> u32 {
        let value = self.peek(count);
        self.skip(count);
        value
    }

    /// Whether more was read than there is.
    #[inline]
    pub(super) fn is_overdrawn(&self) -> bool {
        self.left < 0
    }

    /// Whether all was read, and no more.
    pub(super) fn is_used_up(&self) -> bool {
        self.left == 0
    }
}

/// A stream that is read from its start, low bits first.
pub(super) struct Forward<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Forward<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` bits, at most 16.
    pub(super) fn read(&mut self, count: u8) -> Result<u32, Corrupt> {
        let end = self.at + usize::from(count);
        if end > self.bytes.len() * 8 {
            return Err(Corrupt);
        }
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = little_endian(rest) >> (self.at % 8);
        self.at = end;
        Ok((word & ((1 << count) - 1)) as u32)
    }

    /// Takes the last bit back.
    pub(super) fn unread_bit(&mut self) {
        self.at -= 1;
    }

    /// How many bytes were begun.
    pub(super) fn used(&self) -> usize {
        self.at.div_ceil(8)
    }
}

/// Up to eight bytes as a number, low byte first.
pub(super) fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}
