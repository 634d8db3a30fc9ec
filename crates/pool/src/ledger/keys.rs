//! How keys are found: by the hash they bring along.

use std::hash::{BuildHasherDefault, Hasher};

/// A hash map of keys. A key that hashes itself once, and well, is not hashed again on every claim.
pub(super) type Keys<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<KeyHasher>>;

/// Takes a `u64` as it is and folds anything else. The keys of a pool write one `u64` from a randomly seeded hash,
/// so that nobody can choose origins that collide.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 ^= hash;
    }
}
