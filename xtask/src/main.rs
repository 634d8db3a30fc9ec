//! The project's own commands, run as `cargo xtask <command>`.
//!
//! Whatever a workflow checks is a command here first, so that it can be run the same way on any machine.

use std::process::ExitCode;

mod bench;
mod ci;
mod clock;
mod compare;
mod counterparts;
mod fuzzing;
mod msrv;
mod rules;
mod tidy;
mod workspace;

const USAGE: &str = "\
usage: cargo xtask <command>

  ci [--after-tests]     the whole gate: format, tidy, msrv, clippy, tests, docs, cargo-deny
                         --after-tests leaves `cargo test` out, for a caller that has just run it
  tidy                   the rules about the text of the repository
  msrv                   no dependency of the published crates asks for a newer Rust than they do
  rules [--threats]      which rules of requests, or which threats, a test shows, and which are missing
  compare [part of a name ...]
                         the same scenarios with Python's requests and with session; COMPARE_PYTHON names the Python
  counterparts           the tests against httpbin, tinyproxy and microsocks, which it starts and ends
  fuzz [target] [--time SECONDS] [--runs N] [--seed N]
                         mutates the corpus of one fuzz target, or of every one; 10 seconds each by default
                         --runs counts inputs instead of seconds; with --seed the run can be repeated exactly
  bench [--quick]        the benchmarks; --quick only shows that they still run
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments = arguments.iter().map(String::as_str);
    let command = arguments.next();
    let rest: Vec<&str> = arguments.collect();
    let outcome = match command {
        Some("ci") => ci::run(&rest),
        Some("tidy") => tidy::run(&rest),
        Some("msrv") => msrv::run(&rest),
        Some("rules") => rules::run(&rest),
        Some("compare") => compare::run(&rest),
        Some("counterparts") => counterparts::run(&rest),
        Some("fuzz") => fuzzing::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("help" | "-h" | "--help") => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Some(unknown) => Err(format!("there is no command `{unknown}`\n\n{USAGE}")),
        None => Err(format!("no command was given\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// Refuses arguments that a command does not know.
fn no_more_arguments(command: &str, rest: &[&str]) -> Result<(), String> {
    match rest.first() {
        None => Ok(()),
        Some(extra) => Err(format!("`{command}` does not know `{extra}`\n\n{USAGE}")),
    }
}
