//! Digest (RFC 7616): the password is proved, not sent.

mod algorithm;
mod answer;
mod offer;

use super::{Auth, AuthContext, Challenge};
use crate::Origin;
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Head;
use algorithm::{Algorithm, Hash, hex};
use answer::Answer;
use offer::{Offer, Protection};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// User and password, proved by a hash that the server asks for in a challenge (RFC 7616; requests' `HTTPDigestAuth`).
///
/// The first request goes without credentials; its 401 names a nonce, and the request is sent again on the same
/// connection with the proof. Both are in the [history](crate::Response::history). From then on requests to that
/// origin carry a proof at once, until the server asks for another nonce. A proof that is refused although nothing is
/// stale is a wrong password: that answer is the result.
///
/// MD5, SHA-256 and SHA-512-256 are known, their `-sess` forms too; of several challenges that with the strongest
/// hash is answered. A challenge of another scheme never is: a server that offers `Basic` beside `Digest` is not told
/// the password. Where a server insists on `auth-int`, the body is read once more to be hashed; a body that cannot be
/// read twice cannot be sent then, and the 401 is the result. `uri` is the request target as the origin server sees it
/// (path and query), also where a proxy forwards the request. User and password are hashed in UTF-8, as they are.
///
/// Clones share what servers said. A [`Hook`](crate::Hook) that changes method, URL or body makes the proof wrong: it
/// runs after it.
///
/// ```no_run
/// # fn main() -> Result<(), session::Error> {
/// use session::{Digest, Session};
/// let mut session = Session::new();
/// session.set_auth(Digest::new("user", "password"));
/// session.get("https://example.com/digest-auth/auth/user/password").send()?.error_for_status()?;
/// # Ok(()) }
/// ```
#[doc(alias = "HTTPDigestAuth")]
#[derive(Clone)]
pub struct Digest {
    shared: Arc<Shared>,
}

struct Shared {
    user: String,
    password: String,
    /// The nonces that were used, of all origins, the latest last.
    used: Mutex<Vec<Used>>,
}

/// A nonce of an origin, and how often it was used.
struct Used {
    origin: Origin,
    offer: Arc<Offer>,
    count: u32,
    /// Of the first request with this nonce: with `-sess` the key is made from it, and must not change.
    cnonce: String,
}

/// More are not remembered: the one that was first heard of is forgotten. Requests that are answered at the same time
/// may each be given a nonce of their own; there are seldom more than connections.
const MAX_USED: usize = 128;

impl Digest {
    /// Credentials from a user and a password.
    #[must_use]
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        let (user, password) = (user.into(), password.into());
        Self { shared: Arc::new(Shared { user, password, used: Mutex::default() }) }
    }

    /// Entries are whole whenever the lock is free.
    fn used(&self) -> MutexGuard<'_, Vec<Used>> {
        self.shared.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the origin said last.
    fn known(&self, origin: &Origin) -> Option<Arc<Offer>> {
        self.used().iter().rev().find(|used| used.origin == *origin).map(|used| used.offer.clone())
    }

    /// The number of this use of a nonce, and the client's nonce that goes with it. `None`: it was used too often.
    fn count(&self, origin: &Origin, offer: &Arc<Offer>, cnonce: String) -> Option<(u32, String)> {
        let mut all = self.used();
        let at = all.iter().position(|used| used.origin == *origin && used.offer.is_same(offer));
        if let Some(used) = at.and_then(|at| all.get_mut(at)) {
            used.count = used.count.checked_add(1)?;
            // The same nonce on other terms: these are what the origin said last.
            used.offer = offer.clone();
            let cnonce = if offer.algorithm.session { used.cnonce.clone() } else { cnonce };
            let count = used.count;
            if let Some(used) = at.map(|at| all.remove(at)) {
                all.push(used);
            }
            return Some((count, cnonce));
        }
        if all.len() >= MAX_USED {
            all.remove(0);
        }
        let (origin, offer) = (origin.clone(), offer.clone());
        all.push(Used { origin, offer, count: 1, cnonce: cnonce.clone() });
        Some((1, cnonce))
    }
}

impl Auth for Digest {
    /// Adds nothing: what is said depends on the challenge.
    fn authorize(&self, _: &mut Request) -> Result<(), Error> {
        Ok(())
    }

    fn authorize_with(&self, request: &mut Request, cx: &mut AuthContext<'_>) -> Result<(), Error> {
        // Each answers its own challenge: where nonces are good for one use, the latest of all would not do.
        let answered = cx.answers().and_then(Offer::best).map(Arc::new);
        let Some(offer) = answered.or_else(|| self.known(request.origin())) else { return Ok(()) };
        let body = match offer.protection {
            // Not every place of the origin need be protected: it is sent as the first request is.
            Protection::Body if !request.body().is_replayable() => return Ok(()),
            Protection::Body => hash_of_body(request, offer.algorithm.hash)?,
            Protection::Old | Protection::Auth => String::new(),
        };
        let mut random = [0; 16];
        cx.random(&mut random)?;
        let Some((count, cnonce)) = self.count(request.origin(), &offer, hex(&random)) else { return Ok(()) };
        let value = Answer {
            offer: &offer,
            user: &self.shared.user,
            password: &self.shared.password,
            method: request.method().as_str(),
            uri: request.target(),
            body: &body,
            count,
            cnonce: &cnonce,
        }
        .value();
        request.set_header("Authorization", value)
    }

    /// 4xx as in requests, though it is 401 by RFC 9110; 407 is about a proxy.
    fn challenge_with(&self, request: &Request, head: &Head, cx: &AuthContext<'_>) -> bool {
        if !head.status().is_client_error() || head.status() == 407 {
            return false;
        }
        let Some(offer) = Offer::best(head) else { return false };
        offer.stale || (cx.answers().is_none() && !proved(request, &offer))
    }
}

/// Whether the request had a proof for this very challenge, on the same terms, and was refused.
fn proved(request: &Request, offer: &Offer) -> bool {
    let values = request.headers().get_all("authorization");
    values.flat_map(|value| Challenge::parse(value.as_bytes())).any(|said| {
        let algorithm = said.param("algorithm").map(String::from_utf8_lossy);
        said.is("Digest")
            && said.param("nonce") == Some(&*offer.nonce)
            && said.param("realm") == Some(&*offer.realm)
            && said.param("opaque") == offer.opaque.as_deref()
            && said.param("qop") == offer.protection.name().map(str::as_bytes)
            && said.param("userhash").is_some() == offer.userhash
            && Algorithm::named(algorithm.as_deref()) == Some(offer.algorithm)
    })
}

fn hash_of_body(request: &Request, hash: Hash) -> Result<String, Error> {
    let mut hasher = hash.begin();
    request.body().scan(|bytes| hasher.update(bytes)).map_err(|why| {
        Error::new(
            ErrorKind::Io,
            "the body could not be read for its hash, which the server asks for (auth-int)",
        )
        .with_source(why)
    })?;
    Ok(hasher.finish())
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(***)")
    }
}
