//! Scenarios 1 to 7: what people do with `requests.Session` every day.

use crate::Places;
use crate::show::{self, check, session};
use serde::Deserialize;
use serde_json::{Value, json};
use session::{Basic, Bearer, Method};
use std::error::Error;

const SOURCE: &str = include_str!("basics.rs");

/// The six that can also be run against the public services.
pub(crate) fn one_to_six(places: &Places) -> Result<(), Box<dyn Error>> {
    get_json(&places.api)?;
    bearer_header(&places.bin)?;
    cookies(&places.bin)?;
    basic_auth(&places.bin)?;
    post_json(&places.api)?;
    chained(&places.api)
}

fn get_json(api: &str) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "1", "1. GET a post and read its JSON");
    // [1]
    let session = session()?;
    let response = session.get(format!("{api}/posts/1")).send()?;
    let post: Value = response.json()?;
    println!("  userId: {}", post["userId"]);
    println!("  id:     {}", post["id"]);
    println!("  title:  {}", post["title"]);
    println!("  body:   {}", post["body"]);
    // [end]
    show::facts(&response);
    check(
        post["title"].as_str().is_some_and(|title| title.starts_with("sunt aut facere")),
        "the title of post 1",
    )?;
    show::done();
    Ok(())
}

fn bearer_header(bin: &str) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "2", "2. A header of the session, sent with every request; one connection");
    // [2]
    let mut session = session()?;
    session.headers_mut().insert("Authorization", "Bearer your_token")?;
    let first = session.get(format!("{bin}/bearer")).send()?;
    let second = session.get(format!("{bin}/headers")).send()?;
    // [end]
    show::body(&first);
    show::facts(&first);
    println!("  Authorization: {}", second.json::<Value>()?["headers"]["Authorization"]);
    show::facts(&second);
    check(first.json::<Value>()?["token"] == "your_token", "the token")?;
    check(second.attempts().last().reused, "the second request reuses the connection")?;
    show::done();
    Ok(())
}

/// Cookies that a redirect sets are there for the next request.
pub(crate) fn cookies(bin: &str) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "3", "3. Cookies are kept");
    // [3]
    let session = session()?;
    session.get(format!("{bin}/cookies/set/sessioncookie/123456789")).send()?;
    let response = session.get(format!("{bin}/cookies")).send()?;
    // [end]
    show::body(&response);
    show::facts(&response);
    check(
        response.json::<Value>()? == json!({"cookies": {"sessioncookie": "123456789"}}),
        "the cookie comes back",
    )?;
    show::done();
    Ok(())
}

/// User and password for the whole session.
pub(crate) fn basic_auth(bin: &str) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "4", "4. Credentials of the session");
    // [4]
    let mut session = session()?;
    session.set_auth(Basic::new("user", "pass"));
    let response = session.get(format!("{bin}/basic-auth/user/pass")).send()?;
    // [end]
    show::body(&response);
    show::facts(&response);
    let answer: Value = response.json()?;
    check(answer["authenticated"] == true && answer["user"] == "user", "authenticated as user")?;
    show::done();
    Ok(())
}

fn post_json(api: &str) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "5", "5. POST JSON");
    // [5]
    let session = session()?;
    let post = json!({"title": "foo", "body": "bar", "userId": 1});
    let response = session.post(format!("{api}/posts")).json(&post).send()?;
    // [end]
    show::body(&response);
    show::facts(&response);
    check(response.status() == 201 && response.json::<Value>()?["id"] == 101, "created with id 101")?;
    show::done();
    Ok(())
}

fn chained(api: &str) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "6", "6. One answer feeds the next request");
    // [6]
    #[derive(Deserialize)]
    struct User {
        id: u64,
        name: String,
    }
    let mut session = session()?;
    session.set_auth(Bearer::new("your_token"));
    let response = session.get(format!("{api}/users/1")).send()?.error_for_status()?;
    let user: User = response.json()?;
    let post = json!({"title": format!("by {}", user.name), "userId": user.id});
    let created = session.post(format!("{api}/posts")).json(&post).send()?.error_for_status()?;
    // [end]
    println!("  user {}: {}", user.id, user.name);
    show::facts(&response);
    show::body(&created);
    show::facts(&created);
    let answer: Value = created.json()?;
    check(answer["userId"] == 1 && answer["title"] == "by Leanne Graham", "the post is the user's")?;
    check(created.attempts().last().reused, "the second request reuses the connection")?;
    show::done();
    Ok(())
}

/// Every verb, by its name and by its method.
pub(crate) fn verbs(bin: &str) -> Result<(), Box<dyn Error>> {
    show::code(SOURCE, "7", "7. Every verb, through request() and through its own method");
    let url = format!("{bin}/anything");
    // [7]
    let session = session()?;
    for verb in ["get", "post", "put", "patch", "delete", "options", "head", "mkcol"] {
        let response = session.request(verb, &url).send()?;
        println!("  request({verb:?}): {}", echoed(&response)?);
    }
    for request in [session.get(&url), session.post(&url), session.put(&url), session.patch(&url)] {
        let response = request.send()?;
        println!("  {}", echoed(&response)?);
    }
    for request in [session.delete(&url), session.options(&url), session.head(&url)] {
        let response = request.send()?;
        println!("  {}", echoed(&response)?);
    }
    // [end]
    show::done();
    Ok(())
}

/// What the server says it was asked. HEAD has no body to say it in, OPTIONS answers with what is allowed.
fn echoed(response: &session::Response) -> Result<String, Box<dyn Error>> {
    check(response.status() == 200, "every verb is answered with 200")?;
    let method = response.request().method();
    if *method == Method::HEAD || response.bytes().is_empty() {
        return Ok(format!("{method}, {} without a body", response.status()));
    }
    let answer: Value = response.json()?;
    check(answer["method"] == method.as_str(), "the server saw the verb that was sent")?;
    Ok(format!("the server saw {}", answer["method"]))
}
