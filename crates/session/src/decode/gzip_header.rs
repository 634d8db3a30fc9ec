//! The header of a gzip member (RFC 1952 §2.3), read and forgotten in constant memory.

use flate2::Crc;

use super::layer::{Corrupt, Io};

/// Where in the header of one member the input is.
#[derive(Debug)]
pub(super) struct Header {
    field: Field,
    /// The flags of the optional fields that are still to come.
    flags: u8,
}

/// What the bytes read so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A part of a header.
    Part,
    /// A whole header.
    Whole,
    /// No gzip: the two bytes every member begins with are missing.
    Stranger,
}

/// The field that the next byte belongs to.
#[derive(Clone, Copy, Debug)]
enum Field {
    /// The fields each header has, by the place of the byte.
    Fixed(u8),
    /// The length of the extra field, once its low byte is known with that.
    ExtraLength(Option<u8>),
    /// So many bytes are left of the extra field.
    Extra(u16),
    /// The file name or the comment, either ended by a zero byte.
    Text,
    /// The CRC-16 of the header, once its low byte is known with that.
    Check(Option<u8>),
}

/// The last of the bytes each header has; the optional fields follow it.
const LAST_FIXED: u8 = 9;

const FHCRC: u8 = 0x02;
const FEXTRA: u8 = 0x04;
const FNAME: u8 = 0x08;
const FCOMMENT: u8 = 0x10;
const RESERVED: u8 = 0xe0;

/// The optional fields in the order they have in the header. FTEXT is a hint without a field.
const OPTIONAL: [(u8, Field); 4] = [
    (FEXTRA, Field::ExtraLength(None)),
    (FNAME, Field::Text),
    (FCOMMENT, Field::Text),
    (FHCRC, Field::Check(None)),
];

impl Header {
    pub(super) fn new() -> Self {
        Self { field: Field::Fixed(0), flags: 0 }
    }

    /// Whether not a byte of it was read.
    pub(super) fn is_untouched(&self) -> bool {
        matches!(self.field, Field::Fixed(0))
    }

    /// Reads as much of the header as there is. `crc` sums up its bytes and is new when the header is.
    ///
    /// A method other than DEFLATE, a reserved flag (RFC 1952 §2.3.1.2 wants an error then) and a wrong CRC-16
    /// are corrupt.
    pub(super) fn read(&mut self, io: &mut Io<'_>, crc: &mut Crc) -> Result<Verdict, Corrupt> {
        while !io.rest().is_empty() {
            let next = match self.field {
                Field::Fixed(place) => match self.fixed(place, io, crc)? {
                    Verdict::Part => Some(Field::Fixed(place + 1)),
                    Verdict::Whole => self.optional(),
                    Verdict::Stranger => return Ok(Verdict::Stranger),
                },
                Field::ExtraLength(low) => {
                    let byte = summed(io.take(1), crc).first().copied();
                    match (low, byte) {
                        (Some(low), Some(high)) => Some(Field::Extra(u16::from_le_bytes([low, high]))),
                        _ => Some(Field::ExtraLength(byte)),
                    }
                }
                Field::Extra(left) => {
                    let taken = summed(io.take(usize::from(left)), crc).len();
                    // What was taken is at most `left`, so it fits.
                    match left.saturating_sub(u16::try_from(taken).unwrap_or(left)) {
                        0 => self.optional(),
                        left => Some(Field::Extra(left)),
                    }
                }
                Field::Text => {
                    let end = io.rest().iter().position(|byte| *byte == 0);
                    summed(io.take(end.map_or(usize::MAX, |end| end + 1)), crc);
                    if end.is_some() { self.optional() } else { Some(Field::Text) }
                }
                Field::Check(low) => match (low, io.take_byte()) {
                    (Some(low), Some(high)) => {
                        let [first, second, ..] = crc.sum().to_le_bytes();
                        if [low, high] != [first, second] {
                            return Err(Corrupt);
                        }
                        self.optional()
                    }
                    (_, byte) => Some(Field::Check(byte)),
                },
            };
            match next {
                Some(field) => self.field = field,
                None => return Ok(Verdict::Whole),
            }
        }
        Ok(Verdict::Part)
    }

    /// Reads the byte at `place` of the fields each header has. The time, the compressor's own flags and the
    /// system may be anything.
    fn fixed(&mut self, place: u8, io: &mut Io<'_>, crc: &mut Crc) -> Result<Verdict, Corrupt> {
        let Some(byte) = summed(io.take(1), crc).first().copied() else { return Ok(Verdict::Part) };
        match (place, byte) {
            (0, 0x1f) | (1, 0x8b) | (2, 8) => {}
            (0 | 1, _) => return Ok(Verdict::Stranger),
            (2, _) => return Err(Corrupt),
            (3, flags) if flags & RESERVED != 0 => return Err(Corrupt),
            (3, flags) => self.flags = flags,
            _ => {}
        }
        Ok(if place == LAST_FIXED { Verdict::Whole } else { Verdict::Part })
    }

    /// The next optional field there is, if any.
    fn optional(&mut self) -> Option<Field> {
        let (flag, field) = OPTIONAL.into_iter().find(|(flag, _)| self.flags & flag != 0)?;
        self.flags &= !flag;
        Some(field)
    }
}

/// The bytes, after they were summed up.
fn summed<'a>(bytes: &'a [u8], crc: &mut Crc) -> &'a [u8] {
    crc.update(bytes);
    bytes
}
