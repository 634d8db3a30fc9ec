//! Credentials behind a pointer: of a kind that is decided while the program runs, or shared by several sessions.

use crate::auth::{Auth, AuthContext};
use crate::error::Error;
use crate::request::Request;
use crate::response::Head;
use std::sync::Arc;

impl Auth for Box<dyn Auth> {
    fn authorize(&self, request: &mut Request) -> Result<(), Error> {
        (**self).authorize(request)
    }

    fn challenge(&self, request: &Request, head: &Head) -> bool {
        (**self).challenge(request, head)
    }

    fn authorize_with(&self, request: &mut Request, cx: &mut AuthContext<'_>) -> Result<(), Error> {
        (**self).authorize_with(request, cx)
    }

    fn challenge_with(&self, request: &Request, head: &Head, cx: &AuthContext<'_>) -> bool {
        (**self).challenge_with(request, head, cx)
    }
}

impl<A: Auth + ?Sized> Auth for Arc<A> {
    fn authorize(&self, request: &mut Request) -> Result<(), Error> {
        (**self).authorize(request)
    }

    fn challenge(&self, request: &Request, head: &Head) -> bool {
        (**self).challenge(request, head)
    }

    fn authorize_with(&self, request: &mut Request, cx: &mut AuthContext<'_>) -> Result<(), Error> {
        (**self).authorize_with(request, cx)
    }

    fn challenge_with(&self, request: &Request, head: &Head, cx: &AuthContext<'_>) -> bool {
        (**self).challenge_with(request, head, cx)
    }
}
