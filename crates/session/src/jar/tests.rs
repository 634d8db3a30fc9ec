//! What only the flow can see: cookies of one request, the memo, and the lock.

use std::time::{Duration, SystemTime};

use url::Url;

use super::CookieJar;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn jar(fields: &[&str]) -> CookieJar {
    let jar = CookieJar::new();
    jar.store(&url("https://a.test/"), fields.iter().map(|field| field.as_bytes()), NOW);
    jar
}

fn sent_with(jar: &CookieJar, extra: &[(&str, &str)]) -> Option<String> {
    let extra: Vec<_> = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    jar.header(&url("https://a.test/"), NOW, &extra).map(|line| String::from_utf8(line).unwrap())
}

fn remembered(jar: &CookieJar) -> usize {
    jar.lock().memo_len()
}

#[test]
fn ck_11_a_cookie_of_the_request_beats_the_jar_and_does_not_stick() {
    let jar = jar(&["s=old", "other=1", "s=older; Path=/; Domain=a.test"]);
    assert_eq!(sent_with(&jar, &[("s", "new")]).as_deref(), Some("other=1; s=new"));
    assert_eq!(sent_with(&jar, &[]).as_deref(), Some("s=old; other=1; s=older"));
    assert_eq!(sent_with(&CookieJar::new(), &[("s", "new")]).as_deref(), Some("s=new"));
    assert_eq!(sent_with(&CookieJar::new(), &[]), None);
}

#[test]
fn a_cookie_of_the_request_that_could_not_be_read_back_is_left_out() {
    let jar = jar(&["a=1"]);
    for pair in [
        ("x", "1; admin=1"),
        ("x", "1\r\nY: z"),
        ("x=y", "1"),
        ("", "x=1"),
        ("a;", ""),
        ("", ""),
        (" x", "1"),
    ] {
        assert_eq!(sent_with(&jar, &[pair]).as_deref(), Some("a=1"), "{pair:?}");
        assert!(super::check_pair(pair.0, pair.1).is_err());
    }
    assert_eq!(super::check_pair("x", "a=b, \"c\""), Ok(()));
}

#[test]
fn cookies_of_the_request_leave_less_room_for_stored_ones() {
    let jar = jar(&[&format!("a={}", "v".repeat(4_000)), &format!("b={}", "v".repeat(4_000))]);
    let line = sent_with(&jar, &[("c", &"v".repeat(500))]).unwrap();
    assert!(line.starts_with("b=") && line.contains("; c=") && !line.contains("a="));
    let line = sent_with(&jar, &[("c", &"v".repeat(9_000))]).unwrap();
    assert_eq!(line.len(), 9_002);
    let many: Vec<_> = (0..149).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "")).collect();
    let jar = self::jar(&["a=1", "b=2"]);
    assert!(sent_with(&jar, &many).unwrap().starts_with("b=2; 0=; 1="));
}

#[test]
fn a_set_cookie_that_changes_nothing_keeps_the_remembered_header() {
    let fields = ["a=1; Max-Age=60", "b=2; Path=/x", "c=3; Secure"];
    let jar = jar(&fields);
    let page = url("https://a.test/");
    sent_with(&jar, &[]);
    assert_eq!(remembered(&jar), 1);
    jar.store(&page, fields.iter().map(|field| field.as_bytes()), NOW + Duration::from_secs(30));
    jar.store(&page, [&b"a=1"[..], b"bad=1; Domain=b.test", b"gone=; Max-Age=0"].into_iter(), NOW);
    assert_eq!(remembered(&jar), 1);
    jar.store(&page, [&b"a=2"[..]].into_iter(), NOW);
    assert_eq!(remembered(&jar), 0);
}

#[test]
fn only_a_few_headers_are_remembered() {
    let jar = jar(&["a=1"]);
    for n in 0..100 {
        assert!(jar.header(&url(&format!("https://a.test/{n}")), NOW, &[]).is_some());
    }
    assert_eq!(remembered(&jar), 8);
}

#[test]
fn an_empty_jar_is_not_asked_for_a_header() {
    let jar = CookieJar::new();
    assert_eq!(sent_with(&jar, &[]), None);
    assert_eq!(remembered(&jar), 0);
}

#[test]
fn a_poisoned_lock_is_taken_as_it_is() {
    let jar = jar(&["a=1"]);
    let other = jar.clone();
    let panicked = std::thread::spawn(move || {
        let _held = other.lock();
        panic!("while the lock is held");
    });
    assert!(panicked.join().is_err());
    assert_eq!(sent_with(&jar, &[]).as_deref(), Some("a=1"));
    assert_eq!(jar.len(), 1);
}
