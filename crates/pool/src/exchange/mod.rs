//! One request on its way to one response: the stages, and the moves between them.
//!
//! ```text
//!  Start ──▶ Waiting ──▶ Dialing ──▶ Talking ──▶ Over
//!    │  queue full          ▲          │
//!    ├──────── room ────────┤          │ a kept connection died before one byte of an answer (once)
//!    └──────── idle one ────│──────▶   │
//!                           └──────────┘
//! ```

use crate::attempt::Attempts;
use crate::conn::Conn;
use crate::deadline::{Deadlines, Expired, earlier};
use crate::dial::{Dial, Dialed, Site};
use crate::error::Error;
use crate::event::Event;
use crate::ledger::{Ask, Claim, Lease};
use crate::mailbox::{Mailbox, Notify};
use crate::net::{Net, Token};
use crate::permit::{Permit, Ticket};
use crate::phase::{Limit, Phase};
use crate::request::{Class, Request};
use crate::shared::Shared;
use crate::spares::Spares;
use crate::tokens::{ExchangeId, Tokens};
use fault::Progress;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use transfer::Transfer;

mod ending;
mod fault;
mod retry;
mod talking;
mod transfer;
mod upload;

/// What an exchange needs of its driver while it advances.
pub(crate) struct Cx<'a> {
    pub(crate) me: u64,
    pub(crate) mailbox: &'a Arc<Mailbox>,
    pub(crate) net: &'a mut dyn Net,
    pub(crate) tokens: &'a mut Tokens,
    pub(crate) spares: &'a mut Spares,
    pub(crate) events: &'a mut VecDeque<(ExchangeId, Event)>,
    pub(crate) now: Instant,
}

/// One request and how far it has got.
pub(crate) struct Exchange {
    pub(crate) id: ExchangeId,
    shared: Arc<Shared>,
    request: Request,
    stage: Stage,
    deadlines: Deadlines,
    attempts: Attempts,
    /// When the current attempt began.
    began: Instant,
    retried: bool,
    /// Stands in the driver's list of runnable exchanges.
    pub(crate) queued: bool,
    /// Wants to go on without waiting for anything.
    pub(crate) again: bool,
}

pub(super) enum Stage {
    Start,
    Waiting(Ticket),
    // Boxed, as a stage is moved whenever it is left, and an exchange has to wait with thousands of others.
    Dialing(Permit, Box<Dial>),
    Talking(Permit, Box<Transfer>),
    Over,
}

/// How an exchange goes on.
pub(super) enum Step {
    /// At once, in the stage it is in now.
    Next,
    /// When something happens, or not at all.
    Rest,
    Fail(Phase, Error),
}

impl Exchange {
    pub(crate) fn new(id: ExchangeId, shared: Arc<Shared>, request: Request, now: Instant) -> Self {
        let timeouts = request.timeouts().unwrap_or(shared.config.timeouts);
        let deadlines = Deadlines::new(timeouts, request.deadline(), now);
        Self {
            id,
            shared,
            request,
            stage: Stage::Start,
            deadlines,
            attempts: Attempts::begin(),
            began: now,
            retried: false,
            queued: true,
            again: false,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Puts the exchange on the list of those that can go on, once.
    pub(crate) fn enqueue(&mut self, runnable: &mut VecDeque<ExchangeId>) {
        if !self.queued {
            self.queued = true;
            runnable.push_back(self.id);
        }
    }

    /// When to look at it although nothing happened.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let own = match &self.stage {
            Stage::Dialing(_, dial) => dial.wake_at(),
            Stage::Talking(_, transfer) => transfer.wake_at(),
            _ => None,
        };
        earlier(own, self.deadlines.next())
    }

    /// An edge of the socket.
    pub(crate) fn note(&mut self, readable: bool, writable: bool) {
        if let Stage::Talking(_, transfer) = &mut self.stage {
            transfer.conn.readable |= readable;
            transfer.conn.writable |= writable;
        }
    }

    pub(crate) fn note_lookup(&mut self, token: Token, result: io::Result<Vec<SocketAddr>>) {
        if let Stage::Dialing(_, dial) = &mut self.stage {
            dial.note_lookup(token, result);
        }
    }

    /// Goes on until it blocks, then sees whether a deadline has passed: progress made in time counts.
    pub(crate) fn advance(&mut self, cx: &mut Cx<'_>) {
        self.again = false;
        // What has not begun when its time is over does not begin.
        if matches!(self.stage, Stage::Start | Stage::Waiting(_)) && self.deadlines.total_expired(cx.now) {
            return self.expire(Expired::Limit(Limit::Total), cx);
        }
        self.run(cx);
        if let Some(expired) = self.deadlines.expired(cx.now)
            && !self.is_over()
        {
            self.expire(expired, cx);
        }
    }

    fn run(&mut self, cx: &mut Cx<'_>) {
        loop {
            // Talking is most of an exchange's life and stays where it is; a stage that is left is moved out.
            let step = match &self.stage {
                Stage::Talking(..) => self.talk(cx),
                _ => match self.leave() {
                    Stage::Start => self.claim(cx),
                    Stage::Waiting(ticket) => self.wait(ticket, cx),
                    Stage::Dialing(permit, dial) => self.dial(permit, *dial, cx),
                    Stage::Talking(..) | Stage::Over => Step::Rest,
                },
            };
            match step {
                Step::Next => {}
                Step::Rest => return,
                Step::Fail(phase, error) => return self.fail(phase, error, cx),
            }
        }
    }

    /// Moves the stage out; what is not put back is over.
    pub(super) fn leave(&mut self) -> Stage {
        std::mem::replace(&mut self.stage, Stage::Over)
    }

    /// Puts a stage in that waits for something to happen.
    fn rest(&mut self, stage: Stage) -> Step {
        self.stage = stage;
        Step::Rest
    }

    fn notify(&self, cx: &Cx<'_>) -> Notify {
        Notify::new(cx.mailbox.clone(), self.id)
    }

    fn claim(&mut self, cx: &mut Cx<'_>) -> Step {
        let class = match self.request.class() {
            Class::Single => crate::ledger::Class::Send,
            Class::Batch => crate::ledger::Class::Batch,
        };
        let notify = self.notify(cx);
        let ask = Ask { me: cx.me, notify: &notify, class };
        let claim = self.shared.locked_by(cx.mailbox, |ledger, effects| {
            let claim = ledger.claim(self.request.route().key(), ask, cx.now, effects);
            if matches!(claim, Claim::Dial) {
                // A dial takes long enough: the time to see what has grown old elsewhere.
                ledger.sweep(cx.now, effects);
            }
            claim
        });
        let lease = Lease { class, since: cx.now };
        match claim {
            Claim::Wait(id) => {
                self.deadlines.start_wait(cx.now);
                self.rest(Stage::Waiting(Ticket::new(self.shared.clone(), id, cx.now)))
            }
            granted => self.granted(granted, lease, cx),
        }
    }

    fn wait(&mut self, ticket: Ticket, cx: &mut Cx<'_>) -> Step {
        match ticket.redeem() {
            Ok((granted, lease)) => {
                self.attempts.current().queued = Some(cx.now.saturating_duration_since(self.began));
                self.granted(granted, lease, cx)
            }
            Err(mut ticket) => {
                ticket.now = cx.now;
                self.rest(Stage::Waiting(ticket))
            }
        }
    }

    fn granted(&mut self, claim: Claim<Box<Conn>>, lease: Lease, cx: &mut Cx<'_>) -> Step {
        let permit = Permit::new(self.shared.clone(), self.request.route().key().clone(), lease);
        if let Claim::Reuse(mut conn) = claim {
            if self.take_over(&mut conn, cx) {
                return self.begin(permit, conn, cx);
            }
            // It died while it was idle; the permit is good for another one.
            log::debug!("{}: an idle connection was closed by the server", self.request.route().origin());
            conn.link.close();
        }
        self.redial(permit, cx)
    }

    /// Makes an idle connection ours: watched by our selector, and alive.
    fn take_over(&self, conn: &mut Conn, cx: &mut Cx<'_>) -> bool {
        if conn.home != cx.me {
            if let Err(error) = cx.net.attach(conn.token, conn.link.socket()) {
                log::debug!(
                    "{}: an idle connection could not be taken over: {error}",
                    self.request.route().origin()
                );
                return false;
            }
            conn.home = cx.me;
        }
        conn.is_alive()
    }

    pub(super) fn redial(&mut self, permit: Permit, cx: &Cx<'_>) -> Step {
        self.deadlines.start_connect(cx.now);
        self.stage = Stage::Dialing(permit, Box::new(Dial::new(&self.request)));
        Step::Next
    }

    fn dial(&mut self, mut permit: Permit, dial: Dial, cx: &mut Cx<'_>) -> Step {
        let phase = dial.phase();
        let until = self.deadlines.connect();
        let mut site = Site {
            id: self.id,
            net: &mut *cx.net,
            tokens: &mut *cx.tokens,
            now: cx.now,
            tls: &self.shared.tls,
            resolver: self.shared.config.resolver.as_ref(),
            limits: self.shared.config.wire,
            virtual_tls: self.shared.virtual_tls,
            evict: &|| self.shared.locked(|ledger, effects| ledger.drain_idle(effects)),
        };
        match dial.advance(&mut site, until, self.attempts.current(), self.began) {
            Dialed::Pending(dial) => {
                permit.now = cx.now;
                self.rest(Stage::Dialing(permit, Box::new(dial)))
            }
            Dialed::Done(token, link) => {
                let facts = self.attempts.last();
                let (peer, local) = (facts.peer, facts.local);
                let conn = Conn::new(link, token, cx.me, self.shared.config.wire, peer, local);
                log::debug!("{}: connected", self.request.route().origin());
                self.begin(permit, conn, cx)
            }
            Dialed::Failed(error) => {
                permit.forget(cx.mailbox, cx.now);
                Step::Fail(phase, error)
            }
        }
    }

    fn begin(&mut self, permit: Permit, conn: Box<Conn>, cx: &mut Cx<'_>) -> Step {
        cx.tokens.insert(conn.token, self.id);
        let facts = self.attempts.current();
        facts.reused = conn.uses > 0;
        (facts.peer, facts.local) = (conn.peer, conn.local);
        facts.tls = conn.link.tls();
        self.deadlines.touch(cx.now);
        match Transfer::begin(conn, &self.request, self.deadlines.timeouts(), cx, self.shared.config.wire) {
            Ok(transfer) => {
                self.stage = Stage::Talking(permit, transfer);
                Step::Next
            }
            Err((conn, fault)) => {
                self.close(permit, conn, cx);
                Step::Fail(Phase::Write, fault.into_error(Progress::default()))
            }
        }
    }
}
