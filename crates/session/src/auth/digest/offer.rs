//! A Digest challenge that can be answered.

use super::algorithm::Algorithm;
use crate::auth::Challenge;
use crate::response::Head;

/// What a server offers in one challenge (RFC 7616 §3.3). Its texts are the server's choice and may hold any octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) realm: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    pub(super) opaque: Option<Vec<u8>>,
    pub(super) algorithm: Algorithm,
    /// As the server spelled it; none where it said nothing.
    pub(super) algorithm_name: Option<String>,
    pub(super) protection: Protection,
    /// The server wants the hash of the user.
    pub(super) userhash: bool,
    /// The server knows users that are not ASCII.
    pub(super) utf8: bool,
    /// Only the nonce was wrong.
    pub(super) stale: bool,
}

/// What `qop` offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// It is absent: the form of RFC 2069.
    Old,
    /// `auth`, perhaps beside others. It is taken where it is offered: `auth-int` keeps nobody from changing a request
    /// who can change the offer, which nothing protects.
    Auth,
    /// `auth-int` and not `auth`.
    Body,
}

impl Offer {
    /// The offer with the strongest hash, the first of several.
    pub(super) fn best(head: &Head) -> Option<Self> {
        let offers = Challenge::all(head).into_iter().filter_map(|challenge| Self::of(&challenge));
        offers.reduce(|best, next| if next.algorithm.hash > best.algorithm.hash { next } else { best })
    }

    /// `None` for another scheme, for algorithms and protections that are not known, and for what is incomplete.
    pub(super) fn of(challenge: &Challenge) -> Option<Self> {
        if !challenge.is("Digest") {
            return None;
        }
        let word = |name: &str| challenge.param(name).and_then(|value| str::from_utf8(value).ok());
        let is =
            |name: &str, wanted: &str| word(name).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
        if challenge.param("algorithm").is_some() && word("algorithm").is_none() {
            return None;
        }
        Some(Self {
            realm: challenge.param("realm")?.to_vec(),
            nonce: challenge.param("nonce")?.to_vec(),
            opaque: challenge.param("opaque").map(<[u8]>::to_vec),
            algorithm: Algorithm::named(word("algorithm"))?,
            algorithm_name: word("algorithm").map(str::to_owned),
            protection: Protection::of(challenge.param("qop"))?,
            userhash: is("userhash", "true"),
            utf8: is("charset", "UTF-8"),
            stale: is("stale", "true"),
        })
    }

    /// Whether it is for the same realm with the same nonce.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.nonce == other.nonce && self.realm == other.realm && self.algorithm == other.algorithm
    }
}

impl Protection {
    /// As an answer names it; the form of RFC 2069 says nothing.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Old => None,
            Self::Auth => Some("auth"),
            Self::Body => Some("auth-int"),
        }
    }

    fn of(qop: Option<&[u8]>) -> Option<Self> {
        let qop = qop.unwrap_or_default();
        let offers = |wanted: &str| {
            qop.split(|b| matches!(b, b',' | b' ' | b'\t'))
                .any(|word| word.eq_ignore_ascii_case(wanted.as_bytes()))
        };
        match qop {
            [] => Some(Self::Old),
            _ if offers("auth") => Some(Self::Auth),
            _ if offers("auth-int") => Some(Self::Body),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::algorithm::Hash;
    use super::*;

    fn offer(text: &str) -> Option<Offer> {
        Challenge::parse(text).iter().find_map(Offer::of)
    }

    #[test]
    fn t_9_what_cannot_be_answered_is_no_offer() {
        for text in [
            "Basic realm=x",
            "Digest nonce=n",
            "Digest realm=x",
            "Digest realm=x, nonce=n, algorithm=SHA-1",
            "Digest realm=x, nonce=n, algorithm=\"\u{a0}\"",
            "Digest realm=x, nonce=n, qop=token",
        ] {
            assert_eq!(offer(text), None, "{text}");
        }
    }

    #[test]
    fn t_11_the_parameters_are_read_in_any_case_and_order() {
        let found = offer(
            r#"dIGEST STALE=True, charset=utf-8, userHash=TRUE, NONCE="n", realm="", qop="auth-int, AUTH""#,
        );
        let found = found.unwrap();
        assert!(found.stale && found.utf8 && found.userhash);
        assert_eq!((found.protection, found.algorithm.hash), (Protection::Auth, Hash::Md5));
        for (qop, expected) in
            [("qop=\"\"", Protection::Old), ("x=y", Protection::Old), ("qop=auth-int", Protection::Body)]
        {
            assert_eq!(offer(&format!("Digest realm=x, nonce=n, {qop}")).unwrap().protection, expected);
        }
    }
}
