//! The real parts that flows are played with, each private to one flow: a home folder, a session bus with a keyring and
//! a notification service, an account server, a browser with a passkey, the app's window.

pub mod browser;
pub mod bus;
pub mod caller;
pub mod device;
pub mod gateway;
pub mod line;
pub mod place;
pub mod process;
pub mod python;
pub mod server;
pub mod sign_in;
pub mod storm;
pub mod timers;
pub mod vault;
pub mod window;
pub mod world;

/// The drivers' HTTP library wants its cryptography named once, also for plain connections.
pub(crate) fn name_cryptography() {
    // A second call finds it named already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
