//! Reminders by e-mail, for people away from the desk (RE7): only for who asked for them, without names or amounts unless
//! they chose them, each once. The rules are the devices'; the server looks once a day, at the person's hour. A reminder is
//! recorded in the transaction that puts its message, and a message has no sense any more once all of it is settled.

mod store;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use api::error::ErrorCode;
use api::reminders::{EmailReminders, EmailRemindersState, SetEmailReminders};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::addresses::{AddressKind, Language};
use domain::bills::{Bill, Mark, Occurrence};
use domain::ids::HolderId;
use domain::reminders::{
    Candidate, LOOK_AHEAD_DAYS, LOOK_BACK_DAYS, Lead, Preferences, Reminder, ReminderAnswer, Snooze, plan,
};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::App;
use crate::addresses;
use crate::db::{DbError, DbResult, Tx};
use crate::due_dates::Owed;
use crate::error::ApiError;
use crate::feed::{self, Kind};
use crate::http::Json;
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::jobs::{self, Job};
use crate::mail::{self, Said};
use crate::sign_in::SignedIn;
use store::Kept;

/// A due date this old is never reminded again, also when it was moved as far as it can be.
const FORGET_DAYS: i32 = LOOK_BACK_DAYS + Mark::MOVED_DAYS_MAX;
/// More due dates are counted in a message, not named.
const LINES_MAX: usize = 20;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, set, remove))
}

/// Whether reminders come by e-mail, where to, and how.
#[utoipa::path(get, path = "/api/v1/reminders/email", tag = "reminders",
    responses((status = 200, body = EmailRemindersState)))]
async fn show(State(app): State<App>, signed_in: SignedIn) -> Result<Json<EmailRemindersState>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    Ok(Json(state(&mut tx, &app, signed_in.holder).await?))
}

/// Switches reminders by e-mail on, or changes how they come.
#[utoipa::path(put, path = "/api/v1/reminders/email", tag = "reminders", request_body = SetEmailReminders,
    responses((status = 200, body = EmailRemindersState), (status = 422, body = api::error::Problem)))]
async fn set(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Json(wish): Json<SetEmailReminders>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    if !mail::writes_to(&app, AddressKind::Email) {
        return Err(ApiError::new(ErrorCode::NotSentHere, "this server sends no such messages"));
    }
    if TimeZone::get(&wish.zone).is_err() {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "zone", "this time zone is not known"));
    }
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "reminders.email", &wish).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let kept = Kept { details: wish.details, remind_at: wish.remind_at, zone: wish.zone };
    store::put(&mut once.tx, holder, &kept).await?;
    let due_at = next_look(&kept, app.clock.now())?;
    jobs::remove(&mut once.tx, holder, jobs::Kind::Remind, holder.as_uuid()).await?;
    jobs::put(&mut once.tx, holder, jobs::Kind::Remind, holder.as_uuid(), due_at).await?;
    let state = state(&mut once.tx, &app, holder).await?;
    let answer = once.answer(StatusCode::OK, &state).await?;
    app.jobs.wake();
    Ok(answer)
}

/// No reminders by e-mail any more; one that is on its way has lost its sense.
#[utoipa::path(delete, path = "/api/v1/reminders/email", tag = "reminders",
    responses((status = 204, description = "None comes any more")))]
async fn remove(State(app): State<App>, signed_in: SignedIn) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    store::remove(&mut tx, holder).await?;
    jobs::remove(&mut tx, holder, jobs::Kind::Remind, holder.as_uuid()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn state(tx: &mut Tx, app: &App, holder: HolderId) -> DbResult<EmailRemindersState> {
    let now = app.clock.now();
    let kept = store::find(tx, holder).await?;
    let reminders = kept.map(|kept| {
        let looks_at = next_look(&kept, now)?;
        Ok::<_, DbError>(EmailReminders { details: kept.details, remind_at: kept.remind_at, zone: kept.zone, looks_at })
    });
    Ok(EmailRemindersState {
        reminders: reminders.transpose()?,
        to: addresses::let_back_in(tx, holder, AddressKind::Email, now).await?.map(|address| address.covered()),
        sends_email: mail::writes_to(app, AddressKind::Email),
    })
}

fn preferences(kept: &Kept) -> DbResult<Preferences> {
    let zone = TimeZone::get(&kept.zone).map_err(|_| DbError::Corrupt("a time zone"))?;
    Ok(Preferences { remind_at: kept.remind_at, zone, quiet: None, again_while_unpaid: true })
}

/// The person's hour, today if it is still ahead, otherwise tomorrow.
fn next_look(kept: &Kept, now: Timestamp) -> DbResult<Timestamp> {
    let preferences = preferences(kept)?;
    let today = now.to_zoned(preferences.zone.clone()).date();
    let moments = [today, shifted(today, 1)].into_iter().filter_map(|day| preferences.moment(day));
    Ok(moments.into_iter().find(|at| *at > now).unwrap_or(Timestamp::MAX))
}

fn shifted(day: Date, days: i32) -> Date {
    day.checked_add(days.days()).unwrap_or(if days < 0 { Date::MIN } else { Date::MAX })
}

// ---- the look of a day -------------------------------------------------------------------------------------------

/// Puts one message of all that is to be said now, and comes again at the next hour.
pub(crate) async fn run(app: &App, job: &Job) -> DbResult<()> {
    let (holder, now) = (job.holder, app.clock.now());
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let Some(kept) = store::find(&mut tx, holder).await? else {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    };
    // Without an address nothing is recorded: once there is one, what is still to be said is.
    if let Some(to) = addresses::let_back_in(&mut tx, holder, AddressKind::Email, now).await? {
        let preferences = preferences(&kept)?;
        let today = now.to_zoned(preferences.zone.clone()).date();
        store::forget_before(&mut tx, holder, shifted(today, -FORGET_DAYS)).await?;
        let desk = Desk::read(&mut tx, app, holder, today).await?;
        let candidates = desk.candidates();
        let answers: Vec<ReminderAnswer> = feed::all(&mut tx, holder, Kind::ReminderAnswer).await?;
        let mut known: HashSet<Lead> = store::recorded(&mut tx, holder).await?.into_iter().collect();
        let answered = |lead: &Lead| answers.iter().any(|answer| answer.settles(lead));
        known.extend(candidates.iter().flat_map(|one| one.leads(&preferences)).map(|(lead, _)| lead).filter(answered));
        let put_off = |answer: &ReminderAnswer| {
            let until = answer.snoozed_until.filter(|until| *until > now)?;
            Some(Snooze { bill: answer.bill, due_on: answer.due_on, until })
        };
        let snoozes: Vec<Snooze> = answers.iter().filter_map(put_off).collect();
        let plan = plan(&candidates, &preferences, &known, &snoozes, now);
        let said: Vec<Lead> = plan.show.iter().chain(&plan.digest).map(Reminder::lead).collect();
        let message = Uuid::new_v5(&holder.as_uuid(), format!("reminders {now}").as_bytes());
        for lead in &plan.record {
            store::record(&mut tx, holder, lead, said.contains(lead).then_some(message)).await?;
        }
        if !said.is_empty() {
            mail::put_reminders(&mut tx, holder, &to, message, now).await?;
        }
    }
    jobs::later(&mut tx, job, next_look(&kept, now)?).await?;
    tx.commit().await
}

/// Every bill, and what cards ask for, with the due dates around today.
struct Desk {
    bills: Vec<(Bill, Vec<Occurrence>)>,
}

impl Desk {
    async fn read(tx: &mut Tx, app: &App, holder: HolderId, today: Date) -> DbResult<Self> {
        let (from, to) = (shifted(today, -LOOK_BACK_DAYS), shifted(today, LOOK_AHEAD_DAYS));
        let now = app.clock.now();
        let with_dates = Owed::all(tx, holder).await?.into_iter().map(|owed| {
            let dates = owed.dates(from, to, now, &app.settings.zone);
            (owed.bill, dates)
        });
        Ok(Self { bills: with_dates.collect() })
    }

    /// What the person has to pay; what goes out by itself is the devices' to tell.
    fn candidates(&self) -> Vec<Candidate> {
        let all = self.bills.iter();
        all.flat_map(|(bill, dates)| dates.iter().map(|one| Candidate::new(one, bill, None))).collect()
    }

    fn open(&self, lead: &Lead) -> Option<(&Bill, &Occurrence)> {
        let (bill, dates) = self.bills.iter().find(|(bill, _)| bill.id == lead.bill)?;
        let date = dates.iter().find(|one| one.due_on == lead.due_on && one.needs_person())?;
        Some((bill, date))
    }
}

/// The words of a message as it leaves; none once everything in it is settled or nobody wants it any more.
pub(crate) async fn said(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    language: Language,
    message: Uuid,
) -> DbResult<Option<Said>> {
    let Some(kept) = store::find(tx, holder).await? else { return Ok(None) };
    let today = app.clock.now().to_zoned(preferences(&kept)?.zone).date();
    let desk = Desk::read(tx, app, holder, today).await?;
    let leads = store::of_message(tx, holder, message).await?;
    let open: Vec<(&Bill, &Occurrence)> = leads.iter().filter_map(|lead| desk.open(lead)).collect();
    if open.is_empty() {
        return Ok(None);
    }
    let lines = kept.details.then(|| {
        let line = |(bill, one): &(&Bill, &Occurrence)| line(language, bill, one);
        open.iter().take(LINES_MAX).map(line).collect::<Vec<_>>()
    });
    Ok(Some(words(language, open.len(), lines.as_deref())))
}

fn line(language: Language, bill: &Bill, one: &Occurrence) -> String {
    let amount = one.left.to_string();
    let (name, day) = (&bill.name, one.falls_on);
    let about = one.estimated;
    match language {
        Language::En => format!("{name}: {}{amount}, due {day}", if about { "about " } else { "" }),
        Language::Es => {
            format!("{name}: {}{}, vence el {day}", if about { "unos " } else { "" }, amount.replace('.', ","))
        }
        Language::De => {
            format!("{name}: {}{}, fällig am {day}", if about { "etwa " } else { "" }, amount.replace('.', ","))
        }
    }
}

fn words(language: Language, count: usize, lines: Option<&[String]>) -> Said {
    let (subject, open, end) = match (language, count) {
        (Language::En, 1) => ("1 payment needs you".to_owned(), "Open Billfold to see it.", END_EN),
        (Language::En, _) => (format!("{count} payments need you"), "Open Billfold to see them.", END_EN),
        (Language::Es, 1) => ("1 pago te espera".to_owned(), "Abre Billfold para verlo.", END_ES),
        (Language::Es, _) => (format!("{count} pagos te esperan"), "Abre Billfold para verlos.", END_ES),
        (Language::De, 1) => ("1 Zahlung braucht Sie".to_owned(), "Öffnen Sie Billfold, um sie zu sehen.", END_DE),
        (Language::De, _) => {
            (format!("{count} Zahlungen brauchen Sie"), "Öffnen Sie Billfold, um sie zu sehen.", END_DE)
        }
    };
    let named = lines.map_or_else(String::new, |lines| lines.join("\n") + "\n\n");
    Said { text: format!("{named}{open}\n\n{end}\n"), subject }
}

const END_EN: &str = "You asked for reminders by e-mail. You switch them off in Billfold, under Bills, Reminders.";
const END_ES: &str = "Pediste avisos por correo. Se desactivan en Billfold, en Recibos, Avisos.";
const END_DE: &str = "Sie haben um Erinnerungen per E-Mail gebeten. Abschalten lassen sie sich in Billfold unter Rechnungen, Erinnerungen.";
