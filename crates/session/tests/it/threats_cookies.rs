//! The known attacks on cookies, on every way a request can take: with an answer and with a redirect, at the first try
//! and after a retry.

use crate::paths::{Path, Trip, for_each_path};
use crate::support::{Stage, answer, value};
use cookie::Cookie;
use pool::sim::Reply;
use proptest::prelude::*;
use session::{CookieJar, ErrorKind, Session};

/// Hosts of these names and addresses. Each sets `fields` at `/set`, and at `/go-{host}` too, where it leads to that
/// host.
fn hosts(trip: &Trip, names: &[(&str, &str)], fields: &[String]) {
    for (name, addr) in names {
        let (path, fields) = (trip.path, fields.to_vec());
        trip.stage.host_at(name, addr, move |r| {
            let to = r.target().strip_prefix("/go-").map(|host| path.url(&format!("{host}/shown")));
            let location = to.iter().map(|url| format!("Location: {url}"));
            let setting = to.is_some() || r.target() == "/set";
            let fields = fields.iter().filter(|_| setting).map(|field| format!("Set-Cookie: {field}"));
            let lines: Vec<String> = location.chain(fields).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            answer(if to.is_some() { "302 Go" } else { "200 OK" }, &lines, "x")
        });
    }
}

/// Sends to a place, and tells the `Cookie` of the last request that came of it.
fn cookie(trip: &Trip, session: &Session, place: &str) -> String {
    trip.send(session.get(trip.url(place))).unwrap();
    value(&trip.stage.last(), "cookie")
}

/// `setter` sets these fields, by an answer and by a redirect to the stranger: no stranger is sent a cookie. What the
/// setter itself is sent afterwards.
fn kept_from(trip: &Trip, setter: &str, fields: &[String], strangers: &[&str]) -> String {
    let mut names = vec![(setter.trim_start_matches('[').trim_end_matches(']'), address(setter, 0))];
    for (n, stranger) in strangers.iter().enumerate() {
        names.push((stranger.trim_start_matches('[').trim_end_matches(']'), address(stranger, n + 1)));
    }
    let names: Vec<(&str, &str)> = names.iter().map(|(name, addr)| (*name, addr.as_str())).collect();
    hosts(trip, &names, fields);
    let session = trip.session();
    cookie(trip, &session, &format!("{setter}/set"));
    let told_nothing = |how: &str| {
        let head = trip.stage.last().head().as_bytes().to_ascii_lowercase();
        let head = String::from_utf8_lossy(&head).into_owned();
        assert!(!head.contains("cookie"), "{:?}: {fields:?} of {setter} {how}: {head}", trip.path);
    };
    for stranger in strangers {
        cookie(trip, &session, &format!("{stranger}/"));
        told_nothing(&format!("at {stranger}"));
    }
    let redirected = trip.session();
    for stranger in strangers {
        cookie(trip, &redirected, &format!("{setter}/go-{stranger}"));
        assert_eq!(trip.stage.last().target(), "/shown");
        told_nothing(&format!("redirecting to {stranger}"));
    }
    let own = trip.builder().cookie_jar(session.cookies().clone()).build().unwrap();
    cookie(trip, &own, &format!("{setter}/"))
}

/// An address for the n-th host, or the one that is its name.
fn address(host: &str, n: usize) -> String {
    match host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>() {
        Ok(addr) => addr.to_string(),
        Err(_) => format!("10.3.0.{}", n + 1),
    }
}

fn fields(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

#[test]
fn ck_1_an_address_is_no_domain_with_parents_on_any_way() {
    for (setter, domain, strangers, own) in [
        ("127.0.0.1", "0.0.1", ["127.0.0.2", "10.0.0.1"], "-"),
        ("192.168.0.1", ".168.0.1", ["127.168.0.1", "10.0.0.1"], "-"),
        ("127.0.0.1", "127.0.0.1", ["127.0.0.2", "1.127.0.0"], "a=1"),
        ("10.0.0.1", "10.0.0.1.", ["10.0.0.2", "127.0.0.1"], "-"),
        ("10.0.0.1", "1", ["10.0.0.2", "0.0.0.1"], "-"),
        ("[2001:db8::1]", "db8::1]", ["[2001:db8::2]", "[::1]"], "-"),
        ("[::ffff:127.0.0.1]", "127.0.0.1", ["127.0.0.1", "[::1]"], "-"),
        ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", ["127.0.0.1", "[::1]"], "a=1"),
    ] {
        for_each_path(|trip| {
            let sent = kept_from(trip, setter, &fields(&[&format!("a=1; Domain={domain}")]), &strangers);
            assert_eq!(sent, own, "{:?}: {setter} {domain}", trip.path);
        });
    }
}

#[cfg(feature = "psl")]
#[test]
fn ck_2_no_way_brings_a_cookie_of_a_public_suffix() {
    let domains = ["co.uk", "co.uk.", "uk", "uk.", "."];
    let all: Vec<String> = (0..).zip(domains).map(|(n, domain)| format!("c{n}=1; Domain={domain}")).collect();
    for setter in ["a.co.uk", "a.co.uk."] {
        for_each_path(|trip| {
            let sent = kept_from(trip, setter, &all, &["b.co.uk", "b.co.uk.", "c.b.uk"]);
            assert_eq!(sent, "-", "{:?} {setter}", trip.path);
        });
    }
}

#[cfg(feature = "psl")]
#[test]
fn ck_3_letter_case_does_not_hide_a_public_suffix_on_any_way() {
    for_each_path(|trip| {
        let set = fields(&["a=1; Domain=co.UK", "b=1; Domain=CO.uk", "c=1; Domain=.Co.Uk"]);
        assert_eq!(kept_from(trip, "curl.co.uk", &set, &["other.co.uk", "co.uk"]), "-", "{:?}", trip.path);
    });
}

#[test]
fn ck_4_a_domain_of_dots_or_nothing_reaches_no_other_host_on_any_way() {
    let others = ["other.test", "sub.setter.test", "test"];
    for_each_path(|trip| {
        let set = fields(&["a=1; Domain=.", "b=1; Domain=..", "c=1; Domain="]);
        let own = kept_from(trip, "setter.test", &set, &others);
        assert!(own.split("; ").all(|pair| ["a=1", "b=1", "c=1"].contains(&pair)), "{:?}: {own}", trip.path);
    });
}

#[test]
fn ck_5_a_stranger_cannot_set_a_cookie_on_any_way() {
    for_each_path(|trip| {
        let set = fields(&["a=1; Domain=good.test", "b=1; Domain=.good.test", "c=1; Domain=vil.test"]);
        let own = kept_from(trip, "evil.test", &set, &["good.test", "vil.test", "www.good.test"]);
        assert_eq!(own, "-", "{:?}", trip.path);
    });
}

#[test]
fn ck_6_no_cookie_that_came_on_any_way_forges_a_line_of_a_file() {
    let long = "n".repeat(5 * 1024);
    for field in [
        "tab=1\t.evil.test\tTRUE\t/".to_owned(),
        format!("{long}=1"),
        "pct=%0d%0a.evil.test%09TRUE".to_owned(),
    ] {
        for_each_path(|trip| {
            let set = [field.clone(), "ok=1".to_owned()];
            hosts(trip, &[("a.test", "10.3.0.1"), ("evil.test", "10.3.0.2")], &set);
            let session = trip.session();
            cookie(trip, &session, "a.test/set");
            let (mut json, mut lines) = (Vec::new(), Vec::new());
            session.cookies().write_json(&mut json).unwrap();
            let written = session.cookies().write_netscape(&mut lines).unwrap().left_out().is_empty();
            let (of_json, of_lines) = (CookieJar::new(), CookieJar::new());
            of_json.read_json(&json[..]).unwrap();
            of_lines.read_netscape(&lines[..]).unwrap();
            let own = cookie(trip, &session, "a.test/");
            assert_eq!(session.cookies().len(), 1 + usize::from(!field.starts_with("nnn")), "{field:?}");
            for (jar, whole) in [(of_json, true), (of_lines, written)] {
                let loaded = trip.builder().cookie_jar(jar).build().unwrap();
                assert_eq!(cookie(trip, &loaded, "evil.test/"), "-", "{:?}: {field:?}", trip.path);
                let expected = if whole { own.as_str() } else { "ok=1" };
                assert_eq!(cookie(trip, &loaded, "a.test/"), expected, "{:?}: {field:?}", trip.path);
            }
        });
    }
}

/// A line end in a value ends the field: what follows is no field, or one of its own.
#[test]
fn ck_6_a_line_end_in_a_value_ends_the_field_on_any_way() {
    for (fields, own) in [
        ("lf=1\n.evil.test\tTRUE\t/\tFALSE\t0\tx\ty", None),
        ("crlf=1\r\n.evil.test\tTRUE\t/", None),
        ("cr=1\r.evil.test\tTRUE\t/", None),
        ("nul=1\0.evil.test\tTRUE\t/", None),
        ("fold=1\r\n\t.evil.test\tTRUE\t/", Some("fold=1 .evil.test\tTRUE\t/; ok=1")),
    ] {
        for_each_path(|trip| {
            let set = [fields.to_owned(), "ok=1".to_owned()];
            hosts(trip, &[("a.test", "10.3.0.1"), ("evil.test", "10.3.0.2")], &set);
            let session = trip.session();
            match (trip.send(session.get(trip.url("a.test/set"))), own) {
                (Ok(_), Some(own)) => assert_eq!(cookie(trip, &session, "a.test/"), own, "{:?}", trip.path),
                (Err(error), None) => {
                    assert_eq!(error.kind(), ErrorKind::Protocol, "{:?}: {fields:?} {error}", trip.path);
                    assert!(session.cookies().is_empty(), "{:?}: {fields:?}", trip.path);
                }
                (other, _) => panic!("{:?}: {fields:?}: {other:?}", trip.path),
            }
            assert_eq!(cookie(trip, &session, "evil.test/"), "-", "{:?}: {fields:?}", trip.path);
        });
    }
}

#[test]
fn ck_7_a_flood_on_any_way_leaves_fifty_of_an_answer_and_requests_that_are_answered() {
    let many: Vec<String> = (0..100).map(|n| format!("c{n}=v")).collect();
    for_each_path(|trip| {
        hosts(trip, &[("site.test", "10.3.0.1")], &many);
        let session = trip.session();
        assert_eq!(cookie(trip, &session, "site.test/go-site.test").split("; ").count(), 50);
        assert_eq!(session.cookies().len(), 50, "{:?}", trip.path);
    });
    for_each_path(|trip| {
        let mut turn = 0;
        trip.stage.host("www.site.test", move |_| {
            turn += 1;
            let fields = (0..14).map(|n| format!("r{turn}n{n}")).map(|name| {
                // Name and value are 4 KiB together.
                format!("Set-Cookie: {name}={}; Domain=site.test", "v".repeat(4_096 - name.len()))
            });
            let fields: Vec<String> = fields.collect();
            answer("200 OK", &fields.iter().map(String::as_str).collect::<Vec<_>>(), "ok")
        });
        let jar = CookieJar::new();
        // 14 answers bring 196 cookies: the domain loses 16 of them. The whole flood comes on one way.
        let whole = trip.path == Path::Direct && !trip.streamed && !trip.retried();
        for _ in 0..if whole { 100 } else { 2 } {
            let session = trip.builder().cookie_jar(jar.clone()).build().unwrap();
            for _ in 0..7 {
                let response = trip.send(session.get(trip.url("www.site.test/"))).unwrap();
                assert_eq!(response.status(), 200, "{:?}", trip.path);
            }
        }
        assert_eq!(jar.len(), 180);
        let session = trip.builder().cookie_jar(jar).build().unwrap();
        let line = cookie(trip, &session, "www.site.test/");
        assert!(line.len() > 4_096 && "Cookie: ".len() + line.len() <= 8_190, "{:?}", trip.path);
    });
}

#[test]
fn ck_8_values_come_back_as_they_are_on_every_way() {
    let set = fields(&["a=%0d%0aX:%20y", "q=\"a b\"", "z=a=b=c"]);
    let sent = "a=%0d%0aX:%20y; q=\"a b\"; z=a=b=c";
    for_each_path(|trip| {
        hosts(trip, &[("a.test", "10.3.0.1")], &set);
        let session = trip.session();
        cookie(trip, &session, "a.test/set");
        assert_eq!(cookie(trip, &session, "a.test/"), sent, "{:?}", trip.path);
        assert_eq!(cookie(trip, &trip.session(), "a.test/go-a.test"), sent, "{:?}", trip.path);
        assert_eq!(value(&trip.stage.last(), "x"), "-");
    });
}

#[test]
fn ck_9_a_host_field_decides_about_no_cookie_on_any_way() {
    for_each_path(|trip| {
        hosts(trip, &[("a.test", "10.3.0.1"), ("b.test", "10.3.0.2")], &fields(&["of=b"]));
        let session = trip.session();
        cookie(trip, &session, "b.test/set");
        for place in ["a.test/", "a.test/go-a.test"] {
            session.cookies().clear();
            cookie(trip, &session, "b.test/set");
            trip.send(session.get(trip.url(place)).header("Host", "b.test")).unwrap();
            assert_eq!(value(&trip.stage.last(), "host"), "b.test", "the origin is the same");
            let own = if place == "a.test/" { "-" } else { "of=b" };
            assert_eq!(value(&trip.stage.last(), "cookie"), own, "{:?} {place}", trip.path);
            assert_eq!(cookie(trip, &session, "a.test/"), own, "{:?} {place}", trip.path);
        }
        // What was set in answer to such a request is of the host that was asked.
        assert_eq!(session.cookies().list_domains(), ["b.test", "a.test"]);
    });
}

#[test]
fn ck_9_a_host_field_of_a_session_makes_nobody_the_setter_of_its_cookies_on_any_way() {
    for_each_path(|trip| {
        let set = fields(&["wide=1; Domain=b.test", "own=1"]);
        hosts(trip, &[("a.test", "10.3.0.1"), ("b.test", "10.3.0.2")], &set);
        let mut session = trip.session();
        session.headers_mut().insert("host", "b.test").unwrap();
        cookie(trip, &session, "a.test/set");
        assert_eq!(session.cookies().list_domains(), ["a.test"], "{:?}", trip.path);
        assert_eq!(cookie(trip, &session, "a.test/"), "own=1", "{:?}", trip.path);
        session.headers_mut().remove("host");
        assert_eq!(cookie(trip, &session, "b.test/"), "-", "{:?}", trip.path);
        assert_eq!(value(&trip.stage.last(), "host"), "b.test");
    });
}

#[test]
fn ck_10_no_cookie_of_a_program_makes_another_line_or_pair_on_any_way() {
    for_each_path(|trip| {
        hosts(trip, &[("a.test", "10.3.0.1")], &[]);
        let session = trip.session();
        for (name, text) in [
            ("a;b", "1"),
            ("a=b", "1"),
            ("a\r\nX-Inj: y", "1"),
            ("a", "1; b=2"),
            ("a", "1\r\nX-Inj: y"),
            ("a", "1\n"),
            ("a", "1\0"),
            ("", ""),
        ] {
            let error = trip.send(session.get(trip.url("a.test/")).cookie(name, text)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request, "{:?}: {name:?} {text:?}", trip.path);
            let url = trip.url("a.test/").parse().unwrap();
            assert!(session.cookies().set(&url, Cookie::new(name, text)).is_err(), "{name:?} {text:?}");
            let mut inserted = Cookie::new(name, text);
            inserted.set_domain("a.test");
            assert!(session.cookies().insert(inserted).is_err(), "{name:?} {text:?}");
        }
        assert!(trip.stage.seen().is_empty() && session.cookies().is_empty());
        trip.send(session.get(trip.url("a.test/")).cookie("a", "1")).unwrap();
        assert_eq!(trip.stage.values("cookie"), ["a=1"], "{:?}", trip.path);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a request is given is an error, or read back as that pair beside the one of the jar.
    #[test]
    fn ck_10_a_cookie_of_a_request_is_sent_as_that_one_pair(
        name in "[a-z=; \t\r\n\u{0}\u{7f},\"é_]{0,4}",
        text in "[a-z=; \t\r\n\u{0}\u{7f},\"é]{0,4}",
    ) {
        let stage = Stage::new();
        stage.host("a.test", |_| Reply::ok("ok"));
        let session = stage.session();
        session.cookies().set(&"http://a.test/".parse().unwrap(), Cookie::new("in-the-jar", "1")).unwrap();
        match session.get("http://a.test/").cookie(name.clone(), text.clone()).send() {
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::Request);
                prop_assert!(stage.seen().is_empty());
            }
            Ok(_) => {
                let head = stage.last().head().as_bytes().to_vec();
                let lines = head.split(|octet| *octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
                let line: Vec<&[u8]> = lines.filter_map(|line| line.strip_prefix(b"Cookie: ")).collect();
                prop_assert_eq!(line.len(), 1);
                let line = String::from_utf8(line[0].to_vec()).unwrap();
                let pairs: Vec<&str> = line.split(';').map(|pair| pair.trim_matches([' ', '\t'])).collect();
                let pairs: Vec<(&str, &str)> =
                    pairs.into_iter().map(|pair| pair.split_once('=').unwrap_or(("", pair))).collect();
                prop_assert_eq!(pairs, [("in-the-jar", "1"), (name.as_str(), text.as_str())]);
            }
        }
        prop_assert_eq!(session.cookies().len(), 1);
    }
}

#[test]
fn ck_11_what_is_said_beats_the_jar_once_on_every_way_and_sessions_share_nothing() {
    for_each_path(|trip| {
        hosts(trip, &[("a.test", "10.3.0.1")], &fields(&["s=old"]));
        let (one, two) = (trip.session(), trip.session());
        cookie(trip, &one, "a.test/set");
        // What is said last counts.
        for request in [
            one.get(trip.url("a.test/")).cookie("s", "new"),
            one.get(trip.url("a.test/")).cookie("s", "older").cookie("s", "new"),
            one.get(trip.url("a.test/")).header("cookie", "s=new"),
        ] {
            trip.send(request).unwrap();
            assert_eq!(value(&trip.stage.last(), "cookie"), "s=new", "{:?}", trip.path);
            let head = String::from_utf8_lossy(trip.stage.last().head().as_bytes()).into_owned();
            assert_eq!((head.matches("s=new").count(), head.matches("old").count()), (1, 0), "{head}");
        }
        trip.send(one.get(trip.url("a.test/go-a.test")).cookie("s", "new")).unwrap();
        assert_eq!(value(&trip.stage.last(), "cookie"), "s=new", "{:?}: the origin is the same", trip.path);
        assert_eq!(cookie(trip, &one, "a.test/"), "s=old", "{:?}: it does not stick", trip.path);
        assert_eq!(cookie(trip, &two, "a.test/"), "-", "{:?}", trip.path);
    });
}
