//! The rules of text and JSON, one test each.

use std::borrow::Cow;

use super::{charset, json_bytes, text};

#[track_caller]
fn assert_text(body: &[u8], content_type: &str, expected: &str) {
    assert_eq!(text(body, Some(content_type)), expected, "{content_type}");
}

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

fn utf32(text: &str, order: fn(u32) -> [u8; 4]) -> Vec<u8> {
    text.chars().flat_map(|c| order(u32::from(c))).collect()
}

fn marked(mark: &[u8], rest: &[u8]) -> Vec<u8> {
    [mark, rest].concat()
}

#[test]
fn the_charset_parameter_is_read_as_requests_reads_it() {
    let cases: &[(&str, Option<&str>)] = &[
        ("text/html; charset=utf-8", Some("utf-8")),
        ("text/html;charset=UTF-8", Some("UTF-8")),
        ("text/html; CharSet=latin1", Some("latin1")),
        ("text/html; charset=\"utf-8\"", Some("utf-8")),
        ("text/html; charset='utf-8'", Some("utf-8")),
        ("text/html; charset = utf-8 ; q=1", Some("utf-8")),
        ("text/html; 'charset'=utf-8", Some("utf-8")),
        ("text/html; boundary=\"a;charset=b\"; charset=c", Some("c")),
        ("text/html; boundary=\"a;charset=b\"", None),
        ("text/html; note=\"\\\";charset=b\"", None),
        ("text/html; note=\"\\\\\";charset=b", Some("b")),
        ("text/html; charset=\"utf-8; q=1", Some("utf-8")),
        ("text/html; q=\"; charset=utf-8", Some("utf-8")),
        ("text/html; charset=a; charset=b", Some("b")),
        ("text/html; charset", None),
        ("text/html; charset=", None),
        ("text/html; charset=\"\"", None),
        ("text/html; xcharset=utf-8", None),
        ("charset=utf-8", None),
        ("text/html;;; charset=ü", Some("ü")),
        (";", None),
        ("", None),
    ];
    for (content_type, expected) in cases {
        assert_eq!(charset(Some(content_type)), *expected, "{content_type}");
    }
    assert_eq!(charset(None), None);
}

#[test]
fn without_a_charset_text_is_utf_8() {
    assert_eq!(text("grün".as_bytes(), None), "grün");
    assert_text("grün".as_bytes(), "text/html", "grün");
    assert_eq!(text(b"", Some("text/html; charset=utf-16")), "");
}

#[test]
fn an_unknown_charset_is_read_as_utf_8() {
    assert_text("grün".as_bytes(), "text/html; charset=klingon", "grün");
}

#[test]
fn bytes_that_mean_nothing_become_replacement_characters() {
    assert_eq!(text(b"a\xffb", None), "a\u{fffd}b");
    assert_text(b"a\0\x00\xd8b\0c", "text/plain; charset=utf-16le", "a\u{fffd}b\u{fffd}");
}

#[test]
fn valid_utf_8_is_borrowed() {
    assert!(matches!(text("grün".as_bytes(), None), Cow::Borrowed("grün")));
    assert!(matches!(text(b"\xef\xbb\xbfa", None), Cow::Borrowed("a")));
    assert!(matches!(text(b"plain", Some("text/plain; charset=iso-8859-1")), Cow::Borrowed("plain")));
}

#[test]
fn a_byte_order_mark_wins_over_the_charset() {
    let latin = "text/plain; charset=iso-8859-1";
    assert_text(&marked(b"\xef\xbb\xbf", "ü€".as_bytes()), latin, "ü€");
    assert_text(&marked(b"\xff\xfe", &utf16("ü€😀", u16::to_le_bytes)), latin, "ü€😀");
    assert_text(&marked(b"\xfe\xff", &utf16("ü€😀", u16::to_be_bytes)), latin, "ü€😀");
}

#[test]
fn utf_16_is_little_endian_unless_it_says_otherwise() {
    let little = utf16("ü😀", u16::to_le_bytes);
    assert_text(&little, "text/plain; charset=UTF-16", "ü😀");
    assert_text(&little, "text/plain; charset=utf-16le", "ü😀");
    assert_text(&utf16("ü😀", u16::to_be_bytes), "text/plain; charset=utf-16be", "ü😀");
}

#[test]
fn iso_8859_1_and_us_ascii_are_windows_1252() {
    for label in ["iso-8859-1", "ISO-8859-1", "latin1", "us-ascii", "windows-1252"] {
        assert_text(b"\x80 gr\xfcn \x9f\x81", &format!("text/plain; charset={label}"), "€ grün Ÿ\u{81}");
    }
}

#[test]
fn every_byte_of_windows_1252_is_one_character() {
    let all: Vec<u8> = (0..=255).collect();
    let text = text(&all, Some("text/plain; charset=windows-1252"));
    assert_eq!(text.chars().count(), 256);
    for (place, c) in text.chars().enumerate() {
        if !(0x80..0xa0).contains(&place) {
            assert_eq!(u32::from(c) as usize, place);
        }
    }
}

#[test]
fn json_in_utf_8_is_borrowed_and_loses_its_mark() {
    assert!(matches!(json_bytes(b"{}"), Cow::Borrowed(b"{}")));
    assert!(matches!(json_bytes(b"\xef\xbb\xbf{}"), Cow::Borrowed(b"{}")));
    assert_eq!(&*json_bytes(b""), b"");
    assert_eq!(&*json_bytes(b"1"), b"1");
}

#[test]
fn json_in_utf_16_and_utf_32_is_converted_with_and_without_a_mark() {
    for json in ["{\"a\":\"ü😀\"}", "[]", "\"中\"", "1"] {
        let forms = [
            (utf16(json, u16::to_le_bytes), &b"\xff\xfe"[..]),
            (utf16(json, u16::to_be_bytes), b"\xfe\xff"),
            (utf32(json, u32::to_le_bytes), b"\xff\xfe\0\0"),
            (utf32(json, u32::to_be_bytes), b"\0\0\xfe\xff"),
        ];
        for (bytes, mark) in forms {
            assert_eq!(&*json_bytes(&bytes), json.as_bytes(), "{mark:?}");
            assert_eq!(&*json_bytes(&marked(mark, &bytes)), json.as_bytes(), "{mark:?}");
        }
    }
}

#[test]
fn ill_formed_json_is_not_repaired() {
    for bad in [
        &b"\xff\xfe1"[..],
        b"\xff\xfe\"\0\x00\xd8\"\0",
        b"[\0]",
        b"\0\0\xfe\xff\0\x11\0\0",
        b"[\0\0\0]\0\0",
        b"\0\0\0\0",
        b"\0",
    ] {
        assert!(matches!(json_bytes(bad), Cow::Borrowed(same) if same == bad), "{bad:?}");
    }
}
