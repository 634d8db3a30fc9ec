//! The coding `gzip` (RFC 9110 §8.4.1.3): a series of members, each with a header, data and its checksums
//! (RFC 1952 §2.2).

use flate2::Crc;

use super::gzip_header::{Header, Verdict};
use super::inflate::Inflate;
use super::layer::{Corrupt, Io, Layer};

/// The members of one body, one after another.
///
/// Bytes after a member that do not begin another are ignored to the end, as requests and gzip(1) do: some
/// servers pad. Bytes that do begin one must be one: what was sent is not dropped in silence.
#[derive(Debug)]
pub(super) struct Gzip {
    part: Part,
    /// Whether a member was read to its end.
    some: bool,
    inflate: Inflate,
    /// Of the header, then of the data.
    crc: Crc,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum Part {
    Header(Header),
    Data,
    Trailer(Trailer),
    /// What follows the last member.
    Surplus,
}

/// The CRC-32 and the length of the data, each 4 bytes, low byte first, as far as they are here.
#[derive(Debug, Default)]
struct Trailer {
    bytes: [u8; 8],
    have: usize,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { part: Part::Header(Header::new()), some: false, inflate: Inflate::new(false), crc: Crc::new() }
    }

    /// Reads and writes as much of the current part as can be. The part that follows it, once it is over.
    fn advance(&mut self, io: &mut Io<'_>) -> Result<Option<Part>, Corrupt> {
        match &mut self.part {
            Part::Header(header) => match header.read(io, &mut self.crc)? {
                Verdict::Part => Ok(None),
                Verdict::Whole => {
                    self.crc.reset();
                    Ok(Some(Part::Data))
                }
                Verdict::Stranger if self.some => Ok(Some(Part::Surplus)),
                Verdict::Stranger => Err(Corrupt),
            },
            Part::Data => {
                let mark = io.step().written;
                let ended = self.inflate.run(io);
                self.crc.update(io.written_since(mark));
                Ok(ended?.then(|| Part::Trailer(Trailer::default())))
            }
            Part::Trailer(trailer) => {
                let Some((sum, length)) = trailer.read(io) else { return Ok(None) };
                // Both lengths are modulo 2^32.
                if sum != self.crc.sum() || length != self.crc.amount() {
                    return Err(Corrupt);
                }
                self.some = true;
                self.inflate.reset(false);
                self.crc.reset();
                Ok(Some(Part::Header(Header::new())))
            }
            Part::Surplus => {
                io.skip_rest();
                Ok(None)
            }
        }
    }
}

impl Layer for Gzip {
    fn name(&self) -> &'static str {
        "gzip"
    }

    fn decode(&mut self, io: &mut Io<'_>) -> Result<(), Corrupt> {
        while let Some(part) = self.advance(io)? {
            self.part = part;
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        match &self.part {
            Part::Header(header) => header.is_untouched(),
            Part::Data | Part::Trailer(_) => false,
            Part::Surplus => true,
        }
    }
}

impl Trailer {
    /// The checksum and the length, once both are here.
    fn read(&mut self, io: &mut Io<'_>) -> Option<(u32, u32)> {
        for place in self.bytes.iter_mut().skip(self.have) {
            *place = io.take_byte()?;
            self.have += 1;
        }
        let [a, b, c, d, e, f, g, h] = self.bytes;
        Some((u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])))
    }
}
