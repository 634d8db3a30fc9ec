//! What an exchange holds of the ledger, given back by itself when dropped.
//!
//! Both live outside the ledger (nothing in it points back to it), and both lock it in their drop: neither may be
//! dropped while it is locked, which [`Shared::locked`] sees to.

use crate::conn::Conn;
use crate::ledger::{Claim, Lease, TicketId};
use crate::mailbox::Mailbox;
use crate::route::Route;
use crate::shared::Shared;
use std::sync::Arc;
use std::time::Instant;

/// The right to one connection of a route, used or being made.
pub(crate) struct Permit {
    shared: Arc<Shared>,
    route: Route,
    lease: Lease,
    /// When it is told that the connection is gone, the ledger wants to know the time; the holder keeps it fresh.
    pub(crate) now: Instant,
    armed: bool,
}

/// A place in the queue.
pub(crate) struct Ticket {
    shared: Arc<Shared>,
    id: TicketId,
    pub(crate) now: Instant,
    armed: bool,
}

impl Permit {
    pub(crate) fn new(shared: Arc<Shared>, route: Route, lease: Lease) -> Self {
        Self { shared, route, lease, now: lease.since, armed: true }
    }

    /// The connection is good for another request.
    pub(crate) fn give_back(mut self, conn: Box<Conn>, me: &Arc<Mailbox>, expires: Instant, now: Instant) {
        self.armed = false;
        let home = conn.home;
        self.shared.locked_by(me, |ledger, effects| {
            ledger.give_back(&self.route, conn, self.lease, home, expires, now, effects);
        });
    }

    /// The connection is closed, at a known time and by a known driver: its own waiters need no waking.
    pub(crate) fn forget(mut self, me: &Arc<Mailbox>, now: Instant) {
        self.armed = false;
        self.shared.locked_by(me, |ledger, effects| ledger.forget(&self.route, self.lease, now, effects));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.armed {
            self.shared.locked(|ledger, effects| ledger.forget(&self.route, self.lease, self.now, effects));
        }
    }
}

impl Ticket {
    pub(crate) fn new(shared: Arc<Shared>, id: TicketId, now: Instant) -> Self {
        Self { shared, id, now, armed: true }
    }

    /// What was granted, or the ticket back.
    pub(crate) fn redeem(mut self) -> Result<(Claim<Box<Conn>>, Lease), Self> {
        match self.shared.locked(|ledger, _| ledger.redeem(self.id)) {
            Some(granted) => {
                self.armed = false;
                Ok(granted)
            }
            None => Err(self),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.armed {
            self.shared.locked(|ledger, effects| ledger.abandon(self.id, self.now, effects));
        }
    }
}
