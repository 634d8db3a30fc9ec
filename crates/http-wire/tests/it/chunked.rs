//! The chunked coding of RFC 9112 section 7.1.

use http_wire::{Event, Inbox, Limits, Method, Phase, RecvError, Reuse};

use crate::support::{get, request, run, started};

fn chunked(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
}

#[test]
fn chunks_are_joined_and_their_framing_is_gone() {
    let seen = get(chunked("5\r\nhello\r\n1\r\n \r\n00a\r\n0123456789\r\n0\r\n\r\n"));
    assert_eq!((seen.body(), seen.reuse), (&b"hello 0123456789"[..], Reuse::Keep));
}

#[test]
fn sizes_are_hexadecimal_in_either_case() {
    let body = "x".repeat(0xAB);
    assert_eq!(get(chunked(&format!("aB\r\n{body}\r\n0000000000000000\r\n\r\n"))).body(), body.as_bytes());
}

#[test]
fn line_ends_inside_data_are_data() {
    assert_eq!(get(chunked("6\r\na\r\nb\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n")).body(), b"a\r\nb\r\n\r\n");
}

#[test]
fn extensions_are_skipped() {
    let seen = get(chunked("5;a=b;c=\"d;e\"\r\nhello\r\n1 \t;\r\n!\r\n0;last\r\n\r\n"));
    assert_eq!(seen.body(), b"hello!");
}

#[test]
fn fr_9_a_chunk_size_is_digits_and_an_extension() {
    let sizes = [
        "", "0x5", "5_0", "+5", "-1", " 5", "\t5", "5 ", "5 5", "g", "5\x0b", "００", "5\n", "5;a\n",
        "5;a\rb", "5\r", "5\rX", ";a", "\n",
    ];
    for size in sizes {
        let seen = get(chunked(&format!("{size}\r\nhello\r\n0\r\n\r\n")));
        assert_eq!(seen.error(), Some(RecvError::BadChunkSize), "{size:?}");
    }
    let seen = get(chunked("1\r\nZ\r\n\r\n"));
    assert_eq!(
        (seen.body(), seen.error()),
        (&b"Z"[..], Some(RecvError::BadChunkSize)),
        "last chunk without its 0"
    );
}

#[test]
fn chunk_data_is_followed_by_crlf_and_nothing_else() {
    for end in ["X", "\n", "\rX", "\r\r\n", " \r\n"] {
        let seen = get(chunked(&format!("3\r\nabc{end}0\r\n\r\n")));
        assert_eq!((seen.body(), seen.error()), (&b"abc"[..], Some(RecvError::BadChunkEnd)), "{end:?}");
    }
}

#[test]
fn pn_1_no_size_overflows() {
    for size in ["ffffffffffffffff", "fffffffffffffffe", "8000000000000000", "0000000000000fff"] {
        let seen = get(chunked(&format!("{size}\r\nabc")));
        assert_eq!(
            (seen.body(), seen.error()),
            (&b"abc"[..], Some(RecvError::UnexpectedEof(Phase::Chunk))),
            "{size}"
        );
    }
    for size in [
        "10000000000000000".to_owned(),
        "00000000000000005".to_owned(),
        format!("{}5", "0".repeat(100)),
        "0".repeat(100_000),
    ] {
        let seen = get(chunked(&format!("{size}\r\nabcde\r\n0\r\n\r\n")));
        assert_eq!((seen.body(), seen.error()), (&b""[..], Some(RecvError::BadChunkSize)));
    }
}

#[test]
fn mb_3_extensions_are_limited_over_the_whole_body() {
    let limits = Limits::default();
    // `;` and 2047 more bytes, eight times: the limit exactly.
    let chunk = format!("1;{}\r\nA\r\n", "x".repeat(2047));
    let fits = chunked(&format!("{}0\r\n\r\n", chunk.repeat(limits.max_chunk_ext / 2048)));
    assert_eq!(get(fits).body(), b"AAAAAAAA");
    let surplus = chunked(&format!("{}0;\r\n\r\n", chunk.repeat(limits.max_chunk_ext / 2048)));
    assert_eq!(get(surplus).error(), Some(RecvError::ChunkExtensionsTooLarge));
    for flood in [
        format!("1;{}", "x".repeat(1 << 20)),
        "1;0123456789\r\nA\r\n".repeat(10_000),
        format!("1{}", " ".repeat(1 << 20)),
    ] {
        assert_eq!(get(chunked(&flood)).error(), Some(RecvError::ChunkExtensionsTooLarge));
    }
}

#[test]
fn trailers_are_delivered_with_the_end_and_never_merged() {
    let seen = get(chunked("1\r\na\r\n0\r\nA: 1\r\na: 2\r\nContent-Length: 9\r\nFold: x\r\n  y\r\n\r\nrest"));
    assert_eq!((seen.body(), seen.left.as_slice()), (&b"a"[..], &b"rest"[..]));
    let (trailers, reuse) = seen.end().unwrap();
    let fields: Vec<_> =
        trailers.unwrap().iter().map(|(name, value)| (name, value.to_str().unwrap())).collect();
    assert_eq!(fields, [("A", "1"), ("a", "2"), ("Content-Length", "9"), ("Fold", "x y")]);
    assert_eq!(reuse, Reuse::Keep);
    assert!(!seen.response().headers().contains("a"));
}

#[test]
fn a_trailer_section_that_breaks_the_grammar_is_refused() {
    for section in [
        "bad\r\n\r\n",
        "bad\r\r\n\r\n",
        "a : b\r\n\r\n",
        "\n",
        "\rX",
        "a: b\n\r\n",
        "a: b\r\n\n",
        " a: b\r\n\r\n",
        "a: \0\r\n\r\n",
    ] {
        assert_eq!(
            get(chunked(&format!("0\r\n{section}"))).error(),
            Some(RecvError::BadTrailer),
            "{section:?}"
        );
    }
}

#[test]
fn mb_2_a_trailer_section_is_limited_in_bytes_and_fields() {
    let mut limits = Limits::default();
    limits.max_trailers = 64;
    limits.max_trailer_fields = 4;
    let of =
        |section: String| run(&request(Method::GET), limits, chunked(&format!("0\r\n{section}")).as_bytes());
    let exact = format!("a: {}\r\n\r\n", "x".repeat(64 - 7));
    assert!(of(exact).end().is_some());
    let surplus = format!("a: {}\r\n\r\n", "x".repeat(65 - 7));
    assert_eq!(of(surplus).error(), Some(RecvError::TrailersTooLarge));
    assert!(of(format!("{}\r\n", "a:\r\n".repeat(4))).end().is_some());
    assert_eq!(of(format!("{}\r\n", "a:\r\n".repeat(5))).error(), Some(RecvError::TrailersTooLarge));
    assert_eq!(of("a:\r\n".repeat(100_000)).error(), Some(RecvError::TrailersTooLarge));
}

#[test]
fn cpu_6_read_body_goes_over_any_number_of_chunks_in_one_call() {
    let limits = Limits::default();
    // As many as lie in the inbox are decoded at once: ten times as many are the same one call.
    for chunks in [1_000, 10_000, 100_000] {
        let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
        inbox.push(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
        inbox.push("1\r\nx\r\n".repeat(chunks).as_bytes());
        let mut body = vec![0; chunks];
        assert_eq!(wire.read_body(&mut inbox, &mut body), Ok(chunks));
        assert!(body.iter().all(|&b| b == b'x'));
        assert_eq!(wire.read_body(&mut inbox, &mut body), Ok(0));
        inbox.push(b"0\r\n\r\n");
        assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))));
    }
}

#[test]
fn read_body_delivers_what_precedes_an_error() {
    let limits = Limits::default();
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
    inbox.push(chunked("3\r\nabc\r\n2\r\nde\rX").as_bytes());
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    let mut body = [0; 300];
    assert_eq!(wire.read_body(&mut inbox, &mut body), Ok(5));
    assert_eq!(wire.reuse(), Reuse::Keep, "only what has happened is said");
    assert_eq!(wire.read_body(&mut inbox, &mut body), Err(RecvError::BadChunkEnd));
    assert_eq!(wire.next_event(&mut inbox), Err(RecvError::BadChunkEnd));
}
