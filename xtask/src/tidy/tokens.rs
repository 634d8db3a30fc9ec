//! Rust source as tokens: comments are gone, strings are one token each, every token knows its line.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword, without a leading `r#`.
    Word,
    /// `::`, or any other single character.
    Mark,
    /// A string, byte string or C string literal with its quotes.
    Text,
    /// A number, character or lifetime.
    Other,
}

/// One token of a source file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// From 1.
    pub(super) line: usize,
    /// Inside an item under `#[cfg(test)]`.
    pub(super) test: bool,
}

impl Token<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text && self.kind != Kind::Text
    }
}

/// Splits a file into tokens. Never fails: what is no Rust becomes some tokens too.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut cursor = Cursor { rest: source, line: 1 };
    let mut tokens = Vec::new();
    while let Some(first) = cursor.rest.chars().next() {
        let line = cursor.line;
        if first.is_whitespace() {
            cursor.take(first.len_utf8());
        } else if cursor.rest.starts_with("//") {
            cursor.take_until(|rest| rest.starts_with('\n'));
        } else if cursor.rest.starts_with("/*") {
            cursor.block_comment();
        } else {
            let (kind, text) = cursor.token(first);
            tokens.push(Token { kind, text, line, test: false });
        }
    }
    mark_tests(&mut tokens);
    tokens
}

/// Where `needle` stands in `haystack`, every time.
pub(super) fn find_all<'t>(
    haystack: &'t [Token<'_>],
    needle: &'t [Token<'_>],
) -> impl Iterator<Item = usize> + 't {
    let same = |(a, b): (&Token<'_>, &Token<'_>)| a.text == b.text && a.kind == b.kind;
    let found = move |window: &[Token<'_>]| window.iter().zip(needle).all(same);
    haystack
        .windows(needle.len().max(1))
        .enumerate()
        .filter(move |(_, window)| found(window))
        .map(|(at, _)| at)
}

/// The position after the group that opens at `open`: `(…)`, `[…]` or `{…}`, with whatever is nested in it.
pub(super) fn after_group(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.kind == Kind::Mark {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Marks the items that exist in test builds only.
fn mark_tests(tokens: &mut [Token<'_>]) {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut at = 0;
    while at < tokens.len() {
        let here = tokens.iter().skip(at).take(attribute.len());
        if !here.map(|token| token.text).eq(attribute) {
            at += 1;
            continue;
        }
        let end = end_of_item(tokens, at + attribute.len());
        for token in tokens.iter_mut().take(end).skip(at) {
            token.test = true;
        }
        at = end;
    }
}

/// The position after an item: after its `;`, or after its body in braces.
fn end_of_item(tokens: &[Token<'_>], start: usize) -> usize {
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        match token.text {
            _ if token.kind != Kind::Mark => at += 1,
            ";" => return at + 1,
            "{" => return after_group(tokens, at),
            "(" | "[" => at = after_group(tokens, at),
            // The end of what the item stands in.
            ")" | "]" | "}" => return at,
            _ => at += 1,
        }
    }
    at
}

struct Cursor<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Cursor<'a> {
    /// The next `bytes` bytes, or all that is left.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line += taken.matches('\n').count();
        taken
    }

    fn take_until(&mut self, stop: impl Fn(&str) -> bool) -> &'a str {
        let end =
            self.rest.char_indices().map(|(at, _)| at).find(|&at| self.rest.get(at..).is_some_and(&stop));
        self.take(end.unwrap_or(self.rest.len()))
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth = depth.saturating_sub(1);
                self.take(2);
            } else {
                self.take(self.rest.chars().next().map_or(0, char::len_utf8));
            }
            if depth == 0 || self.rest.is_empty() {
                return;
            }
        }
    }

    fn token(&mut self, first: char) -> (Kind, &'a str) {
        if let Some(length) = self.string_length() {
            (Kind::Text, self.take(length))
        } else if self.rest.starts_with("r#") {
            self.take(2);
            (Kind::Word, self.take_until(|rest| !rest.starts_with(in_word)))
        } else if self.rest.starts_with("b'") {
            let length = 1 + character_length(self.rest.get(1..).unwrap_or_default());
            (Kind::Other, self.take(length))
        } else if first == '\'' {
            (Kind::Other, self.take(character_length(self.rest)))
        } else if first.is_ascii_digit() {
            (Kind::Other, self.take_until(|rest| !rest.starts_with(in_word)))
        } else if in_word(first) {
            (Kind::Word, self.take_until(|rest| !rest.starts_with(in_word)))
        } else if self.rest.starts_with("::") {
            (Kind::Mark, self.take(2))
        } else {
            (Kind::Mark, self.take(first.len_utf8()))
        }
    }

    /// The length of the string literal that starts here, if one does.
    fn string_length(&self) -> Option<usize> {
        let body = self.rest.trim_start_matches(['b', 'c']);
        let prefix = self.rest.len() - body.len();
        if prefix > 1 {
            return None;
        }
        if let Some(raw) = body.strip_prefix('r') {
            let quoted = raw.trim_start_matches('#');
            let marks = raw.len() - quoted.len();
            let end = format!("\"{}", "#".repeat(marks));
            let start = prefix + 1 + marks + 1;
            let inside = quoted.strip_prefix('"')?;
            return Some(start + inside.find(&end).map_or(inside.len(), |at| at + end.len()));
        }
        let inside = body.strip_prefix('"')?;
        let mut escaped = false;
        let close = inside.find(|character| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        Some(prefix + 1 + close.map_or(inside.len(), |at| at + 1))
    }
}

/// The length of what a `'` begins: a character literal or a lifetime.
fn character_length(rest: &str) -> usize {
    let inside = rest.get(1..).unwrap_or_default();
    if let Some(escape) = inside.strip_prefix('\\') {
        let mark = escape.chars().next().map_or(0, char::len_utf8);
        let end = escape.get(mark..).unwrap_or_default().find('\'');
        return 2 + mark + end.map_or(0, |at| at + 1);
    }
    let first = inside.chars().next().map_or(0, char::len_utf8);
    if inside.get(first..).unwrap_or_default().starts_with('\'') {
        return 1 + first + 1;
    }
    1 + inside.find(|character| !in_word(character)).unwrap_or(inside.len())
}

fn in_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_are_gone_and_strings_are_one_token() {
        assert_eq!(texts("a /* b /* c */ d */ e // f\ng"), ["a", "e", "g"]);
        assert_eq!(texts(r##"x("y \" // z", r#"a " b"#, b"c", br"\")"##).len(), 10);
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        assert_eq!(
            texts(r"&'a x, '\'', 'b', b'\\', '\u{41}'"),
            ["&", "'a", "x", ",", r"'\''", ",", "'b'", ",", r"b'\\'", ",", r"'\u{41}'"]
        );
    }

    #[test]
    fn a_line_is_counted_through_comments_and_strings() {
        let source = "/*\n\n*/ \"\n\" last";
        assert_eq!(tokens(source).last().map(|token| (token.text, token.line)), Some(("last", 4)));
    }

    #[test]
    fn only_what_is_under_cfg_test_is_marked() {
        let source =
            "fn a() {} #[cfg(test)] mod tests { fn b() { { } } } fn c() {} #[cfg(test)] use d; fn e() {}";
        let marked: Vec<&str> = tokens(source)
            .iter()
            .filter(|token| ["a", "b", "c", "d", "e"].contains(&token.text) && token.test)
            .map(|token| token.text)
            .collect();
        assert_eq!(marked, ["b", "d"]);
    }

    #[test]
    fn nothing_in_a_file_makes_the_tokenizer_fail_or_stop() {
        for broken in ["\"", "'", "/*", "r#\"", "b'", "é'é", "'\\", "r#", "\u{2028}", "#[cfg(test)]"] {
            let source = format!("{broken} end");
            let all: usize = tokens(&source).iter().map(|token| token.text.len()).sum();
            assert!(all <= source.len(), "{broken}");
        }
    }
}
