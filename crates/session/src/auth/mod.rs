//! Credentials: what adds them to a request, and when.

mod basic;

use crate::error::Error;
use crate::request::Request;
use crate::response::Head;
pub use basic::{Basic, Bearer};

/// Adds credentials to requests.
///
/// Credentials belong to the origin (scheme, host and port) of the URL that the caller asked for. They are added on
/// each hop to that origin, and on no other: a redirect elsewhere is followed without them, and one that comes back
/// has them again. A [`Hook`](crate::Hook) or [`Request::set_url`] that moves a request elsewhere does not take them
/// along.
///
/// ```
/// use session::{Auth, Error, Request};
///
/// struct Key(String);
///
/// impl Auth for Key {
///     fn authorize(&self, request: &mut Request) -> Result<(), Error> {
///         request.set_header("X-Api-Key", &self.0)
///     }
/// }
/// ```
pub trait Auth: Send + Sync {
    /// Adds the credentials to one hop.
    ///
    /// # Errors
    /// Ends the call; nothing is sent.
    fn authorize(&self, request: &mut Request) -> Result<(), Error>;

    /// Sees the head of each answer from the origin of the credentials; `true`: send the request again, after
    /// another [`authorize`](Auth::authorize). At most twice per hop, and only where the body can be sent again.
    fn challenge(&self, request: &Request, head: &Head) -> bool {
        let _ = (request, head);
        false
    }
}
