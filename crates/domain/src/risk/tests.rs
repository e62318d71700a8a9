use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn now() -> Timestamp {
    at("2027-03-01T17:00:00Z")
}

fn ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

fn spot(network: &str, country: &str, latitude: i16, longitude: i16) -> Spot {
    Spot { network: network.to_owned(), country: Some(country.to_owned()), point: Point::new(latitude, longitude) }
}

fn home() -> Spot {
    spot("192.0.2.0/24", "US", 424, -711)
}

fn seen(spot: Spot, first_at: Timestamp, last_at: Timestamp) -> Seen {
    Seen { spot, first_at, last_at, vouched: false }
}

/// A person at home, with a year behind them.
fn usual(occasion: RiskOccasion) -> Circumstances {
    Circumstances {
        has_other_devices: true,
        device_since: Some(ago(8_000)),
        spot: Some(home()),
        seen: vec![seen(home(), ago(8_000), ago(1))],
        ..Circumstances::quiet(occasion, now())
    }
}

fn paying() -> Movement {
    Movement {
        amount_minor: 5_000,
        payee_since: Some(ago(2_000)),
        method_since: Some(ago(8_000)),
        past_minor: vec![4_000, 95_000, 6_000, 7_000, 8_000],
        ordered_in_hour: 1,
        busiest_hour: 4,
        leaving_per_mille: Some(100),
    }
}

fn reasons(of: &Circumstances) -> Vec<RiskReason> {
    score(of).points.iter().map(|point| point.reason).collect()
}

#[test]
fn an_ordinary_day_scores_nothing() {
    for occasion in RiskOccasion::ALL {
        let scored = score(&Circumstances { movement: Some(paying()), ..usual(occasion) });
        assert_eq!((scored.score, scored.verdict), (0, RiskVerdict::Allow), "{:?}", scored.points);
        assert_eq!(scored.version, weights::VERSION);
    }
}

#[test]
fn the_thresholds_are_where_the_table_says() {
    let verdicts = [0, 29, 30, 59, 60, 79, 80, u32::MAX].map(weights::verdict);
    use RiskVerdict::{Allow, Hold, Lock, StepUp};
    assert_eq!(verdicts, [Allow, Allow, StepUp, StepUp, Hold, Hold, Lock, Lock]);
}

#[test]
fn each_circumstance_has_its_reason_and_no_other() {
    use RiskReason as R;
    type Change = fn(&mut Circumstances);
    let place: [(R, Change); 14] = [
        (R::DeviceNew, |of| of.device_since = None),
        (R::DeviceYoung, |of| of.device_since = Some(ago(3))),
        (R::NetworkNew, |of| of.spot = Some(spot("198.51.100.0/24", "US", 424, -711))),
        (R::PlaceNew, |of| of.spot = Some(spot("198.51.100.0/24", "US", 340, -1_182))),
        (R::CountryNew, |of| of.spot = Some(spot("198.51.100.0/24", "CA", 455, -736))),
        (R::OddHour, |of| of.hours[3] = 60),
        (R::FailedTries, |of| of.failed_tries = 3),
        (R::ManyFailedTries, |of| of.failed_tries = 10),
        (R::TokenReused, |of| of.token_reused_at = Some(ago(24))),
        (R::ForeignProof, |of| of.foreign_proofs = 1),
        (R::ManyForeignProofs, |of| of.foreign_proofs = 5),
        (R::PasskeyChanged, |of| of.passkey_changed_at = Some(ago(100))),
        (R::Recovered, |of| of.recovered_at = Some(ago(700))),
        (R::RhythmUnlike, |of| of.rhythm = Some(3_001)),
    ];
    for (reason, change) in place {
        // Long after anybody was last anywhere, so that no journey is too fast.
        let mut of = usual(RiskOccasion::SignIn);
        of.seen[0].last_at = ago(200);
        change(&mut of);
        assert_eq!(reasons(&of), [reason]);
    }
    type Order = fn(&mut Movement);
    let money: [(R, Order); 9] = [
        (R::PayeeNew, |order| order.payee_since = None),
        (R::PayeeYoung, |order| order.payee_since = Some(ago(100))),
        (R::MethodNew, |order| order.method_since = Some(ago(1))),
        (R::AmountAbove, |order| order.amount_minor = 120_000),
        (R::AmountFarAbove, |order| order.amount_minor = 285_000),
        (R::Burst, |order| order.ordered_in_hour = 5),
        (R::LargeBurst, |order| order.ordered_in_hour = 10),
        (R::Drain, |order| order.leaving_per_mille = Some(500)),
        (R::DrainNearlyAll, |order| order.leaving_per_mille = Some(800)),
    ];
    for (reason, change) in money {
        let mut movement = paying();
        change(&mut movement);
        assert_eq!(reasons(&Circumstances { movement: Some(movement), ..usual(RiskOccasion::Approval) }), [reason]);
    }
}

#[test]
fn old_events_are_forgotten() {
    let mut of = usual(RiskOccasion::SignIn);
    of.token_reused_at = Some(ago(7 * 24));
    of.passkey_counter_at = Some(ago(7 * 24));
    of.passkey_changed_at = Some(ago(7 * 24));
    of.recovered_at = Some(ago(30 * 24));
    of.device_since = Some(ago(7 * 24));
    assert_eq!(reasons(&of), []);
}

#[test]
fn a_place_that_was_first_seen_today_is_not_usual_unless_its_owner_says_so() {
    let abroad = spot("203.0.113.0/24", "PT", 387, -91);
    let mut of = usual(RiskOccasion::Approval);
    of.seen[0].last_at = ago(30);
    of.seen.push(seen(abroad.clone(), ago(2), ago(1)));
    of.spot = Some(abroad);
    assert_eq!(reasons(&of), [RiskReason::CountryNew]);
    of.seen[1].vouched = true;
    assert_eq!(reasons(&of), []);
    of.seen[1].vouched = false;
    of.seen[1].first_at = ago(24);
    assert_eq!(reasons(&of), [], "a day later it is usual");
}

#[test]
fn nobody_travels_faster_than_an_airliner_but_a_usual_network_explains_itself() {
    let far = spot("203.0.113.0/24", "PT", 387, -91);
    let mut of = usual(RiskOccasion::Refresh);
    of.spot = Some(far.clone());
    assert_eq!(reasons(&of), [RiskReason::ImpossibleTravel, RiskReason::CountryNew]);
    of.seen[0].last_at = ago(6);
    assert_eq!(reasons(&of), [RiskReason::CountryNew], "six hours are enough");
    of.seen[0].last_at = ago(1);
    of.seen.push(seen(far, ago(500), ago(48)));
    assert_eq!(reasons(&of), [], "the account is used from both");
}

#[test]
fn an_account_without_a_past_has_nothing_unusual() {
    let mut of = Circumstances::quiet(RiskOccasion::SignIn, now());
    of.device_since = None;
    of.spot = Some(home());
    assert_eq!(reasons(&of), []);
    of.movement = Some(Movement { past_minor: vec![1; 4], amount_minor: 900_000, ..paying() });
    assert_eq!(reasons(&of), [], "four payments are no habit");
}

#[test]
fn without_a_database_of_places_a_new_network_is_all_that_is_said() {
    let bare = |network: &str| Spot { network: network.to_owned(), country: None, point: None };
    let mut of = usual(RiskOccasion::SignIn);
    of.seen = vec![seen(bare("192.0.2.0/24"), ago(900), ago(1))];
    of.spot = Some(bare("203.0.113.0/24"));
    assert_eq!(reasons(&of), [RiskReason::NetworkNew]);
    // One that came later does not make everything before it foreign.
    of.spot = Some(spot("203.0.113.0/24", "PT", 387, -91));
    assert_eq!(reasons(&of), [RiskReason::NetworkNew]);
}

#[test]
fn failures_alone_never_ask_for_more_and_never_lock() {
    for failed_tries in [0, 3, 10, 10_000, u32::MAX] {
        let scored = score(&Circumstances { failed_tries, ..usual(RiskOccasion::SignIn) });
        assert_eq!(scored.verdict, RiskVerdict::Allow, "{failed_tries} failures");
    }
    // Nor do they turn what would be a hold into a lock on their own.
    let heaviest = weights::points(RiskReason::ManyFailedTries);
    assert!(heaviest < weights::STEP_UP_FROM);
    assert!(heaviest < weights::LOCK_FROM - weights::HOLD_FROM);
}

#[test]
fn the_same_circumstances_give_the_same_score_with_the_heaviest_reason_first() {
    let mut of = usual(RiskOccasion::Approval);
    of.device_since = None;
    of.spot = Some(spot("203.0.113.0/24", "PT", 387, -91));
    of.failed_tries = 12;
    of.movement = Some(Movement { payee_since: None, leaving_per_mille: Some(950), ..paying() });
    let first = score(&of);
    assert_eq!(first, score(&of.clone()));
    assert!(first.points.is_sorted_by_key(|point| std::cmp::Reverse(point.points)));
    assert_eq!(first.score, first.points.iter().map(|point| point.points).sum::<u32>());
    assert_eq!(first.verdict, RiskVerdict::Lock);
}

#[test]
fn who_pays_every_bill_on_one_evening_is_not_told_off_for_it() {
    let order = |ordered_in_hour, busiest_hour| Movement { ordered_in_hour, busiest_hour, ..paying() };
    let found = |movement| reasons(&Circumstances { movement: Some(movement), ..usual(RiskOccasion::Approval) });
    assert_eq!(found(order(9, 9)), []);
    assert_eq!(found(order(10, 9)), [RiskReason::Burst]);
    assert_eq!(found(order(18, 9)), [RiskReason::LargeBurst]);
}

#[test]
fn stored_names_are_those_that_are_sent() {
    let text = |value: serde_json::Value| value.as_str().expect("text").to_owned();
    for occasion in RiskOccasion::ALL {
        assert_eq!(text(serde_json::to_value(occasion).expect("serialises")), occasion.as_str());
    }
    for reason in [RiskReason::DeviceNew, RiskReason::ImpossibleTravel, RiskReason::DrainNearlyAll] {
        assert_eq!(text(serde_json::to_value(reason).expect("serialises")), reason.as_str());
    }
    for verdict in RiskVerdict::ALL {
        assert_eq!(text(serde_json::to_value(verdict).expect("serialises")), verdict.as_str());
    }
}
