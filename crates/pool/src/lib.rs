//! HTTP/1.1 connections per origin over TCP and TLS: kept, shared and reused, with limits, a fair queue and a deadline
//! for every wait. Calls block, or one thread drives any number of requests; there is no async runtime, and no thread
//! behind it.
//!
//! # One request
//!
//! ```no_run
//! use pool::{Config, Origin, Pool, Request};
//! use std::io::Read;
//!
//! let pool = Pool::new(Config::default());
//! let mut response = pool.send(Request::get(Origin::https("example.com"), "/")?)?;
//! println!("{}", response.head().status());
//! let mut page = String::new();
//! response.body_mut().read_to_string(&mut page)?;
//! // The body was read to its end: the next request to example.com reuses the connection.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Pool`] is a handle; clones and threads share its connections. [`Request::build`] makes other requests, with a
//! [`Body`] from memory, a file or any reader.
//!
//! # Many requests on one thread
//!
//! A [`Driver`] is the loop that [`Pool::send`] runs inside, for those who want to hold it themselves. It does all its
//! work in [`turn`](Driver::turn), on the calling thread:
//!
//! ```no_run
//! # use pool::{Config, Event, Origin, Pool, Request};
//! let pool = Pool::new(Config::default());
//! let mut driver = pool.driver()?;
//! for page in 0..1000 {
//!     driver.start(Request::get(Origin::https("example.com"), &format!("/items?page={page}"))?);
//! }
//! let mut buf = vec![0; 64 * 1024];
//! while !driver.is_idle() {
//!     driver.turn(None)?;
//!     while let Some((id, event)) = driver.next_event() {
//!         match event {
//!             Event::Head(head) => println!("{id:?} {}", head.status()),
//!             Event::Readable => while driver.read(id, &mut buf)? > 0 {},
//!             Event::Done(summary) => println!("{id:?} took {:?}", summary.attempts.last().last_byte),
//!             Event::Failed(error) => eprintln!("{id:?} {error}"),
//!             _ => {}
//!         }
//!     }
//! }
//! # Ok::<(), pool::Error>(())
//! ```
//!
//! # Through a proxy
//!
//! A [`Proxy`] is part of a [`Route`], and so of the key under which connections are shared. A request on such a route
//! goes through the proxy or fails; it never goes around it.
//!
//! ```no_run
//! # use pool::{Config, Origin, Pool, Proxy, ProxyKind, Request, Route};
//! # let pool = Pool::new(Config::default());
//! let proxy = Proxy::new(ProxyKind::Http, "proxy.example", 3128).with_credentials("me", "secret")?;
//! let route = Route::direct(Origin::https("example.com")).via(proxy);
//! match pool.send(Request::get(route, "/")?) {
//!     Ok(response) => println!("{}", response.head().status()),
//!     Err(error) if error.proxy_status().is_some() => eprintln!("{}", String::from_utf8_lossy(error.proxy_body())),
//!     Err(error) => eprintln!("{error}"),
//! }
//! # Ok::<(), pool::Error>(())
//! ```
//!
//! # The three actors
//!
//! - The **ledger** says who may use which connection: idle ones, limits, the queue. It is all that threads share, one
//!   mutex that is never held during input or output. Requests over equal [`Route`]s share connections.
//! - A **driver** moves exchanges on: dial, TLS, request out, answer in. Whoever is blocked drives their own; an idle
//!   connection changes hands when another driver claims it.
//! - A **net** ([`net::Net`]) is the world: sockets, lookups, clocks, entropy, waiting. The real one is over mio; feature
//!   `sim` has one with a virtual clock and scripted peers, so that a program's handling of slow, broken and hostile
//!   servers can be tested without a socket.
//!
//! # What can go wrong
//!
//! An [`Error`] has a [`kind`](Error::kind) by who can do something about it, the [`Phase`] it happened in, every
//! [`Attempt`] with addresses, times and bytes, and whether the server
//! [may have acted](Error::may_have_been_processed) on the request. The pool repeats a request by itself only if that can do
//! no harm: once, when a kept connection turns out to be dead before one byte of an answer, and the request is idempotent
//! or was not sent at all ([`Config::retry_stale`]).

mod attempt;
mod body;
mod body_reader;
mod chunks;
mod config;
mod conn;
mod deadline;
mod dial;
mod driver;
mod error;
mod event;
mod exchange;
mod kind;
mod ledger;
mod link;
mod mailbox;
pub mod net;
mod origin;
mod permit;
mod phase;
mod pool;
mod proxy;
mod request;
mod resolver;
mod route;
mod seekable;
mod shared;
#[cfg(feature = "sim")]
pub mod sim;
mod spares;
mod tls;
mod tokens;

pub use attempt::{Attempt, Attempts, TlsFacts};
pub use body::{Body, Once, Reader, Source};
pub use body_reader::{BodyReader, Response};
pub use config::{Config, Timeouts};
pub use driver::Driver;
pub use error::Error;
pub use event::{Event, Summary};
pub use http_wire::{HeadError, Headers, Method, RequestHead, ResponseHead, StatusCode, Value, Version};
pub use kind::ErrorKind;
pub use origin::{Origin, Scheme};
pub use phase::{Limit, Phase};
pub use pool::{Counts, Pool};
pub use proxy::{Proxy, ProxyKind};
pub use request::{Builder, Class, Request};
pub use resolver::Resolve;
pub use route::Route;
pub use tls::Tls;
pub use tokens::ExchangeId;
