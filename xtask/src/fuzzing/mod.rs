//! `cargo xtask fuzz`: runs the oracles of the `fuzz` crate on mutations of their corpus.
//!
//! It needs nothing but a stable compiler. There is no coverage feedback: the corpus is the knowledge, and a case
//! that a run finds becomes part of it. A run is a function of the corpus and the seed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{USAGE, clock, workspace};

mod dictionary;
mod minimise;
mod mutate;
mod oracle;

use mutate::Mutator;
use oracle::{Crash, Oracle};

/// Seconds per target when nothing else is asked for.
const DEFAULT_TIME: Duration = Duration::from_secs(10);
/// How often a line of progress is printed.
const PROGRESS: Duration = Duration::from_secs(5);
/// How many inputs run between two looks at the clock.
const BATCH: u64 = 64;

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    let known = || fuzz::TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let chosen = |name: &str| options.target.as_deref().is_none_or(|target| target == name);
    let mut crashed = Vec::new();
    let mut any = false;
    for &(name, check) in fuzz::TARGETS.iter().filter(|(name, _)| chosen(name)) {
        any = true;
        let folder = workspace::root().join("xtask/fuzz/corpus").join(name);
        if let Some(found) = fuzz_target(&Oracle::new(name, check, &folder), &folder, &options)? {
            report(name, &found);
            crashed.push(name);
        }
    }
    match &options.target {
        Some(target) if !any => Err(format!("there is no fuzz target `{target}`; there are: {}", known())),
        _ if crashed.is_empty() => Ok(()),
        _ => Err(format!("an invariant did not hold in: {}", crashed.join(", "))),
    }
}

/// What the command line asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    target: Option<String>,
    length: Length,
    seed: u64,
}

/// When a target has run long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Time(Duration),
    Runs(u64),
}

impl Options {
    fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self { target: None, length: Length::Time(DEFAULT_TIME), seed: random_seed() };
        let mut arguments = arguments.iter();
        while let Some(&argument) = arguments.next() {
            let mut number = || {
                let value =
                    arguments.next().ok_or_else(|| format!("{argument} needs a number\n\n{USAGE}"))?;
                value
                    .parse::<u64>()
                    .map_err(|_| format!("{argument} needs a number, not `{value}`\n\n{USAGE}"))
            };
            match argument {
                "--time" => options.length = Length::Time(Duration::from_secs(number()?)),
                "--runs" => options.length = Length::Runs(number()?),
                "--seed" => options.seed = number()?,
                flag if flag.starts_with('-') => {
                    return Err(format!("`fuzz` does not know `{flag}`\n\n{USAGE}"));
                }
                target if options.target.is_none() => options.target = Some(target.to_owned()),
                second => return Err(format!("`fuzz` takes one target, `{second}` is too many\n\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

/// An input that an oracle refused, made small.
struct Found {
    crash: Crash,
    input: Vec<u8>,
    /// Where it is kept; `None` for one that was in the corpus already.
    file: Option<PathBuf>,
}

/// Runs one target until it is done or an input breaks it.
fn fuzz_target(oracle: &Oracle, folder: &Path, options: &Options) -> Result<Option<Found>, String> {
    let corpus = read_corpus(folder)?;
    println!("fuzz {}: {} files in the corpus, seed {}", oracle.name(), corpus.len(), options.seed);
    for (name, input) in &corpus {
        if let Some(crash) = oracle.run(input) {
            println!("fuzz {}: the corpus file {name} breaks it", oracle.name());
            return Ok(Some(Found { crash, input: input.clone(), file: None }));
        }
    }
    let inputs = corpus.into_iter().map(|(_, input)| input).collect();
    let Some((input, crash)) =
        mutations(oracle, Mutator::new(options.seed, inputs, dictionary::of(oracle.name())), options.length)
    else {
        return Ok(None);
    };
    let same = |input: &[u8]| oracle.run(input).is_some_and(|other| other.place == crash.place);
    let input = minimise::minimise(&input, same);
    let crash = oracle.run(&input).unwrap_or(crash);
    let file = oracle::case_file(folder, "crash", &input);
    std::fs::write(&file, &input).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Some(Found { crash, input, file: Some(file) }))
}

/// Feeds mutations to the oracle and returns the first that breaks it.
fn mutations(oracle: &Oracle, mut mutator: Mutator, length: Length) -> Option<(Vec<u8>, Crash)> {
    let start = clock::now();
    let mut next_line = PROGRESS;
    let mut runs: u64 = 0;
    loop {
        if let Length::Runs(most) = length
            && runs >= most
        {
            break;
        }
        if runs.is_multiple_of(BATCH) {
            let elapsed = start.elapsed();
            if let Length::Time(most) = length
                && elapsed >= most
            {
                break;
            }
            if elapsed >= next_line {
                next_line = elapsed + PROGRESS;
                progress(oracle, runs, elapsed);
            }
        }
        runs += 1;
        let input = mutator.next_input();
        if let Some(crash) = oracle.run(input) {
            println!("fuzz {}: run {runs} breaks it; making the input smaller", oracle.name());
            return Some((input.to_vec(), crash));
        }
    }
    progress(oracle, runs, start.elapsed());
    None
}

fn progress(oracle: &Oracle, runs: u64, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { runs as f64 / seconds } else { 0.0 };
    println!("fuzz {}: {runs} runs in {seconds:.1} s, {rate:.0} per second", oracle.name());
}

fn report(name: &str, found: &Found) {
    println!("fuzz {name}: {}", found.crash);
    println!("fuzz {name}: input, {} bytes: \"{}\"", found.input.len(), found.input.escape_ascii());
    if let Some(file) = &found.file {
        println!("fuzz {name}: written to {}", file.display());
        println!(
            "fuzz {name}: rename it after what it shows; `cargo test --package fuzz` replays it from now on"
        );
    }
}

/// The corpus in the order of its file names, so that a seed means the same everywhere.
fn read_corpus(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut corpus = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let entry = entry.map_err(told)?;
        if entry.file_type().map_err(told)?.is_file() {
            let input = std::fs::read(entry.path()).map_err(told)?;
            corpus.push((entry.file_name().to_string_lossy().into_owned(), input));
        }
    }
    corpus.sort_unstable();
    if corpus.is_empty() {
        Err(format!("{}: there is no corpus to start from", folder.display()))
    } else {
        Ok(corpus)
    }
}

/// A seed that differs from run to run; it is printed, so a run can still be repeated.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_target_length_and_seed() {
        let options = Options::parse(&["round_trip", "--runs", "500", "--seed", "7"]).unwrap();
        assert_eq!(
            options,
            Options { target: Some("round_trip".into()), length: Length::Runs(500), seed: 7 }
        );
        let options = Options::parse(&["--time", "3"]).unwrap();
        assert_eq!((options.target, options.length), (None, Length::Time(Duration::from_secs(3))));
    }

    #[test]
    fn a_flag_without_its_number_or_a_second_target_is_refused() {
        for wrong in [&["--runs"][..], &["--seed", "x"], &["--slow"], &["one", "two"]] {
            assert!(Options::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_broken_invariant_is_found_again_with_the_same_seed() {
        fn no_blank_line(input: &[u8]) {
            assert!(!input.windows(2).any(|pair| pair == b"\n\n"), "a blank line");
        }
        let find = || {
            let oracle = Oracle::new("no_blank_line", no_blank_line, Path::new("unused"));
            let mutator = Mutator::new(3, vec![b"one\ntwo\nthree\n".to_vec()], dictionary::of("round_trip"));
            mutations(&oracle, mutator, Length::Runs(100_000)).expect("a mutation with a blank line")
        };
        let (input, crash) = find();
        assert_eq!(crash.message, "a blank line");
        assert_eq!(find().0, input);
    }

    #[test]
    fn an_unknown_target_is_an_error_that_lists_the_known_ones() {
        let message = run(&["no_such_target", "--runs", "1"]).unwrap_err();
        assert!(message.contains("split_invariance"), "{message}");
    }
}
