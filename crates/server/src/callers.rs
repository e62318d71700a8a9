//! Every route as each caller: of the API nobody, a device that was signed out, and another person who knows all the ids;
//! of the pages nobody, a browser on another kind of visit, and a page of another site; of both a merchant and people of
//! support. A route without a row here fails.

use std::collections::BTreeSet;

use api::card::OpenCard;
use api::error::ErrorCode;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use domain::accounts::Account;
use domain::bills::Bill;
use domain::ids::{AccountId, AddressId, MutationId, PaymentId};
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;
use domain::standing::{RestraintLevel, RestraintReason};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::feed::tests::{card, import, line, rent};
use crate::sign_in::tests::{Browser, adding, visit};
use crate::standing;
use crate::testing::{Answer, DeviceKey, ORIGIN, TestDevice, World, on_each_engine};

/// What must never be in an answer to anybody else.
const CANARY: &str = "Canary";

/// A call, and what another person gets who makes it with the owner's ids: their own things, or nothing there.
const ROUTES: &[(&str, &str, &[u16])] = &[
    ("GET", "/api/v1/me", &[200]),
    ("GET", "/api/v1/accounts", &[200]),
    ("PATCH", "/api/v1/accounts/{id}", &[404]),
    ("PUT", "/api/v1/accounts/{id}/plans/{plan}", &[404]),
    ("DELETE", "/api/v1/accounts/{id}/plans/{plan}", &[404]),
    ("GET", "/api/v1/billers", &[200]),
    ("PUT", "/api/v1/billers/{id}", &[200]),
    ("DELETE", "/api/v1/billers/{id}", &[404]),
    ("PUT", "/api/v1/bills/{id}", &[200]),
    ("PATCH", "/api/v1/bills/{id}", &[404]),
    ("DELETE", "/api/v1/bills/{id}", &[404]),
    ("PUT", "/api/v1/bills/{id}/autopay", &[404]),
    ("DELETE", "/api/v1/bills/{id}/autopay", &[404]),
    ("POST", "/api/v1/bills/{id}/autopay/pause", &[404]),
    ("PUT", "/api/v1/bills/{id}/occurrences/{due_on}", &[404]),
    ("PATCH", "/api/v1/bills/{id}/occurrences/{due_on}", &[404]),
    ("DELETE", "/api/v1/bills/{id}/occurrences/{due_on}", &[204]),
    ("PUT", "/api/v1/bills/{id}/occurrences/{due_on}/reminder", &[404]),
    ("GET", "/api/v1/calendar", &[200]),
    ("PUT", "/api/v1/calendar", &[200]),
    ("DELETE", "/api/v1/calendar", &[204]),
    ("GET", "/api/v1/calendar/file", &[200]),
    // The same id may be two people's.
    ("PUT", "/api/v1/cards/{id}", &[200]),
    ("POST", "/api/v1/cards/{id}/status", &[404]),
    ("POST", "/api/v1/cards/{id}/credit", &[404]),
    ("POST", "/api/v1/cards/{id}/codes", &[404]),
    ("DELETE", "/api/v1/cards/{id}/merchants/{merchant}", &[404]),
    ("PUT", "/api/v1/cards/{id}/plans/{plan}", &[404]),
    ("POST", "/api/v1/cards/{id}/rewards", &[404]),
    ("PUT", "/api/v1/cards/{id}/rewards/checkout", &[404]),
    ("POST", "/api/v1/cards/{id}/wallet", &[404]),
    ("PUT", "/api/v1/cards/{id}/wallet/checkout", &[404]),
    ("PUT", "/api/v1/cards/{id}/wallet/auto-reload", &[404]),
    ("DELETE", "/api/v1/cards/{id}/wallet/auto-reload", &[404]),
    ("PUT", "/api/v1/cards/{id}/autopay", &[404]),
    ("DELETE", "/api/v1/cards/{id}/autopay", &[404]),
    ("POST", "/api/v1/cards/{id}/autopay/pause", &[404]),
    ("POST", "/api/v1/purchases/{id}/dispute", &[404]),
    ("PUT", "/api/v1/disputes/{id}", &[404]),
    ("POST", "/api/v1/disputes/{id}/withdraw", &[404]),
    ("GET", "/api/v1/devices", &[200]),
    ("DELETE", "/api/v1/devices/{id}", &[404]),
    ("GET", "/api/v1/events", &[200]),
    // The same income may be two people's; the id is each one's own.
    ("POST", "/api/v1/export", &[200]),
    ("PUT", "/api/v1/incomes/{id}", &[200]),
    ("DELETE", "/api/v1/incomes/{id}", &[404]),
    ("POST", "/api/v1/import", &[200]),
    // The same id may be two people's.
    ("POST", "/api/v1/methods", &[201]),
    ("PATCH", "/api/v1/methods/{id}", &[404]),
    ("DELETE", "/api/v1/methods/{id}", &[404]),
    ("POST", "/api/v1/methods/{id}/replace", &[404]),
    ("POST", "/api/v1/payments", &[201]),
    ("GET", "/api/v1/payments/{id}", &[404]),
    ("PATCH", "/api/v1/payments/{id}", &[404]),
    ("POST", "/api/v1/payments/{id}/approval", &[404]),
    ("GET", "/api/v1/payments/limits", &[200]),
    ("GET", "/api/v1/payments/ready", &[200]),
    ("PUT", "/api/v1/payments/limits/{currency}", &[200]),
    ("POST", "/api/v1/payments/{id}/cancel", &[404]),
    ("PUT", "/api/v1/plan", &[400]),
    ("GET", "/api/v1/reminders/email", &[200]),
    ("PUT", "/api/v1/reminders/email", &[200]),
    ("DELETE", "/api/v1/reminders/email", &[204]),
    // The same bill may be two people's.
    ("POST", "/api/v1/restore", &[200]),
    ("GET", "/api/v1/risk/decisions", &[200]),
    ("GET", "/api/v1/risk/rhythm", &[200]),
    ("PUT", "/api/v1/risk/rhythm", &[200]),
    ("GET", "/api/v1/security/passkeys", &[200]),
    ("POST", "/api/v1/security/passkeys", &[201]),
    ("PATCH", "/api/v1/security/passkeys/{id}", &[404]),
    ("DELETE", "/api/v1/security/passkeys/{id}", &[404]),
    ("GET", "/api/v1/security/ways-in", &[200]),
    ("POST", "/api/v1/security/password", &[201]),
    ("DELETE", "/api/v1/security/password", &[404]),
    ("POST", "/api/v1/security/password/kept", &[404]),
    ("DELETE", "/api/v1/security/password/kept", &[404]),
    ("POST", "/api/v1/security/factors", &[201]),
    ("PATCH", "/api/v1/security/factors/{id}", &[404]),
    ("DELETE", "/api/v1/security/factors/{id}", &[404]),
    ("POST", "/api/v1/security/events/{number}/answer", &[204]),
    ("GET", "/api/v1/security/addresses", &[200]),
    // The same address may be two people's; the id is each one's own.
    ("POST", "/api/v1/security/addresses", &[201]),
    ("DELETE", "/api/v1/security/addresses/{id}", &[404]),
    ("POST", "/api/v1/security/addresses/{id}/code", &[404]),
    ("POST", "/api/v1/security/addresses/{id}/confirm", &[404]),
    ("GET", "/api/v1/security/recovery", &[200]),
    ("POST", "/api/v1/security/recovery", &[422]),
    ("DELETE", "/api/v1/security/recovery", &[204]),
    ("POST", "/api/v1/security/recovery/email", &[409]),
    ("POST", "/api/v1/security/recovery/text", &[409]),
    ("POST", "/api/v1/security/recovery/passkey", &[403]),
    ("POST", "/api/v1/security/recovery/code", &[201]),
    ("POST", "/api/v1/security/lock", &[200]),
    ("DELETE", "/api/v1/security/lock", &[204]),
    ("GET", "/api/v1/standing", &[200]),
    ("GET", "/api/v1/statements", &[200]),
    ("GET", "/api/v1/statements/{account}/{file}", &[404]),
    // The same suggestion may be two people's: it is made of whom they pay.
    ("PUT", "/api/v1/suggestions/{id}", &[200]),
    ("DELETE", "/api/v1/suggestions/{id}", &[204]),
    ("GET", "/api/v1/support", &[200]),
    ("POST", "/api/v1/support/checks", &[404]),
    ("POST", "/api/v1/support/checks/{id}/answer", &[404]),
    ("DELETE", "/api/v1/support/views/{id}", &[204]),
    // This server has none.
    ("PUT", "/api/v1/terms/accepted", &[404]),
    ("GET", "/api/v1/sync", &[200]),
    ("GET", "/api/v1/sync/snapshot", &[200]),
];

/// What a lock of the account stops; everything else goes on.
const STOPPED_BY_A_LOCK: &[(&str, &str)] = &[
    ("PUT", "/api/v1/bills/{id}/autopay"),
    ("PUT", "/api/v1/cards/{id}/autopay"),
    ("POST", "/api/v1/cards/{id}/wallet"),
    ("PUT", "/api/v1/cards/{id}/wallet/auto-reload"),
    ("POST", "/api/v1/cards/{id}/codes"),
    ("POST", "/api/v1/methods"),
    ("POST", "/api/v1/methods/{id}/replace"),
    ("POST", "/api/v1/payments"),
    ("PATCH", "/api/v1/payments/{id}"),
    ("PUT", "/api/v1/payments/limits/{currency}"),
    ("POST", "/api/v1/security/addresses"),
    ("DELETE", "/api/v1/security/addresses/{id}"),
    ("POST", "/api/v1/security/addresses/{id}/confirm"),
    ("POST", "/api/v1/security/recovery/code"),
    ("POST", "/api/v1/security/passkeys"),
    ("PATCH", "/api/v1/security/passkeys/{id}"),
    ("DELETE", "/api/v1/security/passkeys/{id}"),
    ("POST", "/api/v1/security/password"),
    ("DELETE", "/api/v1/security/password"),
    ("POST", "/api/v1/security/password/kept"),
    ("DELETE", "/api/v1/security/password/kept"),
    ("POST", "/api/v1/security/factors"),
    ("PATCH", "/api/v1/security/factors/{id}"),
    ("DELETE", "/api/v1/security/factors/{id}"),
];

/// What a lock stops and a restriction does not: who has just got back in removes what somebody else may hold.
const FREE_IN_A_RESTRICTION: &[(&str, &str)] = &[
    ("DELETE", "/api/v1/security/passkeys/{id}"),
    ("DELETE", "/api/v1/security/password"),
    ("DELETE", "/api/v1/security/password/kept"),
    ("DELETE", "/api/v1/security/factors/{id}"),
];

/// Whom a route beside the API answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Anybody: there is nothing of anybody's behind it.
    Open,
    /// An app with a proof by its key.
    Proof,
    /// A browser with an address that is good once.
    Address,
    /// Whoever has an address that is a secret; for anybody else nothing is there.
    Secret,
    /// The browser of a visit that signs in.
    Visit,
    /// The browser of a visit that a signed-in device began, to add a way in.
    Adding,
    /// The browser of a visit that a signed-in device began, for a yes by passkey.
    StepUp,
    /// The browser of somebody who wants back in.
    Recovery,
    /// A merchant with a token and a proof by its key.
    Merchant,
    /// Any browser that reports what a page's policy kept back.
    Report,
}

/// The routes beside the API.
const DOORS: &[(&str, &str, Door)] = &[
    ("GET", "/.well-known/oauth-authorization-server", Door::Open),
    ("GET", "/calendar/{file}", Door::Secret),
    ("GET", "/live", Door::Open),
    ("GET", "/ready", Door::Open),
    ("GET", "/oauth/authorize", Door::Address),
    ("POST", "/merchant/v1/token", Door::Proof),
    ("POST", "/merchant/v1/cards", Door::Merchant),
    ("PUT", "/merchant/v1/orders/{id}", Door::Merchant),
    ("GET", "/merchant/v1/purchases/{id}", Door::Merchant),
    ("PUT", "/merchant/v1/purchases/{id}", Door::Merchant),
    ("PUT", "/merchant/v1/purchases/{id}/captures/{step}", Door::Merchant),
    ("POST", "/merchant/v1/purchases/{id}/void", Door::Merchant),
    ("PUT", "/merchant/v1/purchases/{id}/refunds/{step}", Door::Merchant),
    ("POST", "/oauth/par", Door::Proof),
    ("POST", "/policy-reports", Door::Report),
    ("POST", "/oauth/token", Door::Proof),
    ("POST", "/oauth/revoke", Door::Proof),
    ("GET", "/sign-in", Door::Visit),
    ("GET", "/sign-in/assets/billfold.svg", Door::Open),
    ("GET", "/sign-in/assets/sign-in.css", Door::Open),
    ("GET", "/sign-in/assets/sign-in.js", Door::Open),
    ("GET", "/sign-in/confirm", Door::Visit),
    ("POST", "/sign-in/confirm", Door::Visit),
    ("GET", "/sign-in/create", Door::Visit),
    ("POST", "/sign-in/create/start", Door::Visit),
    ("POST", "/sign-in/create/finish", Door::Visit),
    ("GET", "/sign-in/create/password", Door::Visit),
    ("POST", "/sign-in/create/password", Door::Visit),
    ("GET", "/sign-in/create/password/choose", Door::Visit),
    ("POST", "/sign-in/create/password/choose", Door::Visit),
    ("GET", "/sign-in/create/password/code", Door::Visit),
    ("POST", "/sign-in/create/password/code", Door::Visit),
    ("POST", "/sign-in/passkey/start", Door::Visit),
    ("POST", "/sign-in/passkey/finish", Door::Visit),
    ("GET", "/sign-in/passkeys", Door::Adding),
    ("GET", "/sign-in/passkeys/open", Door::Address),
    ("GET", "/sign-in/passkeys/done", Door::Open),
    ("POST", "/sign-in/passkeys/prove/start", Door::Adding),
    ("POST", "/sign-in/passkeys/prove/finish", Door::Adding),
    ("POST", "/sign-in/passkeys/add/start", Door::Adding),
    ("POST", "/sign-in/passkeys/add/finish", Door::Adding),
    ("GET", "/sign-in/notice", Door::Address),
    ("POST", "/sign-in/notice", Door::Address),
    ("GET", "/sign-in/notice/done", Door::Open),
    ("GET", "/sign-in/password", Door::Visit),
    ("POST", "/sign-in/password", Door::Visit),
    ("GET", "/sign-in/password/code", Door::Visit),
    ("POST", "/sign-in/password/code", Door::Visit),
    ("POST", "/sign-in/ways-in/prove", Door::Adding),
    ("POST", "/sign-in/ways-in/send-code", Door::Adding),
    ("GET", "/sign-in/ways-in/password", Door::Adding),
    ("POST", "/sign-in/ways-in/password", Door::Adding),
    ("GET", "/sign-in/ways-in/code", Door::Adding),
    ("POST", "/sign-in/ways-in/code", Door::Adding),
    ("GET", "/sign-in/ways-in/keep", Door::Adding),
    ("POST", "/sign-in/ways-in/keep", Door::Adding),
    ("GET", "/sign-in/ways-in/saved-code", Door::Adding),
    ("POST", "/sign-in/ways-in/saved-code", Door::Adding),
    ("GET", "/sign-in/ways-in/address", Door::Adding),
    ("POST", "/sign-in/ways-in/address", Door::Adding),
    ("GET", "/sign-in/ways-in/address/done", Door::Open),
    ("GET", "/sign-in/ways-in/done", Door::Open),
    ("GET", "/sign-in/recovery", Door::Open),
    ("POST", "/sign-in/recovery", Door::Address),
    ("GET", "/sign-in/recovery/open", Door::Address),
    ("GET", "/sign-in/recovery/codes", Door::Recovery),
    ("POST", "/sign-in/recovery/codes", Door::Recovery),
    ("GET", "/sign-in/recovery/help", Door::Address),
    ("GET", "/sign-in/recovery/state", Door::Recovery),
    ("POST", "/sign-in/recovery/passkey/start", Door::Recovery),
    ("POST", "/sign-in/recovery/passkey/finish", Door::Recovery),
    ("GET", "/sign-in/step-up", Door::StepUp),
    ("GET", "/sign-in/step-up/open", Door::Address),
    ("GET", "/sign-in/step-up/done", Door::Open),
    ("POST", "/sign-in/step-up/number", Door::StepUp),
    ("POST", "/sign-in/step-up/start", Door::StepUp),
    ("POST", "/sign-in/step-up/finish", Door::StepUp),
];

/// Somebody with one of everything.
struct Owner {
    device: TestDevice,
    account: Account,
    bill: Bill,
    order: PaymentOrder,
    address: AddressId,
    /// A card of the server.
    card: AccountId,
}

impl Owner {
    async fn new(world: &World) -> Self {
        let device = world.holder().await;
        let account = Account { name: format!("{CANARY} card"), ..card(world) };
        import(&device, world, &account, vec![line(world, &account, 1)]).await;
        let bill = Bill { name: format!("{CANARY} rent"), ..rent(world) };
        device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
        let order = PaymentOrder {
            id: PaymentId::new(world.now(), world.app.chance10()),
            biller: crate::billers::directory()[0].id,
            reference: Some(format!("{CANARY} reference")),
            amount: Money::new(4_000, Currency::USD).expect("an amount"),
            bill: None,
            due_on: None,
            send_on: None,
            duplicate_meant: true,
            method: None,
        };
        device.post("/api/v1/payments", &order).await.expect(201);
        let address = AddressId::new(world.now(), world.app.chance10());
        let wish = json!({"id": address, "kind": "email", "value": format!("{CANARY}@example.org")});
        device.post("/api/v1/security/addresses", &wish).await.expect(201);
        let card = AccountId::new(world.now(), world.app.chance10());
        device.put(&format!("/api/v1/cards/{card}"), &open_card(CANARY)).await.expect(200);
        Self { device, account, bill, order, address, card }
    }

    async fn everything(&self) -> String {
        self.device.get("/api/v1/sync/snapshot").await.text()
    }

    /// The ids that somebody else may have learnt.
    fn ids(&self) -> [String; 6] {
        let Self { device, account, bill, order, address, card } = self;
        let [device, account, bill] = [device.device.as_uuid(), account.id.as_uuid(), bill.id.as_uuid()];
        let ids = [device, account, bill, order.id.as_uuid(), address.as_uuid(), card.as_uuid()];
        ids.map(|id| id.to_string())
    }

    fn path(&self, route: &str) -> String {
        let id = if route.contains("/cards/") {
            self.card.to_string()
        } else if route.contains("/bills/") {
            self.bill.id.to_string()
        } else if route.contains("/payments/") {
            self.order.id.to_string()
        } else if route.contains("/addresses/") {
            self.address.to_string()
        } else if route.contains("/devices/") {
            self.device.device.to_string()
        } else {
            self.account.id.to_string()
        };
        let path = route.replace("{id}", &id).replace("{account}", &self.account.id.to_string());
        let path = path.replace("{plan}", &self.bill.id.to_string()).replace("{currency}", "USD");
        let path = path.replace("{merchant}", &self.order.id.to_string());
        path.replace("{due_on}", "2027-03-01").replace("{number}", "1").replace("{file}", "2027-02-25.pdf")
    }

    /// What the call wants, about the same things under the same ids, in other words.
    fn body(&self, world: &World, method: &str, route: &str) -> Option<Value> {
        let value = match (method, route) {
            ("PUT", "/api/v1/cards/{id}") => json!(open_card("Other")),
            ("POST", "/api/v1/cards/{id}/status") => json!({"status": "frozen"}),
            ("PUT", "/api/v1/cards/{id}/plans/{plan}") => {
                json!({"purchase": self.order.id, "offer": {"equal_payments": {"months": 6}}})
            }
            ("PUT", "/api/v1/bills/{id}") => json!(Bill { name: "Other rent".to_owned(), ..self.bill.clone() }),
            ("PUT", "/api/v1/bills/{id}/occurrences/{due_on}") => {
                json!({"bill": self.bill.id, "due_on": "2027-03-01", "skipped": true})
            }
            ("PUT", "/api/v1/accounts/{id}/plans/{plan}") => json!({
                "id": self.bill.id, "name": "Other plan", "kind": {"equal_payments": {"monthly": {"minor": 1_000, "currency": "USD"}}},
                "apr": 0, "amount": {"minor": 9_000, "currency": "USD"}, "opened_on": "2027-02-01",
                "left": {"minor": 9_000, "currency": "USD"}, "left_on": "2027-02-01",
            }),
            ("POST", "/api/v1/cards/{id}/credit") => json!({"id": self.account.id, "to": null}),
            ("POST", "/api/v1/cards/{id}/wallet") => {
                json!({"id": self.account.id, "amount": {"minor": 500, "currency": "USD"}})
            }
            ("PUT", "/api/v1/cards/{id}/wallet/checkout") => json!({"on": true}),
            ("PUT", "/api/v1/cards/{id}/wallet/auto-reload") => {
                let usd = |minor| json!({"minor": minor, "currency": "USD"});
                json!({"below": usd(2_000), "amount": usd(5_000), "month_most": usd(20_000)})
            }
            ("POST", "/api/v1/cards/{id}/rewards") => {
                json!({"id": self.account.id, "amount": {"minor": 1, "currency": "USD"}})
            }
            ("PUT", "/api/v1/cards/{id}/rewards/checkout") => json!({"on": true}),
            ("PUT", "/api/v1/bills/{id}/autopay") => json!({
                "amount": {"pay": "left"}, "cap": {"minor": 100_000, "currency": "USD"}, "method": null, "days_before": 0,
            }),
            ("PUT", "/api/v1/disputes/{id}") => json!({"purchase": self.order.id, "reason": "not_received"}),
            ("PUT", "/api/v1/cards/{id}/autopay") => json!({
                "amount": {"pay": "statement"}, "cap": {"minor": 100_000, "currency": "USD"}, "method": null, "days_before": 0,
            }),
            ("POST", "/api/v1/bills/{id}/autopay/pause" | "/api/v1/cards/{id}/autopay/pause") => {
                json!({"paused": true})
            }
            ("PUT", "/api/v1/bills/{id}/occurrences/{due_on}/reminder") => {
                json!({"bill": self.bill.id, "due_on": "2027-03-01", "at": "2027-02-26T09:00:00Z", "through_days": 3, "goes_out": false,
                    "snoozed_until": null})
            }
            ("PUT", "/api/v1/incomes/{id}") => json!({
                "id": self.account.id, "name": "Other pay", "amount": {"minor": 1_000, "currency": "USD"},
                "cycle": {"kind": "monthly", "day": 25}, "calendar": "weekends_only", "roll": "preceding",
            }),
            ("PUT", "/api/v1/billers/{id}") => json!({"id": self.account.id, "name": "Other biller"}),
            ("PUT", "/api/v1/suggestions/{id}") => json!({"id": self.account.id, "accepted": false}),
            ("PUT", "/api/v1/plan") => json!({"account": self.account.id, "keep": null, "pace": "after_pay"}),
            ("POST", "/api/v1/import") => json!({
                "id": MutationId::new(world.now(), world.app.chance10()),
                "accounts": [Account { name: "Other card".to_owned(), ..self.account.clone() }],
                "transactions": [], "replaced": [],
            }),
            ("POST", "/api/v1/restore") => {
                json!({"records": [{"kind": "own_biller", "body": {"id": self.account.id, "name": "Other biller"}}]})
            }
            ("POST", "/api/v1/methods") => json!({"id": self.account.id, "kind": "card"}),
            ("PATCH", "/api/v1/methods/{id}") => json!({"is_default": true}),
            ("POST", "/api/v1/methods/{id}/replace") => json!({"with": self.account.id}),
            ("POST", "/api/v1/payments") => json!(PaymentOrder { reference: None, ..self.order.clone() }),
            ("PATCH", "/api/v1/payments/{id}") => {
                json!({"amount": Money::new(4_100, Currency::USD).expect("an amount"), "send_on": null, "seen": 2})
            }
            ("PUT", "/api/v1/risk/rhythm") => json!({"on": true}),
            ("PUT", "/api/v1/terms/accepted") => json!({"version": "1"}),
            ("PUT", "/api/v1/payments/limits/{currency}") => json!({"payment_minor": 60_000, "day_minor": 60_000}),
            ("POST", "/api/v1/security/events/{number}/answer") => json!({"mine": false}),
            ("POST", "/api/v1/security/addresses") => {
                json!({"id": self.address, "kind": "email", "value": "other@example.org"})
            }
            ("PUT", "/api/v1/reminders/email") => json!({"details": false, "remind_at": "09:00:00", "zone": "UTC"}),
            ("PUT", "/api/v1/calendar") => {
                json!({"amounts": true, "remind_at": "08:00:00", "secret_hash": "5a".repeat(32)})
            }
            ("POST", "/api/v1/security/addresses/{id}/confirm") => json!({"code": "12345678"}),
            ("POST", "/api/v1/security/recovery") => json!({"by": "saved", "code": "no code"}),
            ("POST", "/api/v1/support/checks") => json!({"code": "00000000"}),
            ("POST", "/api/v1/support/checks/{id}/answer") => json!({"allow": true}),
            ("PATCH", _) => json!({"name": "Other"}),
            _ => return None,
        };
        Some(value)
    }
}

fn open_card(name: &str) -> OpenCard {
    let limit = Money::new(100_000, Currency::USD).expect("an amount");
    OpenCard { name: format!("{name} store card"), limit, closing_day: 25 }
}

async fn call(caller: &TestDevice, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let method: Method = method.parse().expect("a method");
    caller.send(method, path, &[("idempotency-key", path)], body).await
}

#[tokio::test]
async fn every_route_has_a_row_and_no_row_is_without_a_route() {
    let document: Value = serde_json::from_str(&crate::openapi::text().expect("a document")).expect("JSON");
    let mut real = BTreeSet::new();
    for (path, calls) in document["paths"].as_object().expect("paths") {
        for method in calls.as_object().expect("calls").keys() {
            real.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let of_api = ROUTES.iter().map(|(method, path, _)| format!("{method} {path}"));
    let of_doors = DOORS.iter().map(|(method, path, _)| format!("{method} {path}"));
    let of_support = SUPPORT_ROUTES.iter().map(|(method, path, ..)| format!("{method} {path}"));
    let rows: BTreeSet<String> = of_api.chain(of_doors).chain(of_support).collect();
    assert_eq!(real, rows);
}

#[tokio::test]
async fn every_route_answers_each_caller_as_its_row_says() {
    on_each_engine(async |world| {
        let owner = Owner::new(&world).await;
        let before = owner.everything().await;
        let gone = world.device(owner.device.holder).await;
        owner.device.delete(&format!("/api/v1/devices/{}", gone.device)).await.expect(204);
        let before_others = owner.everything().await;
        assert_ne!(before, before_others, "the owner's own doing shows");
        for (method, route, allowed) in ROUTES {
            let (path, body) = (owner.path(route), owner.body(&world, method, route));
            let nobody = Request::builder().method(*method).uri(&path).header("content-type", "application/json");
            let nobody = world.call(nobody.body(Body::from("{}")).expect("a request")).await;
            assert_eq!(nobody.code(), ErrorCode::NotSignedIn, "{method} {route} by nobody");
            assert_eq!(
                call(&gone, method, &path, body.as_ref()).await.code(),
                ErrorCode::DeviceRevoked,
                "{method} {route} by a device that was signed out"
            );
            let stranger = world.holder().await;
            if *route == "/api/v1/events" {
                // A stream does not end by itself.
                let request = stranger.request(&Method::GET, &path, &[], Body::empty());
                assert_eq!(world.open(request).await.status(), StatusCode::OK);
                continue;
            }
            let answer = call(&stranger, method, &path, body.as_ref()).await;
            assert!(allowed.contains(&answer.status.as_u16()), "{method} {route}: {} {}", answer.status, answer.text());
            assert!(!answer.text().contains(CANARY), "{method} {route}: {}", answer.text());
        }
        assert_eq!(owner.everything().await, before_others, "nobody else changed anything of it");
    })
    .await;
}

/// A call to a page, with this cookie, as from a page of this origin.
async fn knock(world: &World, method: &str, path: &str, cookie: &str, origin: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("cookie", cookie).header("origin", origin);
    let request = request.header("content-type", "application/json");
    world.call(request.body(Body::from(if method == "GET" { "" } else { "{}" })).expect("a request")).await
}

/// The cookies of a browser that signs in and of one that adds a way in, and what each secret is called by the other.
async fn cookies(world: &World, owner: &TestDevice) -> [String; 2] {
    let mut signing_in = Browser::new(world);
    visit(&mut signing_in, &DeviceKey::new()).await;
    let (adding, _) = adding(world, owner).await;
    [signing_in.cookie, adding.cookie]
}

#[tokio::test]
async fn every_door_opens_to_whom_its_row_says_and_to_nobody_else() {
    on_each_engine(async |world| {
        let owner = Owner::new(&world).await;
        let before = owner.everything().await;
        for (method, path, door) in DOORS {
            let [signing_in, adding] = cookies(&world, &owner.device).await;
            let exchanged = [
                format!("billfold-adding={}", signing_in.split_once('=').expect("a cookie").1),
                format!("billfold-visit={}", adding.split_once('=').expect("a cookie").1),
            ];
            let nobody = knock(&world, method, path, "", ORIGIN).await;
            let strangers = [
                exchanged[0].as_str(),
                exchanged[1].as_str(),
                "billfold-visit=x; billfold-adding=x; billfold-step-up=x; billfold-recovery=x",
            ];
            let expected = match door {
                Door::Open => 200,
                Door::Secret => 404,
                Door::Merchant => 401,
                _ => 400,
            };
            assert_eq!(nobody.status.as_u16(), expected, "{method} {path} by nobody");
            for stranger in strangers {
                let answer = knock(&world, method, path, stranger, ORIGIN).await;
                assert_eq!(answer.status.as_u16(), expected, "{method} {path} with {stranger}");
                assert!(!answer.text().contains(CANARY), "{method} {path}");
            }
            let (own, other) = match door {
                Door::Visit => (&signing_in, &adding),
                Door::Adding => (&adding, &signing_in),
                // What opens to the browser of a step-up or a recovery is held where these are.
                Door::Open
                | Door::Proof
                | Door::Address
                | Door::Secret
                | Door::StepUp
                | Door::Recovery
                | Door::Report => continue,
                Door::Merchant => {
                    // Beginning a visit is limited by the minute.
                    world.advance(SignedDuration::from_mins(1));
                    owner.device.refresh().await.expect(200);
                    continue;
                }
            };
            let opened = knock(&world, method, path, own, ORIGIN).await;
            // Inside, the body may not read, the step may be out of turn, or the page may lead on.
            let is_inside = match opened.status.as_u16() {
                200 | 303 | 403 => true,
                400 => opened.header("content-type") == Some("application/problem+json"),
                _ => false,
            };
            assert!(is_inside, "{method} {path}: {} {}", opened.status, opened.text());
            assert_eq!(
                knock(&world, method, path, other, ORIGIN).await.status,
                StatusCode::BAD_REQUEST,
                "{method} {path}"
            );
            if *method != "GET" {
                let elsewhere = knock(&world, method, path, own, "https://example.org").await;
                assert_eq!(elsewhere.status, StatusCode::BAD_REQUEST, "{method} {path} from another site's page");
                assert_eq!(elsewhere.header("content-type"), Some("text/html; charset=utf-8"), "{method} {path}");
            }
            world.advance(SignedDuration::from_mins(1));
            owner.device.refresh().await.expect(200);
        }
        assert_eq!(owner.everything().await, before, "nobody changed anything of it");
    })
    .await;
}

#[tokio::test]
async fn a_lock_stops_money_and_ways_in_and_nothing_else() {
    on_each_engine(async |world| stops(&world, RestraintLevel::Locked, ErrorCode::AccountLocked).await).await;
}

/// Here no payee is known yet, so that a restriction stops what a lock does, by its own name.
#[tokio::test]
async fn a_restriction_stops_what_is_new_and_nothing_else() {
    on_each_engine(async |world| stops(&world, RestraintLevel::Restricted, ErrorCode::AccountRestricted).await).await;
}

/// Each route under a restraint of this level, by the owner's own device.
async fn stops(world: &World, level: RestraintLevel, named: ErrorCode) {
    for (method, route, _) in ROUTES.iter().filter(|(_, route, _)| *route != "/api/v1/events") {
        let mut owner = Owner::new(world).await;
        let holder = owner.device.holder;
        let mut tx = world.app.db.begin_write().await.expect("a transaction");
        tx.lock(holder).await.expect("a lock");
        let reason = RestraintReason::OwnWish;
        standing::restrain(&world.app, &mut tx, holder, level, reason, None, None).await.expect("a restraint");
        tx.commit().await.expect("a commit");
        let path = owner.path(route);
        // Another order: the one that is there is answered as it stands.
        owner.order.id = PaymentId::new(world.now(), world.app.chance10());
        let answer = call(&owner.device, method, &path, owner.body(world, method, route).as_ref()).await;
        let stopped = !answer.status.is_success() && answer.code() == named;
        let free = level == RestraintLevel::Restricted && FREE_IN_A_RESTRICTION.contains(&(method, route));
        let stops = STOPPED_BY_A_LOCK.contains(&(method, route)) && !free;
        assert_eq!(stopped, stops, "{method} {route}: {}", answer.text());
    }
}

// ---- people of support -------------------------------------------------------------------------------------------

/// What a caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gets {
    /// An answer of its own.
    It(u16),
    /// The page to sign in.
    SignIn,
    /// Done, and back to the desk.
    Desk,
}

/// A call of the back office with its form or JSON, and what nobody gets, an agent whom the owner of case and request
/// lets see the account, and a second agent whom nobody lets see anything.
type SupportRow = (&'static str, &'static str, &'static str, [Gets; 3]);

const SUPPORT_ROUTES: &[SupportRow] = {
    use Gets::{Desk, It, SignIn};
    &[
        ("GET", "/support", "", [SignIn, It(200), It(200)]),
        ("GET", "/support/sign-in", "", [It(200); 3]),
        ("GET", "/support/invited", "", [It(403); 3]),
        ("GET", "/support/assets/support.css", "", [It(200); 3]),
        ("GET", "/support/assets/support.js", "", [It(200); 3]),
        ("POST", "/support/passkey/start", "{}", [It(200); 3]),
        ("POST", "/support/passkey/finish", r#"{"ceremony": "x", "credential": {}}"#, [It(403); 3]),
        ("POST", "/support/passkey/add/start", r#"{"secret": "x"}"#, [It(403); 3]),
        ("POST", "/support/passkey/add/finish", r#"{"secret": "x", "ceremony": "x", "credential": {}}"#, [It(403); 3]),
        ("POST", "/support/codes", "scope=account", [SignIn, It(200), It(200)]),
        ("GET", "/support/cases/{number}", "", [SignIn, It(200), It(200)]),
        ("POST", "/support/cases/{number}/looks", "scope=account", [SignIn, It(200), It(403)]),
        ("POST", "/support/cases/{number}/requests", "operation=sign_out_devices", [SignIn, Desk, It(403)]),
        ("POST", "/support/requests/{id}", "granted=false", [SignIn, It(403), Desk]),
        ("POST", "/support/sign-out", "", [SignIn, SignIn, SignIn]),
    ]
};

#[tokio::test]
async fn every_route_of_support_answers_each_caller_as_its_row_says() {
    on_each_engine(async |world| {
        let document: Value = serde_json::from_str(&crate::openapi::text().expect("a document")).expect("JSON");
        let real: BTreeSet<&str> = document["paths"]
            .as_object()
            .expect("paths")
            .keys()
            .map(String::as_str)
            .filter(|p| p.starts_with("/support"))
            .collect();
        assert_eq!(real, SUPPORT_ROUTES.iter().map(|(_, path, ..)| *path).collect(), "each has a row");
        let back_office = crate::support::tests::BackOffice::new(&world).await;
        for (method, route, body, all) in SUPPORT_ROUTES {
            let path = route.replace("{number}", &back_office.case.to_string());
            let path = path.replace("{id}", &back_office.request.to_string()).replace("invited", "invited?secret=x");
            for (who, gets) in ["", &back_office.first, &back_office.second].into_iter().zip(all) {
                let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
                let request = Request::builder().method(*method).uri(&path).header("cookie", who);
                let request = request.header("origin", crate::testing::ORIGIN).header("content-type", kind);
                let answer = world.call(request.body(Body::from(*body)).expect("a request")).await;
                let got = match (answer.status.as_u16(), answer.header("location")) {
                    (303, Some("/support/sign-in")) => Gets::SignIn,
                    (303, Some("/support")) => Gets::Desk,
                    (status, _) => Gets::It(status),
                };
                assert_eq!(got, *gets, "{method} {route} by {who:?}: {}", answer.text());
                assert!(!answer.text().contains(CANARY), "{method} {route}");
            }
        }
    })
    .await;
}

/// A merchant's token is the lowest there is, and a person of support has the most to look at: neither is a session of an
/// account, whatever is open for them just then. Nor is an account's session theirs.
#[tokio::test]
async fn no_token_and_no_cookie_of_another_kind_opens_an_account() {
    on_each_engine(async |world| {
        let owner = Owner::new(&world).await;
        let before = owner.everything().await;
        let merchant = world.merchant("Fernhill").await;
        let back_office = crate::support::tests::BackOffice::new(&world).await;
        let agents = [&back_office.first, &back_office.second];
        for (method, route, _) in ROUTES {
            let (path, body) = (owner.path(route), owner.body(&world, method, route));
            let verb: Method = method.parse().expect("a method");
            let answer = merchant.send(&verb, &path, &body).await;
            assert_eq!(answer.code(), ErrorCode::NotSignedIn, "{method} {route} by a merchant");
            for agent in agents {
                let answer = knock(&world, method, &path, agent, ORIGIN).await;
                assert_eq!(answer.code(), ErrorCode::NotSignedIn, "{method} {route} by support");
            }
        }
        for (method, path, door) in DOORS {
            let closed = match door {
                Door::Visit | Door::Adding | Door::StepUp | Door::Recovery => 400,
                Door::Merchant => 401,
                Door::Open | Door::Proof | Door::Address | Door::Secret | Door::Report => continue,
            };
            for agent in agents {
                let answer = knock(&world, method, path, agent, ORIGIN).await;
                assert_eq!(answer.status.as_u16(), closed, "{method} {path} by support");
            }
            let verb: Method = method.parse().expect("a method");
            let answer = owner.device.send(verb, path, &[], Some(&json!({}))).await;
            assert_eq!(answer.status.as_u16(), closed, "{method} {path} by an account's device");
            if *door == Door::Merchant {
                // Tries of merchants are limited by the minute.
                world.advance(SignedDuration::from_mins(1));
                owner.device.refresh().await.expect(200);
            }
        }
        assert_eq!(owner.everything().await, before, "nobody changed anything of it");
    })
    .await;
}

#[tokio::test]
async fn two_thousand_exchanged_ids_give_nothing_away() {
    on_each_engine(async |world| {
        let owner = Owner::new(&world).await;
        let stranger = world.holder().await;
        let before = owner.everything().await;
        let (ids, routes) = (owner.ids(), ROUTES.iter().filter(|(_, route, _)| route.contains("{id}")));
        let routes: Vec<_> = routes.collect();
        for turn in 0..2_000_usize {
            let [a, b, ..] = world.app.chance10();
            let (method, route, _) = routes[usize::from(a) % routes.len()];
            // Any of the ids at any place, also where it is of another kind.
            let path = route.replace("{id}", &ids[usize::from(b) % ids.len()]).replace("{plan}", &ids[0]);
            let path = path.replace("{due_on}", "2027-03-01").replace("{merchant}", &ids[1]);
            let body = owner.body(&world, method, route);
            let answer = stranger
                .send(
                    method.parse().expect("a method"),
                    &path,
                    &[("idempotency-key", &turn.to_string())],
                    body.as_ref(),
                )
                .await;
            assert!(!answer.status.is_server_error(), "{method} {path}: {}", answer.text());
            assert!(!answer.text().contains(CANARY), "{method} {path}: {}", answer.text());
        }
        assert!(!stranger.get("/api/v1/sync/snapshot").await.text().contains(CANARY));
        assert_eq!(owner.everything().await, before, "the owner has what they had");
    })
    .await;
}
