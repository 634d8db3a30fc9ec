//! One part of a form: its content, and the fields before it.

use super::source::Pieces;
use crate::error::{Error, ErrorKind};
use http_wire::Headers;
use pool::Source;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A value of a [`Form`](crate::Form): what it is, and what is said about it.
///
/// A file, bytes and a reader are sent with a file name: the one that was [given](Self::file_name), else that of the
/// file, else the name of the field (the rule of requests). A text has none unless it is given. A type is sent where
/// one was given or [guessed](Self::guess_type).
#[must_use = "a part does nothing until it is added to a form"]
pub struct Part {
    content: Content,
    name: FileName,
    content_type: Option<String>,
    headers: Headers,
    error: Option<Error>,
}

enum Content {
    Bytes(Vec<u8>),
    Source(Box<dyn Source>, Option<u64>),
}

enum FileName {
    None,
    /// The name of the field.
    Field,
    Given(String),
    /// That of a file, in an encoding that is not UTF-8.
    Foreign,
}

impl Part {
    /// A text, without a file name.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Bytes(text.into().into_bytes()), FileName::None)
    }

    /// Bytes in memory.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Content::Bytes(bytes.into()), FileName::Field)
    }

    /// A file, read while it is sent, under the last component of its path. A name like `<stdin>` is none (requests'
    /// rule).
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be opened, or is a directory.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let fail = |why: &dyn fmt::Display| {
            Error::new(ErrorKind::Io, format!("the file {} cannot be sent: {why}", path.display()))
        };
        let file = File::open(path).map_err(|why| fail(&why).with_source(why))?;
        if file.metadata().map_err(|why| fail(&why).with_source(why))?.is_dir() {
            return Err(fail(&"it is a directory"));
        }
        let name = match path.file_name().map(|name| name.to_str()) {
            Some(Some(name)) if name.starts_with('<') && name.ends_with('>') => FileName::Field,
            Some(Some(name)) => FileName::Given(name.to_owned()),
            Some(None) => FileName::Foreign,
            None => FileName::Field,
        };
        let mut part = Self::source(file);
        part.name = name;
        Ok(part)
    }

    /// What a reader gives, until its end. Its length is not known, so the form is chunked and can be sent once. An open
    /// [`File`](std::fs::File) is better given to [`source`](Self::source), which knows its length.
    pub fn reader(reader: impl Read + Send + 'static) -> Self {
        Self::source(pool::Once::new(reader))
    }

    /// What a reader gives, which must be `len` bytes. Fewer is an error of the request, and so is more where a read gives
    /// it; nothing is read once the length is reached. It can be sent once.
    pub fn sized(reader: impl Read + Send + 'static, len: u64) -> Self {
        if len == 0 {
            return Self::bytes([]);
        }
        Self::new(Content::Source(Box::new(pool::Once::new(reader)), Some(len)), FileName::Field)
    }

    /// What a [`Source`] gives: with its length, and sent again, as far as the source knows how.
    pub fn source(source: impl Source + 'static) -> Self {
        let len = source.remaining();
        Self::new(Content::Source(Box::new(source), len), FileName::Field)
    }

    /// Sets the file name.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.name = FileName::Given(name.into());
        self
    }

    /// Sends no file name (`(None, content)` in requests): to the server this is a field and not a file.
    pub fn without_file_name(mut self) -> Self {
        self.name = FileName::None;
        self
    }

    /// Sets the type, for example `text/csv; charset=utf-8`.
    pub fn content_type(mut self, value: impl Into<String>) -> Self {
        self.content_type = Some(value.into());
        self
    }

    /// Sets the type by the ending of the file name. It stays as it is where there is no name, or the ending is not
    /// known.
    pub fn guess_type(mut self) -> Self {
        if let FileName::Given(name) = &self.name
            && let Some(guess) = mime_guess::from_path(name).first_raw()
        {
            self.content_type = Some(guess.to_owned());
        }
        self
    }

    /// Adds a field to the head of the part, behind `Content-Disposition`, `Content-Type` and `Content-Location`.
    /// `Content-Type` given here is [`content_type`](Self::content_type). One without a value is left out.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        if name.eq_ignore_ascii_case("content-type") {
            return self.content_type(value);
        }
        let added = if name.eq_ignore_ascii_case("content-disposition") {
            Err(Error::request_error(
                "Content-Disposition of a part is written by the library; set its name with file_name(..)",
            ))
        } else {
            self.headers.append(name, value).map_err(|why| Error::header(name, why))
        };
        if let Err(error) = added {
            self.error.get_or_insert(error);
        }
        self
    }

    fn new(content: Content, name: FileName) -> Self {
        Self { content, name, content_type: None, headers: Headers::new(), error: None }
    }

    /// Writes head and content behind what is there.
    pub(super) fn encode(self, field: &str, pieces: &mut Pieces) -> Result<(), Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut disposition = format!("form-data; name=\"{}\"", escaped(field));
        let file_name = match &self.name {
            FileName::None => None,
            FileName::Field => Some(field),
            FileName::Given(name) => Some(name.as_str()),
            FileName::Foreign => {
                return Err(Error::request_error(format!(
                    "the name of the file for {field:?} is not UTF-8; give it one with file_name(..)"
                )));
            }
        };
        if let Some(name) = file_name {
            disposition.push_str("; filename=\"");
            disposition.push_str(&escaped(name));
            disposition.push('"');
        }
        write_field(pieces, "Content-Disposition", disposition.as_bytes());
        if let Some(value) = self.content_type.filter(|value| !value.is_empty()) {
            // Checked as every field is; the parts of a body have no other rules.
            let mut checked = Headers::new();
            checked.append("Content-Type", &value).map_err(|why| Error::header("Content-Type", why))?;
            write_field(pieces, "Content-Type", value.as_bytes());
        }
        for location in [true, false] {
            for (name, value) in self.headers.iter() {
                if name.eq_ignore_ascii_case("content-location") == location && !value.as_bytes().is_empty() {
                    write_field(pieces, name, value.as_bytes());
                }
            }
        }
        pieces.write(b"\r\n");
        match self.content {
            Content::Bytes(bytes) => pieces.write(&bytes),
            Content::Source(source, len) => pieces.read(source, len, field),
        }
        Ok(())
    }
}

fn write_field(pieces: &mut Pieces, name: &str, value: &[u8]) {
    pieces.write(name.as_bytes());
    pieces.write(b": ");
    pieces.write(value);
    pieces.write(b"\r\n");
}

/// What cannot stand between quotes, as the HTML standard has it ("multipart/form-data encoding algorithm"); everything
/// else, a backslash included, is sent as it is, in UTF-8.
fn escaped(name: &str) -> String {
    name.replace('\n', "%0A").replace('\r', "%0D").replace('"', "%22")
}

impl fmt::Debug for Part {
    /// Without the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = match &self.content {
            Content::Bytes(bytes) => Some(bytes.len() as u64),
            Content::Source(_, len) => *len,
        };
        f.debug_struct("Part")
            .field("len", &len)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}
