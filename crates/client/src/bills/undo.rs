//! What was said about due dates on this device, noted so that it can be taken back to exactly what stood before.

use api::bills::MarkEdit;
use domain::bills::Mark;
use domain::ids::{BillId, MutationId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Bills, MarkAs};
use crate::cache::{bills, outbox, state};
use crate::client::Changed;
use crate::error::ClientError;
use crate::outbox::Change;

const SAID: &str = "marks_said";
const SAID_MAX: usize = 100;

/// One thing that was said about a due date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Said {
    pub change: MutationId,
    pub before: Mark,
    pub after: Mark,
}

/// What became of an undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Undone {
    /// The due date stands as before. Else another device has said something else of it meanwhile, which stays.
    pub whole: bool,
    /// Everything was taken back, also what other devices said: by this id that is undone in turn.
    pub all_by: Option<MutationId>,
}

impl Bills {
    /// Takes back what was said: one thing by its id; without one, the last thing that was said here, or everything when
    /// another device has spoken since.
    pub async fn undo(&self, bill: BillId, due_on: Date, change: Option<MutationId>) -> Result<Undone, ClientError> {
        let here = |one: &&Said| one.after.bill == bill && one.after.due_on == due_on;
        let noted = self.noted().await?;
        let book = self.book().await?;
        let template = book.bill(bill).ok_or_else(|| ClientError::not_found("bill"))?;
        let now = book.marks_of(bill).iter().find(|mark| mark.due_on == due_on).cloned();
        let now = now.unwrap_or_else(|| Mark::new(bill, due_on));
        let said = match change {
            Some(change) => {
                let known = noted.iter().filter(here).find(|one| one.change == change);
                Some(known.ok_or_else(|| ClientError::not_found("mark"))?)
            }
            None => noted.iter().rfind(here).filter(|one| one.after == now && one.before != now),
        };
        let Some(said) = said else {
            let all_by = self.mark(bill, due_on, MarkAs::Unmarked).await?;
            return Ok(Undone { whole: true, all_by: Some(all_by) });
        };
        let edit = MarkEdit::undoing(&said.before, &said.after);
        let undone = edit.clone().applied_to(now.clone());
        undone.check(template)?;
        let whole = edit.stands_in(&undone);
        if undone != now && !self.drop_unsent(said, &undone).await? {
            let open = self.0.open_now()?;
            self.0.change(&open, Change::EditMark { bill, due_on, edit }).await?;
        }
        self.forget(said.change).await?;
        self.0.reminders().withdraw_settled().await?;
        Ok(Undone { whole, all_by: None })
    }

    /// Removes it from the outbox if no request with it was ever begun and nothing behind it is about the same date, so that
    /// the server never hears of it and what another device said there stays as it is.
    async fn drop_unsent(&self, said: &Said, undone: &Mark) -> Result<bool, ClientError> {
        let dropped = self
            .0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                let waiting = outbox::all(&mut *tx).await?;
                let last = waiting.iter().rfind(|one| may_mark(&one.entry.change, undone));
                let Some(last) = last.filter(|last| last.entry.id == said.change && !last.tried) else {
                    return Ok(false);
                };
                outbox::remove(&mut tx, last.number).await?;
                bills::put_mark(&mut tx, undone).await?;
                tx.commit().await?;
                self.0.save_outbox(open).await;
                Ok(true)
            })
            .await?;
        if dropped {
            self.0.tell(Changed::Book);
            self.0.tell(Changed::Status);
        }
        Ok(dropped)
    }

    pub(super) async fn note(&self, said: Said) -> Result<(), ClientError> {
        self.change_noted(|noted| {
            noted.push(said);
            let over = noted.len().saturating_sub(SAID_MAX);
            noted.drain(..over);
        })
        .await
    }

    async fn forget(&self, change: MutationId) -> Result<(), ClientError> {
        self.change_noted(|noted| noted.retain(|one| one.change != change)).await
    }

    async fn noted(&self) -> Result<Vec<Said>, ClientError> {
        let kept = self.0.with(async |open| state::find(open.cache.readers(), SAID).await).await?;
        Ok(kept.unwrap_or_default())
    }

    async fn change_noted(&self, change: impl FnOnce(&mut Vec<Said>) + Send) -> Result<(), ClientError> {
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                let mut noted: Vec<Said> = state::find(&mut *tx, SAID).await?.unwrap_or_default();
                change(&mut noted);
                state::put(&mut *tx, SAID, &noted).await?;
                Ok(tx.commit().await?)
            })
            .await
    }
}

/// Whether a change says something about the date of this mark.
fn may_mark(change: &Change, mark: &Mark) -> bool {
    match change {
        Change::EditMark { bill, due_on, .. } | Change::ClearMark { bill, due_on } => {
            *bill == mark.bill && *due_on == mark.due_on
        }
        Change::SetMark { mark: set } => set.bill == mark.bill && set.due_on == mark.due_on,
        Change::RemoveBill { bill } => *bill == mark.bill,
        Change::Restore { .. } => true,
        _ => false,
    }
}
