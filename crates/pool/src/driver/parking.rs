//! Loops between two callers.

use super::Core;
use crate::net::Net;
use std::io;
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
}

impl Parking {
    pub(crate) fn new(make_net: MakeNet) -> Self {
        Self { parked: Mutex::default(), make_net }
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
