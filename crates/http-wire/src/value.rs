use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::Utf8Error;

/// The value of one field: bytes, because nothing promises that they are text (RFC 9110 section 5.5).
///
/// `Debug` prints `<redacted>` for one that is [sensitive](Self::is_sensitive). Values compare by their bytes alone.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    bytes: &'a [u8],
    sensitive: bool,
}

impl<'a> Value<'a> {
    /// The value of a field of that name.
    pub(crate) fn of(name: &[u8], bytes: &'a [u8], marked: bool) -> Self {
        Self { bytes, sensitive: marked || is_secret(name) }
    }

    /// The bytes, without white space around them.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The value as text.
    ///
    /// # Errors
    ///
    /// If it is not UTF-8. Old servers send ISO-8859-1: [`to_text`](Self::to_text) reads that too.
    pub fn to_str(&self) -> Result<&'a str, Utf8Error> {
        str::from_utf8(self.bytes)
    }

    /// The value as text, whatever it is: UTF-8, or else ISO-8859-1, in which each octet is the character of its number.
    ///
    /// ```
    /// # fn main() -> Result<(), http_wire::HeadError> {
    /// let mut headers = http_wire::Headers::new();
    /// headers.append("X-Name", b"Andr\xe9")?;
    /// assert!(headers.get("x-name").is_some_and(|name| name.to_text() == "André"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_text(&self) -> Cow<'a, str> {
        text(self.bytes)
    }

    /// Whether the value is this text, without regard to ASCII case.
    pub fn eq_ignore_ascii_case(&self, other: &str) -> bool {
        self.bytes.eq_ignore_ascii_case(other.as_bytes())
    }

    /// Whether it is never shown: it was marked, or it is that of a field that carries credentials
    /// (`Authorization`, `Proxy-Authorization`, `Cookie`, `Set-Cookie`).
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// A part of it, as sensitive as the whole.
    pub(crate) fn part(self, bytes: &'a [u8]) -> Self {
        Self { bytes, ..self }
    }
}

impl AsRef<[u8]> for Value<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Value<'_> {}

impl Hash for Value<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl PartialEq<str> for Value<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<&str> for Value<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<[u8]> for Value<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        self.bytes == other
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sensitive {
            return f.write_str("<redacted>");
        }
        write!(f, "\"{}\"", self.bytes.escape_ascii())
    }
}

/// UTF-8, or else each octet as the character of its number.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// Fields whose values are credentials. The length tells nearly all names apart before any byte is looked at.
fn is_secret(name: &[u8]) -> bool {
    let is = |secret: &str| name.eq_ignore_ascii_case(secret.as_bytes());
    match name.len() {
        6 => is("cookie"),
        10 => is("set-cookie"),
        13 => is("authorization"),
        19 => is("proxy-authorization"),
        _ => false,
    }
}
