//! Keep-alive GET of a small JSON document, ours beside a raw socket and other clients.
#![expect(clippy::print_stdout, reason = "a benchmark reports")]

use benches::{Arm, Effort, canned, compare, on_one_core, raw::Raw, table::table};
use std::io::Read;
use std::process::ExitCode;

/// Body bytes of the answer.
const BODY: usize = 100;

fn main() -> ExitCode {
    on_one_core(run)
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let addr = canned::serve(BODY)?;
    let url = format!("http://{addr}/bench");

    let mut raw = Raw::connect(addr, "/bench")?;
    let pool = pool::Pool::new(pool::Config::default());
    let route = pool::Route::direct(format!("http://{addr}").parse()?);
    let ureq = ureq::agent();
    let mut buf = Vec::new();
    let mut arms = vec![
        Arm::new("raw", || Ok(raw.get()?)),
        Arm::new("pool", || {
            let request = pool::Request::build(pool::Method::GET, route.clone(), "/bench")
                .header("User-Agent", "bench")
                .header("Accept-Encoding", "gzip, deflate")
                .header("Accept", "*/*")
                .header("Connection", "keep-alive")
                .finish()?;
            buf.clear();
            Ok(pool.send(request)?.body_mut().read_to_end(&mut buf)?)
        }),
        Arm::new("ureq", || Ok(ureq.get(&url).call()?.body_mut().read_to_vec()?.len())),
    ];
    let figures = compare(&mut arms, Effort::from_args(), BODY)?;
    println!("{}", table("keep-alive GET, 100 bytes of JSON, one core for client and server", &figures));
    Ok(())
}
