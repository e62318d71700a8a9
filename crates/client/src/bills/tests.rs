//! Bills as a person changes them: from one date on, paused, moved, and far from home.

use domain::bills::OccurrenceState;
use domain::schedule::{Nth, Weekday};

use super::*;
use crate::testing::{World, day, monthly, usd, with_biller};

async fn dates(client: &Client, days: u16) -> Vec<(String, String)> {
    let due = client.bills().due(days).await.unwrap();
    due.iter().map(|one| (one.falls_on.to_string(), one.left.to_string())).collect()
}

fn shown(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(on, left)| ((*on).to_owned(), format!("{left} USD"))).collect()
}

async fn view(client: &Client, id: BillId) -> BillView {
    client.bills().view().await.unwrap().bills.into_iter().find(|view| view.bill.id == id).unwrap()
}

#[tokio::test]
async fn an_edit_from_one_date_on_leaves_what_stood_before() {
    let world = World::new();
    let client = world.start().await;
    let id = client.bills().add(monthly("Rent", "950", "2026-11-25")).await.unwrap();
    let before = view(&client, id).await.bill;
    let mut after = before.clone();
    after.amount = usd("1000");
    after.schedule.day = Some(1);
    let from = EditScope::From { due_on: day("2027-01-25") };
    client.bills().edit_whole(before, after, from).await.unwrap();
    let expected = [("2026-11-25", "950.00"), ("2026-12-25", "950.00"), ("2027-02-01", "1000.00")];
    assert_eq!(dates(&client, 80).await, shown(&expected));
    assert_eq!(view(&client, id).await.amount, usd("950"), "the next date still costs the old amount");

    // For all dates: one rule and one amount, from the first date on.
    let before = view(&client, id).await.bill;
    let after = Bill { amount: usd("900"), ..before.clone() };
    client.bills().edit_whole(before, after, EditScope::All).await.unwrap();
    let all = dates(&client, 80).await;
    assert!(all.iter().all(|(_, left)| left == "900.00 USD"), "{all:?}");
    world.end().await;
}

#[tokio::test]
async fn an_edit_of_the_name_keeps_the_price_steps() {
    let world = World::new();
    let client = world.start().await;
    let id = client.bills().add(monthly("Fibre", "59.99", "2026-11-25")).await.unwrap();
    let before = view(&client, id).await.bill;
    let dearer = Bill { amount: usd("64.99"), ..before.clone() };
    client.bills().edit_whole(before, dearer, EditScope::From { due_on: day("2026-12-25") }).await.unwrap();
    world.at("2026-12-20T12:00:00Z");
    let now = view(&client, id).await;
    assert_eq!(now.amount, usd("64.99"));
    let renamed = Bill { name: "Fibre, upstairs".to_owned(), amount: now.amount, ..now.bill.clone() };
    client.bills().edit_whole(now.bill.clone(), renamed, EditScope::All).await.unwrap();
    let after = view(&client, id).await.bill;
    assert_eq!((after.name.as_str(), after.amount, &after.steps), ("Fibre, upstairs", usd("59.99"), &now.bill.steps));
    world.end().await;
}

#[tokio::test]
async fn a_paused_bill_is_not_due_and_what_fell_into_the_pause_does_not_come_later() {
    let world = World::new();
    let client = world.start().await;
    let id = client.bills().add(monthly("Gym", "29", "2026-11-25")).await.unwrap();
    client.bills().pause(id, day("2026-11-21"), None).await.unwrap();
    assert_eq!(dates(&client, 400).await, shown(&[]));
    let paused = view(&client, id).await;
    assert!(!paused.paused && paused.next_due_on.is_none(), "it begins tomorrow");
    world.at("2027-01-26T12:00:00Z");
    client.bills().resume(id).await.unwrap();
    assert_eq!(dates(&client, 31).await, shown(&[("2027-02-25", "29.00")]));
    world.end().await;
}

#[tokio::test]
async fn one_date_moves_and_keeps_its_name() {
    let world = World::new();
    let client = world.start().await;
    let id = client.bills().add(monthly("Dentist", "210", "2026-11-25")).await.unwrap();
    let nominal = day("2026-11-25");
    client.bills().mark(id, nominal, MarkAs::Moved { to: day("2026-12-04") }).await.unwrap();
    assert_eq!(dates(&client, 20).await, shown(&[("2026-12-04", "210.00")]));
    let moved = client.bills().due(20).await.unwrap().remove(0);
    assert_eq!((moved.due_on, moved.days), (nominal, 14));
    client.bills().mark(id, nominal, MarkAs::Paid { amount: None }).await.unwrap();
    assert_eq!(dates(&client, 20).await, shown(&[]));
    client.bills().mark(id, nominal, MarkAs::Unmarked).await.unwrap();
    assert_eq!(dates(&client, 20).await, shown(&[("2026-11-25", "210.00")]));
    let far = client.bills().mark(id, nominal, MarkAs::Moved { to: day("2028-01-01") }).await;
    assert_eq!(far.unwrap_err().code, "invalid_date");
    world.end().await;
}

#[tokio::test]
async fn each_word_about_a_date_is_taken_back_to_exactly_what_stood_before() {
    let world = World::new();
    let client = world.start().await;
    let id = client.bills().add(monthly("Dentist", "210", "2026-11-25")).await.unwrap();
    let nominal = day("2026-11-25");
    let mark = async || {
        let book = client.bills().book().await.unwrap();
        book.marks_of(id).first().cloned().unwrap_or_else(|| Mark::new(id, nominal))
    };
    let steps = [
        MarkAs::Amount { amount: usd("180") },
        MarkAs::Moved { to: day("2026-12-04") },
        MarkAs::Paid { amount: Some(usd("40")) },
        MarkAs::Skipped,
        MarkAs::Paid { amount: None },
        MarkAs::Unmarked,
    ];
    let mut stood = Vec::new();
    for step in steps.clone() {
        stood.push((mark().await, client.bills().mark(id, nominal, step).await.unwrap()));
    }
    // By its id, and as the last one: the newest first.
    for (at, (before, change)) in stood.into_iter().enumerate().rev() {
        let change = (at % 2 == 0).then_some(change);
        let undone = client.bills().undo(id, nominal, change).await.unwrap();
        assert_eq!((undone, mark().await), (Undone { whole: true, all_by: None }, before), "{:?}", steps[at]);
    }
    // One of several, while the others stay.
    let skip = client.bills().mark(id, nominal, MarkAs::Skipped).await.unwrap();
    client.bills().mark(id, nominal, MarkAs::Amount { amount: usd("180") }).await.unwrap();
    client.bills().undo(id, nominal, Some(skip)).await.unwrap();
    assert_eq!(mark().await, Mark { amount: Some(usd("180")), ..Mark::new(id, nominal) });
    assert_eq!(client.bills().undo(id, nominal, Some(skip)).await.unwrap_err().code, "not_found", "once");
    world.end().await;
}

#[tokio::test]
async fn the_clock_of_a_person_who_travels_shifts_no_due_date() {
    let world = World::new();
    world.zone.to("America/New_York");
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950", "2026-11-20")).await.unwrap();
    let stands = async || {
        let one = client.bills().due(10).await.unwrap().remove(0);
        (one.state, one.days)
    };
    // Noon in New York, already the next day in Auckland.
    world.at("2026-11-20T17:00:00Z");
    for zone in ["America/New_York", "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kolkata"] {
        world.zone.to(zone);
        assert_eq!(stands().await, (OccurrenceState::Due, 0), "{zone}");
    }
    world.at("2026-11-21T05:00:00Z");
    for zone in ["America/New_York", "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kolkata"] {
        world.zone.to(zone);
        assert_eq!(stands().await, (OccurrenceState::Overdue, -1), "{zone}");
    }
    world.end().await;
}

#[tokio::test]
async fn after_the_cut_off_of_its_biller_a_bill_is_late_on_its_own_day() {
    let world = World::new();
    let client = world.start().await;
    let biller = with_biller(&client).await;
    client.bills().add(NewBill { biller: Some(biller), ..monthly("Phone", "40", "2026-11-20") }).await.unwrap();
    let state = async || client.bills().due(0).await.unwrap().remove(0).state;
    world.at("2026-11-20T16:59:59Z");
    assert_eq!(state().await, OccurrenceState::Due);
    world.at("2026-11-20T17:00:00Z");
    assert_eq!(state().await, OccurrenceState::Overdue);
    world.end().await;
}

#[tokio::test]
async fn pay_by_counts_the_lead_time_back_over_banking_days() {
    let world = World::new();
    let client = world.start().await;
    let mut council = monthly("Council", "120", "2026-11-30");
    council.schedule.calendar = domain::calendar::Calendar::FederalReserve;
    council.lead_days = 2;
    council.grace_days = 5;
    council.issue_days = Some(14);
    client.bills().add(council).await.unwrap();
    let one = client.bills().due(30).await.unwrap().remove(0);
    assert_eq!(one.pay_by, day("2026-11-25"), "Friday, and the Wednesday before Thanksgiving");
    assert_eq!((one.issued_on, one.grace_until), (Some(day("2026-11-16")), day("2026-12-05")));
    world.end().await;
}

#[tokio::test]
async fn a_bill_is_of_its_card_from_the_first_moment_on() {
    let world = World::new();
    let client = world.start().await;
    let card = domain::ids::AccountId::new("2026-01-01T00:00:00Z".parse().unwrap(), [3; 10]);
    let new = NewBill { card: Some(card), ..monthly("Card", "80", "2026-11-25") };
    let id = client.bills().add(new).await.unwrap();
    assert_eq!(view(&client, id).await.bill.card, Some(card));
    world.end().await;
}

#[tokio::test]
async fn the_month_names_the_bank_holidays_of_the_calendars_that_its_bills_follow() {
    use domain::calendar::Calendar::{EnglandWales, FederalReserve};

    let world = World::new();
    let client = world.start().await;
    let of = |name, calendar| {
        let mut bill = monthly(name, "40", "2026-12-30");
        bill.schedule.calendar = calendar;
        bill
    };
    client.bills().add(of("Cash box", domain::calendar::Calendar::WeekendsOnly)).await.unwrap();
    assert!(client.bills().view().await.unwrap().holidays.is_empty(), "nobody's banks are asked for");

    client.bills().add(of("Council", EnglandWales)).await.unwrap();
    client.bills().add(of("Loan", FederalReserve)).await.unwrap();
    let view = client.bills().view().await.unwrap();
    let named = |on: &str| {
        let of_day = view.holidays.iter().filter(|holiday| holiday.on == day(on));
        of_day.map(|holiday| (holiday.name.as_str(), holiday.calendars.clone())).collect::<Vec<_>>()
    };
    assert_eq!(view.today, day("2026-11-20"));
    assert_eq!(named("2026-10-12"), [("Columbus Day", vec![FederalReserve])], "the month before is whole");
    assert_eq!(named("2026-11-26"), [("Thanksgiving Day", vec![FederalReserve])]);
    assert_eq!(named("2026-12-25"), [("Christmas Day", vec![FederalReserve, EnglandWales])], "one day, said once");
    assert_eq!(named("2026-12-28"), [("Boxing Day (substitute)", vec![EnglandWales])]);
    assert!(named("2026-11-27").is_empty());

    let timeline = client.home().await.unwrap().timeline;
    let closed: Vec<Date> = timeline.iter().filter(|one| !one.holidays.is_empty()).map(|one| one.on).collect();
    assert_eq!(closed, [day("2026-11-26")], "the thirty days of Home name the same ones");
    world.end().await;
}

#[tokio::test]
async fn a_rule_shows_its_dates_before_it_is_kept_and_reads_what_other_programs_say() {
    let world = World::new();
    let client = world.start().await;
    let rule = read_rrule("FREQ=MONTHLY;BYDAY=-1FR", day("2026-11-20")).unwrap();
    let next = client.bills().next_dates(&rule).unwrap();
    assert_eq!(next, ["2026-11-27", "2026-12-25", "2027-01-29", "2027-02-26"].map(day));
    let id = client.bills().add(NewBill { schedule: rule, ..monthly("Club", "10", "2026-11-20") }).await.unwrap();
    let kept = view(&client, id).await.bill.schedule;
    assert_eq!(kept.nth, Some(Nth::Weekday { nth: -1, weekday: Weekday::Friday }));
    assert_eq!(kept.starts_on, day("2026-11-27"), "it is said by its first date");
    assert_eq!(write_rrule(&kept).as_deref(), Some("FREQ=MONTHLY;BYDAY=-1FR"));
    assert_eq!(read_rrule("FREQ=MONTHLY;BYMONTHDAY=31", day("2026-11-20")).unwrap_err().code, "invalid_date");
    world.end().await;
}

#[tokio::test]
async fn a_bill_says_what_it_usually_costs_and_when_it_rose() {
    let world = World::new();
    let client = world.start().await;
    let power = NewBill { estimated: true, ..monthly("Power", "76", "2026-07-25") };
    let id = client.bills().add(power).await.unwrap();
    assert_eq!((view(&client, id).await.band, view(&client, id).await.rise), (None, None));
    for (on, paid) in [("2026-07-25", "75"), ("2026-08-25", "79"), ("2026-09-25", "76.77"), ("2026-10-25", "78")] {
        client.bills().mark(id, day(on), MarkAs::Amount { amount: usd(paid) }).await.unwrap();
        client.bills().mark(id, day(on), MarkAs::Paid { amount: None }).await.unwrap();
    }
    let band = view(&client, id).await.band.unwrap();
    assert_eq!((band.low, band.usual, band.high, band.count), (usd("75"), usd("76.77"), usd("79"), 4));
    client.bills().mark(id, day("2026-11-25"), MarkAs::Amount { amount: usd("94.17") }).await.unwrap();
    let rise = view(&client, id).await.rise.unwrap();
    assert_eq!((rise.due_on, rise.usual, rise.by, rise.percent), (day("2026-11-25"), usd("76.77"), usd("17.40"), 22));
    assert_eq!(rise.before.len(), 4, "the evidence");
    assert_eq!(client.home().await.unwrap().rises, [rise]);
    client.bills().mark(id, day("2026-11-25"), MarkAs::Amount { amount: usd("79.50") }).await.unwrap();
    assert_eq!(view(&client, id).await.rise, None);
    world.end().await;
}

#[tokio::test]
async fn a_price_step_is_no_rise() {
    let world = World::new();
    let client = world.start().await;
    let id = client.bills().add(monthly("Stream", "11.99", "2026-09-25")).await.unwrap();
    for on in ["2026-09-25", "2026-10-25"] {
        client.bills().mark(id, day(on), MarkAs::Paid { amount: None }).await.unwrap();
    }
    client.bills().mark(id, day("2026-11-25"), MarkAs::Amount { amount: usd("13.99") }).await.unwrap();
    assert_eq!(view(&client, id).await.rise.unwrap().by, usd("2"));
    let before = view(&client, id).await.bill;
    let dearer = Bill { amount: usd("13.99"), ..before.clone() };
    client.bills().edit_whole(before, dearer, EditScope::From { due_on: day("2026-11-25") }).await.unwrap();
    assert_eq!(view(&client, id).await.rise, None, "it was agreed");
    world.end().await;
}
