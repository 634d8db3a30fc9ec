//! What a connection sends and receives through: TCP, or TLS over another link.
//!
//! Links have one shape and each knows only the one below, so TLS over TCP and TLS through a tunnel are the same code.

use crate::attempt::TlsFacts;
use crate::net::Socket;
use std::io::{self, IoSlice, Read, Write};

pub(crate) mod ahead;
#[cfg(test)]
mod tests;
pub(crate) mod tls;

/// A nonblocking byte stream. `WouldBlock` from `read` or `write` is always the socket's own, so the caller may wait
/// for its next edge.
pub(crate) trait Link: Read + Write + Send {
    /// The socket at the bottom, for registration.
    fn socket(&mut self) -> &mut dyn Socket;

    /// Whether bytes wait inside the link for the socket to take them (TLS records; also such that nobody wrote,
    /// like the answer to a key update). [`Write::flush`] moves them.
    fn has_pending(&self) -> bool;

    /// How many bytes the socket has taken, of whatever kind. Tells whether anything at all was sent.
    fn taken(&self) -> u64;

    /// What TLS agreed on, if there is TLS.
    fn tls(&self) -> Option<TlsFacts>;

    /// Says goodbye, as far as that is possible without waiting. The socket closes when the link is dropped.
    fn close(&mut self);
}

/// The innermost link: a socket and a count.
pub(crate) struct Tcp {
    socket: Box<dyn Socket>,
    taken: u64,
}

impl Tcp {
    pub(crate) fn new(socket: Box<dyn Socket>) -> Self {
        Self { socket, taken: 0 }
    }
}

impl Read for Tcp {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buf)
    }
}

impl Write for Tcp {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.socket.write(buf)?;
        self.taken += n as u64;
        Ok(n)
    }

    /// TLS has several records to send at once; one call for all of them.
    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let n = self.socket.write_vectored(bufs)?;
        self.taken += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Link for Tcp {
    fn socket(&mut self) -> &mut dyn Socket {
        &mut *self.socket
    }

    fn has_pending(&self) -> bool {
        false
    }

    fn taken(&self) -> u64 {
        self.taken
    }

    fn tls(&self) -> Option<TlsFacts> {
        None
    }

    fn close(&mut self) {}
}
