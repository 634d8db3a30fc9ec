//! What the handles of a pool and its exchanges share: the books, and the one way to them.

use crate::config::Config;
use crate::conn::Conn;
use crate::ledger::{Effects, Ledger, Limits};
use crate::link::tls::Configs;
use crate::mailbox::{Mailbox, Notify};
use crate::route::Route;
use std::sync::{Arc, Mutex, PoisonError};

type Books = Ledger<Route, Box<Conn>, Notify>;
type Deeds = Effects<Box<Conn>, Notify>;

pub(crate) struct Shared {
    pub(crate) config: Config,
    /// The only lock on the way of a request; never held during input, output or a call into user code.
    ledger: Mutex<Books>,
    pub(crate) tls: Configs,
    /// https is spoken in the clear (by the simulator).
    pub(crate) virtual_tls: bool,
}

impl Shared {
    pub(crate) fn new(config: Config, virtual_tls: bool) -> Self {
        let limits = Limits { per_key: config.max_per_origin, total: config.max_total };
        Self { ledger: Mutex::new(Ledger::new(limits)), tls: Configs::default(), virtual_tls, config }
    }

    /// The one way to the ledger: locks, unlocks, and only then closes and wakes, which are system calls. A poisoned
    /// lock is taken as it is: the books are whole between any two steps.
    pub(crate) fn locked<R>(&self, work: impl FnOnce(&mut Books, &mut Deeds) -> R) -> R {
        let mut effects = Effects::default();
        let result = {
            let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut ledger, &mut effects)
        };
        if !effects.is_empty() {
            // What makes room is gone before whoever waits for the room is told.
            for mut conn in effects.close {
                conn.link.close();
            }
            for (waiter, _) in effects.wake {
                waiter.grant();
            }
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
}
