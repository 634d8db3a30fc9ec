use crate::head::response::ResponseHead;
use crate::headers::Headers;

/// What has happened on the receiving side of a [`Connection`](crate::Connection).
///
/// An exchange yields `Informational* (Response Data* End | Switched)`, or an error at any point, and nothing
/// else.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A 1xx other than 101 (RFC 9110 section 15.2). Zero or more, before `Response`.
    Informational(ResponseHead),
    /// The final response. Exactly one per exchange, unless it is `Switched`.
    Response(ResponseHead),
    /// So many body bytes, never 0, lie at the front of the inbox:
    /// [`take`](crate::Connection::take) them. Returned again, unchanged, until they are taken.
    Data(usize),
    /// The response is complete. Exactly one per exchange, after the last `Data`.
    End(End),
    /// 101, or 2xx to CONNECT: all further bytes, in the inbox or not, belong to another protocol.
    Switched(ResponseHead),
    /// The peer closed a connection that no response was outstanding on. Sticky.
    Closed,
}

/// The end of a response.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Fields after a chunked body, as they were sent; never merged into the head, whatever their names
    /// (RFC 9110 section 6.5.1). `None` if there were none.
    pub trailers: Option<Headers>,
    /// Whether the connection can carry another exchange; final. It presumes that everything appended for
    /// this exchange was, or will be, written to the transport.
    pub reuse: Reuse,
}

/// Whether a connection can be used for another exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a connection is kept or it is not")]
pub enum Reuse {
    /// Both sides keep it, and where the response ends is beyond doubt.
    Keep,
    /// It has to be closed.
    Close(CloseReason),
}

/// Why a connection cannot be used again. Where several reasons hold, the one that was known first; so this says
/// nothing about how the body is framed, for which there is
/// [`Connection::is_until_eof`](crate::Connection::is_until_eof).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The request said `Connection: close`.
    ClientAsked,
    /// A response said `Connection: close`, or the peer closed the idle connection.
    ServerAsked,
    /// The response was HTTP/1.0. Such connections are never kept, whatever `Connection` says.
    Http10,
    /// Two framings in one message: one was chosen, but another reader might choose otherwise (RFC 9112
    /// section 6.3, item 3). In strict mode also a 204 that announces a body (RFC 9110 section 8.6).
    ConflictingFraming,
    /// The end of the stream is the end of the body.
    UntilEof,
    /// The response was complete before the request was.
    RequestUnfinished,
    /// The connection now speaks another protocol.
    Switched,
    /// The peer broke the protocol.
    Fault,
}
