//! JSON both ways.

use crate::error::{Error, ErrorKind};
use crate::text::json_bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;

/// The first bytes of what is not the JSON asked for that an error shows.
const SHOWN: usize = 60;

/// Compact JSON in UTF-8, as serde_json writes it: NaN and the infinities become `null`.
pub(crate) fn write(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|why| {
        Error::request_error(format!("the body cannot be written as JSON: {why}")).with_source(why)
    })
}

/// Reads a body in UTF-8, -16 or -32, with or without a byte order mark. The error names the type, the place, and
/// the beginning of the body.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(&json_bytes(body)).map_err(|why| {
        let start = String::from_utf8_lossy(body.get(..SHOWN).unwrap_or(body));
        let dots = if body.len() > SHOWN { "…" } else { "" };
        let text = match body {
            [] => format!("the body is empty, which is no JSON for {}", type_name::<T>()),
            _ => {
                format!("the body is no JSON for {}: {why}; it begins with {start:?}{dots}", type_name::<T>())
            }
        };
        Error::new(ErrorKind::Decode, text).with_source(why)
    })
}
