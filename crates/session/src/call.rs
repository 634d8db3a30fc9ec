//! A flow on a driver: turns events of its exchanges into steps, and collects bodies.
//!
//! The loops around it ([`Session::send`](crate::Session::send), [`Session::stream`](crate::Session::stream),
//! [`Completed`](crate::Completed)) do what it asks for and tell it what happened.

use crate::content::{Buffer, Content, Failure};
use crate::error::Error;
use crate::flow::{Again, Context, Flow, Step, Verdict, World};
use crate::request::Request;
use crate::response::{Head, Hop, Response};
use crate::session::Shared;
use http_wire::ResponseHead;
use pool::{Class, Driver, Event, ExchangeId, Summary};
use std::io;
use std::time::{Duration, Instant, SystemTime};

/// The body of an answer that is left behind is read so far and so long, for the history and so that the connection
/// can be used again; then the connection is closed.
const DRAIN: usize = 64 * 1024;
const DRAIN_TIME: Duration = Duration::from_millis(50);

/// One request on its way.
pub(crate) struct Call {
    flow: Flow,
    stage: Stage,
    /// The final answer is handed out at its head.
    stream: bool,
}

enum Stage {
    /// It is the turn of the loop: to send, to wait, or to forget about the call.
    Asking,
    /// A pause between two attempts.
    Pausing(Instant),
    /// The head is to come.
    Sent(ExchangeId),
    /// The body is coming.
    Reading(Box<Reading>),
}

struct Reading {
    id: ExchangeId,
    head: Head,
    /// `None`: nobody wants it any more.
    body: Option<Buffer>,
    then: Then,
    /// When a body that is only drained is given up.
    until: Option<Instant>,
}

/// What comes after the body.
enum Then {
    Deliver,
    Fail(Error),
    Again(Again),
}

/// What the loop is to do.
pub(crate) enum Todo {
    /// Tell what happens next.
    Listen,
    /// Start this and say under which name.
    Send(pool::Request),
    /// Call [`Call::on_time`] then, and tell what happens meanwhile.
    Wake(Instant),
    /// A stream: the head of the final answer, its body open.
    Open(ExchangeId, Head),
    /// The call is over.
    Done(Result<Response, Error>),
}

/// What a call works with.
pub(crate) struct Cx<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) driver: &'a mut Driver,
}

impl World for Driver {
    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn wall(&self) -> SystemTime {
        Self::wall(self)
    }

    fn random(&mut self, out: &mut [u8]) -> io::Result<()> {
        Self::random(self, out)
    }
}

impl Cx<'_> {
    fn context(&mut self) -> Context<'_> {
        self.shared.context(self.driver)
    }
}

impl Call {
    pub(crate) fn start(request: Request, class: Class, stream: bool, cx: &mut Cx<'_>) -> (Self, Todo) {
        let (flow, step) = Flow::start(request, class, &cx.context());
        let mut call = Self { flow, stage: Stage::Asking, stream };
        let todo = call.follow(step);
        (call, todo)
    }

    /// What was asked to be sent has been started.
    pub(crate) fn sent(&mut self, id: ExchangeId, now: Instant) {
        self.flow.begun(now);
        self.stage = Stage::Sent(id);
    }

    pub(crate) fn flow(&mut self) -> &mut Flow {
        &mut self.flow
    }

    /// The exchange under way.
    pub(crate) fn exchange(&self) -> Option<ExchangeId> {
        match &self.stage {
            Stage::Sent(id) => Some(*id),
            Stage::Reading(reading) => Some(reading.id),
            Stage::Asking | Stage::Pausing(_) => None,
        }
    }

    /// Something happened to the exchange of this call.
    pub(crate) fn on_event(&mut self, event: Event, cx: &mut Cx<'_>) -> Todo {
        match (event, std::mem::replace(&mut self.stage, Stage::Asking)) {
            (Event::Head(head), Stage::Sent(id)) => self.on_head(id, head, cx),
            (Event::Readable, Stage::Reading(reading)) => self.read(reading, cx),
            (Event::Done(summary), Stage::Reading(reading)) => self.on_done(*reading, summary, cx),
            (Event::Failed(error), Stage::Sent(_)) => self.on_error(error, cx),
            (Event::Failed(error), Stage::Reading(reading)) => {
                self.broken(*reading, Failure::Pool(error), cx)
            }
            (_, stage) => {
                self.stage = stage;
                Todo::Listen
            }
        }
    }

    /// The time that was asked for has come, or another one: a call that was not waiting stays as it is.
    pub(crate) fn on_time(&mut self, cx: &mut Cx<'_>) -> Todo {
        let now = cx.driver.now();
        match &mut self.stage {
            Stage::Pausing(at) if *at <= now => {
                self.stage = Stage::Asking;
                let step = self.flow.on_wake(&cx.context());
                self.follow(step)
            }
            Stage::Pausing(at) => Todo::Wake(*at),
            Stage::Reading(reading) => match reading.until {
                Some(until) if until <= now => {
                    (reading.body, reading.until) = (None, None);
                    cx.driver.discard(reading.id, 0, None);
                    Todo::Listen
                }
                Some(until) => Todo::Wake(until),
                None => Todo::Listen,
            },
            Stage::Asking | Stage::Sent(_) => Todo::Listen,
        }
    }

    /// When [`on_time`](Self::on_time) is to be called.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Pausing(at) => Some(*at),
            Stage::Reading(reading) => reading.until,
            Stage::Asking | Stage::Sent(_) => None,
        }
    }

    /// The loop itself failed, which ends the call.
    pub(crate) fn fail_with(&mut self, error: pool::Error) -> Error {
        let error = Error::from_pool(error, self.flow.request());
        self.flow.failed(error)
    }

    fn follow(&mut self, step: Step) -> Todo {
        match step {
            Step::Send(request) => Todo::Send(request),
            Step::Finish(result) => Todo::Done(result),
            Step::Wait(at) => {
                self.stage = Stage::Pausing(at);
                Todo::Wake(at)
            }
        }
    }

    fn on_head(&mut self, id: ExchangeId, head: ResponseHead, cx: &mut Cx<'_>) -> Todo {
        let head = Head::new(head, self.flow.request().target_arc().clone());
        log::trace!("{:?}: {}", self.flow.request(), head.status());
        let (then, limit) = match self.flow.on_head(&head, &mut cx.context()) {
            Verdict::Replace(response) => {
                cx.driver.cancel(id);
                return Todo::Done(self.flow.replaced(*response));
            }
            Verdict::Deliver if self.stream => match self.flow.status_error(&head) {
                None => return Todo::Open(id, head),
                Some(error) => (Then::Fail(error), None),
            },
            Verdict::Deliver => (Then::Deliver, None),
            Verdict::Fail(error) => (Then::Fail(error), None),
            Verdict::Again(again) => (Then::Again(again), Some(DRAIN)),
        };
        let settings = self.flow.request().settings();
        let until = limit.and_then(|_| cx.driver.now().checked_add(DRAIN_TIME));
        let limit = limit.unwrap_or_else(|| settings.max_body());
        let content = Content::new(self.flow.request(), &head, settings.decode());
        let mut reading = Box::new(Reading { id, head, body: None, then, until });
        match content {
            Ok(content) => reading.body = Some(Buffer::new(content, limit)),
            Err(why) => return self.broken_open(reading, Failure::Decode(why), cx),
        }
        let waits = reading.until;
        match self.read(reading, cx) {
            // The loop has to know of the time as well.
            Todo::Listen => waits.map_or(Todo::Listen, Todo::Wake),
            todo => todo,
        }
    }

    fn read(&mut self, mut reading: Box<Reading>, cx: &mut Cx<'_>) -> Todo {
        let filled = match &mut reading.body {
            Some(body) => body.fill(cx.driver, reading.id),
            None => Ok(()),
        };
        match filled {
            Ok(()) => {
                self.stage = Stage::Reading(reading);
                Todo::Listen
            }
            Err(Failure::Pool(error)) => self.broken(*reading, Failure::Pool(error), cx),
            Err(failure) => self.broken_open(reading, failure, cx),
        }
    }

    fn on_done(&mut self, mut reading: Reading, summary: Summary, cx: &mut Cx<'_>) -> Todo {
        if let Some(body) = &mut reading.body
            && let Err(failure) = body.finish(cx.driver, reading.id)
        {
            return match reading.then {
                Then::Again(_) => {
                    reading.body = None;
                    self.on_done(reading, summary, cx)
                }
                _ => self.broken(reading, failure, cx),
            };
        }
        let Reading { head, body, then, .. } = reading;
        let body = body.map(Buffer::into_bytes);
        let attempts = summary.attempts;
        match then {
            Then::Deliver => {
                let body = body.unwrap_or_default();
                Todo::Done(self.flow.finish(head, body, attempts, summary.trailers))
            }
            Then::Fail(error) => {
                let error = match body {
                    Some(body) => {
                        error.with_response(self.flow.response(head, body, attempts, summary.trailers))
                    }
                    None => error,
                };
                Todo::Done(Err(self.flow.failed(error)))
            }
            Then::Again(again) => {
                let hop = Hop::new(head, body, attempts, self.flow.request().clone());
                let step = self.flow.again(again, hop, &cx.context());
                self.follow(step)
            }
        }
    }

    /// The body is of no use, but the exchange is still open.
    fn broken_open(&mut self, mut reading: Box<Reading>, failure: Failure, cx: &mut Cx<'_>) -> Todo {
        if let Then::Again(_) = reading.then {
            // Not kept, and not waited for; `Done` follows.
            (reading.body, reading.until) = (None, None);
            cx.driver.discard(reading.id, 0, None);
            self.stage = Stage::Reading(reading);
            return Todo::Listen;
        }
        cx.driver.cancel(reading.id);
        self.broken(*reading, failure, cx)
    }

    /// The body cannot be had, and the exchange is over.
    fn broken(&mut self, reading: Reading, failure: Failure, cx: &mut Cx<'_>) -> Todo {
        let Reading { head, then, .. } = reading;
        let error = failure.into_error(self.flow.request());
        let step = match then {
            Then::Deliver => self.flow.on_error(error, &mut cx.context()),
            // The reason stands, without the answer in it.
            Then::Fail(reason) => Step::Finish(Err(self.flow.failed(reason))),
            Then::Again(again) => {
                let attempts = error.into_attempts();
                let hop = Hop::new(head, None, attempts, self.flow.request().clone());
                self.flow.again(again, hop, &cx.context())
            }
        };
        self.follow(step)
    }

    fn on_error(&mut self, error: pool::Error, cx: &mut Cx<'_>) -> Todo {
        let error = Error::from_pool(error, self.flow.request());
        let step = self.flow.on_error(error, &mut cx.context());
        self.follow(step)
    }
}
