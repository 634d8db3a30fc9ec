//! The pool: a handle to the books and to the loops that wait for a caller.

use crate::body_reader::Response;
use crate::config::Config;
use crate::dial::resolve::Lookups;
use crate::driver::{Core, Driver, MakeNet, Parking, WorldId};
use crate::error::Error;
use crate::event::Event;
use crate::net::mio::MioNet;
use crate::net::{Net, out_of_resources};
use crate::request::Request;
use crate::shared::Shared;
use crate::tokens::ExchangeId;
use std::fmt;
use std::io;
use std::sync::Arc;

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
#[doc(alias("HTTPAdapter", "PoolManager"))]
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
    parking: Arc<Parking>,
}

impl Pool {
    /// A pool over real sockets. Opens nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let lookups = Arc::new(Lookups::default());
        let make = move || Ok(Box::new(MioNet::new(lookups.clone())?) as Box<dyn Net>);
        Self::assemble(config, Box::new(make), false, WorldId::REAL)
    }

    /// A pool over another world: an event loop of your own, or the simulator. `make` is called for each driver.
    #[must_use]
    pub fn with_net(
        config: Config,
        make: impl Fn() -> io::Result<Box<dyn Net>> + Send + Sync + 'static,
    ) -> Self {
        Self::assemble(config, Box::new(make), false, WorldId::fresh())
    }

    #[cfg(feature = "sim")]
    pub(crate) fn virtual_tls(
        config: Config,
        world: WorldId,
        make: impl Fn() -> io::Result<Box<dyn Net>> + Send + Sync + 'static,
    ) -> Self {
        Self::assemble(config, Box::new(make), true, world)
    }

    fn assemble(config: Config, make_net: MakeNet, virtual_tls: bool, world: WorldId) -> Self {
        let parking = Arc::new(Parking::new(make_net, world));
        Self { shared: Arc::new(Shared::new(config, virtual_tls)), parking }
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
        let core = match self.parking.take() {
            Some(core) => core,
            None => self.make_core().map_err(|why| Error::io("no selector could be made", why))?,
        };
        Ok(Driver::new(core, self.shared.clone(), self.parking.clone()))
    }

    /// A new loop; when descriptors have run out, those of idle connections are given for it.
    fn make_core(&self) -> io::Result<Box<Core>> {
        match self.parking.make() {
            Err(error) if out_of_resources(&error) => {
                self.close_idle();
                self.parking.make()
            }
            other => other,
        }
    }

    /// Whether a [`Driver`] of one of them can serve both ([`Driver::start_on`]): clones of one pool, pools over real
    /// sockets, and pools of one simulated world. Of pools made with [`with_net`](Self::with_net) nobody else knows what
    /// they run on, so only clones do.
    #[must_use]
    pub fn shares_net(&self, other: &Self) -> bool {
        self.parking.world() == other.parking.world()
    }

    /// Whether both are one pool: clones, with the same connections and limits.
    #[must_use]
    pub fn shares_connections(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
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

impl Driver {
    /// Starts a request on another pool's connections, with that pool's limits and resolver: one loop can serve several.
    pub fn start_on(&mut self, pool: &Pool, request: Request) -> ExchangeId {
        self.start_in(&pool.shared, request)
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

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("config", &self.shared.config).field("counts", &self.counts()).finish()
    }
}
