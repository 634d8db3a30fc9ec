//! What is sent: a route, an encoded head, a body, and how long it may take.

use crate::body::Body;
use crate::config::Timeouts;
use crate::error::Error;
use crate::proxy::Proxy;
use crate::route::Route;
use http_wire::{Method, RequestHead};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// One request, ready to be sent: its head is encoded and legal, its body agrees with what the head announces.
///
/// ```
/// use pool::{Origin, Request};
/// let origin = Origin::https("example.com");
/// let get = Request::get(origin.clone(), "/a")?;
/// let post = Request::build(pool::Method::POST, origin, "/b").header("Content-Type", "text/plain").body("hello").finish()?;
/// # Ok::<(), pool::Error>(())
/// ```
#[derive(Clone)]
pub struct Request {
    route: Route,
    // Shared or behind a pointer, as a request is moved many times between its making and its end.
    head: Arc<RequestHead>,
    timeouts: Option<Box<Timeouts>>,
    body: Body,
    deadline: Option<Instant>,
    class: Class,
}

/// What kind of caller a connection is for. Decides who may have the last one of an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Class {
    /// Somebody waits for just this answer.
    #[default]
    Single,
    /// One of many at once, or an open stream: never takes the last connection of an origin, so that a single
    /// request made meanwhile finds one.
    Batch,
}

impl Request {
    /// A GET of `target` (path and query). The `Host` field is added, and what a [forwarding](Route::is_forwarded)
    /// proxy needs.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for an impossible host or target.
    pub fn get(route: impl Into<Route>, target: &str) -> Result<Self, Error> {
        Self::build(Method::GET, route, target).finish()
    }

    /// Begins a request. The `Host` field comes first, then the fields in the order they are given, then the
    /// framing field of the body. On a [forwarded](Route::is_forwarded) route the target is written in absolute form,
    /// and the proxy's credentials stand behind `Host`.
    pub fn build(method: Method, route: impl Into<Route>, target: &str) -> Builder {
        let route = route.into();
        let head = if route.is_forwarded() {
            forwarded(method, &route, target)
        } else {
            RequestHead::builder(method, target).header("Host", route.host_field())
        };
        Builder { route, head, body: Body::Empty }
    }

    /// A request from a head that is already encoded (an `Arc` of one that is sent many times), with the target in the
    /// form that the route needs ([`Route::target`]), and with `Proxy-Authorization` if it is forwarded and the proxy asks
    /// for it. On any other route that field would reach the origin: leave it out.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the host of the route, or of its proxy, is impossible, if the
    /// target has the wrong form or names another origin, or if the head announces another body than this.
    pub fn new(route: Route, head: impl Into<Arc<RequestHead>>, body: Body) -> Result<Self, Error> {
        let head = head.into();
        route.check()?;
        route.check_target(&head)?;
        if head.body() != body.kind() {
            return Err(Error::config(format!("the head announces {:?}, the body is {body:?}", head.body())));
        }
        Ok(Self { route, head, body, timeouts: None, deadline: None, class: Class::Single })
    }

    /// Sets time limits in place of the pool's.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = Some(Box::new(timeouts));
        self
    }

    /// Sets the instant by which everything must be over. It holds beside [`Timeouts::total`]: the earlier one counts.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the class, [`Class::Single`] unless said otherwise.
    #[must_use]
    pub fn with_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Where it goes.
    #[must_use]
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.head.method()
    }

    /// The encoded head.
    #[must_use]
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    pub(crate) fn timeouts(&self) -> Option<Timeouts> {
        self.timeouts.as_deref().copied()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Request {} {}>", self.method(), self.route.origin())
    }
}

/// Collects a request. The first mistake is kept and reported by [`finish`](Builder::finish).
#[derive(Debug)]
#[must_use]
pub struct Builder {
    route: Route,
    head: http_wire::RequestBuilder,
    body: Body,
}

impl Builder {
    /// Appends a field.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.head = self.head.header(name, value);
        self
    }

    /// Sets the body; the framing field follows from it.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Asks the server to say `100 Continue` before the body is sent (RFC 9110 §10.1.1).
    pub fn expect_continue(mut self) -> Self {
        self.head = self.head.expect_continue();
        self
    }

    /// Checks and encodes.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) with the [`http_wire::HeadError`] as its source.
    pub fn finish(self) -> Result<Request, Error> {
        let head = self.head.body(self.body.kind()).build();
        let head =
            head.map_err(|why| Error::config(format!("the request cannot be sent: {why}")).with_source(why))?;
        Request::new(self.route, head, self.body)
    }
}

/// The beginning of a head for a proxy that is handed the request.
fn forwarded(method: Method, route: &Route, target: &str) -> http_wire::RequestBuilder {
    let head = RequestHead::builder(method, &route.target(target)).header("Host", route.host_field());
    match route.proxy().and_then(Proxy::authorization) {
        Some(value) => head.header("Proxy-Authorization", value),
        None => head,
    }
}
