//! How long something is kept on this computer: nothing on one of somebody else's, thirty days without the server, and not
//! a moment longer once this device was signed out.

use std::path::Path;
use std::sync::Arc;

use crate::client::{Client, lock};
use crate::platform::Ports;
use crate::server_tests::{signed_in, signed_in_kept, start_fake};
use crate::status::{Phase, Protection};
use crate::testing::{World, copy_of, monthly};
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
