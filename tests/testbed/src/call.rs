//! A request that has arrived whole, and the questions endpoints ask of it.

use std::net::IpAddr;
use std::str::FromStr;

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use hyper::body::Bytes;
use url::form_urlencoded;

/// Over which of the two ports a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    head: Parts,
    body: Bytes,
    scheme: Scheme,
    peer: IpAddr,
}

impl Call {
    pub(crate) fn new(head: Parts, body: Bytes, scheme: Scheme, peer: IpAddr) -> Self {
        Self { head, body, scheme, peer }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.head.method
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The first field of this name, if it is text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers().get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The path between its slashes, percent-decoded: `/a%20b/c` is `["a b", "c"]`.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.head.uri.path().trim_start_matches('/').split('/').map(percent_decode).collect()
    }

    /// The query as pairs, in order.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let query = self.head.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The first query value of this name.
    pub(crate) fn arg(&self, name: &str) -> Option<String> {
        self.query().into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// A query value as a number or the like: the default if it is not there, and what was there if it does not parse.
    pub(crate) fn parsed_arg<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        self.arg(name).map_or(Ok(default), |value| value.parse().map_err(|_| value))
    }

    /// The pairs of an `application/x-www-form-urlencoded` body; none for any other body.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        if self.media_type() == "application/x-www-form-urlencoded" {
            form_urlencoded::parse(&self.body).into_owned().collect()
        } else {
            Vec::new()
        }
    }

    /// The Content-Type without parameters, in lower case; empty if there is none.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header(CONTENT_TYPE).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// `http://host:port`, as the client called us.
    pub(crate) fn origin_url(&self) -> String {
        let scheme = if self.is_tls() { "https" } else { "http" };
        format!("{scheme}://{}", self.header(HOST).unwrap_or_default())
    }

    /// The whole URL as the client called it.
    pub(crate) fn url(&self) -> String {
        if self.head.uri.scheme().is_some() {
            return self.head.uri.to_string();
        }
        let target = self.head.uri.path_and_query().map_or("/", |target| target.as_str());
        self.origin_url() + target
    }
}

/// A field's value as text: UTF-8 does not occur in fields by the letter of the RFC, so every byte is one character.
pub(crate) fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

/// Undoes percent-encoding; what is not an escape stays, and what is no UTF-8 afterwards is replaced.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        match *rest {
            [b'%', high, low, ref after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push((hex(high) << 4) | hex(low));
                rest = after;
            }
            [byte, ref after @ ..] => {
                bytes.push(byte);
                rest = after;
            }
            [] => return String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit.to_ascii_lowercase() - b'a') + 10,
    }
}
