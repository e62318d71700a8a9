//! Recurring bills found in transactions (BI3). Lines of one payee are laid along each cadence that bills have; what fits
//! with few gaps, few lines beside it and steady amounts is suggested, with the lines as evidence and how sure it is.
//! Nothing is ever added by itself.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::days;
use crate::ids::{AccountId, SuggestionId, TransactionId};
use crate::money::{Currency, Money};
use crate::schedule::{Every, Schedule};

#[cfg(any(test, feature = "testing"))]
pub mod households;
mod payee;

pub use payee::{payee_key, payee_name};

/// A posted line of an account, as far as it matters here. Money out is negative.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub id: TransactionId,
    pub account: AccountId,
    pub on: Date,
    pub amount: Money,
    pub description: &'a str,
}

/// How often something comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Cadence {
    Weekly,
    TwoWeekly,
    FourWeekly,
    Monthly,
    Quarterly,
    Yearly,
}

/// A bill that the person may want to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The same for the same bill however many lines come: accepted or dismissed, it is never made again.
    pub id: SuggestionId,
    pub payee: String,
    /// The newest amount, or the middle one when they vary; above zero.
    pub amount: Money,
    pub varies: bool,
    pub cadence: Cadence,
    /// From the next date on.
    pub schedule: Schedule,
    /// In percent, at least `Suggestion::LEAST`, never 100.
    pub confidence: u8,
    /// Dates between the first and the last line on which nothing came.
    pub missed: u16,
    /// Newest first, at most 12.
    pub evidence: Vec<Evidence>,
    /// All lines that it is made of.
    pub lines: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub transaction: TransactionId,
    pub on: Date,
    /// Above zero.
    pub amount: Money,
}

/// What was answered to a suggestion. It stays answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SuggestionAnswer {
    pub id: SuggestionId,
    /// A bill was made of it; otherwise it was dismissed.
    pub accepted: bool,
}

impl Suggestion {
    /// What is less sure is not suggested.
    pub const LEAST: u8 = 60;
    pub const EVIDENCE_MAX: usize = 12;
}

/// Lines of one payee that are looked at, the newest.
const LINES_MAX: usize = 240;
/// One payee may send several bills; more are a shop.
const STREAMS_MAX: usize = 4;
/// Among other lines of its payee a bill shows by so many of one amount: two alike may be chance.
const AMONG_OTHERS_LEAST: usize = 4;
/// Amounts that differ by so many thousandths are the same.
const SAME_PER_MILLE: i64 = 20;

impl Cadence {
    const ALL: [Self; 6] =
        [Self::Weekly, Self::TwoWeekly, Self::FourWeekly, Self::Monthly, Self::Quarterly, Self::Yearly];

    /// Days that a line may lie from its date: banks close, and billers are late.
    const fn tolerance(self) -> i32 {
        match self {
            Self::Weekly => 1,
            Self::TwoWeekly | Self::FourWeekly => 3,
            Self::Monthly => 4,
            Self::Quarterly => 6,
            Self::Yearly => 10,
        }
    }

    const fn days(self) -> i32 {
        match self {
            Self::Weekly => 7,
            Self::TwoWeekly => 14,
            Self::FourWeekly => 28,
            Self::Monthly => 30,
            Self::Quarterly => 91,
            Self::Yearly => 365,
        }
    }

    /// Fewer lines prove nothing.
    const fn least(self) -> usize {
        match self {
            Self::Weekly => 5,
            Self::TwoWeekly => 4,
            Self::FourWeekly | Self::Monthly | Self::Quarterly => 3,
            Self::Yearly => 2,
        }
    }

    /// Bills of a week or two are of one amount; what varies so often is shopping.
    const fn may_vary(self) -> bool {
        matches!(self, Self::Monthly | Self::Quarterly | Self::Yearly)
    }

    /// The n-th date from the anchor on; of months, on the day of the month.
    fn date(self, anchor: Anchor, index: i32) -> Option<Date> {
        match self {
            Self::Monthly => days::clamped(anchor.month + index, anchor.day),
            Self::Quarterly => days::clamped(anchor.month + 3 * index, anchor.day),
            Self::Yearly => days::clamped(anchor.month + 12 * index, anchor.day),
            Self::Weekly | Self::TwoWeekly | Self::FourWeekly => days::date_of(anchor.number + index * self.days()),
        }
    }

    fn schedule(self, anchor: Anchor, starts_on: Date) -> Schedule {
        let monthly = |every| Schedule { day: Some(anchor.day), ..Schedule::new(every, 1, starts_on) };
        match self {
            Self::Weekly => Schedule::new(Every::Week, 1, starts_on),
            Self::TwoWeekly => Schedule::new(Every::Week, 2, starts_on),
            Self::FourWeekly => Schedule::new(Every::Week, 4, starts_on),
            Self::Monthly => monthly(Every::Month),
            Self::Quarterly => monthly(Every::Quarter),
            Self::Yearly => monthly(Every::Year),
        }
    }
}

/// Where the dates of a cadence begin.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    number: i32,
    month: i32,
    day: u8,
}

impl Anchor {
    fn at(date: Date, day: u8) -> Self {
        Self { number: days::number_of(date), month: days::month_of(date), day }
    }
}

/// One line of a payee: its day as a number, and what went out, above zero.
#[derive(Clone, Copy, Debug)]
struct Spent {
    id: TransactionId,
    on: Date,
    number: i32,
    minor: i64,
}

/// Lines along a cadence.
#[derive(Clone, Debug)]
struct Stream {
    cadence: Cadence,
    anchor: Anchor,
    /// By their dates.
    lines: Vec<Spent>,
    /// The dates from the first to the last line.
    dates: usize,
    /// The index of the date of the last line.
    last: i32,
    /// Days that the lines lie from their dates, added up.
    off: i32,
    confidence: u8,
    varies: bool,
}

/// Recurring bills in these lines, the surest first. `today` tells which have ended: what did not come when it should is
/// not suggested.
#[must_use]
pub fn suggestions(lines: &[Line<'_>], today: Date) -> Vec<Suggestion> {
    let mut payees: BTreeMap<(String, Currency), Vec<&Line<'_>>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.amount.is_negative() && line.on <= today) {
        if let Some(key) = payee_key(line.description) {
            payees.entry((key, line.amount.currency())).or_default().push(line);
        }
    }
    let mut found = Vec::new();
    for ((key, currency), mut lines) in payees {
        lines.sort_by_key(|line| (line.on, line.id));
        let from = lines.len().saturating_sub(LINES_MAX);
        let spent: Vec<Spent> = lines[from..].iter().map(|line| spent(line)).collect();
        let name = lines.last().map(|line| payee_name(line.description)).unwrap_or_default();
        let mut streams = streams(&spent, today);
        // By their beginning, so that each keeps its place when lines are added.
        streams.sort_by_key(|stream| (stream.cadence, stream.lines.first().map(|line| (line.on, line.id))));
        for (place, stream) in streams.iter().enumerate() {
            let place = streams[..place].iter().filter(|other| other.cadence == stream.cadence).count();
            found.extend(suggestion(&key, &name, currency, stream, place));
        }
    }
    found.sort_by(|a, b| b.confidence.cmp(&a.confidence).then_with(|| a.payee.cmp(&b.payee)).then(a.id.cmp(&b.id)));
    found
}

fn spent(line: &Line<'_>) -> Spent {
    Spent { id: line.id, on: line.on, number: days::number_of(line.on), minor: line.amount.minor().saturating_neg() }
}

/// The bills of one payee: all its lines as one, otherwise by what they cost.
fn streams(lines: &[Spent], today: Date) -> Vec<Stream> {
    if let Some(stream) = best(lines, today) {
        return vec![stream];
    }
    let parts = by_amount(lines);
    let alone = parts.iter().filter(|part| part.len() >= AMONG_OTHERS_LEAST).filter_map(|part| best(part, today));
    let steady = |stream: &Stream| !stream.varies && stream.lines.len() >= AMONG_OTHERS_LEAST;
    let mut found: Vec<Stream> = alone.filter(steady).collect();
    if found.len() > STREAMS_MAX {
        found.clear();
    }
    found
}

/// Lines of the same amount together. Where one amount ends and a near one begins on the same days, it is a new price.
fn by_amount(lines: &[Spent]) -> Vec<Vec<Spent>> {
    let mut sorted = lines.to_vec();
    sorted.sort_by_key(|line| (line.minor, line.number));
    let mut parts: Vec<Vec<Spent>> = Vec::new();
    for line in sorted {
        match parts.last_mut() {
            Some(part) if part.last().is_some_and(|last| is_same(last.minor, line.minor)) => part.push(line),
            _ => parts.push(vec![line]),
        }
    }
    for part in &mut parts {
        part.sort_by_key(|line| line.number);
    }
    parts.retain(|part| part.len() >= 2);
    parts.sort_by_key(|part| part.first().map(|line| line.number));
    let mut joined: Vec<Vec<Spent>> = Vec::new();
    for part in parts {
        let follows = |before: &&mut Vec<Spent>| is_new_price(before, &part);
        match joined.iter_mut().find(follows) {
            Some(before) => before.extend(part),
            None => joined.push(part),
        }
    }
    joined
}

fn is_new_price(before: &[Spent], after: &[Spent]) -> bool {
    let (Some(last), Some(first)) = (before.last(), after.first()) else { return false };
    let gap = first.number - last.number;
    gap > 0 && gap <= 2 * Cadence::Monthly.days() && is_rise(*last, *first)
}

fn is_same(a: i64, b: i64) -> bool {
    (a - b).abs().saturating_mul(1_000) <= SAME_PER_MILLE.saturating_mul(a.max(b))
}

fn best(lines: &[Spent], today: Date) -> Option<Stream> {
    let fits = Cadence::ALL.into_iter().filter_map(|cadence| along(cadence, lines, today));
    let sure = fits.filter(|stream| stream.confidence >= Suggestion::LEAST);
    // Of two that are as sure, the one that comes more often has more lines that speak for it.
    sure.max_by(|a, b| a.confidence.cmp(&b.confidence).then_with(|| b.cadence.cmp(&a.cadence)))
}

/// These lines along a cadence, where that can be.
fn along(cadence: Cadence, lines: &[Spent], today: Date) -> Option<Stream> {
    if lines.len() < cadence.least() {
        return None;
    }
    // Far too many lines or far too few for its dates: nothing need be tried.
    let span = lines.last()?.number - lines.first()?.number;
    let dates = usize::try_from(span / cadence.days()).unwrap_or(0) + 2;
    if lines.len() * 3 > dates * 4 || lines.len() * 2 < dates - 2 {
        return None;
    }
    let anchors = anchors(cadence, lines);
    let laid = anchors.into_iter().filter_map(|anchor| laid(cadence, anchor, lines));
    let stream = laid.max_by_key(|stream| (stream.lines.len(), std::cmp::Reverse(stream.off)))?;
    judged(stream, lines, today)
}

/// Where the dates may begin: on each day that a line has; of months, on each day of the month near one.
fn anchors(cadence: Cadence, lines: &[Spent]) -> Vec<Anchor> {
    let Some(first) = lines.first() else { return Vec::new() };
    match cadence {
        Cadence::Weekly | Cadence::TwoWeekly | Cadence::FourWeekly => {
            let mut phases: Vec<i32> = lines.iter().map(|line| line.number.rem_euclid(cadence.days())).collect();
            phases.sort_unstable();
            phases.dedup();
            let at = |phase: i32| first.number - (first.number - phase).rem_euclid(cadence.days());
            phases.into_iter().map(|phase| Anchor { number: at(phase), month: 0, day: 1 }).collect()
        }
        Cadence::Monthly => (1..=31).map(|day| Anchor::at(first.on, day)).collect(),
        Cadence::Quarterly | Cadence::Yearly => {
            let months = if cadence == Cadence::Quarterly { 3 } else { 12 };
            let near = lines.iter().map(|line| days::month_of(line.on).rem_euclid(months));
            let mut near: Vec<i32> =
                near.flat_map(|month| [month, (month + 1) % months, (month + months - 1) % months]).collect();
            near.sort_unstable();
            near.dedup();
            let begin = days::month_of(first.on);
            let at = |month: i32| begin - (begin - month).rem_euclid(months);
            let days = near.into_iter().flat_map(|month| (1..=31).map(move |day| (month, day)));
            days.map(|(month, day)| Anchor { number: 0, month: at(month), day }).collect()
        }
    }
}

/// The lines that lie nearest to the dates, one a date.
fn laid(cadence: Cadence, anchor: Anchor, lines: &[Spent]) -> Option<Stream> {
    let tolerance = cadence.tolerance();
    let (mut chosen, mut off): (Vec<(i32, Spent)>, i32) = (Vec::new(), 0);
    let mut at = 0;
    let end = lines.last()?.number;
    let mut index = -1;
    while let Some(date) = cadence.date(anchor, index).map(days::number_of).filter(|day| *day <= end + tolerance) {
        while at < lines.len() && lines[at].number < date - tolerance {
            at += 1;
        }
        let near = lines[at..].iter().take_while(|line| line.number <= date + tolerance);
        if let Some((far, line)) = near.map(|line| ((line.number - date).abs(), line)).min_by_key(|(far, _)| *far) {
            off += far;
            chosen.push((index, *line));
            at += lines[at..].iter().position(|other| other.id == line.id).map_or(0, |place| place + 1);
        }
        index += 1;
    }
    let (first, last) = (chosen.first()?.0, chosen.last()?.0);
    let dates = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
    let lines = chosen.into_iter().map(|(_, line)| line).collect();
    Some(Stream { cadence, anchor, lines, dates, last, off, confidence: 0, varies: false })
}

/// How sure it is, in percent: by how many lines, how few gaps and lines beside it, how steady days and amounts.
fn judged(mut stream: Stream, all: &[Spent], today: Date) -> Option<Stream> {
    let cadence = stream.cadence;
    let count = stream.lines.len();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    if count < cadence.least() {
        return None;
    }
    // What did not come for two dates has ended.
    let expected = cadence.date(stream.anchor, stream.last + 1)?;
    if days::number_of(today) > days::number_of(expected) + cadence.days() + cadence.tolerance() {
        return None;
    }
    let beside = number(all.len() - count) * 100 / number(all.len());
    let missed = number(stream.dates - count) * 100 / number(stream.dates);
    let off = i64::from(stream.off) * 100 / number(count);
    let steady = steadiness(&stream.lines);
    stream.varies = steady.same < 70;
    if stream.varies && (!cadence.may_vary() || steady.spread > 120) || beside > 25 || missed > 34 {
        return None;
    }
    let more = number(count - cadence.least()).min(4);
    let tolerance = i64::from(cadence.tolerance());
    let mut sure = 66 + 7 * more - beside - missed * 3 / 4 - 16 * off / (100 * tolerance);
    sure += if stream.varies { 2 - steady.spread / 5 } else { 14 };
    if stream.varies && count < 4 {
        sure -= 10;
    }
    if cadence == Cadence::Yearly && stream.varies {
        sure -= 12;
    }
    stream.confidence = u8::try_from(sure.clamp(0, 99)).unwrap_or(0);
    Some(stream)
}

/// How amounts keep, in percent.
struct Steadiness {
    /// Of the lines, those of the amount before or of a price that lasts.
    same: i64,
    /// The middle distance from the middle amount.
    spread: i64,
}

fn steadiness(lines: &[Spent]) -> Steadiness {
    let same = lines.windows(2).filter(|pair| is_same(pair[0].minor, pair[1].minor)).count();
    let dearer =
        lines.windows(2).filter(|pair| !is_same(pair[0].minor, pair[1].minor) && is_rise(pair[0], pair[1])).count();
    // Prices rise about once a year: that is no varying amount.
    let span = lines.last().map_or(0, |last| last.number) - lines.first().map_or(0, |first| first.number);
    let rises = dearer.min(1 + usize::try_from(span / Cadence::Yearly.days()).unwrap_or(0));
    let pairs = lines.len().saturating_sub(1).max(1);
    let mut amounts: Vec<i64> = lines.iter().map(|line| line.minor).collect();
    let middle = middle_of(&mut amounts).max(1);
    let mut far: Vec<i64> = lines.iter().map(|line| (line.minor - middle).abs().saturating_mul(100) / middle).collect();
    let same = i64::try_from((same + rises) * 100 / pairs).unwrap_or(0);
    Steadiness { same, spread: middle_of(&mut far) }
}

/// Dearer, but by no more than prices rise.
const fn is_rise(before: Spent, after: Spent) -> bool {
    after.minor >= before.minor && after.minor.saturating_mul(10) <= before.minor.saturating_mul(14)
}

fn middle_of(numbers: &mut [i64]) -> i64 {
    numbers.sort_unstable();
    numbers.get(numbers.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

fn suggestion(key: &str, name: &str, currency: Currency, stream: &Stream, place: usize) -> Option<Suggestion> {
    let cadence = stream.cadence;
    let last = stream.lines.last()?;
    let mut amounts: Vec<i64> = stream.lines.iter().map(|line| line.minor).collect();
    let minor = if stream.varies { middle_of(&mut amounts) } else { last.minor };
    let evidence = stream.lines.iter().rev().take(Suggestion::EVIDENCE_MAX);
    Some(Suggestion {
        id: id_of(key, currency, cadence, place),
        payee: name.to_owned(),
        amount: Money::new(minor, currency).ok()?,
        varies: stream.varies,
        cadence,
        schedule: cadence.schedule(stream.anchor, cadence.date(stream.anchor, stream.last + 1)?),
        confidence: stream.confidence,
        missed: u16::try_from(stream.dates - stream.lines.len()).unwrap_or(u16::MAX),
        evidence: evidence
            .filter_map(|line| {
                let amount = Money::new(line.minor, currency).ok()?;
                Some(Evidence { transaction: line.id, on: line.on, amount })
            })
            .collect(),
        lines: u16::try_from(stream.lines.len()).unwrap_or(u16::MAX),
    })
}

/// Made of what stays the same about a bill: whom it is paid to and how often, and which of several it is.
fn id_of(key: &str, currency: Currency, cadence: Cadence, place: usize) -> SuggestionId {
    let mut hash = Sha256::new();
    for part in [key.as_bytes(), currency.code().as_bytes(), &[cadence as u8], &place.to_be_bytes()] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    SuggestionId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests;
