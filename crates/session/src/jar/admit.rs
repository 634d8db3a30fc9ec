//! Whether a host may set a cookie, and what the cookie then is: RFC 6265bis §5.7, every rule that does not
//! depend on what is stored already.

use std::time::SystemTime;

use super::expiry::Expiry;
use super::parse::{MAX_ATTRIBUTE, SetCookie};
use super::site::Site;
use super::{CookieError, SuffixList};

/// Name and value together, in octets (§5.7 step 4): what every browser keeps.
const MAX_PAIR: usize = 4096;

/// A cookie that may be stored. Borrows from the field and the URL: most are the ones already stored.
pub(super) struct Candidate<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) domain: &'a str,
    pub(super) host_only: bool,
    pub(super) path: &'a [u8],
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) expiry: Expiry,
    /// It came over `https`, and may therefore replace secure cookies.
    pub(super) from_https: bool,
}

impl<'a> Candidate<'a> {
    /// Applies the rules for a cookie that came from `site` at `now`.
    ///
    /// `now` is `None` for a cookie a program sets: its lifetime then begins at the next time the jar is told.
    pub(super) fn admit(
        cookie: SetCookie<'a>,
        site: Site<'a>,
        suffixes: &dyn SuffixList,
        now: Option<SystemTime>,
    ) -> Result<Self, CookieError> {
        let SetCookie { name, value, secure, http_only, .. } = cookie;
        if name.is_empty() && value.is_empty() {
            return Err(CookieError::Empty);
        }
        if name.len().saturating_add(value.len()) > MAX_PAIR {
            return Err(CookieError::TooLong);
        }
        if secure && !site.secure {
            return Err(CookieError::Secure);
        }
        let (domain, host_only) = scope(cookie.domain.unwrap_or_default(), site, suffixes)?;
        let path = cookie.path.filter(|path| path.starts_with(b"/"));
        let path = path.unwrap_or(site.default_path().as_bytes());
        // A longer `Path` is as good as absent; the default may be just as long, and is kept as long as the cookie.
        if path.len() > MAX_ATTRIBUTE {
            return Err(CookieError::TooLong);
        }
        // §5.7 steps 20 to 22. A nameless cookie is sent as its bare value, which must not pass for a prefix.
        let host_bound = secure && host_only && cookie.path.is_some() && path == b"/";
        if (starts_with(name, "__Secure-") && !secure)
            || (starts_with(name, "__Host-") && !host_bound)
            || (name.is_empty() && (starts_with(value, "__Secure-") || starts_with(value, "__Host-")))
        {
            return Err(CookieError::Prefix);
        }
        let asked = Expiry::of(&cookie);
        let expiry = now.map_or(asked, |now| asked.settled(now));
        Ok(Self { name, value, domain, host_only, path, secure, http_only, expiry, from_https: site.secure })
    }
}

/// §5.7 steps 8 to 10: the domain a cookie is for, and whether it is for that host alone.
fn scope<'a>(
    attribute: &[u8],
    site: Site<'a>,
    suffixes: &dyn SuffixList,
) -> Result<(&'a str, bool), CookieError> {
    if site.host.len() > MAX_ATTRIBUTE {
        return Err(CookieError::TooLong);
    }
    // No name begins with an empty label. In files of cookies a dot in front is no part of the host, so that a cookie of
    // this one would be another's when it is read.
    if site.host.starts_with('.') {
        return Err(CookieError::Domain);
    }
    if attribute.is_empty() {
        return Ok((site.host, true));
    }
    let named = attribute.strip_prefix(b".").unwrap_or(attribute);
    if site.is_ip {
        // An address has no subdomains, so a cookie for it is host-only however it was asked for.
        return if site.is_address(named) { Ok((site.host, true)) } else { Err(CookieError::Domain) };
    }
    let domain = site.parent_named(named).ok_or(CookieError::Domain)?;
    // A final dot makes another host, not another suffix.
    let canonical = domain.strip_suffix('.').unwrap_or(domain);
    if canonical.split('.').any(str::is_empty) {
        return Err(CookieError::Domain);
    }
    match suffixes.is_public_suffix(canonical) {
        false => Ok((domain, false)),
        true if domain == site.host => Ok((domain, true)),
        true => Err(CookieError::PublicSuffix),
    }
}

fn starts_with(text: &[u8], prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}
