//! A throw-away PostgreSQL: the system's own programs, on a socket in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::db::{Db, Location};

/// A cluster that lives as long as the test process, on a socket in a folder of its own.
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    databases: AtomicU64,
}

const TEMPLATE: &str = "migrated";

/// The cluster of this process, started on first use; None where PostgreSQL is not installed.
pub fn postgres() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER.get_or_init(|| programs().map(Cluster::start)).as_ref()
}

fn programs() -> Option<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let named = asked.and_then(|answer| String::from_utf8(answer.stdout).ok()).map(|text| PathBuf::from(text.trim()));
    let installed = std::fs::read_dir("/usr/lib/postgresql").ok();
    let versions = installed.into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    named.into_iter().chain(versions).find(|folder| folder.join("initdb").exists())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().map(|answer| answer.stdout).unwrap_or_default();
    id.trim_ascii() == b"0"
}

impl Cluster {
    fn start(programs: PathBuf) -> Self {
        let folder = super::throw_away_folder("billfold-postgres-").keep();
        if is_root() {
            // The database refuses to run as root.
            finish(Command::new("chown").arg("postgres").arg(&folder));
        }
        let cluster = Self { folder, programs, databases: AtomicU64::new(0) };
        let data = cluster.folder.join("data");
        finish(
            cluster
                .program("initdb")
                .args(["--auth=trust", "--no-sync", "--locale=C.UTF-8", "-U", "app", "-D"])
                .arg(&data),
        );
        let options = format!(
            "-c listen_addresses='' -k {} -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200",
            cluster.folder.display()
        );
        let log = cluster.folder.join("log");
        finish(
            cluster.program("pg_ctl").args(["-w", "-D"]).arg(&data).arg("-l").arg(log).args(["-o", &options, "start"]),
        );
        cluster.stop_with_this_process(&data);
        cluster.make_template();
        cluster
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
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
        self.create(&[TEMPLATE]);
        let location = Location::Postgres { url: self.url(TEMPLATE) };
        // Its own thread: this may be called from within a test's runtime.
        let migrate = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                Db::open(&location).await.expect("the migrations run").close().await;
            });
        };
        std::thread::spawn(migrate).join().expect("the template is made");
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://app@localhost/{database}?host={}", self.folder.display())
    }

    fn create(&self, arguments: &[&str]) {
        finish(self.program("createdb").args(["-U", "app", "-h"]).arg(&self.folder).args(arguments));
    }

    /// The URL of a new database with every migration done.
    pub fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        self.create(&["-T", TEMPLATE, &name]);
        self.url(&name)
    }

    /// Takes a database away again, with whoever is still connected to it.
    pub fn drop_database(&self, url: &str) {
        let name = url.split_once("localhost/").and_then(|(_, rest)| rest.split_once('?')).map(|(name, _)| name);
        let name = name.expect("a URL of this cluster");
        finish(self.program("dropdb").args(["-U", "app", "--force", "-h"]).arg(&self.folder).arg(name));
    }
}

fn finish(command: &mut Command) {
    let status = command.status().expect("the program starts");
    assert!(status.success(), "{command:?} failed");
}
