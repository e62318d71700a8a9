//! What only an issuer's statement says: the sums of the cycle, what to pay and by when, interest by balance, plans, and
//! what the law wants told (12 CFR 1026.7(b)).

use domain::card::allocation::Part;
use domain::card::closing::Issued;
use domain::card::plans::{Plan, PlanKind};
use domain::card::repayment::{MinimumOnly, TOLD_IN_YEARS_FROM, years_told};
use domain::ids::PlanId;
use domain::money::Money;
use domain::rewards::RewardsOfCycle;
use domain::statements::StatementSummary;

use super::layout::{Column, Layout};
use super::{AMOUNT_WIDTH, day_words, pairs, words_of};
use crate::paper::{Align, LEFT, RIGHT};

/// The sums of the cycle, and what to pay.
pub(super) fn figures(layout: &mut Layout, summary: &StatementSummary, issued: &Issued) {
    let table = layout.table(pairs());
    let totals = &issued.totals;
    layout.row(table, ["Owed before".to_owned(), words_of(summary.opening.negated())]);
    layout.row(table, ["Payments".to_owned(), words_of(totals.payments.negated())]);
    layout.row(table, ["Credits".to_owned(), words_of(totals.credits.negated())]);
    layout.row(table, ["Purchases".to_owned(), words_of(totals.purchases)]);
    layout.row(table, ["Interest charged".to_owned(), words_of(totals.interest)]);
    layout.row(table, ["Fees charged".to_owned(), words_of(totals.fees)]);
    layout.strong_row(table, ["Owed at closing".to_owned(), words_of(issued.bill.balance)]);
    layout.row(table, ["Credit limit".to_owned(), words_of(issued.limit)]);
    layout.heading("What to pay");
    let table = layout.table(pairs());
    layout.strong_row(table, ["Minimum due".to_owned(), words_of(issued.bill.minimum)]);
    if !issued.bill.past_due.is_zero() {
        layout.row(table, ["Of it past due".to_owned(), words_of(issued.bill.past_due)]);
    }
    layout.strong_row(table, ["Due".to_owned(), day_words(issued.bill.due_on)]);
    layout.row(table, ["Avoids interest on purchases".to_owned(), words_of(issued.bill.in_full)]);
    if let Some(until) = issued.bill.in_time_until {
        let until = day_words(until);
        layout.note(&format!("This statement was made late: what arrives by {until} counts as paid by the due date."));
    }
    late(layout, issued);
    only_minimum(layout, issued);
}

fn late(layout: &mut Layout, issued: &Issued) {
    if let Some(fee) = issued.late_fee.filter(|_| issued.bill.minimum.is_positive()) {
        let until = day_words(issued.bill.last_day_in_time());
        layout.note(&format!(
            "Late payments: a minimum that has not arrived by {until} costs a fee of up to {}, and interest on purchases.",
            words_of(fee)
        ));
    }
}

/// The disclosure of 7(b)(12).
fn only_minimum(layout: &mut Layout, issued: &Issued) {
    let Some(repayment) = issued.repayment else { return };
    let in_36 = repayment.in_36_months;
    let MinimumOnly::PaysOff { months, total } = repayment.minimum else {
        layout.note(
            "Only the minimum: at this rate it does not even pay the interest, and the balance is never paid off. Pay more \
             than the minimum.",
        );
        if let Some(fixed) = in_36 {
            let (monthly, total) = (words_of(fixed.monthly), words_of(fixed.total));
            layout.note(&format!("With {monthly} a month it is paid off in 3 years, for {total} in all."));
        }
        return;
    };
    layout.note(
        "Only the minimum: paying no more than the minimum each month costs more interest and takes longer. If nothing \
         new is bought with the card:",
    );
    let table = layout.table(vec![
        Column::new("You pay each month", LEFT, Align::Left),
        Column::new("Paid off in about", LEFT + 180.0, Align::Left),
        Column::new("In all", RIGHT, Align::Right),
    ]);
    layout.table_head(table);
    layout.row(table, ["Only the minimum".to_owned(), time_words(months), words_of(total)]);
    if let Some(fixed) = in_36 {
        let all = format!("{}, saves {}", words_of(fixed.total), words_of(fixed.saved));
        layout.row(table, [words_of(fixed.monthly), "3 years".to_owned(), all]);
    }
}

/// From two years on the time is told in whole years, to the nearest (7(b)(12)(i)(B)).
fn time_words(months: u32) -> String {
    match months {
        1 => "1 month".to_owned(),
        _ if months < TOLD_IN_YEARS_FROM => format!("{months} months"),
        _ => format!("{} years", years_told(months)),
    }
}

/// What stands after the lines.
pub(super) fn disclosures(layout: &mut Layout, issued: &Issued) {
    interest(layout, issued);
    plans(layout, &issued.plans);
    if let Some(said) = &issued.rewards {
        rewards(layout, said);
    }
    layout.heading("Charged this year");
    let table = layout.table(pairs());
    let year = issued.bill.closed_on.year();
    layout.row(table, [format!("Interest in {year}"), words_of(issued.year.interest)]);
    layout.row(table, [format!("Fees in {year}"), words_of(issued.year.fees)]);
    layout.note(&format!(
        "How interest is worked out: purchases bear none while each statement is paid in full by its day. Otherwise each \
         day’s balance counts from the day of a purchase on; their sum times the yearly rate, divided by 365, is the \
         interest. There is no least charge. To bear none on purchases next time, pay {} by {}.",
        words_of(issued.bill.in_full),
        day_words(issued.bill.last_day_in_time())
    ));
    layout.note(
        "Where payments go: the minimum to the installments of plans and then to the lowest rate; all above it to the \
         highest rate first, or where you want it; in the last two cycles before its deadline first to a plan whose \
         interest is deferred.",
    );
}

/// What the cycle did to rewards, and what ends soon.
fn rewards(layout: &mut Layout, said: &RewardsOfCycle) {
    layout.heading("Rewards");
    let table = layout.table(pairs());
    layout.row(table, ["Rewards before".to_owned(), words_of(said.opening)]);
    layout.row(table, ["Earned".to_owned(), words_of(said.earned)]);
    layout.row(table, ["Used".to_owned(), words_of(said.redeemed.negated())]);
    layout.row(table, ["Taken back with refunds".to_owned(), words_of(said.clawed_back.negated())]);
    layout.row(table, ["Expired".to_owned(), words_of(said.lapsed.negated())]);
    if let Some(transferred) = said.transferred {
        layout.row(table, ["From or to another card".to_owned(), words_of(transferred)]);
    }
    layout.strong_row(table, ["Rewards at closing".to_owned(), words_of(said.closing)]);
    if said.closing.is_negative() {
        layout.note("More was used than was earned in the end: the next rewards pay for that first.");
    }
    if let Some(day) = said.expires_after {
        let (amount, day) = (words_of(said.expiring), day_words(day));
        layout.note(&format!("{amount} of it begins to expire after {day}, unless it is used before."));
    }
}

fn interest(layout: &mut Layout, issued: &Issued) {
    layout.heading("Interest by balance");
    let table = layout.table(vec![
        Column::new("Balance", LEFT, Align::Left).within(200.0),
        Column::new("Yearly rate", LEFT + 270.0, Align::Right),
        Column::new("Average daily balance", RIGHT - AMOUNT_WIDTH, Align::Right),
        Column::new("Interest", RIGHT, Align::Right),
    ]);
    layout.table_head(table);
    for charged in &issued.interest {
        let of = match charged.part {
            Part::Purchases => "Purchases".to_owned(),
            Part::Plan(id) => plan_name(issued, id),
        };
        layout.row(table, [of, charged.apr.to_string(), words_of(charged.average), words_of(charged.amount)]);
    }
    for landed in &issued.landed {
        let of = format!("Deferred until {}: {}", day_words(landed.on), landed.name);
        layout.row(table, [of, "–".to_owned(), "–".to_owned(), words_of(landed.amount)]);
    }
}

fn plan_name(issued: &Issued, id: PlanId) -> String {
    issued.plans.iter().find(|plan| plan.id == id).map_or_else(|| "A plan".to_owned(), |plan| plan.name.clone())
}

fn plans(layout: &mut Layout, plans: &[Plan]) {
    if plans.is_empty() {
        return;
    }
    layout.heading("Plans");
    let table = layout.table(vec![
        Column::new("Plan", LEFT, Align::Left).within(150.0),
        Column::new("Yearly rate", LEFT + 210.0, Align::Right),
        Column::new("Left", LEFT + 300.0, Align::Right),
        Column::new("What it asks for", RIGHT, Align::Right),
    ]);
    layout.table_head(table);
    for plan in plans {
        let asks = match plan.kind {
            PlanKind::EqualPayments { monthly } => format!("{} a month", words_of(monthly)),
            PlanKind::DeferredInterest { ends_on, .. } => format!("all of it by {}", day_words(ends_on)),
        };
        layout.row(table, [plan.name.clone(), plan.apr.to_string(), words_of(plan.left), asks]);
    }
    for plan in plans {
        if let PlanKind::DeferredInterest { ends_on, accrued } = plan.kind {
            let at_risk = accrued.unwrap_or(Money::zero(plan.left.currency()));
            layout.note(&format!(
                "{}: pay it off by {}, or its interest, {} so far, is charged at once.",
                plan.name,
                day_words(ends_on),
                words_of(at_risk)
            ));
        }
    }
}
