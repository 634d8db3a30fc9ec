//! The behaviour of `pool`, shown through its public API in a simulated world: no socket, no thread, no real time.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]

mod support;

mod addresses;
mod cancel;
mod errors;
mod expect;
mod eyeballs;
mod fairness;
mod handover;
mod injection;
mod limits;
mod partial;
mod proxies;
mod proxy_faults;
mod replay;
mod reuse;
mod stale;
mod storm;
mod timeouts;
mod upload;
