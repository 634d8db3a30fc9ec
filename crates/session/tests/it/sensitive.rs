//! Headers with a value that is a secret: shown nowhere, and for one origin only.

use crate::support::{Stage, redirect};
use pool::sim::Reply;
use session::{Headers, http};

const SECRET: &str = "hunter2";

/// `a.example/near` redirects within the host, anything else there to `b.example`.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/near" => redirect(302, "/far"),
        _ => redirect(302, "http://b.example/"),
    });
    stage.host("b.example", |_| Reply::ok("end"));
    stage
}

#[test]
fn cr_1_a_sensitive_header_stays_at_its_origin_whoever_set_it() {
    let stage = stage();
    let mut session = stage.builder().sensitive_header("X-Of-Builder", SECRET).build().unwrap();
    session.headers_mut().append_sensitive("X-Of-Session", SECRET).unwrap();
    session.headers_mut().append("X-Plain", "plain").unwrap();
    let mut own = Headers::new();
    own.append_sensitive("X-Of-Map", SECRET).unwrap();
    own.append("x-of-map", "the other value of that name").unwrap();
    let request = session.get("http://a.example/near").sensitive_header("X-Of-Request", SECRET).headers(&own);
    request.send().unwrap();
    assert_eq!(stage.lines(), ["a.example GET /near", "a.example GET /far", "b.example GET /"]);
    for name in ["X-Of-Builder", "X-Of-Session", "X-Of-Request"] {
        assert_eq!(stage.values(name), [SECRET, SECRET, "-"], "{name}");
    }
    let both = "hunter2|the other value of that name";
    assert_eq!(stage.values("X-Of-Map"), [both, both, "-"]);
    assert_eq!(stage.values("X-Plain"), ["plain"; 3]);
    assert_eq!(session.headers().get("x-of-session").unwrap(), SECRET, "the session keeps its own");
}

#[test]
fn a_sensitive_header_is_not_taken_to_a_url_that_was_changed() {
    let stage = stage();
    let mut request =
        stage.session().get("http://a.example/").sensitive_header("X-Key", SECRET).build().unwrap();
    request.set_url("/other").unwrap();
    assert!(request.headers().contains("x-key"));
    request.set_url("http://b.example/").unwrap();
    assert!(!request.headers().contains("x-key"));
}

#[test]
fn a_value_marked_in_a_map_of_http_is_sensitive_here_and_back() {
    let stage = stage();
    let mut value = http::HeaderValue::from_static(SECRET);
    value.set_sensitive(true);
    let foreign = http::Request::get("http://a.example/far").header("x-key", value).body("").unwrap();
    let request = stage.session().http_request(foreign).build().unwrap();
    assert!(request.headers().get("x-key").unwrap().is_sensitive());
    let map = http::HeaderMap::try_from(request.headers()).unwrap();
    assert!(map["x-key"].is_sensitive() && !map["accept"].is_sensitive());
    stage.session().send(request).unwrap();
    assert_eq!(stage.values("x-key"), [SECRET, "-"]);
}

#[test]
fn lg_1_a_sensitive_header_is_shown_by_nothing() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::silence());
    let session = stage.builder().sensitive_header("X-Key", SECRET).build().unwrap();
    let builder = session
        .get("http://a.example/")
        .sensitive_header("X-Own", SECRET)
        .header("Authorization", SECRET)
        .header("Cookie", SECRET)
        .header("Proxy-Authorization", SECRET)
        .timeout(std::time::Duration::from_secs(1));
    let mut shown = vec![format!("{session:?} {:?} {builder:?}", session.headers())];
    let request = builder.build().unwrap();
    shown.push(format!("{request:?} {:?} {:?}", request.headers(), request.settings()));
    shown.push(format!("{:?}", request.headers().iter().collect::<Vec<_>>()));
    let error = session.send(request).unwrap_err();
    shown.push(format!("{error} {error:?} {:?}", error.request().unwrap().headers()));
    for text in shown {
        assert!(!text.contains(SECRET), "{text}");
    }
    for name in ["x-key", "x-own", "authorization", "cookie", "proxy-authorization"] {
        assert_eq!(stage.values(name), [SECRET], "{name} is sent all the same");
    }
    let error = session.get("http://a.example/").sensitive_header("X-Own", "hunter2\r\n").send().unwrap_err();
    assert!(error.to_string().contains("X-Own") && !format!("{error}{error:?}").contains(SECRET), "{error}");
}
