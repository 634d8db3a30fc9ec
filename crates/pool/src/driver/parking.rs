//! Loops between two callers.

use super::Core;
use crate::net::Net;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// As many loops are kept for the next caller; each costs three descriptors.
const MAX_PARKED: usize = 32;

/// How a loop gets its selector.
pub(crate) type MakeNet = Box<dyn Fn() -> io::Result<Box<dyn Net>> + Send + Sync>;

/// Loops without a driver, the last used on top. They know no pool, or they would keep it alive.
pub(crate) struct Parking {
    #[expect(clippy::vec_box, reason = "drivers hold them boxed: parking must not move half a kilobyte")]
    parked: Mutex<Vec<Box<Core>>>,
    make_net: MakeNet,
    world: WorldId,
}

/// What the nets of a loop have in common: a socket made by one can be taken over by another of the same world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorldId(u64);

impl WorldId {
    /// Real sockets.
    pub(crate) const REAL: Self = Self(0);

    /// One that no other pool is of yet.
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Parking {
    pub(crate) fn new(make_net: MakeNet, world: WorldId) -> Self {
        Self { parked: Mutex::default(), make_net, world }
    }

    pub(crate) fn world(&self) -> WorldId {
        self.world
    }

    /// A loop that was used before.
    pub(crate) fn take(&self) -> Option<Box<Core>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// A new one.
    pub(crate) fn make(&self) -> io::Result<Box<Core>> {
        (self.make_net)().map(|net| Box::new(Core::new(net)))
    }

    /// Keeps a loop for the next caller.
    pub(crate) fn park(&self, core: Box<Core>) {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        if parked.len() < MAX_PARKED {
            parked.push(core);
        }
    }
}
