//! Heads: what requests, responses and trailer sections have in common. The only place that knows httparse.
//!
//! httparse reads from left to right and says the same about a piece of a head as about the whole, unless it
//! says that it needs more. What happens to a head is therefore a function of its first `max_head` bytes, and
//! it does not matter how often, or with how many bytes, it is asked. What is checked here besides is checked on
//! whole heads only, for the same reason.

use std::mem::MaybeUninit;

use httparse::Header;

use crate::error::{Part, RecvError};
use crate::headers::{Field, NameFilter, Span};
use crate::token;

pub(crate) mod builder;
pub(crate) mod options;
pub(crate) mod preset;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod scan;
pub(crate) mod trailer;

/// Room for this many fields is taken from the stack; more, if the limits ask for it, from the heap.
const SLOTS: usize = 128;

/// Calls `parse` with room for `max` fields, or for as many as can lie in `len` bytes.
fn with_slots<'b, R>(max: usize, len: usize, parse: impl FnOnce(&mut [MaybeUninit<Header<'b>>]) -> R) -> R {
    let mut slots = [const { MaybeUninit::uninit() }; SLOTS];
    match slots.get_mut(..max) {
        Some(slots) => parse(slots),
        None => parse(&mut vec![MaybeUninit::uninit(); max.min(len)]),
    }
}

/// Where the headers that httparse found in `base` lie.
fn fields(base: &[u8], headers: &[Header<'_>]) -> (Vec<Field>, NameFilter) {
    let mut names = NameFilter::default();
    let field = |header: &Header<'_>| {
        let name = header.name.as_bytes();
        names.add(name);
        Field { name: span(base, name), value: span(base, header.value), sensitive: false }
    };
    (headers.iter().map(field).collect(), names)
}

/// Where `part`, a slice of `base`, lies in it. Blocks are shorter than 4 GiB.
fn span(base: &[u8], part: &[u8]) -> Span {
    let start = part.as_ptr().addr().wrapping_sub(base.as_ptr().addr()) as u32;
    Span { start, end: start.wrapping_add(part.len() as u32) }
}

/// The first bytes of `bytes`, as many as a head may have; heads of 4 GiB and more do not exist.
pub(crate) fn window(bytes: &[u8], limit: usize) -> &[u8] {
    bytes.get(..limit.min(u32::MAX as usize)).unwrap_or(bytes)
}

fn malformed(error: httparse::Error) -> RecvError {
    use httparse::Error;
    RecvError::Malformed(match error {
        Error::TooManyHeaders => return RecvError::TooManyHeaders,
        Error::Version => Part::Version,
        Error::Status => Part::StatusLine,
        Error::Token => Part::RequestLine,
        Error::HeaderName => Part::FieldName,
        Error::HeaderValue => Part::FieldValue,
        Error::NewLine => Part::LineEnd,
    })
}

/// Replaces every folded line end among the fields by one space (RFC 9112 section 5.2); `None` if there is none.
/// The fields begin at `from`; what follows their empty line is not touched. A fold in `Content-Length` or
/// `Transfer-Encoding` stays as it is, and so does one before the first field: no reading of those is safe.
fn unfold(bytes: &[u8], from: usize) -> Option<Vec<u8>> {
    let (before, mut rest) = bytes.split_at_checked(from)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(before);
    let (mut field, mut folded) = (out.len(), false);
    while let Some(lf) = rest.iter().position(|&b| b == b'\n')
        && let Some((line, after)) = rest.split_at_checked(lf + 1)
    {
        let first = out.len() == field;
        if first && matches!(line, [b'\n'] | [b'\r', b'\n']) {
            break;
        }
        out.extend_from_slice(line);
        let whole = out.get(field..).unwrap_or_default();
        if after.first().is_some_and(|&b| token::is_ows(b)) && !is_framing_field(whole) {
            let text = whole.strip_suffix(b"\r\n").or(whole.strip_suffix(b"\n")).unwrap_or(whole);
            out.truncate(field + token::trim_ows_end(text).len());
            out.push(b' ');
            rest = token::trim_ows_start(after);
            folded = true;
        } else {
            field = out.len();
            rest = after;
        }
    }
    out.extend_from_slice(rest);
    folded.then_some(out)
}

/// Whether a line ends with LF alone.
fn has_bare_lf(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'\n')
        || bytes.iter().zip(bytes.get(1..).unwrap_or_default()).any(|(&a, &b)| b == b'\n' && a != b'\r')
}

/// Whether this field line is one of the two that say where the message ends.
fn is_framing_field(line: &[u8]) -> bool {
    let name = line.split(|&b| b == b':').next().unwrap_or_default();
    name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
}
