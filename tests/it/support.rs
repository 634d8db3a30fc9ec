//! What the tests have in common.

use serde_json::Value;
use session::{Error, Response, Session, SessionBuilder, Tls};
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::Duration;
use testbed::Testbed;

/// Nothing here takes so long: what does, hangs, and its test fails.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// A session that answers to the test alone, and does not wait for ever.
pub(crate) fn session() -> Session {
    builder().build().unwrap()
}

pub(crate) fn builder() -> SessionBuilder {
    Session::builder().ignore_environment().timeout(HANG)
}

/// Trusts this authority and no other.
pub(crate) fn only(ca: &str) -> Tls {
    Tls::without_public_roots().add_roots_pem(ca).unwrap()
}

/// A session that trusts the authority of the testbed.
pub(crate) fn trusting(testbed: &Testbed) -> SessionBuilder {
    builder().tls(only(testbed.ca_pem()))
}

/// Every name is this machine.
pub(crate) fn loopback(_host: &str) -> io::Result<Vec<IpAddr>> {
    Ok(vec![Ipv4Addr::LOCALHOST.into()])
}

/// An answer with this body.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A redirect without a body.
pub(crate) fn to(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

pub(crate) fn text(result: Result<Response, Error>) -> String {
    result.unwrap().text().into_owned()
}

pub(crate) fn json(response: &Response) -> Value {
    response.json().unwrap()
}

/// Whether the last attempt ran on a connection that had served before.
pub(crate) fn reused(response: &Response) -> bool {
    response.attempts().last().reused
}

/// Whether the last attempt ran over a TLS session that was taken up again.
pub(crate) fn resumed(response: &Response) -> bool {
    response.attempts().last().tls.expect("over TLS").resumed
}

/// A port that nobody listens on: taken from the system and given back.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// The values of a field in a request as it was received; names match whatever their case.
pub(crate) fn fields(request: &[u8], name: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    let lines = text.split("\r\n").take_while(|line| !line.is_empty());
    let matching =
        lines.filter_map(|line| line.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)));
    matching.map(|(_, value)| value.trim().to_owned()).collect()
}

/// How often `needle` is in `bytes`.
pub(crate) fn count(bytes: &[u8], needle: &str) -> usize {
    bytes.windows(needle.len()).filter(|window| *window == needle.as_bytes()).count()
}
