//! What went wrong, in which phase, with whom, and whether the server may have acted on the request.

use crate::attempt::Attempts;
use crate::kind::ErrorKind;
use crate::origin::Origin;
use crate::phase::Phase;
use crate::proxy::Proxy;
use crate::request::Request;
use http_wire::StatusCode;
use std::fmt;
use std::io;

/// Why an exchange failed. Fixed where the error is made; never a credential in its text.
///
/// `Display` is one line: what was tried, what happened. `source()` has the cause, with no promise about its type.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    phase: Option<Phase>,
    origin: Option<Origin>,
    detail: String,
    attempts: Attempts,
    maybe_processed: bool,
    request: Option<Request>,
    refusal: Option<Refusal>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a proxy said instead of letting us through.
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            phase: None,
            origin: None,
            detail: String::new(),
            attempts: Attempts::default(),
            maybe_processed: false,
            request: None,
            refusal: None,
            source: None,
        }))
    }

    pub(crate) fn config(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config).with_detail(detail)
    }

    /// An error of the operating system outside any exchange.
    pub(crate) fn io(detail: &str, source: io::Error) -> Self {
        Self::new(ErrorKind::Io).with_detail(detail).with_source(source)
    }

    pub(crate) fn with_phase(mut self, phase: Phase) -> Self {
        self.0.phase = Some(phase);
        self
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_refusal(mut self, refusal: Refusal) -> Self {
        self.0.refusal = Some(refusal);
        self
    }

    /// The same failure, seen on the way to a proxy: the proxy's, by kind and words.
    pub(crate) fn at_proxy(mut self, proxy: &Proxy) -> Self {
        self.0.kind = ErrorKind::Proxy;
        self.0.detail = format!("the proxy {proxy}: {}", self.0.detail);
        self
    }

    /// Adds what the exchange knows when it ends with this error.
    pub(crate) fn with_exchange(
        mut self,
        request: Request,
        phase: Phase,
        mut attempts: Attempts,
        maybe_processed: bool,
    ) -> Self {
        attempts.current().error = Some(self.0.kind);
        self.0.origin = Some(request.route().origin().clone());
        self.0.phase = self.0.phase.or(Some(phase));
        self.0.attempts = attempts;
        self.0.maybe_processed = maybe_processed;
        self.0.request = Some(request);
        self
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was being done, where the failure belongs to an exchange.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.0.phase
    }

    /// Whether a time limit ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout(_))
    }

    /// Whom the request was for.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// What was tried, oldest first.
    #[must_use]
    pub fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    /// Whether not one byte of the request was accepted by the transport.
    #[must_use]
    pub fn nothing_sent(&self) -> bool {
        self.0.attempts.iter().all(|attempt| attempt.bytes_sent == 0)
    }

    /// Whether the server may have acted on the request: false only if it cannot have seen all of its head.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        self.0.maybe_processed
    }

    /// Gives the request back if nothing of it was sent, so that it can be sent elsewhere without harm.
    #[must_use]
    pub fn into_request(self) -> Option<Request> {
        if self.nothing_sent() { self.0.request } else { None }
    }

    /// The status with which a proxy refused a tunnel. With [`ErrorKind::Proxy`] and none, the proxy could not be
    /// reached (in phase [`Resolve`](Phase::Resolve) or [`Connect`](Phase::Connect)), broke its protocol, or speaks
    /// SOCKS, whose reasons are in the text.
    #[must_use]
    pub fn proxy_status(&self) -> Option<StatusCode> {
        self.0.refusal.as_ref().map(|refusal| refusal.status)
    }

    /// The first 8 KiB, at most, of what a proxy gave as its reasons: from the proxy, not from the origin.
    #[must_use]
    pub fn proxy_body(&self) -> &[u8] {
        self.0.refusal.as_ref().map_or(&[], |refusal| &refusal.body)
    }

    /// What went wrong, without the phase and the peer.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(origin) = &inner.origin {
            write!(f, "{origin}: ")?;
        }
        if !inner.detail.is_empty() {
            return f.write_str(&inner.detail);
        }
        match (inner.kind, inner.phase) {
            (ErrorKind::Timeout(limit), Some(phase)) => write!(f, "timed out while {phase} ({limit} limit)"),
            (kind, Some(phase)) => write!(f, "{} while {phase}", kind.words()),
            (kind, None) => f.write_str(kind.words()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("phase", &inner.phase)
            .field("text", &self.to_string())
            .field("attempts", &inner.attempts)
            .field("source", &inner.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}
