//! The rails of this server, and which of them moves a payment: to a card of this server the rail within it, else the one
//! of its currency, as the operator configured it, and the practice rail for all others. A payment stays on the rail that it
//! was ordered on.

pub mod book;
pub mod files;
mod iso20022;
mod nacha;
pub mod sandbox;
pub mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use api::error::ErrorCode;
use domain::ids::{BillerId, HolderId};
use domain::money::Currency;
use domain::payments::PaymentOrder;
use domain::rails::Again;
use domain::time::Clock;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::rail::{Rail, Unfit};
use super::store::{self, Stored};
use crate::App;
use crate::billers;
use crate::config::ConfigError;
use crate::db::{Db, DbError, DbResult, Read, Tx};
use crate::error::ApiError;
use book::Book;
use files::FileRail;
use settings::RailSettings;

/// The rails that work by files are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What moves the money.
#[derive(Clone)]
pub struct Rails {
    practice: Arc<dyn Rail>,
    book: Arc<Book>,
    files: Vec<Arc<FileRail>>,
}

impl Rails {
    #[must_use]
    pub fn new(
        practice: Arc<dyn Rail>,
        settings: &RailSettings,
        db: &Db,
        clock: &Arc<dyn Clock>,
        zone: TimeZone,
    ) -> Self {
        let mut files = Vec::new();
        if let Some(nacha) = &settings.nacha {
            let format = Box::new(nacha::Nacha::new(nacha.clone()));
            files.push(Arc::new(FileRail::new(db.clone(), Arc::clone(clock), nacha.files.clone(), format)));
        }
        if let Some(iso20022) = &settings.iso20022 {
            let format = Box::new(iso20022::Iso20022::new(iso20022.clone()));
            files.push(Arc::new(FileRail::new(db.clone(), Arc::clone(clock), iso20022.files.clone(), format)));
        }
        Self { practice, book: Arc::new(Book::new(db.clone(), zone)), files }
    }

    /// The rail that a new payment goes on. Who is not in the directory can only be a card of this server.
    #[must_use]
    pub(super) fn for_order(&self, order: &PaymentOrder) -> &dyn Rail {
        self.for_payee(order.biller, order.amount.currency())
    }

    /// The rail that a new payment to a payee goes on.
    #[must_use]
    pub(crate) fn for_payee(&self, payee: BillerId, currency: Currency) -> &dyn Rail {
        if billers::find(payee).is_none() { self.book.as_ref() } else { self.of(currency) }
    }

    /// The rail that new payments to billers in this currency go on.
    #[must_use]
    pub fn of(&self, currency: Currency) -> &dyn Rail {
        let configured = self.files.iter().find(|rail| rail.currency() == currency);
        configured.map_or(self.practice.as_ref(), |rail| rail.as_ref())
    }

    /// The rail that a stored payment is on. One that the operator removed leaves its payments, which are over, where they are.
    pub(crate) fn named(&self, name: &str) -> DbResult<&dyn Rail> {
        if self.practice.name() == name {
            return Ok(self.practice.as_ref());
        }
        if name == book::NAME {
            return Ok(self.book.as_ref());
        }
        let found = self.of_files(name).map(|rail| rail as &dyn Rail);
        found.ok_or(DbError::Corrupt("a payment's rail, which is not configured"))
    }

    /// Refuses a server on which payments are open that no rail of it moves: they would wait for ever.
    pub(crate) async fn demand_all_in_use(&self, db: &Db) -> Result<(), ConfigError> {
        let in_use = store::rails_in_use(&mut db.read_once().await?).await?;
        match in_use.into_iter().find(|name| self.named(name).is_err()) {
            Some(name) => Err(ConfigError::RailMissing(name)),
            None => Ok(()),
        }
    }

    /// Whether payments in some currency can be drawn from payment methods.
    pub(crate) fn any_draws(&self) -> bool {
        self.practice.draws() || self.all_of_files().any(Rail::draws)
    }

    /// The rail of that name, if it works by files.
    #[must_use]
    pub fn of_files(&self, name: &str) -> Option<&FileRail> {
        self.all_of_files().find(|rail| rail.name() == name)
    }

    pub fn all_of_files(&self) -> impl Iterator<Item = &FileRail> {
        self.files.iter().map(AsRef::as_ref)
    }
}

/// Whether an order can go to its payee on its rail, on this day.
pub(super) async fn check(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    order: &PaymentOrder,
    rail: &dyn Rail,
    day: Date,
) -> Result<(), ApiError> {
    match rail.takes(order.biller, order.amount) {
        Ok(()) => {}
        Err(Unfit::Payee) => {
            let title = "this biller takes no payment in this currency here";
            return Err(ApiError::invalid(ErrorCode::NotPayable, "biller", title));
        }
        Err(Unfit::Amount) => {
            let title = "the amount is more than this way of paying can carry";
            return Err(ApiError::invalid(ErrorCode::InvalidAmount, "amount", title));
        }
    }
    let Some(rail) = app.rails.of_files(rail.name()) else { return Ok(()) };
    if tx.ask(files::is_stopped(rail.name(), holder, order.biller)).await? {
        return Err(ApiError::new(
            ErrorCode::PayeeStopped,
            "payments to this payee came back, which is being looked at",
        ));
    }
    let Some((again, from)) = rail.again(tx, holder, order).await? else { return Ok(()) };
    let until = match again {
        Again::From(first) if day >= first => return Ok(()),
        Again::From(_) => Some(from),
        Again::Over => None,
    };
    let mut refusal = ApiError::new(ErrorCode::CameBack, "the same payment came back for want of money");
    refusal.problem.until = until;
    Err(refusal)
}

/// Whether nothing goes to the payment's payee for now, because of what came back.
pub(super) fn is_stopped(app: &App, payment: &Stored) -> impl Read<Answer = bool> + use<> {
    let rail = app.rails.of_files(&payment.rail);
    let stopped = rail.map(|rail| files::is_stopped(rail.name(), payment.holder, payment.order.biller));
    stopped.then(|stopped| Ok(stopped.unwrap_or(false)))
}

/// Works on the rails that work by files, until the server ends.
pub(crate) async fn run(app: App) {
    while !app.ending.is_cancelled() {
        turn(&app).await;
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.ending.cancelled() => {}
        }
    }
}

/// Does what is due on each of them, once. What fails is said, and tried again with the next turn.
pub(crate) async fn turn(app: &App) {
    for rail in app.rails.all_of_files() {
        if let Err(error) = rail.turn(app).await {
            tracing::error!(rail = rail.name(), %error, "a rail was not worked on to the end");
        }
    }
    app.jobs.wake();
}
