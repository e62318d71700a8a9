use std::sync::Mutex;

use api::accounts::Account;
use api::card::OpenCard;
use api::payments::Payment;
use api::statements::StatementList;
use api::sync::Page;
use domain::card::DueRule;
use domain::card::closing::CardBill;
use domain::ids::{BillerId, PaymentId, PurchaseId};
use domain::money::Currency;
use domain::payments::{PaymentOrder, PaymentState};
use jiff::civil::date;

use super::super::tests::pdftotext;
use super::*;
use crate::accounts;
use crate::purchases::tests::Shop;
use crate::testing::{TestDevice, World, on_each_engine};

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("an amount")
}

/// A card that closes on the 25th, opened on 1 March 2027, with a merchant that is linked to it.
pub(crate) struct Opened<'a> {
    pub world: &'a World,
    pub shop: Shop<'a>,
    /// What is left of each purchase that may be given back.
    bought: Mutex<Vec<(PurchaseId, i64)>>,
}

impl<'a> Opened<'a> {
    pub async fn new(world: &'a World) -> Self {
        Self { world, shop: Shop::new(world, 500_000).await, bought: Mutex::default() }
    }

    /// The merchant, or the person, does something now.
    pub async fn moves(&self, kind: MoveKind, minor: i64) {
        let shop = &self.shop;
        match kind {
            MoveKind::Purchase => {
                shop.merchant.sign_in().await;
                let id = shop.new_id();
                shop.ask(id, minor).await.expect(200);
                shop.capture(id, shop.new_step(), minor, true).await.expect(200);
                self.bought.lock().unwrap().push((id, minor));
            }
            MoveKind::Refund => {
                shop.merchant.sign_in().await;
                let id = self.take_back(minor).expect("bought before");
                shop.refund(id, shop.new_step(), minor).await.expect(200);
            }
            _ => drop(pay(self.world, shop.card, shop.device.holder, minor).await),
        }
    }

    /// A purchase of which so much is left to be given back.
    fn take_back(&self, minor: i64) -> Option<PurchaseId> {
        let mut bought = self.bought.lock().unwrap();
        let (id, left) = bought.iter_mut().find(|(_, left)| *left >= minor)?;
        *left -= minor;
        Some(*id)
    }

    fn may_give_back(&self, minor: i64) -> bool {
        self.bought.lock().unwrap().iter().any(|(_, left)| *left >= minor)
    }

    /// Goes on to noon of a day, without looking at the jobs on the way.
    pub fn at_noon_of(&self, day: Date) {
        let noon = day.at(12, 0, 0, 0).to_zoned(self.world.app.settings.zone.clone()).unwrap().timestamp();
        self.world.advance(noon.duration_since(self.world.now()));
    }

    pub async fn statements(&self) -> Vec<StatementSummary> {
        let mut tx = self.world.app.db.begin_read().await.unwrap();
        let mut made = store::list(&mut tx, self.shop.device.holder).await.unwrap();
        made.reverse();
        made
    }

    /// A device whose session is new, after all the months that passed.
    async fn later_device(&self) -> TestDevice {
        self.world.device(self.shop.device.holder).await
    }

    async fn bills(&self) -> Vec<CardBill> {
        self.statements().await.iter().map(|statement| issued(statement).bill).collect()
    }

    fn job(&self) -> Job {
        Job { holder: self.shop.device.holder, kind: Kind::Close, subject: self.shop.card.as_uuid(), tries: 1 }
    }

    pub async fn account(&self) -> Account {
        let mut tx = self.world.app.db.begin_read().await.unwrap();
        feed::find(&mut tx, self.shop.device.holder, accounts::key(self.shop.card)).await.unwrap().unwrap()
    }
}

/// The person pays a card over the rail within the server, from a device with a new session: months may have passed.
pub(crate) async fn pay(world: &World, card: AccountId, holder: HolderId, minor: i64) -> (TestDevice, PaymentId) {
    let device = world.device(holder).await;
    let order = PaymentOrder {
        id: PaymentId::new(world.now(), world.app.chance10()),
        biller: BillerId::from_uuid(card.as_uuid()),
        reference: None,
        amount: usd(minor),
        bill: None,
        due_on: None,
        send_on: None,
        duplicate_meant: true,
        method: None,
    };
    device.post("/api/v1/payments", &order).await.expect(201);
    world.work().await;
    let paid: Payment = device.get(&format!("/api/v1/payments/{}", order.id)).await.ok();
    assert_eq!(paid.state, PaymentState::Settled);
    (device, order.id)
}

pub(crate) fn issued(statement: &StatementSummary) -> &Issued {
    statement.issued.as_deref().expect("its issuer's figures")
}

#[tokio::test]
async fn a_cycle_that_is_over_becomes_a_statement_which_the_devices_are_told() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 40_000).await;
        opened.at_noon_of(date(2027, 3, 25));
        opened.moves(MoveKind::Refund, 1_500).await;
        world.advance(SignedDuration::from_secs(12 * 3_600 + 59));
        world.work().await;
        assert!(opened.statements().await.is_empty(), "the clocks of several nodes may differ by so much");
        world.advance(SignedDuration::from_secs(1));
        world.work().await;
        let made = opened.statements().await;
        let [first] = made.as_slice() else { panic!("one statement: {made:?}") };
        assert_eq!((first.opened_on, first.closed_on), (date(2027, 3, 1), date(2027, 3, 25)));
        assert_eq!((first.opening, first.closing, first.lines), (usd(0), usd(-38_500), 2));
        let figures = issued(first);
        assert_eq!((figures.number, figures.grace), (1, domain::card::Grace::Kept));
        assert_eq!((figures.totals.purchases, figures.totals.credits), (usd(40_000), usd(1_500)));
        assert_eq!((figures.bill.minimum, figures.bill.due_on), (usd(3_000), date(2027, 4, 19)));
        let device = opened.later_device().await;
        let list: StatementList = device.get("/api/v1/statements").await.ok();
        assert_eq!(list.items, made);
        let page: Page = device.get("/api/v1/sync").await.ok();
        assert!(page.changes.iter().any(|change| change.record == Record::Statement(first.clone())), "in the feed");
        let said = opened.account().await.issuer.expect("what the statement asks for");
        assert_eq!((said.closed_on, said.minimum_due), (first.closed_on, Some(usd(3_000))));
        assert_eq!((said.statement_balance, said.due_on), (Some(usd(38_500)), Some(date(2027, 4, 19))));
        let stranger = world.holder().await;
        stranger.get(&format!("/api/v1/statements/{}/2027-03-25.pdf", opened.shop.card)).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_was_away_for_months_makes_every_statement_in_order() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 40_000).await;
        opened.at_noon_of(date(2027, 7, 1));
        world.work().await;
        let bills = opened.bills().await;
        let closed: Vec<String> = bills.iter().map(|bill| bill.closed_on.to_string()).collect();
        assert_eq!(closed, ["2027-03-25", "2027-04-25", "2027-05-25", "2027-06-25"]);
        // Nobody could pay in time what nobody was told of: nothing came of it until the last is late.
        assert!(bills.iter().all(|bill| (bill.balance, bill.past_due) == (usd(40_000), usd(0))), "{bills:?}");
        let until: Vec<Date> = bills.iter().map(CardBill::last_day_in_time).collect();
        assert_eq!(until, [date(2027, 7, 22); 4]);
        let left = opened.account().await.card.expect("served").statement_left.expect("a statement");
        assert_eq!(left.in_time_until, Some(date(2027, 7, 22)));
        let account = opened.account().await;
        assert_eq!(account.balance, Some(bills[3].balance.negated()));
        let told = account.issuer.expect("the last statement");
        assert_eq!(told.closed_on, date(2027, 6, 25));
    })
    .await;
}

#[tokio::test]
async fn a_payment_within_three_weeks_of_a_late_statement_is_in_time() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 40_000).await;
        // The server was off for five days: 1 April and three weeks are 22 April.
        opened.at_noon_of(date(2027, 4, 1));
        world.work().await;
        let [bill] = opened.bills().await[..] else { panic!("one statement") };
        assert_eq!((bill.due_on, bill.in_time_until), (date(2027, 4, 19), Some(date(2027, 4, 22))));
        let pdf =
            opened.later_device().await.get(&format!("/api/v1/statements/{}/2027-03-25.pdf", opened.shop.card)).await;
        let text = pdftotext(&pdf.expect(200).body);
        assert!(text.contains("This statement was made late") && text.contains("22 Apr"), "{text}");
        opened.at_noon_of(date(2027, 4, 22));
        opened.moves(MoveKind::Payment, 40_000).await;
        opened.at_noon_of(date(2027, 4, 26));
        world.work().await;
        let second = opened.statements().await.pop().expect("two statements");
        let figures = issued(&second);
        assert_eq!((figures.totals.interest, figures.totals.fees), (usd(0), usd(0)));
        assert_eq!(figures.grace, domain::card::Grace::Kept);
        assert_eq!(figures.bill.in_time_until, None, "it was made in time");
    })
    .await;
}

#[tokio::test]
async fn a_statement_is_made_once_however_often_its_job_runs_or_dies() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        let app = &world.app;
        opened.moves(MoveKind::Purchase, 40_000).await;
        opened.at_noon_of(date(2027, 4, 26));
        // The node dies before it commits: nothing of the statement stays.
        let mut tx = app.db.begin_write().await.unwrap();
        tx.lock(opened.shop.device.holder).await.unwrap();
        let picture = tx.ask(card::picture(opened.shop.device.holder, opened.shop.card)).await.unwrap().unwrap();
        let cycle = OpenCycle::after(app, &picture.card, None).unwrap();
        issue(app, &mut tx, opened.shop.device.holder, picture, &cycle).await.unwrap();
        drop(tx);
        assert!(opened.statements().await.is_empty());
        // Two nodes take it at once, and a third does it again.
        let job = opened.job();
        let (one, two) = tokio::join!(close(app, &job), close(app, &job));
        one.unwrap();
        two.unwrap();
        close(app, &job).await.unwrap();
        world.work().await;
        let made = opened.statements().await;
        let numbers: Vec<u32> = made.iter().map(|statement| issued(statement).number).collect();
        assert_eq!(numbers, [1, 2]);
        // The same of one that charges something: 400.00 over 30 days at 27.99 % are 9.20, and the fee is 29.00.
        opened.at_noon_of(date(2027, 5, 26));
        let (one, two) = tokio::join!(close(app, &job), close(app, &job));
        one.unwrap();
        two.unwrap();
        world.work().await;
        let made = opened.statements().await;
        assert_eq!((made.len(), made[2].closing), (3, usd(-43_820)), "interest and the fee were charged once");
    })
    .await;
}

/// Agreements by which a payment is due so many days after each closing.
const DUE_AFTER_DAYS: [&str; 2] = [
    r#"UPDATE card SET terms = replace(terms, '"day_of_month":19}', '"days_after_closing":25}')"#,
    r#"UPDATE card SET terms = replace(terms, '"day_of_month":3}', '"days_after_closing":25}')"#,
];

/// The migrations that give the cards which are there a due day.
async fn give_a_due_day(world: &World) {
    let mut tx = world.app.db.begin_write().await.unwrap();
    let statements = if tx.is_postgres() {
        [
            include_str!("../../../migrations/postgres/0063_due_day.sql"),
            include_str!("../../../migrations/postgres/0066_due_day_of_early_closings.sql"),
        ]
    } else {
        [
            include_str!("../../../migrations/sqlite/0063_due_day.sql"),
            include_str!("../../../migrations/sqlite/0066_due_day_of_early_closings.sql"),
        ]
    };
    for statement in statements.iter().flat_map(|statements| statements.split_inclusive(";\n")) {
        store::try_to(&mut tx, statement).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_a_statement_promised_stays_and_the_next_one_is_due_on_the_day_of_every_month() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        let holder = opened.shop.device.holder;
        let early = AccountId::new(world.now(), world.app.chance10());
        let wanted = OpenCard { name: "Early card".to_owned(), limit: usd(100_000), closing_day: 6 };
        opened.shop.device.put(&format!("/api/v1/cards/{early}"), &wanted).await.expect(200);
        opened.moves(MoveKind::Purchase, 40_000).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        for statement in DUE_AFTER_DAYS {
            store::try_to(&mut tx, statement).await.unwrap();
        }
        tx.commit().await.unwrap();
        let rules = async || {
            let mut tx = world.app.db.begin_read().await.unwrap();
            let mut told = Vec::new();
            for card in [opened.shop.card, early] {
                let account: Account = feed::find(&mut tx, holder, accounts::key(card)).await.unwrap().unwrap();
                told.push(account.terms.expect("an agreement").due);
            }
            told
        };
        let bills = async || {
            let made = opened.statements().await.into_iter().filter(|made| made.account == opened.shop.card);
            made.map(|made| issued(&made).bill).collect::<Vec<CardBill>>()
        };
        opened.at_noon_of(date(2027, 4, 26));
        world.work().await;
        let promised = bills().await;
        let due: Vec<Date> = promised.iter().map(|bill| bill.due_on).collect();
        assert_eq!(due, [date(2027, 4, 19), date(2027, 5, 20)]);
        assert_eq!(rules().await, [DueRule::DaysAfterClosing(25); 2]);

        give_a_due_day(&world).await;
        world.work().await;
        assert_eq!(rules().await, [DueRule::DayOfMonth(19), DueRule::DayOfMonth(3)], "the devices are told at once");
        assert_eq!(bills().await, promised);
        assert_eq!(opened.account().await.issuer.expect("a statement").due_on, Some(date(2027, 5, 20)));
        // On the day that was promised, which is after the day of every month.
        opened.at_noon_of(date(2027, 5, 20));
        opened.moves(MoveKind::Payment, promised[1].minimum.minor()).await;
        opened.at_noon_of(date(2027, 6, 26));
        world.work().await;
        let due: Vec<Date> = bills().await.iter().map(|bill| bill.due_on).collect();
        assert_eq!(due, [date(2027, 4, 19), date(2027, 5, 20), date(2027, 6, 19), date(2027, 7, 19)]);
        let made = opened.statements().await;
        let third = made.iter().filter(|made| made.account == opened.shop.card).nth(2).expect("of 25 May");
        assert_eq!(issued(third).totals.fees, usd(0), "it was paid in time");
    })
    .await;
}

#[tokio::test]
async fn a_statement_never_changes() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.at_noon_of(date(2027, 3, 26));
        world.work().await;
        assert_eq!(opened.statements().await.len(), 1, "a cycle without a line has one too");
        for change in ["UPDATE statement SET closing_minor = 1", "DELETE FROM statement"] {
            let mut tx = world.app.db.begin_write().await.unwrap();
            store::try_to(&mut tx, change).await.expect_err("the database refuses");
        }
    })
    .await;
}

/// The amount that stands behind a name, read by another tool.
fn amount_behind(text: &str, name: &str) -> i64 {
    let line = text.lines().find(|line| line.trim_start().starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{name} stands on the paper: {text}"));
    let amount = line.trim_end().strip_suffix(" USD").expect("a currency");
    let amount = amount.rsplit_once(' ').expect("a name before it").1;
    amount.replace(',', "").replace('−', "-").replace('.', "").parse().expect("a number")
}

#[tokio::test]
async fn the_sums_on_paper_are_the_ledgers() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 140_000).await;
        opened.at_noon_of(date(2027, 3, 28));
        world.work().await;
        opened.moves(MoveKind::Purchase, 12_345).await;
        opened.moves(MoveKind::Refund, 2_000).await;
        opened.at_noon_of(date(2027, 4, 21));
        opened.moves(MoveKind::Payment, 10_000).await;
        opened.at_noon_of(date(2027, 4, 26));
        world.work().await;
        let path = format!("/api/v1/statements/{}/2027-04-25.pdf", opened.shop.card);
        let pdf = opened.later_device().await.get(&path).await;
        let text = pdftotext(&pdf.expect(200).body);
        let statement = opened.statements().await.pop().expect("two statements");
        let figures = issued(&statement);
        assert_eq!(figures.number, 2);
        assert!(text.contains("No. 2, 26 Mar 2027 to 25 Apr 2027") && text.contains("Due"), "{text}");
        let said = |name| amount_behind(&text, name);
        assert_eq!(said("Owed before"), 140_000);
        assert_eq!((said("Payments"), said("Credits"), said("Purchases")), (-10_000, -2_000, 12_345));
        assert_eq!(said("Interest charged"), figures.totals.interest.minor());
        assert_eq!(said("Fees charged"), 2_900, "the payment came two days late");
        let mut tx = world.app.db.begin_read().await.unwrap();
        let owed = tx
            .ask(ledger::card_standing(opened.shop.device.holder, opened.shop.card, Currency::USD))
            .await
            .unwrap()
            .owed;
        assert_eq!(said("Owed at closing"), owed.minor());
        let parts = ["Owed before", "Payments", "Credits", "Purchases", "Interest charged", "Fees charged"];
        assert_eq!(parts.map(said).iter().sum::<i64>(), owed.minor());
        assert_eq!(said("Minimum due"), figures.bill.minimum.minor());
        for words in
            ["Only the minimum", "Late payments", "Interest by balance", "27.99 %", "Payment, thank you", "Late fee"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
    })
    .await;
}

// ---- A year beside a model ---------------------------------------------------------------------------------------

/// What a model that walks day by day says of one statement, in cents.
#[derive(Debug, PartialEq, Eq)]
struct Modelled {
    interest: i64,
    fee: i64,
    balance: i64,
    minimum: i64,
    past_due: i64,
}

/// Reckons every cycle anew from a list of days, kinds and cents; it shares nothing with the rules but the terms.
fn modelled(events: &[(Date, MoveKind, i64)], cycles: &[(Date, Date)], looked: &[Date]) -> Vec<Modelled> {
    let mut told: Vec<Modelled> = Vec::new();
    let mut balance = 0;
    let mut in_full = 0;
    let mut free = true;
    for (at, (first, last)) in cycles.iter().enumerate() {
        let of_cycle: Vec<&(Date, MoveKind, i64)> =
            events.iter().filter(|(day, ..)| (*first..=*last).contains(day)).collect();
        // Closed on the 25th, due on the 19th of the next month, or three weeks after somebody looked if that is later.
        let due = cycles.get(at.wrapping_sub(1)).map(|before| {
            let next_month = before.1.checked_add(jiff::Span::new().months(1)).unwrap();
            let made = looked.iter().find(|day| **day > before.1).expect("it was made");
            let weeks = made.checked_add(jiff::Span::new().weeks(3)).unwrap();
            next_month.with().day(19).build().unwrap().max(weeks)
        });
        let is_charge = |kind: MoveKind| kind == MoveKind::Purchase;
        let paid_by = |limit: Date| -> i64 {
            of_cycle.iter().filter(|(day, kind, _)| !is_charge(*kind) && *day <= limit).map(|event| event.2).sum()
        };
        let mut day_cents = 0_i128;
        let mut fee = 0;
        let mut past_due = 0;
        if let (Some(due), Some(before)) = (due, told.last()) {
            let in_time = paid_by(due);
            // What may still be paid is not late.
            let open = due > *last;
            let whole = open || in_time >= in_full;
            let mut standing = match (free, whole) {
                (true, true) => 0,
                (true, false) => balance - in_time,
                (false, _) => balance,
            };
            for day in first.series(jiff::Span::new().days(1)).take_while(|day| day <= last) {
                for (_, kind, cents) in of_cycle.iter().filter(|event| event.0 == day) {
                    let counts = match (free, whole) {
                        (true, true) => false,
                        (true, false) => is_charge(*kind) || day > due,
                        (false, true) => !is_charge(*kind),
                        (false, false) => true,
                    };
                    if counts {
                        standing += if is_charge(*kind) { *cents } else { -*cents };
                    }
                }
                day_cents += i128::from(standing.max(0));
            }
            free = whole;
            if in_time < before.minimum && !open {
                fee = before.minimum.min(2_900);
            }
            past_due = if open { 0 } else { (before.minimum - paid_by(*last)).max(0) };
        }
        let interest = i64::try_from((day_cents * 279_900 * 2 + 365_000_000) / 730_000_000).unwrap();
        let moved: i64 = of_cycle.iter().map(|(_, kind, cents)| if is_charge(*kind) { *cents } else { -*cents }).sum();
        balance += moved + interest + fee;
        let owed = balance.max(0);
        let share = (owed + 99) / 100 + interest + fee;
        let minimum = (share.max(3_000).min(owed) + past_due).min(owed);
        in_full = owed;
        told.push(Modelled { interest, fee, balance, minimum, past_due: past_due.min(minimum) });
    }
    told
}

/// A small generator: the same year each time for a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test]
async fn a_year_of_cycles_is_what_a_model_of_it_says() {
    on_each_engine(async |world| {
        for seed in [1, 2, 3] {
            let opened = Opened::new(&world).await;
            let mut dice = Dice(seed);
            let (mut events, mut looked) = (Vec::new(), Vec::new());
            let mut owed = 0;
            let begun = world.now().to_zoned(world.app.settings.zone.clone()).date();
            let end = begun.checked_add(jiff::Span::new().days(400)).unwrap();
            let mut day = begun;
            while day < end {
                opened.at_noon_of(day);
                // Some days nobody looks, so that closings are late.
                if dice.roll(3) == 0 {
                    world.work().await;
                    looked.push(day);
                    owed = opened.account().await.balance.map_or(0, |balance| -balance.minor());
                }
                match dice.roll(12) {
                    0..=2 => {
                        let cents = i64::try_from(dice.roll(20_000)).unwrap() + 1;
                        if owed + cents < 400_000 {
                            opened.moves(MoveKind::Purchase, cents).await;
                            events.push((day, MoveKind::Purchase, cents));
                        }
                    }
                    3 => {
                        let cents = i64::try_from(dice.roll(3_000)).unwrap() + 1;
                        if opened.may_give_back(cents) {
                            opened.moves(MoveKind::Refund, cents).await;
                            events.push((day, MoveKind::Refund, cents));
                        }
                    }
                    4 => {
                        // A little, much, or all of it and more.
                        let cents = [3_000, owed / 2, owed + 500][usize::try_from(dice.roll(3)).unwrap()];
                        if cents > 0 {
                            opened.moves(MoveKind::Payment, cents).await;
                            events.push((day, MoveKind::Payment, cents));
                            // A payment has the jobs run.
                            looked.push(day);
                        }
                    }
                    _ => {}
                }
                day = day.checked_add(jiff::Span::new().days(i64::try_from(dice.roll(3)).unwrap() + 1)).unwrap();
            }
            opened.at_noon_of(end);
            world.work().await;
            looked.push(end);
            let made = opened.statements().await;
            let cycles: Vec<(Date, Date)> = made.iter().map(|made| (made.opened_on, made.closed_on)).collect();
            assert!(made.len() >= 12 && cycles[0].0 == begun, "a year of them");
            for pair in cycles.windows(2) {
                assert_eq!(pair[0].1.tomorrow().unwrap(), pair[1].0);
                assert_eq!(pair[1].1.day(), 25);
            }
            let told: Vec<Modelled> = made
                .iter()
                .map(|made| {
                    let figures = issued(made);
                    Modelled {
                        interest: figures.totals.interest.minor(),
                        fee: figures.totals.fees.minor(),
                        balance: figures.bill.balance.minor(),
                        minimum: figures.bill.minimum.minor(),
                        past_due: figures.bill.past_due.minor(),
                    }
                })
                .collect();
            assert_eq!(told, modelled(&events, &cycles, &looked), "seed {seed}");
            assert!(told.iter().any(|told| told.interest > 0) && told.iter().any(|told| told.fee > 0));
        }
    })
    .await;
}

#[tokio::test]
async fn where_the_days_of_the_server_change_nothing_is_on_two_statements_or_on_none() {
    for zone in ["America/New_York", "Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu"] {
        on_each_engine(async |world| {
            let opened = Opened::new(&world).await;
            opened.moves(MoveKind::Purchase, 40_000).await;
            opened.at_noon_of(date(2027, 3, 25));
            world.advance(SignedDuration::from_hours(8));
            // In the evening in New York, when it is the 26th in Berlin.
            opened.moves(MoveKind::Purchase, 5_000).await;
            world.advance(SignedDuration::from_hours(5));
            world.work().await;
            // At one of the 26th in New York, when it is the 25th in Honolulu.
            opened.moves(MoveKind::Refund, 1_000).await;
            let there = world.with_settings(|settings| settings.zone = jiff::tz::TimeZone::get(zone).unwrap());
            let today = there.now().to_zoned(there.app.settings.zone.clone()).date();
            assert!((date(2027, 3, 25)..=date(2027, 3, 26)).contains(&today), "{zone}");
            let device = there.device(opened.shop.device.holder).await;
            device.get("/api/v1/accounts").await.expect(200);
            for closing in [date(2027, 4, 27), date(2027, 5, 27)] {
                opened.at_noon_of(closing);
                there.work().await;
            }
            let made = opened.statements().await;
            let [first, second, third] = made.as_slice() else { panic!("{zone}: three statements: {made:?}") };
            assert_eq!((first.closing, second.opening, third.opening), (usd(-45_000), first.closing, second.closing));
            let totals = issued(second).totals;
            assert_eq!((totals.purchases, totals.credits), (usd(0), usd(1_000)), "{zone}");
            // The 30 of the minimum were missed by the 20 that nobody gave back.
            assert_eq!((issued(second).bill.past_due, totals.fees), (usd(2_000), usd(2_900)), "{zone}");
            // 440.00 over 31 days at 27.99 %.
            assert_eq!(totals.interest, usd(1_046), "{zone}");
        })
        .await;
    }
}
