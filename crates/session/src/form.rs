//! Pairs for queries and forms.

use crate::error::Error;
use ::url::form_urlencoded;
use serde::Serialize;
use serde_json::Value;

/// Pairs as `application/x-www-form-urlencoded` (the WHATWG serializer): a map, a struct or a list of pairs; a list
/// as value repeats its key, `None` and JSON's `null` are left out.
pub(crate) fn encode(pairs: impl Serialize) -> Result<String, Error> {
    serde_html_form::to_string(&pairs).or_else(|why| {
        // The serializer knows no unit. A JSON value has its keys in order of the alphabet already.
        let json = serde_json::to_value(&pairs).ok().and_then(without_nulls);
        json.and_then(|json| serde_html_form::to_string(json).ok()).ok_or_else(|| {
            Error::request_error(format!(
                "what was given as a query or form is not pairs ({why}); give pairs, a map or a struct, \
                 e.g. [(\"a\", \"1\")]"
            ))
        })
    })
}

/// The pairs of a map or list.
fn entries(json: Value) -> Option<Vec<(String, Value)>> {
    let pair = |pair: Value| {
        let Value::Array(pair) = pair else { return None };
        let Ok([Value::String(key), value]) = <[Value; 2]>::try_from(pair) else { return None };
        Some((key, value))
    };
    match json {
        Value::Object(map) => Some(map.into_iter().collect()),
        Value::Array(pairs) => pairs.into_iter().map(pair).collect(),
        _ => None,
    }
}

/// The pairs of a map or list, without those of value `null`.
fn without_nulls(json: Value) -> Option<Vec<(String, Value)>> {
    let kept = entries(json)?.into_iter().filter_map(|(key, value)| match value {
        Value::Null => None,
        Value::Array(mut values) => {
            values.retain(|value| !value.is_null());
            Some((key, Value::Array(values)))
        }
        value => Some((key, value)),
    });
    Some(kept.collect())
}

/// The pairs one by one.
pub(crate) fn pairs(pairs: impl Serialize) -> Result<Vec<(String, String)>, Error> {
    let text = encode(pairs)?;
    Ok(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
}

/// The names to which only nothing was given: `None`, or a list without a value.
pub(crate) fn without_value(pairs: impl Serialize) -> Vec<String> {
    let json = serde_json::to_value(&pairs).ok().and_then(entries).unwrap_or_default();
    let nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(values) => values.iter().all(Value::is_null),
        _ => false,
    };
    let valued = |name: &str| json.iter().any(|(key, value)| key == name && !nothing(value));
    json.iter().map(|(name, _)| name).filter(|name| !valued(name)).cloned().collect()
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
        let json = serde_json::json!({"a": null, "b": [1, null, 2], "c": "x", "d": true});
        assert_eq!(encode(&json).unwrap(), "b=1&b=2&c=x&d=true");
        assert_eq!(encode([("z", Value::Null), ("y", Value::from(1))]).unwrap(), "y=1");
        assert!(encode(serde_json::json!({"a": {"b": null}})).is_err(), "nested");
        assert!(encode([(Value::Null, "x")]).is_err());
    }
}
