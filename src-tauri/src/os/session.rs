//! The computer's own lock, its sleep, and who sits before it, so that Billfold locks with them.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
use windows as system;

use client::lock::LockEvent;
use tokio::sync::mpsc;

/// Something that the lock machine wants to hear.
pub struct SessionEvent {
    pub what: LockEvent,
    /// Until this is dropped, the computer does not go to sleep; for a moment, as far as the system allows.
    pub awake: Option<Awake>,
}

/// What makes the system wait, or the one who tells it that it may go on.
pub struct Awake {
    _hold: Box<dyn Send + Sync>,
}

/// Tells of the session's events until the receiver is dropped. Where the system tells nothing, the idle lock remains.
#[must_use]
pub fn watch() -> mpsc::Receiver<SessionEvent> {
    let (sender, receiver) = mpsc::channel(8);
    system::watch(&sender);
    receiver
}

/// For systems that sleep as soon as whom they told has answered: tells, and answers a coming sleep only when it is locked.
#[cfg(any(windows, target_os = "macos", test))]
mod told {
    use std::sync::mpsc as waits;
    use std::time::Duration;

    use client::lock::LockEvent;
    use tokio::sync::mpsc::Sender;
    use tokio::sync::mpsc::error::TrySendError;

    use super::{Awake, SessionEvent};

    /// Windows waits about as long. On macOS the windows stand still meanwhile.
    pub const LOCKS_WITHIN: Duration = Duration::from_secs(2);

    /// False once nobody hears any more. Never waits for a place in the queue: one that is full has said enough.
    pub fn tell(sender: &Sender<SessionEvent>, what: LockEvent) -> bool {
        let (hold, held) = waits::channel::<()>();
        let awake = (what == LockEvent::Sleeps).then(|| Awake { _hold: Box::new(hold) });
        let waited = awake.is_some();
        match sender.try_send(SessionEvent { what, awake }) {
            Ok(()) if waited => {
                // Ends with the hold, which nobody sends anything through.
                let _ = held.recv_timeout(LOCKS_WITHIN);
                true
            }
            Ok(()) | Err(TrySendError::Full(_)) => true,
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    use super::told::{LOCKS_WITHIN, tell};
    use super::*;

    #[test]
    fn a_sleep_is_answered_when_it_is_locked_and_anything_else_at_once() {
        let (sender, mut events) = mpsc::channel(8);
        assert!(tell(&sender, LockEvent::ScreenLocks));
        assert!(events.try_recv().is_ok_and(|event| event.what == LockEvent::ScreenLocks && event.awake.is_none()));
        let locked = Arc::new(AtomicBool::new(false));
        let locks = Arc::clone(&locked);
        let locking = std::thread::spawn(move || {
            let event = events.blocking_recv().unwrap();
            locks.store(true, Ordering::SeqCst);
            drop(event.awake);
            event.what
        });
        assert!(tell(&sender, LockEvent::Sleeps));
        assert!(locked.load(Ordering::SeqCst), "the system was told to go on before it was locked");
        assert_eq!(locking.join().unwrap(), LockEvent::Sleeps);
        assert!(!tell(&sender, LockEvent::Sleeps), "nobody hears any more");
    }

    #[test]
    fn a_lock_that_hangs_and_a_full_queue_hold_up_no_system() {
        let (sender, events) = mpsc::channel(1);
        let began = Instant::now();
        assert!(tell(&sender, LockEvent::Sleeps));
        assert!(began.elapsed() >= LOCKS_WITHIN, "it waits for as long as the system does");
        let began = Instant::now();
        assert!(tell(&sender, LockEvent::Sleeps));
        assert!(began.elapsed() < LOCKS_WITHIN, "there was no place in the queue");
        drop(events);
    }
}
