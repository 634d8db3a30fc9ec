//! Random schedules over a range of seeds: callers that start, read, give up and drop at any time, servers that do
//! anything but hang together, and a network that cuts, delays and interrupts.
//!
//! What must hold whatever happens: every exchange ends, and once; a body that is given out as complete is; no
//! request that must not be repeated arrives twice; what "cannot have been processed" has not been; the limits are
//! never exceeded; and afterwards nothing is left.

use crate::support::{Run, counts, millis, pattern, secs};
use pool::sim::{Fragments, Host, Received, Reply, World};
use pool::{Body, Config, Error, ErrorKind, ExchangeId, Method, Origin, Pool, Request, Timeouts};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

const HOSTS: [&str; 3] = ["a.example", "b.example", "c.example"];

/// A small generator (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as usize % bound
    }

    /// A length of any magnitude.
    fn length(&mut self, magnitudes: usize) -> usize {
        let magnitude = 1 << self.below(magnitudes);
        self.below(magnitude + 1)
    }
}

/// How often each target arrived.
type Deliveries = Arc<Mutex<HashMap<String, usize>>>;

/// An answer to a request, mostly a good one. The target says how long bodies are: `/number/request/answer`.
fn answer(received: &Received, dice: &mut Dice, deliveries: &Deliveries) -> Reply {
    *deliveries.lock().unwrap().entry(received.target().to_owned()).or_default() += 1;
    let lengths: Vec<usize> =
        received.target().split('/').skip(1).map(|part| part.parse().unwrap()).collect();
    assert!(
        received.body() == pattern(lengths[1]),
        "the body of {} arrived as it was sent",
        received.target()
    );
    let body = pattern(lengths[2]);
    let sized = |extra: &str, len: usize| {
        format!("HTTP/1.1 200 OK\r\n{extra}Content-Length: {len}\r\n\r\n").into_bytes()
    };
    let whole = [sized("", body.len()), body.clone()].concat();
    let reply = match dice.below(20) {
        0 => Reply::raw([sized("Connection: close\r\n", body.len()), body].concat()).close(),
        1 => Reply::raw(whole).close(),
        2 => Reply::raw(whole).reset(),
        3 => Reply::raw([b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body].concat()).close(),
        4 => Reply::raw([sized("", body.len() + 1), body].concat()).close(),
        5 => Reply::raw([whole, b"\0surplus".to_vec()].concat()),
        6 => Reply::raw(b"HTTP/1.1 408 Gone\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec())
            .close(),
        7 => Reply::raw(b"nonsense".to_vec()).reset(),
        8 => Reply::raw([]).close(),
        9 => Reply::silence(),
        10..14 => {
            let mut raw =
                b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for piece in body.chunks(1 + dice.length(12)) {
                raw.extend_from_slice(
                    &[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat(),
                );
            }
            Reply::raw([raw, b"0\r\n\r\n".to_vec()].concat())
        }
        _ => Reply::raw(whole),
    };
    reply.delay(millis(dice.length(12) as u64))
}

/// Everything of one run.
struct Storm {
    dice: Dice,
    world: World,
    hosts: Vec<Host>,
    pool: Pool,
    total: usize,
    runs: Vec<Run>,
    open: Vec<(usize, ExchangeId, Sent)>,
    deliveries: Deliveries,
    made: usize,
    /// Magnitude of the largest body.
    largest: usize,
}

/// What is known of a request that was sent.
#[derive(Clone, Debug)]
struct Sent {
    target: String,
    answer: usize,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let (world, deliveries) = (World::new(seed), Deliveries::default());
        let fragments =
            [Fragments::Whole, Fragments::Random, Fragments::Random, Fragments::Bytes][dice.below(4)];
        let largest = if fragments == Fragments::Bytes { 8 } else { 18 };
        world.fragment(fragments);
        world.short_writes([Fragments::Whole, Fragments::Random][dice.below(2)]);
        world.spurious([0, 20, 200][dice.below(3)]);
        world.interrupts([0, 20, 200][dice.below(3)]);
        world.jitter(millis([0, 10][dice.below(2)]));
        world.reset_keeps_data(dice.below(2) == 0);
        let hosts: Vec<_> =
            (0..HOSTS.len()).map(|n| world.host(HOSTS[n], [format!("10.0.0.{n}").as_str()])).collect();
        for (n, host) in hosts.iter().enumerate() {
            let (mut dice, deliveries) = (Dice(seed ^ (n as u64 + 1)), deliveries.clone());
            host.latency(millis(dice.length(6) as u64));
            host.accept_all(move |received| answer(received, &mut dice, &deliveries));
        }
        let total = 1 + dice.below(6);
        let timeouts = Timeouts::default().wait(secs(3)).connect(secs(5)).idle(secs(5)).total(secs(120));
        let config = Config::default().max_total(total).max_per_origin(1 + dice.below(4)).timeouts(timeouts);
        let pool = world.pool(config);
        let runs = vec![Run::new(&pool), Run::new(&pool)];
        Self { dice, world, hosts, pool, total, runs, open: Vec::new(), deliveries, made: 0, largest }
    }

    fn request(&mut self) -> (Request, Sent) {
        self.made += 1;
        let method = [Method::GET, Method::PUT, Method::POST, Method::POST][self.dice.below(4)].clone();
        let len = if method == Method::GET { 0 } else { self.dice.length(self.largest) };
        let answer = self.dice.length(self.largest);
        let content = pattern(len);
        let body = match self.dice.below(3) {
            _ if method == Method::GET => Body::Empty,
            0 => Body::bytes(content),
            1 => Body::sized(io::Cursor::new(content), len as u64),
            _ => Body::once(io::Cursor::new(content)),
        };
        // Whether it may be repeated shows in the number, so that the deliveries can be judged.
        let number = self.made * 2 + usize::from(method.is_idempotent());
        let target = format!("/{number}/{len}/{answer}");
        let builder = Request::build(method, Origin::http(HOSTS[self.dice.below(3)]), &target).body(body);
        let builder = if len > 0 && self.dice.below(4) == 0 { builder.expect_continue() } else { builder };
        let class = [pool::Class::Single, pool::Class::Batch][self.dice.below(2)];
        (builder.finish().unwrap().with_class(class), Sent { target, answer })
    }

    fn delivered(&self, sent: &Sent) -> usize {
        self.deliveries.lock().unwrap().get(&sent.target).copied().unwrap_or(0)
    }

    /// Judges how an exchange ended.
    fn judge(&self, sent: &Sent, end: Result<(u16, Vec<u8>), Error>) {
        match end {
            Ok((408, body)) => assert!(body.is_empty()),
            Ok((status, body)) => {
                assert!(status == 200 && body == pattern(sent.answer), "{sent:?}: {} bytes", body.len());
                assert!(self.delivered(sent) >= 1, "{sent:?}");
            }
            Err(error) => {
                assert!(error.phase().is_some() && error.origin().is_some(), "{error:?}");
                assert!(error.may_have_been_processed() || self.delivered(sent) == 0, "{sent:?}: {error:?}");
                assert!(!error.nothing_sent() || !error.may_have_been_processed(), "{sent:?}: {error:?}");
                assert!(
                    !matches!(error.kind(), ErrorKind::Config | ErrorKind::Tls | ErrorKind::Canceled),
                    "{error:?}"
                );
            }
        }
    }

    /// Takes note of what has ended.
    fn settle(&mut self) {
        for (run, id, sent) in std::mem::take(&mut self.open) {
            if self.runs[run].has_ended(id) {
                let end = self.runs[run].end(id).map(|answer| (answer.status(), answer.body));
                self.judge(&sent, end);
            } else {
                self.open.push((run, id, sent));
            }
        }
        assert!(counts(&self.pool).0 <= self.total && self.world.open() <= self.total, "{:?}", self.pool);
    }

    fn step(&mut self) {
        let (run, pick) = (self.dice.below(self.runs.len()), self.dice.below(1 << 20));
        match self.dice.below(16) {
            0..4 => {
                let (request, sent) = self.request();
                let id = self.runs[run].start(request);
                self.open.push((run, id, sent));
            }
            4..9 => {
                let until = self.world.now() + millis(self.dice.length(10) as u64);
                for _ in 0..1 + pick % 8 {
                    self.runs[run].turn(Some(until));
                }
            }
            9 if !self.open.is_empty() => {
                let (run, id, _) = self.open.swap_remove(pick % self.open.len());
                if !self.runs[run].has_ended(id) {
                    self.runs[run].cancel(id);
                }
            }
            10 | 11 => self.call(),
            12 if pick % 4 == 0 => {
                self.open.retain(|(other, ..)| *other != run);
                self.runs[run] = Run::new(&self.pool);
            }
            13 => self.world.advance(millis(self.dice.length(12) as u64)),
            14 => match pick % 4 {
                0 => self.pool.close_idle(),
                1 => self.world.connect_errors([io::Error::from_raw_os_error(24)]),
                2 => self.hosts[run].refuse(),
                _ => self.hosts[run].blackhole(),
            },
            _ => self.hosts.iter().for_each(Host::listen),
        }
        self.settle();
    }

    /// A blocking call whose body is read to some point.
    fn call(&mut self) {
        let (request, sent) = self.request();
        let (head, mut reader) = match self.pool.send(request) {
            Ok(response) => response.into_parts(),
            Err(error) => return self.judge(&sent, Err(error)),
        };
        let (mut body, mut buf) = (Vec::new(), vec![0; 1 + self.dice.length(17)]);
        for _ in 0..self.dice.length(8) {
            match reader.read_some(&mut buf) {
                Ok(0) => return self.judge(&sent, Ok((head.status().as_u16(), body))),
                Ok(n) => body.extend_from_slice(&buf[..n]),
                Err(error) => return self.judge(&sent, Err(error)),
            }
        }
        assert!(head.status().as_u16() == 408 || pattern(sent.answer).starts_with(&body), "{sent:?}");
        if self.dice.below(2) == 0 {
            let until = self.world.now() + millis(50);
            reader.drain(1 << 16, until).unwrap();
            assert!(self.world.now() <= until, "draining has a limit");
        }
    }

    /// Lets everything end, and looks at what is left.
    fn calm(mut self, seed: u64) {
        self.hosts.iter().for_each(Host::listen);
        let patience = self.world.elapsed() + secs(1000);
        while !self.runs.iter().all(|run| run.driver.is_idle()) {
            for run in &mut self.runs {
                (0..8).for_each(|_| run.turn(Some(self.world.now() + millis(5))));
            }
            assert!(self.world.elapsed() < patience, "seed {seed}: something does not end: {:?}", self.open);
        }
        self.settle();
        assert!(self.open.is_empty(), "seed {seed}: {:?}", self.open);
        let (open, idle, waiting) = counts(&self.pool);
        assert_eq!((open, waiting), (idle, 0), "seed {seed}");
        for (target, times) in self.deliveries.lock().unwrap().iter() {
            let number: usize = target.split('/').nth(1).unwrap().parse().unwrap();
            assert!(*times <= 1 + number % 2, "seed {seed}: {target} was delivered {times} times");
        }
        self.runs.clear();
        self.pool.close_idle();
        assert_eq!((counts(&self.pool), self.world.open()), ((0, 0, 0), 0), "seed {seed}");
        self.world.assert_quiet();
    }
}

#[test]
fn whatever_happens_every_exchange_ends_well_or_with_the_truth() {
    for seed in 0..SEEDS {
        // Shown only if the test fails.
        eprintln!("seed {seed}");
        let mut storm = Storm::new(seed);
        for _ in 0..STEPS {
            storm.step();
        }
        storm.calm(seed);
    }
}

/// So many that the whole takes a few seconds without optimisation.
const SEEDS: u64 = 100;
const STEPS: usize = 150;
