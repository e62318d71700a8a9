//! What an operating system gives: the keyring, notices with their buttons, the tray.
#![expect(clippy::disallowed_methods, reason = "real programs live in real time")]

use flows::bus::Bus;
use flows::place::Place;
use flows::process::{Program, wait_for, wait_until};
use flows::timers::{self, Timers, systemctl};
use flows::window::Display;

fn tomorrow() -> String {
    flows::world::today().tomorrow().expect("a day").to_string()
}

async fn with_keyring() -> (Bus, flows::bus::Keyring, Place) {
    let bus = Bus::start();
    let place = Place::without_keyring().with_bus(&bus.address);
    let keyring = bus.keyring(place.home()).await;
    let place = place.with_account();
    (bus, keyring, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyring_opens_the_copy_and_a_lost_key_is_never_replaced() {
    let (bus, keyring, place) = with_keyring().await;
    place.billfold(&["bills", "add", "--name", "Rent", "--amount", "950", "--every", "month"]).ok();
    let status = place.billfold(&["status"]).ok();
    assert_eq!((&status["protected_by"], &status["locked"]), (&"keyring".into(), &false.into()));
    keyring.stop();
    let without = place.billfold(&["bills", "list"]).refused(3);
    assert!(without.starts_with("keyring") || without == "locked", "{without}");
    // The keyring's files go: its items with them.
    let files = place.home().join("share/keyrings");
    let moved = place.home().join("keyrings-before");
    std::fs::rename(&files, &moved).expect("the keyring's files");
    let empty = bus.keyring(place.home()).await;
    let lost = place.billfold(&["bills", "list"]).refused(3);
    assert!(lost.starts_with("key"), "{lost}");
    let before: Vec<_> = place.files().iter().map(|path| std::fs::read(path).expect("a file").len()).collect();
    assert!(!before.is_empty(), "the copy stays where it is");
    empty.stop();
    std::fs::remove_dir_all(&files).expect("the new keyring's files");
    std::fs::rename(&moved, &files).expect("the keyring's files");
    let _keyring = bus.keyring(place.home()).await;
    let bills = place.billfold(&["bills", "list"]).ok();
    assert_eq!(bills["items"].as_array().map(Vec::len), Some(1), "with its key back it opens as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keyring_is_said_and_nothing_is_made_over_it() {
    let bus = Bus::start();
    let place = Place::without_keyring().with_bus(&bus.address);
    let _keyring = bus.locked_keyring(place.home()).await;
    let refused = place.billfold(&["account", "create", "--local", "--name", "Ines"]);
    assert_ne!(refused.exit, 0);
    assert!(refused.json["error"]["code"].as_str().is_some_and(|code| code.starts_with("keyring")), "{}", refused.json);
    assert_eq!(place.billfold(&["status"]).ok()["phase"], "welcome");
}

#[test]
fn a_keyring_that_the_bus_starts_when_it_is_asked_protects_the_first_account() {
    let place = Place::new().with_account();
    place.billfold(&["bills", "add", "--name", "Rent", "--amount", "950", "--every", "month"]).ok();
    assert_eq!(place.billfold(&["status"]).ok()["protected_by"], "keyring");
}

fn add(place: &Place, name: &str, payee: &str) {
    let tomorrow = tomorrow();
    let words = [
        "bills", "add", "--name", name, "--amount", "40", "--every", "month", "--starts", &tomorrow, "--payee", payee,
        "--remind", "3",
    ];
    place.billfold(&words).ok();
}

fn due(place: &Place, name: &str) -> Option<String> {
    let due = place.billfold(&["due", "--days", "5"]).ok();
    let found = due["items"].as_array().expect("a list").iter().find(|one| one["name"] == name).cloned();
    found.map(|one| one["state"].as_str().expect("a state").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_comes_once_and_each_of_its_buttons_does_what_it_says() {
    let (bus, _keyring, place) = with_keyring().await;
    let notices = bus.notices().await;
    let turns = [
        ("Phone", "Meridian Mobile", "pay"),
        ("Power", "Harbour Electric", "mark_paid"),
        ("Water", "Bluewater Utilities", "snooze"),
    ];
    for (name, payee, button) in turns {
        add(&place, name, payee);
        let before = notices.all().len();
        let foretold = place.billfold(&["remind", "--dry-run"]).ok();
        assert_eq!(foretold["shown"], 1, "{foretold}");
        assert_eq!(notices.all().len(), before, "a dry run shows nothing");
        // As the system's timer starts it, with the app closed.
        let mut remind = place.start(&["remind"]);
        let shown = notices.wait(name);
        let keys: Vec<&str> = shown.actions.iter().step_by(2).map(String::as_str).collect();
        assert_eq!(keys, ["default", "pay", "snooze", "mark_paid"]);
        // Pressed again and again, as by someone who sees nothing happen: the program may not listen at once.
        wait_for("the end of the reminding", async || {
            notices.press(shown.number, button).await;
            (!remind.runs()).then_some(())
        })
        .await;
        match button {
            // Paid over the practice rail, or already settled.
            "pay" => wait_until("the payment", || {
                let payments = place.billfold(&["payments"]).ok();
                (payments["items"][0]["to"] == payee).then_some(())
            }),
            "mark_paid" => assert_eq!(due(&place, name), None, "it is no longer due"),
            _ => assert_eq!(due(&place, name).as_deref(), Some("due"), "it is still due, and silent for now"),
        }
        assert_eq!(place.billfold(&["remind", "--dry-run"]).ok()["shown"], 0, "delivered once");
    }
    assert_eq!(notices.all().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_comes_with_the_app_closed_opens_the_window() {
    let (bus, _keyring, place) = with_keyring().await;
    let notices = bus.notices().await;
    let display = Display::start();
    add(&place, "Phone", "Meridian Mobile");
    let mut command = place.command(&["remind"]);
    command.env("DISPLAY", &display.name);
    let mut remind = Program::start(&mut command);
    let shown = notices.wait("Phone");
    // It costs more since the notice came: what it said is not paid, and what there is to pay is shown.
    place.billfold(&["bills", "edit", "Phone", "--amount", "55"]).ok();
    wait_for("the window", async || {
        notices.press(shown.number, "pay").await;
        (display.close_windows("Billfold") > 0).then_some(())
    })
    .await;
    assert!(remind.runs(), "the program that reminded goes on as the app");
    assert_eq!(place.billfold(&["payments"]).ok()["items"], serde_json::json!([]));
    remind.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_come_as_one_notice() {
    let (bus, _keyring, place) = with_keyring().await;
    let notices = bus.notices().await;
    for (name, payee) in [("Phone", "Meridian Mobile"), ("Power", "Harbour Electric"), ("Water", "Bluewater Utilities")]
    {
        add(&place, name, payee);
    }
    let remind = place.start(&["remind"]);
    let shown = notices.wait("3 payments are due");
    assert!(shown.body.contains("Phone") && shown.body.contains("Water"), "{shown:?}");
    // The notice is on the screen a moment before that is noted.
    wait_until("the note of it", || (place.billfold(&["remind", "--dry-run"]).ok()["shown"] == 0).then_some(()));
    remind.stop();
    assert_eq!(place.billfold(&["remind", "--dry-run"]).ok()["shown"], 0, "delivered once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_timer_reminds_with_the_app_closed_and_makes_up_for_time_away() {
    if let Some(why) = Timers::missing() {
        println!("skipped, without the system's timers: {why}");
        return;
    }
    let (bus, _keyring, place) = with_keyring().await;
    let notices = bus.notices().await;
    let before = place.billfold(&["reminders"]).ok();
    assert_eq!(before["timer"]["state"], "not_here", "nobody's units are managed yet: {before}");
    let logged_in = Timers::start(&place);
    assert_eq!(place.billfold(&["reminders", "on"]).ok()["timer"]["state"], "on");
    let listed = systemctl(&place, &["list-timers", "--all", "--plain"]).expect("a list");
    let timer = listed.split_whitespace().find(|word| word.ends_with(".timer")).expect("our timer").to_owned();
    assert_eq!(systemctl(&place, &["is-enabled", &timer]).as_deref(), Some("enabled"));
    // The computer goes off; meanwhile the time of a look passes.
    drop(logged_in);
    add(&place, "Phone", "Meridian Mobile");
    let stamp = std::fs::File::options().write(true).open(timers::stamp(&place, &timer)).expect("when it ran last");
    stamp.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3_600)).expect("a time");
    let _logged_in = Timers::start(&place);
    let shown = notices.wait("Phone");
    let service = timer.replace(".timer", ".service");
    wait_for("the end of the service", async || {
        notices.press(shown.number, "mark_paid").await;
        let state = systemctl(&place, &["show", "--property=ActiveState", &service])?;
        (state == "ActiveState=inactive").then_some(())
    })
    .await;
    assert_eq!(due(&place, "Phone"), None, "the button did what it says");
    assert_eq!(notices.all().len(), 1, "delivered once");
    assert_eq!(place.billfold(&["reminders", "off"]).ok()["timer"]["state"], "off");
    assert_eq!(systemctl(&place, &["is-enabled", &timer]), None);
    assert!(!place.home().join("config/systemd/user").join(&timer).exists(), "nothing is left behind");
}
