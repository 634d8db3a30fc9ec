//! A certificate authority made on the spot, and what it can sign.

use std::fmt;
use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};

/// The names a [`Testbed`](crate::Testbed) answers to over TLS unless told otherwise. `*.test` would be shorter, but
/// verifiers refuse a pattern right below the top level.
pub(crate) const NAMES: &[&str] =
    &["localhost", "127.0.0.1", "::1", "a.test", "b.test", "*.a.test", "*.b.test"];

/// A certificate authority that exists only in this process. Clones are the same authority.
#[derive(Clone)]
pub struct Ca {
    issuer: Arc<CertifiedIssuer<'static, KeyPair>>,
    pem: Arc<str>,
}

impl Ca {
    /// Makes a new authority with a key of its own.
    ///
    /// # Errors
    ///
    /// If the system gives no random bytes for the key.
    pub fn new() -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        // Two authorities of one name would be told apart by their signatures alone, and "unknown issuer" would be
        // reported as "bad signature".
        let mark: String =
            key.public_key_raw().iter().rev().take(4).map(|byte| format!("{byte:02x}")).collect();
        params.distinguished_name.push(DnType::CommonName, format!("testbed authority {mark}"));
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        let pem = issuer.pem().into();
        Ok(Self { issuer: Arc::new(issuer), pem })
    }

    /// The authority's certificate in PEM: what a client has to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for `names` (DNS names, `*.` patterns, IP addresses), valid now.
    ///
    /// # Errors
    ///
    /// If a name is not ASCII, or no key can be made.
    pub fn issue(&self, names: &[&str]) -> io::Result<Identity> {
        self.sign(leaf(names)?)
    }

    /// A certificate for `names` that ran out in 2001.
    ///
    /// # Errors
    ///
    /// As [`issue`](Self::issue).
    pub fn issue_expired(&self, names: &[&str]) -> io::Result<Identity> {
        let mut params = leaf(names)?;
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok(Identity::new(certificate.der(), &key))
    }
}

impl fmt::Debug for Ca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ca").finish_non_exhaustive()
    }
}

/// Who a server claims to be: a certificate and its key.
#[derive(Clone)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: Arc<PrivateKeyDer<'static>>,
    tls12_only: bool,
}

impl Identity {
    /// A certificate for `names` that no authority signed.
    ///
    /// # Errors
    ///
    /// If a name is not ASCII, or no key can be made.
    pub fn self_signed(names: &[&str]) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = leaf(names)?.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self::new(certificate.der(), &key))
    }

    /// The same certificate, shown by a server that knows no version above TLS 1.2.
    pub fn tls12_only(self) -> Self {
        Self { tls12_only: true, ..self }
    }

    fn new(certificate: &CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = Arc::new(PrivateKeyDer::Pkcs8(key.serialize_der().into()));
        Self { certificate: certificate.clone(), key, tls12_only: false }
    }

    /// The settings of a server. Each has its own memory of sessions, so nothing resumes across servers.
    pub(crate) fn server_config(&self) -> io::Result<Arc<ServerConfig>> {
        let versions = if self.tls12_only { &[&TLS12][..] } else { &[&TLS13, &TLS12] };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .and_then(|builder| {
                let chain = vec![self.certificate.clone()];
                builder.with_no_client_auth().with_single_cert(chain, self.key.clone_key())
            })
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("tls12_only", &self.tls12_only).finish_non_exhaustive()
    }
}

fn leaf(names: &[&str]) -> io::Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(|e| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("no certificate for these names: {e}"))
    })?;
    params.distinguished_name.push(DnType::CommonName, "testbed server");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
