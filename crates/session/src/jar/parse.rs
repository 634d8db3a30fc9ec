//! From a `Set-Cookie` value, or a cookie a program built, to one set of attributes: RFC 6265bis §5.6.
//!
//! Works on octets, because names and values are opaque: nothing is decoded, unquoted or required to be UTF-8.
//! Everything in a [`SetCookie`] borrows from what was parsed.

use std::time::SystemTime;

use cookie::{Cookie, Expiration};

use super::{CookieError, date};

/// A longer attribute value is as good as absent (§5.6): the size all browsers agreed on.
pub(super) const MAX_ATTRIBUTE: usize = 1024;

/// A cookie as it was asked for: nothing here has been compared with who is asking.
#[derive(Default)]
pub(super) struct SetCookie<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// The last `Domain`, as it came.
    pub(super) domain: Option<&'a [u8]>,
    /// The last `Path`, as it came.
    pub(super) path: Option<&'a [u8]>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    /// The last valid `Max-Age` in seconds; negative ones are 0.
    pub(super) max_age: Option<u64>,
    /// The last valid `Expires`.
    pub(super) expires: Option<SystemTime>,
}

impl<'a> SetCookie<'a> {
    /// Parses the value of one `Set-Cookie` field.
    pub(super) fn parse(field: &'a [u8]) -> Result<Self, CookieError> {
        if field.iter().copied().any(is_control) {
            return Err(CookieError::Octet);
        }
        let mut parts = field.split(|&octet| octet == b';');
        let pair = parts.next().unwrap_or_default();
        let (name, value) = split_at_equals(pair).unwrap_or((&[], trim(pair)));
        let mut cookie = Self { name, value, ..Self::default() };
        for attribute in parts {
            let (name, value) = split_at_equals(attribute).unwrap_or((trim(attribute), &[]));
            if value.len() <= MAX_ATTRIBUTE {
                cookie.attribute(name, value);
            }
        }
        Ok(cookie)
    }

    /// Takes a cookie that a program built. What `Set-Cookie` could not have carried is refused here, so that
    /// the rules applied afterwards are the same for both entrances.
    pub(super) fn of(cookie: &'a Cookie<'_>) -> Result<Self, CookieError> {
        let (name, value) = (cookie.name().as_bytes(), cookie.value().as_bytes());
        check_pair(name, value)?;
        let path = cookie.path().filter(|path| !path.is_empty()).map(str::as_bytes);
        let domain = cookie.domain().map(str::as_bytes);
        for text in path.iter().chain(&domain) {
            check_octets(text)?;
            if text.len() > MAX_ATTRIBUTE {
                return Err(CookieError::TooLong);
            }
        }
        if path.is_some_and(|path| !path.starts_with(b"/") || trim(path) != path) {
            return Err(CookieError::Path);
        }
        let expires = match cookie.expires() {
            Some(Expiration::DateTime(date)) => {
                Some(date::from_unix(date.unix_timestamp()).unwrap_or(SystemTime::UNIX_EPOCH))
            }
            Some(Expiration::Session) | None => None,
        };
        // A fraction of a second is rounded up: a cookie asked to live 0.3 s is not one asked to vanish.
        let max_age = cookie.max_age().map(|age| {
            let whole = u64::try_from(age.whole_seconds()).unwrap_or(0);
            whole.saturating_add(u64::from(age.subsec_nanoseconds() > 0))
        });
        let (secure, http_only) = (cookie.secure() == Some(true), cookie.http_only() == Some(true));
        Ok(Self { name, value, domain, path, secure, http_only, max_age, expires })
    }

    /// §5.6.1 to §5.6.6. The last of several counts; unknown ones, `SameSite` among them, mean nothing here.
    fn attribute(&mut self, name: &[u8], value: &'a [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("expires") {
            self.expires = date::parse(value).or(self.expires);
        } else if is("max-age") {
            self.max_age = max_age(value).or(self.max_age);
        } else if is("domain") {
            self.domain = Some(value);
        } else if is("path") {
            self.path = Some(value);
        } else if is("secure") {
            self.secure = true;
        } else if is("httponly") {
            self.http_only = true;
        }
    }
}

/// Whether `name` and `value`, written into a `Cookie` field, are read back as exactly this pair.
///
/// An empty name stands for a cookie that is its value alone.
pub(super) fn check_pair(name: &[u8], value: &[u8]) -> Result<(), CookieError> {
    check_octets(name)?;
    check_octets(value)?;
    let first_part = if name.is_empty() { value } else { name };
    if first_part.contains(&b'=') || trim(name) != name || trim(value) != value {
        return Err(CookieError::Octet);
    }
    if name.is_empty() && value.is_empty() {
        return Err(CookieError::Empty);
    }
    Ok(())
}

/// Whether a response could have set this, over all that [`SetCookie::parse`] can make of one. A cookie without a name
/// may have an equals sign in its value, then: servers send that, and read back what they sent.
pub(super) fn check_parts(name: &[u8], value: &[u8], domain: &str, path: &[u8]) -> Result<(), CookieError> {
    check_octets(name)?;
    check_octets(value)?;
    // Domain and path may be those of the URL, where a semicolon is a character like others (`/app;jsessionid=1/`).
    if domain.bytes().chain(path.iter().copied()).any(is_control) {
        return Err(CookieError::Octet);
    }
    if name.contains(&b'=') || trim(name) != name || trim(value) != value {
        return Err(CookieError::Octet);
    }
    if domain.len() > MAX_ATTRIBUTE || path.len() > MAX_ATTRIBUTE {
        return Err(CookieError::TooLong);
    }
    match path.starts_with(b"/") && trim(path) == path {
        true => Ok(()),
        false => Err(CookieError::Path),
    }
}

fn check_octets(text: &[u8]) -> Result<(), CookieError> {
    match text.iter().any(|&octet| octet == b';' || is_control(octet)) {
        true => Err(CookieError::Octet),
        false => Ok(()),
    }
}

/// The control characters that make a whole cookie invalid: all but the tab (§5.6 step 1).
fn is_control(octet: u8) -> bool {
    octet.is_ascii_control() && octet != b'\t'
}

/// What is before and after the first `=`, both trimmed.
fn split_at_equals(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&octet| octet == b'=')?;
    let (before, after) = text.split_at_checked(at)?;
    Some((trim(before), trim(after.strip_prefix(b"=")?)))
}

/// Removes spaces and tabs, and no other white space, from both ends.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// §5.6.2: an optional minus sign and digits. What no clock can express saturates.
fn max_age(value: &[u8]) -> Option<u64> {
    let (negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(if negative { 0 } else { digits.iter().fold(0, seconds) })
}
