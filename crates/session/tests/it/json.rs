//! JSON both ways: what is written, what is refused, and what an error says.

use crate::support::{Stage, answer, value};
use pool::sim::Reply;
use serde::{Deserialize, Serialize};
use session::{ErrorKind, JsonError, Response};
use std::collections::BTreeMap;
use std::error::Error as _;

fn sent(body: &(impl Serialize + ?Sized)) -> Result<(String, String), session::Error> {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    let sent = stage.session().post("http://a.example/").json(body).send();
    assert_eq!(stage.seen().len(), usize::from(sent.is_ok()));
    sent.map(|_| {
        (String::from_utf8(stage.last().body().to_vec()).unwrap(), value(&stage.last(), "content-type"))
    })
}

fn got(body: &'static str) -> Response {
    let stage = Stage::new();
    stage.host("a.example", move |_| answer("200 OK", &["X-A: 1"], body));
    stage.session().get("http://a.example/").send().unwrap()
}

#[derive(Serialize, Clone, Copy)]
struct Point<T> {
    x: T,
    y: T,
}

#[derive(Serialize)]
enum Shape {
    Unit,
    Newtype(f64),
    Tuple(f64, f64),
    Struct { r: f64 },
}

type Numbers = (u8, i8, u16, i16, u32, i32, u64, i64, u128, i128, f32, f64, char, bool);

#[derive(Serialize)]
struct Wrapped(f64);

#[derive(Serialize)]
struct Pair(u8, f64);

#[test]
fn b_2_json_is_compact_utf_8_and_has_its_type_unless_one_is_set() {
    let json = serde_json::json!([{"a": "é\n\u{1}"}, {"b": [1, 2.5, null]}]);
    let (body, content_type) = sent(&json).unwrap();
    assert_eq!(body, r#"[{"a":"é\n\u0001"},{"b":[1,2.5,null]}]"#);
    assert_eq!(content_type, "application/json");
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    let post = stage.session().post("http://a.example/").header("Content-Type", "application/ld+json");
    post.json(&1).send().unwrap();
    assert_eq!(value(&stage.last(), "content-type"), "application/ld+json");
}

#[test]
fn b_2_what_is_written_is_what_serde_json_writes() {
    #[derive(Serialize)]
    struct All<'a> {
        numbers: Numbers,
        text: &'a str,
        none: Option<u8>,
        some: Option<Point<f64>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        skipped: Option<u8>,
        unit: (),
        shapes: [Shape; 4],
        wrapped: Wrapped,
        pair: Pair,
        map: BTreeMap<u32, Vec<f32>>,
        shown: std::net::Ipv4Addr,
        #[serde(flatten)]
        flat: BTreeMap<&'a str, f64>,
    }
    let all = All {
        numbers: (1, -1, 2, -2, 3, -3, u64::MAX, i64::MIN, 5, -5, 0.1, 1e300, 'é', true),
        text: "\"\\",
        none: None,
        some: Some(Point { x: 1.0, y: -0.0 }),
        skipped: None,
        unit: (),
        shapes: [Shape::Unit, Shape::Newtype(1.5), Shape::Tuple(1.0, 2.0), Shape::Struct { r: 3.0 }],
        wrapped: Wrapped(4.0),
        pair: Pair(1, 2.0),
        map: BTreeMap::from([(7, vec![1.25])]),
        shown: std::net::Ipv4Addr::LOCALHOST,
        flat: BTreeMap::from([("flat", 1.0)]),
    };
    assert_eq!(sent(&all).unwrap().0, serde_json::to_string(&all).unwrap());
}

#[test]
fn b_2_nan_and_the_infinities_are_refused_wherever_they_are() {
    fn refused(value: &impl Serialize, words: &str) {
        let error = sent(value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        let text = error.to_string();
        assert!(text.starts_with("POST http://a.example/: ") && text.contains(words), "{text}");
        assert!(error.source().is_some());
    }
    refused(&f64::NAN, "NaN is not a number that JSON has");
    refused(&f64::INFINITY, "inf is not a number");
    refused(&f64::NEG_INFINITY, "-inf is not a number");
    refused(&f32::NAN, "NaN is not a number");
    refused(&Some(f32::INFINITY), "inf is not");
    refused(&[1.0, f64::NAN], "NaN is not a number that JSON has (at [1])");
    refused(&(1, f64::NAN), "(at [1])");
    refused(&Point { x: 1.0, y: f64::NAN }, "(at y)");
    refused(
        &BTreeMap::from([("orders", [Point { x: 0.0, y: f64::INFINITY }])]),
        "inf is not a number that JSON has (at orders[0].y)",
    );
    refused(&[Shape::Newtype(f64::NAN)], "NaN is not");
    refused(&[Shape::Tuple(0.0, f64::NAN)], "NaN is not");
    refused(&[Shape::Struct { r: f64::NAN }], "NaN is not");
    refused(&[Wrapped(f64::NAN)], "NaN is not");
    refused(&[Pair(0, f64::NAN)], "NaN is not");
    struct Keys(f64);
    impl Serialize for Keys {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(self.0, 1)])
        }
    }
    refused(&Keys(f64::NAN), "NaN is not");
    assert_eq!(sent(&Keys(1.5)).unwrap().0, r#"{"1.5":1}"#);
}

#[derive(Debug, Deserialize)]
struct Order {
    #[expect(dead_code, reason = "only its absence matters")]
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[expect(dead_code, reason = "only its absence matters")]
    price: u32,
}

#[test]
fn o_8_an_error_names_type_way_place_and_the_bytes_around_it_and_has_the_answer() {
    let body =
        "{\"items\": [\n {\"price\": 1},\n {\"price\": \"two\", \"note\": \"and so on and on and on\"}]}";
    let error = got(body).json::<Order>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let text = error.to_string();
    for words in [
        "GET http://a.example/: the body is no JSON for ",
        "::Order: invalid type: string \"…\", expected u32 (the value of items[1].price) at line 3 column 16 (byte 42)",
        "near …\" {\\\"price\\\": 1},\\n {\\\"price\\\": \\\"two\\\", \\\"note\\\": \\\"and so on and on a\"…",
    ] {
        assert!(text.contains(words), "{text}");
    }
    let response = error.response().unwrap();
    assert_eq!((response.text().as_ref(), response.header("x-a")), (body, Some("1")));
    assert!(error.may_have_been_processed());
    let source = error.source().unwrap().downcast_ref::<JsonError>().unwrap();
    assert_eq!((source.path(), source.line(), source.column()), ("items[1].price", 3, 16));
    assert_eq!((source.offset(), source.is_syntax()), (body.find("\"two\"").unwrap() + 4, false));
}

#[test]
fn o_8_a_text_that_is_no_json_is_shown_where_it_stops_being_one() {
    for (body, offset, words) in [
        ("<html>no</html>", 0, "expected value at line 1 column 1 (byte 0), near \"<html>no</html>\""),
        ("[1, 2", 4, "EOF while parsing a list at line 1 column 5"),
        ("[1] x", 4, "trailing characters at line 1 column 5"),
        ("[1]\n\n }", 6, "trailing characters at line 3 column 2"),
        ("", 0, "the body is empty, which is no JSON for "),
    ] {
        let error = got(body).json::<Vec<u32>>().unwrap_err();
        let source = error.source().unwrap().downcast_ref::<JsonError>().unwrap();
        assert_eq!(
            (source.offset(), source.path(), source.is_syntax()),
            (offset, "", true),
            "{body}: {error}"
        );
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn o_8_utf_16_and_32_and_marks_are_detected_for_errors_too() {
    let text = "{\"a\": \"é\"}";
    let utf16 = || text.encode_utf16();
    let bodies: [Vec<u8>; 5] = [
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        utf16().flat_map(u16::to_le_bytes).collect(),
        utf16().flat_map(u16::to_be_bytes).collect(),
        text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect(),
        text.chars().flat_map(|c| (c as u32).to_be_bytes()).collect(),
    ];
    for body in bodies {
        let stage = Stage::new();
        stage.host("a.example", move |_| answer("200 OK", &[], &body));
        let response = stage.session().get("http://a.example/").send().unwrap();
        assert_eq!(response.json::<BTreeMap<String, String>>().unwrap()["a"], "é");
        let error = response.json::<BTreeMap<String, u8>>().unwrap_err();
        assert!(error.to_string().contains("(the value of a) at line 1 column 10"), "{error}");
    }
}
