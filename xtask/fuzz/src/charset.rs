use crate::input::{builder, chunked, finished, first_line};
use crate::link::with_request;
use pool::sim::{Fragments, Reply, World};
use session::{Response, Session, http};
use std::time::Duration;

/// However a body is cut on its way, its lines are those of its whole text: by the charset that `Content-Type` says, by one
/// that the caller says, and with a byte order mark.
///
/// The first line is the charset, the second the sizes of the chunks, used over and over; the rest is the body.
pub fn charset(data: &[u8]) {
    let (label, rest) = first_line(data);
    let (sizes, body) = first_line(rest);
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"-_:.".contains(b);
    let label: String = label.iter().filter(|b| is_name(b)).map(|b| char::from(*b)).collect();
    let whole = whole(&label, body);

    let world = World::new(u64::from(sizes.first().copied().unwrap_or_default()));
    world.fragment(if sizes.len() % 2 == 0 { Fragments::Random } else { Fragments::Whole });
    let reply = chunked(&format!("Content-Type: text/plain; charset={label}"), sizes, body);
    world.host("a.example", ["10.0.0.1"]).accept_all(move |_| Reply::raw(reply.clone()));
    let session = finished(builder(&world).timeout(Duration::from_secs(3600)));
    let lines = |session: &Session| session.get("http://a.example/").stream().map(session::Streaming::lines);
    assert_eq!(joined(lines(&session)), ended(&whole.text()), "{label}");
    // Without Content-Type, a mark or UTF-8; and as the caller says.
    for label in [&*label, "utf-8", "utf-16le", "iso-2022-jp"] {
        let Ok(text) = whole.text_with(label) else { continue };
        let stream = session.get("http://a.example/").stream();
        assert_eq!(joined(stream.and_then(|stream| stream.lines_with(label))), ended(&text), "told {label}");
    }
    let mut stream =
        session.get("http://a.example/").stream().unwrap_or_else(|error| unreachable!("{error}"));
    let mut octets = Vec::new();
    for chunk in stream.chunks() {
        octets.extend_from_slice(&chunk.unwrap_or_else(|error| unreachable!("{error}")));
    }
    assert!(octets == body, "the octets are other ones");
    drop((stream, session));
    world.assert_quiet();
}

/// An answer with the body at once.
fn whole(label: &str, body: &[u8]) -> Response {
    let answer = http::Response::builder().header("Content-Type", format!("text/plain; charset={label}"));
    let answer = answer.body(body.to_vec()).unwrap_or_else(|error| unreachable!("{error}"));
    with_request(|request| Response::from_http(request, answer))
        .unwrap_or_else(|error| unreachable!("{error}"))
}

/// The lines with one `\n` behind each.
fn joined(lines: Result<session::Lines, session::Error>) -> String {
    let lines = lines.unwrap_or_else(|error| unreachable!("{error}"));
    lines.map(|line| line.unwrap_or_else(|error| unreachable!("{error}")) + "\n").collect()
}

/// The text with all line ends as `\n`, the last line's included.
fn ended(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }
}
