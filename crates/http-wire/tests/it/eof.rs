//! The end of the stream, at every place it can come.

use http_wire::{Connection, Event, Inbox, Limits, Method, Phase, RecvError};

use crate::support::{get, request, run, started};

#[test]
fn it_is_told_where_the_stream_ended() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases = [
        (String::new(), Phase::Waiting),
        ("H".to_owned(), Phase::Head),
        ("HTTP/1.1 200 OK\r\nContent-Len".to_owned(), Phase::Head),
        ("HTTP/1.1 200 OK\r\n\r".to_owned(), Phase::Head),
        ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), Phase::Head),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".to_owned(), Phase::Body),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na".to_owned(), Phase::Body),
        (chunked.to_owned(), Phase::Chunk),
        (format!("{chunked}1"), Phase::Chunk),
        (format!("{chunked}1\r\na"), Phase::Chunk),
        (format!("{chunked}1\r\na\r\n"), Phase::Chunk),
        (format!("{chunked}1\r\na\r\n0\r"), Phase::Chunk),
        (format!("{chunked}0\r\n"), Phase::Trailer),
        (format!("{chunked}0\r\n\r"), Phase::Trailer),
        (format!("{chunked}0\r\na: b\r\n"), Phase::Trailer),
    ];
    for (stream, phase) in cases {
        let error = get(&stream).error();
        assert_eq!(error, Some(RecvError::UnexpectedEof(phase)), "{stream:?}");
        assert_eq!(error.unwrap().before_response(), phase == Phase::Waiting);
    }
}

#[test]
fn it_ends_a_body_without_length() {
    for body in ["", "some"] {
        let seen = get(format!("HTTP/1.1 200 OK\r\n\r\n{body}"));
        assert_eq!(seen.body(), body.as_bytes());
        assert!(seen.end().is_some());
    }
}

#[test]
fn a_complete_message_needs_no_end_of_stream() {
    for stream in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 204 OK\r\n\r\n",
    ] {
        let limits = Limits::default();
        let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
        inbox.push(stream.as_bytes());
        loop {
            match wire.next_event(&mut inbox).unwrap().expect("complete") {
                Event::Data(n) => assert_eq!(wire.take(&mut inbox, n), b"a"),
                Event::End(_) => break,
                _ => {}
            }
        }
    }
}

#[test]
fn a_connection_closed_while_idle_says_so_again_and_again() {
    let limits = Limits::default();
    for before in ["", "HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 204 No\r\nConnection: close\r\n\r\n"] {
        let (mut wire, mut inbox) = (Connection::new(limits), Inbox::new(&limits));
        if !before.is_empty() {
            wire = started(&request(Method::GET), limits);
            inbox.push(before.as_bytes());
            while !matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))) {}
        }
        assert_eq!(wire.next_event(&mut inbox), Ok(None));
        inbox.close();
        assert_eq!(wire.next_event(&mut inbox), Ok(Some(Event::Closed)));
        assert_eq!(wire.next_event(&mut inbox), Ok(Some(Event::Closed)));
        assert!(!wire.is_idle());
    }
}

#[test]
fn direct_reads_know_the_end_too() {
    let limits = Limits::default();
    let mut sized = started(&request(Method::GET), limits);
    let mut inbox = Inbox::new(&limits);
    inbox.push(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab");
    assert_eq!(sized.direct(&inbox), None, "no body yet");
    assert!(matches!(sized.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    assert_eq!(sized.direct(&inbox), None, "first what is here");
    assert_eq!(sized.take(&mut inbox, 9), b"ab");
    assert_eq!(sized.direct(&inbox), Some(8));
    assert_eq!(sized.note_direct(&mut inbox, 5), Ok(None));
    assert_eq!(sized.direct(&inbox), Some(3));
    assert!(matches!(sized.note_direct(&mut inbox, 3), Ok(Some(Event::End(_)))));
    assert!(sized.is_idle());

    for (n, error) in [(0, RecvError::UnexpectedEof(Phase::Body)), (11, RecvError::Unsolicited)] {
        let mut short = started(&request(Method::GET), limits);
        inbox.clear();
        inbox.push(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
        assert!(matches!(short.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
        assert_eq!(short.note_direct(&mut inbox, n), Err(error));
        assert_eq!(short.next_event(&mut inbox), Err(error));
    }

    let mut open = started(&request(Method::GET), limits);
    inbox.clear();
    inbox.push(b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(matches!(open.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    assert_eq!(open.direct(&inbox), Some(u64::MAX));
    assert_eq!(open.note_direct(&mut inbox, 1 << 30), Ok(None));
    assert!(matches!(open.note_direct(&mut inbox, 0), Ok(Some(Event::End(_)))));
    assert!(inbox.is_eof(), "recorded where the other end of stream is");
    assert_eq!(open.next_event(&mut inbox), Ok(Some(Event::Closed)));
}

#[test]
fn an_error_in_the_bytes_before_the_end_is_the_error() {
    let seen = run(&request(Method::GET), Limits::default(), b"HTTP/1.1 200 OK\r\nBad Name: x\r\n");
    assert!(matches!(seen.error(), Some(RecvError::Malformed(_))));
}

#[test]
fn only_the_framing_says_whether_the_end_of_the_stream_ends_the_body() {
    let limits = Limits::default();
    // Head; whether the end of the stream ends the body, how many bytes of it are to come.
    let table = [
        ("HTTP/1.1 200 OK\r\n\r\n", true, None),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", true, None),
        ("HTTP/1.0 200 OK\r\n\r\n", true, None),
        ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", false, Some(3)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, Some(3)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, Some(0)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, None),
        ("HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\n", false, Some(0)),
    ];
    for (head, until_eof, remaining) in table {
        let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
        assert_eq!((wire.is_until_eof(), wire.remaining()), (false, None), "no body yet");
        inbox.push(head.as_bytes());
        assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
        assert_eq!((wire.is_until_eof(), wire.remaining()), (until_eof, remaining), "{head:?}");
    }
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
    inbox.push(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    assert_eq!((wire.take(&mut inbox, 2), wire.remaining()), (&b"ab"[..], Some(1)));
    assert_eq!((wire.take(&mut inbox, 2), wire.remaining()), (&b"c"[..], Some(0)));
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))));
    assert_eq!(wire.remaining(), None, "no body any more");
}
