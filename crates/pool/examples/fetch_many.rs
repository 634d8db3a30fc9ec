//! Many requests on one thread, without an async runtime: `cargo run -p pool --example fetch_many -- URL-OF-ORIGIN PATH...`
//!
//! Prints each answer as it arrives. This is the multi interface of curl in five methods.

use pool::{Config, Event, ExchangeId, Origin, Pool, Request};
use std::collections::HashMap;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let origin: Origin = arguments.next().ok_or("usage: fetch_many http://HOST[:PORT] PATH...")?.parse()?;
    let pool = Pool::new(Config::default());
    let mut driver = pool.driver()?;
    let mut paths: HashMap<ExchangeId, String> = HashMap::new();
    for path in arguments {
        let id = driver.start(Request::get(origin.clone(), &path)?);
        paths.insert(id, path);
    }
    let mut buf = vec![0; 64 * 1024];
    while !driver.is_idle() {
        driver.turn(None)?;
        while let Some((id, event)) = driver.next_event() {
            let path = paths.get(&id).map_or("?", String::as_str);
            match event {
                Event::Head(head) => println!("{path}: {}", head.status()),
                Event::Readable => while driver.read(id, &mut buf)? > 0 {},
                Event::Done(summary) => {
                    let facts = summary.attempts.last();
                    println!("{path}: {} bytes, reused: {}", facts.bytes_received, facts.reused);
                }
                Event::Failed(error) => println!("{path}: {error}"),
                _ => {}
            }
        }
    }
    Ok(())
}
