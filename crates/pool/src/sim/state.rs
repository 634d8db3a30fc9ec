//! The world behind its lock: the clock, what is scheduled, and what happens when it is due.
//!
//! Sockets only move bytes in and out of buffers. Everything else (bytes taken by the peer, bytes arriving at the
//! client, scripts, connections made) is an event, and events happen only while somebody waits or advances the clock.

use super::answer::{End, Received, Reply};
use super::conn::{Conn, Content, Segment, Server, Stage};
use super::faults::{Faults, Rng};
use super::host::{Answerer, Closure, HostState, Reach};
use super::proxy::ProxyState;
use super::relay::Relay;
use super::script::Script;
use crate::net::{Ready, Token};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// How many lines of the log are kept: enough for the end of a storm, little enough for ten thousand connections.
const LOG_LINES: usize = 4096;

/// Everything there is.
#[derive(Debug)]
pub(super) struct State {
    /// Since the world began.
    pub(super) now: Duration,
    /// The wall clock when the world began.
    pub(super) wall: SystemTime,
    pub(super) rng: Rng,
    pub(super) faults: Faults,
    pub(super) hosts: Vec<HostState>,
    pub(super) conns: Vec<Conn>,
    pub(super) scripts: Vec<Script>,
    pub(super) closures: Vec<Answerer>,
    pub(super) proxies: Vec<ProxyState>,
    pub(super) nets: BTreeMap<usize, NetState>,
    pub(super) nets_made: usize,
    pub(super) accepted: usize,
    /// What nobody expected, for `assert_quiet`.
    pub(super) failures: Vec<String>,
    pub(super) log: VecDeque<String>,
    /// By time, then by the order in which they were scheduled.
    events: BTreeMap<(Duration, u64), Event>,
    scheduled: u64,
}

/// What one net has to report.
#[derive(Debug, Default)]
pub(super) struct NetState {
    pub(super) woken: bool,
    /// Connections with an edge, in the order of the edges.
    pub(super) edges: VecDeque<usize>,
    pub(super) lookups: Vec<(Token, io::Result<Vec<SocketAddr>>)>,
}

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Event {
    /// A connection attempt reaches its address.
    Connect(usize),
    /// The peer takes what the client wrote.
    Up(usize),
    /// Bytes arrive at the client.
    Down(usize),
    /// The peer's RST arrives at the client.
    Reset(usize),
    /// The client's close arrives at the peer.
    Gone(usize),
    /// The peer goes on with its script.
    Run(usize),
    /// An operation that said `WouldBlock` without need may be tried again.
    Nudge(usize),
    /// A reply that was held back is due.
    Answer(usize, Reply),
    /// A lookup ends.
    Lookup { net: usize, token: Token, host: String, port: u16 },
}

/// A closure to be called, outside the lock, with a request.
pub(super) struct Call {
    pub(super) conn: usize,
    pub(super) index: usize,
    pub(super) closure: Closure,
    pub(super) received: Received,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        // 2026-01-01: a fixed day, so that dates in tests are the same in every run.
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        Self {
            now: Duration::ZERO,
            wall,
            rng: Rng::new(seed),
            faults: Faults::default(),
            hosts: Vec::new(),
            conns: Vec::new(),
            scripts: Vec::new(),
            closures: Vec::new(),
            proxies: Vec::new(),
            nets: BTreeMap::new(),
            nets_made: 0,
            accepted: 0,
            failures: Vec::new(),
            log: VecDeque::new(),
            events: BTreeMap::new(),
            scheduled: 0,
        }
    }

    pub(super) fn schedule(&mut self, at: Duration, event: Event) {
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), event);
    }

    /// When the next event is due.
    pub(super) fn next_event(&self) -> Option<Duration> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    /// Lets everything happen that is due by now. Stops early, and must be called again, for a closure's call.
    pub(super) fn settle(&mut self) -> Option<Call> {
        while self.next_event().is_some_and(|at| at <= self.now) {
            let Some((_, event)) = self.events.pop_first() else { break };
            let call = self.happen(event);
            if call.is_some() {
                return call;
            }
        }
        None
    }

    /// Hands `net`'s reports over. Says whether there were any.
    pub(super) fn report(&mut self, net: usize, ready: &mut Vec<Ready>) -> bool {
        let before = ready.len();
        let Some(state) = self.nets.get_mut(&net) else { return false };
        if std::mem::take(&mut state.woken) {
            ready.push(Ready::Woken);
        }
        ready.extend(state.lookups.drain(..).map(|(token, result)| Ready::Lookup { token, result }));
        for id in state.edges.drain(..) {
            let Some(conn) = self.conns.get_mut(id) else { continue };
            let watch = &mut conn.watch;
            if watch.net == Some(net) {
                let readable = std::mem::take(&mut watch.readable);
                let writable = std::mem::take(&mut watch.writable);
                // A connection that left and came back may be listed twice.
                if !readable && !writable {
                    continue;
                }
                ready.push(Ready::Socket { token: watch.token, readable, writable });
            } else if self.faults.spurious > 0 {
                // A selector may have fetched the edge before the connection left: late, and for nobody.
                ready.push(Ready::Socket { token: watch.token, readable: true, writable: true });
            }
        }
        ready.len() > before
    }

    /// Reports that `id` became readable or writable, if that was waited for.
    pub(super) fn edge(&mut self, id: usize, readable: bool, writable: bool) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let pending = conn.watch.readable || conn.watch.writable;
        if conn.edge(readable, writable)
            && !pending
            && let Some(net) = conn.watch.net.and_then(|net| self.nets.get_mut(&net))
        {
            net.edges.push_back(id);
        }
    }

    pub(super) fn note(&mut self, id: usize, text: impl fmt::Display) {
        let line = match self.conns.get(id) {
            Some(conn) => format!("#{id} {}: {text}", conn.addr),
            None => text.to_string(),
        };
        self.note_world(line);
    }

    pub(super) fn note_world(&mut self, text: impl fmt::Display) {
        if self.log.len() == LOG_LINES {
            self.log.pop_front();
        }
        self.log.push_back(format!("{:.9} {text}", self.now.as_secs_f64()));
    }

    /// The peer of `id` sends `bytes`.
    pub(super) fn send(&mut self, id: usize, bytes: impl Into<VecDeque<u8>>) {
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.put(id, Content::Bytes(bytes));
        }
    }

    /// The peer of `id` sends FIN; `closed`: and reads no more.
    pub(super) fn finish(&mut self, id: usize, closed: bool) {
        self.put(id, Content::Fin);
        if let Some(conn) = self.conns.get_mut(id) {
            conn.down.ended = true;
            conn.down.closed |= closed;
            conn.up.window = if closed { None } else { conn.up.window };
        }
        self.note(id, if closed { "peer closes" } else { "peer ends its side" });
    }

    /// The peer of `id` sends RST.
    pub(super) fn abort(&mut self, id: usize) {
        let at = self.now + self.travel(id);
        if let Some(conn) = self.conns.get_mut(id) {
            conn.down.ended = true;
            conn.down.closed = true;
        }
        self.note(id, "peer resets");
        self.schedule(at, Event::Reset(id));
    }

    /// A reply made by a closure takes effect, now or when its delay is over.
    pub(super) fn answer(&mut self, id: usize, mut reply: Reply) {
        let delay = std::mem::take(&mut reply.delay);
        if !delay.is_zero() {
            return self.schedule(self.now + delay, Event::Answer(id, reply));
        }
        self.note(id, format_args!("peer replies {} bytes", reply.bytes.len()));
        self.send(id, reply.bytes);
        match reply.end {
            End::Keep => {}
            End::Close => self.finish(id, true),
            End::Reset => self.abort(id),
            End::Hold => return,
        }
        if let Some(Server::Closure { busy, .. }) = self.conns.get_mut(id).map(|conn| &mut conn.server) {
            *busy = false;
        }
        self.schedule(self.now, Event::Run(id));
    }

    fn happen(&mut self, event: Event) -> Option<Call> {
        match event {
            Event::Connect(id) => self.connect(id),
            Event::Up(id) => self.up(id),
            Event::Down(id) => {
                self.down(id);
                None
            }
            Event::Reset(id) => {
                self.reset(id);
                None
            }
            Event::Gone(id) => {
                self.note(id, "client closed");
                self.run(id)
            }
            Event::Run(id) => self.run(id),
            Event::Nudge(id) => {
                let conn = self.conns.get(id)?;
                let readable = !conn.down.buffer.is_empty() || conn.down.fin;
                let writable = conn.up.buffer.len() < self.faults.send_buffer;
                self.edge(id, readable, writable);
                None
            }
            Event::Answer(id, reply) => {
                self.answer(id, reply);
                None
            }
            Event::Lookup { net, token, host, port } => {
                let result = self.resolve(&host, port);
                if let Some(net) = self.nets.get_mut(&net) {
                    net.lookups.push((token, result));
                }
                None
            }
        }
    }

    fn connect(&mut self, id: usize) -> Option<Call> {
        let (host, addr) = match self.conns.get(id) {
            Some(conn) if conn.client_open => (conn.host, conn.addr),
            _ => return None,
        };
        match self.hosts.get(host).map_or(Reach::Refuse, |host| host.reach(addr)) {
            Reach::Blackhole => return None,
            Reach::Refuse => {
                self.note(id, "refused");
                if let Some(conn) = self.conns.get_mut(id) {
                    conn.stage = Stage::Refused;
                }
                self.edge(id, true, true);
                return None;
            }
            Reach::Listen => {}
        }
        let server = self.assign(host, addr, id);
        self.accepted += 1;
        self.note(id, format!("accepted by {}", self.server_name(host, server)));
        if let Some(conn) = self.conns.get_mut(id) {
            conn.stage = Stage::Open;
            conn.server = server;
            if matches!(server, Server::Proxy(_)) {
                conn.relay = Relay::Front(Default::default());
            }
        }
        self.edge(id, false, true);
        self.run(id)
    }

    fn up(&mut self, id: usize) -> Option<Call> {
        let vanished = self.is_vanished(id);
        let conn = self.conns.get_mut(id)?;
        conn.up.scheduled = false;
        if vanished || conn.stage != Stage::Open {
            return None;
        }
        let taken = conn.take_up();
        if taken == 0 {
            return None;
        }
        let closed = conn.down.closed;
        let nobody = conn.server == Server::Nobody && conn.up.received.len() == taken;
        if closed {
            self.note(id, "peer gets bytes after its end");
            self.abort(id);
            return None;
        }
        if nobody {
            let text = format!("connection #{id}: bytes from the client, but no script is left for it");
            self.note(id, &text);
            self.failures.push(text);
        }
        self.edge(id, false, true);
        self.run(id)
    }

    fn down(&mut self, id: usize) {
        let vanished = self.is_vanished(id);
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.down.scheduled = false;
        if vanished || conn.stage != Stage::Open || !conn.client_open {
            return;
        }
        if let Relay::Back(front) = conn.relay {
            return self.relay_down(id, front);
        }
        let (arrived, again) = conn.arrive(self.now, &self.faults, &mut self.rng);
        if let Some(at) = again {
            conn.down.scheduled = true;
            self.schedule(at, Event::Down(id));
        }
        if arrived {
            self.edge(id, true, false);
        }
    }

    fn reset(&mut self, id: usize) {
        let keep = self.faults.reset_keeps_data;
        if self.is_vanished(id) {
            return;
        }
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.stage != Stage::Open || !conn.client_open {
            return;
        }
        conn.reset(keep);
        if let Relay::Back(front) = conn.relay {
            return self.relay_reset(front);
        }
        // A failure is reported to everybody, waited for or not.
        conn.watch.read_armed = true;
        conn.watch.write_armed = true;
        self.edge(id, true, true);
    }

    /// Puts `what` on its way to the client of `id`, behind what is already on it.
    fn put(&mut self, id: usize, what: Content) {
        let travel = self.travel(id);
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.down.ended || !conn.client_open {
            return;
        }
        let at = conn.down.flight.back().map_or(Duration::ZERO, |last| last.at).max(self.now + travel);
        conn.down.flight.push_back(Segment { at, what });
        if !std::mem::replace(&mut conn.down.scheduled, true) {
            self.schedule(at, Event::Down(id));
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("conn", &self.conn)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}
