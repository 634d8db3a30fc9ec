//! What variables of a process must not do, in a process that has them: the test starts itself again as one.

use session::Session;
use std::io::ErrorKind::WouldBlock;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use testbed::Testbed;

/// In the environment of the child: the URL that it is to ask for.
const URL: &str = "ENVIRONMENT_TEST_URL";

/// A header `Proxy:` of what a web server was asked is the `HTTP_PROXY` of its CGI programs.
#[test]
fn px_4_a_cgi_program_does_not_take_a_header_for_its_proxy() {
    if let Ok(url) = std::env::var(URL) {
        let session = Session::new();
        assert!(session.get(&url).send().unwrap().is_success());
        assert!(session.get(&url).stream().unwrap().into_response().unwrap().is_success());
        return;
    }
    let testbed = Testbed::start().unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let test = "threats_environment::px_4_a_cgi_program_does_not_take_a_header_for_its_proxy";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]).stdout(Stdio::null()).stderr(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy") {
            child.env_remove(name);
        }
    }
    child.env(URL, format!("{}/get", testbed.http()));
    child.env("HTTP_PROXY", format!("http://{}", proxy.local_addr().unwrap()));
    assert!(child.env("REQUEST_METHOD", "GET").status().unwrap().success());
    assert_eq!(proxy.accept().unwrap_err().kind(), WouldBlock, "nobody asked for it");
    // Elsewhere the variable counts: a proxy that is gone is the end of the request.
    drop(proxy);
    assert!(!child.env_remove("REQUEST_METHOD").status().unwrap().success());
}
