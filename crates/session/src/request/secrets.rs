//! What of a request is for one origin alone, and how it is lost on the way to another.

use super::Request;
use http_wire::{Headers, Value};
use std::sync::Arc;

impl Request {
    /// Loses what was meant for one origin: every occurrence, in any spelling; and what credentials and hooks added when
    /// it was sent there.
    pub(crate) fn drop_secrets(&mut self, more: &[String]) {
        self.drop_added();
        self.cookies.clear();
        self.late.cookie = false;
        self.remove(&["Authorization", "Cookie", "Proxy-Authorization", "Proxy-Authenticate", "Host"]);
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        self.remove(&more);
        let sensitive = |(name, value): (&str, Value<'_>)| value.is_sensitive().then(|| name.to_owned());
        let sensitive: Vec<String> = self.headers().iter().filter_map(sensitive).collect();
        for name in &sensitive {
            self.headers_mut().remove(name);
        }
    }

    /// Notes what stands here and not in the headers that were asked for. Whoever takes a request that was sent and turns
    /// it elsewhere knows nothing of these fields: only this tells them from the others.
    pub(crate) fn remember_added(&mut self, asked: &Headers) {
        let mut added = self.fields_since(asked);
        if let Some(earlier) = self.added.take() {
            for (name, value) in earlier.iter() {
                // It was a legal field there already.
                let _ = added.append_value(name, value);
            }
        }
        self.added = Some(added).filter(|added| !added.is_empty()).map(Arc::new);
    }

    /// Loses the fields that were added when it was sent, unless they were changed since.
    pub(crate) fn drop_added(&mut self) {
        if let Some(added) = self.added.take() {
            self.drop_fields(&added);
            (self.late.authorization, self.late.cookie) = (false, false);
        }
    }

    /// The fields that stand here and not, with this value, in `before`.
    pub(crate) fn fields_since(&self, before: &Headers) -> Headers {
        let mut new = Headers::new();
        for (name, value) in self.headers().iter() {
            if !before.get_all(name).any(|old| old.as_bytes() == value.as_bytes()) {
                // It was a legal field there already.
                let _ = new.append_value(name, value);
            }
        }
        new
    }

    /// Loses the fields of these names, where one of them still has a value that it has there.
    pub(crate) fn drop_fields(&mut self, fields: &Headers) {
        for (name, value) in fields.iter() {
            if self.headers().get_all(name).any(|left| left.as_bytes() == value.as_bytes()) {
                self.remove(&[name]);
            }
        }
    }
}
