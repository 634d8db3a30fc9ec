//! [`Testbed`]: the two listeners and their thread, as one value.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::TlsAcceptor;

use crate::server::{self, Server};
use crate::stats::{Counters, Stats};
use crate::tls::{Ca, Identity, NAMES};
use crate::worker::{self, Worker};

/// A running server on two loopback ports, one plain and one with TLS. Dropping it closes every connection, frees both
/// ports and ends its thread.
///
/// "Frees" and "closes" hold for this process. If another thread is starting a program at that moment, the child has
/// copies of all sockets until its exec, and for so long a port still accepts and a peer sees no end: tests that look
/// at either belong in a test binary that starts no programs.
#[derive(Debug)]
pub struct Testbed {
    addr: SocketAddr,
    tls_addr: SocketAddr,
    ca: Ca,
    counters: Arc<Counters>,
    _worker: Worker,
}

impl Testbed {
    /// Starts on two free ports, with keep-alive and a certificate that [`ca_pem`](Self::ca_pem) vouches for.
    ///
    /// # Errors
    ///
    /// If there is no socket, thread or key to be had.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// For a testbed with settings of its own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The base URL of the plain port: `http://127.0.0.1:PORT`.
    pub fn http(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The base URL of the TLS port: `https://localhost:PORT`. The certificate is also good for `127.0.0.1`, `::1`,
    /// `a.test`, `b.test`, `*.a.test` and `*.b.test`; the port listens on IPv4 alone.
    pub fn https(&self) -> String {
        format!("https://localhost:{}", self.tls_addr.port())
    }

    /// Where the plain port listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the TLS port listens.
    pub fn tls_addr(&self) -> SocketAddr {
        self.tls_addr
    }

    /// The certificate of the authority, in PEM: what a client has to trust.
    pub fn ca_pem(&self) -> &str {
        self.ca.pem()
    }

    /// The authority, to issue certificates for further servers.
    pub fn ca(&self) -> &Ca {
        &self.ca
    }

    /// What the server has seen so far.
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }

    /// Blocks until the counts are as `holds` wants them and returns them, or `None` after `limit`. For what the server
    /// learns only after the client is done, such as a closed connection.
    pub fn wait_for(&self, limit: Duration, holds: impl Fn(&Stats) -> bool) -> Option<Stats> {
        self.counters.wait_for(limit, holds)
    }
}

/// Settings of a [`Testbed`], from [`Testbed::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    port: u16,
    tls_port: u16,
    keep_alive: bool,
    ca: Option<Ca>,
    identity: Option<Identity>,
}

impl Default for Builder {
    fn default() -> Self {
        Self { port: 0, tls_port: 0, keep_alive: true, ca: None, identity: None }
    }
}

impl Builder {
    /// The plain port; 0, the default, is any free one.
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The TLS port; 0, the default, is any free one.
    pub fn tls_port(self, tls_port: u16) -> Self {
        Self { tls_port, ..self }
    }

    /// Whether a connection may carry more than one request (the default), or every answer says `Connection: close`.
    pub fn keep_alive(self, keep_alive: bool) -> Self {
        Self { keep_alive, ..self }
    }

    /// An authority shared with other servers, in place of a new one.
    pub fn ca(self, ca: Ca) -> Self {
        Self { ca: Some(ca), ..self }
    }

    /// The certificate to show, in place of a good one: self-signed, expired, or for other names.
    pub fn identity(self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// If a port is taken (the text names it), or there is no socket, thread or key to be had.
    pub fn start(self) -> io::Result<Testbed> {
        let ca = match self.ca {
            Some(ca) => ca,
            None => Ca::new()?,
        };
        let identity = match self.identity {
            Some(identity) => identity,
            None => ca.issue(NAMES)?,
        };
        let acceptor = TlsAcceptor::from(identity.server_config()?);
        let runtime = worker::runtime()?;
        let (plain, addr) = worker::listen(&runtime, self.port)?;
        let (tls, tls_addr) = worker::listen(&runtime, self.tls_port)?;
        let counters = Arc::new(Counters::default());
        let server = Arc::new(Server::new(Arc::clone(&counters), self.keep_alive));
        let work = async move {
            tokio::join!(
                server::accept(Arc::clone(&server), plain, None),
                server::accept(server, tls, Some(acceptor))
            );
        };
        let worker = Worker::spawn("testbed", runtime, work)?;
        Ok(Testbed { addr, tls_addr, ca, counters, _worker: worker })
    }
}
