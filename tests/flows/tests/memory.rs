//! What the real app leaves in memory, its own and that of its web views, where it was locked, signed out from elsewhere or
//! ended: no key, no token and no passphrase, in none of its processes. The passphrase is typed into the window, as a person
//! does, and read from a file, as a command does.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use flows::browser::Browser;
use flows::line::{Line, State};
use flows::place::{PASSPHRASE, Place};
use flows::process::{Program, wait_until};
use flows::server::{Engine, Server};
use flows::sign_in::sign_in;
use flows::vault::secrets_of;
use flows::window::Display;
use scan::{Found, Needles, Process, family, may_look};

const BILL: &str = "Quillfeather Conservatory";
/// One opens it in the window and locks it by a command, one the other way round.
const ROUNDS: usize = 2;
/// Connections and web views end by themselves: so much later nothing of them is left.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// The app with its window, as a person at a desk has it, and every secret that was learnt about it.
struct Desk {
    place: Place,
    display: Display,
    app: Program,
    secrets: Needles,
}

impl Desk {
    fn start(place: Place) -> Self {
        let bill = ["bills", "add", "--name", BILL, "--amount", "950.00", "--every", "month", "--day", "1"];
        place.billfold(&bill).ok();
        let display = Display::start();
        let mut command = place.command(&[]);
        let app = Program::start(command.env("DISPLAY", &display.name));
        let mut secrets = Needles::default();
        secrets.add_text("passphrase", PASSPHRASE);
        Self { place, display, app, secrets }
    }

    fn wait_phase(&self, phase: &str) {
        wait_until(phase, || (self.place.billfold_bare(&["status"]).ok()["phase"] == phase).then_some(()));
    }

    fn processes(&self) -> Vec<Process> {
        family(self.app.id())
    }

    fn web_views(&self) -> BTreeSet<Process> {
        self.processes().into_iter().filter(|process| process.name.starts_with("WebKitWeb")).collect()
    }

    fn window(&self) -> u32 {
        let window = self.app.wait_until("the window", || self.display.mapped("Billfold"));
        self.app.wait_until("something in it", || self.display.shows_text(window).then_some(()));
        window
    }

    /// Types the passphrase where the lock screen asks for it.
    fn type_passphrase(&self) -> u32 {
        let window = self.window();
        self.display.press_in(window, "ctrl+a");
        self.display.type_into(window, PASSPHRASE);
        window
    }

    /// Works out everything that opens something now.
    fn learn(&mut self) {
        for (name, secret) in secrets_of(&self.place.data(), PASSPHRASE) {
            match name.as_str() {
                // What reminders need while it is locked, and what is no secret.
                "due-list" | "anchor" => {}
                "device" => {
                    // Where the private key of a P-256 key stands in PKCS #8, and how its limbs stand in memory.
                    let mut scalar = secret[36..68].to_vec();
                    self.secrets.add("device key", &scalar);
                    scalar.reverse();
                    self.secrets.add("device key as limbs", &scalar);
                }
                "data key" | "server" => {
                    self.secrets.add(&name, &secret);
                    self.secrets.add(&format!("{name} as text"), data_encoding::HEXLOWER.encode(&secret).as_bytes());
                }
                _ => self.secrets.add(&name, &secret),
            }
        }
    }

    /// What of it stands in any process of the app.
    fn found(&self) -> BTreeSet<String> {
        self.secrets.found_in(&self.processes()).into_iter().map(|found| found.what).collect()
    }

    /// What is left when everything had its time to end.
    fn left(&self) -> Vec<Found> {
        let began = Instant::now();
        loop {
            let found = self.secrets.found_in(&self.processes());
            if found.is_empty() || began.elapsed() > ENDS_WITHIN {
                return found;
            }
        }
    }

    /// Opens it and closes it again, each time by another way, and looks through everything.
    fn open_and_lock(&mut self, round: usize, line: Option<&Line>) {
        let before = self.web_views();
        self.open(round, line);
        if round.is_multiple_of(2) {
            self.place.billfold_bare(&["lock"]).ok();
        } else {
            self.display.press_in(self.window(), "ctrl+l");
        }
        self.wait_phase("locked");
        wait_until("the web view to end", || before.is_disjoint(&self.web_views()).then_some(()));
        assert_eq!(self.left(), [], "round {round}");
    }

    /// A scan finds what has to be there: else it would find nothing of what must not.
    fn open(&mut self, round: usize, line: Option<&Line>) {
        if round.is_multiple_of(2) {
            let window = self.type_passphrase();
            // A page keeps a text in either width.
            assert!(self.found().iter().any(|what| what.starts_with("passphrase")), "it was typed into the window");
            self.display.press_in(window, "Return");
        } else {
            self.place.billfold(&["unlock"]).ok();
        }
        self.wait_phase("ready");
        self.place.billfold_bare(&["sync"]).ok();
        self.learn();
        for token in line.map(Line::tokens).unwrap_or_default() {
            self.secrets.add("access token", token.as_bytes());
        }
        let found = self.found();
        assert!(found.contains("data key") && found.contains("device key"), "round {round}: {found:?}");
        let other = if line.is_some() { "access token" } else { "server as text" };
        assert!(found.contains(other), "round {round}: {found:?}");
    }
}

fn may_not_look() -> bool {
    let may = may_look();
    if !may {
        eprintln!("SKIPPED: only root may look into other processes");
    }
    !may
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_or_signed_out_the_app_holds_no_key_token_or_passphrase_of_an_account_on_a_server() {
    if may_not_look() {
        return;
    }
    let line = Line::new();
    let url = line.url();
    let Some(server) = Server::start(Engine::Sqlite, &["--public-url", &url, "--policy", "personal"]) else { return };
    line.lead_to(server.port());
    line.turn(State::Good);
    let (place, other) = (Place::without_keyring(), Place::new());
    let browser = Browser::start().await;
    sign_in(&place, &url, &browser, true).await;
    sign_in(&other, &url, &browser, false).await;
    browser.quit().await;
    let mut desk = Desk::start(place);
    desk.wait_phase("locked");
    for round in 0..ROUNDS {
        desk.open_and_lock(round, Some(&line));
    }
    // Another device signs this one out while it is open.
    let before = desk.web_views();
    desk.open(ROUNDS, Some(&line));
    let devices = other.billfold(&["devices"]).ok();
    let devices = devices["items"].as_array().expect("a list");
    let lost = devices.iter().find(|device| device["this_one"] == false).expect("the other one");
    other.billfold(&["devices", "--sign-out", lost["id"].as_str().expect("an id")]).ok();
    desk.wait_phase("welcome");
    wait_until("the web view to end", || before.is_disjoint(&desk.web_views()).then_some(()));
    assert_eq!(desk.left(), [], "signed out");
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_or_ended_the_app_holds_no_key_token_or_passphrase_of_an_account_on_this_computer() {
    if may_not_look() {
        return;
    }
    let mut desk = Desk::start(Place::without_keyring().with_account());
    desk.wait_phase("locked");
    for round in 0..ROUNDS {
        desk.open_and_lock(round, None);
    }
    desk.open(ROUNDS, None);
    let processes = desk.processes();
    desk.display.press_in(desk.window(), "ctrl+q");
    desk.app.wait_end();
    wait_until("everything to end", || processes.iter().all(|process| !process.runs()).then_some(()));
}
