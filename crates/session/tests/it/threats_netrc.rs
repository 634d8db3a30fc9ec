//! The known attacks on netrc, on every way a request can take, at the first try and after a retry.

use crate::paths::{Path, Trip, for_each_path};
use crate::support::redirect;
use pool::sim::Reply;
use session::{Netrc, Session};

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
    });
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
    });
}

#[test]
fn nr_5_what_was_said_wins_and_an_empty_entry_is_none_on_every_way() {
    for_each_path(|trip| {
        let netrc = "machine a.test login ua password pa\nmachine h login \"\" password \"\"\n\
                     machine b.test login ub password pb";
        let session = session(trip, netrc);
        trip.send(session.get(trip.url("a.test/")).header("Authorization", "Bearer t")).unwrap();
        trip.send(session.get(trip.url("a.test/to-b")).bearer("t")).unwrap();
        trip.send(session.get(trip.url("h/"))).unwrap();
        assert_eq!(trip.stage.values("authorization"), ["Bearer t", "Bearer t", B, "-"], "{:?}", trip.path);
    });
}
