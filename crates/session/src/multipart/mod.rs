//! Forms with files: `multipart/form-data` (RFC 7578), escaped as browsers do it.

mod part;
mod source;

use crate::error::Error;
use crate::form;
use pool::Body;
use serde::Serialize;
use source::Pieces;
use std::fmt;
use std::path::Path;

pub use part::Part;

/// A form whose values may be files (requests' `files=`). Sent by
/// [`RequestBuilder::multipart`](crate::RequestBuilder::multipart).
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use session::{Form, Part, Session};
/// let session = Session::new();
/// let form = Form::new()
///     .text("title", "Holidays")
///     .file("photo", "pictures/beach.jpg")?
///     .part("notes", Part::bytes("a,b\n1,2\n").file_name("notes.csv").content_type("text/csv"));
/// session.post("https://example.com/albums").multipart(form).send()?;
/// # Ok(()) }
/// ```
///
/// Fields added with [`text`](Self::text) and [`fields`](Self::fields) come first, whenever they were added, then the
/// parts in the order they were added in (the order of requests, and what services that stop at the first file need).
/// A text that must stand between files is a [`part`](Self::part).
///
/// Files and readers are read while they are sent, in pieces: a form of any size takes little memory. It has a
/// `Content-Length` when the length of every part is known, and is chunked otherwise; it can be sent again, by a
/// redirect or a retry, when every part can go back to its start, as files and what is in memory can.
///
/// Mistakes are reported when the request is built.
#[doc(alias("files", "MultipartEncoder"))]
#[derive(Default)]
#[must_use = "a form does nothing until it is given to a request"]
pub struct Form {
    fields: Vec<(String, String)>,
    parts: Vec<(String, Part)>,
    error: Option<Error>,
}

/// Random octets of a boundary: as many as cannot be guessed or met by accident.
pub(crate) const BOUNDARY: usize = 16;

impl Form {
    /// A form without anything in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field. It has no file name and no type.
    pub fn text(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Adds fields: a map, a struct, or a list of pairs, as [`form`](crate::RequestBuilder::form) takes them. A list
    /// as value repeats its name, `None` is left out.
    pub fn fields(mut self, pairs: impl Serialize) -> Self {
        match form::pairs(pairs) {
            Ok(mut pairs) => self.fields.append(&mut pairs),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    /// Adds a file, under the last component of its path. No type is said; [`Part::guess_type`] says one.
    ///
    /// # Errors
    /// As [`Part::file`].
    pub fn file(self, name: impl Into<String>, path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(self.part(name, Part::file(path)?))
    }

    /// Adds a part as the value of this field. Several may have one name (requests' list of tuples).
    pub fn part(mut self, name: impl Into<String>, part: Part) -> Self {
        self.parts.push((name.into(), part));
        self
    }

    /// The body, and the value of its `Content-Type`.
    pub(crate) fn encode(self, boundary: [u8; BOUNDARY]) -> Result<(Body, String), Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let boundary = format!("{:032x}", u128::from_be_bytes(boundary));
        let mut pieces = Pieces::default();
        let fields = self.fields.into_iter().map(|(name, value)| (name, Part::text(value)));
        for (name, part) in fields.chain(self.parts) {
            pieces.write(format!("--{boundary}\r\n").as_bytes());
            part.encode(&name, &mut pieces)?;
            pieces.write(b"\r\n");
        }
        pieces.write(format!("--{boundary}--\r\n").as_bytes());
        Ok((pieces.into_body(), format!("multipart/form-data; boundary={boundary}")))
    }
}

impl fmt::Debug for Form {
    /// Without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.fields.iter().map(|(name, _)| name).chain(self.parts.iter().map(|(name, _)| name));
        f.write_str("Form ")?;
        f.debug_list().entries(names).finish()
    }
}
