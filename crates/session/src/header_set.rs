//! Headers that many requests share, encoded once.

use http_wire::{Headers, Preset};
use std::sync::OnceLock;

/// Headers, and for those of a session their encoded form, made when it is first needed.
#[derive(Default)]
pub(crate) struct HeaderSet {
    headers: Headers,
    /// `None` where they cannot be encoded by themselves: a field in them belongs to one request.
    preset: OnceLock<Option<Preset>>,
    /// Encoding pays only for headers that are sent again.
    reused: bool,
}

impl HeaderSet {
    pub(crate) fn new(headers: Headers) -> Self {
        Self { headers, ..Self::default() }
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    /// To be changed: what was encoded is forgotten.
    pub(crate) fn headers_mut(&mut self) -> &mut Headers {
        self.preset = OnceLock::new();
        &mut self.headers
    }

    pub(crate) fn set_reused(&mut self, reused: bool) {
        self.reused = reused;
    }

    pub(crate) fn is_reused(&self) -> bool {
        self.reused
    }

    /// The encoded form, if there is to be one.
    pub(crate) fn preset(&self) -> Option<&Preset> {
        if !self.reused {
            return None;
        }
        self.preset.get_or_init(|| Preset::new(&self.headers).ok()).as_ref()
    }
}

/// A copy is made to be changed: it starts without the encoded form.
impl Clone for HeaderSet {
    fn clone(&self) -> Self {
        Self { headers: self.headers.clone(), preset: OnceLock::new(), reused: self.reused }
    }
}
