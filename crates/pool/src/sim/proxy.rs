//! Simulated proxies: hosts that speak CONNECT, absolute-form HTTP and SOCKS 5, and pass bytes on to other hosts.

use super::host::Host;
use super::proxy_talk::Credentials;
use super::world::World;
use http_wire::RequestHead;
use std::fmt;

/// A simulated proxy, on every port of its host: to the first byte of a connection it decides between SOCKS 5 and HTTP.
///
/// It finds other hosts of the world by name or address and connects to them in no time; connections behind it belong to
/// those hosts like any other. Requests in absolute form are handed on with a path as their target and without `Proxy-`
/// fields; what comes back is passed on as it is, the end of the connection included. A host that refuses makes it
/// answer 502 (SOCKS: reply 5), one that never answers makes it silent.
///
/// Scripts of its [`host`](SimProxy::host) come first, for proxies that misbehave.
#[derive(Clone, Debug)]
pub struct SimProxy {
    world: World,
    index: usize,
    host: Host,
}

/// One thing that a proxy was asked for.
#[derive(Clone)]
pub struct Asked {
    pub(super) kind: AskedKind,
    pub(super) target: String,
    pub(super) head: Option<RequestHead>,
    pub(super) credentials: Option<Credentials>,
    pub(super) connection: usize,
    pub(super) granted: bool,
}

/// How a proxy was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AskedKind {
    /// CONNECT.
    Connect,
    /// A request in absolute form.
    Forward,
    /// SOCKS 5.
    Socks5,
}

/// A proxy behind the lock.
#[derive(Debug)]
pub(super) struct ProxyState {
    pub(super) host: usize,
    pub(super) required: Option<Credentials>,
    pub(super) seen: Vec<Asked>,
}

impl SimProxy {
    /// Only with these credentials, from now on: others get 407, or are refused by SOCKS.
    pub fn require(&self, user: &str, password: &str) {
        self.with(|proxy| proxy.required = Some((user.into(), password.into())));
    }

    /// What it was asked for, in order, refused or not.
    #[must_use]
    pub fn seen(&self) -> Vec<Asked> {
        self.with(|proxy| proxy.seen.clone()).unwrap_or_default()
    }

    /// The host it runs on: for latency, faults, and scripts that take its place.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    fn with<R>(&self, f: impl FnOnce(&mut ProxyState) -> R) -> Option<R> {
        self.world.with(|state| state.proxies.get_mut(self.index).map(f))
    }
}

impl World {
    /// A host like any other ([`host`](World::host)) that is a proxy.
    ///
    /// # Panics
    /// When one of `addrs` is not an IP address.
    pub fn proxy<'a>(&self, name: &str, addrs: impl IntoIterator<Item = &'a str>) -> SimProxy {
        let host = self.host(name, addrs);
        let id = host.id();
        let index = self.with(|state| {
            state.proxies.push(ProxyState { host: id, required: None, seen: Vec::new() });
            state.proxies.len() - 1
        });
        SimProxy { world: self.clone(), index, host }
    }
}

impl Asked {
    /// How.
    #[must_use]
    pub fn kind(&self) -> AskedKind {
        self.kind
    }

    /// For what: the request target as it was sent; for SOCKS `host:port`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The head of the request, unless it was SOCKS.
    #[must_use]
    pub fn head(&self) -> Option<&RequestHead> {
        self.head.as_ref()
    }

    /// User and password, if any were given (by Basic, or RFC 1929).
    #[must_use]
    pub fn credentials(&self) -> Option<(String, String)> {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        self.credentials.as_ref().map(|(user, password)| (text(user), text(password)))
    }

    /// The number of the connection it was asked on, in the order in which the world saw them.
    #[must_use]
    pub fn connection(&self) -> usize {
        self.connection
    }

    /// Whether the credentials sufficed and the host could be reached.
    #[must_use]
    pub fn was_granted(&self) -> bool {
        self.granted
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} on #{}", self.kind, self.target, self.connection)
    }
}
