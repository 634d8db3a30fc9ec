//! The body of a stream, line by line.

use crate::error::{Error, ErrorKind};
use crate::streaming::Streaming;
use crate::text::{Charset, Decoder};
use std::fmt;
use std::iter::FusedIterator;

/// The lines of a body as text, without the `\n`, `\r\n` or `\r` that ends them, wherever the pieces of the body are cut.
/// Made by [`Streaming::lines`].
///
/// A line is given out as soon as its end has come, also where that is a `\r` behind which a `\n` may follow. Other
/// characters with which Unicode ends lines are part of them: JSON has U+2028 in its texts.
///
/// Decoded as [`Response::text`](crate::Response::text) does it: by a byte order mark, else by the charset of
/// `Content-Type`, else as UTF-8; what means nothing becomes U+FFFD. A last line without a line end counts too.
///
/// # Errors
/// What went wrong with the body, once: the iterator is at its end then. The lines before it have been given out; what
/// stood behind the last line end has not, for nobody knows whether it is a whole line. A line that is longer than the
/// limit for a body in memory ([`max_body`](crate::RequestBuilder::max_body)) is [`ErrorKind::Body`].
#[must_use = "nothing is read until lines are asked for"]
pub struct Lines {
    /// `None` after the end.
    stream: Option<Streaming>,
    /// What was asked for, whatever the answer says of itself.
    asked: Option<Charset>,
    /// Known when the first bytes are.
    charset: Option<(Charset, Decoder)>,
    /// Bytes from `start` to `end` have been read and not given out; up to `seen` there is no line end in them.
    buffer: Vec<u8>,
    /// Text before `start` that belongs to the next line.
    begun: String,
    start: usize,
    seen: usize,
    end: usize,
    /// The last line ended in `\r`: a `\n` right behind it belongs to it.
    returned: bool,
    limit: usize,
}

/// Read at once: where reading in larger pieces gains nothing any more.
const PIECE: usize = 64 * 1024;

/// As many bytes tell whether there is a byte order mark.
const MARK: usize = 3;

impl Lines {
    pub(crate) fn new(stream: Streaming, asked: Option<Charset>) -> Self {
        let limit = stream.request().settings().max_body();
        Self {
            stream: Some(stream),
            asked,
            charset: None,
            buffer: Vec::new(),
            begun: String::new(),
            start: 0,
            seen: 0,
            end: 0,
            returned: false,
            limit,
        }
    }

    /// The next line; the last one is what is left at the end.
    fn line(&mut self) -> Result<Option<String>, Error> {
        loop {
            if let Some((charset, _)) = &self.charset {
                let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
                if let Some(length) = charset.line_end(unread, self.seen) {
                    match self.take(length, false)? {
                        None => continue,
                        line => return Ok(line),
                    }
                }
                self.seen = unread.len();
                if unread.len() > self.limit {
                    return Err(self.too_long());
                }
            }
            if self.read()? == 0 {
                if self.charset.is_none() {
                    // So few bytes may have line ends among them too.
                    self.find_charset();
                    continue;
                }
                self.stream = None;
                let rest = self.end - self.start;
                return if rest == 0 && self.begun.is_empty() { Ok(None) } else { self.take(rest, true) };
            }
            if self.charset.is_none() && self.end - self.start >= MARK {
                self.find_charset();
            }
        }
    }

    /// Reads a piece behind what is there. 0: the body is at its end.
    fn read(&mut self) -> Result<usize, Error> {
        let Some(stream) = &mut self.stream else { return Ok(0) };
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.buffer.len() < self.end + PIECE {
            self.buffer.resize(self.end + PIECE, 0);
        }
        let n = stream.pull(self.buffer.get_mut(self.end..).unwrap_or_default())?;
        self.end += n;
        Ok(n)
    }

    fn find_charset(&mut self) {
        let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
        let content_type = self.stream.as_ref().and_then(|stream| stream.header("content-type"));
        let (charset, text) = match self.asked {
            Some(asked) => (asked, asked.without_mark(unread)),
            None => Charset::of(unread, content_type),
        };
        self.start = self.end - text.len();
        self.charset = Some((charset, charset.decoder()));
    }

    /// The next line, from as many bytes. `None`: they end in something else, where bytes stand for other characters
    /// than elsewhere, or they are the `last` and stand for none, or the second half of a line end.
    fn take(&mut self, length: usize, last: bool) -> Result<Option<String>, Error> {
        if length.saturating_add(self.begun.len()) > self.limit {
            return Err(self.too_long());
        }
        let line = self.buffer.get(self.start..self.start + length).unwrap_or_default();
        let mut text =
            self.charset.as_mut().map(|(_, decoder)| decoder.decode(line, last)).unwrap_or_default();
        self.start += length;
        self.seen = 0;
        if !self.begun.is_empty() {
            // Behind what is there: a line may have any number of bytes that end others, and grows at its end.
            self.begun.push_str(&text);
            text = std::mem::take(&mut self.begun);
        }
        if !text.is_empty() && std::mem::take(&mut self.returned) && text == "\n" {
            return Ok(None);
        }
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        } else if text.ends_with('\r') {
            text.pop();
            self.returned = true;
        } else if !last {
            self.begun = text;
            return Ok(None);
        } else if text.is_empty() {
            // Bytes that stand for nothing, such as a shift back to ASCII, are no line.
            return Ok(None);
        }
        Ok(Some(text))
    }

    fn too_long(&self) -> Error {
        let text =
            format!("a line is longer than {} bytes, the limit for a body in memory: max_body", self.limit);
        let error = Error::new(ErrorKind::Body, text).maybe_processed();
        match &self.stream {
            Some(stream) => error.with_request(stream.request()),
            None => error,
        }
    }
}

impl Iterator for Lines {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line().transpose();
        if !matches!(line, Some(Ok(_))) {
            // Dropping the stream frees the connection.
            (self.stream, self.start) = (None, self.end);
        }
        line
    }
}

impl FusedIterator for Lines {}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("stream", &self.stream).finish_non_exhaustive()
    }
}
