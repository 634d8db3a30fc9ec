//! The body of a stream, in pieces: as they arrive, of one size, or between delimiters.

use crate::error::{Error, ErrorKind};
use crate::streaming::Streaming;
use std::fmt;
use std::iter::FusedIterator;

/// Read at once, as in [`Lines`](crate::Lines).
const PIECE: usize = 64 * 1024;

/// The body piece by piece (requests' `iter_content`). Made by [`Streaming::chunks`] and [`Streaming::chunks_of`].
///
/// # Errors
/// What went wrong with the body, once: the iterator is at its end then.
#[must_use = "nothing is read until pieces are asked for"]
pub struct Chunks<'a> {
    stream: &'a mut Streaming,
    /// So many bytes each, the last one excepted; `None`: as they come.
    size: Option<usize>,
    /// Where pieces of no given size are read: each is copied out of it, and takes no more memory than it has bytes.
    buffer: Vec<u8>,
    over: bool,
}

impl<'a> Chunks<'a> {
    pub(crate) fn new(stream: &'a mut Streaming, size: Option<usize>) -> Self {
        Self { stream, size, buffer: Vec::new(), over: false }
    }

    fn chunk(&mut self) -> Result<Vec<u8>, Error> {
        match self.size {
            Some(size) => self.chunk_of(size),
            None => {
                self.buffer.resize(PIECE, 0);
                let n = self.stream.pull(&mut self.buffer)?;
                Ok(self.buffer.get(..n).unwrap_or_default().to_vec())
            }
        }
    }

    fn chunk_of(&mut self, size: usize) -> Result<Vec<u8>, Error> {
        let (mut chunk, mut filled) = (Vec::new(), 0);
        while filled < size {
            chunk.resize(filled + PIECE.min(size - filled), 0);
            match self.stream.pull(chunk.get_mut(filled..).unwrap_or_default())? {
                0 => break,
                n => filled += n,
            }
        }
        chunk.truncate(filled);
        Ok(chunk)
    }
}

impl Iterator for Chunks<'_> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let chunk = self.chunk();
        self.over = !matches!(&chunk, Ok(chunk) if !chunk.is_empty());
        Some(chunk).filter(|chunk| !matches!(chunk, Ok(chunk) if chunk.is_empty()))
    }
}

impl FusedIterator for Chunks<'_> {}

/// What stands between delimiters (requests' `iter_lines` with a `delimiter`). Made by [`Streaming::split`].
///
/// Pieces are given without the delimiter, empty ones too, and the same however the body arrives; nothing is given
/// behind a delimiter at the very end.
///
/// # Errors
/// What went wrong with the body, once: the iterator is at its end then. What stood behind the last delimiter has not been
/// given out, for nobody knows whether it is a whole piece. An empty delimiter is [`ErrorKind::Config`]; a piece that is
/// longer than the limit for a body in memory ([`max_body`](crate::RequestBuilder::max_body)) is [`ErrorKind::Body`].
#[must_use = "nothing is read until pieces are asked for"]
pub struct Split {
    /// `None` after the end.
    stream: Option<Streaming>,
    delimiter: Vec<u8>,
    /// Bytes from `start` on have been read and not given out; in the first `seen` of them no delimiter begins.
    buffer: Vec<u8>,
    start: usize,
    seen: usize,
    limit: usize,
}

impl Split {
    pub(crate) fn new(stream: Streaming, delimiter: Vec<u8>) -> Self {
        let limit = stream.request().settings().max_body();
        Self { stream: Some(stream), delimiter, buffer: Vec::new(), start: 0, seen: 0, limit }
    }

    fn piece(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        if self.delimiter.is_empty() {
            return Err(Error::config("a body cannot be split at an empty delimiter"));
        }
        let length = loop {
            let unread = self.buffer.get(self.start..).unwrap_or_default();
            let unseen = unread.get(self.seen..).unwrap_or_default();
            if let Some(at) = unseen.windows(self.delimiter.len()).position(|bytes| *bytes == *self.delimiter)
            {
                break self.seen + at;
            }
            self.seen = (unread.len() + 1).saturating_sub(self.delimiter.len());
            if self.seen > self.limit {
                return Err(too_long(stream, self.limit));
            }
            self.buffer.drain(..std::mem::take(&mut self.start));
            let filled = self.buffer.len();
            self.buffer.resize(filled + PIECE, 0);
            let read = stream.pull(self.buffer.get_mut(filled..).unwrap_or_default());
            self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                if filled > self.limit {
                    return Err(too_long(stream, self.limit));
                }
                self.stream = None;
                return Ok(Some(std::mem::take(&mut self.buffer)).filter(|rest| !rest.is_empty()));
            }
        };
        if length > self.limit {
            return Err(too_long(stream, self.limit));
        }
        let piece = self.buffer.get(self.start..self.start + length).unwrap_or_default().to_vec();
        (self.start, self.seen) = (self.start + length + self.delimiter.len(), 0);
        Ok(Some(piece))
    }
}

impl Iterator for Split {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.piece().transpose();
        if !matches!(piece, Some(Ok(_))) {
            // Dropping the stream frees the connection.
            self.stream = None;
        }
        piece
    }
}

impl FusedIterator for Split {}

fn too_long(stream: &Streaming, limit: usize) -> Error {
    let text = format!("a piece is longer than {limit} bytes, the limit for a body in memory: max_body");
    Error::new(ErrorKind::Body, text).with_request(stream.request()).maybe_processed()
}

impl fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").field("stream", &self.stream).finish_non_exhaustive()
    }
}
