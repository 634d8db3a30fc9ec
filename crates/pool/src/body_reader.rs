//! The answer to one blocking request: a head, and a body that is read from the connection.

use crate::driver::Driver;
use crate::error::Error;
use crate::event::{Event, Summary};
use crate::tokens::ExchangeId;
use http_wire::ResponseHead;
use std::fmt;
use std::io::{self, Read};
use std::time::Instant;

/// As much of an unread body is consumed to keep its connection: only what is here already.
const LEFT_UNREAD: usize = 64 * 1024;

/// A head, and the body still on its way.
#[derive(Debug)]
pub struct Response {
    head: ResponseHead,
    body: BodyReader,
}

impl Response {
    pub(crate) fn new(head: ResponseHead, driver: Driver, id: ExchangeId) -> Self {
        Self { head, body: BodyReader { driver: Some(driver), id, summary: None, failed: false } }
    }

    /// The head of the final answer.
    #[must_use]
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// The body.
    pub fn body_mut(&mut self) -> &mut BodyReader {
        &mut self.body
    }

    /// Head and body apart.
    #[must_use]
    pub fn into_parts(self) -> (ResponseHead, BodyReader) {
        (self.head, self.body)
    }
}

/// Reads a response body, blocking until bytes are there.
///
/// It holds a driver and a connection until the end of the body. Dropped earlier, it never waits: if the rest is here
/// already (at most 64 KiB of it) the connection is kept, otherwise it is closed.
pub struct BodyReader {
    driver: Option<Driver>,
    id: ExchangeId,
    summary: Option<Summary>,
    failed: bool,
}

impl BodyReader {
    /// Attempts, trailers and whether the connection was kept, once the body has ended.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    /// Some bytes of the body; 0 at its end.
    ///
    /// # Errors
    /// What ended the exchange. Reading again after an error gives the end of stream of an unfinished body: an error.
    pub fn read_some(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.failed {
            return Err(Error::new(crate::ErrorKind::Body).with_detail("the body has failed before"));
        }
        let read = self.advance(buf);
        self.failed = read.is_err();
        if self.failed || self.summary.is_some() {
            self.driver = None;
        }
        read
    }

    fn advance(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        let Some(driver) = &mut self.driver else { return Ok(0) };
        loop {
            let n = driver.read(self.id, buf)?;
            while let Some((_, event)) = driver.next_event() {
                match event {
                    Event::Done(summary) => self.summary = Some(summary),
                    Event::Failed(error) => return Err(error),
                    _ => {}
                }
            }
            if n > 0 || self.summary.is_some() {
                return Ok(n);
            }
            driver.turn(None)?;
        }
    }

    /// Gives the body up, reading at most `bytes` more of it until `until` so that the connection can be kept.
    /// Whether it was.
    ///
    /// # Errors
    /// Only if waiting itself fails.
    pub fn drain(mut self, bytes: usize, until: Instant) -> Result<bool, Error> {
        let Some(driver) = &mut self.driver else { return Ok(self.summary.as_ref().is_some_and(|s| s.kept)) };
        driver.discard(self.id, bytes, Some(until));
        loop {
            while let Some((_, event)) = driver.next_event() {
                let kept = match event {
                    Event::Done(summary) => summary.kept,
                    // It had failed before; there is no connection to keep.
                    Event::Failed(_) => false,
                    _ => continue,
                };
                self.driver = None;
                return Ok(kept);
            }
            driver.turn(None)?;
        }
    }
}

impl Read for BodyReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_some(buf).map_err(io::Error::other)
    }
}

impl Drop for BodyReader {
    fn drop(&mut self) {
        if let Some(driver) = &mut self.driver {
            driver.discard(self.id, LEFT_UNREAD, None);
        }
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader").field("ended", &self.summary.is_some()).finish_non_exhaustive()
    }
}
