//! The outcome does not depend on how the bytes were cut. Every test here runs its streams through the
//! comparison in `support::run`; these are the streams that are most likely to show a difference.

use http_wire::{Inbox, Limits, Method, RequestHead};
use proptest::prelude::*;

use crate::support::{Fetch, Lcg, cut, request, run, started, transcript};

/// Pieces of responses that matter to a parser.
const PIECES: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\n",
    "HTTP/1.0 200 \r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 101 S\r\nUpgrade: x\r\n",
    "HTTP/1.1 204 N\r\n",
    "HTTP/",
    "HTTP/1.1 ",
    "Content-Length: 3\r\n",
    "Content-Length: 3\n",
    "Content-Length: 4\r\n",
    "content-length: x\r\n",
    "Content-Length:\r\n 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Connection: close\r\n",
    "X: y\r\n",
    "X: y\r\n z\r\n",
    "\t z\r\n",
    " \r\n",
    "X : y\r\n",
    "X\r\n",
    ": y\r\n",
    "X: \0\r\n",
    "X: a\rb\r\n",
    "\r\n",
    "\n",
    "\r",
    " ",
    "\0",
    "abc",
    "3\r\nabc\r\n",
    "3;x=y\r\nabc\r\n",
    "3 ;\r\nabc\r\n",
    "3\nabc\r\n",
    "0\r\n",
    "0\r\n\r\n",
    "0\r\nT: u\r\n\r\n",
    "0\r\nT: u\r\n v\r\n\r\n",
    "0\r\nT: u\n\r\n",
    "ffffffffffffffff\r\n",
    "00000000000000000\r\n",
];

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 0..12);
    pieces.prop_map(|pieces| pieces.concat().into_bytes())
}

fn small() -> Limits {
    let mut limits = Limits::default();
    (limits.max_head, limits.max_headers, limits.max_informational) = (90, 4, 1);
    (limits.max_chunk_ext, limits.max_trailers, limits.max_trailer_fields) = (5, 12, 1);
    limits
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn r11_i3_no_cut_makes_a_difference(stream in streams(), begun in any::<bool>(), tight in any::<bool>(), which in 0usize..4) {
        let method = [Method::GET, Method::HEAD, Method::CONNECT, Method::POST][which].clone();
        let begin: &[u8] = if begun { b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" } else { b"" };
        run(&request(method), if tight { small() } else { Limits::default() }, &[begin, &stream].concat());
    }

    #[test]
    fn r11_i3_nor_in_bytes_of_any_kind(stream in proptest::collection::vec(any::<u8>(), 0..200)) {
        run(&request(Method::GET), Limits::default(), &[b"HTTP/1.1 200 OK\r\n", stream.as_slice()].concat());
    }
}

#[test]
fn r11_i3_every_single_cut_of_a_whole_exchange() {
    let upgrade =
        RequestHead::builder(Method::GET, "/").header("Host", "a.test").upgrade("x").build().unwrap();
    for (request, stream) in [
        (
            request(Method::GET),
            "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 \u{e9}\nA: b\r\n \tc\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nab\r\n0a\r\n0123456789\r\n0\r\nT: u\r\n\r\nrest",
        ),
        (request(Method::GET), "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello, world"),
        (upgrade, "HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\nother"),
    ] {
        let stream = stream.as_bytes();
        let whole = transcript(&request, Limits::default(), &[stream], Fetch::All, 0);
        assert!(whole.error().is_none());
        for at in 0..=stream.len() {
            let (a, b) = stream.split_at(at);
            for fetch in [Fetch::All, Fetch::Some, Fetch::Read] {
                assert_eq!(
                    transcript(&request, Limits::default(), &[a, b], fetch, at as u64),
                    whole,
                    "cut at {at}"
                );
            }
        }
    }
}

#[test]
fn r11_i3_every_truncation_fails_the_same_way() {
    let stream = b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nTransfer-Encoding: chunked\r\n\r\n2 ;x\r\nab\r\n0\r\nT: u\r\n v\r\n\r\n";
    for end in 0..stream.len() {
        assert!(run(&request(Method::GET), Limits::default(), &stream[..end]).error().is_some());
    }
}

#[test]
fn r11_i3_every_wrong_byte_is_wrong_in_the_same_way() {
    let stream = b"HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: u\r\n\r\n";
    let mut random = Lcg(3);
    for at in 0..stream.len() {
        for wrong in [b'\0', b'\r', b'\n', b' ', b'\t', b':', b';', b'0', 0xff, random.below(256) as u8] {
            let mut stream = stream.to_vec();
            stream[at] = wrong;
            run(&request(Method::GET), Limits::default(), &stream);
        }
    }
}

/// The peer sends this and falls silent; is it known by then that it is not HTTP?
fn is_refused(pieces: &[&[u8]]) -> bool {
    let limits = Limits::default();
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
    pieces.iter().any(|piece| {
        inbox.push(piece);
        wire.next_event(&mut inbox).is_err()
    })
}

#[test]
fn r11_what_is_not_http_is_refused_by_the_end_of_its_first_line_however_it_arrives() {
    for line in
        ["Hello, this is not HTTP\r\n", "HTTP/2 200\r\n", "HTTP/1.1 OK\r\n", "H\n", "HTTP/1.1 2000 x\n"]
    {
        assert!(is_refused(&[line.as_bytes()]), "{line:?}");
        assert!(is_refused(&line.as_bytes().chunks(1).collect::<Vec<_>>()), "{line:?}");
        for seed in 0..20 {
            assert!(is_refused(&cut(line.as_bytes(), &mut Lcg(seed))), "{line:?} cut by {seed}");
        }
    }
}

#[test]
fn r11_what_is_wrong_in_a_head_is_refused_before_it_has_doubled() {
    for good in [1, 10, 100, 1000, 10_000] {
        let begin = format!("HTTP/1.1 200 OK\r\nA: {}\r\nno field\r\n", "b".repeat(good));
        let stream = format!("{begin}B: {}", "c".repeat(begin.len()));
        assert!(is_refused(&stream.as_bytes().chunks(1).collect::<Vec<_>>()), "{good}");
    }
}
