//! The known attacks by compressed bodies (decompression bombs and their like), in every style of reading.

use crate::paths::for_each_first_try;
use crate::support::{Stage, answer};
use http_wire::Limits;
use pool::Config;
use pool::sim::{Fragments, Reply};
use session::{Digest, Error, ErrorKind, RequestBuilder, Retry, Session};
use std::io::{self, Write};
use std::time::Duration;
use testbed::encode::gzip;

const URL: &str = "http://a.example/";

/// A way to read a body, and how long it was in memory.
type Style = fn(&Session, RequestBuilder) -> Result<usize, Error>;

/// The ways that hold a body in memory, or that much of it as has no line end or delimiter.
const STYLES: [Style; 6] = [
    |_, request| request.send().map(|response| response.bytes().len()),
    |_, request| request.send().map(|response| response.text().len()),
    |_, request| request.stream()?.into_response().map(|response| response.bytes().len()),
    |_, request| request.stream()?.lines().try_fold(0, |sum, line| line.map(|line| sum + line.len())),
    |_, request| request.stream()?.split(",").try_fold(0, |sum, piece| piece.map(|piece| sum + piece.len())),
    |session, request| session.send_all([request]).remove(0).map(|response| response.bytes().len()),
];

/// A way to read that keeps nothing.
fn copied(request: RequestBuilder) -> Result<u64, Error> {
    request.stream()?.copy_to(&mut io::sink())
}

/// A host that answers everything with these fields and this body.
fn serving(fields: &[String], body: impl Into<Vec<u8>>) -> Stage {
    let (stage, fields, body) = (Stage::new(), fields.to_vec(), body.into());
    stage.host("a.example", move |_| {
        answer("200 OK", &fields.iter().map(String::as_str).collect::<Vec<_>>(), &body)
    });
    stage
}

fn coded(coding: &str, body: impl Into<Vec<u8>>) -> Stage {
    serving(&[format!("Content-Encoding: {coding}")], body)
}

#[test]
fn dc_1_more_than_five_codings_in_a_line_are_an_error() {
    let list = |count: usize| vec!["gzip"; count].join(", ");
    for codings in [
        list(6),
        list(1000),
        list(1000).replace(' ', ""),
        "gzip, br, zstd, deflate, x-gzip, br".to_owned(),
        "GZIP,\tGzip,gzip , gZip,,gziP,gzip".to_owned(),
        "a, b, c, d, e, f".to_owned(),
        "identity, gzip, gzip, gzip, gzip, gzip, gzip".to_owned(),
    ] {
        let stage = coded(&codings, "body");
        for read in STYLES {
            let error = read(&stage.session(), stage.session().get(URL)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{codings:.99}");
            assert!(error.to_string().contains("more than 5 codings"), "{error}");
        }
        assert_eq!(copied(stage.session().get(URL)).unwrap_err().kind(), ErrorKind::Decode);
        let raw = stage.session().get(URL).decode(false).send().unwrap();
        assert_eq!(raw.bytes(), b"body", "as it was sent, where that is wanted");
    }
    let five = (0..5).fold(b"body".to_vec(), |body, _| gzip(&body));
    assert_eq!(
        coded("gzip, gzip, ,gzip, gzip, identity, gzip,", five).session().get(URL).send().unwrap().text(),
        "body"
    );
}

#[test]
fn dc_2_codings_are_counted_over_all_lines() {
    let lines = |codings: &[&str], count: usize| -> Vec<String> {
        codings.iter().cycle().take(count).map(|coding| format!("Content-Encoding: {coding}")).collect()
    };
    let mixed = ["gzip", "br", "zstd", "identity"];
    let mut limits = Limits::default();
    limits.max_headers = 2000;
    for lines in
        [lines(&["gzip"], 6), lines(&["gzip"], 120), lines(&mixed, 8), lines(&mixed, 120), lines(&["a"], 6)]
    {
        let stage = serving(&lines, "body");
        for read in STYLES {
            assert_eq!(
                read(&stage.session(), stage.session().get(URL)).unwrap_err().kind(),
                ErrorKind::Decode
            );
        }
    }
    for lines in [lines(&["gzip"], 1000), lines(&mixed, 1000)] {
        // So many lines are too many for a head, unless that is allowed.
        let stage = serving(&lines, "body");
        assert_eq!(stage.session().get(URL).send().unwrap_err().kind(), ErrorKind::Protocol);
        let session = stage.with(Config::default().wire_limits(limits)).build().unwrap();
        let error = session.get(URL).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains("more than 5 codings"), "{error}");
    }
    assert_eq!(serving(&lines(&["identity"], 100), "body").session().get(URL).send().unwrap().text(), "body");
}

fn chunked(body: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}

/// What a decoder would expand or refuse.
fn traps() -> [(&'static str, Vec<u8>); 4] {
    let too_many = "gzip, gzip, gzip, gzip, gzip, gzip";
    [
        ("gzip", gzip(&vec![0; 4 << 20])),
        ("gzip", b"no gzip".to_vec()),
        ("br", vec![0x11, 30]),
        (too_many, gzip(b"")),
    ]
}

#[test]
fn dc_3_what_a_redirect_carries_is_drained_as_it_is_on_any_way() {
    for (codings, body) in traps() {
        for_each_first_try(|trip| {
            let (head, raw) =
                (format!("Transfer-Encoding: chunked\r\nContent-Encoding: {codings}"), chunked(&body));
            trip.stage.host("a.example", move |received| match received.target() {
                "/end" => Reply::ok("end"),
                status => {
                    let head = format!("HTTP/1.1 {} Go\r\nLocation: /end\r\n{head}\r\n\r\n", &status[1..]);
                    Reply::raw([head.as_bytes(), &raw].concat())
                }
            });
            for status in [301, 302, 303, 307, 308] {
                let url = trip.url(&format!("a.example/{status}"));
                let response = trip.send(trip.session().get(url)).unwrap();
                assert_eq!((response.text(), response.history().len()), ("end".into(), 1), "{codings}");
                assert_eq!(response.history()[0].bytes(), Some(&body[..]), "as it was sent");
            }
        });
    }
}

#[test]
fn dc_3_what_a_challenge_a_refusal_or_a_dropped_stream_carries_is_drained_as_it_is() {
    for (codings, body) in traps() {
        let stage = Stage::new();
        let coding = format!("Content-Encoding: {codings}");
        stage.host("a.example", move |received| match received.target() {
            "/401" if !received.head().headers().contains("authorization") => {
                answer("401 No", &[&coding, "WWW-Authenticate: Digest realm=r, nonce=n"], &body)
            }
            "/503" if received.connection() == 0 && received.elapsed() < Duration::from_secs(1) => {
                answer("503 Later", &[&coding, "Retry-After: 1"], &body)
            }
            "/dropped" => answer("200 OK", &[&coding], &body),
            _ => Reply::ok("end"),
        });
        let session = stage.session();
        let get = |path: &str| session.get(format!("http://a.example/{path}"));
        assert_eq!(get("503").retry(Retry::idempotent(1)).send().unwrap().text(), "end", "{codings}");
        assert_eq!(get("401").auth(Digest::new("u", "p")).send().unwrap().text(), "end", "{codings}");
        match get("dropped").stream() {
            Ok(stream) => drop(stream),
            Err(error) => {
                assert!(codings.len() > 10 && error.kind() == ErrorKind::Decode, "{codings}: {error}")
            }
        }
        assert_eq!(get("end").send().unwrap().text(), "end");
        let expected = if codings.len() > 10 { 2 } else { 1 };
        assert_eq!(
            stage.world.connections(),
            expected,
            "{codings}: all was read, and nothing was wrong with it"
        );
    }
}

/// The start of a body that goes on, and decodes to so many bytes so far.
fn start(coding: &str, size: usize) -> Vec<u8> {
    let data = vec![b'x'; size];
    match coding {
        "gzip" => {
            flushed(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best()), &data, |e| {
                e.get_ref()
            })
        }
        "deflate" => {
            flushed(flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best()), &data, |e| {
                e.get_ref()
            })
        }
        "br" => flushed(brotli::CompressorWriter::new(Vec::new(), 4096, 5, 24), &data, |e| e.get_ref()),
        // A window of 8 MiB, and blocks that repeat a byte.
        "zstd" => {
            let block = |piece: &[u8]| [&((piece.len() as u32) << 3 | 2).to_le_bytes()[..3], b"x"].concat();
            let blocks: Vec<u8> = data.chunks(1 << 16).flat_map(block).collect();
            [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68], &blocks[..]].concat()
        }
        "gzip, gzip" => {
            let inner = start("gzip", size);
            flushed(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best()), &inner, |e| {
                e.get_ref()
            })
        }
        other => panic!("no coding {other}"),
    }
}

fn flushed<E: Write>(mut encoder: E, data: &[u8], written: impl Fn(&E) -> &Vec<u8>) -> Vec<u8> {
    encoder.write_all(data).unwrap();
    encoder.flush().unwrap();
    written(&encoder).clone()
}

const CODINGS: [&str; 5] = ["gzip", "deflate", "br", "zstd", "gzip, gzip"];

#[test]
fn dc_4_a_bomb_is_an_error_as_soon_as_the_limit_is_passed_though_the_rest_never_comes() {
    const LIMIT: usize = 1 << 20;
    for coding in CODINGS {
        let body = start(coding, LIMIT + 64 * 1024);
        assert!(body.len() < 10 * 1024, "{coding}: {}", body.len());
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 10240\r\n\r\n");
        let stage = Stage::new();
        let bytes = [head.as_bytes(), &body].concat();
        stage.host("a.example", move |_| Reply::raw(bytes.clone()));
        let session = stage.session();
        for read in STYLES {
            let error = read(&session, session.get(URL).max_body(LIMIT)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Body, "{coding}: {error}");
            assert!(error.to_string().contains("max_body"), "{error}");
            let counts = session.pool().counts();
            assert_eq!(
                (counts.open, stage.world.elapsed()),
                (0, Duration::ZERO),
                "{coding}: nothing was waited for"
            );
        }
        let json = session.get(URL).max_body(LIMIT).send().and_then(|response| response.json::<String>());
        assert_eq!(json.unwrap_err().kind(), ErrorKind::Body);
    }
}

#[test]
fn dc_4_the_limit_counts_decoded_bytes_to_the_byte() {
    for (coding, body) in [("gzip", gzip(&[b'x'; 70_000])), ("gzip, gzip", gzip(&gzip(&[b'x'; 70_000])))] {
        let stage = coded(coding, body);
        let session = stage.session();
        for read in STYLES {
            assert_eq!(read(&session, session.get(URL).max_body(70_000)).unwrap(), 70_000);
            assert_eq!(
                read(&session, session.get(URL).max_body(69_999)).unwrap_err().kind(),
                ErrorKind::Body
            );
        }
        assert_eq!(copied(session.get(URL).max_body(10)).unwrap(), 70_000, "what is not kept is not limited");
        let json = session.get(URL).max_body(69_999).send().and_then(|response| response.json::<String>());
        assert_eq!(json.unwrap_err().kind(), ErrorKind::Body);
    }
}

/// A gzip member whose header has these flags, and these bytes behind its fixed part.
fn member(flags: u8, fields: &[u8]) -> Vec<u8> {
    let whole = gzip(b"data");
    [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255], fields, &whole[10..]].concat()
}

#[test]
fn dc_5_header_fields_of_gzip_may_be_as_long_as_they_can_be_and_must_be_right() {
    const FHCRC: u8 = 2;
    const FEXTRA: u8 = 4;
    const FNAME: u8 = 8;
    const FCOMMENT: u8 = 16;
    let long = [&vec![b'n'; 100_000][..], b"\0"].concat();
    let extra = [&[0xff, 0xff][..], &[7; 65_535]].concat();
    let all = [&extra[..], &long, &long].concat();
    let sum = |flags: u8, fields: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(&[&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255], fields].concat());
        (crc.sum() as u16).to_le_bytes()
    };
    let summed = |flags: u8, fields: &[u8]| member(flags, &[fields, &sum(flags, fields)].concat());
    let wrong = |flags: u8, fields: &[u8]| {
        let [low, high] = sum(flags, fields);
        member(flags, &[fields, &[low ^ 1, high]].concat())
    };
    let cut = |flags: u8, fields: &[u8]| [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255], fields].concat();
    let endless = vec![b'n'; 2 << 20];
    for (body, good) in [
        (member(0, b""), true),
        (member(1, b""), true),
        (member(FEXTRA, &extra), true),
        (member(FEXTRA, b"\0\0"), true),
        (member(FNAME, &long), true),
        (member(FCOMMENT, &long), true),
        (member(FNAME | FCOMMENT, b"\0\0"), true),
        (summed(FHCRC, b""), true),
        (summed(FHCRC | FEXTRA | FNAME | FCOMMENT, &all), true),
        (wrong(FHCRC, b""), false),
        (wrong(FHCRC | FEXTRA | FNAME | FCOMMENT, &all), false),
        (member(0x20, b""), false),
        (member(0x40, b""), false),
        (member(0x80, b""), false),
        (member(0xff, b""), false),
        // Ended within the field, and going on with nothing else.
        (cut(FEXTRA, &extra[..60_000]), false),
        (cut(FNAME, b"name"), false),
        (cut(FCOMMENT, b"comment"), false),
        (cut(FNAME, &endless), false),
        (cut(FCOMMENT, &endless), false),
        (cut(FEXTRA | FHCRC, &extra), false),
    ] {
        let stage = coded("gzip", body.clone());
        for read in STYLES {
            let result = read(&stage.session(), stage.session().get(URL));
            assert_eq!(
                result.map_err(|error| error.kind()),
                if good { Ok(4) } else { Err(ErrorKind::Decode) }
            );
        }
        let result = copied(stage.session().get(URL)).map_err(|error| error.kind());
        assert_eq!(result, if good { Ok(4) } else { Err(ErrorKind::Decode) });
        if body.len() < 100 {
            stage.world.fragment(Fragments::Bytes);
            assert_eq!(stage.session().get(URL).send().is_ok(), good);
        }
    }
}

#[test]
fn dc_6_without_a_body_there_is_no_decoder() {
    for codings in ["gzip", "deflate", "br", "zstd", "gzip, br", "gzip, gzip, gzip, gzip, gzip, gzip"] {
        let field = format!("Content-Encoding: {codings}\r\n");
        let stage = Stage::new();
        stage.host("a.example", move |received| {
            Reply::raw(match received.target() {
                "/204" => format!("HTTP/1.1 204 No Content\r\n{field}\r\n"),
                "/304" => format!("HTTP/1.1 304 Not Modified\r\n{field}Content-Length: 1234\r\n\r\n"),
                "/0" => format!("HTTP/1.1 200 OK\r\n{field}Content-Length: 0\r\n\r\n"),
                "/chunked" => {
                    format!("HTTP/1.1 200 OK\r\n{field}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
                }
                _ => format!("HTTP/1.1 200 OK\r\n{field}Content-Length: 1234\r\n\r\n"),
            })
        });
        let session = stage.session();
        for path in ["204", "304", "0", "chunked", "head"] {
            // That an empty body is empty shows only when it has been read.
            if path == "chunked" && codings.len() > 10 {
                continue;
            }
            let method = if path == "head" { "HEAD" } else { "GET" };
            let request = || session.request(method, format!("http://a.example/{path}"));
            for read in STYLES {
                assert_eq!(read(&session, request()).unwrap(), 0, "{path} {codings}");
            }
            assert_eq!(copied(request()).unwrap(), 0, "{path} {codings}");
        }
        assert_eq!(stage.world.connections(), 1, "{codings}");
    }
}

#[test]
fn dc_7_windows_that_http_does_not_have_are_an_error_in_every_style() {
    // A frame with this header, and ten bytes of data in one raw block.
    let zstd = |header: &[u8]| [&[0x28, 0xb5, 0x2f, 0xfd], header, b"\x51\0\x000123456789"].concat();
    // 9 MiB, 16 MiB, 2 GiB and the most there is.
    let windows = [0x69, 0x70, 0xa8, 0xff].map(|window| ("zstd", zstd(&[0x00, window])));
    let lengths = [8 * 1024 * 1024 + 1, 1 << 31, u32::MAX]
        .map(|length: u32| ("zstd", zstd(&[&[0xa0], &length.to_le_bytes()[..]].concat())));
    let longest = ("zstd", zstd(&[0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80]));
    let br = [10, 24, 25, 30].map(|bits| ("br", vec![0x11, bits, 3, 0, 0, 0, 0, 0]));
    for (coding, body) in windows.into_iter().chain(lengths).chain([longest]).chain(br) {
        let chain = (format!("{coding}, gzip"), gzip(&body));
        for (coding, body) in [(coding.to_owned(), body), chain] {
            let stage = coded(&coding, body.clone());
            for read in STYLES {
                let error = read(&stage.session(), stage.session().get(URL)).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Decode, "{coding} {:?}", &body[..10]);
            }
            assert_eq!(copied(stage.session().get(URL)).unwrap_err().kind(), ErrorKind::Decode);
        }
    }
    for window in [0x00, 0x60, 0x68] {
        assert_eq!(
            coded("zstd", zstd(&[0x00, window])).session().get(URL).send().unwrap().text(),
            "0123456789"
        );
    }
}
