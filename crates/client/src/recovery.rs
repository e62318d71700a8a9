//! Getting back in from this device, and the code for the person's paper; asked of the server. The saved code itself is
//! made and shown on the server's page in the browser: it never passes through here, except when it is typed.

use api::recovery::RecoveryProof;
use api::security::OneTimeAddress;
use domain::addresses::AddressKind;
use domain::ids::{CodeId, MutationId};
use domain::recovery::{RecoveryState, SavedCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::client::{Changed, Client};
use crate::error::ClientError;
use crate::http::{Answer, Method, Sending};
use crate::security::VisitStarted;

const RECOVERY: &str = "/api/v1/security/recovery";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RecoveryView {
    pub state: RecoveryState,
    /// This device began it, and finishes it.
    pub begun_here: bool,
    #[specta(type = Option<String>)]
    pub code_made_at: Option<Timestamp>,
    /// It was guessed at too often, and is good for nothing any more.
    pub code_spent: bool,
    /// The address that a code would go to, mostly covered.
    pub email: Option<String>,
    /// The telephone that a code would go to as a text message, mostly covered.
    pub phone: Option<String>,
}

impl From<api::recovery::RecoveryView> for RecoveryView {
    fn from(view: api::recovery::RecoveryView) -> Self {
        let api::recovery::RecoveryView { state, begun_here, code_made_at, code_spent, email, phone } = view;
        Self { state, begun_here, code_made_at, code_spent, email, phone }
    }
}

/// A code that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SentCode {
    pub id: CodeId,
    /// Where to, mostly covered.
    pub to: String,
}

/// What stands beside this device.
#[derive(Clone, Debug, Deserialize, specta::Type)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum ProvenBy {
    Saved { code: String },
    Sent { id: CodeId, code: String },
}

/// The way back into the account.
#[derive(Clone)]
pub struct Recovery(Client);

impl Client {
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        Recovery(self.clone())
    }
}

impl Recovery {
    pub async fn find(&self) -> Result<RecoveryView, ClientError> {
        let answer = self.0.call(Method::Get, RECOVERY, Sending::default()).await?;
        Ok(answer.json::<api::recovery::RecoveryView>().await?.into())
    }

    /// Sends a code to an e-mail address of the person, or to their telephone.
    pub async fn send_code(&self, kind: AddressKind) -> Result<SentCode, ClientError> {
        let way = match kind {
            AddressKind::Email => "email",
            AddressKind::Phone => "text",
        };
        let answer = self.send(Method::Post, &format!("{RECOVERY}/{way}"), Sending::default()).await?;
        let api::recovery::SentCode { id, to, .. } = answer.json().await?;
        Ok(SentCode { id, to })
    }

    /// Begins a recovery from this device.
    pub async fn start(&self, proof: ProvenBy) -> Result<RecoveryView, ClientError> {
        let proof = match proof {
            ProvenBy::Saved { code } => {
                // A slip is said without the server, and counts as no guess.
                if SavedCode::parse(&code).is_err() {
                    return Err(ClientError::refused(
                        "invalid_code",
                        "the code has a slip in it",
                        "check its 26 letters and digits",
                    ));
                }
                RecoveryProof::Saved { code }
            }
            ProvenBy::Sent { id, code } => RecoveryProof::Sent { id, code },
        };
        let answer = self.send(Method::Post, RECOVERY, Sending::json(&proof)?).await?;
        let view: api::recovery::RecoveryView = answer.json().await?;
        self.heard().await?;
        Ok(view.into())
    }

    /// Stops the recovery that runs.
    pub async fn stop(&self) -> Result<(), ClientError> {
        self.send(Method::Delete, RECOVERY, Sending::default()).await?;
        self.heard().await
    }

    /// Makes the new way in, in the browser, once the wait is over.
    pub async fn finish(&self, open_browser: bool) -> Result<VisitStarted, ClientError> {
        self.in_browser(&format!("{RECOVERY}/passkey"), open_browser).await
    }

    /// Makes a new code for the person's paper, in the browser.
    pub async fn new_code(&self, open_browser: bool) -> Result<VisitStarted, ClientError> {
        self.in_browser(&format!("{RECOVERY}/code"), open_browser).await
    }

    async fn in_browser(&self, path: &str, open_browser: bool) -> Result<VisitStarted, ClientError> {
        let begun: OneTimeAddress = self.send(Method::Post, path, Sending::default()).await?.json().await?;
        self.0.security().in_browser(begun, open_browser).await
    }

    async fn heard(&self) -> Result<(), ClientError> {
        self.0.sync().now().await?;
        self.0.tell(Changed::Status);
        Ok(())
    }

    async fn send(&self, method: Method, path: &str, sending: Sending) -> Result<Answer, ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending };
        Ok(self.0.call(method, path, sending).await?)
    }
}
