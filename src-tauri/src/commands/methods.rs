//! Payment methods.

use client::methods::{MethodReplacedView, MethodView};
use client::security::VisitStarted;
use domain::ids::MethodId;
use domain::methods::MethodKind;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn methods(core: Shared<'_>) -> Answer<Vec<MethodView>> {
    core.touch();
    Ok(core.client.methods().list().await?)
}

/// Opens the browser on the page where the number is typed. It never passes through here.
#[tauri::command]
#[specta::specta]
pub async fn method_add(core: Shared<'_>, kind: MethodKind) -> Answer<VisitStarted> {
    core.touch();
    Ok(core.client.methods().add(kind, true).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn method_default(core: Shared<'_>, id: MethodId, is_default: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.methods().set_default(id, is_default).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn method_remove(core: Shared<'_>, id: MethodId) -> Answer<()> {
    core.touch();
    Ok(core.client.methods().remove(id).await?)
}

/// Moves everything that has not left to another method.
#[tauri::command]
#[specta::specta]
pub async fn method_replace(core: Shared<'_>, id: MethodId, to: MethodId) -> Answer<MethodReplacedView> {
    core.touch();
    Ok(core.client.methods().replace(id, to, true).await?)
}
