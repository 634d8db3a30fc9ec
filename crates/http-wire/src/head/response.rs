use std::borrow::Cow;
use std::fmt;

use http::{StatusCode, Version};

use super::scan::Scan;
use super::{fields, has_bare_lf, malformed, span, unfold, with_slots};
use crate::error::{Part, RecvError};
use crate::headers::{Headers, Span};
use crate::limits::Limits;
use crate::value;

/// Status line and fields of one response.
#[derive(Clone)]
pub struct ResponseHead {
    headers: Headers,
    status: StatusCode,
    version: Version,
    reason: Span,
}

impl ResponseHead {
    pub(crate) fn new(status: StatusCode, version: Version, headers: Headers) -> Self {
        Self { headers, status, version, reason: Span::default() }
    }

    /// The status code, 100 to 999.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// `HTTP_11` or `HTTP_10`.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The reason phrase as it was sent, possibly empty. It means nothing to a program (RFC 9112 section 4).
    pub fn reason(&self) -> &[u8] {
        self.reason.of(self.headers.block())
    }

    /// The reason phrase as text: UTF-8, or else ISO-8859-1.
    pub fn reason_text(&self) -> Cow<'_, str> {
        value::text(self.reason())
    }

    /// The fields. A folded value has one space for each fold.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The fields, without copying them.
    pub fn into_headers(self) -> Headers {
        self.headers
    }
}

/// Equal in everything that was said; names of fields compare without regard to case.
impl PartialEq for ResponseHead {
    fn eq(&self, other: &Self) -> bool {
        self.status == other.status
            && self.version == other.version
            && self.reason() == other.reason()
            && self.headers == other.headers
    }
}

impl Eq for ResponseHead {}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("version", &self.version)
            .field("status", &self.status.as_u16())
            .field("reason", &format_args!("\"{}\"", self.reason().escape_ascii()))
            .field("headers", &self.headers)
            .finish()
    }
}

/// Reads the head at the front of `bytes`: its length and what it says, `None` if it is not all here.
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Option<(usize, ResponseHead)>, RecvError> {
    let parsed = match whole(bytes, limits) {
        // What looks like a field name with a blank may be a folded value: rare enough to look for it only now.
        Err(RecvError::Malformed(Part::FieldName)) => folded(bytes, limits)?,
        result => result?,
    };
    if limits.strict_framing
        && let Some((len, _)) = &parsed
        && has_bare_lf(bytes.get(..*len).unwrap_or_default())
    {
        return Err(RecvError::Malformed(Part::LineEnd));
    }
    Ok(parsed)
}

fn whole(bytes: &[u8], limits: &Limits) -> Result<Option<(usize, ResponseHead)>, RecvError> {
    // httparse would skip any number of empty lines here; nothing asks a client to.
    if bytes.first().is_some_and(|&b| b != b'H') {
        return Err(RecvError::Malformed(Part::Version));
    }
    with_slots(limits.max_headers, bytes.len(), |slots| {
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let len = match config.parse_response_with_uninit_headers(&mut response, bytes, slots) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(malformed(error)),
        };
        let status = StatusCode::from_u16(response.code.unwrap_or_default())
            .map_err(|_| RecvError::Malformed(Part::StatusLine))?;
        let version = if response.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
        let reason = match response.reason {
            Some(text) if !text.is_empty() => span(bytes, text.as_bytes()),
            _ => reason(bytes),
        };
        let headers =
            Headers::parsed(bytes.get(..len).unwrap_or_default().to_vec(), fields(bytes, response.headers));
        Ok(Some((len, ResponseHead { headers, status, version, reason })))
    })
}

/// The same for a head with folded field values.
fn folded(bytes: &[u8], limits: &Limits) -> Result<Option<(usize, ResponseHead)>, RecvError> {
    let end = Scan::default().find_end(bytes);
    let head = end.and_then(|end| bytes.get(..end)).unwrap_or(bytes);
    let status_line = head.iter().position(|&b| b == b'\n').map_or(head.len(), |lf| lf + 1);
    let unfolded = unfold(head, status_line).ok_or(RecvError::Malformed(Part::FieldName))?;
    let parsed = whole(&unfolded, limits)?;
    Ok(end.zip(parsed).map(|(end, (_, head))| (end, head)))
}

/// The reason of a status line for which httparse reports none: it says nothing about octets from 0x80.
fn reason(head: &[u8]) -> Span {
    const START: usize = "HTTP/1.1 200 ".len();
    let line = head.split(|&b| b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.get(START..).map(|text| span(head, text)).unwrap_or_default()
}
