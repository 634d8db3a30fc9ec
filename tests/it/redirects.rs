//! Redirects between servers: what belongs to one origin stays there.

use crate::support::{HANG, builder, fields, json, loopback, ok, session, text, to, trusting};
use session::{Basic, ErrorKind, Redirect};
use testbed::Testbed;
use testbed::raw::{RawServer, Script};

/// A server that answers once, and is asked for the request it got.
fn once(answer: String) -> RawServer {
    RawServer::start([Script::new().answer(answer).wait_for_close()]).unwrap()
}

/// The one request of such a server.
fn only_request(server: &RawServer) -> Vec<u8> {
    let mut requests = server.requests();
    assert_eq!(requests.len(), 1, "one connection");
    requests.remove(0)
}

#[test]
fn credentials_written_by_hand_stay_with_the_port_they_were_meant_for() {
    for status in [301, 302, 303, 307, 308] {
        let there = once(ok("there"));
        let here = once(to(status, &format!("{}/next", there.url())));
        let session = session();
        let request = session
            .get(here.url())
            .header("Authorization", "Bearer one")
            .header("authorization", "Bearer two")
            .header("Proxy-Authorization", "Basic cDpw")
            .header("Cookie", "secret=1")
            .header("X-Api-Key", "k")
            .header("X-Other", "o");
        let response = request.redirect(Redirect::limited(5).secret_headers(["x-api-key"])).send();
        assert_eq!(text(response), "there");
        let (first, next) = (only_request(&here), only_request(&there));
        assert_eq!(fields(&first, "Authorization"), ["Bearer one", "Bearer two"]);
        assert_eq!(fields(&first, "X-Api-Key"), ["k"]);
        for name in ["Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key"] {
            assert_eq!(fields(&next, name), [""; 0], "{status} {name}");
        }
        assert_eq!(fields(&next, "X-Other"), ["o"]);
        assert_eq!(fields(&next, "Host"), [there.addr().to_string()]);
    }
}

#[test]
fn credentials_of_the_session_go_to_the_origin_that_was_asked_for_only() {
    let there = once(ok("there"));
    let here = once(to(302, &there.url()));
    let session = builder().auth(Basic::new("user", "pass")).build().unwrap();
    assert_eq!(text(session.get(here.url()).send()), "there");
    assert_eq!(fields(&only_request(&here), "Authorization"), ["Basic dXNlcjpwYXNz"]);
    assert_eq!(fields(&only_request(&there), "Authorization"), [""; 0]);
}

#[test]
fn userinfo_of_the_url_and_of_a_location_goes_nowhere_else() {
    let there = once(ok("there"));
    let location = there.url().replace("http://", "http://other:word@");
    let here = once(to(302, &location));
    let url = here.url().replace("http://", "http://user:pass@");
    assert_eq!(text(session().get(format!("{url}/")).send()), "there");
    assert_eq!(fields(&only_request(&here), "Authorization"), ["Basic dXNlcjpwYXNz"]);
    let next = only_request(&there);
    assert_eq!((fields(&next, "Authorization"), fields(&next, "Referer")), (vec![], vec![]));
}

#[test]
fn what_was_dropped_does_not_come_back_with_the_first_origin() {
    // a answers the first and the last request, b those in between.
    let (one, other) = (Testbed::start().unwrap(), Testbed::start().unwrap());
    let (a, b) = (one.http(), other.http());
    let nested = |base: &str, url: &str| format!("{base}/redirect-to?url={}", encode(url));
    let chain = nested(&a, &nested(&b, &nested(&b, &format!("{a}/headers"))));
    let response = session().get(chain).header("Authorization", "Bearer t").send().unwrap();
    assert_eq!(response.history().len(), 3);
    assert_eq!(json(&response)["headers"].get("Authorization"), None, "a header by hand stays dropped");
    let session = builder().auth(Basic::new("user", "pass")).build().unwrap();
    let chain = nested(&a, &nested(&b, &format!("{a}/headers")));
    let response = session.get(chain).send().unwrap();
    assert_eq!(
        json(&response)["headers"]["Authorization"],
        "Basic dXNlcjpwYXNz",
        "an auth object answers its own"
    );
}

#[test]
fn a_subdomain_is_another_host() {
    for (from, into) in [("a.test", "www.a.test"), ("a.test", "xa.test"), ("a.test", "a.test.evil.test")] {
        let there = once(ok("there"));
        let here = once(to(302, &format!("http://{into}:{}/", there.addr().port())));
        let session = builder().resolver(loopback).build().unwrap();
        let url = format!("http://{from}:{}/", here.addr().port());
        assert_eq!(text(session.get(url).header("Authorization", "Bearer t").send()), "there");
        assert_eq!(fields(&only_request(&there), "Authorization"), [""; 0], "{from} to {into}");
    }
}

#[test]
fn a_step_down_to_http_loses_credentials_and_secure_cookies_or_is_refused() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).build().unwrap();
    // The same host name on both ports, so that the cookie's host is not what keeps it back.
    let plain = format!("http://localhost:{}", testbed.addr().port());
    session.get(format!("{}/cookies/set/s/1", testbed.https())).send().unwrap();
    let url = format!("{}/redirect-to?url={}", testbed.https(), encode(&format!("{plain}/headers")));
    let response = session.get(&url).bearer("t").send().unwrap();
    let headers = &json(&response)["headers"];
    assert_eq!((headers.get("Authorization"), headers.get("Cookie")), (None, None), "{headers}");
    let connections = testbed.stats().plain_connections;
    session.close_idle();
    let error = session.get(&url).redirect(Redirect::limited(9).https_only(true)).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(error.response().unwrap().status(), 302);
    assert_eq!(testbed.stats().plain_connections, connections);
}

#[test]
fn a_limit_of_n_follows_n_and_gives_the_last_answer_with_the_error() {
    for limit in [0, 1, 2, 10] {
        let testbed = Testbed::start().unwrap();
        let url = format!("{}/redirect/20", testbed.http());
        let error = session().get(url).redirect(Redirect::limited(limit)).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{error}");
        assert_eq!(error.response().unwrap().status(), 302);
        assert_eq!(testbed.stats().requests, u64::from(limit) + 1);
        assert_eq!(testbed.stats().plain_connections, 1);
    }
}

#[test]
fn history_is_complete_and_relative_and_absolute_locations_lead_to_the_end() {
    let testbed = Testbed::start().unwrap();
    for path in ["redirect", "relative-redirect", "absolute-redirect"] {
        let response = session().get(format!("{}/{path}/4", testbed.http())).send().unwrap();
        assert_eq!((response.status().as_u16(), response.history().len()), (200, 4));
        assert!(response.history().iter().all(|hop| hop.status() == 302));
        assert_eq!(response.url().path(), "/get");
    }
}

#[test]
fn a_post_becomes_a_get_without_what_described_its_body() {
    for status in [301, 302, 303] {
        let there = once(ok("there"));
        let here = Script::new().expect_head().expect_body(2).send(to(status, &there.url())).wait_for_close();
        let here = RawServer::start([here]).unwrap();
        assert_eq!(text(session().post(here.url()).json(&[0; 0]).send()), "there");
        let next = only_request(&there);
        assert!(next.starts_with(b"GET / HTTP/1.1\r\n"));
        for name in ["Content-Length", "Content-Type", "Transfer-Encoding"] {
            assert_eq!(fields(&next, name), [""; 0], "{status} {name}");
        }
        assert!(next.ends_with(b"\r\n\r\n"));
    }
}

#[test]
fn only_http_and_https_are_followed() {
    for location in
        ["file:///etc/passwd", "ftp://127.0.0.1/", "imap://u@127.0.0.1/", "data:,x", "http://[x]/"]
    {
        let server = once(to(302, location));
        let error = session().get(server.url()).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{location}: {error}");
        assert!(error.response().is_some());
    }
}

#[test]
fn the_page_of_a_redirect_is_not_waited_for() {
    // A page that is too long to be worth reading, and one that never comes.
    for (length, sent) in [(1 << 20, 1 << 20), (1 << 20, 10)] {
        let there = once(ok("there"));
        let head =
            format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: {length}\r\n\r\n", there.url());
        let here = Script::new().answer(head).send(vec![b'x'; sent]).wait_for_close();
        let here = RawServer::start([here]).unwrap();
        let session = session();
        let response = session.get(here.url()).send().unwrap();
        assert_eq!((response.text(), response.history()[0].bytes()), ("there".into(), None));
        assert!(here.wait_until_ended(1, HANG), "the connection is closed");
    }
}

/// A URL as the value of a query parameter.
fn encode(url: &str) -> String {
    url.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
