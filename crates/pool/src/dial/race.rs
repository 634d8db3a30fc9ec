//! Many addresses, one connection: tries them in order until one answers.
//!
//! One after another for now; an address that does not answer gets its share of the time that is left, so that a
//! dead one cannot use up what the good one behind it needs.

use super::Site;
use crate::attempt::Attempt;
use crate::error::{Error, ErrorKind};

use crate::net::{Socket, Token};
use crate::phase::Phase;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

/// More addresses than this are not tried: a lookup may return thousands.
const MAX_ADDRESSES: usize = 20;

pub(crate) struct Race {
    /// Those still to be tried, the next one last.
    waiting: Vec<SocketAddr>,
    current: Option<Runner>,
    until: Option<Instant>,
    /// Why the others failed, for the error.
    causes: Vec<(SocketAddr, io::Error)>,
}

struct Runner {
    token: Token,
    socket: Box<dyn Socket>,
    addr: SocketAddr,
    /// When the next address gets its turn.
    until: Option<Instant>,
}

pub(crate) enum Raced {
    Pending(Race),
    Won(Token, Box<dyn Socket>, SocketAddr),
    Failed(Error),
}

impl Race {
    pub(crate) fn new(addresses: Vec<SocketAddr>, until: Option<Instant>) -> Self {
        let mut waiting: Vec<SocketAddr> = Vec::with_capacity(addresses.len().min(MAX_ADDRESSES));
        for address in addresses {
            if waiting.len() < MAX_ADDRESSES && !waiting.contains(&address) {
                waiting.push(address);
            }
        }
        waiting.reverse();
        Self { waiting, current: None, until, causes: Vec::new() }
    }

    pub(crate) fn token(&self) -> Option<Token> {
        self.current.as_ref().map(|runner| runner.token)
    }

    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.current.as_ref().and_then(|runner| runner.until)
    }

    pub(crate) fn advance(mut self, site: &mut Site<'_>, facts: &mut Attempt) -> Raced {
        loop {
            if let Some(mut runner) = self.current.take() {
                match runner.socket.connected() {
                    Ok(true) => return Raced::Won(runner.token, runner.socket, runner.addr),
                    Ok(false) if runner.until.is_none_or(|until| site.now < until) => {
                        self.current = Some(runner);
                        return Raced::Pending(self);
                    }
                    Ok(false) => {
                        site.tokens.remove(runner.token);
                        self.failed(runner.addr, io::ErrorKind::TimedOut.into(), facts);
                    }
                    Err(error) => {
                        site.tokens.remove(runner.token);
                        self.failed(runner.addr, error, facts);
                    }
                }
            }
            let Some(addr) = self.waiting.pop() else { return Raced::Failed(self.error()) };
            let token = Token::fresh();
            match connect(site, token, addr) {
                Ok(socket) => {
                    site.tokens.insert(token, site.id);
                    let until = share(site.now, self.until, self.waiting.len());
                    self.current = Some(Runner { token, socket, addr, until });
                }
                Err(error) => self.failed(addr, error, facts),
            }
        }
    }

    fn failed(&mut self, addr: SocketAddr, error: io::Error, facts: &mut Attempt) {
        facts.failed.push((addr, error.kind()));
        self.causes.push((addr, error));
    }

    /// One error with every cause.
    fn error(mut self) -> Error {
        let mut detail = String::from("could not connect: ");
        for (i, (addr, error)) in self.causes.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(detail, "{comma}{addr} {}", words(error));
        }
        if self.causes.is_empty() {
            detail.push_str("the host has no address");
        }
        let error = Error::new(ErrorKind::Connect).with_phase(Phase::Connect).with_detail(detail);
        match self.causes.pop() {
            Some((_, cause)) => error.with_source(cause),
            None => error,
        }
    }
}

/// Connects; when descriptors have run out, closes the idle connections of the pool and tries once more.
fn connect(site: &mut Site<'_>, token: Token, addr: SocketAddr) -> io::Result<Box<dyn Socket>> {
    match site.net.connect(token, addr) {
        Err(error) if out_of_resources(&error) => {
            (site.evict)();
            site.net.connect(token, addr)
        }
        other => other,
    }
}

/// Out of descriptors or of memory for them: `ENOMEM`, `ENFILE`, `EMFILE` (the same numbers on every Unix) and
/// `ENOBUFS`. std has a kind only for the first.
fn out_of_resources(error: &io::Error) -> bool {
    const ENOBUFS: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 105 } else { 55 };
    error.kind() == io::ErrorKind::OutOfMemory
        || cfg!(unix) && matches!(error.raw_os_error(), Some(12 | 23 | 24 | ENOBUFS))
}

/// The last address may use all that is left; every other one an equal share.
fn share(now: Instant, until: Option<Instant>, behind: usize) -> Option<Instant> {
    let left = until?.saturating_duration_since(now);
    let parts = u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1);
    if behind == 0 { None } else { now.checked_add(left / parts) }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "refused the connection (is the server running, is the port right?)".into()
        }
        io::ErrorKind::TimedOut => "did not answer".into(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "cannot be reached".into(),
        _ => error.to_string(),
    }
}
