//! A throw-away PostgreSQL: the system's own programs, on a socket in a folder of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock};

use crate::db::Location;

/// A cluster that lives as long as the test process, on a socket in a folder of its own.
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    databases: AtomicU64,
    options: &'static str,
    clerk: Mutex<Option<Clerk>>,
}

/// psql, which waits for the next thing to do, so that no program is started for each.
struct Clerk {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What a test waits for is never the disk, and nobody looks after databases that live for a second: each connection plans
/// a statement once, not anew for each of its first five values.
const HASTY: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off \
    -c plan_cache_mode=force_generic_plan -c wal_level=minimal -c max_wal_senders=0";
/// As it is delivered: what it acknowledged is on the disk.
const AS_DELIVERED: &str = "-c fsync=on -c synchronous_commit=on";

const TEMPLATE: &str = "migrated";
const COME_BACK_TRIES: usize = 200;

/// The cluster of this process, started on first use; None where PostgreSQL is not installed.
pub fn postgres() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    let start = |programs| Cluster::start(programs, super::throw_away_folder(PREFIX), HASTY);
    CLUSTER.get_or_init(|| programs().map(start)).as_ref()
}

/// Another cluster, which keeps what it acknowledged on a real disk, so that it can be killed; None where PostgreSQL is
/// not installed.
pub fn durable_postgres() -> Option<Cluster> {
    let folder = || tempfile::Builder::new().prefix(PREFIX).tempdir().expect("a folder");
    programs().map(|programs| Cluster::start(programs, folder(), AS_DELIVERED))
}

const PREFIX: &str = "billfold-postgres-";

fn programs() -> Option<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let named = asked.and_then(|answer| String::from_utf8(answer.stdout).ok()).map(|text| PathBuf::from(text.trim()));
    let installed = std::fs::read_dir("/usr/lib/postgresql").ok();
    let versions = installed.into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    named.into_iter().chain(versions).find(|folder| folder.join("initdb").exists())
}

static IS_ROOT: LazyLock<bool> = LazyLock::new(|| {
    let id = Command::new("id").arg("-u").output().map(|answer| answer.stdout).unwrap_or_default();
    id.trim_ascii() == b"0"
});

impl Cluster {
    fn start(programs: PathBuf, folder: tempfile::TempDir, options: &'static str) -> Self {
        let folder = folder.keep();
        if *IS_ROOT {
            // The database refuses to run as root.
            finish(Command::new("chown").arg("postgres").arg(&folder));
        }
        let cluster = Self { folder, programs, databases: AtomicU64::new(0), options, clerk: Mutex::default() };
        let data = cluster.data();
        finish(
            cluster
                .program("initdb")
                .args(["--auth=trust", "--no-sync", "--locale=C.UTF-8", "-U", "app", "-D"])
                .arg(&data),
        );
        assert!(cluster.comes_up(), "PostgreSQL starts");
        cluster.stop_with_this_process(&data);
        cluster.make_template();
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn comes_up(&self) -> bool {
        let options =
            format!("-c listen_addresses='' -k {} -c max_connections=200 {}", self.folder.display(), self.options);
        let mut start = self.program("pg_ctl");
        start.args(["-w", "-D"]).arg(self.data()).arg("-l").arg(self.folder.join("log"));
        start.args(["-o", &options, "start"]).stderr(Stdio::null());
        start.status().is_ok_and(|status| status.success())
    }

    /// The whole of it ends as when the power goes, and comes back.
    pub fn die_and_come_back(&self) {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).expect("it runs");
        let id = file.lines().next().expect("its process id").to_owned();
        finish(Command::new("kill").args(["-KILL", &id]));
        *self.clerk.lock().expect("no order failed") = None;
        // Its children notice that they are alone, and until the last has ended nothing starts in their place.
        for _ in 0..COME_BACK_TRIES {
            if self.comes_up() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("PostgreSQL does not come back: see {}", self.folder.join("log").display());
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if *IS_ROOT {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// A test process ends without a last word, so a small shell waits for it and clears up.
    fn stop_with_this_process(&self, data: &Path) {
        const WATCH: &str = r#"while kill -0 "$1" 2>/dev/null; do sleep 1; done
            cd /; "$2/pg_ctl" -D "$3" -m immediate stop || runuser -u postgres -- "$2/pg_ctl" -D "$3" -m immediate stop
            rm -rf "$4""#;
        let mut command = Command::new("sh");
        command.arg("-c").arg(WATCH).arg("watch").arg(std::process::id().to_string());
        command.arg(&self.programs).arg(data).arg(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[expect(clippy::zombie_processes, reason = "it outlives this process by design")]
        command.spawn().expect("a shell");
    }

    fn make_template(&self) {
        self.order(&format!("CREATE DATABASE {TEMPLATE}"));
        super::migrate(Location::Postgres { url: self.url(TEMPLATE) });
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://app@localhost/{database}?host={}", self.folder.display())
    }

    /// Has psql do it, in no database of a test.
    fn order(&self, sql: &str) {
        const DONE: &str = "done";
        let mut clerk = self.clerk.lock().expect("no order failed");
        let clerk = clerk.get_or_insert_with(|| self.clerk());
        writeln!(clerk.orders, "{sql};\n\\echo {DONE}").expect("psql listens");
        let mut answer = String::new();
        clerk.answers.read_line(&mut answer).expect("psql answers");
        assert_eq!(answer.trim_end(), DONE, "{sql}");
    }

    #[expect(clippy::zombie_processes, reason = "it ends with its input")]
    fn clerk(&self) -> Clerk {
        let mut psql = self.program("psql");
        psql.args(["-q", "-X", "-v", "ON_ERROR_STOP=1", "-U", "app", "-d", "postgres", "-h"]).arg(&self.folder);
        let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("psql starts");
        let answers = BufReader::new(psql.stdout.take().expect("a pipe"));
        Clerk { orders: psql.stdin.take().expect("a pipe"), answers }
    }

    /// The URL of a new database with every migration done.
    pub fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        // Copied as files: no test waits for a log of each page.
        self.order(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy"));
        self.url(&name)
    }

    /// Whether it can be measured by its own program.
    pub fn has_bench(&self) -> bool {
        self.programs.join("pgbench").exists()
    }

    /// Does what SQL says, in a database of this cluster.
    pub fn run_script(&self, url: &str, script: &str) {
        finish(self.program("psql").args(["-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", script]));
    }

    /// Runs a script of pgbench so many times on each of so many connections.
    pub fn bench(&self, url: &str, script: &str, connections: usize, times: usize) {
        let file = self.folder.join("bench.sql");
        std::fs::write(&file, script).expect("a script");
        let (clients, times) = (connections.to_string(), times.to_string());
        let mut command = self.program("pgbench");
        command.args(["-n", "-M", "prepared", "-j", "2", "-c", &clients, "-t", &times, "-f"]).arg(&file).arg(url);
        finish(command.stderr(Stdio::null()));
    }

    /// Takes a database away again, with whoever is still connected to it.
    pub fn drop_database(&self, url: &str) {
        let name = url.split_once("localhost/").and_then(|(_, rest)| rest.split_once('?')).map(|(name, _)| name);
        let name = name.expect("a URL of this cluster");
        self.order(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }
}

fn finish(command: &mut Command) {
    let status = command.status().expect("the program starts");
    assert!(status.success(), "{command:?} failed");
}
