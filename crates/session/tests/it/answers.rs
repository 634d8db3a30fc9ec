//! What an answer knows of itself, of the way to it, and of what would come next.

use crate::support::{Stage, answer, redirect, value};
use pool::sim::Reply;
use session::{ErrorKind, Redirect, Request, http};
use std::time::Duration;

#[test]
fn o_1_an_answer_has_status_headers_url_history_reason_cookies_time_and_request() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => answer("302 Found", &["Location: /there#f", "Set-Cookie: first=1"], ""),
        _ => answer("203 So it is", &["X-A: 1", "Set-Cookie: c=2"], "body").delay(Duration::from_secs(1)),
    });
    let response = stage.session().post("http://a.example/").header("X-B", "2").send().unwrap();
    assert_eq!((response.status().as_u16(), response.reason().as_ref()), (203, "So it is"));
    assert_eq!((response.header("x-a"), response.url().as_str()), (Some("1"), "http://a.example/there#f"));
    let cookies: Vec<String> = response.cookies().iter().map(|c| c.stripped().to_string()).collect();
    assert_eq!(cookies, ["c=2"], "only those of this answer");
    assert!(response.elapsed() >= Duration::from_secs(1));
    let request = response.request();
    assert_eq!((request.method().as_str(), request.url().path()), ("GET", "/there"));
    assert_eq!((request.header("X-b"), request.header("x-c")), (Some("2"), None));
    let [hop] = response.history() else { panic!("one hop") };
    assert_eq!(
        (hop.status().as_u16(), hop.url().path(), hop.request().method().as_str()),
        (302, "/", "POST")
    );
    assert!(hop.elapsed() < Duration::from_secs(1) && hop.attempts().last().head.is_some());
    let cookies: Vec<String> = hop.cookies().iter().map(|c| c.stripped().to_string()).collect();
    assert_eq!(cookies, ["first=1"]);
}

#[test]
fn o_3_a_redirect_is_one_of_five_statuses_with_a_location_and_permanent_ones_are_two_of_them() {
    for status in (300..310_u16).chain([200, 400, 500]) {
        for location in [true, false] {
            let stage = Stage::new();
            let head = format!("{status} X");
            stage.host("a.example", move |_| {
                answer(&head, if location { &["Location: /x"] } else { &[] }, "")
            });
            let get = stage.session().get("http://a.example/").redirect(Redirect::none());
            let response = get.send().unwrap();
            let is = (response.is_redirect(), response.is_permanent_redirect());
            let expected = (
                location && matches!(status, 301 | 302 | 303 | 307 | 308),
                location && matches!(status, 301 | 308),
            );
            assert_eq!(is, expected, "{status}");
        }
    }
}

/// A session's answer that redirects with this status and these headers.
fn stopped(
    stage: &Stage,
    build: impl FnOnce(session::Session) -> session::RequestBuilder,
) -> session::Response {
    build(stage.session()).redirect(Redirect::none()).send().unwrap()
}

#[test]
fn o_14_next_is_the_request_that_would_follow_where_redirects_were_not_followed() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/see" => redirect(303, "/other?q"),
        "/keep" => redirect(307, "http://b.example/"),
        "/bad" => redirect(302, "ftp://x/"),
        _ => Reply::ok("there"),
    });
    stage.host("b.example", |_| Reply::ok("elsewhere"));
    let session = stage.session();
    let post = |path: &str| {
        let path = path.to_owned();
        stopped(&stage, move |s| {
            s.post(format!("http://a.example{path}")).basic("u", "p").cookie("c", "1").json(&[1])
        })
    };
    let next: Request = post("/see").next().unwrap().unwrap();
    assert_eq!(
        (next.method().as_str(), next.url().as_str(), next.body().len()),
        ("GET", "http://a.example/other?q", Some(0))
    );
    assert!(!next.headers().contains("content-type"));
    assert_eq!(session.send(next).unwrap().text(), "there");
    assert_eq!(value(&stage.last(), "authorization"), "Basic dTpw");
    let next = post("/keep").next().unwrap().unwrap();
    assert_eq!(session.send(next).unwrap().text(), "elsewhere");
    let last = stage.last();
    assert_eq!((last.method().as_str(), last.body()), ("POST", &b"[1]"[..]));
    assert_eq!((value(&last, "authorization"), value(&last, "cookie")), ("-".into(), "-".into()));
    assert_eq!(post("/bad").next().unwrap_err().kind(), ErrorKind::Redirect);
    assert!(post("/").next().unwrap().is_none());
    let followed = session.get("http://a.example/see").send().unwrap();
    assert!(followed.next().unwrap().is_none() && followed.history().len() == 1);
}

#[test]
fn o_15_history_is_oldest_first_and_does_not_hold_the_answer_itself() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/1" => redirect(301, "/2"),
        "/2" => redirect(302, "/3"),
        _ => Reply::ok("end"),
    });
    let response = stage.session().get("http://a.example/1").send().unwrap();
    let paths: Vec<&str> = response.history().iter().map(|hop| hop.url().path()).collect();
    assert_eq!((paths, response.url().path()), (vec!["/1", "/2"], "/3"));
    assert_eq!(response.history()[0].bytes(), Some(&b"elsewhere"[..]));
}

#[test]
fn o_16_a_stream_gives_its_connection_back_when_it_goes_out_of_scope_and_an_answer_can_be_kept() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("small"));
    let session = stage.session();
    let get = || session.get("http://a.example/");
    {
        let _stream = get().stream().unwrap();
    }
    assert_eq!((session.pool().counts().open, session.pool().counts().idle), (1, 1));
    // A pickled answer is one whose body was read: ours are nothing else, and the parts can be stored anywhere.
    let response = get().send().unwrap();
    let kept: http::Response<Vec<u8>> = response.clone().try_into().unwrap();
    let again = session::Response::from_http(response.request(), kept).unwrap();
    assert_eq!(
        (again.status(), again.bytes(), again.header("content-length")),
        (response.status(), response.bytes(), Some("5"))
    );
    assert_eq!(stage.world.connections(), 1);
}
