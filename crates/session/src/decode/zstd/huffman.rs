//! Huffman coding of literals (RFC 8878 §4.2).

use super::bits::Backward;
use super::fse;
use crate::decode::layer::Corrupt;

/// The longest code, in bits.
const MAX_BITS: u8 = 11;

/// The longest description of weights by their table, in bits of a state.
const MAX_WEIGHT_LOG: u8 = 6;

/// A decoding table: the symbol that the next bits begin with, and how long its code is.
#[derive(Default)]
pub(super) struct Table {
    /// The length of the longest code.
    bits: u8,
    /// For every value of so many bits. Empty until a table is made.
    cells: Vec<Cell>,
    weights: fse::Table,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    symbol: u8,
    bits: u8,
}

impl Table {
    /// Forgets the table, keeps the memory.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Reads the description of a tree and makes its table. How many bytes it took.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<usize, Corrupt> {
        let (kind, rest) = bytes.split_first().ok_or(Corrupt)?;
        let mut weights = [0_u8; 256];
        let (count, used) = match usize::from(*kind) {
            size @ ..128 => {
                let description = rest.get(..size).ok_or(Corrupt)?;
                (self.read_weights(description, &mut weights)?, size)
            }
            kind => {
                let count = kind - 127;
                let mut halves = rest.get(..count.div_ceil(2)).ok_or(Corrupt)?.iter();
                for two in weights.chunks_mut(2).take(count.div_ceil(2)) {
                    let byte = halves.next().copied().unwrap_or_default();
                    two.copy_from_slice(&[byte >> 4, byte & 15]);
                }
                (count, count.div_ceil(2))
            }
        };
        self.build(&mut weights, count)?;
        Ok(1 + used)
    }

    /// Weights that two states, in turn, read from one stream, until it is used up.
    fn read_weights(&mut self, bytes: &[u8], weights: &mut [u8; 256]) -> Result<usize, Corrupt> {
        let table = &mut self.weights;
        let used = table.read(bytes, MAX_WEIGHT_LOG, MAX_BITS + 1)?;
        let mut bits = Backward::new(bytes.get(used..).unwrap_or_default())?;
        let mut state = table.start(&mut bits)?;
        let mut other = table.start(&mut bits)?;
        if bits.is_overdrawn() {
            return Err(Corrupt);
        }
        // The last weight is not written, so there is room for it.
        let mut places = weights.iter_mut().take(255).enumerate();
        loop {
            let (_, place) = places.next().ok_or(Corrupt)?;
            *place = state.symbol();
            let next = table.next(state, &mut bits)?;
            if bits.is_overdrawn() {
                let (index, place) = places.next().ok_or(Corrupt)?;
                *place = other.symbol();
                return Ok(index + 1);
            }
            (state, other) = (other, next);
        }
    }

    /// Makes the table. The weight of the last symbol is what is missing to a power of two.
    fn build(&mut self, weights: &mut [u8; 256], count: usize) -> Result<(), Corrupt> {
        let written = weights.get(..count).ok_or(Corrupt)?;
        if written.iter().any(|weight| *weight > MAX_BITS) {
            return Err(Corrupt);
        }
        let sum: u32 = written.iter().map(|weight| (1 << weight) >> 1).sum();
        let bits = sum.checked_ilog2().ok_or(Corrupt)? as u8 + 1;
        let missing = (1 << bits) - sum;
        if bits > MAX_BITS || !missing.is_power_of_two() {
            return Err(Corrupt);
        }
        *weights.get_mut(count).ok_or(Corrupt)? = missing.ilog2() as u8 + 1;
        self.bits = bits;
        self.cells.clear();
        for weight in 1..=bits {
            for (symbol, _) in weights.iter().enumerate().filter(|(_, own)| **own == weight) {
                let cell = Cell { symbol: symbol as u8, bits: bits + 1 - weight };
                self.cells.resize(self.cells.len() + (1 << (weight - 1)), cell);
            }
        }
        // What is complete has a cell for every value; anything else would be met as a wrong code later.
        if self.cells.len() == 1 << bits { Ok(()) } else { Err(Corrupt) }
    }

    /// Decodes one stream, all of it, into all of `out`.
    pub(super) fn decode(&self, stream: &[u8], out: &mut [u8]) -> Result<(), Corrupt> {
        let mut bits = Backward::new(stream)?;
        for place in out {
            let cell = self.cells.get(bits.peek(self.bits) as usize).ok_or(Corrupt)?;
            *place = cell.symbol;
            bits.skip(cell.bits);
        }
        if bits.is_used_up() { Ok(()) } else { Err(Corrupt) }
    }
}
