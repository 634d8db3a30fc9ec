//! The pool: configuration, ledger, TLS configurations and parked loops behind one `Arc`.

use crate::body_reader::Response;
use crate::config::Config;
use crate::conn::Conn;
use crate::dial::resolve::Lookups;
use crate::driver::{Core, Driver, Event, Mailbox, Notify};
use crate::error::Error;
use crate::ledger::{Effects, Ledger, Limits};
use crate::link::tls::Configs;
use crate::net::mio::MioNet;
use crate::net::{Net, out_of_resources};
use crate::request::Request;
use crate::route::Route;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// As many loops are kept for the next caller; each costs three descriptors.
const MAX_PARKED: usize = 32;

/// Connections kept and shared: what threads, clones and requests have in common.
///
/// A handle: clones share everything. There is no thread behind it. Whoever calls [`send`](Pool::send) does the
/// work of their own request; many at once are driven by one [`Driver`].
///
/// ```no_run
/// use std::io::Read;
/// let pool = pool::Pool::new(pool::Config::default());
/// let mut response = pool.send(pool::Request::get(pool::Origin::https("example.com"), "/")?)?;
/// let mut page = Vec::new();
/// response.body_mut().read_to_end(&mut page)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Pool {
    pub(crate) shared: Arc<Shared>,
}

type MakeNet = Box<dyn Fn() -> io::Result<Box<dyn Net>> + Send + Sync>;
type Books = Ledger<Route, Box<Conn>, Notify>;
type Deeds = Effects<Box<Conn>, Notify>;

/// What the handles share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    /// The only lock on the way of a request; never held during input, output or a call into user code.
    ledger: Mutex<Books>,
    /// Loops without a driver, the last used on top. They know no pool, or they would keep it alive.
    #[expect(clippy::vec_box, reason = "drivers hold them boxed: parking must not move half a kilobyte")]
    parked: Mutex<Vec<Box<Core>>>,
    pub(crate) tls: Configs,
    make_net: MakeNet,
    /// https is spoken in the clear (by the simulator).
    pub(crate) virtual_tls: bool,
}

impl Pool {
    /// A pool over real sockets. Opens nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let lookups = Arc::new(Lookups::default());
        Self::with_net(config, move || Ok(Box::new(MioNet::new(lookups.clone())?)))
    }

    /// A pool over another world: an event loop of your own, or the simulator. `make` is called for each driver.
    #[must_use]
    pub fn with_net(
        config: Config,
        make: impl Fn() -> io::Result<Box<dyn Net>> + Send + Sync + 'static,
    ) -> Self {
        Self::assemble(config, Box::new(make), false)
    }

    #[cfg(feature = "sim")]
    pub(crate) fn virtual_tls(
        config: Config,
        make: impl Fn() -> io::Result<Box<dyn Net>> + Send + Sync + 'static,
    ) -> Self {
        Self::assemble(config, Box::new(make), true)
    }

    fn assemble(config: Config, make_net: MakeNet, virtual_tls: bool) -> Self {
        let limits = Limits { per_key: config.max_per_origin, total: config.max_total };
        let shared = Shared {
            ledger: Mutex::new(Ledger::new(limits)),
            parked: Mutex::default(),
            tls: Configs::default(),
            make_net,
            virtual_tls,
            config,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a request and waits for the head of its answer; the body is read from the [`Response`].
    ///
    /// # Errors
    /// Whatever ended the exchange before the head; see [`ErrorKind`](crate::ErrorKind).
    pub fn send(&self, request: Request) -> Result<Response, Error> {
        let mut driver = self.driver()?;
        let id = driver.start(request);
        loop {
            match driver.next_event() {
                Some((_, Event::Head(head))) => return Ok(Response::new(head, driver, id)),
                Some((_, Event::Failed(error))) => return Err(error),
                Some(_) => {}
                None => driver.turn(None)?,
            }
        }
    }

    /// A loop to drive exchanges with: a parked one, or a new one. Goes back when dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the system has no selector left to give.
    pub fn driver(&self) -> Result<Driver, Error> {
        let parked = self.shared.parked.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let core = match parked {
            Some(core) => core,
            None => {
                let net = match (self.shared.make_net)() {
                    Err(error) if out_of_resources(&error) => {
                        self.close_idle();
                        (self.shared.make_net)()
                    }
                    other => other,
                };
                let net = net.map_err(|why| Error::io("no selector could be made", why))?;
                Box::new(Core::new(net))
            }
        };
        Ok(Driver::new(core, self.clone()))
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Closes the connections that nobody uses. The pool can be used as before.
    pub fn close_idle(&self) {
        self.shared.locked(|ledger, effects| ledger.drain_idle(effects));
    }

    /// How many connections are open and how many of them are idle, and how many requests wait for one.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let counts = self.shared.locked(|ledger, _| ledger.counts());
        Counts { open: counts.open, idle: counts.idle, waiting: counts.waiting }
    }
}

/// A look at the books of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections, idle ones included.
    pub open: usize,
    /// Connections that nobody uses.
    pub idle: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
}

impl Shared {
    /// The one way to the ledger: locks, unlocks, and only then closes and wakes, which are system calls. A poisoned
    /// lock is taken as it is: the books are whole between any two steps.
    pub(crate) fn locked<R>(&self, work: impl FnOnce(&mut Books, &mut Deeds) -> R) -> R {
        let mut effects = Effects::default();
        let result = {
            let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut ledger, &mut effects)
        };
        // What makes room is gone before whoever waits for the room is told.
        for mut conn in effects.close {
            conn.link.close();
        }
        for (waiter, _) in effects.wake {
            waiter.grant();
        }
        result
    }

    /// The same for a driver at work: a grant to itself needs no system call.
    pub(crate) fn locked_by<R>(
        &self,
        me: &Arc<Mailbox>,
        work: impl FnOnce(&mut Books, &mut Deeds) -> R,
    ) -> R {
        self.locked(|ledger, effects| {
            let result = work(ledger, effects);
            effects.wake.retain(|(waiter, _)| !waiter.grant_if_for(me));
            result
        })
    }

    /// Keeps a loop for the next caller.
    pub(crate) fn park(&self, core: Box<Core>) {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        if parked.len() < MAX_PARKED {
            parked.push(core);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("config", &self.shared.config).field("counts", &self.counts()).finish()
    }
}
