//! The person's own browser.

use client::platform::Browser;

#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBrowser;

impl Browser for SystemBrowser {
    fn open(&self, address: &str) -> bool {
        // Only pages of an account server are ever opened.
        let page = address.starts_with("https://") || address.starts_with("http://localhost");
        page && webbrowser::open(address).is_ok()
    }
}
