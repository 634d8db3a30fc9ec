//! Bodies read in other ways than all at once: in pieces, between delimiters, into a writer.

use crate::support::{Stage, answer, open, serving};
use pool::sim::{Fragments, Reply, chunked};
use session::{Error, ErrorKind, Limit, Phase, Streaming, Timeouts};
use std::io::{self, Read, Write};
use std::time::Duration;
use testbed::encode::gzip;

const SECOND: Duration = Duration::from_secs(1);

/// A chunked body of these chunks.
fn in_chunks(chunks: &'static [&'static str]) -> Stage {
    serving(move || Reply::raw(chunked(chunks)))
}

fn text(pieces: impl Iterator<Item = Result<Vec<u8>, Error>>) -> Vec<String> {
    pieces.map(|piece| String::from_utf8(piece.unwrap()).unwrap()).collect()
}

#[test]
fn o_9_a_body_in_memory_is_read_any_number_of_times_whole_or_in_pieces() {
    let response = in_chunks(&["ab", "cde"]);
    let response = response.session().get("http://a.example/").send().unwrap();
    for _ in 0..2 {
        assert_eq!(response.bytes(), b"abcde");
        assert_eq!(response.bytes().chunks(2).collect::<Vec<_>>(), [&b"ab"[..], b"cd", b"e"]);
    }
}

#[test]
fn o_5_what_was_read_from_a_stream_is_not_read_again_and_what_was_not_is_still_there() {
    let stage = in_chunks(&["abcde"]);
    let mut stream = open(&stage);
    stream.read_exact(&mut [0; 2]).unwrap();
    assert_eq!(stream.into_response().unwrap().bytes(), b"cde");
    let mut stream = open(&stage);
    io::copy(&mut stream, &mut io::sink()).unwrap();
    assert!(stream.chunks().next().is_none());
    assert_eq!(stream.into_response().unwrap().bytes(), b"");
}

#[test]
fn o_9_pieces_of_one_size_are_whole_except_the_last_however_the_body_arrives() {
    let stage = in_chunks(&["a", "bcd", "efgh", "ij"]);
    for size in 1..=11 {
        let whole: Vec<String> =
            b"abcdefghij".chunks(size).map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect();
        assert_eq!(text(open(&stage).chunks_of(size)), whole, "{size}");
    }
    assert_eq!(text(open(&stage).chunks_of(0)), text(open(&stage).chunks_of(1)));
    let big: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let sent = big.clone();
    let stage = serving(move || answer("200 OK", &[], &sent));
    let mut stream = open(&stage);
    let pieces: Vec<Vec<u8>> = stream.chunks_of(100_001).map(Result::unwrap).collect();
    assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [100_001, 100_001, 99_998]);
    assert_eq!(pieces.concat(), big);
}

#[test]
fn o_9_pieces_come_as_they_arrive_and_the_stream_has_its_trailers_then() {
    let stage = Stage::new();
    let peer = stage.world.host("a.example", ["10.0.0.1"]).accept();
    peer.expect("GET /")
        .reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        .delay(Duration::from_secs(1))
        .reply("1\r\nc\r\n0\r\nX-Sum: 3\r\n\r\n");
    let mut stream = open(&stage);
    let mut chunks = stream.chunks();
    assert_eq!(chunks.next().unwrap().unwrap(), b"ab");
    assert!(stage.world.elapsed() < Duration::from_secs(1));
    assert_eq!(chunks.next().unwrap().unwrap(), b"c");
    assert!(chunks.next().is_none() && chunks.next().is_none());
    assert_eq!(stream.trailers().unwrap().get("x-sum").unwrap().as_bytes(), b"3");
}

#[test]
fn o_10_pieces_between_delimiters_do_not_depend_on_how_the_body_arrives() {
    for (body, delimiter, pieces) in [
        ("a||b||c", "||", &["a", "b", "c"][..]),
        ("a||b||", "||", &["a", "b"]),
        ("||a||||b", "||", &["", "a", "", "b"]),
        ("a|b|||c|", "||", &["a|b", "|c|"]),
        ("none", "||", &["none"]),
        ("||", "||", &[""]),
        ("", "||", &[]),
        ("aXaXbXaXaXbXc", "XaXb", &["a", "Xa", "Xc"]),
        ("1\n2\r\n3", "\n", &["1", "2\r", "3"]),
    ] {
        for fragments in [Fragments::Whole, Fragments::Bytes] {
            let stage = serving(move || answer("200 OK", &[], body));
            stage.world.fragment(fragments);
            assert_eq!(text(open(&stage).split(delimiter)), pieces, "{body:?} at {delimiter:?}");
        }
    }
}

#[test]
fn o_11_line_ends_and_delimiters_that_are_cut_by_a_chunk_give_no_line_more() {
    let stage = in_chunks(&["a\r", "\nb", "\r\n", "\r", "\nc|", "|d"]);
    let lines: Vec<String> = open(&stage).lines().map(Result::unwrap).collect();
    assert_eq!(lines, ["a", "b", "", "c||d"]);
    assert_eq!(text(open(&stage).split("||")), ["a\r\nb\r\n\r\nc", "d"]);
    assert_eq!(text(open(&stage).split("\r\n")), ["a", "b", "", "c||d"]);
}

#[test]
fn o_10_lines_end_as_those_of_bytes_do_in_python_and_no_other_character_ends_one() {
    for (body, lines) in [
        ("a\rb\r\nc\nd", &["a", "b", "c", "d"][..]),
        ("a\r\rb\r\r\nc\n\rd\r", &["a", "", "b", "", "c", "", "d"]),
        ("\r\n\r\n", &["", ""]),
        ("\n\n", &["", ""]),
        ("\r\n", &[""]),
        ("\n\r", &["", ""]),
        ("\na", &["", "a"]),
        ("\r", &[""]),
        ("a\u{b}b\u{c}c\u{1c}d\u{85}e\u{2028}f\u{2029}", &["a\u{b}b\u{c}c\u{1c}d\u{85}e\u{2028}f\u{2029}"]),
        ("", &[]),
    ] {
        for (charset, utf_16) in [("utf-8", false), ("utf-16be", true)] {
            let body = if utf_16 {
                body.encode_utf16().flat_map(u16::to_be_bytes).collect()
            } else {
                body.as_bytes().to_vec()
            };
            let head = format!("Content-Type: text/plain; charset={charset}");
            let stage = serving(move || answer("200 OK", &[&head], &body));
            for fragments in [Fragments::Whole, Fragments::Bytes] {
                stage.world.fragment(fragments);
                let read: Vec<String> = open(&stage).lines().map(Result::unwrap).collect();
                assert_eq!(read, lines, "{charset}, {fragments:?}");
            }
        }
    }
}

#[test]
fn o_11_a_line_is_there_as_soon_as_a_carriage_return_has_come() {
    let stage = Stage::new();
    let peer = stage.world.host("a.example", ["10.0.0.1"]).accept();
    peer.expect("GET /")
        .reply("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nfirst\r")
        .delay(Duration::from_secs(1))
        .reply("\nlast\r");
    let mut lines = open(&stage).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "first");
    assert!(stage.world.elapsed() < Duration::from_secs(1));
    assert_eq!(lines.next().unwrap().unwrap(), "last");
    assert!(lines.next().is_none() && lines.next().is_none());
}

#[test]
fn lines_of_a_body_of_one_octet_are_read_in_the_charset_that_the_head_says() {
    for (body, lines) in [(&b"\xe9"[..], &["é"][..]), (b"\xe9\n", &["é"]), (b"\n", &[""]), (b"", &[])] {
        let stage = serving(move || answer("200 OK", &["Content-Type: text/plain; charset=latin1"], body));
        let read: Vec<String> = open(&stage).lines().map(Result::unwrap).collect();
        assert_eq!(read, lines, "{body:?}");
    }
}

#[cfg(feature = "charset")]
#[test]
fn bytes_at_the_end_that_stand_for_no_character_are_no_line() {
    let shift = b"\x1b$B\x24\x22\x1b(B\n\x1b(B";
    let stage = serving(move || answer("200 OK", &["Content-Type: text/plain; charset=iso-2022-jp"], shift));
    let lines: Vec<String> = open(&stage).lines().map(Result::unwrap).collect();
    assert_eq!(lines, ["あ"]);
}

#[test]
fn a_piece_is_no_longer_than_a_body_in_memory_may_be_and_no_delimiter_is_an_error() {
    let stage = serving(|| answer("200 OK", &[], "a".repeat(10) + "," + &"b".repeat(11) + ",c"));
    let split =
        |limit: usize| stage.session().get("http://a.example/").max_body(limit).stream().unwrap().split(",");
    assert_eq!(text(split(11)).len(), 3);
    let mut pieces = split(10);
    assert_eq!(pieces.next().unwrap().unwrap(), b"aaaaaaaaaa");
    assert_eq!(pieces.next().unwrap().unwrap_err().kind(), ErrorKind::Body);
    assert!(pieces.next().is_none());
    let mut none = open(&stage).split("");
    assert_eq!(none.next().unwrap().unwrap_err().kind(), ErrorKind::Config);
    assert!(none.next().is_none());
}

#[test]
fn o_12_what_goes_wrong_while_reading_keeps_its_kind_and_a_timeout_is_one() {
    type Way = fn(Streaming) -> Error;
    let ways: [Way; 6] = [
        |mut stream| stream.copy_to(&mut io::sink()).unwrap_err(),
        |mut stream| stream.chunks().find_map(Result::err).unwrap(),
        |mut stream| stream.chunks_of(3).find_map(Result::err).unwrap(),
        |stream| stream.split("-").find_map(Result::err).unwrap(),
        |stream| stream.lines().find_map(Result::err).unwrap(),
        |stream| stream.into_response().unwrap_err(),
    ];
    for (head, body, kind) in [
        ("Transfer-Encoding: chunked", &b"5\r\nab-"[..], "Body"),
        ("Transfer-Encoding: chunked", b"2\r\nab\r\nx\r\n", "Protocol"),
        ("Content-Length: 10", b"ab-", "Body"),
        ("Content-Encoding: gzip\r\nContent-Length: 8", b"not gzip", "Decode"),
    ] {
        for way in ways {
            let stage = Stage::new();
            let peer = stage.world.host("a.example", ["10.0.0.1"]).accept();
            peer.expect("GET /").reply(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n")).reply(body).close();
            let error = way(open(&stage));
            assert_eq!(format!("{:?}", error.kind()), kind, "{head}: {error}");
        }
    }
    for way in ways {
        let stage = Stage::new();
        let peer = stage.world.host("a.example", ["10.0.0.1"]).accept();
        peer.expect("GET /").reply("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab-").hold();
        let get = stage.session().get("http://a.example/").timeouts(Timeouts::default().idle(SECOND));
        let error = way(get.stream().unwrap());
        assert!(error.is_timeout() && error.kind() == ErrorKind::Timeout(Limit::Idle), "{error}");
        assert_eq!(error.phase(), Some(Phase::Body));
    }
}

#[test]
fn a_body_is_copied_and_each_step_is_told() {
    let stage = serving(|| answer("200 OK", &[], vec![b'x'; 200_000]));
    let (mut to, mut steps) = (Vec::new(), Vec::new());
    let bytes = open(&stage).copy_to_with(&mut to, |done, total| steps.push((done, total))).unwrap();
    assert_eq!((bytes, to.len()), (200_000, 200_000));
    assert_eq!(steps.last(), Some(&(200_000, Some(200_000))));
    assert!(steps.len() > 2 && steps.is_sorted() && steps.iter().all(|(_, total)| *total == Some(200_000)));
    // How long a body is when it is decoded, or has ended, nobody says before.
    let zipped = serving(|| answer("200 OK", &["Content-Encoding: gzip"], gzip(&[b'y'; 100_000])));
    let mut totals = Vec::new();
    assert_eq!(open(&zipped).copy_to_with(&mut io::sink(), |_, total| totals.push(total)).unwrap(), 100_000);
    assert!(totals.iter().all(Option::is_none));
    assert_eq!(open(&serving(|| answer("200 OK", &[], ""))).copy_to(&mut io::sink()).unwrap(), 0);
}

/// Takes so many bytes, and then no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = buf.len().min(self.0);
        self.0 -= n;
        if n == 0 { Err(io::Error::new(io::ErrorKind::StorageFull, "no space left")) } else { Ok(n) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn f30_a_sink_that_fails_is_an_io_error_with_its_cause_and_the_connection_is_closed() {
    // A connection whose answer had arrived whole has nothing left on it, and is kept.
    for (size, open) in [(1000, 1), (500_000, 0)] {
        let stage = serving(move || answer("200 OK", &[], vec![b'x'; size]));
        let session = stage.session();
        let mut stream = session.get("http://a.example/").stream().unwrap();
        let error = stream.copy_to(&mut Full(500)).unwrap_err();
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("no space left"), "{error}");
        let cause = std::error::Error::source(&error).unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
        // What was taken from the body is gone: the rest is no body.
        assert_eq!(stream.chunks().next().unwrap().unwrap_err().kind(), ErrorKind::Body);
        drop(stream);
        assert_eq!(session.pool().counts().open, open, "{size}");
    }
}

#[test]
fn a_piece_takes_no_more_memory_than_it_has_bytes() {
    let stage = in_chunks(&["a"; 100]);
    stage.world.fragment(Fragments::Bytes);
    let mut stream = open(&stage);
    let pieces: Vec<Vec<u8>> = stream.chunks().map(Result::unwrap).collect();
    assert!(pieces.len() > 1 && pieces.concat() == [b'a'; 100]);
    assert!(pieces.iter().all(|piece| piece.capacity() == piece.len()), "{pieces:?}");
}

/// In the two bytes of a kanji a line feed is no end of a line. Were such a line put together anew for each of them, this
/// would take hours.
#[test]
#[cfg(feature = "charset")]
fn cpu_a_line_of_bytes_that_end_lines_elsewhere_takes_no_longer_than_others() {
    let body = [&b"\x1b$B"[..], &[b'\n'; 2_000_000]].concat();
    let stage = serving(move || answer("200 OK", &["Content-Type: text/plain; charset=iso-2022-jp"], &body));
    let lines: Vec<String> = open(&stage).lines().map(Result::unwrap).collect();
    assert_eq!(lines.iter().map(|line| line.chars().count()).collect::<Vec<_>>(), [2_000_000]);
}
