//! The running app: one window made on demand, the tray, and what both hear about. Closing the window destroys its web
//! view; locking does so too, and another one takes its place. Quitting locks first.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Parser;
use client::Changed as ClientChanged;
use client::import::ImportOffer;
use client::lock::{LockEvent, LockReason, LockStep};
use client::status::Phase;
use serde::{Deserialize, Serialize};
use tauri::{
    AppHandle, DragDropEvent, Manager, RunEvent, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
};
use tauri_specta::Event;
use tokio::sync::broadcast;
use tokio::sync::mpsc::UnboundedSender;

use crate::cli::arguments::Arguments;
use crate::commands::CommandError;
use crate::core::{Core, any_change, nap_for};
use crate::failure::Failure;
use crate::os::notify::Answers as Answered;
use crate::os::session::{self, SessionEvent};
use crate::owner::{Answers, Call, Outcome};
use crate::{Window, cli, commands, os, tray};

/// A window that did not open is tried again after so long. Where none ever opened it ends after so many tries.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(2);
const FIRST_TRIES_MAX: u32 = 5;
/// Changes within this time are told together.
const TELL_AFTER: Duration = Duration::from_millis(50);

/// Something that a screen shows is different: read it again. The number only grows.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type, Event)]
#[tauri_specta(event_name = "changed")]
pub struct Changed(pub u32);

/// The browser part of a sign-in ended.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type, Event)]
#[tauri_specta(event_name = "sign_in")]
pub struct SignIn {
    pub done: bool,
    pub error: Option<CommandError>,
    /// Of keys that were made for this sign-in: shown this once.
    pub recovery_key: Option<String>,
}

/// A dropped file was read; it waits for the person's word.
#[derive(Clone, Debug, Serialize, specta::Type, Event)]
#[tauri_specta(event_name = "import_offered")]
pub struct ImportOffered(pub ImportOffer);

/// The window should go to this path.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type, Event)]
#[tauri_specta(event_name = "open_screen")]
pub struct OpenScreen(pub String);

/// What the app remembers beside the core.
#[derive(Default)]
pub struct Shell {
    changes: AtomicU32,
    /// Counts the windows, of which there is one at a time. Each has a name of its own, so that one which is still on its
    /// way out never stands for the one that came after it.
    window: AtomicU32,
    /// A lock began: the window that shows data stays hidden until another one takes its place.
    locking: AtomicBool,
    quitting: AtomicBool,
    /// It ends because no window ever opened.
    without_window: Arc<AtomicBool>,
    tries: Mutex<Tries>,
    page: Mutex<Page<Told>>,
}

/// How opening windows went.
#[derive(Default)]
struct Tries {
    ever_opened: bool,
    failed: u32,
}

impl Tries {
    fn opened(&mut self) {
        *self = Self { ever_opened: true, failed: 0 };
    }

    /// True where another try is worth it: a system that showed one before shows one again.
    fn fail(&mut self) -> bool {
        self.failed = self.failed.saturating_add(1);
        self.ever_opened || self.failed < FIRST_TRIES_MAX
    }
}

/// The page in the window, which hears nothing before it listens, and is thrown away with what it was only just told.
struct Page<T> {
    listens: bool,
    /// What no page said yet that it heard, in the order in which it is told.
    unheard: VecDeque<T>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { listens: false, unheard: VecDeque::new() }
    }
}

impl<T> Page<T> {
    /// Keeps it until it is heard; given back where a page is there to be told at once.
    fn say(&mut self, what: T) -> Option<&T> {
        self.unheard.push_back(what);
        if self.listens { self.unheard.back() } else { None }
    }

    /// A page listens from now on: it is told all of this.
    fn listen(&mut self) -> impl Iterator<Item = &T> {
        self.listens = true;
        self.unheard.iter()
    }

    /// It heard what it was told first.
    fn hear(&mut self) {
        if self.listens {
            self.unheard.pop_front();
        }
    }

    /// Another page takes its place.
    fn leave(&mut self) {
        self.listens = false;
    }
}

/// Something that nobody says twice.
struct Told {
    tell: Box<dyn Fn(&AppHandle) + Send>,
    /// It goes with the lock.
    of_open_copy: bool,
}

impl Shell {
    fn page(&self) -> std::sync::MutexGuard<'_, Page<Told>> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the app until the person quits. A window system that does not start, or shows no window, is a failure.
pub(crate) fn run(runtime: &tokio::runtime::Runtime, window: Window, hidden: bool) -> Result<u8, Failure> {
    tauri::async_runtime::set(runtime.handle().clone());
    let Window { owner, core, answers, screen } = window;
    let builder = commands::builder();
    let handler = builder.invoke_handler();
    let kept = Arc::clone(&core);
    let shell = Shell::default();
    let without_window = Arc::clone(&shell.without_window);
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .manage(Arc::clone(&core))
        .manage(shell)
        .invoke_handler(handler)
        .setup(move |app| {
            builder.mount_events(app);
            let app = app.handle().clone();
            core.will_stay();
            tray::set_up(&app);
            tauri::async_runtime::spawn(follow_changes(app.clone(), Arc::clone(&core)));
            tauri::async_runtime::spawn(follow_session(app.clone(), Arc::clone(&core)));
            tauri::async_runtime::spawn(os::theme::follow(app.clone()));
            tauri::async_runtime::spawn(answer_notices(app.clone(), Arc::clone(&core), answers));
            tauri::async_runtime::spawn(Arc::clone(&core).keep_in_step());
            tauri::async_runtime::spawn(quit_on_signal(app.clone()));
            let with_window = Arc::new(WithWindow { app: app.clone(), core: Arc::clone(&core) });
            tauri::async_runtime::spawn(async move { owner.serve(with_window).await });
            if !hidden {
                show(&app, screen.as_deref());
            }
            Ok(())
        });
    let app = match started(|| built.build(tauri::generate_context!())) {
        Ok(app) => app,
        Err(why) => {
            runtime.block_on(kept.close());
            return Err(no_window(&why));
        }
    };
    let code = app.run_return(|app, event| match event {
        // The last window closed: the tray stays. Quitting gives a code.
        RunEvent::ExitRequested { code: None, api, .. } if !app.state::<Shell>().quitting.load(Ordering::SeqCst) => {
            api.prevent_exit();
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => show(app, None),
        // Some systems end the program right after this, whatever was to come behind it.
        RunEvent::Exit => tauri::async_runtime::block_on(app.state::<Arc<Core>>().close()),
        _ => {}
    });
    runtime.block_on(kept.close());
    if without_window.load(Ordering::SeqCst) {
        return Err(no_window("no window opened"));
    }
    Ok(u8::try_from(code).unwrap_or(1))
}

/// Starts the window system, whose libraries end some troubles with a panic.
fn started<T>(start: impl FnOnce() -> tauri::Result<T>) -> Result<T, String> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(start)) {
        Ok(built) => built.map_err(|error| error.to_string()),
        Err(_) => Err("one of its libraries failed".to_owned()),
    }
}

fn no_window(why: &str) -> Failure {
    Failure::refused(
        "no_window",
        format!("the window system did not start: {why}"),
        "see that the system's web view is installed (WebKitGTK on Linux, WebView2 on Windows); the commands work \
         without it: see `billfold help`",
    )
}

// ---- the window ----------------------------------------------------------------------------------------------------

/// Brings the window up, at `path` when one is given.
pub fn show(app: &AppHandle, path: Option<&str>) {
    if let Some(window) = window(app) {
        // While a lock is under way it shows what nobody should see any more; the one that replaces it shows itself.
        if !app.state::<Shell>().locking.load(Ordering::SeqCst) {
            let _ = window.unminimize();
            let _ = window.show();
            let _ = window.set_focus();
        }
        if let Some(path) = path {
            tell_page(OpenScreen(path.to_owned()), app);
        }
        return;
    }
    let page = PathBuf::from(path.map_or(FIRST_PAGE, |path| path.trim_start_matches('/')));
    on_main_thread(app, move |app| make(app, page));
}

const FIRST_PAGE: &str = "index.html";

/// The window, where one is open.
fn window(app: &AppHandle) -> Option<WebviewWindow> {
    app.get_webview_window(&name_of(app.state::<Shell>().window.load(Ordering::SeqCst)))
}

fn name_of(number: u32) -> String {
    format!("main-{number}")
}

/// Windows are made on the main thread; this may run on it already, so it is not waited for.
fn on_main_thread(app: &AppHandle, opens: impl FnOnce(&AppHandle) -> tauri::Result<()> + Send + 'static) {
    let kept = app.clone();
    let asked = app.run_on_main_thread(move || {
        let opened = opens(&kept);
        let shell = kept.state::<Shell>();
        let mut tries = shell.tries.lock().unwrap_or_else(PoisonError::into_inner);
        match opened {
            Ok(()) => tries.opened(),
            Err(error) => {
                tracing::error!(%error, "the window did not open");
                if tries.fail() {
                    open_again(kept.clone());
                } else {
                    shell.without_window.store(true, Ordering::SeqCst);
                    quit(&kept);
                }
            }
        }
    });
    if let Err(error) = asked {
        tracing::error!(%error, "the window did not open");
    }
}

fn open_again(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(OPEN_AGAIN_AFTER).await;
        show(&app, None);
    });
}

fn make(app: &AppHandle, page: PathBuf) -> tauri::Result<()> {
    if window(app).is_some() {
        return Ok(());
    }
    app.state::<Shell>().page().leave();
    let number = app.state::<Shell>().window.fetch_add(1, Ordering::SeqCst) + 1;
    let window = WebviewWindowBuilder::new(app, name_of(number), WebviewUrl::App(page))
        .title("Billfold")
        .inner_size(1200.0, 800.0)
        .min_inner_size(640.0, 480.0)
        // The window shows Billfold's own pages and nothing else.
        .on_navigation(|url| matches!(url.scheme(), "tauri") || url.host_str() == Some("tauri.localhost"))
        .build()?;
    os::webview::draw_plainly(&window);
    let (told, core) = (app.clone(), Arc::clone(&app.state::<Arc<Core>>()));
    tauri::async_runtime::spawn(async move { tray::refresh(&told, &core).await });
    let app = app.clone();
    window.on_window_event(move |event| match event {
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => {
            if let Some(path) = paths.first() {
                tauri::async_runtime::spawn(offer_import(app.clone(), path.clone()));
            }
        }
        WindowEvent::Focused(true) => app.state::<Arc<Core>>().touch(),
        _ => {}
    });
    Ok(())
}

/// Reads a dropped file and shows what keeping it would mean.
async fn offer_import(app: AppHandle, path: PathBuf) {
    let core = Arc::clone(&app.state::<Arc<Core>>());
    match core.client.import().offer(&path).await {
        Ok(offer) => tell_once(ImportOffered(offer), true, &app),
        // The import screen reads the file again and explains what is wrong with it.
        Err(error) => tell_page(OpenScreen(format!("/import?refused={}", error.code)), &app),
    }
}

/// The person locks it: the tray, or a key.
pub fn lock(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let core = Arc::clone(&app.state::<Arc<Core>>());
        let step = core.hear(LockEvent::ByHand);
        take_step(&app, &core, step).await;
    });
}

/// Does what the lock machine wants.
async fn take_step(app: &AppHandle, core: &Core, step: LockStep) {
    match step {
        LockStep::Nothing => {}
        LockStep::CatchUp => core.woke(),
        LockStep::Lock(reason) => lock_for(app, core, reason).await,
    }
}

/// Locks, and lets a window that is open come back with the lock screen in a new web view. Nothing is seen meanwhile.
async fn lock_for(app: &AppHandle, core: &Core, reason: LockReason) {
    let closings = core.client.closings();
    if let Some(window) = window(app) {
        app.state::<Shell>().locking.store(true, Ordering::SeqCst);
        let _ = window.hide();
    }
    if let Err(failure) = core.lock_for(reason).await {
        tracing::error!(code = failure.code, "locking failed");
    }
    if core.client.closings() == closings {
        // Nobody was signed in, so that the window holds nothing and nobody replaces it.
        app.state::<Shell>().locking.store(false, Ordering::SeqCst);
        if window(app).is_some() {
            show(app, None);
        }
    }
}

/// A new web view holds nothing of what the old one showed.
fn renew_window(app: &AppHandle) {
    {
        let shell = app.state::<Shell>();
        let mut page = shell.page();
        page.leave();
        page.unheard.retain(|told| !told.of_open_copy);
    }
    on_main_thread(app, |app| {
        let old = window(app);
        // From here on the old one is no window of ours, whether or not it goes at once.
        app.state::<Shell>().window.fetch_add(1, Ordering::SeqCst);
        let done = match &old {
            Some(old) => old.destroy().and_then(|()| make(app, PathBuf::from(FIRST_PAGE))),
            None => Ok(()),
        };
        app.state::<Shell>().locking.store(false, Ordering::SeqCst);
        done
    });
}

pub fn sync(app: &AppHandle) {
    let core = Arc::clone(&app.state::<Arc<Core>>());
    core.touch();
    tauri::async_runtime::spawn(async move {
        if let Err(failure) = core.sync().await {
            tracing::info!(code = failure.code, "a sync by hand failed");
        }
    });
}

/// As its own button closes it.
pub fn to_tray(app: &AppHandle) {
    if let Some(window) = window(app)
        && let Err(error) = window.close()
    {
        tracing::error!(%error, "the window stays");
    }
}

pub fn quit(app: &AppHandle) {
    app.state::<Shell>().quitting.store(true, Ordering::SeqCst);
    // What is shown goes at once; closing the copy takes a moment.
    if let Some(window) = window(app) {
        let _ = window.hide();
    }
    app.exit(0);
}

/// Tells a page that listens; who comes later reads everything anew.
fn tell(event: &(impl Event + Serialize + Clone), app: &AppHandle) {
    if let Err(error) = event.emit(app) {
        tracing::warn!(%error, "the window was not told");
    }
}

/// Tells the page what nobody says twice: at once, or as soon as one listens; and the next page again, until one heard it.
pub fn tell_page(event: impl Event + Serialize + Clone + Send + 'static, app: &AppHandle) {
    tell_once(event, false, app);
}

fn tell_once(event: impl Event + Serialize + Clone + Send + 'static, of_open_copy: bool, app: &AppHandle) {
    let shell = app.state::<Shell>();
    let mut page = shell.page();
    if of_open_copy && app.state::<Arc<Core>>().client.phase() != Phase::Ready {
        return;
    }
    // Told under the lock, so that it is heard in the order in which it is kept.
    if let Some(told) = page.say(Told { tell: Box::new(move |app| tell(&event, app)), of_open_copy }) {
        (told.tell)(app);
    }
}

/// The page of this window listens from now on. One that is on its way out does not count.
pub fn page_listens(window: &str, app: &AppHandle) {
    let shell = app.state::<Shell>();
    let mut page = shell.page();
    if is_current(window, &shell) {
        page.listen().for_each(|told| (told.tell)(app));
    }
}

/// The page of this window heard one more of what is said once.
pub fn page_heard(window: &str, app: &AppHandle) {
    let shell = app.state::<Shell>();
    let mut page = shell.page();
    if is_current(window, &shell) {
        page.hear();
    }
}

fn is_current(window: &str, shell: &Shell) -> bool {
    window == name_of(shell.window.load(Ordering::SeqCst))
}

// ---- what goes on beside the window ----------------------------------------------------------------------------------

/// Tells the window and the tray when something is different.
async fn follow_changes(app: AppHandle, core: Arc<Core>) {
    let mut events = core.client.events();
    let mut closings = core.client.closings();
    loop {
        tray::refresh(&app, &core).await;
        match events.recv().await {
            Ok(ClientChanged::Book | ClientChanged::Status) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
        tokio::time::sleep(TELL_AFTER).await;
        while events.try_recv().is_ok() {}
        let number = app.state::<Shell>().changes.fetch_add(1, Ordering::SeqCst) + 1;
        core.told_screens();
        tell(&Changed(number), &app);
        // However it was locked, or signed out by another device: the window has to forget, too.
        let now = core.client.closings();
        if now != closings {
            renew_window(&app);
        }
        closings = now;
    }
}

/// Locks with the computer, and when nothing is done for a while.
async fn follow_session(app: AppHandle, core: Arc<Core>) {
    let mut events = session::watch();
    let mut heard = true;
    let mut changes = core.client.events();
    loop {
        let (step, nap) = core.look().await;
        take_step(&app, &core, step).await;
        tokio::select! {
            event = events.recv(), if heard => match event {
                // What holds the computer awake is let go when it is locked.
                Some(SessionEvent { what, awake }) => {
                    let step = core.hear(what);
                    take_step(&app, &core, step).await;
                    drop(awake);
                }
                None => heard = false,
            },
            // Opened, locked, or with other settings: the next look may be at another time.
            () = any_change(&mut changes) => {}
            () = nap_for(nap) => {}
        }
    }
}

/// The session ends, or someone stops the program: that is quitting, too.
async fn quit_on_signal(app: AppHandle) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            quit(&app);
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_ok() {
        quit(&app);
    }
}

/// Does what the person chose on a notice.
async fn answer_notices(app: AppHandle, core: Arc<Core>, mut answers: Answered) {
    while let Some(answer) = answers.recv().await {
        if let Some(screen) = core.act_on(answer).await {
            show(&app, Some(&screen));
        }
        core.send_soon().await;
    }
}

/// How the app answers other processes.
struct WithWindow {
    app: AppHandle,
    core: Arc<Core>,
}

impl Answers for WithWindow {
    async fn answer(&self, call: Call, say: UnboundedSender<String>) -> Option<Outcome> {
        if self.app.state::<Shell>().quitting.load(Ordering::SeqCst) {
            return None;
        }
        let arguments = Arguments::try_parse_from(&call.argv);
        if let Ok(Arguments { command: None, hidden, .. }) = arguments {
            if !hidden {
                show(&self.app, None);
            }
            return Some(Outcome::default());
        }
        Some(cli::run(&self.core, call, say).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_never_showed_a_window_is_given_up_and_any_other_is_not() {
        let mut tries = Tries::default();
        assert_eq!((1..=FIRST_TRIES_MAX).filter(|_| tries.fail()).count(), 4);
        let mut tries = Tries::default();
        tries.opened();
        assert!((0..100).all(|_| tries.fail()));
    }

    #[test]
    fn a_window_system_that_panics_or_refuses_is_said_with_what_to_do() {
        let panicked = started::<()>(|| panic!("no display"));
        assert_eq!(panicked, Err("one of its libraries failed".to_owned()));
        let refused = started::<()>(|| Err(tauri::Error::WebviewNotFound));
        let failure = no_window(&refused.unwrap_err());
        assert_eq!((failure.code.as_str(), failure.exit), ("no_window", 1));
        assert!(failure.message.starts_with("the window system did not start: ") && failure.next.contains("WebKitGTK"));
    }

    #[test]
    fn what_is_said_once_is_told_to_each_page_until_one_heard_it() {
        let mut page = Page::default();
        assert_eq!(page.say("loading"), None, "nobody listens");
        page.hear();
        assert_eq!(
            page.listen().copied().collect::<Vec<_>>(),
            ["loading"],
            "a page that does not listen hears nothing"
        );
        assert_eq!(page.say("at once"), Some(&"at once"));
        page.hear();
        // Thrown away before it heard the second.
        page.leave();
        page.say("meanwhile");
        assert_eq!(page.listen().copied().collect::<Vec<_>>(), ["at once", "meanwhile"]);
        page.hear();
        page.hear();
        page.hear();
        page.leave();
        assert_eq!(page.listen().count(), 0, "and to no other");
    }
}
