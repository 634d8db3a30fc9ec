//! A client of a few lines on a raw socket, so that nothing hides what the server sent.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// After this long without a byte a test is stuck, and fails.
pub(crate) const STUCK: Duration = Duration::from_secs(20);

/// One answer, its body without chunk framing.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The sizes of the chunks, if it was chunked.
    pub(crate) chunks: Vec<usize>,
}

impl Answer {
    /// The values of a field, under exactly this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
    }

    /// The only value of a field, or nothing.
    pub(crate) fn field(&self, name: &str) -> &str {
        match self.all(name)[..] {
            [] => "",
            [one] => one,
            _ => panic!("{name} comes more than once: {self:?}"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One connection.
pub(crate) struct Client<S> {
    stream: BufReader<S>,
}

impl Client<TcpStream> {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        Self::over(socket(addr))
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// Sends `method target` with a Host field and further ones, each ended by CRLF, and reads the answer.
    pub(crate) fn send(&mut self, method: &str, target: &str, fields: &str, body: &[u8]) -> Answer {
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{method} {target} HTTP/1.1\r\nHost: testbed.test\r\n{length}{fields}\r\n");
        self.write(head.as_bytes());
        self.write(body);
        self.read_answer(method)
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, "", b"")
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn read_answer(&mut self, method: &str) -> Answer {
        let status_line = self.line();
        let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut fields = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            fields.push((name.to_owned(), value.to_owned()));
        }
        let mut answer = Answer { status, fields, body: Vec::new(), chunks: Vec::new() };
        if method == "HEAD" || matches!(status, 204 | 304) {
            return answer;
        }
        if answer.field("Transfer-Encoding") == "chunked" {
            loop {
                let size = usize::from_str_radix(&self.line(), 16).unwrap();
                let bytes = self.bytes(size);
                assert_eq!(self.line(), "");
                if size == 0 {
                    return answer;
                }
                answer.chunks.push(size);
                answer.body.extend(bytes);
            }
        }
        answer.body = self.bytes(answer.field("Content-Length").parse().unwrap());
        answer
    }

    /// Everything up to the end of the connection, however it ends.
    pub(crate) fn read_to_end(&mut self) -> (Vec<u8>, io::Result<usize>) {
        let mut bytes = Vec::new();
        let end = self.stream.read_to_end(&mut bytes);
        (bytes, end)
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream.into_inner()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("not a line: {line:?}")).to_owned()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }
}

/// A connected socket that does not wait for ever.
pub(crate) fn socket(addr: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(addr).unwrap();
    socket.set_read_timeout(Some(STUCK)).unwrap();
    socket.set_write_timeout(Some(STUCK)).unwrap();
    socket
}
