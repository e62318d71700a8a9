//! Orders at merchants: what was bought, what was sent with which charge, what went back for which refund (OR1). A
//! merchant says it as a whole, each time with a higher revision; nothing here moves money.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, OrderId, PurchaseId, PurchaseStepId};
use crate::money::{Currency, Money};

pub const ITEMS_MAX: usize = 100;
pub const PARCELS_MAX: usize = 50;
pub const ADDRESS_LINES_MAX: usize = 6;
pub const QUANTITY_MAX: u32 = 10_000;
const NAME_CHARS_MAX: usize = 120;
const SHORT_CHARS_MAX: usize = 60;

/// An order as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Order {
    pub id: OrderId,
    pub card: AccountId,
    pub merchant: String,
    pub told: OrderTold,
    /// What was charged for the shipments and refunded for the returns that name one, in the order of their dates.
    pub charges: Vec<OrderCharge>,
}

/// What a merchant says of an order, as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct OrderTold {
    /// Grows with each change: what was said earlier and comes later changes nothing.
    pub revision: u32,
    /// The purchase that pays it.
    pub purchase: PurchaseId,
    /// As the merchant calls it: 1 to 60 characters.
    pub number: String,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub placed_at: Timestamp,
    /// Where it goes, as on the parcel; empty when it is collected.
    pub address: Vec<String>,
    /// 1 to 100.
    pub items: Vec<OrderItem>,
    pub shipping: Money,
    pub tax: Money,
    /// Taken off, also by gift cards: zero or more.
    pub discount: Money,
    /// Nothing more is sent.
    pub cancelled: bool,
    pub shipments: Vec<Parcel>,
    pub returns: Vec<Parcel>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct OrderItem {
    pub name: String,
    pub quantity: u32,
    /// For all of them together.
    pub amount: Money,
}

/// Things that were sent to the person, or came back from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Parcel {
    pub contents: Vec<ParcelItem>,
    /// Sent on, or received back on.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub on: Date,
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub arrived_on: Option<Date>,
    pub carrier: Option<String>,
    pub tracking: Option<String>,
    /// The capture that charges a shipment, or the refund that pays a return back.
    pub step: Option<PurchaseStepId>,
}

/// So many of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ParcelItem {
    /// Its place among the items, from zero.
    pub item: u16,
    pub quantity: u32,
}

/// What was paid for a parcel, by the card and its wallet: a charge is positive, a refund negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct OrderCharge {
    pub step: PurchaseStepId,
    pub amount: Money,
    /// Of that: by the wallet, so that the card's own line is so much less.
    #[serde(default)]
    pub by_wallet: Option<Money>,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub on: Date,
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum OrderState {
    Placed,
    PartlyShipped,
    Shipped,
    Arrived,
    PartlyReturned,
    Returned,
    /// Before anything was sent.
    Cancelled,
}

/// Why what a merchant says of an order cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("a text of the order is empty or too long")]
    Text,
    #[error("an order has 1 to 100 items, at most 50 parcels each way and 6 lines of address")]
    Count,
    #[error("a quantity is from 1 to 10,000")]
    Quantity,
    #[error("amounts are zero or more, in the purchase's currency, and their sum is above zero")]
    Amount,
    #[error("a parcel holds what was not ordered, or more than that")]
    Contents,
    #[error("more came back than was sent")]
    Returned,
    #[error("a charge or a refund belongs to one parcel")]
    Step,
}

impl OrderTold {
    /// Whether it can be. `currency` is the purchase's.
    pub fn check(&self, currency: Currency) -> Result<(), OrderError> {
        let short = |text: &str| fits(text, SHORT_CHARS_MAX);
        let parcels = || self.shipments.iter().chain(&self.returns);
        let mut texts = parcels().flat_map(|parcel| [&parcel.carrier, &parcel.tracking]).flatten();
        let names = self.items.iter().map(|item| &item.name).chain(&self.address);
        let mut names = names.map(|name| fits(name, NAME_CHARS_MAX));
        if !short(&self.number) || !names.all(|fits| fits) || !texts.all(|text| short(text)) {
            return Err(OrderError::Text);
        }
        let parcels_fit = self.shipments.len() <= PARCELS_MAX && self.returns.len() <= PARCELS_MAX;
        if !(1..=ITEMS_MAX).contains(&self.items.len()) || !parcels_fit || self.address.len() > ADDRESS_LINES_MAX {
            return Err(OrderError::Count);
        }
        if self.items.iter().any(|item| !(1..=QUANTITY_MAX).contains(&item.quantity)) {
            return Err(OrderError::Quantity);
        }
        let amounts = self.items.iter().map(|item| item.amount).chain([self.shipping, self.tax, self.discount]);
        if amounts.clone().any(|amount| amount.is_negative() || amount.currency() != currency) {
            return Err(OrderError::Amount);
        }
        if self.total().is_none_or(|total| total.is_negative()) {
            return Err(OrderError::Amount);
        }
        let sent = self.counted(&self.shipments)?;
        let back = self.counted(&self.returns)?;
        if sent.iter().zip(&back).any(|(sent, back)| back > sent) {
            return Err(OrderError::Returned);
        }
        let mut steps: Vec<PurchaseStepId> = parcels().filter_map(|parcel| parcel.step).collect();
        let count = steps.len();
        steps.sort_unstable();
        steps.dedup();
        if steps.len() == count { Ok(()) } else { Err(OrderError::Step) }
    }

    /// What it costs: items, shipping and tax less what was taken off; `None` when it is beyond any amount.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        let items = Money::sum(self.tax.currency(), self.items.iter().map(|item| item.amount)).ok()?;
        items.plus(self.shipping).ok()?.plus(self.tax).ok()?.minus(self.discount).ok()
    }

    #[must_use]
    pub fn state(&self) -> OrderState {
        let count = |parcels: &[Parcel]| -> u64 {
            parcels.iter().flat_map(|parcel| &parcel.contents).map(|one| u64::from(one.quantity)).sum()
        };
        let ordered: u64 = self.items.iter().map(|item| u64::from(item.quantity)).sum();
        let (sent, back) = (count(&self.shipments), count(&self.returns));
        let has_arrived = self.shipments.iter().all(|parcel| parcel.arrived_on.is_some());
        match (sent, back) {
            (0, _) if self.cancelled => OrderState::Cancelled,
            (0, _) => OrderState::Placed,
            (sent, back) if back >= sent && (sent >= ordered || self.cancelled) => OrderState::Returned,
            (_, 1..) => OrderState::PartlyReturned,
            (sent, _) if sent < ordered && !self.cancelled => OrderState::PartlyShipped,
            _ if has_arrived => OrderState::Arrived,
            _ => OrderState::Shipped,
        }
    }

    /// What was ordered and is never sent, because the rest is cancelled. Empty while something is still to come.
    #[must_use]
    pub fn never_sent(&self) -> Vec<ParcelItem> {
        let Ok(sent) = self.counted(&self.shipments) else { return Vec::new() };
        let counts = self.items.iter().zip(sent).zip(0..);
        let left = counts
            .filter(|_| self.cancelled)
            .map(|((item, sent), at)| ParcelItem { item: at, quantity: item.quantity.saturating_sub(sent) });
        left.filter(|one| one.quantity > 0).collect()
    }

    /// How many of each item are in these parcels.
    fn counted(&self, parcels: &[Parcel]) -> Result<Vec<u32>, OrderError> {
        let mut counts = vec![0_u32; self.items.len()];
        for one in parcels.iter().flat_map(|parcel| &parcel.contents) {
            let at = usize::from(one.item);
            let ordered = self.items.get(at).ok_or(OrderError::Contents)?.quantity;
            let count = counts.get_mut(at).ok_or(OrderError::Contents)?;
            *count = count.checked_add(one.quantity).ok_or(OrderError::Quantity)?;
            if one.quantity == 0 || *count > ordered {
                return Err(OrderError::Contents);
            }
        }
        let is_empty = parcels.iter().any(|parcel| parcel.contents.is_empty());
        if is_empty { Err(OrderError::Contents) } else { Ok(counts) }
    }
}

fn fits(text: &str, chars_max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= chars_max && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).expect("in range")
    }

    fn step(number: u8) -> PurchaseStepId {
        PurchaseStepId::new(Timestamp::UNIX_EPOCH, [number; 10])
    }

    fn item(name: &str, quantity: u32, minor: i64) -> OrderItem {
        OrderItem { name: name.to_owned(), quantity, amount: usd(minor) }
    }

    fn parcel(contents: &[(u16, u32)], number: u8) -> Parcel {
        Parcel {
            contents: contents.iter().map(|(item, quantity)| ParcelItem { item: *item, quantity: *quantity }).collect(),
            on: date(2026, 11, 9),
            arrived_on: None,
            carrier: Some("Harbor Post".to_owned()),
            tracking: Some("HP 4471 2086".to_owned()),
            step: Some(step(number)),
        }
    }

    fn told() -> OrderTold {
        OrderTold {
            revision: 1,
            purchase: PurchaseId::new(Timestamp::UNIX_EPOCH, [1; 10]),
            number: "Q-20881".to_owned(),
            placed_at: Timestamp::UNIX_EPOCH,
            address: vec!["Ines Calloway".to_owned(), "12 Alder Court".to_owned()],
            items: vec![item("Lamp", 2, 4_000), item("Bulbs", 1, 900)],
            shipping: usd(500),
            tax: usd(390),
            discount: usd(300),
            cancelled: false,
            shipments: Vec::new(),
            returns: Vec::new(),
        }
    }

    #[test]
    fn an_order_costs_its_items_shipping_and_tax_less_what_was_taken_off() {
        assert_eq!(told().check(Currency::USD), Ok(()));
        assert_eq!(told().total(), Some(usd(5_490)));
        assert_eq!(told().check(Currency::EUR), Err(OrderError::Amount));
        let free = OrderTold { discount: usd(5_791), ..told() };
        assert_eq!(free.check(Currency::USD), Err(OrderError::Amount), "never less than nothing");
    }

    #[test]
    fn its_state_follows_its_parcels() {
        let mut order = told();
        assert_eq!(order.state(), OrderState::Placed);
        assert_eq!(OrderTold { cancelled: true, ..told() }.state(), OrderState::Cancelled);
        order.shipments.push(parcel(&[(0, 2)], 1));
        assert_eq!(order.state(), OrderState::PartlyShipped);
        assert_eq!(OrderTold { cancelled: true, ..order.clone() }.state(), OrderState::Shipped, "nothing more comes");
        order.shipments.push(parcel(&[(1, 1)], 2));
        assert_eq!(order.state(), OrderState::Shipped);
        for parcel in &mut order.shipments {
            parcel.arrived_on = Some(date(2026, 11, 12));
        }
        assert_eq!(order.state(), OrderState::Arrived);
        order.returns.push(parcel(&[(0, 1)], 3));
        assert_eq!(order.state(), OrderState::PartlyReturned);
        order.returns.push(parcel(&[(0, 1), (1, 1)], 4));
        assert_eq!(order.state(), OrderState::Returned);
        assert_eq!(order.check(Currency::USD), Ok(()));
    }

    #[test]
    fn what_came_back_is_the_order_only_once_nothing_more_is_sent() {
        let mut order = told();
        order.shipments.push(parcel(&[(0, 1)], 1));
        order.returns.push(parcel(&[(0, 1)], 2));
        assert_eq!(order.state(), OrderState::PartlyReturned, "a lamp and the bulbs are still to come");
        assert_eq!(order.never_sent(), []);
        order.cancelled = true;
        assert_eq!(order.state(), OrderState::Returned);
        let never = [ParcelItem { item: 0, quantity: 1 }, ParcelItem { item: 1, quantity: 1 }];
        assert_eq!(order.never_sent(), never);
        order.shipments.push(parcel(&[(0, 1), (1, 1)], 3));
        assert_eq!((order.state(), order.never_sent()), (OrderState::PartlyReturned, Vec::new()));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refused = |change: &dyn Fn(&mut OrderTold)| {
            let mut order = told();
            change(&mut order);
            order.check(Currency::USD).expect_err("it cannot be")
        };
        assert_eq!(refused(&|order| order.number = " ".to_owned()), OrderError::Text);
        assert_eq!(refused(&|order| order.items[0].name = "x".repeat(121)), OrderError::Text);
        assert_eq!(refused(&|order| order.address[0] = "a\nb".to_owned()), OrderError::Text);
        assert_eq!(refused(&|order| order.items.clear()), OrderError::Count);
        assert_eq!(refused(&|order| order.address = vec!["x".to_owned(); 7]), OrderError::Count);
        assert_eq!(refused(&|order| order.items[0].quantity = 0), OrderError::Quantity);
        assert_eq!(refused(&|order| order.tax = usd(-1)), OrderError::Amount);
        assert_eq!(refused(&|order| order.shipments = vec![parcel(&[(0, 3)], 1)]), OrderError::Contents);
        assert_eq!(refused(&|order| order.shipments = vec![parcel(&[(2, 1)], 1)]), OrderError::Contents);
        assert_eq!(refused(&|order| order.shipments = vec![parcel(&[], 1)]), OrderError::Contents);
        assert_eq!(refused(&|order| order.returns = vec![parcel(&[(0, 1)], 1)]), OrderError::Returned);
        let twice = vec![parcel(&[(0, 1)], 1), parcel(&[(0, 1)], 1)];
        assert_eq!(refused(&|order| order.shipments.clone_from(&twice)), OrderError::Step);
    }
}
