//! What an exchange was waiting for, and which limit ended the wait.

use std::fmt;

/// What an exchange was doing. Part of every error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for a connection that others hold.
    Queue,
    /// Looking up addresses.
    Resolve,
    /// Connecting to an address.
    Connect,
    /// The TLS handshake with the origin.
    Tls,
    /// All that is said to a proxy before it lets us through: TLS with an https proxy, CONNECT, SOCKS.
    Proxy,
    /// Sending the request.
    Write,
    /// Waiting for the response head.
    Head,
    /// Reading the response body.
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "waiting for a free connection",
            Self::Resolve => "looking up the host",
            Self::Connect => "connecting",
            Self::Tls => "in the TLS handshake",
            Self::Proxy => "talking to the proxy",
            Self::Write => "sending the request",
            Self::Head => "waiting for the response head",
            Self::Body => "reading the response body",
        })
    }
}

/// Which time limit ran out. What was awaited at that moment is the [`Phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// From the lookup to the end of the TLS handshake, proxies included.
    Connect,
    /// No byte in either direction.
    Idle,
    /// The whole call.
    Total,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Idle => "idle",
            Self::Total => "total",
        })
    }
}
