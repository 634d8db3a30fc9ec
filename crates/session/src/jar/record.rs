//! A cookie on its way between two jars, or between a jar and a file, and the check it passes when it arrives.

use std::net::Ipv6Addr;

use url::Host;

use super::admit::Candidate;
use super::expiry::Expiry;
use super::parse::{self, SetCookie};
use super::site::Site;
use super::store::Stored;
use super::{CookieError, SuffixList};

/// One cookie with everything that is kept of it. Nothing here has been checked.
pub(super) struct Record {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) domain: String,
    pub(super) host_only: bool,
    pub(super) path: Vec<u8>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) expiry: Expiry,
}

impl Record {
    pub(super) fn of(stored: &Stored) -> Self {
        Self {
            name: stored.name.to_vec(),
            value: stored.value.to_vec(),
            domain: stored.domain.to_string(),
            host_only: stored.host_only,
            path: stored.path.to_vec(),
            secure: stored.secure,
            http_only: stored.http_only,
            expiry: stored.expiry,
        }
    }

    /// Gives the domain the form that hosts of URLs have; the rest is not touched.
    pub(super) fn canonical(mut self) -> Result<Self, CookieError> {
        self.domain = canonical(&self.domain)?;
        Ok(self)
    }

    /// Applies the rules a response would have been held to, as if the cookie's own host had set it over `https`. The
    /// domain has to be [canonical](Self::canonical).
    pub(super) fn candidate(&self, suffixes: &dyn SuffixList) -> Result<Candidate<'_>, CookieError> {
        parse::check_parts(&self.name, &self.value, &self.domain, &self.path)?;
        let cookie = SetCookie {
            name: &self.name,
            value: &self.value,
            domain: (!self.host_only).then_some(self.domain.as_bytes()),
            path: Some(&self.path),
            secure: self.secure,
            http_only: self.http_only,
            ..SetCookie::default()
        };
        let mut candidate = Candidate::admit(cookie, site(&self.domain), suffixes, None)?;
        candidate.expiry = self.expiry;
        Ok(candidate)
    }
}

/// The form of a domain, with or without a leading dot, that a URL's host has: lower case, A-labels, brackets.
pub(super) fn canonical(domain: &str) -> Result<String, CookieError> {
    let bare = domain.strip_prefix('.').unwrap_or(domain);
    if bare.len() > parse::MAX_ATTRIBUTE {
        return Err(CookieError::TooLong);
    }
    let host = match bare.parse::<Ipv6Addr>() {
        Ok(address) => Host::Ipv6(address),
        Err(_) => Host::parse(bare).map_err(|_| CookieError::Domain)?,
    };
    Ok(host.to_string())
}

/// The root of a canonical host, over `https`: whoever may set a cookie of this domain at all may do so from there.
pub(super) fn site(host: &str) -> Site<'_> {
    let is_ip = Host::parse(host).is_ok_and(|host| !matches!(host, Host::Domain(_)));
    Site { host, is_ip, path: "/", secure: true }
}
