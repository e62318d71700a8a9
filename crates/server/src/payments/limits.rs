//! What leaves without a passkey: the policy's limits, or the owner's own.

use domain::ids::HolderId;
use domain::money::Currency;
use domain::policy::Limits;

use super::store;
use crate::App;
use crate::db::{DbResult, Tx};

/// The limits that count now.
pub(super) async fn of(app: &App, tx: &mut Tx, holder: HolderId, currency: Currency) -> DbResult<Limits> {
    let usual = app.settings.policy.numbers().limits;
    let own = store::own_limits(tx, holder, currency).await?;
    Ok(own.map_or(usual, |own| own.at(app.clock.now())))
}
