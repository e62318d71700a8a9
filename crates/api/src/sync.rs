//! The change feed. Each commit on an account takes the next number of that account; a record carries the number of
//! the last commit that changed it, so the feed is always compact.
//!
//! - `GET /api/v1/sync?cursor=C` answers a `Page` of at most `PAGE_MAX` changes in order; without a cursor, from the start.
//! - `GET /api/v1/sync/snapshot` answers `application/x-ndjson`: a `SnapshotHead`, then one `Record` a line, all of
//!   one moment. For a new device, or when a cursor expired.
//! - `GET /api/v1/events` is a server-sent event stream: `event: number`, data the account's newest number; nothing else.

use domain::accounts::{Account, Transaction};
use domain::autopay::{Autopay, AutopayOf};
use domain::billers::OwnBiller;
use domain::bills::{Bill, Mark};
use domain::disputes::Dispute;
use domain::ids::{AccountId, BillId, BillerId, IncomeId, MethodId, SuggestionId, TransactionId};
use domain::methods::Method;
use domain::orders::Order;
use domain::paydays::Income;
use domain::plan::PlanWishes;
use domain::purchases::Purchase;
use domain::reminders::ReminderAnswer;
use domain::rewards::Reward;
use domain::security::SecurityEvent;
use domain::standing::Standing;
use domain::statements::StatementSummary;
use domain::suggestions::SuggestionAnswer;
use domain::wallet::{Wallet, WalletMoved};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::payments::Payment;

pub const PAGE_MAX: usize = 500;
/// Bytes in one snapshot line that a client accepts.
pub const LINE_MAX: usize = 256 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page {
    pub changes: Vec<Change>,
    /// Where to go on: opaque, made of epoch, number and place within it.
    pub cursor: String,
    /// There is more right now.
    pub more: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SnapshotHead {
    pub cursor: String,
    pub records: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Change {
    pub number: i64,
    #[serde(flatten)]
    pub record: Record,
}

/// One thing that a device keeps a copy of: `{"kind":"bill","body":{…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Record {
    Account(Account),
    Transaction(Transaction),
    Bill(Bill),
    Mark(Mark),
    Payment(Payment),
    SecurityEvent(SecurityEvent),
    /// What restrains the account, as it is now. None came: nothing does.
    Standing(Standing),
    ReminderAnswer(ReminderAnswer),
    Income(Income),
    /// What the person wants of the plan. None came: nothing was said.
    PlanWishes(PlanWishes),
    SuggestionAnswer(SuggestionAnswer),
    Purchase(Purchase),
    Order(Order),
    Method(Method),
    OwnBiller(OwnBiller),
    Autopay(Autopay),
    /// Of a card that this server issues; it never changes.
    Statement(StatementSummary),
    Reward(Reward),
    Wallet(Wallet),
    /// It never changes.
    WalletMove(WalletMoved),
    Dispute(Dispute),
    Gone(Gone),
}

/// A tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Gone {
    Account {
        id: AccountId,
    },
    Transaction {
        id: TransactionId,
    },
    Bill {
        id: BillId,
    },
    Mark {
        bill: BillId,
        #[schema(value_type = String, format = "date")]
        due_on: Date,
    },
    ReminderAnswer {
        bill: BillId,
        #[schema(value_type = String, format = "date")]
        due_on: Date,
    },
    Income {
        id: IncomeId,
    },
    SuggestionAnswer {
        id: SuggestionId,
    },
    Method {
        id: MethodId,
    },
    OwnBiller {
        id: BillerId,
    },
    Autopay {
        #[serde(flatten)]
        of: AutopayOf,
    },
}
