//! The rules of the coding `br`.

use std::io::Write;

use super::super::DecodeError;
use super::super::tests::{assert_every_cut, brotli, decode_whole, sample};

#[test]
fn every_cut_of_a_brotli_stream_decodes_alike() {
    let data = sample();
    assert_every_cut("br", &brotli(&data), &(data, Ok(())));
    assert_every_cut("br", &brotli(b""), &(Vec::new(), Ok(())));
}

#[test]
fn what_brotli_flushed_is_there_before_more_input_is() {
    let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    encoder.write_all(b"an event").unwrap();
    encoder.flush().unwrap();
    let truncated = Err(DecodeError::Truncated("br"));
    assert_eq!(decode_whole("br", encoder.get_ref()), (b"an event".to_vec(), truncated));
}

#[test]
fn dc_7_a_large_brotli_window_is_corrupt() {
    // RFC 7932 §9.1 reserves the window code that other encoders use for windows of up to 1 GiB.
    for bits in [10, 24, 30] {
        let stream = [0x11, bits, 0x03, 0, 0, 0];
        assert_eq!(decode_whole("br", &stream), (Vec::new(), Err(DecodeError::Corrupt("br"))), "{bits}");
    }
}

#[test]
fn empty_metablocks_without_end_are_an_error() {
    // A window code, then metadata blocks of no bytes: 0b0110 and zeros to the next whole byte.
    let barren = [&[0x0c][..], &[0x06].repeat(3_000_000)].concat();
    let (decoded, end) = decode_whole("br", &barren);
    assert_eq!((decoded, end), (Vec::new(), Err(DecodeError::Corrupt("br"))));
    assert_eq!(decode_whole("br", &barren[..1_000_000]).1, Err(DecodeError::Truncated("br")));
}

#[test]
fn a_metablock_that_holds_more_than_it_says_is_corrupt() {
    let data = b"abcdefgh".repeat(20);
    let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), 4096, 5, 16);
    encoder.write_all(&data).unwrap();
    // So that it is not the last one.
    encoder.flush().unwrap();
    let mut stream = encoder.into_inner();
    assert_eq!(decode_whole("br", &stream), (data, Ok(())));
    // A window of 64 KiB, not the last metablock, four nibbles of length: four zeros in front of it.
    assert_eq!((stream[0] & 15, usize::from(stream[0] >> 4) + usize::from(stream[1]) * 16), (0, 159));
    stream[0] -= 1 << 4;
    assert_eq!(decode_whole("br", &stream).1, Err(DecodeError::Corrupt("br")));
}

#[test]
fn what_was_decoded_before_a_fault_is_handed_over_however_the_bytes_are_cut() {
    let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), 4096, 5, 16);
    let data = sample();
    encoder.write_all(&data).unwrap();
    encoder.flush().unwrap();
    // Metadata with the reserved bit set.
    let stream = [encoder.get_ref(), &[0x0e][..]].concat();
    assert_every_cut("br", &stream, &(data, Err(DecodeError::Corrupt("br"))));
}
