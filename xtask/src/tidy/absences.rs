//! What must not be in the source: the architecture, stated as absences. One table for paths, one for phrases.

use super::Finding;
use super::paths::{Path, Scope, matches, patterns};
use super::tokens::{Token, find_all, tokens};

/// Which code a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The library source of a crate, without what is compiled for its tests only.
    Library,
    /// Every Rust file: libraries, tests, benches, this program.
    Everything,
}

/// Paths that some files may not name.
struct Absence {
    rule: &'static str,
    /// Beginnings of the paths of the files looked at, library source all of them.
    within: &'static [&'static str],
    /// Beginnings of the paths of files that may.
    except: &'static [&'static str],
    /// Written as in a `use` declaration; a leading `_` stands for whatever comes before.
    forbidden: &'static [&'static str],
    /// Paths that are fine although a forbidden one lies above them.
    but: &'static [&'static str],
    why: &'static str,
}

/// Text that must not stand anywhere, compared token by token.
struct Phrase {
    rule: &'static str,
    reach: Reach,
    phrase: &'static str,
    why: &'static str,
}

/// What a row of the table leaves out.
const NOTHING: Absence = Absence { rule: "", within: &[], except: &[], forbidden: &[], but: &[], why: "" };

const ABSENCES: &[Absence] = &[
    Absence {
        rule: "A1",
        within: &["crates/http-wire/src/"],
        forbidden: &[
            "std::{time, net, os, fs, process, env, thread, cell, task, future}",
            "core::{time, net, cell, task, future, sync}",
            "std::sync::{atomic, mpsc, Mutex, RwLock, Condvar, Once, OnceLock, LazyLock, Barrier}",
        ],
        why: "http-wire has no clock, no socket, no thread and no interior mutability",
        ..NOTHING
    },
    Absence {
        rule: "A1",
        within: &["crates/http-wire/src/"],
        except: &["crates/http-wire/src/inbox.rs"],
        forbidden: &["std::io"],
        why: "http-wire names std::io in inbox.rs only, where a caller's reader fills the buffer",
        ..NOTHING
    },
    Absence {
        rule: "A1",
        within: &["crates/"],
        except: &["crates/http-wire/src/head/"],
        forbidden: &["httparse"],
        why: "httparse is a detail of http-wire's head/",
        ..NOTHING
    },
    Absence {
        rule: "A2",
        within: &["crates/"],
        except: &["crates/pool/src/net/mio.rs"],
        forbidden: &["mio", "getrandom"],
        why: "the operating system is behind the trait Net: only net/mio.rs names mio, and draws random bytes",
        ..NOTHING
    },
    Absence {
        rule: "A2",
        within: &["crates/"],
        // The simulator's clock is virtual, but std makes no `Instant` out of nothing: it starts from one real reading.
        except: &["crates/pool/src/net/mio.rs", "crates/pool/src/sim/world.rs"],
        forbidden: &["_::Instant::now", "_::SystemTime::now"],
        why: "time is an argument: only net/mio.rs reads the clock",
        ..NOTHING
    },
    Absence {
        rule: "A3",
        within: &["crates/"],
        except: &["crates/pool/src/link/tls.rs", "crates/pool/src/link/tls/"],
        forbidden: &["rustls", "webpki_roots"],
        why: "TLS is one link: only link/tls.rs and what is below it name rustls and webpki_roots",
        ..NOTHING
    },
    Absence {
        rule: "A4",
        within: &["crates/"],
        except: &["crates/pool/src/dial/resolve.rs"],
        forbidden: &["std::thread::{spawn, scope, Builder}", "_::thread::{spawn, scope, Builder}"],
        why: "only dial/resolve.rs starts threads, short-lived ones for lookups",
        ..NOTHING
    },
    Absence {
        rule: "A5",
        within: &["crates/pool/src/ledger/"],
        forbidden: &[
            "std::{io, net, os, fs, process, env, thread}",
            "std::sync",
            "{http_wire, log, slab, getrandom, mio, rustls}",
        ],
        why: "the ledger knows neither connections nor clocks nor sockets, and does no locking of its own",
        ..NOTHING
    },
    Absence {
        rule: "A5",
        within: &["crates/pool/src/ledger/"],
        forbidden: &["crate"],
        but: &["crate::ledger"],
        why: "the ledger imports nothing but std: it decides over plain data",
        ..NOTHING
    },
    Absence {
        rule: "A6",
        within: &["crates/http-wire/", "crates/pool/"],
        forbidden: &["url", "serde", "serde_json", "cookie"],
        why: "url, serde and cookie are session's: the layers below take and give plain data",
        ..NOTHING
    },
    Absence {
        rule: "A9",
        within: &["crates/"],
        except: &["crates/session/src/proxies/env.rs", "crates/session/src/auth/netrc/locate.rs"],
        forbidden: &["std::env"],
        why: "the environment is read where the documentation says so, and nowhere else",
        ..NOTHING
    },
    Absence {
        rule: "layers",
        within: &["crates/http-wire/"],
        forbidden: &["pool", "session"],
        why: "http-wire is the lowest crate",
        ..NOTHING
    },
    Absence {
        rule: "layers",
        within: &["crates/pool/"],
        forbidden: &["session"],
        why: "pool does not know session",
        ..NOTHING
    },
    Absence {
        rule: "layers",
        within: &[
            "crates/http-wire/src/headers.rs",
            "crates/http-wire/src/token.rs",
            "crates/http-wire/src/limits.rs",
        ],
        forbidden: &["crate::{connection, state, framing, body, head}"],
        why: "headers, token and limits are what the rest of http-wire stands on",
        ..NOTHING
    },
    Absence {
        rule: "layers",
        within: &[
            "crates/http-wire/src/state.rs",
            "crates/http-wire/src/framing.rs",
            "crates/http-wire/src/body/",
            "crates/http-wire/src/head/",
        ],
        forbidden: &["crate::connection"],
        why: "the connection calls these modules, not the other way round",
        ..NOTHING
    },
    Absence {
        rule: "layers",
        within: &["crates/pool/src/link/", "crates/pool/src/net/"],
        forbidden: &["crate::{pool, driver, exchange, dial, conn, ledger}"],
        // The net looks names up, and the threads for that are dial/resolve.rs's.
        but: &["crate::dial::resolve"],
        why: "a link knows the link below it and nothing else; the net knows nothing",
        ..NOTHING
    },
    Absence {
        rule: "layers",
        within: &["crates/pool/src/dial/", "crates/pool/src/conn.rs"],
        forbidden: &["crate::{pool, driver, exchange, ledger}"],
        why: "dialling does not know for whom",
        ..NOTHING
    },
    Absence {
        rule: "layers",
        within: &["crates/session/src/auth/", "crates/session/src/jar/"],
        forbidden: &["crate::{session, builder, completed, flow}", "pool"],
        why: "auth and cookies are policy over plain data; the flow calls them",
        ..NOTHING
    },
];

const PHRASES: &[Phrase] = &[
    Phrase {
        rule: "A4",
        reach: Reach::Everything,
        phrase: "thread :: sleep",
        why: "nothing sleeps: a wait is a timer of the driver, and a test steps a virtual clock",
    },
    Phrase {
        rule: "A4",
        reach: Reach::Library,
        phrase: "set_nonblocking (false)",
        why: "a blocking socket has no deadline",
    },
    Phrase { rule: "A7", reach: Reach::Everything, phrase: "unsafe", why: "there is no unsafe code" },
    Phrase { rule: "stub", reach: Reach::Everything, phrase: "todo !", why: "finish it, or leave it out" },
    Phrase {
        rule: "stub",
        reach: Reach::Everything,
        phrase: "unimplemented !",
        why: "finish it, or leave it out",
    },
    Phrase { rule: "stub", reach: Reach::Everything, phrase: "dbg !", why: "left over from debugging" },
    Phrase {
        rule: "stub",
        reach: Reach::Everything,
        phrase: "unreachable ! ( )",
        why: "say why it cannot be reached, or better make it impossible",
    },
    Phrase { rule: "print", reach: Reach::Library, phrase: "print !", why: "a library does not print" },
    Phrase { rule: "print", reach: Reach::Library, phrase: "println !", why: "a library does not print" },
    Phrase { rule: "print", reach: Reach::Library, phrase: "eprint !", why: "a library does not print" },
    Phrase { rule: "print", reach: Reach::Library, phrase: "eprintln !", why: "a library does not print" },
    Phrase {
        rule: "tests",
        reach: Reach::Everything,
        phrase: "# [ ignore",
        why: "a test that does not run shows nothing",
    },
    Phrase {
        rule: "tests",
        reach: Reach::Everything,
        phrase: "# [ should_panic ]",
        why: "any panic would do: say which with `expected`",
    },
];

/// A row of the table with its paths read.
struct Row {
    absence: &'static Absence,
    forbidden: Vec<Vec<String>>,
    but: Vec<Vec<String>>,
}

impl Row {
    fn new(absence: &'static Absence) -> Self {
        let read = |written: &[&str]| written.iter().flat_map(|paths| patterns(paths)).collect();
        Self { absence, forbidden: read(absence.forbidden), but: read(absence.but) }
    }

    fn is_about(&self, file: &str) -> bool {
        let starts = |beginnings: &[&str]| beginnings.iter().any(|beginning| file.starts_with(beginning));
        starts(self.absence.within) && !starts(self.absence.except)
    }

    fn forbids(&self, path: &[String]) -> bool {
        let any = |patterns: &[Vec<String>]| patterns.iter().any(|pattern| matches(path, pattern));
        any(&self.forbidden) && !self.but.iter().any(|fine| path.starts_with(fine))
    }
}

/// The tables, read once.
pub(super) struct Absences {
    paths: Vec<Row>,
    phrases: Vec<(&'static Phrase, Vec<Token<'static>>)>,
}

impl Absences {
    pub(super) fn new() -> Self {
        Self {
            paths: ABSENCES.iter().map(Row::new).collect(),
            phrases: PHRASES.iter().map(|phrase| (phrase, tokens(phrase.phrase))).collect(),
        }
    }

    /// The paths of one file that it may not name.
    pub(super) fn check_paths(&self, file: &str, paths: &[Path<'_>], scope: &Scope) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !is_library(file) {
            return findings;
        }
        let rows: Vec<&Row> = self.paths.iter().filter(|row| row.is_about(file)).collect();
        for path in paths.iter().filter(|path| !path.test && (path.imported || path.segments.len() > 1)) {
            let whole = scope.resolve(path);
            // What an import brought in is reported at the import.
            let told =
                |row: &Row| !path.imported && scope.import_of(path).is_some_and(|import| row.forbids(import));
            for row in rows.iter().filter(|row| row.forbids(&whole) && !told(row)) {
                let words = format!("`{}`: {}", whole.join("::"), row.absence.why);
                findings.push(Finding::new(file, path.line, row.absence.rule, words));
            }
        }
        findings
    }

    /// The phrases of one file that must not stand anywhere.
    pub(super) fn check_phrases(&self, file: &str, tokens: &[Token<'_>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (phrase, wanted) in &self.phrases {
            let library = phrase.reach == Reach::Library;
            if library && !is_library(file) {
                continue;
            }
            let found = find_all(tokens, wanted).filter_map(|at| tokens.get(at));
            for token in found.filter(|token| !(library && token.test)) {
                let words = format!("`{}`: {}", phrase.phrase.replace(' ', ""), phrase.why);
                findings.push(Finding::new(file, token.line, phrase.rule, words));
            }
        }
        findings
    }
}

/// Whether a file is library source of a crate: not a test, a bench or an example.
pub(super) fn is_library(file: &str) -> bool {
    let Some((_, inside)) = file.strip_prefix("crates/").and_then(|path| path.split_once("/src/")) else {
        return false;
    };
    !inside.split('/').any(|part| part == "tests" || part == "tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_table_is_one() {
        for row in ABSENCES {
            for written in row.forbidden.iter().chain(row.but) {
                assert!(!patterns(written).is_empty(), "{written}");
            }
        }
    }
}
