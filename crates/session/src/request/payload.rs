//! The fields that describe a body: they come with it, and go with it.

use super::Request;
use crate::error::Error;
use http_wire::Method;
use pool::Body;

/// The fields about a body beside those whose names begin with `Content-` (RFC 9110 §15.4, 9112 §6, 9530).
const ABOUT_A_BODY: [&str; 6] =
    ["Transfer-Encoding", "Trailer", "Expect", "Digest", "Repr-Digest", "Last-Modified"];

impl Request {
    /// Says what the body is, unless a header does.
    pub(super) fn describe_body(&mut self, content_type: &str) -> Result<(), Error> {
        if !self.headers().contains("content-type") {
            let added = self.headers_mut().append("Content-Type", content_type);
            self.late.content_type = true;
            return added.map_err(|why| Error::header("Content-Type", why));
        }
        if content_type.starts_with("multipart/") {
            return Err(Error::request_error(
                "a Content-Type is set, and a form with files needs its own, with its boundary; do not set it, or \
                 leave that of the session out with without(\"Content-Type\")",
            ));
        }
        Ok(())
    }

    /// Becomes a request without a body, and without the headers that describe one.
    pub(crate) fn drop_body(&mut self, method: Method) {
        self.method = method;
        self.set_body(Body::Empty);
        self.late.content_type = false;
        let describes = |name: &str| {
            let family = name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"));
            family || ABOUT_A_BODY.iter().any(|field| name.eq_ignore_ascii_case(field))
        };
        let names = self.headers().iter().map(|(name, _)| name);
        let fields: Vec<String> = names.filter(|name| describes(name)).map(str::to_owned).collect();
        for name in fields {
            self.headers_mut().remove(&name);
        }
    }
}
