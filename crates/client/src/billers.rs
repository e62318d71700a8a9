//! The directory of billers, kept on the device so that it can be searched offline.

pub use domain::billers::Biller;

use crate::cache::bills;
use crate::client::Client;
use crate::error::ClientError;

const FOUND_MAX: usize = 50;

/// The directory.
#[derive(Clone)]
pub struct Billers(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn billers(&self) -> Billers {
        Billers(self.clone())
    }
}

impl Billers {
    /// By name, those that can be paid from here first; with words, those whose name or category holds them all.
    pub async fn search(&self, typed: &str) -> Result<Vec<Biller>, ClientError> {
        let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
        let mut found = self.0.with(async |open| bills::all_billers(open.cache.readers()).await).await?;
        found.retain(|biller| {
            let text = format!("{} {}", biller.name, biller.category).to_lowercase();
            words.iter().all(|word| text.contains(word))
        });
        found.sort_by_cached_key(|biller| (!biller.payable, biller.name.to_lowercase()));
        found.truncate(FOUND_MAX);
        Ok(found)
    }
}
