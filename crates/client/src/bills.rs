//! Bills on this device: templates, their occurrences and marks. Works offline; changes wait in the outbox.

use api::bills::{BillEdit, MarkEdit};
use domain::billers::OwnBiller;
use domain::bills::{
    BAND_MOST, Band, Bill, BillError, Cost, EARLY_DAYS, Mark, Occurrence, OccurrenceState, Owed, Pause, Rise,
    sorted_remind_days,
};
use domain::calendar::Calendar;
use domain::ids::{AccountId, BillId, BillerId, MutationId, PaymentId};
use domain::money::Money;
use domain::schedule::{Schedule, ScheduleError};
use formats::rrule::{self, RruleError};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use self::undo::Said;
use crate::book::{Book, shifted};
use crate::cache;
use crate::client::Client;
use crate::error::ClientError;
use crate::outbox::Change;

/// One due date of a bill, as every screen shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct OccurrenceView {
    pub bill: BillId,
    pub name: String,
    /// The due date that names it, as the rule gives it.
    #[specta(type = String)]
    pub due_on: Date,
    /// The day it is due: `due_on` unless this one was moved.
    #[specta(type = String)]
    pub falls_on: Date,
    /// The day the bill arrives, where that is known.
    #[specta(type = Option<String>)]
    pub issued_on: Option<Date>,
    /// The last day on which paying it costs no fee.
    #[specta(type = String)]
    pub grace_until: Date,
    /// The last day on which a payment can leave to be there on the day it is due.
    #[specta(type = String)]
    pub pay_by: Date,
    /// More is owed than the bill's cap.
    pub over_cap: bool,
    /// What is owed for this date in all.
    pub amount: Money,
    /// What no payment covers yet, on its way or settled; never below zero.
    pub left: Money,
    pub estimated: bool,
    pub state: OccurrenceState,
    /// From today, where its biller is; negative when late.
    pub days: i32,
    /// It can be paid through this server.
    pub payable: bool,
    /// The card of this server whose payment it is: it is paid as a card is.
    pub card: Option<AccountId>,
    /// The statement of that card asks for it: there is no bill, and nothing of it is marked.
    pub issued: bool,
    /// The newest payment of this occurrence.
    pub payment: Option<PaymentId>,
    /// The day that payment leaves.
    #[specta(type = Option<String>)]
    pub sends_on: Option<Date>,
    /// The payment is kept here and was not sent yet.
    pub not_sent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BillsView {
    #[specta(type = String)]
    pub today: Date,
    /// Unsettled ones of the past year, and all of the last 30 and next 60 days; by due date.
    pub occurrences: Vec<OccurrenceView>,
    /// By name.
    pub bills: Vec<BillView>,
    /// What the statements of cards of this server ask for, as if they were bills; by name.
    pub cards: Vec<BillView>,
    /// The bank holidays of these bills in every month that the occurrences reach into; by day.
    pub holidays: Vec<HolidayView>,
}

/// A day on which banks are closed by a holiday, named as their country names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct HolidayView {
    #[specta(type = String)]
    pub on: Date,
    pub name: String,
    /// Whose banks: of the calendars that the bills follow.
    pub calendars: Vec<Calendar>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BillView {
    pub bill: Bill,
    /// What its next date costs, or its last one when there is none to come.
    pub amount: Money,
    /// No due dates come until it goes on, or until a day.
    pub paused: bool,
    pub biller_name: Option<String>,
    /// Its biller is one that the person added, with how it is paid.
    pub own_biller: Option<OwnBiller>,
    pub payable: bool,
    /// The first date from today on that is neither paid nor skipped.
    #[specta(type = Option<String>)]
    pub next_due_on: Option<Date>,
    /// Its last 12 settled or skipped occurrences, newest first.
    pub history: Vec<OccurrenceView>,
    /// What it cost in its last 12 dates, when at least 3 are known.
    pub band: Option<BandView>,
    /// Its newest amount is above what it was before, and nothing explains that.
    pub rise: Option<RiseView>,
}

/// The range that a bill's last amounts lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BandView {
    pub low: Money,
    pub usual: Money,
    pub high: Money,
    pub count: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RiseView {
    pub bill: BillId,
    pub name: String,
    #[specta(type = String)]
    pub due_on: Date,
    pub amount: Money,
    pub usual: Money,
    pub by: Money,
    pub percent: u32,
    /// What it is measured against, newest first, at most 6.
    pub before: Vec<CostView>,
}

/// What one due date really cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CostView {
    #[specta(type = String)]
    pub due_on: Date,
    pub amount: Money,
}

/// What a person types to add a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct NewBill {
    pub name: String,
    pub amount: Money,
    pub estimated: bool,
    pub schedule: Schedule,
    pub biller: Option<BillerId>,
    pub reference: Option<String>,
    pub remind_days: Vec<u8>,
    pub note: Option<String>,
    pub cap: Option<Money>,
    pub issue_days: Option<u8>,
    #[serde(default)]
    pub grace_days: u8,
    #[serde(default)]
    pub lead_days: u8,
    /// The card whose payment it is.
    #[serde(default)]
    pub card: Option<AccountId>,
}

impl NewBill {
    /// One of which only the least is known.
    #[must_use]
    pub const fn new(name: String, amount: Money, schedule: Schedule) -> Self {
        Self {
            name,
            amount,
            estimated: false,
            schedule,
            biller: None,
            reference: None,
            remind_days: Vec::new(),
            note: None,
            cap: None,
            issue_days: None,
            grace_days: 0,
            lead_days: 0,
            card: None,
        }
    }
}

/// Which due dates an edit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EditScope {
    All,
    /// This date and later ones: what stood before keeps its rule and its amount.
    From {
        #[specta(type = String)]
        due_on: Date,
    },
}

/// What a person says about one occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MarkAs {
    /// Paid outside Billfold, in full when no amount is given.
    Paid {
        amount: Option<Money>,
    },
    Skipped,
    /// This once another amount is owed.
    Amount {
        amount: Money,
    },
    /// This once it falls on another day.
    Moved {
        #[specta(type = String)]
        to: Date,
    },
    /// Takes back every mark.
    Unmarked,
}

/// Unsettled occurrences are shown this far back.
pub(crate) const LATE_DAYS: i32 = 365;
const RECENT_DAYS: i32 = 30;
const AHEAD_DAYS: i32 = 60;
/// A calendar shows whole weeks of whole months: so much further than the days that it is about.
const MONTH_AND_WEEK: i32 = 31 + 6;
/// "Soon": due within so many days.
pub(crate) const SOON_DAYS: i32 = 7;
const HISTORY_MAX: usize = 12;
/// What a rise on the first screen is measured against.
const RISE_DAYS: i32 = 2 * 366;
const BEFORE_MAX: usize = 6;
/// How far back a bill's history is looked for.
const HISTORY_DAYS: i32 = 12 * 366;
const BILLS_MAX: usize = 1_000;
/// So many dates of a rule that is being typed are shown.
const NEXT_DATES: usize = 4;
const DUE_DAYS_MAX: u16 = 3_660;

/// Bills of this device's account.
#[derive(Clone)]
pub struct Bills(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn bills(&self) -> Bills {
        Bills(self.clone())
    }
}

impl Bills {
    pub async fn view(&self) -> Result<BillsView, ClientError> {
        let book = self.book().await?;
        let today = book.today;
        let recent = shifted(today, -RECENT_DAYS);
        let mut occurrences = book.between(shifted(today, -LATE_DAYS), shifted(today, AHEAD_DAYS));
        occurrences.retain(|view| view.falls_on >= recent || !is_over(view.state));
        let bills = book.bills.iter().map(|bill| bill_view(&book, bill)).collect();
        let cards = book.card_dates.iter().map(|date| bill_view(&book, date)).collect();
        let holidays = book.holidays(shifted(recent, -MONTH_AND_WEEK), shifted(today, AHEAD_DAYS + MONTH_AND_WEEK));
        Ok(BillsView { today, occurrences, bills, cards, holidays })
    }

    /// Occurrences that are not over, late ones included, up to so many days ahead; by due date.
    pub async fn due(&self, days: u16) -> Result<Vec<OccurrenceView>, ClientError> {
        let book = self.book().await?;
        let to = shifted(book.today, i32::from(days.min(DUE_DAYS_MAX)));
        let mut found = book.between(shifted(book.today, -LATE_DAYS), to);
        found.retain(|view| !is_over(view.state));
        Ok(found)
    }

    pub async fn find(&self, id: BillId) -> Result<Bill, ClientError> {
        let found = self.0.with(async |open| cache::bills::find_bill(open.cache.readers(), id).await).await?;
        found.ok_or_else(|| ClientError::not_found("bill"))
    }

    /// The next dates that a rule gives: what a person sees before the rule is kept.
    pub fn next_dates(&self, schedule: &Schedule) -> Result<Vec<Date>, ClientError> {
        schedule.check()?;
        let from = self.0.today().max(schedule.starts_on.min(schedule.first().unwrap_or(schedule.starts_on)));
        Ok(schedule.dates(from, Date::MAX).take(NEXT_DATES).collect())
    }

    pub async fn add(&self, new: NewBill) -> Result<BillId, ClientError> {
        self.add_as(new, None).await
    }

    /// One that was made of a suggestion.
    pub(crate) async fn add_found(&self, new: NewBill, origin: String) -> Result<BillId, ClientError> {
        self.add_as(new, Some(origin)).await
    }

    async fn add_as(&self, new: NewBill, origin: Option<String>) -> Result<BillId, ClientError> {
        let open = self.0.open_now()?;
        let id = self.0.fresh(BillId::new);
        let bill = Bill {
            estimated: new.estimated,
            biller: new.biller,
            reference: new.reference.filter(|text| !text.trim().is_empty()),
            remind_days: sorted_remind_days(new.remind_days),
            note: new.note.filter(|text| !text.trim().is_empty()),
            cap: new.cap,
            issue_days: new.issue_days,
            grace_days: new.grace_days,
            lead_days: new.lead_days,
            card: new.card,
            origin,
            // Whoever travels later must not take the due dates along.
            zone: self.0.0.ports.zone.zone().iana_name().map(str::to_owned),
            ..Bill::new(id, new.name.trim().to_owned(), new.amount, new.schedule.anchored())
        };
        check(&bill)?;
        let book = self.book().await?;
        if book.bills.len() >= BILLS_MAX {
            return Err(ClientError::refused("too_many", "there are 1,000 bills already", "remove some first"));
        }
        if bill.biller.is_some_and(|biller| !book.knows_biller(biller)) {
            return Err(ClientError::not_found("biller"));
        }
        let id = bill.id;
        self.0.change(&open, Change::AddBill { bill }).await?;
        Ok(id)
    }

    /// Changes the fields that are given. What another device changes of the same fields before the server has them is not
    /// overwritten: the server refuses, and the person decides.
    pub async fn edit(&self, id: BillId, mut edit: BillEdit) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        edit.schedule = edit.schedule.map(Schedule::anchored);
        let before = self.find(id).await?;
        check(&edit.clone().applied_to(before.clone()))?;
        edit.instead_of.get_or_insert_with(|| Box::new(before));
        self.0.change(&open, Change::EditBill { bill: id, edit }).await
    }

    /// Edits a bill as a whole, for all its dates or from one on; its amount is meant as `BillView::amount` shows it. `before`
    /// is the bill as the person saw it: only what differs from that is sent, whatever came meanwhile.
    pub async fn edit_whole(&self, before: Bill, mut after: Bill, scope: EditScope) -> Result<(), ClientError> {
        after.schedule = after.schedule.anchored();
        let after = match scope {
            EditScope::All => before.changed_for_all(after, amount_shown(&before, self.0.today())),
            EditScope::From { due_on } => before.changed_from(after, due_on, amount_shown(&before, self.0.today())),
        };
        let edit = BillEdit::between(&before, after);
        self.edit(before.id, BillEdit { instead_of: Some(Box::new(before)), ..edit }).await
    }

    /// No due dates from this day on, until a day or until it goes on.
    pub async fn pause(&self, id: BillId, from: Date, until: Option<Date>) -> Result<(), ClientError> {
        if until.is_some_and(|until| until < from) {
            return Err(ClientError::refused(
                "invalid_date",
                "the pause ends before it begins",
                "choose a last day that is not before the first",
            ));
        }
        let before = self.find(id).await?;
        let after = before.clone().paused(Pause { from, until });
        self.edit(id, BillEdit::between(&before, after)).await
    }

    /// Due dates come again from today on; those that fell into the pause stay away.
    pub async fn resume(&self, id: BillId) -> Result<(), ClientError> {
        let before = self.find(id).await?;
        let after = before.clone().resumed(self.0.today());
        self.edit(id, BillEdit::between(&before, after)).await
    }

    /// Payments that were made stay.
    pub async fn remove(&self, id: BillId) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        self.find(id).await?;
        self.0.change(&open, Change::RemoveBill { bill: id }).await
    }

    /// Gives the id of what was said, by which it can be taken back alone.
    pub async fn mark(&self, bill: BillId, due_on: Date, mark: MarkAs) -> Result<MutationId, ClientError> {
        let open = self.0.open_now()?;
        let book = self.book().await?;
        let bill = book.bill(bill).ok_or_else(|| ClientError::not_found("bill"))?;
        let occurrence = book.occurrence(bill, due_on).ok_or_else(|| ClientError::not_found("due date"))?;
        let before = book.marks_of(bill.id).iter().find(|known| known.due_on == due_on);
        let before = before.cloned().unwrap_or_else(|| Mark::new(bill.id, due_on));
        let nothing = MarkEdit::default();
        let edit = match mark {
            MarkAs::Paid { amount } => {
                let paid = paid_in_full(amount, &before, &occurrence)?;
                MarkEdit { paid_elsewhere: Some(Some(paid)), skipped: Some(false), ..nothing }
            }
            MarkAs::Skipped => MarkEdit { skipped: Some(true), ..nothing },
            MarkAs::Amount { amount } => MarkEdit { amount: Some(Some(amount)), ..nothing },
            MarkAs::Moved { to } => MarkEdit { moved_to: Some(Some(to).filter(|to| *to != due_on)), ..nothing },
            MarkAs::Unmarked => MarkEdit::taking_back(&before),
        };
        let after = edit.clone().applied_to(before.clone());
        after.check(bill)?;
        let change = self.0.fresh(MutationId::new);
        // Noted first: what was said can always be taken back.
        self.note(Said { change, before, after }).await?;
        self.0.change_as(&open, change, Change::EditMark { bill: bill.id, due_on, edit }).await?;
        self.0.reminders().withdraw_settled().await?;
        Ok(change)
    }

    pub(crate) async fn book(&self) -> Result<Book, ClientError> {
        let here = self.0.here();
        self.0.with(async |open| Book::read(&open.cache, here.clone()).await).await
    }
}

/// What is wrong with a text is said of it in words of its own.
fn check(bill: &Bill) -> Result<(), ClientError> {
    ClientError::name(&bill.name)?;
    ClientError::one_line("reference", bill.reference.as_deref().unwrap_or_default())?;
    Ok(bill.check()?)
}

/// What is said to be paid outside: the amount given, or all that nothing else covers.
fn paid_in_full(amount: Option<Money>, mark: &Mark, occurrence: &Occurrence) -> Result<Money, ClientError> {
    if let Some(amount) = amount {
        return Ok(amount);
    }
    let before = mark.paid_elsewhere.unwrap_or(Money::zero(occurrence.amount.currency()));
    // Not what is left of it: of a date that was skipped that is nothing.
    let others = occurrence.paid.minus(before).and_then(|others| others.plus(occurrence.on_its_way));
    let full = others.and_then(|others| occurrence.amount.minus(others)).map_err(|_| amount_refused())?;
    Ok(if full.is_positive() { full } else { occurrence.amount })
}

pub(crate) fn amount_refused() -> ClientError {
    ClientError::refused("invalid_amount", "the amount is not one that can be used here", "correct the amount")
}

pub(crate) const fn is_over(state: OccurrenceState) -> bool {
    matches!(state, OccurrenceState::Paid | OccurrenceState::Skipped)
}

/// Late, or due soon, and nothing on its way. A payment that is kept here is not on its way.
pub(crate) fn needs_person(view: &OccurrenceView) -> bool {
    let open = matches!(view.state, OccurrenceState::Due | OccurrenceState::Overdue | OccurrenceState::PartlyPaid);
    ((open && view.left.is_positive()) || is_kept(view)) && view.days <= SOON_DAYS
}

/// All that covers it is kept here and was not sent: so far nobody was paid.
pub(crate) fn is_kept(view: &OccurrenceView) -> bool {
    view.not_sent && view.state == OccurrenceState::Scheduled
}

/// What has to be paid yet; of one whose payment is kept here, all of it.
pub(crate) const fn owed_now(view: &OccurrenceView) -> Money {
    if view.left.is_positive() { view.left } else { view.amount }
}

/// What a person sees as the amount of a bill: that of its next date, or of its last when there is none to come.
fn amount_shown(bill: &Bill, today: Date) -> Money {
    bill.amount_on(bill.dates(today, Date::MAX).next().unwrap_or(Date::MAX))
}

fn bill_view(book: &Book, bill: &Bill) -> BillView {
    let mut history = book.occurrences(bill, shifted(book.today, -HISTORY_DAYS), shifted(book.today, AHEAD_DAYS));
    let costs = costs_of(book, bill, &history);
    history.retain(Occurrence::is_over);
    BillView {
        bill: bill.clone(),
        amount: amount_shown(bill, book.today),
        paused: bill.is_paused_on(book.today),
        biller_name: book.payee_of(bill).map(str::to_owned),
        own_biller: book.own_biller_of(bill).cloned(),
        payable: book.payable(bill),
        next_due_on: next_due(book, bill),
        history: history.iter().rev().take(HISTORY_MAX).map(|occurrence| book.view(bill, occurrence)).collect(),
        band: Band::of(&costs).map(|band| BandView {
            low: band.low,
            usual: band.usual,
            high: band.high,
            count: band.count,
        }),
        rise: rise_of(book, bill, &costs),
    }
}

/// Due dates of the last days that a payment seen in a line may settle.
pub(crate) fn owed(book: &Book, days: i32) -> Vec<Owed> {
    let (from, to) = (shifted(book.today, -days), shifted(book.today, EARLY_DAYS));
    let mut found = Vec::new();
    for bill in &book.bills {
        let band = band_of(book, bill);
        let all = book.occurrences(bill, from, to);
        found.extend(all.iter().filter_map(|one| Owed::of(bill, one, book.payee_of(bill), band.as_ref())));
    }
    found
}

/// What an estimated bill costs by its history.
pub(crate) fn band_of(book: &Book, bill: &Bill) -> Option<Band> {
    if !bill.estimated {
        return None;
    }
    let history = book.occurrences(bill, shifted(book.today, -HISTORY_DAYS), shifted(book.today, AHEAD_DAYS));
    Band::of(&costs_of(book, bill, &history))
}

/// What its dates really cost, newest first; one more than a band takes, since the newest is measured against the others.
fn costs_of(book: &Book, bill: &Bill, occurrences: &[Occurrence]) -> Vec<Cost> {
    let marks = book.marks_of(bill.id);
    let mark_of = |due_on| marks.iter().find(|mark| mark.due_on == due_on);
    let known = occurrences.iter().rev().filter_map(|one| Cost::of(one, mark_of(one.due_on)));
    known.take(BAND_MOST + 1).collect()
}

/// A rise is news for two months.
fn rise_of(book: &Book, bill: &Bill, costs: &[Cost]) -> Option<RiseView> {
    let rise = Rise::of(bill, costs).filter(|rise| rise.now.due_on >= shifted(book.today, -AHEAD_DAYS))?;
    let before = rise.before.iter().take(BEFORE_MAX);
    Some(RiseView {
        bill: bill.id,
        name: bill.name.clone(),
        due_on: rise.now.due_on,
        amount: rise.now.amount,
        usual: rise.usual,
        by: rise.by,
        percent: rise.percent,
        before: before.map(|cost| CostView { due_on: cost.due_on, amount: cost.amount }).collect(),
    })
}

/// The unexplained rises of all bills, the newest first.
pub(crate) fn rises(book: &Book) -> Vec<RiseView> {
    let reach = |bill| book.occurrences(bill, shifted(book.today, -RISE_DAYS), shifted(book.today, AHEAD_DAYS));
    let mut found: Vec<RiseView> =
        book.bills.iter().filter_map(|bill| rise_of(book, bill, &costs_of(book, bill, &reach(bill)))).collect();
    found.sort_by_key(|rise| std::cmp::Reverse(rise.due_on));
    found
}

/// Paid or skipped dates in a row that are looked past.
const OVER_MAX: usize = 100;

/// The first date from today on that is neither paid nor skipped.
fn next_due(book: &Book, bill: &Bill) -> Option<Date> {
    let dates = bill.dates(book.today, Date::MAX).take(OVER_MAX);
    dates.into_iter().find(|day| book.occurrence(bill, *day).is_none_or(|occurrence| !occurrence.is_over()))
}

/// The rule of an RRULE line of another program.
pub fn read_rrule(line: &str, starts_on: Date) -> Result<Schedule, ClientError> {
    let wrong = |error: RruleError| {
        ClientError::refused("invalid_date", error.to_string(), "say the rule by --every, --day and the other words")
    };
    rrule::read(line, starts_on).map_err(wrong)
}

/// The rule as other programs say it, when they can.
#[must_use]
pub fn write_rrule(schedule: &Schedule) -> Option<String> {
    rrule::write(schedule).ok().map(|(line, _)| line)
}

impl From<ScheduleError> for ClientError {
    fn from(error: ScheduleError) -> Self {
        BillError::from(error).into()
    }
}

impl From<BillError> for ClientError {
    fn from(error: BillError) -> Self {
        let code = match error {
            BillError::Amount | BillError::Currency => "invalid_amount",
            BillError::Schedule(_) | BillError::MovedTo => "invalid_date",
            BillError::Name | BillError::Reference | BillError::Note => "too_long",
            BillError::Steps | BillError::Earlier | BillError::Pauses | BillError::Seen => "too_many",
            BillError::RemindDays | BillError::Days | BillError::Zone => "invalid_request",
        };
        Self::refused(code, error.to_string(), "correct the field and try again")
    }
}

mod undo;

pub use undo::Undone;

#[cfg(test)]
mod tests;
