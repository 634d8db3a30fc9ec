//! Bodies as text, whole and line by line, and JSON in its encodings.

use crate::support::{Stage, answer};
use pool::sim::{Fragments, Reply};
use serde_json::Value;
use session::{ErrorKind, Response};

/// An answer with this type, if any, and this body.
fn served(content_type: Option<&str>, body: &[u8]) -> Stage {
    let stage = Stage::new();
    let (header, body) = (content_type.map(|value| format!("Content-Type: {value}")), body.to_vec());
    stage.host("a.example", move |_| {
        let headers: Vec<&str> = header.iter().map(String::as_str).collect();
        answer("200 OK", &headers, &body)
    });
    stage
}

fn get(content_type: Option<&str>, body: &[u8]) -> Response {
    served(content_type, body).session().get("http://a.example/").send().unwrap()
}

/// `日本語テキスト` in the charsets of Japan.
const SHIFT_JIS: &[u8] = b"\x93\xfa\x96\x7b\x8c\xea\x83\x65\x83\x4c\x83\x58\x83\x67";
const EUC_JP: &[u8] = b"\xc6\xfc\xcb\xdc\xb8\xec\xa5\xc6\xa5\xad\xa5\xb9\xa5\xc8";
const ISO_2022_JP: &[u8] = b"\x1b$BF|K\\8l%F%-%9%H\x1b(B";
const JAPANESE: &str = "日本語テキスト";

#[test]
fn o_6_text_is_by_mark_then_by_parameter_then_utf_8_and_never_guessed() {
    for (content_type, body, text, encoding) in [
        (None, &b""[..], "", "UTF-8"),
        (Some("text/html"), "grün".as_bytes(), "grün", "UTF-8"),
        (None, SHIFT_JIS, "\u{fffd}\u{fffd}\u{fffd}{\u{fffd}\u{fffd}e\u{fffd}L\u{fffd}X\u{fffd}g", "UTF-8"),
        (Some("text/plain; charset=iso-8859-1"), b"\xef\xbb\xbfgr\xc3\xbcn", "grün", "UTF-8"),
        (Some("text/plain; charset=utf-8"), b"\xfe\xff\0g\0\xfc", "gü", "UTF-16BE"),
        (Some("text/plain; charset=shift_jis"), SHIFT_JIS, JAPANESE, "Shift_JIS"),
        (Some("text/plain; charset=no-such"), b"gr\xc3\xbcn \xff", "grün \u{fffd}", "UTF-8"),
    ] {
        let response = get(content_type, body);
        assert_eq!((&*response.text(), response.encoding()), (text, encoding), "{content_type:?}");
    }
}

#[test]
fn o_7_the_parameter_is_read_leniently_and_a_type_alone_says_nothing() {
    for (content_type, text) in [
        ("text/plain; charset=\"EUC-JP\"", JAPANESE),
        ("text/plain; charset='euc-jp'; format=flowed", JAPANESE),
        ("text/plain;x; CHARSET = euc-jp", JAPANESE),
        ("text/plain; charset=x-euc-jp", JAPANESE),
    ] {
        assert_eq!(get(Some(content_type), EUC_JP).text(), text, "{content_type}");
    }
    // requests reads every `text/` without a charset as Latin-1.
    assert_eq!(get(Some("text/html"), "é".as_bytes()).text(), "é");
    let response = get(Some("text/plain; charset=iso-2022-jp"), ISO_2022_JP);
    assert_eq!((&*response.text(), response.encoding()), (JAPANESE, "ISO-2022-JP"));
}

#[test]
fn o_7_a_charset_that_the_caller_names_wins_over_all_that_is_said() {
    let response = get(Some("text/plain; charset=utf-8"), SHIFT_JIS);
    assert_eq!(response.text_with("shift_jis").unwrap(), JAPANESE);
    assert_eq!(response.text_with(" Windows-31J ").unwrap(), JAPANESE);
    let marked = get(None, b"\xef\xbb\xbfx");
    assert_eq!(marked.text_with("utf-8").unwrap(), "x");
    assert_eq!(marked.text_with("latin1").unwrap(), "ï»¿x");
    for unknown in ["", "utf-7", "klingon\n", "iso-2022-kr"] {
        let error = response.text_with(unknown).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{unknown}");
        assert!(error.to_string().contains("there is no charset"), "{error}");
    }
    let stage = served(None, &[SHIFT_JIS, b"\n", SHIFT_JIS].concat());
    let stream = stage.session().get("http://a.example/").stream().unwrap();
    let lines: Vec<String> = stream.lines_with("sjis").unwrap().map(Result::unwrap).collect();
    assert_eq!(lines, [JAPANESE, JAPANESE]);
    let stream = stage.session().get("http://a.example/").stream().unwrap();
    assert_eq!(stream.lines_with("klingon").unwrap_err().kind(), ErrorKind::Request);
}

#[test]
fn o_8_json_is_known_by_its_mark_or_its_zeros_whatever_the_charset() {
    let text = r#"{"a":"ü😀"}"#;
    let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let utf32 =
        |order: fn(u32) -> [u8; 4]| text.chars().flat_map(|c| order(u32::from(c))).collect::<Vec<u8>>();
    let forms = [
        (&b"\xef\xbb\xbf"[..], text.as_bytes().to_vec()),
        (b"\xff\xfe", utf16(u16::to_le_bytes)),
        (b"\xfe\xff", utf16(u16::to_be_bytes)),
        (b"\xff\xfe\0\0", utf32(u32::to_le_bytes)),
        (b"\0\0\xfe\xff", utf32(u32::to_be_bytes)),
    ];
    for (mark, body) in forms {
        for body in [&body[..], &[mark, &body].concat()] {
            let response = get(Some("application/json; charset=latin1"), body);
            assert_eq!(response.json::<Value>().unwrap()["a"], "ü😀", "{body:?}");
        }
    }
    // Ill-formed text is no JSON; nothing in it is repaired.
    for bad in [&b"{\"a\":\"\xff\"}"[..], b"\xff\xfe\"\0\x00\xd8\"\0", b"", b"{"] {
        assert_eq!(get(None, bad).json::<Value>().unwrap_err().kind(), ErrorKind::Decode, "{bad:?}");
    }
}

#[test]
fn pn_7_a_charset_that_is_odd_or_unknown_is_utf_8() {
    let of = |charset: &[u8]| [b"Content-Type: text/plain; charset=", charset, b"\r\n"].concat();
    let long = of(&[b'x'; 10 * 1024]);
    for field in [
        // Octets that are no text, in the header itself.
        of(b"\xff"),
        of(b"\xffutf-16"),
        of(b"\"\xc3"),
        of(b"utf-7"),
        of(b"\"utf-8"),
        of(b"\""),
        of(b"\"\\"),
        long,
        of(b""),
        of(b"replacement"),
        of(b"utf-32"),
        b"Content-Type: text/plain; charset\r\n".to_vec(),
        b"Content-Type: \xff\r\n".to_vec(),
        b"Content-Type:\r\n".to_vec(),
        Vec::new(),
    ] {
        let shown = String::from_utf8_lossy(&field[..field.len().min(60)]).into_owned();
        let stage = Stage::new();
        stage.host("a.example", move |_| {
            let body = "Content-Length: 8\r\n\r\n\"grün\"\n";
            Reply::raw([b"HTTP/1.1 200 OK\r\n", &field[..], body.as_bytes()].concat())
        });
        let response = stage.session().get("http://a.example/").send().unwrap();
        assert_eq!((&*response.text(), response.encoding()), ("\"grün\"\n", "UTF-8"), "{shown}");
        assert_eq!(response.json::<String>().unwrap(), "grün", "{shown}");
        let stream = stage.session().get("http://a.example/").stream().unwrap();
        let lines: Vec<String> = stream.lines().map(Result::unwrap).collect();
        assert_eq!(lines, ["\"grün\""], "{shown}");
    }
}

#[test]
fn pn_7_lines_cut_at_any_byte_are_those_of_the_whole_text() {
    let utf16: Vec<u8> =
        "a\u{10a}ü\r\n😀\n\n日\ra\u{d0a}\r\r".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_be: Vec<u8> = utf16.chunks(2).flat_map(|unit| [unit[1], unit[0]]).collect();
    let marked = [b"\xff\xfe", &utf16[..]].concat();
    let jis = [b"a", ISO_2022_JP, b"\n\x1b$BF|", b"\nK\\8l\x1b(B\nb"].concat();
    for (charset, body) in [
        ("utf-8", "aü\n€😀\r\n\nend".as_bytes()),
        ("utf-8", b"\xff\n\xe2\x82\n\xf0\x9f\x98"),
        ("utf-8", b"\xe2\x82\r\n\r\xf0\x9f\r\r\na\r"),
        ("utf-16le", &utf16),
        ("utf-16be", &utf16_be),
        ("no-such", &marked),
        ("utf-7", "+AGEA-\r\nü".as_bytes()),
        ("hz-gb-2312", b"~{<:~}\nb"),
        ("euc-jp", &[EUC_JP, b"\r\n", EUC_JP, b"\xc6\n\x8f\xb0"].concat()),
        ("shift_jis", &[SHIFT_JIS, b"\n\x93\n", SHIFT_JIS, b"\x93"].concat()),
        ("iso-2022-jp", &jis),
        ("iso-2022-jp", b"a\r\x1b$BF|\rK\\\r\n8l\x1b(B\r\x1b(B\nb\r\x1b(J\n"),
        ("gb18030", b"\x81\x30\x81\x30\n\x81\x30\n\xb0\xa1"),
        ("gb18030", b"\x81\x30\x81\r\x81\r\n\xb0\xa1\r"),
        ("big5", b"\xa4\xa4\xa4\xe5\n\xa4"),
    ] {
        let content_type = format!("Content-Type: text/plain; charset={charset}");
        let whole = get(Some(&content_type["Content-Type: ".len()..]), body).text().into_owned();
        let ends = whole.replace("\r\n", "\n").replace('\r', "\n");
        let expected: Vec<&str> = ends.lines().collect();
        for at in 0..=body.len() {
            let stage = Stage::new();
            let (head, (one, two)) = (content_type.clone(), body.split_at(at));
            let chunks: Vec<u8> = [one, two]
                .iter()
                .filter(|part| !part.is_empty())
                .flat_map(|part| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat())
                .collect();
            stage.host("a.example", move |_| {
                let start = format!("HTTP/1.1 200 OK\r\n{head}\r\nTransfer-Encoding: chunked\r\n\r\n");
                Reply::raw([start.as_bytes(), &chunks, b"0\r\n\r\n"].concat())
            });
            for fragments in [Fragments::Whole, Fragments::Bytes] {
                stage.world.fragment(fragments);
                let stream = stage.session().get("http://a.example/").stream().unwrap();
                let lines: Vec<String> = stream.lines().map(Result::unwrap).collect();
                assert_eq!(lines, expected, "{charset} cut at {at}");
            }
            let response = stage.session().get("http://a.example/").send().unwrap();
            assert_eq!(response.text(), whole);
        }
    }
}
