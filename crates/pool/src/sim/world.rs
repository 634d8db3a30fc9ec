//! [`World`]: the handle to everything, and the loop that lets time pass.

use super::faults::Fragments;
use super::host::{Host, HostState};
use super::net::SimNet;
use super::report;
use super::state::{Call, Event, NetState, State};
use crate::config::Config;
use crate::driver::WorldId;
use crate::net::{Net, Ready, Wake};
use crate::pool::Pool;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A simulated world: a virtual clock, hosts with scripted peers, and the nets through which drivers see it.
///
/// A handle: clones are the same world. Nothing happens in it except while somebody waits on one of its nets, or
/// calls [`advance`](World::advance) or [`assert_quiet`](World::assert_quiet). It is meant for one thread: a wait
/// with nothing to wait for is a failure at once, also if another thread might have had something to say.
#[derive(Clone)]
pub struct World(Arc<Shared>);

struct Shared {
    start: Instant,
    id: WorldId,
    state: Mutex<State>,
}

/// What a turn of the loop came to, with the lock still held.
enum Turn {
    Over,
    Call(Call),
    Stalled(String),
}

impl World {
    /// An empty world, at virtual time zero. The seed decides whatever is left to chance.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "an Instant cannot be made from nothing; read once, then virtual"
        )]
        let start = Instant::now();
        Self(Arc::new(Shared { start, id: WorldId::fresh(), state: Mutex::new(State::new(seed)) }))
    }

    /// The host `name` with the addresses `addrs`, which answer lookups of the name in this order; for a name that
    /// exists already, that host with these addresses added. The host `*` answers lookups of all other names, and is
    /// at all other addresses.
    ///
    /// A connection to an address of two hosts reaches the one that was there first.
    ///
    /// # Panics
    /// When one of `addrs` is not an IP address.
    pub fn host<'a>(&self, name: &str, addrs: impl IntoIterator<Item = &'a str>) -> Host {
        let addrs: Vec<IpAddr> = addrs.into_iter().map(parse_ip).collect();
        let id = self.with(|state| {
            let known = state.hosts.iter().position(|host| host.name.eq_ignore_ascii_case(name));
            let id = known.unwrap_or(state.hosts.len());
            if known.is_none() {
                state.hosts.push(HostState::new(name));
            }
            if let Some(host) = state.hosts.get_mut(id) {
                host.addrs.extend(addrs);
            }
            id
        });
        Host::new(self.clone(), id)
    }

    /// A new net, for one driver.
    #[must_use]
    pub fn net(&self) -> Box<dyn Net> {
        let id = self.with(|state| {
            // Numbers are not used twice: what is late for a net that is gone must not reach its successor.
            let id = state.nets_made;
            state.nets_made += 1;
            state.nets.insert(id, NetState::default());
            id
        });
        Box::new(SimNet::new(self.clone(), id))
    }

    /// A pool that lives in this world. It speaks `https` without TLS, so that scripts can read it; a pool made by
    /// [`Pool::with_net`] over [`net`](World::net) speaks TLS, to scripts that do not.
    #[must_use]
    pub fn pool(&self, config: Config) -> Pool {
        let world = self.clone();
        Pool::virtual_tls(config, self.0.id, move || Ok(world.net()))
    }

    /// The virtual monotonic clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.start + self.elapsed()
    }

    /// The virtual time since the world began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.with(|state| state.now)
    }

    /// The virtual wall clock: it starts on 2026-01-01 at midnight UTC and runs with the monotonic one.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        self.with(|state| state.wall + state.now)
    }

    /// Sets the wall clock; the monotonic one is not touched.
    pub fn set_wall(&self, to: SystemTime) {
        self.with(|state| state.wall = to.checked_sub(state.now).unwrap_or(to));
    }

    /// Lets so much time pass. Everything due by then happens, in order; the nets report it at their next wait.
    pub fn advance(&self, by: Duration) {
        let until = self.elapsed() + by;
        loop {
            let call = self.with(|state| {
                loop {
                    let call = state.settle();
                    if call.is_some() {
                        return call;
                    }
                    match state.next_event().filter(|at| *at <= until) {
                        Some(at) => state.now = at,
                        None => break,
                    }
                }
                state.now = state.now.max(until);
                None
            });
            match call {
                Some(call) => self.call(call),
                None => return,
            }
        }
    }

    /// How bytes that arrive at clients are cut. Each piece arrives one nanosecond after the one before.
    pub fn fragment(&self, fragments: Fragments) {
        self.with(|state| state.faults.arriving = fragments);
    }

    /// How much of what clients write is accepted by one call; after a short one, the next says `WouldBlock`.
    pub fn short_writes(&self, fragments: Fragments) {
        self.with(|state| state.faults.writes = fragments);
    }

    /// Out of 1000 waits, how many report something that is not so or return early with nothing; out of 1000 reads
    /// with bytes at hand, how many say `WouldBlock`. Connections that changed nets may then be reported to the old
    /// one, too. At most 900, so that everything still ends.
    pub fn spurious(&self, per_mille: u32) {
        self.with(|state| state.faults.spurious = per_mille.min(900));
    }

    /// Out of 1000 reads and writes, how many fail with `Interrupted`. At most 900, so that everything still ends.
    pub fn interrupts(&self, per_mille: u32) {
        self.with(|state| state.faults.interrupts = per_mille.min(900));
    }

    /// Adds up to so much, by the seed, to each [latency](Host::latency).
    pub fn jitter(&self, most: Duration) {
        self.with(|state| state.faults.jitter = most);
    }

    /// The next calls of `Net::connect` fail at once with these errors, one each (no descriptor left, no buffer).
    pub fn connect_errors(&self, errors: impl IntoIterator<Item = io::Error>) {
        let errors: Vec<_> = errors.into_iter().collect();
        self.with(|state| state.faults.connect_errors.extend(errors));
    }

    /// How many bytes written by a client its kernel keeps for a peer that does not read. Without this call 65536.
    pub fn send_buffer(&self, bytes: usize) {
        self.with(|state| state.faults.send_buffer = bytes.max(1));
    }

    /// How many bytes a client's kernel keeps for a client that does not read. Without this call 65536.
    pub fn receive_buffer(&self, bytes: usize) {
        self.with(|state| state.faults.receive_buffer = bytes.max(1));
    }

    /// Whether bytes that arrived before an RST can still be read after it, as on Linux. Without this call they are
    /// lost, as RFC 9293 §3.10.7.4 has it and some systems do: the harder case.
    pub fn reset_keeps_data(&self, keeps: bool) {
        self.with(|state| state.faults.reset_keeps_data = keeps);
    }

    /// How many connections hosts have accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.with(|state| state.accepted)
    }

    /// How many sockets clients have: connected, being connected, or failed and not yet dropped.
    #[must_use]
    pub fn open(&self) -> usize {
        self.with(|state| state.conns.iter().filter(|conn| conn.client_open).count())
    }

    /// The last events (some thousands), oldest first, each with its virtual time in seconds.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.with(|state| state.log.iter().cloned().collect())
    }

    /// Lets happen what is due, and checks that all is over: no client has a socket, every script has seen all it
    /// expects, and nobody sent what was not expected.
    ///
    /// A pool's idle connections are open sockets: close or drop it first.
    ///
    /// # Panics
    /// When something is left, with all of it and the end of the log.
    #[track_caller]
    pub fn assert_quiet(&self) {
        self.advance(Duration::ZERO);
        if let Some(dump) = self.with(|state| report::unquiet(state)) {
            fail(&dump);
        }
    }

    /// Waits on behalf of `net`: hands over what there is to report, else jumps to the next event or to `until`.
    pub(super) fn wait(&self, net: usize, until: Option<Instant>, ready: &mut Vec<Ready>) {
        let until = until.map(|until| until.saturating_duration_since(self.0.start));
        if self.with(|state| state.mislead(net, ready)) {
            return;
        }
        loop {
            match self.with(|state| turn(state, net, until, ready)) {
                Turn::Over => return,
                Turn::Call(call) => self.call(call),
                Turn::Stalled(dump) => fail(&dump),
            }
        }
    }

    /// Runs `f` on the state. A panic under the lock elsewhere does not matter here: the state is for one test.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Calls a host's closure, with nothing locked, and lets the reply take effect.
    fn call(&self, call: Call) {
        let Call { conn, index, mut closure, received } = call;
        let reply = closure(&received);
        self.with(|state| {
            if let Some(answerer) = state.closures.get_mut(index) {
                answerer.closure = Some(closure);
                for waiting in std::mem::take(&mut answerer.waiting) {
                    state.schedule(state.now, Event::Run(waiting));
                }
            }
            state.answer(conn, reply);
        });
    }
}

/// Ends a wait of one net.
#[derive(Debug)]
pub(super) struct SimWaker {
    pub(super) world: World,
    pub(super) net: usize,
}

impl Wake for SimWaker {
    fn wake(&self) {
        self.world.with(|state| {
            if let Some(net) = state.nets.get_mut(&self.net) {
                net.woken = true;
            }
        });
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("elapsed", &self.elapsed()).finish_non_exhaustive()
    }
}

/// One turn of a wait, until there is something to report, to call, or nothing to hope for.
fn turn(state: &mut State, net: usize, until: Option<Duration>, ready: &mut Vec<Ready>) -> Turn {
    loop {
        if let Some(call) = state.settle() {
            return Turn::Call(call);
        }
        if state.report(net, ready) || until.is_some_and(|until| until <= state.now) {
            return Turn::Over;
        }
        match (state.next_event(), until) {
            (Some(at), until) if until.is_none_or(|until| at <= until) => state.now = at,
            (_, Some(until)) => state.now = until,
            (_, None) => return Turn::Stalled(report::stalled(state)),
        }
    }
}

/// The IP address `text` stands for.
///
/// # Panics
/// When it is none: the test is wrong.
#[track_caller]
pub(super) fn parse_ip(text: &str) -> IpAddr {
    match text.parse() {
        Ok(ip) => ip,
        Err(_) => fail(&format!("not an IP address: {text:?}")),
    }
}

/// Fails the test that runs in this world.
#[track_caller]
#[expect(clippy::panic, reason = "a test tool: what it finds must fail the test")]
fn fail(text: &str) -> ! {
    panic!("{text}")
}
