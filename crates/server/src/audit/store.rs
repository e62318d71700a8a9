//! The questions of the audit: each selects what must not be there, with the words that name it.

use domain::ids::HolderId;
use uuid::Uuid;

use super::heads::Head;
use crate::db::{DbError, DbResult, Tx, on_engine, row, rows};

/// What is asked, and SQL that gives one text for each row that is wrong. No text holds an amount or a name.
pub(super) const QUESTIONS: &[(&str, &str)] = &[
    (
        "an entry's postings sum to zero in each currency, and there are at least two",
        "SELECT CAST(e.cause AS TEXT) FROM ledger_entry e JOIN ledger_posting p
            ON p.holder_id = e.holder_id AND p.entry_id = e.entry_id
         GROUP BY e.holder_id, e.entry_id, e.cause, p.currency HAVING SUM(p.amount_minor) <> 0 OR COUNT(*) < 2",
    ),
    (
        "devices are told each entry of the security log",
        "SELECT e.kind FROM security_event e WHERE (SELECT COUNT(*) FROM record r WHERE r.holder_id = e.holder_id
            AND r.kind = 5 AND r.gone = 0) <> (SELECT MAX(l.number) FROM security_event l WHERE l.holder_id = e.holder_id)",
    ),
    (
        "an entry has postings",
        "SELECT CAST(e.cause AS TEXT) FROM ledger_entry e WHERE NOT EXISTS
            (SELECT 1 FROM ledger_posting p WHERE p.holder_id = e.holder_id AND p.entry_id = e.entry_id)",
    ),
    (
        "the whole ledger sums to zero",
        "SELECT currency FROM ledger_posting GROUP BY currency HAVING SUM(amount_minor) <> 0",
    ),
    (
        "a place's balance is the sum of its postings",
        "SELECT b.place FROM place_balance b WHERE b.amount_minor <> COALESCE(
            (SELECT SUM(p.amount_minor) FROM ledger_posting p WHERE p.holder_id = b.holder_id
             AND p.account_id = b.account_id AND p.place = b.place AND p.currency = b.currency), 0)",
    ),
    (
        "every posting counts in a balance, in its currency",
        "SELECT p.place FROM ledger_posting p WHERE NOT EXISTS
            (SELECT 1 FROM place_balance b WHERE b.holder_id = p.holder_id AND b.account_id = p.account_id
             AND b.place = p.place AND b.currency = p.currency)",
    ),
    (
        "an account that is kept here, and a card, holds its one currency",
        "SELECT b.place FROM place_balance b JOIN served_account s ON s.holder_id = b.holder_id
            AND s.account_id = b.account_id WHERE b.currency <> s.currency
         UNION ALL SELECT b.place FROM place_balance b JOIN card c ON c.holder_id = b.holder_id
            AND c.card_id = b.account_id WHERE b.currency <> c.currency",
    ),
    (
        "nothing but the outside, and a card in credit, is below zero",
        "SELECT place FROM place_balance WHERE amount_minor < 0 AND place NOT IN ('outside', 'owed')",
    ),
    (
        "each amount that was booked is one that every program reads exactly",
        "SELECT p.place FROM ledger_posting p WHERE p.amount_minor = 0
         OR p.amount_minor > 9007199254740991 OR p.amount_minor < -9007199254740991",
    ),
    (
        "each entry has what caused it",
        "SELECT e.cause FROM ledger_entry e WHERE
            (e.cause IN ('reserved', 'released', 'submitted', 'settled', 'returned') AND NOT EXISTS
                (SELECT 1 FROM payment p WHERE p.holder_id = e.holder_id AND p.payment_id = e.subject_id))
         OR (e.cause IN ('authorized', 'hold_released') AND NOT EXISTS
                (SELECT 1 FROM purchase p WHERE p.holder_id = e.holder_id AND p.purchase_id = e.subject_id))
         OR (e.cause IN ('reloaded', 'wallet_given_back') AND NOT EXISTS
                (SELECT 1 FROM wallet_move m WHERE m.holder_id = e.holder_id AND m.move_id = e.subject_id
                 AND m.kind = CASE e.cause WHEN 'reloaded' THEN 'reload' ELSE 'given_back' END))
         OR (e.cause IN ('captured', 'refunded', 'dispute_captured', 'dispute_refunded') AND NOT EXISTS
                (SELECT 1 FROM purchase_step s WHERE s.holder_id = e.holder_id AND s.step_id = e.subject_id))
         OR (e.cause IN ('dispute_credited', 'dispute_restored') AND NOT EXISTS
                (SELECT 1 FROM dispute d WHERE d.holder_id = e.holder_id AND d.dispute_id = e.subject_id))
         OR (e.cause IN ('interest_credited', 'late_fee_credited') AND NOT EXISTS
                (SELECT 1 FROM dispute d WHERE d.holder_id = e.holder_id AND d.dispute_id = e.subject_id
                 AND d.state NOT IN ('open', 'acknowledged')))",
    ),
    (
        "what is held on a card is that of its open purchases",
        "SELECT b.place FROM place_balance b WHERE b.place = 'held' AND b.amount_minor <> COALESCE(
            (SELECT SUM(p.amount_minor - p.captured_minor - p.released_minor - p.wallet_held_minor) FROM purchase p
             WHERE p.holder_id = b.holder_id AND p.card_id = b.account_id AND p.declined IS NULL), 0)",
    ),
    (
        "what is reserved in a wallet is that of its open purchases",
        "SELECT b.place FROM place_balance b WHERE b.place = 'wallet_held' AND b.amount_minor <> COALESCE(
            (SELECT SUM(p.wallet_held_minor) FROM purchase p
             WHERE p.holder_id = b.holder_id AND p.card_id = b.account_id AND p.declined IS NULL), 0)
         UNION ALL SELECT CAST('purchase' AS TEXT) FROM purchase p WHERE p.wallet_held_minor <> 0 AND (p.declined IS NOT NULL
            OR NOT EXISTS (SELECT 1 FROM place_balance b WHERE b.holder_id = p.holder_id AND b.account_id = p.card_id
              AND b.place = 'wallet_held'))",
    ),
    (
        "what a purchase captured and refunded is that of its steps",
        "SELECT CAST('purchase' AS TEXT) FROM purchase p WHERE p.captured_minor <> COALESCE((SELECT SUM(s.amount_minor)
            FROM purchase_step s WHERE s.holder_id = p.holder_id AND s.purchase_id = p.purchase_id
            AND s.kind = 'capture'), 0)
         OR p.refunded_minor <> COALESCE((SELECT SUM(s.amount_minor) FROM purchase_step s
            WHERE s.holder_id = p.holder_id AND s.purchase_id = p.purchase_id AND s.kind = 'refund'), 0)",
    ),
    (
        "each step of a purchase is booked, with its amount",
        "SELECT s.kind FROM purchase_step s WHERE s.amount_minor <> COALESCE((SELECT
            ABS(SUM(CASE g.place WHEN 'owed' THEN g.amount_minor ELSE -g.amount_minor END))
            FROM ledger_entry e JOIN ledger_posting g ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id
            WHERE e.holder_id = s.holder_id AND e.subject_id = s.step_id AND g.place IN ('owed', 'wallet', 'wallet_held')
            AND e.cause = CASE s.kind WHEN 'capture' THEN 'captured' ELSE 'refunded' END), 0)",
    ),
    (
        "each approved purchase is booked, and no declined one",
        "SELECT CAST('purchase' AS TEXT) FROM purchase p WHERE COALESCE((SELECT SUM(g.amount_minor)
            FROM ledger_entry e JOIN ledger_posting g ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id
            WHERE e.holder_id = p.holder_id AND e.subject_id = p.purchase_id AND g.place IN ('held', 'wallet_held')
            AND e.cause = 'authorized'), 0) <> CASE WHEN p.declined IS NULL THEN p.amount_minor ELSE 0 END",
    ),
    (
        "a purchase has a job as long as something is held",
        "SELECT CAST('purchase' AS TEXT) FROM purchase p
         WHERE (p.declined IS NULL AND p.amount_minor > p.captured_minor + p.released_minor)
            <> EXISTS (SELECT 1 FROM job j WHERE j.holder_id = p.holder_id AND j.subject_id = p.purchase_id
               AND j.kind = 'end_hold')",
    ),
    (
        "no purchase was approved while the account was restrained",
        "SELECT r.reason FROM purchase p JOIN restraint r ON r.holder_id = p.holder_id
         WHERE p.declined IS NULL AND p.asked_at > r.since
         AND (r.lifted_at IS NULL OR p.asked_at < r.lifted_at) AND (r.until IS NULL OR p.asked_at < r.until)",
    ),
    (
        "what became of a reward is what moved of it",
        "SELECT w.kind FROM (
            SELECT holder_id, step_id, 'redeemed' AS kind, redeemed_minor AS minor FROM reward
            UNION ALL SELECT holder_id, step_id, 'clawed_back', clawed_minor FROM reward
            UNION ALL SELECT holder_id, step_id, 'given', given_minor FROM reward
            UNION ALL SELECT holder_id, step_id, 'covered', covered_minor FROM reward
            UNION ALL SELECT holder_id, step_id, 'lapsed', lapsed_minor FROM reward) w
         WHERE w.minor <> COALESCE((SELECT SUM(m.amount_minor) FROM reward_move m
            WHERE m.holder_id = w.holder_id AND m.step_id = w.step_id AND m.kind = w.kind), 0)",
    ),
    (
        "each use of rewards is booked, with its amount, and nothing is booked that was not used",
        "SELECT CAST('use' AS TEXT) FROM reward_move m WHERE m.kind = 'redeemed' GROUP BY m.holder_id, m.cause_id, m.card_id
         HAVING SUM(m.amount_minor) <> COALESCE((SELECT -SUM(g.amount_minor) FROM ledger_entry e JOIN ledger_posting g
            ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id WHERE e.holder_id = m.holder_id
            AND e.subject_id = m.cause_id AND e.cause = 'rewarded' AND g.place = 'owed' AND g.account_id = m.card_id), 0)
         UNION ALL SELECT e.cause FROM ledger_entry e WHERE e.cause = 'rewarded' AND NOT EXISTS (SELECT 1 FROM reward_move m
            WHERE m.holder_id = e.holder_id AND m.cause_id = e.subject_id AND m.kind = 'redeemed')",
    ),
    (
        "what rewards give to others of their card is what those owed",
        "SELECT CAST('card' AS TEXT) FROM reward r GROUP BY r.holder_id, r.currency
         HAVING SUM(r.given_minor) <> SUM(r.covered_minor)
         UNION ALL SELECT m.kind FROM reward_move m WHERE m.kind IN ('given', 'covered') GROUP BY m.holder_id, m.cause_id, m.kind
         HAVING SUM(m.amount_minor) <> COALESCE((SELECT SUM(o.amount_minor) FROM reward_move o WHERE o.holder_id = m.holder_id
            AND o.cause_id = m.cause_id AND o.kind = CASE m.kind WHEN 'given' THEN 'covered' ELSE 'given' END), 0)",
    ),
    (
        "a purchase keeps the rewards of what stays charged, and no more",
        "SELECT w.category FROM (SELECT p.holder_id, p.purchase_id, p.category, CASE WHEN p.stays < 0 THEN 0
                ELSE p.stays * CASE p.category
                    WHEN 'groceries' THEN 3 WHEN 'fuel' THEN 2 WHEN 'travel' THEN 2 ELSE 1 END / 100 END AS worth
            FROM (SELECT c.holder_id, c.purchase_id, c.category,
                c.captured_minor - c.refunded_minor - c.wallet_minor + c.wallet_refunded_minor - COALESCE(
                    (SELECT CAST(SUM(d.credited_minor) AS BIGINT) FROM dispute d WHERE d.holder_id = c.holder_id
                     AND d.purchase_id = c.purchase_id AND d.state = 'for'), 0) AS stays
            FROM purchase c) p) w JOIN reward r ON r.holder_id = w.holder_id AND r.purchase_id = w.purchase_id
         GROUP BY w.holder_id, w.purchase_id, w.category, w.worth HAVING SUM(r.earned_minor - r.clawed_minor) < w.worth
         OR SUM(r.earned_minor - r.clawed_minor - r.lapsed_minor) > w.worth",
    ),
    (
        "a reward is of a charge of its card",
        "SELECT CAST('reward' AS TEXT) FROM reward r WHERE r.purchase_id IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM purchase_step s JOIN purchase p ON p.holder_id = s.holder_id AND p.purchase_id = s.purchase_id
             WHERE s.holder_id = r.holder_id AND s.step_id = r.step_id AND s.kind = 'capture'
             AND s.purchase_id = r.purchase_id AND s.amount_minor >= r.charged_minor AND p.card_id = COALESCE(r.first_card_id, r.card_id))
         UNION ALL SELECT 'reload' FROM reward r WHERE r.purchase_id IS NULL AND NOT EXISTS
            (SELECT 1 FROM wallet_move m WHERE m.holder_id = r.holder_id AND m.move_id = r.step_id AND m.kind = 'reload'
             AND m.amount_minor = r.charged_minor AND m.card_id = COALESCE(r.first_card_id, r.card_id))
         UNION ALL SELECT 'transfer' FROM reward_transfer t WHERE NOT EXISTS
            (SELECT 1 FROM card c WHERE c.holder_id = t.holder_id AND c.card_id = t.from_card_id AND c.status = 'lost'
             AND c.replaced_by = t.to_card_id)",
    ),
    (
        "what a wallet has is what moved in it",
        "SELECT MAX(b.place) FROM place_balance b WHERE b.place IN ('wallet', 'wallet_held')
         GROUP BY b.holder_id, b.account_id HAVING SUM(b.amount_minor) <> COALESCE(
            (SELECT SUM(m.amount_minor) FROM wallet_move m WHERE m.holder_id = b.holder_id AND m.card_id = b.account_id), 0)",
    ),
    (
        "each move of a wallet is booked, with its amount",
        "SELECT m.kind FROM wallet_move m WHERE m.amount_minor <> COALESCE((SELECT SUM(g.amount_minor)
            FROM ledger_entry e JOIN ledger_posting g ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id
            WHERE e.holder_id = m.holder_id AND e.subject_id = COALESCE(m.step_id, m.move_id) AND g.place IN ('wallet', 'wallet_held')
            AND g.account_id = m.card_id AND e.cause = CASE m.kind WHEN 'reload' THEN 'reloaded' WHEN 'spent' THEN 'captured'
              WHEN 'refunded' THEN 'refunded' ELSE 'wallet_given_back' END), 0)",
    ),
    (
        "what a wallet paid of a purchase and got back is what moved for its steps",
        "SELECT CAST('purchase' AS TEXT) FROM purchase p WHERE p.wallet_minor > p.captured_minor
         OR p.wallet_refunded_minor > p.wallet_minor OR p.wallet_refunded_minor > p.refunded_minor
         OR p.wallet_minor <> -COALESCE((SELECT SUM(m.amount_minor) FROM wallet_move m JOIN purchase_step s
            ON s.holder_id = m.holder_id AND s.step_id = m.step_id WHERE m.holder_id = p.holder_id AND m.kind = 'spent'
            AND m.card_id = p.card_id AND s.purchase_id = p.purchase_id), 0)
         OR p.wallet_refunded_minor <> COALESCE((SELECT SUM(m.amount_minor) FROM wallet_move m JOIN purchase_step s
            ON s.holder_id = m.holder_id AND s.step_id = m.step_id WHERE m.holder_id = p.holder_id AND m.kind = 'refunded'
            AND m.card_id = p.card_id AND s.purchase_id = p.purchase_id), 0)",
    ),
    (
        "a wallet that is to be reloaded is looked at, and none of a card that is over",
        "SELECT c.status FROM auto_reload r JOIN card c ON c.holder_id = r.holder_id AND c.card_id = r.card_id
         WHERE c.status IN ('lost', 'closed') OR (r.below_minor > COALESCE((SELECT b.amount_minor FROM place_balance b
            WHERE b.holder_id = r.holder_id AND b.account_id = r.card_id AND b.place = 'wallet'), 0)
          AND NOT EXISTS (SELECT 1 FROM job j WHERE j.holder_id = r.holder_id AND j.kind = 'auto_reload'
            AND j.subject_id = r.card_id))",
    ),
    (
        "devices are told of each wallet that was reloaded",
        "SELECT m.kind FROM wallet_move m WHERE NOT EXISTS (SELECT 1 FROM record f WHERE f.holder_id = m.holder_id
            AND f.kind = 18 AND f.item_id = m.card_id AND f.gone = 0)",
    ),
    (
        "devices are told of each move of a wallet, and of no other",
        "SELECT m.kind FROM wallet_move m WHERE NOT EXISTS (SELECT 1 FROM record f WHERE f.holder_id = m.holder_id
            AND f.kind = 20 AND f.item_id = m.move_id AND f.gone = 0)
         UNION ALL SELECT 'gone' FROM record f WHERE f.kind = 20 AND f.gone = 0 AND NOT EXISTS
            (SELECT 1 FROM wallet_move m WHERE m.holder_id = f.holder_id AND m.move_id = f.item_id)",
    ),
    (
        "devices are told of each reward, and of no other",
        "SELECT CAST('reward' AS TEXT) FROM reward r WHERE NOT EXISTS (SELECT 1 FROM record f WHERE f.holder_id = r.holder_id
            AND f.kind = 17 AND f.item_id = r.step_id AND f.gone = 0)
         UNION ALL SELECT 'gone' FROM record f WHERE f.kind = 17 AND f.gone = 0 AND NOT EXISTS
            (SELECT 1 FROM reward r WHERE r.holder_id = f.holder_id AND r.step_id = f.item_id)",
    ),
    (
        "each purchase is in the feed",
        "SELECT CAST('purchase' AS TEXT) FROM purchase p WHERE NOT EXISTS
            (SELECT 1 FROM record r WHERE r.holder_id = p.holder_id AND r.kind = 11 AND r.item_id = p.purchase_id
             AND r.gone = 0)",
    ),
    (
        "reserved money is that of the payments on their way to the rail",
        "SELECT b.place FROM place_balance b WHERE b.place = 'reserved' AND b.amount_minor <> COALESCE(
            (SELECT SUM(p.amount_minor) FROM payment p WHERE p.holder_id = b.holder_id
             AND p.account_id = b.account_id AND p.currency = b.currency AND p.state IN ('reserved', 'submitting', 'unknown')), 0)",
    ),
    (
        "clearing money is that of the payments with the rail",
        "SELECT b.place FROM place_balance b WHERE b.place = 'clearing' AND b.amount_minor <> COALESCE(
            (SELECT SUM(p.amount_minor) FROM payment p WHERE p.holder_id = b.holder_id
             AND p.account_id = b.account_id AND p.currency = b.currency AND p.state = 'submitted'), 0)",
    ),
    (
        "settled money is that of the payments that arrived",
        "SELECT b.place FROM place_balance b WHERE b.place = 'settled' AND b.amount_minor <> COALESCE(
            (SELECT SUM(p.amount_minor) FROM payment p WHERE p.holder_id = b.holder_id
             AND p.account_id = b.account_id AND p.currency = b.currency AND p.state IN ('settled', 'final')), 0)",
    ),
    (
        "a payment that has moved nothing in the end leaves nothing moved",
        "SELECT p.state FROM payment p WHERE p.state IN
            ('scheduled', 'held', 'awaiting_approval', 'insufficient', 'cancelled', 'rejected', 'failed', 'expired',
             'returned')
         AND COALESCE((SELECT SUM(g.amount_minor) FROM ledger_entry e JOIN ledger_posting g
            ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id
            WHERE e.holder_id = p.holder_id AND e.subject_id = p.payment_id AND g.place IN ('available', 'outside')), 0) <> 0",
    ),
    (
        "a payment that ended without arriving leaves every place as it found it",
        "SELECT p.state FROM payment p JOIN ledger_entry e ON e.holder_id = p.holder_id AND e.subject_id = p.payment_id
         JOIN ledger_posting g ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id
         WHERE p.state IN ('cancelled', 'rejected', 'failed', 'expired', 'returned')
         GROUP BY p.holder_id, p.payment_id, p.state, g.account_id, g.place HAVING SUM(g.amount_minor) <> 0",
    ),
    (
        "devices are told of each payment method, and of no other",
        "SELECT m.kind FROM method m WHERE m.state = 'live' AND NOT EXISTS (SELECT 1 FROM record r
            WHERE r.holder_id = m.holder_id AND r.kind = 13 AND r.item_id = m.method_id AND r.gone = 0)
         UNION ALL SELECT 'gone' FROM record r WHERE r.kind = 13 AND r.gone = 0 AND NOT EXISTS
            (SELECT 1 FROM method m WHERE m.holder_id = r.holder_id AND m.method_id = r.item_id AND m.state = 'live')",
    ),
    (
        "a payment's state is its last step's",
        "SELECT p.state FROM payment p WHERE p.state <> COALESCE((SELECT s.to_state FROM payment_step s
            WHERE s.holder_id = p.holder_id AND s.payment_id = p.payment_id ORDER BY s.position DESC LIMIT 1), '')",
    ),
    (
        "each step begins where the one before it ended",
        "SELECT s.from_state FROM payment_step s WHERE s.from_state <> COALESCE((SELECT b.to_state FROM payment_step b
            WHERE b.holder_id = s.holder_id AND b.payment_id = s.payment_id AND b.position = s.position - 1), '')",
    ),
    (
        "a payment that is on its way has a job",
        "SELECT p.state FROM payment p WHERE p.state IN
            ('scheduled', 'insufficient', 'submitting', 'unknown', 'submitted', 'settled')
         AND NOT EXISTS (SELECT 1 FROM job j WHERE j.holder_id = p.holder_id AND j.subject_id = p.payment_id
            AND j.kind = CASE p.state WHEN 'submitting' THEN 'submit' WHEN 'unknown' THEN 'ask'
              WHEN 'submitted' THEN 'follow' WHEN 'settled' THEN 'follow' ELSE 'process' END)",
    ),
    (
        "a payment that is over has none",
        "SELECT p.state FROM payment p JOIN job j ON j.holder_id = p.holder_id AND j.subject_id = p.payment_id
         WHERE p.state IN ('cancelled', 'rejected', 'failed', 'expired', 'returned')",
    ),
    (
        "no money was set aside while the account was locked",
        "SELECT r.reason FROM payment_step s JOIN restraint r ON r.holder_id = s.holder_id
         WHERE s.to_state = 'reserved' AND r.level <> 'restricted' AND s.made_at > r.since
         AND (r.lifted_at IS NULL OR s.made_at < r.lifted_at) AND (r.until IS NULL OR s.made_at < r.until)",
    ),
    (
        "nothing was ordered or approved on a device after it was signed out",
        "SELECT p.state FROM payment p JOIN device d ON d.holder_id = p.holder_id AND d.device_id = p.device_id
         WHERE p.made_at > d.revoked_at
         UNION ALL
         SELECT 'approval' FROM payment_approval a JOIN device d
            ON d.holder_id = a.holder_id AND d.device_id = a.device_id WHERE a.approved_at > d.revoked_at",
    ),
    (
        "a payment that needed an approval was set aside on one, once",
        "SELECT p.approval FROM payment p WHERE p.approval NOT IN ('none', 'autopay') AND EXISTS
            (SELECT 1 FROM payment_step s WHERE s.holder_id = p.holder_id AND s.payment_id = p.payment_id
             AND s.to_state = 'reserved')
         AND (SELECT COUNT(*) FROM payment_approval a WHERE a.holder_id = p.holder_id
            AND a.payment_id = p.payment_id AND a.used_at IS NOT NULL) <> 1",
    ),
    (
        "a payment that left by itself left on the yes to its autopay, within its cap",
        "SELECT p.state FROM payment p WHERE p.approval = 'autopay' AND EXISTS
            (SELECT 1 FROM payment_step s WHERE s.holder_id = p.holder_id AND s.payment_id = p.payment_id
             AND s.to_state = 'reserved')
         AND NOT EXISTS (SELECT 1 FROM autopay_run a WHERE a.holder_id = p.holder_id AND a.payment_id = p.payment_id
            AND a.digest IS NOT NULL AND a.cap_minor >= p.amount_minor)",
    ),
    (
        "a payment that will leave by itself has an autopay that is on, or one that is being looked at",
        "SELECT p.state FROM payment p WHERE p.approval = 'autopay' AND p.state IN ('scheduled', 'held', 'insufficient')
         AND NOT EXISTS (SELECT 1 FROM autopay_run r JOIN autopay a ON a.holder_id = r.holder_id AND a.bill_id = r.bill_id
            JOIN job j ON j.holder_id = a.holder_id AND j.subject_id = a.bill_id AND j.kind = 'autopay'
            WHERE r.holder_id = p.holder_id AND r.payment_id = p.payment_id)",
    ),
    (
        "an autopay that is on is looked at every night",
        "SELECT a.state FROM autopay a WHERE a.state = 'on' AND NOT EXISTS (SELECT 1 FROM job j
            WHERE j.holder_id = a.holder_id AND j.subject_id = a.bill_id AND j.kind = 'autopay')",
    ),
    (
        "devices are told of each autopay as it stands, and of no other",
        "SELECT a.state FROM autopay a WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.holder_id = a.holder_id
            AND r.kind = 15 AND r.item_id = a.bill_id AND r.gone = 0 AND r.body = a.body)
         UNION ALL SELECT 'gone' FROM record r WHERE r.kind = 15 AND r.gone = 0 AND NOT EXISTS
            (SELECT 1 FROM autopay a WHERE a.holder_id = r.holder_id AND a.bill_id = r.item_id)",
    ),
    (
        "a payment that waits for an approval has none, and ends by itself",
        "SELECT p.state FROM payment p WHERE p.state = 'awaiting_approval' AND (EXISTS
            (SELECT 1 FROM payment_approval a WHERE a.holder_id = p.holder_id AND a.payment_id = p.payment_id
             AND a.void_at IS NULL)
         OR NOT EXISTS (SELECT 1 FROM job j WHERE j.holder_id = p.holder_id AND j.subject_id = p.payment_id
            AND j.kind = 'expire'))",
    ),
    (
        "a payment that is held says what holds it",
        "SELECT p.state FROM payment p WHERE p.state = 'held' AND p.reason IS NULL",
    ),
    (
        "a hold that ends by itself has its job",
        "SELECT p.hold_reason FROM payment p WHERE p.state = 'held' AND p.reason = p.hold_reason AND NOT EXISTS
            (SELECT 1 FROM job j WHERE j.holder_id = p.holder_id AND j.subject_id = p.payment_id AND j.kind = 'release')",
    ),
    (
        "the practice bank has an order for each payment that it took",
        "SELECT p.state FROM payment p WHERE p.rail = 'sandbox'
         AND p.state IN ('submitted', 'settled', 'final', 'returned') AND NOT EXISTS
            (SELECT 1 FROM sandbox_order o WHERE o.rail_key = p.rail_key AND o.amount_minor = p.amount_minor
             AND o.currency = p.currency AND o.refused IS NULL AND o.reference = p.rail_reference)",
    ),
    (
        "the practice bank has no order that no payment sent",
        "SELECT o.reference FROM sandbox_order o WHERE NOT EXISTS
            (SELECT 1 FROM payment p WHERE p.rail = 'sandbox' AND p.rail_key = o.rail_key)",
    ),
    (
        "a rail of files has an order for each payment that it took",
        "SELECT p.state FROM payment p WHERE p.rail IN ('nacha', 'iso20022')
         AND p.state IN ('submitted', 'settled', 'final', 'returned') AND NOT EXISTS
            (SELECT 1 FROM rail_order o WHERE o.rail = p.rail AND o.rail_key = p.rail_key
             AND o.amount_minor = p.amount_minor AND o.currency = p.currency AND o.batch IS NOT NULL)",
    ),
    (
        "a rail of files has no order that no payment sent",
        "SELECT o.rail FROM rail_order o WHERE NOT EXISTS
            (SELECT 1 FROM payment p WHERE p.rail = o.rail AND p.rail_key = o.rail_key)",
    ),
    (
        "each file of orders has as many as were chosen for it",
        "SELECT b.file_name FROM rail_batch b WHERE b.orders <>
            (SELECT COUNT(*) FROM rail_order o WHERE o.rail = b.rail AND o.batch = b.batch)",
    ),
    (
        "what a rail reported fits a payment",
        "SELECT r.kind FROM rail_record r WHERE r.matched = 0 OR NOT EXISTS
            (SELECT 1 FROM payment p WHERE p.holder_id = r.holder_id AND p.payment_id = r.payment_id
             AND p.rail = r.rail)",
    ),
    (
        "a statement begins where the one before it ended, and none is left out",
        "SELECT CAST(s.number AS TEXT) FROM statement s WHERE s.opening_minor <> COALESCE((SELECT b.closing_minor
            FROM statement b WHERE b.holder_id = s.holder_id AND b.card_id = s.card_id AND b.number = s.number - 1), 0)
         OR (s.number > 1 AND NOT EXISTS (SELECT 1 FROM statement b WHERE b.holder_id = s.holder_id
            AND b.card_id = s.card_id AND b.number = s.number - 1 AND b.closed_on < s.first_on))",
    ),
    (
        "a statement closes with what the ledger said then",
        "SELECT CAST(s.number AS TEXT) FROM statement s WHERE s.closing_minor <> COALESCE((SELECT SUM(p.amount_minor)
            FROM ledger_posting p JOIN ledger_entry e ON e.holder_id = p.holder_id AND e.entry_id = p.entry_id
            WHERE p.holder_id = s.holder_id AND p.account_id = s.card_id AND p.place = 'owed'
            AND ((e.cause NOT IN ('interest', 'late_fee') AND e.made_at < s.closed_at)
              OR (e.cause IN ('interest', 'late_fee') AND EXISTS (SELECT 1 FROM statement t
                 WHERE t.holder_id = e.holder_id AND t.statement_id = e.subject_id AND t.number <= s.number)))), 0)",
    ),
    (
        "a payment to a card that arrived is owed less on it",
        "SELECT p.state FROM payment p WHERE p.rail = 'book' AND p.state IN ('settled', 'final') AND NOT EXISTS
            (SELECT 1 FROM ledger_entry e JOIN ledger_posting g ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id
             WHERE e.holder_id = p.holder_id AND e.subject_id = p.payment_id AND e.cause = 'settled'
             AND g.place = 'owed' AND g.account_id = p.biller_id AND g.amount_minor = -p.amount_minor)",
    ),
    (
        "what is left of a plan is what moved on it",
        "SELECT c.offer FROM card_plan c WHERE c.left_minor <> COALESCE((SELECT SUM(m.amount_minor)
            FROM card_plan_move m WHERE m.holder_id = c.holder_id AND m.plan_id = c.plan_id), 0)",
    ),
    (
        "no more of a purchase is on a plan than was captured",
        "SELECT c.offer FROM card_plan c JOIN purchase p ON p.holder_id = c.holder_id AND p.purchase_id = c.purchase_id
         WHERE p.card_id <> c.card_id OR p.captured_minor < COALESCE((SELECT SUM(m.amount_minor) FROM card_plan_move m
            WHERE m.holder_id = c.holder_id AND m.plan_id = c.plan_id AND m.kind = 'planned'), 0)",
    ),
    (
        "what a payment paid of plans is no more than the payment",
        "SELECT p.state FROM payment p WHERE p.rail = 'book' AND p.amount_minor < -COALESCE((SELECT SUM(m.amount_minor)
            FROM card_plan_move m WHERE m.holder_id = p.holder_id AND m.cause_id = p.payment_id
            AND m.kind = 'payment'), 0)",
    ),
    (
        "what disputes of a purchase gave back is what the ledger says, and never more than was charged",
        "SELECT CAST('dispute' AS TEXT) FROM dispute d JOIN purchase p ON p.holder_id = d.holder_id
            AND p.purchase_id = d.purchase_id
         GROUP BY p.holder_id, p.purchase_id, p.captured_minor, p.refunded_minor
         HAVING SUM(d.credited_minor) > p.captured_minor - p.refunded_minor
         OR SUM(d.credited_minor) <> -COALESCE((SELECT SUM(g.amount_minor) FROM ledger_entry e
            JOIN ledger_posting g ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id
            WHERE e.holder_id = p.holder_id AND g.place = 'owed'
            AND ((e.cause IN ('dispute_credited', 'dispute_restored') AND EXISTS (SELECT 1 FROM dispute o
                 WHERE o.holder_id = e.holder_id AND o.dispute_id = e.subject_id AND o.purchase_id = p.purchase_id))
              OR (e.cause IN ('dispute_captured', 'dispute_refunded') AND EXISTS (SELECT 1 FROM purchase_step s
                 WHERE s.holder_id = e.holder_id AND s.step_id = e.subject_id AND s.purchase_id = p.purchase_id)))), 0)",
    ),
    (
        "what was given back when a dispute was opened, less what was charged again, is no less than is left of it",
        "SELECT d.state FROM dispute d WHERE d.state IN ('open', 'acknowledged', 'for') AND d.credited_minor >
            COALESCE((SELECT -SUM(g.amount_minor) FROM ledger_entry e
              JOIN ledger_posting g ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id
              WHERE e.holder_id = d.holder_id AND g.place = 'owed' AND e.subject_id = d.dispute_id
              AND e.cause IN ('dispute_credited', 'dispute_restored')), 0)
            + COALESCE((SELECT -SUM(g.amount_minor) FROM ledger_entry e
              JOIN ledger_posting g ON g.holder_id = e.holder_id AND g.entry_id = e.entry_id
              JOIN purchase_step s ON s.holder_id = e.holder_id AND s.step_id = e.subject_id
              WHERE e.holder_id = d.holder_id AND g.place = 'owed' AND s.purchase_id = d.purchase_id
              AND e.cause = 'dispute_captured'), 0)",
    ),
    (
        "what was decided against its person, or taken back, is owed again",
        "SELECT d.state FROM dispute d WHERE d.state IN ('against', 'withdrawn', 'refunded') AND d.credited_minor <> 0",
    ),
    (
        "devices are told of each dispute as it stands, and of no other",
        "SELECT d.state FROM dispute d WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.holder_id = d.holder_id
            AND r.kind = 19 AND r.item_id = d.dispute_id AND r.gone = 0 AND r.body = d.body)
         UNION ALL SELECT 'unknown' FROM record r WHERE r.kind = 19 AND NOT EXISTS
            (SELECT 1 FROM dispute d WHERE d.holder_id = r.holder_id AND d.dispute_id = r.item_id)",
    ),
    (
        "what a statement charges is a statement's",
        "SELECT e.cause FROM ledger_entry e WHERE e.cause IN ('interest', 'late_fee') AND NOT EXISTS
            (SELECT 1 FROM statement s WHERE s.holder_id = e.holder_id AND s.statement_id = e.subject_id)",
    ),
    (
        "no more interest and late fees of a card are given back than its statements charged",
        "SELECT e.cause FROM ledger_entry e JOIN ledger_posting p ON p.holder_id = e.holder_id AND p.entry_id = e.entry_id
         WHERE p.place = 'owed' AND e.cause IN ('interest_credited', 'late_fee_credited')
         GROUP BY p.holder_id, p.account_id, e.cause
         HAVING -SUM(p.amount_minor) > COALESCE((SELECT SUM(g.amount_minor) FROM ledger_entry c
            JOIN ledger_posting g ON g.holder_id = c.holder_id AND g.entry_id = c.entry_id
            WHERE c.holder_id = p.holder_id AND g.account_id = p.account_id AND g.place = 'owed'
            AND c.cause = CASE e.cause WHEN 'interest_credited' THEN 'interest' ELSE 'late_fee' END), 0)",
    ),
    (
        "devices are told each statement",
        "SELECT CAST(s.number AS TEXT) FROM statement s WHERE NOT EXISTS (SELECT 1 FROM record r
            WHERE r.holder_id = s.holder_id AND r.kind = 16 AND r.item_id = s.card_id AND r.item_day = s.closed_on
            AND r.gone = 0 AND r.body = s.figures)",
    ),
    (
        "a card's next closing is awaited",
        "SELECT c.status FROM card c WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.holder_id = c.holder_id
            AND j.subject_id = c.card_id AND j.kind = 'close')",
    ),
    (
        "no record is ahead of its holder's feed",
        "SELECT CAST(r.number AS TEXT) FROM record r JOIN holder h ON h.holder_id = r.holder_id
         WHERE r.number > h.feed_number OR r.number < 1",
    ),
    (
        "each order is in the feed, and the steps it names are of its purchase",
        "SELECT CAST('order' AS TEXT) FROM merchant_order o WHERE NOT EXISTS
            (SELECT 1 FROM record r WHERE r.holder_id = o.holder_id AND r.kind = 12 AND r.item_id = o.order_id
             AND r.gone = 0)
         OR EXISTS (SELECT 1 FROM merchant_order_step n JOIN purchase_step s
            ON s.holder_id = n.holder_id AND s.step_id = n.step_id
            WHERE n.holder_id = o.holder_id AND n.order_id = o.order_id AND s.purchase_id <> o.purchase_id)",
    ),
    (
        "each payment is in the feed",
        "SELECT p.state FROM payment p WHERE NOT EXISTS
            (SELECT 1 FROM record r WHERE r.holder_id = p.holder_id AND r.kind = 3 AND r.item_id = p.payment_id
             AND r.gone = 0)",
    ),
];

pub(super) async fn wrong(tx: &mut Tx, sql: &'static str) -> DbResult<Vec<String>> {
    on_engine!(tx, |db| sqlx::query_scalar(sql).fetch_all(db).await.map_err(DbError::from))
}

/// State by payment and the body of its record, and each served account's record beside what the ledger says.
pub(super) async fn payment_bodies(tx: &mut Tx) -> DbResult<Vec<(String, String)>> {
    const BODIES: &str = "SELECT p.state, r.body FROM payment p JOIN record r
        ON r.holder_id = p.holder_id AND r.kind = 3 AND r.item_id = p.payment_id";
    on_engine!(tx, |db| sqlx::query_as(BODIES).fetch_all(db).await.map_err(DbError::from))
}

/// The record of each served account, what is available in the ledger, and what is the person's own there.
pub(super) async fn account_bodies(tx: &mut Tx) -> DbResult<Vec<(String, i64, i64, i64)>> {
    const BODIES: &str = "SELECT r.body,
          CAST(COALESCE(SUM(CASE WHEN b.place = 'available' THEN b.amount_minor ELSE 0 END), 0) AS BIGINT),
          CAST(COALESCE(SUM(CASE WHEN b.place IN ('available', 'reserved') THEN b.amount_minor ELSE 0 END), 0) AS BIGINT),
          CAST((SELECT COALESCE(SUM(l.amount_minor), 0) FROM record l WHERE l.holder_id = s.holder_id
            AND l.account_id = s.account_id AND l.posted_on IS NOT NULL AND l.gone = 0) AS BIGINT)
        FROM served_account s
        JOIN record r ON r.holder_id = s.holder_id AND r.kind = 0 AND r.item_id = s.account_id
        LEFT JOIN place_balance b ON b.holder_id = s.holder_id AND b.account_id = s.account_id
        GROUP BY s.holder_id, s.account_id, r.body";
    on_engine!(tx, |db| sqlx::query_as(BODIES).fetch_all(db).await.map_err(DbError::from))
}

/// The newest entry of an account's security log.
pub(super) async fn head(tx: &mut Tx, holder: HolderId) -> DbResult<Option<Head>> {
    const HEAD: &str = "SELECT holder_id, number, hash FROM security_event WHERE holder_id = $1
                         ORDER BY number DESC LIMIT 1";
    let row: Option<HeadRow> = row!(tx, HEAD, holder.as_uuid())?;
    Ok(row.map(read_head))
}

/// The newest entry of each.
pub(super) async fn heads(tx: &mut Tx) -> DbResult<Vec<Head>> {
    const HEADS: &str = "SELECT e.holder_id, e.number, e.hash FROM security_event e WHERE e.number =
        (SELECT MAX(m.number) FROM security_event m WHERE m.holder_id = e.holder_id) ORDER BY e.holder_id";
    let rows: Vec<HeadRow> = rows!(tx, HEADS)?;
    Ok(rows.into_iter().map(read_head).collect())
}

/// Every entry of each, as if it were the newest.
pub(super) async fn entries(tx: &mut Tx) -> DbResult<Vec<Head>> {
    let rows: Vec<HeadRow> = rows!(tx, "SELECT holder_id, number, hash FROM security_event")?;
    Ok(rows.into_iter().map(read_head).collect())
}

type HeadRow = (Uuid, i64, String);

fn read_head((holder, number, hash): HeadRow) -> Head {
    Head { holder: HolderId::from_uuid(holder), number, hash }
}

/// What the books say of a card, beside its record.
#[derive(sqlx::FromRow)]
pub(super) struct CardBody {
    pub body: String,
    pub limit_minor: i64,
    pub owed: i64,
    pub held: i64,
    /// Of the posted lines, and of the pending ones.
    pub posted: i64,
    pub pending: i64,
}

pub(super) async fn card_bodies(tx: &mut Tx) -> DbResult<Vec<CardBody>> {
    const BODIES: &str = "SELECT r.body, c.limit_minor,
          CAST((SELECT COALESCE(SUM(b.amount_minor), 0) FROM place_balance b WHERE b.holder_id = c.holder_id
            AND b.account_id = c.card_id AND b.place = 'owed') AS BIGINT) AS owed,
          CAST((SELECT COALESCE(SUM(b.amount_minor), 0) FROM place_balance b WHERE b.holder_id = c.holder_id
            AND b.account_id = c.card_id AND b.place = 'held') AS BIGINT) AS held,
          CAST((SELECT COALESCE(SUM(l.amount_minor), 0) FROM record l WHERE l.holder_id = c.holder_id
            AND l.kind = 4 AND l.account_id = c.card_id AND l.posted_on IS NOT NULL AND l.gone = 0) AS BIGINT) AS posted,
          CAST((SELECT COALESCE(SUM(l.amount_minor), 0) FROM record l WHERE l.holder_id = c.holder_id
            AND l.kind = 4 AND l.account_id = c.card_id AND l.posted_on IS NULL AND l.gone = 0) AS BIGINT) AS pending
        FROM card c JOIN record r ON r.holder_id = c.holder_id AND r.kind = 0 AND r.item_id = c.card_id";
    on_engine!(tx, |db| sqlx::query_as(BODIES).fetch_all(db).await.map_err(DbError::from))
}

#[cfg(test)]
pub(super) async fn spoil(tx: &mut Tx, statement: &'static str) -> DbResult<()> {
    on_engine!(tx, |db| sqlx::query(statement).execute(db).await.map(drop).map_err(DbError::from))
}
