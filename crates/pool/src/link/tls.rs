//! TLS over a link. With `setup` the only file that knows rustls.
//!
//! Written as bytes in, bytes out, so that a change of rustls' buffering changes this file only.

use super::Link;
use crate::attempt::TlsFacts;
use crate::error::Error;
use crate::kind::ErrorKind;
use crate::net::Socket;
use crate::phase::Phase;
use crate::route::Party;
use crate::tls::Tls;
use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion,
};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) mod setup;

/// TLS as a link over another link.
pub(crate) struct TlsLink {
    tls: ClientConnection,
    below: Box<dyn Link>,
    /// What the link below had taken when the handshake was over: more means that application data went out.
    handshake_bytes: u64,
    /// Why nothing more can be decrypted. Told when what was decrypted before is given out.
    failed: Option<io::Error>,
}

/// Records in a row that carry nothing for us (tickets, key updates, empty ones) before the peer is taken for a
/// hostile one: a read must end.
const MAX_FRUITLESS: usize = 4096;

/// More configurations than this are not kept: all are made anew then. Programs have one or two settings; one that makes
/// a setting for every request would otherwise keep the keys, roots and tickets of each.
const MAX_CONFIGS: usize = 64;

/// The configurations of one pool: one for each distinct setting, so that session tickets are shared by all
/// connections of that setting and by no others; and one more where the setting is that of a proxy.
#[derive(Default)]
pub(crate) struct Configs(Mutex<HashMap<(Tls, Party), Arc<ClientConfig>>>);

impl Configs {
    fn get(&self, tls: &Tls, with: Party) -> Result<Arc<ClientConfig>, Error> {
        let mut configs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tls.clone(), with);
        if let Some(config) = configs.get(&key) {
            return Ok(config.clone());
        }
        let config = Arc::new(setup::client_config(tls.setting())?);
        if configs.len() >= MAX_CONFIGS {
            configs.clear();
        }
        configs.insert(key, config.clone());
        Ok(config)
    }
}

impl TlsLink {
    /// Begins a handshake for `name`; nothing is sent yet.
    pub(crate) fn start(
        below: Box<dyn Link>,
        name: &str,
        tls: &Tls,
        with: Party,
        configs: &Configs,
    ) -> Result<Self, Error> {
        let config = configs.get(tls, with)?;
        if !tls.setting().verify {
            log::warn!("the certificate of {name} is not verified: anybody may be at the other end");
        }
        let server = ServerName::try_from(name.to_owned()).map_err(|_| {
            tls_error(format!("TLS cannot verify {name:?}: it is neither a DNS name nor an address"))
        })?;
        let tls = ClientConnection::new(config, server)
            .map_err(|why| tls_error(format!("TLS with {name} could not be set up")).with_source(why))?;
        Ok(Self { tls, below, handshake_bytes: 0, failed: None })
    }

    /// Goes on with the handshake as far as the socket allows. `true`: it is over, and all of it is sent.
    pub(crate) fn handshake(&mut self) -> io::Result<bool> {
        loop {
            match self.write_records() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if !self.tls.is_handshaking() {
                if self.has_pending() {
                    return Ok(false);
                }
                self.handshake_bytes = self.below.taken();
                return Ok(true);
            }
            match self.read_records() {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends what rustls has ready, until it has nothing more or the socket would block; then what the link below
    /// has taken and not sent, if that is TLS too.
    fn write_records(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.below) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.below.has_pending() { self.below.flush() } else { Ok(()) }
    }

    /// One read from the socket and what it decrypts to. After an error the alert that tells the peer is sent.
    fn read_records(&mut self) -> io::Result<usize> {
        let n = loop {
            match self.tls.read_tls(&mut self.below) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A limit of rustls; the socket below knows no invalid data.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(io::Error::new(error.kind(), rustls::Error::General(error.to_string())));
                }
                other => break other?,
            }
        };
        if let Err(why) = self.tls.process_new_packets() {
            let _ = self.write_records();
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(n)
    }
}

impl Read for TlsLink {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        for _ in 0..MAX_FRUITLESS {
            // The reader is drained before more is read: rustls refuses input while plaintext waits.
            match self.tls.reader().read(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            if let Some(error) = &self.failed {
                return Err(again(error));
            }
            match self.read_records() {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidData => self.failed = Some(error),
                Err(error) => return Err(error),
            }
            if self.tls.wants_write() {
                // The answer to a key update. If the socket is full, `has_pending` says so; if it is broken, the
                // next write does: neither takes anything from what was received.
                let _ = self.write_records();
            }
        }
        let endless = rustls::Error::General("records without end that carry no data".to_owned());
        Err(io::Error::new(io::ErrorKind::InvalidData, endless))
    }
}

impl Write for TlsLink {
    /// Takes bytes into the record buffer and sends what the socket takes. A full buffer is `WouldBlock`, which is
    /// the socket's own: the buffer is only full because the socket is.
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_records()?;
        let n = self.tls.writer().write(buf)?;
        match self.write_records() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ if n == 0 && !buf.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(n),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_records()
    }
}

impl Link for TlsLink {
    fn socket(&mut self) -> &mut dyn Socket {
        self.below.socket()
    }

    fn has_pending(&self) -> bool {
        self.tls.wants_write() || self.below.has_pending()
    }

    fn taken(&self) -> u64 {
        self.below.taken() - self.handshake_bytes
    }

    fn tls(&self) -> Option<TlsFacts> {
        let version = match self.tls.protocol_version()? {
            ProtocolVersion::TLSv1_2 => "1.2",
            _ => "1.3",
        };
        let resumed = matches!(self.tls.handshake_kind(), Some(HandshakeKind::Resumed));
        Some(TlsFacts::new(version, resumed))
    }

    fn close(&mut self) {
        self.tls.send_close_notify();
        let _ = self.write_records();
        self.below.close();
    }
}

/// The same error once more; `io::Error` cannot be cloned.
fn again(error: &io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(why) => io::Error::new(error.kind(), why.clone()),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// The failure of a handshake or of a record, in words; `None` if the error is not from TLS.
pub(crate) fn explain(error: &io::Error, name: &str) -> Option<String> {
    let why = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let words = match why {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => format!(
                "the certificate of {name} is signed by nobody we trust (if it is your own CA, add it with add_roots_file or add_roots_pem)"
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("the certificate is not for {name}")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of {name} has expired (or our clock is wrong)")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("the certificate of {name} is not valid yet (or our clock is wrong)")
            }
            CertificateError::Revoked => format!("the certificate of {name} has been revoked"),
            other => format!("the certificate of {name} does not verify: {other}"),
        },
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            format!("{name} asks for a client certificate (set it with client_cert_file)")
        }
        rustls::Error::AlertReceived(alert) => format!("{name} refused the TLS handshake: alert {alert:?}"),
        rustls::Error::InvalidMessage(_) => {
            format!("{name} answered with something that is not TLS (plain HTTP on a TLS port?)")
        }
        other => format!("TLS with {name} failed: {other}"),
    };
    Some(words)
}

fn tls_error(detail: String) -> Error {
    Error::new(ErrorKind::Tls).with_phase(Phase::Tls).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_settings_without_end_only_some_are_kept_and_each_works() {
        let folder = std::env::temp_dir().join(format!("pool-settings-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let configs = Configs::default();
        let kept = || configs.0.lock().unwrap().len();
        for i in 0..=MAX_CONFIGS {
            assert_eq!(kept(), i);
            let tls = Tls::default().key_log_file(folder.join(i.to_string())).unwrap();
            let config = configs.get(&tls, Party::Origin).unwrap();
            assert!(
                Arc::ptr_eq(&config, &configs.get(&tls, Party::Origin).unwrap()),
                "kept for the next one"
            );
            if i == MAX_CONFIGS {
                assert_eq!(kept(), 1);
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
