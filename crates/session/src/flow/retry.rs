//! What is sent again after a failure, and when.

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Head;
use crate::world::World;
use http_wire::{Method, StatusCode};
use pool::{Limit, Phase};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What is sent again after a failure. The default is [`none`](Retry::none).
///
/// Apart from this, the pool repeats a request once by itself when the kept connection it was put on turns out to be
/// dead before a byte of an answer came, if that cannot do anything twice.
///
/// Waiting between two attempts is a timer: other requests of the same batch go on meanwhile, and the total time limit
/// of the call holds. All attempts are listed in [`Response::attempts`](crate::Response::attempts). A session spends
/// at most one retry on five requests, beside a reserve of ten, so that an outage is not multiplied by its clients.
#[doc(alias = "max_retries")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    max: u32,
    on_timeout: bool,
    any_method: bool,
    statuses: Vec<StatusCode>,
    backoff: Duration,
    max_wait: Duration,
}

impl Retry {
    /// Nothing is sent again.
    #[must_use]
    pub fn none() -> Self {
        Self::idempotent(0)
    }

    /// Up to `max` further attempts in a call, redirects included: for any method if no connection came about (with a
    /// proxy: if it cannot be reached, or refuses with one of the statuses below, but not if it forbids the tunnel); for
    /// idempotent methods (RFC 9110 §9.2.2) with bodies that can be sent again also after a lost answer, and after the
    /// statuses 429, 502, 503 and 504. The wait before attempt *n* is random between 0 and `backoff` × 2ⁿ⁻¹, or what
    /// `Retry-After` says, where that is a time to come.
    #[doc(alias = "total")]
    #[must_use]
    pub fn idempotent(max: u32) -> Self {
        Self {
            max,
            on_timeout: false,
            any_method: false,
            statuses: vec![
                StatusCode::TOO_MANY_REQUESTS,
                StatusCode::BAD_GATEWAY,
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::GATEWAY_TIMEOUT,
            ],
            backoff: Duration::from_millis(200),
            // urllib3's figure for the longest `Retry-After` it obeys.
            max_wait: Duration::from_secs(6 * 3600),
        }
    }

    /// Whether a time limit that ran out is a reason too; the total one never is. Default false.
    #[must_use]
    pub fn on_timeout(mut self, retry: bool) -> Self {
        self.on_timeout = retry;
        self
    }

    /// Whether methods that are not idempotent (POST, PATCH, …) are sent again too after a lost answer or one of the
    /// statuses: for servers that are known to do nothing twice. Default false.
    #[doc(alias = "allowed_methods")]
    #[must_use]
    pub fn any_method(mut self, any: bool) -> Self {
        self.any_method = any;
        self
    }

    /// The statuses that are a reason, in place of the default ones.
    #[doc(alias = "status_forcelist")]
    #[must_use]
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.statuses = statuses.into_iter().collect();
        self
    }

    /// The first wait, at most. Default 200 ms.
    #[doc(alias = "backoff_factor")]
    #[must_use]
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff = first;
        self
    }

    /// The longest wait: a `Retry-After` that asks for more is cut to it. Default 6 hours, as in urllib3.
    #[doc(alias = "backoff_max")]
    #[must_use]
    pub fn max_wait(mut self, longest: Duration) -> Self {
        self.max_wait = longest;
        self
    }

    /// How many further attempts there are at most.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.max
    }

    /// When to try again after this answer; `None`: it is the final one.
    pub(super) fn after_head(
        &self,
        request: &Request,
        head: &Head,
        tries: u32,
        world: &mut dyn World,
    ) -> Option<Instant> {
        if tries >= self.max || !self.statuses.contains(&head.status()) || !self.repeats(request) {
            return None;
        }
        // A server that names no time leaves it to us, and a crowd of clients would all be back at once (urllib3's rule).
        let wait = match retry_after(head, world).filter(|wait| !wait.is_zero()) {
            Some(wait) => wait.min(self.max_wait),
            None => self.pause(tries, world),
        };
        world.now().checked_add(wait)
    }

    /// When to try again after this failure; `None`: it is the result.
    pub(super) fn after_error(
        &self,
        request: &Request,
        error: &Error,
        tries: u32,
        world: &mut dyn World,
    ) -> Option<Instant> {
        let worth_it = match error.kind() {
            ErrorKind::Resolve | ErrorKind::Connect => request.body().is_replayable(),
            // One that cannot be reached, or says that it cannot do it just now; what it forbids it forbids again.
            ErrorKind::Proxy => {
                let passing = match error.proxy_status() {
                    Some(status) => self.statuses.contains(&status),
                    None => matches!(error.phase(), Some(Phase::Resolve | Phase::Connect)),
                };
                passing && request.body().is_replayable()
            }
            ErrorKind::Timeout(Limit::Connect) => self.on_timeout && request.body().is_replayable(),
            ErrorKind::Timeout(Limit::Idle) => self.on_timeout && self.repeats(request),
            ErrorKind::Closed | ErrorKind::Body | ErrorKind::Io => self.repeats(request),
            _ => false,
        };
        if tries >= self.max || !worth_it {
            return None;
        }
        let wait = self.pause(tries, world);
        world.now().checked_add(wait)
    }

    fn repeats(&self, request: &Request) -> bool {
        (self.any_method || is_idempotent(request.method())) && request.body().is_replayable()
    }

    /// Exponential, with full jitter: clients that failed together do not come back together.
    fn pause(&self, tries: u32, world: &mut dyn World) -> Duration {
        let longest = self.backoff.saturating_mul(1 << tries.min(20)).min(self.max_wait);
        let mut random = [0; 8];
        // Without entropy the wait is the longest one; nothing secret hangs on it.
        if world.random(&mut random).is_err() {
            return longest;
        }
        part(longest, u64::from_le_bytes(random))
    }
}

/// As much of a duration as a number is of the greatest one. The longest durations are more than can be made of a float.
fn part(longest: Duration, random: u64) -> Duration {
    let part = random as f64 / u64::MAX as f64;
    Duration::try_from_secs_f64(longest.as_secs_f64() * part).map_or(longest, |wait| wait.min(longest))
}

/// RFC 9110 §9.2.2.
fn is_idempotent(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE].contains(method)
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3); what is neither is ignored.
fn retry_after(head: &Head, world: &dyn World) -> Option<Duration> {
    let text = head.headers().get("retry-after")?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(world.wall()).unwrap_or_default())
}

/// What keeps retries from multiplying an outage: requests earn them, retries spend them.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

/// In fifths of a retry.
const RETRY_COSTS: u32 = 5;
const RESERVE: u32 = 10 * RETRY_COSTS;

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(RESERVE))
    }
}

impl Budget {
    pub(super) fn earn(&self) {
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |have| (have < RESERVE).then_some(have + 1));
    }

    pub(super) fn spend(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |have| have.checked_sub(RETRY_COSTS))
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pn_2_a_part_of_the_longest_pause_is_no_panic() {
        for longest in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(1), Duration::ZERO]
        {
            assert_eq!((part(longest, 0), part(longest, u64::MAX)), (Duration::ZERO, longest));
            assert!(part(longest, u64::MAX / 2) <= longest);
        }
    }

    #[test]
    fn a_budget_pays_for_ten_retries_and_then_for_one_in_five_requests() {
        let budget = Budget::default();
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10);
        let paid = (0..100).filter(|_| {
            budget.earn();
            budget.spend()
        });
        assert_eq!(paid.count(), 20);
    }
}
