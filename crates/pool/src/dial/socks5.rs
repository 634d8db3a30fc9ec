//! SOCKS 5: what is said to a proxy that speaks it, and what its answers mean (RFC 1928, RFC 1929).

use super::tunnel::{Heard, error};
use crate::error::Error;
use crate::proxy::Proxy;
use std::net::{IpAddr, SocketAddr};

/// One request for a connection. Each of its three answers is heard to its end before more is said.
pub(super) struct Socks5 {
    stage: Stage,
    /// Heard and not yet understood.
    heard: Vec<u8>,
    /// The request, said once we are let in.
    request: Vec<u8>,
    /// For errors.
    target: String,
    proxy: Proxy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Method,
    Password,
    Reply,
}

const VERSION: u8 = 5;
const PASSWORD_VERSION: u8 = 1;

/// Ways to authenticate (RFC 1928 §3).
const NONE: u8 = 0;
const PASSWORD: u8 = 2;
const NO_ACCEPTABLE: u8 = 0xff;

/// Kinds of addresses (RFC 1928 §5).
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

impl Socks5 {
    /// Appends the greeting to `out`. `found` is what was looked up for the host; without it the proxy is given the
    /// host as it is, an address in octets.
    pub(super) fn new(
        host: &str,
        port: u16,
        found: Option<SocketAddr>,
        proxy: Proxy,
        out: &mut Vec<u8>,
    ) -> Result<Self, Error> {
        let mut request = vec![VERSION, 1, 0];
        match found.map(|found| found.ip()).or_else(|| host.parse().ok()) {
            Some(IpAddr::V4(ip)) => {
                request.push(IPV4);
                request.extend_from_slice(&ip.octets());
            }
            Some(IpAddr::V6(ip)) => {
                request.push(IPV6);
                request.extend_from_slice(&ip.octets());
            }
            None => {
                request.push(NAME);
                request.push(length(host.as_bytes())?);
                request.extend_from_slice(host.as_bytes());
            }
        }
        request.extend_from_slice(&port.to_be_bytes());
        match proxy.credentials() {
            Some(_) => out.extend_from_slice(&[VERSION, 2, NONE, PASSWORD]),
            None => out.extend_from_slice(&[VERSION, 1, NONE]),
        }
        let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Ok(Self { stage: Stage::Method, heard: Vec::new(), request, target, proxy })
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(super) fn hear(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<Heard, Error> {
        self.heard.extend_from_slice(bytes);
        loop {
            let understood = match self.stage {
                Stage::Method => self.method(out)?,
                Stage::Password => self.password(out)?,
                Stage::Reply => match self.reply()? {
                    Some(length) => {
                        return Ok(Heard::Through(self.heard.get(length..).unwrap_or_default().to_vec()));
                    }
                    None => 0,
                },
            };
            if understood == 0 {
                return Ok(Heard::More);
            }
            self.heard.drain(..understood);
        }
    }

    /// The stream ended.
    pub(super) fn ended(&self) -> Error {
        let when = match self.stage {
            Stage::Method => "before it answered the SOCKS greeting",
            Stage::Password => "before it said whether it accepts the credentials",
            Stage::Reply => "before it said whether it is connected to",
        };
        let target = if self.stage == Stage::Reply { &*self.target } else { "" };
        error(&self.proxy, format!("closed the connection {when} {target}").trim_end())
    }

    /// Which way to authenticate it chose. How many bytes were understood, 0 if more are needed.
    fn method(&mut self, out: &mut Vec<u8>) -> Result<usize, Error> {
        self.check_version(VERSION)?;
        let Some(&[_, method]) = self.heard.first_chunk() else { return Ok(0) };
        match (method, self.proxy.credentials()) {
            (NONE, _) => {
                out.extend_from_slice(&self.request);
                self.stage = Stage::Reply;
            }
            (PASSWORD, Some((user, password))) => {
                out.push(PASSWORD_VERSION);
                for part in [user, password] {
                    out.push(length(part)?);
                    out.extend_from_slice(part);
                }
                self.stage = Stage::Password;
            }
            (NO_ACCEPTABLE, None) => {
                return Err(error(&self.proxy, "refused us: it asks for credentials, and none are set"));
            }
            (NO_ACCEPTABLE, Some(_)) => {
                return Err(error(
                    &self.proxy,
                    "refused us: it takes neither user and password nor no credentials",
                ));
            }
            (other, _) => {
                let what = format_args!("broke SOCKS 5: it chose method {other}, which was not offered");
                return Err(error(&self.proxy, what));
            }
        }
        Ok(2)
    }

    /// Whether it accepts the credentials.
    fn password(&mut self, out: &mut Vec<u8>) -> Result<usize, Error> {
        self.check_version(PASSWORD_VERSION)?;
        let Some(&[_, status]) = self.heard.first_chunk() else { return Ok(0) };
        if status != 0 {
            return Err(error(&self.proxy, "refused us: it does not accept the credentials"));
        }
        out.extend_from_slice(&self.request);
        self.stage = Stage::Reply;
        Ok(2)
    }

    /// Whether it is connected to the target: the length of the reply, once all of it is here.
    fn reply(&self) -> Result<Option<usize>, Error> {
        self.check_version(VERSION)?;
        // A refusal is one as soon as it is said: some say no more than that.
        if let Some(&[_, reply]) = self.heard.first_chunk()
            && reply != 0
        {
            let (target, words) = (&self.target, reason(reply));
            return Err(error(&self.proxy, format_args!("refused a tunnel to {target}: {words}")));
        }
        let Some(&[_, _, _, kind]) = self.heard.first_chunk() else { return Ok(None) };
        // The address it is bound to, which is of no use to us, and a port.
        let bound = match kind {
            IPV4 => 4,
            IPV6 => 16,
            NAME => match self.heard.get(4) {
                Some(&length) => 1 + usize::from(length),
                None => return Ok(None),
            },
            other => {
                let what = format_args!("broke SOCKS 5: there is no kind {other} of addresses");
                return Err(error(&self.proxy, what));
            }
        };
        let length = 4 + bound + 2;
        Ok((self.heard.len() >= length).then_some(length))
    }

    fn check_version(&self, expected: u8) -> Result<(), Error> {
        match self.heard.first() {
            Some(&version) if version != expected => {
                let hint = if version == b'H' { " (is it a proxy that speaks HTTP?)" } else { "" };
                let what = format_args!("broke SOCKS 5: it answered with version {version}{hint}");
                Err(error(&self.proxy, what))
            }
            _ => Ok(()),
        }
    }
}

/// One octet says how long a name is, and a user, and a password.
fn length(part: &[u8]) -> Result<u8, Error> {
    u8::try_from(part.len())
        .map_err(|_| Error::config(format!("SOCKS has no room for {} octets: 255 are the most", part.len())))
}

/// RFC 1928 §6.
fn reason(reply: u8) -> String {
    match reply {
        1 => "general failure".into(),
        2 => "its rules do not allow it".into(),
        3 => "the network cannot be reached".into(),
        4 => "the host cannot be reached (or its name not be found)".into(),
        5 => "the host refused the connection".into(),
        6 => "the host is too far away (TTL expired)".into(),
        7 => "it does not know how to connect (command not supported)".into(),
        8 => "it does not know this kind of address".into(),
        other => format!("reply {other}, which has no meaning"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::ErrorKind;
    use crate::phase::Phase;
    use crate::proxy::ProxyKind;

    /// What it says, all in a row, when it hears these bytes in such pieces; and what comes of it.
    fn talk(
        host: &str,
        credentials: Option<(&str, &str)>,
        heard: &[u8],
        piece: usize,
    ) -> (Vec<u8>, Result<Heard, Error>) {
        let mut proxy = Proxy::new(ProxyKind::Socks5h, "p.example", 1080);
        if let Some((user, password)) = credentials {
            proxy = proxy.with_credentials(user, password).unwrap();
        }
        let mut out = Vec::new();
        let mut socks = Socks5::new(host, 443, None, proxy, &mut out).unwrap();
        let mut surplus: Option<Vec<u8>> = None;
        for piece in heard.chunks(piece) {
            match &mut surplus {
                Some(surplus) => surplus.extend_from_slice(piece),
                None => match socks.hear(piece, &mut out) {
                    Ok(Heard::Through(more)) => surplus = Some(more),
                    Ok(other) => assert_eq!(other, Heard::More),
                    Err(error) => return (out, Err(error)),
                },
            }
        }
        (out, surplus.map(Heard::Through).ok_or_else(|| socks.ended()))
    }

    const GRANTED: &[u8] = &[5, 0, 5, 0, 0, 1, 10, 0, 0, 1, 0x1f, 0x90];

    #[test]
    fn a_name_goes_to_the_proxy_as_it_is_and_an_address_in_octets() {
        for (host, request) in [
            ("a.b", &[5, 1, 0, 5, 1, 0, 3, 3, b'a', b'.', b'b', 1, 0xbb][..]),
            ("10.0.0.9", &[5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 9, 1, 0xbb]),
            ("::1", &[5, 1, 0, 5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0xbb]),
        ] {
            let (out, heard) = talk(host, None, GRANTED, 64);
            assert_eq!((&*out, heard.unwrap()), (request, Heard::Through(vec![])), "{host}");
        }
        let found = Some("10.0.0.7:443".parse().unwrap());
        let proxy = Proxy::new(ProxyKind::Socks5, "p.example", 1080);
        let mut out = Vec::new();
        let mut socks = Socks5::new("a.b", 443, found, proxy.clone(), &mut out).unwrap();
        socks.hear(&[5, 0], &mut out).unwrap();
        assert_eq!(out, [5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 7, 1, 0xbb]);
        let error = Socks5::new(&"x".repeat(256), 443, None, proxy, &mut out).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
    }

    #[test]
    fn replies_are_understood_however_they_are_cut_and_the_rest_is_not_ours() {
        let name = [&[5, 0, 5, 0, 0, 3, 4][..], b"host", &[0, 0], b"rest"].concat();
        let six = [&[5, 0, 5, 0, 0, 4][..], &[7; 18], b"rest"].concat();
        let four = [GRANTED, b"rest"].concat();
        let paid = [&[5, 2, 1, 0][..], &GRANTED[2..], b"rest"].concat();
        for (heard, credentials) in [
            (&four, None),
            (&name, None),
            (&six, None),
            (&paid, Some(("u", "pw"))),
            (&four, Some(("u", "pw"))),
        ] {
            for piece in 1..=heard.len() {
                let (out, result) = talk("a.b", credentials, heard, piece);
                assert_eq!(result.unwrap(), Heard::Through(b"rest".to_vec()));
                let asked = &[5, 1, 0, 3, 3, b'a', b'.', b'b', 1, 0xbb];
                let before = match (credentials, heard[1]) {
                    (None, _) => &[5, 1, 0][..],
                    (Some(_), 0) => &[5, 2, 0, 2],
                    (Some(_), _) => &[5, 2, 0, 2, 1, 1, b'u', 2, b'p', b'w'],
                };
                assert_eq!(out, [before, asked].concat());
            }
        }
    }

    #[test]
    fn a_stream_that_ends_anywhere_before_the_end_of_the_reply_is_a_proxy_error() {
        let paid = [&[5, 2, 1, 0][..], &GRANTED[2..]].concat();
        for cut in 0..paid.len() {
            let error = talk("a.b", Some(("u", "s3cret")), &paid[..cut], 1).1.unwrap_err();
            assert_eq!((error.kind(), error.phase()), (ErrorKind::Proxy, Some(Phase::Proxy)));
            assert!(error.to_string().contains("closed the connection"), "{error}");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }

    #[test]
    fn each_refusal_has_its_words_as_soon_as_it_is_said() {
        let paid = Some(("u", "p"));
        for (credentials, heard, words) in [
            (None, &[5, 0xff][..], "none are set"),
            (paid, &[5, 0xff], "neither user and password nor no credentials"),
            (paid, &[5, 2, 1, 1], "does not accept the credentials"),
            (None, &[5, 2], "method 2, which was not offered"),
            (None, &[5, 1], "method 1, which was not offered"),
            (None, &[4], "version 4"),
            (None, b"HTTP/1.1 400 Bad Request\r\n\r\n", "is it a proxy that speaks HTTP?"),
            (paid, &[5, 2, 5], "version 5"),
            (None, &[5, 0, 0], "version 0"),
            (None, &[5, 0, 5, 1], "a.b:443: general failure"),
            (None, &[5, 0, 5, 2], "rules"),
            (None, &[5, 0, 5, 3], "network"),
            (None, &[5, 0, 5, 4], "host cannot be reached"),
            (None, &[5, 0, 5, 5], "refused the connection"),
            (None, &[5, 0, 5, 6], "TTL"),
            (None, &[5, 0, 5, 7], "command"),
            (None, &[5, 0, 5, 8], "kind of address"),
            (None, &[5, 0, 5, 9], "reply 9"),
            (None, &[5, 0, 5, 0, 0, 2], "no kind 2 of addresses"),
        ] {
            for piece in [1, 64] {
                let error = talk("a.b", credentials, heard, piece).1.unwrap_err();
                assert_eq!((error.kind(), error.proxy_status()), (ErrorKind::Proxy, None));
                let text = error.to_string();
                assert!(text.contains(words) && text.contains("socks5h://p.example:1080"), "{text}");
            }
        }
    }
}
