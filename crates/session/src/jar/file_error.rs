//! What loading and saving cookies can come to.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::CookieError;
use crate::error::{Error, ErrorKind};

/// What was in a file of cookies that could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedCookies {
    pub(super) stored: usize,
    pub(super) expired: usize,
    refused: Vec<(usize, CookieError)>,
}

impl LoadedCookies {
    /// How many cookies the jar took.
    #[must_use]
    pub fn stored(&self) -> usize {
        self.stored
    }

    /// How many had expired, by the time the jar was told last, and were passed over.
    #[must_use]
    pub fn expired(&self) -> usize {
        self.expired
    }

    /// Those that break a rule for cookies (too long, for a public suffix, …) and were left out: where each stood, as
    /// the number of its line in a `cookies.txt` or of its entry in a JSON file, both counted from 1, and why.
    #[must_use]
    pub fn refused(&self) -> &[(usize, CookieError)] {
        &self.refused
    }

    pub(super) fn refuse(&mut self, place: usize, why: CookieError) {
        self.refused.push((place, why));
    }
}

/// What was written of a jar in a format that cannot hold every cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedCookies {
    pub(super) written: usize,
    pub(super) left_out: Vec<String>,
}

impl SavedCookies {
    /// How many cookies were written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written
    }

    /// Those that could not be: for each the host it belongs to and why, for people to read. A cookie with a tab in
    /// it, or with a `Max-Age` that has not begun (see [`CookieJar::clear_expired`](super::CookieJar::clear_expired)).
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

/// Why cookies could not be loaded or saved. A jar that could not be loaded has not changed, and a file that could not
/// be saved neither. No text of it shows a name, a value or a path of a cookie.
pub struct CookieFileError {
    kind: CookieFileErrorKind,
    path: Option<PathBuf>,
    detail: String,
    source: Option<io::Error>,
}

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CookieFileErrorKind {
    /// Reading or writing failed; `source()` is the [`io::Error`].
    Io,
    /// The file is longer than any that a jar writes, or has more cookies.
    TooLarge,
    /// It is not in the format.
    Format,
    /// It is of a version of the format that is not known here.
    Version,
}

impl CookieFileError {
    pub(super) fn new(kind: CookieFileErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, path: None, detail: detail.into(), source: None }
    }

    pub(super) fn io(source: io::Error) -> Self {
        let detail = source.to_string();
        Self { kind: CookieFileErrorKind::Io, path: None, detail, source: Some(source) }
    }

    pub(super) fn at(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> CookieFileErrorKind {
        self.kind
    }

    /// The file, if there was one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the file does not exist: for programs that load what an earlier run has saved, if there was one.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for CookieFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cookies")?;
        if let Some(path) = &self.path {
            write!(f, " in {path:?}")?;
        }
        write!(f, ": {}", self.detail)
    }
}

impl fmt::Debug for CookieFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieFileError")
            .field("kind", &self.kind)
            .field("text", &self.to_string())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for CookieFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// For programs with one type of error: of the kind `Io`, or `Config` for a file that is not what it should be.
impl From<CookieFileError> for Error {
    fn from(why: CookieFileError) -> Self {
        let kind = match why.kind {
            CookieFileErrorKind::Io => ErrorKind::Io,
            _ => ErrorKind::Config,
        };
        Self::new(kind, why.to_string()).with_source(why)
    }
}
