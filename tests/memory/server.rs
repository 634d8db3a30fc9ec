//! The server of the attacks, in the first process.

use crate::MIB;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::thread;
use testbed::encode;

/// The addresses of the plain server and of one with a certificate that nobody trusts, which run as long as the process.
pub(crate) fn servers() -> &'static str {
    static SERVERS: OnceLock<String> = OnceLock::new();
    SERVERS.get_or_init(|| {
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config =
            builder.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
        let config = Arc::new(config);
        let plain = listen(|socket| drop(serve(socket)));
        let tls = listen(move |mut socket| {
            let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
            let _ = tls.complete_io(&mut socket);
        });
        format!("{plain} {tls}")
    })
}

fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(socket));
        }
    });
    addr
}

/// Answers on one connection until the client has had enough.
fn serve(socket: TcpStream) -> io::Result<()> {
    // A head and its body are two writes, and the second would wait for the acknowledgement of the first.
    socket.set_nodelay(true)?;
    let mut link = BufReader::new(socket);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if link.read_until(b'\n', &mut head)? == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8(head).unwrap();
        let path: Vec<&str> = head.split(' ').nth(1).unwrap().split('/').skip(1).collect();
        let out = link.get_mut();
        match path[..] {
            ["links", _] => sized(out, &format!("Link: {}\r\n", "<>,".repeat(20_000)), b"")?,
            ["small"] => sized(out, "", b"small")?,
            ["coded", coding] => {
                let (coding, body) = match coding {
                    "gzip" => (coding, encode::gzip(b"small")),
                    "deflate" => (coding, encode::deflate(b"small")),
                    "br" => (coding, encode::br(b"small")),
                    "zstd" => (coding, encode::zstd(b"small")),
                    _ => ("gzip", b"small".to_vec()),
                };
                sized(out, &format!("Content-Encoding: {coding}\r\n"), &body)?;
            }
            ["warm"] => sized(out, "", &vec![b'w'; MIB as usize])?,
            ["large"] => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 64 * MIB);
                endless(out, head.as_bytes(), &vec![b'l'; MIB as usize], 64)?;
            }
            ["bomb", "five"] => {
                sized(out, "Content-Encoding: gzip, gzip, gzip, gzip, gzip\r\n", &bomb("five"))?
            }
            ["bomb", name] => {
                let coding = name.split('-').next().unwrap();
                sized(out, &format!("Content-Encoding: {coding}\r\n"), &bomb(name))?;
            }
            ["codings", coding] => {
                sized(out, &format!("Content-Encoding: {}\r\n", [coding; 1000].join(", ")), b"body")?;
            }
            ["redirect-bomb"] => {
                out.write_all(
                    b"HTTP/1.1 302 Found\r\nLocation: /small\r\nContent-Encoding: gzip\r\n\
                      Transfer-Encoding: chunked\r\n\r\n",
                )?;
                let bomb = bomb("gzip");
                out.write_all(format!("{:x}\r\n", bomb.len()).as_bytes())?;
                out.write_all(&bomb)?;
                out.write_all(b"\r\n0\r\n\r\n")?;
            }
            // 100 MiB.
            ["gzip", field] => {
                let flag = if field == "name" { 0x08 } else { 0x10 };
                let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
                let member = [0x1f, 0x8b, 8, flag, 0, 0, 0, 0, 0, 0xff];
                endless(out, &[&head[..], &member].concat(), &[b'n'; 64 * 1024], 1600)?;
            }
            ["window", window] => {
                let (coding, body) = window_bomb(window);
                sized(out, &format!("Content-Encoding: {coding}\r\n"), &body)?;
            }
            ["long-name"] => sized(out, &format!("{}: 1\r\n", "x".repeat(60 * 1024)), b"small")?,
            ["announced", length] => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n0123456789");
                return out.write_all(head.as_bytes());
            }
            ["hop", "30"] => sized(out, "", b"small")?,
            ["hop", hop] => {
                let next = hop.parse::<u32>().unwrap() + 1;
                let head = format!(
                    "HTTP/1.1 302 Found\r\nLocation: /hop/{next}\r\nContent-Length: {}\r\n\r\n",
                    10 * MIB
                );
                endless(out, head.as_bytes(), &vec![b'h'; MIB as usize], 10)?;
            }
            ["tiny-chunks"] => {
                out.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                let piece = b"1\r\nx\r\n".repeat(64 * 1024);
                endless(out, b"", &piece, 1024)?;
                out.write_all(b"0\r\n\r\n")?;
            }
            ["endless", attack] => {
                let start = "HTTP/1.1 200 OK\r\n";
                let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                let long = format!("1;{}", "e".repeat(MIB as usize));
                let extension = format!("1;{}\r\nx\r\n", "e".repeat(100));
                let hints = format!("HTTP/1.1 103 Early Hints\r\nX: {}\r\n\r\n", "h".repeat(1024));
                let (start, piece) = match attack {
                    "headers" => (start.to_owned(), "X: y\r\n"),
                    "small-headers" => (start.to_owned(), "a:\r\n"),
                    "trailers" => (format!("{chunked}0\r\n"), "X: y\r\n"),
                    "long-extension" => (chunked.to_owned(), &*long),
                    "extensions" => (chunked.to_owned(), &*extension),
                    "continue" => (String::new(), "HTTP/1.1 100 Continue\r\n\r\n"),
                    "hints" => (String::new(), &*hints),
                    other => panic!("no attack {other}"),
                };
                endless(out, start.as_bytes(), piece.repeat(100).as_bytes(), 10_000)?;
            }
            _ => panic!("no path {path:?}"),
        }
    }
}

fn sized(out: &mut TcpStream, fields: &str, body: &[u8]) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    out.write_all(head.as_bytes())?;
    out.write_all(body)
}

/// So often, or until the client has had enough.
fn endless(out: &mut TcpStream, start: &[u8], piece: &[u8], times: u32) -> io::Result<()> {
    out.write_all(start)?;
    (0..times).try_for_each(|_| out.write_all(piece))
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A few kilobytes that are many megabytes.
fn bomb(bomb: &str) -> Vec<u8> {
    match bomb {
        "gzip" => gzip(&vec![0; MIB as usize]).repeat(24),
        "gzip-80" => gzip(&vec![0; MIB as usize]).repeat(80),
        "five" => (0..4).fold(self::bomb("gzip"), |inner, _| gzip(&inner)),
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&vec![0; 4 * MIB as usize]).unwrap();
            encoder.finish().unwrap()
        }
        // Windows of 4 and of 16 MiB.
        "br" | "br-24" => {
            let window = if bomb == "br" { 22 } else { 24 };
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, 1, window);
            encoder.write_all(&vec![0; 2 << window]).unwrap();
            encoder.into_inner()
        }
        // A window of 8 MiB, and blocks that repeat one byte 128 KiB times.
        "zstd" => {
            let mut body = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68];
            (0..640_u32).for_each(|n| {
                let header = (128 * 1024) << 3 | 1 << 1 | u32::from(n == 639);
                body.extend_from_slice(&header.to_le_bytes()[..3]);
                body.push(b'z');
            });
            body
        }
        other => panic!("no bomb {other}"),
    }
}

fn window_bomb(name: &str) -> (&'static str, Vec<u8>) {
    let zstd = |rest: &[u8]| ("zstd", [&[0x28, 0xb5, 0x2f, 0xfd], rest].concat());
    match name {
        // 2 GiB by exponent, and ten bytes of data in one raw block.
        "zstd-2-gib" => zstd(b"\x00\xa8\x51\x00\x000123456789"),
        "zstd-one-segment" => zstd(b"\xa0\xff\xff\xff\xff\x51\x00\x000123456789"),
        "br-large" => ("br", vec![0x11, 30, 3, 0, 0, 0, 0, 0]),
        // Eight bytes, and 65 000 matches of up to 128 KiB each.
        "zstd-block" => {
            let bits = [&vec![0xff; 65_000 * 2][..], &[1]].concat();
            let content = [&[0, 255, 0xe8, 0x7e, 0b0101_0100, 0, 0, 52][..], &bits].concat();
            let header = (content.len() as u32) << 3 | 2 << 1 | 1;
            zstd(&[b"\x00\x68\x40\x00\x0012345678", &header.to_le_bytes()[..3], &content].concat())
        }
        other => panic!("no window {other}"),
    }
}
