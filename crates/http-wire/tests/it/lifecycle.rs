//! One exchange from start to end, and one after the other.

use http_wire::{BodyKind, Connection, Event, Inbox, Limits, Method, RequestHead};

use crate::support::{request, started};

fn post(kind: BodyKind) -> RequestHead {
    RequestHead::builder(Method::POST, "/").header("Host", "a.test").body(kind).build().unwrap()
}

fn expecting() -> Connection {
    let head = RequestHead::builder(Method::PUT, "/")
        .header("Host", "a.test")
        .body(BodyKind::Length(2))
        .expect_continue();
    started(&head.build().unwrap(), Limits::default())
}

#[test]
fn a_request_without_body_is_sent_by_starting_it() {
    let limits = Limits::default();
    let (mut wire, inbox, mut out) = (Connection::new(limits), Inbox::new(&limits), b"before".to_vec());
    assert!(wire.is_idle() && !wire.is_sending());
    wire.start(&request(Method::GET), &inbox, &mut out).unwrap();
    assert_eq!(out, b"beforeGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "appended");
    assert!(!wire.is_idle() && !wire.is_sending());
    wire.finish(&mut out).unwrap();
}

#[test]
fn a_sized_body_ends_with_its_last_byte() {
    let (mut wire, mut out) = (started(&post(BodyKind::Length(5)), Limits::default()), Vec::new());
    wire.send(b"hel", &mut out).unwrap();
    assert!(wire.is_sending());
    wire.send(b"", &mut out).unwrap();
    wire.send(b"lo", &mut out).unwrap();
    assert!(!wire.is_sending());
    wire.finish(&mut out).unwrap();
    assert_eq!(out, b"hello");
    assert!(!started(&post(BodyKind::Length(0)), Limits::default()).is_sending());
}

#[test]
fn a_chunked_body_ends_when_it_is_finished() {
    let (mut wire, mut out) = (started(&post(BodyKind::Chunked), Limits::default()), Vec::new());
    wire.send(b"hello", &mut out).unwrap();
    wire.send(b"", &mut out).unwrap();
    wire.send(&[b'x'; 26], &mut out).unwrap();
    assert!(wire.is_sending());
    wire.finish(&mut out).unwrap();
    assert!(!wire.is_sending());
    assert_eq!(out, b"5\r\nhello\r\n1a\r\nxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
}

#[test]
fn frames_are_what_send_would_have_written() {
    for len in [1, 15, 16, 255, 4096, 70_000] {
        let (mut a, mut b) = (
            started(&post(BodyKind::Chunked), Limits::default()),
            started(&post(BodyKind::Chunked), Limits::default()),
        );
        let (data, mut out) = (vec![b'x'; len], Vec::new());
        a.send(&data, &mut out).unwrap();
        let frame = b.frame(len).unwrap();
        assert_eq!([frame.prefix(), &data, frame.suffix()].concat(), out);
    }
    let mut sized = started(&post(BodyKind::Length(7)), Limits::default());
    let frame = sized.frame(7).unwrap();
    assert_eq!((frame.prefix(), frame.suffix()), (&b""[..], &b""[..]));
    assert!(!sized.is_sending(), "what was framed counts as sent");
    let mut largest = started(&post(BodyKind::Chunked), Limits::default());
    assert_eq!(largest.frame(usize::MAX).unwrap().prefix().len(), usize::BITS as usize / 4 + 2);
    assert_eq!(largest.frame(0).unwrap().suffix(), b"", "an empty chunk would end the message");
}

#[test]
fn exchanges_follow_one_another() {
    let limits = Limits::default();
    let (mut wire, mut inbox, mut out) = (Connection::new(limits), Inbox::new(&limits), Vec::new());
    for method in [Method::GET, Method::HEAD, Method::GET] {
        wire.start(&request(method.clone()), &inbox, &mut out).unwrap();
        inbox.push(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
        if method == Method::GET {
            assert_eq!(wire.next_event(&mut inbox), Ok(None));
            inbox.push(b"ok");
            assert_eq!(wire.next_event(&mut inbox), Ok(Some(Event::Data(2))));
            assert_eq!(wire.take(&mut inbox, 1), b"o");
            assert_eq!(wire.next_event(&mut inbox), Ok(Some(Event::Data(1))));
            assert_eq!(wire.take(&mut inbox, 1), b"k");
        }
        assert!(!wire.is_idle());
        assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))));
        assert!(wire.is_idle());
    }
}

#[test]
fn a_response_may_overtake_its_request() {
    let limits = Limits::default();
    let (mut wire, mut inbox, mut out) =
        (started(&post(BodyKind::Length(4)), limits), Inbox::new(&limits), Vec::new());
    wire.send(b"ab", &mut out).unwrap();
    inbox.push(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    wire.send(b"cd", &mut out).unwrap();
    assert_eq!(wire.take(&mut inbox, 2), b"ok");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))));
    assert!(wire.is_idle(), "both ended, whichever was first");
}

#[test]
fn expect_continue_waits_for_any_answer_or_the_first_body_byte() {
    let limits = Limits::default();
    for answer in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"] {
        let (mut wire, mut inbox) = (expecting(), Inbox::new(&limits));
        assert!(wire.awaits_continue());
        assert_eq!(wire.next_event(&mut inbox), Ok(None));
        assert!(wire.awaits_continue());
        inbox.push(answer.as_bytes());
        assert!(matches!(wire.next_event(&mut inbox), Ok(Some(_))));
        assert!(!wire.awaits_continue());
    }
    let mut wire = expecting();
    wire.send(b"a", &mut Vec::new()).unwrap();
    assert!(!wire.awaits_continue());
    assert!(!started(&request(Method::GET), limits).awaits_continue());
}

#[test]
fn without_a_body_there_is_nothing_to_wait_with() {
    let limits = Limits::default();
    for (framing, awaits) in [("", false), ("Content-Length: 0\r\n", false), ("Content-Length: 1\r\n", true)]
    {
        let bytes = format!("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{framing}\r\n");
        let (_, head) = RequestHead::parse(bytes.as_bytes(), &limits).unwrap().unwrap();
        assert!(head.expects_continue());
        assert_eq!(started(&head, limits).awaits_continue(), awaits, "{framing:?}");
    }
}

#[test]
fn pn_2_a_100_nobody_asked_for_is_only_an_event() {
    let seen =
        crate::support::get("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((seen.interim(), seen.response().status().as_u16()), (vec![100], 200));
}
