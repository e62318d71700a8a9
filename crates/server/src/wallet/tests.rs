use api::card::CardStatus;
use api::sync::Record;
use domain::accounts::TransactionState;
use domain::rewards::{PurchaseCategory, points};
use domain::wallet::RECENT_MAX;
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::purchases::tests::{Shop, usd};
use crate::testing::seeds::{self, Dice};
use crate::testing::{Answer, World, on_each_engine, on_each_engine_by_seed};

impl Shop<'_> {
    pub(crate) async fn reload(&self, id: TransactionId, minor: i64) -> Answer {
        let path = format!("/api/v1/cards/{}/wallet", self.card);
        self.device.post(&path, &json!({"id": id, "amount": usd(minor)})).await
    }

    pub(crate) async fn wallet_first(&self, on: bool) {
        let path = format!("/api/v1/cards/{}/wallet/checkout", self.card);
        self.device.put(&path, &json!({"on": on})).await.expect(204);
    }

    pub(in crate::wallet) async fn told(&self) -> Vec<Record> {
        let snapshot = self.device.get("/api/v1/sync/snapshot").await.text();
        snapshot.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// As the devices were told.
    pub(in crate::wallet) async fn wallet(&self) -> Wallet {
        let wallet = self.told().await.into_iter().find_map(|record| match record {
            Record::Wallet(wallet) => Some(wallet),
            _ => None,
        });
        wallet.expect("a wallet")
    }

    /// Each of its moves, as the devices were told.
    async fn moves(&self) -> Vec<WalletMoved> {
        let told = self.told().await.into_iter();
        told.filter_map(|record| if let Record::WalletMove(moved) = record { Some(moved) } else { None }).collect()
    }

    pub(in crate::wallet) async fn earned(&self) -> i64 {
        let kept = self.told().await.into_iter().filter_map(|record| match record {
            Record::Reward(one) => Some(one.earned.minor() - one.clawed_back.minor()),
            _ => None,
        });
        kept.sum()
    }

    pub(in crate::wallet) async fn buy(&self, minor: i64) -> domain::ids::PurchaseId {
        let id = self.new_id();
        self.ask(id, minor).await.expect(200);
        self.capture(id, self.new_step(), minor, true).await.expect(200);
        id
    }
}

pub(in crate::wallet) fn fresh(world: &World) -> TransactionId {
    TransactionId::new(world.now(), world.app.chance10())
}

#[tokio::test]
async fn a_reload_is_a_charge_on_the_card_once_and_earns() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let id = fresh(&world);
        shop.reload(id, 5_000).await.expect(204);
        shop.reload(id, 5_000).await.expect(204);
        assert_eq!(shop.reload(id, 5_001).await.code(), ErrorCode::KeyReused);
        assert_eq!(shop.figures().await, (5_000, 95_000), "once");
        let wallet = shop.wallet().await;
        assert_eq!((wallet.balance, wallet.at_checkout, wallet.recent.len()), (usd(5_000), false, 1));
        assert_eq!(shop.earned().await, 50);
        let lines: Vec<_> = shop
            .told()
            .await
            .into_iter()
            .filter_map(|record| match record {
                Record::Transaction(line) => Some((line.state, line.amount, line.description)),
                _ => None,
            })
            .collect();
        assert_eq!(lines, [(TransactionState::Posted, usd(-5_000), RELOAD_LINE.to_owned())]);
        let stranger = world.holder().await;
        let path = format!("/api/v1/cards/{}/wallet", shop.card);
        let theirs = stranger.post(&path, &json!({"id": fresh(&world), "amount": usd(500)})).await;
        assert_eq!(theirs.code(), ErrorCode::NotFound);
    })
    .await;
}

/// As if no device was told of a move yet, and the migration that tells of each.
async fn tell_of_moves_from_before(world: &World) -> DbResult<()> {
    let mut tx = world.app.db.begin_write().await?;
    let migration = if tx.is_postgres() {
        include_str!("../../migrations/postgres/0067_wallet_moves.sql")
    } else {
        include_str!("../../migrations/sqlite/0067_wallet_moves.sql")
    };
    for statement in ["DELETE FROM record WHERE kind = 20"].into_iter().chain(migration.split_inclusive(";\n")) {
        store::try_to(&mut tx, statement).await?;
    }
    tx.commit().await
}

#[tokio::test]
async fn each_move_of_a_wallet_is_told_however_many_there_are_and_also_those_from_before() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        for _ in 0..=RECENT_MAX {
            shop.reload(fresh(&world), 500).await.expect(204);
        }
        shop.wallet_first(true).await;
        shop.buy(700).await;
        let moves = shop.moves().await;
        assert_eq!(moves.len(), RECENT_MAX + 2, "every one is told");
        assert!(moves.iter().all(|moved| moved.card == shop.card));
        let sum: i64 = moves.iter().map(|moved| moved.what.amount.minor()).sum();
        assert_eq!(usd(sum), shop.wallet().await.balance, "together they are what is there");
        tell_of_moves_from_before(&world).await.unwrap();
        assert_eq!(shop.moves().await, moves);
    })
    .await;
}

#[tokio::test]
async fn a_reload_keeps_to_its_limits_and_to_what_the_card_takes() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 160_000).await;
        let code = async |minor| shop.reload(fresh(&world), minor).await.code();
        assert_eq!(code(499).await, ErrorCode::InvalidAmount);
        assert_eq!(code(0).await, ErrorCode::InvalidAmount);
        assert_eq!(code(-500).await, ErrorCode::InvalidAmount);
        assert_eq!(code(50_001).await, ErrorCode::InvalidAmount);
        shop.reload(fresh(&world), 50_000).await.expect(204);
        shop.reload(fresh(&world), 49_501).await.expect(204);
        assert_eq!(code(500).await, ErrorCode::WalletFull, "above 1,000");
        shop.wallet_first(true).await;
        shop.buy(50_000).await;
        shop.wallet_first(false).await;
        shop.buy(40_000).await;
        assert_eq!(code(20_500).await, ErrorCode::OverLimit, "more than the credit that is left");
        shop.set(CardStatus::Frozen).await.expect(204);
        assert_eq!(code(500).await, ErrorCode::CardDeclined);
        assert_eq!(shop.figures().await.0, 99_501 + 40_000, "nothing that was refused was charged");
    })
    .await;
}

#[tokio::test]
async fn a_charge_is_paid_from_the_wallet_first_where_its_person_wants_that() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.reload(fresh(&world), 5_000).await.expect(204);
        shop.buy(1_000).await;
        assert_eq!(
            (shop.figures().await.0, shop.wallet().await.balance),
            (6_000, usd(5_000)),
            "nothing is used unasked"
        );
        shop.wallet_first(true).await;
        shop.buy(3_000).await;
        assert_eq!((shop.figures().await, shop.wallet().await.balance), ((6_000, 94_000), usd(2_000)));
        let (id, step) = (shop.new_id(), shop.new_step());
        shop.ask(id, 3_000).await.expect(200);
        assert_eq!(shop.figures().await, (6_000, 93_000), "what the wallet reserves is not the card's");
        assert_eq!((shop.wallet().await.balance, shop.wallet().await.held), (usd(0), Some(usd(2_000))));
        shop.capture(id, step, 3_000, true).await.expect(200);
        shop.capture(id, step, 3_000, true).await.expect(200);
        assert_eq!((shop.figures().await, shop.wallet().await.balance), ((7_000, 93_000), usd(0)), "once");
        assert_eq!(shop.earned().await, 50 + 10 + 10, "what the wallet pays has earned with its reload");
        let kinds: Vec<_> = shop.wallet().await.recent.iter().map(|one| (one.kind, one.amount.minor())).collect();
        use WalletMoveKind::{Reload, Spent};
        assert_eq!(kinds, [(Spent, -2_000), (Spent, -3_000), (Reload, 5_000)]);
    })
    .await;
}

#[tokio::test]
async fn a_refund_goes_to_the_card_as_far_as_it_paid_and_to_the_wallet_then() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.reload(fresh(&world), 2_000).await.expect(204);
        shop.wallet_first(true).await;
        let id = shop.buy(5_000).await;
        assert_eq!((shop.figures().await.0, shop.wallet().await.balance), (5_000, usd(0)));
        assert_eq!(shop.earned().await, 20 + 30);
        let step = shop.new_step();
        shop.refund(id, step, 4_000).await.expect(200);
        shop.refund(id, step, 4_000).await.expect(200);
        assert_eq!((shop.figures().await.0, shop.wallet().await.balance), (2_000, usd(1_000)), "once");
        assert_eq!(shop.earned().await, 20, "the card has nothing of the purchase any more");
        shop.refund(id, shop.new_step(), 1_000).await.expect(200);
        assert_eq!((shop.figures().await.0, shop.wallet().await.balance), (2_000, usd(2_000)));
        assert_eq!(shop.refund(id, shop.new_step(), 1).await.code(), ErrorCode::InvalidAmount);
    })
    .await;
}

#[tokio::test]
async fn what_a_lost_card_has_in_its_wallet_lowers_what_is_owed_on_it() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.reload(fresh(&world), 2_000).await.expect(204);
        shop.wallet_first(true).await;
        let id = shop.buy(500).await;
        shop.set(CardStatus::Lost).await.expect(204);
        assert_eq!((shop.figures().await.0, shop.wallet().await.balance), (500, usd(0)));
        shop.refund(id, shop.new_step(), 500).await.expect(200);
        assert_eq!((shop.figures().await.0, shop.wallet().await.balance), (0, usd(0)), "the card gets it");
        shop.set(CardStatus::Lost).await.expect(204);
        let answer = shop.reload(fresh(&world), 500).await;
        assert_eq!(answer.code(), ErrorCode::CardOver);
        assert!(answer.text().contains(Decline::Lost.name()));
    })
    .await;
}

#[tokio::test]
async fn what_is_approved_against_wallet_and_card_counts_once_in_each() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 10_000).await;
        shop.reload(fresh(&world), 5_000).await.expect(204);
        shop.wallet_first(true).await;
        let approved = async |id, minor| shop.ask(id, minor).await.ok::<api::purchases::PurchaseState>().approved;
        let (first, second) = (shop.new_id(), shop.new_id());
        assert!(approved(first, 9_000).await, "50 of the wallet and 40 of the 50 that are left");
        assert_eq!((shop.figures().await, shop.wallet().await.balance), ((5_000, 1_000), usd(0)));
        assert!(!approved(shop.new_id(), 1_001).await, "the wallet's 50 are not counted once more");
        assert!(approved(second, 1_000).await);
        let seen = shop.purchases().await;
        let of_first = seen.iter().find(|one| one.id == first).expect("told");
        assert_eq!((of_first.held, of_first.held_by_wallet), (usd(9_000), Some(usd(5_000))));
        // A part is the wallet's first; the last capture gives the rest back to the card.
        shop.capture(first, shop.new_step(), 2_000, false).await.expect(200);
        assert_eq!((shop.figures().await, shop.wallet().await.held), ((5_000, 0), Some(usd(3_000))));
        shop.capture(first, shop.new_step(), 4_000, true).await.expect(200);
        assert_eq!((shop.figures().await, shop.wallet().await.held), ((6_000, 3_000), Some(usd(0))));
        shop.void(second).await.expect(200);
        assert_eq!(shop.figures().await, (6_000, 4_000));
    })
    .await;
}

#[tokio::test]
async fn a_void_and_the_end_of_a_hold_give_back_what_the_wallet_reserved() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.reload(fresh(&world), 5_000).await.expect(204);
        shop.wallet_first(true).await;
        let (void, expires) = (shop.new_id(), shop.new_id());
        shop.ask(void, 3_000).await.expect(200);
        shop.ask(expires, 4_000).await.expect(200);
        // The rule of the moment it was asked for counts.
        shop.wallet_first(false).await;
        assert_eq!((shop.wallet().await.balance, shop.figures().await), (usd(0), (5_000, 93_000)));
        for _ in 0..2 {
            shop.void(void).await.expect(200);
        }
        assert_eq!((shop.wallet().await.balance, shop.figures().await), (usd(3_000), (5_000, 93_000)));
        shop.capture(expires, shop.new_step(), 1_500, false).await.expect(200);
        for _ in 0..32 {
            world.pass(SignedDuration::from_hours(24), SignedDuration::from_hours(12)).await;
            shop.device.refresh().await.expect(200);
        }
        let wallet = shop.wallet().await;
        assert_eq!((wallet.balance, wallet.held), (usd(3_500), Some(usd(0))), "15 were spent, 5 came back");
        let (owed, left) = shop.figures().await;
        assert_eq!(owed + left, 100_000, "nothing is held");
    })
    .await;
}

#[tokio::test]
async fn what_a_wallet_reserved_of_a_lost_card_lowers_what_is_owed_once_it_is_free() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.reload(fresh(&world), 5_000).await.expect(204);
        shop.wallet_first(true).await;
        let id = shop.new_id();
        shop.ask(id, 3_000).await.expect(200);
        shop.set(CardStatus::Lost).await.expect(204);
        assert_eq!((shop.figures().await.0, shop.wallet().await.held), (3_000, Some(usd(3_000))));
        shop.void(id).await.expect(200);
        assert_eq!((shop.figures().await.0, shop.wallet().await.balance), (0, usd(0)));
    })
    .await;
}

#[tokio::test]
async fn of_two_purchases_at_once_one_has_the_wallets_money() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 6_000).await;
        shop.reload(fresh(&world), 5_000).await.expect(204);
        shop.wallet_first(true).await;
        for _ in 0..10 {
            let (one, other) = (shop.new_id(), shop.new_id());
            let (first, second) = tokio::join!(shop.ask(one, 5_500), shop.ask(other, 5_500));
            let approved = [first, second].map(|answer| answer.ok::<api::purchases::PurchaseState>().approved);
            assert!(approved[0] != approved[1], "{approved:?}");
            assert_eq!((shop.figures().await.1, shop.wallet().await.held), (500, Some(usd(5_000))));
            shop.void(if approved[0] { one } else { other }).await.expect(200);
            assert_eq!((shop.figures().await.1, shop.wallet().await.balance), (1_000, usd(5_000)));
        }
    })
    .await;
}

// ---- Random histories --------------------------------------------------------------------------------------------

const STEPS: usize = 50;

/// What the model knows of a purchase, in cents.
struct Bought {
    id: domain::ids::PurchaseId,
    /// Held on the card, and reserved in the wallet.
    held: i64,
    reserved: i64,
    captured: i64,
    by_wallet: i64,
    refunded: i64,
    back_to_wallet: i64,
}

impl Bought {
    fn of_card(&self) -> i64 {
        self.captured - self.by_wallet - (self.refunded - self.back_to_wallet)
    }
}

#[test]
fn random_histories_of_wallets_agree_with_a_model() {
    on_each_engine_by_seed(seeds::seeds(3, 400), async |world, seed| {
        const LIMIT: i64 = 300_000;
        let shop = Shop::new(world, LIMIT).await;
        let mut dice = Dice::new(seed);
        let (mut wallet, mut first, mut reloaded) = (0_i64, false, Vec::new());
        let mut bought: Vec<Bought> = Vec::new();
        for step in 0..STEPS {
            world.advance(SignedDuration::from_secs(2));
            let owed = bought.iter().map(Bought::of_card).sum::<i64>() + reloaded.iter().sum::<i64>();
            let left = LIMIT - owed - bought.iter().map(|one| one.held).sum::<i64>();
            let reserved: i64 = bought.iter().map(|one| one.reserved).sum();
            let picked = usize::try_from(dice.roll(bought.len().max(1) as u64)).expect("small");
            match (dice.roll(10), bought.get_mut(picked)) {
                (0 | 1, _) => {
                    let amount = dice.amount(60_000);
                    let fits =
                        (500..=50_000).contains(&amount) && wallet + reserved + amount <= 100_000 && amount <= left;
                    let answer = shop.reload(fresh(world), amount).await;
                    assert_eq!(answer.status.is_success(), fits, "seed {seed}, {step}: {}", answer.text());
                    if fits {
                        wallet += amount;
                        reloaded.push(amount);
                    }
                }
                (2..=4, _) | (_, None) => {
                    let amount = dice.amount(40_000);
                    let part = if first { amount.min(wallet) } else { 0 };
                    let fits = amount == part || amount - part <= left;
                    let id = shop.new_id();
                    let answer: api::purchases::PurchaseState = shop.ask(id, amount).await.ok();
                    assert_eq!(answer.approved, fits, "seed {seed}, {step}");
                    if fits {
                        wallet -= part;
                        let (held, reserved) = (amount - part, part);
                        bought.push(Bought {
                            id,
                            held,
                            reserved,
                            captured: 0,
                            by_wallet: 0,
                            refunded: 0,
                            back_to_wallet: 0,
                        });
                    }
                }
                (5 | 6, Some(one)) => {
                    let (amount, last) = (dice.amount(40_000), dice.roll(2) == 0);
                    let fits = (1..=one.held + one.reserved).contains(&amount);
                    let answer = shop.capture(one.id, shop.new_step(), amount, last).await;
                    assert_eq!(answer.status.is_success(), fits, "seed {seed}, {step}: {}", answer.text());
                    if fits {
                        let part = amount.min(one.reserved);
                        one.captured += amount;
                        one.by_wallet += part;
                        one.reserved -= part;
                        one.held -= amount - part;
                        if last {
                            wallet += one.reserved;
                            (one.held, one.reserved) = (0, 0);
                        }
                    }
                }
                (7, Some(one)) => {
                    shop.void(one.id).await.expect(200);
                    wallet += one.reserved;
                    (one.held, one.reserved) = (0, 0);
                }
                (8, Some(one)) => {
                    let amount = dice.amount(20_000);
                    let fits = amount <= one.captured - one.refunded;
                    let answer = shop.refund(one.id, shop.new_step(), amount).await;
                    assert_eq!(answer.status.is_success(), fits, "seed {seed}, {step}: {}", answer.text());
                    if fits {
                        let back = amount - amount.min(one.of_card());
                        one.refunded += amount;
                        one.back_to_wallet += back;
                        wallet += back;
                    }
                }
                _ => {
                    first = !first;
                    shop.wallet_first(first).await;
                }
            }
            let owed = bought.iter().map(Bought::of_card).sum::<i64>() + reloaded.iter().sum::<i64>();
            let left = LIMIT - owed - bought.iter().map(|one| one.held).sum::<i64>();
            assert_eq!(shop.figures().await, (owed, left), "seed {seed}, {step}");
            if !reloaded.is_empty() {
                let told = shop.wallet().await;
                let reserved: i64 = bought.iter().map(|one| one.reserved).sum();
                assert_eq!((told.balance, told.held), (usd(wallet), Some(usd(reserved))), "seed {seed}, {step}");
            }
            let of_reloads: i64 = reloaded.iter().map(|amount| points(PurchaseCategory::Other, *amount)).sum();
            let of_charges: i64 = bought.iter().map(|one| points(PurchaseCategory::Other, one.of_card())).sum();
            assert_eq!(shop.earned().await, of_reloads + of_charges, "seed {seed}, {step}");
            let report = crate::audit::run(&world.app.db).await.expect("the audit runs");
            assert!(report.faults.is_empty(), "seed {seed}, step {step}: {:?}", report.faults);
        }
    });
}

#[tokio::test]
async fn what_a_wallet_gives_back_earned_nothing() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.reload(fresh(&world), 5_000).await.expect(204);
        shop.reload(fresh(&world), 5_000).await.expect(204);
        shop.wallet_first(true).await;
        let bought = shop.buy(11_000).await;
        shop.refund(bought, shop.new_step(), 4_000).await.expect(200);
        assert_eq!(
            (shop.wallet().await.balance, shop.earned().await),
            (usd(3_000), 100),
            "the card's 10 came back first"
        );
        shop.set(CardStatus::Lost).await.expect(204);
        assert_eq!((shop.wallet().await.balance, shop.earned().await), (usd(0), 70), "30 of 100 were not spent");
        shop.refund(bought, shop.new_step(), 2_050).await.expect(200);
        assert_eq!(shop.earned().await, 49, "nor what the card gets in the place of its wallet");
        shop.refund(bought, shop.new_step(), 4_950).await.expect(200);
        assert_eq!((shop.earned().await, shop.figures().await.0), (0, 0));
    })
    .await;
}

/// A card with 50 in its wallet, which owes that.
async fn filled(world: &World) -> Shop<'_> {
    let shop = Shop::new(world, 100_000).await;
    shop.reload(fresh(world), 5_000).await.expect(204);
    shop.wallet_first(true).await;
    shop
}

#[tokio::test]
async fn what_a_wallet_paid_is_given_back_on_the_card_while_it_is_in_dispute() {
    for (for_person, owed, earned) in [(true, 2_000, 20), (false, 5_000, 50)] {
        on_each_engine(async |world| {
            let shop = filled(&world).await;
            let bought = shop.buy(3_000).await;
            let told = shop.purchases().await.remove(0);
            assert_eq!((told.disputable, told.disputable_of_wallet), (Some(usd(0)), Some(usd(3_000))));
            shop.device.post(&format!("/api/v1/purchases/{bought}/dispute"), &json!({})).await.expect(204);
            assert_eq!((shop.figures().await.0, shop.wallet().await.balance), (2_000, usd(2_000)));
            assert_eq!(shop.purchases().await[0].disputable_of_wallet, Some(usd(0)));
            let waiting = crate::disputes::waiting(&world.app).await.expect("a list");
            assert_eq!((waiting[0].1.amount, waiting[0].1.credited), (usd(3_000), usd(3_000)));
            crate::disputes::decide(&world.app, waiting[0].1.id, for_person, "So it is").await.expect("open");
            assert_eq!((shop.figures().await.0, shop.earned().await), (owed, earned));
            let refund = shop.refund(bought, shop.new_step(), 3_000).await;
            assert_eq!(refund.status.is_success(), !for_person, "nobody gets it twice");
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_wallet_pays_of_a_disputed_purchase_later_is_given_back_too_and_a_refund_takes_its_place() {
    on_each_engine(async |world| {
        let shop = filled(&world).await;
        let bought = shop.new_id();
        shop.ask(bought, 8_000).await.expect(200);
        shop.device.post(&format!("/api/v1/purchases/{bought}/dispute"), &json!({})).await.expect(204);
        shop.capture(bought, shop.new_step(), 4_000, false).await.expect(200);
        assert_eq!(shop.figures().await.0, 1_000, "the wallet paid all of that part");
        shop.capture(bought, shop.new_step(), 4_000, true).await.expect(200);
        assert_eq!((shop.figures().await.0, shop.wallet().await.balance), (0, usd(0)));
        for minor in [6_000, 2_000] {
            shop.refund(bought, shop.new_step(), minor).await.expect(200);
            assert_eq!((shop.figures().await.0, shop.wallet().await.balance), (0, usd(0)));
        }
        assert_eq!(shop.refund(bought, shop.new_step(), 1).await.code(), ErrorCode::InvalidAmount);
        assert!(crate::disputes::waiting(&world.app).await.expect("a list").is_empty(), "it is over");
        assert_eq!(shop.earned().await, 0, "nothing was bought in the end");
    })
    .await;
}

#[tokio::test]
async fn a_disputed_purchase_that_a_wallet_paid_in_part_is_refunded_to_a_card_that_is_over() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.reload(fresh(&world), 6_000).await.expect(204);
        shop.wallet_first(true).await;
        let bought = shop.buy(10_000).await;
        let id = domain::ids::DisputeId::new(world.now(), world.app.chance10());
        let wish = json!({"purchase": bought, "reason": "not_received", "amount": usd(4_000)});
        shop.device.put(&format!("/api/v1/disputes/{id}"), &wish).await.expect(200);
        crate::disputes::decide(&world.app, id, true, "It was lost").await.expect("open");
        shop.set(CardStatus::Lost).await.expect(204);
        shop.refund(bought, shop.new_step(), 6_000).await.expect(200);
        assert_eq!((shop.figures().await.0, shop.earned().await), (0, 0));
        let report = crate::audit::run(&world.app.db).await.expect("the audit runs");
        assert!(report.faults.is_empty(), "{:?}", report.faults);
    })
    .await;
}

#[tokio::test]
async fn a_reload_is_not_called_as_a_charge_that_earned() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let (id, step) = (shop.new_id(), shop.new_step());
        shop.ask(id, 2_000).await.expect(200);
        shop.capture(id, step, 2_000, true).await.expect(200);
        let reload = shop.reload(TransactionId::from_uuid(step.as_uuid()), 5_000).await;
        assert_eq!((reload.code(), shop.figures().await.0), (ErrorCode::KeyReused, 2_000));
    })
    .await;
}
