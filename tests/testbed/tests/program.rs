//! The program. Alone in its test binary: between fork and exec a child holds copies of every socket of its parent, so
//! a test that looks at closed ports or connections must not run in a process that starts others.
#![expect(clippy::unwrap_used, reason = "tests may be blunt")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(args: &[&str]) -> Output {
    program(args).output().unwrap()
}

/// A program that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn it_prints_its_two_urls_writes_its_certificate_and_serves() {
    let file = std::env::temp_dir().join(format!("testbed-ca-{}.pem", std::process::id()));
    let mut running = Running(program(&["--port=0", "--ca-out", file.to_str().unwrap()]).spawn().unwrap());
    let lines: Vec<String> =
        BufReader::new(running.0.stdout.take().unwrap()).lines().take(2).map(Result::unwrap).collect();
    let mut socket = TcpStream::connect(lines[0].strip_prefix("http://").unwrap()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(b"GET /posts/1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"id\": 1,"), "{answer}");
    assert!(lines[1].starts_with("https://localhost:"));
    let pem = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn help_goes_to_standard_output() {
    let output = output(&["--help"]);
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(String::from_utf8(output.stdout).unwrap().contains("--tls-port N"));
}

#[test]
fn bad_arguments_are_named() {
    let cases: [(&[&str], &str); 5] = [
        (&["--prot", "1"], "unknown argument \"--prot\""),
        (&["8080"], "unknown argument \"8080\""),
        (&["--port"], "--port needs a value"),
        (&["--port", "65536"], "--port needs a number from 0 to 65535, not \"65536\""),
        (&["--tls-port=x"], "--tls-port needs a number from 0 to 65535, not \"x\""),
    ];
    for (args, expected) in cases {
        let output = output(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(error.starts_with(&format!("testbed: {expected}\n")), "{error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let output = output(&["--port", &addr.port().to_string()]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.starts_with(&format!("testbed: cannot listen on {addr}: ")), "{error}");
}
