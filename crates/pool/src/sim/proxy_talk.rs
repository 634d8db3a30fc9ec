//! The proxy's side of what clients say to proxies, as simple as the simulator allows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_wire::{Method, RequestHead};
use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) const NONE: u8 = 0;
pub(super) const PASSWORD: u8 = 2;
const NO_ACCEPTABLE: u8 = 0xff;

pub(super) const NEEDS_CREDENTIALS: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\
    Proxy-Authenticate: Basic realm=\"simulated\"\r\nContent-Length: 11\r\n\r\nwho are you";
pub(super) const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
pub(super) const BAD_GATEWAY: &str = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\n\r\nunreachable";

/// User and password, as octets.
pub(super) type Credentials = (Vec<u8>, Vec<u8>);

/// A SOCKS 5 request.
pub(super) enum Socks {
    To { length: usize, host: String, port: u16 },
    Malformed,
}

/// The greeting: its length, and the methods offered.
pub(super) fn greeting(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    let length = 2 + usize::from(*bytes.get(1)?);
    Some((length, bytes.get(2..length)?.to_vec()))
}

/// The method a proxy takes that needs credentials, or does not.
pub(super) fn choose(offered: &[u8], needs: bool) -> u8 {
    let wanted = if needs { PASSWORD } else { NONE };
    if offered.contains(&wanted) { wanted } else { NO_ACCEPTABLE }
}

/// User and password, and the length of their message (RFC 1929).
pub(super) fn password(bytes: &[u8]) -> Option<(usize, Credentials)> {
    let user_end = 2 + usize::from(*bytes.get(1)?);
    let user = bytes.get(2..user_end)?;
    let end = user_end + 1 + usize::from(*bytes.get(user_end)?);
    Some((end, (user.to_vec(), bytes.get(user_end + 1..end)?.to_vec())))
}

/// The request to connect.
pub(super) fn request(bytes: &[u8]) -> Option<Socks> {
    let [version, command, _, kind] = *bytes.first_chunk()?;
    if (version, command) != (5, 1) {
        return Some(Socks::Malformed);
    }
    let rest = bytes.get(4..)?;
    let (host, at) = match kind {
        1 => (Ipv4Addr::from(*rest.first_chunk::<4>()?).to_string(), 8),
        4 => (Ipv6Addr::from(*rest.first_chunk::<16>()?).to_string(), 20),
        3 => {
            let length = usize::from(*rest.first()?);
            (String::from_utf8_lossy(rest.get(1..=length)?).into_owned(), 5 + length)
        }
        _ => return Some(Socks::Malformed),
    };
    let port = u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
    Some(Socks::To { length: at + 2, host, port })
}

/// User and password of `Proxy-Authorization: Basic`.
pub(super) fn basic(head: &RequestHead) -> Option<Credentials> {
    let headers = head.headers();
    let encoded = headers.get("proxy-authorization")?.as_bytes().strip_prefix(b"Basic ")?;
    let decoded = STANDARD.decode(encoded).ok()?;
    let colon = decoded.iter().position(|octet| *octet == b':')?;
    Some((decoded.get(..colon)?.to_vec(), decoded.get(colon + 1..)?.to_vec()))
}

/// Host and port of what a proxy is asked for; `None` if that names none.
pub(super) fn authority(head: &RequestHead) -> Option<(String, u16)> {
    let target = head.target();
    let (authority, default) = if *head.method() == Method::CONNECT {
        (target, None)
    } else {
        let rest = target.strip_prefix("http://")?;
        (rest.split(['/', '?']).next()?, Some(80))
    };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some((host.to_owned(), port.parse().ok()?)),
        _ => Some((authority.to_owned(), default?)),
    }
}

/// The head as the origin gets it: with a path as its target, and without what was meant for the proxy.
pub(super) fn rewritten(head: &RequestHead) -> Vec<u8> {
    let rest = head.target().strip_prefix("http://").unwrap_or_default();
    let path = rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or_default();
    let path = match (path, head.method()) {
        ("", &Method::OPTIONS) => "*".to_owned(),
        (path, _) if path.starts_with('/') => path.to_owned(),
        (path, _) => format!("/{path}"),
    };
    let mut out = format!("{} {path} HTTP/1.1\r\n", head.method()).into_bytes();
    for line in head.as_bytes().split_inclusive(|octet| *octet == b'\n').skip(1) {
        let proxys = line.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"proxy-"));
        if !proxys {
            out.extend_from_slice(line);
        }
    }
    out
}
