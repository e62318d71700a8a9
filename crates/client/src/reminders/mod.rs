//! Reminders from this device: what is shown when, each once, and what the person answered. What stands for it that they
//! come is `proof`.

mod list;
mod proof;
pub(crate) mod words;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use domain::autopay::Autopay;
use domain::bills::{Mark, OccurrenceState};
use domain::ids::BillId;
use domain::money::Money;
use domain::reminders::{
    Candidate, LOOK_AHEAD_DAYS, LOOK_BACK_DAYS, Lead, Need, Plan, Preferences, Reminder, ReminderAnswer, Snooze, Turn,
    plan,
};
use jiff::Timestamp;
use jiff::civil::Date;
pub use proof::*;

use crate::bills::MarkAs;
use crate::book::{Book, days_between, shifted};
use crate::cache::autopay as autopay_rows;
use crate::cache::reminders::{self as rows, Delivery};
use crate::client::{Changed, Client, blocking, lock};
use crate::cover::{Cover, Sources};
use crate::error::ClientError;
use crate::outbox::Change;
use crate::payments::PayBill;
use crate::platform::{Language, Notice, NoticeAction, NotifierError};
use crate::settings::Settings;
use crate::status::Phase;

/// Sleeping is never longer, so that a suspend or a changed clock is noticed by the wall clock.
const NAP_MAX: Duration = Duration::from_secs(600);
/// What could not be shown is tried again after so long, and then twice as long each time.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Answers to due dates this far back may still count: a date that was moved falls on a later day than its name says.
const ANSWERS_DAYS: i32 = LOOK_BACK_DAYS + Mark::MOVED_DAYS_MAX;

#[derive(Clone)]
pub struct Reminders(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn reminders(&self) -> Reminders {
        Reminders(self.clone())
    }
}

/// A notice on the desktop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    id: String,
    /// None while nobody may know what it is about.
    leads: Vec<Lead>,
    /// What it is about while that is so: entries of the list of due days.
    entries: HashSet<String>,
    /// It says names, and the one amount that "Pay" is about where it says that.
    names: bool,
    amount: Option<Money>,
}

/// What takes the place of notices that say names.
pub(crate) struct Nameless {
    instead_of: Vec<String>,
    notice: Notice,
    leads: Vec<Lead>,
}

/// An answer that came while it was locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unkept {
    Read(Lead),
    PutOff { lead: Lead, until_day: Date },
    Paid(Lead),
}

/// What came of an answer to a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    Done,
    /// The person wants to see what it is about: one due date, or more than one.
    Shows {
        about: Option<(BillId, Date)>,
    },
    /// What there is to pay is not what the notice said: the person looks at it first.
    Asks {
        bill: BillId,
        due_on: Date,
    },
}

/// Everything a run is worked out from, read at one moment.
struct Desk {
    book: Book,
    sources: Sources,
    autopays: Vec<Autopay>,
    settings: Settings,
    preferences: Preferences,
    delivered: Vec<Delivery>,
    answers: Vec<ReminderAnswer>,
    snoozes: Vec<Snooze>,
    plan: Plan,
}

impl Desk {
    /// Leads that need not come: delivered here, or answered on any device.
    fn known(&self, candidates: &[Candidate]) -> HashSet<Lead> {
        let all = candidates.iter().flat_map(|candidate| candidate.leads(&self.preferences));
        let answered = all.map(|(lead, _)| lead).filter(|lead| self.is_answered(lead));
        self.delivered.iter().map(lead_delivered).chain(answered).collect()
    }

    fn is_answered(&self, lead: &Lead) -> bool {
        self.answers.iter().any(|answer| answer.settles(lead))
    }
}

impl Reminders {
    /// Shows what is due to be shown, each once. With `dry_run` it only says what, and records nothing. While locked,
    /// the list of due days speaks, without names.
    pub async fn run_once(&self, dry_run: bool) -> Result<Vec<Notice>, ClientError> {
        let _turn = self.0.0.reminding.lock().await;
        match self.0.phase() {
            Phase::Welcome => Err(ClientError::no_account()),
            Phase::Locked => self.run_locked(dry_run).await,
            Phase::Ready => self.run_open(dry_run).await,
        }
    }

    /// Reminds for as long as the app runs.
    pub async fn run(&self) {
        let mut events = self.0.events();
        let (mut today, mut retry) = (self.0.today(), RETRY_FIRST);
        loop {
            let mut nap = NAP_MAX;
            match self.run_once(false).await {
                Ok(_) => nap = self.until_next().await.unwrap_or(NAP_MAX).min(NAP_MAX),
                Err(error) if error.code == "no_account" => {}
                Err(error) => tracing::warn!(code = error.code, "reminders wait"),
            }
            if nap.is_zero() {
                (nap, retry) = (retry, (retry * 2).min(NAP_MAX));
            } else {
                retry = RETRY_FIRST;
            }
            if std::mem::replace(&mut today, self.0.today()) != today {
                // Screens and the tray count days.
                self.0.tell(Changed::Book);
            }
            tokio::select! {
                () = tokio::time::sleep(nap) => {}
                event = events.recv() => {
                    if matches!(event, Err(tokio::sync::broadcast::error::RecvError::Closed)) {
                        return;
                    }
                    // A burst of changes is one change.
                    while events.try_recv().is_ok() {}
                }
            }
        }
    }

    /// Does what the person chose on a notice. While it is locked that is kept until it is open; paying is not.
    pub async fn act(&self, id: &str, action: NoticeAction) -> Result<Acted, ClientError> {
        if proof::is_test(id) {
            return self.test_answered(id, TestAnswer::Button { action }).await.map(|()| Acted::Done);
        }
        if action == NoticeAction::Open {
            let about = lead_of(id).map(|lead| (lead.bill, lead.due_on));
            return self.seen(id).await.map(|()| Acted::Shows { about });
        }
        let standing = self.standing_as(id);
        self.dismiss(id).await?;
        // A digest, or the notice of a locked Billfold, has no other buttons.
        let Some(lead) = lead_of(id) else { return Ok(Acted::Done) };
        match action {
            NoticeAction::Open => return Ok(Acted::Done),
            NoticeAction::Pay => return self.pay(&lead, standing.and_then(|standing| standing.amount)).await,
            NoticeAction::Snooze => {
                let until_day = shifted(self.0.today(), 1);
                lock(&self.0.0.unkept).push(Unkept::PutOff { lead, until_day });
            }
            NoticeAction::MarkPaid => lock(&self.0.0.unkept).push(Unkept::Paid(lead)),
        }
        self.keep_unkept().await.map(|()| Acted::Done)
    }

    /// Pays what a notice said, and nothing else.
    async fn pay(&self, lead: &Lead, said: Option<Money>) -> Result<Acted, ClientError> {
        let book = self.0.bills().book().await?;
        let bill = book.bill_or_card(lead.bill).ok_or_else(|| ClientError::not_found("bill"))?;
        let open = book.occurrence(bill, lead.due_on).filter(domain::bills::Occurrence::needs_person);
        // Settled meanwhile, here or elsewhere: doing it again would pay twice.
        let Some(occurrence) = open else { return Ok(Acted::Done) };
        // How much of a card is paid is the person's choice each time.
        if said != Some(occurrence.left) || book.card_of(bill).is_some() {
            return Ok(Acted::Asks { bill: lead.bill, due_on: lead.due_on });
        }
        let order = PayBill {
            bill: Some(lead.bill),
            due_on: Some(lead.due_on),
            biller: None,
            amount: occurrence.left,
            send_on: None,
            duplicate_meant: false,
            method: None,
        };
        self.0.payments().pay_bill(order).await.map(|_| Acted::Done)
    }

    /// Marks one occurrence paid, unless it is settled: a notice or a menu may be older than what happened since.
    pub(crate) async fn mark_paid(&self, bill: BillId, due_on: Date) -> Result<(), ClientError> {
        let book = self.0.bills().book().await?;
        let known = book.bill(bill).ok_or_else(|| ClientError::not_found("bill"))?;
        if book.occurrence(known, due_on).is_none_or(|one| !one.needs_person()) {
            return Ok(());
        }
        self.0.bills().mark(bill, due_on, MarkAs::Paid { amount: None }).await.map(|_| ())
    }

    /// Reminds of one occurrence again tomorrow, at the person's hour, on every device.
    pub async fn snooze(&self, bill: BillId, due_on: Date) -> Result<(), ClientError> {
        self.snooze_until(bill, due_on, shifted(self.0.today(), 1)).await
    }

    async fn snooze_until(&self, bill: BillId, due_on: Date, day: Date) -> Result<(), ClientError> {
        let at = self.0.settings().await?.remind_time();
        let until = day.to_datetime(at).to_zoned(self.0.0.ports.zone.zone());
        let until = until.map_err(|_| ClientError::not_found("day"))?.timestamp();
        let falls_on = falls_on(&self.0.bills().book().await?, bill, due_on);
        let turn = Turn::of_days_left(days_between(self.0.today(), falls_on));
        self.keep_answer(&Lead { bill, due_on, falls_on, turn }, Some(until)).await?;
        self.dismiss_all(bill, due_on).await
    }

    /// The person read a notice and closed it, or opened Billfold by it: no device says it again.
    pub async fn seen(&self, id: &str) -> Result<(), ClientError> {
        if proof::is_test(id) {
            return self.test_answered(id, TestAnswer::Closed).await;
        }
        let standing = self.standing_as(id);
        self.dismiss(id).await?;
        // One that went with the lock a moment ago still says by its name what it was about.
        let leads = standing.map_or_else(|| lead_of(id).into_iter().collect(), |standing| standing.leads);
        lock(&self.0.0.unkept).extend(leads.into_iter().map(Unkept::Read));
        self.keep_unkept().await
    }

    fn standing_as(&self, id: &str) -> Option<Standing> {
        lock(&self.0.0.standing).iter().find(|standing| standing.id == id).cloned()
    }

    /// A notice is no longer on the desktop, and nobody answered it.
    pub fn gone(&self, id: &str) {
        lock(&self.0.0.standing).retain(|standing| standing.id != id);
    }

    /// Keeps the answers that came while it was locked.
    async fn keep_unkept(&self) -> Result<(), ClientError> {
        if self.0.phase() != Phase::Ready {
            return Ok(());
        }
        let answers = std::mem::take(&mut *lock(&self.0.0.unkept));
        let mut done = Ok(());
        for answer in answers {
            let kept = match &answer {
                Unkept::Read(lead) => self.keep_answer(lead, None).await,
                Unkept::PutOff { lead, until_day } => self.snooze_until(lead.bill, lead.due_on, *until_day).await,
                Unkept::Paid(lead) => self.mark_paid(lead.bill, lead.due_on).await,
            };
            if self.0.phase() != Phase::Ready {
                lock(&self.0.0.unkept).push(answer);
            } else if kept.is_err() {
                // One that cannot be kept, of a bill that is gone, keeps back no other.
                done = kept;
            }
        }
        done
    }

    async fn keep_answer(&self, lead: &Lead, snoozed_until: Option<Timestamp>) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        let answer = ReminderAnswer::to(lead, self.0.now(), snoozed_until);
        self.0.change(&open, Change::AnswerReminder { answer }).await
    }

    /// Notices of this process that stand on the desktop unanswered.
    #[must_use]
    pub fn standing(&self) -> usize {
        lock(&self.0.0.standing).len()
    }

    /// Takes back notices of which nothing is left to say: paid, skipped, or answered on another device.
    pub(crate) async fn withdraw_settled(&self) -> Result<(), ClientError> {
        let standing: Vec<Standing> = lock(&self.0.0.standing).clone();
        if standing.is_empty() {
            return Ok(());
        }
        let desk = self.desk().await?;
        let over = |lead: &Lead| !still_so(&desk.book, lead) || desk.is_answered(lead);
        for notice in standing.iter().filter(|notice| !notice.leads.is_empty()) {
            if notice.leads.iter().all(over) {
                self.dismiss(&notice.id).await?;
            }
        }
        Ok(())
    }

    /// One notice without names and amounts for the place of those that say some: whoever is at the desk once it is locked
    /// may be somebody else.
    pub(crate) async fn nameless_instead(&self) -> Result<Option<Nameless>, ClientError> {
        let all: Vec<Standing> = lock(&self.0.0.standing).clone();
        let open: Vec<Standing> = all.into_iter().filter(|standing| standing.names).collect();
        if open.is_empty() {
            return Ok(None);
        }
        let book = self.0.bills().book().await?;
        let leads: Vec<Lead> = open.iter().flat_map(|standing| standing.leads.iter().copied()).collect();
        let mut dates: Vec<(BillId, Date)> = leads.iter().map(|lead| (lead.bill, lead.due_on)).collect();
        dates.sort_unstable();
        dates.dedup();
        let mut days: Vec<i32> =
            dates.iter().map(|(bill, due_on)| days_between(book.today, falls_on(&book, *bill, *due_on))).collect();
        days.sort_unstable();
        days.dedup();
        let goes_out = leads.iter().all(|lead| goes_out(lead.turn));
        let notice = self.nameless(dates.len(), &days, goes_out);
        let instead_of = open.into_iter().map(|standing| standing.id).collect();
        Ok(notice.map(|notice| Nameless { instead_of, notice, leads }))
    }

    /// Puts it there.
    pub(crate) async fn hide_names(&self, nameless: Nameless) -> Result<(), ClientError> {
        let Nameless { instead_of, notice, leads } = nameless;
        for id in instead_of {
            self.dismiss(&id).await?;
        }
        self.show(&notice, Standing { leads, ..Standing::default() }).await;
        Ok(())
    }

    /// Takes back every notice: the account is gone from here.
    pub(crate) async fn withdraw_all(&self) -> Result<(), ClientError> {
        let standing: Vec<Standing> = lock(&self.0.0.standing).clone();
        for notice in standing {
            self.dismiss(&notice.id).await?;
        }
        lock(&self.0.0.unkept).clear();
        Ok(())
    }

    /// Takes back every notice of one due date.
    async fn dismiss_all(&self, bill: BillId, due_on: Date) -> Result<(), ClientError> {
        let standing: Vec<Standing> = lock(&self.0.0.standing).clone();
        for notice in standing {
            if lead_of(&notice.id).is_some_and(|lead| (lead.bill, lead.due_on) == (bill, due_on)) {
                self.dismiss(&notice.id).await?;
            }
        }
        Ok(())
    }

    async fn dismiss(&self, id: &str) -> Result<(), ClientError> {
        lock(&self.0.0.standing).retain(|standing| standing.id != id);
        let (notifier, id) = (Arc::clone(&self.0.0.ports.notifier), id.to_owned());
        blocking(move || notifier.withdraw(&id)).await
    }

    async fn until_next(&self) -> Option<Duration> {
        let next = match self.0.phase() {
            Phase::Ready => self.desk().await.ok()?.plan.next_at?,
            Phase::Locked => self.read_list().await.ok()??.next_at(&self.0)?,
            Phase::Welcome => return None,
        };
        let left = next.duration_since(self.0.now());
        Duration::try_from(left).ok().or(Some(Duration::ZERO))
    }

    async fn desk(&self) -> Result<Desk, ClientError> {
        let here = self.0.here();
        let (book, sources, autopays, settings, delivered, answers, snoozes) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                let book = Book::read(&open.cache, here.clone()).await?;
                let sources = Sources::read(&open.cache).await?;
                let autopays = autopay_rows::all(db).await?;
                let settings = self.0.settings_now(open).await?;
                let answers = rows::answers(db, shifted(here.today(), -ANSWERS_DAYS)).await?;
                let (delivered, snoozes) = (rows::deliveries(db).await?, rows::snoozes(db).await?);
                Ok((book, sources, autopays, settings, delivered, answers, snoozes))
            })
            .await?;
        let preferences = settings.reminders(self.0.0.ports.zone.zone());
        let snoozes: Vec<Snooze> =
            snoozes.into_iter().map(|(bill, due_on, until)| Snooze { bill, due_on, until }).collect();
        let mut desk =
            Desk { book, sources, autopays, settings, preferences, delivered, answers, snoozes, plan: Plan::default() };
        let candidates = candidates(&desk.book, &desk.settings, &desk.snoozes, LOOK_AHEAD_DAYS);
        let known = desk.known(&candidates);
        desk.plan = plan(&candidates, &desk.preferences, &known, &desk.snoozes, self.0.now());
        Ok(desk)
    }

    // ---- Open -----------------------------------------------------------------------------------------------------

    async fn run_open(&self, dry_run: bool) -> Result<Vec<Notice>, ClientError> {
        self.keep_unkept().await?;
        self.merge_list().await?;
        let desk = self.desk().await?;
        // Recorded, and the process ended before it was shown: named together now, so that nothing is lost.
        let unseen: Vec<Delivery> = desk
            .delivered
            .iter()
            .filter(|delivery| delivery.shown_at.is_none())
            .filter(|delivery| still_so(&desk.book, &lead_delivered(delivery)))
            .filter(|delivery| !desk.is_answered(&lead_delivered(delivery)))
            .cloned()
            .collect();
        let notices = notices(&desk, self.0.0.ports.language.now(), &unseen);
        if dry_run {
            return Ok(notices.into_iter().map(|(notice, _)| notice).collect());
        }
        let recorded = self.record(&desk.plan).await?;
        let mut shown = Vec::new();
        for (notice, standing) in notices {
            let leads = standing.leads.clone();
            if self.show(&notice, standing).await {
                self.note_shown(&leads).await?;
                shown.push(notice);
            }
        }
        if recorded || !shown.is_empty() {
            self.0.save_own(&*self.0.open_now()?).await;
        }
        self.write_due_list().await?;
        if !shown.is_empty() {
            self.0.tell(Changed::Book);
        }
        Ok(shown)
    }

    /// Committed before anything appears. A process that ends within the moment between showing and noting that may name
    /// it once more: a bill named twice is better than one never named. False when there was nothing to record.
    async fn record(&self, plan: &Plan) -> Result<bool, ClientError> {
        let now = self.0.now();
        let showing: Vec<&Reminder> = plan.show.iter().chain(&plan.digest).collect();
        if plan.record.is_empty() && showing.is_empty() {
            return Ok(false);
        }
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                for lead in &plan.record {
                    let shows = showing.iter().any(|reminder| reminder.lead() == *lead);
                    // A lead that a later one replaced is settled without being shown.
                    let shown_at = (!shows).then_some(Timestamp::UNIX_EPOCH);
                    rows::record(&mut tx, &Delivery { shown_at, ..delivery_of(lead, now) }).await?;
                }
                for reminder in showing.iter().filter(|reminder| reminder.snoozed) {
                    rows::record_again(&mut tx, &delivery_of(&reminder.lead(), now)).await?;
                    rows::end_snooze(&mut tx, reminder.bill, reminder.due_on).await?;
                }
                rows::forget_old(&mut tx).await?;
                tx.commit().await?;
                Ok(true)
            })
            .await
    }

    async fn note_shown(&self, leads: &[Lead]) -> Result<(), ClientError> {
        let now = self.0.now();
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                for lead in leads {
                    rows::shown(&mut tx, &delivery_of(lead, now), now).await?;
                }
                Ok(tx.commit().await?)
            })
            .await
    }

    async fn show(&self, notice: &Notice, standing: Standing) -> bool {
        let shown = self.put_up(notice, standing).await;
        if let Err(error) = &shown {
            tracing::warn!(%error, "a reminder could not be shown; the next run names it");
        }
        shown.is_ok()
    }

    /// Shows it; `about` is what it then stands for.
    async fn put_up(&self, notice: &Notice, about: Standing) -> Result<(), NotifierError> {
        let (notifier, showing) = (Arc::clone(&self.0.0.ports.notifier), notice.clone());
        let silent = || NotifierError { why: "the notification service did not answer".to_owned() };
        blocking(move || notifier.show(&showing)).await.map_err(|_| silent())??;
        let mut standing = lock(&self.0.0.standing);
        standing.retain(|standing| standing.id != notice.id);
        standing.push(Standing { id: notice.id.clone(), ..about });
        Ok(())
    }

    // ---- Locked, or the app closed --------------------------------------------------------------------------------

    async fn run_locked(&self, dry_run: bool) -> Result<Vec<Notice>, ClientError> {
        let Some(mut list) = self.read_list().await? else { return Ok(Vec::new()) };
        let Some(notice) = self.locked_notice(&list.due(&self.0)) else { return Ok(Vec::new()) };
        if dry_run {
            return Ok(vec![notice]);
        }
        let due: HashSet<String> = list.due(&self.0).iter().map(|entry| entry.id.clone()).collect();
        if !self.show(&notice, Standing { entries: due.clone(), ..Standing::default() }).await {
            return Ok(Vec::new());
        }
        for entry in list.entries.iter_mut().filter(|entry| due.contains(&entry.id)) {
            entry.shown = true;
        }
        lock(&self.0.0.told).extend(due);
        if let Err(error) = self.save_list(&list).await {
            tracing::warn!(code = error.code, "that a reminder was shown is known in memory alone");
        }
        Ok(vec![notice])
    }

    /// One notice of all that is due, without names or amounts. Several leads of one due date are one payment.
    fn locked_notice(&self, due: &[&list::Entry]) -> Option<Notice> {
        let dates: HashMap<&str, &list::Entry> = due.iter().map(|entry| (entry.of.as_str(), *entry)).collect();
        let mut days: Vec<i32> = dates.values().map(|entry| days_between(self.0.today(), entry.falls_on)).collect();
        days.sort_unstable();
        days.dedup();
        self.nameless(dates.len(), &days, dates.values().all(|entry| entry.goes_out))
    }

    /// So many payments, due in these numbers of days, each once and in order.
    fn nameless(&self, payments: usize, days: &[i32], goes_out: bool) -> Option<Notice> {
        let first = days.first().copied()?;
        let shared = (days.len() == 1).then_some(first);
        let (title, body) = words::locked(self.0.0.ports.language.now(), payments, shared, goes_out);
        let id = format!("due/{}", self.0.now().as_second());
        Some(Notice { id, title, body, actions: vec![NoticeAction::Open], urgent: first < 0 && !goes_out })
    }

    /// What was shown while locked counts as delivered.
    async fn merge_list(&self) -> Result<(), ClientError> {
        let Some(list) = self.read_list().await? else { return Ok(()) };
        let shown: HashSet<&str> =
            list.entries.iter().filter(|entry| entry.shown).map(|entry| entry.id.as_str()).collect();
        if shown.is_empty() {
            return Ok(());
        }
        let Some(key) = self.list_key(false).await? else { return Ok(()) };
        let desk = self.desk().await?;
        let now = self.0.now();
        let candidates = candidates(&desk.book, &desk.settings, &desk.snoozes, list::DAYS);
        let all = candidates.iter().flat_map(|candidate| candidate.leads(&desk.preferences));
        let mut told: Vec<(String, Lead)> = all.map(|(lead, _)| (list::opaque_id(&key, &lead), lead)).collect();
        told.retain(|(id, _)| shown.contains(id.as_str()));
        let over: Vec<&Snooze> =
            desk.snoozes.iter().filter(|snooze| shown.contains(list::snooze_id(&key, snooze).as_str())).collect();
        // What was put off stands for the days that were left.
        told.extend(over.iter().map(|snooze| {
            let falls_on = falls_on(&desk.book, snooze.bill, snooze.due_on);
            let turn = Turn::of_days_left(days_between(desk.book.today, falls_on));
            let lead = Lead { bill: snooze.bill, due_on: snooze.due_on, falls_on, turn };
            (list::snooze_id(&key, snooze), lead)
        }));
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                for (_, lead) in &told {
                    rows::record(&mut tx, &Delivery { shown_at: Some(now), ..delivery_of(lead, now) }).await?;
                }
                for snooze in over {
                    rows::end_snooze(&mut tx, snooze.bill, snooze.due_on).await?;
                }
                tx.commit().await?;
                self.0.save_own(open).await;
                Ok(())
            })
            .await?;
        self.know_again(&told);
        lock(&self.0.0.told).clear();
        self.withdraw_settled().await
    }

    /// Notices that were shown while it was locked are known for what they are about.
    fn know_again(&self, told: &[(String, Lead)]) {
        for standing in lock(&self.0.0.standing).iter_mut() {
            let entries = std::mem::take(&mut standing.entries);
            let leads = told.iter().filter(|(id, _)| entries.contains(id)).map(|(_, lead)| *lead);
            standing.leads.extend(leads);
        }
    }
}

/// Every due date that something is to be said about, within the look-back and so many days ahead; and what was put off,
/// whenever it was due.
fn candidates(book: &Book, settings: &Settings, snoozes: &[Snooze], ahead: i32) -> Vec<Candidate> {
    let (from, to) = (shifted(book.today, -LOOK_BACK_DAYS), shifted(book.today, ahead));
    let mut found = Vec::new();
    for bill in book.all() {
        let mut occurrences = book.occurrences(bill, from, to);
        for snooze in snoozes.iter().filter(|snooze| snooze.bill == bill.id) {
            if occurrences.iter().all(|occurrence| occurrence.due_on != snooze.due_on) {
                occurrences.extend(book.occurrence(bill, snooze.due_on));
            }
        }
        for occurrence in occurrences {
            let ordered = occurrence.payment.filter(|_| settings.tell_of_payments);
            let ordered = ordered.and_then(|id| book.payments.iter().find(|row| row.order.id == id));
            let mut candidate = Candidate::new(&occurrence, bill, ordered.map(|row| row.made_at));
            if bill.is_of_card() && !settings.remind_days.is_empty() {
                // Nobody chose the days of this one.
                candidate.remind_days.clone_from(&settings.remind_days);
            }
            found.push(candidate);
        }
    }
    found
}

const fn goes_out_on(candidate: &Candidate) -> Option<Date> {
    match candidate.need {
        Need::GoesOut { on, .. } => Some(on),
        Need::Person | Need::Nothing => None,
    }
}

/// The day on which a due date falls, which the person may have moved.
fn falls_on(book: &Book, bill: BillId, due_on: Date) -> Date {
    let occurrence = book.bill_or_card(bill).and_then(|bill| book.occurrence(bill, due_on));
    occurrence.map_or(due_on, |occurrence| occurrence.falls_on)
}

/// A notice of that lead still says what is so.
fn still_so(book: &Book, lead: &Lead) -> bool {
    let occurrence = book.bill_or_card(lead.bill).and_then(|bill| book.occurrence(bill, lead.due_on));
    let occurrence = occurrence.filter(|occurrence| occurrence.falls_on == lead.falls_on);
    occurrence.is_some_and(|occurrence| match lead.turn {
        Turn::Before(_) | Turn::Late(_) => occurrence.needs_person(),
        Turn::GoesOut => occurrence.state == OccurrenceState::Scheduled,
    })
}

const fn goes_out(turn: Turn) -> bool {
    matches!(turn, Turn::GoesOut)
}

const fn lead_delivered(delivery: &Delivery) -> Lead {
    Lead { bill: delivery.bill, due_on: delivery.due_on, falls_on: delivery.falls_on, turn: delivery.turn }
}

const fn delivery_of(lead: &Lead, at: Timestamp) -> Delivery {
    Delivery { bill: lead.bill, due_on: lead.due_on, falls_on: lead.falls_on, turn: lead.turn, at, shown_at: None }
}

/// `{bill}/{due day}/{day it falls on}/{turn}`: what comes back with the person's answer.
fn notice_id(lead: &Lead) -> String {
    format!("{}/{}/{}/{}", lead.bill, lead.due_on, lead.falls_on, lead.turn)
}

fn lead_of(id: &str) -> Option<Lead> {
    let mut parts = id.split('/');
    let lead = Lead {
        bill: parts.next()?.parse().ok()?,
        due_on: parts.next()?.parse().ok()?,
        falls_on: parts.next()?.parse().ok()?,
        turn: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(lead)
}

/// The notices of a plan with what each stands for.
fn notices(desk: &Desk, language: Language, unseen: &[Delivery]) -> Vec<(Notice, Standing)> {
    let details = desk.settings.details_in_notifications;
    let about = |leads: Vec<Lead>, amount: Option<Money>| Standing {
        leads,
        names: details,
        amount: amount.filter(|_| details),
        ..Standing::default()
    };
    let left = |reminder: &Reminder| {
        let bill = desk.book.bill_or_card(reminder.bill)?;
        desk.book.occurrence(bill, reminder.due_on).map(|occurrence| occurrence.left)
    };
    let mut found: Vec<(Notice, Standing)> = desk
        .plan
        .show
        .iter()
        .filter_map(|reminder| {
            let notice = single(desk, language, reminder)?;
            Some((notice, about(vec![reminder.lead()], left(reminder))))
        })
        .collect();
    let mut together: Vec<Lead> = desk.plan.digest.iter().map(Reminder::lead).collect();
    together.extend(unseen.iter().map(lead_delivered));
    if !together.is_empty() {
        found.push((digest(desk, language, &together), about(together, None)));
    }
    found
}

fn single(desk: &Desk, language: Language, reminder: &Reminder) -> Option<Notice> {
    let bill = desk.book.bill_or_card(reminder.bill)?;
    let occurrence = desk.book.occurrence(bill, reminder.due_on)?;
    let details = desk.settings.details_in_notifications;
    let about = words::About {
        name: &bill.name,
        left: occurrence.left,
        estimated: occurrence.estimated,
        due_on: occurrence.falls_on,
        days: reminder.days_left,
        minimum: bill.is_of_card(),
    };
    let id = notice_id(&reminder.lead());
    if reminder.turn == Turn::GoesOut {
        let on = occurrence.sends_on?;
        let days = days_between(desk.book.today, on);
        let about = words::About { left: occurrence.on_its_way, ..about };
        let row = desk.book.payments.iter().find(|row| Some(row.order.id) == occurrence.payment);
        let cover = row.map_or(Cover::Unknown, |row| desk.sources.cover(&desk.book, &row.order, on));
        let urgent = matches!(cover, Cover::Short { .. } | Cover::MethodEnds { .. });
        let terms = desk.autopays.iter().find(|one| one.of.as_uuid() == bill.id.as_uuid()).map(|one| &one.terms);
        let warned = terms.filter(|terms| terms.warns_of(occurrence.on_its_way)).and_then(|terms| terms.warn_above);
        let (title, body) = words::goes_out(language, &about, on, days, &words::Leaving { cover, warned }, details);
        return Some(Notice { id, title, body, actions: vec![NoticeAction::Open], urgent });
    }
    let (title, body) = words::due(language, &about, details);
    let mut actions = vec![NoticeAction::Open];
    if desk.book.payable(bill) || desk.book.card_of(bill).is_some() {
        actions.push(NoticeAction::Pay);
    }
    actions.push(NoticeAction::Snooze);
    if !bill.is_of_card() {
        actions.push(NoticeAction::MarkPaid);
    }
    Some(Notice { id, title, body, actions, urgent: reminder.days_left < 0 })
}

fn digest(desk: &Desk, language: Language, leads: &[Lead]) -> Notice {
    let mut dates: Vec<(Date, BillId)> =
        leads.iter().map(|lead| (falls_on(&desk.book, lead.bill, lead.due_on), lead.bill)).collect();
    dates.sort_unstable();
    dates.dedup();
    let line = |(day, bill): &(Date, BillId)| Some(words::line(language, &desk.book.bill_or_card(*bill)?.name, *day));
    let lines: Vec<String> = dates.iter().filter_map(line).collect();
    let all_due = leads.iter().all(|lead| lead.turn != Turn::GoesOut);
    let details = desk.settings.details_in_notifications.then_some(lines.as_slice());
    let (title, body) = words::digest(language, dates.len(), all_due, details);
    let urgent = dates.first().is_some_and(|(day, _)| all_due && *day < desk.book.today);
    Notice { id: format!("digest/{}", desk.book.today), title, body, actions: vec![NoticeAction::Open], urgent }
}
