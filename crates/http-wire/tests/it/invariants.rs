//! The invariants of the crate that have no file of their own. I2, I3 and I5 are checked by every run through
//! `support::run`, I9 in `roundtrip`.

use http_wire::{Connection, Event, Inbox, Limits, Method, RecvError, Reuse};

use crate::support::{Lcg, get, request, started};

const LIMITS: fn() -> Limits = Limits::default;

#[test]
fn i1_the_connection_knows_no_more_than_the_events_it_returned() {
    let (mut wire, mut inbox) = (started(&request(Method::GET), LIMITS()), Inbox::new(&LIMITS()));
    let stream =
        b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nabrest";
    inbox.push(stream);
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Informational(_)))));
    assert_eq!((wire.reuse(), inbox.len()), (Reuse::Keep, stream.len() - 18));
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    assert_eq!((inbox.bytes(), wire.reuse() == Reuse::Keep), (&b"abrest"[..], false));
    assert_eq!(wire.next_event(&mut inbox), Ok(Some(Event::Data(2))));
    assert_eq!(wire.next_event(&mut inbox), Ok(Some(Event::Data(2))), "idempotent");
    assert_eq!(inbox.bytes(), b"abrest");
    assert_eq!(wire.take(&mut inbox, 1), b"a");
    assert_eq!(inbox.bytes(), b"brest");
    assert_eq!(wire.next_event(&mut inbox), Ok(Some(Event::Data(1))));
    assert_eq!(wire.take(&mut inbox, 9), b"b");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))));
    assert_eq!(inbox.bytes(), b"rest");
}

#[test]
fn i2_an_exchange_is_informational_then_response_data_end_or_switched() {
    // The grammar itself is asserted on every transcript; here it is shown to hold for the longest form.
    let seen =
        get("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
    assert_eq!(seen.seen.len(), 5);
}

#[test]
fn i4_at_the_end_of_the_stream_there_is_always_something_to_say() {
    let stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\nb\r\n0\r\nc: d\r\n\r\n";
    for end in 0..=stream.len() {
        let (mut wire, mut inbox) = (started(&request(Method::GET), LIMITS()), Inbox::new(&LIMITS()));
        inbox.push(&stream[..end]);
        inbox.close();
        for _ in 0..6 {
            match wire.next_event(&mut inbox) {
                Ok(Some(Event::Data(n))) => assert_eq!(wire.take(&mut inbox, n).len(), n),
                said => assert_ne!(said, Ok(None), "after {end} bytes"),
            }
        }
    }
}

#[test]
fn i5_no_more_data_than_declared() {
    for (declared, sent) in [(0, 5), (3, 5), (5, 5)] {
        let seen = get(format!("HTTP/1.1 200 OK\r\nContent-Length: {declared}\r\n\r\n{}", "x".repeat(sent)));
        assert_eq!((seen.body().len(), seen.left.len()), (declared, sent - declared));
        assert!(seen.end().is_some());
    }
}

#[test]
fn i6_no_byte_after_the_end_is_consumed() {
    for stream in [
        "HTTP/1.1 204 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: b\r\n\r\n",
    ] {
        for surplus in ["\r\n", "X", "HTTP/1.1 200 OK\r\n\r\n"] {
            assert_eq!(get(format!("{stream}{surplus}")).left, surplus.as_bytes());
        }
    }
}

#[test]
fn i6_a_byte_on_an_idle_connection_is_unsolicited() {
    let (mut wire, mut inbox) = (Connection::new(LIMITS()), Inbox::new(&LIMITS()));
    inbox.push(b"\n");
    assert_eq!(wire.next_event(&mut inbox), Err(RecvError::Unsolicited));
}

#[test]
fn i7_the_inbox_does_not_grow_for_a_body() {
    let (mut wire, mut inbox) = (started(&request(Method::GET), LIMITS()), Inbox::new(&LIMITS()));
    inbox.push(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    let mut body = std::io::repeat(b'x');
    while inbox.fill_from(&mut body).is_ok() {}
    assert!(inbox.len() <= 16 * 1024);
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Data(_)))));
}

#[test]
fn i8_no_order_of_calls_panics() {
    let heads: Vec<_> = [Method::GET, Method::CONNECT].into_iter().map(request).collect();
    let pieces: [&[u8]; 7] = [
        b"HTTP/1.1 200 OK\r\n",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"x",
    ];
    for seed in 0..2000 {
        let (mut random, mut out, mut dst) = (Lcg(seed), Vec::new(), [0; 7]);
        let (mut wire, mut inbox) = (Connection::new(LIMITS()), Inbox::new(&LIMITS()));
        let mut failed = None;
        for _ in 0..60 {
            let n = random.below(9);
            let received = match random.below(14) {
                0..4 => {
                    // What is wrong here is a `SendError`; that it changes nothing is shown in `misuse`.
                    let _ = match n % 4 {
                        0 => wire.start(&heads[n / 4 % 2], &inbox, &mut out),
                        1 => wire.send(&dst[..n.min(7)], &mut out),
                        2 => wire.finish(&mut out),
                        _ => wire.frame(n).map(drop),
                    };
                    Ok(())
                }
                4 => {
                    assert!(wire.take(&mut inbox, n).len() <= n);
                    Ok(())
                }
                5 => wire.read_body(&mut inbox, &mut dst).map(|n| assert!(n <= 7)),
                6 => match wire.direct(&inbox) {
                    Some(most) => wire.note_direct(&mut inbox, n.min(most as usize)).map(drop),
                    None => Ok(()),
                },
                7 => {
                    match n {
                        0 => inbox.close(),
                        1 => inbox.clear(),
                        _ => {}
                    }
                    Ok(())
                }
                8..11 => {
                    inbox.push(pieces[random.below(7)]);
                    Ok(())
                }
                _ => wire.next_event(&mut inbox).map(drop),
            };
            assert!(failed.is_none() || received.is_ok() || received.err() == failed, "a fault is sticky");
            failed = failed.or(received.err());
            assert!(failed.is_none() || !wire.is_idle());
        }
    }
}

#[test]
fn cpu_5_what_comes_in_single_bytes_is_searched_once() {
    // Half a megabyte, a byte at a time: were every call to look at all of it, this would look at more than
    // 100 000 000 000 bytes.
    const SIZE: usize = 1 << 19;
    let mut limits = LIMITS();
    (limits.max_head, limits.max_headers) = (1 << 20, 1 << 20);
    (limits.max_trailers, limits.max_trailer_fields, limits.max_chunk_ext) = (1 << 20, 1 << 20, 1 << 20);
    (limits.max_informational, limits.strict_framing) = (1 << 20, false);
    let head = "HTTP/1.1 200 OK\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let many = |unit: &str| unit.repeat(SIZE / unit.len());
    for (stream, events) in [
        (format!("{head}A: {}\r\n\r\n", many("b")), 1),
        (format!("{head}{}\r\n", many("X-Field: value\r\n")), 1),
        (format!("{head}{}\n", many("a:\n")), 1),
        (format!("{head}A: b\r\n{}\r\n", many(" folded\r\n")), 1),
        (format!("{chunked}0\r\nA: {}\r\n\r\n", many("b")), 2),
        (format!("{chunked}0\r\n{}\r\n", many("X-Field: value\r\n")), 2),
        (format!("{chunked}0\r\nA: b\r\n{}\r\n", many(" folded\r\n")), 2),
        (format!("{chunked}0;{}\r\n\r\n", many("e")), 2),
    ] {
        let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
        let mut seen = 0;
        for byte in stream.as_bytes().chunks(1) {
            inbox.push(byte);
            while wire.next_event(&mut inbox).unwrap().is_some() {
                seen += 1;
            }
            if wire.is_idle() {
                break;
            }
        }
        assert_eq!(seen, events, "{:?}", &stream[..60]);
    }
}
