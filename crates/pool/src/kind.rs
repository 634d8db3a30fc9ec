//! The kinds of failure.

use crate::phase::Limit;

/// What kind of failure, by who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request or a setting was impossible; nothing was sent.
    Config,
    /// The host has no address, or the lookup failed.
    Resolve,
    /// No address could be connected to.
    Connect,
    /// The TLS handshake failed: certificate, name, version, or the peer hung up.
    Tls,
    /// The proxy could not be looked up or connected to, refused, or broke its protocol before it let us through.
    /// A request is never sent around it.
    Proxy,
    /// No connection became free within the `wait` limit.
    Exhausted,
    /// A time limit ran out.
    Timeout(Limit),
    /// The connection ended before one byte of an answer.
    Closed,
    /// The peer broke HTTP/1.1.
    Protocol,
    /// The body, ours or the answer's, was cut short or too long.
    Body,
    /// The caller gave up.
    Canceled,
    /// The operating system, or the caller's body source, reported an error.
    Io,
}

impl ErrorKind {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Config => "impossible request or setting",
            Self::Resolve => "the host could not be looked up",
            Self::Connect => "could not connect",
            Self::Tls => "TLS failed",
            Self::Proxy => "the proxy did not let us through",
            Self::Exhausted => "no connection became free",
            Self::Timeout(_) => "timed out",
            Self::Closed => "the connection was closed",
            Self::Protocol => "the server broke HTTP/1.1",
            Self::Body => "the body was cut short",
            Self::Canceled => "canceled",
            Self::Io => "input or output failed",
        }
    }
}
