//! Credentials: what adds them to a request, and when.

mod basic;
mod challenge;
#[cfg(feature = "digest")]
mod digest;
mod netrc;
mod pointers;

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Head;
use crate::world::World;
pub(crate) use basic::octets as basic_octets;
pub use basic::{Basic, Bearer, IntoPassword};
pub use challenge::Challenge;
#[cfg(feature = "digest")]
pub use digest::Digest;
pub use netrc::Netrc;
pub(crate) use netrc::same_host;
use std::fmt;
use std::time::SystemTime;

/// Adds credentials to requests.
///
/// Credentials belong to the origin (scheme, host and port) of the URL that the caller asked for. They are added on
/// each hop to that origin, and on no other: a redirect elsewhere is followed without them, and one that comes back
/// has them again. A [`Hook`](crate::Hook) or [`Request::set_url`] that moves a request elsewhere does not take them
/// along.
///
/// Where nothing but the request is needed, a closure does (requests' callables); the type of its parameter has to be
/// written:
///
/// ```
/// use session::{Request, Session};
/// let key = "k";
/// let mut session = Session::new();
/// session.set_auth(move |request: &mut Request| request.set_header("X-Api-Key", key));
/// ```
///
/// Which kind it is can be decided while the program runs:
///
/// ```
/// # use session::{Auth, Basic, Bearer, Session};
/// # let (mut session, token) = (Session::new(), Some("t"));
/// let auth: Box<dyn Auth> = match token {
///     Some(token) => Box::new(Bearer::new(token)),
///     None => Box::new(Basic::new("user", "pass")),
/// };
/// session.set_auth(auth);
/// ```
///
/// A scheme of your own:
///
/// ```
/// use session::{Auth, Challenge, Error, Head, Request};
/// use std::sync::Mutex;
///
/// /// Sends the token that the server named in its last challenge: `WWW-Authenticate: Echo token=abc`.
/// #[derive(Default)]
/// struct Echo(Mutex<Option<Vec<u8>>>);
///
/// impl Auth for Echo {
///     fn authorize(&self, request: &mut Request) -> Result<(), Error> {
///         match &*self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) {
///             Some(token) => request.set_header("Authorization", [b"Echo ", &token[..]].concat()),
///             None => Ok(()),
///         }
///     }
///
///     fn challenge(&self, _: &Request, head: &Head) -> bool {
///         let challenges = Challenge::all(head);
///         let echo = challenges.iter().find(|challenge| challenge.is("Echo")).filter(|_| head.status() == 401);
///         let Some(token) = echo.and_then(|echo| echo.param("token")) else { return false };
///         *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(token.to_vec());
///         true
///     }
/// }
/// ```
#[doc(alias = "AuthBase")]
#[diagnostic::on_unimplemented(note = "for a user and a password give `Basic::new(user, password)`")]
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

    /// [`authorize`](Auth::authorize) for schemes that need more than the request: the challenge that is to be
    /// answered, random bytes, the time of day. This is what a session calls; by itself it passes the request on.
    ///
    /// # Errors
    /// As [`authorize`](Auth::authorize).
    fn authorize_with(&self, request: &mut Request, cx: &mut AuthContext<'_>) -> Result<(), Error> {
        let _ = cx;
        self.authorize(request)
    }

    /// [`challenge`](Auth::challenge) for schemes that have to know whether this is the second one on a hop:
    /// [`AuthContext::answers`] is the first one then. This is what a session calls; by itself it passes both on.
    fn challenge_with(&self, request: &Request, head: &Head, cx: &AuthContext<'_>) -> bool {
        let _ = cx;
        self.challenge(request, head)
    }
}

/// A closure adds what it wants to each hop.
impl<F> Auth for F
where
    F: Fn(&mut Request) -> Result<(), Error> + Send + Sync,
{
    fn authorize(&self, request: &mut Request) -> Result<(), Error> {
        self(request)
    }
}

/// What [`Auth`] may need beside the request: the challenge, random bytes, the time of day.
pub struct AuthContext<'a> {
    world: &'a mut dyn World,
    answers: Option<&'a Head>,
}

impl<'a> AuthContext<'a> {
    pub(crate) fn new(world: &'a mut dyn World, answers: Option<&'a Head>) -> Self {
        Self { world, answers }
    }

    /// The answer on this hop that was taken for a challenge, the last one if there were two.
    #[must_use]
    pub fn answers(&self) -> Option<&'a Head> {
        self.answers
    }

    /// Fills `out` with unpredictable bytes, from where the pool has all its entropy.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] with what the operating system reports.
    pub fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.world.random(out).map_err(|why| {
            Error::new(ErrorKind::Io, "there are no random bytes for the credentials").with_source(why)
        })
    }

    /// The wall clock, for signatures and for tokens that expire.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        self.world.wall()
    }
}

impl fmt::Debug for AuthContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthContext").field("answers", &self.answers).finish_non_exhaustive()
    }
}
