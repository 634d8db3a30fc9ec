//! Redirects: a number of them, or one to anywhere.

use http::{Response, StatusCode};

use super::counted;
use crate::body::Body;
use crate::call::Call;
use crate::reply;

/// `/redirect/{n}`: with a page; relative, or absolute with `?absolute=true`, as are those after it.
pub(super) fn times(call: &Call, n: &str) -> Response<Body> {
    if call.arg("absolute").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return absolute(call, n);
    }
    next(n, "/relative-redirect", "", reply::found)
}

/// `/relative-redirect/{n}`: Location holds a path. Without a page.
pub(super) fn relative(n: &str) -> Response<Body> {
    next(n, "/relative-redirect", "", |location| reply::redirect(StatusCode::FOUND, location))
}

/// `/absolute-redirect/{n}`: Location holds a URL, at the name the client used. With a page.
pub(super) fn absolute(call: &Call, n: &str) -> Response<Body> {
    next(n, "/absolute-redirect", &call.origin_url(), reply::found)
}

/// `/redirect-to?url=…&status_code=…`: Location holds the very text that was given, whatever it is.
pub(super) fn to(call: &Call) -> Response<Body> {
    let Some(url) = call.arg("url") else {
        return reply::bad_request("/redirect-to needs ?url=");
    };
    let status = match call.parsed_arg("status_code", 302) {
        Ok(code @ 300..=399) => StatusCode::from_u16(code).unwrap_or(StatusCode::FOUND),
        Ok(_) => StatusCode::FOUND,
        Err(code) => return reply::bad_request(&format!("status_code={code} is not a number")),
    };
    reply::redirect(status, &url)
}

fn next(n: &str, path: &str, base: &str, redirect: impl Fn(&str) -> Response<Body>) -> Response<Body> {
    counted(n, |n| match n {
        0 => reply::bad_request("a redirect needs a count of at least 1"),
        1 => redirect(&format!("{base}/get")),
        _ => redirect(&format!("{base}{path}/{}", n - 1)),
    })
}
