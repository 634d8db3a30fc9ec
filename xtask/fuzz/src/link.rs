use crate::input::lines;
use session::{Link, Links, Response, Session, http};
use std::cell::OnceCell;

/// Whatever stands in `Link` fields: there is at most one link for each comma and field, targets and parameters are parts of
/// the fields, and the links, written as RFC 8288 has it and read again, are the same.
///
/// Each line is a field.
pub fn link(data: &[u8]) {
    let fields: Vec<&[u8]> = lines(data).collect();
    let Some(links) = links(&fields) else { return };
    let commas = data.iter().filter(|b| **b == b',').count();
    assert!(links.len() <= commas + fields.len(), "{links:?}");
    let (mut again, mut size) = (Vec::new(), 0);
    for link in links.iter() {
        assert!(!link.target().contains('>') && link.url().is_none_or(|url| !url.scheme().is_empty()));
        size +=
            link.target().len() + link.params().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        for rel in link.rels() {
            let is_meant = |found: &Link| match found.param("rel") {
                Some(_) => found.rels().any(|own| own.eq_ignore_ascii_case(rel)),
                None => found.target() == rel,
            };
            assert!(links.get(rel).is_some_and(is_meant), "{rel} is not found");
        }
        let params = link
            .params()
            .map(|(name, value)| format!(";{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
        again.push(format!("<{}>{}", link.target(), params.collect::<String>()).into_bytes());
    }
    // An octet that is no UTF-8 is shown as three.
    assert!(size <= 3 * data.len(), "{size} octets of {}", data.len());
    let again: Vec<&[u8]> = again.iter().map(Vec::as_slice).collect();
    assert_eq!(self::links(&again), Some(links));
}

/// The links of an answer with these fields; `None` if no answer can have them.
fn links(fields: &[&[u8]]) -> Option<Links> {
    let mut answer = http::Response::builder();
    for field in fields {
        answer = answer.header("Link", *field);
    }
    let answer = answer.body(Vec::new()).ok()?;
    with_request(|request| Response::from_http(request, answer)).ok().map(|response| response.links())
}

/// Calls `f` with a request that the answer could be to; one serves for all.
pub(crate) fn with_request<R>(f: impl FnOnce(&session::Request) -> R) -> R {
    thread_local! {
        static REQUEST: OnceCell<(Session, session::Request)> = const { OnceCell::new() };
    }
    REQUEST.with(|cell| {
        let (_, request) = cell.get_or_init(|| {
            let (_, session) = crate::input::nowhere();
            let request = session.get("http://a.example/dir/page?q#f").build();
            let request = request.unwrap_or_else(|error| unreachable!("{error}"));
            (session, request)
        });
        f(request)
    })
}
