//! Where the person can be written to; asked of the server, which sends the codes.

use api::addresses::{AddAddress, Address, AddressList, TypedCode};
use domain::addresses::{AddressKind, AddressState, AddressValue, Language};
use domain::ids::{AddressId, MutationId};
use jiff::Timestamp;
use serde::Serialize;

use crate::client::Client;
use crate::error::ClientError;
use crate::http::{Answer, Method, Sending};
use crate::security::VisitStarted;

const ADDRESSES: &str = "/api/v1/security/addresses";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AddressView {
    pub id: AddressId,
    pub kind: AddressKind,
    pub value: String,
    pub state: AddressState,
    #[specta(type = String)]
    pub added_at: Timestamp,
}

impl From<Address> for AddressView {
    fn from(address: Address) -> Self {
        let Address { id, kind, value, state, added_at } = address;
        Self { id, kind, value, state, added_at }
    }
}

/// The person's addresses, oldest first, and what the server can send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AddressesView {
    pub items: Vec<AddressView>,
    pub sends_email: bool,
    pub sends_texts: bool,
}

/// What came of asking for one more address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "added", rename_all = "snake_case")]
pub enum AddressBegun {
    /// There was nothing to show for it: the code is on its way.
    Now { address: AddressView },
    /// Its owner says yes on the server's page. The code is sent then, and typed under this id.
    InBrowser { id: AddressId, visit: VisitStarted },
}

/// The addresses of the account.
#[derive(Clone)]
pub struct Addresses(Client);

impl Client {
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        Addresses(self.clone())
    }
}

/// What nobody said yes to is not there.
fn not_added(error: ClientError) -> ClientError {
    if error.code != "not_found" {
        return error;
    }
    let next = "say yes on the server's page first; if it is closed, add the address again";
    ClientError::refused("address_not_added", "the address is not added yet", next)
}

impl Addresses {
    pub async fn list(&self) -> Result<AddressesView, ClientError> {
        let answer = self.0.call(Method::Get, ADDRESSES, Sending::default()).await?;
        let list: AddressList = answer.json().await?;
        let AddressList { items, sends_email, sends_texts } = list;
        Ok(AddressesView { items: items.into_iter().map(AddressView::from).collect(), sends_email, sends_texts })
    }

    /// Begins to add an address, to which a code is sent: where the account has a way in to show, in the browser.
    pub async fn add(
        &self,
        kind: AddressKind,
        value: &str,
        language: Language,
        open_browser: bool,
    ) -> Result<AddressBegun, ClientError> {
        // What is no address is said without the server.
        let value = AddressValue::parse(kind, value).map_err(|error| {
            ClientError::refused("invalid_address", error.to_string(), "correct the address and try again")
        })?;
        let wish = AddAddress { id: self.0.fresh(AddressId::new), kind, value: value.text().to_owned(), language };
        let answer = self.send(Method::Post, ADDRESSES, Sending::json(&wish)?).await?;
        if answer.goes_on() {
            let visit = self.0.security().in_browser(answer.json().await?, open_browser).await?;
            return Ok(AddressBegun::InBrowser { id: wish.id, visit });
        }
        Ok(AddressBegun::Now { address: answer.json::<Address>().await?.into() })
    }

    /// Asks for another code. Too many are not sent, and nobody is told.
    pub async fn send_code(&self, id: AddressId) -> Result<(), ClientError> {
        let path = format!("{ADDRESSES}/{id}/code");
        self.send(Method::Post, &path, Sending::default()).await.map(drop).map_err(not_added)
    }

    /// Types the code that came: from now on the address is the person's.
    pub async fn confirm(&self, id: AddressId, code: &str) -> Result<AddressView, ClientError> {
        let sending = Sending::json(&TypedCode { code: code.to_owned() })?;
        let answer = self.send(Method::Post, &format!("{ADDRESSES}/{id}/confirm"), sending).await.map_err(not_added)?;
        let confirmed: Address = answer.json().await?;
        self.0.sync().now().await?;
        Ok(confirmed.into())
    }

    /// Removes an address. It hears of it, and may object for a while.
    pub async fn remove(&self, id: AddressId) -> Result<(), ClientError> {
        self.send(Method::Delete, &format!("{ADDRESSES}/{id}"), Sending::default()).await?;
        self.0.sync().now().await
    }

    async fn send(&self, method: Method, path: &str, sending: Sending) -> Result<Answer, ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending };
        Ok(self.0.call(method, path, sending).await?)
    }
}
