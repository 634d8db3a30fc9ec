//! What the server has seen so far.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Counts since the start of a [`Testbed`](crate::Testbed).
///
/// A connection is counted when it is accepted and a request when its head has arrived, so both are up to date for
/// a client that has its answer. `open` falls when the server notices that a connection ended, which may be a moment
/// after the client closed it: use [`Testbed::wait_for`](crate::Testbed::wait_for) there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections accepted on the plain port.
    pub plain_connections: u64,
    /// Connections accepted on the TLS port, whether or not the handshake succeeded.
    pub tls_connections: u64,
    /// TLS handshakes that ended well, full and resumed.
    pub tls_handshakes: u64,
    /// Those of `tls_handshakes` that resumed an earlier session.
    pub tls_resumed: u64,
    /// Requests whose head was read, over both ports.
    pub requests: u64,
    /// Connections open now, over both ports, handshakes under way included.
    pub open: u64,
}

/// The counts, shared between the server's thread and the owner.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stats: Stats,
    /// Threads in `wait_for`. Waking nobody is a system call, too many for every request.
    waiters: usize,
}

impl Counters {
    pub(crate) fn read(&self) -> Stats {
        self.lock().stats
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Stats)) {
        let mut state = self.lock();
        change(&mut state.stats);
        if state.waiters > 0 {
            self.changed.notify_all();
        }
    }

    pub(crate) fn wait_for(&self, limit: Duration, holds: impl Fn(&Stats) -> bool) -> Option<Stats> {
        let mut state = self.lock();
        state.waiters += 1;
        let waited = self.changed.wait_timeout_while(state, limit, |state| !holds(&state.stats));
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiters -= 1;
        (!timeout.timed_out()).then_some(state.stats)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one connection as open for as long as it lives.
#[derive(Debug)]
pub(crate) struct Open(Arc<Counters>);

impl Open {
    pub(crate) fn new(counters: &Arc<Counters>, tls: bool) -> Self {
        counters.count(|stats| {
            stats.open += 1;
            if tls {
                stats.tls_connections += 1;
            } else {
                stats.plain_connections += 1;
            }
        });
        Self(Arc::clone(counters))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.count(|stats| stats.open = stats.open.saturating_sub(1));
    }
}
