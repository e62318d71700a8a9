//! What came of the last files that were imported, so that the lines of them that could not be taken can be looked up later.
//! Only this device knows it; it goes with the archive of everything.

use domain::ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cache::{CacheResult, Tx, state};
use crate::error::ClientError;
use crate::import::{Import, ImportReport, RejectedLine};

/// A file that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PastImport {
    #[specta(type = String)]
    pub at: Timestamp,
    /// "OFX 1.02 (SGML)".
    pub format: String,
    pub accounts: Vec<AccountId>,
    /// As they were called then.
    pub account_names: Vec<String>,
    pub new: u32,
    pub known: u32,
    pub replaced: u32,
    /// The first 100 lines that could not be taken.
    pub rejected: Vec<RejectedLine>,
    pub rejected_count: u32,
    pub warnings: Vec<String>,
}

/// The newest of each account.
const OF_ACCOUNT_MAX: usize = 3;
const IMPORTS_MAX: usize = 60;
const REJECTED_MAX: usize = 100;

impl Import {
    /// The last imports of each account, the newest first.
    pub async fn past(&self) -> Result<Vec<PastImport>, ClientError> {
        let read = self.0.with(async |open| state::find(open.cache.readers(), state::IMPORTS).await).await?;
        Ok(read.unwrap_or_default())
    }
}

/// Keeps what came of a file, in the transaction in which its lines are kept.
pub(crate) async fn keep(tx: &mut Tx, report: &ImportReport, now: Timestamp) -> CacheResult<()> {
    let newest = PastImport {
        at: now,
        format: report.format.clone(),
        accounts: report.accounts.clone(),
        account_names: report.account_names.clone(),
        new: report.new,
        known: report.known,
        replaced: report.replaced,
        rejected: report.rejected.iter().take(REJECTED_MAX).cloned().collect(),
        rejected_count: u32::try_from(report.rejected.len()).unwrap_or(u32::MAX),
        warnings: report.warnings.clone(),
    };
    let before: Vec<PastImport> = state::find(&mut **tx, state::IMPORTS).await?.unwrap_or_default();
    state::put(&mut **tx, state::IMPORTS, &with(newest, before)).await
}

/// An import stays as long as it is one of the newest of an account; one of no account, among those of none.
fn with(newest: PastImport, before: Vec<PastImport>) -> Vec<PastImport> {
    let mut kept: Vec<PastImport> = Vec::with_capacity(before.len() + 1);
    for one in std::iter::once(newest).chain(before) {
        let newer = |account: Option<&AccountId>| {
            let is_of = |other: &&PastImport| match account {
                Some(account) => other.accounts.contains(account),
                None => other.accounts.is_empty(),
            };
            kept.iter().filter(is_of).count()
        };
        let stays = match one.accounts.as_slice() {
            [] => newer(None) < OF_ACCOUNT_MAX,
            accounts => accounts.iter().any(|account| newer(Some(account)) < OF_ACCOUNT_MAX),
        };
        if stays && kept.len() < IMPORTS_MAX {
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use crate::tests::ofx;

    fn import(at: i64, accounts: &[u8]) -> PastImport {
        let id = |one: &u8| AccountId::new(Timestamp::UNIX_EPOCH, [*one; 10]);
        PastImport {
            at: Timestamp::from_second(at).unwrap(),
            format: "OFX".to_owned(),
            accounts: accounts.iter().map(id).collect(),
            account_names: Vec::new(),
            new: 1,
            known: 0,
            replaced: 0,
            rejected: Vec::new(),
            rejected_count: 0,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn the_last_three_of_each_account_are_kept_however_many_came_of_another() {
        let mut kept = Vec::new();
        for (at, accounts) in [&[1][..], &[1, 2], &[], &[2], &[2], &[2], &[2]].iter().enumerate() {
            kept = with(import(i64::try_from(at).unwrap(), accounts), kept);
        }
        let seconds: Vec<i64> = kept.iter().map(|one| one.at.as_second()).collect();
        assert_eq!(seconds, [6, 5, 4, 2, 1, 0]);
    }

    #[tokio::test]
    async fn what_could_not_be_taken_of_a_file_can_be_looked_up_later() {
        let world = World::new();
        let client = world.start().await;
        let file = ofx(&[("20261101", "-5.00", "a", "Shop"), ("20261102", "five", "b", "Mill")]);
        client.import().preview(file.clone()).await.unwrap();
        assert_eq!(client.import().past().await.unwrap(), [], "what was only looked at is no import");
        let report = client.import().import(file, None).await.unwrap();
        assert_eq!(report.rejected.len(), 1);
        let past = client.import().past().await.unwrap();
        assert_eq!(past.len(), 1);
        assert_eq!((&past[0].rejected, past[0].rejected_count), (&report.rejected, 1));
        assert_eq!((&past[0].accounts, past[0].new), (&report.accounts, 1));
        world.end().await;
    }
}
