//! Bodies in the content codings that clients undo, made by other people's encoders.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// What Brotli is asked for: the size of its buffer, a middling quality, and windows of 256 KiB.
const BROTLI: (usize, u32, u32) = (4096, 5, 18);

/// One member of `gzip`.
#[must_use]
pub fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into a vector cannot fail, here and below.
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

/// `deflate` in the zlib format, as RFC 9110 §8.4.1.2 defines the coding.
#[must_use]
pub fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

/// `deflate` as some servers misread it: without the zlib format around it.
#[must_use]
pub fn raw_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

/// `br`.
#[must_use]
pub fn br(plain: &[u8]) -> Vec<u8> {
    let (buffer, quality, window) = BROTLI;
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), buffer, quality, window);
    let _ = encoder.write_all(plain);
    encoder.into_inner()
}

/// One frame of `zstd`.
#[must_use]
pub fn zstd(plain: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest)
}
