use super::scan::Scan;
use super::{fields, has_bare_lf, malformed, unfold, window};
use crate::error::RecvError;
use crate::headers::Headers;
use crate::limits::Limits;

/// Reads the trailer section at the front of `bytes`: its length and its fields, `None` if it is not all here.
/// `last` says that no more bytes will come. As everywhere in the chunked coding, lines end with CRLF only.
pub(crate) fn parse(
    bytes: &[u8],
    scan: &mut Scan,
    last: bool,
    limits: &Limits,
) -> Result<Option<(usize, Option<Headers>)>, RecvError> {
    match bytes {
        [b'\r', b'\n', ..] => return Ok(Some((2, None))),
        [] | [b'\r'] => return Ok(None),
        [b'\r' | b'\n', ..] => return Err(RecvError::BadTrailer),
        _ => {}
    }
    let section = window(bytes, limits.max_trailers);
    let full = section.len() == limits.max_trailers;
    let end = scan.find_end(section);
    if end.is_none() && !full && !last {
        return Ok(None);
    }
    let section = end.and_then(|end| section.get(..end)).unwrap_or(section);
    match whole(section, limits)? {
        Some(headers) => Ok(Some((section.len(), Some(headers)))),
        None if full => Err(RecvError::TrailersTooLarge),
        None => Ok(None),
    }
}

fn whole(section: &[u8], limits: &Limits) -> Result<Option<Headers>, RecvError> {
    let unfolded = unfold(section, 0);
    let block = unfolded.as_deref().unwrap_or(section);
    let mut slots = vec![httparse::EMPTY_HEADER; limits.max_trailer_fields.min(block.len())];
    let found = match httparse::parse_headers(block, &mut slots) {
        Ok(httparse::Status::Complete((_, headers))) => Some(fields(block, headers)),
        Ok(httparse::Status::Partial) => None,
        Err(error) if malformed(error) == RecvError::TooManyHeaders => {
            return Err(RecvError::TrailersTooLarge);
        }
        Err(_) => return Err(RecvError::BadTrailer),
    };
    if has_bare_lf(section) {
        return Err(RecvError::BadTrailer);
    }
    Ok(found.map(|fields| Headers::parsed(block.to_vec(), fields)))
}
