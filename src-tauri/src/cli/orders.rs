//! `billfold orders`: what was bought, sent and returned, beside what the card was charged for it.

use client::orders::OrderView;
use client::pages::PageQuery;
use domain::orders::{Parcel, ParcelItem};

use super::table::table;
use super::{Answer, Done, Run, more, named, to_json, word};

impl Run<'_> {
    pub(super) async fn order(&self, wanted: &str) -> Done {
        let all = self.core.client.orders_to_search().await?;
        let key = |one: &OrderView| (one.order.id.to_string(), one.order.told.number.clone());
        let view = named(all, wanted, "order", key)?;
        Ok(Answer::new(to_json(&view)?, order_text(&view)))
    }

    pub(super) async fn orders(&self, query: PageQuery) -> Done {
        let page = self.core.client.orders(query).await?;
        let row = |view: &OrderView| {
            vec![
                view.order.told.placed_at.to_string(),
                view.order.told.number.clone(),
                view.order.merchant.clone(),
                word(&view.state),
                view.total.to_string(),
                view.charged.to_string(),
            ]
        };
        let rows: Vec<_> = page.items.iter().map(row).collect();
        let heads = ["Placed", "Number", "Merchant", "State", ">Total", ">Charged"];
        Ok(Answer::new(to_json(&page)?, table(&heads, &rows) + &more(page.next.as_deref())))
    }
}

fn order_text(view: &OrderView) -> String {
    let told = &view.order.told;
    let items: Vec<_> = told
        .items
        .iter()
        .map(|item| vec![item.quantity.to_string(), item.name.clone(), item.amount.to_string()])
        .collect();
    let mut text = table(&[">Count", "Item", ">Amount"], &items);
    text += &format!("Total {}, charged {}, {}\n", view.total, view.charged, word(&view.state));
    if !view.charged_by_wallet.is_zero() {
        text += &format!("Of what was charged, {} from the wallet and not on the card\n", view.charged_by_wallet);
    }
    if !told.address.is_empty() {
        text += &format!("To: {}\n", told.address.join(", "));
    }
    if !view.never_sent.is_empty() {
        text += &format!("Never sent, cancelled: {}\n", contents(view, &view.never_sent));
    }
    for (what, parcels) in [("Sent", &told.shipments), ("Came back", &told.returns)] {
        for parcel in parcels {
            text += &format!("{what} {}: {}\n", parcel.on, parcel_text(view, parcel));
        }
    }
    text
}

fn contents(view: &OrderView, all: &[ParcelItem]) -> String {
    let named = all.iter().filter_map(|one| {
        let item = view.order.told.items.get(usize::from(one.item))?;
        Some(format!("{} {}", one.quantity, item.name))
    });
    named.collect::<Vec<_>>().join(", ")
}

fn parcel_text(view: &OrderView, parcel: &Parcel) -> String {
    let mut parts = vec![contents(view, &parcel.contents)];
    parts.extend([&parcel.carrier, &parcel.tracking].into_iter().flatten().cloned());
    parts.extend(parcel.arrived_on.map(|day| format!("arrived {day}")));
    let charge = view.order.charges.iter().find(|charge| Some(charge.step) == parcel.step);
    parts.extend(charge.map(|charge| format!("{} on {}", charge.amount, charge.on)));
    parts.join("; ")
}
