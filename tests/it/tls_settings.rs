//! TLS as a setting: authorities from files and folders, client certificates, verification off, key log; and that
//! requests with different settings share nothing.

use crate::support::{builder, only, resumed, reused, text};
use crate::tls_peer::{Authority, Peer};
use pool::{Origin, Route};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use session::{Error, ErrorKind, Session, Tls};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use testbed::{Ca, Identity, Testbed};

/// A folder of its own, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("session-tls-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn get(testbed: &Testbed, tls: Tls) -> Result<session::Response, Error> {
    builder().tls(tls).build().unwrap().get(format!("{}/get", testbed.https())).send()
}

fn assert_config(result: Result<Tls, pool::Error>, words: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), pool::ErrorKind::Config, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word:?} in {error}");
    }
    assert_eq!(Error::from(error).kind(), ErrorKind::Config);
}

/// Keys of a client, in every form.
struct Keys {
    certificate: String,
    key: String,
}

fn client(authority: &Authority) -> Keys {
    let (certificate, key) = authority.client("somebody");
    Keys { certificate, key }
}

#[test]
fn l_1_a_bundle_is_a_file_or_a_folder_and_replaces_the_public_roots() {
    let (testbed, folder) = (Testbed::start().unwrap(), Folder::new());
    let other = Ca::new().unwrap();
    let file = folder.file("ours.crt", format!("# a remark\n{}{}", other.pem(), testbed.ca_pem()));
    let by_file = Tls::ca_bundle(&file).unwrap();
    assert_eq!(by_file, only(testbed.ca_pem()).add_roots_pem(other.pem()).unwrap());
    let by_folder = Tls::ca_bundle(&folder.0).unwrap();
    assert_eq!(by_folder, by_file, "the same certificates are the same setting");
    assert!(get(&testbed, by_folder).unwrap().ok());
    let added = Tls::default().add_roots_file(&file).unwrap();
    assert_ne!(added, by_file, "added to the public ones is another setting");
    assert!(get(&testbed, added).unwrap().ok());
    assert!(get(&testbed, Tls::default().add_roots_folder(&folder.0).unwrap()).unwrap().ok());
    assert_eq!(get(&testbed, Tls::default()).unwrap_err().kind(), ErrorKind::Tls);
}

#[test]
fn l_1_of_a_folder_every_certificate_counts_by_whatever_name_and_the_rest_is_passed_over() {
    let (testbed, folder) = (Testbed::start().unwrap(), Folder::new());
    folder.file("README", "no certificate");
    folder.file("broken.pem", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    folder.file("odd.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    fs::create_dir(folder.0.join("inside")).unwrap();
    fs::write(folder.0.join("inside/ca.pem"), testbed.ca_pem()).unwrap();
    assert_config(
        Tls::ca_bundle(&folder.0),
        &["no file in it holds a certificate", folder.0.to_str().unwrap()],
    );
    folder.file("9d66eef0.0", testbed.ca_pem());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("9d66eef0.0", folder.0.join("link.pem")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.0.join("dangling.pem")).unwrap();
    }
    let tls = Tls::ca_bundle(&folder.0).unwrap();
    assert_eq!(tls, only(testbed.ca_pem()), "links make nothing twice");
    assert!(get(&testbed, tls).unwrap().ok());
}

#[test]
fn l_1_verification_is_off_only_where_it_was_asked_for() {
    let ca = Ca::new().unwrap();
    let off = Tls::default().danger_no_verification();
    assert_eq!(format!("{off:?}"), "Tls(public roots, 0 of our own, no verification)");
    for identity in [
        Identity::self_signed(&["other.test"]).unwrap(),
        ca.issue_expired(&["localhost"]).unwrap(),
        ca.issue(&["localhost"]).unwrap().tls12_only(),
    ] {
        let testbed = Testbed::builder().identity(identity).start().unwrap();
        let response = get(&testbed, off.clone()).unwrap();
        assert!(response.ok());
        assert_eq!(get(&testbed, Tls::default()).unwrap_err().kind(), ErrorKind::Tls);
    }
}

#[test]
fn l_2_a_client_certificate_is_shown_to_a_server_that_asks() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let keys = client(&authority);
    let both = folder.file("both.pem", format!("{}{}", keys.key, keys.certificate));
    let (certificate, key) = (folder.file("c.pem", &keys.certificate), folder.file("k.pem", &keys.key));
    let base = only(&authority.pem());
    let ways = [
        base.clone().client_cert_file(&both).unwrap(),
        base.clone().client_cert_files(&certificate, &key).unwrap(),
        base.clone().client_cert_pem(&keys.certificate, &keys.key).unwrap(),
    ];
    assert!(ways.iter().all(|tls| *tls == ways[0] && *tls != base));
    for tls in ways {
        for per_request in [false, true] {
            let peer = Peer::start("127.0.0.1", authority.requiring(&["localhost"]), Peer::answer);
            let session = match per_request {
                true => builder().build().unwrap(),
                false => builder().tls(tls.clone()).build().unwrap(),
            };
            let request = session.get(peer.url("localhost"));
            let request = if per_request { request.tls(tls.clone()) } else { request };
            assert_eq!(text(request.send()), "over TLS");
            session.close_idle();
            assert!(peer.seen().unwrap().certificates > 0);
        }
    }
}

#[test]
fn l_2_without_a_certificate_or_with_one_nobody_knows_the_server_refuses() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let keys = client(&stranger);
    let base = only(&authority.pem());
    for (tls, words) in [
        (base.clone(), "asks for a client certificate (set it with client_cert_file)"),
        (base.client_cert_pem(&keys.certificate, &keys.key).unwrap(), "alert"),
    ] {
        let peer = Peer::start("127.0.0.1", authority.requiring(&["localhost"]), Peer::answer);
        let session = builder().tls(tls).build().unwrap();
        let error = session.get(peer.url("localhost")).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(peer.seen().is_err());
    }
}

#[test]
fn l_2_keys_that_cannot_be_used_are_errors_that_say_why_and_show_nothing() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let (keys, other) = (client(&authority), client(&authority));
    let with = |certificate: &str, key: &str| Tls::default().client_cert_pem(certificate, key);
    assert_config(with(&keys.certificate, &other.key), &["not the key of the certificate"]);
    assert_config(with("", &keys.key), &["client certificate", "holds no certificate"]);
    assert_config(with(&keys.certificate, "x"), &["client key", "no private key"]);
    let pkcs8 = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    for encrypted in [pkcs8, older] {
        assert_config(with(&keys.certificate, encrypted), &["encrypted", "openssl pkey"]);
        let path = folder.file("encrypted.pem", format!("{}{encrypted}", keys.certificate));
        assert_config(Tls::default().client_cert_file(&path), &["encrypted", path.to_str().unwrap()]);
    }
    let broken = keys.key.replace('M', "*");
    let error = with(&keys.certificate, &broken).unwrap_err();
    let tls = with(&keys.certificate, &keys.key).unwrap();
    let shown =
        format!("{error} {error:?} {tls:?} {:?}", builder().tls(tls.clone()).build().unwrap().settings());
    assert!(shown.contains("Tls(public roots, 0 of our own, a client certificate)"), "{shown}");
    for line in keys.key.lines().filter(|line| !line.starts_with('-')) {
        assert!(!shown.contains(line) && !shown.contains(&line.replace('M', "*")), "{shown}");
    }
}

#[test]
fn l_2_keys_come_in_the_three_forms_that_openssl_writes() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let openssl = |args: &[&str]| {
        let output = std::process::Command::new("openssl").args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    };
    let keys = client(&authority);
    let path = folder.file("key.pem", &keys.key);
    let path = path.to_str().unwrap();
    // Where there is no openssl the form that is made here has to do.
    let sec1 = openssl(&["pkey", "-in", path, "-traditional"]);
    let forms = [Some(keys.key.clone()), sec1];
    for key in forms.into_iter().flatten() {
        let tls = only(&authority.pem()).client_cert_pem(&keys.certificate, &key).unwrap();
        let peer = Peer::start("127.0.0.1", authority.requiring(&["localhost"]), Peer::answer);
        let session = builder().tls(tls).build().unwrap();
        assert_eq!(
            text(session.get(peer.url("localhost")).send()),
            "over TLS",
            "{}",
            key.lines().next().unwrap()
        );
    }
    let other = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    assert!(Tls::default().client_cert_pem(&keys.certificate, other.serialize_pem()).is_err());
}

#[test]
fn e_3_a_path_that_leads_nowhere_is_an_error_that_names_it() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let missing = folder.0.join("missing.pem");
    let missing: &Path = &missing;
    let shown = missing.to_str().unwrap();
    assert_config(Tls::ca_bundle(missing), &["CA bundle", shown, "cannot be read"]);
    assert_config(Tls::default().add_roots_file(missing), &["CA bundle", shown]);
    assert_config(Tls::default().add_roots_folder(missing), &["CA folder", shown]);
    assert_config(Tls::default().client_cert_file(missing), &["client certificate", shown]);
    let keys = client(&authority);
    let certificate = folder.file("c.pem", &keys.certificate);
    assert_config(Tls::default().client_cert_files(missing, &certificate), &["client certificate", shown]);
    assert_config(Tls::default().client_cert_files(&certificate, missing), &["client key", shown]);
    assert_config(Tls::default().client_cert_file(&certificate), &["client key", "no private key", "c.pem"]);
    assert_config(Tls::default().key_log_file(missing.join("below")), &["key log", shown]);
    let empty = folder.file("empty.pem", "");
    assert_config(Tls::ca_bundle(&empty), &["holds no certificate", "empty.pem"]);
}

#[test]
fn ru_1_and_a_5_requests_that_verify_never_use_a_connection_of_those_that_do_not() {
    for order in [[false, true], [true, false]] {
        let testbed = Testbed::start().unwrap();
        let session = builder().build().unwrap();
        let send = |verify: bool| {
            let tls = if verify { Tls::default() } else { Tls::default().danger_no_verification() };
            session.get(format!("{}/get", testbed.https())).tls(tls).send()
        };
        for verify in order {
            match send(verify) {
                Ok(response) => assert!(!verify && !reused(&response) && !resumed(&response)),
                Err(error) => assert!(verify && error.kind() == ErrorKind::Tls, "{error}"),
            }
        }
        let stats = testbed.stats();
        assert_eq!((stats.tls_connections, stats.requests), (2, 1), "each has said hello for itself");
        assert!(reused(&send(false).unwrap()) && send(true).is_err());
    }
}

#[test]
fn tl_6_a_ticket_got_without_verification_is_no_way_in() {
    let testbed = Testbed::start().unwrap();
    let session = builder().build().unwrap();
    let url = format!("{}/get", testbed.https());
    let off = || session.get(&url).tls(Tls::default().danger_no_verification()).send().unwrap();
    assert!(!resumed(&off()));
    session.close_idle();
    assert!(resumed(&off()), "there is a ticket");
    session.close_idle();
    assert_eq!(session.get(&url).send().unwrap_err().kind(), ErrorKind::Tls);
    assert_eq!((testbed.stats().tls_resumed, testbed.stats().requests), (1, 2));
    session.close_idle();
    assert!(resumed(&off()), "and the refusal has cost nothing");
}

#[test]
fn tl_6_tickets_of_one_client_certificate_are_not_used_for_another() {
    let testbed = Testbed::start().unwrap();
    let authority = Authority::new();
    let base = only(testbed.ca_pem());
    let with = |keys: &Keys| base.clone().client_cert_pem(&keys.certificate, &keys.key).unwrap();
    let (a, b) = (with(&client(&authority)), with(&client(&authority)));
    let session = builder().build().unwrap();
    let get = |tls: &Tls| session.get(format!("{}/get", testbed.https())).tls(tls.clone()).send().unwrap();
    for tls in [&a, &b, &base] {
        let response = get(tls);
        assert!(!resumed(&response) && !reused(&response), "{tls:?}");
        session.close_idle();
    }
    assert!(resumed(&get(&a)) && resumed(&get(&b)));
}

#[test]
fn l_4_a_setting_of_a_request_takes_the_place_of_the_session_s() {
    let testbed = Testbed::start().unwrap();
    let url = format!("{}/get", testbed.https());
    let session = builder().tls(only(testbed.ca_pem())).build().unwrap();
    assert!(session.get(&url).send().unwrap().ok());
    let error = session.get(&url).tls(Tls::default()).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    let request = session.get(&url).tls(Tls::default().danger_no_verification()).build().unwrap();
    let other: Session = builder().build().unwrap();
    assert!(other.send(request).unwrap().ok(), "it goes with the request");
    assert!(reused(&session.get(&url).send().unwrap()), "the session's own is as it was");
}

#[test]
fn tl_5_the_roots_that_are_set_are_the_only_ones() {
    let (mine, other) = (Testbed::start().unwrap(), Testbed::start().unwrap());
    let tls = only(mine.ca_pem());
    assert!(get(&mine, tls.clone()).unwrap().ok());
    for tls in [tls, Tls::without_public_roots(), Tls::default()] {
        assert_eq!(get(&other, tls).unwrap_err().kind(), ErrorKind::Tls);
    }
    assert_eq!(get(&mine, Tls::without_public_roots()).unwrap_err().kind(), ErrorKind::Tls);
    assert_eq!(mine.stats().requests, 1);
}

#[test]
fn l_4_every_part_of_a_setting_makes_another_one_and_equal_parts_the_same() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let (one, other) = (client(&authority), client(&authority));
    let log = folder.0.join("keys.log");
    let make = || {
        let base = Tls::default;
        vec![
            base(),
            Tls::without_public_roots(),
            base().add_roots_pem(authority.pem()).unwrap(),
            base().danger_no_verification(),
            base().client_cert_pem(&one.certificate, &one.key).unwrap(),
            base().client_cert_pem(&other.certificate, &other.key).unwrap(),
            base().key_log_file(&log).unwrap(),
        ]
    };
    let (all, again): (Vec<Tls>, Vec<Tls>) = (make(), make());
    let distinct: HashSet<Tls> = all.iter().chain(&again).cloned().collect();
    assert_eq!((distinct.len(), &all), (all.len(), &again));
    let hosts = all.iter().map(|tls| Route::with_tls(Origin::https("a.test"), tls.clone()));
    assert_eq!(hosts.collect::<HashSet<Route>>().len(), all.len(), "and another key of connections");
}

/// Runs the test of this name once more, as a program of its own in which the variable is set.
fn lg_3_in_a_child(name: &str, path: &Path) {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("SSLKEYLOGFILE", path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn lg_3_and_l_3_keys_are_logged_only_where_code_says_so() {
    let testbed = Testbed::start().unwrap();
    let base = only(testbed.ca_pem());
    if std::env::var_os("SSLKEYLOGFILE").is_some() {
        assert!(get(&testbed, base).unwrap().ok());
        return;
    }
    let folder = Folder::new();
    let path = folder.0.join("keys.log");
    lg_3_in_a_child("tls_settings::lg_3_and_l_3_keys_are_logged_only_where_code_says_so", &path);
    assert!(!path.exists(), "the variable does nothing");
    let logging = base.clone().key_log_file(&path).unwrap();
    assert!(logging != base && format!("{logging:?}").contains("a key log"));
    assert!(get(&testbed, logging).unwrap().ok());
    let keys = fs::read_to_string(&path).unwrap();
    let lines: Vec<Vec<&str>> = keys.lines().map(|line| line.split(' ').collect()).collect();
    assert!(lines.iter().any(|line| line[0] == "CLIENT_TRAFFIC_SECRET_0"), "{keys}");
    let is_hex = |text: &str| text.len() >= 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(lines.iter().all(|line| line.len() == 3 && is_hex(line[1]) && is_hex(line[2])), "{keys}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(get(&testbed, base).unwrap().ok());
    assert_eq!(fs::read_to_string(&path).unwrap(), keys, "and for no other setting");
}
