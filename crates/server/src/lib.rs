//! The account server: identity, ledger, payments, bills, statements and sync, as a library that the binary
//! `billfold-server` and the desktop's embedded server both start.

mod accounts;
mod addresses;
pub mod audit;
mod autopay;
pub mod backup;
pub mod beside;
pub mod billers;
mod bills;
mod calendar_feed;
#[cfg(test)]
mod callers;
pub mod card;
pub mod config;
pub mod db;
pub mod devices;
pub mod disputes;
mod due_dates;
pub mod error;
mod export;
mod feed;
pub mod health;
#[cfg(test)]
mod histories;
pub mod http;
pub mod idempotency;
pub mod jobs;
mod ledger;
pub mod limits;
pub mod mail;
pub mod methods;
mod notices;
pub mod openapi;
mod orders;
mod page_policy;
mod paper;
pub mod paydays;
pub mod payments;
pub mod proxies;
pub mod purchases;
mod readiness;
mod recovery;
pub mod reminders;
mod restore;
mod rewards;
pub mod risk;
pub mod seals;
mod security;
pub mod sign_in;
mod standing;
mod statements;
pub mod suggestions;
pub mod support;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transfer;
mod wallet;

use std::sync::{Arc, LazyLock};

use axum::Router;
use domain::ids::{DeviceId, FactorId, HolderId, PasskeyId};
use domain::time::Clock;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

pub use http::{Running, Server};
use methods::tokeniser::{SandboxTokeniser, Tokeniser};
use payments::rails::Rails;
use payments::rails::sandbox::Sandbox;

/// What every handler gets.
#[derive(Clone)]
pub struct App {
    pub db: db::Db,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
    pub settings: Arc<config::Settings>,
    pub identity: Arc<sign_in::Identity>,
    pub limits: Arc<limits::Limits>,
    pub load: limits::Load,
    pub jobs: Arc<jobs::Jobs>,
    /// How this node is.
    pub health: Arc<health::Health>,
    /// Requests with a key that are being worked on.
    pub under_way: idempotency::UnderWay,
    /// What moves the money.
    pub rails: Rails,
    /// Where the numbers of payment methods become tokens.
    pub tokeniser: Arc<dyn Tokeniser>,
    /// Where archives are made, and snapshots.
    pub archives: transfer::Places,
    pub snapshots: transfer::Places,
    /// What takes messages away.
    pub carriers: mail::carriers::Carriers,
    /// Cancelled when the server stops: open streams and background tasks end with it.
    pub ending: CancellationToken,
}

/// Where random bytes come from; seeded in tests.
pub trait Chance: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

impl App {
    pub async fn new(
        db: db::Db,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        settings: config::Settings,
    ) -> Result<Self, config::ConfigError> {
        let identity = sign_in::Identity::open(&db, &settings, clock.now(), chance.as_ref()).await?;
        let carriers = mail::carriers::Carriers::new(settings.mail.as_ref(), settings.texts.as_ref(), &clock)?;
        let mut tx = db.read_once().await?;
        let practice = payments::practice_currencies(&mut tx).await?;
        drop(tx);
        if let Some(currency) = settings.rails.currencies().find(|currency| practice.contains(currency)) {
            return Err(config::ConfigError::PracticeMoney(currency));
        }
        let sandbox = Sandbox::new(db.clone(), Arc::clone(&clock), settings.zone.clone(), settings.practice.clone());
        let rails = Rails::new(Arc::new(sandbox), &settings.rails, &db, &clock, settings.zone.clone());
        let tokeniser = SandboxTokeniser::new(db.clone(), Arc::clone(&chance));
        let limits = limits::Limits::new(settings.throttle);
        Ok(Self {
            db,
            clock,
            chance,
            settings: Arc::new(settings),
            identity: Arc::new(identity),
            limits: Arc::new(limits),
            load: limits::Load::default(),
            jobs: Arc::new(jobs::Jobs::default()),
            health: Arc::new(health::Health::default()),
            under_way: idempotency::UnderWay::default(),
            rails,
            tokeniser: Arc::new(tokeniser),
            archives: export::places(),
            snapshots: feed::places(),
            carriers,
            ending: CancellationToken::new(),
        })
    }

    /// Ten random bytes for a new id.
    #[must_use]
    pub fn chance10(&self) -> [u8; 10] {
        self.random()
    }

    /// Random bytes, for a secret or an id.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.chance.fill(&mut bytes);
        bytes
    }

    #[must_use]
    pub fn new_holder_id(&self) -> HolderId {
        HolderId::new(self.clock.now(), self.chance10())
    }

    #[must_use]
    pub fn new_device_id(&self) -> DeviceId {
        DeviceId::new(self.clock.now(), self.chance10())
    }

    #[must_use]
    pub fn new_passkey_id(&self) -> PasskeyId {
        PasskeyId::new(self.clock.now(), self.chance10())
    }

    #[must_use]
    pub fn new_factor_id(&self) -> FactorId {
        FactorId::new(self.clock.now(), self.chance10())
    }
}

/// What a signed-in device may call: one line a feature.
fn api_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(sign_in::api_routes())
        .merge(devices::routes())
        .merge(feed::routes())
        .merge(accounts::routes())
        .merge(card::routes())
        .merge(rewards::routes())
        .merge(wallet::routes())
        .merge(disputes::routes())
        .merge(bills::routes())
        .merge(billers::routes())
        .merge(payments::routes())
        .merge(methods::api_routes())
        .merge(autopay::routes())
        .merge(paydays::routes())
        .merge(readiness::routes())
        .merge(reminders::routes())
        .merge(calendar_feed::api_routes())
        .merge(statements::routes())
        .merge(export::routes())
        .merge(restore::routes())
        .merge(suggestions::routes())
        .merge(security::routes())
        .merge(risk::routes())
        .merge(addresses::routes())
        .merge(recovery::api_routes())
        .merge(standing::routes())
        .merge(support::api_routes())
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::about())
        .merge(http::compressed(api_routes()))
        .merge(sign_in::routes())
        .merge(addresses::page::routes())
        .merge(purchases::routes())
        .merge(orders::routes())
        .merge(support::routes())
        .merge(methods::routes())
        .merge(notices::routes())
        .merge(recovery::routes())
        .merge(http::compressed(calendar_feed::routes()))
        .merge(page_policy::routes())
        .merge(health::routes())
}

/// Everything the server answers, in process: the listener and the tests both call this.
pub fn router(app: App) -> Router {
    // What each route takes and gives is said once: it is the same for every server of a process.
    static ROUTES: LazyLock<Router<App>> = LazyLock::new(|| routes().split_for_parts().0);
    http::dressed(ROUTES.clone(), app)
}
