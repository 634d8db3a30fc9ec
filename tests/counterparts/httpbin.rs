//! Python's httpbin.

use crate::{builder, told};
use serde_json::{Value, json};
use session::{Basic, Body, Digest, Form, Part};
use std::io::Read as _;

fn url(path: &str) -> String {
    told("COUNTERPARTS_HTTPBIN") + path
}

fn json(response: &session::Response) -> Value {
    response.json().unwrap()
}

#[test]
fn cookies_that_a_redirect_sets_come_back() {
    let session = builder().build().unwrap();
    let set = session.get(url("/cookies/set/sessioncookie/123456789")).send().unwrap();
    assert_eq!((set.history().len(), set.status().as_u16()), (1, 200));
    let response = session.get(url("/cookies")).send().unwrap();
    assert_eq!(json(&response), json!({"cookies": {"sessioncookie": "123456789"}}));
    session.get(url("/cookies/delete?sessioncookie")).send().unwrap();
    assert_eq!(json(&session.get(url("/cookies")).send().unwrap()), json!({"cookies": {}}));
}

#[test]
fn credentials_of_the_session_open_what_is_behind_a_password() {
    let mut session = builder().build().unwrap();
    let protected = url("/basic-auth/user/pass");
    assert_eq!(session.get(&protected).send().unwrap().status(), 401);
    session.set_auth(Basic::new("user", "pass"));
    assert_eq!(
        json(&session.get(&protected).send().unwrap()),
        json!({"authenticated": true, "user": "user"})
    );
    assert_eq!(session.get(&protected).basic("user", "wrong").send().unwrap().status(), 401);
}

#[test]
fn digest_opens_what_basic_does_not() {
    for path in ["auth/user/pass", "auth/user/pass/MD5", "auth/user/pass/SHA-256", "auth-int/user/pass"] {
        let protected = url(&format!("/digest-auth/{path}"));
        let session = builder().auth(Digest::new("user", "pass")).build().unwrap();
        for _ in 0..2 {
            let response = session.get(&protected).send().unwrap();
            assert_eq!(json(&response)["authenticated"], true, "{path}");
        }
        let wrong = builder().auth(Digest::new("user", "wrong")).build().unwrap();
        assert_eq!(wrong.get(&protected).send().unwrap().status(), 401, "{path}");
    }
}

#[test]
fn a_form_with_files_arrives_whole() {
    let session = builder().build().unwrap();
    let form = Form::new()
        .text("a", "größe")
        .part("f", Part::text("x,y\n1,2\n").file_name("r\"1\".csv").content_type("text/csv"))
        .part("g", Part::bytes(b"second".to_vec()).file_name("g.bin"));
    let seen = json(&session.post(url("/post")).multipart(form).send().unwrap());
    assert_eq!((&seen["form"]["a"], &seen["files"]["f"]), (&json!("größe"), &json!("x,y\n1,2\n")));
    assert_eq!(seen["files"]["g"], "second");
}

#[test]
fn forms_json_and_bodies_of_unknown_length_arrive() {
    let session = builder().build().unwrap();
    let form = session.post(url("/post")).form([("a", "1"), ("b", "two words"), ("a", "ü")]).send().unwrap();
    assert_eq!(json(&form)["form"], json!({"a": ["1", "ü"], "b": "two words"}));
    let sent = json!({"title": "größe", "n": [1, 2.5, null]});
    assert_eq!(json(&session.post(url("/post")).json(&sent).send().unwrap())["json"], sent);
    let unknown = Body::once(std::io::Cursor::new(b"piece by piece".to_vec()));
    let response = session.put(url("/put")).body(unknown).send().unwrap();
    assert_eq!(json(&response)["data"], "piece by piece");
}

#[test]
fn queries_arrive_as_they_were_meant() {
    let session = builder().build().unwrap();
    let response = session.get(url("/get?x=0")).query([("q", "a b&c=ü"), ("r", "*~")]).send().unwrap();
    assert_eq!(json(&response)["args"], json!({"x": "0", "q": "a b&c=ü", "r": "*~"}));
}

#[test]
fn redirects_are_followed_with_their_history() {
    let session = builder().build().unwrap();
    for path in ["/redirect/5", "/absolute-redirect/5", "/relative-redirect/5"] {
        let response = session.get(url(path)).send().unwrap();
        assert_eq!((response.status().as_u16(), response.history().len()), (200, 5), "{path}");
    }
    let kept = url(&format!("/redirect-to?status_code=307&url={}", url("/post")));
    assert_eq!(json(&session.post(kept).body("kept").send().unwrap())["data"], "kept");
}

#[test]
fn codings_are_decoded() {
    let session = builder().build().unwrap();
    assert_eq!(json(&session.get(url("/gzip")).send().unwrap())["gzipped"], true);
    assert_eq!(json(&session.get(url("/deflate")).send().unwrap())["deflated"], true);
    assert_eq!(json(&session.get(url("/brotli")).send().unwrap())["brotli"], true);
}

#[test]
fn streams_are_read_line_by_line_and_to_their_end() {
    let session = builder().build().unwrap();
    let lines: Vec<String> =
        session.get(url("/stream/20")).stream().unwrap().lines().collect::<Result<_, _>>().unwrap();
    assert_eq!(lines.len(), 20);
    let last: Value = serde_json::from_str(&lines[19]).unwrap();
    assert_eq!(last["id"], 19);
    let mut octets = Vec::new();
    session.get(url("/stream-bytes/100000?seed=1")).stream().unwrap().read_to_end(&mut octets).unwrap();
    assert_eq!(octets.len(), 100_000);
}

#[test]
fn fifty_at_once_are_answered_each_with_its_own() {
    let session = builder().build().unwrap();
    let urls: Vec<String> = (0..50).map(|n| url(&format!("/anything/{n}"))).collect();
    for (n, result) in session.as_completed(urls.iter().map(|url| session.get(url))) {
        assert_eq!(json(&result.unwrap())["url"], urls[n].as_str());
    }
}
