//! Rows of support: agents and how they sign in, checks, cases, views and requests.

use api::support::{SupportCase, SupportRequest, SupportView};
use domain::ids::{HolderId, SupportAgentId, SupportCaseId, SupportCheckId, SupportRequestId, SupportViewId};
use domain::support::{SupportCaseKind, SupportOperation, SupportScope};
use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Turn, Tx, one, row, rows, run};

/// Cases and requests that are shown at once.
const SHOWN_MAX: i64 = 100;

fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"))
}

fn named<T: serde::de::DeserializeOwned>(name: String, what: &'static str) -> DbResult<T> {
    serde_json::from_value(serde_json::Value::String(name)).map_err(|_| DbError::Corrupt(what))
}

// ---- agents ------------------------------------------------------------------------------------------------------

/// Somebody who helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub id: SupportAgentId,
    pub name: String,
}

impl Agent {
    fn read((id, name): (Uuid, String)) -> Self {
        Self { id: SupportAgentId::from_uuid(id), name }
    }
}

pub(super) async fn add_agent(
    tx: &mut Tx,
    agent: &Agent,
    handle: &[u8; 16],
    code_hash: &[u8; 32],
    now: Timestamp,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO support_agent (agent_id, name, user_handle, code_hash, added_at)
                       VALUES ($1, $2, $3, $4, $5)";
    let id = agent.id.as_uuid();
    run!(tx, ADD, id, &agent.name, handle.as_slice(), code_hash.as_slice(), now.as_microsecond()).map(drop)
}

/// An agent that goes: nothing of theirs works any more, and what they did stays written. False when there is none.
pub(super) async fn remove_agent(tx: &mut Tx, name: &str, now: Timestamp) -> DbResult<bool> {
    const REMOVE: &str = "UPDATE support_agent SET removed_at = $2 WHERE name = $1 AND removed_at IS NULL";
    const SESSIONS: &str = "DELETE FROM support_session WHERE agent_id IN
                            (SELECT agent_id FROM support_agent WHERE removed_at IS NOT NULL)";
    let removed = run!(tx, REMOVE, name, now.as_microsecond())? == 1;
    run!(tx, SESSIONS)?;
    Ok(removed)
}

pub(super) async fn agents(tx: &mut Tx) -> DbResult<Vec<Agent>> {
    const LIST: &str = "SELECT agent_id, name FROM support_agent WHERE removed_at IS NULL ORDER BY name";
    let rows: Vec<(Uuid, String)> = rows!(tx, LIST)?;
    Ok(rows.into_iter().map(Agent::read).collect())
}

pub(super) async fn agent_by_code(tx: &mut Tx, code_hash: &[u8; 32]) -> DbResult<Option<Agent>> {
    const FIND: &str = "SELECT agent_id, name FROM support_agent WHERE code_hash = $1 AND removed_at IS NULL";
    let row: Option<(Uuid, String)> = row!(tx, FIND, code_hash.as_slice())?;
    Ok(row.map(Agent::read))
}

/// An agent, and the handle that their passkeys carry.
pub(super) async fn agent_with_handle(tx: &mut Tx, agent: SupportAgentId) -> DbResult<Option<(Agent, Vec<u8>)>> {
    const FIND: &str =
        "SELECT agent_id, name, user_handle FROM support_agent WHERE agent_id = $1 AND removed_at IS NULL";
    let row: Option<(Uuid, String, Vec<u8>)> = row!(tx, FIND, agent.as_uuid())?;
    Ok(row.map(|(id, name, handle)| (Agent::read((id, name)), handle)))
}

pub(super) async fn invite(
    tx: &mut Tx,
    agent: SupportAgentId,
    secret_hash: &[u8; 32],
    ends_at: Timestamp,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO support_invitation (secret_hash, agent_id, expires_at) VALUES ($1, $2, $3)";
    run!(tx, PUT, secret_hash.as_slice(), agent.as_uuid(), ends_at.as_microsecond()).map(drop)
}

/// Whom an invitation is for, while it is good.
pub(super) async fn invited(tx: &mut Tx, hash: &[u8; 32], now: Timestamp) -> DbResult<Option<SupportAgentId>> {
    const FIND: &str = "SELECT agent_id FROM support_invitation WHERE secret_hash = $1 AND expires_at > $2";
    let agent: Option<Uuid> = one!(tx, FIND, hash.as_slice(), now.as_microsecond())?;
    Ok(agent.map(SupportAgentId::from_uuid))
}

/// Uses an invitation up; false when somebody did.
pub(super) async fn use_invitation(tx: &mut Tx, hash: &[u8; 32]) -> DbResult<bool> {
    Ok(run!(tx, "DELETE FROM support_invitation WHERE secret_hash = $1", hash.as_slice())? == 1)
}

pub(super) async fn add_passkey(
    tx: &mut Tx,
    agent: SupportAgentId,
    credential: &[u8],
    body: &str,
    now: Timestamp,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO support_passkey (credential_id, agent_id, body, made_at) VALUES ($1, $2, $3, $4)";
    run!(tx, ADD, credential, agent.as_uuid(), body, now.as_microsecond()).map(drop)
}

/// The agent whose passkey this is, with the passkey and the handle that it must carry.
pub(super) struct KeptPasskey {
    pub agent: Agent,
    pub user_handle: Vec<u8>,
    pub body: String,
}

pub(super) async fn passkey(tx: &mut Tx, credential: &[u8]) -> DbResult<Option<KeptPasskey>> {
    const FIND: &str = "SELECT a.agent_id, a.name, a.user_handle, p.body FROM support_passkey p
                          JOIN support_agent a ON a.agent_id = p.agent_id
                         WHERE p.credential_id = $1 AND a.removed_at IS NULL";
    let row: Option<(Uuid, String, Vec<u8>, String)> = row!(tx, FIND, credential)?;
    Ok(row.map(|(id, name, user_handle, body)| KeptPasskey { agent: Agent::read((id, name)), user_handle, body }))
}

pub(super) async fn update_passkey(tx: &mut Tx, credential: &[u8], body: &str) -> DbResult<()> {
    run!(tx, "UPDATE support_passkey SET body = $2 WHERE credential_id = $1", credential, body).map(drop)
}

pub(super) async fn put_ceremony(
    tx: &mut Tx,
    hash: &[u8; 32],
    agent: Option<SupportAgentId>,
    state: &str,
    ends_at: Timestamp,
) -> DbResult<()> {
    const PUT: &str =
        "INSERT INTO support_ceremony (ceremony_hash, agent_id, state, expires_at) VALUES ($1, $2, $3, $4)";
    let agent = agent.map(|agent| agent.as_uuid());
    run!(tx, PUT, hash.as_slice(), agent, state, ends_at.as_microsecond()).map(drop)
}

/// Takes a challenge: whatever comes of it, it is gone.
pub(super) async fn take_ceremony(
    tx: &mut Tx,
    hash: &[u8; 32],
    agent: Option<SupportAgentId>,
    now: Timestamp,
) -> DbResult<Option<String>> {
    const TAKE: &str = "DELETE FROM support_ceremony WHERE ceremony_hash = $1 RETURNING agent_id, state, expires_at";
    let row: Option<(Option<Uuid>, String, i64)> = row!(tx, TAKE, hash.as_slice())?;
    let fits = |(of, _, ends_at): &(Option<Uuid>, String, i64)| {
        *of == agent.map(|agent| agent.as_uuid()) && *ends_at > now.as_microsecond()
    };
    Ok(row.filter(fits).map(|(_, state, _)| state))
}

pub(super) async fn begin_session(tx: &mut Tx, hash: &[u8; 32], agent: SupportAgentId, now: Timestamp) -> DbResult<()> {
    const BEGIN: &str =
        "INSERT INTO support_session (session_hash, agent_id, began_at, last_at) VALUES ($1, $2, $3, $3)";
    run!(tx, BEGIN, hash.as_slice(), agent.as_uuid(), now.as_microsecond()).map(drop)
}

/// Whose session this is, when it began and when it was used last.
pub(super) async fn session(tx: &mut Tx, hash: &[u8; 32]) -> DbResult<Option<(Agent, Timestamp, Timestamp)>> {
    const FIND: &str = "SELECT a.agent_id, a.name, s.began_at, s.last_at FROM support_session s
                          JOIN support_agent a ON a.agent_id = s.agent_id
                         WHERE s.session_hash = $1 AND a.removed_at IS NULL";
    let row: Option<(Uuid, String, i64, i64)> = row!(tx, FIND, hash.as_slice())?;
    row.map(|(id, name, began, last)| Ok((Agent::read((id, name)), time(began)?, time(last)?))).transpose()
}

pub(super) async fn use_session(tx: &mut Tx, hash: &[u8; 32], now: Timestamp) -> DbResult<()> {
    const SET: &str = "UPDATE support_session SET last_at = $2 WHERE session_hash = $1";
    run!(tx, SET, hash.as_slice(), now.as_microsecond()).map(drop)
}

pub(super) async fn end_session(tx: &mut Tx, hash: &[u8; 32]) -> DbResult<()> {
    run!(tx, "DELETE FROM support_session WHERE session_hash = $1", hash.as_slice()).map(drop)
}

// ---- checks ------------------------------------------------------------------------------------------------------

pub(super) struct Check {
    pub id: SupportCheckId,
    pub agent: Agent,
    pub scope: SupportScope,
    pub made_at: Timestamp,
    pub holder: Option<HolderId>,
    pub answered: bool,
}

#[derive(FromRow)]
struct CheckRow {
    check_id: Uuid,
    agent_id: Uuid,
    name: String,
    scope: String,
    made_at: i64,
    holder_id: Option<Uuid>,
    answered: i64,
}

impl CheckRow {
    fn read(self) -> DbResult<Check> {
        Ok(Check {
            id: SupportCheckId::from_uuid(self.check_id),
            agent: Agent::read((self.agent_id, self.name)),
            scope: named(self.scope, "a scope")?,
            made_at: time(self.made_at)?,
            holder: self.holder_id.map(HolderId::from_uuid),
            answered: self.answered != 0,
        })
    }
}

pub(super) async fn put_check(
    tx: &mut Tx,
    id: SupportCheckId,
    code_hash: &[u8; 32],
    agent: SupportAgentId,
    scope: SupportScope,
    now: Timestamp,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO support_check (check_id, code_hash, agent_id, scope, made_at)
                       VALUES ($1, $2, $3, $4, $5)";
    run!(tx, PUT, id.as_uuid(), code_hash.as_slice(), agent.as_uuid(), scope.as_str(), now.as_microsecond()).map(drop)
}

/// Removes checks whose time is over, so that their codes are free again.
pub(super) async fn forget_checks(tx: &mut Tx, before: Timestamp) -> DbResult<()> {
    run!(tx, "DELETE FROM support_check WHERE made_at <= $1", before.as_microsecond()).map(drop)
}

pub(super) async fn check_by_code(tx: &mut Tx, code_hash: &[u8; 32]) -> DbResult<Option<Check>> {
    const FIND: &str = "SELECT c.check_id, c.agent_id, a.name, c.scope, c.made_at, c.holder_id, c.answered
                          FROM support_check c JOIN support_agent a ON a.agent_id = c.agent_id
                         WHERE c.code_hash = $1 AND a.removed_at IS NULL";
    let row: Option<CheckRow> = row!(tx, FIND, code_hash.as_slice())?;
    row.map(CheckRow::read).transpose()
}

pub(super) async fn check(tx: &mut Tx, id: SupportCheckId) -> DbResult<Option<Check>> {
    const FIND: &str = "SELECT c.check_id, c.agent_id, a.name, c.scope, c.made_at, c.holder_id, c.answered
                          FROM support_check c JOIN support_agent a ON a.agent_id = c.agent_id
                         WHERE c.check_id = $1 AND a.removed_at IS NULL";
    let row: Option<CheckRow> = row!(tx, FIND, id.as_uuid())?;
    row.map(CheckRow::read).transpose()
}

/// The account in which the code was typed; false when another one was first.
pub(super) async fn bind_check(tx: &mut Tx, id: SupportCheckId, holder: HolderId) -> DbResult<bool> {
    const BIND: &str = "UPDATE support_check SET holder_id = $2
                         WHERE check_id = $1 AND (holder_id IS NULL OR holder_id = $2)";
    Ok(run!(tx, BIND, id.as_uuid(), holder.as_uuid())? == 1)
}

/// Takes the answer, once.
pub(super) async fn answer_check(tx: &mut Tx, id: SupportCheckId) -> DbResult<bool> {
    const ANSWER: &str = "UPDATE support_check SET answered = 1 WHERE check_id = $1 AND answered = 0";
    Ok(run!(tx, ANSWER, id.as_uuid())? == 1)
}

/// Counts a try of this hour, and says how many there were.
pub(super) async fn count_try(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<u32> {
    const COUNT: &str = "INSERT INTO support_try (holder_id, since, times) VALUES ($1, $2, 1)
        ON CONFLICT (holder_id, since) DO UPDATE SET times = support_try.times + 1 RETURNING times";
    const HOUR: i64 = 3_600_000_000;
    let micros = now.as_microsecond();
    let times: Option<i64> = one!(tx, COUNT, holder.as_uuid(), micros - micros.rem_euclid(HOUR))?;
    Ok(times.and_then(|times| u32::try_from(times).ok()).unwrap_or(u32::MAX))
}

// ---- cases, views and requests -----------------------------------------------------------------------------------

/// A case as support sees it.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub holder: HolderId,
    pub id: SupportCaseId,
    pub number: i64,
    pub kind: SupportCaseKind,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
}

#[derive(FromRow)]
struct CaseRow {
    holder_id: Uuid,
    case_id: Uuid,
    number: i64,
    kind: String,
    opened_at: i64,
    closed_at: Option<i64>,
}

impl CaseRow {
    fn read(self) -> DbResult<Case> {
        Ok(Case {
            holder: HolderId::from_uuid(self.holder_id),
            id: SupportCaseId::from_uuid(self.case_id),
            number: self.number,
            kind: named(self.kind, "a kind of case")?,
            opened_at: time(self.opened_at)?,
            closed_at: self.closed_at.map(time).transpose()?,
        })
    }
}

impl Case {
    pub fn shown(self, requests: Vec<SupportRequest>) -> SupportCase {
        let Self { number, kind, opened_at, closed_at, .. } = self;
        SupportCase { number, kind, opened_at, closed_at, requests }
    }
}

/// The holder's open case, newest first.
pub(super) async fn open_case(tx: &mut Tx, holder: HolderId) -> DbResult<Option<Case>> {
    const FIND: &str = "SELECT * FROM support_case WHERE holder_id = $1 AND closed_at IS NULL
                         ORDER BY number DESC LIMIT 1";
    let row: Option<CaseRow> = row!(tx, FIND, holder.as_uuid())?;
    row.map(CaseRow::read).transpose()
}

/// Opens a case under the next number. Two at once wait for each other; all holders they lock are locked before.
pub(super) async fn add_case(
    tx: &mut Tx,
    holder: HolderId,
    id: SupportCaseId,
    kind: SupportCaseKind,
    now: Timestamp,
) -> DbResult<Case> {
    const ADD: &str = "INSERT INTO support_case (holder_id, case_id, number, kind, opened_at)
        SELECT $1, $2, COALESCE(MAX(number), 1000) + 1, $3, $4 FROM support_case RETURNING *";
    tx.take_turn(Turn::CaseNumber).await?;
    let row: Option<CaseRow> = row!(tx, ADD, holder.as_uuid(), id.as_uuid(), kind.as_str(), now.as_microsecond())?;
    row.ok_or(DbError::Conflict)?.read()
}

pub(super) async fn case_numbered(tx: &mut Tx, number: i64) -> DbResult<Option<Case>> {
    let row: Option<CaseRow> = row!(tx, "SELECT * FROM support_case WHERE number = $1", number)?;
    row.map(CaseRow::read).transpose()
}

pub(super) async fn cases_of(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Case>> {
    const LIST: &str = "SELECT * FROM support_case WHERE holder_id = $1 ORDER BY number DESC LIMIT $2";
    let rows: Vec<CaseRow> = rows!(tx, LIST, holder.as_uuid(), SHOWN_MAX)?;
    rows.into_iter().map(CaseRow::read).collect()
}

/// Cases that are open, oldest first.
pub(super) async fn open_cases(tx: &mut Tx) -> DbResult<Vec<Case>> {
    const LIST: &str = "SELECT * FROM support_case WHERE closed_at IS NULL ORDER BY number LIMIT $1";
    let rows: Vec<CaseRow> = rows!(tx, LIST, SHOWN_MAX)?;
    rows.into_iter().map(CaseRow::read).collect()
}

pub(super) async fn close_case(tx: &mut Tx, case: &Case, now: Timestamp) -> DbResult<()> {
    const CLOSE: &str = "UPDATE support_case SET closed_at = $3 WHERE holder_id = $1 AND case_id = $2";
    const VIEWS: &str = "UPDATE support_view SET ends_at = $3 WHERE holder_id = $1 AND case_id = $2 AND ends_at > $3";
    let (holder, id, now) = (case.holder.as_uuid(), case.id.as_uuid(), now.as_microsecond());
    run!(tx, CLOSE, holder, id, now)?;
    run!(tx, VIEWS, holder, id, now).map(drop)
}

pub(super) async fn add_view(
    tx: &mut Tx,
    case: &Case,
    id: SupportViewId,
    agent: SupportAgentId,
    scope: SupportScope,
    now: Timestamp,
    ends_at: Timestamp,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO support_view (holder_id, view_id, case_id, agent_id, scope, began_at, ends_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    run!(
        tx,
        ADD,
        case.holder.as_uuid(),
        id.as_uuid(),
        case.id.as_uuid(),
        agent.as_uuid(),
        scope.as_str(),
        now.as_microsecond(),
        ends_at.as_microsecond(),
    )
    .map(drop)
}

/// Whether this agent may see that much of the case now.
pub(super) async fn may_see(
    tx: &mut Tx,
    case: &Case,
    agent: SupportAgentId,
    scope: SupportScope,
    now: Timestamp,
) -> DbResult<bool> {
    const COUNT: &str = "SELECT COUNT(*) FROM support_view WHERE holder_id = $1 AND case_id = $2 AND agent_id = $3
                          AND scope = $4 AND ends_at > $5";
    let count: Option<i64> = one!(
        tx,
        COUNT,
        case.holder.as_uuid(),
        case.id.as_uuid(),
        agent.as_uuid(),
        scope.as_str(),
        now.as_microsecond(),
    )?;
    Ok(count.is_some_and(|count| count > 0))
}

/// What the holder lets people see just now.
pub(super) async fn views_of(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<Vec<SupportView>> {
    const LIST: &str = "SELECT v.view_id, a.name, v.scope, v.began_at, v.ends_at FROM support_view v
                          JOIN support_agent a ON a.agent_id = v.agent_id
                         WHERE v.holder_id = $1 AND v.ends_at > $2 ORDER BY v.began_at";
    let rows: Vec<(Uuid, String, String, i64, i64)> = rows!(tx, LIST, holder.as_uuid(), now.as_microsecond())?;
    let read = |(id, agent, scope, began_at, ends_at): (Uuid, String, String, i64, i64)| {
        Ok(SupportView {
            id: SupportViewId::from_uuid(id),
            agent,
            scope: named(scope, "a scope")?,
            began_at: time(began_at)?,
            ends_at: time(ends_at)?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Closes a view early; who had it, when there was one.
pub(super) async fn end_view(
    tx: &mut Tx,
    holder: HolderId,
    id: SupportViewId,
    now: Timestamp,
) -> DbResult<Option<(String, SupportScope)>> {
    const END: &str = "UPDATE support_view SET ends_at = $3 WHERE holder_id = $1 AND view_id = $2 AND ends_at > $3
        RETURNING (SELECT a.name FROM support_agent a WHERE a.agent_id = support_view.agent_id), scope";
    let row: Option<(String, String)> = row!(tx, END, holder.as_uuid(), id.as_uuid(), now.as_microsecond())?;
    row.map(|(agent, scope)| Ok((agent, named(scope, "a scope")?))).transpose()
}

/// A request with what deciding it needs.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub holder: HolderId,
    pub id: SupportRequestId,
    pub case: SupportCaseId,
    pub operation: SupportOperation,
    pub subject: Option<Uuid>,
    pub asked_by: Agent,
    pub asked_at: Timestamp,
    pub decided_by: Option<String>,
    pub decided_at: Option<Timestamp>,
    pub granted: Option<bool>,
}

#[derive(FromRow)]
struct RequestRow {
    holder_id: Uuid,
    request_id: Uuid,
    case_id: Uuid,
    operation: String,
    subject_id: Option<Uuid>,
    asked_by: Uuid,
    asker: String,
    asked_at: i64,
    decider: Option<String>,
    decided_at: Option<i64>,
    granted: Option<i64>,
}

impl RequestRow {
    fn read(self) -> DbResult<Request> {
        Ok(Request {
            holder: HolderId::from_uuid(self.holder_id),
            id: SupportRequestId::from_uuid(self.request_id),
            case: SupportCaseId::from_uuid(self.case_id),
            operation: named(self.operation, "an operation")?,
            subject: self.subject_id,
            asked_by: Agent::read((self.asked_by, self.asker)),
            asked_at: time(self.asked_at)?,
            decided_by: self.decider,
            decided_at: self.decided_at.map(time).transpose()?,
            granted: self.granted.map(|granted| granted != 0),
        })
    }
}

impl Request {
    pub fn shown(self) -> SupportRequest {
        SupportRequest {
            id: self.id,
            operation: self.operation,
            asked_by: self.asked_by.name,
            asked_at: self.asked_at,
            decided_by: self.decided_by,
            decided_at: self.decided_at,
            granted: self.granted,
        }
    }
}

pub(super) async fn add_request(
    tx: &mut Tx,
    case: &Case,
    id: SupportRequestId,
    operation: SupportOperation,
    subject: Option<Uuid>,
    agent: SupportAgentId,
    now: Timestamp,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO support_request
            (holder_id, request_id, case_id, operation, subject_id, asked_by, asked_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    run!(
        tx,
        ADD,
        case.holder.as_uuid(),
        id.as_uuid(),
        case.id.as_uuid(),
        operation.as_str(),
        subject,
        agent.as_uuid(),
        now.as_microsecond(),
    )
    .map(drop)
}

const REQUESTS_OF_CASE: &str = "SELECT r.holder_id, r.request_id, r.case_id, r.operation, r.subject_id, r.asked_by,
        a.name AS asker, r.asked_at, d.name AS decider, r.decided_at, r.granted
    FROM support_request r JOIN support_agent a ON a.agent_id = r.asked_by
         LEFT JOIN support_agent d ON d.agent_id = r.decided_by
    WHERE r.holder_id = $1 AND r.case_id = $2 ORDER BY r.asked_at DESC, r.request_id LIMIT $3";

pub(super) async fn requests_of(tx: &mut Tx, case: &Case) -> DbResult<Vec<Request>> {
    let rows: Vec<RequestRow> = rows!(tx, REQUESTS_OF_CASE, case.holder.as_uuid(), case.id.as_uuid(), SHOWN_MAX)?;
    rows.into_iter().map(RequestRow::read).collect()
}

/// A request of somebody who is still of support.
pub(super) async fn request(tx: &mut Tx, id: SupportRequestId) -> DbResult<Option<Request>> {
    const FIND: &str = "SELECT r.holder_id, r.request_id, r.case_id, r.operation, r.subject_id, r.asked_by,
            a.name AS asker, r.asked_at, d.name AS decider, r.decided_at, r.granted
        FROM support_request r JOIN support_agent a ON a.agent_id = r.asked_by
             LEFT JOIN support_agent d ON d.agent_id = r.decided_by
        WHERE r.request_id = $1 AND a.removed_at IS NULL";
    let row: Option<RequestRow> = row!(tx, FIND, id.as_uuid())?;
    row.map(RequestRow::read).transpose()
}

/// Requests that wait for a second one, oldest first.
pub(super) async fn waiting_requests(tx: &mut Tx, since: Timestamp) -> DbResult<Vec<(i64, Request)>> {
    const LIST: &str = "SELECT r.holder_id, r.request_id, r.case_id, r.operation, r.subject_id, r.asked_by,
            a.name AS asker, r.asked_at, NULL AS decider, r.decided_at, r.granted
        FROM support_request r JOIN support_agent a ON a.agent_id = r.asked_by
        WHERE r.decided_at IS NULL AND r.asked_at > $1 AND a.removed_at IS NULL ORDER BY r.asked_at LIMIT $2";
    let rows: Vec<RequestRow> = rows!(tx, LIST, since.as_microsecond(), SHOWN_MAX)?;
    let mut waiting = Vec::with_capacity(rows.len());
    for request in rows {
        let request = request.read()?;
        const NUMBER: &str = "SELECT number FROM support_case WHERE holder_id = $1 AND case_id = $2";
        let number: Option<i64> = one!(tx, NUMBER, request.holder.as_uuid(), request.case.as_uuid())?;
        let number = number.ok_or(DbError::Corrupt("a request without a case"))?;
        waiting.push((number, request));
    }
    Ok(waiting)
}

/// Writes a decision, once. The table refuses one by whoever asked.
pub(super) async fn decide(
    tx: &mut Tx,
    request: &Request,
    agent: SupportAgentId,
    granted: bool,
    now: Timestamp,
) -> DbResult<bool> {
    const DECIDE: &str = "UPDATE support_request SET decided_by = $3, decided_at = $4, granted = $5
                           WHERE holder_id = $1 AND request_id = $2 AND decided_at IS NULL";
    let (holder, id) = (request.holder.as_uuid(), request.id.as_uuid());
    let granted = i64::from(granted);
    Ok(run!(tx, DECIDE, holder, id, agent.as_uuid(), now.as_microsecond(), granted)? == 1)
}

/// Removes what has expired.
pub(super) async fn sweep(
    tx: &mut Tx,
    now: Timestamp,
    checks_before: Timestamp,
    sessions_before: Timestamp,
) -> DbResult<()> {
    forget_checks(tx, checks_before).await?;
    let micros = now.as_microsecond();
    run!(tx, "DELETE FROM support_invitation WHERE expires_at < $1", micros)?;
    run!(tx, "DELETE FROM support_try WHERE since < $1", sessions_before.as_microsecond())?;
    run!(tx, "DELETE FROM support_ceremony WHERE expires_at < $1", micros)?;
    run!(tx, "DELETE FROM support_session WHERE last_at < $1", sessions_before.as_microsecond()).map(drop)
}
