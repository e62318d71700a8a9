//! The directory of billers on this device (BI2): the one of this build until a server brings a newer one with the right
//! signature, so that it can be searched without any connection. Beside it the billers that the person added, which go to
//! their other devices.

pub use domain::billers::{Accepts, Biller, OwnBiller};
use domain::billers::{Directory, DirectoryError, DirectoryKey, OwnBillerError, SignedDirectory};
use domain::ids::BillerId;
use serde::{Deserialize, Serialize};

use crate::cache::{bills, state};
use crate::client::Client;
use crate::error::ClientError;
use crate::fold::Typed;
use crate::outbox::Change;

const FOUND_MAX: usize = 50;
const OWN_BILLERS_MAX: usize = 500;

/// A biller that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BillerView {
    pub id: BillerId,
    pub name: String,
    pub category: String,
    /// It can be paid from here; never one of the person's own.
    pub payable: bool,
    pub accepts: Vec<Accepts>,
    /// The person added it.
    pub own: bool,
    /// What they noted about paying it.
    pub how_to_pay: String,
}

impl From<Biller> for BillerView {
    fn from(biller: Biller) -> Self {
        let Biller { id, name, category, payable, accepts, .. } = biller;
        Self { id, name, category, payable, accepts, own: false, how_to_pay: String::new() }
    }
}

impl From<OwnBiller> for BillerView {
    fn from(biller: OwnBiller) -> Self {
        let OwnBiller { id, name, category, accepts, how_to_pay } = biller;
        Self { id, name, category, payable: false, accepts, own: true, how_to_pay }
    }
}

/// What a person types about a biller of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct NewBiller {
    pub name: String,
    pub category: String,
    pub accepts: Vec<Accepts>,
    pub how_to_pay: String,
}

/// Which directory is here, and whether the server's was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct DirectoryView {
    pub version: u32,
    pub billers: u32,
    pub refused: Option<DirectoryRefused>,
}

/// Why the directory that the server has is not used; the one from before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryRefused {
    /// Whoever made it is not who this build believes.
    Signature,
    /// It is older than the one that is here.
    Older,
    /// It is signed and does not read, or has an entry that is not sound.
    Broken,
}

impl DirectoryRefused {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "the server's directory is not signed by whom this build believes",
            Self::Older => "the server's directory is older than the one that is here",
            Self::Broken => "the server's directory does not read",
        }
    }
}

impl From<DirectoryError> for DirectoryRefused {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Signature => Self::Signature,
            DirectoryError::Older { .. } => Self::Older,
            DirectoryError::TooLarge | DirectoryError::Text | DirectoryError::Entry { .. } => Self::Broken,
        }
    }
}

/// The directory.
#[derive(Clone)]
pub struct Billers(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn billers(&self) -> Billers {
        Billers(self.clone())
    }
}

impl Billers {
    /// By name, those that can be paid from here first, then the person's own; with words, those whose name or category
    /// holds them all.
    pub async fn search(&self, typed: &str) -> Result<Vec<BillerView>, ClientError> {
        let words = Typed::new(typed);
        let mut found: Vec<BillerView> = self
            .0
            .with(async |open| {
                let mut tx = open.cache.begin_read().await?;
                let signed = bills::all_billers(&mut tx).await?.into_iter().map(BillerView::from);
                let own = bills::own_billers(&mut *tx).await?.into_iter().map(BillerView::from);
                Ok(signed.chain(own).collect())
            })
            .await?;
        found.retain(|biller| words.is_in(&format!("{} {}", biller.name, biller.category)));
        found.sort_by_cached_key(|biller| (!biller.payable, !biller.own, biller.name.to_lowercase()));
        found.truncate(FOUND_MAX);
        Ok(found)
    }

    /// The person's own, in the order in which they were made.
    pub async fn own(&self) -> Result<Vec<OwnBiller>, ClientError> {
        self.0.with(async |open| bills::own_billers(open.cache.readers()).await).await
    }

    /// Adds a biller, or changes the own one of this id.
    pub async fn put(&self, id: Option<BillerId>, new: NewBiller) -> Result<BillerId, ClientError> {
        let open = self.0.open_now()?;
        let known = self.own().await?;
        match id {
            Some(id) if !known.iter().any(|one| one.id == id) => return Err(ClientError::not_found("own biller")),
            None if known.len() >= OWN_BILLERS_MAX => {
                return Err(ClientError::refused("too_many", "there are 500 own billers already", "remove one first"));
            }
            _ => {}
        }
        let biller = new.of(id.unwrap_or_else(|| self.0.fresh(BillerId::new)));
        ClientError::name(&biller.name)?;
        ClientError::one_line("category", &biller.category)?;
        biller.check()?;
        let id = biller.id;
        self.0.change(&open, Change::PutBiller { biller }).await?;
        Ok(id)
    }

    /// Removes an own biller; its bills stay.
    pub async fn remove(&self, id: BillerId) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        if !self.own().await?.iter().any(|one| one.id == id) {
            return Err(ClientError::not_found("own biller"));
        }
        self.0.change(&open, Change::RemoveBiller { biller: id }).await
    }

    /// Which directory is here.
    pub async fn directory(&self) -> Result<DirectoryView, ClientError> {
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin_read().await?;
                let version = bills::billers_version(&mut *tx).await?;
                let billers = bills::all_billers(&mut tx).await?.len();
                let refused: Option<DirectoryRefused> = state::find(&mut *tx, state::BILLERS_REFUSED).await?;
                Ok(DirectoryView {
                    version: version.unwrap_or(Directory::built_in().version),
                    billers: u32::try_from(billers).unwrap_or(u32::MAX),
                    refused,
                })
            })
            .await
    }

    /// Takes what a server handed over when it is signed by that key and not older than what is here. Otherwise what is
    /// here stays, and why is kept for the person.
    pub(crate) async fn take(&self, signed: &SignedDirectory, key: Option<DirectoryKey>) -> Result<(), ClientError> {
        let known = self.directory().await?.version;
        let opened = key.ok_or(DirectoryError::Signature).and_then(|key| signed.open_after(&key, known));
        if let Err(error) = &opened {
            tracing::warn!(%error, "the directory of billers was not taken");
        }
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                match &opened {
                    Ok(directory) => {
                        state::remove(&mut *tx, state::BILLERS_REFUSED).await?;
                        bills::replace_billers(&mut tx, directory.version, &directory.billers).await?;
                    }
                    Err(error) => {
                        state::put(&mut *tx, state::BILLERS_REFUSED, &DirectoryRefused::from(*error)).await?;
                    }
                }
                Ok(tx.commit().await?)
            })
            .await
    }
}

impl NewBiller {
    fn of(self, id: BillerId) -> OwnBiller {
        let Self { name, category, mut accepts, how_to_pay } = self;
        accepts.sort_by_key(|way| way.as_str());
        accepts.dedup();
        let [name, category, how_to_pay] = [name, category, how_to_pay].map(|text| text.trim().to_owned());
        OwnBiller { id, name, category, accepts, how_to_pay }
    }
}

impl From<OwnBillerError> for ClientError {
    fn from(error: OwnBillerError) -> Self {
        let code = match error {
            OwnBillerError::Name | OwnBillerError::Category | OwnBillerError::HowToPay => "too_long",
            OwnBillerError::Accepts => "invalid_request",
        };
        Self::refused(code, error.to_string(), "correct the field and try again")
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, HEXLOWER};
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;
    use crate::testing::{World, monthly};

    fn piano() -> NewBiller {
        NewBiller {
            name: " Harbor Row Piano ".to_owned(),
            category: "music lessons".to_owned(),
            accepts: vec![Accepts::Check, Accepts::Cash, Accepts::Check],
            how_to_pay: "In an envelope".to_owned(),
        }
    }

    #[tokio::test]
    async fn an_own_biller_is_found_beside_the_signed_ones_and_its_bills_outlive_it() {
        let world = World::new();
        let client = world.start().await;
        let billers = client.billers();
        let id = billers.put(None, piano()).await.unwrap();
        let found = billers.search("lessons harbor").await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        let own = &found[0];
        assert_eq!((own.name.as_str(), own.own, own.payable), ("Harbor Row Piano", true, false));
        assert_eq!(own.accepts, [Accepts::Cash, Accepts::Check]);
        let count = billers.directory().await.unwrap().billers;
        assert_eq!(
            usize::try_from(count).unwrap(),
            Directory::built_in().billers.len(),
            "the directory is the signed one"
        );
        let lessons = crate::bills::NewBill { biller: Some(id), ..monthly("Lessons", "60.00", "2026-11-20") };
        let bill = client.bills().add(lessons).await.unwrap();
        let view = async |client: &Client| {
            let all = client.bills().view().await.unwrap().bills;
            all.into_iter().find(|view| view.bill.id == bill).unwrap()
        };
        let with = view(&client).await;
        assert_eq!((with.biller_name.as_deref(), with.payable), (Some("Harbor Row Piano"), false));
        assert_eq!(with.own_biller.unwrap().how_to_pay, "In an envelope");
        billers.put(Some(id), NewBiller { name: "Harbor Row".to_owned(), ..piano() }).await.unwrap();
        let client = world.restart(client).await;
        assert_eq!(view(&client).await.biller_name.as_deref(), Some("Harbor Row"), "kept, and renamed");
        client.billers().remove(id).await.unwrap();
        let without = view(&client).await;
        assert_eq!((without.bill.biller, without.biller_name), (None, None));
        assert!(client.billers().search("harbor").await.unwrap().is_empty());
        let error = client.billers().remove(id).await.unwrap_err();
        assert_eq!(error.code, "not_found");
        world.end().await;
    }

    #[tokio::test]
    async fn an_own_biller_without_a_name_is_refused_and_none_is_paid() {
        let world = World::new();
        let client = world.start().await;
        let billers = client.billers();
        let nameless = NewBiller { name: "  ".to_owned(), ..piano() };
        assert_eq!(billers.put(None, nameless).await.unwrap_err().code, "invalid_request");
        let id = billers.put(None, piano()).await.unwrap();
        let pay = crate::payments::PayBill {
            bill: None,
            due_on: None,
            biller: Some(id),
            amount: crate::testing::usd("5.00"),
            send_on: None,
            duplicate_meant: false,
            method: None,
        };
        assert_eq!(client.payments().pay_bill(pay).await.unwrap_err().code, "not_payable");
        world.end().await;
    }

    fn pair() -> (Ed25519KeyPair, Option<DirectoryKey>) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        let key = DirectoryKey::parse(&HEXLOWER.encode(pair.public_key().as_ref()));
        (pair, key)
    }

    fn signed(version: u32, name: &str) -> SignedDirectory {
        let mut directory = Directory { version, ..Directory::built_in().clone() };
        directory.billers.truncate(2);
        directory.billers[0].name = name.to_owned();
        let text = serde_json::to_string(&directory).unwrap();
        let signature = BASE64.encode(pair().0.sign(text.as_bytes()).as_ref());
        SignedDirectory { text, signature }
    }

    #[tokio::test]
    async fn the_directory_is_there_at_once_grows_by_signed_versions_and_says_what_it_refused() {
        let world = World::new();
        let client = world.start().await;
        let billers = client.billers();
        let here = billers.directory().await.unwrap();
        assert_eq!((here.version, here.refused), (Directory::built_in().version, None));
        assert_eq!(billers.search("phone").await.unwrap()[0].name, "Meridian Mobile", "without any server");
        let key = pair().1;
        billers.take(&signed(7, "Marsh Telephone"), key).await.unwrap();
        assert_eq!(billers.search("").await.unwrap().len(), 2);
        assert_eq!(billers.search("marsh").await.unwrap().len(), 1);
        let forged = SignedDirectory { text: signed(8, "Somebody Else").text, ..signed(7, "Marsh Telephone") };
        for (offered, key, why) in [
            (forged, key, DirectoryRefused::Signature),
            (signed(9, "Another"), DirectoryKey::pinned(), DirectoryRefused::Signature),
            (signed(6, "Older"), key, DirectoryRefused::Older),
        ] {
            billers.take(&offered, key).await.unwrap();
            let here = billers.directory().await.unwrap();
            assert_eq!((here.version, here.billers, here.refused), (7, 2, Some(why)), "what was there stays");
        }
        billers.take(&signed(7, "Marsh Telephone"), key).await.unwrap();
        assert_eq!(billers.directory().await.unwrap().refused, None);
        let client = world.restart(client).await;
        assert_eq!(client.billers().search("marsh").await.unwrap().len(), 1);
        world.end().await;
    }
}
