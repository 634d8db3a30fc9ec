//! What a scripted server does with one connection.

/// The steps for one connection, in order. What is left of them when the peer closes or breaks the connection is not
/// carried out. After the last step the connection is closed as by [`close`](Self::close).
///
/// The server reads only in the steps that wait for bytes. A socket closed with unread bytes in it is reset by the
/// kernel, which can take the last bytes sent with it: read what the client sends, or end with
/// [`wait_for_close`](Self::wait_for_close).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Script {
    pub(super) steps: Vec<Step>,
}

/// One step, done whole before the next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    ExpectUntil(Vec<u8>),
    ExpectBytes(usize),
    Send(Vec<u8>),
    SendBytewise(Vec<u8>),
    Pause,
    WaitForClose,
    CloseWrite,
    End(Ending),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// In order: close_notify where there is TLS, then FIN.
    Orderly,
    /// FIN alone.
    Truncated,
    /// RST.
    Reset,
    /// Not at all while the server lives.
    Never,
}

impl Script {
    /// A script without steps: the connection is closed at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for a request head: everything up to and including the first empty line.
    pub fn expect_head(self) -> Self {
        self.expect_until("\r\n\r\n")
    }

    /// Waits for `bytes` more bytes, such as a body of known length.
    pub fn expect_body(self, bytes: usize) -> Self {
        self.then(Step::ExpectBytes(bytes))
    }

    /// Waits until `end` has come, such as `0\r\n\r\n` for a chunked body. An empty `end` is there at once.
    pub fn expect_until(self, end: impl Into<Vec<u8>>) -> Self {
        self.then(Step::ExpectUntil(end.into()))
    }

    /// Sends these bytes in one write.
    pub fn send(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Send(bytes.into()))
    }

    /// Sends these bytes one by one, a segment (and over TLS a record) each.
    pub fn send_bytewise(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::SendBytewise(bytes.into()))
    }

    /// One exchange: waits for a request head, sends `response`.
    pub fn answer(self, response: impl Into<Vec<u8>>) -> Self {
        self.expect_head().send(response)
    }

    /// Waits for a call of [`RawServer::proceed`](super::RawServer::proceed).
    pub fn pause(self) -> Self {
        self.then(Step::Pause)
    }

    /// Reads until the peer closes or resets the connection. Either is what was waited for.
    pub fn wait_for_close(self) -> Self {
        self.then(Step::WaitForClose)
    }

    /// Ends our direction (over TLS with close_notify) and goes on with the script.
    pub fn close_write(self) -> Self {
        self.then(Step::CloseWrite)
    }

    /// Closes in order, over TLS with close_notify first.
    pub fn close(self) -> Self {
        self.then(Step::End(Ending::Orderly))
    }

    /// Closes the TCP connection alone: over TLS without close_notify, as an attacker who cuts a body short would.
    pub fn truncate(self) -> Self {
        self.then(Step::End(Ending::Truncated))
    }

    /// Resets the connection.
    pub fn reset(self) -> Self {
        self.then(Step::End(Ending::Reset))
    }

    /// Neither reads, sends nor closes any more until the server is dropped.
    pub fn hold(self) -> Self {
        self.then(Step::End(Ending::Never))
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}
