//! The known attacks on cookies that a program gives to a request or a jar, on every way a request can take.

use crate::paths::for_each_path;
use crate::support::{Stage, value};
use crate::threats_cookies::{cookie, fields, hosts};
use cookie::Cookie;
use pool::sim::Reply;
use proptest::prelude::*;
use session::ErrorKind;

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
