//! What a session does, shown through its public API.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may be blunt")]

mod auth;
mod batches;
mod building;
mod conformance_cookies;
mod conformance_urls;
mod cookies;
mod errors;
mod hooks;
mod redirects;
mod responses;
mod retries;
mod sockets;
mod streaming;
mod support;
