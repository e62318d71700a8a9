//! Reminders in a bad hour: a program that is killed between showing and noting, many that look at once, and the nights in
//! which clocks change. Real programs, a real bus, a real notification service.

use flows::bus::{Bus, Keyring};
use flows::place::Place;
use flows::process::{Program, wait_for, wait_until};
use flows::window::Display;
use jiff::Timestamp;
use jiff::civil::{Date, date};

async fn with_keyring(place: Place) -> (Bus, Keyring, Place) {
    let bus = Bus::start();
    let place = place.with_bus(&bus.address);
    let keyring = bus.keyring(place.home()).await;
    (bus, keyring, place.with_account())
}

fn add(place: &Place, name: &str, due_on: Date, remind: &str) {
    let due_on = due_on.to_string();
    let words = ["bills", "add", "--name", name, "--amount", "40", "--every", "once", "--starts", &due_on];
    place.billfold(&[words.as_slice(), &["--remind", remind]].concat()).ok();
}

fn tomorrow() -> Date {
    flows::world::today().tomorrow().expect("a day")
}

fn nothing_is_left(place: &Place) -> bool {
    place.billfold(&["remind", "--dry-run"]).ok()["shown"] == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_showing_and_noting_it_names_the_bill_once_more_and_then_never_again() {
    let (bus, _keyring, place) = with_keyring(Place::without_keyring()).await;
    let notices = bus.notices().await;
    add(&place, "Phone", tomorrow(), "3");
    notices.hold(true);
    let remind = place.start(&["remind"]);
    // On the screen, and the program waits for the service's answer: its record stands, the note does not.
    notices.wait("Phone");
    remind.kill();
    notices.hold(false);
    let again = place.start(&["remind"]);
    let named = notices.wait("1 payment is due");
    assert!(named.body.contains("Phone"), "{named:?}");
    wait_until("the note of it", || nothing_is_left(&place).then_some(()));
    again.stop();
    let quiet = place.billfold(&["remind"]).ok();
    assert_eq!((&quiet["shown"], notices.all().len()), (&0.into(), 2), "never again");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_look_at_once_beside_the_app_remind_once() {
    let (bus, _keyring, place) = with_keyring(Place::without_keyring()).await;
    let notices = bus.notices().await;
    add(&place, "Phone", tomorrow(), "3");
    let display = Display::start();
    let mut command = place.command(&["--hidden"]);
    command.env("DISPLAY", &display.name);
    // The app and six runs of the timer begin at the same moment; whoever is second hands over to the first.
    let app = Program::start(&mut command);
    let mut looks: Vec<Program> = (0..6).map(|_| place.start(&["remind"])).collect();
    notices.wait("Phone");
    // The first one may have shown it alone, before the app: then it stays for the answer until the app takes over.
    wait_for("the end of the looks", async || {
        for shown in notices.all() {
            notices.press(shown.number, "snooze").await;
        }
        looks.iter_mut().all(|look| !look.runs()).then_some(())
    })
    .await;
    wait_until("the app or nobody", || nothing_is_left(&place).then_some(()));
    let about: Vec<_> = notices.all().into_iter().filter(|shown| shown.title.contains("Phone")).collect();
    assert_eq!(about.len(), 1, "{about:?}");
    assert_eq!(notices.all().len(), 1, "and nothing else");
    app.stop();
}

/// How far the clock has to be set to show that moment now.
fn until(moment: &str) -> String {
    let there: Timestamp = moment.parse().expect("an instant");
    let now = flows::world::now();
    format!("+{}", there.duration_since(now).as_secs())
}

/// The Sunday of that week of the month on which clocks change in New York.
fn change(month: i8, nth: i8) -> Date {
    let mut year = flows::world::today().year();
    loop {
        let first = date(year, month, 1);
        let sunday = first.nth_weekday_of_month(nth, jiff::civil::Weekday::Sunday).expect("there is one");
        if sunday > flows::world::today() {
            return sunday;
        }
        year += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_night_that_skips_an_hour_a_reminder_of_that_hour_comes_after_it_once() {
    let (bus, _keyring, place) = with_keyring(Place::without_keyring().in_zone("America/New_York")).await;
    let notices = bus.notices().await;
    let night = change(3, 2);
    add(&place, "Phone", night.tomorrow().expect("a day"), "1");
    place.billfold(&["reminders", "set", "--at", "02:30", "--again", "off"]).ok();
    // 02:30 is not there: it is 03:30 of the new time, 07:30 of the world's.
    for (at, shown) in [("06:45", 0), ("07:15", 0), ("07:31", 1)] {
        let off = until(&format!("{night}T{at}:00Z"));
        assert_eq!(place.billfold_at(&off, &["remind", "--dry-run"]).ok()["shown"], shown, "{at}");
    }
    comes_once(&place, &notices, &[format!("{night}T07:32:00Z"), format!("{night}T08:10:00Z")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_night_that_has_an_hour_twice_a_reminder_of_that_hour_comes_in_the_first() {
    let (bus, _keyring, place) = with_keyring(Place::without_keyring().in_zone("America/New_York")).await;
    let notices = bus.notices().await;
    let night = change(11, 1);
    add(&place, "Phone", night.tomorrow().expect("a day"), "1");
    place.billfold(&["reminders", "set", "--at", "01:30", "--again", "off"]).ok();
    // 01:30 is 05:30 of the world's time, and an hour later it is 01:30 again.
    let off = until(&format!("{night}T05:25:00Z"));
    assert_eq!(place.billfold_at(&off, &["remind", "--dry-run"]).ok()["shown"], 0);
    comes_once(&place, &notices, &[format!("{night}T05:31:00Z"), format!("{night}T06:31:00Z")]).await;
}

/// It is shown at the first of these moments and at none of the others.
async fn comes_once(place: &Place, notices: &flows::bus::Notices, moments: &[String]) {
    let mut first = place.start_at(&until(&moments[0]), &["remind"]);
    let shown = notices.wait("Phone");
    wait_for("the end of the first look", async || {
        notices.press(shown.number, "default").await;
        (!first.runs()).then_some(())
    })
    .await;
    for moment in moments {
        let looked = place.billfold_at(&until(moment), &["remind"]).ok();
        assert_eq!(looked["shown"], 0, "{moment}: {looked}");
    }
    assert_eq!(notices.all().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_the_whole_way_comes_back_with_the_button_or_says_where_it_stopped() {
    let (bus, _keyring, place) = with_keyring(Place::without_keyring()).await;
    assert_eq!(place.billfold(&["reminders", "test", "--wait", "1"]).refused(1), "reminder_stopped", "nobody shows it");
    let notices = bus.notices().await;
    let mut test = place.start(&["reminders", "test"]);
    let shown = notices.wait("This is how Billfold reminds you");
    wait_for("the end of the test", async || {
        notices.press(shown.number, "mark_paid").await;
        (!test.runs()).then_some(())
    })
    .await;
    let kept = place.billfold(&["reminders"]).ok();
    assert_eq!(
        (&kept["test"]["reached"], &kept["test"]["answer"]["action"]),
        (&"answered".into(), &"mark_paid".into())
    );
    assert!(kept["delivered"].as_array().is_some_and(Vec::is_empty), "no bill's reminder: {kept}");
}
