//! What a bill usually costs, from what it did cost, and whether a new amount is a rise that nothing explains.

use jiff::civil::Date;

use super::{Bill, Mark, Occurrence};
use crate::ids::BillId;
use crate::money::Money;

/// What one due date really cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub due_on: Date,
    /// Above zero.
    pub amount: Money,
}

/// The range that the last amounts lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    pub low: Money,
    /// The middle one; of two, the lower.
    pub usual: Money,
    pub high: Money,
    /// How many amounts it is from.
    pub count: u8,
}

/// An amount above all that it was before, and no price step that explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rise {
    pub bill: BillId,
    pub now: Cost,
    /// What it was before: the usual amount of an estimated bill, otherwise the one before.
    pub usual: Money,
    pub by: Money,
    /// By how many percent, rounded down.
    pub percent: u32,
    /// What it is measured against, newest first.
    pub before: Vec<Cost>,
}

/// Fewer amounts are no band.
pub const BAND_LEAST: usize = 3;
/// Older amounts say little about the next one.
pub const BAND_MOST: usize = 12;
/// An estimated bill varies: it rose when it is above its band and by this much above its usual amount.
const RISE_PERCENT: i128 = 10;

impl Cost {
    /// What is known of an occurrence: what the bill said when it arrived, or what was paid once it was settled. The
    /// template's own amount is no evidence.
    #[must_use]
    pub fn of(occurrence: &Occurrence, mark: Option<&Mark>) -> Option<Self> {
        let arrived = mark.and_then(|mark| mark.amount).filter(|amount| amount.is_positive());
        let settled = (occurrence.is_over() && occurrence.paid.is_positive()).then_some(occurrence.paid);
        arrived.or(settled).map(|amount| Self { due_on: occurrence.due_on, amount })
    }
}

impl Band {
    /// Of amounts in one currency, newest first; the first twelve count.
    #[must_use]
    pub fn of(costs: &[Cost]) -> Option<Self> {
        let mut amounts: Vec<Money> = costs.iter().take(BAND_MOST).map(|cost| cost.amount).collect();
        if amounts.len() < BAND_LEAST {
            return None;
        }
        amounts.sort_unstable_by_key(|amount| amount.minor());
        let usual = amounts[(amounts.len() - 1) / 2];
        let (low, high) = (*amounts.first()?, *amounts.last()?);
        Some(Self { low, usual, high, count: u8::try_from(amounts.len()).unwrap_or(u8::MAX) })
    }
}

impl Rise {
    /// Whether the newest of these amounts is an unexplained rise. They are of one bill, newest first.
    #[must_use]
    pub fn of(bill: &Bill, costs: &[Cost]) -> Option<Self> {
        let (now, before) = costs.split_first()?;
        let before = &before[..before.len().min(BAND_MOST)];
        // The price that was agreed explains an amount up to it.
        let agreed = bill.amount_on(now.due_on);
        if now.amount.minor() <= agreed.minor() {
            return None;
        }
        let usual = if bill.estimated {
            let band = Band::of(before)?;
            let least = i128::from(band.usual.minor()) * (100 + RISE_PERCENT);
            let rose = now.amount.minor() > band.high.minor() && i128::from(now.amount.minor()) * 100 >= least;
            rose.then_some(band.usual)?
        } else {
            let last = before.first().map_or(agreed, |cost| cost.amount);
            let was_as_high = before.iter().any(|cost| cost.amount.minor() >= now.amount.minor());
            (!was_as_high).then_some(last)?
        };
        let by = now.amount.minus(usual).ok().filter(|by| by.is_positive())?;
        let percent = i128::from(by.minor()) * 100 / i128::from(usual.minor()).max(1);
        let percent = u32::try_from(percent).unwrap_or(u32::MAX);
        Some(Self { bill: bill.id, now: *now, usual, by, percent, before: before.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;
    use crate::bills::PriceStep;
    use crate::money::Currency;
    use crate::schedule::{Every, Schedule};

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).expect("in range")
    }

    fn bill(estimated: bool) -> Bill {
        let id = BillId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        let schedule = Schedule::new(Every::Month, 1, date(2026, 1, 8));
        Bill { estimated, ..Bill::new(id, "Paperkite TV".into(), usd(1_199), schedule) }
    }

    /// Monthly, newest first.
    fn costs(amounts: &[i64]) -> Vec<Cost> {
        let months = (1..=12).rev().map(|month| date(2026, month, 8));
        months.zip(amounts).map(|(due_on, minor)| Cost { due_on, amount: usd(*minor) }).collect()
    }

    #[test]
    fn the_band_is_the_range_of_the_last_year_and_its_middle() {
        let band = Band::of(&costs(&[6_100, 7_000, 5_800, 6_300])).expect("enough");
        assert_eq!((band.low, band.usual, band.high, band.count), (usd(5_800), usd(6_100), usd(7_000), 4));
        assert_eq!(Band::of(&costs(&[6_100, 7_000])), None, "two amounts are no band");
        let many = [vec![1_000; 12], vec![9_999; 3]].concat();
        assert_eq!(Band::of(&costs(&many)).expect("enough").high, usd(1_000), "a year counts");
    }

    #[test]
    fn a_fixed_bill_that_costs_more_than_agreed_is_a_rise() {
        let rise = Rise::of(&bill(false), &costs(&[1_399, 1_199, 1_199])).expect("a rise");
        assert_eq!((rise.by, rise.percent, rise.before.len()), (usd(200), 16, 2));
        assert_eq!(Rise::of(&bill(false), &costs(&[1_199, 1_199])), None);
        assert_eq!(Rise::of(&bill(false), &costs(&[1_099, 1_199])), None, "it fell");
        assert_eq!(Rise::of(&bill(false), &costs(&[1_399, 1_399, 1_199])), None, "it rose before this one");
        assert_eq!(Rise::of(&bill(false), &costs(&[1_399])).expect("above what was agreed").usual, usd(1_199));
        assert_eq!(Rise::of(&bill(false), &[]), None);
    }

    #[test]
    fn a_price_step_explains_a_rise() {
        let step = PriceStep { from: date(2026, 12, 1), amount: usd(1_399) };
        let known = Bill { steps: vec![step], ..bill(false) };
        assert_eq!(Rise::of(&known, &costs(&[1_399, 1_199, 1_199])), None);
        assert!(Rise::of(&known, &costs(&[1_499, 1_199, 1_199])).is_some(), "more than the step says");
    }

    #[test]
    fn an_estimated_bill_rose_when_it_leaves_its_band_by_a_tenth() {
        let rise = Rise::of(&bill(true), &costs(&[9_417, 7_677, 7_500, 7_900])).expect("a rise");
        assert_eq!((rise.usual, rise.by, rise.percent), (usd(7_677), usd(1_740), 22));
        assert_eq!(Rise::of(&bill(true), &costs(&[7_950, 7_677, 7_500, 7_900])), None, "hardly above the band");
        assert_eq!(Rise::of(&bill(true), &costs(&[9_417, 7_677, 7_500])), None, "too little to go by");
        assert_eq!(Rise::of(&bill(true), &costs(&[9_417, 5_000, 7_500, 9_900])), None, "it was as high before");
        let expected = Bill { amount: usd(9_500), ..bill(true) };
        assert_eq!(Rise::of(&expected, &costs(&[9_417, 7_677, 7_500, 7_900])), None, "it was expected");
    }
}
