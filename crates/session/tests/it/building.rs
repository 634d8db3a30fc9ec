//! From what a caller says to what goes out.

use crate::support::{Stage, names, value};
use pool::sim::Reply;
use session::{Body, ErrorKind, Headers, Method, RequestBuilder, Session, Value, http};
use std::collections::{BTreeMap, HashMap};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    stage
}

#[test]
fn s_3_and_s_4_the_head_is_host_then_the_headers_in_order_then_cookie_length_type_and_credentials() {
    let stage = stage();
    let mut session = stage.session();
    session.headers_mut().insert("X-Session", "1").unwrap();
    session.get("http://a.example/x?y#z").send().unwrap();
    let head = String::from_utf8(stage.last().head().as_bytes().to_vec()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        head,
        format!(
            "GET /x?y HTTP/1.1\r\nHost: a.example\r\nUser-Agent: session/{version}\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
             Accept: */*\r\nConnection: keep-alive\r\nX-Session: 1\r\n\r\n"
        )
    );
    session
        .post("http://a.example/")
        .header("ACCEPT", "text/html")
        .header("X-Request", "2")
        .cookie("c", "1")
        .basic("u", "p")
        .json(&[1])
        .send()
        .unwrap();
    let expected = "Host User-Agent Accept-Encoding ACCEPT Connection X-Session X-Request Cookie Content-Length \
                    Content-Type Authorization";
    assert_eq!(names(&stage.last()).join(" "), expected);
    assert_eq!(value(&stage.last(), "accept"), "text/html");
    // What has no length is framed in the same place; cookies of the jar and the user of a URL are where others are.
    let url = "http://a.example/".parse().unwrap();
    session.cookies().set(&url, session::Cookie::new("jar", "1")).unwrap();
    let reader = || Body::once(&b"x"[..]);
    let last =
        "Host User-Agent Accept-Encoding Accept Connection X-Session Cookie Transfer-Encoding Authorization";
    session.post("http://u:p@a.example/").body(reader()).send().unwrap();
    assert_eq!(names(&stage.last()).join(" "), last);
    #[cfg(feature = "multipart")]
    {
        let form = session::Form::new().part("f", session::Part::reader(&b"x"[..]));
        session.post("http://a.example/").multipart(form).bearer("t").send().unwrap();
        let framed = last.replace("Transfer-Encoding", "Transfer-Encoding Content-Type");
        assert_eq!(names(&stage.last()).join(" "), framed);
    }
}

#[test]
fn s_4_what_is_set_by_hand_keeps_its_place() {
    let stage = stage();
    let session = stage.session();
    session
        .post("http://a.example/")
        .header("Authorization", "x")
        .header("Content-Type", "application/x-own")
        .header("Content-Length", "3")
        .header("Cookie", "by=hand")
        .header("Host", "other.example")
        .header("Last", "1")
        .json(&123)
        .send()
        .unwrap();
    let expected = "Host User-Agent Accept-Encoding Accept Connection Authorization Content-Type Content-Length Cookie Last";
    assert_eq!(names(&stage.last()).join(" "), expected);
    assert_eq!(value(&stage.last(), "content-type"), "application/x-own");
    assert_eq!(value(&stage.last(), "host"), "other.example");
}

#[test]
fn m_2_a_request_can_leave_a_session_header_out() {
    let stage = stage();
    let mut session = stage.session();
    session.headers_mut().insert("X-Test", "true").unwrap();
    session.get("http://a.example/").header("X-Test2", "yes").send().unwrap();
    session.get("http://a.example/").without("x-test").without("User-Agent").send().unwrap();
    session.get("http://a.example/").header("x-test", "other").send().unwrap();
    assert_eq!(stage.values("x-test"), ["true", "-", "other"]);
    assert_eq!(stage.values("x-test2"), ["yes", "-", "-"]);
    assert_eq!(value(&stage.seen()[1], "user-agent"), "-");
}

#[test]
fn a_clone_has_settings_of_its_own_and_shares_connections_and_cookies() {
    let stage = Stage::new();
    stage.host("a.example", |_| crate::support::answer("200 OK", &["Set-Cookie: c=1"], ""));
    let session = stage.session();
    let mut other = session.clone();
    other.headers_mut().insert("X-Other", "1").unwrap();
    other.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("x-other"), ["1", "-"]);
    assert_eq!(stage.values("cookie"), ["-", "c=1"]);
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn u_8_parameters_join_the_query_and_the_session_s_come_first() {
    let stage = stage();
    let session = stage.builder().query([("key", "k"), ("page", "0")]).build().unwrap();
    for (url, pairs, target) in [
        ("http://a.example/", &[][..], "/?key=k&page=0"),
        ("http://a.example/?x=1#f", &[("q", "a b&")], "/?x=1&key=k&page=0&q=a+b%26"),
        ("http://a.example/?x=%20+", &[("page", "1"), ("page", "2")], "/?x=%20+&key=k&page=1&page=2"),
    ] {
        let request = session.get(url).query(pairs).build().unwrap();
        assert_eq!(request.target(), target);
        assert_eq!(request.url().fragment().is_some(), url.contains('#'));
        session.send(request).unwrap();
        assert_eq!(stage.last().target(), target);
    }
}

#[test]
fn s_9_a_text_is_put_in_upper_case_and_a_typed_method_is_not() {
    let stage = stage();
    let session = stage.session();
    session.request("mkcol", "http://a.example/").send().unwrap();
    session.request(Method::from_bytes(b"Own").unwrap(), "http://a.example/").send().unwrap();
    session.request(&Method::TRACE, "http://a.example/").send().unwrap();
    assert_eq!(stage.lines(), ["a.example MKCOL /", "a.example Own /", "a.example TRACE /"]);
    session.request("a!#$%&'*+-.^_`|~9", "http://a.example/").send().unwrap();
    assert_eq!(stage.last().method().as_str(), "A!#$%&'*+-.^_`|~9");
    for bad in ["", "G T", "GET ", "GET\r\nX: y", "GE\tT", "G\0T", "GET/", "GE\x7fT", "ÄGET"] {
        let error = session.request(bad, "http://a.example/").send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{bad:?}: {error}");
    }
    let error = session.request("connect", "http://a.example/").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert_eq!(stage.seen().len(), 4);
}

#[test]
fn a_cookie_header_beside_cookies_of_the_request_is_an_error() {
    let stage = stage();
    let mut session = stage.session();
    let both = |session: &Session| session.get("http://a.example/").cookie("b", "2");
    let error = both(&session).header("Cookie", "a=1").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request, "{error}");
    session.headers_mut().insert("Cookie", "a=1").unwrap();
    assert_eq!(both(&session).send().unwrap_err().kind(), ErrorKind::Request);
    assert!(stage.seen().is_empty());
    both(&session).without("cookie").send().unwrap();
    assert_eq!(stage.values("cookie"), ["b=2"]);
}

#[test]
fn m_2_a_request_can_leave_a_session_parameter_out() {
    let stage = stage();
    let session = stage.builder().query([("key", "1"), ("lang", "en"), ("key", "2")]).build().unwrap();
    session.get("http://a.example/?key=0").without_param("key").query([("q", "x")]).send().unwrap();
    session.get("http://a.example/").query([("q", "x")]).without_param("q").send().unwrap();
    assert_eq!(stage.lines(), ["a.example GET /?key=0&lang=en&q=x", "a.example GET /?key=1&lang=en&key=2"]);
}

#[test]
fn what_is_no_pairs_is_an_error_that_shows_what_would_be() {
    let session = stage().session();
    for builder in [session.get("http://a.example/").query("a=1"), session.post("http://a.example/").form(5)]
    {
        let error = builder.send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(
            error.to_string().contains("give pairs, a map or a struct, e.g. [(\"a\", \"1\")]"),
            "{error}"
        );
    }
}

#[test]
fn a_changed_header_or_cookie_is_in_the_next_request_to_a_url_that_was_seen() {
    let stage = stage();
    let mut session = stage.session();
    let get = |session: &Session| session.get("http://a.example/").send().map(drop).unwrap();
    let other = session.clone();
    get(&session);
    get(&session);
    session.headers_mut().insert("X-A", "1").unwrap();
    get(&session);
    get(&other);
    session.headers_mut().insert("X-A", "2").unwrap();
    get(&session);
    let url = "http://a.example/".parse().unwrap();
    session.cookies().set(&url, session::Cookie::new("c", "1")).unwrap();
    get(&session);
    session.get("http://a.example/").header("X-B", "1").send().unwrap();
    session.cookies().clear();
    get(&session);
    assert_eq!(stage.values("x-a"), ["-", "-", "1", "-", "2", "2", "2", "2"]);
    assert_eq!(stage.values("cookie"), ["-", "-", "-", "-", "-", "c=1", "c=1", "-"]);
    assert_eq!(stage.values("x-b")[5..], ["-", "1", "-"]);
}

#[test]
fn rd_3_nothing_of_a_request_enters_the_next_one_on_the_same_connection() {
    let stage = stage();
    let session = stage.session();
    session.put("http://a.example/1").body(Body::sized(&b"reader"[..], 6)).basic("u", "p").send().unwrap();
    session.post("http://a.example/2").body("bytes").send().unwrap();
    session.get("http://a.example/3").send().unwrap();
    let bodies: Vec<Vec<u8>> = stage.seen().iter().map(|r| r.body().to_vec()).collect();
    assert_eq!(bodies, [b"reader".to_vec(), b"bytes".to_vec(), b"".to_vec()]);
    assert_eq!(stage.values("authorization"), ["Basic dTpw", "-", "-"]);
    assert_eq!(stage.values("content-length"), ["6", "5", "-"]);
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn h_1_an_illegal_header_is_an_error_that_names_it_and_not_its_value() {
    let session = Session::new();
    for (name, value) in [
        ("X-A", "s3cret\r\nX: y"),
        ("X-A", " s3cret"),
        ("X-A", "s3cret\n"),
        ("X-A", "\ts3cret"),
        ("X-A", "\rs3cret"),
        ("X-A", "s3cret\rX: y"),
        ("X-A", "s3cret\nX: y"),
        ("X-A", "s3cret\r\n folded"),
        ("X-A", "s3cret "),
        ("X-A", " "),
        ("X A", "s3cret"),
        (" X-A", "s3cret"),
        ("X-A\n", "s3cret"),
        ("X-A\r\nX-B", "s3cret"),
        ("X-A:", "s3cret"),
        (":", "s3cret"),
        ("", "s3cret"),
        ("X-A", "s3cret\0"),
    ] {
        let error = session.get("http://a.example/").header(name, value).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        let mut request = session.get("http://a.example/").build().unwrap();
        assert_eq!(request.set_header(name, value).unwrap_err().to_string(), builder_words(&error));
        let of_session = Session::builder().header(name, value).build().unwrap_err();
        assert_eq!(of_session.to_string(), builder_words(&error));
    }
    let stage = stage();
    let odd = [
        ("X-Empty", &b""[..]),
        ("X-Inner", b"a \t,  b"),
        ("X-Bytes", b"\xff\x80"),
        ("x!#$%&'*+-.^_`|~9", b":"),
    ];
    stage.session().get("http://a.example/").headers(odd).send().unwrap();
    let head = stage.last().head().as_bytes().to_vec();
    for (name, value) in odd {
        let line = [b"\r\n", name.as_bytes(), b": ", value, b"\r\n"].concat();
        assert!(head.windows(line.len()).any(|window| window == line), "{name}");
    }
}

/// What an error says behind the request it is about.
fn builder_words(error: &session::Error) -> String {
    error.to_string().split_once(": ").unwrap().1.to_owned()
}

#[test]
fn the_first_mistake_is_the_one_that_is_reported() {
    let session = Session::new();
    let builder = session.get("example.com").header("bad name", "x").cookie("a;b", "c");
    assert!(builder.build().unwrap_err().to_string().contains("no scheme"));
    let builder = session.get("http://a.example/").cookie("a;b", "c").header("bad name", "x");
    assert!(builder.build().unwrap_err().to_string().contains("cookie"));
}

#[test]
fn relative_urls_are_joined_with_the_base() {
    let stage = stage();
    let api = stage.builder().base("http://a.example/v2/").unwrap().build().unwrap();
    for (url, target) in
        [("users", "/v2/users"), ("/users", "/users"), ("http://a.example/x", "/x"), ("?q", "/v2/?q")]
    {
        api.get(url).send().unwrap();
        assert_eq!(stage.last().target(), target);
    }
    assert_eq!(Session::builder().base("v2/").err().unwrap().kind(), ErrorKind::Config);
    assert_eq!(Session::builder().base("http://u:p@a.example/").err().unwrap().kind(), ErrorKind::Config);
}

#[test]
fn a_builder_can_be_kept_and_sent_to_another_thread() {
    fn is_static_and_send<T: Send + 'static>(_: &T) {}
    fn is_shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let session = Session::new();
    is_static_and_send(&session.get("http://a.example/"));
    is_shared(&session);
    is_shared(&session.get("http://a.example/").build().unwrap());
}

#[test]
fn a_prepared_request_can_be_looked_at_and_changed_before_it_is_sent() {
    let stage = stage();
    stage.host("b.example", |_| Reply::ok(""));
    let session = stage.session();
    let mut request =
        session.get("http://a.example/x").header("Authorization", "t").header("X-Keep", "1").build().unwrap();
    assert_eq!((request.method(), request.host_field(), request.target()), (&Method::GET, "a.example", "/x"));
    assert!(request.headers().get("authorization").is_some());
    request.set_url("/y").unwrap();
    session.send(request.clone()).unwrap();
    request.set_url("http://b.example/").unwrap();
    request.set_method(Method::PUT);
    request.set_body("new");
    session.send(request).unwrap();
    assert_eq!(stage.lines(), ["a.example GET /y", "b.example PUT /"]);
    assert_eq!(stage.values("authorization"), ["t", "-"], "another origin is somebody else");
    assert_eq!(stage.values("x-keep"), ["1", "1"]);
}

#[test]
fn settings_of_a_request_are_those_of_the_session_it_was_built_with_and_connections_of_the_one_that_sends_it()
{
    let stage = stage();
    let mut a = stage.session();
    let b = Session::builder().header("X-From", "b").build().unwrap();
    a.headers_mut().insert("X-From", "a").unwrap();
    a.send(b.get("http://a.example/").build().unwrap()).unwrap();
    assert_eq!(stage.values("x-from"), ["b"]);
}

#[test]
fn a_request_of_the_http_crate_can_be_sent_and_an_answer_becomes_one() {
    let stage = stage();
    let session = stage.session();
    let request = http::Request::post("http://a.example/x?y").header("x-own", "1").body("body").unwrap();
    let response = session.http_request(request).send().unwrap();
    assert_eq!(stage.lines(), ["a.example POST /x?y"]);
    assert_eq!(stage.values("x-own"), ["1"]);
    let response: http::Response<Vec<u8>> = response.try_into().unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_slice()), (200, &b"ok"[..]));
}

#[test]
fn headers_can_be_given_all_at_once() {
    let stage = stage();
    let mut headers = Headers::new();
    headers.append("X-Two", "1").unwrap();
    headers.append("X-Two", "2").unwrap();
    stage.session().get("http://a.example/").headers(&headers).send().unwrap();
    assert_eq!(stage.values("x-two"), ["1|2"]);
}

#[test]
fn headers_given_all_at_once_keep_their_repeated_fields_and_replace_what_was_there() {
    let stage = stage();
    let mut headers = Headers::new();
    for (name, value) in [("X-A", "1"), ("Accept", "text/html"), ("x-a", "2")] {
        headers.append(name, value).unwrap();
    }
    let session = stage.builder().header("X-A", "0").headers(&headers).build().unwrap();
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").header("X-A", "3").header("X-A", "4").send().unwrap();
    stage.session().get("http://a.example/").headers(&headers).send().unwrap();
    assert_eq!(stage.values("x-a"), ["1|2", "3|4", "1|2"]);
    assert_eq!(stage.values("accept"), ["text/html"; 3]);
}

#[test]
fn headers_can_be_given_as_pairs_and_maps() {
    let given = |request: RequestBuilder| {
        let request = request.build().unwrap();
        let own = |(name, value): (&str, Value<'_>)| {
            name.starts_with("X-").then(|| format!("{name}: {}", value.to_str().unwrap()))
        };
        request.headers().iter().filter_map(own).collect::<Vec<_>>()
    };
    let get = || Session::new().get("http://a.example/");
    let pairs = [("X-B", "1"), ("X-A", "2"), ("X-B", "3")];
    for request in [get().headers(pairs), get().headers(&pairs[..]), get().headers(pairs.to_vec())] {
        assert_eq!(given(request), ["X-B: 1", "X-A: 2", "X-B: 3"]);
    }
    assert_eq!(given(get().headers(BTreeMap::from(pairs))), ["X-A: 2", "X-B: 3"]);
    assert_eq!(given(get().headers(HashMap::from([("X-A".to_owned(), b"2".to_vec())]))), ["X-A: 2"]);
    let mut map = http::HeaderMap::new();
    map.insert("accept", http::HeaderValue::from_static("text/html"));
    assert_eq!(get().headers(&map).build().unwrap().headers().get("accept").unwrap(), "text/html");

    let session = Session::builder().headers([("X-A", "1"), ("Accept", "text/html")]).build().unwrap();
    assert_eq!(given(session.get("http://a.example/")), ["X-A: 1"]);
    assert_eq!(session.headers().get_all("accept").count(), 1);
    let error = get().headers([("X-A", "s3cret\n")]).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(error.to_string().contains("X-A") && !error.to_string().contains("s3cret"), "{error}");
}
