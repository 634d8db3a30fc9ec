//! An exchange while it talks: what each thing heard leads to, and how the connection is left.

use super::fault::{Fault, Progress};
use super::transfer::Heard;
use super::{Cx, Exchange, Stage, Step, retry};
use crate::conn::Conn;
use crate::deadline::Expired;
use crate::error::Error;
use crate::event::{Event, Summary};
use crate::kind::ErrorKind;
use crate::permit::Permit;
use crate::phase::{Limit, Phase};
use http_wire::{End, Reuse};
use std::time::{Duration, Instant};

/// A longer limit is no limit; an instant so far away can still be written down.
const LONGEST_IDLE: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Exchange {
    pub(super) fn talk(&mut self, cx: &mut Cx<'_>) -> Step {
        let Stage::Talking(_, transfer) = &mut self.stage else { return Step::Rest };
        let heard = transfer.advance(cx);
        if transfer.moved(self.attempts.current(), self.began, cx.now) && transfer.is_awaited() {
            self.deadlines.touch(cx.now);
        }
        self.again = transfer.again;
        match heard {
            Ok(Heard::Nothing) => Step::Rest,
            Ok(Heard::Head(head)) => {
                let since = cx.now.saturating_duration_since(self.began);
                self.attempts.current().head = Some(since);
                if retry::is_timeout_answer(&head, &transfer.conn) && self.may_retry(true) {
                    return self.retry(cx);
                }
                // Nobody waits for the peer now: the caller has the head, and may take its time.
                self.deadlines.rest();
                cx.events.push_back((self.id, Event::Head(head)));
                // Most callers read at once. Those who do not are told in the next turn what there is to read.
                self.again = true;
                Step::Rest
            }
            Ok(Heard::Readable) => {
                self.deadlines.rest();
                cx.events.push_back((self.id, Event::Readable));
                Step::Rest
            }
            Ok(Heard::End(end)) => {
                self.finish(end, cx);
                Step::Rest
            }
            Ok(Heard::Enough) => {
                self.finish_closed(cx);
                Step::Rest
            }
            Err(fault) => self.broken(fault, cx),
        }
    }

    /// The transfer failed: once more on a new connection, if that is safe; a discarded body ends without a word.
    fn broken(&mut self, fault: Fault, cx: &mut Cx<'_>) -> Step {
        let Stage::Talking(_, transfer) = &mut self.stage else { return Step::Rest };
        if transfer.is_discarding() {
            self.finish_closed(cx);
            return Step::Rest;
        }
        let (phase, lost) = (transfer.phase(), fault.is_lost_connection());
        if lost && self.may_retry(false) {
            log::debug!(
                "{}: a kept connection was dead; trying again on a new one",
                self.request.route().origin()
            );
            return self.retry(cx);
        }
        let error = self.fault_error(fault);
        self.abandon(cx);
        Step::Fail(phase, error)
    }

    /// A fault in words, with what the transfer knows.
    fn fault_error(&self, fault: Fault) -> Error {
        match &self.stage {
            Stage::Talking(_, transfer) => fault.into_error(transfer.progress()),
            _ => fault.into_error(Progress::default()),
        }
    }

    /// Whether the pool repeats the request by itself. A whole answer that answers nothing counts as none.
    fn may_retry(&self, whole_answer: bool) -> bool {
        let Stage::Talking(_, transfer) = &self.stage else { return false };
        let facts = self.attempts.last();
        retry::may_repeat(&retry::Facts {
            enabled: self.shared.config.retry_stale,
            again: self.retried,
            reused: facts.reused,
            answered: facts.bytes_received > 0 && !whole_answer,
            replayable: self.request.body().is_replayable(),
            idempotent: retry::is_idempotent(self.request.method()),
            taken: transfer.anything_taken(),
        })
    }

    /// Begins again on a new connection, in the place of the old one.
    fn retry(&mut self, cx: &mut Cx<'_>) -> Step {
        let Stage::Talking(permit, transfer) = self.leave() else { return Step::Rest };
        let conn = transfer.into_conn(cx);
        cx.tokens.remove(conn.token);
        // Without a goodbye: flushing what TLS holds back could deliver a request of which nothing was sent.
        drop(conn);
        if let Err(error) = self.request.body().rewind() {
            // Seen before a connection is made for nothing.
            permit.forget(cx.mailbox, cx.now);
            return Step::Fail(Phase::Write, Fault::Source(error).into_error(Progress::default()));
        }
        self.retried = true;
        self.attempts.next(ErrorKind::Closed);
        self.began = cx.now;
        self.redial(permit, cx)
    }

    /// The answer is complete: the connection goes back, if it may.
    fn finish(&mut self, end: End, cx: &mut Cx<'_>) {
        self.attempts.current().last_byte = Some(cx.now.saturating_duration_since(self.began));
        let Stage::Talking(permit, transfer) = self.leave() else { return };
        let kept = end.reuse == Reuse::Keep && transfer.is_clean();
        let conn = transfer.into_conn(cx);
        let expires = self.expiry(&conn, cx.now).filter(|_| kept);
        match expires {
            Some(expires) => {
                cx.tokens.remove(conn.token);
                permit.give_back(conn, cx.mailbox, expires, cx.now);
            }
            None => self.close(permit, conn, cx),
        }
        self.done(end.trailers, expires.is_some(), cx);
    }

    /// The rest of the answer is given up together with the connection.
    pub(super) fn finish_closed(&mut self, cx: &mut Cx<'_>) {
        self.abandon(cx);
        self.done(None, false, cx);
    }

    fn done(&mut self, trailers: Option<http_wire::Headers>, kept: bool, cx: &mut Cx<'_>) {
        let attempts = std::mem::take(&mut self.attempts);
        cx.events.push_back((self.id, Event::Done(Summary { attempts, trailers, kept })));
        self.stage = Stage::Over;
    }

    /// Until when the connection may be kept: our limit, or the server's less a second for what is on its way.
    fn expiry(&self, conn: &Conn, now: Instant) -> Option<Instant> {
        let ours = self.shared.config.idle_timeout.min(LONGEST_IDLE);
        let theirs = conn.keep_alive.map_or(ours, |hint| hint.saturating_sub(Duration::from_secs(1)));
        now.checked_add(ours.min(theirs)).filter(|&expires| expires > now)
    }

    pub(super) fn close(&self, permit: Permit, mut conn: Box<Conn>, cx: &mut Cx<'_>) {
        cx.tokens.remove(conn.token);
        conn.link.close();
        // The socket closes before its slot is free: the limit is one of open connections.
        drop(conn);
        permit.forget(cx.mailbox, cx.now);
    }

    /// How much of the body is still to be given out.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match &self.stage {
            Stage::Talking(_, transfer) if transfer.has_head() => transfer.conn.wire.remaining(),
            Stage::Over => Some(0),
            _ => None,
        }
    }

    /// Body bytes for the caller, who waits for more if there are none.
    pub(crate) fn read(&mut self, buf: &mut [u8], cx: &mut Cx<'_>) -> Result<usize, Error> {
        if !matches!(self.stage, Stage::Talking(..)) {
            return Ok(0);
        }
        if self.deadlines.has_total() {
            // A body that never pauses would otherwise never meet its deadline.
            cx.now = cx.net.now();
            if self.deadlines.total_expired(cx.now) {
                let (phase, error) = self.give_up(Expired::Limit(Limit::Total), cx);
                return Err(self.dress(phase, error));
            }
        }
        let Stage::Talking(_, transfer) = &mut self.stage else { return Ok(0) };
        let read = transfer.read(buf, cx);
        let moved = transfer.moved(self.attempts.current(), self.began, cx.now);
        match read {
            Ok((n, Some(end))) => {
                self.finish(end, cx);
                Ok(n)
            }
            Ok((0, None)) => {
                // From here on the caller waits for the peer; asking again is not a new wait.
                if moved || !self.deadlines.awaits_bytes() {
                    cx.now = cx.net.now();
                    self.deadlines.touch(cx.now);
                }
                Ok(0)
            }
            Ok((n, None)) => {
                self.deadlines.rest();
                Ok(n)
            }
            Err(fault) => {
                let error = self.fault_error(fault);
                self.abandon(cx);
                Err(self.dress(Phase::Body, error))
            }
        }
    }

    /// Reads on without a reader, within bounds.
    pub(crate) fn discard(&mut self, bytes: usize, until: Option<Instant>, cx: &mut Cx<'_>) {
        match &mut self.stage {
            Stage::Talking(_, transfer) if transfer.has_head() => {
                transfer.discard(bytes, until);
                self.deadlines.rest();
                self.run(cx);
            }
            Stage::Over => {}
            // Before the head there is no body to discard: the exchange is given up.
            _ => self.finish_closed(cx),
        }
    }
}
