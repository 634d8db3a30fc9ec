//! The testbed, seen from its sockets.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may be blunt")]

mod bench;
mod client;
mod httpbin;
mod lifecycle;
mod placeholder;
mod raw;
mod tls;
