//! HTTP/1.1 client protocol, without I/O: bytes in, events out.
//!
//! This crate turns requests into bytes and bytes into events. It has no socket, no clock and no thread; it waits
//! for nothing and keeps no bytes. Whoever drives it owns both buffers, so blocking, readiness-based and simulated
//! drivers look alike, and every behaviour can be shown with two strings.
//!
//! # States
//!
//! One [`Connection`] carries any number of exchanges, one after the other. Its two directions are independent: a
//! response may come before the request is complete.
//!
//! ```text
//!      start                     last body byte, finish
//! Tx:  Idle ──────────▶ Body ───────────────────────────▶ Done      (without a body straight to Done)
//!
//!                    head complete, framing decided             End
//! Rx:  Idle ──▶ Head ─────────────┬──────────────▶ Body ─────────────▶ Done
//!       ▲        │ ▲ 1xx          ├─ no body ────────────────────────▶ Done
//!       │        └─┘              └─ 101, or 2xx to CONNECT ─▶ Switched
//!       │
//!       └── both Done, and nothing forbids another exchange
//!
//! A breach of the protocol ends everything: it is sticky, every call reports it.
//! ```
//!
//! # One exchange
//!
//! ```
//! use http_wire::{Connection, Event, Inbox, Limits, Method, RequestHead, Reuse};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limits = Limits::default();
//! let mut wire = Connection::new(limits);
//! let mut inbox = Inbox::new(&limits);
//! let mut out = Vec::new();
//!
//! // 1. A head that exists is legal. Starting appends it to the caller's buffer.
//! let head = RequestHead::builder(Method::GET, "/greeting").header("Host", "example.com").build()?;
//! wire.start(&head, &inbox, &mut out)?;
//! assert_eq!(out, b"GET /greeting HTTP/1.1\r\nHost: example.com\r\n\r\n");
//!
//! // 2. Nothing has arrived, so nothing can be said.
//! assert_eq!(wire.next_event(&mut inbox)?, None);
//!
//! // 3. Bytes arrive, cut anywhere.
//! inbox.push(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
//! let Some(Event::Response(response)) = wire.next_event(&mut inbox)? else { return Err("a head".into()) };
//! assert_eq!(response.status(), 200);
//!
//! // 4. Body bytes are announced, then borrowed from the inbox, without their framing.
//! assert_eq!(wire.next_event(&mut inbox)?, Some(Event::Data(3)));
//! assert_eq!(wire.take(&mut inbox, 3), b"hel");
//! assert_eq!(wire.next_event(&mut inbox)?, None);
//! inbox.push(b"lo\r\n0\r\n\r\n");
//! assert_eq!(wire.next_event(&mut inbox)?, Some(Event::Data(2)));
//! assert_eq!(wire.take(&mut inbox, usize::MAX), b"lo");
//!
//! // 5. The end says whether the connection can be used again.
//! let Some(Event::End(end)) = wire.next_event(&mut inbox)? else { return Err("the end".into()) };
//! assert_eq!((end.trailers, end.reuse), (None, Reuse::Keep));
//! assert!(wire.is_idle());
//! # Ok(())
//! # }
//! ```
//!
//! # Over a blocking socket
//!
//! ```no_run
//! use std::io::Write;
//! use std::net::TcpStream;
//!
//! use http_wire::{Connection, Event, Inbox, Limits, Method, RequestHead};
//!
//! fn get(sock: &mut TcpStream, host: &str, path: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
//!     let head = RequestHead::builder(Method::GET, path).header("Host", host).build()?;
//!     let limits = Limits::default();
//!     let (mut wire, mut inbox, mut out, mut body) = (Connection::new(limits), Inbox::new(&limits), vec![], vec![]);
//!     wire.start(&head, &inbox, &mut out)?;
//!     sock.write_all(&out)?;
//!     loop {
//!         match wire.next_event(&mut inbox)? {
//!             None => drop(inbox.fill_from(sock)?), // the end of the stream is noted in the inbox
//!             Some(Event::Data(n)) => body.extend_from_slice(wire.take(&mut inbox, n)),
//!             Some(Event::End(_)) => return Ok(body),
//!             Some(_) => {}
//!         }
//!     }
//! }
//! ```
//!
//! # What it tolerates
//!
//! Text is read with tolerance: a bare LF may end a line of a head, folded values are unfolded, reasons may be
//! missing. Numbers are not: lengths are digits and nothing else. Where a message can be read in two ways, it is an
//! error, or one reading is chosen and the connection is not used again; [`Limits::strict_framing`] leaves only the
//! error. HTTP/1.0 responses are understood, their connections never kept. White space or an empty line before a
//! status line, NUL, bare CR, and a blank before a colon are errors.

mod body;
mod connection;
mod convert;
mod error;
mod event;
mod fields;
mod framing;
mod head;
mod headers;
mod inbox;
mod limits;
mod state;
mod token;
mod value;

pub use body::encode::Frame;
pub use connection::Connection;
pub use error::{HeadError, Part, Phase, RecvError, SendError};
pub use event::{CloseReason, End, Event, Reuse};
pub use fields::Fields;
pub use framing::BodyKind;
pub use head::builder::RequestBuilder;
pub use head::preset::Preset;
pub use head::request::RequestHead;
pub use head::response::ResponseHead;
pub use headers::Headers;
pub use http;
pub use http::{Method, StatusCode, Version};
pub use inbox::Inbox;
pub use limits::Limits;
pub use value::Value;
