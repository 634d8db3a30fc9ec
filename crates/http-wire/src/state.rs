//! Where an exchange stands: both directions, the rules that couple them, and whether the connection can be
//! used again. Nothing else is in this file.
//!
//! - `Tx` goes `Idle` → `Body` → `Done`; without a body straight to `Done`.
//! - `Rx` goes `Idle` → `Head` → `Body` → `Done`; an informational response leads from `Head` to `Head`; a
//!   switch of protocol to `Switched`; the end of the stream without a request to `Closed`.
//! - A response may overtake the request body: `Rx` does not wait for `Tx`. If it ends first, the connection
//!   cannot be used again.
//! - With both `Done` and no reason to close, `Rx` is `Idle` again, which makes another exchange legal. `Tx`
//!   remains `Done` until that begins: to end the body of a request whose answer has ended is no mistake.
//! - After a fault nothing moves any more.

use crate::body::Decoder;
use crate::body::chunked::Chunked;
use crate::body::encode::{Encoder, Frame};
use crate::error::{RecvError, SendError};
use crate::event::{CloseReason, Reuse};
use crate::framing::{Asked, BodyKind, Framing, Next};
use crate::head::scan::Scan;
use crate::limits::Limits;

/// Sending: what remains of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tx {
    Idle,
    Body(Encoder),
    Done,
}

impl Tx {
    /// Sends `len` body bytes.
    fn send(self, len: usize) -> Result<(Self, Frame), SendError> {
        match self {
            Self::Body(encoder) => {
                let (frame, rest) = encoder.frame(len)?;
                Ok((rest.map_or(Self::Done, Self::Body), frame))
            }
            // Of the end of a body, nothing can go wrong with nothing.
            Self::Done => Encoder::Length(0).frame(len).map(|(frame, _)| (Self::Done, frame)),
            Self::Idle => Err(SendError::NotSending),
        }
    }

    /// Ends the body. The encoder is returned if it has something to say about that.
    fn finish(self) -> Result<(Self, Option<Encoder>), SendError> {
        match self {
            Self::Body(Encoder::Length(_)) => Err(SendError::BodyTooShort),
            Self::Body(encoder) => Ok((Self::Done, Some(encoder))),
            Self::Done => Ok((Self::Done, None)),
            Self::Idle => Err(SendError::NotSending),
        }
    }
}

/// Receiving: what remains of the response.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rx {
    Idle,
    Head(Scan),
    Body(Decoder),
    /// The trailer section of a chunked body.
    Trailer(Scan),
    Done,
    Switched,
    Closed,
}

/// Both directions, and what the exchange remembers.
#[derive(Debug)]
pub(crate) struct State {
    tx: Tx,
    pub(crate) rx: Rx,
    asked: Asked,
    awaits_continue: bool,
    /// Informational responses so far.
    informational: u32,
    /// The first reason not to use the connection again.
    close: Option<CloseReason>,
    fault: Option<RecvError>,
}

/// What a request that begins an exchange says to the state.
pub(crate) struct Begin {
    pub(crate) asked: Asked,
    pub(crate) body: BodyKind,
    pub(crate) close: bool,
    pub(crate) expect: bool,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            tx: Tx::Idle,
            rx: Rx::Idle,
            asked: Asked::default(),
            awaits_continue: false,
            informational: 0,
            close: None,
            fault: None,
        }
    }

    pub(crate) fn begin(&mut self, request: &Begin) -> Result<(), SendError> {
        self.may_send()?;
        if !self.is_idle() {
            return Err(SendError::NotIdle);
        }
        *self = Self {
            tx: request.body.encoder().map_or(Tx::Done, Tx::Body),
            rx: Rx::Head(Scan::default()),
            asked: request.asked,
            awaits_continue: request.expect,
            informational: 0,
            close: request.close.then_some(CloseReason::ClientAsked),
            fault: None,
        };
        Ok(())
    }

    pub(crate) fn send(&mut self, len: usize) -> Result<Frame, SendError> {
        self.may_send()?;
        let (tx, frame) = self.tx.send(len)?;
        self.tx = tx;
        self.awaits_continue &= len == 0;
        Ok(frame)
    }

    pub(crate) fn finish(&mut self) -> Result<Option<Encoder>, SendError> {
        self.may_send()?;
        let (tx, rest) = self.tx.finish()?;
        self.tx = tx;
        self.awaits_continue = false;
        Ok(rest)
    }

    /// A head has come; `framing` says what follows it.
    pub(crate) fn head(&mut self, framing: Framing, limits: &Limits) -> Result<(), RecvError> {
        if self.informational >= limits.max_informational && matches!(framing.next, Next::Head) {
            return Err(RecvError::TooManyInformational);
        }
        self.close = self.close.or(framing.close);
        self.awaits_continue = false;
        self.rx = match framing.next {
            Next::Head => {
                self.informational += 1;
                Rx::Head(Scan::default())
            }
            Next::Switched => {
                self.close = Some(CloseReason::Switched);
                Rx::Switched
            }
            Next::Empty => Rx::Body(Decoder::Empty),
            Next::Length(n) => Rx::Body(Decoder::Length(n)),
            Next::Chunked => Rx::Body(Decoder::Chunked(Chunked::default())),
            Next::UntilEof => Rx::Body(Decoder::UntilEof),
        };
        Ok(())
    }

    /// The response has ended.
    pub(crate) fn end(&mut self) -> Reuse {
        if !matches!(self.tx, Tx::Done) {
            self.close = self.close.or(Some(CloseReason::RequestUnfinished));
        }
        self.rx = if self.close.is_none() { Rx::Idle } else { Rx::Done };
        self.reuse()
    }

    /// The peer has closed the connection while no response was outstanding.
    pub(crate) fn closed(&mut self) {
        self.rx = Rx::Closed;
        self.close = self.close.or(Some(CloseReason::ServerAsked));
    }

    pub(crate) fn fail(&mut self, error: RecvError) -> RecvError {
        *self.fault.get_or_insert(error)
    }

    pub(crate) fn fault(&self) -> Option<RecvError> {
        self.fault
    }

    pub(crate) fn asked(&self) -> Asked {
        self.asked
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.fault.is_none() && matches!(self.rx, Rx::Idle) && !self.is_sending()
    }

    pub(crate) fn is_sending(&self) -> bool {
        matches!(self.tx, Tx::Body(_))
    }

    pub(crate) fn awaits_continue(&self) -> bool {
        self.fault.is_none() && self.awaits_continue
    }

    /// Whether part of a response has come in this exchange, the head under way excepted.
    pub(crate) fn has_begun(&self) -> bool {
        self.informational > 0
    }

    pub(crate) fn reuse(&self) -> Reuse {
        match (self.fault, self.close) {
            (Some(_), _) => Reuse::Close(CloseReason::Fault),
            (None, Some(reason)) => Reuse::Close(reason),
            (None, None) => Reuse::Keep,
        }
    }

    fn may_send(&self) -> Result<(), SendError> {
        self.fault.map_or(Ok(()), |_| Err(SendError::Faulted))
    }
}
