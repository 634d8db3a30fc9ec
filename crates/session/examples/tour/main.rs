//! The tour: what a `Session` does, shown over real sockets. `cargo run --release --example tour`
//!
//! Every scenario prints its own code, the answer, and one line of facts. By default the server runs inside this
//! process: httpbin's endpoints and jsonplaceholder's data, plain and TLS.
//!
//! `--live` runs scenarios 1 to 6 against the public jsonplaceholder and httpbin services;
//! `--base URL` runs 3 and 4 against a server of yours that has httpbin's endpoints.

#![expect(clippy::indexing_slicing, reason = "indexing a JSON value cannot fail: what is not there is null")]

mod basics;
mod failures;
mod many;
mod show;

use std::error::Error;
use std::process::ExitCode;
use testbed::Testbed;

/// Where the scenarios go.
struct Places {
    /// jsonplaceholder's data.
    api: String,
    /// httpbin's endpoints.
    bin: String,
}

enum Plan {
    Local,
    Live,
    Base(String),
}

fn main() -> ExitCode {
    let toured = plan(std::env::args().skip(1)).and_then(|plan| match plan {
        Plan::Local => local(),
        Plan::Live => live(),
        Plan::Base(base) => base_only(&base),
    });
    match toured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the tour stops here: {error}");
            ExitCode::FAILURE
        }
    }
}

fn plan(mut arguments: impl Iterator<Item = String>) -> Result<Plan, Box<dyn Error>> {
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, ..) => Ok(Plan::Local),
        (Some("--live"), None, _) => Ok(Plan::Live),
        (Some("--base"), Some(base), None) => Ok(Plan::Base(base.trim_end_matches('/').to_owned())),
        _ => Err("usage: tour [--live | --base URL]".into()),
    }
}

/// Everything, against the server in this process.
fn local() -> Result<(), Box<dyn Error>> {
    let testbed = Testbed::start()?;
    let places = Places { api: testbed.http(), bin: testbed.http() };
    basics::one_to_six(&places)?;
    basics::verbs(&places.bin)?;
    many::at_once(&places.bin)?;
    many::over_https(&testbed)?;
    failures::all(&places.bin)?;
    println!("All ten scenarios went as described.");
    Ok(())
}

/// The first six against the public services.
fn live() -> Result<(), Box<dyn Error>> {
    let places = Places {
        api: "https://jsonplaceholder.typicode.com".to_owned(),
        bin: "https://httpbin.org".to_owned(),
    };
    basics::one_to_six(&places)
}

/// Cookies and credentials against a server the user names.
fn base_only(base: &str) -> Result<(), Box<dyn Error>> {
    basics::cookies(base)?;
    basics::basic_auth(base)
}
