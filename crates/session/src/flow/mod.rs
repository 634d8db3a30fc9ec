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

use crate::auth::AuthContext;
use crate::error::Error;
use crate::jar::{self, CookieJar, CookieStore};
use crate::mount::{PoolIndex, Pools};
use crate::request::{Credentials, Request};
use crate::response::{Head, Hop, Parts, Response, status_error};
use crate::world::World;
use http_wire::Headers;
use pool::{Attempts, Class, Config};
use retry::Budget;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What a flow shares with others while it runs.
pub(crate) struct Context<'a> {
    pub(crate) jar: &'a CookieJar,
    /// In the place of the jar.
    pub(crate) store: Option<&'a dyn CookieStore>,
    pub(crate) budget: &'a Budget,
    /// For their time limits, and for which one a URL is.
    pub(crate) pools: &'a Pools,
    pub(crate) world: &'a mut dyn World,
}

/// One logical request.
pub(crate) struct Flow {
    /// The present hop as it was asked for, without what is added on sending: the next hop starts from it.
    base: Request,
    /// The present hop as it was sent, where credentials or hooks changed it.
    sent: Option<Box<Request>>,
    /// Which pool the present hop is for, by the URL it is sent with.
    pool: PoolIndex,
    history: Vec<Hop>,
    /// The attempts at this hop that failed and were repeated.
    before: Option<Attempts>,
    /// How long the whole call may take.
    total: Option<Duration>,
    /// When that is over, known when the first hop has begun.
    deadline: Option<Instant>,
    class: Class,
    /// The final answer is handed out at its head.
    stream: bool,
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
    Finish(Box<Result<Response, Error>>),
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
    /// A call that has yet to [`begin`](Self::begin).
    pub(crate) fn new(mut request: Request, class: Class, stream: bool, cx: &Context<'_>) -> Self {
        // One that was sent before is sent as it was asked for: cookies, credentials and hooks do their part anew.
        request.drop_added();
        let pool = cx.pools.of(request.url());
        let limits = || cx.pools.get(pool).config().default_timeouts();
        Self {
            // A limit of the pool is one for each of its exchanges; here it bounds the call.
            total: request.settings().total_choice().unwrap_or_else(|| limits().total),
            base: request,
            sent: None,
            pool,
            history: Vec::new(),
            before: None,
            deadline: None,
            class,
            stream,
            challenges: 0,
            retries: 0,
            maybe_processed: false,
        }
    }

    pub(crate) fn begin(&mut self, cx: &mut Context<'_>) -> Step {
        cx.budget.earn();
        self.dispatch(cx)
    }

    /// The first hop has begun: the time of the call counts from here.
    pub(crate) fn begun(&mut self, now: Instant) {
        if self.deadline.is_none() {
            self.deadline = self.total.and_then(|total| now.checked_add(total));
        }
    }

    /// When the call must be over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Which pool the present hop is for.
    pub(crate) fn pool(&self) -> PoolIndex {
        self.pool
    }

    /// The call goes on in a world whose clock shows `to` while that of the last one shows `from`; when it must be
    /// over there.
    pub(crate) fn change_clock(&mut self, from: Instant, to: Instant) -> Option<Instant> {
        self.deadline =
            self.deadline.and_then(|deadline| to.checked_add(deadline.saturating_duration_since(from)));
        self.deadline
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.stream
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
        if self.is_challenged(head, cx) {
            self.challenges += 1;
            return Verdict::Again(Again::Challenge);
        }
        match redirect::decide(&self.base, head, self.redirects()) {
            Err(error) => return Verdict::Fail(error),
            Ok(Some(next)) => return Verdict::Again(Again::Redirect(Box::new(next))),
            Ok(None) => {}
        }
        let at = self.base.settings().retry().and_then(|retry| {
            retry.after_head(self.request(), head, self.retries, cx.world).filter(|at| self.may_wait(*at, cx))
        });
        match at {
            Some(at) => Verdict::Again(Again::Retry(at)),
            None => Verdict::Deliver,
        }
    }

    /// Goes on after an answer that was not the final one and has been drained or given up.
    pub(crate) fn again(&mut self, again: Again, hop: Hop, cx: &mut Context<'_>) -> Step {
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

    /// Goes on after a failure. `again`: another attempt might not end in it.
    pub(crate) fn on_error(&mut self, mut error: Error, again: bool, cx: &mut Context<'_>) -> Step {
        if let Some(response) = self.hooks_after(Err(&error)) {
            return Step::Finish(Box::new(self.replaced(response)));
        }
        self.maybe_processed |= error.may_have_been_processed();
        let at = self.base.settings().retry().filter(|_| again).and_then(|retry| {
            retry
                .after_error(self.request(), &error, self.retries, cx.world)
                .filter(|at| self.may_wait(*at, cx))
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
        self.fail(error)
    }

    /// Goes on after a pause.
    pub(crate) fn on_wake(&mut self, cx: &mut Context<'_>) -> Step {
        self.dispatch(cx)
    }

    /// An error as the result of this call: with what earlier hops and attempts did.
    pub(crate) fn failed(&mut self, error: Error) -> Error {
        let error = error.after(self.before.take()).with_total(self.total);
        if self.maybe_processed { error.maybe_processed() } else { error }
    }

    /// The end of the call in an error.
    pub(crate) fn fail(&mut self, error: Error) -> Step {
        Step::Finish(Box::new(Err(self.failed(error))))
    }

    /// The final answer, whole.
    pub(crate) fn finish(
        self,
        head: Head,
        body: Vec<u8>,
        attempts: Attempts,
        trailers: Option<Headers>,
    ) -> Result<Response, Error> {
        let settings = self.base.settings();
        if settings.hooks().is_empty() && !settings.error_for_status() {
            return Ok(self.response(head, body, attempts, trailers));
        }
        let base = self.base.clone();
        finished(&base, self.response(head, body, attempts, trailers))
    }

    /// The final answer, with nobody else asked about it.
    pub(crate) fn response(
        mut self,
        head: Head,
        body: Vec<u8>,
        attempts: Attempts,
        trailers: Option<Headers>,
    ) -> Response {
        let attempts = self.with_earlier(attempts);
        let request = self.sent.map_or(self.base, |sent| *sent);
        Response::new(Parts { head, body, trailers, history: self.history, attempts, request })
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
        if !self.stream {
            return finished(&self.base, response);
        }
        if self.base.settings().error_for_status() { response.error_for_status() } else { Ok(response) }
    }

    /// The status as an error, where the settings ask for it and no body is needed to tell.
    pub(crate) fn status_error(&self, head: &Head) -> Option<Error> {
        let wanted = self.base.settings().error_for_status();
        status_error(head)
            .filter(|_| wanted)
            .map(|error| error.with_request(self.request()).maybe_processed())
    }

    fn dispatch(&mut self, cx: &mut Context<'_>) -> Step {
        match self.prepare(cx) {
            Ok(request) => Step::Send(request),
            Err(error) => {
                let error = error.with_request(&self.base);
                self.fail(error)
            }
        }
    }

    /// The hop as it is sent. The route is that of the URL the hooks leave.
    fn prepare(&mut self, cx: &mut Context<'_>) -> Result<pool::Request, Error> {
        let cookie = cookie(&self.base, cx);
        let from_file = self.netrc_credentials();
        let credentials = self.base.credentials().or(from_file.as_ref());
        let hooks = self.base.settings().hooks();
        self.sent = None;
        let (route, head, body);
        if credentials.is_none() && hooks.is_empty() {
            route = self.base.route()?;
            (head, body) = self.base.encode(cookie.as_deref(), &route)?;
            if let Some(cookie) = &cookie {
                // The answer tells what was asked, as it does where somebody else had a part in it.
                let mut hop = Box::new(self.base.clone());
                hop.put_cookie(cookie)?;
                hop.remember_added(self.base.headers());
                self.sent = Some(hop);
            }
        } else {
            let mut hop = Box::new(self.base.clone());
            if let Some(cookie) = &cookie {
                hop.put_cookie(cookie)?;
            }
            // What credentials add is known only to them; where a hook goes elsewhere, none of it goes along.
            let before = if hooks.is_empty() { Headers::new() } else { hop.headers().clone() };
            if let Some(credentials) = credentials {
                let answers = challenge_of(&self.history, self.challenges);
                hop.authorize(&*credentials.auth, &mut AuthContext::new(cx.world, answers))?;
            }
            if !hooks.is_empty() {
                let secrets = hop.fields_since(&before);
                for hook in hooks {
                    hook.before(&mut hop)?;
                }
                if credentials.is_some_and(|credentials| credentials.origin != *hop.origin()) {
                    hop.drop_fields(&secrets);
                }
                // Cookies have a path: where a hook went to another one, those of the first are not for it.
                if *hop.url() != *self.base.url()
                    && *hop.origin() == *self.base.origin()
                    && hop.take_cookie_back(cookie.as_deref())
                    && let Some(cookie) = self::cookie(&hop, cx)
                {
                    hop.put_cookie(&cookie)?;
                }
            }
            route = hop.route()?;
            (head, body) = hop.encode(None, &route)?;
            hop.remember_added(self.base.headers());
            self.sent = Some(hop);
        }
        self.pool = cx.pools.of(self.request().url());
        let request = self.request();
        let sendable =
            pool::Request::new(route, head, body).map_err(|error| Error::from_pool(error, request))?;
        Ok(self.limited(sendable.with_class(self.class), cx.pools.get(self.pool).config()))
    }

    /// The first hop is given the whole time, the later ones what is left of it. Where nothing was set and no time of
    /// the call runs, the pool knows its own limits.
    fn limited(&self, request: pool::Request, config: &Config) -> pool::Request {
        let settings = self.base.settings();
        let own = settings.timeouts().copied();
        if own.is_none() && settings.total_choice().is_none() && self.deadline.is_none() {
            return request;
        }
        let timeouts = own.unwrap_or_else(|| config.default_timeouts());
        match self.deadline {
            None => request.with_timeouts(timeouts.total(self.total)),
            Some(deadline) => request.with_timeouts(timeouts.total(None)).with_deadline(deadline),
        }
    }

    /// What a netrc file has for the host of this hop, where nothing nearer has credentials for its origin.
    fn netrc_credentials(&self) -> Option<Credentials> {
        let netrc = self.base.settings().netrc()?;
        if self.base.credentials().is_some() {
            return None;
        }
        let basic = self.base.netrc_entry(netrc)?;
        Some(Credentials { origin: self.base.origin().clone(), auth: Arc::new(basic) })
    }

    fn store_cookies(&self, head: &Head, cx: &Context<'_>) {
        if self.base.settings().cookies() && head.headers().contains("set-cookie") {
            let values = head.headers().get_all("set-cookie").map(|value| value.as_bytes());
            match cx.store {
                None => cx.jar.store(head.url(), values, cx.world.wall()),
                Some(store) => store.store_response(head.url(), &values.collect::<Vec<_>>(), cx.world.wall()),
            }
        }
    }

    fn is_challenged(&self, head: &Head, cx: &mut Context<'_>) -> bool {
        let request = self.request();
        if self.challenges >= MAX_CHALLENGES || !request.body().is_replayable() {
            return false;
        }
        let answered = challenge_of(&self.history, self.challenges);
        let context = AuthContext::new(cx.world, answered);
        request
            .credentials()
            .is_some_and(|credentials| credentials.auth.challenge_with(request, head, &context))
    }

    /// What hooks give in place of an outcome: each sees what those before it made of it.
    fn hooks_after(&self, outcome: Result<&Head, &Error>) -> Option<Response> {
        let mut given: Option<Response> = None;
        for hook in self.base.settings().hooks() {
            let seen = given.as_ref().map_or(outcome, |response| Ok(response.head()));
            given = hook.after(self.request(), seen).or(given);
        }
        given
    }

    fn redirects(&self) -> usize {
        self.history.iter().filter(|hop| hop.status().is_redirection()).count()
    }

    /// Whether waiting until `at` is within the time of the call and the budget of the session.
    fn may_wait(&self, at: Instant, cx: &Context<'_>) -> bool {
        self.deadline.is_none_or(|deadline| at < deadline) && cx.budget.spend()
    }

    /// Counts an attempt that is repeated.
    fn tried(&mut self, mut attempts: Attempts) {
        self.retries += 1;
        if let Some(before) = self.before.take() {
            attempts.prepend(before);
        }
        self.before = Some(attempts);
    }
}

/// The answer whose challenge was answered last on this hop. It is the last one in the history: a redirect begins a
/// new hop, and attempts that are repeated are not in there.
fn challenge_of(history: &[Hop], challenges: u32) -> Option<&Head> {
    history.last().filter(|_| challenges > 0).map(Hop::head)
}

/// What the jar sends with a request; nothing beside a `Cookie` set by hand.
fn cookie(request: &Request, cx: &Context<'_>) -> Option<Vec<u8>> {
    let extra = request.cookies();
    let stored = request.settings().cookies();
    if request.headers().contains("cookie") || (!stored && extra.is_empty()) {
        return None;
    }
    if !stored {
        // The cookies of the request alone.
        return CookieJar::new().header(request.url(), SystemTime::UNIX_EPOCH, extra);
    }
    match cx.store {
        None => cx.jar.header(request.url(), cx.world.wall(), extra),
        Some(store) => jar::header_of(store, request.url(), cx.world.wall(), extra),
    }
}

/// What hooks and settings make of the final answer to `base`.
fn finished(base: &Request, mut response: Response) -> Result<Response, Error> {
    let settings = base.settings();
    for hook in settings.hooks() {
        response = hook.finish(response).map_err(|error| error.with_request(base).maybe_processed())?;
    }
    if settings.error_for_status() { response.error_for_status() } else { Ok(response) }
}
