//! Bytes that were read too far: what followed a proxy's answer belongs to whoever speaks next.

use super::Link;
use crate::attempt::TlsFacts;
use crate::net::Socket;
use std::io::{self, IoSlice, Read, Write};

/// A link that gives out these bytes before those of the link below.
pub(crate) struct Ahead {
    /// Empty once they are given out.
    bytes: Vec<u8>,
    at: usize,
    below: Box<dyn Link>,
}

impl Ahead {
    /// `below`, with `bytes` in front of what it has; itself, if there are none.
    pub(crate) fn of(bytes: Vec<u8>, below: Box<dyn Link>) -> Box<dyn Link> {
        if bytes.is_empty() { below } else { Box::new(Self { bytes, at: 0, below }) }
    }
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return self.below.read(buf);
        }
        let n = rest.read(buf)?;
        self.at += n;
        if self.at == self.bytes.len() {
            (self.bytes, self.at) = (Vec::new(), 0);
        }
        Ok(n)
    }
}

impl Write for Ahead {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.below.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.below.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.below.flush()
    }
}

impl Link for Ahead {
    fn socket(&mut self) -> &mut dyn Socket {
        self.below.socket()
    }

    fn has_pending(&self) -> bool {
        self.below.has_pending()
    }

    fn taken(&self) -> u64 {
        self.below.taken()
    }

    fn tls(&self) -> Option<TlsFacts> {
        self.below.tls()
    }

    fn close(&mut self) {
        self.below.close();
    }
}
