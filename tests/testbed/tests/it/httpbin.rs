//! httpbin's endpoints.

use std::io::Read;
use std::net::TcpStream;

use flate2::read::{GzDecoder, ZlibDecoder};
use serde_json::{Value, json};
use testbed::Testbed;

use crate::client::{Answer, Client};

fn start() -> (Testbed, Client<TcpStream>) {
    let testbed = Testbed::start().unwrap();
    let client = Client::connect(testbed.addr());
    (testbed, client)
}

#[test]
fn get_says_args_headers_origin_and_url() {
    let (_testbed, mut client) = start();
    let answer = client.send("GET", "/get?a=1&b=x+y&b=%C3%A9&c=", "x-twice: 1\r\nX-Twice: 2\r\n", b"");
    let expected = json!({
        "args": {"a": "1", "b": ["x y", "é"], "c": ""},
        "headers": {"Host": "testbed.test", "X-Twice": "1,2"},
        "origin": "127.0.0.1",
        "url": "http://testbed.test/get?a=1&b=x+y&b=%C3%A9&c=",
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!(answer.field("Content-Type"), "application/json");
    assert_eq!(answer.field("Access-Control-Allow-Origin"), "*");
    assert!(answer.text().starts_with("{\n  \"args\": {"), "laid out with two spaces");
}

#[test]
fn post_shows_json_form_text_and_bytes_where_httpbin_shows_them() {
    let cases: [(&str, &[u8], Value); 5] = [
        ("application/json", b"{\"k\": [1]}", json!([{"k": [1]}, "{\"k\": [1]}", {}])),
        ("application/x-www-form-urlencoded", b"a=1&a=2&b=", json!([null, "", {"a": ["1", "2"], "b": ""}])),
        ("text/plain", b"plain", json!([null, "plain", {}])),
        ("image/png", b"\xff\x00", json!([null, "data:application/octet-stream;base64,/wA=", {}])),
        ("multipart/form-data; boundary=b", b"--b--\r\n", json!([null, "", {}])),
    ];
    let (_testbed, mut client) = start();
    for (content_type, body, expected) in cases {
        let answer = client.send("POST", "/post", &format!("Content-Type: {content_type}\r\n"), body).json();
        assert_eq!(json!([answer["json"], answer["data"], answer["form"]]), expected, "{content_type}");
        assert_eq!(answer["headers"]["Content-Length"], body.len().to_string());
        assert_eq!((answer["files"].clone(), &answer["method"]), (json!({}), &Value::Null));
    }
}

#[test]
fn a_chunked_request_body_is_read_like_a_sized_one() {
    let (_testbed, mut client) = start();
    client.write(b"PUT /put HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n2\r\n, \r\n3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(client.read_answer("PUT").json()["data"], "one, two");
}

#[test]
fn each_verb_has_its_path_and_others_get_405_with_allow() {
    let (_testbed, mut client) = start();
    for verb in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let path = format!("/{}", verb.to_lowercase());
        assert_eq!(client.send(verb, &path, "", b"").status, 200, "{path}");
    }
    let refused = client.send("POST", "/get", "", b"");
    assert_eq!((refused.status, refused.field("Allow")), (405, "GET, HEAD, OPTIONS"));
    assert_eq!(client.get("/nowhere").status, 404);
}

#[test]
fn head_has_the_fields_of_get_and_no_body() {
    let (_testbed, mut client) = start();
    let get = client.get("/html");
    let head = client.send("HEAD", "/html", "", b"");
    assert_eq!((head.status, head.field("Content-Length")), (200, get.field("Content-Length")));
    assert_eq!(client.get("/ip").json(), json!({"origin": "127.0.0.1"}), "nothing of a body was in between");
}

#[test]
fn options_says_which_methods_there_are() {
    let (_testbed, mut client) = start();
    let answer = client.send("OPTIONS", "/post", "", b"");
    assert_eq!((answer.status, answer.field("Allow"), answer.text()), (200, "POST, OPTIONS", ""));
    assert_eq!(answer.field("Access-Control-Max-Age"), "3600");
}

#[test]
fn anything_takes_any_method_and_path() {
    let (_testbed, mut client) = start();
    let answer = client.send("PURGE", "/anything/a/b%20c?q=1", "User-Agent: me\r\n", b"text").json();
    assert_eq!(
        [&answer["method"], &answer["url"], &answer["data"], &answer["headers"]["User-Agent"]],
        ["PURGE", "http://testbed.test/anything/a/b%20c?q=1", "text", "me"]
    );
    assert_eq!(
        client.send("GET", "/user-agent", "User-Agent: me\r\n", b"").json(),
        json!({"user-agent": "me"})
    );
    assert_eq!(client.get("/headers").json(), json!({"headers": {"Host": "testbed.test"}}));
}

#[test]
fn cookies_are_set_by_path_or_query_with_a_redirect_and_listed() {
    let (_testbed, mut client) = start();
    let set = client.get("/cookies/set/sessioncookie/123456789");
    assert_eq!((set.status, set.field("Location")), (302, "/cookies"));
    assert_eq!(set.all("Set-Cookie"), ["sessioncookie=123456789; Path=/"]);
    let set = client.get("/cookies/set?a=1&b=2%203");
    assert_eq!(set.all("Set-Cookie"), ["a=1; Path=/", "b=\"2 3\"; Path=/"]);
    let list = client.send("GET", "/cookies", "Cookie: a=1; b=\"2 \\073 3\"; a=9\r\n", b"");
    assert_eq!(list.json(), json!({"cookies": {"a": "1", "b": "2 ; 3"}}));
    assert_eq!(client.get("/cookies").json(), json!({"cookies": {}}));
}

#[test]
fn cookies_are_deleted_by_an_expiry_in_the_past() {
    let (_testbed, mut client) = start();
    let answer = client.get("/cookies/delete?a=&b");
    assert_eq!((answer.status, answer.field("Location")), (302, "/cookies"));
    let gone = "=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/";
    assert_eq!(answer.all("Set-Cookie"), [format!("a{gone}"), format!("b{gone}")]);
}

#[test]
fn a_cookie_name_that_would_break_the_field_is_refused() {
    let (_testbed, mut client) = start();
    assert_eq!(client.get("/cookies/set/a%0D%0Ab/1").status, 400);
    let value = client.get("/cookies/set/a/1%0D%0AX:%3B");
    assert_eq!(value.all("Set-Cookie"), ["a=\"1\\015\\012X:\\073\"; Path=/"]);
}

#[test]
fn basic_auth_challenges_until_the_credentials_fit() {
    let (_testbed, mut client) = start();
    let challenge = client.get("/basic-auth/user/pass");
    assert_eq!(challenge.status, 401);
    assert_eq!(challenge.field("Www-Authenticate"), "Basic realm=\"Fake Realm\"");
    let good = "Authorization: Basic dXNlcjpwYXNz\r\n";
    let welcome = client.send("GET", "/basic-auth/user/pass", good, b"");
    assert_eq!(welcome.json(), json!({"authenticated": true, "user": "user"}));
    assert_eq!(client.send("GET", "/basic-auth/user/other", good, b"").status, 401);
    assert_eq!(client.get("/hidden-basic-auth/user/pass").status, 404);
    assert_eq!(client.send("GET", "/hidden-basic-auth/user/pass", good, b"").status, 200);
}

#[test]
fn bearer_takes_any_token() {
    let (_testbed, mut client) = start();
    let challenge = client.get("/bearer");
    assert_eq!((challenge.status, challenge.field("Www-Authenticate")), (401, "Bearer"));
    let welcome = client.send("GET", "/bearer", "Authorization: Bearer abc\r\n", b"");
    assert_eq!(welcome.json(), json!({"authenticated": true, "token": "abc"}));
}

#[test]
fn redirects_count_down_to_get() {
    let cases = [
        ("/redirect/3", "/relative-redirect/2"),
        ("/redirect/1", "/get"),
        ("/redirect/2?absolute=true", "http://testbed.test/absolute-redirect/1"),
        ("/relative-redirect/2", "/relative-redirect/1"),
        ("/relative-redirect/1", "/get"),
        ("/absolute-redirect/2", "http://testbed.test/absolute-redirect/1"),
        ("/absolute-redirect/1", "http://testbed.test/get"),
    ];
    let (_testbed, mut client) = start();
    for (target, location) in cases {
        let answer = client.get(target);
        assert_eq!((answer.status, answer.field("Location")), (302, location), "{target}");
    }
    let has_page = |answer: Answer| answer.text().contains("<p>");
    assert!(has_page(client.get("/redirect/2")) && has_page(client.get("/absolute-redirect/2")));
    assert!(!has_page(client.get("/relative-redirect/2")));
    assert_eq!(client.get("/redirect/0").status, 400);
    assert_eq!(client.get("/redirect/x").status, 404);
}

#[test]
fn redirect_to_uses_the_url_as_given_and_the_status_asked_for() {
    let (_testbed, mut client) = start();
    let answer =
        client.send("POST", "/redirect-to?url=http%3A%2F%2Fh%2F%3Fa%3Db%23c&status_code=307", "", b"body");
    assert_eq!((answer.status, answer.field("Location")), (307, "http://h/?a=b#c"));
    assert_eq!(client.get("/redirect-to?url=/x&status_code=200").status, 302);
    assert_eq!(client.get("/redirect-to").status, 400);
    assert_eq!(client.get("/redirect-to?url=/x%0D%0AX:1").status, 400);
}

#[test]
fn status_answers_with_the_code_and_the_fields_that_go_with_it() {
    let (_testbed, mut client) = start();
    for code in [200, 204, 304, 308, 404, 418, 503, 599] {
        assert_eq!(client.get(&format!("/status/{code}")).status, code);
    }
    for code in [301, 302, 303, 307] {
        assert_eq!(client.get(&format!("/status/{code}")).field("Location"), "/redirect/1");
    }
    assert_eq!(client.get("/status/401").field("Www-Authenticate"), "Basic realm=\"Fake Realm\"");
    assert_eq!(client.get("/status/407").field("Proxy-Authenticate"), "Basic realm=\"Fake Realm\"");
    for nonsense in ["100", "99", "1000", "x", "200,500"] {
        assert_eq!(client.get(&format!("/status/{nonsense}")).status, 400, "{nonsense}");
    }
}

#[test]
fn response_headers_lists_every_field_with_its_own_length() {
    let (_testbed, mut client) = start();
    let answer = client.get("/response-headers?x-a=1&X-B=2&x-b=3");
    assert_eq!((answer.field("X-A"), answer.all("X-B")), ("1", vec!["2", "3"]));
    let expected = json!({
        "Content-Length": answer.body.len().to_string(),
        "Content-Type": "application/json",
        "X-A": "1",
        "X-B": ["2", "3"],
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(client.get("/response-headers?content-length=3").status, 400);
}

#[test]
fn gzip_and_deflate_answer_compressed() {
    let (_testbed, mut client) = start();
    let answer = client.get("/gzip");
    let mut text = String::new();
    GzDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap();
    let plain: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((answer.field("Content-Encoding"), &plain["gzipped"]), ("gzip", &json!(true)));

    let answer = client.get("/deflate");
    let mut text = String::new();
    ZlibDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap();
    let plain: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((answer.field("Content-Encoding"), &plain["deflated"]), ("deflate", &json!(true)));
    assert_eq!(plain["method"], "GET");
}

#[test]
fn bytes_are_the_same_for_the_same_seed_whole_and_streamed() {
    let (_testbed, mut client) = start();
    let whole = client.get("/bytes/1000?seed=7");
    assert_eq!((whole.body.len(), whole.field("Content-Type")), (1000, "application/octet-stream"));
    let streamed = client.get("/stream-bytes/1000?seed=7&chunk_size=300");
    assert_eq!(streamed.chunks, [300, 300, 300, 100]);
    assert_eq!(streamed.body, whole.body);
    assert_ne!(client.get("/bytes/1000?seed=8").body, whole.body);
    assert_eq!(client.get("/bytes/1000000").body.len(), 100 * 1024, "httpbin's limit");
    assert_eq!(client.get("/bytes/0").body, b"");
}

#[test]
fn stream_sends_numbered_lines_of_json() {
    let (_testbed, mut client) = start();
    let answer = client.get("/stream/3?a=b");
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answer.chunks.len(), 3);
    assert_eq!([&lines[0]["id"], &lines[1]["id"], &lines[2]["id"]], [0, 1, 2]);
    assert_eq!(lines[2]["args"], json!({"a": "b"}));
}

#[test]
fn delay_and_drip_take_fractions_of_seconds() {
    let (_testbed, mut client) = start();
    assert_eq!(client.get("/delay/0.01").json()["url"], "http://testbed.test/delay/0.01");
    let drip = client.get("/drip?duration=0.05&numbytes=5&code=201&delay=0.01");
    assert_eq!((drip.status, drip.field("Content-Length"), drip.text()), (201, "5", "*****"));
    for nonsense in
        ["/delay/-1", "/delay/x", "/delay/NaN", "/drip?numbytes=0", "/drip?duration=x", "/drip?code=99"]
    {
        assert_eq!(client.get(nonsense).status, 400, "{nonsense}");
    }
}

#[test]
fn fixed_documents_have_their_types() {
    let (_testbed, mut client) = start();
    let html = client.get("/html");
    assert_eq!(html.field("Content-Type"), "text/html; charset=utf-8");
    assert!(html.text().contains("<h1>"));
    assert!(client.get("/json").json()["slideshow"]["slides"].is_array());
    let utf8 = client.get("/encoding/utf8");
    assert_eq!(utf8.field("Content-Type"), "text/html; charset=utf-8");
    assert!(utf8.text().contains("漢") && utf8.text().contains('🦀'));
}
