//! What goes wrong between a person and their server: nothing is lost, nothing is doubled, and the next step is said.

use std::process::{Command, Stdio};
use std::time::Duration;

use flows::browser::Browser;
use flows::line::{Line, State};
use flows::place::{Done, Place, run};
use flows::process::{Program, wait_until};
use flows::server::{Engine, Server};
use flows::sign_in::{address_in, approve, sign_in};

fn add_phone(place: &Place) {
    let phone = ["bills", "add", "--name", "Phone", "--amount", "40", "--every", "month", "--payee", "Meridian Mobile"];
    place.billfold(&phone).ok();
}

/// Syncs until everything is sent and the payment has settled.
fn settles(place: &Place) {
    wait_until("the payment to settle", || {
        place.billfold(&["sync"]).ok();
        let payments = place.billfold(&["payments"]).ok()["items"].clone();
        (payments[0]["state"] == "settled").then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_slow_fails_or_loses_answers_loses_and_doubles_no_payment() {
    let line = Line::new();
    let url = line.url();
    let Some(mut server) = Server::start(Engine::Sqlite, &["--public-url", &url, "--policy", "personal"]) else {
        return;
    };
    line.lead_to(server.port());
    line.turn(State::Good);
    let place = Place::new();
    let browser = Browser::start().await;
    sign_in(&place, &url, &browser, true).await;
    add_phone(&place);
    place.billfold(&["sync"]).ok();

    // The server cannot just now: what is here is readable, what is new waits.
    line.turn(State::Failing);
    assert_eq!(place.billfold(&["sync"]).refused(4), "server_failed");
    assert_eq!(place.billfold(&["bills", "list"]).ok()["items"][0]["name"], "Phone");
    let kept = place.billfold(&["pay", "Phone"]).ok()["payment"].clone();
    assert_eq!(kept["state"], "not_sent");

    // The server takes the payment, and nobody hears of it, again and again.
    line.turn(State::LosesAnswerTo("POST /api/v1/payments"));
    for _ in 0..10 {
        place.billfold(&["sync"]);
    }
    let waiting = place.billfold(&["payments"]).ok()["items"].clone();
    assert_eq!(waiting.as_array().map(Vec::len), Some(1), "{waiting}");

    line.turn(State::Slow(Duration::from_millis(400)));
    place.billfold(&["sync"]).ok();
    approve(&place, &url, &browser, &kept).await;
    browser.quit().await;
    settles(&place);
    let payments = place.billfold(&["payments"]).ok()["items"].clone();
    assert_eq!(payments.as_array().map(Vec::len), Some(1), "it went out once");
    assert_eq!(payments[0]["id"], kept["id"]);
    let available = place.billfold(&["accounts"]).ok()["items"][0]["available"]["minor"].clone();
    assert_eq!(available, 1_000_000 - 4_000, "the money left once");
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_refuses_the_passkey_or_closes_the_browser_can_begin_again() {
    let Some(server) = Server::start(Engine::Sqlite, &[]) else { return };
    let (place, url) = (Place::new(), server.url());
    let browser = Browser::start().await;

    // Closed half-way: the person gives up in the app as well.
    let app = place.start(&["sign-in", "--server", &url, "--no-browser", "--create"]);
    browser.go(&address_in(&app, &url)).await;
    browser.element("#name").await;
    browser.go("about:blank").await;
    app.stop();
    assert_eq!(place.billfold(&["status"]).ok()["phase"], "welcome", "nothing is half made");

    // Refused: the page says so, and the same page goes on when the person agrees after all.
    browser.recognise(false).await;
    let mut app = place.start(&["sign-in", "--server", &url, "--no-browser", "--create"]);
    browser.go(&address_in(&app, &url)).await;
    browser.element("#name").await.send_keys("Ines Calloway").await.expect("a field");
    browser.click("#create button").await;
    let said = browser.element("[role=alert]").await.text().await.expect("words");
    assert!(said.contains("again"), "it says what to do next: {said}");
    browser.recognise(true).await;
    browser.click("#create button").await;
    browser.match_code().await;
    browser.click("#yes").await;
    app.wait_end();
    browser.quit().await;
    assert_eq!(place.billfold(&["status"]).ok()["signed_in"], true);
}

/// A server that speaks TLS under a name that nobody vouches for.
fn unknown_server(place: &Place) -> (Program, u16) {
    let (key, certificate) = (place.home().join("key.pem"), place.home().join("certificate.pem"));
    let mut make = Command::new("openssl");
    make.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    make.args(["-subj", "/CN=localhost", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
    assert!(make.stderr(Stdio::null()).status().expect("openssl starts").success());
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = free.expect("a free port").port();
    let mut serve = Command::new("openssl");
    serve.args(["s_server", "-www", "-accept", &format!("127.0.0.1:{port}"), "-key"]).arg(&key);
    let program = Program::start(serve.arg("-cert").arg(&certificate));
    wait_until("the other server", || std::net::TcpStream::connect(("127.0.0.1", port)).ok().map(drop));
    (program, port)
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let place = Place::new();
    let (_server, port) = unknown_server(&place);
    let url = format!("https://localhost:{port}");
    assert_eq!(place.billfold(&["sign-in", "--server", &url, "--no-browser"]).refused(4), "certificate_refused");
    assert_eq!(place.billfold(&["status"]).ok()["phase"], "welcome");
}

/// In a network of its own that gives out no port at all. None where this machine cannot make one.
fn without_ports(place: &Place, arguments: &[&str]) -> Option<Done> {
    const NO_PORT: &str = "cd /proc/sys/net/ipv4 && echo 40000 40000 > ip_local_port_range \
         && echo 40000 > ip_local_reserved_ports && exec \"$@\"";
    let mut possible = Command::new("unshare");
    possible.args(["-n", "sh", "-c", NO_PORT, "sh", "true"]).stderr(Stdio::null());
    if !possible.status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this machine makes no network of its own");
        return None;
    }
    let inner = place.command(&["--json"]);
    let mut command = Command::new("unshare");
    command.args(["-n", "sh", "-c", NO_PORT, "sh"]).arg(inner.get_program()).args(inner.get_args()).args(arguments);
    place.dress(&mut command);
    Some(run(&mut command))
}

#[test]
fn a_computer_that_gives_no_port_is_told_so() {
    let place = Place::new();
    let arguments = ["sign-in", "--server", "https://accounts.example.org", "--no-browser"];
    let Some(done) = without_ports(&place, &arguments) else { return };
    assert_eq!(done.refused(1), "port_refused");
}

/// A small disk of its own; taken away at the end.
struct Disk<'a>(&'a Place);

impl<'a> Disk<'a> {
    fn mount(place: &'a Place) -> Option<Self> {
        std::fs::create_dir(place.data()).expect("a folder");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs"]).arg(place.data()).stderr(Stdio::null());
        if command.status().is_ok_and(|status| status.success()) {
            return Some(Self(place));
        }
        eprintln!("SKIPPED: this machine mounts no small disk");
        None
    }

    fn filler(&self) -> std::path::PathBuf {
        self.0.data().join("filler")
    }

    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.filler()).expect("a file");
        let part = [0x5a_u8; 4_096];
        while file.write_all(&part).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).expect("a file");
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.data()).status();
    }
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let place = Place::new();
    let Some(disk) = Disk::mount(&place) else { return };
    let place = &place;
    place.billfold(&["account", "create", "--local", "--name", "Ines Calloway"]).ok();
    add_phone(place);
    place.billfold(&["sync"]).ok();
    disk.fill();
    // The first changes may still fit where the files have room; then it is said, each time.
    let mut kept = 1;
    let refused = (0..200).find_map(|number| {
        let name = format!("Bill {number} {}", "x".repeat(60));
        let done = place.billfold(&["bills", "add", "--name", &name, "--amount", "12", "--every", "month"]);
        if done.exit == 0 {
            kept += 1;
            return None;
        }
        Some(done.refused(1))
    });
    assert_eq!(refused.as_deref(), Some("disk_full"));
    disk.free();
    let bills = place.billfold(&["bills", "list"]).ok();
    assert_eq!(bills["items"].as_array().map(Vec::len), Some(kept), "what was taken is there, and nothing else");
    place.billfold(&["pay", "Phone"]).ok();
    settles(place);
}
