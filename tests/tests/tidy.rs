//! Rules of the whole repository, held by reading it. Each rule is a function that names what breaks it, and is tried on
//! a planted breach as well, so that a rule that sees nothing is noticed.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// A file that belongs to the repository, with its path from the top.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn planted(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}

/// The path of every file that git tracks.
fn tracked() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().expect("git answers");
    let names = String::from_utf8(listed.stdout).expect("names");
    names.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

/// Every text file that git tracks.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for path in tracked() {
        // A file that was removed and not committed yet has no text.
        if let Ok(text) = std::fs::read_to_string(root().join(&path)) {
            sources.push(Source { path, text });
        }
    }
    assert!(sources.len() > 100, "git knows the repository's files");
    sources
}

type Rule = fn(&Source) -> Option<String>;

#[track_caller]
fn hold(rule: Rule, breach: &Source) {
    assert!(rule(breach).is_some(), "the rule does not see its own breach");
    let broken: Vec<String> = sources()
        .iter()
        // This file names what it forbids.
        .filter(|source| source.path != "tests/tests/tidy.rs")
        .filter_map(|source| rule(source).map(|what| format!("{}: {what}", source.path)))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn is_rust(source: &Source) -> bool {
    source.path.ends_with(".rs")
}

/// Lines that are no comment.
fn code(source: &Source) -> impl Iterator<Item = &str> {
    source.text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn names_crate(source: &Source, name: &str) -> bool {
    let path = format!("{name}::");
    code(source).any(|line| {
        let mut rest = line;
        while let Some(at) = rest.find(&path) {
            let before = rest[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                return true;
            }
            rest = &rest[at + path.len()..];
        }
        false
    })
}

// ---- Layers --------------------------------------------------------------------------------------------------------

/// Which of our own packages each may name, in its `Cargo.toml`.
const ARROWS: &[(&str, &[&str])] = &[
    ("crates/domain", &[]),
    ("crates/formats", &["domain"]),
    ("crates/api", &["domain"]),
    ("crates/client", &["domain", "formats", "api"]),
    ("crates/server", &["domain", "formats", "api"]),
    ("src-tauri", &["domain", "formats", "api", "client", "server"]),
];

fn points_the_wrong_way(source: &Source) -> Option<String> {
    let folder = source.path.strip_suffix("/Cargo.toml")?;
    let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == folder)?;
    let own = ["domain", "formats", "api", "client", "server", "desktop"];
    let wrong = own.into_iter().find(|name| {
        !allowed.contains(name) && source.text.lines().any(|line| line.starts_with(&format!("{name} = ")))
    });
    wrong.map(|name| format!("may not depend on {name}"))
}

#[test]
fn packages_depend_downwards_only() {
    hold(points_the_wrong_way, &Source::planted("crates/client/Cargo.toml", "server = { workspace = true }\n"));
}

fn reaches_out_of_pure_code(source: &Source) -> Option<String> {
    let pure = ["crates/domain/src/", "crates/formats/src/"].iter().any(|folder| source.path.starts_with(folder));
    if !pure || !is_rust(source) || source.path.contains("tests") {
        return None;
    }
    let body = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let body = Source::planted(&source.path, body);
    let outside =
        ["tokio", "std::fs", "std::net", "std::env", "std::process", "std::time", "getrandom", "reqwest", "sqlx"];
    let found = outside
        .into_iter()
        .find(|name| names_crate(&body, name) || code(&body).any(|line| line.contains(&format!("use {name}"))));
    found.map(|name| format!("pure code names {name}"))
}

#[test]
fn domain_and_formats_do_nothing_but_reckon() {
    hold(reaches_out_of_pure_code, &Source::planted("crates/domain/src/money.rs", "let text = std::fs::read(path);\n"));
}

fn names_sqlx_elsewhere(source: &Source) -> Option<String> {
    let of_server = source.path.starts_with("crates/server/src/") && is_rust(source);
    let may = source.path.ends_with("/store.rs") || source.path.contains("/src/db");
    (of_server && !may && names_crate(source, "sqlx")).then(|| "only db.rs and store.rs files name sqlx".to_owned())
}

#[test]
fn the_servers_sql_lives_in_its_stores() {
    hold(names_sqlx_elsewhere, &Source::planted("crates/server/src/bills.rs", "sqlx::query(\"SELECT 1\")\n"));
}

/// A route that is not in the document is in no table of callers either.
fn hides_a_route(source: &Source) -> Option<String> {
    let of_server = source.path.starts_with("crates/server/src/") && is_rust(source);
    let body = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    (of_server && body.contains(".route(\"")).then(|| "a route is named by `routes!`".to_owned())
}

#[test]
fn every_route_of_the_server_is_in_its_document() {
    let breach = Source::planted("crates/server/src/bills.rs", "router.route(\"/hidden\", get(hidden))\n");
    hold(hides_a_route, &breach);
}

fn opens_the_cache_elsewhere(source: &Source) -> Option<String> {
    let of_client = source.path.starts_with("crates/client/src/") && is_rust(source);
    let may = source.path.contains("/src/cache/");
    let opens = code(source).any(|line| line.contains("SqliteConnectOptions") || line.contains("SqlitePoolOptions"));
    (of_client && !may && opens).then(|| "only the cache opens its file".to_owned())
}

#[test]
fn only_the_cache_opens_the_cache() {
    let breach = Source::planted("crates/client/src/bills.rs", "let options = SqliteConnectOptions::new();\n");
    hold(opens_the_cache_elsewhere, &breach);
}

fn server_reads_environment(source: &Source) -> Option<String> {
    let of_server = source.path.starts_with("crates/server/src/") && is_rust(source);
    let may =
        ["config.rs", "testing.rs"].iter().any(|name| source.path.ends_with(name)) || source.path.contains("tests");
    (of_server && !may && code(source).any(|line| line.contains("std::env")))
        .then(|| "only config.rs reads the environment".to_owned())
}

#[test]
fn the_server_is_configured_in_one_place() {
    hold(
        server_reads_environment,
        &Source::planted("crates/server/src/http.rs", "let port = std::env::var(\"PORT\");\n"),
    );
}

fn touches_the_desktop_elsewhere(source: &Source) -> Option<String> {
    let of_shell = source.path.starts_with("src-tauri/src/") && is_rust(source);
    let may = source.path.starts_with("src-tauri/src/os/");
    let parts = ["keyring_core", "notify_rust", "zbus", "rfd"];
    let found = parts.into_iter().find(|name| names_crate(source, name));
    if of_shell && !may { found.map(|name| format!("only os/ names {name}")) } else { None }
}

#[test]
fn only_one_folder_touches_the_desktop() {
    let breach = Source::planted("src-tauri/src/app.rs", "notify_rust::Notification::new();\n");
    hold(touches_the_desktop_elsewhere, &breach);
}

/// Where the system has no safe interface (decision 27).
const UNSAFE_MAY: [&str; 2] = ["src-tauri/src/os/session/macos.rs", "src-tauri/src/os/session/windows.rs"];

fn is_unsafe_elsewhere(source: &Source) -> Option<String> {
    let may = UNSAFE_MAY.contains(&source.path.as_str());
    let lifts = |line: &str| line.contains("allow(unsafe_code") || line.contains("expect(unsafe_code");
    (is_rust(source) && !may && code(source).any(lifts)).then(|| "only os/session may hold unsafe code".to_owned())
}

#[test]
fn unsafe_code_stands_only_where_a_system_has_no_safe_interface() {
    let breach = Source::planted("src-tauri/src/app.rs", "#![expect(unsafe_code, reason = \"fast\")]\n");
    hold(is_unsafe_elsewhere, &breach);
}

#[test]
fn the_shell_is_linted_as_all_others_but_for_unsafe_code() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a manifest");
    let lints = |manifest: &str, tables: [&str; 2]| {
        tables.map(|table| {
            let after = manifest.split_once(&format!("{table}\n")).expect("a table of lints").1;
            let lines = after.lines().take_while(|line| !line.starts_with('[') && !line.is_empty());
            lines.map(str::to_owned).collect::<Vec<_>>()
        })
    };
    let all = lints(&read("Cargo.toml"), ["[workspace.lints.rust]", "[workspace.lints.clippy]"]);
    let mut shell = lints(&read("src-tauri/Cargo.toml"), ["[lints.rust]", "[lints.clippy]"]);
    let lifted = shell[0].iter_mut().find(|line| line.as_str() == "unsafe_code = \"deny\"");
    *lifted.expect("the shell denies unsafe code") = "unsafe_code = \"forbid\"".to_owned();
    assert_eq!(shell, all);
}

// ---- UI ------------------------------------------------------------------------------------------------------------

fn is_ui(source: &Source) -> bool {
    source.path.starts_with("ui/src/") && [".ts", ".svelte", ".js"].iter().any(|end| source.path.ends_with(end))
}

fn imports_tauri_elsewhere(source: &Source) -> Option<String> {
    let may = ["ui/src/lib/ipc/tauri.ts", "ui/src/lib/ipc/bindings.ts"].contains(&source.path.as_str());
    (is_ui(source) && !may && source.text.contains("@tauri-apps")).then(|| "only ipc/tauri.ts imports Tauri".to_owned())
}

#[test]
fn the_ui_meets_the_shell_in_one_file() {
    let breach =
        Source::planted("ui/src/features/home/Home.svelte", "import { invoke } from '@tauri-apps/api/core';\n");
    hold(imports_tauri_elsewhere, &breach);
}

fn imports_another_feature(source: &Source) -> Option<String> {
    let own = source.path.strip_prefix("ui/src/features/")?.split('/').next()?.to_owned();
    let lines = source.text.lines().filter(|line| line.contains("import "));
    for line in lines {
        let Some(rest) = line.split("$features/").nth(1) else { continue };
        let other = rest.split(['/', '\'', '"']).next().unwrap_or_default();
        if other != own {
            return Some(format!("{own} imports {other}"));
        }
    }
    None
}

#[test]
fn features_of_the_ui_do_not_know_each_other() {
    let breach = Source::planted("ui/src/features/home/Home.svelte", "import Pay from '$features/pay/Pay.svelte';\n");
    hold(imports_another_feature, &breach);
}

fn styles_inline(source: &Source) -> Option<String> {
    let markup = source.path.ends_with(".svelte") || source.path == "ui/src/app.html";
    (is_ui(source) || markup).then_some(())?;
    let inline = source.text.lines().find(|line| line.contains(" style=\"") || line.contains(" style={"));
    inline.filter(|_| markup).map(|line| format!("a style within the page: {}", line.trim()))
}

#[test]
fn pages_carry_no_inline_style() {
    hold(styles_inline, &Source::planted("ui/src/features/home/Home.svelte", "<p style=\"color: red\">\n"));
}

// ---- The repository ------------------------------------------------------------------------------------------------

/// Words of a place where the project was made, and addresses of package hosts, have no business in it.
fn speaks_of_a_workplace(source: &Source) -> Option<String> {
    let places = ["/work/", "/root/", "registry.npmjs.org", "index.crates.io", "static.crates.io"];
    let lock = source.path.ends_with("Cargo.lock");
    let found = places.into_iter().find(|place| source.text.contains(place));
    found.filter(|_| !lock).map(|place| format!("names {place}"))
}

#[test]
fn nothing_names_a_machine_or_a_package_host() {
    hold(speaks_of_a_workplace, &Source::planted("docs/x.md", "see /root/notes\n"));
}

fn is_unfinished(source: &Source) -> Option<String> {
    let marks = ["TODO", "FIXME", "XXX", "HACK"];
    let text = [".rs", ".ts", ".svelte", ".sql", ".md", ".js", ".css"].iter().any(|end| source.path.ends_with(end));
    let has = |mark: &str| source.text.split(|c: char| !c.is_alphanumeric()).any(|word| word == mark);
    marks.into_iter().find(|mark| text && has(mark)).map(|mark| format!("holds {mark}"))
}

#[test]
fn nothing_is_left_for_later_in_the_text() {
    hold(is_unfinished, &Source::planted("crates/api/src/lib.rs", "// TODO: more\n"));
}

/// What git tracks is text, or a picture or a font of the app.
fn is_a_stray(path: &str, content: &[u8]) -> bool {
    let ours = ["png", "icns", "ico", "otf"].iter().any(|end| path.ends_with(&format!(".{end}")));
    !ours && std::str::from_utf8(content).is_err()
}

#[test]
fn no_download_or_program_is_tracked() {
    assert!(is_a_stray("ui/package.whl", b"PK\x03\x04\xff"), "the rule does not see its own breach");
    let read = |path: &String| std::fs::read(root().join(path)).unwrap_or_default();
    let strays: Vec<String> = tracked().into_iter().filter(|path| is_a_stray(path, &read(path))).collect();
    assert!(strays.is_empty(), "{}", strays.join("\n"));
}

#[test]
fn migrations_come_in_pairs() {
    let names = |engine: &str| {
        let folder = root().join("crates/server/migrations").join(engine);
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("migrations")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(names("sqlite").len() >= 4);
}

#[test]
fn the_required_packages_are_direct_dependencies_and_the_required_folders_are_there() {
    let manifests: String =
        ["Cargo.toml", "src-tauri/Cargo.toml", "crates/server/Cargo.toml", "crates/client/Cargo.toml"]
            .iter()
            .map(|path| std::fs::read_to_string(root().join(path)).expect("a manifest"))
            .collect();
    for name in ["tauri", "tokio", "sqlx", "serde", "keyring", "keyring-core", "webauthn-rs", "notify-rust"] {
        let named = manifests
            .lines()
            .any(|line| line.starts_with(&format!("{name} = ")) || line.starts_with(&format!("{name}.")));
        assert!(named, "{name} is a direct dependency");
    }
    for name in [
        "Cargo.toml",
        "src-tauri",
        "ui",
        "icons",
        "tests",
        "README.md",
        "CHANGELOG.md",
        "docs/ARCHITECTURE.md",
        "docs/API.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "LICENSE-AGPL",
        "deny.toml",
    ] {
        assert!(root().join(name).exists(), "{name} is there");
    }
}

#[test]
fn every_refusal_of_the_server_is_explained() {
    let codes = std::fs::read_to_string(root().join("crates/api/src/error.rs")).expect("the codes");
    let explained = std::fs::read_to_string(root().join("docs/API.md")).expect("docs/API.md");
    let mut count = 0;
    for line in codes.lines().filter(|line| line.contains(" = \"") && line.trim_end().ends_with(';')) {
        let Some(code) = line.split('"').nth(1).filter(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        else {
            continue;
        };
        count += 1;
        assert!(explained.contains(&format!("`{code}`")), "docs/API.md explains {code}");
    }
    assert!(count > 20, "the codes were found: {count}");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut links = 0;
    for source in sources().iter().filter(|source| source.path.ends_with(".md")) {
        let folder = root().join(&source.path).parent().expect("a folder").to_path_buf();
        for part in source.text.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default().split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            links += 1;
            assert!(folder.join(target).exists(), "{}: {target} is not there", source.path);
        }
    }
    assert!(links > 0);
}

#[test]
fn decisions_are_numbered_one_after_another() {
    let mut numbers: Vec<u32> = std::fs::read_dir(root().join("docs/decisions"))
        .expect("decisions")
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().split('-').next()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let expected: Vec<u32> = (1..=u32::try_from(numbers.len()).expect("few")).collect();
    assert_eq!(numbers, expected);
}

/// The rows of the table of threats whose file or test is not there.
fn unfounded_threats(table: &str, sources: &[Source]) -> Vec<String> {
    let rows = table.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 4).skip(1);
    let quoted = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let is_unfounded = |row: &&str| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let (file, test) = (quoted(cells[3]), quoted(cells[4]));
        let named = format!("fn {test}(");
        let told = test.starts_with("none:") || sources.iter().any(|source| source.text.contains(&named));
        !told || !sources.iter().any(|source| source.path == file)
    };
    rows.filter(|row| !row.starts_with("| ---")).filter(is_unfounded).map(str::to_owned).collect()
}

#[test]
fn every_threat_names_a_file_and_a_test_that_are_there() {
    let sources = sources();
    let table = std::fs::read_to_string(root().join("docs/THREATS.md")).expect("docs/THREATS.md");
    assert!(table.lines().filter(|line| line.starts_with("| ")).count() > 20, "the table was found");
    assert_eq!(unfounded_threats(&table, &sources), Vec::<String>::new());
    let head = "| What | From | How | File | Test |\n| --- | --- | --- | --- | --- |\n";
    for bad in ["| a | b | c | `no/such/file.rs` | `sources` |", "| a | b | c | `README.md` | `no_such_test` |"] {
        assert_eq!(unfounded_threats(&format!("{head}{bad}"), &sources).len(), 1, "{bad}");
    }
}

/// Rows of the table of ASVS requirements that break its rules: a number that is none or comes twice, no words, a test
/// that is not there.
fn unfounded_requirements(table: &toml::Table, sources: &[Source]) -> Vec<String> {
    let rows = |name: &str| table.get(name).and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let text =
        |row: &toml::Value, name: &str| row.get(name).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let mut seen = std::collections::BTreeSet::new();
    let mut bad = Vec::new();
    for (row, words) in rows("held").iter().map(|row| (row, "holds")).chain(rows("open").iter().map(|row| (row, "why")))
    {
        let id = text(row, "id");
        let numbers: Vec<u32> = id.split('.').filter_map(|part| part.parse().ok()).collect();
        if numbers.len() != 3 || id.split('.').count() != 3 || !(1..=17).contains(&numbers[0]) {
            bad.push(format!("{id} is no number of the standard"));
        }
        if !seen.insert(id.clone()) {
            bad.push(format!("{id} comes twice"));
        }
        if text(row, words).len() < 10 {
            bad.push(format!("{id} says nothing"));
        }
        if words == "why" {
            continue;
        }
        let tests = row.get("tests").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        if tests.is_empty() {
            bad.push(format!("{id} has no test"));
        }
        for test in tests.iter().filter_map(toml::Value::as_str) {
            let named = format!("fn {test}(");
            if !sources.iter().any(|source| source.text.contains(&named)) {
                bad.push(format!("{id}: there is no test {test}"));
            }
        }
    }
    bad
}

#[test]
fn every_requirement_of_the_standard_names_tests_that_are_there() {
    let sources = sources();
    let text = std::fs::read_to_string(root().join("docs/asvs.toml")).expect("docs/asvs.toml");
    let table: toml::Table = text.parse().expect("the table reads");
    let count = table["held"].as_array().map_or(0, Vec::len);
    assert!(count > 60, "the requirements were found: {count}");
    assert_eq!(unfounded_requirements(&table, &sources), Vec::<String>::new());
    let held = "[[held]]\nid = \"6.3.1\"\nholds = \"something is held\"\n";
    let breaches = [
        format!("{held}tests = [\"no_such_test_anywhere\"]\n"),
        format!("{held}tests = []\n"),
        format!("{held}tests = [\"sources\"]\n{held}tests = [\"sources\"]\n"),
        held.replace("6.3.1", "6.3") + "tests = [\"sources\"]\n",
        "[[open]]\nid = \"6.3.1\"\nwhy = \"\"\n".to_owned(),
    ];
    for breach in breaches {
        let table: toml::Table = breach.parse().expect("the breach reads");
        assert_eq!(unfounded_requirements(&table, &sources).len(), 1, "{breach}");
    }
}

/// A section of the card's arithmetic that says neither which law nor whose own rule it follows.
fn rule_without_source(source: &Source) -> Option<String> {
    if source.path != "docs/CARD.md" {
        return None;
    }
    let names = |section: &str| ["CFR", "no law sets", "No law sets"].iter().any(|source| section.contains(source));
    let sections = source.text.split("\n## ").skip(1);
    let without = sections.filter(|section| !names(section)).filter_map(|section| section.lines().next());
    let without: Vec<&str> = without.collect();
    (!without.is_empty()).then(|| format!("no source: {}", without.join(", ")))
}

#[test]
fn every_formula_of_the_card_names_its_source() {
    let planted = "# Arithmetic\n\n## Grace\n\nAs 12 CFR 1026.54 says.\n\n## Gifts\n\nA tenth is given away.\n";
    hold(rule_without_source, &Source::planted("docs/CARD.md", planted));
}
