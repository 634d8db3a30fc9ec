//! Compressed blocks (RFC 8878 §3.1.1.3): literals, and sequences of what is copied from where.

use super::bits::{Backward, little_endian};
use super::window::Window;
use super::{fse, huffman};
use crate::decode::layer::Corrupt;

/// What one block leaves to the next of its frame, and the memory they share.
#[derive(Default)]
pub(super) struct Blocks {
    literals: Vec<u8>,
    huffman: huffman::Table,
    literal_lengths: fse::Table,
    offsets: fse::Table,
    match_lengths: fse::Table,
    /// The offsets used last, the last one first.
    recent: [u32; 3],
}

/// The tables of the three codes (RFC 8878 §3.1.1.3.2.1): the longest description, the last symbol, and the table
/// that needs none (§3.1.1.3.2.2).
struct Code {
    max_log: u8,
    max_symbol: u8,
    default_log: u8,
    default: &'static [i16],
}

const LITERAL_LENGTHS: Code = Code {
    max_log: 9,
    max_symbol: 35,
    default_log: 6,
    default: &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1,
        -1, -1, -1,
    ],
};
const OFFSETS: Code = Code {
    max_log: 8,
    max_symbol: 31,
    default_log: 5,
    default: &[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
};
const MATCH_LENGTHS: Code = Code {
    max_log: 9,
    max_symbol: 52,
    default_log: 6,
    default: &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
};

/// The least length that a code from 16 on stands for, and how many bits are added to it. Below, the code is the length.
const LITERAL_LENGTH: [(u32, u8); 20] = [
    (16, 1),
    (18, 1),
    (20, 1),
    (22, 1),
    (24, 2),
    (28, 2),
    (32, 3),
    (40, 3),
    (48, 4),
    (64, 6),
    (128, 7),
    (256, 8),
    (512, 9),
    (1024, 10),
    (2048, 11),
    (4096, 12),
    (8192, 13),
    (16384, 14),
    (32768, 15),
    (65536, 16),
];

/// The same for a match, from code 32 on. Below, the length is three more than the code.
const MATCH_LENGTH: [(u32, u8); 21] = [
    (35, 1),
    (37, 1),
    (39, 1),
    (41, 1),
    (43, 2),
    (47, 2),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 5),
    (131, 7),
    (259, 8),
    (515, 9),
    (1027, 10),
    (2051, 11),
    (4099, 12),
    (8195, 13),
    (16387, 14),
    (32771, 15),
    (65539, 16),
];

/// The fewest literals that may be split into four streams.
const MIN_SPLIT: usize = 6;

impl Blocks {
    /// A new frame: nothing is left of the one before but memory.
    pub(super) fn begin(&mut self) {
        self.huffman.clear();
        for table in [&mut self.literal_lengths, &mut self.offsets, &mut self.match_lengths] {
            table.clear();
        }
        self.recent = [1, 4, 8];
    }

    /// Decodes a block into the window: at most `limit` bytes, however much it may describe. A few bytes can ask for
    /// gigabytes here, which is why every length is counted before it is carried out.
    pub(super) fn decode(&mut self, block: &[u8], limit: usize, window: &mut Window) -> Result<(), Corrupt> {
        let used = self.read_literals(block, limit)?;
        let section = block.get(used..).unwrap_or_default();
        let (count, section) = read_count(section)?;
        let mut left = limit.checked_sub(self.literals.len()).ok_or(Corrupt)?;
        if count == 0 {
            window.push(&self.literals);
            return if section.is_empty() { Ok(()) } else { Err(Corrupt) };
        }
        let mut bits = Backward::new(self.read_tables(section)?)?;
        let (lengths, offsets, matches) = (&self.literal_lengths, &self.offsets, &self.match_lengths);
        let mut length = lengths.start(&mut bits)?;
        let mut offset = offsets.start(&mut bits)?;
        let mut matched = matches.start(&mut bits)?;
        let mut literals = &*self.literals;
        for last in (0..count).rev() {
            let far = offset.symbol();
            let far = u64::from(bits.read(far)) + (1 << far);
            let copied = coded(matched.symbol(), 3, &MATCH_LENGTH, &mut bits)?;
            let literal = coded(length.symbol(), 0, &LITERAL_LENGTH, &mut bits)?;
            let (now, later) = literals.split_at_checked(literal).ok_or(Corrupt)?;
            literals = later;
            left = left.checked_sub(copied).ok_or(Corrupt)?;
            let far = resolve(&mut self.recent, far, literal == 0)?;
            window.push(now);
            window.repeat(far, copied)?;
            if last > 0 {
                length = lengths.next(length, &mut bits)?;
                matched = matches.next(matched, &mut bits)?;
                offset = offsets.next(offset, &mut bits)?;
            }
            if bits.is_overdrawn() {
                return Err(Corrupt);
            }
        }
        window.push(literals);
        if bits.is_used_up() { Ok(()) } else { Err(Corrupt) }
    }

    /// The literals section (RFC 8878 §3.1.1.3.1). How many bytes it took.
    fn read_literals(&mut self, block: &[u8], limit: usize) -> Result<usize, Corrupt> {
        let first = block.first().ok_or(Corrupt)?;
        let (kind, format) = (first & 3, first >> 2 & 3);
        let word = little_endian(block);
        let (header, size, coded) = if kind < 2 {
            let (header, shift) = [(1, 3), (2, 4), (1, 3), (3, 4)].get(usize::from(format)).ok_or(Corrupt)?;
            let size = (word & ((1 << (header * 8)) - 1)) >> shift;
            (*header, size as usize, if kind == 0 { size as usize } else { 1 })
        } else {
            let (header, width) =
                [(3, 10), (3, 10), (4, 14), (5, 18)].get(usize::from(format)).ok_or(Corrupt)?;
            let mask = (1 << width) - 1;
            (*header, (word >> 4 & mask) as usize, (word >> (4 + width) & mask) as usize)
        };
        let section = block.get(header..header + coded).filter(|_| size <= limit).ok_or(Corrupt)?;
        self.literals.clear();
        match kind {
            0 => self.literals.extend_from_slice(section),
            1 => self.literals.resize(size, section.first().copied().ok_or(Corrupt)?),
            _ => {
                let table = if kind == 2 { self.huffman.read(section)? } else { 0 };
                if self.huffman.is_empty() {
                    return Err(Corrupt);
                }
                self.literals.resize(size, 0);
                let streams = section.get(table..).unwrap_or_default();
                if format == 0 {
                    self.huffman.decode(streams, &mut self.literals)?;
                } else {
                    decode_four(&self.huffman, streams, &mut self.literals)?;
                }
            }
        }
        Ok(header + coded)
    }

    /// Makes the three tables, and gives what follows them.
    fn read_tables<'a>(&mut self, section: &'a [u8]) -> Result<&'a [u8], Corrupt> {
        let (modes, mut rest) = section.split_first().ok_or(Corrupt)?;
        if modes & 3 != 0 {
            return Err(Corrupt);
        }
        for (table, code, mode) in [
            (&mut self.literal_lengths, LITERAL_LENGTHS, modes >> 6),
            (&mut self.offsets, OFFSETS, modes >> 4 & 3),
            (&mut self.match_lengths, MATCH_LENGTHS, modes >> 2 & 3),
        ] {
            let used = match mode {
                0 => {
                    table.build(code.default_log, code.default)?;
                    0
                }
                1 => {
                    table.only(
                        rest.first().copied().filter(|symbol| *symbol <= code.max_symbol).ok_or(Corrupt)?,
                    );
                    1
                }
                2 => table.read(rest, code.max_log, code.max_symbol)?,
                _ if table.is_empty() => return Err(Corrupt),
                _ => 0,
            };
            rest = rest.get(used..).unwrap_or_default();
        }
        Ok(rest)
    }
}

/// How many sequences there are, and what follows the number.
fn read_count(section: &[u8]) -> Result<(usize, &[u8]), Corrupt> {
    match section {
        [255, low, high, rest @ ..] => Ok((usize::from(u16::from_le_bytes([*low, *high])) + 0x7f00, rest)),
        [high @ 128..=254, low, rest @ ..] => Ok((usize::from(u16::from_be_bytes([high - 128, *low])), rest)),
        [count @ ..=127, rest @ ..] => Ok((usize::from(*count), rest)),
        _ => Err(Corrupt),
    }
}

/// The length that a code stands for, with the bits that are added to it. The first codes, as many as there is no row
/// for, have none.
#[inline]
fn coded<const N: usize>(
    code: u8,
    least: usize,
    rows: &[(u32, u8); N],
    bits: &mut Backward<'_>,
) -> Result<usize, Corrupt> {
    // 16 codes of a literal length and 32 of a match length.
    let plain = if least == 0 { 16 } else { 32 };
    match usize::from(code).checked_sub(plain) {
        None => Ok(usize::from(code) + least),
        Some(row) => {
            let (base, width) = rows.get(row).ok_or(Corrupt)?;
            Ok((base + bits.read(*width)) as usize)
        }
    }
}

/// The offset that a value stands for: one used before, or a new one (RFC 8878 §3.1.1.5).
#[inline]
fn resolve(recent: &mut [u32; 3], value: u64, no_literals: bool) -> Result<usize, Corrupt> {
    let [a, b, c] = *recent;
    let far = match (value, no_literals) {
        (1, false) => return Ok(a as usize),
        (2, false) | (1, true) => {
            *recent = [b, a, c];
            return Ok(b as usize);
        }
        (3, false) | (2, true) => c,
        (3, true) => a - 1,
        (value, _) => u32::try_from(value - 3).map_err(|_| Corrupt)?,
    };
    *recent = [far, a, b];
    // No offset is zero, so that there always is one less.
    if far == 0 { Err(Corrupt) } else { Ok(far as usize) }
}

/// Four streams, one after another: the sizes of the first three come first, and each of those holds a quarter of the
/// literals, rounded up. Of 6 and of 9 nothing is left for the last one.
fn decode_four(table: &huffman::Table, bytes: &[u8], out: &mut [u8]) -> Result<(), Corrupt> {
    let (sizes, mut rest) = bytes.split_at_checked(6).ok_or(Corrupt)?;
    let quarter = out.len().div_ceil(4);
    if out.len() < MIN_SPLIT {
        return Err(Corrupt);
    }
    let mut parts = out.chunks_mut(quarter);
    let (sizes, _) = sizes.as_chunks::<2>();
    for size in sizes {
        let stream;
        (stream, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*size))).ok_or(Corrupt)?;
        table.decode(stream, parts.next().ok_or(Corrupt)?)?;
    }
    table.decode(rest, parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Code, LITERAL_LENGTHS, MATCH_LENGTHS, OFFSETS};

    #[test]
    fn the_default_tables_are_full() {
        for Code { default, default_log, max_symbol, .. } in [LITERAL_LENGTHS, OFFSETS, MATCH_LENGTHS] {
            assert_eq!(default.iter().map(|p| u32::from(p.unsigned_abs())).sum::<u32>(), 1 << default_log);
            assert!(default.len() <= usize::from(max_symbol) + 1);
        }
    }
}
