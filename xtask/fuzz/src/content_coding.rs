use crate::input::{builder, chunked, finished, first_line};
use pool::sim::{Fragments, Reply, World};
use session::{ErrorKind, Session};
use std::io::Read;
use std::time::Duration;

/// However the octets of an encoded body are cut on their way, and however they are read, what comes out of its decoders is
/// the same: the same bytes and the same kind of end. A damaged body is an error of kind `Decode` or `Body`, never a panic
/// and never a whole body.
///
/// The first line is the list of codings, the second the sizes of the chunks, used over and over; the rest is the body.
pub fn content_coding(data: &[u8]) {
    let (codings, rest) = first_line(data);
    let (sizes, body) = first_line(rest);
    let is_list = |b: &u8| b.is_ascii_alphanumeric() || b"-, ".contains(b);
    let codings: String = codings.iter().filter(|b| is_list(b)).map(|b| char::from(*b)).collect();

    let world = World::new(u64::from(sizes.first().copied().unwrap_or_default()));
    let field = format!("Content-Encoding: {codings}");
    let (whole, cut) = (chunked(&field, &[], body), chunked(&field, sizes, body));
    world.host("a.example", ["10.0.0.1"]).accept_all(move |asked| {
        Reply::raw(if asked.target() == "/whole" { whole.clone() } else { cut.clone() })
    });
    let session = finished(builder(&world).timeout(Duration::from_secs(3600)).max_body(MOST));
    let (bytes, end) = read(&session, "http://a.example/whole", 64 * 1024);
    world.fragment(Fragments::Random);
    for piece in [1, 7, 4096] {
        let (again, other) = read(&session, "http://a.example/cut", piece);
        assert_eq!(other, end, "{codings} read by {piece}");
        // The decoder of br does not say how much of a copy that goes beyond its block comes before the fault.
        let vague = codings.contains("br") && end.is_some();
        assert!(again == bytes || vague, "{codings} read by {piece}: other bytes");
    }
    match session.get("http://a.example/cut").send() {
        Ok(response) => assert!(end.is_none() && response.bytes() == bytes, "{codings}: another body"),
        Err(error) => {
            let too_long = error.kind() == ErrorKind::Body && bytes.len() >= MOST;
            assert!(end == Some(error.kind()) || too_long, "{codings}: {error}");
        }
    }
    drop(session);
    world.assert_quiet();
}

/// More than this is not read of one body.
const MOST: usize = 1 << 14;

/// What a stream gives in reads of at most so many bytes, up to [`MOST`], and the error behind it.
fn read(session: &Session, url: &str, piece: usize) -> (Vec<u8>, Option<ErrorKind>) {
    let mut stream = match session.get(url).stream() {
        Ok(stream) => stream,
        Err(error) => return (Vec::new(), Some(error.kind())),
    };
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; piece]);
    while bytes.len() < MOST {
        match stream.read(&mut buffer) {
            Ok(0) => return (bytes, None),
            Ok(n) => bytes.extend_from_slice(buffer.get(..n).unwrap_or_default()),
            Err(error) => {
                let error = error.downcast::<session::Error>();
                return (bytes, error.ok().map(|error| error.kind()));
            }
        }
    }
    bytes.truncate(MOST);
    (bytes, None)
}
