//! Redirects: whether one is followed, and what request follows from it.

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Head;
use crate::url;
use ::url::{Position, Url};
use http_wire::{Method, StatusCode};
use pool::Scheme;
use std::fmt;
use std::io;
use std::sync::Arc;

/// What is done about answers with the status 301, 302, 303, 307 or 308 and a `Location`.
///
/// 301 turns POST into GET; 302 and 303 turn everything but HEAD into GET; 307 and 308 keep method and body. A method
/// that is kept keeps its body, which must be one that can be sent again. `Cookie` and `Proxy-Authorization` headers
/// set by hand are for the first URL only; from then on the jar's cookies are sent, and what is set for the proxy of the
/// hop. Where scheme, host or port change, `Authorization`, `Host`, cookies of the request, headers with a sensitive value
/// ([`sensitive_header`](crate::RequestBuilder::sensitive_header)) and the [secret headers](Redirect::secret_headers) are
/// dropped for the rest of the call. Only `http` and `https` are followed. The default is `limited(30)`; `head()` alone
/// follows none.
///
/// A policy of a request takes the place of its session's, but what that forbids with [`https_only`](Redirect::https_only)
/// stays forbidden unless the request says otherwise, and its secret headers stay secret.
#[doc(alias = "allow_redirects")]
#[derive(Clone)]
pub struct Redirect {
    rule: Rule,
    /// `None`: nothing was said.
    https_only: Option<bool>,
    secrets: Vec<String>,
}

#[derive(Clone)]
enum Rule {
    None,
    Limited(u32),
    Custom(Arc<Custom>),
}

type Custom = dyn Fn(&RedirectAttempt<'_>) -> RedirectAction + Send + Sync;

/// requests and curl follow 30, browsers 20.
const DEFAULT_LIMIT: u32 = 30;

impl Default for Redirect {
    fn default() -> Self {
        Self::limited(DEFAULT_LIMIT)
    }
}

impl Redirect {
    /// Follows nothing: the 3xx is the answer.
    #[doc(alias = "allow_redirects")]
    #[must_use]
    pub fn none() -> Self {
        Self::of(Rule::None)
    }

    /// Follows `max` redirects; one more is [`ErrorKind::Redirect`] with that answer in it. With 0 the first one is.
    #[doc(alias = "max_redirects")]
    #[must_use]
    pub fn limited(max: u32) -> Self {
        Self::of(Rule::Limited(max))
    }

    /// Asks `decide` about each redirect. It decides about the number too.
    ///
    /// ```
    /// let same_host = session::Redirect::custom(|attempt| {
    ///     if attempt.next().host() == attempt.url().host() { attempt.follow() } else { attempt.stop() }
    /// });
    /// ```
    pub fn custom(decide: impl Fn(&RedirectAttempt<'_>) -> RedirectAction + Send + Sync + 'static) -> Self {
        Self::of(Rule::Custom(Arc::new(decide)))
    }

    /// Forbids redirects to `http`. They are [`ErrorKind::Redirect`] then, and nothing is sent. It holds for
    /// [`Response::next`](crate::Response::next) as well.
    #[must_use]
    pub fn https_only(mut self, only: bool) -> Self {
        self.https_only = Some(only);
        self
    }

    /// Further headers that are for one origin only, such as `X-Api-Key`.
    #[must_use]
    pub fn secret_headers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.secrets.extend(names.into_iter().map(Into::into));
        self
    }

    pub(crate) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// This policy of a request over that of its session: to follow fewer, or by hand, weakens nothing.
    pub(crate) fn over(mut self, below: &Self) -> Self {
        self.https_only = self.https_only.or(below.https_only);
        self.secrets.extend_from_slice(&below.secrets);
        self
    }

    fn of(rule: Rule) -> Self {
        Self { rule, https_only: None, secrets: Vec::new() }
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Rule::None => f.write_str("Redirect(none")?,
            Rule::Limited(max) => write!(f, "Redirect(limited {max}")?,
            Rule::Custom(_) => f.write_str("Redirect(custom")?,
        }
        f.write_str(if self.https_only == Some(true) { ", https only)" } else { ")" })
    }
}

/// A redirect that a [`custom`](Redirect::custom) policy is asked about.
pub struct RedirectAttempt<'a> {
    status: StatusCode,
    url: &'a Url,
    next: &'a Url,
    followed: usize,
}

impl RedirectAttempt<'_> {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The URL that redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.url
    }

    /// The URL it points to, made absolute, with the fragment that is carried over.
    #[must_use]
    pub fn next(&self) -> &Url {
        self.next
    }

    /// How many redirects of this call were followed before.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.followed
    }

    /// Goes there.
    #[must_use]
    pub fn follow(&self) -> RedirectAction {
        RedirectAction(Action::Follow)
    }

    /// Takes this answer as the final one.
    #[must_use]
    pub fn stop(&self) -> RedirectAction {
        RedirectAction(Action::Stop)
    }

    /// Ends the call with [`ErrorKind::Redirect`] and this text; the answer is in the error.
    #[must_use]
    pub fn error(&self, why: impl Into<String>) -> RedirectAction {
        RedirectAction(Action::Error(why.into()))
    }
}

impl fmt::Debug for RedirectAttempt<'_> {
    /// URLs without userinfo and query values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedirectAttempt")
            .field("status", &self.status)
            .field("url", &url::redacted(self.url.as_str()))
            .field("next", &url::redacted(self.next.as_str()))
            .field("followed", &self.followed)
            .finish()
    }
}

/// What a custom policy says about a redirect; made by the methods of [`RedirectAttempt`].
#[derive(Debug)]
pub struct RedirectAction(Action);

#[derive(Debug)]
enum Action {
    Follow,
    Stop,
    Error(String),
}

/// What to do about an answer to `base`: nothing (`None`), or send another request. The error has no answer in it yet.
pub(crate) fn decide(base: &Request, head: &Head, followed: usize) -> Result<Option<Request>, Error> {
    let fail = |why: String| unfollowed(base, why);
    let policy = base.redirect();
    if matches!(policy.rule, Rule::None) {
        return Ok(None);
    }
    let Some(place) = place(base, head)? else { return Ok(None) };
    let next = &place.url;
    match &policy.rule {
        Rule::None => return Ok(None),
        Rule::Limited(max) if followed >= *max as usize => {
            return Err(fail(format!(
                "more than {max} redirects (the last one to {}); Redirect::limited(n) allows more",
                url::redacted(next.as_str())
            )));
        }
        Rule::Limited(_) => {}
        Rule::Custom(decide) => {
            let attempt = RedirectAttempt { status: head.status(), url: head.url(), next, followed };
            match decide(&attempt).0 {
                Action::Follow => {}
                Action::Stop => return Ok(None),
                Action::Error(why) => return Err(fail(why)),
            }
        }
    }
    follow(base, head, place).map(Some)
}

/// The request that would follow, whatever the policy says.
pub(crate) fn next(sent: &Request, head: &Head) -> Result<Option<Request>, Error> {
    let Some(place) = place(sent, head)? else { return Ok(None) };
    // What credentials and hooks added to this one they add to the next one themselves.
    let mut base = sent.clone();
    base.drop_added();
    let base = &base;
    follow(base, head, place).map(Some)
}

fn unfollowed(base: &Request, why: String) -> Error {
    Error::new(ErrorKind::Redirect, why).with_request(base).maybe_processed()
}

/// Where an answer redirects to.
struct Place {
    url: Url,
    /// The user that it names.
    user: Option<Vec<u8>>,
}

/// Where an answer redirects to, if it does.
fn place(base: &Request, head: &Head) -> Result<Option<Place>, Error> {
    let fail = |why: String| unfollowed(base, why);
    if !is_redirect(head.status()) {
        return Ok(None);
    }
    let mut locations = head.headers().get_all("location");
    let Some(location) = locations.next().filter(|location| !location.as_bytes().is_empty()) else {
        return Ok(None);
    };
    if locations.any(|other| other.as_bytes() != location.as_bytes()) {
        return Err(fail("the redirect has two different Location headers".to_owned()));
    }
    let text = location.to_str().map_err(|_| fail("the Location of the redirect is not UTF-8".to_owned()))?;
    // Credentials in a Location are none of ours: what a server says does not authenticate us elsewhere.
    let (mut next, userinfo) = url::parse(text, Some(head.url()))
        .map_err(|why| fail(format!("the redirect cannot be followed: {why}")))?;
    if next.fragment().is_none() {
        next.set_fragment(head.url().fragment());
    }
    Ok(Some(Place { url: next, user: userinfo.map(|userinfo| userinfo.user) }))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The next request, from the one as it was asked, not as it was sent.
fn follow(base: &Request, head: &Head, place: Place) -> Result<Request, Error> {
    let fail = |why: String| unfollowed(base, why);
    let (status, policy) = (head.status(), base.redirect());
    let mut next = base.clone();
    next.redirect_to(place.url).map_err(|why| fail(why.to_string()).with_source(why))?;
    if policy.https_only == Some(true) && next.origin().scheme() == Scheme::Http {
        return Err(fail("the redirect leads to http, which https_only forbids".to_owned()));
    }
    let method = method_after(base.method(), status);
    if method != *base.method() {
        next.drop_body(method);
    } else {
        // One that is still being sent goes back when it is begun again.
        let rewound = next.body().rewind().or_else(|why| match why.kind() {
            io::ErrorKind::ResourceBusy if next.body().is_replayable() => Ok(()),
            _ => Err(why),
        });
        rewound.map_err(|why| {
            let problem = format!(
                "the redirect ({status}) asks for the body again, which was read from a source that cannot go back \
                 to its start; send bytes or a file, or do not follow redirects"
            );
            fail(problem).with_source(why)
        })?;
    }
    next.drop_cookie_header();
    // Each hop has a proxy of its own, and with it the credentials for that one.
    next.remove_header("Proxy-Authorization");
    // A hook may have sent this one elsewhere: nor does who answered there decide what is done at home.
    if next.origin() != base.origin() || !is_at(base, head.url()) {
        next.drop_secrets(&policy.secrets);
        next.remember_left(base.origin().clone());
    }
    if let Some(user) = place.user {
        next.remember_user(user);
    }
    Ok(next)
}

/// Whether an answer from this URL is one of the request's origin.
fn is_at(request: &Request, answered: &Url) -> bool {
    request.url()[..Position::BeforePath] == answered[..Position::BeforePath]
}

/// RFC 9110 §15.4, with what browsers made of it.
fn method_after(method: &Method, status: StatusCode) -> Method {
    let to_get = match status.as_u16() {
        301 => *method == Method::POST,
        302 | 303 => *method != Method::HEAD,
        _ => false,
    };
    if to_get { Method::GET } else { method.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_2_the_method_after_each_status() {
        for (status, expected) in [
            (301, "GET HEAD GET PUT PATCH DELETE OPTIONS MKCOL"),
            (302, "GET HEAD GET GET GET GET GET GET"),
            (303, "GET HEAD GET GET GET GET GET GET"),
            (307, "GET HEAD POST PUT PATCH DELETE OPTIONS MKCOL"),
            (308, "GET HEAD POST PUT PATCH DELETE OPTIONS MKCOL"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let after: Vec<Method> = "GET HEAD POST PUT PATCH DELETE OPTIONS MKCOL"
                .split(' ')
                .map(|method| method_after(&method.parse().unwrap(), status))
                .collect();
            let expected: Vec<Method> = expected.split(' ').map(|m| m.parse().unwrap()).collect();
            assert_eq!(after, expected, "{status}");
        }
    }

    #[test]
    fn d_1_other_statuses_are_not_redirects() {
        let redirects: Vec<u16> =
            (100..600).filter(|code| is_redirect(StatusCode::from_u16(*code).unwrap())).collect();
        assert_eq!(redirects, [301, 302, 303, 307, 308]);
    }
}
