//! Messages to a person's addresses: codes, by e-mail or as text messages. A message is a row and a job, written in the
//! transaction of what it is about, and is carried away between transactions; nobody waits for it, so that an answer never
//! tells whether one was sent. A code exists in the clear on its way alone.
//!
//! Another part that needs a code asks for one and later looks at what was typed:
//!
//! ```ignore
//! let code = mail::send_code(&mut tx, &app, &CodeRequest { holder, to: &address, purpose: Purpose::SignIn,
//!     by: Asker::Proven, bound_to: &visit.hash, source }).await?;        // keep `code`; commit; app.jobs.wake()
//! match mail::check_code(&mut tx, &app, holder, code, Purpose::SignIn, &visit.hash, &typed).await? {
//!     CodeAnswer::Right => …, CodeAnswer::Wrong | CodeAnswer::Over => … }     // commit in either case
//! ```

pub mod carriers;
mod store;
#[cfg(test)]
mod tests;
mod words;

use std::net::IpAddr;

use domain::addresses::{AddressKind, AddressValue, Language};
use domain::ids::{CodeId, HolderId};
use domain::security::SecurityEvent;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::App;
use crate::db::{DbError, DbResult, Tx};
use crate::jobs::{self, Job, Kind};
use crate::{notices, recovery, reminders};
use carriers::{Letter, NotCarried};
pub(crate) use store::read_address;
pub(crate) use words::Said;

/// A code is good for so long from the moment that it is sent; and so long it is tried to send one.
pub(crate) const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Wrong codes after which a new one must be asked for.
const TRIES_MAX: i64 = 5;
const DIGITS: usize = 8;
/// Seconds between the tries to send one message; after the last it is given up.
const WAITS: &[i64] = &[5, 30, 120, 600, 3_600, 21_600, 43_200];

/// What a code is asked for. One for one purpose is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// Is this address the person's?
    ConfirmAddress,
    /// Somebody wants back in.
    Recover,
    /// Somebody knows the password and has no authenticator app.
    SignIn,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmAddress => "confirm_address",
            Self::Recover => "recover",
            Self::SignIn => "sign_in",
        }
    }
}

/// Who asks for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Whoever types the address.
    Anybody,
    /// Who has proven something before: a password, or a device that is signed in.
    Proven,
}

/// A code that somebody needs.
pub(crate) struct CodeRequest<'a> {
    pub holder: HolderId,
    pub to: &'a AddressValue,
    pub purpose: Purpose,
    pub by: Asker,
    /// The visit, device or address that asks: only for it is the code good.
    pub bound_to: &'a [u8],
    /// Who asks, for the limits.
    pub source: IpAddr,
}

/// Asks for a code to be sent. Beyond the limits none is sent, in silence: the caller learns the same, and the id it gets
/// stands for a code that nobody can know. Call `app.jobs.wake()` after the commit.
pub(crate) async fn send_code(tx: &mut Tx, app: &App, request: &CodeRequest<'_>) -> DbResult<CodeId> {
    let now = app.clock.now();
    let code = CodeId::new(now, app.chance10());
    let row = store::CodeRow {
        id: code,
        purpose: request.purpose.as_str(),
        bound_to: request.bound_to,
        expires_at: after(now, CODE_LIFE),
    };
    store::put_code(tx, request.holder, &row).await?;
    if may_send(app, request, now) {
        put(tx, app, request.holder, request.to, &Matter::Code { code, purpose: request.purpose }).await?;
    }
    Ok(code)
}

/// The two limits of who asks are both taken, so that neither is spared by the other; that of the address last, for what is
/// not sent costs it nothing. A stranger who types an address takes from a share of it that no proof stands before, and
/// not from that of its owner.
fn may_send(app: &App, request: &CodeRequest<'_>, now: Timestamp) -> bool {
    let limits = &app.limits;
    let asks = [limits.mail_from.take(request.source, now), limits.mail_for.take_key(key(request.bound_to), now)];
    let share = match request.by {
        Asker::Anybody => "anybody ",
        Asker::Proven => "proven ",
    };
    let to = key(format!("{share}{}", request.to.folded()).as_bytes());
    asks.iter().all(Result::is_ok) && limits.mail_to.take_key(to, now).is_ok()
}

fn key(bytes: &[u8]) -> u128 {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let (half, _) = hash.split_at(16);
    half.iter().fold(0, |key, byte| (key << 8) | u128::from(*byte))
}

/// What somebody's typing is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeAnswer {
    Right,
    Wrong,
    /// Too old, tried too often, used, for something else, or never sent: only a new one helps.
    Over,
}

/// Looks at what was typed, and uses a right code up. Commit whatever the answer is: a wrong one is counted.
pub(crate) async fn check_code(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    code: CodeId,
    purpose: Purpose,
    bound_to: &[u8],
    typed: &str,
) -> DbResult<CodeAnswer> {
    let answer = counted(tx, app, holder, code, purpose, bound_to, typed).await?;
    if answer == CodeAnswer::Right {
        use_code(tx, holder, code).await?;
    }
    Ok(answer)
}

/// As `check_code`, for the newest code that was sent for this purpose and visit.
pub(crate) async fn check_newest_code(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    purpose: Purpose,
    bound_to: &[u8],
    typed: &str,
) -> DbResult<CodeAnswer> {
    match store::newest_code(tx, holder, purpose.as_str(), bound_to).await? {
        Some(code) => check_code(tx, app, holder, code, purpose, bound_to, typed).await,
        None => Ok(CodeAnswer::Over),
    }
}

/// A code that was right is none any more.
pub(crate) async fn use_code(tx: &mut Tx, holder: HolderId, code: CodeId) -> DbResult<()> {
    store::remove_code(tx, holder, code).await
}

/// Looks at what was typed and leaves a right code as it is, for where something else is asked for beside it.
pub(crate) async fn try_code(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    code: CodeId,
    purpose: Purpose,
    bound_to: &[u8],
    typed: &str,
) -> DbResult<CodeAnswer> {
    let answer = counted(tx, app, holder, code, purpose, bound_to, typed).await?;
    if answer == CodeAnswer::Right {
        store::give_try_back(tx, holder, code).await?;
    }
    Ok(answer)
}

/// Counts the try before it looks, so that tries at once wait for each other and none is beyond the last.
async fn counted(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    code: CodeId,
    purpose: Purpose,
    bound_to: &[u8],
    typed: &str,
) -> DbResult<CodeAnswer> {
    let asked = store::Asked { purpose: purpose.as_str(), bound_to, now: app.clock.now(), tries_max: TRIES_MAX };
    let Some(kept) = store::take_try(tx, holder, code, &asked).await? else { return Ok(CodeAnswer::Over) };
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    let right: bool = kept.hash.is_some_and(|hash| hash.ct_eq(&hash_of(code, &digits)).into());
    Ok(if right {
        CodeAnswer::Right
    } else if kept.tries >= TRIES_MAX {
        CodeAnswer::Over
    } else {
        CodeAnswer::Wrong
    })
}

/// The id salts it.
fn hash_of(code: CodeId, digits: &str) -> [u8; 32] {
    Sha256::new().chain_update(code.as_uuid().as_bytes()).chain_update(digits).finalize().into()
}

/// Whether this server can write to addresses of that kind.
pub(crate) fn writes_to(app: &App, kind: AddressKind) -> bool {
    match kind {
        AddressKind::Email => app.carriers.email.is_some(),
        AddressKind::Phone => app.carriers.texts.is_some(),
    }
}

/// The language that the person is written to in.
pub(crate) async fn language(tx: &mut Tx, holder: HolderId) -> DbResult<Language> {
    store::language(tx, holder).await
}

/// From now on the person is written to in this language.
pub(crate) async fn write_in(tx: &mut Tx, holder: HolderId, language: Language) -> DbResult<()> {
    store::put_language(tx, holder, language).await
}

/// Removes codes that are over.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    store::sweep(&mut tx, app.clock.now()).await?;
    tx.commit().await
}

// ---- sending -----------------------------------------------------------------------------------------------------

/// What a message is about; its words are found when it leaves.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
enum Matter {
    Code {
        code: CodeId,
        purpose: Purpose,
    },
    /// An entry of the security log.
    Notice {
        event: i64,
    },
    /// Reminders; which ones stands beside the message's id.
    Reminders,
    /// The wait of the recovery that this entry told of is over.
    Ready {
        event: i64,
    },
}

/// Tells an address of an entry of the security log. Once for each, however often it is asked.
pub(crate) async fn put_notice(
    tx: &mut Tx,
    holder: HolderId,
    to: &AddressValue,
    event: &SecurityEvent,
) -> DbResult<()> {
    let matter = Matter::Notice { event: event.number };
    let id = Uuid::new_v5(&holder.as_uuid(), format!("notice {} {}", event.number, to.folded()).as_bytes());
    put_as(tx, holder, id, to, &matter, event.at).await
}

/// Reminds an address of what stands beside this message's id.
pub(crate) async fn put_reminders(
    tx: &mut Tx,
    holder: HolderId,
    to: &AddressValue,
    id: Uuid,
    now: Timestamp,
) -> DbResult<()> {
    put_as(tx, holder, id, to, &Matter::Reminders, now).await
}

/// Says to an address when the wait of a recovery is over, unless it was stopped by then.
pub(crate) async fn put_ready(
    tx: &mut Tx,
    holder: HolderId,
    to: &AddressValue,
    event: i64,
    ready_at: Timestamp,
) -> DbResult<()> {
    let id = Uuid::new_v5(&holder.as_uuid(), format!("ready {event} {}", to.folded()).as_bytes());
    put_as(tx, holder, id, to, &Matter::Ready { event }, ready_at).await
}

async fn put(tx: &mut Tx, app: &App, holder: HolderId, to: &AddressValue, matter: &Matter) -> DbResult<()> {
    let now = app.clock.now();
    let id = CodeId::new(now, app.chance10()).as_uuid();
    put_as(tx, holder, id, to, matter, now).await
}

async fn put_as(
    tx: &mut Tx,
    holder: HolderId,
    id: Uuid,
    to: &AddressValue,
    matter: &Matter,
    now: Timestamp,
) -> DbResult<()> {
    let matter = serde_json::to_string(matter).map_err(|_| DbError::Corrupt("a message"))?;
    store::put_message(tx, holder, id, to, &matter, now).await?;
    jobs::put(tx, holder, Kind::Mail, id, now).await
}

/// Sends one message, or puts it off.
pub(crate) async fn run(app: &App, job: &Job) -> DbResult<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    let Some(message) = store::message(&mut tx, job.holder, job.subject).await? else {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    };
    let letter = compose(&mut tx, app, job, &message, now).await?;
    // What the letter promises is kept before it leaves.
    tx.commit().await?;
    let carried = match letter {
        Some(letter) => carry(app, letter).await,
        None => Ok(()),
    };
    let mut tx = app.db.begin_write().await?;
    let wait = usize::try_from(job.tries.max(1) - 1).ok().and_then(|tries| WAITS.get(tries));
    match (carried, wait) {
        (Err(NotCarried::Later), Some(seconds)) => {
            if job.tries <= 1 {
                tracing::warn!(
                    kind = message.to.kind().as_str(),
                    "a message could not be sent and will be tried again"
                );
            }
            jobs::later(&mut tx, job, after(app.clock.now(), SignedDuration::from_secs(*seconds))).await?;
        }
        (outcome, _) => {
            if outcome.is_err() {
                tracing::warn!(kind = message.to.kind().as_str(), "a message could not be sent and is given up");
            }
            store::remove_message(&mut tx, job.holder, job.subject).await?;
            jobs::done(&mut tx, job).await?;
        }
    }
    tx.commit().await
}

async fn carry(app: &App, letter: Letter) -> Result<(), NotCarried> {
    let carrier = match letter.to.kind() {
        AddressKind::Email => &app.carriers.email,
        AddressKind::Phone => &app.carriers.texts,
    };
    match carrier {
        Some(carrier) => carrier.carry(letter).await,
        None => Err(NotCarried::Never),
    }
}

/// The letter as it leaves; none when it has lost its sense.
async fn compose(
    tx: &mut Tx,
    app: &App,
    job: &Job,
    message: &store::Message,
    now: Timestamp,
) -> DbResult<Option<Letter>> {
    let matter: Matter = serde_json::from_str(&message.matter).map_err(|_| DbError::Corrupt("a message"))?;
    let language = store::language(tx, job.holder).await?;
    let said = match matter {
        Matter::Code { code, purpose } => {
            let digits = digits(app);
            let known = message.made_at.duration_since(now).abs() < CODE_LIFE
                && store::set_code(tx, job.holder, code, &hash_of(code, &digits), after(now, CODE_LIFE)).await?;
            if !known {
                return Ok(None);
            }
            words::code(language, message.to.kind(), &app.settings.server_name, purpose, &digits)
        }
        Matter::Notice { event } => {
            let kind = message.to.kind();
            let Some(said) = notices::said(tx, app, job.holder, language, kind, event).await? else { return Ok(None) };
            said
        }
        Matter::Reminders => {
            let said = reminders::email::said(tx, app, job.holder, language, job.subject).await?;
            let Some(said) = said else { return Ok(None) };
            said
        }
        Matter::Ready { event } => {
            let Some(said) = recovery::said(tx, app, job.holder, language, message.to.kind(), event).await? else {
                return Ok(None);
            };
            said
        }
    };
    Ok(Some(Letter { id: job.subject, to: message.to.clone(), subject: said.subject, text: said.text }))
}

fn digits(app: &App) -> String {
    let chance = u64::from_le_bytes(app.random());
    format!("{:0DIGITS$}", chance % 10_u64.pow(u32::try_from(DIGITS).unwrap_or(8)))
}

fn after(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
