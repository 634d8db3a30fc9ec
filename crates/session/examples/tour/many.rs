//! Scenarios 8 and 9: many at once on one thread, and the same over HTTPS.

use crate::show::{self, check, session};
use serde_json::Value;
use session::{Response, Session};
use std::error::Error;
use testbed::Testbed;

const SOURCE: &str = include_str!("many.rs");

/// Fifty requests at once: in input order, then as they complete.
pub(crate) fn at_once(bin: &str) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "8", "8. Fifty at once, from one thread");
    // [8]
    let session = session()?;
    let urls: Vec<String> = (0..50).map(|n| format!("{bin}/anything/{n}")).collect();
    let mut in_order = Vec::new();
    for result in session.send_all(urls.iter().map(|url| session.get(url))) {
        in_order.push(result?);
    }
    let mut as_completed = Vec::new();
    for (index, result) in session.as_completed(urls.iter().map(|url| session.get(url))) {
        as_completed.push((index, result?));
    }
    // [end]
    for (n, response) in in_order.iter().enumerate() {
        check(
            asked_for(response)?.ends_with(&format!("/anything/{n}")),
            "answers in the order of the requests",
        )?;
    }
    summary("send_all", in_order.iter());
    for (n, response) in &as_completed {
        check(asked_for(response)?.ends_with(&format!("/anything/{n}")), "each answer with its own index")?;
    }
    summary("as_completed", as_completed.iter().map(|(_, response)| response));
    let first: Vec<usize> = as_completed.iter().map(|(n, _)| *n).take(10).collect();
    println!("  the first ten to arrive: {first:?}");
    check(in_order.len() == 50 && as_completed.len() == 50, "fifty answers each time")?;
    show::done();
    Ok(())
}

/// The first handshake is full; a later connection takes the session up again.
pub(crate) fn over_https(testbed: &Testbed) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "9", "9. The same over HTTPS");
    let (ca, base) = (testbed.ca_pem(), testbed.https());
    // [9]
    let session = Session::builder().ignore_environment().add_roots_pem(ca)?.build()?;
    let first = session.get(format!("{base}/get")).send()?;
    session.close_idle();
    let second = session.get(format!("{base}/get")).send()?;
    let urls: Vec<String> = (0..50).map(|n| format!("{base}/anything/{n}")).collect();
    let fifty: Vec<Response> =
        session.send_all(urls.iter().map(|url| session.get(url))).into_iter().collect::<Result<_, _>>()?;
    // [end]
    show::facts(&first);
    show::facts(&second);
    summary("send_all", fifty.iter());
    let resumed = |response: &Response| response.attempts().last().tls.map(|tls| tls.resumed);
    check(resumed(&first) == Some(false), "the first handshake is full")?;
    check(resumed(&second) == Some(true), "the second connection resumes it")?;
    for (n, response) in fifty.iter().enumerate() {
        check(
            asked_for(response)?.ends_with(&format!("/anything/{n}")),
            "answers in the order of the requests",
        )?;
    }
    show::done();
    Ok(())
}

/// The URL that the server saw.
fn asked_for(response: &Response) -> Result<String, Box<dyn Error>> {
    let answer: Value = response.json()?;
    Ok(answer["url"].as_str().unwrap_or_default().to_owned())
}

fn summary<'a>(name: &str, responses: impl Iterator<Item = &'a Response>) {
    let (mut all, mut reused, mut good) = (0, 0, 0);
    for response in responses {
        all += 1;
        reused += usize::from(response.attempts().last().reused);
        good += usize::from(response.is_success());
    }
    println!(
        "  {name}: {all} answers, {good} of them 2xx, {reused} on a reused connection, {} on a new one",
        all - reused
    );
}
