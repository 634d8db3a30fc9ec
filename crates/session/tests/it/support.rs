//! A simulated world with a session in it, and hosts that write down what they are asked.

use pool::Config;
use pool::sim::{Host, Received, Reply, World};
use session::{Session, SessionBuilder, Streaming};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A world, and the hosts `a.example` to `d.example`.
pub(crate) struct Stage {
    pub(crate) world: World,
    seen: Seen,
    /// What hosts do with everything at first.
    first: Option<First>,
    /// To how many requests they do it.
    most: Arc<AtomicUsize>,
    /// The requests to which they did; they are not among those that were seen.
    refused: Seen,
}

/// What hosts do with a request, until it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// They answer 503, and the connection stays.
    Refuse,
    /// They close the connection without an answer.
    Close,
}

type Seen = Arc<Mutex<Vec<(String, Received)>>>;

impl Stage {
    pub(crate) fn new() -> Self {
        let most = Arc::new(AtomicUsize::new(usize::MAX));
        Self { world: World::new(7), seen: Arc::default(), first: None, most, refused: Arc::default() }
    }

    /// Hosts answer only what comes again.
    pub(crate) fn at_second(first: Option<First>) -> Self {
        Self { first, ..Self::new() }
    }

    /// After so many requests that were not answered at first, hosts answer all at once.
    pub(crate) fn refuses_at_most(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// How many requests are not answered at first, if so many come.
    pub(crate) fn most_refused(&self) -> usize {
        self.most.load(Ordering::Relaxed)
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
    pub(crate) fn host(&self, name: &str, answer: impl FnMut(&Received) -> Reply + Send + 'static) -> Host {
        let octet = name.bytes().fold(0_u32, |sum, b| (sum * 31 + u32::from(b)) % 65_000);
        self.host_at(name, &format!("10.1.{}.{}", octet / 256, octet % 256), answer)
    }

    /// A host of this address.
    pub(crate) fn host_at(
        &self,
        name: &str,
        addr: &str,
        mut answer: impl FnMut(&Received) -> Reply + Send + 'static,
    ) -> Host {
        let host = self.world.host(name, [addr]);
        let (seen, refused, name) = (self.seen.clone(), self.refused.clone(), name.to_owned());
        let (first, most) = (self.first, self.most.clone());
        let mut waiting = HashSet::new();
        host.accept_all(move |received| {
            let asked = (received.addr().port(), received.method().clone(), received.target().to_owned());
            if let Some(first) = first
                && !waiting.remove(&asked)
                && refused.lock().unwrap().len() < most.load(Ordering::Relaxed)
            {
                waiting.insert(asked);
                refused.lock().unwrap().push((name.clone(), received.clone()));
                return match first {
                    First::Refuse => self::answer("503 Later", &["Retry-After: 1"], "not yet"),
                    First::Close => Reply::raw([]).close(),
                };
            }
            seen.lock().unwrap().push((name.clone(), received.clone()));
            answer(received)
        });
        host
    }

    /// The requests that were not answered at first so far.
    pub(crate) fn refused(&self) -> Vec<Received> {
        self.refused.lock().unwrap().iter().map(|(_, received)| received.clone()).collect()
    }

    /// Everything that came to a port of a host so far, what was not answered at first included.
    pub(crate) fn heard(&self, host: &str, port: u16) -> Vec<Received> {
        let of = |log: &Seen| log.lock().unwrap().clone();
        let all = of(&self.seen).into_iter().chain(of(&self.refused));
        all.filter(|(name, r)| name == host && r.addr().port() == port).map(|(_, r)| r).collect()
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

/// `a.example` answers with each of these in turn, and with the last one from then on.
pub(crate) fn turns(replies: Vec<Reply>) -> Stage {
    let stage = Stage::new();
    let next = AtomicUsize::new(0);
    stage.host("a.example", move |_| {
        let n = next.fetch_add(1, Ordering::Relaxed);
        replies[n.min(replies.len() - 1)].clone()
    });
    stage
}

/// `a.example` answers everything so.
pub(crate) fn serving(reply: impl Fn() -> Reply + Send + 'static) -> Stage {
    let stage = Stage::new();
    stage.host("a.example", move |_| reply());
    stage
}

/// A stream of its answer.
pub(crate) fn open(stage: &Stage) -> Streaming {
    stage.session().get("http://a.example/").stream().unwrap()
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
