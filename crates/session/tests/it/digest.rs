//! Digest, against a server that checks each proof with code of its own.

mod server;

use crate::support::{Stage, answer, redirect, value};
use pool::sim::Reply;
use server::Server;
use session::{Body, Challenge, Digest, Hook, Redirect, Request, Source, StatusCode};
use std::io;
use std::sync::{Arc, Mutex};

/// `a.example` with such a server.
fn stage(server: Server) -> (Stage, Arc<Mutex<Server>>) {
    let stage = Stage::new();
    let server = Arc::new(Mutex::new(server));
    let inside = server.clone();
    stage.host("a.example", move |received| match received.target() {
        "/elsewhere" => redirect(302, "http://b.example/"),
        "/moved" => redirect(302, "/final?x=1"),
        _ => inside.lock().unwrap().respond(received),
    });
    (stage, server)
}

fn digest() -> Digest {
    Digest::new("user", "p:w")
}

/// The field `name` of each proof so far; `-` where there was none.
fn proofs(stage: &Stage, name: &str) -> Vec<String> {
    let of = |field: &String| {
        let said = Challenge::parse(field).into_iter().find(|said| said.is("Digest"));
        said.and_then(|said| said.param(name).map(<[u8]>::to_vec))
            .map_or("-".to_owned(), |value| String::from_utf8(value).unwrap())
    };
    stage.values("authorization").iter().map(of).collect()
}

#[test]
fn t_8_a_challenge_is_answered_on_the_same_connection() {
    let (stage, _) = stage(Server::new(", qop=\"auth\", opaque=\"o\""));
    let response = stage.session().post("http://a.example/x?y=\"z").body("up").auth(digest()).send().unwrap();
    assert_eq!(response.bytes(), b"in");
    assert_eq!(response.history()[0].status(), 401);
    assert_eq!(response.history()[0].bytes(), Some(&b"who are you"[..]));
    assert_eq!(proofs(&stage, "nc"), ["-", "00000001"]);
    assert_eq!(proofs(&stage, "opaque"), ["-", "o"]);
    assert_eq!(stage.values("cookie"), ["-", "seen=1"]);
    assert!(stage.seen().iter().all(|received| received.body() == b"up"));
    assert_eq!(stage.world.connections(), 1);
    let sent = response.request().headers().get("authorization").unwrap();
    assert!(
        sent.as_bytes().starts_with(b"Digest "),
        "the request of the answer is the one that was sent last"
    );
}

#[test]
fn t_8_a_wrong_password_is_told_after_one_more_try() {
    for uses in [u32::MAX, 0] {
        let (stage, server) = stage(Server::new(", qop=\"auth\""));
        server.lock().unwrap().uses = uses;
        let mut session = stage.session();
        session.set_auth(Digest::new("user", "wrong"));
        for requests in [2, 4] {
            let response = session.get("http://a.example/").send().unwrap();
            assert_eq!((response.status().as_u16(), response.history().len()), (401, 1));
            assert_eq!(
                stage.seen().len(),
                requests,
                "the second time, a proof goes at once, and one more follows"
            );
        }
    }
}

#[test]
fn t_8_answers_that_are_no_refusals_are_not_answered() {
    let stage = Stage::new();
    stage.host("a.example", |received| {
        let status = received.target().trim_start_matches('/').to_owned();
        answer(&format!("{status} X"), &["WWW-Authenticate: Digest realm=x, nonce=n"], "")
    });
    for (status, sent) in [(200, 1), (407, 1), (500, 1), (401, 2), (403, 2)] {
        let before = stage.seen().len();
        let request = stage.session().get(format!("http://a.example/{status}")).auth(digest());
        assert_eq!(request.send().unwrap().status(), StatusCode::from_u16(status).unwrap());
        assert_eq!(stage.seen().len() - before, sent, "{status}");
    }
}

#[test]
fn t_9_every_algorithm_and_protection() {
    for offer in [
        "",
        ", algorithm=MD5",
        ", algorithm=\"md5\", qop=auth",
        ", algorithm=MD5-sess, qop=\"auth\"",
        ", algorithm=SHA-256, qop=\"auth,auth-int\"",
        ", algorithm=SHA-256-sess, qop=\"auth-int, auth\"",
        ", algorithm=SHA-512-256, qop=\"auth-int\"",
        ", algorithm=SHA-512-256-sess, qop=\"auth-int\", userhash=true, charset=UTF-8",
        ", algorithm=MD5-sess",
    ] {
        let (stage, _) = stage(Server::new(offer));
        let mut session = stage.session();
        session.set_auth(digest());
        for (method, body) in [("GET", ""), ("POST", "the body"), ("PUT", "")] {
            let response = session.request(method, "http://a.example/%20?a=b").body(body).send().unwrap();
            assert_eq!(response.status(), 200, "{method} {offer}");
        }
        assert_eq!(stage.seen().len(), 4, "one challenge is enough: {offer}");
        if offer.contains("auth") {
            assert_eq!(proofs(&stage, "nc"), ["-", "00000001", "00000002", "00000003"]);
        }
        let cnonces = proofs(&stage, "cnonce");
        let fresh = !offer.contains("-sess") && offer.contains("qop");
        assert_eq!(cnonces[1] != cnonces[2], fresh, "{offer}");
    }
}

#[test]
fn t_9_an_unknown_algorithm_is_the_callers_to_see() {
    for field in [
        "Digest realm=x, nonce=n, algorithm=SHA-1",
        "Digest realm=x, nonce=n, qop=\"token\"",
        "Digest realm=x",
        "Basic realm=x",
        "digestive realm=x, nonce=n",
    ] {
        let stage = Stage::new();
        stage.host("a.example", move |_| answer("401 No", &[&format!("WWW-Authenticate: {field}")], ""));
        assert_eq!(stage.session().get("http://a.example/").auth(digest()).send().unwrap().status(), 401);
        assert_eq!(stage.values("authorization"), ["-"], "{field}");
    }
}

#[test]
fn t_9_behind_a_forwarding_proxy_the_uri_is_the_target_that_the_origin_sees() {
    let stage = Stage::new();
    stage.host("p.example", |received| match &*value(received, "authorization") {
        "-" => answer("401 No", &["WWW-Authenticate: Digest realm=r, nonce=n, qop=auth"], ""),
        _ => Reply::ok(""),
    });
    let session = stage.builder().proxy("http://u:p@p.example:3128").auth(digest()).build().unwrap();
    assert_eq!(session.get("http://a.example/x?y").send().unwrap().status(), 200);
    assert_eq!(stage.lines(), ["p.example GET http://a.example/x?y"; 2]);
    assert_eq!(proofs(&stage, "uri"), ["-", "/x?y"]);
    assert_eq!(stage.values("proxy-authorization"), ["Basic dTpw"; 2]);
    // What one origin said is no other's, though one connection led to both.
    session.get("http://b.example/").send().unwrap();
    assert_eq!(proofs(&stage, "nonce"), ["-", "n", "-", "n"]);
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn t_10_clones_share_what_the_server_said_and_other_origins_do_not() {
    let (stage, _) = stage(Server::new(", qop=auth"));
    stage.host("b.example", |_| Reply::ok("b"));
    let auth = digest();
    let session = stage.session();
    for _ in 0..3 {
        session.get("http://a.example/").auth(auth.clone()).send().unwrap();
    }
    session.get("http://b.example/").auth(auth).send().unwrap();
    assert_eq!(proofs(&stage, "nc"), ["-", "00000001", "00000002", "00000003", "-"]);
}

#[test]
fn t_10_a_body_from_a_file_is_sent_again_from_where_it_began() {
    for qop in [", qop=auth", ", qop=auth-int"] {
        let (stage, _) = stage(Server::new(qop));
        let source = Text { text: "head:the rest", at: 5 };
        let session = stage.session();
        let response =
            session.put("http://a.example/").body(Body::reader(source)).auth(digest()).send().unwrap();
        assert_eq!(response.status(), 200);
        assert!(stage.seen().iter().all(|received| received.body() == b"the rest"));
        assert_eq!(proofs(&stage, "qop")[1], qop.trim_start_matches(", qop="));
    }
}

/// A source that can go back.
struct Text {
    text: &'static str,
    at: usize,
}

impl Source for Text {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let rest = &self.text.as_bytes()[self.at..];
        let n = rest.len().min(buf.len()).min(3);
        buf[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }

    fn mark(&mut self) -> Option<u64> {
        Some(self.at as u64)
    }

    fn rewind(&mut self, mark: u64) -> io::Result<()> {
        self.at = usize::try_from(mark).unwrap();
        Ok(())
    }
}

#[test]
fn a_body_that_can_be_read_once_is_sent_once_and_the_401_is_the_result() {
    for (qop, later) in [(", qop=auth", 200), (", qop=auth-int", 401)] {
        let (stage, _) = stage(Server::new(qop));
        let mut session = stage.session();
        session.set_auth(digest());
        let once = || session.put("http://a.example/").body(Body::once(&b"once"[..])).send().unwrap();
        assert_eq!(once().status(), 401);
        assert_eq!(stage.seen().len(), 1);
        session.get("http://a.example/").send().unwrap();
        assert_eq!(
            once().status().as_u16(),
            later,
            "with a nonce that is known the proof goes at once, if it can"
        );
        assert_eq!(stage.last().body(), b"once");
    }
}

#[test]
fn t_11_a_stale_nonce_is_replaced_also_at_once_after_a_challenge() {
    let (stage, server) = stage(Server::new(", qop=auth"));
    server.lock().unwrap().uses = 1;
    let mut session = stage.session();
    session.set_auth(digest());
    for _ in 0..3 {
        assert_eq!(session.get("http://a.example/").send().unwrap().status(), 200);
    }
    assert_eq!(proofs(&stage, "nonce"), ["-", "n1", "n1", "n2", "n2", "n3"]);
    // Forgotten without a word: no wrong password either, as the proof was for another nonce.
    server.lock().unwrap().says_stale = false;
    assert_eq!(session.get("http://a.example/").send().unwrap().status(), 200);
}

#[test]
fn t_11_nonces_that_are_stale_for_ever_end_after_two_rounds() {
    let stage = Stage::new();
    stage.host("a.example", |_| {
        answer("401 No", &["WWW-Authenticate: Digest realm=x, nonce=n, stale=true"], "")
    });
    let response = stage.session().get("http://a.example/").auth(digest()).send().unwrap();
    assert_eq!((response.status().as_u16(), response.history().len()), (401, 2));
}

#[test]
fn t_11_of_several_challenges_the_strongest_is_answered_and_never_basic() {
    for fields in [
        &[
            "Basic realm=\"b\", Digest realm=r, nonce=md5, Digest realm=r, nonce=n1, algorithm=SHA-256, Bearer",
        ][..],
        &[
            "Digest realm=r, nonce=n1, algorithm=SHA-512-256, qop=auth",
            "Digest realm=r, nonce=x, algorithm=SHA-256",
        ],
        &["Negotiate", "Basic realm=\"open", "Digest realm=r, nonce=n1", "Digest realm=r, nonce=second"],
        &["Digest realm=r, nonce=new, algorithm=SHA-3", "Digest realm=r, nonce=n1"],
    ] {
        let stage = Stage::new();
        stage.host("a.example", move |received| match &*value(received, "authorization") {
            "-" => {
                let fields: Vec<String> = fields.iter().map(|f| format!("WWW-Authenticate: {f}")).collect();
                answer("401 No", &fields.iter().map(|f| &**f).collect::<Vec<_>>(), "")
            }
            _ => Reply::ok(""),
        });
        stage.session().get("http://a.example/").auth(digest()).send().unwrap();
        assert_eq!(proofs(&stage, "nonce"), ["-", "n1"], "{fields:?}");
    }
}

#[test]
fn t_11_redirects_begin_anew_and_stay_proved() {
    let (stage, server) = stage(Server::new(", qop=auth"));
    let mut session = stage.session();
    session.set_auth(digest());
    let response = session.get("http://a.example/moved").send().unwrap();
    assert_eq!((response.status().as_u16(), response.history().len()), (200, 2));
    assert_eq!(response.url().as_str(), "http://a.example/final?x=1");
    server.lock().unwrap().nonces.clear();
    let response = session.get("http://a.example/moved").send().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(stage.lines().len(), 6);
    assert_eq!(proofs(&stage, "uri"), ["-", "-", "/final?x=1", "/moved", "/final?x=1", "/final?x=1"]);
}

#[test]
fn t_11_a_challenge_on_each_side_of_a_redirect_is_answered() {
    let stage = Stage::new();
    let count = Mutex::new(0);
    stage.host("a.example", move |received| {
        let mut count = count.lock().unwrap();
        *count += 1;
        let refused =
            answer("401 No", &[&format!("WWW-Authenticate: Digest realm=r, nonce=n{count}, stale=true")], "");
        match (received.target(), *count) {
            (_, 1 | 2 | 4 | 5) => refused,
            ("/", _) => redirect(307, "/end"),
            _ => Reply::ok("end"),
        }
    });
    let response = stage.session().post("http://a.example/").body("b").auth(digest()).send().unwrap();
    assert_eq!(response.bytes(), b"end");
    let statuses: Vec<u16> = response.history().iter().map(|hop| hop.status().as_u16()).collect();
    assert_eq!(statuses, [401, 401, 307, 401, 401]);
    assert!(stage.seen().iter().all(|received| received.body() == b"b"));
}

#[test]
fn cr_7_a_challenge_of_another_origin_is_the_callers_to_see() {
    let (stage, _) = stage(Server::new(", qop=auth"));
    stage.host("b.example", |_| answer("401 No", &["WWW-Authenticate: Digest realm=\"x\",nonce=\"n\""], ""));
    let mut session = stage.session();
    session.set_auth(digest());
    session.get("http://a.example/").send().unwrap();
    let response = session.get("http://a.example/elsewhere").send().unwrap();
    assert_eq!((response.status().as_u16(), response.url().as_str()), (401, "http://b.example/"));
    assert_eq!(stage.lines().last().unwrap(), "b.example GET /");
    assert_eq!(stage.values("authorization").last().unwrap(), "-");
    let streamed = session.get("http://a.example/elsewhere").stream().unwrap();
    assert_eq!(streamed.status(), 401);
    assert_eq!(stage.values("authorization").last().unwrap(), "-");
}

#[test]
fn t_8_streams_and_bodies_as_an_error_are_proved_alike() {
    let (stage, _) = stage(Server::new(", qop=auth"));
    let session = stage.builder().auth(digest()).error_for_status(true).build().unwrap();
    let mut text = String::new();
    io::Read::read_to_string(&mut session.get("http://a.example/").stream().unwrap(), &mut text).unwrap();
    assert_eq!(text, "in");
    assert_eq!(session.get("http://a.example/").redirect(Redirect::none()).send().unwrap().bytes(), b"in");
}

#[test]
fn many_at_once_each_have_a_count_of_their_own() {
    for uses in [u32::MAX, 1] {
        let (stage, server) = stage(Server::new(", qop=auth"));
        server.lock().unwrap().uses = uses;
        let mut session = stage.session();
        session.set_auth(digest());
        for _ in 0..2 {
            // That no count comes twice is the server's to check.
            let responses = session.send_all((0..50).map(|i| session.get(format!("http://a.example/{i}"))));
            assert_eq!(responses.len(), 50);
            assert!(responses.into_iter().all(|response| response.unwrap().status() == 200), "uses: {uses}");
        }
    }
}

#[test]
fn ru_5_challenges_that_are_about_a_connection_are_the_callers_to_see() {
    for field in ["Negotiate", "NTLM", "Negotiate oRQwEqADCgEB"] {
        let stage = Stage::new();
        stage.host("a.example", move |_| answer("401 No", &[&format!("WWW-Authenticate: {field}")], "no"));
        let response = stage.session().get("http://a.example/").auth(digest()).send().unwrap();
        assert_eq!((response.status().as_u16(), response.bytes()), (401, &b"no"[..]));
        stage.session().get("http://a.example/").send().unwrap();
        assert_eq!(stage.values("authorization"), ["-", "-"], "{field}");
        let found = Challenge::all(response.head());
        assert!(found[0].is(field.split(' ').next().unwrap()));
    }
}

#[test]
fn ru_5_the_proof_of_one_user_never_rides_on_what_was_said_to_another() {
    let (stage, _) = stage(Server::new(", qop=auth"));
    let session = stage.session();
    session.get("http://a.example/").auth(digest()).send().unwrap();
    session.get("http://a.example/").basic("second", "s").send().unwrap();
    session.get("http://a.example/").auth(Digest::new("third", "t")).send().unwrap();
    assert_eq!(proofs(&stage, "username"), ["-", "user", "-", "-", "third"]);
    assert_eq!(stage.values("authorization")[2], "Basic c2Vjb25kOnM=");
    assert_eq!(stage.world.connections(), 1);
}

#[test]
fn inj_4_the_proof_is_one_field_whatever_the_server_chose() {
    for (challenge, params) in [
        // The last quote is an escaped one: what is quoted ends with the line.
        (
            &br#"realm="a\\", nonce="n\", uri=\"/evil", opaque="\""#[..],
            [&b"a\\"[..], b"n\", uri=\"/evil", b"\""],
        ),
        (br#"realm="a\\", nonce="n\", uri=\"/evil", opaque="\"""#, [b"a\\", b"n\", uri=\"/evil", b"\""]),
        // A line that is folded is one line with a blank in it.
        (b"realm=\"a\", nonce=\"n\", opaque=\"\\\"\r\n X-Inj: 1\"", [b"a", b"n", b"\" X-Inj: 1"]),
        (br#"realm="\"\"\\\"", nonce="\\\\\\", opaque="\r\n""#, [b"\"\"\\\"", b"\\\\\\", b"rn"]),
        (
            b"realm=\"\xff\t\x80\", nonce=\"\xe9, response=x\", opaque=\"\"",
            [b"\xff\t\x80", b"\xe9, response=x", b""],
        ),
    ] {
        let stage = Stage::new();
        stage.host("a.example", move |received| {
            if received.head().headers().contains("authorization") {
                return Reply::ok("");
            }
            let field = [b"WWW-Authenticate: Digest ", challenge, b"\r\n"].concat();
            Reply::raw([b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n", &field[..], b"\r\n"].concat())
        });
        let shown = String::from_utf8_lossy(challenge);
        let response = stage.session().get("http://a.example/").auth(digest()).send().unwrap();
        assert_eq!((response.status().as_u16(), stage.seen().len()), (200, 2), "{shown}");
        let seen = stage.seen();
        let heads: Vec<_> = seen.iter().map(|r| String::from_utf8_lossy(r.head().as_bytes())).collect();
        // What was sent at first, and one line.
        let proof = heads[1].split("\r\n").find(|line| line.starts_with("Authorization: Digest ")).unwrap();
        assert_eq!(heads[1].replacen(&format!("{proof}\r\n"), "", 1), heads[0], "{shown}");
        assert!(!proof.contains(['\r', '\n']), "{proof:?}");
        let said = Challenge::parse(seen[1].head().headers().get("authorization").unwrap().as_bytes());
        assert_eq!(said.len(), 1, "{shown}");
        assert_eq!(["realm", "nonce", "opaque"].map(|name| said[0].param(name).unwrap()), params, "{shown}");
        assert_eq!(said[0].param("uri"), Some(&b"/"[..]), "{shown}");
        let names: Vec<&str> = said[0].params().map(|(name, _)| name).collect();
        assert_eq!(names, ["username", "realm", "nonce", "uri", "response", "opaque"], "{shown}");
    }
}

/// Looks at what is about to be sent.
struct Look(Arc<Mutex<Vec<String>>>);

impl Hook for Look {
    fn before(&self, request: &mut Request) -> Result<(), session::Error> {
        let digest =
            request.headers().get("authorization").is_some_and(|v| v.as_bytes().starts_with(b"Digest "));
        self.0.lock().unwrap().push(format!("{} {digest}", request.method()));
        Ok(())
    }
}

#[test]
fn hooks_see_each_round() {
    let (stage, _) = stage(Server::new(", qop=auth"));
    let seen = Arc::default();
    stage.session().get("http://a.example/").auth(digest()).hook(Look(Arc::clone(&seen))).send().unwrap();
    assert_eq!(*seen.lock().unwrap(), ["GET false", "GET true"]);
}

#[test]
fn lg_1_the_text_of_credentials_does_not_show_them() {
    let auth = Digest::new("s3cret-user", "s3cret");
    let mut session = session::Session::new();
    session.set_auth(auth.clone());
    assert!(!format!("{auth:?} {session:?}").contains("s3cret"));
}

#[test]
fn a_nonce_that_comes_again_on_other_terms_is_answered_by_them() {
    for (first, second) in [
        ("qop=\"auth\"", "qop=\"auth-int\""),
        ("qop=\"auth\"", "opaque=\"other\", qop=\"auth\""),
        ("opaque=\"one\"", "opaque=\"other\""),
        ("qop=\"auth\", algorithm=MD5", "qop=\"auth\", algorithm=SHA-256"),
    ] {
        let stage = Stage::new();
        // One nonce for the whole origin; each place has terms of its own.
        stage.host("a.example", move |received| {
            let terms = if received.target() == "/1" { first } else { second };
            let said = Challenge::parse(value(received, "authorization"));
            let offer = Challenge::parse(format!("Digest {terms}"));
            let kept = |name: &str| said[0].param(name) == offer[0].param(name);
            if said[0].is("Digest") && ["qop", "opaque", "algorithm"].into_iter().all(kept) {
                return Reply::ok("in");
            }
            let field = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"always\", {terms}");
            answer("401 No", &[&field], "")
        });
        let mut session = stage.session();
        session.set_auth(digest());
        for (path, sent) in [("/1", 2), ("/1", 1), ("/2", 2), ("/2", 1), ("/1", 2)] {
            let before = stage.seen().len();
            let response = session.get(format!("http://a.example{path}")).send().unwrap();
            assert_eq!(response.text(), "in", "{first} {second} {path}");
            assert_eq!(stage.seen().len() - before, sent, "{first} {second} {path}");
        }
    }
}
