//! The nonces that proofs of possession must carry, and the proofs that were used up (RFC 9449, 8 and 11.1).
//!
//! A server by itself keeps both in memory and loses both on a restart, together: what was signed before cannot be
//! replayed after. Several nodes on one PostgreSQL share both there, in tables that a crash of the database empties,
//! again together.

mod store;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use ring::hmac;

use super::dpop::ProofError;
use crate::Chance;
use crate::db::{Db, DbResult};

/// A nonce is handed out for so long, and is good for as long again.
const NONCE_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Proofs that one node remembers for one nonce; then a new nonce begins early, which forgets safely.
const PROOFS_MAX: usize = 500_000;
const NONCE_BYTES: usize = 18;

/// One proof, by a hash of its key and its own id.
pub(super) type ProofId = [u8; 16];

pub struct Nonces(Kept);

enum Kept {
    Here(Mutex<Generations>),
    Shared(Shared),
}

impl Nonces {
    pub async fn open(db: &Db, now: Timestamp, chance: &dyn Chance) -> DbResult<Self> {
        if db.has_several_nodes() {
            return Ok(Self(Kept::Shared(Shared::open(db.clone(), chance).await?)));
        }
        Ok(Self(Kept::Here(Mutex::new(Generations::begin(now, chance)))))
    }

    /// The nonce that the next proof should carry.
    pub fn current(&self, now: Timestamp, chance: &dyn Chance) -> String {
        match &self.0 {
            Kept::Here(generations) => {
                let mut generations = generations.lock().unwrap_or_else(PoisonError::into_inner);
                generations.turn(now, chance);
                generations.current.nonce.clone()
            }
            Kept::Shared(shared) => shared.key().nonce(period_of(now)),
        }
    }

    /// Whether a proof with this nonce is fresh.
    pub fn knows(&self, nonce: &str, now: Timestamp, chance: &dyn Chance) -> bool {
        match &self.0 {
            Kept::Here(generations) => {
                let mut generations = generations.lock().unwrap_or_else(PoisonError::into_inner);
                generations.turn(now, chance);
                generations.current.nonce == nonce || generations.previous.nonce == nonce
            }
            Kept::Shared(shared) => shared.key().knows(nonce, period_of(now)),
        }
    }

    /// Uses a proof up: a second time it is refused.
    pub(super) async fn use_up(
        &self,
        nonce: &str,
        proof: ProofId,
        now: Timestamp,
        chance: &dyn Chance,
    ) -> Result<(), ProofError> {
        match &self.0 {
            Kept::Here(generations) => generations.lock().unwrap_or_else(PoisonError::into_inner).use_up(nonce, proof),
            Kept::Shared(shared) => shared.use_up(proof, now, chance).await,
        }
    }

    /// Forgets the proofs whose nonces are no longer good.
    pub(super) async fn sweep(&self, now: Timestamp) -> DbResult<()> {
        let Kept::Shared(shared) = &self.0 else { return Ok(()) };
        let mut tx = shared.db.begin_write().await?;
        store::sweep(&mut tx, now).await?;
        tx.commit().await
    }
}

// ---- One node ----------------------------------------------------------------------------------------------------

struct Generations {
    current: Generation,
    previous: Generation,
}

struct Generation {
    nonce: String,
    ends_at: Timestamp,
    seen: HashSet<ProofId>,
}

impl Generation {
    fn begin(now: Timestamp, chance: &dyn Chance) -> Self {
        let mut bytes = [0; NONCE_BYTES];
        chance.fill(&mut bytes);
        Self { nonce: BASE64URL_NOPAD.encode(&bytes), ends_at: after(now, NONCE_LIFE), seen: HashSet::new() }
    }
}

impl Generations {
    fn begin(now: Timestamp, chance: &dyn Chance) -> Self {
        Self { current: Generation::begin(now, chance), previous: Generation::begin(now, chance) }
    }

    fn turn(&mut self, now: Timestamp, chance: &dyn Chance) {
        if now < self.current.ends_at && self.current.seen.len() < PROOFS_MAX {
            return;
        }
        self.previous = std::mem::replace(&mut self.current, Generation::begin(now, chance));
        if after(self.previous.ends_at, NONCE_LIFE) <= now {
            // Nobody asked for a while: that nonce is too old as well.
            self.previous = Generation::begin(now, chance);
        }
    }

    fn use_up(&mut self, nonce: &str, proof: ProofId) -> Result<(), ProofError> {
        let Self { current, previous } = self;
        let Some(generation) = [current, previous].into_iter().find(|generation| generation.nonce == nonce) else {
            return Err(ProofError::UseNonce);
        };
        if generation.seen.len() >= PROOFS_MAX {
            return Err(ProofError::UseNonce);
        }
        if generation.seen.insert(proof) { Ok(()) } else { Err(ProofError::Invalid) }
    }
}

// ---- Several nodes -----------------------------------------------------------------------------------------------

struct Shared {
    db: Db,
    /// Another one when the database lost it.
    key: RwLock<Arc<Key>>,
}

/// What the nonces of all nodes are made with, so that each knows the others' without asking.
struct Key {
    id: [u8; 16],
    secret: hmac::Key,
}

impl Key {
    fn of(row: store::KeyRow) -> Self {
        Self { id: row.id, secret: hmac::Key::new(hmac::HMAC_SHA256, &row.secret) }
    }

    fn nonce(&self, period: i64) -> String {
        let tag = hmac::sign(&self.secret, &period.to_be_bytes());
        BASE64URL_NOPAD.encode(&tag.as_ref()[..NONCE_BYTES])
    }

    /// This period's, the one's before it, and the next: another node's clock may be a little ahead.
    fn knows(&self, nonce: &str, period: i64) -> bool {
        [period, period - 1, period + 1].into_iter().any(|period| self.nonce(period) == nonce)
    }
}

impl Shared {
    async fn open(db: Db, chance: &dyn Chance) -> DbResult<Self> {
        let key = RwLock::new(Arc::new(read_key(&db, chance).await?));
        Ok(Self { db, key })
    }

    fn key(&self) -> Arc<Key> {
        Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn use_up(&self, proof: ProofId, now: Timestamp, chance: &dyn Chance) -> Result<(), ProofError> {
        // The longest that its nonce may still be good.
        let ends_at = after(now, NONCE_LIFE * 3);
        let used = async {
            let mut tx = self.db.begin_write().await?;
            let used = store::use_up(&mut tx, &self.key().id, proof, ends_at).await?;
            tx.commit().await?;
            DbResult::Ok(used)
        };
        match used.await {
            Ok(store::Used::First) => Ok(()),
            Ok(store::Used::Again) => Err(ProofError::Invalid),
            Ok(store::Used::KeyLost) => {
                // The database crashed, and the proofs that it knew went with the key: all nonces so far are void.
                let key = read_key(&self.db, chance).await.map_err(|error| unsure(&error))?;
                *self.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                Err(ProofError::UseNonce)
            }
            Err(error) => Err(unsure(&error)),
        }
    }
}

/// Whether the proof was used before cannot be known: it is not taken, and may come again.
fn unsure(error: &crate::db::DbError) -> ProofError {
    tracing::error!(kind = error.kind(), "whether a proof was used cannot be looked up");
    ProofError::Unsure
}

/// The key of all nodes; the first node makes it.
async fn read_key(db: &Db, chance: &dyn Chance) -> DbResult<Key> {
    let (mut id, mut secret) = ([0; 16], [0; 32]);
    chance.fill(&mut id);
    chance.fill(&mut secret);
    let mut tx = db.begin_write().await?;
    let row = store::key(&mut tx, &store::KeyRow { id, secret }).await?;
    tx.commit().await?;
    Ok(Key::of(row))
}

fn period_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(NONCE_LIFE.as_secs())
}

fn after(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{SeededChance, on_each_engine};

    #[tokio::test]
    async fn two_nodes_on_one_database_know_each_others_nonces_and_proofs() {
        on_each_engine(async |world| {
            let now = world.now();
            let chance = SeededChance::new(11);
            let one = Nonces::open(&world.app.db, now, &chance).await.unwrap();
            let two = Nonces::open(&world.app.db, now, &chance).await.unwrap();
            let nonce = one.current(now, &chance);
            assert_eq!(one.use_up(&nonce, [1; 16], now, &chance).await, Ok(()));
            assert_eq!(one.use_up(&nonce, [1; 16], now, &chance).await, Err(ProofError::Invalid));
            if !world.app.db.has_several_nodes() {
                assert!(!two.knows(&nonce, now, &chance), "a server by itself shares nothing");
                return;
            }
            assert!(two.knows(&nonce, now, &chance));
            assert_eq!(two.use_up(&nonce, [1; 16], now, &chance).await, Err(ProofError::Invalid), "used at the other");
            assert_eq!(two.use_up(&nonce, [2; 16], now, &chance).await, Ok(()));
            let later = after(now, NONCE_LIFE * 2);
            assert!(!two.knows(&nonce, later, &chance), "a nonce is good for its time and as long again");
        })
        .await;
    }

    #[tokio::test]
    async fn what_a_crash_of_the_database_forgot_cannot_be_replayed() {
        on_each_engine(async |world| {
            if !world.app.db.has_several_nodes() {
                return;
            }
            let now = world.now();
            let chance = SeededChance::new(12);
            let nonces = Nonces::open(&world.app.db, now, &chance).await.unwrap();
            let nonce = nonces.current(now, &chance);
            assert_eq!(nonces.use_up(&nonce, [1; 16], now, &chance).await, Ok(()));
            let mut tx = world.app.db.begin_write().await.unwrap();
            store::forget_all(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(nonces.use_up(&nonce, [1; 16], now, &chance).await, Err(ProofError::UseNonce));
            assert!(!nonces.knows(&nonce, now, &chance), "the nonce went with the proofs");
            let nonce = nonces.current(now, &chance);
            assert_eq!(nonces.use_up(&nonce, [1; 16], now, &chance).await, Ok(()));
        })
        .await;
    }

    #[tokio::test]
    async fn a_proof_that_cannot_be_looked_up_is_asked_for_again_and_signs_nobody_out() {
        on_each_engine(async |world| {
            if !world.app.db.has_several_nodes() {
                return;
            }
            let device = world.holder().await;
            let node = world.again(14).await;
            let device = device.at(&node);
            node.app.db.close().await;
            let answer = device.refresh().await;
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("2")));
            let answer = device.get("/api/v1/me").await;
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("2")));
        })
        .await;
    }

    #[tokio::test]
    async fn proofs_are_forgotten_once_their_nonce_is_void() {
        on_each_engine(async |world| {
            let now = world.now();
            let chance = SeededChance::new(13);
            let nonces = Nonces::open(&world.app.db, now, &chance).await.unwrap();
            let nonce = nonces.current(now, &chance);
            assert_eq!(nonces.use_up(&nonce, [1; 16], now, &chance).await, Ok(()));
            nonces.sweep(after(now, NONCE_LIFE)).await.unwrap();
            assert_eq!(nonces.use_up(&nonce, [1; 16], now, &chance).await, Err(ProofError::Invalid), "too early");
            let later = after(now, NONCE_LIFE * 4);
            nonces.sweep(later).await.unwrap();
            assert!(!nonces.knows(&nonce, later, &chance));
        })
        .await;
    }
}
