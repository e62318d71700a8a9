//! Long answers, in parts that are made while earlier ones travel. What is held for one is kept from others, so an answer
//! that nobody takes, or whose device was signed out meanwhile, breaks off: its end shows that it is not whole.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::error::ErrorCode;
use axum::body::{Body, Bytes};
use domain::ids::HolderId;
use futures_util::{StreamExt as _, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::App;
use crate::error::ApiError;
use crate::sign_in::{SignedIn, session_lives};

/// Parts that are made ahead of the network.
const AHEAD: usize = 4;
/// Until then the network has taken a part.
const TAKEN_WITHIN: Duration = Duration::from_secs(20);
/// Whoever gets no place within so long is told to come again.
const PLACE_WITHIN: Duration = Duration::from_secs(10);

type Sent = io::Result<Bytes>;

/// Why no further part leaves.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BreakOff {
    #[error("nobody listens any more")]
    Gone,
    #[error("no part was taken in time")]
    Stalled,
    #[error("its device is not signed in any more")]
    SignedOut,
}

/// Where the parts of one answer go. Dropping it before `end` breaks the answer off.
pub(crate) struct Parts {
    app: App,
    signed_in: SignedIn,
    line: Line,
}

impl Parts {
    /// For an answer to this device, and the body that carries it.
    pub(crate) fn new(app: &App, signed_in: &SignedIn) -> (Self, Body) {
        let (line, sent) = Line::new(TAKEN_WITHIN);
        let parts = stream::unfold(sent, async |mut sent| sent.recv().await.map(|part| (part, sent)));
        // Whatever packs it on its way may ask once more after the end.
        let body = Body::from_stream(parts.fuse());
        (Self { app: app.clone(), signed_in: signed_in.clone(), line }, body)
    }

    /// Waits until there is room for it on its way.
    pub(crate) async fn send(&self, part: Bytes) -> Result<(), BreakOff> {
        // Where that cannot be known now, the next part asks again.
        if !session_lives(&self.app, &self.signed_in).await.unwrap_or(true) {
            return Err(BreakOff::SignedOut);
        }
        self.line.send(part).await
    }

    /// All of it was sent.
    pub(crate) fn end(mut self) {
        self.line.broken = None;
    }
}

struct Line {
    to: mpsc::Sender<Sent>,
    /// Kept for the sign that it broke off: that finds room also where nothing is taken.
    broken: Option<mpsc::OwnedPermit<Sent>>,
    taken_within: Duration,
}

impl Line {
    fn new(taken_within: Duration) -> (Self, mpsc::Receiver<Sent>) {
        let (to, sent) = mpsc::channel(AHEAD + 1);
        let broken = to.clone().try_reserve_owned().ok();
        (Self { to, broken, taken_within }, sent)
    }

    async fn send(&self, part: Bytes) -> Result<(), BreakOff> {
        match tokio::time::timeout(self.taken_within, self.to.send(Ok(part))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(BreakOff::Gone),
            Err(_) => Err(BreakOff::Stalled),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(broken) = self.broken.take() {
            broken.send(Err(io::Error::other("the answer broke off")));
        }
    }
}

/// So many long answers of one kind at once, and one of an account.
#[derive(Clone)]
pub struct Places {
    free: Arc<Semaphore>,
    taken: Arc<Mutex<HashSet<HolderId>>>,
    within: Duration,
}

/// One answer's place, until it is dropped.
pub(crate) struct Place {
    places: Places,
    holder: HolderId,
    _one: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(at_once: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(at_once)), taken: Arc::default(), within: PLACE_WITHIN }
    }

    pub(crate) async fn take(&self, holder: HolderId) -> Result<Place, ApiError> {
        let busy = || {
            let mut busy = ApiError::new(ErrorCode::Unavailable, "other answers of this kind are on their way");
            busy.retry_after = Some(5);
            busy
        };
        // Of an account's answers the second waits for nothing, so that none of them keeps a place from others.
        if self.taken.lock().unwrap_or_else(PoisonError::into_inner).contains(&holder) {
            return Err(busy());
        }
        let one = tokio::time::timeout(self.within, Arc::clone(&self.free).acquire_owned()).await;
        let Ok(Ok(one)) = one else { return Err(busy()) };
        if !self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(holder) {
            return Err(busy());
        }
        Ok(Place { places: self.clone(), holder, _one: one })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_nobody_takes_gives_its_place_back_and_ends_broken() {
        let (line, mut sent) = Line::new(Duration::from_millis(20));
        for _ in 0..AHEAD {
            line.send(Bytes::from_static(b"part")).await.expect("it is made ahead");
        }
        assert!(matches!(line.send(Bytes::from_static(b"late")).await, Err(BreakOff::Stalled)));
        drop(line);
        for _ in 0..AHEAD {
            assert!(sent.recv().await.expect("a part").is_ok());
        }
        assert!(sent.recv().await.expect("its end").is_err(), "it is not taken for whole");
        assert!(sent.recv().await.is_none());
    }

    #[tokio::test]
    async fn an_account_has_one_place_and_others_wait_for_one() {
        let places = Places { within: Duration::from_millis(20), ..Places::new(2) };
        let [one, two, three] = [1, 2, 3].map(|at| HolderId::from_uuid(uuid::Uuid::from_u128(at)));
        let first = places.take(one).await.expect("a place");
        assert_eq!(places.take(one).await.err().expect("refused").retry_after, Some(5));
        let _second = places.take(two).await.expect("a place");
        assert_eq!(places.take(three).await.err().expect("refused").code(), ErrorCode::Unavailable);
        let patient = Places { within: PLACE_WITHIN, ..places.clone() };
        let (third, ()) = tokio::join!(patient.take(three), async { drop(first) });
        assert!(third.is_ok(), "it waited for the place of another");
        assert!(places.take(one).await.is_err(), "both are taken again");
    }
}
