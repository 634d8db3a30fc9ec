//! Making a request, step by step.

use crate::auth::{Auth, Basic, Bearer, IntoPassword, Netrc};
use crate::cancel::Canceller;
use crate::error::Error;
use crate::flow::redirect::Redirect;
use crate::flow::retry::Retry;
use crate::header_list::IntoHeaders;
use crate::hook::Hook;
use crate::proxies::Proxies;
use crate::request::{IntoRequest, Parts, Request};
use crate::response::Response;
use crate::session::Session;
use crate::settings::Settings;
use crate::streaming::Streaming;
use crate::target::Target;
use crate::url::{IntoUrl, Userinfo};
use crate::{form, jar, json};
use http_wire::Method;
use pool::{Body, Timeouts, Tls};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Collects what is asked for. The first mistake is kept and reported by [`build`](Self::build),
/// [`send`](Self::send) or [`stream`](Self::stream); nothing is sent then.
///
/// Owns a handle of its session, so it can be stored, returned, and sent to another thread. What is not said here is
/// taken from the session as it was when the builder was made.
#[must_use = "nothing happens until it is sent"]
pub struct RequestBuilder {
    session: Session,
    method: Method,
    target: Option<Arc<Target>>,
    userinfo: Option<Userinfo>,
    /// What the request itself says; `None` while that is nothing.
    layer: Option<Box<Settings>>,
    /// With its type, where one belongs to it.
    body: Option<(Body, Option<Cow<'static, str>>)>,
    expect_continue: bool,
    on_upload: Option<OnUpload>,
    cookies: Vec<(String, String)>,
    follows: bool,
    error: Option<Error>,
}

/// Told of the bytes sent and their number.
type OnUpload = Box<dyn FnMut(u64, Option<u64>) + Send>;

impl RequestBuilder {
    pub(crate) fn new(
        session: &Session,
        method: Result<Method, Error>,
        url: &impl IntoUrl,
        follows: bool,
    ) -> Self {
        let mut builder = Self {
            session: session.clone(),
            method: Method::GET,
            target: None,
            userinfo: None,
            layer: None,
            body: None,
            expect_continue: false,
            on_upload: None,
            cookies: Vec::new(),
            follows,
            error: None,
        };
        match method {
            Ok(method) => builder.method = method,
            Err(error) => builder.error = Some(error),
        }
        match session.target(url.text()) {
            Ok((target, userinfo)) => {
                builder.target = Some(target);
                builder.userinfo = userinfo;
            }
            Err(error) => {
                builder.error.get_or_insert_with(|| error.about(&builder.method, None));
            }
        }
        builder
    }

    /// Adds a header, behind those of that name that were added here before. All fields of the name that the session
    /// sets are replaced by those that are added here.
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.attempt(|layer| {
            let name = name.as_ref();
            layer.headers_mut().append(name, value).map_err(|why| Error::header(name, why))
        })
    }

    /// Adds a header as [`header`](Self::header) does, with a value that is never shown by `Debug`, and not sent to
    /// another origin that a redirect leads to: a key or a token in a header that only its server knows.
    pub fn sensitive_header(self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.attempt(|layer| {
            let name = name.as_ref();
            layer.headers_mut().append_sensitive(name, value).map_err(|why| Error::header(name, why))
        })
    }

    /// Adds headers, each as [`header`](Self::header) does: fields of one name all stay, and a value that is
    /// sensitive stays so.
    pub fn headers(self, headers: impl IntoHeaders) -> Self {
        self.attempt(|layer| {
            headers.fields()?.iter().try_for_each(|(name, value)| {
                layer.headers_mut().append_value(name, value).map_err(|why| Error::header(name, why))
            })
        })
    }

    /// Does not send a header, although the session sets it (`None` in requests). `without("Authorization")` also
    /// keeps the credentials of the session back.
    pub fn without(self, name: impl AsRef<str>) -> Self {
        self.set(|layer| layer.leave_out(name.as_ref()))
    }

    /// Adds parameters to the query of the URL: a map, a struct, or a list of pairs. A list as value repeats its key,
    /// `None` is left out. A parameter of the session is replaced by one of the same name, and left out where that is
    /// `None`.
    #[doc(alias = "params")]
    pub fn query(self, pairs: impl Serialize) -> Self {
        let hidden = match self.session.settings().params() {
            [] => Vec::new(),
            _ => form::without_value(&pairs),
        };
        self.attempt(|layer| {
            layer.params_mut().append(&mut form::pairs(pairs)?);
            hidden.iter().for_each(|name| layer.hide_param(name));
            Ok(())
        })
    }

    /// Does not send a query parameter, although the session sets it (`None` in requests).
    pub fn without_param(self, name: impl AsRef<str>) -> Self {
        self.set(|layer| layer.leave_out_param(name.as_ref()))
    }

    /// Sends a value as JSON, with `Content-Type: application/json` unless a header says otherwise. NaN and
    /// the infinities, which JSON does not have, are errors wherever they are. (In a `serde_json::Value` there are none:
    /// it turned them into `null` when it was made.)
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        match json::write(value) {
            Ok(bytes) => self.set_body(bytes.into(), Some("application/json".into())),
            Err(error) => self.fail(error),
        }
    }

    /// Sends pairs as a form, with `Content-Type: application/x-www-form-urlencoded` unless a header says otherwise.
    #[doc(alias = "data")]
    pub fn form(self, pairs: impl Serialize) -> Self {
        match form::encode(pairs) {
            Ok(text) => self.set_body(text.into(), Some("application/x-www-form-urlencoded".into())),
            Err(error) => self.fail(error),
        }
    }

    /// Sends a form with files. Its `Content-Type` holds a boundary, so none may be set by hand, nor by the session:
    /// [`without("Content-Type")`](Self::without) leaves that one out.
    #[doc(alias = "files")]
    #[cfg(feature = "multipart")]
    pub fn multipart(self, form: crate::Form) -> Self {
        let encoded = self.session.random().and_then(|boundary| form.encode(boundary));
        match encoded {
            Ok((body, content_type)) => self.set_body(body, Some(content_type.into())),
            Err(error) => self.fail(error),
        }
    }

    /// Sends bytes, a text, a file, or what a [`Body`] reads. No `Content-Type` is added.
    #[doc(alias = "data")]
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.set_body(body.into(), None)
    }

    /// Sets whether the server is asked for a go-ahead before the body is sent (`Expect: 100-continue`): what it
    /// refuses by the head alone is not sent then. One that says nothing gets the body after a while
    /// ([`Timeouts`]). Without a body nothing is asked.
    pub fn expect_continue(mut self, on: bool) -> Self {
        self.expect_continue = on;
        self
    }

    /// Calls `watch` with the bytes of the body taken so far and their number, if that is known, each time some are
    /// taken to be sent; see [`Body::watched`]. Where a redirect or a retry sends the body again, it counts from the
    /// start again.
    #[doc(alias = "MultipartEncoderMonitor")]
    pub fn on_upload(mut self, watch: impl FnMut(u64, Option<u64>) + Send + 'static) -> Self {
        self.on_upload = Some(Box::new(watch));
        self
    }

    /// Sends user and password; a password of `None` is an empty one. Goes over an `Authorization` header, userinfo in
    /// the URL and the session's credentials.
    #[doc(alias = "HTTPBasicAuth")]
    pub fn basic(self, user: impl AsRef<str>, password: impl IntoPassword) -> Self {
        self.auth(Basic::new(user, password))
    }

    /// Sends a token. Goes over an `Authorization` header, userinfo in the URL and the session's credentials.
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        self.auth(Bearer::new(token))
    }

    /// Sends credentials of any kind ([`Auth`]). They go over an `Authorization` header, userinfo in the URL and the
    /// session's credentials.
    pub fn auth(self, auth: impl Auth + 'static) -> Self {
        self.set(|layer| layer.set_auth(auth))
    }

    /// Sets whose entries of a netrc file are used, or with `None` that none are.
    pub fn netrc(self, netrc: impl Into<Option<Netrc>>) -> Self {
        self.set(|layer| layer.set_netrc(netrc))
    }

    /// Sends a cookie with this request only, in place of one of the same name in the jar, or said here before. It goes
    /// to the origin of the URL, and along on redirects inside it. Beside a `Cookie` header it is an error, which
    /// [`build`](Self::build) reports.
    pub fn cookie(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match jar::check_pair(&name, &value) {
            Ok(()) => {
                self.cookies.retain(|(before, _)| *before != name);
                self.cookies.push((name, value));
                self
            }
            Err(why) => self.fail(Error::cookie(&name, why)),
        }
    }

    /// Sets whether cookies of the jar are sent and those of the answers stored.
    pub fn cookies(self, on: bool) -> Self {
        self.set(|layer| layer.set_cookies(on))
    }

    /// Sets the time limit of the whole call, redirects and body included; the other limits stay. `Duration::MAX` is
    /// none, also where the session has one.
    pub fn timeout(self, total: Duration) -> Self {
        self.set(|layer| layer.set_total(total))
    }

    /// Sets all time limits; see [`Settings::set_timeouts`].
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.set(|layer| layer.set_timeouts(timeouts))
    }

    /// Sets what is done about redirects. Default: 30 are followed, with `head()` none.
    #[doc(alias("allow_redirects", "max_redirects"))]
    pub fn redirect(self, policy: Redirect) -> Self {
        self.set(|layer| layer.set_redirect(policy))
    }

    /// Sets what is sent again after a failure. Default: nothing.
    #[doc(alias = "max_retries")]
    pub fn retry(self, policy: Retry) -> Self {
        self.set(|layer| layer.set_retry(policy))
    }

    /// Sets how long a body kept in memory may be, in bytes.
    pub fn max_body(self, bytes: usize) -> Self {
        self.set(|layer| layer.set_max_body(bytes))
    }

    /// Sets whether a body with a `Content-Encoding` is decoded.
    #[doc(alias = "decode_content")]
    pub fn decode(self, on: bool) -> Self {
        self.set(|layer| layer.set_decode(on))
    }

    /// Sets which certificates are trusted, and which one is shown, in place of all that the session says about it:
    /// `verify` and `cert` of requests; see [`Tls`].
    #[doc(alias("verify", "cert"))]
    pub fn tls(self, tls: Tls) -> Self {
        self.set(|layer| layer.set_tls(tls))
    }

    /// Uses this proxy, for all hops of this request; [`proxies`](Self::proxies) has all choices.
    pub fn proxy(self, url: impl IntoUrl) -> Self {
        self.attempt(|layer| {
            layer.set_proxies(Proxies::all(url)?);
            Ok(())
        })
    }

    /// Sets the proxies. Where they say nothing about a URL, the session does, and then the environment;
    /// [`Proxies::none`] sends the request directly.
    pub fn proxies(self, proxies: Proxies) -> Self {
        self.set(|layer| layer.set_proxies(proxies))
    }

    /// Leaves out what the environment says about proxies; those of the session still hold (`trust_env = False` in
    /// requests, for one request).
    #[doc(alias = "trust_env")]
    pub fn ignore_environment(self) -> Self {
        self.set(Settings::ignore_environment)
    }

    /// Adds a hook. With one hook of its own a request has none of its session's.
    #[doc(alias = "hooks")]
    pub fn hook(self, hook: impl Hook + 'static) -> Self {
        self.set(|layer| layer.add_hook(hook))
    }

    /// Sets whether a 4xx or 5xx answer is an error, as [`Response::error_for_status`] makes it one. Default false.
    #[doc(alias = "raise_for_status")]
    pub fn error_for_status(self, on: bool) -> Self {
        self.set(|layer| layer.set_error_for_status(on))
    }

    /// Lets `canceller` end the request from another thread, in place of one set before.
    pub fn cancel_on(self, canceller: &Canceller) -> Self {
        self.set(|layer| layer.set_canceller(canceller))
    }

    /// Checks everything and merges it with the settings of the session.
    ///
    /// # Errors
    /// The first mistake: [`ErrorKind::Request`](crate::ErrorKind::Request) or
    /// [`ErrorKind::Config`](crate::ErrorKind::Config).
    #[doc(alias("prepare", "prepare_request", "PreparedRequest"))]
    pub fn build(self) -> Result<Request, Error> {
        self.finish().map(|(_, request)| request)
    }

    /// Sends the request and waits for the whole answer.
    ///
    /// # Errors
    /// Those of [`build`](Self::build) and of [`Session::send`].
    pub fn send(self) -> Result<Response, Error> {
        let (session, request) = self.finish()?;
        session.send(request)
    }

    /// Sends the request and waits for the head of the answer.
    ///
    /// # Errors
    /// Those of [`build`](Self::build) and of [`Session::stream`].
    pub fn stream(self) -> Result<Streaming, Error> {
        let (session, request) = self.finish()?;
        session.stream(request)
    }

    fn finish(self) -> Result<(Session, Request), Error> {
        let Self { session, method, target, userinfo, layer, body, cookies, follows, error, .. } = self;
        let (expect_continue, on_upload) = (self.expect_continue, self.on_upload);
        if let Some(error) = error {
            return Err(error.about(&method, target.as_ref().map(|target| target.url())));
        }
        let below = session.settings_arc();
        let mut target = target.ok_or_else(|| Error::request_error("the request has no URL"))?;
        let from_url =
            userinfo.as_ref().and_then(Basic::from_userinfo).map(|basic| Arc::new(basic) as Arc<dyn Auth>);
        let (auth, settings) = match layer {
            None => (below.credentials_of(from_url, target.origin()), below.clone()),
            Some(layer) => {
                let auth = layer.credentials(from_url, below, target.origin());
                let reroute = layer.tls().is_some();
                let settings = layer.over(below);
                if reroute {
                    target = Arc::new(Target::new(target.url().clone(), settings.tls())?);
                }
                (auth, Arc::new(settings))
            }
        };
        if !settings.params().is_empty() {
            let mut url = target.url().clone();
            url.query_pairs_mut().extend_pairs(settings.params());
            target = Arc::new(target.sibling(url, settings.tls())?);
        }
        let (mut body, content_type) = body.unwrap_or_default();
        if let Some(watch) = on_upload {
            body = body.watched(watch);
        }
        let about = (method.clone(), target.clone());
        Request::new(Parts { method, target, body, content_type, cookies, auth, settings, follows })
            .map_err(|error| error.about(&about.0, Some(about.1.url())))
            .map(|mut request| {
                request.set_expect_continue(expect_continue);
                if let Some(Userinfo { user, .. }) = userinfo {
                    request.remember_user(user);
                }
                (session, request)
            })
    }

    fn set_body(mut self, body: Body, content_type: Option<Cow<'static, str>>) -> Self {
        if self.body.is_some() {
            return self.fail(Error::request_error("the request was given two bodies; which one is meant?"));
        }
        self.body = Some((body, content_type));
        self
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(self.layer.get_or_insert_default());
        self
    }

    fn attempt(mut self, change: impl FnOnce(&mut Settings) -> Result<(), Error>) -> Self {
        match change(self.layer.get_or_insert_default()) {
            Ok(()) => self,
            Err(error) => self.fail(error),
        }
    }

    fn fail(mut self, error: Error) -> Self {
        self.error.get_or_insert(error);
        self
    }
}

impl IntoRequest for RequestBuilder {
    fn into_request(self) -> Result<Request, Error> {
        self.build()
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.target.as_ref().map(|target| crate::url::redacted(target.url().as_str()));
        f.debug_struct("RequestBuilder")
            .field("method", &self.method)
            .field("url", &url)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
