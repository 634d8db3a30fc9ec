//! What ends a response: the rows of RFC 9112 section 6.3, and the ways to get them wrong.

use http_wire::{CloseReason, Limits, Method, Part, Phase, RecvError, RequestHead, Reuse};

use crate::support::{Seen, get, request, run};

const KEEP: Reuse = Reuse::Keep;

fn with_fields(fields: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}")
}

fn upgrade() -> RequestHead {
    RequestHead::builder(Method::GET, "/").header("Host", "a.test").upgrade("h2c").build().unwrap()
}

#[test]
fn the_framing_table() {
    let closes = Reuse::Close;
    // Method, stream; body, rest of the stream, verdict.
    let table: &[(Method, &str, &str, &str, Reuse)] = &[
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nrest", "", "rest", KEEP),
        (Method::HEAD, "HTTP/1.1 200 OK\r\n\r\n", "", "", KEEP),
        (Method::GET, "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nrest", "", "rest", KEEP),
        (Method::GET, "HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\nrest", "", "rest", KEEP),
        (
            Method::GET,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nrest",
            "ab",
            "rest",
            KEEP,
        ),
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabrest", "ab", "rest", KEEP),
        (
            Method::GET,
            "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nab",
            "ab",
            "",
            KEEP,
        ),
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nrest", "", "rest", KEEP),
        (Method::GET, "HTTP/1.1 200 OK\r\n\r\nall of it", "all of it", "", closes(CloseReason::UntilEof)),
        (
            Method::GET,
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
            "ab",
            "",
            closes(CloseReason::Http10),
        ),
        (Method::CONNECT, "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nabrest", "ab", "rest", KEEP),
    ];
    for (method, stream, body, rest, reuse) in table {
        let seen = run(&request(method.clone()), Limits::default(), stream.as_bytes());
        assert_eq!(
            (seen.body(), seen.left.as_slice()),
            (body.as_bytes(), rest.as_bytes()),
            "{method} {stream:?}"
        );
        assert_eq!(seen.end(), Some((None, *reuse)), "{method} {stream:?}");
    }
}

#[test]
fn fr_1_only_a_single_chunked_frames_a_message() {
    let values = [
        "xchunked",
        "chunked, identity",
        "identity",
        "chunked;q=1",
        "\"chunked\"",
        "chunked, chunked",
        "gzip, chunked",
        "chunked,",
        "",
        "gzip",
    ];
    for value in values {
        let seen = get(with_fields(&format!("Transfer-Encoding: {value}\r\n"), "0\r\n\r\n"));
        assert_eq!(seen.error(), Some(RecvError::UnsupportedTransferCoding), "{value:?}");
        assert_eq!(seen.reuse, Reuse::Close(CloseReason::Fault));
    }
    for fields in [
        "gzip\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: ",
    ] {
        let seen = get(with_fields(&format!("Transfer-Encoding: {fields}\r\n"), "0\r\n\r\n"));
        assert_eq!(seen.error(), Some(RecvError::UnsupportedTransferCoding), "{fields:?}");
    }
    let seen = get(with_fields("Transfer-Encoding: chunked\x0b\r\n", "0\r\n\r\n"));
    assert_eq!(seen.error(), Some(RecvError::Malformed(Part::FieldValue)));
}

#[test]
fn fr_2_chunked_beats_content_length_and_closes() {
    for fields in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    ] {
        let seen = get(with_fields(fields, "0\r\n\r\nX"));
        assert_eq!((seen.body(), seen.left.as_slice()), (&b""[..], &b"X"[..]));
        assert_eq!(seen.reuse, Reuse::Close(CloseReason::ConflictingFraming));
    }
}

#[test]
fn strict_framing_refuses_what_is_otherwise_closed() {
    let mut strict = Limits::default();
    strict.strict_framing = true;
    let http10 = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    let both = with_fields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n");
    for stream in [http10, &both] {
        assert_eq!(get(stream).body(), b"a");
        let refused = run(&request(Method::GET), strict, stream.as_bytes());
        assert_eq!(refused.error(), Some(RecvError::ConflictingFraming));
    }
    assert_eq!(get(http10).reuse, Reuse::Close(CloseReason::Http10));
    let head = run(&request(Method::HEAD), strict, both.as_bytes());
    assert_eq!(head.end(), Some((None, KEEP)), "no body, no conflict");
}

#[test]
fn fr_3_a_line_that_is_no_field_is_refused() {
    for line in ["Content-Length : 5", "Transfer-Encoding\t: chunked", "Foo", ": x", " Foo: x"] {
        let seen = get(with_fields(&format!("{line}\r\n"), "hello"));
        assert_eq!(seen.error(), Some(RecvError::Malformed(Part::FieldName)), "{line:?}");
    }
}

#[test]
fn fr_4_control_characters_end_nothing() {
    let cases = [
        ("\r\n\rX", Part::LineEnd),
        ("Transfer-Encoding:\r\n chunked\r\n", Part::FieldName),
        ("Content-Length: 1\r\n 0\r\n", Part::FieldName),
        ("content-LENGTH:\r\n\t5\r\n", Part::FieldName),
        ("X: a\0b\r\n", Part::FieldValue),
        ("X: a\rY: b\r\n", Part::FieldValue),
        ("X: a\r\r\n", Part::FieldValue),
        ("Content-Length\0: 5\r\n", Part::FieldName),
    ];
    for (fields, part) in cases {
        let stream =
            format!("HTTP/1.1 200 OK\r\n{}\r\n0\r\n\r\n", fields.strip_prefix("\r\n").unwrap_or(fields));
        assert_eq!(get(&stream).error(), Some(RecvError::Malformed(part)), "{fields:?}");
    }
}

#[test]
fn fr_5_a_final_answer_before_the_body_closes_the_connection() {
    let request = RequestHead::builder(Method::POST, "/")
        .header("Host", "a.test")
        .body(http_wire::BodyKind::Length(3))
        .expect_continue()
        .build()
        .unwrap();
    for answer in
        ["HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]
    {
        let seen = run(&request, Limits::default(), answer.as_bytes());
        assert_eq!(seen.end(), Some((None, Reuse::Close(CloseReason::RequestUnfinished))));
        assert!(!seen.idle);
    }
}

#[test]
fn fr_6_what_lies_in_a_body_is_never_a_message() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
    for offset in [0, 1, 10, 4096] {
        let body = format!("{}{evil}{}", "x".repeat(offset), "y".repeat(100));
        let sized = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        assert_eq!(get(sized).body(), body.as_bytes());
        let chunked = with_fields(
            "Transfer-Encoding: chunked\r\n",
            &format!("{:X}\r\n{body}\r\n0\r\n\r\n", body.len()),
        );
        assert_eq!(get(chunked).body(), body.as_bytes());
    }
}

#[test]
fn fr_7_a_switch_nobody_asked_for_is_refused() {
    let stream = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nPRI";
    assert_eq!(get(stream).error(), Some(RecvError::UnexpectedUpgrade));
    let seen = run(&upgrade(), Limits::default(), stream);
    assert!(matches!(seen.seen.as_slice(), [Seen::Switched(head)] if head.status() == 101));
    assert_eq!((seen.left.as_slice(), seen.reuse), (&b"PRI"[..], Reuse::Close(CloseReason::Switched)));
}

#[test]
fn a_switch_that_does_not_say_to_what_is_refused() {
    for stream in [
        "HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\nPRI",
        "HTTP/1.0 101 S\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nPRI",
    ] {
        let seen = run(&upgrade(), Limits::default(), stream.as_bytes());
        assert_eq!(seen.error(), Some(RecvError::UnexpectedUpgrade), "{stream:?}");
    }
}

#[test]
fn a_strict_client_does_not_go_on_after_a_204_that_announces_a_body() {
    let mut strict = Limits::default();
    strict.strict_framing = true;
    let verdict = |fields: &str, limits| {
        let stream = format!("HTTP/1.1 204 No\r\n{fields}\r\nrest");
        let seen = run(&request(Method::GET), limits, stream.as_bytes());
        assert_eq!((seen.body(), seen.left.as_slice()), (&b""[..], &b"rest"[..]), "{fields:?}");
        seen.reuse
    };
    for fields in ["Content-Length: 38\r\n", "Content-Length: x\r\n", "Transfer-Encoding: chunked\r\n"] {
        assert_eq!(verdict(fields, strict), Reuse::Close(CloseReason::ConflictingFraming), "{fields:?}");
        assert_eq!(verdict(fields, Limits::default()), KEEP, "where a 204 ends is beyond doubt");
    }
    for fields in ["", "Content-Length: 0\r\n"] {
        assert_eq!(verdict(fields, strict), KEEP, "{fields:?}");
    }
    for (method, status) in [(Method::GET, 304), (Method::HEAD, 200)] {
        let stream = format!("HTTP/1.1 {status} X\r\nContent-Length: 38\r\n\r\n");
        assert_eq!(run(&request(method), strict, stream.as_bytes()).reuse, KEEP, "these may announce one");
    }
}

#[test]
fn an_upgrade_may_be_declined() {
    let seen = run(&upgrade(), Limits::default(), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
    assert_eq!((seen.body(), seen.reuse), (&b"no"[..], KEEP));
}

#[test]
fn a_tunnel_begins_after_the_head_of_any_2xx() {
    for status in ["200 Connection established", "204 No Content", "299 x"] {
        let stream = format!(
            "HTTP/1.1 {status}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\x16\x03\x01"
        );
        let seen = run(&request(Method::CONNECT), Limits::default(), stream.as_bytes());
        assert!(matches!(seen.seen.as_slice(), [Seen::Switched(_)]));
        assert_eq!(seen.left, b"\x16\x03\x01");
    }
}

#[test]
fn fr_8_answers_without_body_have_none_whatever_they_say() {
    let cases = [
        (Method::HEAD, "200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        (Method::HEAD, "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""),
        (Method::GET, "204 No\r\nContent-Length: 3\r\n\r\nabc", "abc"),
        (
            Method::GET,
            "304 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "1\r\na\r\n0\r\n\r\n",
        ),
    ];
    for (method, stream, surplus) in cases {
        let seen = run(&request(method), Limits::default(), format!("HTTP/1.1 {stream}").as_bytes());
        assert_eq!((seen.body(), seen.left.as_slice()), (&b""[..], surplus.as_bytes()));
        assert_eq!(seen.end(), Some((None, KEEP)));
    }
}

#[test]
fn fr_10_what_is_not_http_1_is_no_answer() {
    let cases = [
        ("hello world", Part::Version),
        ("HTTP/2 200\r\n\r\n", Part::Version),
        ("HTTP/1.2 200 OK\r\n\r\n", Part::Version),
        ("HTTP/0.9 200 OK\r\n\r\n", Part::Version),
        ("http/1.1 200 OK\r\n\r\n", Part::Version),
        ("HTTP/11 200\r\n\r\n", Part::Version),
        ("ICY 200 OK\r\n\r\n", Part::Version),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", Part::Version),
        ("\nHTTP/1.1 200 OK\r\n\r\n", Part::Version),
        (" HTTP/1.1 200 OK\r\n\r\n", Part::Version),
        ("HTTP/1.1 99 x\r\n\r\n", Part::StatusLine),
        ("HTTP/1.1 2000 x\r\n\r\n", Part::StatusLine),
        ("HTTP/1.1 099 x\r\n\r\n", Part::StatusLine),
        ("HTTP/1.1  200\r\n\r\n", Part::StatusLine),
        ("HTTP/1.1 200\0OK\r\n\r\n", Part::StatusLine),
    ];
    for (stream, part) in cases {
        assert_eq!(get(stream).error(), Some(RecvError::Malformed(part)), "{stream:?}");
    }
}

#[test]
fn fr_11_nothing_hides_a_framing_field() {
    let value = RecvError::Malformed(Part::FieldValue);
    for (field, error) in [
        ("Transfer-Encoding\0: chunked", RecvError::Malformed(Part::FieldName)),
        ("Transfer-Encoding:chunked\0", value),
        ("Content-Length: 5\0", value),
    ] {
        assert_eq!(get(with_fields(&format!("{field}\r\n"), "hello")).error(), Some(error), "{field:?}");
    }
    let seen = get(with_fields("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "hello"));
    assert_eq!((seen.body(), seen.reuse), (&b"hello"[..], KEEP), "an unknown field is not framing");
}

#[test]
fn a_length_is_digits_and_nothing_else() {
    for value in [
        "",
        " ",
        "-1",
        "+5",
        "0x5",
        "5_0",
        "5 5",
        "5;",
        "1e3",
        "5,",
        ",5",
        "5,6",
        "05,5",
        "٥",
        "18446744073709551616",
    ] {
        let seen = get(with_fields(&format!("Content-Length: {value}\r\n"), "hello"));
        assert_eq!(seen.error(), Some(RecvError::BadContentLength), "{value:?}");
    }
    assert_eq!(get(with_fields("Content-Length: 0005\r\n", "hello")).body(), b"hello");
}

#[test]
fn pn_4_a_length_of_2_to_the_63_is_refused_and_one_below_is_missing_bytes() {
    let fits = get(with_fields("Content-Length: 9223372036854775807\r\n", "abc"));
    assert_eq!((fits.body(), fits.error()), (&b"abc"[..], Some(RecvError::UnexpectedEof(Phase::Body))));
    for length in ["9223372036854775808", "18446744073709551615", "18446744073709551616"] {
        let too_big = get(with_fields(&format!("Content-Length: {length}\r\n"), "abc"));
        assert_eq!(too_big.error(), Some(RecvError::BadContentLength), "{length}");
    }
}
