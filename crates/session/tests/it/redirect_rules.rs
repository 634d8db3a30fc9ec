//! Redirects, rule by rule: which are followed, with what, and where they end.

use crate::support::{Stage, answer, redirect, value};
use pool::sim::Reply;
use session::{Body, ErrorKind, Redirect, Session, Timeouts};
use std::io::{Cursor, Seek, SeekFrom, Write};
use std::time::Duration;

/// `a.example/` answers with the redirect, everything else with `end`.
fn leading(to: &'static str, status: u16) -> (Stage, Session) {
    let stage = Stage::new();
    for name in ["a.example", "b.example"] {
        stage.host(name, move |r| match r.target() {
            "/" if value(r, "host") == "a.example" => redirect(status, to),
            _ => Reply::ok("end"),
        });
    }
    let session = stage.session();
    (stage, session)
}

#[test]
fn d_1_five_statuses_are_followed_and_only_with_a_location() {
    for status in 300..=308 {
        let (stage, session) = leading("/end", status);
        let response = session.get("http://a.example/").send().unwrap();
        let followed = [301, 302, 303, 307, 308].contains(&status);
        assert_eq!(response.url().path() == "/end", followed, "{status}");
        assert_eq!(stage.seen().len(), 1 + usize::from(followed));
        let stage = Stage::new();
        stage.host("a.example", move |_| answer(&format!("{status} Go"), &[], ""));
        let response = stage.session().get("http://a.example/").send().unwrap();
        assert_eq!(response.status().as_u16(), status, "without a Location");
    }
}

#[test]
fn d_2_the_whole_matrix_of_methods_and_statuses() {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "MKCOL"];
    for status in [301, 302, 303, 307, 308] {
        for method in methods {
            let expected = match (status, method) {
                (301, "POST") => "GET",
                (302 | 303, "HEAD") => "HEAD",
                (302 | 303, _) => "GET",
                _ => method,
            };
            let (stage, session) = leading("/end", status);
            let request = session.request(method, "http://a.example/").redirect(Redirect::default());
            request.send().unwrap();
            assert_eq!(stage.last().method().as_str(), expected, "{status} {method}");
        }
    }
}

#[test]
fn d_4_a_file_is_sent_again_from_where_it_began_and_a_reader_is_an_error() {
    let mut file = Cursor::new(Vec::new());
    file.write_all(b"skipped, sent").unwrap();
    file.seek(SeekFrom::Start(9)).unwrap();
    for status in [307, 308] {
        let (stage, session) = leading("http://b.example/", status);
        let body = Body::seekable(file.clone()).unwrap();
        session.post("http://a.example/").body(body).send().unwrap();
        let bodies: Vec<Vec<u8>> = stage.seen().iter().map(|r| r.body().to_vec()).collect();
        assert_eq!(bodies, [b"sent", b"sent"], "{status}");

        let (stage, session) = leading("http://b.example/", status);
        let error =
            session.post("http://a.example/").body(Body::once(Cursor::new(b"sent"))).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{error}");
        assert_eq!(error.response().unwrap().status().as_u16(), status);
        assert_eq!(stage.lines(), ["a.example POST /"]);
    }
}

#[test]
fn d_5_the_thirty_first_redirect_is_an_error_that_has_the_thirty_before_it() {
    let stage = Stage::new();
    stage.host("a.example", |r| redirect(302, &format!("{}x", r.target())));
    let error = stage.session().get("http://a.example/").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert!(error.to_string().contains("30"), "{error}");
    assert_eq!(stage.seen().len(), 31);
    assert_eq!(error.response().unwrap().history().len(), 30);
}

#[test]
fn d_6_a_location_may_be_relative_and_is_read_as_utf_8() {
    for (location, url) in [
        ("//b.example/x", "http://b.example/x"),
        ("x", "http://a.example/dir/x"),
        ("../x", "http://a.example/x"),
        ("?q=1", "http://a.example/dir/start?q=1"),
        ("/ü x", "http://a.example/%C3%BC%20x"),
        ("/%c3%bc", "http://a.example/%c3%bc"),
    ] {
        let stage = Stage::new();
        for name in ["a.example", "b.example"] {
            stage.host(name, move |r| match r.target() {
                "/dir/start" => redirect(302, location),
                _ => Reply::ok("end"),
            });
        }
        let response = stage.session().get("http://a.example/dir/start").send().unwrap();
        assert_eq!(response.url().as_str(), url, "{location}");
    }
}

#[test]
fn d_8_the_body_of_a_redirect_is_read_so_that_its_connection_serves_the_next_hop() {
    let (stage, session) = leading("/end", 302);
    let response = session.get("http://a.example/").send().unwrap();
    assert_eq!((response.bytes(), stage.world.connections()), (&b"end"[..], 1));
    assert_eq!(response.history()[0].bytes(), Some(&b"elsewhere"[..]));
}

#[test]
fn d_11_credentials_go_when_scheme_host_or_port_change_in_either_direction() {
    for (from, to) in [
        ("http://a.example/", "https://a.example/x"),
        ("https://a.example/", "http://a.example/x"),
        ("http://a.example/", "http://a.example:8080/x"),
        ("http://a.example:8080/", "http://a.example/x"),
        ("http://a.example/", "http://b.example/x"),
    ] {
        let stage = Stage::new();
        for name in ["a.example", "b.example"] {
            let reply = move |r: &pool::sim::Received| match r.target() {
                "/" => redirect(302, to),
                _ => Reply::ok("end"),
            };
            let host = stage.host(name, reply);
            for port in [443, 8080] {
                host.port(port).accept_all(reply);
            }
        }
        let session = stage.session();
        let response =
            session.get(from).header("Authorization", "Bearer t0ken").basic("u", "p").send().unwrap();
        assert_eq!(response.url().as_str(), to);
        assert!(response.request().headers().get("authorization").is_none(), "{from} to {to}");
        assert!(response.history()[0].request().headers().contains("authorization"));
    }
}

#[test]
fn d_13_named_secrets_and_the_host_field_stay_with_the_first_origin() {
    let (stage, session) = leading("http://b.example/", 302);
    session
        .get("http://a.example/")
        .header("Host", "a.example")
        .header("X-Api-Key", "k")
        .header("Proxy-Authorization", "Basic cDpw")
        .header("X-Plain", "stays")
        .redirect(Redirect::default().secret_headers(["x-api-key"]))
        .send()
        .unwrap();
    let last = stage.last();
    assert_eq!(value(&last, "host"), "b.example");
    assert_eq!((value(&last, "x-api-key"), value(&last, "proxy-authorization")), ("-".into(), "-".into()));
    assert_eq!(value(&last, "x-plain"), "stays");
}

#[test]
fn d_15_the_settings_of_the_request_hold_on_every_hop_and_its_time_limit_over_all() {
    let stage = Stage::new();
    stage.host("a.example", |r| redirect(302, &format!("{}x", r.target())).delay(Duration::from_millis(800)));
    let error = stage.session().get("http://a.example/").timeout(Duration::from_secs(2)).send().unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(stage.world.elapsed(), Duration::from_secs(2));
    assert_eq!(stage.seen().len(), 3);
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => redirect(302, "/end"),
        _ => answer("200 OK", &[], "0123456789"),
    });
    let error = stage.session().get("http://a.example/").max_body(9).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Body);
    // The other limits are those of each hop.
    for (delay, in_time) in [(800, true), (1200, false)] {
        let stage = Stage::new();
        stage.host("a.example", move |r| match r.target() {
            "/xxx" => Reply::ok("end").delay(Duration::from_millis(delay)),
            path => redirect(302, &format!("{path}x")).delay(Duration::from_millis(800)),
        });
        let limits = Timeouts::default().idle(Duration::from_secs(1));
        let result = stage.session().get("http://a.example/").timeouts(limits).send();
        assert_eq!(result.is_ok(), in_time, "{delay}: {result:?}");
        assert_eq!(stage.seen().len(), 4);
    }
}

#[test]
fn d_16_a_redirect_to_what_cannot_be_requested_is_an_error_with_the_answer() {
    for location in ["file:///etc/passwd", "ftp://a.example/", "http://", "http://a b/", "mailto:a@b"] {
        let (stage, session) = leading(location, 302);
        let error = session.get("http://a.example/").send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{location}: {error}");
        assert_eq!(error.response().unwrap().header("location"), Some(location));
        assert_eq!(stage.seen().len(), 1);
    }
}

#[test]
fn d_17_redirects_can_be_taken_step_by_step() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => redirect(302, "/2"),
        "/2" => answer("307 Go", &["Location: http://b.example/3", "Set-Cookie: seen=2"], ""),
        _ => Reply::ok("end"),
    });
    stage.host("b.example", |_| Reply::ok("end"));
    let session = stage.builder().redirect(Redirect::none()).build().unwrap();
    let request = session.post("http://a.example/").header("Authorization", "Bearer t").body("x");
    let mut response = request.send().unwrap();
    let mut steps = Vec::new();
    while let Some(next) = response.next().unwrap() {
        steps.push(format!("{} {}", next.method(), next.url()));
        response = session.send(next).unwrap();
    }
    assert_eq!(steps, ["GET http://a.example/2", "GET http://b.example/3"]);
    assert_eq!(stage.values("authorization"), ["Bearer t", "Bearer t", "-"]);
    assert_eq!((response.bytes(), session.cookies().len()), (&b"end"[..], 1));
}
