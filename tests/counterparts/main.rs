//! Tests against programs that others wrote: Python's httpbin, tinyproxy, microsocks.
//!
//! `cargo xtask counterparts` starts them, and says in the environment where they are. By itself this binary is not
//! run: without those programs there is nothing to test.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may be blunt")]

mod http_proxy;
mod httpbin;
mod socks;

use session::{Session, SessionBuilder, Tls};
use std::time::Duration;
use testbed::Testbed;

/// What the command that starts the programs says about them.
fn told(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask counterparts`"))
}

fn builder() -> SessionBuilder {
    Session::builder().ignore_environment().timeout(Duration::from_secs(60))
}

/// Trusts the authority of the testbed and no other.
fn trusting(testbed: &Testbed) -> SessionBuilder {
    builder().tls(Tls::without_public_roots().add_roots_pem(testbed.ca_pem()).unwrap())
}

/// The URL of a proxy, with the user and password that it asks for.
fn proxy_url(scheme: &str, address: &str) -> String {
    format!("{scheme}://{}:{}@{}", told("COUNTERPARTS_USER"), told("COUNTERPARTS_PASSWORD"), told(address))
}
