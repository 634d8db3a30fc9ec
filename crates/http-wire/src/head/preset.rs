use std::fmt;
use std::ops::Range;

use super::options::Options;
use crate::headers::Headers;

/// Fields checked and encoded once, to be put into many heads.
///
/// What a client sends with every request, such as `User-Agent` and `Accept`, need not be checked every time:
/// [`RequestBuilder::preset`](crate::RequestBuilder::preset) adds such fields for the price of a copy.
///
/// ```
/// # fn main() -> Result<(), http_wire::HeadError> {
/// use http_wire::{Headers, Method, Preset, RequestHead};
/// let mut usual = Headers::new();
/// usual.append("User-Agent", "example/1.0")?;
/// usual.append("Accept", "*/*")?;
/// let usual = Preset::new(&usual)?;
/// let head = RequestHead::builder(Method::GET, "/").header("Host", "a.example").preset(&usual).build()?;
/// assert!(head.as_bytes().ends_with(b"\r\nUser-Agent: example/1.0\r\nAccept: */*\r\n\r\n"));
/// # Ok(())
/// # }
/// ```
///
/// `Debug` prints no credentials, see [`Headers`].
#[derive(Clone)]
pub struct Preset {
    /// For heads in which the encoded lines cannot stand as they are.
    pub(super) headers: Headers,
    pub(super) lines: Vec<u8>,
    pub(super) host: bool,
    pub(super) options: Options,
    /// Where in `lines` the value of `Connection` lies.
    pub(super) connection: Option<Range<usize>>,
}

impl fmt::Debug for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Preset").field(&self.headers).finish()
    }
}
