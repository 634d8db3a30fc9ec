//! What connections over TLS share with one another, and what they never do.

use crate::support::{HANG, builder, only, resumed, reused, trusting};
use session::{ErrorKind, Session, Tls};
use testbed::{Ca, Testbed};

fn get(session: &Session, testbed: &Testbed) -> session::Response {
    session.get(format!("{}/get", testbed.https())).send().unwrap()
}

#[test]
fn the_first_handshake_is_full_and_a_later_one_resumes_it() {
    let ca = Ca::new().unwrap();
    let identities = [ca.issue(&["localhost"]).unwrap(), ca.issue(&["localhost"]).unwrap().tls12_only()];
    for identity in identities {
        let testbed = Testbed::builder().identity(identity).start().unwrap();
        let session = builder().tls(only(ca.pem())).build().unwrap();
        assert!(!resumed(&get(&session, &testbed)));
        for n in 1..4 {
            session.close_idle();
            let again = get(&session, &testbed);
            assert!(resumed(&again) && !reused(&again));
            let stats = testbed.stats();
            assert_eq!((stats.tls_handshakes, stats.tls_resumed), (n + 1, n));
        }
        let kept = get(&session, &testbed);
        assert!(resumed(&kept) && reused(&kept), "a fact of the connection, for every request on it");
    }
}

#[test]
fn clones_share_tickets_and_other_sessions_do_not() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).build().unwrap();
    get(&session, &testbed);
    session.close_idle();
    assert!(resumed(&get(&session.clone(), &testbed)));
    assert!(!resumed(&get(&trusting(&testbed).build().unwrap(), &testbed)));
}

#[test]
fn tickets_belong_to_the_name_and_the_port_they_came_from() {
    let ca = Ca::new().unwrap();
    let testbed = Testbed::builder().ca(ca.clone()).start().unwrap();
    let session = builder().tls(only(ca.pem())).resolver(crate::support::loopback).build().unwrap();
    let port = testbed.tls_addr().port();
    for host in ["a.test", "b.test", "localhost"] {
        let response = session.get(format!("https://{host}:{port}/get")).send().unwrap();
        assert!(!resumed(&response) && !reused(&response), "{host}");
    }
}

#[test]
fn a_connection_that_was_trusted_is_not_shared_with_a_request_that_does_not_trust_it() {
    let testbed = Testbed::start().unwrap();
    let session = builder().build().unwrap();
    let url = format!("{}/get", testbed.https());
    let trusted = || session.get(&url).tls(only(testbed.ca_pem())).send();
    let wary = || session.get(&url).send().unwrap_err();
    // In both orders, with the trusted connection idle beside it.
    assert_eq!(wary().kind(), ErrorKind::Tls);
    assert!(!reused(&trusted().unwrap()));
    assert_eq!(wary().kind(), ErrorKind::Tls);
    assert!(reused(&trusted().unwrap()));
    session.close_idle();
    assert_eq!(wary().kind(), ErrorKind::Tls, "and its ticket is of no use either");
    let stats = testbed.stats();
    assert_eq!((stats.tls_connections, stats.requests), (4, 2), "each refusal on a connection of its own");
}

#[test]
fn different_roots_never_share_a_connection_or_a_ticket_even_if_both_trust() {
    let testbed = Testbed::start().unwrap();
    let other = Ca::new().unwrap();
    let wide = only(testbed.ca_pem()).add_roots_pem(other.pem()).unwrap();
    let same = Tls::without_public_roots()
        .add_roots_pem(other.pem())
        .unwrap()
        .add_roots_pem(testbed.ca_pem())
        .unwrap();
    for order in [[only(testbed.ca_pem()), wide.clone()], [wide.clone(), only(testbed.ca_pem())]] {
        let session = builder().build().unwrap();
        let get =
            |tls: &Tls| session.get(format!("{}/get", testbed.https())).tls(tls.clone()).send().unwrap();
        for tls in &order {
            let response = get(tls);
            assert!(!reused(&response) && !resumed(&response), "{tls:?}");
        }
        for tls in &order {
            assert!(reused(&get(tls)), "each finds its own again");
        }
        assert!(reused(&get(&same)), "equal roots are the same setting, in whatever order they were added");
    }
}

#[test]
fn a_redirect_keeps_the_trust_of_its_request() {
    let (testbed, other) = (Testbed::start().unwrap(), Testbed::start().unwrap());
    let session = trusting(&testbed).build().unwrap();
    let url = format!("{}/redirect-to?url={}/get", testbed.https(), other.https());
    assert_eq!(
        session.get(&url).send().unwrap_err().kind(),
        ErrorKind::Tls,
        "an authority nobody told us of"
    );
    let wide = only(testbed.ca_pem()).add_roots_pem(other.ca_pem()).unwrap();
    let response = session.get(&url).tls(wide).send().unwrap();
    assert_eq!((response.status().as_u16(), response.history().len()), (200, 1));
}

#[test]
fn failed_handshakes_leave_nothing_open() {
    let testbed = Testbed::start().unwrap();
    let session = builder().build().unwrap();
    let results = session.send_all((0..50).map(|_| session.get(format!("{}/get", testbed.https()))));
    assert!(results.into_iter().all(|result| result.unwrap_err().kind() == ErrorKind::Tls));
    assert_eq!(session.pool().counts().open, 0);
    assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some());
    assert_eq!(testbed.stats().tls_connections, 50);
}
