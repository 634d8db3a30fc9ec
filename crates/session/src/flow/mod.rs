//! One logical request as a machine without input and output: what to send, when to wait, when it is over.
//!
//! Each hop passes every step, always in this order:
//!
//! ```text
//! cookies ▸ credentials ▸ hooks.before ──▶ pool ──▶ hooks.after ▸ store cookies ▸ challenge ▸ redirect ▸ retry ▸ deliver
//!    ▲                                                                              │          │         │
//!    └──────────────────────────────────────────────────────────────────────────────┴──────────┴─────────┘ again
//! ```
//!
//! Decisions are taken on heads, so that whole and streamed answers are decided about alike. "Again" takes effect
//! when the answer that is left has been drained or given up: on its head alone the next hop would find the
//! connection busy, and open a second one.

pub(crate) mod redirect;
pub(crate) mod retry;

use crate::error::Error;
use crate::jar::CookieJar;
use crate::request::Request;
use crate::response::{Head, Hop, Parts, Response, status_error};
use crate::target::Target;
use http_wire::Headers;
use pool::{Attempts, Class, Timeouts};
use retry::Budget;
use std::io;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Clocks and entropy, as the driver has them.
pub(crate) trait World {
    fn now(&self) -> Instant;
    fn wall(&self) -> SystemTime;
    fn random(&mut self, out: &mut [u8]) -> io::Result<()>;
}

/// What a flow shares with others while it runs.
pub(crate) struct Context<'a> {
    pub(crate) jar: &'a CookieJar,
    pub(crate) budget: &'a Budget,
    /// The time limits of the pool, for requests that set only the total one.
    pub(crate) timeouts: Timeouts,
    pub(crate) world: &'a mut dyn World,
}

/// One logical request.
pub(crate) struct Flow {
    /// The present hop as it was asked for, without what is added on sending: the next hop starts from it.
    base: Request,
    /// The present hop as it was sent, where credentials or hooks changed it.
    sent: Option<Box<Request>>,
    /// Whose credentials these are.
    initial: Arc<Target>,
    history: Vec<Hop>,
    /// The attempts at this hop that failed and were repeated.
    before: Option<Attempts>,
    /// Of the whole call, known when the first hop has begun.
    deadline: Option<Instant>,
    class: Class,
    /// Challenges answered on this hop.
    challenges: u32,
    /// Attempts repeated in this call.
    retries: u32,
    /// An earlier hop or attempt may have had an effect.
    maybe_processed: bool,
}

/// What to do next.
pub(crate) enum Step {
    Send(pool::Request),
    Wait(Instant),
    Finish(Result<Response, Error>),
}

/// What an answer is, by its head.
pub(crate) enum Verdict {
    /// The final one.
    Deliver,
    /// The reason of an error, which it is put into.
    Fail(Error),
    /// A hook has another one.
    Replace(Box<Response>),
    /// Not the final one.
    Again(Again),
}

/// What follows an answer that is not the final one.
pub(crate) enum Again {
    Redirect(Box<Request>),
    Challenge,
    Retry(Instant),
}

/// Rounds of credentials on one hop; a server that is never content would go on.
const MAX_CHALLENGES: u32 = 2;

impl Flow {
    pub(crate) fn start(request: Request, class: Class, cx: &Context<'_>) -> (Self, Step) {
        cx.budget.earn();
        let mut flow = Self {
            initial: request.target_arc().clone(),
            base: request,
            sent: None,
            history: Vec::new(),
            before: None,
            deadline: None,
            class,
            challenges: 0,
            retries: 0,
            maybe_processed: false,
        };
        let step = flow.dispatch(cx);
        (flow, step)
    }

    /// The first hop has begun: the time of the call counts from here.
    pub(crate) fn begun(&mut self, now: Instant) {
        if self.deadline.is_none() {
            self.deadline = self.base.settings().total().and_then(|total| now.checked_add(total));
        }
    }

    /// When the call must be over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The present hop, as it was sent.
    pub(crate) fn request(&self) -> &Request {
        self.sent.as_deref().unwrap_or(&self.base)
    }

    /// Judges an answer.
    pub(crate) fn on_head(&mut self, head: &Head, cx: &mut Context<'_>) -> Verdict {
        if let Some(response) = self.hooks_after(Ok(head)) {
            return Verdict::Replace(Box::new(response));
        }
        self.store_cookies(head, cx);
        if self.is_challenged(head) {
            self.challenges += 1;
            return Verdict::Again(Again::Challenge);
        }
        match redirect::decide(&self.base, head, self.redirects()) {
            Err(error) => return Verdict::Fail(error),
            Ok(Some(next)) => return Verdict::Again(Again::Redirect(Box::new(next))),
            Ok(None) => {}
        }
        let at = self.base.settings().retry().and_then(|retry| {
            retry.after_head(&self.base, head, self.retries, cx.world).filter(|at| self.may_wait(*at, cx))
        });
        match at {
            Some(at) => Verdict::Again(Again::Retry(at)),
            None => Verdict::Deliver,
        }
    }

    /// Goes on after an answer that was not the final one and has been drained or given up.
    pub(crate) fn again(&mut self, again: Again, hop: Hop, cx: &Context<'_>) -> Step {
        self.maybe_processed = true;
        match again {
            Again::Redirect(next) => {
                log::debug!("{:?}: {}, on to {next:?}", self.base, hop.status());
                self.history.push(hop);
                self.base = *next;
                (self.before, self.challenges) = (None, 0);
                self.dispatch(cx)
            }
            Again::Challenge => {
                self.history.push(hop);
                self.dispatch(cx)
            }
            Again::Retry(at) => {
                log::debug!("{:?}: {}, sent again later", self.base, hop.status());
                self.tried(hop.attempts().clone());
                Step::Wait(at)
            }
        }
    }

    /// Goes on after a failure.
    pub(crate) fn on_error(&mut self, mut error: Error, cx: &mut Context<'_>) -> Step {
        if let Some(response) = self.hooks_after(Err(&error)) {
            return Step::Finish(self.replaced(response));
        }
        self.maybe_processed |= error.may_have_been_processed();
        let at = self.base.settings().retry().and_then(|retry| {
            retry.after_error(&self.base, &error, self.retries, cx.world).filter(|at| self.may_wait(*at, cx))
        });
        if let Some(at) = at {
            log::debug!("{error}; sent again later");
            if let Some(attempts) = error.take_attempts() {
                self.tried(attempts);
            } else {
                self.retries += 1;
            }
            return Step::Wait(at);
        }
        Step::Finish(Err(self.failed(error)))
    }

    /// Goes on after a pause.
    pub(crate) fn on_wake(&mut self, cx: &Context<'_>) -> Step {
        self.dispatch(cx)
    }

    /// An error as the result of this call: with what earlier hops and attempts did.
    pub(crate) fn failed(&mut self, error: Error) -> Error {
        let error = error.after(self.before.take());
        if self.maybe_processed { error.maybe_processed() } else { error }
    }

    /// The final answer, whole.
    pub(crate) fn finish(
        &mut self,
        head: Head,
        body: Vec<u8>,
        attempts: Attempts,
        trailers: Option<Headers>,
    ) -> Result<Response, Error> {
        let response = self.response(head, body, attempts, trailers);
        self.hooks_finish(response)
    }

    /// The final answer, with nobody else asked about it.
    pub(crate) fn response(
        &mut self,
        head: Head,
        body: Vec<u8>,
        attempts: Attempts,
        trailers: Option<Headers>,
    ) -> Response {
        let attempts = self.with_earlier(attempts);
        let request = self.request().clone();
        let history = self.take_history();
        Response::new(Parts { head, body, trailers, history, attempts, request })
    }

    /// The answers so far.
    pub(crate) fn take_history(&mut self) -> Vec<Hop> {
        std::mem::take(&mut self.history)
    }

    /// The attempts of an exchange, with those at the same hop before it.
    pub(crate) fn with_earlier(&mut self, mut attempts: Attempts) -> Attempts {
        if let Some(before) = self.before.take() {
            attempts.prepend(before);
        }
        attempts
    }

    /// The answer that a hook gave: it keeps the history that was made so far.
    pub(crate) fn replaced(&mut self, mut response: Response) -> Result<Response, Error> {
        let (history, _) = response.parts_mut();
        if history.is_empty() {
            *history = std::mem::take(&mut self.history);
        }
        self.hooks_finish(response)
    }

    fn hooks_finish(&self, mut response: Response) -> Result<Response, Error> {
        let settings = self.base.settings();
        for hook in settings.hooks() {
            response =
                hook.finish(response).map_err(|error| error.with_request(&self.base).maybe_processed())?;
        }
        if settings.error_for_status() { response.error_for_status() } else { Ok(response) }
    }

    /// The status as an error, where the settings ask for it: for streams, which have no `finish`.
    pub(crate) fn status_error(&self, head: &Head) -> Option<Error> {
        if self.base.settings().error_for_status() { status_error(head) } else { None }
    }

    fn dispatch(&mut self, cx: &Context<'_>) -> Step {
        match self.prepare(cx) {
            Ok(request) => Step::Send(request),
            Err(error) => {
                let error = error.with_request(&self.base);
                Step::Finish(Err(self.failed(error)))
            }
        }
    }

    /// The hop as it is sent. The route is that of the URL the hooks leave.
    fn prepare(&mut self, cx: &Context<'_>) -> Result<pool::Request, Error> {
        let cookie = self.cookie(cx);
        let auth = self.base.auth().filter(|_| self.base.origin() == self.initial.origin()).cloned();
        let hooks = self.base.settings().hooks();
        self.sent = None;
        let head;
        if auth.is_none() && hooks.is_empty() {
            head = self.base.encode(cookie.as_deref())?;
        } else {
            let mut hop = Box::new(self.base.clone());
            if let Some(cookie) = cookie {
                hop.put_cookie(&cookie)?;
            }
            if let Some(auth) = auth {
                hop.authorize(&*auth)?;
            }
            for hook in hooks {
                hook.before(&mut hop)?;
            }
            head = hop.encode(None)?;
            self.sent = Some(hop);
        }
        let request = self.request();
        request.ready_body()?;
        if let Some(proxies) = request.settings().proxies() {
            proxies.check(request.origin().scheme())?;
        }
        let (head, body) = head;
        let route = request.target_arc().route().clone();
        let sendable =
            pool::Request::new(route, head, body).map_err(|error| Error::from_pool(error, request))?;
        Ok(self.limited(sendable.with_class(self.class), cx.timeouts))
    }

    /// The first hop is given the whole time, the later ones what is left of it.
    fn limited(&self, request: pool::Request, pool: Timeouts) -> pool::Request {
        let settings = self.base.settings();
        match (settings.timeouts(), settings.total(), self.deadline) {
            (None, None, _) => request,
            (Some(timeouts), total, None) => request.with_timeouts(timeouts.total(total)),
            (None, total, None) => request.with_timeouts(pool.total(total)),
            (timeouts, _, Some(deadline)) => {
                let timeouts = timeouts.copied().unwrap_or(pool).total(None);
                request.with_timeouts(timeouts).with_deadline(deadline)
            }
        }
    }

    /// What the jar sends; nothing beside a `Cookie` set by hand.
    fn cookie(&self, cx: &Context<'_>) -> Option<Vec<u8>> {
        let extra = self.base.cookies();
        let stored = self.base.settings().cookies();
        if self.base.headers().contains("cookie") || (!stored && extra.is_empty()) {
            return None;
        }
        if !stored {
            // The cookies of the request alone.
            return CookieJar::new().header(self.base.url(), SystemTime::UNIX_EPOCH, extra);
        }
        cx.jar.header(self.base.url(), cx.world.wall(), extra)
    }

    fn store_cookies(&self, head: &Head, cx: &Context<'_>) {
        if self.base.settings().cookies() && head.headers().contains("set-cookie") {
            let values = head.headers().get_all("set-cookie").map(|value| value.as_bytes());
            cx.jar.store(head.url(), values, cx.world.wall());
        }
    }

    fn is_challenged(&self, head: &Head) -> bool {
        let request = self.request();
        self.challenges < MAX_CHALLENGES
            && request.origin() == self.initial.origin()
            && request.body().is_replayable()
            && self.base.auth().is_some_and(|auth| auth.challenge(request, head))
    }

    fn hooks_after(&self, outcome: Result<&Head, &Error>) -> Option<Response> {
        self.base.settings().hooks().iter().find_map(|hook| hook.after(self.request(), outcome))
    }

    fn redirects(&self) -> usize {
        self.history.iter().filter(|hop| hop.status().is_redirection()).count()
    }

    /// Whether waiting until `at` is within the time of the call and the budget of the session.
    fn may_wait(&self, at: Instant, cx: &Context<'_>) -> bool {
        self.deadline.is_none_or(|deadline| at < deadline) && cx.budget.spend()
    }

    fn tried(&mut self, mut attempts: Attempts) {
        self.retries += 1;
        if let Some(before) = self.before.take() {
            attempts.prepend(before);
        }
        self.before = Some(attempts);
    }
}
