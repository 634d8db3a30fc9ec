//! From bytes to text: the character set of a body, and the encoding of JSON.
//!
//! The rule for text: a byte order mark says what it is; else the `charset` parameter of `Content-Type`; else it
//! is UTF-8. There is no guessing. Bytes that mean nothing become U+FFFD; text is never an error, while JSON
//! that is not well-formed is none.

#[cfg(not(feature = "charset"))]
mod few;
#[cfg(test)]
mod tests;
#[cfg(feature = "charset")]
mod whatwg;

#[cfg(not(feature = "charset"))]
pub(crate) use few::{Charset, Decoder};
use std::borrow::Cow;
#[cfg(feature = "charset")]
pub(crate) use whatwg::{Charset, Decoder};

/// The `charset` parameter of a `Content-Type` value, as it is written there, without quotes.
///
/// The name is matched without case, values may stand in double quotes (RFC 9110 §5.6.6), and requests' leniency
/// holds: single quotes and blanks around names and values do not count, a parameter without `=` is skipped, and
/// of several the last one counts. `None` if there is no such parameter or it is empty.
pub(crate) fn charset(content_type: Option<&str>) -> Option<&str> {
    let (_, mut rest) = split_parameter(content_type?);
    let mut found = None;
    while let Some(parameters) = rest {
        let parameter;
        (parameter, rest) = split_parameter(parameters);
        if let Some((name, value)) = parameter.split_once('=')
            && trim(name).eq_ignore_ascii_case("charset")
        {
            found = Some(trim(value));
        }
    }
    found.filter(|value| !value.is_empty())
}

/// The text of a body. Borrowed if the body is valid UTF-8 already; a byte order mark is left out.
///
/// With the feature `charset` all charsets of the WHATWG Encoding standard are decoded, by all their labels; without it
/// UTF-8, UTF-16 (either order) and windows-1252, of which `iso-8859-1` and `us-ascii` are labels. Any other charset is
/// read as UTF-8.
pub(crate) fn text<'a>(body: &'a [u8], content_type: Option<&str>) -> Cow<'a, str> {
    let (charset, body) = Charset::of(body, content_type);
    charset.decode(body)
}

/// The text of a body in the charset that somebody knows it has, whatever is said elsewhere. A byte order mark of that
/// charset is left out.
pub(crate) fn text_in(charset: Charset, body: &[u8]) -> Cow<'_, str> {
    charset.decode(charset.without_mark(body))
}

/// A JSON body as UTF-8, without a byte order mark. UTF-16 and UTF-32 are converted, known by their mark or, as
/// JSON begins with an ASCII character, by the zeros around the first (RFC 4627 §3).
///
/// What is not well-formed UTF-16 or UTF-32 stays as it is. No JSON parser accepts it so, and nothing in it was
/// repaired in silence.
pub(crate) fn json_bytes(body: &[u8]) -> Cow<'_, [u8]> {
    // UTF-32 comes before UTF-16: the mark of the one begins with the mark of the other.
    let converted = match body {
        [0xff, 0xfe, 0, 0, rest @ ..] => utf32(rest, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, rest @ ..] => utf32(rest, u32::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => return Cow::Borrowed(rest),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0, 0, 0, 1..=0xff, ..] => utf32(body, u32::from_be_bytes),
        [1..=0xff, 0, 0, 0, ..] => utf32(body, u32::from_le_bytes),
        [0, 1..=0xff, ..] => utf16(body, u16::from_be_bytes),
        [1..=0xff, 0, ..] => utf16(body, u16::from_le_bytes),
        _ => return Cow::Borrowed(body),
    };
    converted.map_or(Cow::Borrowed(body), |text| Cow::Owned(text.into_bytes()))
}

impl Charset {
    /// That of a body, and the body without its byte order mark. The first three bytes decide.
    pub(crate) fn of<'a>(body: &'a [u8], content_type: Option<&str>) -> (Self, &'a [u8]) {
        byte_order_mark(body).unwrap_or_else(|| {
            (charset(content_type).and_then(Self::from_label).unwrap_or(Self::UTF_8), body)
        })
    }

    /// The text behind a mark, if there is one of this charset.
    pub(crate) fn without_mark(self, body: &[u8]) -> &[u8] {
        byte_order_mark(body).filter(|(marked, _)| *marked == self).map_or(body, |(_, rest)| rest)
    }

    /// Where the first line of `body` ends, its end included: `\n`, `\r`, or both as far as they are there. `from`: where
    /// to begin to look, for those who have looked before.
    pub(crate) fn line_end(self, body: &[u8], from: usize) -> Option<usize> {
        let order: fn([u8; 2]) -> u16 = if self == Self::UTF_16_LE {
            u16::from_le_bytes
        } else if self == Self::UTF_16_BE {
            u16::from_be_bytes
        } else {
            // In all others these bytes are line ends wherever they stand.
            let end = body.get(from..)?.iter().position(|byte| matches!(byte, b'\n' | b'\r'))? + from;
            return Some(end + if body.get(end..)?.starts_with(b"\r\n") { 2 } else { 1 });
        };
        let from = from & !1;
        let (units, _) = body.get(from..)?.as_chunks::<2>();
        let is = |at: usize, end: u8| units.get(at).is_some_and(|unit| order(*unit) == u16::from(end));
        let at = (0..units.len()).find(|at| is(*at, b'\n') || is(*at, b'\r'))?;
        let length = if is(at, b'\r') && is(at + 1, b'\n') { 2 } else { 1 };
        Some(from + 2 * (at + length))
    }
}

/// What a byte order mark at the start says, and the text after it.
fn byte_order_mark(body: &[u8]) -> Option<(Charset, &[u8])> {
    match body {
        [0xef, 0xbb, 0xbf, rest @ ..] => Some((Charset::UTF_8, rest)),
        [0xff, 0xfe, rest @ ..] => Some((Charset::UTF_16_LE, rest)),
        [0xfe, 0xff, rest @ ..] => Some((Charset::UTF_16_BE, rest)),
        _ => None,
    }
}

/// What is before the first `;` outside of double quotes, and what is after it. A quote that is never closed is
/// an ordinary character.
fn split_parameter(text: &str) -> (&str, Option<&str>) {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find([';', '"'])) {
        let (before, after) = text.split_at(at + found);
        let Some(after_quote) = after.strip_prefix('"') else {
            return (before, after.get(1..));
        };
        at += found + 1 + quoted_length(after_quote).unwrap_or(0);
    }
    (text, None)
}

/// The length of a quoted string from behind its first quote to behind its last, if it has one. A backslash
/// keeps the character after it from being that.
fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes()
        .position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        })
        .map(|end| end + 1)
}

/// Without the blanks and quotes around it.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '"' || c == '\'')
}

fn utf16(body: &[u8], order: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, []) = body.as_chunks::<2>() else { return None };
    char::decode_utf16(units.iter().map(|unit| order(*unit))).collect::<Result<_, _>>().ok()
}

fn utf32(body: &[u8], order: fn([u8; 4]) -> u32) -> Option<String> {
    let (units, []) = body.as_chunks::<4>() else { return None };
    units.iter().map(|unit| char::from_u32(order(*unit))).collect()
}
