//! Name lookups on short-lived helper threads. The only file that starts a thread.
//!
//! `getaddrinfo` blocks and cannot be bounded or cancelled, so it never runs on a thread that drives exchanges. There
//! are no resident threads: one is started when there is work and none is free, at most [`MAX_THREADS`], and each
//! ends after [`LINGER`] without work. The same name asked for twice at once is looked up once, and answers are kept
//! for [`cache::TTL`](super::cache::TTL).

use super::cache::Cache;
use crate::net::{Ready, Token, Wake};
use crate::resolver::Resolve;
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Lookups that may block at the same time. A resolver that hangs holds one of these until it returns.
const MAX_THREADS: usize = 4;

/// How long a helper thread waits for more work.
const LINGER: Duration = Duration::from_secs(5);

/// The system's resolver, `getaddrinfo`.
fn system(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut addresses: Vec<IpAddr> = (host, 0).to_socket_addrs()?.map(|address| address.ip()).collect();
    addresses.dedup();
    Ok(addresses)
}

/// What an empty answer means.
pub(crate) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the host has no address")
}

/// A host, and who is to find it: answers of one resolver are none of another's.
#[derive(Clone)]
pub(crate) struct Question {
    host: String,
    resolver: Option<Arc<dyn Resolve>>,
}

impl Question {
    /// Where the resolver lives: it is kept alive by the question, so no other can live there.
    fn resolver_id(&self) -> Option<usize> {
        self.resolver.as_ref().map(|resolver| Arc::as_ptr(resolver).cast::<()>().addr())
    }

    fn answer(&self) -> io::Result<Vec<IpAddr>> {
        match &self.resolver {
            Some(resolver) => resolver.resolve(&self.host),
            None => system(&self.host),
        }
    }
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        self.host == other.host && self.resolver_id() == other.resolver_id()
    }
}

impl Eq for Question {}

impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.host.hash(state);
        self.resolver_id().hash(state);
    }
}

/// Where the answers for one net are put.
pub(crate) struct Inquirer {
    answers: Mutex<Vec<Ready>>,
    waker: Arc<dyn Wake>,
}

impl Inquirer {
    pub(crate) fn new(waker: Arc<dyn Wake>) -> Self {
        Self { answers: Mutex::default(), waker }
    }

    /// Moves the answers that have arrived to `ready`.
    pub(crate) fn collect(&self, ready: &mut Vec<Ready>) {
        ready.append(&mut self.answers.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Puts an answer down; whoever waits collects it before it waits again.
    fn put(&self, token: Token, result: io::Result<Vec<SocketAddr>>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(Ready::Lookup { token, result });
    }
}

/// The lookups of a pool, shared by all its drivers.
#[derive(Default)]
pub(crate) struct Lookups {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    cache: Cache<Question>,
    queue: VecDeque<Question>,
    /// Who waits for which answer. Present from the question to the answer: asking again joins in.
    asked: HashMap<Question, Vec<Asker>>,
    threads: usize,
    idle: usize,
    /// The latest time anybody told us; answers are dated with it.
    now: Option<Instant>,
}

struct Asker {
    /// A net that is gone by the time of the answer is not kept alive for it.
    inquirer: Weak<Inquirer>,
    token: Token,
    port: u16,
}

impl Lookups {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers from the cache at once, else sees to it that a helper thread looks the host up.
    pub(crate) fn ask(
        self: &Arc<Self>,
        inquirer: &Arc<Inquirer>,
        token: Token,
        (host, port): (&str, u16),
        resolver: Option<&Arc<dyn Resolve>>,
        now: Instant,
    ) {
        let question = Question { host: host.to_owned(), resolver: resolver.cloned() };
        let mut state = self.lock();
        state.now = Some(now);
        if let Some(addresses) = state.cache.get(&question, now) {
            inquirer.put(token, Ok(with_port(addresses, port)));
            drop(state);
            // An outer loop waits for the selector, which knows nothing of an answer put down.
            return inquirer.waker.wake();
        }
        let asker = Asker { inquirer: Arc::downgrade(inquirer), token, port };
        if let Some(askers) = state.asked.get_mut(&question) {
            askers.retain(|asker| asker.inquirer.strong_count() > 0);
            return askers.push(asker);
        }
        state.asked.insert(question.clone(), vec![asker]);
        state.queue.push_back(question);
        if state.idle >= state.queue.len() || state.threads >= MAX_THREADS {
            drop(state);
            return self.work.notify_one();
        }
        state.threads += 1;
        drop(state);
        let helper = self.clone();
        let started =
            std::thread::Builder::new().name("pool-lookup".to_owned()).spawn(move || helper.serve());
        if let Err(error) = started {
            let mut state = self.lock();
            state.threads -= 1;
            // Others may still be at work and will take it; if nobody is, nobody ever would.
            if state.threads == 0 {
                let lost: Vec<Question> = state.queue.drain(..).collect();
                drop(state);
                for question in &lost {
                    self.deliver(question, Err(io::Error::new(error.kind(), error.to_string())));
                }
            }
        }
    }

    /// What a helper thread does: looks up what is queued, and ends when there was nothing for a while.
    fn serve(self: Arc<Self>) {
        let mut state = self.lock();
        loop {
            if let Some(question) = state.queue.pop_front() {
                drop(state);
                let looked_up = catch_unwind(AssertUnwindSafe(|| question.answer()));
                let result = looked_up.unwrap_or_else(|_| Err(io::Error::other("the resolver panicked")));
                self.deliver(&question, result);
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (woken, wait) = self.work.wait_timeout(state, LINGER).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if wait.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn deliver(&self, question: &Question, result: io::Result<Vec<IpAddr>>) {
        let result =
            result.and_then(|addresses| if addresses.is_empty() { Err(no_address()) } else { Ok(addresses) });
        let mut state = self.lock();
        if let (Ok(addresses), Some(now)) = (&result, state.now) {
            state.cache.put(question, addresses, now);
        }
        let askers = state.asked.remove(question).unwrap_or_default();
        drop(state);
        for asker in askers {
            let Some(inquirer) = asker.inquirer.upgrade() else { continue };
            let answer = match &result {
                Ok(addresses) => Ok(with_port(addresses, asker.port)),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            inquirer.put(asker.token, answer);
            inquirer.waker.wake();
        }
    }
}

fn with_port(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    addresses.iter().map(|&ip| SocketAddr::new(ip, port)).collect()
}
