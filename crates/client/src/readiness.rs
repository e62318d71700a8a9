//! What stands between the person and paying, as the account's server says it, and accepting its terms.

use std::sync::Arc;

use domain::ids::MutationId;
use domain::readiness::{Checked, blocking};
use serde::Serialize;

use crate::client::{Changed, Client};
use crate::error::ClientError;
use crate::http::{Method, Sending};
use crate::security::VisitStarted;

const READY: &str = "/api/v1/payments/ready";
const ACCEPTED: &str = "/api/v1/terms/accepted";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ReadinessView {
    /// Nothing is missing.
    pub ready: bool,
    /// In the order in which they are put right.
    pub items: Vec<Checked>,
    pub terms: Option<TermsView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct TermsView {
    pub version: String,
    pub address: String,
}

impl Client {
    /// Asked of the server each time: what it knows, it alone decides.
    pub async fn readiness(&self) -> Result<ReadinessView, ClientError> {
        let answer = self.call(Method::Get, READY, Sending::default()).await?;
        let api::readiness::Readiness { items, terms } = answer.json().await?;
        let terms = terms.map(|terms| TermsView { version: terms.version, address: terms.address });
        Ok(ReadinessView { ready: blocking(&items).is_empty(), items, terms })
    }

    /// Opens the terms in the system's browser; where that cannot be, the person opens their address.
    pub async fn read_terms(&self) -> Result<VisitStarted, ClientError> {
        let TermsView { address, .. } = self.readiness().await?.terms.ok_or_else(|| ClientError::not_found("terms"))?;
        let (browser, page) = (Arc::clone(&self.0.ports.browser), address.clone());
        let browser_opened = crate::client::blocking(move || browser.open(&page)).await?;
        Ok(VisitStarted { address, browser_opened })
    }

    /// Accepts the terms that were read.
    pub async fn accept_terms(&self, version: &str) -> Result<(), ClientError> {
        let wish = api::readiness::AcceptTerms { version: version.to_owned() };
        let sending = Sending { idempotency: Some(self.fresh(MutationId::new)), ..Sending::json(&wish)? };
        self.call(Method::Put, ACCEPTED, sending).await?;
        self.sync().now().await?;
        self.tell(Changed::Status);
        Ok(())
    }
}
