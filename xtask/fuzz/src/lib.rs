//! Fuzz oracles: ordinary functions that panic if their invariant does not hold.
//!
//! Each takes raw bytes, so that one function serves the fuzzer, the replay of the corpus on stable Rust, and
//! whoever wants to look at one case in a debugger. A corpus case is a file in `corpus/<target>/`, named after
//! what it shows.

mod round_trip;
mod split_invariance;

pub use round_trip::round_trip;
pub use split_invariance::split_invariance;

/// A check that panics if its invariant does not hold for what it makes of the bytes.
pub type Oracle = fn(&[u8]);

/// Every oracle and the name of its target, which is also that of its corpus folder.
pub const TARGETS: &[(&str, Oracle)] = &[("split_invariance", split_invariance), ("round_trip", round_trip)];
