use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::*;
use crate::testing::{Answer, World, coming_from, on_each_engine, on_sqlite};

fn counted(body: &serde_json::Value) -> Option<Vec<(String, String, usize)>> {
    let counted = kept_back(body.to_string().as_bytes())?;
    Some(counted.into_iter().map(|((directive, page), times)| (directive, page, times)).collect())
}

fn of(directive: &str, page: &str, times: usize) -> (String, String, usize) {
    (directive.to_owned(), page.to_owned(), times)
}

#[test]
fn of_a_report_the_directive_and_the_page_stay_and_nothing_of_anybody() {
    let one = json!({"csp-report": {
        "document-uri": "https://accounts.example.org/sign-in/notice?secret=abc", "referrer": "https://example.org/ines",
        "effective-directive": "script-src-elem", "blocked-uri": "https://evil.example/ines", "script-sample": "Ines",
    }});
    assert_eq!(counted(&one), Some(vec![of("script-src-elem", "/sign-in/notice", 1)]));
    let report = |page: &str, directive: &str| {
        json!({"type": "csp-violation", "age": 10, "url": page, "user_agent": "a browser",
            "body": {"documentURL": page, "effectiveDirective": directive, "blockedURL": "inline", "sample": "Ines"}})
    };
    let several = json!([
        report("https://accounts.example.org/sign-in", "img-src"),
        report("https://accounts.example.org/sign-in?a=b", "img-src"),
        report("https://accounts.example.org/support/cases/17#x", "style-src-attr"),
        report("https://example.org/ines/calloway", "img-src"),
        report("https://accounts.example.org/sign-in/0192f0aa-Ines\nforged", "Ines: forged"),
        report(&format!("https://accounts.example.org/sign-in/{}", "a".repeat(100)), &"a".repeat(100)),
        {"type": "deprecation", "body": {"id": "old"}},
    ]);
    assert_eq!(
        counted(&several),
        Some(vec![
            of("img-src", "/sign-in", 2),
            of("img-src", "other", 1),
            of("other", "/sign-in/…", 1),
            of("other", "other", 1),
            of("style-src-attr", "/support/cases/…", 1),
        ])
    );
    for none in [json!({}), json!("csp-report"), json!([{"type": 1}]), json!({"csp-report": {"document-uri": 1}})] {
        assert_eq!(counted(&none), None, "{none}");
    }
}

async fn send(world: &World, body: String) -> Answer {
    let request = Request::post("/policy-reports").header("content-type", "application/csp-report");
    world.call(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn reports_are_taken_small_and_seldom() {
    on_each_engine(async |world| {
        let report =
            json!({"csp-report": {"document-uri": "https://a.example/sign-in", "effective-directive": "img-src"}});
        coming_from([192, 0, 2, 7], async {
            send(&world, report.to_string()).await.expect(204);
            assert_eq!(send(&world, " ".repeat(REPORT_BYTES_MAX + 1)).await.code(), ErrorCode::PayloadTooLarge);
            assert_eq!(send(&world, "Ines".to_owned()).await.code(), ErrorCode::InvalidRequest);
            for _ in 3..10 {
                send(&world, report.to_string()).await.expect(204);
            }
            let refused = send(&world, report.to_string()).await;
            assert_eq!((refused.code(), refused.header("retry-after")), (ErrorCode::RateLimited, Some("61")));
        })
        .await;
        let mut taken = 10;
        for network in 0..20 {
            coming_from([198, 51, network, 7], async {
                for _ in 0..10 {
                    taken += usize::from(send(&world, report.to_string()).await.status == StatusCode::NO_CONTENT);
                }
            })
            .await;
        }
        assert_eq!(taken, 100, "many networks fill no log either");
    })
    .await;
}

#[tokio::test]
async fn every_page_says_where_a_browser_reports_to() {
    on_sqlite(async |world| {
        for page in ["/sign-in/recovery", "/support/sign-in", "/sign-in"] {
            let page = world.get(page).await;
            let policy = page.header("content-security-policy").expect("a policy");
            assert!(policy.contains("; report-uri /policy-reports; report-to policy;"), "{policy}");
            assert_eq!(page.header("reporting-endpoints"), Some("policy=\"/policy-reports\""));
        }
    })
    .await;
}
