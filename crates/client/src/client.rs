//! The façade: one `Client` for a data folder, cheap to clone. It is at the welcome, locked, or open; features hang
//! off it as small handles (`client.bills().add(…)`). Every change goes to the cache and the outbox in one
//! transaction, so that everything works offline.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError, Weak};
use std::time::Duration;

use domain::ids::MutationId;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, broadcast};
use zeroize::Zeroizing;

use crate::book::Here;
use crate::cache::anchor::{Anchor, Anchoring, Condition};
use crate::cache::transactions::Names;
use crate::cache::{Cache, CacheError, CacheResult, Closed, Tx, outbox as rows, state, transactions};
use crate::error::{Class, ClientError};
use crate::folder::{self, Folder};
use crate::http::{CallError, Http, Method, Sending, Tokens};
use crate::lease::{LEASE_DAYS, Lease};
use crate::lock::LockReason;
use crate::outbox::{self, Beside, Change, Entry};
use crate::own::Own;
use crate::platform::{Ports, Secret, SecretKind, SecretStore, random};
use crate::reminders::{Standing, Unkept};
use crate::seal::SealKey;
use crate::settings::Settings;
use crate::sign_in::{Cancel, Waiting};
use crate::status::{Phase, Place, Protection};
use crate::vault::{self, Header, Protect, RecoveryKey, Vault, VaultError};

/// Events that a slow listener may be behind before it is told to read everything again.
const EVENTS_KEPT: usize = 256;
/// Wrong passphrases before waiting begins, and the longest wait.
const FREE_TRIES: u32 = 3;
const WAIT_SECONDS_MAX: u32 = 30;
/// Codes that are acted upon: a copy whose server was not heard of for too long, one that does not read, one that must go.
const DAMAGED: &str = "cache_damaged";
const REVOKED: &str = "device_revoked";
/// What takes longer is not waited for while it is locked, each by itself: a keyring, a notification service, whoever
/// still reads or has the turn.
const LOCK_WAITS: Duration = Duration::from_secs(3);
/// How often it is looked whether the vault is free.
const LOOK_AFTER: Duration = Duration::from_millis(20);

/// Something that a screen shows is different: read it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Bills, payments, accounts or transactions.
    Book,
    /// Signed in or out, locked, online, waiting changes, settings.
    Status,
}

#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

/// What opening a data folder came to.
pub struct OpenOutcome {
    pub client: Client,
    pub phase: Phase,
    /// Why it is locked when the keyring should have opened it.
    pub trouble: Option<ClientError>,
}

pub(crate) struct Inner {
    pub folder: Folder,
    pub ports: Ports,
    pub http: Http,
    state: RwLock<State>,
    /// One opening, locking or signing out at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
    events: broadcast::Sender<Changed>,
    /// There is something to send or to read.
    pub wake: Notify,
    pub online: AtomicBool,
    /// Changes that the server has answered since the program began.
    pub answered: AtomicU64,
    /// Where the embedded server listens since it was started.
    embedded: RwLock<Option<String>>,
    tries: Mutex<Tries>,
    trouble: Mutex<Option<ClientError>>,
    pub signing: tokio::sync::Mutex<Option<Waiting>>,
    /// Ends the wait for the browser.
    pub cancelling: Mutex<Option<Arc<Cancel>>>,
    /// The key of the list of due days; it stays in memory while locked.
    pub list_key: Mutex<Option<SealKey>>,
    /// Notices on the desktop that wait for an answer, and what each is about.
    pub standing: Mutex<Vec<Standing>>,
    /// Held while it is looked what to remind of: two who look at once would both show it.
    pub reminding: tokio::sync::Mutex<()>,
    /// Answers that came while it was locked.
    pub unkept: Mutex<Vec<Unkept>>,
    /// Entries of the list of due days that were shown, and that it may not say so of: the disk may be full.
    pub told: Mutex<HashSet<String>>,
    pub offers: Mutex<Vec<crate::import::Held>>,
    /// Archives that wait for their place.
    pub archives: Mutex<Vec<Weak<crate::export::Bytes>>>,
    /// How often an account that somebody was signed in to was closed.
    closings: AtomicU64,
}

enum State {
    Welcome,
    Locked(LockReason),
    Open(Arc<Open>),
}

/// An unlocked folder. Dropping the last handle wipes its keys.
pub(crate) struct Open {
    pub cache: Cache,
    pub beside: Beside,
    pub tokens: tokio::sync::Mutex<Option<Tokens>>,
    /// One pump, pull or snapshot at a time.
    pub syncing: tokio::sync::Mutex<()>,
    vault: Arc<Mutex<Vault>>,
    names: RwLock<Arc<Names>>,
    saving: tokio::sync::Mutex<()>,
    /// The list beside the cache is not what the cache has.
    unsaved: AtomicBool,
    closed: AtomicBool,
    /// Tells whoever waits for the network that it is closed.
    closing: Notify,
    /// Reads a large cache's pages.
    reading: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

#[derive(Default)]
struct Tries {
    wrong: u32,
    not_before: Option<Timestamp>,
}

impl Client {
    /// Opens the data folder, by the keyring when that protects it. A folder that cannot be opened stays locked,
    /// untouched, with the reason.
    pub async fn open(data_dir: impl AsRef<Path>, ports: Ports) -> Result<OpenOutcome, ClientError> {
        let folder = Folder::at(data_dir.as_ref())?;
        let header = finish_what_ended(&folder, ports.secrets.as_ref())?;
        ports.language.choose(folder.chosen_language());
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let client = Self(Arc::new(Inner {
            folder,
            http: Http::new(ports.language.clone()),
            ports,
            state: RwLock::new(header.as_ref().map_or(State::Welcome, |_| State::Locked(LockReason::Started))),
            turn: Arc::default(),
            events,
            wake: Notify::new(),
            online: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            embedded: RwLock::default(),
            tries: Mutex::default(),
            trouble: Mutex::default(),
            signing: tokio::sync::Mutex::default(),
            cancelling: Mutex::default(),
            list_key: Mutex::default(),
            standing: Mutex::default(),
            reminding: tokio::sync::Mutex::default(),
            unkept: Mutex::default(),
            told: Mutex::default(),
            offers: Mutex::default(),
            archives: Mutex::default(),
            closings: AtomicU64::new(0),
        }));
        let mut trouble = None;
        if header.is_some_and(|header| header.mode().has_keyring()) {
            // A passphrase that is needed is no trouble.
            trouble = client.unlock(None).await.err().filter(|error| error.code != "passphrase_needed");
        }
        Ok(OpenOutcome { phase: client.phase(), client, trouble })
    }

    /// Makes the keys and an empty cache. The recovery key is shown once; it is kept nowhere.
    pub async fn create(&self, protect: Protect, place: Place) -> Result<RecoveryKey, ClientError> {
        let _turn = self.0.turn.lock().await;
        check_place(&place)?;
        let kept = !matches!(protect, Protect::Memory);
        if let Some(recovery) = self.begin_again(&protect, &place).await? {
            self.keep_unnoted(kept).await?;
            return Ok(recovery);
        }
        self.clear_unfinished().await?;
        let inner = Arc::clone(&self.0);
        let (vault, recovery) = blocking(move || Vault::create(&inner.folder, &protect, place, &inner.ports)).await??;
        let entered = match self.enter(vault).await {
            Ok(()) => self.keep_unnoted(kept).await,
            Err(error) => Err(error),
        };
        if let Err(error) = entered {
            // Nobody was shown the recovery key of these keys: they protect nothing, and would refuse the next try.
            if let Err(left) = self.wipe_now().await {
                tracing::warn!(code = left.code, "keys that nobody uses stay");
            }
            return Err(error);
        }
        Ok(recovery)
    }

    /// A locked folder that nobody ever signed in to was cut short while it was made: it holds keys whose recovery key
    /// was never shown, and nothing else.
    async fn clear_unfinished(&self) -> Result<(), ClientError> {
        if self.phase() == Phase::Locked && self.is_unfinished()? {
            self.wipe_now().await?;
        }
        Ok(())
    }

    /// The same before a sign-in.
    pub(crate) async fn make_room(&self) -> Result<(), ClientError> {
        let _turn = self.0.turn.lock().await;
        self.clear_unfinished().await
    }

    /// There are keys here, and nobody ever signed in.
    pub fn is_unfinished(&self) -> Result<bool, ClientError> {
        match self.opened() {
            Some(open) => Ok(open.vault().header().holder().is_none()),
            None => Ok(Header::find(&self.0.folder)?.is_some_and(|header| header.holder().is_none())),
        }
    }

    /// A folder whose first sign-in never ended is set up again with the keys it has: nothing is orphaned.
    async fn begin_again(&self, protect: &Protect, place: &Place) -> Result<Option<RecoveryKey>, ClientError> {
        let Some(open) = self.opened().filter(|open| open.vault().header().holder().is_none()) else {
            return Ok(None);
        };
        let (protect, place) = (protect.clone(), place.clone());
        let recovery = blocking(move || {
            let mut vault = open.vault();
            let recovery = vault.renew(&protect)?;
            vault.settle(place, None).map(|()| recovery)
        })
        .await??;
        Ok(Some(recovery))
    }

    /// Unlocks by the keyring, or with the passphrase where that protects the data.
    pub async fn unlock(&self, passphrase: Option<Zeroizing<String>>) -> Result<(), ClientError> {
        let _turn = self.0.turn.lock().await;
        if self.opened().is_some() {
            return Ok(());
        }
        self.check_wait()?;
        let inner = Arc::clone(&self.0);
        let vault =
            blocking(move || Vault::open(&inner.folder, passphrase.as_deref().map(String::as_str), &inner.ports))
                .await?;
        self.count_try(vault.as_ref().err());
        let vault = match vault {
            Ok(vault) => vault,
            Err(error) => {
                let stands = error.is_of_keyring();
                let error = ClientError::from(error);
                *lock(&self.0.trouble) = stands.then(|| error.clone());
                self.tell(Changed::Status);
                return Err(error);
            }
        };
        self.enter_or_say(vault).await
    }

    /// The keys are here. What keeps the copy closed all the same, as a full disk or a server that has to answer first, is
    /// said on the lock screen for as long as that is so.
    async fn enter_or_say(&self, vault: Vault) -> Result<(), ClientError> {
        let entered = self.enter(vault).await;
        if let Err(error) = &entered {
            *lock(&self.0.trouble) = Some(error.clone());
            self.tell(Changed::Status);
        }
        entered
    }

    /// What stood in the way when the copy should have been opened, until it is open.
    #[must_use]
    pub fn trouble(&self) -> Option<ClientError> {
        lock(&self.0.trouble).clone()
    }

    /// Protects the open copy by other means. Where a passphrase protects it now, that one has to be given; wrong ones
    /// wait as they do at the lock.
    pub async fn protect(&self, current: Option<Zeroizing<String>>, protect: Protect) -> Result<(), ClientError> {
        let _turn = self.0.turn.lock().await;
        if matches!(protect, Protect::Memory) {
            return Err(VaultError::NothingKept.into());
        }
        self.for_who_knows(current, move |vault| vault.protect(&protect)).await?;
        // The list of due days goes where the other keys are now.
        *lock(&self.0.list_key) = None;
        self.reminders().write_due_list().await?;
        self.tell(Changed::Status);
        Ok(())
    }

    /// A new recovery key for the open copy, shown this once; the one before opens nothing any more. `current` as with
    /// [`Self::protect`].
    pub async fn new_recovery_key(&self, current: Option<Zeroizing<String>>) -> Result<RecoveryKey, ClientError> {
        let _turn = self.0.turn.lock().await;
        let before = self.with(async |open| state::find(open.cache.readers(), state::RECOVERY_UNNOTED).await).await?;
        // Before it is made: a fall in between must not leave a key that nobody saw and that counts as noted.
        self.keep_unnoted(true).await?;
        let made = self.for_who_knows(current, Vault::replace_recovery).await;
        if made.is_err() {
            self.keep_unnoted(before.unwrap_or(false)).await?;
        }
        made
    }

    /// The person says that they noted the recovery key. Until then it counts as not noted, also after a lock or a fall that
    /// took it off the screen: a new one is offered.
    pub async fn recovery_key_noted(&self) -> Result<(), ClientError> {
        self.keep_unnoted(false).await
    }

    async fn keep_unnoted(&self, unnoted: bool) -> Result<(), ClientError> {
        self.keep_here(state::RECOVERY_UNNOTED, &unnoted).await
    }

    /// Keeps what no server can bring back ([`state::OF_THIS_DEVICE`]), and tells the screens.
    pub(crate) async fn keep_here(&self, key: &'static str, value: &impl serde::Serialize) -> Result<(), ClientError> {
        self.with(async |open| {
            let mut tx = open.cache.begin().await?;
            state::put(&mut *tx, key, value).await?;
            tx.commit().await?;
            self.save_own(open).await;
            Ok(())
        })
        .await?;
        self.tell(Changed::Status);
        Ok(())
    }

    /// Changes what protects the open copy, for who knows the passphrase that does now. Whoever calls it has the turn.
    async fn for_who_knows<T: Send + 'static>(
        &self,
        current: Option<Zeroizing<String>>,
        change: impl FnOnce(&mut Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, ClientError> {
        let open = self.open_now()?;
        if open.vault().header().mode() == Protection::Memory {
            return Err(VaultError::NothingKept.into());
        }
        self.check_wait()?;
        let inner = Arc::clone(&self.0);
        let done = blocking(move || {
            let mut vault = open.vault();
            if !vault.knows(current.as_deref().map(String::as_str), &inner.ports)? {
                return Err(VaultError::WrongPassphrase);
            }
            change(&mut vault)
        })
        .await?;
        self.count_try(done.as_ref().err());
        Ok(done?)
    }

    /// Opens with the recovery key and protects anew, when keyring or passphrase are lost.
    pub async fn repair(&self, recovery: RecoveryKey, protect: Protect) -> Result<(), ClientError> {
        let _turn = self.0.turn.lock().await;
        self.close_open(LockReason::ByHand).await;
        let inner = Arc::clone(&self.0);
        let vault = blocking(move || Vault::repair(&inner.folder, &recovery, &protect, &inner.ports)).await??;
        *lock(&self.0.list_key) = None;
        self.enter_or_say(vault).await
    }

    /// Closes the cache and wipes the keys from memory, because the person wants it.
    pub async fn lock(&self) -> Result<(), ClientError> {
        self.lock_for(LockReason::ByHand).await
    }

    /// The same for another reason, which the lock screen tells. Whatever hangs, it is closed in a moment.
    pub async fn lock_for(&self, reason: LockReason) -> Result<(), ClientError> {
        if let Some(open) = self.opened()
            && open.vault_soon(|vault| vault.header().mode()).await == Some(Protection::Memory)
        {
            self.leave(&open).await;
        }
        let mut waits = Box::pin(Arc::clone(&self.0.turn).lock_owned());
        match tokio::time::timeout(LOCK_WAITS, &mut waits).await {
            Ok(_turn) => self.lock_now(reason).await,
            Err(_) => {
                tracing::warn!("it is locked while something else goes on");
                self.close_open(reason).await;
                // What that opens is closed as soon as it has ended, before anybody else has the turn.
                let client = self.clone();
                tokio::spawn(async move {
                    let _turn = waits.await;
                    client.lock_now(reason).await;
                });
            }
        }
        self.tell(Changed::Status);
        Ok(())
    }

    /// The same for who has the turn.
    async fn lock_now(&self, reason: LockReason) {
        if self.opened().is_none() {
            return;
        }
        let reminders = self.reminders();
        // The list's key may be one that a keyring asks the person for.
        match tokio::time::timeout(LOCK_WAITS, reminders.write_due_list()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(code = error.code, "the list of due days was not written"),
            Err(_) => tracing::warn!("the list of due days was not written in time"),
        }
        // Who only ends the program is still at the desk.
        let nameless = if reason == LockReason::Ended {
            None
        } else {
            let made = tokio::time::timeout(LOCK_WAITS, reminders.nameless_instead()).await;
            made.ok().and_then(Result::ok).flatten()
        };
        self.close_open(reason).await;
        if let Some(nameless) = nameless {
            let hiding = reminders.hide_names(nameless);
            if !matches!(tokio::time::timeout(LOCK_WAITS, hiding).await, Ok(Ok(()))) {
                tracing::warn!("what notices say may still stand on the desktop");
            }
        }
        self.tell(Changed::Status);
    }

    /// Deletes this account from this computer: keys first, then files. The server keeps everything it has.
    pub async fn wipe(&self) -> Result<(), ClientError> {
        let _turn = self.0.turn.lock().await;
        self.wipe_now().await
    }

    /// The same for who has the turn.
    async fn wipe_now(&self) -> Result<(), ClientError> {
        self.close_open(LockReason::ByHand).await;
        let inner = Arc::clone(&self.0);
        blocking(move || vault::wipe(&inner.folder, inner.ports.secrets.as_ref())).await??;
        *write(&self.0.state) = State::Welcome;
        *lock(&self.0.list_key) = None;
        *lock(&self.0.trouble) = None;
        let reminders = self.reminders();
        if !matches!(tokio::time::timeout(LOCK_WAITS, reminders.withdraw_all()).await, Ok(Ok(()))) {
            tracing::warn!("what notices say may still stand on the desktop");
        }
        self.0.online.store(false, Ordering::SeqCst);
        self.tell(Changed::Status);
        self.tell(Changed::Book);
        Ok(())
    }

    /// Tells which screens are out of date. A listener that lags reads everything again.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Changed> {
        self.0.events.subscribe()
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        match &*read(&self.0.state) {
            State::Welcome => Phase::Welcome,
            State::Locked(_) => Phase::Locked,
            State::Open(_) => Phase::Ready,
        }
    }

    /// How often since the start an account was closed whose person was signed in: with each time, screens have to forget
    /// what they hold.
    #[must_use]
    pub fn closings(&self) -> u64 {
        self.0.closings.load(Ordering::SeqCst)
    }

    /// Why it is locked; `None` when it is not.
    #[must_use]
    pub fn locked_because(&self) -> Option<LockReason> {
        match &*read(&self.0.state) {
            State::Locked(reason) => Some(*reason),
            State::Welcome | State::Open(_) => None,
        }
    }

    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.0.folder.path()
    }

    /// Which file of the data folder is what.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.0.folder
    }

    /// Where the account is; known while locked too.
    pub fn place(&self) -> Result<Option<Place>, ClientError> {
        if let Some(open) = self.opened() {
            return Ok(Some(open.vault().header().place().clone()));
        }
        Ok(Header::find(&self.0.folder)?.map(|header| header.place().clone()))
    }

    /// Says where the embedded server listens: `http://localhost:{port}`.
    pub fn server_started(&self, origin: &str) {
        *write(&self.0.embedded) = Some(origin.trim_end_matches('/').to_owned());
        self.0.wake.notify_waiters();
    }

    /// The embedded server stopped or failed.
    pub fn server_stopped(&self) {
        *write(&self.0.embedded) = None;
    }

    /// Why there is no account to open here.
    #[must_use]
    pub fn absent(&self) -> ClientError {
        VaultError::absent(&self.0.folder).into()
    }

    /// The key of the embedded server's database, made on first use. An existing database whose key is gone is
    /// explained, never given a new key.
    pub async fn server_key(&self) -> Result<Secret, ClientError> {
        let open = self.open_now()?;
        let has_data = self.0.folder.server().join("server.sqlite").exists();
        let chance = Arc::clone(&self.0.ports.chance);
        blocking(move || {
            let vault = open.vault();
            let kept = vault.find(SecretKind::Server)?;
            if let Some(key) = kept {
                return Ok(key);
            }
            if has_data {
                let in_keyring = vault.header().mode().has_keyring();
                return Err(if in_keyring { VaultError::KeyringItemMissing } else { VaultError::SecretsDamaged });
            }
            let key = Secret::random(chance.as_ref());
            vault.put(SecretKind::Server, &key)?;
            Ok(key)
        })
        .await?
        .map_err(Into::into)
    }

    // ---- For the features -----------------------------------------------------------------------------------------

    pub(crate) fn opened(&self) -> Option<Arc<Open>> {
        match &*read(&self.0.state) {
            State::Open(open) => Some(Arc::clone(open)),
            State::Welcome | State::Locked(_) => None,
        }
    }

    pub(crate) fn open_now(&self) -> Result<Arc<Open>, ClientError> {
        match &*read(&self.0.state) {
            State::Open(open) => Ok(Arc::clone(open)),
            State::Locked(_) => Err(ClientError::locked()),
            State::Welcome => Err(self.absent()),
        }
    }

    /// The server's origin, without a slash at its end.
    pub(crate) fn origin(&self, open: &Open) -> Option<String> {
        match open.vault().header().place() {
            Place::ThisComputer => read(&self.0.embedded).clone(),
            Place::Server { url, .. } => Some(url.trim_end_matches('/').to_owned()),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.ports.clock.now()
    }

    pub(crate) fn here(&self) -> Here {
        Here { now: self.now(), zone: self.0.ports.zone.zone() }
    }

    pub(crate) fn today(&self) -> Date {
        self.here().today()
    }

    /// Ten random bytes, and the time: what an id is made of.
    pub(crate) fn fresh<T>(&self, make: impl FnOnce(Timestamp, [u8; 10]) -> T) -> T {
        make(self.now(), random(self.0.ports.chance.as_ref()))
    }

    pub(crate) fn tell(&self, changed: Changed) {
        // Nobody listening is fine.
        let _ = self.0.events.send(changed);
    }

    /// Keeps a change: shown in the cache and queued for the server in one transaction, then sealed beside it.
    pub(crate) async fn change(&self, open: &Open, change: Change) -> Result<(), ClientError> {
        self.change_as(open, self.fresh(MutationId::new), change).await
    }

    /// The same under an id that is known before.
    pub(crate) async fn change_as(&self, open: &Open, id: MutationId, change: Change) -> Result<(), ClientError> {
        let result = self.try_change(open, Entry { id, made_at: self.now(), change }).await;
        self.watch(&result);
        result?;
        self.queued(open).await;
        Ok(())
    }

    async fn try_change(&self, open: &Open, entry: Entry) -> CacheResult<()> {
        let mut tx = open.cache.begin().await?;
        self.queue_as(open, &mut tx, entry).await?;
        Ok(tx.commit().await?)
    }

    /// Shows and queues a change within a transaction of the caller's, who says [`Self::queued`] after its commit.
    pub(crate) async fn queue(&self, open: &Open, tx: &mut Tx, change: Change) -> CacheResult<()> {
        self.queue_as(open, tx, Entry { id: self.fresh(MutationId::new), made_at: self.now(), change }).await
    }

    async fn queue_as(&self, open: &Open, tx: &mut Tx, entry: Entry) -> CacheResult<()> {
        outbox::apply(tx, &entry, &open.beside).await?;
        rows::add(tx, &entry).await
    }

    /// Changes are in the queue: from their commit on they are done, whatever comes of the copy beside it.
    pub(crate) async fn queued(&self, open: &Open) {
        self.save_outbox(open).await;
        self.tell(Changed::Book);
        self.tell(Changed::Status);
        self.0.wake.notify_one();
    }

    /// One of this account's secrets; a keyring may wait for the person, so it is asked off the async threads, and nobody
    /// waits for the vault meanwhile.
    pub(crate) async fn secret(&self, open: &Arc<Open>, kind: SecretKind) -> Result<Option<Secret>, VaultError> {
        let in_keyring = open.vault().in_keyring(kind);
        let open = Arc::clone(open);
        off_thread(move || match in_keyring {
            Some((secrets, name)) => Ok(secrets.find(name)?),
            None => open.vault().find(kind),
        })
        .await
    }

    pub(crate) async fn keep_secret(
        &self,
        open: &Arc<Open>,
        kind: SecretKind,
        value: Secret,
    ) -> Result<(), VaultError> {
        let in_keyring = open.vault().in_keyring(kind);
        let open = Arc::clone(open);
        off_thread(move || match in_keyring {
            Some((secrets, name)) => Ok(secrets.put(name, &value)?),
            None => open.vault().put(kind, &value),
        })
        .await
    }

    pub(crate) async fn drop_secret(&self, open: &Arc<Open>, kind: SecretKind) -> Result<(), VaultError> {
        let in_keyring = open.vault().in_keyring(kind);
        let open = Arc::clone(open);
        off_thread(move || match in_keyring {
            Some((secrets, name)) => Ok(secrets.remove(name)?),
            None => open.vault().remove(kind),
        })
        .await
    }

    /// Writes what waits beside the cache, as the cache has it now. What cannot be kept twice yet is kept once, and the
    /// next change or sync tries again.
    pub(crate) async fn save_outbox(&self, open: &Open) {
        let _saving = open.saving.lock().await;
        let saved = async {
            let waiting = rows::all(open.cache.readers()).await?;
            let entries: Vec<Entry> = waiting.into_iter().map(|waiting| waiting.entry).collect();
            let (beside, chance) = (open.beside.clone(), Arc::clone(&self.0.ports.chance));
            let saving = tokio::task::spawn_blocking(move || beside.save(&entries, chance.as_ref()));
            saving.await.map_err(|_| CacheError::Closed)?
        };
        let saved: CacheResult<()> = saved.await;
        self.watch(&saved);
        open.unsaved.store(saved.is_err(), Ordering::SeqCst);
        if let Err(error) = saved {
            tracing::warn!(%error, "what waits to be sent stands in the copy alone");
        }
    }

    /// Tries that again where it failed.
    pub(crate) async fn save_outbox_late(&self, open: &Open) {
        if open.unsaved.load(Ordering::SeqCst) {
            self.save_outbox(open).await;
        }
    }

    /// The same for what only this device knows. What cannot be kept twice is kept once.
    pub(crate) async fn save_own(&self, open: &Open) {
        let _saving = open.saving.lock().await;
        let saved = async {
            let own = Own::read(&open.cache).await?;
            let (beside, chance) = (open.beside.clone(), Arc::clone(&self.0.ports.chance));
            let saving = tokio::task::spawn_blocking(move || beside.save_own(&own, chance.as_ref()));
            saving.await.map_err(|_| CacheError::Closed)?
        };
        if let Err(error) = saved.await {
            tracing::info!(%error, "settings and reminders stand in the copy alone");
        }
    }

    /// A copy that turns out damaged is built anew at once; if the program ends before, the mark sees to it.
    pub(crate) fn watch<T>(&self, result: &CacheResult<T>) {
        if matches!(result, Err(CacheError::Damaged)) {
            self.doubt();
        }
    }

    /// The same for whoever knows no more than what it came to.
    pub(crate) fn watch_for<T>(&self, result: &Result<T, ClientError>) {
        if result.as_ref().is_err_and(|error| error.code == DAMAGED) {
            self.doubt();
        }
    }

    pub(crate) fn doubt(&self) {
        if let Err(error) = folder::replace(&self.0.folder.damage_mark(), b"") {
            tracing::warn!(%error, "the damage could not be marked");
        }
        if let Some(open) = self.opened()
            && open.begin_to_close()
        {
            let client = self.clone();
            tokio::spawn(async move { client.rebuild(&open).await });
        }
    }

    /// Sets the open copy aside and opens a new one with the keys at hand. Whoever reads meanwhile is told that it is
    /// closed, and then that everything changed. Whoever comes second finds it done.
    async fn rebuild(&self, of: &Arc<Open>) {
        let _turn = self.0.turn.lock().await;
        if !self.opened().is_some_and(|open| Arc::ptr_eq(&open, of)) {
            return;
        }
        self.0.wake.notify_waiters();
        of.cache.close().await;
        let tokens = of.tokens.lock().await.take();
        if let Err(error) = self.enter_with(Arc::clone(&of.vault), tokens).await {
            tracing::error!(code = error.code, "the copy could not be built anew");
            *write(&self.0.state) = State::Locked(LockReason::CopyFailed);
            *lock(&self.0.trouble) = Some(error);
            self.tell(Changed::Status);
        }
    }

    /// Whether another copy is open instead of this one, which turned out damaged: what was begun with it is begun again.
    pub(crate) async fn is_built_anew(&self, of: &Arc<Open>) -> bool {
        if of.is_closed() {
            self.rebuild(of).await;
        }
        self.opened().is_some_and(|open| !Arc::ptr_eq(&open, of))
    }

    /// Runs a read or write of the cache, watching for damage.
    pub(crate) async fn with<T>(&self, work: impl AsyncFnOnce(&Open) -> CacheResult<T>) -> Result<T, ClientError> {
        let open = self.open_now()?;
        let result = work(&open).await;
        self.watch(&result);
        Ok(result?)
    }

    pub(crate) async fn settings_now(&self, open: &Open) -> CacheResult<Settings> {
        Ok(state::find(open.cache.readers(), state::SETTINGS).await?.unwrap_or_default())
    }

    // ---- Opening and closing --------------------------------------------------------------------------------------

    async fn enter(&self, vault: Vault) -> Result<(), ClientError> {
        self.enter_with(Arc::new(Mutex::new(vault)), None).await
    }

    async fn enter_with(&self, vault: Arc<Mutex<Vault>>, tokens: Option<Tokens>) -> Result<(), ClientError> {
        let mut opened = self.open_up(&vault).await;
        if opened.as_ref().is_err_and(|error| error.code == DAMAGED) {
            // What opening reads was whole, and what was read next was not: from here on as with any damage.
            folder::replace(&self.0.folder.damage_mark(), b"")?;
            opened = self.open_up(&vault).await;
        }
        let (open, condition) = opened?;
        *open.tokens.lock().await = tokens;
        if let Condition::Large(anchor) = condition {
            self.read_pages(&open, anchor);
        }
        *write(&self.0.state) = State::Open(open);
        *lock(&self.0.trouble) = None;
        self.tell(Changed::Status);
        self.tell(Changed::Book);
        self.0.wake.notify_one();
        Ok(())
    }

    /// Opens the copy, and looks whether it may be shown.
    async fn open_up(&self, vault: &Arc<Mutex<Vault>>) -> Result<(Arc<Open>, Condition), ClientError> {
        let beside = Beside::new(self.0.folder.clone(), lock(vault).outbox_key());
        let (cache, condition) = self.open_cache(vault, &beside).await?;
        let open = Arc::new(Open {
            cache,
            beside,
            tokens: tokio::sync::Mutex::default(),
            syncing: tokio::sync::Mutex::default(),
            vault: Arc::clone(vault),
            names: RwLock::default(),
            saving: tokio::sync::Mutex::default(),
            unsaved: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            closing: Notify::new(),
            reading: Mutex::default(),
        });
        let ready = async {
            open.read_names().await?;
            self.keep_lease(&open).await
        };
        if let Err(error) = ready.await {
            self.put_away(open).await;
            if error.code == REVOKED {
                self.wipe_now().await?;
            }
            return Err(error);
        }
        Ok((open, condition))
    }

    /// Opens the cache. One that is damaged or rolled back is moved aside; what waits for the server comes back from
    /// beside it, and the rest from the server.
    async fn open_cache(&self, vault: &Arc<Mutex<Vault>>, beside: &Beside) -> CacheResult<(Cache, Condition)> {
        let mark = self.0.folder.damage_mark();
        let (anchoring, mut condition) = self.look(vault).await?;
        if condition == Condition::RolledBack || mark.exists() {
            self.set_aside()?;
            condition = Condition::Fresh;
        }
        let opened = match self.fill_cache(vault, beside, anchoring.clone(), condition).await {
            Err(CacheError::Damaged) => {
                self.set_aside()?;
                condition = Condition::Fresh;
                self.fill_cache(vault, beside, anchoring, condition).await?
            }
            other => other?,
        };
        folder::remove(&mark)?;
        Ok((opened, condition))
    }

    /// How the closed cache stands. Keys in memory alone never open one again.
    async fn look(&self, vault: &Arc<Mutex<Vault>>) -> CacheResult<(Option<Anchoring>, Condition)> {
        if lock(vault).header().mode() == Protection::Memory {
            return Ok((None, Condition::Fresh));
        }
        let (folder, vault) = (self.0.folder.clone(), Arc::clone(vault));
        let looked = tokio::task::spawn_blocking(move || Anchoring::look(&folder, &lock(&vault))).await;
        let (anchoring, condition) = looked.map_err(|_| CacheError::Closed)??;
        Ok((Some(anchoring), condition))
    }

    /// Reads a large cache's pages while its first answers are shown already. One that is not as it was closed is built
    /// anew.
    fn read_pages(&self, open: &Arc<Open>, anchor: Anchor) {
        let (client, open, folder) = (self.clone(), Arc::clone(open), self.0.folder.clone());
        let reading = tokio::task::spawn_blocking(move || anchor.holds_pages(&folder));
        let watching = Arc::clone(&open);
        *lock(&open.reading) = Some(tokio::spawn(async move {
            match reading.await {
                Ok(Ok(true)) => {
                    if let Err(error) = watching.cache.checkpoint_again().await {
                        tracing::info!(%error, "the log of the copy stays until it is closed");
                    }
                }
                Ok(Ok(false)) => client.doubt(),
                Ok(Err(_)) | Err(_) => tracing::warn!("the copy could not be read through"),
            }
        }));
    }

    async fn fill_cache(
        &self,
        vault: &Arc<Mutex<Vault>>,
        beside: &Beside,
        anchoring: Option<Anchoring>,
        condition: Condition,
    ) -> CacheResult<Cache> {
        let chance = Arc::clone(&self.0.ports.chance);
        let cache = Cache::open(&self.0.folder, vault, anchoring, condition, chance).await?;
        let filled = self.fill(&cache, beside, condition).await;
        if filled.is_err() {
            cache.close().await;
        }
        filled.map(|()| cache)
    }

    async fn fill(&self, cache: &Cache, beside: &Beside, condition: Condition) -> CacheResult<()> {
        if !cache.agrees(condition).await? {
            return Err(CacheError::Damaged);
        }
        if let Condition::Unsure(_) = condition {
            // Readable meanwhile; the server says anew what is so.
            let mut tx = cache.begin().await?;
            state::remove(&mut *tx, state::CURSOR).await?;
            tx.commit().await?;
        }
        let waiting = rows::all(cache.readers()).await?;
        let mut entries: Vec<Entry> = waiting.into_iter().map(|waiting| waiting.entry).collect();
        transactions::names(cache.readers()).await?;
        if condition == Condition::Fresh && entries.is_empty() {
            entries = bring_back(cache, beside, self.now()).await?;
        }
        beside.sweep(&entries)?;
        beside.save(&entries, self.0.ports.chance.as_ref())?;
        beside.save_own(&Own::read(cache).await?, self.0.ports.chance.as_ref())
    }

    fn set_aside(&self) -> CacheResult<()> {
        tracing::warn!("the cache is damaged: it is set aside and will be rebuilt");
        Ok(self.0.folder.set_cache_aside(self.now().as_second())?)
    }

    /// Looks whether the server was heard of recently enough for its copy to be shown; else it is asked now. An account of
    /// this computer has its server at hand.
    async fn keep_lease(&self, open: &Arc<Open>) -> Result<(), ClientError> {
        let now = self.now();
        if *open.vault().header().place() == Place::ThisComputer {
            return Ok(());
        }
        let kept: Option<Lease> = state::find(open.cache.readers(), state::LEASE).await?;
        let next = match kept {
            None => Some(Lease::from_contact(now)),
            Some(lease) if lease.is_over(now) => {
                // A clock that is set back now comes too late.
                put_lease(open, Some(lease.seen(now))).await?;
                self.hear_from_server(open).await?;
                Some(Lease::from_contact(now))
            }
            Some(lease) => lease.noted(now),
        };
        Ok(put_lease(open, next).await?)
    }

    /// Whatever the server says, short of having signed this device out, ends the wait: also that somebody has to sign in
    /// again, which they are asked for then.
    async fn hear_from_server(&self, open: &Arc<Open>) -> Result<(), ClientError> {
        match self.try_call(open, Method::Get, "/api/v1/me", &Sending::default()).await {
            Ok(_) | Err(CallError::NotSignedIn | CallError::Refused(_)) => Ok(()),
            Err(CallError::Revoked) => Err(CallError::Revoked.into()),
            Err(error) => {
                tracing::info!(%error, "the copy stays closed until the server answers");
                Err(ClientError::new(
                    Class::NotOpen,
                    "contact_needed",
                    format!("the server was not heard of for {LEASE_DAYS} days, so its copy stays closed"),
                    "connect to the internet and unlock again; nothing was deleted",
                ))
            }
        }
    }

    /// What was not open stays as it is, and so does its reason.
    async fn close_open(&self, reason: LockReason) {
        let open = {
            let mut state = write(&self.0.state);
            let State::Open(open) = &*state else { return };
            let open = Arc::clone(open);
            *state = State::Locked(reason);
            open
        };
        lock(&self.0.offers).clear();
        for held in lock(&self.0.archives).drain(..).filter_map(|held| held.upgrade()) {
            *lock(&held) = None;
        }
        // Only who is signed in changes what protects the copy, for which the vault is held longer.
        if open.vault_soon(|vault| vault.header().holder().is_some()).await.unwrap_or(true) {
            self.0.closings.fetch_add(1, Ordering::SeqCst);
        }
        // Screens forget what they show now, not when the last statement has ended.
        self.tell(Changed::Status);
        self.put_away(open).await;
    }

    async fn put_away(&self, open: Arc<Open>) {
        open.begin_to_close();
        self.0.wake.notify_waiters();
        let forgetting = async { *open.tokens.lock().await = None };
        if tokio::time::timeout(LOCK_WAITS, forgetting).await.is_err() {
            tracing::warn!("the tokens go with whoever uses them");
        }
        let reading = lock(&open.reading).take();
        let mut read = true;
        if let Some(mut reading) = reading {
            // A log that is moved into the file meanwhile would look like a change of it.
            read = tokio::time::timeout(LOCK_WAITS, &mut reading).await.is_ok();
            reading.abort();
        }
        // What was not read to its end is not said to be whole: the next opening looks again.
        let closed = open.cache.close().await.filter(|_| read);
        self.0.http.hang_up();
        if open.vault_soon(|vault| vault.header().mode()).await == Some(Protection::Memory) {
            *write(&self.0.state) = State::Welcome;
            if let Err(error) = self.0.folder.wipe() {
                tracing::warn!(%error, "what is left is noise without its keys");
            }
            return;
        }
        if let Some(closed) = closed
            && let Err(error) = self.keep_anchor(open, closed).await
        {
            tracing::warn!(%error, "the copy is fetched anew at the next contact");
        }
    }

    /// Keeps what the closed copy was. A keyring that lets wait now must not hold up the lock, and finds no key in memory.
    async fn keep_anchor(&self, open: Arc<Open>, closed: Closed) -> CacheResult<()> {
        let Closed { anchoring, books, head } = closed;
        let chance = Arc::clone(&self.0.ports.chance);
        let in_keyring =
            open.vault_soon(|vault| vault.in_keyring(SecretKind::Anchor)).await.ok_or(CacheError::Closed)?;
        let keeping = tokio::task::spawn_blocking(move || {
            let anchor = anchoring.close(books, head)?;
            let secret = anchor.as_secret().map_err(|_| CacheError::Damaged)?;
            match in_keyring {
                Some((secrets, name)) => {
                    drop(open);
                    secrets.put(name, &secret).map_err(|_| CacheError::Closed)?;
                }
                None => open.vault().put(SecretKind::Anchor, &secret).map_err(|_| CacheError::Closed)?,
            }
            anchoring.note_closed(&anchor, chance.as_ref())
        });
        let kept = tokio::time::timeout(LOCK_WAITS, keeping).await;
        kept.unwrap_or(Ok(Err(CacheError::Closed))).unwrap_or(Err(CacheError::Closed))
    }

    /// What hangs: it has the turn, and the writer of the copy.
    #[cfg(test)]
    pub(crate) async fn stuck(&self) -> (tokio::sync::OwnedMutexGuard<()>, crate::cache::Tx) {
        let turn = Arc::clone(&self.0.turn).lock_owned().await;
        let writing = self.open_now().unwrap().cache.begin().await.unwrap();
        (turn, writing)
    }

    fn check_wait(&self) -> Result<(), VaultError> {
        let tries = lock(&self.0.tries);
        let Some(not_before) = tries.not_before else {
            return Ok(());
        };
        let left = not_before.duration_since(self.now());
        if !left.is_positive() {
            return Ok(());
        }
        let seconds = u32::try_from(left.as_secs()).unwrap_or(WAIT_SECONDS_MAX) + 1;
        Err(VaultError::TooManyTries { seconds })
    }

    fn count_try(&self, failed: Option<&VaultError>) {
        let mut tries = lock(&self.0.tries);
        match failed {
            None => *tries = Tries::default(),
            Some(VaultError::WrongPassphrase) => {
                tries.wrong += 1;
                let over = tries.wrong.saturating_sub(FREE_TRIES);
                let seconds = 1_u32.checked_shl(over).unwrap_or(u32::MAX).min(WAIT_SECONDS_MAX);
                let wait = SignedDuration::from_secs(i64::from(seconds));
                tries.not_before = (over > 0).then(|| self.now().checked_add(wait).ok()).flatten();
            }
            Some(_) => {}
        }
    }
}

impl Open {
    pub fn vault(&self) -> MutexGuard<'_, Vault> {
        lock(&self.vault)
    }

    /// The same for a lock, which waits only for so long; `None` while a keyring lets whoever holds the vault wait.
    async fn vault_soon<T>(&self, look: impl Fn(&Vault) -> T) -> Option<T> {
        let looking = async {
            loop {
                match self.vault.try_lock() {
                    Ok(vault) => return look(&vault),
                    Err(TryLockError::Poisoned(vault)) => return look(&vault.into_inner()),
                    Err(TryLockError::WouldBlock) => {}
                }
                tokio::time::sleep(LOOK_AFTER).await;
            }
        };
        tokio::time::timeout(LOCK_WAITS, looking).await.ok()
    }

    /// Accounts by their number; read again when a new one came.
    pub fn names(&self) -> Arc<Names> {
        Arc::clone(&read(&self.names))
    }

    pub async fn read_names(&self) -> CacheResult<()> {
        let names = transactions::names(self.cache.readers()).await?;
        *write(&self.names) = Arc::new(names);
        Ok(())
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// True for who is the first to close it.
    fn begin_to_close(&self) -> bool {
        let first = !self.closed.swap(true, Ordering::SeqCst);
        self.closing.notify_waiters();
        first
    }

    /// Returns when it is closed: what waits for the network gives up then, and lets go of the keys.
    pub async fn until_closed(&self) {
        let closing = self.closing.notified();
        tokio::pin!(closing);
        // From here on no word of it is missed.
        closing.as_mut().enable();
        if !self.is_closed() {
            closing.await;
        }
    }
}

async fn put_lease(open: &Open, lease: Option<Lease>) -> CacheResult<()> {
    let Some(lease) = lease else { return Ok(()) };
    let mut tx = open.cache.begin().await?;
    state::put(&mut *tx, state::LEASE, &lease).await?;
    Ok(tx.commit().await?)
}

/// Goes on where a deletion was cut short, and tidies up after a process that held the only keys.
fn finish_what_ended(folder: &Folder, secrets: &dyn SecretStore) -> Result<Option<Header>, VaultError> {
    if folder.wipe_mark().exists() {
        vault::wipe(folder, secrets)?;
        return Ok(None);
    }
    folder.tidy()?;
    let header = Header::find(folder)?;
    if folder.memory_mark().exists() {
        match &header {
            None => folder.wipe()?,
            // It was protected after all, and ended before it could say so.
            Some(_) => folder::remove(&folder.memory_mark())?,
        }
    }
    Ok(header)
}

/// What no server can bring back comes from beside the copy. What of it does not read keeps back nothing else.
async fn bring_back(cache: &Cache, beside: &Beside, now: Timestamp) -> CacheResult<Vec<Entry>> {
    let mut tx = cache.begin().await?;
    if let Some(own) = beside.load_own()? {
        own.put_back(&mut tx).await?;
    }
    let entries = match beside.load() {
        Err(CacheError::Damaged) => {
            beside.set_list_aside(&mut tx, now).await?;
            Vec::new()
        }
        entries => entries?,
    };
    for entry in &entries {
        rows::add(&mut tx, entry).await?;
    }
    // Whether a request was begun before the damage is not known: treat all as begun.
    rows::mark_all_tried(&mut tx).await?;
    outbox::reapply_all(&mut tx, beside, now).await?;
    tx.commit().await?;
    Ok(rows::all(cache.readers()).await?.into_iter().map(|waiting| waiting.entry).collect())
}

/// Plain HTTP is for this computer alone.
pub(crate) fn check_place(place: &Place) -> Result<(), ClientError> {
    match place {
        Place::ThisComputer => Ok(()),
        Place::Server { url, .. } => crate::http::check_origin(url),
    }
}

pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ClientError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ClientError::locked())
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(VaultError::KeyringRefused { why: "it did not answer".to_owned() }))
}

/// A panic elsewhere does not make these values wrong.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
