//! `cargo xtask rules`: every rule taken from requests, and every threat, is a test that names it or a row of
//! docs/from-requests.md that says why there is none.
//!
//! A test names the rule `M-2` by beginning with `m_2_`. The rules are listed in `rows.txt` and the threats in
//! `threats.txt`: an id, and for a rule its class (`K` kept, `K?` kept as the default, `F` done better). Where the
//! catalogues they were taken from are at hand, the lists are compared with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::{USAGE, workspace};

mod scan;
#[cfg(test)]
mod tests;

/// The page that names the rules without a test.
const PAGE: &str = "docs/from-requests.md";
/// The heading above the table of them.
const HEADING: &str = "## Rules that do not apply";

/// What is counted: the rules or the threats.
struct Catalogue {
    what: &'static str,
    rows: &'static str,
    /// The environment variable that names the file the rows were taken from.
    variable: &'static str,
    /// Its name next to the folder of recorded data.
    file: &'static str,
    /// The groups of the file that are counted; all of them where this is empty.
    groups: &'static [&'static str],
    /// Whether a row without a class is none.
    classes: bool,
}

const RULES: Catalogue = Catalogue {
    what: "rules",
    rows: include_str!("rows.txt"),
    variable: "RULES_FILE",
    file: "requirements.md",
    groups: &[],
    classes: true,
};

const THREATS: Catalogue = Catalogue {
    what: "threats",
    rows: include_str!("threats.txt"),
    variable: "THREATS_FILE",
    file: "threats.md",
    groups: &["CR", "PX", "NR", "CK", "INJ", "DC", "MB", "CPU", "UR", "RD", "MP", "PN", "DI", "LG"],
    classes: false,
};

/// A rule or a threat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    /// Such as `M-2`.
    id: String,
    /// `K`, `K?` or `F`; empty for a threat.
    class: String,
}

impl Row {
    /// `M` of `M-2`.
    fn group(&self) -> &str {
        self.id.split('-').next().unwrap_or_default()
    }
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let catalogue = match arguments {
        [] => &RULES,
        ["--threats"] => &THREATS,
        _ => return Err(format!("`rules` takes --threats and nothing else\n\n{USAGE}")),
    };
    let listed = listed(catalogue.rows);
    compare_with_source(catalogue, &listed)?;
    let mut tests = BTreeSet::new();
    for file in workspace::files()?.iter().filter(|file| scan::may_have_tests(file)) {
        tests.extend(scan::tests(&workspace::read(file).unwrap_or_default()));
    }
    let excused = scan::table(&workspace::read(PAGE).unwrap_or_default(), HEADING);
    let score = Score::of(&listed, &tests, &excused);
    print!("{}", score.table(catalogue.what));
    let known: BTreeSet<String> = [RULES, THREATS].iter().flat_map(|c| listed_ids(c.rows)).collect();
    let mut wrong: Vec<String> = excused
        .keys()
        .filter(|id| !known.contains(*id))
        .map(|id| format!("{PAGE}: there is no {id}"))
        .collect();
    wrong.extend(score.wrong);
    for line in &wrong {
        println!("{line}");
    }
    if !score.missing.is_empty() {
        println!("missing: {}", score.missing.join(" "));
    }
    match (score.missing.len(), wrong.len()) {
        (0, 0) => Ok(()),
        (0, wrong) => Err(format!("{wrong} lines of {PAGE} are wrong")),
        (missing, _) => {
            Err(format!("{missing} of {} {} are neither shown nor excused", listed.len(), catalogue.what))
        }
    }
}

/// The rows of a list: an id on each line, and its class where it has one.
fn listed(text: &str) -> Vec<Row> {
    let rows = text.lines().filter(|line| !line.is_empty()).map(|line| {
        let (id, class) = line.split_once(' ').unwrap_or((line, ""));
        Row { id: id.to_owned(), class: class.to_owned() }
    });
    rows.collect()
}

fn listed_ids(text: &str) -> Vec<String> {
    listed(text).into_iter().map(|row| row.id).collect()
}

/// Fails if the file that the list was taken from is at hand and says something else.
fn compare_with_source(catalogue: &Catalogue, listed: &[Row]) -> Result<(), String> {
    let named = std::env::var_os(catalogue.variable).map(PathBuf::from);
    let beside = || {
        let folder = PathBuf::from(std::env::var_os("CONFORMANCE_DIR")?);
        Some(folder.parent()?.join(catalogue.file)).filter(|file| file.is_file())
    };
    let Some(file) = named.or_else(beside) else {
        println!("{}: counted by the list of the repository", catalogue.what);
        return Ok(());
    };
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("{} is not readable ({error}): {}", file.display(), catalogue.variable))?;
    let counted = |row: &Row| {
        let in_group = catalogue.groups.is_empty() || catalogue.groups.contains(&row.group());
        in_group && (!catalogue.classes || !row.class.is_empty())
    };
    let source: BTreeSet<Row> = scan::rows(&text).into_iter().filter(counted).collect();
    let ours: BTreeSet<Row> = listed.iter().cloned().collect();
    let differing: Vec<String> =
        source.symmetric_difference(&ours).map(|row| format!("{} {}", row.id, row.class)).collect();
    if differing.is_empty() {
        println!("{}: the list of the repository is that of {}", catalogue.what, catalogue.file);
        return Ok(());
    }
    Err(format!("the list of {} and {} differ in {}", catalogue.what, file.display(), differing.join(", ")))
}

/// How many rows are shown by a test, and what is to be said about the others.
#[derive(Debug, Default)]
struct Score {
    /// Group, then all rows, those of class F, those with a test, those that do not apply.
    groups: Vec<(String, [usize; 4])>,
    missing: Vec<String>,
    /// What is wrong with the table of rows that do not apply.
    wrong: Vec<String>,
}

impl Score {
    fn of(rows: &[Row], tests: &BTreeSet<String>, excused: &BTreeMap<String, String>) -> Self {
        let mut score = Self::default();
        let shown_ids: BTreeSet<String> = tests.iter().flat_map(|name| scan::ids(name)).collect();
        for row in rows {
            if score.groups.last().is_none_or(|(group, _)| group != row.group()) {
                score.groups.push((row.group().to_owned(), [0; 4]));
            }
            let shown = shown_ids.contains(&row.id);
            let reason = excused.get(&row.id);
            if let Some((_, [all, better, tested, not_applicable])) = score.groups.last_mut() {
                *all += 1;
                *better += usize::from(row.class == "F");
                *tested += usize::from(shown);
                *not_applicable += usize::from(!shown && reason.is_some());
            }
            match (shown, reason) {
                (true, Some(_)) => {
                    score.wrong.push(format!("{PAGE}: {} does not apply, yet a test shows it", row.id));
                }
                (false, Some(reason)) if reason.is_empty() => {
                    score.wrong.push(format!("{PAGE}: {} does not apply, without a reason", row.id));
                }
                (false, None) => score.missing.push(row.id.clone()),
                _ => {}
            }
        }
        score
    }

    fn table(&self, what: &str) -> String {
        use std::fmt::Write as _;
        let mut text = format!(
            "{:<8}{:>6}{:>10}{:>9}{:>16}{:>9}\n",
            what, "rows", "of them F", "by test", "not applicable", "missing"
        );
        let mut sum = [0; 4];
        for (group, counts) in &self.groups {
            line(&mut text, group, *counts);
            for (total, count) in sum.iter_mut().zip(counts) {
                *total += count;
            }
        }
        line(&mut text, "all", sum);
        return text;

        fn line(text: &mut String, group: &str, [all, better, tested, excused]: [usize; 4]) {
            let missing = all - tested - excused;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{group:<8}{all:>6}{better:>10}{tested:>9}{excused:>16}{missing:>9}");
        }
    }
}
