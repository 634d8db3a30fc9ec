//! Links in the `Link` header (RFC 8288).

use ::url::Url;
use std::fmt;
use std::slice;
use std::sync::{Arc, OnceLock};

/// The links of an answer (requests' `links`). Made by [`Response::links`](crate::Response::links).
///
/// Of a link the parameters up to the first one that is none are read; one without `=` is none.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let session = session::Session::new();
/// let mut page = session.get("https://api.example.com/items").send()?;
/// while let Some(next) = page.links().get("next").and_then(|link| link.url().cloned()) {
///     page = session.get(next).send()?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(Vec<Link>);

/// One link: where to, and what is said about it.
#[derive(Clone)]
pub struct Link {
    target: String,
    /// The URL of the answer.
    base: Arc<Url>,
    /// Made when it is asked for: a field has room for thousands of links to the same long URL.
    url: OnceLock<Option<Url>>,
    params: Vec<(String, String)>,
}

impl Links {
    /// Reads the values of the fields in order; targets are relative to `base`. What is no link is passed over.
    pub(crate) fn parse<'a>(values: impl Iterator<Item = &'a [u8]>, base: &Url) -> Self {
        let (mut links, base) = (Vec::new(), Arc::new(base.clone()));
        for value in values {
            let text = String::from_utf8_lossy(value);
            let mut rest = text.as_ref();
            while let Some((link, behind)) = one(rest, &base) {
                links.extend(link);
                rest = behind;
            }
        }
        Self(links)
    }

    /// The link with that relation, such as `next`, in any case of letters; the last one if there are several. A link
    /// without a relation is found by its target, as it was written.
    #[must_use]
    pub fn get(&self, rel: &str) -> Option<&Link> {
        let is = |link: &&Link| match link.param("rel") {
            Some(_) => link.rels().any(|own| own.eq_ignore_ascii_case(rel)),
            None => link.target == rel,
        };
        self.0.iter().rev().find(is)
    }

    /// All of them, in order.
    pub fn iter(&self) -> slice::Iter<'_, Link> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Links {
    type Item = &'a Link;
    type IntoIter = slice::Iter<'a, Link>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Link {
    /// The target as it was written, which may be relative.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The target, relative to the URL of the answer. `None` if it is no URL.
    #[must_use]
    pub fn url(&self) -> Option<&Url> {
        self.url.get_or_init(|| self.base.join(&self.target).ok()).as_ref()
    }

    /// The relations, such as `next` or `last`: there may be several.
    pub fn rels(&self) -> impl Iterator<Item = &str> {
        self.param("rel").unwrap_or_default().split_ascii_whitespace()
    }

    /// A parameter, such as `title`; the first one of that name. Empty if it was given without a value.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All parameters, `rel` included, in order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target && self.params == other.params && self.url() == other.url()
    }
}

impl Eq for Link {}

impl fmt::Debug for Link {
    /// Without query values: a link may carry a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match self.url() {
            Some(url) => crate::url::redacted(url.as_str()),
            None => crate::url::redacted_text(&self.target),
        };
        write!(f, "<Link {target} rel={:?}>", self.param("rel").unwrap_or_default())
    }
}

/// The next element of the list, if it is a link, and what stands behind it. `None` at the end.
fn one<'a>(text: &'a str, base: &Arc<Url>) -> Option<(Option<Link>, &'a str)> {
    let text = text.trim_start_matches([' ', '\t', ',']);
    if text.is_empty() {
        return None;
    }
    let Some((target, rest)) = text.strip_prefix('<').and_then(|text| text.split_once('>')) else {
        return Some((None, behind_comma(text)));
    };
    let (params, rest) = params(rest);
    let target = target.trim().to_owned();
    let link = Link { target, base: base.clone(), url: OnceLock::new(), params };
    Some((Some(link), behind_comma(rest)))
}

/// The parameters up to the comma that ends them, or up to the first one that is none, and what follows.
fn params(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut params = Vec::new();
    while let Some(rest) = text.trim_start().strip_prefix(';') {
        text = rest;
        let rest = rest.trim_start();
        let end =
            rest.find(|c: char| matches!(c, '=' | ';' | ',') || c.is_whitespace()).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let Some(assigned) = behind.trim_start().strip_prefix('=') else { break };
        let Some((value, behind)) = value(assigned.trim_start()).filter(|_| !name.is_empty()) else { break };
        params.push((name.to_ascii_lowercase(), value));
        text = behind;
    }
    (params, text)
}

/// A quoted string without its quotes, or a token, and what follows. `None`: a quote that does not end.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, behind) = text.split_at(text.find([';', ',']).unwrap_or(text.len()));
        let edge = |c: char| c.is_whitespace() || c == '\'';
        return Some((token.trim_matches(edge).to_owned(), behind));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value.trim().to_owned(), quoted.get(at + 1..).unwrap_or_default())),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// What stands behind the next comma that is not in quotes or angle brackets.
fn behind_comma(text: &str) -> &str {
    let (mut quoted, mut angled, mut escaped) = (false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !angled => quoted = !quoted,
            '<' if !quoted => angled = true,
            '>' if !quoted => angled = false,
            ',' if !quoted && !angled => return text.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}
