use api::error::ErrorCode;
use api::support::{Support, SupportCheck, SupportCode};
use api::sync::{Page, Record};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::payments::{PaymentOrder, PaymentState};
use domain::security::SecurityEvent;
use domain::standing::{RestraintLevel, RestraintReason, Standing};
use domain::support::{SupportOperation, SupportScope};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::desk::{ask, decide, give_code, look, open_cases, scopes, waiting};
use super::*;
use crate::sign_in::tests::Browser;
use crate::testing::{Answer, ORIGIN, TestDevice, World, on_each_engine, on_sqlite};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

pub(crate) async fn agent(world: &World, name: &str) -> Agent {
    let made = agents::invite(&world.app, name).await.expect("an agent");
    agents::by_code(&world.app, &made.code).await.expect("the code is theirs")
}

async fn type_code(device: &TestDevice, code: &str) -> Answer {
    device.post("/api/v1/support/checks", &SupportCode { code: code.to_owned() }).await
}

/// The person types the code and lets them see it; the case's number.
async fn let_see(world: &World, device: &TestDevice, agent: &Agent, scope: SupportScope) -> i64 {
    let code = give_code(&world.app, agent, scope).await.expect("a code");
    let check: SupportCheck = type_code(device, &code).await.ok();
    assert_eq!((check.agent.as_str(), check.scope), (agent.name.as_str(), scope));
    device
        .post(&format!("/api/v1/support/checks/{}/answer", check.id), &SupportAnswer { allow: true })
        .await
        .expect(200);
    device.get("/api/v1/support").await.ok::<Support>().cases[0].number
}

async fn log(device: &TestDevice) -> Vec<SecurityEvent> {
    let page: Page = device.get("/api/v1/sync").await.ok();
    let events = page.changes.into_iter().filter_map(|change| match change.record {
        Record::SecurityEvent(event) => Some(event),
        _ => None,
    });
    events.collect()
}

async fn said(device: &TestDevice) -> Vec<(SecurityEventKind, String)> {
    let support = |event: &SecurityEvent| event.kind.as_str().starts_with("support_");
    let events = log(device).await.into_iter().filter(support);
    events.map(|event| (event.kind, event.name.unwrap_or_default())).collect()
}

fn code_of<T: std::fmt::Debug>(refused: Result<T, ApiError>) -> ErrorCode {
    refused.expect_err("a refusal").code()
}

#[tokio::test]
async fn support_proves_itself_first_and_sees_what_it_is_let_see_for_a_quarter_of_an_hour() {
    on_each_engine(async |world| {
        let (rowan, alder) = (agent(&world, "Rowan").await, agent(&world, "Alder").await);
        let desk = world.holder().await;
        let code = give_code(&world.app, &rowan, SupportScope::Account).await.unwrap();
        // The code alone opens nothing: there is no case before the person says yes.
        assert!(open_cases(&world.app).await.unwrap().is_empty());
        let check: SupportCheck = type_code(&desk, &format!("{} {}", &code[..4], &code[4..])).await.ok();
        assert!(open_cases(&world.app).await.unwrap().is_empty());
        let answer = format!("/api/v1/support/checks/{}/answer", check.id);
        // Typed elsewhere it proves nothing, and nobody else answers it.
        let other = world.holder().await;
        assert_eq!(type_code(&other, &code).await.code(), ErrorCode::NotFound);
        assert_eq!(other.post(&answer, &SupportAnswer { allow: true }).await.code(), ErrorCode::NotFound);
        desk.post(&answer, &SupportAnswer { allow: true }).await.expect(200);
        assert_eq!(desk.post(&answer, &SupportAnswer { allow: true }).await.code(), ErrorCode::NotFound, "once");
        let number = open_cases(&world.app).await.unwrap()[0].number;
        let seen = look(&world.app, &rowan, number, SupportScope::Account).await.unwrap();
        let text: String =
            seen.iter().flat_map(|part| &part.lines).map(|(name, value)| format!("{name} {value} ")).collect();
        assert!(text.contains("I… C…") && !text.contains("Calloway"), "the name is masked: {text}");
        for (agent, scope) in
            [(&rowan, SupportScope::Payments), (&rowan, SupportScope::Security), (&alder, SupportScope::Account)]
        {
            assert_eq!(code_of(look(&world.app, agent, number, scope).await.map(drop)), ErrorCode::Forbidden);
        }
        let shown: Support = desk.get("/api/v1/support").await.ok();
        assert_eq!((shown.views.len(), shown.views[0].agent.as_str()), (1, "Rowan"));
        let log =
            [(SecurityEventKind::SupportAllowed, "Rowan/account"), (SecurityEventKind::SupportLooked, "Rowan/account")];
        assert_eq!(said(&desk).await, log.map(|(kind, name)| (kind, name.to_owned())), "refused looks are none");
        world.advance(VIEW_LIFE);
        desk.refresh().await.expect(200);
        assert_eq!(
            code_of(look(&world.app, &rowan, number, SupportScope::Account).await.map(drop)),
            ErrorCode::Forbidden
        );
        assert!(desk.get("/api/v1/support").await.ok::<Support>().views.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_code_that_is_wrong_old_used_or_refused_opens_nothing_and_guesses_are_counted() {
    on_each_engine(async |world| {
        let rowan = agent(&world, "Rowan").await;
        let desk = world.holder().await;
        let code = give_code(&world.app, &rowan, SupportScope::Payments).await.unwrap();
        let check: SupportCheck = type_code(&desk, &code).await.ok();
        let answer = format!("/api/v1/support/checks/{}/answer", check.id);
        desk.post(&answer, &SupportAnswer { allow: false }).await.expect(204);
        assert_eq!(type_code(&desk, &code).await.code(), ErrorCode::NotFound, "answered");
        assert!(desk.get("/api/v1/support").await.ok::<Support>().cases.is_empty());
        let late = give_code(&world.app, &rowan, SupportScope::Payments).await.unwrap();
        world.advance(CODE_LIFE);
        desk.refresh().await.expect(200);
        assert_eq!(type_code(&desk, &late).await.code(), ErrorCode::NotFound, "too old");
        assert_eq!(type_code(&desk, "1234 567").await.code(), ErrorCode::InvalidRequest);
        for _ in 0..2 {
            type_code(&desk, "00000000").await.expect(404);
        }
        let good = give_code(&world.app, &rowan, SupportScope::Payments).await.unwrap();
        assert_eq!(type_code(&desk, &good).await.code(), ErrorCode::RateLimited, "five tries an hour");
        // Another account has its own tries.
        type_code(&world.holder().await, &good).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn the_person_closes_a_view_at_any_time() {
    on_each_engine(async |world| {
        let rowan = agent(&world, "Rowan").await;
        let desk = world.holder().await;
        let number = let_see(&world, &desk, &rowan, SupportScope::Security).await;
        assert_eq!(scopes(&world.app, &rowan, number).await.unwrap(), [SupportScope::Security]);
        look(&world.app, &rowan, number, SupportScope::Security).await.unwrap();
        let view = desk.get("/api/v1/support").await.ok::<Support>().views[0].id;
        // Another person's view is not theirs to close.
        world.holder().await.delete(&format!("/api/v1/support/views/{view}")).await.expect(204);
        assert_eq!(scopes(&world.app, &rowan, number).await.unwrap().len(), 1);
        desk.delete(&format!("/api/v1/support/views/{view}")).await.expect(204);
        desk.delete(&format!("/api/v1/support/views/{view}")).await.expect(204);
        assert_eq!(
            code_of(look(&world.app, &rowan, number, SupportScope::Security).await.map(drop)),
            ErrorCode::Forbidden
        );
        let ended = said(&desk).await.into_iter().filter(|(kind, _)| *kind == SecurityEventKind::SupportEnded).count();
        assert_eq!(ended, 1, "closing twice is one entry");
    })
    .await;
}

async fn standing_of(device: &TestDevice) -> Option<(RestraintLevel, RestraintReason)> {
    let standing: Standing = device.get("/api/v1/standing").await.ok();
    standing.restraint.map(|restraint| (restraint.level, restraint.reason))
}

#[tokio::test]
async fn what_changes_something_takes_two_and_is_told() {
    on_each_engine(async |world| {
        let (rowan, alder) = (agent(&world, "Rowan").await, agent(&world, "Alder").await);
        let desk = world.holder().await;
        let number = let_see(&world, &desk, &rowan, SupportScope::Account).await;
        let suspend = ask(&world.app, &rowan, number, SupportOperation::Suspend, None).await.unwrap();
        assert_eq!(standing_of(&desk).await, None, "asking does nothing");
        assert_eq!(code_of(decide(&world.app, &rowan, suspend, true).await), ErrorCode::Forbidden, "not the same one");
        assert_eq!(waiting(&world.app).await.unwrap().len(), 1);
        decide(&world.app, &alder, suspend, true).await.unwrap();
        assert_eq!(standing_of(&desk).await, Some((RestraintLevel::Suspended, RestraintReason::Review)));
        assert_eq!(code_of(decide(&world.app, &alder, suspend, true).await), ErrorCode::NotFound, "once");
        let lift = ask(&world.app, &rowan, number, SupportOperation::LiftSuspension, None).await.unwrap();
        decide(&world.app, &alder, lift, false).await.unwrap();
        assert_eq!(standing_of(&desk).await, Some((RestraintLevel::Suspended, RestraintReason::Review)), "refused");
        let lift = ask(&world.app, &alder, number, SupportOperation::LiftSuspension, None).await;
        assert_eq!(code_of(lift), ErrorCode::Forbidden, "Alder has nobody on the line");
        let lift = ask(&world.app, &rowan, number, SupportOperation::LiftSuspension, None).await.unwrap();
        decide(&world.app, &alder, lift, true).await.unwrap();
        assert_eq!(standing_of(&desk).await, None);
        let requests = desk.get("/api/v1/support").await.ok::<Support>().cases.remove(0).requests;
        assert_eq!(requests.iter().filter(|request| request.granted == Some(true)).count(), 2);
        let did = said(&desk).await.into_iter().filter(|(kind, _)| *kind == SecurityEventKind::SupportDid);
        let did: Vec<String> = did.map(|(_, name)| name).collect();
        assert_eq!(did, ["Rowan/Alder/suspend", "Rowan/Alder/lift_suspension"]);
        // Nobody waits for ever.
        let old = ask(&world.app, &rowan, number, SupportOperation::Restrict, None).await.unwrap();
        world.advance(SignedDuration::from_hours(24));
        assert_eq!(code_of(decide(&world.app, &alder, old, true).await), ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn the_database_itself_refuses_a_decision_by_whoever_asked() {
    on_each_engine(async |world| {
        let rowan = agent(&world, "Rowan").await;
        let desk = world.holder().await;
        let number = let_see(&world, &desk, &rowan, SupportScope::Account).await;
        let id = ask(&world.app, &rowan, number, SupportOperation::Suspend, None).await.unwrap();
        let mut tx = world.app.db.begin_write().await.unwrap();
        let request = store::request(&mut tx, id).await.unwrap().unwrap();
        let decided = store::decide(&mut tx, &request, rowan.id, true, world.now()).await;
        assert!(matches!(decided, Err(DbError::Sql(_))), "{decided:?}");
    })
    .await;
}

#[tokio::test]
async fn each_of_the_operations_takes_two_people() {
    on_each_engine(async |world| {
        let (rowan, alder) = (agent(&world, "Rowan").await, agent(&world, "Alder").await);
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        let order = order(&world);
        desk.post("/api/v1/payments", &order).await.expect(201);
        let number = let_see(&world, &desk, &rowan, SupportScope::Payments).await;
        for operation in SupportOperation::ALL {
            let payment = (operation == SupportOperation::CancelPayment).then_some(order.id);
            let id = ask(&world.app, &rowan, number, operation, payment).await.unwrap();
            for granted in [true, false] {
                let alone = decide(&world.app, &rowan, id, granted).await;
                assert_eq!(code_of(alone), ErrorCode::Forbidden, "{operation:?}");
            }
            let mut tx = world.app.db.begin_write().await.unwrap();
            let request = store::request(&mut tx, id).await.unwrap().unwrap();
            let decided = store::decide(&mut tx, &request, rowan.id, true, world.now()).await;
            assert!(matches!(decided, Err(DbError::Sql(_))), "{operation:?}: {decided:?}");
            drop(tx);
            decide(&world.app, &alder, id, false).await.unwrap();
            // What one asked for and the other refused did not happen.
            assert_eq!(standing_of(&desk).await, None, "{operation:?}");
            laptop.get("/api/v1/me").await.expect(200);
            let payment: api::payments::Payment = desk.get(&format!("/api/v1/payments/{}", order.id)).await.ok();
            assert_eq!(payment.state, PaymentState::Scheduled, "{operation:?}");
            assert_eq!(open_cases(&world.app).await.unwrap().len(), 1, "{operation:?}");
        }
        let did = said(&desk).await.into_iter().filter(|(kind, _)| *kind == SecurityEventKind::SupportDid);
        assert_eq!(did.count(), 0, "and the log says of none that it was done");
    })
    .await;
}

fn order(world: &World) -> PaymentOrder {
    PaymentOrder {
        id: domain::ids::PaymentId::new(world.now(), world.app.chance10()),
        biller: crate::billers::directory()[0].id,
        reference: Some("Canary reference".to_owned()),
        amount: domain::money::Money::new(4_000, domain::money::Currency::USD).expect("an amount"),
        bill: None,
        due_on: None,
        send_on: Some(jiff::civil::date(2027, 3, 9)),
        duplicate_meant: false,
        method: None,
    }
}

#[tokio::test]
async fn each_of_the_operations_does_what_it_says_and_no_more() {
    on_each_engine(async |world| {
        let (rowan, alder) = (agent(&world, "Rowan").await, agent(&world, "Alder").await);
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        let order = order(&world);
        desk.post("/api/v1/payments", &order).await.expect(201);
        let number = let_see(&world, &desk, &rowan, SupportScope::Payments).await;
        let seen = look(&world.app, &rowan, number, SupportScope::Payments).await.unwrap();
        let text: String = seen[0].lines.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
        assert!(!text.contains("Canary") && !text.contains("4000") && text.contains("1000 to 10000"), "{text}");
        let two = async |operation, payment| {
            let id = ask(&world.app, &rowan, number, operation, payment).await?;
            decide(&world.app, &alder, id, true).await
        };
        // Lifting what is not there does nothing, and the request stays undecided.
        for operation in
            [SupportOperation::ReleaseRiskLock, SupportOperation::ReleaseOwnLock, SupportOperation::ReleaseRecovery]
        {
            assert_eq!(code_of(two(operation, None).await), ErrorCode::NotFound, "{operation:?}");
        }
        desk.post("/api/v1/security/lock", &()).await.expect(200);
        two(SupportOperation::ReleaseOwnLock, None).await.unwrap();
        assert_eq!(standing_of(&desk).await, None);
        let until = Some(world.now() + MINUTE * 30);
        for (reason, operation) in [
            (RestraintReason::Risk, SupportOperation::ReleaseRiskLock),
            (RestraintReason::Recovery, SupportOperation::ReleaseRecovery),
        ] {
            let mut tx = world.app.db.begin_write().await.unwrap();
            crate::standing::restrain(&world.app, &mut tx, desk.holder, RestraintLevel::Locked, reason, until, None)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            if reason == RestraintReason::Risk {
                two(SupportOperation::LengthenHold, None).await.unwrap();
                let standing: Standing = desk.get("/api/v1/standing").await.ok();
                assert!(standing.restraint.unwrap().until > until, "longer, never shorter");
            }
            two(operation, None).await.unwrap();
            assert_eq!(standing_of(&desk).await, None);
        }
        assert_eq!(
            code_of(two(SupportOperation::ConfirmUnusual, None).await),
            ErrorCode::NotFound,
            "nothing was asked"
        );
        two(SupportOperation::Restrict, None).await.unwrap();
        assert_eq!(
            code_of(two(SupportOperation::LiftSuspension, None).await),
            ErrorCode::NotFound,
            "it is no suspension"
        );
        assert_eq!(standing_of(&desk).await, Some((RestraintLevel::Restricted, RestraintReason::Review)));
        two(SupportOperation::LiftRestriction, None).await.unwrap();
        assert_eq!(code_of(two(SupportOperation::CancelPayment, None).await), ErrorCode::InvalidRequest);
        two(SupportOperation::CancelPayment, Some(order.id)).await.unwrap();
        let payment: api::payments::Payment = desk.get(&format!("/api/v1/payments/{}", order.id)).await.ok();
        assert_eq!(payment.state, PaymentState::Cancelled);
        two(SupportOperation::SignOutDevices, None).await.unwrap();
        assert_eq!(laptop.get("/api/v1/me").await.code(), ErrorCode::DeviceRevoked);
        two(SupportOperation::CloseCase, None).await.unwrap();
        assert!(open_cases(&world.app).await.unwrap().is_empty());
        assert_eq!(
            code_of(look(&world.app, &rowan, number, SupportScope::Payments).await.map(drop)),
            ErrorCode::NotFound
        );
    })
    .await;
}

// ---- the back office ---------------------------------------------------------------------------------------------

async fn visit(world: &World, method: &str, path: &str, cookie: &str, origin: &str, form: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("cookie", cookie).header("origin", origin);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    world.call(request.body(Body::from(form.to_owned())).expect("a request")).await
}

/// A session as a passkey begins it.
async fn session(world: &World, agent: &Agent) -> String {
    let secret = crate::sign_in::new_secret(&world.app);
    let mut tx = world.app.db.begin_write().await.unwrap();
    store::begin_session(&mut tx, &hash(&secret), agent.id, world.now()).await.unwrap();
    tx.commit().await.unwrap();
    format!("billfold-support={secret}")
}

/// Two agents who are signed in, a case under which the first sees an account, and a request of the first.
pub(crate) struct BackOffice {
    /// Cookies.
    pub first: String,
    pub second: String,
    pub case: i64,
    pub request: domain::ids::SupportRequestId,
}

impl BackOffice {
    pub async fn new(world: &World) -> Self {
        let (rowan, alder) = (agent(world, "Rowan").await, agent(world, "Alder").await);
        let device = world.holder().await;
        let case = let_see(world, &device, &rowan, SupportScope::Account).await;
        let request = ask(&world.app, &rowan, case, SupportOperation::Suspend, None).await.expect("a request");
        Self { first: session(world, &rowan).await, second: session(world, &alder).await, case, request }
    }
}

#[tokio::test]
async fn the_back_office_works_by_plain_forms_and_only_for_whoever_is_signed_in() {
    on_sqlite(async |world| {
        let (rowan, alder) = (agent(&world, "Rowan").await, agent(&world, "Alder").await);
        let desk = world.holder().await;
        let (first, second) = (session(&world, &rowan).await, session(&world, &alder).await);
        for path in ["/support", "/support/cases/1001"] {
            let answer = visit(&world, "GET", path, "", ORIGIN, "").await;
            assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("/support/sign-in")));
        }
        let page = visit(&world, "GET", "/support", &first, ORIGIN, "").await;
        assert!(page.text().contains("Somebody is on the line") && page.text().contains("Rowan"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(!policy.contains("unsafe") && policy.contains("default-src 'none'"));
        // Another site's form does nothing with this browser's cookie.
        let forged = visit(&world, "POST", "/support/codes", &first, "https://example.org", "scope=account").await;
        assert_eq!(forged.status, StatusCode::SEE_OTHER);
        let text = visit(&world, "POST", "/support/codes", &first, ORIGIN, "scope=account").await.text();
        let code =
            text.split("<p class=\"code\"").nth(1).unwrap().split('>').nth(1).unwrap().split('<').next().unwrap();
        let check: SupportCheck = type_code(&desk, code).await.ok();
        let answer = format!("/api/v1/support/checks/{}/answer", check.id);
        desk.post(&answer, &SupportAnswer { allow: true }).await.expect(200);
        let number = open_cases(&world.app).await.unwrap()[0].number;
        let looks = format!("/support/cases/{number}/looks");
        assert!(visit(&world, "POST", &looks, &first, ORIGIN, "scope=account").await.text().contains("I… C…"));
        let refused = visit(&world, "POST", &looks, &second, ORIGIN, "scope=account").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.text().contains("Back to the desk"));
        let asked = format!("/support/cases/{number}/requests");
        visit(&world, "POST", &asked, &first, ORIGIN, "operation=suspend&payment=").await.expect(303);
        let id = waiting(&world.app).await.unwrap()[0].id;
        let own = visit(&world, "POST", &format!("/support/requests/{id}"), &first, ORIGIN, "granted=true").await;
        assert_eq!(own.status, StatusCode::FORBIDDEN);
        visit(&world, "POST", &format!("/support/requests/{id}"), &second, ORIGIN, "granted=true").await.expect(303);
        assert_eq!(standing_of(&desk).await.map(|(level, _)| level), Some(RestraintLevel::Suspended));
        visit(&world, "POST", "/support/sign-out", &first, ORIGIN, "").await.expect(303);
        visit(&world, "GET", "/support", &first, ORIGIN, "").await.expect(303);
    })
    .await;
}

#[tokio::test]
async fn a_session_of_support_ends_when_it_rests_after_a_shift_and_with_its_agent() {
    on_sqlite(async |world| {
        let rowan = agent(&world, "Rowan").await;
        let cookie = session(&world, &rowan).await;
        let open =
            async |cookie: &str| visit(&world, "GET", "/support", cookie, ORIGIN, "").await.status == StatusCode::OK;
        for _ in 0..40 {
            world.advance(MINUTE * 14);
            assert!(open(&cookie).await);
        }
        world.advance(MINUTE * 14 * 3);
        assert!(!open(&cookie).await, "it rested");
        let cookie = session(&world, &rowan).await;
        for _ in 0..60 {
            world.advance(MINUTE * 10);
            open(&cookie).await;
        }
        assert!(!open(&cookie).await, "the shift is over");
        let cookie = session(&world, &rowan).await;
        let code = give_code(&world.app, &rowan, SupportScope::Account).await.unwrap();
        agents::remove(&world.app, "Rowan").await.unwrap();
        assert!(!open(&cookie).await);
        assert_eq!(type_code(&world.holder().await, &code).await.code(), ErrorCode::NotFound, "their codes end too");
        assert_eq!(code_of(agents::remove(&world.app, "Rowan").await), ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn nothing_of_support_is_there_unless_whoever_runs_the_server_opens_it() {
    on_sqlite(async |world| {
        let closed = world.with_settings(|settings| settings.support = false);
        let rowan = agent(&world, "Rowan").await;
        let cookie = session(&world, &rowan).await;
        for (method, path) in [("GET", "/support/sign-in"), ("GET", "/support"), ("POST", "/support/codes")] {
            let answer = visit(&closed, method, path, &cookie, ORIGIN, "scope=account").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
        visit(&world, "GET", "/support/sign-in", "", ORIGIN, "").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_agents_passkey_is_looked_at_as_strictly_as_anybodys() {
    on_each_engine(async |world| {
        let invited = agents::invite(&world.app, "Rowan").await.unwrap();
        let secret = invited.address.split_once("secret=").expect("a secret").1;
        let mut browser = Browser::new(&world);
        for (spoiled, status) in [(true, 403), (false, 200)] {
            let started: Value = browser.post("/support/passkey/add/start", &json!({ "secret": secret })).await.ok();
            let mut credential = browser.register(&started).await;
            if spoiled {
                credential["id"] = "AAAA".into();
            }
            let made = json!({"secret": secret, "ceremony": started["ceremony"], "credential": credential});
            browser.post("/support/passkey/add/finish", &made).await.expect(status);
        }
        for (spoiled, status) in [(true, 403), (false, 200)] {
            let started: Value = browser.post("/support/passkey/start", &json!({})).await.ok();
            let mut shown = browser.assert(&started).await;
            if spoiled {
                shown["credential"]["id"] = "AAAA".into();
            }
            browser.post("/support/passkey/finish", &shown).await.expect(status);
        }
    })
    .await;
}

#[tokio::test]
async fn what_an_agent_asked_for_goes_with_the_agent() {
    on_each_engine(async |world| {
        let (rowan, alder) = (agent(&world, "Rowan").await, agent(&world, "Alder").await);
        let desk = world.holder().await;
        let number = let_see(&world, &desk, &rowan, SupportScope::Account).await;
        let asked = ask(&world.app, &rowan, number, SupportOperation::StartRecovery, None).await.unwrap();
        assert_eq!(waiting(&world.app).await.unwrap().len(), 1);
        agents::remove(&world.app, "Rowan").await.unwrap();
        assert!(waiting(&world.app).await.unwrap().is_empty());
        assert_eq!(code_of(decide(&world.app, &alder, asked, true).await), ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn cases_that_are_opened_at_once_wait_for_each_other() {
    on_each_engine(async |world| {
        let mut holders = Vec::new();
        for _ in 0..6 {
            holders.push(world.holder().await.holder);
        }
        let opened = holders.iter().map(|holder| async {
            let mut tx = world.app.db.begin_write().await?;
            tx.lock(*holder).await?;
            let number = open_lost_case(&world.app, &mut tx, *holder).await?;
            tx.commit().await.map(|()| number)
        });
        let mut numbers: Vec<i64> = futures_util::future::try_join_all(opened).await.expect("all are opened");
        numbers.sort_unstable();
        assert_eq!(numbers, (1_001..=1_006).collect::<Vec<i64>>());
    })
    .await;
}
