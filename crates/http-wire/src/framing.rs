//! What ends a message: RFC 9112 section 6.3, as functions over plain data.

use http::{Method, StatusCode, Version};

use crate::body::encode::Encoder;
use crate::error::RecvError;
use crate::event::CloseReason;
use crate::headers::Headers;
use crate::token;

/// What the body of a request will be. The only source of `Content-Length` and `Transfer-Encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9112 section 6 has no fourth way to frame a request body")]
pub enum BodyKind {
    /// No body, and no field that says so.
    #[default]
    None,
    /// So many bytes: `Content-Length`, also for 0.
    Length(u64),
    /// As many as will come: `Transfer-Encoding: chunked`.
    Chunked,
}

impl BodyKind {
    /// How the body is written; `None` if there is nothing to write.
    pub(crate) fn encoder(self) -> Option<Encoder> {
        match self {
            Self::None | Self::Length(0) => None,
            Self::Length(n) => Some(Encoder::Length(n)),
            Self::Chunked => Some(Encoder::Chunked),
        }
    }
}

/// What about the request decides how the response is framed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) head: bool,
    pub(crate) connect: bool,
    pub(crate) upgrade: bool,
}

/// How a response continues after its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framing {
    pub(crate) next: Next,
    /// What, in the head, forbids another exchange.
    pub(crate) close: Option<CloseReason>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    /// An informational response: another head follows.
    Head,
    Switched,
    /// No body.
    Empty,
    Length(u64),
    Chunked,
    UntilEof,
}

/// RFC 9112 section 6.3, in its order. `strict` makes the ambiguities that are tolerated errors.
pub(crate) fn response(
    asked: Asked,
    status: StatusCode,
    version: Version,
    headers: &Headers,
    strict: bool,
) -> Result<Framing, RecvError> {
    let fields = survey(headers);
    let http10 = version != Version::HTTP_11;
    let close = match () {
        () if fields.close => Some(CloseReason::ServerAsked),
        () if http10 => Some(CloseReason::Http10),
        () => None,
    };
    let next = |next| Ok(Framing { next, close });
    let and_close = |next, reason| Ok(Framing { next, close: close.or(Some(reason)) });
    match status.as_u16() {
        200..=299 if asked.connect => return next(Next::Switched),
        101 if asked.upgrade && !http10 && headers.contains("upgrade") => return next(Next::Switched),
        101 => return Err(RecvError::UnexpectedUpgrade),
        100..=199 => return next(Next::Head),
        // A 204 has no body, whatever it announces; that it announces one is still a fault of the sender (RFC 9110
        // section 8.6, RFC 9112 section 6.1), behind which a strict client expects more of them.
        204 if strict && fields.announce_body() => {
            return and_close(Next::Empty, CloseReason::ConflictingFraming);
        }
        204 | 304 => return next(Next::Empty),
        _ if asked.head => return next(Next::Empty),
        _ => {}
    }
    let doubtful = fields.coding != Coding::None && (fields.length != Length::None || http10);
    match (fields.coding, fields.length) {
        (_, _) if doubtful && strict => Err(RecvError::ConflictingFraming),
        (Coding::Chunked, _) if doubtful => and_close(Next::Chunked, CloseReason::ConflictingFraming),
        (Coding::Chunked, _) => next(Next::Chunked),
        (Coding::Other, _) => Err(RecvError::UnsupportedTransferCoding),
        (Coding::None, Length::Valid(n)) => next(Next::Length(n)),
        (Coding::None, Length::Bad) => Err(RecvError::BadContentLength),
        (Coding::None, Length::None) => and_close(Next::UntilEof, CloseReason::UntilEof),
    }
}

/// The framing of a request that was received, as strictly as a server should read it.
pub(crate) fn request(headers: &Headers) -> Result<BodyKind, RecvError> {
    let fields = survey(headers);
    match (fields.coding, fields.length) {
        (Coding::None, Length::None) => Ok(BodyKind::None),
        (Coding::None, Length::Valid(n)) => Ok(BodyKind::Length(n)),
        (Coding::None, Length::Bad) => Err(RecvError::BadContentLength),
        (Coding::Chunked, Length::None) => Ok(BodyKind::Chunked),
        (Coding::Other, Length::None) => Err(RecvError::UnsupportedTransferCoding),
        (_, _) => Err(RecvError::ConflictingFraming),
    }
}

/// Whether a request with this method may have such a body: CONNECT and TRACE have no content (RFC 9110 sections
/// 9.3.6 and 9.3.8).
pub(crate) fn allows(method: &Method, body: BodyKind) -> bool {
    body.encoder().is_none() || (*method != Method::CONNECT && *method != Method::TRACE)
}

/// What the fields of a head say about framing.
struct Survey {
    coding: Coding,
    length: Length,
    close: bool,
}

impl Survey {
    /// Whether a body is announced; a length of 0 announces none.
    fn announce_body(&self) -> bool {
        self.coding != Coding::None || !matches!(self.length, Length::None | Length::Valid(0))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Coding {
    None,
    /// The whole of `Transfer-Encoding` is `chunked`, once.
    Chunked,
    Other,
}

#[derive(Clone, Copy, PartialEq)]
enum Length {
    None,
    Valid(u64),
    Bad,
}

fn survey(headers: &Headers) -> Survey {
    let mut found = Survey { coding: Coding::None, length: Length::None, close: false };
    let mut text: Option<&[u8]> = None;
    for (name, value) in headers.fields_of_length(|len| matches!(len, 10 | 14 | 17)) {
        if is(name, b"Connection", b"connection") {
            found.close |= value != b"keep-alive"
                && token::members(value).any(|member| member.eq_ignore_ascii_case(b"close"));
        } else if is(name, b"Content-Length", b"content-length") {
            found.length = content_length(found.length, &mut text, value);
        } else if is(name, b"Transfer-Encoding", b"transfer-encoding") {
            let alone = found.coding == Coding::None && value.eq_ignore_ascii_case(b"chunked");
            found.coding = if alone { Coding::Chunked } else { Coding::Other };
        }
    }
    found
}

/// Whether a field has this name. The first letter tells nearly all others apart, and arrays compare as a few
/// words: enough for the two usual spellings.
fn is<const N: usize>(name: &[u8], usual: &[u8; N], lower: &[u8; N]) -> bool {
    let Ok(name) = <&[u8; N]>::try_from(name) else { return false };
    name.first().map(u8::to_ascii_lowercase).as_ref() == lower.first()
        && (name == usual || name == lower || name.eq_ignore_ascii_case(lower))
}

/// One more `Content-Length` field. All members of all fields have to be the same text: `030` and `30` are one
/// number but two readings.
fn content_length<'a>(before: Length, text: &mut Option<&'a [u8]>, value: &'a [u8]) -> Length {
    if before == Length::Bad {
        return Length::Bad;
    }
    if before == Length::None
        && let found @ Length::Valid(_) = length(value)
    {
        *text = Some(value);
        return found;
    }
    for member in value.split(|&b| b == b',').map(token::trim_ows) {
        if *text.get_or_insert(member) != member {
            return Length::Bad;
        }
    }
    text.map_or(Length::Bad, length)
}

/// Below 2^63, so that no arithmetic on lengths can overflow.
fn length(text: &[u8]) -> Length {
    token::decimal(text).filter(|n| *n <= i64::MAX as u64).map_or(Length::Bad, Length::Valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(asked: Asked, status: u16, version: Version, fields: &[(&str, &str)], strict: bool) -> String {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.append(name, value).unwrap();
        }
        match response(asked, StatusCode::from_u16(status).unwrap(), version, &headers, strict) {
            Ok(Framing { next, close }) => {
                let next = match next {
                    Next::Head => "head".to_owned(),
                    Next::Switched => "switched".to_owned(),
                    Next::Empty => "empty".to_owned(),
                    Next::Length(n) => n.to_string(),
                    Next::Chunked => "chunked".to_owned(),
                    Next::UntilEof => "eof".to_owned(),
                };
                close.map_or(next.clone(), |reason| format!("{next} {reason:?}"))
            }
            Err(error) => format!("{error:?}"),
        }
    }

    /// Each row: request, status, version, fields, strict, what follows.
    #[test]
    fn rfc_9112_section_6_3_row_by_row() {
        const GET: Asked = Asked { head: false, connect: false, upgrade: false };
        const HEAD: Asked = Asked { head: true, ..GET };
        const CONNECT: Asked = Asked { connect: true, ..GET };
        const UPGRADE: Asked = Asked { upgrade: true, ..GET };
        const V10: Version = Version::HTTP_10;
        const V11: Version = Version::HTTP_11;
        const TE: (&str, &str) = ("Transfer-Encoding", "chunked");
        const CL: (&str, &str) = ("Content-Length", "3");
        const UP: (&str, &str) = ("Upgrade", "h2c");
        type Row<'a> = (Asked, u16, Version, &'a [(&'a str, &'a str)], bool, &'a str);
        let table: &[Row<'_>] = &[
            (CONNECT, 200, V11, &[CL, TE], true, "switched"),
            (CONNECT, 407, V11, &[CL], false, "3"),
            (UPGRADE, 101, V11, &[UP], false, "switched"),
            (UPGRADE, 101, V11, &[], false, "UnexpectedUpgrade"),
            (UPGRADE, 101, V10, &[UP], false, "UnexpectedUpgrade"),
            (GET, 101, V11, &[UP], false, "UnexpectedUpgrade"),
            (CONNECT, 101, V11, &[UP], false, "UnexpectedUpgrade"),
            (GET, 100, V11, &[CL], false, "head"),
            (GET, 199, V11, &[], false, "head"),
            (HEAD, 200, V11, &[CL, TE], true, "empty"),
            (HEAD, 200, V11, &[("Content-Length", "x")], true, "empty"),
            (GET, 204, V11, &[], true, "empty"),
            (GET, 204, V11, &[("Content-Length", "0")], true, "empty"),
            (GET, 204, V11, &[CL, TE], false, "empty"),
            (GET, 204, V11, &[CL], true, "empty ConflictingFraming"),
            (GET, 204, V11, &[("Content-Length", "x")], true, "empty ConflictingFraming"),
            (GET, 204, V11, &[TE], true, "empty ConflictingFraming"),
            (HEAD, 204, V11, &[("Transfer-Encoding", "x")], true, "empty ConflictingFraming"),
            (GET, 304, V11, &[CL], true, "empty"),
            (GET, 304, V11, &[TE], false, "empty"),
            (GET, 304, V10, &[TE], false, "empty Http10"),
            (GET, 200, V10, &[TE], false, "chunked Http10"),
            (GET, 200, V10, &[TE], true, "ConflictingFraming"),
            (GET, 200, V11, &[TE, CL], false, "chunked ConflictingFraming"),
            (GET, 200, V11, &[CL, TE], false, "chunked ConflictingFraming"),
            (GET, 200, V11, &[CL, TE], true, "ConflictingFraming"),
            (GET, 200, V11, &[TE, ("Content-Length", "x")], false, "chunked ConflictingFraming"),
            (GET, 200, V11, &[TE], true, "chunked"),
            (GET, 200, V11, &[("transfer-encoding", "CHUNKED")], true, "chunked"),
            (GET, 200, V11, &[TE, TE], false, "UnsupportedTransferCoding"),
            (GET, 200, V11, &[("Transfer-Encoding", "")], false, "UnsupportedTransferCoding"),
            (GET, 200, V11, &[("Transfer-Encoding", "gzip, chunked")], false, "UnsupportedTransferCoding"),
            (GET, 200, V11, &[("Transfer-Encoding", "chunked,")], false, "UnsupportedTransferCoding"),
            (GET, 200, V11, &[CL, ("Transfer-Encoding", "identity")], false, "UnsupportedTransferCoding"),
            (GET, 200, V11, &[CL], true, "3"),
            (GET, 200, V11, &[CL, CL], true, "3"),
            (GET, 200, V11, &[("Content-Length", "3 ,\t3")], true, "3"),
            (GET, 200, V11, &[("Content-Length", "9223372036854775807")], true, "9223372036854775807"),
            (GET, 200, V11, &[("Content-Length", "9223372036854775808")], true, "BadContentLength"),
            (GET, 200, V11, &[("Content-Length", "18446744073709551616")], true, "BadContentLength"),
            (GET, 200, V11, &[CL, ("Content-Length", "4")], false, "BadContentLength"),
            (GET, 200, V11, &[("Content-Length", "4"), CL, CL], false, "BadContentLength"),
            (GET, 200, V11, &[CL, ("Content-Length", "03")], false, "BadContentLength"),
            (GET, 200, V11, &[("Content-Length", "+3")], false, "BadContentLength"),
            (GET, 200, V11, &[("Content-Length", "3,")], false, "BadContentLength"),
            (GET, 200, V11, &[("Content-Length", "")], false, "BadContentLength"),
            (GET, 200, V11, &[], true, "eof UntilEof"),
            (GET, 200, V10, &[], true, "eof Http10"),
            (GET, 200, V10, &[("Connection", "keep-alive"), CL], true, "3 Http10"),
            (GET, 200, V11, &[("Connection", "x, Close"), CL], true, "3 ServerAsked"),
            (GET, 200, V11, &[("Connection", "closed"), CL], true, "3"),
        ];
        for (asked, status, version, fields, strict, expected) in table {
            let got = framed(*asked, *status, *version, fields, *strict);
            assert_eq!(got, *expected, "{asked:?} {status} {version:?} {fields:?} strict={strict}");
        }
    }
}
