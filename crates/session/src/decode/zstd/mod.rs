//! The coding `zstd` (RFC 8878), within the limits RFC 9659 has for HTTP: a series of frames, each of blocks.
//!
//! Decoded here and not by a crate, because a client needs three things at once: data as soon as its block is here
//! (a decoder that keeps a whole window back holds up events for megabytes), memory that nothing in the data can
//! raise (one block of 128 KiB can describe 8 GiB), and no code in C.

mod bits;
mod block;
mod checksum;
mod fse;
mod huffman;
#[cfg(test)]
#[cfg(all(feature = "gzip", feature = "brotli"))]
mod tests;
mod window;

use super::layer::{Corrupt, Io, Layer};
use bits::little_endian;
use block::Blocks;
use checksum::Xxh64;
use window::Window;

/// The largest window of a frame: what RFC 9659 §3 makes the limit for HTTP, and the least every decoder must have.
const MAX_WINDOW: u64 = 8 * 1024 * 1024;

/// The most bytes of a block, coded and decoded (RFC 8878 §3.1.1.2).
const MAX_BLOCK: usize = 128 * 1024;

const FRAME: u32 = 0xFD2F_B528;
/// Frames that hold no data have one of 16 numbers.
const SKIPPABLE: u32 = 0x184D_2A50;

/// The longest frame header, without its number.
const MAX_HEADER: usize = 14;

/// The frames of one body, one after another. What is no frame is an error, at the end as well: a decoder could not
/// tell it from a frame that was damaged.
pub(super) struct Zstd {
    part: Part,
    /// The start of a number, a header or a checksum, until all of it is here.
    few: [u8; MAX_HEADER],
    have: usize,
    frame: Frame,
    blocks: Blocks,
    window: Window,
    /// A compressed block, until all of it is here.
    block: Vec<u8>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The number that a frame begins with.
    Magic,
    SkipLength,
    Skip(u32),
    /// The first byte of a frame header, which says how long it is.
    Descriptor,
    Header(u8),
    BlockHeader,
    Raw(usize),
    /// A byte that is to be repeated so often.
    Run(usize),
    Compressed(usize),
    /// Nothing: a block is over, and its data handed over.
    BlockEnd,
    Checksum,
}

/// What a frame header says, and the last block header.
#[derive(Default)]
struct Frame {
    /// The length of the data, if it is told.
    length: Option<u64>,
    /// The most bytes of a block.
    block: usize,
    sum: Option<Xxh64>,
    last: bool,
}

impl Zstd {
    pub(super) fn new() -> Self {
        Self {
            part: Part::Magic,
            few: [0; MAX_HEADER],
            have: 0,
            frame: Frame::default(),
            blocks: Blocks::default(),
            window: Window::default(),
            block: Vec::new(),
        }
    }

    /// Reads and writes as much of the current part as can be. The part that follows it, once it is over.
    fn advance(&mut self, io: &mut Io<'_>) -> Result<Option<Part>, Corrupt> {
        match self.part {
            Part::Magic => {
                let Some(magic) = self.gather(io, 4) else { return Ok(None) };
                match magic as u32 {
                    FRAME => Ok(Some(Part::Descriptor)),
                    magic if magic & !15 == SKIPPABLE => Ok(Some(Part::SkipLength)),
                    _ => Err(Corrupt),
                }
            }
            Part::SkipLength => Ok(self.gather(io, 4).map(|length| Part::Skip(length as u32))),
            Part::Skip(left) => {
                let taken = io.take(usize::try_from(left).unwrap_or(usize::MAX)).len();
                match left.saturating_sub(u32::try_from(taken).unwrap_or(left)) {
                    0 => Ok(Some(Part::Magic)),
                    left => {
                        self.part = Part::Skip(left);
                        Ok(None)
                    }
                }
            }
            Part::Descriptor => match io.take_byte() {
                Some(descriptor) if descriptor & 8 != 0 => Err(Corrupt),
                byte => Ok(byte.map(Part::Header)),
            },
            Part::Header(descriptor) => {
                let (window, dictionary, length) = header_fields(descriptor);
                if self.gather_bytes(io, window + dictionary + length).is_none() {
                    return Ok(None);
                }
                self.begin_frame(descriptor)?;
                Ok(Some(Part::BlockHeader))
            }
            Part::BlockHeader => match self.gather(io, 3) {
                Some(header) => self.begin_block(header as u32).map(Some),
                None => Ok(None),
            },
            Part::Raw(left) => {
                let bytes = io.take(left);
                self.window.push(bytes);
                Ok(self.after(left - bytes.len(), Part::Raw))
            }
            Part::Run(count) => {
                let Some(byte) = io.take_byte() else { return Ok(None) };
                self.window.fill(byte, count);
                Ok(Some(Part::BlockEnd))
            }
            Part::Compressed(left) => {
                let bytes = io.take(left);
                self.block.extend_from_slice(bytes);
                if left == bytes.len() {
                    self.blocks.decode(&self.block, self.frame.block, &mut self.window)?;
                    self.block.clear();
                }
                Ok(self.after(left - bytes.len(), Part::Compressed))
            }
            Part::BlockEnd => self.end_block().map(Some),
            Part::Checksum => match (self.gather(io, 4), &self.frame.sum) {
                (None, _) => Ok(None),
                (Some(told), Some(sum)) if told as u32 != sum.sum() as u32 => Err(Corrupt),
                (Some(_), _) => Ok(Some(Part::Magic)),
            },
        }
    }

    /// What comes after a part of a block: the rest of it, or its end.
    fn after(&mut self, left: usize, same: fn(usize) -> Part) -> Option<Part> {
        if left > 0 {
            self.part = same(left);
            return None;
        }
        Some(Part::BlockEnd)
    }

    /// What comes after a block. That the length told is a wrong one shows after the data, however the data was cut.
    fn end_block(&self) -> Result<Part, Corrupt> {
        let Frame { length, last, sum, .. } = &self.frame;
        let total = self.window.total();
        if length.is_some_and(|length| total > length || *last && total < length) {
            return Err(Corrupt);
        }
        Ok(match (last, sum) {
            (false, _) => Part::BlockHeader,
            (true, Some(_)) => Part::Checksum,
            (true, None) => Part::Magic,
        })
    }

    /// The fields of a header that is whole now.
    fn begin_frame(&mut self, descriptor: u8) -> Result<(), Corrupt> {
        let (window, dictionary, length) = header_fields(descriptor);
        let field =
            |from: usize, size: usize| little_endian(self.few.get(from..from + size).unwrap_or_default());
        // A dictionary would have to be agreed on; RFC 9842 has a coding of its own for that.
        if field(window, dictionary) != 0 {
            return Err(Corrupt);
        }
        let told =
            (length > 0).then(|| field(window + dictionary, length) + if length == 2 { 256 } else { 0 });
        let reach = match (window, told) {
            (0, told) => told.unwrap_or_default(),
            _ => {
                let byte = field(0, 1);
                let base = 1_u64 << (10 + (byte >> 3));
                base + base / 8 * (byte & 7)
            }
        };
        if reach > MAX_WINDOW {
            return Err(Corrupt);
        }
        let block = MAX_BLOCK.min(reach as usize);
        let reach = told.map_or(reach, |told| told.min(reach));
        self.window.begin(reach as usize, block);
        self.blocks.begin();
        let sum = (descriptor & 4 != 0).then(Xxh64::new);
        self.frame = Frame { length: told, block, sum, last: false };
        Ok(())
    }

    fn begin_block(&mut self, header: u32) -> Result<Part, Corrupt> {
        self.frame.last = header & 1 != 0;
        let size = (header >> 3) as usize;
        if size > self.frame.block {
            return Err(Corrupt);
        }
        match header >> 1 & 3 {
            0 if size == 0 => Ok(Part::BlockEnd),
            0 => Ok(Part::Raw(size)),
            1 => Ok(Part::Run(size)),
            2 if size > 0 => Ok(Part::Compressed(size)),
            _ => Err(Corrupt),
        }
    }

    /// The next `count` bytes as a number, low byte first, once they are here.
    fn gather(&mut self, io: &mut Io<'_>, count: usize) -> Option<u64> {
        self.gather_bytes(io, count)?;
        Some(little_endian(self.few.get(..count).unwrap_or_default()))
    }

    /// The next `count` bytes, in `few`, once they are here.
    fn gather_bytes(&mut self, io: &mut Io<'_>, count: usize) -> Option<()> {
        for place in self.few.iter_mut().take(count).skip(self.have) {
            *place = io.take_byte()?;
            self.have += 1;
        }
        self.have = 0;
        Some(())
    }
}

impl Layer for Zstd {
    fn name(&self) -> &'static str {
        "zstd"
    }

    fn decode(&mut self, io: &mut Io<'_>) -> Result<(), Corrupt> {
        loop {
            self.window.drain(io, self.frame.sum.as_mut());
            // What is decoded next needs the room that this takes.
            if !self.window.is_drained() {
                return Ok(());
            }
            let mark = self.window.total();
            match self.advance(io)? {
                Some(part) => self.part = part,
                None if self.window.total() == mark => return Ok(()),
                None => {}
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.part == Part::Magic && self.have == 0 && self.window.is_drained()
    }
}

/// How many bytes a header has of the window, of the dictionary and of the length (RFC 8878 §3.1.1.1.1).
fn header_fields(descriptor: u8) -> (usize, usize, usize) {
    let single = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4].into_iter().nth(usize::from(descriptor & 3)).unwrap_or_default();
    let length = match descriptor >> 6 {
        0 => usize::from(single),
        flag => 1 << flag,
    };
    (usize::from(!single), dictionary, length)
}
