//! The coding `br` (RFC 7932).

#[cfg(test)]
#[cfg(all(feature = "gzip", feature = "zstd"))]
mod tests;

use super::layer::{Corrupt, Io, Layer};
use brotli_decompressor::{
    BrotliDecoderTakeOutput, BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc,
};

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
    /// A fault was met, and what was decoded before it is still to be handed over.
    Failed,
    /// What follows the stream.
    Surplus,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self { state: BrotliState::new_strict(alloc(), alloc(), alloc()), part: Part::Start }
    }

    /// Writes what was decoded before the fault, then tells of that.
    fn hand_over(&mut self, io: &mut Io<'_>) -> Result<(), Corrupt> {
        while !io.is_full() {
            let room = io.room();
            let mut count = room.len();
            let ready = BrotliDecoderTakeOutput(&mut self.state, &mut count);
            let (Some(from), Some(to)) =
                (ready.get(..count).filter(|from| !from.is_empty()), room.get_mut(..count))
            else {
                return Err(Corrupt);
            };
            to.copy_from_slice(from);
            io.wrote(count);
        }
        Ok(())
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
            if self.part == Part::Failed {
                return self.hand_over(io);
            }
            let error_code = self.state.error_code;
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
                BrotliResult::ResultFailure => {
                    // Otherwise it would keep what it has, and how much that is depends on how the bytes were cut. Only of
                    // a copy that is longer than its metablock, a part may be handed over or not.
                    self.state.error_code = error_code;
                    self.state.meta_block_remaining_len = self.state.meta_block_remaining_len.max(0);
                    self.part = Part::Failed;
                }
                BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => return Ok(()),
            }
        }
    }

    fn is_complete(&self) -> bool {
        !matches!(self.part, Part::Data | Part::Failed)
    }
}
