//! Sessions whose servers are closures.

use crate::support::Stage;
use serde_json::json;
use session::{Basic, ErrorKind, Limit, Mock, Reply, Retry, Session};
use std::time::{Duration, SystemTime};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn any_host_answers_over_http_and_https_by_name_and_by_address() {
    let mock = Mock::new(|request| Reply::text(format!("{}:{}", request.host(), request.port())));
    let session = mock.session();
    for (url, text) in [
        ("http://a.example/", "a.example:80"),
        ("https://b.example/", "b.example:443"),
        ("https://c.example:8443/", "c.example:8443"),
        ("http://127.0.0.1:81/", "127.0.0.1:81"),
        ("http://[::1]/", "[::1]:80"),
        ("http://localhost/", "localhost:80"),
    ] {
        assert_eq!(session.get(url).send().unwrap().text(), text);
    }
}

#[test]
fn a_request_can_be_looked_at_in_the_closure_and_afterwards() {
    let mock = Mock::new(|request| {
        let sent: serde_json::Value = request.json().unwrap();
        Reply::json(&json!({"echo": sent["n"]})).with_status(201).header("X-A", "1")
    });
    let session = mock.session();
    let response = session.post("https://api.example/items?page=2").json(&json!({"n": 7})).send().unwrap();
    assert_eq!((response.status().as_u16(), response.header("x-a")), (201, Some("1")));
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.json::<serde_json::Value>().unwrap(), json!({"echo": 7}));
    let requests = mock.requests();
    let request = &requests[0];
    assert_eq!((requests.len(), request.method().as_str(), request.target()), (1, "POST", "/items?page=2"));
    assert_eq!((request.host(), request.header("content-type")), ("api.example", Some("application/json")));
    assert_eq!((request.body(), request.headers().contains("user-agent")), (&br#"{"n":7}"#[..], true));
    assert_eq!(request.json::<u8>().unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(format!("{request:?}"), "<MockRequest POST api.example /items>");
    assert_eq!(format!("{mock:?}"), "Mock { requests: 1, elapsed: 0ns, .. }");
}

#[test]
fn a_reply_has_the_type_that_is_given_by_hand_in_place_of_its_own() {
    let mock = Mock::new(|request| match request.path() {
        "/text" => Reply::text("<p>").header("content-type", "text/html"),
        "/json" => Reply::json(&1).header("Content-Type", "application/problem+json"),
        "/both" => Reply::text("").header("Content-Type", "a/b").header("Content-Type", "c/d"),
        _ => Reply::text(""),
    });
    let session = mock.session();
    for (path, types) in [
        ("text", "text/html"),
        ("json", "application/problem+json"),
        ("both", "a/b, c/d"),
        ("own", "text/plain; charset=utf-8"),
    ] {
        let response = session.get(format!("http://a.example/{path}")).send().unwrap();
        let got = response.headers().get_all("content-type").map(|value| value.to_str().unwrap());
        assert_eq!(got.collect::<Vec<_>>().join(", "), types, "{path}");
    }
}

#[test]
fn path_and_parameters_of_a_request_stand_apart() {
    let mock = Mock::new(|request| Reply::text(format!("{} {:?}", request.path(), request.param("q"))));
    let session = mock.session();
    for (target, text) in [
        ("/a/b?p=1&q=x+y%26&q=2", "/a/b Some(\"x y&\")"),
        ("/?q", "/ Some(\"\")"),
        ("/%7E?Q=1", "/%7E None"),
        ("/", "/ None"),
    ] {
        assert_eq!(session.get(format!("http://a.example{target}")).send().unwrap().text(), text);
    }
}

#[test]
fn attempts_are_counted_for_each_target_and_waiting_takes_no_time() {
    let mock = Mock::new(|request| match request.attempt() {
        1 | 2 => Reply::status(503).header("Retry-After", "3600"),
        _ => Reply::text("done"),
    });
    let session = mock.session();
    for target in ["/a", "/b"] {
        let response =
            session.get(format!("http://a.example{target}")).retry(Retry::idempotent(5)).send().unwrap();
        assert_eq!((response.text().as_ref(), response.attempts().len()), ("done", 3));
    }
    assert!(mock.elapsed() >= 4 * 3600 * SECOND);
    let attempts: Vec<u32> = mock.requests().iter().map(|request| request.attempt()).collect();
    assert_eq!(attempts, [1, 2, 3, 1, 2, 3]);
}

#[test]
fn faults_are_what_they_are_on_a_network() {
    let session = session::mock(|request| match request.target() {
        "/close" => Reply::close(),
        "/reset" => Reply::reset(),
        "/never" => Reply::never(),
        "/cut" => Reply::text("0123456789").cut(4),
        "/raw" => Reply::raw("no HTTP at all\r\n\r\n"),
        _ => Reply::status(404),
    });
    let failed = |path: &str| session.get(format!("https://a.example{path}")).send().unwrap_err();
    assert_eq!(failed("/close").kind(), ErrorKind::Closed);
    assert!(matches!(failed("/reset").kind(), ErrorKind::Closed | ErrorKind::Io));
    assert_eq!(failed("/never").kind(), ErrorKind::Timeout(Limit::Idle));
    assert_eq!(failed("/cut").kind(), ErrorKind::Body);
    assert_eq!(failed("/raw").kind(), ErrorKind::Protocol);
    assert_eq!(session.get("https://a.example/").send().unwrap().status().as_u16(), 404);
}

#[test]
fn a_host_at_which_nobody_listens_refuses_and_the_others_answer() {
    let mock = Mock::new(|_| Reply::text("here"));
    for host in ["down.example", "down.test", "127.0.0.1", "[::1]"] {
        mock.refuse(host);
    }
    let session = mock.session();
    for host in ["down.example", "down.test:8080", "127.0.0.1", "[::1]"] {
        let error = session.get(format!("http://{host}/")).send().unwrap_err();
        assert_eq!((error.kind(), error.is_connect()), (ErrorKind::Connect, true), "{host}");
    }
    for host in ["up.example", "127.0.0.2", "[::2]"] {
        assert_eq!(session.get(format!("https://{host}/")).send().unwrap().text(), "here", "{host}");
    }
    assert_eq!(mock.requests().len(), 3);
}

#[test]
fn a_reply_can_be_late_and_many_are_late_together() {
    let mock = Mock::new(|_| Reply::text("late").delay(10 * SECOND));
    let session = mock.session();
    let error = session.get("http://a.example/").timeout(SECOND).send().unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(mock.elapsed(), SECOND);
    let results = session.send_all((0..10).map(|n| session.get(format!("http://a.example/{n}"))));
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(mock.elapsed(), 11 * SECOND);
}

#[test]
fn replies_without_a_body_have_none_and_connections_are_kept_or_not() {
    let mock = Mock::new(|request| match request.target() {
        "/204" => Reply::status(204),
        "/304" => Reply::text("not shown").with_status(304),
        "/last" => Reply::text("last").then_close(),
        "/go" => Reply::redirect(302, "/there"),
        _ => Reply::text("some text"),
    });
    let session = mock.session();
    let text = |request: session::RequestBuilder| request.send().unwrap().text().into_owned();
    for (path, expected) in
        [("/204", ""), ("/304", ""), ("/", "some text"), ("/go", "some text"), ("/last", "last")]
    {
        assert_eq!(text(session.get(format!("http://a.example{path}"))), expected, "{path}");
    }
    assert_eq!(text(session.head("http://a.example/")), "");
    assert_eq!(text(session.get("http://a.example/")), "some text");
    assert_eq!(mock.connections(), 2);
    let by_hand =
        Mock::new(|_| Reply::bytes("4\r\nbody\r\n0\r\n\r\n").header("Transfer-Encoding", "chunked"));
    assert_eq!(text(by_hand.session().get("http://a.example/")), "body");
}

#[test]
fn the_date_can_be_set_and_time_can_pass_between_requests() {
    let mock = Mock::new(|request| match request.target() {
        "/set" => {
            Reply::status(200).header("Set-Cookie", "a=1; Expires=Mon, 21 Sep 2026 14:14:20 GMT; Path=/")
        }
        _ => Reply::text(request.header("cookie").unwrap_or("none")),
    });
    let session = mock.session();
    mock.set_wall(SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000));
    session.get("http://a.example/set").send().unwrap();
    let cookies = || session.get("http://a.example/").send().unwrap().text().into_owned();
    assert_eq!(cookies(), "a=1");
    mock.advance(61 * SECOND);
    assert_eq!(cookies(), "none");
}

#[test]
fn sessions_of_one_mock_have_settings_cookies_and_connections_of_their_own() {
    let mock = Mock::new(|_| Reply::status(200).header("Set-Cookie", "a=1"));
    let one = mock.builder().auth(Basic::new("u", "p")).build().unwrap();
    let two = mock.session();
    one.get("http://a.example/").send().unwrap();
    two.get("http://a.example/").send().unwrap();
    let seen = mock.requests();
    assert_eq!((seen[0].header("authorization").is_some(), seen[1].header("authorization")), (true, None));
    assert_eq!((seen[0].connection(), seen[1].connection(), seen[1].header("cookie")), (0, 1, None));
    assert_eq!(seen[1].elapsed(), Duration::ZERO);
}

#[test]
fn a_mock_is_mounted_beside_other_servers() {
    let stage = Stage::new();
    stage.host("real.example", |_| pool::sim::Reply::ok("real"));
    let mock = Mock::new(|_| Reply::text("mock"));
    let pool = mock.pool(pool::Config::default());
    let session: Session = stage.builder().mount("https://api.example/", pool).build().unwrap();
    assert_eq!(session.get("https://api.example/x").send().unwrap().text(), "mock");
    assert_eq!(session.get("http://real.example/x").send().unwrap().text(), "real");
}

#[test]
#[should_panic(expected = "cannot be written as JSON")]
fn a_reply_that_is_no_json_fails_the_test_that_made_it() {
    let _ = Reply::json(&std::collections::HashMap::from([((1, 2), 3)]));
}
