//! The ways a request can take. What holds on one of them has to hold on all.

use crate::support::{First, Stage};
use pool::sim::{AskedKind, Host, Received, SimProxy};
use session::{Error, Proxies, RequestBuilder, Response, Retry, Session, SessionBuilder, Url};
use std::cell::Cell;
use std::collections::HashSet;

/// A way from here to an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    Direct,
    /// An HTTP proxy that is handed requests.
    Forward,
    /// An HTTP proxy that makes tunnels: the URLs are `https`.
    Connect,
    Socks5,
    Socks5h,
}

/// One way to go, in a world of its own, with a proxy `proxy.example` in it that asks for credentials.
pub(crate) struct Trip {
    pub(crate) path: Path,
    /// Answers are read piece by piece.
    pub(crate) streamed: bool,
    /// What hosts do with each request at first, and why sessions try again.
    pub(crate) first: Option<First>,
    pub(crate) stage: Stage,
    pub(crate) proxy: SimProxy,
    /// URLs of both schemes are requested, so that an HTTP proxy is asked in both ways.
    both: Cell<bool>,
}

/// Goes every way, reading answers whole and as streams, at the first try and after a retry of every request, because
/// of its answer or because it had none. Each time the proxy must have been asked for what the path asks of it, and for
/// nothing else; and what is sent again must be what was sent.
pub(crate) fn for_each_path(go: impl Fn(&Trip)) {
    for first in FIRST {
        each(first, &go);
    }
}

/// At the first try, and after a retry.
pub(crate) const FIRST: [Option<First>; 3] = [None, Some(First::Refuse), Some(First::Close)];

/// Goes every way, without retries.
pub(crate) fn for_each_first_try(go: impl Fn(&Trip)) {
    each(None, go);
}

fn each(first: Option<First>, go: impl Fn(&Trip)) {
    for path in [Path::Direct, Path::Forward, Path::Connect, Path::Socks5, Path::Socks5h] {
        for streamed in [false, true] {
            let trip = Trip::new(path, streamed, first);
            go(&trip);
            trip.check();
        }
    }
}

impl Trip {
    fn new(path: Path, streamed: bool, first: Option<First>) -> Self {
        let stage = Stage::at_second(first);
        let proxy = stage.world.proxy("proxy.example", ["10.2.0.1"]);
        proxy.require("us3r", "pr0xypw");
        Self { path, streamed, first, stage, proxy, both: Cell::new(false) }
    }

    /// Whether a connection serves several requests: those that are closed at first do not.
    pub(crate) fn keeps_connections(&self) -> bool {
        self.first != Some(First::Close)
    }

    pub(crate) fn retried(&self) -> bool {
        self.first.is_some()
    }

    /// The URL of `a.example/x` on this way.
    pub(crate) fn url(&self, place: &str) -> String {
        self.path.url(place)
    }

    /// A session that goes this way.
    pub(crate) fn session(&self) -> Session {
        self.builder().build().unwrap()
    }

    /// What builds a session that goes this way. A session pays for ten retries in a row, so a test that asks for more
    /// takes another session in between.
    pub(crate) fn builder(&self) -> SessionBuilder {
        let retry = if self.retried() { Retry::idempotent(100).any_method(true) } else { Retry::none() };
        self.stage.builder().proxies(self.proxies()).retry(retry)
    }

    /// Here URLs of both schemes are requested: of an HTTP proxy tunnels are asked for `https`, and only for that.
    pub(crate) fn asks_in_both_ways(&self) {
        self.both.set(true);
    }

    /// All connections that were made to this host are those on which this port of it was asked for something.
    pub(crate) fn went_only_to(&self, host: &Host, name: &str, port: u16) {
        let heard = self.stage.heard(name, port);
        let used: HashSet<usize> = heard.iter().map(Received::connection).collect();
        assert_eq!(host.connections(), used.len(), "{:?}", self.path);
    }

    /// None of these texts came to the host (and port) of `place`, nor was a proxy told one of them on the way there:
    /// in no field, body or target, of no request, in whatever case.
    pub(crate) fn keeps_from(&self, place: &str, texts: &[&str]) {
        let url = Url::parse(&self.url(place)).unwrap();
        let (host, port) = (url.host_str().unwrap(), url.port_or_known_default().unwrap());
        let received = self.stage.heard(host, port).into_iter();
        let mut heard: Vec<Vec<u8>> = received.map(|r| [r.head().as_bytes(), r.body()].concat()).collect();
        for asked in self.proxy.seen() {
            let (to, at) = match Url::parse(asked.target()) {
                Ok(url) if url.has_host() => (url.host_str().map(str::to_owned), url.port_or_known_default()),
                _ => (asked.target().rsplit_once(':').map(|(host, _)| host.to_owned()), Some(port)),
            };
            if to.as_deref() == Some(host) && at == Some(port) {
                heard.extend(asked.head().map(|head| head.as_bytes().to_vec()));
            }
        }
        assert!(!heard.is_empty(), "{:?}: nothing came to {place}", self.path);
        for one in &heard {
            let one = String::from_utf8_lossy(one).to_ascii_lowercase();
            for text in texts {
                assert!(
                    !one.contains(&text.to_ascii_lowercase()),
                    "{:?}: {text:?} at {place}: {one}",
                    self.path
                );
            }
        }
    }

    /// What makes a session go this way.
    pub(crate) fn proxies(&self) -> Proxies {
        match self.path {
            Path::Direct => Proxies::none(),
            Path::Forward | Path::Connect => Proxies::all("http://us3r:pr0xypw@proxy.example:3128").unwrap(),
            Path::Socks5 => Proxies::all("socks5://us3r:pr0xypw@proxy.example").unwrap(),
            Path::Socks5h => Proxies::all("socks5h://us3r:pr0xypw@proxy.example").unwrap(),
        }
    }

    /// Sends, and reads the answer in the way of this trip.
    pub(crate) fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        if self.streamed { request.stream()?.into_response() } else { request.send() }
    }

    fn check(&self) {
        let expected = match self.path {
            Path::Direct => None,
            Path::Forward => Some(AskedKind::Forward),
            Path::Connect => Some(AskedKind::Connect),
            Path::Socks5 | Path::Socks5h => Some(AskedKind::Socks5),
        };
        let asked = self.proxy.seen();
        assert_eq!(asked.is_empty(), expected.is_none(), "{:?}: {asked:?}", self.path);
        for asked in &asked {
            let expected = match expected {
                Some(AskedKind::Forward | AskedKind::Connect) if self.both.get() => {
                    let forward = asked.target().starts_with("http:");
                    if forward { AskedKind::Forward } else { AskedKind::Connect }
                }
                other => other.unwrap(),
            };
            assert_eq!(asked.kind(), expected, "{:?}: {asked:?}", self.path);
            assert_eq!(asked.credentials(), Some(("us3r".into(), "pr0xypw".into())), "{:?}", self.path);
        }
        let (seen, refused) = (self.stage.seen(), self.stage.refused());
        for received in seen.iter().chain(&refused) {
            let head = String::from_utf8_lossy(received.head().as_bytes()).to_ascii_lowercase();
            // `us3r:pr0xypw` in base64.
            assert!(!head.contains(&"dXMzcjpwcjB4eXB3".to_ascii_lowercase()), "{:?}: {head}", self.path);
        }
        assert_eq!(refused.is_empty(), !self.retried(), "{:?}", self.path);
        let mut left: Vec<(Vec<u8>, Vec<u8>)> = refused.iter().map(sent).collect();
        let mut spared = seen.len().saturating_sub(self.stage.most_refused());
        for again in seen.iter().filter(|_| self.retried()).map(sent) {
            let head = String::from_utf8_lossy(&again.0);
            match left.iter().position(|refused| *refused == again) {
                Some(before) => drop(left.remove(before)),
                None if spared > 0 => spared -= 1,
                None => panic!("{:?}: not what was refused: {head}", self.path),
            }
        }
    }
}

/// What was sent: the head, and the body. A proof of Digest is another one each time.
fn sent(received: &Received) -> (Vec<u8>, Vec<u8>) {
    let lines = received.head().as_bytes().split_inclusive(|octet| *octet == b'\n');
    let head = lines.map(|line| if line.starts_with(b"Authorization: Digest ") { b"proof" } else { line });
    (head.collect::<Vec<_>>().concat(), received.body().to_vec())
}

impl Path {
    /// The scheme of the URLs that go this way.
    pub(crate) fn scheme(self) -> &'static str {
        if self == Self::Connect { "https" } else { "http" }
    }

    /// The URL of `a.example/x` on this way.
    pub(crate) fn url(self, place: &str) -> String {
        format!("{}://{place}", self.scheme())
    }
}
