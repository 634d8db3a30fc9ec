//! The rules of content decoding, one test each. The inputs come from the encoders of flate2 and brotli.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc, GzBuilder};
use testbed::encode::{deflate as zlib, gzip, zstd};

use super::{ACCEPT_ENCODING, DecodeError, Decoder, Step};

pub(super) type Outcome = (Vec<u8>, Result<(), DecodeError>);

const CORRUPT: Result<(), DecodeError> = Err(DecodeError::Corrupt("gzip"));
const TRUNCATED: Result<(), DecodeError> = Err(DecodeError::Truncated("gzip"));

fn fields(lines: &[&str]) -> Result<Option<Decoder>, DecodeError> {
    Decoder::from_fields(lines.iter().map(|line| line.as_bytes()))
}

fn decoder(codings: &str) -> Decoder {
    fields(&[codings]).unwrap().unwrap()
}

/// Decodes pieces that arrive one after another through a buffer of `room` bytes. What came out, and how it
/// ended.
pub(super) fn decode<'a>(codings: &str, pieces: impl IntoIterator<Item = &'a [u8]>, room: usize) -> Outcome {
    let mut decoder = decoder(codings);
    let mut decoded = Vec::new();
    let mut out = vec![0; room];
    for mut piece in pieces {
        while !piece.is_empty() {
            match decoder.decode(piece, &mut out) {
                Ok(Step { read, written }) => {
                    assert!(read + written > 0, "no progress though there is input");
                    piece = &piece[read..];
                    decoded.extend_from_slice(&out[..written]);
                }
                Err(fault) => {
                    assert_eq!(decoder.decode(piece, &mut out), Err(fault), "a fault stays");
                    assert_eq!(decoder.finish(&mut out), Err(fault), "a fault stays");
                    return (decoded, Err(fault));
                }
            }
        }
    }
    loop {
        match decoder.finish(&mut out) {
            Ok(0) => return (decoded, Ok(())),
            Ok(written) => decoded.extend_from_slice(&out[..written]),
            Err(fault) => return (decoded, Err(fault)),
        }
    }
}

pub(super) fn decode_whole(codings: &str, body: &[u8]) -> Outcome {
    decode(codings, [body], 64 * 1024)
}

/// Decodes every split in two, byte by byte in, byte by byte out and both; all must end like the whole.
#[track_caller]
pub(super) fn assert_every_cut(codings: &str, body: &[u8], expected: &Outcome) {
    assert_eq!(decode_whole(codings, body), *expected, "whole");
    for at in 0..=body.len() {
        let (head, tail) = body.split_at(at);
        assert_eq!(decode(codings, [head, tail], 64 * 1024), *expected, "cut at {at}");
        assert_eq!(decode(codings, [head, tail], 3), *expected, "cut at {at}, 3 bytes out");
    }
    assert_eq!(decode(codings, body.chunks(1), 64 * 1024), *expected, "byte by byte in");
    assert_eq!(decode(codings, [body], 1), *expected, "byte by byte out");
    assert_eq!(decode(codings, body.chunks(1), 1), *expected, "byte by byte in and out");
}

/// Every proper start of a stream is truncated, except for the empty one.
#[track_caller]
pub(super) fn assert_every_truncation(coding: &'static str, body: &[u8], whole: &[u8]) {
    for length in 1..body.len() {
        let (decoded, end) = decode_whole(coding, &body[..length]);
        assert_eq!(end, Err(DecodeError::Truncated(coding)), "{length} of {}", body.len());
        assert!(whole.starts_with(&decoded), "{length} of {}", body.len());
    }
}

/// A text with repetitions near and far, so that all kinds of DEFLATE blocks and copies occur.
pub(super) fn sample() -> Vec<u8> {
    let mut text = b"the quick brown fox jumps over the lazy dog, the quick brown fox sleeps. ".repeat(3);
    text.extend((0..200u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8));
    text.extend_from_slice(&[b'z'; 700]);
    text
}

pub(super) fn brotli(data: &[u8]) -> Vec<u8> {
    let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), 4096, 9, 18);
    encoder.write_all(data).unwrap();
    encoder.into_inner()
}

fn raw(data: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A member whose header has every field there is, and a right CRC-16.
fn gzip_with_all_fields(data: &[u8]) -> Vec<u8> {
    const FTEXT_AND_FHCRC: u8 = 0x01 | 0x02;
    let (extra, name, comment) = (vec![7; 300], "a name", "a comment");
    let length = 10 + 2 + extra.len() + name.len() + 1 + comment.len() + 1;
    let builder = GzBuilder::new().extra(extra).filename(name).comment(comment).mtime(1_700_000_000);
    let mut encoder = builder.write(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    let mut member = encoder.finish().unwrap();
    member[3] |= FTEXT_AND_FHCRC;
    let mut crc = Crc::new();
    crc.update(&member[..length]);
    member.splice(length..length, crc.sum().to_le_bytes()[..2].to_vec());
    member
}

/// A gzip header by hand, with these flags and what follows the fixed fields.
fn header(flags: u8, rest: &[u8]) -> Vec<u8> {
    [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255], rest].concat()
}

#[test]
fn accept_encoding_names_what_is_decoded() {
    assert!(ACCEPT_ENCODING.split(", ").all(|coding| fields(&[coding]).unwrap().is_some()));
}

#[test]
fn a_decoder_may_move_to_and_be_seen_by_other_threads() {
    fn check<T: Send + Sync>(_: &T) {}
    check(&decoder("gzip"));
    assert_eq!(format!("{:?}", decoder("deflate, gzip")), "Decoder [\"gzip\", \"deflate\"]");
}

#[test]
fn names_are_matched_without_case_and_x_gzip_is_gzip() {
    for name in ["gzip", "GZIP", "x-gzip", "X-GZip", " gzip ", "identity, gzip", ",gzip,,"] {
        assert_eq!(decode_whole(name, &gzip(b"hello")), (b"hello".to_vec(), Ok(())), "{name}");
    }
    assert_eq!(decode_whole("Deflate", &zlib(b"hello")), (b"hello".to_vec(), Ok(())));
}

#[test]
fn without_a_coding_or_with_an_unknown_one_the_body_stays_as_it_is() {
    for lines in [
        &[][..],
        &[""],
        &["identity"],
        &["Identity, identity"],
        &["compress"],
        &["gzip, lzma"],
        &["dcb", "gzip"],
        &["gzip", "rot13", "gzip"],
        &["gzip deflate"],
        &["gzip;q=1"],
    ] {
        assert!(fields(lines).unwrap().is_none(), "{lines:?}");
    }
    assert!(fields(&["identity"; 1000]).unwrap().is_none());
}

#[test]
fn more_than_five_codings_are_refused_over_all_lines() {
    assert!(fields(&["gzip"; 5]).unwrap().is_some());
    for lines in [
        &["gzip, gzip, gzip, gzip, gzip, gzip"][..],
        &["gzip"; 6],
        &["gzip"; 1000],
        &["gzip, deflate, identity", "br, zstd", "x-gzip, rot13"],
        &["br", "br", "br", "br", "br", "br"],
    ] {
        assert_eq!(fields(lines).err(), Some(DecodeError::TooManyCodings), "{} lines", lines.len());
    }
    assert_eq!(fields(&[&"gzip,".repeat(1000)]).err(), Some(DecodeError::TooManyCodings));
}

#[test]
fn every_cut_of_a_gzip_member_decodes_alike() {
    let data = sample();
    assert_every_cut("gzip", &gzip(&data), &(data, Ok(())));
}

#[test]
fn every_cut_of_three_gzip_members_decodes_alike() {
    let body = [gzip(b"first, "), gzip_with_all_fields(b""), gzip(&sample())].concat();
    assert_every_cut("gzip", &body, &([b"first, ", &sample()[..]].concat(), Ok(())));
}

#[test]
fn every_cut_of_a_zlib_stream_decodes_alike() {
    let data = sample();
    assert_every_cut("deflate", &zlib(&data), &(data, Ok(())));
}

#[test]
fn every_cut_of_a_bare_deflate_stream_decodes_alike() {
    for level in [0, 1, 6, 9] {
        let data = sample();
        assert_every_cut("deflate", &raw(&data, level), &(data, Ok(())));
    }
    assert_every_cut("deflate", &raw(b"", 6), &(Vec::new(), Ok(())));
    // The two bytes that tell the format hold the first letter, too.
    assert_every_cut("deflate", &raw(b"aa", 6), &(b"aa".to_vec(), Ok(())));
}

#[test]
fn two_bytes_that_are_no_zlib_header_begin_bare_deflate_data() {
    // A stored block, padded with ones so that it looks like method 8; first with a window that zlib does not
    // have, then with a check that does not hold.
    for (first, length) in [(0x88, 28), (0x78, 2)] {
        let data = vec![b'd'; usize::from(length)];
        let body = [&[first, length, 0, !length, 0xff], &data[..], b"\x03\0"].concat();
        assert_every_cut("deflate", &body, &(data, Ok(())));
    }
}

#[test]
fn every_cut_of_a_header_with_all_fields_decodes_alike() {
    assert_every_cut("gzip", &gzip_with_all_fields(b"data"), &(b"data".to_vec(), Ok(())));
}

#[test]
fn every_truncation_is_an_error() {
    let data = sample();
    assert_every_truncation("gzip", &gzip(&data), &data);
    assert_every_truncation("gzip", &gzip_with_all_fields(&data), &data);
    assert_every_truncation("deflate", &zlib(&data), &data);
    assert_every_truncation("deflate", &raw(&data, 0), &data);
    assert_every_truncation("deflate", &raw(&data, 6), &data);
    assert_every_truncation("gzip", &gzip(b""), b"");
    assert_every_truncation("br", &brotli(&data), &data);
    assert_every_truncation("zstd", &zstd(&data), &data);
}

#[test]
fn a_truncated_later_member_is_an_error() {
    let members = [gzip(b"first"), gzip(b"second")];
    let body = members.concat();
    for length in members[0].len() + 1..body.len() {
        assert_eq!(decode_whole("gzip", &body[..length]).1, TRUNCATED, "{length}");
    }
    assert_eq!(decode_whole("gzip", &members[0]), (b"first".to_vec(), Ok(())));
}

#[test]
fn an_empty_body_is_complete_in_any_coding() {
    for codings in
        ["gzip", "deflate", "br", "zstd", "br, zstd", "gzip, deflate", "gzip, gzip, gzip, gzip, gzip"]
    {
        assert_eq!(decode_whole(codings, b""), (Vec::new(), Ok(())), "{codings}");
    }
    assert_eq!(decode_whole("gzip", &gzip(b"")), (Vec::new(), Ok(())));
    assert_eq!(decode_whole("gzip, gzip", &gzip(b"")), (Vec::new(), Ok(())));
}

#[test]
fn what_follows_a_complete_stream_is_ignored() {
    let zeros = [0; 600];
    for surplus in [&b"\0"[..], &zeros, b"garbage", b"\x1f\x8a", &gzip(b"more")[1..]] {
        assert_every_cut("gzip", &[&gzip(b"hello"), surplus].concat(), &(b"hello".to_vec(), Ok(())));
    }
    for surplus in [&b"\0"[..], b"garbage", &zlib(b"more"), &gzip(b"more")] {
        let expected = (b"hello".to_vec(), Ok(()));
        assert_every_cut("deflate", &[&zlib(b"hello"), surplus].concat(), &expected);
        assert_every_cut("deflate", &[&raw(b"hello", 6), surplus].concat(), &expected);
        assert_every_cut("br", &[&brotli(b"hello"), surplus].concat(), &expected);
    }
}

#[test]
fn a_wrong_checksum_or_length_is_corrupt_after_all_of_the_data() {
    let data = sample();
    let body = gzip(&data);
    for back in 1..=8 {
        let mut body = body.clone();
        let at = body.len() - back;
        body[at] ^= 1;
        assert_every_cut("gzip", &body, &(data.clone(), CORRUPT));
    }
    let mut body = zlib(b"hello");
    *body.last_mut().unwrap() ^= 1;
    assert_eq!(decode_whole("deflate", &body).1, Err(DecodeError::Corrupt("deflate")));
}

#[test]
fn a_fault_comes_at_the_same_place_however_the_bytes_are_cut() {
    let data = sample();
    let body = [gzip(&data), gzip(&data)].concat();
    for at in (0..body.len()).step_by(7) {
        let mut body = body.clone();
        body[at] ^= 0x55;
        let whole = decode_whole("gzip", &body);
        assert_eq!(decode("gzip", body.chunks(1), 64 * 1024), whole, "byte {at}");
        assert_eq!(decode("gzip", [&body[..]], 1), whole, "byte {at}");
        assert_eq!(decode("gzip", body.chunks(5), 3), whole, "byte {at}");
    }
}

#[test]
fn a_fault_in_one_layer_comes_at_the_same_place_however_the_bytes_are_cut() {
    let data = sample();
    let body = zlib(&gzip(&data));
    for at in 0..body.len() {
        let mut body = body.clone();
        body[at] ^= 0x55;
        let whole = decode_whole("gzip, deflate", &body);
        assert_ne!(whole.1, Ok(()), "byte {at}");
        assert_eq!(decode("gzip, deflate", body.chunks(1), 64 * 1024), whole, "byte {at}");
        assert_eq!(decode("gzip, deflate", body.chunks(1), 1), whole, "byte {at}");
        assert_eq!(decode("gzip, deflate", body.chunks(5), 3), whole, "byte {at}");
    }
}

#[test]
fn what_is_no_gzip_or_zlib_at_all_is_corrupt() {
    for body in [&b"hello, world"[..], b"\0\0\0\0", b"\x1f\x8a\x08\0", b"\x1f\x8b\x07\0"] {
        assert_eq!(decode_whole("gzip", body), (Vec::new(), CORRUPT), "{body:?}");
    }
    let reserved_block_type = b"\x07\0";
    let corrupt = Err(DecodeError::Corrupt("deflate"));
    assert_eq!(decode_whole("deflate", reserved_block_type), (Vec::new(), corrupt));
    let wants_dictionary = b"\x78\xbb\0\0\0\x01\x03\0";
    assert_eq!(decode_whole("deflate", wants_dictionary), (Vec::new(), corrupt));
}

#[test]
fn a_later_member_that_begins_as_one_must_be_one() {
    let body = [&gzip(b"hello")[..], b"\x1f\x8b\x07 not deflate"].concat();
    assert_every_cut("gzip", &body, &(b"hello".to_vec(), CORRUPT));
}

#[test]
fn reserved_flags_and_a_wrong_header_checksum_are_corrupt() {
    for flag in [0x20, 0x40, 0x80] {
        assert_eq!(decode_whole("gzip", &header(flag, b"")).1, CORRUPT, "{flag:#x}");
    }
    let mut crc = Crc::new();
    crc.update(&header(0x02, b""));
    let [low, high, ..] = crc.sum().to_le_bytes();
    let data = &gzip(b"hello")[10..];
    let right = header(0x02, &[&[low, high], data].concat());
    assert_eq!(decode_whole("gzip", &right), (b"hello".to_vec(), Ok(())));
    for wrong in [[low ^ 1, high], [low, high ^ 1]] {
        let wrong = header(0x02, &[&wrong, data].concat());
        assert_every_cut("gzip", &wrong, &(Vec::new(), CORRUPT));
    }
}

#[test]
fn header_fields_may_be_as_long_as_they_can_be_and_as_short() {
    let data = &gzip(b"hello")[10..];
    let extra = [&[0xff, 0xff][..], &[0; 65_535], data].concat();
    assert_eq!(decode_whole("gzip", &header(0x04, &extra)), (b"hello".to_vec(), Ok(())));
    let no_extra = [&[0, 0][..], data].concat();
    assert_every_cut("gzip", &header(0x04, &no_extra), &(b"hello".to_vec(), Ok(())));
    let empty_texts = [&[0, 0][..], data].concat();
    assert_every_cut("gzip", &header(0x18, &empty_texts), &(b"hello".to_vec(), Ok(())));
}

#[test]
fn a_name_without_end_is_read_and_forgotten() {
    let start = header(0x08, b"");
    let piece = [b'n'; 64 * 1024];
    for (pieces, end) in [(15, TRUNCATED), (100, CORRUPT)] {
        let pieces = std::iter::once(&start[..]).chain(std::iter::repeat_n(&piece[..], pieces));
        assert_eq!(decode("gzip", pieces, 1024), (Vec::new(), end));
    }
}

#[test]
fn a_bomb_fills_the_buffer_of_the_caller_and_no_more() {
    const SIZE: usize = 10 * 1024 * 1024;
    let bomb = gzip(&gzip(&vec![0; SIZE]));
    assert!(bomb.len() < 1024);
    let mut decoder = decoder("gzip, gzip");
    let mut out = [1; 1024];
    let Step { mut read, written } = decoder.decode(&bomb, &mut out).unwrap();
    assert_eq!((written, out), (1024, [0; 1024]));
    let mut total = written;
    while read < bomb.len() {
        let step = decoder.decode(&bomb[read..], &mut out).unwrap();
        (read, total) = (read + step.read, total + step.written);
    }
    loop {
        match decoder.finish(&mut out).unwrap() {
            0 => break,
            written => total += written,
        }
    }
    assert_eq!(total, SIZE);
}

#[test]
fn chains_are_decoded_from_the_last_coding_to_the_first() {
    let data = sample();
    let two = zlib(&gzip(&data));
    assert_every_cut("gzip, deflate", &two, &(data.clone(), Ok(())));
    assert_eq!(decode_whole("deflate, gzip", &two).1, CORRUPT);
    let five = gzip(&raw(&zlib(&gzip(&gzip(&data))), 6));
    assert_every_cut("gzip, x-gzip, deflate, deflate, gzip", &five, &(data.clone(), Ok(())));
    let mixed = zstd(&brotli(&zlib(&gzip(&data))));
    assert_every_cut("gzip, deflate, br, zstd", &mixed, &(data.clone(), Ok(())));
    assert_every_cut("zstd, br", &brotli(&zstd(&data)), &(data, Ok(())));
}

#[test]
fn lines_are_one_list() {
    let mut decoder = fields(&["gzip", "identity, deflate"]).unwrap().unwrap();
    let mut out = [0; 64];
    let step = decoder.decode(&zlib(&gzip(b"hello")), &mut out).unwrap();
    assert_eq!(&out[..step.written], b"hello");
}

#[test]
fn a_large_body_crosses_the_links_many_times() {
    let data: Vec<u8> = (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
    let body = gzip(&raw(&data, 0));
    assert_eq!(decode("deflate, gzip", body.chunks(1000), 4096), (data.clone(), Ok(())));
    assert!(decode("deflate, gzip", [&body[..]], 7) == (data, Ok(())));
}

#[test]
fn every_layer_of_a_chain_must_be_complete() {
    let inner = gzip(&sample());
    let body = zlib(&inner[..inner.len() - 1]);
    assert_eq!(decode_whole("gzip, deflate", &body).1, TRUNCATED);
    let body = zlib(&inner);
    let (decoded, end) = decode_whole("gzip, deflate", &body[..body.len() - 1]);
    assert_eq!((decoded, end), (sample(), Err(DecodeError::Truncated("deflate"))));
}

#[test]
fn an_empty_buffer_does_not_pass_for_the_end() {
    let data = &gzip(b"hello")[10..];
    let extra = super::LINK - 12 - data.len();
    let length = u16::try_from(extra).unwrap().to_le_bytes();
    let member = header(0x04, &[&length[..], &vec![0; extra], data].concat());
    let body = zlib(&member.repeat(2));
    let mut decoder = decoder("gzip, deflate");
    let mut out = [0; 5];
    let step = decoder.decode(&body, &mut out).unwrap();
    // The first member fills the buffer, the second one waits between the layers.
    assert_eq!((step, &out), (Step { read: body.len(), written: 5 }, b"hello"));
    assert_eq!(decoder.finish(&mut []), Err(DecodeError::Truncated("gzip")));
    assert_eq!(decoder.finish(&mut out), Ok(5));
    assert_eq!(decoder.finish(&mut out), Ok(0));
}

#[test]
fn layers_that_expand_without_any_output_are_stopped() {
    let nothing = gzip(b"").repeat(150_000);
    let bomb = gzip(&gzip(&nothing));
    assert!(bomb.len() < 64 * 1024 && nothing.len() > 2 * 1024 * 1024);
    assert_eq!(decode_whole("gzip, gzip, gzip", &bomb), (Vec::new(), CORRUPT));
    assert_eq!(decode("gzip, gzip, gzip", bomb.chunks(7), 1), (Vec::new(), CORRUPT));
    // One layer, too, may not read on and on for nothing.
    assert_eq!(decode_whole("gzip", &nothing), (Vec::new(), CORRUPT));
    assert_eq!(decode("gzip", nothing.chunks(7), 1), (Vec::new(), CORRUPT));
    assert_eq!(decode_whole("gzip", &gzip(b"").repeat(50_000)), (Vec::new(), Ok(())));
}

#[test]
fn errors_say_what_is_wrong_in_words() {
    assert_eq!(DecodeError::TooManyCodings.to_string(), "Content-Encoding lists more than 5 codings");
    assert_eq!(DecodeError::Corrupt("gzip").to_string(), "the body is not valid gzip data");
    let truncated = DecodeError::Truncated("deflate").to_string();
    assert_eq!(truncated, "the body ended before its deflate data did");
}
