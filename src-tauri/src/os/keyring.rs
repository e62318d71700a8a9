//! The system's keyring as the client's secret store. `keyring` gives the entries; it would open the system's store once
//! a process, so the store is opened here for each call: a keyring that comes up later, or again, is found without a
//! restart.

use std::collections::HashMap;
use std::sync::Arc;

use client::platform::{Secret, SecretName, SecretStore, SecretStoreError};
use keyring::{Entry, Error};
use keyring_core::api::CredentialStoreApi;

/// The service name of every entry.
const SERVICE: &str = "org.billfold.desktop";
/// What every keyring of the desktop standard goes by on the bus.
#[cfg(all(unix, not(target_os = "macos")))]
const SERVICE_NAME: &str = "org.freedesktop.secrets";

#[derive(Clone, Copy, Debug, Default)]
pub struct SystemKeyring;

impl SecretStore for SystemKeyring {
    fn find(&self, name: SecretName) -> Result<Option<Secret>, SecretStoreError> {
        match entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(Secret::new(bytes))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(refusal(&error)),
        }
    }

    fn put(&self, name: SecretName, value: &Secret) -> Result<(), SecretStoreError> {
        entry(name)?.set_secret(value.expose()).map_err(|error| refusal(&error))
    }

    fn remove(&self, name: SecretName) -> Result<(), SecretStoreError> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(refusal(&error)),
        }
    }

    fn kind(&self) -> Result<String, SecretStoreError> {
        kind_here()
    }
}

impl SystemKeyring {
    /// One line for `billfold check`: what the keyring is, or why there is none.
    pub fn about(self) -> Result<String, SecretStoreError> {
        open().map(|store| store.vendor()).map_err(|error| absence(&error))
    }
}

fn entry(name: SecretName) -> Result<Entry, SecretStoreError> {
    let store = open().map_err(|error| absence(&error))?;
    let inner = store.build(SERVICE, &name.to_string(), modifiers().as_ref()).map_err(|error| refusal(&error))?;
    Ok(Entry { inner })
}

#[cfg(all(unix, not(target_os = "macos")))]
fn open() -> keyring::Result<Arc<dyn CredentialStoreApi>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn open() -> keyring::Result<Arc<dyn CredentialStoreApi>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn open() -> keyring::Result<Arc<dyn CredentialStoreApi>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

/// How the entries of this system differ from what they usually are.
fn modifiers() -> Option<HashMap<&'static str, &'static str>> {
    // Windows would take them to the person's other computers, where the copy that they open is not.
    cfg!(windows).then(|| HashMap::from([("persistence", "Local")]))
}

/// Nothing that can be opened: no service on the bus, or no bus.
fn absence(error: &Error) -> SecretStoreError {
    let why = error.to_string();
    if has_bus() { SecretStoreError::Absent { why } } else { SecretStoreError::NoBus { why } }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn has_bus() -> bool {
    zbus::blocking::Connection::session().is_ok()
}

/// Elsewhere the keyring is a part of the system and needs no bus.
#[cfg(not(all(unix, not(target_os = "macos"))))]
const fn has_bus() -> bool {
    true
}

/// The program that answers for the standard's service: several keep it, and each has its own store.
#[cfg(all(unix, not(target_os = "macos")))]
fn kind_here() -> Result<String, SecretStoreError> {
    let no_bus = |error: zbus::Error| SecretStoreError::NoBus { why: error.to_string() };
    let bus = zbus::blocking::Connection::session().map_err(no_bus)?;
    let (driver, at) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
    // The bus of many desktops starts it when it is asked for first; whether it is there the next question says.
    let _ = bus.call_method(Some(driver), at, Some(driver), "StartServiceByName", &(SERVICE_NAME, 0_u32));
    let asked = bus.call_method(Some(driver), at, Some(driver), "GetConnectionUnixProcessID", &SERVICE_NAME);
    let process: u32 = asked
        .and_then(|reply| reply.body().deserialize())
        .map_err(|error| SecretStoreError::Absent { why: error.to_string() })?;
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let program = line.split(|byte| *byte == 0).next().and_then(|path| std::str::from_utf8(path).ok());
    let name = program.and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty());
    // A service in a container keeps its name to itself.
    Ok(name.unwrap_or("secret service").to_owned())
}

#[cfg(target_os = "macos")]
fn kind_here() -> Result<String, SecretStoreError> {
    Ok("macOS keychain".to_owned())
}

#[cfg(windows)]
fn kind_here() -> Result<String, SecretStoreError> {
    Ok("Windows credentials".to_owned())
}

/// The service answered and did not give what was asked for.
fn refusal(error: &Error) -> SecretStoreError {
    match error {
        // Locked and the prompt dismissed, no prompter, or no collection to write to.
        Error::NoStorageAccess(_) => SecretStoreError::Locked,
        Error::PlatformFailure(inner) if was_denied(inner.as_ref()) => SecretStoreError::Locked,
        Error::NoDefaultStore => absence(error),
        // The bus or the service went away in between.
        Error::PlatformFailure(inner) if inner.to_string().contains("ServiceUnknown") => absence(error),
        other => SecretStoreError::Refused { why: kind(other).to_owned() },
    }
}

/// The keychain stayed closed: the person did not open it, typed another password, or could not be asked.
#[cfg(target_os = "macos")]
fn was_denied(error: &(dyn std::error::Error + 'static)) -> bool {
    const USER_CANCELED: i32 = -128;
    const AUTH_FAILED: i32 = -25_293;
    const INTERACTION_NOT_ALLOWED: i32 = -25_308;
    let code = error.downcast_ref::<security_framework::base::Error>().map(|error| error.code());
    code.is_some_and(|code| [USER_CANCELED, AUTH_FAILED, INTERACTION_NOT_ALLOWED].contains(&code))
}

/// Elsewhere a keyring that stays closed has an error of its own.
#[cfg(not(target_os = "macos"))]
const fn was_denied(_: &(dyn std::error::Error + 'static)) -> bool {
    false
}

/// Names the failure without its payload, which may hold the secret.
const fn kind(error: &Error) -> &'static str {
    match error {
        Error::PlatformFailure(_) => "the keyring failed",
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "the entry is not one of ours",
        Error::BadStoreFormat(_) => "the keyring is damaged",
        Error::TooLong(..) => "the entry is too long for this keyring",
        Error::Ambiguous(_) => "there are several entries of this name",
        _ => "the keyring does not do this",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dismissed_prompt_is_locked_and_a_missing_service_is_absent() {
        let locked = Error::NoStorageAccess("prompt dismissed".into());
        assert_eq!(refusal(&locked), SecretStoreError::Locked);
        let gone = Error::PlatformFailure("org.freedesktop.DBus.Error.ServiceUnknown".into());
        // Whether there is a bus depends on where the test runs; either way it is not a refusal.
        let no_keyring = |error: &SecretStoreError| {
            matches!(error, SecretStoreError::Absent { .. } | SecretStoreError::NoBus { .. })
        };
        assert!(no_keyring(&refusal(&gone)));
        assert!(no_keyring(&absence(&gone)));
    }

    #[cfg(target_os = "macos")]
    #[test]
    fn a_keychain_that_stays_closed_is_locked() {
        for code in [-128, -25_293, -25_308] {
            let denied = Error::PlatformFailure(Box::new(security_framework::base::Error::from_code(code)));
            assert_eq!(refusal(&denied), SecretStoreError::Locked, "{code}");
        }
    }

    #[test]
    fn a_refusal_never_repeats_the_secret() {
        let error = Error::BadDataFormat(b"hunter2".to_vec(), "hunter2".into());
        assert!(!format!("{:?}", refusal(&error)).contains("hunter2"));
    }
}
