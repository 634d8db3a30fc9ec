//! Requests that are prepared, looked at, changed, copied and sent; and what their headers are.

use crate::support::{Stage, answer, names, value};
use pool::sim::Reply;
use session::{Body, Cookie, Error, ErrorKind, Head, Hook, Method, Request, Url};
use std::sync::{Arc, Mutex};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    stage.host("b.example", |_| Reply::ok("ok"));
    stage
}

/// Writes down what it finds in place.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, who: &str, request: &Request) {
        let header = |name| request.headers().get(name).map_or("-", |v| v.to_str().unwrap()).to_owned();
        self.0.lock().unwrap().push(format!(
            "{who}: {} {} type={} cookie={} auth={} {:?}",
            request.method(),
            request.url(),
            header("content-type"),
            header("cookie"),
            header("authorization"),
            request.body().len(),
        ));
    }
}

impl Hook for Notes {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        self.note("hook", request);
        Ok(())
    }
}

#[test]
fn p_1_credentials_are_added_when_all_else_stands_and_hooks_come_last() {
    let stage = stage();
    let (notes, signer) = (Notes::default(), Notes::default());
    let seen = signer.clone();
    let auth = move |request: &mut Request| {
        signer.note("auth", request);
        request.set_header("Authorization", "Signed")
    };
    let session = stage.session();
    let post = session.post("http://a.example/x").query([("q", "1")]).cookie("c", "2").json(&[1]);
    post.auth(auth).hook(notes.clone()).send().unwrap();
    let rest = "POST http://a.example/x?q=1 type=application/json cookie=c=2";
    assert_eq!(*seen.0.lock().unwrap(), [format!("auth: {rest} auth=- Some(3)")]);
    assert_eq!(*notes.0.lock().unwrap(), [format!("hook: {rest} auth=Signed Some(3)")]);
}

#[test]
fn p_2_a_prepared_request_is_the_merge_with_its_session_or_with_none_and_all_of_it_can_be_changed() {
    let stage = stage();
    let mut session = stage.session();
    session.headers_mut().insert("X-Session", "1").unwrap();
    session.headers_mut().remove("Accept");
    // Of a session of its own: nothing of this one is in it, whoever sends it.
    let alone = session::get("http://a.example/").build().unwrap();
    session.send(alone).unwrap();
    assert_eq!(
        (value(&stage.last(), "x-session"), value(&stage.last(), "accept")),
        ("-".into(), "*/*".into())
    );
    let mut request =
        session.post("http://a.example/x").query([("a", "1")]).form([("f", "1")]).build().unwrap();
    assert_eq!(request.headers().get("x-session").unwrap().to_str().unwrap(), "1");
    request.set_method(Method::PUT);
    request.append_query([("b", "2"), ("a", "3")]).unwrap();
    request.set_header("X-Added", "yes").unwrap();
    assert!(request.remove_header("x-session") && !request.remove_header("x-session"));
    request.set_json(&["é"]).unwrap();
    let notes = Notes::default();
    request.settings_mut().add_hook(notes.clone());
    session.send(request.clone()).unwrap();
    let last = stage.last();
    assert_eq!((last.method().as_str(), last.target()), ("PUT", "/x?a=1&b=2&a=3"));
    assert_eq!((value(&last, "x-added"), value(&last, "x-session")), ("yes".into(), "-".into()));
    assert_eq!(
        (value(&last, "content-type"), last.body()),
        ("application/json".into(), "[\"é\"]".as_bytes())
    );
    assert_eq!(notes.0.lock().unwrap().len(), 1);
    request.set_url("http://b.example/y").unwrap();
    request.set_form([("k", "v w")]).unwrap();
    session.send(request.clone()).unwrap();
    assert_eq!((value(&stage.last(), "host"), stage.last().body()), ("b.example".into(), &b"k=v+w"[..]));
    assert!(
        request.set_form(5).is_err()
            && request.set_json(&f64::NAN).is_err()
            && request.append_query(5).is_err()
    );
    assert_eq!(request.body().len(), Some(5), "what could not be set has changed nothing");
    request.set_body(Body::Empty);
    session.send(request).unwrap();
    assert_eq!((value(&stage.last(), "content-length"), stage.last().body()), ("0".into(), &b""[..]));
}

#[test]
fn p_3_a_copy_has_headers_and_settings_of_its_own_and_shares_the_body() {
    let stage = stage();
    let session = stage.session();
    let original =
        session.put("http://a.example/1").header("X-A", "1").cookie("c", "1").body("body").build().unwrap();
    let mut copy = original.clone();
    copy.set_header("X-A", "2").unwrap();
    copy.set_url("/2").unwrap();
    copy.set_method(Method::POST);
    copy.settings_mut().set_error_for_status(true);
    assert_eq!(copy.id(), original.id());
    assert!(!original.settings().error_for_status());
    for request in [original, copy] {
        session.send(request).unwrap();
    }
    assert_eq!(stage.lines(), ["a.example PUT /1", "a.example POST /2"]);
    assert_eq!(
        (stage.values("x-a"), stage.values("cookie")),
        (vec!["1".into(), "2".into()], vec!["c=1".into(); 2])
    );
    assert!(stage.seen().iter().all(|received| received.body() == b"body"));
}

#[test]
fn p_4_path_and_query_are_sent_and_never_the_fragment() {
    let stage = stage();
    let session = stage.session();
    for (url, target) in [
        ("http://a.example", "/"),
        ("http://a.example?", "/?"),
        ("http://a.example?q=1#f", "/?q=1"),
        ("http://a.example/p#f?no", "/p"),
        ("http://a.example/p/?q#", "/p/?q"),
    ] {
        let request = session.get(url).build().unwrap();
        assert_eq!(request.target(), target, "{url}");
        session.send(request).unwrap();
        assert_eq!(stage.last().target(), target);
    }
}

#[test]
fn a_request_of_the_http_crate_becomes_a_prepared_one_without_a_session() {
    use session::http;
    let stage = stage();
    let of_http =
        http::Request::put("http://a.example/x?q").header("X-A", "1").header("x-a", "2").body("body");
    let request = Request::try_from(of_http.unwrap()).unwrap();
    stage.session().send(request).unwrap();
    let last = stage.last();
    assert_eq!((last.method().as_str(), last.target(), last.body()), ("PUT", "/x?q", &b"body"[..]));
    assert_eq!(value(&last, "x-a"), "1|2");
    let relative = http::Request::get("/x").body(Body::Empty).unwrap();
    assert!(Request::try_from(relative).unwrap_err().to_string().contains("has no scheme"));
}

#[test]
fn s_8_every_verb_has_its_method_and_only_head_follows_no_redirects() {
    let stage = Stage::new();
    stage.host("a.example", |r| {
        if r.target() == "/" {
            answer("307 Go", &["Location: /there"], "")
        } else {
            Reply::raw("HTTP/1.1 204 X\r\n\r\n")
        }
    });
    let session = stage.session();
    let url = "http://a.example/";
    for (request, followed) in [
        (session.get(url), true),
        (session.options(url), true),
        (session.post(url), true),
        (session.put(url), true),
        (session.patch(url), true),
        (session.delete(url), true),
        (session.request("mkcol", url), true),
        (session.head(url), false),
    ] {
        assert_eq!(request.send().unwrap().history().len(), usize::from(followed));
    }
    let methods: Vec<String> = stage.seen().iter().map(|r| r.method().to_string()).collect();
    assert_eq!(
        methods.join(" "),
        "GET GET OPTIONS OPTIONS POST POST PUT PUT PATCH PATCH DELETE DELETE MKCOL MKCOL HEAD"
    );
}

#[test]
fn s_10_everything_that_request_takes_can_be_said_of_one_request() {
    use session::{Proxies, Redirect, Tls};
    use std::time::Duration;
    let stage = stage();
    let mut own = session::Headers::new();
    own.insert("X-Many", "1").unwrap();
    let notes = Notes::default();
    let response = stage
        .session()
        .request("PATCH", "http://a.example/x")
        .query([("params", "1")])
        .body("data")
        .headers(&own)
        .cookie("cookies", "1")
        .basic("auth", "1")
        .timeout(Duration::from_secs(5))
        .redirect(Redirect::none())
        .proxies(Proxies::none())
        .hook(notes.clone())
        .tls(Tls::default())
        .stream()
        .unwrap()
        .into_response()
        .unwrap();
    let last = stage.last();
    assert_eq!((response.status().as_u16(), last.target(), last.body()), (200, "/x?params=1", &b"data"[..]));
    assert_eq!((value(&last, "x-many"), value(&last, "cookie")), ("1".into(), "cookies=1".into()));
    assert_eq!((value(&last, "authorization"), notes.0.lock().unwrap().len()), ("Basic YXV0aDox".into(), 1));
}

#[test]
fn h_2_names_are_found_in_any_case_and_written_as_they_were_set_last_in_the_place_of_the_first() {
    let stage = stage();
    let mut session = stage.session();
    let headers = session.headers_mut();
    headers.insert("X-One", "1").unwrap();
    headers.insert("X-Two", "2").unwrap();
    headers.insert("x-ONE", "3").unwrap();
    assert_eq!(headers.get("X-oNe").unwrap().to_str().unwrap(), "3");
    session.get("http://a.example/").header("x-two", "4").send().unwrap();
    let last = stage.last();
    let own: Vec<String> =
        names(&last).into_iter().filter(|name| name.to_ascii_lowercase().starts_with("x-")).collect();
    assert_eq!((own.join(" "), value(&last, "X-TWO")), ("x-ONE x-two".into(), "4".into()));
}

#[test]
fn h_3_repeated_fields_of_an_answer_are_kept_apart() {
    let stage = Stage::new();
    stage.host("a.example", |_| {
        answer("200 OK", &["X-A: 1", "Set-Cookie: a=1, 2", "x-a: 2, 3", "Set-Cookie: b=2"], "")
    });
    let response = stage.session().get("http://a.example/").send().unwrap();
    let all = |name: &str| -> Vec<String> {
        response.headers().get_all(name).map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (all("X-A"), all("set-cookie")),
        (vec!["1".into(), "2, 3".into()], vec!["a=1, 2".into(), "b=2".into()])
    );
    assert_eq!(response.header("x-a"), Some("1"));
}

#[test]
fn h_4_the_bytes_of_a_header_are_kept_and_a_reason_is_utf_8_or_else_latin_1() {
    let of = |bytes: &'static [u8]| {
        let stage = Stage::new();
        stage.host("a.example", move |_| {
            Reply::raw(
                [b"HTTP/1.1 200 ", bytes, b"\r\nX-A: ", bytes, b"\r\nContent-Length: 0\r\n\r\n"].concat(),
            )
        });
        stage.session().get("http://a.example/").send().unwrap()
    };
    let (utf8, latin1) = (of("né".as_bytes()), of(b"n\xe9"));
    assert_eq!((utf8.reason(), latin1.reason()), ("né".into(), "né".into()));
    assert_eq!((utf8.header("x-a"), latin1.header("x-a")), (Some("né"), None));
    assert_eq!(latin1.headers().get("x-a").unwrap().as_bytes(), b"n\xe9");
    for (bytes, text) in [
        (&b"n\xc3\xa9"[..], "n\u{e9}"),
        (b"n\xe9", "n\u{e9}"),
        (b"\x80\xff", "\u{80}\u{ff}"),
        (b"\xc3\xa9 \xe9", "\u{c3}\u{a9} \u{e9}"),
        (b"plain", "plain"),
    ] {
        assert_eq!(of(bytes).headers().get("x-a").unwrap().to_text(), text);
        assert_eq!(of(bytes).reason(), text);
    }
}

#[test]
fn h_5_a_host_set_by_hand_is_sent_and_cookies_go_by_the_url() {
    let stage = Stage::new();
    stage.host("a.example", |_| answer("200 OK", &["Set-Cookie: c=1"], ""));
    let session = stage.session();
    for _ in 0..2 {
        session.get("http://a.example/").header("Host", "other.example").send().unwrap();
    }
    assert_eq!(
        (stage.values("host"), stage.values("cookie")),
        (vec!["other.example".into(); 2], vec!["-".into(), "c=1".into()])
    );
}

#[test]
fn connect_is_no_method_of_a_request_however_it_is_set() {
    struct Connects;
    impl Hook for Connects {
        fn before(&self, request: &mut Request) -> Result<(), Error> {
            request.set_method(Method::CONNECT);
            Ok(())
        }
    }
    let stage = stage();
    let session = stage.session();
    let get = || session.get("http://a.example/");
    let mut changed = get().build().unwrap();
    changed.set_method(Method::CONNECT);
    let asked = session.request(Method::CONNECT, "http://a.example/");
    for result in [session.send(changed), get().hook(Connects).send(), asked.send()] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{error}");
        assert!(error.to_string().contains("tunnels"), "{error}");
    }
    assert!(stage.lines().is_empty());
}

#[test]
fn cookies_of_a_request_and_a_cookie_header_exclude_each_other_however_they_are_set() {
    let stage = stage();
    let session = stage.session();
    let mut request = session.get("http://a.example/").cookie("a", "1").build().unwrap();
    request.set_header("Cookie", "b=2").unwrap();
    let error = session.send(request).unwrap_err();
    assert!(error.kind() == ErrorKind::Request && error.to_string().contains("only one of them"), "{error}");
    assert!(stage.lines().is_empty());
}

#[test]
fn a_request_that_was_sent_is_sent_again_as_it_was_asked_for() {
    struct Appends;
    impl Hook for Appends {
        fn before(&self, request: &mut Request) -> Result<(), Error> {
            request.headers_mut().append("X-Seen", "1")?;
            Ok(())
        }
    }
    let stage = stage();
    let session = stage.session();
    let url = Url::parse("http://a.example/").unwrap();
    session.cookies().set(&url, Cookie::new("c", "old")).unwrap();
    let get = || session.get("http://a.example/").cookie("mine", "1").basic("u", "p");
    let mut request = get().hook(Appends).send().unwrap().request().clone();
    session.cookies().set(&url, Cookie::new("c", "new")).unwrap();
    for _ in 0..2 {
        request = session.send(request).unwrap().request().clone();
    }
    assert_eq!(stage.values("x-seen"), ["1"; 3]);
    assert_eq!(stage.values("authorization"), ["Basic dTpw"; 3]);
    assert_eq!(stage.values("cookie"), ["c=old; mine=1", "c=new; mine=1", "c=new; mine=1"]);
}

#[test]
fn a_request_that_was_sent_shows_the_cookies_that_went_along_whether_or_not_somebody_else_had_a_part_in_it() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => answer("302 Found", &["Location: /end", "Set-Cookie: c=2"], ""),
        _ => Reply::ok(""),
    });
    for with_hook in [false, true] {
        let session = stage.session();
        session.cookies().set(&Url::parse("http://a.example/").unwrap(), Cookie::new("c", "1")).unwrap();
        let mut get = session.get("http://a.example/").cookie("d", "0");
        if with_hook {
            get = get.hook(|_: &Request, _: Result<&Head, &Error>| None);
        }
        let response = get.send().unwrap();
        assert_eq!(response.history()[0].request().header("cookie"), Some("c=1; d=0"));
        assert_eq!(response.request().header("cookie"), Some("c=2; d=0"));
        assert_eq!(stage.values("cookie").split_off(2 * usize::from(with_hook)), ["c=1; d=0", "c=2; d=0"]);
    }
    let session = stage.session();
    session.cookies().set(&Url::parse("http://a.example/").unwrap(), Cookie::new("c", "1")).unwrap();
    let response = session.get("http://a.example/end").send().unwrap();
    session.cookies().clear();
    let again = session.send(response.request().clone()).unwrap();
    assert_eq!(again.request().header("cookie"), None, "the jar decides each time");
    assert_eq!(stage.values("cookie").pop().unwrap(), "-");
}

#[test]
fn a_cookie_that_cannot_be_sent_is_named_and_no_value_is_shown() {
    let get = |name: &str, value: &str| stage().session().get("http://a.example/").cookie(name, value);
    let why = "the cookie contains a character that cannot be sent";
    for (name, value, shown) in [
        ("sid", "s3cret;x", "sid"),
        ("sid=s3cret", "", "sid"),
        ("a\nb", "s3cret", r"a\nb"),
        ("sid", " s3cret", "sid"),
    ] {
        let error = get(name, value).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        let text =
            format!("GET http://a.example/: the cookie \"{shown}\" of the request cannot be sent: {why}");
        assert_eq!(error.to_string(), text);
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    let long = get(&"n".repeat(5000), "a;b").send().unwrap_err().to_string();
    assert!(long.contains(&format!("{}…", "n".repeat(90))) && long.len() < 400, "{long}");
}
