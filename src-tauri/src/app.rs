//! The running app: one window made on demand, the tray, and what both hear about. Closing the window destroys its web
//! view; locking does so too. Quitting locks first.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use clap::Parser;
use client::Changed as ClientChanged;
use client::import::ImportOffer;
use client::lock::{LockEvent, LockReason, LockStep};
use serde::{Deserialize, Serialize};
use tauri::{AppHandle, DragDropEvent, Manager, RunEvent, WebviewUrl, WebviewWindowBuilder, WindowEvent};
use tauri_specta::Event;
use tokio::sync::broadcast;
use tokio::sync::mpsc::UnboundedSender;

use crate::cli::arguments::Arguments;
use crate::commands::CommandError;
use crate::core::{Core, any_change, nap_for};
use crate::os::notify::Answers as Answered;
use crate::os::session::{self, SessionEvent};
use crate::owner::{Answers, Call, Outcome};
use crate::{Window, cli, commands, os, tray};

const MAIN: &str = "main";
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
    /// The window went for a lock and comes back with the lock screen.
    comes_back: AtomicBool,
    quitting: AtomicBool,
}

/// Runs the app until the person quits.
pub(crate) fn run(runtime: &tokio::runtime::Runtime, window: Window, hidden: bool) -> u8 {
    tauri::async_runtime::set(runtime.handle().clone());
    let Window { owner, core, answers, screen } = window;
    let builder = commands::builder();
    let handler = builder.invoke_handler();
    let kept = Arc::clone(&core);
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .manage(Arc::clone(&core))
        .manage(Shell::default())
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
        })
        .build(tauri::generate_context!());
    let app = match built {
        Ok(app) => app,
        Err(error) => {
            tracing::error!(%error, "the window system did not start");
            return 1;
        }
    };
    let code = app.run_return(|app, event| match event {
        // The last window closed: the tray stays. Quitting gives a code.
        RunEvent::ExitRequested { code: None, api, .. } if !app.state::<Shell>().quitting.load(Ordering::SeqCst) => {
            api.prevent_exit();
        }
        RunEvent::WindowEvent { event: WindowEvent::Destroyed, .. }
            if app.state::<Shell>().comes_back.swap(false, Ordering::SeqCst) =>
        {
            show(app, None);
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => show(app, None),
        // Some systems end the program right after this, whatever was to come behind it.
        RunEvent::Exit => tauri::async_runtime::block_on(app.state::<Arc<Core>>().close()),
        _ => {}
    });
    runtime.block_on(kept.close());
    u8::try_from(code).unwrap_or(1)
}

// ---- the window ----------------------------------------------------------------------------------------------------

/// Brings the window up, at `path` when one is given.
pub fn show(app: &AppHandle, path: Option<&str>) {
    if let Some(window) = app.get_webview_window(MAIN) {
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
        if let Some(path) = path {
            tell(&OpenScreen(path.to_owned()), app);
        }
        return;
    }
    let page = path.map_or("index.html", |path| path.trim_start_matches('/'));
    let (app, page) = (app.clone(), PathBuf::from(page));
    // Windows are made on the main thread; this may run on it already, so it is not waited for.
    let asked = app.clone().run_on_main_thread(move || {
        if let Err(error) = make(&app, page) {
            tracing::error!(%error, "the window did not open");
        }
    });
    if let Err(error) = asked {
        tracing::error!(%error, "the window did not open");
    }
}

fn make(app: &AppHandle, page: PathBuf) -> tauri::Result<()> {
    if app.get_webview_window(MAIN).is_some() {
        return Ok(());
    }
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(page))
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
        Ok(offer) => tell(&ImportOffered(offer), &app),
        // The import screen reads the file again and explains what is wrong with it.
        Err(error) => tell(&OpenScreen(format!("/import?refused={}", error.code)), &app),
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
    if let Some(window) = app.get_webview_window(MAIN) {
        let _ = window.hide();
    }
    if let Err(failure) = core.lock_for(reason).await {
        tracing::error!(code = failure.code, "locking failed");
    }
    renew_window(app);
}

/// A new web view holds nothing of what the old one showed.
pub fn renew_window(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN) {
        app.state::<Shell>().comes_back.store(true, Ordering::SeqCst);
        if let Err(error) = window.destroy() {
            tracing::error!(%error, "the web view stays");
        }
    }
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
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = window.close()
    {
        tracing::error!(%error, "the window stays");
    }
}

pub fn quit(app: &AppHandle) {
    app.state::<Shell>().quitting.store(true, Ordering::SeqCst);
    app.exit(0);
}

pub fn tell(event: &(impl Event + Serialize + Clone), app: &AppHandle) {
    if let Err(error) = event.emit(app) {
        tracing::warn!(%error, "the window was not told");
    }
}

// ---- what goes on beside the window ----------------------------------------------------------------------------------

/// Tells the window and the tray when something is different.
async fn follow_changes(app: AppHandle, core: Arc<Core>) {
    let mut events = core.client.events();
    let mut shown = core.client.shows_an_account();
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
        // Locked by a command from elsewhere, or signed out by another device: the window has to forget, too.
        let now_shown = core.client.shows_an_account();
        if shown && !now_shown {
            renew_window(&app);
        }
        shown = now_shown;
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
