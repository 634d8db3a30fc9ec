//! Where bodies end, how they are decoded, and that nothing of them is lost.

use crate::paths::{Path, for_each_first_try};
use crate::support::{Stage, answer};
use pool::sim::{Fragments, Reply};
use proptest::prelude::*;
use session::{ErrorKind, Response, Session};
use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;
use testbed::encode::{br, deflate, gzip, raw_deflate, zstd};

const URL: &str = "http://a.example/";

/// A host that answers everything with these bytes.
fn serving(bytes: impl Into<Vec<u8>>) -> Stage {
    let (stage, bytes) = (Stage::new(), bytes.into());
    stage.host("a.example", move |_| Reply::raw(bytes.clone()));
    stage
}

/// The same, and then the end of the connection.
fn closing(bytes: impl Into<Vec<u8>>) -> Stage {
    let (stage, bytes) = (Stage::new(), bytes.into());
    stage.host("a.example", move |_| Reply::raw(bytes.clone()).close());
    stage
}

fn send(stage: &Stage) -> Result<Response, session::Error> {
    stage.session().get(URL).send()
}

fn kind(stage: &Stage) -> ErrorKind {
    send(stage).unwrap_err().kind()
}

fn chunked(data: &[u8], size: usize) -> Vec<u8> {
    let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    [data.chunks(size).flat_map(chunk).collect(), b"0\r\n\r\n".to_vec()].concat()
}

#[test]
fn w_1_chunks_win_over_a_length() {
    let (length, chunks) = ("Content-Length: 3", "Transfer-Encoding: chunked");
    for head in [format!("{length}\r\n{chunks}"), format!("{chunks}\r\n{length}")] {
        let stage = serving(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"));
        let session = stage.session();
        for connections in [1, 2] {
            let response = session.get(URL).send().unwrap();
            assert_eq!((&*response.text(), response.header("content-length")), ("whole", Some("3")));
            assert_eq!((stage.world.connections(), stage.world.open()), (connections, 0), "{head}");
        }
    }
}

#[test]
fn w_2_lengths_that_differ_or_are_no_numbers_are_an_error() {
    for good in ["Content-Length: 4", "Content-Length: 4\r\nContent-Length: 4", "Content-Length: 4, 4"] {
        assert_eq!(send(&serving(format!("HTTP/1.1 200 OK\r\n{good}\r\n\r\nbody"))).unwrap().text(), "body");
    }
    for bad in ["4\r\nContent-Length: 5", "4, 5", "-4", "+4", "0x4", "four", "4.0", ""] {
        let stage = serving(format!("HTTP/1.1 200 OK\r\nContent-Length: {bad}\r\n\r\nbody"));
        assert_eq!(kind(&stage), ErrorKind::Protocol, "{bad}");
    }
}

#[test]
fn w_3_what_has_no_body_is_not_read_and_not_decoded() {
    let coded = |status: &str, length: &str| {
        serving(format!("HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\n{length}\r\n"))
    };
    for stage in [
        coded("204 No Content", ""),
        coded("304 Not Modified", "Content-Length: 1234\r\n"),
        coded("200 OK", "Content-Length: 0\r\n"),
        serving("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        closing("HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n"),
    ] {
        assert_eq!(send(&stage).unwrap().bytes(), b"");
    }
    let stage = coded("200 OK", "Content-Length: 1234\r\n");
    let session = stage.session();
    for _ in 0..2 {
        assert_eq!(session.head(URL).send().unwrap().bytes(), b"");
    }
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn w_4_a_body_shorter_than_its_length_is_an_error_that_says_how_much_came() {
    let error = send(&closing("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfew")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Body);
    assert!(error.to_string().contains('3') && error.to_string().contains("10"), "{error}");
}

#[test]
fn w_5_chunks_are_strict_and_end_with_their_trailers() {
    let chunks = |rest: &str| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{rest}");
    let whole = send(&serving(chunks("4;x=y\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n"))).unwrap();
    assert_eq!((whole.text(), whole.trailers().unwrap().len()), ("body".into(), 1));
    for bad in ["\r\n", "zz\r\n", "-4\r\nbody\r\n", "+4\r\nbody\r\n", "0x4\r\nbody\r\n", "4\r\nbodyX\r\n"] {
        assert_eq!(kind(&closing(chunks(bad))), ErrorKind::Protocol, "{bad:?}");
    }
    for cut in [
        "",
        "4",
        "4\r\n",
        "4\r\nbo",
        "4\r\nbody",
        "4\r\nbody\r\n",
        "4\r\nbody\r\n0\r\n",
        "4\r\nbody\r\n0\r\nX: y\r\n",
    ] {
        assert_eq!(kind(&closing(chunks(cut))), ErrorKind::Body, "{cut:?}");
    }
}

#[test]
fn w_6_interim_answers_are_not_the_answer() {
    let interim: String = [100, 102, 103, 103, 104, 199]
        .map(|status| format!("HTTP/1.1 {status} So far\r\nLink: </a>\r\nContent-Length: 9\r\n\r\n"))
        .concat();
    let stage = serving(format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"));
    let response = send(&stage).unwrap();
    assert_eq!((response.status().as_u16(), response.text()), (200, "body".into()));
    assert!(!response.headers().contains("link"));
}

#[test]
fn w_7_a_head_has_at_most_128_fields_and_64_kib() {
    let fields = |count: usize| {
        let fields = "X: y\r\n".repeat(count - 1);
        serving(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n"))
    };
    assert_eq!(send(&fields(128)).unwrap().headers().len(), 128);
    assert_eq!(kind(&fields(129)), ErrorKind::Protocol);
    let bytes = |total: usize| {
        let rest = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\n\r\n".len();
        let value = "v".repeat(total - rest);
        serving(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: {value}\r\n\r\n"))
    };
    assert!(send(&bytes(64 * 1024)).is_ok());
    assert_eq!(kind(&bytes(64 * 1024 + 1)), ErrorKind::Protocol);
}

#[test]
fn w_8_every_coding_is_asked_for_and_undone_alone_and_in_chains() {
    let data = b"hello, hello, hello".repeat(20);
    for (coding, body) in [
        ("gzip", gzip(&data)),
        ("x-gzip", gzip(&data)),
        ("gzip", [gzip(&data[..100]), gzip(&data[100..])].concat()),
        ("gzip", [&gzip(&data)[..], b"\0\0padding"].concat()),
        ("deflate", deflate(&data)),
        ("deflate", raw_deflate(&data)),
        ("br", br(&data)),
        ("zstd", zstd(&data)),
        ("zstd", [zstd(&data[..100]), zstd(&data[100..])].concat()),
        ("gzip, br", br(&gzip(&data))),
        ("gzip,deflate , BR, zstd,identity, gzip", gzip(&zstd(&br(&deflate(&gzip(&data)))))),
        ("", data.clone()),
    ] {
        let stage = Stage::new();
        let header = format!("Content-Encoding: {coding}");
        stage.host("a.example", move |_| answer("200 OK", &[&header], &body));
        assert!(send(&stage).unwrap().bytes() == data, "{coding}");
        assert_eq!(stage.values("accept-encoding"), ["gzip, deflate, br, zstd"]);
    }
}

#[test]
fn w_8_a_coding_that_is_unknown_leaves_the_body_as_it_is() {
    for coding in ["compress", "br, dcz", "aes128gcm, gzip"] {
        let (stage, header) = (Stage::new(), format!("Content-Encoding: {coding}"));
        stage.host("a.example", move |_| answer("200 OK", &[&header], "as it is"));
        assert_eq!(send(&stage).unwrap().text(), "as it is", "{coding}");
    }
}

#[test]
fn w_8_what_is_not_what_its_coding_says_is_an_error_with_the_answer() {
    for coding in ["gzip", "deflate", "br", "zstd", "br, gzip"] {
        let (stage, header) = (Stage::new(), format!("Content-Encoding: {coding}"));
        stage.host("a.example", move |_| answer("200 OK", &[&header, "X-Id: 7"], "\u{7}what is this"));
        let error = send(&stage).unwrap_err();
        assert_eq!((error.kind(), error.may_have_been_processed()), (ErrorKind::Decode, true), "{coding}");
        let response = error.response().unwrap();
        assert_eq!((response.header("x-id"), response.bytes()), (Some("7"), &b""[..]));
        let mut stream = stage.session().get(URL).stream().unwrap();
        let error = io::copy(&mut stream, &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let error: session::Error = error.downcast().unwrap();
        assert_eq!(error.response().unwrap().header("x-id"), Some("7"));
        // The octets can be had all the same.
        let raw = stage.session().get(URL).decode(false).send().unwrap();
        assert_eq!(raw.text(), "\u{7}what is this");
    }
}

#[test]
fn w_9_the_headers_stay_those_of_the_body_that_was_sent() {
    let (body, length) = (gzip(b"hello"), gzip(b"hello").len().to_string());
    let stage = Stage::new();
    stage.host("a.example", move |_| answer("200 OK", &["Content-Encoding: gzip"], &body));
    let response = send(&stage).unwrap();
    assert_eq!(response.text(), "hello");
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    assert_eq!(response.header("content-length"), Some(&*length));
}

/// One step of reading: so many bytes with `read` (even), `read_exact` (odd, never more than are left), or what
/// `fill_buf` has (zero). Says whether the end was seen.
fn read_step(
    stream: &mut BufReader<session::Streaming>,
    size: usize,
    whole: usize,
    got: &mut Vec<u8>,
) -> bool {
    let n = match size {
        0 => {
            let n = stream.fill_buf().unwrap().len().min(3);
            got.extend_from_slice(&stream.buffer()[..n]);
            stream.consume(n);
            n
        }
        size if size % 2 == 1 => {
            let mut piece = vec![0; size.min(whole - got.len())];
            stream.read_exact(&mut piece).unwrap();
            got.extend_from_slice(&piece);
            return false;
        }
        size => {
            let mut piece = vec![0; size];
            let n = stream.read(&mut piece).unwrap();
            got.extend_from_slice(&piece[..n]);
            n
        }
    };
    n == 0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn di_5_any_pattern_of_reads_over_any_coding_and_framing_gives_the_same_bytes(
        data in proptest::collection::vec(proptest::sample::select(&b"abcdefghij\n"[..]), 0..3000),
        coding in 0..6_usize,
        framing in 0..3_usize,
        sizes in proptest::collection::vec(0..300_usize, 0..20),
        rest in 0..7_usize,
        fragments in proptest::sample::select(vec![Fragments::Whole, Fragments::Bytes, Fragments::Random]),
    ) {
        let (name, body) = [
            ("identity", data.clone()),
            ("gzip", gzip(&data)),
            ("deflate", deflate(&data)),
            ("br", br(&data)),
            ("zstd", zstd(&data)),
            ("br, zstd", zstd(&br(&data))),
        ][coding].clone();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\n");
        let stage = match framing {
            0 => serving([format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()),
            1 => {
                let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
                serving([head.as_bytes(), &chunked(&body, 37)].concat())
            }
            _ => closing([format!("{head}\r\n").as_bytes(), &body].concat()),
        };
        stage.world.fragment(fragments);
        let session = stage.session();
        prop_assert!(session.get(URL).send().unwrap().bytes() == data, "in one go");
        let mut stream = BufReader::with_capacity(128, session.get(URL).stream().unwrap());
        let mut got = Vec::new();
        let over = sizes.iter().any(|size| read_step(&mut stream, *size, data.len(), &mut got));
        if !over {
            match rest {
                0 => drop(stream.read_to_end(&mut got).unwrap()),
                1 => drop(io::copy(&mut stream, &mut got).unwrap()),
                _ => {
                    got.extend_from_slice(stream.buffer());
                    let mut stream = stream.into_inner();
                    match rest {
                        2 => got.extend_from_slice(stream.into_response().unwrap().bytes()),
                        3 => got.extend_from_slice(stream.into_response().unwrap().text().as_bytes()),
                        4 => drop(stream.copy_to(&mut got).unwrap()),
                        5 => stream.chunks_of(7).for_each(|piece| got.extend(piece.unwrap())),
                        _ => stream.chunks().for_each(|piece| got.extend(piece.unwrap())),
                    }
                }
            }
        }
        prop_assert!(got == data);
    }
}

/// Answers with a body that ends with its last byte, and what is in it.
fn ending() -> Vec<(Vec<u8>, &'static str)> {
    let sized = |coding: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\n{coding}Content-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let chunks = |coding: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\n{coding}Transfer-Encoding: chunked\r\n\r\n");
        [head.as_bytes(), &chunked(body, 7)].concat()
    };
    let hello = b"hello";
    vec![
        (chunks("Content-Encoding: gzip\r\n", &gzip(hello)), "hello"),
        (chunks("Content-Encoding: deflate\r\n", &deflate(hello)), "hello"),
        (chunks("Content-Encoding: br\r\n", &br(hello)), "hello"),
        (chunks("Content-Encoding: zstd\r\n", &zstd(hello)), "hello"),
        (sized("Content-Encoding: gzip\r\n", &gzip(hello)), "hello"),
        (sized("Content-Encoding: br, zstd\r\n", &zstd(&br(hello))), "hello"),
        (sized("", b""), ""),
        (sized("Content-Encoding: gzip\r\n", b""), ""),
        (chunks("", b""), ""),
        (chunks("", b"in chunks"), "in chunks"),
        (sized("", b"exactly"), "exactly"),
        (b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), ""),
    ]
}

#[test]
fn di_7_the_end_of_a_body_gives_the_connection_back_on_every_way() {
    for (bytes, text) in ending() {
        for_each_first_try(|trip| {
            let context = format!("{:?}: {}", trip.path, bytes.escape_ascii());
            let bytes = bytes.clone();
            trip.stage.host("a.test", move |_| Reply::raw(bytes.clone()));
            let session = trip.session();
            for _ in 0..3 {
                assert_eq!(trip.send(session.get(trip.url("a.test/"))).unwrap().text(), text, "{context}");
                let counts = session.pool().counts();
                assert_eq!((counts.idle, counts.open), (1, 1), "{context}");
            }
            assert_eq!(trip.stage.world.elapsed(), Duration::ZERO, "{context}");
            let connections = if matches!(trip.path, Path::Direct) { 1 } else { 2 };
            assert_eq!(trip.stage.world.connections(), connections, "{context}");
        });
    }
}

#[test]
fn di_7_the_end_of_a_body_is_known_with_its_last_byte() {
    for (bytes, text) in ending() {
        for fragments in [Fragments::Whole, Fragments::Bytes] {
            for looks in [false, true] {
                if !looks && fragments == Fragments::Bytes && text != "exactly" {
                    // What is behind the last byte that was decoded is still on its way.
                    continue;
                }
                let context = format!("{}, {fragments:?}, {looks}", bytes.escape_ascii());
                let stage = serving(bytes.clone());
                stage.world.fragment(fragments);
                let session: Session = stage.session();
                let idle = || (session.pool().counts().idle, session.pool().counts().open);
                for _ in 0..2 {
                    assert_eq!(session.get(URL).send().unwrap().text(), text);
                    assert_eq!(idle(), (1, 1), "{context}");
                    let mut stream = session.get(URL).stream().unwrap();
                    let mut all = vec![0; text.len()];
                    stream.read_exact(&mut all).unwrap();
                    assert_eq!(&*all, text.as_bytes(), "{context}");
                    if fragments == Fragments::Whole && !bytes.ends_with(b"\r\n\r\n0\r\n\r\n") {
                        assert_eq!(idle(), (1, 1), "{context}: before anybody looks for the end");
                    }
                    if looks {
                        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "{context}");
                        assert_eq!(idle(), (1, 1), "{context}: with the stream still there");
                    }
                    drop(stream);
                    assert_eq!(idle(), (1, 1), "{context}");
                }
                // The server is silent: whoever waited for more of it would wait for ever.
                assert_eq!(stage.world.connections(), 1, "{context}");
                assert!(stage.world.elapsed() < Duration::from_micros(10), "{context}");
            }
        }
    }
}
