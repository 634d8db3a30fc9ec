//! The testbed as a program: two servers on loopback until it is killed.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use testbed::Testbed;

const USAGE: &str = "\
Serves httpbin's and jsonplaceholder's endpoints on loopback, plain and over TLS, until killed.

Usage: testbed [--port N] [--tls-port N] [--ca-out FILE]

  --port N       the plain port; any free one if 0 or not given
  --tls-port N   the TLS port; any free one if 0 or not given
  --ca-out FILE  where to write the certificate that clients have to trust, in PEM
  --help         this text
";

/// What was asked for on the command line.
#[derive(Debug, Default)]
struct Options {
    port: u16,
    tls_port: u16,
    ca_out: Option<PathBuf>,
    help: bool,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("testbed: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let mut stdout = io::stdout();
    if options.help {
        return stdout.write_all(USAGE.as_bytes());
    }
    let testbed = Testbed::builder().port(options.port).tls_port(options.tls_port).start()?;
    if let Some(file) = &options.ca_out {
        fs::write(file, testbed.ca_pem())
            .map_err(|e| io::Error::new(e.kind(), format!("cannot write {}: {e}", file.display())))?;
    }
    writeln!(stdout, "{}\n{}", testbed.http(), testbed.https())?;
    stdout.flush()?;
    loop {
        // The server has its own thread; this one has nothing to do, and may wake up for no reason.
        thread::park();
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        // Both `--port 8080` and `--port=8080`.
        let (flag, given) = match arg.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        let mut value =
            || given.clone().or_else(|| args.next()).ok_or_else(|| format!("{flag} needs a value"));
        match flag {
            "--port" => options.port = port(flag, &value()?)?,
            "--tls-port" => options.tls_port = port(flag, &value()?)?,
            "--ca-out" => options.ca_out = Some(value()?.into()),
            "--help" | "-h" if given.is_none() => options.help = true,
            _ => return Err(format!("unknown argument {arg:?}")),
        }
    }
    Ok(options)
}

fn port(flag: &str, value: &str) -> Result<u16, String> {
    value.parse().map_err(|_| format!("{flag} needs a number from 0 to 65535, not {value:?}"))
}
