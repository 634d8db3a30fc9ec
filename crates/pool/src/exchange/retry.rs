//! The one rule by which the pool repeats a request on its own.
//!
//! A server may close a kept connection at any moment, also while a request is on its way to it. RFC 9112 §9.3.1
//! lets a client repeat such a request if that can do no harm.

use crate::conn::Conn;
use http_wire::{CloseReason, Method, ResponseHead, Reuse, StatusCode};

/// What the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// The pool is configured to do it.
    pub(crate) enabled: bool,
    /// It was done before, for this request.
    pub(crate) again: bool,
    /// The connection had served a request before: a first one does not die of old age.
    pub(crate) reused: bool,
    /// Bytes of an answer arrived.
    pub(crate) answered: bool,
    /// The body can be sent again from its start.
    pub(crate) replayable: bool,
    /// Doing it twice is the same as doing it once (RFC 9110 §9.2.2).
    pub(crate) idempotent: bool,
    /// The transport took at least one byte of the request.
    pub(crate) taken: bool,
}

/// Whether a request that died with its connection may be sent once more, on a new one.
pub(crate) fn may_repeat(facts: &Facts) -> bool {
    facts.enabled
        && !facts.again
        && facts.reused
        && !facts.answered
        && facts.replayable
        && (facts.idempotent || !facts.taken)
}

/// GET, HEAD, OPTIONS, TRACE, PUT, DELETE.
pub(crate) fn is_idempotent(method: &Method) -> bool {
    method.is_idempotent()
}

/// A 408 that announces a close: what some servers say to a connection that was idle for too long. It answers
/// nothing we asked, so it counts as no answer.
pub(crate) fn is_timeout_answer(head: &ResponseHead, conn: &Conn) -> bool {
    head.status() == StatusCode::REQUEST_TIMEOUT
        && conn.wire.reuse() == Reuse::Close(CloseReason::ServerAsked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_repeated_only_if_all_conditions_hold() {
        let good = Facts {
            enabled: true,
            again: false,
            reused: true,
            answered: false,
            replayable: true,
            idempotent: true,
            taken: true,
        };
        let table = [
            (good, true),
            (Facts { enabled: false, ..good }, false),
            (Facts { again: true, ..good }, false),
            (Facts { reused: false, ..good }, false),
            (Facts { answered: true, ..good }, false),
            (Facts { replayable: false, ..good }, false),
            (Facts { idempotent: false, ..good }, false),
            (Facts { idempotent: false, taken: false, ..good }, true),
        ];
        for (facts, expected) in table {
            assert_eq!(may_repeat(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn post_and_patch_are_not_idempotent() {
        for (method, expected) in [
            (Method::GET, true),
            (Method::HEAD, true),
            (Method::OPTIONS, true),
            (Method::TRACE, true),
            (Method::PUT, true),
            (Method::DELETE, true),
            (Method::POST, false),
            (Method::PATCH, false),
        ] {
            assert_eq!(is_idempotent(&method), expected, "{method}");
        }
    }
}
