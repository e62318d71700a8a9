//! Bills on this device: templates, their occurrences and marks. Works offline; changes wait in the outbox.

use api::bills::BillEdit;
use domain::bills::{Bill, BillError, Mark, Occurrence, OccurrenceState, sorted_remind_days};
use domain::ids::{BillId, BillerId, PaymentId};
use domain::money::Money;
use domain::schedule::Schedule;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

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
    #[specta(type = String)]
    pub due_on: Date,
    /// What is owed for this date in all.
    pub amount: Money,
    /// What no payment covers yet, on its way or settled; never below zero.
    pub left: Money,
    pub estimated: bool,
    pub state: OccurrenceState,
    /// From today; negative when late.
    pub days: i32,
    /// It can be paid through this server.
    pub payable: bool,
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
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BillView {
    pub bill: Bill,
    pub biller_name: Option<String>,
    pub payable: bool,
    /// The first date from today on that is neither paid nor skipped.
    #[specta(type = Option<String>)]
    pub next_due_on: Option<Date>,
    /// Its last 12 settled or skipped occurrences, newest first.
    pub history: Vec<OccurrenceView>,
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
    /// Takes back every mark.
    Unmarked,
}

/// Unsettled occurrences are shown this far back.
pub(crate) const LATE_DAYS: i32 = 365;
const RECENT_DAYS: i32 = 30;
const AHEAD_DAYS: i32 = 60;
/// "Soon": due within so many days.
pub(crate) const SOON_DAYS: i32 = 7;
const HISTORY_MAX: usize = 12;
/// How far back a bill's history is looked for.
const HISTORY_DAYS: i32 = 12 * 366;
const BILLS_MAX: usize = 1_000;
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
        occurrences.retain(|view| view.due_on >= recent || !is_over(view.state));
        let bills = book.bills.iter().map(|bill| bill_view(&book, bill)).collect();
        Ok(BillsView { today, occurrences, bills })
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

    pub async fn add(&self, new: NewBill) -> Result<BillId, ClientError> {
        let open = self.0.open_now()?;
        let bill = Bill {
            id: self.0.fresh(BillId::new),
            name: new.name.trim().to_owned(),
            amount: new.amount,
            estimated: new.estimated,
            schedule: new.schedule,
            biller: new.biller,
            reference: new.reference.filter(|text| !text.trim().is_empty()),
            card: None,
            remind_days: sorted_remind_days(new.remind_days),
            note: new.note.filter(|text| !text.trim().is_empty()),
        };
        bill.check()?;
        let book = self.book().await?;
        if book.bills.len() >= BILLS_MAX {
            return Err(ClientError::refused("too_many", "there are 1,000 bills already", "remove some first"));
        }
        if bill.biller.is_some_and(|biller| !book.billers.contains_key(&biller)) {
            return Err(ClientError::not_found("biller"));
        }
        let id = bill.id;
        self.0.change(&open, Change::AddBill { bill }).await?;
        Ok(id)
    }

    /// Changes the fields that are given; on other devices' edits the later one wins, field by field.
    pub async fn edit(&self, id: BillId, edit: BillEdit) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        let before = self.find(id).await?;
        edit.clone().applied_to(before).check()?;
        self.0.change(&open, Change::EditBill { bill: id, edit }).await
    }

    /// Payments that were made stay.
    pub async fn remove(&self, id: BillId) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        self.find(id).await?;
        self.0.change(&open, Change::RemoveBill { bill: id }).await
    }

    pub async fn mark(&self, bill: BillId, due_on: Date, mark: MarkAs) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        let book = self.book().await?;
        let bill = book.bill(bill).ok_or_else(|| ClientError::not_found("bill"))?;
        let occurrence = book.occurrence(bill, due_on).ok_or_else(|| ClientError::not_found("due date"))?;
        let before = book.marks_of(bill.id).iter().find(|known| known.due_on == due_on);
        let mut after = before.cloned().unwrap_or_else(|| Mark::new(bill.id, due_on));
        match mark {
            MarkAs::Paid { amount } => {
                after.paid_elsewhere = Some(paid_in_full(amount, &after, &occurrence)?);
                after.skipped = false;
            }
            MarkAs::Skipped => after.skipped = true,
            MarkAs::Amount { amount } => after.amount = Some(amount),
            MarkAs::Unmarked => after = Mark::new(bill.id, due_on),
        }
        after.check(bill)?;
        let change = if after.is_blank() {
            Change::ClearMark { bill: bill.id, due_on }
        } else {
            Change::SetMark { mark: after }
        };
        self.0.change(&open, change).await?;
        self.0.reminders().withdraw_settled().await
    }

    pub(crate) async fn book(&self) -> Result<Book, ClientError> {
        let today = self.0.today();
        self.0.with(async |open| Book::read(&open.cache, today).await).await
    }
}

/// What is said to be paid outside: the amount given, or all that nothing else covers.
fn paid_in_full(amount: Option<Money>, mark: &Mark, occurrence: &Occurrence) -> Result<Money, ClientError> {
    if let Some(amount) = amount {
        return Ok(amount);
    }
    let before = mark.paid_elsewhere.unwrap_or(Money::zero(occurrence.amount.currency()));
    let full = occurrence.left.plus(before).map_err(|_| amount_refused())?;
    Ok(if full.is_positive() { full } else { occurrence.amount })
}

pub(crate) fn amount_refused() -> ClientError {
    ClientError::refused("invalid_amount", "the amount is not one that can be used here", "correct the amount")
}

pub(crate) const fn is_over(state: OccurrenceState) -> bool {
    matches!(state, OccurrenceState::Paid | OccurrenceState::Skipped)
}

/// Late, or due soon, and nothing on its way.
pub(crate) fn needs_person(view: &OccurrenceView) -> bool {
    let open = matches!(view.state, OccurrenceState::Due | OccurrenceState::Overdue | OccurrenceState::PartlyPaid);
    open && view.left.is_positive() && view.days <= SOON_DAYS
}

fn bill_view(book: &Book, bill: &Bill) -> BillView {
    let mut history = book.occurrences(bill, shifted(book.today, -HISTORY_DAYS), shifted(book.today, AHEAD_DAYS));
    history.retain(Occurrence::is_over);
    BillView {
        bill: bill.clone(),
        biller_name: book.biller_of(bill).map(|biller| biller.name.clone()),
        payable: book.payable(bill),
        next_due_on: next_due(book, bill),
        history: history.iter().rev().take(HISTORY_MAX).map(|occurrence| book.view(bill, occurrence)).collect(),
    }
}

/// Paid or skipped dates in a row that are looked past.
const OVER_MAX: usize = 100;

/// The first date from today on that is neither paid nor skipped.
fn next_due(book: &Book, bill: &Bill) -> Option<Date> {
    let dates = bill.schedule.dates(book.today, Date::MAX).take(OVER_MAX);
    dates.into_iter().find(|day| book.occurrence(bill, *day).is_none_or(|occurrence| !occurrence.is_over()))
}

impl From<BillError> for ClientError {
    fn from(error: BillError) -> Self {
        let code = match error {
            BillError::Amount | BillError::Currency => "invalid_amount",
            BillError::Schedule(_) => "invalid_date",
            BillError::Name | BillError::Reference | BillError::Note => "too_long",
            BillError::RemindDays => "invalid_request",
        };
        Self::refused(code, error.to_string(), "correct the field and try again")
    }
}
