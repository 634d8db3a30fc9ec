//! Cookies: one jar for all sites, by the rules of RFC 6265bis.
//!
//! `parse` reads what came, `admit` decides whether the sender may set it, `store` keeps and selects. All three
//! are pure; this file is the lock and the public face. `site` holds the matching rules, `expiry`
//! when a cookie ends, `date` the dates of `Expires`, `suffix` the public suffixes, `memo` the headers made last,
//! `custom` the trait of other stores. `dict` is the jar by names alone. `record` is a cookie on its way to another jar
//! or a file; `json` and `netscape` are the formats, `file` reads and replaces files.
//!
//! `SameSite` has no effect: it restricts documents, and a client that is no browser has none.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use cookie::Cookie;
use time::OffsetDateTime;
use url::Url;

use admit::Candidate;
pub use custom::CookieStore;
pub(crate) use custom::header as header_of;
use expiry::Expiry;
pub use file_error::{CookieFileError, CookieFileErrorKind, LoadedCookies, SavedCookies};
use parse::SetCookie;
use site::Site;
use store::{Store, Stored};
pub use suffix::SuffixList;

mod admit;
mod custom;
mod date;
mod dict;
mod expiry;
mod file;
mod file_error;
mod json;
mod memo;
mod netscape;
mod parse;
mod record;
mod site;
mod store;
mod suffix;
#[cfg(test)]
mod tests;

/// `Set-Cookie` fields of one response that have an effect, as in curl; the others are ignored.
const MAX_PER_RESPONSE: usize = 50;

/// A store of cookies, shared by its clones.
///
/// What a response sets, later requests send, to exactly the places RFC 6265bis names: domain-match, path-match,
/// `Secure` over `https` only (loopback included), `__Host-` and `__Secure-` prefixes, no public suffixes.
/// Addresses match themselves alone. Names and values are opaque octets and are sent back as they came. The
/// host is always the URL's, whatever a `Host` field says.
///
/// The jar is bounded: 4 096 octets of name and value, 180 cookies of one domain, 3 000 altogether, 400 days. A
/// request carries at most 150 cookies and 8 190 octets; those unused for longest stay behind.
///
/// It never reads a clock. Requests and responses tell it the time; [`get`](Self::get), [`iter`](Self::iter)
/// and [`len`](Self::len) judge expiry by the time it was told last.
///
/// ```
/// use std::time::SystemTime;
/// use session::CookieJar;
///
/// let jar = CookieJar::new();
/// let url = url::Url::parse("https://example.com/account/login")?;
/// let answer: [&[u8]; 2] = [b"sid=31d4; Path=/; HttpOnly", b"lang=en"];
/// jar.store_response(&url, answer, SystemTime::UNIX_EPOCH);
///
/// assert_eq!(jar.get(&url, "sid").as_deref(), Some("31d4"));
/// let next = url.join("/start")?;
/// assert_eq!(jar.header_for(&next, SystemTime::UNIX_EPOCH).as_deref(), Some(&b"sid=31d4"[..]));
/// # Ok::<(), url::ParseError>(())
/// ```
#[doc(alias = "RequestsCookieJar")]
#[derive(Clone)]
pub struct CookieJar {
    store: Arc<Mutex<Store>>,
    suffixes: Arc<dyn SuffixList>,
}

/// Why a cookie was not taken.
///
/// A response's refused cookies are passed over without a word, as the RFC demands; the program that sets one
/// with [`CookieJar::set`] is told.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CookieError {
    /// The URL is not `http` or `https`.
    Url,
    /// Neither a name nor a value (§5.7 step 2).
    Empty,
    /// A control character, or, in a cookie a program built, what would end the name or the value when sent: a
    /// semicolon, a space at either end, an equals sign in the name (or in the value, if there is no name).
    Octet,
    /// More than 4 096 octets of name and value (§5.7 step 4), or 1 024 of domain or path.
    TooLong,
    /// `Domain` is not the URL's host or a parent of it (§5.7 step 10), or not a domain at all.
    Domain,
    /// `Domain` is a public suffix (§5.7 step 9).
    PublicSuffix,
    /// The path of a cookie that a program built does not begin with a slash, or ends with a space.
    Path,
    /// `Secure`, but the URL is not `https` (§5.7 step 13).
    Secure,
    /// The URL is not `https`, and a secure cookie of the same name would be covered (§5.7 step 16).
    OverlaysSecure,
    /// What `__Secure-` or `__Host-` promises does not hold (§5.7 steps 20 to 22).
    Prefix,
    /// Several cookies have the name that was asked for.
    Conflict,
}

impl CookieJar {
    /// An empty jar that knows the public suffixes compiled in (feature `psl`).
    pub fn new() -> Self {
        Self::with_suffix_list(suffix::BuiltIn)
    }

    /// An empty jar that asks `list` about public suffixes.
    pub fn with_suffix_list(list: impl SuffixList + 'static) -> Self {
        Self { store: Arc::default(), suffixes: Arc::new(list) }
    }

    /// The value of the cookie `name` that a request to `url` would send: of several, the first it would send.
    ///
    /// `None` if there is none. Octets that are not UTF-8 are shown as U+FFFD; what is sent keeps them.
    pub fn get(&self, url: &Url, name: &str) -> Option<String> {
        let store = self.lock();
        let sent = store.sent(Site::of(url)?);
        let found = sent.into_iter().find(|cookie| *cookie.name == *name.as_bytes())?;
        Some(text(&found.value))
    }

    /// Stores a cookie as if a response from `url` had set it.
    ///
    /// Without a domain it is for the host of `url` alone, without a path for the directory of `url`. One that
    /// has expired deletes its namesake. A `Max-Age` begins when the next request or response tells the time.
    /// Name and value are taken as they are: percent-encode them before if they need it.
    ///
    /// # Errors
    ///
    /// The rules are those for responses, and in addition the cookie has to be one that a `Set-Cookie` field
    /// could have carried; otherwise nothing is stored and the [`CookieError`] names the rule.
    pub fn set(&self, url: &Url, cookie: Cookie<'_>) -> Result<(), CookieError> {
        let site = Site::of(url).ok_or(CookieError::Url)?;
        let candidate = Candidate::admit(SetCookie::of(&cookie)?, site, &*self.suffixes, None)?;
        self.lock().insert(&candidate)
    }

    /// Removes every cookie called `name` that a request to `url` could send, whether there was one or not.
    ///
    /// Returns whether there was one. Afterwards [`get`](Self::get) with the same arguments returns `None`.
    pub fn remove(&self, url: &Url, name: &str) -> bool {
        Site::of(url).is_some_and(|site| self.lock().remove(site, name.as_bytes()))
    }

    /// Removes every cookie.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The number of cookies that have not expired.
    pub fn len(&self) -> usize {
        self.lock().live().len()
    }

    /// Whether there is no cookie that has not expired.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of every cookie that has not expired, in the order of their creation.
    ///
    /// Domain and path are always filled in. For a host-only cookie the domain is its host, so handing the copy
    /// to [`set`](Self::set) would let subdomains see it: call `unset_domain` before, or take whole jars with
    /// [`update`](Self::update). Octets that are not UTF-8 are shown as U+FFFD.
    pub fn iter(&self) -> std::vec::IntoIter<Cookie<'static>> {
        let copies: Vec<_> = self.lock().live().into_iter().map(copy).collect();
        copies.into_iter()
    }

    /// Copies, as of [`iter`](Self::iter), of the cookies a request to `url` at `now` would send, in that order.
    pub fn matching(&self, url: &Url, now: SystemTime) -> Vec<Cookie<'static>> {
        let Some(site) = Site::of(url) else { return Vec::new() };
        let mut store = self.lock();
        store.tell(now);
        store.sent(site).into_iter().map(copy).collect()
    }

    /// Stores what a response from `url`, received at `now`, sets: one item per `Set-Cookie` field, in order.
    ///
    /// A session does this by itself; this is for other HTTP stacks, and for tests. What may not be stored is
    /// ignored, and so is everything after the fiftieth cookie that may.
    pub fn store_response<'a>(&self, url: &Url, values: impl IntoIterator<Item = &'a [u8]>, now: SystemTime) {
        self.store(url, values.into_iter(), now);
    }

    /// The value of the `Cookie` field of a request to `url` at `now`; `None` if it is to have none.
    ///
    /// A session does this by itself; this is for other HTTP stacks, and for tests.
    pub fn header_for(&self, url: &Url, now: SystemTime) -> Option<Vec<u8>> {
        self.header(url, now, &[])
    }

    /// [`store_response`](Self::store_response), for the flow.
    pub(crate) fn store<'a>(&self, url: &Url, set_cookie: impl Iterator<Item = &'a [u8]>, now: SystemTime) {
        let Some(site) = Site::of(url) else { return };
        let mut left = MAX_PER_RESPONSE;
        for field in set_cookie {
            // The suffix list is the caller's code: it runs before the lock is taken.
            let candidate = SetCookie::parse(field)
                .and_then(|cookie| Candidate::admit(cookie, site, &*self.suffixes, Some(now)));
            let Ok(candidate) = candidate else { continue };
            let mut store = self.lock();
            store.tell(now);
            if store.insert(&candidate).is_ok() {
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
    }

    /// [`header_for`](Self::header_for) with `extra` cookies of this request alone. They win over stored ones of
    /// the same name and are not stored. Pairs that [`check_pair`] refuses are left out.
    pub(crate) fn header(&self, url: &Url, now: SystemTime, extra: &[(String, String)]) -> Option<Vec<u8>> {
        let mut store = self.lock();
        store.tell(now);
        match extra {
            [] if store.is_empty() => None,
            [] => store.header(Site::of(url)?),
            _ => store.header_with(Site::of(url)?, extra),
        }
    }

    /// A poisoned lock is taken as it is: the store calls no foreign code, so no panic can leave it half done.
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cookies that a response from `url` sets, as an empty jar would take them without knowing the time.
pub(crate) fn set_by<'a>(url: &Url, set_cookie: impl Iterator<Item = &'a [u8]>) -> Vec<Cookie<'static>> {
    let Some(site) = Site::of(url) else { return Vec::new() };
    let (mut store, mut left) = (Store::default(), MAX_PER_RESPONSE);
    for field in set_cookie {
        let candidate =
            SetCookie::parse(field).and_then(|cookie| Candidate::admit(cookie, site, &suffix::BuiltIn, None));
        if candidate.is_ok_and(|candidate| store.insert(&candidate).is_ok()) {
            left -= 1;
        }
        if left == 0 {
            break;
        }
    }
    store.live().into_iter().map(copy).collect()
}

/// Whether `name` and `value`, written into a `Cookie` field, are read back as exactly this pair.
///
/// # Errors
///
/// [`CookieError::Octet`] or [`CookieError::Empty`].
pub(crate) fn check_pair(name: &str, value: &str) -> Result<(), CookieError> {
    parse::check_pair(name.as_bytes(), value.as_bytes())
}

impl Default for CookieJar {
    fn default() -> Self {
        Self::new()
    }
}

/// How many cookies there are. Their values are secrets, and so may their domains be.
impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieJar").field("cookies", &self.len()).finish_non_exhaustive()
    }
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "cookies belong to http and https URLs only",
            Self::Empty => "the cookie has neither a name nor a value",
            Self::Octet => "the cookie contains a character that cannot be sent",
            Self::TooLong => "the cookie is too long",
            Self::Domain => "the cookie's domain does not include the URL's host",
            Self::PublicSuffix => "the cookie's domain is a public suffix",
            Self::Path => "the cookie's path is not an absolute path",
            Self::Secure => "a secure cookie needs an https URL",
            Self::OverlaysSecure => "the cookie would cover a secure one",
            Self::Prefix => "the cookie does not keep what its prefix promises",
            Self::Conflict => "several cookies have this name: say the domain or the path",
        })
    }
}

impl std::error::Error for CookieError {}

/// A stored cookie as the type users know.
fn copy(stored: &Stored) -> Cookie<'static> {
    let mut copy = Cookie::new(text(&stored.name), text(&stored.value));
    copy.set_domain(stored.domain.to_string());
    copy.set_path(text(&stored.path));
    copy.set_secure(stored.secure);
    copy.set_http_only(stored.http_only);
    match stored.expiry {
        Expiry::Never => {}
        Expiry::At(end) => copy.set_expires(date_time(end)),
        Expiry::After(age) => copy.set_max_age(time::Duration::try_from(age).ok()),
    }
    copy
}

/// Whole seconds, which is all an HTTP date has.
fn date_time(at: SystemTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(unix(at)?).ok()
}

/// Whole seconds since 1970.
fn unix(at: SystemTime) -> Option<i64> {
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok(),
        Err(before) => i64::try_from(before.duration().as_secs()).ok()?.checked_neg(),
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
