//! A server that answers as it was told, and keeps every octet of what it was asked.

use crate::scenario::{Answer, Then};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// `A` or `B`.
    pub(crate) server: char,
    pub(crate) head: Vec<u8>,
    /// With the framing of chunks.
    pub(crate) body: Vec<u8>,
}

/// Two listeners with one list of answers.
pub(crate) struct Server {
    addresses: [SocketAddr; 2],
    shared: Arc<Shared>,
    acceptors: Vec<JoinHandle<Vec<JoinHandle<()>>>>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    records: Mutex<Vec<Record>>,
    sockets: Mutex<Vec<TcpStream>>,
    connections: AtomicUsize,
    done: AtomicBool,
}

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 2];
        let mut acceptors = Vec::new();
        for (address, name) in addresses.iter_mut().zip(['A', 'B']) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            *address = listener.local_addr()?;
            let shared = Arc::clone(&shared);
            acceptors.push(std::thread::spawn(move || accept(&listener, name, &shared)));
        }
        Ok(Self { addresses, shared, acceptors })
    }

    pub(crate) fn ports(&self) -> [u16; 2] {
        self.addresses.map(|address| address.port())
    }

    pub(crate) fn set_answers(&self, answers: &[Answer]) {
        let each = answers.iter().flat_map(|answer| std::iter::repeat_n(answer, answer.times));
        *lock(&self.shared.answers) = each.cloned().collect();
    }

    /// Ends all connections; what came in, and over how many of them.
    pub(crate) fn stop(self) -> (Vec<Record>, usize) {
        self.shared.done.store(true, Ordering::SeqCst);
        for address in self.addresses {
            // Wakes the thread that accepts.
            drop(TcpStream::connect(address));
        }
        let mut connections: Vec<JoinHandle<()>> = Vec::new();
        for acceptor in self.acceptors {
            connections.extend(acceptor.join().unwrap_or_default());
        }
        for socket in lock(&self.shared.sockets).iter() {
            // It may have ended before.
            let _ = socket.shutdown(Shutdown::Both);
        }
        for connection in connections {
            // A connection that broke has nothing more to say.
            let _ = connection.join();
        }
        let records = lock(&self.shared.records).clone();
        (records, self.shared.connections.load(Ordering::SeqCst))
    }
}

fn accept(listener: &TcpListener, name: char, shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut connections = Vec::new();
    while let Ok((socket, _)) = listener.accept() {
        if shared.done.load(Ordering::SeqCst) {
            break;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        if let Ok(copy) = socket.try_clone() {
            lock(&shared.sockets).push(copy);
        }
        let shared = Arc::clone(shared);
        // However a connection ends, the records say what was in it.
        connections.push(std::thread::spawn(move || drop(serve(socket, name, &shared))));
    }
    connections
}

/// Request after request, until one side has enough.
fn serve(mut socket: TcpStream, server: char, shared: &Shared) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut inbox = Vec::new();
    while let Some(record) = read_request(&mut socket, &mut inbox, server)? {
        let head_only = record.head.starts_with(b"HEAD ");
        lock(&shared.records).push(record);
        let answer = lock(&shared.answers).pop_front();
        let (octets, then) = match answer {
            Some(answer) => (encode(&answer, head_only), answer.then),
            None if head_only => (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".to_vec(), Then::Keep),
            None => (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(), Then::Keep),
        };
        socket.write_all(&octets)?;
        match then {
            Then::Keep => {}
            Then::Close => {
                socket.shutdown(Shutdown::Write)?;
                io::copy(&mut socket, &mut io::sink())?;
                return socket.shutdown(Shutdown::Both);
            }
            Then::Stall => {
                io::copy(&mut socket, &mut io::sink())?;
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The next request, whole; `None` when the client has closed in front of it.
fn read_request(socket: &mut TcpStream, inbox: &mut Vec<u8>, server: char) -> io::Result<Option<Record>> {
    let Some(head) = take_until(socket, inbox, b"\r\n\r\n")? else { return Ok(None) };
    let mut body = Vec::new();
    if field(&head, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        while let Some(line) = take_until(socket, inbox, b"\r\n")? {
            let size = String::from_utf8_lossy(&line).trim().to_owned();
            let size = usize::from_str_radix(&size, 16).map_err(|_| io::Error::other("chunk size"))?;
            body.extend_from_slice(&line);
            body.extend(take(socket, inbox, size + 2)?);
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = field(&head, "content-length") {
        body = take(socket, inbox, length.parse().map_err(|_| io::Error::other("length"))?)?;
    }
    Ok(Some(Record { server, head, body }))
}

fn take_until(socket: &mut TcpStream, inbox: &mut Vec<u8>, end: &[u8]) -> io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(at) = inbox.windows(end.len()).position(|window| window == end) {
            return Ok(Some(inbox.drain(..at + end.len()).collect()));
        }
        if fill(socket, inbox)? == 0 {
            return Ok(None);
        }
    }
}

/// So many octets, or as many as came before the client closed.
fn take(socket: &mut TcpStream, inbox: &mut Vec<u8>, wanted: usize) -> io::Result<Vec<u8>> {
    while inbox.len() < wanted && fill(socket, inbox)? != 0 {}
    Ok(inbox.drain(..wanted.min(inbox.len())).collect())
}

fn fill(socket: &mut TcpStream, inbox: &mut Vec<u8>) -> io::Result<usize> {
    let mut buffer = [0; 16 << 10];
    let n = socket.read(&mut buffer)?;
    inbox.extend_from_slice(buffer.get(..n).unwrap_or_default());
    Ok(n)
}

/// The first field of this name.
fn field(head: &[u8], name: &str) -> Option<String> {
    let text: String = head.iter().copied().map(char::from).collect();
    let found = text.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    found.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

/// The answer on the wire; with its length unless it says how it is framed, or cannot have a body.
fn encode(answer: &Answer, head_only: bool) -> Vec<u8> {
    if let Some(raw) = &answer.raw {
        return latin(raw);
    }
    let body = match &answer.body_base64 {
        Some(text) => STANDARD.decode(text).unwrap_or_default(),
        None => answer.body.clone().into_bytes(),
    };
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, answer.reason);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let bodyless = matches!(answer.status, 204 | 304);
    if answer.chunks.is_some() {
        head += "Transfer-Encoding: chunked\r\n";
    } else if !bodyless {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    let mut octets = latin(&(head + "\r\n"));
    if head_only || bodyless {
        return octets;
    }
    match answer.chunks {
        None => octets.extend(body),
        Some(size) => {
            for chunk in body.chunks(size) {
                octets.extend(format!("{:x}\r\n", chunk.len()).bytes());
                octets.extend(chunk);
                octets.extend(b"\r\n");
            }
            octets.extend(b"0\r\n\r\n");
        }
    }
    octets
}

/// One octet for each character; those that have none are sent as UTF-8.
fn latin(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(u32::from(character)) {
            Ok(octet) => octets.push(octet),
            Err(_) => octets.extend(character.to_string().bytes()),
        }
    }
    octets
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
