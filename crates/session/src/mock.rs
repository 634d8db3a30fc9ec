//! Sessions whose servers are closures, for the tests of programs that use sessions.

mod reply;

pub use reply::Reply;

use crate::error::Error;
use crate::json;
use crate::session::Session;
use crate::session_builder::SessionBuilder;
use http_wire::{Headers, Method};
use pool::sim::{Received, World};
use pool::{Config, Pool};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// A session whose every host answers with the closure: `Mock::new(answer).session()`, for tests that only need that.
///
/// ```
/// use serde_json::json;
/// use session::{Reply, Retry};
///
/// let session = session::mock(|request| match request.target() {
///     "/flaky" if request.attempt() < 3 => Reply::status(503),
///     "/flaky" => Reply::json(&json!({"ok": true})),
///     _ => Reply::status(404),
/// });
/// let response = session.get("https://any.example/flaky").retry(Retry::idempotent(5)).send()?; // at once
/// assert_eq!(response.attempts().len(), 3);
/// # Ok::<(), session::Error>(())
/// ```
pub fn mock(answer: impl FnMut(&MockRequest) -> Reply + Send + 'static) -> Session {
    Mock::new(answer).session()
}

/// A network in which every host is one closure of a test, on a clock that waits for nobody.
///
/// Nothing above the sockets is replaced: requests are written and read octet by octet, connections are kept, limited
/// and dropped, time limits run out. Only sockets, lookups, clocks and chance are simulated, and they are the same in
/// every run. Every name and address exists and answers on every port, `https` too (without TLS: certificates and
/// TLS settings play no part). Environment variables are not read.
///
/// Time is virtual: it passes only while a request waits, and then at once. It begins on 2026-01-01; set another
/// date with [`set_wall`](Self::set_wall).
///
/// ```
/// use session::{Mock, Reply};
/// use std::time::Duration;
///
/// // What is to be tested is given its session.
/// fn log_in(session: &session::Session) -> Result<String, session::Error> {
///     let answer = session.post("https://example.com/login").form([("user", "ann")]).send()?;
///     Ok(answer.error_for_status()?.text().into_owned())
/// }
///
/// let mock = Mock::new(|request| match (request.method().as_str(), request.target()) {
///     ("POST", "/login") => Reply::text("welcome").header("Set-Cookie", "sid=1").delay(Duration::from_secs(5)),
///     _ => Reply::status(404),
/// });
/// assert_eq!(log_in(&mock.session())?, "welcome");
///
/// let requests = mock.requests();
/// assert_eq!(requests.len(), 1);
/// assert_eq!((requests[0].host(), requests[0].body()), ("example.com", &b"user=ann"[..]));
/// assert_eq!(mock.elapsed(), Duration::from_secs(5));
/// # Ok::<(), session::Error>(())
/// ```
///
/// A handle: clones are the same network. It is for one thread: when a request waits and nothing is left that could
/// happen in this network, the wait panics and says what everybody was doing, instead of hanging; another thread might
/// have gone on. The closure is called while a request is being sent; it must not use a session of the same mock.
///
/// **Not versioned**: what is behind the feature `mock` may change in any release.
#[doc(alias("responses", "requests_mock"))]
#[derive(Clone)]
pub struct Mock {
    world: World,
    requests: Arc<Mutex<Vec<MockRequest>>>,
}

impl Mock {
    /// A network that answers with this closure.
    #[must_use]
    pub fn new(mut answer: impl FnMut(&MockRequest) -> Reply + Send + 'static) -> Self {
        let world = World::new(0);
        let requests: Arc<Mutex<Vec<MockRequest>>> = Arc::default();
        let seen = requests.clone();
        let mut attempts: HashMap<String, u32> = HashMap::new();
        // Of no special range: a proxy's rules for private networks do not apply to what is tested.
        world.host("*", ["192.0.2.1"]).accept_all(move |received| {
            let headers = received.head().headers();
            let mut request = MockRequest { received: received.clone(), headers, attempt: 0 };
            let (host, port) = (request.host_field(), received.addr().port());
            let key = format!("{} {host} {port} {}", received.method(), received.target());
            let attempt = attempts.entry(key).or_default();
            *attempt += 1;
            request.attempt = *attempt;
            locked(&seen).push(request.clone());
            answer(&request).to_sim(&request)
        });
        Self { world, requests }
    }

    /// A session in this network, with the default settings. Each has connections and cookies of its own.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::over(self.pool(Config::default()))
    }

    /// A builder of such a session, for other settings. Limits on connections are those of [`Config::default`].
    pub fn builder(&self) -> SessionBuilder {
        Session::builder().ignore_environment().with_pool(self.pool(Config::default()))
    }

    /// Connections in this network, to be [mounted](SessionBuilder::mount) in a session that has others beside.
    #[must_use]
    pub fn pool(&self, config: Config) -> Pool {
        self.world.pool(config)
    }

    /// The requests that arrived so far, oldest first, those that were repeated or redirected among them.
    #[must_use]
    pub fn requests(&self) -> Vec<MockRequest> {
        locked(&self.requests).clone()
    }

    /// The virtual time that has passed since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.world.elapsed()
    }

    /// Lets time pass between two requests: idle connections grow old, cookies expire.
    pub fn advance(&self, by: Duration) {
        self.world.advance(by);
    }

    /// From now on nobody listens at this host, a name or an address: new connections to it are refused
    /// ([`ErrorKind::Connect`](crate::ErrorKind::Connect)).
    pub fn refuse(&self, host: &str) {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        // The other hosts have another address.
        let address = if bare.parse::<IpAddr>().is_ok() { bare } else { "192.0.2.2" };
        self.world.host(host, [address]).refuse();
    }

    /// Sets the date; how much time has passed is not touched.
    pub fn set_wall(&self, to: SystemTime) {
        self.world.set_wall(to);
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.world.connections()
    }
}

/// A request as it arrived at a [`Mock`].
#[derive(Clone)]
pub struct MockRequest {
    received: Received,
    headers: Headers,
    attempt: u32,
}

impl MockRequest {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.received.method()
    }

    /// The request target: path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.received.target()
    }

    /// The path alone, as it was sent.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// The value of the first parameter of that name in the query, without its escapes.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        let query = self.target().split_once('?').map(|(_, query)| query).unwrap_or_default();
        let mut pairs = ::url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The host that was asked, without the port: that of the `Host` field.
    #[must_use]
    pub fn host(&self) -> &str {
        let field = self.host_field();
        match field.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => host,
            _ => field,
        }
    }

    /// The port that was connected to: 443 for `https`, unless the URL names another one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.received.addr().port()
    }

    /// The headers, in order and spelling of the wire.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The value of the first header of that name, if there is one and it is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The body, without its framing; as it was sent, if it is encoded.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.received.body()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if it is no JSON, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json::read(self.body())
    }

    /// How many requests with this method, host, port and target have arrived, this one included: 1 for the first.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The number of the connection it came on, from 0: who wonders whether connections are kept can compare.
    #[must_use]
    pub fn connection(&self) -> usize {
        self.received.connection()
    }

    /// The virtual time when it had arrived.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.received.elapsed()
    }

    fn host_field(&self) -> &str {
        self.header("host").unwrap_or_default()
    }
}

fn locked(requests: &Mutex<Vec<MockRequest>>) -> MutexGuard<'_, Vec<MockRequest>> {
    requests.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock")
            .field("requests", &locked(&self.requests).len())
            .field("elapsed", &self.elapsed())
            .finish_non_exhaustive()
    }
}

/// As `GET example.com /path`: headers, body and query may be secrets.
impl fmt::Debug for MockRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<MockRequest {} {} {}>", self.method(), self.host(), self.path())
    }
}
