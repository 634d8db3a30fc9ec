//! Cookies on their way: what a session sends and stores, of which jar.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use cookie::Cookie;
use pool::sim::Reply;
use session::{CookieJar, CookieStore, Error, ErrorKind, Hook, Request, Session, Url};

use super::url;
use crate::support::{Stage, answer};

/// A host that sets a cookie at `/set`.
fn stage() -> Stage {
    let stage = Stage::new();
    for host in ["a.example", "b.example"] {
        stage.host(host, |r| match r.target() {
            "/set" => answer("200 OK", &["Set-Cookie: s=old; Path=/"], ""),
            "/go" => answer("302 Found", &["Location: /there", "Set-Cookie: hop=1; Path=/"], ""),
            _ => Reply::ok(""),
        });
    }
    stage
}

#[test]
fn m_6_a_cookie_of_a_request_joins_those_of_the_jar_wins_over_its_namesake_and_does_not_stick() {
    let stage = stage();
    let session = stage.session();
    session.get("http://a.example/set").send().unwrap();
    session.get("http://a.example/").cookie("own", "1").send().unwrap();
    session.get("http://a.example/").cookie("s", "new").send().unwrap();
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("cookie"), ["-", "s=old; own=1", "s=new", "s=old"]);
    assert_eq!(session.cookies().len(), 1);
}

#[test]
fn ck_11_explicit_beats_the_jar_and_two_sessions_share_nothing() {
    let stage = stage();
    let (one, two) = (stage.session(), stage.session());
    one.get("http://a.example/set").send().unwrap();
    one.get("http://a.example/").cookie("s", "new").send().unwrap();
    two.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("cookie"), ["-", "s=new", "-"]);
    assert!(two.cookies().is_empty());
}

#[test]
fn d_9_a_cookie_of_a_request_follows_redirects_of_its_origin() {
    let stage = stage();
    stage.session().get("http://a.example/go").cookie("own", "1").send().unwrap();
    assert_eq!(stage.values("cookie"), ["own=1", "hop=1; own=1"]);
}

#[test]
fn c_2_quotes_and_backslashes_come_back_as_they_came() {
    let stage = Stage::new();
    stage.host("a.example", |_| answer("200 OK", &["Set-Cookie: q=\"a\\\"b\\073\"; Path=/"], ""));
    let session = stage.session();
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").cookie("own", "\"x\\\"").send().unwrap();
    assert_eq!(stage.values("cookie"), ["-", r#"q="a\"b\073""#, r#"q="a\"b\073"; own="x\""#]);
    assert_eq!(session.cookies().value("q").unwrap().as_deref(), Some(r#""a\"b\073""#));
}

#[test]
fn c_4_each_field_is_one_cookie_and_the_latter_attribute_counts() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/" => answer(
            "200 OK",
            &[
                "Set-Cookie: a=1, b=2",
                "Set-Cookie: c=3; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                "Set-Cookie: d=4; Max-Age=x",
                "Set-Cookie: e=5; Path=/x; Path=/",
                "Set-Cookie: f=6; Domain",
                "Set-Cookie2: g=7; Version=1",
                "Set-Cookie: h=8; Max-Age=0",
            ],
            "",
        ),
        _ => Reply::ok(""),
    });
    let session = stage.session();
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example/y").send().unwrap();
    assert_eq!(stage.values("cookie")[1], "a=1, b=2; c=3; d=4; e=5; f=6");
}

#[test]
fn c_5_a_cookie_without_domain_and_path_is_for_its_host_and_directory() {
    let stage = stage();
    stage.host("localhost", |r| match r.target() {
        "/dir/sub/page" => answer("200 OK", &["Set-Cookie: c=1"], ""),
        _ => Reply::ok(""),
    });
    let session = stage.session();
    session.get("http://localhost/dir/sub/page").send().unwrap();
    for path in ["/dir/sub/x", "/dir/sub", "/dir/subx", "/dir/"] {
        session.get(format!("http://localhost{path}")).send().unwrap();
    }
    assert_eq!(stage.values("cookie")[1..], ["c=1", "c=1", "-", "-"]);
    assert_eq!(session.cookies().list_domains(), ["localhost"]);
    assert_eq!(session.cookies().list_paths(), ["/dir/sub"]);
}

#[test]
fn c_7_longer_paths_go_first_then_older_cookies_and_secure_ones_over_https_only() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok(""));
    let session = stage.session();
    let (page, plain) = (url("https://a.example/x/y"), url("http://a.example/x/y"));
    for (name, path, secure) in [
        ("root", "/", false),
        ("deep", "/x", false),
        ("late", "/x", false),
        ("safe", "/x/y", true),
        ("other", "/xy", false),
    ] {
        let cookie = Cookie::build((name, "1")).path(path).secure(secure).build();
        session.cookies().set(&page, cookie).unwrap();
    }
    session.get(page.as_str()).send().unwrap();
    session.get(plain.as_str()).send().unwrap();
    assert_eq!(stage.values("cookie"), ["safe=1; deep=1; late=1; root=1", "deep=1; late=1; root=1"]);
}

#[test]
fn c_6_a_path_need_not_be_that_of_the_page_and_every_host_of_a_chain_may_set_cookies_of_its_own() {
    let stage = Stage::new();
    stage.host("www.a.example", |r| match r.target() {
        "/" => answer(
            "302 Found",
            &[
                "Location: http://b.example/",
                "Set-Cookie: path=1; Path=/elsewhere",
                "Set-Cookie: up=1; Domain=.a.example; Path=/",
                "Set-Cookie: other=1; Domain=b.example",
                "Set-Cookie: below=1; Domain=x.www.a.example",
                "Set-Cookie: suffix=1; Domain=example",
            ],
            "",
        ),
        _ => Reply::ok(""),
    });
    for host in ["b.example", "a.example"] {
        stage.host(host, |_| answer("200 OK", &["Set-Cookie: b=1; Path=/"], ""));
    }
    let session = stage.session();
    for url in
        ["http://www.a.example/", "http://www.a.example/elsewhere", "http://a.example/", "http://b.example/"]
    {
        session.get(url).send().unwrap();
    }
    assert_eq!(stage.values("cookie"), ["-", "-", "path=1; up=1", "up=1", "b=1"]);
}

/// Sends everything to another URL, and maybe other cookies.
struct To(&'static str, Option<&'static str>);

impl Hook for To {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        self.1.map_or(Ok(()), |cookie| request.set_header("Cookie", cookie))?;
        request.set_url(self.0)
    }
}

#[test]
fn c_7_where_a_hook_goes_the_cookies_are_those_for_that_path_and_another_origin_gets_none() {
    let stage = Stage::new();
    for host in ["a.example", "b.example"] {
        stage.host(host, |_| Reply::ok(""));
    }
    let session = stage.session();
    for (url, name, path) in [
        ("http://a.example/", "x", "/x"),
        ("http://a.example/", "y", "/y"),
        ("http://a.example/", "root", "/"),
        ("http://b.example/", "b", "/"),
    ] {
        session.cookies().set(&url.parse().unwrap(), Cookie::build((name, "1")).path(path).build()).unwrap();
    }
    for (hook, sent) in [
        (To("/y", None), "y=1; root=1; own=1"),
        (To("/z", None), "root=1; own=1"),
        (To("/x?y", None), "x=1; root=1; own=1"),
        (To("/y", Some("by=hook")), "by=hook"),
        (To("http://b.example/x", None), "-"),
        (To("http://b.example/x", Some("by=hook")), "-"),
        (To("http://a.example:81/x", None), "-"),
        (To("https://a.example/x", None), "-"),
    ] {
        let to = hook.0;
        session.get("http://a.example/x").cookie("own", "1").hook(hook).send().unwrap();
        assert_eq!(stage.values("cookie").pop().unwrap(), sent, "{to}");
    }
    session.cookies().remove(&url("http://a.example/"), "root");
    session.get("http://a.example/z").hook(To("/y", None)).send().unwrap();
    session.get("http://a.example/y").hook(To("/z", None)).send().unwrap();
    assert_eq!(stage.values("cookie")[8..], ["y=1", "-"]);
}

#[test]
fn c_9_and_ck_9_the_host_field_decides_about_no_cookie() {
    let stage = stage();
    let session = stage.session();
    session.get("http://b.example/set").send().unwrap();
    session.get("http://a.example/set").header("Host", "b.example").send().unwrap();
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("host")[1], "b.example");
    assert_eq!(stage.values("cookie"), ["-", "-", "s=old"]);
    assert_eq!(session.cookies().list_domains(), ["b.example", "a.example"]);
}

#[test]
fn ck_9_a_host_field_of_another_site_takes_no_cookie_of_it() {
    let stage = stage();
    let session = stage.session();
    session.get("http://b.example/set").send().unwrap();
    session.get("http://a.example/").header("Host", "b.example").send().unwrap();
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("cookie"), ["-", "-", "-"]);
}

#[test]
fn c_11_ports_share_cookies_and_prefixes_hold() {
    let stage = Stage::new();
    stage.host("a.example", |_| {
        answer(
            "200 OK",
            &["Set-Cookie: a=1", "Set-Cookie: __Secure-b=2", "Set-Cookie: __Host-c=3; Path=/"],
            "",
        )
    });
    let session = stage.session();
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example:8080/").send().unwrap();
    assert_eq!(stage.values("cookie"), ["-", "a=1"]);
}

#[test]
fn c_10_a_jar_is_shared_by_sessions_and_can_be_replaced() {
    let stage = stage();
    let jar = CookieJar::new();
    let (one, mut two) = (stage.builder().cookie_jar(jar.clone()).build().unwrap(), stage.session());
    two.set_cookie_jar(jar.clone());
    one.get("http://a.example/set").send().unwrap();
    two.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("cookie"), ["-", "s=old"]);
    let old = two.clone();
    two.set_cookie_jar(CookieJar::new());
    two.get("http://a.example/").send().unwrap();
    old.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("cookie")[2..], ["-", "s=old"], "clones that exist keep theirs");
    assert_eq!((jar.len(), two.cookies().len()), (1, 0));
    assert_eq!(stage.world.connections(), 2, "one for each pool, kept as before");
}

#[test]
fn c_10_threads_share_a_jar() {
    let jar = CookieJar::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let jar = &jar;
            scope.spawn(move || {
                for n in 0..40 {
                    let cookie = Cookie::build((format!("t{thread}n{n}"), "v")).domain("a.test").build();
                    jar.insert(cookie).unwrap();
                    assert!(jar.value(&format!("t{thread}n{n}")).unwrap().is_some());
                }
            });
        }
    });
    assert_eq!(jar.len(), 160);
}

/// Writes down what it is told, and sends what it was given.
#[derive(Clone, Default)]
struct Notes {
    told: Arc<Mutex<Vec<String>>>,
    line: Option<Vec<u8>>,
}

impl CookieStore for Notes {
    fn header_for(&self, url: &Url, now: SystemTime) -> Option<Vec<u8>> {
        assert!(now > SystemTime::UNIX_EPOCH);
        self.told.lock().unwrap().push(format!("asked for {url}"));
        self.line.clone()
    }

    fn store_response(&self, url: &Url, set_cookie: &[&[u8]], _now: SystemTime) {
        let fields: Vec<_> = set_cookie.iter().map(|field| String::from_utf8_lossy(field)).collect();
        self.told.lock().unwrap().push(format!("{url} set {}", fields.join(" | ")));
    }
}

#[test]
fn c_10_a_store_of_ones_own_is_asked_and_told_on_every_hop() {
    let stage = stage();
    let notes = Notes { line: Some(b"mine=1; s=stored".to_vec()), ..Notes::default() };
    let mut session = stage.builder().cookie_store(notes.clone()).build().unwrap();
    session.get("http://a.example/go").cookie("s", "new").send().unwrap();
    session.get("http://a.example/").cookies(false).send().unwrap();
    assert_eq!(stage.values("cookie"), ["mine=1; s=new", "mine=1; s=new", "-"]);
    assert_eq!(
        *notes.told.lock().unwrap(),
        [
            "asked for http://a.example/go",
            "http://a.example/go set hop=1; Path=/",
            "asked for http://a.example/there",
        ]
    );
    assert!(session.cookies().is_empty());
    session.set_cookie_jar(CookieJar::new());
    session.get("http://a.example/set").send().unwrap();
    assert_eq!((session.cookies().len(), notes.told.lock().unwrap().len()), (1, 3));
}

#[test]
fn a_store_that_says_what_no_field_can_hold_ends_the_call() {
    let stage = stage();
    let mut session = stage.session();
    for (line, sent) in [(Some(&b"a=1\r\nX: y"[..]), None), (Some(&b""[..]), Some("-")), (None, Some("-"))] {
        session.set_cookie_store(Notes { line: line.map(<[u8]>::to_vec), ..Notes::default() });
        match (session.get("http://a.example/").send(), sent) {
            (Ok(_), Some(sent)) => assert_eq!(stage.values("cookie").pop().as_deref(), Some(sent)),
            (Err(error), None) => assert_eq!(error.kind(), ErrorKind::Request),
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_jar_serves_whoever_is_generic_over_stores() {
    fn through(store: &dyn CookieStore) -> Option<Vec<u8>> {
        store.store_response(&url("http://a.test/"), &[b"a=1"], SystemTime::UNIX_EPOCH);
        store.header_for(&url("http://a.test/"), SystemTime::UNIX_EPOCH)
    }
    assert_eq!(through(&CookieJar::new()).as_deref(), Some(&b"a=1"[..]));
    let session = Session::builder().cookie_store(CookieJar::new()).build().unwrap();
    assert!(session.cookies().is_empty());
}
