//! What the benchmarks share: the servers they talk to, how an arm is timed, how a table is printed.
//!
//! A benchmark compares *arms* that do the same work: a hand-written loop over a blocking socket (`raw`, the floor),
//! ours, and other clients. All arms run in one process, in turns, against one server, with client and server on one
//! core, so that a request is pure work and the machine's moods fall on all alike. What counts is the ratio to `raw`.

pub mod canned;
pub mod raw;
pub mod table;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Set for the child that runs on one core, so that it does not start another.
const PINNED: &str = "BENCH_PINNED";

/// How much to run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Effort {
    /// Turns of every arm; their median counts.
    pub rounds: usize,
    /// Requests of one arm in one round.
    pub requests: usize,
}

impl Effort {
    /// What the command line asks for: `--quick` shows that everything runs, nothing shows how fast it is.
    #[must_use]
    pub fn from_args() -> Self {
        if std::env::args().any(|argument| argument == "--quick") {
            Self { rounds: 5, requests: 200 }
        } else {
            Self { rounds: 31, requests: 2_000 }
        }
    }
}

/// Runs `main` with client and server on one core, where `taskset` can see to that; says so where it cannot.
pub fn on_one_core(main: impl FnOnce() -> Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    if std::env::var_os(PINNED).is_none()
        && let Ok(this) = std::env::current_exe()
    {
        let child = Command::new("taskset")
            .args(["-c", "0"])
            .arg(this)
            .args(std::env::args_os().skip(1))
            .env(PINNED, "1")
            .status();
        match child {
            Ok(status) => return if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE },
            Err(error) => eprintln!("not on one core ({error}): the ratios say less"),
        }
    }
    match main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One client in the comparison.
pub struct Arm<'a> {
    name: &'a str,
    /// Does one request and says how many body bytes came, so that no arm can be fast by not doing it.
    request: Box<dyn FnMut() -> Result<usize, Box<dyn std::error::Error>> + 'a>,
}

impl<'a> Arm<'a> {
    /// An arm that does one request per call.
    pub fn new(
        name: &'a str,
        request: impl FnMut() -> Result<usize, Box<dyn std::error::Error>> + 'a,
    ) -> Self {
        Self { name, request: Box::new(request) }
    }
}

impl std::fmt::Debug for Arm<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arm").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Time of one request: the median over the rounds, and the share of each arm relative to the first, per round.
#[derive(Debug)]
#[non_exhaustive]
pub struct Figure {
    /// Who.
    pub name: String,
    /// Median wall time of one request.
    pub time: Duration,
    /// Median of the ratios to the first arm, taken round by round: a slow moment of the machine is in both.
    pub ratio: f64,
}

/// Lets the arms run in turns.
///
/// # Errors
/// The first error of an arm, or an answer of another length than `expected`.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn compare(
    arms: &mut [Arm<'_>],
    effort: Effort,
    expected: usize,
) -> Result<Vec<Figure>, Box<dyn std::error::Error>> {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); arms.len()];
    for round in 0..=effort.rounds {
        for (arm, times) in arms.iter_mut().zip(&mut times) {
            let started = Instant::now();
            for _ in 0..effort.requests {
                let got = (arm.request)().map_err(|why| format!("{}: {why}", arm.name))?;
                if got != expected {
                    return Err(format!("{}: {got} bytes instead of {expected}", arm.name).into());
                }
            }
            let each = started.elapsed().as_secs_f64() / effort.requests as f64;
            // The first round warms up: connections, caches, branch predictors.
            if round > 0 {
                times.push(each);
            }
        }
    }
    let first = times.first().cloned().unwrap_or_default();
    let figures = arms.iter().zip(&times).map(|(arm, times)| Figure {
        name: arm.name.to_owned(),
        time: Duration::from_secs_f64(median(times.clone())),
        ratio: median(times.iter().zip(&first).map(|(own, floor)| own / floor).collect()),
    });
    Ok(figures.collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
