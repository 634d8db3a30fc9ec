//! The known attacks on cookies, on every way a request can take: with an answer and with a redirect, at the first try
//! and after a retry.

use crate::paths::{FIRST, Path, Trip, for_each_path};
use crate::support::{Stage, answer, value};
use pool::sim::Reply;
use session::{CookieJar, ErrorKind, Proxies, Retry, Session};

/// Hosts of these names and addresses. Each sets `fields` at `/set`, and at `/go-{host}` too, where it leads to that
/// host.
pub(crate) fn hosts(trip: &Trip, names: &[(&str, &str)], fields: &[String]) {
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
pub(crate) fn cookie(trip: &Trip, session: &Session, place: &str) -> String {
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

pub(crate) fn fields(fields: &[&str]) -> Vec<String> {
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

/// Of both schemes, so that a proxy is asked in both of its ways.
#[test]
fn c_7_a_secure_cookie_stays_within_tls_and_is_not_covered_from_outside_it_on_any_way() {
    let proxies = ["", "http://proxy.test", "socks5://proxy.test", "socks5h://proxy.test"];
    for (proxy, first) in proxies.into_iter().flat_map(|proxy| FIRST.map(|first| (proxy, first))) {
        for streamed in [false, true] {
            let stage = Stage::at_second(first);
            stage.host("a.test", |r| match (r.target(), r.addr().port()) {
                ("/set", 443) => {
                    let set = ["s=1; Secure", "__Host-h=1; Secure; Path=/", "p=1; Path=/deep", "plain=1"];
                    let set = set.map(|field| format!("Set-Cookie: {field}"));
                    answer(
                        "302 Go",
                        &[&set[0], &set[1], &set[2], &set[3], "Location: http://a.test/deep/x"],
                        "",
                    )
                }
                ("/set", _) => {
                    let set = ["s=evil", "s=evil; Domain=a.test", "__Host-h=evil; Path=/", "s=evil; Secure"];
                    let set = set.map(|field| format!("Set-Cookie: {field}"));
                    answer(
                        "302 Go",
                        &[&set[0], &set[1], &set[2], &set[3], "Location: https://a.test/deep/x"],
                        "",
                    )
                }
                _ => Reply::ok("end"),
            });
            stage.world.proxy("proxy.test", ["10.2.0.1"]);
            let proxies = Proxies::new().set("all", proxy).unwrap();
            let session = stage.builder().proxies(proxies).retry(Retry::idempotent(9)).build().unwrap();
            for (url, sent) in [
                ("https://a.test/set", "p=1; plain=1"),
                ("http://a.test/set", "p=1; s=1; __Host-h=1; plain=1"),
                ("http://a.test/deep", "p=1; plain=1"),
                ("https://a.test/deeper", "s=1; __Host-h=1; plain=1"),
                ("http://a.test/deeper", "plain=1"),
            ] {
                let request = session.get(url);
                if streamed { request.stream().unwrap().into_response() } else { request.send() }.unwrap();
                assert_eq!(value(&stage.last(), "cookie"), sent, "{proxy} {first:?} {url}");
            }
        }
    }
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
    // What is refused has not been accepted.
    let refused = (0..25).map(|n| format!("r{n}=v; Domain=other.test"));
    let many: Vec<String> = refused.chain((0..100).map(|n| format!("c{n}=v"))).collect();
    for_each_path(|trip| {
        hosts(trip, &[("site.test", "10.3.0.1")], &many);
        let session = trip.session();
        assert_eq!(cookie(trip, &session, "site.test/go-site.test").split("; ").count(), 50);
        assert_eq!(session.cookies().len(), 50, "{:?}", trip.path);
        let response = trip.send(session.get(trip.url("site.test/set"))).unwrap();
        let shown: Vec<String> = response.cookies().iter().map(|cookie| cookie.name().to_owned()).collect();
        assert_eq!(shown, (0..50).map(|n| format!("c{n}")).collect::<Vec<_>>(), "{:?}", trip.path);
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
        // 14 answers bring 196 cookies: the domain loses 16 of them. All 700 come on every path, and on the direct one in
        // every way of sending and reading.
        let flood = trip.path == Path::Direct || !(trip.streamed || trip.retried());
        for _ in 0..if flood { 100 } else { 2 } {
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
    for_each_path(|trip| {
        // Octets that are no text, and what would end a line if it were decoded.
        let octets = b"n\xff=\x80\xfe%; u=%u000a\\r\\n&#10+; e=\xc4\x8d\xc4\x8a";
        trip.stage.host("a.test", move |_| {
            let fields =
                octets.split(|octet| *octet == b';').map(|pair| [b"Set-Cookie:", pair, b"\r\n"].concat());
            let fields: Vec<u8> = fields.collect::<Vec<_>>().concat();
            Reply::raw([b"HTTP/1.1 200 OK\r\n", &fields[..], b"Content-Length: 0\r\n\r\n"].concat())
        });
        let session = trip.session();
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        // Alone, and where credentials see the request before it is sent.
        for request in [session.get(trip.url("a.test/")), session.get(trip.url("a.test/")).basic("u", "p")] {
            trip.send(request).unwrap();
            let head = trip.stage.last().head().as_bytes().to_vec();
            let line = [b"\r\nCookie: ", &octets[..], b"\r\n"].concat();
            let lines = head.windows(line.len()).filter(|window| *window == line).count();
            assert_eq!(lines, 1, "{:?}: {}", trip.path, String::from_utf8_lossy(&head));
        }
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
