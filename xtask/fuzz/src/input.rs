//! What several oracles make of bytes: lines, URLs, a point in time, and a session without a network.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pool::Config;
use pool::sim::World;
use session::{Session, SessionBuilder, Url};
use std::time::{Duration, SystemTime};

/// 2027-01-15, 08:00 UTC: when oracles that need a time begin.
pub(crate) fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// The lines, without their ends.
pub(crate) fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n')
}

/// The first line and what follows it.
pub(crate) fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, rest) = data.split_at_checked(end).unwrap_or((data, &[]));
    (line, rest.strip_prefix(b"\n").unwrap_or_default())
}

/// The line as a URL that cookies and credentials can belong to.
pub(crate) fn url(line: &[u8]) -> Option<Url> {
    if !line.starts_with(b"http") {
        return None;
    }
    Url::parse(str::from_utf8(line).ok()?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// A URL that is known to be one.
pub(crate) fn fixed(url: &str) -> Url {
    Url::parse(url).unwrap_or_else(|error| unreachable!("{url}: {error}"))
}

/// A world with nothing in it, and a session there.
pub(crate) fn nowhere() -> (World, Session) {
    let world = World::new(7);
    let session = finished(builder(&world));
    (world, session)
}

/// Of a session in that world which does not look at the environment.
pub(crate) fn builder(world: &World) -> SessionBuilder {
    Session::builder().with_pool(world.pool(Config::default())).ignore_environment()
}

pub(crate) fn finished(builder: SessionBuilder) -> Session {
    builder.build().unwrap_or_else(|error| unreachable!("{error}"))
}

/// Whether `host` is `domain`, or a name below it.
pub(crate) fn is_within(host: &str, domain: &str) -> bool {
    let below = host.strip_suffix(domain).is_some_and(|labels| labels.ends_with('.'));
    host == domain || (below && host.parse::<std::net::Ipv4Addr>().is_err() && !host.starts_with('['))
}

/// RFC 4648 §4.
pub(crate) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// The octets of an answer with this field and the body in chunks of these sizes, used over and over; without any, in one.
pub(crate) fn chunked(field: &str, sizes: &[u8], mut body: &[u8]) -> Vec<u8> {
    let mut reply = format!("HTTP/1.1 200 OK\r\n{field}\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
    let mut sizes = sizes.iter().cycle();
    while !body.is_empty() {
        let size = sizes.next().map_or(body.len(), |size| usize::from(*size % 32) + 1).min(body.len());
        reply.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        reply.extend_from_slice(body.split_off(..size).unwrap_or_default());
        reply.extend_from_slice(b"\r\n");
    }
    reply.extend_from_slice(b"0\r\n\r\n");
    reply
}
