//! What is copied from Billfold and must not lie about: it leaves the clipboard after a moment and with the lock, unless
//! somebody copied something else meanwhile. Histories of the clipboard are asked to leave it out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arboard::Clipboard as SystemBoard;
use zeroize::Zeroizing;

/// Long enough to paste it, too short to forget it.
pub const STAYS: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
#[error("this session's clipboard does not take it")]
pub struct ClipboardRefused;

/// A clipboard: the system's, or one of a test.
pub trait Board: Send {
    fn put(&mut self, text: &str) -> Result<(), ClipboardRefused>;
    /// `None`: it holds no text, or does not say.
    fn text(&mut self) -> Option<Zeroizing<String>>;
    fn clear(&mut self);
}

/// Remembers what of the clipboard is ours.
pub struct Clipboard<B>(Mutex<Held<B>>);

struct Held<B> {
    /// Made when something is copied first.
    board: Option<B>,
    ours: Option<Zeroizing<String>>,
    /// Grows with each copy: a moment that is over ends its own copy alone.
    copy: u64,
}

impl<B: Board> Default for Clipboard<B> {
    fn default() -> Self {
        Self(Mutex::new(Held { board: None, ours: None, copy: 0 }))
    }
}

impl<B: Board> Clipboard<B> {
    /// Copies it. The number that comes back ends it.
    pub fn put(&self, text: Zeroizing<String>, make: impl FnOnce() -> Option<B>) -> Result<u64, ClipboardRefused> {
        let mut held = self.held();
        if held.board.is_none() {
            held.board = make();
        }
        held.board.as_mut().ok_or(ClipboardRefused)?.put(&text)?;
        held.ours = Some(text);
        held.copy += 1;
        Ok(held.copy)
    }

    /// The moment of this copy is over.
    pub fn end(&self, copy: u64) {
        let held = self.held();
        if held.copy == copy {
            clear(held);
        }
    }

    /// Whatever is ours goes now.
    pub fn clear(&self) {
        clear(self.held());
    }

    fn held(&self) -> MutexGuard<'_, Held<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn clear<B: Board>(mut held: MutexGuard<'_, Held<B>>) {
    let Some(ours) = held.ours.take() else { return };
    if let Some(board) = held.board.as_mut()
        && board.text().is_some_and(|text| *text == *ours)
    {
        board.clear();
    }
}

/// The clipboard of this session; `None` where there is none.
#[must_use]
pub fn system() -> Option<SystemBoard> {
    let made = SystemBoard::new();
    made.inspect_err(|error| tracing::info!(%error, "this session has no clipboard")).ok()
}

impl Board for SystemBoard {
    fn put(&mut self, text: &str) -> Result<(), ClipboardRefused> {
        #[cfg(target_os = "macos")]
        use arboard::SetExtApple as _;
        #[cfg(all(unix, not(target_os = "macos")))]
        use arboard::SetExtLinux as _;
        #[cfg(windows)]
        use arboard::SetExtWindows as _;
        self.set().exclude_from_history().text(text).map_err(|_| ClipboardRefused)
    }

    fn text(&mut self) -> Option<Zeroizing<String>> {
        self.get_text().ok().map(Zeroizing::new)
    }

    fn clear(&mut self) {
        if let Err(error) = Self::clear(self) {
            tracing::warn!(%error, "what was copied stays in the clipboard");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A clipboard that everybody uses.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Option<String>>>);

    impl Board for Shared {
        fn put(&mut self, text: &str) -> Result<(), ClipboardRefused> {
            *self.0.lock().unwrap() = Some(text.to_owned());
            Ok(())
        }

        fn text(&mut self) -> Option<Zeroizing<String>> {
            self.0.lock().unwrap().clone().map(Zeroizing::new)
        }

        fn clear(&mut self) {
            *self.0.lock().unwrap() = None;
        }
    }

    fn copy(clipboard: &Clipboard<Shared>, shared: &Shared, text: &str) -> u64 {
        clipboard.put(Zeroizing::new(text.to_owned()), || Some(shared.clone())).unwrap()
    }

    fn holds(shared: &Shared) -> Option<String> {
        shared.0.lock().unwrap().clone()
    }

    #[test]
    fn what_was_copied_goes_after_its_moment_and_with_the_lock() {
        let (clipboard, shared) = (Clipboard::default(), Shared::default());
        let first = copy(&clipboard, &shared, "AAAAA-BBBBB");
        assert_eq!(holds(&shared).as_deref(), Some("AAAAA-BBBBB"));
        clipboard.end(first);
        assert_eq!(holds(&shared), None);
        copy(&clipboard, &shared, "AAAAA-BBBBB");
        clipboard.clear();
        assert_eq!(holds(&shared), None, "the lock does not wait for the moment");
    }

    #[test]
    fn what_somebody_else_copied_meanwhile_stays() {
        let (clipboard, shared) = (Clipboard::default(), Shared::default());
        let first = copy(&clipboard, &shared, "AAAAA-BBBBB");
        *shared.0.lock().unwrap() = Some("a shopping list".to_owned());
        clipboard.end(first);
        clipboard.clear();
        assert_eq!(holds(&shared).as_deref(), Some("a shopping list"));
    }

    #[test]
    fn copied_again_it_has_its_whole_moment_again() {
        let (clipboard, shared) = (Clipboard::default(), Shared::default());
        let first = copy(&clipboard, &shared, "AAAAA-BBBBB");
        let second = copy(&clipboard, &shared, "AAAAA-BBBBB");
        clipboard.end(first);
        assert!(holds(&shared).is_some(), "the end of the first copy is not that of the second");
        clipboard.end(second);
        assert_eq!(holds(&shared), None);
    }

    #[test]
    fn without_a_clipboard_nothing_is_said_to_be_copied() {
        let clipboard: Clipboard<Shared> = Clipboard::default();
        assert!(clipboard.put(Zeroizing::new("AAAAA-BBBBB".to_owned()), || None).is_err());
        clipboard.clear();
    }
}
