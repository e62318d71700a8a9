//! The heads of the security logs, in a file of the server's that is not in its database: whoever changes the database
//! cannot shorten a log, write it anew from its beginning or take it away without the file saying so. A line a head, only
//! ever added: when, whose account, the entry's number and its hash. Nothing else of an entry is there, and no name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::ids::HolderId;
use jiff::Timestamp;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::store;
use crate::App;
use crate::db::{Db, DbResult, Touched};

/// Heads that come within so long are written together.
const GATHERED_WITHIN: Duration = Duration::from_secs(2);
/// What could not be written is tried again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Accounts whose heads are looked for one by one; of more, all are looked at.
const TOUCHED_MAX: usize = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum HeadsError {
    #[error("the file of the logs' heads cannot be used: {0}")]
    File(#[from] std::io::Error),
    #[error("line {0} of the file of the logs' heads is none of ours: it was changed, or it is another file")]
    Line(usize),
}

/// The newest entry of an account's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub holder: HolderId,
    pub number: i64,
    pub hash: String,
}

/// Every head that a file has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted(BTreeMap<HolderId, BTreeMap<i64, String>>);

impl Noted {
    /// Reads a file to its end; the beginning of a line that a crash cut off does not count.
    pub fn open(file: &Path) -> Result<Self, HeadsError> {
        Self::read(File::open(file)?)
    }

    fn read(file: File) -> Result<Self, HeadsError> {
        let mut noted = Self::default();
        let mut lines = BufReader::new(file);
        let mut line = String::new();
        for at in 1.. {
            line.clear();
            if lines.read_line(&mut line)? == 0 || !line.ends_with('\n') {
                break;
            }
            // A line that was cut off stands before the line's end that was put after it.
            if line.trim_end_matches('\n').ends_with(CUT) {
                continue;
            }
            noted.add(parse(line.trim_end_matches('\n')).ok_or(HeadsError::Line(at))?);
        }
        Ok(noted)
    }

    fn has(&self, head: &Head) -> bool {
        self.0.get(&head.holder).and_then(|log| log.get(&head.number)).is_some_and(|hash| *hash == head.hash)
    }

    fn add(&mut self, head: Head) {
        self.0.entry(head.holder).or_default().insert(head.number, head.hash);
    }

    /// The entries that were noted and are not in these logs, or not as they were.
    pub(super) fn missing(&self, logs: impl Iterator<Item = Head>) -> Vec<String> {
        let mut left: BTreeSet<(HolderId, i64)> =
            self.0.iter().flat_map(|(holder, log)| log.keys().map(|number| (*holder, *number))).collect();
        for entry in logs {
            if self.has(&entry) {
                left.remove(&(entry.holder, entry.number));
            }
        }
        left.into_iter().map(|(_, number)| format!("entry {number}")).collect()
    }
}

/// What marks a line that a crash had cut off, once the next one is written.
const CUT: char = '#';

fn parse(line: &str) -> Option<Head> {
    let mut parts = line.split(' ');
    let (at, holder, number, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    at.parse::<Timestamp>().ok()?;
    let good = parts.next().is_none() && hash.len() == 64;
    good.then_some(Head { holder: holder.parse().ok()?, number: number.parse().ok()?, hash: hash.to_owned() })
}

/// The file while the server runs.
pub struct Heads {
    file: PathBuf,
    noted: Noted,
}

impl Heads {
    /// Reads the file; one that is not there is made.
    pub fn open(file: &Path) -> Result<Self, HeadsError> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let noted = Noted::read(options.open(file)?)?;
        Ok(Self { file: file.to_owned(), noted })
    }

    /// Adds the heads that it does not have, and returns when they are on the disk.
    pub fn add(&mut self, now: Timestamp, heads: Vec<Head>) -> Result<(), HeadsError> {
        let new: Vec<Head> = heads.into_iter().filter(|head| !self.noted.has(head)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut file = OpenOptions::new().read(true).append(true).open(&self.file)?;
        let mut text = String::new();
        if was_cut_off(&mut file)? {
            text.push(CUT);
            text.push('\n');
        }
        for Head { holder, number, hash } in &new {
            text.push_str(&format!("{now} {holder} {number} {hash}\n"));
        }
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        for head in new {
            self.noted.add(head);
        }
        Ok(())
    }
}

/// Whether the file's last line has no end.
fn was_cut_off(file: &mut File) -> Result<bool, HeadsError> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Whose heads are to be looked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Of(BTreeSet<HolderId>),
}

impl Wanted {
    const fn nobody() -> Self {
        Self::Of(BTreeSet::new())
    }

    fn touch(&mut self, holder: HolderId) {
        if let Self::Of(holders) = self {
            holders.insert(holder);
            if holders.len() > TOUCHED_MAX {
                *self = Self::All;
            }
        }
    }

    async fn heads(&self, db: &Db) -> DbResult<Vec<Head>> {
        let mut tx = db.begin_read().await?;
        match self {
            Self::All => store::heads(&mut tx).await,
            Self::Of(holders) => {
                let mut heads = Vec::with_capacity(holders.len());
                for holder in holders {
                    heads.extend(store::head(&mut tx, *holder).await?);
                }
                Ok(heads)
            }
        }
    }
}

/// Notes the heads of all accounts as the server starts, and from then on each within seconds of its entry. What could not
/// be written is written with the next ones.
pub(crate) async fn keep(app: App, mut heads: Heads) {
    let mut events = app.db.events();
    let mut wanted = Wanted::All;
    loop {
        let ending = app.ending.is_cancelled();
        if ending {
            // What was not heard of yet is noted as well.
            wanted = Wanted::All;
        }
        let Some((kept, done)) = note(&app, heads, &wanted).await else { return };
        heads = kept;
        if ending {
            return;
        }
        if done {
            wanted = Wanted::nobody();
            tokio::select! {
                () = hear(&mut events, &mut wanted) => {}
                () = app.ending.cancelled() => {}
            }
        }
        let next = tokio::time::sleep(if done { GATHERED_WITHIN } else { AGAIN_AFTER });
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = hear(&mut events, &mut wanted) => {}
                () = &mut next => break,
                () = app.ending.cancelled() => break,
            }
        }
    }
}

/// Whether all that was wanted is on the disk. None where the writing itself came to nothing.
async fn note(app: &App, mut heads: Heads, wanted: &Wanted) -> Option<(Heads, bool)> {
    let found = match wanted.heads(&app.db).await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(kind = error.kind(), "the heads of the security logs could not be read");
            return Some((heads, false));
        }
    };
    let now = app.clock.now();
    // The file may lie on another machine, which may be slow.
    let writing = tokio::task::spawn_blocking(move || {
        let written = heads.add(now, found);
        (heads, written)
    });
    let (heads, written) = writing.await.ok()?;
    if let Err(error) = &written {
        tracing::error!(%error, "the heads of the security logs could not be noted");
    }
    Some((heads, written.is_ok()))
}

/// Waits for the next account in which something happened.
async fn hear(events: &mut Receiver<Touched>, wanted: &mut Wanted) {
    match events.recv().await {
        Ok(touched) => wanted.touch(touched.holder),
        Err(RecvError::Lagged(_)) => *wanted = Wanted::All,
        // The app holds the other end.
        Err(RecvError::Closed) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::run_with;
    use crate::testing::{World, on_each_engine};

    async fn heads(world: &World) -> Vec<Head> {
        Wanted::All.heads(&world.app.db).await.unwrap()
    }

    async fn faults(world: &World, file: &Path) -> Vec<String> {
        run_with(&world.app.db, Some(&Noted::open(file).unwrap())).await.unwrap().faults
    }

    #[tokio::test]
    async fn a_log_that_is_cut_made_anew_or_taken_away_is_said_by_the_heads_that_were_noted() {
        on_each_engine(async |world| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("heads");
            let desk = world.holder().await;
            let other = world.holder().await;
            let mut noted = Heads::open(&file).unwrap();
            noted.add(world.now(), heads(&world).await).unwrap();
            world.device(desk.holder).await;
            noted.add(world.now(), heads(&world).await).unwrap();
            noted.add(world.now(), heads(&world).await).unwrap();
            let lines = std::fs::read_to_string(&file).unwrap().lines().count();
            assert_eq!(lines, 3, "a head that is noted is not noted again");
            assert!(faults(&world, &file).await.is_empty());
            let entries = async || store::entries(&mut world.app.db.begin_read().await.unwrap()).await.unwrap();
            let noted_then = Noted::open(&file).unwrap();
            let missing = |logs: Vec<Head>| noted_then.missing(logs.into_iter()).len();
            assert_eq!(missing(entries().await), 0);
            // Each of these is a whole chain again, or none.
            let newest = heads(&world).await;
            let cut =
                entries().await.into_iter().filter(|entry| entry.holder != desk.holder || !newest.contains(entry));
            assert_eq!(missing(cut.collect()), 1);
            assert_eq!(missing(entries().await.into_iter().filter(|entry| entry.holder == other.holder).collect()), 2);
            let anew = |entry: Head| Head { hash: entry.hash.chars().rev().collect(), ..entry };
            assert_eq!(missing(entries().await.into_iter().map(anew).collect()), 3);
            // The audit says so, and the server goes on.
            let beyond = heads(&world).await.into_iter().map(|head| Head { number: head.number + 1, ..head });
            noted.add(world.now(), beyond.collect()).unwrap();
            let said = faults(&world, &file).await;
            assert!(said.len() == 1 && said[0].contains("the heads that were noted of it (2 times"), "{said:?}");
        })
        .await;
    }

    #[tokio::test]
    async fn a_server_notes_what_was_there_when_it_starts_and_what_came_until_it_ends() {
        on_each_engine(async |world| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("heads");
            let desk = world.holder().await;
            let keeping = tokio::spawn(keep(world.app.clone(), Heads::open(&file).unwrap()));
            let before = heads(&world).await;
            while Noted::open(&file).unwrap() == Noted::default() {
                tokio::task::yield_now().await;
            }
            world.device(desk.holder).await;
            world.app.ending.cancel();
            keeping.await.unwrap();
            let noted = Noted::open(&file).unwrap();
            let after = heads(&world).await;
            assert_ne!(before, after);
            assert!(before.iter().chain(&after).all(|head| noted.has(head)), "both, and in one file");
            assert!(faults(&world, &file).await.is_empty());
        })
        .await;
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_left_behind_and_a_line_that_is_not_ours_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heads");
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let head = |number: i64| Head { holder: HolderId::new(now, [1; 10]), number, hash: "a".repeat(64) };
        let mut noted = Heads::open(&file).unwrap();
        noted.add(now, vec![head(1)]).unwrap();
        OpenOptions::new().append(true).open(&file).unwrap().write_all(b"2027-01-15T08:0").unwrap();
        assert_eq!(Noted::open(&file).unwrap().missing(std::iter::empty()), ["entry 1"]);
        let mut again = Heads::open(&file).unwrap();
        again.add(now, vec![head(1), head(2)]).unwrap();
        assert_eq!(Noted::open(&file).unwrap().missing([head(1), head(2)].into_iter()), Vec::<String>::new());
        assert_eq!(Noted::open(&file).unwrap().missing([head(2)].into_iter()), ["entry 1"]);
        OpenOptions::new().append(true).open(&file).unwrap().write_all(b"something else\n").unwrap();
        assert!(matches!(Noted::open(&file), Err(HeadsError::Line(4))));
        assert!(matches!(Heads::open(&file), Err(HeadsError::Line(4))), "nothing is added to another file");
    }

    #[test]
    fn of_too_many_accounts_all_are_looked_at() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut wanted = Wanted::nobody();
        for number in 0..=TOUCHED_MAX {
            let mut chance = [0; 10];
            chance[..8].copy_from_slice(&number.to_be_bytes());
            wanted.touch(HolderId::new(now, chance));
            assert_eq!(wanted == Wanted::All, number == TOUCHED_MAX);
        }
    }
}
