//! Fields encoded once give the same heads as fields encoded each time.

use http_wire::{BodyKind, HeadError, Headers, Method, Preset, RequestBuilder, RequestHead};

fn headers(fields: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.append(name, value).unwrap();
    }
    headers
}

fn start() -> RequestBuilder {
    RequestHead::builder(Method::POST, "/p")
}

#[test]
fn a_preset_is_the_same_as_its_headers_wherever_it_stands() {
    let presets: [&[(&str, &str)]; 6] = [
        &[],
        &[("User-Agent", "u"), ("Accept", "*/*")],
        &[("Accept", "*/*"), ("Connection", "keep-alive"), ("X", "y")],
        &[("Connection", "close")],
        &[("Host", "other.example")],
        &[("Connection", "keep-alive"), ("connection", "close")],
    ];
    type Step = fn(RequestBuilder) -> RequestBuilder;
    let before: [Step; 5] = [
        |b| b,
        |b| b.header("Host", "a.example"),
        |b| b.header("Host", "a.example").header("Connection", "close"),
        |b| b.header("Host", "a.example").close(),
        |b| b.header("Host", "a.example").body(BodyKind::Length(3)).upgrade("websocket"),
    ];
    let behind: [Step; 5] = [
        |b| b,
        |b| b.header("X-More", "1"),
        |b| b.close(),
        |b| b.body(BodyKind::Chunked).expect_continue(),
        |b| b.upgrade("websocket").body(BodyKind::Length(0)),
    ];
    let mut compared = 0;
    for fields in presets {
        let headers = headers(fields);
        let preset = Preset::new(&headers).unwrap();
        for before in before {
            for behind in behind {
                let each_time = behind(before(start()).headers(&headers)).build();
                let once = behind(before(start()).preset(&preset)).build();
                assert_eq!(
                    once.map(|head| head.as_bytes().to_vec()),
                    each_time.map(|head| head.as_bytes().to_vec())
                );
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 150);
}

#[test]
fn two_presets_in_one_head_are_their_headers_one_after_the_other() {
    let one = headers(&[("Connection", "keep-alive"), ("A", "1")]);
    let two = headers(&[("B", "2"), ("Connection", "close")]);
    let host = || start().header("Host", "a.example");
    let once =
        host().preset(&Preset::new(&one).unwrap()).preset(&Preset::new(&two).unwrap()).build().unwrap();
    assert_eq!(once, host().headers(&one).headers(&two).build().unwrap());
    assert_eq!(once.headers().get("connection").unwrap(), "close");
}

#[test]
fn a_preset_is_checked_when_it_is_made() {
    for (name, value) in [
        ("Content-Length", "3"),
        ("Transfer-Encoding", "chunked"),
        ("Expect", "100-continue"),
        ("Connection", "x"),
    ] {
        assert_eq!(Preset::new(&headers(&[(name, value)])).unwrap_err(), HeadError::ReservedHeader, "{name}");
    }
    assert_eq!(Preset::new(&headers(&[("Host", "a"), ("host", "b")])).unwrap_err(), HeadError::DuplicateHost);
}
