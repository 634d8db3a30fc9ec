//! A flow on a driver: turns events of its exchanges into steps, and collects bodies.
//!
//! The loops around it ([`Session::send`](crate::Session::send), [`Session::stream`](crate::Session::stream),
//! [`Completed`](crate::Completed)) do what it asks for and tell it what happened. What is large stays where it is until
//! somebody fetches it: a request to be sent until [`Call::launch`], a result until [`Call::into_result`].

use crate::content::{Buffer, Content, Failure};
use crate::error::Error;
use crate::flow::{Again, Context, Flow, Step, Verdict};
use crate::gates::Place;
use crate::mount::PoolIndex;
use crate::request::Request;
use crate::response::{Head, Hop, Response};
use crate::session::Shared;
use crate::world::World;
use http_wire::ResponseHead;
use pool::{Class, Driver, Event, ExchangeId, Route, Summary};
use std::io;
use std::time::{Duration, Instant, SystemTime};

/// The body of an answer that is left behind is read so far and so long, for the history and so that the connection
/// can be used again; then the connection is closed. It is not decoded: what a redirect carries is not worth a byte of
/// memory or a cycle more (CVE-2026-21441).
const DRAIN: usize = 64 * 1024;
const DRAIN_TIME: Duration = Duration::from_millis(50);

/// One request on its way.
pub(crate) struct Call {
    flow: Flow,
    stage: Stage,
}

enum Stage {
    /// The next move is being made.
    Asking,
    /// The next exchange can begin.
    Ready(pool::Request),
    /// A pause between two attempts.
    Pausing(Instant),
    /// The head is to come, of what was started then.
    Sent(ExchangeId, Instant),
    /// The body is coming.
    Reading(Reading),
    /// A stream: its body is read by somebody else.
    Open(ExchangeId, Head),
    /// The final answer is complete.
    Complete(Reading, Summary),
    Over(Box<Result<Response, Error>>),
}

struct Reading {
    id: ExchangeId,
    head: Head,
    /// `None`: nobody wants it any more.
    body: Option<Buffer>,
    then: Then,
    /// When a body that is only drained is given up.
    until: Option<Instant>,
    /// There is more to read at once, when others have had their turn.
    more: bool,
}

/// What comes after the body.
enum Then {
    Deliver,
    Fail(Error),
    Again(Again),
}

/// What the loop is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// Tell what happens next.
    Listen,
    /// [`Call::launch`], when there is room at [`Call::route`].
    Send,
    /// Call [`Call::on_time`] then, and tell what happens meanwhile.
    Wake(Instant),
    /// A stream: its body is open; [`Call::take_open`].
    Open,
    /// The call is over; [`Call::into_result`].
    Done,
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
    /// A call that has yet to [`begin`](Self::begin).
    pub(crate) fn new(request: Request, class: Class, stream: bool, cx: &mut Cx<'_>) -> Self {
        Self { flow: Flow::new(request, class, stream, &cx.context()), stage: Stage::Asking }
    }

    pub(crate) fn begin(&mut self, cx: &mut Cx<'_>) -> Todo {
        let step = self.flow.begin(&mut cx.context());
        self.follow(step)
    }

    /// Where the exchange goes that is ready to begin.
    pub(crate) fn route(&self) -> Option<&Route> {
        match &self.stage {
            Stage::Ready(request) => Some(request.route()),
            _ => None,
        }
    }

    /// Over which pool that goes.
    pub(crate) fn pool(&self) -> PoolIndex {
        self.flow.pool()
    }

    /// The same, as those who share connections are told apart.
    pub(crate) fn place(&self) -> Option<Place> {
        self.route().map(|route| Place { pool: self.flow.pool(), route: route.key().clone() })
    }

    /// The call goes on with the driver of another net, whose clock shows `to` while that of the last one shows `from`.
    /// No exchange of it may be under way.
    pub(crate) fn change_clock(&mut self, from: Instant, to: Instant) {
        let deadline = self.flow.change_clock(from, to);
        self.stage = match (std::mem::replace(&mut self.stage, Stage::Asking), deadline) {
            (Stage::Ready(request), Some(deadline)) => Stage::Ready(request.with_deadline(deadline)),
            (Stage::Pausing(at), _) => {
                Stage::Pausing(to.checked_add(at.saturating_duration_since(from)).unwrap_or(to))
            }
            (stage, _) => stage,
        };
    }

    /// Whether it waits for nothing but the time of its next attempt.
    pub(crate) fn is_pausing(&self) -> bool {
        matches!(self.stage, Stage::Pausing(_))
    }

    /// Starts the exchange that is ready.
    pub(crate) fn launch(&mut self, cx: &mut Cx<'_>) -> Option<ExchangeId> {
        match std::mem::replace(&mut self.stage, Stage::Asking) {
            Stage::Ready(request) => {
                let driver = &mut *cx.driver;
                let id = driver.start_on(cx.shared.pools.get(self.flow.pool()), request);
                let now = driver.now();
                self.flow.begun(now);
                self.stage = Stage::Sent(id, now);
                Some(id)
            }
            stage => {
                self.stage = stage;
                None
            }
        }
    }

    /// The head of a stream whose body is open.
    pub(crate) fn take_open(&mut self) -> Option<(ExchangeId, Head)> {
        match std::mem::replace(&mut self.stage, Stage::Asking) {
            Stage::Open(id, head) => Some((id, head)),
            stage => {
                self.stage = stage;
                None
            }
        }
    }

    /// The result of a call that is over.
    pub(crate) fn into_result(mut self) -> Result<Response, Error> {
        match self.stage {
            Stage::Complete(reading, summary) => {
                let body = reading.body.map(Buffer::into_bytes);
                let (attempts, trailers) = (summary.attempts, summary.trailers);
                match (reading.then, body) {
                    (Then::Fail(error), Some(body)) => {
                        Err(error.with_response(self.flow.response(reading.head, body, attempts, trailers)))
                    }
                    (Then::Fail(error), None) => Err(self.flow.failed(error)),
                    (_, body) => self.flow.finish(reading.head, body.unwrap_or_default(), attempts, trailers),
                }
            }
            Stage::Over(result) => *result,
            _ => Err(Error::canceled("the call was given up").with_request(self.flow.request())),
        }
    }

    pub(crate) fn flow(&mut self) -> &mut Flow {
        &mut self.flow
    }

    /// The exchange under way.
    pub(crate) fn exchange(&self) -> Option<ExchangeId> {
        match &self.stage {
            Stage::Sent(id, _) => Some(*id),
            Stage::Reading(reading) => Some(reading.id),
            _ => None,
        }
    }

    /// Something happened to the exchange of this call.
    pub(crate) fn on_event(&mut self, event: Event, cx: &mut Cx<'_>) -> Todo {
        match (event, &mut self.stage) {
            (Event::Head(head), Stage::Sent(id, began)) => {
                let (id, began) = (*id, *began);
                self.on_head(id, head, began, cx)
            }
            (Event::Readable, Stage::Reading(_)) => self.read(cx),
            (Event::Done(summary), Stage::Reading(_)) => self.on_done(summary, cx),
            (Event::Failed(error), Stage::Sent(..)) => {
                let error = Error::from_pool(error, self.flow.request());
                let step = self.flow.on_error(error, true, &mut cx.context());
                self.follow(step)
            }
            (Event::Failed(error), Stage::Reading(_)) => self.broken(Failure::Pool(error), cx),
            _ => Todo::Listen,
        }
    }

    /// The time that was asked for has come, or another one: a call that was not waiting stays as it is.
    pub(crate) fn on_time(&mut self, cx: &mut Cx<'_>) -> Todo {
        let now = cx.driver.now();
        match &mut self.stage {
            Stage::Pausing(at) if *at <= now => {
                let step = self.flow.on_wake(&mut cx.context());
                self.follow(step)
            }
            Stage::Pausing(at) => Todo::Wake(*at),
            Stage::Reading(reading) if reading.more => {
                let until = reading.until;
                match self.read(cx) {
                    Todo::Listen => until.map_or(Todo::Listen, Todo::Wake),
                    todo => todo,
                }
            }
            Stage::Reading(reading) => match reading.until {
                Some(until) if until <= now => {
                    self.give_body_up(cx);
                    Todo::Listen
                }
                Some(until) => Todo::Wake(until),
                None => Todo::Listen,
            },
            _ => Todo::Listen,
        }
    }

    /// When [`on_time`](Self::on_time) is to be called, which may be a time that is past.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Pausing(at) => Some(*at),
            Stage::Reading(reading) => reading.until,
            Stage::Ready(_) => self.flow.deadline(),
            _ => None,
        }
    }

    /// The loop itself failed, which ends the call.
    pub(crate) fn fail_with(&mut self, error: pool::Error) -> Error {
        let error = Error::from_pool(error, self.flow.request());
        self.flow.failed(error)
    }

    /// The call is given up by its canceller; its exchange, if there is one, ends.
    pub(crate) fn cancel(&mut self, driver: Option<&mut Driver>) -> Error {
        let exchange = self.exchange();
        let aborted = driver.and_then(|driver| driver.abort(exchange?));
        let error = match aborted {
            Some(error) => Error::from_pool(error, self.flow.request()),
            None => match self.stage {
                Stage::Pausing(_) => Error::canceled("canceled in the pause before another attempt"),
                // The exchange is over, and what it ended in is not looked at any more.
                Stage::Sent(..) => Error::canceled("canceled while waiting for the answer").maybe_processed(),
                Stage::Reading(_) => Error::canceled("canceled when an answer had come").maybe_processed(),
                _ => Error::canceled("canceled before it was sent"),
            }
            .with_request(self.flow.request()),
        };
        self.stage = Stage::Asking;
        self.flow.failed(error)
    }

    fn follow(&mut self, step: Step) -> Todo {
        let (stage, todo) = match step {
            Step::Send(request) => (Stage::Ready(request), Todo::Send),
            Step::Finish(result) => (Stage::Over(result), Todo::Done),
            Step::Wait(at) => (Stage::Pausing(at), Todo::Wake(at)),
        };
        self.stage = stage;
        todo
    }

    fn on_head(&mut self, id: ExchangeId, head: ResponseHead, began: Instant, cx: &mut Cx<'_>) -> Todo {
        // Hooks and readers of streams can ask for it now; later the attempts tell, and nobody reads a clock for it.
        let asked = self.flow.is_stream() || !self.flow.request().settings().hooks().is_empty();
        let elapsed =
            if asked { cx.driver.now().saturating_duration_since(began) } else { Duration::default() };
        let head = Head::new(head, self.flow.request().target_arc().clone(), elapsed);
        log::trace!("{:?}: {}", self.flow.request(), head.status());
        let then = match self.flow.on_head(&head, &mut cx.context()) {
            Verdict::Replace(response) => {
                cx.driver.cancel(id);
                let result = self.flow.replaced(*response);
                return self.follow(Step::Finish(Box::new(result)));
            }
            Verdict::Deliver if self.flow.is_stream() => match self.flow.status_error(&head) {
                None => {
                    self.stage = Stage::Open(id, head);
                    return Todo::Open;
                }
                Some(error) => Then::Fail(error),
            },
            Verdict::Deliver => Then::Deliver,
            Verdict::Fail(error) => Then::Fail(error),
            Verdict::Again(again) => Then::Again(again),
        };
        let (body, until) = match then {
            Then::Again(_) => {
                let content = Content::raw(cx.driver.remaining(id));
                (Ok(Buffer::new(content, DRAIN)), cx.driver.now().checked_add(DRAIN_TIME))
            }
            _ => {
                let settings = self.flow.request().settings();
                let content = Content::new(cx.driver.remaining(id), &head, settings.decode());
                (content.map(|content| Buffer::new(content, settings.max_body())), None)
            }
        };
        let (body, failure) = match body {
            Ok(body) => (Some(body), None),
            Err(why) => (None, Some(Failure::Decode(why))),
        };
        self.stage = Stage::Reading(Reading { id, head, body, then, until, more: false });
        if let Some(failure) = failure {
            return self.broken_open(failure, cx);
        }
        match self.read(cx) {
            // The loop has to know of the time as well.
            Todo::Listen => self.wakes_at().map_or(Todo::Listen, Todo::Wake),
            todo => todo,
        }
    }

    fn read(&mut self, cx: &mut Cx<'_>) -> Todo {
        let Stage::Reading(reading) = &mut self.stage else { return Todo::Listen };
        let Some(body) = &mut reading.body else { return Todo::Listen };
        if reading.until.is_some_and(|until| until <= cx.driver.now()) {
            self.give_body_up(cx);
            return Todo::Listen;
        }
        match body.fill(cx.driver, reading.id) {
            Ok(more) => {
                reading.more = more;
                // The driver tells of bytes only when it was found to have none.
                if more { Todo::Wake(cx.driver.now()) } else { Todo::Listen }
            }
            Err(Failure::Pool(error)) => self.broken(Failure::Pool(error), cx),
            Err(failure) => self.broken_open(failure, cx),
        }
    }

    /// A body that is left behind is not kept, and not waited for; `Done` follows.
    fn give_body_up(&mut self, cx: &mut Cx<'_>) {
        if let Stage::Reading(reading) = &mut self.stage {
            (reading.body, reading.until, reading.more) = (None, None, false);
            cx.driver.discard(reading.id, 0, None);
        }
    }

    fn on_done(&mut self, summary: Summary, cx: &mut Cx<'_>) -> Todo {
        if let Stage::Reading(Reading { id, body: Some(body), .. }) = &mut self.stage
            && let Err(failure) = body.finish(cx.driver, *id)
        {
            return self.broken(failure, cx);
        }
        match std::mem::replace(&mut self.stage, Stage::Asking) {
            Stage::Reading(Reading { head, body, then: Then::Again(again), .. }) => {
                let body = body.map(Buffer::into_bytes);
                let attempts = self.flow.with_earlier(summary.attempts);
                self.again(again, Hop::new(head, body, attempts, self.flow.request().clone()), cx)
            }
            Stage::Reading(reading) => {
                self.stage = Stage::Complete(reading, summary);
                Todo::Done
            }
            stage => {
                self.stage = stage;
                Todo::Listen
            }
        }
    }

    /// The body is of no use, but the exchange is still open.
    fn broken_open(&mut self, failure: Failure, cx: &mut Cx<'_>) -> Todo {
        match &self.stage {
            Stage::Reading(Reading { then: Then::Again(_), .. }) => {
                self.give_body_up(cx);
                Todo::Listen
            }
            Stage::Reading(reading) => {
                cx.driver.cancel(reading.id);
                self.broken(failure, cx)
            }
            _ => Todo::Listen,
        }
    }

    /// The body cannot be had, and the exchange is over.
    fn broken(&mut self, failure: Failure, cx: &mut Cx<'_>) -> Todo {
        let Stage::Reading(reading) = std::mem::replace(&mut self.stage, Stage::Asking) else {
            return Todo::Listen;
        };
        let hopeless = failure.is_final();
        let error = failure.into_error(self.flow.request(), &reading.head);
        let step = match reading.then {
            Then::Again(again) => {
                let attempts = self.flow.with_earlier(error.into_attempts());
                let hop = Hop::new(reading.head, None, attempts, self.flow.request().clone());
                return self.again(again, hop, cx);
            }
            // The reason stands, without the answer in it.
            Then::Fail(reason) => self.flow.fail(reason),
            // The head says enough, whatever the body is.
            Then::Deliver => match self.flow.status_error(&reading.head).filter(|_| hopeless) {
                Some(reason) => self.flow.fail(reason),
                None => self.flow.on_error(error, !hopeless, &mut cx.context()),
            },
        };
        self.follow(step)
    }

    fn again(&mut self, again: Again, hop: Hop, cx: &mut Cx<'_>) -> Todo {
        let step = self.flow.again(again, hop, &mut cx.context());
        self.follow(step)
    }
}
