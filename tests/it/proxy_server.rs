//! A proxy over real sockets, on threads: CONNECT, absolute form and SOCKS 5, in the clear or over TLS.

use crate::support::HANG;
use rustls::{HandshakeKind, ServerConfig, ServerConnection};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// The proxy; it ends when dropped.
pub(crate) struct ProxyServer {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ProxyServer {
    /// In the clear, or over TLS if that is how it is to be spoken to. Every name is this machine to it.
    pub(crate) fn start(tls: Option<ServerConfig>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let (seen, ended, tls) = (Arc::default(), Arc::new(AtomicBool::new(false)), tls.map(Arc::new));
        let (log, stop) = (Arc::clone(&seen), ended.clone());
        let accept = move || {
            let mut connections = Vec::new();
            while let Ok((socket, _)) = listener.accept()
                && !stop.load(Ordering::SeqCst)
            {
                let (tls, log) = (tls.clone(), Arc::clone(&log));
                // How a connection ends is for the client to judge.
                connections.push(thread::spawn(move || drop(serve(socket, tls, &log))));
            }
            for connection in connections {
                connection.join().unwrap();
            }
        };
        Self { addr, seen, ended, thread: Some(thread::spawn(accept)) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }

    /// What it was asked for, and over TLS each handshake, in order.
    pub(crate) fn seen(&self) -> Vec<String> {
        let first = |head: String| head.lines().next().unwrap_or_default().to_owned();
        self.heads().into_iter().map(first).collect()
    }

    /// The same, with the whole head of each request.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for ProxyServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.addr));
        if let Some(thread) = self.thread.take()
            && !thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}

/// The client's side. Both directions use it at once, so nothing is locked while a socket is waited for.
struct Side {
    socket: TcpStream,
    tls: Option<Mutex<ServerConnection>>,
}

impl Side {
    /// Appends what one read gives; false at the end.
    fn read(&self, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut raw = [0; 16 * 1024];
        let n = (&self.socket).read(&mut raw)?;
        let mut rest = &raw[..n];
        let Some(tls) = &self.tls else {
            out.extend_from_slice(rest);
            return Ok(n > 0);
        };
        let mut tls = tls.lock().unwrap();
        while !rest.is_empty() {
            tls.read_tls(&mut rest)?;
            let state = tls.process_new_packets();
            while tls.wants_write() {
                tls.write_tls(&mut &self.socket)?;
            }
            let mut plain = vec![0; state.map_err(io::Error::other)?.plaintext_bytes_to_read()];
            tls.reader().read_exact(&mut plain)?;
            out.extend_from_slice(&plain);
        }
        Ok(n > 0)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &self.tls else { return (&self.socket).write_all(bytes) };
        let mut tls = tls.lock().unwrap();
        // Smaller than what rustls buffers.
        for piece in bytes.chunks(16 * 1024) {
            tls.writer().write_all(piece)?;
            while tls.wants_write() {
                tls.write_tls(&mut &self.socket)?;
            }
        }
        Ok(())
    }

    fn end(&self) {
        if let Some(tls) = &self.tls {
            let mut tls = tls.lock().unwrap();
            tls.send_close_notify();
            while tls.wants_write() && tls.write_tls(&mut &self.socket).is_ok() {}
        }
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Reads until so many bytes are there.
    fn read_up_to(&self, buf: &mut Vec<u8>, len: usize) -> io::Result<()> {
        while buf.len() < len {
            if !self.read(buf)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

fn serve(socket: TcpStream, tls: Option<Arc<ServerConfig>>, log: &Mutex<Vec<String>>) -> io::Result<()> {
    socket.set_read_timeout(Some(HANG))?;
    socket.set_write_timeout(Some(HANG))?;
    let tls = tls.map(|config| ServerConnection::new(config).map(Mutex::new));
    let side = Side { socket, tls: tls.transpose().map_err(io::Error::other)? };
    let mut buf = Vec::new();
    side.read_up_to(&mut buf, 1)?;
    if let Some(tls) = &side.tls {
        let full = tls.lock().unwrap().handshake_kind() != Some(HandshakeKind::Resumed);
        log.lock().unwrap().push(if full { "full handshake" } else { "resumed handshake" }.to_owned());
    }
    let upstream = if buf[0] == 5 { socks(&side, &mut buf, log)? } else { http(&side, &mut buf, log)? };
    splice(&Arc::new(side), &upstream, &buf)
}

/// What is left in `buf` is for the host.
fn http(side: &Side, buf: &mut Vec<u8>, log: &Mutex<Vec<String>>) -> io::Result<TcpStream> {
    let end = loop {
        if let Some(at) = buf.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        let len = buf.len();
        side.read_up_to(buf, len + 1)?;
    };
    let head = String::from_utf8(buf.drain(..end).collect()).unwrap();
    log.lock().unwrap().push(head.clone());
    let (line, fields) = head.split_once("\r\n").unwrap();
    let (method, target) = line.strip_suffix(" HTTP/1.1").unwrap().split_once(' ').unwrap();
    if method == "CONNECT" {
        let upstream = connect(target)?;
        side.write(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        return Ok(upstream);
    }
    let rest = target.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let upstream = connect(authority)?;
    let head = format!("{method} /{path} HTTP/1.1\r\n{fields}");
    buf.splice(..0, head.into_bytes());
    Ok(upstream)
}

fn socks(side: &Side, buf: &mut Vec<u8>, log: &Mutex<Vec<String>>) -> io::Result<TcpStream> {
    side.read_up_to(buf, 2)?;
    let methods = 2 + usize::from(buf[1]);
    side.read_up_to(buf, methods)?;
    let paid = buf[2..methods].contains(&2);
    assert!(buf[0] == 5 && (paid || buf[2..methods] == [0]));
    buf.drain(..methods);
    if paid {
        // RFC 1929; whoever they are, they are let in.
        side.write(&[5, 2])?;
        side.read_up_to(buf, 2)?;
        let user = 2 + usize::from(buf[1]);
        side.read_up_to(buf, user + 1)?;
        let end = user + 1 + usize::from(buf[user]);
        side.read_up_to(buf, end)?;
        buf.drain(..end);
        side.write(&[1, 0])?;
    } else {
        side.write(&[5, 0])?;
    }
    side.read_up_to(buf, 5)?;
    let length = match buf[3] {
        1 => 4,
        3 => 1 + usize::from(buf[4]),
        kind => panic!("addresses of kind {kind}"),
    };
    side.read_up_to(buf, 4 + length + 2)?;
    let host = match &buf[4..4 + length] {
        &[a, b, c, d] if buf[3] == 1 => Ipv4Addr::new(a, b, c, d).to_string(),
        name => String::from_utf8(name[1..].to_vec()).unwrap(),
    };
    let port = u16::from_be_bytes([buf[4 + length], buf[5 + length]]);
    log.lock().unwrap().push(format!("SOCKS {host}"));
    buf.drain(..6 + length);
    let upstream = connect(&format!("{host}:{port}"))?;
    side.write(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    Ok(upstream)
}

/// Every name is this machine.
fn connect(authority: &str) -> io::Result<TcpStream> {
    let port = authority.rsplit_once(':').map_or(80, |(_, port)| port.parse().unwrap());
    let upstream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    upstream.set_read_timeout(Some(HANG))?;
    upstream.set_write_timeout(Some(HANG))?;
    Ok(upstream)
}

/// Passes everything on, in both directions, until both have ended.
fn splice(side: &Arc<Side>, upstream: &TcpStream, before: &[u8]) -> io::Result<()> {
    let (down, mut from) = (Arc::clone(side), upstream.try_clone()?);
    let back = thread::spawn(move || {
        let mut buf = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from.read(&mut buf) {
            if down.write(&buf[..n]).is_err() {
                break;
            }
        }
        down.end();
    });
    let mut to = upstream;
    let mut bytes = before.to_vec();
    loop {
        if to.write_all(&bytes).is_err() {
            break;
        }
        bytes.clear();
        if !matches!(side.read(&mut bytes), Ok(true)) {
            break;
        }
    }
    let _ = upstream.shutdown(Shutdown::Write);
    back.join().unwrap();
    Ok(())
}
