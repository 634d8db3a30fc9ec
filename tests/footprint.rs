#![expect(clippy::unwrap_used, reason = "x")]
//! x
