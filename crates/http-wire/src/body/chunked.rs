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

    /// The usual case in one go: the CRLF after the data before, if due, then the size of a chunk with data and CRLF,
    /// all of it here. Returns how much of that there was and the size, never 0; anything else is left to
    /// `skip_framing`.
    #[inline]
    pub(crate) fn next_chunk(&mut self, src: &[u8]) -> Option<(usize, u64)> {
        let line = match (self.state, src) {
            (State::DataCr, [b'\r', b'\n', line @ ..]) => line,
            (State::Size { digits: 0, .. }, line) => line,
            _ => return None,
        };
        let (mut size, mut rest, mut digits) = (0u64, line, 0);
        while let [b, after @ ..] = rest
            && let Some(digit) = hex(*b)
            && digits < MAX_DIGITS
        {
            (size, rest, digits) = (size << 4 | u64::from(digit), after, digits + 1);
        }
        let [b'\r', b'\n', after @ ..] = rest else { return None };
        if size == 0 {
            return None;
        }
        self.state = State::Data(size);
        Some((src.len() - after.len(), size))
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
            let rest = src.get(read..).unwrap_or_default();
            if let Some((n, _)) = self.next_chunk(rest) {
                read += n;
            } else {
                match self.skip_framing(rest, limits) {
                    Ok(n) => {
                        read += n;
                        if n > 0 && self.here() == Here::Framing {
                            continue;
                        }
                    }
                    Err(error) if written == 0 => return Err(error),
                    Err(_) => break,
                }
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

/// The value of each hexadecimal digit; of every other octet, `NO_DIGIT`.
static HEX: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut i = 0;
    while i < 16 {
        #[expect(
            clippy::indexing_slicing,
            reason = "evaluated by the compiler; a wrong index would not build"
        )]
        {
            table[b"0123456789abcdef"[i] as usize] = i as u8;
            table[b"0123456789ABCDEF"[i] as usize] = i as u8;
        }
        i += 1;
    }
    table
};
const NO_DIGIT: u8 = u8::MAX;

#[expect(clippy::indexing_slicing, reason = "a byte always indexes a table of 256")]
fn hex(b: u8) -> Option<u8> {
    Some(HEX[usize::from(b)]).filter(|digit| *digit != NO_DIGIT)
}
