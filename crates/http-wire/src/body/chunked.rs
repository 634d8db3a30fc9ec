//! The chunked coding (RFC 9112 section 7.1) as a byte automaton.
//!
//! It keeps what it has read of a line in its state, so no byte is looked at twice, and it never steps over a
//! byte it objects to: asked again, it objects again. That allows the bytes before an error to be delivered
//! first.

use crate::error::RecvError;
use crate::limits::Limits;
use crate::token::is_ows;

/// Position in a chunked body.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chunked {
    state: State,
    /// Extension bytes of this body so far.
    ext: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In the digits of a size.
    Size { size: u64, digits: u8 },
    /// In white space after a size: only an extension may follow.
    Blank { size: u64 },
    /// In an extension.
    Ext { size: u64 },
    /// Before the LF of a size line.
    SizeLf { size: u64 },
    /// In chunk data with so many bytes left, never 0.
    Data(u64),
    /// Before the CRLF after chunk data.
    DataCr,
    /// Before the LF of it.
    DataLf,
    /// The last chunk has been read; the trailer section follows.
    Trailer,
}

impl Default for State {
    fn default() -> Self {
        NEXT_CHUNK
    }
}

/// What comes next in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Here {
    /// Chunk framing that has not arrived.
    Framing,
    /// So many bytes of chunk data, never 0, arrived or not.
    Data(u64),
    /// The trailer section.
    Trailer,
}

/// 16 digits hold any size of 64 bits; leading zeros count, so that they cannot go on for ever.
const MAX_DIGITS: u8 = 16;
const NEXT_CHUNK: State = State::Size { size: 0, digits: 0 };

impl Chunked {
    pub(crate) fn here(&self) -> Here {
        match self.state {
            State::Data(left) => Here::Data(left),
            State::Trailer => Here::Trailer,
            _ => Here::Framing,
        }
    }

    /// Notes that `n` bytes of chunk data were taken.
    pub(crate) fn took(&mut self, n: usize) {
        if let State::Data(left) = self.state {
            self.state = match left.saturating_sub(n as u64) {
                0 => State::DataCr,
                left => State::Data(left),
            };
        }
    }

    /// Reads chunk framing at the front of `src`, up to chunk data or the trailer section; returns its length.
    /// An error is reported only by the call that finds it at the very front: 0 bytes read means that more are
    /// needed, any other number that there may be more to say.
    pub(crate) fn skip_framing(&mut self, src: &[u8], limits: &Limits) -> Result<usize, RecvError> {
        let mut at = 0;
        loop {
            at += self.fast(src.get(at..).unwrap_or_default());
            match (self.here(), src.get(at)) {
                (Here::Framing, Some(&b)) => match self.step(b, limits) {
                    Ok(()) => at += 1,
                    Err(error) if at == 0 => return Err(error),
                    Err(_) => return Ok(at),
                },
                _ => return Ok(at),
            }
        }
    }

    /// Decodes from the front of `src` into `dst` until either is used up, or to the trailer section. Returns
    /// the bytes read and written. An error is reported only if no body byte precedes it.
    pub(crate) fn decode(
        &mut self,
        src: &[u8],
        dst: &mut [u8],
        limits: &Limits,
    ) -> Result<(usize, usize), RecvError> {
        let (mut read, mut written) = (0, 0);
        loop {
            match self.skip_framing(src.get(read..).unwrap_or_default(), limits) {
                Ok(n) => {
                    read += n;
                    if n > 0 && self.here() == Here::Framing {
                        continue;
                    }
                }
                Err(error) if written == 0 => return Err(error),
                Err(_) => break,
            }
            let State::Data(left) = self.state else { break };
            let (Some(from), Some(into)) = (src.get(read..), dst.get_mut(written..)) else { break };
            let n = from.len().min(into.len()).min(usize::try_from(left).unwrap_or(usize::MAX));
            let (Some(from), Some(into)) = (from.get(..n), into.get_mut(..n)) else { break };
            if n == 0 {
                break;
            }
            into.copy_from_slice(from);
            self.took(n);
            read += n;
            written += n;
        }
        Ok((read, written))
    }

    /// The usual case in one go: the CRLF after the data before, if due, then a size of a few digits and CRLF,
    /// all of it here. Returns how much of that there was; anything else is left to `step`.
    fn fast(&mut self, src: &[u8]) -> usize {
        let (line, before) = match (self.state, src) {
            (State::DataCr, [b'\r', b'\n', line @ ..]) => (line, 2),
            (State::Size { digits: 0, .. }, line) => (line, 0),
            _ => return 0,
        };
        let mut size = 0u64;
        for (i, &b) in line.iter().take(usize::from(MAX_DIGITS)).enumerate() {
            match hex(b) {
                Some(digit) => size = size << 4 | u64::from(digit),
                None if i > 0 && b == b'\r' && line.get(i + 1) == Some(&b'\n') => {
                    self.state = if size == 0 { State::Trailer } else { State::Data(size) };
                    return before + i + 2;
                }
                None => return 0,
            }
        }
        0
    }

    /// One byte of framing.
    fn step(&mut self, b: u8, limits: &Limits) -> Result<(), RecvError> {
        use State::{Blank, Data, DataCr, DataLf, Ext, Size, SizeLf, Trailer};
        self.state = match (self.state, b) {
            (Size { size, digits }, _) => match (hex(b), b) {
                (Some(digit), _) if digits < MAX_DIGITS => {
                    Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
                }
                (None, b'\r') if digits > 0 => SizeLf { size },
                (None, b';') if digits > 0 => self.extended(Ext { size }, limits)?,
                (None, _) if digits > 0 && is_ows(b) => self.extended(Blank { size }, limits)?,
                _ => return Err(RecvError::BadChunkSize),
            },
            (Blank { size }, b';') => self.extended(Ext { size }, limits)?,
            (Blank { size }, _) if is_ows(b) => self.extended(Blank { size }, limits)?,
            (Ext { size }, b'\r') => SizeLf { size },
            (Blank { .. }, _) | (Ext { .. }, b'\n') => return Err(RecvError::BadChunkSize),
            (Ext { size }, _) => self.extended(Ext { size }, limits)?,
            (SizeLf { size: 0 }, b'\n') => Trailer,
            (SizeLf { size }, b'\n') => Data(size),
            (SizeLf { .. }, _) => return Err(RecvError::BadChunkSize),
            (DataCr, b'\r') => DataLf,
            (DataLf, b'\n') => NEXT_CHUNK,
            (DataCr | DataLf, _) => return Err(RecvError::BadChunkEnd),
            (state @ (Data(_) | Trailer), _) => state,
        };
        Ok(())
    }

    /// Accounts for one extension byte.
    fn extended(&mut self, next: State, limits: &Limits) -> Result<State, RecvError> {
        if self.ext >= limits.max_chunk_ext {
            return Err(RecvError::ChunkExtensionsTooLarge);
        }
        self.ext += 1;
        Ok(next)
    }
}

fn hex(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}
