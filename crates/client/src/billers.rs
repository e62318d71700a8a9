//! The directory of billers on this device (BI2): the one of this build until a server brings a newer one with the right
//! signature, so that it can be searched without any connection.

pub use domain::billers::{Accepts, Biller};
use domain::billers::{Directory, DirectoryError, DirectoryKey, SignedDirectory};
use serde::{Deserialize, Serialize};

use crate::cache::{bills, state};
use crate::client::Client;
use crate::error::ClientError;

const FOUND_MAX: usize = 50;

/// Which directory is here, and whether the server's was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct DirectoryView {
    pub version: u32,
    pub billers: u32,
    pub refused: Option<DirectoryRefused>,
}

/// Why the directory that the server has is not used; the one from before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryRefused {
    /// Whoever made it is not who this build believes.
    Signature,
    /// It is older than the one that is here.
    Older,
    /// It is signed and does not read, or has an entry that is not sound.
    Broken,
}

impl DirectoryRefused {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "the server's directory is not signed by whom this build believes",
            Self::Older => "the server's directory is older than the one that is here",
            Self::Broken => "the server's directory does not read",
        }
    }
}

impl From<DirectoryError> for DirectoryRefused {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Signature => Self::Signature,
            DirectoryError::Older { .. } => Self::Older,
            DirectoryError::TooLarge | DirectoryError::Text | DirectoryError::Entry { .. } => Self::Broken,
        }
    }
}

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
        let mut found = self
            .0
            .with(async |open| {
                let mut tx = open.cache.begin_read().await?;
                bills::all_billers(&mut tx).await
            })
            .await?;
        found.retain(|biller| {
            let text = format!("{} {}", biller.name, biller.category).to_lowercase();
            words.iter().all(|word| text.contains(word))
        });
        found.sort_by_cached_key(|biller| (!biller.payable, biller.name.to_lowercase()));
        found.truncate(FOUND_MAX);
        Ok(found)
    }

    /// Which directory is here.
    pub async fn directory(&self) -> Result<DirectoryView, ClientError> {
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin_read().await?;
                let version = bills::billers_version(&mut *tx).await?;
                let billers = bills::all_billers(&mut tx).await?.len();
                let refused: Option<DirectoryRefused> = state::find(&mut *tx, state::BILLERS_REFUSED).await?;
                Ok(DirectoryView {
                    version: version.unwrap_or(Directory::built_in().version),
                    billers: u32::try_from(billers).unwrap_or(u32::MAX),
                    refused,
                })
            })
            .await
    }

    /// Takes what a server handed over when it is signed by that key and not older than what is here. Otherwise what is
    /// here stays, and why is kept for the person.
    pub(crate) async fn take(&self, signed: &SignedDirectory, key: Option<DirectoryKey>) -> Result<(), ClientError> {
        let known = self.directory().await?.version;
        let opened = key.ok_or(DirectoryError::Signature).and_then(|key| signed.open_after(&key, known));
        if let Err(error) = &opened {
            tracing::warn!(%error, "the directory of billers was not taken");
        }
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                match &opened {
                    Ok(directory) => {
                        state::remove(&mut *tx, state::BILLERS_REFUSED).await?;
                        bills::replace_billers(&mut tx, directory.version, &directory.billers).await?;
                    }
                    Err(error) => {
                        state::put(&mut *tx, state::BILLERS_REFUSED, &DirectoryRefused::from(*error)).await?;
                    }
                }
                Ok(tx.commit().await?)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, HEXLOWER};
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;
    use crate::testing::World;

    fn pair() -> (Ed25519KeyPair, Option<DirectoryKey>) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        let key = DirectoryKey::parse(&HEXLOWER.encode(pair.public_key().as_ref()));
        (pair, key)
    }

    fn signed(version: u32, name: &str) -> SignedDirectory {
        let mut directory = Directory { version, ..Directory::built_in().clone() };
        directory.billers.truncate(2);
        directory.billers[0].name = name.to_owned();
        let text = serde_json::to_string(&directory).unwrap();
        let signature = BASE64.encode(pair().0.sign(text.as_bytes()).as_ref());
        SignedDirectory { text, signature }
    }

    #[tokio::test]
    async fn the_directory_is_there_at_once_grows_by_signed_versions_and_says_what_it_refused() {
        let world = World::new();
        let client = world.start().await;
        let billers = client.billers();
        let here = billers.directory().await.unwrap();
        assert_eq!((here.version, here.refused), (Directory::built_in().version, None));
        assert_eq!(billers.search("phone").await.unwrap()[0].name, "Meridian Mobile", "without any server");
        let key = pair().1;
        billers.take(&signed(7, "Marsh Telephone"), key).await.unwrap();
        assert_eq!(billers.search("").await.unwrap().len(), 2);
        assert_eq!(billers.search("marsh").await.unwrap().len(), 1);
        let forged = SignedDirectory { text: signed(8, "Somebody Else").text, ..signed(7, "Marsh Telephone") };
        for (offered, key, why) in [
            (forged, key, DirectoryRefused::Signature),
            (signed(9, "Another"), DirectoryKey::pinned(), DirectoryRefused::Signature),
            (signed(6, "Older"), key, DirectoryRefused::Older),
        ] {
            billers.take(&offered, key).await.unwrap();
            let here = billers.directory().await.unwrap();
            assert_eq!((here.version, here.billers, here.refused), (7, 2, Some(why)), "what was there stays");
        }
        billers.take(&signed(7, "Marsh Telephone"), key).await.unwrap();
        assert_eq!(billers.directory().await.unwrap().refused, None);
        let client = world.restart(client).await;
        assert_eq!(client.billers().search("marsh").await.unwrap().len(), 1);
        world.end().await;
    }
}
