//! What is sent as a body, and how it is announced.

use crate::support::{Stage, redirect, value};
use pool::sim::Reply;
use session::{Body, ErrorKind, Session};
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    stage
}

/// `Content-Length`, `Transfer-Encoding`, and the body of the last request.
fn last(stage: &Stage) -> (String, String, Vec<u8>) {
    let last = stage.last();
    (value(&last, "content-length"), value(&last, "transfer-encoding"), last.body().to_vec())
}

fn sized(body: &[u8]) -> (String, String, Vec<u8>) {
    (body.len().to_string(), "-".to_owned(), body.to_vec())
}

fn chunked(body: &[u8]) -> (String, String, Vec<u8>) {
    ("-".to_owned(), "chunked".to_owned(), body.to_vec())
}

/// A file without a name, with this in it.
fn file(name: &str, content: &[u8]) -> File {
    let path = std::env::temp_dir().join(format!("session-bodies-{}-{name}", std::process::id()));
    fs::write(&path, content).unwrap();
    let file = File::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    file
}

#[test]
fn b_7_every_method_but_get_and_head_announces_an_empty_body() {
    let stage = stage();
    let session = stage.session();
    for (method, length) in [
        ("GET", "-"),
        ("HEAD", "-"),
        ("POST", "0"),
        ("PUT", "0"),
        ("PATCH", "0"),
        ("DELETE", "0"),
        ("OPTIONS", "0"),
        ("TRACE", "0"),
        ("MKCOL", "0"),
    ] {
        let request = || session.request(method, "http://a.example/");
        let told = [request(), request().body(""), request().body(Vec::new())].map(|request| {
            request.send().unwrap();
            value(&stage.last(), "content-length")
        });
        assert_eq!(told, [length; 3], "{method}");
        // Unless the user set it; and who sends a form of nothing sends a form.
        request().header("content-length", "0").send().unwrap();
        assert_eq!(value(&stage.last(), "content-length"), "0", "{method}");
        request().form(()).send().unwrap();
        assert_eq!(value(&stage.last(), "content-length"), "0", "{method}");
        assert!(request().header("Content-Length", "1").send().is_err());
    }
    let mut session = session.clone();
    session.headers_mut().insert("Content-Length", "0").unwrap();
    for _ in 0..2 {
        session.get("http://a.example/").send().unwrap();
        assert_eq!(value(&stage.last(), "content-length"), "0");
    }
}

#[test]
fn b_3_forms_texts_and_bytes_have_their_length_and_only_forms_a_type() {
    let stage = stage();
    let session = stage.session();
    let url = "http://a.example/";
    session.post(url).form([("a", "1 2"), ("b", "é")]).send().unwrap();
    session.post(url).body("💩é").send().unwrap();
    session.put(url).body(vec![0, 1, 2]).send().unwrap();
    session.get(url).body(&b"in a GET"[..]).send().unwrap();
    assert_eq!(stage.values("content-type"), ["application/x-www-form-urlencoded", "-", "-", "-"]);
    assert_eq!(stage.values("content-length"), ["14", "6", "3", "8"]);
    assert_eq!(stage.seen()[0].body(), b"a=1+2&b=%C3%A9");
    assert_eq!(stage.seen()[3].body(), b"in a GET");
    // A list repeats its key, None is left out; the type is that of the request, or the session's, where one is set.
    let mut other = session.clone();
    other.headers_mut().insert("Content-Type", "x/session").unwrap();
    let form =
        |session: &Session| session.post(url).form([("l", [Some(1), None, Some(2)]), ("n", [None; 3])]);
    for (request, content_type) in [
        (form(&session).header("content-type", "x/own"), "x/own"),
        (form(&other), "x/session"),
        (form(&other).without("CONTENT-TYPE"), "application/x-www-form-urlencoded"),
        (form(&other).header("Content-Type", "x/own"), "x/own"),
    ] {
        request.send().unwrap();
        assert_eq!(
            (value(&stage.last(), "content-type").as_str(), stage.last().body()),
            (content_type, &b"l=1&l=2"[..])
        );
    }
}

#[test]
fn b_1_two_bodies_are_an_error() {
    let session = Session::new();
    let error = session.post("http://a.example/").json(&1).body("x").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(error.to_string().starts_with("POST http://a.example/: "), "{error}");
    assert!(error.to_string().contains("two bodies"), "{error}");
}

#[test]
fn b_8_framing_is_the_library_s_and_a_contradiction_is_an_error_before_sending() {
    let stage = stage();
    let session = stage.session();
    for (name, value) in [
        ("Content-Length", "4"),
        ("Content-Length", "2"),
        ("Content-Length", "0"),
        ("Content-Length", "+3"),
        ("Content-Length", "3,3"),
        ("Content-Length", "0x3"),
        ("Content-Length", "18446744073709551619"),
        ("Content-Length", ""),
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "identity"),
        ("Connection", "upgrade"),
        ("Connection", "close, x"),
        ("Expect", "x"),
    ] {
        let error = session.post("http://a.example/").header(name, value).body("abc").send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(error.to_string().contains(name), "{error}");
        assert!(!error.may_have_been_processed());
    }
    let twice = session.post("http://a.example/").header("Content-Length", "3").header("content-length", "3");
    let unknown = || session.post("http://a.example/").body(Body::once(&b"abc"[..]));
    for request in [twice.body("abc"), unknown().header("Content-Length", "3")] {
        assert_eq!(request.send().unwrap_err().kind(), ErrorKind::Request);
    }
    assert!(stage.seen().is_empty());
    // What says what the library would say is accepted, and written once.
    let known = || session.post("http://a.example/").body("abc");
    for (request, name, written) in [
        (known().header("Content-Length", "3"), "content-length", "3"),
        (unknown().header("Transfer-Encoding", "Chunked"), "transfer-encoding", "chunked"),
        (known().header("Connection", "close"), "connection", "close"),
        (known().header("connection", "Keep-Alive"), "connection", "Keep-Alive"),
    ] {
        request.send().unwrap();
        assert_eq!((value(&stage.last(), name).as_str(), stage.last().body()), (written, &b"abc"[..]));
    }
}

#[test]
fn b_4_a_reader_without_a_length_is_chunked_and_a_file_has_its_length() {
    let stage = stage();
    let session = stage.session();
    session.post("http://a.example/").body(Body::once(&b"from a reader"[..])).send().unwrap();
    assert_eq!(value(&stage.last(), "transfer-encoding"), "chunked");
    assert_eq!(stage.last().body(), b"from a reader");
    session.post("http://a.example/").body(file("reader", b"from a file")).send().unwrap();
    assert_eq!(value(&stage.last(), "content-length"), "11");
    assert_eq!(stage.last().body(), b"from a file");
}

#[test]
fn a_body_that_was_read_is_an_error_the_second_time_and_never_an_empty_one() {
    let stage = stage();
    let session = stage.session();
    let request = session.post("http://a.example/").body(Body::once(&b"once"[..])).build().unwrap();
    session.send(request.clone()).unwrap();
    let error = session.send(request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(!error.may_have_been_processed());
    assert_eq!(stage.seen().len(), 1);
}

#[test]
fn a_body_of_which_nothing_was_read_can_still_be_sent() {
    let stage = Stage::new();
    stage.world.host("a.example", ["10.0.0.1"]).refuse();
    let session = stage.session();
    let request = session.post("http://a.example/").body(Body::once(&b"once"[..])).build().unwrap();
    for _ in 0..2 {
        assert_eq!(session.send(request.clone()).unwrap_err().kind(), ErrorKind::Connect);
    }
}

#[test]
fn b_5_what_has_a_length_announces_it_an_empty_file_too_and_all_else_is_chunked() {
    let stage = stage();
    let session = stage.session();
    let put = |body: Body| session.put("http://a.example/").body(body).send().map(drop);
    put(file("full", b"content").into()).unwrap();
    assert_eq!(last(&stage), sized(b"content"));
    put(file("empty", b"").into()).unwrap();
    assert_eq!(last(&stage), sized(b""));
    put(Body::sized(Cursor::new("content"), 7)).unwrap();
    assert_eq!(last(&stage), sized(b"content"));
    put(Body::once(Cursor::new("content"))).unwrap();
    assert_eq!(last(&stage), chunked(b"content"));
    put(Body::once(io::empty())).unwrap();
    assert_eq!(last(&stage), chunked(b""));
}

#[test]
fn b_4_a_file_is_sent_from_where_it_stands_and_sent_again_from_there() {
    let stage = Stage::new();
    stage.host("a.example", |r| if r.target() == "/" { redirect(307, "/there") } else { Reply::ok("ok") });
    let mut file = file("middle", b"read already, to be sent");
    file.read_exact(&mut [0; 14]).unwrap();
    stage.session().put("http://a.example/").body(file).send().unwrap();
    for received in stage.seen() {
        assert_eq!((received.body(), value(&received, "content-length")), (&b"to be sent"[..], "10".into()));
    }
    assert_eq!(stage.seen().len(), 2);
}

#[test]
fn b_6_a_reader_or_a_text_beside_a_form_is_an_error() {
    let stage = stage();
    let session = stage.session();
    let post = || session.post("http://a.example/");
    for twice in [
        post().body(Body::once(io::empty())).form([("a", "1")]),
        post().form([("a", "1")]).body("text"),
        post().json(&1).form([("a", "1")]),
        #[cfg(feature = "multipart")]
        post().multipart(session::Form::new()).body("text"),
        #[cfg(feature = "multipart")]
        post().body(Body::once(io::empty())).multipart(session::Form::new()),
    ] {
        let error = twice.send().unwrap_err();
        assert!(error.kind() == ErrorKind::Request && error.to_string().contains("two bodies"), "{error}");
    }
    assert!(stage.seen().is_empty());
}

#[test]
fn b_9_pieces_are_asked_for_while_they_are_sent_one_chunk_each_and_empty_ones_are_skipped() {
    let stage = Stage::new();
    let host = stage.world.host("a.example", ["10.0.0.1"]);
    let peer = host.accept();
    peer.expect_head("POST /")
        .expect_bytes("2\r\nab\r\n3\r\nc\u{e9}\r\n0\r\n\r\n")
        .reply(pool::sim::ok("ok"));
    let pieces = ["", "ab", "", "", "c\u{e9}", ""].map(str::to_owned);
    let body = Body::chunks(pieces);
    stage.session().post("http://a.example/").body(body).send().unwrap();
    assert!(peer.is_done());
}

#[test]
fn b_9_pieces_of_any_size_arrive_whole_and_in_order() {
    let stage = stage();
    let pieces = [1, 0, 65_536, 65_537, 300_000, 2].map(|n| vec![n as u8; n]);
    let whole = pieces.concat();
    stage.session().post("http://a.example/").body(Body::chunks(pieces)).send().unwrap();
    assert_eq!(last(&stage), chunked(&whole));
    stage.session().post("http://a.example/").body(Body::chunks(Vec::<Vec<u8>>::new())).send().unwrap();
    assert_eq!(last(&stage), chunked(b""));
}

#[test]
fn b_10_an_answer_that_comes_while_the_body_cannot_be_sent_any_more_is_the_answer() {
    let stage = Stage::new();
    let host = stage.world.host("a.example", ["10.0.0.1"]);
    host.accept()
        .expect_head("POST /")
        .skip(1000)
        .reply("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        .close();
    let response = stage.session().post("http://a.example/").body(vec![0; 10_000_000]).send().unwrap();
    assert_eq!(response.status().as_u16(), 413);
}

#[test]
fn b_11_a_source_is_asked_for_64_kib_at_a_time() {
    struct Asked(Arc<Mutex<Vec<usize>>>);
    impl Read for Asked {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(buf.len());
            Ok(if self.0.lock().unwrap().len() < 3 { buf.len() } else { 0 })
        }
    }
    let (stage, asked) = (stage(), Arc::default());
    stage.session().post("http://a.example/").body(Body::once(Asked(Arc::clone(&asked)))).send().unwrap();
    assert_eq!(*asked.lock().unwrap(), [64 * 1024; 3]);
}

#[test]
fn a_body_larger_than_a_read_is_in_chunks_of_what_was_read() {
    let stage = stage();
    let content: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
    stage.session().post("http://a.example/").body(Body::once(Cursor::new(content.clone()))).send().unwrap();
    assert_eq!(last(&stage), chunked(&content));
}

#[test]
fn di_6_a_length_counts_bytes_and_not_characters() {
    let stage = stage();
    let session = stage.session();
    let post = || session.post("http://a.example/");
    post().body("💩é").send().unwrap();
    assert_eq!(last(&stage), sized("💩é".as_bytes()));
    assert_eq!(last(&stage).0, "6");
    for (request, body) in [
        (post().body("💩é".to_owned()), "💩é"),
        (post().body(Body::bytes("💩é".as_bytes())), "💩é"),
        (post().body(file("characters", "💩é".as_bytes())), "💩é"),
        (post().json("💩é\u{301}"), "\"💩é\u{301}\""),
        (post().form([("é", "💩")]), "%C3%A9=%F0%9F%92%A9"),
        (post().body("\u{1f468}\u{200d}\u{1f469}\u{feff}\0ß"), "\u{1f468}\u{200d}\u{1f469}\u{feff}\0ß"),
    ] {
        request.send().unwrap();
        assert_eq!(last(&stage), sized(body.as_bytes()));
    }
    #[cfg(feature = "multipart")]
    {
        let part = session::Part::text("💩").file_name("é💩.txt");
        post().multipart(session::Form::new().text("é", "💩é").part("ü", part)).send().unwrap();
        let (length, _, body) = last(&stage);
        assert_eq!(length, body.len().to_string());
        assert!(body.ends_with(b"--\r\n") && body.windows(6).any(|six| six == "💩é".as_bytes()));
    }
}

#[test]
fn the_server_is_asked_for_a_go_ahead_where_that_is_wanted_and_there_is_a_body() {
    let stage = Stage::new();
    let host = stage.world.host("a.example", ["10.0.0.1"]);
    let peer = host.accept();
    peer.expect_head("PUT /").reply("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
    let request =
        stage.session().put("http://a.example/").body("never sent").expect_continue(true).build().unwrap();
    let response = stage.session().send(request).unwrap();
    let received = String::from_utf8(peer.received()).unwrap();
    assert_eq!(response.status().as_u16(), 417);
    assert!(
        received.contains("\r\nExpect: 100-continue\r\n") && !received.contains("never sent"),
        "{received}"
    );
    let stage = self::stage();
    for plain in [
        stage.session().put("http://a.example/").body("sent").expect_continue(false),
        stage.session().get("http://a.example/").expect_continue(true),
        stage.session().put("http://a.example/").body("").expect_continue(true),
    ] {
        plain.send().unwrap();
        assert_eq!(value(&stage.last(), "expect"), "-");
    }
}

#[test]
fn an_upload_is_told_of_as_it_is_taken_and_from_the_start_where_it_is_sent_again() {
    type Calls = Arc<Mutex<Vec<(u64, Option<u64>)>>>;
    let stage = Stage::new();
    stage.host("a.example", |r| if r.target() == "/" { redirect(307, "/there") } else { Reply::ok("ok") });
    let session = stage.session();
    let calls = Calls::default();
    let put = |body: Body, path: &str| {
        let told = calls.clone();
        calls.lock().unwrap().clear();
        let request = session.put(format!("http://a.example{path}"));
        let request = request.on_upload(move |sent, total| told.lock().unwrap().push((sent, total)));
        request.body(body).send().unwrap();
        std::mem::take(&mut *calls.lock().unwrap())
    };
    assert_eq!(put("0123456789".into(), "/there"), [(10, Some(10))]);
    assert_eq!(put("0123456789".into(), "/"), [(10, Some(10)), (10, Some(10))]);
    let big = vec![0; 150_000];
    let told = put(big.clone().into(), "/there");
    assert_eq!(told, [(65_536, Some(150_000)), (131_072, Some(150_000)), (150_000, Some(150_000))]);
    assert_eq!(last(&stage), sized(&big));
    assert_eq!(put(Body::chunks(["ab", "", "c"]), "/there"), [(2, None), (3, None)]);
    let told = put(file("upload", &[1; 70_000]).into(), "/");
    assert_eq!(told, [(65_536, Some(70_000)), (70_000, Some(70_000))].repeat(2));
    assert!(put(Body::Empty, "/there").is_empty());
}

#[test]
fn a_body_that_is_told_of_belongs_to_one_sending_at_a_time() {
    let stage = stage();
    let session = stage.session();
    let request = session.put("http://a.example/").body("abc").on_upload(|_, _| ()).build().unwrap();
    for _ in 0..3 {
        session.send(request.clone()).unwrap();
        assert_eq!(last(&stage), sized(b"abc"));
    }
    let results = session.send_all([request.clone(), request]);
    // Which one begins while the other is under way is for the network to say; none is sent short.
    assert!(results.iter().any(Result::is_ok));
    assert!(stage.seen().iter().all(|received| received.body() == b"abc"));
}
