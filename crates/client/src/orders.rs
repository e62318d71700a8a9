//! Orders at merchants, with what was sent and what came back, beside what the card was charged for it.

use domain::ids::OrderId;
use domain::money::Money;
use domain::orders::{Order, OrderState, ParcelItem};
use serde::Serialize;

use crate::cache::orders;
use crate::client::{Client, Open};
use crate::error::ClientError;
use crate::pages::{self, PageQuery, Place};

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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct OrderPage {
    /// Newest first.
    pub items: Vec<OrderView>,
    pub next: Option<String>,
}

/// Orders that a search goes through: all that anybody has.
const SEARCHED_MAX: i64 = 100_000;
/// Orders on Home.
const LATEST: i64 = 3;

impl Client {
    /// Newest first, by pages.
    pub async fn orders(&self, query: PageQuery) -> Result<OrderPage, ClientError> {
        let (limit, behind) = (query.limit(), query.place()?);
        let read = async |open: &Open| orders::newest(open.cache.readers(), behind, pages::rows_for(limit)).await;
        let (all, next) = pages::cut(self.with(read).await?, limit, |one| orders::place(one).to_mark());
        Ok(OrderPage { items: all.into_iter().filter_map(view).collect(), next })
    }

    /// One of them, however old.
    pub async fn order(&self, id: OrderId) -> Result<OrderView, ClientError> {
        let found = self.with(async |open| orders::find(open.cache.readers(), id).await).await?;
        found.and_then(view).ok_or_else(|| ClientError::not_found("order"))
    }

    /// All of them, for what looks through them.
    pub async fn orders_to_search(&self) -> Result<Vec<OrderView>, ClientError> {
        self.newest_orders(SEARCHED_MAX).await
    }

    /// What Home shows of them.
    pub(crate) async fn latest_orders(&self) -> Result<Vec<OrderView>, ClientError> {
        self.newest_orders(LATEST).await
    }

    async fn newest_orders(&self, limit: i64) -> Result<Vec<OrderView>, ClientError> {
        let read = async |open: &Open| orders::newest(open.cache.readers(), Place::START, limit).await;
        Ok(self.with(read).await?.into_iter().filter_map(view).collect())
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
