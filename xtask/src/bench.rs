//! `cargo xtask bench`: the benchmarks, whole or just long enough to show that they run.

use crate::{no_more_arguments, workspace};

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["--quick", rest @ ..] => {
            no_more_arguments("bench", rest)?;
            workspace::cargo(&["bench", "--locked", "--", "--quick"])
        }
        rest => {
            no_more_arguments("bench", rest)?;
            workspace::cargo(&["bench", "--locked"])
        }
    }
}
