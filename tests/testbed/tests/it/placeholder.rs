//! jsonplaceholder's records.

use serde_json::json;
use testbed::Testbed;

use crate::client::Client;

#[test]
fn records_are_served_as_the_public_service_lays_them_out() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    let post = client.get("/posts/1");
    assert_eq!(post.field("Content-Type"), "application/json; charset=utf-8");
    assert!(post.text().starts_with("{\n  \"userId\": 1,\n  \"id\": 1,\n  \"title\": \"sunt aut facere"));
    assert!(post.text().ends_with("eveniet architecto\"\n}"));
    assert_eq!(client.get("/posts/2").json()["title"], "qui est esse");
    assert_eq!(client.get("/users/1").json()["address"]["geo"]["lng"], "81.1496");
    let all = client.get("/posts");
    assert!(all.text().starts_with("[\n  {\n    \"userId\": 1,"));
    assert_eq!(all.json()[1], client.get("/posts/2").json());
}

#[test]
fn an_unknown_record_is_404_with_an_empty_object() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    for target in ["/posts/3", "/posts/0", "/posts/-1", "/posts/x", "/users/2"] {
        let answer = client.get(target);
        assert_eq!((answer.status, answer.json()), (404, json!({})), "{target}");
    }
}

#[test]
fn a_new_post_is_echoed_in_its_order_with_id_101() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    let json = "Content-Type: application/json; charset=UTF-8\r\n";
    let created = client.send("POST", "/posts", json, br#"{"title":"foo","body":"bar","userId":1}"#);
    assert_eq!(created.status, 201);
    assert_eq!(
        created.text(),
        "{\n  \"title\": \"foo\",\n  \"body\": \"bar\",\n  \"userId\": 1,\n  \"id\": 101\n}"
    );
    assert_eq!(created.field("Location"), "http://testbed.test/posts/101");

    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let created = client.send("POST", "/posts", form, b"userId=1&title=a+b");
    assert_eq!(created.json(), json!({"userId": "1", "title": "a b", "id": 101}));
    assert_eq!(client.send("POST", "/posts", "", b"").json(), json!({"id": 101}));
    assert_eq!(client.send("POST", "/posts", json, b"{\"title\":").status, 400);
    assert_eq!(client.send("POST", "/posts", json, b"[1]").status, 400);
}
