//! URLs: how a text becomes one, what is wrong with those that do not, and how one looks in an error.

use std::fmt::Write as _;
use url::{ParseError, Url};

/// Longer URLs are refused: servers take 8 KiB, and work on a URL is not all linear. The `http` crate's figure.
const MAX_URL: usize = 64 * 1024 - 2;

/// No more of a URL than this is shown in an error.
const MAX_SHOWN: usize = 300;

/// What can be given as a URL: `&str`, `String`, [`Url`] and references to them.
///
/// Texts are parsed by the WHATWG rules of the `url` crate, except that one with a control character inside is
/// refused, not repaired. With a base URL set on the session, relative references are joined with it.
pub trait IntoUrl: sealed::Text {}

impl<T: sealed::Text> IntoUrl for T {}

pub(crate) mod sealed {
    use url::Url;

    #[expect(unnameable_types, reason = "sealed: what can be a URL is for this crate to say")]
    pub trait Text {
        fn text(&self) -> &str;
    }

    impl Text for str {
        fn text(&self) -> &str {
            self
        }
    }

    impl Text for String {
        fn text(&self) -> &str {
            self
        }
    }

    impl Text for Url {
        fn text(&self) -> &str {
            self.as_str()
        }
    }

    impl<T: Text + ?Sized> Text for &T {
        fn text(&self) -> &str {
            (**self).text()
        }
    }
}

/// The user and password of a URL, percent-decoded. They are credentials only where a colon stands between them
/// (requests asks for both parts too); a user alone says whose credentials are meant.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Userinfo {
    pub(crate) user: Vec<u8>,
    pub(crate) password: Option<Vec<u8>>,
}

/// Parses a URL that can be requested. The userinfo is taken out of it; a lone colon is none.
///
/// The error says what is wrong and what may help; it never shows userinfo or query values.
pub(crate) fn parse(text: &str, base: Option<&Url>) -> Result<(Url, Option<Userinfo>), String> {
    // WHATWG trims these; inside, it would drop tabs and line ends, and a repaired URL is not what was asked for.
    let trimmed = text.trim_matches(|c| c <= ' ');
    let problem = |what: &str| format!("the URL {:?} {what}", redacted_text(trimmed));
    if trimmed.is_empty() && base.is_none() {
        return Err("the URL is empty".to_owned());
    }
    if let Some(what) = too_long(trimmed) {
        return Err(problem(&what));
    }
    if has_control(trimmed) {
        return Err(problem("has a control character in it"));
    }
    if base.is_some() && names_impossible_scheme(trimmed) {
        return Err(problem("has a scheme that cannot be one; only http and https can be requested"));
    }
    let mut url = match Url::options().base_url(base).parse(trimmed) {
        Ok(url) => url,
        Err(ParseError::RelativeUrlWithoutBase) => {
            let rest = redacted_text(trimmed.trim_start_matches('/'));
            return Err(problem(&format!("has no scheme: perhaps https://{rest} is meant")));
        }
        Err(ParseError::EmptyHost) => return Err(problem("has no host")),
        Err(why) => return Err(problem(&format!("cannot be parsed: {why}"))),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(problem(&unsupported(&url)));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(problem("has no host"));
    }
    let mut userinfo = None;
    if !url.username().is_empty() || url.password().is_some() {
        let user = percent_decoded(url.username());
        let password = percent_decoded(url.password().unwrap_or_default());
        let password = Some(password).filter(|_| names_password(trimmed));
        userinfo = Some(Userinfo { user, password });
        // Neither can fail for http and https.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
    Ok((url, userinfo))
}

/// Whether there is a character in it that a parser would drop, or send.
pub(crate) fn has_control(text: &str) -> bool {
    text.bytes().any(|b| b < 0x20 || b == 0x7f)
}

/// What is wrong with a URL that only became too long: by what was escaped in it, by a base or by parameters.
pub(crate) fn outgrown(url: &Url) -> Option<String> {
    too_long(url.as_str()).map(|what| format!("the URL {:?} {what}", redacted(url.as_str())))
}

fn too_long(text: &str) -> Option<String> {
    (text.len() > MAX_URL).then(|| format!("is too long: {} of at most {MAX_URL} bytes", text.len()))
}

/// Whether a reference is written as an absolute URL whose scheme is none (RFC 3986 §3.1), as `local_file:///x` is.
/// The parser takes such a text for a path, which is never what its author meant.
fn names_impossible_scheme(reference: &str) -> bool {
    reference.split_once("://").is_some_and(|(scheme, _)| {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let possible = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(legal);
        !possible && !scheme.contains(['/', '?', '#', '\\'])
    })
}

/// What to say about a scheme that is not ours; `host:port` without a scheme looks like one.
fn unsupported(url: &Url) -> String {
    let scheme = url.scheme();
    if url.as_str().contains('@') {
        // What was read as the scheme may be the user.
        return "has a scheme that is not http or https; only those can be requested".to_owned();
    }
    if url.cannot_be_a_base() && url.path().starts_with(|c: char| c.is_ascii_digit()) {
        let rest = redacted(url.as_str());
        return format!("has no scheme ({scheme:?} was read as one): perhaps http://{rest} is meant");
    }
    format!("has the scheme {scheme:?}; only http and https can be requested")
}

/// A text that was meant to be a URL, and is none, as it may be shown. Nobody can tell where its authority ends: a
/// password with a `/`, `?`, `#` or `\` in it looks like the rest of a URL. So all between the scheme and the last `@`
/// is taken for userinfo.
pub(crate) fn redacted_text(text: &str) -> String {
    let Some((before, after)) = text.rsplit_once('@') else { return redacted(text) };
    let mut shown = String::new();
    push_escaped(&mut shown, start(before.get(..prefix(before)).unwrap_or_default()));
    shown.push_str("***@");
    shown.push_str(&redacted(after));
    cut(&mut shown, MAX_SHOWN);
    shown
}

/// A URL as it may be shown: without userinfo and fragment, query values replaced by `***`, control characters
/// escaped, and not too long.
pub(crate) fn redacted(text: &str) -> String {
    let text = text.split('#').next().unwrap_or_default();
    let (place, query) = match text.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (text, None),
    };
    let (scheme, rest) = place.split_at(prefix(place));
    let rest = rest.get(written_userinfo_len(rest)..).unwrap_or_default();
    let mut shown = String::with_capacity(text.len().min(MAX_SHOWN) + 8);
    push_escaped(&mut shown, start(scheme));
    push_escaped(&mut shown, start(rest));
    if let Some(query) = query {
        shown.push('?');
        for (i, pair) in query.split('&').enumerate() {
            if shown.len() > MAX_SHOWN {
                break;
            }
            if i > 0 {
                shown.push('&');
            }
            match pair.split_once('=') {
                Some((key, _)) => {
                    push_escaped(&mut shown, start(key));
                    shown.push_str("=***");
                }
                // A lone word may be a token as well as a name.
                None if pair.is_empty() => {}
                None => shown.push_str("***"),
            }
        }
    }
    cut(&mut shown, MAX_SHOWN);
    shown
}

/// All of a text that can be shown, and a little more where it is cut then.
fn start(text: &str) -> &str {
    let end = (MAX_SHOWN + 1..text.len()).find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Shortens a text to at most `max` bytes, at a character, and shows that it did.
pub(crate) fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        let mut end = max.saturating_sub('…'.len_utf8());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}

/// Appends a text that a peer or a user chose, with control characters escaped.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
}

/// Whether there is a colon in the userinfo of a URL, as written: a parser does not tell an empty password from none.
fn names_password(text: &str) -> bool {
    let rest = match prefix(text) {
        // A scheme without slashes, which the parser adds.
        0 => text.split_once(':').map_or(text, |(_, rest)| rest),
        begin => text.get(begin..).unwrap_or_default(),
    };
    rest.get(..written_userinfo_len(rest)).unwrap_or_default().contains(':')
}

/// The length of the userinfo at the start of an authority, its `@` included.
fn written_userinfo_len(rest: &str) -> usize {
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    rest.get(..end).and_then(|authority| authority.rfind('@')).map_or(0, |at| at + 1)
}

/// The length of what stands before the authority: the scheme and slashes, in any number and of either kind.
fn prefix(text: &str) -> usize {
    let scheme = text.find(|c: char| !(c.is_ascii_alphanumeric() || "+.-".contains(c))).unwrap_or(0);
    let after = match text.get(scheme..) {
        Some(rest) if scheme > 0 && rest.starts_with(':') => scheme + 1,
        _ => 0,
    };
    let rest = text.get(after..).unwrap_or_default();
    let slashes = rest.len() - rest.trim_start_matches(['/', '\\']).len();
    if slashes == 0 { 0 } else { after + slashes }
}

pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|two| str::from_utf8(two).ok());
        let octet = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match octet.and_then(|d| u8::from_str_radix(d, 16).ok()).filter(|_| first == b'%') {
            Some(octet) => {
                out.push(octet);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_url_has_no_credential() {
        for (text, shown) in [
            ("https://example.com/slow", "https://example.com/slow"),
            ("https://u:p@example.com:8443/a", "https://example.com:8443/a"),
            ("http://u:p@ss@example.com", "http://example.com"),
            ("http://u@example.com/a@b", "http://example.com/a@b"),
            ("https://example.com/?token=t0p&x=1#frag", "https://example.com/?token=***&x=***"),
            ("https://example.com/?t0p", "https://example.com/?***"),
            ("https://example.com/?", "https://example.com/?"),
            ("https://example.com/?next=http://u:p@b/", "https://example.com/?next=***"),
            ("u:p@example.com/x", "example.com/x"),
            ("//u:p@example.com/x", "//example.com/x"),
            ("http:/u:p@example.com/x", "http:/example.com/x"),
            ("http:u:p@example.com/x", "example.com/x"),
            ("http:\\\\u:p@example.com\\x", "http:\\\\example.com\\x"),
            ("/a//b", "/a//b"),
            ("http://a\r\nb/", "http://a\\r\\nb/"),
        ] {
            assert_eq!(redacted(text), shown);
        }
        assert!(redacted(&format!("http://a/{}", "é".repeat(1000))).len() <= MAX_SHOWN);
    }

    #[test]
    fn what_is_shown_of_a_text_that_is_no_url_ends_its_userinfo_at_the_last_at_sign() {
        for (text, shown) in [
            ("https://user:s3/cret@host/", "https://***@host/"),
            ("https://user:s3#cret@host/?k=v", "https://***@host/?k=***"),
            ("https://user:s3?cret@host/", "https://***@host/"),
            ("https://user:s3\\cret@host/", "https://***@host/"),
            ("https://user:s3@cret@", "https://***@"),
            ("user:s3/cret@host/x", "***@host/x"),
            ("https:user:s3@ho st/", "***@ho st/"),
            ("example.com/a", "example.com/a"),
        ] {
            assert_eq!(redacted_text(text), shown);
        }
    }

    #[test]
    fn userinfo_is_a_credential_only_with_a_colon_and_always_leaves_the_url() {
        for (text, expected) in [
            ("http://u:p@a/", Some(("u", Some("p")))),
            ("http://u:@a/", Some(("u", Some("")))),
            ("http://:p@a/", Some(("", Some("p")))),
            ("http://u@a/", Some(("u", None))),
            ("http:u@a/", Some(("u", None))),
            ("http:u:@a/", Some(("u", Some("")))),
            ("http:/u@a/", Some(("u", None))),
            ("http:\\\\u:p@a/", Some(("u", Some("p")))),
            ("http://http:p@a/", Some(("http", Some("p")))),
            ("http://:@a/", None),
            ("http://@a/", None),
            ("http://u%3Ax:p%40ss@a/", Some(("u:x", Some("p@ss")))),
            ("http://u:p@ss@a/", Some(("u", Some("p@ss")))),
            ("http://a/?x:y@z", None),
            ("http://a/x:y@z", None),
        ] {
            let (url, userinfo) = parse(text, None).unwrap();
            let expected = expected
                .map(|(u, p): (&str, Option<&str>)| Userinfo { user: u.into(), password: p.map(Into::into) });
            assert!(userinfo == expected, "{text}");
            assert!(url.as_str().starts_with("http://a/"), "{url}");
        }
    }

    #[test]
    fn the_error_for_a_bad_url_says_what_may_help() {
        for (text, needle) in [
            ("", "is empty"),
            ("example.com/a", "perhaps https://example.com/a"),
            ("//example.com/", "perhaps https://example.com/"),
            ("localhost:3128", "perhaps http://localhost:3128"),
            ("ftp://example.com/", "only http and https"),
            ("http://", "has no host"),
            ("http://a\tb/", "control character"),
            ("http://a:65536/", "port"),
            ("u:s3cret@example.com", "http"),
        ] {
            let problem = parse(text, None).err().unwrap();
            assert!(problem.contains(needle), "{text}: {problem}");
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn a_base_makes_a_relative_reference_whole() {
        let base = Url::parse("https://a.example/v2/").unwrap();
        for (text, whole) in [
            ("users", "https://a.example/v2/users"),
            ("/users", "https://a.example/users"),
            ("?q=1", "https://a.example/v2/?q=1"),
            ("", "https://a.example/v2/"),
            ("http://b.example", "http://b.example/"),
            ("//b.example/x", "https://b.example/x"),
        ] {
            assert_eq!(parse(text, Some(&base)).unwrap().0.as_str(), whole);
        }
    }
}
