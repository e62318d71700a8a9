use api::bills::Bill;
use api::import::ImportChunk;
use api::sync::Change;
use domain::accounts::{Account, AccountKind, Keeping, Transaction, TransactionKind, TransactionState};
use domain::card::Excess;
use domain::ids::{AccountId, BillId, MutationId, TransactionId};
use domain::money::{Currency, Money};
use domain::schedule::{Every, Schedule};
use futures_util::StreamExt as _;
use jiff::civil::date;

use super::*;
use crate::testing::{BEGUN, TestDevice, World, on_each_engine};

pub(crate) fn card(world: &World) -> Account {
    Account {
        id: AccountId::new(world.now(), world.app.chance10()),
        keeping: Keeping::Linked,
        kind: AccountKind::Card,
        name: "Cobalt card".to_owned(),
        mask: Some("1111".to_owned()),
        currency: Currency::USD,
        source: Some("fingerprint".to_owned()),
        balance: Some(Money::new(-10_000, Currency::USD).unwrap()),
        available: None,
        balance_as_of: Some(world.now()),
        terms: None,
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: None,
        covered: Vec::new(),
    }
}

pub(crate) fn line(world: &World, account: &Account, at: usize) -> Transaction {
    Transaction {
        id: TransactionId::new(world.now(), world.app.chance10()),
        account: account.id,
        posted_on: date(2027, 1, 1).saturating_add(jiff::Span::new().days(i64::try_from(at % 50).unwrap())),
        amount: Money::new(-100 - i64::try_from(at).unwrap(), Currency::USD).unwrap(),
        description: format!("Corner shop {at} – “Zażółć” 東京"),
        memo: None,
        kind: TransactionKind::Purchase,
        state: TransactionState::Posted,
        source: Some(format!("file:{at}")),
    }
}

pub(crate) async fn import(
    device: &TestDevice,
    world: &World,
    card: &Account,
    lines: Vec<Transaction>,
) -> api::import::Imported {
    let chunk = ImportChunk {
        id: MutationId::new(world.now(), world.app.chance10()),
        accounts: vec![card.clone()],
        transactions: lines,
        replaced: Vec::new(),
    };
    device.post("/api/v1/import", &chunk).await.ok()
}

pub(crate) fn rent(world: &World) -> Bill {
    let id = BillId::new(world.now(), world.app.chance10());
    let amount = Money::new(95_000, Currency::USD).unwrap();
    let schedule = Schedule::new(Every::Month, 1, date(2027, 3, 1));
    Bill { remind_days: vec![7, 3], ..Bill::new(id, "Rent".to_owned(), amount, schedule) }
}

async fn read_all(device: &TestDevice) -> (Vec<Change>, String) {
    let mut changes = Vec::new();
    let mut path = "/api/v1/sync".to_owned();
    loop {
        let page: Page = device.get(&path).await.ok();
        // How the account began is told elsewhere.
        let others = page.changes.into_iter().filter(|change| !matches!(change.record, Record::SecurityEvent(_)));
        changes.extend(others);
        path = format!("/api/v1/sync?cursor={}", page.cursor);
        if !page.more {
            return (changes, page.cursor);
        }
    }
}

#[tokio::test]
async fn pages_hold_everything_once_in_order_and_go_on_where_they_ended() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let card = card(&world);
        let lines: Vec<Transaction> = (0..1_203).map(|at| line(&world, &card, at)).collect();
        import(&device, &world, &card, lines).await;
        let rent = rent(&world);
        device.put(&format!("/api/v1/bills/{}", rent.id), &rent).await.expect(200);
        let (changes, cursor) = read_all(&device).await;
        assert_eq!(changes.len(), 1 + 1_203 + 1);
        assert!(matches!(changes[0].record, Record::Account(_)), "an account comes before its lines");
        assert!(changes.is_sorted_by_key(|change| change.number));
        let ids: std::collections::HashSet<_> = changes
            .iter()
            .filter_map(|change| if let Record::Transaction(line) = &change.record { Some(line.id) } else { None })
            .collect();
        assert_eq!(ids.len(), 1_203);
        let page: Page = device.get(&format!("/api/v1/sync?cursor={cursor}")).await.ok();
        assert!(page.changes.is_empty() && !page.more && page.cursor == cursor);
        let edit = serde_json::json!({"name": "Rent and water"});
        device.patch(&format!("/api/v1/bills/{}", rent.id), "k1", &edit).await.expect(200);
        let page: Page = device.get(&format!("/api/v1/sync?cursor={cursor}")).await.ok();
        assert_eq!(page.changes.len(), 1, "only what changed");
        let stranger = world.holder().await;
        assert!(read_all(&stranger).await.0.is_empty(), "nothing of another account");
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_is_whole_and_the_feed_goes_on_behind_it() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let card = card(&world);
        let lines: Vec<Transaction> = (0..4_700).map(|at| line(&world, &card, at)).collect();
        import(&device, &world, &card, lines.clone()).await;
        let rent = rent(&world);
        device.put(&format!("/api/v1/bills/{}", rent.id), &rent).await.expect(200);
        device
            .send(
                axum::http::Method::DELETE,
                &format!("/api/v1/bills/{}", rent.id),
                &[("idempotency-key", "d")],
                None::<&()>,
            )
            .await
            .expect(204);
        let text = device.get("/api/v1/sync/snapshot").await.text();
        let mut rows = text.lines();
        let head: SnapshotHead = serde_json::from_str(rows.next().unwrap()).unwrap();
        let records: Vec<Record> = rows.map(|row| serde_json::from_str(row).unwrap()).collect();
        assert_eq!(head.records, records.len() as u64);
        assert_eq!(records.len(), 1 + 4_700 + 2, "two entries of the log, and what is gone is not in a snapshot");
        assert!(matches!(records[0], Record::Account(_)));
        assert!(records.contains(&Record::Transaction(lines[4_699].clone())));
        let page: Page = device.get(&format!("/api/v1/sync?cursor={}", head.cursor)).await.ok();
        assert!(page.changes.is_empty(), "nothing twice");
        let packing = [("accept-encoding", "zstd")];
        let packed = device.send(axum::http::Method::GET, "/api/v1/sync/snapshot", &packing, None::<&()>).await;
        assert!(packed.body.len() * 4 < text.len(), "it travels packed");
        assert_eq!(zstd::decode_all(packed.body.as_slice()).unwrap(), text.as_bytes());
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_has_a_line_for_whatever_the_feed_has() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let rent = rent(&world);
        device.put(&format!("/api/v1/bills/{}", rent.id), &rent).await.expect(200);
        device.post("/api/v1/security/lock", &serde_json::json!({})).await.expect(200);
        let (changes, _) = read_all(&device).await;
        let text = device.get("/api/v1/sync/snapshot").await.text();
        let mut rows = text.lines();
        let head: SnapshotHead = serde_json::from_str(rows.next().unwrap()).unwrap();
        let records: Vec<Record> = rows.map(|row| serde_json::from_str(row).unwrap()).collect();
        assert_eq!(head.records, records.len() as u64);
        assert!(records.iter().any(|record| matches!(record, Record::Standing(_))));
        for change in changes {
            assert!(records.contains(&change.record), "{:?}", change.record);
        }
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_that_is_not_read_stops_nobody_and_ends_with_its_session() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let other = world.device(device.holder).await;
        let card = card(&world);
        for from in 0..3 {
            let lines = (from * 4_000..(from + 1) * 4_000).map(|at| line(&world, &card, at)).collect();
            import(&device, &world, &card, lines).await;
        }
        let path = "/api/v1/sync/snapshot";
        let request = device.request(&axum::http::Method::GET, path, &[], axum::body::Body::empty());
        let mut unread = world.open(request).await.into_body().into_data_stream();
        let refused = other.get(path).await;
        assert_eq!((refused.code(), refused.header("retry-after")), (ErrorCode::Unavailable, Some("5")));
        world.holder().await.get(path).await.expect(200);
        other.get("/api/v1/sync").await.expect(200);
        let gone = format!("/api/v1/devices/{}", device.device);
        other.send(axum::http::Method::DELETE, &gone, &[], None::<&()>).await.expect(204);
        let mut last = None;
        while let Some(part) = unread.next().await {
            last = Some(part.is_ok());
        }
        assert_eq!(last, Some(false), "it broke off");
        other.get(path).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_another_epoch_or_older_than_the_tombstones_is_refused() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let rent = rent(&world);
        device.put(&format!("/api/v1/bills/{}", rent.id), &rent).await.expect(200);
        let (_, old) = read_all(&device).await;
        device
            .send(
                axum::http::Method::DELETE,
                &format!("/api/v1/bills/{}", rent.id),
                &[("idempotency-key", "d")],
                None::<&()>,
            )
            .await
            .expect(204);
        let page: Page = device.get(&format!("/api/v1/sync?cursor={old}")).await.ok();
        assert!(matches!(page.changes[0].record, Record::Gone(Gone::Bill { .. })));
        world.advance(SignedDuration::from_hours(24 * 91));
        let device = world.device(device.holder).await;
        sweep(&world.app).await.unwrap();
        let path = |cursor: &str| format!("/api/v1/sync?cursor={cursor}");
        assert_eq!(device.get(&path(&old)).await.code(), ErrorCode::CursorExpired);
        assert_eq!(device.get(&path(&write_cursor(2, &Place::START))).await.code(), ErrorCode::CursorExpired);
        assert_eq!(device.get(&path(&write_cursor(1, &Place::after(99)))).await.code(), ErrorCode::CursorExpired);
        let of_nul = BASE64URL_NOPAD.encode(format!("1.0.0.{}.\0", Uuid::nil().simple()).as_bytes());
        for bad in ["x", "%00", "AAAA", "MS4y", &of_nul] {
            assert_eq!(device.get(&path(bad)).await.code(), ErrorCode::InvalidRequest, "{bad}");
        }
    })
    .await;
}

use api::sync::Gone;

#[tokio::test]
async fn an_open_stream_hears_of_each_change_at_once_and_of_nothing_of_others() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let other = world.device(device.holder).await;
        let stranger = world.holder().await;
        let request = device.request(&axum::http::Method::GET, "/api/v1/events", &[], axum::body::Body::empty());
        let mut stream = world.open(request).await.into_body().into_data_stream();
        let mut next = async || {
            let part = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("a part in time");
            String::from_utf8(part.unwrap().unwrap().to_vec()).unwrap()
        };
        assert_eq!(next().await, format!("event: number\ndata: {}\n\n", BEGUN + 1));
        let bill = rent(&world);
        stranger.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
        other.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
        assert_eq!(next().await, format!("event: number\ndata: {}\n\n", BEGUN + 2));
    })
    .await;
}

#[tokio::test]
async fn an_import_sent_again_changes_nothing_and_one_line_is_kept_once() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let card = card(&world);
        let lines: Vec<Transaction> = (0..700).map(|at| line(&world, &card, at)).collect();
        let first = import(&device, &world, &card, lines.clone()).await;
        assert_eq!((first.new, first.known), (700, 0));
        let (_, cursor) = read_all(&device).await;
        let again = import(&device, &world, &card, lines.clone()).await;
        assert_eq!((again.new, again.known), (0, 700));
        let page: Page = device.get(&format!("/api/v1/sync?cursor={cursor}")).await.ok();
        assert!(page.changes.is_empty(), "devices hear nothing of it");
        // The same lines from another device have other ids and the same source.
        let twins = lines
            .iter()
            .map(|line| Transaction { id: TransactionId::new(world.now(), world.app.chance10()), ..line.clone() });
        let other = import(&device, &world, &card, twins.collect()).await;
        assert_eq!((other.new, other.known), (0, 700));
        let pending = Transaction { state: TransactionState::Pending, ..line(&world, &card, 9_000) };
        import(&device, &world, &card, vec![pending.clone()]).await;
        let chunk = ImportChunk {
            id: MutationId::new(world.now(), world.app.chance10()),
            accounts: Vec::new(),
            transactions: vec![line(&world, &card, 9_001)],
            replaced: vec![pending.id],
        };
        let replaced: api::import::Imported = device.post("/api/v1/import", &chunk).await.ok();
        assert_eq!((replaced.new, replaced.replaced), (1, 1));
        let (_, cursor) = read_all(&device).await;
        let back = import(&device, &world, &card, vec![pending.clone()]).await;
        assert_eq!((back.new, back.known), (0, 1), "what was replaced does not come back");
        let page: Page = device.get(&format!("/api/v1/sync?cursor={cursor}")).await.ok();
        let told: Vec<Record> = page.changes.into_iter().map(|change| change.record).collect();
        assert_eq!(told, [Record::Gone(Gone::Transaction { id: pending.id })], "whoever sent it hears so again");
    })
    .await;
}

#[tokio::test]
async fn an_import_that_does_not_fit_is_refused_whole() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let card = card(&world);
        let send = async |chunk: ImportChunk| device.post("/api/v1/import", &chunk).await.code();
        let chunk = |accounts: Vec<Account>, transactions: Vec<Transaction>| ImportChunk {
            id: MutationId::new(world.now(), world.app.chance10()),
            accounts,
            transactions,
            replaced: Vec::new(),
        };
        let good = line(&world, &card, 1);
        assert_eq!(send(chunk(Vec::new(), vec![good.clone()])).await, ErrorCode::InvalidRequest);
        let euros = Transaction { amount: Money::new(5, Currency::EUR).unwrap(), ..good.clone() };
        assert_eq!(send(chunk(vec![card.clone()], vec![good.clone(), euros])).await, ErrorCode::UnknownCurrency);
        let long = Transaction { description: "x".repeat(1_001), ..good.clone() };
        assert_eq!(send(chunk(vec![card.clone()], vec![long])).await, ErrorCode::TooLong);
        let served = Account { keeping: Keeping::Served, ..card.clone() };
        assert_eq!(send(chunk(vec![served], Vec::new())).await, ErrorCode::Forbidden);
        let named = Account { mask: Some("4111111111111111".to_owned()), ..card.clone() };
        assert_eq!(send(chunk(vec![named], Vec::new())).await, ErrorCode::TooLong, "never a whole number");
        let many = vec![good; api::import::CHUNK_MAX + 1];
        assert_eq!(send(chunk(vec![card], many)).await, ErrorCode::TooMany);
        assert!(read_all(&device).await.0.is_empty(), "nothing of all that was kept");
    })
    .await;
}
