//! New inputs from old ones.

use super::dictionary::{BYTES, NUMBERS, Words};

/// An input does not grow beyond this. Limits of the protocol that are larger have tests of their own; short inputs
/// run faster and are easier to read when they break something.
const MAX_INPUT: usize = 8 * 1024;
/// The longest span that is deleted, copied or moved at once.
const MAX_SPAN: usize = 64;

/// An endless sequence of inputs that depends on the seed and the corpus alone.
pub(super) struct Mutator {
    corpus: Vec<Vec<u8>>,
    words: &'static [Words],
    random: Random,
    input: Vec<u8>,
}

impl Mutator {
    pub(super) fn new(seed: u64, corpus: Vec<Vec<u8>>, words: &'static [Words]) -> Self {
        Self { corpus, words, random: Random(seed), input: Vec::new() }
    }

    /// The next input: an entry of the corpus with one to eight changes, few more often than many.
    pub(super) fn next_input(&mut self) -> &[u8] {
        self.input.clear();
        let seed = self.random.pick(&self.corpus).map_or(&[][..], Vec::as_slice);
        self.input.extend_from_slice(seed);
        let changes = 1 + self.random.next().trailing_zeros().min(7);
        for _ in 0..changes {
            self.change();
        }
        self.input.truncate(MAX_INPUT);
        &self.input
    }

    fn change(&mut self) {
        match self.random.below(13) {
            0 => self.flip_bit(),
            1 => self.set_byte(),
            2 => self.insert_byte(),
            3 | 4 => self.insert_token(),
            5 => self.overwrite_with_token(),
            6 => self.delete_span(),
            7 => self.repeat_span(),
            8 => self.copy_span(),
            9 => self.swap_spans(),
            10 => self.replace_number(),
            11 => self.splice(),
            _ => self.truncate(),
        }
    }

    fn flip_bit(&mut self) {
        let at = self.random.below(self.input.len());
        let bit = 1 << self.random.below(8);
        if let Some(byte) = self.input.get_mut(at) {
            *byte ^= bit;
        }
    }

    fn set_byte(&mut self) {
        let at = self.random.below(self.input.len());
        let new = self.byte();
        if let Some(byte) = self.input.get_mut(at) {
            *byte = new;
        }
    }

    fn insert_byte(&mut self) {
        let at = self.random.below(self.input.len() + 1);
        let byte = self.byte();
        self.input.insert(at, byte);
    }

    fn insert_token(&mut self) {
        let at = self.random.below(self.input.len() + 1);
        let token = self.word();
        self.input.splice(at..at, token.iter().copied());
    }

    fn overwrite_with_token(&mut self) {
        let (start, end) = self.span();
        let token = self.word();
        self.input.splice(start..end, token.iter().copied());
    }

    fn delete_span(&mut self) {
        let (start, end) = self.span();
        self.input.drain(start..end);
    }

    /// The same thing twice: fields, chunks, digits.
    fn repeat_span(&mut self) {
        let (start, end) = self.span();
        let span = self.input.get(start..end).unwrap_or_default().to_vec();
        self.input.splice(start..start, span);
    }

    fn copy_span(&mut self) {
        let (start, end) = self.span();
        let span = self.input.get(start..end).unwrap_or_default().to_vec();
        let at = self.random.below(self.input.len() + 1);
        self.input.splice(at..at, span);
    }

    /// The order of two neighbours changed.
    fn swap_spans(&mut self) {
        let (start, end) = self.span();
        let middle = self.random.below(end - start + 1);
        if let Some(span) = self.input.get_mut(start..end) {
            span.rotate_left(middle);
        }
    }

    /// A run of digits becomes a number at an edge.
    fn replace_number(&mut self) {
        let from = self.random.below(self.input.len());
        let tail = self.input.get(from..).unwrap_or_default();
        let Some(skipped) = tail.iter().position(u8::is_ascii_digit) else { return };
        let digits = tail.iter().skip(skipped).take_while(|byte| byte.is_ascii_digit()).count();
        let start = from + skipped;
        let number = self.random.pick(NUMBERS).copied().unwrap_or_default();
        self.input.splice(start..start + digits, number.iter().copied());
    }

    /// Goes on with the end of another entry of the corpus.
    fn splice(&mut self) {
        let keep = self.random.below(self.input.len() + 1);
        let other = self.random.pick(&self.corpus).map_or(&[][..], Vec::as_slice);
        let from = self.random.below(other.len() + 1);
        self.input.truncate(keep);
        self.input.extend_from_slice(other.get(from..).unwrap_or_default());
    }

    fn truncate(&mut self) {
        let keep = self.random.below(self.input.len() + 1);
        self.input.truncate(keep);
    }

    /// A word of the target's language.
    fn word(&mut self) -> &'static [u8] {
        let words = self.random.pick(self.words).copied().unwrap_or_default();
        self.random.pick(words).copied().unwrap_or_default()
    }

    /// A byte that means something in a message, or any.
    fn byte(&mut self) -> u8 {
        let any = self.random.next() as u8;
        if self.random.below(2) == 0 { any } else { self.random.pick(BYTES).copied().unwrap_or(any) }
    }

    fn span(&mut self) -> (usize, usize) {
        let start = self.random.below(self.input.len() + 1);
        let room = (self.input.len() - start).min(MAX_SPAN);
        // The smaller of two: short spans are more often a whole name, number or line end.
        let length = self.random.below(room + 1).min(self.random.below(room + 1));
        (start, start + length)
    }
}

/// SplitMix64: small, quick, and the same on every platform.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, or 0 where there is none.
    fn below(&mut self, end: usize) -> usize {
        let random = self.next();
        if end == 0 { 0 } else { (random % end as u64) as usize }
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(from.len());
        from.get(at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::dictionary::of;
    use super::*;

    fn inputs(seed: u64, corpus: &[&[u8]], count: usize) -> Vec<Vec<u8>> {
        let mut mutator =
            Mutator::new(seed, corpus.iter().map(|entry| entry.to_vec()).collect(), of("round_trip"));
        (0..count).map(|_| mutator.next_input().to_vec()).collect()
    }

    #[test]
    fn a_seed_and_a_corpus_give_one_sequence() {
        let corpus: [&[u8]; 2] = [b"HTTP/1.1 200 OK\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"];
        assert_eq!(inputs(1, &corpus, 200), inputs(1, &corpus, 200));
        assert_ne!(inputs(1, &corpus, 200), inputs(2, &corpus, 200));
    }

    #[test]
    fn an_empty_entry_grows_into_something() {
        assert!(inputs(1, &[b""], 200).iter().any(|input| !input.is_empty()));
    }

    #[test]
    fn an_input_stays_below_the_cap() {
        let long = vec![b'a'; MAX_INPUT];
        assert!(inputs(1, &[&long], 500).iter().all(|input| input.len() <= MAX_INPUT));
    }

    #[test]
    fn parts_of_two_entries_meet() {
        let corpus: [&[u8]; 2] = [b"AAAAAAAA", b"BBBBBBBB"];
        let both = |input: &Vec<u8>| input.starts_with(b"AA") && input.ends_with(b"BB");
        assert!(inputs(1, &corpus, 2_000).iter().any(both));
    }
}
