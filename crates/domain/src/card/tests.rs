//! The figures of a card by worked examples. Today is Friday, 20 November 2026.

use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::accounts::{AccountKind, Keeping};
use crate::ids::{AccountId, PlanId, TransactionId};

const TODAY: Date = date(2026, 11, 20);

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect("a valid amount")
}

/// Closes on the 25th, due 25 days later, minimum the larger of 35 and 2 %.
fn terms() -> CardTerms {
    CardTerms {
        closing_day: 25,
        due: DueRule::DaysAfterClosing(25),
        minimum_floor: Some(usd("35")),
        minimum_share: Some(20_000),
        minimum_adds_charges: false,
        apr: None,
        late_fee: None,
    }
}

/// Owes 812.40 in all.
fn card() -> Account {
    Account {
        id: AccountId::new(Timestamp::UNIX_EPOCH, [1; 10]),
        keeping: Keeping::Linked,
        kind: AccountKind::Card,
        name: "Card".into(),
        mask: Some("1234".into()),
        currency: Currency::USD,
        source: None,
        balance: Some(usd("-812.40")),
        available: None,
        balance_as_of: None,
        terms: Some(terms()),
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: None,
        covered: Vec::new(),
    }
}

fn issuer(closed_on: Date) -> IssuerFigures {
    IssuerFigures {
        closed_on,
        due_on: Some(date(2026, 11, 17)),
        statement_balance: Some(usd("700")),
        minimum_due: Some(usd("25")),
        credit_limit: Some(usd("5000")),
    }
}

fn line(posted_on: Date, amount: &str, kind: TransactionKind, state: TransactionState) -> Transaction {
    Transaction {
        id: TransactionId::new(Timestamp::UNIX_EPOCH, [1; 10]),
        account: card().id,
        posted_on,
        amount: usd(amount),
        description: String::new(),
        memo: None,
        kind,
        state,
        source: None,
    }
}

fn lines() -> Vec<Transaction> {
    use TransactionKind as K;
    use TransactionState as S;
    vec![
        line(date(2026, 10, 25), "-500", K::Purchase, S::Posted),
        line(date(2026, 10, 26), "-212.40", K::Purchase, S::Posted),
        line(date(2026, 11, 10), "100", K::Payment, S::Posted),
        line(date(2026, 11, 12), "20", K::Refund, S::Posted),
        line(date(2026, 11, 19), "-31.60", K::Purchase, S::Pending),
        line(date(2026, 11, 19), "-8.40", K::Purchase, S::Pending),
    ]
}

fn shown(account: &Account) -> CardFigures {
    let closed_on = last_closing(account, TODAY).map(|closing| closing.on);
    let sums = CycleSums::of(account, closed_on, &lines()).expect("in range");
    figures(account, &sums, TODAY).expect("in range")
}

#[test]
fn the_four_figures_are_kept_apart() {
    let figures = shown(&card());
    assert_eq!(figures.current_balance, Some(usd("812.40")));
    assert_eq!(figures.statement_balance, Some(usd("720")), "812.40 without the 212.40 since, and with 120 given back");
    assert_eq!(figures.minimum_due, Some(usd("35")));
    assert_eq!((figures.pending, figures.pending_count), (usd("40"), 2));
    assert_eq!(figures.paid_since_closing, Some(usd("100")), "a refund is no payment");
    assert_eq!(figures.closed_on, Some(date(2026, 10, 25)));
    assert_eq!(figures.next_closing_on, Some(date(2026, 11, 25)));
    assert_eq!(figures.due_on, Some(date(2026, 11, 19)));
    assert!(!figures.from_issuer);
}

#[test]
fn a_charge_on_the_closing_day_is_still_of_that_cycle() {
    let on_it = [line(date(2026, 10, 25), "-5", TransactionKind::Purchase, TransactionState::Posted)];
    let sums = CycleSums::of(&card(), Some(date(2026, 10, 25)), &on_it).expect("in range");
    assert_eq!(sums, CycleSums::none(Currency::USD));
}

#[test]
fn the_statement_balance_is_carried_from_the_day_of_the_balance() {
    let as_of = |day: &str| shown(&Account { balance_as_of: Some(day.parse().expect("a moment")), ..card() });
    let before = as_of("2026-10-24T00:00:00Z");
    assert_eq!(before.statement_balance, Some(usd("1312.40")), "with the 500 of the closing day");
    assert_eq!(before.paid_since_closing, Some(usd("100")), "whatever day the balance is of");
    assert_eq!(as_of("2026-10-25T00:00:00Z").statement_balance, Some(usd("812.40")));
    assert_eq!(as_of("2026-11-10T00:00:00Z").statement_balance, Some(usd("700")), "the refund came later");
}

#[test]
fn the_issuers_own_figures_are_used_for_the_cycle_they_are_of() {
    let account = Account { issuer: Some(issuer(date(2026, 10, 23))), ..card() };
    let figures = shown(&account);
    assert_eq!(figures.statement_balance, Some(usd("700")));
    assert_eq!(figures.minimum_due, Some(usd("25")));
    assert_eq!(figures.closed_on, Some(date(2026, 10, 23)), "closed on the Friday, two days before the set day");
    assert_eq!(figures.due_on, Some(date(2026, 11, 17)));
    assert_eq!(figures.next_closing_on, Some(date(2026, 11, 25)));
    assert!(figures.from_issuer);
}

#[test]
fn the_issuers_figures_of_an_older_cycle_are_not_shown_as_the_last() {
    let account = Account { issuer: Some(issuer(date(2026, 9, 25))), ..card() };
    let figures = shown(&account);
    assert_eq!(figures.statement_balance, Some(usd("720")));
    assert_eq!(figures.closed_on, Some(date(2026, 10, 25)));
    assert!(!figures.from_issuer);
    assert_eq!(figures.credit_limit, Some(usd("5000")), "a limit outlives its cycle");
}

#[test]
fn an_issuer_that_closed_just_before_the_set_day_has_closed_this_cycle() {
    let account = Account { issuer: Some(issuer(date(2026, 11, 23))), ..card() };
    let on_the_24th = date(2026, 11, 24);
    let closing = last_closing(&account, on_the_24th).expect("known");
    assert_eq!((closing.on, closing.by_issuer), (date(2026, 11, 23), true));
    let figures = figures(&account, &CycleSums::none(Currency::USD), on_the_24th).expect("in range");
    assert_eq!(figures.next_closing_on, Some(date(2026, 12, 25)));
}

#[test]
fn what_the_issuer_left_out_is_worked_out() {
    let silent =
        IssuerFigures { due_on: None, minimum_due: None, statement_balance: None, ..issuer(date(2026, 10, 25)) };
    let figures = shown(&Account { issuer: Some(silent), ..card() });
    assert_eq!(figures.statement_balance, Some(usd("720")));
    assert_eq!(figures.minimum_due, Some(usd("35")));
    assert_eq!(figures.due_on, Some(date(2026, 11, 19)));
    assert!(!figures.from_issuer);
}

#[test]
fn without_terms_only_the_issuer_knows_the_closing_and_only_for_a_cycle() {
    let bare = Account { terms: None, ..card() };
    assert_eq!(last_closing(&bare, TODAY), None);
    let figures_without = shown(&bare);
    assert_eq!(figures_without.current_balance, Some(usd("812.40")));
    assert_eq!(figures_without.statement_balance, None);
    assert_eq!(figures_without.paid_since_closing, None);
    assert_eq!(figures_without.next_closing_on, None);
    let told = Account { issuer: Some(issuer(date(2026, 10, 25))), ..bare };
    assert_eq!(shown(&told).statement_balance, Some(usd("700")));
    let much_later = date(2026, 12, 20);
    assert_eq!(last_closing(&told, much_later), None, "a newer cycle has closed unseen");
}

#[test]
fn before_any_file_gave_a_balance_there_is_none() {
    let figures = shown(&Account { balance: None, ..card() });
    assert_eq!(figures.current_balance, None);
    assert_eq!(figures.statement_balance, None);
    assert_eq!(figures.minimum_due, None);
    assert_eq!(figures.due_on, Some(date(2026, 11, 19)), "the dates are known all the same");
}

#[test]
fn a_card_in_credit_owes_nothing_and_has_no_minimum() {
    let account = Account { balance: Some(usd("50")), ..card() };
    let sums = CycleSums::none(Currency::USD);
    let figures = figures(&account, &sums, TODAY).expect("in range");
    assert_eq!(figures.current_balance, Some(usd("-50")));
    assert_eq!(figures.statement_balance, Some(usd("-50")));
    assert_eq!(figures.minimum_due, Some(usd("0")));
    assert_eq!(figures.paid_since_closing, Some(usd("0")));
}

#[test]
fn the_minimum_is_the_larger_of_floor_and_share_and_never_above_the_balance() {
    let minimum = |owed: &str| terms().minimum_of(usd(owed)).expect("in range");
    assert_eq!(minimum("20"), Some(usd("20")), "less is owed than the floor");
    assert_eq!(minimum("1000"), Some(usd("35")), "2 % is 20: the floor is more");
    assert_eq!(minimum("3000"), Some(usd("60")));
    assert_eq!(minimum("3000.01"), Some(usd("60.01")), "a part of a cent counts as one");
    assert_eq!(minimum("0"), Some(usd("0")));
    let neither = CardTerms { minimum_floor: None, minimum_share: None, ..terms() };
    assert_eq!(neither.minimum_of(usd("1000")), Ok(None));
    let share_alone = CardTerms { minimum_floor: None, ..terms() };
    assert_eq!(share_alone.minimum_of(usd("1000")), Ok(Some(usd("20"))));
    let largest = Money::new(Money::MINOR_MAX, Currency::USD).expect("in range");
    let all = CardTerms { minimum_share: Some(1_000_000), ..terms() };
    assert_eq!(all.minimum_of(largest), Ok(Some(largest)));
    let floor_in_euros = CardTerms { minimum_floor: Money::parse("35", Currency::EUR).ok(), ..terms() };
    assert!(floor_in_euros.minimum_of(usd("1000")).is_err());
}

#[test]
fn what_was_paid_since_closing_is_at_most_what_was_owed() {
    let sums = CycleSums { paid_since_closing: usd("900"), ..CycleSums::none(Currency::USD) };
    let figures = figures(&card(), &sums, TODAY).expect("in range");
    assert_eq!(figures.paid_since_closing, Some(usd("812.40")));
}

#[test]
fn unused_credit_is_the_issuers_word_or_the_limit_less_owed_and_pending() {
    let said = Account { available: Some(usd("4000")), ..card() };
    assert_eq!(shown(&said).unused_credit, Some(usd("4000")));
    let limited = Account { issuer: Some(issuer(date(2026, 10, 25))), ..card() };
    assert_eq!(shown(&limited).unused_credit, Some(usd("4147.60")), "5,000 less 812.40 and 40 pending");
    let over = Account { balance: Some(usd("-6000")), ..limited.clone() };
    assert_eq!(shown(&over).unused_credit, Some(usd("0")));
    let refund = CycleSums { pending: usd("500"), ..CycleSums::none(Currency::USD) };
    let unused = figures(&limited, &refund, TODAY).expect("in range").unused_credit;
    assert_eq!(unused, Some(usd("4187.60")), "a pending refund is not counted on");
    assert_eq!(shown(&card()).unused_credit, None);
}

#[test]
fn a_cycle_stays_open_to_the_end_of_its_closing_day() {
    assert_eq!(terms().closing_before(date(2026, 11, 25)), date(2026, 10, 25));
    assert_eq!(terms().closing_on_or_after(date(2026, 11, 25)), date(2026, 11, 25));
    assert_eq!(terms().closing_before(date(2026, 11, 26)), date(2026, 11, 25));
    assert_eq!(terms().closing_on_or_after(date(2026, 11, 26)), date(2026, 12, 25));
}

#[test]
fn closing_on_the_31st_clamps_and_returns() {
    let month_end = CardTerms { closing_day: 31, ..terms() };
    let mut closing = date(2026, 12, 31);
    let closings = std::iter::repeat_with(|| {
        closing = month_end.closing_on_or_after(days::shifted(closing, 1));
        (closing.month(), closing.day())
    });
    assert_eq!(closings.take(4).collect::<Vec<_>>(), [(1, 31), (2, 28), (3, 31), (4, 30)]);
    assert_eq!(month_end.closing_before(date(2027, 3, 1)), date(2027, 2, 28));
}

#[test]
fn a_payment_is_due_so_many_days_later_or_on_the_next_such_day() {
    let due = |closing_day, due, closed_on| CardTerms { closing_day, due, ..terms() }.due_after(closed_on);
    assert_eq!(due(25, DueRule::DaysAfterClosing(25), date(2026, 12, 25)), date(2027, 1, 19));
    assert_eq!(due(25, DueRule::DayOfMonth(20), date(2026, 12, 25)), date(2027, 1, 20));
    assert_eq!(due(3, DueRule::DayOfMonth(28), date(2026, 12, 3)), date(2026, 12, 28));
    assert_eq!(due(28, DueRule::DayOfMonth(31), date(2027, 2, 28)), date(2027, 3, 31), "not the closing day itself");
    assert_eq!(due(31, DueRule::DayOfMonth(31), date(2027, 1, 31)), date(2027, 2, 28));
}

#[test]
fn a_card_of_the_server_is_due_on_one_day_of_every_month_with_at_least_three_weeks_to_pay() {
    for closing_day in 1..=28 {
        let terms = CardTerms { closing_day, due: DueRule::of_served(closing_day), ..terms() };
        assert_eq!(terms.check(Currency::USD), Ok(()));
        // Four years, of which one is a leap year.
        let mut closed_on = terms.closing_on_or_after(date(2027, 1, 1));
        let day = terms.due_after(closed_on).day();
        for _ in 0..48 {
            let due_on = terms.due_after(closed_on);
            assert_eq!(due_on.day(), day, "of the closing of {closed_on}");
            let days_to_pay = days::number_of(due_on) - days::number_of(closed_on);
            let few = if closing_day > 6 { 22..=25 } else { 25..=28 };
            assert!(few.contains(&days_to_pay), "{closed_on} is due on {due_on}");
            let next = terms.closing_on_or_after(days::shifted(closed_on, 1));
            assert!(due_on < next, "{closed_on} is due on {due_on}");
            closed_on = next;
        }
    }
    assert_eq!(DueRule::of_served(25), DueRule::DayOfMonth(19));
    assert_eq!(DueRule::of_served(7), DueRule::DayOfMonth(1));
    assert_eq!(DueRule::of_served(6), DueRule::DayOfMonth(3));
    assert_eq!(DueRule::of_served(4), DueRule::DayOfMonth(1));
    assert_eq!(DueRule::of_served(3), DueRule::DayOfMonth(28));
    assert_eq!(DueRule::of_served(1), DueRule::DayOfMonth(26));
}

#[test]
fn terms_are_checked() {
    let check = |terms: CardTerms| terms.check(Currency::USD);
    assert_eq!(check(terms()), Ok(()));
    assert_eq!(check(CardTerms { closing_day: 0, ..terms() }), Err(TermsError::ClosingDay));
    assert_eq!(check(CardTerms { closing_day: 32, ..terms() }), Err(TermsError::ClosingDay));
    assert_eq!(check(CardTerms { due: DueRule::DaysAfterClosing(61), ..terms() }), Err(TermsError::Due));
    assert_eq!(check(CardTerms { due: DueRule::DayOfMonth(0), ..terms() }), Err(TermsError::Due));
    assert_eq!(check(CardTerms { minimum_floor: Some(usd("-1")), ..terms() }), Err(TermsError::MinimumFloor));
    assert_eq!(check(CardTerms { minimum_share: Some(1_000_001), ..terms() }), Err(TermsError::MinimumShare));
    assert_eq!(terms().check(Currency::EUR), Err(TermsError::MinimumFloor));
}

#[test]
fn payments_are_rounded_up_and_the_last_one_is_what_is_left_for_it() {
    let opened_on = date(2026, 11, 2);
    let figures = |offer: PlanOffer, text: &str| {
        let id = PlanId::from_uuid(uuid::Uuid::from_u128(1));
        let plan = offer.plan(id, "Lamps".to_owned(), &terms(), opened_on, usd(text), (usd(text), opened_on));
        plan.and_then(|plan| plan.figures(Some(&terms()), opened_on)).expect("in range")
    };
    for (months, amount, each, last) in
        [(6, "64.90", "10.82", "10.80"), (12, "50.00", "4.17", "4.13"), (6, "60.00", "10.00", "10.00")]
    {
        let stands = figures(PlanOffer::EqualPayments { months }, amount);
        assert_eq!((stands.payments, stands.each, stands.last), (Some(months.into()), usd(each), usd(last)));
    }
    let deferred = figures(PlanOffer::DeferredInterest { months: 6 }, "64.90");
    let others = i64::from(deferred.payments_left) - 1;
    assert_eq!(deferred.each.minor() * others + deferred.last.minor(), 6_490, "together they are all of it");
}

#[test]
fn what_pays_off_in_36_months_is_offered_only_where_it_is_not_below_what_the_statement_asks_for() {
    let terms = CardTerms {
        minimum_floor: Some(usd("30")),
        minimum_share: Some(10_000),
        minimum_adds_charges: true,
        apr: Apr::new(279_900).ok(),
        ..terms()
    };
    let purchases =
        repayment::Rated { owed: usd("1052.60"), apr: terms.apr.expect("a rate"), then: None, installment: None };
    let offered = |minimum_due: &str| {
        let told = repayment::repayment(&terms, &[purchases], Some(usd(minimum_due)), Currency::USD);
        told.expect("in range").expect("something is owed").in_36_months.is_some()
    };
    assert!(offered("30"));
    assert!(!offered("93.30"), "the late fee and the interest are in the minimum");
}

#[test]
fn what_pays_off_in_36_months_is_not_offered_beside_a_minimum_that_is_told_as_three_years() {
    let terms = CardTerms {
        minimum_floor: Some(usd("30")),
        minimum_share: Some(10_000),
        minimum_adds_charges: true,
        ..terms()
    };
    // 30 a month pay so much off in 36, 37, 41 and 42 months.
    for (owed, months, is_offered) in
        [("1080", 36, false), ("1110", 37, false), ("1230", 41, false), ("1260", 42, true)]
    {
        let balance = repayment::Rated { owed: usd(owed), apr: Apr::ZERO, then: None, installment: None };
        let told = repayment::repayment(&terms, &[balance], None, Currency::USD);
        let told = told.expect("in range").expect("something is owed");
        assert_eq!(told.minimum, repayment::MinimumOnly::PaysOff { months, total: usd(owed) });
        assert_eq!(told.in_36_months.is_some(), is_offered, "{months} months");
        assert_eq!(repayment::years_told(months), if is_offered { 4 } else { 3 });
    }
}

#[test]
fn the_last_payment_of_a_plan_of_the_server_counts_from_the_statement_that_asks_for_it() {
    // The statement of 25 November is due on 19 December, the one of 25 December on 19 January.
    let terms = CardTerms { due: DueRule::of_served(25), ..terms() };
    let today = date(2026, 12, 2);
    let id = PlanId::from_uuid(uuid::Uuid::from_u128(1));
    let offer = PlanOffer::EqualPayments { months: 6 };
    let plan = offer.plan(id, "Lamps".to_owned(), &terms, today, usd("60"), (usd("60"), today)).expect("in range");
    let last_on = |asked: &[Asked]| plan.figures_served(&terms, asked, today).expect("in range").last_on;
    let asked = Asked { plan: id, amount: usd("10") };
    assert_eq!(last_on(&[asked]), Some(date(2027, 5, 19)), "the last statement asks for it");
    assert_eq!(last_on(&[]), Some(date(2027, 6, 19)), "the next one does");
}
