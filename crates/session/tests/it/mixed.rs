//! Batches in which everything happens at once: several nets, retries, redirects, limits of time, hooks that go elsewhere,
//! and requests that are canceled. Whatever happens, each is answered once, and nothing stays behind.

use crate::support::{Stage, answer, redirect};
use pool::Config;
use pool::sim::{Received, Reply};
use session::{Canceller, Error, Hook, Request, RequestBuilder, Retry, Session};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Numbers that look random, the same for each seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

const HOSTS: [&str; 3] = ["a.example", "b.example", "c.example"];

const PATHS: [&str; 10] =
    ["/", "/", "/slow", "/busy", "/reset", "/silent", "/part", "/to/a.example", "/to/b.example", "/leaves"];

fn reply(received: &Received, dice: &mut Dice) -> Reply {
    match received.target() {
        "/slow" => Reply::ok("slow").delay(SECOND * (1 + dice.roll(20) as u32)),
        "/busy" => answer("503 Busy", &[&format!("Retry-After: {}", dice.roll(40))], "later"),
        "/reset" => Reply::raw("").reset(),
        "/silent" => Reply::silence(),
        "/part" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"),
        "/leaves" => {
            Reply::raw("HTTP/1.1 302 Go\r\nLocation: http://b.example/\r\nContent-Length: 9\r\n\r\npart")
        }
        to if to.starts_with("/to/") => redirect(302, &format!("http://{}/busy", &to[4..])),
        _ => Reply::ok("end"),
    }
}

fn world(seed: u64) -> Stage {
    let stage = Stage::new();
    for host in HOSTS {
        let mut dice = Dice(seed);
        stage.host(host, move |received| reply(received, &mut dice));
    }
    stage
}

/// Goes to another host.
struct Moves(&'static str);

impl Hook for Moves {
    fn before(&self, request: &mut Request) -> Result<(), Error> {
        request.set_url(format!("http://{}{}", self.0, request.target()))
    }
}

fn request(session: &Session, dice: &mut Dice, canceller: &Canceller) -> RequestBuilder {
    let (host, path) = (HOSTS[dice.roll(3)], PATHS[dice.roll(PATHS.len())]);
    let mut request =
        session.get(format!("http://{host}{path}")).retry(Retry::idempotent(dice.roll(3) as u32));
    if dice.roll(2) == 0 {
        request = request.timeout(SECOND * (1 + dice.roll(60) as u32));
    }
    if dice.roll(3) == 0 {
        request = request.cancel_on(canceller);
    }
    if dice.roll(4) == 0 {
        request = request.hook(Moves(HOSTS[dice.roll(3)]));
    }
    request
}

#[test]
fn each_request_of_a_batch_is_answered_once_and_nothing_stays_behind() {
    for seed in 0..150 {
        let mut dice = Dice(seed);
        let (here, there) = (world(seed), world(seed + 1));
        let limits =
            |dice: &mut Dice| Config::default().max_per_origin(1 + dice.roll(3)).max_total(1 + dice.roll(6));
        let other = there.world.pool(limits(&mut dice));
        let mut builder = here.with(limits(&mut dice)).mount("http://b.example", other.clone());
        if dice.roll(2) == 0 {
            builder = builder.mount("http://c.example", here.world.pool(limits(&mut dice)));
        }
        let session = builder.build().unwrap();
        let canceller = Canceller::new();
        let count = 1 + dice.roll(40);
        let (when, stop) = (dice.roll(count), dice.roll(3) == 0);
        let requests: Vec<RequestBuilder> =
            (0..count).map(|_| request(&session, &mut dice, &canceller)).collect();
        let mut answered = vec![0; count];
        for (done, (index, result)) in session.as_completed(requests).enumerate() {
            answered[index] += 1;
            if let Err(error) = result {
                assert!(error.request().is_some(), "{error}");
                assert!(!error.to_string().is_empty());
            }
            if done == when {
                canceller.cancel();
                if stop {
                    break;
                }
            }
        }
        assert!(stop || answered.iter().all(|times| *times == 1), "{seed}: {answered:?}");
        assert!(answered.iter().all(|times| *times <= 1), "{seed}: {answered:?}");
        for pool in [session.pool(), &other] {
            let counts = pool.counts();
            assert_eq!((counts.open - counts.idle, counts.waiting), (0, 0), "{seed}");
        }
        // Whatever it was, the session is as good as new.
        session.get("http://a.example/").send().unwrap();
        session.get("http://b.example/").send().unwrap();
    }
}
