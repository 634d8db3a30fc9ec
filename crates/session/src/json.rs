//! JSON both ways.

use crate::error::{Error, ErrorKind};
use crate::finite::Finite;
use crate::text::json_bytes;
use crate::url::{cut, push_escaped};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::fmt;

/// The bytes of a body that an error shows: so many before the place, and so many behind it.
const SHOWN: usize = 30;

/// The most bytes of the words of serde_json, of a path, and of the name of a type, in an error.
const WORDS: usize = 120;

/// Compact JSON in UTF-8, as serde_json writes it. NaN and the infinities, which it would write as `null`, are errors.
pub(crate) fn write(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(128);
    let Err(why) = value.serialize(Finite(&mut serde_json::Serializer::new(&mut out))) else {
        return Ok(out);
    };
    // Keeping track of the path costs something: only what fails is walked again.
    let mut again = serde_json::Serializer::new(std::io::sink());
    let place = match serde_path_to_error::serialize(value, Finite(&mut again)) {
        Err(error) => place(error.path()),
        Ok(_) => String::new(),
    };
    Err(Error::request_error(format!("the body cannot be written as JSON: {why}{place}")).with_source(why))
}

/// Reads a body in UTF-8, -16 or -32, with or without a byte order mark.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let text = json_bytes(body);
    serde_json::from_slice(&text).map_err(|why| {
        let source = JsonError::new::<T>(&text, &why);
        let mut name = type_name::<T>().to_owned();
        cut(&mut name, WORDS);
        let detail = if body.is_empty() {
            format!("the body is empty, which is no JSON for {name}")
        } else {
            format!("the body is no JSON for {name}: {source}")
        };
        Error::new(ErrorKind::Decode, detail).with_source(source)
    })
}

/// Where and why a body is not the JSON asked for: the [source](std::error::Error::source) of the error of
/// [`Response::json`](crate::Response::json).
///
/// It shows some bytes around the place and no more of the body. The words of serde_json quote values at any length:
/// they are in [`Response::text`](crate::Response::text), for who wants to see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    words: String,
    path: String,
    line: usize,
    column: usize,
    offset: usize,
    around: String,
    is_syntax: bool,
}

impl JsonError {
    fn new<T: DeserializeOwned>(text: &[u8], why: &serde_json::Error) -> Self {
        let is_syntax = !why.is_data();
        // Only a value that does not fit has a path worth telling; it is looked for again, with a track of the way.
        let path = if is_syntax { String::new() } else { path_of::<T>(text) };
        let (line, column) = (why.line(), why.column());
        let offset = offset(text, line, column);
        Self { words: words(why), path, line, column, offset, around: around(text, offset), is_syntax }
    }

    /// The way to the value that does not fit, like `items[2].price`. Empty where the text is no JSON, or where the
    /// outermost value does not fit.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The byte in the line, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// How many bytes lie before the place, in the body as UTF-8 without a byte order mark.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the body is no JSON at all; otherwise it is JSON of another shape.
    #[must_use]
    pub fn is_syntax(&self) -> bool {
        self.is_syntax
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)?;
        if !self.path.is_empty() {
            write!(f, " (the value of {})", self.path)?;
        }
        write!(f, " at line {} column {} (byte {})", self.line, self.column, self.offset)?;
        if self.around.is_empty() { Ok(()) } else { write!(f, ", near {}", self.around) }
    }
}

impl std::error::Error for JsonError {}

fn path_of<T: DeserializeOwned>(text: &[u8]) -> String {
    let mut reader = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) if error.path().iter().len() > 0 => {
            let mut way = error.path().to_string();
            // A name that is not known is no way to anything, and may be any text of the body.
            if error.inner().to_string().starts_with("unknown field")
                && let Some(last) = error.path().iter().next_back()
                && let Some(to_it) = way.strip_suffix(&last.to_string())
            {
                way = to_it.trim_end_matches('.').to_owned();
            }
            let mut path = String::new();
            push_escaped(&mut path, &way);
            cut(&mut path, WORDS);
            path
        }
        _ => String::new(),
    }
}

fn place(path: &serde_path_to_error::Path) -> String {
    if path.iter().len() == 0 {
        return String::new();
    }
    let mut text = format!(" (at {path}");
    cut(&mut text, WORDS);
    text + ")"
}

/// What serde_json says, without the place, and without what it quotes of the body: `invalid type: string "…",
/// expected u32`.
fn words(why: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", why.line(), why.column());
    let mut text = why.to_string();
    if let Some(without) = text.strip_suffix(&place) {
        text.truncate(without.len());
    }
    // A text is quoted as Rust does it, with quotes escaped; other values, and names that are unknown, in backticks.
    let (first, last) = (text.find('"'), text.rfind('"'));
    hide(&mut text, first, last);
    if !text.starts_with("missing field") {
        let first = text.find('`');
        let second = first.and_then(|at| text.get(at + 1..)?.find('`').map(|n| at + 1 + n));
        hide(&mut text, first, second);
    }
    cut(&mut text, WORDS);
    text
}

/// Puts an ellipsis in the place of what stands between two characters of one byte.
fn hide(text: &mut String, from: Option<usize>, to: Option<usize>) {
    if let (Some(from), Some(to)) = (from, to)
        && from < to
    {
        text.replace_range(from + 1..to, "…");
    }
}

/// The bytes before a place that is given as serde_json does it: lines from 1, and in them the number of bytes read.
fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let before: usize =
        text.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

/// Some bytes before and behind a place, quoted.
fn around(text: &[u8], offset: usize) -> String {
    let (from, to) = (offset.saturating_sub(SHOWN), offset.saturating_add(SHOWN).min(text.len()));
    let shown = String::from_utf8_lossy(text.get(from..to).unwrap_or_default());
    if shown.is_empty() {
        return String::new();
    }
    let (before, behind) = (if from > 0 { "…" } else { "" }, if to < text.len() { "…" } else { "" });
    format!("{before}{shown:?}{behind}")
}
