//! The real world: mio sockets, the system's clocks and entropy. The only file that knows mio or reads a clock.

use super::{Net, Ready, Socket, Token, Wake};
use crate::dial::resolve::{Inquirer, Lookups};
use crate::resolver::Resolve;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Waker};
use std::any::Any;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// The token of the waker: never given to a connection.
const WAKER: mio::Token = mio::Token(usize::MAX);

/// As many events as one wait reports; more come with the next. Each may fill a buffer before the caller takes
/// anything, so this bounds what a thousand answers arriving together need.
const EVENTS: usize = 64;

/// One selector with what belongs to it: three descriptors (the selector, its registry, its waker).
pub(crate) struct MioNet {
    poll: Poll,
    events: Events,
    /// One for the driver and all its sockets: cloning mio's own costs a descriptor each.
    registry: Arc<Registry>,
    waker: Arc<MioWaker>,
    lookups: Arc<Lookups>,
    inquirer: Arc<Inquirer>,
}

struct MioWaker(Waker);

/// A socket and the selector that watches it.
struct MioSocket {
    stream: TcpStream,
    home: Option<Arc<Registry>>,
    /// A failed or pending attempt has no peer; once there was one it stays connected.
    connected: bool,
}

impl MioNet {
    pub(crate) fn new(lookups: Arc<Lookups>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = Arc::new(poll.registry().try_clone()?);
        let waker = Arc::new(MioWaker(Waker::new(&registry, WAKER)?));
        let inquirer = Arc::new(Inquirer::new(waker.clone()));
        Ok(Self { poll, events: Events::with_capacity(EVENTS), registry, waker, lookups, inquirer })
    }
}

impl Net for MioNet {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn random(&mut self, out: &mut [u8]) -> io::Result<()> {
        getrandom::fill(out).map_err(|why| io::Error::other(why.to_string()))
    }

    fn connect(&mut self, token: Token, addr: SocketAddr) -> io::Result<Box<dyn Socket>> {
        let mut stream = TcpStream::connect(addr)?;
        self.registry.register(&mut stream, mio::Token(token.get()), BOTH)?;
        Ok(Box::new(MioSocket { stream, home: Some(self.registry.clone()), connected: false }))
    }

    fn attach(&mut self, token: Token, socket: &mut dyn Socket) -> io::Result<()> {
        let socket = socket.as_any().downcast_mut::<MioSocket>().ok_or(io::ErrorKind::Unsupported)?;
        if socket.home.as_ref().is_some_and(|home| Arc::ptr_eq(home, &self.registry)) {
            return Ok(());
        }
        socket.detach();
        self.registry.register(&mut socket.stream, mio::Token(token.get()), BOTH)?;
        socket.home = Some(self.registry.clone());
        Ok(())
    }

    fn lookup(&mut self, token: Token, host: &str, port: u16, resolver: Option<&Arc<dyn Resolve>>) {
        self.lookups.ask(&self.inquirer, token, (host, port), resolver, self.now());
    }

    fn wait(&mut self, until: Option<Instant>, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.inquirer.collect(ready);
        let limit = match until {
            _ if !ready.is_empty() => Some(std::time::Duration::ZERO),
            Some(until) => Some(until.saturating_duration_since(self.now())),
            None => None,
        };
        match self.poll.poll(&mut self.events, limit) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            if event.token() == WAKER {
                ready.push(Ready::Woken);
                self.inquirer.collect(ready);
                continue;
            }
            // An error shows through the next operation, whichever it is.
            let failed = event.is_error();
            ready.push(Ready::Socket {
                token: Token::from_number(event.token().0),
                readable: failed || event.is_readable() || event.is_read_closed(),
                writable: failed || event.is_writable() || event.is_write_closed(),
            });
        }
        Ok(())
    }

    fn waker(&self) -> Arc<dyn Wake> {
        self.waker.clone()
    }

    #[cfg(unix)]
    fn raw_fd(&self) -> Option<std::os::fd::RawFd> {
        use std::os::fd::AsRawFd;
        Some(self.poll.as_raw_fd())
    }
}

/// Registered once for both directions: re-arming costs more than an edge nobody waits for.
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

impl Wake for MioWaker {
    fn wake(&self) {
        if let Err(error) = self.0.wake() {
            log::warn!("a driver could not be woken: {error}");
        }
    }
}

impl Socket for MioSocket {
    fn connected(&mut self) -> io::Result<bool> {
        if self.connected {
            return Ok(true);
        }
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                // Requests are written whole; waiting for more to fill a segment only delays them.
                self.stream.set_nodelay(true)?;
                self.connected = true;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn detach(&mut self) {
        if let Some(home) = self.home.take()
            && let Err(error) = home.deregister(&mut self.stream)
        {
            log::debug!("a socket could not be deregistered: {error}");
        }
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.stream.local_addr().ok()
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Read for MioSocket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buf)
    }
}

impl Write for MioSocket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_13_small_writes_are_not_held_back() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut net = MioNet::new(Arc::default()).unwrap();
        let mut socket = net.connect(Token::fresh(), listener.local_addr().unwrap()).unwrap();
        let mut ready = Vec::new();
        while !socket.connected().unwrap() {
            net.wait(None, &mut ready).unwrap();
        }
        let socket = socket.as_any().downcast_mut::<MioSocket>().unwrap();
        assert!(socket.stream.nodelay().unwrap());
    }
}
