//! Where the socket goes: origin, TLS setting, and the key under which connections are shared.

use crate::error::Error;
use crate::origin::{Origin, Scheme};
use crate::tls::Tls;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, OnceLock};

/// The way to an origin, and the key of its connections: requests over equal routes share connections, requests
/// over different ones never do.
///
/// Everything that decides who is at the other end, or how far it is trusted, is part of it: scheme, host, port, the
/// proxy with its credentials, the verified name and the TLS setting. Cheap to clone; making one hashes the parts
/// once, so keep it where many requests go the same way.
#[derive(Clone)]
pub struct Route(Arc<Parts>);

struct Parts {
    /// Of all parts, computed once.
    hash: u64,
    origin: Origin,
    via: Via,
    /// `None` for plain `http`: what is trusted does not matter there.
    tls: Option<Tls>,
    /// The `Host` field of the origin, and whether the origin can be one: asked for by every request.
    host_field: String,
    possible: bool,
}

/// What stands between us and the origin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Via {
    /// Nothing.
    Direct,
}

/// One step of a dial, outermost last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// A TCP connection to the host at the port.
    Tcp { host: String, port: u16 },
    /// TLS, verified for the name.
    Tls { name: String, tls: Tls },
}

impl Route {
    /// Straight to the origin, with the default TLS setting.
    #[must_use]
    pub fn direct(origin: Origin) -> Self {
        Self::with_tls(origin, default_tls())
    }

    /// Straight to the origin, with this TLS setting (of no effect for `http`).
    #[must_use]
    pub fn with_tls(origin: Origin, tls: Tls) -> Self {
        let tls = (origin.scheme() == Scheme::Https).then_some(tls);
        let via = Via::Direct;
        let hash = hash_of(&(&origin, &via, &tls));
        let (host_field, possible) = (origin.host_field(), origin.check().is_ok());
        Self(Arc::new(Parts { hash, origin, via, tls, host_field, possible }))
    }

    /// Whom the answer is from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// The value of the `Host` field for requests on this route.
    #[must_use]
    pub fn host_field(&self) -> &str {
        &self.0.host_field
    }

    /// Refuses a host that cannot be one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.0.possible { Ok(()) } else { self.0.origin.check() }
    }

    /// The steps of a dial. TLS verifies the name without its trailing dot, as it is in certificates.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let origin = &self.0.origin;
        let tcp = match self.0.via {
            Via::Direct => Layer::Tcp { host: origin.host_name().to_owned(), port: origin.port() },
        };
        let mut layers = vec![tcp];
        if let Some(tls) = &self.0.tls {
            let name = origin.host_name();
            let name = name.strip_suffix('.').unwrap_or(name).to_owned();
            layers.push(Layer::Tls { name, tls: tls.clone() });
        }
        layers
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&*self.0, &*other.0);
        Arc::ptr_eq(&self.0, &other.0)
            || (a.hash == b.hash && a.origin == b.origin && a.via == b.via && a.tls == b.tls)
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl From<Origin> for Route {
    fn from(origin: Origin) -> Self {
        Self::direct(origin)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.origin)
    }
}

/// Seeded once per process: whoever chooses the origins (a server, by redirects) cannot choose their hashes.
fn hash_of(parts: &impl Hash) -> u64 {
    static SEED: OnceLock<RandomState> = OnceLock::new();
    SEED.get_or_init(RandomState::new).hash_one(parts)
}

/// One default setting for the whole process, so that comparing two of them compares two pointers.
fn default_tls() -> Tls {
    static DEFAULT: OnceLock<Tls> = OnceLock::new();
    DEFAULT.get_or_init(Tls::default).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_equal_only_if_every_part_is() {
        let https = Origin::https("a.example");
        let route = Route::direct(https.clone());
        assert_eq!(route, Route::with_tls(https.clone(), Tls::default()));
        assert_ne!(route, Route::with_tls(https.clone(), Tls::without_public_roots()));
        assert_ne!(route, Route::direct(https.with_port(444)));
        assert_ne!(route, Route::direct(Origin::https("a.example.")));
        assert_ne!(route, Route::direct(Origin::http("a.example").with_port(443)));
        let http = Origin::http("a.example");
        assert_eq!(Route::direct(http.clone()), Route::with_tls(http, Tls::without_public_roots()));
    }

    #[test]
    fn a_dial_is_tcp_and_for_https_tls_for_the_name_without_its_dot() {
        let tcp = Layer::Tcp { host: "a.example.".into(), port: 443 };
        let tls = Layer::Tls { name: "a.example".into(), tls: Tls::default() };
        assert_eq!(Route::direct(Origin::https("a.example.")).layers(), [tcp, tls]);
        let six = Layer::Tcp { host: "::1".into(), port: 80 };
        assert_eq!(Route::direct(Origin::http("[::1]")).layers(), [six]);
    }
}
