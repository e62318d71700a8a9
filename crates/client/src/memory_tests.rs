//! What is left in the memory of the process when Billfold is locked, has quit or was signed out: no key, no token and no
//! passphrase, in none of fifty scans. The program that is looked through is a process of its own, since this one holds the
//! server, and with it the tokens. It looks through itself, as nobody else may.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::client::{Client, lock};
use crate::lock::LockReason;
use crate::platform::{Secret, SecretKind, SecretName, SecretStore, SecretStoreError};
use crate::server_tests::{far_fake, signed_in_kept, start_fake, tell_far};
use crate::status::Phase;
use crate::testing::{World, monthly};
use crate::vault::Protect;

const SCANS: usize = 50;
/// What the process says when it was looked through so often.
const ENOUGH: &str = "looked through fifty times";
/// Connections end on threads of their own: they are given so many looks.
const LOOKS_MAX: usize = 20;
/// Says to the process that it is the one to be looked through, and where the server is.
const SERVER: &str = "BILLFOLD_TEST_SCANNED_BY";
const PAGE: usize = 4_096;
const PAGES_AT_ONCE: usize = 64;
/// So much of a secret is enough to know it by.
const KNOWN_BY: usize = 16;

#[test]
fn after_lock_quit_and_sign_out_fifty_scans_of_the_memory_find_no_secret() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Ok(origin) = std::env::var(SERVER) {
        return runtime().block_on(be_scanned(&origin));
    }
    let runtime = runtime();
    let fake = runtime.block_on(start_fake());
    lock(&fake).salt = "-7d1f0e6c52b94aa8".to_owned();
    let origin = lock(&fake).origin().to_owned();
    let name = std::thread::current().name().unwrap().to_owned();
    let scanned = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture", "--test-threads", "1"])
        .env(SERVER, origin)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&scanned.stdout).into_owned() + &String::from_utf8_lossy(&scanned.stderr);
    assert!(scanned.status.success() && words.contains(ENOUGH), "{words}");
}

/// A keyring as it is: another place than this process.
struct OtherPlace(tempfile::TempDir);

impl OtherPlace {
    fn path(&self, name: SecretName) -> PathBuf {
        self.0.path().join(name.to_string().replace('/', "-"))
    }
}

impl SecretStore for OtherPlace {
    fn find(&self, name: SecretName) -> Result<Option<Secret>, SecretStoreError> {
        Ok(std::fs::read(self.path(name)).ok().map(Secret::new))
    }

    fn put(&self, name: SecretName, value: &Secret) -> Result<(), SecretStoreError> {
        std::fs::write(self.path(name), value.expose()).unwrap();
        Ok(())
    }

    fn remove(&self, name: SecretName) -> Result<(), SecretStoreError> {
        let _ = std::fs::remove_file(self.path(name));
        Ok(())
    }

    fn kind(&self) -> Result<String, SecretStoreError> {
        Ok("another place".to_owned())
    }
}

/// Passphrases come from a file, as they do from a person: no constant of the program holds them.
fn passphrase(dir: &tempfile::TempDir) -> Zeroizing<String> {
    Zeroizing::new(std::fs::read_to_string(dir.path().join("passphrase")).unwrap())
}

fn write_passphrase(dir: &tempfile::TempDir) {
    let mut words = Zeroizing::new(String::new());
    for _ in 0..4 {
        let draw: [u8; 4] = crate::platform::random(&crate::platform::SystemChance);
        words.push_str(&data_encoding::BASE32_NOPAD.encode(&draw).to_lowercase());
        words.push(' ');
    }
    std::fs::write(dir.path().join("passphrase"), words.trim_end()).unwrap();
}

async fn be_scanned(origin: &str) {
    let mut scans = 0;
    let dir = tempfile::tempdir().unwrap();
    write_passphrase(&dir);
    for round in 0.. {
        if scans >= SCANS {
            break;
        }
        scans += live_once(origin, &dir, round).await;
    }
    println!("{ENOUGH}");
}

/// One account from sign-in to sign-out, looked through each time that it is closed.
async fn live_once(origin: &str, dir: &tempfile::TempDir, round: usize) -> usize {
    let keyring = Arc::new(OtherPlace(tempfile::tempdir().unwrap()));
    let world = World::with_secrets(keyring.clone());
    let by_passphrase = round % 3 == 1;
    let fake = far_fake(origin);
    tell_far(&fake, "/test/return").await;
    let protect = if by_passphrase { Protect::Passphrase(passphrase(dir)) } else { Protect::Keyring };
    let (mut client, _) = signed_in_kept(&world, &fake, protect).await;
    let mut needles = Needles::default();
    needles.learn_from(&client, &keyring, dir).await;
    assert!(needles.found().len() >= 3, "a scan finds what is there: {:?}", needles.found());
    let mut scans = 0;
    for turn in 0..8 {
        if client.phase() == Phase::Locked {
            let words = by_passphrase.then(|| passphrase(dir));
            client.unlock(words).await.unwrap();
        }
        client.bills().add(monthly(&format!("Bill {turn}"), "950.00", "2026-12-01")).await.unwrap();
        client.sync().now().await.unwrap();
        needles.learn_from(&client, &keyring, dir).await;
        let how = match turn {
            0..4 => {
                client.lock_for(LockReason::Slept).await.unwrap();
                "lock"
            }
            4..7 => {
                client = world.restart(client).await;
                client.lock().await.unwrap();
                "quit"
            }
            _ => {
                tell_far(&fake, "/test/revoke").await;
                assert_eq!(client.sync().now().await.unwrap_err().code, "device_revoked");
                "revoked"
            }
        };
        assert_eq!(needles.left().await, Vec::<String>::new(), "round {round}, turn {turn}, after {how}");
        scans += 1;
    }
    scans
}

/// Secrets to look for, each byte turned over so that looking for them does not find the list itself.
#[derive(Default)]
struct Needles(BTreeMap<String, Vec<Vec<u8>>>);

const TURNED: u8 = 0xa5;

impl Needles {
    fn add(&mut self, name: &str, secret: &[u8]) {
        let turned: Vec<u8> = secret[..secret.len().min(2 * KNOWN_BY)].iter().map(|byte| byte ^ TURNED).collect();
        assert!(turned.len() >= KNOWN_BY, "{name} is too short to be told from chance");
        let known = self.0.entry(name.to_owned()).or_default();
        if !known.contains(&turned) {
            known.push(turned);
        }
    }

    /// Every secret that an open account has at this moment.
    async fn learn_from(&mut self, client: &Client, keyring: &OtherPlace, dir: &tempfile::TempDir) {
        self.add("passphrase", passphrase(dir).as_bytes());
        let open = client.opened().unwrap();
        let key = open.vault().cache_key();
        self.add("data key", key.as_slice());
        self.add("data key as text", Zeroizing::new(data_encoding::HEXLOWER.encode(key.as_slice())).as_bytes());
        self.add("outbox key", open.vault().outbox_key().as_slice());
        self.add("chain key", open.vault().chain_key().as_slice());
        let vault = SecretName { vault: open.vault().header().id(), kind: SecretKind::Vault };
        if let Some(secret) = keyring.find(vault).unwrap() {
            self.add("keyring's secret", secret.expose());
        }
        let device = open.vault().find(SecretKind::Device).unwrap().unwrap();
        // Where the private key of a P-256 key stands in ring's PKCS #8, and how its limbs stand in memory.
        let mut scalar = Zeroizing::new(device.expose()[36..68].to_vec());
        self.add("device key", &scalar);
        scalar.reverse();
        self.add("device key as limbs", &scalar);
        self.add("refresh token", open.vault().find(SecretKind::RefreshToken).unwrap().unwrap().expose());
        if let Some(tokens) = open.tokens.lock().await.as_ref() {
            self.add("access token", tokens.access.as_bytes());
        }
    }

    /// What is still found when everything had its time to end.
    async fn left(&self) -> Vec<String> {
        for _ in 1..LOOKS_MAX {
            if self.found().is_empty() {
                return Vec::new();
            }
            tokio::task::yield_now().await;
        }
        self.found()
    }

    /// What of it stands in the writable memory of this process, and where.
    fn found(&self) -> Vec<String> {
        let mut first = [false; 256];
        for needle in self.0.values().flatten() {
            first[usize::from(needle[0] ^ TURNED)] = true;
        }
        let mut found = Vec::new();
        let mut memory = File::open("/proc/self/mem").unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
            let (from, rest) = line.split_once('-').unwrap();
            let (to, name) = rest.split_once(' ').unwrap();
            let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
            self.look_through(&mut memory, hex(from), hex(to), &first, |what, at| {
                found.push(format!("{what} at {at:x} in {}", name.rsplit(' ').next().unwrap_or_default()));
            });
        }
        found
    }

    fn look_through(
        &self,
        memory: &mut File,
        from: u64,
        to: u64,
        first: &[bool; 256],
        mut found: impl FnMut(&str, u64),
    ) {
        const EMPTY: [u8; PAGE] = [0; PAGE];
        let mut pages = vec![0; PAGE * PAGES_AT_ONCE];
        let mut at = from;
        while at < to {
            let wanted = usize::try_from(to - at).unwrap().min(pages.len());
            memory.seek(SeekFrom::Start(at)).unwrap();
            // What went meanwhile is not there to be found.
            let Ok(read) = memory.read(&mut pages[..wanted]) else { return };
            for (number, page) in pages[..read].chunks(PAGE).enumerate() {
                if page == &EMPTY[..page.len()] {
                    continue;
                }
                let start = number * PAGE;
                for (offset, byte) in page.iter().enumerate() {
                    if !first[usize::from(*byte)] {
                        continue;
                    }
                    let rest = &pages[start + offset..read];
                    for (name, needles) in &self.0 {
                        let is_it = |needle: &Vec<u8>| {
                            let length = needle.len();
                            rest.len() >= length && rest.iter().zip(needle).all(|(a, b)| a ^ TURNED == *b)
                        };
                        if needles.iter().any(is_it) {
                            found(name, at + (start + offset) as u64);
                        }
                    }
                }
            }
            pages.fill(0);
            // Whatever stands across two readings is read again from its beginning.
            let step = if read == wanted && at + (read as u64) < to { read - PAGE / 2 } else { read.max(1) };
            at += step as u64;
        }
    }
}
