//! A simulated world for tests (feature `sim`): a virtual clock, scripted peers, and faults on request.
//!
//! **Not versioned**: this module may change in any release.
//!
//! A [`World`] makes [`Net`](crate::net::Net)s, so that whole pools run on it, in one thread and without a socket. Time is
//! virtual: a wait jumps to the next thing that happens, so a timeout of a minute takes no time. A wait with nothing
//! to wait for panics with a dump of all connections and scripts: a hang is a failing test that says why.
//!
//! ```
//! use pool::sim::{World, ok};
//! use pool::{Config, Origin, Request};
//! use std::io::Read;
//!
//! let world = World::new(7);
//! let host = world.host("a.example", ["10.0.0.1"]);
//! host.accept().expect("GET /1").reply(ok("one")).on_next_byte().close();
//! host.accept().expect("GET /2").reply(ok("two")).expect_close();
//! let pool = world.pool(Config::default());
//! for (path, body) in [("/1", "one"), ("/2", "two")] {
//!     let mut response = pool.send(Request::get(Origin::http("a.example"), path)?)?;
//!     let mut text = String::new();
//!     response.body_mut().read_to_string(&mut text)?;
//!     assert_eq!(text, body);
//! }
//! drop(pool);
//! world.assert_quiet();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is simulated
//!
//! Connections are TCP as a client sees it: bounded buffers with `WouldBlock`, bytes before end of stream, FIN, RST
//! (which discards what was not read), one last write accepted after the peer's close. Readiness is edge-triggered
//! and as scarce as the selectors below mio may make it: after an edge there is no other one for that direction until
//! an operation said `WouldBlock`, and moving a socket to another net reports nothing. Bytes to the peer arrive
//! at once, connections and bytes to the client after the host's [latency](Host::latency).
//!
//! TLS is not simulated: a pool made by [`World::pool`] speaks `https` in the clear, with proxies too.
//!
//! [`World::proxy`] makes proxies, which pass on to the other hosts what clients send through them.

mod answer;
mod conn;
mod faults;
mod host;
mod incoming;
mod net;
mod peer;
mod proxy;
mod proxy_talk;
mod relay;
mod report;
mod script;
mod socket;
mod state;
#[cfg(test)]
mod tests;
mod world;

pub use self::answer::{Received, Reply};
pub use self::faults::Fragments;
pub use self::host::Host;
pub use self::peer::Peer;
pub use self::proxy::{Asked, AskedKind, SimProxy};
pub use self::world::World;

use std::fmt::Write as _;

/// `200 OK` with this body and its `Content-Length`.
#[must_use]
pub fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// `200 OK` with a chunked body, one chunk per part. Empty parts are left out: an empty chunk would end the body.
#[must_use]
pub fn chunked(parts: &[&str]) -> Vec<u8> {
    let mut out = String::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for part in parts.iter().filter(|part| !part.is_empty()) {
        // Writing into a string cannot fail.
        let _ = write!(out, "{:x}\r\n{part}\r\n", part.len());
    }
    out.push_str("0\r\n\r\n");
    out.into_bytes()
}
