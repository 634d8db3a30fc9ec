//! What is fixed for a pool: limits, default timeouts, the resolver. Every number with its reason.

use crate::resolver::Resolve;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The settings of a [`Pool`](crate::Pool).
///
/// ```
/// let config = pool::Config::default().max_per_origin(4).resolver(|host: &str| {
///     if host == "db.test" { Ok(vec![[127, 0, 0, 1].into()]) } else { Err(std::io::ErrorKind::NotFound.into()) }
/// });
/// ```
#[derive(Clone)]
#[must_use]
pub struct Config {
    pub(crate) max_per_origin: usize,
    pub(crate) max_total: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) timeouts: Timeouts,
    pub(crate) wire: http_wire::Limits,
    pub(crate) retry_stale: bool,
    pub(crate) resolver: Option<Arc<dyn Resolve>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_per_origin: 16,
            max_total: 128,
            idle_timeout: Duration::from_secs(60),
            timeouts: Timeouts::default(),
            wire: http_wire::Limits::default(),
            retry_stale: true,
            resolver: None,
        }
    }
}

impl Config {
    /// Connections to one origin at a time; at least 1. Default 16 (requests keeps 10, browsers 6).
    ///
    /// With 2 or more, the last one is kept for requests of [`Class::Single`](crate::Class::Single): those of
    /// [`Class::Batch`](crate::Class::Batch) never take it, so a call made between them finds a slot. An unread
    /// [`Response`](crate::Response) holds its connection whatever its class.
    #[doc(alias = "pool_maxsize")]
    pub fn max_per_origin(mut self, connections: usize) -> Self {
        self.max_per_origin = connections.max(1);
        self
    }

    /// Connections in all; at least 1. Default 128.
    #[doc(alias = "pool_connections")]
    pub fn max_total(mut self, connections: usize) -> Self {
        self.max_total = connections.max(1);
        self
    }

    /// How long an unused connection is kept. Default 60 s; a shorter `Keep-Alive: timeout` of the server counts,
    /// less one second so that the request does not cross its close.
    pub fn idle_timeout(mut self, age: Duration) -> Self {
        self.idle_timeout = age;
        self
    }

    /// The limit on connections to one origin.
    #[must_use]
    pub fn origin_limit(&self) -> usize {
        self.max_per_origin
    }

    /// The limit on connections in all.
    #[must_use]
    pub fn total_limit(&self) -> usize {
        self.max_total
    }

    /// The time limits that hold for requests which set none of their own.
    #[must_use]
    pub fn default_timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Sets the time limits of requests that set none of their own.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The limits on what a server may send: heads, fields, chunk extensions, trailers.
    pub fn wire_limits(mut self, limits: http_wire::Limits) -> Self {
        self.wire = limits;
        self
    }

    /// Whether a request is repeated, once, when the kept connection it was put on turns out to be dead before one
    /// byte of an answer (RFC 9112 §9.3.1). Default true; it never happens to a request that may have been
    /// processed and is not idempotent.
    pub fn retry_stale(mut self, retry: bool) -> Self {
        self.retry_stale = retry;
        self
    }

    /// Looks up hosts with this instead of the system's resolver. It is called on a helper thread.
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("max_per_origin", &self.max_per_origin)
            .field("max_total", &self.max_total)
            .field("idle_timeout", &self.idle_timeout)
            .field("timeouts", &self.timeouts)
            .field("retry_stale", &self.retry_stale)
            .finish_non_exhaustive()
    }
}

/// The time limits of a request. `None` is no limit.
///
/// A timeout is never reported before its time. Progress, however slow, is bounded by `total` alone; a wait without
/// progress always ends at one of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Waiting for one of the connections that others hold. Default 30 s.
    pub wait: Option<Duration>,
    /// Lookup, all addresses (the next one is tried beside the others after 250 ms, RFC 8305), the proxy's consent, and
    /// TLS together. Default 30 s.
    pub connect: Option<Duration>,
    /// No byte in either direction. Default 60 s. What requests calls the read timeout.
    pub idle: Option<Duration>,
    /// Everything, from the start of the call to the last byte of the body. Default none.
    pub total: Option<Duration>,
    /// How long a body announced with `Expect: 100-continue` waits for the go-ahead before it is sent anyway.
    /// Default 1 s (curl's figure).
    pub expect: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            wait: Some(Duration::from_secs(30)),
            connect: Some(Duration::from_secs(30)),
            idle: Some(Duration::from_secs(60)),
            total: None,
            expect: Duration::from_secs(1),
        }
    }
}

impl Timeouts {
    /// Sets the `wait` limit.
    #[doc(alias("pool_timeout", "pool_block"))]
    #[must_use]
    pub fn wait(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.wait = limit.into();
        self
    }

    /// Sets the `connect` limit.
    #[must_use]
    pub fn connect(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.connect = limit.into();
        self
    }

    /// Sets the `idle` limit.
    #[doc(alias = "read")]
    #[must_use]
    pub fn idle(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.idle = limit.into();
        self
    }

    /// Sets the `total` limit.
    #[must_use]
    pub fn total(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.total = limit.into();
        self
    }

    /// Sets the `expect` limit.
    #[must_use]
    pub fn expect(mut self, limit: Duration) -> Self {
        self.expect = limit;
        self
    }
}
