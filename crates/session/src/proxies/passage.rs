//! What the way of a request means for its head.

use crate::request::Request;
use pool::Route;

/// How a head differs from the one that goes straight to the origin.
pub(crate) struct Passage<'a> {
    request: &'a Request,
    /// Handed to a proxy as a whole.
    forwarded: bool,
    /// What the proxy that it is handed to is told of us.
    authorization: Option<&'a str>,
    /// A `Proxy-Authorization` set by hand stays here.
    leaves_out: bool,
}

impl<'a> Passage<'a> {
    /// A `Proxy-Authorization` set by hand is for a proxy that reads the head. Where proxies are in use it goes to one
    /// of those and to nobody else: neither through a tunnel to the origin (CVE-2023-32681) nor to a host that is
    /// excepted from them. Userinfo of the proxy goes before it (requests' rule). Where none are in use it is a field
    /// like others.
    pub(crate) fn new(request: &'a Request, route: &'a Route) -> Self {
        let mut passage = Self { request, forwarded: false, authorization: None, leaves_out: false };
        if request.settings().has_proxies() {
            passage.forwarded = route.is_forwarded();
            if passage.forwarded {
                passage.authorization = route.proxy().and_then(|proxy| proxy.authorization());
            }
            let wanted = passage.forwarded && passage.authorization.is_none();
            passage.leaves_out = !wanted && request.headers().contains(FIELD);
        }
        passage
    }

    /// Whether the head is the one without proxies.
    pub(crate) fn is_open(&self) -> bool {
        !self.forwarded && !self.leaves_out
    }

    /// The request target, in the form this way asks for.
    pub(crate) fn target(&self) -> &'a str {
        let target = self.request.target_arc();
        if self.forwarded { target.absolute() } else { target.path() }
    }

    /// Whether any field that is set stays here.
    pub(crate) fn leaves_out(&self) -> bool {
        self.leaves_out
    }

    /// Whether a field of this name stays here.
    pub(crate) fn leaves_field_out(&self, name: &str) -> bool {
        self.leaves_out && name.eq_ignore_ascii_case(FIELD)
    }

    /// The value of the `Proxy-Authorization` that is added.
    pub(crate) fn authorization(&self) -> Option<&'a str> {
        self.authorization
    }
}

const FIELD: &str = "Proxy-Authorization";
