//! What people do with a session every day, plain and over TLS.

use crate::support::{builder, json, reused, trusting};
use serde::Deserialize;
use serde_json::json;
use session::{Basic, Bearer, Method, SessionBuilder};
use testbed::Testbed;

/// Runs a scenario against the plain port, then against the TLS port.
fn both(scenario: impl Fn(SessionBuilder, &str)) {
    let testbed = Testbed::start().unwrap();
    scenario(builder(), &testbed.http());
    scenario(trusting(&testbed), &testbed.https());
}

#[test]
fn a_post_is_fetched_and_read_as_json() {
    both(|builder, base| {
        let response = builder.build().unwrap().get(format!("{base}/posts/1")).send().unwrap();
        let post = json(&response);
        assert_eq!((&post["userId"], &post["id"]), (&json!(1), &json!(1)));
        assert_eq!(
            post["title"],
            "sunt aut facere repellat provident occaecati excepturi optio reprehenderit"
        );
        assert!(post["body"].as_str().unwrap().starts_with("quia et suscipit\nsuscipit recusandae"));
        assert!(!reused(&response));
    });
}

#[test]
fn a_header_of_the_session_goes_with_every_request_over_one_connection() {
    both(|builder, base| {
        let mut session = builder.build().unwrap();
        session.headers_mut().insert("Authorization", "Bearer your_token").unwrap();
        let first = session.get(format!("{base}/bearer")).send().unwrap();
        let second = session.get(format!("{base}/headers")).send().unwrap();
        assert_eq!(json(&first), json!({"authenticated": true, "token": "your_token"}));
        assert_eq!(json(&second)["headers"]["Authorization"], "Bearer your_token");
        assert!(!reused(&first) && reused(&second));
        assert_eq!(first.attempts().last().local, second.attempts().last().local);
    });
}

#[test]
fn cookies_that_a_redirect_sets_are_there_for_the_next_request() {
    both(|builder, base| {
        let session = builder.build().unwrap();
        let set = session.get(format!("{base}/cookies/set/sessioncookie/123456789")).send().unwrap();
        assert_eq!((set.history().len(), set.history()[0].status().as_u16()), (1, 302));
        let response = session.get(format!("{base}/cookies")).send().unwrap();
        assert_eq!(json(&response), json!({"cookies": {"sessioncookie": "123456789"}}));
    });
}

#[test]
fn credentials_of_the_session_open_what_is_behind_a_password() {
    both(|builder, base| {
        let mut session = builder.build().unwrap();
        let url = format!("{base}/basic-auth/user/pass");
        assert_eq!(session.get(&url).send().unwrap().status(), 401);
        session.set_auth(Basic::new("user", "pass"));
        assert_eq!(json(&session.get(&url).send().unwrap()), json!({"authenticated": true, "user": "user"}));
    });
}

#[test]
fn a_json_body_is_posted_and_the_answer_adds_an_id() {
    both(|builder, base| {
        let post = json!({"title": "foo", "body": "bar", "userId": 1});
        let session = builder.build().unwrap();
        let response = session.post(format!("{base}/posts")).json(&post).send().unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(json(&response), json!({"title": "foo", "body": "bar", "userId": 1, "id": 101}));
    });
}

#[test]
fn one_answer_feeds_the_next_request() {
    #[derive(Deserialize)]
    struct User {
        id: u64,
        name: String,
        address: Address,
    }
    #[derive(Deserialize)]
    struct Address {
        city: String,
    }
    both(|builder, base| {
        let session = builder.auth(Bearer::new("your_token")).build().unwrap();
        let response = session.get(format!("{base}/users/1")).send().unwrap().error_for_status().unwrap();
        let user: User = response.json().unwrap();
        assert_eq!((user.id, &*user.name, &*user.address.city), (1, "Leanne Graham", "Gwenborough"));
        let post = json!({"title": format!("by {}", user.name), "userId": user.id});
        let created = session.post(format!("{base}/posts")).json(&post).send().unwrap();
        let created = created.error_for_status().unwrap();
        assert_eq!(json(&created), json!({"title": "by Leanne Graham", "userId": 1, "id": 101}));
        assert!(reused(&created));
    });
}

#[test]
fn every_verb_arrives_as_it_was_asked_for() {
    both(|builder, base| {
        let session = builder.build().unwrap();
        let url = format!("{base}/anything");
        for verb in ["get", "post", "put", "patch", "delete", "mkcol"] {
            let response = session.request(verb, &url).send().unwrap();
            assert_eq!(json(&response)["method"], verb.to_uppercase());
        }
        for (request, verb) in [
            (session.get(&url), "GET"),
            (session.post(&url), "POST"),
            (session.put(&url), "PUT"),
            (session.patch(&url), "PATCH"),
            (session.delete(&url), "DELETE"),
        ] {
            assert_eq!(json(&request.send().unwrap())["method"], verb);
        }
        for request in [session.head(&url), session.request("head", &url)] {
            let response = request.send().unwrap();
            assert_eq!(*response.request().method(), Method::HEAD);
            assert!(response.bytes().is_empty() && response.header("content-length").is_some());
        }
        for request in [session.options(&url), session.request("options", &url)] {
            let response = request.send().unwrap();
            assert!(response.is_success() && response.header("allow").unwrap().contains("POST"));
        }
    });
}

#[test]
fn query_form_and_text_arrive_as_they_were_given() {
    both(|builder, base| {
        let session = builder.build().unwrap();
        let url = format!("{base}/anything");
        let query = [("a", "1"), ("b", "x y"), ("b", "é&=")];
        let response = session.get(&url).query(query).send().unwrap();
        assert_eq!(json(&response)["args"], json!({"a": "1", "b": ["x y", "é&="]}));
        let response = session.post(&url).form(query).send().unwrap();
        assert_eq!(json(&response)["form"], json!({"a": "1", "b": ["x y", "é&="]}));
        let response = session.put(&url).body("💩é").send().unwrap();
        assert_eq!(json(&response)["data"], "💩é");
        assert_eq!(json(&response)["headers"]["Content-Length"], "6", "bytes, not characters");
    });
}

#[test]
fn a_batch_comes_back_in_input_order_and_as_completed_with_its_indices() {
    both(|builder, base| {
        let session = builder.build().unwrap();
        let urls: Vec<String> = (0..50).map(|n| format!("{base}/anything/{n}")).collect();
        let in_order = session.send_all(urls.iter().map(|url| session.get(url)));
        assert_eq!(in_order.len(), 50);
        for (url, response) in urls.iter().zip(in_order) {
            assert_eq!(json(&response.unwrap())["url"], **url);
        }
        let mut seen = [false; 50];
        for (index, response) in session.as_completed(urls.iter().map(|url| session.get(url))) {
            assert_eq!(json(&response.unwrap())["url"], urls[index]);
            assert!(!std::mem::replace(&mut seen[index], true), "{index} came twice");
        }
        assert!(seen.iter().all(|seen| *seen));
    });
}

#[test]
fn compressed_answers_are_decoded_and_keep_their_headers() {
    both(|builder, base| {
        let session = builder.build().unwrap();
        for (coding, mark) in [("gzip", "gzipped"), ("deflate", "deflated")] {
            let response = session.get(format!("{base}/{coding}")).send().unwrap();
            assert_eq!(json(&response)[mark], true);
            assert_eq!(response.header("content-encoding"), Some(coding));
        }
        let raw = session.get(format!("{base}/gzip")).decode(false).send().unwrap();
        assert_eq!(raw.bytes()[..2], [0x1f, 0x8b]);
    });
}
