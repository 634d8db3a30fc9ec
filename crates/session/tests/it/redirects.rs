//! Redirects: methods, bodies, credentials, limits.

use crate::support::{Stage, answer, redirect, value};
use pool::sim::Reply;
use session::{Body, ErrorKind, Redirect, Session};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// `a.example/` redirects to `/end` on the same host.
fn within(status: u16) -> Stage {
    let stage = Stage::new();
    stage.host("a.example", move |r| match r.target() {
        "/" => redirect(status, "/end"),
        _ => Reply::ok("end"),
    });
    stage
}

/// `a.example/` redirects to another host, which sends on to its `/2`, which sends back to `a.example/3`.
fn across(status: u16) -> Stage {
    let stage = Stage::new();
    stage.host("a.example", move |r| match r.target() {
        "/" => redirect(status, "http://b.example/1"),
        _ => Reply::ok("end"),
    });
    stage.host("b.example", move |r| match r.target() {
        "/1" => redirect(status, "/2"),
        _ => redirect(status, "http://a.example/3"),
    });
    stage
}

#[test]
fn d_2_and_d_3_a_method_that_is_kept_keeps_its_body_and_get_has_none() {
    for (status, method, expected) in [
        (301, "POST", "GET"),
        (301, "PUT", "PUT"),
        (302, "POST", "GET"),
        (302, "PUT", "GET"),
        (302, "DELETE", "GET"),
        (303, "PATCH", "GET"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
        (308, "DELETE", "DELETE"),
    ] {
        let stage = within(status);
        let session = stage.session();
        let request = session
            .request(method, "http://a.example/")
            .header("Content-Encoding", "x-own")
            .header("Content-Language", "en")
            .json(&"body");
        let response = request.send().unwrap();
        let last = stage.last();
        assert_eq!(last.method().as_str(), expected, "{status} {method}");
        let kept = expected != "GET";
        assert_eq!(last.body() == b"\"body\"", kept, "{status} {method}");
        for name in ["content-type", "content-length", "content-encoding", "content-language"] {
            assert_eq!(value(&last, name) != "-", kept, "{status} {method} {name}");
        }
        assert_eq!(response.url().as_str(), "http://a.example/end");
        assert_eq!(response.history()[0].bytes(), Some(&b"elsewhere"[..]));
        assert_eq!(
            stage.world.connections(),
            1,
            "the first answer was drained, and its connection used again"
        );
    }
}

#[test]
fn a_get_stays_a_get_when_a_307_follows_a_302() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => redirect(302, "/2"),
        "/2" => redirect(307, "/3"),
        _ => Reply::ok(""),
    });
    stage.session().post("http://a.example/").body("x").send().unwrap();
    assert_eq!(stage.lines(), ["a.example POST /", "a.example GET /2", "a.example GET /3"]);
}

#[test]
fn head_follows_none_unless_it_is_told_to() {
    let stage = within(302);
    let session = stage.session();
    let response = session.head("http://a.example/").send().unwrap();
    assert!(response.is_redirect() && response.history().is_empty());
    session.head("http://a.example/").redirect(Redirect::default()).send().unwrap();
    assert_eq!(stage.lines()[1..], ["a.example HEAD /", "a.example HEAD /end"]);
    session.request("HEAD", "http://a.example/").send().unwrap();
    assert_eq!(stage.lines()[3..], ["a.example HEAD /", "a.example HEAD /end"]);
    let mut session = session;
    session.settings_mut().set_redirect(Redirect::limited(5));
    session.head("http://a.example/").send().unwrap();
    assert_eq!(stage.lines()[5..], ["a.example HEAD /", "a.example HEAD /end"]);
}

#[test]
fn rd_5_a_limit_of_n_follows_exactly_n_and_the_error_has_the_last_answer() {
    for limit in [0, 1, 2, 10] {
        let stage = Stage::new();
        stage.host("a.example", |_| redirect(302, "/again"));
        let session = stage.session();
        let error = session.get("http://a.example/").redirect(Redirect::limited(limit)).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect);
        assert_eq!(stage.seen().len(), limit as usize + 1);
        let response = error.response().unwrap();
        assert_eq!((response.status().as_u16(), response.bytes()), (302, &b"elsewhere"[..]));
        assert_eq!(response.history().len(), limit as usize);
        assert!(error.may_have_been_processed());
    }
}

#[test]
fn with_none_the_3xx_is_the_answer_and_so_it_is_without_a_location() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => redirect(302, "/end"),
        "/empty" => answer("302 Found", &["Location:"], ""),
        _ => answer("302 Found", &[], ""),
    });
    let session = stage.session();
    let response = session.get("http://a.example/").redirect(Redirect::none()).send().unwrap();
    assert_eq!(response.status().as_u16(), 302);
    for url in ["http://a.example/bare", "http://a.example/empty"] {
        assert_eq!(session.get(url).send().unwrap().status().as_u16(), 302);
    }
    assert_eq!(stage.seen().len(), 3);
}

#[test]
fn cr_1_to_cr_6_what_was_meant_for_one_origin_is_dropped_for_the_rest_of_the_call() {
    for status in [301, 302, 303, 307, 308] {
        let stage = across(status);
        stage
            .session()
            .get("http://a.example/")
            .header("authorization", "Bearer t0p")
            .header("Authorization", "Bearer t1p")
            .header("Cookie", "by=hand")
            .header("cookie", "two=hands")
            .header("Proxy-Authorization", "Basic cDpw")
            .header("Host", "virtual.example")
            .header("X-Api-Key", "k")
            .redirect(Redirect::default().secret_headers(["x-api-key"]))
            .send()
            .unwrap();
        assert_eq!(stage.values("authorization"), ["Bearer t0p|Bearer t1p", "-", "-", "-"], "{status}");
        assert_eq!(stage.values("cookie"), ["by=hand|two=hands", "-", "-", "-"]);
        assert_eq!(stage.values("proxy-authorization"), ["Basic cDpw", "-", "-", "-"]);
        assert_eq!(stage.values("x-api-key"), ["k", "-", "-", "-"]);
        assert_eq!(stage.values("host"), ["virtual.example", "b.example", "b.example", "a.example"]);
    }
}

#[test]
fn cr_3_credentials_that_belong_to_an_origin_come_back_there_and_only_there() {
    let stage = across(302);
    let session = stage.session();
    let basic = ["Basic dTpw", "-", "-", "Basic dTpw"];
    session.get("http://a.example/").basic("u", "p").send().unwrap();
    assert_eq!(stage.values("authorization"), basic);
    session.get("http://u:p@a.example/").send().unwrap();
    assert_eq!(stage.values("authorization")[4..], basic);
    let mut session = session;
    session.set_auth(session::Basic::new("u", "p"));
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("authorization")[8..], basic);
}

#[test]
fn cr_4_another_port_scheme_or_name_is_another_origin() {
    for target in [
        "http://a.example:8080/",
        "https://a.example/",
        "http://www.a.example/",
        "http://a.example.evil.example/",
        "http://xa.example/",
        "http://a.example./",
    ] {
        let stage = Stage::new();
        stage.host("a.example", move |r| match (r.target(), r.addr().port(), value(r, "x-hop").as_str()) {
            ("/start", ..) => redirect(302, target),
            _ => Reply::ok(""),
        });
        for name in ["www.a.example", "a.example.evil.example", "xa.example", "a.example."] {
            stage.host(name, |_| Reply::ok(""));
        }
        let session = stage.session();
        session.get("http://a.example/start").header("Authorization", "t").send().unwrap();
        session.get("http://a.example/start").basic("u", "p").send().unwrap();
        assert_eq!(stage.values("authorization"), ["t", "-", "Basic dTpw", "-"], "{target}");
    }
}

#[test]
fn same_origin_redirects_keep_everything() {
    let stage = within(302);
    let session = stage.session();
    session.get("http://a.example/").header("Authorization", "t").header("Host", "v.example").send().unwrap();
    assert_eq!(stage.values("authorization"), ["t", "t"]);
    assert_eq!(stage.values("host"), ["v.example", "v.example"]);
    session.get("HTTP://A.example:80/").header("Authorization", "t").send().unwrap();
    assert_eq!(stage.values("authorization")[2..], ["t", "t"]);
}

#[test]
fn https_only_refuses_the_way_down_before_anything_is_sent() {
    let stage = Stage::new();
    let host = stage.host("a.example", |_| redirect(302, "http://a.example:8080/"));
    host.port(8080).refuse();
    let session = stage.session();
    let policy = Redirect::default().https_only(true);
    let error = session.get("https://a.example/").redirect(policy).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(error.response().unwrap().status().as_u16(), 302);
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn rd_1_and_cr_8_only_http_and_https_are_followed_and_userinfo_there_is_no_credential() {
    for location in [
        "file:///etc/passwd",
        "ftp://u@a.example/",
        "data:,x",
        "javascript:1",
        "unix:/x",
        "HTTP+UNIX://x",
        "http://[localhost]/",
        "http://a:65536/",
    ] {
        let stage = Stage::new();
        stage.host("a.example", move |_| redirect(302, location));
        let error = stage.session().get("http://a.example/").send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{location}");
        assert!(error.response().is_some());
        assert_eq!(stage.seen().len(), 1);
    }
    let stage = Stage::new();
    stage.host("a.example", |_| redirect(302, "http://u:p@b.example/"));
    stage.host("b.example", |_| Reply::ok(""));
    let response = stage.session().get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("authorization"), ["-", "-"]);
    assert_eq!(response.url().as_str(), "http://b.example/");
}

#[test]
fn two_different_locations_are_an_error_and_two_equal_ones_are_not() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/two" => answer("302 Found", &["Location: /x", "Location: /y"], ""),
        "/same" => answer("302 Found", &["Location: /x", "Location: /x"], ""),
        _ => Reply::ok(""),
    });
    let session = stage.session();
    assert_eq!(session.get("http://a.example/two").send().unwrap_err().kind(), ErrorKind::Redirect);
    session.get("http://a.example/same").send().unwrap();
}

#[test]
fn d_7_a_fragment_is_carried_on_until_a_location_has_one() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => redirect(302, "/2"),
        "/2" => redirect(302, "/3#new"),
        "/3" => redirect(302, "/4"),
        _ => Reply::ok(""),
    });
    let response = stage.session().get("http://a.example/#old").send().unwrap();
    let urls: Vec<String> = response.history().iter().map(|hop| hop.url().to_string()).collect();
    assert_eq!(urls, ["http://a.example/#old", "http://a.example/2#old", "http://a.example/3#new"]);
    assert_eq!(response.url().as_str(), "http://a.example/4#new");
}

#[test]
fn rd_4_a_body_that_cannot_be_sent_again_is_an_error_with_the_answer_in_it() {
    let stage = across(307);
    let request = stage.session().post("http://a.example/").body(Body::once(&b"once"[..]));
    let error = request.send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(error.response().unwrap().status().as_u16(), 307);
    assert_eq!(stage.seen().len(), 1);
}

#[test]
fn d_18_cookies_are_stored_and_sent_on_every_hop() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/set" => answer("302 Found", &["Location: /show", "Set-Cookie: c=1; Path=/"], ""),
        _ => Reply::ok(""),
    });
    let session = stage.session();
    let response = session.get("http://a.example/set").cookie("extra", "2").send().unwrap();
    assert_eq!(stage.values("cookie"), ["extra=2", "c=1; extra=2"]);
    assert_eq!(session.cookies().get(response.url(), "c").as_deref(), Some("1"));
    assert_eq!(
        session.cookies().get(response.url(), "extra"),
        None,
        "a cookie of the request does not stick"
    );
}

#[test]
fn d_10_a_cookie_of_the_request_does_not_follow_to_another_origin() {
    let stage = across(302);
    stage.session().get("http://a.example/").cookie("c", "1").send().unwrap();
    assert_eq!(stage.values("cookie"), ["c=1", "-", "-", "-"]);
}

#[test]
fn c_8_a_cookie_header_set_by_hand_keeps_the_jar_back() {
    let stage = Stage::new();
    stage.host("a.example", |_| answer("200 OK", &["Set-Cookie: jar=1"], ""));
    let session = stage.session();
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").header("Cookie", "by=hand").send().unwrap();
    session.get("http://a.example/").cookies(false).send().unwrap();
    session.get("http://a.example/").cookies(false).cookie("own", "1").send().unwrap();
    assert_eq!(stage.values("cookie"), ["-", "by=hand", "-", "own=1"]);
}

#[test]
fn a_custom_policy_follows_stops_or_fails() {
    let stage = across(302);
    let session = stage.session();
    let same_host = || {
        Redirect::custom(|attempt| {
            if attempt.next().host() == attempt.url().host() { attempt.follow() } else { attempt.stop() }
        })
    };
    assert_eq!(session.get("http://a.example/").redirect(same_host()).send().unwrap().status().as_u16(), 302);
    let response = session.get("http://b.example/1").redirect(same_host()).send().unwrap();
    assert_eq!((response.status().as_u16(), response.history().len()), (302, 1));
    let never = Redirect::custom(|attempt| attempt.error(format!("not after {}", attempt.followed())));
    let error = session.get("http://a.example/").redirect(never).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert!(error.to_string().contains("not after 0"), "{error}");
}

#[test]
fn mb_7_a_long_body_of_a_redirect_is_not_read_to_its_end() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => answer("302 Found", &["Location: /end"], vec![b'x'; 1024 * 1024]),
        _ => Reply::ok("end"),
    });
    let response = stage.session().get("http://a.example/").send().unwrap();
    assert_eq!(response.bytes(), b"end");
    assert_eq!(response.history()[0].bytes(), None, "longer than 64 KiB: none, not a part");
    assert_eq!(stage.world.connections(), 2, "the first connection was closed");
}

#[test]
fn a_body_of_a_redirect_that_does_not_end_is_given_up_after_fifty_milliseconds() {
    let stage = Stage::new();
    let host = stage.world.host("a.example", ["10.0.0.1"]);
    host.accept()
        .expect("GET /")
        .reply("HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 10\r\n\r\nhalf")
        .expect_close();
    host.accept().expect("GET /end").reply(pool::sim::ok("end"));
    let response = stage.session().get("http://a.example/").send().unwrap();
    assert_eq!(response.bytes(), b"end");
    assert_eq!(response.history()[0].bytes(), None);
    assert_eq!(stage.world.elapsed(), Duration::from_millis(50));
}

#[test]
fn a_redirect_whose_body_is_cut_short_is_followed_all_the_same() {
    let stage = Stage::new();
    let host = stage.world.host("a.example", ["10.0.0.1"]);
    host.accept()
        .expect("GET /")
        .reply("HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 10\r\n\r\nhalf")
        .close();
    host.accept().expect("GET /end").reply(pool::sim::ok("end"));
    assert_eq!(stage.session().get("http://a.example/").send().unwrap().bytes(), b"end");
}

#[test]
fn cr_9_nothing_of_the_first_url_goes_to_the_second_host() {
    let stage = across(302);
    stage.session().get("http://us3r:p4ss@a.example/#fr4g").send().unwrap();
    for received in &stage.seen()[1..3] {
        let head = String::from_utf8_lossy(received.head().as_bytes()).into_owned();
        assert!(!head.contains("us3r") && !head.contains("p4ss") && !head.contains("fr4g"), "{head}");
        assert_eq!(value(received, "referer"), "-");
    }
}

#[test]
fn the_request_of_an_answer_is_the_one_that_was_sent() {
    let stage = across(302);
    let response = stage.session().get("http://a.example/").basic("u", "p").send().unwrap();
    let first = response.history()[0].request();
    assert_eq!((first.url().as_str(), first.id()), ("http://a.example/", response.request().id()));
    assert!(first.headers().contains("authorization"));
    assert_eq!(response.request().url().as_str(), "http://a.example/3");
    let _: &Session = &stage.session();
}

#[test]
fn dc_3_the_body_of_a_redirect_is_not_decoded_and_its_bytes_are_bounded() {
    let named = |rest: usize| {
        // A gzip file name that does not end: bytes that decode to nothing.
        let mut body = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255];
        body.resize(body.len() + rest, b'x');
        body
    };
    let stage = Stage::new();
    stage.host("a.example", move |r| match r.target() {
        "/short" => answer("302 Go", &["Location: /end", "Content-Encoding: gzip"], named(10)),
        "/long" => answer("302 Go", &["Location: /end", "Content-Encoding: gzip"], named(5_000_000)),
        "/codings" => answer("302 Go", &["Location: /end", "Content-Encoding: a,a,a,a,a,a"], "raw"),
        _ => Reply::ok("end"),
    });
    let session = stage.session();
    let hop =
        |path: &str| session.get(format!("http://a.example{path}")).send().unwrap().history()[0].clone();
    assert_eq!(hop("/short").bytes(), Some(&named(10)[..]), "as it was sent");
    assert_eq!(hop("/codings").bytes(), Some(&b"raw"[..]));
    let long = hop("/long");
    assert_eq!(long.bytes(), None);
    let received = long.attempts().last().bytes_received;
    assert!(received <= 64 * 1024 + 256 * 1024, "{received} bytes were read");
}

#[test]
fn d_9_after_a_redirect_the_jar_sends_and_a_cookie_header_set_by_hand_is_gone() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => answer("302 Go", &["Location: /2", "Set-Cookie: jar=1"], ""),
        _ => Reply::ok("x"),
    });
    let session = stage.session();
    session.get("http://a.example/").header("Cookie", "by=hand").send().unwrap();
    assert_eq!(stage.values("cookie"), ["by=hand", "jar=1"]);
}

#[test]
fn lg_1_a_redirect_that_a_policy_is_asked_about_shows_no_secret() {
    let stage = Stage::new();
    stage.host("a.example", |_| redirect(302, "http://u:s3cret@a.example/y?token=s3cret"));
    let shown = Arc::new(Mutex::new(String::new()));
    let copy = shown.clone();
    let policy = Redirect::custom(move |attempt| {
        *copy.lock().unwrap() = format!("{attempt:?}");
        attempt.stop()
    });
    stage.session().get("http://a.example/x?key=s3cret").redirect(policy).send().unwrap();
    let shown = shown.lock().unwrap();
    assert!(shown.contains("/y?token=***") && !shown.contains("s3cret"), "{shown}");
}
