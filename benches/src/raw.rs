//! The floor: a blocking socket and a canned request. The first answer is looked at; the others are as long.

use std::cmp::Ordering;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One connection that asks the same question again and again.
#[derive(Debug)]
pub struct Raw {
    socket: TcpStream,
    request: Vec<u8>,
    buf: Vec<u8>,
    /// Bytes of an answer and of its body, once one was seen.
    seen: Option<(usize, usize)>,
}

impl Raw {
    /// Connects; the request is the bytes a client of the other arms would send.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub fn connect(addr: SocketAddr, path: &str) -> io::Result<Self> {
        let socket = TcpStream::connect(addr)?;
        socket.set_nodelay(true)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {addr}\r\nUser-Agent: raw\r\nAccept-Encoding: gzip, deflate\r\n\
             Accept: */*\r\nConnection: keep-alive\r\n\r\n"
        );
        Ok(Self { socket, request: request.into_bytes(), buf: vec![0; 64 * 1024], seen: None })
    }

    /// One request; the length of the body.
    ///
    /// # Errors
    /// Those of the socket, and `InvalidData` for an answer without `content-length` or of another length than the first.
    pub fn get(&mut self) -> io::Result<usize> {
        self.socket.write_all(&self.request)?;
        let mut filled = 0;
        loop {
            let spare = self.buf.get_mut(filled..).filter(|spare| !spare.is_empty());
            let n = self.socket.read(spare.ok_or(io::ErrorKind::StorageFull)?)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += n;
            if let Some((whole, length)) = self.seen {
                match filled.cmp(&whole) {
                    Ordering::Less => continue,
                    Ordering::Equal => return Ok(length),
                    Ordering::Greater => return Err(io::ErrorKind::InvalidData.into()),
                }
            }
            let got = self.buf.get(..filled).unwrap_or_default();
            if let Some(end) = find(got, b"\r\n\r\n") {
                let length =
                    content_length(got.get(..end).unwrap_or_default()).ok_or(io::ErrorKind::InvalidData)?;
                if filled == end + 4 + length {
                    self.seen = Some((filled, length));
                    return Ok(length);
                }
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn content_length(head: &[u8]) -> Option<usize> {
    let line = head
        .split(|&byte| byte == b'\n')
        .find(|line| line.get(..15).is_some_and(|name| name.eq_ignore_ascii_case(b"content-length:")))?;
    std::str::from_utf8(line.get(15..)?).ok()?.trim().parse().ok()
}
