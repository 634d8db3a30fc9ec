//! Each request is one message, with one framing and the fields that were asked for: read from the bytes of the whole
//! connection, by the letter of RFC 9112, with nothing of what wrote them.

use crate::support::Stage;
use pool::sim::Peer;
use proptest::prelude::*;
use session::{Body, Error, ErrorKind, Hook, Request, Session, http};

/// What a strict server makes of all the bytes of a connection.
#[derive(Debug)]
struct Message {
    /// The request line.
    line: String,
    fields: Vec<(String, Vec<u8>)>,
    /// `length`, `chunked`, or nothing.
    framing: Option<&'static str>,
    body: Vec<u8>,
}

impl Message {
    /// Reads one message, and nothing may be left.
    fn read(mut bytes: &[u8]) -> Self {
        let line = String::from_utf8(line(&mut bytes).to_vec()).unwrap();
        let mut fields = Vec::new();
        loop {
            let field = self::line(&mut bytes);
            if field.is_empty() {
                break;
            }
            let colon = field.iter().position(|octet| *octet == b':').unwrap();
            let (name, value) = (&field[..colon], &field[colon + 1..]);
            let token = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(octet);
            assert!(!name.is_empty() && name.iter().all(token), "{:?}", String::from_utf8_lossy(field));
            let value = value.strip_prefix(b" ").unwrap();
            let legal = |octet: &u8| *octet == b'\t' || (*octet >= b' ' && *octet != 0x7f);
            assert!(value.iter().all(legal) && value.trim_ascii() == value, "{value:?}");
            fields.push((String::from_utf8(name.to_vec()).unwrap(), value.to_vec()));
        }
        let values = |wanted: &str| {
            let of = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            of.map(|(_, value)| std::str::from_utf8(value).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(values("host").len(), 1);
        let (framing, body) = match (&*values("content-length"), &*values("transfer-encoding")) {
            ([], []) => (None, Vec::new()),
            ([length], []) => (Some("length"), take(&mut bytes, length.parse().unwrap()).to_vec()),
            ([], ["chunked"]) => (Some("chunked"), chunks(&mut bytes)),
            both => panic!("two framings: {both:?}"),
        };
        assert!(bytes.is_empty(), "more than one message: {:?}", String::from_utf8_lossy(bytes));
        Self { line, fields, framing, body }
    }
}

/// The bytes up to the next CRLF, which is the only line end there is.
fn line<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap();
    let line = take(bytes, end + 2);
    let line = &line[..end];
    assert!(!line.iter().any(|octet| b"\r\n\0".contains(octet)), "{:?}", String::from_utf8_lossy(line));
    line
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at_checked(count).unwrap();
    *bytes = rest;
    taken
}

fn chunks(bytes: &mut &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let size = std::str::from_utf8(line(bytes)).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        body.extend_from_slice(take(bytes, size));
        assert!(line(bytes).is_empty(), "no trailers");
        if size == 0 {
            return body;
        }
    }
}

/// A host that answers one request, whatever it is.
fn listening() -> (Stage, Peer) {
    let stage = Stage::new();
    let peer = stage.world.host("a.example", ["10.0.0.1"]).accept();
    peer.expect("").reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    (stage, peer)
}

const URL: &str = "http://a.example/";

/// Sends a request with this body of which somebody says this field.
type Speaker = fn(&Stage, Body, &str, &str) -> Result<(), Error>;

const SPEAKERS: [Speaker; 8] = [
    |stage, body, name, text| stage.session().get(URL).body(body).header(name, text).send().map(drop),
    |stage, body, name, text| stage.session().get(URL).header(name, text).body(body).send().map(drop),
    |stage, body, name, text| stage.session().get(URL).body(body).headers([(name, text)]).stream().map(drop),
    |stage, body, name, text| {
        let session = stage.builder().header(name, text).build()?;
        session.get(URL).body(body).send().map(drop)
    },
    |stage, body, name, text| {
        let hook = Says(name.to_owned(), text.to_owned());
        stage.session().get(URL).body(body).hook(hook).send().map(drop)
    },
    |stage, body, name, text| {
        let (name, text) = (name.to_owned(), text.to_owned());
        let auth = move |request: &mut Request| request.set_header(&name, &text);
        stage.session().get(URL).body(body).auth(auth).send().map(drop)
    },
    |stage, body, name, text| {
        let mut request = stage.session().get(URL).body(body).build()?;
        request.set_header(name, text)?;
        stage.session().send(request).map(drop)
    },
    |stage, body, name, text| {
        let request = http::Request::get(URL).header(name, text).body(body).unwrap();
        stage.session().http_request(request).send().map(drop)
    },
];

/// A hook that sets a header.
struct Says(String, String);

impl Hook for Says {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        request.set_header(&self.0, &self.1)
    }
}

#[test]
fn inj_5_framing_follows_from_the_body_and_what_contradicts_it_is_an_error_before_sending() {
    let ten = b"0123456789";
    type Make = fn() -> Body;
    let bodies: [(Option<&str>, Make); 3] = [
        (None, || Body::Empty),
        (Some("length"), || "0123456789".into()),
        (Some("chunked"), || Body::once(&b"0123456789"[..])),
    ];
    for (framing, body) in bodies {
        let (stage, peer) = listening();
        stage.session().get(URL).body(body()).send().unwrap();
        let message = Message::read(&peer.received());
        assert_eq!((&*message.line, message.framing), ("GET / HTTP/1.1", framing));
        assert_eq!(message.body, if framing.is_some() { &ten[..] } else { b"" });
        for (name, text, true_of) in [
            ("Content-Length", "10", Some("length")),
            ("Content-Length", "5", None),
            ("Content-Length", "11", None),
            ("Content-Length", "+10", None),
            ("Content-Length", "10, 10", None),
            ("Content-Length", "0xa", None),
            ("Content-Length", "", None),
            ("Transfer-Encoding", "chunked", Some("chunked")),
            ("Transfer-Encoding", "gzip", None),
            ("Transfer-Encoding", "gzip, chunked", None),
            ("Transfer-Encoding", "chunked, identity", None),
            ("Transfer-Encoding", "identity", None),
            ("TE", "gzip", None),
            ("Connection", "close, X-Secret", None),
            ("Connection", "Authorization", None),
            ("Connection", "close,Cookie", None),
            ("Upgrade", "h2c", None),
            ("Expect", "200-ok", None),
        ] {
            let spelled = [name.to_owned(), name.to_lowercase(), name.to_uppercase()];
            for (speaker, name) in
                SPEAKERS.iter().flat_map(|speaker| spelled.iter().map(move |n| (speaker, n)))
            {
                let (stage, peer) = listening();
                let result = speaker(&stage, body(), name, text);
                if true_of.is_some() && true_of == framing {
                    result.unwrap_or_else(|error| panic!("{name}: {text}: {error}"));
                    let message = Message::read(&peer.received());
                    assert_eq!((message.framing, &*message.body), (framing, &ten[..]), "{name}: {text}");
                } else {
                    let error = result.expect_err(&format!("{name}: {text} with {framing:?}"));
                    assert_eq!(error.kind(), ErrorKind::Request, "{name}: {text}: {error}");
                    assert!(error.to_string().to_lowercase().contains(&name.to_lowercase()), "{error}");
                    assert_eq!(stage.world.connections(), 0, "{name}: {text}");
                }
            }
        }
        let (stage, _) = listening();
        let twice = |name, text| stage.session().get(URL).body(body()).header(name, text).header(name, text);
        for (name, text) in [("Content-Length", "10"), ("Transfer-Encoding", "chunked")] {
            let error = twice(name, text).send().unwrap_err();
            assert!(error.kind() == ErrorKind::Request && error.to_string().contains(name), "{error}");
        }
        assert_eq!(stage.world.connections(), 0);
    }
}

/// What a server finds of the fields that a request was given, in their order.
fn found(
    session: &Session,
    peer: &Peer,
    fields: &[(String, Vec<u8>)],
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut request = session.get(URL);
    for (name, value) in fields {
        request = request.header(name, value);
    }
    request.send()?;
    let message = Message::read(&peer.received());
    assert_eq!(message.line, "GET / HTTP/1.1");
    let of_all = ["Host", "User-Agent", "Accept-Encoding", "Accept", "Connection"];
    assert_eq!(message.fields.len(), of_all.len() + fields.len());
    Ok(message.fields.into_iter().filter(|(name, _)| !of_all.contains(&&**name)).collect())
}

#[test]
fn inj_6_a_field_without_a_value_is_a_line_with_a_colon() {
    let (stage, peer) = listening();
    let fields = ["X-Empty", "X-Full", "x-empty"].map(|name| (name.to_owned(), Vec::new())).to_vec();
    assert_eq!(found(&stage.session(), &peer, &fields).unwrap(), fields);
    let text = String::from_utf8(peer.received()).unwrap();
    assert!(text.ends_with("\r\nX-Empty: \r\nX-Full: \r\nx-empty: \r\n\r\n"), "{text:?}");
}

proptest! {
    #[test]
    fn inj_6_every_head_that_is_built_is_read_back_with_the_same_fields(
        fields in proptest::collection::vec(
            (
                "[!#$%&'*+.^_`|~0-9A-Za-z-]{3,12}",
                prop_oneof![
                    // What is legal, and what is not.
                    "[\t\x20-\x7e\u{80}-\u{2ff}]{0,24}".prop_map(|text| text.trim_ascii().as_bytes().to_vec()),
                    proptest::collection::vec(any::<u8>(), 0..8),
                ],
            ),
            0..6,
        )
    ) {
        let (stage, peer) = listening();
        let legal = |value: &[u8]| {
            let inside = |octet: &u8| *octet == b'\t' || (*octet >= b' ' && *octet != 0x7f);
            value.iter().all(inside) && [value.first(), value.last()].iter().flatten().all(|octet| !b" \t".contains(octet))
        };
        let good = fields.iter().all(|(_, value)| legal(value));
        match found(&stage.session(), &peer, &fields) {
            Ok(found) => prop_assert_eq!(found, fields),
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::Request);
                prop_assert!(!good, "{}: {:?}", error, fields);
            }
        }
    }
}
