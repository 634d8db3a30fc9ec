//! `cargo xtask counterparts`: servers and proxies that others wrote, started on loopback, and the tests against them.
//!
//! Python's httpbin under gunicorn, tinyproxy with Basic authentication, and microsocks with user and password. Each
//! runs on a free port, is ended by its process id, and leaves nothing behind.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{clock, no_more_arguments, workspace};

/// What both proxies ask for.
const USER: &str = "proxy-user";
const PASSWORD: &str = "proxy-pass";
/// A program that does not listen by then is not going to.
const START: Duration = Duration::from_secs(30);

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    no_more_arguments("counterparts", arguments)?;
    let python = std::env::var_os("COUNTERPARTS_PYTHON").ok_or(
        "COUNTERPARTS_PYTHON does not name a Python that has httpbin and gunicorn; .ci/run makes one",
    )?;
    let folder = Folder::new()?;
    let httpbin = httpbin(&python, &folder.0)?;
    let tinyproxy = tinyproxy(&folder.0)?;
    let microsocks = microsocks()?;
    println!("counterparts: httpbin, tinyproxy and microsocks are up");
    let base = format!("http://{}", httpbin.address);
    workspace::cargo(&["run", "--release", "--locked", "--example=tour", "--", "--base", &base])?;
    let (http, socks) = (tinyproxy.address.to_string(), microsocks.address.to_string());
    workspace::cargo_with(
        &["test", "--package=tests", "--test=counterparts", "--locked"],
        &[
            ("COUNTERPARTS_HTTPBIN", base.as_str()),
            ("COUNTERPARTS_HTTP_PROXY", http.as_str()),
            ("COUNTERPARTS_SOCKS", socks.as_str()),
            ("COUNTERPARTS_USER", USER),
            ("COUNTERPARTS_PASSWORD", PASSWORD),
        ],
    )
}

fn httpbin(python: &OsStr, folder: &Path) -> Result<Program, String> {
    Program::start("httpbin", |address| {
        let mut command = Command::new(python);
        command.args([
            "-m",
            "gunicorn",
            "--log-level=warning",
            "--graceful-timeout=1",
            "--no-control-socket",
        ]);
        command.args(["--worker-class=gthread", "--threads=8", "--keep-alive=30"]);
        command.arg(format!("--bind={address}")).arg("httpbin:app").current_dir(folder).env("HOME", folder);
        Ok(command)
    })
}

fn tinyproxy(folder: &Path) -> Result<Program, String> {
    Program::start("tinyproxy", |address| {
        let settings = format!(
            "Port {}\nListen {}\nAllow 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Critical\n\
             BasicAuth {USER} {PASSWORD}\n",
            address.port(),
            address.ip()
        );
        let file = folder.join("tinyproxy.conf");
        fs::write(&file, settings).map_err(|why| format!("{}: {why}", file.display()))?;
        let mut command = Command::new("tinyproxy");
        command.arg("-d").arg("-c").arg(file).stdout(Stdio::null());
        Ok(command)
    })
}

fn microsocks() -> Result<Program, String> {
    Program::start("microsocks", |address| {
        let mut command = Command::new("microsocks");
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        command.args(["-i", &host, "-p", &port, "-u", USER, "-P", PASSWORD]).stderr(Stdio::null());
        Ok(command)
    })
}

/// A program that listens; ended when dropped.
struct Program {
    name: &'static str,
    address: SocketAddr,
    child: Child,
}

impl Program {
    /// Starts what `command` says, and waits until it listens.
    fn start(
        name: &'static str,
        command: impl FnOnce(SocketAddr) -> Result<Command, String>,
    ) -> Result<Self, String> {
        let address = free_address().map_err(|why| format!("there is no free port: {why}"))?;
        let child = command(address)?
            .stdin(Stdio::null())
            .spawn()
            .map_err(|why| format!("{name} does not start ({why}); Debian's package has that name"))?;
        let mut program = Self { name, address, child };
        program.wait_until_it_listens()?;
        Ok(program)
    }

    fn wait_until_it_listens(&mut self) -> Result<(), String> {
        let begun = clock::now();
        while begun.elapsed() < START {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("{} has ended ({status})", self.name));
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Err(format!("{} does not listen on {} after {START:?}", self.name, self.address))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // gunicorn ends its workers when it is asked to end, not when it is killed.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        if let Err(why) = self.child.wait() {
            eprintln!("{} may still run: {why}", self.name);
        }
    }
}

/// A folder for the settings of the programs; removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(OsString::from(format!("counterparts-{}", std::process::id())));
        fs::create_dir(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(why) = fs::remove_dir_all(&self.0) {
            eprintln!("{} is left behind: {why}", self.0.display());
        }
    }
}

/// An address that nobody listens on: taken from the system and given back.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
