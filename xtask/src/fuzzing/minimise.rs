//! Makes an input that breaks something as short as it can be.

/// An oracle is asked at most this often; an input that is still long then is short enough to work with.
const MAX_ATTEMPTS: usize = 20_000;

/// Removes spans, long ones first, as long as `same` says that the input still breaks in the same way.
pub(super) fn minimise(input: &[u8], mut same: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut best = input.to_vec();
    let mut shorter = Vec::with_capacity(best.len());
    let mut attempts = 0;
    let mut span = best.len();
    while span > 0 {
        let mut removed = false;
        let mut at = 0;
        while at < best.len() && attempts < MAX_ATTEMPTS {
            attempts += 1;
            shorter.clear();
            shorter.extend(best.iter().take(at).chain(best.iter().skip(at + span)));
            if same(&shorter) {
                std::mem::swap(&mut best, &mut shorter);
                removed = true;
            } else {
                at += span;
            }
        }
        // What could not go before may be able to go now that something else is gone.
        if !(removed && span == 1) {
            span /= 2;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_breaks_is_left() {
        let has_both = |input: &[u8]| {
            let a = input.iter().position(|&byte| byte == b'a');
            a.is_some_and(|a| input.iter().skip(a).any(|&byte| byte == b'z'))
        };
        assert_eq!(minimise(b"--------a-----------------z---a--", has_both), b"az");
    }

    #[test]
    fn a_byte_goes_once_the_one_that_held_it_is_gone() {
        let b_holds_c = |input: &[u8]| {
            let has = |wanted: u8| input.contains(&wanted);
            has(b'a') && (has(b'b') || !has(b'c'))
        };
        assert_eq!(minimise(b"abc", b_holds_c), b"a");
    }

    #[test]
    fn an_empty_input_stays_empty() {
        assert_eq!(minimise(b"", |_| true), b"");
    }
}
