//! What was decoded last: what later data may repeat, and what the caller has not got yet.

use super::checksum::Xxh64;
use crate::decode::layer::{Corrupt, Io};

/// The first room that is made for a ring, where it may be so large: two blocks.
const FIRST: usize = 2 * super::MAX_BLOCK;

/// A ring with room for the window of a frame and one block more. It grows with the data: the window that a header asks
/// for is only the most it may have.
#[derive(Default)]
pub(super) struct Window {
    /// What was decoded, from the first byte of the frame on; once it is full, the next byte takes the place of the first.
    ring: Vec<u8>,
    /// The length of a full ring.
    size: usize,
    /// How far back a match may reach.
    reach: usize,
    /// Where the next byte goes.
    at: usize,
    /// Bytes before `at` that the caller has not got.
    pending: usize,
    /// Bytes of this frame so far.
    total: u64,
}

impl Window {
    /// Forgets what is there. Memory is kept: a body may have many frames.
    pub(super) fn begin(&mut self, reach: usize, block: usize) {
        let mut ring = std::mem::take(&mut self.ring);
        ring.clear();
        *self = Self { ring, size: reach + block, reach, ..Self::default() };
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Whether the caller has got everything.
    pub(super) fn is_drained(&self) -> bool {
        self.pending == 0
    }

    /// Hands over what the output has room for, and sums it up.
    pub(super) fn drain(&mut self, io: &mut Io<'_>, sum: Option<&mut Xxh64>) {
        let mark = io.step().written;
        while self.pending > 0 && !io.is_full() {
            let from = self.back(self.pending);
            let ready = self.ring.get(from..self.size.min(from + self.pending)).unwrap_or_default();
            let room = io.room();
            let count = ready.len().min(room.len());
            if let (Some(to), Some(from)) = (room.get_mut(..count), ready.get(..count)) {
                to.copy_from_slice(from);
            }
            io.wrote(count);
            self.pending -= count;
        }
        if let Some(sum) = sum {
            sum.update(io.written_since(mark));
        }
    }

    /// Appends bytes; all that is pending, with them, must fit in one block.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (first, second) = bytes.split_at(bytes.len().min(self.size - self.at));
        for part in [first, second] {
            self.reserve(part.len());
            if let Some(room) = self.ring.get_mut(self.at..self.at + part.len()) {
                room.copy_from_slice(part);
            }
            self.advance(part.len());
        }
    }

    /// Appends one byte so many times.
    pub(super) fn fill(&mut self, byte: u8, mut count: usize) {
        while count > 0 {
            let part = count.min(self.size - self.at);
            self.reserve(part);
            self.ring.get_mut(self.at..self.at + part).unwrap_or_default().fill(byte);
            self.advance(part);
            count -= part;
        }
    }

    /// Appends what was decoded `offset` bytes ago, which may run into itself.
    pub(super) fn repeat(&mut self, offset: usize, mut count: usize) -> Result<(), Corrupt> {
        if offset == 0 || offset > self.reach || offset as u64 > self.total {
            return Err(Corrupt);
        }
        let mut distance = offset;
        while count > 0 {
            let from = self.back(distance);
            let part = count.min(distance).min(self.size - from).min(self.size - self.at);
            self.reserve(part);
            self.ring.copy_within(from..from + part, self.at);
            self.advance(part);
            count -= part;
            if part == distance {
                // What repeats after `distance` bytes does after twice as many.
                distance *= 2;
            }
        }
        Ok(())
    }

    /// The place so many bytes before the next one.
    fn back(&self, distance: usize) -> usize {
        if distance <= self.at { self.at - distance } else { self.at + self.size - distance }
    }

    /// Makes room for the next bytes, as many as there are at most before the end of the full ring.
    fn reserve(&mut self, count: usize) {
        let end = self.at + count;
        let have = self.ring.len();
        if end > have {
            if end > self.ring.capacity() {
                self.ring.reserve_exact(self.size.min(end.max(2 * have).max(FIRST)) - have);
            }
            self.ring.resize(end, 0);
        }
    }

    fn advance(&mut self, count: usize) {
        self.at += count;
        if self.at == self.size {
            self.at = 0;
        }
        self.pending += count;
        self.total += count as u64;
    }
}
