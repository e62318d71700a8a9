//! Bad weather between devices, a server of the same process, and what moves its money: requests and answers are lost,
//! come twice, or arrive long after what was sent later. All of it is decided by dice, so that a seed plays the same
//! storm again.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, Response};
use domain::money::Money;
use domain::payments::RailTiming;
use domain::time::Clock;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use server::payments::rail::{Answer, Rail, RailOrder};
use server::payments::rails::sandbox::Sandbox;
use server::testing::seeds::Dice;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

const LOST_PERCENT: u64 = 30;
const TWICE_PERCENT: u64 = 50;
/// What is on its way arrives before so many of those that are sent after it.
const ARRIVES_PERCENT: u64 = 50;
/// A bank that has an order, and cannot be seen to have it yet, says so often that it has none.
const UNSEEN_PERCENT: u64 = 50;
/// Requests that are on their way at most.
const HELD_MAX: usize = 4;
const BODY_MAX: usize = 1024 * 1024;
/// What was on the line last, which a storm that ends wrong tells.
const TOLD_MAX: usize = 60;

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The line between devices and their server.
pub struct Storm {
    router: Mutex<Router>,
    dice: Mutex<Dice>,
    clock: Arc<dyn Clock>,
    raging: AtomicBool,
    /// Sent, given up by who sent them, and not there yet.
    held: Mutex<Vec<Request<Bytes>>>,
    lost: AtomicUsize,
    doubled: AtomicUsize,
    late: AtomicUsize,
    told: Mutex<VecDeque<String>>,
}

/// What became of messages on a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Whoever sent them heard nothing, whether they arrived or not.
    pub lost: usize,
    pub doubled: usize,
    /// They arrived after they were given up.
    pub late: usize,
}

/// What a device hears of a request whose answer was lost: its connection ends.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("lost")
    }
}

impl std::error::Error for Lost {}

impl Storm {
    /// In good weather, until it begins.
    #[must_use]
    pub fn new(router: Router, clock: Arc<dyn Clock>, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            router: Mutex::new(router),
            dice: Mutex::new(Dice::new(seed)),
            clock,
            raging: AtomicBool::new(false),
            held: Mutex::default(),
            lost: AtomicUsize::new(0),
            doubled: AtomicUsize::new(0),
            late: AtomicUsize::new(0),
            told: Mutex::default(),
        })
    }

    /// What answers from now on.
    pub fn lead_to(&self, router: Router) {
        *lock(&self.router) = router;
    }

    pub fn rage(&self, raging: bool) {
        self.raging.store(raging, Ordering::SeqCst);
    }

    /// All of it until now.
    #[must_use]
    pub fn weather(&self) -> Weather {
        let read = |what: &AtomicUsize| what.load(Ordering::SeqCst);
        Weather { lost: read(&self.lost), doubled: read(&self.doubled), late: read(&self.late) }
    }

    /// Carries what comes there, for as long as the runtime lives.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) {
        let storm = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let storm = Arc::clone(&storm);
                let carry = hyper::service::service_fn(move |request| {
                    let storm = Arc::clone(&storm);
                    async move { storm.carry(request).await }
                });
                // A connection that ends early is what the storm is for.
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(near), carry));
            }
        });
    }

    async fn carry(&self, request: Request<Incoming>) -> Result<Response<Body>, Lost> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(Body::new(body), BODY_MAX).await.map_err(|_| Lost)?;
        let request = Request::from_parts(parts, body);
        if !self.raging.load(Ordering::SeqCst) {
            // What is still on its way arrives when the weather clears.
            self.arrive().await;
            return Ok(self.deliver(request, "arrives").await);
        }
        let (loss, twice, arrives) = {
            let mut dice = lock(&self.dice);
            let loss = dice.happens(LOST_PERCENT).then(|| dice.roll(3));
            (loss, dice.happens(TWICE_PERCENT), dice.happens(ARRIVES_PERCENT))
        };
        if arrives {
            self.arrive().await;
        }
        match loss {
            None => {}
            // On its way to the server, for good or for now.
            Some(0) => {
                self.tell(&request, "is lost");
                return Err(self.lose());
            }
            Some(1) => {
                let mut held = lock(&self.held);
                if held.len() < HELD_MAX {
                    self.tell(&request, "is late");
                    held.push(request);
                }
                return Err(self.lose());
            }
            // On its way back.
            Some(_) => {
                self.deliver(request, "arrives, and its answer is lost").await;
                return Err(self.lose());
            }
        }
        let again = twice.then(|| request.clone());
        let answer = self.deliver(request, "arrives").await;
        if let Some(again) = again {
            self.doubled.fetch_add(1, Ordering::SeqCst);
            self.deliver(again, "arrives again").await;
        }
        Ok(answer)
    }

    fn lose(&self) -> Lost {
        self.lost.fetch_add(1, Ordering::SeqCst);
        Lost
    }

    async fn arrive(&self) {
        let late = std::mem::take(&mut *lock(&self.held));
        for request in late {
            self.late.fetch_add(1, Ordering::SeqCst);
            self.deliver(request, "arrives late").await;
        }
    }

    async fn deliver(&self, request: Request<Bytes>, how: &str) -> Response<Body> {
        let router = lock(&self.router).clone();
        let line = self.line(&request, how);
        let answered: Result<Response<Body>, Infallible> = router.oneshot(request.map(Body::from)).await;
        let answer = answered.unwrap_or_else(|never| match never {});
        self.keep(format!("{line}, answered {}", answer.status().as_u16()));
        answer
    }

    fn tell(&self, request: &Request<Bytes>, what: &str) {
        self.keep(self.line(request, what));
    }

    /// One message: whose it is by the head of its proof, which holds the device's key, and what it says by its body, so
    /// that a repetition is seen as one.
    fn line(&self, request: &Request<Bytes>, what: &str) -> String {
        let short = |of: &[u8]| {
            let mut hasher = DefaultHasher::new();
            of.hash(&mut hasher);
            hasher.finish() & 0xffff
        };
        let proof = request.headers().get("DPoP").map_or(&[][..], HeaderValue::as_bytes);
        let key = proof.split(|byte| *byte == b'.').next().unwrap_or_default();
        let (now, method, path) = (self.clock.now(), request.method(), request.uri().path());
        let (device, body) = (short(key), short(request.body()));
        format!("{now} device {device:04x}: {method} {path}, {body:04x}, {what}")
    }

    fn keep(&self, line: String) {
        let mut told = lock(&self.told);
        if told.len() == TOLD_MAX {
            told.pop_front();
        }
        told.push_back(line);
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in lock(&self.told).iter() {
                eprintln!("{line}");
            }
        }
    }
}

// ---- What moves the money ----------------------------------------------------------------------------------------

/// The practice rail behind such a line, and with a mind of its own: what becomes of an order follows from its key. It
/// keeps a book beside the practice bank's, of what it was asked to move.
pub struct StormyRail {
    bank: Mutex<Arc<Sandbox>>,
    clock: Arc<dyn Clock>,
    seed: u64,
    raging: AtomicBool,
    book: Mutex<HashMap<String, Known>>,
    /// Given up by the server, and not at the bank yet.
    held: Mutex<HashMap<String, RailOrder>>,
}

/// Orders whose money left and stayed away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub orders: usize,
    pub cents: i64,
}

/// What the rail decided of one order.
struct Known {
    amount: Money,
    taken_at: Option<Timestamp>,
    fate: Fate,
    /// How often it was asked something about this order.
    asked: u64,
    /// The same key came with another amount.
    contradicted: bool,
}

#[derive(Clone, Copy)]
enum Fate {
    Declined,
    Settles { after: SignedDuration },
    Returned { after: SignedDuration },
}

const DECLINE_CODE: &str = "declined";
const RETURN_CODE: &str = "R01";
const RETURN_DAYS_MAX: u64 = 60;
/// An order that was taken settles within so long.
pub const SETTLE_HOURS_MAX: u64 = 72;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn small(rolled: u64) -> i32 {
    i32::try_from(rolled).unwrap_or(i32::MAX)
}

impl StormyRail {
    #[must_use]
    pub fn new(bank: Sandbox, clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self {
            bank: Mutex::new(Arc::new(bank)),
            clock,
            seed,
            raging: AtomicBool::new(false),
            book: Mutex::default(),
            held: Mutex::default(),
        }
    }

    /// The same bank over a database that was opened anew.
    pub fn opened_anew(&self, bank: Sandbox) {
        *lock(&self.bank) = Arc::new(bank);
    }

    pub fn rage(&self, raging: bool) {
        self.raging.store(raging, Ordering::SeqCst);
    }

    /// What it moved and did not give back.
    #[must_use]
    pub fn moved(&self) -> Moved {
        let book = lock(&self.book);
        let stays = |known: &&Known| known.taken_at.is_some() && matches!(known.fate, Fate::Settles { .. });
        let moved: Vec<i64> = book.values().filter(stays).map(|known| known.amount.minor()).collect();
        Moved { orders: moved.len(), cents: moved.iter().sum() }
    }

    /// Whether one key came with two amounts.
    #[must_use]
    pub fn was_contradicted(&self) -> bool {
        lock(&self.book).values().any(|known| known.contradicted)
    }

    /// The dice of one question about one order: the same whatever else is going on.
    fn dice(&self, key: &str, asked: u64) -> Dice {
        let mut hasher = DefaultHasher::new();
        (self.seed, key, asked).hash(&mut hasher);
        Dice::new(hasher.finish())
    }

    fn know(&self, order: &RailOrder) -> Dice {
        let mut book = lock(&self.book);
        let known = book.entry(order.key.clone()).or_insert_with(|| {
            let mut dice = self.dice(&order.key, 0);
            let fate = match dice.roll(10) {
                0 => Fate::Declined,
                1..=3 => Fate::Returned { after: DAY * small(dice.roll(RETURN_DAYS_MAX + 1)) },
                _ => Fate::Settles { after: HOUR * small(dice.roll(SETTLE_HOURS_MAX + 1)) },
            };
            Known { amount: order.amount, taken_at: None, fate, asked: 0, contradicted: false }
        });
        known.asked += 1;
        known.contradicted |= known.amount != order.amount;
        self.dice(&order.key, known.asked)
    }

    async fn take(&self, order: RailOrder) -> Answer {
        let bank = Arc::clone(&lock(&self.bank));
        if lock(&self.book).get(&order.key).is_some_and(|known| matches!(known.fate, Fate::Declined)) {
            return Answer::Refused { code: DECLINE_CODE.to_owned() };
        }
        let key = order.key.clone();
        let answer = bank.submit(order).await;
        if answer == Answer::Silent {
            return answer;
        }
        self.seen(&key, answer)
    }

    /// What the rail says of an order that its bank has.
    fn seen(&self, key: &str, answer: Answer) -> Answer {
        let now = self.clock.now();
        let mut book = lock(&self.book);
        let Some(known) = book.get_mut(key) else { return answer };
        let taken_at = *known.taken_at.get_or_insert(now);
        match (known.fate, answer) {
            (Fate::Settles { after }, Answer::Settled { reference, .. }) if now < taken_at + after => {
                Answer::Accepted { reference, look_at: now + HOUR }
            }
            (Fate::Returned { after }, Answer::Settled { reference, amount, .. }) if now >= taken_at + after => {
                let (trace, code) = (format!("ret-{reference}"), RETURN_CODE.to_owned());
                Answer::Returned { reference, trace, amount, code }
            }
            (_, answer) => answer,
        }
    }

    async fn arrives(&self, key: &str) {
        let held = lock(&self.held).remove(key);
        if let Some(order) = held {
            self.take(order).await;
        }
    }
}

impl Rail for StormyRail {
    fn name(&self) -> &'static str {
        lock(&self.bank).name()
    }

    fn timing(&self) -> RailTiming {
        lock(&self.bank).timing()
    }

    fn is_practice(&self) -> bool {
        true
    }

    fn visible_after(&self) -> SignedDuration {
        lock(&self.bank).visible_after()
    }

    fn submit(&self, order: RailOrder) -> futures_util::future::BoxFuture<'_, Answer> {
        Box::pin(async move {
            let mut dice = self.know(&order);
            if !self.raging.load(Ordering::SeqCst) {
                return self.take(order).await;
            }
            match dice.happens(LOST_PERCENT).then(|| dice.roll(3)) {
                Some(0) => Answer::Silent,
                Some(1) => {
                    lock(&self.held).insert(order.key.clone(), order);
                    Answer::Silent
                }
                Some(_) => {
                    self.take(order).await;
                    Answer::Silent
                }
                None => {
                    if dice.happens(TWICE_PERCENT) {
                        self.take(order.clone()).await;
                    }
                    self.take(order).await
                }
            }
        })
    }

    fn look(&self, key: String) -> futures_util::future::BoxFuture<'_, Answer> {
        Box::pin(async move {
            let (asked, refused, taken_at) = {
                let mut book = lock(&self.book);
                let Some(known) = book.get_mut(&key) else { return Answer::Absent };
                known.asked += 1;
                (known.asked, matches!(known.fate, Fate::Declined), known.taken_at)
            };
            let mut dice = self.dice(&key, asked);
            if self.raging.load(Ordering::SeqCst) {
                if dice.happens(LOST_PERCENT) {
                    return Answer::Silent;
                }
                let fresh = taken_at.is_some_and(|at| self.clock.now() < at + self.visible_after());
                if fresh && dice.happens(UNSEEN_PERCENT) {
                    return Answer::Absent;
                }
                if dice.happens(ARRIVES_PERCENT) {
                    self.arrives(&key).await;
                }
            } else {
                self.arrives(&key).await;
            }
            if refused {
                return Answer::Refused { code: DECLINE_CODE.to_owned() };
            }
            let bank = Arc::clone(&lock(&self.bank));
            let answer = bank.look(key.clone()).await;
            if matches!(answer, Answer::Silent | Answer::Absent) { answer } else { self.seen(&key, answer) }
        })
    }
}
