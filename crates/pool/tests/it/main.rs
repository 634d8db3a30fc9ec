//! The behaviour of `pool`, shown through its public API in a simulated world: no socket, no thread, no real time.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]

mod support;

mod fairness;
mod limits;
mod reuse;
mod stale;

