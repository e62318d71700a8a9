//! Where a number becomes a token. Whoever implements this is the only one that ever sees the number; the rest of the
//! server has the token, a brand, and a fingerprint that tells whether the same number is there already.

use std::sync::Arc;

use domain::methods::{MethodKind, TypedNumber};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use ring::hmac;

use super::store;
use crate::Chance;
use crate::db::{Db, DbResult};

/// What is left of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokenised {
    pub brand: String,
    /// What a rail draws by.
    pub token: String,
    /// The same for the same number, and made with a key that only the tokeniser has.
    pub fingerprint: Vec<u8>,
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokeniserError {
    #[error("practice takes practice numbers alone")]
    PracticeOnly,
    #[error("the tokeniser does not answer")]
    Silent,
}

pub trait Tokeniser: Send + Sync {
    /// Exchanges a number, which is gone afterwards. Not called within a transaction.
    fn exchange(&self, typed: TypedNumber) -> BoxFuture<'_, Result<Tokenised, TokeniserError>>;
}

/// Card numbers that no issuer gives out begin so, with whom practice takes them for.
const PRACTICE_CARDS: &[(&str, &str)] = &[("9990", "Heron"), ("9991", "Osprey")];
/// A routing number with a good check digit in a range that no bank has.
const PRACTICE_BANK: (&str, &str) = ("999000001", "Harbor Practice Bank");
/// A number that ends so gives a token from which nothing can be drawn.
const DECLINES: &str = "0002";
/// The token of such a number begins so.
const DECLINING_TOKEN: &str = "practice-declines-";

/// Whether the practice bank draws nothing from this token.
#[must_use]
pub fn declines(token: &str) -> bool {
    token.starts_with(DECLINING_TOKEN)
}

/// The tokeniser of practice money.
pub struct SandboxTokeniser {
    db: Db,
    chance: Arc<dyn Chance>,
}

impl SandboxTokeniser {
    #[must_use]
    pub fn new(db: Db, chance: Arc<dyn Chance>) -> Self {
        Self { db, chance }
    }

    async fn key(&self) -> DbResult<Vec<u8>> {
        let mut tx = self.db.begin_read().await?;
        if let Some(key) = store::sandbox_key(&mut tx).await? {
            return Ok(key);
        }
        drop(tx);
        let mut fresh = [0; 32];
        self.chance.fill(&mut fresh);
        let mut tx = self.db.begin_write().await?;
        let key = store::keep_sandbox_key(&mut tx, &fresh).await?;
        tx.commit().await?;
        Ok(key)
    }

    async fn take(&self, typed: &TypedNumber) -> Result<Tokenised, TokeniserError> {
        let brand = brand_of(typed).ok_or(TokeniserError::PracticeOnly)?;
        let key = self.key().await.map_err(|_| TokeniserError::Silent)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let mut about = hmac::Context::with_key(&key);
        for part in [typed.kind().as_str(), typed.routing().unwrap_or_default(), typed.expose()] {
            about.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            about.update(part.as_bytes());
        }
        let mut random = [0; 16];
        self.chance.fill(&mut random);
        let begins = if typed.last_four() == DECLINES { DECLINING_TOKEN } else { "practice-" };
        Ok(Tokenised {
            brand: brand.to_owned(),
            token: format!("{begins}{}", data_encoding::HEXLOWER.encode(&random)),
            fingerprint: about.sign().as_ref().to_vec(),
        })
    }
}

fn brand_of(typed: &TypedNumber) -> Option<&'static str> {
    match typed.kind() {
        MethodKind::Card => {
            PRACTICE_CARDS.iter().find(|(begins, _)| typed.expose().starts_with(begins)).map(|(_, brand)| *brand)
        }
        MethodKind::BankAccount => {
            let (routing, brand) = PRACTICE_BANK;
            (typed.routing() == Some(routing)).then_some(brand)
        }
    }
}

impl Tokeniser for SandboxTokeniser {
    fn exchange(&self, typed: TypedNumber) -> BoxFuture<'_, Result<Tokenised, TokeniserError>> {
        async move { self.take(&typed).await }.boxed()
    }
}
