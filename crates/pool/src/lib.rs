//! Blocking HTTP/1.1 connections per origin.

mod attempt;
mod body;
mod body_reader;
mod config;
mod conn;
mod deadline;
mod dial;
mod driver;
mod error;
mod exchange;
mod ledger;
mod link;
pub mod net;
mod origin;
mod permit;
mod phase;
mod pool;
mod request;
mod route;
#[cfg(feature = "sim")]
pub mod sim;
mod tls;
mod tokens;

pub use attempt::{Attempt, Attempts, TlsFacts};
pub use body::{Body, Once, Reader, Source};
pub use body_reader::{BodyReader, Response};
pub use config::{Config, Timeouts};
pub use dial::resolve::Resolve;
pub use driver::{Driver, Event, Summary};
pub use error::{Error, ErrorKind};
pub use http_wire::{HeadError, Headers, Method, RequestHead, ResponseHead, StatusCode, Value, Version};
pub use origin::{Origin, Scheme};
pub use phase::{Limit, Phase};
pub use pool::{Counts, Pool};
pub use request::{Builder, Class, Request};
pub use route::Route;
pub use tls::Tls;
pub use tokens::ExchangeId;
