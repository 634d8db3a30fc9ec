//! Response bodies: whole, in pieces, or the request's own.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// What hyper sends. Its framing follows from `size_hint`: a known length is a Content-Length, an unknown one is chunked.
#[derive(Debug)]
pub(crate) enum Body {
    Whole(Bytes),
    Pieces(Pieces),
    Echo(Incoming),
}

impl Body {
    pub(crate) fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    /// Chunked; every piece is one chunk.
    pub(crate) fn chunks(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Self {
        Self::Pieces(Pieces { iter: Box::new(pieces), left: None, pause: Duration::ZERO, timer: None })
    }

    /// Sized; the pieces must add up to `length`.
    pub(crate) fn sized(length: u64, pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Self {
        Self::slow(length, Duration::ZERO, pieces)
    }

    /// Sized, with a pause after every piece.
    pub(crate) fn slow(
        length: u64,
        pause: Duration,
        pieces: impl Iterator<Item = Bytes> + Send + 'static,
    ) -> Self {
        Self::Pieces(Pieces { iter: Box::new(pieces), left: Some(length), pause, timer: None })
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Whole(bytes.into())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Pieces(pieces) => {
                pieces.poll_next(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Echo(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Pieces(pieces) => pieces.left == Some(0),
            Self::Echo(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(pieces) => pieces.left.map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Echo(body) => body.size_hint(),
        }
    }
}

/// A body made while it is sent.
pub(crate) struct Pieces {
    iter: Box<dyn Iterator<Item = Bytes> + Send>,
    /// Bytes still to come, for a sized body.
    left: Option<u64>,
    pause: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pieces {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(timer) = &mut self.timer {
            ready!(timer.as_mut().poll(cx));
            self.timer = None;
        }
        let piece = self.iter.next();
        if let Some(bytes) = &piece {
            self.left = self.left.map(|left| left.saturating_sub(bytes.len() as u64));
            if !self.pause.is_zero() {
                self.timer = Some(Box::pin(sleep(self.pause)));
            }
        }
        Poll::Ready(piece)
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("left", &self.left).field("pause", &self.pause).finish_non_exhaustive()
    }
}
