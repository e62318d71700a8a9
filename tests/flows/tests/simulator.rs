//! Two devices of one person, their server and what moves the money, through bad weather on both lines: three of ten
//! messages are lost, half come twice, some arrive long after later ones, money comes back up to sixty days late, and
//! devices and server start anew in between. Each payment moves its money once or not at all, and none is forgotten.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use client::payments::{PayBill, PaymentView, PaymentViewState};
use client::platform::{FixedZone, Language, MemoryNotifier, MemorySecrets, NoBrowser, Ports, SeededChance};
use client::sign_in::LocalRequest;
use client::status::Place;
use client::vault::Protect;
use client::{Client, ClientError};
use domain::ids::{BillerId, HolderId, PaymentId};
use domain::money::{Currency, Money};
use domain::security::{SecurityEvent, SecurityEventKind};
use domain::time::Clock;
use flows::storm::{Moved, SETTLE_HOURS_MAX, Storm, StormyRail, Weather};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use server::payments::rails::Rails;
use server::payments::rails::sandbox::{Practice, Sandbox};
use server::sign_in::{LocalGrant, grant_local};
use server::testing::seeds::{self, Dice, seeds};
use server::testing::{World, sqlite_world};

/// In every run of the tests, and in a soak.
const STORMS: (u64, u64) = (8, 1_000);
/// What a practice account opens with, in cents.
const OPENING: i64 = 1_000_000;
const DEVICES: usize = 2;
const STEPS: u64 = 24;
/// In the first of them everybody is still in step.
const CALM_STEPS: u64 = 2;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const PAUSES: [SignedDuration; 8] = [
    SignedDuration::ZERO,
    SignedDuration::from_secs(1),
    SignedDuration::from_secs(3),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(10),
    HOUR,
    DAY,
    SignedDuration::from_hours(48),
];
/// The latest return and what follows from it are over by then.
const LAST_DAYS: i32 = 80;
/// A device whose session is not renewed for two weeks is signed out.
const SYNC_EVERY_DAYS: i32 = 5;
/// Once the weather is good, work that is due is done within so long: time passes in legs of half a day, and a few
/// questions to the rail come one after the other.
const AT_WORK: SignedDuration = SignedDuration::from_hours(48);
/// Two banking days, over the longest weekend.
const RETURN_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 6);

#[test]
fn in_any_weather_each_payment_moves_its_money_once_or_not_at_all() {
    let (all, seeds) = (Mutex::new(Vec::new()), seeds(STORMS.0, STORMS.1));
    seeds::play(seeds, async |seed| {
        let end = Play::begin(seed).await.play_out().await;
        all.lock().expect("no play failed").push(end);
    });
    let all = all.into_inner().expect("no play failed");
    let sum = |what: fn(&End) -> usize| all.iter().map(what).sum::<usize>();
    let (lost, doubled, late) =
        (sum(|end| end.weather.lost), sum(|end| end.weather.doubled), sum(|end| end.weather.late));
    let (arrived, returned) = (sum(|end| end.moved.orders), sum(|end| end.count(PaymentViewState::Returned)));
    eprintln!(
        "{} storms: {} payments ordered, {arrived} arrived, {returned} came back; {lost} messages lost, {doubled} twice, \
         {late} late; {} sessions begun anew",
        all.len(),
        sum(|end| end.states.len()),
        sum(|end| end.signed_in_again),
    );
    // Storms in which nothing happens would prove nothing; of a single one less is asked.
    let seen = [arrived, returned, lost, doubled, late];
    let whole = u64::try_from(all.len()).is_ok_and(|played| played >= STORMS.0);
    assert!(!whole || seen.into_iter().all(|what| what >= all.len() / 2), "there was weather, and money moved");
}

#[test]
fn a_seed_plays_the_same_storm_again() {
    let ends = Mutex::new(Vec::new());
    for _ in 0..2 {
        seeds::play(7..8, async |seed| {
            let end = Play::begin(seed).await.play_out().await;
            ends.lock().expect("no play failed").push(end);
        });
    }
    let ends = ends.into_inner().expect("no play failed");
    assert_eq!(ends[0], ends[1]);
}

/// What a play came to: the same whenever it is played.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// Of each payment, in the order in which they were ordered.
    states: Vec<PaymentViewState>,
    moved: Moved,
    weather: Weather,
    signed_in_again: usize,
    ended_at: Timestamp,
}

impl End {
    fn count(&self, state: PaymentViewState) -> usize {
        self.states.iter().filter(|one| **one == state).count()
    }
}

struct Play {
    seed: u64,
    dice: Dice,
    server: World,
    starts: u64,
    storm: Arc<Storm>,
    rail: Arc<StormyRail>,
    raging: bool,
    origin: String,
    devices: Vec<Device>,
    holder: HolderId,
    biller: BillerId,
    ordered: Vec<Ordered>,
    signed_in_again: usize,
}

struct Device {
    folder: tempfile::TempDir,
    secrets: Arc<MemorySecrets>,
    chance: Arc<SeededChance>,
    client: Client,
}

struct Ordered {
    id: PaymentId,
    /// The device that it was ordered on.
    at: usize,
    /// A device has said to its person that it was taken back.
    taken_back: bool,
}

impl Play {
    async fn begin(seed: u64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://localhost:{}", listener.local_addr().expect("a port").port());
        let world = sqlite_world(seed).await;
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let rail = Arc::new(StormyRail::new(bank(&world), Arc::clone(&clock), seed));
        let holder = world.holder().await.holder;
        let server = dressed(&world, &rail, &origin);
        let storm = Storm::new(server.router(), clock, seed);
        storm.serve(listener);
        let mut play = Self {
            seed,
            dice: Dice::new(seed),
            server,
            starts: 0,
            storm,
            rail,
            raging: false,
            origin,
            devices: Vec::new(),
            holder,
            biller: server::billers::directory()[0].id,
            ordered: Vec::new(),
            signed_in_again: 0,
        };
        for _ in 0..DEVICES {
            play.add_device().await;
        }
        play
    }

    async fn add_device(&mut self) {
        let at = self.devices.len();
        let folder = tempfile::tempdir().expect("a folder");
        let secrets = Arc::new(MemorySecrets::default());
        let number = u64::try_from(at).expect("few");
        let chance = Arc::new(SeededChance::new(self.seed.wrapping_mul(4) + number));
        let client = self.open(folder.path().to_owned(), &secrets, &chance).await;
        client.create(Protect::Keyring, Place::ThisComputer).await.expect("keys");
        self.devices.push(Device { folder, secrets, chance, client });
        self.sign_in(at).await;
    }

    async fn open(&self, folder: PathBuf, secrets: &Arc<MemorySecrets>, chance: &Arc<SeededChance>) -> Client {
        let ports = Ports {
            secrets: Arc::clone(secrets) as _,
            notifier: Arc::new(MemoryNotifier::default()),
            browser: Arc::new(NoBrowser::default()),
            clock: Arc::clone(&self.server.clock) as _,
            chance: Arc::clone(chance) as _,
            zone: Arc::new(FixedZone(zone())),
            language: Language::En.into(),
        };
        let client = Client::open(folder, ports).await.expect("a client").client;
        client.server_started(&self.origin);
        client
    }

    /// Signs a device in. The weather waits: whoever signs in is at the device, and would try again.
    async fn sign_in(&self, at: usize) {
        self.storm.rage(false);
        let holder = Some(self.holder);
        let (app, client) = (self.server.app.clone(), self.devices[at].client.clone());
        let grant = async |asked: LocalRequest| {
            let grant = LocalGrant {
                holder,
                name: "Ines Calloway".to_owned(),
                device_name: asked.device_name,
                dpop_jkt: asked.dpop_jkt,
                code_challenge: asked.code_challenge,
                redirect_uri: asked.redirect_uri,
            };
            Ok::<String, ClientError>(grant_local(&app, grant).await.expect("a code"))
        };
        client.sign_in().local("Desk", grant).await.expect("signed in");
        client.sync().now().await.expect("in step");
        self.storm.rage(self.raging);
    }

    async fn play_out(mut self) -> End {
        for step in 0..STEPS {
            self.rage(step >= CALM_STEPS);
            let at = self.some_device();
            match self.dice.roll(12) {
                0..=4 => self.pay(at).await,
                5 | 6 => self.take_back(at).await,
                7 => self.restart_device(at).await,
                8 => self.restart_server().await,
                _ => {}
            }
            for _ in 0..self.dice.roll(4) {
                let at = self.some_device();
                self.sync(at).await;
            }
            let pause = *self.dice.pick(&PAUSES);
            self.server.pass(pause, DAY).await;
            self.server.work().await;
        }
        self.rage(false);
        let calm_since = self.server.now();
        for _ in 0..LAST_DAYS / SYNC_EVERY_DAYS {
            self.sync_all().await;
            self.server.pass(DAY * SYNC_EVERY_DAYS, HOUR * 12).await;
            self.sync_all().await;
            self.nothing_is_stuck(calm_since).await;
        }
        self.end().await
    }

    fn rage(&mut self, raging: bool) {
        self.raging = raging;
        self.storm.rage(raging);
        self.rail.rage(raging);
    }

    fn some_device(&mut self) -> usize {
        usize::try_from(self.dice.roll(DEVICES as u64)).expect("few")
    }

    // ---- What happens --------------------------------------------------------------------------------------------

    async fn pay(&mut self, at: usize) {
        let today = self.server.now().to_zoned(zone()).date();
        let days = i64::try_from(self.dice.roll(8)).expect("small");
        let order = PayBill {
            bill: None,
            due_on: None,
            biller: Some(self.biller),
            amount: Money::new(self.dice.amount(2_000), Currency::USD).expect("small"),
            send_on: (days > 4).then(|| today.saturating_add(Span::new().days(days))),
            duplicate_meant: true,
            method: None,
        };
        let ordered = self.devices[at].client.payments().pay_bill(order).await.expect("an order is always kept");
        self.ordered.push(Ordered { id: ordered.id, at, taken_back: false });
    }

    /// It may be too late, or this device does not know it yet, which is said; or it is sent later.
    async fn take_back(&mut self, at: usize) {
        let Some(last) = self.ordered.last_mut() else { return };
        let answer = self.devices[at].client.payments().cancel(last.id).await;
        last.taken_back |= answer.is_ok_and(|payment| payment.state == PaymentViewState::Cancelled);
    }

    async fn restart_device(&mut self, at: usize) {
        let device = &self.devices[at];
        device.client.lock().await.expect("it closes");
        let client = self.open(device.folder.path().to_owned(), &device.secrets, &device.chance).await;
        self.devices[at].client = client;
    }

    async fn restart_server(&mut self) {
        self.starts += 1;
        self.server.stop().await;
        let world = self.server.again(self.starts).await;
        self.rail.opened_anew(bank(&world));
        self.server = dressed(&world, &self.rail, &self.origin);
        self.storm.lead_to(self.server.router());
    }

    async fn sync_all(&mut self) {
        for at in 0..DEVICES {
            self.sync(at).await;
        }
    }

    /// In bad weather it mostly comes to nothing, and is tried again later. A device whose session is over signs in
    /// again, and keeps what waits.
    async fn sync(&mut self, at: usize) {
        let Err(error) = self.devices[at].client.sync().now().await else { return };
        match error.code.as_str() {
            "server_unreachable" | "server_failed" | "rate_limited" if self.raging => {}
            "not_signed_in" => {
                self.sign_in(at).await;
                self.signed_in_again += 1;
            }
            code => panic!("seed {}: a sync ended with {code}", self.seed),
        }
    }

    // ---- What must hold ------------------------------------------------------------------------------------------

    /// In good weather every state has its time.
    async fn nothing_is_stuck(&self, calm_since: Timestamp) {
        use PaymentViewState as S;
        let (seed, now) = (self.seed, self.server.now());
        for (at, device) in self.devices.iter().enumerate() {
            assert_eq!(device.client.status().await.expect("a status").waiting, 0, "seed {seed}: device {at} sent all");
            for payment in self.list(at).await {
                let since = payment.history.last().map_or(payment.made_at, |step| step.at).max(calm_since);
                let day_comes = |day| jiff::civil::Date::to_zoned(day, zone()).expect("a day").timestamp();
                let until = match payment.state {
                    S::Scheduled => payment.sends_on.map_or(since, day_comes).max(calm_since) + AT_WORK,
                    S::Reserved | S::Submitting | S::Unknown => since + AT_WORK,
                    S::Submitted => since + HOUR * i32::try_from(SETTLE_HOURS_MAX).expect("small") + AT_WORK,
                    S::Settled => since + RETURN_WINDOW + AT_WORK,
                    S::Final | S::Returned | S::Rejected | S::Cancelled | S::Refused => continue,
                    other => panic!("seed {seed}: nothing makes a payment {other:?}"),
                };
                assert!(now <= until, "seed {seed}: {} is {:?} since {since}", payment.id, payment.state);
            }
        }
    }

    async fn list(&self, at: usize) -> Vec<PaymentView> {
        self.devices[at].client.payments().list().await.expect("a list")
    }

    async fn end(mut self) -> End {
        use PaymentViewState as S;
        let seed = self.seed;
        // What a device says that knows nothing but what the server tells it.
        self.add_device().await;
        let told = self.list(DEVICES).await;
        let told_of = |id: PaymentId| told.iter().find(|payment| payment.id == id).map(|payment| payment.state);
        assert!(
            told.iter().all(|payment| self.ordered.iter().any(|one| one.id == payment.id)),
            "seed {seed}: all was ordered"
        );
        for at in 0..DEVICES {
            let list = self.list(at).await;
            for one in &self.ordered {
                let shown = list.iter().find(|payment| payment.id == one.id).map(|payment| payment.state);
                match told_of(one.id) {
                    Some(state) => assert_eq!(shown, Some(state), "seed {seed}: device {at} shows {} as it is", one.id),
                    // The server never took it: it was taken back before it was sent, or refused. That is known on the
                    // device that it was ordered on, and to nobody else: an order that never left is no payment yet.
                    None if one.at == at => {
                        let never_left = matches!(shown, Some(S::Cancelled | S::Refused));
                        assert!(never_left, "seed {seed}: {} was not forgotten: {shown:?}", one.id);
                    }
                    None => assert_eq!(shown, None, "seed {seed}: {} never left the other device", one.id),
                }
            }
        }
        let mut arrived = Moved::default();
        for payment in &told {
            match payment.state {
                S::Final => {
                    arrived.orders += 1;
                    arrived.cents += payment.amount.minor();
                }
                S::Returned | S::Rejected | S::Cancelled => {}
                other => panic!("seed {seed}: {} ended as {other:?}", payment.id),
            }
        }
        assert_eq!(self.rail.moved(), arrived, "seed {seed}: what the rail moved is what arrived");
        assert!(!self.rail.was_contradicted(), "seed {seed}: a key is one order's");
        let kept_word = |one: &Ordered| !one.taken_back || told_of(one.id).is_none_or(|state| state == S::Cancelled);
        assert!(self.ordered.iter().all(kept_word), "seed {seed}: what was said to be taken back did not move");
        let log = self.devices[DEVICES].client.security().log().await.expect("a log");
        let is_alarm = |event: &SecurityEvent| event.kind == SecurityEventKind::TokenReused;
        assert!(!log.events.iter().any(is_alarm), "seed {seed}: no device was taken for a copy of itself");
        let accounts = self.devices[DEVICES].client.accounts().list().await.expect("a list");
        let available = accounts.first().map(|account| account.account.available.map(Money::minor));
        let expected = (!told.is_empty()).then_some(Some(OPENING - arrived.cents));
        assert_eq!(available, expected, "seed {seed}: what is left");
        for device in &self.devices {
            device.client.lock().await.expect("it closes");
        }
        let end = End {
            states: self.ordered.iter().map(|one| told_of(one.id).unwrap_or(S::NotSent)).collect(),
            moved: arrived,
            weather: self.storm.weather(),
            signed_in_again: self.signed_in_again,
            ended_at: self.server.now(),
        };
        self.server.finish().await;
        end
    }
}

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").expect("a zone")
}

fn bank(world: &World) -> Sandbox {
    let (app, clock) = (&world.app, Arc::clone(&world.clock) as Arc<dyn Clock>);
    Sandbox::new(app.db.clone(), clock, app.settings.zone.clone(), Practice::default())
}

/// The world as a device reaches it, with the rail of the storm.
fn dressed(world: &World, rail: &Arc<StormyRail>, origin: &str) -> World {
    let world = world.with_settings(|settings| settings.public_url = origin.parse().expect("an origin"));
    let zone = world.app.settings.zone.clone();
    world.with_rails(|app| Rails::new(Arc::clone(rail) as _, &app.settings.rails, &app.db, &app.clock, zone))
}
