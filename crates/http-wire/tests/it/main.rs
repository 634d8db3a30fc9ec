//! The behaviour of `http-wire`, shown through its public API.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]

mod chunked;
mod conformance;
mod convert;
mod eof;
mod framing;
mod headers;
mod heads;
mod inbox;
mod invariants;
mod lifecycle;
mod limits;
mod misuse;
mod preset;
mod requests;
mod reuse;
mod roundtrip;
mod sensitive;
mod splits;
mod support;
