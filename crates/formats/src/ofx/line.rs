//! One transaction of a statement, from its raw values to a checked record or the reason why not.

use domain::money::{Currency, MoneyError};

use super::fields::{self, Code, Unit};
use super::scan::Value;
use crate::records::{Correction, ImportedTransaction};

/// The raw values of a line, as far as they were read.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawLine<'a> {
    /// Where it begins, counted from 1.
    pub number: u32,
    /// It stands in a list of pending lines.
    pub pending: bool,
    pub kind: Value<'a>,
    pub posted_on: Value<'a>,
    pub transacted_on: Value<'a>,
    pub amount: Value<'a>,
    pub fit_id: Value<'a>,
    pub name: Value<'a>,
    pub memo: Value<'a>,
    pub check_number: Value<'a>,
    pub reference: Value<'a>,
    pub corrects: Value<'a>,
    pub action: Value<'a>,
    /// The currency that the amount is in, where it is not the statement's.
    pub currency: Value<'a>,
}

impl RawLine<'_> {
    pub fn check(&self, unit: Unit, on_card: bool) -> Result<ImportedTransaction, String> {
        let code = Code::of(self.kind.text);
        let pending = self.pending || code.as_bytes() == b"HOLD";
        let date_text =
            if self.posted_on.text.is_empty() && pending { self.transacted_on } else { self.posted_on }.text;
        let (amount, posted_on) = match (unit.amount(self.amount.text), fields::date(date_text)) {
            (Ok(amount), Some(date)) => (amount, date),
            (amount, date) => return Err(self.reasons(amount.err(), date.is_none().then_some(date_text))),
        };
        if let Ok(other) = self.currency.text.parse::<Currency>()
            && other != unit.currency
        {
            return Err(format!("its amount is in {other}, the account's currency is {}", unit.currency));
        }
        let (description, memo) = self.description();
        Ok(ImportedTransaction {
            line: self.number,
            posted_on,
            amount,
            kind: fields::transaction_kind(&code, amount, on_card, &description),
            description,
            memo,
            issuer_id: kept(self.fit_id),
            // Suncorp and others write 0 where there is no check.
            check_number: kept(self.check_number).filter(|number| number.bytes().any(|b| b != b'0')),
            pending,
            corrects: self.correction(),
        })
    }

    fn reasons(&self, amount: Option<MoneyError>, date: Option<&str>) -> String {
        let date = date.map(|text| match text {
            "" => "it has no date",
            _ => "its date does not exist",
        });
        let amount = amount.map(|error| match error {
            MoneyError::NotANumber if self.amount.text.is_empty() => "it has no amount".to_owned(),
            MoneyError::NotANumber => "its amount is not a plain decimal number".to_owned(),
            MoneyError::TooManyDecimals { allowed } => format!("its amount has more than {allowed} decimals"),
            MoneyError::OutOfRange => "its amount is out of range".to_owned(),
            MoneyError::Grouped => "its amount has a comma that may stand for decimals or for thousands".to_owned(),
            MoneyError::UnknownCurrency | MoneyError::CurrencyMismatch { .. } => error.to_string(),
        });
        match (date, amount) {
            (Some(date), Some(amount)) => format!("{date}; {amount}"),
            (date, amount) => amount.or(date.map(str::to_owned)).unwrap_or_default(),
        }
    }

    /// What to show, and what the memo adds to it. Names are cut at 32 characters by the standard; a memo that goes on
    /// where the name was cut is the whole text.
    fn description(&self) -> (String, Option<String>) {
        let name = fields::text(self.name);
        let memo = fields::text(self.memo);
        if memo.is_empty() {
            let name = if name.is_empty() { self.stand_in() } else { name };
            return (name, None);
        }
        if begins_with(&memo, &name) {
            return (memo, None);
        }
        if begins_with(&name, &memo) {
            return (name, None);
        }
        (name, Some(memo))
    }

    /// For a line without any words.
    fn stand_in(&self) -> String {
        let texts = [self.check_number, self.reference, self.kind];
        texts.into_iter().find(|value| !value.text.is_empty()).map(fields::text).unwrap_or_default()
    }

    fn correction(&self) -> Option<Correction> {
        let earlier = kept(self.corrects)?;
        let deletes = self.action.text.eq_ignore_ascii_case("DELETE");
        Some(if deletes { Correction::Deletes(earlier) } else { Correction::Replaces(earlier) })
    }
}

pub fn kept(value: Value<'_>) -> Option<String> {
    if value.text.is_empty() {
        return None;
    }
    Some(fields::text(value)).filter(|text| !text.is_empty())
}

fn begins_with(whole: &str, start: &str) -> bool {
    whole.as_bytes().get(..start.len()).is_some_and(|part| part.eq_ignore_ascii_case(start.as_bytes()))
}
