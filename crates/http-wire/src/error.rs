use std::fmt;

/// The caller asked for a head that cannot exist. Nothing was written.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeadError {
    /// The method is not a token (RFC 9110 section 9.1).
    BadMethod,
    /// The request target is none of the four forms of RFC 9112 section 3.2, or not visible ASCII, or carries
    /// a fragment or user information (RFC 9110 section 4.2.4).
    BadTarget,
    /// A field name is not a token (RFC 9110 section 5.1).
    BadHeaderName,
    /// A field value has a control character or outer white space (RFC 9110 section 5.5), or that of `Host` has
    /// a character that no host and port have (RFC 9110 section 7.2).
    BadHeaderValue,
    /// HTTP/1.1 asks for exactly one `Host` field (RFC 9112 section 3.2); there is none.
    MissingHost,
    /// HTTP/1.1 asks for exactly one `Host` field (RFC 9112 section 3.2); there are more.
    DuplicateHost,
    /// The field is written by the library alone, or contradicts what it writes: see
    /// [`RequestBuilder::header`](crate::RequestBuilder::header).
    ReservedHeader,
    /// CONNECT and TRACE have no content (RFC 9110 sections 9.3.6 and 9.3.8): what follows a CONNECT is the
    /// tunnel's. A body of length 0 is none.
    UnexpectedBody,
    /// The head does not fit into 4 GiB, or has more fields than the target type can hold.
    TooLarge,
}

/// The caller called at the wrong time. Nothing was appended, the connection is as before.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendError {
    /// `start` while an exchange is under way, or on a connection that must not be used again.
    NotIdle,
    /// Body bytes, or the end of a body, without a request.
    NotSending,
    /// `start` while unread bytes lie in the inbox: they would be taken for the answer.
    Unsolicited,
    /// More body bytes than announced, or body bytes after the end of the body.
    BodyTooLong,
    /// `finish` before all announced body bytes were sent.
    BodyTooShort,
    /// The connection has failed; [`next_event`](crate::Connection::next_event) says why.
    Faulted,
}

/// The peer broke the protocol. The connection stays failed, with this error.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecvError {
    /// This part of a head breaks its grammar (RFC 9112 sections 2 to 5).
    Malformed(Part),
    /// The head is longer than [`Limits::max_head`](crate::Limits::max_head). RFC 9110 section 5.4 leaves the
    /// limit to the recipient.
    HeadTooLarge,
    /// The head has more fields than [`Limits::max_headers`](crate::Limits::max_headers). RFC 9110 section 5.4.
    TooManyHeaders,
    /// More 1xx responses than [`Limits::max_informational`](crate::Limits::max_informational). RFC 9110
    /// section 15.2 lets a client ignore them, so nothing ends them but a limit.
    TooManyInformational,
    /// `Content-Length` is not one number below 2^63 (RFC 9112 section 6.3, item 5).
    BadContentLength,
    /// Two framings in one message, in strict mode: `Transfer-Encoding` beside `Content-Length`, or in an
    /// HTTP/1.0 message (RFC 9112 sections 6.1 and 6.3, item 3). In a request, in any mode, also a body with a
    /// method that has none (RFC 9110 sections 9.3.6 and 9.3.8).
    ConflictingFraming,
    /// `Transfer-Encoding` is anything but the single coding `chunked`, and no other was asked for (RFC 9112
    /// sections 6.1 and 7).
    UnsupportedTransferCoding,
    /// 101 to a request that did not ask for an upgrade, or without saying to what, or in HTTP/1.0 (RFC 9110
    /// sections 7.8 and 15.2.2).
    UnexpectedUpgrade,
    /// A chunk-size line breaks its grammar, or the size has more than 16 digits (RFC 9112 section 7.1).
    BadChunkSize,
    /// Chunk data is not followed by CRLF (RFC 9112 section 7.1).
    BadChunkEnd,
    /// Chunk extensions exceed [`Limits::max_chunk_ext`](crate::Limits::max_chunk_ext) (RFC 9112 section 7.1.1
    /// asks for such a limit).
    ChunkExtensionsTooLarge,
    /// The trailer section breaks its grammar (RFC 9112 section 7.1.2).
    BadTrailer,
    /// The trailer section exceeds [`Limits::max_trailers`](crate::Limits::max_trailers) or
    /// [`Limits::max_trailer_fields`](crate::Limits::max_trailer_fields). RFC 9110 section 5.4.
    TrailersTooLarge,
    /// Bytes that belong to no response: no request is outstanding (RFC 9112 section 9.2). Also a direct read
    /// that was not allowed, see [`Connection::note_direct`](crate::Connection::note_direct): whose bytes those
    /// were cannot be told any more.
    Unsolicited,
    /// The stream ended inside a message (RFC 9112 section 8).
    UnexpectedEof(Phase),
}

impl RecvError {
    /// `true` if not one byte of a response had arrived: the peer may never have seen the request, as when a
    /// kept connection was closed while the request was on its way (RFC 9112 section 9.3.1).
    pub fn before_response(&self) -> bool {
        *self == Self::UnexpectedEof(Phase::Waiting)
    }
}

/// Which part of a head was malformed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The message does not begin with a version this crate speaks, `HTTP/1.1` or `HTTP/1.0`; in a request, the
    /// version is not `HTTP/1.1`. RFC 9110 section 2.5 would have `HTTP/1.2` to `HTTP/1.9` read as 1.1; no such
    /// version exists, so they are taken for what they are, noise.
    Version,
    /// Status code or reason (RFC 9112 section 4).
    StatusLine,
    /// Method or target (RFC 9112 section 3).
    RequestLine,
    /// A field name, or a line that has none (RFC 9112 section 5.1); also a folded `Content-Length` or
    /// `Transfer-Encoding`.
    FieldName,
    /// A field value: NUL, bare CR or another control character (RFC 9110 section 5.5).
    FieldValue,
    /// A CR that no LF follows, or, in a request and with
    /// [`Limits::strict_framing`](crate::Limits::strict_framing), a LF that follows no CR (RFC 9112 section 2.2).
    LineEnd,
    /// Not exactly one `Host` field in a request, or one that names no host (RFC 9112 section 3.2).
    Host,
}

/// Where in a message the stream ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Before the first byte of a response.
    Waiting,
    /// Inside a head, or between an informational response and the final one.
    Head,
    /// Inside a body with `Content-Length`.
    Body,
    /// Inside a chunked body, before the last chunk was complete.
    Chunk,
    /// After the last chunk, before the end of the trailer section.
    Trailer,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadMethod => "method is not a token",
            Self::BadTarget => "request target is not valid",
            Self::BadHeaderName => "field name is not a token",
            Self::BadHeaderValue => "field value has a forbidden character",
            Self::MissingHost => "Host field missing",
            Self::DuplicateHost => "more than one Host field",
            Self::ReservedHeader => "field is reserved for the library or contradicts the body",
            Self::UnexpectedBody => "the method does not allow a body",
            Self::TooLarge => "head too large",
        })
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotIdle => "connection is not idle",
            Self::NotSending => "no request is being sent",
            Self::Unsolicited => "unread bytes lie before the request",
            Self::BodyTooLong => "body longer than announced",
            Self::BodyTooShort => "body shorter than announced",
            Self::Faulted => "connection has failed",
        })
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(part) => write!(f, "malformed {part}"),
            Self::UnexpectedEof(phase) => write!(f, "connection closed {phase}"),
            Self::HeadTooLarge => f.write_str("head too large"),
            Self::TooManyHeaders => f.write_str("too many fields"),
            Self::TooManyInformational => f.write_str("too many informational responses"),
            Self::BadContentLength => f.write_str("Content-Length is not one number"),
            Self::ConflictingFraming => f.write_str("conflicting framing fields"),
            Self::UnsupportedTransferCoding => f.write_str("unsupported transfer coding"),
            Self::UnexpectedUpgrade => f.write_str("protocol switched without being asked"),
            Self::BadChunkSize => f.write_str("malformed chunk size line"),
            Self::BadChunkEnd => f.write_str("chunk data not followed by CRLF"),
            Self::ChunkExtensionsTooLarge => f.write_str("chunk extensions too large"),
            Self::BadTrailer => f.write_str("malformed trailer section"),
            Self::TrailersTooLarge => f.write_str("trailer section too large"),
            Self::Unsolicited => f.write_str("bytes that belong to no response"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "HTTP version",
            Self::StatusLine => "status line",
            Self::RequestLine => "request line",
            Self::FieldName => "field name",
            Self::FieldValue => "field value",
            Self::LineEnd => "line end",
            Self::Host => "Host field",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "before a response",
            Self::Head => "inside a head",
            Self::Body => "inside a body",
            Self::Chunk => "inside a chunked body",
            Self::Trailer => "inside a trailer section",
        })
    }
}

impl std::error::Error for HeadError {}
impl std::error::Error for SendError {}
impl std::error::Error for RecvError {}
