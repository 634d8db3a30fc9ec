//! How an exchange ends when it does not end well.

use super::{Cx, Exchange, Stage};
use crate::deadline::Expired;
use crate::error::Error;
use crate::event::Event;
use crate::kind::ErrorKind;
use crate::phase::{Limit, Phase};

impl Exchange {
    pub(super) fn expire(&mut self, expired: Expired, cx: &mut Cx<'_>) {
        if let Stage::Talking(_, transfer) = &self.stage
            && transfer.is_discarding()
        {
            return self.finish_closed(cx);
        }
        let (phase, error) = self.give_up(expired, cx);
        self.fail(phase, error, cx);
    }

    /// Ends what is under way because its time is over.
    pub(super) fn give_up(&mut self, expired: Expired, cx: &mut Cx<'_>) -> (Phase, Error) {
        let phase = self.phase();
        if let Stage::Dialing(_, dial) = &self.stage {
            dial.timed_out(self.attempts.current());
        }
        let error = match expired {
            Expired::Limit(limit) => {
                let error = Error::new(ErrorKind::Timeout(limit));
                match self.limit_words(limit) {
                    Some(took) => {
                        error.with_detail(format!("timed out after {took} while {phase} ({limit} limit)"))
                    }
                    None => error,
                }
            }
            Expired::Wait => self.exhausted(cx),
        };
        self.abandon(cx);
        (phase, error)
    }

    /// Ends whatever is under way without a word to the caller.
    pub(super) fn abandon(&mut self, cx: &mut Cx<'_>) {
        match self.leave() {
            Stage::Dialing(permit, dial) => {
                dial.forget(cx.tokens);
                drop(dial);
                permit.forget(cx.mailbox, cx.now);
            }
            Stage::Talking(permit, mut transfer) => {
                transfer.moved(self.attempts.current(), self.began, cx.now);
                let conn = transfer.into_conn(cx);
                self.close(permit, conn, cx);
            }
            Stage::Start | Stage::Waiting(_) | Stage::Over => {}
        }
    }

    pub(crate) fn cancel(&mut self, cx: &mut Cx<'_>) {
        self.abandon(cx);
    }

    /// The same, with an error that says how far it had come.
    pub(crate) fn abort(&mut self, cx: &mut Cx<'_>) -> Error {
        let phase = self.phase();
        self.abandon(cx);
        self.dress(phase, Error::new(ErrorKind::Canceled))
    }

    pub(super) fn phase(&self) -> Phase {
        match &self.stage {
            Stage::Start | Stage::Waiting(_) | Stage::Over => Phase::Queue,
            Stage::Dialing(_, dial) => dial.phase(),
            Stage::Talking(_, transfer) => transfer.phase(),
        }
    }

    pub(super) fn fail(&mut self, phase: Phase, error: Error, cx: &mut Cx<'_>) {
        let error = self.dress(phase, error);
        cx.events.push_back((self.id, Event::Failed(error)));
        self.stage = Stage::Over;
    }

    /// Adds to an error what the exchange knows. The server may have acted only on a head it has seen all of.
    pub(super) fn dress(&mut self, phase: Phase, error: Error) -> Error {
        let attempts = std::mem::take(&mut self.attempts);
        let head = self.request.head().as_bytes().len() as u64;
        let processed = attempts.iter().any(|attempt| attempt.bytes_sent >= head);
        error.with_exchange(self.request.clone(), phase, attempts, processed)
    }

    /// Which limit was how long, where it was a duration.
    fn limit_words(&self, limit: Limit) -> Option<String> {
        let timeouts = self.deadlines.timeouts();
        let limit = match limit {
            Limit::Connect => timeouts.connect,
            Limit::Idle => timeouts.idle,
            Limit::Total => timeouts.total,
        };
        limit.map(|limit| format!("{limit:?}"))
    }

    /// The error that counts.
    fn exhausted(&self, cx: &Cx<'_>) -> Error {
        let busy = self.shared.locked(|ledger, _| ledger.busy(self.request.route().key()));
        let counts = self.shared.locked(|ledger, _| ledger.counts());
        let detail = if busy.connections >= self.shared.config.max_per_origin.saturating_sub(1).max(1) {
            let oldest = busy.oldest.map_or(0, |since| cx.now.saturating_duration_since(since).as_secs());
            let limit = self.shared.config.max_per_origin;
            let many = match busy.connections {
                few if few < limit => {
                    format!("{few} of {limit} connections, all but the one kept for single requests, are")
                }
                1 => "the only connection is".to_owned(),
                all => format!("all {all} connections are"),
            };
            format!("{many} busy; the oldest for {oldest} s (an unfinished streaming response?)")
        } else {
            format!("all {} connections of the pool are busy", counts.open)
        };
        Error::new(ErrorKind::Exhausted).with_detail(detail)
    }
}
