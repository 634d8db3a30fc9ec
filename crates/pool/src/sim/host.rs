//! Hosts: names, addresses, and what happens to those who look them up or connect to them.

use super::answer::{Received, Reply};
use super::conn::{Conn, Server, Stage};
use super::peer::Peer;
use super::script::Script;
use super::state::{Event, State};
use super::world::World;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A simulated host. It accepts connections at each of its addresses, on every port, and serves them from its
/// scripts, in the order in which [`accept`](Host::accept) made them, then from its closure.
///
/// [`at`](Host::at) and [`port`](Host::port) give a handle for a part of the host: what is asked of that handle
/// holds for connections to this address or port only. Of two settings that both fit, the later one counts.
#[derive(Clone, Debug)]
pub struct Host {
    world: World,
    id: usize,
    filter: Filter,
}

/// To which connections a setting applies; `None` is any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    ip: Option<IpAddr>,
    port: Option<u16>,
}

/// What becomes of a connection attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Listen,
    Refuse,
    Blackhole,
}

/// What becomes of a lookup of the name.
#[derive(Debug)]
pub(super) enum Lookup {
    Addresses,
    Answers(Vec<SocketAddr>),
    Fails(io::ErrorKind),
    Hangs,
}

/// A host behind the lock.
#[derive(Debug)]
pub(super) struct HostState {
    pub(super) name: String,
    pub(super) addrs: Vec<IpAddr>,
    pub(super) lookup: Lookup,
    pub(super) lookup_delay: Duration,
    pub(super) lookups: usize,
    pub(super) vanished: bool,
    reach: Vec<(Filter, Reach)>,
    latency: Vec<(Filter, Duration)>,
}

/// What makes the replies of a host.
pub(super) type Closure = Box<dyn FnMut(&Received) -> Reply + Send>;

/// A closure and its place of work.
pub(super) struct Answerer {
    host: usize,
    filter: Filter,
    /// Absent while it is being called.
    pub(super) closure: Option<Closure>,
    /// Connections that wanted it while it was absent.
    pub(super) waiting: Vec<usize>,
}

impl Host {
    pub(super) fn new(world: World, id: usize) -> Self {
        Self { world, id, filter: Filter::default() }
    }

    /// This host, at the address `ip` only.
    ///
    /// # Panics
    /// When `ip` is not an address.
    #[must_use]
    pub fn at(&self, ip: &str) -> Self {
        let ip = Some(super::world::parse_ip(ip));
        Self { filter: Filter { ip, ..self.filter }, ..self.clone() }
    }

    /// This host, at the port `port` only.
    #[must_use]
    pub fn port(&self, port: u16) -> Self {
        Self { filter: Filter { port: Some(port), ..self.filter }, ..self.clone() }
    }

    /// A new script: the next accepted connection that no earlier script takes runs it.
    pub fn accept(&self) -> Peer {
        let script = self.world.with(|state| {
            state.scripts.push(Script {
                host: self.id,
                filter: self.filter,
                steps: Default::default(),
                conn: None,
                failed: false,
            });
            state.scripts.len() - 1
        });
        Peer::new(self.world.clone(), script)
    }

    /// Serves every connection that finds no script: each complete request is answered with the closure's reply, and
    /// the connection is kept unless the reply says otherwise.
    ///
    /// The closure runs inside `Net::wait` or `World::advance`, with nothing locked. It must not drive a client of
    /// the same world: that client would wait for the closure.
    pub fn accept_all(&self, reply: impl FnMut(&Received) -> Reply + Send + 'static) {
        let closure: Option<Closure> = Some(Box::new(reply));
        let answerer = Answerer { host: self.id, filter: self.filter, closure, waiting: Vec::new() };
        self.world.with(|state| state.closures.push(answerer));
    }

    /// Connection attempts are refused.
    pub fn refuse(&self) {
        self.reach(Reach::Refuse);
    }

    /// Connection attempts are never answered.
    pub fn blackhole(&self) {
        self.reach(Reach::Blackhole);
    }

    /// Connection attempts succeed (again).
    pub fn listen(&self) {
        self.reach(Reach::Listen);
    }

    /// The path to the whole host is lost (`true`), and nobody is told: nothing arrives in either direction, until
    /// it is found again. Then what was held up arrives, except resets and attempts to connect.
    pub fn vanish(&self, vanished: bool) {
        self.change(|host| host.vanished = vanished);
        if !vanished {
            self.world.with(|state| state.resume(self.id));
        }
    }

    /// Lookups of the name fail so.
    pub fn lookup_fails(&self, kind: io::ErrorKind) {
        self.change(|host| host.lookup = Lookup::Fails(kind));
    }

    /// Lookups of the name never end.
    pub fn lookup_hangs(&self) {
        self.change(|host| host.lookup = Lookup::Hangs);
    }

    /// Lookups of the name give exactly this, whatever port was asked for.
    pub fn lookup_answers(&self, addrs: Vec<SocketAddr>) {
        self.change(|host| host.lookup = Lookup::Answers(addrs));
    }

    /// Lookups of the name take so long. Without this call: no time.
    pub fn lookup_takes(&self, delay: Duration) {
        self.change(|host| host.lookup_delay = delay);
    }

    /// How often the name was looked up.
    #[must_use]
    pub fn lookups(&self) -> usize {
        self.world.with(|state| state.hosts.get(self.id).map_or(0, |host| host.lookups))
    }

    /// How many connections it has accepted, at whatever address.
    #[must_use]
    pub fn connections(&self) -> usize {
        let accepted =
            |conn: &&Conn| conn.host == self.id && matches!(conn.stage, Stage::Open | Stage::Reset);
        self.world.with(|state| state.conns.iter().filter(accepted).count())
    }

    pub(super) fn id(&self) -> usize {
        self.id
    }

    /// How long a round trip takes: an attempt to connect, or whatever the peer sends. Bytes to the peer arrive at
    /// once. Without this call: no time.
    pub fn latency(&self, latency: Duration) {
        self.change(|host| host.latency.push((self.filter, latency)));
    }

    fn reach(&self, reach: Reach) {
        self.change(|host| host.reach.push((self.filter, reach)));
    }

    fn change(&self, change: impl FnOnce(&mut HostState)) {
        self.world.with(|state| {
            if let Some(host) = state.hosts.get_mut(self.id) {
                change(host);
            }
        });
    }
}

impl HostState {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_ascii_lowercase(),
            addrs: Vec::new(),
            lookup: Lookup::Addresses,
            lookup_delay: Duration::ZERO,
            lookups: 0,
            vanished: false,
            reach: Vec::new(),
            latency: Vec::new(),
        }
    }

    pub(super) fn reach(&self, addr: SocketAddr) -> Reach {
        if self.vanished {
            return Reach::Blackhole;
        }
        last(&self.reach, addr).unwrap_or(Reach::Listen)
    }

    pub(super) fn latency(&self, addr: SocketAddr) -> Duration {
        last(&self.latency, addr).unwrap_or_default()
    }
}

impl Filter {
    fn fits(self, addr: SocketAddr) -> bool {
        self.ip.is_none_or(|ip| ip == addr.ip()) && self.port.is_none_or(|port| port == addr.port())
    }
}

impl State {
    /// Whom the new connection `id` to `addr` talks to: the first script that fits and is free, else the proxy that the
    /// host is, else the last closure.
    pub(super) fn assign(&mut self, host: usize, addr: SocketAddr, id: usize) -> Server {
        let free = self
            .scripts
            .iter_mut()
            .enumerate()
            .find(|(_, script)| script.host == host && script.conn.is_none() && script.filter.fits(addr));
        if let Some((index, script)) = free {
            script.conn = Some(id);
            return Server::Script(index);
        }
        if let Some(index) = self.proxies.iter().position(|proxy| proxy.host == host) {
            return Server::Proxy(index);
        }
        let fits = |answerer: &Answerer| answerer.host == host && answerer.filter.fits(addr);
        match self.closures.iter().rposition(fits) {
            Some(index) => Server::Closure { index, busy: false },
            None => Server::Nobody,
        }
    }

    /// The host that a connection to `addr` reaches: the first one with that address, else `*`.
    pub(super) fn host_at(&self, addr: SocketAddr) -> Option<usize> {
        let with_it = self.hosts.iter().position(|host| host.addrs.contains(&addr.ip()));
        with_it.or_else(|| self.hosts.iter().position(|host| host.name == "*"))
    }

    /// The host that a lookup of `name` asks: the one of that name, else `*`.
    pub(super) fn host_named(&self, name: &str) -> Option<usize> {
        let named = |name: &str| self.hosts.iter().position(|host| host.name.eq_ignore_ascii_case(name));
        named(name).or_else(|| named("*"))
    }

    /// The answer to a lookup.
    pub(super) fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = name.parse() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("no host {name} in this world"));
        let host = self.host_named(name).and_then(|host| self.hosts.get(host)).ok_or_else(unknown)?;
        match &host.lookup {
            Lookup::Fails(kind) => Err((*kind).into()),
            Lookup::Answers(addrs) => Ok(addrs.clone()),
            Lookup::Addresses | Lookup::Hangs => {
                Ok(host.addrs.iter().map(|ip| SocketAddr::new(*ip, port)).collect())
            }
        }
    }

    /// How long what is sent now to the client of `id` travels.
    pub(super) fn travel(&mut self, id: usize) -> Duration {
        let jitter = self.rng.up_to(self.faults.jitter);
        let Some(conn) = self.conns.get(id) else { return jitter };
        self.hosts.get(conn.host).map_or(Duration::ZERO, |host| host.latency(conn.addr)) + jitter
    }

    /// The path to `host` is there again.
    fn resume(&mut self, host: usize) {
        for id in 0..self.conns.len() {
            if self.conns.get(id).is_some_and(|conn| conn.host == host && conn.client_open) {
                for event in [Event::Up(id), Event::Down(id), Event::Run(id)] {
                    self.schedule(self.now, event);
                }
            }
        }
    }

    pub(super) fn is_vanished(&self, id: usize) -> bool {
        self.conns.get(id).and_then(|conn| self.hosts.get(conn.host)).is_some_and(|host| host.vanished)
    }

    pub(super) fn host_name(&self, host: usize) -> &str {
        self.hosts.get(host).map_or("?", |host| &host.name)
    }

    /// Host and script of a connection, in words.
    pub(super) fn server_name(&self, host: usize, server: Server) -> String {
        let name = self.host_name(host);
        match server {
            Server::Nobody => format!("{name}, no script"),
            Server::Script(script) => format!("{name}, script {script}"),
            Server::Closure { .. } => format!("{name}, closure"),
            Server::Proxy(_) => format!("{name}, proxy"),
        }
    }
}

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answerer")
            .field("host", &self.host)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

/// The last setting that fits.
fn last<T: Copy>(settings: &[(Filter, T)], addr: SocketAddr) -> Option<T> {
    settings.iter().rev().find(|(filter, _)| filter.fits(addr)).map(|(_, value)| *value)
}
