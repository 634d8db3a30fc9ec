use std::{fmt, io};

use crate::limits::Limits;

/// Enough for most heads and for one TLS record; idle connections should not hold even that (see
/// [`Inbox::clear`]).
const INITIAL: usize = 16 * 1024;

/// Received, not yet consumed bytes of one connection, and whether the end of the stream follows them.
///
/// The caller owns it and fills it; [`Connection`](crate::Connection) consumes it. Nothing is allocated before
/// the first byte. The buffer holds 16 KiB and grows only while a head or trailer section needs more, or to take
/// what is pushed. `Debug` prints no bytes.
pub struct Inbox {
    /// All of it initialised; `start..end` is unread.
    buf: Vec<u8>,
    start: usize,
    end: usize,
    eof: bool,
    /// The connection waits for a head or trailer section, which has to lie here as a whole.
    whole: bool,
    max: usize,
}

impl Inbox {
    /// An empty inbox for connections with these limits.
    pub fn new(limits: &Limits) -> Self {
        let max = limits.max_head.max(limits.max_trailers).max(INITIAL);
        Self { buf: Vec::new(), start: 0, end: 0, eof: false, whole: false, max }
    }

    /// Reads once from `source` and returns how many bytes came. 0 means that the stream has ended, which is
    /// recorded here; from then on nothing is read any more.
    ///
    /// # Errors
    ///
    /// Those of `source`, `WouldBlock` and `Interrupted` included; nothing has changed then. `StorageFull` if
    /// there is no room: body bytes have to be taken first. A full inbox is never mistaken for the end.
    pub fn fill_from(&mut self, source: &mut (impl io::Read + ?Sized)) -> io::Result<usize> {
        if self.eof {
            return Ok(0);
        }
        self.make_room();
        let Some(spare) = self.buf.get_mut(self.end..).filter(|spare| !spare.is_empty()) else {
            return Err(io::ErrorKind::StorageFull.into());
        };
        let room = spare.len();
        let n = source.read(spare)?;
        if n > room {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "reader reports more bytes than there was room",
            ));
        }
        self.eof = n == 0;
        self.end += n;
        Ok(n)
    }

    /// Appends bytes that came some other way. Unlike [`fill_from`](Self::fill_from) it takes all of them,
    /// whatever the size.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.buf.len() - self.end < bytes.len() {
            self.reclaim();
            let needed = self.end.saturating_add(bytes.len());
            if self.buf.len() < needed {
                let doubled = self.buf.len().saturating_mul(2);
                self.buf.resize(needed.max(doubled).max(INITIAL), 0);
            }
        }
        let end = self.end + bytes.len();
        if let Some(spare) = self.buf.get_mut(self.end..end) {
            spare.copy_from_slice(bytes);
            self.end = end;
        }
    }

    /// Records that the stream has ended after the bytes that are here.
    pub fn close(&mut self) {
        self.eof = true;
    }

    /// The unread bytes, for example those of the other protocol after
    /// [`Event::Switched`](crate::Event::Switched).
    pub fn bytes(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// How many unread bytes there are.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there are no unread bytes.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether the stream ends after the unread bytes.
    pub fn is_eof(&self) -> bool {
        self.eof
    }

    /// Forgets bytes and end of stream, so that the inbox can be lent to another connection. A buffer that had
    /// to grow is given back.
    pub fn clear(&mut self) {
        if self.buf.len() > INITIAL {
            self.buf = Vec::new();
        }
        (self.start, self.end, self.eof, self.whole) = (0, 0, false, false);
    }

    /// Consumes `n` bytes, or all there are, and lends them.
    pub(crate) fn take(&mut self, n: usize) -> &[u8] {
        let from = self.start;
        self.consume(n);
        self.buf.get(from..self.start).unwrap_or_default()
    }

    pub(crate) fn consume(&mut self, n: usize) {
        self.start += n.min(self.len());
    }

    /// Says whether what comes next has to lie in the buffer as a whole, so that it may grow.
    pub(crate) fn expect_whole(&mut self, whole: bool) {
        self.whole = whole;
    }

    /// Makes room for one read, if the rules allow any.
    fn make_room(&mut self) {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
        match self.buf.len() - self.end {
            0 => self.compact(),
            spare if spare < self.buf.len() / 2 => self.reclaim(),
            _ => {}
        }
        if self.end == self.buf.len() {
            let size =
                if self.buf.is_empty() { INITIAL } else { self.buf.len().saturating_mul(2).min(self.max) };
            if size > self.buf.len() && (self.whole || self.buf.is_empty()) {
                self.buf.resize(size, 0);
            }
        }
    }

    /// Moves the unread bytes to the front, but no more of them than were consumed: that keeps the total work
    /// linear.
    fn reclaim(&mut self) {
        if self.start >= self.len() {
            self.compact();
        }
    }

    fn compact(&mut self) {
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.len());
        }
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("len", &self.len()).field("eof", &self.eof).finish_non_exhaustive()
    }
}
