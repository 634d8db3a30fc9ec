//! All settings of a session and of a request, and the one rule by which they meet.

mod credentials;

use crate::auth::{Auth, Netrc};
use crate::cancel::Canceller;
use crate::decode::ACCEPT_ENCODING;
use crate::error::Error;
use crate::flow::redirect::Redirect;
use crate::flow::retry::Retry;
use crate::header_set::HeaderSet;
use crate::hook::Hook;
use crate::proxies::Proxies;
use crate::url::{self, IntoUrl};
use ::url::Url;
use http_wire::{HeadError, Headers};
use pool::{Origin, Timeouts, Tls};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a request, a session, or the environment says about how requests are made; plain data.
///
/// Everything is either set or left open. What is left open is decided one layer below: **request over session over
/// environment over default**. Headers and query parameters merge by name, proxies by URL, the other settings as a whole
/// (what a [`Redirect`] keeps safe stays safe); hooks of a request replace those of the session. (In requests the
/// environment beats the session; here it does not.) From the environment come [proxies](Proxies#the-environment).
///
/// Found at [`Session::settings_mut`](crate::Session::settings_mut); on a [`Request`](crate::Request) all layers are
/// merged already. The getters answer with what holds, defaults included.
#[derive(Clone, Default)]
pub struct Settings {
    base: Option<Arc<Base>>,
    headers: Arc<HeaderSet>,
    /// Names that are to be left out although a layer below sets them.
    without: Vec<String>,
    params: Vec<(String, String)>,
    /// Names of query parameters that are to be left out although a layer below sets them.
    without_params: Vec<String>,
    auth: Option<Arc<dyn Auth>>,
    auth_for: Vec<(Origin, Arc<dyn Auth>)>,
    /// `Some(None)`: none is used, whatever a layer below says.
    netrc: Option<Option<Netrc>>,
    cookies: Option<bool>,
    proxies: Option<Proxies>,
    /// What the environment says; asked where `proxies` says nothing.
    environment: Option<Proxies>,
    tls: Option<Tls>,
    redirect: Option<Redirect>,
    retry: Option<Retry>,
    timeouts: Option<Timeouts>,
    /// Apart from the others because `timeout(..)` on a request leaves the session's others in force.
    total: Option<Option<Duration>>,
    max_body: Option<usize>,
    decode: Option<bool>,
    hooks: Vec<Arc<dyn Hook>>,
    error_for_status: Option<bool>,
    canceller: Option<Canceller>,
}

/// A base URL and whom it leads to.
pub(crate) struct Base {
    pub(crate) url: Url,
    origin: Origin,
}

/// A body kept in memory is at most so long. ureq stops at 10 MB, requests never; 64 MiB is more than an API sends
/// and less than a process has.
const MAX_BODY: usize = 64 * 1024 * 1024;

impl Settings {
    /// The merge rule: what is set here, over what is set below.
    pub(crate) fn over(self, below: &Self) -> Self {
        let without_auth = self.without.iter().any(|name| name.eq_ignore_ascii_case("authorization"));
        Self {
            headers: self.headers_over(below),
            params: params_over(&below.params, self.params, &self.without_params),
            without: Vec::new(),
            without_params: Vec::new(),
            base: self.base.or_else(|| below.base.clone()),
            auth: self.auth.or_else(|| below.auth.clone()),
            auth_for: if self.auth_for.is_empty() { below.auth_for.clone() } else { self.auth_for },
            // Who leaves the header out wants none from a file either.
            netrc: if without_auth { Some(None) } else { self.netrc.or_else(|| below.netrc.clone()) },
            cookies: self.cookies.or(below.cookies),
            proxies: match (self.proxies, &below.proxies) {
                (Some(above), Some(below)) => Some(above.over(below)),
                (above, below) => above.or_else(|| below.clone()),
            },
            environment: self.environment.or_else(|| below.environment.clone()),
            tls: self.tls.or_else(|| below.tls.clone()),
            redirect: match (self.redirect, &below.redirect) {
                (Some(above), Some(below)) => Some(above.over(below)),
                (above, below) => above.or_else(|| below.clone()),
            },
            retry: self.retry.or_else(|| below.retry.clone()),
            timeouts: self.timeouts.or(below.timeouts),
            total: self.total.or(below.total),
            max_body: self.max_body.or(below.max_body),
            decode: self.decode.or(below.decode),
            hooks: if self.hooks.is_empty() { below.hooks.clone() } else { self.hooks },
            error_for_status: self.error_for_status.or(below.error_for_status),
            canceller: self.canceller.or_else(|| below.canceller.clone()),
        }
    }

    /// Names of both, each in the place it has below; the fields of a name that is set here replace those below.
    fn headers_over(&self, below: &Self) -> Arc<HeaderSet> {
        let above = self.headers();
        if above.is_empty() && self.without.is_empty() {
            return below.headers.clone();
        }
        let mut merged = below.headers().clone();
        for name in &self.without {
            merged.remove(name);
        }
        // Both maps hold legal fields only; what remains is a map of more than 4 GiB.
        let _ = put_over(&mut merged, above);
        Arc::new(HeaderSet::new(merged))
    }

    /// The URL that relative references are joined with.
    #[must_use]
    pub fn base(&self) -> Option<&Url> {
        self.base.as_ref().map(|base| &base.url)
    }

    /// Sets the base URL. End it with a slash: `https://a.example/v2` and `users` make `https://a.example/users`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it cannot be requested, or has userinfo.
    #[doc(alias("base_url", "BaseUrlSession"))]
    pub fn set_base(&mut self, base: impl IntoUrl) -> Result<(), Error> {
        let (url, userinfo) = url::parse(base.text(), None).map_err(Error::config)?;
        if userinfo.is_some() {
            return Err(Error::config("a base URL cannot carry credentials: set them with set_auth(..)"));
        }
        let origin = origin_of(&url)?;
        self.base = Some(Arc::new(Base { url, origin }));
        Ok(())
    }

    /// The headers: of a session those sent with each of its requests, of a request all but those that are made
    /// when it is sent (`Host`, `Cookie`, credentials, the length).
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.headers.headers()
    }

    /// The headers, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        Arc::make_mut(&mut self.headers).headers_mut()
    }

    /// Leaves a header out although a layer below sets it.
    pub(crate) fn leave_out(&mut self, name: &str) {
        if self.headers().contains(name) {
            self.headers_mut().remove(name);
        }
        self.without.push(name.to_owned());
    }

    /// Leaves a query parameter out although a layer below sets it.
    pub(crate) fn leave_out_param(&mut self, name: &str) {
        self.params.retain(|(key, _)| key != name);
        self.hide_param(name);
    }

    /// Leaves out what a layer below has for a query parameter.
    pub(crate) fn hide_param(&mut self, name: &str) {
        self.without_params.push(name.to_owned());
    }

    /// Query parameters that are added to each URL, in this order, not yet encoded.
    #[must_use]
    pub fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// The query parameters, to be changed.
    pub fn params_mut(&mut self) -> &mut Vec<(String, String)> {
        &mut self.params
    }

    /// Whether cookies are sent and stored. Default true.
    #[must_use]
    pub fn cookies(&self) -> bool {
        self.cookies.unwrap_or(true)
    }

    /// Sets whether cookies are sent and stored.
    pub fn set_cookies(&mut self, on: bool) {
        self.cookies = Some(on);
    }

    /// Which proxy is used for what, as the program has set it. Where that says nothing the environment does.
    #[must_use]
    pub fn proxies(&self) -> Option<&Proxies> {
        self.proxies.as_ref()
    }

    /// What is to be asked about proxies, in this order.
    pub(crate) fn proxy_layers(&self) -> (Option<&Proxies>, Option<&Proxies>) {
        (self.proxies.as_ref(), self.environment.as_ref())
    }

    /// Whether anything is said about proxies at all.
    pub(crate) fn has_proxies(&self) -> bool {
        self.proxies.is_some() || self.environment.as_ref().is_some_and(|proxies| !proxies.is_empty())
    }

    /// Leaves out what the environment says, which is about proxies; see
    /// [`RequestBuilder::ignore_environment`](crate::RequestBuilder::ignore_environment).
    #[doc(alias = "trust_env")]
    pub fn ignore_environment(&mut self) {
        self.environment = Some(Proxies::new());
    }

    /// Sets what the environment says about proxies.
    pub(crate) fn set_environment(&mut self, proxies: Proxies) {
        self.environment = Some(proxies).filter(|proxies| !proxies.is_empty());
    }

    /// Sets the proxies, in place of those that were set here before; those of the environment are still asked where
    /// these say nothing ([`Proxies::none`] keeps them out too).
    pub fn set_proxies(&mut self, proxies: Proxies) {
        self.proxies = Some(proxies);
    }

    /// Which certificates are trusted, and which one is shown, where that was set: the default is [`Tls::default`].
    /// Requests with different settings never share a connection.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Sets which certificates are trusted, and which one is shown.
    #[doc(alias("verify", "cert"))]
    pub fn set_tls(&mut self, tls: Tls) {
        self.tls = Some(tls);
    }

    /// What is done about redirects, where it was set: the default is 30 of them, for `head()` alone none.
    #[must_use]
    pub fn redirect(&self) -> Option<&Redirect> {
        self.redirect.as_ref()
    }

    /// Sets what is done about redirects.
    #[doc(alias("allow_redirects", "max_redirects"))]
    pub fn set_redirect(&mut self, policy: Redirect) {
        self.redirect = Some(policy);
    }

    /// What is sent again after a failure. Default: nothing.
    #[must_use]
    pub fn retry(&self) -> Option<&Retry> {
        self.retry.as_ref()
    }

    /// Sets what is sent again after a failure.
    #[doc(alias = "max_retries")]
    pub fn set_retry(&mut self, policy: Retry) {
        self.retry = Some(policy);
    }

    /// The time limits, where they were set: the default is the pool's. The total limit is not among them but at
    /// [`total`](Self::total).
    #[must_use]
    pub fn timeouts(&self) -> Option<&Timeouts> {
        self.timeouts.as_ref()
    }

    /// Sets all time limits. The total one only if it has one: [`set_total`](Self::set_total) takes one away.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = Some(timeouts.total(None));
        if timeouts.total.is_some() {
            self.total = Some(timeouts.total);
        }
    }

    /// The time limit of a whole call, from its start to the last byte of the body, over all redirects and retries,
    /// where it was set: the default is the pool's, which is none unless it was given one.
    #[must_use]
    pub fn total(&self) -> Option<Duration> {
        self.total.flatten()
    }

    /// What was said about the total limit, if anything: `Some(None)` is that there is none.
    pub(crate) fn total_choice(&self) -> Option<Option<Duration>> {
        self.total
    }

    /// Sets the time limit of a whole call and leaves the others alone.
    #[doc(alias = "timeout")]
    pub fn set_total(&mut self, limit: impl Into<Option<Duration>>) {
        self.total = Some(limit.into());
    }

    /// How long a body kept in memory may be, decoded, in bytes. Default 64 MiB. A longer one is
    /// [`ErrorKind::Body`](crate::ErrorKind::Body); streams have no limit.
    #[must_use]
    pub fn max_body(&self) -> usize {
        self.max_body.unwrap_or(MAX_BODY)
    }

    /// Sets how long a body kept in memory may be, decoded, in bytes.
    pub fn set_max_body(&mut self, bytes: usize) {
        self.max_body = Some(bytes);
    }

    /// Whether bodies with a `Content-Encoding` we know are decoded. Default true.
    #[must_use]
    pub fn decode(&self) -> bool {
        self.decode.unwrap_or(true)
    }

    /// Sets whether bodies are decoded. What is asked for stands in the header `Accept-Encoding`.
    pub fn set_decode(&mut self, on: bool) {
        self.decode = Some(on);
    }

    /// The hooks, in the order they are called.
    #[must_use]
    pub fn hooks(&self) -> &[Arc<dyn Hook>] {
        &self.hooks
    }

    /// The hooks, to be changed.
    pub fn hooks_mut(&mut self) -> &mut Vec<Arc<dyn Hook>> {
        &mut self.hooks
    }

    /// Adds a hook behind the others.
    #[doc(alias = "hooks")]
    pub fn add_hook(&mut self, hook: impl Hook + 'static) {
        self.hooks.push(Arc::new(hook));
    }

    /// Whether 4xx and 5xx answers are errors without [`error_for_status`](crate::Response::error_for_status).
    /// Default false.
    #[must_use]
    pub fn error_for_status(&self) -> bool {
        self.error_for_status.unwrap_or(false)
    }

    /// Sets whether 4xx and 5xx answers are errors.
    #[doc(alias = "raise_for_status")]
    pub fn set_error_for_status(&mut self, on: bool) {
        self.error_for_status = Some(on);
    }

    /// What can end the requests from another thread.
    #[must_use]
    pub fn canceller(&self) -> Option<&Canceller> {
        self.canceller.as_ref()
    }

    /// Sets what can end the requests from another thread; a request with one of its own has only that.
    pub fn set_canceller(&mut self, canceller: &Canceller) {
        self.canceller = Some(canceller.clone());
    }

    pub(crate) fn with_default_headers() -> Self {
        Self { headers: Arc::new(HeaderSet::new(default_headers())), ..Self::default() }
    }

    /// These are sent with more than one request: encoding them once pays.
    pub(crate) fn of_a_session(mut self) -> Self {
        Arc::make_mut(&mut self.headers).set_reused(true);
        self
    }

    pub(crate) fn base_arc(&self) -> Option<&Arc<Base>> {
        self.base.as_ref()
    }

    pub(crate) fn tls_ref(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    pub(crate) fn headers_arc(&self) -> &Arc<HeaderSet> {
        &self.headers
    }
}

/// The headers a session starts with, in this order: `User-Agent`, `Accept-Encoding` (of what is compiled in),
/// `Accept`, `Connection`. They are ordinary entries: change or remove them.
#[must_use]
pub fn default_headers() -> Headers {
    let mut headers = Headers::new();
    for (name, value) in [
        ("User-Agent", concat!("session/", env!("CARGO_PKG_VERSION"))),
        ("Accept-Encoding", ACCEPT_ENCODING),
        ("Accept", "*/*"),
        ("Connection", "keep-alive"),
    ] {
        // These are legal; a test holds it.
        let _ = headers.append(name, value);
    }
    headers
}

/// The fields of `above` in `headers`: the first of a name replaces those that are there, the others are added.
pub(crate) fn put_over(headers: &mut Headers, above: &Headers) -> Result<(), HeadError> {
    for (i, (name, value)) in above.iter().enumerate() {
        if above.iter().take(i).any(|(n, _)| n.eq_ignore_ascii_case(name)) {
            headers.append_value(name, value)?;
        } else {
            headers.insert_value(name, value)?;
        }
    }
    Ok(())
}

fn origin_of(url: &Url) -> Result<Origin, Error> {
    url[..::url::Position::BeforePath].parse().map_err(|why: pool::Error| {
        Error::config(format!("{:?} has an impossible host", url::redacted(url.as_str()))).with_source(why)
    })
}

/// Each key in the place it has below, with the values it has above if it has any there; new keys behind.
fn params_over(
    below: &[(String, String)],
    above: Vec<(String, String)>,
    without: &[String],
) -> Vec<(String, String)> {
    let mut merged = Vec::with_capacity(below.len() + above.len());
    let mut rest = above;
    let overridden: Vec<&String> =
        below.iter().map(|(key, _)| key).filter(|key| rest.iter().any(|(k, _)| k == *key)).collect();
    for pair in below {
        if overridden.contains(&&pair.0) {
            merged.extend(rest.extract_if(.., |(key, _)| *key == pair.0));
        } else if !without.contains(&pair.0) {
            merged.push(pair.clone());
        }
    }
    merged.append(&mut rest);
    merged
}

impl fmt::Debug for Settings {
    /// Without anything that may be a secret: of headers and parameters only the names, of credentials nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers().iter().map(|(name, _)| name).collect();
        let params: Vec<&String> = self.params.iter().map(|(key, _)| key).collect();
        f.debug_struct("Settings")
            .field("base", &self.base().map(|base| url::redacted(base.as_str())))
            .field("headers", &headers)
            .field("params", &params)
            .field("auth", &(self.auth.is_some() || !self.auth_for.is_empty()))
            .field("netrc", &self.netrc)
            .field("cookies", &self.cookies())
            .field("proxies", &self.proxies)
            .field("environment", &self.environment)
            .field("tls", &self.tls)
            .field("redirect", &self.redirect)
            .field("retry", &self.retry)
            .field("timeouts", &self.timeouts)
            .field("total", &self.total())
            .field("max_body", &self.max_body())
            .field("decode", &self.decode())
            .field("hooks", &self.hooks.len())
            .field("error_for_status", &self.error_for_status())
            .field("canceller", &self.canceller)
            .finish()
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
