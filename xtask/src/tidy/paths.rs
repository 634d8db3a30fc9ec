//! The paths a source file names, with imports followed: `Poll` after `use mio::Poll` is `mio::Poll`.

use std::collections::HashMap;

use super::tokens::{Kind, Token, tokens};

/// A path as it is written, and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path<'a> {
    pub(super) segments: Vec<&'a str>,
    pub(super) line: usize,
    pub(super) test: bool,
    /// Named by a `use` declaration: a single segment is then a crate or a module, not a local name.
    pub(super) imported: bool,
    /// The name after `as`.
    alias: Option<&'a str>,
}

/// Every path of these tokens, single names included; those of a `use` tree one by one.
pub(super) fn paths<'a>(tokens: &[Token<'a>]) -> Vec<Path<'a>> {
    let mut reader = Reader { tokens, at: 0, found: Vec::new() };
    while let Some(token) = reader.peek() {
        let next = tokens.get(reader.at + 1);
        if token.is("use") && token.kind == Kind::Word && !next.is_some_and(|next| next.is("<")) {
            reader.at += 1;
            reader.use_tree(&[]);
        } else if token.kind == Kind::Word || token.is("::") {
            reader.path();
        } else {
            reader.at += 1;
        }
    }
    reader.found
}

/// The paths that `a::{b, c}` stands for; none if it is not written as in a `use` declaration.
pub(super) fn patterns(written: &str) -> Vec<Vec<String>> {
    let tokens = tokens(written);
    let mut reader = Reader { tokens: &tokens, at: 0, found: Vec::new() };
    reader.use_tree(&[]);
    if reader.peek().is_some() {
        return Vec::new();
    }
    let owned = |path: Path<'_>| path.segments.iter().map(|&segment| segment.to_owned()).collect();
    reader.found.into_iter().map(owned).collect()
}

/// What the names of one file mean.
pub(super) struct Scope {
    imports: HashMap<String, Vec<String>>,
    /// The module the file is, from `crate` on.
    module: Vec<String>,
}

impl Scope {
    pub(super) fn new(file: &str, tokens: &[Token<'_>], paths: &[Path<'_>]) -> Self {
        let mut scope = Self { imports: HashMap::new(), module: module_of(file) };
        // A module of the file's own shadows a crate of the same name.
        for pair in tokens.windows(2) {
            if let [keyword, name] = pair
                && keyword.is("mod")
            {
                let inside = scope.module.iter().cloned().chain([name.text.to_owned()]).collect();
                scope.imports.insert(name.text.to_owned(), inside);
            }
        }
        for path in paths.iter().filter(|path| path.imported) {
            let last = path.segments.last().copied().filter(|&last| last != "*");
            if let Some(name) = path.alias.or(last) {
                let whole = scope.resolve(path);
                scope.imports.insert(name.to_owned(), whole);
            }
        }
        scope
    }

    /// The path from its crate on, as far as this file tells.
    pub(super) fn resolve(&self, path: &Path<'_>) -> Vec<String> {
        match self.import_of(path) {
            Some(start) => {
                let rest = path.segments.iter().skip(1).map(|&segment| segment.to_owned());
                start.iter().cloned().chain(rest).collect()
            }
            None => self.absolute(&path.segments),
        }
    }

    /// What the first name of a path was imported as, if it was.
    pub(super) fn import_of(&self, path: &Path<'_>) -> Option<&[String]> {
        path.segments.first().and_then(|&first| self.imports.get(first)).map(Vec::as_slice)
    }

    /// Leading `self` and `super` replaced by the module they mean.
    fn absolute(&self, segments: &[&str]) -> Vec<String> {
        let mut module = self.module.clone();
        let mut rest = segments;
        let mut relative = false;
        while let [first @ ("self" | "super"), tail @ ..] = rest {
            if *first == "super" {
                module.pop();
            }
            relative = true;
            rest = tail;
        }
        let tail = rest.iter().map(|&segment| segment.to_owned());
        if relative { module.into_iter().chain(tail).collect() } else { tail.collect() }
    }
}

/// Whether a path is, or lies below, a forbidden one.
///
/// A pattern that starts with `_` matches at any depth. A glob import matches what it may bring in.
pub(super) fn matches(path: &[String], pattern: &[String]) -> bool {
    if let [any, wanted @ ..] = pattern
        && any == "_"
    {
        return path.windows(wanted.len().max(1)).any(|window| window == wanted);
    }
    if let [module @ .., last] = path
        && last == "*"
        && pattern.starts_with(module)
    {
        return true;
    }
    path.starts_with(pattern)
}

/// `crates/pool/src/net/mio.rs` is `crate::net::mio`.
fn module_of(file: &str) -> Vec<String> {
    let inside = file.split_once("/src/").map_or(file, |(_, inside)| inside);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let parts = inside.split('/').filter(|part| !["mod", "lib", "main"].contains(part));
    std::iter::once("crate").chain(parts).map(str::to_owned).collect()
}

struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    found: Vec<Path<'a>>,
}

impl<'a> Reader<'_, 'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn eat(&mut self, mark: &str) -> bool {
        let eaten = self.peek().is_some_and(|token| token.is(mark));
        self.at += usize::from(eaten);
        eaten
    }

    fn word(&mut self) -> Option<Token<'a>> {
        let word = self.peek().filter(|token| token.kind == Kind::Word || token.is("*"))?;
        self.at += 1;
        Some(word)
    }

    /// A path in code. One that goes on from a value or a type (`.name`, `<T>::name`) starts nowhere.
    fn path(&mut self) {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let leading = self.eat("::");
        let goes_on = before.is_some_and(|token| token.is(".") || (leading && token.is(">")));
        let Some(first) = self.peek().filter(|token| token.kind == Kind::Word) else { return };
        self.at += 1;
        let mut segments = vec![first.text];
        while self.peek().is_some_and(|token| token.is("::"))
            && self.tokens.get(self.at + 1).is_some_and(|token| token.kind == Kind::Word)
        {
            segments.extend(self.tokens.get(self.at + 1).map(|token| token.text));
            self.at += 2;
        }
        if !goes_on {
            let (line, test) = (first.line, first.test);
            self.found.push(Path { segments, line, test, imported: false, alias: None });
        }
    }

    /// `a::b`, `a::*`, `a as b` or `a::{…}`, below `prefix`.
    fn use_tree(&mut self, prefix: &[&'a str]) {
        let mut segments = prefix.to_vec();
        let mut last = None;
        self.eat("::");
        loop {
            if self.eat("{") {
                while self.peek().is_some_and(|token| !token.is("}") && !token.is(";")) {
                    let before = self.at;
                    self.use_tree(&segments);
                    self.eat(",");
                    self.at += usize::from(self.at == before);
                }
                self.eat("}");
                return;
            }
            let Some(word) = self.word() else { break };
            segments.push(word.text);
            last = Some(word);
            if !self.eat("::") {
                break;
            }
        }
        let Some(last) = last else { return };
        let alias = if self.eat("as") { self.word().map(|word| word.text) } else { None };
        // `a::{self}` is `a`, under the name `a`.
        if segments.len() > 1 && last.is("self") {
            segments.pop();
        }
        self.found.push(Path { segments, line: last.line, test: last.test, imported: true, alias });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(file: &str, source: &str) -> Vec<String> {
        let tokens = tokens(source);
        let paths = paths(&tokens);
        let scope = Scope::new(file, &tokens, &paths);
        paths
            .iter()
            .filter(|path| path.segments.len() > 1)
            .map(|path| scope.resolve(path).join("::"))
            .collect()
    }

    #[test]
    fn a_use_tree_is_read_one_path_at_a_time() {
        let source = "use a::{self, b::{c, d as e}, f::*};";
        let tokens = tokens(source);
        let all: Vec<String> = paths(&tokens).iter().map(|path| path.segments.join("::")).collect();
        assert_eq!(all, ["a", "a::b::c", "a::b::d", "a::f::*"]);
    }

    #[test]
    fn a_pattern_that_cannot_be_a_use_declaration_stands_for_nothing() {
        assert_eq!(patterns("std::{io, net}").len(), 2);
        assert_eq!(patterns("{std, core}::io"), Vec::<Vec<String>>::new());
    }

    #[test]
    fn names_are_followed_to_their_import() {
        let source = "use std::time::Instant as Clock; fn f() { Clock::now() }";
        assert_eq!(
            resolved("crates/pool/src/conn.rs", source),
            ["std::time::Instant", "std::time::Instant::now"]
        );
    }

    #[test]
    fn self_and_super_are_the_module_they_mean() {
        let source = "use super::link::Link; use self::race::Race; use super::super::driver::Driver;";
        assert_eq!(
            resolved("crates/pool/src/dial/tunnel.rs", source),
            ["crate::dial::link::Link", "crate::dial::tunnel::race::Race", "crate::driver::Driver"]
        );
        assert_eq!(resolved("crates/pool/src/dial/mod.rs", "use super::link::Link;"), ["crate::link::Link"]);
    }

    #[test]
    fn a_method_or_an_associated_item_is_no_path_of_its_own() {
        assert_eq!(
            resolved("a.rs", "x.url::<u8>(); <T as b::C>::d::e; ::mio::Poll::new()"),
            ["b::C", "mio::Poll::new"]
        );
    }

    #[test]
    fn a_pattern_matches_itself_what_is_below_and_a_glob_above() {
        let owned = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
        let pattern = owned("std::thread::spawn");
        assert!(matches(&owned("std::thread::spawn"), &pattern));
        assert!(matches(&owned("std::thread::*"), &pattern));
        assert!(!matches(&owned("std::thread::current"), &pattern));
        assert!(!matches(&owned("std::thread"), &pattern));
        assert!(matches(&owned("time::Instant::now"), &owned("_::Instant::now")));
    }
}
