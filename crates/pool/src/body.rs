//! Request bodies: nothing, bytes, or a source that is read while it is sent.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The body of a request. Cloning shares the content: a retry, a redirect and the original hold the same body. Copies
/// of one reader can be sent one after the other, not at the same time: that is an error, as they have one source.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Body {
    /// No body at all; no framing field is written.
    #[default]
    Empty,
    /// Bytes in memory, sent with their length. Can be sent any number of times.
    Bytes(Arc<[u8]>),
    /// A source read while it is sent; see [`Body::reader`].
    Reader(Reader),
}

/// A body source shared by the copies of a request.
#[derive(Clone)]
pub struct Reader(Arc<Parts>);

/// One pointer to all of it, as requests without such a body are moved about too.
struct Parts {
    len: Option<u64>,
    /// Where the body starts, if the source can go back there.
    mark: Option<u64>,
    /// What the copies know of each other.
    shared: Arc<Sharing>,
    source: Arc<Mutex<dyn Source>>,
    /// Told of what is read.
    watch: Option<Arc<Watch>>,
}

/// How many bytes of a sending were read, and of how many.
type Watch = Mutex<dyn FnMut(u64, Option<u64>) + Send>;

/// Whether the one source of several copies was read, and is being read.
#[derive(Default)]
struct Sharing {
    begun: AtomicBool,
    busy: AtomicBool,
}

/// The right to read a source, held while it is sent.
pub(crate) struct Reading {
    reader: Reader,
    read: u64,
}

/// Where a streamed body comes from.
///
/// Read on the caller's thread while the request is sent: a source that waits makes every exchange of its driver wait.
pub trait Source: Send {
    /// Reads some bytes into `buf`; 0 is the end.
    ///
    /// # Errors
    /// Ends the exchange with [`ErrorKind::Io`](crate::ErrorKind::Io); the connection is closed unfinished.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    /// Where the source stands now, if it can come back to it. Asked once, before the first read.
    fn mark(&mut self) -> Option<u64> {
        None
    }

    /// Goes back to a [`mark`](Source::mark), so that the body can be sent again by a redirect or a retry. A source
    /// without a mark is never asked: what would need it again is an error, not an empty body.
    ///
    /// # Errors
    /// When it cannot go back after all.
    fn rewind(&mut self, mark: u64) -> io::Result<()> {
        let _ = mark;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// How many bytes the source will give from where it stands, if that is known.
    fn remaining(&self) -> Option<u64> {
        None
    }
}

impl Body {
    /// A body in memory.
    #[must_use]
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// A body read from a source: a [`File`] (length known, rewindable), any reader through [`Once`], or your own
    /// [`Source`]. With a length it is sent with `Content-Length`, otherwise chunked.
    #[must_use]
    pub fn reader(mut source: impl Source + 'static) -> Self {
        let (len, mark) = (source.remaining(), source.mark());
        Self::Reader(Reader::new(len, mark, source))
    }

    /// A body from any reader, once: length unknown (chunked) and not replayable.
    #[doc(alias = "generator")]
    #[must_use]
    pub fn once(reader: impl Read + Send + 'static) -> Self {
        Self::reader(Once(reader))
    }

    /// A body of exactly `len` bytes from any reader, once. Fewer is an error, and so is more where a read gives it;
    /// nothing is read once the length is reached, so a reader that would wait for more does not.
    #[must_use]
    pub fn sized(reader: impl Read + Send + 'static, len: u64) -> Self {
        if len == 0 { Self::bytes([]) } else { Self::Reader(Reader::new(Some(len), None, Once(reader))) }
    }

    /// A body that is told of: `watch` is called with the bytes taken from it so far and the length, if that is known.
    ///
    /// On the thread that sends, each time bytes are taken to be sent: the last ones may still be on their way when it
    /// is called with all of them. Where the body is sent again, it counts from the start again. Like those of every
    /// reader, copies of it cannot be sent at the same time. Nothing is said of no body.
    #[must_use]
    pub fn watched(self, watch: impl FnMut(u64, Option<u64>) + Send + 'static) -> Self {
        let Reader(parts) = match self {
            Self::Empty => return Self::Empty,
            Self::Bytes(bytes) => {
                let len = bytes.len() as u64;
                Reader::new(Some(len), Some(0), Shared { bytes, at: 0 })
            }
            Self::Reader(reader) => reader,
        };
        let (shared, source) = (parts.shared.clone(), parts.source.clone());
        let watch: Option<Arc<Watch>> = Some(Arc::new(Mutex::new(watch)));
        Self::Reader(Reader(Arc::new(Parts { len: parts.len, mark: parts.mark, shared, source, watch })))
    }

    /// What is announced: none, a length, or chunks.
    #[must_use]
    pub fn kind(&self) -> http_wire::BodyKind {
        match self {
            Self::Empty => http_wire::BodyKind::None,
            Self::Bytes(bytes) => http_wire::BodyKind::Length(bytes.len() as u64),
            Self::Reader(Reader(parts)) => {
                parts.len.map_or(http_wire::BodyKind::Chunked, http_wire::BodyKind::Length)
            }
        }
    }

    /// The length in bytes, if known.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Reader(reader) => reader.0.len,
        }
    }

    /// Whether it is known to have no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The bytes, where they are in memory: none of an empty body, and `None` for what is read from a source, which
    /// [`scan`](Self::scan) shows.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Empty => Some(&[]),
            Self::Bytes(bytes) => Some(bytes),
            Self::Reader(_) => None,
        }
    }

    /// Whether it can be sent again from its start.
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        match self {
            Self::Empty | Self::Bytes(_) => true,
            Self::Reader(reader) => reader.0.mark.is_some(),
        }
    }

    /// Makes it ready to be sent again.
    ///
    /// # Errors
    /// `Unsupported` if the source cannot go back, or what going back reported.
    pub fn rewind(&self) -> io::Result<()> {
        match self {
            Self::Empty | Self::Bytes(_) => Ok(()),
            Self::Reader(reader) if reader.0.shared.busy.load(Ordering::Acquire) => Err(busy()),
            Self::Reader(reader) => reader.rewind(),
        }
    }

    /// Shows all of it, piece by piece, without sending it (a hash of it may have to stand in the head), and leaves it
    /// as it was.
    ///
    /// # Errors
    /// `Unsupported` if the source cannot go back, `ResourceBusy` if the body is being sent just now, and what reading
    /// or going back reported.
    pub fn scan(&self, mut see: impl FnMut(&[u8])) -> io::Result<()> {
        match self {
            Self::Empty => Ok(()),
            Self::Bytes(bytes) => {
                see(bytes);
                Ok(())
            }
            Self::Reader(reader) => reader.scan(see),
        }
    }
}

impl Reader {
    fn new(len: Option<u64>, mark: Option<u64>, source: impl Source + 'static) -> Self {
        let source = Arc::new(Mutex::new(source));
        Self(Arc::new(Parts { len, mark, shared: Arc::default(), source, watch: None }))
    }

    /// A source that panicked is taken as it is: its next read says what is wrong with it.
    fn lock(&self) -> MutexGuard<'_, dyn Source + 'static> {
        self.0.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rewind(&self) -> io::Result<()> {
        match self.0.mark {
            Some(mark) => {
                self.lock().rewind(mark)?;
                self.0.shared.begun.store(false, Ordering::Release);
                Ok(())
            }
            None => Err(once()),
        }
    }

    /// What is announced is shown, and no more, as it would be sent.
    fn scan(&self, mut see: impl FnMut(&[u8])) -> io::Result<()> {
        if self.0.mark.is_none() {
            return Err(once());
        }
        // The source is ours until the end of this; nobody is told, as nothing is sent.
        let _reading = self.begin()?;
        let mut left = self.0.len.unwrap_or(u64::MAX);
        let mut piece = vec![0; SCANNED];
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(SCANNED);
            let wanted = piece.get_mut(..room).unwrap_or_default();
            let n = self.lock().read(wanted)?;
            let Some(read) = wanted.get(..n).filter(|read| !read.is_empty()) else { break };
            see(read);
            left = left.saturating_sub(n as u64);
        }
        self.rewind()
    }

    /// Begins a sending: what was read before goes back to its start, or is an error. A body is never sent short, or
    /// mixed with another sending of it, because somebody else reads the same source.
    pub(crate) fn begin(&self) -> io::Result<Reading> {
        if self.0.shared.busy.swap(true, Ordering::AcqRel) {
            return Err(busy());
        }
        let reading = Reading { reader: self.clone(), read: 0 };
        if self.0.shared.begun.swap(true, Ordering::AcqRel) {
            self.rewind()?;
            self.0.shared.begun.store(true, Ordering::Release);
        }
        Ok(reading)
    }
}

/// Bytes shown at a time by [`Body::scan`].
const SCANNED: usize = 16 * 1024;

fn once() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "the body was read from a source that cannot go back to its start",
    )
}

fn busy() -> io::Error {
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        "another request is sending this body just now: a source can be read by one at a time",
    )
}

impl Reading {
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.lock().read(buf)?;
        if let Some(watch) = self.reader.0.watch.as_ref().filter(|_| n > 0) {
            self.read = self.read.saturating_add(n as u64);
            let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
            watch(self.read, self.reader.0.len);
        }
        Ok(n)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.reader.0.shared.busy.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("len", &self.0.len).finish_non_exhaustive()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.len()) {
            (Self::Empty, _) => f.write_str("Body(empty)"),
            (Self::Bytes(_), _) => write!(f, "Body({} bytes)", self.len().unwrap_or(0)),
            (_, Some(len)) => write!(f, "Body(a reader of {len} bytes)"),
            (_, None) => f.write_str("Body(a reader of unknown length)"),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl<const N: usize> From<&[u8; N]> for Body {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.as_slice().into())
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().into())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes().into())
    }
}

impl From<File> for Body {
    fn from(file: File) -> Self {
        Self::reader(file)
    }
}

/// A file from where it stands to its end.
impl Source for File {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Read::read(self, buf)
    }

    fn mark(&mut self) -> Option<u64> {
        self.metadata().ok().filter(Metadata::is_file)?;
        self.stream_position().ok()
    }

    fn rewind(&mut self, mark: u64) -> io::Result<()> {
        self.seek(SeekFrom::Start(mark)).map(drop)
    }

    fn remaining(&self) -> Option<u64> {
        let size = self.metadata().ok().filter(Metadata::is_file)?.len();
        let mut file = self;
        file.stream_position().ok().map(|at| size.saturating_sub(at))
    }
}

/// Bytes in memory, read like those of a file.
struct Shared {
    bytes: Arc<[u8]>,
    at: usize,
}

impl Source for Shared {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.bytes.get(self.at..).unwrap_or_default();
        let n = rest.read(buf)?;
        self.at += n;
        Ok(n)
    }

    fn rewind(&mut self, _: u64) -> io::Result<()> {
        self.at = 0;
        Ok(())
    }
}

/// Any reader as a [`Source`] that can be read once, of unknown length.
#[derive(Debug)]
pub struct Once<R>(R);

impl<R: Read + Send> Source for Once<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<R> Once<R> {
    /// Wraps a reader.
    pub fn new(reader: R) -> Self {
        Self(reader)
    }
}
