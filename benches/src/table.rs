//! Figures as a table.

use crate::Figure;
use std::fmt::Write as _;

/// A title, then one line per arm: µs and ratio.
#[must_use]
pub fn table(title: &str, figures: &[Figure]) -> String {
    let mut text = format!("{title}\n");
    for Figure { name, time, ratio } in figures {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<24} {:>9.2} µs   {ratio:>5.2} × raw", time.as_secs_f64() * 1e6);
    }
    text
}
