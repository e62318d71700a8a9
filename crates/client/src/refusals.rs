//! What the server did not take. It is kept with what it was, so that a person sees what it was about and can put it back:
//! nothing that was typed is dropped. Lines of an import stay on this device until that is decided.

use api::bills::BillEdit;
use api::sync::Record;
use domain::bills::Bill;
use domain::ids::{BillId, MutationId};
use domain::money::Money;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cache::{CacheError, CacheResult, Tx, accounts, bills, state};
use crate::client::{Changed, Open};
use crate::error::ClientError;
use crate::outbox::{Change, UNREADABLE};
use crate::sync::Sync;

const KEPT_MAX: usize = 100;

/// A change that the server did not take, for the person to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Refusal {
    /// Absent when nothing can be done with it.
    pub id: Option<MutationId>,
    /// `edit_bill`, `edit_mark`, …
    pub what: String,
    /// The server's code.
    pub code: String,
    #[specta(type = String)]
    pub at: Timestamp,
    /// The name of the bill, payee or account that it was about.
    pub name: Option<String>,
    #[specta(type = Option<String>)]
    pub due_on: Option<Date>,
    /// What was typed, field by field.
    pub typed: Vec<TypedField>,
    /// What stands in the same fields instead, where another device may have changed them.
    pub stands: Vec<TypedField>,
    /// Lines of an import, which only this device has.
    pub lines: Option<u32>,
    pub can_put_back: bool,
}

/// A field of a change. Neither text nor amount: it was cleared, or is more than a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct TypedField {
    pub field: String,
    pub text: Option<String>,
    pub amount: Option<Money>,
}

/// The same as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    id: Option<MutationId>,
    what: String,
    code: String,
    at: Timestamp,
    #[serde(default)]
    change: Option<Change>,
}

impl Kept {
    const fn lines(&self) -> Option<(MutationId, u32)> {
        match &self.change {
            Some(Change::Import { chunk, lines }) => Some((*chunk, *lines)),
            _ => None,
        }
    }
}

/// Tells the person of a change that will not be at the server. `id` is that of its entry.
pub(crate) async fn note(
    tx: &mut Tx,
    what: &str,
    code: &str,
    at: Timestamp,
    change: Option<(MutationId, &Change)>,
) -> CacheResult<()> {
    tracing::warn!(what, code, "the server does not get a change");
    // A part of an archive is large, and stands in the archive; one record of it is kept. What does not read is set aside.
    let is_part = |change: &Change| matches!(change, Change::Restore { records } if records.len() > 1);
    let change = change.filter(|(_, change)| code != UNREADABLE && !is_part(change));
    let (id, change) = change.map(|(id, change)| (id, change.clone())).unzip();
    let mut kept = all(&mut **tx).await?;
    kept.insert(0, Kept { id, what: what.to_owned(), code: code.to_owned(), at, change });
    // The lines of an import are on this device for as long as it is not decided about them.
    let mut others = 0;
    kept.retain(|one| {
        others += usize::from(one.lines().is_none());
        one.lines().is_some() || others <= KEPT_MAX
    });
    state::put(&mut **tx, state::REFUSALS, &kept).await
}

async fn all(db: impl sqlx::Executor<'_, Database = sqlx::Sqlite>) -> CacheResult<Vec<Kept>> {
    Ok(state::find(db, state::REFUSALS).await?.unwrap_or_default())
}

impl Sync {
    /// Changes that the server did not take, newest first.
    pub async fn refusals(&self) -> Result<Vec<Refusal>, ClientError> {
        self.0
            .with(async |open| {
                let mut shown = Vec::new();
                for kept in all(open.cache.readers()).await? {
                    shown.push(shown_of(open, kept).await?);
                }
                Ok(shown)
            })
            .await
    }

    /// The person has seen them. Lines that only this device has stay to be decided about.
    pub async fn refusals_seen(&self) -> Result<(), ClientError> {
        self.keep_only(|one| one.lines().is_some()).await?;
        Ok(())
    }

    /// Queues a refused change once more, over what stands there now: what comes after that is not overwritten either.
    pub async fn put_back(&self, id: MutationId) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        let kept = self.find(id).await?;
        let mut change = kept.change.clone().ok_or_else(gone)?;
        if let Some((chunk, _)) = kept.lines() {
            let beside = open.beside.clone();
            self.0.with(async |_| beside.bring_back_refused(chunk)).await?;
        }
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                let mut left = all(&mut *tx).await?;
                let before = left.len();
                left.retain(|one| one.id != Some(id));
                if left.len() == before {
                    return Err(CacheError::NotFound("refused change"));
                }
                state::put(&mut *tx, state::REFUSALS, &left).await?;
                if let Change::EditBill { bill, edit } = &mut change {
                    edit.instead_of = bills::find_bill(&mut *tx, *bill).await?.map(Box::new);
                }
                self.0.queue(open, &mut tx, change).await?;
                Ok(tx.commit().await?)
            })
            .await?;
        self.0.queued(&open).await;
        self.0.save_own(&open).await;
        if let Some((chunk, _)) = kept.lines() {
            self.0.with(async |open| open.beside.remove_refused(chunk)).await?;
        }
        Ok(())
    }

    /// Lets a refused change go. Lines of an import leave this device, which reads everything again.
    pub async fn let_go(&self, id: MutationId) -> Result<(), ClientError> {
        let kept = self.find(id).await?;
        if let Some((chunk, _)) = kept.lines() {
            self.0
                .with(async |open| {
                    open.beside.remove_refused(chunk)?;
                    let mut tx = open.cache.begin().await?;
                    state::remove(&mut *tx, state::CURSOR).await?;
                    Ok(tx.commit().await?)
                })
                .await?;
        }
        self.keep_only(|one| one.id != Some(id)).await?;
        self.0.tell(Changed::Book);
        self.0.0.wake.notify_one();
        Ok(())
    }

    async fn find(&self, id: MutationId) -> Result<Kept, ClientError> {
        let kept = self.0.with(async |open| all(open.cache.readers()).await).await?;
        kept.into_iter().find(|one| one.id == Some(id)).ok_or_else(gone)
    }

    async fn keep_only(&self, wanted: impl Fn(&Kept) -> bool) -> Result<(), ClientError> {
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                let mut kept = all(&mut *tx).await?;
                kept.retain(&wanted);
                state::put(&mut *tx, state::REFUSALS, &kept).await?;
                tx.commit().await?;
                self.0.save_own(open).await;
                Ok(())
            })
            .await?;
        self.0.tell(Changed::Status);
        Ok(())
    }
}

fn gone() -> ClientError {
    ClientError::not_found("refused change")
}

async fn shown_of(open: &Open, kept: Kept) -> CacheResult<Refusal> {
    let db = open.cache.readers();
    let lines = kept.lines().map(|(_, lines)| lines);
    let (mut name, mut due_on, mut fields, mut can_put_back) = (None, None, Value::Null, false);
    let mut stands = Vec::new();
    match &kept.change {
        Some(Change::AddBill { bill }) => {
            (name, can_put_back) = (Some(bill.name.clone()), true);
            fields = serde_json::json!({ "amount": bill.amount });
            for (field, text) in [("reference", &bill.reference), ("note", &bill.note)] {
                if let Some(text) = text {
                    fields[field] = text.as_str().into();
                }
            }
        }
        Some(Change::EditBill { bill, edit }) => {
            let now = bills::find_bill(db, *bill).await?;
            can_put_back = now.is_some();
            stands = now.as_ref().map(|now| standing(edit, now)).unwrap_or_default();
            name = now.map(|bill| bill.name);
            fields = serde_json::to_value(edit).unwrap_or_default();
        }
        Some(Change::EditMark { bill, due_on: of, edit }) => {
            (name, due_on) = (bill_named(open, *bill).await?, Some(*of));
            can_put_back = name.is_some();
            fields = serde_json::to_value(edit).unwrap_or_default();
        }
        Some(Change::RemoveBill { bill }) => name = bill_named(open, *bill).await?,
        Some(Change::SetMark { mark }) => (name, due_on) = (bill_named(open, mark.bill).await?, Some(mark.due_on)),
        Some(Change::ClearMark { bill, due_on: of }) => (name, due_on) = (bill_named(open, *bill).await?, Some(*of)),
        Some(Change::AnswerReminder { answer }) => {
            (name, due_on) = (bill_named(open, answer.bill).await?, Some(answer.due_on));
        }
        Some(Change::PutBiller { biller }) => (name, can_put_back) = (Some(biller.name.clone()), true),
        Some(Change::PutIncome { income }) => {
            (name, can_put_back) = (Some(income.name.clone()), true);
            fields = serde_json::json!({ "amount": income.amount });
        }
        Some(Change::EditAccount { account, edit }) => {
            name = accounts::find(db, *account).await?.map(|account| account.name);
            can_put_back = name.is_some();
            fields = serde_json::to_value(edit).unwrap_or_default();
        }
        Some(Change::PutPlan { account, .. }) => {
            name = accounts::find(db, *account).await?.map(|account| account.name);
            can_put_back = name.is_some();
        }
        Some(Change::WishPlan { .. } | Change::Import { .. }) => can_put_back = true,
        Some(Change::Restore { records }) => {
            can_put_back = true;
            match records.first() {
                Some(Record::Bill(bill)) => name = Some(bill.name.clone()),
                Some(Record::OwnBiller(biller)) => name = Some(biller.name.clone()),
                Some(Record::Income(income)) => name = Some(income.name.clone()),
                Some(Record::Mark(mark)) => {
                    (name, due_on) = (bill_named(open, mark.bill).await?, Some(mark.due_on));
                    can_put_back = name.is_some();
                }
                Some(Record::ReminderAnswer(answer)) => {
                    (name, due_on) = (bill_named(open, answer.bill).await?, Some(answer.due_on));
                    can_put_back = name.is_some();
                }
                _ => {}
            }
        }
        // Nothing was typed, or it is no longer the same to do it.
        Some(
            Change::RemoveBiller { .. }
            | Change::RemoveIncome { .. }
            | Change::AnswerSuggestion { .. }
            | Change::TakeBackSuggestion { .. }
            | Change::Pay { .. }
            | Change::CancelPayment { .. }
            | Change::RemovePlan { .. },
        )
        | None => {}
    }
    let Kept { id, what, code, at, .. } = kept;
    Ok(Refusal { id, what, code, at, name, due_on, typed: typed_in(fields), stands, lines, can_put_back })
}

async fn bill_named(open: &Open, id: BillId) -> CacheResult<Option<String>> {
    Ok(bills::find_bill(open.cache.readers(), id).await?.map(|bill| bill.name))
}

/// What a bill says now in the fields in which an edit says something else.
fn standing(edit: &BillEdit, now: &Bill) -> Vec<TypedField> {
    let edited = edit.clone().applied_to(now.clone());
    typed_in(serde_json::to_value(BillEdit::between(&edited, now.clone())).unwrap_or_default())
}

/// The fields of a change as a line can say them. What it was made from was not typed.
fn typed_in(fields: Value) -> Vec<TypedField> {
    let Value::Object(mut fields) = fields else { return Vec::new() };
    fields.remove("instead_of");
    let said = fields.into_iter().map(|(field, value)| {
        let amount = serde_json::from_value::<Money>(value.clone()).ok();
        let text = match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        TypedField { field, text, amount }
    });
    said.collect()
}
