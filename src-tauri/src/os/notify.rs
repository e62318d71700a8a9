//! Notices on the desktop with their buttons. Each shown notice waits on a thread of its own for what the person chose;
//! the answer goes to whoever holds `Answers`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use client::platform::{Language, Notice, NoticeAction, Notifier, NotifierError, Spoken};
use notify_rust::{CloseReason, Notification, NotificationHandle, NotificationResponse};
use tokio::sync::mpsc;

/// A notice (by its id) and what the person chose.
pub type Answers = mpsc::UnboundedReceiver<Answer>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Chosen {
        id: String,
        action: NoticeAction,
    },
    /// The person closed it without a choice.
    Dismissed {
        id: String,
    },
    /// It went by itself, or was taken back.
    Gone {
        id: String,
    },
}

/// Notices that wait for an answer at once; older ones keep standing, unheard.
const WAITING_MAX: usize = 64;

pub struct DesktopNotifier {
    answers: mpsc::UnboundedSender<Answer>,
    language: Spoken,
    shown: Arc<Mutex<HashMap<String, Shown>>>,
    counted: AtomicU64,
}

/// A notice that waits for its answer.
struct Shown {
    /// Tells a notice from a newer one of the same id.
    number: u64,
    standing: system::Standing,
}

impl DesktopNotifier {
    #[must_use]
    pub fn new(language: Spoken) -> (Self, Answers) {
        system::begin();
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { answers: sender, language, shown: Arc::default(), counted: AtomicU64::new(0) }, receiver)
    }
}

impl Notifier for DesktopNotifier {
    fn show(&self, notice: &Notice) -> Result<(), NotifierError> {
        self.withdraw(&notice.id);
        if lock(&self.shown).len() >= WAITING_MAX {
            return Err(NotifierError { why: "too many notices stand unanswered".to_owned() });
        }
        let notification = described(notice, self.language.now());
        // The bus is spoken to off the caller's thread, which may belong to the async runtime.
        let shown = std::thread::spawn(move || notification.show()).join();
        let handle = shown
            .map_err(|_| NotifierError { why: "the notification service did not answer".to_owned() })?
            .map_err(|error| NotifierError { why: error.to_string() })?;
        self.wait(&notice.id, handle);
        Ok(())
    }

    fn withdraw(&self, id: &str) {
        let shown = lock(&self.shown).remove(id);
        if let Some(shown) = shown {
            system::close(shown.standing);
        }
    }
}

/// Whether a notification service answers, and its name: for `billfold check`.
pub fn about() -> Result<String, String> {
    system::about()
}

impl DesktopNotifier {
    fn wait(&self, id: &str, handle: NotificationHandle) {
        let number = self.counted.fetch_add(1, Ordering::Relaxed);
        let (standing, waiting) = system::held(handle);
        lock(&self.shown).insert(id.to_owned(), Shown { number, standing });
        let (answers, shown, id) = (self.answers.clone(), Arc::clone(&self.shown), id.to_owned());
        std::thread::spawn(move || {
            let response = system::wait_for_answer(waiting);
            // A newer notice of the same id may stand there by now.
            lock(&shown).retain(|_, one| one.number != number);
            // Nobody listens any more when the program ends.
            let _ = answers.send(answer_of(id, response.as_ref()));
        });
    }
}

fn described(notice: &Notice, language: Language) -> Notification {
    let mut notification = Notification::new();
    notification.appname("Billfold").summary(&notice.title).body(&notice.body);
    for action in &notice.actions {
        notification.action(key(*action), action.label(language));
    }
    system::dress(&mut notification, notice.urgent);
    notification
}

/// The key that the service sends back: a click on the notice itself is called `default` everywhere.
const fn key(action: NoticeAction) -> &'static str {
    match action {
        NoticeAction::Open => "default",
        other => other.as_str(),
    }
}

fn answer_of(id: String, response: Option<&NotificationResponse>) -> Answer {
    match (response.and_then(chosen), response) {
        (Some(action), _) => Answer::Chosen { id, action },
        (None, Some(NotificationResponse::Closed(CloseReason::Dismissed))) => Answer::Dismissed { id },
        (None, _) => Answer::Gone { id },
    }
}

fn chosen(response: &NotificationResponse) -> Option<NoticeAction> {
    match response {
        NotificationResponse::Default => Some(NoticeAction::Open),
        NotificationResponse::Action(key) => match key.as_str() {
            "pay" => Some(NoticeAction::Pay),
            "snooze" => Some(NoticeAction::Snooze),
            "mark_paid" => Some(NoticeAction::MarkPaid),
            "default" | "open" => Some(NoticeAction::Open),
            _ => None,
        },
        NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => None,
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use std::sync::Arc;

    use notify_rust::{Hint, Notification, NotificationHandle, NotificationResponse, Timeout, Urgency};

    /// By this a notice is taken back while somebody waits for its answer.
    pub type Standing = Arc<NotificationHandle>;

    pub fn dress(notification: &mut Notification, urgent: bool) {
        notification
            .icon("billfold")
            .hint(Hint::DesktopEntry("org.billfold.desktop".to_owned()))
            .hint(Hint::Category("x-billfold.reminder".to_owned()))
            .urgency(if urgent { Urgency::Critical } else { Urgency::Normal })
            // A bill stays due: the notice stays until it is answered.
            .timeout(Timeout::Never);
    }

    pub const fn begin() {}

    pub fn held(handle: NotificationHandle) -> (Standing, Standing) {
        let handle = Arc::new(handle);
        (Arc::clone(&handle), handle)
    }

    pub fn wait_for_answer(handle: Standing) -> Option<NotificationResponse> {
        let mut answer = None;
        on_this_thread(handle.wait_for_action_async(|response| answer = Some(response.clone())));
        answer
    }

    pub fn close(handle: Standing) {
        std::thread::spawn(move || on_this_thread(handle.close_async()));
    }

    fn on_this_thread(work: impl Future<Output = ()>) {
        match tokio::runtime::Builder::new_current_thread().build() {
            Ok(runtime) => runtime.block_on(work),
            Err(error) => tracing::warn!(%error, "a notice is not waited for"),
        }
    }

    /// Whether a notification service answers, and its name.
    pub fn about() -> Result<String, String> {
        let asked = std::thread::spawn(notify_rust::get_server_information).join();
        let found = asked.map_err(|_| "the notification service did not answer".to_owned())?;
        found.map(|server| format!("{} {}", server.name, server.version)).map_err(|error| error.to_string())
    }
}

/// Here waiting takes the handle, so a notice cannot be taken back while it is waited for.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod system {
    use notify_rust::{Notification, NotificationHandle, NotificationResponse};

    pub struct Standing;

    /// Without a name a notice carries another program's. Only an installed program is known by it.
    #[cfg(target_os = "macos")]
    pub fn begin() {
        if let Err(error) = notify_rust::set_application("org.billfold.desktop") {
            tracing::info!(%error, "notices come under another name");
        }
    }

    #[cfg(not(target_os = "macos"))]
    pub const fn begin() {}

    #[cfg(windows)]
    pub fn dress(notification: &mut Notification, urgent: bool) {
        use notify_rust::{Timeout, Urgency};
        // Without a name a notice carries another program's. Only an installed program has one: of its shortcut.
        if !cfg!(debug_assertions) {
            notification.app_id("org.billfold.desktop");
        }
        notification.urgency(if urgent { Urgency::Critical } else { Urgency::Normal }).timeout(Timeout::Never);
    }

    #[cfg(not(windows))]
    pub fn dress(_: &mut Notification, _: bool) {}

    pub fn held(handle: NotificationHandle) -> (Standing, NotificationHandle) {
        (Standing, handle)
    }

    pub fn wait_for_answer(handle: NotificationHandle) -> Option<NotificationResponse> {
        let mut answer = None;
        let waited = handle.wait_for_response(|response: &NotificationResponse| answer = Some(response.clone()));
        if waited.is_err() {
            tracing::warn!("a notice is not waited for");
        }
        answer
    }

    pub fn close(_: Standing) {}

    pub fn about() -> Result<String, String> {
        Ok("the system's notifications".to_owned())
    }
}

/// A panic elsewhere does not make the list wrong.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [NoticeAction; 4] =
        [NoticeAction::Pay, NoticeAction::Snooze, NoticeAction::MarkPaid, NoticeAction::Open];

    #[test]
    fn every_button_comes_back_as_the_action_it_stands_for() {
        for action in ALL {
            assert_eq!(chosen(&NotificationResponse::Action(key(action).to_owned())), Some(action));
        }
        assert_eq!(chosen(&NotificationResponse::Default), Some(NoticeAction::Open));
        assert_eq!(chosen(&NotificationResponse::Action("other".to_owned())), None);
    }

    #[test]
    fn closing_a_notice_by_hand_is_told_from_its_going_by_itself() {
        let answer = |reason| answer_of("one".to_owned(), Some(&NotificationResponse::Closed(reason)));
        assert_eq!(answer(CloseReason::Dismissed), Answer::Dismissed { id: "one".to_owned() });
        for reason in [CloseReason::Expired, CloseReason::CloseAction, CloseReason::Other(4)] {
            assert_eq!(answer(reason), Answer::Gone { id: "one".to_owned() });
        }
        assert_eq!(answer_of("one".to_owned(), None), Answer::Gone { id: "one".to_owned() });
    }

    #[test]
    fn a_notice_carries_our_name_its_words_and_its_buttons() {
        let notice = Notice {
            id: "one".to_owned(),
            title: "$94.17 for Power, due in 4 days".to_owned(),
            body: "Mon, Nov 16".to_owned(),
            actions: vec![NoticeAction::Pay, NoticeAction::Snooze],
            urgent: false,
        };
        let made = described(&notice, Language::En);
        assert_eq!((made.appname.as_str(), made.summary.as_str()), ("Billfold", notice.title.as_str()));
        assert_eq!(made.actions, ["pay", "Pay", "snooze", "Snooze"]);
        assert_eq!(described(&notice, Language::De).actions, ["pay", "Bezahlen", "snooze", "Später"]);
    }
}
