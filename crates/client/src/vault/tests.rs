use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::*;
use crate::platform::{FixedZone, MemoryNotifier, MemorySecrets, NoBrowser, NoSecrets, SeededChance};

const PHRASE: &str = "quiet harbour 17";
const PIN: &str = "492716";

fn phrase() -> Protect {
    Protect::Passphrase(Zeroizing::new(PHRASE.to_owned()))
}

fn both() -> Protect {
    Protect::KeyringAndPassphrase(Zeroizing::new(PIN.to_owned()))
}

/// A clock on which each stretch takes as long as it is told.
struct Stopwatch {
    step: Mutex<SignedDuration>,
    now: Mutex<jiff::Timestamp>,
}

impl Clock for Stopwatch {
    fn now(&self) -> jiff::Timestamp {
        let mut now = lock(&self.now);
        *now = now.checked_add(*lock(&self.step)).unwrap();
        *now
    }
}

struct World {
    dir: tempfile::TempDir,
    memory: Arc<MemorySecrets>,
    ports: Ports,
    watch: Arc<Stopwatch>,
}

impl World {
    fn new() -> Self {
        let memory = Arc::new(MemorySecrets::default());
        let began = "2026-11-20T12:00:00Z".parse().unwrap();
        let watch = Arc::new(Stopwatch { step: Mutex::new(SignedDuration::ZERO), now: Mutex::new(began) });
        let ports = Ports {
            secrets: memory.clone(),
            notifier: Arc::new(MemoryNotifier::default()),
            browser: Arc::new(NoBrowser::default()),
            clock: watch.clone(),
            chance: Arc::new(SeededChance::new(7)),
            zone: Arc::new(FixedZone(TimeZone::UTC)),
            language: crate::platform::Language::En.into(),
        };
        Self { dir: tempfile::tempdir().unwrap(), memory, ports, watch }
    }

    fn without_keyring() -> Self {
        let mut world = Self::new();
        world.ports.secrets = Arc::new(NoSecrets);
        world
    }

    fn folder(&self) -> Folder {
        Folder::at(self.dir.path().join("data")).unwrap()
    }

    fn create(&self, protect: &Protect) -> (Vault, RecoveryKey) {
        Vault::create(&self.folder(), protect, Place::ThisComputer, &self.ports).unwrap()
    }

    fn open(&self, passphrase: Option<&str>) -> Result<Vault, VaultError> {
        Vault::open(&self.folder(), passphrase, &self.ports)
    }

    fn header(&self) -> Vec<u8> {
        std::fs::read(self.folder().header()).unwrap()
    }
}

fn name_of(error: &VaultError) -> &'static str {
    match error {
        VaultError::KeyringAbsent { .. } => "absent",
        VaultError::KeyringNoBus { .. } => "no bus",
        VaultError::KeyringLocked => "locked",
        VaultError::KeyringItemMissing => "missing",
        VaultError::KeyringItemReplaced => "replaced",
        VaultError::KeyringRefused { .. } => "refused",
        VaultError::KeyringChanged { .. } => "changed",
        _ => "something else",
    }
}

#[test]
fn the_keyring_opens_what_it_protected() {
    let world = World::new();
    let (made, _) = world.create(&Protect::Keyring);
    assert_eq!(world.open(None).unwrap().cache_key(), made.cache_key());
}

/// The seven ways in which a keyring does not open what it should; the eighth is that it does.
#[test]
fn a_file_that_is_gone_or_damaged_is_told_by_its_own_name() {
    let world = World::new();
    assert!(matches!(world.open(None), Err(VaultError::NoAccount)));
    let (made, _) = world.create(&phrase());
    made.put(SecretKind::Server, &Secret::new(vec![7; 32])).unwrap();
    drop(made);
    let (secrets, header) = (world.folder().secrets(), world.folder().header());
    let kept = std::fs::read(&secrets).unwrap();
    std::fs::write(&secrets, &kept[..kept.len() - 1]).unwrap();
    let opened = world.open(Some(PHRASE)).unwrap();
    assert!(matches!(opened.find(SecretKind::Server), Err(VaultError::SecretsDamaged)));
    drop(opened);
    std::fs::write(&secrets, kept).unwrap();
    let kept = std::fs::read(&header).unwrap();
    std::fs::remove_file(&header).unwrap();
    assert!(matches!(world.open(Some(PHRASE)), Err(VaultError::HeaderGone)));
    std::fs::write(&header, kept).unwrap();
    assert!(world.open(Some(PHRASE)).unwrap().find(SecretKind::Server).unwrap().is_some(), "nothing was changed");
}

#[test]
fn each_state_of_the_keyring_is_told_apart_makes_no_new_key_and_is_repaired() {
    type Trouble = fn(&MemorySecrets);
    let states: [(&str, Trouble); 7] = [
        ("absent", |it| it.fail_with(Some(SecretStoreError::Absent { why: String::new() }))),
        ("no bus", |it| it.fail_with(Some(SecretStoreError::NoBus { why: String::new() }))),
        ("locked", |it| it.fail_with(Some(SecretStoreError::Locked))),
        ("refused", |it| it.fail_with(Some(SecretStoreError::Refused { why: String::new() }))),
        ("missing", |it| it.forget(SecretKind::Vault)),
        ("replaced", |it| it.replace(SecretKind::Vault, &[7; 32])),
        ("changed", |it| {
            it.forget(SecretKind::Vault);
            it.goes_by("another keyring");
        }),
    ];
    for protect in [Protect::Keyring, both()] {
        for (state, trouble) in states {
            let world = World::new();
            let (made, recovery) = world.create(&protect);
            let (key, header) = (made.cache_key(), world.header());
            drop(made);
            trouble(&world.memory);
            for given in [None, Some(PIN), Some("000000")] {
                let refused = world.open(given).err().unwrap();
                assert_eq!(name_of(&refused), state, "told before any passphrase is weighed: {refused:?}");
            }
            let again = Vault::create(&world.folder(), &Protect::Keyring, Place::ThisComputer, &world.ports);
            assert!(matches!(again, Err(VaultError::AlreadySetUp)), "{state}");
            assert_eq!(world.header(), header, "{state}: nothing was written");
            // By the keyring where there is one again, by a passphrase while there is none.
            if world.memory.fails() {
                let repaired = Vault::repair(&world.folder(), &recovery, &phrase(), &world.ports).unwrap();
                assert_eq!(repaired.cache_key(), key, "{state}");
                assert_eq!(world.open(Some(PHRASE)).unwrap().cache_key(), key, "{state}");
            } else {
                let repaired = Vault::repair(&world.folder(), &recovery, &Protect::Keyring, &world.ports).unwrap();
                assert_eq!(repaired.cache_key(), key, "{state}");
                assert_eq!(world.open(None).unwrap().cache_key(), key, "{state}");
            }
        }
    }
}

#[test]
fn a_keyring_that_comes_back_opens_as_before() {
    let world = World::new();
    let (made, _) = world.create(&Protect::Keyring);
    for failure in [SecretStoreError::Locked, SecretStoreError::NoBus { why: String::new() }] {
        world.memory.fail_with(Some(failure));
        assert!(world.open(None).is_err());
        world.memory.fail_with(None);
        assert_eq!(world.open(None).unwrap().cache_key(), made.cache_key());
    }
}

#[test]
fn a_passphrase_protects_where_there_is_no_keyring() {
    let world = World::without_keyring();
    let (made, _) = world.create(&phrase());
    made.put(SecretKind::RefreshToken, &Secret::new(b"token-canary".to_vec())).unwrap();
    assert!(matches!(world.open(None), Err(VaultError::PassphraseNeeded)));
    assert!(matches!(world.open(Some("quiet harbour 18")), Err(VaultError::WrongPassphrase)));
    let opened = world.open(Some(PHRASE)).unwrap();
    assert_eq!(opened.find(SecretKind::RefreshToken).unwrap().unwrap().expose(), b"token-canary");
    let on_disk = std::fs::read(world.folder().secrets()).unwrap();
    assert!(!on_disk.windows(6).any(|w| w == b"canary"), "sealed on disk");
}

#[test]
fn a_weak_passphrase_is_refused_before_anything_is_written() {
    let world = World::new();
    for phrase in ["eleven chrs", "aaaaaaaaaaaaaaaaaaaa"] {
        let protect = Protect::Passphrase(Zeroizing::new(phrase.to_owned()));
        assert!(Vault::create(&world.folder(), &protect, Place::ThisComputer, &world.ports).is_err());
    }
    let pin = Protect::KeyringAndPassphrase(Zeroizing::new("123456".to_owned()));
    let refused = Vault::create(&world.folder(), &pin, Place::ThisComputer, &world.ports);
    assert!(matches!(refused, Err(VaultError::PassphraseGuessable)));
    assert!(!world.folder().header().exists());
    assert!(world.memory.is_empty());
}

#[test]
fn on_top_of_the_keyring_neither_opens_anything_alone() {
    let world = World::new();
    let (made, _) = world.create(&both());
    made.put(SecretKind::RefreshToken, &Secret::new(b"token".to_vec())).unwrap();
    assert!(matches!(world.open(None), Err(VaultError::PassphraseNeeded)));
    assert!(matches!(world.open(Some("492717")), Err(VaultError::WrongPassphrase)));
    let opened = world.open(Some(PIN)).unwrap();
    assert_eq!(opened.cache_key(), made.cache_key());
    assert_eq!(opened.find(SecretKind::RefreshToken).unwrap().unwrap().expose(), b"token");
    assert!(opened.knows(Some(PIN), &world.ports).unwrap());
    assert!(!opened.knows(Some("492717"), &world.ports).unwrap());
    world.memory.forget(SecretKind::Vault);
    assert!(matches!(world.open(Some(PIN)), Err(VaultError::KeyringItemMissing)));
}

#[test]
fn protecting_anew_carries_everything_and_leaves_nothing_behind() {
    let world = World::new();
    let (mut vault, recovery) = world.create(&Protect::Keyring);
    let key = vault.cache_key();
    for (kind, value) in
        [(SecretKind::Device, "device"), (SecretKind::RefreshToken, "token"), (SecretKind::Server, "srv")]
    {
        vault.put(kind, &Secret::new(value.as_bytes().to_vec())).unwrap();
    }
    let ways = [
        (both(), Some(PIN)),
        (phrase(), Some(PHRASE)),
        (Protect::Keyring, None),
        (phrase(), Some(PHRASE)),
        (both(), Some(PIN)),
    ];
    for (protect, passphrase) in ways {
        vault.protect(&protect).unwrap();
        vault = world.open(passphrase).unwrap();
        assert_eq!(vault.cache_key(), key);
        for (kind, value) in
            [(SecretKind::Device, "device"), (SecretKind::RefreshToken, "token"), (SecretKind::Server, "srv")]
        {
            assert_eq!(vault.find(kind).unwrap().unwrap().expose(), value.as_bytes(), "{protect:?} {kind:?}");
        }
        let alone = matches!(protect, Protect::Passphrase(_));
        assert_eq!(world.memory.is_empty(), alone, "the keyring holds nothing of it once it is not asked any more");
    }
    // The recovery key is as good as on the first day.
    let repaired = Vault::repair(&world.folder(), &recovery, &Protect::Keyring, &world.ports).unwrap();
    assert_eq!(repaired.cache_key(), key);
}

#[test]
fn protecting_anew_that_fails_changes_nothing() {
    let world = World::new();
    let (mut vault, _) = world.create(&phrase());
    let header = world.header();
    world.memory.fail_with(Some(SecretStoreError::Locked));
    assert!(matches!(vault.protect(&Protect::Keyring), Err(VaultError::KeyringLocked)));
    assert_eq!(world.header(), header);
    assert_eq!(world.open(Some(PHRASE)).unwrap().cache_key(), vault.cache_key());
}

#[test]
fn a_recovery_key_that_was_shown_goes_on_while_no_other_is_written() {
    let world = World::new();
    let (mut vault, recovery) = world.create(&Protect::Keyring);
    let key = vault.cache_key();
    assert!(vault.renew(&Protect::Passphrase(Zeroizing::new("short".to_owned()))).is_err());
    // What is written next is the header as it was.
    vault.protect(&phrase()).unwrap();
    let repaired = Vault::repair(&world.folder(), &recovery, &Protect::Keyring, &world.ports).unwrap();
    assert_eq!(repaired.cache_key(), key);
}

#[test]
fn the_key_of_the_embedded_servers_books_outlives_the_keyring() {
    let world = World::new();
    let (vault, recovery) = world.create(&Protect::Keyring);
    vault.put(SecretKind::Server, &Secret::new(vec![9; 32])).unwrap();
    for kind in SecretKind::ALL {
        world.memory.forget(*kind);
    }
    let repaired = Vault::repair(&world.folder(), &recovery, &Protect::Keyring, &world.ports).unwrap();
    assert_eq!(repaired.find(SecretKind::Server).unwrap().unwrap().expose(), [9; 32]);
}

#[test]
fn a_server_key_from_before_is_taken_over_from_the_keyring() {
    let world = World::new();
    let (vault, _) = world.create(&Protect::Keyring);
    let name = SecretName { vault: vault.header().id(), kind: SecretKind::Server };
    world.ports.secrets.put(name, &Secret::new(vec![8; 32])).unwrap();
    assert_eq!(vault.find(SecretKind::Server).unwrap().unwrap().expose(), [8; 32]);
    world.memory.forget(SecretKind::Server);
    assert_eq!(world.open(None).unwrap().find(SecretKind::Server).unwrap().unwrap().expose(), [8; 32]);
}

#[test]
fn a_fast_computer_stretches_longer_from_the_next_opening_on() {
    let world = World::new();
    let (made, _) = world.create(&both());
    let before = made.header().argon2;
    *lock(&world.watch.step) = SignedDuration::from_millis(400);
    let raised = world.open(Some(PIN)).unwrap();
    assert_ne!(raised.header().argon2, before);
    *lock(&world.watch.step) = SignedDuration::from_millis(800);
    let kept = world.open(Some(PIN)).unwrap();
    assert_eq!(kept.header().argon2, raised.header().argon2, "slow enough now");
    assert_eq!(kept.cache_key(), made.cache_key());
    assert!(matches!(world.open(Some("492717")), Err(VaultError::WrongPassphrase)));
}

#[test]
fn a_header_of_the_first_version_opens_and_is_brought_up_to_date() {
    let world = World::new();
    let (made, _) = world.create(&Protect::Keyring);
    let mut old: serde_json::Value = serde_json::from_slice(&world.header()).unwrap();
    old["version"] = 1.into();
    old.as_object_mut().unwrap().remove("keyring");
    std::fs::write(world.folder().header(), serde_json::to_vec(&old).unwrap()).unwrap();
    assert_eq!(world.open(None).unwrap().cache_key(), made.cache_key());
    let now: serde_json::Value = serde_json::from_slice(&world.header()).unwrap();
    assert_eq!(now["version"], 2);
    assert!(now["keyring"]["check"].is_string());
    // Without the mark, another secret is still told apart from a missing one.
    std::fs::write(world.folder().header(), serde_json::to_vec(&old).unwrap()).unwrap();
    world.memory.replace(SecretKind::Vault, &[7; 32]);
    assert!(matches!(world.open(None), Err(VaultError::KeyringItemReplaced)));
}

#[test]
fn a_wrong_recovery_key_opens_nothing() {
    let world = World::new();
    let (_, recovery) = world.create(&Protect::Keyring);
    let typed = recovery.expose().to_lowercase().replace('-', " ");
    assert_eq!(*RecoveryKey::parse(&typed).unwrap().expose(), *recovery.expose());
    let wrong = RecoveryKey::parse(&"A".repeat(25)).unwrap();
    let refused = Vault::repair(&world.folder(), &wrong, &Protect::Keyring, &world.ports);
    assert!(matches!(refused, Err(VaultError::WrongRecoveryKey)));
    let (mut vault, _) = (world.open(None).unwrap(), ());
    let renewed = vault.renew(&Protect::Keyring).unwrap();
    let refused = Vault::repair(&world.folder(), &recovery, &Protect::Keyring, &world.ports);
    assert!(matches!(refused, Err(VaultError::WrongRecoveryKey)), "the one before opens nothing any more");
    Vault::repair(&world.folder(), &renewed, &Protect::Keyring, &world.ports).unwrap();
}

#[test]
fn a_header_from_a_newer_version_is_left_alone() {
    let world = World::new();
    std::fs::write(world.folder().header(), br#"{"version":3}"#).unwrap();
    assert!(matches!(world.open(None), Err(VaultError::Newer)));
    std::fs::write(world.folder().header(), b"{").unwrap();
    assert!(matches!(world.open(None), Err(VaultError::Damaged)));
}
