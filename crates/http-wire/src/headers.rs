use std::fmt;

use crate::error::HeadError;
use crate::fields::Fields;
use crate::token;
use crate::value::Value;

/// Ordered, case-preserving, case-insensitive multi-map of fields, in one block of bytes.
///
/// Names compare without regard to ASCII case (RFC 9110 section 5.1); order and spelling are those of the wire
/// or of the caller. Names are taken as `impl AsRef<str>`, so `"content-type"` and
/// `http::header::CONTENT_TYPE` both work.
///
/// A value can be marked as sensitive ([`append_sensitive`](Self::append_sensitive)): `Debug` never prints it, and the
/// mark goes along into copies and into an [`http::HeaderMap`]. Values of `Authorization`, `Proxy-Authorization`,
/// `Cookie` and `Set-Cookie` are sensitive without a mark.
///
/// ```
/// # fn main() -> Result<(), http_wire::HeadError> {
/// let mut headers = http_wire::Headers::new();
/// headers.append("Accept", "*/*")?;
/// headers.append("Via", "1.1 a")?;
/// headers.insert("ACCEPT", "text/html")?; // keeps its place, takes the new spelling
/// assert!(headers.get("accept").is_some_and(|value| value == "text/html"));
/// assert_eq!(headers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["ACCEPT", "Via"]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "CaseInsensitiveDict")]
#[derive(Clone, Default)]
pub struct Headers {
    block: Vec<u8>,
    fields: Vec<Field>,
    /// Bytes of `block` that fields were removed from.
    dead: usize,
    names: NameFilter,
}

/// Which names may be in a map, as 64 bits: one look tells that most names are not, and most lookups are for names that
/// are not. Bits of removed names stay, so a bit that is set says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NameFilter(u64);

impl NameFilter {
    /// The bit of a name, the same in either case. The factors keep the names that clients look for apart from those
    /// that servers send most.
    fn bit(name: &[u8]) -> u64 {
        let [first, .., last] = name else { return 1 };
        let place = usize::from(first | 0x20) + 13 * usize::from(last | 0x20) + 19 * name.len();
        1 << (place & 63)
    }

    pub(crate) fn add(&mut self, name: &[u8]) {
        self.0 |= Self::bit(name);
    }

    fn may_have(self, name: &[u8]) -> bool {
        self.0 & Self::bit(name) != 0
    }
}

/// Where a field's name and value lie in the block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: Span,
    pub(crate) value: Span,
    /// Marked by the caller.
    pub(crate) sensitive: bool,
}

impl Field {
    pub(crate) fn value<'a>(&self, block: &'a [u8]) -> Value<'a> {
        Value::of(self.name.of(block), self.value.of(block), self.sensitive)
    }
}

/// A range of a block. 32 bits: a head has far less than 4 GiB, and a field fits into 20 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn of(self, block: &[u8]) -> &[u8] {
        block.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }
}

/// Below this many dead bytes a block is not worth rewriting.
const COMPACT_FROM: usize = 1024;

impl Headers {
    /// No fields; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fields that were found in `block` by a parser.
    pub(crate) fn parsed(block: Vec<u8>, (fields, names): (Vec<Field>, NameFilter)) -> Self {
        Self { block, fields, dead: 0, names }
    }

    pub(crate) fn block(&self) -> &[u8] {
        &self.block
    }

    /// How many fields there are; a repeated name counts each time.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether a field of that name is here.
    pub fn contains(&self, name: impl AsRef<str>) -> bool {
        self.position(name.as_ref()).is_some()
    }

    /// The value of the first field of that name.
    pub fn get(&self, name: impl AsRef<str>) -> Option<Value<'_>> {
        self.named(name.as_ref().as_bytes()).next().map(|field| field.value(&self.block))
    }

    /// The values of all fields of that name, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Value<'a>> {
        self.named(name.as_bytes()).map(|field| field.value(&self.block))
    }

    /// The members of the comma-separated list that all fields of that name make up together (RFC 9110 section
    /// 5.3), without white space around them and without empty members. For lists of tokens, as in
    /// `Connection`: a comma inside a quoted string would separate too.
    pub fn tokens<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Value<'a>> {
        self.get_all(name)
            .flat_map(|value| token::members(value.as_bytes()).map(move |member| value.part(member)))
    }

    /// All fields, in order and spelling of the wire.
    pub fn iter(&self) -> Fields<'_> {
        Fields::new(&self.block, &self.fields)
    }

    /// Sets a field: the first one of that name keeps its place and takes the new spelling and value, the others
    /// go. Without one, the field is appended.
    ///
    /// # Errors
    ///
    /// `BadHeaderName`, `BadHeaderValue` (control characters, or white space at an end), `TooLarge` (4 GiB).
    /// Nothing has changed then.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Result<(), HeadError> {
        self.put(name.as_ref(), value.as_ref(), false)
    }

    /// As [`insert`](Self::insert), with a value that is never shown.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert).
    pub fn insert_sensitive(
        &mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), HeadError> {
        self.put(name.as_ref(), value.as_ref(), true)
    }

    /// As [`insert`](Self::insert), with a value of another map: if it is sensitive there, it is here.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert).
    pub fn insert_value(&mut self, name: impl AsRef<str>, value: Value<'_>) -> Result<(), HeadError> {
        self.put(name.as_ref(), value.as_bytes(), value.is_sensitive())
    }

    /// Sets the fields of a list of pairs or a map, each as [`insert`](Self::insert) does: of one name the last one
    /// stays. (Those of other headers too, but their marks as sensitive do not come along; with
    /// [`insert_value`](Self::insert_value) they do.)
    ///
    /// ```
    /// let mut headers = http_wire::Headers::new();
    /// headers.update([("Accept", "text/html"), ("X-Test", "true")])?;
    /// headers.update([("accept", "*/*")])?;
    /// assert_eq!(format!("{headers:?}"), r#"{"accept": "*/*", "X-Test": "true"}"#);
    /// # Ok::<(), http_wire::HeadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert), of the first that cannot be set; nothing has changed then.
    pub fn update<N: AsRef<str>, V: AsRef<[u8]>>(
        &mut self,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), HeadError> {
        let mut updated = self.clone();
        for (name, value) in fields {
            updated.insert(name, value)?;
        }
        *self = updated;
        Ok(())
    }

    /// Adds a field at the end, whether or not one of that name is here.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert).
    pub fn append(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Result<(), HeadError> {
        self.push(name.as_ref(), value.as_ref(), false)
    }

    /// As [`append`](Self::append), with a value that is never shown.
    ///
    /// ```
    /// # fn main() -> Result<(), http_wire::HeadError> {
    /// let mut headers = http_wire::Headers::new();
    /// headers.append_sensitive("X-Api-Key", "s3cret")?;
    /// assert_eq!(format!("{headers:?}"), r#"{"X-Api-Key": <redacted>}"#);
    /// assert!(headers.get("x-api-key").is_some_and(|key| key == "s3cret"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert).
    pub fn append_sensitive(
        &mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), HeadError> {
        self.push(name.as_ref(), value.as_ref(), true)
    }

    /// As [`append`](Self::append), with a value of another map: if it is sensitive there, it is here.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert).
    pub fn append_value(&mut self, name: impl AsRef<str>, value: Value<'_>) -> Result<(), HeadError> {
        self.push(name.as_ref(), value.as_bytes(), value.is_sensitive())
    }

    /// Marks the values that fields of that name have now as sensitive; `true` if there was one.
    pub fn set_sensitive(&mut self, name: impl AsRef<str>) -> bool {
        let (name, block) = (name.as_ref().as_bytes(), &self.block);
        let mut found = false;
        for field in &mut self.fields {
            if field.name.of(block).eq_ignore_ascii_case(name) {
                (field.sensitive, found) = (true, true);
            }
        }
        found
    }

    /// Removes all fields of that name; `true` if there was one.
    pub fn remove(&mut self, name: impl AsRef<str>) -> bool {
        self.discard(name.as_ref(), 0)
    }

    fn put(&mut self, name: &str, value: &[u8], sensitive: bool) -> Result<(), HeadError> {
        let Some(at) = self.position(name) else { return self.push(name, value, sensitive) };
        let field = self.store(name.as_bytes(), value, sensitive)?;
        if let Some(slot) = self.fields.get_mut(at) {
            self.dead += slot.name.len() + slot.value.len();
            *slot = field;
        }
        self.discard(name, at + 1);
        Ok(())
    }

    pub(crate) fn push(&mut self, name: &str, value: &[u8], sensitive: bool) -> Result<(), HeadError> {
        let field = self.store(name.as_bytes(), value, sensitive)?;
        self.fields.push(field);
        Ok(())
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (field.name.of(&self.block), field.value.of(&self.block)))
    }

    /// The fields with a name of a wanted length: most of a head need not be looked at to find a few fields.
    pub(crate) fn fields_of_length(
        &self,
        wanted: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = (&[u8], &[u8])> {
        let candidates = self.fields.iter().filter(move |field| wanted(field.name.len()));
        candidates.map(|field| (field.name.of(&self.block), field.value.of(&self.block)))
    }

    /// The fields of that name. The length tells nearly all names apart, so it is compared before any byte.
    fn named<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a Field> {
        let candidates = if self.names.may_have(name) { self.fields.as_slice() } else { &[] };
        let same = |field: &&Field| {
            field.name.len() == name.len() && field.name.of(&self.block).eq_ignore_ascii_case(name)
        };
        candidates.iter().filter(same)
    }

    fn position(&self, name: &str) -> Option<usize> {
        let name = name.as_bytes();
        if !self.names.may_have(name) {
            return None;
        }
        let same = |field: &Field| {
            field.name.len() == name.len() && field.name.of(&self.block).eq_ignore_ascii_case(name)
        };
        self.fields.iter().position(same)
    }

    /// Removes fields of that name, those before index `from` excepted.
    fn discard(&mut self, name: &str, from: usize) -> bool {
        let (block, before) = (&self.block, self.fields.len());
        let (mut index, mut dead) = (0, 0);
        self.fields.retain(|field| {
            let gone = index >= from && field.name.of(block).eq_ignore_ascii_case(name.as_bytes());
            index += 1;
            dead += if gone { field.name.len() + field.value.len() } else { 0 };
            !gone
        });
        self.dead += dead;
        if self.dead > COMPACT_FROM && self.dead > self.block.len() / 2 {
            self.compact();
        }
        self.fields.len() < before
    }

    /// Checks a field and writes it behind the block.
    fn store(&mut self, name: &[u8], value: &[u8], sensitive: bool) -> Result<Field, HeadError> {
        check_field(name, value)?;
        let (at, value) = (self.write(name)?, self.write(value)?);
        self.names.add(name);
        Ok(Field { name: at, value, sensitive })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Span, HeadError> {
        let end = self.block.len().checked_add(bytes.len()).and_then(|end| u32::try_from(end).ok());
        let end = end.ok_or(HeadError::TooLarge)?;
        let start = self.block.len() as u32;
        self.block.extend_from_slice(bytes);
        Ok(Span { start, end })
    }

    /// Rewrites the block without its dead bytes.
    fn compact(&mut self) {
        let mut block = Vec::with_capacity(self.block.len() - self.dead.min(self.block.len()));
        let mut shift = |span: &mut Span| {
            let start = block.len() as u32;
            block.extend_from_slice(span.of(&self.block));
            *span = Span { start, end: block.len() as u32 };
        };
        for field in &mut self.fields {
            shift(&mut field.name);
            shift(&mut field.value);
        }
        self.block = block;
        self.dead = 0;
    }
}

/// Two maps are equal if they have the same fields in the same order; names compare without regard to case, marks
/// not at all.
impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.fields().zip(other.fields()).all(|(a, b)| a.0.eq_ignore_ascii_case(b.0) && a.1 == b.1)
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

pub(crate) fn check_field(name: &[u8], value: &[u8]) -> Result<(), HeadError> {
    if !token::is_token(name) {
        return Err(HeadError::BadHeaderName);
    }
    if !token::is_field_value(value) {
        return Err(HeadError::BadHeaderValue);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_and_removed_fields_do_not_pile_up() {
        let mut headers = Headers::new();
        for i in 0..10_000 {
            headers.insert("A", format!("value {i}")).unwrap();
            headers.append("B", "x".repeat(100)).unwrap();
            headers.remove("b");
            assert!(headers.block.len() < 4 * COMPACT_FROM, "after {i}");
        }
    }
}
