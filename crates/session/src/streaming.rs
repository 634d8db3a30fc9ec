//! An answer whose body is read while it arrives.

use crate::call::Call;
use crate::cancel::Watch;
use crate::content::{Buffer, Content, Failure};
use crate::error::{Error, ErrorKind};
use crate::lines::Lines;
use crate::links::Links;
use crate::request::Request;
use crate::response::{Head, Hop, Response, status_error};
use crate::session::Shared;
use crate::split::{Chunks, Split};
use ::url::Url;
use cookie::Cookie;
use http_wire::{Headers, StatusCode};
use pool::{Attempts, Driver, Event, ExchangeId, Summary};
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// An answer with an open body, decoded as it is read. Holds a connection until the body is read to its end or the
/// value is dropped.
///
/// Reading blocks until bytes are there, a time limit runs out, or the body ends. The end (`Ok(0)`) is only reported
/// for a body that is complete: one that was cut short is an error, an [`io::Error`] with an [`Error`] inside.
/// Dropped early, what has arrived is thrown away; if the body is not complete then, the connection is closed.
#[doc(alias("iter_content", "raw"))]
pub struct Streaming {
    head: Head,
    request: Request,
    history: Vec<Hop>,
    body: Body,
}

enum Body {
    /// Still arriving.
    Open(Box<Open>),
    /// All has been read.
    Ended { attempts: Attempts, trailers: Option<Headers> },
    /// In memory: a hook gave an answer of its own.
    Whole { bytes: io::Cursor<Vec<u8>>, attempts: Attempts },
    /// What it said has been reported.
    Broken,
}

struct Open {
    /// Keeps the pool of the session open.
    _shared: Arc<Shared>,
    driver: Driver,
    call: Call,
    id: ExchangeId,
    content: Content,
    /// The framing has ended; the decoder may still hold something.
    summary: Option<Summary>,
    /// Whether somebody gave it up.
    watch: Option<Watch>,
}

impl Streaming {
    pub(crate) fn open(
        shared: Arc<Shared>,
        driver: Driver,
        mut call: Call,
        id: ExchangeId,
        head: Head,
        watch: Option<Watch>,
    ) -> Result<Self, Error> {
        let request = call.flow().request().clone();
        let content = Content::new(driver.remaining(id), &head, request.settings().decode())
            .map_err(|why| Failure::Decode(why).into_error(&request, &head))?;
        let history = call.flow().take_history();
        let mut open = Open { _shared: shared, driver, call, id, content, summary: None, watch };
        if open.content.left() == Some(0) {
            // There is nothing to read, so the connection waits for no reader.
            open.listen().map_err(|failure| failure.into_error(&request, &head))?;
        }
        let body = match open.summary.take() {
            Some(summary) => open.ended(summary),
            None => Body::Open(Box::new(open)),
        };
        Ok(Self { head, request, history, body })
    }

    pub(crate) fn whole(mut response: Response) -> Self {
        let head = response.head().clone();
        let request = response.request().clone();
        let (history, attempts) = response.parts_mut();
        let (history, attempts) = (std::mem::take(history), std::mem::take(attempts));
        let body = Body::Whole { bytes: io::Cursor::new(response.into_bytes()), attempts };
        Self { head, request, history, body }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// Whether the status is none of an error: neither 4xx nor 5xx.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.head.ok()
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status().is_success()
    }

    /// Status, version, reason, headers and URL.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The headers, in order and spelling of the wire.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// The value of the first header of that name, if it is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The URL that gave this answer, after all redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.head.url()
    }

    /// The request that this is the answer of, as it was sent.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The answers before this one, oldest first.
    #[must_use]
    pub fn history(&self) -> &[Hop] {
        &self.history
    }

    /// How long it took to the end of the head, as [`Response::elapsed`].
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.head.elapsed()
    }

    /// The cookies that this answer sets; see [`Response::cookies`].
    #[must_use]
    pub fn cookies(&self) -> Vec<Cookie<'static>> {
        self.head.cookies()
    }

    /// The links in its `Link` headers; see [`Response::links`].
    #[must_use]
    pub fn links(&self) -> Links {
        self.head.links()
    }

    /// Makes a 4xx or 5xx an error; see [`Response::error_for_status`]. What is left of the body is read for that, up
    /// to the limit for bodies in memory, and is in the answer that is in the error.
    ///
    /// # Errors
    /// [`ErrorKind::Status`], also where the body cannot be read: then the answer in it has none.
    pub fn error_for_status(self) -> Result<Self, Error> {
        let Some(error) = status_error(&self.head) else { return Ok(self) };
        let error = error.with_request(&self.request).maybe_processed();
        let bare = Response::without_body(self.head.clone(), self.request.clone());
        Err(error.with_response(self.into_rest().unwrap_or(bare)))
    }

    /// How many bytes are still to be read, where that is known: not for a chunked body, nor for one that is decoded.
    #[must_use]
    pub fn bytes_left(&self) -> Option<u64> {
        match &self.body {
            Body::Open(open) => open.content.left(),
            Body::Ended { .. } => Some(0),
            Body::Whole { bytes, .. } => Some(left(bytes) as u64),
            Body::Broken => None,
        }
    }

    /// The fields that followed a chunked body, once it has been read to its end.
    #[must_use]
    pub fn trailers(&self) -> Option<&Headers> {
        match &self.body {
            Body::Ended { trailers, .. } => trailers.as_ref(),
            _ => None,
        }
    }

    /// The attempts of the last hop, once the body has been read to its end.
    #[must_use]
    pub fn attempts(&self) -> Option<&Attempts> {
        match &self.body {
            Body::Ended { attempts, .. } | Body::Whole { attempts, .. } => Some(attempts),
            _ => None,
        }
    }

    /// The body piece by piece, as it arrives: up to 64 KiB at a time.
    #[doc(alias = "iter_content")]
    pub fn chunks(&mut self) -> Chunks<'_> {
        Chunks::new(self, None)
    }

    /// The body in pieces of `size` bytes, the last one excepted; of one byte if that is 0.
    #[doc(alias = "iter_content")]
    pub fn chunks_of(&mut self, size: usize) -> Chunks<'_> {
        Chunks::new(self, Some(size.max(1)))
    }

    /// The body piece by piece, as bytes between delimiters; see [`Split`].
    #[doc(alias("iter_lines", "delimiter"))]
    pub fn split(self, delimiter: impl Into<Vec<u8>>) -> Split {
        Split::new(self, delimiter.into())
    }

    /// Writes the rest of the body into `to`, and returns how many bytes that were.
    ///
    /// # Errors
    /// What went wrong with the body; or [`ErrorKind::Io`] with the cause where `to` failed: the connection is closed
    /// then, and the body cannot be read on, as nobody knows how much of it `to` has taken.
    pub fn copy_to(&mut self, to: &mut (impl Write + ?Sized)) -> Result<u64, Error> {
        self.copy_to_with(to, |_, _| ())
    }

    /// The same, and calls `watch` after each piece with the bytes written so far, and their number where it is known
    /// beforehand: not for a chunked body, nor for one that is decoded.
    ///
    /// # Errors
    /// As [`copy_to`](Self::copy_to).
    pub fn copy_to_with(
        &mut self,
        to: &mut (impl Write + ?Sized),
        mut watch: impl FnMut(u64, Option<u64>),
    ) -> Result<u64, Error> {
        let (total, mut done) = (self.bytes_left(), 0_u64);
        let mut buf = vec![0; 64 * 1024];
        loop {
            let n = self.pull(&mut buf)?;
            if n == 0 {
                return to.flush().map(|()| done).map_err(|why| self.unwritten(why));
            }
            to.write_all(buf.get(..n).unwrap_or_default()).map_err(|why| self.unwritten(why))?;
            done = done.saturating_add(n as u64);
            watch(done, total);
        }
    }

    fn unwritten(&mut self, why: io::Error) -> Error {
        if let Body::Open(open) = &mut self.body {
            open.driver.cancel(open.id);
        }
        self.body = Body::Broken;
        Error::new(ErrorKind::Io, format!("the body could not be written to where it was copied: {why}"))
            .with_source(why)
            .with_request(&self.request)
            .maybe_processed()
    }

    /// The body line by line, as text; see [`Lines`].
    #[doc(alias = "iter_lines")]
    pub fn lines(self) -> Lines {
        Lines::new(self, None)
    }

    /// The same in the charset with this label, whatever the answer says of itself; see
    /// [`Response::text_with`].
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) if there is no charset of that name.
    pub fn lines_with(self, charset: &str) -> Result<Lines, Error> {
        let charset = crate::response::charset_named(charset, &self.request)?;
        Ok(Lines::new(self, Some(charset)))
    }

    /// Reads the rest of the body into memory. The limit for bodies in memory holds.
    ///
    /// # Errors
    /// As for a body that [`Session::send`](crate::Session::send) reads.
    #[doc(alias = "content")]
    pub fn into_response(self) -> Result<Response, Error> {
        let response = self.into_rest()?;
        if response.request().settings().error_for_status() {
            response.error_for_status()
        } else {
            Ok(response)
        }
    }

    /// The rest of the body in memory, whatever the status.
    fn into_rest(mut self) -> Result<Response, Error> {
        let (bytes, attempts, trailers) = match std::mem::replace(&mut self.body, Body::Broken) {
            Body::Open(open) => open.into_rest(&self.request, &self.head)?,
            Body::Ended { attempts, trailers } => (Vec::new(), attempts, trailers),
            Body::Whole { bytes, attempts } => {
                let from = usize::try_from(bytes.position()).unwrap_or(usize::MAX);
                let bytes = bytes.into_inner();
                (bytes.get(from..).unwrap_or_default().to_vec(), attempts, None)
            }
            Body::Broken => return Err(broken(&self.request)),
        };
        let (head, request) = (self.head.clone(), self.request.clone());
        let history = std::mem::take(&mut self.history);
        let parts = crate::response::Parts { head, body: bytes, trailers, history, attempts, request };
        Ok(Response::new(parts))
    }

    /// Reads; the error is the crate's own.
    pub(crate) fn pull(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        if buf.is_empty() {
            return Ok(0);
        }
        match &mut self.body {
            Body::Open(open) => {
                let n = match open.read(buf) {
                    Ok(n) => n,
                    Err(failure) => {
                        self.body = Body::Broken;
                        return Err(failure.into_error(&self.request, &self.head));
                    }
                };
                if n == 0
                    && let Some(summary) = open.summary.take()
                {
                    self.body = open.ended(summary);
                }
                Ok(n)
            }
            Body::Ended { .. } => Ok(0),
            Body::Whole { bytes, .. } => {
                bytes.read(buf).map_err(|why| broken(&self.request).with_source(why))
            }
            Body::Broken => Err(broken(&self.request)),
        }
    }
}

impl Read for Streaming {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.pull(buf).map_err(io::Error::from)
    }
}

impl Open {
    /// Waits until there are bytes. 0: the body is complete, and all of it was read.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Failure> {
        self.go_on()?;
        loop {
            let n = self.content.read(&mut self.driver, self.id, buf)?;
            if n > 0 || self.summary.is_some() {
                return Ok(n);
            }
            if self.content.is_tired() {
                // There are no others on this driver whose turn it could be, but time limits hold for bodies that come
                // without a pause, too.
                self.content.rest();
                self.driver.turn(Some(self.driver.now())).map_err(Failure::Pool)?;
            } else {
                self.listen()?;
            }
        }
    }

    /// What is left of it when all has been read.
    fn ended(&mut self, summary: Summary) -> Body {
        let attempts = self.call.flow().with_earlier(summary.attempts);
        Body::Ended { attempts, trailers: summary.trailers }
    }

    /// Fails if the request was canceled; what is complete stays complete.
    fn go_on(&mut self) -> Result<(), Failure> {
        let canceled = self.summary.is_none() && self.watch.as_ref().is_some_and(Watch::is_canceled);
        match canceled.then(|| self.driver.abort(self.id)).flatten() {
            Some(error) => Err(Failure::Pool(error)),
            None => Ok(()),
        }
    }

    /// Waits for the next thing to happen.
    fn listen(&mut self) -> Result<(), Failure> {
        loop {
            match self.driver.next_event() {
                Some((_, Event::Done(summary))) => {
                    self.content.end();
                    self.summary = Some(summary);
                    return Ok(());
                }
                Some((_, Event::Failed(error))) => return Err(Failure::Pool(error)),
                Some(_) => return Ok(()),
                None => {
                    self.go_on()?;
                    self.driver.turn(None).map_err(Failure::Pool)?;
                }
            }
        }
    }

    fn into_rest(
        mut self,
        request: &Request,
        head: &Head,
    ) -> Result<(Vec<u8>, Attempts, Option<Headers>), Error> {
        let ended = self.summary.is_some();
        let content = std::mem::replace(&mut self.content, Content::nothing());
        let mut buffer = Buffer::new(content, request.settings().max_body());
        let collected = loop {
            if let Err(failure) = self.go_on() {
                break Err(failure);
            }
            match buffer.fill(&mut self.driver, self.id) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(failure) => break Err(failure),
            }
            if ended || self.summary.is_some() {
                break buffer.finish(&mut self.driver, self.id);
            }
            if let Err(failure) = self.listen() {
                break Err(failure);
            }
        };
        collected.map_err(|failure| failure.into_error(request, head))?;
        let (attempts, trailers) = self.summary.take().map(|s| (s.attempts, s.trailers)).unwrap_or_default();
        Ok((buffer.into_bytes(), self.call.flow().with_earlier(attempts), trailers))
    }
}

/// What has arrived is thrown away, without waiting: if that completes the body, the connection is kept.
impl Drop for Open {
    fn drop(&mut self) {
        if self.summary.is_none() {
            self.driver.discard(self.id, 64 * 1024, None);
        }
    }
}

fn left(bytes: &io::Cursor<Vec<u8>>) -> usize {
    let at = usize::try_from(bytes.position()).unwrap_or(usize::MAX);
    bytes.get_ref().len().saturating_sub(at)
}

fn broken(request: &Request) -> Error {
    Error::new(ErrorKind::Body, "the body failed before; what was read of it is not all")
        .with_request(request)
        .maybe_processed()
}

impl fmt::Debug for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Streaming {}>", self.status().as_u16())
    }
}
