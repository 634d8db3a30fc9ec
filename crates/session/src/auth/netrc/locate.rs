//! Where a netrc file is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The file that the environment says, if it is there.
pub(super) fn path() -> Option<PathBuf> {
    find(|name| std::env::var_os(name), Path::exists)
}

/// The file that `NETRC` names, and no other then, also where it is empty; else the first of two in the home directory,
/// for which a `~` stands.
fn find(variable: impl Fn(&str) -> Option<OsString>, exists: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let home = || set("HOME").or_else(|| set("USERPROFILE")).map(PathBuf::from);
    if let Some(named) = variable("NETRC").map(PathBuf::from) {
        let path = match named.strip_prefix("~") {
            Ok(below) => home()?.join(below),
            Err(_) => named,
        };
        return Some(path).filter(|path| exists(path));
    }
    let home = home()?;
    [".netrc", "_netrc"].into_iter().map(|name| home.join(name)).find(|path| exists(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_5_the_variable_names_the_file_or_it_is_the_first_in_the_home_directory() {
        for (variables, files, expected) in [
            (&[("NETRC", "/n"), ("HOME", "/h")][..], &["/n", "/h/.netrc"][..], Some("/n")),
            (&[("NETRC", "/n"), ("HOME", "/h")], &["/h/.netrc"], None),
            (&[("NETRC", ""), ("HOME", "/h")], &["/h/.netrc", "/h/_netrc"], None),
            (&[("NETRC", "~/n"), ("HOME", "/h")], &["/h/n", "/h/.netrc"], Some("/h/n")),
            (&[("NETRC", "~/n")], &["~/n"], None),
            (&[("NETRC", "~else/n"), ("HOME", "/h")], &["/h/else/n", "~else/n"], Some("~else/n")),
            (&[("HOME", "/h")], &["/h/.netrc", "/h/_netrc"], Some("/h/.netrc")),
            (&[("HOME", "/h")], &["/h/_netrc"], Some("/h/_netrc")),
            (&[("USERPROFILE", "/u")], &["/u/_netrc"], Some("/u/_netrc")),
            (&[("HOME", "/h")], &[], None),
            (&[], &["/.netrc"], None),
        ] {
            let variable = |name: &str| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
            };
            let found = find(variable, |path| files.iter().any(|file| Path::new(file) == path));
            assert_eq!(found.as_deref(), expected.map(Path::new), "{variables:?}");
        }
    }
}
