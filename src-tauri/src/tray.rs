//! The tray: draws what the client says of the week, the next three due dates with what can be done about each, and the
//! commands. Where the system gives only a menu, everything stands in the menu.

use std::sync::{Arc, Mutex, PoisonError};

use client::tray::{TrayAct, TrayView};
use domain::ids::BillId;
use jiff::civil::Date;
use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItemBuilder, SubmenuBuilder};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, Wry};

use crate::core::Core;
use crate::{app, os, screens};

const ID: &str = "billfold";

/// What the menu says now. One that says the same is not put up again: whoever has it open would click into nothing.
#[derive(Default)]
struct Shown(Mutex<Option<TrayView>>);

/// Puts the icon up. Without a tray on this system the app works all the same.
pub fn set_up(app: &AppHandle) {
    app.manage(Shown::default());
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        // The library that draws trays on Linux is loaded here, and panics when it is not installed. What is due is
        // written into it by the first refresh.
        let menu = MenuBuilder::new(app).build()?;
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
    let view = core.client.tray().await;
    let app = app.clone();
    let shown = app.clone().run_on_main_thread(move || {
        let Some(shown) = app.try_state::<Shown>() else { return };
        let mut shown = shown.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The number goes to windows, which come and go while the menu stays.
        os::badge::show(&app, view.count, view.late);
        if shown.as_ref() == Some(&view) {
            return;
        }
        let Some(tray) = app.tray_by_id(ID) else { return };
        let set = menu(&app, &view)
            .and_then(|menu| tray.set_menu(Some(menu)))
            .and_then(|()| tray.set_icon(Some(icon(view.late)?)))
            .and_then(|()| tray.set_tooltip(Some(view.tooltip.as_str())));
        match set {
            Ok(()) => *shown = Some(view),
            Err(error) => tracing::warn!(%error, "the tray was not refreshed"),
        }
    });
    if let Err(error) = shown {
        tracing::warn!(%error, "the tray was not refreshed");
    }
}

fn menu(app: &AppHandle, view: &TrayView) -> tauri::Result<Menu<Wry>> {
    let said = |id: &str, text: &str| MenuItemBuilder::with_id(id, plain(text)).enabled(false).build(app);
    let mut menu = MenuBuilder::new(app).item(&said("head", &view.head)?);
    for (number, line) in view.next.iter().enumerate() {
        let mut acts = SubmenuBuilder::with_id(app, format!("due-{number}"), plain(&line.text));
        for (act, words) in &line.acts {
            acts = acts.text(chosen(*act, line.bill, line.due_on), plain(words));
        }
        menu = menu.item(&acts.build()?);
    }
    if let Some(proof) = &view.proof {
        menu = menu.item(&said("proof", proof)?);
    }
    let commands = view.commands;
    menu.separator()
        .text("open", commands.open)
        .text("sync", commands.sync)
        .text("lock", commands.lock)
        .text("quit", commands.quit)
        .build()
}

/// `&` would mark a key in a menu.
fn plain(text: &str) -> String {
    text.replace('&', "&&")
}

/// `{act}/{bill}/{due day}`: what comes back when a line is chosen.
fn chosen(act: TrayAct, bill: BillId, due_on: Date) -> String {
    format!("{}/{bill}/{due_on}", act.as_str())
}

fn act_of(id: &str) -> Option<(TrayAct, BillId, Date)> {
    let mut parts = id.split('/');
    let name = parts.next()?;
    let act = TrayAct::ALL.into_iter().find(|act| act.as_str() == name)?;
    let found = (act, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(found)
}

fn clicked(app: &AppHandle, id: &str) {
    match id {
        "open" => app::show(app, None),
        "sync" => app::sync(app),
        "lock" => app::lock(app),
        "quit" => app::quit(app),
        _ => match act_of(id) {
            Some((TrayAct::Pay, bill, due_on)) => app::show(app, Some(&screens::pays(bill, due_on))),
            Some((TrayAct::Show, bill, due_on)) => app::show(app, Some(&screens::shows(bill, due_on))),
            Some((act, bill, due_on)) => act_on(app, act, bill, due_on),
            None => app::show(app, Some(screens::DUE)),
        },
    }
}

fn act_on(app: &AppHandle, act: TrayAct, bill: BillId, due_on: Date) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let core = Arc::clone(&app.state::<Arc<Core>>());
        core.touch();
        match core.client.tray_act(bill, due_on, act).await {
            Ok(()) => core.send_soon().await,
            Err(error) => {
                tracing::info!(code = error.code, "the tray could not do it");
                // What it could not do is shown where it can be done.
                app::show(&app, Some(&screens::shows(bill, due_on)));
            }
        }
    });
}

/// The icon of the tray, with its mark when something is late.
pub fn icon(late: bool) -> tauri::Result<Image<'static>> {
    let bytes: &[u8] =
        if late { include_bytes!("../../icons/tray-late.png") } else { include_bytes!("../../icons/tray.png") };
    Image::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_comes_back_as_the_act_and_its_due_date() {
        let bill: BillId = "01890000-0000-7000-8000-000000000000".parse().unwrap();
        let due_on = jiff::civil::date(2026, 11, 16);
        for act in TrayAct::ALL {
            assert_eq!(act_of(&chosen(act, bill, due_on)), Some((act, bill, due_on)));
        }
        for id in ["due-1", "head", "pay/x/2026-11-16", "pay/01890000-0000-7000-8000-000000000000/2026-11-16/more"] {
            assert_eq!(act_of(id), None, "{id}");
        }
        assert_eq!(plain("Bell & Sons"), "Bell && Sons");
    }
}
