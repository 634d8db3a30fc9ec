//! Whom a session trusts over TLS, and what it says when it does not.

use crate::support::{HANG, builder, free_port, json, only, session, text, trusting};
use crate::tls_peer::{Authority, Peer};
use session::pool::{Limit, Phase};
use session::{Error, ErrorKind, Tls};
use std::io::Read as _;
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex};
use testbed::raw::{RawServer, Script};
use testbed::{Ca, Identity, Testbed};

/// A TLS error from the handshake: nothing of the request was sent.
fn assert_refused(error: &Error, words: &str) {
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, Some(Phase::Tls)), "{error}");
    assert!(error.is_connect() && !error.may_have_been_processed());
    assert!(error.to_string().contains(words), "{error}");
}

/// The error of a session that trusts `ca`, from a server with this identity.
fn refused_by(ca: &Ca, identity: Identity, host: &str) -> Error {
    let testbed = Testbed::builder().identity(identity).start().unwrap();
    let session = builder().tls(only(ca.pem())).resolver(crate::support::loopback).build().unwrap();
    let error = session.get(format!("https://{host}:{}/get", testbed.tls_addr().port())).send().unwrap_err();
    assert_eq!(testbed.stats().requests, 0);
    assert_eq!(session.pool().counts().open, 0);
    assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some());
    error
}

#[test]
fn an_authority_that_nobody_told_us_of_is_refused_with_a_hint() {
    let testbed = Testbed::start().unwrap();
    let error = session().get(format!("{}/get", testbed.https())).send().unwrap_err();
    assert_refused(&error, "signed by nobody we trust");
    assert!(error.to_string().contains("add_roots_pem"), "{error}");
    let ca = Ca::new().unwrap();
    assert_refused(
        &refused_by(&Ca::new().unwrap(), ca.issue(&["localhost"]).unwrap(), "localhost"),
        "nobody we trust",
    );
    let own = Identity::self_signed(&["localhost"]).unwrap();
    let error = refused_by(&ca, own, "localhost");
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
}

#[test]
fn the_roots_that_are_set_are_all_there_are() {
    let testbed = Testbed::start().unwrap();
    let url = format!("{}/get", testbed.https());
    let get = |tls| builder().tls(tls).build().unwrap().get(&url).send();
    let (mine, other) = (only(testbed.ca_pem()), only(Ca::new().unwrap().pem()));
    let both = Tls::default().add_roots_pem(testbed.ca_pem()).unwrap();
    assert!(get(mine).unwrap().ok() && get(both).unwrap().ok());
    for tls in [other, Tls::default(), Tls::without_public_roots()] {
        assert_refused(&get(tls).unwrap_err(), "nobody we trust");
    }
    let added = builder().add_roots_pem(testbed.ca_pem()).unwrap().build().unwrap();
    assert!(added.get(&url).send().unwrap().ok());
}

#[test]
fn tl_1_a_certificate_for_another_name_is_refused() {
    let ca = Ca::new().unwrap();
    for (names, host) in [
        (&["other.test"][..], "good.test"),
        (&["good.test"], "sub.good.test"),
        (&["good.test"], "127.0.0.1"),
        (&["127.0.0.2"], "127.0.0.1"),
        (&["localhost"], "127.0.0.1"),
    ] {
        let error = refused_by(&ca, ca.issue(names).unwrap(), host);
        assert_refused(&error, &format!("not for {host}"));
    }
}

#[test]
fn tl_3_a_wildcard_stands_for_one_whole_label_on_the_left() {
    let ca = Ca::new().unwrap();
    let testbed = Testbed::builder().identity(ca.issue(&["*.good.test"]).unwrap()).start().unwrap();
    let session = builder().tls(only(ca.pem())).resolver(crate::support::loopback).build().unwrap();
    let url = |host| format!("https://{host}:{}/get", testbed.tls_addr().port());
    assert!(session.get(url("a.good.test")).send().unwrap().ok());
    for host in ["a.b.good.test", "good.test"] {
        assert_refused(&session.get(url(host)).send().unwrap_err(), "not for");
    }
    for (name, hosts) in [
        ("*", &["test", "good.test"][..]),
        ("*.test", &["good.test", "foo.good.test"]),
        ("f*.good.test", &["foo.good.test"]),
        ("*.*.test", &["foo.good.test"]),
        ("xn--*.test", &["xn--bcher-kva.test"]),
    ] {
        for host in hosts {
            let error = refused_by(&ca, ca.issue(&[name]).unwrap(), host);
            assert_eq!(error.kind(), ErrorKind::Tls, "{name} for {host}: {error}");
        }
    }
}

#[test]
fn tl_2_the_common_name_is_not_a_name() {
    let authority = Authority::new();
    let session = builder().tls(only(&authority.pem())).resolver(crate::support::loopback).build().unwrap();
    for (names, common_name) in
        [(&[][..], "good.test"), (&[], "foo,CN=good.test"), (&["other.test"], "good.test")]
    {
        let peer = Peer::start("127.0.0.1", authority.server(names, common_name), |_| {});
        let error = session.get(peer.url("good.test")).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
        assert!(peer.seen().is_err());
    }
}

#[test]
fn an_expired_certificate_is_refused_as_such() {
    let ca = Ca::new().unwrap();
    let error = refused_by(&ca, ca.issue_expired(&["localhost"]).unwrap(), "localhost");
    assert_refused(&error, "expired");
}

#[test]
fn a_14_names_are_verified_and_announced_without_their_last_dot_and_addresses_not_announced() {
    let authority = Authority::new();
    let names = ["good.test", "127.0.0.1", "::1"];
    let looked_up = Arc::new(Mutex::new(Vec::new()));
    let asked = looked_up.clone();
    let resolver = move |host: &str| {
        asked.lock().unwrap().push(host.to_owned());
        crate::support::loopback(host)
    };
    let session = builder().tls(only(&authority.pem())).resolver(resolver).build().unwrap();
    let sni = |ip: &str, host: &str| {
        let peer = Peer::start(ip, authority.server(&names, "peer"), Peer::answer);
        assert_eq!(text(session.get(peer.url(host)).send()), "over TLS", "{host}");
        session.close_idle();
        peer.seen().unwrap().sni
    };
    assert_eq!(sni("127.0.0.1", "good.test").as_deref(), Some("good.test"));
    assert_eq!(sni("127.0.0.1", "GOOD.test.").as_deref(), Some("good.test"));
    // A name with a dot at its end is looked up as it is: the search list of the system is not for it.
    assert_eq!(*looked_up.lock().unwrap(), ["good.test", "good.test."]);
    assert_eq!(sni("127.0.0.1", "127.0.0.1"), None);
    // Where this machine has IPv6.
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        assert_eq!(sni("::1", "[::1]"), None);
    }
}

#[test]
fn a_name_that_no_certificate_can_have_is_an_error_and_no_panic() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).resolver(crate::support::loopback).build().unwrap();
    let long = format!("{}.test", "a".repeat(64));
    for host in ["exa_mple.test", &long, "-.test", "a..test", "a.test.."] {
        let error = session.get(format!("https://{host}:{}/", testbed.tls_addr().port())).send().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Request), "{host}: {error}");
    }
}

#[test]
fn l_3_tls_1_2_is_spoken_where_a_server_knows_nothing_newer() {
    let ca = Ca::new().unwrap();
    for (identity, version) in
        [(ca.issue(&["localhost"]).unwrap(), "1.3"), (ca.issue(&["localhost"]).unwrap().tls12_only(), "1.2")]
    {
        let testbed = Testbed::builder().identity(identity).start().unwrap();
        let session = builder().tls(only(ca.pem())).build().unwrap();
        let response = session.get(format!("{}/get", testbed.https())).send().unwrap();
        assert_eq!(response.attempts().last().tls.unwrap().version, version);
        assert!(json(&response)["url"].as_str().unwrap().starts_with("https://"));
    }
}

#[test]
fn l_3_nothing_older_than_tls_1_2_is_offered() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let hello = std::thread::scope(|scope| {
        let hello = scope.spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut head = [0; 5];
            socket.read_exact(&mut head).unwrap();
            let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            socket.read_exact(&mut hello).unwrap();
            hello
        });
        let error = builder().build().unwrap().get(&url).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
        hello.join().unwrap()
    });
    // RFC 8446 4.2.1: supported_versions, five octets, a list of four of them: 1.3 and 1.2.
    let offered = [0, 43, 0, 5, 4, 3, 4, 3, 3];
    assert!(hello.windows(offered.len()).any(|window| window == offered), "{hello:02x?}");
}

#[test]
fn a_plain_server_on_a_tls_port_is_an_error_that_guesses_so() {
    let testbed = Testbed::start().unwrap();
    let error = session().get(format!("https://{}/get", testbed.addr())).send().unwrap_err();
    assert_refused(&error, "plain HTTP on a TLS port?");
    assert_eq!(testbed.stats().requests, 0);
}

#[test]
fn a_server_that_hangs_up_resets_or_refuses_in_the_handshake_is_a_tls_error() {
    // A fatal alert, handshake_failure, as RFC 8446 §6 writes it.
    let alert = [21, 3, 3, 0, 2, 2, 40];
    for (script, words) in [
        (Script::new().expect_body(1).close(), "closed the connection during the TLS handshake"),
        (Script::new().expect_body(1).reset(), "during the TLS handshake"),
        (Script::new().expect_body(5).send(alert).wait_for_close(), "HandshakeFailure"),
    ] {
        let server = RawServer::start([script]).unwrap();
        let session = session();
        let error = session.get(format!("https://{}/", server.addr())).send().unwrap_err();
        assert_refused(&error, words);
        assert_eq!(session.pool().counts().open, 0);
    }
}

#[test]
fn a_refused_port_is_a_connect_error_and_no_tls_error() {
    let error = session().get(format!("https://127.0.0.1:{}/", free_port())).send().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Connect, Some(Phase::Connect)), "{error}");
}

#[test]
fn a_silent_server_after_the_handshake_is_waited_for_as_any_other() {
    let ca = Ca::new().unwrap();
    let script = Script::new().expect_head().wait_for_close();
    let server = RawServer::start_tls([script], &ca.issue(&["localhost"]).unwrap()).unwrap();
    let timeout = std::time::Duration::from_millis(300);
    let session = builder().tls(only(ca.pem())).build().unwrap();
    let error = session.get(server.url()).timeout(timeout).send().unwrap_err();
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::Timeout(Limit::Total), Some(Phase::Head)),
        "{error}"
    );
    assert!(server.wait_until_ended(1, HANG));
    assert_eq!(server.faults(), [""; 0], "closed with a goodbye");
}
