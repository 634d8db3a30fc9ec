//! `Headers` as a collection.

use crate::support::{request, started};
use http_wire::{Event, HeadError, Headers, Inbox, Limits, Method, http};

fn of(fields: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.append(name, value).unwrap();
    }
    headers
}

fn text(headers: &Headers) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_owned(), value.to_str().unwrap().to_owned())).collect()
}

#[test]
fn names_compare_without_case_and_keep_theirs() {
    let headers = of(&[("Content-Type", "a"), ("X", "b"), ("x", "c")]);
    assert_eq!(headers.get("CONTENT-TYPE").unwrap(), "a");
    assert_eq!(headers.get(http::header::CONTENT_TYPE).unwrap(), "a");
    assert_eq!(headers.get_all("X").map(|v| v.to_str().unwrap()).collect::<Vec<_>>(), ["b", "c"]);
    assert!(headers.contains("x") && !headers.contains("y") && headers.get("y").is_none());
    assert_eq!((headers.len(), headers.is_empty(), Headers::new().is_empty()), (3, false, true));
}

#[test]
fn insert_keeps_the_slot_and_takes_the_new_spelling() {
    let mut headers = of(&[("A", "1"), ("b", "2"), ("B", "3"), ("C", "4"), ("b", "5")]);
    headers.insert("B", "6").unwrap();
    headers.insert("D", "7").unwrap();
    assert_eq!(headers, of(&[("A", "1"), ("B", "6"), ("C", "4"), ("D", "7")]));
    assert_eq!(text(&headers)[1].0, "B");
}

#[test]
fn update_sets_all_fields_or_none() {
    let mut headers = of(&[("A", "1"), ("b", "2"), ("b", "3")]);
    headers.update([("B", "4"), ("C", "5"), ("c", "6")]).unwrap();
    assert_eq!(text(&headers), text(&of(&[("A", "1"), ("B", "4"), ("c", "6")])));
    headers.update(std::collections::BTreeMap::from([("D".to_owned(), vec![0xff_u8])])).unwrap();
    assert_eq!(headers.get("d").unwrap().as_bytes(), [0xff]);
    let before = headers.clone();
    assert_eq!(headers.update([("A", "9"), ("E", "x\ny")]), Err(HeadError::BadHeaderValue));
    assert_eq!(headers.update([("A", "9"), ("E E", "x")]), Err(HeadError::BadHeaderName));
    assert_eq!(headers, before);
}

#[test]
fn a_loop_goes_through_the_fields_as_iter_does() {
    let headers = of(&[("A", "1"), ("b", "2"), ("A", "3")]);
    let mut seen = Vec::new();
    for (name, value) in &headers {
        seen.push((name.to_owned(), value.to_str().unwrap().to_owned()));
    }
    assert_eq!(seen, text(&headers));
    let mut rest = headers.iter();
    rest.next();
    assert_eq!((rest.size_hint(), format!("{rest:?}")), ((2, Some(2)), r#"{"b": "2", "A": "3"}"#.to_owned()));
}

#[test]
fn remove_takes_all_of_a_name() {
    let mut headers = of(&[("A", "1"), ("b", "2"), ("B", "3")]);
    assert!(headers.remove("B"));
    assert!(!headers.remove("B"));
    assert_eq!(headers, of(&[("a", "1")]));
}

#[test]
fn what_is_no_field_is_refused_and_changes_nothing() {
    let mut headers = of(&[("A", "1")]);
    for (name, value, error) in [
        ("", "x", HeadError::BadHeaderName),
        ("a b", "x", HeadError::BadHeaderName),
        ("A", "x\r\ny", HeadError::BadHeaderValue),
        ("A", "x\0", HeadError::BadHeaderValue),
        ("A", " x", HeadError::BadHeaderValue),
        ("B", "x\t", HeadError::BadHeaderValue),
    ] {
        assert_eq!((headers.insert(name, value), headers.append(name, value)), (Err(error), Err(error)));
    }
    assert_eq!(headers, of(&[("A", "1")]));
}

#[test]
fn lists_are_read_over_all_fields_of_a_name() {
    let headers = of(&[("Connection", "a, , b"), ("X", "y"), ("connection", ",c\t,")]);
    let tokens: Vec<_> = headers.tokens("CONNECTION").map(|v| v.to_str().unwrap()).collect();
    assert_eq!(tokens, ["a", "b", "c"]);
    assert!(headers.tokens("connection").any(|token| token.eq_ignore_ascii_case("B")));
}

#[test]
fn equality_knows_order_and_values_but_not_the_case_of_names() {
    assert_eq!(of(&[("A", "x"), ("B", "y")]), of(&[("a", "x"), ("b", "y")]));
    assert_ne!(of(&[("A", "x"), ("B", "y")]), of(&[("B", "y"), ("A", "x")]));
    assert_ne!(of(&[("A", "x")]), of(&[("A", "X")]));
}

#[test]
fn many_changes_leave_the_right_fields() {
    let mut headers = of(&[("A", "1"), ("B", "2")]);
    for i in 0..100_000 {
        headers.insert("A", format!("value {i}")).unwrap();
        headers.append("C", "x".repeat(100)).unwrap();
        headers.remove("c");
    }
    assert_eq!(headers, of(&[("A", "value 99999"), ("B", "2")]));
}

#[test]
fn a_name_is_found_in_any_spelling_and_no_other_is_found_for_it() {
    // All names of up to three of these, among them such as share length, first and last letter.
    let letters = ["a", "Z", "-", "1", "~"];
    let mut names: Vec<String> = letters.map(String::from).to_vec();
    for from in [0, letters.len()] {
        let longer = names[from..].iter().flat_map(|name| letters.map(|letter| format!("{name}{letter}")));
        names.extend(longer.collect::<Vec<_>>());
    }
    names.extend(["Content-Length", "Set-Cookie", "Location", "ETag"].map(String::from));
    for name in &names {
        let headers = of(&[("Server", "s"), (name, "x"), ("Date", "d")]);
        for other in &names {
            let same = name.eq_ignore_ascii_case(other);
            for spelling in [other.to_ascii_lowercase(), other.to_ascii_uppercase()] {
                assert_eq!(headers.contains(&spelling), same, "{spelling} in {name}");
                assert_eq!(headers.get(&spelling).is_some(), same, "{spelling} in {name}");
                assert_eq!(headers.get_all(&spelling).count(), usize::from(same), "{spelling} in {name}");
            }
        }
        let text = format!("HTTP/1.1 200 OK\r\nServer: s\r\n{name}: 1\r\n\r\n");
        let limits = Limits::default();
        let (mut wire, mut inbox) = (started(&request(Method::GET), limits), Inbox::new(&limits));
        inbox.push(text.as_bytes());
        let Ok(Some(Event::Response(head))) = wire.next_event(&mut inbox) else { panic!("{text:?}") };
        assert!(head.headers().contains(name.to_ascii_lowercase()), "{name} off the wire");
    }
}
