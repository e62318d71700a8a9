//! How unusual a sign-in, a change of the ways in or a payment is for this account: a sum of fixed points, each with a
//! reason that a person can read. The same circumstances give the same score; nothing learns, and nothing is asked from
//! here. What the points are stands in `weights`, and nowhere else.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub mod rhythm;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod tests;
pub mod travel;
pub mod weights;

use travel::Point;

/// When the score is asked. The names are stored: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum RiskOccasion {
    SignIn,
    /// A device asks for new tokens, every few minutes.
    Refresh,
    /// A way into the account is added, changed or removed.
    SecurityChange,
    /// A payment is ordered or approved.
    Approval,
    /// A payment's money is set aside to leave.
    Execution,
}

impl RiskOccasion {
    pub const ALL: [Self; 5] = [Self::SignIn, Self::Refresh, Self::SecurityChange, Self::Approval, Self::Execution];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Refresh => "refresh",
            Self::SecurityChange => "security_change",
            Self::Approval => "approval",
            Self::Execution => "execution",
        }
    }

    /// Without a score this is refused; everything else goes on, since reading is never stopped by a fault of ours.
    #[must_use]
    pub const fn fails_closed(self) -> bool {
        matches!(self, Self::SecurityChange | Self::Approval | Self::Execution)
    }
}

/// What follows from a score, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum RiskVerdict {
    Allow,
    /// Something stronger than a session has to be shown.
    StepUp,
    /// No money leaves for a day, and the person is told.
    Hold,
    /// Money and the ways in are locked until a person has looked at it. Reading goes on.
    Lock,
}

impl RiskVerdict {
    pub const ALL: [Self; 4] = [Self::Allow, Self::StepUp, Self::Hold, Self::Lock];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::StepUp => "step_up",
            Self::Hold => "hold",
            Self::Lock => "lock",
        }
    }
}

/// One thing that is unusual. The names are stored: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum RiskReason {
    /// A device's key that this account never saw.
    DeviceNew,
    /// The device came a few days ago.
    DeviceYoung,
    NetworkNew,
    /// The same country, but far from everywhere it was seen.
    PlaceNew,
    CountryNew,
    /// Nobody gets from there to here in the time between.
    ImpossibleTravel,
    /// An hour at which the account is hardly ever used.
    OddHour,
    FailedTries,
    ManyFailedTries,
    /// A token came back after it had been replaced: somebody may hold a copy.
    TokenReused,
    /// A token came with a proof by another key than its own.
    ForeignProof,
    ManyForeignProofs,
    /// A passkey's counter went back: it may have been copied.
    PasskeyCounter,
    PasskeyChanged,
    Recovered,
    /// Typed in another rhythm than usual; only where its owner turned this on.
    RhythmUnlike,
    /// Nothing was ever paid to this payee.
    PayeeNew,
    PayeeYoung,
    MethodNew,
    AmountAbove,
    AmountFarAbove,
    Burst,
    LargeBurst,
    Drain,
    DrainNearlyAll,
}

impl RiskReason {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeviceNew => "device_new",
            Self::DeviceYoung => "device_young",
            Self::NetworkNew => "network_new",
            Self::PlaceNew => "place_new",
            Self::CountryNew => "country_new",
            Self::ImpossibleTravel => "impossible_travel",
            Self::OddHour => "odd_hour",
            Self::FailedTries => "failed_tries",
            Self::ManyFailedTries => "many_failed_tries",
            Self::TokenReused => "token_reused",
            Self::ForeignProof => "foreign_proof",
            Self::ManyForeignProofs => "many_foreign_proofs",
            Self::PasskeyCounter => "passkey_counter",
            Self::PasskeyChanged => "passkey_changed",
            Self::Recovered => "recovered",
            Self::RhythmUnlike => "rhythm_unlike",
            Self::PayeeNew => "payee_new",
            Self::PayeeYoung => "payee_young",
            Self::MethodNew => "method_new",
            Self::AmountAbove => "amount_above",
            Self::AmountFarAbove => "amount_far_above",
            Self::Burst => "burst",
            Self::LargeBurst => "large_burst",
            Self::Drain => "drain",
            Self::DrainNearlyAll => "drain_nearly_all",
        }
    }
}

/// A reason and what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RiskPoint {
    pub reason: RiskReason,
    pub points: u32,
}

/// The sum with its reasons, heaviest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskScore {
    /// Which weights were used.
    pub version: u32,
    pub score: u32,
    pub verdict: RiskVerdict,
    pub points: Vec<RiskPoint>,
}

/// Where a request comes from, coarsely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The network, shortened so that it names no single connection.
    pub network: String,
    /// ISO 3166 code, where a database of places says it.
    pub country: Option<String>,
    pub point: Option<Point>,
}

/// A spot from which the account was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub spot: Spot,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// The person said that it was them.
    pub vouched: bool,
}

impl Seen {
    /// Somebody who came an hour ago does not make a place usual.
    fn is_usual(&self, now: Timestamp) -> bool {
        self.vouched || within(self.first_at, now) >= weights::USUAL_AFTER
    }
}

/// A payment that is about to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    pub amount_minor: i64,
    /// When something was first paid to this payee.
    pub payee_since: Option<Timestamp>,
    /// When the account that pays became one of the person's.
    pub method_since: Option<Timestamp>,
    /// Amounts of earlier payments in this currency.
    pub past_minor: Vec<i64>,
    /// Payments ordered within the last hour, this one included.
    pub ordered_in_hour: u32,
    /// The most that this person ever ordered within one hour before today.
    pub busiest_hour: u32,
    /// How much of what was there a day ago leaves within a day, this payment included, in thousandths. None where so
    /// little is there that the share says nothing.
    pub leaving_per_mille: Option<u32>,
}

/// The most orders within one hour, of those given at these times, newest first.
#[must_use]
pub fn busiest_hour(newest_first: &[Timestamp]) -> u32 {
    const HOUR: SignedDuration = SignedDuration::from_hours(1);
    let mut most = 0;
    let mut last = 0;
    for (first, newest) in newest_first.iter().enumerate() {
        while newest_first.get(last).is_some_and(|older| within(*older, *newest) < HOUR) {
            last += 1;
        }
        most = most.max(last - first);
    }
    u32::try_from(most).unwrap_or(u32::MAX)
}

/// What is known when the score is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    pub occasion: RiskOccasion,
    pub now: Timestamp,
    /// The hour of the day where the account's habits are counted, 0 to 23.
    pub hour: u8,
    /// When the device's key was first seen; `None` for a key that was never seen.
    pub device_since: Option<Timestamp>,
    /// The account had a device before this one.
    pub has_other_devices: bool,
    /// The person said that this device is theirs.
    pub device_vouched: bool,
    /// `None` for a request of this machine itself.
    pub spot: Option<Spot>,
    pub seen: Vec<Seen>,
    /// How often the account was used in each hour of the day.
    pub hours: [u32; 24],
    /// Refused tries to get in, in the last day.
    pub failed_tries: u32,
    /// Tokens of the account that came with a proof by another key, in the last day.
    pub foreign_proofs: u32,
    pub passkey_counter_at: Option<Timestamp>,
    pub token_reused_at: Option<Timestamp>,
    pub passkey_changed_at: Option<Timestamp>,
    pub recovered_at: Option<Timestamp>,
    /// How unlike the usual rhythm somebody typed, as `rhythm::distance` says it.
    pub rhythm: Option<u32>,
    pub movement: Option<Movement>,
}

impl Circumstances {
    /// A device that has always been there, on this machine, with nothing to say about it.
    #[must_use]
    pub fn quiet(occasion: RiskOccasion, now: Timestamp) -> Self {
        Self {
            occasion,
            now,
            hour: 12,
            device_since: Some(Timestamp::UNIX_EPOCH),
            has_other_devices: false,
            device_vouched: false,
            spot: None,
            seen: Vec::new(),
            hours: [0; 24],
            failed_tries: 0,
            foreign_proofs: 0,
            passkey_counter_at: None,
            token_reused_at: None,
            passkey_changed_at: None,
            recovered_at: None,
            rhythm: None,
            movement: None,
        }
    }

    /// Whether it happened, and not longer ago than that.
    fn lately(&self, at: Option<Timestamp>, limit: SignedDuration) -> bool {
        at.is_some_and(|at| within(at, self.now) < limit)
    }
}

fn within(from: Timestamp, to: Timestamp) -> SignedDuration {
    to.duration_since(from)
}

/// Adds up what is unusual.
#[must_use]
pub fn score(of: &Circumstances) -> RiskScore {
    let reasons = [device(of), network(of), travel(of), hour(of), tries(of), foreign_proofs(of)]
        .into_iter()
        .chain(ways_in(of))
        .chain(of.movement.iter().flat_map(|movement| money(of, movement)))
        .flatten();
    let mut points: Vec<RiskPoint> =
        reasons.map(|reason| RiskPoint { reason, points: weights::points(reason) }).collect();
    points.sort_by_key(|point| (std::cmp::Reverse(point.points), point.reason));
    let score = points.iter().fold(0_u32, |sum, point| sum.saturating_add(point.points));
    RiskScore { version: weights::VERSION, score, verdict: weights::verdict(score), points }
}

/// An account's first device is new to nobody.
fn device(of: &Circumstances) -> Option<RiskReason> {
    if !of.has_other_devices || of.device_vouched {
        return None;
    }
    match of.device_since {
        None => Some(RiskReason::DeviceNew),
        Some(_) if of.lately(of.device_since, weights::DEVICE_YOUNG) => Some(RiskReason::DeviceYoung),
        Some(_) => None,
    }
}

/// Whether the network, the place or the country is new. Where nothing was seen before there is nothing to compare with.
fn network(of: &Circumstances) -> Option<RiskReason> {
    let spot = of.spot.as_ref()?;
    if knows_network(of, spot) {
        return None;
    }
    let usual: Vec<&Seen> = of.seen.iter().filter(|seen| seen.is_usual(of.now)).collect();
    if usual.is_empty() {
        return None;
    }
    let countries: Vec<&str> = usual.iter().filter_map(|seen| seen.spot.country.as_deref()).collect();
    if let Some(country) = &spot.country
        && !countries.is_empty()
        && !countries.contains(&country.as_str())
    {
        return Some(RiskReason::CountryNew);
    }
    let points = usual.iter().filter_map(|seen| seen.spot.point);
    let nearest = spot.point.and_then(|point| points.map(|usual| travel::distance_km(usual, point)).min());
    if nearest.is_some_and(|km| km > weights::PLACE_NEW_KM) {
        return Some(RiskReason::PlaceNew);
    }
    Some(RiskReason::NetworkNew)
}

fn knows_network(of: &Circumstances, spot: &Spot) -> bool {
    of.seen.iter().any(|seen| seen.spot.network == spot.network && seen.is_usual(of.now))
}

/// A network that the account uses anyway, as that of an office far away, explains itself.
fn travel(of: &Circumstances) -> Option<RiskReason> {
    let spot = of.spot.as_ref()?;
    let here = spot.point?;
    if knows_network(of, spot) {
        return None;
    }
    let impossible = |seen: &Seen| {
        let Some(there) = seen.spot.point else { return false };
        let km = travel::distance_km(there, here);
        km >= weights::TRAVEL_FROM_KM && travel::is_too_fast(km, within(seen.last_at, of.now))
    };
    // Two guests in the same new place prove nothing about each other: only usual spots count.
    of.seen.iter().any(|seen| seen.is_usual(of.now) && impossible(seen)).then_some(RiskReason::ImpossibleTravel)
}

/// The hour and its two neighbours hold hardly any of what is known.
fn hour(of: &Circumstances) -> Option<RiskReason> {
    let total: u64 = of.hours.iter().copied().map(u64::from).sum();
    let at = usize::from(of.hour % 24);
    let near: u64 = [at, (at + 1) % 24, (at + 23) % 24].iter().map(|hour| u64::from(of.hours[*hour])).sum();
    let odd = total >= weights::HOURS_KNOWN_FROM && near * 1_000 < total * weights::ODD_HOUR_PER_MILLE;
    odd.then_some(RiskReason::OddHour)
}

fn tries(of: &Circumstances) -> Option<RiskReason> {
    step(
        of.failed_tries,
        (weights::FAILED_TRIES, RiskReason::FailedTries),
        (weights::MANY_FAILED_TRIES, RiskReason::ManyFailedTries),
    )
}

fn foreign_proofs(of: &Circumstances) -> Option<RiskReason> {
    step(
        of.foreign_proofs,
        (weights::FOREIGN_PROOFS, RiskReason::ForeignProof),
        (weights::MANY_FOREIGN_PROOFS, RiskReason::ManyForeignProofs),
    )
}

/// The heavier of two reasons whose limit is reached.
fn step<T: PartialOrd>(value: T, light: (T, RiskReason), heavy: (T, RiskReason)) -> Option<RiskReason> {
    if value >= heavy.0 {
        Some(heavy.1)
    } else if value >= light.0 {
        Some(light.1)
    } else {
        None
    }
}

/// What happened to the ways into the account not long ago.
fn ways_in(of: &Circumstances) -> Vec<Option<RiskReason>> {
    let lately = |at, limit, reason| of.lately(at, limit).then_some(reason);
    vec![
        lately(of.token_reused_at, weights::TOKEN_REUSED, RiskReason::TokenReused),
        lately(of.passkey_counter_at, weights::PASSKEY_COUNTER, RiskReason::PasskeyCounter),
        lately(of.passkey_changed_at, weights::PASSKEY_CHANGED, RiskReason::PasskeyChanged),
        lately(of.recovered_at, weights::RECOVERED, RiskReason::Recovered),
        of.rhythm.filter(|distance| *distance > weights::RHYTHM_UNLIKE).map(|_| RiskReason::RhythmUnlike),
    ]
}

fn money(of: &Circumstances, movement: &Movement) -> Vec<Option<RiskReason>> {
    let payee = match movement.payee_since {
        None => Some(RiskReason::PayeeNew),
        Some(_) if of.lately(movement.payee_since, weights::PAYEE_YOUNG) => Some(RiskReason::PayeeYoung),
        Some(_) => None,
    };
    vec![
        payee,
        of.lately(movement.method_since, weights::METHOD_NEW).then_some(RiskReason::MethodNew),
        amount(movement),
        burst(movement),
        movement.leaving_per_mille.and_then(|share| {
            step(share, (weights::DRAIN, RiskReason::Drain), (weights::DRAIN_NEARLY_ALL, RiskReason::DrainNearlyAll))
        }),
    ]
}

/// Against the largest of the person's own payments, once there are some.
fn amount(movement: &Movement) -> Option<RiskReason> {
    if movement.past_minor.len() < weights::AMOUNTS_KNOWN_FROM {
        return None;
    }
    let largest = movement.past_minor.iter().copied().max()?.max(1);
    step(
        movement.amount_minor,
        (largest.saturating_add(largest / weights::AMOUNT_ABOVE_SHARE), RiskReason::AmountAbove),
        (largest.saturating_mul(weights::AMOUNT_FAR_TIMES), RiskReason::AmountFarAbove),
    )
}

/// More orders in an hour than this person ever gave; paying all bills on one evening is nothing new to who does that.
fn burst(movement: &Movement) -> Option<RiskReason> {
    let usual = movement.busiest_hour;
    step(
        movement.ordered_in_hour,
        (weights::BURST.max(usual.saturating_add(1)), RiskReason::Burst),
        (weights::LARGE_BURST.max(usual.saturating_mul(2)), RiskReason::LargeBurst),
    )
}
