//! Whom to trust: the TLS setting of a route, as plain data.
//!
//! A setting is part of the key under which connections are shared, so two requests with different settings never
//! meet on one connection (CVE-2024-35195 is what happens otherwise). What it means is carried out in `link/tls.rs`.

use crate::error::Error;
use crate::link;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Which certificates are trusted. Cheap to clone; equal settings are the same setting, wherever they were made.
///
/// The default trusts the roots of webpki-roots (Mozilla's list, compiled in) and nothing else.
///
/// ```no_run
/// let own = pool::Tls::default().add_roots_pem(&std::fs::read("corporate-ca.pem")?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tls(Arc<Setting>);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Setting {
    /// Whether the compiled-in roots count.
    pub(crate) public_roots: bool,
    /// Further roots, DER, sorted, so that the order of adding does not make another setting.
    pub(crate) own_roots: Vec<Vec<u8>>,
}

impl Default for Tls {
    fn default() -> Self {
        Self(Arc::new(Setting { public_roots: true, own_roots: Vec::new() }))
    }
}

impl Tls {
    /// Trusts nothing until roots are added: the configured set is the whole set.
    #[must_use]
    pub fn without_public_roots() -> Self {
        Self(Arc::new(Setting { public_roots: false, own_roots: Vec::new() }))
    }

    /// Trusts the certificates of a PEM file too.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the text holds no certificate or one that cannot be read.
    pub fn add_roots_pem(self, pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let roots = link::tls::certificates(pem.as_ref())
            .map_err(|why| Error::config(format!("the PEM text of the TLS roots: {why}")))?;
        let mut setting = Arc::unwrap_or_clone(self.0);
        setting.own_roots.extend(roots);
        setting.own_roots.sort_unstable();
        setting.own_roots.dedup();
        Ok(Self(Arc::new(setting)))
    }

    pub(crate) fn setting(&self) -> &Setting {
        &self.0
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Tls {}

impl Hash for Tls {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = if self.0.public_roots { "public roots" } else { "no public roots" };
        write!(f, "Tls({public}, {} of our own)", self.0.own_roots.len())
    }
}
