//! The coding `deflate` (RFC 9110 §8.4.1.2): the zlib format (RFC 1950), or the bare DEFLATE data that some
//! servers send under that name.

use super::inflate::Inflate;
use super::layer::{Corrupt, Io, Layer};

/// One stream, of which the first two bytes tell the format. Bytes after its end are ignored, as requests does.
#[derive(Debug)]
pub(super) struct Deflate {
    part: Part,
    inflate: Inflate,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug)]
enum Part {
    Start,
    /// The first byte, kept until the second is here.
    First(u8),
    /// The first two bytes, of which so many have been decompressed.
    Both([u8; 2], usize),
    Data,
    /// What follows the stream.
    Surplus,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self { part: Part::Start, inflate: Inflate::new(true) }
    }

    /// Reads and writes as much of the current part as can be. The part that follows it, once it is over.
    fn advance(&mut self, io: &mut Io<'_>) -> Result<Option<Part>, Corrupt> {
        match self.part {
            Part::Start => Ok(io.take_byte().map(Part::First)),
            Part::First(cmf) => {
                let Some(flg) = io.take_byte() else { return Ok(None) };
                if !is_zlib(cmf, flg) {
                    self.inflate.reset(false);
                }
                Ok(Some(Part::Both([cmf, flg], 0)))
            }
            Part::Both(bytes, used) => {
                let left = bytes.get(used..).unwrap_or_default();
                if left.is_empty() {
                    return Ok(Some(Part::Data));
                }
                let (step, result) = self.inflate.step(left, io.room());
                io.wrote(step.written);
                let (ended, used) = (result?, used + step.read);
                self.part = Part::Both(bytes, used);
                Ok(if ended {
                    Some(Part::Surplus)
                } else if used == bytes.len() {
                    Some(Part::Data)
                } else {
                    None
                })
            }
            Part::Data => Ok(self.inflate.run(io)?.then_some(Part::Surplus)),
            Part::Surplus => {
                io.skip_rest();
                Ok(None)
            }
        }
    }
}

impl Layer for Deflate {
    fn name(&self) -> &'static str {
        "deflate"
    }

    fn decode(&mut self, io: &mut Io<'_>) -> Result<(), Corrupt> {
        while let Some(part) = self.advance(io)? {
            self.part = part;
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        matches!(self.part, Part::Start | Part::Surplus)
    }
}

/// Whether two bytes are a zlib header: method 8, a window of at most 32 KiB, and the check of both bytes
/// (RFC 1950 §2.2).
///
/// Bare data beginning like this would be a stored block with padding that is not zero; compressors pad with
/// zeros.
fn is_zlib(cmf: u8, flg: u8) -> bool {
    cmf & 0x0f == 8 && cmf >> 4 <= 7 && u16::from_be_bytes([cmf, flg]).is_multiple_of(31)
}
