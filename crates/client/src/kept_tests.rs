//! How long something is kept on this computer: nothing on one of somebody else's, thirty days without the server, and not
//! a moment longer once this device was signed out.

use std::path::Path;
use std::sync::{Arc, Mutex};

use api::sync::Record;
use zeroize::Zeroizing;

use crate::client::{Client, lock};
use crate::platform::Ports;
use crate::server_tests::{bill, card, line, signed_in, signed_in_kept, start_fake};
use crate::status::{Phase, Protection};
use crate::testing::{World, bytes_below, copy_of, holds, monthly};
use crate::vault::Protect;

fn files_of(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

// ---- Not my computer --------------------------------------------------------------------------------------------

#[tokio::test]
async fn on_a_computer_of_somebody_elses_nothing_is_kept_and_the_session_ends_with_the_lock() {
    let (world, fake) = (World::new(), start_fake().await);
    let (client, recovery) = signed_in_kept(&world, &fake, Protect::Memory).await;
    assert!(!recovery, "there is nothing to bring back");
    assert_eq!(client.status().await.unwrap().protected_by, Some(Protection::Memory));
    client.bills().add(monthly("Canarybill", "950.00", "2026-12-01")).await.unwrap();
    assert!(world.secrets().is_empty(), "the keyring was not asked");
    client.lock().await.unwrap();
    assert_eq!(client.phase(), Phase::Welcome, "there is nothing to unlock");
    assert_eq!(files_of(&world.data()), Vec::<String>::new());
    let fake = lock(&fake);
    assert_eq!(fake.writes.len(), 1, "what waited was sent first");
    assert_eq!(fake.ended, [format!("refresh-{}", fake.tokens_given)], "and the server ended the session");
}

#[tokio::test]
async fn a_server_that_does_not_answer_keeps_nothing_on_a_computer_of_somebody_elses() {
    let (world, fake) = (World::new(), start_fake().await);
    let (client, _) = signed_in_kept(&world, &fake, Protect::Memory).await;
    lock(&fake).down = true;
    client.lock().await.unwrap();
    assert_eq!(client.phase(), Phase::Welcome);
    assert_eq!(files_of(&world.data()), Vec::<String>::new());
}

#[tokio::test]
async fn a_program_that_ended_badly_leaves_noise_that_the_next_start_tidies_up() {
    let (world, fake) = (World::new(), start_fake().await);
    let (client, _) = signed_in_kept(&world, &fake, Protect::Memory).await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    // As the power goes.
    let left = copy_of(&world.data());
    assert!(left.path().join("cache.db").exists() && !left.path().join("vault.json").exists());
    let again = Client::open(left.path(), world.ports()).await.unwrap().client;
    assert_eq!(again.phase(), Phase::Welcome);
    assert_eq!(files_of(left.path()), Vec::<String>::new());
    // The folder can be set up, for good this time.
    again.create(Protect::Keyring, crate::status::Place::ThisComputer).await.unwrap();
    again.lock().await.unwrap();
    assert_eq!(again.phase(), Phase::Locked);
    world.end().await;
}

#[tokio::test]
async fn an_account_that_is_kept_here_does_not_become_a_visitors_by_signing_in_again() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    let wish = crate::sign_in::Connect {
        url: lock(&fake).origin().to_owned(),
        create: false,
        open_browser: false,
        protect: Protect::Memory,
        device_name: String::new(),
    };
    assert_eq!(client.sign_in().begin(wish).await.unwrap_err().code, "already_set_up");
    world.end().await;
}

#[tokio::test]
async fn a_set_up_that_is_begun_again_on_a_computer_of_somebody_elses_leaves_no_key_behind() {
    let world = World::new();
    let client = world.start().await;
    assert!(!world.secrets().is_empty());
    client.create(Protect::Memory, crate::status::Place::ThisComputer).await.unwrap();
    assert!(world.secrets().is_empty(), "what the keyring held is gone");
    assert!(!world.data().join("vault.json").exists());
    client.create(Protect::Keyring, crate::status::Place::ThisComputer).await.unwrap();
    assert!(world.data().join("vault.json").exists() && !world.data().join("memory.only").exists());
    let client = world.restart(client).await;
    assert_eq!(client.phase(), Phase::Ready, "kept after all, and not taken for noise");
    world.end().await;
}

// ---- Thirty days without the server -----------------------------------------------------------------------------

#[tokio::test]
async fn after_thirty_days_without_the_server_the_copy_stays_closed_until_it_answers() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    lock(&fake).down = true;
    world.at("2026-12-20T11:00:00Z");
    let client = world.restart(client).await;
    assert_eq!(client.phase(), Phase::Ready, "within thirty days it is readable");
    client.lock().await.unwrap();
    world.at("2026-12-20T13:00:00Z");
    let opened = world.try_open().await.unwrap();
    assert_eq!(opened.phase, Phase::Locked);
    assert_eq!(opened.trouble.unwrap().code, "contact_needed");
    let client = opened.client;
    assert_eq!(client.bills().view().await.err().unwrap().code, "locked", "nothing is shown");
    assert_eq!(client.status().await.unwrap().trouble.as_deref(), Some("contact_needed"), "the lock screen says why");
    assert_eq!(client.unlock(None).await.unwrap_err().code, "contact_needed");
    world.at("2026-11-21T00:00:00Z");
    assert_eq!(client.unlock(None).await.unwrap_err().code, "contact_needed", "a clock that is set back gains nothing");
    world.at("2026-12-21T13:00:00Z");
    lock(&fake).down = false;
    client.unlock(None).await.unwrap();
    assert_eq!(client.status().await.unwrap().trouble, None);
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 1, "unsent work was kept");
    client.sync().now().await.unwrap();
    assert!(lock(&fake).writes.iter().any(|write| write.0 == "PUT"), "and is sent");
    world.end().await;
}

#[tokio::test]
async fn a_device_that_was_signed_out_while_it_was_away_is_wiped_before_anything_is_shown() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    client.lock().await.unwrap();
    world.at("2027-01-20T12:00:00Z");
    lock(&fake).revoked = true;
    let opened = world.try_open().await.unwrap();
    assert_eq!(opened.trouble.unwrap().code, "device_revoked");
    assert_eq!(opened.client.phase(), Phase::Welcome);
    assert_eq!(files_of(&world.data()), Vec::<String>::new());
    assert!(world.secrets().is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_session_that_ended_by_itself_opens_the_copy_and_asks_to_sign_in() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    world.at("2027-01-20T12:00:00Z");
    lock(&fake).signed_out = true;
    let client = world.restart(client).await;
    let status = client.status().await.unwrap();
    assert_eq!((status.phase, status.signed_in), (Phase::Ready, false));
    world.end().await;
}

#[tokio::test]
async fn an_account_of_this_computer_needs_no_answer_of_anybody() {
    let world = World::new();
    let client = world.start().await;
    world.at("2031-01-01T00:00:00Z");
    let client = world.restart(client).await;
    assert_eq!(client.phase(), Phase::Ready);
    world.end().await;
}

// ---- Deleting ---------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_deletion_that_was_cut_short_goes_on_at_the_next_start() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    client.lock().await.unwrap();
    // The keys went, or only the mark was made: both are the middle of a deletion.
    for gone in [&[][..], &["vault.json"], &["vault.json", "cache.db"]] {
        let left = copy_of(&world.data());
        std::fs::write(left.path().join("wiping"), b"").unwrap();
        for name in gone {
            std::fs::remove_file(left.path().join(name)).unwrap();
        }
        let secrets = Arc::new(world.secrets().copy());
        let opened = Client::open(left.path(), Ports { secrets: secrets.clone(), ..world.ports() }).await.unwrap();
        assert_eq!(opened.phase, Phase::Welcome);
        assert_eq!(files_of(left.path()), Vec::<String>::new(), "{gone:?}");
        assert!(secrets.is_empty() || !gone.is_empty(), "what the header names goes from the keyring");
    }
    world.end().await;
}

#[tokio::test]
async fn a_keyring_that_refuses_keeps_no_file_and_no_header() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    std::fs::create_dir_all(world.data().join("viewer/1")).unwrap();
    std::fs::write(world.data().join("viewer/1/statement.pdf"), b"%PDF").unwrap();
    lock(&fake).revoked = true;
    world.secrets().fail_with(Some(crate::platform::SecretStoreError::Locked));
    let _ = client.sync().now().await;
    client.wipe().await.unwrap();
    assert_eq!(client.phase(), Phase::Welcome);
    assert_eq!(files_of(&world.data()), Vec::<String>::new());
}

// ---- What others could read -------------------------------------------------------------------------------------

/// Keeps every word of the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl tracing::field::Visit for Log {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        lock(&self.0).extend(format!("{field}={value:?} ").into_bytes());
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut self.clone());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn two_hundred_canaries_are_in_no_file_and_no_line_of_the_log() {
    const EACH: u8 = 90;
    const WORD: &str = "canary";
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let (world, fake) = (World::new(), start_fake().await);
    lock(&fake).salt = "-canary-token".to_owned();
    let words = "canary mill quiet harbour 17";
    let (client, _) = signed_in_kept(&world, &fake, Protect::Passphrase(Zeroizing::new(words.to_owned()))).await;
    let mut canaries = vec![words.to_owned(), "-canary-token".to_owned(), "SQLite format 3".to_owned()];
    {
        let mut fake = lock(&fake);
        fake.snapshot = vec![Record::Account(card())];
        for number in 0..EACH {
            let (shop, name) = (format!("canary-shop-{number:03}"), format!("canary-bill-{number:03}"));
            fake.snapshot.push(Record::Transaction(line(number, "2026-11-01", &shop)));
            fake.snapshot.push(Record::Bill(bill(100 + number, &name)));
            canaries.extend([shop, name]);
        }
    }
    client.sync().now().await.unwrap();
    for number in 0..20 {
        let name = format!("canary-unsent-{number:03}");
        client.bills().add(monthly(&name, "731.09", "2026-12-01")).await.unwrap();
        canaries.push(name);
    }
    let open = client.opened().unwrap();
    canaries.push(data_encoding::HEXLOWER.encode(open.vault().cache_key().as_slice()));
    drop(open);
    assert!(canaries.len() > 200);
    // What goes wrong is written to the log: the server fails, refuses, and the copy is damaged.
    lock(&fake).down = true;
    assert!(client.sync().now().await.is_err());
    client.import().import(b"canary-import is no export".to_vec(), None).await.unwrap_err();
    let look = |when: &str, folder: &Path| {
        let files = bytes_below(folder);
        let said = lock(&log.0).clone();
        // One look for the word that nearly all of them hold, instead of one for each.
        for canary in
            canaries.iter().map(String::as_str).filter(|canary| !canary.contains(WORD)).chain([WORD, "731.09"])
        {
            assert!(!holds(&files, canary), "{when}: {canary} is readable");
            assert!(!holds(&said, canary), "{when}: {canary} was logged");
        }
    };
    assert!(world.data().join("cache.db-wal").exists(), "the log of the copy is looked at, too");
    look("open", &world.data());
    look("as the power goes", copy_of(&world.data()).path());
    client.doubt();
    client.is_built_anew(&client.opened().unwrap()).await;
    assert!(world.data().join("damaged").exists());
    look("built anew", &world.data());
    client.lock().await.unwrap();
    client.unlock(Some(Zeroizing::new("canary wrong words 99".to_owned()))).await.unwrap_err();
    look("locked", &world.data());
    assert!(!lock(&log.0).is_empty(), "something was logged");
    world.end().await;
}
