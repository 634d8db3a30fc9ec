//! Octets that are no text, wherever a server or a proxy can say some: they are octets, or an error with a kind.

use crate::support::Stage;
use pool::sim::Reply;
use session::{Challenge, Digest, ErrorKind, Response, Retry, Streaming};

const URL: &str = "http://a.example/";

/// The fields that something here reads, and a few that are only handed on.
const KNOWN: [&str; 30] = [
    "Connection",
    "Location",
    "Set-Cookie",
    "Content-Type",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Authentication-Info",
    "Retry-After",
    "Content-Encoding",
    "Transfer-Encoding",
    "Content-Length",
    "Keep-Alive",
    "Proxy-Connection",
    "Upgrade",
    "Trailer",
    "Link",
    "Date",
    "Expires",
    "Age",
    "Vary",
    "ETag",
    "Last-Modified",
    "Cache-Control",
    "Content-Disposition",
    "Content-Range",
    "Content-Language",
    "Strict-Transport-Security",
    "Alt-Svc",
    "Refresh",
    "X-Other",
];

/// Asks an answer for everything that there is to ask.
fn ask_everything(response: &Response, name: &str, octets: &[u8]) {
    let fields = [response.headers().get(name), response.trailers().and_then(|trailers| trailers.get(name))];
    let fields: Vec<&[u8]> = fields.iter().flatten().map(|value| value.as_bytes()).collect();
    let texts =
        response.history().iter().map(|hop| hop.headers().get(name).map(|value| value.as_bytes().to_vec()));
    let kept = fields.contains(&octets) || texts.flatten().any(|value| value == octets);
    assert!(kept || response.headers().get(name).is_none(), "{name}: {octets:?} are {fields:?}");
    let text = (response.text().into_owned(), response.encoding(), response.reason().into_owned());
    assert!(!text.0.is_empty());
    let links = response.links();
    let shown = format!(
        "{response:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        response.header(name),
        response.cookies(),
        links.iter().map(|link| (link.target(), link.url(), link.rels().count())).collect::<Vec<_>>(),
        Challenge::all(response.head()),
        response.json::<u8>().map_err(|error| error.to_string()),
        response.next().map_err(|error| error.to_string()),
        response.clone().error_for_status().map_err(|error| error.to_string()),
    );
    assert!(!shown.is_empty());
}

#[test]
fn pn_3_octets_that_are_no_text_in_any_field_are_octets() {
    for (nth, name) in KNOWN.into_iter().enumerate() {
        let all: Vec<u8> = (0x80..=0xff).collect();
        let mut values: Vec<Vec<u8>> = all.iter().map(|octet| vec![*octet]).collect();
        values.push(all);
        for with in [
            "a=\"\u{80}",
            "1\u{80}",
            "gzip, \u{80}",
            "Basic \u{ff}",
            "Digest nonce=\u{ff}, realm=\"\u{80}",
            "<\u{ff}>; rel=\u{ff}",
        ] {
            values.push(with.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect());
        }
        for (count, octets) in values.into_iter().enumerate() {
            let status = ["200 OK", "302 Go", "401 No", "503 Later", "407 Pay"][(nth + count) % 5];
            let line = [name.as_bytes(), b": ", &octets, b"\r\n"].concat();
            let framing = match name {
                "Content-Length" | "Transfer-Encoding" => "",
                _ if count % 2 == 0 => "Content-Length: 4\r\n",
                _ => "Transfer-Encoding: chunked\r\n",
            };
            let (body, last) = match framing {
                "Transfer-Encoding: chunked\r\n" => ("4\r\ntext\r\n0\r\n", [&line, &b"\r\n"[..]].concat()),
                _ => ("text", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\n{framing}");
            let bytes = [head.as_bytes(), &line, b"\r\n", body.as_bytes(), &last].concat();
            let stage = Stage::new();
            stage.host("a.example", move |received| match received.target() {
                "/good" => Reply::ok("good"),
                _ => Reply::raw(bytes.clone()),
            });
            let session =
                stage.builder().retry(Retry::idempotent(1)).auth(Digest::new("u", "p")).build().unwrap();
            for result in
                [session.get(URL).send(), session.get(URL).stream().and_then(Streaming::into_response)]
            {
                match result {
                    Ok(response) => ask_everything(&response, name, &octets),
                    Err(error) => {
                        let expected = match name {
                            "Content-Length" | "Transfer-Encoding" => ErrorKind::Protocol,
                            "Location" => ErrorKind::Redirect,
                            _ => ErrorKind::Decode,
                        };
                        assert_eq!(error.kind(), expected, "{name}: {octets:?}: {error}");
                        assert!(!format!("{error} {error:?}").is_empty());
                    }
                }
            }
            assert_eq!(
                session.get("http://a.example/good").send().unwrap().text(),
                "good",
                "{name}: {octets:?}"
            );
        }
    }
}

#[test]
fn pn_3_octets_that_are_no_text_in_reasons_interim_answers_and_those_of_proxies_are_octets() {
    let all: Vec<u8> = (0x80..=0xff).collect();
    let fields: Vec<u8> =
        KNOWN.iter().flat_map(|name| [name.as_bytes(), b": ", &all, b"\r\n"].concat()).collect();
    let fields: Vec<u8> = fields
        .split_inclusive(|octet| *octet == b'\n')
        .filter(|line| {
            // What would decide where the answer ends.
            !line.starts_with(b"Content-Length") && !line.starts_with(b"Transfer-Encoding")
        })
        .flatten()
        .copied()
        .collect();
    for status in ["103", "100", "199"] {
        let head = [b"HTTP/1.1 ", status.as_bytes(), b" ", &all, b"\r\n", &fields, b"\r\n"].concat();
        let answer = [b"HTTP/1.1 200 ", &*all, b"\r\nContent-Length: 2\r\n\r\nok"].concat();
        let stage = Stage::new();
        stage.host("a.example", move |_| Reply::raw([&head[..], &answer].concat()));
        let response = stage.session().get(URL).send().unwrap();
        assert_eq!((&*response.text(), response.head().reason().chars().count()), ("ok", 128), "{status}");
    }
    for status in ["200 ", "407 ", "502 "] {
        let stage = Stage::new();
        let proxy = stage.world.host("proxy.example", ["10.2.0.1"]);
        let head = [b"HTTP/1.1 ", status.as_bytes(), &all, b"\r\n", &fields, b"\r\n"].concat();
        proxy.accept_all(move |_| Reply::raw(head.clone()).close());
        let session = stage.builder().proxy("http://u:p@proxy.example:3128").build().unwrap();
        let error = session.get("https://a.example/").send().unwrap_err();
        let expected = if status == "200 " { ErrorKind::Closed } else { ErrorKind::Proxy };
        assert_eq!(error.kind(), expected, "{status}: {error}");
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
    }
}
