//! What a record of a rail means: the classes of return codes, when a returned order may be presented again, and when
//! so many returns are too many. The codes are Nacha's and, for credit transfers, those of ISO 20022.

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::calendar::Calendar;

/// What has to follow a return. Every code has one; a code that is not known goes to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReturnClass {
    /// The money was not there: the same order may be presented again, within limits.
    Retry,
    /// The payee's details are wrong: nothing goes there until they were checked.
    FixDetails,
    /// Whoever owns the account said no: nothing more goes there, and a case is opened.
    Stop,
    /// It is the second of two: nothing is sent again, a person compares the books.
    Duplicate,
    /// A person has to look: frozen, legal, or a code that is not known.
    Person,
}

impl ReturnClass {
    pub const ALL: [Self; 5] = [Self::Retry, Self::FixDetails, Self::Stop, Self::Duplicate, Self::Person];

    /// The class of a return code, as rails write it.
    #[must_use]
    pub fn of(code: &str) -> Self {
        match code {
            // Insufficient and uncollected funds.
            "R01" | "R09" | "AM04" => Self::Retry,
            // Closed, not there, no valid number, a wrong check digit, not a transaction account, a wrong bank.
            "R02" | "R03" | "R04" | "R13" | "R20" | "R28" | "AC01" | "AC04" | "RC01" => Self::FixDetails,
            // Authorisation revoked, payment stopped, not authorised, not as authorised, a company's no.
            "R05" | "R07" | "R08" | "R10" | "R11" | "R29" | "MD01" | "MS02" => Self::Stop,
            "R24" | "AM05" => Self::Duplicate,
            _ => Self::Person,
        }
    }

    /// The stored name; it never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::FixDetails => "fix_details",
            Self::Stop => "stop",
            Self::Duplicate => "duplicate",
            Self::Person => "person",
        }
    }

    /// Nothing more goes to this payee until a person lifted that.
    #[must_use]
    pub const fn stops_payee(self) -> bool {
        matches!(self, Self::FixDetails | Self::Stop)
    }

    /// It is put before a person.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        !matches!(self, Self::Retry)
    }
}

/// How often, and within how many days of the first return, an order may be presented again.
pub const PRESENTED_AGAIN_MAX: u32 = 2;
pub const PRESENTED_AGAIN_DAYS: i64 = 180;

/// What is known of the orders that were alike and came back for want of money, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// How many came back.
    pub returned: u32,
    pub first_at: Timestamp,
    pub last_on: Date,
}

/// Whether an order like one that came back may go again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// At the earliest on this day.
    From(Date),
    /// It went as often, or for as long, as is allowed.
    Over,
}

impl Presented {
    /// At least one banking day lies between the return and the day on which it goes again.
    #[must_use]
    pub fn again(&self, now: Timestamp, calendar: Calendar) -> Again {
        let days = SignedDuration::from_hours(24 * PRESENTED_AGAIN_DAYS);
        if self.returned > PRESENTED_AGAIN_MAX || now.duration_since(self.first_at) > days {
            return Again::Over;
        }
        Again::From(calendar.add_banking_days(self.last_on, 1))
    }
}

/// The days over which returns are counted against what was sent.
pub const RATE_DAYS: i64 = 60;
/// With fewer orders than this, one return says nothing.
pub const RATE_ORDERS_MIN: u64 = 50;

/// Returns within the days that count, by what Nacha counts apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReturnCounts {
    pub sent: u64,
    /// R05, R07, R10, R11, R29, R51.
    pub unauthorized: u64,
    /// R02, R03, R04.
    pub administrative: u64,
    pub all: u64,
}

/// Which of the rates is at half of Nacha's limit or above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateAlarm {
    Unauthorized,
    Administrative,
    Overall,
}

impl RateAlarm {
    /// In words for an operator.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized returns are at 0.25 % or above; the limit is 0.5 %",
            Self::Administrative => "returns for wrong account details are at 1.5 % or above; the limit is 3 %",
            Self::Overall => "returns are at 7.5 % or above; the limit is 15 %",
        }
    }
}

impl ReturnCounts {
    pub fn add(&mut self, code: &str, count: u64) {
        self.all += count;
        match code {
            "R05" | "R07" | "R10" | "R11" | "R29" | "R51" => self.unauthorized += count,
            "R02" | "R03" | "R04" => self.administrative += count,
            _ => {}
        }
    }

    /// The alarms: half of 0.5, 3 and 15 per cent, in ten-thousandths.
    pub fn alarms(&self) -> impl Iterator<Item = RateAlarm> {
        let sent = u128::from(self.sent);
        let enough = self.sent >= RATE_ORDERS_MIN;
        let rates = [
            (self.unauthorized, 25, RateAlarm::Unauthorized),
            (self.administrative, 150, RateAlarm::Administrative),
            (self.all, 750, RateAlarm::Overall),
        ];
        rates
            .into_iter()
            .filter(move |(count, limit, _)| enough && *count > 0 && u128::from(*count) * 10_000 >= sent * limit)
            .map(|(.., alarm)| alarm)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn each_code_has_the_class_that_was_decided_and_an_unknown_one_goes_to_a_person() {
        use ReturnClass as C;
        let decided = [
            (C::Retry, &["R01", "R09"][..]),
            (C::FixDetails, &["R02", "R03", "R04", "R13", "R20", "R28"]),
            (C::Stop, &["R05", "R07", "R08", "R10", "R11", "R29"]),
            (C::Duplicate, &["R24"]),
            (C::Person, &["R16", "R23", "R99", "", "r01"]),
        ];
        for (class, codes) in decided {
            for code in codes {
                assert_eq!(C::of(code), class, "{code}");
            }
        }
        assert!(C::ALL.iter().filter(|class| class.stops_payee()).all(|class| class.needs_person()));
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn it_goes_again_twice_a_banking_day_apart_and_not_after_180_days() {
        let first_at = at("2027-03-05T17:00:00Z");
        // A Friday: the next banking day is the Monday.
        let once = Presented { returned: 1, first_at, last_on: date(2027, 3, 5) };
        let monday = Again::From(date(2027, 3, 8));
        assert_eq!(once.again(first_at, Calendar::FederalReserve), monday);
        let twice = Presented { returned: 2, last_on: date(2027, 3, 9), ..once };
        assert_eq!(twice.again(first_at, Calendar::FederalReserve), Again::From(date(2027, 3, 10)));
        let three = Presented { returned: 3, ..twice };
        assert_eq!(three.again(first_at, Calendar::FederalReserve), Again::Over, "two presentments after the first");
        assert_eq!(once.again(at("2027-09-01T17:00:00Z"), Calendar::FederalReserve), monday, "180 days later");
        assert_eq!(once.again(at("2027-09-01T17:00:01Z"), Calendar::FederalReserve), Again::Over);
    }

    #[test]
    fn an_alarm_comes_at_half_of_each_limit_and_not_for_a_handful() {
        let alarms = |counts: ReturnCounts| counts.alarms().collect::<Vec<_>>();
        let counts = ReturnCounts { sent: 2_000, unauthorized: 4, administrative: 29, all: 149 };
        assert_eq!(alarms(counts), [], "just below each half");
        let counts = ReturnCounts { sent: 2_000, unauthorized: 5, administrative: 30, all: 150 };
        assert_eq!(alarms(counts), [RateAlarm::Unauthorized, RateAlarm::Administrative, RateAlarm::Overall]);
        let few = ReturnCounts { sent: RATE_ORDERS_MIN - 1, unauthorized: 10, administrative: 10, all: 30 };
        assert_eq!(alarms(few), []);
        let mut counts = ReturnCounts { sent: 100, ..ReturnCounts::default() };
        for code in ["R10", "R03", "R01"] {
            counts.add(code, 1);
        }
        assert_eq!((counts.unauthorized, counts.administrative, counts.all), (1, 1, 3));
    }
}
