//! `cargo xtask compare`: the same scenarios with Python's requests and with session.

use crate::workspace;

/// Arguments are parts of the names of scenarios; none stands for all of them.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    if std::env::var_os("COMPARE_PYTHON").is_none() {
        return Err("COMPARE_PYTHON does not name a Python that has requests. To make one:\n  \
                    python3 -m venv ENV && ENV/bin/pip install requests==2.34.2 urllib3==2.7.0\n  \
                    COMPARE_PYTHON=ENV/bin/python cargo xtask compare"
            .to_owned());
    }
    let mut command = vec!["run", "--quiet", "--package=compare", "--locked", "--"];
    command.extend(arguments);
    workspace::cargo(&command)
}
