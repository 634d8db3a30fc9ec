//! Talking to a proxy until it lets us through: carries out over a link what CONNECT and SOCKS decide.

use super::connect::Connect;
use super::socks5::Socks5;
use crate::deadline::earlier;
use crate::error::Error;
use crate::kind::ErrorKind;
use crate::link::Link;
use crate::link::ahead::Ahead;
use crate::phase::Phase;
use crate::proxy::Proxy;
use std::io;
use std::time::{Duration, Instant};

/// How long the explanation of a refusal is waited for. The refusal itself is known by then, and people wait for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A tunnel in the making.
pub(super) struct Tunnel {
    link: Box<dyn Link>,
    speech: Speech,
    /// To be said to the proxy; what lies before `sent` is.
    out: Vec<u8>,
    sent: usize,
    /// Why writing failed. The proxy may have answered first, so reading goes on.
    write_fault: Option<io::Error>,
    /// The proxy said yes, and these bytes behind it.
    through: Option<Vec<u8>>,
    /// Refused: until when its reasons are awaited.
    until: Option<Instant>,
}

/// What is spoken. Both are bytes in, bytes out: no link, no clock.
pub(super) enum Speech {
    Connect(Connect),
    Socks5(Socks5),
}

/// What came of the bytes heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// There is more to come.
    More,
    /// It is a refusal, whose reasons are still coming.
    Refusing,
    /// We are let through. These bytes came behind the answer, and belong to what follows.
    Through(Vec<u8>),
}

impl Tunnel {
    /// Over `link`, beginning with `out`.
    pub(super) fn new(link: Box<dyn Link>, speech: Speech, out: Vec<u8>) -> Self {
        Self { link, speech, out, sent: 0, write_fault: None, through: None, until: None }
    }

    /// Goes on as far as the socket allows. `true`: we are through. `limit` is when the dial must be over.
    pub(super) fn advance(&mut self, now: Instant, limit: Option<Instant>) -> Result<bool, Error> {
        loop {
            let all_said = self.write();
            if self.through.is_some() {
                return match self.write_fault.take() {
                    Some(why) => Err(self.speech.lost(why)),
                    None => Ok(all_said),
                };
            }
            if self.until.is_some_and(|until| until <= now) {
                return Err(self.speech.give_up());
            }
            let mut buf = [0; 4096];
            let heard = match self.link.read(&mut buf) {
                Ok(n) if n > 0 => self.speech.hear(buf.get(..n).unwrap_or_default(), &mut self.out)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                    return Err(self.speech.lost(self.write_fault.take().unwrap_or(error)));
                }
                // The end, with TLS's goodbye or without: an answer says itself where it ends.
                _ => return Err(self.speech.ended()),
            };
            match heard {
                Heard::More => {}
                Heard::Refusing => {
                    let patience = now.checked_add(PATIENCE);
                    self.until = self.until.or_else(|| earlier(patience, limit));
                }
                Heard::Through(surplus) => self.through = Some(surplus),
            }
        }
    }

    /// When to look again although nothing happened.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.until
    }

    /// The link through the tunnel.
    pub(super) fn into_link(self) -> Box<dyn Link> {
        Ahead::of(self.through.unwrap_or_default(), self.link)
    }

    /// Says what there is to say, as far as the socket takes it. `true`: all of it.
    fn write(&mut self) -> bool {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.link.write(rest) {
                Ok(0) => self.write_failed(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) => self.write_failed(error),
            }
        }
        self.out.clear();
        self.sent = 0;
        match self.link.flush() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.write_failed(error),
        }
        !self.link.has_pending()
    }

    fn write_failed(&mut self, error: io::Error) {
        self.out.clear();
        self.sent = 0;
        self.write_fault.get_or_insert(error);
    }
}

impl Speech {
    fn hear(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<Heard, Error> {
        match self {
            Self::Connect(connect) => connect.hear(bytes),
            Self::Socks5(socks) => socks.hear(bytes, out),
        }
    }

    /// The proxy ended before it had said all.
    fn ended(&mut self) -> Error {
        match self {
            Self::Connect(connect) => connect.ended(),
            Self::Socks5(socks) => socks.ended(),
        }
    }

    /// The connection failed.
    fn lost(&mut self, why: io::Error) -> Error {
        match self {
            Self::Connect(connect) if connect.is_refused() => connect.refused(),
            Self::Connect(connect) => lost(connect.proxy(), why),
            Self::Socks5(socks) => lost(socks.proxy(), why),
        }
    }

    /// The reasons of a refusal took too long.
    fn give_up(&mut self) -> Error {
        match self {
            Self::Connect(connect) => connect.refused(),
            Self::Socks5(socks) => socks.ended(),
        }
    }
}

/// An error of the talk with a proxy: who, and what.
pub(super) fn error(proxy: &Proxy, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Proxy).with_phase(Phase::Proxy).with_detail(format!("the proxy {proxy} {what}"))
}

fn lost(proxy: &Proxy, why: io::Error) -> Error {
    error(proxy, format_args!("was lost before it let us through: {why}")).with_source(why)
}
