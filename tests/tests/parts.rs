//! Parts of others that ship in the programs: each is told by name, version, licence and digest, which is what the bills of
//! materials that `cargo xtask bundle` writes are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// What cargo knows of every part in the lock file. Parts for other systems are fetched where no build has done so.
fn metadata() -> Value {
    let asked = ["metadata", "--format-version", "1", "--locked"];
    let told = Command::new(env!("CARGO")).args(asked).current_dir(root()).output().expect("cargo answers");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).expect("JSON")
}

/// The parts that are linked into a program, or that run while it is built.
fn linked(metadata: &Value, program: &str) -> BTreeSet<String> {
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let nodes: BTreeMap<&str, &Value> = nodes.iter().map(|node| (text(node, "id"), node)).collect();
    let packages = metadata["packages"].as_array().expect("packages");
    let root = packages.iter().find(|package| package["source"].is_null() && package["name"] == program);
    let mut waiting = vec![text(root.expect("the program"), "id")];
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !found.insert(id.to_owned()) {
            continue;
        }
        for part in nodes[id]["deps"].as_array().expect("parts") {
            let kinds = part["dep_kinds"].as_array().expect("kinds");
            if kinds.iter().any(|kind| kind["kind"] != "dev") {
                waiting.push(text(part, "pkg"));
            }
        }
    }
    found
}

/// What is not said of a part that has to be.
fn unsaid(part: &Value, digest: &str) -> Option<String> {
    let licence = ["license", "license_file"].iter().any(|name| !text(part, name).is_empty());
    let said = [("version", !text(part, "version").is_empty()), ("licence", licence), ("digest", !digest.is_empty())];
    let missing: Vec<&str> = said.iter().filter(|(_, is_said)| !is_said).map(|(name, _)| *name).collect();
    (!missing.is_empty()).then(|| format!("{}: no {}", text(part, "name"), missing.join(", ")))
}

#[test]
fn every_part_of_the_programs_is_told_by_version_licence_and_digest() {
    let metadata = metadata();
    let lock: toml::Table =
        std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock").parse().expect("the lock file reads");
    let key = |name: &str, version: &str| format!("{name} {version}");
    let locked = lock["package"].as_array().expect("packages").iter();
    let digests: BTreeMap<String, &str> = locked
        .filter_map(|part| {
            Some((key(part["name"].as_str()?, part["version"].as_str()?), part.get("checksum")?.as_str()?))
        })
        .collect();
    for (program, most) in [("server", 300), ("desktop", 500)] {
        let linked = linked(&metadata, program);
        assert!(linked.len() > most, "the parts of {program} were found: {}", linked.len());
        let packages = metadata["packages"].as_array().expect("packages").iter();
        let ours = |part: &Value| part["source"].is_null();
        let parts: Vec<&Value> = packages.filter(|part| linked.contains(text(part, "id")) && !ours(part)).collect();
        let digest = |part: &Value| digests.get(&key(text(part, "name"), text(part, "version"))).copied();
        let bad: Vec<String> =
            parts.into_iter().filter_map(|part| unsaid(part, digest(part).unwrap_or_default())).collect();
        assert_eq!(bad, Vec::<String>::new(), "{program}");
    }
    let breach = serde_json::json!({"name": "a part", "version": "1.0.0", "license": null});
    assert_eq!(unsaid(&breach, ""), Some("a part: no licence, digest".to_owned()));
}

#[test]
fn every_part_of_the_pages_is_told_by_version_licence_and_digest() {
    let lock = std::fs::read(root().join("ui/package-lock.json")).expect("the lock file");
    let lock: Value = serde_json::from_slice(&lock).expect("JSON");
    let parts = lock["packages"].as_object().expect("packages").iter().filter(|(path, _)| !path.is_empty());
    let bad: Vec<String> = parts
        .clone()
        .filter_map(|(path, part)| unsaid(part, text(part, "integrity")).map(|what| format!("{path}{what}")))
        .collect();
    assert!(parts.count() > 100, "the parts were found");
    assert_eq!(bad, Vec::<String>::new());
}

#[test]
fn a_bundle_comes_with_its_bills_of_materials() {
    let source = |file: &str| std::fs::read_to_string(root().join("xtask/src").join(file)).expect("a source");
    let main = source("main.rs");
    let bundle = main.split("fn bundle()").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the step");
    assert!(bundle.contains("parts::write(&mut steps);"), "{bundle}");
    for bill in ["billfold-server.cdx.json", "billfold.cdx.json", "billfold-pages.cdx.json"] {
        assert!(source("parts.rs").contains(bill), "{bill}");
    }
}
