//! `cargo xtask ci`: the gate. What passes here may be merged.

use crate::{USAGE, clock, msrv, rules, tidy, workspace};

/// What a step came to when it did not fail.
enum Verdict {
    Passed,
    Skipped(&'static str),
}

type Step = (&'static str, fn() -> Result<Verdict, String>);

/// The steps, quick ones first: whoever forgot to format should not wait for the tests to hear of it.
const STEPS: &[Step] = &[
    ("format", || passed(workspace::cargo(&["fmt", "--all", "--check"]))),
    ("tidy", || passed(tidy::run(&[]))),
    ("msrv", || passed(msrv::run(&[]))),
    ("rules", || passed(rules::run(&[]))),
    ("threats", || passed(rules::run(&["--threats"]))),
    ("clippy", || {
        passed(workspace::cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    // The smallest build that can speak TLS: it shows which code leans on a default feature by accident.
    ("clippy, no default features", || {
        passed(workspace::cargo(&[
            "clippy",
            "--package=pool",
            "--package=session",
            "--no-default-features",
            "--features=ring",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    // `--all-targets` leaves out what `cargo test` does not run.
    ("clippy, counterparts", || {
        let arguments =
            ["clippy", "--package=tests", "--test=counterparts", "--locked", "--", "-D", "warnings"];
        passed(workspace::cargo(&arguments))
    }),
    (TESTS, || passed(workspace::cargo(&["test", "--workspace", "--locked"]))),
    ("docs", || {
        let arguments = ["doc", "--workspace", "--no-deps", "--locked"];
        passed(workspace::cargo_with(&arguments, &[("RUSTDOCFLAGS", "-D warnings")]))
    }),
    ("deny", || {
        if !workspace::has_subcommand("deny") {
            return Ok(Verdict::Skipped("cargo-deny is not installed"));
        }
        passed(workspace::cargo(&["deny", "--locked", "check"]))
    }),
];

/// The step that `--after-tests` leaves out.
const TESTS: &str = "tests";

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let after_tests = match arguments {
        [] => false,
        ["--after-tests"] => true,
        _ => return Err(format!("`ci` takes --after-tests and nothing else\n\n{USAGE}")),
    };
    let start = clock::now();
    for &(name, step) in STEPS {
        if after_tests && name == TESTS {
            println!("ci: {name}: skipped: the caller ran them");
            continue;
        }
        println!("ci: {name} ...");
        let begun = clock::now();
        let verdict = step().map_err(|why| format!("ci stopped at the step `{name}`: {why}"))?;
        match verdict {
            Verdict::Passed => println!("ci: {name}: passed in {:.1} s", begun.elapsed().as_secs_f64()),
            Verdict::Skipped(why) => println!("ci: {name}: skipped: {why}"),
        }
    }
    println!("ci: every step passed, {:.1} s in all", start.elapsed().as_secs_f64());
    Ok(())
}

fn passed(outcome: Result<(), String>) -> Result<Verdict, String> {
    outcome.map(|()| Verdict::Passed)
}
