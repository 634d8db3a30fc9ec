//! Which pool a URL is for.

use crate::error::Error;
use ::url::{Host, Position, Url};
use pool::Pool;

/// The pools of a session. Small enough to be searched for every hop; without mounts there is nothing to search.
#[derive(Clone)]
pub(crate) struct Pools {
    main: Pool,
    /// The longest prefix first; of equally long ones, the one mounted first.
    mounts: Vec<Mount>,
}

/// Names a pool of [`Pools`].
pub(crate) type PoolIndex = usize;

#[derive(Clone)]
struct Mount {
    prefix: Prefix,
    pool: Pool,
}

/// The beginning of URLs, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Prefix {
    /// In lower case, as it was given.
    text: String,
    https: bool,
    /// Any, if there is none.
    host: Option<Host>,
    /// Any, if there is neither this nor a path.
    port: Option<u16>,
    /// Path and query, in lower case.
    rest: String,
}

impl Pools {
    pub(crate) fn new(main: Pool) -> Self {
        Self { main, mounts: Vec::new() }
    }

    /// The pool of the session itself.
    pub(crate) fn main(&self) -> &Pool {
        &self.main
    }

    /// Uses `pool` for the URLs that begin with `prefix`, in place of one that was mounted there.
    pub(crate) fn mount(&mut self, prefix: &str, pool: Pool) -> Result<(), Error> {
        let prefix = Prefix::parse(prefix)?;
        self.mounts.retain(|mount| mount.prefix.text != prefix.text);
        let shorter = |mount: &Mount| mount.prefix.text.len() < prefix.text.len();
        let place = self.mounts.iter().position(shorter).unwrap_or(self.mounts.len());
        self.mounts.insert(place, Mount { prefix, pool });
        Ok(())
    }

    /// Which pool `url` is for.
    pub(crate) fn of(&self, url: &Url) -> PoolIndex {
        let found = self.mounts.iter().position(|mount| mount.prefix.fits(url)).map_or(0, |at| at + 1);
        self.first_of(found)
    }

    /// The name of a pool that is mounted in several places: they share its limits.
    pub(crate) fn first_of(&self, index: PoolIndex) -> PoolIndex {
        let pool = self.get(index);
        (0..index).find(|other| self.get(*other).shares_connections(pool)).unwrap_or(index)
    }

    pub(crate) fn get(&self, index: PoolIndex) -> &Pool {
        match index.checked_sub(1).and_then(|at| self.mounts.get(at)) {
            Some(mount) => &mount.pool,
            None => &self.main,
        }
    }

    /// All of them, by their index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pool> {
        std::iter::once(&self.main).chain(self.mounts.iter().map(|mount| &mount.pool))
    }

    /// Whether one driver can serve both.
    pub(crate) fn share_net(&self, one: PoolIndex, other: PoolIndex) -> bool {
        one == other || self.get(one).shares_net(self.get(other))
    }
}

impl Prefix {
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong =
            |what: &str| Error::config(format!("nothing can be mounted at {:?}: {what}", shown(text)));
        let text = text.trim().to_ascii_lowercase();
        let (scheme, after) = text.split_once("://").ok_or_else(|| wrong("it begins with no scheme"))?;
        let https = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(wrong("only http and https are requested")),
        };
        if after.is_empty() {
            return Ok(Self { https, host: None, port: None, rest: String::new(), text });
        }
        // The parser would drop tabs and line ends, and a repaired URL is not what was asked for.
        if crate::url::has_control(&text) {
            return Err(wrong("it has a control character in it"));
        }
        let url = Url::parse(&text).map_err(|_| wrong("it is not the beginning of a URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(wrong("it has userinfo or a fragment"));
        }
        let has_path = after.contains(['/', '?', '\\']);
        let host = url.host().map(|host| host.to_owned());
        // The parser takes a default port away; it was still asked for.
        let authority = after.split(['/', '?', '\\']).next().unwrap_or_default();
        let says_port = authority.rsplit_once(':').is_some_and(|(_, port)| is_number(port));
        let port = if has_path || says_port { url.port_or_known_default() } else { None };
        let rest = if has_path { url[Position::BeforePath..].to_ascii_lowercase() } else { String::new() };
        Ok(Self { https, host, port, rest, text })
    }

    fn fits(&self, url: &Url) -> bool {
        let starts = |text: &str| {
            let start = text.as_bytes().get(..self.rest.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(self.rest.as_bytes()))
        };
        (url.scheme() == "https") == self.https
            && self.host.as_ref().is_none_or(|host| url.host().is_some_and(|other| other == *host))
            && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
            && starts(&url[Position::BeforePath..Position::AfterQuery])
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit())
}

/// For error texts, without what may be a secret.
fn shown(text: &str) -> String {
    let mut shown = crate::url::redacted(text);
    crate::url::cut(&mut shown, 100);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(prefix: &str, url: &str) -> bool {
        Prefix::parse(prefix).unwrap().fits(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_2_a_prefix_without_a_path_ends_where_the_host_ends() {
        for (prefix, url, expected) in [
            ("http://", "http://a.test/", true),
            ("http://", "https://a.test/", false),
            ("http://localhost", "http://localhost/x?y", true),
            ("http://localhost", "http://localhost:8080/", true),
            ("http://localhost", "http://localhost.evil.com/", false),
            ("http://localhost", "http://localhostile/", false),
            ("http://localhost", "https://localhost/", false),
            ("http://localhost:80", "http://localhost/", true),
            ("http://localhost:80", "http://localhost:8080/", false),
            ("http://localhost/", "http://localhost/", true),
            ("http://localhost/", "http://localhost:8080/", false),
            ("HTTP://LocalHost:8080/API", "http://localhost:8080/api/x", true),
            ("http://a.test/api", "http://a.test/API?x", true),
            ("http://a.test/api", "http://a.test/ap", false),
            ("http://a.test/?q=", "http://a.test/?q=1", true),
            ("http://[::1]", "http://[::1]:81/", true),
            ("http://[::1]:81", "http://[::1]/", false),
            ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example/", true),
        ] {
            assert_eq!(fits(prefix, url), expected, "{prefix} {url}");
        }
    }

    #[test]
    fn what_begins_no_url_is_refused() {
        for prefix in [
            "",
            "a.test",
            "ftp://a.test",
            "http:/a",
            "http://a b/",
            "http://a\tb/",
            "http://a/x\r\ny",
            "http://u:s3cret@a.test/",
            "http://a/#f",
        ] {
            let error = Prefix::parse(prefix).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config, "{prefix}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
