//! The DEFLATE format (RFC 1951), as both codings use it.

use flate2::{Decompress, FlushDecompress, Status};

use super::Step;
use super::layer::{Corrupt, Io};

/// A decompressor that reads exactly the bytes of its stream and not one more.
#[derive(Debug)]
pub(super) struct Inflate(Decompress);

impl Inflate {
    /// For bare DEFLATE data, or with `zlib` for such data between a zlib header and its Adler-32 (RFC 1950).
    pub(super) fn new(zlib: bool) -> Self {
        Self(Decompress::new(zlib))
    }

    /// Forgets the stream, keeps the memory.
    pub(super) fn reset(&mut self, zlib: bool) {
        self.0.reset(zlib);
    }

    /// Decompresses until the stream ends, and says whether it did, or until the input is used up, or the
    /// output is full.
    pub(super) fn run(&mut self, io: &mut Io<'_>) -> Result<bool, Corrupt> {
        loop {
            let (step, result) = self.step(io.rest(), io.room());
            io.take(step.read);
            io.wrote(step.written);
            if result? {
                return Ok(true);
            }
            // One call may see only a part of a very large buffer; no progress at all is the way out of that.
            if io.rest().is_empty() || io.is_full() || step == Step::default() {
                return Ok(false);
            }
        }
    }

    /// One step over plain buffers. What was read and written holds in the case of an error, too.
    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8]) -> (Step, Result<bool, Corrupt>) {
        let (read, written) = (self.0.total_in(), self.0.total_out());
        let result = self.0.decompress(input, out, FlushDecompress::None);
        let step = Step {
            read: (self.0.total_in() - read) as usize,
            written: (self.0.total_out() - written) as usize,
        };
        match result {
            Ok(status) => (step, Ok(status == Status::StreamEnd)),
            // A stream that wants a preset dictionary is an error, too: HTTP has no way to agree on one.
            Err(_) => (step, Err(Corrupt)),
        }
    }
}
