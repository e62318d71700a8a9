//! How the window's web view draws.

use tauri::WebviewWindow;

/// On Linux by the processor: a page of figures needs no graphics card, whose buffers took a quarter of the memory, and
/// whose drivers are what keeps WebKitGTK windows blank on some computers. Elsewhere as the system does.
pub fn draw_plainly(window: &WebviewWindow) {
    #[cfg(target_os = "linux")]
    {
        use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};
        let asked = window.with_webview(|view| {
            if let Some(settings) = view.inner().settings() {
                settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
            }
        });
        if asked.is_err() {
            tracing::warn!("the web view draws as it likes");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = window;
}
