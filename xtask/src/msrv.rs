//! `cargo xtask msrv`: the promised `rust-version` holds for everything a user of the crates has to build.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use crate::{no_more_arguments, workspace};

/// The crates that are published. What only tests, benches and this program need may be newer.
const PUBLISHED: &[&str] = &["http-wire", "pool", "session"];

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    no_more_arguments("msrv", arguments)?;
    let text = workspace::cargo_output(&["metadata", "--format-version=1", "--locked"])?;
    let metadata =
        serde_json::from_str(&text).map_err(|error| format!("cargo metadata is not JSON: {error}"))?;
    let survey = survey(&metadata, PUBLISHED)?;
    match &survey.highest {
        Some(need) => println!("msrv: {} is promised; the most is asked by {need}", survey.promised),
        None => println!("msrv: {} is promised; no dependency asks for any", survey.promised),
    }
    if survey.too_new.is_empty() {
        return Ok(());
    }
    let list: String = survey.too_new.iter().map(|need| format!("\n  {need}")).collect();
    Err(format!("rust-version is {}, but a dependency asks for more:{list}", survey.promised))
}

/// What a look through the dependency graph found.
#[derive(Debug)]
struct Survey {
    /// The lowest `rust-version` of the published crates.
    promised: Version,
    /// The dependency with the highest one.
    highest: Option<Need>,
    /// The dependencies above `promised`.
    too_new: Vec<Need>,
}

/// A dependency's `rust-version` and how it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Need {
    version: Version,
    /// Package names from a published crate down to the dependency.
    chain: Vec<String>,
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.version, self.chain.join(" > "))
    }
}

/// A Rust version; `1.88` and `1.88.0` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32, u32);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version =
            Self(parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
        parts.next().is_none().then_some(version)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(major, minor, patch) = self;
        if *patch == 0 { write!(f, "{major}.{minor}") } else { write!(f, "{major}.{minor}.{patch}") }
    }
}

/// Walks from the published crates over normal and build dependencies, on every platform.
fn survey(metadata: &Value, published: &[&str]) -> Result<Survey, String> {
    let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
    let packages: HashMap<String, &Value> =
        items(&metadata["packages"]).map(|value| (id(value), value)).collect();
    let nodes: HashMap<String, &Value> = metadata
        .pointer("/resolve/nodes")
        .into_iter()
        .flat_map(items)
        .map(|value| (id(value), value))
        .collect();

    let mut promised = None;
    let mut chains: HashMap<String, Vec<String>> = HashMap::new();
    let mut waiting = VecDeque::new();
    for member in items(&metadata["workspace_members"]).filter_map(Value::as_str) {
        let Some(package) = packages.get(member) else { continue };
        let name = name_of(package);
        if published.contains(&name.as_str()) {
            let own = version_of(package)?.ok_or_else(|| format!("{name} states no rust-version"))?;
            promised = Some(promised.map_or(own, |lowest: Version| lowest.min(own)));
            chains.insert(member.to_owned(), vec![name]);
            waiting.push_back(member.to_owned());
        }
    }
    let promised = promised.ok_or("none of the published crates is in the workspace")?;

    let mut needs = Vec::new();
    while let Some(at) = waiting.pop_front() {
        let chain = chains.get(&at).cloned().unwrap_or_default();
        if let Some(package) = packages.get(&at)
            && let Some(version) = version_of(package)?
            && chain.len() > 1
        {
            needs.push(Need { version, chain: chain.clone() });
        }
        for dependency in nodes.get(&at).into_iter().flat_map(|node| items(&node["deps"])) {
            let Some(to) = dependency["pkg"].as_str() else { continue };
            let built = items(&dependency["dep_kinds"]).any(|kind| kind["kind"].as_str() != Some("dev"));
            if built && !chains.contains_key(to) {
                let name = packages.get(to).map(|package| name_of(package)).unwrap_or_default();
                let mut longer = chain.clone();
                longer.push(name);
                chains.insert(to.to_owned(), longer);
                waiting.push_back(to.to_owned());
            }
        }
    }
    let highest = needs.iter().rev().max_by_key(|need| need.version).cloned();
    let too_new = needs.into_iter().filter(|need| need.version > promised).collect();
    Ok(Survey { promised, highest, too_new })
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn name_of(package: &Value) -> String {
    package["name"].as_str().unwrap_or_default().to_owned()
}

fn version_of(package: &Value) -> Result<Option<Version>, String> {
    let Some(text) = package["rust_version"].as_str() else { return Ok(None) };
    let version = Version::parse(text);
    version.map(Some).ok_or_else(|| format!("{}: rust-version {text:?} is not a version", name_of(package)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `session` needs `url`, `url` needs `idna` at build time, `session` tests with `testbed`.
    fn metadata(idna: &str, testbed: &str) -> Value {
        let package = |id: &str, version: &str| json!({"id": id, "name": id, "rust_version": version});
        let edge = |to: &str, kind: Option<&str>| json!({"pkg": to, "dep_kinds": [{"kind": kind}]});
        json!({
            "packages": [
                package("session", "1.88"), package("url", "1.63"), package("idna", idna), package("testbed", testbed),
            ],
            "workspace_members": ["session", "testbed"],
            "resolve": {"nodes": [
                {"id": "session", "deps": [edge("url", None), edge("testbed", Some("dev"))]},
                {"id": "url", "deps": [edge("idna", Some("build"))]},
                {"id": "idna", "deps": []},
                {"id": "testbed", "deps": []},
            ]},
        })
    }

    #[test]
    fn a_dependency_newer_than_the_promise_is_named_with_its_way_in() {
        let survey = survey(&metadata("1.90", "1.88"), &["session"]).unwrap();
        assert_eq!(survey.too_new.len(), 1);
        assert_eq!(survey.too_new[0].to_string(), "1.90: session > url > idna");
    }

    #[test]
    fn the_highest_need_is_reported_and_equal_to_the_promise_is_fine() {
        let survey = survey(&metadata("1.88.0", "1.88"), &["session"]).unwrap();
        assert!(survey.too_new.is_empty());
        assert_eq!(survey.highest.unwrap().to_string(), "1.88: session > url > idna");
    }

    #[test]
    fn what_only_tests_need_does_not_count() {
        let survey = survey(&metadata("1.60", "1.99"), &["session"]).unwrap();
        assert!(survey.too_new.is_empty());
        assert_eq!(survey.highest.unwrap().to_string(), "1.63: session > url");
    }

    #[test]
    fn a_version_may_leave_out_its_last_parts_but_nothing_else() {
        assert_eq!(Version::parse("1.88"), Version::parse("1.88.0"));
        assert!(Version::parse("1.9") < Version::parse("1.10"));
        for wrong in ["", "1.x", "1.88.0.1", "stable"] {
            assert_eq!(Version::parse(wrong), None, "{wrong}");
        }
    }
}
