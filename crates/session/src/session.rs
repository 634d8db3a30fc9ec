//! The session: what requests have in common.

use crate::auth::Auth;
use crate::builder::RequestBuilder;
use crate::call::{Call, Cx, Todo};
use crate::cancel::Watch;
use crate::completed::Completed;
use crate::error::Error;
use crate::flow::Context;
use crate::flow::retry::Budget;
use crate::jar::{CookieJar, CookieStore};
use crate::mount::{PoolIndex, Pools};
use crate::proxies::Proxies;
use crate::request::{IntoRequest, Request};
use crate::response::Response;
use crate::session_builder::{SessionBuilder, environment};
use crate::settings::Settings;
use crate::streaming::Streaming;
use crate::target::{Target, Targets};
use crate::url::{IntoUrl, Userinfo};
use http_wire::{Headers, Method, http};
use pool::{Body, Class, Driver, Pool};
use std::fmt;
use std::sync::Arc;

/// What requests have in common: headers, cookies, credentials, settings, and connections.
///
/// A handle: clones share connections and cookies, and each has settings of its own from then on. So another session
/// with other rights over the same connections is a clone and a change. Threads use clones, or a shared reference.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use session::{Basic, Session};
/// let mut api = Session::builder().base("https://api.example.com/v2/")?.build()?;
/// api.headers_mut().insert("X-Api-Version", "7")?;
/// let mut admin = api.clone();
/// admin.set_auth(Basic::new("root", "secret"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
    settings: Arc<Settings>,
}

/// What the clones share, until one of them is given another jar. All of it is handles.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) pools: Pools,
    pub(crate) jar: CookieJar,
    /// Takes the place of the jar.
    pub(crate) store: Option<Arc<dyn CookieStore>>,
    targets: Arc<Targets>,
    budget: Arc<Budget>,
}

impl Session {
    /// A session with the default settings, the [proxies of the environment](crate::Proxies#the-environment) and a
    /// pool of its own. Opens nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings::with_default_headers().over(&environment(false));
        Self::assemble(Pool::new(pool::Config::default()), CookieJar::new(), settings)
    }

    /// A session with other settings.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::new()
    }

    /// A session with the default settings over this pool, without an environment.
    #[cfg(feature = "mock")]
    pub(crate) fn over(pool: Pool) -> Self {
        Self::assemble(pool, CookieJar::new(), Settings::with_default_headers())
    }

    pub(crate) fn assemble(pool: Pool, jar: CookieJar, settings: Settings) -> Self {
        let pools = Pools::new(pool);
        let shared = Shared { pools, jar, store: None, targets: Arc::default(), budget: Arc::default() };
        Self { shared: Arc::new(shared), settings: Arc::new(settings.of_a_session()) }
    }

    pub(crate) fn shared_mut(&mut self) -> &mut Shared {
        Arc::make_mut(&mut self.shared)
    }

    /// A GET request of a URL, absolute or relative to the [base URL](Settings::set_base). Nothing happens, and no mistake is
    /// reported, before it is [sent](RequestBuilder::send).
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self, Ok(Method::GET), &url, true)
    }

    /// A POST request.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self, Ok(Method::POST), &url, true)
    }

    /// A PUT request.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self, Ok(Method::PUT), &url, true)
    }

    /// A PATCH request.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self, Ok(Method::PATCH), &url, true)
    }

    /// A DELETE request.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self, Ok(Method::DELETE), &url, true)
    }

    /// A HEAD request. Redirects are not followed, unless the session or the request says so.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self, Ok(Method::HEAD), &url, false)
    }

    /// An OPTIONS request.
    pub fn options(&self, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self, Ok(Method::OPTIONS), &url, true)
    }

    /// A request with any method: a text, which is put in upper case, or a [`Method`], which is sent as it is.
    pub fn request(&self, method: impl IntoMethod, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self, method.method(), &url, true)
    }

    /// A request made of the types of the `http` crate: method, URI, headers and body are taken over. A URI without
    /// scheme and host is joined with the base URL.
    pub fn http_request(&self, request: http::Request<impl Into<Body>>) -> RequestBuilder {
        let (parts, body) = request.into_parts();
        let builder = RequestBuilder::new(self, Ok(parts.method), &parts.uri.to_string(), true);
        let builder = parts.headers.iter().fold(builder, |builder, (name, value)| {
            if value.is_sensitive() {
                builder.sensitive_header(name, value)
            } else {
                builder.header(name, value)
            }
        });
        match body.into() {
            Body::Empty => builder,
            body => builder.body(body),
        }
    }

    /// Sends a request, follows redirects, and waits for the whole answer. A 4xx or 5xx is an answer like others.
    ///
    /// # Errors
    /// Whatever kept it from a complete answer; see [`ErrorKind`](crate::ErrorKind).
    pub fn send(&self, request: Request) -> Result<Response, Error> {
        let (mut driver, pool) = self.driver(&request)?;
        let shared = &*self.shared;
        let watch = Watch::new(request.settings().canceller(), &driver);
        let mut call = Call::new(request, Class::Single, false, &mut Cx { shared, driver: &mut driver });
        run(&mut call, shared, (&mut driver, pool), watch.as_ref())?;
        call.into_result()
    }

    /// Sends a request, follows redirects, and waits for the head of the answer; its body is read from the
    /// [`Streaming`].
    ///
    /// An open stream holds a connection. A thread that opens as many streams to one origin as the session may have
    /// connections there, less one, and asks for another waits for itself, until the `wait` limit ends it.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn stream(&self, request: Request) -> Result<Streaming, Error> {
        let (mut driver, pool) = self.driver(&request)?;
        let shared = &*self.shared;
        let watch = Watch::new(request.settings().canceller(), &driver);
        let mut call = Call::new(request, Class::Batch, true, &mut Cx { shared, driver: &mut driver });
        run(&mut call, shared, (&mut driver, pool), watch.as_ref())?;
        match call.take_open() {
            Some((id, head)) => Streaming::open(self.shared.clone(), driver, call, id, head, watch),
            None => call.into_result().map(Streaming::whole),
        }
    }

    /// Sends many requests at once, from this thread, and waits for all; the answers come in the order of the
    /// requests. See [`as_completed`](Self::as_completed) for how many are under way at a time.
    pub fn send_all<R: IntoRequest>(
        &self,
        requests: impl IntoIterator<Item = R>,
    ) -> Vec<Result<Response, Error>> {
        let mut results: Vec<Option<Result<Response, Error>>> = Vec::new();
        for (index, result) in self.as_completed(requests) {
            if index >= results.len() {
                results.resize_with(index + 1, || None);
            }
            if let Some(slot) = results.get_mut(index) {
                *slot = Some(result);
            }
        }
        // Every index up to the largest has come: none is left out and none comes twice.
        results.into_iter().flatten().collect()
    }

    /// Sends many requests at once, from this thread, and gives each answer, with the index of its request, as it
    /// arrives. Dropping the iterator gives up what is under way.
    ///
    /// Requests are taken from `requests` only as there is room: as many are under way as the session may have
    /// connections (in total, and to one origin), less one that is kept for [`send`](Self::send). So `requests` may
    /// be endless, and a `send` inside the loop finds a connection. Connections and cookies are those of this
    /// session, settings those that each request was built with.
    #[doc(alias("ThreadPoolExecutor", "FuturesSession"))]
    pub fn as_completed<I>(&self, requests: I) -> Completed<I::IntoIter>
    where
        I: IntoIterator,
        I::Item: IntoRequest,
    {
        Completed::new(self.shared.clone(), requests.into_iter())
    }

    /// The cookies. With a [store](Self::set_cookie_store) of your own in its place, this jar is neither asked nor told.
    #[must_use]
    pub fn cookies(&self) -> &CookieJar {
        &self.shared.jar
    }

    /// Uses another jar from now on, shared with whoever has a clone of it (requests' `session.cookies = jar`). Clones
    /// of the session that exist, and requests that were begun, keep theirs.
    #[doc(alias = "RequestsCookieJar")]
    pub fn set_cookie_jar(&mut self, jar: CookieJar) {
        let shared = self.shared_mut();
        (shared.jar, shared.store) = (jar, None);
    }

    /// Keeps cookies in a store of your own from now on. Clones of the session that exist, and requests that were
    /// begun, keep what they have.
    pub fn set_cookie_store(&mut self, store: impl CookieStore + 'static) {
        self.shared_mut().store = Some(Arc::new(store));
    }

    /// The headers that are sent with each request.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.settings.headers()
    }

    /// The headers, to be changed. Clones that exist keep theirs.
    pub fn headers_mut(&mut self) -> &mut Headers {
        self.settings_mut().headers_mut()
    }

    /// Sets the credentials; see [`Settings::set_auth`].
    pub fn set_auth(&mut self, auth: impl Auth + 'static) {
        self.settings_mut().set_auth(auth);
    }

    /// Sets credentials for one origin; see [`Settings::set_auth_for`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `origin` is not a URL that can be requested.
    pub fn set_auth_for(&mut self, origin: impl IntoUrl, auth: impl Auth + 'static) -> Result<(), Error> {
        self.settings_mut().set_auth_for(origin, auth)
    }

    /// Sets the proxies; see [`Settings::set_proxies`].
    pub fn set_proxies(&mut self, proxies: Proxies) {
        self.settings_mut().set_proxies(proxies);
    }

    /// The settings of the session; a request may have others.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings, to be changed. Clones that exist keep theirs.
    pub fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }

    /// The pool whose connections are used.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        self.shared.pools.main()
    }

    /// Uses `pool` for all URLs that begin with `prefix`, in place of the one that was mounted there; each hop of a call
    /// goes over the pool of its URL. Clones of the session that exist, and requests that were begun, keep theirs. See
    /// [`SessionBuilder::mount`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if no `http` or `https` URL begins so.
    #[doc(alias("HTTPAdapter", "get_adapter"))]
    pub fn mount(&mut self, prefix: impl AsRef<str>, pool: Pool) -> Result<(), Error> {
        self.shared_mut().pools.mount(prefix.as_ref(), pool)
    }

    /// Closes the connections that nobody uses, those of mounted pools included. The session, and its clones, can be
    /// used as before. Connections are also closed when the last clone is dropped.
    #[doc(alias = "close")]
    pub fn close_idle(&self) {
        self.shared.pools.iter().for_each(Pool::close_idle);
    }

    pub(crate) fn settings_arc(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub(crate) fn target(&self, text: &str) -> Result<(Arc<Target>, Option<Userinfo>), Error> {
        self.shared.targets.get(text, &self.settings)
    }

    /// Unpredictable bytes, for what must not be guessed, such as the boundary of a form.
    #[cfg(feature = "multipart")]
    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        let mut driver = self.shared.pools.main().driver()?;
        driver.random(&mut bytes).map_err(|why| {
            Error::new(crate::error::ErrorKind::Io, format!("the system has no random numbers: {why}"))
                .with_source(why)
        })?;
        Ok(bytes)
    }

    /// A driver for the first hop, and the pool it comes from.
    fn driver(&self, request: &Request) -> Result<(Driver, PoolIndex), Error> {
        let pools = &self.shared.pools;
        let pool = pools.of(request.url());
        let driver = pools.get(pool).driver().map_err(|error| Error::from_pool(error, request))?;
        Ok((driver, pool))
    }
}

impl Shared {
    pub(crate) fn context<'a>(&'a self, driver: &'a mut Driver) -> Context<'a> {
        Context {
            jar: &self.jar,
            store: self.store.as_deref(),
            budget: &self.budget,
            pools: &self.pools,
            world: driver,
        }
    }
}

/// Does what a call asks for, the only one of its driver, until it is over or its body is open. The driver comes from the
/// pool named beside it; where a hop goes to a pool of another net, a driver of that takes its place.
fn run(
    call: &mut Call,
    shared: &Shared,
    (driver, mut pool): (&mut Driver, PoolIndex),
    watch: Option<&Watch>,
) -> Result<(), Error> {
    let is_canceled = || watch.is_some_and(Watch::is_canceled);
    if is_canceled() {
        return Err(call.cancel(None));
    }
    let mut todo = call.begin(&mut Cx { shared, driver });
    loop {
        let until = match todo {
            Todo::Done | Todo::Open => return Ok(()),
            Todo::Send => {
                // A hook may have done it.
                if is_canceled() {
                    return Err(call.cancel(None));
                }
                if !shared.pools.share_net(pool, call.pool()) {
                    pool = call.pool();
                    let next = shared.pools.get(pool).driver().map_err(|error| call.fail_with(error))?;
                    call.change_clock(driver.now(), next.now());
                    *driver = next;
                    watch.inspect(|watch| watch.go_with(driver));
                }
                call.launch(&mut Cx { shared, driver });
                None
            }
            Todo::Wake(at) => Some(at),
            Todo::Listen => call.wakes_at(),
        };
        todo = loop {
            if let Some((_, event)) = driver.next_event() {
                break call.on_event(event, &mut Cx { shared, driver });
            }
            if is_canceled() {
                return Err(call.cancel(Some(driver)));
            }
            driver.turn(until).map_err(|error| call.fail_with(error))?;
            if until.is_some_and(|at| at <= driver.now()) {
                break call.on_time(&mut Cx { shared, driver });
            }
        };
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What can be given as a method: a text, which is put in upper case, or a [`Method`], which is sent as it is.
pub trait IntoMethod: sealed::Method {}

impl<T: sealed::Method> IntoMethod for T {}

mod sealed {
    use crate::error::Error;
    use http_wire::Method as Typed;

    #[expect(unnameable_types, reason = "sealed: what can be a method is for this crate to say")]
    pub trait Method {
        fn method(self) -> Result<Typed, Error>;
    }

    impl Method for Typed {
        fn method(self) -> Result<Typed, Error> {
            Ok(self)
        }
    }

    impl Method for &Typed {
        fn method(self) -> Result<Typed, Error> {
            Ok(self.clone())
        }
    }

    impl Method for &str {
        fn method(self) -> Result<Typed, Error> {
            Typed::from_bytes(self.to_ascii_uppercase().as_bytes()).map_err(|why| {
                let mut shown = self.escape_debug().to_string();
                crate::url::cut(&mut shown, 100);
                Error::request_error(format!("the method \"{shown}\" is not a token")).with_source(why)
            })
        }
    }

    impl Method for String {
        fn method(self) -> Result<Typed, Error> {
            self.as_str().method()
        }
    }

    impl Method for &String {
        fn method(self) -> Result<Typed, Error> {
            self.as_str().method()
        }
    }
}
