//! Many requests at once, on one thread.

use crate::call::{Call, Cx, Todo};
use crate::error::{Error, ErrorKind};
use crate::fast_map::FastMap;
use crate::lanes::Lanes;
use crate::request::{IntoRequest, Request};
use crate::response::Response;
use crate::session::Shared;
use pool::{Class, Driver, ExchangeId, Limit, Phase, Route};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The answers to many requests, as they arrive, each with the index of its request. Made by
/// [`Session::as_completed`](crate::Session::as_completed).
///
/// An iterator that does its work in [`next`](Iterator::next): between two calls nothing moves. A request whose time
/// limit runs out meanwhile fails when `next` is called again.
pub struct Completed<I> {
    shared: Arc<Shared>,
    /// Made when first needed, so that its failure can be reported with a request.
    driver: Option<Driver>,
    source: Option<I>,
    taken: usize,
    /// By the index of their request.
    calls: FastMap<usize, Slot>,
    exchanges: FastMap<ExchangeId, usize>,
    lanes: Lanes,
    sleepers: BinaryHeap<Reverse<(Instant, usize)>>,
    done: VecDeque<(usize, Result<Response, Error>)>,
    width: usize,
}

/// A request that was taken and is not done.
enum Slot {
    /// It has not begun: there is no room at its origin.
    New(Box<Request>),
    /// It is under way, or pausing.
    Running(Box<Call>, Option<Route>),
    /// Its next hop is ready, and there is no room at that origin.
    Held(Box<Call>, Box<pool::Request>),
}

impl<I> Completed<I>
where
    I: Iterator,
    I::Item: IntoRequest,
{
    pub(crate) fn new(shared: Arc<Shared>, source: I) -> Self {
        let config = shared.pool.config();
        let lanes = Lanes::new(config.origin_limit(), config.total_limit());
        let width = config.total_limit().max(1);
        Self {
            shared,
            driver: None,
            source: Some(source),
            taken: 0,
            calls: FastMap::default(),
            exchanges: FastMap::default(),
            lanes,
            sleepers: BinaryHeap::new(),
            done: VecDeque::new(),
            width,
        }
    }

    /// Takes requests while there is room to remember them, and begins those that have room at their origin.
    fn refill(&mut self) {
        // A request that is done at once is given out before another one is taken.
        while self.done.is_empty() && self.calls.len() < self.width {
            let Some(item) = self.source.as_mut().and_then(Iterator::next) else {
                // An iterator is not asked again after its end.
                self.source = None;
                return;
            };
            let index = self.taken;
            self.taken += 1;
            match item.into_request() {
                Ok(request) => {
                    let route = request.target_arc().route().clone();
                    if self.lanes.enter(&route, index, false) {
                        self.begin(index, request, route);
                    } else {
                        self.calls.insert(index, Slot::New(Box::new(request)));
                    }
                }
                Err(error) => {
                    self.done.push_back((index, Err(error)));
                }
            }
        }
    }

    /// A request has room at `route`.
    fn begin(&mut self, index: usize, request: Request, route: Route) {
        let driver = match &mut self.driver {
            Some(driver) => driver,
            none => match self.shared.pool.driver() {
                Ok(driver) => none.insert(driver),
                Err(error) => {
                    self.done.push_back((index, Err(Error::from_pool(error, &request))));
                    return self.leave(&route);
                }
            },
        };
        let mut cx = Cx { shared: &self.shared, driver };
        let (call, todo) = Call::start(request, Class::Batch, false, &mut cx);
        self.follow(index, Box::new(call), todo, Some(route));
    }

    /// Room has come free at `route`: whoever waits for it goes on.
    fn leave(&mut self, route: &Route) {
        let Some((index, route)) = self.lanes.leave(route) else { return };
        match self.calls.remove(&index) {
            Some(Slot::New(request)) => self.begin(index, *request, route),
            Some(Slot::Held(call, request)) => self.admit(index, call, *request, Some(route)),
            // Only those two wait in a lane.
            Some(Slot::Running(..)) | None => {}
        }
    }

    /// Does what a call asks for. `route`: where it has room.
    fn follow(&mut self, index: usize, mut call: Box<Call>, todo: Todo, route: Option<Route>) {
        match todo {
            Todo::Listen => {
                self.calls.insert(index, Slot::Running(call, route));
            }
            Todo::Wake(at) => {
                self.sleepers.push(Reverse((at, index)));
                // A pause needs no room; the rest of a body does.
                let route = match call.exchange() {
                    Some(_) => route,
                    None => {
                        self.leave_if(route);
                        None
                    }
                };
                self.calls.insert(index, Slot::Running(call, route));
            }
            Todo::Send(request) => self.admit(index, call, request, route),
            Todo::Done(result) => {
                self.leave_if(route);
                self.done.push_back((index, result));
            }
            Todo::Open(..) => {
                // Calls of a batch are never streams.
                let error = Error::new(ErrorKind::Canceled, "an open stream in a batch");
                self.leave_if(route);
                self.done.push_back((index, Err(call.flow().failed(error))));
            }
        }
    }

    /// Starts an exchange, if there is room where it goes.
    fn admit(&mut self, index: usize, mut call: Box<Call>, request: pool::Request, route: Option<Route>) {
        let wanted = request.route().clone();
        let has_room = route.as_ref() == Some(&wanted);
        if !has_room {
            self.leave_if(route);
        }
        // Those that have begun go before those that have not.
        if has_room || self.lanes.enter(&wanted, index, true) {
            let Some(driver) = &mut self.driver else { return };
            let id = driver.start(request);
            call.sent(id, driver.now());
            self.exchanges.insert(id, index);
            self.calls.insert(index, Slot::Running(call, Some(wanted)));
            return;
        }
        if let Some(deadline) = call.flow().deadline() {
            self.sleepers.push(Reverse((deadline, index)));
        }
        self.calls.insert(index, Slot::Held(call, Box::new(request)));
    }

    fn leave_if(&mut self, route: Option<Route>) {
        if let Some(route) = route {
            self.leave(&route);
        }
    }

    /// Tells the call of an exchange what happened to it.
    fn on_event(&mut self, id: ExchangeId, event: pool::Event) {
        let Some(index) = self.exchanges.get(&id).copied() else { return };
        let Some(Slot::Running(mut call, route)) = self.calls.remove(&index) else { return };
        let Some(driver) = &mut self.driver else { return };
        let todo = call.on_event(event, &mut Cx { shared: &self.shared, driver });
        if call.exchange() != Some(id) {
            self.exchanges.remove(&id);
        }
        self.follow(index, call, todo, route);
    }

    /// Those whose time has come.
    fn wake(&mut self) {
        let Some(now) = self.driver.as_ref().map(Driver::now) else { return };
        while let Some(Reverse((at, index))) = self.sleepers.peek().copied()
            && at <= now
        {
            self.sleepers.pop();
            match self.calls.remove(&index) {
                Some(Slot::Running(mut call, route)) => {
                    let Some(driver) = &mut self.driver else { return };
                    let todo = call.on_time(&mut Cx { shared: &self.shared, driver });
                    self.follow(index, call, todo, route);
                }
                Some(Slot::Held(mut call, request)) => {
                    if call.flow().deadline().is_some_and(|deadline| deadline <= now) {
                        self.lanes.forget(request.route(), index);
                        let flow = call.flow();
                        let error = Error::timed_out(Limit::Total, Phase::Queue, flow.request());
                        self.done.push_back((index, Err(flow.failed(error))));
                    } else {
                        self.calls.insert(index, Slot::Held(call, request));
                    }
                }
                Some(slot) => {
                    self.calls.insert(index, slot);
                }
                None => {}
            }
        }
    }

    /// Waiting itself has failed: everything under way ends with that.
    fn fail_all(&mut self, error: pool::Error) {
        let text = error.to_string();
        let mut first = Some(error);
        let mut indices: Vec<usize> = self.calls.keys().copied().collect();
        indices.sort_unstable();
        for index in indices {
            let error = match (self.calls.remove(&index), first.take()) {
                (Some(Slot::Running(mut call, _) | Slot::Held(mut call, _)), Some(error)) => {
                    call.fail_with(error)
                }
                (Some(Slot::New(request)), Some(error)) => Error::from_pool(error, &request),
                (Some(Slot::Running(mut call, _) | Slot::Held(mut call, _)), None) => {
                    let error = Error::new(ErrorKind::Io, text.clone()).with_request(call.flow().request());
                    call.flow().failed(error)
                }
                (Some(Slot::New(request)), None) => {
                    Error::new(ErrorKind::Io, text.clone()).with_request(&request)
                }
                (None, _) => continue,
            };
            self.done.push_back((index, Err(error)));
        }
        self.exchanges.clear();
        self.lanes.clear();
        self.driver = None;
    }
}

impl<I> Iterator for Completed<I>
where
    I: Iterator,
    I::Item: IntoRequest,
{
    type Item = (usize, Result<Response, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(done) = self.done.pop_front() {
                return Some(done);
            }
            self.refill();
            if !self.done.is_empty() {
                continue;
            }
            if self.calls.is_empty() {
                return None;
            }
            let until = self.sleepers.peek().map(|Reverse((at, _))| *at);
            let turned = self.driver.as_mut().map_or(Ok(()), |driver| driver.turn(until));
            while let Some((id, event)) = self.driver.as_mut().and_then(Driver::next_event) {
                self.on_event(id, event);
            }
            self.wake();
            if let Err(error) = turned {
                self.fail_all(error);
            }
        }
    }
}

impl<I> fmt::Debug for Completed<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completed")
            .field("taken", &self.taken)
            .field("under_way", &self.calls.len())
            .field("done", &self.done.len())
            .finish_non_exhaustive()
    }
}
