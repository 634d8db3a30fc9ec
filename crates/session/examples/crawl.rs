//! Follows the links of a site, many requests at a time on one thread. `cargo run --example crawl [URL [DEPTH]]`
//!
//! Without a URL the site is a closure. Shows what a program for production sets: who it is, time limits, retries, a
//! limit for bodies, and how many connections one server has to bear.

use session::{Mock, Reply, Retry, Session, SessionBuilder, Timeouts, Url};
use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (session, start) = match arguments.next() {
        Some(url) => (polite(Session::builder())?, Url::parse(&url)?),
        None => (
            polite(Mock::new(|request| page(request.target())).builder())?,
            Url::parse("https://any.example/")?,
        ),
    };
    let depth: u32 = arguments.next().map_or(Ok(3), |depth| depth.parse())?;

    let mut seen = HashSet::from([start.clone()]);
    let mut level = vec![start];
    for depth in 0..=depth {
        let mut next = Vec::new();
        // Requests are made as there is room for them: a level of a million pages needs no more memory than its URLs.
        for (index, result) in session.as_completed(level.iter().map(|url| session.get(url))) {
            // An error says with which request, what happened, and how often it was tried.
            let Ok(response) = result.inspect_err(|error| eprintln!("{depth} {error}")) else { continue };
            let url = response.url();
            println!(
                "{depth} {} {:>7} {:?} {url}",
                response.status(),
                response.bytes().len(),
                response.elapsed()
            );
            if level.get(index).is_some_and(|asked| asked.origin() == url.origin()) {
                let links = links(&response.text(), url);
                next.extend(links.into_iter().filter(|link| seen.insert(link.clone())));
            }
        }
        level = next;
    }
    Ok(())
}

/// The settings of a program that asks servers of others.
fn polite(builder: SessionBuilder) -> Result<Session, session::Error> {
    let second = Duration::from_secs(1);
    builder
        .header("User-Agent", "crawl-example/1.0 (+https://example.com/crawl)")
        .timeouts(Timeouts::default().connect(5 * second).idle(10 * second).total(60 * second))
        .retry(Retry::idempotent(2).on_timeout(true).max_wait(30 * second))
        .error_for_status(true)
        .max_body(8 * 1024 * 1024)
        .max_per_origin(4)
        .build()
}

/// What `href` attributes of this server point to, without fragments. A program for production has a parser for that.
fn links(html: &str, base: &Url) -> Vec<Url> {
    let targets = html.split("href=\"").skip(1).filter_map(|rest| rest.split(['"', '#']).next());
    let links = targets.filter_map(|target| base.join(target).ok());
    links.filter(|link| link.origin() == base.origin()).collect()
}

/// The site that is there when no other is named: each page links to two below it, some of which are missing.
fn page(path: &str) -> Reply {
    match path.trim_matches('/') {
        "" => Reply::text(r#"<a href="/a">a</a> <a href="/b">b</a>"#),
        name if name.ends_with("bb") => Reply::status(404),
        name => Reply::text(format!(r#"<a href="/{name}a">a</a> <a href="/{name}b#top">b</a>"#)),
    }
}
