//! What commands do beside a server: they open the books that it keeps as they are, with the settings that it has, and make
//! none. They read nothing that is sealed, and the server may be running meanwhile.

use crate::App;
use crate::config::{Config, ConfigError, SealKeys};
use crate::db::Db;
use crate::health;

/// Opens a server's books. Where payments are open on a rail that this command was not told of, it is refused, as the
/// server would be.
pub async fn open(mut config: Config) -> Result<App, ConfigError> {
    config.seal_keys = SealKeys::Without;
    let db = Db::open_standing(&config.location).await?;
    let opened = open_on(&db, config).await;
    if opened.is_err() {
        db.close().await;
    }
    opened
}

async fn open_on(db: &Db, config: Config) -> Result<App, ConfigError> {
    let mut settings = config.settings(config.listen)?;
    if let Some(zone) = health::zone(db).await? {
        settings.zone = zone;
    }
    let app = App::new(db.clone(), config.clock, config.chance, settings).await?;
    app.rails.demand_all_in_use(db).await?;
    Ok(app)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::db::{DbError, DbResult, Location, Tx, run};
    use crate::payments::approval::tests::{order, pay};
    use crate::testing::{World, on_each_engine};

    /// As a command is told that is told nothing but the place.
    fn config(world: &World) -> Config {
        let mut config = Config::new(world.location(), ([127, 0, 0, 1], 0).into());
        config.clock = Arc::clone(&world.clock) as _;
        config
    }

    async fn run_raw(tx: &mut Tx, statement: &'static str) -> DbResult<u64> {
        run!(tx, statement)
    }

    async fn change(world: &World, statement: &'static str) {
        let mut tx = world.app.db.begin_write().await.unwrap();
        run_raw(&mut tx, statement).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_command_needs_no_keys_and_makes_none() {
        on_each_engine(async |world| {
            let app = open(config(&world)).await.unwrap();
            app.db.close().await;
            let folder = world.app.db.file().and_then(|file| file.parent()).map(std::path::Path::to_owned);
            if let Some(folder) = folder {
                assert!(!folder.join("seal.keys").exists(), "a stray key would seal nothing");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_command_that_was_not_told_of_a_rail_in_use_is_refused() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let order = pay(&device, &order(&world, 4_000, 0)).await.order;
            change(&world, "UPDATE payment SET rail = 'nacha'").await;
            let refused = open(config(&world)).await.err().unwrap();
            assert!(matches!(&refused, ConfigError::RailMissing(name) if name == "nacha"), "{refused}");
            device.post(&format!("/api/v1/payments/{}/cancel", order.id), &()).await.expect(200);
            open(config(&world)).await.unwrap().db.close().await;
        })
        .await;
    }

    #[tokio::test]
    async fn books_of_another_version_are_left_alone_and_it_is_said_which_is_newer() {
        const NEWEST: &str = "DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
        const LATER: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            SELECT 999999, description, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
        on_each_engine(async |world| {
            let opened = async || Db::open_standing(&world.location()).await.err();
            assert!(opened().await.is_none());
            change(&world, LATER).await;
            assert!(matches!(opened().await, Some(DbError::NewerVersion)));
            let served = Db::open(&world.location()).await.err();
            assert!(matches!(served, Some(DbError::NewerVersion)), "a server says so too");
            change(&world, NEWEST).await;
            assert!(opened().await.is_none());
            change(&world, NEWEST).await;
            assert!(matches!(opened().await, Some(DbError::OlderVersion)));
            assert!(matches!(opened().await, Some(DbError::OlderVersion)), "looking changes nothing");
            change(&world, "DROP TABLE _sqlx_migrations").await;
            assert!(matches!(opened().await, Some(DbError::NoBooks)));
        })
        .await;
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.sqlite");
        assert!(Db::open_standing(&Location::Sqlite { file: file.clone(), key: None }).await.is_err());
        assert!(!file.exists());
    }
}
