//! URLs: what is sent for what was written, and what is refused.

use crate::support::{Stage, value};
use pool::sim::Reply;
use proptest::prelude::*;
use session::{ErrorKind, Session};

/// A host that answers under every name the tests use.
fn stage(names: &[&str]) -> Stage {
    let stage = Stage::new();
    for name in names {
        stage.host(name, |_| Reply::ok("ok"));
    }
    stage
}

/// What is sent for a URL: `Host` and the target.
fn sent(stage: &Stage, session: &Session, url: &str) -> (String, String) {
    session.get(url).send().unwrap_or_else(|error| panic!("{url}: {error}"));
    let last = stage.last();
    (value(&last, "host"), last.target().to_owned())
}

/// The error for a URL that is refused before anything is sent.
fn refused(session: &Session, url: &str) -> String {
    let error = session.get(url).send().map(|response| response.url().to_string()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request, "{url}: {error}");
    error.to_string()
}

#[test]
fn u_1_space_around_a_url_is_no_part_of_it() {
    let (stage, session) = with(&["a.example"]);
    assert_eq!(sent(&stage, &session, "  http://a.example/x "), ("a.example".into(), "/x".into()));
}

fn with(names: &[&str]) -> (Stage, Session) {
    let stage = stage(names);
    let session = stage.session();
    (stage, session)
}

#[test]
fn u_2_a_scheme_that_is_not_http_is_an_error_that_says_so() {
    let (stage, session) = with(&[]);
    for url in ["mailto:a@b.example", "data:,x", "file:///etc/passwd", "ftp://a.example/", "http+unix://a/"] {
        let text = refused(&session, url);
        assert!(text.contains("scheme"), "{text}");
    }
    assert_eq!(stage.world.connections(), 0);
}

#[test]
fn u_3_a_missing_scheme_or_host_is_an_error_that_helps() {
    let (_, session) = with(&[]);
    assert!(refused(&session, "a.example/x").contains("https://a.example/x"));
    for url in ["a.example:8080/x", "//a.example/x", "http://", "https:///", "http://?x", "", "/x"] {
        refused(&session, url);
    }
}

#[test]
fn u_4_a_name_outside_ascii_is_asked_for_in_its_ascii_form() {
    let (stage, session) = with(&["xn--strae-oqa.de", "xn--n3h.net"]);
    assert_eq!(sent(&stage, &session, "http://straße.de/").0, "xn--strae-oqa.de");
    assert_eq!(sent(&stage, &session, "http://☃.net/").0, "xn--n3h.net");
    for url in ["http://\u{ad}/", "http://a b.example/", "http://a<b/", "http://xn--/"] {
        refused(&session, url);
    }
}

#[test]
fn u_5_scheme_and_host_are_lower_case_default_ports_go_and_impossible_ones_are_errors() {
    let (stage, session) = with(&["a.example"]);
    for url in ["HTTP://A.Example", "http://a.example:80/", "http://a.example:/"] {
        assert_eq!(sent(&stage, &session, url), ("a.example".into(), "/".into()), "{url}");
    }
    for url in ["http://a.example:65536/", "http://a.example:8o/", "http://a.example:-1/"] {
        refused(&session, url);
    }
}

#[test]
fn u_6_dot_segments_are_removed_and_repeated_slashes_kept() {
    let (stage, session) = with(&["a.example"]);
    assert_eq!(sent(&stage, &session, "http://a.example/a/./b/../c").1, "/a/c");
    assert_eq!(sent(&stage, &session, "http://a.example//a///b").1, "//a///b");
    assert_eq!(sent(&stage, &session, "http://a.example/%2e%2e/x").1, "/x");
}

#[test]
fn u_7_what_cannot_be_sent_is_percent_encoded_and_what_is_encoded_is_kept() {
    let (stage, session) = with(&["a.example"]);
    assert_eq!(sent(&stage, &session, "http://a.example/%7Euser/%zz").1, "/%7Euser/%zz");
    assert_eq!(sent(&stage, &session, "http://a.example/ü x\"<>`{}").1, "/%C3%BC%20x%22%3C%3E%60%7B%7D");
    assert_eq!(sent(&stage, &session, "http://a.example/?a[]=1&b='\"").1, "/?a[]=1&b=%27%22");
}

#[test]
fn u_10_userinfo_becomes_basic_and_leaves_the_url() {
    let (stage, session) = with(&["a.example"]);
    let response = session.get("http://user:p%40ss@a.example/x").send().unwrap();
    assert_eq!(value(&stage.last(), "authorization"), "Basic dXNlcjpwQHNz");
    assert_eq!(response.url().as_str(), "http://a.example/x");
    assert_eq!(response.request().url().as_str(), "http://a.example/x");
    assert_eq!(stage.last().target(), "/x");
}

proptest! {
    #[test]
    fn pn_2_no_text_is_a_panic_and_none_is_shown_unescaped(text in "\\PC{0,60}|[\\x00-\\x7f]{0,60}") {
        let session = Session::builder().ignore_environment().build().unwrap();
        if let Err(error) = session.get(&text).build() {
            prop_assert!(!error.to_string().chars().any(char::is_control));
        }
    }
}
