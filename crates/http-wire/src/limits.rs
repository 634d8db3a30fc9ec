/// Bounds on what a peer may make a connection keep or do.
///
/// Every figure counts bytes or items of the *message*, never how full a buffer happens to be, so the outcome
/// does not depend on how the bytes were cut on their way. Each is inclusive: a message of exactly this size
/// passes, one more is an error and the end of the connection.
///
/// ```
/// let mut limits = http_wire::Limits::default();
/// limits.max_head = 16 * 1024;
/// limits.strict_framing = true;
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one head: status line, fields and the empty line. 64 KiB, as much as ureq allows; curl takes
    /// 300 KiB, hyper about 400, h11 and Node 16. Real heads seldom pass 8 KiB, but large cookies and
    /// policies exist.
    pub max_head: usize,
    /// Fields of one head. 128: hyper stops at 100, CPython at 100, curl at 5 000.
    pub max_headers: usize,
    /// Informational (1xx) responses before one final response. 16: real servers send one or two, and an
    /// endless stream of them once hung CPython's client (CVE-2021-3737).
    pub max_informational: u32,
    /// Bytes of chunk extensions in one body, white space before them included. 16 KiB, hyper's figure: no
    /// server is known to use extensions, but they cost wire bytes per body byte (CVE-2023-39326).
    pub max_chunk_ext: usize,
    /// Bytes of one trailer section, its empty line included. 16 KiB, hyper's figure.
    pub max_trailers: usize,
    /// Fields of one trailer section. 128, as for heads.
    pub max_trailer_fields: usize,
    /// `false`: tolerate what RFC 9112 lets a client tolerate in framing, and close the connection after it.
    /// `true`: make `Transfer-Encoding` beside `Content-Length`, and `Transfer-Encoding` in an HTTP/1.0 message,
    /// the error [`RecvError::ConflictingFraming`](crate::RecvError::ConflictingFraming), and a bare LF at the
    /// end of a line of a head the error [`Part::LineEnd`](crate::Part::LineEnd); and do not use a connection
    /// again after a 204 that announces a body (RFC 9110 section 8.6).
    pub strict_framing: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_head: 64 * 1024,
            max_headers: 128,
            max_informational: 16,
            max_chunk_ext: 16 * 1024,
            max_trailers: 16 * 1024,
            max_trailer_fields: 128,
            strict_framing: false,
        }
    }
}
