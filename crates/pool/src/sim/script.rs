//! Scripts: the steps of a scripted peer, and how they run.

use super::answer::Received;
use super::conn::{Server, Stage};
use super::host::Filter;
use super::incoming::{excerpt, request_line};
use super::state::{Call, Event, State};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// The part a peer plays on one connection.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) host: usize,
    pub(super) filter: Filter,
    /// What is left to do.
    pub(super) steps: VecDeque<Step>,
    /// The connection it runs on.
    pub(super) conn: Option<usize>,
    /// Something came that was not expected: the peer does nothing any more.
    pub(super) failed: bool,
}

/// One thing a peer does, or waits for.
#[derive(Debug)]
pub(super) enum Step {
    /// Waits for a request head that starts so.
    Head(String),
    /// Waits for the rest of the body.
    Body,
    /// Waits for exactly these bytes.
    Bytes(Vec<u8>),
    /// Waits for so many bytes and passes over them.
    Skip(usize),
    /// Waits for one more byte, which stays unread.
    NextByte,
    /// Waits for the client's close.
    ClientClose,
    Reply(Vec<u8>),
    Drip(VecDeque<u8>, Duration),
    Delay(Duration),
    Until(Duration),
    Window(Option<usize>),
    EndSide,
    Close,
    Reset,
    Hold,
}

/// What a step leads to.
enum Next {
    /// The next step.
    Go,
    /// Nothing, until something happens; the step is tried again then.
    Wait(Step),
    /// These steps take the place of the one performed.
    Instead([Step; 2]),
}

impl Script {
    /// Whether a step is left that waits for the client to do something.
    pub(super) fn is_waiting(&self) -> bool {
        self.steps.iter().any(Step::is_expectation)
    }
}

impl Step {
    fn is_expectation(&self) -> bool {
        matches!(self, Self::Head(_) | Self::Body | Self::Bytes(_) | Self::Skip(_) | Self::ClientClose)
    }
}

impl State {
    /// Lets the peer of `id` go on as far as it can.
    pub(super) fn run(&mut self, id: usize) -> Option<Call> {
        if self.is_vanished(id) {
            return None;
        }
        match self.conns.get(id).map(|conn| conn.server)? {
            Server::Nobody => None,
            Server::Script(script) => {
                self.run_script(id, script);
                None
            }
            Server::Proxy(proxy) => {
                self.run_proxy(id, proxy);
                None
            }
            Server::Closure { busy: true, .. } => None,
            Server::Closure { index, busy: false } => self.next_call(id, index),
        }
    }

    /// Adds a step at the end. Says whether it is the turn of that step already.
    pub(super) fn add_step(&mut self, script: usize, step: Step) -> bool {
        let now = self.now;
        let Some(state) = self.scripts.get_mut(script) else { return false };
        let idle = state.steps.is_empty();
        state.steps.push_back(step);
        match state.conn.filter(|_| idle) {
            Some(id) => {
                self.schedule(now, Event::Run(id));
                true
            }
            None => false,
        }
    }

    fn run_script(&mut self, id: usize, script: usize) {
        loop {
            let Some(state) = self.scripts.get_mut(script).filter(|script| !script.failed) else { return };
            let Some(step) = state.steps.pop_front() else { return };
            let back = match self.perform(id, step) {
                Ok(Next::Go) => continue,
                Ok(Next::Instead([first, second])) => {
                    self.put_back(script, second);
                    self.put_back(script, first);
                    continue;
                }
                Ok(Next::Wait(step)) => step,
                Err((step, text)) => {
                    let text = format!("connection #{id}: expected {step}, got {text}");
                    self.note(id, &text);
                    self.failures.push(text);
                    if let Some(script) = self.scripts.get_mut(script) {
                        script.failed = true;
                    }
                    step
                }
            };
            self.put_back(script, back);
            return;
        }
    }

    fn put_back(&mut self, script: usize, step: Step) {
        if let Some(script) = self.scripts.get_mut(script) {
            script.steps.push_front(step);
        }
    }

    /// Performs one step. The error is the step and what came instead.
    fn perform(&mut self, id: usize, step: Step) -> Result<Next, (Step, String)> {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id) else { return Ok(Next::Wait(step)) };
        let client_open = conn.client_open;
        let stage = conn.stage;
        let up = &mut conn.up;
        match step {
            Step::Head(prefix) => match up.incoming.head(&up.received) {
                Ok(None) => return Ok(Next::Wait(Step::Head(prefix))),
                Ok(Some(head)) => {
                    let line = request_line(head);
                    if !line.starts_with(&prefix) {
                        return Err((Step::Head(prefix), format!("{line:?}")));
                    }
                    self.note(id, format_args!("peer got {line:?}"));
                }
                Err(text) => return Err((Step::Head(prefix), text)),
            },
            Step::Body => match up.incoming.body(&up.received) {
                Ok(true) => {}
                Ok(false) => return Ok(Next::Wait(step)),
                Err(text) => return Err((step, text)),
            },
            Step::Bytes(bytes) => {
                let unread = up.unread();
                let got = unread.get(..bytes.len()).unwrap_or(unread);
                if !bytes.starts_with(got) {
                    let text = excerpt(got);
                    return Err((Step::Bytes(bytes), text));
                }
                if got.len() < bytes.len() {
                    return Ok(Next::Wait(Step::Bytes(bytes)));
                }
                up.incoming.skip(bytes.len());
            }
            Step::Skip(count) => {
                if up.unread().len() < count {
                    return Ok(Next::Wait(step));
                }
                up.incoming.skip(count);
            }
            Step::NextByte if up.unread().is_empty() => return Ok(Next::Wait(step)),
            Step::NextByte => {}
            Step::ClientClose if client_open => return Ok(Next::Wait(step)),
            Step::ClientClose => {}
            Step::Reply(bytes) => {
                self.note(id, format_args!("peer sends {}", excerpt(&bytes)));
                self.send(id, bytes);
            }
            Step::Drip(mut bytes, every) => {
                // Nobody is left to drip on.
                if !client_open || stage != Stage::Open {
                    return Ok(Next::Go);
                }
                if let Some(byte) = bytes.pop_front() {
                    self.send(id, vec![byte]);
                    if !bytes.is_empty() {
                        return Ok(Next::Instead([Step::Delay(every), Step::Drip(bytes, every)]));
                    }
                }
            }
            Step::Delay(delay) => {
                self.schedule(now + delay, Event::Run(id));
                return Ok(Next::Wait(Step::Until(now + delay)));
            }
            Step::Until(at) if now < at => return Ok(Next::Wait(step)),
            Step::Until(_) => {}
            Step::Window(window) => {
                up.window = window;
                self.schedule(now, Event::Up(id));
            }
            Step::EndSide => self.finish(id, false),
            Step::Close => self.finish(id, true),
            Step::Reset => self.abort(id),
            Step::Hold => return Ok(Next::Wait(step)),
        }
        Ok(Next::Go)
    }

    /// The next complete request for the closure `index`, if there is one and the closure is not being called.
    fn next_call(&mut self, id: usize, index: usize) -> Option<Call> {
        let answerer = self.closures.get_mut(index)?;
        let conn = self.conns.get_mut(id)?;
        if answerer.closure.is_none() {
            answerer.waiting.push(id);
            return None;
        }
        let incoming = &mut conn.up.incoming;
        match incoming.whole(&conn.up.received) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(text) => {
                // Not looked at again: the peer is silent from here on.
                conn.server = Server::Nobody;
                let text = format!("connection #{id}: expected a request, got {text}");
                self.note(id, &text);
                self.failures.push(text);
                return None;
            }
        }
        let (head, body) = incoming.take()?;
        conn.up.received.drain(..incoming.at());
        incoming.rewind();
        conn.server = Server::Closure { index, busy: true };
        let received = Received { head, body, connection: id, addr: conn.addr, at: self.now };
        let closure = answerer.closure.take()?;
        self.note(id, format_args!("peer got {:?}", request_line(&received.head)));
        Some(Call { conn: id, index, closure, received })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(prefix) => write!(f, "a request {prefix:?}"),
            Self::Body => f.write_str("the end of the request's body"),
            Self::Bytes(bytes) => write!(f, "the bytes {}", excerpt(bytes)),
            Self::Skip(count) => write!(f, "{count} bytes"),
            Self::NextByte => f.write_str("one more byte"),
            Self::ClientClose => f.write_str("the client's close"),
            Self::Reply(bytes) => write!(f, "to reply {}", excerpt(bytes)),
            Self::Drip(bytes, every) => write!(f, "to drip {} bytes, one every {every:?}", bytes.len()),
            Self::Delay(delay) => write!(f, "to wait {delay:?}"),
            Self::Until(at) => write!(f, "to go on at {:.9}", at.as_secs_f64()),
            Self::Window(Some(window)) => write!(f, "to read only {window} more bytes"),
            Self::Window(None) => f.write_str("to read again"),
            Self::EndSide => f.write_str("to end its side"),
            Self::Close => f.write_str("to close"),
            Self::Reset => f.write_str("to reset"),
            Self::Hold => f.write_str("silence"),
        }
    }
}
