//! On Windows: messages to a window that nobody sees, on a thread of its own.
#![expect(unsafe_code, reason = "windows and their messages have no safe interface")]

use std::cell::RefCell;
use std::io;
use std::ptr::null;

use client::lock::LockEvent;
use tokio::sync::mpsc;
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::Power::{RegisterSuspendResumeNotification, UnregisterSuspendResumeNotification};
use windows_sys::Win32::System::RemoteDesktop::{
    NOTIFY_FOR_THIS_SESSION, WTSRegisterSessionNotification, WTSUnRegisterSessionNotification,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DEVICE_NOTIFY_WINDOW_HANDLE, DefWindowProcW, DestroyWindow, DispatchMessageW, GetMessageW,
    KillTimer, MSG, PBT_APMRESUMEAUTOMATIC, PBT_APMSUSPEND, PostQuitMessage, RegisterClassW, SetTimer,
    WM_POWERBROADCAST, WM_TIMER, WM_WTSSESSION_CHANGE, WNDCLASSW, WS_EX_TOOLWINDOW, WTS_CONSOLE_DISCONNECT,
    WTS_REMOTE_DISCONNECT, WTS_SESSION_LOCK,
};
use windows_sys::core::{PCWSTR, w};

use super::SessionEvent;
use super::told::tell;

const CLASS: PCWSTR = w!("BillfoldSession");
/// The service that tells of sessions may begin after the person's own programs.
const ASK_AGAIN_AFTER_MS: u32 = 5_000;
const ASK_AGAIN: usize = 1;

thread_local! {
    /// To whom the window of this thread tells what it hears.
    static SENDER: RefCell<Option<mpsc::Sender<SessionEvent>>> = const { RefCell::new(None) };
}

pub fn watch(sender: &mpsc::Sender<SessionEvent>) {
    let sender = sender.clone();
    let began = std::thread::Builder::new().name("session".to_owned()).spawn(move || {
        SENDER.set(Some(sender));
        if let Err(error) = listen() {
            tracing::warn!(%error, "the session is not heard");
        }
    });
    if let Err(error) = began {
        tracing::warn!(%error, "the session is not heard");
    }
}

/// Hands out messages until nobody wants to hear of them.
fn listen() -> io::Result<()> {
    let window = make_window()?;
    // SAFETY: the window is this thread's own. It gets the broadcast of older sleeps anyway; this adds that of newer ones.
    let power = unsafe { RegisterSuspendResumeNotification(window, DEVICE_NOTIFY_WINDOW_HANDLE) };
    if power == 0 {
        tracing::info!(error = %io::Error::last_os_error(), "a sleep may not be heard");
    }
    // SAFETY: as above.
    if !follow_session(window) && unsafe { SetTimer(window, ASK_AGAIN, ASK_AGAIN_AFTER_MS, None) } == 0 {
        tracing::warn!("the computer's lock is not heard");
    }
    let mut message = MSG::default();
    // SAFETY: `message` is there for as long as the call. Zero is the end, below zero a mistake.
    while unsafe { GetMessageW(&raw mut message, std::ptr::null_mut(), 0, 0) } > 0 {
        if message.message == WM_TIMER && follow_session(window) {
            // SAFETY: the window is this thread's own.
            unsafe { KillTimer(window, ASK_AGAIN) };
        }
        // SAFETY: it was just filled in.
        unsafe { DispatchMessageW(&raw const message) };
    }
    // SAFETY: window and registration are this thread's own, and used no more.
    unsafe {
        if power != 0 {
            UnregisterSuspendResumeNotification(power);
        }
        WTSUnRegisterSessionNotification(window);
        DestroyWindow(window);
    }
    Ok(())
}

/// A window of the desktop that is never shown: one for messages alone would get no broadcasts.
fn make_window() -> io::Result<HWND> {
    // SAFETY: without a name it is this program, which is there until it ends.
    let program = unsafe { GetModuleHandleW(null()) };
    let class = WNDCLASSW { lpfnWndProc: Some(hear), hInstance: program, lpszClassName: CLASS, ..WNDCLASSW::default() };
    // SAFETY: its texts and its function are there until the program ends. A second time it is refused, and still there.
    unsafe { RegisterClassW(&raw const class) };
    let none = std::ptr::null_mut();
    // SAFETY: the class is registered, and what may be left out is.
    let window = unsafe { CreateWindowExW(WS_EX_TOOLWINDOW, CLASS, CLASS, 0, 0, 0, 0, 0, none, none, program, null()) };
    if window.is_null() { Err(io::Error::last_os_error()) } else { Ok(window) }
}

fn follow_session(window: HWND) -> bool {
    // SAFETY: the window is this thread's own.
    unsafe { WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) != 0 }
}

/// Called by the system, on the thread that made the window.
///
/// # Safety
///
/// For the system alone.
unsafe extern "system" fn hear(window: HWND, message: u32, detail: WPARAM, more: LPARAM) -> LRESULT {
    if let Some(what) = meaning_of(message, detail) {
        let heard = SENDER.with_borrow(|sender| sender.as_ref().is_some_and(|sender| tell(sender, what)));
        if !heard {
            // SAFETY: it only asks the loop of this thread to end.
            unsafe { PostQuitMessage(0) };
        }
    }
    // SAFETY: it is handed on as it came.
    unsafe { DefWindowProcW(window, message, detail, more) }
}

fn meaning_of(message: u32, detail: WPARAM) -> Option<LockEvent> {
    let detail = u32::try_from(detail).ok()?;
    match (message, detail) {
        (WM_WTSSESSION_CHANGE, WTS_SESSION_LOCK) => Some(LockEvent::ScreenLocks),
        // Another person's session is on the screen, or the other end of the line is gone.
        (WM_WTSSESSION_CHANGE, WTS_CONSOLE_DISCONNECT | WTS_REMOTE_DISCONNECT) => Some(LockEvent::PersonLeft),
        (WM_POWERBROADCAST, PBT_APMSUSPEND) => Some(LockEvent::Sleeps),
        // Comes with each waking; a second word follows when the person is there.
        (WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC) => Some(LockEvent::Woke),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use windows_sys::Win32::UI::WindowsAndMessaging::{PBT_APMPOWERSTATUSCHANGE, WTS_SESSION_UNLOCK};

    use super::*;

    fn heard(message: u32, detail: u32) -> Option<LockEvent> {
        meaning_of(message, detail as WPARAM)
    }

    #[test]
    fn a_screen_that_locks_a_person_who_leaves_and_a_sleep_are_heard() {
        assert_eq!(heard(WM_WTSSESSION_CHANGE, WTS_SESSION_LOCK), Some(LockEvent::ScreenLocks));
        assert_eq!(heard(WM_WTSSESSION_CHANGE, WTS_CONSOLE_DISCONNECT), Some(LockEvent::PersonLeft));
        assert_eq!(heard(WM_WTSSESSION_CHANGE, WTS_REMOTE_DISCONNECT), Some(LockEvent::PersonLeft));
        assert_eq!(heard(WM_WTSSESSION_CHANGE, WTS_SESSION_UNLOCK), None);
        assert_eq!(heard(WM_POWERBROADCAST, PBT_APMSUSPEND), Some(LockEvent::Sleeps));
        assert_eq!(heard(WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC), Some(LockEvent::Woke));
        assert_eq!(heard(WM_POWERBROADCAST, PBT_APMPOWERSTATUSCHANGE), None, "the plug was pulled");
        assert_eq!(heard(WM_TIMER, WTS_SESSION_LOCK), None);
    }
}
