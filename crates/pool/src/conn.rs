//! One connection: a link, the protocol state, and what is known of its readiness.

use crate::link::Link;
use crate::net::Token;
use http_wire::{Connection, Limits};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A connection between dial and close. Owned by exactly one of: an exchange, the ledger. Idle ones hold no buffer.
/// Boxed once, when it is made: it changes hands several times per request.
pub(crate) struct Conn {
    pub(crate) link: Box<dyn Link>,
    pub(crate) wire: Connection,
    pub(crate) token: Token,
    /// The driver whose selector watches the socket.
    pub(crate) home: u64,
    /// Reading may give something. Cleared only by the socket's own `WouldBlock`.
    pub(crate) readable: bool,
    /// Writing may be taken. Cleared only by the socket's own `WouldBlock`.
    pub(crate) writable: bool,
    /// Exchanges begun on it.
    pub(crate) uses: u64,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) local: Option<SocketAddr>,
    /// What the server said it would wait for the next request, as of the last answer.
    pub(crate) keep_alive: Option<Duration>,
}

impl Conn {
    pub(crate) fn new(
        link: Box<dyn Link>,
        token: Token,
        home: u64,
        limits: Limits,
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
    ) -> Box<Self> {
        let wire = Connection::new(limits);
        // A socket that has just connected can be written; whether a hasty peer has sent something is unknown.
        Box::new(Self {
            link,
            wire,
            token,
            home,
            readable: true,
            writable: true,
            uses: 0,
            peer,
            local,
            keep_alive: None,
        })
    }

    /// Whether an idle connection is still good: reads through the link, so that a TLS ticket is not taken for
    /// data nor readability for death. Only "nothing there" is good; bytes, end of stream and errors are not.
    pub(crate) fn is_alive(&mut self) -> bool {
        let mut byte = [0];
        loop {
            match self.link.read(&mut byte) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return false,
            }
        }
    }
}
