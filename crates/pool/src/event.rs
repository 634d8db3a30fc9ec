//! What a driver tells of its exchanges.

use crate::attempt::Attempts;
use crate::error::Error;
use http_wire::{Headers, ResponseHead};

/// What happened to an exchange: `Head`, then `Readable` any number of times, then `Done`; or `Failed`, at any point.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The head of the final answer. Its body may be read.
    Head(ResponseHead),
    /// Body bytes are probably there: [`Driver::read`](crate::Driver::read) until it gives 0.
    Readable,
    /// The answer is complete, and all of it was read or discarded.
    Done(Summary),
    /// The exchange has ended with an error.
    Failed(Error),
}

/// What is known of an exchange that ended well.
#[derive(Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Every attempt with its times, addresses and TLS facts.
    pub attempts: Attempts,
    /// Fields that followed a chunked body.
    pub trailers: Option<Headers>,
    /// Whether the connection can serve another request.
    pub kept: bool,
}
