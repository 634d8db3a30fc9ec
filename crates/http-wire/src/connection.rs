use crate::body::Decoder;
use crate::body::chunked::Here;
use crate::body::encode::{Frame, LAST_CHUNK};
use crate::error::{Phase, RecvError, SendError};
use crate::event::{End, Event, Reuse};
use crate::framing::{self, Asked, Next};
use crate::head::request::RequestHead;
use crate::head::scan::Scan;
use crate::head::{response, trailer, window};
use crate::headers::Headers;
use crate::inbox::Inbox;
use crate::limits::Limits;
use crate::state::{Begin, Rx, State};

/// Protocol state of one client connection. Holds no bytes and no socket, and does no I/O.
///
/// Sending appends to a buffer of the caller; receiving pulls one [`Event`] at a time from an [`Inbox`] of the
/// caller. The two directions may be driven in any order: a response may come before the request is complete.
/// See the [crate documentation](crate) for one exchange walked through.
#[derive(Debug)]
pub struct Connection {
    state: State,
    limits: Limits,
}

/// Sending. Everything is appended to `out`, all of it or nothing.
impl Connection {
    /// A connection that has just been opened.
    pub fn new(limits: Limits) -> Self {
        Self { state: State::new(), limits }
    }

    /// Begins an exchange: appends the head. Call it when [`is_idle`](Self::is_idle) and nothing is left in
    /// `inbox`, the one this connection reads from: leftover bytes would be taken for the next answer. An end of
    /// stream in it is not looked at; [`next_event`](Self::next_event) will report it.
    ///
    /// # Errors
    ///
    /// `NotIdle`, `Unsolicited`, `Faulted`.
    pub fn start(&mut self, head: &RequestHead, inbox: &Inbox, out: &mut Vec<u8>) -> Result<(), SendError> {
        if self.state.is_idle() && !inbox.is_empty() {
            return Err(SendError::Unsolicited);
        }
        self.state.begin(&Begin {
            asked: Asked {
                head: *head.method() == http::Method::HEAD,
                connect: *head.method() == http::Method::CONNECT,
                upgrade: head.upgrades(),
            },
            body: head.body(),
            close: head.closes(),
            // Without a body there is nothing to wait with, whatever a head that was parsed says.
            expect: head.expects_continue() && head.body().encoder().is_some(),
        })?;
        out.extend_from_slice(head.as_bytes());
        Ok(())
    }

    /// Frames and appends body bytes. An empty slice does nothing: an empty chunk would end the message.
    ///
    /// # Errors
    ///
    /// `BodyTooLong` (more than announced, or after the end), `NotSending`, `Faulted`.
    pub fn send(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        let frame = self.frame(data.len())?;
        out.reserve(frame.prefix().len() + data.len() + frame.suffix().len());
        out.extend_from_slice(frame.prefix());
        out.extend_from_slice(data);
        out.extend_from_slice(frame.suffix());
        Ok(())
    }

    /// The variant of [`send`](Self::send) that copies nothing: what to write before and after `len` body bytes
    /// that the caller writes itself. They count as sent from now on.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn frame(&mut self, len: usize) -> Result<Frame, SendError> {
        self.state.send(len)
    }

    /// Ends the body: appends the last chunk of a chunked one, checks that all of a sized one was sent. Does
    /// nothing if the body has ended already, as every body of known size does with its last byte.
    ///
    /// # Errors
    ///
    /// `BodyTooShort`, `NotSending`, `Faulted`.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), SendError> {
        if self.state.finish()?.is_some() {
            out.extend_from_slice(LAST_CHUNK);
        }
        Ok(())
    }
}

/// Receiving. State changes only when the event is returned.
impl Connection {
    /// What has happened, one event per call; `Ok(None)`: nothing can be said until more bytes, or the end of
    /// the stream, are in the inbox. While body bytes lie ready it returns [`Event::Data`] again and again,
    /// unchanged, until they are taken.
    ///
    /// # Errors
    ///
    /// The peer broke the protocol. The connection has failed for good and says so from now on; the inbox is of
    /// no use any more.
    #[must_use = "an event that is not looked at is lost"]
    pub fn next_event(&mut self, inbox: &mut Inbox) -> Result<Option<Event>, RecvError> {
        if let Some(fault) = self.state.fault() {
            return Err(fault);
        }
        // The usual case in a body of small chunks, where it is most of the work: before anything is asked twice.
        if let Rx::Body(Decoder::Chunked(chunked)) = &mut self.state.rx
            && let Some((read, size)) = chunked.next_chunk(inbox.bytes())
        {
            inbox.consume(read);
            if !inbox.is_empty() {
                return Ok(Some(Event::Data(at_most(inbox.len(), size))));
            }
        }
        let result = match &mut self.state.rx {
            Rx::Head(scan) => {
                let scan = *scan;
                self.head(scan, inbox)
            }
            Rx::Body(Decoder::Chunked(_)) => self.chunked(inbox),
            Rx::Body(Decoder::Empty | Decoder::Length(0)) => Ok(Some(self.end(None))),
            Rx::Body(Decoder::Length(left)) => data(inbox, *left, Phase::Body),
            Rx::Body(Decoder::UntilEof) if inbox.is_empty() && inbox.is_eof() => Ok(Some(self.end(None))),
            Rx::Body(Decoder::UntilEof) => data(inbox, u64::MAX, Phase::Body),
            Rx::Trailer(scan) => {
                let scan = *scan;
                self.trailer(scan, inbox)
            }
            Rx::Idle | Rx::Done | Rx::Closed => self.idle(inbox),
            Rx::Switched => Ok(inbox.is_eof().then_some(Event::Closed)),
        };
        result.map_err(|error| self.state.fail(error))
    }

    /// Takes at most `max` of the body bytes that [`Event::Data`] announced: without chunk framing, borrowed from
    /// the inbox, not copied. Empty if none are announced.
    #[must_use = "the bytes are consumed"]
    pub fn take<'b>(&mut self, inbox: &'b mut Inbox, max: usize) -> &'b [u8] {
        if self.state.fault().is_some() {
            return &[];
        }
        let Rx::Body(decoder) = &mut self.state.rx else { return &[] };
        let n = inbox.len().min(max);
        let n = match decoder {
            Decoder::Empty => 0,
            Decoder::UntilEof => n,
            Decoder::Length(left) => {
                let n = at_most(n, *left);
                *left -= n as u64;
                n
            }
            Decoder::Chunked(chunked) => {
                let Here::Data(left) = chunked.here() else { return &[] };
                let n = at_most(n, left);
                chunked.took(n);
                n
            }
        };
        inbox.take(n)
    }

    /// Copies as many body bytes as are here and fit, over the borders of chunks: for `io::Read`. 0 says only
    /// that none are here (or that `dst` is empty); ask [`next_event`](Self::next_event) why.
    ///
    /// # Errors
    ///
    /// As for [`next_event`](Self::next_event), but only once all bytes before the error were delivered.
    pub fn read_body(&mut self, inbox: &mut Inbox, dst: &mut [u8]) -> Result<usize, RecvError> {
        if let Some(fault) = self.state.fault() {
            return Err(fault);
        }
        if let Rx::Body(Decoder::Chunked(chunked)) = &mut self.state.rx {
            let (read, written) =
                chunked.decode(inbox.bytes(), dst, &self.limits).map_err(|error| self.state.fail(error))?;
            inbox.consume(read);
            return Ok(written);
        }
        let data = self.take(inbox, dst.len());
        if let Some(dst) = dst.get_mut(..data.len()) {
            dst.copy_from_slice(data);
        }
        Ok(data.len())
    }

    /// How many body bytes, at most, may be read from the transport straight into the caller's memory, past the
    /// inbox: `Some` only while the inbox is empty and inside a sized or close-delimited body. Report them with
    /// [`note_direct`](Self::note_direct).
    pub fn direct(&self, inbox: &Inbox) -> Option<u64> {
        if !inbox.is_empty() || inbox.is_eof() || self.state.fault().is_some() {
            return None;
        }
        match self.state.rx {
            Rx::Body(Decoder::Length(left)) if left > 0 => Some(left),
            Rx::Body(Decoder::UntilEof) => Some(u64::MAX),
            _ => None,
        }
    }

    /// Notes that `n` body bytes were read past `inbox`, as [`direct`](Self::direct) allowed; 0 says that the
    /// stream has ended, which is recorded in the inbox. Returns [`Event::End`] if that completes the response.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof`. `Unsolicited` if [`direct`](Self::direct) would not have allowed the read, or not of so
    /// many bytes: bytes of the response have then got out of order, or into the wrong hands, and the connection
    /// has failed for good.
    pub fn note_direct(&mut self, inbox: &mut Inbox, n: usize) -> Result<Option<Event>, RecvError> {
        if let Some(fault) = self.state.fault() {
            return Err(fault);
        }
        if self.direct(inbox).is_none_or(|most| n as u64 > most) {
            return Err(self.state.fail(RecvError::Unsolicited));
        }
        if n == 0 {
            inbox.close();
            return self.next_event(inbox);
        }
        if let Rx::Body(Decoder::Length(left)) = &mut self.state.rx {
            *left -= n as u64;
            if *left == 0 {
                return Ok(Some(self.end(None)));
            }
        }
        Ok(None)
    }
}

/// Asking.
impl Connection {
    /// Whether [`start`](Self::start) is legal: no exchange is under way, and the one before, if any, left the
    /// connection fit for another.
    pub fn is_idle(&self) -> bool {
        self.state.is_idle()
    }

    /// Whether the request body is not finished.
    pub fn is_sending(&self) -> bool {
        self.state.is_sending()
    }

    /// Whether only the end of the stream ends the body being received: then an end that is not authentic, as that
    /// of TLS without `close_notify`, may have cut it short (RFC 9112 section 9.8). [`reuse`](Self::reuse) does not
    /// tell: it may have had another reason first.
    pub fn is_until_eof(&self) -> bool {
        matches!(self.state.rx, Rx::Body(Decoder::UntilEof))
    }

    /// How many bytes of the body being received are still to be taken, where `Content-Length` says so or there are
    /// none; `None` with any other framing and outside a body. Directly after [`Event::Response`] it is the length of
    /// the body.
    pub fn remaining(&self) -> Option<u64> {
        match self.state.rx {
            Rx::Body(Decoder::Length(left)) => Some(left),
            Rx::Body(Decoder::Empty) => Some(0),
            _ => None,
        }
    }

    /// Whether it is wise to wait with the body: the request has one and said `Expect: 100-continue`, no response of any kind
    /// has come, and no body byte was sent (RFC 9110 section 10.1.1). How long to wait is the driver's choice.
    pub fn awaits_continue(&self) -> bool {
        self.state.awaits_continue()
    }

    /// Whether the connection can carry another exchange, as far as is known; final once [`Event::End`] was
    /// returned. It presumes that everything that was appended is written: a caller that could not write all of it
    /// must close the connection, whatever this says.
    pub fn reuse(&self) -> Reuse {
        self.state.reuse()
    }
}

impl Connection {
    fn head(&mut self, mut scan: Scan, inbox: &mut Inbox) -> Result<Option<Event>, RecvError> {
        let bytes = window(inbox.bytes(), self.limits.max_head);
        let full = bytes.len() >= self.limits.max_head;
        let due = full || inbox.is_eof() || scan.is_due(bytes);
        let parsed = if due { response::parse(bytes, &self.limits)? } else { None };
        let Some((len, head)) = parsed else {
            if full {
                return Err(RecvError::HeadTooLarge);
            }
            if inbox.is_eof() {
                let waiting = bytes.is_empty() && !self.state.has_begun();
                return Err(RecvError::UnexpectedEof(if waiting { Phase::Waiting } else { Phase::Head }));
            }
            if due {
                scan.in_vain(bytes);
            }
            self.state.rx = Rx::Head(scan);
            inbox.expect_whole(true);
            return Ok(None);
        };
        let asked = self.state.asked();
        let framing = framing::response(
            asked,
            head.status(),
            head.version(),
            head.headers(),
            self.limits.strict_framing,
        )?;
        let event = match framing.next {
            Next::Head => Event::Informational,
            Next::Switched => Event::Switched,
            _ => Event::Response,
        };
        self.state.head(framing, &self.limits)?;
        inbox.consume(len);
        inbox.expect_whole(false);
        Ok(Some(event(head)))
    }

    /// Inside a chunked body: skips framing up to what there is to say.
    fn chunked(&mut self, inbox: &mut Inbox) -> Result<Option<Event>, RecvError> {
        let Rx::Body(Decoder::Chunked(chunked)) = &mut self.state.rx else { return Ok(None) };
        loop {
            match chunked.here() {
                Here::Data(left) => return data(inbox, left, Phase::Chunk),
                Here::Trailer => return self.trailer(Scan::default(), inbox),
                Here::Framing => match chunked.skip_framing(inbox.bytes(), &self.limits)? {
                    0 => return data(inbox, 0, Phase::Chunk),
                    read => inbox.consume(read),
                },
            }
        }
    }

    fn trailer(&mut self, mut scan: Scan, inbox: &mut Inbox) -> Result<Option<Event>, RecvError> {
        let Some((len, trailers)) = trailer::parse(inbox.bytes(), &mut scan, inbox.is_eof(), &self.limits)?
        else {
            if inbox.is_eof() {
                return Err(RecvError::UnexpectedEof(Phase::Trailer));
            }
            self.state.rx = Rx::Trailer(scan);
            inbox.expect_whole(true);
            return Ok(None);
        };
        inbox.consume(len);
        inbox.expect_whole(false);
        Ok(Some(self.end(trailers)))
    }

    /// No response is outstanding: nothing may come but the end of the stream.
    fn idle(&mut self, inbox: &Inbox) -> Result<Option<Event>, RecvError> {
        if !inbox.is_empty() {
            return Err(RecvError::Unsolicited);
        }
        if inbox.is_eof() {
            self.state.closed();
        }
        Ok(matches!(self.state.rx, Rx::Closed).then_some(Event::Closed))
    }

    fn end(&mut self, trailers: Option<Headers>) -> Event {
        Event::End(End { trailers, reuse: self.state.end() })
    }
}

/// What is here of a body with `left` bytes to come.
fn data(inbox: &Inbox, left: u64, phase: Phase) -> Result<Option<Event>, RecvError> {
    match at_most(inbox.len(), left) {
        0 if inbox.is_eof() => Err(RecvError::UnexpectedEof(phase)),
        0 => Ok(None),
        n => Ok(Some(Event::Data(n))),
    }
}

/// `n`, but not more than `left`.
fn at_most(n: usize, left: u64) -> usize {
    usize::try_from(left).map_or(n, |left| left.min(n))
}
