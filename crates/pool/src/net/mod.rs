//! The seam between the pool and the world.
//!
//! Everything a [`Driver`](crate::Driver) needs from outside (sockets, name lookups, the clock, entropy, waiting)
//! goes through the object-safe trait [`Net`]. `net::mio` implements it with real sockets, `sim` (feature `sim`) with
//! a virtual clock and scripted peers; a program with an event loop of its own can implement it too.

use crate::resolver::Resolve;
use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

pub(crate) mod mio;

/// Names one connection, or one lookup, towards a [`Net`].
///
/// Unique within the process and never given out twice, so an event that arrives late for something already gone
/// can be told from an event for its successor. A connection keeps its token while it is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(usize);

impl Token {
    /// A token that nobody had before.
    #[must_use]
    pub fn fresh() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number behind the token, for registration with a selector.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }

    /// The token with this number, as a selector gives it back.
    #[must_use]
    pub fn from_number(number: usize) -> Self {
        Self(number)
    }
}

/// Everything a driver asks of the world.
///
/// A `Net` belongs to one driver and is called by one thread at a time. Sockets made by one `Net` may be handed to
/// another `Net` of the same kind with [`attach`](Net::attach).
pub trait Net: Send {
    /// The monotonic clock. Read once or twice per turn of the driver and by nobody else.
    fn now(&self) -> Instant;

    /// The wall clock, for cookies, `Retry-After` dates and certificates.
    fn wall(&self) -> SystemTime;

    /// Fills `out` with unpredictable bytes (jitter, client nonces, multipart boundaries).
    ///
    /// # Errors
    /// Whatever the source of entropy reports; no weaker source takes its place.
    fn random(&mut self, out: &mut [u8]) -> io::Result<()>;

    /// Starts connecting to `addr` and watches the socket under `token`.
    ///
    /// Completion shows as writable readiness; [`Socket::connected`] then tells how it ended.
    ///
    /// # Errors
    /// When no socket could be made or the attempt failed at once.
    fn connect(&mut self, token: Token, addr: SocketAddr) -> io::Result<Box<dyn Socket>>;

    /// Watches a connected socket that came from another `Net`: it leaves the one that watched it and joins this one.
    ///
    /// Its readiness is unknown afterwards: the caller reads until `WouldBlock` before it waits.
    ///
    /// # Errors
    /// `Unsupported` for a socket of another kind of net; otherwise what the selector reports.
    fn attach(&mut self, token: Token, socket: &mut dyn Socket) -> io::Result<()>;

    /// Looks up the addresses of `host`, with `resolver` where the pool has one of its own. The answer comes as
    /// [`Ready::Lookup`] with the same token, which makes the net ready; if it is known already, the next
    /// [`wait`](Net::wait) does not wait. Lookups are not cancelled; an answer nobody waits for is dropped.
    fn lookup(&mut self, token: Token, host: &str, port: u16, resolver: Option<&Arc<dyn Resolve>>);

    /// Waits until something is ready, somebody called [`Wake::wake`], or `until` is reached (`None`: no bound), and
    /// appends what happened to `ready`. May return early with nothing.
    ///
    /// # Errors
    /// When waiting itself fails; an interrupted wait is not an error.
    fn wait(&mut self, until: Option<Instant>, ready: &mut Vec<Ready>) -> io::Result<()>;

    /// A handle with which any thread ends a [`wait`](Net::wait) of this net.
    fn waker(&self) -> Arc<dyn Wake>;

    /// What an outer loop can poll for readability to know that this net has something to report, if there is such
    /// a thing (`epoll` and `kqueue` descriptors are).
    #[cfg(unix)]
    fn raw_fd(&self) -> Option<std::os::fd::RawFd> {
        None
    }
}

/// A nonblocking stream socket: `WouldBlock` instead of waiting.
pub trait Socket: io::Read + io::Write + Send {
    /// Whether a connection attempt has ended: `Ok(false)` while it goes on.
    ///
    /// # Errors
    /// Why the attempt failed.
    fn connected(&mut self) -> io::Result<bool>;

    /// Stops watching the socket. It is closed when dropped.
    fn detach(&mut self);

    /// The local address, where known.
    fn local_addr(&self) -> Option<SocketAddr> {
        None
    }

    /// Lets a net recognise its own sockets.
    fn as_any(&mut self) -> &mut dyn Any;
}

/// Ends a wait from another thread. Waking twice is harmless.
pub trait Wake: Send + Sync {
    /// Makes the current or the next [`Net::wait`] return.
    fn wake(&self);
}

/// One thing that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ready {
    /// A socket may be read or written, or has failed (both are set then, and the operation tells how).
    Socket {
        /// The connection.
        token: Token,
        /// Reading may give bytes, end of stream or an error.
        readable: bool,
        /// Writing may be possible; a connection attempt may have ended.
        writable: bool,
    },
    /// A lookup ended.
    Lookup {
        /// The lookup.
        token: Token,
        /// The addresses with the port asked for, in the order they are to be tried.
        result: io::Result<Vec<SocketAddr>>,
    },
    /// Somebody called [`Wake::wake`].
    Woken,
}

/// Out of descriptors or of memory for them: `ENOMEM`, `ENFILE`, `EMFILE` (the same numbers on every Unix) and
/// `ENOBUFS`. std has a kind only for the first.
pub(crate) fn out_of_resources(error: &io::Error) -> bool {
    const ENOBUFS: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 105 } else { 55 };
    error.kind() == io::ErrorKind::OutOfMemory
        || cfg!(unix) && matches!(error.raw_os_error(), Some(12 | 23 | 24 | ENOBUFS))
}
