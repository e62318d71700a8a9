//! What only this device knows: its settings, which reminders it showed, what the server did not take. No server can bring
//! it back, so it is kept a second time, sealed beside the copy, for one that is built anew.

use domain::ids::BillId;
use domain::reminders::Turn;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::cache::reminders::{self as rows, Delivery};
use crate::cache::{Cache, CacheError, CacheResult, Tx, state};

/// Reminders of the newest due dates: older ones come no more.
const DELIVERIES_MAX: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Own {
    /// Values by name, as they are stored.
    state: Vec<(String, String)>,
    deliveries: Vec<Delivered>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Delivered {
    bill: BillId,
    due_on: Date,
    #[serde(default)]
    falls_on: Option<Date>,
    turn: i16,
    at: Timestamp,
    shown_at: Option<Timestamp>,
}

impl Own {
    /// As the cache has it now.
    pub async fn read(cache: &Cache) -> CacheResult<Self> {
        let state = state::texts(cache.readers(), &state::OF_THIS_DEVICE).await?;
        let mut deliveries = rows::deliveries(cache.readers()).await?;
        deliveries.sort_by_key(|one| std::cmp::Reverse((one.due_on, one.bill, one.turn)));
        deliveries.truncate(DELIVERIES_MAX);
        let deliveries = deliveries.into_iter().map(|one| Delivered {
            bill: one.bill,
            due_on: one.due_on,
            falls_on: Some(one.falls_on),
            turn: one.turn.number(),
            at: one.at,
            shown_at: one.shown_at,
        });
        Ok(Self { state, deliveries: deliveries.collect() })
    }

    /// Into a copy that is built anew.
    pub async fn put_back(&self, tx: &mut Tx) -> CacheResult<()> {
        for (name, text) in &self.state {
            state::put_back(&mut **tx, name, text).await?;
        }
        for one in &self.deliveries {
            let turn = Turn::of_number(one.turn).ok_or(CacheError::Damaged)?;
            let falls_on = one.falls_on.unwrap_or(one.due_on);
            let Delivered { bill, due_on, at, shown_at, .. } = *one;
            let delivery = Delivery { bill, due_on, falls_on, turn, at, shown_at };
            rows::record(tx, &delivery).await?;
        }
        Ok(())
    }
}
