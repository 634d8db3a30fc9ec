//! A simulated world with a session in it, and hosts that write down what they are asked.

use pool::Config;
use pool::sim::{Host, Received, Reply, World};
use session::{Session, SessionBuilder};
use std::io::Write as _;
use std::sync::{Arc, Mutex};

/// A world, and the hosts `a.example` to `d.example`.
pub(crate) struct Stage {
    pub(crate) world: World,
    seen: Seen,
}

type Seen = Arc<Mutex<Vec<(String, Received)>>>;

impl Stage {
    pub(crate) fn new() -> Self {
        Self { world: World::new(7), seen: Arc::default() }
    }

    /// A session with the default settings.
    pub(crate) fn session(&self) -> Session {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> SessionBuilder {
        self.with(Config::default())
    }

    pub(crate) fn with(&self, config: Config) -> SessionBuilder {
        Session::builder().with_pool(self.world.pool(config)).ignore_environment()
    }

    /// A host that answers everything with what the closure says.
    pub(crate) fn host(
        &self,
        name: &str,
        mut answer: impl FnMut(&Received) -> Reply + Send + 'static,
    ) -> Host {
        let octet = name.bytes().fold(0_u32, |sum, b| (sum * 31 + u32::from(b)) % 65_000);
        let addr = format!("10.1.{}.{}", octet / 256, octet % 256);
        let host = self.world.host(name, [addr.as_str()]);
        let (seen, name) = (self.seen.clone(), name.to_owned());
        host.accept_all(move |received| {
            seen.lock().unwrap().push((name.clone(), received.clone()));
            answer(received)
        });
        host
    }

    /// What all hosts saw so far: `host METHOD target`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |(host, r): &(String, Received)| format!("{host} {} {}", r.method(), r.target());
        self.seen.lock().unwrap().iter().map(line).collect()
    }

    /// The requests that all hosts saw so far.
    pub(crate) fn seen(&self) -> Vec<Received> {
        self.seen.lock().unwrap().iter().map(|(_, received)| received.clone()).collect()
    }

    /// The last request that any host saw.
    pub(crate) fn last(&self) -> Received {
        self.seen().pop().unwrap()
    }

    /// The values of a header in each request so far, joined with `|`; `-` where it is missing.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.seen().iter().map(|received| value(received, name)).collect()
    }
}

/// The values of a header, joined with `|`; `-` if it is missing.
pub(crate) fn value(received: &Received, name: &str) -> String {
    let headers = received.head().headers();
    let values: Vec<String> = headers.get_all(name).map(|v| v.to_str().unwrap().to_owned()).collect();
    if values.is_empty() { "-".to_owned() } else { values.join("|") }
}

/// The names of the fields, in the order and spelling of the wire.
pub(crate) fn names(received: &Received) -> Vec<String> {
    received.head().headers().iter().map(|(name, _)| name.to_owned()).collect()
}

/// An answer from its lines; the body follows with its length.
pub(crate) fn answer(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Reply {
    let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for header in headers {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.as_ref().len()).as_bytes());
    bytes.extend_from_slice(body.as_ref());
    Reply::raw(bytes)
}

/// A redirect.
pub(crate) fn redirect(status: u16, location: &str) -> Reply {
    answer(&format!("{status} Go"), &[&format!("Location: {location}")], "elsewhere")
}

/// Bytes as gzip makes them short.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
