//! The jar as a dictionary: cookies by name, wherever they belong, as Python programs look at theirs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use cookie::Cookie;

use super::admit::Candidate;
use super::parse::SetCookie;
use super::record::{Record, canonical, site};
use super::store::{Store, Stored};
use super::{CookieError, CookieJar, LoadedCookies, text};

/// By name alone, for programs that know which cookie they mean. Domains are compared without regard to letter case
/// and to a leading dot, and for equality: `example.com` does not stand for `www.example.com`. Paths and names are
/// compared octet by octet.
///
/// ```
/// use session::{Cookie, CookieError, CookieJar};
///
/// let jar = CookieJar::new();
/// jar.insert(Cookie::build(("sid", "31d4")).domain("example.com").build())?;
/// jar.insert(Cookie::build(("sid", "77aa")).domain("example.org").path("/app").build())?;
///
/// assert_eq!(jar.value("sid"), Err(CookieError::Conflict));
/// assert_eq!(jar.value_at("sid", Some("example.org"), None)?.as_deref(), Some("77aa"));
/// assert_eq!(jar.list_domains(), ["example.com", "example.org"]);
/// assert_eq!(jar.remove_named("sid", None, Some("/app")), 1);
/// assert_eq!(jar.to_map(None, None)["sid"], "31d4");
/// # Ok::<(), CookieError>(())
/// ```
impl CookieJar {
    /// The value of the only cookie called `name`; `None` if there is none (requests' `cookies[name]`).
    ///
    /// # Errors
    /// [`CookieError::Conflict`] if there are several: ask with [`value_at`](Self::value_at), or
    /// [`get`](Self::get) what a URL is sent.
    #[doc(alias = "get")]
    pub fn value(&self, name: &str) -> Result<Option<String>, CookieError> {
        self.value_at(name, None, None)
    }

    /// The value of the only cookie called `name` of a domain, or with a path, or both (requests'
    /// `cookies.get(name, domain=…, path=…)`). `None` stands for any domain, any path.
    ///
    /// # Errors
    /// [`CookieError::Conflict`] if there are several.
    pub fn value_at(
        &self,
        name: &str,
        domain: Option<&str>,
        path: Option<&str>,
    ) -> Result<Option<String>, CookieError> {
        let wanted = Filter::new(Some(name), domain, path);
        let store = self.lock();
        let mut found = store.live().into_iter().filter(|cookie| wanted.admits(cookie));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(CookieError::Conflict),
            (found, _) => Ok(found.map(|cookie| text(&cookie.value))),
        }
    }

    /// Stores a cookie for the domain that stands in it and for all hosts below. Without a path it is for all paths
    /// (requests' `cookies.set`).
    ///
    /// It counts as set over `https`. For a single host, and for the rules of a real URL, use [`set`](Self::set). A
    /// domain that is an address or a public suffix (`localhost` too) stands for that host alone.
    ///
    /// # Errors
    /// [`CookieError::Domain`] if it has none: it would be sent to everybody, which is what requests does. Otherwise
    /// as [`set`](Self::set).
    pub fn insert(&self, cookie: Cookie<'_>) -> Result<(), CookieError> {
        self.extend([cookie])
    }

    /// [`insert`](Self::insert)s many, or none: all are checked before the first is stored.
    ///
    /// # Errors
    /// Of the first that is refused.
    #[doc(alias = "cookiejar_from_dict")]
    pub fn extend<'c>(&self, cookies: impl IntoIterator<Item = Cookie<'c>>) -> Result<(), CookieError> {
        let mut placed = Vec::new();
        for cookie in cookies {
            let host = canonical(cookie.domain().ok_or(CookieError::Domain)?)?;
            placed.push((host, cookie));
        }
        let mut candidates = Vec::with_capacity(placed.len());
        for (host, cookie) in &placed {
            let asked = SetCookie { domain: Some(host.as_bytes()), ..SetCookie::of(cookie)? };
            candidates.push(Candidate::admit(asked, site(host), &*self.suffixes, None)?);
        }
        let mut store = self.lock();
        // Nothing that came over https is refused now.
        candidates.iter().try_for_each(|candidate| store.insert(candidate))
    }

    /// Takes over every cookie of another jar, in place of those of the same name, domain and path (requests'
    /// `cookies.update`). What has expired, by the time either jar was told last, and what another list of public
    /// suffixes allowed there is left out. The other jar stays as it is.
    pub fn update(&self, other: &Self) {
        if Arc::ptr_eq(&self.store, &other.store) {
            return;
        }
        let records = other.records();
        // What a jar holds has been checked; only another suffix list may refuse some of it.
        self.take(records.into_iter().map(|record| (0, record)));
    }

    /// Another jar with the same cookies, and the same list of public suffixes, that changes on its own from now on. A
    /// clone is the same jar.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self { store: Arc::default(), suffixes: self.suffixes.clone() };
        if let Some(now) = self.lock().now() {
            copy.lock().tell(now);
        }
        copy.update(self);
        copy
    }

    /// Removes every cookie called `name`, of a domain and with a path where these are given; how many there were
    /// (requests' `del cookies[name]`).
    pub fn remove_named(&self, name: &str, domain: Option<&str>, path: Option<&str>) -> usize {
        let wanted = Filter::new(Some(name), domain, path);
        self.lock().remove_where(|cookie| wanted.admits(cookie))
    }

    /// Names and values, of a domain and with a path where these are given (requests' `get_dict`). Of several cookies
    /// with one name the one created last is shown.
    #[doc(alias("get_dict", "dict_from_cookiejar"))]
    #[must_use]
    pub fn to_map(&self, domain: Option<&str>, path: Option<&str>) -> BTreeMap<String, String> {
        let wanted = Filter::new(None, domain, path);
        let store = self.lock();
        let cookies = store.live().into_iter().filter(|cookie| wanted.admits(cookie));
        cookies.map(|cookie| (text(&cookie.name), text(&cookie.value))).collect()
    }

    /// Each domain that has a cookie, once, in the order of the first cookie of each.
    #[must_use]
    pub fn list_domains(&self) -> Vec<String> {
        distinct(&self.lock(), |cookie| cookie.domain.to_string())
    }

    /// Each path that has a cookie, once, in the order of the first cookie of each.
    #[must_use]
    pub fn list_paths(&self) -> Vec<String> {
        distinct(&self.lock(), |cookie| text(&cookie.path))
    }

    /// Forgets what has expired at `now`, and judges expiry by that time from now on.
    ///
    /// What has expired is never sent or shown, and makes room before anything else does; so this is only for those
    /// who keep a jar that they do not use, or want `Max-Age` of cookies they [`set`](Self::set) to begin.
    pub fn clear_expired(&self, now: SystemTime) {
        let mut store = self.lock();
        store.tell(now);
        store.remove_where(|cookie| cookie.expiry.over(Some(now)));
    }

    /// Forgets every cookie that has no end of its own: what a browser does when it is closed.
    pub fn clear_session_cookies(&self) {
        self.lock().remove_where(Stored::is_session);
    }

    /// Every cookie that has not expired, to be taken elsewhere.
    pub(super) fn records(&self) -> Vec<Record> {
        self.lock().live().into_iter().map(Record::of).collect()
    }

    /// Stores cookies that come from elsewhere, each with the place where it stood there. One that has expired is
    /// passed over; it deletes nothing.
    pub(super) fn take(&self, records: impl Iterator<Item = (usize, Record)>) -> LoadedCookies {
        let mut loaded = LoadedCookies::default();
        for (place, record) in records {
            let record = match record.canonical() {
                Ok(record) => record,
                Err(why) => {
                    loaded.refuse(place, why);
                    continue;
                }
            };
            // The suffix list is the caller's code: it runs before the lock is taken.
            let candidate = record.candidate(&*self.suffixes);
            let outcome = candidate.and_then(|candidate| {
                let mut store = self.lock();
                if candidate.expiry.over(store.now()) {
                    return Ok(false);
                }
                store.insert(&candidate).map(|()| true)
            });
            match outcome {
                Ok(true) => loaded.stored += 1,
                Ok(false) => loaded.expired += 1,
                Err(why) => loaded.refuse(place, why),
            }
        }
        loaded
    }
}

impl IntoIterator for &CookieJar {
    type Item = Cookie<'static>;
    type IntoIter = std::vec::IntoIter<Cookie<'static>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Which cookies are meant.
struct Filter<'a> {
    name: Option<&'a str>,
    domain: Option<String>,
    path: Option<&'a str>,
}

impl<'a> Filter<'a> {
    fn new(name: Option<&'a str>, domain: Option<&str>, path: Option<&'a str>) -> Self {
        // What is no domain is the domain of no cookie.
        let domain = domain.map(|domain| canonical(domain).unwrap_or_default());
        Self { name, domain, path }
    }

    fn admits(&self, cookie: &Stored) -> bool {
        self.name.is_none_or(|name| *name.as_bytes() == *cookie.name)
            && self.domain.as_ref().is_none_or(|domain| **domain == *cookie.domain)
            && self.path.is_none_or(|path| *path.as_bytes() == *cookie.path)
    }
}

fn distinct(store: &Store, of: impl Fn(&Stored) -> String) -> Vec<String> {
    let mut seen = Vec::new();
    for cookie in store.live() {
        let text = of(cookie);
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}
