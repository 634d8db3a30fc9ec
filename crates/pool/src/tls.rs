//! Whom to trust, and who we are: the TLS setting of a route, as plain data.
//!
//! A setting is part of the key under which connections are shared, so two requests with different settings never
//! meet on one connection (CVE-2024-35195 is what happens otherwise). What it means is carried out in
//! `link/tls/setup.rs`.

use crate::error::Error;
use crate::link::tls::setup::{self, Unusable};
use std::fmt;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which certificates are trusted, and which one we show. Cheap to clone; equal settings are the same setting, wherever
/// they were made.
///
/// The default trusts the roots of webpki-roots (Mozilla's list, compiled in) and nothing else, verifies the
/// certificate and the name in it, and shows no certificate of ours. TLS 1.2 and 1.3 are spoken. Neither the system's
/// roots nor variables of the environment are looked at.
///
/// ```no_run
/// use pool::Tls;
/// let also_ours = Tls::default().add_roots_file("corporate-ca.pem")?;
/// let only_ours = Tls::ca_bundle("/etc/ssl/certs")?;
/// let with_certificate = Tls::default().client_cert_file("me.pem")?;
/// # Ok::<(), pool::Error>(())
/// ```
///
/// # As requests says it
///
/// | requests | here |
/// | --- | --- |
/// | `verify=True` | `Tls::default()` |
/// | `verify="bundle.pem"`, `verify="folder"` | [`Tls::ca_bundle("bundle.pem")?`](Self::ca_bundle): these and no others |
/// | – | [`Tls::default().add_roots_file("ca.pem")?`](Self::add_roots_file): these too |
/// | `verify=False` | [`Tls::default().danger_no_verification()`](Self::danger_no_verification) |
/// | `cert="both.pem"` | [`.client_cert_file("both.pem")?`](Self::client_cert_file) |
/// | `cert=("cert.pem", "key.pem")` | [`.client_cert_files("cert.pem", "key.pem")?`](Self::client_cert_files) |
/// | `SSLKEYLOGFILE` | [`.key_log_file("keys.log")?`](Self::key_log_file); the variable is not read |
///
/// A setting is one value: given to a request, it takes the place of the session's as a whole. Files are read when it
/// is made, not when it is used.
#[doc(alias("verify", "cert"))]
#[derive(Clone)]
pub struct Tls(Arc<Setting>);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Setting {
    /// Whether the compiled-in roots count.
    pub(crate) public_roots: bool,
    /// Further roots, DER, sorted, so that the order of adding does not make another setting.
    pub(crate) own_roots: Vec<Vec<u8>>,
    /// What we show to servers that ask.
    pub(crate) identity: Option<Identity>,
    /// Whether the certificate of the server counts.
    pub(crate) verify: bool,
    /// Where session keys are written.
    pub(crate) key_log: Option<PathBuf>,
}

/// A certificate, those that lead to its root, and its private key, all DER. Has no `Debug`: it must not be shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) key: Vec<u8>,
}

impl Default for Tls {
    fn default() -> Self {
        Self::trusting(true)
    }
}

impl Tls {
    /// Trusts nothing until roots are added: the configured set is the whole set.
    #[must_use]
    pub fn without_public_roots() -> Self {
        Self::trusting(false)
    }

    /// Trusts the certificates of a PEM file, or of all PEM files in a folder, and no others: `verify="path"` of
    /// requests. See [`add_roots_file`](Self::add_roots_file) and [`add_roots_folder`](Self::add_roots_folder).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with the path, if nothing is there or holds no certificate.
    #[doc(alias("verify", "REQUESTS_CA_BUNDLE"))]
    pub fn ca_bundle(path: impl AsRef<Path>) -> Result<Self, Error> {
        let (tls, path) = (Self::without_public_roots(), path.as_ref());
        if path.is_dir() { tls.add_roots_folder(path) } else { tls.add_roots_file(path) }
    }

    /// Trusts the certificates of a PEM text too.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the text holds no certificate or one that cannot be read.
    pub fn add_roots_pem(self, pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let roots = setup::certificates(pem.as_ref())
            .map_err(|why| Error::config(format!("the PEM text of the TLS roots: {why}")))?;
        Ok(self.add_roots(roots))
    }

    /// Trusts the certificates of a PEM file too.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with the path, if it cannot be read, holds no certificate, or
    /// one that cannot be used.
    pub fn add_roots_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let (path, what) = (path.as_ref(), "CA bundle");
        let roots = setup::certificates(&read(path, what)?).map_err(|why| unusable(path, what, &why))?;
        Ok(self.add_roots(roots))
    }

    /// Trusts the certificates of all PEM files of a folder too, whatever they are called: the hashed names that
    /// OpenSSL wants are not needed, and do no harm. What is no file, cannot be read or holds no certificate that can
    /// be used is passed over; folders inside are not looked into.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with the path, if the folder cannot be read, or no certificate
    /// is in it.
    pub fn add_roots_folder(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let (path, what) = (path.as_ref(), "CA folder");
        let entries = fs::read_dir(path).map_err(|why| unreadable(path, what, why))?;
        let mut roots = Vec::new();
        for entry in entries {
            let file = entry.map_err(|why| unreadable(path, what, why))?.path();
            // Links are followed: hashed names are links.
            if !file.is_file() {
                continue;
            }
            let found =
                fs::read(&file).map_err(|why| why.to_string()).and_then(|pem| setup::certificates(&pem));
            match found {
                Ok(mut found) => roots.append(&mut found),
                Err(why) => log::debug!("TLS roots: {file:?} is passed over: {why}"),
            }
        }
        if roots.is_empty() {
            return Err(unusable(path, what, "no file in it holds a certificate"));
        }
        Ok(self.add_roots(roots))
    }

    /// Shows this certificate to servers that ask for one: a PEM text of the certificate, then of those between it and
    /// a root that the server knows, if there are any; and a PEM text of its private key (PKCS#8, PKCS#1 or SEC1; the
    /// two may be the same text).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if one of them holds nothing, the key is encrypted, or is not
    /// the certificate's. Nothing of the key is in the error.
    pub fn client_cert_pem(
        self,
        certificates: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, Error> {
        let identity = setup::identity(certificates.as_ref(), key.as_ref()).map_err(|why| match why {
            Unusable::Certificate(why) => {
                Error::config(format!("the PEM text of the TLS client certificate: {why}"))
            }
            Unusable::Key(why) => Error::config(format!("the PEM text of the TLS client key: {why}")),
        })?;
        Ok(self.showing(identity))
    }

    /// Shows a certificate to servers that ask for one, from one PEM file with the certificate and its key:
    /// `cert="path"` of requests. See [`client_cert_pem`](Self::client_cert_pem).
    ///
    /// # Errors
    /// As of [`client_cert_pem`](Self::client_cert_pem), with the path.
    #[doc(alias = "cert")]
    pub fn client_cert_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let pem = read(path, CERTIFICATE)?;
        self.identity_of((path, &pem), (path, &pem))
    }

    /// The same from two PEM files: `cert=("certificate", "key")` of requests.
    ///
    /// # Errors
    /// As of [`client_cert_pem`](Self::client_cert_pem), with the path.
    #[doc(alias = "cert")]
    pub fn client_cert_files(
        self,
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, Error> {
        let (certificates, key) = (certificates.as_ref(), key.as_ref());
        let pems = (read(certificates, CERTIFICATE)?, read(key, KEY)?);
        self.identity_of((certificates, &pems.0), (key, &pems.1))
    }

    /// Shows no certificate, whoever asks: the same trust for somebody whom it was not meant for.
    #[must_use]
    pub fn without_client_cert(self) -> Self {
        if self.0.identity.is_none() { self } else { self.with(|setting| setting.identity = None) }
    }

    /// Does not verify who is at the other end: any certificate is taken, for any name, expired or self-made. Whoever
    /// is on the way can then read and change everything, passwords included; TLS hides it from nobody who tries.
    /// (`verify=False` of requests.) Each connection made so is logged as a warning. For a server with a certificate
    /// of its own, trust that one instead: [`ca_bundle`](Self::ca_bundle).
    ///
    /// Requests that verify never use a connection, or resume a session, of those that do not.
    #[doc(alias("verify", "insecure"))]
    #[must_use]
    pub fn danger_no_verification(self) -> Self {
        self.with(|setting| setting.verify = false)
    }

    /// Appends the keys of all connections to a file, made if need be, in the format that Wireshark reads. Whoever
    /// has the file can decrypt what was sent. Nothing else turns this on; `SSLKEYLOGFILE` is not read.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the file cannot be opened.
    pub fn key_log_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        setup::open_key_log(path).map_err(|why| unreadable(path, "key log", why))?;
        Ok(self.with(|setting| setting.key_log = Some(path.to_owned())))
    }

    pub(crate) fn setting(&self) -> &Setting {
        &self.0
    }

    fn trusting(public_roots: bool) -> Self {
        let own_roots = Vec::new();
        Self(Arc::new(Setting { public_roots, own_roots, identity: None, verify: true, key_log: None }))
    }

    fn with(self, change: impl FnOnce(&mut Setting)) -> Self {
        let mut setting = Arc::unwrap_or_clone(self.0);
        change(&mut setting);
        Self(Arc::new(setting))
    }

    fn add_roots(self, roots: Vec<Vec<u8>>) -> Self {
        self.with(|setting| {
            setting.own_roots.extend(roots);
            setting.own_roots.sort_unstable();
            setting.own_roots.dedup();
        })
    }

    fn showing(self, identity: Identity) -> Self {
        self.with(|setting| setting.identity = Some(identity))
    }

    fn identity_of(self, certificates: (&Path, &[u8]), key: (&Path, &[u8])) -> Result<Self, Error> {
        let identity = setup::identity(certificates.1, key.1).map_err(|why| match why {
            Unusable::Certificate(why) => unusable(certificates.0, CERTIFICATE, &why),
            Unusable::Key(why) => unusable(key.0, KEY, &why),
        })?;
        Ok(self.showing(identity))
    }
}

const CERTIFICATE: &str = "client certificate";
const KEY: &str = "client key";

fn read(path: &Path, what: &str) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|why| unreadable(path, what, why))
}

fn unreadable(path: &Path, what: &str, why: io::Error) -> Error {
    let verb = if what == "key log" { "written" } else { "read" };
    Error::config(format!("the TLS {what} {path:?} cannot be {verb}: {why}")).with_source(why)
}

fn unusable(path: &Path, what: &str, why: &str) -> Error {
    Error::config(format!("the TLS {what} {path:?} cannot be used: {why}"))
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
    /// Facts only: no certificate, and nothing of a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = if self.0.public_roots { "public roots" } else { "no public roots" };
        write!(f, "Tls({public}, {} of our own", self.0.own_roots.len())?;
        for (said, words) in [
            (self.0.identity.is_some(), "a client certificate"),
            (!self.0.verify, "no verification"),
            (self.0.key_log.is_some(), "a key log"),
        ] {
            if said {
                write!(f, ", {words}")?;
            }
        }
        f.write_str(")")
    }
}
