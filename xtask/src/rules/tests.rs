//! What counts as shown, as excused, and as missing.

use super::scan;
use super::{RULES, Row, Score, THREATS, listed};
use std::collections::{BTreeMap, BTreeSet};

fn row(id: &str, class: &str) -> Row {
    Row { id: id.to_owned(), class: class.to_owned() }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn only_functions_marked_as_tests_are_tests() {
    let text = "#[test]\nfn m_2_a() {}\nfn m_3_helper() {}\n    #[test]\n    #[cfg(unix)]\n    fn m_4_b() {\n// fn m_5_c()\n#[test] fn m_6_d() {}";
    assert_eq!(scan::tests(text), ["m_2_a", "m_4_b", "m_6_d"]);
}

#[test]
fn a_row_of_a_catalogue_is_an_id_and_a_class() {
    let text = "| id | rule |\n|---|---|\n| M-2 **K** | a |\n| A-1 **K?** | b |\n| S-7 | c |\n| D-3 **F** | d |\n| CR-1 | e |\n| not-1 | f |\n";
    let expected = [row("M-2", "K"), row("A-1", "K?"), row("S-7", ""), row("D-3", "F"), row("CR-1", "")];
    assert_eq!(scan::rows(text), expected);
}

#[test]
fn the_table_of_a_section_ends_with_the_section() {
    let text = "## A\n| X-1 | no |\n## B\n| rule | why |\n|---|---|\n| X-2, X-3 | one reason |\n| X-4 | |\n## C\n| X-5 | no |\n";
    let found = scan::table(text, "## B");
    let pairs: Vec<(&str, &str)> = found.iter().map(|(id, why)| (id.as_str(), why.as_str())).collect();
    assert_eq!(pairs, [("X-2", "one reason"), ("X-3", "one reason"), ("X-4", "")]);
}

#[test]
fn a_rule_is_shown_by_a_test_whose_name_begins_with_all_of_its_id() {
    let rows = [row("M-1", "K"), row("M-2", "F"), row("MF-2", "K")];
    let tests = set(&["m_1", "m_20_x", "m_2_x", "mf_3_x", "a_mf_2_x"]);
    let score = Score::of(&rows, &tests, &BTreeMap::new());
    assert_eq!(score.missing, ["M-1", "MF-2"]);
    assert_eq!(score.groups, [("M".to_owned(), [2, 1, 1, 0]), ("MF".to_owned(), [1, 0, 0, 0])]);
}

#[test]
fn a_name_may_begin_with_several_ids() {
    assert_eq!(scan::ids("y_4_and_y_8_after_the_last"), ["Y-4", "Y-8"]);
    assert_eq!(scan::ids("c_9_and_the_rest"), ["C-9"]);
    assert_eq!(scan::ids("c_9_the_rest_and_c_8"), ["C-9"]);
    for name in ["m_1", "a_name", "m_x_1_y", "", "m_"] {
        assert!(scan::ids(name).is_empty(), "{name}");
    }
}

#[test]
fn an_excuse_needs_a_reason_and_no_test() {
    let rows = [row("M-1", "K"), row("M-2", "K"), row("M-3", "K")];
    let excuses = [("M-1", "types say it"), ("M-2", ""), ("M-3", "never")];
    let excused = excuses.iter().map(|&(id, why)| (id.to_owned(), why.to_owned())).collect();
    let score = Score::of(&rows, &set(&["m_3_x"]), &excused);
    assert_eq!((score.missing.len(), score.wrong.len()), (0, 2));
    assert!(score.wrong.iter().any(|line| line.contains("M-2")));
    assert!(score.wrong.iter().any(|line| line.contains("M-3")));
}

#[test]
fn the_lists_of_the_repository_name_each_id_once() {
    for catalogue in [RULES, THREATS] {
        let rows = listed(catalogue.rows);
        let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids.len(), rows.len());
        assert!(rows.iter().all(|row| row.class.is_empty() != catalogue.classes));
        assert!(
            rows.iter().all(|row| catalogue.groups.is_empty() || catalogue.groups.contains(&row.group()))
        );
    }
}
