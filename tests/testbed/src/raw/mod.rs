//! A server that plays scripts: for answers no real server would give, and for ends of connections at any point.
//!
//! ```no_run
//! use testbed::raw::{RawServer, Script};
//!
//! // One answer that is cut short, then one that is whole.
//! let server = RawServer::start([
//!     Script::new().answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort").close(),
//!     Script::new().answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole").wait_for_close(),
//! ])?;
//! println!("GET {}/", server.url());
//! # Ok::<(), std::io::Error>(())
//! ```

mod play;
mod record;
mod script;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

pub use self::script::Script;

use self::play::play;
use self::record::Records;
use crate::tls::Identity;
use crate::worker::{self, Worker};

/// A listener on loopback that plays one script for each connection, in the order in which they are accepted; several
/// connections play at the same time. A connection for which no script is left is closed at once and listed among the
/// [`faults`](Self::faults). Dropping the server ends all connections and its thread.
#[derive(Debug)]
pub struct RawServer {
    addr: SocketAddr,
    tls: bool,
    shared: Arc<Shared>,
    _worker: Worker,
}

/// What the connections and the owner have in common.
#[derive(Debug)]
struct Shared {
    records: Records,
    gate: Semaphore,
}

impl RawServer {
    /// Starts a plain server on a free port.
    ///
    /// # Errors
    ///
    /// If there is no socket or thread to be had.
    pub fn start(scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        Self::launch(scripts.into_iter().collect(), None)
    }

    /// Starts a server on a free port that plays its scripts inside TLS, as who [`Ca::issue`](crate::Ca::issue) says.
    ///
    /// # Errors
    ///
    /// If there is no socket or thread to be had.
    pub fn start_tls(scripts: impl IntoIterator<Item = Script>, identity: &Identity) -> io::Result<Self> {
        Self::launch(scripts.into_iter().collect(), Some(TlsAcceptor::from(identity.server_config()?)))
    }

    fn launch(scripts: Vec<Script>, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let runtime = worker::runtime()?;
        let (listener, addr) = worker::listen(&runtime, 0)?;
        let shared = Arc::new(Shared { records: Records::default(), gate: Semaphore::new(0) });
        let is_tls = tls.is_some();
        let worker =
            Worker::spawn("raw server", runtime, accept(listener, scripts, tls, Arc::clone(&shared)))?;
        Ok(Self { addr, tls: is_tls, shared, _worker: worker })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL: `http://127.0.0.1:PORT`, or `https://localhost:PORT` with TLS.
    pub fn url(&self) -> String {
        if self.tls {
            format!("https://localhost:{}", self.addr.port())
        } else {
            format!("http://{}", self.addr)
        }
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.records.count()
    }

    /// The bytes received so far, for each connection in the order of accepting. Bytes are received only in steps that
    /// wait for some.
    pub fn requests(&self) -> Vec<Vec<u8>> {
        self.shared.records.received()
    }

    /// What kept scripts from being played to their end, a line each. Empty if all went as written.
    pub fn faults(&self) -> Vec<String> {
        self.shared.records.faults()
    }

    /// Lets one [`pause`](Script::pause) go on: the one that waits longest, or the next one to come.
    pub fn proceed(&self) {
        self.shared.gate.add_permits(1);
    }

    /// Blocks until `connections` of them have ended on this side, or `limit` has passed; says whether they have. When
    /// a script ended with [`close`](Script::close) or [`reset`](Script::reset), the client's socket has been told by
    /// then, unless a program is being started meanwhile (see [`Testbed`](crate::Testbed)).
    pub fn wait_until_ended(&self, connections: usize, limit: Duration) -> bool {
        self.shared.records.wait_until_ended(connections, limit)
    }
}

async fn accept(listener: TcpListener, scripts: Vec<Script>, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut scripts = scripts.into_iter();
    loop {
        let (socket, _) = worker::accept(&listener).await;
        let connection = shared.records.add();
        let Some(script) = scripts.next() else {
            drop(socket);
            shared.records.end(connection, Err("no script was left for it".to_owned()));
            continue;
        };
        let tls = tls.clone();
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let result = play(script, socket, tls, &shared, connection).await;
            shared.records.end(connection, result);
        });
    }
}
