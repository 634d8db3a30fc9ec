//! `cargo xtask tidy`: rules about the text of the repository that no compiler checks.
//!
//! Most of them are absences: what a file must not name. They are what ARCHITECTURE.md promises.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use crate::{no_more_arguments, workspace};

mod absences;
mod attributes;
mod paths;
mod repository;
mod signatures;
#[cfg(test)]
mod tests;
mod tokens;

use absences::Absences;

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    no_more_arguments("tidy", arguments)?;
    let mut texts = BTreeMap::new();
    for file in workspace::files()? {
        if let Some(text) = workspace::read(&file) {
            texts.insert(file, text);
        }
    }
    let findings = check(&texts);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files are as they should be", texts.len());
            Ok(())
        }
        1 => Err("tidy: a line is not as it should be".to_owned()),
        more => Err(format!("tidy: {more} lines are not as they should be")),
    }
}

/// A line that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    line: usize,
    rule: &'static str,
    words: String,
}

impl Finding {
    fn new(file: &str, line: usize, rule: &'static str, words: String) -> Self {
        Self { file: file.to_owned(), line, rule, words }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, rule, words } = self;
        write!(f, "{file}:{line}: {rule}: {words}")
    }
}

/// Every rule over these files, by path.
fn check(texts: &BTreeMap<String, String>) -> Vec<Finding> {
    let rust = Rust::new(texts);
    let mut findings = Vec::new();
    if !texts.contains_key("CHANGELOG.md") {
        findings.push(Finding::new("CHANGELOG.md", 1, "changelog", "there is no changelog".to_owned()));
    }
    for (file, text) in texts {
        findings.extend(repository::check_text(file, text));
        match file.as_str() {
            "Cargo.lock" => findings.extend(repository::check_lock(file, text)),
            "CHANGELOG.md" => findings.extend(repository::check_changelog(file, text)),
            "ARCHITECTURE.md" => {
                let declared = manifest_dependencies(texts, "Cargo.toml", "[workspace.dependencies]");
                findings.extend(repository::check_architecture(file, text, &declared));
            }
            file if file.ends_with(".rs") => {
                findings.extend(repository::check_rust_text(file, text));
                findings.extend(rust.check(file, text));
            }
            _ => {}
        }
    }
    findings.sort_unstable();
    findings.dedup();
    findings
}

/// What the rules about Rust code have to know beyond the file at hand.
struct Rust {
    absences: Absences,
    /// The names of foreign crates, as code spells them.
    dependencies: HashSet<String>,
    /// The names of the public types, by crate.
    public: BTreeMap<String, HashSet<String>>,
}

impl Rust {
    fn new(texts: &BTreeMap<String, String>) -> Self {
        let mut dependencies = HashSet::new();
        let mut public: BTreeMap<String, HashSet<String>> = BTreeMap::new();
        for (file, text) in texts {
            if file.ends_with("Cargo.toml") {
                for heading in ["[workspace.dependencies]", "[dependencies]"] {
                    let names = repository::dependencies(text, heading);
                    dependencies.extend(names.iter().map(|name| name.replace('-', "_")));
                }
            } else if file.ends_with(".rs") && absences::is_library(file) {
                let types = signatures::public_types(&tokens::tokens(text));
                public.entry(crate_of(file)).or_default().extend(types);
            }
        }
        // A member inherits its siblings as it inherits the rest, without a path.
        for member in texts.keys().filter_map(|file| file.strip_suffix("/Cargo.toml")) {
            let name = member.rsplit('/').next().unwrap_or(member);
            dependencies.remove(&name.replace('-', "_"));
        }
        Self { absences: Absences::new(), dependencies, public }
    }

    fn check(&self, file: &str, text: &str) -> Vec<Finding> {
        let tokens = tokens::tokens(text);
        let paths = paths::paths(&tokens);
        let scope = paths::Scope::new(file, &tokens, &paths);
        let none = HashSet::new();
        let public = self.public.get(&crate_of(file)).unwrap_or(&none);
        let mut findings = self.absences.check_paths(file, &paths, &scope);
        findings.extend(self.absences.check_phrases(file, &tokens));
        findings.extend(attributes::check(file, &tokens));
        findings.extend(signatures::check(file, &tokens, &scope, &self.dependencies, public));
        findings
    }
}

/// `crates/pool/src/net/mio.rs` belongs to `crates/pool`.
fn crate_of(file: &str) -> String {
    file.split_once("/src/").map_or(file, |(name, _)| name).to_owned()
}

fn manifest_dependencies(texts: &BTreeMap<String, String>, manifest: &str, heading: &str) -> Vec<String> {
    texts.get(manifest).map(|text| repository::dependencies(text, heading)).unwrap_or_default()
}
