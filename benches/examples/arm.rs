//! One client, so many keep-alive GETs, nothing else: something to count instructions, allocations and system calls of.
//!
//! `cargo run --release -p benches --example arm -- pool 2000`; run it under `valgrind --tool=callgrind` with two
//! counts and divide the difference.

use benches::{canned, raw::Raw};
use std::io::Read;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("usage: arm raw|pool|session|ureq COUNT")?;
    let count: usize = arguments.next().ok_or("how many?")?.parse()?;
    let addr = match std::env::var("ARM_ADDR") {
        Ok(addr) => addr.parse()?,
        Err(_) => canned::serve(100)?,
    };
    match name.as_str() {
        "raw" => {
            let mut raw = Raw::connect(addr, "/bench")?;
            for _ in 0..count {
                raw.get()?;
            }
        }
        "pool" => {
            let pool = pool::Pool::new(pool::Config::default());
            let route = pool::Route::direct(format!("http://{addr}").parse()?);
            let mut buf = Vec::new();
            for _ in 0..count {
                let request = pool::Request::build(pool::Method::GET, route.clone(), "/bench")
                    .header("User-Agent", "bench")
                    .header("Accept-Encoding", "gzip, deflate")
                    .header("Accept", "*/*")
                    .header("Connection", "keep-alive")
                    .finish()?;
                buf.clear();
                pool.send(request)?.body_mut().read_to_end(&mut buf)?;
            }
        }
        "session" => {
            let session = session::Session::builder().ignore_environment().build()?;
            let url = format!("http://{addr}/bench");
            for _ in 0..count {
                session.get(&url).send()?;
            }
        }
        "ureq" => {
            let ureq = ureq::agent();
            let url = format!("http://{addr}/bench");
            for _ in 0..count {
                ureq.get(&url).call()?.body_mut().read_to_vec()?;
            }
        }
        other => return Err(format!("no arm is called {other}").into()),
    }
    Ok(())
}
