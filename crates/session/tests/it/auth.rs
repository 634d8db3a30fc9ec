//! Credentials: which go where.

use crate::support::{Stage, answer};
use pool::sim::Reply;
use session::{Auth, AuthContext, Basic, Bearer, Error, ErrorKind, Head, Hook, Redirect, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn stage() -> Stage {
    let stage = Stage::new();
    for host in ["a.example", "b.example"] {
        stage.host(host, |_| Reply::ok(""));
    }
    stage
}

#[test]
fn t_3_the_nearest_credentials_count() {
    let stage = stage();
    let mut session = stage.session();
    session.headers_mut().insert("Authorization", "session header").unwrap();
    session.get("http://a.example/").send().unwrap();
    session.set_auth(Bearer::new("session"));
    session.get("http://a.example/").send().unwrap();
    session.get("http://url:x@a.example/").send().unwrap();
    session.get("http://url:x@a.example/").header("Authorization", "request header").send().unwrap();
    let request = session.get("http://url:x@a.example/").header("Authorization", "request header");
    request.bearer("request").send().unwrap();
    session.get("http://a.example/").without("Authorization").send().unwrap();
    assert_eq!(
        stage.values("authorization"),
        ["session header", "Bearer session", "Basic dXJsOng=", "request header", "Bearer request", "-"]
    );
}

#[test]
fn t_6_userinfo_is_a_credential_only_with_a_colon_and_is_never_shown() {
    let stage = stage();
    let session = stage.session();
    for (url, expected) in [
        ("http://user@a.example/", "-"),
        ("http://user:@a.example/", "Basic dXNlcjo="),
        ("http://:@a.example/", "-"),
        ("http://:p@a.example/", "Basic OnA="),
        // Text is sent in the charset of Basic elsewhere; octets that are no text, and what that cannot say, as they are.
        ("http://us%C3%A9r:p%40ss@a.example/", "Basic dXPpcjpwQHNz"),
        ("http://us\u{e9}r:p%40ss@a.example/", "Basic dXPpcjpwQHNz"),
        ("http://us%E9r:p@a.example/", "Basic dXPpcjpw"),
        ("http://us%C3%A9r:%E2%82%AC@a.example/", "Basic dXPDqXI64oKs"),
    ] {
        let response = session.get(url).send().unwrap();
        assert_eq!(stage.values("authorization").pop().unwrap(), expected, "{url}");
        assert_eq!(response.url().as_str(), "http://a.example/");
        assert_eq!(response.request().url().as_str(), "http://a.example/");
    }
}

#[test]
fn cr_10_credentials_for_an_origin_go_to_no_other() {
    let stage = stage();
    let mut session = stage.session();
    session.set_auth_for("http://a.example", Basic::new("u", "p")).unwrap();
    session.get("http://a.example/").send().unwrap();
    session.get("http://b.example/").send().unwrap();
    session.set_auth(Bearer::new("all"));
    session.get("http://a.example/").send().unwrap();
    session.get("http://b.example/").send().unwrap();
    assert_eq!(stage.values("authorization"), ["Basic dTpw", "-", "Basic dTpw", "Bearer all"]);
}

#[test]
fn cr_10_credentials_of_a_session_do_not_follow_a_redirect_elsewhere() {
    let stage = stage();
    stage.host("a.example", |_| crate::support::redirect(302, "http://b.example/"));
    let mut session = stage.session();
    session.set_auth(Bearer::new("all"));
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").stream().unwrap();
    assert_eq!(stage.lines()[..2], ["a.example GET /", "b.example GET /"]);
    assert_eq!(stage.values("authorization"), ["Bearer all", "-", "Bearer all", "-"]);
}

#[test]
fn t_2_credentials_replace_a_header_of_the_same_request() {
    let stage = stage();
    let session = stage.session();
    session.get("http://a.example/").header("Authorization", "header").basic("é", "p").send().unwrap();
    assert_eq!(stage.values("authorization"), ["Basic 6Tpw"]);
}

#[test]
fn with_a_base_session_credentials_stay_at_its_origin() {
    let stage = stage();
    let session =
        stage.builder().base("http://a.example/v2/").unwrap().auth(Bearer::new("t")).build().unwrap();
    session.get("x").send().unwrap();
    session.get("http://b.example/").send().unwrap();
    session.get("http://b.example/").bearer("own").send().unwrap();
    assert_eq!(stage.values("authorization"), ["Bearer t", "-", "Bearer own"]);
}

#[test]
fn cr_11_credentials_of_a_request_do_not_stick_to_the_connection() {
    let stage = stage();
    let session = stage.session();
    session.get("http://a.example/").basic("u", "p").send().unwrap();
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("authorization"), ["Basic dTpw", "-"]);
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn credentials_that_cannot_be_written_are_an_error_that_does_not_show_them() {
    let stage = stage();
    let session = stage.session();
    for request in [
        session.get("http://a.example/").bearer("s3cret\r\n"),
        session.get("http://a.example/").basic("a:b", "s3cret"),
    ] {
        let error = request.send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    assert!(stage.seen().is_empty());
}

/// Answers a challenge with a number that grows.
struct Counting {
    asked: AtomicUsize,
    stubborn: bool,
}

impl Auth for Counting {
    fn authorize(&self, request: &mut Request) -> Result<(), Error> {
        let n = self.asked.load(Ordering::Relaxed);
        if n > 0 {
            request.set_header("Authorization", format!("N {n}"))?;
        }
        Ok(())
    }

    fn challenge(&self, _: &Request, head: &Head) -> bool {
        let again =
            head.status().as_u16() == 401 && (self.stubborn || self.asked.load(Ordering::Relaxed) == 0);
        if again {
            self.asked.fetch_add(1, Ordering::Relaxed);
        }
        again
    }
}

#[test]
fn t_8_a_challenge_is_answered_on_the_same_connection_and_stays_in_the_history() {
    let stage = Stage::new();
    stage.host("a.example", |r| match crate::support::value(r, "authorization").as_str() {
        "N 1" => Reply::ok("in"),
        _ => answer("401 No", &["Set-Cookie: n=1"], "who are you"),
    });
    let auth = Counting { asked: AtomicUsize::new(0), stubborn: false };
    let response = stage.session().post("http://a.example/").body("x").auth(auth).send().unwrap();
    assert_eq!(response.bytes(), b"in");
    assert_eq!(response.history()[0].status().as_u16(), 401);
    assert_eq!(response.history()[0].bytes(), Some(&b"who are you"[..]));
    assert_eq!(stage.values("cookie"), ["-", "n=1"]);
    assert_eq!(stage.seen()[1].body(), b"x");
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn a_challenge_is_answered_at_most_twice_and_only_at_the_origin_of_the_credentials() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => answer("401 No", &[], ""),
        _ => crate::support::redirect(302, "http://b.example/"),
    });
    stage.host("b.example", |_| answer("401 No", &[], ""));
    let session = stage.session();
    let stubborn = || Counting { asked: AtomicUsize::new(0), stubborn: true };
    assert_eq!(session.get("http://a.example/").auth(stubborn()).send().unwrap().status().as_u16(), 401);
    assert_eq!(stage.values("authorization"), ["-", "N 1", "N 2"]);
    assert_eq!(session.get("http://a.example/b").auth(stubborn()).send().unwrap().status().as_u16(), 401);
    assert_eq!(stage.lines()[3..], ["a.example GET /b", "b.example GET /"]);
}

/// A credential in a field of its own.
fn key(request: &mut Request) -> Result<(), Error> {
    request.set_header("X-Api-Key", "s3cret")
}

#[test]
fn t_1_a_function_is_auth_too_and_the_length_is_that_of_the_body_it_leaves() {
    let stage = stage();
    let sign = |request: &mut Request| {
        request.set_body("signed body");
        request.set_header("X-Signature", "s")
    };
    stage.session().post("http://a.example/").body("body").auth(sign).send().unwrap();
    stage.session().get("http://a.example/").auth(key).send().unwrap();
    stage.session().get("http://a.example/").basic("u", None).send().unwrap();
    assert_eq!(stage.values("x-signature"), ["s", "-", "-"]);
    assert_eq!(stage.values("x-api-key"), ["-", "s3cret", "-"]);
    assert_eq!(stage.values("authorization"), ["-", "-", "Basic dTo="]);
    assert_eq!(stage.values("content-length"), ["11", "-", "-"]);
    assert_eq!(stage.seen()[0].body(), b"signed body");
}

#[test]
fn cr_10_a_url_that_is_changed_takes_no_credentials_along() {
    let stage = stage();
    stage.host("b.example", |_| crate::support::redirect(302, "http://a.example/"));
    let mut session = stage.session();
    session.set_auth_for("http://a.example", Basic::new("scoped", "s3cret")).unwrap();
    for text in ["http://a.example/", "http://u:p@a.example/"] {
        let mut request = session.get(text).header("X-Key", "k").build().unwrap();
        request.settings_mut().set_redirect(Redirect::default().secret_headers(["x-key"]));
        request.set_url("http://b.example/").unwrap();
        assert!(!request.headers().contains("x-key"), "headers the policy calls secret go as well");
        session.send(request).unwrap();
    }
    assert_eq!(stage.lines(), ["b.example GET /", "a.example GET /", "b.example GET /", "a.example GET /"]);
    assert_eq!(
        stage.values("authorization"),
        ["-", "Basic c2NvcGVkOnMzY3JldA==", "-", "Basic dTpw"],
        "they come back where they belong"
    );
}

/// Sends everything somewhere else.
struct Move(&'static str);

impl Hook for Move {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        request.set_url(self.0)
    }
}

#[test]
fn cr_10_a_hook_that_goes_elsewhere_takes_no_credentials_along_in_whatever_field() {
    let stage = stage();
    stage.host("b.example", |_| Reply::ok("b"));
    let session = stage.session();
    session.get("http://a.example/").auth(key).hook(Move("http://b.example/x")).send().unwrap();
    session.get("http://a.example/").auth(key).hook(Move("/x")).send().unwrap();
    assert_eq!(stage.lines(), ["b.example GET /x", "a.example GET /x"]);
    assert_eq!(stage.values("x-api-key"), ["-", "s3cret"]);
}

/// Sends a count of what it was asked for.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Auth for Counted {
    fn authorize(&self, request: &mut Request) -> Result<(), Error> {
        let asked = self.0.fetch_add(1, Ordering::Relaxed);
        request.set_header("Authorization", format!("Counted {asked}"))
    }

    fn challenge_with(&self, _: &Request, head: &Head, cx: &AuthContext<'_>) -> bool {
        head.status() == 401 && cx.answers().is_none()
    }
}

#[test]
fn t_1_credentials_may_stand_behind_a_pointer_and_do_there_what_they_do_without() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.head().headers().get("authorization") {
        Some(value) if value == "Counted 1" => Reply::ok(""),
        _ => answer("401 No", &["WWW-Authenticate: Counted"], ""),
    });
    let (mut session, shared) = (stage.session(), Arc::new(Counted::default()));
    session.set_auth(shared.clone());
    assert_eq!(session.get("http://a.example/").send().unwrap().status(), 200);
    assert_eq!(shared.0.load(Ordering::Relaxed), 2);
    for basic in [true, false] {
        let auth: Box<dyn Auth> =
            if basic { Box::new(Basic::new("u", "p")) } else { Box::<Counted>::default() };
        let response = session.get("http://a.example/").auth(auth).send().unwrap();
        assert_eq!(response.status(), if basic { 401 } else { 200 });
    }
    assert_eq!(
        stage.values("authorization"),
        ["Counted 0", "Counted 1", "Basic dTpw", "Counted 0", "Counted 1"]
    );
}
