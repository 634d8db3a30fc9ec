//! Cookies in the `cookies.txt` that Netscape began, as curl, wget and Python's `MozillaCookieJar` read and write it.
//!
//! One line for each cookie, seven fields between tabs: domain, whether hosts below it are meant, path, whether it is
//! secure, when it ends (0: with the session), name, value. The format has no way to write a tab or the end of a line
//! inside a field; so a cookie that has one is left out and named, and a line with more fields is not read.

use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::expiry::Expiry;
use super::file::{self, MAX_RECORDS};
use super::file_error::{CookieFileError, CookieFileErrorKind, LoadedCookies, SavedCookies};
use super::record::Record;
use super::{CookieJar, unix};

/// The first line: Python reads no file without it.
const HEADER: &[u8] = b"# Netscape HTTP Cookie File\n";

/// What curl, and browsers, put in front of the domain of a cookie that scripts may not see.
const HTTP_ONLY: &[u8] = b"#HttpOnly_";

/// How the files of Python's `LWPCookieJar` begin.
const LWP: &[u8] = b"#LWP-Cookies-";

/// The end of the year 9999. A jar cuts every life far shorter.
const LAST_SECOND: u64 = 253_402_300_799;

/// As a Netscape `cookies.txt`.
///
/// ```
/// use session::CookieJar;
///
/// let jar = CookieJar::new();
/// let file = "# Netscape HTTP Cookie File\n\
///     .example.com\tTRUE\t/\tTRUE\t0\tsid\t31d4\n\
///     #HttpOnly_www.example.com\tFALSE\t/app\tFALSE\t2000000000\tlang\ten\n";
/// assert_eq!(jar.read_netscape(file.as_bytes())?.stored(), 2);
///
/// let mut copy = Vec::new();
/// jar.write_netscape(&mut copy)?;
/// assert_eq!(copy, file.as_bytes());
/// # Ok::<(), session::CookieFileError>(())
/// ```
impl CookieJar {
    /// Writes every cookie that has not expired to a file as curl, wget and Python's `MozillaCookieJar` read it. Which
    /// cookies, and how the file comes about: as with [`save_json`](Self::save_json).
    ///
    /// Cookies with `HttpOnly` are marked as curl does it; wget takes such a line for a comment and does not read it.
    ///
    /// # Errors
    /// [`CookieFileErrorKind::Io`]. A cookie that the format has no way to write is none, so that no server can keep a
    /// jar from being saved: it is left out, and [`SavedCookies::left_out`] says so. JSON can hold all.
    #[doc(alias("MozillaCookieJar", "cookies.txt"))]
    pub fn save_netscape(&self, path: impl AsRef<Path>) -> Result<SavedCookies, CookieFileError> {
        let (text, saved) = self.to_netscape();
        file::replace(path.as_ref(), &text).map(|()| saved)
    }

    /// Adds the cookies of such a file, in place of those of the same name, domain and path. All lines are read before
    /// the first cookie is stored; each then has to pass the rules for cookies, and the limits of the jar hold. Comments
    /// and empty lines are passed over, and so are the ports that wget writes behind hosts.
    ///
    /// # Errors
    /// [`CookieFileErrorKind::Io`], `TooLarge`, and `Format`, which names the line; the jar has not changed, then.
    #[doc(alias("MozillaCookieJar", "cookies.txt"))]
    pub fn load_netscape(&self, path: impl AsRef<Path>) -> Result<LoadedCookies, CookieFileError> {
        let path = path.as_ref();
        self.take_netscape(&file::read_path(path)?).map_err(|error| error.at(path))
    }

    /// [`save_netscape`](Self::save_netscape) to a writer.
    ///
    /// # Errors
    /// As [`save_netscape`](Self::save_netscape).
    pub fn write_netscape(&self, mut to: impl Write) -> Result<SavedCookies, CookieFileError> {
        let (text, saved) = self.to_netscape();
        to.write_all(&text).and_then(|()| to.flush()).map_err(CookieFileError::io)?;
        Ok(saved)
    }

    /// [`load_netscape`](Self::load_netscape) from a reader, up to its end.
    ///
    /// # Errors
    /// As [`load_netscape`](Self::load_netscape).
    pub fn read_netscape(&self, from: impl Read) -> Result<LoadedCookies, CookieFileError> {
        self.take_netscape(&file::read(from)?)
    }

    fn to_netscape(&self) -> (Vec<u8>, SavedCookies) {
        let (mut out, mut saved) = (HEADER.to_vec(), SavedCookies::default());
        for record in self.records() {
            match write_line(&mut out, &record) {
                Ok(()) => saved.written += 1,
                Err(why) => {
                    let what = format!("a cookie of {} {why}", record.domain);
                    log::warn!("left out of a cookies.txt: {what}");
                    saved.left_out.push(what);
                }
            }
        }
        (out, saved)
    }

    fn take_netscape(&self, content: &[u8]) -> Result<LoadedCookies, CookieFileError> {
        let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
        if content.starts_with(LWP) {
            let detail = "this is a file of LWPCookieJar, whose format is not read; MozillaCookieJar can write this one";
            return Err(CookieFileError::new(CookieFileErrorKind::Format, detail.to_owned()));
        }
        let mut records = Vec::new();
        for (index, line) in content.split(|octet| *octet == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(line) = Line::of(line) else { continue };
            if records.len() == MAX_RECORDS {
                let detail = format!("more than {MAX_RECORDS} cookies");
                return Err(CookieFileError::new(CookieFileErrorKind::TooLarge, detail));
            }
            let number = index + 1;
            let record = line.record().map_err(|what| {
                CookieFileError::new(CookieFileErrorKind::Format, format!("{what}, line {number}"))
            })?;
            records.push((number, record));
        }
        Ok(self.take(records.into_iter()))
    }
}

/// A line that is neither empty nor a comment.
struct Line<'a> {
    http_only: bool,
    fields: &'a [u8],
}

impl<'a> Line<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        if let Some(fields) = line.strip_prefix(HTTP_ONLY) {
            return Some(Self { http_only: true, fields });
        }
        (!line.starts_with(b"#") && !line.trim_ascii().is_empty())
            .then_some(Self { http_only: false, fields: line })
    }

    fn record(&self) -> Result<Record, String> {
        let fields: Vec<&[u8]> = self.fields.splitn(8, |octet| *octet == b'\t').collect();
        let &[domain, below, path, secure, end, name, value] = fields.as_slice() else {
            let count = self.fields.split(|octet| *octet == b'\t').count();
            return Err(format!("{count} fields between tabs instead of 7"));
        };
        let domain = str::from_utf8(domain).map_err(|_| "the domain is not UTF-8".to_owned())?;
        Ok(Record {
            name: name.to_vec(),
            value: value.to_vec(),
            domain: without_port(domain).to_owned(),
            host_only: !flag(below)?,
            path: path.to_vec(),
            secure: flag(secure)?,
            http_only: self.http_only,
            expiry: expiry(end)?,
        })
    }
}

/// Nothing is written of a cookie that is refused.
fn write_line(out: &mut Vec<u8>, record: &Record) -> Result<(), &'static str> {
    let ends_field = |octet: &u8| matches!(octet, b'\t' | b'\n' | b'\r' | b'\0');
    if [&record.name, &record.value, &record.path].into_iter().any(|text| text.iter().any(ends_field)) {
        return Err("has a tab, which separates fields there");
    }
    let end = match record.expiry {
        Expiry::Never => 0,
        // 0 would make it one that ends with the session.
        Expiry::At(end) => unix(end).unwrap_or(0).max(1),
        Expiry::After(_) => return Err("has a Max-Age that has not begun"),
    };
    if record.http_only {
        out.extend_from_slice(HTTP_ONLY);
    }
    let bare = record.domain.trim_start_matches('[').trim_end_matches(']');
    let (dot, below) = if record.host_only { ("", "FALSE") } else { (".", "TRUE") };
    let secure = if record.secure { "TRUE" } else { "FALSE" };
    out.extend_from_slice(format!("{dot}{bare}\t{below}\t").as_bytes());
    out.extend_from_slice(&record.path);
    out.extend_from_slice(format!("\t{secure}\t{end}\t").as_bytes());
    out.extend_from_slice(&record.name);
    out.push(b'\t');
    out.extend_from_slice(&record.value);
    out.push(b'\n');
    Ok(())
}

fn flag(field: &[u8]) -> Result<bool, String> {
    if field.eq_ignore_ascii_case(b"TRUE") {
        Ok(true)
    } else if field.eq_ignore_ascii_case(b"FALSE") {
        Ok(false)
    } else {
        Err("a field that should be TRUE or FALSE is neither".to_owned())
    }
}

/// Seconds since 1970; nothing (as Python writes it) or 0 for a cookie that ends with the session.
fn expiry(field: &[u8]) -> Result<Expiry, String> {
    if !field.iter().all(u8::is_ascii_digit) {
        return Err("the end of a cookie is not a number of seconds".to_owned());
    }
    let digit = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    match field.iter().fold(0, digit).min(LAST_SECOND) {
        0 => Ok(Expiry::Never),
        // Where the clock cannot express it, the cookie has an end no program will see.
        end => {
            Ok(SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end)).map_or(Expiry::Never, Expiry::At))
        }
    }
}

/// wget writes the port of a host it was set by, if that is not the usual one; cookies do not know ports.
fn without_port(domain: &str) -> &str {
    match domain.rsplit_once(':') {
        Some((host, port))
            if (!host.contains(':') || host.ends_with(']'))
                && !port.is_empty()
                && port.bytes().all(|octet| octet.is_ascii_digit()) =>
        {
            host
        }
        _ => domain,
    }
}
