//! Arithmetic that would wrap is a panic in every test, and so never happens unseen.

use std::hint::black_box;
use std::panic::catch_unwind;

#[test]
fn pn_6_the_tests_run_with_overflow_checks_and_debug_assertions() {
    assert!(black_box(cfg!(debug_assertions)));
    let wrapped = catch_unwind(|| black_box(u8::MAX) + black_box(1));
    assert!(wrapped.is_err(), "an overflow has to be a panic here");
}

#[test]
fn pn_6_no_profile_takes_the_checks_away() {
    // By the defaults of Cargo every package of a test has them, those of others too.
    for text in [include_str!("../../Cargo.toml"), include_str!("../../.cargo/config.toml")] {
        let off = [
            "overflow-checks=false",
            "debug-assertions=false",
            "overflow-checks=off",
            "debug-assertions=off",
        ];
        let text = text.replace([' ', '"'], "");
        assert!(!off.iter().any(|off| text.contains(off)), "{text}");
    }
}

#[test]
fn pn_6_ring_is_a_release_without_the_panic_of_overflow_checks() {
    // RUSTSEC-2025-0009 was fixed in 0.17.12.
    let lock = include_str!("../../Cargo.lock");
    let versions: Vec<Vec<u32>> = lock
        .split("[[package]]")
        .filter(|package| package.contains("name = \"ring\"\n"))
        .map(|package| {
            let version = package.split("version = \"").nth(1).unwrap().split('"').next().unwrap();
            version.split('.').map(|part| part.parse().unwrap()).collect()
        })
        .collect();
    assert!(
        !versions.is_empty() && versions.iter().all(|version| *version >= vec![0, 17, 12]),
        "{versions:?}"
    );
}
