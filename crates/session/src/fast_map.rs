//! A hash map for keys that are numbers of our own making.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Keys must not be chosen by anybody who gains from collisions: indices, exchange names, and routes (which carry
/// their hash with them).
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<Fold>>;

/// Folds numbers into one by multiplication: a fifth of the work of the standard hasher, which withstands attackers.
#[derive(Default)]
pub(crate) struct Fold(u64);

/// 2^64 divided by the golden ratio: it spreads neighbours over the upper bits, the ones that tables look at first.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Fold {
    /// From a number that others do not know.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(rest.len() as u64, |last, byte| (last << 8) | u64::from(*byte));
        self.write_u64(last);
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(23) ^ n).wrapping_mul(SPREAD);
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn finish(&self) -> u64 {
        // The lower bits choose the bucket.
        self.0 ^ (self.0 >> 32)
    }
}
