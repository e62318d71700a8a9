//! What an entry must be, and a payment's money followed through every legal history.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("in range")
}

fn account() -> AccountId {
    AccountId::new(Timestamp::UNIX_EPOCH, [1; 10])
}

fn payment() -> PaymentId {
    PaymentId::new(Timestamp::UNIX_EPOCH, [2; 10])
}

fn posting(place: Place, amount: Money) -> Posting {
    Posting { account: account(), place, amount }
}

#[test]
fn an_entry_sums_to_zero_or_there_is_none() {
    let cause = Cause::Opening(account());
    let good = vec![posting(Place::Outside, usd(-100)), posting(Place::Available, usd(100))];
    assert_eq!(Entry::new(cause, good.clone()).map(|entry| entry.postings().to_vec()), Ok(good.clone()));
    let unbalanced = vec![posting(Place::Outside, usd(-100)), posting(Place::Available, usd(99))];
    assert_eq!(Entry::new(cause, unbalanced), Err(LedgerError::Unbalanced));
    assert_eq!(Entry::new(cause, good[..1].to_vec()), Err(LedgerError::PostingCount));
    assert_eq!(Entry::new(cause, vec![]), Err(LedgerError::PostingCount));
    let nothing = vec![posting(Place::Outside, usd(0)), posting(Place::Available, usd(0))];
    assert_eq!(Entry::new(cause, nothing), Err(LedgerError::ZeroPosting));
    let many = [usd(1), usd(-1)].into_iter().cycle().take(66).map(|amount| posting(Place::Outside, amount)).collect();
    assert_eq!(Entry::new(cause, many), Err(LedgerError::PostingCount));
}

#[test]
fn each_currency_sums_to_zero_by_itself() {
    let euros = |minor| Money::new(minor, Currency::EUR).expect("in range");
    let mixed = vec![posting(Place::Outside, usd(-100)), posting(Place::Available, euros(100))];
    assert_eq!(Entry::new(Cause::Opening(account()), mixed), Err(LedgerError::Unbalanced));
    let both = [usd(-1), usd(1), euros(-2), euros(2)].map(|amount| posting(Place::Clearing, amount));
    assert!(Entry::new(Cause::Opening(account()), both.to_vec()).is_ok());
}

#[test]
fn only_an_amount_above_zero_moves() {
    assert_eq!(Entry::opening(account(), usd(0)), Err(LedgerError::Amount));
    let backwards = Entry::of_payment(
        PaymentState::Scheduled,
        PaymentEvent::FundsReserved,
        payment(),
        Funds::Balance(account()),
        None,
        usd(-5),
    );
    assert_eq!(backwards, Err(LedgerError::Amount));
}

#[test]
fn a_settled_payment_of_40_leaves_60_of_100() {
    use PaymentEvent as E;
    let events = [E::FundsReserved, E::HandedToRail, E::RailAccepted, E::SettledByRail, E::ReturnWindowOver];
    let (state, postings) = followed(&events);
    assert_eq!(state, PaymentState::Final);
    assert_eq!(stand(&postings), [60, 0, 0, 40, -100]);
}

#[test]
fn a_return_mirrors_all_that_moved() {
    use PaymentEvent as E;
    let events = [E::FundsReserved, E::HandedToRail, E::RailAccepted, E::SettledByRail, E::ReturnedByRail];
    let (state, postings) = followed(&events);
    assert_eq!(state, PaymentState::Returned);
    assert_eq!(stand(&postings), [100, 0, 0, 0, -100]);
    let (_, early) = followed(&[E::FundsReserved, E::HandedToRail, E::RailAccepted, E::ReturnedByRail]);
    assert_eq!(stand(&early), [100, 0, 0, 0, -100]);
}

#[test]
fn a_refusal_and_a_cancel_release_what_was_reserved() {
    use PaymentEvent as E;
    assert_eq!(stand(&followed(&[E::FundsReserved, E::HandedToRail, E::RailRefused]).1), [100, 0, 0, 0, -100]);
    assert_eq!(stand(&followed(&[E::FundsReserved, E::Cancelled]).1), [100, 0, 0, 0, -100]);
    assert_eq!(followed(&[E::Cancelled]).1.len(), 2, "before the reservation a cancel moves nothing");
}

#[test]
fn while_the_rail_is_silent_the_money_stays_reserved() {
    use PaymentEvent as E;
    let events = [E::FundsReserved, E::HandedToRail, E::RailSilent, E::ProvenAbsent, E::RailSilent];
    let (state, postings) = followed(&events);
    assert_eq!(state, PaymentState::Unknown);
    assert_eq!(stand(&postings), [60, 40, 0, 0, -100]);
}

#[test]
fn a_purchase_moves_from_held_to_owed_and_back_and_nothing_is_lost_on_the_way() {
    let purchase = PurchaseId::new(Timestamp::UNIX_EPOCH, [3; 10]);
    let step = |number| PurchaseStepId::new(Timestamp::UNIX_EPOCH, [number; 10]);
    let entries = [
        Entry::authorized(purchase, account(), Split::of_card(usd(100))),
        Entry::captured(step(4), account(), Split::of_card(usd(70))),
        Entry::hold_released(purchase, account(), Split::of_card(usd(30))),
        Entry::refunded(step(5), account(), Split::of_card(usd(20))),
    ];
    let stands = [(100, 0, -100), (30, 70, -100), (0, 70, -70), (0, 50, -50)];
    let mut postings = Vec::new();
    for (entry, (held, owed, outside)) in entries.into_iter().zip(stands) {
        postings.extend_from_slice(entry.expect("balanced").postings());
        let at = |place| balance(&postings, account(), place, Currency::USD).expect("in range").minor();
        assert_eq!((at(Place::Held), at(Place::Owed), at(Place::Outside)), (held, owed, outside));
    }
    assert_eq!(Entry::captured(step(6), account(), Split::of_card(usd(0))), Err(LedgerError::Amount));
}

#[test]
fn what_a_wallet_reserves_is_neither_spent_nor_free_until_the_purchase_is_over() {
    let purchase = PurchaseId::new(Timestamp::UNIX_EPOCH, [3; 10]);
    let part = |card, wallet| Split { card: usd(card), wallet: usd(wallet) };
    let step = PurchaseStepId::new(Timestamp::UNIX_EPOCH, [4; 10]);
    let entries = [
        Entry::reloaded(TransactionId::new(Timestamp::UNIX_EPOCH, [1; 10]), account(), usd(50)),
        Entry::authorized(purchase, account(), part(40, 50)),
        Entry::captured(step, account(), part(0, 30)),
        Entry::hold_released(purchase, account(), part(40, 20)),
    ];
    let stands = [(50, 0, 0), (0, 50, 40), (0, 20, 40), (20, 0, 0)];
    let mut postings = Vec::new();
    for (entry, (free, reserved, held)) in entries.into_iter().zip(stands) {
        postings.extend_from_slice(entry.expect("balanced").postings());
        let at = |place| balance(&postings, account(), place, Currency::USD).expect("in range").minor();
        assert_eq!((at(Place::Wallet), at(Place::WalletHeld), at(Place::Held)), (free, reserved, held));
        assert_eq!(at(Place::Owed), 50, "only the reload is owed");
    }
}

#[test]
fn what_is_drawn_from_a_method_comes_from_outside_and_goes_back_there() {
    use PaymentEvent as E;
    let funds = Funds::Method(MethodId::from_uuid(account().as_uuid()));
    let through = |events: &[E]| {
        let mut state = PaymentState::Scheduled;
        let mut postings = Vec::new();
        for event in events {
            let entry = Entry::of_payment(state, *event, payment(), funds, None, usd(40)).expect("balanced");
            state = state.after(*event).expect("legal");
            postings.extend(entry.iter().flat_map(|entry| entry.postings().iter().copied()));
        }
        stand(&postings)
    };
    assert_eq!(through(&[E::FundsReserved]), [0, 40, 0, 0, -40]);
    assert_eq!(through(&[E::FundsReserved, E::HandedToRail, E::RailRefused]), [0, 0, 0, 0, 0]);
    let there = [E::FundsReserved, E::HandedToRail, E::RailAccepted, E::SettledByRail];
    assert_eq!(through(&there), [0, 0, 0, 40, -40]);
    assert_eq!(through(&[there.as_slice(), &[E::ReturnedByRail]].concat()), [0, 0, 0, 0, 0]);
}

#[test]
fn stored_names_read_back() {
    for place in Place::ALL {
        assert_eq!(place.name().parse::<Place>(), Ok(place));
    }
    assert_eq!("elsewhere".parse::<Place>(), Err(LedgerError::UnknownPlace));
}

/// An account opened with 100 that orders a payment of 40, after these events.
fn followed(events: &[PaymentEvent]) -> (PaymentState, Vec<Posting>) {
    let mut state = PaymentState::Scheduled;
    let mut postings = Entry::opening(account(), usd(100)).expect("balanced").postings().to_vec();
    for event in events {
        let entry =
            Entry::of_payment(state, *event, payment(), Funds::Balance(account()), None, usd(40)).expect("balanced");
        state = state.after(*event).expect("legal");
        postings.extend(entry.iter().flat_map(|entry| entry.postings().iter().copied()));
    }
    (state, postings)
}

/// What stands at each place of an account that pays.
fn stand(postings: &[Posting]) -> [i64; 5] {
    let places = [Place::Available, Place::Reserved, Place::Clearing, Place::Settled, Place::Outside];
    places.map(|place| balance(postings, account(), place, Currency::USD).expect("in range").minor())
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(300) })]

    #[test]
    fn in_every_legal_history_each_place_holds_what_the_state_says(choices in prop::collection::vec(any::<usize>(), 0..30)) {
        let mut state = PaymentState::Scheduled;
        let mut events = Vec::new();
        for choice in choices {
            let legal: Vec<_> = PaymentEvent::ALL.into_iter().filter(|event| state.after(*event).is_ok()).collect();
            if legal.is_empty() {
                break;
            }
            let event = legal[choice % legal.len()];
            state = state.after(event).expect("legal");
            events.push(event);
        }
        let (state, postings) = followed(&events);
        let [available, reserved, clearing, settled, outside] = stand(&postings);
        prop_assert!(is_balanced(&postings));
        prop_assert_eq!(reserved, if state.is_reserved() { 40 } else { 0 });
        prop_assert_eq!(clearing, if state == PaymentState::Submitted { 40 } else { 0 });
        prop_assert_eq!(settled, if state.counts_as_paid() { 40 } else { 0 });
        prop_assert_eq!(available, 100 - reserved - clearing - settled);
        prop_assert_eq!(outside, -100);
    }
}

#[test]
fn a_card_owes_less_when_its_payment_settles_and_as_much_again_when_it_returns() {
    let card = AccountId::new(Timestamp::UNIX_EPOCH, [7; 10]);
    let steps = [
        (PaymentState::Scheduled, PaymentEvent::FundsReserved, 0),
        (PaymentState::Submitting, PaymentEvent::RailAccepted, 0),
        (PaymentState::Submitted, PaymentEvent::SettledByRail, -40),
        (PaymentState::Settled, PaymentEvent::ReturnedByRail, 0),
    ];
    let mut all = Vec::new();
    for (from, event, owed) in steps {
        let entry = Entry::of_payment(from, event, payment(), Funds::Balance(account()), Some(card), usd(40));
        all.extend(entry.expect("an entry").expect("it moves something").postings().to_vec());
        assert!(is_balanced(&all));
        let stands = balance(&all, card, Place::Owed, Currency::USD).expect("in range");
        assert_eq!(stands.minor(), owed, "{event:?}");
    }
    // What came back before it settled had not reached the card.
    let early = Entry::of_payment(
        PaymentState::Submitted,
        PaymentEvent::ReturnedByRail,
        payment(),
        Funds::Balance(account()),
        Some(card),
        usd(40),
    );
    assert!(
        early.expect("an entry").expect("it moves something").postings().iter().all(|moved| moved.account == account())
    );
}

#[test]
fn a_wallet_is_filled_from_its_card_pays_before_it_and_gives_back() {
    let part = |card, wallet| Split { card: usd(card), wallet: usd(wallet) };
    let id = |number| TransactionId::new(Timestamp::UNIX_EPOCH, [number; 10]);
    let step = |number| PurchaseStepId::new(Timestamp::UNIX_EPOCH, [number; 10]);
    let all = [
        Entry::reloaded(id(1), account(), usd(50)),
        Entry::authorized(PurchaseId::new(Timestamp::UNIX_EPOCH, [2; 10]), account(), part(50, 50)),
        Entry::captured(step(3), account(), part(10, 30)),
        Entry::captured(step(4), account(), part(0, 20)),
        Entry::captured(step(5), account(), part(40, 0)),
        Entry::refunded(step(6), account(), part(50, 15)),
        Entry::wallet_given_back(id(7), account(), usd(15)),
    ];
    let entries: Vec<Entry> = all.into_iter().map(|entry| entry.expect("balanced")).collect();
    let postings: Vec<Posting> = entries.iter().flat_map(Entry::postings).copied().collect();
    assert!(entries.iter().all(|entry| is_balanced(entry.postings())));
    let at = |place| balance(&postings, account(), place, Currency::USD).expect("in range");
    assert_eq!((at(Place::Owed), at(Place::Wallet), at(Place::Held)), (usd(35), usd(0), usd(0)));
    assert_eq!(at(Place::WalletHeld), usd(0), "what was reserved was spent");
    assert_eq!(Entry::captured(step(8), account(), part(10, -1)), Err(LedgerError::Amount));
    assert_eq!(Entry::refunded(step(8), account(), part(0, 0)), Err(LedgerError::Amount));
    assert_eq!(Entry::reloaded(id(9), account(), usd(-5)), Err(LedgerError::Amount));
}

#[test]
fn the_credit_of_a_card_goes_to_an_account_or_to_another_card_and_balances_in_each() {
    let id = TransactionId::new(Timestamp::UNIX_EPOCH, [1; 10]);
    let other = AccountId::new(Timestamp::UNIX_EPOCH, [9; 10]);
    for (to, place, there) in
        [(CreditTo::Account(other), Place::Available, usd(20)), (CreditTo::Card(other), Place::Owed, usd(-20))]
    {
        let entry = Entry::credit_moved(id, account(), to, usd(20)).expect("balanced");
        let at = |account, place| balance(entry.postings(), account, place, Currency::USD).expect("in range");
        assert_eq!((at(account(), Place::Owed), at(other, place)), (usd(20), there));
        for one in [account(), other] {
            assert!(is_balanced(entry.postings().iter().filter(|posting| posting.account == one)));
        }
        assert!(is_balanced(entry.postings()));
    }
    assert_eq!(Entry::credit_moved(id, account(), CreditTo::Account(other), usd(0)), Err(LedgerError::Amount));
}
