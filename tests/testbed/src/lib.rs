//! A server for tests, examples and benchmarks: inside the process, on loopback, gone when dropped.
//!
//! * [`Testbed`] answers as httpbin and jsonplaceholder do, plain and over TLS. It is built on hyper, so a client
//!   tested against it shares no HTTP code with it.
//! * [`raw::RawServer`] sends what no server would send: it plays scripts of bytes, closes and resets.
//! * [`encode`] makes bodies in content codings.
//! * [`Ca`] is the certificate authority of both, made at start; nothing on disk, nothing to renew.
//!
//! ```no_run
//! let testbed = testbed::Testbed::start()?;
//! println!("GET {}/posts/1 and GET {}/get?x=1", testbed.http(), testbed.https());
//! println!("trust this certificate:\n{}", testbed.ca_pem());
//! println!("so far: {:?}", testbed.stats());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it answers
//!
//! | endpoints | as |
//! | --- | --- |
//! | `/get /post /put /patch /delete /headers /ip /user-agent /anything[/…]` | httpbin; `/anything` takes any method |
//! | `/cookies /cookies/set?name=value /cookies/set/{name}/{value} /cookies/delete?name` | httpbin |
//! | `/basic-auth/{user}/{password} /hidden-basic-auth/{user}/{password} /bearer` | httpbin |
//! | `/redirect/{n} /relative-redirect/{n} /absolute-redirect/{n} /redirect-to?url=…&status_code=…` | httpbin |
//! | `/status/{code} /response-headers?name=value` | httpbin; one code from 200 to 999 |
//! | `/gzip /deflate /bytes/{n} /stream-bytes/{n} /stream/{n} /delay/{seconds} /drip /html /json /encoding/utf8` | httpbin; bytes are the same for the same seed |
//! | `/posts /posts/1 /posts/2 /users/1`, `POST /posts` | jsonplaceholder |
//! | `/bench/{n}` | a JSON body of exactly `n` bytes under ten headers, on the shortest path |
//! | `/chunked/{total}/{size}` | `total` bytes in chunks of `size` |
//! | `/close` | an answer with `Connection: close` |
//! | `POST /echo`, `POST /sink` | the body streamed back; the body counted, in constant memory |
//!
//! HEAD is answered wherever GET is, OPTIONS everywhere. Multipart forms are accepted but not taken apart: their
//! `form` and `files` stay empty.

mod bench;
mod body;
mod call;
pub mod encode;
mod httpbin;
mod placeholder;
pub mod raw;
mod reply;
mod server;
mod stats;
mod testbed;
mod tls;
mod worker;

pub use crate::stats::Stats;
pub use crate::testbed::{Builder, Testbed};
pub use crate::tls::{Ca, Identity};
