//! The facts of a URL that cookies depend on, and the two matching rules of RFC 6265bis §5.1.

use std::net::IpAddr;

use url::{Host, Url};

/// What a cookie's scope is compared with: taken from the URL alone, never from a `Host` field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    /// The canonical host: lower case, A-labels, an IPv6 address in brackets, a trailing dot kept.
    pub(super) host: &'a str,
    /// The host is an address: no part of it is a domain.
    pub(super) is_ip: bool,
    /// The path, which begins with a slash; the query is not part of it.
    pub(super) path: &'a str,
    /// The scheme is `https`. Loopback over `http` is no exception.
    pub(super) secure: bool,
}

impl<'a> Site<'a> {
    /// `None` for a URL that is not `http` or `https`: cookies mean nothing there.
    pub(super) fn of(url: &'a Url) -> Option<Self> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let is_ip = !matches!(url.host()?, Host::Domain(_));
        let host = url.host_str()?;
        Some(Self { host, is_ip, path: url.path(), secure })
    }

    /// The default-path of §5.1.4: the path up to, but not including, its last slash.
    pub(super) fn default_path(&self) -> &'a str {
        match self.path.rfind('/') {
            None | Some(0) => "/",
            Some(end) => self.path.get(..end).unwrap_or("/"),
        }
    }

    /// The cookie domains this host can match: itself, then each parent. An address has no parent.
    pub(super) fn domains(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        domains(self.host, self.is_ip)
    }

    /// The part of the host that `domain` (in any letter case) names, if the host domain-matches it (§5.1.3).
    pub(super) fn parent_named(&self, domain: &[u8]) -> Option<&'a str> {
        let start = self.host.len().checked_sub(domain.len())?;
        let parent = self.host.get(start..)?;
        (parent.as_bytes().eq_ignore_ascii_case(domain) && domain_matches(self.host, parent))
            .then_some(parent)
    }

    /// Whether `domain` is this host's own address, with or without the brackets of an IPv6 address.
    pub(super) fn is_address(&self, domain: &[u8]) -> bool {
        let address = |text: &str| {
            let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
            bare.parse::<IpAddr>().ok()
        };
        let named = str::from_utf8(domain).ok().and_then(address);
        named.is_some() && named == address(self.host)
    }
}

/// [`Site::domains`] for a host that is kept as text.
pub(super) fn domains(host: &str, is_ip: bool) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), move |name| {
        let (_, parent) = name.split_once('.')?;
        (!is_ip && !parent.is_empty()).then_some(parent)
    })
}

/// Domain-match of §5.1.3 for two canonical names that are not addresses.
pub(super) fn domain_matches(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Path-match of §5.1.4: equal, or a prefix that ends at a slash.
pub(super) fn path_matches(request: &[u8], cookie: &[u8]) -> bool {
    match request.strip_prefix(cookie) {
        Some(rest) => rest.is_empty() || cookie.ends_with(b"/") || rest.starts_with(b"/"),
        None => false,
    }
}
