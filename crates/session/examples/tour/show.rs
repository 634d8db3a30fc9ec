//! How the tour prints: a scenario's own code, the answer, the facts.

use session::{Response, Session};
use std::error::Error;
use std::time::Duration;

/// A session as the tour uses it: proxies named in the environment do not count.
pub(crate) fn session() -> Result<Session, session::Error> {
    Session::builder().ignore_environment().build()
}

/// Prints a heading and the lines of `source` between `// [name]` and `// [end]`: what runs is what is shown.
pub(crate) fn code(source: &str, name: &str, heading: &str) {
    println!("── {heading}");
    println!();
    let (from, to) = (format!("// [{name}]"), "// [end]");
    let lines =
        source.lines().skip_while(|line| line.trim() != from).skip(1).take_while(|line| line.trim() != to);
    for line in lines {
        println!("    {}", line.strip_prefix("    ").unwrap_or(line));
    }
    println!();
}

/// Status, connection, times.
pub(crate) fn facts(response: &Response) {
    println!("  {}", line(response));
}

fn line(response: &Response) -> String {
    let attempt = response.attempts().last();
    let connection = if attempt.reused { "reused connection" } else { "new connection" };
    let tls = attempt.tls.map_or(String::new(), |tls| {
        format!(" · TLS {}, {} handshake", tls.version, if tls.resumed { "resumed" } else { "full" })
    });
    format!(
        "{} · {connection}{tls} · head after {} · total {}",
        response.status(),
        ms(attempt.head),
        ms(attempt.last_byte)
    )
}

fn ms(time: Option<Duration>) -> String {
    time.map_or("?".to_owned(), |time| format!("{:.2} ms", time.as_secs_f64() * 1e3))
}

/// Prints an answer as it is.
pub(crate) fn body(response: &Response) {
    for line in response.text().trim_end().lines() {
        println!("  {line}");
    }
}

/// Ends a scenario.
pub(crate) fn done() {
    println!();
}

/// The tour describes what happens; where something else happens it stops.
pub(crate) fn check(holds: bool, what: &str) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(format!("not as described: {what}").into()) }
}
