//! Cookies as JSON: everything that a jar knows of them, for reading back.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::expiry::Expiry;
use super::file::{self, MAX_RECORDS};
use super::file_error::{CookieFileError, CookieFileErrorKind, LoadedCookies};
use super::record::Record;
use super::{CookieJar, date, unix};

/// The version of the format that is written, and the only one that is read.
const VERSION: u64 = 1;

/// Said instead of the words of the JSON parser, which may quote a cookie.
const TOO_MANY: &str = "too many cookies";

/// As JSON: an object with `version` (1) and `cookies`, a list of objects with `name`, `value`, `domain`, `host_only`,
/// `path`, `secure` and `http_only`, and with `expires` (seconds since 1970) or `max_age` where there is an end. A
/// text that is not UTF-8 is `{"base64": "…"}`. Nothing else may stand there.
///
/// ```no_run
/// use session::{CookieJar, Session};
///
/// let jar = CookieJar::new();
/// match jar.load_json("cookies.json") {
///     Err(error) if !error.is_not_found() => return Err(error.into()),
///     _ => {}
/// }
/// let session = Session::builder().cookie_jar(jar).build()?;
/// session.get("https://example.com/").send()?;
/// session.cookies().save_json("cookies.json")?;
/// # Ok::<(), session::Error>(())
/// ```
impl CookieJar {
    /// Writes every cookie that has not expired to a file, in place of one that is there. Cookies without an end are
    /// among them: to leave these out, save a [`copy`](Self::copy) after
    /// [`clear_session_cookies`](Self::clear_session_cookies).
    ///
    /// The new file takes the name when it is complete: whatever fails, an old one stays as it was. On Unix only its
    /// owner may read it. A symbolic link is replaced, not followed.
    ///
    /// # Errors
    /// [`CookieFileErrorKind::Io`].
    pub fn save_json(&self, path: impl AsRef<Path>) -> Result<(), CookieFileError> {
        file::replace(path.as_ref(), &self.to_json()?)
    }

    /// Adds the cookies of a file, in place of those of the same name, domain and path. All are read before the first
    /// is stored; each then has to pass the rules for cookies, and the limits of the jar hold.
    ///
    /// # Errors
    /// Any [`CookieFileErrorKind`]; the jar has not changed, then.
    pub fn load_json(&self, path: impl AsRef<Path>) -> Result<LoadedCookies, CookieFileError> {
        let path = path.as_ref();
        self.take_json(&file::read_path(path)?).map_err(|error| error.at(path))
    }

    /// [`save_json`](Self::save_json) to a writer.
    ///
    /// # Errors
    /// [`CookieFileErrorKind::Io`].
    pub fn write_json(&self, mut to: impl Write) -> Result<(), CookieFileError> {
        to.write_all(&self.to_json()?).and_then(|()| to.flush()).map_err(CookieFileError::io)
    }

    /// [`load_json`](Self::load_json) from a reader, up to its end.
    ///
    /// # Errors
    /// As [`load_json`](Self::load_json).
    pub fn read_json(&self, from: impl Read) -> Result<LoadedCookies, CookieFileError> {
        self.take_json(&file::read(from)?)
    }

    fn to_json(&self) -> Result<Vec<u8>, CookieFileError> {
        let cookies = self.records().into_iter().map(Entry::from).collect();
        let mut json = serde_json::to_vec_pretty(&Document { version: VERSION, cookies: Cookies(cookies) })
            .map_err(|why| CookieFileError::io(why.into()))?;
        json.push(b'\n');
        Ok(json)
    }

    fn take_json(&self, json: &[u8]) -> Result<LoadedCookies, CookieFileError> {
        // A later version may look different altogether: its number is read first.
        let read =
            serde_json::from_slice::<Versioned>(json).and_then(|Versioned { version }| match version {
                VERSION => serde_json::from_slice::<Document>(json).map(Ok),
                other => Ok(Err(other)),
            });
        match read {
            Ok(Ok(document)) => {
                let records = document.cookies.0.into_iter().map(Record::from);
                Ok(self.take(records.enumerate().map(|(index, record)| (index + 1, record))))
            }
            Ok(Err(version)) => Err(CookieFileError::new(
                CookieFileErrorKind::Version,
                format!("version {version} of the format is not known; this is version {VERSION}"),
            )),
            Err(why) if why.to_string().starts_with(TOO_MANY) => Err(CookieFileError::new(
                CookieFileErrorKind::TooLarge,
                format!("more than {MAX_RECORDS} cookies"),
            )),
            Err(why) => Err(CookieFileError::new(CookieFileErrorKind::Format, words(&why))),
        }
    }
}

/// Where it is wrong. What stands there is not shown, nor kept as a cause: it may be the value of a cookie.
fn words(why: &serde_json::Error) -> String {
    let what = match why.classify() {
        serde_json::error::Category::Data => "not a field or value of the format",
        serde_json::error::Category::Eof => "the JSON ends too early",
        _ => "no JSON",
    };
    format!("{what}, line {} column {}", why.line(), why.column())
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    cookies: Cookies,
}

#[derive(Serialize)]
struct Cookies(Vec<Entry>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Octets,
    value: Octets,
    domain: String,
    host_only: bool,
    path: Octets,
    secure: bool,
    http_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    /// Of a cookie that a program has set, while its life has not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
}

/// Names and values are octets, most of them text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Octets {
    Text(String),
    Other(Encoded),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    #[serde(with = "encoded")]
    base64: Vec<u8>,
}

mod encoded {
    use super::{Deserialize, Deserializer, Engine, STANDARD};
    use serde::{Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(|_| D::Error::custom("not base64"))
    }
}

impl<'de> Deserialize<'de> for Cookies {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(AtMost)
    }
}

/// Reads a list up to the limit: an entry needs more memory than text.
struct AtMost;

impl<'de> Visitor<'de> for AtMost {
    type Value = Cookies;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of cookies")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cookies, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            if entries.len() == MAX_RECORDS {
                return Err(A::Error::custom(TOO_MANY));
            }
            entries.push(entry);
        }
        Ok(Cookies(entries))
    }
}

impl From<Record> for Entry {
    fn from(record: Record) -> Self {
        let (expires, max_age) = match record.expiry {
            Expiry::Never => (None, None),
            Expiry::At(end) => (unix(end), None),
            Expiry::After(age) => (None, Some(age.as_secs())),
        };
        Self {
            name: record.name.into(),
            value: record.value.into(),
            domain: record.domain,
            host_only: record.host_only,
            path: record.path.into(),
            secure: record.secure,
            http_only: record.http_only,
            expires,
            max_age,
        }
    }
}

impl From<Entry> for Record {
    fn from(entry: Entry) -> Self {
        let expiry = match (entry.max_age, entry.expires) {
            (Some(age), _) => Expiry::After(std::time::Duration::from_secs(age)),
            (None, Some(end)) => Expiry::At(date::from_unix(end).unwrap_or(SystemTime::UNIX_EPOCH)),
            (None, None) => Expiry::Never,
        };
        Self {
            name: entry.name.into(),
            value: entry.value.into(),
            domain: entry.domain,
            host_only: entry.host_only,
            path: entry.path.into(),
            secure: entry.secure,
            http_only: entry.http_only,
            expiry,
        }
    }
}

impl From<Vec<u8>> for Octets {
    fn from(octets: Vec<u8>) -> Self {
        match String::from_utf8(octets) {
            Ok(text) => Self::Text(text),
            Err(other) => Self::Other(Encoded { base64: other.into_bytes() }),
        }
    }
}

impl From<Octets> for Vec<u8> {
    fn from(octets: Octets) -> Self {
        match octets {
            Octets::Text(text) => text.into_bytes(),
            Octets::Other(encoded) => encoded.base64,
        }
    }
}
