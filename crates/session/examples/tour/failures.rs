//! Scenario 10: what goes wrong looks good.

use crate::show::{self, check, session};
use session::ErrorKind;
use std::error::Error;
use std::net::TcpListener;
use std::time::Duration;
use testbed::{Identity, Testbed};

const SOURCE: &str = include_str!("failures.rs");

/// Each failure is a typed error whose text says what was tried and what to do.
pub(crate) fn all(bin: &str) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "10", "10. What goes wrong");
    let refused = refused_port()?;
    let nobodys = Testbed::builder().identity(Identity::self_signed(&["localhost"])?).start()?;
    let untrusted = nobodys.https();
    // [10]
    let session = session()?;
    let timeout = Duration::from_millis(100);
    let failures = [
        session.get(&refused).send(),
        session.get("http://no-such-host.invalid/").send(),
        session.get(format!("{bin}/delay/5")).timeout(timeout).send(),
        session.get(format!("{bin}/status/404")).send().and_then(|response| response.error_for_status()),
        session.get(format!("{untrusted}/get")).send(),
        session.get("localhost/get").send(),
    ];
    // [end]
    let mut kinds = Vec::new();
    for failure in failures {
        let Err(error) = failure else { return Err("not as described: there was an answer".into()) };
        println!("  {:?}", error.kind());
        println!("    {error}");
        kinds.push(error.kind());
    }
    let expected = |kind: &ErrorKind, index| match index {
        0 => *kind == ErrorKind::Connect,
        1 => *kind == ErrorKind::Resolve,
        2 => matches!(kind, ErrorKind::Timeout(_)),
        3 => matches!(kind, ErrorKind::Status(status) if *status == 404),
        4 => *kind == ErrorKind::Tls,
        _ => *kind == ErrorKind::Request,
    };
    check(kinds.iter().enumerate().all(|(index, kind)| expected(kind, index)), "the kinds of the failures")?;
    show::done();
    Ok(())
}

/// A port that nobody listens on: taken from the system and given back.
fn refused_port() -> Result<String, Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    Ok(format!("http://{}/", listener.local_addr()?))
}
