//! TLS: the good certificate, the bad ones, and what is counted.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Error, HandshakeKind, ProtocolVersion, RootCertStore,
    StreamOwned,
};
use testbed::{Ca, Identity, Testbed};

use crate::client::{Client, socket};

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A client's settings that trust one certificate.
pub(crate) fn trusting(pem: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// A connection after its handshake, or why there is none.
pub(crate) fn handshake(config: &Arc<ClientConfig>, addr: SocketAddr, name: &str) -> Result<Stream, Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut tls = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut socket = socket(addr);
    while tls.is_handshaking() {
        tls.complete_io(&mut socket).map_err(|error| {
            match error.get_ref().and_then(|e| e.downcast_ref()) {
                Some(tls) => Error::clone(tls),
                None => panic!("{error}"),
            }
        })?;
    }
    Ok(StreamOwned::new(tls, socket))
}

#[test]
fn the_certificate_is_good_for_every_name_it_promises() {
    let testbed = Testbed::start().unwrap();
    let config = trusting(testbed.ca_pem());
    for name in ["localhost", "127.0.0.1", "::1", "a.test", "b.test", "x.a.test"] {
        let stream = handshake(&config, testbed.tls_addr(), name).unwrap();
        assert_eq!(stream.conn.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        let mut client = Client::over(stream);
        assert_eq!(client.get("/get?a=1").json()["url"], "https://testbed.test/get?a=1", "{name}");
    }
    assert_eq!(testbed.https(), format!("https://localhost:{}", testbed.tls_addr().port()));
}

#[test]
fn cookies_over_tls_are_secure() {
    let testbed = Testbed::start().unwrap();
    let stream = handshake(&trusting(testbed.ca_pem()), testbed.tls_addr(), "localhost").unwrap();
    let answer = Client::over(stream).get("/cookies/set/a/1");
    assert_eq!(answer.all("Set-Cookie"), ["a=1; Secure; Path=/"]);
}

#[test]
fn a_second_connection_resumes_the_session_and_is_counted() {
    for tls12_only in [false, true] {
        let ca = Ca::new().unwrap();
        let identity = ca.issue(&["localhost"]).unwrap();
        let identity = if tls12_only { identity.tls12_only() } else { identity };
        let testbed = Testbed::builder().ca(ca).identity(identity).start().unwrap();
        let config = trusting(testbed.ca_pem());
        let kinds = [0; 2].map(|_| {
            let mut client = Client::over(handshake(&config, testbed.tls_addr(), "localhost").unwrap());
            assert_eq!(client.get("/get").status, 200);
            client.into_inner().conn.handshake_kind()
        });
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
        let stats = testbed.stats();
        assert_eq!((stats.tls_connections, stats.tls_handshakes, stats.tls_resumed), (2, 2, 1));
        assert_eq!((stats.plain_connections, stats.requests), (0, 2));
    }
}

#[test]
fn bad_certificates_fail_for_the_reason_they_were_made_for() {
    let ca = Ca::new().unwrap();
    let cases = [
        (Identity::self_signed(&["localhost"]).unwrap(), "nobody signed it"),
        (Ca::new().unwrap().issue(&["localhost"]).unwrap(), "another authority signed it"),
        (ca.issue(&["elsewhere.test"]).unwrap(), "it is for another name"),
        (ca.issue_expired(&["localhost"]).unwrap(), "it ran out"),
    ];
    let expected = |error: &CertificateError| match error {
        CertificateError::UnknownIssuer => &["nobody signed it", "another authority signed it"][..],
        CertificateError::NotValidForNameContext { .. } => &["it is for another name"],
        CertificateError::ExpiredContext { .. } => &["it ran out"],
        _ => &[],
    };
    for (identity, why) in cases {
        let testbed = Testbed::builder().ca(ca.clone()).identity(identity).start().unwrap();
        match handshake(&trusting(testbed.ca_pem()), testbed.tls_addr(), "localhost") {
            Err(Error::InvalidCertificate(error)) => {
                assert!(expected(&error).contains(&why), "{why}: {error:?}")
            }
            other => panic!("{why}: {other:?}"),
        }
    }
}

#[test]
fn a_tls12_only_server_speaks_tls12() {
    let ca = Ca::new().unwrap();
    let identity = ca.issue(&["localhost"]).unwrap().tls12_only();
    let testbed = Testbed::builder().ca(ca).identity(identity).start().unwrap();
    let stream = handshake(&trusting(testbed.ca_pem()), testbed.tls_addr(), "localhost").unwrap();
    assert_eq!(stream.conn.protocol_version(), Some(ProtocolVersion::TLSv1_2));
}
