//! Rows of payments, their steps, what rails reported, and the practice bank's book.

use api::payments::PaymentStep;
use domain::ids::{AccountId, BillId, BillerId, DeviceId, HolderId, PasskeyId, PaymentId};
use domain::ledger::Funds;
use domain::money::{Currency, Money};
use domain::payments::{PaymentOrder, PaymentState, Quote};
use domain::policy::{HoldReason, Limits, Payee};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, write_later, write_one_later};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A payment as it is stored, with its history.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub holder: HolderId,
    pub order: PaymentOrder,
    pub account: AccountId,
    pub state: PaymentState,
    pub reason: Option<String>,
    pub process_on: Date,
    pub cutoff_at: Timestamp,
    pub expected_by: Date,
    pub rail: String,
    pub rail_key: String,
    pub rail_reference: Option<String>,
    /// How often in a row the rail said that it never saw the order.
    pub absent_reads: i64,
    pub made_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    pub approval: ApprovedBy,
    /// Until then its person may approve it.
    pub approve_by: Option<Timestamp>,
    /// What the matrix holds it for, and until when. A restraint of the account holds it beside that.
    pub hold_reason: Option<HoldReason>,
    pub held_until: Option<Timestamp>,
    /// Where it was ordered, or changed last; unknown for those from before this was noted.
    pub device: Option<DeviceId>,
    pub history: Vec<PaymentStep>,
}

impl Stored {
    /// One that is being ordered, before anything was decided about it.
    pub fn new(
        holder: HolderId,
        order: PaymentOrder,
        account: AccountId,
        promise: &Quote,
        rail: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            holder,
            rail_key: super::rail_key(holder, order.id),
            order,
            account,
            state: PaymentState::Scheduled,
            reason: None,
            process_on: promise.will_process_on,
            cutoff_at: promise.cutoff_at,
            expected_by: promise.expected_by,
            rail: rail.to_owned(),
            rail_reference: None,
            absent_reads: 0,
            made_at: now,
            settled_at: None,
            approval: ApprovedBy::None,
            approve_by: None,
            hold_reason: None,
            held_until: None,
            device: None,
            history: Vec::new(),
        }
    }

    /// What it is paid from.
    pub const fn funds(&self) -> Funds {
        match self.order.method {
            Some(method) => Funds::Method(method),
            None => Funds::Balance(self.account),
        }
    }

    /// Whether it leaves on an approval of its own.
    pub const fn needs_approval(&self) -> bool {
        matches!(self.approval, ApprovedBy::Device | ApprovedBy::Passkey)
    }
}

/// Who had to say yes beside ordering it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApprovedBy {
    None,
    Device,
    Passkey,
    /// Nobody to itself: an autopay made it, and it leaves on the yes to that.
    Autopay,
}

impl ApprovedBy {
    const ALL: [Self; 4] = [Self::None, Self::Device, Self::Passkey, Self::Autopay];

    /// The stored name; it never changes.
    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Device => "device",
            Self::Passkey => "passkey",
            Self::Autopay => "autopay",
        }
    }
}

/// The stored name of a state is its name on the wire.
pub(super) fn state_name(state: PaymentState) -> DbResult<String> {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(DbError::Corrupt("a state's name")),
    }
}

pub(super) fn state_named(name: &str) -> DbResult<PaymentState> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).map_err(|_| DbError::Corrupt("a state"))
}

fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"))
}

fn day(text: &str) -> DbResult<Date> {
    text.parse().map_err(|_| DbError::Corrupt("a day"))
}

pub(super) async fn add(tx: &mut Tx, payment: &Stored) -> DbResult<()> {
    const ADD: &str = "INSERT INTO payment (holder_id, payment_id, account_id, state, order_body, biller_id,
            amount_minor, currency, process_on, cutoff_at, expected_by, rail, rail_key, made_at, reason, approval,
            approve_by, hold_reason, held_until, device_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    let body = serde_json::to_string(&payment.order).map_err(|_| DbError::Corrupt("an order"))?;
    let state = state_name(payment.state)?;
    write_later!(
        tx,
        ADD,
        payment.holder.as_uuid(),
        payment.order.id.as_uuid(),
        payment.account.as_uuid(),
        state,
        body,
        payment.order.biller.as_uuid(),
        payment.order.amount.minor(),
        payment.order.amount.currency().code(),
        payment.process_on.to_string(),
        payment.cutoff_at.as_microsecond(),
        payment.expected_by.to_string(),
        &payment.rail,
        &payment.rail_key,
        payment.made_at.as_microsecond(),
        &payment.reason,
        payment.approval.name(),
        payment.approve_by.map(Timestamp::as_microsecond),
        payment.hold_reason.map(HoldReason::as_str),
        payment.held_until.map(Timestamp::as_microsecond),
        payment.device.map(|id| id.as_uuid()),
    )
}

/// Writes what changes with a step, if the payment is still in the state that the step was decided on.
pub(super) async fn update(tx: &mut Tx, payment: &Stored, from: PaymentState) -> DbResult<()> {
    const UPDATE: &str = "UPDATE payment SET state = $4, reason = $5, rail_reference = $6, absent_reads = $7,
            settled_at = $8, order_body = $9, amount_minor = $10, process_on = $11, cutoff_at = $12, expected_by = $13,
            approval = $14, approve_by = $15, hold_reason = $16, held_until = $17, device_id = $18, account_id = $19
        WHERE holder_id = $1 AND payment_id = $2 AND state = $3";
    let body = serde_json::to_string(&payment.order).map_err(|_| DbError::Corrupt("an order"))?;
    let (from, to) = (state_name(from)?, state_name(payment.state)?);
    write_one_later!(
        tx,
        UPDATE,
        payment.holder.as_uuid(),
        payment.order.id.as_uuid(),
        from,
        to,
        &payment.reason,
        &payment.rail_reference,
        payment.absent_reads,
        payment.settled_at.map(Timestamp::as_microsecond),
        body,
        payment.order.amount.minor(),
        payment.process_on.to_string(),
        payment.cutoff_at.as_microsecond(),
        payment.expected_by.to_string(),
        payment.approval.name(),
        payment.approve_by.map(Timestamp::as_microsecond),
        payment.hold_reason.map(HoldReason::as_str),
        payment.held_until.map(Timestamp::as_microsecond),
        payment.device.map(|id| id.as_uuid()),
        payment.account.as_uuid(),
    )
}

/// Adds a step; the table refuses one that is no legal way.
pub(super) async fn add_step(
    tx: &mut Tx,
    payment: &Stored,
    from: Option<PaymentState>,
    position: usize,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO payment_step
        (holder_id, payment_id, position, from_state, to_state, reason, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let from = from.map(state_name).transpose()?.unwrap_or_default();
    let step = payment.history.get(position).ok_or(DbError::Corrupt("a step"))?;
    let to = state_name(step.state)?;
    write_later!(
        tx,
        ADD,
        payment.holder.as_uuid(),
        payment.order.id.as_uuid(),
        i64::try_from(position).unwrap_or(i64::MAX),
        from,
        to,
        &step.reason,
        step.at.as_microsecond(),
    )
}

#[derive(sqlx::FromRow)]
struct PaymentRow {
    account_id: Uuid,
    state: String,
    reason: Option<String>,
    order_body: String,
    process_on: String,
    cutoff_at: i64,
    expected_by: String,
    rail: String,
    rail_key: String,
    rail_reference: Option<String>,
    absent_reads: i64,
    made_at: i64,
    settled_at: Option<i64>,
    approval: String,
    approve_by: Option<i64>,
    hold_reason: Option<String>,
    held_until: Option<i64>,
    device_id: Option<Uuid>,
}

/// How far the holder's feed is, and whether there is a payment of that id: of one moment.
pub(super) fn as_of(holder: HolderId, id: PaymentId) -> impl Read<Answer = (i64, bool)> {
    const FIND: &str = "SELECT h.feed_number,
            (SELECT COUNT(*) FROM payment p WHERE p.holder_id = h.holder_id AND p.payment_id = $2)
        FROM holder h WHERE h.holder_id = $1";
    db::read_row(FIND, [holder.as_uuid().into(), id.as_uuid().into()], |row: Option<(i64, i64)>| {
        row.map(|(number, count)| (number, count > 0)).ok_or(DbError::Corrupt("a holder"))
    })
}

pub(super) async fn find(tx: &mut Tx, holder: HolderId, id: PaymentId) -> DbResult<Option<Stored>> {
    tx.ask(found(holder, id)).await
}

pub(super) fn found(holder: HolderId, id: PaymentId) -> impl Read<Answer = Option<Stored>> {
    const FIND: &str =
        "SELECT account_id, state, reason, order_body, process_on, cutoff_at, expected_by, rail, rail_key,
            rail_reference, absent_reads, made_at, settled_at, approval, approve_by, hold_reason, held_until, device_id
        FROM payment WHERE holder_id = $1 AND payment_id = $2";
    let row = db::read_row(FIND, [holder.as_uuid().into(), id.as_uuid().into()], |row: Option<PaymentRow>| Ok(row));
    (row, steps(holder, id)).then(move |(row, history)| row.map(|row| stored(holder, row, history)).transpose())
}

fn approval_named(name: &str) -> DbResult<ApprovedBy> {
    let known = ApprovedBy::ALL.into_iter().find(|known| known.name() == name);
    known.ok_or(DbError::Corrupt("who approved a payment"))
}

fn stored(holder: HolderId, row: PaymentRow, history: Vec<PaymentStep>) -> DbResult<Stored> {
    let approval = approval_named(&row.approval)?;
    let reason_named = |name: String| HoldReason::ALL.into_iter().find(|known| known.as_str() == name);
    let hold_reason = row.hold_reason.map(|name| reason_named(name).ok_or(DbError::Corrupt("a hold's reason")));
    Ok(Stored {
        holder,
        order: serde_json::from_str(&row.order_body).map_err(|_| DbError::Corrupt("an order"))?,
        account: AccountId::from_uuid(row.account_id),
        state: state_named(&row.state)?,
        reason: row.reason,
        process_on: day(&row.process_on)?,
        cutoff_at: time(row.cutoff_at)?,
        expected_by: day(&row.expected_by)?,
        rail: row.rail,
        rail_key: row.rail_key,
        rail_reference: row.rail_reference,
        absent_reads: row.absent_reads,
        made_at: time(row.made_at)?,
        settled_at: row.settled_at.map(time).transpose()?,
        approval,
        approve_by: row.approve_by.map(time).transpose()?,
        hold_reason: hold_reason.transpose()?,
        held_until: row.held_until.map(time).transpose()?,
        device: row.device_id.map(DeviceId::from_uuid),
        history,
    })
}

fn steps(holder: HolderId, id: PaymentId) -> impl Read<Answer = Vec<PaymentStep>> {
    const STEPS: &str = "SELECT to_state, reason, made_at FROM payment_step
                          WHERE holder_id = $1 AND payment_id = $2 ORDER BY position";
    let read = |(state, reason, at): (String, Option<String>, i64)| {
        Ok(PaymentStep { state: state_named(&state)?, at: time(at)?, reason })
    };
    db::read_rows(STEPS, [holder.as_uuid().into(), id.as_uuid().into()], move |rows| {
        rows.into_iter().map(read).collect()
    })
}

/// The payments of a holder that have not left: those that a restraint may hold, and those that one holds.
pub(super) async fn not_left(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Stored>> {
    const LIST: &str = "SELECT payment_id FROM payment
                         WHERE holder_id = $1 AND state IN ('scheduled', 'insufficient', 'held') ORDER BY payment_id";
    let ids: Vec<Uuid> = on_engine!(tx, |db| sqlx::query_scalar(LIST)
        .bind(holder.as_uuid())
        .fetch_all(db)
        .await
        .map_err(DbError::from))?;
    let mut payments = Vec::with_capacity(ids.len());
    for id in ids {
        let payment = find(tx, holder, PaymentId::from_uuid(id)).await?;
        payments.push(payment.ok_or(DbError::Corrupt("a payment that was listed"))?);
    }
    Ok(payments)
}

/// The rails on which payments are that are not over.
pub(super) async fn rails_in_use(tx: &mut Tx) -> DbResult<Vec<String>> {
    const LIST: &str = "SELECT DISTINCT rail FROM payment WHERE state NOT IN
        ('final', 'returned', 'rejected', 'failed', 'cancelled', 'expired') ORDER BY rail";
    on_engine!(tx, |db| sqlx::query_scalar(LIST).fetch_all(db).await.map_err(DbError::from))
}

/// The payments that are held on a rail, and whose they are.
pub(super) async fn held_on(tx: &mut Tx, rail: &str) -> DbResult<Vec<(HolderId, PaymentId)>> {
    const LIST: &str = "SELECT holder_id, payment_id FROM payment WHERE rail = $1 AND state = 'held'";
    let ids: Vec<(Uuid, Uuid)> =
        on_engine!(tx, |db| sqlx::query_as(LIST).bind(rail).fetch_all(db).await.map_err(DbError::from))?;
    Ok(ids.into_iter().map(|(holder, id)| (HolderId::from_uuid(holder), PaymentId::from_uuid(id))).collect())
}

/// What is on its way to a payee, who has not got it yet: it has left, and nobody knows yet that it arrived or came back.
pub(super) fn on_the_way_to(
    holder: HolderId,
    biller: BillerId,
    currency: Currency,
) -> impl Read<Answer = Money> + use<> {
    const SUM: &str = "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM payment
        WHERE holder_id = $1 AND biller_id = $2 AND state IN ('reserved', 'submitting', 'unknown', 'submitted')";
    let values = [holder.as_uuid().into(), biller.as_uuid().into()];
    db::read_row(SUM, values, move |sum: Option<(i64,)>| {
        Money::new(sum.map_or(0, |(minor,)| minor), currency).map_err(|_| DbError::Corrupt("an amount"))
    })
}

/// The payments that have not left and leave from this ledger, those that wait for their approval among them.
pub(super) async fn not_left_from(tx: &mut Tx, holder: HolderId, ledger: AccountId) -> DbResult<Vec<PaymentId>> {
    const LIST: &str = "SELECT payment_id FROM payment WHERE holder_id = $1 AND account_id = $2
                           AND state IN ('awaiting_approval', 'scheduled', 'held', 'insufficient') ORDER BY payment_id";
    let ids: Vec<Uuid> = on_engine!(tx, |db| {
        sqlx::query_scalar(LIST)
            .bind(holder.as_uuid())
            .bind(ledger.as_uuid())
            .fetch_all(db)
            .await
            .map_err(DbError::from)
    })?;
    Ok(ids.into_iter().map(PaymentId::from_uuid).collect())
}

/// What was ordered, and how it stands.
pub(super) struct Ordered {
    pub order: PaymentOrder,
    pub state: PaymentState,
    /// The day it leaves or left.
    pub process_on: Date,
    pub approval: ApprovedBy,
}

impl Ordered {
    fn read((body, state, process_on, approval): (String, String, String, String)) -> DbResult<Self> {
        Ok(Self {
            order: serde_json::from_str(&body).map_err(|_| DbError::Corrupt("an order"))?,
            state: state_named(&state)?,
            process_on: day(&process_on)?,
            approval: approval_named(&approval)?,
        })
    }
}

pub(super) fn to_payee(holder: HolderId, biller: BillerId, since: Date) -> impl Read<Answer = Vec<Ordered>> + use<> {
    const LIST: &str = "SELECT order_body, state, process_on, approval FROM payment
                         WHERE holder_id = $1 AND biller_id = $2 AND process_on >= $3 ORDER BY payment_id";
    let values = [holder.as_uuid().into(), biller.as_uuid().into(), since.to_string().into()];
    db::read_rows(LIST, values, |rows| rows.into_iter().map(Ordered::read).collect())
}

/// What was ordered for a bill, whomever it pays now.
pub(super) fn of_bill(holder: HolderId, bill: BillId, since: Date) -> impl Read<Answer = Vec<Ordered>> + use<> {
    // Which bill it is of stands in the order alone; what only mentions the id is passed over by whoever reads it.
    const LIST: &str = "SELECT order_body, state, process_on, approval FROM payment
                         WHERE holder_id = $1 AND process_on >= $2 AND order_body LIKE $3 ORDER BY payment_id";
    let values = [holder.as_uuid().into(), since.to_string().into(), format!("%{bill}%").into()];
    db::read_rows(LIST, values, |rows| rows.into_iter().map(Ordered::read).collect())
}

/// A payment as the rail is asked about it.
pub(super) struct AtRail {
    pub state: PaymentState,
    pub rail: String,
    pub key: String,
}

pub(super) fn at_rail(holder: HolderId, id: PaymentId) -> impl Read<Answer = Option<AtRail>> {
    const FIND: &str = "SELECT state, rail, rail_key FROM payment WHERE holder_id = $1 AND payment_id = $2";
    db::read_row(FIND, [holder.as_uuid().into(), id.as_uuid().into()], |row: Option<(String, String, String)>| {
        row.map(|(state, rail, key)| Ok(AtRail { state: state_named(&state)?, rail, key })).transpose()
    })
}

/// The amount of the order that a rail knows by this key.
pub(super) async fn ordered(tx: &mut Tx, key: &str) -> DbResult<Option<Money>> {
    const FIND: &str = "SELECT amount_minor, currency FROM payment WHERE rail_key = $1";
    let row: Option<(i64, String)> =
        on_engine!(tx, |db| { sqlx::query_as(FIND).bind(key).fetch_optional(db).await.map_err(DbError::from) })?;
    row.map(|(minor, currency)| {
        let currency = currency.parse().map_err(|_| DbError::Corrupt("a currency"))?;
        Money::new(minor, currency).map_err(|_| DbError::Corrupt("an amount"))
    })
    .transpose()
}

/// Whether the same payee got the same amount for the same day by another order since then, and it still counts.
pub(super) fn has_twin(
    holder: HolderId,
    order: &PaymentOrder,
    process_on: Date,
    since: Timestamp,
) -> impl Read<Answer = bool> + use<> {
    const TWIN: &str = "SELECT COUNT(*) FROM payment
        WHERE holder_id = $1 AND biller_id = $2 AND made_at > $3 AND amount_minor = $4 AND currency = $5
          AND process_on = $6 AND payment_id <> $7
          AND state NOT IN ('cancelled', 'rejected', 'failed', 'expired', 'returned')";
    let values = [
        holder.as_uuid().into(),
        order.biller.as_uuid().into(),
        since.as_microsecond().into(),
        order.amount.minor().into(),
        order.amount.currency().code().into(),
        process_on.to_string().into(),
        order.id.as_uuid().into(),
    ];
    db::read_row(TWIN, values, |twins: Option<(i64,)>| Ok(twins.is_some_and(|(count,)| count > 0)))
}

/// What leaves around an order, in minor units.
pub(super) struct Around {
    /// From each account: all of it, and what of that has left already.
    by_account: Vec<(AccountId, i64, i64)>,
}

impl Around {
    pub fn all_minor(&self) -> i64 {
        self.by_account.iter().fold(0, |sum, (_, all, _)| sum.saturating_add(*all))
    }

    pub fn left_minor(&self, account: AccountId) -> i64 {
        self.by_account.iter().find(|(from, ..)| *from == account).map_or(0, |(.., left)| *left)
    }
}

/// The other payments in its currency, from whatever they leave, that were ordered in the last 24 hours, or leave on its
/// day or the days beside it. What an autopay made ahead counts on its own day alone. Those that only wait for an approval
/// do not count: each is weighed when it is approved.
pub(super) fn leaving_around(
    holder: HolderId,
    order: &PaymentOrder,
    day: Date,
    now: Timestamp,
) -> impl Read<Answer = Around> + use<> {
    const SUMS: &str = "SELECT account_id, CAST(SUM(amount_minor) AS BIGINT),
            CAST(SUM(CASE WHEN state IN ('submitted', 'settled', 'final') THEN amount_minor ELSE 0 END) AS BIGINT)
        FROM payment
        WHERE holder_id = $1 AND currency = $6 AND payment_id <> $2
          AND state NOT IN ('awaiting_approval', 'cancelled', 'rejected', 'failed', 'expired', 'returned')
          AND ((made_at > $3 AND approval <> 'autopay') OR process_on BETWEEN $4 AND $5)
        GROUP BY account_id";
    let since = now.saturating_sub(DAY).unwrap_or(now);
    let (from, to) = (day.yesterday().unwrap_or(day), day.tomorrow().unwrap_or(day));
    let values = [
        holder.as_uuid().into(),
        order.id.as_uuid().into(),
        since.as_microsecond().into(),
        from.to_string().into(),
        to.to_string().into(),
        order.amount.currency().code().into(),
    ];
    db::read_rows(SUMS, values, |rows: Vec<(Uuid, i64, i64)>| {
        let by_account = rows.into_iter().map(|(id, all, left)| (AccountId::from_uuid(id), all, left)).collect();
        Ok(Around { by_account })
    })
}

/// An order of the same person before or beside this one.
pub(super) struct EarlierOrder {
    pub made_at: Timestamp,
    pub amount_minor: i64,
    /// It left, in this payment's currency.
    pub left: bool,
}

/// The other orders of an order's holder, newest first. What an autopay made ahead is none before it has left.
pub(super) fn earlier_orders(
    holder: HolderId,
    order: &PaymentOrder,
    limit: i64,
) -> impl Read<Answer = Vec<EarlierOrder>> + use<> {
    const LIST: &str = "SELECT made_at, amount_minor,
            CASE WHEN currency = $3 AND state IN ('submitted', 'settled', 'final') THEN 1 ELSE 0 END
        FROM payment WHERE holder_id = $1 AND payment_id <> $2
           AND (approval <> 'autopay' OR state IN ('submitted', 'settled', 'final'))
        ORDER BY made_at DESC LIMIT $4";
    let read = |(made_at, amount_minor, left): (i64, i64, i32)| {
        Ok(EarlierOrder { made_at: time(made_at)?, amount_minor, left: left != 0 })
    };
    let values =
        [holder.as_uuid().into(), order.id.as_uuid().into(), order.amount.currency().code().into(), limit.into()];
    db::read_rows(LIST, values, move |rows| rows.into_iter().map(read).collect())
}

// ---- Approvals ---------------------------------------------------------------------------------------------------

/// The approval of a payment that nothing voided.
pub(super) struct LiveApproval {
    pub digest: String,
    pub day: Date,
    pub used: bool,
}

/// Adds the one approval that a payment may have at a time; none by a passkey is the device's own.
pub(super) async fn add_approval(
    tx: &mut Tx,
    payment: &Stored,
    digest: &str,
    device: DeviceId,
    passkey: Option<PasskeyId>,
    now: Timestamp,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO payment_approval
            (holder_id, payment_id, number, digest, day, device_id, passkey_id, approved_at)
        VALUES ($1, $2, (SELECT COALESCE(MAX(a.number), 0) + 1 FROM payment_approval a
                          WHERE a.holder_id = $1 AND a.payment_id = $2), $3, $4, $5, $6, $7)";
    write_later!(
        tx,
        ADD,
        payment.holder.as_uuid(),
        payment.order.id.as_uuid(),
        digest,
        payment.process_on.to_string(),
        device.as_uuid(),
        passkey.map(|id| id.as_uuid()),
        now.as_microsecond(),
    )
}

pub(super) fn live_approval(payment: &Stored) -> impl Read<Answer = Option<LiveApproval>> + use<> {
    const FIND: &str = "SELECT digest, day, used_at FROM payment_approval
                         WHERE holder_id = $1 AND payment_id = $2 AND void_at IS NULL";
    let values = [payment.holder.as_uuid().into(), payment.order.id.as_uuid().into()];
    db::read_row(FIND, values, |row: Option<(String, String, Option<i64>)>| {
        row.map(|(digest, on, used_at)| Ok(LiveApproval { digest, day: day(&on)?, used: used_at.is_some() }))
            .transpose()
    })
}

/// Uses the live approval, which was not used before.
pub(super) async fn use_approval(tx: &mut Tx, payment: &Stored, now: Timestamp) -> DbResult<()> {
    const USE: &str = "UPDATE payment_approval SET used_at = $3
                        WHERE holder_id = $1 AND payment_id = $2 AND void_at IS NULL AND used_at IS NULL";
    write_one_later!(tx, USE, payment.holder.as_uuid(), payment.order.id.as_uuid(), now.as_microsecond())
}

/// What was approved is not so any more.
pub(super) async fn void_approval(tx: &mut Tx, payment: &Stored, now: Timestamp) -> DbResult<()> {
    const VOID: &str = "UPDATE payment_approval SET void_at = $3
                         WHERE holder_id = $1 AND payment_id = $2 AND void_at IS NULL";
    write_later!(tx, VOID, payment.holder.as_uuid(), payment.order.id.as_uuid(), now.as_microsecond())
}

/// Every payment whose money was set aside on an approval, with that approval, for the audit.
pub(super) async fn used_approvals(tx: &mut Tx) -> DbResult<Vec<(Stored, String, Date)>> {
    const USED: &str = "SELECT a.holder_id, a.payment_id, a.digest, a.day FROM payment_approval a
                         WHERE a.used_at IS NOT NULL ORDER BY a.holder_id, a.payment_id";
    let rows: Vec<(Uuid, Uuid, String, String)> =
        on_engine!(tx, |db| sqlx::query_as(USED).fetch_all(db).await.map_err(DbError::from))?;
    let mut used = Vec::with_capacity(rows.len());
    for (holder, payment, digest, on) in rows {
        let found = find(tx, HolderId::from_uuid(holder), PaymentId::from_uuid(payment)).await?;
        used.push((found.ok_or(DbError::Corrupt("an approved payment"))?, digest, day(&on)?));
    }
    Ok(used)
}

// ---- Who is paid --------------------------------------------------------------------------------------------------

pub(super) fn payee(holder: HolderId, biller: BillerId) -> impl Read<Answer = Payee> {
    const FIND: &str = "SELECT added_at, established_at FROM payee WHERE holder_id = $1 AND biller_id = $2";
    db::read_row(FIND, [holder.as_uuid().into(), biller.as_uuid().into()], |row: Option<(i64, Option<i64>)>| {
        let Some((added_at, established_at)) = row else { return Ok(Payee::default()) };
        Ok(Payee { added_at: Some(time(added_at)?), established: established_at.is_some() })
    })
}

/// A payment to them was approved; the first one counts.
pub(super) async fn add_payee(tx: &mut Tx, holder: HolderId, biller: BillerId, now: Timestamp) -> DbResult<()> {
    const ADD: &str = "INSERT INTO payee (holder_id, biller_id, added_at) VALUES ($1, $2, $3)
                       ON CONFLICT (holder_id, biller_id) DO NOTHING";
    write_later!(tx, ADD, holder.as_uuid(), biller.as_uuid(), now.as_microsecond(),)
}

/// A payment to them left; the first one counts.
pub(super) async fn establish_payee(tx: &mut Tx, holder: HolderId, biller: BillerId, now: Timestamp) -> DbResult<()> {
    const SET: &str = "UPDATE payee SET established_at = $3
                        WHERE holder_id = $1 AND biller_id = $2 AND established_at IS NULL";
    write_later!(tx, SET, holder.as_uuid(), biller.as_uuid(), now.as_microsecond())
}

/// The owner's own limits, and a raise that waits for its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwnLimits {
    pub now: Limits,
    pub next: Option<(Limits, Timestamp)>,
}

impl OwnLimits {
    pub fn at(&self, now: Timestamp) -> Limits {
        match self.next {
            Some((next, from)) if from <= now => next,
            _ => self.now,
        }
    }
}

/// The currencies that a holder pays in, or has limits of their own for.
pub(super) async fn currencies(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Currency>> {
    const LIST: &str = "SELECT currency FROM served_account WHERE holder_id = $1
                        UNION SELECT currency FROM pay_limit WHERE holder_id = $1 ORDER BY currency";
    let codes: Vec<String> = on_engine!(tx, |db| sqlx::query_scalar(LIST)
        .bind(holder.as_uuid())
        .fetch_all(db)
        .await
        .map_err(DbError::from))?;
    codes.iter().map(|code| code.parse().map_err(|_| DbError::Corrupt("a currency"))).collect()
}

pub(super) async fn put_own_limits(tx: &mut Tx, holder: HolderId, currency: Currency, own: &OwnLimits) -> DbResult<()> {
    const PUT: &str = "INSERT INTO pay_limit
            (holder_id, currency, payment_minor, day_minor, next_payment_minor, next_day_minor, next_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (holder_id, currency) DO UPDATE SET payment_minor = excluded.payment_minor,
            day_minor = excluded.day_minor, next_payment_minor = excluded.next_payment_minor,
            next_day_minor = excluded.next_day_minor, next_at = excluded.next_at";
    on_engine!(tx, |db| {
        sqlx::query(PUT)
            .bind(holder.as_uuid())
            .bind(currency.code())
            .bind(own.now.payment_minor)
            .bind(own.now.day_minor)
            .bind(own.next.map(|(next, _)| next.payment_minor))
            .bind(own.next.map(|(next, _)| next.day_minor))
            .bind(own.next.map(|(_, from)| from.as_microsecond()))
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

type LimitsRow = (i64, i64, Option<i64>, Option<i64>, Option<i64>);

pub(super) fn own_limits(holder: HolderId, currency: Currency) -> impl Read<Answer = Option<OwnLimits>> {
    const FIND: &str = "SELECT payment_minor, day_minor, next_payment_minor, next_day_minor, next_at
                          FROM pay_limit WHERE holder_id = $1 AND currency = $2";
    db::read_row(FIND, [holder.as_uuid().into(), currency.code().into()], |row: Option<LimitsRow>| {
        let Some((payment_minor, day_minor, next_payment, next_day, next_at)) = row else { return Ok(None) };
        let next = match (next_payment, next_day, next_at) {
            (Some(payment_minor), Some(day_minor), Some(at)) => Some((Limits { payment_minor, day_minor }, time(at)?)),
            _ => None,
        };
        Ok(Some(OwnLimits { now: Limits { payment_minor, day_minor }, next }))
    })
}

/// The person's name, as a payee reads it.
pub(super) fn holder_name(holder: HolderId) -> impl Read<Answer = String> {
    const FIND: &str = "SELECT name FROM holder WHERE holder_id = $1";
    db::read_row(FIND, [holder.as_uuid().into()], |row: Option<(String,)>| {
        row.map(|(name,)| name).ok_or(DbError::Corrupt("a holder"))
    })
}

/// What came back of orders of the same payee and amount since then, oldest first: why, when and the order.
pub(super) async fn returned_alike(
    tx: &mut Tx,
    holder: HolderId,
    rail: &str,
    order: &PaymentOrder,
    since: Timestamp,
) -> DbResult<Vec<(String, Timestamp, PaymentOrder)>> {
    const LIST: &str = "SELECT p.reason, s.made_at, p.order_body
        FROM payment p JOIN payment_step s
          ON s.holder_id = p.holder_id AND s.payment_id = p.payment_id AND s.to_state = 'returned'
        WHERE p.holder_id = $1 AND p.biller_id = $2 AND p.amount_minor = $3 AND p.currency = $4 AND p.rail = $5
          AND p.state = 'returned' AND p.made_at > $6 AND p.reason IS NOT NULL ORDER BY s.made_at";
    let rows: Vec<(String, i64, String)> = on_engine!(tx, |db| {
        sqlx::query_as(LIST)
            .bind(holder.as_uuid())
            .bind(order.biller.as_uuid())
            .bind(order.amount.minor())
            .bind(order.amount.currency().code())
            .bind(rail)
            .bind(since.as_microsecond())
            .fetch_all(db)
            .await
            .map_err(DbError::from)
    })?;
    let read = |(code, at, body): (String, i64, String)| {
        Ok((code, time(at)?, serde_json::from_str(&body).map_err(|_| DbError::Corrupt("an order"))?))
    };
    rows.into_iter().map(read).collect()
}

// ---- The account that payments leave from ------------------------------------------------------------------------

/// Every account that payments leave from.
pub(super) async fn served_accounts(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<(Currency, AccountId)>> {
    const LIST: &str = "SELECT currency, account_id FROM served_account WHERE holder_id = $1 ORDER BY currency";
    let rows: Vec<(String, Uuid)> = on_engine!(tx, |db| {
        sqlx::query_as(LIST).bind(holder.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    let read = |(code, id): (String, Uuid)| {
        Ok((code.parse().map_err(|_| DbError::Corrupt("a currency"))?, AccountId::from_uuid(id)))
    };
    rows.into_iter().map(read).collect()
}

pub(super) fn served_account(holder: HolderId, currency: Currency) -> impl Read<Answer = Option<AccountId>> {
    const FIND: &str = "SELECT account_id FROM served_account WHERE holder_id = $1 AND currency = $2";
    db::read_row(FIND, [holder.as_uuid().into(), currency.code().into()], |found: Option<(Uuid,)>| {
        Ok(found.map(|(id,)| AccountId::from_uuid(id)))
    })
}

pub(super) async fn add_served_account(
    tx: &mut Tx,
    holder: HolderId,
    currency: Currency,
    account: AccountId,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO served_account (holder_id, currency, account_id) VALUES ($1, $2, $3)";
    write_later!(tx, ADD, holder.as_uuid(), currency.code(), account.as_uuid(),)
}

/// Whose account it is that payments leave from, and its currency.
pub(super) async fn account_holder(tx: &mut Tx, account: AccountId) -> DbResult<Option<(HolderId, Currency)>> {
    const FIND: &str = "SELECT holder_id, currency FROM served_account WHERE account_id = $1";
    let row: Option<(Uuid, String)> = on_engine!(tx, |db| {
        sqlx::query_as(FIND).bind(account.as_uuid()).fetch_optional(db).await.map_err(DbError::from)
    })?;
    let read = |(holder, currency): (Uuid, String)| {
        Ok((HolderId::from_uuid(holder), currency.parse().map_err(|_| DbError::Corrupt("a currency"))?))
    };
    row.map(read).transpose()
}

/// The currencies in which an account was opened with practice money.
pub(super) async fn practice_currencies(tx: &mut Tx) -> DbResult<Vec<Currency>> {
    const LIST: &str = "SELECT DISTINCT p.currency FROM ledger_entry e JOIN ledger_posting p
            ON p.holder_id = e.holder_id AND p.entry_id = e.entry_id WHERE e.cause = 'opening' ORDER BY p.currency";
    let codes: Vec<String> = on_engine!(tx, |db| sqlx::query_scalar(LIST).fetch_all(db).await.map_err(DbError::from))?;
    codes.iter().map(|code| code.parse().map_err(|_| DbError::Corrupt("a currency"))).collect()
}

// ---- What rails report -------------------------------------------------------------------------------------------

/// One record of a rail, named by its trace.
pub(super) struct RailRecord<'a> {
    pub trace: &'a str,
    /// "settled" or "returned".
    pub kind: &'a str,
    pub amount: Money,
    pub code: Option<&'a str>,
    pub matched: bool,
}

/// Whether a rail's record is there already.
pub(super) fn is_noted(rail: &str, trace: &str) -> impl Read<Answer = bool> + use<> {
    const COUNT: &str = "SELECT COUNT(*) FROM rail_record WHERE rail = $1 AND trace = $2";
    db::read_row(COUNT, [rail.into(), trace.into()], |row: Option<(i64,)>| Ok(row.is_some_and(|(count,)| count > 0)))
}

/// Notes a record; one that is there already stays.
pub(super) async fn note_record(
    tx: &mut Tx,
    payment: &Stored,
    record: &RailRecord<'_>,
    now: Timestamp,
) -> DbResult<()> {
    const NOTE: &str = "INSERT INTO rail_record
            (rail, trace, holder_id, payment_id, kind, amount_minor, code, matched, seen_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (rail, trace) DO NOTHING";
    write_later!(
        tx,
        NOTE,
        &payment.rail,
        record.trace,
        payment.holder.as_uuid(),
        payment.order.id.as_uuid(),
        record.kind,
        record.amount.minor(),
        record.code,
        i64::from(record.matched),
        now.as_microsecond(),
    )
}

// ---- The practice bank's book ------------------------------------------------------------------------------------

/// One order as the practice bank keeps it.
#[derive(Clone, Debug)]
pub(super) struct SandboxOrder {
    pub key: String,
    pub reference: String,
    pub amount: Money,
    pub refused: Option<String>,
    pub received_at: Timestamp,
    pub settles_at: Timestamp,
    pub returns_at: Option<Timestamp>,
}

pub(super) async fn add_sandbox_order(tx: &mut Tx, order: &SandboxOrder) -> DbResult<()> {
    const ADD: &str = "INSERT INTO sandbox_order
        (rail_key, reference, amount_minor, currency, refused, received_at, settles_at, returns_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    write_later!(
        tx,
        ADD,
        &order.key,
        &order.reference,
        order.amount.minor(),
        order.amount.currency().code(),
        &order.refused,
        order.received_at.as_microsecond(),
        order.settles_at.as_microsecond(),
        order.returns_at.map(Timestamp::as_microsecond),
    )
}

type SandboxRow = (String, i64, String, Option<String>, i64, i64, Option<i64>);

pub(super) fn sandbox_order(key: &str) -> impl Read<Answer = Option<SandboxOrder>> + use<> {
    const FIND: &str = "SELECT reference, amount_minor, currency, refused, received_at, settles_at, returns_at
                          FROM sandbox_order WHERE rail_key = $1";
    let key = key.to_owned();
    db::read_row(FIND, [key.clone().into()], move |row: Option<SandboxRow>| {
        let Some((reference, minor, currency, refused, received_at, settles_at, returns_at)) = row else {
            return Ok(None);
        };
        let currency = currency.parse().map_err(|_| DbError::Corrupt("a currency"))?;
        Ok(Some(SandboxOrder {
            key,
            reference,
            amount: Money::new(minor, currency).map_err(|_| DbError::Corrupt("an amount"))?,
            refused,
            received_at: time(received_at)?,
            settles_at: time(settles_at)?,
            returns_at: returns_at.map(time).transpose()?,
        }))
    })
}

/// Notes that an order was lost; false when it was lost before.
pub(super) async fn note_lost_order(tx: &mut Tx, key: &str, now: Timestamp) -> DbResult<bool> {
    const NOTE: &str = "INSERT INTO sandbox_lost (rail_key, lost_at) VALUES ($1, $2) ON CONFLICT (rail_key) DO NOTHING";
    let added = on_engine!(tx, |db| {
        sqlx::query(NOTE)
            .bind(key)
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(|done| done.rows_affected())
            .map_err(DbError::from)
    })?;
    Ok(added == 1)
}

#[cfg(test)]
pub(super) async fn run_raw(tx: &mut Tx, statement: &'static str) -> DbResult<()> {
    on_engine!(tx, |db| sqlx::query(statement).execute(db).await.map(drop).map_err(DbError::from))
}

#[cfg(test)]
pub(super) async fn moves(tx: &mut Tx) -> DbResult<Vec<(String, String)>> {
    const MOVES: &str = "SELECT from_state, to_state FROM payment_move";
    on_engine!(tx, |db| sqlx::query_as(MOVES).fetch_all(db).await.map_err(DbError::from))
}
