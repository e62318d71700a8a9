//! Whoever runs a server, with the commands beside it: each of them, on both engines.

use std::process::Command;

use flows::place::server_program;
use flows::server::{Engine, Server};

#[test]
fn each_command_works_beside_a_running_server_on_sqlite() {
    each_command_works_beside_a_running_server(Engine::Sqlite);
}

#[test]
fn each_command_works_beside_a_running_server_on_postgresql() {
    each_command_works_beside_a_running_server(Engine::Postgres);
}

fn each_command_works_beside_a_running_server(engine: Engine) {
    let Some(server) = Server::start(engine, &[]) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let rails = folder.path().join("rails.toml");
    std::fs::write(&rails, "").expect("a file");
    let rails = rails.display().to_string();
    let on_rails =
        |arguments: &[&str]| server.beside("rails", &[["--rails", rails.as_str()].as_slice(), arguments].concat());
    assert!(on_rails(&["status"]).contains("payments are practice"));
    assert_eq!(on_rails(&["exceptions"]), "Nothing is open.\n");
    let made = server.beside("merchant", &["add", "Lantern Books"]);
    let id = made.lines().find_map(|line| line.strip_prefix("client_id: ")).expect("an id");
    assert!(server.beside("merchant", &["list"]).contains("Lantern Books"));
    server.beside("merchant", &["end", id]);
    assert_eq!(server.beside("card", &["disputes"]), "No dispute waits.\n");
    let code = folder.path().join("rowan").display().to_string();
    server.support(&["--public-url", &server.url(), "add", "Rowan", "--code-file", &code]);
    assert_eq!(server.support(&["agents"]), "Rowan\n");
    assert_eq!(server.support(&["--agent-file", &code, "cases"]), "Nothing is open.\n");
    assert!(server.beside("audit", &[]).contains(" 0 faults"));
}

#[test]
fn a_mistyped_folder_is_said_and_not_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let mistyped = folder.path().join("mistyped");
    for command in [["merchant", "list"], ["card", "disputes"], ["support", "agents"]] {
        let mut program = Command::new(server_program());
        let output = program.arg(command[0]).arg("--data").arg(&mistyped).arg(command[1]).output().expect("it starts");
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("there is no database in"), "{command:?}");
        assert!(!mistyped.exists(), "{command:?}");
    }
}
