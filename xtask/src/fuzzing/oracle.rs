//! Runs an oracle on one input, and says how it broke.

use std::cell::RefCell;
use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

/// The watch looks this often whether the oracle still works on the same input.
const TICK: Duration = Duration::from_secs(1);
/// After so many looks at the same input, the oracle hangs. Inputs are small: an honest one takes microseconds.
const TICKS_TO_HANG: u32 = 20;

/// One fuzz target: a function that panics when its invariant does not hold.
///
/// While it exists, a watch ends the program if an input makes it hang.
pub(super) struct Oracle {
    name: &'static str,
    check: fn(&[u8]),
    now: Arc<Mutex<Now>>,
    /// Dropped with the oracle, which ends the watch.
    _running: Sender<()>,
}

/// The input the oracle works on.
#[derive(Default)]
struct Now {
    run: u64,
    input: Vec<u8>,
}

/// How an oracle broke.
#[derive(Debug, Clone)]
pub(super) struct Crash {
    pub(super) message: String,
    /// File, line and column of the panic: two inputs with the same one show the same fault.
    pub(super) place: String,
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked at {}: {}", self.place, self.message)
    }
}

impl Oracle {
    /// `folder` is where an input is kept that makes the oracle hang.
    pub(super) fn new(name: &'static str, check: fn(&[u8]), folder: &Path) -> Self {
        catch_quietly();
        let now = Arc::new(Mutex::new(Now::default()));
        let (running, ended) = mpsc::channel();
        let (watched, folder) = (Arc::clone(&now), folder.to_path_buf());
        std::thread::spawn(move || {
            let mut last = 0;
            let mut ticks = 0;
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let now = watched.lock().unwrap_or_else(PoisonError::into_inner);
                ticks = if now.run == last { ticks + 1 } else { 0 };
                last = now.run;
                if ticks >= TICKS_TO_HANG {
                    hangs(name, &folder, &now.input);
                }
            }
        });
        Self { name, check, now, _running: running }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// `None` if the invariant holds for this input.
    pub(super) fn run(&self, input: &[u8]) -> Option<Crash> {
        {
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            now.run += 1;
            now.input.clear();
            now.input.extend_from_slice(input);
        }
        CAUGHT.set(Catching::On(None));
        let outcome = panic::catch_unwind(|| (self.check)(input));
        let caught = CAUGHT.replace(Catching::Off);
        match (outcome, caught) {
            (Ok(()), _) => None,
            (Err(_), Catching::On(Some(crash))) => Some(crash),
            (Err(_), _) => {
                Some(Crash { message: "no message".to_owned(), place: "an unknown place".to_owned() })
            }
        }
    }
}

/// The name of the file for an input that shows a fault: `kind` and a hash of the input.
pub(super) fn case_file(folder: &Path, kind: &str, input: &[u8]) -> PathBuf {
    // FNV-1a: the name has to be stable and short, nothing more.
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    folder.join(format!("{kind}-{hash:016x}"))
}

/// A function cannot be stopped from outside, so the input is kept and the program ends.
fn hangs(name: &str, folder: &Path, input: &[u8]) -> ! {
    let file = case_file(folder, "hang", input);
    println!("fuzz {name}: an input of {} bytes does not come to an end", input.len());
    match std::fs::write(&file, input) {
        Ok(()) => println!("fuzz {name}: written to {}", file.display()),
        Err(error) => println!("fuzz {name}: {}: {error}", file.display()),
    }
    std::process::exit(1)
}

/// Whether this thread runs an oracle, and the panic that came out of it.
enum Catching {
    Off,
    On(Option<Crash>),
}

thread_local! {
    static CAUGHT: RefCell<Catching> = const { RefCell::new(Catching::Off) };
}

/// Panics of an oracle are kept instead of printed; those of any other code are printed as ever.
fn catch_quietly() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let ours = CAUGHT.with_borrow_mut(|catching| match catching {
                Catching::On(caught) => {
                    *caught = Some(crash_of(info));
                    true
                }
                Catching::Off => false,
            });
            if !ours {
                usual(info);
            }
        }));
    });
}

fn crash_of(info: &PanicHookInfo<'_>) -> Crash {
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().map(|message| (*message).to_owned());
    let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
    Crash {
        message: message.unwrap_or_else(|| "no message".to_owned()),
        place: info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_crash_with_its_message_and_place() {
        let oracle = Oracle::new(
            "odd",
            |input| assert!(input.len() % 2 == 1, "{} is even", input.len()),
            Path::new(""),
        );
        assert!(oracle.run(b"a").is_none());
        let crash = oracle.run(b"ab").expect("a crash");
        assert_eq!(crash.message, "2 is even");
        assert!(crash.place.contains("oracle.rs"), "{}", crash.place);
        assert!(oracle.run(b"abc").is_none(), "the oracle goes on after a crash");
    }

    #[test]
    fn a_case_is_named_after_its_bytes() {
        let name = |input: &[u8]| case_file(Path::new("corpus"), "crash", input);
        assert_eq!(name(b"a"), name(b"a"));
        assert_ne!(name(b"a"), name(b"b"));
    }
}
