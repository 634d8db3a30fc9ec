//! Several headers at once, in the forms that programs have them in.

use crate::error::Error;
use http_wire::Headers;
use http_wire::http::HeaderMap;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// What can be given as several headers: [`Headers`], the map of the `http` crate, or names with their values in an
/// array, a slice, a vector or a map (requests' dictionary). The order is kept on the wire; a `HashMap` has none.
pub trait IntoHeaders: Fields {}

impl<T: Fields + ?Sized> IntoHeaders for T {}

pub(crate) mod sealed {
    use super::{Cow, Error, Headers};

    #[expect(unnameable_types, reason = "sealed: what can be headers is for this crate to say")]
    pub trait Fields {
        /// All of them, those of one name behind each other.
        fn fields(&self) -> Result<Cow<'_, Headers>, Error>;
    }
}

use sealed::Fields;

impl Fields for Headers {
    fn fields(&self) -> Result<Cow<'_, Headers>, Error> {
        Ok(Cow::Borrowed(self))
    }
}

impl Fields for HeaderMap {
    fn fields(&self) -> Result<Cow<'_, Headers>, Error> {
        let headers = Headers::try_from(self).map_err(|why| {
            Error::request_error(format!("the headers cannot be sent: {why}")).with_source(why)
        })?;
        Ok(Cow::Owned(headers))
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Fields for [(N, V)] {
    fn fields(&self) -> Result<Cow<'_, Headers>, Error> {
        of_pairs(self.iter().map(|(name, value)| (name, value)))
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const COUNT: usize> Fields for [(N, V); COUNT] {
    fn fields(&self) -> Result<Cow<'_, Headers>, Error> {
        self.as_slice().fields()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Fields for Vec<(N, V)> {
    fn fields(&self) -> Result<Cow<'_, Headers>, Error> {
        self.as_slice().fields()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, S> Fields for HashMap<N, V, S> {
    fn fields(&self) -> Result<Cow<'_, Headers>, Error> {
        of_pairs(self.iter())
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Fields for BTreeMap<N, V> {
    fn fields(&self) -> Result<Cow<'_, Headers>, Error> {
        of_pairs(self.iter())
    }
}

impl<T: Fields + ?Sized> Fields for &T {
    fn fields(&self) -> Result<Cow<'_, Headers>, Error> {
        (**self).fields()
    }
}

fn of_pairs<'a>(
    pairs: impl Iterator<Item = (&'a (impl AsRef<str> + 'a), &'a (impl AsRef<[u8]> + 'a))>,
) -> Result<Cow<'static, Headers>, Error> {
    let mut headers = Headers::new();
    for (name, value) in pairs {
        let name = name.as_ref();
        headers.append(name, value.as_ref()).map_err(|why| Error::header(name, why))?;
    }
    Ok(Cow::Owned(headers))
}
