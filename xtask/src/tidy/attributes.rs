//! Attributes: a lint is only silenced with a reason.

use super::Finding;
use super::tokens::{Kind, Token, after_group};

/// Every `allow` and `expect` attribute of a file that does not say why.
pub(super) fn check(file: &str, tokens: &[Token<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let inner = usize::from(tokens.get(at + 1).is_some_and(|next| next.is("!")));
        let open = at + 1 + inner;
        if !token.is("#") || !tokens.get(open).is_some_and(|next| next.is("[")) {
            at += 1;
            continue;
        }
        let end = after_group(tokens, open);
        let inside: Vec<Token<'_>> = tokens.iter().take(end).skip(open).copied().collect();
        findings.extend(unexplained(&inside).map(|(line, name)| {
            Finding::new(file, line, "reason", format!("`{name}` does not say why: add `reason = \"…\"`"))
        }));
        at = end;
    }
    findings
}

/// The `allow(…)` and `expect(…)` of one attribute, those inside `cfg_attr` too, that have no reason.
fn unexplained<'t>(attribute: &'t [Token<'_>]) -> impl Iterator<Item = (usize, &'t str)> + 't {
    attribute.windows(2).enumerate().filter_map(|(at, pair)| {
        let [name, open] = pair else { return None };
        if !(name.is("allow") || name.is("expect")) || !open.is("(") {
            return None;
        }
        let lints = attribute.iter().take(after_group(attribute, at + 1)).skip(at + 1).collect::<Vec<_>>();
        let reason = lints.windows(3).any(|three| match three {
            [key, equals, text] => {
                key.is("reason") && equals.is("=") && text.kind == Kind::Text && text.text.len() > 2
            }
            _ => false,
        });
        (!reason).then_some((name.line, name.text))
    })
}
