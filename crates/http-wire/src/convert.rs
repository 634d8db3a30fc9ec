//! To and from the types of the `http` crate.

use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Version, request, response};

use crate::error::HeadError;
use crate::framing::BodyKind;
use crate::head::request::{RequestHead, VERSION};
use crate::head::response::ResponseHead;
use crate::headers::Headers;
use crate::token;

/// The fields of the map, names in lower case; what is sensitive stays so. Fails if a value has white space at an
/// end.
impl TryFrom<&HeaderMap> for Headers {
    type Error = HeadError;

    fn try_from(map: &HeaderMap) -> Result<Self, HeadError> {
        let mut headers = Self::new();
        for (name, value) in map {
            headers.push(name.as_str(), value.as_bytes(), value.is_sensitive())?;
        }
        Ok(headers)
    }
}

/// Spelling and the order among different names are lost; what is sensitive stays so. Fails beyond the 32 768 fields a
/// map can hold.
impl TryFrom<&Headers> for HeaderMap {
    type Error = HeadError;

    fn try_from(headers: &Headers) -> Result<Self, HeadError> {
        let mut map = Self::new();
        map.try_reserve(headers.len()).map_err(|_| HeadError::TooLarge)?;
        for (name, field) in headers.iter() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeadError::BadHeaderName)?;
            let mut value =
                HeaderValue::from_bytes(field.as_bytes()).map_err(|_| HeadError::BadHeaderValue)?;
            value.set_sensitive(field.is_sensitive());
            map.try_append(name, value).map_err(|_| HeadError::TooLarge)?;
        }
        Ok(map)
    }
}

/// A head for an origin server: the target is path and query of the URI (its authority with CONNECT). `Host` comes
/// first and from the URI, unless the parts have one. The body is what `Content-Length` or `Transfer-Encoding` of
/// the parts say, none without either. The version is not looked at.
impl TryFrom<&request::Parts> for RequestHead {
    type Error = HeadError;

    fn try_from(parts: &request::Parts) -> Result<Self, HeadError> {
        let authority = parts.uri.authority().map(|a| a.as_str().rsplit('@').next().unwrap_or_default());
        let target = match parts.uri.path_and_query().map(PathAndQuery::as_str) {
            _ if parts.method == Method::CONNECT => Cow::from(authority.unwrap_or_default()),
            // Of `http://a?x`, an empty path is sent as `/` (RFC 9112 section 3.2.1).
            Some(query) if query.starts_with('?') => format!("/{query}").into(),
            Some(path) => path.into(),
            None => "/".into(),
        };
        let mut builder = Self::builder(parts.method.clone(), &target);
        if let Some(host) = authority
            && !parts.headers.contains_key(header::HOST)
        {
            builder = builder.header("host", host);
        }
        let mut body = BodyKind::None;
        for (name, value) in &parts.headers {
            builder = match name.as_str() {
                "content-length" => {
                    body =
                        BodyKind::Length(token::decimal(value.as_bytes()).ok_or(HeadError::ReservedHeader)?);
                    builder.header(name, value)
                }
                "transfer-encoding" => {
                    body = BodyKind::Chunked;
                    builder.header(name, value)
                }
                "expect" if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
                    builder.expect_continue()
                }
                "upgrade" => builder.upgrade(value.to_str().map_err(|_| HeadError::BadHeaderValue)?),
                "connection" => token::members(value.as_bytes()).try_fold(builder, |builder, option| {
                    // These two follow from the fields they announce.
                    let announced = [header::UPGRADE, header::TE]
                        .into_iter()
                        .find(|name| option.eq_ignore_ascii_case(name.as_str().as_bytes()));
                    match announced {
                        Some(name) if parts.headers.contains_key(&name) => Ok(builder),
                        Some(_) => Err(HeadError::ReservedHeader),
                        None => Ok(builder.header("connection", option)),
                    }
                })?,
                _ => builder.header(name, value),
            };
        }
        builder.body(body).build()
    }
}

/// Every field is carried over, those that the library wrote included. The URI is the request target.
impl TryFrom<&RequestHead> for request::Parts {
    type Error = HeadError;

    fn try_from(head: &RequestHead) -> Result<Self, HeadError> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = head.method().clone();
        parts.uri = head.target().parse().map_err(|_| HeadError::BadTarget)?;
        parts.version = VERSION;
        parts.headers = HeaderMap::try_from(&head.headers())?;
        Ok(parts)
    }
}

/// The reason is empty, the version HTTP/1.1 unless it is HTTP/1.0.
impl TryFrom<&response::Parts> for ResponseHead {
    type Error = HeadError;

    fn try_from(parts: &response::Parts) -> Result<Self, HeadError> {
        let version = if parts.version == Version::HTTP_10 { Version::HTTP_10 } else { Version::HTTP_11 };
        Ok(Self::new(parts.status, version, Headers::try_from(&parts.headers)?))
    }
}

/// The reason is lost.
impl TryFrom<&ResponseHead> for response::Parts {
    type Error = HeadError;

    fn try_from(head: &ResponseHead) -> Result<Self, HeadError> {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = head.status();
        parts.version = head.version();
        parts.headers = HeaderMap::try_from(head.headers())?;
        Ok(parts)
    }
}

macro_rules! also_by_value {
    ($($from:ty => $to:ty),+ $(,)?) => {$(
        /// As by reference.
        impl TryFrom<$from> for $to {
            type Error = HeadError;

            fn try_from(from: $from) -> Result<Self, HeadError> {
                Self::try_from(&from)
            }
        }
    )+};
}

also_by_value! {
    HeaderMap => Headers,
    Headers => HeaderMap,
    request::Parts => RequestHead,
    RequestHead => request::Parts,
    response::Parts => ResponseHead,
    ResponseHead => response::Parts,
}
