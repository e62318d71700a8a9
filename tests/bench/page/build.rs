//! What Tauri makes of the configuration.

fn main() {
    tauri_build::build();
}
