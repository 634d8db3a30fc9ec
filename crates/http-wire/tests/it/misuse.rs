//! Calls at the wrong time: an error, and nothing has changed.

use http_wire::{
    BodyKind, CloseReason, Connection, Event, Inbox, Limits, Method, RecvError, RequestHead, Reuse, SendError,
};

use crate::support::{request, started};

fn post(kind: BodyKind) -> Connection {
    let head = RequestHead::builder(Method::POST, "/").header("Host", "a.test").body(kind).build().unwrap();
    started(&head, Limits::default())
}

#[test]
fn a_second_request_waits_for_the_first() {
    let limits = Limits::default();
    let (mut wire, inbox, mut out) =
        (started(&request(Method::GET), limits), Inbox::new(&limits), Vec::new());
    assert_eq!(wire.start(&request(Method::GET), &inbox, &mut out), Err(SendError::NotIdle));
    assert!(out.is_empty());
}

#[test]
fn nothing_starts_on_a_connection_to_be_closed() {
    let limits = Limits::default();
    let (mut wire, mut inbox, mut out) =
        (started(&request(Method::GET), limits), Inbox::new(&limits), Vec::new());
    inbox.push(b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n");
    while !matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))) {}
    assert_eq!(wire.start(&request(Method::GET), &inbox, &mut out), Err(SendError::NotIdle));
}

#[test]
fn nothing_starts_on_leftover_bytes() {
    let limits = Limits::default();
    let (mut wire, mut inbox, mut out) = (Connection::new(limits), Inbox::new(&limits), Vec::new());
    inbox.push(b"H");
    assert_eq!(wire.start(&request(Method::GET), &inbox, &mut out), Err(SendError::Unsolicited));
    assert!(out.is_empty() && wire.is_idle());
}

#[test]
fn a_body_needs_a_request() {
    let (mut wire, mut out) = (Connection::new(Limits::default()), Vec::new());
    assert_eq!(wire.send(b"x", &mut out), Err(SendError::NotSending));
    assert_eq!(wire.finish(&mut out), Err(SendError::NotSending));
    assert!(wire.frame(1).is_err() && out.is_empty());
}

#[test]
fn a_body_is_as_long_as_announced() {
    let (mut wire, mut out) = (post(BodyKind::Length(3)), Vec::new());
    assert_eq!(wire.send(b"abcd", &mut out), Err(SendError::BodyTooLong));
    wire.send(b"ab", &mut out).unwrap();
    assert_eq!(wire.finish(&mut out), Err(SendError::BodyTooShort));
    wire.send(b"c", &mut out).unwrap();
    assert_eq!(wire.send(b"d", &mut out), Err(SendError::BodyTooLong));
    assert_eq!(out, b"abc");
}

#[test]
fn nothing_follows_the_end_of_a_body() {
    let mut out = Vec::new();
    let mut chunked = post(BodyKind::Chunked);
    chunked.finish(&mut out).unwrap();
    assert_eq!(chunked.send(b"d", &mut out), Err(SendError::BodyTooLong));
    chunked.finish(&mut out).unwrap();
    assert_eq!(out, b"0\r\n\r\n", "only once");
    for mut none in [post(BodyKind::None), post(BodyKind::Length(0))] {
        assert_eq!(none.send(b"d", &mut out), Err(SendError::BodyTooLong));
        none.send(b"", &mut out).unwrap();
    }
}

#[test]
fn a_failed_connection_does_nothing_any_more() {
    let limits = Limits::default();
    let (mut wire, mut inbox, mut out) = (post(BodyKind::Chunked), Inbox::new(&limits), Vec::new());
    inbox.push(b"nonsense");
    let error = wire.next_event(&mut inbox).unwrap_err();
    inbox.clear();
    inbox.push(b"HTTP/1.1 200 OK\r\n\r\nbody");
    assert_eq!(wire.next_event(&mut inbox), Err(error));
    assert_eq!(wire.read_body(&mut inbox, &mut [0; 8]), Err(error));
    assert_eq!(wire.note_direct(&mut inbox, 1), Err(error));
    assert_eq!(wire.take(&mut inbox, 8), b"");
    assert_eq!(wire.direct(&inbox), None);
    assert_eq!(wire.send(b"x", &mut out), Err(SendError::Faulted));
    assert_eq!(wire.finish(&mut out), Err(SendError::Faulted));
    assert_eq!(wire.start(&request(Method::GET), &Inbox::new(&limits), &mut out), Err(SendError::Faulted));
    assert!(out.is_empty() && !wire.awaits_continue());
}

#[test]
fn taking_what_is_not_announced_takes_nothing() {
    let limits = Limits::default();
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
    inbox.push(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_eq!(wire.take(&mut inbox, 99), b"");
    assert_eq!(wire.read_body(&mut inbox, &mut [0; 9]), Ok(0));
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    assert_eq!(wire.take(&mut inbox, 99), b"", "framing comes first");
    assert_eq!(wire.next_event(&mut inbox), Ok(Some(Event::Data(3))));
    assert_eq!(wire.take(&mut inbox, 99), b"abc");
    assert_eq!(wire.take(&mut inbox, 99), b"");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))));
}

#[test]
fn a_direct_read_that_was_not_allowed_is_a_fault() {
    let limits = Limits::default();
    let cases = [
        ("", "before a head"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "inside chunk framing"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", "while bytes lie in the inbox"),
        ("HTTP/1.1 200 OK\r\n\r\nabc", "while bytes lie in the inbox"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "with no byte to come"),
        ("HTTP/1.1 204 No\r\n\r\n", "without a body"),
    ];
    for (stream, when) in cases {
        for n in [0, 1, 3] {
            let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
            inbox.push(stream.as_bytes());
            assert!(wire.next_event(&mut inbox).is_ok());
            assert_eq!(wire.direct(&inbox), None, "{when}");
            assert_eq!(wire.note_direct(&mut inbox, n), Err(RecvError::Unsolicited), "{when}");
            assert_eq!(wire.next_event(&mut inbox), Err(RecvError::Unsolicited), "{when}");
            assert_eq!(wire.reuse(), Reuse::Close(CloseReason::Fault));
        }
    }
}

#[test]
fn ending_a_body_after_the_end_of_the_response_does_nothing() {
    let limits = Limits::default();
    for (kind, body) in [(BodyKind::Length(1), &b"x"[..]), (BodyKind::None, b""), (BodyKind::Chunked, b"x")] {
        let (mut wire, mut inbox, mut out) = (post(kind), Inbox::new(&limits), Vec::new());
        wire.send(body, &mut out).unwrap();
        if kind == BodyKind::Chunked {
            wire.finish(&mut out).unwrap();
        }
        inbox.push(b"HTTP/1.1 204 No\r\n\r\n");
        while !matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))) {}
        out.clear();
        assert_eq!((wire.finish(&mut out), wire.send(b"", &mut out)), (Ok(()), Ok(())), "{kind:?}");
        assert_eq!(wire.send(b"y", &mut out), Err(SendError::BodyTooLong));
        assert!(out.is_empty() && wire.is_idle() && !wire.is_sending());
        wire.start(&request(Method::GET), &inbox, &mut out).unwrap();
    }
}
