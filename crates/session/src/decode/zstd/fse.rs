//! Finite state entropy tables (RFC 8878 §4.1).

use super::bits::{Backward, Forward};
use crate::decode::layer::Corrupt;

/// A decoding table: for every state the symbol it stands for, and where the next state is found.
#[derive(Default)]
pub(super) struct Table {
    /// The number of bits of a state.
    log: u8,
    /// Empty until a table is made.
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    symbol: u8,
    /// So many bits, added to the base, are the next state.
    bits: u8,
    base: u16,
}

/// A place in a table.
#[derive(Clone, Copy)]
pub(super) struct State(Cell);

/// The probability of a symbol that stands for "less than one", which has one state.
pub(super) const RARE: i16 = -1;

impl Table {
    /// Forgets the table, keeps the memory.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// A table of one symbol, which takes no bits.
    pub(super) fn only(&mut self, symbol: u8) {
        self.log = 0;
        self.cells.clear();
        self.cells.push(Cell { symbol, bits: 0, base: 0 });
    }

    /// Reads the description of a table, of at most `2^max_log` states and of symbols up to `max_symbol`, and makes it.
    /// How many bytes it took.
    pub(super) fn read(&mut self, bytes: &[u8], max_log: u8, max_symbol: u8) -> Result<usize, Corrupt> {
        let mut bits = Forward::new(bytes);
        let log = 5 + bits.read(4)? as u8;
        if log > max_log {
            return Err(Corrupt);
        }
        let mut probabilities = [0_i16; 256];
        let mut symbols = 0;
        let mut left = 1_u32 << log;
        while left > 0 {
            let value = read_probability(&mut bits, left)?;
            // At most `left`, which is at most 2^9.
            let probability = value as i16 - 1;
            *probabilities.get_mut(symbols).ok_or(Corrupt)? = probability;
            symbols += 1;
            left -= u32::from(probability.unsigned_abs());
            // After a zero, two bits say how many more there are; three may mean more than three.
            let mut zeros = if probability == 0 { 3 } else { 0 };
            while zeros == 3 {
                zeros = bits.read(2)?;
                symbols += zeros as usize;
            }
            if symbols > usize::from(max_symbol) + 1 {
                return Err(Corrupt);
            }
        }
        self.build(log, probabilities.get(..symbols).unwrap_or_default())?;
        Ok(bits.used())
    }

    /// Makes the table of these probabilities, whose sum is `2^log`.
    pub(super) fn build(&mut self, log: u8, probabilities: &[i16]) -> Result<(), Corrupt> {
        let size = 1_usize << log;
        self.log = log;
        self.cells.clear();
        self.cells.resize(size, Cell::default());
        let mut next = [0_u16; 256];
        let mut top = size;
        for (symbol, (probability, next)) in probabilities.iter().zip(&mut next).enumerate() {
            *next = probability.unsigned_abs();
            if *probability == RARE {
                top = top.checked_sub(1).ok_or(Corrupt)?;
                self.cells.get_mut(top).ok_or(Corrupt)?.symbol = symbol as u8;
            }
        }
        let mut place = 0;
        for (symbol, probability) in probabilities.iter().enumerate() {
            for _ in 0..(*probability).max(0) {
                self.cells.get_mut(place).ok_or(Corrupt)?.symbol = symbol as u8;
                // The step and the size have no common factor: all places below the top are met, each once.
                loop {
                    place = (place + (size >> 1) + (size >> 3) + 3) & (size - 1);
                    if place < top || top == 0 {
                        break;
                    }
                }
            }
        }
        for cell in &mut self.cells {
            let next = next.get_mut(usize::from(cell.symbol)).ok_or(Corrupt)?;
            let rank = u32::from(*next);
            *next += 1;
            cell.bits = log - rank.checked_ilog2().ok_or(Corrupt)? as u8;
            cell.base = ((rank << cell.bits) - size as u32) as u16;
        }
        Ok(())
    }

    /// The first state of a stream.
    pub(super) fn start(&self, bits: &mut Backward<'_>) -> Result<State, Corrupt> {
        let place = bits.read(self.log) as usize;
        self.cells.get(place).copied().map(State).ok_or(Corrupt)
    }

    /// The state after this one.
    #[inline]
    pub(super) fn next(&self, state: State, bits: &mut Backward<'_>) -> Result<State, Corrupt> {
        let place = usize::from(state.0.base) + bits.read(state.0.bits) as usize;
        self.cells.get(place).copied().map(State).ok_or(Corrupt)
    }
}

impl State {
    #[inline]
    pub(super) fn symbol(self) -> u8 {
        self.0.symbol
    }
}

/// A number from 0 to `left + 1`, in one bit less where it is small enough to be told.
fn read_probability(bits: &mut Forward<'_>, left: u32) -> Result<u32, Corrupt> {
    let max = left + 1;
    let width = max.ilog2() as u8 + 1;
    let value = bits.read(width)?;
    let low = value & ((1 << (width - 1)) - 1);
    let spare = (1 << width) - 1 - max;
    if low < spare {
        bits.unread_bit();
        Ok(low)
    } else if value == low {
        Ok(value)
    } else {
        Ok(value - spare)
    }
}
