//! What the server's pages may load and do, as browsers are told, and what browsers report that they kept back. Of a report
//! the directive and the page stay, in the log alone: nothing of anybody.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use api::error::ErrorCode;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::error::ApiError;
use crate::http::Source;
use crate::sign_in::too_often;

/// What every page is told, but for where its forms go.
macro_rules! policy {
    ($form_action:literal) => {
        concat!(
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; \
             frame-ancestors 'none'; report-uri /policy-reports; report-to policy; form-action ",
            $form_action
        )
    };
}

/// Where reports go: browsers know one of the two ways to say it.
const ENDPOINT: &str = "policy=\"/policy-reports\"";
/// A browser waits and sends what it has together.
const REPORT_BYTES_MAX: usize = 32 * 1024;
const PATH_CHARS_MAX: usize = 64;
const DIRECTIVE_CHARS_MAX: usize = 32;
/// What does not read as a directive or a page of ours.
const OTHER: &str = "other";

/// Where the forms of a page go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forms {
    /// Scripts send them.
    Nowhere,
    Here,
}

/// The headers of a page of this server.
pub(crate) fn headers(forms: Forms) -> HeaderMap {
    let policy = match forms {
        Forms::Nowhere => policy!("'none'"),
        Forms::Here => policy!("'self'"),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(HeaderName::from_static("reporting-endpoints"), HeaderValue::from_static(ENDPOINT));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers
}

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(report)).layer(DefaultBodyLimit::max(REPORT_BYTES_MAX))
}

/// Takes what a browser reports that a page's policy kept back, in either of the forms that browsers send.
#[utoipa::path(post, path = "/policy-reports", tag = "health",
    request_body(content = serde_json::Value, content_type = "application/reports+json"),
    responses((status = 204, description = "Taken"), (status = 400, body = api::error::Problem),
        (status = 413, body = api::error::Problem), (status = 429, body = api::error::Problem)))]
async fn report(
    State(app): State<App>,
    Source(source): Source,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    let now = app.clock.now();
    app.limits.policy_reports.take(source, now).map_err(too_often)?;
    app.limits.policy_reports_of_all.take_key(0, now).map_err(too_often)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(ErrorCode::PayloadTooLarge, "the report is too large"),
        _ => unread(),
    })?;
    for ((directive, page), times) in kept_back(&body).ok_or_else(unread)? {
        tracing::warn!(directive, page, times, "a browser kept something back that is not of this page");
    }
    Ok(StatusCode::NO_CONTENT)
}

fn unread() -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, "this does not read as a report")
}

/// A body of reports, by how browsers were told where to send them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reports {
    /// By `report-to`.
    Several(Vec<Report>),
    /// By `report-uri`.
    One {
        #[serde(rename = "csp-report")]
        report: KeptBack,
    },
}

#[derive(Deserialize)]
struct Report {
    #[serde(rename = "type")]
    kind: String,
    body: KeptBack,
}

/// Of what was kept back, what is looked at. What it was and what it said may be somebody's.
#[derive(Default, Deserialize)]
struct KeptBack {
    #[serde(rename = "documentURL", alias = "document-uri")]
    page: Option<String>,
    #[serde(rename = "effectiveDirective", alias = "effective-directive")]
    directive: Option<String>,
}

/// How often what was kept back on which page; none when the body does not read.
fn kept_back(body: &[u8]) -> Option<BTreeMap<(String, String), usize>> {
    let all = match serde_json::from_slice(body).ok()? {
        Reports::Several(reports) => {
            reports.into_iter().filter(|report| report.kind == "csp-violation").map(|report| report.body).collect()
        }
        Reports::One { report } => vec![report],
    };
    let mut counted = BTreeMap::new();
    for KeptBack { page, directive } in all {
        *counted.entry((directive_of(directive.as_deref()), page_of(page.as_deref()))).or_default() += 1;
    }
    Some(counted)
}

fn is_word(text: &str) -> bool {
    text.chars().all(|char| char.is_ascii_lowercase() || char == '-')
}

fn directive_of(said: Option<&str>) -> String {
    said.filter(|said| said.len() <= DIRECTIVE_CHARS_MAX && is_word(said)).unwrap_or(OTHER).to_owned()
}

/// The page's path, as far as its words are ours: numbers and secrets are left out, as are query and host.
fn page_of(said: Option<&str>) -> String {
    let path = said
        .and_then(|said| said.split_once("://"))
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(_, path)| path.split(['?', '#']).next().unwrap_or_default());
    let ours = path.filter(|path| {
        path.len() <= PATH_CHARS_MAX && ["sign-in", "support"].iter().any(|begin| path.starts_with(begin))
    });
    let Some(path) = ours else { return OTHER.to_owned() };
    path.split('/').map(|part| if is_word(part) { format!("/{part}") } else { "/…".to_owned() }).collect()
}
