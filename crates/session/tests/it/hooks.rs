//! Hooks: what they see, and what they can change.

use crate::support::{Stage, answer, redirect};
use pool::sim::Reply;
use session::{Error, ErrorKind, Head, Hook, Request, Response, http};
use std::io::Read;
use std::sync::{Arc, Mutex};

/// Writes down what it sees.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Hook for Log {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        let has = |name: &'static str| if request.headers().contains(name) { name } else { "-" };
        self.add(format!("before {} {} {}", request.target(), has("cookie"), has("authorization")));
        Ok(())
    }

    fn after(&self, request: &Request, outcome: Result<&Head, &Error>) -> Option<Response> {
        let outcome = outcome
            .map_or_else(|error| format!("{:?}", error.kind()), |head| head.status().as_u16().to_string());
        self.add(format!("after {} {outcome}", request.target()));
        None
    }

    fn finish(&self, response: Response) -> Result<Response, Error> {
        self.add(format!("finish {}", response.url().path()));
        Ok(response)
    }
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => answer("302 Go", &["Location: /end", "Set-Cookie: c=1"], ""),
        "/away" => redirect(302, "http://b.example/"),
        _ => Reply::ok("end"),
    });
    stage
}

#[test]
fn hk_2_hooks_run_on_every_hop_and_see_what_is_sent() {
    let (stage, log) = (stage(), Log::default());
    let session = stage.builder().hook(log.clone()).build().unwrap();
    session.get("http://a.example/").basic("u", "p").send().unwrap();
    assert_eq!(
        log.take(),
        [
            "before / - authorization",
            "after / 302",
            "before /end cookie authorization",
            "after /end 200",
            "finish /end"
        ]
    );
    session.get("http://a.example/away").send().unwrap_err();
    assert_eq!(log.take(), ["before /away cookie -", "after /away 302", "before / - -", "after / Resolve"]);
}

#[test]
fn m_7_hooks_of_a_request_replace_those_of_the_session() {
    let (stage, of_session, of_request) = (stage(), Log::default(), Log::default());
    let session = stage.builder().hook(of_session.clone()).build().unwrap();
    session.get("http://a.example/x").hook(of_request.clone()).send().unwrap();
    assert_eq!((of_session.take().len(), of_request.take().len()), (0, 3));
    session.get("http://a.example/x").send().unwrap();
    assert_eq!((of_session.take().len(), of_request.take().len()), (3, 0));
}

struct Rewrite;

impl Hook for Rewrite {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        if request.target() == "/forbidden" {
            return Err(Error::other("not there"));
        }
        let target = request.target().to_owned();
        request.set_header("X-Signed", target)?;
        if request.target() == "/elsewhere" {
            request.set_url("http://b.example/new")?;
        }
        Ok(())
    }
}

#[test]
fn what_a_hook_changes_holds_for_one_hop() {
    let stage = stage();
    stage.host("b.example", |_| redirect(302, "http://a.example/end"));
    let session = stage.builder().hook(Rewrite).build().unwrap();
    let response = session.get("http://a.example/elsewhere").basic("u", "p").send().unwrap();
    assert_eq!(stage.lines(), ["b.example GET /new", "a.example GET /end"]);
    assert_eq!(stage.values("x-signed"), ["/elsewhere", "/end"]);
    assert_eq!(
        stage.values("authorization"),
        ["-", "Basic dTpw"],
        "credentials do not go where a hook points"
    );
    assert_eq!(response.history()[0].url().as_str(), "http://b.example/new");
}

#[test]
fn an_error_of_a_hook_ends_the_call_before_anything_is_sent() {
    let stage = stage();
    let session = stage.builder().hook(Rewrite).build().unwrap();
    let error = session.get("http://a.example/forbidden").send().unwrap_err();
    assert_eq!(error.to_string(), "GET http://a.example/forbidden: not there");
    assert_eq!((error.kind(), error.may_have_been_processed()), (ErrorKind::Request, false));
    assert!(stage.seen().is_empty());
}

/// Gives an answer of its own for everything that is not 200.
struct Replace;

impl Hook for Replace {
    fn after(&self, request: &Request, outcome: Result<&Head, &Error>) -> Option<Response> {
        if outcome.is_ok_and(|head| head.status().as_u16() == 200) {
            return None;
        }
        let own = http::Response::builder().status(418).header("x-own", "1").body("own").unwrap();
        Some(Response::from_http(request, own).unwrap())
    }
}

#[test]
fn hk_1_an_answer_of_a_hook_takes_the_place_of_the_outcome() {
    let stage = stage();
    let session = stage.builder().hook(Replace).build().unwrap();
    for url in ["http://a.example/", "http://nowhere.example/"] {
        let response = session.get(url).send().unwrap();
        assert_eq!((response.status().as_u16(), response.bytes()), (418, &b"own"[..]));
        let mut stream = session.get(url).stream().unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(
            (stream.status().as_u16(), text.as_str(), stream.header("x-own")),
            (418, "own", Some("1"))
        );
    }
    assert_eq!(session.get("http://a.example/x").send().unwrap().bytes(), b"end");
    assert_eq!(session.pool().counts().open, session.pool().counts().idle, "nothing is left under way");
}

#[test]
fn hk_1_hooks_are_called_in_order_and_each_sees_what_those_before_it_gave() {
    let (stage, log) = (stage(), Log::default());
    let with = |status: u16, wanted: u16| {
        move |request: &Request, outcome: Result<&Head, &Error>| {
            let seen = outcome.map_or(0, |head| head.status().as_u16());
            let own = http::Response::builder()
                .status(status)
                .header("Location", "/end")
                .body(format!("for {seen}"));
            (seen == wanted).then(|| Response::from_http(request, own.unwrap()).unwrap())
        }
    };
    // The second is not asked for, the fourth gives way to nobody, and none of the answers given is a redirect to follow.
    let session =
        stage.builder().hook(log.clone()).hook(with(302, 500)).hook(with(303, 200)).hook(log.clone());
    let session = session.hook(with(307, 303)).hook(log.clone()).build().unwrap();
    let response = session.get("http://a.example/end").send().unwrap();
    assert_eq!((response.status().as_u16(), response.text().as_ref()), (307, "for 303"));
    let after: Vec<String> = log.take().into_iter().filter(|line| line.starts_with("after")).collect();
    assert_eq!(after, ["after /end 200", "after /end 303", "after /end 307"]);
    assert_eq!(stage.lines(), ["a.example GET /end"]);
    let response = session.get("http://nowhere.example/end").hook(with(299, 0)).hook(with(298, 299)).send();
    assert_eq!(response.unwrap().text(), "for 299", "a failure too");
}

#[test]
fn hk_2_hooks_know_how_long_it_took_and_are_there_before_cookies_are_stored() {
    let stage = Stage::new();
    let second = std::time::Duration::from_secs(1);
    stage.host("a.example", move |r| match r.target() {
        "/" => answer("302 Go", &["Location: /end", "Set-Cookie: c=1"], "").delay(2 * second),
        _ => answer("200 OK", &["Set-Cookie: d=1"], "").delay(second),
    });
    let session = stage.session();
    let (jar, seen) = (session.clone(), Log::default());
    let log = seen.clone();
    let hook = move |_: &Request, outcome: Result<&Head, &Error>| {
        log.add(format!("{} s, {} cookies", outcome.unwrap().elapsed().as_secs(), jar.cookies().len()));
        None
    };
    let response = session.get("http://a.example/").hook(hook.clone()).send().unwrap();
    assert_eq!(seen.take(), ["2 s, 0 cookies", "1 s, 1 cookies"]);
    assert_eq!(
        (response.head().elapsed(), response.history()[0].head().elapsed()),
        (response.elapsed(), 2 * second)
    );
    session.cookies().clear();
    let stream = session.get("http://a.example/").hook(hook).stream().unwrap();
    assert_eq!(seen.take(), ["2 s, 0 cookies", "1 s, 1 cookies"]);
    assert_eq!((stream.elapsed(), session.cookies().len()), (second, 2));
    let plain = session.get("http://a.example/").stream().unwrap();
    assert_eq!((plain.elapsed(), plain.into_response().unwrap().elapsed()), (second, second));
}

/// Asks the same session while it is being called.
struct Nested(Mutex<Option<session::Session>>);

impl Hook for Nested {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        let session = self.0.lock().unwrap().take();
        if let Some(session) = session {
            let token = session.get("http://a.example/token").send()?.text().into_owned();
            request.set_header("X-Token", token)?;
        }
        Ok(())
    }
}

#[test]
fn a_hook_may_use_the_session_that_calls_it() {
    let stage = stage();
    let session = stage.session();
    session.get("http://a.example/x").hook(Nested(Mutex::new(Some(session.clone())))).send().unwrap();
    assert_eq!(stage.lines(), ["a.example GET /token", "a.example GET /x"]);
    assert_eq!(stage.values("x-token"), ["-", "end"]);
}

/// Answers one challenge with a token.
struct Token;

impl session::Auth for Token {
    fn authorize(&self, request: &mut Request) -> Result<(), Error> {
        request.set_header("Authorization", "Token t")
    }

    fn challenge(&self, _: &Request, head: &Head) -> bool {
        head.status().as_u16() == 401
    }
}

#[test]
fn hk_3_cookies_of_a_challenge_that_was_answered_are_kept() {
    let stage = Stage::new();
    let turn = std::sync::atomic::AtomicUsize::new(0);
    stage.host("a.example", move |_| match turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => answer("401 No", &["Set-Cookie: nonce=1"], ""),
        _ => Reply::ok("in"),
    });
    let session = stage.session();
    let response = session.get("http://a.example/").auth(Token).send().unwrap();
    assert_eq!((response.status().as_u16(), response.history().len()), (200, 1));
    assert_eq!(session.cookies().get(response.url(), "nonce").as_deref(), Some("1"));
    assert_eq!(stage.values("cookie"), ["-", "nonce=1"]);
}

#[test]
fn hk_4_a_hook_can_be_taken_away_again() {
    let (stage, log) = (stage(), Log::default());
    let mut session = stage.builder().hook(log.clone()).build().unwrap();
    assert_eq!(session.settings_mut().hooks_mut().len(), 1);
    assert!(session.settings_mut().hooks_mut().pop().is_some());
    assert!(session.settings_mut().hooks_mut().pop().is_none());
    session.get("http://a.example/").send().unwrap();
    assert!(log.take().is_empty());
}

#[test]
fn a_closure_is_a_hook_that_sees_every_hop() {
    let (stage, log) = (stage(), Log::default());
    let seen = log.clone();
    let hook = move |request: &Request, outcome: Result<&Head, &Error>| {
        seen.add(format!("{} {}", request.target(), outcome.map_or(0, |head| head.status().as_u16())));
        None
    };
    stage.builder().hook(hook).build().unwrap().get("http://a.example/").send().unwrap();
    assert_eq!(log.take(), ["/ 302", "/end 200"]);

    let instead = |request: &Request, _: Result<&Head, &Error>| {
        Response::from_http(request, http::Response::new("mine")).ok()
    };
    let response = stage.session().get("http://a.example/").hook(instead).send().unwrap();
    assert_eq!(response.text(), "mine");
}

#[test]
fn a_hook_behind_a_pointer_is_one_and_shows_what_it_has_seen() {
    let (stage, log) = (stage(), Arc::new(Log::default()));
    let session = stage.builder().hook(log.clone()).build().unwrap();
    session.get("http://a.example/x").send().unwrap();
    session.get("http://a.example/x").hook(log.clone() as Arc<dyn Hook>).send().unwrap();
    assert_eq!(log.take().len(), 3 + 3, "before, after and finish of each");
}
