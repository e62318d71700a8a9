//! Signing in and out, locking, devices.

use std::sync::Arc;

use client::sign_in::{DeviceView, REPLACED, SignInStarted};
use client::status::StatusView;
use client::vault::{Protect, Typed};
use serde::Serialize;
use tauri::AppHandle;

use super::{Answer, CommandError, Shared};
use crate::app::{self, SignIn};
use crate::core::Core;

/// A new recovery key: shown this once.
#[derive(Serialize, specta::Type)]
pub struct Started {
    pub recovery_key: String,
}

#[tauri::command]
#[specta::specta]
pub async fn status(core: Shared<'_>) -> Answer<StatusView> {
    Ok(core.status().await?)
}

/// An account on this computer, protected by the system's keyring.
#[tauri::command]
#[specta::specta]
pub async fn start_here(core: Shared<'_>, name: String) -> Answer<Started> {
    core.touch();
    Ok(Started { recovery_key: core.start_here(&name, None).await? })
}

/// An account on this computer with a passkey made in the browser; `sign_in` tells how it ended.
#[tauri::command]
#[specta::specta]
pub async fn start_with_passkey(app: AppHandle, core: Shared<'_>, name: String) -> Answer<SignInStarted> {
    core.touch();
    let started = core.start_with_passkey(&name).await?;
    tell_the_end(app, Arc::clone(&core));
    Ok(started)
}

/// Signs in to an account server by the browser; `sign_in` tells how it ended. On a computer of somebody else's nothing
/// is kept: it ends with the lock.
#[tauri::command]
#[specta::specta]
pub async fn connect(
    app: AppHandle,
    core: Shared<'_>,
    url: String,
    create: bool,
    not_my_computer: bool,
) -> Answer<SignInStarted> {
    core.touch();
    let protect = if not_my_computer { Protect::Memory } else { Protect::Keyring };
    let started = core.connect(&url, create, true, protect).await?;
    tell_the_end(app, Arc::clone(&core));
    Ok(started)
}

fn tell_the_end(app: AppHandle, core: Arc<Core>) {
    tauri::async_runtime::spawn(async move {
        let ended = core.finish_connect().await;
        if ended.as_ref().is_err_and(|failure| failure.code == REPLACED) {
            // Who began another one is told of that.
            return;
        }
        app::show(&app, None);
        let told = match ended {
            Ok(recovery_key) => SignIn { done: true, error: None, recovery_key },
            Err(failure) => SignIn { done: false, error: Some(CommandError::from(failure)), recovery_key: None },
        };
        let signed_in = told.done;
        app::tell_page(told, &app);
        if signed_in {
            core.send_soon().await;
        }
    });
}

#[tauri::command]
#[specta::specta]
pub async fn sign_in_cancel(core: Shared<'_>) -> Answer<()> {
    core.client.sign_in().cancel().await;
    Ok(())
}

/// With `discard` also while something was not sent, which is lost then.
#[tauri::command]
#[specta::specta]
pub async fn sign_out(core: Shared<'_>, discard: bool) -> Answer<()> {
    Ok(core.sign_out(discard).await?)
}

/// Copies a key that was shown. It leaves the clipboard after ten seconds, and with the lock.
#[tauri::command]
#[specta::specta]
pub async fn copy_secret(core: Shared<'_>, text: Typed) -> Answer<()> {
    core.touch();
    Ok(core.copy_for_a_moment(core.typed(&text)?).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn lock(core: Shared<'_>) -> Answer<()> {
    Ok(core.lock().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn unlock(core: Shared<'_>, passphrase: Option<Typed>) -> Answer<()> {
    let passphrase = passphrase.map(|typed| core.typed(&typed)).transpose()?;
    Ok(core.unlock(passphrase).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn devices(core: Shared<'_>) -> Answer<Vec<DeviceView>> {
    core.touch();
    Ok(core.client.devices().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn device_sign_out(core: Shared<'_>, id: String) -> Answer<()> {
    core.touch();
    Ok(core.client.device_sign_out(&id).await?)
}
