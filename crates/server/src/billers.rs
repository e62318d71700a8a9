//! The directory of billers that this server hands out: the one of its build, or a newer one that an operator signed. It
//! is read once, before the first request; devices look at its signature themselves. `own.rs` has what people added.

pub(crate) mod own;

use std::path::Path;
use std::sync::OnceLock;

use api::billers::{Biller, SignedDirectory};
use domain::billers::{Directory, DirectoryError, DirectoryKey};
use domain::ids::BillerId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::error::ApiError;
use crate::http::Json;
use crate::sign_in::SignedIn;

/// Beside the text: `directory.json` has `directory.json.sig`.
pub const SIGNATURE_ENDING: &str = ".sig";

struct Served {
    signed: SignedDirectory,
    directory: Directory,
}

/// Of the whole program, since all of its servers hand out the same.
static SERVED: OnceLock<Served> = OnceLock::new();

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the directory of billers or its signature cannot be read")]
    Unreadable(#[source] std::io::Error),
    #[error("this build holds no key that a directory of billers is believed by")]
    NoKey,
    #[error("the directory of billers is not taken")]
    Refused(#[from] DirectoryError),
    #[error("another directory of billers is served already")]
    Twice,
}

/// Reads a signed directory and its signature beside it.
pub fn read(file: &Path) -> Result<SignedDirectory, LoadError> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(SIGNATURE_ENDING);
    let text = std::fs::read_to_string(file).map_err(LoadError::Unreadable)?;
    let signature = std::fs::read_to_string(beside).map_err(LoadError::Unreadable)?;
    Ok(SignedDirectory { text, signature: signature.trim().to_owned() })
}

/// Hands out this file's directory from now on. One that devices would refuse is refused here.
pub fn load(file: &Path) -> Result<&'static Directory, LoadError> {
    let signed = read(file)?;
    let key = DirectoryKey::pinned().ok_or(LoadError::NoKey)?;
    let directory = signed.open_after(&key, Directory::built_in().version)?;
    SERVED.set(Served { signed, directory }).map_err(|_| LoadError::Twice)?;
    Ok(served())
}

fn served() -> &'static Directory {
    SERVED.get().map_or(Directory::built_in(), |served| &served.directory)
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).merge(own::routes())
}

/// The whole directory, the same for everyone on this server, with the signature of who publishes it.
#[utoipa::path(get, path = "/api/v1/billers", tag = "billers", responses((status = 200, body = SignedDirectory)))]
async fn list(_: SignedIn) -> Result<Json<SignedDirectory>, ApiError> {
    Ok(Json(SERVED.get().map_or_else(SignedDirectory::built_in, |served| served.signed.clone())))
}

#[must_use]
pub fn find(id: BillerId) -> Option<&'static Biller> {
    served().find(id)
}

/// The biller that a file of rails names.
#[must_use]
pub(crate) fn named(name: &str) -> Option<&'static Biller> {
    served().billers.iter().find(|biller| biller.name == name)
}

/// For tests: some that can be paid, and some that cannot.
#[cfg(any(test, feature = "testing"))]
#[must_use]
pub fn directory() -> &'static [Biller] {
    &Directory::built_in().billers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::on_each_engine;

    #[tokio::test]
    async fn the_directory_is_handed_out_with_a_signature_that_devices_believe() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let signed: SignedDirectory = device.get("/api/v1/billers").await.expect(200).json();
            let opened = signed.open(&DirectoryKey::pinned().expect("a key")).expect("signed");
            assert_eq!(opened.billers, directory());
        })
        .await;
    }

    #[test]
    fn a_file_that_devices_would_refuse_is_not_served() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("directory.json");
        assert!(matches!(load(&file), Err(LoadError::Unreadable(_))));
        let built_in = SignedDirectory::built_in();
        let beside = folder.path().join("directory.json.sig");
        std::fs::write(&file, built_in.text.replacen("Meridian", "Meridiam", 1)).expect("a file");
        assert!(matches!(load(&file), Err(LoadError::Unreadable(_))), "without its signature");
        std::fs::write(&beside, &built_in.signature).expect("a file");
        assert!(matches!(load(&file), Err(LoadError::Refused(DirectoryError::Signature))));
        std::fs::write(&file, &built_in.text).expect("a file");
        assert_eq!(read(&file).expect("both"), built_in);
    }
}
