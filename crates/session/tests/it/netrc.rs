//! netrc: whose entries go where, and what they never replace.

use crate::support::{Stage, redirect};
use pool::sim::Reply;
use session::{Bearer, ErrorKind, Hook, Netrc, Request, Session};
use std::path::PathBuf;

/// A folder of its own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("session-netrc-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join("netrc");
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `a.example/to-b` leads to `b.example`, `/here` to its own `/end`.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.host("a.example", |received| match received.target() {
        "/to-b" => redirect(302, "http://b.example/"),
        "/here" => redirect(302, "/end"),
        _ => Reply::ok("a"),
    });
    stage.host("b.example", |received| match received.target() {
        "/to-a" => redirect(302, "http://a.example/end"),
        _ => Reply::ok("b"),
    });
    stage
}

fn session(stage: &Stage, netrc: &str) -> Session {
    let mut session = stage.session();
    session.settings_mut().set_netrc(Netrc::parse(netrc).unwrap());
    session
}

const TWO: &str = "machine a.example login ua password pa\nmachine b.example login ub password pb\n";
const A: &str = "Basic dWE6cGE=";
const B: &str = "Basic dWI6cGI=";

#[test]
fn m_5_a_file_is_used_where_nothing_else_has_credentials_and_only_if_asked_for() {
    let (stage, folder) = (stage(), Folder::new("m5"));
    stage.session().get("http://a.example/").send().unwrap();
    let mut session = stage.builder().netrc_file(folder.file(TWO)).build().unwrap();
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").netrc(None).send().unwrap();
    session.get("http://a.example/").without("Authorization").send().unwrap();
    session.get("http://a.example/").bearer("own").send().unwrap();
    session.get("http://u:p@a.example/").send().unwrap();
    session.headers_mut().insert("Authorization", "of the session").unwrap();
    session.get("http://a.example/").send().unwrap();
    session.set_auth(Bearer::new("session"));
    session.get("http://a.example/").send().unwrap();
    assert_eq!(
        stage.values("authorization"),
        ["-", A, "-", "-", "Bearer own", "Basic dTpw", "of the session", "Bearer session"]
    );
    let request = stage.session().get("http://a.example/").netrc(Netrc::parse(TWO).unwrap());
    request.send().unwrap();
    assert_eq!(stage.values("authorization").pop().unwrap(), A);
}

#[test]
fn t_4_a_file_never_replaces_a_header() {
    let stage = stage();
    let session = session(&stage, TWO);
    session.get("http://a.example/").header("Authorization", "mine").send().unwrap();
    session.get("http://a.example/here").header("authorization", "mine").send().unwrap();
    assert_eq!(stage.values("authorization"), ["mine", "mine", "mine"]);
}

#[test]
fn nr_5_what_was_said_wins_and_an_empty_entry_is_none() {
    let stage = stage();
    let netrc = "machine a.example login u password p\nmachine b.example login \"\" password \"\"";
    let session = session(&stage, netrc);
    session.get("http://a.example/").header("Authorization", "Bearer t").send().unwrap();
    session.get("http://b.example/").send().unwrap();
    assert_eq!(stage.values("authorization"), ["Bearer t", "-"]);
}

#[test]
fn d_12_each_hop_has_the_entry_of_its_own_host() {
    let stage = stage();
    let session = session(&stage, TWO);
    session.get("http://a.example/to-b").send().unwrap();
    session.get("http://b.example/to-a").stream().unwrap();
    session.get("http://a.example/here").send().unwrap();
    assert_eq!(stage.values("authorization"), [A, B, B, A, A, A]);
    let one = self::session(&stage, "machine a.example login ua password pa");
    one.get("http://a.example/to-b").send().unwrap();
    assert_eq!(stage.values("authorization")[6..], [A, "-"]);
}

#[test]
fn nr_1_a_redirect_target_is_given_nothing_of_the_first_host() {
    let stage = stage();
    let netrc = "machine a.example login u password s3cret\nmachine b.example login only\ndefault";
    session(&stage, netrc).get("http://a.example/to-b").send().unwrap();
    assert_eq!(stage.values("authorization"), ["Basic dTpzM2NyZXQ=", "Basic b25seTo="]);
}

#[test]
fn nr_2_the_choice_is_made_for_each_request_and_not_for_a_connection() {
    let stage = stage();
    let session = session(&stage, "machine a.example login ua password pa");
    session.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").netrc(None).send().unwrap();
    session.get("http://a.example/to-b").send().unwrap();
    assert_eq!(stage.values("authorization"), [A, "-", A, "-"]);
    assert_eq!(stage.world.connections(), 2);
}

#[test]
fn nr_2_on_one_connection_to_a_proxy_each_host_has_what_is_its_own() {
    let stage = Stage::new();
    stage.host("p.example", |received| match received.target() {
        "http://a.example/to-b" => redirect(302, "http://b.example/"),
        _ => Reply::ok("ok"),
    });
    let mut session = stage.builder().proxy("http://p.example:3128").build().unwrap();
    session.settings_mut().set_netrc(Netrc::parse("machine a.example login ua password pa").unwrap());
    session.get("http://a.example/to-b").send().unwrap();
    assert_eq!(stage.lines(), ["p.example GET http://a.example/to-b", "p.example GET http://b.example/"]);
    assert_eq!(stage.values("authorization"), [A, "-"]);
    session.settings_mut().set_netrc(Netrc::parse(TWO).unwrap());
    session.get("http://a.example/to-b").send().unwrap();
    assert_eq!(stage.values("authorization")[2..], [A, B]);
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn nr_3_a_user_in_the_url_is_given_no_password_of_another() {
    let stage = stage();
    let netrc = "machine a.example login bob password B\nmachine b.example login ub password pb";
    let session = session(&stage, netrc);
    for _ in 0..2 {
        // The second time the text of the URL is one that was seen before.
        session.get("http://alice@a.example/").send().unwrap();
    }
    session.get("http://bob@a.example/").send().unwrap();
    session.get("http://alice@a.example/here").send().unwrap();
    session.get("http://alice@a.example/to-b").send().unwrap();
    session.get("http://alice:@a.example/").send().unwrap();
    assert_eq!(
        stage.values("authorization"),
        ["-", "-", "Basic Ym9iOkI=", "-", "-", "-", B, "Basic YWxpY2U6"],
        "the user that a URL names is one of its host"
    );
    let mut session = session;
    session.set_auth(Bearer::new("t"));
    session.get("http://alice@a.example/").send().unwrap();
    assert_eq!(stage.values("authorization").pop().unwrap(), "Bearer t");
}

#[test]
fn nr_4_an_entry_brings_no_dropped_credential_back() {
    let stage = stage();
    let session = session(&stage, "default login d password d");
    session.get("http://a.example/to-b").bearer("t0ken").send().unwrap();
    session.get("http://a.example/to-b").header("Authorization", "Bearer t0ken").send().unwrap();
    let own = "Basic ZDpk";
    assert_eq!(stage.values("authorization"), ["Bearer t0ken", own, "Bearer t0ken", own]);
}

/// Sends everything elsewhere.
struct Move;

impl Hook for Move {
    fn before(&self, request: &mut Request) -> Result<(), session::Error> {
        request.set_url("http://b.example/moved")
    }
}

#[test]
fn nr_1_a_hook_that_goes_elsewhere_takes_no_entry_along() {
    let stage = stage();
    session(&stage, TWO).get("http://a.example/").hook(Move).send().unwrap();
    assert_eq!(stage.lines(), ["b.example GET /moved"]);
    assert_eq!(stage.values("authorization"), ["-"]);
}

#[test]
fn t_5_a_named_file_that_cannot_be_used_is_an_error_that_shows_nothing_of_it() {
    let (stage, folder) = (stage(), Folder::new("t5"));
    let missing = folder.0.join("missing");
    let error = stage.builder().netrc_file(&missing).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("missing"), "{error}");
    for text in [b"machine h password s3cret oops".to_vec(), vec![b' '; 128 * 1024 + 1]] {
        let error = stage.builder().netrc_file(folder.file(text)).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
    let most = [b"machine a.example login ua password pa\n".as_slice(), &[b'\n'; 128 * 1024]].concat();
    let session = stage.builder().netrc_file(folder.file(&most[..128 * 1024])).build().unwrap();
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.values("authorization"), [A], "a file of just that length is read");
}

#[test]
fn lg_1_the_text_of_a_file_is_not_shown() {
    let netrc = Netrc::parse("machine h login s3cretu password s3cretp").unwrap();
    let mut session = Session::new();
    session.settings_mut().set_netrc(netrc.clone());
    let shown = format!("{netrc:?} {session:?}");
    assert!(shown.contains("Netrc") && !shown.contains("s3cret"), "{shown}");
}
