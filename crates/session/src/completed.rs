//! Many requests at once, on one thread.

use crate::call::{Call, Cx, Todo};
use crate::cancel::{Bell, Watch};
use crate::error::{Error, ErrorKind};
use crate::fast_map::FastMap;
use crate::gates::{Gates, Place};
use crate::request::{IntoRequest, Request};
use crate::response::Response;
use crate::session::Shared;
use pool::{Class, Driver, ExchangeId, Limit, Phase, Pool};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The answers to many requests, as they arrive, each with the index of its request. Made by
/// [`Session::as_completed`](crate::Session::as_completed).
///
/// An iterator that does its work in [`next`](Iterator::next): between two calls nothing moves. A request whose time
/// limit runs out meanwhile fails when `next` is called again. If a hook or policy panics inside `next` and somebody
/// catches that, all that is under way ends with [`ErrorKind::Canceled`], and nothing more is taken.
pub struct Completed<I> {
    shared: Arc<Shared>,
    /// Made when first needed, so that its failure can be reported with a request.
    driver: Option<Driver>,
    source: Option<I>,
    taken: usize,
    /// By the index of their request.
    calls: FastMap<usize, Slot>,
    exchanges: FastMap<ExchangeId, usize>,
    gates: Gates,
    /// Those that have been given room and have not used it yet.
    admitted: VecDeque<(usize, Place)>,
    sleepers: BinaryHeap<Reverse<(Instant, usize)>>,
    done: VecDeque<(usize, Result<Response, Error>)>,
    /// Those that somebody can give up, by index, and the bell of the driver that says that somebody did.
    watches: FastMap<usize, Watch>,
    bell: Option<Arc<Bell>>,
    /// The call that is being worked on, while it is in no slot.
    current: Option<usize>,
    /// Code of the caller is being run, or has panicked.
    working: bool,
}

/// A request that was taken and is not done.
enum Slot {
    /// It has not begun: there is no room at its origin.
    New(Box<Request>),
    /// It is under way, pausing, or holds its next hop until there is room.
    Call(Box<Call>, Option<Place>),
}

/// Times to wake up that nobody waits for any more are kept up to this many, and four times as many as there are calls.
const SPARE_SLEEPERS: usize = 64;

impl<I> Completed<I>
where
    I: Iterator,
    I::Item: IntoRequest,
{
    pub(crate) fn new(shared: Arc<Shared>, source: I) -> Self {
        Self {
            gates: Gates::new(&shared.pools),
            shared,
            driver: None,
            source: Some(source),
            taken: 0,
            calls: FastMap::default(),
            exchanges: FastMap::default(),
            admitted: VecDeque::new(),
            sleepers: BinaryHeap::new(),
            done: VecDeque::new(),
            watches: FastMap::default(),
            bell: None,
            current: None,
            working: false,
        }
    }

    /// Goes on until a call is done, or nothing is left to do.
    fn advance(&mut self) {
        loop {
            self.refill();
            // Who begins may turn out to be for yet another net.
            while self.change_net() {}
            self.give_up();
            if !self.done.is_empty() || self.calls.is_empty() {
                return;
            }
            let until = self.sleepers.peek().map(|Reverse((at, _))| *at);
            let turned = self.driver.as_mut().map_or(Ok(()), |driver| driver.turn(until));
            while let Some((id, event)) = self.driver.as_mut().and_then(Driver::next_event) {
                self.on_event(id, event);
            }
            self.wake();
            match turned {
                Err(error) => self.fail_all(error),
                Ok(()) if !self.done.is_empty() => return,
                Ok(()) => {}
            }
        }
    }

    /// Takes requests while there is room to remember them, and begins those that have room at their origin.
    fn refill(&mut self) {
        // A request that is done at once is given out before another one is taken.
        while self.done.is_empty() && self.calls.len() < self.gates.width() && self.gates.admits() {
            let Some(item) = self.source.as_mut().and_then(Iterator::next) else {
                // An iterator is not asked again after its end.
                self.source = None;
                return;
            };
            let index = self.taken;
            self.taken += 1;
            self.current = Some(index);
            let request = item.into_request().and_then(|request| match request.route() {
                Ok(route) => {
                    let place =
                        Place { pool: self.shared.pools.of(request.url()), route: route.key().clone() };
                    Ok((request, place))
                }
                Err(error) => Err(error.with_request(&request)),
            });
            match request {
                Ok((request, place)) => {
                    self.gates.open(&place);
                    if let Err(error) = self.watch(index, &request) {
                        self.finish(index, Err(error));
                    } else if self.gates.enter(&place, index, false) {
                        self.begin(index, request, place);
                    } else {
                        self.keep(index, Slot::New(Box::new(request)));
                    }
                }
                Err(error) => self.finish(index, Err(error)),
            }
            self.settle();
        }
    }

    /// A request has room at `place`.
    fn begin(&mut self, index: usize, request: Request, place: Place) {
        let driver = match driver(&mut self.driver, self.shared.pools.get(self.gates.net())) {
            Ok(driver) => driver,
            Err(error) => {
                self.leave(Some(place));
                return self.finish(index, Err(Error::from_pool(error, &request)));
            }
        };
        let mut cx = Cx { shared: &self.shared, driver };
        let mut call = Box::new(Call::new(request, Class::Batch, false, &mut cx));
        let todo = call.begin(&mut cx);
        self.follow(index, call, todo, Some(place));
    }

    /// Notes that a request can be given up, unless it was already.
    fn watch(&mut self, index: usize, request: &Request) -> Result<(), Error> {
        let Some(canceller) = request.settings().canceller() else { return Ok(()) };
        let bell = match &mut self.bell {
            Some(bell) => bell,
            none => {
                let driver = driver(&mut self.driver, self.shared.pools.get(self.gates.net()))
                    .map_err(|error| Error::from_pool(error, request))?;
                none.insert(Bell::new(driver))
            }
        };
        let watch = Watch::ringing(canceller, bell.clone());
        if watch.is_canceled() {
            return Err(unsent(request));
        }
        self.watches.insert(index, watch);
        Ok(())
    }

    /// When everything that is left waits for another net, or pauses, a driver of that takes over. Says whether one did.
    fn change_net(&mut self) -> bool {
        if !self.gates.has_waiters_elsewhere() {
            return false;
        }
        let pauses = |slot: &&Slot| matches!(slot, Slot::Call(call, _) if call.is_pausing());
        let pausing = self.calls.values().filter(pauses).count();
        let Some(admitted) = self.gates.change_net(self.calls.len() - pausing) else { return false };
        let driver = match self.shared.pools.get(self.gates.net()).driver() {
            Ok(driver) => driver,
            Err(error) => {
                self.fail_all(error);
                return false;
            }
        };
        // Each net has a clock of its own: what was left of a time is left of it there.
        let now = driver.now();
        let before = self.driver.as_ref().map_or(now, Driver::now);
        if let Some(bell) = &self.bell {
            bell.hang_at(&driver);
        }
        self.driver = Some(driver);
        self.sleepers.clear();
        for (index, slot) in &mut self.calls {
            if let Slot::Call(call, _) = slot {
                call.change_clock(before, now);
                self.sleepers.extend(call.wakes_at().map(|at| Reverse((at, *index))));
            }
        }
        for (index, place) in admitted {
            if self.gates.enter(&place, index, false) {
                self.admitted.push_back((index, place));
            }
        }
        self.settle();
        true
    }

    /// Those that were canceled end, wherever they are.
    fn give_up(&mut self) {
        if !self.bell.as_ref().is_some_and(|bell| bell.take()) {
            return;
        }
        let canceled = self.watches.iter().filter(|(_, watch)| watch.is_canceled());
        let mut canceled: Vec<usize> = canceled.map(|(index, _)| *index).collect();
        canceled.sort_unstable();
        for index in canceled {
            match self.take(index) {
                Some(Slot::New(request)) => {
                    if let Ok(route) = request.route() {
                        let pool = self.shared.pools.of(request.url());
                        self.gates.forget(&Place { pool, route: route.key().clone() }, index);
                    }
                    self.finish(index, Err(unsent(&request)));
                }
                Some(Slot::Call(mut call, place)) => {
                    if let Some(wanted) = call.place() {
                        self.gates.forget(&wanted, index);
                    }
                    if let Some(id) = call.exchange() {
                        self.exchanges.remove(&id);
                    }
                    let error = call.cancel(self.driver.as_mut());
                    self.leave(place);
                    self.finish(index, Err(error));
                }
                None => {}
            }
        }
        // Only now: room goes to nobody who is about to be given up too.
        self.settle();
    }

    /// Room has come free at `place`; whoever waits for it goes on in [`settle`](Self::settle), not here: a queue of
    /// ten thousand must not become a stack of ten thousand calls.
    fn leave(&mut self, place: Option<Place>) {
        self.admitted.extend(place.and_then(|place| self.gates.leave(&place)));
    }

    /// Those that have been given room go on.
    fn settle(&mut self) {
        while let Some((index, place)) = self.admitted.pop_front() {
            match self.take(index) {
                Some(Slot::New(request)) => self.begin(index, *request, place),
                Some(Slot::Call(call, _)) => self.launch(index, call, Some(place)),
                // It was given up in the meantime.
                None => self.leave(Some(place)),
            }
        }
    }

    fn take(&mut self, index: usize) -> Option<Slot> {
        let slot = self.calls.remove(&index)?;
        self.current = Some(index);
        Some(slot)
    }

    fn keep(&mut self, index: usize, slot: Slot) {
        self.calls.insert(index, slot);
        self.current = None;
    }

    fn finish(&mut self, index: usize, result: Result<Response, Error>) {
        if !self.watches.is_empty() {
            self.watches.remove(&index);
        }
        self.done.push_back((index, result));
        self.current = None;
    }

    /// Does what a call asks for. `place`: where it has room.
    fn follow(&mut self, index: usize, call: Box<Call>, todo: Todo, place: Option<Place>) {
        match todo {
            Todo::Listen => self.keep(index, Slot::Call(call, place)),
            Todo::Wake(at) => {
                self.sleep(at, index);
                // A pause needs no room; the rest of a body does.
                let place = match call.exchange() {
                    Some(_) => place,
                    None => {
                        self.leave(place);
                        None
                    }
                };
                self.keep(index, Slot::Call(call, place));
            }
            Todo::Send => self.launch(index, call, place),
            // Calls of a batch are never streams.
            Todo::Done | Todo::Open => {
                self.leave(place);
                let result = call.into_result();
                self.finish(index, result);
            }
        }
    }

    /// Starts the exchange of a call, if there is room where it goes.
    fn launch(&mut self, index: usize, mut call: Box<Call>, place: Option<Place>) {
        let Some(wanted) = call.place() else {
            return self.keep(index, Slot::Call(call, place));
        };
        if self.watches.get(&index).is_some_and(Watch::is_canceled) {
            let error = call.cancel(None);
            self.leave(place);
            return self.finish(index, Err(error));
        }
        let has_room = place.as_ref() == Some(&wanted);
        if !has_room {
            self.leave(place);
        }
        // Those that have begun go before those that have not.
        if has_room || self.gates.enter(&wanted, index, true) {
            let shared = &*self.shared;
            let driver = self.driver.as_mut();
            if let Some(id) = driver.and_then(|driver| call.launch(&mut Cx { shared, driver })) {
                self.exchanges.insert(id, index);
            }
            return self.keep(index, Slot::Call(call, Some(wanted)));
        }
        if let Some(deadline) = call.wakes_at() {
            self.sleep(deadline, index);
        }
        self.keep(index, Slot::Call(call, None));
    }

    /// Notes when a call is to be woken.
    fn sleep(&mut self, at: Instant, index: usize) {
        self.sleepers.push(Reverse((at, index)));
        if self.sleepers.len() > 4 * self.calls.len() + SPARE_SLEEPERS {
            let Some(now) = self.driver.as_ref().map(Driver::now) else { return };
            let calls = &self.calls;
            // The one just noted is in no slot yet.
            self.sleepers.retain(|Reverse((time, sleeper))| {
                (*time, *sleeper) == (at, index)
                    || matches!(calls.get(sleeper), Some(Slot::Call(call, _)) if *time <= now || call.wakes_at() == Some(*time))
            });
        }
    }

    /// Tells the call of an exchange what happened to it.
    fn on_event(&mut self, id: ExchangeId, event: pool::Event) {
        let Some(index) = self.exchanges.get(&id).copied() else { return };
        let Some(Slot::Call(mut call, place)) = self.take(index) else { return };
        let Some(driver) = &mut self.driver else { return };
        let todo = call.on_event(event, &mut Cx { shared: &self.shared, driver });
        if call.exchange() != Some(id) {
            self.exchanges.remove(&id);
        }
        self.follow(index, call, todo, place);
        self.settle();
    }

    /// Those whose time has come.
    fn wake(&mut self) {
        let Some(now) = self.driver.as_ref().map(Driver::now) else { return };
        let mut due = Vec::new();
        while let Some(Reverse((at, index))) = self.sleepers.peek().copied()
            && at <= now
        {
            self.sleepers.pop();
            due.push(index);
        }
        for index in due {
            match self.take(index) {
                Some(Slot::Call(call, None)) if call.route().is_some() => self.wake_held(index, call, now),
                Some(Slot::Call(mut call, place)) => {
                    let Some(driver) = &mut self.driver else { return };
                    let todo = call.on_time(&mut Cx { shared: &self.shared, driver });
                    self.follow(index, call, todo, place);
                }
                Some(slot) => self.keep(index, slot),
                None => {}
            }
            self.settle();
        }
    }

    /// The time of a call that waits for room may be over.
    fn wake_held(&mut self, index: usize, mut call: Box<Call>, now: Instant) {
        if call.flow().deadline().is_none_or(|deadline| deadline > now) {
            return self.keep(index, Slot::Call(call, None));
        }
        if let Some(wanted) = call.place() {
            self.gates.forget(&wanted, index);
        }
        let flow = call.flow();
        let error = Error::timed_out(Limit::Total, Phase::Queue, flow.request());
        let error = flow.failed(error);
        self.finish(index, Err(error));
    }

    /// Waiting itself has failed: everything under way ends with that.
    fn fail_all(&mut self, error: pool::Error) {
        let text = error.to_string();
        let mut first = Some(error);
        self.end_all(|request| match first.take() {
            Some(error) => Error::from_pool(error, request),
            None => Error::new(ErrorKind::Io, text.clone()).with_request(request),
        });
    }

    /// Everything under way ends with an error.
    fn end_all(&mut self, mut error: impl FnMut(&Request) -> Error) {
        let mut indices: Vec<usize> = self.calls.keys().copied().collect();
        indices.sort_unstable();
        for index in indices {
            let error = match self.calls.remove(&index) {
                Some(Slot::New(request)) => error(&request),
                Some(Slot::Call(mut call, _)) => {
                    let error = error(call.flow().request());
                    call.flow().failed(error)
                }
                None => continue,
            };
            self.done.push_back((index, Err(error)));
        }
        self.exchanges.clear();
        self.watches.clear();
        self.bell = None;
        self.sleepers.clear();
        self.admitted.clear();
        self.gates.clear();
        self.driver = None;
    }

    /// Something of the caller's panicked in the middle of the work: what it left behind is not waited for.
    fn abandon(&mut self) {
        const WHY: &str = "a hook, a policy or the iterator of the requests panicked";
        self.source = None;
        if let Some(index) = self.current.take() {
            self.done.push_back((index, Err(Error::canceled(WHY))));
        }
        self.end_all(|request| Error::canceled(WHY).with_request(request));
    }
}

/// The driver, made when it is first needed.
fn driver<'a>(driver: &'a mut Option<Driver>, pool: &Pool) -> Result<&'a mut Driver, pool::Error> {
    match driver {
        Some(driver) => Ok(driver),
        none => pool.driver().map(|driver| none.insert(driver)),
    }
}

/// A request that was canceled before it began.
fn unsent(request: &Request) -> Error {
    Error::canceled("canceled before it was sent").with_request(request)
}

impl<I> Iterator for Completed<I>
where
    I: Iterator,
    I::Item: IntoRequest,
{
    type Item = (usize, Result<Response, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        if std::mem::replace(&mut self.working, true) {
            self.abandon();
        }
        if self.done.is_empty() {
            self.advance();
        }
        self.working = false;
        self.done.pop_front()
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
