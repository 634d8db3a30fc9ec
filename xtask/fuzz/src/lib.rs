//! Fuzz oracles: ordinary functions that panic if their invariant does not hold.
//!
//! Each takes raw bytes, so that one function serves the fuzzer, the replay of the corpus on stable Rust, and
//! whoever wants to look at one case in a debugger. A corpus case is a file in `corpus/<target>/`, named after
//! what it shows.

mod charset;
mod content_coding;
mod cookies;
mod cookies_txt;
mod input;
mod link;
mod netrc;
mod round_trip;
mod secrets;
mod session;
mod set_cookie_dates;
mod split_invariance;
mod www_authenticate;

pub use crate::session::session;
pub use charset::charset;
pub use content_coding::content_coding;
pub use cookies::cookies;
pub use cookies_txt::cookies_txt;
pub use link::link;
pub use netrc::netrc;
pub use round_trip::round_trip;
pub use set_cookie_dates::set_cookie_dates;
pub use split_invariance::split_invariance;
pub use www_authenticate::www_authenticate;

/// A check that panics if its invariant does not hold for what it makes of the bytes.
pub type Oracle = fn(&[u8]);

/// Every oracle and the name of its target, which is also that of its corpus folder.
pub const TARGETS: &[(&str, Oracle)] = &[
    ("split_invariance", split_invariance),
    ("round_trip", round_trip),
    ("cookies", cookies),
    ("set_cookie_dates", set_cookie_dates),
    ("cookies_txt", cookies_txt),
    ("link", link),
    ("www_authenticate", www_authenticate),
    ("netrc", netrc),
    ("charset", charset),
    ("content_coding", content_coding),
    ("session", session),
];
