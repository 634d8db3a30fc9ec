//! A request, prepared: everything that is asked for, and nothing that is made only when it is sent.

mod head;
mod payload;
mod secrets;
mod trail;

use crate::auth::{Auth, AuthContext};
use crate::error::Error;
use crate::flow::redirect::Redirect;
use crate::header_set::HeaderSet;
use crate::settings::Settings;
use crate::target::Target;
use crate::url::{self, IntoUrl};
use ::url::Url;
use http_wire::{Headers, Method};
use pool::{Body, Origin, Route};
use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use trail::Trail;

/// A prepared request: method, URL, headers, body and the settings that hold for it, all layers merged.
///
/// Made by [`RequestBuilder::build`](crate::RequestBuilder::build). It can be looked at, changed, cloned, and sent any
/// number of times, by this or another session: of the session that sends it only connections and cookies are used.
/// What is made when it is sent is not in its headers yet: `Host`, the jar's cookies, credentials, the body's length.
#[derive(Clone)]
pub struct Request {
    id: u64,
    method: Method,
    target: Arc<Target>,
    headers: Arc<HeaderSet>,
    body: Body,
    /// For this request only; they are bound to its origin.
    cookies: Vec<(String, String)>,
    auth: Option<Credentials>,
    settings: Arc<Settings>,
    late: Late,
    /// What holds if no redirect policy was set: `head()` follows none.
    follows: bool,
    expect_continue: bool,
    /// Of a hop that was sent: the fields that credentials and hooks added to what was asked for.
    added: Option<Arc<Headers>>,
    /// `None` while there is nothing to tell.
    trail: Option<Arc<Trail>>,
}

/// Which fields stand behind the framing field on the wire: those that were not set by hand. (The order of requests:
/// merged headers, then `Cookie`, then the length, then `Content-Type` and `Authorization`.)
#[derive(Clone, Copy, Default)]
struct Late {
    content_type: bool,
    authorization: bool,
    cookie: bool,
}

/// Credentials and whose they are. They are never parted: whatever becomes of the URL of a request, this says where
/// they may go.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) origin: Origin,
    pub(crate) auth: Arc<dyn Auth>,
}

/// The parts that a builder has collected.
pub(crate) struct Parts {
    pub(crate) method: Method,
    pub(crate) target: Arc<Target>,
    pub(crate) body: Body,
    pub(crate) content_type: Option<Cow<'static, str>>,
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) auth: Option<Arc<dyn Auth>>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) follows: bool,
}

impl Request {
    pub(crate) fn new(parts: Parts) -> Result<Self, Error> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let headers = parts.settings.headers_arc().clone();
        let auth = parts.auth.map(|auth| Credentials { origin: parts.target.origin().clone(), auth });
        let mut request = Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            method: parts.method,
            target: parts.target,
            headers,
            body: parts.body,
            cookies: parts.cookies,
            auth,
            settings: parts.settings,
            late: Late::default(),
            follows: parts.follows,
            expect_continue: false,
            added: None,
            trail: None,
        };
        if let Some(content_type) = parts.content_type {
            request.describe_body(&content_type)?;
        }
        request.check()?;
        Ok(request)
    }

    /// A number that is this request's alone, the same on all hops of a call and in its clones.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Sets the method; the body stays.
    pub fn set_method(&mut self, method: Method) {
        self.method = method;
    }

    /// The URL, without userinfo, with its fragment.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.target.url()
    }

    /// Sets the URL, relative to the present one. Where scheme, host or port change, `Authorization`,
    /// `Proxy-Authorization`, `Cookie`, `Host`, cookies of the request, headers with a sensitive value and the
    /// [secret headers](Redirect::secret_headers) of its redirect policy are removed: they were meant for somebody
    /// else. Credentials stay with the origin they were given for: they are not sent to the new one, nor, where this is a
    /// request that was sent, what they and hooks had added to it. Userinfo makes no credential.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) if it cannot be requested.
    pub fn set_url(&mut self, url: impl IntoUrl) -> Result<(), Error> {
        let (url, userinfo) =
            url::parse(url.text(), Some(self.target.url())).map_err(Error::request_error)?;
        let before = self.target.clone();
        self.redirect_to(url)?;
        if before.origin() != self.target.origin() {
            let secrets = self.redirect().secrets().to_vec();
            self.drop_secrets(&secrets);
        }
        if let Some(userinfo) = userinfo {
            self.remember_user(userinfo.user);
        }
        Ok(())
    }

    /// The request target as the origin sees it: path and query. A proxy that an `http` request is handed to is told
    /// the whole URL.
    #[must_use]
    pub fn target(&self) -> &str {
        self.target.path()
    }

    /// The value of the `Host` field as it is sent: one set by hand, or that of the URL.
    #[must_use]
    pub fn host_field(&self) -> &str {
        self.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_else(|| self.target.host())
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        self.target.origin()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.headers.headers()
    }

    /// The value of the first header of that name, if it is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The headers, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        let headers = Arc::make_mut(&mut self.headers);
        headers.set_reused(false);
        headers.headers_mut()
    }

    /// Sets a header in place of those of that name.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) if it cannot be sent; the value is not shown.
    pub fn set_header(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let name = name.as_ref();
        self.headers_mut().insert(name, value).map_err(|why| Error::header(name, why))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Sets the body. None at all is sent as a body of length 0, except with GET and HEAD (requests' rule).
    pub fn set_body(&mut self, body: impl Into<Body>) {
        self.body = body.into();
    }

    /// Sets whether the server is asked for a go-ahead before the body is sent; see
    /// [`RequestBuilder::expect_continue`](crate::RequestBuilder::expect_continue).
    pub fn set_expect_continue(&mut self, on: bool) {
        self.expect_continue = on;
    }

    /// The settings that hold.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings, to be changed. Headers, query parameters, credentials and TLS of the request were made from
    /// them already: changing those here has no effect.
    pub fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }

    /// The credentials, where this request is for the origin they belong to.
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.auth.as_ref().filter(|credentials| credentials.origin == *self.origin())
    }

    pub(crate) fn cookies(&self) -> &[(String, String)] {
        &self.cookies
    }

    pub(crate) fn target_arc(&self) -> &Arc<Target> {
        &self.target
    }

    /// Where it goes, through which proxy.
    pub(crate) fn route(&self) -> Result<Route, Error> {
        self.target.route(&self.settings)
    }

    pub(crate) fn redirect(&self) -> &Redirect {
        static DEFAULTS: OnceLock<(Redirect, Redirect)> = OnceLock::new();
        let (follow, stay) = DEFAULTS.get_or_init(|| (Redirect::default(), Redirect::none()));
        self.settings.redirect().unwrap_or(if self.follows { follow } else { stay })
    }

    pub(crate) fn redirect_to(&mut self, url: Url) -> Result<(), Error> {
        self.target = Arc::new(self.target.sibling(url, self.settings.tls_ref())?);
        Ok(())
    }

    fn remove(&mut self, names: &[&str]) {
        for name in names.iter().copied() {
            if self.headers().contains(name) {
                self.headers_mut().remove(name);
            }
        }
    }

    /// Puts the cookies of the jar where hooks can see them.
    pub(crate) fn put_cookie(&mut self, value: &[u8]) -> Result<(), Error> {
        self.headers_mut().insert("Cookie", value).map_err(|why| Error::header("Cookie", why))?;
        self.late.cookie = true;
        Ok(())
    }

    /// Takes back what [`put_cookie`](Self::put_cookie) put there; whether nobody has changed it since.
    pub(crate) fn take_cookie_back(&mut self, put: Option<&[u8]>) -> bool {
        let unchanged = self.headers().get_all("cookie").map(|value| value.as_bytes()).eq(put);
        if unchanged {
            self.remove(&["Cookie"]);
            self.late.cookie = false;
        }
        unchanged
    }

    /// Loses a `Cookie` header: after a redirect what the jar has for the new URL is sent (requests' rule).
    pub(crate) fn drop_cookie_header(&mut self) {
        self.remove(&["Cookie"]);
    }

    /// Lets the credentials do their work.
    pub(crate) fn authorize(&mut self, auth: &dyn Auth, cx: &mut AuthContext<'_>) -> Result<(), Error> {
        let had = self.headers().contains("authorization");
        auth.authorize_with(self, cx)?;
        self.late.authorization = !had;
        Ok(())
    }
}

impl fmt::Debug for Request {
    /// Without query values, headers or body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Request [{} {}]>", self.method, url::redacted(self.target.url().as_str()))
    }
}

/// What can be sent as one of many: a [`Request`], a [`RequestBuilder`](crate::RequestBuilder), or the result of
/// building one.
pub trait IntoRequest {
    /// The request.
    ///
    /// # Errors
    /// What is wrong with it.
    fn into_request(self) -> Result<Request, Error>;
}

impl IntoRequest for Request {
    fn into_request(self) -> Result<Request, Error> {
        Ok(self)
    }
}

impl IntoRequest for Result<Request, Error> {
    fn into_request(self) -> Result<Request, Error> {
        self
    }
}
