//! Who an answer is from: scheme, host and port.

use crate::error::Error;
use crate::kind::ErrorKind;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// The two schemes HTTP/1.1 is spoken under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are no others for HTTP/1.1 over TCP")]
pub enum Scheme {
    /// Plain TCP.
    Http,
    /// TLS over TCP.
    Https,
}

impl Scheme {
    /// 80 or 443.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Scheme, host and port (RFC 6454): the party that requests are for and answers are from.
///
/// The host is kept in lower case, an IPv6 address in brackets; the port is always explicit. Two origins are equal
/// only if all three parts are: a trailing dot or another spelling of an address makes another origin.
///
/// ```
/// use pool::Origin;
/// let origin: Origin = "https://Example.com".parse()?;
/// assert_eq!(origin, Origin::https("example.com"));
/// assert_eq!(origin.to_string(), "https://example.com");
/// assert_eq!(Origin::http("[::1]").with_port(8080).to_string(), "http://[::1]:8080");
/// # Ok::<(), pool::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: Arc<str>,
    port: u16,
}

impl Origin {
    /// `http://host`, port 80. The name is checked when a request to it is built.
    #[must_use]
    pub fn http(host: impl AsRef<str>) -> Self {
        Self::new(Scheme::Http, host.as_ref(), 80)
    }

    /// `https://host`, port 443. The name is checked when a request to it is built.
    #[must_use]
    pub fn https(host: impl AsRef<str>) -> Self {
        Self::new(Scheme::Https, host.as_ref(), 443)
    }

    /// An origin from its parts. An IPv6 address may stand with or without brackets.
    #[must_use]
    pub fn new(scheme: Scheme, host: &str, port: u16) -> Self {
        let host: Arc<str> = if host.parse::<Ipv6Addr>().is_ok() {
            format!("[{host}]").to_ascii_lowercase().into()
        } else if host.bytes().any(|b| b.is_ascii_uppercase()) {
            host.to_ascii_lowercase().into()
        } else {
            host.into()
        };
        Self { scheme, host, port }
    }

    /// The same scheme and host at another port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host as it stands in a URL: a name, an IPv4 address, or an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host without brackets: what is looked up, or parsed as an address.
    #[must_use]
    pub fn host_name(&self) -> &str {
        self.host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&self.host)
    }

    /// The address, if the host is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host_name().parse().ok()
    }

    /// The value of the `Host` field (RFC 9110 §7.2): the port is left out where it is the scheme's own.
    #[must_use]
    pub fn host_field(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether the host can be a host at all: no empty name, no octet outside the URL grammar's host, at most
    /// 253 octets with labels of at most 63. Nothing is percent-encoded: whoever decodes it might see another host.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let name = self.host_name();
        let bracketed = name.len() != self.host.len();
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b);
        let good = if bracketed {
            name.parse::<Ipv6Addr>().is_ok()
        } else {
            let bare = name.strip_suffix('.').unwrap_or(name);
            !bare.is_empty()
                && bare.len() <= 253
                && bare.split('.').all(|label| !label.is_empty() && label.len() <= 63)
                && bare.bytes().all(legal)
        };
        if good { Ok(()) } else { Err(Error::config(format!("{:?} cannot be a host", &*self.host))) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port != self.scheme.default_port() { write!(f, ":{}", self.port) } else { Ok(()) }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Origin {
    type Err = Error;

    /// Reads `scheme://host` or `scheme://host:port`, with at most one `/` behind it.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = |why: &str| {
            Error::new(ErrorKind::Config).with_detail(format!("{text:?} is not an origin: {why}"))
        };
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| bad("no scheme; perhaps http:// is missing"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(bad("the scheme is neither http nor https")),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
                let port = if digits { port.parse().ok() } else { None };
                (host, port.ok_or_else(|| bad("the port is not a number up to 65535"))?)
            }
            _ => (authority, scheme.default_port()),
        };
        let origin = Self::new(scheme, host, port);
        origin.check().map_err(|_| bad("the host is empty or has octets no host has"))?;
        Ok(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_in_one_form_and_written_in_another() {
        for (text, shown, field) in [
            ("http://A.example", "http://a.example", "a.example"),
            ("http://a.example:80/", "http://a.example", "a.example"),
            ("https://a.example:80", "https://a.example:80", "a.example:80"),
            ("http://[::1]", "http://[::1]", "[::1]"),
            ("https://[::1]:8443", "https://[::1]:8443", "[::1]:8443"),
            ("HTTP://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://a.example.", "http://a.example.", "a.example."),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!((origin.to_string().as_str(), origin.host_field().as_str()), (shown, field));
        }
    }

    #[test]
    fn what_cannot_be_an_origin_is_an_error() {
        for text in [
            "a.example",
            "ftp://a.example",
            "http://",
            "http://a b",
            "http://a:+80",
            "http://a:65536",
            "http://a:",
            "http://a/b",
            "http://[::1",
            "http://[::g]",
            "http://a..b",
            "http://a\r\n.b",
            "http://ü.example",
            "http://good.test%2F127.0.0.1",
            "http://good.test%00.evil",
            "http://a%40b",
            "http://[::1%25lo]",
            "http://::1",
            "http://[::1]x:80",
            "http://[::1]:80:80",
            "http://[127.0.0.1]",
            "http://u@a",
        ] {
            assert_eq!(text.parse::<Origin>().unwrap_err().kind(), ErrorKind::Config, "{text}");
        }
    }
}
