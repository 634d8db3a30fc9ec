use std::fmt;

use http::{Method, Version};

use super::{fields, has_bare_lf, malformed, window, with_slots};
use crate::error::{Part, RecvError};
use crate::framing::{self, BodyKind};
use crate::headers::{Field, Headers, NameFilter, Span};
use crate::limits::Limits;
use crate::token;

/// A request head that can be sent. If a value of this type exists, its bytes are a legal HTTP/1.1 head: they
/// cannot be split into two messages, and what they say about the body is [`body`](Self::body).
///
/// `Debug` prints of the fields only the names, since the bytes do not say which values are secrets, and no query.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestHead {
    pub(crate) method: Method,
    /// Request line, fields, empty line.
    pub(crate) block: Vec<u8>,
    pub(crate) target: Span,
    pub(crate) body: BodyKind,
    pub(crate) close: bool,
    pub(crate) expect: bool,
    pub(crate) upgrade: bool,
}

impl RequestHead {
    /// Reads the head at the front of `bytes`, as a strict server would: its length and what it says; `None` if it
    /// is not all here. For tests, fuzzing and scripted servers.
    ///
    /// # Errors
    ///
    /// `Malformed`, `HeadTooLarge`, `TooManyHeaders`; `BadContentLength`, `ConflictingFraming` or
    /// `UnsupportedTransferCoding` where RFC 9112 section 6.3 makes a server refuse the request.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Option<(usize, Self)>, RecvError> {
        let bytes = window(bytes, limits.max_head);
        if matches!(bytes, [b'\r' | b'\n', ..]) {
            return Err(RecvError::Malformed(Part::RequestLine));
        }
        with_slots(limits.max_headers, bytes.len(), |slots| {
            let mut request = httparse::Request::new(&mut []);
            let config = httparse::ParserConfig::default();
            match config.parse_request_with_uninit_headers(&mut request, bytes, slots) {
                Ok(httparse::Status::Complete(len)) => {
                    let block = bytes.get(..len).unwrap_or_default();
                    read(&request, block).map(|head| Some((len, head)))
                }
                Ok(httparse::Status::Partial) if bytes.len() >= limits.max_head => {
                    Err(RecvError::HeadTooLarge)
                }
                Ok(httparse::Status::Partial) => Ok(None),
                Err(error) => Err(malformed(error)),
            }
        })
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The request target as it stands in the request line.
    pub fn target(&self) -> &str {
        str::from_utf8(self.target.of(&self.block)).unwrap_or_default()
    }

    /// What the body will be.
    pub fn body(&self) -> BodyKind {
        self.body
    }

    /// Whether the request says `Expect: 100-continue`.
    pub fn expects_continue(&self) -> bool {
        self.expect
    }

    /// The head as it is sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.block
    }

    /// The fields, those the library wrote included. Built on demand: for inspection, not for every request.
    pub fn headers(&self) -> Headers {
        let mut at = 0u32;
        let lines = self.block.split(|&b| b == b'\n').map(|line| {
            let start = at;
            at += line.len() as u32 + 1;
            (start, line)
        });
        let mut names = NameFilter::default();
        let fields = lines.skip(1).filter_map(|(start, line)| field_at(start, line));
        let fields = fields.inspect(|field| names.add(field.name.of(&self.block))).collect();
        Headers::parsed(self.block.clone(), (fields, names))
    }

    pub(crate) fn closes(&self) -> bool {
        self.close
    }

    pub(crate) fn upgrades(&self) -> bool {
        self.upgrade
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("target", &Shown(self.target()))
            .field("body", &self.body)
            .field("headers", &Names(&self.headers()))
            .finish()
    }
}

/// The names of fields.
struct Names<'a>(&'a Headers);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A target without its query, where secrets are carried; user information is in none.
struct Shown<'a>(&'a str);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_once('?') {
            Some((path, _)) => write!(f, "\"{path}?…\""),
            None => write!(f, "\"{}\"", self.0),
        }
    }
}

/// Where name and value lie in a field line that begins at `start` of its block.
fn field_at(start: u32, line: &[u8]) -> Option<Field> {
    let colon = line.iter().position(|&b| b == b':')?;
    let after = line.get(colon + 1..)?;
    let value = token::trim_ows_start(after.strip_suffix(b"\r").unwrap_or(after));
    let from = start + (colon + 1) as u32 + leading(after);
    let value = token::trim_ows_end(value);
    Some(Field {
        name: Span { start, end: start + colon as u32 },
        value: Span { start: from, end: from + value.len() as u32 },
        sensitive: false,
    })
}

/// How much white space `bytes` begins with.
fn leading(bytes: &[u8]) -> u32 {
    (bytes.len() - token::trim_ows_start(bytes).len()) as u32
}

/// What a server reads in a head that has the right form.
fn read(request: &httparse::Request<'_, '_>, block: &[u8]) -> Result<RequestHead, RecvError> {
    let malformed = |part| RecvError::Malformed(part);
    if request.version != Some(1) {
        return Err(malformed(Part::Version));
    }
    if has_bare_lf(block) {
        return Err(malformed(Part::LineEnd));
    }
    let method = request.method.unwrap_or_default();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| malformed(Part::RequestLine))?;
    let target = request.path.unwrap_or_default();
    if !token::is_target(&method, target) {
        return Err(malformed(Part::RequestLine));
    }
    let headers = Headers::parsed(block.to_vec(), fields(block, request.headers));
    let mut hosts = headers.get_all("host");
    if !hosts.next().is_some_and(|host| token::is_host(host.as_bytes())) || hosts.next().is_some() {
        return Err(malformed(Part::Host));
    }
    drop(hosts);
    let body = framing::request(&headers)?;
    if !framing::allows(&method, body) {
        return Err(RecvError::ConflictingFraming);
    }
    let connection =
        |option: &str| headers.tokens("connection").any(|token| token.eq_ignore_ascii_case(option));
    Ok(RequestHead {
        target: super::span(block, target.as_bytes()),
        body,
        close: connection("close"),
        expect: headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")),
        upgrade: connection("upgrade") && headers.contains("upgrade"),
        method,
        block: block.to_vec(),
    })
}

/// The version every request is sent with.
pub(crate) const VERSION: Version = Version::HTTP_11;
