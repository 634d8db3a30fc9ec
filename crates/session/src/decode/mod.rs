//! Content decoding: what `Content-Encoding` says was done to a body is undone while the body is read.
//!
//! A [`Decoder`] stands between the reader of the framed body and the caller. It does no I/O: encoded bytes
//! are lent to it, decoded bytes go straight into the buffer of the caller, and nothing is decoded that the
//! caller did not ask for. So a small body that expands without end costs neither memory nor, until the
//! caller wants more of it, time.
//!
//! A body is complete only if every stream in it is: a decoder that still waits for bytes when the framing
//! ends is an error, never a short body. How the bytes were cut on their way decides nothing, neither the
//! decoded bytes nor the error after them; but for how much of a br copy that goes beyond its block comes before
//! the error, which its decoder does not say.

mod layer;

#[cfg(feature = "brotli")]
mod brotli;
#[cfg(feature = "gzip")]
mod deflate;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "gzip")]
mod gzip_header;
#[cfg(feature = "gzip")]
mod inflate;
#[cfg(test)]
#[cfg(all(feature = "gzip", feature = "brotli", feature = "zstd"))]
mod tests;
#[cfg(feature = "zstd")]
mod zstd;

use std::error::Error;
use std::fmt;

use layer::{Io, Layer};

/// The value of `Accept-Encoding`: the codings that are compiled in.
///
/// `identity` where there are none: no field at all would allow any coding (RFC 9110 §12.5.3).
pub(crate) const ACCEPT_ENCODING: &str =
    match (cfg!(feature = "gzip"), cfg!(feature = "brotli"), cfg!(feature = "zstd")) {
        (true, true, true) => "gzip, deflate, br, zstd",
        (true, true, false) => "gzip, deflate, br",
        (true, false, true) => "gzip, deflate, zstd",
        (true, false, false) => "gzip, deflate",
        (false, true, true) => "br, zstd",
        (false, true, false) => "br",
        (false, false, true) => "zstd",
        (false, false, false) => "identity",
    };

/// The most codings one body may have, over all `Content-Encoding` lines.
///
/// Nobody encodes a body twice on purpose, while every layer multiplies what a small body can expand to.
/// curl, urllib3 and undici stop at 5 as well, after CVE-2022-32206 and its like.
const MAX_CODINGS: usize = 5;

/// The bytes that wait between two layers, in bytes per pair of layers.
const LINK: usize = 16 * 1024;

/// How many encoded bytes may be read, and how many pass between layers, before the caller got any, and how many more
/// for each byte the caller got.
///
/// An encoded form of what the caller gets is seldom longer than the body itself. Without a bound a few kilobytes could
/// expand to years of work inside one call: gigabytes of empty gzip members, wrapped in another layer; and a body could
/// go on for ever without a byte for a caller who counts only those: empty members, empty blocks, frames to be skipped,
/// the name of a file without an end. With it the work stays proportional to the output.
const BARREN: u64 = 1024 * 1024;
const BARREN_PER_BYTE: u64 = 64;

/// The content decoding of one response body.
///
/// Its memory is bounded: the windows of the layers, the large ones of which grow with what is decoded, and 16 KiB
/// between one layer and the next.
///
/// Call [`decode`](Self::decode) until all of the body is used, then [`finish`](Self::finish) until it says 0.
pub(crate) struct Decoder {
    /// In the order the bytes pass through them: the coding listed last comes first.
    stages: Vec<Stage>,
    /// Encoded bytes that were read so far.
    read: u64,
    /// Bytes that passed from one layer to another so far.
    passed: u64,
    /// Bytes that were written for the caller so far.
    written: u64,
}

/// How far one call of [`Decoder::decode`] came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Bytes of `input` that are used up.
    pub(crate) read: usize,
    /// Bytes of `out` that are decoded body now.
    pub(crate) written: usize,
}

/// Why the content of a body could not be decoded. The string is the name of the coding, such as `gzip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// `Content-Encoding` lists more than 5 codings.
    TooManyCodings,
    /// The bytes are not what the coding allows, a checksum or length does not match, a window or a dictionary is asked
    /// for that HTTP does not have, or more than a mebibyte was encoded that holds next to nothing.
    Corrupt(&'static str),
    /// The body ended, by its framing, before the encoded stream did.
    Truncated(&'static str),
}

impl Decoder {
    /// The decoder that the `Content-Encoding` fields of a response ask for. Each value is a comma-separated
    /// list; the values of several lines are one list (RFC 9110 §8.4, §5.3). Names are matched without case,
    /// and `identity` is no coding.
    ///
    /// `None` if the body is to be left as it is: no coding is listed, or one that is not known here. With an
    /// unknown coding anywhere in the list nothing is decoded, as requests does: the field says what the
    /// caller has.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooManyCodings`] if the lines together list more than 5, known or not. No decoder has
    /// been made by then.
    pub(crate) fn from_fields<'a>(
        values: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Self>, DecodeError> {
        let mut known: Vec<MakeLayer> = Vec::new();
        let mut listed = 0;
        let tokens = values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        for token in tokens.filter(|token| !token.is_empty() && !token.eq_ignore_ascii_case(b"identity")) {
            listed += 1;
            if listed > MAX_CODINGS {
                return Err(DecodeError::TooManyCodings);
            }
            known.extend(
                CODINGS.iter().find(|(name, _)| token.eq_ignore_ascii_case(name)).map(|(_, make)| make),
            );
        }
        if listed == 0 || known.len() != listed {
            return Ok(None);
        }
        let stages = known.iter().rev().enumerate().map(|(i, make)| Stage {
            layer: make(),
            input: Link::new(if i == 0 { 0 } else { LINK }),
            fault: None,
        });
        Ok(Some(Self { stages: stages.collect(), read: 0, passed: 0, written: 0 }))
    }

    /// Decodes from `input` into `out`, as far as either goes.
    ///
    /// Nothing read and nothing written means that more input is needed. `out` must not be empty: with an empty
    /// one, nothing happens. More output may follow though all of the input is read.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Corrupt`], after all that could be decoded before the fault was handed over; it stays
    /// the answer to all later calls.
    pub(crate) fn decode(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, DecodeError> {
        let step = self.pump(input, out);
        match self.fault() {
            Some(fault) if step.written == 0 => Err(fault),
            _ => Ok(step),
        }
    }

    /// The framing of the body ended: writes what is left to be written, and how many bytes of it, into `out`,
    /// which must not be empty. To be called until it answers 0, which says that every stream was complete.
    ///
    /// A body without a single byte is complete in any coding: answers to HEAD and such with status 204 or 304
    /// have none, and servers label empty bodies like all others.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if a stream has not ended; [`DecodeError::Corrupt`] as for
    /// [`decode`](Self::decode).
    pub(crate) fn finish(&mut self, out: &mut [u8]) -> Result<usize, DecodeError> {
        let Step { written, .. } = self.decode(&[], out)?;
        if written > 0 {
            return Ok(written);
        }
        match self.stages.iter().find(|stage| !stage.is_complete()) {
            Some(stage) => Err(DecodeError::Truncated(stage.layer.name())),
            None => Ok(0),
        }
    }

    /// Lets every layer, the last one first, take what the layer before it has ready, until `out` is full or
    /// nothing moves any more.
    fn pump(&mut self, input: &[u8], out: &mut [u8]) -> Step {
        let mut step = Step::default();
        loop {
            let allowed = self.allowed();
            let mut passed = 0;
            let mut unread = 0;
            let mut next: Option<&mut Link> = None;
            for (i, stage) in self.stages.iter_mut().enumerate().rev() {
                let Stage { layer, input: link, fault } = stage;
                let source = if i == 0 {
                    let rest = input.get(step.read..).unwrap_or_default();
                    let allowed = usize::try_from(allowed.saturating_sub(self.read)).unwrap_or(usize::MAX);
                    rest.get(..allowed).unwrap_or(rest)
                } else {
                    link.bytes()
                };
                let room = match &mut next {
                    Some(link) => link.room(),
                    None => out.get_mut(step.written..).unwrap_or_default(),
                };
                let mut io = Io::new(source, room);
                if fault.is_none() && !io.is_full() && layer.decode(&mut io).is_err() {
                    *fault = Some(DecodeError::Corrupt(layer.name()));
                }
                let Step { read, written } = io.step();
                if i == 0 {
                    step.read += read;
                    self.read = self.read.saturating_add(read as u64);
                    unread = input.len() - step.read;
                    passed += if unread > 0 { read } else { 0 };
                } else {
                    link.consume(read);
                }
                match next {
                    Some(link) => {
                        link.fill(written);
                        passed += written;
                        self.passed = self.passed.saturating_add(written as u64);
                    }
                    None => {
                        step.written += written;
                        self.written = self.written.saturating_add(written as u64);
                    }
                }
                next = Some(link);
            }
            // A layer leaves input only where its output is full. So if no link was filled, none holds bytes, or the
            // buffer of the caller is full, or the input may not be read.
            let is_stuck = passed == 0;
            if step.written == out.len() || is_stuck && unread == 0 {
                return step;
            }
            if is_stuck || self.passed > self.allowed() {
                self.stop();
                return step;
            }
        }
    }

    /// How many bytes may have been read, and may have passed between layers, by now.
    fn allowed(&self) -> u64 {
        BARREN.saturating_add(self.written.saturating_mul(BARREN_PER_BYTE))
    }

    /// Too many bytes were moved around for what came out: fails the last layer, if that was not because one has failed.
    fn stop(&mut self) {
        if self.fault().is_none()
            && let Some(last) = self.stages.last_mut()
        {
            last.fault = Some(DecodeError::Corrupt(last.layer.name()));
        }
    }

    /// The fault nearest to the caller: the one that is met first in the decoded bytes, whatever a layer
    /// further away has seen in the meantime.
    fn fault(&self) -> Option<DecodeError> {
        self.stages.iter().rev().find_map(|stage| stage.fault)
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.stages.iter().map(|stage| stage.layer.name());
        f.write_str("Decoder ")?;
        f.debug_list().entries(names).finish()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyCodings => write!(f, "Content-Encoding lists more than {MAX_CODINGS} codings"),
            Self::Corrupt(coding) => write!(f, "the body is not valid {coding} data"),
            Self::Truncated(coding) => write!(f, "the body ended before its {coding} data did"),
        }
    }
}

impl Error for DecodeError {}

type MakeLayer = fn() -> Box<dyn Layer>;

/// The codings by the names they have in `Content-Encoding`. RFC 9110 §8.4.1.3: `x-gzip` is `gzip`.
const CODINGS: &[(&[u8], MakeLayer)] = &[
    #[cfg(feature = "gzip")]
    (b"gzip", || Box::new(gzip::Gzip::new())),
    #[cfg(feature = "gzip")]
    (b"x-gzip", || Box::new(gzip::Gzip::new())),
    #[cfg(feature = "gzip")]
    (b"deflate", || Box::new(deflate::Deflate::new())),
    #[cfg(feature = "brotli")]
    (b"br", || Box::new(brotli::Brotli::new())),
    #[cfg(feature = "zstd")]
    (b"zstd", || Box::new(zstd::Zstd::new())),
];

/// One layer, what the layer before it has ready for it, and how it failed.
struct Stage {
    layer: Box<dyn Layer>,
    /// Unused in the first stage, which reads the input of the decoder.
    input: Link,
    fault: Option<DecodeError>,
}

impl Stage {
    fn is_complete(&self) -> bool {
        self.input.bytes().is_empty() && self.layer.is_complete()
    }
}

/// The bytes between two layers. It is filled only when it is empty, so it never moves bytes.
struct Link {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Link {
    fn new(size: usize) -> Self {
        Self { buffer: vec![0; size].into_boxed_slice(), start: 0, end: 0 }
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, read: usize) {
        self.start += read;
    }

    fn room(&mut self) -> &mut [u8] {
        if self.start == self.end { &mut self.buffer } else { &mut [] }
    }

    /// The first `written` bytes of what `room` gave are to be read now.
    fn fill(&mut self, written: usize) {
        if written > 0 {
            (self.start, self.end) = (0, written);
        }
    }
}
