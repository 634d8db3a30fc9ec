//! CONNECT: what is said to a proxy that speaks HTTP, and what its answer means (RFC 9110 §9.3.6).

use super::tunnel::{Heard, error};
use crate::error::{Error, Refusal};
use crate::proxy::Proxy;
use http_wire::{Connection, Event, Inbox, Limits, Method, RequestHead, StatusCode};

/// So much of a refusal's body is kept, for people to read.
const REASONS: usize = 8 * 1024;

/// One request for a tunnel.
pub(super) struct Connect {
    wire: Connection,
    inbox: Inbox,
    authority: String,
    proxy: Proxy,
    refusal: Option<(StatusCode, Vec<u8>)>,
}

impl Connect {
    /// Appends the request to `out`. It names the origin in target and `Host`, with the port; beside that the proxy
    /// is told its credentials and the `User-Agent`, and nothing else.
    pub(super) fn new(
        authority: String,
        proxy: Proxy,
        agent: Option<&[u8]>,
        limits: Limits,
        out: &mut Vec<u8>,
    ) -> Result<Self, Error> {
        let mut head = RequestHead::builder(Method::CONNECT, &authority).header("Host", &authority);
        if let Some(value) = proxy.authorization() {
            head = head.header("Proxy-Authorization", value);
        }
        if let Some(agent) = agent {
            head = head.header("User-Agent", agent);
        }
        let impossible = || Error::config(format!("no proxy can be asked for {authority:?}"));
        let head = head.build().map_err(|why| impossible().with_source(why))?;
        let (mut wire, inbox) = (Connection::new(limits), Inbox::new(&limits));
        wire.start(&head, &inbox, out).map_err(|why| impossible().with_source(why))?;
        Ok(Self { wire, inbox, authority, proxy, refusal: None })
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) -> Result<Heard, Error> {
        self.inbox.push(bytes);
        loop {
            match self.wire.next_event(&mut self.inbox) {
                Ok(None) if self.is_refused() => return Ok(Heard::Refusing),
                Ok(None) => return Ok(Heard::More),
                Ok(Some(Event::Informational(_))) => {}
                Ok(Some(Event::Switched(_))) => return Ok(Heard::Through(self.inbox.bytes().to_vec())),
                Ok(Some(Event::Response(head))) => self.refusal = Some((head.status(), Vec::new())),
                Ok(Some(Event::Data(_))) => {
                    let Some((_, body)) = &mut self.refusal else { return Err(self.refused()) };
                    let room = REASONS.saturating_sub(body.len());
                    if room == 0 {
                        return Err(self.refused());
                    }
                    body.extend_from_slice(self.wire.take(&mut self.inbox, room));
                }
                Ok(Some(_)) => return Err(self.refused()),
                Err(_) if self.is_refused() => return Err(self.refused()),
                Err(why) => {
                    return Err(error(&self.proxy, format_args!("broke HTTP/1.1: {why}")).with_source(why));
                }
            }
        }
    }

    /// The stream ended. A refusal counts however much of its body is missing.
    pub(super) fn ended(&mut self) -> Error {
        if self.is_refused() {
            return self.refused();
        }
        let when = if self.inbox.is_empty() { "before" } else { "in the middle of" };
        error(
            &self.proxy,
            format_args!("closed the connection {when} its answer to CONNECT {}", self.authority),
        )
    }

    pub(super) fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// The proxy said no, with what it gave as reasons.
    pub(super) fn refused(&mut self) -> Error {
        let (status, body) = self.refusal.take().unwrap_or_default();
        let hint = match (status, self.proxy.has_credentials()) {
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, false) => {
                " (it asks for credentials, and none are set)"
            }
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, true) => " (it does not accept the credentials)",
            _ => "",
        };
        let authority = &self.authority;
        error(&self.proxy, format_args!("refused a tunnel to {authority}: {status}{hint}"))
            .with_refusal(Refusal { status, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::ErrorKind;
    use crate::phase::Phase;
    use crate::proxy::ProxyKind;

    fn begin(proxy: Proxy, agent: Option<&[u8]>) -> (Connect, String) {
        let mut out = Vec::new();
        let connect =
            Connect::new("b.example:443".into(), proxy, agent, Limits::default(), &mut out).unwrap();
        (connect, String::from_utf8(out).unwrap())
    }

    fn proxy() -> Proxy {
        Proxy::new(ProxyKind::Http, "p.example", 3128)
    }

    /// Hears the answer, whole or byte by byte, up to its end.
    fn answer(bytes: &[u8], piece: usize) -> Result<Heard, Error> {
        let (mut connect, _) = begin(proxy(), None);
        let mut surplus = Vec::new();
        let mut through = false;
        for piece in bytes.chunks(piece) {
            if through {
                surplus.extend_from_slice(piece);
                continue;
            }
            if let Heard::Through(more) = connect.hear(piece)? {
                surplus.extend_from_slice(&more);
                through = true;
            }
        }
        if through { Ok(Heard::Through(surplus)) } else { Err(connect.ended()) }
    }

    #[test]
    fn the_proxy_is_told_the_origin_its_credentials_and_the_agent_and_nothing_else() {
        assert_eq!(begin(proxy(), None).1, "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n");
        let paid = proxy().with_credentials("u", "p").unwrap();
        assert_eq!(
            begin(paid, Some(b"porter/1")).1,
            "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\
             Proxy-Authorization: Basic dTpw\r\nUser-Agent: porter/1\r\n\r\n"
        );
    }

    #[test]
    fn any_2xx_opens_the_tunnel_and_what_follows_the_head_is_not_ours() {
        for (bytes, surplus) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", ""),
            ("HTTP/1.0 200 OK\r\nVia: x\r\n\r\n", ""),
            ("HTTP/1.1 204 \r\n\r\nabc", "abc"),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\x16\x03",
                "\x16\x03",
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
        ] {
            for piece in [1, 2, bytes.len()] {
                let heard = answer(bytes.as_bytes(), piece).unwrap();
                assert_eq!(heard, Heard::Through(surplus.into()), "{bytes:?} by {piece}");
            }
        }
    }

    #[test]
    fn any_other_status_is_a_refusal_with_the_start_of_its_body() {
        let long = "x".repeat(3 * REASONS);
        for (rest, body) in [
            ("Content-Length: 4\r\n\r\nnope".to_owned(), "nope"),
            ("Content-Length: 9\r\n\r\nnope".to_owned(), "nope"),
            ("Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n2\r\npe\r\n0\r\n\r\n".to_owned(), "nope"),
            ("Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\nwrong".to_owned(), "no"),
            ("\r\nuntil the end".to_owned(), "until the end"),
            (format!("Content-Length: {}\r\n\r\n{long}", long.len()), &long[..REASONS]),
            ("Content-Length: 0\r\nSet-Cookie: a=b\r\nLocation: http://evil.example/\r\n\r\n".to_owned(), ""),
        ] {
            for status in [302, 407, 503] {
                let bytes = format!("HTTP/1.1 {status} Whatever\r\n{rest}");
                for piece in [1, 7, 4096] {
                    let error = answer(bytes.as_bytes(), piece).unwrap_err();
                    assert_eq!((error.kind(), error.phase()), (ErrorKind::Proxy, Some(Phase::Proxy)));
                    assert_eq!(error.proxy_status().map(|s| s.as_u16()), Some(status));
                    assert_eq!(String::from_utf8_lossy(error.proxy_body()), body);
                }
            }
        }
    }

    #[test]
    fn an_answer_that_is_cut_or_no_http_is_a_proxy_error() {
        let good = "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\n\r\n";
        for cut in 0..good.len() {
            let error = answer(&good.as_bytes()[..cut], 4096).unwrap_err();
            assert_eq!((error.kind(), error.proxy_status()), (ErrorKind::Proxy, None), "{error}");
        }
        let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(17);
        let huge = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000));
        for bytes in
            ["SSH-2.0-OpenSSH_9\r\n", "\x05\x00", "HTTP/1.1 101 Switching Protocols\r\n\r\n", &many, &huge]
        {
            for piece in [1, 4096] {
                let error = answer(bytes.as_bytes(), piece).unwrap_err();
                assert_eq!((error.kind(), error.proxy_status()), (ErrorKind::Proxy, None), "{error}");
            }
        }
    }

    #[test]
    fn the_hint_of_a_407_says_whether_credentials_were_sent() {
        for (proxy, words) in
            [(proxy(), "none are set"), (proxy().with_credentials("u", "s3cret").unwrap(), "does not accept")]
        {
            let (mut connect, _) = begin(proxy, None);
            connect.hear(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r").unwrap();
            let error = connect.hear(b"\n").unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(words) && text.contains("http://p.example:3128"), "{text}");
            assert!(!text.contains("s3cret") && !text.contains("dTpz"), "{text}");
        }
    }
}
