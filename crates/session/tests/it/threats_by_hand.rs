//! Whom credentials reach where a program follows redirects itself, or has many requests sent at once: on every way, at
//! the first try and after a retry.

use crate::paths::{Trip, for_each_path};
use crate::support::{answer, redirect};
use pool::sim::Reply;
use session::{Basic, Bearer, Error, Netrc, Redirect, RequestBuilder, Response, Session};

/// `/b/…` leads to `b.test` and `/a/…` to `a.test`, each with the rest of the path.
fn hosts(trip: &Trip) {
    let path = trip.path;
    for host in ["a.test", "b.test"] {
        trip.stage.host(host, move |r| match r.target().split_at_checked(2) {
            Some(("/b", rest)) => redirect(307, &path.url(&format!("b.test{rest}"))),
            Some(("/a", rest)) => redirect(307, &path.url(&format!("a.test{rest}"))),
            _ => Reply::ok("end"),
        });
    }
}

/// Sends, and follows with what `next` says.
fn by_hand(trip: &Trip, session: &Session, request: RequestBuilder) -> Result<Response, Error> {
    let mut response = trip.send(request.redirect(Redirect::none()))?;
    while let Some(next) = response.next()? {
        response = if trip.streamed { session.stream(next)?.into_response()? } else { session.send(next)? };
    }
    Ok(response)
}

#[test]
fn cr_3_what_was_dropped_stays_dropped_where_redirects_are_followed_by_hand() {
    for_each_path(|trip| {
        hosts(trip);
        let session = trip.session();
        let request = session.get(trip.url("a.test/b/b/a/"));
        let request = request
            .header("Authorization", "Bearer t")
            .header("authorization", "Bearer u")
            .header("Cookie", "by=hand")
            .header("Proxy-Authorization", "Basic cDpw");
        assert_eq!(by_hand(trip, &session, request).unwrap().text(), "end");
        let expected = ["Bearer t|Bearer u", "-", "-", "-"];
        assert_eq!(trip.stage.values("authorization"), expected, "{:?}", trip.path);
        assert_eq!(trip.stage.values("cookie"), ["by=hand", "-", "-", "-"], "{:?}", trip.path);
        assert_eq!(trip.stage.values("proxy-authorization")[1..], ["-"; 3], "{:?}", trip.path);
    });
}

#[test]
fn cr_10_credentials_of_a_session_are_for_what_was_asked_for_where_redirects_are_followed_by_hand() {
    for_each_path(|trip| {
        hosts(trip);
        let mut session = trip.session();
        session.set_auth(Bearer::new("wide"));
        by_hand(trip, &session, session.get(trip.url("a.test/b/"))).unwrap();
        assert_eq!(trip.stage.values("authorization"), ["Bearer wide", "-"], "{:?}", trip.path);
        let mut session = trip.session();
        session.set_auth_for(trip.url("a.test"), Basic::new("u", "p")).unwrap();
        by_hand(trip, &session, session.get(trip.url("a.test/b/a/"))).unwrap();
        let expected = ["Basic dTpw", "-", "Basic dTpw"];
        assert_eq!(trip.stage.values("authorization")[2..], expected, "{:?}", trip.path);
    });
}

#[test]
fn cr_9_userinfo_of_the_first_url_goes_nowhere_else_where_redirects_are_followed_by_hand() {
    for_each_path(|trip| {
        hosts(trip);
        let session = trip.session();
        by_hand(trip, &session, session.get(trip.url("us3:p4s@a.test/b/b/#fr4g"))).unwrap();
        assert_eq!(trip.stage.values("authorization")[1..], ["-", "-"], "{:?}", trip.path);
        for received in &trip.stage.seen()[1..] {
            let head = String::from_utf8_lossy(received.head().as_bytes()).into_owned();
            for secret in ["us3", "p4s", "fr4g", "dXMzOnA0cw"] {
                assert!(!head.contains(secret), "{:?}: {head}", trip.path);
            }
        }
    });
}

#[test]
fn nr_1_each_host_has_its_own_entry_where_redirects_are_followed_by_hand() {
    for_each_path(|trip| {
        hosts(trip);
        let mut session = trip.session();
        session.settings_mut().set_netrc(Netrc::parse("machine a.test login ua password pa").unwrap());
        by_hand(trip, &session, session.get(trip.url("a.test/b/a/"))).unwrap();
        let a = "Basic dWE6cGE=";
        assert_eq!(trip.stage.values("authorization"), [a, "-", a], "{:?}", trip.path);
    });
}

#[test]
fn ck_11_a_cookie_of_a_request_goes_to_no_other_origin_where_redirects_are_followed_by_hand() {
    for_each_path(|trip| {
        hosts(trip);
        let session = trip.session();
        by_hand(trip, &session, session.get(trip.url("a.test/b/a/")).cookie("own", "1")).unwrap();
        assert_eq!(trip.stage.values("cookie"), ["own=1", "-", "-"], "{:?}", trip.path);
        assert!(session.cookies().is_empty());
    });
}

#[test]
fn cr_2_and_ck_11_each_of_many_keeps_what_is_its_own() {
    for_each_path(|trip| {
        let path = trip.path;
        trip.stage.host("a.test", move |r| {
            answer("302 Go", &[&format!("Location: {}", path.url(&format!("b.test{}", r.target())))], "")
        });
        trip.stage.host("b.test", |_| Reply::ok("end"));
        let session = trip.session();
        let request = |n: usize| {
            let request = session.get(trip.url(&format!("a.test/{n}")));
            if n.is_multiple_of(2) {
                request.bearer(n.to_string())
            } else {
                request.cookie("c", n.to_string())
            }
        };
        for result in session.send_all((0..5).map(request)) {
            assert_eq!(result.unwrap().text(), "end");
        }
        let own = |name: &str| {
            let mut lines: Vec<_> = trip.stage.lines().into_iter().zip(trip.stage.values(name)).collect();
            lines.retain(|(_, value)| value != "-");
            lines.sort();
            lines.into_iter().map(|(line, value)| format!("{line}: {value}")).collect::<Vec<_>>()
        };
        let bearers = ["a.test GET /0: Bearer 0", "a.test GET /2: Bearer 2", "a.test GET /4: Bearer 4"];
        assert_eq!(own("authorization"), bearers, "{:?}", trip.path);
        assert_eq!(own("cookie"), ["a.test GET /1: c=1", "a.test GET /3: c=3"], "{:?}", trip.path);
    });
}
