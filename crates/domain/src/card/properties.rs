//! What holds for every card, not only for the examples. The dice are seeded, so a failure repeats.

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use super::allocation::{Standing, allocate};
use super::cycle::{Billed, CyclePurchases};
use super::payoff::{BillNow, CardNow, Pay};
use super::rate::DailyBalances;
use super::repayment::{MinimumOnly, Rated, repayment};
use super::*;
use crate::ids::PlanId;

const FIRST: Date = date(2026, 10, 26);
const LAST: Date = date(2026, 11, 25);

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("in range")
}

fn apr() -> impl Strategy<Value = Apr> {
    (0_u32..=400_000).prop_map(|millionths| Apr::new(millionths).expect("at most 100 %"))
}

fn plan_id(at: u8) -> PlanId {
    PlanId::new(Timestamp::UNIX_EPOCH, [at; 10])
}

fn standings() -> impl Strategy<Value = Vec<Standing>> {
    let one = (0_i64..200_000, apr(), prop::option::of(0_i64..20_000), any::<bool>());
    prop::collection::vec(one, 1..6).prop_map(|all| {
        all.into_iter()
            .zip(0_u8..)
            .map(|((owed, apr, installment, last_cycles), at)| Standing {
                part: if at == 0 { Part::Purchases } else { Part::Plan(plan_id(at)) },
                owed: usd(owed),
                apr,
                installment: installment.filter(|_| at > 0).map(|minor| usd(minor.min(owed))),
                last_cycles: last_cycles && at > 0,
            })
            .collect()
    })
}

fn moves() -> impl Strategy<Value = Vec<(Date, Money)>> {
    prop::collection::vec((0_i32..31, 1_i64..100_000), 0..8)
        .prop_map(|all| all.into_iter().map(|(day, minor)| (days::shifted(FIRST, day), usd(minor))).collect())
}

fn terms(share: u32) -> CardTerms {
    CardTerms {
        closing_day: 25,
        due: DueRule::of_served(25),
        minimum_floor: Some(usd(3_000)),
        minimum_share: Some(share),
        minimum_adds_charges: true,
        apr: Apr::new(279_900).ok(),
        late_fee: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(1026), ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_payment_is_split_exactly_and_no_balance_gets_more_than_it_owes(
        payment in 0_i64..1_500_000, minimum in 0_i64..50_000, wish in 0_u8..6, all in standings(),
    ) {
        let excess = if wish == 0 { Excess::ByRate } else { Excess::Plan(plan_id(wish)) };
        let shares = allocate(usd(payment), usd(minimum), excess, &all).expect("in range");
        let sum: i64 = shares.iter().map(|share| share.amount.minor()).sum();
        prop_assert_eq!(sum, payment);
        for standing in &all {
            let to: i64 = shares
                .iter()
                .filter(|share| share.to == standing.part && share.reason != Reason::Credit)
                .map(|share| share.amount.minor())
                .sum();
            prop_assert!(to <= standing.owed.minor());
        }
        prop_assert!(shares.iter().all(|share| share.amount.is_positive()));
    }

    #[test]
    fn without_a_wish_nothing_above_the_minimum_goes_to_a_lower_rate_while_a_higher_one_is_owed(
        payment in 0_i64..1_500_000, minimum in 0_i64..50_000, all in standings(),
    ) {
        let shares = allocate(usd(payment), usd(minimum), Excess::ByRate, &all).expect("in range");
        let left = |standing: &Standing| {
            let paid = shares.iter().filter(|share| share.to == standing.part && share.reason != Reason::Credit);
            standing.owed.minor() - paid.map(|share| share.amount.minor()).sum::<i64>()
        };
        for share in shares.iter().filter(|share| share.reason == Reason::HighestRate) {
            let rate = all.iter().find(|standing| standing.part == share.to).expect("a balance").apr;
            prop_assert!(all.iter().filter(|standing| standing.apr > rate).all(|standing| left(standing) == 0));
            prop_assert!(all.iter().filter(|standing| standing.last_cycles).all(|standing| left(standing) == 0));
        }
    }

    #[test]
    fn interest_is_the_sum_over_the_days_whichever_way_they_are_cut(
        opening in 0_i64..1_000_000, rate in apr(), moves in moves(), cut in 0_i32..30,
    ) {
        let whole = DailyBalances::over(FIRST, LAST, usd(opening), moves.clone()).expect("in range");
        let middle = days::shifted(FIRST, cut);
        let after = days::shifted(middle, 1);
        let before: i64 = moves.iter().filter(|(on, _)| *on <= middle).map(|(_, amount)| amount.minor()).sum();
        let first = DailyBalances::over(FIRST, middle, usd(opening), moves.clone()).expect("in range");
        let second = DailyBalances::over(after, LAST, usd(opening + before), moves).expect("in range");
        let of = |balances: DailyBalances| balances.interest(rate).expect("in range").minor();
        prop_assert!((of(whole) - of(first) - of(second)).abs() <= 1, "only rounding may differ");
    }

    #[test]
    fn paying_never_costs_more_interest_than_not_paying(
        opening in 0_i64..500_000, rate in apr(), charges in moves(), paid in 0_i64..500_000, day in 0_i32..31, lost in any::<bool>(),
    ) {
        let grace = if lost { Grace::Lost } else { Grace::Kept };
        let billed = Some(Billed { in_time_until: date(2026, 11, 19), in_full: usd(opening), grace });
        let credits = [(days::shifted(FIRST, day), usd(paid))];
        let with = |credits| {
            CyclePurchases { first_on: FIRST, closed_on: LAST, apr: rate, opening: usd(opening), billed, charges: &charges, credits }
                .close()
                .expect("in range")
        };
        let (paid, not) = (with(&credits), with(&[]));
        prop_assert!(paid.interest.minor() <= not.interest.minor());
        prop_assert!(!paid.interest.is_negative());
    }

    #[test]
    fn a_minimum_is_never_above_the_balance_nor_below_nothing(
        balance in -50_000_i64..1_000_000, plans in 0_i64..50_000, charges in 0_i64..20_000, past in 0_i64..20_000, share in 0_u32..=1_000_000,
    ) {
        let parts = MinimumParts {
            balance: usd(balance),
            shared: usd(balance - plans),
            charges: usd(charges),
            installments: usd(plans / 12),
            past_due: usd(past),
        };
        let minimum = terms(share).minimum_due(&parts).expect("in range").expect("a rule").minor();
        prop_assert!((0..=balance.max(0)).contains(&minimum));
    }

    #[test]
    fn paying_more_is_done_no_later_and_costs_no_more(
        owed in 10_000_i64..800_000, less in 5_000_i64..40_000, more in 0_i64..60_000, lost in any::<bool>(),
    ) {
        let terms = terms(10_000);
        let bill = BillNow { due_on: date(2026, 11, 19), minimum_left: usd(3_000), in_full_left: usd(owed) };
        let card = CardNow {
            today: date(2026, 11, 12),
            terms: &terms,
            apr: Apr::new(279_900).expect("at most 100 %"),
            plans: &[],
            excess: Excess::ByRate,
            owed: usd(owed),
            bill: Some(bill),
            served: None,
            grace: if lost { Grace::Lost } else { Grace::Kept },
        };
        let slow = card.play(Pay::Monthly(usd(less))).expect("plays");
        let fast = card.play(Pay::Monthly(usd(less + more))).expect("plays");
        prop_assert!(fast.interest.minor() <= slow.interest.minor());
        if let Some(slow_on) = slow.paid_off_on {
            prop_assert!(fast.paid_off_on.is_some_and(|on| on <= slow_on));
        }
        for payoff in [slow, fast] {
            let paid: i64 = payoff.months.iter().map(|month| month.paid.minor()).sum();
            let left = payoff.months.last().map_or(owed, |month| month.owed.minor());
            prop_assert_eq!(owed + payoff.interest.minor(), paid + left, "what was owed is paid or still owed");
        }
    }

    #[test]
    fn thirty_six_level_payments_pay_the_balance_off_to_the_last_dollar(owed in 100_000_i64..2_000_000, rate in apr()) {
        let balance = Rated { owed: usd(owed), apr: rate, then: None, installment: None };
        let told = repayment(&terms(10_000), &[balance], None, Currency::USD);
        let told = told.expect("in range").expect("something is owed");
        if let Some(fixed) = told.in_36_months {
            let mut left = owed as f64;
            for _ in 0..36 {
                left += left * f64::from(rate.millionths()) / 12e6 - fixed.monthly.minor() as f64;
            }
            prop_assert!(left.abs() < 100.0, "{left} cents are left");
        }
        if let MinimumOnly::PaysOff { total, .. } = told.minimum {
            prop_assert!(total.minor() + 100 >= owed);
        }
    }
}
