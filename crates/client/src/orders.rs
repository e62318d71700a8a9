//! Orders at merchants, with what was sent and what came back, beside what the card was charged for it.

use domain::money::Money;
use domain::orders::{Order, OrderState, ParcelItem};
use serde::Serialize;

use crate::cache::orders;
use crate::client::Client;
use crate::error::ClientError;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct OrderView {
    pub order: Order,
    pub state: OrderState,
    pub total: Money,
    /// Charges of its parcels less what came back.
    pub charged: Money,
    /// Of that: paid by the wallet, and not on the card.
    pub charged_by_wallet: Money,
    /// Ordered, and never sent: cancelled.
    pub never_sent: Vec<ParcelItem>,
}

/// Orders that the screen lists.
const SHOWN_MAX: i64 = 200;
/// Orders that a search goes through: all that anybody has.
const SEARCHED_MAX: i64 = 100_000;
/// Orders on Home.
const LATEST: i64 = 3;

impl Client {
    /// The newest orders first.
    pub async fn orders(&self) -> Result<Vec<OrderView>, ClientError> {
        self.newest_orders(SHOWN_MAX).await
    }

    /// Those that a search looks at, older ones than are listed among them.
    pub(crate) async fn orders_to_search(&self) -> Result<Vec<OrderView>, ClientError> {
        self.newest_orders(SEARCHED_MAX).await
    }

    /// What Home shows of them.
    pub(crate) async fn latest_orders(&self) -> Result<Vec<OrderView>, ClientError> {
        self.newest_orders(LATEST).await
    }

    async fn newest_orders(&self, limit: i64) -> Result<Vec<OrderView>, ClientError> {
        let all = self.with(async |open| orders::newest(open.cache.readers(), limit).await).await?;
        Ok(all.into_iter().filter_map(view).collect())
    }
}

/// The server checks that an order's amounts add up; one that does not is none.
fn view(order: Order) -> Option<OrderView> {
    let total = order.told.total()?;
    let charged = Money::sum(total.currency(), order.charges.iter().map(|charge| charge.amount)).ok()?;
    let by_wallet = order.charges.iter().filter_map(|charge| charge.by_wallet);
    let charged_by_wallet = Money::sum(total.currency(), by_wallet).ok()?;
    let (state, never_sent) = (order.told.state(), order.told.never_sent());
    Some(OrderView { state, total, charged, charged_by_wallet, never_sent, order })
}
