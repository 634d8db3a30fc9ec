//! A proxy, as plain data: what it speaks, where it is, and what it wants to know of us.

use crate::error::Error;
use crate::origin::{Origin, Scheme};
use crate::tls::Tls;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::sync::Arc;

/// What is spoken with a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyKind {
    /// HTTP in the clear: absolute-form requests for `http` origins, CONNECT for everything else.
    Http,
    /// The same inside TLS, which is spoken with the proxy from the first byte on, or not at all.
    Https,
    /// SOCKS 5 (RFC 1928); the name of the origin is looked up here.
    Socks5,
    /// SOCKS 5; the name of the origin is looked up by the proxy.
    Socks5h,
}

impl ProxyKind {
    /// The scheme it goes by in a URL: `http`, `https`, `socks5` or `socks5h`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// The port meant by a URL without one: 80, 443, and 1080 for SOCKS (as in requests).
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }

    fn is_socks(self) -> bool {
        matches!(self, Self::Socks5 | Self::Socks5h)
    }
}

/// A proxy: what it speaks, its host and port, the credentials it asks for, and whom to trust as it.
///
/// All of it is part of the key under which connections are shared ([`Route::via`](crate::Route::via)): requests
/// with other credentials, or none, never meet on one connection. Cheap to clone. Neither `Debug` nor `Display` shows
/// credentials.
///
/// ```
/// use pool::{Origin, Proxy, ProxyKind, Route};
/// let proxy = Proxy::new(ProxyKind::Http, "proxy.example", 3128).with_credentials("me", "secret")?;
/// assert_eq!(proxy.to_string(), "http://proxy.example:3128");
/// let route = Route::direct(Origin::https("example.com")).via(proxy);
/// # Ok::<(), pool::Error>(())
/// ```
#[derive(Clone)]
pub struct Proxy(Arc<Parts>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Parts {
    kind: ProxyKind,
    /// Host and port, and the scheme a request to the proxy itself would have.
    origin: Origin,
    credentials: Option<Credentials>,
    tls: Option<Tls>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Credentials {
    user: Vec<u8>,
    password: Vec<u8>,
    /// For the kinds that speak HTTP: the value of `Proxy-Authorization`.
    basic: Option<String>,
}

/// What RFC 1929 has room for, in octets, in a user name and in a password.
const SOCKS_ROOM: usize = 255;

impl Proxy {
    /// A proxy that asks for no credentials. The host may be a name or an address (IPv6 with or without brackets); it
    /// is checked when a request is made that goes through it.
    #[must_use]
    pub fn new(kind: ProxyKind, host: impl AsRef<str>, port: u16) -> Self {
        let scheme = if kind == ProxyKind::Https { Scheme::Https } else { Scheme::Http };
        let origin = Origin::new(scheme, host.as_ref(), port);
        Self(Arc::new(Parts { kind, origin, credentials: None, tls: None }))
    }

    /// Credentials, as octets: sent as Basic (RFC 7617) to a proxy that speaks HTTP, without being asked; in the
    /// method of RFC 1929 to one that speaks SOCKS, if it chooses that method.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a user with a colon (Basic cannot say it), and for SOCKS if
    /// the user is empty, or either is longer than 255 octets.
    pub fn with_credentials(self, user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Result<Self, Error> {
        let (user, password) = (user.as_ref().to_vec(), password.as_ref().to_vec());
        let mut parts = Arc::unwrap_or_clone(self.0);
        let refuse = |why: &str| {
            let (kind, host) = (parts.kind.as_str(), parts.origin.host());
            Err(Error::config(format!("the credentials for the proxy {kind}://{host} cannot be sent: {why}")))
        };
        let basic = if parts.kind.is_socks() {
            if user.is_empty() {
                return refuse("the user is empty (RFC 1929)");
            }
            if user.len() > SOCKS_ROOM || password.len() > SOCKS_ROOM {
                return refuse("SOCKS has room for 255 octets in a user name or a password (RFC 1929)");
            }
            None
        } else if user.contains(&b':') {
            return refuse("the user has a colon (RFC 7617)");
        } else {
            Some(format!("Basic {}", STANDARD.encode([&*user, b":", &*password].concat())))
        };
        parts.credentials = Some(Credentials { user, password, basic });
        Ok(Self(Arc::new(parts)))
    }

    /// Whom to trust as an `https` proxy; without this call, the default setting. It has no bearing on the TLS with
    /// the origin, nor that on this.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        let mut parts = Arc::unwrap_or_clone(self.0);
        parts.tls = (parts.kind == ProxyKind::Https).then_some(tls);
        Self(Arc::new(parts))
    }

    /// What is spoken with it.
    #[must_use]
    pub fn kind(&self) -> ProxyKind {
        self.0.kind
    }

    /// The host as it stands in a URL: a name, an IPv4 address, or an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.origin.host()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.origin.port()
    }

    /// The value of `Proxy-Authorization` that the proxy is to get, a secret: `None` without credentials, and for
    /// SOCKS.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.0.credentials.as_ref()?.basic.as_deref()
    }

    /// Whether credentials are set.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.credentials().is_some()
    }

    /// User and password.
    pub(crate) fn credentials(&self) -> Option<(&[u8], &[u8])> {
        self.0.credentials.as_ref().map(|credentials| (&*credentials.user, &*credentials.password))
    }

    /// The proxy as a party of its own.
    pub(crate) fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Whom to trust as it, if TLS is spoken with it.
    pub(crate) fn tls(&self) -> Option<Tls> {
        let default = || crate::route::default_tls();
        (self.0.kind == ProxyKind::Https).then(|| self.0.tls.clone().unwrap_or_else(default))
    }

    /// Whether requests for `http` origins are handed to it whole, instead of being sent through it.
    pub(crate) fn forwards(&self) -> bool {
        !self.0.kind.is_socks()
    }
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Proxy {}

impl std::hash::Hash for Proxy {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// As a URL, always with the port, never with credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.0.kind.as_str(), self.host(), self.port())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = if self.has_credentials() { ", with credentials" } else { "" };
        write!(f, "Proxy({self}{credentials})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::ErrorKind;

    #[test]
    fn proxies_are_equal_only_if_every_part_is() {
        let plain = Proxy::new(ProxyKind::Http, "P.example", 80);
        let with = |user: &str, password: &str| plain.clone().with_credentials(user, password).unwrap();
        assert_eq!(plain, Proxy::new(ProxyKind::Http, "p.example", 80));
        assert_eq!(with("u", "p"), with("u", "p"));
        for other in [
            Proxy::new(ProxyKind::Https, "p.example", 80),
            Proxy::new(ProxyKind::Socks5, "p.example", 80),
            Proxy::new(ProxyKind::Http, "q.example", 80),
            Proxy::new(ProxyKind::Http, "p.example", 81),
            with("u", "p"),
        ] {
            assert_ne!(plain, other);
        }
        assert_ne!(with("u", "p"), with("u", "q"));
        let tls = |tls| Proxy::new(ProxyKind::Https, "p.example", 443).with_tls(tls);
        assert_ne!(tls(Tls::default()), tls(Tls::without_public_roots()));
        assert_eq!(plain, plain.clone().with_tls(Tls::without_public_roots()));
    }

    #[test]
    fn credentials_are_basic_for_http_and_never_shown() {
        let proxy =
            Proxy::new(ProxyKind::Http, "::1", 8080).with_credentials("Aladdin", "open sesame").unwrap();
        assert_eq!(proxy.authorization(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        let shown = format!("{proxy} {proxy:?}");
        assert_eq!(shown, "http://[::1]:8080 Proxy(http://[::1]:8080, with credentials)");
        let socks = Proxy::new(ProxyKind::Socks5h, "p.example", 1080).with_credentials("a:b", "").unwrap();
        assert_eq!((socks.authorization(), socks.credentials()), (None, Some((&b"a:b"[..], &b""[..]))));
    }

    #[test]
    fn credentials_that_cannot_be_sent_are_refused() {
        let (long, fits) = ("x".repeat(256), "x".repeat(255));
        let set = |kind, user: &str, password: &str| {
            Proxy::new(kind, "p.example", 1).with_credentials(user, password)
        };
        for (kind, user, password) in [
            (ProxyKind::Http, "s3:cret", "p"),
            (ProxyKind::Socks5, "", "p"),
            (ProxyKind::Socks5, &long, "p"),
            (ProxyKind::Socks5h, "u", &long),
        ] {
            let error = set(kind, user, password).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("s3") && !error.to_string().contains("xxx"), "{error}");
        }
        assert!(set(ProxyKind::Socks5, &fits, &fits).is_ok());
        assert!(set(ProxyKind::Https, &long, &long).is_ok());
    }
}
