//! How other threads tell a driver that it was granted a connection.

use crate::net::Wake;
use crate::tokens::ExchangeId;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Grants for the exchanges of one driver.
pub(crate) struct Mailbox {
    /// Whether there is anything in it; spares the driver a lock on every turn.
    pending: AtomicBool,
    granted: Mutex<Vec<ExchangeId>>,
    waker: Arc<dyn Wake>,
}

/// Whom the ledger is to tell: one exchange of one driver.
#[derive(Clone)]
pub(crate) struct Notify {
    mailbox: Arc<Mailbox>,
    exchange: ExchangeId,
}

impl Mailbox {
    pub(crate) fn new(waker: Arc<dyn Wake>) -> Arc<Self> {
        Arc::new(Self { pending: AtomicBool::new(false), granted: Mutex::default(), waker })
    }

    /// What has been granted since the last look.
    pub(crate) fn take(&self) -> Option<Vec<ExchangeId>> {
        // The flag is cleared before the list is taken: a grant in between sets it again, and an empty look is free.
        (self.pending.load(Ordering::Acquire) && self.pending.swap(false, Ordering::AcqRel))
            .then(|| std::mem::take(&mut *self.granted.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Ends a wait of the driver.
    pub(crate) fn waker(&self) -> &Arc<dyn Wake> {
        &self.waker
    }

    fn put(&self, exchange: ExchangeId) {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        self.pending.store(true, Ordering::Release);
    }
}

impl Notify {
    pub(crate) fn new(mailbox: Arc<Mailbox>, exchange: ExchangeId) -> Self {
        Self { mailbox, exchange }
    }

    /// Tells the driver, and ends its wait.
    pub(crate) fn grant(&self) {
        self.mailbox.put(self.exchange);
        self.mailbox.waker.wake();
    }

    /// Tells the driver if `mine` is its mailbox: it looks before it waits again.
    pub(crate) fn grant_if_for(&self, mine: &Arc<Mailbox>) -> bool {
        let same = Arc::ptr_eq(&self.mailbox, mine);
        if same {
            self.mailbox.put(self.exchange);
        }
        same
    }
}
