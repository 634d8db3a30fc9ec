//! Which proxy is used for which URL.

mod address;
mod env;
mod no_proxy;
pub(crate) mod passage;

use crate::error::Error;
use crate::url::{IntoUrl, redacted_text};
use no_proxy::{Canonical, NoProxy};
use pool::{Origin, Proxy, Scheme};
use std::fmt;
use std::sync::Arc;

/// Which proxy requests go through, by scheme and host of their URL.
///
/// ```
/// # fn main() -> Result<(), session::Error> {
/// use session::{Proxies, Session};
/// // One for everything; per scheme; per host, as in the dictionary of requests.
/// let one = Proxies::all("http://user:password@proxy.example:3128")?;
/// let two = Proxies::new().http("http://10.10.1.10:3128")?.https("socks5h://127.0.0.1:9050")?;
/// let three = Proxies::from_pairs([("http://10.20.1.128", "http://10.10.1.10:5323"), ("all", "proxy.example:3128")])?;
///
/// let session = Session::builder().proxies(one.no_proxy("localhost, .internal.example, 10.0.0.0/8")?).build()?;
/// # let _ = (session, two, three);
/// # Ok(()) }
/// ```
///
/// A proxy is a URL `scheme://user:password@host:port` with the scheme `http` (the one that is meant where none is
/// given), `https` (TLS to the proxy, by the [TLS setting](crate::Settings::tls) of the request, without its client
/// certificate), `socks5` (hosts are looked up here) or `socks5h` (hosts are looked up by the proxy). User and password
/// are percent-decoded, and go to that proxy only. Without a port it is 80, 443, or 1080 for SOCKS. An `http` URL goes to
/// an HTTP proxy as a whole; everything else goes through a tunnel, in which the proxy sees neither the request nor its
/// headers.
///
/// # Which one
///
/// Of the keys `scheme://host`, `scheme`, `all://host` and `all` the first one that is set counts, for each hop of a
/// redirect anew. Request goes over session over environment: the nearest of them that has a key for the URL, or excepts
/// it in its [`no_proxy`](Self::no_proxy) list, decides. So what is set in the program is never undone by a variable,
/// and [`none`](Self::none) undoes everything. A request for which a proxy is set never goes another way.
///
/// # The environment
///
/// A session that does not [ignore it](crate::SessionBuilder::ignore_environment) reads `http_proxy`, `https_proxy`,
/// `all_proxy` and `no_proxy` when it is made; see [`from_env`](Self::from_env).
#[doc(alias("proxies", "HTTPProxyAuth"))]
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies(Arc<Layer>);

/// What was said in one place.
#[derive(Clone, Default, PartialEq, Eq)]
struct Layer {
    rules: Vec<(Key, Choice)>,
    except: NoProxy,
    /// What was said elsewhere does not count.
    alone: bool,
    below: Option<Proxies>,
}

/// For which URLs a rule is. `None` is any.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    scheme: Option<Scheme>,
    host: Option<Canonical>,
}

/// How a URL is reached.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    Direct,
    Via(Proxy),
    /// A proxy was meant, and this is wrong with it.
    Malformed(Arc<str>),
}

impl Proxies {
    /// Nothing is said yet: what the session, or the environment, says counts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No proxy, whatever the session or the environment says.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new(Layer { alone: true, ..Layer::default() }))
    }

    /// One proxy for everything.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the text names no proxy that can be used. No user or
    /// password is shown.
    pub fn all(proxy: impl IntoUrl) -> Result<Self, Error> {
        Self::new().set("all", proxy)
    }

    /// The proxy for `http` URLs.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn http(self, proxy: impl IntoUrl) -> Result<Self, Error> {
        self.set("http", proxy)
    }

    /// The proxy for `https` URLs.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn https(self, proxy: impl IntoUrl) -> Result<Self, Error> {
        self.set("https", proxy)
    }

    /// The proxy for a key of requests' dictionary: `http`, `https`, `all`, each with `://host` behind it or without;
    /// `no_proxy` adds to the list of [`no_proxy`](Self::no_proxy). An empty text stands for no proxy, as
    /// [`direct`](Self::direct).
    ///
    /// # Errors
    /// As [`all`](Self::all), and if the key is none of these.
    pub fn set(mut self, key: impl AsRef<str>, proxy: impl IntoUrl) -> Result<Self, Error> {
        let (key, text) = (key.as_ref(), proxy.text());
        if key.eq_ignore_ascii_case("no_proxy") {
            return self.no_proxy(text);
        }
        let choice = match text.trim() {
            "" => Choice::Direct,
            text => Choice::Via(address::parse(text).map_err(Error::config)?),
        };
        self.put(Key::parse(key)?, choice);
        Ok(self)
    }

    /// No proxy for a key (requests' `{"http": None}`), whatever the session or the environment says.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the key is none of those of [`set`](Self::set).
    pub fn direct(mut self, key: impl AsRef<str>) -> Result<Self, Error> {
        self.put(Key::parse(key.as_ref())?, Choice::Direct);
        Ok(self)
    }

    /// Proxies by key, as in requests' dictionary; see [`set`](Self::set).
    ///
    /// # Errors
    /// The first mistake.
    pub fn from_pairs<K: AsRef<str>, V: IntoUrl>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, Error> {
        pairs.into_iter().try_fold(Self::new(), |proxies, (key, proxy)| proxies.set(key, proxy))
    }

    /// Adds hosts that are reached without a proxy, separated by commas or spaces: names (with all below them, with or
    /// without a leading dot; `*.a.example` leaves `a.example` itself out), addresses, networks (`10.0.0.0/8`,
    /// `fd00::/8`), each of the former with `:port` or without, and `*` for all.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if an entry is none of these.
    #[doc(alias = "NO_PROXY")]
    pub fn no_proxy(mut self, hosts: impl AsRef<str>) -> Result<Self, Error> {
        match self.except(hosts.as_ref()).first() {
            None => Ok(self),
            Some(unclear) => Err(Error::config(format!(
                "{:?} in a list of hosts without proxy is no name, address or network",
                redacted_text(unclear)
            ))),
        }
    }

    /// What the environment variables `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say now, each in lower
    /// or upper case.
    ///
    /// The lower-case name goes before the upper-case one, and where it is empty it undoes the other. `HTTP_PROXY`
    /// does not count if `REQUEST_METHOD` is set, as it is for CGI scripts: there a client's header `Proxy:` becomes
    /// that variable. A variable that names no proxy fails the requests that would use it, with
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), and no others; an entry of `no_proxy` that is not
    /// understood is passed over.
    #[doc(alias = "getproxies")]
    #[must_use]
    pub fn from_env() -> Self {
        env::read()
    }

    /// These over others, which are asked where these say nothing.
    pub(crate) fn over(self, below: &Self) -> Self {
        let mut layer = Arc::unwrap_or_clone(self.0);
        if !layer.alone {
            layer.below = Some(match layer.below.take() {
                Some(between) => between.over(below),
                None => below.clone(),
            });
        }
        Self(Arc::new(layer))
    }

    /// How an origin is reached; `None` if nothing is said about it.
    pub(crate) fn choose(&self, origin: &Origin) -> Option<Choice> {
        let host = Canonical::of_origin(origin);
        let mut layers = std::iter::successors(Some(self), |proxies| proxies.0.below.as_ref());
        layers.find_map(|proxies| proxies.0.choose(origin, &host))
    }

    /// Whether it makes no difference that they are there.
    pub(crate) fn is_empty(&self) -> bool {
        let layer = &*self.0;
        layer.rules.is_empty() && !layer.alone && layer.below.as_ref().is_none_or(Self::is_empty)
    }

    /// Whether they are the same value, not only equal ones.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn put(&mut self, key: Key, choice: Choice) {
        let layer = Arc::make_mut(&mut self.0);
        layer.rules.retain(|(other, _)| *other != key);
        layer.rules.push((key, choice));
    }

    /// Adds hosts, and gives what is none.
    fn except<'a>(&mut self, hosts: &'a str) -> Vec<&'a str> {
        let (hosts, unclear) = NoProxy::parse(hosts);
        Arc::make_mut(&mut self.0).except.extend(hosts);
        unclear
    }
}

impl Layer {
    fn choose(&self, origin: &Origin, host: &Canonical) -> Option<Choice> {
        if self.except.covers(host, origin.port()) {
            return Some(Choice::Direct);
        }
        let (scheme, host) = (Some(origin.scheme()), Some(host));
        [(scheme, host), (scheme, None), (None, host), (None, None)]
            .into_iter()
            .find_map(|(scheme, host)| {
                self.rules.iter().find(|(key, _)| key.scheme == scheme && key.host.as_ref() == host)
            })
            .map(|(_, choice)| choice.clone())
            .or_else(|| self.alone.then_some(Choice::Direct))
    }
}

impl Key {
    fn scheme(scheme: Option<Scheme>) -> Self {
        Self { scheme, host: None }
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let bad = |what: &str| {
            let shown = redacted_text(text);
            Error::config(format!(
                "the key {shown:?} of a proxy {what}; http, https, all and https://host are keys"
            ))
        };
        let (scheme, host) = match text.split_once("://") {
            Some((scheme, host)) => (scheme, Some(host.strip_suffix('/').unwrap_or(host))),
            None => (text, None),
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Some(Scheme::Http),
            "https" => Some(Scheme::Https),
            "all" => None,
            _ => return Err(bad("has another scheme than http, https and all")),
        };
        let host = match host {
            None => None,
            Some(host) => Some(Canonical::of(host).ok_or_else(|| bad("has no host, or more than one"))?),
        };
        Ok(Self { scheme, host })
    }
}

impl fmt::Debug for Proxies {
    /// Without users and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer = &*self.0;
        let mut shown = f.debug_tuple("Proxies");
        for (key, choice) in &layer.rules {
            shown.field(&format_args!("{key}: {choice:?}"));
        }
        if layer.except.len() > 0 {
            shown.field(&format_args!("no_proxy: {} entries", layer.except.len()));
        }
        if layer.alone {
            shown.field(&format_args!("nothing else"));
        }
        if let Some(below) = &layer.below {
            shown.field(&format_args!("over {below:?}"));
        }
        shown.finish()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme.map_or("all", Scheme::as_str))?;
        match &self.host {
            None => Ok(()),
            Some(Canonical::Address(address)) => write!(f, "://{address}"),
            Some(Canonical::Name(name)) => write!(f, "://{name}"),
        }
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Via(proxy) => write!(f, "{proxy}"),
            Self::Malformed(_) => f.write_str("malformed"),
        }
    }
}

#[cfg(test)]
mod tests;
