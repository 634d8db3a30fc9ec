//! Jars in files: how one comes about, and what becomes of it when that fails.

use std::fs;
use std::path::PathBuf;

use session::{CookieFileErrorKind, CookieJar};

use super::formats::{full, shown};
use super::jar;

/// A directory of its own for one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("session-cookies-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_that_is_not_there_is_told_from_others() {
    let folder = Folder::new("missing");
    let jar = CookieJar::new();
    for error in
        [jar.load_json(folder.at("none")).unwrap_err(), jar.load_netscape(folder.at("none")).unwrap_err()]
    {
        assert!(error.is_not_found() && error.kind() == CookieFileErrorKind::Io);
        assert_eq!(error.path(), Some(&*folder.at("none")));
        assert!(error.to_string().contains("none"), "{error}");
    }
    fs::write(folder.at("other"), "other").unwrap();
    let error = jar.load_json(folder.at("other")).unwrap_err();
    assert!(!error.is_not_found() && error.path().is_some());
    assert_eq!(session::Error::from(error).kind(), session::ErrorKind::Config);
}

#[test]
fn lg_2_a_file_appears_whole_under_its_name_and_nothing_stays_beside_it() {
    let folder = Folder::new("whole");
    let jar = full();
    for name in ["cookies.json", "cookies.txt"] {
        let path = folder.at(name);
        let save = || match name {
            "cookies.json" => jar.save_json(&path),
            _ => jar.save_netscape(&path).map(|saved| assert_eq!(saved.written(), 10)),
        };
        let load = |jar: &CookieJar| {
            if name.ends_with("json") { jar.load_json(&path) } else { jar.load_netscape(&path) }
        };
        save().unwrap();
        save().unwrap();
        let copy = CookieJar::new();
        assert_eq!(load(&copy).unwrap().stored(), 10);
        assert_eq!(shown(&copy), shown(&jar));
    }
    assert_eq!(folder.names(), ["cookies.json", "cookies.txt"]);
}

#[test]
fn lg_2_a_failed_save_leaves_the_old_file_and_nothing_else() {
    let folder = Folder::new("failed");
    let path = folder.at("cookies.txt");
    fs::write(&path, "old").unwrap();
    let jar = jar("http://a.test/", &["tab=\t1\tx"]);
    // A directory cannot be replaced by a file: that fails at the last step.
    fs::create_dir(folder.at("dir")).unwrap();
    assert_eq!(jar.save_json(folder.at("dir")).unwrap_err().kind(), CookieFileErrorKind::Io);
    assert_eq!(jar.save_json(folder.at("no/such")).unwrap_err().kind(), CookieFileErrorKind::Io);
    assert_eq!(jar.save_json(folder.at("..")).unwrap_err().kind(), CookieFileErrorKind::Io);
    assert_eq!(folder.names(), ["cookies.txt", "dir"]);
}

#[cfg(unix)]
#[test]
fn lg_2_a_file_is_its_owners_alone_and_is_never_written_in_place() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let folder = Folder::new("mode");
    let (path, old) = (folder.at("cookies.json"), folder.at("old"));
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    // Another name of the old file shows what becomes of that: whoever dies halfway leaves it as it is.
    fs::hard_link(&path, &old).unwrap();
    let jar = full();
    jar.save_json(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_ne!(fs::metadata(&path).unwrap().ino(), fs::metadata(&old).unwrap().ino());
    assert_eq!(fs::read_to_string(&old).unwrap(), "old");
    // A link that somebody put there leads nowhere.
    fs::remove_file(&path).unwrap();
    symlink(&old, &path).unwrap();
    jar.save_netscape(&path).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    assert_eq!(fs::read_to_string(&old).unwrap(), "old");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
