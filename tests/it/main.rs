//! Sessions and pools over real sockets: what needs a kernel, a clock or TLS to be shown.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may be blunt"
)]

mod cancel;
mod downloads;
mod driver;
mod eyeballs;
mod overflow;
mod parallel;
mod proxies;
mod proxy_server;
mod redirects;
mod reuse;
mod scenarios;
mod secrets;
mod stale;
mod streaming;
mod support;
mod timeouts;
mod tls;
mod tls_peer;
mod tls_reuse;
mod tls_settings;
mod tls_wire;
mod uploads;
mod urls;
