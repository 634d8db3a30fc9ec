//! The facts of an attempt: one type for responses, errors, logs and benchmarks.

use crate::kind::ErrorKind;
use std::fmt;
use std::net::SocketAddr;
use std::slice;
use std::time::Duration;

/// What one try to get an answer did, and when. All times count from the start of the attempt.
///
/// `None` means that the step did not happen (a reused connection has no lookup) or was not reached.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Attempt {
    /// Whether it ran on a connection that had served a request before.
    pub reused: bool,
    /// Waited for a free connection until here.
    pub queued: Option<Duration>,
    /// Addresses were known: the proxy's, if there is one.
    pub resolved: Option<Duration>,
    /// The TCP connection stood.
    pub connected: Option<Duration>,
    /// The proxy let us through, where there is a tunnel.
    pub tunneled: Option<Duration>,
    /// The TLS handshake was over: that with the origin, if there are two.
    pub secured: Option<Duration>,
    /// What TLS agreed on, for this connection (also when it is reused): with the origin, or with the proxy where
    /// only that speaks TLS.
    pub tls: Option<TlsFacts>,
    /// The last byte of the request was handed to the kernel.
    pub sent: Option<Duration>,
    /// The first byte of the answer arrived.
    pub first_byte: Option<Duration>,
    /// The head of the final answer was complete.
    pub head: Option<Duration>,
    /// The last byte of the answer arrived.
    pub last_byte: Option<Duration>,
    /// The address connected to: the proxy's, if there is one.
    pub peer: Option<SocketAddr>,
    /// Our side of the connection.
    pub local: Option<SocketAddr>,
    /// Addresses that were tried in vain, in order, and why.
    pub failed: Vec<(SocketAddr, std::io::ErrorKind)>,
    /// Request bytes (after TLS decryption) that the transport took.
    pub bytes_sent: u64,
    /// Response bytes (after TLS decryption) that arrived.
    pub bytes_received: u64,
    /// How it ended, if not well.
    pub error: Option<ErrorKind>,
}

/// What a TLS handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFacts {
    /// `"1.2"` or `"1.3"`.
    pub version: &'static str,
    /// Whether an earlier session was taken up again, which saves the certificates and their verification.
    pub resumed: bool,
}

impl TlsFacts {
    pub(crate) fn new(version: &'static str, resumed: bool) -> Self {
        Self { version, resumed }
    }
}

/// The attempts of one exchange, oldest first; nearly always one.
#[derive(Clone, Default)]
pub struct Attempts(Vec<Attempt>);

/// What is said of an exchange that did not get as far as an attempt.
static NONE: Attempt = Attempt::none();

impl Attempts {
    /// Of an exchange that begins: one attempt, with nothing to say yet.
    pub(crate) fn begin() -> Self {
        Self(vec![Attempt::none()])
    }

    /// The last attempt: the one that gave the answer or the error.
    #[must_use]
    pub fn last(&self) -> &Attempt {
        self.0.last().unwrap_or(&NONE)
    }

    /// How many there were: at least 1 for everything that was sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was tried, as after an impossible request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> slice::Iter<'_, Attempt> {
        self.0.iter()
    }

    /// Puts the attempts of an earlier exchange of the same logical request in front.
    pub fn prepend(&mut self, mut before: Self) {
        before.0.append(&mut self.0);
        *self = before;
    }

    pub(crate) fn current(&mut self) -> &mut Attempt {
        if self.0.is_empty() {
            self.0.push(Attempt::none());
        }
        let last = self.0.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "there is one: if there was none, it was just pushed")]
        &mut self.0[last]
    }

    /// Closes the current attempt with its error and begins another.
    pub(crate) fn next(&mut self, error: ErrorKind) {
        self.current().error = Some(error);
        self.0.push(Attempt::none());
    }
}

impl Attempt {
    const fn none() -> Self {
        Self {
            reused: false,
            queued: None,
            resolved: None,
            connected: None,
            tunneled: None,
            secured: None,
            tls: None,
            sent: None,
            first_byte: None,
            head: None,
            last_byte: None,
            peer: None,
            local: None,
            failed: Vec::new(),
            bytes_sent: 0,
            bytes_received: 0,
            error: None,
        }
    }
}

impl<'a> IntoIterator for &'a Attempts {
    type Item = &'a Attempt;
    type IntoIter = slice::Iter<'a, Attempt>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_kept_oldest_first() {
        let mut second = Attempts::begin();
        second.current().bytes_sent = 2;
        second.next(ErrorKind::Closed);
        second.current().bytes_sent = 3;
        let mut first = Attempts::begin();
        first.current().bytes_sent = 1;
        second.prepend(first);
        assert_eq!(second.iter().map(|a| a.bytes_sent).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!((second.len(), second.last().bytes_sent), (3, 3));
    }
}
