//! What several oracles make of bytes: lines, URLs, a point in time, and a session without a network.

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
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in octets.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    out
}
