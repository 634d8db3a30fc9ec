//! What a host that answers every request sees ([`Received`]) and says ([`Reply`]).

use super::ok;
use http_wire::{Method, RequestHead};
use std::net::SocketAddr;
use std::time::Duration;

/// One complete request, as a host saw it.
#[derive(Clone, Debug)]
pub struct Received {
    pub(super) head: RequestHead,
    pub(super) body: Vec<u8>,
    pub(super) connection: usize,
    pub(super) addr: SocketAddr,
    pub(super) at: Duration,
}

impl Received {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.head.method()
    }

    /// The request target, as it was sent.
    #[must_use]
    pub fn target(&self) -> &str {
        self.head.target()
    }

    /// The whole head.
    #[must_use]
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The body without its framing.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The number of the connection it came on, from 0, in the order in which the world saw them.
    #[must_use]
    pub fn connection(&self) -> usize {
        self.connection
    }

    /// The address and port that were connected to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The virtual time since the world began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.at
    }
}

/// What a host answers: raw bytes, when, and what becomes of the connection.
#[derive(Clone, Debug)]
#[must_use]
pub struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) delay: Duration,
    pub(super) end: End,
}

/// What follows the bytes of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Keep,
    Close,
    Reset,
    Hold,
}

impl Reply {
    /// These bytes, at once, and the connection stays open.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), delay: Duration::ZERO, end: End::Keep }
    }

    /// `200 OK` with this body.
    pub fn ok(body: &str) -> Self {
        Self::raw(ok(body))
    }

    /// This status with an empty body. The reason phrase is `Simulated`.
    pub fn status(status: u16) -> Self {
        Self::raw(format!("HTTP/1.1 {status} Simulated\r\nContent-Length: 0\r\n\r\n"))
    }

    /// Nothing, for ever.
    pub fn silence() -> Self {
        Self { end: End::Hold, ..Self::raw([]) }
    }

    /// So much virtual time later.
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The connection is closed (FIN) behind the bytes.
    pub fn close(self) -> Self {
        Self { end: End::Close, ..self }
    }

    /// The connection is reset (RST); the bytes are lost where the client has not read them.
    pub fn reset(self) -> Self {
        Self { end: End::Reset, ..self }
    }
}

impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self::raw(bytes)
    }
}
