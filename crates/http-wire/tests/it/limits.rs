//! Every limit, at the limit and beyond, and against peers that never end.

use http_wire::{Inbox, Limits, Method, RecvError};

use crate::support::{get, request, run, started};

/// What a connection says to a server that sends `head` and then `line` for ever, read through the inbox.
fn flood(head: &str, line: &str) -> (RecvError, usize) {
    let limits = Limits::default();
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
    let endless = line.as_bytes().iter().copied().cycle().take(10 << 20).collect::<Vec<_>>();
    let (mut sent, mut source) = (0, endless.as_slice());
    inbox.push(head.as_bytes());
    loop {
        match wire.next_event(&mut inbox) {
            Ok(Some(_)) => {}
            Ok(None) => sent += inbox.fill_from(&mut source).unwrap(),
            Err(error) => return (error, sent),
        }
    }
}

#[test]
fn mb_1_endless_fields_are_cut_off() {
    let (error, sent) = flood("HTTP/1.1 200 OK\r\n", "X: y\r\n");
    assert_eq!(error, RecvError::TooManyHeaders);
    assert!(sent <= 80 * 1024, "{sent}");
    let (error, sent) = flood("HTTP/1.1 200 OK\r\n", "x");
    assert_eq!(error, RecvError::HeadTooLarge);
    assert!(sent <= 80 * 1024, "{sent}");
}

#[test]
fn mb_2_small_fields_and_huge_names_are_cut_off() {
    assert_eq!(flood("HTTP/1.1 200 OK\r\n", "a:\r\n").0, RecvError::TooManyHeaders);
    let name = format!("HTTP/1.1 200 OK\r\n{}: b\r\n\r\n", "a".repeat(64 * 1024));
    assert_eq!(get(name).error(), Some(RecvError::HeadTooLarge));
    assert_eq!(
        flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "a:\r\n").0,
        RecvError::TrailersTooLarge
    );
}

#[test]
fn the_number_of_fields_is_limited() {
    let of = |fields: usize, limits: Limits| {
        let stream = format!("HTTP/1.1 204 No\r\n{}\r\n", "X: y\r\n".repeat(fields));
        run(&request(Method::GET), limits, stream.as_bytes())
    };
    assert_eq!(of(128, Limits::default()).response().headers().len(), 128);
    assert_eq!(of(129, Limits::default()).error(), Some(RecvError::TooManyHeaders));
    let mut more = Limits::default();
    more.max_headers = 1000;
    assert_eq!(of(1000, more).response().headers().len(), 1000);
    assert_eq!(of(1001, more).error(), Some(RecvError::TooManyHeaders));
}

#[test]
fn mb_5_interim_responses_are_limited() {
    let of = |interim: usize| {
        get(format!("{}HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n".repeat(interim)))
    };
    assert_eq!(of(16).interim().len(), 16);
    let seen = of(17);
    assert_eq!((seen.interim().len(), seen.error()), (16, Some(RecvError::TooManyInformational)));
    assert_eq!(flood("", "HTTP/1.1 100 Continue\r\n\r\n").0, RecvError::TooManyInformational);
}

#[test]
fn the_count_of_interim_responses_begins_anew_with_each_request() {
    let limits = Limits::default();
    let (mut wire, mut inbox, mut out) =
        (started(&request(Method::GET), limits), Inbox::new(&limits), Vec::new());
    for _ in 0..3 {
        inbox.push("HTTP/1.1 100 Continue\r\n\r\n".repeat(16).as_bytes());
        inbox.push(b"HTTP/1.1 204 No\r\n\r\n");
        for _ in 0..18 {
            assert!(matches!(wire.next_event(&mut inbox), Ok(Some(_))));
        }
        wire.start(&request(Method::GET), &inbox, &mut out).unwrap();
    }
}

#[test]
fn the_inbox_never_holds_more_than_one_head() {
    let limits = Limits::default();
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
    let mut source = b"HTTP/1.1 200 OK\r\nA: ".as_slice().chain_repeat(1 << 20);
    while let Ok(None) = wire.next_event(&mut inbox) {
        inbox.fill_from(&mut source).unwrap();
        assert!(inbox.len() <= limits.max_head);
    }
    assert_eq!(wire.next_event(&mut inbox), Err(RecvError::HeadTooLarge));
}

trait ChainRepeat<'a> {
    fn chain_repeat(self, n: u64) -> Box<dyn std::io::Read + 'a>;
}

impl<'a> ChainRepeat<'a> for &'a [u8] {
    fn chain_repeat(self, n: u64) -> Box<dyn std::io::Read + 'a> {
        use std::io::Read;
        Box::new(self.chain(std::io::repeat(b'x').take(n)))
    }
}
