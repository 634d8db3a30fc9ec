//! Whom credentials reach, on every way a request can take.

use crate::paths::{Path, for_each_path};
use crate::support::{Stage, answer, redirect, value};
use pool::sim::Reply;
use session::{Basic, Bearer, Error, ErrorKind, Hook, Redirect, Request};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Redirects: the path of a URL is `/{status}/{place}/{place}…`, without slashes in the places.
fn follow(path: Path, target: &str) -> Reply {
    let mut parts = target.trim_start_matches('/').split('/');
    match (parts.next().and_then(|status| status.parse().ok()), parts.next()) {
        (Some(status), Some(host)) => {
            let rest: Vec<&str> = parts.collect();
            let then = if rest.is_empty() { String::new() } else { format!("{status}/{}", rest.join("/")) };
            redirect(status, &path.url(&format!("{host}/{then}")))
        }
        _ => Reply::ok("end"),
    }
}

#[test]
fn cr_1_a_downgrade_drops_credentials_and_is_refused_where_https_only_is_set() {
    for_each_path(|trip| {
        // Same name, other scheme and port; on the ways of http it is an upgrade, and the same rule.
        let (from, to) = match trip.path {
            Path::Connect => ("https://a.test:4430/", "http://a.test:8080/"),
            _ => ("http://a.test:8080/", "http://a.test:8081/"),
        };
        trip.stage.host("a.test", move |r| match r.addr().port() {
            4430 => redirect(302, to),
            8080 if from.starts_with("http:") => redirect(302, to),
            _ => Reply::ok("end"),
        });
        // The proxy is for both schemes, so the second hop of CONNECT would be forwarded: it goes through a tunnel too.
        let session = match trip.path {
            Path::Connect => trip.builder().proxies(trip.proxies().direct("http").unwrap()).build().unwrap(),
            _ => trip.session(),
        };
        let request = session.get(from).basic("u", "p").header("Cookie", "by=hand");
        assert_eq!(trip.send(request).unwrap().text(), "end");
        assert_eq!(trip.stage.values("authorization"), ["Basic dTpw", "-"], "{:?}", trip.path);
        assert_eq!(trip.stage.values("cookie"), ["by=hand", "-"], "{:?}", trip.path);
        if trip.path == Path::Connect {
            let only = session.get(from).basic("u", "p").redirect(Redirect::default().https_only(true));
            assert_eq!(trip.send(only).unwrap_err().kind(), ErrorKind::Redirect);
            assert_eq!(trip.stage.seen().iter().filter(|r| r.addr().port() == 8080).count(), 1);
        }
    });
}

#[test]
fn cr_2_an_authorization_set_by_hand_goes_to_no_other_host() {
    for_each_path(|trip| {
        let path = trip.path;
        for host in ["a.test", "b.test"] {
            trip.stage.host(host, move |r| follow(path, r.target()));
        }
        let session = trip.session();
        for (i, status) in STATUSES.into_iter().enumerate() {
            let url = trip.url(&format!("a.test/{status}/b.test"));
            let response = trip.send(session.get(&url).header("Authorization", "Bearer t")).unwrap();
            assert_eq!(response.url().host_str(), Some("b.test"), "{path:?}");
            assert_eq!(trip.stage.values("authorization")[2 * i..], ["Bearer t", "-"], "{path:?} {status}");
        }
    });
}

#[test]
fn cr_3_what_was_dropped_stays_dropped_for_the_chain() {
    for_each_path(|trip| {
        let path = trip.path;
        for host in ["a.test", "b.test"] {
            trip.stage.host(host, move |r| follow(path, r.target()));
        }
        let url = trip.url("a.test/302/b.test/b.test/a.test");
        let session = trip.session();
        trip.send(session.get(&url).header("Authorization", "Bearer t")).unwrap();
        assert_eq!(trip.stage.values("authorization"), ["Bearer t", "-", "-", "-"], "{path:?}");
        assert_eq!(
            trip.stage.lines(),
            [
                "a.test GET /302/b.test/b.test/a.test",
                "b.test GET /302/b.test/a.test",
                "b.test GET /302/a.test",
                "a.test GET /"
            ]
        );
        let mut session = session;
        session.set_auth_for(trip.url("a.test"), Bearer::new("scoped")).unwrap();
        trip.send(session.get(&url)).unwrap();
        let scoped = "Bearer scoped";
        assert_eq!(trip.stage.values("authorization")[4..], [scoped, "-", "-", scoped], "{path:?}");
    });
}

#[test]
fn cr_4_hosts_are_the_same_only_if_they_are_equal() {
    for other in ["www.a.test", "a.test.evil.test", "xa.test"] {
        for_each_path(|trip| {
            let path = trip.path;
            for host in ["a.test", other] {
                trip.stage.host(host, move |r| follow(path, r.target()));
            }
            let session = trip.session();
            let url = trip.url(&format!("a.test/302/{other}"));
            trip.send(session.get(&url).header("Authorization", "t").header("Cookie", "c=1")).unwrap();
            trip.send(session.get(&url).basic("u", "p")).unwrap();
            assert_eq!(trip.stage.values("authorization"), ["t", "-", "Basic dTpw", "-"], "{path:?} {other}");
            assert_eq!(trip.stage.values("cookie"), ["c=1", "-", "-", "-"]);
        });
    }
}

#[test]
fn cr_4_an_address_with_a_zone_is_no_host_at_all() {
    for_each_path(|trip| {
        let to = trip.url("[::1%25.a.test]/");
        trip.stage.host_at("six.test", "::1", move |_| redirect(302, &to));
        let session = trip.session();
        let error = trip.send(session.get(trip.url("[::1]/")).header("Authorization", "t")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{:?}", trip.path);
        assert_eq!(trip.stage.world.host("six.test", []).lookups(), 0);
    });
}

#[test]
fn cr_5_proxy_authorization_set_by_hand_does_not_survive_another_origin() {
    for_each_path(|trip| {
        let path = trip.path;
        for host in ["a.test", "b.test"] {
            trip.stage.host(host, move |r| follow(path, r.target()));
        }
        let request = trip.session().get(trip.url("a.test/302/b.test"));
        let request = request.header("Proxy-Authorization", "Basic cDpw").header("Proxy-Authenticate", "x");
        trip.send(request).unwrap();
        assert_eq!(trip.stage.values("proxy-authorization")[1], "-", "{path:?}");
        assert_eq!(trip.stage.values("proxy-authenticate")[1], "-", "{path:?}");
        // A field that is set by hand and meant for some proxy never goes beside or instead of those of this one.
        for asked in trip.proxy.seen() {
            if let Some(head) = asked.head() {
                let text = String::from_utf8_lossy(head.as_bytes()).to_ascii_lowercase();
                assert_eq!(text.matches("\r\nproxy-authorization: ").count(), 1, "{path:?}");
                assert!(!text.contains(&"cDpw".to_ascii_lowercase()), "{path:?}");
            }
        }
    });
}

#[test]
fn cr_6_every_occurrence_is_dropped() {
    for_each_path(|trip| {
        let path = trip.path;
        for host in ["a.test", "b.test"] {
            trip.stage.host(host, move |r| follow(path, r.target()));
        }
        let mut request = trip.session().get(trip.url("a.test/307/b.test"));
        for (name, value) in
            [("Authorization", "one"), ("authorization", "two"), ("Cookie", "a=1"), ("COOKIE", "b=2")]
        {
            request = request.header(name, value);
        }
        trip.send(request).unwrap();
        assert_eq!(trip.stage.values("authorization"), ["one|two", "-"], "{path:?}");
        assert_eq!(trip.stage.values("cookie"), ["a=1|b=2", "-"], "{path:?}");
    });
}

#[test]
fn cr_8_a_location_makes_no_credential_and_leads_to_http_and_https_only() {
    for_each_path(|trip| {
        let path = trip.path;
        trip.stage.host("a.test", move |r| match r.target() {
            "/imap" => redirect(302, "imap://u@a.test/"),
            "/ftp" => redirect(302, "ftp://u@a.test/"),
            _ => redirect(302, &path.url("u:p@b.test/")),
        });
        trip.stage.host("b.test", |_| Reply::ok("end"));
        let session = trip.session();
        for place in ["a.test/imap", "a.test/ftp"] {
            let error = trip.send(session.get(trip.url(place)).bearer("t")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{path:?}");
        }
        assert_eq!(trip.stage.seen().len(), 2);
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        assert_eq!(trip.stage.values("authorization")[2..], ["-", "-"], "{path:?}");
    });
}

#[test]
fn cr_9_no_referer_is_made_and_nothing_of_the_first_url_goes_along() {
    for_each_path(|trip| {
        let path = trip.path;
        for host in ["a.test", "b.test"] {
            trip.stage.host(host, move |r| follow(path, r.target()));
        }
        let session = trip.session();
        trip.send(session.get(trip.url("us3:p4s@a.test/302/b.test#fr4g"))).unwrap();
        let second = trip.stage.last();
        assert_eq!(value(&second, "referer"), "-");
        let head = String::from_utf8_lossy(second.head().as_bytes()).into_owned();
        for secret in ["us3", "p4s", "fr4g"] {
            assert!(!head.contains(secret), "{path:?}: {head}");
        }
        trip.send(session.get(trip.url("a.test/")).header("Referer", "x")).unwrap();
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        assert_eq!(value(&trip.stage.last(), "referer"), "-", "what was set for one request is for that one");
    });
}

#[test]
fn cr_10_session_credentials_go_to_the_origin_that_was_asked_for() {
    for_each_path(|trip| {
        let path = trip.path;
        for host in ["a.test", "b.test"] {
            trip.stage.host(host, move |r| follow(path, r.target()));
        }
        let mut session = trip.session();
        session.set_auth_for(trip.url("a.test"), Basic::new("u", "p")).unwrap();
        trip.send(session.get(trip.url("b.test/"))).unwrap();
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        let mut wide = trip.session();
        wide.set_auth(Bearer::new("wide"));
        trip.send(wide.get(trip.url("a.test/302/b.test"))).unwrap();
        assert_eq!(trip.stage.values("authorization"), ["-", "Basic dTpw", "Bearer wide", "-"], "{path:?}");
    });
}

#[test]
fn cr_11_nothing_of_one_request_enters_the_next_on_the_same_connection() {
    for_each_path(|trip| {
        trip.stage.host("a.test", |_| answer("200 OK", &[], "ok"));
        let session = trip.session();
        trip.send(session.get(trip.url("a.test/")).basic("u", "p").header("X-Own", "1")).unwrap();
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        assert_eq!(trip.stage.values("authorization"), ["Basic dTpw", "-"], "{:?}", trip.path);
        assert_eq!(trip.stage.values("x-own"), ["1", "-"]);
        let seen = trip.stage.seen();
        let same = seen[0].connection() == seen[1].connection();
        assert_eq!(same, trip.keeps_connections(), "{:?}", trip.path);
    });
}

/// All tests of this file run on every way, and again with every request refused at first; this one meets a host that
/// passes on by itself too.
#[test]
fn px_7_what_was_dropped_stays_dropped_on_every_way_through_redirects_and_retries() {
    for_each_path(|trip| {
        let path = trip.path;
        trip.stage.host("a.test", move |r| follow(path, r.target()));
        let mut tries = 0;
        trip.stage.host("b.test", move |_| {
            tries += 1;
            if tries == 1 { answer("503 Later", &["Retry-After: 1"], "") } else { Reply::ok("end") }
        });
        let request = trip.session().get(trip.url("a.test/302/b.test")).header("Authorization", "Bearer t");
        let response = trip.send(request.retry(session::Retry::idempotent(4))).unwrap();
        assert_eq!(response.text(), "end");
        assert_eq!(trip.stage.values("authorization"), ["Bearer t", "-", "-"], "{path:?}");
    });
}

/// What `set_auth` takes as a closure: a key in a header of its own.
fn key(request: &mut Request) -> Result<(), Error> {
    request.set_header("X-Api-Key", "k3y")
}

/// Signs, in a header of its own.
struct Signs;

impl Hook for Signs {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        request.set_header("X-Signature", "s1gned")
    }
}

#[test]
fn what_credentials_and_hooks_added_to_a_request_does_not_go_along_when_it_is_sent_elsewhere_later() {
    let stage = Stage::new();
    stage.host("a.test", |r| match r.target() {
        "/inside" => redirect(302, "/end"),
        "/out" => redirect(302, "http://b.test/"),
        _ => Reply::ok("end"),
    });
    stage.host("b.test", |_| Reply::ok("end"));
    let session = stage.session();
    let get = |path: &str| session.get(format!("http://a.test{path}")).auth(key).hook(Signs);
    let sent = get("/out").redirect(Redirect::none()).send().unwrap();
    let mine = get("/out").redirect(Redirect::none()).header("X-Mine", "1");
    let next = mine.send().unwrap().next().unwrap().unwrap();
    assert_eq!(next.headers().get("x-mine").unwrap().as_bytes(), b"1");
    let followed = get("/inside").send().unwrap();
    // Sent a second time, it is still known what was added the first time.
    let twice = session.send(followed.request().clone()).unwrap().request().clone();
    let (first, last) = (followed.history()[0].request().clone(), followed.request().clone());
    for mut request in [next, sent.request().clone(), first, last, twice] {
        request.set_header("X-Added", "later").unwrap();
        request.set_url("http://b.test/").unwrap();
        request.settings_mut().hooks_mut().clear();
        session.send(request).unwrap();
        let seen = |name| value(&stage.last(), name);
        assert_eq!((seen("x-api-key"), seen("x-signature")), ("-".into(), "-".into()));
        assert_eq!(seen("x-added"), "later");
    }
    // At home all is as it was.
    session.send(followed.request().clone()).unwrap();
    let seen = |name| value(&stage.last(), name);
    assert_eq!((seen("x-api-key"), seen("x-signature")), ("k3y".into(), "s1gned".into()));
}

#[test]
fn the_request_that_follows_a_redirect_has_nothing_that_credentials_and_hooks_add_to_each_hop() {
    let stage = Stage::new();
    stage.host("a.test", |_| redirect(302, "/end"));
    let request = stage.session().get("http://a.test/").auth(key).hook(Signs).redirect(Redirect::none());
    let next = request.send().unwrap().next().unwrap().unwrap();
    assert!(!next.headers().contains("x-api-key") && !next.headers().contains("x-signature"));
    stage.session().send(next).unwrap();
    assert_eq!(
        (stage.values("x-api-key"), stage.values("x-signature")),
        (vec!["k3y".into(); 2], vec!["s1gned".into(); 2])
    );
}
