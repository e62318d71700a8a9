//! The OpenAPI document, tried by an outside tool: thousands of calls of its own making, good and bad, on each engine.
//! No call may end in a server error, and every answer must be as the document says. Values one by one at and beyond
//! their limits are refused before a database is asked: they are tried on one engine, on the other in a soak alone.

use std::process::Command;
use std::sync::Arc;

use data_encoding::BASE64;
use domain::time::ManualClock;
use flows::caller::{Caller, connections, now};
use flows::python;
use server::Server;
use server::config::{Config, SealKeys, data_folder};
use server::db::Location;
use server::testing::postgres;
use server::testing::seeds::{how_many, is_soak};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/schema");
/// Calls to each operation beside those that the document itself suggests, in every run of the tests and in a soak.
const EXAMPLES: (u64, u64) = (3, 45);
/// What the tool plays, and how many calls that is at least.
const WHOLE: (&str, u64) = ("examples,coverage,fuzzing", 10_000);
const WITHOUT_LIMITS: (&str, u64) = ("examples,fuzzing", 400);

async fn every_answer_is_as_the_document_says(location: Location, (phases, wanted): (&str, u64)) {
    let Some(programs) = python::environment(FOLDER) else { return };
    let keys = tempfile::tempdir().expect("a folder");
    let mut config = Config::new(location, ([127, 0, 0, 1], 0).into());
    config.seal_keys = SealKeys::File(keys.path().join("seal.keys"));
    config.local_accounts = true;
    config.policy = domain::policy::Preset::Personal;
    config.throttle.calls_per_second = 1_000_000;
    config.throttle.calls_at_once = 1_000_000;
    config.throttle.payments_per_minute = 1_000_000;
    config.throttle.payments_per_day = 1_000_000;
    config.throttle.merchant_calls_per_second = 1_000_000;
    // Time stands still, so that the token lasts.
    config.clock = Arc::new(ManualClock::at(now()));
    let running = Server::start(config).await.expect("a server");
    let caller = Caller::sign_in(&running, connections().expect("a client")).await.expect("signed in");
    let folder = tempfile::tempdir().expect("a folder");
    let document = folder.path().join("openapi.json");
    std::fs::write(&document, server::openapi::text().expect("a document")).expect("a file");
    let mut command = Command::new(programs.join("schemathesis"));
    command.arg("run").arg(&document).args(["--url", &caller.origin, "--seed", "7"]);
    command.arg("--max-examples").arg(how_many(EXAMPLES.0, EXAMPLES.1).to_string());
    command.args(["--phases", phases, "--generation-database", "none", "--no-color"]);
    // Streams do not end by themselves.
    command.args(["--exclude-path", "/api/v1/events"]);
    command.args([
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
    ]);
    command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", FOLDER).current_dir(folder.path());
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("BILLFOLD_ORIGIN", &caller.origin);
    command.env("BILLFOLD_TOKEN", &caller.token).env("BILLFOLD_KEY", BASE64.encode(&caller.key));
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let tail: String = said.lines().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
    eprintln!("{tail}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let made = said.lines().find_map(|line| line.trim().split_once(" generated")?.0.parse::<u64>().ok());
    assert!(made.is_some_and(|made| made >= wanted), "{made:?} calls were made of {wanted}: {tail}");
    let report = server::audit::run(&running.app.db).await.expect("an audit");
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    every_answer_is_as_the_document_says(data_folder(folder.path(), None).expect("a folder"), WHOLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says_on_postgresql() {
    let Some(cluster) = postgres() else {
        eprintln!("SKIPPED on PostgreSQL: initdb not found");
        return;
    };
    let played = if is_soak() { WHOLE } else { WITHOUT_LIMITS };
    every_answer_is_as_the_document_says(Location::Postgres { url: cluster.new_database() }, played).await;
}
