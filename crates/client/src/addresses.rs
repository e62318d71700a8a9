//! Where the person can be written to; asked of the server, which sends the codes.

use api::addresses::{AddAddress, Address, AddressList, TypedCode};
use domain::addresses::{AddressKind, AddressState, AddressValue, Language};
use domain::ids::{AddressId, MutationId};
use jiff::Timestamp;
use serde::Serialize;

use crate::client::Client;
use crate::error::ClientError;
use crate::http::{Answer, Method, Sending};

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

/// The addresses of the account.
#[derive(Clone)]
pub struct Addresses(Client);

impl Client {
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        Addresses(self.clone())
    }
}

impl Addresses {
    pub async fn list(&self) -> Result<AddressesView, ClientError> {
        let answer = self.0.call(Method::Get, ADDRESSES, Sending::default()).await?;
        let list: AddressList = answer.json().await?;
        let AddressList { items, sends_email, sends_texts } = list;
        Ok(AddressesView { items: items.into_iter().map(AddressView::from).collect(), sends_email, sends_texts })
    }

    /// Adds an address, to which a code is sent.
    pub async fn add(&self, kind: AddressKind, value: &str, language: Language) -> Result<AddressView, ClientError> {
        // What is no address is said without the server.
        let value = AddressValue::parse(kind, value).map_err(|error| {
            ClientError::refused("invalid_address", error.to_string(), "correct the address and try again")
        })?;
        let wish = AddAddress { id: self.0.fresh(AddressId::new), kind, value: value.text().to_owned(), language };
        let answer = self.send(Method::Post, ADDRESSES, Sending::json(&wish)?).await?;
        Ok(answer.json::<Address>().await?.into())
    }

    /// Asks for another code. Too many are not sent, and nobody is told.
    pub async fn send_code(&self, id: AddressId) -> Result<(), ClientError> {
        self.send(Method::Post, &format!("{ADDRESSES}/{id}/code"), Sending::default()).await.map(drop)
    }

    /// Types the code that came: from now on the address is the person's.
    pub async fn confirm(&self, id: AddressId, code: &str) -> Result<AddressView, ClientError> {
        let sending = Sending::json(&TypedCode { code: code.to_owned() })?;
        let answer = self.send(Method::Post, &format!("{ADDRESSES}/{id}/confirm"), sending).await?;
        let confirmed: Address = answer.json().await?;
        self.0.sync().now().await?;
        Ok(confirmed.into())
    }

    /// Takes an address away. It hears of it, and may object for a while.
    pub async fn remove(&self, id: AddressId) -> Result<(), ClientError> {
        self.send(Method::Delete, &format!("{ADDRESSES}/{id}"), Sending::default()).await?;
        self.0.sync().now().await
    }

    async fn send(&self, method: Method, path: &str, sending: Sending) -> Result<Answer, ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending };
        Ok(self.0.call(method, path, sending).await?)
    }
}
