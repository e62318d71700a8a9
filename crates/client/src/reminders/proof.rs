//! The proof that reminders come (RE5): what was delivered, what comes next, why none, and a test that goes the whole way.
//! A test takes the very steps of a reminder and stops where one of them fails; it concerns no bill, and nothing stays of
//! it but its outcome.

use std::collections::HashSet;
use std::time::Duration;

use domain::bills::Bill;
use domain::ids::BillId;
use domain::reminders::{Candidate, Lead, Need, Plan, Preferences, Turn, coming, plan};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    Desk, Reminders, Standing, candidates, falls_on, goes_out, lead_delivered, lead_of, list, notice_id, words,
};
use crate::book::shifted;
use crate::cache::reminders as rows;
use crate::cache::state;
use crate::client::Changed;
use crate::error::ClientError;
use crate::platform::{Notice, NoticeAction};
use crate::status::{Phase, Protection};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RemindersView {
    /// The system's own timer runs `billfold remind` while the app is closed.
    pub timer: TimerState,
    /// Newest first, at most 50.
    pub delivered: Vec<DeliveredView>,
    pub next: Option<NextReminderView>,
    /// What comes of each due date, `next` first; at most 20.
    pub coming: Vec<NextReminderView>,
    /// Why none will come, when none will.
    pub why_none: Option<WhyNone>,
    /// Bills of which none is coming, by name, with the reason of each.
    pub silent: Vec<SilentView>,
    /// Due to be shown, and waiting for the end of the quiet hours.
    pub held: u32,
    /// The last test of the whole way.
    pub test: Option<ReminderTestView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum WhyNone {
    NoBills,
    /// No bill has a reminder.
    NoReminders,
    /// Nothing that is still to be paid has a reminder ahead.
    NothingToPay,
}

impl WhyNone {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoBills => "there are no bills yet",
            Self::NoReminders => "no bill has a reminder",
            Self::NothingToPay => "nothing that is still to be paid has a reminder ahead",
        }
    }
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
    /// The due date that names it.
    #[specta(type = String)]
    pub due_on: Date,
    /// The day it is due.
    #[specta(type = String)]
    pub falls_on: Date,
    #[specta(type = String)]
    pub at: Timestamp,
    /// Negative when it was late by then.
    pub days_before: i16,
    /// It told of a payment that goes out by itself.
    pub goes_out: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct NextReminderView {
    pub bill: BillId,
    pub name: String,
    /// The due date that names it.
    #[specta(type = String)]
    pub due_on: Date,
    /// The day it is due.
    #[specta(type = String)]
    pub falls_on: Date,
    #[specta(type = String)]
    pub at: Timestamp,
    /// It will tell of a payment that goes out by itself.
    pub goes_out: bool,
}

/// Why no reminder of one bill is coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum WhySilent {
    /// Its owner wants none.
    NoReminders,
    Paused,
    /// Its rule gives no more dates, and none is left to be paid.
    Ended,
    /// Its next date is further off than reminders are worked out for.
    FarOff,
    /// Every date ahead is paid, skipped or on its way.
    Settled,
    /// All reminders of its open dates were shown or answered.
    Told,
}

impl WhySilent {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoReminders => "it has no reminders",
            Self::Paused => "it is paused",
            Self::Ended => "it has no more dates",
            Self::FarOff => "its next date is far off",
            Self::Settled => "its dates are paid, skipped or on their way",
            Self::Told => "all of its reminders were shown or answered",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SilentView {
    pub bill: BillId,
    pub name: String,
    pub why: WhySilent,
}

/// How far one test came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ReminderTestView {
    /// Stands for a bill in the record; there is no such bill.
    pub id: BillId,
    #[specta(type = String)]
    pub at: Timestamp,
    /// The last step that was done; none when the first one failed.
    pub reached: Option<TestStep>,
    /// Where it stopped, and why. Absent: it came through, or an answer is still waited for.
    pub stopped: Option<TestStop>,
    /// What came back of the notice.
    pub answer: Option<TestAnswer>,
}

/// The steps of a reminder, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum TestStep {
    /// The rules gave the moment, with the hour and the quiet hours of the settings.
    Planned,
    /// It stands in the record of deliveries, and the list for a closed Billfold is in order.
    Recorded,
    /// The system took the notice.
    Shown,
    /// The person's answer to the notice came back.
    Answered,
}

impl TestStep {
    pub const ALL: [Self; 4] = [Self::Planned, Self::Recorded, Self::Shown, Self::Answered];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Recorded => "recorded",
            Self::Shown => "shown",
            Self::Answered => "answered",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct TestStop {
    /// The step that was not done.
    pub step: TestStep,
    pub why: String,
    /// What helps.
    pub next: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TestAnswer {
    /// A button of it was pressed, or the notice itself.
    Button { action: NoticeAction },
    /// It was closed by hand.
    Closed,
}

const DELIVERED_SHOWN: usize = 50;
const COMING_SHOWN: usize = 20;
/// The name of the notice of a test; no bill's begins so.
const TEST: &str = "test/";

/// A notice of a test.
pub(super) fn is_test(id: &str) -> bool {
    id.starts_with(TEST)
}

impl Reminders {
    pub async fn view(&self, timer: TimerState) -> Result<RemindersView, ClientError> {
        let desk = self.desk().await?;
        let test = self.last_test().await?;
        let name = |id: BillId| desk.book.bill_or_card(id).map(|bill| bill.name.clone());
        let seen =
            desk.delivered.iter().filter(|delivery| delivery.shown_at.is_some_and(|at| at > Timestamp::UNIX_EPOCH));
        let delivered = seen
            .filter_map(|delivery| {
                Some(DeliveredView {
                    bill: delivery.bill,
                    name: name(delivery.bill)?,
                    due_on: delivery.due_on,
                    falls_on: falls_on(&desk.book, delivery.bill, delivery.due_on),
                    at: delivery.shown_at?,
                    days_before: if goes_out(delivery.turn) { 1 } else { delivery.turn.number() },
                    goes_out: goes_out(delivery.turn),
                })
            })
            .take(DELIVERED_SHOWN)
            .collect();
        let far = candidates(&desk.book, &desk.settings, &desk.snoozes, list::DAYS);
        let comes = coming(&far, &desk.preferences, &desk.known(&far), &desk.snoozes, self.0.now());
        let shown = |(at, lead): &(Timestamp, Lead)| {
            Some(NextReminderView {
                bill: lead.bill,
                name: name(lead.bill)?,
                due_on: lead.due_on,
                falls_on: falls_on(&desk.book, lead.bill, lead.due_on),
                at: *at,
                goes_out: goes_out(lead.turn),
            })
        };
        let next = comes.first().and_then(shown);
        let heard: HashSet<BillId> = comes.iter().map(|(_, lead)| lead.bill).collect();
        let quiet = desk.book.bills.iter().filter(|bill| !heard.contains(&bill.id));
        let silent =
            quiet.map(|bill| SilentView { bill: bill.id, name: bill.name.clone(), why: why_silent(&desk, bill) });
        Ok(RemindersView {
            timer,
            delivered,
            why_none: next.is_none().then(|| why_none(&desk)),
            next,
            silent: silent.collect(),
            coming: comes.iter().filter_map(shown).take(COMING_SHOWN).collect(),
            held: u32::try_from(desk.plan.held).unwrap_or(u32::MAX),
            test,
        })
    }

    /// When a reminder was shown last, and when the next one comes.
    pub(crate) async fn last_and_next(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), ClientError> {
        let desk = self.desk().await?;
        let shown = desk.delivered.iter().filter_map(|delivery| delivery.shown_at);
        Ok((shown.filter(|at| *at > Timestamp::UNIX_EPOCH).max(), desk.plan.next_at))
    }

    /// Takes the whole way of a reminder now, as far as the notice on the desktop; `test_answered` is the last step.
    pub async fn test(&self) -> Result<ReminderTestView, ClientError> {
        let desk = self.desk().await?;
        let bill = self.0.fresh(BillId::new);
        let mut test = ReminderTestView { id: bill, at: self.0.now(), reached: None, stopped: None, answer: None };
        let stopped = self.take_steps(&desk, &mut test).await;
        test.stopped = stopped.err();
        let test = self.keep_test(test).await?;
        // What is left of it in the record concerns no bill.
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                rows::forget_bill(&mut tx, bill).await?;
                Ok(tx.commit().await?)
            })
            .await?;
        self.0.tell(Changed::Book);
        Ok(test)
    }

    async fn take_steps(&self, desk: &Desk, test: &mut ReminderTestView) -> Result<(), TestStop> {
        let (planned, lead) =
            planned(test.id, desk.book.today, &desk.preferences, test.at).ok_or_else(|| TestStop {
                step: TestStep::Planned,
                why: "the rules give no moment for a reminder".to_owned(),
                next: "look at the hour of reminders and the quiet hours in the settings".to_owned(),
            })?;
        test.reached = Some(TestStep::Planned);
        let failed = |step| move |error: ClientError| TestStop { step, why: error.message, next: error.next };
        if !self.record_test(&planned, lead).await.map_err(failed(TestStep::Recorded))? {
            return Err(TestStop {
                step: TestStep::Recorded,
                why: "the record of reminders does not keep what is written to it".to_owned(),
                next: "run `billfold check`".to_owned(),
            });
        }
        test.reached = Some(TestStep::Recorded);
        self.keep_test(test.clone()).await.map_err(failed(TestStep::Recorded))?;
        let (title, body) = words::test(self.0.0.ports.language.now());
        let actions = vec![NoticeAction::Open, NoticeAction::Pay, NoticeAction::Snooze, NoticeAction::MarkPaid];
        let notice = Notice { id: format!("{TEST}{}", notice_id(&lead)), title, body, actions, urgent: false };
        self.put_up(&notice, Standing::default()).await.map_err(|error| TestStop {
            step: TestStep::Shown,
            why: error.why,
            next: "switch notifications on for Billfold in the system's settings; `billfold check` says whether a \
                   notification service answers"
                .to_owned(),
        })?;
        self.note_shown(&[lead]).await.map_err(failed(TestStep::Shown))?;
        test.reached = Some(TestStep::Shown);
        Ok(())
    }

    /// Recorded as every reminder is, and read back; the list for a closed Billfold is written and read back, too.
    async fn record_test(&self, planned: &Plan, lead: Lead) -> Result<bool, ClientError> {
        self.record(planned).await?;
        let kept = self.0.with(async |open| rows::deliveries(open.cache.readers()).await).await?;
        let stands = kept.iter().any(|delivery| lead_delivered(delivery) == lead && delivery.shown_at.is_none());
        self.write_due_list().await?;
        let on_disk = self.0.open_now()?.vault().header().mode() != Protection::Memory;
        Ok(stands && (!on_disk || self.read_list().await?.is_some()))
    }

    /// The answer to the notice of a test came back: the whole way works.
    pub(super) async fn test_answered(&self, id: &str, answer: TestAnswer) -> Result<(), ClientError> {
        self.dismiss(id).await?;
        // While it is locked nothing can be kept; the test is simply not answered.
        if self.0.phase() != Phase::Ready {
            return Ok(());
        }
        let of = id.strip_prefix(TEST).and_then(lead_of).map(|lead| lead.bill);
        let last = self.last_test().await?.filter(|test| Some(test.id) == of);
        let Some(mut test) = last else { return Ok(()) };
        (test.reached, test.answer) = (Some(TestStep::Answered), Some(answer));
        self.keep_test(test).await?;
        self.0.tell(Changed::Book);
        Ok(())
    }

    /// The last test once its answer is there, or as it stands when the time is over.
    pub async fn test_outcome(&self, within: Duration) -> Result<Option<ReminderTestView>, ClientError> {
        let mut events = self.0.events();
        let answered = async {
            loop {
                let test = self.last_test().await?;
                if test.as_ref().is_none_or(|test| test.answer.is_some() || test.stopped.is_some()) {
                    return Ok::<_, ClientError>(test);
                }
                // Whatever was missed is read anew above.
                let _ = events.recv().await;
            }
        };
        match tokio::time::timeout(within, answered).await {
            Ok(test) => test,
            Err(_) => self.last_test().await,
        }
    }

    async fn last_test(&self) -> Result<Option<ReminderTestView>, ClientError> {
        self.0.with(async |open| state::find(open.cache.readers(), state::REMINDER_TEST).await).await
    }

    /// Keeps how far it came. An answer may have come before the showing was noted, and stays.
    async fn keep_test(&self, test: ReminderTestView) -> Result<ReminderTestView, ClientError> {
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                let before: Option<ReminderTestView> = state::find(&mut *tx, state::REMINDER_TEST).await?;
                let answered = before.filter(|before| before.id == test.id && before.answer.is_some());
                let kept = answered.unwrap_or_else(|| test.clone());
                state::put(&mut *tx, state::REMINDER_TEST, &kept).await?;
                tx.commit().await?;
                self.0.save_own(open).await;
                Ok(kept)
            })
            .await
    }
}

/// What the rules say of a bill that is due tomorrow and reminds the day before: its plan at the moment it comes.
fn planned(bill: BillId, today: Date, preferences: &Preferences, now: Timestamp) -> Option<(Plan, Lead)> {
    let tomorrow = shifted(today, 1);
    let candidate = Candidate { bill, due_on: tomorrow, falls_on: tomorrow, need: Need::Person, remind_days: vec![1] };
    let nothing = HashSet::new();
    let at = |now| plan(std::slice::from_ref(&candidate), preferences, &nothing, &[], now);
    let due = |plan: Plan| {
        let lead = plan.show.first().map(domain::reminders::Reminder::lead)?;
        Some((plan, lead))
    };
    let soon = at(now);
    let later = soon.next_at;
    due(soon).or_else(|| due(at(later?))).filter(|(_, lead)| matches!(lead.turn, Turn::Before(_)))
}

/// Why no reminder lies ahead.
fn why_none(desk: &Desk) -> WhyNone {
    let mut bills = desk.book.all().peekable();
    if bills.peek().is_none() {
        WhyNone::NoBills
    } else if bills.all(|bill| bill.remind_days.is_empty()) {
        WhyNone::NoReminders
    } else {
        WhyNone::NothingToPay
    }
}

fn why_silent(desk: &Desk, bill: &Bill) -> WhySilent {
    let today = desk.book.today;
    if bill.remind_days.is_empty() {
        return WhySilent::NoReminders;
    }
    if bill.is_paused_on(today) {
        return WhySilent::Paused;
    }
    let near =
        desk.book.occurrences(bill, shifted(today, -domain::reminders::LOOK_BACK_DAYS), shifted(today, list::DAYS));
    if near.iter().any(domain::bills::Occurrence::needs_person) {
        return WhySilent::Told;
    }
    if near.iter().any(|one| one.falls_on >= today) {
        return WhySilent::Settled;
    }
    let ahead = bill.dates(today, Date::MAX).next();
    if ahead.is_some() { WhySilent::FarOff } else { WhySilent::Ended }
}
