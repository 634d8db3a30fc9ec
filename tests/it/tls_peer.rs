//! A TLS server for one connection, on a thread: for what can only be seen or done below HTTP.

use crate::support::HANG;
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// A connection, as the server has it.
pub(crate) type Wire = StreamOwned<ServerConnection, TcpStream>;

/// An authority, for certificates of odd shapes.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of odd shapes");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server for these subject alternative names, and this common name.
    pub(crate) fn server(&self, names: &[&str], common_name: &str) -> ServerConfig {
        let (certificate, key) = self.issue(names, common_name);
        self.config(certificate, &key, Arc::new(NoClientAuth))
    }

    /// The same, for clients that show a certificate of this authority.
    pub(crate) fn requiring(&self, names: &[&str]) -> ServerConfig {
        let (certificate, key) = self.issue(names, "peer");
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        self.config(certificate, &key, verifier)
    }

    /// Certificate and key of a client, both PEM.
    pub(crate) fn client(&self, common_name: &str) -> (String, String) {
        let (certificate, key) = self.issue(&[], common_name);
        (certificate.pem(), key.serialize_pem())
    }

    fn issue(&self, names: &[&str], common_name: &str) -> (Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn config(
        &self,
        certificate: Certificate,
        key: &KeyPair,
        verifier: Arc<dyn ClientCertVerifier>,
    ) -> ServerConfig {
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = vec![certificate.der().clone()];
        builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap()
    }
}

/// What the server learned in the handshake.
pub(crate) struct Seen {
    pub(crate) sni: Option<String>,
    pub(crate) alpn: Option<Vec<u8>>,
    /// How many certificates the client has shown.
    pub(crate) certificates: usize,
}

/// The server.
pub(crate) struct Peer {
    addr: SocketAddr,
    thread: JoinHandle<io::Result<Seen>>,
}

impl Peer {
    /// Accepts one connection, finishes the handshake, and lets `act` do the rest.
    pub(crate) fn start(
        ip: &str,
        config: ServerConfig,
        act: impl FnOnce(&mut Wire) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let (socket, _) = listener.accept()?;
            socket.set_read_timeout(Some(HANG))?;
            socket.set_write_timeout(Some(HANG))?;
            let connection = ServerConnection::new(Arc::new(config)).map_err(io::Error::other)?;
            let mut wire = StreamOwned::new(connection, socket);
            while wire.conn.is_handshaking() {
                if let Err(why) = wire.conn.complete_io(&mut wire.sock) {
                    // Until the client is gone: what it was told must not be lost in a reset.
                    let _ = wire.sock.shutdown(std::net::Shutdown::Write);
                    while let Ok(1..) = wire.sock.read(&mut [0; 1024]) {}
                    return Err(why);
                }
            }
            let sni = wire.conn.server_name().map(str::to_owned);
            let alpn = wire.conn.alpn_protocol().map(<[u8]>::to_vec);
            let certificates = wire.conn.peer_certificates().map_or(0, <[_]>::len);
            act(&mut wire);
            Ok(Seen { sni, alpn, certificates })
        });
        Self { addr, thread }
    }

    /// Its URL under this name.
    pub(crate) fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/", self.addr.port())
    }

    /// Waits for its end. The error is that of the handshake.
    pub(crate) fn seen(self) -> io::Result<Seen> {
        // If nobody came, this does.
        drop(TcpStream::connect(self.addr));
        self.thread.join().unwrap()
    }

    /// Reads a request head and answers it.
    pub(crate) fn answer(wire: &mut Wire) {
        Self::read_head(wire);
        wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nover TLS").unwrap();
        wire.flush().unwrap();
        Self::read_end(wire);
    }

    pub(crate) fn read_head(wire: &mut Wire) -> Vec<u8> {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            wire.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        head
    }

    /// Reads until the client is gone, so that nothing sent is lost in a reset; or closes, if it stays.
    pub(crate) fn read_end(wire: &mut Wire) {
        wire.conn.send_close_notify();
        let _ = wire.flush();
        let _ = wire.sock.shutdown(std::net::Shutdown::Write);
        while let Ok(1..) = wire.read(&mut [0; 1024]) {}
    }
}
