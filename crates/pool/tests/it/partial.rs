//! Bodies that are cut, dripped and fragmented: complete or an error, never silently short.

use crate::support::{counts, facts, fetch, fetch_partly, get, millis, pattern, request, secs, world};
use pool::sim::{Fragments, Reply, chunked, ok};
use pool::{Body, Config, ErrorKind, Event, Method, Phase};
use std::io::{self, Read};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";

/// A chunked body with an extension and a trailer, and how much of its text lies before each offset.
const CHUNKS: &str = "4\r\nThis\r\n3;ext=\"a;b\"\r\n is\r\n0003\r\n it\r\n0\r\nX-Sum: 10\r\n\r\n";

fn chunk_text_before(offset: usize) -> usize {
    [(3, 4), (22, 3), (33, 3)].iter().map(|(start, len)| offset.saturating_sub(*start).min(*len)).sum()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    Fin,
    /// The bytes before it have arrived and been read.
    Rst,
}

/// Answers with the head, then with so much of the body, then cuts.
fn cut(head: &str, body: &[u8], cut: Cut) -> (Vec<u8>, Result<String, pool::Error>) {
    let (world, host) = world();
    let peer = host.accept().expect("GET /").reply([head.as_bytes(), body].concat());
    match cut {
        Cut::Fin => peer.close(),
        Cut::Rst => peer.delay(millis(1)).reset(),
    };
    let pool = world.pool(Config::default());
    let (body, result) = fetch_partly(&pool, get("/"));
    if let Err(error) = &result {
        assert_eq!((counts(&pool).0, world.open()), (0, 0), "a connection in doubt is closed");
        assert_eq!(error.attempts().last().peer, Some("10.0.0.1:80".parse().unwrap()));
        assert!(error.may_have_been_processed());
    }
    (body, result.map(|answer| answer.text().to_owned()))
}

#[test]
fn f02_a_sized_body_cut_at_any_offset_is_an_error_that_counts() {
    let text = b"This is it";
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n";
    for how in [Cut::Fin, Cut::Rst] {
        for n in 0..text.len() {
            let (body, result) = cut(head, &text[..n], how);
            let error = result.unwrap_err();
            assert_eq!(facts(&error), (ErrorKind::Body, Some(Phase::Body), 1), "{n}, {how:?}");
            assert_eq!(
                error.to_string(),
                format!("http://a.example: the response body ended after {n} of 10 bytes")
            );
            assert_eq!(body, text[..n], "{how:?}");
        }
        assert_eq!(cut(head, text, how).1.unwrap(), "This is it");
    }
}

#[test]
fn f02_a_chunked_body_cut_at_any_offset_is_an_error_also_in_the_trailers() {
    for how in [Cut::Fin, Cut::Rst] {
        for n in 0..CHUNKS.len() {
            let (body, result) = cut(CHUNKED, &CHUNKS.as_bytes()[..n], how);
            let error = result.unwrap_err();
            let got = chunk_text_before(n);
            assert_eq!(facts(&error), (ErrorKind::Body, Some(Phase::Body), 1), "{n}, {how:?}");
            assert_eq!(
                error.detail(),
                format!("the response body ended after {got} bytes, before its end was announced"),
                "{n}, {how:?}"
            );
            assert_eq!(body, &b"This is it"[..got], "{n}, {how:?}");
        }
    }
    assert_eq!(cut(CHUNKED, CHUNKS.as_bytes(), Cut::Fin).1.unwrap(), "This is it");
}

#[test]
fn f01_a_body_without_length_is_complete_with_fin_and_cut_with_rst() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    for n in 0..5 {
        let text = &"text"[..n.min(4)];
        assert_eq!(cut(head, text.as_bytes(), Cut::Fin).1.unwrap(), text);
        let (body, result) = cut(head, text.as_bytes(), Cut::Rst);
        assert_eq!(facts(&result.unwrap_err()), (ErrorKind::Body, Some(Phase::Body), 1));
        assert_eq!(body, text.as_bytes());
    }
}

#[test]
fn f02_a_head_cut_at_any_offset_is_an_error() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for n in 1..head.len() {
        let (_, result) = cut(&head[..n], b"", Cut::Fin);
        assert_eq!(facts(&result.unwrap_err()), (ErrorKind::Protocol, Some(Phase::Head), 1), "{n}");
    }
    let (_, result) = cut("", b"", Cut::Fin);
    assert_eq!(facts(&result.unwrap_err()), (ErrorKind::Closed, Some(Phase::Head), 1));
    let (_, result) = cut("HTTP/1.1 100 Continue\r\n\r\n", b"", Cut::Fin);
    assert_eq!(
        facts(&result.unwrap_err()),
        (ErrorKind::Protocol, Some(Phase::Head), 1),
        "an interim head is no answer"
    );
}

#[test]
fn mb_4_an_announced_length_is_not_believed_before_it_comes() {
    for length in ["1000000000000000", "9223372036854775807"] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let (body, result) = cut(&head, b"ten bytes.", Cut::Fin);
        let error = result.unwrap_err();
        assert_eq!((error.kind(), body.len()), (ErrorKind::Body, 10));
        assert_eq!(error.detail(), format!("the response body ended after 10 of {length} bytes"));
    }
}

#[test]
fn f07_garbage_in_a_chunked_body_is_a_protocol_error_after_the_data_before_it() {
    for garbage in [
        "x\r\n",
        "-1\r\n",
        "+4\r\n",
        "0x4\r\n",
        " 4\r\n",
        "4\r\nlongX",
        "11111111111111111\r\n",
        "4;a\rb\r\n",
        "\r\n",
    ] {
        let (body, result) = cut(CHUNKED, format!("4\r\nThis\r\n{garbage}").as_bytes(), Cut::Fin);
        let error = result.unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Protocol, Some(Phase::Body), 1), "{garbage:?}");
        assert!(body.starts_with(b"This"), "{garbage:?}");
    }
    let (body, result) = cut(CHUNKED, b"4\r\nThis\r\n0\r\nno colon\r\n\r\n", Cut::Fin);
    assert_eq!(
        (facts(&result.unwrap_err()), body.as_slice()),
        ((ErrorKind::Protocol, Some(Phase::Body), 1), &b"This"[..])
    );
}

#[test]
fn f08_chunk_extensions_and_trailers_have_limits_and_closing_is_what_follows() {
    for (raw, good) in [
        (format!("4;{}\r\nThis\r\n0\r\n\r\n", "x".repeat(16 * 1024 - 1)), true),
        (format!("4;{}\r\nThis\r\n0\r\n\r\n", "x".repeat(16 * 1024)), false),
        (format!("4\r\nThis\r\n0\r\nX: {}\r\n\r\n", "x".repeat(16 * 1024 - 7)), true),
        (format!("4\r\nThis\r\n0\r\nX: {}\r\n\r\n", "x".repeat(16 * 1024 - 6)), false),
        (format!("4\r\nThis\r\n0\r\n{}\r\n", "X: y\r\n".repeat(128)), true),
        (format!("4\r\nThis\r\n0\r\n{}\r\n", "X: y\r\n".repeat(129)), false),
    ] {
        let (_, result) = cut(CHUNKED, raw.as_bytes(), Cut::Fin);
        match result {
            Ok(text) => assert!(good && text == "This", "{} bytes", raw.len()),
            Err(error) => {
                assert_eq!((good, error.kind()), (false, ErrorKind::Protocol), "{} bytes: {error}", raw.len())
            }
        }
    }
}

#[test]
fn r11_the_outcome_does_not_depend_on_how_the_bytes_were_cut() {
    for (fragments, len) in
        [(Fragments::Whole, 300_000), (Fragments::Random, 300_000), (Fragments::Bytes, 3_000)]
    {
        let body = pattern(len);
        let sized = [format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n").as_bytes(), &body].concat();
        let until_end = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &body].concat();
        let mut chunks = CHUNKED.as_bytes().to_vec();
        for piece in body.chunks(977) {
            chunks.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            chunks.extend_from_slice(&[piece, b"\r\n"].concat());
        }
        chunks.extend_from_slice(b"0\r\nX-Sum: 10\r\n\r\n");
        for (raw, kept, trailer) in
            [(sized, true, None), (chunks, true, Some("10")), (until_end, false, None)]
        {
            for per_mille in [0, 300] {
                let (world, host) = world();
                world.fragment(fragments);
                world.spurious(per_mille);
                world.interrupts(per_mille);
                let peer = host.accept().expect("GET /").reply(&raw);
                if !kept {
                    peer.close();
                }
                let pool = world.pool(Config::default());
                let answer = fetch(&pool, get("/")).unwrap();
                assert!(answer.body == body, "{fragments:?}");
                assert_eq!((answer.kept, answer.attempts.len()), (kept, 1));
                let sum = answer.trailers.as_ref().and_then(|trailers| trailers.get("X-Sum"));
                assert_eq!(sum.map(|sum| sum.to_str().unwrap()), trailer);
                assert_eq!(answer.attempts.last().bytes_received, raw.len() as u64);
            }
        }
    }
}

#[test]
fn a_body_is_the_same_through_buffers_of_any_size() {
    let body = pattern(50_000);
    for size in [1, 7, 1000, 16 * 1024 - 1, 16 * 1024, 1 << 20] {
        let (world, host) = world();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        host.accept()
            .expect("GET /")
            .reply(&head)
            .delay(secs(1))
            .reply(&body[..20_000])
            .delay(secs(1))
            .reply(&body[20_000..]);
        let pool = world.pool(Config::default());
        let (_, mut reader) = pool.send(get("/")).unwrap().into_parts();
        let (mut got, mut buf) = (Vec::new(), vec![0; size]);
        loop {
            match reader.read(&mut buf).unwrap() {
                0 => break,
                n => got.extend_from_slice(&buf[..n]),
            }
        }
        assert!(got == body, "{size}");
        assert!(reader.summary().unwrap().kept);
        assert_eq!(reader.read(&mut buf).unwrap(), 0, "the end stays the end");
        assert_eq!(reader.read(&mut []).unwrap(), 0);
    }
}

#[test]
fn r5_reading_on_after_an_error_is_an_error() {
    let (world, host) = world();
    host.accept().expect("GET /").reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none").close();
    let pool = world.pool(Config::default());
    let (_, mut reader) = pool.send(get("/")).unwrap().into_parts();
    let mut body = Vec::new();
    let error = reader.read_to_end(&mut body).unwrap_err();
    let inner = error.get_ref().unwrap().downcast_ref::<pool::Error>().unwrap();
    assert_eq!(
        (inner.kind(), body.as_slice()),
        (ErrorKind::Body, &b"one"[..]),
        "the error can be had from the io::Error"
    );
    for _ in 0..3 {
        let again: io::Result<usize> = reader.read(&mut [0; 8]);
        assert!(again.is_err(), "{again:?}");
    }
    assert!(reader.summary().is_none());
}

#[test]
fn f04_one_byte_per_segment_is_as_good_as_all_at_once() {
    for raw in
        [ok("This is it"), chunked(&["This", " is it"]), [CHUNKED.as_bytes(), CHUNKS.as_bytes()].concat()]
    {
        let (world, host) = world();
        host.accept().expect("GET /1").drip(&raw, millis(1)).expect("GET /2").reply(ok("and on"));
        let pool = world.pool(Config::default());
        assert_eq!(fetch(&pool, get("/1")).unwrap().text(), "This is it");
        assert_eq!(world.elapsed(), millis(raw.len() as u64 - 1));
        assert_eq!(fetch(&pool, get("/2")).unwrap().text(), "and on");
    }
}

#[test]
fn r8_one_broken_body_leaves_the_others_alone() {
    let (world, host) = world();
    host.accept_all(|received| match received.target() {
        "/broken" => Reply::raw(format!("{CHUNKED}3\r\none\r\nzzz")).close(),
        _ => Reply::raw(chunked(&["This", " is it"])),
    });
    let pool = world.pool(Config::default());
    for _ in 0..5 {
        let mut good = pool.send(get("/good")).unwrap();
        assert_eq!(fetch(&pool, get("/broken")).unwrap_err().kind(), ErrorKind::Protocol);
        let mut text = String::new();
        good.body_mut().read_to_string(&mut text).unwrap();
        assert_eq!(text, "This is it");
    }
    assert_eq!(counts(&pool), (1, 1, 0));
}

#[test]
fn what_remains_of_a_body_is_known_where_the_framing_says_it() {
    let head = |fields: &str| format!("HTTP/1.1 {fields}\r\n\r\n");
    // Method, head of the answer, what remains when the head is here.
    let table = [
        (Method::GET, head("200 OK\r\nContent-Length: 3"), Some(3)),
        (Method::GET, head("200 OK\r\nContent-Length: 3, 3"), Some(3)),
        (Method::GET, head("200 OK\r\nContent-Length: 0"), Some(0)),
        (Method::GET, head("200 OK\r\nTransfer-Encoding: chunked"), None),
        (Method::GET, head("200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked"), None),
        (Method::GET, head("200 OK"), None),
        (Method::GET, head("204 No Content\r\nContent-Length: 3"), Some(0)),
        (Method::GET, head("304 Not Modified\r\nContent-Length: 3"), Some(0)),
        (Method::HEAD, head("200 OK\r\nContent-Length: 3"), Some(0)),
        (Method::HEAD, head("200 OK\r\nTransfer-Encoding: chunked"), Some(0)),
    ];
    for (method, answer, remaining) in table {
        let (world, host) = world();
        host.accept().expect(&format!("{method} /")).reply(answer.clone());
        let pool = world.pool(Config::default());
        let mut driver = pool.driver().unwrap();
        let id = driver.start(request(method, "/", Body::Empty));
        assert_eq!(driver.remaining(id), None, "before the head: {answer:?}");
        while !matches!(driver.next_event(), Some((_, Event::Head(_)))) {
            driver.turn(None).unwrap();
        }
        assert_eq!(driver.remaining(id), remaining, "{answer:?}");
        driver.cancel(id);
        assert_eq!(driver.remaining(id), Some(0), "over: {answer:?}");
    }
}

#[test]
fn what_remains_of_a_body_goes_down_as_it_is_read() {
    let (world, host) = world();
    host.accept().expect("GET /").reply("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nThis is it");
    let pool = world.pool(Config::default());
    let mut driver = pool.driver().unwrap();
    let id = driver.start(get("/"));
    while !matches!(driver.next_event(), Some((_, Event::Head(_)))) {
        driver.turn(None).unwrap();
    }
    for left in [7, 4, 1] {
        assert_eq!(driver.read(id, &mut [0; 3]).unwrap(), 3);
        assert_eq!(driver.remaining(id), Some(left));
    }
    assert_eq!(driver.read(id, &mut [0; 3]).unwrap(), 1);
    assert_eq!(driver.remaining(id), Some(0));
}
