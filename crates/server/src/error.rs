//! What a handler answers when it refuses: a code of the contract, as problem details.

use api::error::{ErrorCode, Problem};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::policy::Refusal;

use crate::db::{DbError, MaybeOvertaken};

#[derive(Debug)]
pub struct ApiError {
    /// Apart, so that an answer that may be refused stays small.
    pub problem: Box<Problem>,
    /// Seconds, for `Retry-After`.
    pub retry_after: Option<u32>,
}

impl ApiError {
    #[must_use]
    pub fn new(code: ErrorCode, title: &str) -> Self {
        Self { problem: Box::new(Problem::new(code, title)), retry_after: None }
    }

    /// The body or a parameter is wrong; `field` says where.
    #[must_use]
    pub fn invalid(code: ErrorCode, field: &str, title: &str) -> Self {
        let mut error = Self::new(code, title);
        error.problem.field = Some(field.to_owned());
        error
    }

    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "there is no such thing in this account")
    }

    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.problem.code
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let (code, until) = match refusal {
            Refusal::Restricted { until } => (ErrorCode::AccountRestricted, until),
            Refusal::Locked | Refusal::RiskTooHigh => (ErrorCode::AccountLocked, None),
            Refusal::Suspended => (ErrorCode::AccountSuspended, None),
            Refusal::DeviceTooNew { until } => (ErrorCode::DeviceTooNew, Some(until)),
            Refusal::PasskeyTooNew { until } => (ErrorCode::PasskeyTooNew, Some(until)),
            Refusal::NoPasskey => (ErrorCode::PasskeyNeeded, None),
            Refusal::SupportNeeded => (ErrorCode::SupportNeeded, None),
        };
        let mut error = Self::new(code, &refusal.to_string());
        error.problem.until = until;
        error
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Stopped | DbError::Conflict => {
                let mut answer = Self::new(ErrorCode::Unavailable, "the server cannot write just now");
                answer.retry_after = Some(2);
                answer
            }
            DbError::Busy | DbError::Away => {
                tracing::warn!("no connection of the database was free in time");
                let mut answer = Self::new(ErrorCode::Unavailable, "the server is busy just now");
                answer.retry_after = Some(5);
                answer
            }
            DbError::Sql(_)
            | DbError::Migrate(_)
            | DbError::Unproven(_)
            | DbError::NewerVersion
            | DbError::OlderVersion
            | DbError::NoBooks
            | DbError::NotEncrypted
            | DbError::Corrupt(_) => {
                // The text of a database error may quote data; its kind is enough for the log.
                tracing::error!(kind = error.kind(), "a request failed in the database");
                Self::new(ErrorCode::Internal, "the server failed")
            }
        }
    }
}

/// Why something that was decided ahead was not done.
#[derive(Debug)]
pub(crate) enum Untaken {
    /// What was found about it holds no more, and nothing was written.
    Overtaken,
    Refused(ApiError),
}

impl From<DbError> for Untaken {
    fn from(error: DbError) -> Self {
        if matches!(error, DbError::Conflict) { Self::Overtaken } else { Self::Refused(error.into()) }
    }
}

impl From<ApiError> for Untaken {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<Untaken> for ApiError {
    fn from(why: Untaken) -> Self {
        match why {
            Untaken::Overtaken => DbError::Conflict.into(),
            Untaken::Refused(error) => error,
        }
    }
}

impl MaybeOvertaken for Untaken {
    fn is_overtaken(&self) -> bool {
        matches!(self, Self::Overtaken)
    }
}

impl IntoResponse for ApiError {
    fn into_response(mut self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.problem.request_id = self.problem.request_id.take().or_else(crate::http::request_id);
        let challenge = challenge(self.problem.code);
        let mut response = (status, Json(self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// What a 401 must say beside its body (RFC 9449 7.1).
const fn challenge(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::NotSignedIn => Some(r#"DPoP algs="ES256""#),
        ErrorCode::InvalidProof => Some(r#"DPoP error="invalid_dpop_proof", algs="ES256""#),
        ErrorCode::UseDpopNonce => Some(r#"DPoP error="use_dpop_nonce", algs="ES256""#),
        ErrorCode::DeviceRevoked => Some(r#"DPoP error="invalid_token", algs="ES256""#),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_without_a_free_connection_is_said_to_be_busy_and_when_to_come_again() {
        let busy = ApiError::from(DbError::Busy).into_response();
        assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(busy.headers().get(header::RETRY_AFTER), Some(&HeaderValue::from(5)));
        let failed = ApiError::from(DbError::Corrupt("a row")).into_response();
        assert_eq!(
            (failed.status(), failed.headers().get(header::RETRY_AFTER)),
            (StatusCode::INTERNAL_SERVER_ERROR, None)
        );
    }
}
