//! Bills of materials (CycloneDX): which parts of others are in what is bundled, each with its version and licence.

use std::path::{Path, PathBuf};

use crate::steps::{self, Steps};

const FOLDER: &str = "target/release/parts";
/// How `cargo cyclonedx` calls the bill of each program, and how it is called here.
const PROGRAMS: &[(&str, &str)] =
    &[("billfold-server_bin.cdx.json", "billfold-server.cdx.json"), ("billfold_bin.cdx.json", "billfold.cdx.json")];
const PAGES: &str = "target/release/parts/billfold-pages.cdx.json";
/// Where no member of the workspace is.
const SKIPPED: &[&str] = &["target", "node_modules", ".git", "src"];

/// Writes them beside the programs: one for each program, and one for the window's pages with what builds them.
pub fn write(steps: &mut Steps) {
    if let Err(error) = std::fs::create_dir_all(FOLDER) {
        steps.failed(FOLDER, &error.to_string());
        return;
    }
    let sbom = ["sbom", "--sbom-format=cyclonedx", "--sbom-type=application", "--package-lock-only"];
    steps.run_into(Path::new(PAGES), "ui", "npm", &sbom);
    if !steps::answers("cargo", &["cyclonedx", "--version"]) {
        steps.skip("bills of materials of the programs: `cargo install --locked cargo-cyclonedx` first");
        return;
    }
    let cyclonedx = ["cyclonedx", "--format", "json", "--spec-version", "1.5", "--describe", "binaries", "--quiet"];
    let written = steps.run(".", "cargo", &cyclonedx);
    let bills = bills(Path::new("."));
    for (theirs, ours) in PROGRAMS.iter().filter(|_| written) {
        let found = bills.iter().find(|bill| bill.ends_with(theirs));
        let kept = found
            .ok_or("was not written".to_owned())
            .and_then(|bill| std::fs::rename(bill, Path::new(FOLDER).join(ours)).map_err(|error| error.to_string()));
        if let Err(why) = kept {
            steps.failed(theirs, &why);
        }
    }
    // It describes every member of the workspace, beside its manifest.
    for bill in bills {
        let _ = std::fs::remove_file(bill);
    }
}

/// The bills that stand beside the manifests of a folder and of those below it.
fn bills(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && !SKIPPED.contains(&name) {
                bills(&path)
            } else if name.ends_with(".cdx.json") {
                vec![path]
            } else {
                Vec::new()
            }
        })
        .collect()
}
