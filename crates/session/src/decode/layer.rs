//! What a content coding is to the chain: a step function over two borrowed buffers.

use super::Step;

/// One content coding of one body.
pub(super) trait Layer: Send + Sync {
    /// The name of the coding, for errors.
    fn name(&self) -> &'static str;

    /// Decodes until the input is used up, or the output is full. What is ready to be written is written even
    /// if there is no input.
    ///
    /// What was read and written before the fault stays noted in `io`. A layer that failed is not called again.
    fn decode(&mut self, io: &mut Io<'_>) -> Result<(), Corrupt>;

    /// Whether the body may end here: nothing was read yet, or all that was begun has ended.
    fn is_complete(&self) -> bool;
}

/// The bytes are not what the coding allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrupt;

/// Input to read and output to write, and how far both are.
pub(super) struct Io<'a> {
    input: &'a [u8],
    out: &'a mut [u8],
    step: Step,
}

impl<'a> Io<'a> {
    pub(super) fn new(input: &'a [u8], out: &'a mut [u8]) -> Self {
        Self { input, out, step: Step::default() }
    }

    pub(super) fn step(&self) -> Step {
        self.step
    }

    /// Whether the output has no room left.
    pub(super) fn is_full(&self) -> bool {
        self.step.written == self.out.len()
    }
}

#[cfg_attr(
    not(all(feature = "gzip", feature = "brotli", feature = "zstd")),
    allow(dead_code, reason = "each coding has a use for some of these")
)]
impl<'a> Io<'a> {
    /// The input that is not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.input.get(self.step.read..).unwrap_or_default()
    }

    /// Reads up to `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let rest = self.rest();
        let taken = rest.get(..count).unwrap_or(rest);
        self.step.read += taken.len();
        taken
    }

    /// Reads one byte, if there is one.
    pub(super) fn take_byte(&mut self) -> Option<u8> {
        self.take(1).first().copied()
    }

    /// Reads all that is left.
    pub(super) fn skip_rest(&mut self) {
        self.step.read = self.input.len();
    }

    /// The output that is not written yet.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.out.get_mut(self.step.written..).unwrap_or_default()
    }

    /// The first `count` bytes of what `room` gave are written.
    pub(super) fn wrote(&mut self, count: usize) {
        self.step.written += count;
    }

    /// What was written since `step().written` was `mark`.
    pub(super) fn written_since(&self, mark: usize) -> &[u8] {
        self.out.get(mark..self.step.written).unwrap_or_default()
    }
}
