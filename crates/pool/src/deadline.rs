//! The instants at which an exchange gives up, computed when a phase begins.

use crate::config::Timeouts;
use crate::phase::Limit;
use std::time::{Duration, Instant};

/// What ended the patience of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// No connection became free in time.
    Wait,
    /// One of the limits people set.
    Limit(Limit),
}

/// The deadlines of one exchange; `None` where there is none or the phase is not running.
#[derive(Debug)]
pub(crate) struct Deadlines {
    timeouts: Timeouts,
    wait: Option<Instant>,
    connect: Option<Instant>,
    idle: Option<Instant>,
    total: Option<Instant>,
}

impl Deadlines {
    /// The total limit starts at once; it is the earlier of the timeout and the absolute deadline.
    pub(crate) fn new(timeouts: Timeouts, deadline: Option<Instant>, now: Instant) -> Self {
        let total = earlier(after(now, timeouts.total), deadline);
        Self { timeouts, wait: None, connect: None, idle: None, total }
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Waiting for a connection begins.
    pub(crate) fn start_wait(&mut self, now: Instant) {
        *self = Self { wait: after(now, self.timeouts.wait), connect: None, idle: None, ..*self };
    }

    /// Dialling begins.
    pub(crate) fn start_connect(&mut self, now: Instant) {
        *self = Self { wait: None, connect: after(now, self.timeouts.connect), idle: None, ..*self };
    }

    /// The exchange of bytes begins, or bytes were exchanged, or somebody begins to wait for them again.
    pub(crate) fn touch(&mut self, now: Instant) {
        self.wait = None;
        self.connect = None;
        self.idle = after(now, self.timeouts.idle);
    }

    /// Nobody waits for the peer: the caller has yet to take what is there, or to ask for more.
    pub(crate) fn rest(&mut self) {
        self.idle = None;
    }

    /// Whether somebody waits for the peer just now, as far as the idle limit is concerned.
    pub(crate) fn awaits_bytes(&self) -> bool {
        self.idle.is_some()
    }

    /// Whether something bounds even an exchange that makes progress.
    pub(crate) fn has_total(&self) -> bool {
        self.total.is_some()
    }

    /// Whether that bound is reached.
    pub(crate) fn total_expired(&self, now: Instant) -> bool {
        self.total.is_some_and(|at| at <= now)
    }

    /// When dialling must be over.
    pub(crate) fn connect(&self) -> Option<Instant> {
        earlier(self.connect, self.total)
    }

    /// The next instant at which something expires.
    pub(crate) fn next(&self) -> Option<Instant> {
        earlier(earlier(self.wait, self.connect), earlier(self.idle, self.total))
    }

    /// What has expired at `now`, the total limit first: it is what the caller asked for in so many words.
    pub(crate) fn expired(&self, now: Instant) -> Option<Expired> {
        let over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        match () {
            () if over(self.total) => Some(Expired::Limit(Limit::Total)),
            () if over(self.wait) => Some(Expired::Wait),
            () if over(self.connect) => Some(Expired::Limit(Limit::Connect)),
            () if over(self.idle) => Some(Expired::Limit(Limit::Idle)),
            () => None,
        }
    }
}

/// An instant so far away that it cannot be written down is no limit.
fn after(now: Instant, limit: Option<Duration>) -> Option<Instant> {
    limit.and_then(|limit| now.checked_add(limit))
}

pub(crate) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an Instant can only be had from the clock")]
    fn each_phase_has_its_limit_and_total_holds_in_all() {
        let t0 = Instant::now();
        let timeouts = Timeouts::default().wait(secs(1)).connect(secs(2)).idle(secs(3)).total(secs(10));
        let mut deadlines = Deadlines::new(timeouts, None, t0);
        deadlines.start_wait(t0);
        assert_eq!(deadlines.next(), Some(t0 + secs(1)));
        assert_eq!(deadlines.expired(t0 + secs(1)), Some(Expired::Wait));
        deadlines.start_connect(t0);
        assert_eq!(deadlines.expired(t0 + secs(1)), None);
        assert_eq!(deadlines.expired(t0 + secs(2)), Some(Expired::Limit(Limit::Connect)));
        deadlines.touch(t0);
        assert_eq!(deadlines.expired(t0 + secs(3)), Some(Expired::Limit(Limit::Idle)));
        deadlines.touch(t0 + secs(3));
        assert_eq!(deadlines.expired(t0 + secs(5)), None);
        deadlines.rest();
        assert_eq!(deadlines.next(), Some(t0 + secs(10)));
        assert_eq!(deadlines.expired(t0 + secs(10)), Some(Expired::Limit(Limit::Total)));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an Instant can only be had from the clock")]
    fn the_earlier_of_deadline_and_total_counts_and_the_unreachable_is_no_limit() {
        let t0 = Instant::now();
        let both = Deadlines::new(Timeouts::default().total(secs(9)), Some(t0 + secs(4)), t0);
        assert_eq!(both.next(), Some(t0 + secs(4)));
        let never = Deadlines::new(Timeouts::default().total(Duration::MAX), None, t0);
        assert_eq!(never.next(), None);
    }
}
