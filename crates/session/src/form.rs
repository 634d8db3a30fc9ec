//! Pairs for queries and forms.

use crate::error::Error;
use ::url::form_urlencoded;
use serde::Serialize;

/// Pairs as `application/x-www-form-urlencoded` (the WHATWG serializer): a map, a struct or a list of pairs; a list
/// as value repeats its key, `None` is left out.
pub(crate) fn encode(pairs: impl Serialize) -> Result<String, Error> {
    serde_html_form::to_string(pairs).map_err(|why| {
        Error::request_error(format!(
            "what was given as a query or form is not pairs ({why}); give pairs, a map or a struct, \
             e.g. [(\"a\", \"1\")]"
        ))
    })
}

/// The pairs one by one.
pub(crate) fn pairs(pairs: impl Serialize) -> Result<Vec<(String, String)>, Error> {
    let text = encode(pairs)?;
    Ok(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u_9_pairs_of_every_shape() {
        #[derive(Serialize)]
        struct Query {
            q: &'static str,
            tags: Vec<&'static str>,
            page: Option<u32>,
            limit: Option<u32>,
        }
        let query = Query { q: "a b&c=é", tags: vec!["x", "y"], page: None, limit: Some(5) };
        assert_eq!(encode(&query).unwrap(), "q=a+b%26c%3D%C3%A9&tags=x&tags=y&limit=5");
        assert_eq!(encode([("k", ""), ("k", "1*~")]).unwrap(), "k=&k=1*%7E");
        assert_eq!(
            pairs([("a", "1"), ("a", "é +")]).unwrap(),
            [("a".into(), "1".into()), ("a".into(), "é +".into())]
        );
        assert!(encode(5).is_err());
    }
}
