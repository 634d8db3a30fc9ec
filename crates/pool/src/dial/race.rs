//! Many addresses, one connection: tries them in order until one answers.
//!
//! One after another for now; an address that does not answer gets its share of the time that is left, so that a
//! dead one cannot use up what the good one behind it needs.

use super::Site;
use crate::attempt::Attempt;
use crate::error::Error;
use crate::kind::ErrorKind;

use crate::net::{Socket, Token, out_of_resources};
use crate::phase::Phase;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// More addresses than this are not tried: a lookup may return thousands.
const MAX_ADDRESSES: usize = 20;

/// What an address gets if nothing bounds the dial: the system's own patience is minutes.
const SHARE: Duration = Duration::from_secs(10);

/// So many causes are told in the text of an error; all of them are in its facts.
const TOLD: usize = 4;

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
        for (i, (addr, error)) in self.causes.iter().take(TOLD).enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(detail, "{comma}{addr} {}", words(error));
        }
        if let Some(more) = self.causes.len().checked_sub(TOLD).filter(|&more| more > 0) {
            let _ = write!(detail, ", and {more} more in vain");
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

/// The last address may use all that is left; every other one an equal share.
fn share(now: Instant, until: Option<Instant>, behind: usize) -> Option<Instant> {
    if behind == 0 {
        return None;
    }
    let parts = u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1);
    let share = until.map_or(SHARE, |until| until.saturating_duration_since(now) / parts);
    now.checked_add(share)
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
