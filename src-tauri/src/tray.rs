//! The tray: what is due this week, the next three, and four commands. Where the system gives only a menu, everything
//! stands in the menu.

use std::sync::Arc;

use client::bills::OccurrenceView;
use client::status::Phase;
use domain::bills::OccurrenceState;
use domain::money::Money;
use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItemBuilder};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Wry};

use crate::app;
use crate::core::Core;

const ID: &str = "billfold";
const DAYS: u16 = 7;
const NEXT: usize = 3;

/// What the tray says; made from the book, shown by the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Words {
    lines: Vec<String>,
    late: bool,
}

/// Puts the icon up. Without a tray on this system the app works all the same.
pub fn set_up(app: &AppHandle) {
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        // The library that draws trays on Linux is loaded here, and panics when it is not installed.
        let menu = menu(app, &Words::default())?;
        TrayIconBuilder::with_id(ID)
            .icon(icon(false)?)
            .tooltip("Billfold")
            .menu(&menu)
            .show_menu_on_left_click(true)
            .on_menu_event(|app, event| clicked(app, event.id().as_ref()))
            .build(app)
    }));
    match made {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "there is no tray here"),
        Err(_) => tracing::warn!("there is no tray here: its library is not installed"),
    }
}

/// Says what is due now. Called when the book changed.
pub async fn refresh(app: &AppHandle, core: &Arc<Core>) {
    let words = words(core).await;
    let app = app.clone();
    let shown = app.clone().run_on_main_thread(move || {
        let Some(tray) = app.tray_by_id(ID) else { return };
        let set = menu(&app, &words)
            .and_then(|menu| tray.set_menu(Some(menu)))
            .and_then(|()| tray.set_icon(Some(icon(words.late)?)))
            .and_then(|()| {
                tray.set_tooltip(Some(if words.late { "Billfold, something is overdue" } else { "Billfold" }))
            });
        if let Err(error) = set {
            tracing::warn!(%error, "the tray was not refreshed");
        }
    });
    if let Err(error) = shown {
        tracing::warn!(%error, "the tray was not refreshed");
    }
}

async fn words(core: &Core) -> Words {
    match core.client.phase() {
        Phase::Welcome => Words { lines: vec!["No account yet".to_owned()], late: false },
        // No names, no amounts.
        Phase::Locked => Words { lines: vec!["Billfold is locked".to_owned()], late: false },
        Phase::Ready => match core.client.bills().due(DAYS).await {
            Ok(due) => due_words(&due),
            Err(_) => Words { lines: vec!["Open Billfold to see why nothing is shown".to_owned()], late: false },
        },
    }
}

fn due_words(due: &[OccurrenceView]) -> Words {
    if due.is_empty() {
        return Words { lines: vec!["Nothing due in 7 days".to_owned()], late: false };
    }
    let totals: Vec<String> = totals(due).iter().map(ToString::to_string).collect();
    let mut lines = vec![format!("Next 7 days: {}", totals.join(", "))];
    lines.extend(due.iter().take(NEXT).map(line));
    Words { lines, late: due.iter().any(|one| one.state == OccurrenceState::Overdue) }
}

/// One amount a currency; a currency whose sum leaves the range is left out rather than wrong.
fn totals(due: &[OccurrenceView]) -> Vec<Money> {
    let mut currencies: Vec<_> = due.iter().map(|one| one.left.currency()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let sum = |currency| {
        let of = due.iter().map(|one| one.left).filter(|money| money.currency() == currency);
        Money::sum(currency, of).ok()
    };
    currencies.into_iter().filter_map(sum).collect()
}

fn line(one: &OccurrenceView) -> String {
    let when = match (one.state, one.days) {
        (OccurrenceState::Scheduled, _) => "scheduled".to_owned(),
        (OccurrenceState::Pending, _) => "on its way".to_owned(),
        (_, ..=-2) => format!("{} days late", -one.days),
        (_, -1) => "1 day late".to_owned(),
        (_, 0) => "today".to_owned(),
        (_, 1) => "tomorrow".to_owned(),
        (_, days) => format!("{days} days"),
    };
    let about = if one.estimated { "about " } else { "" };
    format!("{}, {when}   {about}{}", one.name, one.left)
}

fn menu(app: &AppHandle, words: &Words) -> tauri::Result<Menu<Wry>> {
    let mut menu = MenuBuilder::new(app);
    for (number, line) in words.lines.iter().enumerate() {
        // `&` would mark a key in a menu.
        let text = line.replace('&', "&&");
        let first = number == 0;
        menu = menu.item(&MenuItemBuilder::with_id(format!("due-{number}"), text).enabled(!first).build(app)?);
    }
    if !words.lines.is_empty() {
        menu = menu.separator();
    }
    menu.text("open", "Open Billfold").text("sync", "Sync now").text("lock", "Lock").text("quit", "Quit").build()
}

fn clicked(app: &AppHandle, id: &str) {
    match id {
        "open" => app::show(app, None),
        "sync" => app::sync(app),
        "lock" => app::lock(app),
        "quit" => app::quit(app),
        _ => app::show(app, Some("/bills")),
    }
}

fn icon(late: bool) -> tauri::Result<Image<'static>> {
    let bytes: &[u8] =
        if late { include_bytes!("../../icons/tray-late.png") } else { include_bytes!("../../icons/tray.png") };
    Image::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(name: &str, minor: i64, days: i32, state: &str) -> OccurrenceView {
        let currency = domain::money::Currency::USD;
        let amount = Money::new(minor, currency).unwrap();
        let state = serde_json::from_value(serde_json::json!(state)).unwrap();
        let due_on = jiff::civil::date(2026, 11, 12).checked_add(jiff::Span::new().days(days)).unwrap();
        OccurrenceView {
            bill: "01890000-0000-7000-8000-000000000000".parse().unwrap(),
            name: name.to_owned(),
            due_on,
            falls_on: due_on,
            issued_on: None,
            grace_until: due_on,
            pay_by: due_on,
            over_cap: false,
            amount,
            left: amount,
            estimated: false,
            state,
            days,
            payable: false,
            payment: None,
            sends_on: None,
            not_sent: false,
        }
    }

    #[test]
    fn the_tray_says_the_week_and_the_next_three_and_whether_one_is_late() {
        let week = [
            due("Gas", 5_832, -3, "overdue"),
            due("Loan", 26_875, 1, "scheduled"),
            due("Power", 9_417, 4, "due"),
            due("Phone", 4_000, 6, "due"),
        ];
        let words = due_words(&week);
        let lines = [
            "Next 7 days: 461.24 USD",
            "Gas, 3 days late   58.32 USD",
            "Loan, scheduled   268.75 USD",
            "Power, 4 days   94.17 USD",
        ];
        assert_eq!(words, Words { lines: lines.map(str::to_owned).to_vec(), late: true });
        assert_eq!(due_words(&[]).lines, ["Nothing due in 7 days"]);
        assert!(!due_words(&week[1..]).late);
    }
}
