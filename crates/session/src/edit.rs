//! Changing a prepared request: what takes more than setting a field.

use crate::error::Error;
use crate::request::Request;
use crate::{form, json};
use serde::Serialize;

impl Request {
    /// Removes all headers of a name; says whether there were any. A default header that is removed is not sent.
    pub fn remove_header(&mut self, name: impl AsRef<str>) -> bool {
        let name = name.as_ref();
        let had = self.headers().contains(name);
        if had {
            self.headers_mut().remove(name);
        }
        had
    }

    /// Adds parameters to the query of the URL, as [`RequestBuilder::query`](crate::RequestBuilder::query) does.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) if these are no pairs.
    pub fn append_query(&mut self, pairs: impl Serialize) -> Result<(), Error> {
        let mut url = self.url().clone();
        let pairs = form::pairs(pairs)?;
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        self.redirect_to(url)
    }

    /// Sets the body to a value as JSON, and `Content-Type` to `application/json` in place of what it was.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) if JSON cannot say it.
    pub fn set_json(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let body = json::write(value)?;
        self.set_header("Content-Type", "application/json")?;
        self.set_body(body);
        Ok(())
    }

    /// Sets the body to pairs as a form, and `Content-Type` to `application/x-www-form-urlencoded` in place of what it
    /// was.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) if these are no pairs.
    pub fn set_form(&mut self, pairs: impl Serialize) -> Result<(), Error> {
        let body = form::encode(pairs)?;
        self.set_header("Content-Type", "application/x-www-form-urlencoded")?;
        self.set_body(body);
        Ok(())
    }
}
