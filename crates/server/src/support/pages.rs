//! The back office: plain pages with plain forms, usable by keyboard and without script once an agent is signed in. Text
//! nodes only; style and script are files of this origin, nothing else loads.

use api::error::ErrorCode;
use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::ids::{PaymentId, SupportRequestId};
use domain::support::{CODE_LIFE, SupportCaseKind, SupportOperation, SupportScope, VIEW_LIFE};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agents::OnDuty;
use super::desk::{self, Seen};
use crate::App;
use crate::error::ApiError;
use crate::http::Path;
use crate::page_policy::{self, Forms};

const STYLE: &str = concat!(include_str!("../sign_in/assets/tokens.css"), include_str!("assets/support.css"));
const SCRIPT: &str = include_str!("assets/support.js");

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(home))
        .routes(routes!(give_code))
        .routes(routes!(case))
        .routes(routes!(look))
        .routes(routes!(ask))
        .routes(routes!(decide))
        .routes(routes!(style))
        .routes(routes!(script))
}

/// How the back office looks.
#[utoipa::path(get, path = "/support/assets/support.css", tag = "support", responses((status = 200, description = "A file")))]
async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// What its pages do.
#[utoipa::path(get, path = "/support/assets/support.js", tag = "support", responses((status = 200, description = "A file")))]
async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

fn asset(kind: &'static str, body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

fn page(app: &App, status: StatusCode, title: &str, agent: Option<&str>, body: &Markup) -> Response {
    let name = &app.settings.server_name;
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) ": " (name) " support" }
                link rel="icon" type="image/svg+xml" href="/sign-in/assets/billfold.svg";
                link rel="stylesheet" href="/support/assets/support.css";
                script type="module" src="/support/assets/support.js" {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header {
                    @if agent.is_some() { a.brand href="/support" { (name) " support" } } @else { span.brand { (name) " support" } }
                    @if let Some(agent) = agent {
                        form.who method="post" action="/support/sign-out" { span { (agent) } button type="submit" { "Sign out" } }
                    }
                }
                main id="main" tabindex="-1" { h1 { (title) } (body) }
            }
        }
    };
    (status, page_policy::headers(Forms::Here), whole).into_response()
}

fn notices() -> Markup {
    html! {
        p.notice id="notice" role="alert" hidden {}
        noscript { p.notice { "This page needs JavaScript: a browser offers passkeys through it." } }
    }
}

pub(super) fn sign_in(app: &App) -> Response {
    let body = html! {
        section {
            (notices())
            button.primary type="button" id="passkey" { "Sign in with your passkey" }
            p.soft { "Everything that is looked at or asked for here stands in the log of the person it is about." }
        }
    };
    page(app, StatusCode::OK, "Sign in", None, &body)
}

pub(super) fn invited(app: &App, agent: &str, secret: &str) -> Response {
    let body = html! {
        section {
            (notices())
            button.primary type="button" id="make" data-secret=(secret) { "Make your passkey" }
            p.soft { "It lets you alone in. This address works once." }
        }
    };
    page(app, StatusCode::OK, &format!("Welcome, {agent}"), None, &body)
}

/// What a refusal of the desk looks like on a page.
struct Refused(App, String, ApiError);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(app, agent, error) = self;
        let known = matches!(
            error.code(),
            ErrorCode::Forbidden | ErrorCode::NotFound | ErrorCode::InvalidRequest | ErrorCode::TooLate
        );
        if !known {
            return error.into_response();
        }
        let status = StatusCode::from_u16(error.code().status()).unwrap_or(StatusCode::BAD_REQUEST);
        let body = html! { section { p.notice role="alert" { (error.problem.title) } p { a href="/support" { "Back to the desk" } } } };
        page(&app, status, "That did not work", Some(&agent), &body)
    }
}

type Shown = Result<Response, Refused>;

fn words(code: &str) -> String {
    let mut words = code.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// The desk: codes to give, requests that wait for a second one, open cases.
#[utoipa::path(get, path = "/support", tag = "support", responses((status = 200, description = "The page"), (status = 303, description = "To the sign-in page")))]
async fn home(State(app): State<App>, on_duty: OnDuty) -> Shown {
    let refused = |error| Refused(app.clone(), on_duty.agent.name.clone(), error);
    let waiting = desk::waiting(&app).await.map_err(refused)?;
    let cases = desk::open_cases(&app).await.map_err(refused)?;
    let body = html! {
        section aria-labelledby="code" {
            h2 id="code" { "Somebody is on the line" }
            p { "Choose what you need to see, then read the code to the person. They type it into the app under Security, and say yes or no." }
            form.row method="post" action="/support/codes" {
                fieldset {
                    legend { "What you need to see" }
                    @for (at, scope) in SupportScope::ALL.into_iter().enumerate() {
                        label { input type="radio" name="scope" value=(scope.as_str()) checked[at == 0]; " " (words(scope.as_str())) }
                    }
                }
                button.primary type="submit" { "Give me a code" }
            }
        }
        section aria-labelledby="waiting" {
            h2 id="waiting" { "Waiting for a second person" }
            @if waiting.is_empty() { p.soft { "Nothing waits." } }
            @for request in &waiting {
                form.row method="post" action=(format!("/support/requests/{}", request.id)) {
                    p { b { (words(request.operation.as_str())) } ", case " a href=(format!("/support/cases/{}", request.case)) { (request.case) } ", asked by " (request.asked_by) " at " (request.asked_at) }
                    @if request.asked_by == on_duty.agent.name {
                        p.soft { "Somebody else decides what you asked for." }
                    } @else {
                        button type="submit" name="granted" value="true" { "Do it" }
                        button type="submit" name="granted" value="false" { "Refuse" }
                    }
                }
            }
        }
        section aria-labelledby="cases" {
            h2 id="cases" { "Open cases" }
            @if cases.is_empty() { p.soft { "No case is open." } }
            ul {
                @for case in &cases {
                    li { a href=(format!("/support/cases/{}", case.number)) { "Case " (case.number) } ", "
                        @match case.kind { SupportCaseKind::Call => { "a call" } SupportCaseKind::Risk => { "locked by the risk rules" } SupportCaseKind::LostWaysIn => { "every way in is lost" } }
                        ", opened " (case.opened_at) }
                }
            }
        }
    };
    Ok(page(&app, StatusCode::OK, "Desk", Some(&on_duty.agent.name), &body))
}

#[derive(Deserialize, utoipa::ToSchema)]
struct CodeWish {
    scope: SupportScope,
}

/// A code to read out, shown once.
#[utoipa::path(post, path = "/support/codes", tag = "support",
    request_body(content = CodeWish, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The page with the code"), (status = 303, description = "To the sign-in page")))]
async fn give_code(State(app): State<App>, on_duty: OnDuty, Form(wish): Form<CodeWish>) -> Shown {
    let refused = |error| Refused(app.clone(), on_duty.agent.name.clone(), error);
    let code = desk::give_code(&app, &on_duty.agent, wish.scope).await.map_err(refused)?;
    let (first, last) = code.split_at(code.len() / 2);
    let body = html! {
        section {
            p { "Read this to the person. In the app: Security, “Somebody from support is on the line”." }
            p.code aria-label=(code.chars().map(String::from).collect::<Vec<_>>().join(" ")) { (first) " " (last) }
            p { "It works once, for " (CODE_LIFE.as_mins()) " minutes. When they say yes, the case appears on the desk and shows " b { (words(wish.scope.as_str())) } " for " (VIEW_LIFE.as_mins()) " minutes." }
            p { a.button href="/support" { "Back to the desk" } }
        }
    };
    Ok(page(&app, StatusCode::OK, "Your code", Some(&on_duty.agent.name), &body))
}

/// A case: what may be looked at just now, and what may be asked for. Opening it looks at nothing.
#[utoipa::path(get, path = "/support/cases/{number}", tag = "support", params(("number" = i64, Path)),
    responses((status = 200, description = "The page"), (status = 303, description = "To the sign-in page"), (status = 404, description = "No such case")))]
async fn case(State(app): State<App>, on_duty: OnDuty, Path(number): Path<i64>) -> Shown {
    let refused = |error| Refused(app.clone(), on_duty.agent.name.clone(), error);
    let scopes = desk::scopes(&app, &on_duty.agent, number).await.map_err(refused)?;
    let body = html! {
        section aria-labelledby="look" {
            h2 id="look" { "What the person lets you see" }
            @if scopes.is_empty() { p.soft { "Nothing just now. Give them a code." } }
            @for scope in &scopes {
                form.row method="post" action=(format!("/support/cases/{number}/looks")) {
                    button type="submit" name="scope" value=(scope.as_str()) { "Look at: " (words(scope.as_str())) }
                }
            }
        }
        (asking(number))
    };
    Ok(page(&app, StatusCode::OK, &format!("Case {number}"), Some(&on_duty.agent.name), &body))
}

fn asking(number: i64) -> Markup {
    html! {
        section aria-labelledby="ask" {
            h2 id="ask" { "Ask for something" }
            p.soft { "A second one of you decides. What gives power back is asked for while the person is on the line." }
            form.row method="post" action=(format!("/support/cases/{number}/requests")) {
                div {
                    label for="operation" { "Operation" }
                    select id="operation" name="operation" {
                        @for operation in SupportOperation::ALL { option value=(operation.as_str()) { (words(operation.as_str())) } }
                    }
                }
                div {
                    label for="payment" { "Payment, to cancel one" }
                    input id="payment" name="payment" type="text" autocomplete="off" spellcheck="false";
                }
                button type="submit" { "Ask" }
            }
        }
    }
}

#[derive(Deserialize, utoipa::ToSchema)]
struct LookWish {
    scope: SupportScope,
}

/// Looks at what the person lets this agent see. It stands in their log.
#[utoipa::path(post, path = "/support/cases/{number}/looks", tag = "support", params(("number" = i64, Path)),
    request_body(content = LookWish, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The page"), (status = 303, description = "To the sign-in page"),
        (status = 403, description = "Not let see it"), (status = 404, description = "No such case")))]
async fn look(State(app): State<App>, on_duty: OnDuty, Path(number): Path<i64>, Form(wish): Form<LookWish>) -> Shown {
    let refused = |error| Refused(app.clone(), on_duty.agent.name.clone(), error);
    let seen = desk::look(&app, &on_duty.agent, number, wish.scope).await.map_err(refused)?;
    let body = html! {
        @for part in &seen { (part_of(part)) }
        (asking(number))
    };
    let title = format!("Case {number}: {}", words(wish.scope.as_str()));
    Ok(page(&app, StatusCode::OK, &title, Some(&on_duty.agent.name), &body))
}

fn part_of(part: &Seen) -> Markup {
    html! {
        section {
            h2 { (part.heading) }
            @if part.lines.is_empty() { p.soft { "Nothing." } }
            dl { @for (name, value) in &part.lines { div { dt { (name) } dd { (value) } } } }
        }
    }
}

#[derive(Deserialize, utoipa::ToSchema)]
struct AskWish {
    operation: SupportOperation,
    #[serde(default)]
    payment: String,
}

/// Asks for something that a second one decides.
#[utoipa::path(post, path = "/support/cases/{number}/requests", tag = "support", params(("number" = i64, Path)),
    request_body(content = AskWish, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "To the desk"), (status = 403, description = "The person is not on the line"),
        (status = 404, description = "No such case")))]
async fn ask(State(app): State<App>, on_duty: OnDuty, Path(number): Path<i64>, Form(wish): Form<AskWish>) -> Shown {
    let refused = |error| Refused(app.clone(), on_duty.agent.name.clone(), error);
    let typed = wish.payment.trim();
    let payment: Option<PaymentId> = if typed.is_empty() {
        None
    } else {
        let wrong = |_| ApiError::invalid(ErrorCode::InvalidRequest, "payment", "that is no payment's id");
        Some(typed.parse().map_err(wrong).map_err(refused)?)
    };
    desk::ask(&app, &on_duty.agent, number, wish.operation, payment).await.map_err(refused)?;
    Ok(Redirect::to("/support").into_response())
}

#[derive(Deserialize, utoipa::ToSchema)]
struct DecideWish {
    granted: bool,
}

/// Decides what another one asked for.
#[utoipa::path(post, path = "/support/requests/{id}", tag = "support", params(("id" = SupportRequestId, Path)),
    request_body(content = DecideWish, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "To the desk"), (status = 403, description = "Asked for by the same"),
        (status = 404, description = "No such request")))]
async fn decide(
    State(app): State<App>,
    on_duty: OnDuty,
    Path(id): Path<SupportRequestId>,
    Form(wish): Form<DecideWish>,
) -> Shown {
    let refused = |error| Refused(app.clone(), on_duty.agent.name.clone(), error);
    desk::decide(&app, &on_duty.agent, id, wish.granted).await.map_err(refused)?;
    Ok(Redirect::to("/support").into_response())
}
