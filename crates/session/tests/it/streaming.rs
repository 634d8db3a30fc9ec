//! Bodies that are read while they arrive.

use crate::support::{Stage, answer, open, redirect, serving};
use pool::Config;
use pool::sim::{Fragments, Reply, chunked, ok};
use session::{Canceller, Error, ErrorKind, Head, Hook, Request, Response, Streaming, http};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn a_stream_is_read_piece_by_piece_and_tells_what_is_left() {
    let stage = serving(|| Reply::ok("hello world"));
    let session = stage.session();
    let mut stream = session.get("http://a.example/").stream().unwrap();
    assert_eq!((stream.status().as_u16(), stream.bytes_left()), (200, Some(11)));
    let mut piece = [0; 5];
    stream.read_exact(&mut piece).unwrap();
    assert_eq!((&piece, stream.bytes_left()), (b"hello", Some(6)));
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), stream.bytes_left()), (" world", Some(0)));
    assert_eq!(stream.read(&mut piece).unwrap(), 0);
    assert_eq!(stream.attempts().unwrap().len(), 1);
    drop(stream);
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.world.connections(), 1, "the connection was used again");
}

#[test]
fn trailers_are_there_after_the_end() {
    let stage = serving(|| {
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n")
    });
    let mut stream = open(&stage);
    assert!(stream.trailers().is_none());
    io::copy(&mut stream, &mut io::sink()).unwrap();
    assert!(stream.trailers().unwrap().get("x-sum").is_some_and(|value| value == "7"));
}

#[test]
fn di_5_any_pattern_of_reads_gives_the_same_bytes() {
    let text: String = (0..3000).map(|i| format!("{i},")).collect();
    for fragments in [Fragments::Whole, Fragments::Bytes, Fragments::Random] {
        for size in [1, 7, 4096, 100_000] {
            let parts: Vec<String> =
                text.as_bytes().chunks(999).map(|c| String::from_utf8(c.to_vec()).unwrap()).collect();
            let stage = serving(move || {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                chunked(&parts).into()
            });
            stage.world.fragment(fragments);
            let mut stream = open(&stage);
            let (mut got, mut buf) = (Vec::new(), vec![0; size]);
            loop {
                match stream.read(&mut buf).unwrap() {
                    0 => break,
                    n => got.extend_from_slice(&buf[..n]),
                }
            }
            assert!(got == text.as_bytes());
        }
    }
}

#[test]
fn a_stream_becomes_a_response_with_the_rest_of_the_body() {
    let stage = serving(|| Reply::ok("hello world"));
    let mut stream = open(&stage);
    stream.read_exact(&mut [0; 6]).unwrap();
    assert_eq!(stream.into_response().unwrap().bytes(), b"world");
    let mut stream = open(&stage);
    io::copy(&mut stream, &mut io::sink()).unwrap();
    assert_eq!(stream.into_response().unwrap().bytes(), b"");
    let error =
        stage.session().get("http://a.example/").max_body(5).stream().unwrap().into_response().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Body);
}

#[test]
fn lines_are_read_across_pieces() {
    let stage = serving(|| chunked(&["one\r", "\ntw", "o\nthree"]).into());
    let lines: Result<Vec<String>, _> = open(&stage).lines().collect();
    assert_eq!(lines.unwrap(), ["one", "two", "three"]);
}

#[test]
fn r_5_a_stream_cut_short_is_an_error_and_never_an_end() {
    let stage = serving(|| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello").close());
    let mut stream = open(&stage);
    let mut got = Vec::new();
    let error = stream.read_to_end(&mut got).unwrap_err();
    assert_eq!((got.as_slice(), error.kind()), (&b"hello"[..], io::ErrorKind::UnexpectedEof));
    assert_eq!(error.downcast::<Error>().unwrap().kind(), ErrorKind::Body);
    assert!(stream.read(&mut [0; 1]).is_err(), "and it stays one");
    assert!(stream.into_response().is_err());
}

#[test]
fn a_stream_without_a_body_has_been_read_to_its_end() {
    let stage = Stage::new();
    stage.host("a.example", |_| answer("204 No Content", &[], ""));
    let session = stage.session();
    for method in ["GET", "HEAD"] {
        let canceller = Canceller::new();
        let request = session.request(method, "http://a.example/").cancel_on(&canceller);
        let mut stream = request.stream().unwrap();
        assert_eq!(
            (stream.bytes_left(), stream.attempts().map(|attempts| attempts.len())),
            (Some(0), Some(1))
        );
        assert_eq!((session.pool().counts().open, session.pool().counts().idle), (1, 1));
        // There is nothing to be given up.
        canceller.cancel();
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    }
}

#[test]
fn the_total_time_limit_holds_for_the_body_of_a_stream() {
    let stage = Stage::new();
    let host = stage.world.host("a.example", ["10.0.0.1"]);
    host.accept().expect("GET").reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").hold();
    let mut stream =
        stage.session().get("http://a.example/").timeout(Duration::from_secs(3)).stream().unwrap();
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(stage.world.elapsed(), Duration::from_secs(3));
    assert!(error.to_string().contains("while reading the response body (3 s total limit)"), "{error}");
}

#[test]
fn the_total_time_limit_holds_for_a_body_that_comes_without_a_pause() {
    let stage = serving(|| answer("200 OK", &[], vec![b'x'; 8 << 20]));
    stage.world.receive_buffer(16 << 20);
    let mut stream =
        stage.session().get("http://a.example/").timeout(Duration::from_secs(3)).stream().unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    stage.world.advance(Duration::from_secs(4));
    let mut got = Vec::new();
    let error = stream.read_to_end(&mut got).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(got.len() < 3 << 20, "{}", got.len());
}

#[test]
fn a_stream_that_is_dropped_gives_a_small_rest_away_and_closes_for_a_long_one() {
    for (size, connections) in [(1000, 1), (1_000_000, 2)] {
        let stage = serving(move || answer("200 OK", &[], vec![b'x'; size]));
        let session = stage.session();
        let mut stream = session.get("http://a.example/").stream().unwrap();
        stream.read_exact(&mut [0; 10]).unwrap();
        drop(stream);
        session.get("http://a.example/").send().unwrap();
        assert_eq!(stage.world.connections(), connections, "{size}");
    }
}

#[test]
fn a_stream_follows_redirects_and_decodes() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => redirect(302, "/end"),
        _ => answer(
            "200 OK",
            &["Content-Encoding: deflate"],
            [0x78, 0x9c, 0x4b, 0x4c, 0x4a, 0x06, 0, 0x02, 0x4d, 0x01, 0x27],
        ),
    });
    let mut stream = open(&stage);
    assert_eq!((stream.history().len(), stream.bytes_left()), (1, None));
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "abc");
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn a_send_beside_open_streams_finds_a_connection() {
    let stage = Stage::new();
    stage.host("a.example", |_| answer("200 OK", &[], vec![b'x'; 200_000]));
    let session = stage.with(Config::default().max_per_origin(3)).build().unwrap();
    let _one = session.get("http://a.example/").stream().unwrap();
    let _two = session.get("http://a.example/").stream().unwrap();
    session.get("http://a.example/").send().unwrap();
    let error = session.get("http://a.example/").stream().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
}

#[test]
fn a_stream_can_be_sent_to_another_thread() {
    fn is_send<T: Send + 'static>(_: &T) {}
    let stage = serving(|| ok("x").into());
    is_send(&open(&stage));
    let _: fn(Streaming) -> Result<Response, Error> = Streaming::into_response;
}

#[test]
fn lines_end_after_the_first_error() {
    let stage = serving(|| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nline\nli").close());
    let mut lines = open(&stage).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "line");
    assert_eq!(lines.next().unwrap().unwrap_err().kind(), ErrorKind::Body);
    assert!(lines.next().is_none() && lines.next().is_none());
}

#[test]
fn lines_are_decoded_as_text_is() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for (content_type, body, lines) in [
        ("text/plain; charset=iso-8859-1", b"caf\xe9\r\n\nnext".to_vec(), &["café", "", "next"][..]),
        ("text/plain", b"\xef\xbb\xbfmark\n".to_vec(), &["mark"]),
        ("text/plain; charset=utf-16be", utf16("aĊb\nlast\r\n"), &["aĊb", "last"]),
        ("text/plain", utf16("\u{feff}é\né"), &["é", "é"]),
        ("text/plain", b"bad \xff\n".to_vec(), &["bad \u{fffd}"]),
        ("text/plain", b"x".to_vec(), &["x"]),
        ("text/plain", Vec::new(), &[]),
    ] {
        for fragments in [Fragments::Whole, Fragments::Bytes] {
            let body = body.clone();
            let stage = serving(move || answer("200 OK", &[&format!("Content-Type: {content_type}")], &body));
            stage.world.fragment(fragments);
            let got: Vec<String> = open(&stage).lines().map(Result::unwrap).collect();
            assert_eq!(got, lines);
        }
    }
}

#[test]
fn a_line_is_no_longer_than_a_body_in_memory_may_be() {
    let stage = serving(|| answer("200 OK", &[], format!("short\n{}\nlast\n", "x".repeat(500_000))));
    let mut lines = stage.session().get("http://a.example/").max_body(1000).stream().unwrap().lines();
    assert_eq!(lines.next().unwrap().unwrap(), "short");
    let error = lines.next().unwrap().unwrap_err();
    assert!(error.kind() == ErrorKind::Body && error.to_string().contains("max_body"), "{error}");
    assert!(lines.next().is_none());
}

/// Gives an answer of its own, and counts what it is asked to finish.
struct Own(Arc<AtomicUsize>);

impl Hook for Own {
    fn after(&self, request: &Request, _: Result<&Head, &Error>) -> Option<Response> {
        Response::from_http(request, http::Response::builder().status(404).body("own").unwrap()).ok()
    }

    fn finish(&self, response: Response) -> Result<Response, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(response)
    }
}

#[test]
fn finish_is_never_called_for_a_stream() {
    let stage = serving(|| ok("x").into());
    let finished = Arc::new(AtomicUsize::new(0));
    let session = stage.builder().hook(Own(finished.clone())).build().unwrap();
    let stream = session.get("http://a.example/").stream().unwrap();
    assert_eq!(stream.into_response().unwrap().bytes(), b"own");
    assert_eq!(finished.load(Ordering::Relaxed), 0);
    let error = session.get("http://a.example/").error_for_status(true).stream().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Status(_)));
    session.get("http://a.example/").send().unwrap();
    assert_eq!(finished.load(Ordering::Relaxed), 1);
}

#[test]
fn a_stream_has_the_same_words_for_status_cookies_and_links_as_a_response() {
    let stage = Stage::new();
    let fields = ["Set-Cookie: c=1; Path=/", "Link: <?page=2>; rel=next"];
    stage.host("a.example", move |r| match r.target() {
        "/gone" => answer("404 Not Found", &fields, "no such page"),
        "/cut" => Reply::raw("HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\nabc").close(),
        _ => answer("200 OK", &fields, "fine"),
    });
    let session = stage.session();
    let stream = session.get("http://a.example/").stream().unwrap().error_for_status().unwrap();
    assert_eq!(stream.cookies()[0].name(), "c");
    assert_eq!(stream.links().get("next").unwrap().url().unwrap().as_str(), "http://a.example/?page=2");
    assert_eq!(stream.into_response().unwrap().bytes(), b"fine");

    let error = session.get("http://a.example/gone").stream().unwrap().error_for_status().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status(session::StatusCode::NOT_FOUND));
    assert!(
        error.to_string().contains("404 Client Error: Not Found for url: http://a.example/gone"),
        "{error}"
    );
    assert_eq!(error.response().unwrap().text(), "no such page");
    assert!(error.may_have_been_processed());

    let error = session.get("http://a.example/cut").stream().unwrap().error_for_status().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status(session::StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(error.response().unwrap().bytes(), b"", "what was cut short is no body");
}
