//! The card screen: four figures that are never mixed, and what posted.

use domain::accounts::Account;
use domain::card::CardFigures;
use domain::money::Money;
use jiff::civil::Date;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CardView {
    pub account: Account,
    pub figures: CardFigures,
    /// Charges by month, oldest first, the last 12; positive.
    pub spending: Vec<MonthTotal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct MonthTotal {
    /// First day of the month.
    #[specta(type = String)]
    pub month: Date,
    pub amount: Money,
}
