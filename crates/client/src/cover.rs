//! Whether what a payment leaves from bears it, as far as this device knows.

use domain::accounts::Account;
use domain::methods::Method;
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;
use domain::reminders::{Bears, bears};
use jiff::civil::Date;
use serde::Serialize;

use crate::accounts::is_served;
use crate::book::Book;
use crate::cache::bills::PaymentRow;
use crate::cache::{Cache, CacheResult, accounts, methods};

/// `from` is how its owner calls what the payment leaves from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cover {
    Bears {
        from: String,
    },
    Short {
        from: String,
        by: Money,
    },
    /// The money is in another bank: how much there is nobody here knows.
    Drawn {
        from: String,
    },
    /// Nothing can be drawn from the method any more by then.
    MethodEnds {
        from: String,
    },
    Unknown,
}

/// What payments leave from.
pub(crate) struct Sources {
    pub accounts: Vec<Account>,
    pub methods: Vec<Method>,
}

impl Sources {
    pub async fn read(cache: &Cache) -> CacheResult<Self> {
        let db = cache.readers();
        Ok(Self { accounts: accounts::all(db).await?, methods: methods::all(db).await? })
    }

    /// Whether a payment of this order is borne on the day it leaves. What leaves before it, or with it, counts.
    pub fn cover(&self, book: &Book, order: &PaymentOrder, on: Date) -> Cover {
        match order.method {
            None => self.cover_by_balance(book, order.amount.currency(), on),
            Some(id) => match self.methods.iter().find(|method| method.id == id) {
                None => Cover::Unknown,
                Some(method) if method.drawable(on.max(book.today)).is_err() => {
                    Cover::MethodEnds { from: method.name() }
                }
                Some(method) => Cover::Drawn { from: method.name() },
            },
        }
    }

    fn cover_by_balance(&self, book: &Book, currency: Currency, on: Date) -> Cover {
        let keeps = |account: &&Account| is_served(account) && account.card.is_none() && account.currency == currency;
        let account = self.accounts.iter().find(keeps);
        let Some((account, available)) = account.and_then(|one| Some((one, one.available.or(one.balance)?))) else {
            return Cover::Unknown;
        };
        let leaves = |row: &PaymentRow| {
            let state = row.answer.as_ref().map(|answer| answer.state);
            // What is reserved has left the available balance already.
            let waits =
                row.refused.is_none() && state.is_none_or(|state| state.leaves_by_itself() && !state.is_reserved());
            let day = row.answer.as_ref().map_or(row.order.send_on, |answer| Some(answer.will_process_on));
            let here = row.order.method.is_none() && row.order.amount.currency() == currency;
            waits && here && day.is_none_or(|day| day <= on)
        };
        let leaving = book.payments.iter().filter(|row| leaves(row)).map(|row| row.order.amount);
        match bears(available, leaving) {
            Ok(Bears::Yes { .. }) => Cover::Bears { from: account.label() },
            Ok(Bears::No { short_by }) => Cover::Short { from: account.label(), by: short_by },
            Err(_) => Cover::Unknown,
        }
    }
}
