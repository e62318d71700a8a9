//! What people of support do: give a code to read out, look at what a person let them see, ask for something, and decide
//! what another one asked for. The page and the command line both call this. Each look and each decision is an entry of
//! the person's own log, in the same transaction.

use api::error::ErrorCode;
use domain::ids::{DeviceId, HolderId, PaymentId, SupportCaseId, SupportCheckId, SupportRequestId};
use domain::recovery::RecoveryState;
use domain::security::{Happened, SecurityEventKind};
use domain::standing::{RestraintLevel, RestraintReason, Standing};
use domain::support::{
    CODE_DIGITS, CODE_LIFE, HOLD_LONGER, REQUEST_LIFE, SupportCaseKind, SupportOperation, SupportScope, band, is_good,
    masked,
};
use jiff::Timestamp;

use super::store::{self, Agent, Case, Request};
use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::feed;
use crate::security;
use crate::sign_in::{hash, sign_device_out};
use crate::{billers, devices, payments, recovery, risk, sign_in, standing};

/// Lines of a log or list that a look shows.
const SHOWN: usize = 20;
/// A code that is in use already is made anew so often.
const CODE_TRIES: usize = 8;

/// One part of what is seen: its heading, and lines of a name and a value.
pub struct Seen {
    pub heading: &'static str,
    pub lines: Vec<(String, String)>,
}

/// An open case, as a list shows it.
pub struct CaseLine {
    pub number: i64,
    pub kind: SupportCaseKind,
    pub opened_at: Timestamp,
}

/// A request that waits for a second one.
pub struct Waiting {
    pub id: SupportRequestId,
    pub case: i64,
    pub operation: SupportOperation,
    pub asked_by: String,
    pub asked_at: Timestamp,
}

// ---- proving oneself ---------------------------------------------------------------------------------------------

/// A code for the agent to read out. It belongs to no account until a person types it.
pub async fn give_code(app: &App, agent: &Agent, scope: SupportScope) -> Result<String, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    let old = now.saturating_sub(CODE_LIFE).unwrap_or(now);
    store::forget_checks(&mut tx, old).await?;
    for _ in 0..CODE_TRIES {
        let code = new_code(app);
        if store::check_by_code(&mut tx, &hash(&code)).await?.is_none() {
            let id = SupportCheckId::new(now, app.chance10());
            store::put_check(&mut tx, id, &hash(&code), agent.id, scope, now).await?;
            tx.commit().await?;
            return Ok(code);
        }
    }
    Err(ApiError::new(ErrorCode::Unavailable, "no code is free just now"))
}

fn new_code(app: &App) -> String {
    let most = 10_u64.pow(u32::try_from(CODE_DIGITS).unwrap_or(0));
    // The bias of so large a number is less than one in a hundred thousand million.
    let number = u64::from_be_bytes(app.random()) % most;
    format!("{number:0width$}", width = CODE_DIGITS)
}

// ---- looking -----------------------------------------------------------------------------------------------------

pub async fn open_cases(app: &App) -> Result<Vec<CaseLine>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let cases = store::open_cases(&mut tx).await?;
    let line = |case: Case| CaseLine { number: case.number, kind: case.kind, opened_at: case.opened_at };
    Ok(cases.into_iter().map(line).collect())
}

pub async fn waiting(app: &App) -> Result<Vec<Waiting>, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_read().await?;
    let requests = store::waiting_requests(&mut tx, now.saturating_sub(REQUEST_LIFE).unwrap_or(now)).await?;
    let line = |(case, request): (i64, Request)| Waiting {
        id: request.id,
        case,
        operation: request.operation,
        asked_by: request.asked_by.name,
        asked_at: request.asked_at,
    };
    Ok(requests.into_iter().map(line).collect())
}

/// What the agent may see of a case just now, without looking.
pub async fn scopes(app: &App, agent: &Agent, number: i64) -> Result<Vec<SupportScope>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let case = open(&mut tx, number).await?;
    let mut scopes = Vec::new();
    for scope in SupportScope::ALL {
        if store::may_see(&mut tx, &case, agent.id, scope, app.clock.now()).await? {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// Looks, and writes it into the person's log.
pub async fn look(app: &App, agent: &Agent, number: i64, scope: SupportScope) -> Result<Vec<Seen>, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    let case = open(&mut tx, number).await?;
    tx.lock(case.holder).await?;
    if !store::may_see(&mut tx, &case, agent.id, scope, now).await? {
        return Err(ApiError::new(ErrorCode::Forbidden, "the person does not let you see that now: give them a code"));
    }
    let said = format!("{}/{}", agent.name, scope.as_str());
    write_down(&mut tx, case.holder, SecurityEventKind::SupportLooked, now, said).await?;
    let seen = match scope {
        SupportScope::Account => see_account(&mut tx, case.holder, now).await?,
        SupportScope::Security => see_security(&mut tx, case.holder, now).await?,
        SupportScope::Payments => see_payments(&mut tx, case.holder).await?,
    };
    tx.commit().await?;
    Ok(seen)
}

async fn open(tx: &mut Tx, number: i64) -> Result<Case, ApiError> {
    let case = store::case_numbered(tx, number).await?.filter(|case| case.closed_at.is_none());
    case.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "there is no open case of that number"))
}

pub(super) async fn write_down(
    tx: &mut Tx,
    holder: HolderId,
    kind: SecurityEventKind,
    now: Timestamp,
    said: String,
) -> DbResult<()> {
    security::record(tx, holder, Happened { at: now, kind, by: None, device: None, name: Some(said), about: None })
        .await
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

async fn see_account(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<Vec<Seen>> {
    let name = sign_in::holder_name(tx, holder).await?.unwrap_or_default();
    let line = |name: &str, value: String| (name.to_owned(), value);
    let lines = vec![
        line("Name", masked(&name)),
        line("Standing", standing_words(tx.ask(standing::of(holder, now)).await?)),
        line("Devices", devices::signed_in(tx, holder, now).await?.len().to_string()),
        line("Passkeys", sign_in::passkeys_of(tx, holder).await?.len().to_string()),
    ];
    Ok(vec![Seen { heading: "Account", lines }])
}

fn standing_words(standing: Standing) -> String {
    match standing.restraint {
        None => "good".to_owned(),
        Some(restraint) => {
            let until = restraint.until.map_or_else(|| "until it is lifted".to_owned(), |at| format!("until {at}"));
            format!("{} because of {}, {until}", restraint.level.as_str(), restraint.reason.as_str())
        }
    }
}

async fn see_security(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<Vec<Seen>> {
    let devices = devices::signed_in(tx, holder, now).await?;
    let device = |device: api::devices::Device| {
        (masked(&device.name), format!("since {}, last seen {}", day(device.added_at), day(device.last_seen_at)))
    };
    let passkeys = sign_in::passkeys_of(tx, holder).await?;
    let passkey = |passkey: api::security::Passkey| {
        let used = passkey.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("used {}", day(at)));
        (masked(&passkey.name), format!("made {}, {used}", day(passkey.created_at)))
    };
    let log = security::newest(tx, holder, SHOWN).await?;
    let unusual = risk::newest(tx, holder, SHOWN).await?;
    Ok(vec![
        Seen { heading: "Devices", lines: devices.into_iter().map(device).collect() },
        Seen { heading: "Passkeys", lines: passkeys.into_iter().map(passkey).collect() },
        Seen {
            heading: "Security log",
            lines: log.iter().map(|event| (event.at.to_string(), event.kind.as_str().replace('_', " "))).collect(),
        },
        Seen { heading: "Unusual", lines: unusual },
    ])
}

async fn see_payments(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Seen>> {
    let mut all: Vec<api::payments::Payment> = feed::all(tx, holder, feed::Kind::Payment).await?;
    all.sort_by_key(|payment| std::cmp::Reverse(payment.order.id));
    let line = |payment: api::payments::Payment| {
        let payee =
            billers::find(payment.order.biller).map_or_else(|| "own card".to_owned(), |biller| masked(&biller.name));
        let (from, to) = band(payment.order.amount.minor());
        let currency = payment.order.amount.currency();
        let state = serde_json::to_value(payment.state).ok();
        let state = state.as_ref().and_then(|state| state.as_str()).unwrap_or_default().replace('_', " ");
        let id = payment.order.id;
        (format!("{payee}, {id}"), format!("{state}, {from} to {to} minor units of {currency}"))
    };
    Ok(vec![Seen { heading: "Payments", lines: all.into_iter().take(SHOWN).map(line).collect() }])
}

// ---- asking and deciding -----------------------------------------------------------------------------------------

/// Asks for something that a second one decides. What gives power back is asked for while the person is on the line.
pub async fn ask(
    app: &App,
    agent: &Agent,
    number: i64,
    operation: SupportOperation,
    payment: Option<PaymentId>,
) -> Result<SupportRequestId, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    let case = open(&mut tx, number).await?;
    tx.lock(case.holder).await?;
    if operation.needs_the_person() && !sees_anything(&mut tx, &case, agent, now).await? {
        return Err(ApiError::new(ErrorCode::Forbidden, "this needs the person on the line: give them a code"));
    }
    if (operation == SupportOperation::CancelPayment) != payment.is_some() {
        return Err(ApiError::invalid(
            ErrorCode::InvalidRequest,
            "payment",
            "a payment is named to be cancelled alone",
        ));
    }
    let id = SupportRequestId::new(now, app.chance10());
    let subject = payment.map(|payment| payment.as_uuid());
    store::add_request(&mut tx, &case, id, operation, subject, agent.id, now).await?;
    let said = format!("{}/{}", agent.name, operation.as_str());
    write_down(&mut tx, case.holder, SecurityEventKind::SupportAsked, now, said).await?;
    tx.commit().await?;
    Ok(id)
}

async fn sees_anything(tx: &mut Tx, case: &Case, agent: &Agent, now: Timestamp) -> DbResult<bool> {
    for scope in SupportScope::ALL {
        if store::may_see(tx, case, agent.id, scope, now).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Decides what another one asked for. A yes is done in the same transaction, or not at all.
pub async fn decide(app: &App, agent: &Agent, id: SupportRequestId, granted: bool) -> Result<(), ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    let gone = || ApiError::new(ErrorCode::NotFound, "there is no such request, or its time is over");
    let request = store::request(&mut tx, id).await?.ok_or_else(gone)?;
    tx.lock(request.holder).await?;
    let open = store::cases_of(&mut tx, request.holder).await?;
    let case = open.into_iter().find(|case| case.id == request.case && case.closed_at.is_none()).ok_or_else(gone)?;
    if request.decided_at.is_some() || !is_good(request.asked_at, REQUEST_LIFE, now) {
        return Err(gone());
    }
    if request.asked_by.id == agent.id {
        return Err(ApiError::new(ErrorCode::Forbidden, "somebody else decides what you asked for"));
    }
    if !store::decide(&mut tx, &request, agent.id, granted, now).await? {
        return Err(gone());
    }
    let kind = if granted { SecurityEventKind::SupportDid } else { SecurityEventKind::SupportRefused };
    let said = format!("{}/{}/{}", request.asked_by.name, agent.name, request.operation.as_str());
    write_down(&mut tx, request.holder, kind, now, said).await?;
    if granted {
        perform(app, &mut tx, &case, &request, now).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

async fn perform(app: &App, tx: &mut Tx, case: &Case, request: &Request, now: Timestamp) -> Result<(), ApiError> {
    use SupportOperation as Op;
    let holder = case.holder;
    let nothing = || ApiError::new(ErrorCode::NotFound, "there is nothing of that kind to lift");
    let lift = async |tx: &mut Tx, reason| {
        if standing::release(app, tx, holder, reason, None).await? { Ok(()) } else { Err(nothing()) }
    };
    match request.operation {
        Op::ReleaseRiskLock => lift(tx, RestraintReason::Risk).await,
        Op::ReleaseOwnLock => lift(tx, RestraintReason::OwnWish).await,
        Op::ReleaseRecovery => lift(tx, RestraintReason::Recovery).await,
        Op::LiftSuspension | Op::LiftRestriction => {
            let level = if request.operation == Op::LiftSuspension {
                RestraintLevel::Suspended
            } else {
                RestraintLevel::Restricted
            };
            let restraint = tx.ask(standing::of(holder, now)).await?.restraint;
            if restraint
                .is_some_and(|restraint| restraint.reason == RestraintReason::Review && restraint.level != level)
            {
                return Err(nothing());
            }
            lift(tx, RestraintReason::Review).await
        }
        Op::ConfirmUnusual => {
            if risk::confirm_all(tx, holder).await? == 0 {
                return Err(nothing());
            }
            Ok(())
        }
        Op::Suspend => review(app, tx, holder, RestraintLevel::Suspended).await,
        Op::Restrict => review(app, tx, holder, RestraintLevel::Restricted).await,
        Op::LengthenHold => lengthen(app, tx, holder, now).await,
        Op::SignOutDevices => {
            for device in devices::signed_in(tx, holder, app.clock.now()).await? {
                sign_device_out(tx, holder, device.id, now, None::<DeviceId>).await?;
            }
            Ok(())
        }
        Op::CancelPayment => {
            let payment = request.subject.map(PaymentId::from_uuid).ok_or_else(nothing)?;
            payments::cancel_for(app, tx, holder, payment).await.map(drop)
        }
        Op::StartRecovery => match recovery::begin_for_support(app, tx, holder).await? {
            RecoveryState::Waiting { .. } => Ok(()),
            _ => Err(ApiError::new(
                ErrorCode::NotFound,
                "none can begin now: one ended or was stopped a short while ago",
            )),
        },
        Op::CloseCase => Ok(store::close_case(tx, case, now).await?),
    }
}

async fn review(app: &App, tx: &mut Tx, holder: HolderId, level: RestraintLevel) -> Result<(), ApiError> {
    Ok(standing::restrain(app, tx, holder, level, RestraintReason::Review, None, None).await?)
}

/// A restraint of the risk rules that ends by itself ends later; one that does not is long enough.
async fn lengthen(app: &App, tx: &mut Tx, holder: HolderId, now: Timestamp) -> Result<(), ApiError> {
    let restraint = tx.ask(standing::of(holder, now)).await?.restraint;
    let restraint = restraint.filter(|restraint| restraint.reason == RestraintReason::Risk);
    let wrong = || ApiError::new(ErrorCode::NotFound, "no hold of the risk rules is there to lengthen");
    let restraint = restraint.ok_or_else(wrong)?;
    let until = restraint.until.map(|until| until.max(now) + HOLD_LONGER);
    Ok(standing::restrain(app, tx, holder, restraint.level, restraint.reason, until, None).await?)
}

// ---- cases -------------------------------------------------------------------------------------------------------

/// The case under which a person is helped: their open one, or a new one.
pub(super) async fn case_for(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    kind: SupportCaseKind,
    now: Timestamp,
) -> DbResult<Case> {
    match store::open_case(tx, holder).await? {
        Some(case) => Ok(case),
        None => store::add_case(tx, holder, SupportCaseId::new(now, app.chance10()), kind, now).await,
    }
}
