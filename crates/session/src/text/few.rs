//! The charsets that are known without the feature `charset`.

use std::borrow::Cow;
use std::str;

/// An encoding of text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    Utf16(ByteOrder),
    Windows1252,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

impl Charset {
    pub(super) const UTF_8: Self = Self::Utf8;
    pub(super) const UTF_16_LE: Self = Self::Utf16(ByteOrder::Little);
    pub(super) const UTF_16_BE: Self = Self::Utf16(ByteOrder::Big);

    /// By the labels of the WHATWG Encoding standard (§4.2), blanks and case aside. There `iso-8859-1` and `us-ascii` are
    /// names of windows-1252, as what carries those labels mostly is.
    pub(crate) fn from_label(label: &str) -> Option<Self> {
        let label = label.trim().to_ascii_lowercase();
        Some(match label.as_str() {
            "utf-8" | "utf8" | "unicode-1-1-utf-8" | "unicode11utf8" | "unicode20utf8"
            | "x-unicode20utf8" => Self::Utf8,
            "utf-16" | "utf-16le" | "ucs-2" | "iso-10646-ucs-2" | "csunicode" | "unicode" | "unicodefeff" => {
                Self::UTF_16_LE
            }
            "utf-16be" | "unicodefffe" => Self::UTF_16_BE,
            "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso-8859-1" | "iso8859-1" | "iso88591"
            | "iso_8859-1" | "iso_8859-1:1987" | "iso-ir-100" | "csisolatin1" | "latin1" | "l1" | "cp819"
            | "ibm819" | "windows-1252" | "cp1252" | "x-cp1252" => Self::Windows1252,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16(ByteOrder::Little) => "UTF-16LE",
            Self::Utf16(ByteOrder::Big) => "UTF-16BE",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// All of a text. What means nothing becomes U+FFFD. A mark at the start is a character like any other.
    pub(crate) fn decode(self, body: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 => String::from_utf8_lossy(body),
            Self::Utf16(order) => Cow::Owned(utf16_lossy(body, order)),
            Self::Windows1252 => match str::from_utf8(body) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(body.iter().map(|byte| windows_1252(*byte)).collect()),
            },
        }
    }

    /// For a text that comes in lines.
    pub(crate) fn decoder(self) -> Decoder {
        Decoder(self)
    }
}

/// None of these charsets carries anything over the end of a line.
pub(crate) struct Decoder(Charset);

impl Decoder {
    /// The text of the next line.
    #[expect(clippy::needless_pass_by_ref_mut, reason = "decoders of other charsets change")]
    pub(crate) fn decode(&mut self, line: &[u8], _last: bool) -> String {
        self.0.decode(line).into_owned()
    }
}

fn utf16_lossy(body: &[u8], order: ByteOrder) -> String {
    let (units, odd) = body.as_chunks::<2>();
    let units = units.iter().map(|unit| match order {
        ByteOrder::Little => u16::from_le_bytes(*unit),
        ByteOrder::Big => u16::from_be_bytes(*unit),
    });
    let mut text: String =
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if !odd.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

/// ISO 8859-1, except for the 27 characters that windows-1252 has in place of C1 controls.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let high = byte.checked_sub(0x80).and_then(|place| HIGH.get(usize::from(place)));
    high.copied().unwrap_or(char::from(byte))
}
