//! What credentials and hooks add to a request is for the hop that they add it to.

use crate::support::{Stage, redirect, value};
use pool::sim::Reply;
use session::{Error, Hook, Redirect, Request};
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Sends the first hop elsewhere.
#[derive(Default)]
struct MoveFirst(AtomicUsize);

impl Hook for MoveFirst {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        if self.0.fetch_add(1, Ordering::Relaxed) > 0 { Ok(()) } else { request.set_url("http://b.test/") }
    }
}

#[test]
fn cr_3_a_host_that_a_hook_asked_instead_leads_to_the_origin_without_what_was_dropped() {
    let stage = Stage::new();
    stage.host("a.test", |_| Reply::ok("end"));
    stage.host("b.test", |_| redirect(302, "http://a.test/end"));
    let request = stage.session().get("http://a.test/").header("Authorization", "Bearer t").cookie("c", "1");
    request.sensitive_header("X-Key", "k").hook(MoveFirst::default()).send().unwrap();
    assert_eq!(stage.lines(), ["b.test GET /", "a.test GET /end"]);
    for field in ["authorization", "x-key", "cookie"] {
        assert_eq!(stage.values(field), ["-", "-"], "{field}");
    }
}
