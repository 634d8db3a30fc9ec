//! Bodies that are made piece by piece while they are sent.

use crate::body::{Body, Source};
use std::io;

/// The pieces of an iterator, one after the other.
struct Chunks<I, T> {
    items: I,
    /// The piece that is being read, and how much of it was.
    item: Option<(T, usize)>,
}

impl Body {
    /// A body of pieces that are asked for as they are sent, on the thread that sends: chunked, each piece that is not
    /// empty in a chunk of its own (one of more than 64 KiB in several), and sent once.
    ///
    /// ```
    /// let body = pool::Body::chunks((0..3).map(|n| format!("line {n}\n")));
    /// assert!(body.len().is_none() && !body.is_replayable());
    /// ```
    #[doc(alias = "generator")]
    #[must_use]
    pub fn chunks<I>(pieces: I) -> Self
    where
        I: IntoIterator<Item: AsRef<[u8]> + Send + 'static, IntoIter: Send + 'static>,
    {
        Self::try_chunks(pieces.into_iter().map(Ok))
    }

    /// The same of pieces that may fail to be made: the first error ends the request, with the body unfinished, and is
    /// the source of its error.
    #[must_use]
    pub fn try_chunks<I, T>(pieces: I) -> Self
    where
        I: IntoIterator<Item = io::Result<T>, IntoIter: Send + 'static>,
        T: AsRef<[u8]> + Send + 'static,
    {
        Self::reader(Chunks { items: pieces.into_iter(), item: None })
    }
}

impl<I, T> Source for Chunks<I, T>
where
    I: Iterator<Item = io::Result<T>> + Send,
    T: AsRef<[u8]> + Send,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some((item, at)) = &mut self.item {
                let mut rest = item.as_ref().get(*at..).unwrap_or_default();
                let n = io::Read::read(&mut rest, buf)?;
                *at += n;
                if n > 0 {
                    return Ok(n);
                }
            }
            // An empty piece would be the end.
            self.item = match self.items.next() {
                Some(item) => Some((item?, 0)),
                None => return Ok(0),
            };
        }
    }
}
