//! The known attacks on netrc, on every way a request can take, at the first try and after a retry.

use crate::paths::{Path, Trip, for_each_path};
use crate::support::{redirect, value};
use pool::sim::Reply;
use session::{Netrc, Redirect, Session};

/// `/to-b` of `a.test` leads to `b.test`, which leads back from `/to-a`.
fn session(trip: &Trip, netrc: &str) -> Session {
    let path = trip.path;
    for host in ["a.test", "b.test", "h"] {
        trip.stage.host(host, move |r| match r.target() {
            "/to-b" => redirect(302, &path.url("b.test/")),
            "/to-a" => redirect(302, &path.url("a.test/")),
            _ => Reply::ok("end"),
        });
    }
    let mut session = trip.session();
    session.settings_mut().set_netrc(Netrc::parse(netrc).unwrap());
    session
}

const A: &str = "Basic dWE6cGE=";
const B: &str = "Basic dWI6cGI=";

#[test]
fn nr_1_no_entry_or_hop_inherits_a_field_on_any_way() {
    for_each_path(|trip| {
        let netrc = "machine a.test login u password s3cret\nmachine b.test login only\ndefault";
        let session = session(trip, netrc);
        trip.send(session.get(trip.url("a.test/to-b"))).unwrap();
        // `only:`, with no password; of the first entry neither name nor password.
        assert_eq!(
            trip.stage.values("authorization"),
            ["Basic dTpzM2NyZXQ=", "Basic b25seTo="],
            "{:?}",
            trip.path
        );
        trip.keeps_from("b.test", &["s3cret", "dTpzM2NyZXQ", "u:"]);
    });
}

#[test]
fn nr_1_an_entry_is_for_the_origin_that_the_call_met_first() {
    for (from, to) in [
        ("https://a.test:4430", "http://a.test:8080"),
        ("http://a.test:8080", "https://a.test:4430"),
        ("http://a.test:8080", "http://a.test:8081"),
        ("https://a.test:4430", "http://a.test.:8080"),
    ] {
        for_each_path(|trip| {
            trip.asks_in_both_ways();
            for host in ["a.test", "a.test.", "b.test"] {
                trip.stage.host(host, move |r| match r.target() {
                    "/" => redirect(302, &format!("{to}/1")),
                    "/by-b" => redirect(302, "http://b.test:8082/to-a"),
                    "/to-a" => redirect(302, &format!("{to}/1")),
                    "/1" => redirect(302, &format!("{from}/2")),
                    _ => Reply::ok("end"),
                });
            }
            let mut session = trip.session();
            session.settings_mut().set_netrc(Netrc::parse("default login ua password pa").unwrap());
            trip.send(session.get(format!("{from}/"))).unwrap();
            assert_eq!(trip.stage.values("authorization"), [A, "-", A], "{:?} {from} {to}", trip.path);
            let mut by_hand = trip.send(session.get(format!("{from}/")).redirect(Redirect::none())).unwrap();
            while let Some(next) = by_hand.next().unwrap() {
                by_hand = session.send(next).unwrap();
            }
            assert_eq!(trip.stage.values("authorization")[3..], [A, "-", A], "{:?} {from} {to}", trip.path);
            let mut session = trip.session();
            session.settings_mut().set_netrc(Netrc::parse("default login ua password pa").unwrap());
            trip.send(session.get(format!("{from}/by-b"))).unwrap();
            assert_eq!(
                trip.stage.values("authorization")[6..],
                [A, A, "-", A],
                "{:?} {from} {to}",
                trip.path
            );
            // A call of its own is asked for by the program.
            trip.send(session.get(format!("{to}/end"))).unwrap();
            assert_eq!(trip.stage.values("authorization")[10..], [A], "{:?} {from} {to}", trip.path);
        });
    }
}

#[test]
fn nr_2_credentials_are_those_of_each_request_on_one_connection_too() {
    for_each_path(|trip| {
        let session = session(trip, "machine a.test login ua password pa");
        trip.send(session.get(trip.url("a.test/to-b"))).unwrap();
        trip.send(session.get(trip.url("a.test/")).netrc(None)).unwrap();
        trip.send(session.get(trip.url("b.test/to-a"))).unwrap();
        assert_eq!(trip.stage.values("authorization"), [A, "-", "-", "-", A], "{:?}", trip.path);
        if trip.path == Path::Forward && trip.keeps_connections() {
            let asked = trip.proxy.seen();
            assert!(asked.iter().all(|one| one.connection() == asked[0].connection()), "{asked:?}");
        }
    });
}

#[test]
fn nr_3_a_user_in_the_url_is_given_no_password_of_another_on_any_way() {
    for_each_path(|trip| {
        let session = session(trip, "machine h login bob password B");
        trip.send(session.get(trip.url("alice@h/"))).unwrap();
        trip.send(session.get(trip.url("bob@h/"))).unwrap();
        assert_eq!(trip.stage.values("authorization"), ["-", "Basic Ym9iOkI="], "{:?}", trip.path);
        for user in ["Bob", "bo", "bobb", "%20bob", "alice:"] {
            trip.send(session.get(trip.url(&format!("{user}@h/")))).unwrap();
        }
        assert_eq!(trip.stage.values("authorization")[2..6], ["-"; 4], "{:?}", trip.path);
        assert_eq!(
            trip.stage.values("authorization")[6],
            "Basic YWxpY2U6",
            "the password of the URL is empty"
        );
    });
}

#[test]
fn nr_3_the_user_counts_wherever_a_url_names_it() {
    for_each_path(|trip| {
        let path = trip.path;
        trip.stage.host("a.test", move |r| redirect(302, &path.url(&format!("{}@h/", &r.target()[1..]))));
        trip.stage.host("h", move |r| match r.target() {
            "/near" => redirect(302, "/end"),
            "/away" => redirect(302, &path.url("b.test/back")),
            _ => Reply::ok("end"),
        });
        trip.stage.host("b.test", move |_| redirect(302, &path.url("h/end")));
        let with_netrc = || {
            let mut session = trip.session();
            session.settings_mut().set_netrc(Netrc::parse("machine h login bob password B").unwrap());
            session
        };
        // By a redirect, by a hop to the same host, and by one that comes back to it.
        let session = with_netrc();
        for place in ["a.test/alice", "a.test/u:p", "alice@h/near", "alice@h/away"] {
            trip.send(session.get(trip.url(place))).unwrap();
        }
        // Where the program changes the URL of a request, or takes a redirect by hand.
        let session = with_netrc();
        let mut request = session.get(trip.url("h/")).build().unwrap();
        request.set_url(trip.url("alice@h/x")).unwrap();
        session.send(request).unwrap();
        let first = session.get(trip.url("a.test/alice")).redirect(Redirect::none()).send().unwrap();
        session.send(first.next().unwrap().unwrap()).unwrap();
        assert!(trip.stage.values("authorization").iter().all(|value| value == "-"), "{path:?}");
        trip.keeps_from("h", &["Ym9iOkI", "\r\nauthorization"]);
        // Of the user that is named the entry is taken.
        trip.send(session.get(trip.url("a.test/bob"))).unwrap();
        assert_eq!(trip.stage.values("authorization").pop().unwrap(), "Basic Ym9iOkI=", "{path:?}");
    });
}

#[test]
fn nr_4_an_entry_brings_no_dropped_credential_back_on_any_way() {
    for_each_path(|trip| {
        let session = session(trip, "default login d password d");
        trip.send(session.get(trip.url("a.test/to-b")).bearer("t0ken")).unwrap();
        trip.send(session.get(trip.url("a.test/to-b")).header("Authorization", "Bearer t0ken")).unwrap();
        let own = "Basic ZDpk";
        let expected = ["Bearer t0ken", own, "Bearer t0ken", own];
        assert_eq!(trip.stage.values("authorization"), expected, "{:?}", trip.path);
        trip.keeps_from("b.test", &["bearer", "t0ken"]);
    });
}

#[test]
fn nr_5_what_was_said_wins_and_an_empty_entry_is_none_on_every_way() {
    for_each_path(|trip| {
        let netrc = "machine a.test login ua password pa\nmachine h login \"\" password \"\"\n\
                     machine b.test login ub password pb\nmachine only.test\ndefault";
        let session = session(trip, netrc);
        trip.stage.host("only.test", |_| Reply::ok("end"));
        trip.stage.host("other.test", |_| Reply::ok("end"));
        trip.send(session.get(trip.url("a.test/")).header("Authorization", "Bearer t")).unwrap();
        trip.send(session.get(trip.url("a.test/to-b")).bearer("t")).unwrap();
        trip.send(session.get(trip.url("h/"))).unwrap();
        assert_eq!(trip.stage.values("authorization"), ["Bearer t", "Bearer t", B, "-"], "{:?}", trip.path);
        for (place, name) in [("only.test/", "authorization"), ("other.test/", "Authorization")] {
            trip.send(session.get(trip.url(place))).unwrap();
            assert_eq!(value(&trip.stage.last(), name), "-", "{:?} {place}", trip.path);
        }
        trip.send(session.get(trip.url("a.test/")).header("AUTHORIZATION", "")).unwrap();
        assert_eq!(value(&trip.stage.last(), "authorization"), "", "{:?}: an empty one too", trip.path);
        trip.keeps_from("a.test", &["dWE6cGE"]);
        trip.keeps_from("h", &["\r\nauthorization"]);
    });
}
