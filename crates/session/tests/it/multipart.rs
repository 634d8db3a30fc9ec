//! Forms with files, as they are on the wire.

use crate::support::{Stage, answer, redirect, value};
use pool::sim::{Received, Reply};
use session::{ErrorKind, Form, Part, RequestBuilder, Session};
use std::collections::HashSet;
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    stage
}

/// A file of this test, removed when it is dropped.
struct Temp(PathBuf);

impl Temp {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("session-multipart-{}-{count}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(name), content).unwrap();
        Self(dir.join(name))
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().unwrap());
    }
}

fn post(session: &Session, form: Form) -> RequestBuilder {
    session.post("http://a.example/").multipart(form)
}

/// The body that a form is sent as, with `--B` in place of the boundary.
fn sent(form: Form) -> String {
    let stage = stage();
    post(&stage.session(), form).send().unwrap();
    normal(&stage.last())
}

fn normal(received: &Received) -> String {
    let boundary = boundary(received);
    String::from_utf8(received.body().to_vec()).unwrap().replace(&boundary, "B")
}

fn boundary(received: &Received) -> String {
    let content_type = value(received, "content-type");
    content_type.strip_prefix("multipart/form-data; boundary=").unwrap().to_owned()
}

fn refused(form: Form) -> String {
    let stage = stage();
    let error = post(&stage.session(), form).send().unwrap_err();
    assert_eq!((error.kind(), stage.seen().len()), (ErrorKind::Request, 0), "{error}");
    error.to_string()
}

#[test]
fn mf_1_every_shape_that_requests_takes_for_a_file_can_be_said() {
    let file = Temp::new("a.txt", "FILE");
    let form = Form::new()
        .file("handle", &file.0)
        .unwrap()
        .part("bytes", Part::bytes("B"))
        .part("pair", Part::bytes("P").file_name("p.bin"))
        .part("triple", Part::reader(Cursor::new("T")).file_name("t.csv").content_type("text/csv"))
        .part("four", Part::bytes("4").file_name("4").content_type("text/x").header("X-A", "1"))
        .part("field", Part::bytes("F").without_file_name());
    assert_eq!(
        sent(form),
        "--B\r\nContent-Disposition: form-data; name=\"handle\"; filename=\"a.txt\"\r\n\r\nFILE\r\n\
         --B\r\nContent-Disposition: form-data; name=\"bytes\"; filename=\"bytes\"\r\n\r\nB\r\n\
         --B\r\nContent-Disposition: form-data; name=\"pair\"; filename=\"p.bin\"\r\n\r\nP\r\n\
         --B\r\nContent-Disposition: form-data; name=\"triple\"; filename=\"t.csv\"\r\nContent-Type: text/csv\r\n\r\nT\r\n\
         --B\r\nContent-Disposition: form-data; name=\"four\"; filename=\"4\"\r\nContent-Type: text/x\r\nX-A: 1\r\n\r\n4\r\n\
         --B\r\nContent-Disposition: form-data; name=\"field\"\r\n\r\nF\r\n--B--\r\n"
    );
}

#[test]
fn mf_2_the_file_name_is_the_given_one_or_that_of_the_path_or_that_of_the_field() {
    let (file, odd) = (Temp::new("in a dir.txt", "x"), Temp::new("<stdin>", "x"));
    let name = |form: Form| {
        let body = sent(form);
        body.split("filename=\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned())
    };
    let part = |part: Part| name(Form::new().part("f", part));
    assert_eq!(part(Part::file(&file.0).unwrap()).unwrap(), "in a dir.txt");
    assert_eq!(part(Part::file(&file.0).unwrap().file_name("other")).unwrap(), "other");
    assert_eq!(part(Part::file(&odd.0).unwrap()).unwrap(), "f");
    assert_eq!(part(Part::reader(io::empty())).unwrap(), "f");
    assert_eq!(part(Part::text("a text is a field")), None);
    assert_eq!(part(Part::text("unless it is named").file_name("t.txt")).unwrap(), "t.txt");
}

#[test]
fn mf_3_fields_come_first_then_files_each_in_the_order_they_were_added() {
    let fields: [(&str, Option<&[&str]>); 3] =
        [("b", Some(&["1", "2"])), ("none", None), ("a", Some(&["3"]))];
    let form = Form::new()
        .part("file1", Part::bytes(""))
        .text("first", "")
        .fields([("k", "v"), ("k", "w")])
        .fields(fields.iter().copied().collect::<std::collections::BTreeMap<_, _>>())
        .part("file2", Part::bytes(""));
    let body = sent(form);
    let names: Vec<&str> =
        body.split("; name=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(names, ["first", "k", "k", "a", "b", "b", "file1", "file2"]);
    assert!(refused(Form::new().fields(5)).contains("not pairs"));
    let numbers =
        Form::new().fields([("n", [Some(7), None, Some(-1)])]).fields([("f", 0.5)]).fields([("b", true)]);
    assert_eq!(
        sent(numbers).replace("Content-Disposition: form-data; ", ""),
        "--B\r\nname=\"n\"\r\n\r\n7\r\n--B\r\nname=\"n\"\r\n\r\n-1\r\n--B\r\nname=\"f\"\r\n\r\n0.5\r\n\
         --B\r\nname=\"b\"\r\n\r\ntrue\r\n--B--\r\n"
    );
}

#[test]
fn mf_4_no_type_is_said_unless_it_is_given_or_guessed_by_the_name() {
    let file = Temp::new("a.jpg", "x");
    let types = |part: Part| sent(Form::new().part("f", part)).matches("Content-Type").count();
    assert_eq!(types(Part::file(&file.0).unwrap()), 0);
    let guessed = sent(Form::new().part("f", Part::file(&file.0).unwrap().guess_type()));
    assert!(guessed.contains("\r\nContent-Type: image/jpeg\r\n\r\n"), "{guessed}");
    let guessed = sent(Form::new().part("f", Part::bytes("x").file_name("x.PNG").guess_type()));
    assert!(guessed.contains("\r\nContent-Type: image/png\r\n\r\n"), "{guessed}");
    // Nothing is known of these: nothing is said.
    assert_eq!(types(Part::bytes("x").file_name("x.unheard-of").guess_type()), 0);
    assert_eq!(types(Part::bytes("x").guess_type()), 0);
}

#[test]
fn mf_5_the_fields_of_a_part_are_disposition_type_location_and_then_the_others() {
    let part = Part::bytes("x")
        .header("X-B", "2")
        .header("Content-Location", "/here")
        .header("X-Empty", "")
        .header("X-A", "1")
        .header("content-type", "text/plain");
    assert_eq!(
        sent(Form::new().part("f", part)),
        "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\nContent-Type: text/plain\r\n\
         Content-Location: /here\r\nX-B: 2\r\nX-A: 1\r\n\r\nx\r\n--B--\r\n"
    );
    assert!(!sent(Form::new().part("f", Part::bytes("x").content_type(""))).contains("Content-Type"));
}

#[test]
fn mf_6_names_are_escaped_as_browsers_do_it_and_otherwise_sent_as_they_are() {
    let form = Form::new().part("a\"b\r\nc", Part::bytes("x").file_name("ö\\%20;'\n\".txt"));
    assert!(
        sent(form)
            .starts_with("--B\r\nContent-Disposition: form-data; name=\"a%22b%0D%0Ac\"; filename=\"ö\\%20;'%0A%22.txt\"\r\n\r\nx"),
    );
}

#[test]
fn mf_7_the_boundary_is_32_hex_digits_and_ends_every_part() {
    let stage = stage();
    post(&stage.session(), Form::new().text("a", "1").text("b", "2")).send().unwrap();
    let received = stage.last();
    let boundary = boundary(&received);
    assert!(boundary.len() == 32 && boundary.bytes().all(|b| b.is_ascii_hexdigit()), "{boundary}");
    let body = str::from_utf8(received.body()).unwrap();
    assert_eq!(
        body,
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--{boundary}--\r\n"
        )
    );
    assert_eq!(sent(Form::new()), "--B--\r\n");
}

/// Counts what is read of it at a time.
struct Counted {
    left: usize,
    most: Arc<AtomicUsize>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.most.fetch_max(buf.len(), Ordering::Relaxed);
        let n = buf.len().min(self.left);
        buf[..n].fill(b'x');
        self.left -= n;
        Ok(n)
    }
}

#[test]
fn mf_8_a_form_is_read_while_it_is_sent_and_has_its_length_when_all_parts_have() {
    let (stage, most) = (stage(), Arc::new(AtomicUsize::new(0)));
    let big = || Counted { left: 3_000_000, most: most.clone() };
    let file = Temp::new("f", vec![b'y'; 200_000]);
    let form = || Form::new().text("t", "é").file("file", &file.0).unwrap();
    post(&stage.session(), form().part("big", Part::sized(big(), 3_000_000))).send().unwrap();
    let known = stage.last();
    assert_eq!(value(&known, "content-length"), known.body().len().to_string());
    assert_eq!(value(&known, "transfer-encoding"), "-");
    post(&stage.session(), form().part("big", Part::reader(big()))).send().unwrap();
    let unknown = stage.last();
    assert_eq!(
        (value(&unknown, "content-length"), value(&unknown, "transfer-encoding")),
        ("-".into(), "chunked".into())
    );
    assert_eq!(normal(&known), normal(&unknown));
    assert_eq!(known.body().iter().filter(|b| **b == b'x').count(), 3_000_000);
    let most = most.load(Ordering::Relaxed);
    assert!(most <= 64 * 1024, "{most} bytes were asked for at once");
}

#[test]
fn a_form_of_files_is_sent_again_by_a_redirect_and_one_with_a_reader_is_not() {
    let stage = Stage::new();
    stage.host("a.example", |r| if r.target() == "/" { redirect(307, "/there") } else { Reply::ok("ok") });
    let file = Temp::new("f.bin", vec![7; 100_000]);
    let session = stage.session();
    let form = Form::new().text("a", "1").file("f", &file.0).unwrap().part("b", Part::bytes("2"));
    post(&session, form).send().unwrap();
    let seen = stage.seen();
    assert_eq!((seen.len(), seen[0].body(), boundary(&seen[0])), (2, seen[1].body(), boundary(&seen[1])));
    let form = Form::new().part("f", Part::reader(Cursor::new("once")));
    assert_eq!(post(&session, form).send().unwrap_err().kind(), ErrorKind::Redirect);
}

#[test]
fn a_form_in_memory_can_be_sent_by_many_at_once() {
    let stage = stage();
    let session = stage.session();
    let request = post(&session, Form::new().text("a", "1").part("b", Part::bytes("2"))).build().unwrap();
    let results = session.send_all((0..4).map(|_| request.clone()));
    assert!(results.iter().all(Result::is_ok));
    assert!(stage.seen().iter().all(|r| r.body() == stage.last().body()));
}

#[test]
fn mp_1_boundaries_come_from_the_entropy_of_the_network_and_are_never_the_same() {
    let stage = stage();
    let session = stage.session();
    let boundaries: HashSet<String> = (0..10_000)
        .map(|_| {
            let request = post(&session, Form::new()).build().unwrap();
            let content_type = request.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
            content_type.strip_prefix("multipart/form-data; boundary=").unwrap().to_owned()
        })
        .collect();
    assert_eq!(boundaries.len(), 10_000);
    assert!(boundaries.iter().all(|b| b.len() == 32 && b.bytes().all(|b| b.is_ascii_hexdigit())));
    // A world with the same seed draws the same ones: they come from nowhere else. Real ones differ.
    let first = |session: &Session| {
        let request = session.post("http://a.example/").multipart(Form::new()).build().unwrap();
        request.headers().get("content-type").unwrap().to_str().unwrap().to_owned()
    };
    let (one, same) = (Stage::new(), Stage::new());
    assert_eq!(first(&one.session()), first(&same.session()));
    assert_ne!(first(&Session::new()), first(&Session::new()));
}

/// In the environment of a child: that it is one.
const CHILD: &str = "MULTIPART_TEST_CHILD";

#[test]
fn mp_1_processes_that_start_at_the_same_instant_draw_other_boundaries() {
    if std::env::var_os(CHILD).is_some() {
        // Both are told at once to go on.
        io::copy(&mut io::stdin(), &mut io::sink()).unwrap();
        for _ in 0..100 {
            let request = Session::new().post("http://a.example/").multipart(Form::new()).build().unwrap();
            println!("{}", request.headers().get("content-type").unwrap().to_str().unwrap());
        }
        return;
    }
    let start = || {
        let test = "multipart::mp_1_processes_that_start_at_the_same_instant_draw_other_boundaries";
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "--nocapture", test]).env(CHILD, "1");
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let mut children = [start(), start()];
    for child in &mut children {
        drop(child.stdin.take());
    }
    let mut all = HashSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stdout).unwrap();
        let drawn =
            said.lines().filter_map(|line| line.split_once("; boundary=").map(|(_, drawn)| drawn.to_owned()));
        all.extend(drawn);
    }
    assert_eq!(all.len(), 200, "none twice");
    assert!(all.iter().all(|b| b.len() == 32 && b.bytes().all(|b| b.is_ascii_hexdigit())));
}

#[test]
fn inj_3_nothing_that_is_said_of_a_part_can_break_out_of_its_line() {
    for evil in [
        "x\r\nX-Inj: 1",
        "x\nX-Inj: 1",
        "x\rX-Inj: 1",
        "\r\n\r\n--B--\r\n",
        "x\"; filename=\"y",
        "x\\\"\r\nX-Inj: 1",
        "x\0\r\n X-Inj: 1",
    ] {
        let part = || Part::bytes("");
        let breaks = evil.contains(['\r', '\n', '\0']);
        for form in [
            Form::new().part("f", part().content_type(evil)),
            Form::new().part("f", part().header("X-A", evil)),
            Form::new().part("f", part().header("Content-Location", evil)),
            Form::new().part("f", part().header("Content-Type", evil)),
            Form::new().part("f", part().header(evil, "1")),
            Form::new().part("f", part().header("Content-Disposition", "form-data; name=\"g\"")),
            Form::new().part("f", part().header("content-disposition", evil)),
        ]
        .into_iter()
        .filter(|_| breaks)
        {
            assert!(!refused(form).contains(['\n', '\r']));
        }
        let part = || Part::bytes("v");
        let mut forms = vec![
            Form::new().text(evil, "v"),
            Form::new().fields([(evil, "v")]),
            Form::new().part(evil, part()),
            Form::new().part("f", part().file_name(evil)),
            Form::new().part("f", part().file_name(evil).guess_type()),
            Form::new().part("f", part().file_name(format!("{evil}.txt")).guess_type()),
        ];
        if cfg!(unix) {
            // The name that a file has where it lies, which may be almost any there.
            let file = Temp::new(&evil.replace(['/', '\0'], "_"), "v");
            forms.push(Form::new().file(evil, &file.0).unwrap());
            forms.push(Form::new().file("f", &file.0).unwrap());
        }
        for form in forms {
            let body = sent(form);
            // One part, which has its own lines and no others, and in them as many quotes as there are parameters.
            let (head, rest) = body.split_once("\r\n\r\n").unwrap();
            assert_eq!(rest, "v\r\n--B--\r\n", "{body:?}");
            let head: Vec<&str> = head.split(['\r', '\n']).filter(|line| !line.is_empty()).collect();
            assert!(head[0] == "--B" && head.len() <= 3, "{body:?}");
            assert!(head[1].starts_with("Content-Disposition: form-data; name=\""), "{body:?}");
            assert!(head[2..].iter().all(|line| line.starts_with("Content-Type: ")), "{body:?}");
            let quotes = 2 * head[1].matches("=\"").count();
            assert_eq!(head[1].matches('"').count(), quotes, "{body:?}");
            assert!(!body.to_lowercase().contains("\nx-inj"), "{body:?}");
        }
    }
}

#[test]
fn a_content_type_set_by_hand_is_an_error_for_it_could_not_have_the_boundary() {
    let stage = stage();
    let mut session = stage.session();
    let form = || Form::new().text("a", "1");
    let error = post(&session, form()).header("Content-Type", "multipart/form-data").send().unwrap_err();
    assert!(error.to_string().contains("boundary"), "{error}");
    session.headers_mut().insert("Content-Type", "application/json").unwrap();
    let error = post(&session, form()).send().unwrap_err();
    assert!(error.to_string().contains("without(\"Content-Type\")"), "{error}");
    post(&session, form()).without("Content-Type").send().unwrap();
    assert!(value(&stage.last(), "content-type").starts_with("multipart/form-data; boundary="));
}

#[test]
fn di_4_a_part_that_is_not_as_long_as_announced_ends_the_request_and_never_the_form() {
    for (part, words) in [
        (Part::sized(Cursor::new(vec![0; 10]), 11), "ended after 10 of the 11 bytes"),
        (Part::sized(Cursor::new(vec![0; 10]), 9), "has more than the 9 bytes"),
        (Part::reader(Failing), "the disk is gone"),
    ] {
        let stage = stage();
        let form = Form::new().part("first", Part::bytes("x")).part("f", part);
        let error = post(&stage.session(), form).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(stage.seen().len(), 0, "the server has seen a whole request");
    }
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

#[test]
fn a_file_that_is_not_there_or_a_directory_is_an_error_that_names_it() {
    let missing = Part::file("/no/such/file").unwrap_err();
    assert!(missing.kind() == ErrorKind::Io && missing.to_string().contains("/no/such/file"), "{missing}");
    let directory = Form::new().file("f", std::env::temp_dir()).unwrap_err();
    assert!(directory.to_string().contains("it is a directory"), "{directory}");
}

#[test]
fn forms_and_parts_show_no_content() {
    let form = Form::new().text("user", "s3cret").part("file", Part::bytes("s3cret"));
    let shown = format!("{form:?} {:?}", Part::text("s3cret"));
    assert!(shown.contains("user") && shown.contains("file") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn an_answer_to_a_form_is_an_answer_like_others() {
    let stage = Stage::new();
    stage.host("a.example", |r| answer("201 Created", &[], r.body()));
    let response = post(&stage.session(), Form::new().text("a", "1")).send().unwrap();
    assert!(response.text().contains("name=\"a\""));
}

#[test]
fn a_file_that_has_shrunk_or_grown_since_it_was_added_is_an_error_and_never_another_file() {
    // A read takes no more than that.
    let whole = "x".repeat(64 * 1024);
    for (added, now, words) in [
        ("0123456789", "01234", "ended after 5 of the 10 bytes"),
        ("0123456789", "", "ended after 0"),
        ("0123456789", "0123456789more", "more than"),
        ("", "more", "more than the 0 bytes"),
        (&whole, &(whole.clone() + "y"), "more than the 65536 bytes"),
    ] {
        let stage = stage();
        let file = Temp::new("a.txt", added);
        let form = Form::new().text("a", "1").file("f", &file.0).unwrap().text("b", "2");
        fs::write(&file.0, now).unwrap();
        let error = post(&stage.session(), form).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        let chain = format!(
            "{error} {}",
            std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
        );
        assert!(chain.contains(words), "{chain}");
        assert!(stage.seen().is_empty(), "no server took it for a whole form");
    }
}

#[test]
fn of_a_part_without_bytes_nothing_is_read() {
    let stage = stage();
    post(&stage.session(), Form::new().part("f", Part::sized(Failing, 0))).send().unwrap();
    assert_eq!(stage.seen().len(), 1);
}
