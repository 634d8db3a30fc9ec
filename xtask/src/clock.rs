//! The one place of this program that reads the clock.

use std::time::Instant;

/// The time now, for durations that are printed and for a fuzz run's length.
#[expect(
    clippy::disallowed_methods,
    reason = "a command that reports how long it took has to look at the clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
