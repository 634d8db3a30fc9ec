//! Going through headers.

use crate::headers::{Field, Headers};
use crate::value::Value;
use std::{fmt, slice};

/// The fields of [`Headers`], in order and spelling of the wire; see [`Headers::iter`].
#[derive(Clone)]
pub struct Fields<'a> {
    block: &'a [u8],
    fields: slice::Iter<'a, Field>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(block: &'a [u8], fields: &'a [Field]) -> Self {
        Self { block, fields: fields.iter() }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        Some((str::from_utf8(field.name.of(self.block)).unwrap_or_default(), field.value(self.block)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fields.size_hint()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, Value<'a>);
    type IntoIter = Fields<'a>;

    fn into_iter(self) -> Fields<'a> {
        self.iter()
    }
}

/// As a map, as the headers are.
impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}
