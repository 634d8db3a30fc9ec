//! What went wrong, with which request, and what can be done about it.

use crate::jar::CookieError;
use crate::request::Request;
use crate::response::Response;
use crate::url::{cut, push_escaped, redacted};
use http_wire::{HeadError, Method, StatusCode};
use pool::{Attempt, Attempts, Limit, Phase};
use std::fmt;
use std::io;
use std::time::Duration;
use url::Url;

/// Why a request failed. Fixed where the error is made; never a credential in its text.
///
/// `Display` is one line: the request, what happened, and for the common cases what to do. URLs are shown without
/// userinfo, and with `***` for the values of their query. `source()` has the cause, with no promise about its type.
#[doc(alias = "RequestException")]
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// The method and the redacted URL, as far as they were known.
    subject: Option<String>,
    detail: String,
    phase: Option<Phase>,
    attempts: Option<Attempts>,
    maybe_processed: bool,
    request: Option<Request>,
    response: Option<Response>,
    /// What a proxy gave as its reasons for not making a tunnel.
    refusal: Option<(StatusCode, Box<[u8]>)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of failure, by who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is impossible, or not supported by this version; nothing was sent.
    #[doc(alias = "InvalidProxyURL")]
    Config,
    /// The request is impossible (URL, method, header, body); nothing was sent.
    #[doc(alias("MissingSchema", "InvalidSchema", "InvalidURL", "InvalidHeader", "InvalidJSONError"))]
    Request,
    /// The host has no address, or the lookup failed.
    Resolve,
    /// No address could be connected to.
    #[doc(alias = "ConnectionError")]
    Connect,
    /// The TLS handshake failed: certificate, name, version, or the peer hung up.
    #[doc(alias = "SSLError")]
    Tls,
    /// The proxy cannot be reached, refused, or broke the protocol; see [`Error::proxy_status`].
    #[doc(alias = "ProxyError")]
    Proxy,
    /// No connection became free within the `wait` limit.
    Exhausted,
    /// A time limit ran out; [`Error::phase`] says what was awaited.
    #[doc(alias("ConnectTimeout", "ReadTimeout"))]
    Timeout(Limit),
    /// The connection ended before one byte of an answer.
    #[doc(alias("ConnectionError", "RemoteDisconnected"))]
    Closed,
    /// The server broke HTTP/1.1.
    Protocol,
    /// A body was cut short, or is larger than the limit for a buffered one.
    #[doc(alias = "ChunkedEncodingError")]
    Body,
    /// The body is not what its `Content-Encoding` says, or not the JSON asked for; the answer is in
    /// [`Error::response`], in the first case without its body.
    #[doc(alias("ContentDecodingError", "JSONDecodeError"))]
    Decode,
    /// A redirect cannot be followed, or there were too many; the answer is in [`Error::response`].
    #[doc(alias("TooManyRedirects", "UnrewindableBodyError"))]
    Redirect,
    /// The server answered with this status, and it was asked to be an error; the answer is in
    /// [`Error::response`].
    #[doc(alias = "HTTPError")]
    Status(StatusCode),
    /// The caller gave up.
    Canceled,
    /// The operating system, or the caller's body source, reported an error.
    Io,
}

/// No text of an error is longer, whatever a peer sent; certificate errors have room for names.
const MAX_TEXT: usize = 512;
const MAX_TLS_TEXT: usize = 4096;

impl Error {
    /// An error of a hook, an [`Auth`](crate::Auth) or a custom [`Redirect`](crate::Redirect) policy: ends the call
    /// with [`ErrorKind::Request`] and this text.
    #[must_use]
    pub fn other(why: impl Into<String>) -> Self {
        Self::new(ErrorKind::Request, why)
    }

    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            subject: None,
            detail: detail.into(),
            phase: None,
            attempts: None,
            maybe_processed: false,
            request: None,
            response: None,
            refusal: None,
            source: None,
        }))
    }

    pub(crate) fn request_error(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Request, detail)
    }

    pub(crate) fn config(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, detail)
    }

    pub(crate) fn canceled(why: impl Into<String>) -> Self {
        Self::new(ErrorKind::Canceled, why)
    }

    /// A header that cannot be sent. The value is not shown: it may be a secret.
    pub(crate) fn header(name: &str, why: HeadError) -> Self {
        // `Debug` escapes it.
        let mut shown: String = name.chars().take(101).collect();
        cut(&mut shown, 100);
        let what = match why {
            HeadError::BadHeaderName => "has characters that a header name cannot have".to_owned(),
            HeadError::BadHeaderValue => {
                "has a value with control characters, or with white space at an end".to_owned()
            }
            HeadError::ReservedHeader => {
                "is written by the library, from the body and the settings".to_owned()
            }
            other => format!("cannot be sent: {other}"),
        };
        Self::request_error(format!("the header {shown:?} {what}")).with_source(why)
    }

    /// A cookie of a request that cannot be sent. What stands behind a `=` is a value, and not shown either.
    pub(crate) fn cookie(name: &str, why: CookieError) -> Self {
        let mut shown: String = name.chars().take_while(|letter| *letter != '=').take(101).collect();
        cut(&mut shown, 100);
        Self::request_error(format!("the cookie {shown:?} of the request cannot be sent: {why}"))
            .with_source(why)
    }

    /// What the pool reported about `request`.
    pub(crate) fn from_pool(error: pool::Error, request: &Request) -> Self {
        let words = match (error.kind(), error.phase()) {
            (pool::ErrorKind::Timeout(limit), Some(phase)) => {
                Some(timed_out(limit, phase, error.detail(), request))
            }
            _ => None,
        };
        let mut new = Self::from(error).with_request(request);
        if let Some(words) = words {
            new.0.detail = words;
        }
        if new.0.kind == ErrorKind::Config {
            new.0.kind = ErrorKind::Request;
        }
        new
    }

    /// A time limit that ran out while the pool had nothing to do with the request.
    pub(crate) fn timed_out(limit: Limit, phase: Phase, request: &Request) -> Self {
        let words = timed_out(limit, phase, "", request);
        let mut new = Self::new(ErrorKind::Timeout(limit), words).with_request(request);
        new.0.phase = Some(phase);
        new
    }

    /// Says how long the total limit was that ran out, where the request itself does not know.
    pub(crate) fn with_total(mut self, total: Option<Duration>) -> Self {
        if let (ErrorKind::Timeout(Limit::Total), Some(phase), Some(total)) =
            (self.0.kind, self.0.phase, total)
        {
            self.0.detail = out_of_time(Limit::Total, phase, Some(total), MORE_TIME);
        }
        self
    }

    /// Names the request in the text, and lets it ride along.
    pub(crate) fn with_request(mut self, request: &Request) -> Self {
        if self.0.request.is_none() {
            self.0.subject = Some(format!("{} {}", request.method(), redacted(request.url().as_str())));
            self.0.request = Some(request.clone());
        }
        self
    }

    /// Names a request that could not be built.
    pub(crate) fn about(mut self, method: &Method, url: Option<&Url>) -> Self {
        if self.0.subject.is_none() {
            let url = url.map(|url| redacted(url.as_str()));
            self.0.subject = Some(match url {
                Some(url) => format!("{method} {url}"),
                None => method.to_string(),
            });
        }
        self
    }

    /// The answer that is the reason; the server has processed the request, then.
    pub(crate) fn with_response(mut self, response: Response) -> Self {
        self = self.with_request(response.request());
        self.0.attempts = Some(response.attempts().clone());
        self.0.maybe_processed = true;
        self.0.response = Some(response);
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The server may have acted on it, even if this failure alone does not say so.
    pub(crate) fn maybe_processed(mut self) -> Self {
        self.0.maybe_processed = true;
        self
    }

    /// Puts the attempts that an earlier exchange of the same call made in front.
    pub(crate) fn after(mut self, before: Option<Attempts>) -> Self {
        if let Some(before) = before {
            match &mut self.0.attempts {
                Some(attempts) => attempts.prepend(before),
                none => *none = Some(before),
            }
        }
        self
    }

    pub(crate) fn into_attempts(self) -> Attempts {
        self.0.attempts.unwrap_or_default()
    }

    pub(crate) fn take_attempts(&mut self) -> Option<Attempts> {
        self.0.attempts.take()
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was being done when it happened, where that is known.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.0.phase
    }

    /// The request, if there was one: on a redirected call the one of the hop that failed.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        self.0.request.as_ref()
    }

    /// The URL of that request, unredacted.
    #[must_use]
    pub fn url(&self) -> Option<&Url> {
        self.request().map(Request::url)
    }

    /// The answer, readable, where it is the reason: for `Status`, `Redirect` and `Decode`.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        self.0.response.as_ref()
    }

    /// The answer, if it is the reason; otherwise the error again.
    ///
    /// # Errors
    /// The error itself, when there was no answer.
    pub fn into_response(mut self) -> Result<Response, Self> {
        self.0.response.take().ok_or(self)
    }

    /// What was tried on the last hop, oldest first: addresses, times, bytes, how each attempt ended. Empty if
    /// nothing was.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.0.attempts.iter().flat_map(Attempts::iter)
    }

    /// The status with which a proxy refused a tunnel ([`ErrorKind::Proxy`]). It is never a [`Response`]: the origin
    /// has not said anything. A 407 asks for other credentials in the URL of the proxy.
    #[must_use]
    pub fn proxy_status(&self) -> Option<StatusCode> {
        self.0.refusal.as_ref().map(|(status, _)| *status)
    }

    /// The start of the body that came with [`proxy_status`](Self::proxy_status), at most 8 KiB.
    #[must_use]
    pub fn proxy_body(&self) -> Option<&[u8]> {
        self.0.refusal.as_ref().map(|(_, body)| &**body)
    }

    /// Whether a time limit ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout(_))
    }

    /// Whether no connection came about: the lookup, the connection, TLS or the proxy failed, or took too long.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Resolve
                | ErrorKind::Connect
                | ErrorKind::Tls
                | ErrorKind::Proxy
                | ErrorKind::Timeout(Limit::Connect)
        )
    }

    /// Whether the server may have acted on the request, on any hop or attempt of this call: false only if it
    /// cannot have seen all of a head. Where this is false, sending again does nothing twice.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        self.0.maybe_processed
    }
}

/// The common case as in `timed out while waiting for the response head (2 s total limit)`. Where the limit was the
/// pool's, its words have the number.
fn timed_out(limit: Limit, phase: Phase, words: &str, request: &Request) -> String {
    let settings = request.settings();
    let (value, remedy) = match limit {
        Limit::Total => (settings.total(), MORE_TIME),
        Limit::Connect => {
            (settings.timeouts().and_then(|t| t.connect), "is the host up? or allow more with timeouts(..)")
        }
        _ => (settings.timeouts().and_then(|t| t.idle), "allow more with timeouts(..)"),
    };
    match value {
        None if !words.is_empty() => format!("{words}; {remedy}"),
        value => out_of_time(limit, phase, value, remedy),
    }
}

const MORE_TIME: &str = "allow more with timeout(..)";

fn out_of_time(limit: Limit, phase: Phase, value: Option<Duration>, remedy: &str) -> String {
    let value = value.map(seconds).unwrap_or_default();
    format!("timed out while {phase} ({value}{limit} limit); {remedy}")
}

/// `2 s `, `1.5 s `, `250 ms `.
fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms ", time.as_millis())
    } else {
        format!("{} s ", time.as_secs_f64())
    }
}

/// The pool's own words, without the origin in front: the URL says it.
fn bare(error: &pool::Error) -> String {
    let text = error.to_string();
    match error.origin().map(|origin| format!("{origin}: ")) {
        Some(origin) => text.strip_prefix(&origin).unwrap_or(&text).to_owned(),
        None => text,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut text = String::new();
        // The words of a status are requests' own, and they end in the URL.
        if let Some(subject) = inner.subject.as_ref().filter(|_| !matches!(inner.kind, ErrorKind::Status(_)))
        {
            text.push_str(subject);
            text.push_str(": ");
        }
        push_escaped(&mut text, &inner.detail);
        cut(&mut text, if inner.kind == ErrorKind::Tls { MAX_TLS_TEXT } else { MAX_TEXT });
        f.write_str(&text)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("text", &self.to_string())
            .field("phase", &inner.phase)
            .field("attempts", &self.attempts().count())
            .field("response", &inner.response)
            .field("source", &inner.source.as_ref().map(|source| shown(&**source)))
            .finish_non_exhaustive()
    }
}

/// The cause for `Debug`, bounded like everything that is shown.
fn shown(source: &(dyn std::error::Error + Send + Sync)) -> String {
    let mut text = format!("{source:?}");
    cut(&mut text, MAX_TLS_TEXT);
    text
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

/// For settings made with the pool's own types, such as [`Tls`](crate::Tls).
impl From<pool::Error> for Error {
    fn from(error: pool::Error) -> Self {
        let kind = match error.kind() {
            pool::ErrorKind::Config => ErrorKind::Config,
            pool::ErrorKind::Resolve => ErrorKind::Resolve,
            pool::ErrorKind::Connect => ErrorKind::Connect,
            pool::ErrorKind::Tls => ErrorKind::Tls,
            pool::ErrorKind::Proxy => ErrorKind::Proxy,
            pool::ErrorKind::Exhausted => ErrorKind::Exhausted,
            pool::ErrorKind::Timeout(limit) => ErrorKind::Timeout(limit),
            pool::ErrorKind::Closed => ErrorKind::Closed,
            pool::ErrorKind::Protocol => ErrorKind::Protocol,
            pool::ErrorKind::Body => ErrorKind::Body,
            pool::ErrorKind::Canceled => ErrorKind::Canceled,
            _ => ErrorKind::Io,
        };
        let detail = if error.detail().is_empty() { bare(&error) } else { error.detail().to_owned() };
        let mut new = Self::new(kind, detail);
        new.0.phase = error.phase();
        new.0.maybe_processed = error.may_have_been_processed();
        new.0.attempts = Some(error.attempts().clone());
        new.0.refusal = error.proxy_status().map(|status| (status, error.proxy_body().into()));
        new.with_source(error)
    }
}

/// For headers that are changed in place: `session.headers_mut().insert("X", "1")?`.
impl From<HeadError> for Error {
    fn from(why: HeadError) -> Self {
        Self::request_error(format!("a header cannot be sent: {why}")).with_source(why)
    }
}

/// For cookies that are set by hand.
impl From<CookieError> for Error {
    fn from(why: CookieError) -> Self {
        Self::request_error(format!("a cookie cannot be stored: {why}")).with_source(why)
    }
}

/// For `io::Read`: the error is found again with `get_ref` or `downcast`.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Timeout(_) => io::ErrorKind::TimedOut,
            ErrorKind::Body => io::ErrorKind::UnexpectedEof,
            ErrorKind::Decode | ErrorKind::Protocol => io::ErrorKind::InvalidData,
            ErrorKind::Closed => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        let texts = [2000, 1500, 250, 0].map(|ms| seconds(Duration::from_millis(ms)));
        assert_eq!(texts, ["2 s ", "1.5 s ", "250 ms ", "0 ms "]);
    }

    #[test]
    fn what_a_peer_chose_is_escaped_and_cut() {
        let error = Error::new(ErrorKind::Protocol, format!("a\r\nb\u{1b}[31m{}", "x".repeat(10_000)));
        let text = error.to_string();
        assert!(text.len() <= MAX_TEXT && text.starts_with("a\\r\\nb\\u{1b}[31mx"), "{text}");
        assert!(Error::new(ErrorKind::Tls, "x".repeat(10_000)).to_string().len() > MAX_TEXT);
    }
}
