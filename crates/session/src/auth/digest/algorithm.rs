//! The hashes that Digest is made of.

use md5::Md5;
use sha2::digest::Digest as _;
use sha2::{Sha256, Sha512_256};
use std::fmt::Write as _;

/// The hashes of RFC 7616 §6.1, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

/// A hash, and whether the key is made once for each nonce (`-sess`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Algorithm {
    pub(super) hash: Hash,
    pub(super) session: bool,
}

impl Algorithm {
    /// By its name in a challenge. Without one it is MD5.
    pub(super) fn named(name: Option<&str>) -> Option<Self> {
        let Some(name) = name else { return Some(Self { hash: Hash::Md5, session: false }) };
        let name = name.to_ascii_uppercase();
        let (name, session) = match name.strip_suffix("-SESS") {
            Some(plain) => (plain, true),
            None => (&*name, false),
        };
        let hash = match name {
            "MD5" => Hash::Md5,
            "SHA-256" => Hash::Sha256,
            "SHA-512-256" => Hash::Sha512_256,
            _ => return None,
        };
        Some(Self { hash, session })
    }
}

/// A hash that is being computed.
pub(super) enum Hasher {
    Md5(Md5),
    Sha256(Sha256),
    Sha512_256(Sha512_256),
}

impl Hash {
    pub(super) fn begin(self) -> Hasher {
        match self {
            Self::Md5 => Hasher::Md5(Md5::new()),
            Self::Sha256 => Hasher::Sha256(Sha256::new()),
            Self::Sha512_256 => Hasher::Sha512_256(Sha512_256::new()),
        }
    }

    /// The hash of the parts with colons between them.
    pub(super) fn of(self, parts: &[&[u8]]) -> String {
        let mut hasher = self.begin();
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                hasher.update(b":");
            }
            hasher.update(part);
        }
        hasher.finish()
    }
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512_256(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn finish(self) -> String {
        match self {
            Self::Md5(hasher) => hex(&hasher.finalize()),
            Self::Sha256(hasher) => hex(&hasher.finalize()),
            Self::Sha512_256(hasher) => hex(&hasher.finalize()),
        }
    }
}

/// In lower case, as RFC 7616 §3.1 wants it.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_9_the_algorithms_by_name() {
        let of = |hash, session| Some(Algorithm { hash, session });
        for (name, expected) in [
            (None, of(Hash::Md5, false)),
            (Some("MD5"), of(Hash::Md5, false)),
            (Some("md5-SESS"), of(Hash::Md5, true)),
            (Some("SHA-256"), of(Hash::Sha256, false)),
            (Some("SHA-256-sess"), of(Hash::Sha256, true)),
            (Some("SHA-512-256"), of(Hash::Sha512_256, false)),
            (Some("sha-512-256-sess"), of(Hash::Sha512_256, true)),
            (Some("SHA"), None),
            (Some("SHA-512"), None),
            (Some(""), None),
            (Some("MD5-sess-sess"), None),
        ] {
            assert_eq!(Algorithm::named(name), expected, "{name:?}");
        }
    }

    /// The published test vectors of the hashes for "abc" (RFC 1321, FIPS 180-4).
    #[test]
    fn the_hashes_are_the_right_ones() {
        for (hash, expected) in [
            (Hash::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Hash::Sha512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
        ] {
            assert_eq!(hash.of(&[b"abc"]), expected);
        }
    }
}
