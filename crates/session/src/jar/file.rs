//! Files of cookies: read up to a limit, and replaced as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::path::Path;

use super::file_error::{CookieFileError, CookieFileErrorKind};

/// The longest file that is read. A full jar of cookies at their limits, with every octet escaped, makes 35 MiB.
pub(super) const MAX_FILE: u64 = 48 * 1024 * 1024;

/// The most cookies that are read: a few times what a jar holds, as files are joined by hand.
pub(super) const MAX_RECORDS: usize = 16_384;

/// Names tried for the new file. Each is 64 random bits: a second one is needed only if somebody guesses them.
const TRIES: usize = 16;

/// All octets of a file or a reader.
pub(super) fn read(from: impl Read) -> Result<Vec<u8>, CookieFileError> {
    let mut content = Vec::new();
    from.take(MAX_FILE + 1).read_to_end(&mut content).map_err(CookieFileError::io)?;
    if content.len() as u64 > MAX_FILE {
        let detail = format!("longer than {} MiB, which no file of cookies is", MAX_FILE / (1024 * 1024));
        return Err(CookieFileError::new(CookieFileErrorKind::TooLarge, detail));
    }
    Ok(content)
}

/// [`read`] by path.
pub(super) fn read_path(path: &Path) -> Result<Vec<u8>, CookieFileError> {
    File::open(path).map_err(CookieFileError::io).and_then(read).map_err(|error| error.at(path))
}

/// Puts a file with this content in the place of `path`, or leaves everything as it was.
///
/// The content is complete on disk, in a file of the same directory that nobody else may read, before that takes the
/// name. A symbolic link at `path` is replaced, not followed.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), CookieFileError> {
    replace_or(path, content).map_err(|error| CookieFileError::io(error).at(path))
}

fn replace_or(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a file name"));
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (mut file, new) = create(directory)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    drop(file);
    if let Err(error) = written.and_then(|()| fs::rename(&new, path)) {
        // The failure that is reported is the first one.
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    sync(directory);
    Ok(())
}

/// A new file, readable by its owner alone from the beginning.
fn create(directory: &Path) -> io::Result<(File, std::path::PathBuf)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..TRIES {
        let path = directory.join(format!(".cookies-{:016x}.tmp", RandomState::new().hash_one(attempt)));
        match options.open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Makes the new name survive a loss of power, where directories can be asked to: the content is safe either way.
fn sync(directory: &Path) {
    if cfg!(unix)
        && let Ok(directory) = File::open(directory)
    {
        let _ = directory.sync_all();
    }
}
