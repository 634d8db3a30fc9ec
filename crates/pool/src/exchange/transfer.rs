//! Talking: the request out, the answer in, both as far as the socket allows.

use super::Cx;
use super::fault::{Fault, Progress};
use super::upload::Upload;
use crate::attempt::Attempt;
use crate::config::Timeouts;
use crate::conn::Conn;
use crate::phase::Phase;
use crate::request::Request;
use http_wire::{End, Event, Inbox, Limits, ResponseHead, StatusCode};
use std::io;
use std::time::{Duration, Instant};

/// From this size on a read goes straight into the caller's buffer; below it one larger read saves system calls.
const DIRECT_FROM: usize = 16 * 1024;

/// One exchange on one connection.
pub(crate) struct Transfer {
    pub(crate) conn: Box<Conn>,
    upload: Upload,
    inbox: Inbox,
    /// The inbox is a lent one, with a buffer.
    lent: bool,
    limits: Limits,
    /// Why writing failed. The answer may have come first, so reading goes on.
    write_fault: Option<io::Error>,
    heard_head: bool,
    /// The caller waits for body bytes (also before the first read, when nobody has told them of any).
    awaited: bool,
    discard: Option<Discard>,
    /// Wants another turn although nothing happened.
    pub(crate) again: bool,
    taken_before: u64,
    received: u64,
    /// Body bytes that were given out.
    body: u64,
    /// The length the answer announced.
    announced: Option<u64>,
    /// Only the end of the stream ends the body. What the codec gives as the reason to close may be another one.
    until_eof: bool,
    /// Counts at the last look, to tell whether anything moved.
    seen: (u64, u64),
}

/// Bounds for a body nobody wants.
struct Discard {
    left: usize,
    until: Option<Instant>,
}

/// What came of an advance.
pub(crate) enum Heard {
    Nothing,
    Head(ResponseHead),
    Readable,
    End(End),
    /// A discarded body went on beyond its bounds.
    Enough,
}

impl Transfer {
    /// Encodes the head, and as much of the body as fits beside it.
    pub(crate) fn begin(
        mut conn: Box<Conn>,
        request: &Request,
        timeouts: &Timeouts,
        cx: &mut Cx<'_>,
        limits: Limits,
    ) -> Result<Box<Self>, (Box<Conn>, Fault)> {
        conn.uses += 1;
        conn.keep_alive = None;
        // An empty inbox costs nothing; one with a buffer is lent when there is something to read.
        let inbox = Inbox::new(&limits);
        let upload = match Upload::begin(&mut conn.wire, request, &inbox, timeouts, cx) {
            Ok(upload) => upload,
            Err(fault) => return Err((conn, fault)),
        };
        let taken_before = conn.link.taken();
        Ok(Box::new(Self {
            conn,
            upload,
            inbox,
            lent: false,
            limits,
            write_fault: None,
            heard_head: false,
            awaited: true,
            discard: None,
            again: false,
            taken_before,
            received: 0,
            body: 0,
            announced: None,
            until_eof: false,
            seen: (0, 0),
        }))
    }

    /// Goes on in both directions until the socket would block, or there is something to say.
    pub(crate) fn advance(&mut self, cx: &mut Cx<'_>) -> Result<Heard, Fault> {
        self.again = false;
        self.write(cx)?;
        let heard = if !self.heard_head {
            self.listen(cx)
        } else if self.discard.is_some() {
            self.drain(cx)
        } else {
            self.look()
        };
        self.return_inbox(cx);
        heard
    }

    fn write(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if self.conn.writable && self.write_fault.is_none() && !self.upload.is_over(&self.conn) {
            match self.upload.advance(&mut self.conn, cx) {
                Ok(again) => self.again = again,
                // The peer may have answered before it closed; that answer counts.
                Err(Fault::Link(error)) => {
                    self.upload.stop();
                    self.write_fault = Some(error);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Waits for the head.
    fn listen(&mut self, cx: &mut Cx<'_>) -> Result<Heard, Fault> {
        loop {
            // Of nothing the codec can say nothing.
            let silent = self.inbox.is_empty() && !self.inbox.is_eof();
            if silent && (!self.conn.readable || !self.fill(cx)?) {
                return Ok(Heard::Nothing);
            }
            match self.conn.wire.next_event(&mut self.inbox).map_err(|error| self.ended(error))? {
                Some(Event::Informational(head)) => {
                    if head.status() == StatusCode::CONTINUE {
                        self.upload.go_ahead();
                        self.write(cx)?;
                    }
                }
                Some(Event::Response(head)) => {
                    self.heard_head = true;
                    self.upload.stop();
                    self.announced = self.conn.wire.remaining();
                    self.until_eof = self.conn.wire.is_until_eof();
                    self.conn.keep_alive = keep_alive(&head);
                    return Ok(Heard::Head(head));
                }
                // Nobody can ask for an upgrade yet, so the codec refuses one before it gets here.
                Some(_) => return Err(Fault::Wire(http_wire::RecvError::UnexpectedUpgrade)),
                None => {
                    if !self.conn.readable || !self.fill(cx)? {
                        return Ok(Heard::Nothing);
                    }
                }
            }
        }
    }

    /// With the head out: is the answer over already, or is there something to tell the caller of?
    fn look(&mut self) -> Result<Heard, Fault> {
        if let Some(Event::End(end)) = self.next_event()? {
            return Ok(Heard::End(end));
        }
        // What lies in the inbox without being given out is part of a chunk's frame: only more bytes make it tell.
        if self.awaited && self.conn.readable {
            self.awaited = false;
            return Ok(Heard::Readable);
        }
        Ok(Heard::Nothing)
    }

    /// Reads what nobody wants, within bounds.
    fn drain(&mut self, cx: &mut Cx<'_>) -> Result<Heard, Fault> {
        loop {
            let Some(Discard { left, until }) = &mut self.discard else { return Ok(Heard::Nothing) };
            match self.conn.wire.next_event(&mut self.inbox).map_err(Fault::Wire)? {
                Some(Event::End(end)) => return Ok(Heard::End(end)),
                Some(Event::Data(_)) => {
                    let taken = self.conn.wire.take(&mut self.inbox, usize::MAX).len();
                    match left.checked_sub(taken) {
                        Some(rest) => *left = rest,
                        None => return Ok(Heard::Enough),
                    }
                }
                _ => {
                    let patient = until.is_some_and(|until| cx.now < until);
                    if !self.conn.readable || !self.fill(cx)? {
                        return Ok(if patient { Heard::Nothing } else { Heard::Enough });
                    }
                }
            }
        }
    }

    /// Body bytes into `buf`; 0 and no end: there are none now.
    pub(crate) fn read(&mut self, buf: &mut [u8], cx: &mut Cx<'_>) -> Result<(usize, Option<End>), Fault> {
        if !self.heard_head || self.discard.is_some() || buf.is_empty() {
            return Ok((0, None));
        }
        let result = self.read_some(buf, cx);
        self.return_inbox(cx);
        result
    }

    fn read_some(&mut self, buf: &mut [u8], cx: &mut Cx<'_>) -> Result<(usize, Option<End>), Fault> {
        loop {
            let n = self.conn.wire.read_body(&mut self.inbox, buf).map_err(Fault::Wire)?;
            self.body += n as u64;
            match self.next_event() {
                Ok(Some(Event::End(end))) => return Ok((n, Some(end))),
                // What came before a fault is given out first; the fault is still there the next time.
                Err(fault) if n == 0 => return Err(fault),
                _ => {}
            }
            if n > 0 {
                self.awaited = false;
                return Ok((n, None));
            }
            if !self.conn.readable {
                self.awaited = true;
                return Ok((0, None));
            }
            if self.conn.link.has_pending() {
                self.flush()?;
            }
            match self.direct_limit(buf) {
                Some(limit) => {
                    if let Some(result) = self.read_direct(buf.get_mut(..limit).unwrap_or_default())? {
                        return Ok(result);
                    }
                }
                None => {
                    self.fill(cx)?;
                }
            }
        }
    }

    /// How many bytes may go straight into the caller's buffer, if that is worth it.
    fn direct_limit(&self, buf: &[u8]) -> Option<usize> {
        let announced = self.conn.wire.direct(&self.inbox).filter(|_| buf.len() >= DIRECT_FROM)?;
        Some(usize::try_from(announced).map_or(buf.len(), |left| left.min(buf.len())))
            .filter(|&limit| limit > 0)
    }

    /// One read past the inbox. `None`: go round again.
    fn read_direct(&mut self, buf: &mut [u8]) -> Result<Option<(usize, Option<End>)>, Fault> {
        match self.conn.link.read(buf) {
            Ok(n) => {
                self.received += n as u64;
                self.body += n as u64;
                let end = match self.conn.wire.note_direct(&mut self.inbox, n).map_err(Fault::Wire)? {
                    Some(Event::End(end)) => Some(end),
                    _ => None,
                };
                self.awaited = false;
                Ok((n > 0 || end.is_some()).then_some((n, end)))
            }
            Err(error) => self.read_failed(error).map(|_| None),
        }
    }

    /// One read into the inbox. `false`: the socket would block.
    fn fill(&mut self, cx: &mut Cx<'_>) -> Result<bool, Fault> {
        if !self.lent {
            self.inbox = cx.spares.inbox(&self.limits);
            self.lent = true;
        }
        match self.inbox.fill_from(&mut *self.conn.link) {
            Ok(n) => {
                self.received += n as u64;
                Ok(true)
            }
            Err(error) => self.read_failed(error),
        }
    }

    /// What a failed read means. `Ok(true)`: read again, or look at the inbox, which knows of the end now.
    fn read_failed(&mut self, error: io::Error) -> Result<bool, Fault> {
        match error.kind() {
            io::ErrorKind::WouldBlock => {
                self.conn.readable = false;
                Ok(false)
            }
            io::ErrorKind::Interrupted => Ok(true),
            // TLS ended without saying so. A body that says itself where it ends does not need that.
            io::ErrorKind::UnexpectedEof if self.until_eof => Err(Fault::Truncated),
            io::ErrorKind::UnexpectedEof => {
                self.inbox.close();
                Ok(true)
            }
            _ => Err(Fault::Link(self.write_fault.take().unwrap_or(error))),
        }
    }

    fn next_event(&mut self) -> Result<Option<Event>, Fault> {
        self.conn.wire.next_event(&mut self.inbox).map_err(Fault::Wire)
    }

    /// The peer ended before it answered: if writing failed before, that is the better reason.
    fn ended(&mut self, error: http_wire::RecvError) -> Fault {
        match self.write_fault.take() {
            Some(cause) if error.before_response() => Fault::Link(cause),
            _ => Fault::Wire(error),
        }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        match self.conn.link.flush() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.conn.writable = false;
                Ok(())
            }
            Err(error) => Err(Fault::Link(error)),
            Ok(()) => Ok(()),
        }
    }

    /// Lends the inbox on when nothing is in it.
    fn return_inbox(&mut self, cx: &mut Cx<'_>) {
        if self.lent && self.inbox.is_empty() && !self.inbox.is_eof() {
            let inbox = std::mem::replace(&mut self.inbox, Inbox::new(&self.limits));
            cx.spares.return_inbox(inbox, self.limits);
            self.lent = false;
        }
    }

    /// From now on body bytes are thrown away.
    pub(crate) fn discard(&mut self, bytes: usize, until: Option<Instant>) {
        self.discard = Some(Discard { left: bytes, until });
    }

    /// Brings the facts up to date. Whether bytes moved since the last call.
    pub(crate) fn moved(&mut self, facts: &mut Attempt, began: Instant, now: Instant) -> bool {
        let since = || Some(now.saturating_duration_since(began));
        facts.bytes_sent = if self.anything_taken() { self.upload.accepted() } else { 0 };
        facts.bytes_received = self.received;
        if self.received > 0 && facts.first_byte.is_none() {
            facts.first_byte = since();
        }
        if facts.sent.is_none() && self.upload.is_complete() {
            facts.sent = since();
        }
        let seen = (self.conn.link.taken(), self.received);
        let moved = seen != self.seen;
        self.seen = seen;
        moved
    }

    /// Somebody waits for the peer: before the head always, then when the caller has asked for bytes in vain.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.heard_head || self.awaited
    }

    /// How far it has got, for an error.
    pub(super) fn progress(&self) -> Progress {
        Progress {
            has_head: self.heard_head,
            received: self.received,
            body: self.body,
            announced: self.announced,
        }
    }

    pub(crate) fn has_head(&self) -> bool {
        self.heard_head
    }

    pub(crate) fn is_discarding(&self) -> bool {
        self.discard.is_some()
    }

    /// Whether the socket took anything of this request.
    pub(crate) fn anything_taken(&self) -> bool {
        self.conn.link.taken() > self.taken_before
    }

    /// Whether the connection is at a message boundary in both directions: all sent, nothing surplus.
    pub(crate) fn is_clean(&self) -> bool {
        self.upload.is_complete()
            && !self.conn.link.has_pending()
            && self.inbox.is_empty()
            && !self.inbox.is_eof()
    }

    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let discard = self.discard.as_ref().and_then(|discard| discard.until);
        // With a full socket there is nothing to do when the go-ahead is overdue: its next edge comes first.
        crate::deadline::earlier(self.upload.wake_at().filter(|_| self.conn.writable), discard)
    }

    pub(crate) fn phase(&self) -> Phase {
        match (self.heard_head, self.upload.is_complete()) {
            (true, _) => Phase::Body,
            (false, true) => Phase::Head,
            (false, false) => Phase::Write,
        }
    }

    /// Ends the transfer; its buffers go back to the driver.
    pub(crate) fn into_conn(self: Box<Self>, cx: &mut Cx<'_>) -> Box<Conn> {
        if self.lent {
            cx.spares.return_inbox(self.inbox, self.limits);
        }
        self.upload.release(cx);
        self.conn
    }
}

/// The `timeout` parameter of a `Keep-Alive` field.
fn keep_alive(head: &ResponseHead) -> Option<Duration> {
    head.headers().get("keep-alive")?;
    head.headers().tokens("keep-alive").find_map(|parameter| {
        let (name, value) = parameter.to_str().ok()?.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| Duration::from_secs(seconds))
    })
}
