//! The coding `zstd` against streams of the reference encoder, and against frames made by hand.

use super::super::tests::{Outcome, assert_every_cut, assert_every_truncation, decode, decode_whole};
use super::super::{DecodeError, Decoder};

const CORRUPT: Result<(), DecodeError> = Err(DecodeError::Corrupt("zstd"));

/// What the streams in `testdata` hold: words that a small generator picks.
fn words(length: usize) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    ];
    let (mut state, mut text) = (1_u32, String::new());
    while text.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(WORDS[(state >> 24) as usize % WORDS.len()]);
        if state >> 16 & 7 == 0 {
            text.push_str(&(state >> 8 & 0xffff).to_string());
        }
        text.push(if state >> 12 & 15 == 0 { '\n' } else { ' ' });
    }
    text.truncate(length);
    text.into_bytes()
}

fn block(kind: u32, size: usize, last: bool, content: &[u8]) -> Vec<u8> {
    let header = (size as u32) << 3 | kind << 1 | u32::from(last);
    [&header.to_le_bytes()[..3], content].concat()
}

/// A frame with this header behind its number, and these blocks.
fn frame(header: &[u8], blocks: &[Vec<u8>]) -> Vec<u8> {
    [&[0x28, 0xb5, 0x2f, 0xfd], header, &blocks.concat()].concat()
}

/// One segment of so many bytes, without a checksum, as one raw block.
fn raw(data: &[u8]) -> Vec<u8> {
    frame(&[0x20, data.len() as u8], &[block(0, data.len(), true, data)])
}

fn skippable(kind: u8, data: &[u8]) -> Vec<u8> {
    [&[0x50 | kind, 0x2a, 0x4d, 0x18], &(data.len() as u32).to_le_bytes()[..], data].concat()
}

#[test]
fn w_8_streams_of_the_reference_encoder_are_decoded() {
    for (stream, data) in [
        (&include_bytes!("testdata/level-1.zst")[..], words(200_000)),
        (include_bytes!("testdata/level-19.zst"), words(200_000)),
        (include_bytes!("testdata/level-5-sized.zst"), words(20_000)),
        (include_bytes!("testdata/zeros.zst"), vec![0; 300_000]),
    ] {
        let expected = (data, Ok(()));
        assert!(decode_whole("zstd", stream) == expected);
        assert!(decode("zstd", stream.chunks(1), 64 * 1024) == expected);
        assert!(decode("zstd", stream.chunks(1000), 77) == expected);
    }
}

#[test]
fn every_cut_of_several_frames_decodes_alike() {
    let small =
        ruzstd::encoding::compress_to_vec(&words(900)[..], ruzstd::encoding::CompressionLevel::Fastest);
    let body = [raw(b"raw, "), skippable(3, b"not data"), small, raw(b""), skippable(15, b"")].concat();
    assert_every_cut("zstd", &body, &([b"raw, ", &words(900)[..]].concat(), Ok(())));
}

#[test]
fn every_truncation_is_an_error() {
    let data = words(20_000);
    assert_every_truncation("zstd", include_bytes!("testdata/zeros.zst"), &vec![0; 300_000]);
    let stream = include_bytes!("testdata/level-5-sized.zst");
    for length in (1..200).chain((200..stream.len()).step_by(97)).chain(stream.len() - 9..stream.len()) {
        let (decoded, end) = decode_whole("zstd", &stream[..length]);
        assert_eq!(end, Err(DecodeError::Truncated("zstd")), "{length}");
        assert!(data.starts_with(&decoded));
    }
    assert_every_truncation("zstd", &skippable(0, b"12"), b"");
}

#[test]
fn a_block_is_handed_over_before_the_next_one_is_here() {
    let first =
        [&frame(&[0x00, 0x68], &[block(0, 5, false, b"event")])[..], &block(1, 3, false, b"!")].concat();
    let (decoded, end) = decode_whole("zstd", &first);
    assert_eq!((&decoded[..], end), (&b"event!!!"[..], Err(DecodeError::Truncated("zstd"))));
}

#[test]
fn damage_is_found_by_the_checksum() {
    let mut stream = include_bytes!("testdata/level-1.zst").to_vec();
    let last = stream.len() - 1;
    stream[last] ^= 1;
    assert!(decode_whole("zstd", &stream) == (words(200_000), CORRUPT));
}

#[test]
fn damage_is_an_error_or_changes_nothing_and_alike_however_the_bytes_are_cut() {
    for whole in [&include_bytes!("testdata/level-5-sized.zst")[..], include_bytes!("testdata/zeros.zst")] {
        let (data, _) = decode_whole("zstd", whole);
        for at in (0..whole.len().min(150)).chain((150..whole.len()).step_by(331)) {
            for flip in [0x01, 0x55, 0x80] {
                let mut stream = whole.to_vec();
                stream[at] ^= flip;
                let outcome: Outcome = decode_whole("zstd", &stream);
                assert!(outcome.1.is_err() || outcome.0 == data, "byte {at}");
                assert!(decode("zstd", stream.chunks(7), 1000) == outcome, "byte {at}");
            }
        }
    }
}

#[test]
fn what_is_no_frame_is_corrupt_in_front_and_behind() {
    assert_eq!(decode_whole("zstd", b"hello"), (Vec::new(), CORRUPT));
    assert_every_cut("zstd", &[&raw(b"data")[..], b"\0\0\0\0"].concat(), &(b"data".to_vec(), CORRUPT));
    assert_eq!(
        decode_whole("zstd", &[&raw(b"data")[..], b"\0"].concat()).1,
        Err(DecodeError::Truncated("zstd"))
    );
}

#[test]
fn headers_are_held_to_their_rules() {
    let end = [block(0, 0, true, b"")];
    for (header, outcome) in [
        // A window of 1 KiB, of 8 MiB, of 9 MiB and of the most there is.
        (&[0x00, 0x00][..], Ok(())),
        (&[0x00, 0x68], Ok(())),
        (&[0x00, 0x69], CORRUPT),
        (&[0x00, 0xff], CORRUPT),
        // The reserved bit.
        (&[0x08, 0x00], CORRUPT),
        // Dictionary 0 is none; dictionary 5 is not here.
        (&[0x01, 0x00, 0], Ok(())),
        (&[0x01, 0x00, 5], CORRUPT),
        (&[0x03, 0x00, 0, 0, 0, 1], CORRUPT),
        // One segment: its length is the window.
        (&[0x20, 0], Ok(())),
        (&[0xa0, 0, 0, 0x80, 0], CORRUPT),
        (&[0xa0, 1, 0, 0x80, 0], CORRUPT),
        (&[0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80], CORRUPT),
        // A length that does not hold.
        (&[0x20, 1], CORRUPT),
        (&[0x40, 0x00, 0, 0], CORRUPT),
    ] {
        assert_every_cut("zstd", &frame(header, &end), &(Vec::new(), outcome));
    }
    let longer = frame(&[0x20, 2], &[block(0, 2, false, b"ab"), block(1, 1, true, b"c")]);
    assert_every_cut("zstd", &longer, &(b"abc".to_vec(), CORRUPT));
    let shorter = frame(&[0x20, 3], &[block(0, 2, true, b"ab")]);
    assert_every_cut("zstd", &shorter, &(b"ab".to_vec(), CORRUPT));
    // 65 536 and the 256 that a length of two bytes begins at.
    let most = frame(&[0x60, 0xff, 0xff], &[block(1, 65_791, true, b"x")]);
    assert!(decode_whole("zstd", &most) == (vec![b'x'; 65_791], Ok(())));
}

#[test]
fn blocks_are_held_to_their_size_and_kind() {
    let window = 128 * 1024;
    let header = [0x00, 7 << 3];
    let most = frame(&header, &[block(1, window, true, b"x")]);
    assert_eq!(decode_whole("zstd", &most).0.len(), window);
    for bad in [
        block(1, window + 1, true, b"x"),
        block(0, window + 1, true, b"x"),
        block(2, window + 1, true, b"x"),
        block(3, 1, true, b"x"),
        block(2, 0, true, b""),
        block(2, 1, true, b"\0"),
    ] {
        assert_eq!(decode_whole("zstd", &frame(&header, &[bad])), (Vec::new(), CORRUPT));
    }
    // A block is no larger than a small window.
    assert_eq!(decode_whole("zstd", &frame(&[0, 0], &[block(1, 1025, true, b"x")])).1, CORRUPT);
}

#[test]
fn four_streams_hold_from_six_literals_on_and_the_last_one_may_hold_none() {
    // Two symbols, 0 and 1, of one bit each: a literal is a bit. A stream of ones with the mark above them.
    let stream = |ones: usize| [(2_u16 << ones) as u8 - 1];
    for (count, last) in [(6, 0), (7, 1), (8, 2), (9, 0), (10, 1), (19, 4)] {
        let quarter = usize::div_ceil(count, 4);
        let streams = [stream(quarter), stream(quarter), stream(quarter), stream(last)].concat();
        let coded = [&[0x80, 0x10, 1, 0, 1, 0, 1, 0][..], &streams].concat();
        let header = 2 | 1 << 2 | (count as u32) << 4 | (coded.len() as u32) << 14;
        let content = [&header.to_le_bytes()[..3], &coded, &[0]].concat();
        let body = frame(&[0, 0], &[block(2, content.len(), true, &content)]);
        assert_eq!(decode_whole("zstd", &body), (vec![1; count], Ok(())), "{count}");
    }
}

#[test]
fn dc_4_a_block_that_describes_gigabytes_is_corrupt() {
    // Sequences of one kind: no literals, the offset before last, which takes no bits, and a match of 64 KiB and what
    // two bytes say. 65 000 of them are 8 GiB.
    let bits = [&vec![0xff; 65_000 * 2][..], &[1]].concat();
    let [low, high] = (65_000_u16 - 0x7f00).to_le_bytes();
    let content = [&[0, 255, low, high, 0b0101_0100, 0, 0, 52][..], &bits].concat();
    let start = block(0, 8, false, b"12345678");
    let bomb = frame(&[0x00, 0x68], &[start, block(2, content.len(), true, &content)]);
    assert_eq!(decode_whole("zstd", &bomb), (b"12345678".to_vec(), CORRUPT));
}

#[test]
fn dc_7_a_window_above_8_mib_is_corrupt_before_anything_is_allocated_for_it() {
    // 2 GiB, and ten bytes of data.
    let bomb = frame(&[0x00, 21 << 3], &[block(0, 10, true, b"0123456789")]);
    assert_every_cut("zstd", &bomb, &(Vec::new(), CORRUPT));
}

#[test]
fn what_decodes_to_nothing_ends_in_an_error_after_a_mebibyte() {
    let skipped = skippable(0, &[0; 1000]);
    let a_little = skipped.repeat(1000);
    assert_eq!(decode_whole("zstd", &a_little), (Vec::new(), Ok(())));
    for barren in [skipped.repeat(1200), raw(b"").repeat(200_000), block(0, 0, false, b"").repeat(400_000)] {
        let barren = if barren.starts_with(&[0, 0, 0]) { frame(&[0, 0], &[barren]) } else { barren };
        assert_eq!(decode_whole("zstd", &barren), (Vec::new(), CORRUPT));
        assert_eq!(decode("zstd", barren.chunks(999), 1), (Vec::new(), CORRUPT));
    }
    let mut decoder = Decoder::from_fields([&b"zstd"[..]].into_iter()).unwrap().unwrap();
    let endless = [&skippable(0, b"")[..4], &[0xff; 4]].concat();
    let mut out = [0; 10];
    decoder.decode(&endless, &mut out).unwrap();
    let zeros = vec![0; 64 * 1024];
    let calls = (0..100).take_while(|_| decoder.decode(&zeros, &mut out).is_ok()).count();
    assert_eq!(calls, 15);
}
