//! Reminders from this device: what was delivered, what comes next, and why none.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::BillId;
use domain::reminders::{Candidate, LOOK_AHEAD_DAYS, LOOK_BACK_DAYS, Lead, Plan, Preferences, Reminder, Snooze, plan};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::bills::MarkAs;
use crate::book::{Book, days_between, shifted};
use crate::cache::CacheError;
use crate::cache::reminders::{self as rows, Delivery};
use crate::client::{Changed, Client, blocking, lock};
use crate::error::ClientError;
use crate::folder;
use crate::payments::PayBill;
use crate::platform::{Notice, NoticeAction, Secret, SecretKind, SecretName, random};
use crate::seal::{SealKey, derive, seal, unseal};
use crate::settings::Settings;
use crate::status::{Phase, Protection};
use crate::vault::{Header, VaultError};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RemindersView {
    /// The system's own timer runs `billfold remind` while the app is closed.
    pub timer: TimerState,
    pub delivered: Vec<DeliveredView>,
    pub next: Option<NextReminderView>,
    /// Why none will come, in plain words, when none will.
    pub why_none: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TimerState {
    On,
    Off,
    /// This system has none that Billfold can use; the reason.
    NotHere {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct DeliveredView {
    pub bill: BillId,
    pub name: String,
    #[specta(type = String)]
    pub due_on: Date,
    #[specta(type = String)]
    pub at: Timestamp,
    pub days_before: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct NextReminderView {
    pub bill: BillId,
    pub name: String,
    #[specta(type = String)]
    pub due_on: Date,
    #[specta(type = String)]
    pub at: Timestamp,
}

/// Sleeping is never longer, so that a suspend or a changed clock is noticed by the wall clock.
const NAP_MAX: Duration = Duration::from_secs(60);
const DELIVERED_SHOWN: usize = 50;
/// How far ahead the list of due days reaches that is readable while locked.
const LIST_DAYS: i32 = 120;
const LIST_PURPOSE: &[u8] = b"billfold due list";

#[derive(Clone)]
pub struct Reminders(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn reminders(&self) -> Reminders {
        Reminders(self.clone())
    }
}

/// Everything a run is worked out from, read at one moment.
struct Desk {
    book: Book,
    settings: Settings,
    preferences: Preferences,
    delivered: Vec<Delivery>,
    snoozes: Vec<Snooze>,
    plan: Plan,
}

impl Reminders {
    pub async fn view(&self, timer: TimerState) -> Result<RemindersView, ClientError> {
        let desk = self.desk().await?;
        let name = |id: BillId| desk.book.bill(id).map(|bill| bill.name.clone());
        let seen =
            desk.delivered.iter().filter(|delivery| delivery.shown_at.is_some_and(|at| at > Timestamp::UNIX_EPOCH));
        let delivered = seen
            .filter_map(|delivery| {
                Some(DeliveredView {
                    bill: delivery.bill,
                    name: name(delivery.bill)?,
                    due_on: delivery.due_on,
                    at: delivery.shown_at?,
                    days_before: delivery.lead,
                })
            })
            .take(DELIVERED_SHOWN)
            .collect();
        let next = desk.plan.next_at.zip(desk.plan.next).and_then(|(at, lead)| {
            Some(NextReminderView { bill: lead.bill, name: name(lead.bill)?, due_on: lead.due_on, at })
        });
        let why_none = next.is_none().then(|| why_none(&desk.book));
        Ok(RemindersView { timer, delivered, next, why_none })
    }

    /// Shows what is due to be shown, each once. With `dry_run` it only says what, and records nothing. While locked,
    /// the list of due days speaks, without names.
    pub async fn run_once(&self, dry_run: bool) -> Result<Vec<Notice>, ClientError> {
        match self.0.phase() {
            Phase::Welcome => Err(ClientError::no_account()),
            Phase::Locked => self.run_locked(dry_run).await,
            Phase::Ready => self.run_open(dry_run).await,
        }
    }

    /// Reminds for as long as the app runs.
    pub async fn run(&self) {
        let mut events = self.0.events();
        loop {
            let mut nap = NAP_MAX;
            match self.run_once(false).await {
                Ok(_) => nap = self.until_next().await.unwrap_or(NAP_MAX).min(NAP_MAX),
                Err(error) if error.code == "no_account" => {}
                Err(error) => tracing::warn!(code = error.code, "reminders wait"),
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

    /// Does what the person chose on a notice.
    pub async fn act(&self, id: &str, action: NoticeAction) -> Result<(), ClientError> {
        self.dismiss(id).await?;
        let Some(lead) = lead_of(id) else {
            // A digest, or the notice of a locked Billfold: it only opens the window.
            return Ok(());
        };
        match action {
            NoticeAction::Open => Ok(()),
            NoticeAction::Snooze => self.snooze(lead.bill, lead.due_on, lead.days_before).await,
            NoticeAction::Pay | NoticeAction::MarkPaid => {
                let book = self.0.bills().book().await?;
                let bill = book.bill(lead.bill).ok_or_else(|| ClientError::not_found("bill"))?;
                let occurrence = book.occurrence(bill, lead.due_on);
                let open = occurrence.filter(domain::bills::Occurrence::needs_person);
                // Settled meanwhile, here or elsewhere: doing it again would pay twice.
                let Some(occurrence) = open else { return Ok(()) };
                if action == NoticeAction::MarkPaid {
                    return self.0.bills().mark(lead.bill, lead.due_on, MarkAs::Paid { amount: None }).await;
                }
                let order = PayBill {
                    bill: Some(lead.bill),
                    due_on: Some(lead.due_on),
                    biller: None,
                    amount: occurrence.left,
                    send_on: None,
                    duplicate_meant: false,
                };
                self.0.payments().pay_bill(order).await.map(|_| ())
            }
        }
    }

    /// Reminds of one occurrence again tomorrow, at the person's hour.
    pub async fn snooze(&self, bill: BillId, due_on: Date, days_before: u8) -> Result<(), ClientError> {
        let at = self.0.settings().await?.remind_time();
        let tomorrow = shifted(self.0.today(), 1);
        let until = tomorrow.to_datetime(at).to_zoned(self.0.0.ports.zone.zone());
        let until = until.map_err(|_| ClientError::not_found("day"))?.timestamp();
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                rows::snooze(&mut tx, bill, due_on, until).await?;
                Ok(tx.commit().await?)
            })
            .await?;
        self.dismiss(&notice_id(&Lead { bill, due_on, days_before })).await?;
        self.0.tell(Changed::Book);
        Ok(())
    }

    /// Notices of this process that stand on the desktop unanswered.
    #[must_use]
    pub fn standing(&self) -> usize {
        lock(&self.0.0.standing).len()
    }

    /// Takes back notices of occurrences that no longer need the person.
    pub(crate) async fn withdraw_settled(&self) -> Result<(), ClientError> {
        let standing: Vec<String> = lock(&self.0.0.standing).clone();
        if standing.is_empty() {
            return Ok(());
        }
        let book = self.0.bills().book().await?;
        for id in standing {
            let Some(lead) = lead_of(&id) else { continue };
            let occurrence = book.bill(lead.bill).and_then(|bill| book.occurrence(bill, lead.due_on));
            if !occurrence.is_some_and(|occurrence| occurrence.needs_person()) {
                self.dismiss(&id).await?;
            }
        }
        Ok(())
    }

    async fn dismiss(&self, id: &str) -> Result<(), ClientError> {
        lock(&self.0.0.standing).retain(|standing| standing != id);
        let (notifier, id) = (Arc::clone(&self.0.0.ports.notifier), id.to_owned());
        blocking(move || notifier.withdraw(&id)).await
    }

    async fn until_next(&self) -> Option<Duration> {
        let next = match self.0.phase() {
            Phase::Ready => self.desk().await.ok()?.plan.next_at?,
            Phase::Locked => {
                self.read_list().await.ok()??.into_iter().filter(|entry| !entry.shown).map(|entry| entry.at).min()?
            }
            Phase::Welcome => return None,
        };
        let left = next.duration_since(self.0.now());
        Duration::try_from(left).ok().or(Some(Duration::ZERO))
    }

    async fn desk(&self) -> Result<Desk, ClientError> {
        let here = self.0.here();
        let (book, settings, delivered, snoozes) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                let book = Book::read(&open.cache, here.clone()).await?;
                let settings = self.0.settings_now(open).await?;
                Ok((book, settings, rows::deliveries(db).await?, rows::snoozes(db).await?))
            })
            .await?;
        let preferences = Preferences { remind_at: settings.remind_time(), zone: self.0.0.ports.zone.zone() };
        let snoozes: Vec<Snooze> =
            snoozes.into_iter().map(|(bill, due_on, until)| Snooze { bill, due_on, until }).collect();
        let known: HashSet<Lead> = delivered.iter().map(lead_delivered).collect();
        let plan = plan(&candidates(&book, LOOK_AHEAD_DAYS), &preferences, &known, &snoozes, self.0.now());
        Ok(Desk { book, settings, preferences, delivered, snoozes, plan })
    }

    // ---- Open -----------------------------------------------------------------------------------------------------

    async fn run_open(&self, dry_run: bool) -> Result<Vec<Notice>, ClientError> {
        self.merge_list().await?;
        let desk = self.desk().await?;
        // Recorded, and the process ended before it was shown: named together now, so that nothing is lost.
        let unseen: Vec<Delivery> = desk
            .delivered
            .iter()
            .filter(|delivery| delivery.shown_at.is_none() && needs_person(&desk.book, delivery))
            .cloned()
            .collect();
        let notices = notices(&desk, &unseen);
        if dry_run {
            return Ok(notices.into_iter().map(|(notice, _)| notice).collect());
        }
        self.record(&desk).await?;
        let mut shown = Vec::new();
        for (notice, leads) in notices {
            if self.show(&notice).await {
                self.note_shown(&leads).await?;
                shown.push(notice);
            }
        }
        self.write_due_list().await?;
        if !shown.is_empty() {
            self.0.tell(Changed::Book);
        }
        Ok(shown)
    }

    /// Committed before anything appears. A process that ends within the moment between showing and noting that may name
    /// it once more: a bill named twice is better than one never named.
    async fn record(&self, desk: &Desk) -> Result<(), ClientError> {
        let today = desk.book.today;
        let now = self.0.now();
        let showing: Vec<&Reminder> = desk.plan.show.iter().chain(&desk.plan.digest).collect();
        if desk.plan.record.is_empty() && showing.is_empty() {
            return Ok(());
        }
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                for lead in &desk.plan.record {
                    let shows = showing.iter().any(|reminder| lead_shown(reminder) == *lead);
                    let delivery = Delivery {
                        bill: lead.bill,
                        due_on: lead.due_on,
                        lead: lead.days_before,
                        at: now,
                        // A lead that a later one replaced is settled without being shown.
                        shown_at: (!shows).then_some(Timestamp::UNIX_EPOCH),
                    };
                    rows::record(&mut tx, &delivery).await?;
                }
                for reminder in showing.iter().filter(|reminder| reminder.snoozed) {
                    rows::end_snooze(&mut tx, reminder.bill, reminder.due_on).await?;
                }
                rows::forget_old(&mut tx, today).await?;
                Ok(tx.commit().await?)
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

    async fn show(&self, notice: &Notice) -> bool {
        let (notifier, showing) = (Arc::clone(&self.0.0.ports.notifier), notice.clone());
        let shown = blocking(move || notifier.show(&showing)).await;
        match shown {
            Ok(Ok(())) => {
                let mut standing = lock(&self.0.0.standing);
                standing.retain(|id| *id != notice.id);
                standing.push(notice.id.clone());
                true
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "a reminder could not be shown; the next run names it");
                false
            }
            Err(_) => false,
        }
    }

    // ---- Locked, or the app closed --------------------------------------------------------------------------------

    async fn run_locked(&self, dry_run: bool) -> Result<Vec<Notice>, ClientError> {
        let Some(mut list) = self.read_list().await? else { return Ok(Vec::new()) };
        let now = self.0.now();
        let due: Vec<Date> =
            list.iter().filter(|entry| !entry.shown && entry.at <= now).map(|entry| entry.due_on).collect();
        let Some(first) = due.iter().min() else { return Ok(Vec::new()) };
        let days: HashSet<Date> = due.iter().copied().collect();
        let title = match (due.len(), days.len()) {
            (1, _) => format!("1 payment is due {}", when(days_between(self.0.today(), *first))),
            (count, 1) => format!("{count} payments are due {}", when(days_between(self.0.today(), *first))),
            (count, _) => format!("{count} payments are due soon"),
        };
        let notice = Notice {
            id: format!("due/{}", now.as_second()),
            title,
            body: "Open Billfold to see them.".to_owned(),
            actions: vec![NoticeAction::Open],
        };
        if dry_run {
            return Ok(vec![notice]);
        }
        for entry in list.iter_mut().filter(|entry| entry.at <= now) {
            entry.shown = true;
        }
        self.save_list(&list).await?;
        Ok(if self.show(&notice).await { vec![notice] } else { Vec::new() })
    }

    /// Days on which something is due, for runs without the keys: opaque ids and days, no names, no amounts.
    pub(crate) async fn write_due_list(&self) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        if open.vault().header().mode() == Protection::Memory {
            return Ok(());
        }
        let desk = self.desk().await?;
        let key = self.list_key(true).await?.ok_or_else(ClientError::locked)?;
        let known: HashSet<Lead> = desk.delivered.iter().map(lead_delivered).collect();
        let snoozed =
            |bill, due_on| desk.snoozes.iter().find(|s| s.bill == bill && s.due_on == due_on).map(|s| s.until);
        let mut list = Vec::new();
        for (lead, at) in leads(&desk.book, &desk.preferences) {
            if !known.contains(&lead) {
                let at = snoozed(lead.bill, lead.due_on).map_or(at, |until| until.max(at));
                list.push(ListEntry { id: opaque(&key, &lead), due_on: lead.due_on, at, shown: false });
            }
        }
        list.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        if self.read_list().await?.as_ref() == Some(&list) {
            return Ok(());
        }
        self.save_list(&list).await
    }

    /// What was shown while locked counts as delivered.
    async fn merge_list(&self) -> Result<(), ClientError> {
        let Some(list) = self.read_list().await? else { return Ok(()) };
        let shown: HashSet<&str> = list.iter().filter(|entry| entry.shown).map(|entry| entry.id.as_str()).collect();
        if shown.is_empty() {
            return Ok(());
        }
        let Some(key) = self.list_key(false).await? else { return Ok(()) };
        let desk = self.desk().await?;
        let now = self.0.now();
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                for (lead, _) in leads(&desk.book, &desk.preferences) {
                    if shown.contains(opaque(&key, &lead).as_str()) {
                        rows::record(&mut tx, &Delivery { shown_at: Some(now), ..delivery_of(&lead, now) }).await?;
                    }
                }
                Ok(tx.commit().await?)
            })
            .await
    }

    async fn read_list(&self) -> Result<Option<Vec<ListEntry>>, ClientError> {
        let Some(sealed) = folder::read(&self.0.0.folder.due())? else { return Ok(None) };
        let Some(key) = self.list_key(false).await? else { return Ok(None) };
        // A list that does not read is written anew at the next unlocking.
        let plain = unseal(&key, LIST_PURPOSE, &sealed).ok();
        Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
    }

    async fn save_list(&self, list: &[ListEntry]) -> Result<(), ClientError> {
        let Some(key) = self.list_key(true).await? else { return Ok(()) };
        let plain = serde_json::to_vec(list).map_err(|_| CacheError::Damaged)?;
        let sealed =
            seal(&key, LIST_PURPOSE, &plain, self.0.0.ports.chance.as_ref()).map_err(|_| CacheError::Damaged)?;
        Ok(folder::replace(&self.0.0.folder.due(), &sealed)?)
    }

    /// The list's own key: in the keyring; where there is none, in a file for its owner alone, since a reminder must
    /// come without the passphrase. What it guards is days, nothing else.
    async fn list_key(&self, make: bool) -> Result<Option<SealKey>, ClientError> {
        if let Some(key) = lock(&self.0.0.list_key).clone() {
            return Ok(Some(key));
        }
        let client = self.0.clone();
        let key = blocking(move || list_key(&client, make)).await??;
        lock(&self.0.0.list_key).clone_from(&key);
        Ok(key)
    }
}

fn list_key(client: &Client, make: bool) -> Result<Option<SealKey>, ClientError> {
    let (folder, ports) = (&client.0.folder, &client.0.ports);
    let Some(header) = Header::find(folder)? else { return Ok(None) };
    let name = SecretName { vault: header.id(), kind: SecretKind::DueList };
    let in_keyring = header.mode().has_keyring();
    let kept = if in_keyring {
        let found = ports.secrets.find(name).map_err(VaultError::from)?;
        found.map(|secret| secret.expose().to_vec())
    } else {
        folder::read(&folder.due_key())?
    };
    if let Some(bytes) = kept {
        return Ok(<[u8; 32]>::try_from(bytes).ok().map(SealKey::new));
    }
    if !make {
        return Ok(None);
    }
    let key = SealKey::new(random(ports.chance.as_ref()));
    if in_keyring {
        ports.secrets.put(name, &Secret::new(key.to_vec())).map_err(VaultError::from)?;
    } else {
        folder::replace(&folder.due_key(), key.as_slice())?;
    }
    Ok(Some(key))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ListEntry {
    id: String,
    due_on: Date,
    at: Timestamp,
    shown: bool,
}

fn opaque(key: &SealKey, lead: &Lead) -> String {
    let text = notice_id(lead);
    data_encoding::HEXLOWER.encode(&derive(key.as_slice(), text.as_bytes(), b"billfold due id")[..16])
}

fn candidates(book: &Book, ahead: i32) -> Vec<Candidate> {
    let (from, to) = (shifted(book.today, -LOOK_BACK_DAYS), shifted(book.today, ahead));
    let of_bill = |bill| {
        let all = book.occurrences(bill, from, to);
        all.into_iter().map(move |occurrence| Candidate::new(&occurrence, bill))
    };
    book.bills.iter().flat_map(of_bill).collect()
}

/// Every lead of what needs the person, with its instant.
fn leads(book: &Book, preferences: &Preferences) -> Vec<(Lead, Timestamp)> {
    let mut found = Vec::new();
    for candidate in candidates(book, LIST_DAYS).iter().filter(|candidate| candidate.needs_person) {
        for days_before in &candidate.remind_days {
            let day = shifted(candidate.falls_on, -i32::from(*days_before));
            let lead = Lead { bill: candidate.bill, due_on: candidate.due_on, days_before: *days_before };
            if let Ok(at) = day.to_datetime(preferences.remind_at).to_zoned(preferences.zone.clone()) {
                found.push((lead, at.timestamp()));
            }
        }
    }
    found
}

fn needs_person(book: &Book, delivery: &Delivery) -> bool {
    let occurrence = book.bill(delivery.bill).and_then(|bill| book.occurrence(bill, delivery.due_on));
    occurrence.is_some_and(|occurrence| occurrence.needs_person())
}

const fn lead_delivered(delivery: &Delivery) -> Lead {
    Lead { bill: delivery.bill, due_on: delivery.due_on, days_before: delivery.lead }
}

const fn lead_shown(reminder: &Reminder) -> Lead {
    Lead { bill: reminder.bill, due_on: reminder.due_on, days_before: reminder.days_before }
}

const fn delivery_of(lead: &Lead, at: Timestamp) -> Delivery {
    Delivery { bill: lead.bill, due_on: lead.due_on, lead: lead.days_before, at, shown_at: None }
}

/// `{bill}/{due day}/{days before}`: what comes back with the person's answer.
fn notice_id(lead: &Lead) -> String {
    format!("{}/{}/{}", lead.bill, lead.due_on, lead.days_before)
}

fn lead_of(id: &str) -> Option<Lead> {
    let mut parts = id.split('/');
    let lead = Lead {
        bill: parts.next()?.parse().ok()?,
        due_on: parts.next()?.parse().ok()?,
        days_before: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(lead)
}

/// The notices of a plan with the leads each stands for.
fn notices(desk: &Desk, unseen: &[Delivery]) -> Vec<(Notice, Vec<Lead>)> {
    let mut found: Vec<(Notice, Vec<Lead>)> = desk
        .plan
        .show
        .iter()
        .filter_map(|reminder| Some((single(desk, reminder)?, vec![lead_shown(reminder)])))
        .collect();
    let mut together: Vec<Lead> = desk.plan.digest.iter().map(lead_shown).collect();
    together.extend(unseen.iter().map(lead_delivered));
    if !together.is_empty() {
        found.push((digest(desk, &together), together));
    }
    found
}

fn single(desk: &Desk, reminder: &Reminder) -> Option<Notice> {
    let bill = desk.book.bill(reminder.bill)?;
    let occurrence = desk.book.occurrence(bill, reminder.due_on)?;
    let days = days_between(desk.book.today, occurrence.falls_on);
    let about = if occurrence.estimated { "About " } else { "" };
    let (title, body) = if desk.settings.details_in_notifications {
        (
            format!("{about}{} for {}", occurrence.left, bill.name),
            format!("Due {}, on {}.", when(days), occurrence.falls_on),
        )
    } else {
        (format!("1 payment is due {}", when(days)), "Open Billfold to see it.".to_owned())
    };
    let mut actions = vec![NoticeAction::Open];
    if desk.book.payable(bill) {
        actions.push(NoticeAction::Pay);
    }
    actions.extend([NoticeAction::Snooze, NoticeAction::MarkPaid]);
    Some(Notice { id: notice_id(&lead_shown(reminder)), title, body, actions })
}

fn digest(desk: &Desk, leads: &[Lead]) -> Notice {
    let mut dates: Vec<(Date, BillId)> = leads.iter().map(|lead| (lead.due_on, lead.bill)).collect();
    dates.sort_unstable();
    dates.dedup();
    let title = match dates.len() {
        1 => "1 payment is due".to_owned(),
        count => format!("{count} payments are due"),
    };
    let lines: Vec<String> =
        dates.iter().filter_map(|(due_on, bill)| Some(format!("{}, {due_on}", desk.book.bill(*bill)?.name))).collect();
    let body =
        if desk.settings.details_in_notifications { lines.join("\n") } else { "Open Billfold to see them.".to_owned() };
    Notice { id: format!("digest/{}", desk.book.today), title, body, actions: vec![NoticeAction::Open] }
}

fn when(days: i32) -> String {
    match days {
        i32::MIN..=-2 => format!("since {} days", -days),
        -1 => "since yesterday".to_owned(),
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days"),
    }
}

fn why_none(book: &Book) -> String {
    if book.bills.is_empty() {
        return "there are no bills yet".to_owned();
    }
    if book.bills.iter().all(|bill| bill.remind_days.is_empty()) {
        return "no bill has a reminder".to_owned();
    }
    "nothing that is still to be paid has a reminder ahead".to_owned()
}
