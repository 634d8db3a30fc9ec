//! Which credentials hold: of the request, of the URL, of the session, of a file.

use super::{Settings, origin_of};
use crate::auth::{Auth, Netrc};
use crate::error::Error;
use crate::url::{self, IntoUrl};
use pool::Origin;
use std::sync::Arc;

impl Settings {
    /// Sets the credentials of all requests whose URL, as it is passed in, is of the base URL's origin (of any,
    /// without a base). They never go to the target of a redirect to another origin.
    pub fn set_auth(&mut self, auth: impl Auth + 'static) {
        self.auth = Some(Arc::new(auth));
    }

    /// Sets the credentials of requests to one origin; there they go before [`set_auth`](Self::set_auth).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `origin` is not a URL that can be requested.
    pub fn set_auth_for(&mut self, origin: impl IntoUrl, auth: impl Auth + 'static) -> Result<(), Error> {
        let (url, _) = url::parse(origin.text(), None).map_err(Error::config)?;
        let origin = origin_of(&url)?;
        self.auth_for.retain(|(named, _)| *named != origin);
        self.auth_for.push((origin, Arc::new(auth)));
        Ok(())
    }

    /// The netrc file whose entries are used where nothing nearer has credentials, if there is one; see [`Netrc`].
    #[must_use]
    pub fn netrc(&self) -> Option<&Netrc> {
        self.netrc.as_ref()?.as_ref()
    }

    /// Sets the netrc file whose entries are used, or with `None` that none are.
    pub fn set_netrc(&mut self, netrc: impl Into<Option<Netrc>>) {
        self.netrc = Some(netrc.into());
    }

    /// Takes all credentials away, those for single origins too; those of a netrc file stay.
    pub fn clear_auth(&mut self) {
        self.auth = None;
        self.auth_for.clear();
    }

    /// Which credentials a request to `origin` carries, of what the request says (`self`), what stands in its URL,
    /// and what the session says: request auth, an `Authorization` header of the request, the URL, session auth.
    /// `None`: a session header counts, if there is one. (requests lets the session override the header of a
    /// request, its most reported fault.)
    pub(crate) fn credentials(
        &self,
        from_url: Option<Arc<dyn Auth>>,
        session: &Self,
        origin: &Origin,
    ) -> Option<Arc<dyn Auth>> {
        match &self.auth {
            Some(auth) => Some(auth.clone()),
            None if self.names("authorization") => None,
            None => session.credentials_of(from_url, origin),
        }
    }

    /// The same where the request says nothing.
    pub(crate) fn credentials_of(
        &self,
        from_url: Option<Arc<dyn Auth>>,
        origin: &Origin,
    ) -> Option<Arc<dyn Auth>> {
        from_url.or_else(|| self.auth_at(origin))
    }

    /// Whether a header is set or left out here.
    fn names(&self, name: &str) -> bool {
        self.headers().contains(name)
            || self.without.iter().any(|left_out| left_out.eq_ignore_ascii_case(name))
    }

    /// The session's credentials for an origin: those set for it by name, else those for all. With a base URL the
    /// latter stay at its origin.
    fn auth_at(&self, origin: &Origin) -> Option<Arc<dyn Auth>> {
        if let Some((_, auth)) = self.auth_for.iter().rev().find(|(named, _)| named == origin) {
            return Some(auth.clone());
        }
        self.auth.clone().filter(|_| self.base.as_ref().is_none_or(|base| base.origin == *origin))
    }
}
