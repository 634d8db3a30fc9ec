//! Which proxy is used for which scheme. Kept, but not yet obeyed.

use crate::error::Error;
use crate::url::{self, IntoUrl};
use pool::Scheme;
use std::fmt;

/// Which proxy requests go through, by the scheme of their URL.
///
/// **This version cannot use proxies.** A request for which one is set fails with
/// [`ErrorKind::Config`](crate::ErrorKind::Config): it never goes direct instead. The proxy variables of the
/// environment are not read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
}

impl Proxies {
    /// No proxy for anything: the default, and what overrides proxies of the session for one request.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One proxy for everything.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is not an http or https URL with a host.
    pub fn all(proxy: impl IntoUrl) -> Result<Self, Error> {
        let proxy = checked(proxy.text())?;
        Ok(Self { http: Some(proxy.clone()), https: Some(proxy) })
    }

    /// The proxy for `http` URLs.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn http(mut self, proxy: impl IntoUrl) -> Result<Self, Error> {
        self.http = Some(checked(proxy.text())?);
        Ok(self)
    }

    /// The proxy for `https` URLs.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn https(mut self, proxy: impl IntoUrl) -> Result<Self, Error> {
        self.https = Some(checked(proxy.text())?);
        Ok(self)
    }

    /// Refuses what cannot be done yet.
    pub(crate) fn check(&self, scheme: Scheme) -> Result<(), Error> {
        let proxy = match scheme {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        match proxy {
            None => Ok(()),
            Some(proxy) => Err(Error::config(format!(
                "proxies are not supported by this version, and {} is set for {}; \
                 Proxies::none() sends requests directly",
                url::redacted(proxy),
                scheme.as_str()
            ))),
        }
    }
}

fn checked(text: &str) -> Result<String, Error> {
    let problem = |what: String| Error::config(format!("the proxy cannot be used: {what}"));
    let (_, _) = url::parse(text, None).map_err(problem)?;
    Ok(text.trim().to_owned())
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |proxy: &Option<String>| proxy.as_deref().map(url::redacted).unwrap_or_default();
        write!(f, "Proxies(http: {:?}, https: {:?})", shown(&self.http), shown(&self.https))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_is_set_is_an_error_and_never_shows_its_password() {
        let proxies = Proxies::none().https("http://u:s3cret@p.example:3128").unwrap();
        assert!(proxies.check(Scheme::Http).is_ok());
        let error = proxies.check(Scheme::Https).unwrap_err().to_string();
        assert!(error.contains("http://p.example:3128") && !error.contains("s3cret"), "{error}");
        assert!(!format!("{proxies:?}").contains("s3cret"));
        let error = Proxies::all("u:s3cret@p.example:3128").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
