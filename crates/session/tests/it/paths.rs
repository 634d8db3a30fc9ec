//! The ways a request can take. What holds on one of them has to hold on all.

use crate::support::Stage;
use pool::sim::{AskedKind, SimProxy};
use session::{Error, Proxies, RequestBuilder, Response, Session, SessionBuilder};

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
    pub(crate) stage: Stage,
    pub(crate) proxy: SimProxy,
}

/// Goes every way, reading answers whole and as streams. Each time the proxy must have been asked for what the path
/// asks of it, and for nothing else.
pub(crate) fn for_each_path(go: impl Fn(&Trip)) {
    for path in [Path::Direct, Path::Forward, Path::Connect, Path::Socks5, Path::Socks5h] {
        for streamed in [false, true] {
            let trip = Trip::new(path, streamed);
            go(&trip);
            trip.check();
        }
    }
}

impl Trip {
    fn new(path: Path, streamed: bool) -> Self {
        let stage = Stage::new();
        let proxy = stage.world.proxy("proxy.example", ["10.2.0.1"]);
        proxy.require("us3r", "pr0xypw");
        Self { path, streamed, stage, proxy }
    }

    /// The URL of `a.example/x` on this way.
    pub(crate) fn url(&self, place: &str) -> String {
        self.path.url(place)
    }

    /// A session that goes this way.
    pub(crate) fn session(&self) -> Session {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> SessionBuilder {
        self.stage.builder().proxies(self.proxies())
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
            assert_eq!(Some(asked.kind()), expected, "{:?}: {asked:?}", self.path);
            assert_eq!(asked.credentials(), Some(("us3r".into(), "pr0xypw".into())), "{:?}", self.path);
        }
        for received in self.stage.seen() {
            let head = String::from_utf8_lossy(received.head().as_bytes()).to_ascii_lowercase();
            // `us3r:pr0xypw` in base64.
            assert!(!head.contains(&"dXMzcjpwcjB4eXB3".to_ascii_lowercase()), "{:?}: {head}", self.path);
        }
    }
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
