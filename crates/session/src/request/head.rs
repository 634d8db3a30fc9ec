//! The head of a request as it is sent: what is made of it then, in which order, and what cannot be sent.

use super::Request;
use crate::error::Error;
use crate::proxies::passage::Passage;
use http_wire::{HeadError, Method, RequestHead};
use pool::{Body, Route};
use std::sync::{Arc, OnceLock};

impl Request {
    /// The head as it is sent, in the order of [`Late`](super::Late); `cookie` is the jar's, where it is not in the headers.
    pub(crate) fn encode(
        &self,
        cookie: Option<&[u8]>,
        route: &Route,
    ) -> Result<(Arc<RequestHead>, Body), Error> {
        let passage = Passage::new(self, route);
        // Nothing in such a head depends on anything but the target and the headers of the session.
        let usual = cookie.is_none()
            && self.method == Method::GET
            && matches!(self.body, Body::Empty)
            && !(self.late.content_type || self.late.authorization || self.late.cookie)
            && self.headers.is_reused()
            && passage.is_open();
        if !usual {
            return self.encode_anew(cookie, &passage);
        }
        if let Some(head) = self.target.head_with(&self.headers) {
            return Ok((head, Body::Empty));
        }
        let (head, body) = self.encode_anew(None, &passage)?;
        // It is one where a session says `Content-Length: 0`.
        if matches!(body, Body::Empty) {
            self.target.remember_head(&self.headers, &head);
        }
        Ok((head, body))
    }

    fn encode_anew(
        &self,
        cookie: Option<&[u8]>,
        passage: &Passage<'_>,
    ) -> Result<(Arc<RequestHead>, Body), Error> {
        self.check()?;
        // requests' rule: nothing is a body of length 0, but with GET and HEAD only where somebody says that length. A form
        // of nothing is a form.
        let sized = (self.method != Method::GET && self.method != Method::HEAD)
            || self.headers().contains("content-length");
        let body = match &self.body {
            Body::Empty if sized => empty(),
            Body::Bytes(bytes) if bytes.is_empty() && !sized && !self.late.content_type => Body::Empty,
            body => body.clone(),
        };
        let host = self.headers().get("host");
        let late = |name: &str| {
            self.late.content_type && name.eq_ignore_ascii_case("content-type")
                || self.late.authorization && name.eq_ignore_ascii_case("authorization")
                || self.late.cookie && name.eq_ignore_ascii_case("cookie")
        };
        let mut head = RequestHead::builder(self.method.clone(), passage.target());
        head = match host {
            Some(host) => head.header("Host", host.as_bytes()),
            None => head.header("Host", self.target.host()),
        };
        let any_late = self.late.content_type || self.late.authorization || self.late.cookie;
        if host.is_none() && !any_late && !passage.leaves_out() {
            head = match self.headers.preset() {
                Some(preset) => head.preset(preset),
                None => head.headers(self.headers()),
            };
        } else {
            let mut hosts = 0;
            for (name, value) in self.headers().iter() {
                if name.eq_ignore_ascii_case("host") {
                    hosts += 1;
                    if hosts == 1 {
                        continue;
                    }
                }
                if !late(name) && !passage.leaves_field_out(name) {
                    head = head.header(name, value.as_bytes());
                }
            }
        }
        let behind = |mut head: http_wire::RequestBuilder, wanted: &str| {
            for (name, value) in self.headers().iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted)) {
                head = head.header(name, value.as_bytes());
            }
            head
        };
        if let Some(cookie) = cookie {
            head = head.header("Cookie", cookie);
        } else if self.late.cookie {
            head = behind(head, "cookie");
        }
        head = head.body(body.kind());
        if self.expect_continue && !body.is_empty() {
            head = head.expect_continue();
        }
        if self.late.content_type {
            head = behind(head, "content-type");
        }
        if self.late.authorization {
            head = behind(head, "authorization");
        }
        if let Some(value) = passage.authorization() {
            head = head.header("Proxy-Authorization", value);
        }
        let head = head.build().map_err(|why| self.impossible(why))?;
        Ok((Arc::new(head), body))
    }

    /// What is wrong whatever the headers are; methods and fields can be changed at any time.
    pub(super) fn check(&self) -> Result<(), Error> {
        if !self.cookies.is_empty() && !self.late.cookie && self.headers().contains("cookie") {
            return Err(Error::request_error(
                "the request has a Cookie header and cookies of its own; only one of them can be sent",
            ));
        }
        if self.method == Method::CONNECT {
            return Err(Error::request_error(
                "CONNECT opens tunnels through proxies; it cannot be requested",
            ));
        }
        Ok(())
    }

    /// Whether a field of a reserved name stands in the headers that is not what the library would write, or a framing
    /// field more than once.
    fn contradicts(&self, name: &str) -> bool {
        let framing = matches!(name, "Content-Length" | "Transfer-Encoding");
        if framing && self.headers().get_all(name).count() > 1 {
            return true;
        }
        self.headers().get_all(name).any(|value| match name {
            "Content-Length" => {
                let digits = value.to_str().ok().filter(|v| v.bytes().all(|b| b.is_ascii_digit()));
                let length = digits.and_then(|v| v.parse().ok());
                length.is_none() || length != self.body.len()
            }
            "Transfer-Encoding" => self.body.len().is_some() || !value.eq_ignore_ascii_case("chunked"),
            "Connection" => !value.eq_ignore_ascii_case("keep-alive") && !value.eq_ignore_ascii_case("close"),
            "TE" => !value.eq_ignore_ascii_case("trailers"),
            _ => true,
        })
    }

    /// Says which field it is, as far as that can be told.
    fn impossible(&self, why: HeadError) -> Error {
        let named = match why {
            HeadError::ReservedHeader => RESERVED.into_iter().find(|name| self.contradicts(name)),
            HeadError::DuplicateHost | HeadError::MissingHost => Some("Host"),
            HeadError::BadMethod => {
                return Error::request_error(format!("the method {:?} is not a token", self.method.as_str()))
                    .with_source(why);
            }
            HeadError::BadTarget => {
                return Error::request_error("path and query of the URL cannot be sent").with_source(why);
            }
            _ => None,
        };
        match named {
            Some(name) => Error::header(name, why),
            None => Error::request_error(format!("the request cannot be sent: {why}")).with_source(why),
        }
    }
}

/// What the library writes from the body and the settings; a field that says the same is accepted.
const RESERVED: [&str; 6] = ["Content-Length", "Transfer-Encoding", "Connection", "TE", "Expect", "Upgrade"];

/// The body of length 0, made once.
fn empty() -> Body {
    static EMPTY: OnceLock<Arc<[u8]>> = OnceLock::new();
    Body::Bytes(EMPTY.get_or_init(|| Arc::from([])).clone())
}
