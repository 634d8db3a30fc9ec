//! What `requests.Session` is to Python: headers, cookies, credentials and connections that are kept from one
//! request to the next. Calls block; there is no async runtime and no background thread, and one thread can still
//! have many requests under way.
//!
//! The page goes from the first request to what a program in production needs; each part stands by itself.
//!
//! # One request after the other
//!
//! ```
//! use serde::Deserialize;
//! use session::Session;
//!
//! #[derive(Deserialize)]
//! struct User {
//!     id: u64,
//!     login: String,
//! }
//!
//! let session = Session::new();
//! # let session = session::mock(|request| match request.target() {
//! #     "/users/1?fields=id%2Clogin" => session::Reply::json(&serde_json::json!({"id": 1, "login": "ann"})),
//! #     _ => session::Reply::status(404),
//! # });
//! let response = session.get("https://api.example.com/users/1").query([("fields", "id,login")]).send()?;
//! println!("{} {:?} {}", response.status(), response.header("content-type"), response.text());
//! let user: User = response.json()?;
//! # assert!(response.is_success());
//! assert_eq!((user.id, user.login.as_str()), (1, "ann"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Response`] is data: it has the whole body, holds no connection, and can be kept. A 404 is an answer like
//! others, until [`error_for_status`](Response::error_for_status) is called.
//!
//! # Headers that stay, and one request that differs
//!
//! ```
//! # use session::Session;
//! let mut session = Session::new();
//! # let mock = session::Mock::new(|_| session::Reply::status(204));
//! # session = mock.session();
//! session.headers_mut().insert("X-Test", "true")?;
//! session.get("https://example.com/headers").header("X-Test2", "yes").send()?; // sends both
//! session.get("https://example.com/headers").without("X-Test").send()?; // sends neither
//! # let sent = mock.requests();
//! # assert_eq!((sent[0].header("x-test"), sent[0].header("x-test2")), (Some("true"), Some("yes")));
//! # assert_eq!((sent[1].header("x-test"), sent[1].header("x-test2")), (None, None));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Cookies
//!
//! ```
//! # use session::{Reply, Session};
//! # let session = Session::new();
//! # let session = session::mock(|request| match request.target() {
//! #     "/cookies" => Reply::text(request.header("cookie").unwrap_or_default()),
//! #     set => Reply::redirect(302, "/cookies").header("Set-Cookie", set.split_once('?').unwrap().1),
//! # });
//! session.get("https://example.com/cookies/set?sessioncookie=123456789").send()?; // redirects; each hop's are stored
//! let response = session.get("https://example.com/cookies").send()?; // sends it
//! assert_eq!(session.cookies().get(response.url(), "sessioncookie").as_deref(), Some("123456789"));
//! # assert_eq!(response.text(), "sessioncookie=123456789");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`CookieJar`] can also be used [like a dictionary](CookieJar::value), be [saved](CookieJar::save_json) and loaded, as
//! JSON or as the [`cookies.txt`](CookieJar::save_netscape) of curl and wget, and be
//! [shared by several sessions](SessionBuilder::cookie_jar). Another [`CookieStore`] can take its place.
//!
//! # Credentials
//!
//! Of a session, of a request, or in the URL; the nearest count. They stay at the origin they were meant for, whatever
//! redirects say.
//!
//! ```
//! # use session::{Reply, Session};
//! use session::{Basic, Bearer};
//! # let mock = session::Mock::new(|request| match request.header("authorization") {
//! #     Some("Basic dXNlcjpwYXNz" | "Basic cm9vdDp0b29y" | "Bearer token") => Reply::status(204),
//! #     _ => Reply::status(401),
//! # });
//! # let mut session = mock.session();
//! session.set_auth(Basic::new("user", "pass"));
//! session.get("https://example.com/basic-auth/user/pass").send()?.error_for_status()?;
//! session.get("https://example.com/admin").basic("root", "toor").send()?; // in place of those
//! session.get("https://root:toor@example.com/admin").send()?; // the same
//! session.set_auth_for("https://api.example.com", Bearer::new("token"))?; // for one origin
//! # session.get("https://api.example.com").send()?;
//! # let sent = mock.requests();
//! # let sent: Vec<_> = sent.iter().filter_map(|request| request.header("authorization")).collect();
//! # assert_eq!(sent, ["Basic dXNlcjpwYXNz", "Basic cm9vdDp0b29y", "Basic cm9vdDp0b29y", "Bearer token"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Digest`] proves a password without sending it, a closure or an [`Auth`] of your own does what else there is, and
//! [`Netrc`] reads users and passwords from the file that other programs use, if it is asked to.
//!
//! # Sending JSON, forms, files
//!
//! ```
//! # use session::{Reply, Session};
//! # #[derive(serde::Serialize)] struct NewUser<'a> { login: &'a str }
//! # #[derive(serde::Deserialize)] struct User { id: u64, login: String }
//! # let mock = session::Mock::new(|request| match request.json::<serde_json::Value>() {
//! #     Ok(user) => Reply::json(&serde_json::json!({"id": 7, "login": user["login"]})).with_status(201),
//! #     Err(_) => Reply::text(request.header("content-type").unwrap_or_default()),
//! # });
//! # let session = mock.session();
//! let created: User =
//!     session.post("https://api.example.com/users").json(&NewUser { login: "ann" }).send()?.error_for_status()?.json()?;
//! session.post("https://example.com/search").form([("q", "rust")]).send()?; // as a browser does
//! # assert_eq!((created.id, created.login.as_str()), (7, "ann"));
//! # assert_eq!(mock.requests()[1].body(), b"q=rust");
//! # #[cfg(feature = "multipart")] {
//! use session::{Form, Part};
//! let form = Form::new().text("title", "Sea").part("photo", Part::bytes([0xff, 0xd8]).file_name("sea.jpg"));
//! session.post("https://example.com/album").multipart(form).send()?; // Form::file(..) takes one from disk
//! # assert!(mock.requests()[2].body().windows(18).any(|text| text == b"filename=\"sea.jpg\""));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # One call after the other on an API
//!
//! ```
//! use session::{Bearer, Session};
//! use std::time::Duration;
//! # use session::Reply;
//! # use serde_json::json;
//! # #[derive(serde::Deserialize)] struct Token { access_token: String }
//! # #[derive(serde::Deserialize)] struct Order { items: String }
//! # #[derive(serde::Deserialize, Debug, PartialEq)] struct Item(u32);
//! # let (login, cart) = ([("user", "ann")], [1, 2]);
//! # let mock = session::Mock::new(|request| match (request.target(), request.header("authorization")) {
//! #     ("/api/login", None) => Reply::json(&json!({"access_token": "t"})),
//! #     ("/api/orders", Some("Bearer t")) => Reply::json(&json!({"items": "orders/7/items"})),
//! #     ("/api/orders/7/items", Some("Bearer t")) => Reply::json(&json!([1, 2])),
//! #     _ => Reply::status(404),
//! # });
//!
//! let builder = Session::builder().base("https://shop.example/api/")?.timeout(Duration::from_secs(20));
//! # let builder = builder.with_pool(mock.pool(Default::default()));
//! let mut api = builder.build()?;
//! let token: Token = api.post("login").json(&login).send()?.error_for_status()?.json()?;
//! api.set_auth(Bearer::new(token.access_token));
//! let order: Order = api.post("orders").json(&cart).send()?.error_for_status()?.json()?;
//! let items: Vec<Item> = api.get(&order.items).send()?.json()?; // relative or absolute
//! # assert_eq!(items, [Item(1), Item(2)]);
//! # assert_eq!(mock.connections(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Many at once
//!
//! From one thread, in the order of the requests or as the answers arrive; or from many threads, which share
//! connections, cookies and limits through clones of the session.
//!
//! ```
//! # use session::Session;
//! let api = Session::builder().base("https://api.example.com/")?.build()?;
//! # let testbed = testbed::Testbed::start()?;
//! # let api = Session::builder().ignore_environment().base(format!("{}/anything/", testbed.http()))?.build()?;
//! let pages = api.send_all((1..=50).map(|page| api.get("items").query([("page", page)])));
//! # assert_eq!(pages.len(), 50);
//! # for (page, response) in (1..).zip(&pages) {
//! #     assert!(response.as_ref().unwrap().text().contains(&format!("\"page\": \"{page}\"")));
//! # }
//! for page in pages {
//!     println!("{}", page?.text());
//! }
//!
//! let paths = ["a", "b", "c", "d"];
//! # let mut done = 0;
//! for (index, result) in api.as_completed(paths.iter().map(|path| api.get(path))) {
//! #   assert!(result.as_ref().unwrap().url().path().ends_with(paths[index]));
//! #   done += 1;
//!     match result {
//!         Ok(response) => println!("{}: {} bytes", paths[index], response.bytes().len()),
//!         Err(error) => eprintln!("{error}"),
//!     }
//! }
//! # assert_eq!(done, 4);
//!
//! std::thread::scope(|scope| {
//!     for shard in paths.chunks(2) {
//!         let api = api.clone();
//!         scope.spawn(move || {
//!             for path in shard {
//!                 let result = api.get(path).send();
//! #               assert!(result.as_ref().is_ok_and(|response| response.url().path().ends_with(path)));
//!                 println!("{path}: {result:?}");
//!             }
//!         });
//!     }
//! });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Canceller`] ends requests from another thread, wherever they are.
//!
//! # Large bodies
//!
//! ```
//! use std::fs::File;
//! # use session::{Reply, Session};
//! # let mock = session::Mock::new(|request| match request.target() {
//! #     "/log" => Reply::text("one\ntwo\r\n"),
//! #     _ => Reply::bytes(vec![7; 200_000]),
//! # });
//! # let session = mock.session();
//! # let folder = std::env::temp_dir().join(format!("session-page-{}", std::process::id()));
//! # std::fs::create_dir(&folder)?;
//! # std::env::set_current_dir(&folder)?;
//! let mut download = session.get("https://example.com/big.iso").stream()?;
//! std::io::copy(&mut download, &mut File::create("big.iso")?)?;
//! session.put("https://example.com/up").body(File::open("big.iso")?).send()?; // with its length, piece by piece
//! # assert_eq!(mock.requests()[1].header("content-length"), Some("200000"));
//! # assert_eq!(mock.requests()[1].body(), [7; 200_000]);
//! # std::env::set_current_dir("..")?;
//! # std::fs::remove_dir_all(&folder)?;
//! # let mut lines = Vec::new();
//! for line in session.get("https://example.com/log").stream()?.lines() {
//! #   let line = line?;
//! #   lines.push(line.clone());
//! #   let line = Ok::<_, session::Error>(line);
//!     println!("{}", line?);
//! }
//! # assert_eq!(lines, ["one", "two"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Streaming`] also comes in [chunks](Streaming::chunks), is [split](Streaming::split) at delimiters, and
//! [tells how far it is](Streaming::copy_to_with); [`RequestBuilder::on_upload`] tells it of what is sent.
//!
//! # What goes wrong
//!
//! ```
//! # use session::{Reply, Session};
//! # let session = session::mock(|_| Reply::text("late").delay(Duration::from_secs(30)));
//! use std::time::Duration;
//! match session.get("https://example.com/slow").timeout(Duration::from_secs(2)).send() {
//!     // GET https://example.com/slow: timed out while waiting for the response head (2 s total limit); …
//!     Err(error) if error.is_timeout() => eprintln!("{error}"),
//!     Err(error) => return Err(error.into()),
//!     Ok(response) => println!("{}", response.status()),
//! }
//! # let error = session.get("https://example.com/slow").timeout(Duration::from_secs(2)).send().unwrap_err();
//! # let text = "GET https://example.com/slow: timed out while waiting for the response head (2 s total limit); ";
//! # assert!(error.is_timeout() && error.to_string().starts_with(text), "{error}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An [`Error`] has a [kind](Error::kind), what was [awaited](Error::phase) and [tried](Error::attempts), the
//! [answer](Error::response) where that is the reason, and knows whether the server
//! [may have acted](Error::may_have_been_processed) on the request. Its text shows no credentials.
//!
//! What may fail for a moment can be [tried again](Retry), after waits that the time limit of the call bounds:
//!
//! ```
//! # use session::{Reply, Session};
//! use session::Retry;
//! # let session = session::mock(|request| Reply::status(if request.attempt() < 3 { 503 } else { 204 }));
//! let response = session.get("https://example.com/flaky").retry(Retry::idempotent(3)).send()?;
//! assert_eq!((response.status().as_u16(), response.attempts().len()), (204, 3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Settings
//!
//! Every setting can be made for a session, when it is [built](SessionBuilder) or [later](Session::settings_mut), and
//! for [one request](RequestBuilder). One rule decides: request over session over environment over default; see
//! [`Settings`]. A clone of a session shares connections and cookies, and has settings of its own:
//!
//! ```
//! # use session::{Basic, Redirect, Session};
//! let mut session = Session::new();
//! session.settings_mut().set_redirect(Redirect::limited(5).https_only(true));
//! let mut admin = session.clone();
//! admin.set_auth(Basic::new("root", "secret"));
//! ```
//!
//! A [`Hook`] sees, and may change, what goes out and what comes in. A [`Request`] is prepared: made by
//! [`build`](RequestBuilder::build), looked at, changed, [sent](Session::send).
//!
//! # Proxies
//!
//! Per scheme or host, for a session or one request; those that the environment names are used without being asked
//! for. See [`Proxies`].
//!
//! ```no_run
//! use session::{Proxies, Session};
//! let session = Session::builder().proxy("http://user:password@proxy.example:3128").build()?;
//! session.get("https://example.com/").send()?; // through a tunnel
//! session.get("https://example.com/").proxy("socks5h://127.0.0.1:9050").send()?; // through another one
//! session.get("http://localhost:8000/").proxies(Proxies::none()).send()?; // directly
//! let plain = Session::builder().ignore_environment().build()?; // whatever HTTP_PROXY says
//! # Ok::<(), session::Error>(())
//! ```
//!
//! # Whom to trust
//!
//! ```no_run
//! use session::{Session, Tls};
//! // requests: verify="corporate-ca.pem", cert=("me.pem", "me.key")
//! let tls = Tls::ca_bundle("corporate-ca.pem")?.client_cert_files("me.pem", "me.key")?;
//! let session = Session::builder().tls(tls).build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A request can have another setting; it never shares a connection with those that have this one. [`Tls`] has a table
//! of what requests calls what.
//!
//! # Other servers for some URLs, and tests
//!
//! [`SessionBuilder::mount`] sends what begins with a prefix over another [`Pool`]. With the feature `mock` a closure can
//! be all servers of a session, for the tests of programs that use sessions; waits, time limits and pauses pass at once:
//!
//! ```
//! use session::Reply;
//! let session = session::mock(|request| Reply::text(format!("you asked for {}", request.target())));
//! assert_eq!(session.get("https://any.example/page").send()?.text(), "you asked for /page");
//! # Ok::<(), session::Error>(())
//! ```
//!
//! # From async code
//!
//! A call blocks its thread: make it where that is allowed, in tokio `spawn_blocking(move || session.get(url).send())`
//! with a clone of the session. For many at once, one such task with [`as_completed`](Session::as_completed) in it is
//! enough. A call goes on when its future is dropped; [`cancel_on`](RequestBuilder::cancel_on) gives it an end.
//!
//! # What is not here
//!
//! HTTP/2 and HTTP/3, a cache, an async API, NTLM and Kerberos, PAC files. Tested on Linux, x86_64. Those who come from
//! requests find every feature of it beside ours in `docs/from-requests.md` of the repository; the names of requests
//! (`raise_for_status`, `iter_lines`, `verify`, …) also lead to ours in the search of these pages.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `ring` | yes | TLS, with ring for cryptography |
//! | `gzip` | yes | gzip and deflate answers are asked for and decoded |
//! | `brotli` | yes | br answers are asked for and decoded |
//! | `zstd` | yes | zstd answers are asked for and decoded |
//! | `charset` | yes | text in other charsets than UTF-8, UTF-16 and Latin-1 is decoded |
//! | `digest` | yes | [`Digest`] |
//! | `multipart` | yes | [`Form`]: forms with files |
//! | `psl` | yes | cookies for public suffixes are refused by the list of publicsuffix.org |
//! | `mock` | no | sessions over a simulated network, for tests; not versioned |

mod auth;
mod builder;
mod call;
mod cancel;
mod completed;
mod content;
mod convert;
mod decode;
mod edit;
mod error;
mod fast_map;
mod finite;
mod flow;
mod form;
mod gates;
mod header_list;
mod header_set;
mod hook;
mod jar;
mod json;
mod lanes;
mod lines;
mod links;
#[cfg(feature = "mock")]
mod mock;
mod mount;
#[cfg(feature = "multipart")]
mod multipart;
mod proxies;
mod request;
mod response;
mod session;
mod session_builder;
mod settings;
mod split;
mod streaming;
mod target;
mod text;
mod url;
mod world;

pub use crate::session::{IntoMethod, Session};
pub use crate::url::IntoUrl;
pub use ::url::Url;
#[cfg(feature = "digest")]
pub use auth::Digest;
pub use auth::{Auth, AuthContext, Basic, Bearer, Challenge, IntoPassword, Netrc};
pub use builder::RequestBuilder;
pub use cancel::Canceller;
pub use completed::Completed;
pub use cookie::Cookie;
pub use decode::DecodeError;
pub use error::{Error, ErrorKind};
pub use flow::redirect::{Redirect, RedirectAction, RedirectAttempt};
pub use flow::retry::Retry;
pub use header_list::IntoHeaders;
pub use hook::Hook;
pub use http_wire::http::header;
pub use http_wire::{HeadError, Headers, Method, StatusCode, Value, Version, http};
pub use jar::{
    CookieError, CookieFileError, CookieFileErrorKind, CookieJar, CookieStore, LoadedCookies, SavedCookies,
    SuffixList,
};
pub use json::JsonError;
pub use lines::Lines;
pub use links::{Link, Links};
#[cfg(feature = "mock")]
pub use mock::{Mock, MockRequest, Reply, mock};
#[cfg(feature = "multipart")]
pub use multipart::{Form, Part};
pub use pool;
pub use pool::{
    Attempt, Attempts, Body, Limit, Origin, Phase, Pool, Scheme, Source, Timeouts, Tls, TlsFacts,
};
pub use proxies::Proxies;
pub use request::{IntoRequest, Request};
pub use response::{Head, Hop, Response};
pub use session_builder::SessionBuilder;
pub use settings::{Settings, default_headers};
pub use split::{Chunks, Split};
pub use streaming::Streaming;

/// A GET request of a session of its own: without kept connections, and without cookies from before.
pub fn get(url: impl IntoUrl) -> RequestBuilder {
    Session::new().get(url)
}

/// A POST request of a session of its own.
pub fn post(url: impl IntoUrl) -> RequestBuilder {
    Session::new().post(url)
}

/// A PUT request of a session of its own.
pub fn put(url: impl IntoUrl) -> RequestBuilder {
    Session::new().put(url)
}

/// A PATCH request of a session of its own.
pub fn patch(url: impl IntoUrl) -> RequestBuilder {
    Session::new().patch(url)
}

/// A DELETE request of a session of its own.
pub fn delete(url: impl IntoUrl) -> RequestBuilder {
    Session::new().delete(url)
}

/// A HEAD request of a session of its own. Redirects are not followed, unless the request says so.
pub fn head(url: impl IntoUrl) -> RequestBuilder {
    Session::new().head(url)
}

/// An OPTIONS request of a session of its own.
pub fn options(url: impl IntoUrl) -> RequestBuilder {
    Session::new().options(url)
}

/// A request with any method, of a session of its own; see [`Session::request`].
pub fn request(method: impl IntoMethod, url: impl IntoUrl) -> RequestBuilder {
    Session::new().request(method, url)
}

/// The code of the page for those who come from requests compiles.
#[cfg(all(doctest, feature = "multipart", feature = "digest"))]
#[doc = include_str!("../../../docs/from-requests.md")]
struct FromRequests;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The code of the page about tests works.
#[cfg(all(doctest, feature = "mock"))]
#[doc = include_str!("../../../docs/testing.md")]
struct Testing;
