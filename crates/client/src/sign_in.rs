//! Sign-in: code grant through the system browser, back over a loopback listener; or a local account without a browser.

use serde::Serialize;

/// What the screen shows while the browser is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SignInStarted {
    /// Two digits that the server's page must show too.
    pub match_code: String,
    /// To open by hand when no browser came up.
    pub address: String,
    pub browser_opened: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct DeviceView {
    pub id: String,
    pub name: String,
    pub last_seen_at: String,
    pub this_one: bool,
}
