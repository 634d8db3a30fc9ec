//! The coding `br` (RFC 7932).

#[cfg(test)]
#[cfg(all(feature = "gzip", feature = "zstd"))]
mod tests;

use super::layer::{Corrupt, Io, Layer};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

/// One stream. Its window is at most 16 MiB: streams with a larger one, which RFC 7932 does not have, are corrupt. Bytes
/// after its end are ignored, as for deflate.
pub(super) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Start,
    Data,
    /// What follows the stream.
    Surplus,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self { state: BrotliState::new_strict(alloc(), alloc(), alloc()), part: Part::Start }
    }
}

impl Layer for Brotli {
    fn name(&self) -> &'static str {
        "br"
    }

    fn decode(&mut self, io: &mut Io<'_>) -> Result<(), Corrupt> {
        loop {
            if self.part == Part::Surplus {
                io.skip_rest();
                return Ok(());
            }
            let input = io.rest();
            let room = io.room();
            let (mut unread, mut read) = (input.len(), 0);
            let (mut free, mut written) = (room.len(), 0);
            let result = BrotliDecompressStream(
                &mut unread,
                &mut read,
                input,
                &mut free,
                &mut written,
                room,
                &mut 0,
                &mut self.state,
            );
            io.take(read);
            io.wrote(written);
            if read > 0 && self.part == Part::Start {
                self.part = Part::Data;
            }
            match result {
                BrotliResult::ResultSuccess => self.part = Part::Surplus,
                BrotliResult::ResultFailure => return Err(Corrupt),
                BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => return Ok(()),
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.part != Part::Data
    }
}
