//! Where a request was before, as far as that decides which entry of a netrc file it is given.

use super::Request;
use crate::auth::{Basic, Netrc, same_host};
use pool::Origin;
use std::sync::Arc;

/// What URLs and redirects said on the way. An entry of a file is found by the host alone, so only this tells the
/// origin it was for from another port of that host, or from its `http`.
#[derive(Clone, Default)]
pub(crate) struct Trail {
    /// The origins that redirects led away from, in order.
    left: Vec<Origin>,
    /// Which user a URL of an origin named, the latest last.
    users: Vec<(Origin, Vec<u8>)>,
}

impl Trail {
    /// Whether the file may be asked for this origin: of the origins of one host only the first that the call met is
    /// given its entry.
    fn permits(&self, origin: &Origin) -> bool {
        let first = self.left.iter().find(|left| same_host(left.host(), origin.host()));
        first.is_none_or(|first| first == origin)
    }

    fn user_at(&self, origin: &Origin) -> Option<&[u8]> {
        self.users.iter().rev().find(|(at, _)| at == origin).map(|(_, user)| &**user)
    }
}

impl Request {
    /// What the netrc file has for this hop, where its URL, or one that led here, does not mean somebody else.
    pub(crate) fn netrc_entry(&self, netrc: &Netrc) -> Option<Basic> {
        let user = match &self.trail {
            None => None,
            Some(trail) if trail.permits(self.origin()) => trail.user_at(self.origin()),
            Some(_) => return None,
        };
        netrc.of_host(self.url(), user, self.headers())
    }

    /// Notes that a redirect led here from another origin.
    pub(crate) fn remember_left(&mut self, from: Origin) {
        self.trail_mut().left.push(from);
    }

    /// Notes that the URL named a user: nobody else's password is taken.
    pub(crate) fn remember_user(&mut self, user: Vec<u8>) {
        let origin = self.origin().clone();
        self.trail_mut().users.push((origin, user));
    }

    fn trail_mut(&mut self) -> &mut Trail {
        Arc::make_mut(self.trail.get_or_insert_default())
    }
}
