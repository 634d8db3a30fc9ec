//! Whether a connection can carry another exchange.

use http_wire::{
    BodyKind, CloseReason, Connection, Event, Inbox, Limits, Method, RecvError, RequestHead, Reuse,
};

use crate::support::{get, request, run, started};

fn verdict(stream: &str) -> Reuse {
    let seen = get(stream);
    assert_eq!(seen.idle, seen.reuse == Reuse::Keep);
    assert!(seen.end().is_none_or(|(_, reuse)| reuse == seen.reuse), "the end says what the connection says");
    seen.reuse
}

#[test]
fn a_new_connection_is_kept() {
    assert_eq!(Connection::new(Limits::default()).reuse(), Reuse::Keep);
}

#[test]
fn every_doubt_closes() {
    let body = "Content-Length: 0\r\n\r\n";
    for (stream, reuse) in [
        (format!("HTTP/1.1 200 OK\r\n{body}"), Reuse::Keep),
        (format!("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n{body}"), Reuse::Keep),
        (format!("HTTP/1.1 200 OK\r\nProxy-Connection: close\r\n{body}"), Reuse::Keep),
        (format!("HTTP/1.1 200 OK\r\nConnection: closed, not-close\r\n{body}"), Reuse::Keep),
        (
            format!("HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: keep-alive,\t ClOsE\r\n{body}"),
            Reuse::Close(CloseReason::ServerAsked),
        ),
        (format!("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n{body}"), Reuse::Close(CloseReason::Http10)),
        (
            format!("HTTP/1.1 100 x\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n{body}"),
            Reuse::Close(CloseReason::ServerAsked),
        ),
        ("HTTP/1.1 200 OK\r\n\r\n".to_owned(), Reuse::Close(CloseReason::UntilEof)),
        ("nonsense".to_owned(), Reuse::Close(CloseReason::Fault)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n".to_owned(), Reuse::Close(CloseReason::Fault)),
    ] {
        assert_eq!(verdict(&stream), reuse, "{stream:?}");
    }
}

#[test]
fn a_request_that_said_close_closes() {
    let head = RequestHead::builder(Method::GET, "/").header("Host", "a.test").close().build().unwrap();
    assert_eq!(
        started(&head, Limits::default()).reuse(),
        Reuse::Close(CloseReason::ClientAsked),
        "known from the start"
    );
    let seen = run(&head, Limits::default(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((seen.reuse, seen.idle), (Reuse::Close(CloseReason::ClientAsked), false));
}

#[test]
fn a_request_that_is_unfinished_closes_even_if_it_is_finished_later() {
    let limits = Limits::default();
    let head = RequestHead::builder(Method::POST, "/")
        .header("Host", "a.test")
        .body(BodyKind::Chunked)
        .build()
        .unwrap();
    let (mut wire, mut inbox, mut out) = (started(&head, limits), Inbox::new(&limits), Vec::new());
    inbox.push(b"HTTP/1.1 204 No\r\n\r\n");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    assert_eq!(wire.reuse(), Reuse::Keep, "so far");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))));
    wire.finish(&mut out).unwrap();
    assert_eq!((wire.reuse(), wire.is_idle()), (Reuse::Close(CloseReason::RequestUnfinished), false));
}

#[test]
fn surplus_bytes_poison_an_idle_connection() {
    let limits = Limits::default();
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
    inbox.push(b"HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))));
    assert_eq!(wire.next_event(&mut inbox), Err(RecvError::Unsolicited));
    assert_eq!((wire.reuse(), wire.is_idle()), (Reuse::Close(CloseReason::Fault), false));
    assert_eq!(inbox.bytes(), b"HTTP/1.1 200 OK\r\n\r\n", "untouched");
}
