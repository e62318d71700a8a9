//! Generated households with their labels: what is really a bill, among shopping, cash, pay and look-alikes. Bills are
//! posted on banking days, late at times, under changing descriptions; prices rise, months are skipped, some have ended.

use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::{Cadence, Line, Suggestion};
use crate::calendar::Calendar;
use crate::days;
use crate::ids::{AccountId, TransactionId};
use crate::money::{Currency, Money};

/// The day on which all households are looked at.
pub const TODAY: Date = date(2026, 11, 12);

type Labelled = (TransactionId, AccountId, Date, Money, String);

/// Lines of two years, each with the bill that it really is.
pub struct Household {
    lines: Vec<Labelled>,
    /// By line.
    of_bill: Vec<Option<usize>>,
    /// Bills that go on and came often enough to be known: these are to be found.
    pub bills: Vec<Cadence>,
}

/// What was found, against the labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    pub found: usize,
    /// Suggested, and no bill.
    pub wrong: usize,
    pub missed: usize,
}

impl Score {
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { found: self.found + other.found, wrong: self.wrong + other.wrong, missed: self.missed + other.missed }
    }

    /// Of what was suggested, so many percent are bills.
    #[must_use]
    pub const fn precision(self) -> usize {
        self.found * 100 / (self.found + self.wrong + (self.found + self.wrong == 0) as usize)
    }

    /// Of the bills, so many percent are suggested.
    #[must_use]
    pub const fn recall(self) -> usize {
        self.found * 100 / (self.found + self.missed + (self.found + self.missed == 0) as usize)
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014): the same households each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let end = end.max(1).unsigned_abs();
        i64::try_from((z ^ (z >> 31)) % end).unwrap_or(0)
    }

    fn between(&mut self, least: i64, most: i64) -> i64 {
        least + self.below(most - least + 1)
    }

    fn is(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    fn bytes(&mut self) -> [u8; 10] {
        std::array::from_fn(|_| u8::try_from(self.below(256)).unwrap_or(0))
    }
}

/// A bill as it really is.
struct Bill {
    payee: String,
    cadence: Cadence,
    minor: i64,
    /// Amounts vary by so many percent around it.
    varies: i64,
    /// So many percent of its dates are skipped.
    skips: i64,
    /// It becomes dearer about once a year.
    rises: bool,
    /// The day of the first date and how many days ago it began.
    began: Date,
    ended: Option<Date>,
}

const FIRST: &[&str] = &[
    "Northfold",
    "Cobalt Ridge",
    "Millbrook",
    "Peregrine",
    "Lanternline",
    "Kestrel",
    "Juniper",
    "Hushbox",
    "Fairmont",
    "Paperkite",
    "Ironvale",
    "Brightwater",
    "Alder",
    "Quillmere",
    "Tern Harbor",
    "Saltmarsh",
    "Copperleaf",
    "Windrow",
    "Halcyon",
    "Birchgate",
    "Greywater",
    "Foxglove",
    "Stonecrop",
    "Larkspur",
];

struct Kind {
    what: &'static str,
    cadence: Cadence,
    least: i64,
    most: i64,
    varies: i64,
    likely: i64,
}

const fn kind(what: &'static str, cadence: Cadence, least: i64, most: i64, varies: i64, likely: i64) -> Kind {
    Kind { what, cadence, least, most, varies, likely }
}

/// What households pay again and again: utilities, telecom, subscriptions, rent, loans, insurance, cards.
const KINDS: &[Kind] = &[
    kind("Court Rentals", Cadence::Monthly, 70_000, 190_000, 0, 70),
    kind("Power", Cadence::Monthly, 5_000, 15_000, 30, 85),
    kind("Gas Works", Cadence::Monthly, 3_000, 11_000, 45, 60),
    kind("Water", Cadence::Quarterly, 6_000, 16_000, 20, 55),
    kind("Wireless", Cadence::Monthly, 2_500, 9_000, 0, 85),
    kind("Fiber", Cadence::Monthly, 4_000, 9_000, 0, 75),
    kind("Music", Cadence::Monthly, 999, 1_699, 0, 60),
    kind("Television", Cadence::Monthly, 799, 2_299, 0, 70),
    kind("Cloud", Cadence::Monthly, 199, 999, 0, 45),
    kind("Fitness", Cadence::FourWeekly, 2_000, 6_000, 0, 25),
    kind("Child Care", Cadence::Weekly, 12_000, 26_000, 0, 15),
    kind("Lawn", Cadence::TwoWeekly, 3_500, 8_000, 0, 15),
    kind("Auto Insurance", Cadence::Monthly, 7_000, 19_000, 0, 50),
    kind("Home Insurance", Cadence::Yearly, 60_000, 180_000, 4, 35),
    kind("County Tax", Cadence::Yearly, 90_000, 400_000, 6, 30),
    kind("Student Loans", Cadence::Monthly, 12_000, 40_000, 0, 30),
    kind("Car Loan", Cadence::Monthly, 18_000, 52_000, 0, 40),
    kind("Bankcard", Cadence::Monthly, 20_000, 160_000, 40, 60),
    kind("Pest Control", Cadence::Quarterly, 9_000, 14_000, 0, 20),
];

impl Household {
    /// The household of this number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let mut chance = Chance(number.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x51);
        let mut home = Self { lines: Vec::new(), of_bill: Vec::new(), bills: Vec::new() };
        let checking = AccountId::new(Timestamp::UNIX_EPOCH, chance.bytes());
        let card = AccountId::new(Timestamp::UNIX_EPOCH, chance.bytes());
        for kind in KINDS {
            if chance.is(kind.likely) {
                let bill = bill(kind, &mut chance);
                let account = if chance.is(40) { card } else { checking };
                home.pays(&bill, account, &mut chance);
            }
        }
        home.two_lines_of_one_payee(card, &mut chance);
        home.shops(card, &mut chance);
        home.looks_alike(checking, card, &mut chance);
        home.is_paid(checking, &mut chance);
        home
    }

    #[must_use]
    pub fn lines<'a>(&'a self) -> Vec<Line<'a>> {
        let line = |(id, account, on, amount, text): &'a Labelled| Line {
            id: *id,
            account: *account,
            on: *on,
            amount: *amount,
            description: text,
        };
        self.lines.iter().map(line).collect()
    }

    /// How these suggestions agree with the labels: each bill counts once, and its cadence must be right.
    #[must_use]
    pub fn score(&self, made: &[Suggestion]) -> Score {
        let mut known = vec![false; self.bills.len()];
        let mut score = Score::default();
        for suggestion in made {
            let of = self.mostly_of(suggestion).filter(|bill| self.bills[*bill] == suggestion.cadence);
            match of {
                Some(bill) if !known[bill] => {
                    known[bill] = true;
                    score.found += 1;
                }
                _ => score.wrong += 1,
            }
        }
        score.missed = known.iter().filter(|found| !**found).count();
        score
    }

    /// The bill that at least four of five lines of the evidence are of.
    fn mostly_of(&self, suggestion: &Suggestion) -> Option<usize> {
        let bill_of =
            |id: TransactionId| self.lines.iter().position(|line| line.0 == id).and_then(|at| self.of_bill[at]);
        let of: Vec<Option<usize>> = suggestion.evidence.iter().map(|one| bill_of(one.transaction)).collect();
        let first = of.iter().flatten().next().copied()?;
        let same = of.iter().filter(|bill| **bill == Some(first)).count();
        (same * 5 >= of.len() * 4).then_some(first)
    }

    fn add(
        &mut self,
        account: AccountId,
        on: Date,
        minor: i64,
        text: String,
        bill: Option<usize>,
        chance: &mut Chance,
    ) {
        let Ok(amount) = Money::new(minor, Currency::USD) else { return };
        if on > TODAY {
            return;
        }
        self.lines.push((TransactionId::new(Timestamp::UNIX_EPOCH, chance.bytes()), account, on, amount, text));
        self.of_bill.push(bill);
    }

    /// All dates of a bill as they are posted. It is to be found when it goes on and came often enough.
    fn pays(&mut self, bill: &Bill, account: AccountId, chance: &mut Chance) {
        let dates = dates(bill);
        let mut posted = Vec::new();
        let mut minor = bill.minor;
        for (at, day) in dates.iter().enumerate() {
            if bill.rises && at > 0 && chance.is(8) {
                minor += minor * chance.between(3, 15) / 100;
            }
            if chance.is(bill.skips) {
                continue;
            }
            let late = if chance.is(20) { i32::try_from(chance.below(3)).unwrap_or(0) } else { 0 };
            let on = Calendar::FederalReserve.on_or_after(days::shifted(*day, late));
            let season = if bill.varies > 0 { chance.between(-bill.varies, bill.varies) } else { 0 };
            posted.push((on, minor + minor * season / 100));
        }
        posted.retain(|(on, _)| *on <= TODAY);
        let least = bill.cadence.least() + usize::from(bill.varies > 0 && bill.cadence != Cadence::Yearly);
        let label = (bill.ended.is_none() && posted.len() >= least).then_some(self.bills.len());
        if label.is_some() {
            self.bills.push(bill.cadence);
        }
        for (on, minor) in posted {
            let text = described(&bill.payee, chance);
            self.add(account, on, -minor, text, label, chance);
        }
    }

    /// Two telephones of one company, on different days and of different prices.
    fn two_lines_of_one_payee(&mut self, account: AccountId, chance: &mut Chance) {
        if !chance.is(15) {
            return;
        }
        let first = Kind { what: "Telephone", ..kind("", Cadence::Monthly, 1_500, 3_000, 0, 100) };
        let one = bill(&first, chance);
        let began = days::shifted(one.began, 11);
        let other =
            Bill { payee: one.payee.clone(), minor: one.minor * 2 + 300, began, ended: None, ..bill(&first, chance) };
        self.pays(&Bill { ended: None, rises: false, ..one }, account, chance);
        self.pays(&Bill { rises: false, ..other }, account, chance);
    }

    /// Groceries, coffee, fuel, restaurants, a marketplace: often, and no bill.
    fn shops(&mut self, account: AccountId, chance: &mut Chance) {
        let begin = days::shifted(TODAY, -760);
        let shops = [
            (name(chance) + " Market", 3, 2_000, 14_000, false),
            (name(chance) + " Grocers", 7, 4_000, 19_000, false),
            (name(chance) + " Coffee", 2, 450, 450, true),
            (name(chance) + " Fuel", 9, 2_800, 6_900, false),
            (name(chance) + " Marketplace", 6, 900, 15_000, false),
            (name(chance) + " Pharmacy", 24, 800, 6_000, false),
            (name(chance) + " Barbers", 37, 2_500, 4_500, false),
            (name(chance) + " Pizza", 8, 1_800, 4_600, false),
            (name(chance) + " Cinema", 41, 1_200, 4_800, false),
        ];
        for (payee, every, least, most, fixed) in shops {
            if !chance.is(70) {
                continue;
            }
            let mut day = begin;
            while day <= TODAY {
                let minor = if fixed { least } else { chance.between(least, most) };
                let text = described(&payee, chance);
                self.add(account, day, -minor, text, None, chance);
                let gap = chance.between(1, 2 * every - 1).max(1);
                day = days::shifted(day, i32::try_from(gap).unwrap_or(1));
            }
        }
    }

    /// What looks like a bill and is none: savings, cash, what ended, instalments that are over, gifts, refunds.
    fn looks_alike(&mut self, checking: AccountId, card: AccountId, chance: &mut Chance) {
        for month in 0..24 {
            let day = days::clamped(days::month_of(TODAY) - month, 3).unwrap_or(TODAY);
            self.add(
                checking,
                Calendar::FederalReserve.on_or_after(day),
                -25_000,
                "TRANSFER TO SAVINGS 2086".into(),
                None,
                chance,
            );
        }
        for week in 0..90 {
            let day = days::shifted(TODAY, -7 * week - 1);
            self.add(checking, day, -6_000, format!("ATM WITHDRAWAL {:04}", chance.below(9_999)), None, chance);
        }
        let over = name(chance) + " Furniture";
        let until = days::shifted(TODAY, -i32::try_from(chance.between(100, 400)).unwrap_or(200));
        for month in 0..chance.between(3, 8) {
            let on = days::clamped(days::month_of(until) - i32::try_from(month).unwrap_or(0), 17).unwrap_or(until);
            self.add(card, on, -19_900, described(&over, chance), None, chance);
        }
        let gifts = name(chance) + " Relief Fund";
        for _ in 0..chance.between(2, 7) {
            let on = days::shifted(TODAY, -i32::try_from(chance.below(700)).unwrap_or(0));
            self.add(card, on, -chance.between(1, 10) * 1_000, described(&gifts, chance), None, chance);
        }
        for _ in 0..chance.below(6) {
            let on = days::shifted(TODAY, -i32::try_from(chance.below(700)).unwrap_or(0));
            self.add(card, on, chance.between(500, 9_000), described("Marketplace refund", chance), None, chance);
        }
        // A trip: many lines of one week, and never again.
        let trip = days::shifted(TODAY, -i32::try_from(chance.between(20, 600)).unwrap_or(100));
        let hotel = name(chance) + " Lodge";
        for day in 0..6 {
            self.add(card, days::shifted(trip, day), -18_900, described(&hotel, chance), None, chance);
        }
    }

    fn is_paid(&mut self, account: AccountId, chance: &mut Chance) {
        let payer = name(chance) + " Clinic payroll";
        for turn in 0..52 {
            let on = Calendar::FederalReserve.on_or_before(days::shifted(TODAY, -14 * turn - 6));
            self.add(account, on, 148_600, described(&payer, chance), None, chance);
        }
    }
}

fn name(chance: &mut Chance) -> String {
    let at = usize::try_from(chance.below(i64::try_from(FIRST.len()).unwrap_or(1))).unwrap_or(0);
    FIRST[at].to_owned()
}

fn bill(kind: &Kind, chance: &mut Chance) -> Bill {
    let ago = match kind.cadence {
        Cadence::Yearly => chance.between(380, 1_150),
        _ => chance.between(100, 760),
    };
    let began = days::shifted(TODAY, -i32::try_from(ago).unwrap_or(400));
    let ended = chance.is(10).then(|| days::shifted(TODAY, -i32::try_from(chance.between(120, 300)).unwrap_or(200)));
    Bill {
        payee: format!("{} {}", name(chance), kind.what),
        cadence: kind.cadence,
        minor: chance.between(kind.least, kind.most),
        varies: kind.varies,
        skips: if kind.cadence == Cadence::Yearly { 0 } else { 3 },
        rises: kind.varies == 0 && chance.is(50),
        began,
        ended: ended.filter(|ended| *ended > began && kind.cadence != Cadence::Yearly),
    }
}

fn dates(bill: &Bill) -> Vec<Date> {
    let last = bill.ended.unwrap_or(TODAY);
    let day = bill.began.day().unsigned_abs();
    let month = days::month_of(bill.began);
    let nth = |at: i32| match bill.cadence {
        Cadence::Weekly | Cadence::TwoWeekly | Cadence::FourWeekly => {
            Some(days::shifted(bill.began, at * bill.cadence.days()))
        }
        Cadence::Monthly => days::clamped(month + at, day),
        Cadence::Quarterly => days::clamped(month + 3 * at, day),
        Cadence::Yearly => days::clamped(month + 12 * at, day),
    };
    (0..).map_while(nth).take_while(|day| *day <= last).collect()
}

/// A payee as banks write it: another way each time.
fn described(payee: &str, chance: &mut Chance) -> String {
    let number = chance.below(999_999);
    match chance.below(6) {
        0 => format!("{} {number:06}", payee.to_uppercase()),
        1 => format!("POS DEBIT {} #{:04}", payee.to_uppercase(), number % 10_000),
        2 => format!("ACH WEB PMT {} ID:{number}", payee.to_uppercase()),
        3 => format!("{payee} Autopay"),
        4 => format!("{} REF {number}", payee.to_uppercase()),
        _ => payee.to_owned(),
    }
}
