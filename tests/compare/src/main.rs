//! Plays the scenarios of `scenarios/` twice, with Python's requests and with `session`, against a server that records
//! every octet, and compares what went over the wire and what the caller was told.
//!
//! `cargo xtask compare` runs it. Every difference has to be declared by the scenario under an id that stands in
//! docs/from-requests.md; one that is not, and one that is declared and does not occur, fail the run.
//!
//! `COMPARE_PYTHON` names a Python that has requests installed, in the version that `requests_side.py` asks for.
//! Arguments are parts of the names of scenarios: only those are played, and both sides are printed.

mod diff;
mod ours;
mod python;
mod scenario;
mod server;
mod sight;

use diff::Verdict;
use scenario::Template;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// The page whose table names the differences.
const PAGE: &str = include_str!("../../../docs/from-requests.md");
/// The heading above that table.
const HEADING: &str = "## What differs";
/// What the project promises to compare.
const AT_LEAST: usize = 150;

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args().skip(1).collect();
    match compare(&only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("compare: {why}");
            ExitCode::FAILURE
        }
    }
}

fn compare(only: &[String]) -> Result<(), String> {
    let templates = scenario::load()?;
    let mut names = BTreeSet::new();
    if let Some(twice) = templates.iter().find(|template| !names.insert(&template.name)) {
        return Err(format!("two scenarios have the name {:?}", twice.name));
    }
    let mut python = python::Python::start()?;
    let ids = ids_of(PAGE);
    let mut tally = Tally::default();
    for template in &templates {
        if only.is_empty() || only.iter().any(|part| template.name.contains(part)) {
            tally.add(template, play(template, &mut python, !only.is_empty())?, &ids);
        }
    }
    python.finish()?;
    tally.conclude(&ids, only.is_empty())
}

/// Both sides, one after the other, each with a server of its own.
fn play(template: &Template, python: &mut python::Python, show: bool) -> Result<Verdict, String> {
    let about = |why: String| format!("{}: {why}", template.name);
    let theirs = sight::of(template, |scenario| python.play(scenario)).map_err(about)?;
    let ours = sight::of(template, |scenario| Ok(ours::play(scenario))).map_err(about)?;
    if show {
        println!("{}\n  requests: {theirs:#?}\n  session: {ours:#?}", template.name);
    }
    Ok(diff::compare(&theirs, &ours, &template.differs))
}

/// What came of all scenarios.
#[derive(Default)]
struct Tally {
    played: usize,
    alike: usize,
    values: usize,
    /// How many differences each declared id stood for.
    declared: BTreeMap<String, usize>,
    problems: Vec<String>,
}

impl Tally {
    fn add(&mut self, template: &Template, verdict: Verdict, ids: &BTreeSet<String>) {
        self.played += 1;
        self.values += verdict.values;
        self.alike += usize::from(verdict.declared.is_empty() && verdict.undeclared.is_empty());
        for (id, count) in verdict.declared {
            if !ids.contains(&id) {
                self.problems.push(format!("{}: the page has no row `{id}`", template.name));
            }
            *self.declared.entry(id).or_default() += count;
        }
        for difference in verdict.undeclared {
            self.problems.push(format!("{}: {difference}", template.name));
        }
        for absent in verdict.absent {
            self.problems.push(format!("{}: declared, and not so: {absent}", template.name));
        }
    }

    fn conclude(mut self, ids: &BTreeSet<String>, all: bool) -> Result<(), String> {
        if all {
            for id in ids.iter().filter(|id| !self.declared.contains_key(*id)) {
                self.problems.push(format!("the page has the row `{id}`, and no scenario shows it"));
            }
            if self.played < AT_LEAST {
                self.problems.push(format!("{} scenarios, not {AT_LEAST}", self.played));
            }
        }
        for problem in &self.problems {
            println!("{problem}");
        }
        for (id, count) in &self.declared {
            println!("  {id}: {count}");
        }
        println!(
            "compare: {} scenarios, {} values compared, {} scenarios alike in all of them, {} declared differences of {} kinds",
            self.played,
            self.values,
            self.alike,
            self.declared.values().sum::<usize>(),
            self.declared.len()
        );
        match self.problems.len() {
            0 => Ok(()),
            wrong => Err(format!("{wrong} things are not as declared")),
        }
    }
}

/// The ids in the first column of the page's table, in backticks.
fn ids_of(page: &str) -> BTreeSet<String> {
    let section = page.lines().skip_while(|line| *line != HEADING).skip(1);
    let rows = section.take_while(|line| !line.starts_with("## "));
    let ids = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next());
    ids.map(str::to_owned).collect()
}
