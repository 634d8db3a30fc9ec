//! From the text of a proxy to the proxy.

use crate::auth::basic_octets;
use crate::url::{percent_decoded, redacted_text};
use ::url::{ParseError, Url};
use pool::{Origin, Proxy, ProxyKind};

/// No proxy needs more; a text that is longer was not meant to be one.
const MAX_TEXT: usize = 4096;

/// Reads `scheme://user:password@host:port`. Without a scheme it is `http` (requests' rule); user and password are
/// percent-decoded, and for Basic in the charset that it has elsewhere.
///
/// The error says what is wrong, without userinfo.
pub(super) fn parse(text: &str) -> Result<Proxy, String> {
    let text = text.trim();
    let problem = |what: &str| format!("the proxy {:?} {what}", redacted_text(text));
    if text.len() > MAX_TEXT {
        return Err(format!("the proxy is a text of {} bytes; at most {MAX_TEXT} make sense", text.len()));
    }
    if text.bytes().any(|b| b <= 0x20 || b == 0x7f) {
        return Err(problem("has a space or a control character in it"));
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let kind = match scheme.to_ascii_lowercase().as_str() {
        "http" => ProxyKind::Http,
        "https" => ProxyKind::Https,
        "socks5" => ProxyKind::Socks5,
        "socks5h" => ProxyKind::Socks5h,
        "socks4" | "socks4a" | "socks" => {
            return Err(problem("has a scheme of SOCKS 4; only socks5 and socks5h can be used"));
        }
        _ => return Err(problem("has a scheme that is none of http, https, socks5 and socks5h")),
    };
    if rest.starts_with(['/', '\\']) {
        // A URL parser would pass over it.
        return Err(problem("has no host"));
    }
    // Read as an http URL, so that hosts are canonical whatever the scheme is.
    let url = Url::parse(&format!("http://{rest}")).map_err(|why| match why {
        ParseError::EmptyHost => problem("has no host"),
        why => problem(&format!("cannot be read: {why}")),
    })?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| problem("has no host"))?;
    // What follows may be the rest of a password with a `/`, `?` or `#` in it, and the host before it none.
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(problem(
            "has something behind host and port; in user and password, `/`, `?` and `#` are written %2F, %3F, %23",
        ));
    }
    if Origin::http(host).to_string().parse::<Origin>().is_err() {
        return Err(problem("has an impossible host"));
    }
    let proxy = Proxy::new(kind, host, explicit_port(&url, rest).unwrap_or(kind.default_port()));
    let (user, password) = (percent_decoded(url.username()), url.password().map(percent_decoded));
    if user.is_empty() && password.as_ref().is_none_or(Vec::is_empty) {
        return Ok(proxy);
    }
    let mut credentials = (user, password.unwrap_or_default());
    if matches!(kind, ProxyKind::Http | ProxyKind::Https) {
        credentials = basic_octets(&credentials.0, &credentials.1);
    }
    proxy.with_credentials(credentials.0, credentials.1).map_err(|why| why.detail().to_owned())
}

/// The port as written; a URL does not keep the one that its scheme has anyway.
fn explicit_port(http: &Url, rest: &str) -> Option<u16> {
    http.port().or_else(|| Url::parse(&format!("https://{rest}")).ok()?.port())
}
