use crate::error::SendError;

/// What is still to be written of a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoder {
    /// So many bytes, never 0.
    Length(u64),
    Chunked,
}

/// The chunk that ends a body, and an empty trailer section (RFC 9112 section 7.1).
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

impl Encoder {
    /// Accounts for `len` body bytes: what goes around them, and what remains; `None` once nothing does.
    pub(crate) fn frame(self, len: usize) -> Result<(Frame, Option<Self>), SendError> {
        match self {
            Self::Length(left) => match left.checked_sub(len as u64) {
                None => Err(SendError::BodyTooLong),
                Some(0) => Ok((Frame::none(), None)),
                Some(left) => Ok((Frame::none(), Some(Self::Length(left)))),
            },
            // An empty chunk would end the message.
            Self::Chunked if len == 0 => Ok((Frame::none(), Some(self))),
            Self::Chunked => Ok((Frame::chunk(len), Some(self))),
        }
    }
}

/// What goes around body bytes that the caller writes itself: nothing for a sized body, chunk framing
/// otherwise. See [`Connection::frame`](crate::Connection::frame).
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Size line, written from the right: 16 hexadecimal digits and CRLF at most.
    line: [u8; 18],
    /// Where the line begins; 18 if there is none.
    start: usize,
}

impl Frame {
    /// What to write before the body bytes.
    pub fn prefix(&self) -> &[u8] {
        self.line.get(self.start..).unwrap_or_default()
    }

    /// What to write after the body bytes.
    pub fn suffix(&self) -> &'static [u8] {
        if self.prefix().is_empty() { b"" } else { b"\r\n" }
    }

    fn none() -> Self {
        Self { line: [0; 18], start: 18 }
    }

    fn chunk(len: usize) -> Self {
        let mut line = *b"................\r\n";
        let (mut start, mut rest) = (16, len);
        for digit in line.iter_mut().take(16).rev() {
            *digit = match (rest & 15) as u8 {
                n @ 0..=9 => b'0' + n,
                n => b'a' + (n - 10),
            };
            start -= 1;
            rest >>= 4;
            if rest == 0 {
                break;
            }
        }
        Self { line, start }
    }
}
