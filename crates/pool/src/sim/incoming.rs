//! The peer's side of HTTP/1.1, as simple as scripts allow: where a request's head ends, and where its body.

use http_wire::{BodyKind, Limits, RequestHead};

/// The requests in what one connection received.
///
/// `at` moves over what was consumed; everything before it belongs to complete parts of requests.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    at: usize,
    head: Option<RequestHead>,
    body: Vec<u8>,
    expects: Rest,
}

/// What of the current request is still to come.
#[derive(Clone, Copy, Debug, Default)]
enum Rest {
    #[default]
    Head,
    Sized(usize),
    Chunks,
    Trailers,
}

impl Incoming {
    /// How many bytes were consumed.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Consumes `count` raw bytes.
    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// The owner has dropped the consumed bytes from its buffer.
    pub(super) fn rewind(&mut self) {
        self.at = 0;
    }

    /// The head of the next request, once all of it is in `received`; the body of the last one is passed over.
    ///
    /// # Errors
    /// What no server would take for a request.
    pub(super) fn head(&mut self, received: &[u8]) -> Result<Option<&RequestHead>, String> {
        if !self.body(received)? {
            return Ok(None);
        }
        let bytes = received.get(self.at..).unwrap_or_default();
        let Some(end) = find(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let bytes = bytes.get(..end + 4).unwrap_or_default();
        match RequestHead::parse(bytes, &Limits::default()) {
            Ok(Some((length, head))) => {
                self.at += length;
                self.body.clear();
                self.expects = match head.body() {
                    BodyKind::Length(0) | BodyKind::None => Rest::Head,
                    BodyKind::Length(length) => Rest::Sized(usize::try_from(length).unwrap_or(usize::MAX)),
                    _ => Rest::Chunks,
                };
                Ok(Some(self.head.insert(head)))
            }
            Ok(None) => Err(format!("cut off: {}", excerpt(bytes))),
            Err(error) => Err(format!("{error:?}: {}", excerpt(bytes))),
        }
    }

    /// Whether the body of the last head is complete. True where there is none.
    ///
    /// # Errors
    /// A chunk size that is none.
    pub(super) fn body(&mut self, received: &[u8]) -> Result<bool, String> {
        loop {
            let bytes = received.get(self.at..).unwrap_or_default();
            match self.expects {
                Rest::Head => return Ok(true),
                Rest::Sized(length) => {
                    // What is here already, so that a proxy passes it on while the rest is on its way.
                    let body = bytes.get(..length).unwrap_or(bytes);
                    self.body.extend_from_slice(body);
                    self.at += body.len();
                    match length - body.len() {
                        0 => self.expects = Rest::Head,
                        left => {
                            self.expects = Rest::Sized(left);
                            return Ok(false);
                        }
                    }
                }
                Rest::Chunks => {
                    let Some(line) = find(bytes, b"\r\n") else { return Ok(false) };
                    let size = chunk_size(bytes.get(..line).unwrap_or_default())?;
                    if size == 0 {
                        self.at += line + 2;
                        self.expects = Rest::Trailers;
                        continue;
                    }
                    let start = line + 2;
                    let Some(data) = bytes.get(start..start.saturating_add(size)) else { return Ok(false) };
                    let Some(end) = bytes.get(start + size..start + size + 2) else { return Ok(false) };
                    if end != b"\r\n" {
                        return Err(format!("a chunk ends with {}", excerpt(end)));
                    }
                    self.body.extend_from_slice(data);
                    self.at += start + size + 2;
                }
                Rest::Trailers => {
                    let Some(line) = find(bytes, b"\r\n") else { return Ok(false) };
                    self.at += line + 2;
                    if line == 0 {
                        self.expects = Rest::Head;
                    }
                }
            }
        }
    }

    /// Whether a whole request, head and body, is here: [`take`](Self::take) gives it.
    ///
    /// # Errors
    /// As of [`head`](Self::head) and [`body`](Self::body).
    pub(super) fn whole(&mut self, received: &[u8]) -> Result<bool, String> {
        let has_head = self.head.is_some() || self.head(received)?.is_some();
        Ok(has_head && self.body(received)?)
    }

    /// The last head and its body.
    pub(super) fn take(&mut self) -> Option<(RequestHead, Vec<u8>)> {
        Some((self.head.take()?, std::mem::take(&mut self.body)))
    }
}

/// The request line of `head`.
pub(super) fn request_line(head: &RequestHead) -> String {
    let bytes = head.as_bytes();
    let end = find(bytes, b"\r\n").unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// The first bytes, printable.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 120;
    let shown = bytes.get(..SHOWN).unwrap_or(bytes).escape_ascii();
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    format!("\"{shown}\"{more}")
}

fn chunk_size(line: &[u8]) -> Result<usize, String> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|digits| usize::from_str_radix(digits, 16).ok())
        .ok_or_else(|| format!("no chunk size: {}", excerpt(line)))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
