//! microsocks, which asks for a user and a password.

use crate::{builder, proxy_url, told, trusting};
use serde_json::Value;
use session::{ErrorKind, Proxies};
use testbed::Testbed;

#[test]
fn http_and_https_go_through_the_proxy_whoever_looks_the_host_up() {
    let testbed = Testbed::start().unwrap();
    for scheme in ["socks5", "socks5h"] {
        let proxies = Proxies::all(proxy_url(scheme, "COUNTERPARTS_SOCKS")).unwrap();
        let session = trusting(&testbed).proxies(proxies).build().unwrap();
        for base in [testbed.http(), testbed.https()] {
            let response = session.get(format!("{base}/get?x=1")).send().unwrap();
            assert_eq!(response.json::<Value>().unwrap()["args"]["x"], "1", "{scheme} {base}");
            let again = session.post(format!("{base}/post")).body("abc").send().unwrap();
            assert!(again.attempts().last().reused, "{scheme} {base}");
        }
    }
}

#[test]
fn a_wrong_password_is_told_as_the_proxys() {
    let testbed = Testbed::start().unwrap();
    let wrong = format!("socks5h://proxy-user:wrong@{}", told("COUNTERPARTS_SOCKS"));
    for proxy in [wrong, format!("socks5h://{}", told("COUNTERPARTS_SOCKS"))] {
        let session = builder().proxies(Proxies::all(proxy).unwrap()).build().unwrap();
        let error = session.get(format!("{}/get", testbed.http())).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
    assert_eq!(testbed.stats().requests, 0);
}

#[test]
fn a_host_that_refuses_is_told_as_the_proxy_tells_it() {
    let session =
        builder().proxies(Proxies::all(proxy_url("socks5h", "COUNTERPARTS_SOCKS")).unwrap()).build().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = session.get(format!("http://{nobody}/")).send().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Proxy | ErrorKind::Connect), "{error}");
}
