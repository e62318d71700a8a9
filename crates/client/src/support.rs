//! Somebody from support on the line: proving them by their code, letting them see something, and what was done.

use domain::ids::{MutationId, SupportCheckId, SupportRequestId, SupportViewId};
use domain::support::{SupportCaseKind, SupportOperation, SupportScope};
use jiff::Timestamp;
use serde::Serialize;

use crate::client::Client;
use crate::error::ClientError;
use crate::http::{Method, Sending};

const PATH: &str = "/api/v1/support";

/// The code is support's own. Nothing is shown to them yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SupportCheckView {
    pub id: SupportCheckId,
    pub agent: String,
    pub scope: SupportScope,
    pub minutes: u32,
}

/// What somebody of support sees just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SupportSightView {
    pub id: SupportViewId,
    pub agent: String,
    pub scope: SupportScope,
    #[specta(type = String)]
    pub ends_at: Timestamp,
}

impl From<api::support::SupportView> for SupportSightView {
    fn from(view: api::support::SupportView) -> Self {
        Self { id: view.id, agent: view.agent, scope: view.scope, ends_at: view.ends_at }
    }
}

/// What one of them asked for and another one decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SupportRequestView {
    pub id: SupportRequestId,
    pub operation: SupportOperation,
    pub asked_by: String,
    #[specta(type = String)]
    pub asked_at: Timestamp,
    pub decided_by: Option<String>,
    pub granted: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SupportCaseView {
    /// What both sides call it by.
    pub number: i64,
    pub kind: SupportCaseKind,
    #[specta(type = String)]
    pub opened_at: Timestamp,
    pub open: bool,
    /// Newest first.
    pub requests: Vec<SupportRequestView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SupportOverview {
    pub sights: Vec<SupportSightView>,
    /// Newest first.
    pub cases: Vec<SupportCaseView>,
}

/// The person's side of support.
#[derive(Clone)]
pub struct Support(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn support(&self) -> Support {
        Support(self.clone())
    }
}

impl Support {
    /// Who sees what just now, and every case.
    pub async fn overview(&self) -> Result<SupportOverview, ClientError> {
        let answer = self.0.call(Method::Get, PATH, Sending::default()).await?;
        let shown: api::support::Support = answer.json().await?;
        let request = |request: api::support::SupportRequest| SupportRequestView {
            id: request.id,
            operation: request.operation,
            asked_by: request.asked_by,
            asked_at: request.asked_at,
            decided_by: request.decided_by,
            granted: request.granted,
        };
        let case = |case: api::support::SupportCase| SupportCaseView {
            number: case.number,
            kind: case.kind,
            opened_at: case.opened_at,
            open: case.closed_at.is_none(),
            requests: case.requests.into_iter().map(request).collect(),
        };
        Ok(SupportOverview {
            sights: shown.views.into_iter().map(Into::into).collect(),
            cases: shown.cases.into_iter().map(case).collect(),
        })
    }

    /// Whether the code that somebody reads out is one of support.
    pub async fn check(&self, code: &str) -> Result<SupportCheckView, ClientError> {
        let sending = Sending::json(&api::support::SupportCode { code: code.to_owned() })?;
        let answer = match self.0.call(Method::Post, &format!("{PATH}/checks"), self.once(sending)).await {
            Ok(answer) => answer,
            Err(error) => return Err(nobody(error.into())),
        };
        let check: api::support::SupportCheck = answer.json().await?;
        let api::support::SupportCheck { id, agent, scope, minutes } = check;
        Ok(SupportCheckView { id, agent, scope, minutes })
    }

    /// Lets them see it, or not.
    pub async fn answer(&self, id: SupportCheckId, allow: bool) -> Result<Option<SupportSightView>, ClientError> {
        let sending = Sending::json(&api::support::SupportAnswer { allow })?;
        let answer = self.0.call(Method::Post, &format!("{PATH}/checks/{id}/answer"), self.once(sending)).await?;
        let sight = if allow {
            let view: api::support::SupportView = answer.json().await?;
            Some(view.into())
        } else {
            None
        };
        self.0.sync().now().await?;
        Ok(sight)
    }

    /// Closes what they see, at once.
    pub async fn end(&self, id: SupportViewId) -> Result<(), ClientError> {
        self.0.call(Method::Delete, &format!("{PATH}/views/{id}"), self.once(Sending::default())).await?;
        self.0.sync().now().await
    }

    fn once(&self, sending: Sending) -> Sending {
        Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending }
    }
}

/// "Not found" is the one answer that matters here, and has words of its own.
fn nobody(error: ClientError) -> ClientError {
    if error.code == "not_found" {
        return ClientError::refused(
            "not_support",
            "nobody of support gave this code",
            "hang up; call support yourself, at the number that you know",
        );
    }
    error
}
