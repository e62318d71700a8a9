//! Whether the books agree: the ledger with itself, payments with their steps, jobs and rails, the feed with both.
//! `billfold-server audit` asks it, the server itself once an hour, and every test of the server at its end.

pub mod heads;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use api::payments::Payment;
use domain::accounts::Account;

use crate::App;
use crate::db::{Db, DbError, DbResult, Tx};
use crate::{payments, security};
use heads::Noted;

const EVERY: Duration = Duration::from_secs(3_600);

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many promises were looked at.
    pub questions: usize,
    /// The promises that do not hold, each with how often it is broken and what kind of row breaks it.
    pub faults: Vec<String>,
}

impl Report {
    fn note(&mut self, promise: &str, wrong: &[String]) {
        self.questions += 1;
        if let Some(first) = wrong.first() {
            self.faults.push(format!("not so: {promise} ({} times, first: {first})", wrong.len()));
        }
    }
}

/// Looks at everything, at one moment.
pub async fn run(db: &Db) -> DbResult<Report> {
    run_with(db, None).await
}

/// The same, and whether the security logs have the heads that were noted.
pub async fn run_with(db: &Db, noted: Option<&Noted>) -> DbResult<Report> {
    let mut tx = db.begin_read().await?;
    look(&mut tx, noted).await
}

async fn look(tx: &mut Tx, noted: Option<&Noted>) -> DbResult<Report> {
    let mut report = Report::default();
    for (promise, sql) in store::QUESTIONS {
        let wrong = store::wrong(tx, sql).await?;
        report.note(promise, &wrong);
    }
    let mut stale = Vec::new();
    for (state, body) in store::payment_bodies(tx).await? {
        let payment: Payment = serde_json::from_str(&body).map_err(|_| DbError::Corrupt("a payment's record"))?;
        let told = serde_json::to_value(payment.state).map_err(|_| DbError::Corrupt("a state"))?;
        if told != serde_json::Value::String(state.clone()) {
            stale.push(state);
        }
    }
    report.note("devices are told each payment's state", &stale);
    let mut wrong = Vec::new();
    for (body, available, own, lines) in store::account_bodies(tx).await? {
        let account: Account = serde_json::from_str(&body).map_err(|_| DbError::Corrupt("an account's record"))?;
        let told = |amount: Option<domain::money::Money>| amount.map(domain::money::Money::minor);
        if told(account.available) != Some(available) || told(account.balance) != Some(own) || own != lines {
            wrong.push(account.currency.to_string());
        }
    }
    report.note("devices are told each served account's balance, and its lines sum to it", &wrong);
    let mut wrong = Vec::new();
    for card in store::card_bodies(tx).await? {
        let account: Account = serde_json::from_str(&card.body).map_err(|_| DbError::Corrupt("a card's record"))?;
        let told = |amount: Option<domain::money::Money>| amount.map(domain::money::Money::minor);
        let left = card.limit_minor - card.owed - card.held;
        let is_told = told(account.available) == Some(left) && told(account.balance) == Some(-card.owed);
        if !is_told || card.owed != -card.posted || card.held != -card.pending {
            wrong.push(account.currency.to_string());
        }
    }
    report.note("devices are told each card's balance and credit, and its lines sum to them", &wrong);
    let unfounded = payments::unfounded(tx).await?;
    report.note("what was set aside on an approval is what was approved", &unfounded);
    report.note("every security log is the chain that was written", &security::breaks(tx).await?);
    if let Some(noted) = noted {
        let missing = noted.missing(store::entries(tx).await?.into_iter());
        report.note("every security log has the heads that were noted of it", &missing);
    }
    Ok(report)
}

/// Looks once an hour and says what is wrong in the log.
pub(crate) async fn run_hourly(app: App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.ending.cancelled() => return,
        }
        let noted = match app.settings.audit_head.as_deref().map(Noted::open).transpose() {
            Ok(noted) => noted,
            Err(error) => {
                tracing::error!(%error, "the heads of the security logs do not read");
                None
            }
        };
        match run_with(&app.db, noted.as_ref()).await {
            Ok(report) => {
                for fault in report.faults {
                    tracing::error!(fault, "the books do not agree");
                }
            }
            Err(error) => tracing::warn!(kind = error.kind(), "the audit could not look"),
        }
    }
}
