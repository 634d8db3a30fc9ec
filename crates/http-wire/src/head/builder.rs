use std::fmt;
use std::ops::Range;

use http::Method;

use crate::error::HeadError;
use crate::framing::{self, BodyKind};
use crate::head::options::Options;
use crate::head::preset::Preset;
use crate::head::request::RequestHead;
use crate::headers::{Headers, Span, check_field};
use crate::token;

/// Collects a [`RequestHead`], field by field in the order of the wire. The first mistake is kept and reported by
/// [`build`](Self::build). `Debug` prints no field: they may be credentials.
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct RequestBuilder {
    method: Method,
    /// Request line and fields so far.
    block: Vec<u8>,
    target: Span,
    error: Option<HeadError>,
    host: bool,
    expect: bool,
    upgrade_to: bool,
    body: BodyKind,
    /// What a framing field of the caller claims the body to be.
    claimed: Option<BodyKind>,
    /// The line that frames the body, wherever it came from.
    framing: Option<Range<usize>>,
    options: Options,
    /// The value of the `Connection` field.
    connection: Option<Range<usize>>,
}

impl RequestHead {
    /// Begins a head. `target` is what stands in the request line (RFC 9112 section 3.2): `/path?query` to an
    /// origin server, the absolute URL to a proxy, `host:port` with CONNECT, `*` with OPTIONS.
    pub fn builder(method: Method, target: &str) -> RequestBuilder {
        RequestBuilder::new(method, target)
    }
}

impl Preset {
    /// Checks and encodes.
    ///
    /// # Errors
    ///
    /// The first of the errors that [`RequestBuilder::header`] would report. Fields that frame a body are
    /// `ReservedHeader`: they belong to one request.
    pub fn new(headers: &Headers) -> Result<Self, HeadError> {
        RequestBuilder::new(Method::GET, "/").headers(headers).into_preset(headers.clone())
    }
}

/// Room for the head of a usual request, so that it is allocated once.
const USUAL: usize = 512;

impl RequestBuilder {
    pub(crate) fn new(method: Method, target: &str) -> Self {
        let error = match () {
            () if !token::is_token(method.as_str().as_bytes()) => Some(HeadError::BadMethod),
            () if !token::is_target(&method, target) => Some(HeadError::BadTarget),
            () if target.len() > u32::MAX as usize / 2 => Some(HeadError::TooLarge),
            () => None,
        };
        let mut block = Vec::with_capacity(USUAL + target.len());
        block.extend_from_slice(method.as_str().as_bytes());
        block.push(b' ');
        let start = block.len() as u32;
        block.extend_from_slice(target.as_bytes());
        let target = Span { start, end: block.len() as u32 };
        block.extend_from_slice(b" HTTP/1.1\r\n");
        Self {
            method,
            block,
            target,
            error,
            host: false,
            expect: false,
            upgrade_to: false,
            body: BodyKind::None,
            claimed: None,
            framing: None,
            options: Options::default(),
            connection: None,
        }
    }

    /// Adds a field. Every request needs exactly one `Host`.
    ///
    /// Fields that say where the message ends, or what becomes of the connection, are the library's; of those,
    /// the caller may give
    ///
    /// - `Content-Length` and `Transfer-Encoding: chunked`, if they say what [`body`](Self::body) says: they fix
    ///   the place and the spelling of the field;
    /// - `Connection: keep-alive` and `Connection: close`, the latter being [`close`](Self::close);
    /// - `TE: trailers`, with which `Connection` says `TE` (RFC 9110 section 10.1.4); no coding but `chunked` is
    ///   understood in a response, so none can be asked for.
    ///
    /// Any other value of these, and `Expect` and `Upgrade`, are `ReservedHeader`.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        if self.error.is_none() {
            self.error = self.field(name.as_ref(), value.as_ref()).err();
        }
        self
    }

    /// Adds all of these fields, as [`header`](Self::header) does.
    pub fn headers(mut self, headers: &Headers) -> Self {
        for (name, value) in headers.fields() {
            if self.error.is_none() {
                self.error = self.checked(name, value).err();
            }
        }
        self
    }

    /// Adds fields that were encoded before; the same as [`headers`](Self::headers) of those they were made from,
    /// only faster.
    pub fn preset(mut self, preset: &Preset) -> Self {
        let alone = (self.connection.is_none() || preset.connection.is_none()) && !(self.host && preset.host);
        if !alone {
            return self.headers(&preset.headers);
        }
        let at = self.block.len();
        self.block.extend_from_slice(&preset.lines);
        self.host |= preset.host;
        if let Some(connection) = &preset.connection {
            // Without a field of its own so far, the head has no options either: each is written when it is set.
            self.connection = Some(at + connection.start..at + connection.end);
            self.options = preset.options;
        }
        self
    }

    /// What was collected so far, without the request line, for other heads.
    pub(super) fn into_preset(self, headers: Headers) -> Result<Preset, HeadError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.claimed.is_some() {
            return Err(HeadError::ReservedHeader);
        }
        let start = self.target.end as usize + b" HTTP/1.1\r\n".len();
        let lines = self.block.get(start..).unwrap_or_default().to_vec();
        let connection = self.connection.map(|value| value.start - start..value.end - start);
        Ok(Preset { headers, lines, host: self.host, options: self.options, connection })
    }

    /// Says what the body will be; without it there is none. The field that frames the body stands where this is
    /// called, unless the caller's own stands elsewhere.
    pub fn body(mut self, kind: BodyKind) -> Self {
        self.body = kind;
        if self.claimed.is_none() {
            if let Some(line) = self.framing.take() {
                self.splice(line, "");
            }
            self.framing = self.framing_line(None, kind);
        }
        self
    }

    /// Asks the server to say whether it wants the body before it is sent (RFC 9110 section 10.1.1). Without a
    /// body, a client must not ask, and the head will not.
    pub fn expect_continue(mut self) -> Self {
        self.expect = true;
        self
    }

    /// Asks for another protocol, for example `websocket`; only such a request may be answered with 101.
    pub fn upgrade(mut self, protocol: &str) -> Self {
        let valid = protocol.split('/').all(|part| token::is_token(part.as_bytes()));
        if !valid || self.upgrade_to {
            let error = if valid { HeadError::ReservedHeader } else { HeadError::BadHeaderValue };
            self.error = self.error.or(Some(error));
            return self;
        }
        self.upgrade_to = true;
        self.options.upgrade = true;
        self.connection(b"Connection", None);
        self.line(b"Upgrade", protocol.as_bytes());
        self
    }

    /// Says that the connection will not be used after this exchange: `Connection: close`.
    pub fn close(mut self) -> Self {
        self.options.close = true;
        self.connection(b"Connection", None);
        self
    }

    /// The finished head.
    ///
    /// # Errors
    ///
    /// The first mistake that was made.
    pub fn build(mut self) -> Result<RequestHead, HeadError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if !self.host {
            return Err(HeadError::MissingHost);
        }
        match (self.claimed, self.body) {
            (Some(BodyKind::Length(0)), BodyKind::None) => self.body = BodyKind::Length(0),
            (Some(claimed), body) if claimed != body => return Err(HeadError::ReservedHeader),
            _ => {}
        }
        if !framing::allows(&self.method, self.body) {
            return Err(HeadError::UnexpectedBody);
        }
        let expect = self.expect && self.body.encoder().is_some();
        if expect {
            self.line(b"Expect", b"100-continue");
        }
        self.block.extend_from_slice(b"\r\n");
        if self.block.len() > u32::MAX as usize {
            return Err(HeadError::TooLarge);
        }
        Ok(RequestHead {
            method: self.method,
            block: self.block,
            target: self.target,
            body: self.body,
            close: self.options.close,
            expect,
            upgrade: self.upgrade_to,
        })
    }

    fn field(&mut self, name: &str, value: &[u8]) -> Result<(), HeadError> {
        check_field(name.as_bytes(), value)?;
        self.checked(name.as_bytes(), value)
    }

    /// A field whose name is a token and whose value is a field value, as those of [`Headers`] are.
    fn checked(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeadError> {
        let is = |reserved: &str| name.eq_ignore_ascii_case(reserved.as_bytes());
        let says = |option: &str| value.eq_ignore_ascii_case(option.as_bytes());
        match name.len() {
            2 if is("te") => {
                if !says("trailers") {
                    return Err(HeadError::ReservedHeader);
                }
                self.line(name, value);
                self.options.te = true;
                self.connection(b"Connection", None);
            }
            4 if is("host") => {
                if std::mem::replace(&mut self.host, true) {
                    return Err(HeadError::DuplicateHost);
                }
                if !token::is_host(value) {
                    return Err(HeadError::BadHeaderValue);
                }
                self.line(name, value);
            }
            6 if is("expect") => return Err(HeadError::ReservedHeader),
            7 if is("upgrade") => return Err(HeadError::ReservedHeader),
            10 if is("connection") => {
                match () {
                    () if says("keep-alive") => self.options.keep_alive = true,
                    () if says("close") => self.options.close = true,
                    () => return Err(HeadError::ReservedHeader),
                }
                self.connection(name, Some(value));
            }
            14 if is("content-length") => {
                let length = token::decimal(value).ok_or(HeadError::ReservedHeader)?;
                return self.claim(name, BodyKind::Length(length));
            }
            17 if is("transfer-encoding") => {
                return if says("chunked") {
                    self.claim(name, BodyKind::Chunked)
                } else {
                    Err(HeadError::ReservedHeader)
                };
            }
            _ => {
                self.line(name, value);
            }
        }
        Ok(())
    }

    /// A framing field of the caller. Whether it tells the truth is seen at the end.
    /// Until then its line is the only one, so that the line and what was claimed are always the same.
    fn claim(&mut self, name: &[u8], kind: BodyKind) -> Result<(), HeadError> {
        if self.claimed.replace(kind).is_some() {
            return Err(HeadError::ReservedHeader);
        }
        if let Some(line) = self.framing.take() {
            self.splice(line, "");
        }
        self.framing = self.framing_line(Some(name), kind);
        Ok(())
    }

    fn framing_line(&mut self, name: Option<&[u8]>, kind: BodyKind) -> Option<Range<usize>> {
        let start = self.block.len();
        match kind {
            BodyKind::None => return None,
            BodyKind::Length(n) => {
                let mut digits = [0; 20];
                self.line(name.unwrap_or(b"Content-Length"), decimal(n, &mut digits));
            }
            BodyKind::Chunked => {
                self.line(name.unwrap_or(b"Transfer-Encoding"), b"chunked");
            }
        }
        Some(start..self.block.len())
    }

    /// Writes the `Connection` field, or brings the one that is there up to date.
    fn connection(&mut self, name: &[u8], given: Option<&[u8]>) {
        let value = self.options.value();
        match self.connection.clone() {
            Some(old) => {
                self.splice(old.clone(), value);
                self.connection = Some(old.start..old.start + value.len());
            }
            None => self.connection = Some(self.line(name, given.unwrap_or(value.as_bytes()))),
        }
    }

    /// Appends a field; returns where its value lies.
    fn line(&mut self, name: &[u8], value: &[u8]) -> Range<usize> {
        self.block.extend_from_slice(name);
        self.block.extend_from_slice(b": ");
        let start = self.block.len();
        self.block.extend_from_slice(value);
        let end = self.block.len();
        self.block.extend_from_slice(b"\r\n");
        start..end
    }

    /// Replaces bytes of the block and moves the marks behind them.
    fn splice(&mut self, range: Range<usize>, with: &str) {
        self.block.splice(range.clone(), with.bytes());
        for mark in [&mut self.framing, &mut self.connection].into_iter().flatten() {
            if mark.start >= range.end {
                let len = mark.len();
                mark.start = mark.start - range.len() + with.len();
                mark.end = mark.start + len;
            }
        }
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("method", &self.method)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

fn decimal(mut n: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        start -= 1;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}
