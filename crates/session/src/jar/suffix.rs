//! Public suffixes: the domains below which strangers register names.

/// Says which domains no cookie may be set for.
///
/// A cookie with `Domain=co.uk` would be sent to every company in the United Kingdom; RFC 6265bis §5.7
/// therefore refuses a `Domain` that is a public suffix, unless it is the very host that answered.
pub trait SuffixList: Send + Sync {
    /// Whether `domain` itself is a public suffix.
    ///
    /// `domain` is canonical: lower case, A-labels (`xn--…`), without leading or trailing dot, never an
    /// address, never empty. An unknown top-level domain should count as a suffix (the list's rule `*`).
    fn is_public_suffix(&self, domain: &str) -> bool;
}

/// The list a jar uses unless it is given another one.
///
/// With the feature `psl` it is the list of publicsuffix.org as of the `psl` crate's release, its private
/// section (`github.io`, …) included; nothing is ever downloaded. Without the feature every domain that has
/// no dot is a suffix, which is what browsers did before there was a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct BuiltIn;

#[cfg(feature = "psl")]
impl SuffixList for BuiltIn {
    fn is_public_suffix(&self, domain: &str) -> bool {
        psl::suffix(domain.as_bytes()).is_none_or(|suffix| suffix.as_bytes() == domain.as_bytes())
    }
}

#[cfg(not(feature = "psl"))]
impl SuffixList for BuiltIn {
    fn is_public_suffix(&self, domain: &str) -> bool {
        !domain.contains('.')
    }
}
