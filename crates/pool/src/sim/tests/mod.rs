//! The simulator's own rules, seen through [`Net`] and [`Socket`] as a driver sees them.

mod clock;
mod faults;
mod scripts;
mod tcp;

use super::World;
use crate::net::{Net, Ready, Socket, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// The plainest client: one net, one socket, and a loop that obeys readiness.
struct Client {
    net: Box<dyn Net>,
    token: Token,
    socket: Box<dyn Socket>,
}

impl Client {
    /// A connection to `addr`, established.
    fn connect(world: &World, addr: &str) -> Self {
        let mut client = Self::start(world, addr);
        while !client.socket.connected().unwrap() {
            client.wait();
        }
        client
    }

    /// A connection to `addr`, under way.
    fn start(world: &World, addr: &str) -> Self {
        let mut net = world.net();
        let token = Token::fresh();
        let socket = net.connect(token, addr.parse().unwrap()).unwrap();
        Self { net, token, socket }
    }

    fn wait(&mut self) -> Vec<Ready> {
        let mut ready = Vec::new();
        self.net.wait(None, &mut ready).unwrap();
        ready
    }

    /// What is ready now, without waiting.
    fn poll(&mut self) -> Vec<(bool, bool)> {
        poll(&mut *self.net).into_iter().map(|(_, readable, writable)| (readable, writable)).collect()
    }

    fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) => self.block(error),
            }
        }
    }

    fn request(&mut self, line: &str) {
        self.send(format!("{line} HTTP/1.1\r\nHost: a.example\r\n\r\n").as_bytes());
    }

    /// The pieces in which the next `count` bytes come.
    fn pieces(&mut self, count: usize) -> Vec<Vec<u8>> {
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        while pieces.iter().map(Vec::len).sum::<usize>() < count {
            let mut buffer = [0; 4096];
            match self.socket.read(&mut buffer) {
                Ok(0) => panic!("end of stream after {pieces:?}"),
                Ok(count) => pieces.push(buffer[..count].to_vec()),
                Err(error) => self.block(error),
            }
        }
        pieces
    }

    fn receive(&mut self, count: usize) -> String {
        String::from_utf8(self.pieces(count).concat()).unwrap()
    }

    /// All bytes until the end of stream, or the error instead of it.
    fn receive_all(&mut self) -> Result<String, ErrorKind> {
        let mut all = Vec::new();
        loop {
            match self.socket.read_to_end(&mut all) {
                Ok(_) => return Ok(String::from_utf8(all).unwrap()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.block(error),
                Err(error) => return Err(error.kind()),
            }
        }
    }

    /// One read: how much, or why not.
    fn read(&mut self) -> Result<usize, ErrorKind> {
        self.socket.read(&mut [0; 4096]).map_err(|error| error.kind())
    }

    /// One write.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.socket.write(bytes).map_err(|error| error.kind())
    }

    fn block(&mut self, error: io::Error) {
        match error.kind() {
            ErrorKind::WouldBlock => drop(self.wait()),
            ErrorKind::Interrupted => {}
            kind => panic!("{kind:?}"),
        }
    }
}

fn poll(net: &mut dyn Net) -> Vec<(Token, bool, bool)> {
    let mut ready = Vec::new();
    net.wait(Some(net.now()), &mut ready).unwrap();
    let edge = |ready: Ready| match ready {
        Ready::Socket { token, readable, writable } => Some((token, readable, writable)),
        _ => None,
    };
    ready.into_iter().filter_map(edge).collect()
}

/// A world with one host, `a.example` at 10.0.0.1, and the address of its port 80.
fn world() -> (World, super::Host, &'static str) {
    let world = World::new(7);
    let host = world.host("a.example", ["10.0.0.1"]);
    (world, host, "10.0.0.1:80")
}

/// The message of the panic that `f` has to raise.
fn panic_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).unwrap_err();
    payload.downcast_ref::<String>().cloned().unwrap()
}
