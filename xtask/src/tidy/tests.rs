//! The rules about Rust code, shown on the snippets of `cases.txt`.

use std::collections::BTreeMap;

use super::{Finding, check};

/// Each case is a line `--- refused RULE… PATH` or `--- accepted PATH`, and the text of that file.
const CASES: &str = include_str!("cases.txt");

/// The manifests and the changelog around a case.
const AROUND: &[(&str, &str)] = &[
    ("CHANGELOG.md", "## Unreleased\n"),
    ("Cargo.toml", "[workspace.dependencies]\npool = { path = \"crates/pool\" }\n"),
    ("crates/http-wire/Cargo.toml", "[dependencies]\nhttp.workspace = true\nhttparse.workspace = true\n"),
    (
        "crates/pool/Cargo.toml",
        "[dependencies]\nhttp-wire.workspace = true\nmio.workspace = true\nrustls = \"1\"\n",
    ),
    (
        "crates/session/Cargo.toml",
        "[dependencies]\nurl = \"2\"\nserde = \"1\"\nserde_json = \"1\"\nflate2 = \"1\"\n",
    ),
];

struct Case<'a> {
    /// The rules that must speak up, none for an accepted snippet.
    rules: Vec<&'a str>,
    file: &'a str,
    text: &'a str,
}

fn cases() -> Vec<Case<'static>> {
    let case = |block: &'static str| {
        let (head, text) = block.split_once('\n').expect("a case has a first line");
        let mut words: Vec<&str> = head.split_whitespace().collect();
        let file = words.pop().expect("a case names a file");
        let (verdict, rules) = words.split_first().expect("a case says what must happen");
        assert_eq!(*verdict == "accepted", rules.is_empty(), "{head}");
        Case { rules: rules.to_vec(), file, text }
    };
    CASES.split("--- ").skip(1).map(case).collect()
}

fn findings(file: &str, text: &str) -> Vec<Finding> {
    let around = AROUND.iter().copied().chain([(file, text)]);
    check(&around.map(|(file, text)| (file.to_owned(), text.to_owned())).collect::<BTreeMap<_, _>>())
}

#[test]
fn every_snippet_is_refused_by_its_rules_or_accepted() {
    let mut wrong = Vec::new();
    for case in cases() {
        let found = findings(case.file, case.text);
        let rules: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
        if rules != case.rules {
            wrong.push(format!("{}\n{}expected {:?}, found {found:#?}", case.file, case.text, case.rules));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_rule_about_code_has_a_snippet_that_it_refuses() {
    let cases = cases();
    let refused = |rule: &str| cases.iter().any(|case| case.rules.contains(&rule));
    for rule in ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "layers", "stub", "print", "tests", "reason"]
    {
        assert!(refused(rule), "{rule}");
    }
}

#[test]
fn a_finding_reads_as_path_line_rule_and_words() {
    let found = findings("crates/pool/src/conn.rs", "//! A connection.\n\nuse mio::Poll;\n");
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 1);
    assert!(shown[0].starts_with("crates/pool/src/conn.rs:3: A2: `mio::Poll`: "), "{}", shown[0]);
}

#[test]
fn a_repository_without_a_changelog_is_refused() {
    let found = check(&BTreeMap::new());
    assert_eq!(found.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["changelog"]);
}

#[test]
fn pn_5_the_environment_is_read_in_two_files_only() {
    for text in [
        "fn home() -> Option<String> {\n    std::env::var(\"HOME\").ok()\n}\n",
        "use std::env;\nfn home() -> Option<String> {\n    env::var(\"HOME\").ok()\n}\n",
        "use std::{env::vars_os, fs};\n",
        "use std::{\n    env as surroundings,\n    fs,\n};\n",
        "fn home() -> bool {\n    ::std::env::var_os(\"HOME\").is_some()\n}\n",
        "fn set() {\n    unsafe { std::env::set_var(\"TZ\", \"\") }\n}\n",
    ] {
        for (file, allowed) in [
            ("crates/session/src/proxies/env.rs", true),
            ("crates/session/src/auth/netrc/locate.rs", true),
            ("crates/session/src/session.rs", false),
            ("crates/session/src/proxies/mod.rs", false),
            ("crates/session/src/auth/netrc/mod.rs", false),
            ("crates/pool/src/net/mio.rs", false),
            ("crates/http-wire/src/limits.rs", false),
        ] {
            let found = findings(file, text);
            assert_eq!(found.iter().all(|finding| finding.rule != "A9"), allowed, "{file}: {text}");
            // To change it is unsafe, and nothing here is.
            let changes = text.contains("set_var");
            assert!(!changes || found.iter().any(|finding| finding.rule != "A9"), "{file}: {found:?}");
        }
    }
}
