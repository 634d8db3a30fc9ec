//! Texts that would be more than they are: whatever a caller says, a message has the structure that it would have
//! anyway. Looked for in all that hosts and proxies were sent.

use crate::paths::{Path, Trip, for_each_first_try};
use crate::support::{Stage, answer, value};
use pool::Config;
use pool::sim::{Received, Reply};
use session::{
    Bearer, Body, Cookie, CookieJar, CookieStore, Digest, Error, ErrorKind, Hook, Method, Netrc, Proxies,
    Request, RequestBuilder, Response, SessionBuilder, Url, http,
};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// The heads that were sent to hosts and to the proxy, in no order.
fn heads(trip: &Trip) -> Vec<Vec<u8>> {
    let hosts = trip.stage.seen().into_iter().map(|received| received.head().as_bytes().to_vec());
    let proxy = trip.proxy.seen();
    let proxy = proxy.iter().filter_map(|asked| asked.head()).map(|head| head.as_bytes().to_vec());
    hosts.chain(proxy).collect()
}

/// Three words, of which the middle one is visible ASCII, and no field that was brought in.
fn assert_is_as_it_should_be(head: &[u8], what: &str) {
    let text = String::from_utf8_lossy(head);
    let (line, fields) = text.split_once("\r\n").unwrap();
    let words: Vec<&[u8]> = line.as_bytes().split(|octet| *octet == b' ').collect();
    let [method, target, b"HTTP/1.1"] = &*words else { panic!("{what}: {line:?}") };
    assert!(!method.is_empty() && method.iter().all(u8::is_ascii_uppercase), "{what}: {line:?}");
    assert!(!target.is_empty() && target.iter().all(u8::is_ascii_graphic), "{what}: {line:?}");
    for field in fields.split(['\r', '\n']) {
        let name = field.trim_start().to_ascii_lowercase();
        assert!(!name.starts_with("x-inj") && !name.starts_with("y:"), "{what}: {text:?}");
    }
}

/// Refused before a byte was sent, in words without line ends.
fn assert_refused(error: &Error, what: &str) {
    assert!(matches!(error.kind(), ErrorKind::Request | ErrorKind::Config), "{what}: {error}");
    assert!(!error.to_string().chars().any(char::is_control), "{what}: {error:?}");
}

#[test]
fn inj_1_a_method_that_is_no_token_is_refused() {
    for_each_first_try(|trip| {
        trip.stage.host("a", |_| Reply::ok("ok"));
        let (session, url) = (trip.session(), trip.url("a/"));
        let forged = [
            "GET / HTTP/1.1\r\nX: y\r\n\r\nPOST",
            "GE T",
            "",
            "GET\r",
            "GET\n",
            "G\0T",
            "GÉT",
            " GET",
            "G:T",
        ];
        for method in forged {
            assert_refused(&trip.send(session.request(method, &url)).unwrap_err(), method);
            assert!(Method::from_bytes(method.as_bytes()).is_err(), "{method:?}");
        }
        assert_eq!(trip.stage.world.connections(), 0);
        assert!(trip.send(session.request("PURGE", &url)).unwrap().is_success());
        assert_eq!(trip.stage.lines(), ["a PURGE /"]);
        for head in heads(trip) {
            assert_is_as_it_should_be(&head, "PURGE");
        }
    });
}

/// How many requests were sent for this result.
fn sent(result: Result<Response, Error>, what: &str) -> usize {
    match result {
        Ok(response) => 1 + response.history().len(),
        // The answer was no redirect that can be followed, or no head at all.
        Err(error) if matches!(error.kind(), ErrorKind::Redirect | ErrorKind::Protocol) => 1,
        Err(error) => {
            assert_refused(&error, what);
            0
        }
    }
}

#[test]
fn inj_2_no_url_makes_a_second_line_or_a_third_word() {
    let octets = (0..=0x20).chain(0x7f..=0xff).map(|octet| format!("a/x{}y?q{0}r", char::from(octet)));
    let places =
        ["a/x\r\nY: z", "a/?q=1 HTTP/1.1\r\n", "a\r\n.b/", "a/\tx", "a/#\r\nx", "a\t/", "a /", "a\u{7f}/"];
    let places: Vec<String> = places.map(str::to_owned).into_iter().chain(octets).collect();
    for_each_first_try(|trip| {
        let location = Arc::new(Mutex::new(Vec::new()));
        let there = Arc::clone(&location);
        trip.stage.host("a", |_| Reply::ok("ok"));
        trip.stage.host("start", move |_| {
            let location = &**there.lock().unwrap();
            let head = [b"HTTP/1.1 302 Go\r\nContent-Length: 0\r\nLocation: ", location, b"\r\n\r\n"];
            Reply::raw(head.concat())
        });
        let session = trip.session();
        let based = trip.builder().base(trip.url("a/")).unwrap().build().unwrap();
        let mut all = 0;
        for url in places.iter().map(|place| trip.url(place)) {
            all += sent(trip.send(session.get(&url)), &url);
            let relative = url.split_once("//a").unwrap().1;
            all += sent(trip.send(based.get(relative)), &url);
            let mut by_hand = session.get(trip.url("a/")).build().unwrap();
            all += sent(by_hand.set_url(relative).and_then(|()| session.send(by_hand)), &url);
            // What a server says may be no text at all.
            let latin: Vec<u8> = url.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
            for said in [url.clone().into_bytes(), latin] {
                *location.lock().unwrap() = said;
                all += sent(trip.send(session.get(trip.url("start/"))), &url);
            }
        }
        let seen = trip.stage.seen().len();
        assert!(seen == all && seen > places.len() * 5, "{seen} of {all}: nobody saw more than was sent");
        for head in heads(trip) {
            assert_is_as_it_should_be(&head, "a URL");
        }
        let absolute = trip.proxy.seen().iter().filter(|asked| asked.target().starts_with("http://")).count();
        assert_eq!(absolute, if trip.path == Path::Forward { seen } else { 0 }, "requests in absolute form");
    });
}

/// Sends a text through every setter that takes one: what it was said as, and what came of it.
fn said(trip: &Trip, text: &str) -> Vec<(&'static str, Result<Response, Error>)> {
    let session = trip.session();
    let url = &*trip.url("a/");
    let scheme = trip.path.scheme();
    let mut all = Vec::new();
    let mut get = |what, dress: &dyn Fn(RequestBuilder) -> RequestBuilder| {
        all.push((what, trip.send(dress(session.get(url)))));
    };
    get("header value", &|r| r.header("X-A", text));
    get("header name", &|r| r.header(text, "1"));
    get("sensitive value", &|r| r.sensitive_header("X-A", text));
    get("sensitive name", &|r| r.sensitive_header(text, "1"));
    get("pairs", &|r| r.headers([("X-A", text)]));
    for name in
        ["Host", "Connection", "Content-Type", "User-Agent", "Cookie", "Authorization", "TE", "Expect"]
    {
        get("known header", &|r| r.header(name, text));
        get("known header after one", &|r| r.header(name, "a").header(name, text));
    }
    get("without", &|r| r.without(text));
    get("query", &|r| r.query([(text, text)]));
    get("without_param", &|r| r.without_param(text));
    get("basic", &|r| r.basic(text, text));
    get("bearer", &|r| r.bearer(text));
    get("bearer", &|r| r.auth(Bearer::new(text)));
    get("auth", &|r| {
        let text = text.to_owned();
        r.auth(move |request: &mut Request| request.set_header("Authorization", &text))
    });
    get("hook", &|r| r.hook(Says(text.to_owned())));
    get("cookie name", &|r| r.cookie(text, "1"));
    get("cookie value", &|r| r.cookie("a", text));
    get("json", &|r| r.json(&[text]));
    get("form", &|r| r.form([(text, text)]));
    get("body", &|r| r.body(text));
    get("body in chunks", &|r| r.body(Body::chunks([text.to_owned()])));
    let netrc = format!("machine a login \"{text}\" password \"{text}\"");
    match Netrc::parse(&netrc) {
        Ok(netrc) => get("netrc", &|r| r.netrc(netrc.clone())),
        Err(error) => assert_refused(&error, "netrc"),
    }
    for place in [
        format!("a/{text}"),
        format!("a/?{text}"),
        format!("a/#{text}"),
        format!("{text}/"),
        format!("a.{text}/"),
        format!("a:{text}/"),
        format!("{text}:{text}@a/"),
    ] {
        all.push(("url", trip.send(session.get(trip.url(&place)))));
    }
    all.push(("scheme", trip.send(session.get(format!("{text}://a/")))));
    all.push(("scheme", trip.send(session.get(format!("{scheme}{text}://a/")))));
    all.push(("method", trip.send(session.request(text, url))));
    let digest = session.get(trip.url("a/digest")).auth(Digest::new(text, text));
    all.push(("digest", trip.send(digest)));
    let mut edited = |what, edit: &dyn Fn(&mut Request) -> Result<(), Error>| {
        let mut request = session.get(url).build().unwrap();
        all.push((what, edit(&mut request).and_then(|()| session.send(request))));
    };
    edited("set_header", &|r| r.set_header("X-A", text));
    edited("set_header", &|r| r.set_header(text, "1"));
    edited("headers_mut", &|r| Ok(r.headers_mut().append("X-A", text)?));
    edited("headers_mut", &|r| Ok(r.headers_mut().append_sensitive("X-A", text)?));
    edited("set_url", &|r| r.set_url(format!("/{text}?{text}")));
    edited("append_query", &|r| r.append_query([(text, text)]));
    edited("set_json", &|r| r.set_json(text));
    edited("set_form", &|r| r.set_form([(text, text)]));
    edited("settings", &|r| Ok(r.settings_mut().headers_mut().append("X-A", text)?));
    let mut built = |what, dress: &dyn Fn(SessionBuilder) -> Result<SessionBuilder, Error>| {
        let built = dress(trip.builder()).and_then(SessionBuilder::build);
        all.push((what, built.and_then(|session| trip.send(session.get(url)))));
    };
    built("header of all", &|b| Ok(b.header("X-A", text)));
    built("header of all", &|b| Ok(b.header(text, "1")));
    built("agent of all", &|b| Ok(b.header("User-Agent", text)));
    built("sensitive header of all", &|b| Ok(b.sensitive_header("X-A", text)));
    built("headers of all", &|b| Ok(b.headers([("X-A", text)])));
    built("query of all", &|b| Ok(b.query([(text, text)])));
    built("auth of all", &|b| Ok(b.auth(Bearer::new(text))));
    built("base", &|b| b.base(trip.url(&format!("a/{text}"))));
    built("base", &|b| b.base(trip.url(text)));
    built("mount", &|b| Ok(b.mount(text, trip.stage.world.pool(Config::default()))));
    built("store", &|b| Ok(b.cookie_store(Store(text.to_owned()))));
    built("proxies", &|b| Ok(b.proxies(trip.proxies().set(text, "http://proxy.example:3128")?)));
    built("direct", &|b| Ok(b.proxies(trip.proxies().direct(text)?)));
    built("no_proxy", &|b| Ok(b.proxies(trip.proxies().no_proxy(text)?)));
    let cookies = || {
        let cookie = |name: &str, value: &str| Cookie::new(name.to_owned(), value.to_owned());
        let mut placed = vec![cookie(text, "1"), cookie("a", text)];
        for set in [Cookie::set_path, Cookie::set_domain] {
            let mut cookie = cookie("a", "1");
            set(&mut cookie, text.to_owned());
            placed.push(cookie);
        }
        placed
    };
    for cookie in cookies() {
        let jar = CookieJar::new();
        // Stored or not, it is not sent as a line.
        let _ = jar.set(&Url::parse(url).unwrap(), cookie);
        jar.store_response(
            &Url::parse(url).unwrap(),
            [format!("b={text}").as_bytes()],
            SystemTime::UNIX_EPOCH,
        );
        built("jar", &|b| Ok(b.cookie_jar(jar.clone())));
    }
    let foreign = |request: http::Request<&'static str>| session.http_request(request).send();
    if let Ok(request) = http::Request::get(trip.url(&format!("a/{text}"))).body("") {
        all.push(("http", foreign(request)));
    }
    if let Ok(request) = http::Request::get(url).header("X-A", text).body("") {
        all.push(("http", foreign(request)));
    }
    all
}

/// A hook that sets a header.
struct Says(String);

impl Hook for Says {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        request.set_header("X-A", &self.0)
    }
}

/// A cookie store that says what it was told.
struct Store(String);

impl CookieStore for Store {
    fn header_for(&self, _: &Url, _: SystemTime) -> Option<Vec<u8>> {
        Some(self.0.clone().into_bytes())
    }

    fn store_response(&self, _: &Url, _: &[&[u8]], _: SystemTime) {}
}

const EVIL: [&str; 7] = [
    "x\r\nX-Inj: 1",
    "x\nX-Inj: 1",
    "x\rX-Inj: 1",
    "\r\nX-Inj: 1\r\n",
    "x: y\r\nX-Inj: 1\r\n\r\n",
    "x\r\n X-Inj: 1",
    "x\0\r\n\r\nGET /smuggled HTTP/1.1\r\nX-Inj: 1\r\n\r\n",
];

#[test]
fn inj_3_nothing_that_takes_a_text_writes_a_line_of_its_own() {
    for_each_first_try(|trip| {
        trip.stage.host("a", |received| match (received.target(), &*value(received, "authorization")) {
            ("/digest", "-") => answer("401 No", &["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\""], ""),
            _ => Reply::ok("ok"),
        });
        let mut arrived = 0;
        for evil in EVIL {
            for (what, result) in said(trip, evil) {
                // The challenge was asked for in any case.
                arrived += usize::from(what == "digest");
                match result {
                    Ok(_) => arrived += 1,
                    Err(error) => assert_refused(&error, what),
                }
            }
        }
        assert!(arrived > 100);
        assert_eq!(trip.stage.seen().len(), arrived, "nobody saw more than was sent");
        for head in heads(trip) {
            assert_is_as_it_should_be(&head, "a text");
        }
        assert!(
            trip.stage.lines().iter().all(|line| line.starts_with("a GET /") && !line.contains("/smuggled"))
        );
    });
}

#[test]
fn inj_3_nothing_that_is_said_of_a_proxy_writes_a_line_of_its_own() {
    for evil in EVIL {
        for (scheme, kind) in [("http", "http"), ("https", "http"), ("http", "socks5"), ("http", "socks5h")] {
            let stage = Stage::new();
            stage.host("a", |_| Reply::ok("ok"));
            let proxy = stage.world.proxy("proxy.example", ["10.2.0.1"]);
            let mut sent = 0;
            for place in [
                format!("{evil}@proxy.example:3128"),
                format!("{evil}:{evil}@proxy.example:3128"),
                format!("u:{evil}@proxy.example:3128"),
                format!("{}:{}@proxy.example:3128", encoded(evil), encoded(evil)),
                format!("u:{}@proxy.example:3128", encoded(evil)),
                format!("{evil}.proxy.example:3128"),
                format!("proxy.example:{evil}"),
                format!("proxy.example:3128/{evil}"),
            ] {
                let text = format!("{kind}://{place}");
                let get = || stage.session().get(format!("{scheme}://a/"));
                let set = Proxies::all(&text).and_then(|proxies| get().proxies(proxies).send());
                for result in [get().proxy(&text).send(), set] {
                    match result {
                        Ok(_) => sent += 1,
                        Err(error) => assert_refused(&error, &text),
                    }
                }
            }
            assert!(sent > 0 && stage.seen().len() == sent, "{kind}: {sent}");
            let hosts = stage.seen();
            let asked = proxy.seen();
            let heads = hosts.iter().map(Received::head).chain(asked.iter().filter_map(|a| a.head()));
            for head in heads {
                assert_is_as_it_should_be(head.as_bytes(), evil);
            }
        }
    }
}

/// Every octet of a text as `%XX`.
fn encoded(text: &str) -> String {
    text.bytes().map(|octet| format!("%{octet:02x}")).collect()
}
