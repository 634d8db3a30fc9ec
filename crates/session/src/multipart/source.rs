//! The bytes of a form, put together while they are sent.

use pool::{Body, Source};
use std::io;

/// The bytes of a form in order: what is in memory, and what is still to be read.
#[derive(Default)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    /// The piece that is being read.
    at: usize,
    /// How much of it was given out.
    given: u64,
}

enum Piece {
    Bytes(Vec<u8>),
    Source {
        source: Box<dyn Source>,
        /// Exactly so many bytes, if that is known.
        len: Option<u64>,
        /// Where it starts, if it can go back there.
        mark: Option<u64>,
        /// Of the field, for errors.
        name: String,
    },
}

impl Pieces {
    /// Puts bytes behind what is there.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        match self.pieces.last_mut() {
            Some(Piece::Bytes(last)) => last.extend_from_slice(bytes),
            _ => self.pieces.push(Piece::Bytes(bytes.to_vec())),
        }
    }

    /// Puts what a source gives behind what is there.
    pub(super) fn read(&mut self, mut source: Box<dyn Source>, len: Option<u64>, name: &str) {
        let mark = source.mark();
        self.pieces.push(Piece::Source { source, len, mark, name: name.to_owned() });
    }

    /// Bytes, if nothing is to be read: such a body can be sent by several requests at once.
    pub(super) fn into_body(mut self) -> Body {
        match self.pieces.as_mut_slice() {
            [Piece::Bytes(bytes)] => Body::from(std::mem::take(bytes)),
            _ => Body::reader(self),
        }
    }
}

impl Piece {
    fn len(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Source { len, .. } => *len,
        }
    }

    /// Reads on from `given`. 0: its end.
    fn read(&mut self, given: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Bytes(bytes) => {
                let rest =
                    usize::try_from(given).ok().and_then(|given| bytes.get(given..)).unwrap_or_default();
                let n = rest.len().min(buf.len());
                if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
                    to.copy_from_slice(from);
                }
                Ok(n)
            }
            Self::Source { source, len, name, .. } => {
                let left = len.map(|len| len.saturating_sub(given));
                // One that was announced to be empty has not been asked yet: files of `/proc` are not.
                if left == Some(0) && given > 0 {
                    return Ok(0);
                }
                // One byte more than is left tells a source that has too many; so the last read is never one that fills
                // all the room there is.
                let room = match left.and_then(|left| usize::try_from(left).ok()) {
                    Some(left) if left < buf.len() => left + 1,
                    Some(left) if left == buf.len() => left.saturating_sub(1).max(1),
                    _ => buf.len(),
                };
                let n = source.read(buf.get_mut(..room).unwrap_or_default())?;
                match left {
                    _ if n > room => Err(io::Error::other(format!(
                        "the source of the part {name:?} says it read more than it was given room for"
                    ))),
                    Some(left) if n as u64 > left => Err(io::Error::other(format!(
                        "the part {name:?} has more than the {} bytes it was announced with",
                        given.saturating_add(left)
                    ))),
                    Some(left) if n == 0 && left > 0 => Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        format!(
                            "the part {name:?} ended after {given} of the {} bytes it was announced with",
                            given.saturating_add(left)
                        ),
                    )),
                    _ => Ok(n),
                }
            }
        }
    }
}

impl Source for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.get_mut(self.at).filter(|_| !buf.is_empty()) {
            match piece.read(self.given, buf)? {
                0 => (self.at, self.given) = (self.at + 1, 0),
                n => {
                    self.given += n as u64;
                    return Ok(n);
                }
            }
        }
        Ok(0)
    }

    fn mark(&mut self) -> Option<u64> {
        let can = |piece: &Piece| !matches!(piece, Piece::Source { mark: None, .. });
        self.pieces.iter().all(can).then_some(0)
    }

    fn rewind(&mut self, _: u64) -> io::Result<()> {
        for piece in self.pieces.iter_mut().take(self.at.saturating_add(1)) {
            if let Piece::Source { source, mark: Some(mark), .. } = piece {
                source.rewind(*mark)?;
            }
        }
        (self.at, self.given) = (0, 0);
        Ok(())
    }

    fn remaining(&self) -> Option<u64> {
        self.pieces.iter().try_fold(0_u64, |sum, piece| sum.checked_add(piece.len()?))
    }
}
