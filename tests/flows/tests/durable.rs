//! What is acknowledged is on the disk: seen in the system calls of the real server, and on a disk that is full or
//! fails.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use client::payments::{PayBill, PaymentViewState};
use domain::ids::{BillerId, PaymentId};
use domain::money::{Currency, Money};
use flows::browser::Browser;
use flows::device::Device;
use flows::process::{Program, signal, wait_for, wait_until};
use flows::server::Server;

const PAYMENTS: usize = 12;

/// A person who pays a cent, again and again.
struct Payer {
    browser: Browser,
    device: Device,
    biller: BillerId,
    /// What the server said that it has.
    taken: HashSet<PaymentId>,
}

impl Payer {
    async fn new(server: &Server) -> Self {
        let browser = Browser::start().await;
        let device = Device::sign_in(server, &browser, true).await;
        let biller = device.client.billers().search("Meridian").await.expect("a directory")[0].id;
        Self { browser, device, biller, taken: HashSet::new() }
    }

    /// Orders a payment and sends what waits; says whether the server took all of it.
    async fn pay(&mut self) -> bool {
        let order = PayBill {
            bill: None,
            due_on: None,
            biller: Some(self.biller),
            amount: Money::new(1, Currency::USD).expect("a cent"),
            send_on: None,
            duplicate_meant: true,
            method: None,
        };
        self.device.client.payments().pay_bill(order).await.expect("an order is always kept");
        self.send().await
    }

    async fn send(&mut self) -> bool {
        let sent = self.device.client.sync().now().await.is_ok();
        let payments = self.device.client.payments().list().await.expect("a list");
        let answered = payments.iter().filter(|payment| payment.state != PaymentViewState::NotSent);
        self.taken.extend(answered.map(|payment| payment.id));
        sent
    }

    /// Everything that was ever acknowledged is still there, and what waited is taken now. Another device says so, which
    /// has seen nothing of it before.
    async fn finds_everything(&mut self, server: &Server) {
        wait_for("what waits to be taken", async || self.send().await.then_some(())).await;
        assert_eq!(self.device.client.status().await.expect("a status").waiting, 0);
        let other = Device::sign_in(server, &self.browser, false).await;
        let payments = other.client.payments().list().await.expect("a list");
        for id in &self.taken {
            let found = payments.iter().find(|payment| payment.id == *id).expect("it was acknowledged");
            assert!(!matches!(found.state, PaymentViewState::NotSent | PaymentViewState::Refused), "{:?}", found.state);
        }
        other.end().await;
    }

    async fn end(self) {
        self.device.end().await;
        self.browser.quit().await;
    }
}

// ---- System calls ------------------------------------------------------------------------------------------------

/// Watches the system calls of a running program, into a file. None where this machine does not allow it.
fn watch(id: u32, into: &Path) -> Option<Program> {
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-s", "48", "-e", "trace=fsync,fdatasync,recvfrom,read,sendto,write,writev"]);
    command.arg("-o").arg(into).arg("-p").arg(id.to_string());
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: strace is not installed");
        return None;
    }
    let mut program = Program::start(&mut command);
    wait_until("the watch to begin", || (program.said().contains("attached") || !program.runs()).then_some(()));
    if !program.runs() {
        eprintln!("SKIPPED: this machine lets no program watch another: {}", program.said());
        return None;
    }
    Some(program)
}

/// What happened, in order, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Ordered,
    Synced,
    Acknowledged,
}

fn seen(trace: &str) -> Vec<Seen> {
    let mut syncing: HashMap<&str, bool> = HashMap::new();
    let mut all = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.trim().split_once(char::is_whitespace) else { continue };
        let call = call.trim_start();
        let is_sync = call.starts_with("fsync(") || call.starts_with("fdatasync(");
        if is_sync {
            // Of the database's own files, and nothing else that may be synced.
            syncing.insert(thread, call.contains("server.sqlite"));
        }
        let ended = call.ends_with("= 0") && (is_sync || call.contains("sync resumed>"));
        if ended && syncing.remove(thread) == Some(true) {
            all.push(Seen::Synced);
        }
        if call.contains("POST /api/v1/payments HTTP/1.1") {
            all.push(Seen::Ordered);
        } else if call.contains("HTTP/1.1 201 Created") {
            all.push(Seen::Acknowledged);
        }
    }
    all
}

#[test]
fn the_reader_of_a_trace_tells_a_sync_before_an_answer_from_one_after_it() {
    let trace = r#"
7 recvfrom(21<TCP:[127.0.0.1:1]>, "POST /api/v1/payments HTTP/1.1\r\nacc"..., 8192, 0, NULL, NULL) = 1200
9 fdatasync(5</data/server.sqlite-wal> <unfinished ...>
8 fdatasync(6</data/other>) = 0
9 <... fdatasync resumed>) = 0
7 writev(21<TCP:[127.0.0.1:1]>, [{iov_base="HTTP/1.1 201 Created\r\ncont"..., iov_len=900}], 1) = 900
9 fdatasync(5</data/server.sqlite-wal>) = -1 EIO (Input/output error)
"#;
    assert_eq!(seen(trace), [Seen::Ordered, Seen::Synced, Seen::Acknowledged]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_acknowledgement_comes_after_a_sync_of_the_data() {
    let server = Server::start_with(None, None, &["--policy", "personal"]);
    let mut payer = Payer::new(&server).await;
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let Some(mut watch) = watch(server.id(), &trace) else {
        payer.end().await;
        return;
    };
    for _ in 0..PAYMENTS {
        assert!(payer.pay().await, "the server takes it");
    }
    signal(watch.id(), "-INT");
    watch.wait_end();
    let seen = seen(&std::fs::read_to_string(&trace).expect("a trace"));
    let count = |what| seen.iter().filter(|seen| **seen == what).count();
    // An order may have to be sent again with a newer nonce in its proof.
    assert!(count(Seen::Ordered) >= PAYMENTS && count(Seen::Acknowledged) == PAYMENTS, "{seen:?}");
    let mut synced = false;
    for what in &seen {
        match what {
            Seen::Ordered => synced = false,
            Seen::Synced => synced = true,
            Seen::Acknowledged => assert!(synced, "an order was acknowledged before it was on the disk: {seen:?}"),
        }
    }
    eprintln!("{PAYMENTS} acknowledgements, each after a sync; {} syncs in all", count(Seen::Synced));
    payer.end().await;
}

// ---- Disks that fail ---------------------------------------------------------------------------------------------

/// A small disk of its own; taken away at the end.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs"]).arg(at).stderr(Stdio::null());
        if command.status().is_ok_and(|status| status.success()) {
            return Some(Self(at.to_owned()));
        }
        eprintln!("SKIPPED: this machine mounts no small disk");
        None
    }

    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.filler()).expect("a file");
        while file.write_all(&[0x5a_u8; 4_096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).expect("a file");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_a_full_disk_takes_nothing_says_so_and_goes_on_when_there_is_room() {
    let folder = tempfile::Builder::new().prefix("billfold-disk-").tempdir().expect("a folder");
    let Some(disk) = Disk::mount(&folder.path().join("disk")) else { return };
    let mut server = Server::start_in(&folder.path().join("disk/data"), &["--policy", "personal"]);
    let mut payer = Payer::new(&server).await;
    for _ in 0..4 {
        assert!(payer.pay().await);
    }
    disk.fill();
    wait_for("the server to say that it cannot", async || (!server.is_ready().await).then_some(())).await;
    // The file of the log may have room for a few; then nothing more is taken, however often it is sent.
    let mut refused = 0;
    for _ in 0..200 {
        refused += u32::from(!payer.pay().await);
        if refused > 3 {
            break;
        }
    }
    assert!(refused > 3, "a full disk takes nothing");
    assert!(!server.is_ready().await);
    disk.free();
    server.wait_until_ready().await;
    payer.finds_everything(&server).await;
    payer.end().await;
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}

/// The size that no file of a running program may grow beyond: a write past it fails as a disk fails.
fn limit_files(id: u32, bytes: &str) -> bool {
    let mut command = Command::new("prlimit");
    command.arg("--pid").arg(id.to_string()).arg(format!("--fsize={bytes}:unlimited"));
    command.status().is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_disk_fails_takes_nothing_says_so_and_goes_on_when_it_works_again() {
    let mut server = Server::start_deaf_to_file_limits(&["--policy", "personal"]);
    let mut payer = Payer::new(&server).await;
    for _ in 0..4 {
        assert!(payer.pay().await);
    }
    if !limit_files(server.id(), "4096") {
        eprintln!("SKIPPED: prlimit is not installed");
        payer.end().await;
        return;
    }
    wait_for("the server to say that it cannot", async || (!server.is_ready().await).then_some(())).await;
    for _ in 0..4 {
        assert!(!payer.pay().await, "what cannot be written is not taken");
    }
    assert!(!server.is_ready().await);
    assert!(limit_files(server.id(), "unlimited"));
    server.wait_until_ready().await;
    payer.finds_everything(&server).await;
    payer.end().await;
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}
