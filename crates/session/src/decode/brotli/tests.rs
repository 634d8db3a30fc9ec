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
