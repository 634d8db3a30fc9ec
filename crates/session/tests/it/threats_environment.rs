//! What variables of a process must not do, in a process that has them: the test starts itself again as one.

use session::{Digest, ErrorKind, Session, StatusCode};
use std::io::ErrorKind::WouldBlock;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use testbed::Testbed;
use testbed::raw::{RawServer, Script};

/// In the environment of the child: the URL that it is to ask for.
const URL: &str = "ENVIRONMENT_TEST_URL";

/// In the environment of the child: the proxy that its requests say.
const PROXY: &str = "ENVIRONMENT_TEST_PROXY";

/// This test as a process of its own, without variables about proxies.
fn child(test: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let test = format!("threats_environment::{test}");
    child.args(["--exact", &test]).stdout(Stdio::null()).stderr(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy") {
            child.env_remove(name);
        }
    }
    child
}

/// A proxy that wants other credentials, and one that answers and makes no tunnels.
fn proxy(refuses: bool) -> RawServer {
    let challenge = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n0nce\", qop=\"auth\"";
    let refusal = format!("HTTP/1.1 407 Who\r\n{challenge}\r\nContent-Length: 0\r\n\r\n");
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned();
    let no_tunnel = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n".to_owned();
    let replies = if refuses { [refusal.clone(), refusal] } else { [answer, no_tunnel] };
    RawServer::start(replies.map(|reply| Script::new().answer(reply).wait_for_close())).unwrap()
}

/// One proxy refuses what it is told; the next one comes from the environment.
#[test]
fn px_2_a_proxy_of_the_environment_hears_nothing_that_was_for_the_one_before() {
    if let Ok(first) = std::env::var(PROXY) {
        let mut session = Session::new();
        session.set_auth_for("http://a.test", Digest::new("d1g", "estpw")).unwrap();
        for (url, of_environment) in [("http://a.test/", None), ("https://a.test/", Some(404))] {
            let refused = session.get(url).proxy(&first).send();
            let status = match refused {
                Ok(response) => Some(response.status()),
                Err(error) => error.proxy_status(),
            };
            assert_eq!(status, Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED));
            match (session.get(url).send(), of_environment) {
                (Ok(response), None) => assert_eq!(response.text(), "ok"),
                (Err(error), Some(status)) => {
                    assert_eq!(error.kind(), ErrorKind::Proxy);
                    assert_eq!(error.proxy_status().unwrap(), status);
                }
                (other, _) => panic!("{other:?}"),
            }
        }
        return;
    }
    for (name, userinfo, told) in
        [("http_proxy", "", None), ("ALL_PROXY", "", None), ("all_proxy", "x:y@", Some("eDp5"))]
    {
        let (first, second) = (proxy(true), proxy(false));
        let mut child = child("px_2_a_proxy_of_the_environment_hears_nothing_that_was_for_the_one_before");
        child.env(PROXY, format!("http://us3r:s3cret@{}", first.addr()));
        let second_url = format!("http://{userinfo}{}", second.addr());
        child.env(name, &second_url).env("https_proxy", &second_url);
        assert!(child.status().unwrap().success(), "{name}");
        assert!(first.requests().iter().all(|request| contains(request, "Basic dXMzcjpzM2NyZXQ=")));
        let heard = second.requests();
        assert_eq!((first.requests().len(), heard.len()), (2, 2), "{name}");
        for request in heard {
            for secret in ["dXMzcjpzM2NyZXQ", "us3r", "s3cret", "Digest", "n0nce", "d1g"] {
                assert!(!contains(&request, secret), "{name}: {}", String::from_utf8_lossy(&request));
            }
            let own = told
                .is_some_and(|own| contains(&request, &format!("\r\nProxy-Authorization: Basic {own}\r\n")));
            assert_eq!(contains(&request, "Proxy-Authorization"), own, "{name}");
            assert_eq!(own, told.is_some(), "{name}");
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

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
    let mut child = child("px_4_a_cgi_program_does_not_take_a_header_for_its_proxy");
    child.env(URL, format!("{}/get", testbed.http()));
    child.env("HTTP_PROXY", format!("http://{}", proxy.local_addr().unwrap()));
    assert!(child.env("REQUEST_METHOD", "GET").status().unwrap().success());
    assert_eq!(proxy.accept().unwrap_err().kind(), WouldBlock, "nobody asked for it");
    // Elsewhere the variable counts: a proxy that is gone is the end of the request.
    drop(proxy);
    assert!(!child.env_remove("REQUEST_METHOD").status().unwrap().success());
}

/// In the environment of the child: a URL with `https` whose certificate nobody has been told to trust.
const SECURE: &str = "ENVIRONMENT_TEST_SECURE";

#[test]
fn m_8_of_the_environment_only_proxies_are_read_and_the_netrc_file_where_that_is_on() {
    if let (Ok(url), Ok(secure)) = (std::env::var(URL), std::env::var(SECURE)) {
        let told = |session: &Session| {
            let echo: serde_json::Value = session.get(&url).send().unwrap().json().unwrap();
            echo["headers"]["Authorization"].as_str().map(str::to_owned)
        };
        let session = Session::new();
        assert_eq!(told(&session), None);
        assert_eq!(session.get(secure).send().unwrap_err().kind(), ErrorKind::Tls);
        let session = Session::builder().netrc(true).build().unwrap();
        assert_eq!(told(&session).as_deref(), Some("Basic dXM6cHc="));
        return;
    }
    let testbed = Testbed::start().unwrap();
    let folder = std::env::temp_dir().join(format!("session-environment-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (bundle, netrc) = (folder.join("ca.pem"), folder.join("netrc"));
    std::fs::write(&bundle, testbed.ca_pem()).unwrap();
    std::fs::write(&netrc, "machine 127.0.0.1 login us password pw\n").unwrap();
    let mut child = child("m_8_of_the_environment_only_proxies_are_read_and_the_netrc_file_where_that_is_on");
    child.env(URL, format!("{}/get", testbed.http())).env(SECURE, format!("{}/get", testbed.https()));
    for name in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        child.env(name, &bundle);
    }
    let status = child.env("SSL_CERT_DIR", &folder).env("NETRC", &netrc).status().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(status.success());
    assert_eq!(testbed.stats().plain_connections, 2, "it has asked");
}

/// In the environment of the child: what is to come of a request, a word of the error or nothing.
#[cfg(unix)]
const COMES: &str = "ENVIRONMENT_TEST_COMES";

#[cfg(unix)]
#[test]
fn pn_2_variables_that_name_no_proxy_are_errors_of_the_requests_they_are_for() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    if let (Ok(url), Ok(comes)) = (std::env::var(URL), std::env::var(COMES)) {
        let session = Session::new();
        for url in [&*url, "https://127.0.0.1:1/"] {
            let result = session.get(url).send().map(|response| response.status().as_u16());
            match result {
                Ok(status) => assert!(comes.is_empty() && status == 200),
                // Nobody listens there, and it was not kept from asking.
                Err(error) if comes.is_empty() => assert_eq!(error.kind(), ErrorKind::Connect, "{error}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
                    let text = error.to_string();
                    assert!(text.contains("environment variable") && text.contains(&comes), "{text}");
                }
            }
        }
        assert!(
            Session::builder().ignore_environment().build().unwrap().get(url).send().unwrap().is_success()
        );
        return;
    }
    let testbed = Testbed::start().unwrap();
    let test =
        "threats_environment::pn_2_variables_that_name_no_proxy_are_errors_of_the_requests_they_are_for";
    for (value, comes) in [
        (&b"invalid:.////..///"[..], "the proxy"),
        (b"", ""),
        (b"\xff", "UTF-8"),
        (b"http://\xff:1", "UTF-8"),
        (b"http://[::1", "the proxy"),
        (b"://", "the proxy"),
        (b"http://p:99999", "the proxy"),
        (b"\r\n", ""),
    ] {
        for names in [
            &["HTTP_PROXY", "HTTPS_PROXY"][..],
            &["http_proxy", "https_proxy"],
            &["ALL_PROXY"],
            &["all_proxy"],
        ] {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", test]);
            for (name, _) in std::env::vars_os() {
                if name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy") {
                    child.env_remove(name);
                }
            }
            child.env_remove("REQUEST_METHOD").env(URL, format!("{}/get", testbed.http())).env(COMES, comes);
            child.envs(names.iter().map(|name| (name, OsStr::from_bytes(value))));
            let output = child.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{names:?} {value:?}: {said}");
        }
    }
}
