//! Where the socket goes: origin, proxy, TLS setting, and the key under which connections are shared.

use crate::error::Error;
use crate::origin::{Origin, Scheme};
use crate::proxy::{Proxy, ProxyKind};
use crate::tls::Tls;
use http_wire::RequestHead;
use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, OnceLock};

/// The way to an origin, and the key of its connections: requests over equal routes share connections, requests
/// over different ones never do, with one exception, the proxy that is [handed whole requests](Route::is_forwarded).
///
/// Everything that decides who is at the other end, or how far it is trusted, is part of it: scheme, host, port, the
/// proxy with its credentials, the verified name and the TLS setting. Cheap to clone; making one hashes the parts
/// once, so keep it where many requests go the same way.
///
/// # Through a proxy
///
/// [`via`](Route::via) sends requests through a [`Proxy`]. There is no way back: if the proxy cannot be reached or
/// refuses, the request fails, and is never sent directly instead. What is spoken depends on both ends:
///
/// | origin | proxy | |
/// | --- | --- | --- |
/// | `http` | `Http`, `Https` | *forwarded*: the request is for the proxy, its target in absolute form |
/// | `https` | `Http`, `Https` | a tunnel made by CONNECT; TLS with the origin inside |
/// | any | `Socks5`, `Socks5h` | a tunnel made by SOCKS |
///
/// Who writes what: CONNECT and SOCKS are the pool's, with the proxy's credentials and nothing of the request but its
/// `User-Agent`. A forwarded request is written by whoever encodes its head: target in absolute form
/// ([`target`](Route::target)) and `Proxy-Authorization` ([`Proxy::authorization`]). [`Request::get`](crate::Request::get)
/// and [`Request::build`](crate::Request::build) do that; a head made elsewhere is checked for its target by
/// [`Request::new`](crate::Request::new).
#[derive(Clone)]
pub struct Route(Arc<Parts>);

struct Parts {
    /// Of all parts, computed once.
    hash: u64,
    origin: Origin,
    via: Via,
    /// `None` for plain `http`: what is trusted does not matter there.
    tls: Option<Tls>,
    /// The `Host` field of the origin, and whether origin and proxy can be ones: asked for by every request.
    host_field: String,
    possible: bool,
    /// Forwarded: the route to the proxy itself, under which its connections are shared by all origins.
    shared: Option<Route>,
}

/// What stands between us and the origin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Via {
    /// Nothing.
    Direct,
    /// A proxy that is handed the requests.
    Forward(Proxy),
    /// A proxy that connects us and passes bytes on.
    Tunnel(Proxy),
}

/// One step of a dial, outermost last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// The lookup of the name that a SOCKS proxy is to connect to, before anything is opened.
    Lookup { host: String, port: u16 },
    /// A TCP connection to the host at the port.
    Tcp { host: String, port: u16 },
    /// TLS, verified for the name, with this party.
    Tls { name: String, tls: Tls, with: Party },
    /// CONNECT to this authority.
    Connect { authority: String, proxy: Proxy },
    /// SOCKS 5 to this host, or to what was looked up for it.
    Socks5 { host: String, port: u16, proxy: Proxy },
}

/// With whom TLS is spoken. Tickets of the one are never shown to the other, though their names may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    Origin,
    Proxy,
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
        Self::assemble(origin, Via::Direct, tls)
    }

    /// Through this proxy, in place of any other: an `http` origin is forwarded by a proxy that speaks HTTP, for
    /// everything else the proxy makes a tunnel. The TLS setting stays; it is about the origin.
    ///
    /// A proxy that forwards has connections of its own, shared by all origins behind it, so
    /// [`Config::max_per_origin`](crate::Config::max_per_origin) counts them together.
    #[must_use]
    pub fn via(self, proxy: Proxy) -> Self {
        let forward = self.origin().scheme() == Scheme::Http && proxy.forwards();
        let via = if forward { Via::Forward(proxy) } else { Via::Tunnel(proxy) };
        Self::assemble(self.0.origin.clone(), via, self.0.tls.clone())
    }

    /// As [`via`](Route::via), but with a tunnel also for an `http` origin: CONNECT, where the proxy permits it.
    #[must_use]
    pub fn via_tunnel(self, proxy: Proxy) -> Self {
        Self::assemble(self.0.origin.clone(), Via::Tunnel(proxy), self.0.tls.clone())
    }

    fn assemble(origin: Origin, via: Via, tls: Option<Tls>) -> Self {
        let hash = hash_of(&(&origin, &via, &tls));
        let (mut possible, mut shared) = (origin.check().is_ok(), None);
        if let Via::Forward(proxy) | Via::Tunnel(proxy) = &via {
            possible &= proxy.origin().check().is_ok();
            if matches!(via, Via::Forward(_)) && origin != *proxy.origin() {
                shared = Some(Self::assemble(proxy.origin().clone(), via.clone(), None));
            }
        }
        let host_field = origin.host_field();
        Self(Arc::new(Parts { hash, origin, via, tls, host_field, possible, shared }))
    }

    /// Whom the answer is from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// The proxy in between.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        match &self.0.via {
            Via::Direct => None,
            Via::Forward(proxy) | Via::Tunnel(proxy) => Some(proxy),
        }
    }

    /// Whether the proxy is handed the requests, with their targets in absolute form, instead of passing bytes on.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        matches!(self.0.via, Via::Forward(_))
    }

    /// What stands in the request line on this route for `path`, a path with query or `*`: itself, or its absolute
    /// form where the route is [forwarded](Route::is_forwarded) (RFC 9112 §3.2.2; `*` is an empty path there, §3.2.4).
    #[must_use]
    pub fn target<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if self.is_forwarded() && (path.starts_with('/') || path == "*") {
            let path = if path == "*" { "" } else { path };
            Cow::Owned(format!("http://{}{path}", self.host_field()))
        } else {
            Cow::Borrowed(path)
        }
    }

    /// The value of the `Host` field for requests on this route.
    #[must_use]
    pub fn host_field(&self) -> &str {
        &self.0.host_field
    }

    /// Under what connections are shared and counted: this route, or where a proxy
    /// [forwards](Route::is_forwarded), one that all origins behind it have in common.
    #[must_use]
    pub fn key(&self) -> &Self {
        self.0.shared.as_ref().unwrap_or(self)
    }

    /// Refuses a host that cannot be one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.0.possible {
            return Ok(());
        }
        self.0.origin.check()?;
        self.proxy().map_or(Ok(()), |proxy| proxy.origin().check())
    }

    /// Refuses a target that means something else on this route. Forwarded, it must name our origin: what the proxy
    /// fetches is what the answer is taken for.
    pub(crate) fn check_target(&self, head: &RequestHead) -> Result<(), Error> {
        // Nearly all requests; their first byte says enough.
        let first = head.as_bytes().get(head.method().as_str().len() + 1);
        if first == Some(&b'/') && !self.is_forwarded() {
            return Ok(());
        }
        let target = head.target();
        let (absolute, words) = (target.split_once("://"), "the request target does not fit the route:");
        if self.is_forwarded() {
            let ours = absolute.is_some_and(|(scheme, rest)| {
                let authority = rest.split(['/', '?']).next().unwrap_or_default();
                scheme.eq_ignore_ascii_case("http") && authority.eq_ignore_ascii_case(&self.0.host_field)
            });
            if ours {
                return Ok(());
            }
            return Err(Error::config(format!(
                "{words} a proxy that forwards needs it in absolute form, with {}",
                self.0.origin
            )));
        }
        if absolute.is_some() {
            return Err(Error::config(format!("{words} in absolute form it is for a proxy that forwards")));
        }
        Ok(())
    }

    /// The steps of a dial. TLS verifies the name without its trailing dot, as it is in certificates.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let origin = &self.0.origin;
        let (host, port) = (origin.host_name().to_owned(), origin.port());
        let mut layers = match &self.0.via {
            Via::Direct => vec![Layer::Tcp { host, port }],
            Via::Forward(proxy) => to_proxy(proxy),
            Via::Tunnel(proxy) if proxy.forwards() => {
                let mut layers = to_proxy(proxy);
                let authority = format!("{}:{port}", origin.host());
                layers.push(Layer::Connect { authority, proxy: proxy.clone() });
                layers
            }
            Via::Tunnel(proxy) => {
                let mut layers = to_proxy(proxy);
                if proxy.kind() == ProxyKind::Socks5 && origin.ip().is_none() {
                    layers.insert(0, Layer::Lookup { host: host.clone(), port });
                }
                layers.push(Layer::Socks5 { host, port, proxy: proxy.clone() });
                layers
            }
        };
        if let Some(tls) = &self.0.tls {
            layers.push(secured(origin, tls.clone(), Party::Origin));
        }
        layers
    }
}

fn to_proxy(proxy: &Proxy) -> Vec<Layer> {
    let mut layers = vec![Layer::Tcp { host: proxy.origin().host_name().to_owned(), port: proxy.port() }];
    if let Some(tls) = proxy.tls() {
        layers.push(secured(proxy.origin(), tls, Party::Proxy));
    }
    layers
}

fn secured(origin: &Origin, tls: Tls, with: Party) -> Layer {
    let name = origin.host_name();
    let name = name.strip_suffix('.').unwrap_or(name).to_owned();
    Layer::Tls { name, tls, with }
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
        write!(f, "{}", self.0.origin)?;
        match self.proxy() {
            Some(proxy) => write!(f, " via {proxy}"),
            None => Ok(()),
        }
    }
}

/// Seeded once per process: whoever chooses the origins (a server, by redirects) cannot choose their hashes.
fn hash_of(parts: &impl Hash) -> u64 {
    static SEED: OnceLock<RandomState> = OnceLock::new();
    SEED.get_or_init(RandomState::new).hash_one(parts)
}

/// One default setting for the whole process, so that comparing two of them compares two pointers.
pub(crate) fn default_tls() -> Tls {
    static DEFAULT: OnceLock<Tls> = OnceLock::new();
    DEFAULT.get_or_init(Tls::default).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(kind: ProxyKind) -> Proxy {
        Proxy::new(kind, "p.example", 3128)
    }

    #[test]
    fn routes_are_equal_only_if_every_part_is() {
        let https = Origin::https("a.example");
        let route = Route::direct(https.clone());
        assert_eq!(route, Route::with_tls(https.clone(), Tls::default()));
        assert_ne!(route, Route::with_tls(https.clone(), Tls::without_public_roots()));
        assert_ne!(route, Route::direct(https.clone().with_port(444)));
        assert_ne!(route, Route::direct(Origin::https("a.example.")));
        assert_ne!(route, Route::direct(Origin::http("a.example").with_port(443)));
        assert_ne!(route, route.clone().via(proxy(ProxyKind::Http)));
        assert_ne!(route.clone().via(proxy(ProxyKind::Socks5)), route.clone().via(proxy(ProxyKind::Http)));
        assert_eq!(route.clone().via(proxy(ProxyKind::Http)), route.via_tunnel(proxy(ProxyKind::Http)));
        let http = Origin::http("a.example");
        assert_ne!(
            Route::direct(http.clone()).via(proxy(ProxyKind::Http)),
            Route::direct(http.clone()).via_tunnel(proxy(ProxyKind::Http))
        );
        assert_eq!(Route::direct(http.clone()), Route::with_tls(http, Tls::without_public_roots()));
    }

    #[test]
    fn only_forwarded_routes_share_connections_between_origins() {
        let http = |host: &str| Route::direct(Origin::http(host));
        let (a, b) =
            (http("a.example").via(proxy(ProxyKind::Http)), http("b.example").via(proxy(ProxyKind::Http)));
        assert!(a != b && a.key() == b.key() && a.key().key() == a.key());
        assert_ne!(a.key(), http("a.example").via(proxy(ProxyKind::Https)).key());
        let paid = proxy(ProxyKind::Http).with_credentials("u", "p").unwrap();
        assert_ne!(a.key(), http("a.example").via(paid).key());
        for route in [http("a.example"), http("a.example").via_tunnel(proxy(ProxyKind::Http))] {
            assert_eq!(*route.key(), route);
            assert_ne!(route.key(), a.key());
        }
        let itself = http("p.example:3128").via(proxy(ProxyKind::Http));
        assert!(itself.check().is_err());
        let itself = Route::direct(Origin::http("p.example").with_port(3128)).via(proxy(ProxyKind::Http));
        assert_eq!(itself.key(), a.key());
    }

    #[test]
    fn a_dial_is_tcp_and_for_https_tls_for_the_name_without_its_dot() {
        let tcp = Layer::Tcp { host: "a.example.".into(), port: 443 };
        let tls = Layer::Tls { name: "a.example".into(), tls: Tls::default(), with: Party::Origin };
        assert_eq!(Route::direct(Origin::https("a.example.")).layers(), [tcp, tls]);
        let six = Layer::Tcp { host: "::1".into(), port: 80 };
        assert_eq!(Route::direct(Origin::http("[::1]")).layers(), [six]);
    }

    #[test]
    fn what_lies_between_is_a_list_of_layers() {
        let names = |origin: &str, kind, tunnel: bool| {
            let route = Route::direct(origin.parse().unwrap());
            let route = if tunnel { route.via_tunnel(proxy(kind)) } else { route.via(proxy(kind)) };
            let name = |layer: &Layer| match layer {
                Layer::Lookup { host, port } => format!("lookup {host}:{port}"),
                Layer::Tcp { host, port } => format!("tcp {host}:{port}"),
                Layer::Tls { name, with, .. } => format!("tls {name} {with:?}"),
                Layer::Connect { authority, .. } => format!("connect {authority}"),
                Layer::Socks5 { host, port, .. } => format!("socks {host}:{port}"),
            };
            route.layers().iter().map(name).collect::<Vec<_>>().join(", ")
        };
        let (tcp, a) = ("tcp p.example:3128", "https://a.example");
        for (origin, kind, tunnel, expected) in [
            ("http://a.example", ProxyKind::Http, false, String::new()),
            ("http://a.example", ProxyKind::Https, false, ", tls p.example Proxy".into()),
            ("http://a.example", ProxyKind::Http, true, ", connect a.example:80".into()),
            (a, ProxyKind::Http, false, ", connect a.example:443, tls a.example Origin".into()),
            (
                a,
                ProxyKind::Https,
                false,
                ", tls p.example Proxy, connect a.example:443, tls a.example Origin".into(),
            ),
            ("https://[::1]", ProxyKind::Http, false, ", connect [::1]:443, tls ::1 Origin".into()),
            (a, ProxyKind::Socks5h, false, ", socks a.example:443, tls a.example Origin".into()),
            ("http://[::1]", ProxyKind::Socks5, false, ", socks ::1:80".into()),
        ] {
            assert_eq!(names(origin, kind, tunnel), format!("{tcp}{expected}"));
        }
        assert_eq!(
            names("http://a.example", ProxyKind::Socks5, false),
            "lookup a.example:80, tcp p.example:3128, socks a.example:80"
        );
    }

    #[test]
    fn the_target_has_the_form_that_the_route_needs() {
        let direct = Route::direct(Origin::http("a.example").with_port(8080));
        let forwarded = direct.clone().via(proxy(ProxyKind::Http));
        assert_eq!((direct.target("/x?y"), direct.target("*")), ("/x?y".into(), "*".into()));
        assert_eq!(forwarded.target("/x?y"), "http://a.example:8080/x?y");
        assert_eq!(forwarded.target("*"), "http://a.example:8080");
        for (target, fits_direct, fits_forwarded) in [
            ("/x", true, false),
            ("/x?u=http://a.example:8080", true, false),
            ("*", true, false),
            ("http://a.example:8080/x", false, true),
            ("HTTP://A.example:8080?x", false, true),
            ("http://a.example/x", false, false),
            ("http://b.example:8080/x", false, false),
            ("https://a.example:8080/x", false, false),
            ("http://a.example:8080.evil/x", false, false),
        ] {
            let head =
                RequestHead::builder(http_wire::Method::OPTIONS, target).header("Host", "x").build().unwrap();
            assert_eq!(direct.check_target(&head).is_ok(), fits_direct, "{target}");
            assert_eq!(forwarded.check_target(&head).is_ok(), fits_forwarded, "{target}");
        }
    }
}
