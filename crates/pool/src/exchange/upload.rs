//! The request on its way out: head, go-ahead, body.

use super::Cx;
use super::fault::Fault;
use crate::body::{Body, Reading};
use crate::config::Timeouts;
use crate::conn::Conn;
use crate::request::Request;
use http_wire::{Connection, Inbox};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A body up to this size is copied behind the head, so that both leave in one write.
const BESIDE_HEAD: usize = 16 * 1024;

/// What one exchange may send in one turn while others wait.
const TURN: u64 = 256 * 1024;

/// How long a body source may take in one turn while others wait.
const SOURCE_TURN: Duration = Duration::from_millis(10);

/// A longer wait for the go-ahead is one without end; an instant so far away can still be written down.
const LONGEST_HOLD: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// What is still to be sent.
pub(super) struct Upload {
    /// Encoded and not yet taken by the link; what lies before `sent` is.
    out: Vec<u8>,
    sent: usize,
    rest: Rest,
    /// Until when the body waits for `100 Continue`.
    hold: Option<Instant>,
    /// Bytes that the link took, head included.
    accepted: u64,
}

/// What follows `out`.
enum Rest {
    Nothing,
    /// Written from where it lies, from this offset on; the codec has been told of all of it.
    Bytes(Arc<[u8]>, usize),
    /// Bytes that the codec has not been told of, for after the go-ahead.
    Unframed(Arc<[u8]>),
    /// Read while it is sent; of an announced length so much is left.
    Reader(Reading, Option<u64>),
    /// Given up: the answer came first, or the peer stopped taking.
    Stopped,
}

impl Upload {
    pub(super) fn begin(
        wire: &mut Connection,
        request: &Request,
        inbox: &Inbox,
        timeouts: &Timeouts,
        cx: &mut Cx<'_>,
    ) -> Result<Self, Fault> {
        let mut out = cx.spares.out();
        wire.start(request.head(), inbox, &mut out).map_err(Fault::Misuse)?;
        let hold =
            if wire.awaits_continue() { cx.now.checked_add(timeouts.expect.min(LONGEST_HOLD)) } else { None };
        let rest = match request.body() {
            Body::Empty => Rest::Nothing,
            Body::Bytes(bytes) => Rest::Unframed(bytes.clone()),
            Body::Reader(reader) => {
                let (mut reader, len) = (reader.begin().map_err(Fault::Source)?, request.body().len());
                if len == Some(0) {
                    // The head alone is the whole request, so the source says what it has to say before.
                    refute(&mut reader)?;
                    Rest::Nothing
                } else {
                    Rest::Reader(reader, len)
                }
            }
        };
        let mut upload = Self { out, sent: 0, rest, hold, accepted: 0 };
        if upload.hold.is_none() {
            upload.frame(wire)?;
        }
        Ok(upload)
    }

    /// Tells the codec of a body in memory: a small one is copied behind the head, a large one stays where it is.
    fn frame(&mut self, wire: &mut Connection) -> Result<(), Fault> {
        let Rest::Unframed(bytes) = &self.rest else { return Ok(()) };
        let bytes = bytes.clone();
        self.rest = Rest::Nothing;
        if bytes.len() <= BESIDE_HEAD {
            wire.send(&bytes, &mut self.out).map_err(Fault::Misuse)?;
        } else {
            wire.frame(bytes.len()).map_err(Fault::Misuse)?;
            self.rest = Rest::Bytes(bytes, 0);
        }
        finish(wire, &mut self.out)
    }

    /// Sends until everything is out, the socket would block, or others should have their turn (`true`).
    pub(super) fn advance(&mut self, conn: &mut Conn, cx: &mut Cx<'_>) -> Result<bool, Fault> {
        let (before, started) = (self.accepted, cx.now);
        loop {
            if !self.write_out(conn)? {
                return Ok(false);
            }
            if self.hold.is_some_and(|until| cx.now < until) {
                break;
            }
            self.hold = None;
            // Only a source that is read takes time.
            let slow = cx.now > started && cx.now.saturating_duration_since(started) > SOURCE_TURN;
            if slow || self.accepted - before > TURN {
                return Ok(true);
            }
            match &mut self.rest {
                Rest::Nothing | Rest::Stopped => break,
                Rest::Unframed(_) => self.frame(&mut conn.wire)?,
                Rest::Bytes(bytes, at) => {
                    let Some(rest) = bytes.get(*at..).filter(|rest| !rest.is_empty()) else {
                        self.rest = Rest::Nothing;
                        continue;
                    };
                    match write(conn, rest)? {
                        Some(n) => {
                            *at += n;
                            self.accepted += n as u64;
                            // Seen at once: an answer that is here before the next turn must find the upload complete.
                            if *at >= bytes.len() {
                                self.rest = Rest::Nothing;
                            }
                        }
                        None => return Ok(false),
                    }
                }
                Rest::Reader(reader, left) => {
                    let scratch = cx.spares.scratch();
                    let room = room(scratch.len(), *left);
                    let read = reader.read(scratch.get_mut(..room).unwrap_or_default());
                    cx.now = cx.net.now();
                    let n = match read {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        other => other.map_err(Fault::Source)?,
                    };
                    let bytes = cx.spares.scratch().get(..n).filter(|_| n <= room).ok_or_else(|| {
                        Fault::Source(io::Error::other(
                            "the source says it read more than it was given room for",
                        ))
                    })?;
                    if !bytes.is_empty() {
                        conn.wire.send(bytes, &mut self.out).map_err(|_| Fault::SourceTooLong)?;
                        *left = left.map(|left| left.saturating_sub(n as u64));
                    }
                    if bytes.is_empty() || *left == Some(0) {
                        finish(&mut conn.wire, &mut self.out)?;
                        self.rest = Rest::Nothing;
                    }
                }
            }
        }
        flush(conn)?;
        Ok(false)
    }

    /// Writes what is encoded; `false`: the socket would block.
    fn write_out(&mut self, conn: &mut Conn) -> Result<bool, Fault> {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match write(conn, rest)? {
                Some(n) => {
                    self.sent += n;
                    self.accepted += n as u64;
                }
                None => return Ok(false),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(true)
    }

    /// The server said `100 Continue`.
    pub(super) fn go_ahead(&mut self) {
        self.hold = None;
    }

    /// Gives up what was not sent.
    pub(super) fn stop(&mut self) {
        if !self.is_complete() {
            self.rest = Rest::Stopped;
            self.out.clear();
            self.sent = 0;
            self.hold = None;
        }
    }

    /// Whether all of the request was taken by the link.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.rest, Rest::Nothing) && self.sent == self.out.len()
    }

    /// Whether there is nothing left to do here, records of TLS included.
    pub(super) fn is_over(&self, conn: &Conn) -> bool {
        matches!(self.rest, Rest::Nothing | Rest::Stopped)
            && self.sent == self.out.len()
            && !conn.link.has_pending()
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.hold
    }

    pub(super) fn release(self, cx: &mut Cx<'_>) {
        cx.spares.return_out(self.out);
    }
}

/// One write; `None`: the socket would block.
fn write(conn: &mut Conn, bytes: &[u8]) -> Result<Option<usize>, Fault> {
    loop {
        match conn.link.write(bytes) {
            Ok(0) => return Err(Fault::Link(io::ErrorKind::WriteZero.into())),
            Ok(n) => return Ok(Some(n)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                conn.writable = false;
                return Ok(None);
            }
            Err(error) => return Err(Fault::Link(error)),
        }
    }
}

fn flush(conn: &mut Conn) -> Result<(), Fault> {
    match conn.link.flush() {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            conn.writable = false;
            Ok(())
        }
        Err(error) => Err(Fault::Link(error)),
    }
}

/// How many bytes a source is asked for. One more than is left tells one that has too many, and takes no more than that;
/// so the last read is never one that fills all the room there is.
fn room(most: usize, left: Option<u64>) -> usize {
    match left.and_then(|left| usize::try_from(left).ok()) {
        Some(left) if left < most => left + 1,
        Some(left) if left == most => most.saturating_sub(1),
        _ => most,
    }
}

/// Fails if there is anything in a source that was announced to be empty, as files of `/proc` are.
fn refute(reader: &mut Reading) -> Result<(), Fault> {
    loop {
        match reader.read(&mut [0]) {
            Ok(0) => return Ok(()),
            Ok(_) => return Err(Fault::SourceTooLong),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Fault::Source(error)),
        }
    }
}

/// Ends the body, if the codec has not seen its end already.
fn finish(wire: &mut Connection, out: &mut Vec<u8>) -> Result<(), Fault> {
    if wire.is_sending() { wire.finish(out).map_err(|_| Fault::SourceTooShort) } else { Ok(()) }
}
