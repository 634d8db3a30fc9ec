//! How bodies end over TLS, and what else may come in records.

use crate::support::{HANG, builder, ok, only, text};
use crate::tls_peer::{Authority, Peer, Wire};
use session::{ErrorKind, Session};
use std::io::{self, Read, Write};
use testbed::Ca;
use testbed::raw::{RawServer, Script};

/// A server that plays these scripts, and a session that trusts it.
fn serve(scripts: impl IntoIterator<Item = Script>) -> (RawServer, Session) {
    let ca = Ca::new().unwrap();
    let server = RawServer::start_tls(scripts, &ca.issue(&["localhost"]).unwrap()).unwrap();
    (server, builder().tls(only(ca.pem())).build().unwrap())
}

#[test]
fn a_body_that_says_where_it_ends_needs_no_goodbye() {
    let sized = ok("whole");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n";
    for answer in [&*sized, chunked] {
        for script in [Script::new().answer(answer).truncate(), Script::new().answer(answer).close()] {
            let (server, session) = serve([script]);
            assert_eq!(text(session.get(server.url()).send()), "whole");
        }
    }
}

#[test]
fn a_body_that_ends_with_the_connection_needs_one() {
    let answer = "HTTP/1.1 200 OK\r\n\r\nall there is";
    let (server, session) = serve([
        Script::new().answer(answer).close(),
        Script::new().answer(answer).truncate(),
        Script::new().answer(answer).truncate(),
    ]);
    assert_eq!(text(session.get(server.url()).send()), "all there is");
    let error = session.get(server.url()).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Body);
    assert!(error.to_string().contains("close_notify"), "{error}");
    let mut stream = session.get(server.url()).stream().unwrap();
    let error = io::copy(&mut stream, &mut io::sink()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
    assert!(stream.read(&mut [0; 9]).is_err());
}

#[test]
fn what_is_cut_short_is_an_error_with_and_without_a_goodbye() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    for (part, kind) in [
        (String::new(), ErrorKind::Closed),
        (head[..20].to_owned(), ErrorKind::Protocol),
        (head.to_owned(), ErrorKind::Body),
        (format!("{head}012345678"), ErrorKind::Body),
    ] {
        let script = || Script::new().answer(&*part);
        let (server, session) = serve([script().close(), script().truncate()]);
        for _ in 0..2 {
            let error = session.get(server.url()).send().unwrap_err();
            assert_eq!(error.kind(), kind, "{part:?}: {error}");
        }
    }
}

#[test]
fn a_kept_connection_that_ended_is_seen_before_it_is_used() {
    let first = || Script::new().answer(ok("first"));
    for end in [first().close(), first().truncate(), first().reset()] {
        let (server, session) = serve([end, Script::new().answer(ok("second")).wait_for_close()]);
        assert_eq!(text(session.get(server.url()).send()), "first");
        assert!(server.wait_until_ended(1, HANG));
        let response = session.post(server.url()).body("x").send().unwrap();
        assert_eq!((response.text(), response.attempts().len()), ("second".into(), 1));
    }
}

#[test]
fn a_kept_connection_that_ends_as_it_is_used_is_replaced_once_and_for_get_only() {
    let first = || Script::new().answer(ok("first")).expect_head();
    for end in
        [|script: Script| script.close(), |script: Script| script.truncate(), |script: Script| script.reset()]
    {
        let (server, session) = serve([end(first()), Script::new().answer(ok("second")).wait_for_close()]);
        assert_eq!(text(session.get(server.url()).send()), "first");
        let response = session.get(server.url()).send().unwrap();
        assert_eq!((response.text(), response.attempts().len()), ("second".into(), 2));
        let (server, session) = serve([end(first()), Script::new().answer(ok("second")).wait_for_close()]);
        assert_eq!(text(session.get(server.url()).send()), "first");
        let error = session.post(server.url()).send().unwrap_err();
        assert_eq!((error.kind(), server.connections()), (ErrorKind::Closed, 1), "{error}");
    }
}

/// A server of its own that does `act`, and what a session makes of it.
fn meet(
    change: impl FnOnce(&mut rustls::ServerConfig),
    act: impl FnOnce(&mut Wire) + Send + 'static,
) -> (Result<session::Response, session::Error>, io::Result<crate::tls_peer::Seen>) {
    let authority = Authority::new();
    let mut config = authority.server(&["localhost"], "peer");
    change(&mut config);
    let peer = Peer::start("127.0.0.1", config, act);
    let session = builder().tls(only(&authority.pem())).build().unwrap();
    let result = session.get(peer.url("localhost")).send();
    drop(session);
    (result, peer.seen())
}

#[test]
fn http_1_1_is_offered_and_nothing_else() {
    let (result, seen) =
        meet(|config| config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()], Peer::answer);
    assert_eq!((text(result), seen.unwrap().alpn), ("over TLS".to_owned(), Some(b"http/1.1".to_vec())));
    let (result, seen) = meet(|config| config.alpn_protocols.clear(), Peer::answer);
    assert_eq!(
        (text(result), seen.unwrap().alpn),
        ("over TLS".to_owned(), None),
        "a server may have no opinion"
    );
    let (result, seen) = meet(|config| config.alpn_protocols = vec![b"h2".to_vec()], Peer::answer);
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert!(error.to_string().contains("NoApplicationProtocol") && seen.is_err(), "{error}");
}

#[test]
fn tickets_do_not_get_in_the_way_and_a_flood_of_them_is_tolerated_or_an_error_of_tls() {
    for tickets in [0, 1, 200] {
        let (result, _) = meet(|config| config.send_tls13_tickets = tickets, Peer::answer);
        assert_eq!(text(result), "over TLS", "{tickets} tickets");
    }
    // In one flight these are more than a peer has to keep; it may be cut off in the middle of them.
    let (result, _) = meet(|config| config.send_tls13_tickets = 2000, |wire| drop(wire.flush()));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Tls);
}

/// Answers in this many pieces, with so many key updates before each.
fn update_keys(wire: &mut Wire, pieces: usize, updates: usize) -> io::Result<()> {
    Peer::read_head(wire);
    wire.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {pieces}\r\n\r\n").as_bytes())?;
    for _ in 0..pieces {
        for _ in 0..updates {
            wire.conn.refresh_traffic_keys().map_err(io::Error::other)?;
        }
        wire.write_all(b"x")?;
        wire.flush()?;
    }
    Peer::read_end(wire);
    Ok(())
}

#[test]
fn key_updates_inside_a_body_are_answered_and_a_flood_of_them_is_an_error() {
    let (result, _) = meet(|_| {}, |wire| update_keys(wire, 1000, 1).unwrap());
    assert_eq!(text(result), "x".repeat(1000));
    // The peer that floods is cut off, and may learn of it in the middle.
    let (result, _) = meet(|_| {}, |wire| drop(update_keys(wire, 1, 10_000)));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Tls);
}

#[test]
fn records_of_one_byte_and_of_full_size_carry_the_same_body() {
    const SIZE: usize = 300_000;
    let body = |wire: &mut Wire, piece: usize| {
        Peer::read_head(wire);
        wire.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n").as_bytes()).unwrap();
        wire.flush().unwrap();
        for piece in [b'x'; SIZE].chunks(piece) {
            wire.write_all(piece).unwrap();
            wire.flush().unwrap();
        }
        Peer::read_end(wire);
    };
    for piece in [30, 16_384, SIZE] {
        let (result, _) = meet(|_| {}, move |wire| body(wire, piece));
        let bytes = result.unwrap().into_bytes();
        assert!(bytes.len() == SIZE && bytes.iter().all(|byte| *byte == b'x'), "in pieces of {piece}");
    }
}
