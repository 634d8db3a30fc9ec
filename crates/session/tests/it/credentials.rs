//! Whom credentials reach, on every way a request can take.

use crate::paths::{Path, for_each_path};
use crate::support::{answer, redirect, value};
use pool::sim::Reply;
use session::{Basic, Bearer, Error, ErrorKind, Redirect, Request};

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
    let (from, to) = ("https://a.test:4430/", "http://a.test:8080/");
    for_each_path(|trip| {
        trip.asks_in_both_ways();
        let host = trip.stage.host("a.test", move |r| match r.addr().port() {
            4430 => redirect(302, to),
            _ => Reply::ok("end"),
        });
        let only = |only| Redirect::default().https_only(only);
        let mut strict = trip.session();
        strict.settings_mut().set_redirect(only(true));
        // Set for the request or for the session, where a request has a policy of its own too.
        for (session, policy) in [
            (trip.session(), Some(only(true))),
            (strict.clone(), None),
            (strict.clone(), Some(Redirect::limited(3))),
            (strict.clone(), Some(Redirect::custom(|attempt| attempt.follow()))),
        ] {
            let request = session.get(from).basic("u", "p").header("Cookie", "by=hand");
            let request = if let Some(policy) = policy { request.redirect(policy) } else { request };
            let error = trip.send(request).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{:?}: {error}", trip.path);
            assert_eq!(error.response().unwrap().status(), 302);
        }
        // By hand it is refused as well.
        let by_hand = trip.send(strict.get(from).redirect(Redirect::none())).unwrap();
        assert_eq!(by_hand.next().unwrap_err().kind(), ErrorKind::Redirect, "{:?}", trip.path);
        trip.went_only_to(&host, "a.test", 4430);
        assert!(trip.proxy.seen().iter().all(|asked| !asked.target().contains("8080")), "{:?}", trip.path);

        for session in [trip.session(), strict] {
            let request = session.get(from).basic("u", "p").header("Cookie", "by=hand");
            assert_eq!(trip.send(request.redirect(only(false))).unwrap().text(), "end");
            let values = |name| {
                let all = trip.stage.values(name);
                all[all.len() - 2..].to_vec()
            };
            assert_eq!(values("authorization"), ["Basic dTpw", "-"], "{:?}", trip.path);
            assert_eq!(values("cookie"), ["by=hand", "-"], "{:?}", trip.path);
        }
        trip.keeps_from("a.test:8080", &["dTpw", "by=hand", "authorization: basic dtpw", "\r\ncookie"]);
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
        trip.keeps_from("b.test", &["bearer", "\r\nauthorization"]);
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
        let scope = |mut session: session::Session| {
            session.set_auth_for(trip.url("a.test"), Bearer::new("scoped")).unwrap();
            session
        };
        trip.send(scope(session).get(&url)).unwrap();
        let scoped = "Bearer scoped";
        assert_eq!(trip.stage.values("authorization")[4..], [scoped, "-", "-", scoped], "{path:?}");
        // A field of the request is not replaced by the session's when it is gone.
        trip.send(scope(trip.session()).get(&url).header("Authorization", "Bearer t")).unwrap();
        assert_eq!(trip.stage.values("authorization")[8..], ["Bearer t", "-", "-", "-"], "{path:?}");
        trip.keeps_from("b.test", &["bearer", "\r\nauthorization"]);
    });
}

#[test]
fn cr_4_hosts_are_the_same_only_if_they_are_equal() {
    for other in ["www.a.test", "a.test.evil.test", "xa.test", "a.tes", "a.test.", "test"] {
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
            trip.keeps_from(other, &["dTpw", "c=1", "\r\nauthorization", "\r\ncookie"]);
        });
    }
}

#[test]
fn cr_4_other_spellings_of_a_host_are_the_same_host() {
    for (host, other) in [
        ("a.test", "A.TEST"),
        ("a.test", "%61.test"),
        ("xn--bcher-kva.test", "b%C3%BCcher.test"),
        ("[::1]", "[0:0:0:0:0:0:0:1]"),
        ("10.3.0.1", "10.3.1"),
    ] {
        for_each_path(|trip| {
            let path = trip.path;
            let to = path.url(&format!("{other}/end"));
            let addr = if host == "[::1]" { "::1" } else { "10.3.0.1" };
            trip.stage.host_at(host, addr, move |r| match r.target() {
                "/" => redirect(302, &to),
                _ => Reply::ok("end"),
            });
            trip.send(trip.session().get(trip.url(host)).header("Authorization", "t")).unwrap();
            assert_eq!(trip.stage.values("authorization"), ["t", "t"], "{path:?} {other}");
        });
    }
}

#[test]
fn cr_4_an_address_with_a_zone_is_no_host_at_all() {
    for_each_path(|trip| {
        let to = trip.url("[::1%25a.test]/");
        trip.stage.host_at("six.test", "::1", move |_| redirect(302, &to));
        let session = trip.session();
        let error = trip.send(session.get(trip.url("[::1]/")).header("Authorization", "t")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{:?}", trip.path);
        assert_eq!(trip.stage.seen().len(), 1, "{:?}", trip.path);
        assert!(trip.proxy.seen().iter().all(|asked| !asked.target().contains("a.test")), "{:?}", trip.path);
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
        trip.keeps_from("b.test", &["cDpw", "\r\nproxy-authenticate"]);
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
        trip.keeps_from("b.test", &["\r\nauthorization", "\r\ncookie", "a=1", "b=2"]);
    });
}

#[test]
fn cr_8_a_location_makes_no_credential_and_leads_to_http_and_https_only() {
    for_each_path(|trip| {
        let path = trip.path;
        let a = trip.stage.host("a.test", move |r| match r.target() {
            "/imap" => redirect(302, "imap://u@a.test/"),
            "/ftp" => redirect(302, "ftp://u@a.test/"),
            "/port" => redirect(307, &format!("ftp://u:p@a.test:{}/", r.addr().port())),
            "/short" => redirect(302, "//u:p@b.test/"),
            "/near" => redirect(302, &path.url("u:p@a.test/end")),
            "/end" => Reply::ok("end"),
            _ => redirect(302, &path.url("u:p@b.test/")),
        });
        trip.stage.host("b.test", |_| Reply::ok("end"));
        let session = trip.session();
        for place in ["a.test/imap", "a.test/ftp", "a.test/port"] {
            let error = trip.send(session.get(trip.url(place)).bearer("t")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{path:?}");
            assert_eq!(
                error.response().unwrap().status().as_u16(),
                if place == "a.test/port" { 307 } else { 302 }
            );
        }
        assert_eq!(trip.stage.seen().len(), 3);
        trip.went_only_to(&a, "a.test", if trip.path == Path::Connect { 443 } else { 80 });
        for target in ["", "short", "near"] {
            let response = trip.send(session.get(trip.url(&format!("a.test/{target}")))).unwrap();
            assert!(!response.url().as_str().contains('@'), "{path:?}");
        }
        assert_eq!(trip.stage.values("authorization")[3..], ["-"; 6], "{path:?}");
        trip.keeps_from("b.test", &["u:p", "dTpw", "\r\nauthorization"]);
        // Nor does it take those away that are there.
        trip.send(session.get(trip.url("a.test/near")).bearer("t")).unwrap();
        assert_eq!(trip.stage.values("authorization")[9..], ["Bearer t", "Bearer t"], "{path:?}");
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
        // The second is `us3:p4s` in base64, the fourth `u:p`.
        for (url, secrets) in [
            ("us3:p4s@a.test/302/b.test#fr4g", ["us3", "dXMzOnA0cw", "p4s", "fr4g"]),
            ("u:p@a.test/302/b.test/b.test#f", ["u:p", "dTpw", "p@", "#f"]),
        ] {
            trip.send(session.get(trip.url(url))).unwrap();
            trip.keeps_from("b.test", &secrets);
        }
        trip.keeps_from("b.test", &["\r\nreferer", "\r\nauthorization"]);
        trip.keeps_from("a.test", &["\r\nreferer", "@", "#"]);
        // What was set for one request is for that one, and what was taken away is gone.
        let mut session = trip.session();
        let referer = || value(&trip.stage.last(), "referer");
        trip.send(session.get(trip.url("a.test/")).header("Referer", "x")).unwrap();
        assert_eq!(referer(), "x");
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        assert_eq!(referer(), "-", "{path:?}");
        session.headers_mut().insert("Referer", "y").unwrap();
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        assert_eq!(referer(), "y");
        trip.send(session.get(trip.url("a.test/")).without("referer")).unwrap();
        assert_eq!(referer(), "-", "{path:?}");
        session.headers_mut().remove("REFERER");
        trip.send(session.get(trip.url("a.test/302/b.test"))).unwrap();
        trip.keeps_from("b.test", &["\r\nreferer"]);
        assert_eq!(value(&trip.stage.seen()[trip.stage.seen().len() - 2], "referer"), "-", "{path:?}");
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
        trip.keeps_from("b.test", &["dTpw", "wide", "\r\nauthorization"]);
        // Nor are credentials for an origin given to it where it is the target of a redirect from another one.
        trip.send(session.get(trip.url("b.test/302/a.test"))).unwrap();
        assert_eq!(trip.stage.values("authorization")[4..], ["-", "-"], "{path:?}");
    });
}

#[test]
fn cr_11_nothing_of_one_request_enters_the_next_on_the_same_connection() {
    for_each_path(|trip| {
        trip.stage.host("a.test", |_| answer("200 OK", &[], "ok"));
        let session = trip.session();
        let get = |place: &str| session.get(trip.url(place));
        trip.send(get("a.test/")).unwrap();
        let usual = trip.stage.last();
        for request in [
            get("a.test/").basic("u", "p").header("X-Own", "1"),
            get("u:p@a.test/"),
            get("a.test/").header("Authorization", "Bearer t"),
            get("a.test/").auth(key).cookie("own", "1"),
            get("a.test/").header("Host", "b.test").without("Accept"),
        ] {
            trip.send(request).unwrap();
            let special = trip.stage.last();
            assert_ne!(special.head().as_bytes(), usual.head().as_bytes());
            trip.send(get("a.test/")).unwrap();
            let next = trip.stage.last();
            assert_eq!(next.head().as_bytes(), usual.head().as_bytes(), "{:?}", trip.path);
            assert_eq!(
                next.connection() == special.connection(),
                trip.keeps_connections(),
                "{:?}",
                trip.path
            );
        }
        assert_eq!(value(&usual, "authorization"), "-");
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

/// What `auth` takes as a closure: a key in a header of its own.
fn key(request: &mut Request) -> Result<(), Error> {
    request.set_header("X-Api-Key", "k3y")
}
