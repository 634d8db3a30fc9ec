//! The charsets of the WHATWG Encoding standard.

use encoding_rs::{CoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// An encoding of text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charset(&'static Encoding);

impl Charset {
    pub(super) const UTF_8: Self = Self(UTF_8);
    pub(super) const UTF_16_LE: Self = Self(UTF_16LE);
    pub(super) const UTF_16_BE: Self = Self(UTF_16BE);

    /// By one of its labels, blanks and case aside. The labels of charsets that browsers refuse to decode are unknown: the
    /// standard makes one U+FFFD of a whole body there.
    pub(crate) fn from_label(label: &str) -> Option<Self> {
        Encoding::for_label_no_replacement(label.as_bytes()).map(Self)
    }

    pub(crate) fn name(self) -> &'static str {
        self.0.name()
    }

    /// All of a text. What means nothing becomes U+FFFD. A mark at the start is a character like any other.
    pub(crate) fn decode(self, body: &[u8]) -> Cow<'_, str> {
        self.0.decode_without_bom_handling(body).0
    }

    /// For a text that comes in lines.
    pub(crate) fn decoder(self) -> Decoder {
        // The one charset in which a shift lasts beyond the end of a line.
        let shifting = self.0 == ISO_2022_JP;
        if shifting {
            Decoder::Shifting(self.0.new_decoder_without_bom_handling())
        } else {
            Decoder::Plain(self)
        }
    }
}

/// What decoding one line leaves to the next: mostly nothing, as no character goes over the end of a line.
pub(crate) enum Decoder {
    Plain(Charset),
    Shifting(encoding_rs::Decoder),
}

impl Decoder {
    /// The text of the next line; `last`: nothing follows it.
    pub(crate) fn decode(&mut self, line: &[u8], last: bool) -> String {
        let decoder = match self {
            Self::Plain(charset) => return charset.decode(line).into_owned(),
            Self::Shifting(decoder) => decoder,
        };
        let (mut text, mut at) = (String::new(), 0);
        loop {
            let rest = line.get(at..).unwrap_or_default();
            text.reserve(rest.len() + ROOM);
            let (result, read, _) = decoder.decode_to_string(rest, &mut text, last);
            at += read;
            if result == CoderResult::InputEmpty {
                return text;
            }
        }
    }
}

/// More than one character and one U+FFFD take, so that a step always goes on.
const ROOM: usize = 16;
