//! What an autopay pays: the due dates of a bill with all that was said about them, or what the last statement of a card
//! asks for. It says whom, until when and how much; it makes and changes nothing.

use domain::autopay::{Autopay, AutopayError, AutopayOf, AutopayTerms, CardOwes};
use domain::bills::{Bill, Mark, Occurrence, PaymentOf, occurrence_named, occurrences};
use domain::card::closing::CardBill;
use domain::ids::{BillId, BillerId, HolderId, PaymentId};
use domain::money::{Currency, Money, MoneyError};
use domain::payments::PaymentOrder;
use jiff::civil::Date;

use super::ahead::shifted;
use super::store::Kept;
use crate::App;
use crate::card::{self, Card};
use crate::db::{DbError, DbResult, Read, Tx};
use crate::payments::by_itself;
use crate::{bills, ledger, statements};

/// What was paid for due dates of now was ordered at most so many days ago.
const PAID_BEFORE_DAYS: i32 = PaymentOrder::SEND_DAYS_AHEAD_MAX;

pub(super) enum Payable {
    Bill(Box<Bill>),
    Card { card: Card, name: String },
}

impl Payable {
    pub fn of_bill(bill: Bill) -> Self {
        Self::Bill(Box::new(bill))
    }

    pub async fn find(tx: &mut Tx, holder: HolderId, of: AutopayOf) -> DbResult<Option<Self>> {
        match of {
            AutopayOf::Bill(id) => Ok(bills::find(tx, holder, id).await?.map(Self::of_bill)),
            AutopayOf::Card(id) => {
                let Some(card) = tx.ask(card::store::find(holder, id)).await? else { return Ok(None) };
                let name = card::name_of(tx, holder, id).await?;
                Ok(Some(Self::Card { card, name }))
            }
        }
    }

    pub fn of(&self) -> AutopayOf {
        match self {
            Self::Bill(bill) => AutopayOf::Bill(bill.id),
            Self::Card { card, .. } => AutopayOf::Card(card.id),
        }
    }

    /// As its owner calls it.
    pub fn name(&self) -> &str {
        match self {
            Self::Bill(bill) => &bill.name,
            Self::Card { name, .. } => name,
        }
    }

    /// Whom it is paid to.
    pub fn payee(&self) -> Option<BillerId> {
        match self {
            Self::Bill(bill) => bill.biller,
            Self::Card { card, .. } => Some(AutopayOf::payee_of_card(card.id)),
        }
    }

    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Bill(bill) => bill.reference.as_deref(),
            Self::Card { .. } => None,
        }
    }

    pub fn currency(&self) -> Currency {
        match self {
            Self::Bill(bill) => bill.amount.currency(),
            Self::Card { card, .. } => card.limit.currency(),
        }
    }

    pub fn check(&self, terms: &AutopayTerms) -> Result<(), AutopayError> {
        match self {
            Self::Bill(bill) => terms.check(bill),
            Self::Card { card, .. } => terms.check_card(card.limit.currency()),
        }
    }

    /// What a yes to these terms is bound to; none where nobody is paid.
    pub fn digest(&self, terms: &AutopayTerms) -> Option<String> {
        Some(terms.digest(self.of(), self.payee()?, self.reference()))
    }

    /// Whether it is paid to whom and as was said yes to.
    pub fn is_as_approved(&self, kept: &Kept) -> bool {
        let terms = &kept.autopay.terms;
        self.check(terms).is_ok() && self.digest(terms).as_ref() == Some(&kept.digest)
    }

    /// Whether an order is of just this.
    pub fn is_paid_by(&self, order: &PaymentOrder) -> bool {
        self.payee() == Some(order.biller) && self.reference() == order.reference.as_deref()
    }
}

/// A due date that something is to be paid for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// Its name.
    pub on: Date,
    /// The day by which it has to be there.
    pub falls_on: Date,
    pub amount: Money,
}

/// What leaves or left for a bill, as far as it says anything of due dates of now; `payee` and `currency` say whose days
/// count.
pub(super) fn paid(
    app: &App,
    holder: HolderId,
    bill: BillId,
    payee: BillerId,
    currency: Currency,
) -> DbResult<impl Read<Answer = Vec<PaymentOf>> + use<>> {
    let today = by_itself::today(app, payee, currency, app.clock.now());
    Ok(by_itself::of_bill(holder, bill, shifted(today, -PAID_BEFORE_DAYS)?))
}

/// What is to be paid on these terms, as it stands on a day.
pub(super) struct Sight<'a> {
    app: &'a App,
    terms: &'a AutopayTerms,
    payable: &'a Payable,
    pub payee: BillerId,
    pub today: Date,
    /// What was said about the due dates of a bill.
    marks: Vec<Mark>,
    /// What leaves or left for it.
    pub paid: Vec<PaymentOf>,
}

impl<'a> Sight<'a> {
    /// `marks` and `paid` are those of a bill: what was said about its due dates, and what [`paid`] reads.
    pub fn of(
        app: &'a App,
        payable: &'a Payable,
        terms: &'a AutopayTerms,
        marks: Vec<Mark>,
        paid: Vec<PaymentOf>,
    ) -> DbResult<Self> {
        let payee = payable.payee().ok_or(DbError::Corrupt("an autopay without a payee"))?;
        let today = by_itself::today(app, payee, payable.currency(), app.clock.now());
        Ok(Self { app, terms, payable, payee, today, marks, paid })
    }

    /// A due date as it stands without one of its payments; none when nothing is to be paid for it.
    pub async fn without(
        &self,
        tx: &mut Tx,
        holder: HolderId,
        due_on: Date,
        payment: PaymentId,
    ) -> DbResult<Option<Due>> {
        match self.payable {
            Payable::Bill(bill) => {
                let others: Vec<PaymentOf> = self.paid.iter().filter(|paid| paid.id != payment).cloned().collect();
                let stands = occurrence_named(bill, &self.marks, &others, due_on, self.today);
                Ok(stands.and_then(|stands| self.due(&stands)))
            }
            Payable::Card { card, .. } => {
                let due = self.of_statement(tx, holder, card, Some(payment)).await?;
                Ok(due.filter(|due| due.on == due_on))
            }
        }
    }

    /// Every due date that payments are made for, by date.
    pub async fn ahead(&self, tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Due>> {
        match self.payable {
            Payable::Bill(bill) => {
                let until = shifted(self.today, Autopay::AHEAD_DAYS)?;
                let all = occurrences(bill, &self.marks, &self.paid, self.today, until, self.today);
                Ok(all.iter().filter_map(|stands| self.due(stands)).collect())
            }
            Payable::Card { card, .. } => {
                let due = self.of_statement(tx, holder, card, None).await?;
                Ok(due.filter(|due| due.falls_on >= self.today).into_iter().collect())
            }
        }
    }

    fn due(&self, stands: &Occurrence) -> Option<Due> {
        let amount = self.terms.due(stands)?;
        Some(Due { on: stands.due_on, falls_on: stands.falls_on, amount })
    }

    /// What is to be paid of the last statement. What its person ordered otherwise and leaves in time is taken off.
    async fn of_statement(
        &self,
        tx: &mut Tx,
        holder: HolderId,
        card: &Card,
        without: Option<PaymentId>,
    ) -> DbResult<Option<Due>> {
        let last = tx.ask(statements::last(holder, card.id)).await?;
        let Some(last) = statements::last_bill(self.app, tx, holder, card, last).await? else { return Ok(None) };
        let bill = last.issued.bill;
        let since = shifted(self.today, -PAID_BEFORE_DAYS)?;
        let coming = by_itself::to_card(tx, holder, self.payee, (since, bill.due_on), without).await?;
        let owed = tx.ask(ledger::card_standing(holder, card.id, card.limit.currency())).await?.owed;
        let due = |coming: Vec<Money>| -> Result<Option<Money>, MoneyError> {
            let coming = Money::sum(card.limit.currency(), coming)?;
            let credited = last.credited.plus(coming)?;
            let CardBill { due_on, minimum, balance, .. } = bill;
            self.terms.due_of_card(&CardOwes { due_on, minimum, balance, owed, credited, coming })
        };
        let amount = due(coming).map_err(|_| DbError::Corrupt("what a card asks for"))?;
        Ok(amount.map(|amount| Due { on: bill.due_on, falls_on: bill.due_on, amount }))
    }
}
