//! Values that are never shown, and what a map of fields keeps while it is changed.

use http_wire::http::{HeaderMap, HeaderValue};
use http_wire::{Headers, Method, Preset, RequestHead};
use proptest::prelude::*;

/// What no text may hold.
const SECRET: &str = "hunter2";

#[test]
fn lg_1_a_value_that_is_marked_is_never_shown_and_still_sent() {
    let mut headers = Headers::new();
    headers.append("X-Open", "shown").unwrap();
    headers.append_sensitive("X-Api-Key", SECRET).unwrap();
    headers.append("X-Late", SECRET).unwrap();
    assert!(headers.set_sensitive("x-late") && !headers.set_sensitive("x-none"));
    headers.append("X-Set", "a").unwrap();
    headers.insert_sensitive("x-set", SECRET).unwrap();
    let preset = Preset::new(&headers).unwrap();
    let builder = RequestHead::builder(Method::GET, "/").header("Host", "a.test").headers(&headers);
    let head = builder.clone().build().unwrap();
    for text in [
        format!("{headers:?}"),
        format!("{:?}", headers.clone()),
        format!("{:?}", headers.get("x-api-key")),
        format!("{:?}", headers.get_all("X-Late").collect::<Vec<_>>()),
        format!("{:?}", headers.iter().collect::<Vec<_>>()),
        format!("{:?}", headers.tokens("x-set").collect::<Vec<_>>()),
        format!("{preset:?} {builder:?} {head:?}"),
        format!("{:?}", HeaderMap::try_from(&headers).unwrap()),
    ] {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert_eq!(
        format!("{headers:?}"),
        r#"{"X-Open": "shown", "X-Api-Key": <redacted>, "X-Late": <redacted>, "x-set": <redacted>}"#
    );
    let sent = String::from_utf8_lossy(head.as_bytes());
    assert_eq!(sent.matches(SECRET).count(), 3, "{sent}");
}

#[test]
fn lg_1_credentials_and_cookies_are_never_shown_marked_or_not() {
    let names = ["Authorization", "proxy-authorization", "COOKIE", "Set-Cookie"];
    let mut headers = Headers::new();
    for name in names {
        headers.append(name, SECRET).unwrap();
    }
    for name in names {
        let value = headers.get(name).unwrap();
        assert!(value.is_sensitive() && value == SECRET, "{name}");
        assert_eq!(format!("{value:?}"), "<redacted>");
    }
    let map = HeaderMap::try_from(&headers).unwrap();
    assert!(map.values().all(HeaderValue::is_sensitive));
    assert!(!format!("{headers:?}{map:?}").contains(SECRET));
}

#[test]
fn a_mark_belongs_to_one_value_and_goes_with_it() {
    let mut headers = Headers::new();
    headers.append_sensitive("X", "1").unwrap();
    headers.append("x", "2").unwrap();
    let marks = |headers: &Headers| headers.get_all("x").map(|v| v.is_sensitive()).collect::<Vec<_>>();
    assert_eq!(marks(&headers), [true, false]);
    let mut copy = Headers::new();
    for (name, value) in headers.iter() {
        copy.append_value(name, value).unwrap();
    }
    assert_eq!((marks(&copy), &copy), (vec![true, false], &headers));
    copy.insert_value("Y", headers.get("x").unwrap()).unwrap();
    assert!(copy.get("y").unwrap().is_sensitive());
    copy.insert("y", "3").unwrap();
    assert!(!copy.get("y").unwrap().is_sensitive(), "a new value is as it was given");
    let unmarked = {
        let mut headers = Headers::new();
        headers.append("X", "1").unwrap();
        headers
    };
    headers.remove("x");
    headers.append_sensitive("x", "1").unwrap();
    assert_eq!(headers, unmarked, "marks do not make two maps different");
    assert_eq!(headers.get("x"), unmarked.get("x"));
}

#[test]
fn what_is_no_field_is_refused_whether_sensitive_or_not() {
    let mut headers = Headers::new();
    assert!(
        headers.append_sensitive("X", "a\r\nb").is_err() && headers.insert_sensitive("X Y", "a").is_err()
    );
    assert!(headers.is_empty());
}

/// One change of a map.
#[derive(Clone, Debug)]
enum Change {
    Append(&'static str, String, bool),
    Insert(&'static str, String, bool),
    Mark(&'static str),
    Remove(&'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let name = || prop::sample::select(vec!["A", "a", "Long-Name", "long-NAME", "Cookie", "X"]);
    let value = || "[!-~]{1,40}";
    prop_oneof![
        4 => (name(), value(), any::<bool>()).prop_map(|(n, v, s)| Change::Append(n, v, s)),
        3 => (name(), value(), any::<bool>()).prop_map(|(n, v, s)| Change::Insert(n, v, s)),
        1 => name().prop_map(Change::Mark),
        1 => name().prop_map(Change::Remove),
    ]
}

/// A map, written as simply as can be.
type Model = Vec<(&'static str, String, bool)>;

fn apply(model: &mut Model, change: Change) {
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    match change {
        Change::Append(name, value, mark) => model.push((name, value, mark)),
        Change::Insert(name, value, mark) => match model.iter().position(|field| same(field.0, name)) {
            None => model.push((name, value, mark)),
            Some(at) => {
                model[at] = (name, value, mark);
                let mut index = 0;
                model.retain(|field| {
                    index += 1;
                    index <= at + 1 || !same(field.0, name)
                });
            }
        },
        Change::Mark(name) => {
            model.iter_mut().filter(|field| same(field.0, name)).for_each(|field| field.2 = true);
        }
        Change::Remove(name) => model.retain(|field| !same(field.0, name)),
    }
}

/// The fields with what is shown of each.
fn fields(headers: &Headers) -> Vec<(String, String, bool)> {
    let one = |(name, value): (&str, http_wire::Value<'_>)| {
        (name.to_owned(), value.to_str().unwrap().to_owned(), value.is_sensitive())
    };
    headers.iter().map(one).collect()
}

proptest! {
    /// Whatever is done to a map, order, spelling, values and marks are those of a plain list, and so are those of
    /// its copies and of the map it makes for the `http` crate.
    #[test]
    fn h_2_a_map_is_a_list_of_fields_with_marks(changes in prop::collection::vec(change(), 0..60)) {
        let (mut headers, mut model) = (Headers::new(), Model::new());
        for change in changes {
            match &change {
                Change::Append(name, value, true) => headers.append_sensitive(name, value).unwrap(),
                Change::Append(name, value, false) => headers.append(name, value).unwrap(),
                Change::Insert(name, value, true) => headers.insert_sensitive(name, value).unwrap(),
                Change::Insert(name, value, false) => headers.insert(name, value).unwrap(),
                Change::Mark(name) => drop(headers.set_sensitive(name)),
                Change::Remove(name) => drop(headers.remove(name)),
            }
            apply(&mut model, change);
        }
        let expected: Vec<_> = model
            .iter()
            .map(|(name, value, mark)| {
                ((*name).to_owned(), value.clone(), *mark || name.eq_ignore_ascii_case("cookie"))
            })
            .collect();
        prop_assert_eq!(fields(&headers), expected.clone());
        prop_assert_eq!(fields(&headers.clone()), expected.clone());
        let shown: String = format!("{headers:?}");
        prop_assert_eq!(
            shown.matches("<redacted>").count() >= expected.iter().filter(|field| field.2).count(),
            true
        );
        let back = Headers::try_from(HeaderMap::try_from(&headers).unwrap()).unwrap();
        let sorted = |headers: &Headers| {
            let mut fields = fields(headers);
            fields.iter_mut().for_each(|field| field.0.make_ascii_lowercase());
            fields.sort();
            fields
        };
        prop_assert_eq!(sorted(&back), sorted(&headers));
    }
}
