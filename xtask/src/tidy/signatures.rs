//! Public signatures: no type of another project's crate appears in one, but for a short list.
//!
//! This is a look at the text, not at types: it sees what a public item names itself.

use std::collections::HashSet;

use super::Finding;
use super::absences::is_library;
use super::paths::{Path, Scope, matches, paths, patterns};
use super::tokens::{Kind, Token, after_group};

/// What users of the crates may meet, because they name it themselves.
const ALLOWED: &[&str] = &[
    "http",
    "url::Url",
    "cookie::Cookie",
    "serde::{Serialize, Deserialize}",
    "serde::de::DeserializeOwned",
    "serde::ser::Serialize",
];

/// Allowed in functions with `rustls` in their name: who calls one knows what is asked for.
const ALLOWED_BY_NAME: (&str, &str) = ("rustls", "rustls::ClientConfig");

/// The foreign types in public signatures of a file. `dependencies` are crate names as code spells them,
/// `public` the names of the crate's public types.
pub(super) fn check(
    file: &str,
    tokens: &[Token<'_>],
    scope: &Scope,
    dependencies: &HashSet<String>,
    public: &HashSet<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !is_library(file) {
        return findings;
    }
    for (item, signature) in signatures(tokens, public) {
        for path in paths(&signature) {
            let whole = scope.resolve(&path);
            let foreign = whole.first().is_some_and(|root| dependencies.contains(root));
            // A single lower-case name that nothing imported is a parameter or a module.
            let named = path.imported || whole.len() > 1;
            if foreign && named && !path.test && !allowed(&item, &whole) {
                let words = format!("`{}` in the public signature of `{item}`", whole.join("::"));
                findings.push(Finding::new(file, path.line, "A8", words));
            }
        }
    }
    findings
}

/// The names of the public types a file declares.
pub(super) fn public_types(tokens: &[Token<'_>]) -> HashSet<String> {
    let declared = tokens.windows(3).filter_map(|three| match three {
        [visible, kind, name]
            if visible.is("pub") && ["struct", "enum", "union"].iter().any(|k| kind.is(k)) =>
        {
            Some(name.text.to_owned())
        }
        _ => None,
    });
    declared.collect()
}

fn allowed(item: &str, path: &[String]) -> bool {
    let any = |written: &str| patterns(written).iter().any(|pattern| matches(path, pattern));
    let (word, by_name) = ALLOWED_BY_NAME;
    ALLOWED.iter().any(|written| any(written)) || (item.contains(word) && any(by_name))
}

/// The public items of a file, by name, each with the tokens that a user of the crate can see.
fn signatures<'a>(tokens: &[Token<'a>], public: &HashSet<String>) -> Vec<(String, Vec<Token<'a>>)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| !token.test) {
        let slice = |end: usize| tokens.iter().take(end).skip(at).copied().collect::<Vec<_>>();
        if token.is("impl") {
            let header = slice(head_end(tokens, at, &["{", ";"]));
            if let Some(target) = conversion_target(&header)
                && public.contains(target)
            {
                found.push((format!("a conversion of {target}"), header));
            }
        } else if token.is("pub") && !tokens.get(at + 1).is_some_and(|next| next.is("(")) {
            found.extend(public_item(tokens, at));
        }
    }
    found
}

/// What is visible of the item whose `pub` stands at `at`.
fn public_item<'a>(tokens: &[Token<'a>], at: usize) -> Vec<(String, Vec<Token<'a>>)> {
    let slice = |from: usize, end: usize| tokens.iter().take(end).skip(from).copied().collect::<Vec<_>>();
    let modifiers = ["const", "async", "extern"];
    let mut word = at + 1;
    while let (Some(this), Some(next)) = (tokens.get(word), tokens.get(word + 1))
        && modifiers.iter().any(|modifier| this.is(modifier))
        && (next.is("fn") || next.kind == Kind::Text || modifiers.iter().any(|modifier| next.is(modifier)))
    {
        word += if next.kind == Kind::Text { 2 } else { 1 };
    }
    let Some(keyword) = tokens.get(word) else { return Vec::new() };
    let name = tokens.get(word + 1).map_or_else(String::new, |token| token.text.to_owned());
    match keyword.text {
        "mod" => Vec::new(),
        "use" => vec![("pub use".to_owned(), slice(word, head_end(tokens, word, &[";"])))],
        "fn" | "type" | "struct" | "union" => {
            let ends: &[&str] = if keyword.is("struct") { &["{", ";", "("] } else { &["{", ";"] };
            vec![(name, slice(word, head_end(tokens, word, ends)))]
        }
        "const" | "static" => vec![(name, slice(word, head_end(tokens, word, &["=", ";"])))],
        "enum" => {
            let open = head_end(tokens, word, &["{", ";"]);
            vec![(name, slice(word, after_group(tokens, open)))]
        }
        "trait" => trait_signatures(tokens, word, &name),
        field => vec![(field.to_owned(), slice(at, field_end(tokens, at + 1)))],
    }
}

/// A trait's header, and each of its items up to its body.
fn trait_signatures<'a>(tokens: &[Token<'a>], at: usize, name: &str) -> Vec<(String, Vec<Token<'a>>)> {
    let open = head_end(tokens, at, &["{", ";"]);
    let end = after_group(tokens, open);
    let mut visible: Vec<Token<'a>> = tokens.iter().take(open).skip(at).copied().collect();
    let mut inside = open + 1;
    while inside + 1 < end {
        match tokens.get(inside) {
            Some(token) if token.is("{") => inside = after_group(tokens, inside),
            Some(token) => {
                visible.push(*token);
                inside += 1;
            }
            None => break,
        }
    }
    vec![(name.to_owned(), visible)]
}

/// The type a `From` or `TryFrom` header is written for.
fn conversion_target<'a>(header: &[Token<'a>]) -> Option<&'a str> {
    let written = paths(header);
    let conversion =
        |path: &Path<'_>| path.segments.last().is_some_and(|last| ["From", "TryFrom"].contains(last));
    if !written.iter().any(conversion) {
        return None;
    }
    let after = written.iter().skip_while(|path| path.segments != ["for"]).nth(1)?;
    after.segments.last().copied()
}

/// The first of `ends` that is not inside parentheses or brackets.
fn head_end(tokens: &[Token<'_>], from: usize, ends: &[&str]) -> usize {
    let mut at = from;
    while let Some(token) = tokens.get(at) {
        if ends.iter().any(|end| token.is(end)) {
            return at;
        }
        let group = token.is("(") || token.is("[") || token.is("{");
        at = if group { after_group(tokens, at) } else { at + 1 };
    }
    at
}

/// The end of a field's type: a comma or a closing bracket that belongs to what the field stands in.
fn field_end(tokens: &[Token<'_>], from: usize) -> usize {
    let mut angles = 0_usize;
    let mut at = from;
    while let Some(token) = tokens.get(at) {
        let arrow =
            at.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|before| before.is("-"));
        match token.text {
            "(" | "[" | "{" if token.kind == Kind::Mark => {
                at = after_group(tokens, at);
                continue;
            }
            "<" => angles += 1,
            ">" if !arrow => angles = angles.saturating_sub(1),
            "," if angles == 0 => return at,
            ")" | "]" | "}" | ";" => return at,
            _ => {}
        }
        at += 1;
    }
    at
}
