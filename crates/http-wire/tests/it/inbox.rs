//! The buffer between a transport and a connection.

use std::io::{self, ErrorKind, Read};

use http_wire::{Event, Inbox, Limits, Method};

use crate::support::{Lcg, request, started};

/// A transport that yields these, one per read.
struct Script(Vec<io::Result<Vec<u8>>>);

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Ok(0);
        }
        let bytes = self.0.remove(0)?;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

fn new() -> Inbox {
    Inbox::new(&Limits::default())
}

#[test]
fn it_reads_once_per_call_and_records_the_end() {
    let (mut inbox, mut source) = (new(), Script(vec![Ok(b"ab".to_vec()), Ok(b"c".to_vec())]));
    assert_eq!((inbox.fill_from(&mut source).unwrap(), inbox.bytes()), (2, &b"ab"[..]));
    assert_eq!((inbox.fill_from(&mut source).unwrap(), inbox.bytes()), (1, &b"abc"[..]));
    assert!(!inbox.is_eof());
    assert_eq!(inbox.fill_from(&mut source).unwrap(), 0);
    assert!(inbox.is_eof() && inbox.len() == 3);
    source.0.push(Ok(b"late".to_vec()));
    assert_eq!(
        (inbox.fill_from(&mut source).unwrap(), source.0.len()),
        (0, 1),
        "nothing is read after the end"
    );
}

#[test]
fn errors_of_the_source_change_nothing() {
    for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted, ErrorKind::ConnectionReset] {
        let (mut inbox, mut source) = (new(), Script(vec![Err(kind.into()), Ok(b"x".to_vec())]));
        inbox.push(b"a");
        assert_eq!(inbox.fill_from(&mut source).unwrap_err().kind(), kind);
        assert!(!inbox.is_eof());
        inbox.fill_from(&mut source).unwrap();
        assert_eq!(inbox.bytes(), b"ax");
    }
}

#[test]
fn a_source_that_lies_about_its_length_is_an_error() {
    struct Liar;
    impl Read for Liar {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            Ok(buf.len() + 1)
        }
    }
    let mut inbox = new();
    assert_eq!(inbox.fill_from(&mut Liar).unwrap_err().kind(), ErrorKind::InvalidData);
    assert!(inbox.is_empty());
}

#[test]
fn a_full_inbox_is_not_the_end_of_the_stream() {
    let mut inbox = new();
    while inbox.fill_from(&mut io::repeat(b'x')).is_ok() {}
    assert_eq!(inbox.fill_from(&mut io::repeat(b'x')).unwrap_err().kind(), ErrorKind::StorageFull);
    assert!(!inbox.is_eof());
    assert_eq!(inbox.len(), 16 * 1024);
}

#[test]
fn room_that_was_consumed_is_used_again() {
    let limits = Limits::default();
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), new());
    inbox.push(b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    let (mut source, mut total) = (io::repeat(b'x').take(1 << 20), 0);
    loop {
        inbox.fill_from(&mut source).unwrap();
        match wire.next_event(&mut inbox).unwrap() {
            Some(Event::Data(n)) => total += wire.take(&mut inbox, n.div_ceil(2)).len(),
            Some(Event::End(_)) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(total, 1 << 20);
}

#[test]
fn it_grows_for_a_long_head() {
    let limits = Limits::default();
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), new());
    let stream = format!("HTTP/1.1 204 No\r\nA: {}\r\n\r\n", "b".repeat(60_000));
    let mut source = stream.as_bytes();
    let head = loop {
        if let Some(Event::Response(head)) = wire.next_event(&mut inbox).unwrap() {
            break head;
        }
        inbox.fill_from(&mut source).unwrap();
    };
    assert_eq!(head.headers().get("a").unwrap().as_bytes().len(), 60_000);
}

#[test]
fn a_cleared_inbox_is_as_new() {
    let mut inbox = new();
    inbox.push(&[b'x'; 100_000]);
    inbox.close();
    inbox.clear();
    assert!(inbox.is_empty() && !inbox.is_eof() && inbox.bytes().is_empty());
    inbox.push(b"ab");
    assert_eq!((inbox.len(), inbox.bytes()), (2, &b"ab"[..]));
}

#[test]
fn what_is_pushed_and_taken_in_any_order_keeps_its_order() {
    let limits = Limits::default();
    for seed in 0..50 {
        let (mut wire, mut inbox, mut random) = (started(&request(Method::GET), limits), new(), Lcg(seed));
        inbox.push(b"HTTP/1.1 200 OK\r\n\r\n");
        assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
        let (mut pushed, mut taken) = (0u32, 0u32);
        for _ in 0..200 {
            let words: Vec<u8> =
                (0..random.below(5000)).flat_map(|i| (pushed + i as u32).to_be_bytes()).collect();
            pushed += words.len() as u32 / 4;
            inbox.push(&words);
            let most = random.below(6000) * 4;
            for word in wire.take(&mut inbox, most).chunks(4) {
                assert_eq!(word, taken.to_be_bytes());
                taken += 1;
            }
            assert_eq!(inbox.len(), (pushed - taken) as usize * 4);
        }
    }
}

#[test]
fn pushing_and_taking_a_little_of_much_is_linear() {
    // 8 MiB lie unread. Were each push to move them, 100 000 pushes would move 800 GiB.
    let limits = Limits::default();
    let (mut wire, mut inbox) = (started(&request(Method::GET), limits), new());
    inbox.push(b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    inbox.push(&vec![b'x'; 8 << 20]);
    for _ in 0..100_000 {
        assert_eq!(wire.take(&mut inbox, 1), b"x");
        inbox.push(b"x");
    }
    assert_eq!(inbox.len(), 8 << 20);
}

#[test]
fn debug_output_holds_no_bytes() {
    let mut inbox = new();
    inbox.push(b"Set-Cookie: id=hunter2");
    inbox.close();
    let debug = format!("{inbox:?}");
    assert!(debug.contains("len: 22") && debug.contains("eof: true"), "{debug}");
    assert!(!debug.contains("hunter2") && !debug.contains("104, 117"), "{debug}");
}
