//! Making a session with other than the default settings.

use crate::auth::{Auth, Netrc};
use crate::error::Error;
use crate::flow::redirect::Redirect;
use crate::flow::retry::Retry;
use crate::form;
use crate::header_list::IntoHeaders;
use crate::hook::Hook;
use crate::jar::{CookieJar, CookieStore};
use crate::proxies::Proxies;
use crate::session::Session;
use crate::settings::{Settings, put_over};
use crate::url::IntoUrl;
use pool::{Config, Pool, Resolve, Timeouts, Tls};
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Collects the settings of a [`Session`]. The first mistake is kept and reported by [`build`](Self::build).
///
/// ```
/// # fn main() -> Result<(), session::Error> {
/// use session::Session;
/// use std::time::Duration;
/// let api = Session::builder()
///     .base("https://api.example.com/v2/")?
///     .header("User-Agent", "my-program/1.0")
///     .timeout(Duration::from_secs(20))
///     .max_per_origin(4)
///     .build()?;
/// # Ok(()) }
/// ```
#[must_use = "nothing is made until it is built"]
pub struct SessionBuilder {
    settings: Settings,
    config: Config,
    pool: Option<Pool>,
    mounts: Vec<(String, Pool)>,
    jar: CookieJar,
    store: Option<Arc<dyn CookieStore>>,
    ignore_environment: bool,
    /// A netrc file is looked for.
    netrc: bool,
    error: Option<Error>,
}

impl SessionBuilder {
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::with_default_headers(),
            config: Config::default(),
            pool: None,
            mounts: Vec::new(),
            jar: CookieJar::new(),
            store: None,
            ignore_environment: false,
            netrc: false,
            error: None,
        }
    }

    /// Sets the URL that relative references are joined with. End it with a slash, and begin those without one; see
    /// [`Settings::set_base`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it cannot be requested, or has userinfo.
    #[doc(alias("base_url", "BaseUrlSession"))]
    pub fn base(mut self, url: impl IntoUrl) -> Result<Self, Error> {
        self.settings.set_base(url)?;
        Ok(self)
    }

    /// Sets a header of all requests, in place of all of that name that were set before, the default one included.
    /// (On a request, [`header`](crate::RequestBuilder::header) adds one to those of the request.)
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        match self.settings.headers_mut().insert(name, value) {
            Ok(()) => self,
            Err(why) => self.fail(Error::header(name, why)),
        }
    }

    /// Sets a header of all requests, with a value that is never shown by `Debug`, and not sent to another origin that
    /// a redirect leads to.
    pub fn sensitive_header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        match self.settings.headers_mut().insert_sensitive(name, value) {
            Ok(()) => self,
            Err(why) => self.fail(Error::header(name, why)),
        }
    }

    /// Sets headers of all requests. For each name all fields that were set before, the default ones included, are replaced
    /// by all that are given here.
    pub fn headers(mut self, headers: impl IntoHeaders) -> Self {
        let own = self.settings.headers_mut();
        match headers.fields().and_then(|headers| Ok(put_over(own, &headers)?)) {
            Ok(()) => self,
            Err(why) => self.fail(why),
        }
    }

    /// Adds parameters to the query of all URLs: a map, a struct, or a list of pairs. Those of a request go over them, name
    /// by name.
    #[doc(alias = "params")]
    pub fn query(mut self, pairs: impl Serialize) -> Self {
        match form::pairs(pairs) {
            Ok(mut pairs) => {
                self.settings.params_mut().append(&mut pairs);
                self
            }
            Err(error) => self.fail(error),
        }
    }

    /// Sets the credentials; see [`Settings::set_auth`].
    pub fn auth(mut self, auth: impl Auth + 'static) -> Self {
        self.settings.set_auth(auth);
        self
    }

    /// Uses the user's netrc file for hosts that nothing else has credentials for; see [`Netrc`]. It is that of
    /// [`Netrc::from_environment`], read by [`build`](Self::build); that there is none is no mistake, one that cannot be
    /// read is. Default off: what a program sends should not depend on a file that it does not know of. With
    /// [`ignore_environment`](Self::ignore_environment) no file is looked for.
    pub fn netrc(mut self, on: bool) -> Self {
        self.netrc = on;
        self
    }

    /// Uses this netrc file for hosts that nothing else has credentials for; see [`Netrc`]. It is read at once, and has
    /// to be there.
    pub fn netrc_file(mut self, path: impl AsRef<Path>) -> Self {
        match Netrc::read(path) {
            Ok(netrc) => {
                self.settings.set_netrc(netrc);
                self
            }
            Err(error) => self.fail(error),
        }
    }

    /// Sets the time limit of each call, redirects and body included. Default none.
    pub fn timeout(mut self, total: Duration) -> Self {
        self.settings.set_total(total);
        self
    }

    /// Sets all time limits; see [`Settings::set_timeouts`].
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.settings.set_timeouts(timeouts);
        self
    }

    /// Sets what is done about redirects. Default: 30 are followed, with `head()` none.
    #[doc(alias("allow_redirects", "max_redirects"))]
    pub fn redirect(mut self, policy: Redirect) -> Self {
        self.settings.set_redirect(policy);
        self
    }

    /// Sets what is sent again after a failure. Default: nothing.
    #[doc(alias = "max_retries")]
    pub fn retry(mut self, policy: Retry) -> Self {
        self.settings.set_retry(policy);
        self
    }

    /// Sets how long a body kept in memory may be, in bytes. Default 64 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.settings.set_max_body(bytes);
        self
    }

    /// Sets whether bodies are decoded. Default true.
    pub fn decode(mut self, on: bool) -> Self {
        self.settings.set_decode(on);
        self
    }

    /// Sets whether 4xx and 5xx answers are errors. Default false.
    #[doc(alias = "raise_for_status")]
    pub fn error_for_status(mut self, on: bool) -> Self {
        self.settings.set_error_for_status(on);
        self
    }

    /// Adds a hook, behind those that were added before; see [`Hook`].
    #[doc(alias = "hooks")]
    pub fn hook(mut self, hook: impl Hook + 'static) -> Self {
        self.settings.add_hook(hook);
        self
    }

    /// Sets whether cookies are sent and stored. Default true.
    pub fn cookies(mut self, on: bool) -> Self {
        self.settings.set_cookies(on);
        self
    }

    /// Uses this jar, shared with whoever has a clone of it.
    pub fn cookie_jar(mut self, jar: CookieJar) -> Self {
        self.jar = jar;
        self
    }

    /// Keeps cookies in a store of your own, in place of the jar.
    pub fn cookie_store(mut self, store: impl CookieStore + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Uses this proxy for everything; [`proxies`](Self::proxies) has all choices.
    pub fn proxy(self, url: impl IntoUrl) -> Self {
        match Proxies::all(url) {
            Ok(proxies) => self.proxies(proxies),
            Err(error) => self.fail(error),
        }
    }

    /// Sets the proxies. Where they say nothing about a URL, the environment does.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.settings.set_proxies(proxies);
        self
    }

    /// Sets which certificates are trusted, and which one is shown: `verify` and `cert` of requests; see [`Tls`].
    #[doc(alias("verify", "cert"))]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.settings.set_tls(tls);
        self
    }

    /// Trusts the certificates of a PEM text too.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it holds none, or one that cannot be read.
    #[doc(alias = "verify")]
    pub fn add_roots_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let tls = self.settings.tls().cloned().unwrap_or_default();
        let tls =
            tls.add_roots_pem(pem).map_err(|why| Error::config(why.detail().to_owned()).with_source(why))?;
        self.settings.set_tls(tls);
        Ok(self)
    }

    /// Sets how many connections there may be to one origin, at least 1. Default 16. With 2 or more, the last one is
    /// kept for [`send`](Session::send): batches and open streams have one less.
    #[doc(alias("pool_maxsize", "max_workers"))]
    pub fn max_per_origin(mut self, connections: usize) -> Self {
        self.config = self.config.max_per_origin(connections);
        self
    }

    /// Sets how many connections there may be in all, at least 1. Default 128.
    #[doc(alias = "pool_connections")]
    pub fn max_total(mut self, connections: usize) -> Self {
        self.config = self.config.max_total(connections);
        self
    }

    /// Sets how long an unused connection is kept. Default 60 s.
    pub fn idle_timeout(mut self, age: Duration) -> Self {
        self.config = self.config.idle_timeout(age);
        self
    }

    /// Looks up hosts with this instead of the system's resolver.
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.config = self.config.resolver(resolver);
        self
    }

    /// Sets everything about connections at once. Its time limits hold for requests that set none.
    pub fn pool_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Uses the connections of this pool (one shared with other code, over an event loop of your own, or over the
    /// simulator). Limits on connections, the resolver and the like are those of the pool, then.
    pub fn with_pool(mut self, pool: Pool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Uses another pool for all URLs that begin with `prefix`: one with other limits, over the simulator or a mock
    /// (feature `mock`), or over a network of your own ([`Pool::with_net`]).
    ///
    /// Of several prefixes the longest counts, whatever the order of the calls; a prefix that was mounted before loses its
    /// pool. Letter case does not matter. A prefix is a scheme (`https://`), an origin, or goes on into the path:
    ///
    /// - `http://localhost` is the host `localhost`, on any port, and no other host whose name begins so (in requests it
    ///   also stands for `http://localhost.evil.com`);
    /// - `http://localhost/` and `http://localhost:80` are its port 80;
    /// - `https://api.example.com/v2` is every URL there whose path begins with `/v2`, `/v20` included.
    ///
    /// Each hop of a call goes over the pool of its URL, and has the time limits of that pool where the request and the
    /// session set none. Many at once are under way together as long as their pools share a
    /// [net](Pool::shares_net); a batch over several nets works on one at a time.
    ///
    /// ```
    /// use session::{Pool, Session};
    /// let slow = Pool::new(session::pool::Config::default().max_per_origin(2));
    /// let session = Session::builder().mount("https://slow.example.com/", slow).build()?;
    /// # Ok::<(), session::Error>(())
    /// ```
    #[doc(alias("HTTPAdapter", "adapters"))]
    pub fn mount(mut self, prefix: impl Into<String>, pool: Pool) -> Self {
        self.mounts.push((prefix.into(), pool));
        self
    }

    /// Reads nothing from the environment: no proxy variables, and [`netrc`](Self::netrc) looks for no file
    /// (`trust_env = False` in requests).
    #[doc(alias = "trust_env")]
    pub fn ignore_environment(mut self) -> Self {
        self.ignore_environment = true;
        self
    }

    /// Makes the session. Opens nothing yet.
    ///
    /// # Errors
    /// The first mistake.
    pub fn build(self) -> Result<Session, Error> {
        let Self { mut settings, config, pool, mounts, jar, store, ignore_environment, netrc, error } = self;
        if let Some(error) = error {
            return Err(error);
        }
        if netrc && !ignore_environment && settings.netrc().is_none() {
            settings.set_netrc(Netrc::from_environment()?);
        }
        let environment = environment(ignore_environment);
        let pool = pool.unwrap_or_else(|| Pool::new(config));
        let mut session = Session::assemble(pool, jar, settings.over(&environment));
        if store.is_some() {
            session.shared_mut().store = store;
        }
        for (prefix, pool) in mounts {
            session.mount(prefix, pool)?;
        }
        Ok(session)
    }

    fn fail(mut self, error: Error) -> Self {
        self.error.get_or_insert(error);
        self
    }
}

/// What the environment says.
pub(crate) fn environment(ignored: bool) -> Settings {
    let mut settings = Settings::default();
    if !ignored {
        settings.set_environment(Proxies::from_env());
    }
    settings
}

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("settings", &self.settings)
            .field("config", &self.config)
            .field("ignore_environment", &self.ignore_environment)
            .finish_non_exhaustive()
    }
}
