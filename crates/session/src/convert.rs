//! Requests of the `http` crate, for programs written against its types. (The answers are in `response.rs`.)

use crate::error::Error;
use crate::request::Request;
use crate::session::Session;
use http_wire::http;
use pool::Body;

/// Method, URI, headers and body are taken over, with the default headers and settings beside them; to have those of
/// a session, use [`Session::http_request`]. The URI must have scheme and host.
impl<B: Into<Body>> TryFrom<http::Request<B>> for Request {
    type Error = Error;

    fn try_from(request: http::Request<B>) -> Result<Self, Error> {
        Session::new().http_request(request).build()
    }
}
