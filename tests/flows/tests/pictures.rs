//! The pictures of the README, taken of the real window: `cargo test -p flows --test pictures -- --ignored`.

use std::path::Path;

use flows::bus::Bus;
use flows::place::{Place, card_export};
use flows::window::{By, Display, Window};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it writes into the repository"]
async fn the_window_as_it_is() {
    let bus = Bus::start();
    let place = Place::without_keyring().with_bus(&bus.address);
    let _keyring = bus.keyring(place.home()).await;
    let place = place.with_account();
    let today = flows::world::today();
    let day = |ahead: i64| today.saturating_add(jiff::Span::new().days(ahead)).to_string();
    let stamp = |ago: i64| today.saturating_sub(jiff::Span::new().days(ago)).strftime("%Y%m%d").to_string();
    let bills = [
        ("Rent", "950.00", day(9), "Alder Street Lettings", false),
        ("Phone", "40.00", day(3), "Meridian Mobile", true),
        ("Power", "94.17", day(5), "Harbour Electric", true),
        ("Insurance", "210.00", day(16), "Fernhill Insurance", false),
        ("Fibre", "59.99", day(1), "Lumen Fibre", false),
        ("Gym", "29.00", day(22), "Tamarack Fitness", false),
        ("Water", "61.00", day(27), "Bluewater Utilities", true),
    ];
    for (name, amount, starts, payee, estimated) in &bills {
        let mut words = vec![
            "bills", "add", "--name", name, "--amount", amount, "--every", "month", "--starts", starts, "--payee",
            payee,
        ];
        if *estimated {
            words.push("--estimate");
        }
        place.billfold(&words).ok();
    }
    place.billfold(&["pay", "Fibre"]).ok();
    place.billfold(&["pay", "Power", "--on", &day(2)]).ok();
    let shops = ["Corner shop", "Quartz Bakery", "Juniper Books", "Harbor Cinema", "Millbrook Tools", "Kestrel Garden"];
    let lines: Vec<(String, String, String, &str)> = (0..140)
        .map(|at: usize| {
            let minor = 399 + (at * 7_919) % 8_400;
            let ago = i64::try_from(at * 150 / 140).unwrap_or(0) + 1;
            (stamp(ago), format!("-{}.{:02}", minor / 100, minor % 100), format!("id{at}"), shops[at % shops.len()])
        })
        .collect();
    let lines: Vec<(&str, &str, &str, &str)> =
        lines.iter().map(|(day, amount, id, name)| (day.as_str(), amount.as_str(), id.as_str(), *name)).collect();
    let card = place.billfold(&["import", &place.file("card.ofx", card_export(&lines))]).ok()["accounts"][0].clone();
    let closing = today.saturating_sub(jiff::Span::new().days(6)).day().to_string();
    let card = card.as_str().expect("an id");
    place
        .billfold(&[
            "card",
            "terms",
            card,
            "--closing-day",
            &closing,
            "--due-days",
            "21",
            "--minimum-share",
            "2",
            "--minimum-floor",
            "25",
        ])
        .ok();
    let display = Display::start();
    let window = Window::open(&place, &display).await;
    window.wait("Next 30 days").await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures");
    std::fs::create_dir_all(&folder).expect("a folder");
    for theme in ["light", "dark"] {
        window.go("Settings").await;
        window.press(if theme == "light" { "Light" } else { "Dark" }).await;
        window.wait("Saved").await;
        window.wait_gone(".toast").await;
        for (screen, words) in [
            ("Home", "Next 30 days"),
            ("Bills", "Insurance"),
            ("Card", "Statement balance"),
            ("Payments", "Lumen Fibre"),
            ("Statements", "Closing balance"),
        ] {
            window.go(screen).await;
            if screen == "Statements" {
                window.click_with("Cobalt Card").await;
            }
            window.wait(words).await;
            window.picture(&folder.join(format!("{}-{theme}.png", screen.to_lowercase()))).await;
        }
    }
    window.click(By::XPath("//nav//a[contains(., 'Home')]")).await;
    window.close().await;
}
