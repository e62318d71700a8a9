//! What a file rail promises: money leaves once whatever crashes, comes back once whatever arrives, and what fits
//! nothing waits for a person.

use std::path::PathBuf;

use api::error::ErrorCode;
use api::payments::Payment;
use domain::ids::{AccountId, PaymentId};
use domain::payments::PaymentState;
use formats::nacha::{self, Received};
use jiff::civil::date;

use super::*;
use crate::billers;
use crate::db::run;
use crate::payments;
use crate::payments::rails::Rails;
use crate::payments::rails::sandbox::Sandbox;
use crate::payments::rails::settings::{RailSettings, tests as settings_tests};
use crate::testing::{TestDevice, World, on_each_engine};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// From the world's noon to just after the file of its day.
const TO_FILE: SignedDuration = SignedDuration::from_mins(4 * 60 + 36);

fn money_of(text: &str, currency: Currency) -> Money {
    Money::parse(text, currency).expect("an amount")
}

fn usd(text: &str) -> Money {
    money_of(text, Currency::USD)
}

/// A world whose dollars and euros go over real rails, and a person with money.
struct Bank {
    world: World,
    device: TestDevice,
    folder: tempfile::TempDir,
    account: AccountId,
}

impl Bank {
    async fn open(world: &World) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let world = with_rails(world, &settings_tests::text(folder.path()));
        let device = world.holder().await.at(&world);
        let mut tx = world.app.db.begin_write().await.expect("begins");
        tx.lock(device.holder).await.expect("a lock");
        let opened = async |tx: &mut Tx, currency| {
            payments::practice_account(&world.app, tx, device.holder, currency).await.expect("an account")
        };
        let account = opened(&mut tx, Currency::USD).await;
        let euros = opened(&mut tx, Currency::EUR).await;
        tx.commit().await.expect("commits");
        for (account, amount) in [(account, usd("1000")), (euros, money_of("1000", Currency::EUR))] {
            assert!(payments::deposit(&world.app, account, amount, "wire 1").await.expect("books"));
            assert!(!payments::deposit(&world.app, account, amount, "wire 1").await.expect("books once"));
        }
        Self { world, device, folder, account }
    }

    /// The same server after a restart, with another payee in this one's place.
    fn without(&self, payee: &str) -> World {
        with_rails(&self.world, &settings_tests::text(self.folder.path()).replace(payee, "Northline Gas"))
    }

    fn rail(&self, name: &str) -> &FileRail {
        self.world.app.rails.of_files(name).expect("a rail")
    }

    fn order(&self, biller: &str, amount: Money) -> PaymentOrder {
        PaymentOrder {
            id: PaymentId::new(self.world.now(), self.world.app.chance10()),
            biller: billers::named(biller).expect("a biller").id,
            reference: Some("4471-22".to_owned()),
            amount,
            bill: None,
            due_on: None,
            send_on: None,
            method: None,
            duplicate_meant: true,
        }
    }

    async fn pay(&self, biller: &str, amount: Money) -> PaymentOrder {
        let order = self.order(biller, amount);
        self.device.post("/api/v1/payments", &order).await.expect(201);
        order
    }

    async fn payment(&self, order: &PaymentOrder) -> Payment {
        self.device.get(&format!("/api/v1/payments/{}", order.id)).await.ok()
    }

    async fn state(&self, order: &PaymentOrder) -> PaymentState {
        self.payment(order).await.state
    }

    async fn stored_state(&self, order: &PaymentOrder) -> PaymentState {
        let mut tx = self.world.app.db.begin_read().await.expect("begins");
        let found = crate::payments::store::find(&mut tx, self.device.holder, order.id).await.expect("reads");
        found.expect("a payment").state
    }

    async fn pass(&self, total: SignedDuration, step: SignedDuration) {
        self.world.pass(total, step).await;
        self.device.refresh().await.expect(200);
    }

    async fn available(&self) -> Money {
        let mut tx = self.world.app.db.begin_read().await.expect("begins");
        tx.ask(crate::ledger::standing(self.device.holder, self.account, Currency::USD)).await.expect("reads").available
    }

    fn folder(&self, rail: &str, part: &str) -> PathBuf {
        self.folder.path().join(rail).join(part)
    }

    fn names(&self, rail: &str, part: &str) -> Vec<String> {
        let Ok(list) = std::fs::read_dir(self.folder(rail, part)) else { return Vec::new() };
        let mut names: Vec<String> =
            list.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
        names.sort();
        names
    }

    fn sent(&self, rail: &str) -> Vec<String> {
        let read = |name: &String| std::fs::read_to_string(self.folder(rail, "outbox").join(name)).expect("a file");
        self.names(rail, "outbox").iter().map(read).collect()
    }

    fn arrives(&self, rail: &str, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder(rail, "inbox").join(name), bytes).expect("a file");
    }

    /// A message of the bank for euros is there and taken in.
    async fn says(&self, name: &str, message: &str) {
        self.arrives("iso20022", name, message.as_bytes());
        self.world.work().await;
    }

    /// Orders of these amounts, which left in one file, with its name and what the bank calls each order.
    async fn transfers<const COUNT: usize>(&self, amounts: [&str; COUNT]) -> (String, [(PaymentOrder, String); COUNT]) {
        let pay = async |amount| {
            let order = self.pay("Stadtwerke Erlenau", money_of(amount, Currency::EUR)).await;
            let mut tx = self.world.app.db.begin_read().await.expect("begins");
            let found = crate::payments::store::find(&mut tx, self.device.holder, order.id).await.expect("reads");
            let key = found.expect("a payment").rail_key;
            (order, key)
        };
        let mut orders = Vec::new();
        for amount in amounts {
            orders.push(pay(amount).await);
        }
        self.pass(DAY, HOUR).await;
        let message = self.names("iso20022", "outbox").pop().expect("a file").replace(".xml", "");
        (message, orders.try_into().expect("as many"))
    }

    async fn called(&self, name: &str) -> DbResult<()> {
        const CALLED: &str = "UPDATE holder SET name = $2 WHERE holder_id = $1";
        let mut tx = self.world.app.db.begin_write().await?;
        run!(tx, CALLED, self.device.holder.as_uuid(), name)?;
        tx.commit().await
    }

    /// The database is another one.
    async fn change(&self, statements: &[&'static str]) {
        let done = async {
            let mut tx = self.world.app.db.begin_write().await?;
            for statement in statements {
                run!(tx, *statement)?;
            }
            tx.commit().await
        };
        let done: DbResult<()> = done.await;
        done.expect("writes");
    }

    async fn open_kinds(&self) -> Vec<String> {
        exceptions(&self.world.app.db).await.expect("reads").into_iter().map(|entry| entry.kind).collect()
    }

    async fn sorted_kinds(&self) -> Vec<String> {
        let mut kinds = self.open_kinds().await;
        kinds.sort();
        kinds
    }
}

fn with_rails(world: &World, settings: &str) -> World {
    let settings = RailSettings::read(settings).expect("reads");
    world.with_rails(|app| {
        let practice = app.settings.practice.clone();
        let clock = Arc::clone(&app.clock);
        let sandbox = Sandbox::new(app.db.clone(), Arc::clone(&clock), app.settings.zone.clone(), practice);
        Rails::new(Arc::new(sandbox), &settings, &app.db, &clock, app.settings.zone.clone())
    })
}

/// The trace numbers of the credits in a file, with their amounts in cents.
fn credits(file: &str) -> Vec<(String, u64)> {
    let incoming = nacha::read(file.as_bytes()).expect("our own file reads");
    assert!(incoming.rejected.is_empty(), "{:?}", incoming.rejected);
    let credit = |received: Received| match received {
        Received::Entry(entry) if entry.direction == nacha::Direction::Credit => {
            Some((entry.trace, entry.amount_cents))
        }
        _ => None,
    };
    incoming.received.into_iter().filter_map(credit).collect()
}

fn traces(file: &str) -> Vec<String> {
    credits(file).into_iter().map(|(trace, _)| trace).collect()
}

/// A bank's file that answers entries: kind of addendum, code, cents, and the trace number that it answers.
fn answers(list: &[(&str, &str, u64, &str)]) -> String {
    let mut lines = vec![
        format!("101 {:>9}{:>10}2703040800A094101{:<23}{:<23}{:8}", "123456780", "123456780", "Billfold", "Bank", ""),
        format!(
            "5220{:<16}{:20}{:<10}CIE{:<10}{:6}270304   1987654320000001",
            "Billfold", "", "1234567890", "RETURN", ""
        ),
    ];
    let mut sums = (0_u64, 0_u64, 0_u64);
    for ((kind, code, cents, original), number) in list.iter().zip(1_u32..) {
        let trace = format!("98765432{number:07}");
        lines.push(format!("621123456780{:<17}{cents:010}{:15}{:<22}  1{trace}", "12345", "", "Ines Calloway"));
        lines.push(format!("7{kind}{code}{original:<15}{:6}{:<8}{:44}{trace}", "", "98765432", ""));
        sums = (sums.0 + 2, sums.1 + 12_345_678, sums.2 + cents);
    }
    let (records, hash, cents) = sums;
    lines.push(format!("8220{records:06}{hash:010}{:012}{cents:012}{:<10}{:25}987654320000001", 0, "1234567890", ""));
    let blocks = (lines.len() + 1).div_ceil(10);
    lines.push(format!("9000001{blocks:06}{records:08}{hash:010}{:012}{cents:012}{:39}", 0, ""));
    while lines.len() % 10 > 0 {
        lines.push("9".repeat(94));
    }
    lines.join("\n")
}

#[tokio::test]
async fn orders_of_a_day_leave_as_one_file_after_the_cut_off_and_settle_on_the_next_banking_day() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let first = bank.pay("Meridian Mobile", usd("40.00")).await;
        let second = bank.pay("Harbour Electric", usd("9.99")).await;
        let payment = bank.payment(&first).await;
        assert_eq!((payment.rail.as_str(), payment.expected_by), ("nacha", date(2027, 3, 2)));
        bank.pass(HOUR * 3, HOUR).await;
        assert_eq!(bank.state(&first).await, PaymentState::Scheduled, "it can be taken back until the cut-off");
        bank.pass(HOUR + MINUTE * 10, MINUTE * 10).await;
        assert_eq!(bank.state(&first).await, PaymentState::Submitting, "with the rail, and not with the bank");
        assert!(bank.sent("nacha").is_empty());
        bank.pass(MINUTE * 30, MINUTE * 5).await;
        let sent = bank.sent("nacha");
        assert_eq!(sent.len(), 1);
        assert_eq!(traces(&sent[0]), ["123456780000001", "123456780000002"]);
        assert!(sent[0].contains("Ines Calloway  4471-22"), "{}", sent[0]);
        assert!(sent[0].contains("000000004999000000000000"), "one debit takes the sum: {}", sent[0]);
        for order in [&first, &second] {
            assert_eq!(bank.state(order).await, PaymentState::Submitted);
        }
        bank.pass(HOUR * 18, HOUR).await;
        assert_eq!(bank.state(&first).await, PaymentState::Settled);
        bank.pass(DAY * 6, HOUR * 6).await;
        assert_eq!(bank.state(&second).await, PaymentState::Final);
        assert_eq!(bank.available().await, usd("950.01"));
        assert_eq!(bank.sent("nacha").len(), 1, "nothing goes twice");
        assert!(bank.open_kinds().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_server_that_dies_at_any_moment_sends_a_file_once() {
    let moments = [Moment::Closing, Moment::Staging, Moment::NotingStaged, Moment::HandingOver, Moment::NotingHanded];
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        for (moment, number) in moments.into_iter().zip(1_u32..) {
            let order = bank.pay("Meridian Mobile", usd(&format!("{number}.00"))).await;
            // On every day the server dies between the cut-off and the file; the bank's carrier takes what is there.
            bank.pass(HOUR * 4, HOUR).await;
            *bank.rail("nacha").ends_before.lock().expect("no test panicked here") = Some(moment);
            bank.pass(MINUTE * 36, MINUTE * 12).await;
            let carried = bank.sent("nacha");
            for name in bank.names("nacha", "outbox") {
                std::fs::remove_file(bank.folder("nacha", "outbox").join(name)).expect("carried away");
            }
            bank.pass(MINUTE * 10, MINUTE).await;
            let sent = [carried, bank.sent("nacha")].concat();
            assert_eq!(sent.len(), 1, "{moment:?}");
            assert_eq!(traces(&sent[0]).len(), 1, "{moment:?}");
            assert_eq!(bank.state(&order).await, PaymentState::Submitted, "{moment:?}");
            assert!(bank.names("nacha", "staging").is_empty(), "{moment:?}");
            for name in bank.names("nacha", "outbox") {
                std::fs::remove_file(bank.folder("nacha", "outbox").join(name)).expect("carried away");
            }
            bank.pass(DAY - HOUR * 4 - MINUTE * 46, MINUTE * 577).await;
        }
        bank.pass(DAY * 7, HOUR * 6).await;
        assert_eq!(bank.available().await, usd("985.00"), "1 + 2 + 3 + 4 + 5, each once");
    })
    .await;
}

#[tokio::test]
async fn the_bytes_of_a_batch_are_always_the_same() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(HOUR * 4, HOUR).await;
        *bank.rail("nacha").ends_before.lock().expect("no test panicked here") = Some(Moment::NotingStaged);
        bank.pass(MINUTE * 36, MINUTE * 36).await;
        let name = bank.names("nacha", "staging").pop().expect("a staged file");
        let before = std::fs::read(bank.folder("nacha", "staging").join(&name)).expect("a file");
        bank.pass(HOUR * 2, MINUTE * 5).await;
        assert_eq!(bank.sent("nacha")[0].as_bytes(), before, "made anew after the crash, hours later");
        assert_eq!(bank.names("nacha", "outbox"), [name]);
    })
    .await;
}

#[tokio::test]
async fn a_return_gives_the_money_back_once_however_often_its_file_comes() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let order = bank.pay("Meridian Mobile", usd("40.00")).await;
        let other = bank.pay("Harbour Electric", usd("5.00")).await;
        bank.pass(TO_FILE, MINUTE * 12).await;
        let traces = traces(&bank.sent("nacha")[0]);
        let file = answers(&[("99", "R23", 4_000, &traces[0])]);
        for name in ["a.ach", "b.ach"] {
            bank.arrives("nacha", name, file.as_bytes());
            bank.world.work().await;
        }
        // The same return in another file of the bank.
        let again = file.replace("2703040800A", "2703050800B");
        bank.arrives("nacha", "c.ach", again.as_bytes());
        bank.world.work().await;
        let payment = bank.payment(&order).await;
        assert_eq!((payment.state, payment.reason.as_deref()), (PaymentState::Returned, Some("R23")));
        assert_eq!(bank.state(&other).await, PaymentState::Submitted);
        assert_eq!(bank.available().await, usd("995.00"));
        assert_eq!(bank.open_kinds().await, ["person"], "a code without a class of its own");
        assert!(bank.names("nacha", "inbox").is_empty());
        assert_eq!(bank.names("nacha", "taken").len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_return_sixty_days_late_is_still_taken() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let order = bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(TO_FILE, MINUTE * 12).await;
        let trace = traces(&bank.sent("nacha")[0]).remove(0);
        // Nobody uses the device meanwhile: it is signed out, and the payment goes on.
        bank.world.pass(DAY * 61, DAY).await;
        assert_eq!(bank.stored_state(&order).await, PaymentState::Final);
        bank.arrives("nacha", "late.ach", answers(&[("99", "R10", 4_000, &trace)]).as_bytes());
        bank.world.work().await;
        assert_eq!(bank.stored_state(&order).await, PaymentState::Returned);
        assert_eq!(bank.available().await, usd("1000.00"));
    })
    .await;
}

#[tokio::test]
async fn what_fits_nothing_moves_no_money_and_waits_for_a_person() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let order = bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(TO_FILE, MINUTE * 12).await;
        let trace = traces(&bank.sent("nacha")[0]).remove(0);
        let good = answers(&[("99", "R03", 4_000, &trace)]);
        let odd =
            answers(&[("99", "R03", 4_001, &trace), ("99", "R03", 4_000, "123456789999999"), ("98", "C01", 0, &trace)]);
        bank.arrives("nacha", "1-odd.ach", odd.as_bytes());
        bank.arrives("nacha", "2-hash.ach", good.replace("0012345678", "0012345679").as_bytes());
        bank.arrives("nacha", "3-cut.ach", &good.as_bytes()[..400]);
        bank.arrives("nacha", "4-other.ach", b"date,amount\n");
        bank.arrives("nacha", ".5-partial.ach", good.as_bytes());
        bank.arrives("nacha", "6-partial.ach.part", good.as_bytes());
        bank.world.work().await;
        let kinds = bank.sorted_kinds().await;
        let expected =
            ["amount", "details_changed", "file_refused", "file_refused", "unmatched", "unreadable", "unreadable"];
        assert_eq!(kinds, expected);
        assert_eq!(bank.state(&order).await, PaymentState::Submitted, "nothing of it was done");
        assert_eq!(bank.names("nacha", "inbox"), [".5-partial.ach", "6-partial.ach.part"], "still being written");
        assert_eq!(bank.names("nacha", "refused").len(), 2);
        let open = exceptions(&world.app.db).await.expect("reads");
        let wrong = open.iter().find(|entry| entry.kind == "amount").expect("an entry");
        assert_eq!((wrong.line, wrong.payment, wrong.due_on), (Some(3), Some(order.id), date(2027, 3, 2)));
        for entry in &open {
            assert!(resolve(&bank.world.app, "nacha", entry.number, "asked the bank").await.expect("resolves"));
            assert!(!resolve(&bank.world.app, "nacha", entry.number, "again").await.expect("resolves"));
        }
        assert!(bank.open_kinds().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_stays_and_keeps_no_other_out() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let first = bank.pay("Meridian Mobile", usd("40.00")).await;
        let second = bank.pay("Harbour Electric", usd("5.00")).await;
        bank.pass(TO_FILE, MINUTE * 12).await;
        for (trace, cents) in credits(&bank.sent("nacha")[0]) {
            let name = if cents == 4_000 { "a.ach" } else { "b.ach" };
            bank.arrives("nacha", name, answers(&[("99", "R01", cents, &trace)]).as_bytes());
        }
        *bank.rail("nacha").ends_before.lock().expect("no test panicked here") = Some(Moment::Reading);
        bank.world.work().await;
        assert_eq!(bank.state(&second).await, PaymentState::Returned);
        assert_eq!(bank.state(&first).await, PaymentState::Submitted);
        assert_eq!(bank.names("nacha", "inbox"), ["a.ach"]);
        assert_eq!(bank.open_kinds().await, ["file_refused"]);
        bank.world.work().await;
        assert_eq!(bank.state(&first).await, PaymentState::Returned, "taken in as soon as it can be read");
        assert!(bank.names("nacha", "inbox").is_empty());
    })
    .await;
}

#[tokio::test]
async fn entries_that_are_raised_at_once_wait_for_each_other() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let bank = &bank;
        let raised = (0..6).map(|number| async move {
            let raised = Raised { about: format!("thing {number}"), kind: "person", ..Raised::default() };
            let mut tx = bank.world.app.db.begin_write().await?;
            let number = bank.rail("nacha").raise(&mut tx, &raised).await?;
            tx.commit().await.map(|()| number)
        });
        let mut numbers = futures_util::future::try_join_all(raised).await.expect("all are raised");
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=6).map(Some).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn a_name_that_no_file_can_say_keeps_no_order_back() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.called("_").await.expect("another name");
        let order = bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.transfers(["41.20"]).await;
        bank.pass(DAY, HOUR).await;
        assert_eq!(bank.state(&order).await, PaymentState::Settled);
        assert_eq!((bank.sent("nacha").len(), bank.sent("iso20022").len()), (1, 1));
        assert!(bank.open_kinds().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn wrong_details_stop_the_payee_for_everyone_until_somebody_checked_them() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(TO_FILE, MINUTE * 12).await;
        let trace = traces(&bank.sent("nacha")[0]).remove(0);
        let waiting = bank.pay("Meridian Mobile", usd("7.00")).await;
        bank.arrives("nacha", "r.ach", answers(&[("99", "R03", 4_000, &trace)]).as_bytes());
        bank.world.work().await;
        let payment = bank.payment(&waiting).await;
        assert_eq!((payment.state, payment.reason.as_deref()), (PaymentState::Held, Some("payee_stopped")));
        let refused = bank.device.post("/api/v1/payments", &bank.order("Meridian Mobile", usd("8.00"))).await;
        assert_eq!(refused.code(), ErrorCode::PayeeStopped);
        let stranger = bank.world.holder().await.at(&bank.world);
        let refused = stranger.post("/api/v1/payments", &bank.order("Meridian Mobile", usd("8.00"))).await;
        assert_eq!(refused.code(), ErrorCode::PayeeStopped);
        bank.pay("Harbour Electric", usd("1.00")).await;
        let entry = exceptions(&world.app.db).await.expect("reads").pop().expect("an entry");
        assert_eq!(entry.kind, "fix_details");
        assert!(resolve(&bank.world.app, "nacha", entry.number, "new number entered").await.expect("resolves"));
        bank.world.work().await;
        assert_eq!(bank.state(&waiting).await, PaymentState::Scheduled);
        bank.pay("Meridian Mobile", usd("8.00")).await;
    })
    .await;
}

#[tokio::test]
async fn what_was_held_at_the_moment_a_stop_ended_goes_on_within_the_hour() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(TO_FILE, MINUTE * 12).await;
        let trace = traces(&bank.sent("nacha")[0]).remove(0);
        let waiting = bank.pay("Meridian Mobile", usd("7.00")).await;
        bank.arrives("nacha", "r.ach", answers(&[("99", "R03", 4_000, &trace)]).as_bytes());
        bank.world.work().await;
        assert_eq!(bank.state(&waiting).await, PaymentState::Held);
        let entry = exceptions(&world.app.db).await.expect("reads").pop().expect("an entry");
        // Whoever ends it does not see what is held by another at that moment.
        let mut tx = world.app.db.begin_write().await.expect("begins");
        assert!(store::resolve(&mut tx, "nacha", entry.number, "checked", world.now()).await.expect("resolves"));
        tx.commit().await.expect("commits");
        bank.world.work().await;
        assert_eq!(bank.state(&waiting).await, PaymentState::Held);
        bank.pass(HOUR + MINUTE, MINUTE * 61).await;
        assert_eq!(bank.state(&waiting).await, PaymentState::Scheduled);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_the_rail_has_is_not_refused_when_its_payee_is_gone_from_the_settings() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let order = bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(HOUR * 4 + MINUTE * 10, MINUTE * 10).await;
        assert_eq!(bank.stored_state(&order).await, PaymentState::Submitting);
        let restarted = bank.without("Meridian Mobile");
        restarted.pass(MINUTE * 40, MINUTE * 5).await;
        assert_eq!(
            bank.stored_state(&order).await,
            PaymentState::Submitting,
            "its file cannot be made, and it is not refused"
        );
        assert_eq!(bank.open_kinds().await, ["file_stuck"]);
        assert_eq!(bank.available().await, usd("960.00"), "its money is still set aside");
        let entry = exceptions(&world.app.db).await.expect("reads").pop().expect("an entry");
        assert!(resolve(&bank.world.app, "nacha", entry.number, "the payee is back").await.expect("resolves"));
        bank.pass(MINUTE * 10, MINUTE * 5).await;
        assert_eq!(bank.stored_state(&order).await, PaymentState::Submitted);
        // The file has left; what the settings say now is about others.
        let restarted = bank.without("Meridian Mobile");
        restarted.pass(DAY + HOUR * 18, HOUR).await;
        assert_eq!(bank.stored_state(&order).await, PaymentState::Settled);
        assert_eq!((bank.sent("nacha").len(), bank.available().await), (1, usd("960.00")));
    })
    .await;
}

#[tokio::test]
async fn of_two_nodes_that_write_a_file_the_second_leaves_it_alone() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(HOUR * 4, HOUR).await;
        let rail = bank.rail("nacha");
        *rail.ends_before.lock().expect("no test panicked here") = Some(Moment::Staging);
        bank.pass(MINUTE * 36, MINUTE * 36).await;
        let mut tx = world.app.db.begin_read().await.expect("begins");
        let batch = store::open_batches(&mut tx, "nacha").await.expect("reads").pop().expect("a batch");
        drop(tx);
        assert_eq!(batch.state, BatchState::Closed);
        // Both read it before either took the step.
        assert!(rail.stage(&batch).await.expect("stages"));
        assert!(!rail.stage(&batch).await.expect("looks"));
        assert_eq!(bank.names("nacha", "staging"), [batch.file_name]);
        bank.pass(MINUTE * 5, MINUTE * 5).await;
        assert_eq!(bank.sent("nacha").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_or_is_another_one_sends_nothing_and_counts_nothing_as_sent() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let order = bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(HOUR * 4, HOUR).await;
        *bank.rail("nacha").ends_before.lock().expect("no test panicked here") = Some(Moment::HandingOver);
        bank.pass(MINUTE * 36, MINUTE * 36).await;
        assert_eq!(bank.names("nacha", "staging").len(), 1, "it has not left");
        let (place, elsewhere) = (bank.folder.path().join("nacha"), bank.folder.path().join("elsewhere"));
        std::fs::rename(&place, &elsewhere).expect("no longer mounted");
        bank.pass(MINUTE * 10, MINUTE * 5).await;
        assert!(!place.exists(), "it is not made anew");
        assert_eq!(bank.state(&order).await, PaymentState::Submitting);
        assert_eq!(bank.open_kinds().await, ["folder_away"]);
        assert!(bank.rail("nacha").status().await.expect("reads").folder_away.is_some());
        let ready = bank.world.get("/ready").await;
        assert!(String::from_utf8_lossy(&ready.body).contains("rail_folder_away"), "{:?}", ready.body);
        for part in ["outbox", "inbox", "staging", "taken", "refused"] {
            std::fs::create_dir_all(place.join(part)).expect("another folder of that name");
        }
        std::fs::write(place.join("rail.id"), "another").expect("a marker");
        bank.pass(MINUTE * 10, MINUTE * 5).await;
        assert_eq!(bank.state(&order).await, PaymentState::Submitting);
        assert!(bank.rail("nacha").folder_is_away());
        std::fs::remove_dir_all(&place).expect("gone");
        std::fs::rename(&elsewhere, &place).expect("mounted");
        bank.pass(MINUTE * 10, MINUTE * 5).await;
        assert_eq!(bank.sent("nacha").len(), 1);
        assert_eq!(bank.state(&order).await, PaymentState::Submitted);
        assert!(!bank.rail("nacha").folder_is_away());
    })
    .await;
}

#[tokio::test]
async fn a_rail_that_made_files_before_folders_had_ids_makes_no_folder() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(TO_FILE, MINUTE * 12).await;
        bank.change(&["UPDATE rail_book SET folder_id = NULL WHERE rail = 'nacha'"]).await;
        let (place, elsewhere) = (bank.folder.path().join("nacha"), bank.folder.path().join("elsewhere"));
        std::fs::remove_file(place.join("rail.id")).expect("none");
        std::fs::rename(&place, &elsewhere).expect("no longer mounted");
        bank.pass(MINUTE * 5, MINUTE * 5).await;
        assert!(!place.exists());
        assert!(bank.rail("nacha").folder_is_away());
        std::fs::rename(&elsewhere, &place).expect("mounted");
        bank.pass(MINUTE * 5, MINUTE * 5).await;
        assert!(place.join("rail.id").exists(), "it has an id from now on");
        assert!(!bank.rail("nacha").folder_is_away());
    })
    .await;
}

#[tokio::test]
async fn an_older_database_that_was_put_back_sends_nothing_that_left() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let kept = bank.pay("Meridian Mobile", usd("40.00")).await;
        let lost = bank.pay("Harbour Electric", usd("9.99")).await;
        bank.pass(HOUR * 4 + MINUTE * 10, MINUTE * 50).await;
        bank.world.advance(MINUTE * 25);
        // The file leaves, and no payment hears of it.
        bank.rail("nacha").turn(&bank.world.app).await.expect("a turn");
        assert_eq!(bank.sent("nacha").len(), 1);
        bank.change(&[
            "DELETE FROM rail_batch WHERE rail = 'nacha'",
            "UPDATE rail_order SET batch = NULL, sequence = NULL, trace = NULL WHERE rail = 'nacha'",
            "DELETE FROM rail_order WHERE rail = 'nacha' AND amount_minor = 999",
            "UPDATE rail_book SET next_batch = 1, next_sequence = 1 WHERE rail = 'nacha'",
        ])
        .await;
        assert!(matches!(bank.rail("nacha").turn(&bank.world.app).await, Err(FilesError::Behind)));
        assert_eq!(bank.open_kinds().await, ["database_behind"]);
        assert_eq!(bank.sent("nacha").len(), 1);
        let learned = bank.rail("nacha").reconcile(&bank.world.app).await.expect("reconciles");
        assert_eq!(learned, Reconciled { files: 1, orders: 2, unknown: 0 });
        bank.pass(HOUR, MINUTE * 5).await;
        assert_eq!(bank.sent("nacha").len(), 1, "it is not sent again");
        for order in [&kept, &lost] {
            assert_eq!(bank.state(order).await, PaymentState::Submitted);
        }
        bank.pass(HOUR * 18, HOUR).await;
        assert_eq!(bank.state(&kept).await, PaymentState::Settled);
        let next = bank.pay("Meridian Mobile", usd("1.00")).await;
        bank.pass(HOUR * 7, MINUTE * 12).await;
        assert_eq!(bank.sent("nacha").len(), 2, "what is new goes");
        assert_eq!(bank.state(&next).await, PaymentState::Submitted);
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_an_older_database_knows_as_not_written_is_not_written_again() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(TO_FILE, MINUTE * 12).await;
        for name in bank.names("nacha", "outbox") {
            std::fs::remove_file(bank.folder("nacha", "outbox").join(name)).expect("carried away");
        }
        let back = "UPDATE rail_batch SET state = 'closed', digest = NULL, handed_at = NULL WHERE rail = 'nacha'";
        bank.change(&[back]).await;
        bank.rail("nacha").turn(&bank.world.app).await.expect("a turn");
        assert!(bank.sent("nacha").is_empty(), "it has left");
        assert!(bank.names("nacha", "staging").is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_turn_that_was_too_long_does_not_end_the_next_nodes() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.rail("nacha").turn(&bank.world.app).await.expect("a turn");
        let (first, second) = (world.now() + TURN, world.now() + TURN * 2);
        let mut tx = world.app.db.begin_write().await.expect("begins");
        assert!(store::take_turn(&mut tx, "nacha", world.now(), first).await.expect("takes"));
        assert!(store::take_turn(&mut tx, "nacha", first, second).await.expect("takes"), "the first is over");
        store::end_turn(&mut tx, "nacha", first).await.expect("ends");
        assert!(!store::take_turn(&mut tx, "nacha", first, second).await.expect("takes"), "the second has it");
        store::end_turn(&mut tx, "nacha", second).await.expect("ends");
        assert!(store::take_turn(&mut tx, "nacha", first, second).await.expect("takes"));
        tx.commit().await.expect("commits");
    })
    .await;
}

#[tokio::test]
async fn a_file_that_leaves_late_arrives_late() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let order = bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(HOUR * 4, HOUR).await;
        let outbox = bank.folder("nacha", "outbox");
        std::fs::create_dir_all(&outbox).expect("a folder");
        std::fs::remove_dir(&outbox).expect("gone");
        std::fs::write(&outbox, "").expect("not a folder");
        bank.pass(DAY * 2, HOUR * 3).await;
        assert_eq!(bank.state(&order).await, PaymentState::Submitting, "the day that it names is over");
        std::fs::remove_file(&outbox).expect("the folder is back");
        bank.pass(MINUTE * 10, MINUTE * 5).await;
        assert_eq!(bank.sent("nacha").len(), 1);
        assert_eq!(bank.state(&order).await, PaymentState::Submitted, "the bank has it only now");
        bank.pass(HOUR * 18, HOUR).await;
        assert_eq!(bank.state(&order).await, PaymentState::Settled, "in the morning of the next banking day");
    })
    .await;
}

#[tokio::test]
async fn a_file_that_leaves_after_the_banks_cut_off_is_of_its_next_day() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let order = bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(HOUR * 4, HOUR).await;
        *bank.rail("nacha").ends_before.lock().expect("no test panicked here") = Some(Moment::HandingOver);
        bank.pass(MINUTE * 36, MINUTE * 36).await;
        bank.pass(HOUR * 4 + MINUTE * 24, HOUR * 4 + MINUTE * 24).await;
        assert_eq!(bank.sent("nacha").len(), 1, "at nine in the evening");
        bank.pass(HOUR * 14, HOUR).await;
        assert_eq!(bank.state(&order).await, PaymentState::Submitted, "the bank has it since this morning");
        bank.pass(DAY, HOUR).await;
        assert_eq!(bank.state(&order).await, PaymentState::Settled);
    })
    .await;
}

#[tokio::test]
async fn days_of_a_bank_end_with_its_cut_off_and_leave_out_closed_ones() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let rail = bank.rail("nacha");
        let day = |on: Date, hour, minute| {
            rail.bank_day(rail.moment(on, Time::constant(hour, minute, 0, 0)).expect("a moment")).expect("a day")
        };
        let (friday, monday) = (date(2027, 3, 5), date(2027, 3, 8));
        assert_eq!(day(friday, 16, 45), friday);
        assert_eq!(day(friday, 16, 46), monday);
        assert_eq!(day(date(2027, 3, 6), 9, 0), monday);
        assert_eq!(day(date(2027, 3, 7), 20, 0), monday);
    })
    .await;
}

#[tokio::test]
async fn what_the_server_slept_through_goes_with_the_next_file_and_its_days_are_told_anew() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let order = bank.pay("Meridian Mobile", usd("40.00")).await;
        let before = bank.payment(&order).await;
        assert_eq!((before.will_process_on, before.expected_by), (date(2027, 3, 1), date(2027, 3, 2)));
        // From noon to a quarter past the time of the file.
        bank.pass(HOUR * 4 + MINUTE * 45, HOUR * 4 + MINUTE * 45).await;
        let payment = bank.payment(&order).await;
        assert_eq!((payment.state, payment.will_process_on), (PaymentState::Submitting, date(2027, 3, 2)));
        assert_eq!(payment.expected_by, date(2027, 3, 3));
        bank.pass(DAY, HOUR).await;
        assert_eq!(bank.state(&order).await, PaymentState::Submitted);
        bank.pass(HOUR * 18, HOUR).await;
        assert_eq!(bank.state(&order).await, PaymentState::Settled);
        assert_eq!(bank.sent("nacha").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_no_of_the_receiver_stops_the_payee_for_that_account_alone() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.pay("Meridian Mobile", usd("40.00")).await;
        bank.pass(TO_FILE, MINUTE * 12).await;
        let trace = traces(&bank.sent("nacha")[0]).remove(0);
        bank.arrives("nacha", "r.ach", answers(&[("99", "R10", 4_000, &trace)]).as_bytes());
        bank.world.work().await;
        let refused = bank.device.post("/api/v1/payments", &bank.order("Meridian Mobile", usd("8.00"))).await;
        assert_eq!(refused.code(), ErrorCode::PayeeStopped);
        let stranger = bank.world.holder().await.at(&bank.world);
        stranger.post("/api/v1/payments", &bank.order("Meridian Mobile", usd("8.00"))).await.expect(201);
        assert_eq!(bank.open_kinds().await, ["stop"]);
    })
    .await;
}

#[tokio::test]
async fn what_came_back_for_want_of_money_goes_again_twice_a_banking_day_apart() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let mut send_on = None;
        for time in 1..=3 {
            let order = PaymentOrder { send_on, ..bank.order("Meridian Mobile", usd("40.00")) };
            bank.device.post("/api/v1/payments", &order).await.expect(201);
            for _ in 0..120 {
                if bank.sent("nacha").len() == time {
                    break;
                }
                bank.pass(HOUR, HOUR).await;
            }
            // It comes back at noon of the next day, when that day's cut-off lies ahead.
            bank.pass(HOUR * 19, HOUR).await;
            let trace = traces(&bank.sent("nacha")[time - 1]).remove(0);
            bank.arrives("nacha", "r.ach", answers(&[("99", "R01", 4_000, &trace)]).as_bytes());
            bank.world.work().await;
            assert_eq!(bank.state(&order).await, PaymentState::Returned);
            let at_once = bank.order("Meridian Mobile", usd("40.00"));
            let refusal: api::error::Problem = bank.device.post("/api/v1/payments", &at_once).await.json();
            assert_eq!(refusal.code, ErrorCode::CameBack, "not on the day of the return");
            let until = refusal.until.map(|at| at.to_zoned(bank.world.app.settings.zone.clone()).date());
            assert_eq!(until.is_some(), time < 3, "two presentments after the first");
            let a_day_later = |day: &Date| Calendar::FederalReserve.is_banking_day(*day) && *day > today(&bank);
            assert!(until.as_ref().is_none_or(a_day_later));
            send_on = until;
        }
        bank.pay("Meridian Mobile", usd("41.00")).await;
    })
    .await;
}

fn today(bank: &Bank) -> Date {
    bank.rail("nacha").today()
}

#[tokio::test]
async fn what_the_rail_cannot_carry_is_refused_when_it_is_ordered() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let no_account = bank.order("Northline Gas", usd("1.00"));
        assert_eq!(bank.device.post("/api/v1/payments", &no_account).await.code(), ErrorCode::NotPayable);
        let too_large = bank.order("Meridian Mobile", usd("100000000.00"));
        assert_eq!(bank.device.post("/api/v1/payments", &too_large).await.code(), ErrorCode::InvalidAmount);
        let taken_back = bank.pay("Meridian Mobile", usd("2.00")).await;
        bank.pass(HOUR * 3 + MINUTE * 59, MINUTE).await;
        bank.device.post(&format!("/api/v1/payments/{}/cancel", taken_back.id), &()).await.expect(200);
        bank.pass(HOUR, MINUTE * 5).await;
        assert!(bank.sent("nacha").is_empty(), "taken back a minute before the cut-off");
        assert_eq!(bank.available().await, usd("1000.00"));
    })
    .await;
}

// ---- ISO 20022 ---------------------------------------------------------------------------------------------------

fn status(inner: &str) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt><GrpHdr><MsgId>B</MsgId>\
         <CreDtTm>2027-03-02T17:00:00</CreDtTm></GrpHdr>{inner}</CstmrPmtStsRpt></Document>"
    )
}

fn statement(entries: &str) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
         <GrpHdr><MsgId>S</MsgId><CreDtTm>2027-03-03T06:30:00</CreDtTm></GrpHdr><Stmt><Id>S1</Id>\
         <CreDtTm>2027-03-03T06:30:00</CreDtTm><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>\
         <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>\
         <Dt><Dt>2027-03-02</Dt></Dt></Bal>{entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

fn booking(reference: &str, direction: &str, amount: &str, details: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>2027-03-02</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef>\
         <BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd><NtryDtls>{details}</NtryDtls></Ntry>"
    )
}

/// What an entry of a statement says of one order, and why it came back.
fn of_order(key: &str, came_back: Option<&str>) -> String {
    let reason = came_back.map(|code| format!("<RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf>")).unwrap_or_default();
    format!("<TxDtls><Refs><EndToEndId>{key}</EndToEndId></Refs>{reason}</TxDtls>")
}

/// What an entry of a statement says of a whole message.
fn of_message(message: &str) -> String {
    format!("<Btch><PmtInfId>{message}</PmtInfId></Btch>")
}

fn status_of_order(message: &str, key: &str, state: &str) -> String {
    status(&format!(
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message}</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>{key}</OrgnlEndToEndId>\
         <TxSts>{state}</TxSts><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>"
    ))
}

fn end_to_end(file: &str) -> Vec<String> {
    let parts = file.split("<EndToEndId>").skip(1);
    parts.map(|part| part.split('<').next().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn a_transfer_is_taken_refused_settled_and_returned_as_the_bank_says() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let eur = |text| money_of(text, Currency::EUR);
        let first = bank.pay("Stadtwerke Erlenau", eur("41.20")).await;
        let second = bank.pay("Stadtwerke Erlenau", eur("3.00")).await;
        // Noon in New York is past the cut-off in Berlin: they leave on the next day.
        bank.pass(DAY, HOUR).await;
        let sent = bank.sent("iso20022");
        assert_eq!(sent.len(), 1);
        let keys = end_to_end(&sent[0]);
        assert_eq!(bank.state(&first).await, PaymentState::Submitting, "the bank has said nothing");
        let message = bank.names("iso20022", "outbox")[0].replace(".xml", "");
        let of = |key: &str, rest: &str| {
            format!(
                "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message}</OrgnlPmtInfId><TxInfAndSts>\
                 <OrgnlEndToEndId>{key}</OrgnlEndToEndId>{rest}</TxInfAndSts></OrgnlPmtInfAndSts>"
            )
        };
        let group = format!("<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>ACTC</GrpSts></OrgnlGrpInfAndSts>");
        let refusal = of(&keys[1], "<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AM09</Cd></Rsn></StsRsnInf>");
        bank.arrives("iso20022", "status.xml", status(&(group + &refusal)).as_bytes());
        bank.world.work().await;
        let states = [&first, &second].map(|order| bank.payment(order));
        let states = futures_util::future::join_all(states).await;
        let mut seen: Vec<PaymentState> = states.iter().map(|payment| payment.state).collect();
        seen.sort_by_key(|state| format!("{state:?}"));
        assert_eq!(seen, [PaymentState::Rejected, PaymentState::Submitted]);
        let accepted = states.into_iter().find(|payment| payment.state == PaymentState::Submitted).expect("one");
        let amount = accepted.order.amount.to_string();
        let amount = amount.split(' ').next().expect("digits").to_owned();
        let refs = format!("<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs></TxDtls>", keys[0]);
        let file = statement(&booking("N1", "DBIT", &amount, &refs));
        bank.arrives("iso20022", "s1.xml", file.as_bytes());
        bank.world.work().await;
        assert_eq!(bank.state(&accepted.order).await, PaymentState::Settled);
        let back = refs.replace("</TxDtls>", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>");
        let odd = booking("X1", "CRDT", "5.00", "");
        let file = statement(&(booking("R1", "CRDT", &amount, &back) + &odd));
        bank.arrives("iso20022", "s2.xml", file.as_bytes());
        bank.world.work().await;
        let payment = bank.payment(&accepted.order).await;
        assert_eq!((payment.state, payment.reason.as_deref()), (PaymentState::Returned, Some("AC04")));
        assert_eq!(bank.sorted_kinds().await, ["fix_details", "unasked"]);
    })
    .await;
}

#[tokio::test]
async fn a_bank_that_says_nothing_is_asked_by_a_person_and_nothing_is_sent_anew() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let order = bank.pay("Stadtwerke Erlenau", money_of("41.20", Currency::EUR)).await;
        bank.pass(DAY * 6, HOUR).await;
        assert_eq!(bank.state(&order).await, PaymentState::Submitting);
        assert_eq!(bank.open_kinds().await, ["silent"]);
        assert_eq!(bank.sent("iso20022").len(), 1);
        let message = bank.names("iso20022", "outbox")[0].replace(".xml", "");
        // Booked as one sum with its message: another sum is nobody's guess.
        let details = format!("<Btch><PmtInfId>{message}</PmtInfId></Btch>");
        bank.arrives("iso20022", "1.xml", statement(&booking("N1", "DBIT", "41.21", &details)).as_bytes());
        bank.world.work().await;
        assert_eq!(bank.state(&order).await, PaymentState::Submitting);
        assert_eq!(bank.open_kinds().await, ["silent", "amount"]);
        bank.arrives("iso20022", "2.xml", statement(&booking("N2", "DBIT", "41.20", &details)).as_bytes());
        bank.world.work().await;
        bank.pass(MINUTE, MINUTE).await;
        assert_eq!(bank.state(&order).await, PaymentState::Settled);
    })
    .await;
}

#[tokio::test]
async fn movements_that_the_bank_gives_one_name_are_told_apart() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let (_, [(first, first_key), (second, second_key)]) = bank.transfers(["41.20", "3.00"]).await;
        let paid = booking("NONREF", "DBIT", "41.20", &of_order(&first_key, None))
            + &booking("N2", "DBIT", "3.00", &of_order(&second_key, None));
        bank.says("1.xml", &statement(&paid)).await;
        assert_eq!(bank.state(&first).await, PaymentState::Settled);
        assert_eq!(bank.state(&second).await, PaymentState::Settled);
        let again = booking("NONREF", "DBIT", "41.20", &of_order(&first_key, None));
        bank.says("2.xml", &statement(&again).replace("S1", "S2")).await;
        assert_eq!(bank.open_kinds().await, ["twice"], "the bank took it twice");
        let back = booking("NONREF", "CRDT", "41.20", &of_order(&first_key, Some("AM04")))
            + &booking("N2", "CRDT", "3.00", &of_order(&second_key, Some("AM04")));
        for (name, number) in [("3.xml", "S3"), ("4.xml", "S1")] {
            bank.says(name, &statement(&back).replace("S1", number)).await;
            assert_eq!(bank.state(&first).await, PaymentState::Returned);
            assert_eq!(bank.state(&second).await, PaymentState::Returned);
        }
        assert_eq!(bank.open_kinds().await, ["twice", "twice"], "it came back twice, and what has a name once");
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_booked_as_one_sum_counts_once_and_comes_back_as_one_sum() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let (message, orders) = bank.transfers(["30.00", "10.00"]).await;
        let all_are = async |state| {
            for (order, _) in &orders {
                assert_eq!(bank.state(order).await, state);
            }
        };
        let paid = |reference| statement(&booking(reference, "DBIT", "40.00", &of_message(&message)));
        bank.says("1.xml", &paid("N1")).await;
        all_are(PaymentState::Settled).await;
        bank.says("2.xml", &paid("N1").replace("S1", "S2")).await;
        assert!(bank.open_kinds().await.is_empty(), "the same booking in another file");
        bank.says("3.xml", &paid("N2")).await;
        assert_eq!(bank.open_kinds().await, ["twice"]);
        let refused = format!(
            "<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>\
             <GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>"
        );
        bank.says("4.xml", &status(&refused)).await;
        assert_eq!(bank.open_kinds().await, ["twice", "contradiction"]);
        all_are(PaymentState::Settled).await;
        let back = |reference| {
            let entry = booking(reference, "CRDT", "40.00", &of_message(&message));
            statement(&entry.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>"))
        };
        bank.says("5.xml", &back("R1").replace("40.00", "39.00")).await;
        all_are(PaymentState::Settled).await;
        for (name, number) in [("6.xml", "S1"), ("7.xml", "S2")] {
            bank.says(name, &back("R1").replace("S1", number)).await;
            all_are(PaymentState::Returned).await;
        }
        bank.says("8.xml", &back("R2")).await;
        let kinds = bank.sorted_kinds().await;
        assert_eq!(kinds, ["amount", "contradiction", "person", "person", "twice", "twice"]);
    })
    .await;
}

#[tokio::test]
async fn a_sum_whose_taking_in_was_broken_off_settles_the_rest() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let (message, [(first, first_key), (second, _)]) = bank.transfers(["30.00", "10.00"]).await;
        // The server died after the first of its orders.
        let trace = format!("N1 {first_key}");
        let mut tx = world.app.db.begin_write().await.expect("begins");
        let said = store::Said::Settled { trace: &trace };
        store::note(&mut tx, "iso20022", &first_key, said, world.now()).await.expect("notes");
        tx.commit().await.expect("commits");
        bank.says("1.xml", &statement(&booking("N1", "DBIT", "40.00", &of_message(&message)))).await;
        bank.pass(MINUTE * 10, MINUTE * 5).await;
        for order in [&first, &second] {
            assert_eq!(bank.state(order).await, PaymentState::Settled);
        }
        assert!(bank.open_kinds().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn each_of_several_movements_on_one_line_waits_for_a_person() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        bank.world.work().await;
        let odd = [("X1", "CRDT", "5.00"), ("X2", "CRDT", "5.00"), ("X3", "DBTI", "1.00"), ("X4", "DBTI", "1.00")];
        let entries: String =
            odd.into_iter().map(|(reference, direction, amount)| booking(reference, direction, amount, "")).collect();
        assert!(!statement(&entries).contains('\n'));
        bank.says("1.xml", &statement(&entries)).await;
        assert_eq!(bank.sorted_kinds().await, ["unasked", "unasked", "unreadable", "unreadable"]);
    })
    .await;
}

#[tokio::test]
async fn money_that_moves_for_an_order_that_was_refused_after_a_yes_waits_for_a_person() {
    on_each_engine(async |world| {
        let bank = Bank::open(&world).await;
        let (message, [(order, key)]) = bank.transfers(["41.20"]).await;
        bank.says("1.xml", &status_of_order(&message, &key, "ACCP")).await;
        assert_eq!(bank.state(&order).await, PaymentState::Submitted);
        for name in ["2.xml", "3.xml"] {
            let refused =
                status_of_order(&message, &key, "RJCT").replace("17:00:00", &format!("17:00:0{}", &name[..1]));
            bank.says(name, &refused).await;
            assert_eq!(bank.state(&order).await, PaymentState::Returned);
        }
        assert!(bank.open_kinds().await.is_empty());
        bank.says("4.xml", &statement(&booking("N1", "DBIT", "41.20", &of_order(&key, None)))).await;
        assert_eq!(bank.open_kinds().await, ["contradiction"], "the person has the money, and the payee too");
        bank.says("5.xml", &statement(&booking("N2", "DBIT", "41.20", &of_message(&message)))).await;
        let back = booking("R1", "CRDT", "41.20", &of_order(&key, Some("AM04")));
        bank.says("6.xml", &statement(&back)).await;
        assert_eq!(bank.open_kinds().await, ["contradiction"; 3]);
        assert_eq!(bank.state(&order).await, PaymentState::Returned);
    })
    .await;
}

#[tokio::test]
async fn practice_money_never_meets_a_real_rail() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let mut tx = world.app.db.begin_write().await.expect("begins");
        tx.lock(device.holder).await.expect("a lock");
        let account =
            payments::practice_account(&world.app, &mut tx, device.holder, Currency::USD).await.expect("opens");
        tx.commit().await.expect("commits");
        let settings = RailSettings::read(&settings_tests::text(std::path::Path::new("/nowhere"))).expect("reads");
        let settings = crate::config::Settings { rails: Arc::new(settings), ..(*world.app.settings).clone() };
        let started = App::new(world.app.db.clone(), world.app.clock.clone(), world.app.chance.clone(), settings).await;
        let refused = started.err().expect("it does not start");
        assert!(matches!(refused, crate::config::ConfigError::PracticeMoney(Currency::USD)), "{refused}");
        let booked = payments::deposit(&world.app, account, usd("1.00"), "wire").await;
        assert!(matches!(booked, Err(payments::DepositError::Practice)));
    })
    .await;
}
