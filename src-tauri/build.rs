//! Lets a fresh checkout build before the UI was built: a placeholder page stands in, and says so.

use std::path::Path;

const PLACEHOLDER: &str = "<!doctype html><meta charset=\"utf-8\"><title>Billfold</title>\
    <p>The screens are not built. Run <code>cargo xtask run</code>.</p>";

fn main() {
    let built = Path::new("../ui/build");
    let page = built.join("index.html");
    if !page.exists() {
        std::fs::create_dir_all(built).expect("the folder of the built screens can be made");
        std::fs::write(&page, PLACEHOLDER).expect("the placeholder page can be written");
        println!("cargo:warning=ui/build is missing: a placeholder page is built in");
    }
    println!("cargo:rerun-if-changed=../ui/build");
    println!("cargo:rerun-if-changed=../icons");
    tauri_build::build();
}
