//! Finding names of tests in source text, and rows in tables.

use std::collections::BTreeMap;

use super::Row;

/// Whether a file of this path can hold tests that count.
pub(super) fn may_have_tests(file: &str) -> bool {
    file.ends_with(".rs") && ["crates/", "tests/", "xtask/"].iter().any(|folder| file.starts_with(folder))
}

/// The names of the functions under a `#[test]`, in whatever module they are.
pub(super) fn tests(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") {
            marked = true;
        }
        if let Some(name) = marked.then(|| function(line)).flatten() {
            names.push(name.to_owned());
            marked = false;
        }
    }
    names
}

/// The name of the function that this line begins.
fn function(line: &str) -> Option<&str> {
    let after = line.strip_prefix("#[test]").unwrap_or(line).trim_start();
    let after = after.strip_prefix("pub(crate) ").unwrap_or(after);
    let name = after.strip_prefix("fn ")?;
    let end = name.find(|character: char| !character.is_alphanumeric() && character != '_')?;
    name.get(..end)
}

/// The rows of the tables of a catalogue: `| M-2 **K** | …`.
pub(super) fn rows(text: &str) -> Vec<Row> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let rows = cells.filter_map(|cell| {
        let (id, class) = cell.split_once(' ').unwrap_or((cell, ""));
        let class = class.trim_matches('*');
        (is_id(id) && matches!(class, "" | "K" | "K?" | "F"))
            .then(|| Row { id: id.to_owned(), class: class.to_owned() })
    });
    rows.collect()
}

/// The rows that the name of a test says it shows: `m_2_…` is M-2, `y_4_and_y_8_…` is Y-4 and Y-8.
pub(super) fn ids(name: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut words = name.split('_');
    while let (Some(group), Some(number)) = (words.next(), words.next()) {
        let named = !group.is_empty()
            && group.bytes().all(|b| b.is_ascii_lowercase())
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit());
        if !named {
            break;
        }
        ids.push(format!("{}-{number}", group.to_uppercase()));
        match words.next() {
            Some("and") => {}
            Some(_) => return ids,
            // A name is more than ids.
            None => return Vec::new(),
        }
    }
    ids
}

/// The first two cells of the rows of the table under a heading, those with an id in the first. A first cell can name
/// several ids, separated by commas: the second holds for each.
pub(super) fn table(text: &str, heading: &str) -> BTreeMap<String, String> {
    let section = text.lines().skip_while(|line| *line != heading).skip(1);
    let lines = section.take_while(|line| !line.starts_with("## "));
    let mut found = BTreeMap::new();
    for line in lines {
        let mut cells = line.trim().trim_matches('|').split('|').map(str::trim);
        let (Some(ids), Some(why)) = (cells.next(), cells.next()) else { continue };
        for id in ids.split(',').map(str::trim).filter(|id| is_id(id)) {
            found.insert(id.to_owned(), why.to_owned());
        }
    }
    found
}

/// `M-2`: capitals, a hyphen, digits.
fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(group, number)| {
        let capitals = !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_uppercase());
        capitals && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}
