//! Keep-alive GET of a small JSON document: ours beside a raw socket and other clients.
//!
//! The server is the testbed, on hyper: one that does a server's work. `cargo bench -- --canned` adds a second table with
//! one that does next to nothing, so that the client's own work weighs most. `--features peers` adds reqwest and
//! hyper-util.

use benches::{Arm, Effort, canned, compare, on_one_core, raw::Raw, table::table};
use session::Session;
use std::error::Error;
use std::io::Read;
use std::net::SocketAddr;
use std::process::ExitCode;
use testbed::Testbed;

/// Body bytes of the answer.
const BODY: usize = 100;

fn main() -> ExitCode {
    on_one_core(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let effort = Effort::from_args();
    println!(
        "keep-alive GET, {BODY} bytes of JSON, client and server on one core; median of {} rounds\n",
        effort.rounds
    );
    let testbed = Testbed::start()?;
    side_by_side("server: hyper", testbed.addr(), effort)?;
    if std::env::args().any(|argument| argument == "--canned") {
        side_by_side("server: canned answers", canned::serve(BODY)?, effort)?;
    }
    Ok(())
}

fn side_by_side(title: &str, addr: SocketAddr, effort: Effort) -> Result<(), Box<dyn Error>> {
    let path = format!("/bench/{BODY}");
    let url = format!("http://{addr}{path}");
    let mut raw = Raw::connect(addr, &path)?;
    let pool = pool::Pool::new(pool::Config::default());
    let route = pool::Route::direct(format!("http://{addr}").parse()?);
    let usual = usual_fields()?;
    let session = Session::builder().ignore_environment().build()?;
    let ureq = ureq::agent();
    let mut buf = Vec::new();
    #[allow(unused_mut, clippy::allow_attributes, reason = "more arms with the feature")]
    let mut arms = vec![
        Arm::new("raw", || Ok(raw.get()?)),
        Arm::new("pool", || {
            let head = pool::RequestHead::builder(pool::Method::GET, &path)
                .header("Host", route.host_field())
                .preset(&usual)
                .build()?;
            let request = pool::Request::new(route.clone(), head, pool::Body::Empty)?;
            buf.clear();
            Ok(pool.send(request)?.body_mut().read_to_end(&mut buf)?)
        }),
        Arm::new("session", || Ok(session.get(&url).send()?.bytes().len())),
        Arm::new("ureq", || Ok(ureq.get(&url).call()?.body_mut().read_to_vec()?.len())),
    ];
    #[cfg(feature = "peers")]
    peers::add(&mut arms, &url)?;
    let figures = compare(&mut arms, effort, BODY)?;
    println!("{}", table(title, &figures));
    Ok(())
}

/// What every arm sends besides `Host`.
fn usual_fields() -> Result<http_wire::Preset, http_wire::HeadError> {
    let mut usual = http_wire::Headers::new();
    usual.append("User-Agent", "bench")?;
    usual.append("Accept-Encoding", "gzip, deflate")?;
    usual.append("Accept", "*/*")?;
    usual.append("Connection", "keep-alive")?;
    http_wire::Preset::new(&usual)
}

#[cfg(feature = "peers")]
mod peers {
    use benches::Arm;
    use http_body_util::{BodyExt, Empty};
    use hyper::body::Bytes;
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;
    use std::error::Error;

    /// The heavier clients: reqwest as most people use it from blocking code, and hyper-util on a runtime of its own.
    pub(super) fn add<'a>(arms: &mut Vec<Arm<'a>>, url: &'a str) -> Result<(), Box<dyn Error>> {
        let reqwest = reqwest::blocking::Client::builder().no_proxy().build()?;
        arms.push(Arm::new("reqwest (blocking)", move || Ok(reqwest.get(url).send()?.bytes()?.len())));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let uri: hyper::Uri = url.parse()?;
        arms.push(Arm::new("hyper-util", move || {
            runtime.block_on(async {
                let response = client.get(uri.clone()).await?;
                Ok(response.into_body().collect().await?.to_bytes().len())
            })
        }));
        Ok(())
    }
}
