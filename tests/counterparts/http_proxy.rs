//! tinyproxy, which asks for a user and a password.

use crate::{builder, proxy_url, told, trusting};
use serde_json::Value;
use session::{ErrorKind, Proxies};
use testbed::Testbed;

fn proxies() -> Proxies {
    Proxies::all(proxy_url("http", "COUNTERPARTS_HTTP_PROXY")).unwrap()
}

/// Without user and password.
fn anonymous() -> Proxies {
    Proxies::all(format!("http://{}", told("COUNTERPARTS_HTTP_PROXY"))).unwrap()
}

#[test]
fn an_http_url_goes_through_the_proxy_as_a_whole() {
    let testbed = Testbed::start().unwrap();
    let session = builder().proxies(proxies()).build().unwrap();
    let response = session.get(format!("{}/headers", testbed.http())).send().unwrap();
    let seen: Value = response.json().unwrap();
    assert!(seen["headers"]["Via"].as_str().unwrap().contains("tinyproxy"));
    assert!(seen["headers"].get("Proxy-Authorization").is_none());
    let posted = session.post(format!("{}/post", testbed.http())).form([("a", "1")]).send().unwrap();
    assert_eq!(posted.json::<Value>().unwrap()["form"]["a"], "1");
}

#[test]
fn an_https_url_goes_through_a_tunnel() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).proxies(proxies()).build().unwrap();
    for _ in 0..2 {
        let response = session.get(format!("{}/headers", testbed.https())).send().unwrap();
        let seen: Value = response.json().unwrap();
        assert!(seen["headers"].get("Via").is_none() && seen["headers"].get("Proxy-Authorization").is_none());
    }
}

#[test]
fn a_refusal_of_the_proxy_is_no_answer_of_the_origin() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).proxies(anonymous()).build().unwrap();
    let error = session.get(format!("{}/get", testbed.https())).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
    assert!(error.to_string().contains("407"), "{error}");
    let requests = testbed.stats().requests;
    assert_eq!(requests, 0);
}

#[test]
fn a_redirect_from_http_to_https_changes_the_way() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).proxies(proxies()).build().unwrap();
    let to = format!("{}/redirect-to?url={}/get", testbed.http(), testbed.https());
    let response = session.get(to).send().unwrap();
    assert_eq!((response.status().as_u16(), response.history().len()), (200, 1));
}

#[test]
fn hosts_without_proxy_are_reached_directly() {
    let testbed = Testbed::start().unwrap();
    let session = builder().proxies(proxies().no_proxy("127.0.0.0/8").unwrap()).build().unwrap();
    let response = session.get(format!("{}/headers", testbed.http())).send().unwrap();
    assert!(response.json::<Value>().unwrap()["headers"].get("Via").is_none());
}
