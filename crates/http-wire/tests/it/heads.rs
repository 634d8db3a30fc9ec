//! Response heads: what is understood, and how it is kept.

use http_wire::{Event, Headers, Inbox, Limits, Method, Part, RecvError, Version};

use crate::support::{Lcg, get, request, run, started};

fn ok(fields: &str) -> http_wire::ResponseHead {
    get(format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).response().clone()
}

#[test]
fn order_and_spelling_survive() {
    let head = ok("X-A: 1\r\nx-a: 2\r\nServer:\tnone \t\r\nX-A:3\r\nEmpty:\r\n");
    let fields: Vec<_> = head.headers().iter().map(|(name, value)| (name, value.to_str().unwrap())).collect();
    assert_eq!(fields, [("X-A", "1"), ("x-a", "2"), ("Server", "none"), ("X-A", "3"), ("Empty", "")]);
    assert_eq!(head.into_headers().get_all("x-a").count(), 3);
}

#[test]
fn pn_3_values_are_bytes() {
    let stream = b"HTTP/1.1 200 OK\r\nLocation: \x80\xff\r\nConnection: \xfe\r\nContent-Length: 0\r\n\r\n";
    let head = get(stream).response().clone();
    assert_eq!(head.headers().get("location").unwrap().as_bytes(), b"\x80\xff");
    assert!(head.headers().get("connection").unwrap().to_str().is_err());
}

#[test]
fn a_reason_may_be_anything_or_nothing() {
    for (line, reason) in [
        ("200 OK", &b"OK"[..]),
        ("200 ", b""),
        ("200", b""),
        ("200  x y ", b" x y "),
        ("200 a\tb:c", b"a\tb:c"),
        ("500 Ori\u{eb}ntatie", "Ori\u{eb}ntatie".as_bytes()),
    ] {
        for end in ["\r\n", "\n"] {
            assert_eq!(get(format!("HTTP/1.1 {line}{end}{end}")).response().reason(), reason, "{line:?}");
        }
    }
}

#[test]
fn versions_and_statuses_are_told() {
    let head = get("HTTP/1.0 999 DOES IT MATTER\r\n\r\n").response().clone();
    assert_eq!((head.version(), head.status().as_u16()), (Version::HTTP_10, 999));
}

#[test]
fn a_bare_lf_may_end_a_line_of_a_head() {
    let seen = get("HTTP/1.1 200 OK\nA: b\r\nContent-Length: 2\n\nok");
    assert_eq!((seen.body(), seen.response().headers().len()), (&b"ok"[..], 2));
}

#[test]
fn strict_framing_refuses_a_bare_lf_in_a_head() {
    let mut strict = Limits::default();
    strict.strict_framing = true;
    let of = |stream: &str| run(&request(Method::GET), strict, stream.as_bytes());
    for stream in [
        "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok",
        "HTTP/1.1 200 OK\r\nA: b\n c\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 100 Continue\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ] {
        assert_eq!(of(stream).error(), Some(RecvError::Malformed(Part::LineEnd)), "{stream:?}");
        assert_eq!(get(stream).body(), b"ok", "otherwise tolerated");
    }
    assert_eq!(of("HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 4\r\n\r\n\n\r\n\n").body(), b"\n\r\n\n");
}

#[test]
fn what_was_received_as_a_field_can_be_sent_as_one() {
    let mut random = Lcg(5);
    let mut fields = 0;
    for _ in 0..20_000 {
        let mut line: Vec<u8> = b"X".to_vec();
        line.extend((0..random.below(4)).map(|_| random.below(256) as u8));
        line.push(b':');
        line.extend(
            (0..random.below(6)).map(|_| [b' ', b'\t', b'a', random.below(256) as u8][random.below(4)]),
        );
        let stream = [b"HTTP/1.1 200 OK\r\n", line.as_slice(), b"\r\n\r\n"].concat();
        let (mut wire, mut inbox) =
            (started(&request(Method::GET), Limits::default()), Inbox::new(&Limits::default()));
        inbox.push(&stream);
        let Ok(Some(Event::Response(head))) = wire.next_event(&mut inbox) else { continue };
        for (name, value) in head.headers().iter() {
            assert_eq!(Headers::new().append(name, value), Ok(()), "{name:?} {value:?}");
            fields += 1;
        }
    }
    assert!(fields > 1000, "{fields}");
}

#[test]
fn folds_become_one_space() {
    let head = ok("A: b \t\r\n \t c\r\n\td\r\nE:\r\n f\r\nG: h\r\n \r\nI: j\n k\r\n");
    let values: Vec<_> = head.headers().iter().map(|(_, value)| value.to_str().unwrap()).collect();
    assert_eq!(values, ["b c d", "f", "h", "j k"]);
}

#[test]
fn a_body_that_looks_like_a_fold_is_left_alone() {
    let seen = get("HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 9\r\n\r\n x: y\r\n z");
    assert_eq!(
        (seen.body(), seen.response().headers().get("a").unwrap().as_bytes()),
        (&b" x: y\r\n z"[..], &b"b c"[..])
    );
}

#[test]
fn nothing_folds_into_the_status_line() {
    for stream in [
        "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        "HTTP/1.1 200\n OK\r\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n \r\n\r\n",
    ] {
        assert_eq!(get(stream).error(), Some(RecvError::Malformed(Part::FieldName)), "{stream:?}");
    }
}

#[test]
fn interim_responses_come_before_the_final_one() {
    let seen = get(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!((seen.interim(), seen.response().status().as_u16()), (vec![100, 103], 200));
}

#[test]
fn debug_output_holds_no_credentials() {
    let head = ok(
        "Set-Cookie: id=hunter2\r\nAuthorization: Basic hunter2\r\nPROXY-authorization: hunter2\r\nCookie: hunter2\r\nServer: x\r\n",
    );
    for text in [format!("{head:?}"), format!("{:?}", head.headers())] {
        assert!(
            text.contains("<redacted>") && text.contains("Server") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

#[test]
fn a_head_of_the_limit_passes_and_one_byte_more_does_not() {
    let mut limits = Limits::default();
    limits.max_head = 100;
    let of = |bytes: usize| {
        let fixed = "HTTP/1.1 204 x\r\nA: \r\n\r\n".len();
        let stream = format!("HTTP/1.1 204 x\r\nA: {}\r\n\r\n", "b".repeat(bytes - fixed));
        run(&request(Method::GET), limits, stream.as_bytes())
    };
    assert!(of(100).end().is_some());
    assert_eq!(of(101).error(), Some(RecvError::HeadTooLarge));
}
