//! What can go wrong while talking, and what the caller is told.

use crate::error::Error;
use crate::kind::ErrorKind;
use crate::link::tls;
use http_wire::{Phase as WirePhase, RecvError, SendError};
use std::io;

/// How far a transfer had got when it failed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// The head of the answer was complete.
    pub(super) has_head: bool,
    /// Bytes of the answer.
    pub(super) received: u64,
    /// Bytes of its body that were given out.
    pub(super) body: u64,
    /// The length its head announced.
    pub(super) announced: Option<u64>,
}

/// Why a transfer failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The peer broke the protocol, or ended too early.
    Wire(RecvError),
    /// The transport failed.
    Link(io::Error),
    /// TLS ended without a goodbye, in a body that only its end delimits: it may have been cut.
    Truncated,
    /// The caller's body source failed.
    Source(io::Error),
    /// The source gave fewer bytes than announced.
    SourceTooShort,
    /// The source gave more bytes than announced.
    SourceTooLong,
    /// The codec refused what we asked of it.
    Misuse(SendError),
}

impl Fault {
    /// Whether the connection died, as a kept one may at any time, rather than said something wrong.
    pub(super) fn is_lost_connection(&self) -> bool {
        match self {
            Self::Wire(error) => error.before_response(),
            Self::Link(error) => is_loss(error),
            _ => false,
        }
    }

    /// The error for the caller.
    pub(super) fn into_error(self, progress: Progress) -> Error {
        match self {
            Self::Wire(error) if error.before_response() => Error::new(ErrorKind::Closed)
                .with_detail("the server closed the connection before it sent an answer")
                .with_source(error),
            Self::Wire(error @ RecvError::UnexpectedEof(WirePhase::Head)) => Error::new(ErrorKind::Protocol)
                .with_detail("the server closed the connection in the middle of the response head")
                .with_source(error),
            Self::Wire(error @ RecvError::UnexpectedEof(_)) => {
                Error::new(ErrorKind::Body).with_detail(cut_short(progress)).with_source(error)
            }
            Self::Wire(error) => Error::new(ErrorKind::Protocol)
                .with_detail(format!("the server broke HTTP/1.1: {error}"))
                .with_source(error),
            Self::Link(error) => link_error(error, progress),
            Self::Truncated => Error::new(ErrorKind::Body).with_detail(format!(
                "TLS ended without close_notify after {} bytes of a body without a length: it may have been cut short",
                progress.body
            )),
            Self::Source(error) => {
                let detail = format!("the source of the request body failed: {error}");
                Error::new(ErrorKind::Io).with_detail(detail).with_source(error)
            }
            Self::SourceTooShort => Error::new(ErrorKind::Body)
                .with_detail("the source of the request body ended before the announced length"),
            Self::SourceTooLong => {
                Error::new(ErrorKind::Body).with_detail("the source of the request body gave more than the announced length")
            }
            Self::Misuse(error) => {
                Error::new(ErrorKind::Protocol).with_detail("the connection could not begin the request").with_source(error)
            }
        }
    }
}

fn link_error(error: io::Error, progress: Progress) -> Error {
    if let Some(words) = tls::explain(&error, "the server") {
        return Error::new(ErrorKind::Tls).with_detail(words).with_source(error);
    }
    let (kind, detail) = match (is_loss(&error), progress.has_head) {
        (true, true) => (ErrorKind::Body, cut_short(progress)),
        (true, false) if progress.received > 0 => {
            (ErrorKind::Protocol, "the connection was lost in the middle of the response head".to_owned())
        }
        (true, false) => (ErrorKind::Closed, "the connection was lost before an answer came".to_owned()),
        (false, _) => (ErrorKind::Io, "the connection failed".to_owned()),
    };
    Error::new(kind).with_detail(detail).with_source(error)
}

/// How much of how much arrived.
fn cut_short(progress: Progress) -> String {
    match progress.announced {
        Some(announced) => format!("the response body ended after {} of {announced} bytes", progress.body),
        None => {
            format!("the response body ended after {} bytes, before its end was announced", progress.body)
        }
    }
}

fn is_loss(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof, WriteZero,
    };
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof | WriteZero
    )
}
