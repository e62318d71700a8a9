//! One process owns a data folder. The owner holds a file lock and listens on a local socket; every other process sends
//! it the command line and prints what comes back.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::platform::{Chance, SystemChance, random};
use interprocess::local_socket::tokio::Listener;
use interprocess::local_socket::traits::Stream as _;
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{ListenerOptions, Name, Stream};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};

/// A request is a command line and a passphrase.
const REQUEST_BYTES_MAX: u64 = 1024 * 1024;
/// Commands that the owner runs at once for others.
const CALLS_MAX: usize = 16;
/// Unix limits a socket's path to 104 bytes on some systems.
#[cfg(unix)]
const SOCKET_PATH_MAX: usize = 100;
/// More than an address takes.
const ADDRESS_BYTES: usize = 512;
/// How long another process waits for an owner that is starting or leaving.
const CLAIM_WITHIN: Duration = Duration::from_secs(30);
const CLAIM_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// The exit code of a command whose answer did not go out.
const NOT_WRITTEN: u8 = 1;

#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    #[error("the data folder cannot be used")]
    Folder(#[source] io::Error),
    #[error("another Billfold holds this data folder and does not answer")]
    Silent,
}

/// What another process asks of the owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// As the system gave it: a file's name may be no UTF-8.
    pub argv: Vec<OsString>,
    /// Paths on the command line are meant from here.
    pub cwd: OsString,
    pub passphrase: Option<String>,
}

/// What a command came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    pub exit: u8,
}

impl Outcome {
    /// Writes it out and gives the exit code. An answer that did not go out is not done: it stands on standard error
    /// instead, since some are shown only once. A closed pipe is the reader's choice.
    pub fn write(&self, stdout: &mut impl Write, stderr: &mut impl Write) -> u8 {
        let _ = stderr.write_all(self.stderr.as_bytes());
        match stdout.write_all(self.stdout.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let words = format!("billfold: the answer could not be written ({error}); it was:\n{}", self.stdout);
                let _ = stderr.write_all(words.as_bytes());
                self.exit.max(NOT_WRITTEN)
            }
            _ => self.exit,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Request {
    token: String,
    call: Call,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Frame {
    /// For the person, at once.
    Say(String),
    Done(Outcome),
    /// The owner has no window and makes room for one.
    Leaving,
}

/// Beside the lock: where the owner listens, and what proves that the answer comes from it. What a former owner wrote
/// leads nowhere.
#[derive(Serialize, Deserialize)]
struct Address {
    token: String,
    socket: String,
}

pub enum Claim {
    Owner(Owner),
    /// The owner ran the command.
    Answered(Outcome),
}

/// Holds the data folder until dropped.
pub struct Owner {
    listener: Listener,
    address: Address,
    socket_folder: Option<PathBuf>,
    // Released last: whoever comes next must find the rest gone.
    _lock: File,
}

/// Becomes the owner, or lets the owner run the call. `say` gets words for the person while the command runs.
pub async fn claim(data: &Path, call: &Call, say: impl FnMut(&str) + Send + 'static) -> Result<Claim, OwnerError> {
    private_dir(data).map_err(OwnerError::Folder)?;
    let mut say = say;
    let until = Instant::now() + CLAIM_WITHIN;
    while Instant::now() < until {
        if let Some(lock) = try_lock(data).map_err(OwnerError::Folder)? {
            return Owner::listen(data, lock).map(Claim::Owner).map_err(OwnerError::Folder);
        }
        let (folder, sent) = (data.to_path_buf(), call.clone());
        let asked = tokio::task::spawn_blocking(move || (ask(&folder, sent, &mut say), say)).await;
        let (answer, back) = asked.map_err(|_| OwnerError::Silent)?;
        say = back;
        if let Ok(Some(outcome)) = answer {
            return Ok(Claim::Answered(outcome));
        }
        tokio::time::sleep(CLAIM_AGAIN_AFTER).await;
    }
    Err(OwnerError::Silent)
}

fn try_lock(data: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(data.join("owner.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// `None` when the owner leaves; an error when none answers yet.
fn ask(data: &Path, call: Call, say: &mut impl FnMut(&str)) -> io::Result<Option<Outcome>> {
    let address: Address = serde_json::from_slice(&std::fs::read(beside(data))?)?;
    let mut stream = Stream::connect(name_of(&address.socket)?)?;
    let mut line = serde_json::to_vec(&Request { token: address.token, call })?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut frames = BufReader::new(stream);
    loop {
        let mut frame = Vec::new();
        if frames.read_until(b'\n', &mut frame)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match serde_json::from_slice(&frame)? {
            Frame::Say(words) => say(&words),
            Frame::Done(outcome) => return Ok(Some(outcome)),
            Frame::Leaving => return Ok(None),
        }
    }
}

/// What the owner does with a call: words go out while it runs; `None` means "I leave, take over".
pub trait Answers: Send + Sync + 'static {
    fn answer(&self, call: Call, say: mpsc::UnboundedSender<String>) -> impl Future<Output = Option<Outcome>> + Send;
}

impl Owner {
    fn listen(data: &Path, lock: File) -> io::Result<Self> {
        let chance = SystemChance;
        let token = hex(&random::<32>(&chance));
        let (socket, socket_folder) = socket_for(data, &chance)?;
        let listener = ListenerOptions::new().name(name_of(&socket)?).try_overwrite(true).create_tokio()?;
        let address = Address { token, socket };
        write_in_place(&beside(data), &address)?;
        Ok(Self { listener, address, socket_folder, _lock: lock })
    }

    /// Answers other processes until dropped.
    pub async fn serve(&self, answers: Arc<impl Answers>) {
        let places = Arc::new(Semaphore::new(CALLS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok(stream) = self.listener.accept().await else {
                tokio::time::sleep(CLAIM_AGAIN_AFTER).await;
                continue;
            };
            let (token, answers) = (self.address.token.clone(), Arc::clone(&answers));
            tokio::spawn(async move {
                if let Err(error) = converse(stream, &token, answers.as_ref()).await {
                    tracing::debug!(kind = ?error.kind(), "a call ended early");
                }
                drop(place);
            });
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(folder) = &self.socket_folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

async fn converse(
    stream: interprocess::local_socket::tokio::Stream,
    token: &str,
    answers: &impl Answers,
) -> io::Result<()> {
    let mut line = Vec::new();
    tokio::io::BufReader::new((&stream).take(REQUEST_BYTES_MAX)).read_until(b'\n', &mut line).await?;
    let request: Request = serde_json::from_slice(&line)?;
    if !same(&request.token, token) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let (say, mut said) = mpsc::unbounded_channel();
    let work = answers.answer(request.call, say);
    tokio::pin!(work);
    let outcome = loop {
        tokio::select! {
            biased;
            Some(words) = said.recv() => send(&stream, &Frame::Say(words)).await?,
            outcome = &mut work => break outcome,
        }
    };
    while let Ok(words) = said.try_recv() {
        send(&stream, &Frame::Say(words)).await?;
    }
    send(&stream, &outcome.map_or(Frame::Leaving, Frame::Done)).await
}

async fn send(mut stream: &interprocess::local_socket::tokio::Stream, frame: &Frame) -> io::Result<()> {
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

/// In time that does not tell how much was right.
fn same(given: &str, token: &str) -> bool {
    given.len() == token.len() && given.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn beside(data: &Path) -> PathBuf {
    data.join("owner.json")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The socket's name, and the folder that was made for it alone.
#[cfg(unix)]
fn socket_for(data: &Path, chance: &dyn Chance) -> io::Result<(String, Option<PathBuf>)> {
    let near = std::path::absolute(data)?.join("owner.sock");
    if near.as_os_str().len() <= SOCKET_PATH_MAX {
        return Ok((text_of(&near)?, None));
    }
    let folder = crate::os::runtime_dir().join(format!("billfold-{}", hex(&random::<8>(chance))));
    // Not recursive: a folder that someone else made is refused.
    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&folder)?;
    Ok((text_of(&folder.join("owner.sock"))?, Some(folder)))
}

#[cfg(windows)]
fn socket_for(_: &Path, chance: &dyn Chance) -> io::Result<(String, Option<PathBuf>)> {
    Ok((format!("billfold-{}", hex(&random::<16>(chance))), None))
}

#[cfg(unix)]
fn text_of(path: &Path) -> io::Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| io::ErrorKind::InvalidFilename.into())
}

fn name_of(socket: &str) -> io::Result<Name<'static>> {
    #[cfg(unix)]
    {
        use interprocess::local_socket::{GenericFilePath, ToFsName};
        socket.to_owned().to_fs_name::<GenericFilePath>()
    }
    #[cfg(windows)]
    {
        use interprocess::local_socket::{GenericNamespaced, ToNsName};
        socket.to_owned().to_ns_name::<GenericNamespaced>()
    }
}

fn private_dir(path: &Path) -> io::Result<()> {
    let mut maker = std::fs::DirBuilder::new();
    maker.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker.create(path)
}

/// Over what is there, at one length: a full disk has room for it.
fn write_in_place(path: &Path, address: &Address) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(address)?;
    bytes.resize(bytes.len().max(ADDRESS_BYTES), b' ');
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(&bytes)
}

/// The passphrase in a file: its first line, without the line's end.
pub fn read_passphrase(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(REQUEST_BYTES_MAX / 2).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl Answers for Echo {
        async fn answer(&self, call: Call, say: mpsc::UnboundedSender<String>) -> Option<Outcome> {
            let _ = say.send("working".to_owned());
            let words: Vec<String> = call.argv.iter().map(|word| format!("{word:?}")).collect();
            Some(Outcome { stdout: words.join(" "), stderr: String::new(), exit: 1 })
        }
    }

    fn call(words: &[&str]) -> Call {
        Call { argv: words.iter().map(OsString::from).collect(), cwd: "/".into(), passphrase: None }
    }

    /// Takes so many bytes, and refuses all others in one way.
    struct Full(usize, io::ErrorKind);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(self.1.into());
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_that_is_not_written_is_not_done_and_stands_on_standard_error() {
        let done = Outcome { stdout: "KEY\n".to_owned(), ..Outcome::default() };
        let mut said = Vec::new();
        assert_eq!(done.write(&mut Full(2, io::ErrorKind::StorageFull), &mut said), 1);
        assert!(String::from_utf8(said).unwrap().ends_with("it was:\nKEY\n"), "a key is shown once");
        let locked = Outcome { exit: 3, ..done.clone() };
        assert_eq!(locked.write(&mut Full(0, io::ErrorKind::StorageFull), &mut Vec::new()), 3);
        let mut said = Vec::new();
        assert_eq!(done.write(&mut Full(2, io::ErrorKind::BrokenPipe), &mut said), 0, "whoever read has enough");
        assert!(said.is_empty());
    }

    async fn owner_of(data: &Path) -> Owner {
        match claim(data, &call(&[]), |_| ()).await.unwrap() {
            Claim::Owner(owner) => owner,
            Claim::Answered(_) => panic!("the folder had an owner"),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_second_process_is_answered_by_the_first_and_hears_it_at_work() {
        let dir = tempfile::tempdir().unwrap();
        let owner = owner_of(dir.path()).await;
        let served = tokio::spawn(async move { owner.serve(Arc::new(Echo)).await });
        let (sender, mut heard) = mpsc::unbounded_channel();
        let say = move |words: &str| drop(sender.send(words.to_owned()));
        let Claim::Answered(outcome) = claim(dir.path(), &call(&["due", "--days", "7"]), say).await.unwrap() else {
            panic!("two owners of one folder");
        };
        assert_eq!((outcome.stdout.as_str(), outcome.exit), (r#""due" "--days" "7""#, 1));
        assert_eq!(heard.recv().await.as_deref(), Some("working"));
        served.abort();
    }

    #[cfg(unix)]
    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_comes_through_as_it_was_typed_also_where_it_is_no_text() {
        use std::os::unix::ffi::OsStringExt as _;
        let dir = tempfile::tempdir().unwrap();
        let owner = owner_of(dir.path()).await;
        let served = tokio::spawn(async move { owner.serve(Arc::new(Echo)).await });
        let odd = || OsString::from_vec(b"b\xff.ofx".to_vec());
        let call = Call { argv: vec![odd()], cwd: odd(), passphrase: None };
        let Claim::Answered(outcome) = claim(dir.path(), &call, |_| ()).await.unwrap() else {
            panic!("two owners of one folder");
        };
        assert_eq!(outcome.stdout, format!("{:?}", odd()));
        served.abort();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_folder_whose_owner_left_is_free_again_however_it_left() {
        let dir = tempfile::tempdir().unwrap();
        drop(owner_of(dir.path()).await);
        // What a killed owner leaves: an address where nobody listens.
        std::fs::write(beside(dir.path()), br#"{"token":"x","socket":"/nowhere/owner.sock"}"#).unwrap();
        drop(owner_of(dir.path()).await);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wrong_token_gets_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        let owner = owner_of(dir.path()).await;
        let mut address: Address = serde_json::from_slice(&std::fs::read(beside(dir.path())).unwrap()).unwrap();
        address.token = "0".repeat(address.token.len());
        std::fs::write(beside(dir.path()), serde_json::to_vec(&address).unwrap()).unwrap();
        let served = tokio::spawn(async move { owner.serve(Arc::new(Echo)).await });
        let data = dir.path().to_path_buf();
        let refused = tokio::task::spawn_blocking(move || ask(&data, call(&["due"]), &mut |_: &str| ())).await.unwrap();
        assert!(refused.is_err());
        served.abort();
    }

    #[cfg(unix)]
    #[tokio::test(flavor = "multi_thread")]
    async fn a_data_folder_with_a_long_path_has_a_socket_too() {
        let dir = tempfile::tempdir().unwrap();
        let long = dir.path().join("a".repeat(120));
        let owner = owner_of(&long).await;
        assert!(owner.address.socket.len() <= SOCKET_PATH_MAX);
        let folder = owner.socket_folder.clone().unwrap();
        drop(owner);
        assert!(!folder.exists());
    }
}
