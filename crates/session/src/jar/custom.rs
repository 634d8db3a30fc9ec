//! Cookies kept somewhere else than in a jar.

use std::time::SystemTime;

use url::Url;

use super::{CookieJar, check_pair};

/// Keeps the cookies of a session in a way of your own: in a database, behind other rules, or not at all.
///
/// A session with one ([`SessionBuilder::cookie_store`](crate::SessionBuilder::cookie_store)) asks it before each hop
/// and tells it of each answer that sets cookies, in the caller's thread and with no lock held. Which host may set what
/// is for the store to say: whoever only wants to add something to the usual rules has a [`CookieJar`] inside.
///
/// ```
/// use session::{CookieJar, CookieStore, Session, Url};
/// use std::time::SystemTime;
///
/// /// Sends what it was given and learns nothing.
/// struct ReadOnly(CookieJar);
///
/// impl CookieStore for ReadOnly {
///     fn header_for(&self, url: &Url, now: SystemTime) -> Option<Vec<u8>> {
///         self.0.header_for(url, now)
///     }
///
///     fn store_response(&self, _url: &Url, _set_cookie: &[&[u8]], _now: SystemTime) {}
/// }
///
/// let session = Session::builder().cookie_store(ReadOnly(CookieJar::new())).build()?;
/// # Ok::<(), session::Error>(())
/// ```
pub trait CookieStore: Send + Sync {
    /// The value of the `Cookie` field of a request to `url` at `now`: pairs as `a=1; b=2`. `None` if it is to have none.
    /// A value that no field can have ends the call with [`ErrorKind::Request`](crate::ErrorKind::Request).
    fn header_for(&self, url: &Url, now: SystemTime) -> Option<Vec<u8>>;

    /// An answer from `url`, received at `now`, has these `Set-Cookie` fields, in this order.
    fn store_response(&self, url: &Url, set_cookie: &[&[u8]], now: SystemTime);
}

/// The jar itself, for those who are generic over stores.
impl CookieStore for CookieJar {
    fn header_for(&self, url: &Url, now: SystemTime) -> Option<Vec<u8>> {
        self.header(url, now, &[])
    }

    fn store_response(&self, url: &Url, set_cookie: &[&[u8]], now: SystemTime) {
        self.store(url, set_cookie.iter().copied(), now);
    }
}

/// What `store` sends to `url`, and behind it the cookies of this request alone, which win over those of their names.
pub(crate) fn header(
    store: &dyn CookieStore,
    url: &Url,
    now: SystemTime,
    extra: &[(String, String)],
) -> Option<Vec<u8>> {
    let stored = store.header_for(url, now).filter(|line| !line.is_empty());
    if extra.is_empty() {
        return stored;
    }
    let name_of = |pair: &[u8]| {
        let end = pair.iter().position(|octet| *octet == b'=').unwrap_or(0);
        pair.get(..end).unwrap_or_default().trim_ascii().to_vec()
    };
    let replaced = |pair: &&[u8]| {
        let name = name_of(pair);
        extra.iter().any(|(own, _)| *own.as_bytes() == *name)
    };
    let stored = stored.unwrap_or_default();
    let mut pairs: Vec<Vec<u8>> = stored
        .split(|octet| *octet == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty() && !replaced(pair))
        .map(<[u8]>::to_vec)
        .collect();
    for (name, value) in extra.iter().filter(|(name, value)| check_pair(name, value).is_ok()) {
        pairs.push(if name.is_empty() { value.clone() } else { format!("{name}={value}") }.into_bytes());
    }
    (!pairs.is_empty()).then(|| pairs.join(&b"; "[..]))
}
