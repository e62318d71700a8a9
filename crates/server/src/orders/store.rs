//! Rows of orders, and which steps of purchases they name.

use domain::ids::{HolderId, MerchantId, OrderId, PurchaseId};
use domain::orders::OrderTold;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, on_engine};

/// An order as it is stored.
pub(super) struct Stored {
    pub holder: HolderId,
    pub id: OrderId,
    pub merchant: MerchantId,
    pub told: OrderTold,
}

pub(super) async fn find(tx: &mut Tx, holder: HolderId, id: OrderId) -> DbResult<Option<Stored>> {
    const FIND: &str = "SELECT merchant_id, body FROM merchant_order WHERE holder_id = $1 AND order_id = $2";
    let row: Option<(Uuid, String)> = on_engine!(tx, |db| {
        sqlx::query_as(FIND).bind(holder.as_uuid()).bind(id.as_uuid()).fetch_optional(db).await.map_err(DbError::from)
    })?;
    row.map(|(merchant, body)| {
        let told = serde_json::from_str(&body).map_err(|_| DbError::Corrupt("an order"))?;
        Ok(Stored { holder, id, merchant: MerchantId::from_uuid(merchant), told })
    })
    .transpose()
}

/// How many orders a purchase pays.
pub(super) async fn count(tx: &mut Tx, holder: HolderId, purchase: PurchaseId) -> DbResult<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM merchant_order WHERE holder_id = $1 AND purchase_id = $2";
    on_engine!(tx, |db| {
        sqlx::query_scalar(COUNT)
            .bind(holder.as_uuid())
            .bind(purchase.as_uuid())
            .fetch_one(db)
            .await
            .map_err(DbError::from)
    })
}

/// Keeps an order in the place of its earlier revision, with the steps that it names; a step of another order is refused
/// by the table.
pub(super) async fn put(tx: &mut Tx, order: &Stored, now: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO merchant_order
            (holder_id, order_id, merchant_id, purchase_id, revision, body, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (holder_id, order_id) DO UPDATE SET
            revision = excluded.revision, body = excluded.body, changed_at = excluded.changed_at";
    const FORGET: &str = "DELETE FROM merchant_order_step WHERE holder_id = $1 AND order_id = $2";
    const NAME: &str = "INSERT INTO merchant_order_step (holder_id, step_id, order_id) VALUES ($1, $2, $3)";
    let body = serde_json::to_string(&order.told).map_err(|_| DbError::Corrupt("an order"))?;
    let (holder, id) = (order.holder.as_uuid(), order.id.as_uuid());
    on_engine!(tx, |db| {
        sqlx::query(PUT)
            .bind(holder)
            .bind(id)
            .bind(order.merchant.as_uuid())
            .bind(order.told.purchase.as_uuid())
            .bind(i64::from(order.told.revision))
            .bind(body)
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })?;
    on_engine!(tx, |db| {
        sqlx::query(FORGET).bind(holder).bind(id).execute(db).await.map(drop).map_err(DbError::from)
    })?;
    for step in order.told.shipments.iter().chain(&order.told.returns).filter_map(|parcel| parcel.step) {
        on_engine!(tx, |db| {
            sqlx::query(NAME)
                .bind(holder)
                .bind(step.as_uuid())
                .bind(id)
                .execute(db)
                .await
                .map(drop)
                .map_err(DbError::from)
        })?;
    }
    Ok(())
}
