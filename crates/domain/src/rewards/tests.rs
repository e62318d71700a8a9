use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const TODAY: Date = date(2027, 6, 1);

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("in range")
}

fn reward(earned: i64, charged_on: Date) -> Reward {
    let charge = Charge {
        id: PurchaseStepId::from_uuid(uuid::Uuid::from_u128(1)),
        purchase: Some(PurchaseId::from_uuid(uuid::Uuid::from_u128(2))),
        card: AccountId::from_uuid(uuid::Uuid::from_u128(3)),
        description: "Lamps".to_owned(),
        amount: usd(earned * 100),
    };
    Reward::of_charge(charge, usd(earned), charged_on)
}

fn moved(at: usize, kind: RewardMove, minor: i64) -> Moved {
    Moved { at, kind, minor }
}

fn note(rewards: &mut [Reward], moves: Vec<Moved>) {
    for one in moves {
        rewards[one.at].note(one.kind, one.minor).expect("in range");
    }
}

#[test]
fn a_reward_is_pending_then_available_then_expired() {
    let one = reward(100, date(2027, 5, 2));
    assert_eq!(one.available_on, date(2027, 6, 1));
    assert_eq!(one.state(date(2027, 5, 31)), RewardState::Pending);
    assert_eq!(one.state(TODAY), RewardState::Available);
    assert_eq!(one.state(one.good_through), RewardState::Available, "its last day is one of them");
    assert_eq!(one.state(days::shifted(one.good_through, 1)), RewardState::Expired);
    assert!(!one.expires_soon(days::shifted(one.good_through, -NOTICE_DAYS - 1)));
    assert!(one.expires_soon(days::shifted(one.good_through, -NOTICE_DAYS)));
    assert_eq!(Reward { redeemed: usd(100), ..one.clone() }.state(TODAY), RewardState::Spent);
    assert_eq!(Reward { redeemed: usd(60), clawed_back: usd(100), ..one.clone() }.state(TODAY), RewardState::Owes);
    assert_eq!(Reward { redeemed: usd(60), lapsed: usd(40), ..one }.state(TODAY), RewardState::Expired);
}

#[test]
fn points_are_whole_and_by_what_was_bought() {
    assert_eq!(PurchaseCategory::ALL.map(|what| points(what, 9_999)), [299, 199, 199, 99]);
    assert_eq!(points(PurchaseCategory::Other, 99), 0);
    for what in PurchaseCategory::ALL {
        assert_eq!(PurchaseCategory::named(what.name()), Some(what));
        assert_eq!(serde_json::to_value(what).expect("JSON"), what.name());
    }
}

#[test]
fn what_expires_first_is_used_first_and_never_more_than_may_be() {
    let rewards = [reward(50, date(2027, 4, 20)), reward(30, date(2027, 3, 1)), reward(900, date(2027, 5, 30))];
    assert_eq!(usable(&rewards, TODAY), 80, "what is pending does not count");
    let used = |at, minor| moved(at, RewardMove::Redeemed, minor);
    assert_eq!(redeem(&rewards, 1_000, TODAY), [used(0, 50), used(1, 30)]);
    assert_eq!(redeem(&rewards, 10, TODAY), [used(1, 10)]);
    let totals = totals(&rewards, Currency::USD, TODAY).expect("in range");
    assert_eq!((totals.pending, totals.available, totals.expiring), (usd(900), usd(80), usd(0)));
    assert_eq!((totals.expires_after, totals.owed), (None, usd(0)));
}

#[test]
fn a_refund_takes_back_what_is_left_first_and_what_was_used_is_owed() {
    let rewards = [Reward { redeemed: usd(60), ..reward(60, TODAY) }, reward(40, TODAY)];
    let taken = |at, minor| moved(at, RewardMove::ClawedBack, minor);
    assert_eq!(claw_back(PurchaseCategory::Other, 10_000, &rewards), []);
    assert_eq!(claw_back(PurchaseCategory::Other, 9_999, &rewards), [taken(1, 1)]);
    assert_eq!(claw_back(PurchaseCategory::Other, 0, &rewards), [taken(0, 60), taken(1, 40)]);
    let mut after = rewards.to_vec();
    note(&mut after, claw_back(PurchaseCategory::Other, 0, &rewards));
    assert_eq!(totals(&after, Currency::USD, TODAY).expect("in range").owed, usd(60));
    let lapsed = [Reward { lapsed: usd(30), redeemed: usd(30), ..reward(60, TODAY) }];
    assert_eq!(claw_back(PurchaseCategory::Other, 0, &lapsed), [taken(0, 30)], "what has expired is gone already");
}

#[test]
fn what_is_owed_is_paid_by_what_others_have_left_even_by_what_is_pending() {
    let mut rewards = [
        Reward { redeemed: usd(60), clawed_back: usd(60), ..reward(60, date(2027, 3, 1)) },
        reward(25, date(2027, 4, 1)),
        reward(100, date(2027, 5, 30)),
    ];
    let moves = cover(&rewards, TODAY);
    let given = |at, minor| moved(at, RewardMove::Given, minor);
    assert_eq!(moves, [given(1, 25), given(2, 35), moved(0, RewardMove::Covered, 60)]);
    note(&mut rewards, moves);
    assert_eq!(rewards.each_ref().map(Reward::left_minor), [0, 0, 65]);
    assert_eq!(cover(&rewards, TODAY), []);
}

#[test]
fn what_is_left_after_the_last_day_lapses_once() {
    let mut rewards = [reward(60, date(2025, 6, 1)), reward(10, date(2025, 6, 3)), reward(7, TODAY)];
    assert_eq!(rewards[0].good_through, TODAY);
    assert_eq!(lapse(&rewards, date(2027, 5, 31)), []);
    let moves = lapse(&rewards, TODAY);
    assert_eq!(moves, [moved(0, RewardMove::Lapsed, 60)]);
    note(&mut rewards, moves);
    assert_eq!(lapse(&rewards, TODAY), []);
    assert_eq!(rewards[0].state(TODAY), RewardState::Expired);
}

fn any_rewards() -> impl Strategy<Value = Vec<Reward>> {
    let one = (1_i64..5_000, 0_i64..5_000, 0_i64..5_000, -900_i32..60);
    prop::collection::vec(one, 0..20).prop_map(|all| {
        let made = all.into_iter().map(|(earned, clawed, redeemed, ago)| Reward {
            clawed_back: usd(clawed.min(earned)),
            redeemed: usd(redeemed.min(earned)),
            ..reward(earned, days::shifted(TODAY, ago))
        });
        made.collect()
    })
}

proptest! {
    #[test]
    fn a_use_takes_what_is_asked_and_there_and_leaves_no_reward_below_zero(
        mut rewards in any_rewards(), wanted in 0_i64..50_000,
    ) {
        let before = usable(&rewards, TODAY);
        let moves = redeem(&rewards, wanted, TODAY);
        let taken = moves.iter().map(|one| one.minor).sum::<i64>();
        prop_assert_eq!(taken, wanted.min(before));
        for one in &moves {
            prop_assert!(one.minor > 0 && one.minor <= rewards[one.at].left_minor());
        }
        note(&mut rewards, moves);
        prop_assert_eq!(usable(&rewards, TODAY), before - taken);
    }

    #[test]
    fn after_covering_nothing_is_owed_while_something_is_left_and_the_sum_is_as_before(mut rewards in any_rewards()) {
        let sum = |rewards: &[Reward]| rewards.iter().map(Reward::left_minor).sum::<i64>();
        let before = sum(&rewards);
        let moves = cover(&rewards, TODAY);
        note(&mut rewards, moves);
        prop_assert_eq!(sum(&rewards), before);
        let totals = totals(&rewards, Currency::USD, TODAY).expect("in range");
        let left = totals.pending.minor() + totals.available.minor();
        prop_assert!(left == 0 || totals.owed.is_zero());
        let given: i64 = rewards.iter().map(|one| one.given.minor()).sum();
        prop_assert_eq!(given, rewards.iter().map(|one| one.covered.minor()).sum::<i64>());
    }

    #[test]
    fn a_purchase_keeps_the_points_of_what_stays_charged(
        steps in prop::collection::vec((1_i64..20_000, any::<bool>(), 0_i64..300), 1..12), at in 0_usize..4,
    ) {
        let category = PurchaseCategory::ALL[at];
        let (mut stays, mut rewards) = (0, Vec::new());
        for (amount, is_refund, used) in steps {
            if is_refund {
                stays -= amount.min(stays);
                let moves = claw_back(category, stays, &rewards);
                note(&mut rewards, moves);
            } else {
                stays += amount;
                let earned = earns(category, stays, &rewards);
                if earned > 0 {
                    rewards.push(reward(earned, days::shifted(TODAY, -40)));
                }
                let moves = redeem(&rewards, used, TODAY);
                note(&mut rewards, moves);
            }
            prop_assert_eq!(kept(&rewards), points(category, stays));
        }
    }
}
