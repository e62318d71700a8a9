//! Orders: a merchant says with `PUT /merchant/v1/orders/{id}` what was bought with a purchase, what was sent and what
//! came back, as a whole each time. The person gets it with the feed (`Record::Order`).

use domain::ids::OrderId;
pub use domain::orders::{Order, OrderCharge, OrderItem, OrderState, OrderTold, Parcel, ParcelItem};
use serde::{Deserialize, Serialize};

/// What is kept of an order now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderKept {
    pub id: OrderId,
    pub revision: u32,
}
