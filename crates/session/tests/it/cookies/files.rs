//! Jars in files: how one comes about, and what becomes of it when that fails.

use std::fs;
#[cfg(unix)]
use std::io::{self, Read as _};
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

/// In the environment of a child: its folder.
#[cfg(unix)]
const FOLDER: &str = "COOKIE_FILES_TEST_FOLDER";

/// The folder of a child; `None` in the first process.
#[cfg(unix)]
fn given() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Runs the test of this name once more, as a process of its own for which a shell has said something first.
#[cfg(unix)]
fn alone(test: &str, folder: &Folder, said: &str) -> std::process::Output {
    let mut child = std::process::Command::new("sh");
    child.args(["-c", &format!("{said} && exec \"$0\" \"$@\"")]).arg(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env(FOLDER, &folder.0).output().unwrap()
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn lg_2_a_mask_of_nothing_makes_a_file_no_less_private() {
    if let Some(folder) = given() {
        let jar = full();
        for name in ["new.json", "old.json"] {
            jar.save_json(folder.join(name)).unwrap();
        }
        for name in ["new.txt", "old.txt"] {
            jar.save_netscape(folder.join(name)).unwrap();
        }
        fs::write(folder.join("other"), "").unwrap();
        return;
    }
    let folder = Folder::new("mask");
    for name in ["old.json", "old.txt"] {
        fs::write(folder.at(name), "old").unwrap();
    }
    let test = "cookies::files::lg_2_a_mask_of_nothing_makes_a_file_no_less_private";
    let output = alone(test, &folder, "umask 000 && chmod 666 \"$COOKIE_FILES_TEST_FOLDER\"/old.*");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(mode(&folder.at("other")), 0o666, "the mask is what it was meant to be");
    for name in ["new.json", "old.json", "new.txt", "old.txt"] {
        assert_eq!(mode(&folder.at(name)), 0o600, "{name}");
        assert!(fs::read(folder.at(name)).unwrap().len() > 100, "{name}");
    }
    assert_eq!(folder.names(), ["new.json", "new.txt", "old.json", "old.txt", "other"]);
}

#[cfg(unix)]
#[test]
fn lg_2_a_process_that_dies_while_it_saves_leaves_the_old_file() {
    use std::os::unix::process::ExitStatusExt;
    if let Some(folder) = given() {
        let big = "x".repeat(4000);
        let fields: Vec<String> = (0..40).map(|n| format!("c{n}={big}")).collect();
        let jar = jar("http://a.test/", &fields.iter().map(String::as_str).collect::<Vec<_>>());
        // Larger than a file may be here: the system ends the process in the middle of the write.
        if folder.join("cookies.json").exists() {
            let _ = jar.save_json(folder.join("cookies.json"));
        } else {
            let _ = jar.save_netscape(folder.join("cookies.txt"));
        }
        return;
    }
    let test = "cookies::files::lg_2_a_process_that_dies_while_it_saves_leaves_the_old_file";
    for name in ["cookies.json", "cookies.txt"] {
        let folder = Folder::new("crash");
        fs::write(folder.at(name), "old").unwrap();
        let output = alone(test, &folder, "ulimit -c 0 && ulimit -f 16");
        assert!(output.status.signal().is_some(), "it was not ended: {output:?}");
        assert_eq!(fs::read_to_string(folder.at(name)).unwrap(), "old");
        let names = folder.names();
        assert_eq!(names.len(), 2, "the half that was written is beside it: {names:?}");
        assert!(names.iter().all(|other| other == name || mode(&folder.at(other)) == 0o600), "{names:?}");
        // Who comes next is not kept from saving by what lies there.
        let jar = full();
        let saved = if name.ends_with("json") {
            jar.save_json(folder.at(name))
        } else {
            jar.save_netscape(folder.at(name)).map(drop)
        };
        saved.unwrap();
        assert!(fs::read(folder.at(name)).unwrap().len() > 100);
    }
}

#[cfg(unix)]
#[test]
fn lg_4_a_gibibyte_is_refused_within_a_bound() {
    /// The most memory this process ever had, in KiB; 0 where the system does not say.
    fn peak() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
    }
    if let Some(folder) = given() {
        let (jar, before) = (jar("http://a.test/", &["a=1"]), peak());
        let path = folder.join("huge");
        for error in [
            jar.load_json(&path).unwrap_err(),
            jar.load_netscape(&path).unwrap_err(),
            jar.read_json(io::repeat(b' ').take(1 << 30)).unwrap_err(),
            jar.read_json(io::repeat(b'[').take(1 << 30)).unwrap_err(),
            jar.read_netscape(io::repeat(b'x').take(1 << 30)).unwrap_err(),
        ] {
            assert_eq!(error.kind(), CookieFileErrorKind::TooLarge, "{error}");
        }
        assert_eq!(jar.len(), 1, "the jar is as it was");
        // What is read is at most 48 MiB, in a buffer that grows by doubling.
        let grown = peak() - before;
        assert!(grown < 3 * 48 * 1024, "{grown} KiB more");
        return;
    }
    let folder = Folder::new("huge");
    fs::File::create(folder.at("huge")).unwrap().set_len(1 << 30).unwrap();
    let output = alone("cookies::files::lg_4_a_gibibyte_is_refused_within_a_bound", &folder, "true");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

#[test]
fn a_file_of_lwp_is_told_from_one_that_is_broken() {
    let file = "#LWP-Cookies-2.0\nSet-Cookie3: sid=s3cret; path=\"/\"; domain=a.example; version=0\n";
    let jar = CookieJar::new();
    let error = jar.read_netscape(file.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), CookieFileErrorKind::Format);
    assert!(error.to_string().contains("LWPCookieJar") && !error.to_string().contains("s3cret"), "{error}");
    assert!(jar.is_empty());
}
