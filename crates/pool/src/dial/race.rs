//! Many addresses, one connection: happy eyeballs (RFC 8305).
//!
//! The addresses are tried in the resolver's order, with the families taking turns, so that a network on which one of
//! them is dead costs a quarter of a second. The next address has its turn a stagger after the last one, or at once
//! when one fails; those that were begun go on beside it, and the first connection that stands wins.

use super::Site;
use crate::attempt::Attempt;
use crate::error::Error;
use crate::kind::ErrorKind;
use crate::net::{Socket, Token, out_of_resources};
use crate::phase::Phase;
use crate::tokens::Tokens;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// More addresses than this are not tried: a lookup may return thousands.
const MAX_ADDRESSES: usize = 20;

/// The connection attempt delay that RFC 8305 section 5 recommends.
const STAGGER: Duration = Duration::from_millis(250);

/// So many connections are begun at a time; with all of them on their way, the oldest has to give way in time.
const MAX_RUNNING: usize = 6;

/// What an address gets at the least before it gives way, if nothing bounds the dial: the system's own patience is
/// minutes.
const SHARE: Duration = Duration::from_secs(10);

/// So many causes are told in the text of an error; all of them are in its facts.
const TOLD: usize = 4;

pub(crate) struct Race {
    /// Those still to be tried, the next one last.
    waiting: Vec<SocketAddr>,
    /// Those on their way, the oldest first.
    running: Vec<Runner>,
    /// When the next address has its turn, if none fails before; `None`: at once.
    next: Option<Instant>,
    until: Option<Instant>,
    /// Why the others failed, for the error.
    causes: Vec<(SocketAddr, io::Error)>,
}

struct Runner {
    token: Token,
    socket: Box<dyn Socket>,
    addr: SocketAddr,
    /// From then on it gives way to those that wait.
    until: Option<Instant>,
}

pub(crate) enum Raced {
    Pending(Race),
    Won(Token, Box<dyn Socket>, SocketAddr),
    Failed(Error),
}

impl Race {
    /// `until`: when the race must be over.
    pub(crate) fn new(addresses: Vec<SocketAddr>, until: Option<Instant>) -> Self {
        let mut waiting = in_turns(addresses);
        waiting.reverse();
        Self { waiting, running: Vec::new(), next: None, until, causes: Vec::new() }
    }

    /// Strikes those on their way out of the driver's map.
    pub(crate) fn forget(&self, tokens: &mut Tokens) {
        for runner in &self.running {
            tokens.remove(runner.token);
        }
    }

    /// Notes that those on their way have run out of time.
    pub(crate) fn timed_out(&self, facts: &mut Attempt) {
        facts.failed.extend(self.running.iter().map(|runner| (runner.addr, io::ErrorKind::TimedOut)));
    }

    /// When the next address has its turn.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        if self.waiting.is_empty() {
            return None;
        }
        let room = if self.is_full() { self.running.first().and_then(|oldest| oldest.until) } else { None };
        self.next.max(room)
    }

    pub(crate) fn advance(mut self, site: &mut Site<'_>, facts: &mut Attempt) -> Raced {
        let mut at = 0;
        while let Some(runner) = self.running.get_mut(at) {
            match runner.socket.connected() {
                Ok(false) => at += 1,
                Ok(true) => {
                    let winner = self.running.remove(at);
                    self.forget(site.tokens);
                    return Raced::Won(winner.token, winner.socket, winner.addr);
                }
                Err(error) => {
                    self.lost(at, error, site, facts);
                    // The next one need not wait for what is settled.
                    self.next = None;
                }
            }
        }
        while self.wake_at().is_none_or(|turn| turn <= site.now)
            && let Some(addr) = self.waiting.pop()
        {
            if self.is_full() {
                self.lost(0, io::ErrorKind::TimedOut.into(), site, facts);
            }
            if let Some(winner) = self.begin(addr, site, facts) {
                self.forget(site.tokens);
                return Raced::Won(winner.token, winner.socket, winner.addr);
            }
        }
        if self.running.is_empty() { Raced::Failed(self.error()) } else { Raced::Pending(self) }
    }

    fn is_full(&self) -> bool {
        self.running.len() >= MAX_RUNNING
    }

    /// Begins a connection; it is returned if it stands at once.
    fn begin(&mut self, addr: SocketAddr, site: &mut Site<'_>, facts: &mut Attempt) -> Option<Runner> {
        let token = Token::fresh();
        let begun = connect(site, token, addr).and_then(|mut socket| Ok((socket.connected()?, socket)));
        match begun {
            Ok((stands, socket)) => {
                site.tokens.insert(token, site.id);
                let until = share(site.now, self.until, self.waiting.len());
                let runner = Runner { token, socket, addr, until };
                if stands {
                    return Some(runner);
                }
                self.running.push(runner);
                self.next = site.now.checked_add(STAGGER);
            }
            Err(error) => {
                self.failed(addr, error, facts);
                self.next = None;
            }
        }
        None
    }

    /// One on its way is given up.
    fn lost(&mut self, at: usize, why: io::Error, site: &mut Site<'_>, facts: &mut Attempt) {
        let runner = self.running.remove(at);
        site.tokens.remove(runner.token);
        self.failed(runner.addr, why, facts);
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

/// Each address once, the families in turns, beginning with that of the first one: the system has sorted them by what
/// it knows of its networks (RFC 6724), and what it put first stays first (RFC 8305 section 4).
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else { return addresses };
    let (same, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|addr| addr.is_ipv6() == first);
    let mut families = [same.into_iter(), other.into_iter()];
    let mut turns: Vec<SocketAddr> = Vec::new();
    loop {
        let before = turns.len();
        for family in &mut families {
            turns.extend(family.find(|addr| !turns.contains(addr)));
        }
        if turns.len() == before || turns.len() >= MAX_ADDRESSES {
            turns.truncate(MAX_ADDRESSES);
            return turns;
        }
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
