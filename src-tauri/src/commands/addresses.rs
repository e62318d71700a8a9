//! Where the person can be written to.

use client::addresses::{AddressBegun, AddressView, AddressesView};
use domain::addresses::{AddressKind, Language};
use domain::ids::AddressId;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn addresses(core: Shared<'_>) -> Answer<AddressesView> {
    core.touch();
    Ok(core.client.addresses().list().await?)
}

/// Begins to add an address, to which a code is sent: on the server's page where the account has a way in to show.
#[tauri::command]
#[specta::specta]
pub async fn address_add(
    core: Shared<'_>,
    kind: AddressKind,
    value: String,
    language: Language,
) -> Answer<AddressBegun> {
    core.touch();
    Ok(core.client.addresses().add(kind, &value, language, true).await?)
}

/// Asks for another code.
#[tauri::command]
#[specta::specta]
pub async fn address_send_code(core: Shared<'_>, id: AddressId) -> Answer<()> {
    core.touch();
    Ok(core.client.addresses().send_code(id).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn address_confirm(core: Shared<'_>, id: AddressId, code: String) -> Answer<AddressView> {
    core.touch();
    Ok(core.client.addresses().confirm(id, &code).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn address_remove(core: Shared<'_>, id: AddressId) -> Answer<()> {
    core.touch();
    Ok(core.client.addresses().remove(id).await?)
}
