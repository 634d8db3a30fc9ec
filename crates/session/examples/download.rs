//! A download with a progress bar, in constant memory. `cargo run --release --example download [URL [FILE]]`
//!
//! Without a URL the server runs inside this process. Without a file the bytes are counted and thrown away. The name is
//! the caller's to choose: one that a server suggests could be any path.

use indicatif::{ProgressBar, ProgressStyle};
use session::Session;
use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use testbed::Testbed;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    // Lives until the end: it is the server.
    let mut testbed = None;
    let url = match arguments.next() {
        Some(url) => url,
        None => format!("{}/bench/50000000", testbed.insert(Testbed::start()?).http()),
    };
    let mut to: Box<dyn Write> = match arguments.next() {
        Some(path) => Box::new(File::create_new(path)?),
        None => Box::new(io::sink()),
    };

    let mut download = Session::new().get(&url).stream()?;
    if !download.ok() {
        // With the words of the status, and what the server says about it.
        return Err(download.into_response()?.error_for_status().err().map_or("no error".into(), Into::into));
    }
    let bar = ProgressBar::no_length()
        .with_style(ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}")?);
    let bytes = download.copy_to_with(&mut to, |done, total| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    })?;
    bar.finish();
    println!("{bytes} bytes from {url}");
    Ok(())
}
