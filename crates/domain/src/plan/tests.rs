//! Worked examples, then a thousand random months; on small ones every possible plan is tried.

use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::money::Currency;

const TODAY: Date = date(2026, 11, 12);
const UNTIL: Date = date(2026, 12, 11);

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("in range")
}

fn bill(number: u8, falls_on: Date, minor: i64) -> Demand {
    let of = DemandOf::Occurrence { bill: BillId::new(Timestamp::UNIX_EPOCH, [number; 10]), due_on: falls_on };
    Demand { of, falls_on, amount: usd(minor), pay_by: falls_on, timing: DemandTiming::Open }
}

fn pay(number: u8, on: Date, minor: i64) -> PayDay {
    PayDay { on, income: IncomeId::new(Timestamp::UNIX_EPOCH, [number; 10]), amount: usd(minor) }
}

fn start(minor: i64) -> Start {
    Start {
        today: TODAY,
        balance: usd(minor),
        keep: usd(0),
        first_send: TODAY,
        calendar: Calendar::FederalReserve,
        until: UNTIL,
    }
}

/// The household of the pictures: two incomes, bills around two pay days.
fn november() -> (Vec<PayDay>, Vec<Demand>) {
    let clinic = [pay(1, date(2026, 11, 20), 148_600), pay(1, date(2026, 12, 4), 148_600)];
    let school = pay(2, date(2026, 11, 30), 42_000);
    let mut bills = vec![
        bill(1, date(2026, 11, 9), 5_832),
        bill(2, date(2026, 11, 15), 26_875),
        bill(3, date(2026, 11, 16), 9_417),
        bill(4, date(2026, 11, 18), 4_200),
        bill(5, date(2026, 11, 19), 8_000),
        bill(6, date(2026, 11, 20), 5_999),
        bill(7, date(2026, 11, 22), 11_240),
        bill(8, date(2026, 11, 24), 6_100),
        bill(9, date(2026, 11, 25), 11_000),
        bill(10, date(2026, 11, 27), 1_099),
        bill(11, date(2026, 11, 28), 14_620),
        bill(12, date(2026, 12, 1), 118_000),
    ];
    bills.reverse();
    (vec![clinic[0], school, clinic[1]], bills)
}

fn days_of(plan: &Plan) -> Vec<(u8, String)> {
    let number = |planned: &Planned| match planned.demand.of {
        DemandOf::Occurrence { bill, .. } => bill.as_uuid().as_bytes()[15],
        DemandOf::Payment(_) => 0,
    };
    let mut days: Vec<_> = plan.payments.iter().map(|one| (number(one), one.leaves_on.to_string())).collect();
    days.sort();
    days
}

#[test]
fn safe_until_pay_day_is_what_the_bills_before_it_leave() {
    let (pay, bills) = november();
    let plan = plan(&start(110_718), &pay, &bills, Pace::AfterPay);
    let safe = plan.safe;
    assert_eq!((safe.until, safe.opening, safe.takes, safe.held_back), (date(2026, 11, 19), 110_718, 54_324, 0));
    assert_eq!(safe.left, 56_394);
    let closing: Vec<_> = plan.periods.iter().map(|period| (period.until.to_string(), period.closing)).collect();
    let expected = [("2026-11-19", 56_394), ("2026-11-29", 154_936), ("2026-12-03", 78_936), ("2026-12-11", 227_536)];
    assert_eq!(closing, expected.map(|(until, closing)| (until.to_owned(), closing)));
    assert_eq!(plan.fit, Fit::Fits);
}

#[test]
fn a_payment_leaves_right_after_the_last_pay_before_it_must() {
    let (pay, bills) = november();
    let plan = plan(&start(110_718), &pay, &bills, Pace::AfterPay);
    let days = days_of(&plan);
    assert_eq!(days[0], (1, "2026-11-12".to_owned()), "late: at once");
    assert_eq!(days[6], (7, "2026-11-20".to_owned()), "pay day, in time before the Sunday");
    assert_eq!(days[11], (12, "2026-11-30".to_owned()));
    let why = |number: usize| plan.payments.iter().find(|one| one.demand == bills[12 - number]).expect("planned").why;
    assert_eq!(why(1), Why::TooLate);
    assert_eq!(why(3), Why::NoPayBefore);
    assert_eq!(why(8), Why::AfterPay { pay_day: date(2026, 11, 20), income: pay[0].income });
}

#[test]
fn at_the_last_each_leaves_on_the_last_banking_day_that_is_in_time() {
    let (pay, bills) = november();
    let days = days_of(&plan(&start(110_718), &pay, &bills, Pace::AtTheLast));
    assert_eq!(days[1], (2, "2026-11-13".to_owned()), "Friday before the Sunday");
    assert_eq!(days[10], (11, "2026-11-27".to_owned()), "Friday before the Saturday");
    assert_eq!(days[7], (8, "2026-11-24".to_owned()));
}

#[test]
fn what_a_later_period_lacks_is_held_back() {
    let bills = [bill(1, date(2026, 12, 1), 90_000)];
    let pay = [pay(1, date(2026, 11, 20), 50_000)];
    let start = Start { keep: usd(5_000), ..start(60_000) };
    let safe = plan(&start, &pay, &bills, Pace::AfterPay).safe;
    assert_eq!((safe.takes, safe.held_back, safe.keep, safe.left), (0, 40_000, 5_000, 15_000));
}

#[test]
fn when_no_plan_fits_it_says_when_how_much_and_what_would_help() {
    let (mut pay, bills) = november();
    pay[0] = PayDay { on: date(2026, 11, 27), ..pay[0] };
    let plan = plan(&start(60_000), &pay, &bills, Pace::AfterPay);
    let Fit::Short(short) = &plan.fit else { panic!("{:?}", plan.fit) };
    assert_eq!(short.on, date(2026, 11, 20));
    assert_eq!(short.next_pay_on, Some(date(2026, 11, 27)));
    // 600.00 less 543.24, 59.99, 112.40, 61.00 and 110.00: 286.63 are missing on the 25th; no single bill is that large.
    assert_eq!((short.by_minor, short.would_help.len()), (28_663, 0));
    let nearly = super::plan(&start(85_000), &pay, &bills, Pace::AfterPay);
    let Fit::Short(short) = &nearly.fit else { panic!("{:?}", nearly.fit) };
    assert_eq!((short.on, short.by_minor), (date(2026, 11, 25), 3_663));
    assert_eq!(short.would_help[0], bills[12 - 4].of, "the smallest of those that would do");
    assert!(short.would_help.contains(&bills[12 - 2].of));
}

#[test]
fn an_ordered_payment_stays_on_its_day_and_one_that_left_counts_no_more() {
    let id = PaymentId::new(Timestamp::UNIX_EPOCH, [3; 10]);
    let order = |state| PaymentOf { id, due_on: TODAY, amount: usd(500), state, sends_on: Some(date(2026, 11, 18)) };
    let ordered = |state| Demand::ordered(&order(state), date(2026, 11, 20), TODAY);
    let waiting = ordered(None).expect("kept here");
    let made = plan(&start(1_000), &[pay(1, date(2026, 11, 20), 1)], &[waiting], Pace::AfterPay);
    assert_eq!((made.payments[0].leaves_on, made.payments[0].why), (date(2026, 11, 18), Why::Ordered));
    for gone in [PaymentState::Reserved, PaymentState::Submitted, PaymentState::Settled, PaymentState::Cancelled] {
        assert_eq!(ordered(Some(gone)), None, "{gone:?}");
    }
}

#[test]
fn amounts_at_the_end_of_what_there_is_give_no_panic() {
    let all: Vec<Demand> = (0..200).map(|number| bill(number, TODAY, Money::MINOR_MAX)).collect();
    let huge = [pay(1, date(2026, 11, 20), Money::MINOR_MAX)];
    let many: Vec<Demand> = std::iter::repeat_n(all, 10).flatten().collect();
    let plan = plan(&start(Money::MINOR_MAX), &huge, &many, Pace::AfterPay);
    assert!(matches!(plan.fit, Fit::Short(_)));
}

/// SplitMix64: small and seeded.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    fn day(&mut self, from: Date, days: u64) -> Date {
        days::shifted(from, i32::try_from(self.below(days)).expect("small"))
    }

    fn minor(&mut self, end: u64) -> i64 {
        i64::try_from(self.below(end)).expect("small") + 1
    }
}

fn small(number: u64) -> u8 {
    u8::try_from(number).expect("small")
}

/// A month with its pay days and bills; small ones can be tried in every way.
fn month(chance: &mut Chance, bills: u64) -> (Start, Vec<PayDay>, Vec<Demand>) {
    let today = chance.day(date(2026, 1, 1), 700);
    let calendar = [Calendar::FederalReserve, Calendar::EveryDay, Calendar::EnglandWales]
        [usize::try_from(chance.below(3)).expect("small")];
    let first_send = calendar.on_or_after(days::shifted(today, i32::try_from(chance.below(2)).expect("small")));
    let keep = usd(if chance.below(3) == 0 { chance.minor(3_000) } else { 0 });
    let until = days::shifted(today, 30);
    let start = Start { today, balance: usd(chance.minor(30_000)), keep, first_send, calendar, until };
    let mut pays: Vec<PayDay> =
        (0..chance.below(4)).map(|number| pay(small(number), chance.day(today, 31), chance.minor(30_000))).collect();
    pays.sort_by_key(|pay| pay.on);
    let demands = (0..bills).map(|number| {
        let falls_on = chance.day(today, 31);
        let pay_by = days::shifted(falls_on, -i32::try_from(chance.below(4)).expect("small"));
        let ordered = (chance.below(6) == 0).then(|| chance.day(today, 20));
        let timing = ordered.map_or(DemandTiming::Open, DemandTiming::Ordered);
        Demand { pay_by, timing, ..bill(small(number), falls_on, chance.minor(12_000)) }
    });
    let demands = demands.collect();
    (start, pays, demands)
}

/// The days on which a payment may leave.
fn choices(demand: &Demand, start: &Start) -> Vec<Date> {
    if let DemandTiming::Ordered(on) = demand.timing {
        return vec![on.max(start.today)];
    }
    let mut days: Vec<Date> = (0..40)
        .map(|far| days::shifted(start.first_send, far))
        .filter(|day| start.calendar.is_banking_day(*day) && *day <= demand.pay_by)
        .collect();
    if days.is_empty() {
        days.push(start.first_send);
    }
    days
}

/// Tries every day of every payment; the best lowest balance that any plan has.
fn best(start: &Start, pay: &[PayDay], demands: &[Demand]) -> i64 {
    fn go(start: &Start, pay: &[PayDay], left: &[Demand], made: &mut Vec<Planned>) -> i64 {
        let Some((demand, rest)) = left.split_first() else {
            return lowest(start, pay, made).minor;
        };
        let all = choices(demand, start).into_iter().map(|leaves_on| {
            made.push(Planned { demand: *demand, leaves_on, why: Why::Ordered });
            let found = go(start, pay, rest, made);
            made.pop();
            found
        });
        all.max().expect("a choice")
    }
    go(start, pay, demands, &mut Vec::new())
}

fn future(start: &Start, pay: &[PayDay]) -> Vec<PayDay> {
    pay.iter().copied().filter(|pay| pay.on > start.today && pay.on <= start.until).collect()
}

#[test]
fn a_thousand_random_months_are_in_time_after_pay_and_as_rich_as_can_be() {
    let mut chance = Chance(1);
    let mut short = 0;
    for round in 0..1_000 {
        let count = chance.below(14);
        let (start, pay, demands) = month(&mut chance, count);
        let made = plan(&start, &pay, &demands, Pace::AfterPay);
        let at_the_last = plan(&start, &pay, &demands, Pace::AtTheLast);
        assert_eq!(made.lowest.minor, at_the_last.lowest.minor, "round {round}: sooner costs nothing");
        assert_eq!(made.payments.len(), demands.len());
        for one in &made.payments {
            let days = choices(&one.demand, &start);
            assert!(days.contains(&one.leaves_on), "round {round}: {one:?}");
            if let Why::AfterPay { pay_day, .. } = one.why {
                assert!(one.leaves_on >= pay_day);
                let last = days.last().expect("a day");
                let later = future(&start, &pay)
                    .into_iter()
                    .find(|pay| pay.on > pay_day && start.calendar.on_or_after(pay.on) <= *last && pay.on <= *last);
                assert_eq!(later, None, "round {round}: it is the last pay that it can wait for");
            }
        }
        let runs_out = made.lowest.minor < start.keep.minor();
        assert_eq!(matches!(made.fit, Fit::Short(_)), runs_out);
        short += i32::from(runs_out);
        let closing = made.periods.last().map_or(0, |period| period.closing);
        let all: i64 = demands.iter().map(|one| one.amount.minor()).sum();
        let income: i64 = future(&start, &pay).iter().map(|pay| pay.amount.minor()).sum();
        assert_eq!(closing, start.balance.minor() + income - all, "no money appears or vanishes");
    }
    assert!((100..900).contains(&short), "{short} of the months were short: both cases are tried");
}

/// Each payment that may wait is moved behind the next pay: it is named when the month fits then, and only then.
fn check_helpers(round: u64, start: &Start, pay: &[PayDay], demands: &[Demand], short: &Short) {
    let at_the_last = plan(start, pay, demands, Pace::AtTheLast).payments;
    for (at, one) in at_the_last.iter().enumerate().filter(|(_, one)| one.demand.timing == DemandTiming::Open) {
        let mut moved = at_the_last.clone();
        let fits = short.next_pay_on.is_some_and(|next| {
            moved[at].leaves_on = start.calendar.on_or_after(next);
            one.leaves_on <= short.on && lowest(start, pay, &moved).minor >= start.keep.minor()
        });
        assert_eq!(short.would_help.contains(&one.demand.of), fits, "round {round}: {one:?} {short:?}");
    }
}

#[test]
fn no_other_plan_of_a_small_month_is_richer() {
    let mut chance = Chance(2);
    for round in 0..400 {
        let (start, pay, demands) = month(&mut chance, round % 4);
        let made = plan(&start, &pay, &demands, Pace::AfterPay);
        let best = best(&start, &future(&start, &pay), &demands);
        assert_eq!(made.lowest.minor, best, "round {round}");
        assert_eq!(
            made.fit == Fit::Fits,
            best >= start.keep.minor(),
            "round {round}: a plan is found when there is one"
        );
        if let Fit::Short(short) = made.fit {
            assert_eq!(short.by_minor, start.keep.minor() - best);
            check_helpers(round, &start, &future(&start, &pay), &demands, &short);
        }
    }
}
