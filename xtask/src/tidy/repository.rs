//! Rules about the repository's files as text: their length, their words, and the few that have a form.

use super::Finding;

/// A longer file has more than one purpose.
const MAX_LINES: usize = 500;
/// The only place a locked dependency may come from.
const PUBLIC_INDEX: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// First folders of paths that mean something on one machine only.
const MACHINE_FOLDERS: &[&str] = &["work", "farm", "root", "home", "Users", "tmp/bash_jobs"];
/// Marks of work that is not done; in two parts, so that this line is not one.
const UNFINISHED: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X")];

/// Rules for any text file.
pub(super) fn check_text(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, words) in (1..).zip(text.lines()) {
        if let Some(path) = machine_path(words) {
            let words = format!("`{path}` is a path of one machine");
            findings.push(Finding::new(file, line, "paths", words));
        }
    }
    findings
}

/// Rules for the text of a Rust file, comments included.
pub(super) fn check_rust_text(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        let words = format!("{lines} lines, {MAX_LINES} are enough: which of its purposes can go?");
        findings.push(Finding::new(file, lines, "length", words));
    }
    for (line, words) in (1..).zip(text.lines()) {
        let mut parts = words.split(|character: char| !character.is_alphanumeric());
        if let Some(mark) = parts.find(|part| UNFINISHED.contains(part)) {
            findings.push(Finding::new(file, line, "stub", format!("`{mark}`: finish it, or open an issue")));
        }
    }
    findings
}

/// Every locked dependency comes from the public index, under its public name.
pub(super) fn check_lock(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, words) in (1..).zip(text.lines()) {
        let source = words.strip_prefix("source = \"").and_then(|rest| rest.strip_suffix('"'));
        if let Some(source) = source.filter(|&source| source != PUBLIC_INDEX) {
            findings.push(Finding::new(file, line, "lock", format!("`{source}` is not the public index")));
        }
    }
    findings
}

/// The changelog has a place for the next change.
pub(super) fn check_changelog(file: &str, text: &str) -> Vec<Finding> {
    let unreleased = |line: &str| {
        line.strip_prefix("## ").is_some_and(|head| head.trim_matches(['[', ']', ' ']) == "Unreleased")
    };
    if text.lines().any(unreleased) {
        return Vec::new();
    }
    vec![Finding::new(file, 1, "changelog", "there is no section `## Unreleased`".to_owned())]
}

/// Every dependency that the workspace declares is explained under `## Dependencies`, in backticks.
pub(super) fn check_architecture(file: &str, text: &str, dependencies: &[String]) -> Vec<Finding> {
    let mut lines = (1..).zip(text.lines()).skip_while(|(_, line)| line.trim() != "## Dependencies");
    let Some((start, _)) = lines.next() else {
        return vec![Finding::new(
            file,
            1,
            "dependencies",
            "there is no section `## Dependencies`".to_owned(),
        )];
    };
    let section: Vec<&str> =
        lines.map(|(_, line)| line).take_while(|line| !line.starts_with("## ")).collect();
    let named = |dependency: &&String| {
        let quoted = format!("`{dependency}`");
        section.iter().any(|line| line.contains(&quoted))
    };
    let missing = dependencies.iter().filter(|dependency| !named(dependency));
    missing
        .map(|name| Finding::new(file, start, "dependencies", format!("`{name}` is not explained")))
        .collect()
}

/// The names under a `[…]` heading of a manifest, members of the workspace left out.
pub(super) fn dependencies(manifest: &str, heading: &str) -> Vec<String> {
    let section = manifest.lines().map(str::trim).skip_while(|line| *line != heading).skip(1);
    let entries = section.take_while(|line| !line.starts_with('[')).filter(|line| !line.starts_with('#'));
    let outside = entries.filter(|line| !line.contains("path ="));
    let names = outside.filter_map(|line| line.split(['=', '.']).next()).map(str::trim);
    let of_a_package = |character: char| character.is_alphanumeric() || "-_".contains(character);
    names.filter(|name| !name.is_empty() && name.chars().all(of_a_package)).map(str::to_owned).collect()
}

/// The first absolute path of a line that begins with one of the folders. A path inside an address is none.
fn machine_path(line: &str) -> Option<&str> {
    MACHINE_FOLDERS.iter().find_map(|folder| {
        line.match_indices(folder).find_map(|(at, _)| {
            let before = line.get(..at)?.strip_suffix('/')?;
            let inside = |character: char| character.is_alphanumeric() || "._-~*/}$".contains(character);
            let rest = line.get(at + folder.len()..)?;
            if before.ends_with(inside) || !rest.starts_with('/') {
                return None;
            }
            let end =
                rest.find(|character: char| character.is_whitespace() || "\"'`)>,;".contains(character));
            line.get(at - 1..at + folder.len() + end.unwrap_or(rest.len()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(findings: &[Finding]) -> Vec<(usize, &str)> {
        findings.iter().map(|finding| (finding.line, finding.rule)).collect()
    }

    #[test]
    fn a_file_of_500_lines_is_fine_and_one_of_501_is_not() {
        assert!(check_rust_text("a.rs", &"x\n".repeat(500)).is_empty());
        assert_eq!(rules(&check_rust_text("a.rs", &"x\n".repeat(501))), [(501, "length")]);
    }

    #[test]
    fn a_mark_of_unfinished_work_is_refused_in_comments_too() {
        let text = format!("// fine\n// {}: later\n", concat!("FIX", "ME"));
        assert_eq!(rules(&check_rust_text("a.rs", &text)), [(2, "stub")]);
    }

    #[test]
    fn a_path_of_one_machine_is_refused_and_an_address_is_not() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(check_text("a", &format!("x\nsee (/{folder}/y z)")).len(), 1, "{folder}");
            assert_eq!(check_text("a", &format!("http://a.test/{folder}/y")), [], "{folder}");
            assert_eq!(check_text("a", &format!("../{folder}/y and ./{folder}/")), [], "{folder}");
        }
        assert_eq!(
            check_text("a", &format!("{}{}", "/home", "/a.rs:1")).first().map(|finding| finding.line),
            Some(1)
        );
    }

    #[test]
    fn a_mirror_or_a_repository_in_the_lock_file_is_refused() {
        let lock = format!("source = \"{PUBLIC_INDEX}\"\nsource = \"git+https://a.test/b\"\n");
        assert_eq!(rules(&check_lock("Cargo.lock", &lock)), [(2, "lock")]);
        let mirror = "source = \"sparse+https://mirror.test/index/\"";
        assert_eq!(rules(&check_lock("Cargo.lock", mirror)), [(1, "lock")]);
    }

    #[test]
    fn a_changelog_has_a_section_for_what_is_next() {
        assert_eq!(check_changelog("c", "# Changelog\n\n## [Unreleased]\n"), []);
        assert_eq!(check_changelog("c", "# Changelog\n\n## Unreleased\n"), []);
        assert_eq!(rules(&check_changelog("c", "# Changelog\n\n## 0.1.0\nUnreleased\n")), [(1, "changelog")]);
    }

    #[test]
    fn a_dependency_is_explained_in_its_section_and_nowhere_else() {
        let manifest = "[workspace.dependencies]\npool = { path = \"crates/pool\" }\n# why\nmio = { version = \"1\" }\nlog.workspace = true\n\n[lints]\nx = 1\n";
        let names = dependencies(manifest, "[workspace.dependencies]");
        assert_eq!(names, ["mio", "log"]);
        let text = "# A\n`mio`\n## Dependencies\n- `log`: words\n## Next\n`mio`\n";
        let findings = check_architecture("A.md", text, &names);
        assert_eq!(rules(&findings), [(3, "dependencies")]);
        assert!(findings[0].words.contains("`mio`"));
        assert_eq!(rules(&check_architecture("A.md", "# A\n", &names)), [(1, "dependencies")]);
    }
}
