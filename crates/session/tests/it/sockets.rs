//! A few things over real sockets, against the testbed.

use session::{ErrorKind, Session};
use testbed::Testbed;

/// A session whose URLs are those of the testbed.
fn session(testbed: &Testbed) -> Session {
    let base = format!("{}/", testbed.http());
    Session::builder().ignore_environment().base(base).unwrap().build().unwrap()
}

#[test]
fn a_refused_port_and_an_unsigned_certificate_over_real_sockets() {
    let testbed = Testbed::start().unwrap();
    let session = Session::builder().ignore_environment().build().unwrap();
    let error = session.get(format!("{}/get", testbed.https())).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert!(error.to_string().contains("add_roots_pem"), "{error}");
    let trusting =
        Session::builder().ignore_environment().add_roots_pem(testbed.ca_pem()).unwrap().build().unwrap();
    assert!(trusting.get(format!("{}/get", testbed.https())).send().unwrap().is_success());
    let address = testbed.http();
    drop(testbed);
    let error = session.get(address).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
}

#[test]
fn gzip_and_deflate_answers_are_decoded() {
    let testbed = Testbed::start().unwrap();
    let session = Session::builder().ignore_environment().build().unwrap();
    for (path, field) in [("gzip", "gzipped"), ("deflate", "deflated")] {
        let value: serde_json::Value =
            session.get(format!("{}/{path}", testbed.http())).send().unwrap().json().unwrap();
        assert_eq!(value[field], true, "{value}");
    }
}

#[test]
fn cookies_set_by_a_redirect_are_sent_to_where_it_leads() {
    let testbed = Testbed::start().unwrap();
    let session = session(&testbed);
    let response = session.get("cookies/set/sessioncookie/123456789").send().unwrap();
    let value: serde_json::Value = response.json().unwrap();
    assert_eq!(value["cookies"]["sessioncookie"], "123456789");
    assert_eq!(testbed.stats().plain_connections, 1);
}

#[test]
fn threads_share_a_session() {
    let testbed = Testbed::start().unwrap();
    let session = session(&testbed);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let session = &session;
            scope.spawn(move || {
                for n in 0..50 {
                    let response = session.get(format!("anything/{thread}-{n}")).send().unwrap();
                    assert!(response.text().contains(&format!("/anything/{thread}-{n}")));
                }
            });
        }
    });
    let counts = session.pool().counts();
    assert_eq!(counts.open, counts.idle);
}
