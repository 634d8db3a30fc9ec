//! What is different between two sides, by path, and which of it was declared.

use crate::sight::Sight;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What came of a comparison.
#[derive(Default)]
pub(crate) struct Verdict {
    /// How many values were compared.
    pub(crate) values: usize,
    /// How many differences each declared id stands for.
    pub(crate) declared: BTreeMap<String, usize>,
    pub(crate) undeclared: Vec<String>,
    /// Declarations that nothing corresponds to.
    pub(crate) absent: Vec<String>,
}

pub(crate) fn compare(theirs: &Sight, ours: &Sight, differs: &BTreeMap<String, Vec<String>>) -> Verdict {
    let mut found = Found::default();
    found.number("connections", theirs.connections, ours.connections);
    found.number("requests", theirs.requests.len(), ours.requests.len());
    for (index, (a, b)) in theirs.requests.iter().zip(&ours.requests).enumerate() {
        found.text(format!("requests.{index}.line"), &a.line, &b.line);
        found.text(format!("requests.{index}.body"), &a.body, &b.body);
        found.headers(&format!("requests.{index}"), &a.headers, &b.headers);
    }
    found.tree("", &theirs.told, &ours.told);
    found.judge(differs)
}

#[derive(Default)]
struct Found {
    values: usize,
    /// Path, what requests has, what session has.
    list: Vec<(String, String, String)>,
}

impl Found {
    fn text(&mut self, path: String, theirs: &str, ours: &str) {
        self.values += 1;
        if theirs != ours {
            self.list.push((path, theirs.to_owned(), ours.to_owned()));
        }
    }

    fn number(&mut self, path: &str, theirs: usize, ours: usize) {
        self.text(path.to_owned(), &theirs.to_string(), &ours.to_string());
    }

    /// Each field with the spelling of its name, and the order of those that both have.
    fn headers(&mut self, path: &str, theirs: &[(String, String)], ours: &[(String, String)]) {
        let names = |list: &[(String, String)]| -> BTreeSet<String> {
            list.iter().map(|(name, _)| name.to_ascii_lowercase()).collect()
        };
        let (of_theirs, of_ours) = (names(theirs), names(ours));
        for name in of_theirs.union(&of_ours) {
            let lines = |list: &[(String, String)]| -> String {
                let matching = list.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
                matching.map(|(n, value)| format!("{n}: {value}")).collect::<Vec<_>>().join(" | ")
            };
            self.text(format!("{path}.header.{name}"), &lines(theirs), &lines(ours));
        }
        let order = |list: &[(String, String)]| -> String {
            let names = list.iter().map(|(name, _)| name.to_ascii_lowercase());
            names
                .filter(|name| of_theirs.contains(name) && of_ours.contains(name))
                .collect::<Vec<_>>()
                .join(" ")
        };
        self.text(format!("{path}.order"), &order(theirs), &order(ours));
    }

    /// Objects by key, lists of objects by place, everything else as a whole. An answer is not compared with a
    /// failure key by key.
    fn tree(&mut self, path: &str, theirs: &Value, ours: &Value) {
        match (theirs, ours) {
            (Value::Object(a), Value::Object(b)) if a.contains_key("error") == b.contains_key("error") => {
                let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                for key in keys {
                    let inside = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                    self.tree(&inside, a, b);
                }
            }
            (Value::Array(a), Value::Array(b)) if a.iter().chain(b).any(Value::is_object) => {
                self.number(path, a.len(), b.len());
                for (index, (a, b)) in a.iter().zip(b).enumerate() {
                    self.tree(&format!("{path}.{index}"), a, b);
                }
            }
            _ => self.text(path.to_owned(), &theirs.to_string(), &ours.to_string()),
        }
    }

    fn judge(self, differs: &BTreeMap<String, Vec<String>>) -> Verdict {
        let mut verdict = Verdict { values: self.values, ..Verdict::default() };
        let mut used = BTreeSet::new();
        for (path, theirs, ours) in &self.list {
            let declared = differs.iter().find_map(|(id, patterns)| {
                patterns.iter().find(|pattern| matches(pattern, path)).map(|pattern| (id, pattern))
            });
            match declared {
                Some((id, pattern)) => {
                    used.insert((id, pattern));
                    *verdict.declared.entry(id.clone()).or_default() += 1;
                }
                None => verdict.undeclared.push(format!(
                    "{path}\n    requests: {}\n    session:  {}",
                    cut(theirs),
                    cut(ours)
                )),
            }
        }
        for (id, patterns) in differs {
            for pattern in patterns.iter().filter(|pattern| !used.contains(&(id, *pattern))) {
                verdict.absent.push(format!("{id} at {pattern}"));
            }
        }
        verdict
    }
}

/// Segment by segment; `*` stands for any one segment.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), path.split('.').collect());
    pattern.len() == path.len()
        && pattern.iter().zip(&path).all(|(wanted, part)| *wanted == "*" || wanted == part)
}

fn cut(text: &str) -> String {
    text.chars().take(400).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sight::Asked;
    use serde_json::json;

    fn sight(headers: &[(&str, &str)], told: Value) -> Sight {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let asked = Asked { line: "A GET / HTTP/1.1".to_owned(), headers, body: String::new() };
        Sight { connections: 1, requests: vec![asked], told }
    }

    fn declared(id: &str, paths: &[&str]) -> BTreeMap<String, Vec<String>> {
        BTreeMap::from([(id.to_owned(), paths.iter().map(|&path| path.to_owned()).collect())])
    }

    #[test]
    fn two_sides_that_are_alike_have_no_difference() {
        let side = || sight(&[("Host", "a"), ("Accept", "*/*")], json!({"steps": [{"status": 200}]}));
        let verdict = compare(&side(), &side(), &BTreeMap::new());
        assert!(verdict.undeclared.is_empty() && verdict.absent.is_empty() && verdict.values > 5);
    }

    #[test]
    fn names_values_spelling_and_order_of_headers_are_compared() {
        let theirs = sight(&[("A", "1"), ("B", "2"), ("C", "3"), ("D", "4")], json!({}));
        let ours = sight(&[("B", "2"), ("A", "1"), ("c", "3"), ("D", "5"), ("E", "6")], json!({}));
        let verdict = compare(&theirs, &ours, &declared("x", &["requests.0.header.*", "requests.0.order"]));
        assert_eq!((verdict.declared.get("x"), verdict.undeclared.len()), (Some(&4), 0));
    }

    #[test]
    fn what_is_not_declared_and_what_does_not_occur_are_told() {
        let theirs = sight(&[], json!({"steps": [{"status": 200, "text": "a"}], "jar": [["n", "v"]]}));
        let ours = sight(&[], json!({"steps": [{"status": 200, "text": "b"}], "jar": []}));
        let verdict = compare(&theirs, &ours, &declared("x", &["steps.0.text", "steps.0.status"]));
        assert_eq!(verdict.declared.get("x"), Some(&1));
        assert_eq!(verdict.undeclared.len(), 1);
        assert!(verdict.undeclared[0].starts_with("jar\n"));
        assert_eq!(verdict.absent, ["x at steps.0.status"]);
    }

    #[test]
    fn an_answer_and_a_failure_are_one_difference() {
        let theirs = sight(&[], json!({"steps": [{"status": 200, "text": "a"}]}));
        let ours = sight(&[], json!({"steps": [{"error": "protocol"}]}));
        let verdict = compare(&theirs, &ours, &declared("x", &["steps.0"]));
        assert_eq!((verdict.declared.get("x"), verdict.undeclared.len()), (Some(&1), 0));
    }
}
