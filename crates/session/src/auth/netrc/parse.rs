//! The grammar of netrc files, as Python's `netrc` module reads them, with curl's limits.

use super::{Entry, canonical};
use crate::error::Error;

/// A longer line is refused (curl's figure).
const MAX_LINE: usize = 16 * 1024;

/// A longer value is refused (curl's figure).
const MAX_TOKEN: usize = 4 * 1024;

/// The entries, in the order of the file.
pub(super) fn entries(text: &[u8]) -> Result<Vec<Entry>, Error> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if let Some(line) = text.split(|b| *b == b'\n').position(|line| line.len() > MAX_LINE) {
        return Err(at(line + 1, &format!("is longer than {} KiB", MAX_LINE / 1024)));
    }
    let mut lexer = Lexer { rest: text, line: 1 };
    let mut entries: Vec<Entry> = Vec::new();
    while let Some(keyword) = lexer.keyword()? {
        match &*keyword {
            b"machine" => {
                let name = lexer.value("machine")?;
                let host = Some(canonical(&String::from_utf8_lossy(&name)));
                entries.push(Entry { host, ..Entry::default() });
            }
            b"default" => entries.push(Entry::default()),
            b"macdef" => lexer.skip_macro(),
            b"login" | b"user" => {
                *lexer.field(&mut entries, |entry| &mut entry.login)? = lexer.value("login")?
            }
            b"password" => {
                *lexer.field(&mut entries, |entry| &mut entry.password)? = lexer.value("password")?
            }
            b"account" => *lexer.field(&mut entries, |entry| &mut entry.account)? = lexer.value("account")?,
            // It is not shown: it may be a part of a password.
            _ => {
                let what = "has a word that is none of machine, default, login, password, account and macdef; a value \
                            with a blank or a # in it is put in quotation marks";
                return Err(lexer.wrong(what));
            }
        }
    }
    Ok(entries)
}

/// The part of the text that is still to be read.
struct Lexer<'a> {
    rest: &'a [u8],
    line: usize,
}

impl Lexer<'_> {
    /// The next word where a keyword is to stand; comments are passed over.
    fn keyword(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            self.skip_blanks();
            match self.rest.first() {
                None => return Ok(None),
                Some(b'#') => self.skip_line(),
                Some(_) => return self.token().map(Some),
            }
        }
    }

    /// The value of a keyword. It may begin with a `#`.
    fn value(&mut self, of: &str) -> Result<Vec<u8>, Error> {
        self.skip_blanks();
        if self.rest.is_empty() {
            return Err(self.wrong(&format!("ends behind {of:?}, whose value is missing")));
        }
        self.token()
    }

    /// Where the value of a keyword goes.
    fn field<'e>(
        &self,
        entries: &'e mut [Entry],
        of: impl Fn(&'e mut Entry) -> &'e mut Vec<u8>,
    ) -> Result<&'e mut Vec<u8>, Error> {
        let entry = entries.last_mut();
        entry.map(of).ok_or_else(|| self.wrong("has credentials before the first machine or default"))
    }

    fn token(&mut self) -> Result<Vec<u8>, Error> {
        let quoted = self.rest.first() == Some(&b'"');
        if quoted {
            self.next();
        }
        let mut token = Vec::new();
        loop {
            match self.rest.first().copied() {
                Some(b'"') if quoted => {
                    self.next();
                    break;
                }
                None | Some(b'\n') if quoted => {
                    return Err(self.wrong("has a quotation mark that is not closed"));
                }
                None => break,
                Some(b) if !quoted && b.is_ascii_whitespace() => break,
                Some(b'\\') => {
                    self.next();
                    match self.rest.first() {
                        None | Some(b'\n') => return Err(self.wrong("ends in a backslash")),
                        Some(_) => token.extend(self.next()),
                    }
                }
                Some(_) => token.extend(self.next()),
            }
            if token.len() > MAX_TOKEN {
                return Err(self.wrong(&format!("has a value of more than {} KiB", MAX_TOKEN / 1024)));
            }
        }
        Ok(token)
    }

    /// A macro ends with an empty line.
    fn skip_macro(&mut self) {
        self.skip_line();
        while !self.rest.is_empty() {
            let empty = matches!(self.rest, [b'\n', ..] | [b'\r', b'\n', ..]);
            self.skip_line();
            if empty {
                return;
            }
        }
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|b| b != b'\n') {}
    }

    fn skip_blanks(&mut self) {
        while self.rest.first().is_some_and(u8::is_ascii_whitespace) {
            self.next();
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *first == b'\n' {
            self.line += 1;
        }
        Some(*first)
    }

    fn wrong(&self, what: &str) -> Error {
        at(self.line, what)
    }
}

fn at(line: usize, what: &str) -> Error {
    Error::config(format!("line {line} of a netrc file {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use proptest::prelude::*;

    /// `host login account password` of each entry; `-` for nothing.
    fn shown(text: &str) -> Vec<String> {
        let or = |text: &[u8]| match text {
            [] => "-".to_owned(),
            _ => String::from_utf8_lossy(text).into_owned(),
        };
        let one = |e: &Entry| {
            let host = e.host.clone().unwrap_or_else(|| "default".to_owned());
            format!("{host} {} {} {}", or(&e.login), or(&e.account), or(&e.password))
        };
        entries(text.as_bytes()).unwrap().iter().map(one).collect()
    }

    #[test]
    fn t_5_the_file_is_read_as_python_reads_it() {
        for (text, expected) in [
            ("", &[][..]),
            ("\u{feff}machine h login u password p", &["h u - p"]),
            ("machine h\r\n\tlogin u\r\n\taccount a\r\n\tpassword p\r\n", &["h u a p"]),
            ("default user u password p", &["default u - p"]),
            ("machine h login u password p machine i login v", &["h u - p", "i v - -"]),
            ("machine h login u password p login v", &["h v - p"]),
            ("# one\n#two\nmachine h # three\n login u # four\n password #five", &["h u - #five"]),
            ("machine h login \"a b\" password \"q\\\"\\\\ #\"", &["h a b - q\"\\ #"]),
            ("machine h login u password a\\ b\\\\c", &["h u - a b\\c"]),
            ("machine h login u password a\"b", &["h u - a\"b"]),
            ("machine h login u password \"\"", &["h u - -"]),
            ("machine machine login login password password", &["machine login - password"]),
            ("macdef init\nmachine x\nlogin y\n\nmachine h login u", &["h u - -"]),
            ("machine h login u\nmacdef init\ncd /\r\n\r\nmachine i", &["h u - -", "i - - -"]),
            ("machine h\nmacdef at the end", &["h - - -"]),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_file_that_is_none_is_an_error_with_the_line_and_without_its_words() {
        for (text, line, needle) in [
            ("machine h\nlogin u\npassword s3 cret", 3, "quotation marks"),
            ("\n\nlogin s3cret", 3, "before the first machine"),
            ("machine h login", 1, "missing"),
            ("machine h\npassword \"s3cret\nx\"", 2, "not closed"),
            ("machine h password s3cret\\", 1, "backslash"),
        ] {
            let error = entries(text.as_bytes()).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Config);
            let text = format!("{error} {error:?}");
            assert!(text.contains(&format!("line {line} ")) && text.contains(needle), "{text}");
            assert!(!text.contains("s3") && !text.contains("cret"), "{text}");
        }
    }

    #[test]
    fn a_line_and_a_value_may_be_so_long_and_not_longer() {
        let value = |len: usize| format!("machine h password {}", "p".repeat(len));
        assert!(entries(value(MAX_TOKEN).as_bytes()).is_ok());
        assert!(entries(value(MAX_TOKEN + 1).as_bytes()).is_err());
        let line = |len: usize| format!("\nmachine h #{}\n", "x".repeat(len - "machine h #".len()));
        assert!(entries(line(MAX_LINE).as_bytes()).is_ok());
        let error = entries(line(MAX_LINE + 1).as_bytes()).err().unwrap();
        assert!(error.to_string().contains("line 2 "), "{error}");
    }

    proptest! {
        #[test]
        fn no_file_is_too_odd(text in prop::collection::vec(
            prop_oneof![Just(b' '), Just(b'\n'), Just(b'"'), Just(b'\\'), Just(b'#'), any::<u8>()], 0..300
        )) {
            let _ = entries(&text);
            let _ = entries(&[b"machine h password ", &text[..]].concat());
        }
    }
}
