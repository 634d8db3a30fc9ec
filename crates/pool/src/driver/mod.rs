//! The loop: starts exchanges, waits for what they need, lets each advance until it blocks.

use crate::error::Error;
use crate::event::Event;
use crate::exchange::{Cx, Exchange};
use crate::mailbox::Mailbox;
use crate::net::{Net, Ready, Wake};
use crate::request::Request;
use crate::shared::Shared;
use crate::spares::Spares;
use crate::tokens::{ExchangeId, Tokens};
use slab::Slab;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};
use timers::Timers;

mod parking;
mod timers;

pub(crate) use parking::{MakeNet, Parking, WorldId};

/// Exchanges that advance before the caller is asked to take what came of it. Each may hold a buffer until then.
const EXCHANGES_PER_TURN: usize = 64;

/// Turns in a row that may pass without a look at the sockets while other work is at hand.
const TURNS_WITHOUT_WAIT: u32 = 8;

/// One caller's loop. Drives any number of exchanges on the thread that calls it; nothing happens between calls.
///
/// ```no_run
/// use pool::{Config, Event, Origin, Pool, Request};
/// let pool = Pool::new(Config::default());
/// let mut driver = pool.driver()?;
/// for path in ["/a", "/b", "/c"] {
///     driver.start(Request::get(Origin::https("example.com"), path)?);
/// }
/// let mut buf = vec![0; 64 * 1024];
/// while !driver.is_idle() {
///     driver.turn(None)?;
///     while let Some((id, event)) = driver.next_event() {
///         match event {
///             Event::Head(head) => println!("{id:?} {}", head.status()),
///             Event::Readable => while driver.read(id, &mut buf)? > 0 {},
///             Event::Done(summary) => println!("{id:?} reused={}", summary.attempts.last().reused),
///             Event::Failed(error) => eprintln!("{id:?} {error}"),
///             _ => {}
///         }
///     }
/// }
/// # Ok::<(), pool::Error>(())
/// ```
pub struct Driver {
    /// `None` only while it is being dropped.
    core: Option<Box<Core>>,
    shared: Arc<Shared>,
    /// Where the loop goes afterwards.
    parking: Arc<Parking>,
    born: Instant,
}

/// The loop itself, without a pool: each exchange knows its own.
pub(crate) struct Core {
    id: u64,
    net: Box<dyn Net>,
    mailbox: Arc<Mailbox>,
    exchanges: Slab<Exchange>,
    serial: u64,
    tokens: Tokens,
    timers: Timers,
    /// Exchanges with work that needs no readiness.
    runnable: VecDeque<ExchangeId>,
    events: VecDeque<(ExchangeId, Event)>,
    ready: Vec<Ready>,
    spares: Spares,
    now: Instant,
    unwaited: u32,
}

impl Driver {
    pub(crate) fn new(core: Box<Core>, shared: Arc<Shared>, parking: Arc<Parking>) -> Self {
        let born = core.now;
        Self { core: Some(core), shared, parking, born }
    }

    /// Starts a request on the driver's pool. Whatever goes wrong with it is an event.
    pub fn start(&mut self, request: Request) -> ExchangeId {
        self.core.as_mut().map_or(ExchangeId::NONE, |core| core.start(&self.shared, request))
    }

    /// The same on another pool's connections.
    pub(crate) fn start_in(&mut self, shared: &Arc<Shared>, request: Request) -> ExchangeId {
        self.core.as_mut().map_or(ExchangeId::NONE, |core| core.start(shared, request))
    }

    /// One step: waits until something is ready, `until` is reached or a deadline of its own, then lets every
    /// affected exchange advance until it blocks. Does not wait while there is work or an event to fetch.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if waiting itself fails; the exchanges are as before.
    pub fn turn(&mut self, until: Option<Instant>) -> Result<(), Error> {
        let turned = self.core.as_mut().map_or(Ok(()), |core| core.turn(until));
        turned.map_err(|why| Error::io("waiting for sockets failed", why))
    }

    /// The next thing that happened, oldest first.
    pub fn next_event(&mut self) -> Option<(ExchangeId, Event)> {
        self.core.as_mut()?.events.pop_front()
    }

    /// Reads body bytes into `buf`, straight from the socket where possible. 0: none now (or the exchange is over),
    /// wait for its next event. When the last byte is given out, `Done` is already waiting.
    ///
    /// # Errors
    /// What ended the exchange; no event follows then.
    pub fn read(&mut self, id: ExchangeId, buf: &mut [u8]) -> Result<usize, Error> {
        self.core.as_mut().map_or(Ok(0), |core| core.read(id, buf))
    }

    /// How many bytes of the answer's body are still to be read, where its head says so: 0 where it has no body or all
    /// of it was read (RFC 9112 §6.3). `None`: not known, before the head too.
    #[must_use]
    pub fn remaining(&self, id: ExchangeId) -> Option<u64> {
        let exchange = self.core.as_ref().and_then(|core| core.exchanges.get(id.slot));
        exchange.filter(|exchange| exchange.id == id).map_or(Some(0), Exchange::remaining)
    }

    /// The rest of the body is of no interest: up to `bytes` of it are consumed, until `until` at the latest
    /// (`None`: only what is here), so that the connection can be kept; otherwise it is closed. `Done` follows.
    pub fn discard(&mut self, id: ExchangeId, bytes: usize, until: Option<Instant>) {
        if let Some(core) = &mut self.core {
            core.with(id, |exchange, cx| exchange.discard(bytes, until, cx));
        }
    }

    /// Ends an exchange at once and closes its connection. Events of it that are still waiting are withdrawn.
    pub fn cancel(&mut self, id: ExchangeId) {
        if let Some(core) = &mut self.core {
            core.cancel(id);
        }
    }

    /// Ends an exchange as [`cancel`](Driver::cancel) does, and says how far it had come: an error of the kind
    /// [`Canceled`](crate::ErrorKind::Canceled). `None`, and nothing done, if it is over already; its last event may
    /// still wait.
    pub fn abort(&mut self, id: ExchangeId) -> Option<Error> {
        self.core.as_mut()?.abort(id)
    }

    /// A handle with which any thread ends the present or the next wait of [`turn`](Driver::turn), which then returns
    /// although nothing happened. It may outlive the driver, and does nothing then that matters.
    #[must_use]
    pub fn waker(&self) -> Arc<dyn Wake> {
        match &self.core {
            Some(core) => core.mailbox.waker().clone(),
            None => Arc::new(Nobody),
        }
    }

    /// Whether no exchange is under way and no event waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.core.as_ref().is_none_or(|core| core.exchanges.is_empty() && core.events.is_empty())
    }

    /// When [`turn`](Driver::turn) should be called at the latest, for outer loops: now, while there is work or an
    /// event; otherwise the earliest deadline. `None`: only when the selector has something.
    #[must_use]
    pub fn next_deadline(&mut self) -> Option<Instant> {
        let core = self.core.as_mut()?;
        core.take_grants();
        match () {
            () if core.has_work() => Some(core.now),
            // Timers outlive their exchanges.
            () if core.exchanges.is_empty() => None,
            () => core.timers.next(),
        }
    }

    /// The time of the last turn or start, by the monotonic clock. Judge deadlines by this one.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.core.as_ref().map_or(self.born, |core| core.now)
    }

    /// The wall clock.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        self.core.as_ref().map_or(SystemTime::UNIX_EPOCH, |core| core.net.wall())
    }

    /// Unpredictable bytes.
    ///
    /// # Errors
    /// What the source of entropy reports.
    pub fn random(&mut self, out: &mut [u8]) -> io::Result<()> {
        self.core.as_mut().map_or(Ok(()), |core| core.net.random(out))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(mut core) = self.core.take() {
            core.clear();
            self.parking.park(core);
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsRawFd for Driver {
    /// The selector's descriptor, to nest the driver in another loop: when it is readable, or at
    /// [`next_deadline`](Driver::next_deadline), call `turn(Some(now))`. -1 if the net has none.
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.core.as_ref().and_then(|core| core.net.raw_fd()).unwrap_or(-1)
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exchanges = self.core.as_ref().map_or(0, |core| core.exchanges.len());
        f.debug_struct("Driver").field("exchanges", &exchanges).finish_non_exhaustive()
    }
}

/// The waker of a driver that is being dropped.
struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

impl Core {
    pub(crate) fn new(net: Box<dyn Net>) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let (mailbox, now) = (Mailbox::new(net.waker()), net.now());
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            net,
            mailbox,
            exchanges: Slab::new(),
            serial: 0,
            tokens: Tokens::default(),
            timers: Timers::default(),
            runnable: VecDeque::new(),
            events: VecDeque::new(),
            ready: Vec::new(),
            spares: Spares::default(),
            now,
            unwaited: 0,
        }
    }

    fn start(&mut self, shared: &Arc<Shared>, request: Request) -> ExchangeId {
        self.now = self.net.now();
        self.serial += 1;
        let entry = self.exchanges.vacant_entry();
        let id = ExchangeId { slot: entry.key(), serial: self.serial };
        entry.insert(Exchange::new(id, shared.clone(), request, self.now));
        self.runnable.push_back(id);
        id
    }

    fn has_work(&self) -> bool {
        !self.runnable.is_empty() || !self.events.is_empty()
    }

    /// The whole loop: what can move moves, then everything waits, then what was waited for moves.
    fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        self.take_grants();
        if !self.runnable.is_empty() {
            self.now = self.net.now();
            self.advance();
            self.take_grants();
        }
        let busy = self.has_work();
        self.unwaited += 1;
        if busy && self.unwaited < TURNS_WITHOUT_WAIT {
            return Ok(());
        }
        // With work at hand this is only a look, so that a busy exchange does not keep the others from the sockets.
        self.unwaited = 0;
        let until = if busy { Some(self.now) } else { crate::deadline::earlier(until, self.timers.next()) };
        self.net.wait(until, &mut self.ready)?;
        self.now = self.net.now();
        self.take_grants();
        let mut ready = std::mem::take(&mut self.ready);
        for event in ready.drain(..) {
            self.note(event);
        }
        self.ready = ready;
        while let Some(slot) = self.timers.pop(self.now) {
            if let Some(exchange) = self.exchanges.get_mut(slot) {
                exchange.enqueue(&mut self.runnable);
            }
        }
        self.advance();
        Ok(())
    }

    /// Lets runnable exchanges advance once each: what becomes runnable meanwhile has its turn in the next one.
    fn advance(&mut self) {
        for _ in 0..self.runnable.len().min(EXCHANGES_PER_TURN) {
            let Some(id) = self.runnable.pop_front() else { break };
            self.with(id, |exchange, cx| {
                exchange.queued = false;
                exchange.advance(cx);
            });
        }
    }

    /// Exchanges that were granted a connection can go on.
    fn take_grants(&mut self) {
        let Some(granted) = self.mailbox.take() else { return };
        for id in granted {
            if let Some(exchange) = self.exchanges.get_mut(id.slot).filter(|exchange| exchange.id == id) {
                exchange.enqueue(&mut self.runnable);
            }
        }
    }

    /// Takes in what happened; an event for a token nobody uses is a late one.
    fn note(&mut self, event: Ready) {
        let token = match &event {
            Ready::Socket { token, .. } | Ready::Lookup { token, .. } => *token,
            Ready::Woken => return,
        };
        let Some(id) = self.tokens.get(token) else { return };
        let Some(exchange) = self.exchanges.get_mut(id.slot).filter(|exchange| exchange.id == id) else {
            return;
        };
        match event {
            Ready::Socket { readable, writable, .. } => exchange.note(readable, writable),
            Ready::Lookup { token, result } => exchange.note_lookup(token, result),
            Ready::Woken => {}
        }
        exchange.enqueue(&mut self.runnable);
    }

    /// Lets an exchange do something, and puts away what has become of it.
    fn with<R>(&mut self, id: ExchangeId, work: impl FnOnce(&mut Exchange, &mut Cx<'_>) -> R) -> Option<R> {
        let exchange = self.exchanges.get_mut(id.slot).filter(|exchange| exchange.id == id)?;
        let mut cx = Cx {
            me: self.id,
            mailbox: &self.mailbox,
            net: &mut *self.net,
            tokens: &mut self.tokens,
            spares: &mut self.spares,
            events: &mut self.events,
            now: self.now,
        };
        let result = work(exchange, &mut cx);
        if exchange.is_over() {
            self.exchanges.remove(id.slot);
        } else {
            self.timers.set(id.slot, exchange.wake_at());
            if std::mem::take(&mut exchange.again) {
                exchange.enqueue(&mut self.runnable);
            }
        }
        Some(result)
    }

    fn read(&mut self, id: ExchangeId, buf: &mut [u8]) -> Result<usize, Error> {
        self.with(id, |exchange, cx| exchange.read(buf, cx)).unwrap_or(Ok(0))
    }

    fn cancel(&mut self, id: ExchangeId) {
        self.with(id, Exchange::cancel);
        self.events.retain(|(other, _)| *other != id);
    }

    fn abort(&mut self, id: ExchangeId) -> Option<Error> {
        let error = self.with(id, Exchange::abort)?;
        self.events.retain(|(other, _)| *other != id);
        Some(error)
    }

    /// Ends everything, so that the loop can serve another caller.
    fn clear(&mut self) {
        let ids: Vec<ExchangeId> = self.exchanges.iter().map(|(_, exchange)| exchange.id).collect();
        for id in ids {
            self.with(id, Exchange::cancel);
        }
        self.events.clear();
        self.runnable.clear();
        self.ready.clear();
    }
}
