//! session

mod auth;
mod builder;
mod call;
mod completed;
mod content;
mod decode;
mod error;
mod flow;
mod form;
mod hook;
mod jar;
mod json;
mod proxies;
mod request;
mod response;
mod session;
mod session_builder;
mod settings;
mod streaming;
mod target;
mod text;
mod url;

pub use crate::session::{IntoMethod, Session};
pub use crate::url::IntoUrl;
pub use ::url::Url;
pub use auth::{Auth, Basic, Bearer};
pub use builder::RequestBuilder;
pub use completed::Completed;
pub use cookie::Cookie;
pub use decode::DecodeError;
pub use error::{Error, ErrorKind};
pub use flow::redirect::{Redirect, RedirectAction, RedirectAttempt};
pub use flow::retry::Retry;
pub use hook::Hook;
pub use http_wire::http::header;
pub use http_wire::{HeadError, Headers, Method, StatusCode, Value, Version, http};
pub use jar::{CookieError, CookieJar, SuffixList};
pub use pool;
pub use pool::{Attempt, Attempts, Body, Limit, Origin, Phase, Pool, Scheme, Source, Timeouts, Tls, TlsFacts};
pub use proxies::Proxies;
pub use request::{IntoRequest, Request};
pub use response::{Head, Hop, Response};
pub use session_builder::SessionBuilder;
pub use settings::{Settings, default_headers};
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
