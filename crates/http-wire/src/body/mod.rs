//! The two directions of a body: what is still to be written, what is still to be read.

pub(crate) mod chunked;
pub(crate) mod encode;

use chunked::Chunked;

/// How the end of the body being received will be known, and how far away it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decoder {
    Empty,
    Length(u64),
    Chunked(Chunked),
    UntilEof,
}
