//! The body of one answer on its way to the caller: read from the driver, decoded, counted.

use crate::decode::{DecodeError, Decoder};
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::{Head, Response};
use pool::{Driver, ExchangeId};

/// Stands between the driver and whoever reads, a buffer or a stream. Writes into the buffer of the caller.
pub(crate) struct Content {
    coded: Option<Box<Coded>>,
    /// The framing said that all has arrived.
    ended: bool,
    /// Encoded bytes that are still to come, where the head says how many.
    left: Option<u64>,
    /// Bytes read and decoded since the last [`rest`](Self::rest).
    moved: usize,
    /// Encoded bytes that may still be read: content that decodes to nothing has an end too.
    raw: u64,
}

/// Content that is decoded, and the encoded bytes that wait for it.
struct Coded {
    decoder: Decoder,
    window: Box<[u8]>,
    start: usize,
    end: usize,
}

/// Encoded bytes are read in pieces of at most so many.
const WINDOW: usize = 16 * 1024;

/// After so many bytes it is the turn of others: a body that arrives without a pause must not hold up a whole batch.
const TURN: usize = 1024 * 1024;

/// Why a body cannot be read to its end.
pub(crate) enum Failure {
    Pool(pool::Error),
    Decode(DecodeError),
    /// Longer than the limit for a body in memory.
    TooLong,
}

impl Content {
    /// The body behind `head`, of which so much is `left` to be read, where that is known. `decode`: whether a
    /// `Content-Encoding` is undone.
    pub(crate) fn new(left: Option<u64>, head: &Head, decode: bool) -> Result<Self, DecodeError> {
        let decoder = if decode && left != Some(0) && head.headers().contains("content-encoding") {
            let fields = head.headers().get_all("content-encoding").map(|value| value.as_bytes());
            Decoder::from_fields(fields)?
        } else {
            None
        };
        let coded = decoder
            .map(|decoder| Box::new(Coded { decoder, window: vec![0; WINDOW].into(), start: 0, end: 0 }));
        Ok(Self { coded, ..Self::raw(left) })
    }

    /// A body as it is sent, whatever its `Content-Encoding` says.
    pub(crate) fn raw(left: Option<u64>) -> Self {
        Self { coded: None, ended: false, left, moved: 0, raw: u64::MAX }
    }

    /// A body that is over.
    pub(crate) fn nothing() -> Self {
        Self { ended: true, ..Self::raw(Some(0)) }
    }

    /// The framing said that all has arrived; what is read now is what the decoder still holds.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// How many more bytes come at the most, as read by the caller, where that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        if self.coded.is_some() { None } else { self.left }
    }

    /// Whether reading stopped although there may be more to read.
    pub(crate) fn is_tired(&self) -> bool {
        self.moved >= TURN
    }

    /// Others had their turn.
    pub(crate) fn rest(&mut self) {
        self.moved = 0;
    }

    /// Reads into `buf`. 0: nothing now, because there is nothing or because it [is tired](Self::is_tired); or, after
    /// [`end`](Self::end), nothing more.
    pub(crate) fn read(
        &mut self,
        driver: &mut Driver,
        id: ExchangeId,
        buf: &mut [u8],
    ) -> Result<usize, Failure> {
        if buf.is_empty() || (self.is_tired() && !self.ended) {
            return Ok(0);
        }
        let Some(coded) = &mut self.coded else {
            if self.ended {
                return Ok(0);
            }
            let n = driver.read(id, buf).map_err(Failure::Pool)?;
            self.left = self.left.map(|left| left.saturating_sub(n as u64));
            self.moved += n;
            return Ok(n);
        };
        loop {
            let waiting = coded.window.get(coded.start..coded.end).unwrap_or_default();
            let step = coded.decoder.decode(waiting, buf).map_err(Failure::Decode)?;
            coded.start += step.read;
            if step.written > 0 {
                self.moved = self.moved.saturating_add(step.written);
                return Ok(step.written);
            }
            if step.read > 0 {
                continue;
            }
            if self.ended {
                return coded.decoder.finish(buf).map_err(Failure::Decode);
            }
            coded.window.copy_within(coded.start..coded.end, 0);
            (coded.start, coded.end) = (0, coded.end - coded.start);
            if self.moved >= TURN {
                return Ok(0);
            }
            let room = coded.window.get_mut(coded.end..).unwrap_or_default();
            match driver.read(id, room).map_err(Failure::Pool)? {
                0 => return Ok(0),
                n => {
                    coded.end += n;
                    self.moved = self.moved.saturating_add(n);
                    self.raw = self.raw.checked_sub(n as u64).ok_or(Failure::TooLong)?;
                }
            }
        }
    }
}

/// A body that is kept in memory.
pub(crate) struct Buffer {
    content: Content,
    /// Zeroes behind `filled`: room for the next read.
    bytes: Vec<u8>,
    filled: usize,
    limit: usize,
}

/// Room made before the first byte: what the head says, but not more than has a good chance to arrive
/// (CVE-2025-13836 is a client that believed it).
const MAX_FIRST: usize = 1024 * 1024;
/// Room made where the head says nothing, doubled up to the size of read at which sockets are fastest.
const MIN_ROOM: usize = 4 * 1024;
const MAX_ROOM: usize = 256 * 1024;

/// Encoded bytes that are read for a body of at most `limit` bytes. No coding makes a body twice as long; headers,
/// names and empty members take some bytes for nothing, and a mebibyte is far more than anybody has of them.
fn max_raw(limit: usize) -> u64 {
    (limit as u64).saturating_mul(2).saturating_add(1024 * 1024)
}

impl Buffer {
    pub(crate) fn new(mut content: Content, limit: usize) -> Self {
        content.raw = max_raw(limit);
        Self { content, bytes: Vec::new(), filled: 0, limit }
    }

    /// Takes in what is here. `true`: there may be more, after the turn of others.
    pub(crate) fn fill(&mut self, driver: &mut Driver, id: ExchangeId) -> Result<bool, Failure> {
        self.content.rest();
        let left = self.content.left();
        if left.is_some_and(|left| left > self.limit.saturating_sub(self.filled) as u64) {
            return Err(Failure::TooLong);
        }
        while self.content.left() != Some(0) {
            if self.filled == self.bytes.len() {
                self.grow();
            }
            let room = self.bytes.get_mut(self.filled..).unwrap_or_default();
            match self.content.read(driver, id, room)? {
                0 => break,
                n => self.filled += n,
            }
            if self.filled > self.limit {
                return Err(Failure::TooLong);
            }
        }
        Ok(self.content.is_tired() && self.content.left() != Some(0))
    }

    /// All has arrived: what the decoder still holds.
    pub(crate) fn finish(&mut self, driver: &mut Driver, id: ExchangeId) -> Result<(), Failure> {
        self.content.end();
        if self.content.coded.is_some() { self.fill(driver, id).map(drop) } else { Ok(()) }
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.filled);
        self.bytes
    }

    /// One byte more than the limit is let in, to see that it is exceeded.
    fn grow(&mut self) {
        let room = match self.content.left() {
            Some(left) => usize::try_from(left).unwrap_or(MAX_FIRST).min(MAX_FIRST),
            None => self.filled.clamp(MIN_ROOM, MAX_ROOM),
        };
        let room = room.min((self.limit - self.filled).saturating_add(1));
        if self.bytes.is_empty() && room > MIN_ROOM {
            // Large zeroes come from the system, which has them anyway.
            self.bytes = vec![0; room];
        } else {
            self.bytes.resize(self.filled + room, 0);
        }
    }
}

impl Failure {
    /// Whether another attempt would fail alike.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Pool(_))
    }

    /// In words, about `request` and the head that its answer has.
    pub(crate) fn into_error(self, request: &Request, head: &Head) -> Error {
        match self {
            Self::Pool(error) => Error::from_pool(error, request),
            Self::Decode(why) => Error::new(ErrorKind::Decode, format!("the body cannot be decoded: {why}"))
                .with_source(why)
                .with_response(Response::without_body(head.clone(), request.clone())),
            Self::TooLong => Error::new(
                ErrorKind::Body,
                format!(
                    "the body is longer than {} bytes, the limit for one in memory; \
                     read it with stream(), or raise max_body",
                    request.settings().max_body()
                ),
            )
            .with_request(request)
            .maybe_processed(),
        }
    }
}
