//! The account server: identity, ledger, payments, bills, statements and sync, as a library that the binary
//! `billfold-server` and the desktop's embedded server both start.

pub mod db;
pub mod error;

use std::sync::Arc;

use domain::ids::HolderId;
use domain::time::Clock;

/// What every handler gets.
#[derive(Clone)]
pub struct App {
    pub db: db::Db,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
}

/// Where random bytes come from; seeded in tests.
pub trait Chance: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

impl App {
    /// Ten random bytes for a new id.
    #[must_use]
    pub fn chance10(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        self.chance.fill(&mut bytes);
        bytes
    }

    #[must_use]
    pub fn new_holder_id(&self) -> HolderId {
        HolderId::new(self.clock.now(), self.chance10())
    }
}
