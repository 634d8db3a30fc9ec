//! The cheapest server there is: one blocking thread per connection, the same answer to every head.
//!
//! With almost nothing on its side of the core, the client's own work weighs most: the strictest comparison.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Answers as long as the process lives; connections end when their client closes them.
///
/// # Errors
/// If no port can be had.
pub fn serve(body: usize) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let addr = listener.local_addr()?;
    let answer: Arc<[u8]> = answer(body).into();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || talk(socket, &answer));
        }
    });
    Ok(addr)
}

/// Ten fields, as servers send them, and a body of JSON.
fn answer(body: usize) -> Vec<u8> {
    let json = format!("{{\"data\": \"{}\"}}", "x".repeat(body.saturating_sub(12)));
    format!(
        "HTTP/1.1 200 OK\r\nServer: canned/1.0\r\nDate: Sun, 22 Nov 2026 07:00:00 GMT\r\n\
         Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\
         Cache-Control: private, max-age=0\r\nETag: \"5e1f-3b9aca00\"\r\nVary: Accept-Encoding\r\n\
         X-Request-Id: 7d9f6a1e-0c1b-4d3e-9f5a-1b2c3d4e5f60\r\nX-Frame-Options: DENY\r\n\r\n{json}",
        json.len()
    )
    .into_bytes()
}

fn talk(mut socket: TcpStream, answer: &[u8]) {
    let mut buf = [0; 4096];
    // A request arrives in one piece on loopback; where it did not, the arms would report wrong lengths.
    while let Ok(n) = socket.read(&mut buf) {
        let whole = buf.get(..n).is_some_and(|got| got.ends_with(b"\r\n\r\n"));
        if n == 0 || !whole || socket.write_all(answer).is_err() {
            break;
        }
    }
}
