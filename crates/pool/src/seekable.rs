//! Readers that can go back, as bodies.

use crate::body::{Body, Source};
use std::io::{self, Read, Seek, SeekFrom};

impl Body {
    /// A body from any reader that can seek (a [`Cursor`](std::io::Cursor), a buffered file), from where it stands to
    /// its end: sent with `Content-Length`, and again from there after a redirect or a retry. It is asked for its length
    /// now, so what is appended later is not sent.
    ///
    /// ```
    /// use pool::Body;
    /// use std::io::{Cursor, Seek, SeekFrom};
    /// let mut text = Cursor::new("a header, the text");
    /// text.seek(SeekFrom::Start(10))?;
    /// let body = Body::seekable(text)?;
    /// assert!(body.len() == Some(8) && body.is_replayable());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the reader cannot seek after all.
    #[doc(alias = "BytesIO")]
    pub fn seekable(mut reader: impl Read + Seek + Send + 'static) -> io::Result<Self> {
        let start = reader.stream_position()?;
        let end = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(start))?;
        let len = end.saturating_sub(start);
        Ok(Self::reader(Seekable { reader, start, len, left: len }))
    }
}

/// A reader between the place where it stood and where it ended when it became a body.
struct Seekable<R> {
    reader: R,
    start: u64,
    len: u64,
    left: u64,
}

impl<R: Read + Seek + Send> Source for Seekable<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let n = self.reader.read(buf.get_mut(..room).unwrap_or_default())?;
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }

    fn mark(&mut self) -> Option<u64> {
        Some(self.start)
    }

    fn rewind(&mut self, mark: u64) -> io::Result<()> {
        self.reader.seek(SeekFrom::Start(mark))?;
        self.left = self.len;
        Ok(())
    }

    fn remaining(&self) -> Option<u64> {
        Some(self.left)
    }
}
