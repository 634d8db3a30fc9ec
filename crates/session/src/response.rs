//! Answers: plain data.

use crate::error::{Error, ErrorKind};
use crate::flow::redirect;
use crate::links::Links;
use crate::request::Request;
use crate::target::Target;
use crate::url::{push_escaped, redacted};
use crate::{jar, json, text};
use ::url::Url;
use cookie::Cookie;
use http_wire::{Headers, ResponseHead, StatusCode, Version, http};
use pool::{Attempt, Attempts};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Status, version, headers and URL of one answer: all that policies decide on.
#[derive(Clone)]
pub struct Head {
    wire: ResponseHead,
    target: Arc<Target>,
    elapsed: Duration,
}

impl Head {
    /// `elapsed`: how long it took to come, where somebody may ask for it before the attempts are known.
    pub(crate) fn new(wire: ResponseHead, target: Arc<Target>, elapsed: Duration) -> Self {
        Self { wire, target, elapsed }
    }

    /// It came with the last of these attempts.
    fn after(mut self, attempts: &Attempts) -> Self {
        self.elapsed = attempts.last().head.unwrap_or(self.elapsed);
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.wire.status()
    }

    /// The HTTP version the server speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.wire.version()
    }

    /// The reason phrase as it was sent: UTF-8, or else ISO 8859-1. May be empty.
    #[must_use]
    pub fn reason(&self) -> Cow<'_, str> {
        self.wire.reason_text()
    }

    /// The headers, in order and spelling of the wire.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.wire.headers()
    }

    /// The value of the first header of that name, if it is UTF-8. [`headers`](Self::headers) has the others too, and
    /// [`Value::to_text`](crate::Value::to_text) reads those in ISO 8859-1.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// How long this hop took until now, the end of its head, connecting included where that was needed (requests'
    /// `elapsed`). Zero for an answer that was not sent.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Whether the status is none of an error: neither 4xx nor 5xx.
    #[must_use]
    pub fn ok(&self) -> bool {
        !matches!(self.status().as_u16(), 400..=599)
    }

    /// The URL this is the answer of.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.target.url()
    }

    /// The cookies it sets; see [`Response::cookies`].
    pub(crate) fn cookies(&self) -> Vec<Cookie<'static>> {
        jar::set_by(self.url(), self.headers().get_all("set-cookie").map(|value| value.as_bytes()))
    }

    /// Its links; see [`Response::links`].
    pub(crate) fn links(&self) -> Links {
        Links::parse(self.headers().get_all("link").map(|value| value.as_bytes()), self.url())
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Head {}>", self.status().as_u16())
    }
}

/// An answer with its body, complete and decoded. A value: it holds no connection, and can be kept, cloned, returned
/// and read any number of times.
#[derive(Clone)]
pub struct Response {
    head: Head,
    body: Vec<u8>,
    trailers: Option<Headers>,
    history: Vec<Hop>,
    attempts: Attempts,
    request: Request,
}

/// What has been collected of an answer when it is complete.
pub(crate) struct Parts {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<Headers>,
    pub(crate) history: Vec<Hop>,
    pub(crate) attempts: Attempts,
    pub(crate) request: Request,
}

impl Response {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { head, body, trailers, history, attempts, request } = parts;
        Self { head: head.after(&attempts), body, trailers, history, attempts, request }
    }

    /// An answer whose body cannot be had.
    pub(crate) fn without_body(head: Head, request: Request) -> Self {
        let (body, trailers, history, attempts) = Default::default();
        Self::new(Parts { head, body, trailers, history, attempts, request })
    }

    /// An answer made by hand, for a [`Hook`](crate::Hook) that gives one in place of the server's.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] if its headers cannot stand in HTTP/1.1.
    pub fn from_http(request: &Request, response: http::Response<impl Into<Vec<u8>>>) -> Result<Self, Error> {
        let (parts, body) = response.into_parts();
        let wire = ResponseHead::try_from(parts).map_err(|why| {
            Error::new(ErrorKind::Protocol, format!("the answer made by hand cannot be: {why}"))
                .with_source(why)
        })?;
        Ok(Self::new(Parts {
            head: Head::new(wire, request.target_arc().clone(), Duration::ZERO),
            body: body.into(),
            trailers: None,
            history: Vec::new(),
            attempts: Attempts::default(),
            request: request.clone(),
        }))
    }

    /// The status.
    #[doc(alias = "status_code")]
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// Whether the status is none of an error, neither 4xx nor 5xx (requests' `ok`): those that
    /// [`error_for_status`](Self::error_for_status) lets pass.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.head.ok()
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status().is_success()
    }

    /// Whether it is a redirect with a place to go that was not followed: 301, 302, 303, 307 or 308 and a `Location`.
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        matches!(self.status().as_u16(), 301 | 302 | 303 | 307 | 308) && self.headers().contains("location")
    }

    /// Whether it is a redirect that holds for good: 301 or 308 and a `Location`.
    #[must_use]
    pub fn is_permanent_redirect(&self) -> bool {
        self.is_redirect() && matches!(self.status().as_u16(), 301 | 308)
    }

    /// The request that would follow this redirect, where it was not followed (requests' `next`): with the method, the
    /// body and the headers it would have had. What credentials and hooks add is added when it is sent. `None` if this
    /// is no redirect.
    ///
    /// # Errors
    /// [`ErrorKind::Redirect`] if it cannot be followed: the place is no URL, or the body cannot be sent again.
    pub fn next(&self) -> Result<Option<Request>, Error> {
        redirect::next(&self.request, &self.head)
    }

    /// Status, version, reason, headers and URL.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The reason phrase as it was sent: UTF-8, or else ISO 8859-1. May be empty.
    #[must_use]
    pub fn reason(&self) -> Cow<'_, str> {
        self.head.reason()
    }

    /// The headers, in order and spelling of the wire. `Content-Encoding` and `Content-Length` are those of the
    /// body before it was decoded.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// The value of the first header of that name, if it is UTF-8. [`headers`](Self::headers) has the others too, and
    /// [`Value::to_text`](crate::Value::to_text) reads those in ISO 8859-1.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The fields that followed a chunked body (RFC 9112 §7.1.2). `None` if there were none.
    #[must_use]
    pub fn trailers(&self) -> Option<&Headers> {
        self.trailers.as_ref()
    }

    /// The URL that gave this answer, after all redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.head.url()
    }

    /// The request that this is the answer of: on a redirected call the last one, as it was sent.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The answers before this one, oldest first: redirects, and challenges that were answered.
    #[must_use]
    pub fn history(&self) -> &[Hop] {
        &self.history
    }

    /// The attempts of the last hop, oldest first: addresses, times, bytes. More than one where something was sent
    /// again.
    #[must_use]
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// When each phase of the last attempt was over: lookup, connecting, TLS, sending, the head, the body. Those of
    /// earlier hops are in the [history](Self::history).
    #[must_use]
    pub fn timings(&self) -> &Attempt {
        self.attempts.last()
    }

    /// How long the last hop took, from its beginning to the end of the head of this answer; connecting counts where
    /// that was needed, the body does not (requests' `elapsed`). Zero for an answer that was not sent.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.head.elapsed()
    }

    /// The cookies that this answer sets, those of earlier hops not included (requests' `cookies`). One that a jar
    /// would refuse is not among them. Age and date of expiry are as the server said.
    #[must_use]
    pub fn cookies(&self) -> Vec<Cookie<'static>> {
        self.head.cookies()
    }

    /// The links in its `Link` headers (RFC 8288), such as `next` of a list that comes in pages.
    #[must_use]
    pub fn links(&self) -> Links {
        self.head.links()
    }

    /// The body, decoded (requests' `content`). Empty where there was none.
    #[doc(alias = "content")]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body, to keep.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.body
    }

    /// The body as text: by a byte order mark, else by the charset of `Content-Type`, else as UTF-8. What cannot be
    /// decoded becomes U+FFFD; there is no guessing and no error.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        text::text(&self.body, self.header("content-type"))
    }

    /// The body as text in the charset with this label, whatever the answer says of itself (requests' `encoding`, set):
    /// any of the [WHATWG's labels](https://encoding.spec.whatwg.org/#names-and-labels), such as `shift_jis`. A byte order
    /// mark of that charset is left out. What cannot be decoded becomes U+FFFD.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] if there is no charset of that name; without the feature `charset` there are UTF-8, UTF-16
    /// and windows-1252 (with `iso-8859-1`).
    #[doc(alias = "apparent_encoding")]
    pub fn text_with(&self, charset: &str) -> Result<Cow<'_, str>, Error> {
        Ok(text::text_in(charset_named(charset, &self.request)?, &self.body))
    }

    /// The name of the charset that [`text`](Self::text) decodes the body from, such as `UTF-8` (requests' `encoding`).
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        text::Charset::of(&self.body, self.header("content-type")).0.name()
    }

    /// The body as JSON, in UTF-8, -16 or -32. The status plays no part in it.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] with the answer in it; the text names the type, the way to the value that does not fit, the
    /// place and the bytes around it. Its source is a [`JsonError`](crate::JsonError).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json::read(&self.body).map_err(|error| error.with_response(self.clone()))
    }

    /// Makes a 4xx or 5xx an error, in the words of requests' `raise_for_status`; the answer is in it.
    ///
    /// # Errors
    /// [`ErrorKind::Status`].
    #[doc(alias = "raise_for_status")]
    pub fn error_for_status(self) -> Result<Self, Error> {
        match status_error(&self.head) {
            Some(error) => Err(error.with_response(self)),
            None => Ok(self),
        }
    }

    pub(crate) fn parts_mut(&mut self) -> (&mut Vec<Hop>, &mut Attempts) {
        (&mut self.history, &mut self.attempts)
    }
}

/// The charset with this label, which the caller asks for.
pub(crate) fn charset_named(label: &str, request: &Request) -> Result<text::Charset, Error> {
    text::Charset::from_label(label).ok_or_else(|| {
        let mut shown = String::new();
        push_escaped(&mut shown, label);
        crate::url::cut(&mut shown, 100);
        Error::request_error(format!("there is no charset {shown:?}")).with_request(request).maybe_processed()
    })
}

/// `404 Client Error: Not Found for url: https://…`, if it is one.
pub(crate) fn status_error(head: &Head) -> Option<Error> {
    let side = match head.status().as_u16() {
        400..=499 => "Client",
        500..=599 => "Server",
        _ => return None,
    };
    let mut text = format!("{} {side} Error: ", head.status().as_u16());
    push_escaped(&mut text, &head.reason());
    // A reason is a phrase; the URL must not be pushed out of the text by a longer one.
    crate::url::cut(&mut text, 150);
    text.push_str(" for url: ");
    text.push_str(&redacted(head.url().as_str()));
    Some(Error::new(ErrorKind::Status(head.status()), text))
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Response {}>", self.status().as_u16())
    }
}

/// For programs written against the types of the `http` crate. History, attempts and trailers stay behind.
impl TryFrom<Response> for http::Response<Vec<u8>> {
    type Error = Error;

    fn try_from(response: Response) -> Result<Self, Error> {
        let parts: http::response::Parts =
            response.head.wire.try_into().map_err(|why: http_wire::HeadError| {
                Error::new(ErrorKind::Protocol, format!("the head does not fit the types of http: {why}"))
                    .with_source(why)
            })?;
        Ok(Self::from_parts(parts, response.body))
    }
}

/// An answer on the way to the final one: a redirect, or a challenge that was answered.
#[derive(Clone)]
pub struct Hop {
    head: Head,
    body: Option<Vec<u8>>,
    attempts: Attempts,
    request: Request,
}

impl Hop {
    pub(crate) fn new(head: Head, body: Option<Vec<u8>>, attempts: Attempts, request: Request) -> Self {
        Self { head: head.after(&attempts), body, attempts, request }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// Status, version, reason, headers and URL.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// The value of the first header of that name, if it is UTF-8. [`headers`](Self::headers) has the others too, and
    /// [`Value::to_text`](crate::Value::to_text) reads those in ISO 8859-1.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The URL that gave this answer.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.head.url()
    }

    /// The cookies that this answer set; see [`Response::cookies`].
    #[must_use]
    pub fn cookies(&self) -> Vec<Cookie<'static>> {
        self.head.cookies()
    }

    /// The body, whole: `None` if it was longer than 64 KiB, or had not ended within 50 ms. It is as it was sent: a
    /// `Content-Encoding` is not undone, so that an answer nobody asked for costs no more than its bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// The request that this is the answer of.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// How long it took to the end of the head, as [`Response::elapsed`].
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.head.elapsed()
    }

    /// The attempts to get it, oldest first.
    #[must_use]
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }
}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Hop {} {}>", self.status().as_u16(), redacted(self.url().as_str()))
    }
}
