//! The real window: starting, live changes, the tray, and locking.

use flows::browser::Browser;
use flows::bus::{Bus, Keyring};
use flows::place::{PASSPHRASE, Place, card_export};
use flows::process::{wait_for, wait_until};
use flows::window::{By, Display, Window};

struct Desk {
    bus: Bus,
    _keyring: Keyring,
    place: Place,
    display: Display,
}

async fn desk() -> Desk {
    let bus = Bus::start();
    let place = Place::without_keyring().with_bus(&bus.address);
    let keyring = bus.keyring(place.home()).await;
    Desk { bus, _keyring: keyring, place, display: Display::start() }
}

/// Process numbers of web views below these programs.
fn web_processes(place: &Place) -> Vec<String> {
    let home = place.home().display().to_string();
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let is_web = String::from_utf8_lossy(&command).contains("WebKitWebProcess");
        if is_web && String::from_utf8_lossy(&environment).contains(&home) {
            found.push(process.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_starts_here_adds_a_bill_and_sees_changes_from_elsewhere_at_once() {
    let desk = desk().await;
    let window = Window::open(&desk.place, &desk.display).await;
    window.wait("Where should your account live?").await;
    window.close().await;
    desk.place.billfold(&["account", "create", "--local", "--name", "Ines Calloway"]).ok();
    let window = Window::open(&desk.place, &desk.display).await;
    window.wait("Home").await;
    // The command line is another program; the window hears of it without being touched.
    let bill = ["bills", "add", "--name", "Rent", "--amount", "950.00", "--every", "month", "--day", "1"];
    desk.place.billfold(&bill).ok();
    window.wait("Rent").await;
    window.wait("$950.00").await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tray_says_what_is_due_and_stays_when_the_window_goes() {
    let desk = desk().await;
    let tray = desk.bus.tray().await;
    desk.place.billfold(&["account", "create", "--local", "--name", "Ines Calloway"]).ok();
    let today = flows::world::today().to_string();
    for (name, amount) in [("Phone", "40"), ("Power", "94.17")] {
        desk.place
            .billfold(&["bills", "add", "--name", name, "--amount", amount, "--every", "month", "--starts", &today])
            .ok();
    }
    let mut command = desk.place.command(&[]);
    command.env("DISPLAY", &desk.display.name);
    let app = flows::process::Program::start(&mut command);
    let lines = tray.wait("Next 7 days: 134.17 USD").await;
    let words: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).filter(|line| !line.is_empty()).collect();
    assert_eq!(words[1..3].iter().filter(|line| line.contains("today")).count(), 2, "{words:?}");
    for command in ["Open Billfold", "Sync now", "Lock", "Quit"] {
        assert!(words.contains(&command), "{words:?}");
    }
    wait_until("the window's web process", || (!web_processes(&desk.place).is_empty()).then_some(()));
    // Closing the window takes the web view away with its memory; the tray stays and opens it again.
    assert!(wait_until("the window", || Some(desk.display.close_windows("Billfold")).filter(|closed| *closed > 0)) > 0);
    wait_until("the web processes to end", || web_processes(&desk.place).is_empty().then_some(()));
    tray.wait("Next 7 days: 134.17 USD").await;
    tray.click("Open Billfold").await;
    wait_until("the window's web process", || (!web_processes(&desk.place).is_empty()).then_some(()));
    tray.click("Lock").await;
    let locked = tray.wait("Billfold is locked").await;
    assert!(!locked.iter().any(|(_, line)| line.contains("Phone") || line.contains("94.17")), "no names, no amounts");
    assert_eq!(desk.place.billfold(&["status"]).ok()["locked"], true);
    wait_until("the window with the lock screen", || desk.display.mapped("Billfold"));
    tray.click("Quit").await;
    let mut app = app;
    app.wait_end();
    wait_until("the web processes to end", || web_processes(&desk.place).is_empty().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_made_in_the_browser_ends_with_the_recovery_key_that_opens_the_copy() {
    let desk = desk().await;
    let browser = Browser::start().await;
    let window = Window::open(&desk.place, &desk.display).await;
    window.click_with("Start on this computer").await;
    window.fill("Your name", "Ines Calloway").await;
    window.press("Make a passkey in the browser").await;
    let address = window.find(By::Id("browser-address")).await;
    browser.go(&address.value().await.expect("a field").expect("an address")).await;
    browser.click("#create button").await;
    let digits = browser.match_code().await;
    assert!(window.text().await.contains(&digits), "the window shows {digits} too");
    browser.click("#yes").await;
    window.wait("Keep your recovery key").await;
    let key = window.find(By::Css("p.recovery")).await.text().await.expect("the key");
    window.check("I keep it somewhere safe").await;
    window.press("Go to Home").await;
    window.wait("Add your first bill").await;
    window.close().await;
    let file = desk.place.file("recovery-key.txt", &key);
    assert_eq!(desk.place.billfold(&["repair", "--recovery-key-file", &file]).ok()["protected_by"], "keyring");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_in_the_window_from_welcome_to_a_paid_bill() {
    let desk = desk().await;
    let window = Window::open(&desk.place, &desk.display).await;
    window.click_with("Start on this computer").await;
    window.fill("Your name", "Ines Calloway").await;
    window.press("Start without a passkey").await;
    window.wait("Keep your recovery key").await;
    window.check("I keep it somewhere safe").await;
    window.press("Go to Home").await;
    window.wait("Add your first bill").await;

    // The phone bill is due today; it is added where a person would add it by hand.
    let today = flows::world::today().to_string();
    desk.place
        .billfold(&[
            "bills",
            "add",
            "--name",
            "Phone",
            "--amount",
            "40",
            "--every",
            "month",
            "--starts",
            &today,
            "--payee",
            "Meridian Mobile",
        ])
        .ok();
    window.wait("Phone").await;
    window.click(By::XPath("//main//button[starts-with(normalize-space(), 'Pay')]")).await;
    window.wait("The whole bill").await;
    window.click_with("Pay $40.00").await;
    // The dialog says how far it is; without another click it goes on to the end.
    window.wait("Practice money").await;
    window.wait("Arrived").await;
    window.press("Show in Payments").await;
    window.wait("Meridian Mobile").await;
    let payments = desk.place.billfold(&["payments"]).ok();
    assert_eq!(payments["items"].as_array().map(Vec::len), Some(1), "{payments}");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_the_whole_way_comes_back_into_the_window_with_the_button() {
    let desk = desk().await;
    let notices = desk.bus.notices().await;
    desk.place.billfold(&["account", "create", "--local", "--name", "Ines Calloway"]).ok();
    let window = Window::open(&desk.place, &desk.display).await;
    window.go("Settings").await;
    window.click_with("Proof and test").await;
    window.press("Test now").await;
    let shown = notices.wait("This is how Billfold reminds you");
    window.wait("The notice is shown.").await;
    // Whoever shows a notice begins to listen some time after it is shown.
    wait_for("the answer in the window", async || {
        notices.press(shown.number, "mark_paid").await;
        window.text().await.contains("Mark paid was pressed; nothing was marked.").then_some(())
    })
    .await;
    window.wait("The whole way works.").await;
    window.close().await;
    let kept = desk.place.billfold(&["reminders"]).ok();
    assert_eq!(kept["test"]["reached"], "answered", "{kept}");
    assert!(kept["delivered"].as_array().is_some_and(Vec::is_empty), "no bill's reminder: {kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_comes_in_through_the_systems_own_file_dialog() {
    let desk = desk().await;
    desk.place.billfold(&["account", "create", "--local", "--name", "Ines Calloway"]).ok();
    let file = desk.place.file("card.ofx", card_export(&[("20261101", "-40.00", "a", "Corner shop")]));
    let window = Window::open(&desk.place, &desk.display).await;
    window.go("Card").await;
    window.wait("No card here").await;
    window.click(By::XPath("//main//button[normalize-space()='Import a file']")).await;
    desk.display.choose_file("Import a file", &file);
    window.wait("What this file holds").await;
    assert_eq!(desk.place.billfold(&["transactions"]).ok()["items"].as_array().map(Vec::len), Some(0), "not kept yet");
    window.press("Keep 1 new line").await;
    window.wait("Corner shop").await;
    let kept = desk.place.billfold(&["transactions"]).ok();
    assert_eq!(kept["items"][0]["description"], "Corner shop", "{kept}");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_out_by_its_button_and_back_in_by_the_dialog() {
    let desk = desk().await;
    desk.place.billfold(&["account", "create", "--local", "--name", "Ines Calloway"]).ok();
    let rent = ["bills", "add", "--name", "Rent", "--amount", "950.00", "--every", "month", "--day", "1"];
    desk.place.billfold(&rent).ok();
    let archive = desk.place.home().join("everything.zip").display().to_string();
    let window = Window::open(&desk.place, &desk.display).await;
    window.go("Settings").await;
    window.press("Take everything out").await;
    desk.display.save_file("Save everything", &archive);
    window.wait("Everything is saved.").await;
    window.close().await;
    let bytes = std::fs::read(&archive).expect("the file where the person said");
    let zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive");
    let names: Vec<&str> = zip.file_names().collect();
    assert!(names.contains(&"records.json") && names.contains(&"settings.json"), "{names:?}");
    desk.place.billfold(&["bills", "remove", "Rent"]).ok();
    desk.place.billfold(&["sync"]).ok();

    let window = Window::open(&desk.place, &desk.display).await;
    window.go("Card").await;
    window.wait("No card here").await;
    window.click(By::XPath("//main//button[normalize-space()='Import a file']")).await;
    desk.display.choose_file("Import a file", &archive);
    window.wait("What this archive holds").await;
    window.press("Put it back").await;
    window.wait("Rent").await;
    window.close().await;
    desk.place.billfold(&["sync"]).ok();
    let bills = desk.place.billfold(&["bills", "list"]).ok();
    assert_eq!(bills["items"].as_array().map(Vec::len), Some(1), "{bills}");
    assert_eq!(desk.place.billfold(&["status"]).ok()["waiting"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_keyring_the_passphrase_opens_the_window_and_a_wrong_one_does_not() {
    let place = Place::without_keyring().with_account();
    let rent = ["bills", "add", "--name", "Rent", "--amount", "950.00", "--every", "month", "--day", "1"];
    place.billfold(&rent).ok();
    let display = Display::start();
    let window = Window::open(&place, &display).await;
    window.fill("Passphrase", "some other words that are long").await;
    window.press("Unlock").await;
    window.wait("Caps Lock").await;
    assert!(!window.text().await.contains("Rent"), "nothing is shown before it is right");
    window.fill("Passphrase", PASSPHRASE).await;
    window.press("Unlock").await;
    window.wait("Rent").await;
    // Locked from elsewhere: the web view ends, and what it showed with it. The lock screen has one of its own.
    let before = web_processes(&place);
    place.billfold(&["lock"]).ok();
    wait_until("the web process to end", || {
        let now = web_processes(&place);
        (!before.iter().any(|process| now.contains(process))).then_some(())
    });
    window.close().await;
}
