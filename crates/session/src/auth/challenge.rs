//! Challenges: what a server says in `WWW-Authenticate` about the credentials it wants (RFC 9110 §11.3).

use crate::response::Head;
use std::fmt;

/// One challenge: a scheme, and its parameters or its one token.
///
/// ```
/// use session::Challenge;
/// let found = Challenge::parse(r#"Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple""#);
/// assert_eq!(found.len(), 2);
/// assert_eq!((found[0].scheme(), found[0].param("Title")), ("Newauth", Some(&b"Login to \"apps\""[..])));
/// assert!(found[1].is("basic"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    token: Option<String>,
    params: Vec<(String, Vec<u8>)>,
}

impl Challenge {
    /// The challenges of a head, in the order of its `WWW-Authenticate` fields. Each field is read by itself: a
    /// quotation mark left open in one does not reach the next.
    #[must_use]
    pub fn all(head: &Head) -> Vec<Self> {
        head.headers().get_all("www-authenticate").flat_map(|value| Self::parse(value.as_bytes())).collect()
    }

    /// The challenges in one field value. What fits no grammar is passed over; a quoted text that is not ended ends
    /// with the field. Takes time linear in the length of the value.
    #[must_use]
    pub fn parse(value: impl AsRef<[u8]>) -> Vec<Self> {
        Cursor::new(value.as_ref()).challenges()
    }

    /// The scheme, as the server spelled it.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether it is of this scheme; case does not matter.
    #[must_use]
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// What stands in place of parameters in schemes such as Negotiate (token68).
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The value of a parameter, without quotation marks and the backslashes that escape. Of several with one name,
    /// which no scheme allows, the first. The case of the name does not matter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        let named = self.params.iter().find(|(param, _)| param.eq_ignore_ascii_case(name));
        named.map(|(_, value)| &**value)
    }

    /// The parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.params.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl fmt::Debug for Challenge {
    /// Without values: the same grammar is that of credentials, and what a server sends may be a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.params.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("Challenge")
            .field("scheme", &self.scheme)
            .field("params", &names)
            .finish_non_exhaustive()
    }
}

/// The part of a field value that is still to be read.
struct Cursor<'a> {
    rest: &'a [u8],
    #[cfg(test)]
    examined: usize,
}

impl<'a> Cursor<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self {
            rest,
            #[cfg(test)]
            examined: 0,
        }
    }

    /// A word with `=` behind it is a parameter of the challenge before it; any other begins a challenge.
    fn challenges(&mut self) -> Vec<Challenge> {
        let mut found: Vec<Challenge> = Vec::new();
        loop {
            self.take(|b| is_blank(b) || b == b',');
            if self.rest.is_empty() {
                return found;
            }
            let word = self.word();
            let blank = !self.take(is_blank).is_empty();
            if word.is_empty() {
                self.take(|b| b != b',');
            } else if self.eat(b'=') {
                self.take(is_blank);
                let value = self.value();
                if let Some(challenge) = found.last_mut() {
                    challenge.params.push((word, value));
                }
            } else {
                let token = if blank { self.token() } else { None };
                found.push(Challenge { scheme: word, token, params: Vec::new() });
            }
        }
    }

    fn word(&mut self) -> String {
        // A token is ASCII.
        String::from_utf8_lossy(self.take(is_token)).into_owned()
    }

    /// A quoted text, or whatever stands there up to a blank or comma: servers leave quotes out.
    fn value(&mut self) -> Vec<u8> {
        if !self.eat(b'"') {
            return self.take(|b| !is_blank(b) && b != b',').to_vec();
        }
        let mut value = Vec::new();
        loop {
            value.extend_from_slice(self.take(|b| b != b'"' && b != b'\\'));
            match self.next() {
                Some(b'\\') => value.extend(self.next()),
                _ => return value,
            }
        }
    }

    /// A token68, which is one only if nothing stands between it and the next comma; else nothing is taken.
    fn token(&mut self) -> Option<String> {
        let before = self.rest;
        let token = self.take(is_token68);
        let padding = self.take(|b| b == b'=');
        self.take(is_blank);
        if token.is_empty() || !matches!(self.rest.first(), None | Some(b',')) {
            self.rest = before;
            return None;
        }
        let text = [token, padding].concat();
        String::from_utf8(text).ok()
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let len = self.rest.iter().position(|b| !wanted(*b)).unwrap_or(self.rest.len());
        #[cfg(test)]
        {
            self.examined += len + 1;
        }
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        #[cfg(test)]
        {
            self.examined += 1;
        }
        Some(*first)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.next();
        }
        found
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

/// RFC 9110 §5.6.2.
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// RFC 9110 §11.2, without the padding.
fn is_token68(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~+/".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `scheme token|name=value…`, one challenge a line.
    fn shown(value: &[u8]) -> Vec<String> {
        let one = |challenge: &Challenge| {
            let mut text = challenge.scheme().to_owned();
            text.extend(challenge.token().map(|token| format!(" {token}")));
            text.extend(challenge.params().map(|(n, v)| format!(" {n}={}", String::from_utf8_lossy(v))));
            text
        };
        Challenge::parse(value).iter().map(one).collect()
    }

    #[test]
    fn t_11_several_challenges_in_one_field_are_told_apart() {
        let none: [&str; 0] = [];
        for (value, expected) in [
            (
                r#"Basic realm="a, b", Digest realm="x", nonce="n""#,
                &["Basic realm=a, b", "Digest realm=x nonce=n"][..],
            ),
            (r#"Digest realm="x",nonce="n",Basic realm="y""#, &["Digest realm=x nonce=n", "Basic realm=y"]),
            ("Negotiate, NTLM", &["Negotiate", "NTLM"]),
            ("Negotiate abc+/==, Basic realm=x", &["Negotiate abc+/==", "Basic realm=x"]),
            ("Negotiate abc", &["Negotiate abc"]),
            (", ,Basic  realm = \"x\" ,, charset=UTF-8", &["Basic realm=x charset=UTF-8"]),
            (r#"X a="q\"\\\z", b=""#, &[r#"X a=q"\z b="#]),
            (r#"X a="no end, Basic realm=y"#, &["X a=no end, Basic realm=y"]),
            ("X a=/p/q?r, b=1", &["X a=/p/q?r b=1"]),
            ("X a=b=c", &["X a=b=c"]),
            ("X a=", &["X a="]),
            ("realm=\"nobody's\", Basic", &["Basic"]),
            ("\u{a0}junk x, Basic", &["Basic"]),
            ("X \"junk\", a=1", &["X a=1"]),
            ("", &none),
            (" ,\t,", &none),
        ] {
            let value = value.as_bytes();
            if value == b"X a=" {
                // Nothing tells `a=` from a token with its padding.
                assert_eq!(shown(value), ["X a="]);
            } else {
                assert_eq!(shown(value), expected, "{}", String::from_utf8_lossy(value));
            }
        }
    }

    #[test]
    fn cpu_2_what_is_read_of_a_challenge_grows_with_its_length_and_not_faster() {
        let hostile = |len: usize| -> Vec<Vec<u8>> {
            let many = |unit: &[u8]| unit.iter().copied().cycle().take(len).collect::<Vec<u8>>();
            vec![
                many(b"Basic ,,,,"),
                many(b"\xa0"),
                many(b"a=\""),
                many(b"a "),
                many(b"a/"),
                many(b"\\\""),
                [&b"X "[..], &many(b"a")].concat(),
                [&b"X "[..], &many(b"a"), b" b"].concat(),
                many(b"x=,"),
                many(b"Digest realm=\"x\", "),
                [&b"X a=\""[..], &many(b"\\")].concat(),
            ]
        };
        let examined = |value: &[u8]| {
            let mut cursor = Cursor::new(value);
            cursor.challenges();
            cursor.examined
        };
        for (long, short) in hostile(64 * 1024).iter().zip(hostile(6554)) {
            let (long_cost, short_cost) = (examined(long), examined(&short));
            assert!(long_cost <= 10 * short_cost + 100, "{:?}", &long[..20]);
            assert!(long_cost <= 6 * long.len(), "{long_cost} for {:?}", &long[..20]);
        }
        let many = "Digest realm=\"x\", ".repeat(10_000);
        assert_eq!(Challenge::parse(&many).len(), 10_000);
        assert!(examined(many.as_bytes()) <= 6 * many.len());
    }

    proptest! {
        #[test]
        fn cpu_2_no_value_is_too_odd(value in prop::collection::vec(
            prop_oneof![Just(b'"'), Just(b'\\'), Just(b','), Just(b' '), Just(b'='), Just(b'a'), any::<u8>()], 0..200
        )) {
            let mut cursor = Cursor::new(&value);
            cursor.challenges();
            prop_assert!(cursor.rest.is_empty());
            prop_assert!(cursor.examined <= 6 * value.len() + 6, "{} of {}", cursor.examined, value.len());
        }

        #[test]
        fn what_is_quoted_comes_back(values in prop::collection::vec("[ -~]{0,20}", 1..5)) {
            let params: Vec<String> = values
                .iter()
                .enumerate()
                .map(|(i, v)| format!("p{i}=\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            let found = Challenge::parse(format!("X {}", params.join(", ")));
            let back: Vec<Vec<u8>> = found[0].params().map(|(_, value)| value.to_vec()).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(back, values.into_iter().map(String::into_bytes).collect::<Vec<_>>());
        }
    }
}
