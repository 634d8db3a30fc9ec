//! When a cookie ends: RFC 6265bis §5.5 and §5.7 step 6.

use std::time::{Duration, SystemTime};

use super::parse::SetCookie;

/// The longest a cookie lives, whatever it asks for (§5.5): 400 days, as in browsers and curl.
const MAX_LIFETIME: Duration = Duration::from_secs(400 * 24 * 3600);

/// The end of one cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    /// It lives as long as the jar.
    Never,
    At(SystemTime),
    /// This long after the time is next told; it is `At` then. Nothing is over already.
    After(Duration),
}

impl Expiry {
    /// What a cookie asks for; `Max-Age` wins over `Expires`.
    pub(super) fn of(cookie: &SetCookie<'_>) -> Self {
        match cookie.max_age {
            Some(seconds) => Self::After(Duration::from_secs(seconds)),
            None => cookie.expires.map_or(Self::Never, Self::At),
        }
    }

    /// With the time known: a point in time, no later than the longest lifetime allows.
    pub(super) fn settled(self, now: SystemTime) -> Self {
        match self {
            Self::After(age) if !age.is_zero() => {
                now.checked_add(age.min(MAX_LIFETIME)).map_or(Self::Never, Self::At)
            }
            other => other.capped(now),
        }
    }

    /// As [`settled`](Self::settled), but what is relative stays so.
    pub(super) fn capped(self, now: SystemTime) -> Self {
        match (self, now.checked_add(MAX_LIFETIME)) {
            (Self::At(end), Some(latest)) => Self::At(end.min(latest)),
            (other, _) => other,
        }
    }

    /// Whether the cookie is gone. Without a time only what was deleted is.
    pub(super) fn over(self, now: Option<SystemTime>) -> bool {
        match self {
            Self::Never => false,
            Self::At(end) => now.is_some_and(|now| end <= now),
            Self::After(age) => age.is_zero(),
        }
    }

    /// The point in time, if it is one.
    pub(super) fn end(self) -> Option<SystemTime> {
        match self {
            Self::At(end) => Some(end),
            Self::Never | Self::After(_) => None,
        }
    }

    /// Whether a header that held until `old` holds as long with this.
    pub(super) fn outlasts(self, old: Self) -> bool {
        match (self, old) {
            (Self::Never, _) => true,
            (Self::At(new), Self::At(old)) => new >= old,
            (Self::At(_) | Self::After(_), _) => false,
        }
    }
}
