//! What `requests.Session` is to Python: headers, cookies, credentials and connections that are kept from one
//! request to the next. Calls block; there is no async runtime and no background thread, and one thread can still
//! have many requests under way.
//!
//! # One request after the other
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
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
//! let response = session.get("https://api.example.com/users/1").query([("fields", "id,login")]).send()?;
//! println!("{} {:?} {}", response.status(), response.header("content-type"), response.text());
//! let user: User = response.json()?;
//! # Ok(()) }
//! ```
//!
//! A [`Response`] is data: it has the whole body, holds no connection, and can be kept. A 404 is an answer like
//! others, until [`error_for_status`](Response::error_for_status) is called.
//!
//! # Headers that stay, and one request that differs
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use session::Session;
//! let mut session = Session::new();
//! session.headers_mut().insert("X-Test", "true")?;
//! session.get("https://example.com/headers").header("X-Test2", "yes").send()?; // sends both
//! session.get("https://example.com/headers").without("X-Test").send()?; // sends neither
//! # Ok(()) }
//! ```
//!
//! Every setting follows one rule: request over session over environment over default; see [`Settings`].
//!
//! # Cookies
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use session::Session;
//! # let session = Session::new();
//! session.get("https://example.com/cookies/set?sessioncookie=123456789").send()?; // redirects; each hop's are stored
//! let response = session.get("https://example.com/cookies").send()?; // sends it
//! assert_eq!(session.cookies().get(response.url(), "sessioncookie").as_deref(), Some("123456789"));
//! # Ok(()) }
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
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use session::Session;
//! use session::{Basic, Bearer};
//! # let mut session = Session::new();
//! session.set_auth(Basic::new("user", "pass"));
//! session.get("https://example.com/basic-auth/user/pass").send()?.error_for_status()?;
//! session.get("https://example.com/admin").bearer("token").send()?;
//! session.set_auth_for("https://other.example", Bearer::new("token"))?;
//! # Ok(()) }
//! ```
//!
//! [`Digest`] proves a password without sending it, a closure or an [`Auth`] of your own does what else there is, and
//! [`Netrc`] reads users and passwords from the file that other programs use, if it is asked to.
//!
//! # Proxies
//!
//! Per scheme or host, for a session or one request; those that the environment names are used without being asked
//! for. See [`Proxies`].
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use session::{Proxies, Session};
//! let session = Session::builder().proxy("http://user:password@proxy.example:3128").build()?;
//! session.get("https://example.com/").send()?; // through a tunnel
//! session.get("https://example.com/").proxy("socks5h://127.0.0.1:9050").send()?; // through another one
//! session.get("http://localhost:8000/").proxies(Proxies::none()).send()?; // directly
//! let plain = Session::builder().ignore_environment().build()?; // whatever HTTP_PROXY says
//! # let _ = plain;
//! # Ok(()) }
//! ```
//!
//! # Sending JSON, forms, files
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use session::Session;
//! # #[derive(serde::Serialize)] struct NewUser<'a> { login: &'a str }
//! # #[derive(serde::Deserialize)] struct User { id: u64 }
//! # let session = Session::new();
//! let created: User =
//!     session.post("https://api.example.com/users").json(&NewUser { login: "ann" }).send()?.error_for_status()?.json()?;
//! session.post("https://example.com/search").form([("q", "rust")]).send()?;
//! session.put("https://example.com/up").body(std::fs::File::open("big.iso")?).send()?; // with its length, piece by piece
//! # #[cfg(feature = "multipart")]
//! session.post("https://example.com/album").multipart(session::Form::new().text("title", "Sea").file("photo", "sea.jpg")?).send()?;
//! # Ok(()) }
//! ```
//!
//! # One call after the other on an API
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use session::{Bearer, Session};
//! use std::time::Duration;
//! # #[derive(serde::Deserialize)] struct Token { access_token: String }
//! # #[derive(serde::Deserialize)] struct Order { items: String }
//! # #[derive(serde::Deserialize)] struct Item;
//! # let (login, cart) = ([("user", "ann")], [1, 2]);
//!
//! let mut api = Session::builder().base("https://shop.example/api/")?.timeout(Duration::from_secs(20)).build()?;
//! let token: Token = api.post("login").json(&login).send()?.error_for_status()?.json()?;
//! api.set_auth(Bearer::new(token.access_token));
//! let order: Order = api.post("orders").json(&cart).send()?.error_for_status()?.json()?;
//! let items: Vec<Item> = api.get(&order.items).send()?.json()?; // relative or absolute
//! # Ok(()) }
//! ```
//!
//! # Many at once
//!
//! From one thread, in the order of the requests or as the answers arrive; or from many threads, which share
//! connections, cookies and limits through clones of the session.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use session::Session;
//! # let api = Session::new();
//! let pages = api.send_all((1..=50).map(|page| api.get("https://example.com/items").query([("page", page)])));
//! for page in pages {
//!     println!("{}", page?.text());
//! }
//! let urls = ["https://example.com/a", "https://example.com/b"];
//! for (index, result) in api.as_completed(urls.iter().map(|url| api.get(url))) {
//!     match result {
//!         Ok(response) => println!("{}: {} bytes", urls[index], response.bytes().len()),
//!         Err(error) => eprintln!("{error}"),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! A [`Canceller`] ends requests from another thread, wherever they are.
//!
//! # Whom to trust
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use session::{Session, Tls};
//! // requests: verify="corporate-ca.pem", cert=("me.pem", "me.key")
//! let tls = Tls::ca_bundle("corporate-ca.pem")?.client_cert_files("me.pem", "me.key")?;
//! let session = Session::builder().tls(tls).build()?;
//! # Ok(()) }
//! ```
//!
//! A request can have another setting; it never shares a connection with those that have this one. [`Tls`] has a table
//! of what requests calls what.
//!
//! # Large bodies
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use session::Session;
//! # let session = Session::new();
//! let mut download = session.get("https://example.com/big.iso").stream()?;
//! download.copy_to_with(&mut std::fs::File::create("big.iso")?, |done, total| println!("{done} of {total:?}"))?;
//! for line in session.get("https://example.com/log").stream()?.lines() {
//!     println!("{}", line?);
//! }
//! # Ok(()) }
//! ```
//!
//! # What goes wrong
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use session::Session;
//! # let session = Session::new();
//! use std::time::Duration;
//! match session.get("https://example.com/slow").timeout(Duration::from_secs(2)).send() {
//!     // GET https://example.com/slow: timed out while waiting for the response head (2 s total limit); …
//!     Err(error) if error.is_timeout() => eprintln!("{error}"),
//!     Err(error) => return Err(error.into()),
//!     Ok(response) => println!("{}", response.status()),
//! }
//! # Ok(()) }
//! ```
//!
//! An [`Error`] has a [kind](Error::kind), what was [awaited](Error::phase) and [tried](Error::attempts), the
//! [answer](Error::response) where that is the reason, and knows whether the server
//! [may have acted](Error::may_have_been_processed) on the request. Its text shows no credentials.
//!
//! # Other servers for some URLs, and tests
//!
//! [`SessionBuilder::mount`] sends what begins with a prefix over another [`Pool`]. With the feature `mock` a closure can
//! be all servers of a session, for the tests of programs that use sessions:
//!
//! ```
//! # #[cfg(feature = "mock")] {
//! use session::Reply;
//! let session = session::mock(|request| Reply::text(format!("you asked for {}", request.target())));
//! assert_eq!(session.get("https://any.example/page").send()?.text(), "you asked for /page");
//! # }
//! # Ok::<(), session::Error>(())
//! ```
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
pub use hook::Hook;
pub use http_wire::http::header;
pub use http_wire::{HeadError, Headers, Method, StatusCode, Value, Version, http};
pub use jar::{
    CookieError, CookieFileError, CookieFileErrorKind, CookieJar, CookieStore, LoadedCookies, SuffixList,
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
