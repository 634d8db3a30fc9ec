//! What a [`Setting`] means to rustls: roots, client certificate, verification, key log.

use crate::error::Error;
use crate::tls::{Identity, Setting};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, InconsistentKeys, KeyLog, RootCertStore, SignatureScheme};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// As many tickets are remembered for each setting.
const TICKETS: usize = 256;

pub(super) fn client_config(setting: &Setting) -> Result<ClientConfig, Error> {
    let provider = provider()?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|why| Error::config("the TLS provider supports no protocol version").with_source(why))?;
    let builder = if setting.verify {
        builder.with_root_certificates(roots(setting)?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(NoVerification(provider)))
    };
    let mut config = match &setting.identity {
        Some(Identity { chain, key }) => {
            let unusable = |why: String| Error::config(format!("the TLS client certificate: {why}"));
            let chain = chain.iter().cloned().map(CertificateDer::from).collect();
            let key = PrivateKeyDer::try_from(key.clone()).map_err(|why| unusable(why.to_owned()))?;
            builder.with_client_auth_cert(chain, key).map_err(|why| unusable(why.to_string()))?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::in_memory_sessions(TICKETS);
    if let Some(path) = &setting.key_log {
        let file = open_key_log(path).map_err(|why| {
            Error::config(format!("the TLS key log {path:?} cannot be written: {why}")).with_source(why)
        })?;
        config.key_log = Arc::new(KeyFile(Mutex::new(file)));
    }
    Ok(config)
}

fn roots(setting: &Setting) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if setting.public_roots {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for der in &setting.own_roots {
        roots
            .add(CertificateDer::from(der.clone()))
            .map_err(|why| Error::config("a TLS root cannot be used").with_source(why))?;
    }
    Ok(roots)
}

/// The certificates of a PEM text, as DER, each checked to be usable as a root.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let der = certificate.map_err(|why| why.to_string())?;
        RootCertStore::empty().add(der.clone()).map_err(|why| why.to_string())?;
        found.push(der.to_vec());
    }
    if found.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(found) }
}

/// Which of the two parts of an identity cannot be used, and why.
pub(crate) enum Unusable {
    Certificate(String),
    Key(String),
}

/// A certificate with those that lead to its root, and its key, both PEM; checked to belong together.
pub(crate) fn identity(certificates: &[u8], key: &[u8]) -> Result<Identity, Unusable> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let chain = chain.map_err(|why| Unusable::Certificate(why.to_string()))?;
    if chain.is_empty() {
        return Err(Unusable::Certificate("it holds no certificate".to_owned()));
    }
    let encrypted = b"ENCRYPTED";
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|why| {
        // `ENCRYPTED PRIVATE KEY` of PKCS#8, `Proc-Type: 4,ENCRYPTED` of the older forms.
        Unusable::Key(if key.windows(encrypted.len()).any(|window| window == encrypted) {
            "it is encrypted; only keys without a passphrase can be used (`openssl pkey -in KEY -out PLAIN` \
             takes it off)"
                .to_owned()
        } else if matches!(why, rustls::pki_types::pem::Error::NoItemsFound) {
            "it holds no private key (PKCS#8, PKCS#1 or SEC1)".to_owned()
        } else {
            why.to_string()
        })
    })?;
    let provider = provider().map_err(|why| Unusable::Key(why.to_string()))?;
    let whole = CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider);
    whole.map_err(|why| match why {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            Unusable::Key("it is not the key of the certificate".to_owned())
        }
        rustls::Error::InvalidCertificate(why) => Unusable::Certificate(why.to_string()),
        why => Unusable::Key(why.to_string()),
    })?;
    Ok(Identity { chain: chain.iter().map(|der| der.to_vec()).collect(), key: key.secret_der().to_vec() })
}

/// Takes any certificate for anybody's: whoever can reach the connection can read and change it.
#[derive(Debug)]
struct NoVerification(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerification {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    // The key of a certificate that anybody could have made proves nothing: what it has signed is not looked at, so
    // that certificates of forms that are not understood here are no hindrance.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A file of session keys, in the format that Wireshark reads.
#[derive(Debug)]
struct KeyFile(Mutex<File>);

impl KeyLog for KeyFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        for byte in client_random {
            let _ = write!(line, "{byte:02x}");
        }
        line.push(' ');
        for byte in secret {
            let _ = write!(line, "{byte:02x}");
        }
        line.push('\n');
        // In one piece: others may write to the same file.
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        if let Err(why) = written {
            log::warn!("the TLS key log cannot be written: {why}");
        }
    }
}

/// Opens a key log at its end; a new one can be read by its owner only.
pub(crate) fn open_key_log(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Named here, never the process default: the order in which others install theirs must not matter.
#[cfg(feature = "ring")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there is none")]
fn provider() -> Result<Arc<CryptoProvider>, Error> {
    use std::sync::OnceLock;
    static RING: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Ok(RING.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone())
}

#[cfg(not(feature = "ring"))]
fn provider() -> Result<Arc<CryptoProvider>, Error> {
    Err(Error::config("this build has no TLS: enable the feature `ring`"))
}
