//! JSON both ways.

use crate::error::{Error, ErrorKind};
use crate::text::json_bytes;
use crate::url::cut;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;

/// The first bytes of what is not the JSON asked for that an error shows.
const SHOWN: usize = 60;

/// The most bytes of the words of serde_json, and of the name of a type, in an error.
const WORDS: usize = 120;

/// Compact JSON in UTF-8, as serde_json writes it: NaN and the infinities become `null`.
pub(crate) fn write(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|why| {
        Error::request_error(format!("the body cannot be written as JSON: {why}")).with_source(why)
    })
}

/// Reads a body in UTF-8, -16 or -32, with or without a byte order mark. The error names the type, the place, and
/// the beginning of the body; nothing else of the body is in it.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(&json_bytes(body)).map_err(|why| {
        let start = String::from_utf8_lossy(body.get(..SHOWN).unwrap_or(body));
        let dots = if body.len() > SHOWN { "…" } else { "" };
        let mut name = type_name::<T>().to_owned();
        cut(&mut name, WORDS);
        let text = match body {
            [] => format!("the body is empty, which is no JSON for {name}"),
            _ => format!("the body is no JSON for {name}: {}; it begins with {start:?}{dots}", words(&why)),
        };
        // The cause itself may quote any part of the body, at any length: it does not ride along.
        Error::new(ErrorKind::Decode, text)
    })
}

/// What serde_json says, without what it quotes of the body: `invalid type: string "…", expected u32 at line 1 column 9`.
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
    text + &place
}

/// Puts an ellipsis in the place of what stands between two characters of one byte.
fn hide(text: &mut String, from: Option<usize>, to: Option<usize>) {
    if let (Some(from), Some(to)) = (from, to)
        && from < to
    {
        text.replace_range(from + 1..to, "…");
    }
}
