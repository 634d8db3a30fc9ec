//! Links over links: what lies between two layers is neither lost nor forgotten.

use super::ahead::Ahead;
use super::tls::{Configs, TlsLink};
use super::{Link, TlsFacts};
use crate::net::Socket;
use crate::route::Party;
use crate::tls::Tls;
use std::any::Any;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

/// A link that takes whatever it is given and sends it when it may, as TLS does; a socket that never has anything.
#[derive(Clone, Default)]
struct Below(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    full: bool,
    held: usize,
    sent: usize,
    incoming: Vec<u8>,
}

impl Read for Below {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        let n = (&*state.incoming).read(buf)?;
        state.incoming.drain(..n);
        if n == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(n) }
    }
}

impl Write for Below {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().held += buf.len();
        let _ = self.flush();
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.full && state.held > 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.sent += std::mem::take(&mut state.held);
        Ok(())
    }
}

impl Socket for Below {
    fn connected(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    fn detach(&mut self) {}

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Link for Below {
    fn socket(&mut self) -> &mut dyn Socket {
        self
    }

    fn has_pending(&self) -> bool {
        self.0.lock().unwrap().held > 0
    }

    fn taken(&self) -> u64 {
        self.0.lock().unwrap().sent as u64
    }

    fn tls(&self) -> Option<TlsFacts> {
        None
    }

    fn close(&mut self) {}
}

#[test]
fn what_waits_in_the_link_below_tls_is_pending_and_goes_out_with_the_next_flush() {
    let below = Below::default();
    below.0.lock().unwrap().full = true;
    let tls = Tls::default();
    let mut link =
        TlsLink::start(Box::new(below.clone()), "a.example", &tls, Party::Origin, &Configs::default())
            .unwrap();
    assert!(!link.handshake().unwrap());
    assert!(link.has_pending() && below.0.lock().unwrap().held > 0, "the first message waits below");
    assert_eq!(link.flush().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    below.0.lock().unwrap().full = false;
    link.flush().unwrap();
    assert!(!link.has_pending() && below.0.lock().unwrap().sent > 0);
}

#[test]
fn bytes_read_ahead_come_first_and_once() {
    let below = Below::default();
    below.0.lock().unwrap().incoming = b"below".to_vec();
    let mut link = Ahead::of(b"ahead".to_vec(), Box::new(below));
    let mut read = Vec::new();
    let mut buf = [0; 3];
    let end = loop {
        match link.read(&mut buf) {
            Ok(n) => read.extend_from_slice(&buf[..n]),
            Err(error) => break error.kind(),
        }
    };
    assert_eq!((&*read, end), (&b"aheadbelow"[..], io::ErrorKind::WouldBlock));
}
