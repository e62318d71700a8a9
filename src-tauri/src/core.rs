//! One opened data folder, as the window and the command line both use it: the client, its embedded server, and what
//! belongs to the desktop around them. Translates; the client decides.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::import::ImportReport;
use client::lock::{LockEvent, LockMachine, LockReason, LockStep};
use client::platform::{Notice, Ports, SystemClock};
use client::reminders::{Acted, TimerState};
use client::sign_in::{Connect, LocalRequest, REPLACED, SignInStarted};
use client::status::{Phase, Place, StatusView};
use client::vault::{Protect, RecoveryKey, Typed, TypedKeys};
use client::{Changed, Client};
use domain::ids::AccountId;
use domain::time::Clock;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast};
use zeroize::Zeroizing;

use crate::embedded::{Embedded, EmbeddedError};
use crate::failure::Failure;
use crate::os;
use crate::os::clipboard::{self, Clipboard};
use crate::os::notify::{Answer, Answers};
use crate::os::session::{self, SessionEvent};
use crate::os::timer::ReminderTimer;
use crate::os::viewer::Viewer;
use crate::screens;

pub struct Core {
    pub client: Client,
    pub embedded: Embedded,
    pub viewer: Viewer,
    clipboard: Arc<Clipboard<arboard::Clipboard>>,
    typed: TypedKeys,
    pub timer: ReminderTimer,
    /// An account on this computer waits for its first passkey.
    half_made: AtomicBool,
    /// This process goes on until the person quits.
    stays: AtomicBool,
    ending: AtomicBool,
    machine: Mutex<LockMachine>,
    told_at: AtomicI64,
}

/// After a screen was told to read again, its reading is not the person's doing.
const RE_READ_SECONDS: i64 = 3;
/// The looks at the clock while it is open.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);
const LOOK_AGAIN_WITHIN: Duration = Duration::from_secs(60);
/// The clipboard may be another program's, which is not waited for longer.
const CLIPBOARD_WITHIN: Duration = Duration::from_secs(1);
/// Quitting waits no longer, whatever hangs: what is not sent is in the outbox, and the keys go with the process.
const QUIT_WITHIN: Duration = Duration::from_secs(15);

impl Core {
    pub async fn open(data: &Path, ports: Ports) -> Result<Arc<Self>, Failure> {
        let opened = Client::open(data, ports).await?;
        let program = std::env::current_exe().map_err(|_| Failure::system("this program's own file is not known"))?;
        let core = Arc::new(Self {
            viewer: Viewer::new(opened.client.folder().viewer()),
            timer: ReminderTimer {
                program,
                data: std::path::absolute(data).unwrap_or_else(|_| data.to_path_buf()),
                usual: os::data_dir().is_some_and(|usual| usual == data),
            },
            clipboard: Arc::default(),
            typed: TypedKeys::default(),
            client: opened.client,
            embedded: Embedded::default(),
            half_made: AtomicBool::new(false),
            stays: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            machine: Mutex::default(),
            told_at: AtomicI64::new(0),
        });
        // Without its server the app still opens: everything is readable, and changes wait.
        if let Err(failure) = core.start_server().await {
            tracing::warn!(code = failure.code, "the account server on this computer did not start");
        }
        Ok(core)
    }

    /// The window system runs: this process is more than a command.
    pub fn will_stay(&self) {
        self.stays.store(true, Ordering::SeqCst);
    }

    #[must_use]
    pub fn stays(&self) -> bool {
        self.stays.load(Ordering::SeqCst)
    }

    /// Starts the embedded server when the account is on this computer and unlocked.
    pub async fn start_server(&self) -> Result<(), Failure> {
        let here = matches!(self.client.place()?, Some(Place::ThisComputer));
        if here && self.client.phase() == Phase::Ready {
            self.embedded.start(&self.client).await?;
        }
        Ok(())
    }

    /// An account on this computer without a browser. Gives the recovery key, which is shown once.
    pub async fn start_here(&self, name: &str, passphrase: Option<Zeroizing<String>>) -> Result<String, Failure> {
        let protect = passphrase.map_or(Protect::Keyring, Protect::Passphrase);
        let recovery = self.client.create(protect, Place::ThisComputer).await?;
        if let Err(failure) = self.sign_in_here(name).await {
            self.unmake().await?;
            return Err(failure);
        }
        // The directory of billers and who is signed in: there from the first screen on.
        self.send_soon().await;
        Ok(recovery.expose().as_str().to_owned())
    }

    async fn sign_in_here(&self, name: &str) -> Result<(), Failure> {
        self.embedded.start(&self.client).await?;
        let embedded = &self.embedded;
        let grant = async |request: LocalRequest| {
            let account = crate::embedded::LocalAccount {
                holder: request.holder,
                name: name.to_owned(),
                device_name: request.device_name,
                dpop_jkt: request.dpop_jkt,
                code_challenge: request.code_challenge,
                redirect_uri: request.redirect_uri,
            };
            embedded.let_in(account).await.map_err(Failure::from)
        };
        self.client.sign_in().local(&os::device_name(), grant).await
    }

    /// Signs out: the account leaves this computer, its server keeps what it has. Refused for an account of this computer,
    /// and while something is not sent that the person does not give up.
    pub async fn sign_out(&self, discard: bool) -> Result<(), Failure> {
        self.client.sign_out(discard).await?;
        self.viewer.clear();
        self.clear_clipboard().await;
        self.embedded.stop(&self.client).await;
        Ok(())
    }

    /// Tells the lock machine what happened, and gives what it wants done.
    #[must_use]
    pub fn hear(&self, event: LockEvent) -> LockStep {
        let at = SystemClock.now();
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        // Keys come and go at several places: the client is asked rather than followed.
        let open = self.client.phase() == Phase::Ready;
        if open != machine.is_open() {
            let _ = machine.take(if open { LockEvent::Opened } else { LockEvent::Closed }, at);
        }
        machine.take(event, at)
    }

    /// Locks, because the person wants it.
    pub async fn lock(&self) -> Result<(), Failure> {
        match self.hear(LockEvent::ByHand) {
            LockStep::Lock(reason) => self.lock_for(reason).await,
            LockStep::Nothing | LockStep::CatchUp => Ok(()),
        }
    }

    /// Closes everything that shows data: the keys leave memory, the embedded server ends.
    pub async fn lock_for(&self, reason: LockReason) -> Result<(), Failure> {
        self.viewer.clear();
        self.typed.forget();
        self.embedded.stop(&self.client).await;
        let locked = self.client.lock_for(reason).await;
        // Whoever asked it for something before the keys were gone may have started it anew.
        self.embedded.stop(&self.client).await;
        self.clear_clipboard().await;
        // A statement that was on its way to the viewer when it began.
        self.viewer.clear();
        Ok(locked?)
    }

    /// Copies what must not lie about. It goes after a moment, or with the lock.
    pub async fn copy_for_a_moment(&self, text: Zeroizing<String>) -> Result<(), Failure> {
        let board = Arc::clone(&self.clipboard);
        let copied = tokio::task::spawn_blocking(move || board.put(text, clipboard::system)).await;
        let Ok(Ok(copy)) = copied else {
            return Err(Failure::refused(
                "clipboard_refused",
                "this session's clipboard does not take it",
                "write it down, or print it",
            ));
        };
        let board = Arc::clone(&self.clipboard);
        tokio::spawn(async move {
            tokio::time::sleep(clipboard::STAYS).await;
            tokio::task::spawn_blocking(move || board.end(copy)).await
        });
        Ok(())
    }

    /// A clipboard that does not answer must not hold up the lock.
    async fn clear_clipboard(&self) {
        let board = Arc::clone(&self.clipboard);
        let clearing = tokio::task::spawn_blocking(move || board.clear());
        if tokio::time::timeout(CLIPBOARD_WITHIN, clearing).await.is_err() {
            tracing::warn!("the clipboard does not answer");
        }
    }

    /// A key for one text that is typed in the window.
    pub fn typed_key(&self) -> Result<String, Failure> {
        self.typed.make().map_err(|_| Failure::system("this system gives no chance to make a key from"))
    }

    /// What was typed in the window, which crossed sealed.
    pub fn typed(&self, typed: &Typed) -> Result<Zeroizing<String>, Failure> {
        self.typed.open(typed).map_err(|_| Failure::system("what was typed did not come through"))
    }

    pub async fn unlock(&self, passphrase: Option<Zeroizing<String>>) -> Result<(), Failure> {
        self.client.unlock(passphrase).await?;
        self.opened().await;
        Ok(())
    }

    /// The person opened it. Without its server it is open all the same; what asks the server says what is wrong with it.
    async fn opened(&self) {
        let _ = self.hear(LockEvent::Opened);
        if let Err(failure) = self.start_server().await {
            tracing::warn!(code = failure.code, "the account server on this computer did not start");
        }
    }

    /// Opens with the recovery key and protects anew.
    pub async fn repair(&self, recovery: RecoveryKey, protect: Protect) -> Result<(), Failure> {
        self.embedded.stop(&self.client).await;
        self.client.repair(recovery, protect).await?;
        self.opened().await;
        Ok(())
    }

    /// Brings everything up to date now, when the server can be reached.
    pub async fn sync(&self) -> Result<(), Failure> {
        self.start_server().await?;
        let done = self.client.sync().now().await;
        if done.is_err() && self.sign_in_here_again().await {
            return Ok(self.client.sync().now().await?);
        }
        Ok(done?)
    }

    /// What the window shows: an account that nobody signed in to yet is still being made.
    pub async fn status(&self) -> Result<StatusView, Failure> {
        let mut view = self.client.status().await?;
        if self.client.is_unfinished()? {
            view.phase = Phase::Welcome;
            view.locked = false;
        }
        Ok(view)
    }

    /// The person did something: the idle lock begins anew.
    pub fn touch(&self) {
        if now() - self.told_at.load(Ordering::Relaxed) >= RE_READ_SECONDS {
            let _ = self.hear(LockEvent::Used);
        }
    }

    /// Screens are about to read again by themselves.
    pub fn told_screens(&self) {
        self.told_at.store(now(), Ordering::Relaxed);
    }

    /// A look at the clock: whether nothing was done for as long as the settings say.
    /// And how long until the next look is worth it: while it is closed, none is.
    pub async fn look(&self) -> (LockStep, Option<Duration>) {
        if self.client.phase() != Phase::Ready {
            return (self.hear(LockEvent::Closed), None);
        }
        // Settings that cannot be read never keep it open.
        let idle_minutes = self.client.settings().await.unwrap_or_default().lock_after_minutes;
        let step = self.hear(LockEvent::Looked { idle_minutes });
        let machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let left = machine.looks_at(idle_minutes).map(|at| at.duration_since(SystemClock.now()));
        // A lock that failed is asked for again soon; a sleep that nobody told of is noticed within a minute.
        let nap =
            left.map(|left| left.try_into().unwrap_or(LOOK_AGAIN_AFTER).clamp(LOOK_AGAIN_AFTER, LOOK_AGAIN_WITHIN));
        (step, nap)
    }

    /// Locks for the last time, within `QUIT_WITHIN`. Who asks again is not waited for.
    pub async fn close(self: &Arc<Self>) {
        if self.ending.swap(true, Ordering::SeqCst) {
            return;
        }
        let core = Arc::clone(self);
        // By itself, so that a thread that stands still is none that waits here.
        let closing = tokio::spawn(async move {
            let reason = match core.hear(LockEvent::Ends) {
                LockStep::Lock(reason) => reason,
                LockStep::Nothing | LockStep::CatchUp => LockReason::Ended,
            };
            if let Err(failure) = core.lock_for(reason).await {
                tracing::warn!(code = failure.code, "closing was not clean");
            }
        });
        if tokio::time::timeout(QUIT_WITHIN, closing).await.is_err() {
            tracing::warn!("it ends without what hangs");
        }
    }

    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.timer.data.clone()
    }
}

/// What goes over to the client's sign-in, sync, import and reminders.
impl Core {
    /// Begins a sign-in at a server: the address is open in the browser, or comes back to be opened by hand.
    pub async fn connect(
        &self,
        url: &str,
        create: bool,
        open_browser: bool,
        protect: Protect,
    ) -> Result<SignInStarted, Failure> {
        let wish = Connect { url: url.to_owned(), create, open_browser, protect, device_name: os::device_name() };
        Ok(self.client.sign_in().begin(wish).await?)
    }

    /// Waits until the browser came back, or the person gave up. Gives the recovery key of keys that were made for it,
    /// before anything is fetched: signed in is signed in.
    pub async fn finish_connect(&self) -> Result<Option<String>, Failure> {
        let finished = self.client.sign_in().finish().await;
        // What was half made for one that is replaced is gone on with.
        let replaced = finished.as_ref().is_err_and(|error| error.code == REPLACED);
        let half_made = !replaced && self.half_made.swap(false, Ordering::SeqCst);
        let recovery = match finished {
            Ok(recovery) => recovery,
            Err(error) => {
                if half_made {
                    self.unmake().await?;
                }
                return Err(error.into());
            }
        };
        Ok(recovery.map(|key| key.expose().as_str().to_owned()))
    }

    /// An account on this computer, with a passkey made in the browser.
    pub async fn start_with_passkey(&self, name: &str) -> Result<SignInStarted, Failure> {
        self.client.create(Protect::Keyring, Place::ThisComputer).await?;
        let begun = self.begin_here(name).await;
        match &begun {
            Ok(_) => self.half_made.store(true, Ordering::SeqCst),
            Err(_) => {
                self.half_made.store(false, Ordering::SeqCst);
                self.unmake().await?;
            }
        }
        begun
    }

    async fn begin_here(&self, name: &str) -> Result<SignInStarted, Failure> {
        self.embedded.start(&self.client).await?;
        Ok(self.client.sign_in().begin_here(name, &os::device_name()).await?)
    }

    /// Takes back an account of this computer that nobody ever signed in to: it would stand in the way of the next try.
    async fn unmake(&self) -> Result<(), Failure> {
        self.embedded.stop(&self.client).await;
        self.client.wipe().await?;
        Ok(self.embedded.erase(&self.client)?)
    }

    pub async fn import_file(
        &self,
        file: &Path,
        into: Option<AccountId>,
        preview: bool,
    ) -> Result<ImportReport, Failure> {
        let report = self.client.import().file(file, into, preview).await?;
        if !preview {
            self.send_soon().await;
        }
        Ok(report)
    }

    /// Sends what waits, when the server can be reached. A command that changed something has done so either way.
    pub async fn send_soon(&self) {
        self.client.sync().soon().await;
        if self.sign_in_here_again().await {
            self.client.sync().soon().await;
        }
    }

    /// An account on this computer whose session ended (nobody was here for weeks) is let in again by whoever opened the
    /// copy: the server is in this process, and its database opens by the same keys. True when it was.
    async fn sign_in_here_again(&self) -> bool {
        let Ok(status) = self.client.status().await else { return false };
        let here = status.place == Some(Place::ThisComputer) && status.phase == Phase::Ready;
        // Without a name nobody was ever signed in here: the account is still being made.
        if !here || status.signed_in || status.name.is_none() {
            return false;
        }
        match self.sign_in_here("").await {
            Ok(()) => true,
            Err(failure) => {
                tracing::warn!(code = failure.code, "the account on this computer could not be signed in again");
                false
            }
        }
    }

    /// Shows what is to be reminded now, each once; with `dry_run` only says what.
    pub async fn remind(&self, dry_run: bool) -> Result<Vec<Notice>, Failure> {
        Ok(self.client.reminders().run_once(dry_run).await?)
    }

    /// Does what the person chose on a notice; read and closed is an answer, too. Gives the screen that it leads to.
    pub async fn act_on(&self, answer: Answer) -> Option<String> {
        let reminders = self.client.reminders();
        let acted = match answer {
            Answer::Chosen { id, action } => {
                self.touch();
                reminders.act(&id, action).await
            }
            Answer::Dismissed { id } => reminders.seen(&id).await.map(|()| Acted::Done),
            Answer::Gone { id } => {
                reminders.gone(&id);
                Ok(Acted::Done)
            }
        };
        match acted {
            Ok(acted) => screens::after(&acted),
            Err(error) => {
                tracing::info!(code = error.code, "a notice's button could not do it");
                // What it could not do is shown where it can be done.
                Some(screens::DUE.to_owned())
            }
        }
    }

    /// Does what is chosen on notices for as long as something else runs, and gives the screen that the last of it leads to.
    /// Both go on side by side: an answer may come while the work holds what the answer needs, and one that has begun is
    /// done before the work's end is told.
    pub async fn answering<T>(&self, answers: &mut Answers, work: impl Future<Output = T>) -> (T, Option<String>) {
        let over = Notify::new();
        let working = async {
            let done = work.await;
            over.notify_one();
            done
        };
        let acting = async {
            let mut screen = None;
            loop {
                let answer = tokio::select! {
                    biased;
                    () = over.notified() => return screen,
                    Some(answer) = answers.recv() => answer,
                };
                screen = self.act_on(answer).await.or(screen);
                self.send_soon().await;
            }
        };
        tokio::join!(working, acting)
    }

    /// Keeps the copy up to date and reminds, for as long as the app runs.
    pub async fn keep_in_step(self: Arc<Self>) {
        let client = self.client.clone();
        let (sync, reminders) = (client.sync(), client.reminders());
        tokio::join!(sync.run(), reminders.run(), self.stay_signed_in());
    }

    async fn stay_signed_in(&self) {
        let mut events = self.client.events();
        while let Ok(_) | Err(RecvError::Lagged(_)) = events.recv().await {
            if self.sign_in_here_again().await {
                self.client.wake();
            }
        }
    }

    /// The computer woke up: clocks and networks may be different.
    pub fn woke(&self) {
        self.client.wake();
    }

    /// After `billfold remind`: reminds for as long as something that it showed stands unanswered, locks as a window would,
    /// and leaves when another Billfold wants the folder. Gives the screen on which the person wants to go on, where there
    /// is a desktop to open it on: this process is then the one to open it.
    pub async fn answer_notices(self: &Arc<Self>, answers: &mut Answers, leave: &Notify) -> Option<String> {
        // By itself: what it holds while it waits is needed here too.
        let in_step = tokio::spawn(Arc::clone(self).keep_in_step());
        let screen = self.hear_answers(answers, leave).await;
        in_step.abort();
        let _ = in_step.await;
        screen
    }

    async fn hear_answers(&self, answers: &mut Answers, leave: &Notify) -> Option<String> {
        let (mut events, mut changes) = (session::watch(), self.client.events());
        let mut heard = true;
        while self.client.reminders().standing() > 0 {
            let (mut step, nap) = self.look().await;
            let mut hold = None;
            if step == LockStep::Nothing {
                tokio::select! {
                    answer = answers.recv() => {
                        if let Some(screen) = self.act_on(answer?).await.filter(|_| os::has_display()) {
                            return Some(screen);
                        }
                        self.send_soon().await;
                    }
                    event = events.recv(), if heard => match event {
                        Some(SessionEvent { what, awake }) => (step, hold) = (self.hear(what), awake),
                        None => heard = false,
                    },
                    // What stands may be settled by now, or it was opened, or locked.
                    () = any_change(&mut changes) => {}
                    () = nap_for(nap) => {}
                    () = leave.notified() => return None,
                }
            }
            self.take(step).await;
            // What holds the computer awake is let go when it is locked.
            drop(hold);
        }
        None
    }

    /// Does what the lock machine wants where there is no window.
    async fn take(&self, step: LockStep) {
        match step {
            LockStep::Nothing => {}
            LockStep::CatchUp => self.woke(),
            LockStep::Lock(reason) => {
                if let Err(failure) = self.lock_for(reason).await {
                    tracing::warn!(code = failure.code, "locking failed");
                }
            }
        }
    }
}

/// Waits until the client says that something is different. A burst of changes is one change.
pub async fn any_change(changes: &mut broadcast::Receiver<Changed>) {
    match changes.recv().await {
        Ok(_) | Err(RecvError::Lagged(_)) => {}
        Err(RecvError::Closed) => std::future::pending().await,
    }
    while changes.try_recv().is_ok() {}
}

/// What the system does for this data folder. Its tools are waited for off the async threads.
impl Core {
    pub async fn timer_state(&self) -> TimerState {
        let timer = self.timer.clone();
        let asked = tokio::task::spawn_blocking(move || timer.state()).await;
        asked.unwrap_or_else(|_| TimerState::NotHere { why: "the system's timer did not answer".to_owned() })
    }

    pub async fn set_timer(&self, on: bool) -> Result<(), Failure> {
        let timer = self.timer.clone();
        let done = tokio::task::spawn_blocking(move || timer.set(on)).await;
        let done = done.unwrap_or_else(|_| Err("the system's timer did not answer".to_owned()));
        let next = "leave Billfold running: it reminds by itself while it runs";
        done.map_err(|why| Failure::refused("timer_not_here", why, next))
    }

    pub async fn set_autostart(&self, on: bool) -> Result<(), Failure> {
        let timer = self.timer.clone();
        let done = tokio::task::spawn_blocking(move || os::autostart::set(on, &timer.program, &timer.data)).await;
        done.unwrap_or_else(|_| Err("the system did not answer".to_owned())).map_err(Failure::system)?;
        let mut settings = self.client.settings().await?;
        settings.start_hidden_at_sign_in = on;
        Ok(self.client.set_settings(settings).await?)
    }
}

/// Until it is worth a look at the clock again.
pub async fn nap_for(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

fn now() -> i64 {
    SystemClock.now().as_second()
}

impl From<EmbeddedError> for Failure {
    fn from(error: EmbeddedError) -> Self {
        match error {
            EmbeddedError::Client(error) => error.into(),
            EmbeddedError::Files(_) => Self::system(error.to_string()),
            EmbeddedError::Start(_) | EmbeddedError::NotRunning => Self {
                code: "server_unreachable".to_owned(),
                message: error.to_string(),
                next: "run `billfold check`, then try again".to_owned(),
                exit: 4,
            },
            EmbeddedError::DatabaseGone => Self {
                code: "server_data_gone".to_owned(),
                message: error.to_string(),
                next: "put server/server.sqlite back into the data folder, from a backup or from where it was moved"
                    .to_owned(),
                exit: 4,
            },
            EmbeddedError::Refused(_) => Self {
                code: "sign_in_refused".to_owned(),
                message: error.to_string(),
                next: "correct the name and try again".to_owned(),
                exit: 1,
            },
        }
    }
}
