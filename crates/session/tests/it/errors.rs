//! What goes wrong is typed, says what was tried and what to do, and shows no secret.

use crate::support::{Stage, answer, redirect};
use pool::Config;
use pool::sim::Reply;
use session::{Basic, Error, ErrorKind, Limit, Phase, Session, Timeouts};
use std::error::Error as _;
use std::io;
use std::time::Duration;

fn fails(stage: &Stage) -> Error {
    stage.session().get("http://a.example/x").send().unwrap_err()
}

#[test]
fn a_refused_port_says_so_and_asks_whether_the_server_runs() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("")).refuse();
    let error = fails(&stage);
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.is_connect() && !error.is_timeout() && !error.may_have_been_processed());
    let text = error.to_string();
    assert!(text.starts_with("GET http://a.example/x: "), "{text}");
    assert!(text.contains("refused") && text.contains("is the server running"), "{text}");
    assert_eq!(error.attempts().next().unwrap().failed.len(), 1);
    assert!(error.source().is_some());
}

#[test]
fn an_unknown_host_says_so() {
    let stage = Stage::new();
    let error = fails(&stage);
    assert_eq!(error.kind(), ErrorKind::Resolve);
    assert!(error.is_connect());
    assert!(error.to_string().contains("check the name"), "{error}");
    assert_eq!(error.phase(), Some(Phase::Resolve));
}

#[test]
fn a_timeout_says_what_was_awaited_and_which_limit_it_was() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::silence());
    let session = stage.session();
    let error = session.get("http://a.example/slow").timeout(Duration::from_secs(2)).send().unwrap_err();
    let text = error.to_string();
    let expected =
        "GET http://a.example/slow: timed out while waiting for the response head (2 s total limit)";
    assert!(text.starts_with(expected) && text.contains("timeout(..)"), "{text}");
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout(Limit::Total), Some(Phase::Head)));
    assert!(error.is_timeout() && !error.is_connect() && error.may_have_been_processed());
    assert_eq!(stage.world.elapsed(), Duration::from_secs(2));
    let limits = Timeouts::default().idle(Duration::from_millis(1500));
    let error = session.get("http://a.example/slow").timeouts(limits).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Idle));
    assert!(error.to_string().contains("(1.5 s idle limit)"), "{error}");
}

#[test]
fn time_limits_of_the_session_hold_and_those_of_the_request_go_over_them() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::silence());
    let session = stage
        .builder()
        .timeouts(Timeouts::default().idle(Duration::from_secs(5)))
        .timeout(Duration::from_secs(7))
        .build()
        .unwrap();
    let kind = |request: session::RequestBuilder| request.send().unwrap_err().kind();
    assert_eq!(kind(session.get("http://a.example/")), ErrorKind::Timeout(Limit::Idle));
    let limit = Duration::from_secs(2);
    assert_eq!(kind(session.get("http://a.example/").timeout(limit)), ErrorKind::Timeout(Limit::Total));
    assert_eq!(stage.world.elapsed(), Duration::from_secs(7), "5 s and 2 s");
}

#[test]
fn a_connect_timeout_is_a_failure_to_connect() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("")).blackhole();
    let error = fails(&stage);
    assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Connect));
    assert!(error.is_timeout() && error.is_connect() && !error.may_have_been_processed());
}

#[test]
fn a_closed_connection_says_whether_the_server_may_have_acted() {
    let stage = Stage::new();
    let host = stage.world.host("a.example", ["10.0.0.1"]);
    host.accept().expect("GET").close();
    let error = fails(&stage);
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(error.may_have_been_processed());
}

#[test]
fn a_server_that_speaks_something_else_is_a_protocol_error() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::raw("SSH-2.0-x\r\n"));
    assert_eq!(fails(&stage).kind(), ErrorKind::Protocol);
}

#[test]
fn a_url_without_a_scheme_gets_a_suggestion() {
    let session = Session::new();
    let error = session.get("example.com/a").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert_eq!(
        error.to_string(),
        "GET: the URL \"example.com/a\" has no scheme: perhaps https://example.com/a is meant"
    );
}

#[test]
fn an_error_fits_into_io_and_comes_out_again() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::silence());
    let error: io::Error = fails(&stage).into();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(error.downcast::<Error>().unwrap().is_timeout());
}

#[test]
fn lg_1_no_secret_is_shown_by_anything() {
    const SECRETS: [&str; 7] = ["s3cretA", "s3cretB", "s3cretC", "s3cretD", "s3cretE", "s3cretF", "s3cretG"];
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        t if t.starts_with("/silent") => Reply::silence(),
        t if t.starts_with("/go") => {
            answer("302 Go", &["Location: http://s3cretA:s3cretB@a.example/?k=s3cretC#s3cretD"], "")
        }
        _ => answer("404 No", &["Set-Cookie: c=s3cretE"], ""),
    });
    let mut session =
        stage.builder().header("X-Api-Key", "s3cretF").query([("k", "s3cretG")]).build().unwrap();
    session.set_auth(Basic::new("s3cretA", "s3cretB"));
    let mut shown = vec![format!("{session:?}")];
    for path in ["/", "/go", "/silent"] {
        let url = format!("http://s3cretA:s3cretB@a.example{path}?q=s3cretC#s3cretD");
        let builder =
            session.get(&url).bearer("s3cretE").cookie("own", "s3cretF").timeout(Duration::from_secs(1));
        shown.push(format!("{builder:?}"));
        let request = builder.build().unwrap();
        shown.push(format!("{request:?} {:?} {:?}", request.settings(), request.body()));
        match session.send(request).and_then(session::Response::error_for_status) {
            Ok(response) => shown.push(format!("{response:?}")),
            Err(error) => {
                shown.push(format!("{error} {error:?}"));
                shown.push(format!("{:?} {:?}", error.response(), error.request()));
                shown.push(format!("{:?}", error.response().map(|r| r.history().to_vec())));
                let mut source = error.source();
                while let Some(cause) = source {
                    shown.push(format!("{cause} {cause:?}"));
                    source = cause.source();
                }
            }
        }
    }
    shown.push(format!("{:?}", session.cookies()));
    for text in shown {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn the_limits_of_the_pool_hold_where_the_session_sets_none() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::silence());
    let limits = Timeouts::default().idle(Duration::from_secs(2));
    let session = stage.with(Config::default().timeouts(limits)).build().unwrap();
    let error = session.get("http://a.example/").send().unwrap_err();
    assert!(error.to_string().contains("2s") && error.to_string().contains("timeouts(..)"), "{error}");
    let error = session.get("http://a.example/").timeout(Duration::from_secs(100)).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Idle));
    assert_eq!(stage.world.elapsed(), Duration::from_secs(4), "twice the two seconds");
}

#[test]
fn a_total_limit_of_the_pool_bounds_the_call_and_not_each_hop() {
    let stage = Stage::new();
    stage.host("a.example", |_| redirect(302, "/again").delay(Duration::from_millis(800)));
    let limits = Timeouts::default().total(Duration::from_secs(2));
    let session = stage.with(Config::default().timeouts(limits)).build().unwrap();
    let error = session.get("http://a.example/").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Total));
    assert!(error.to_string().contains("(2 s total limit)"), "{error}");
    assert_eq!(stage.world.elapsed(), Duration::from_secs(2));
    let mut request = session.get("http://a.example/").build().unwrap();
    request.settings_mut().set_total(None);
    assert_eq!(session.send(request).unwrap_err().kind(), ErrorKind::Redirect, "30 hops without a limit");
}

#[test]
fn limits_that_name_no_total_leave_the_one_of_the_session_in_force() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::silence());
    let session = stage.builder().timeout(Duration::from_secs(3)).build().unwrap();
    let limits = Timeouts::default().connect(Duration::from_secs(1));
    let error = session.get("http://a.example/").timeouts(limits).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Total));
    let error =
        session.get("http://a.example/").timeouts(limits.total(Duration::from_secs(1))).send().unwrap_err();
    assert!(error.to_string().contains("(1 s total limit)"), "{error}");
    assert_eq!(stage.world.elapsed(), Duration::from_secs(4));
}

#[test]
fn a_default_limit_is_told_with_its_number() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::silence());
    assert!(fails(&stage).to_string().contains("60s"), "{}", fails(&stage));
}

#[test]
fn lg_1_a_password_in_a_text_that_is_no_url_is_not_shown_whatever_is_in_it() {
    let session = Session::builder().build().unwrap();
    for text in [
        "https://user:s3/cret@host/",
        "https://user:s3#cret@host/",
        "https://user:s3?cret@host/",
        "https://user:s3\\cret@host/",
        "https://user:s3cret@",
        "https://user:s3 cret@host:99999/",
        "user:s3/cret@host/x",
        "https//user:s3cret@host/",
        "https:user:s3cret@ho st/",
        "s3cret:@host",
    ] {
        let error = session.get(text).send().unwrap_err();
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("s3") && !shown.contains("cret"), "{text}: {shown}");
        }
    }
}

#[test]
fn lg_1_an_error_about_json_shows_a_few_bytes_around_the_place_and_nothing_else_of_the_body() {
    let stage = Stage::new();
    stage.host("a.example", |r| {
        let secret = "s3cret \\\" ".repeat(200);
        let far = " ".repeat(100);
        Reply::ok(&match r.target() {
            "/text" => {
                format!("{{\"b\": \"{secret}\", \"a\": {far}\"{secret}{far}\", {far}\"c\": \"{secret}\"}}")
            }
            "/number" => format!("{{\"b\": \"{secret}\", \"a\": {far}-7, {far}\"c\": \"{secret}\"}}"),
            _ => format!("{{{far}\"{secret}{far}\":{far}1}}"),
        })
    });
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Answer {
        #[expect(dead_code, reason = "it is never there")]
        #[serde(default)]
        b: String,
        #[expect(dead_code, reason = "it is never there")]
        a: u32,
    }
    let session = stage.session();
    for (path, words) in [("text", "invalid type: string"), ("number", "invalid "), ("name", "unknown field")]
    {
        let response = session.get(format!("http://a.example/{path}")).send().unwrap();
        let error = response.json::<Answer>().unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        assert!(error.to_string().contains(words), "{error}");
        for shown in [error.to_string(), format!("{error:?}"), source.to_string(), format!("{source:?}")] {
            assert!(shown.contains(words) && shown.len() < 1024, "{shown}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
