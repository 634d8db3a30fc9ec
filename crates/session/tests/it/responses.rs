//! Answers as values: bodies, texts, JSON, decoding, limits.

use crate::support::{Stage, answer, serving};
use pool::sim::{Fragments, Reply, chunked};
use session::{ErrorKind, Response};
use std::collections::HashMap;
use std::io::Read;
use std::time::Duration;

fn get(stage: &Stage) -> Response {
    stage.session().get("http://a.example/").send().unwrap()
}

/// `{"a": "é"}` compressed by zlib's gzip.
const GZIP: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 84, 178, 82, 80, 58, 188, 82, 169, 22, 0, 146, 168, 142,
    134, 11, 0, 0, 0,
];

#[test]
fn an_answer_is_plain_data_that_can_be_kept_cloned_and_shared() {
    fn is_data<T: Send + Sync + Clone + 'static>(_: &T) {}
    let stage = serving(|| answer("200 Fine", &["X-A: 1", "x-a: 2"], "body"));
    let session = stage.session();
    let response = session.get("http://a.example/x?y").send().unwrap();
    is_data(&response);
    drop(session);
    let values: Vec<_> = response.headers().get_all("X-A").map(|v| v.to_str().unwrap().to_owned()).collect();
    assert_eq!(values, ["1", "2"]);
    assert_eq!((response.status().as_u16(), response.head().reason().as_ref()), (200, "Fine"));
    assert_eq!((response.header("x-a"), response.header("none")), (Some("1"), None));
    assert_eq!((response.clone().into_bytes().as_slice(), response.bytes()), (&b"body"[..], &b"body"[..]));
    assert_eq!(response.url().as_str(), "http://a.example/x?y");
    assert_eq!(response.attempts().len(), 1);
    assert_eq!(format!("{response:?}"), "<Response 200>");
}

#[test]
fn o_2_ok_is_what_is_no_error_and_success_is_2xx() {
    for (status, ok, success) in [
        (200, true, true),
        (299, true, true),
        (304, true, false),
        (399, true, false),
        (400, false, false),
        (404, false, false),
        (499, false, false),
        (500, false, false),
        (599, false, false),
        (600, true, false),
        (999, true, false),
    ] {
        let stage = serving(move || answer(&format!("{status} X"), &[], ""));
        let response = get(&stage);
        assert_eq!((response.ok(), response.is_success()), (ok, success), "{status}");
        assert_eq!(response.head().ok(), ok);
        assert_eq!(response.error_for_status().is_ok(), ok, "{status}");
        let stream = stage.session().get("http://a.example/").stream().unwrap();
        assert_eq!((stream.ok(), stream.is_success()), (ok, success), "{status}");
        assert_eq!(stream.error_for_status().is_ok(), ok, "{status}");
    }
}

#[test]
fn json_is_read_and_what_is_none_is_an_error_that_shows_where() {
    let response = get(&serving(|| Reply::ok(r#"{"a": 1}"#)));
    assert_eq!(response.json::<HashMap<String, u32>>().unwrap()["a"], 1);
    let error = response.json::<HashMap<String, bool>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let text = error.to_string();
    assert!(text.starts_with("GET http://a.example/: the body is no JSON for "), "{text}");
    assert!(
        text.contains("HashMap") && text.contains("line 1 column 7") && text.contains("{\\\"a\\\": 1}"),
        "{text}"
    );
    let error = get(&serving(|| Reply::ok(""))).json::<u32>().unwrap_err();
    assert!(error.to_string().contains("the body is empty"), "{error}");
}

#[test]
fn o_8_json_may_have_a_mark_or_be_in_utf_16() {
    let utf16: Vec<u8> = "[1]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [b"\xef\xbb\xbf[1]".to_vec(), utf16] {
        let response = get(&serving(move || answer("200 OK", &[], &body)));
        assert_eq!(response.json::<Vec<u32>>().unwrap(), [1]);
    }
}

#[test]
fn text_is_decoded_by_its_charset() {
    let response =
        get(&serving(|| answer("200 OK", &["Content-Type: text/plain; charset=iso-8859-1"], b"\xe9")));
    assert_eq!(response.text(), "é");
}

#[test]
fn w_8_a_gzip_body_is_decoded_and_its_headers_stay() {
    for fragments in [Fragments::Whole, Fragments::Bytes] {
        let stage = serving(|| answer("200 OK", &["Content-Encoding: gzip"], GZIP));
        stage.world.fragment(fragments);
        let response = get(&stage);
        assert_eq!(response.text(), "{\"a\": \"é\"}");
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert_eq!(response.header("content-length"), Some(GZIP.len().to_string().as_str()));
        let raw = stage.session().get("http://a.example/").decode(false).send().unwrap();
        assert_eq!(raw.bytes(), GZIP);
    }
}

#[test]
fn a_body_that_is_not_what_its_encoding_says_is_an_error() {
    for (body, encoding) in [
        (&b"plain"[..], "gzip"),
        (&GZIP[..GZIP.len() - 1], "gzip"),
        (GZIP, "gzip, gzip, gzip, gzip, gzip, gzip"),
    ] {
        let stage = serving(move || answer("200 OK", &[&format!("Content-Encoding: {encoding}")], body));
        let error = stage.session().get("http://a.example/").send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.may_have_been_processed());
    }
    let head = serving(|| answer("200 OK", &["Content-Encoding: gzip"], ""));
    assert_eq!(get(&head).bytes(), b"", "dc-6: an empty body is fine");
}

#[test]
fn a_head_answer_has_no_body_whatever_it_announces() {
    let stage = serving(|| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nContent-Encoding: gzip\r\n\r\n")
    });
    let response = stage.session().head("http://a.example/").send().unwrap();
    assert_eq!((response.bytes(), response.header("content-length")), (&b""[..], Some("1000000")));
}

#[test]
fn bodies_of_every_size_and_framing_arrive_whole() {
    for size in [0, 1, 4095, 4096, 4097, 70_000, 1_500_000] {
        let body: Vec<u8> = (0..size).map(|i: usize| (i % 251) as u8).collect();
        let sized = body.clone();
        assert!(get(&serving(move || answer("200 OK", &[], &sized))).bytes() == body, "{size} sized");
        let mut close = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        close.extend_from_slice(&body);
        let stage = serving(move || Reply::raw(close.clone()).close());
        stage.world.fragment(Fragments::Random);
        assert!(get(&stage).bytes() == body, "{size} until the end");
        let mut chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in body.chunks(1000) {
            chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunks.extend_from_slice(chunk);
            chunks.extend_from_slice(b"\r\n");
        }
        chunks.extend_from_slice(b"0\r\nX-T: 1\r\n\r\n");
        let response = get(&serving(move || Reply::raw(chunks.clone())));
        assert!(response.bytes() == body, "{size} chunked");
        assert!(response.trailers().unwrap().contains("x-t"));
    }
}

#[test]
fn a_body_in_memory_is_limited_and_the_error_says_what_to_do() {
    let plain = || answer("200 OK", &[], "12345678901");
    let pieces = || Reply::from(chunked(&["123456", "78901"]));
    for (reply, limit, good) in [
        (plain as fn() -> Reply, 11, true),
        (plain, 10, false),
        (pieces, 11, true),
        (pieces, 10, false),
        (pieces, 0, false),
        (|| answer("200 OK", &["Content-Encoding: gzip"], GZIP), 11, true),
        (|| answer("200 OK", &["Content-Encoding: gzip"], GZIP), 10, false),
        (|| Reply::ok(""), 0, true),
    ] {
        let stage = serving(reply);
        let session = stage.session();
        match session.get("http://a.example/").max_body(limit).send() {
            Ok(response) => assert!(good && response.bytes().len() <= limit),
            Err(error) => {
                assert!(!good, "{error}");
                assert_eq!(error.kind(), ErrorKind::Body);
                assert!(
                    error.to_string().contains("stream()") && error.to_string().contains("max_body"),
                    "{error}"
                );
                let counts = session.pool().counts();
                assert_eq!(counts.open, counts.idle, "nothing is left under way");
            }
        }
    }
}

#[test]
fn mb_4_a_length_that_is_only_announced_takes_no_memory() {
    let stage =
        serving(|| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 60000000\r\n\r\n1234567890").close());
    assert_eq!(stage.session().get("http://a.example/").send().unwrap_err().kind(), ErrorKind::Body);
}

#[test]
fn o_4_a_status_becomes_an_error_in_the_words_of_requests() {
    for (status, text) in [
        (&b"404 Not Found"[..], Some("404 Client Error: Not Found")),
        (b"400 Bad", Some("400 Client Error: Bad")),
        (b"499 X", Some("499 Client Error: X")),
        ("503 Caf\u{e9}".as_bytes(), Some("503 Server Error: Café")),
        (b"503 Caf\xe9", Some("503 Server Error: Café")),
        (b"599 X", Some("599 Server Error: X")),
        (b"500", Some("500 Server Error: ")),
        (b"500 ", Some("500 Server Error: ")),
        (b"399 X", None),
        (b"600 X", None),
    ] {
        let head = [b"HTTP/1.1 ", status, b"\r\nContent-Length: 3\r\n\r\nwhy"].concat();
        let stage = serving(move || Reply::raw(head.clone()));
        let session = stage.session();
        let response = session.get("http://user:pa55@a.example/x?key=s3cret").send().unwrap();
        let status = status.escape_ascii();
        match (response.error_for_status(), text) {
            (Ok(_), None) => {}
            (Err(error), Some(text)) => {
                assert_eq!(error.to_string(), format!("{text} for url: http://a.example/x?key=***"));
                assert!(matches!(error.kind(), ErrorKind::Status(_)));
                assert_eq!(error.request().unwrap().url().path(), "/x");
                assert_eq!(error.response().unwrap().bytes(), b"why");
                assert_eq!(error.into_response().unwrap().bytes(), b"why");
            }
            (outcome, _) => panic!("{status}: {outcome:?}"),
        }
    }
}

#[test]
fn a_setting_makes_every_4xx_and_5xx_an_error() {
    let stage = serving(|| answer("404 Not Found", &[], "why"));
    let session = stage.builder().error_for_status(true).build().unwrap();
    let error = session.get("http://a.example/").send().unwrap_err();
    assert_eq!(error.response().unwrap().bytes(), b"why");
    let error = session.get("http://a.example/").stream().unwrap_err();
    assert_eq!(error.response().unwrap().bytes(), b"why");
    session.get("http://a.example/").error_for_status(false).send().unwrap();
}

#[test]
fn mb_1_bytes_that_decode_to_nothing_are_bounded_too() {
    let stage = serving(|| {
        let mut body = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255];
        body.resize(20_000_000, b'x');
        answer("200 OK", &["Content-Encoding: gzip"], body)
    });
    let error = stage.session().get("http://a.example/").max_body(1000).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Body, "{error}");
    let received = error.attempts().map(|attempt| attempt.bytes_received).sum::<u64>();
    assert!(received < 3_000_000, "{received} bytes were read");
}

#[test]
fn a_body_of_many_megabytes_arrives_whole_decoded_or_not() {
    const SIZE: usize = 5_000_000;
    let stage = serving(|| answer("200 OK", &[], vec![b'x'; SIZE]));
    assert!(get(&stage).bytes() == vec![b'x'; SIZE]);
    let stage =
        serving(|| answer("200 OK", &["Content-Encoding: gzip"], testbed::encode::gzip(&vec![b'x'; SIZE])));
    assert!(get(&stage).bytes() == vec![b'x'; SIZE]);
    let mut read = Vec::new();
    stage.session().get("http://a.example/").stream().unwrap().read_to_end(&mut read).unwrap();
    assert!(read == vec![b'x'; SIZE]);
    let stream = stage.session().get("http://a.example/").stream().unwrap();
    assert!(stream.into_response().unwrap().bytes() == vec![b'x'; SIZE]);
}

#[test]
fn a_status_that_is_an_error_is_one_though_its_body_cannot_be_decoded() {
    let stage = serving(|| answer("404 No", &["Content-Encoding: gzip"], "not gzip"));
    let session = stage.builder().error_for_status(true).build().unwrap();
    let is_404 =
        |error: session::Error| matches!(error.kind(), ErrorKind::Status(code) if code.as_u16() == 404);
    let error = session.get("http://a.example/").send().unwrap_err();
    assert!(error.may_have_been_processed() && error.request().is_some());
    assert!(is_404(error));
    assert!(is_404(session.get("http://a.example/").stream().unwrap_err()));
    assert!(is_404(session.get("http://a.example/").max_body(3).send().unwrap_err()));
    let error = session.get("http://a.example/").error_for_status(false).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[test]
fn a_17_an_answer_knows_how_long_its_hop_took_until_its_head() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => crate::support::redirect(302, "/end").delay(Duration::from_millis(300)),
        _ => Reply::ok("end").delay(Duration::from_millis(70)),
    });
    let response = get(&stage);
    assert_eq!(response.elapsed(), Duration::from_millis(70));
    assert_eq!(response.timings().head, Some(Duration::from_millis(70)));
    assert!(response.timings().reused && response.timings().connected.is_none());
    assert_eq!(response.history()[0].elapsed(), Duration::from_millis(300));
}

#[test]
fn an_answer_knows_the_cookies_it_sets() {
    let stage = serving(|| {
        let fields =
            ["Set-Cookie: a=1; Path=/x", "Set-Cookie: b=2; Domain=other.example", "Set-Cookie: c=3; Secure"];
        answer("200 OK", &fields, "")
    });
    let session = stage.session();
    session.cookies().set(&"http://a.example/".parse().unwrap(), session::Cookie::new("old", "0")).unwrap();
    let cookies = session.get("http://a.example/").send().unwrap().cookies();
    let shown: Vec<_> = cookies.iter().map(|c| (c.name(), c.value(), c.path())).collect();
    assert_eq!(shown, [("a", "1", Some("/x"))], "what the jar may not take is not there");
}
