//! Which exchange a connection or a lookup belongs to just now.

use crate::net::Token;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Names an exchange of a driver. Not given out twice, so an answer to an old name is never that of a new exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId {
    pub(crate) slot: usize,
    pub(crate) serial: u64,
}

impl ExchangeId {
    /// Names nothing.
    pub(crate) const NONE: Self = Self { slot: usize::MAX, serial: 0 };

    /// A number that is never given out twice by this driver.
    #[must_use]
    pub fn serial(self) -> u64 {
        self.serial
    }
}

/// Tokens of connections that an exchange uses, and of lookups it waits for. An idle connection is not in it, so an
/// event for an unknown token is a late one.
#[derive(Default)]
pub(crate) struct Tokens(HashMap<Token, ExchangeId, BuildHasherDefault<TokenHasher>>);

impl Tokens {
    pub(crate) fn insert(&mut self, token: Token, id: ExchangeId) {
        self.0.insert(token, id);
    }

    pub(crate) fn remove(&mut self, token: Token) {
        self.0.remove(&token);
    }

    pub(crate) fn get(&self, token: Token) -> Option<ExchangeId> {
        self.0.get(&token).copied()
    }
}

/// Tokens are our own counter: nobody can choose them, so a multiplication mixes them well enough.
#[derive(Default)]
pub(crate) struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(usize::from(byte));
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = (self.0 ^ number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_right(23);
    }
}
