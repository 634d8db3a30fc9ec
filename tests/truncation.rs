//! A body that is cut short is an error, wherever the cut is and however the body is read.
//!
//! Every stream of one member, in every coding and framing, plain and over TLS, is cut after each of its octets: once by
//! the end of the connection in the middle of the framing, and once inside a framing that is whole, as a server does
//! that gave up compressing. Only a body without a coding that ends with a plain connection, or with an orderly end of
//! TLS, cannot be told from a whole one.
//!
//! A binary of its own, because of the many connections.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may be blunt")]

use serde_json::Value;
use session::{Error, Session, Tls};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use testbed::encode::{br, deflate, gzip, zstd};

/// Nothing here takes so long: what does, hangs.
const HANG: Duration = Duration::from_secs(120);

#[test]
fn r_5_every_cut_of_every_body_is_an_error_in_every_reading_style() {
    let parts: [fn() -> usize; 4] = [
        || wire_cuts(&Server::plain(content(125)), &[Ending::Orderly]),
        || wire_cuts(&Server::tls(content(12)), &[Ending::Orderly, Ending::Truncated]),
        || stream_cuts(&Server::plain(content(400))),
        || stream_cuts(&Server::tls(content(400))),
    ];
    let cuts: usize = thread::scope(|scope| {
        let halves = [&parts[..2], &parts[2..]];
        let running = halves.map(|half| scope.spawn(move || half.iter().map(|part| part()).sum::<usize>()));
        running.map(|half| half.join().unwrap()).iter().sum()
    });
    // Past the test runner, which would keep the words of a test that passes to itself.
    let _ =
        writeln!(io::stderr(), "truncation: {cuts} cuts, each read in {} ways: all are errors", STYLES.len());
    assert!(cuts >= 20_000, "{cuts}");
}

/// JSON in lines, of so many numbers without a pattern.
fn content(numbers: u32) -> String {
    let mut state = 7_u32;
    let numbers: Vec<String> = (0..numbers)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!("{}{}", state >> 20, if n % 8 == 7 { "\n" } else { "" })
        })
        .collect();
    format!("[{}]", numbers.join(","))
}

/// Ends the connection inside the framed body, at every octet.
fn wire_cuts(server: &Server, endings: &[Ending]) -> usize {
    let mut cuts = 0;
    for (coding, stream) in server.streams.iter() {
        for framing in FRAMINGS {
            for ending in endings {
                let told = *coding != "identity"
                    || framing != Framing::Close
                    || server.is_tls() && *ending == Ending::Truncated;
                if told {
                    let octets = framing.frame(stream, stream.len()).1.len();
                    let path = |ending, cut| format!("{coding}/{framing:?}/wire/{ending:?}/{cut}");
                    server.whole(&path(Ending::Orderly, octets));
                    (1..octets).for_each(|cut| server.cut(&path(*ending, cut)));
                    cuts += octets - 1;
                }
            }
        }
    }
    cuts
}

/// Ends the coded stream at every octet, in a framing that is whole.
fn stream_cuts(server: &Server) -> usize {
    let mut cuts = 0;
    for (coding, stream) in server.streams.iter().filter(|(coding, _)| *coding != "identity") {
        // A framing by the end of the connection has no other cuts than those of the wire.
        for framing in [Framing::Length, Framing::Chunked] {
            let path = |cut| format!("{coding}/{framing:?}/stream/Orderly/{cut}");
            server.whole(&path(stream.len()));
            (1..stream.len()).for_each(|cut| server.cut(&path(cut)));
            cuts += stream.len() - 1;
        }
    }
    cuts
}

/// What was read, and whether it was an error.
type Outcome = (Vec<u8>, Result<(), Error>);

/// A name, and how a body is read from a URL.
type Style = (&'static str, fn(&Session, &str) -> Outcome);

/// The ways to read a body.
const STYLES: &[Style] = &[
    ("send", |session, url| match session.get(url).send() {
        Ok(response) => {
            assert!(response.json::<Value>().is_ok() && response.text().as_bytes() == response.bytes());
            (response.into_bytes(), Ok(()))
        }
        Err(error) => (Vec::new(), Err(error)),
    }),
    ("read to the end", |session, url| {
        let mut bytes = Vec::new();
        let result = session.get(url).stream().unwrap().read_to_end(&mut bytes);
        (bytes, result.map(drop).map_err(inner))
    }),
    ("small reads", |session, url| {
        let (mut stream, mut bytes, mut piece) = (session.get(url).stream().unwrap(), Vec::new(), [0; 7]);
        loop {
            match stream.read(&mut piece) {
                Ok(0) => return (bytes, Ok(())),
                Ok(n) => bytes.extend_from_slice(&piece[..n]),
                Err(error) => {
                    assert!(stream.read(&mut piece).is_err(), "an error stays one");
                    return (bytes, Err(inner(error)));
                }
            }
        }
    }),
    ("copy", |session, url| {
        let mut bytes = Vec::new();
        let result = io::copy(&mut session.get(url).stream().unwrap(), &mut bytes);
        (bytes, result.map(drop).map_err(inner))
    }),
    ("lines", |session, url| {
        let mut text = String::new();
        for line in session.get(url).stream().unwrap().lines() {
            match line {
                Ok(line) => text.extend([line.as_str(), "\n"]),
                Err(error) => return (text.into_bytes(), Err(error)),
            }
        }
        // The last line has no end.
        text.pop();
        (text.into_bytes(), Ok(()))
    }),
    ("chunks", |session, url| {
        let mut bytes = Vec::new();
        for chunk in session.get(url).stream().unwrap().chunks() {
            match chunk {
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(error) => return (bytes, Err(error)),
            }
        }
        (bytes, Ok(()))
    }),
    ("copy_to", |session, url| {
        let mut bytes = Vec::new();
        let result = session.get(url).stream().unwrap().copy_to(&mut bytes);
        (bytes, result.map(drop))
    }),
    ("into a response", |session, url| match session.get(url).stream().unwrap().into_response() {
        Ok(response) => (response.into_bytes(), Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    }),
];

/// The error of the session in one of `io::Read`.
fn inner(error: io::Error) -> Error {
    error.downcast().unwrap()
}

const FRAMINGS: [Framing; 3] = [Framing::Length, Framing::Chunked, Framing::Close];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    Close,
}

impl Framing {
    fn parse(name: &str) -> Self {
        FRAMINGS.into_iter().find(|framing| format!("{framing:?}") == name).unwrap()
    }

    /// The field that says it, and the first `cut` octets of a stream in it.
    fn frame(self, stream: &[u8], cut: usize) -> (String, Vec<u8>) {
        let stream = &stream[..cut];
        match self {
            Self::Length => (format!("Content-Length: {cut}\r\n"), stream.to_vec()),
            Self::Close => (String::new(), stream.to_vec()),
            Self::Chunked => {
                let chunk =
                    |data: &[u8]| [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
                let mut body: Vec<u8> = stream.chunks(100).flat_map(chunk).collect();
                body.extend_from_slice(b"0\r\n\r\n");
                ("Transfer-Encoding: chunked\r\n".to_owned(), body)
            }
        }
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// With close_notify, where there is TLS.
    Orderly,
    Truncated,
}

/// A server that sends as much as the path asks for, and a session that talks to it.
struct Server {
    addr: SocketAddr,
    base: String,
    session: Session,
    content: String,
    streams: Arc<Vec<(&'static str, Vec<u8>)>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn plain(content: String) -> Self {
        Self::start(content, None, Tls::without_public_roots())
    }

    fn tls(content: String) -> Self {
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![own.cert.der().clone()], key)
                .unwrap();
        let tls = Tls::without_public_roots().add_roots_pem(own.cert.pem()).unwrap();
        Self::start(content, Some(Arc::new(config)), tls)
    }

    fn start(content: String, config: Option<Arc<rustls::ServerConfig>>, tls: Tls) -> Self {
        let data = content.as_bytes();
        let streams = Arc::new(vec![
            ("identity", data.to_vec()),
            ("gzip", gzip(data)),
            ("deflate", deflate(data)),
            ("br", br(data)),
            ("zstd", zstd(data)),
        ]);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let scheme = if config.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://localhost:{}", addr.port());
        let stop = Arc::new(AtomicBool::new(false));
        let (served, stopped) = (streams.clone(), stop.clone());
        let thread = thread::spawn(move || {
            thread::scope(|scope| {
                for socket in listener.incoming().take_while(|_| !stopped.load(Ordering::SeqCst)) {
                    let (config, served) = (config.clone(), &served);
                    scope.spawn(move || serve(socket.unwrap(), config, served));
                }
            });
        });
        let loopback = |_: &str| Ok(vec![Ipv4Addr::LOCALHOST.into()]);
        let session = Session::builder()
            .ignore_environment()
            .tls(tls)
            .resolver(loopback)
            .timeout(HANG)
            .build()
            .unwrap();
        Self { addr, base, session, content, streams, stop, thread: Some(thread) }
    }

    fn is_tls(&self) -> bool {
        self.base.starts_with("https")
    }

    fn whole(&self, path: &str) {
        for (style, read) in STYLES {
            let (bytes, result) = read(&self.session, &format!("{}/{path}", self.base));
            result.unwrap();
            assert!(bytes == self.content.as_bytes(), "{path}: {style}");
        }
    }

    fn cut(&self, path: &str) {
        let url = format!("{}/{path}", self.base);
        for (style, read) in STYLES {
            let (bytes, result) = read(&self.session, &url);
            assert!(result.is_err(), "{path}: no error by {style}");
            assert!(self.content.as_bytes().starts_with(&bytes), "{path}: other bytes by {style}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Kept connections end with the session, and this one wakes the listener.
        self.session = Session::builder().ignore_environment().build().unwrap();
        drop(TcpStream::connect(self.addr));
        let _ = self.thread.take().unwrap().join();
    }
}

/// Answers on one connection until it is to end, or the client ends it.
fn serve(socket: TcpStream, config: Option<Arc<rustls::ServerConfig>>, streams: &[(&str, Vec<u8>)]) {
    socket.set_nodelay(true).unwrap();
    match config {
        None => {
            let mut socket = socket;
            let _ = answer(&mut socket, streams);
        }
        Some(config) => {
            let tls = rustls::ServerConnection::new(config).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, socket);
            if let Ok(Ending::Orderly) = answer(&mut stream, streams) {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    }
}

fn answer(link: &mut (impl Read + Write), streams: &[(&str, Vec<u8>)]) -> io::Result<Ending> {
    let mut link = BufReader::new(Duplex(link));
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if link.read_until(b'\n', &mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let head = String::from_utf8(head).unwrap();
        let path: Vec<&str> = head.split(' ').nth(1).unwrap().split('/').collect();
        let [_, coding, framing, what, ending, cut] = path[..] else {
            return Err(io::ErrorKind::Other.into());
        };
        let (_, stream) = streams.iter().find(|(name, _)| *name == coding).unwrap();
        let (framing, cut) = (Framing::parse(framing), cut.parse::<usize>().unwrap());
        let on_the_wire = what == "wire";
        let (field, mut body) = framing.frame(stream, if on_the_wire { stream.len() } else { cut });
        if on_the_wire {
            body.truncate(cut);
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n{field}\r\n");
        link.get_mut().0.write_all(&[head.as_bytes(), &body].concat())?;
        link.get_mut().0.flush()?;
        if on_the_wire {
            return Ok(if ending == "Orderly" { Ending::Orderly } else { Ending::Truncated });
        }
    }
}

/// Reads from one that is borrowed.
struct Duplex<'a, T>(&'a mut T);

impl<T: Read> Read for Duplex<'_, T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}
