//! A copy of the server's books while it serves them, and what follows when one was put back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Chance;
use crate::config::{self, ConfigError};
use crate::db::{self, Db, DbError, DbResult, Location, Tx, run};
use crate::seals::Seals;

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0} is there already; name a file that is not")]
    Exists(String),
    #[error("the backup cannot be written: {0}")]
    File(#[from] io::Error),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(
        "PostgreSQL is backed up by its own tools: pg_dump --format=custom --file=FILE DATABASE; put it back with pg_restore \
         and run `billfold-server restored`. Keep the file of --seal-keys with its copies, apart from the database's"
    )]
    Postgres,
}

/// Copies the database as it is at one moment to a file that is not there yet, for its owner alone, and the keys that seal
/// beside it, where they stand in the server's folder; gives the place of those. The server may be running.
pub async fn back_up(location: &Location, to: &Path) -> Result<Option<PathBuf>, BackupError> {
    let Location::Sqlite { file, .. } = location else { return Err(BackupError::Postgres) };
    let beside = |end: &str| {
        let mut name = to.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let (part, keys_to) = (beside(".part"), beside(".seal.keys"));
    if let Some(there) = [to, &keys_to].into_iter().find(|path| path.exists()) {
        return Err(BackupError::Exists(there.display().to_string()));
    }
    // What an earlier one left that was broken off.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    private(&part)?;
    if let Err(error) = db::copy_into(location, &part).await {
        fs::remove_file(&part)?;
        return Err(error.into());
    }
    fs::File::open(&part)?.sync_all()?;
    // After the database, so that no key is missing that it was sealed with.
    let keys = Seals::beside(file);
    let keys_to = keys.is_file().then_some(keys_to);
    if let Some(keys_to) = &keys_to {
        let mut copy = private(keys_to)?;
        io::copy(&mut fs::File::open(&keys)?, &mut copy)?;
        copy.sync_all()?;
    }
    fs::rename(&part, to)?;
    if cfg!(unix) {
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(keys_to)
}

/// A new file that only its owner reads.
fn private(file: &Path) -> io::Result<fs::File> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

/// A database was put back: from now on every device reads everything anew, since what it read last may be of another
/// history. Refused while a server runs on it.
pub async fn restored(location: &Location, chance: &dyn Chance) -> Result<(), ConfigError> {
    let _claimed = config::claim(location)?;
    if db::is_served(location).await? {
        return Err(ConfigError::Served);
    }
    let db = Db::open(location).await?;
    let begun = begin_epoch(&db, chance).await;
    db.close().await;
    Ok(begun?)
}

async fn begin_epoch(db: &Db, chance: &dyn Chance) -> DbResult<()> {
    let mut bytes = [0; 8];
    chance.fill(&mut bytes);
    let mut tx = db.begin_write().await?;
    note_epoch(&mut tx, i64::from_be_bytes(bytes) & i64::MAX).await?;
    tx.commit().await
}

/// Drawn, so that of two histories that follow from one backup neither has the other's.
async fn note_epoch(tx: &mut Tx, epoch: i64) -> DbResult<()> {
    run!(tx, "UPDATE server_state SET epoch = CASE WHEN epoch = $1 THEN $1 / 2 + 1 ELSE $1 END", epoch).map(drop)
}

#[cfg(test)]
mod tests {
    use api::error::ErrorCode;

    use super::*;
    use crate::config::SystemChance;
    use crate::db::one;
    use crate::testing::on_each_engine;

    async fn epoch(db: &Db) -> i64 {
        let mut tx = db.read_once().await.expect("reads");
        find_epoch(&mut tx).await.expect("reads").expect("a row")
    }

    async fn find_epoch(tx: &mut Tx) -> DbResult<Option<i64>> {
        one!(tx, "SELECT epoch FROM server_state")
    }

    #[tokio::test]
    async fn after_a_database_was_put_back_every_device_reads_anew() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let page: serde_json::Value = device.get("/api/v1/sync").await.ok();
            let path = format!("/api/v1/sync?cursor={}", page["cursor"].as_str().expect("a cursor"));
            device.get(&path).await.expect(200);
            begin_epoch(&world.app.db, &SystemChance).await.expect("begins");
            assert_eq!(device.get(&path).await.code(), ErrorCode::CursorExpired);
        })
        .await;
    }

    #[tokio::test]
    async fn a_database_that_is_served_is_not_called_restored() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = config::data_folder(folder.path(), None).expect("a place");
        let claimed = config::claim(&location).expect("claims");
        assert!(matches!(restored(&location, &SystemChance).await, Err(ConfigError::InUse)));
        drop(claimed);
        restored(&location, &SystemChance).await.expect("begins anew");
        let db = Db::open(&location).await.expect("opens");
        assert_ne!(epoch(&db).await, 1);
        db.close().await;
    }

    #[tokio::test]
    async fn a_backup_is_a_whole_database_with_its_keys_and_writes_over_nothing() {
        let (folder, kept) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let location = config::data_folder(folder.path(), None).expect("a place");
        let db = Db::open(&location).await.expect("opens");
        begin_epoch(&db, &SystemChance).await.expect("writes");
        fs::write(folder.path().join("seal.keys"), "a key").expect("writes");
        let file = kept.path().join("server.sqlite");
        // The server has it open meanwhile.
        let keys = back_up(&location, &file).await.expect("copies").expect("keys");
        assert_eq!(fs::read_to_string(keys).expect("reads"), "a key");
        assert!(matches!(back_up(&location, &file).await, Err(BackupError::Exists(_))));
        let copy = Db::open_standing(&Location::Sqlite { file, key: None }).await.expect("opens");
        assert_eq!(epoch(&copy).await, epoch(&db).await);
        copy.close().await;
        db.close().await;
    }
}
