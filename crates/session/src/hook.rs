//! Looking at, and changing, what goes out and what comes in.

use crate::error::Error;
use crate::request::Request;
use crate::response::{Head, Response};
use std::sync::Arc;

/// Code of yours that runs on the way of every request: logging, signing, caching, metrics.
///
/// Hooks run in the caller's thread with no lock held, in the order they were added; they may use another session,
/// or the same one. [`Request::id`] is the same on all hops of a call, for those who keep a book. Hooks given to a
/// request replace those of its session.
///
/// ```
/// use session::{Error, Hook, Request};
///
/// struct Sign;
///
/// impl Hook for Sign {
///     fn before(&self, request: &mut Request) -> Result<(), Error> {
///         let signature = format!("{}:{}", request.method(), request.target());
///         request.set_header("X-Signature", signature)
///     }
/// }
/// ```
///
/// Where only [`after`](Self::after) is needed, a closure does (requests' callables). The types of both parameters have
/// to be written, or the compiler finds it "not general enough":
///
/// ```
/// use session::{Error, Head, Request, Session};
/// let log = |request: &Request, outcome: Result<&Head, &Error>| {
///     println!("{:?} {}", outcome.map(Head::status).ok(), request.url());
///     None // or an answer in place of this one
/// };
/// let session = Session::builder().hook(log).build()?;
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    note = "a hook is a type with the methods it wants of `before`, `after` and `finish`",
    note = "or a closure: |request: &Request, outcome: Result<&Head, &Error>| -> Option<Response>"
)]
pub trait Hook: Send + Sync {
    /// Before each hop is sent, with cookies and credentials in place. Whatever is changed holds for this hop only; time
    /// limits, retries and redirects stay those that were asked for. Where the URL gets another path, the cookies of the
    /// jar are those for that one, unless the hook changed the field itself; another origin gets none.
    ///
    /// # Errors
    /// Ends the call; nothing is sent.
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        let _ = request;
        Ok(())
    }

    /// After the head of each answer, redirects included, and after each failure, before cookies are stored.
    /// `Some` takes the place of the outcome, for the hooks behind this one too, and ends the call: it is not redirected,
    /// nor are its cookies stored. What was under way is dropped.
    fn after(&self, request: &Request, outcome: Result<&Head, &Error>) -> Option<Response> {
        let _ = (request, outcome);
        None
    }

    /// Once, on the final response, when its body is complete, or on the one that took its place. Never called for
    /// streams, nor for what [`Streaming::into_response`](crate::Streaming::into_response) makes of one: nobody says
    /// whether their body is ever complete.
    ///
    /// # Errors
    /// Becomes the result of the call.
    fn finish(&self, response: Response) -> Result<Response, Error> {
        Ok(response)
    }
}

/// Whoever keeps what a hook has learned holds on to another handle of it.
impl<H: Hook + ?Sized> Hook for Arc<H> {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        (**self).before(request)
    }

    fn after(&self, request: &Request, outcome: Result<&Head, &Error>) -> Option<Response> {
        (**self).after(request, outcome)
    }

    fn finish(&self, response: Response) -> Result<Response, Error> {
        (**self).finish(response)
    }
}

/// A closure sees each answer, and each failure, as [`after`](Hook::after).
impl<F> Hook for F
where
    F: Fn(&Request, Result<&Head, &Error>) -> Option<Response> + Send + Sync,
{
    fn after(&self, request: &Request, outcome: Result<&Head, &Error>) -> Option<Response> {
        self(request, outcome)
    }
}
