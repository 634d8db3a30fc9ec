//! Bodies that are read while they arrive.

use crate::support::{HANG, builder, ok, reused, session, text, trusting};
use session::{ErrorKind, Streaming};
use std::io::{self, Read};
use testbed::Testbed;
use testbed::raw::{RawServer, Script};

/// Reads to the end in pieces of this size; gives the length, and whether every byte was `x`.
fn consume(stream: &mut Streaming, piece: usize) -> (u64, bool) {
    let (mut buf, mut total, mut same) = (vec![0; piece], 0, true);
    loop {
        match stream.read(&mut buf).unwrap() {
            0 => return (total, same),
            n => {
                total += n as u64;
                same &= buf[..n].iter().all(|byte| *byte == b'x');
            }
        }
    }
}

#[test]
fn a_body_is_the_same_in_pieces_of_any_size() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).build().unwrap();
    for base in [testbed.http(), testbed.https()] {
        let whole = session.get(format!("{base}/bytes/102400?seed=7")).send().unwrap().into_bytes();
        assert_eq!(whole.len(), 102_400);
        for piece in [1, 7, 1000, 16 * 1024, 1 << 20] {
            for path in ["bytes", "stream-bytes"] {
                let url = format!("{base}/{path}/102400?seed=7&chunk_size=999");
                let mut stream = session.get(url).stream().unwrap();
                let (mut body, mut buf) = (Vec::new(), vec![0; piece]);
                loop {
                    match stream.read(&mut buf).unwrap() {
                        0 => break,
                        n => body.extend_from_slice(&buf[..n]),
                    }
                }
                assert!(body == whole, "{path} in pieces of {piece}");
                assert_eq!(stream.read(&mut buf).unwrap(), 0, "the end stays the end");
            }
        }
    }
    let stats = testbed.stats();
    assert_eq!((stats.plain_connections, stats.tls_connections), (1, 1), "read to the end, kept");
}

#[test]
fn chunked_bodies_end_where_they_end() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).build().unwrap();
    for base in [testbed.http(), testbed.https()] {
        for (total, size) in [(0, 10), (1, 1), (50_000, 1), (1 << 20, 1000), (1 << 22, 1 << 20)] {
            let mut stream = session.get(format!("{base}/chunked/{total}/{size}")).stream().unwrap();
            assert_eq!(stream.bytes_left(), None);
            assert_eq!(consume(&mut stream, 4096), (total, true), "{total} in chunks of {size}");
        }
    }
    let stats = testbed.stats();
    assert_eq!((stats.plain_connections, stats.tls_connections), (1, 1));
}

#[test]
fn a_sized_body_says_how_much_is_left() {
    let testbed = Testbed::start().unwrap();
    let mut stream = session().get(format!("{}/bench/1000000", testbed.http())).stream().unwrap();
    assert_eq!((stream.bytes_left(), stream.attempts().is_some()), (Some(1_000_000), false));
    stream.read_exact(&mut [0; 1000]).unwrap();
    assert_eq!(stream.bytes_left(), Some(999_000));
    io::copy(&mut stream, &mut io::sink()).unwrap();
    assert_eq!(stream.bytes_left(), Some(0));
    assert!(stream.attempts().unwrap().last().bytes_received > 1_000_000);
}

#[test]
fn a_compressed_body_is_decoded_as_it_is_read() {
    let testbed = Testbed::start().unwrap();
    for piece in [1, 5, 4096] {
        let mut stream = session().get(format!("{}/gzip", testbed.http())).stream().unwrap();
        let (mut body, mut buf) = (Vec::new(), vec![0; piece]);
        while let n @ 1.. = stream.read(&mut buf).unwrap() {
            body.extend_from_slice(&buf[..n]);
        }
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value["gzipped"], true);
    }
}

#[test]
fn lines_come_as_lines() {
    let testbed = Testbed::start().unwrap();
    let stream = session().get(format!("{}/stream/20", testbed.http())).stream().unwrap();
    let ids: Vec<u64> = stream
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap()["id"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(ids, (0..20).collect::<Vec<u64>>());
}

#[test]
fn what_was_not_read_yet_can_be_had_as_a_response() {
    let testbed = Testbed::start().unwrap();
    let session = session();
    let mut stream = session.get(format!("{}/bench/100000", testbed.http())).stream().unwrap();
    stream.read_exact(&mut [0; 99_000]).unwrap();
    let response = stream.into_response().unwrap();
    assert_eq!((response.bytes().len(), response.status().as_u16()), (1000, 200));
    assert!(reused(&session.get(format!("{}/get", testbed.http())).send().unwrap()));
}

#[test]
fn trailers_are_there_after_the_end() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n";
    let server = RawServer::start([Script::new().answer(answer).wait_for_close()]).unwrap();
    let mut stream = session().get(server.url()).stream().unwrap();
    let mut body = String::new();
    stream.read_to_string(&mut body).unwrap();
    assert_eq!((&*body, stream.trailers().unwrap().get("x-sum").unwrap().as_bytes()), ("abc", &b"7"[..]));
}

#[test]
fn bytes_that_come_one_by_one_are_the_same_bytes() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n";
    let sized = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world";
    let testbed = Testbed::start().unwrap();
    let identity = testbed.ca().issue(&["localhost"]).unwrap();
    for answer in [chunked, sized] {
        let script = || [Script::new().expect_head().send_bytewise(answer).wait_for_close()];
        let plain = RawServer::start(script()).unwrap();
        let tls = RawServer::start_tls(script(), &identity).unwrap();
        let session = trusting(&testbed).build().unwrap();
        assert_eq!(text(session.get(plain.url()).send()), "hello world");
        assert_eq!(text(session.get(tls.url()).send()), "hello world");
        assert_eq!(session.pool().counts().idle, 2);
    }
}

#[test]
fn streams_are_independent_of_one_another() {
    let testbed = Testbed::start().unwrap();
    let session = session();
    let mut streams: Vec<Streaming> = (0..8_u64)
        .map(|n| session.get(format!("{}/chunked/{}/100", testbed.http(), 300_000 + n)).stream().unwrap())
        .collect();
    // A piece from each in turn, and requests in between.
    let mut totals = [0; 8];
    let mut buf = [0; 30_000];
    loop {
        let read: Vec<usize> = streams.iter_mut().map(|stream| stream.read(&mut buf).unwrap()).collect();
        for (total, n) in totals.iter_mut().zip(&read) {
            *total += *n as u64;
        }
        assert!(session.get(format!("{}/get", testbed.http())).send().unwrap().ok());
        if read.iter().all(|n| *n == 0) {
            break;
        }
    }
    assert_eq!(totals, [0, 1, 2, 3, 4, 5, 6, 7].map(|n| 300_000 + n));
}

#[test]
fn a_stream_outlives_its_session() {
    let testbed = Testbed::start().unwrap();
    let mut stream = session().get(format!("{}/chunked/1000000/1000", testbed.http())).stream().unwrap();
    assert_eq!(consume(&mut stream, 4096), (1_000_000, true));
}

#[test]
fn a_body_in_memory_has_a_limit_and_a_stream_has_none() {
    let testbed = Testbed::start().unwrap();
    let session = builder().max_body(100_000).build().unwrap();
    let url = |n| format!("{}/bench/{n}", testbed.http());
    let chunked = format!("{}/chunked/100001/10", testbed.http());
    assert_eq!(session.get(url(100_000)).send().unwrap().bytes().len(), 100_000);
    for too_long in [url(100_001), chunked] {
        let error = session.get(&too_long).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Body);
        assert!(error.to_string().contains("stream()"), "{error}");
        let mut stream = session.get(&too_long).stream().unwrap();
        assert_eq!(io::copy(&mut stream, &mut io::sink()).unwrap(), 100_001);
    }
}

#[test]
fn an_error_for_status_reads_the_page_of_the_error() {
    let server = RawServer::start([Script::new()
        .answer("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nlost")
        .answer(ok("found"))
        .wait_for_close()])
    .unwrap();
    let session = builder().error_for_status(true).build().unwrap();
    let error = session.get(server.url()).stream().unwrap_err();
    assert_eq!(error.response().unwrap().text(), "lost");
    assert_eq!(text(session.get(server.url()).send()), "found");
    assert!(server.connections() == 1 && !server.wait_until_ended(1, std::time::Duration::ZERO));
    drop(session);
    assert!(server.wait_until_ended(1, HANG));
}
