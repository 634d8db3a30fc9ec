//! Faults on request: fragments, short writes, spurious readiness, interrupted calls, failing `connect`s.
//!
//! All chance comes from one seeded generator, so a run that failed can be run again.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// How bytes are cut on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fragments {
    /// Not at all: what is sent at one time arrives together, as far as the buffers allow.
    #[default]
    Whole,
    /// One byte at a time.
    Bytes,
    /// In pieces from one byte to some kilobytes, chosen by the seed.
    Random,
}

impl Fragments {
    /// How many of `available` bytes make the next piece: at least 1 where there is one.
    pub(super) fn cut(self, available: usize, rng: &mut Rng) -> usize {
        match self {
            Self::Whole => available,
            Self::Bytes => available.min(1),
            Self::Random => {
                // First the order of magnitude, then the size: small pieces are the interesting ones.
                let magnitude = 1 << rng.below(14);
                available.min(1 + rng.below(magnitude))
            }
        }
    }
}

/// What goes wrong in a world, and how large the kernel's buffers are.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) arriving: Fragments,
    pub(super) writes: Fragments,
    /// Out of 1000 waits and reads, how many report what is not so.
    pub(super) spurious: u32,
    /// Out of 1000 reads and writes, how many are interrupted.
    pub(super) interrupts: u32,
    pub(super) jitter: Duration,
    pub(super) connect_errors: VecDeque<io::Error>,
    pub(super) reset_keeps_data: bool,
    pub(super) send_buffer: usize,
    pub(super) receive_buffer: usize,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            arriving: Fragments::Whole,
            writes: Fragments::Whole,
            spurious: 0,
            interrupts: 0,
            jitter: Duration::ZERO,
            connect_errors: VecDeque::new(),
            reset_keeps_data: false,
            // Smaller than any bulk body, larger than any head: both sides of the limit are met.
            send_buffer: 64 * 1024,
            receive_buffer: 64 * 1024,
        }
    }
}

/// A small generator (SplitMix64): the same numbers for the same seed on every platform.
#[derive(Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// True `per_mille` times out of 1000. Draws nothing for 0, so that a fault not asked for changes no run.
    pub(super) fn chance(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.next() % 1000 < u64::from(per_mille)
    }

    /// A time from zero to `most`.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        match u64::try_from(most.as_nanos()) {
            Ok(0) | Err(_) => Duration::ZERO,
            Ok(nanos) => Duration::from_nanos(self.next() % nanos.saturating_add(1)),
        }
    }

    pub(super) fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *to = from;
            }
        }
    }
}
