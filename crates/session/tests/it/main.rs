//! What a session does, shown through its public API.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]

mod answers;
mod auth;
mod batches;
mod bodies;
mod building;
mod canceling;
mod conformance_cookies;
mod conformance_urls;
mod connection_auth;
mod connections;
mod cookies;
mod credentials;
mod decoding;
mod digest;
mod errors;
mod hooks;
mod json;
mod links;
mod mock;
mod mount;
#[cfg(feature = "multipart")]
mod multipart;
mod netrc;
mod paths;
mod preparing;
mod proxies;
mod reading;
mod redirect_rules;
mod redirects;
mod responses;
mod retries;
mod retry_rules;
mod sensitive;
mod session_state;
mod sockets;
mod streaming;
mod support;
mod text;
mod threats_cookies;
mod threats_delivery;
mod threats_netrc;
mod threats_proxies;
mod threats_redirects;
mod tunnels;
mod urls;
