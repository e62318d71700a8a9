//! From tags to statements: what is open, what belongs to it, and what was wrong with it.

use domain::accounts::AccountKind;
use domain::card::IssuerFigures;
use domain::money::{Currency, Money};

use super::elements::{Aggregate, Element, Field};
use super::fields::{self, Unit};
use super::line::{RawLine, kept};
use super::scan::{Scanner, Tag, Value};
use super::{REJECTED_MAX, STATEMENTS_MAX, TRANSACTIONS_MAX, WARNINGS_MAX};
use crate::records::{
    Balance, ImportedAccount, ImportedFile, ImportedStatement, ImportedTransaction, ReadError, ReadOptions, Rejected,
};

/// The file as far as it was read.
pub struct Reading<'a> {
    options: ReadOptions,
    statements: Vec<ImportedStatement>,
    rejected: Vec<Rejected>,
    /// Rejected lines beyond those that are named.
    rejected_more: u32,
    warnings: Vec<String>,
    transactions: usize,
    institution: Option<String>,
    institution_id: Option<String>,
    open: Option<Open<'a>>,
    line: Option<RawLine<'a>>,
    place: Place,
    /// Code of the status being read.
    code: u32,
    issuer_error: Option<(u32, Option<String>)>,
    /// Why a statement was left out.
    refusal: Option<ReadError>,
    /// `</OFX>` was seen.
    ended: bool,
}

/// Which of the aggregates that share element names is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Elsewhere,
    Ledger,
    Available,
    /// The amount of the line is in the currency that follows.
    Currency,
    Status,
}

/// The statement being read.
struct Open<'a> {
    kind: AccountKind,
    /// Where it begins, counted from 1.
    line: u32,
    /// `Err` once it is known that no amount of it can be read.
    unit: Option<Result<Unit, ReadError>>,
    /// Lines that were left out because of that.
    left_out: u32,
    number: Value<'a>,
    bank: Value<'a>,
    branch: Value<'a>,
    starts_on: Value<'a>,
    ends_on: Value<'a>,
    ledger: RawBalance<'a>,
    available: RawBalance<'a>,
    /// The closing being read, and the latest of those before it.
    closing: RawClosing<'a>,
    closing_before: RawClosing<'a>,
    has_investments: bool,
    transactions: Vec<ImportedTransaction>,
}

#[derive(Clone, Copy, Default)]
struct RawBalance<'a> {
    amount: Value<'a>,
    as_of: Value<'a>,
}

#[derive(Clone, Copy, Default)]
struct RawClosing<'a> {
    closed_on: Value<'a>,
    balance: Value<'a>,
    due_on: Value<'a>,
    minimum_due: Value<'a>,
    credit_limit: Value<'a>,
}

impl<'a> Reading<'a> {
    pub const fn new(options: ReadOptions) -> Self {
        Self {
            options,
            statements: Vec::new(),
            rejected: Vec::new(),
            rejected_more: 0,
            warnings: Vec::new(),
            transactions: 0,
            institution: None,
            institution_id: None,
            open: None,
            line: None,
            place: Place::Elsewhere,
            code: 0,
            issuer_error: None,
            refusal: None,
            ended: false,
        }
    }

    #[inline]
    pub fn take(&mut self, tag: Tag, scanner: &mut Scanner<'a>) -> Result<(), ReadError> {
        match tag.element {
            Element::Field(field) if !tag.closes => {
                if let Some(value) = scanner.value() {
                    self.field(field, value);
                }
                Ok(())
            }
            Element::Field(_) => Ok(()),
            Element::Aggregate(aggregate) if tag.closes => self.close(aggregate),
            Element::Aggregate(aggregate) => self.open(aggregate, tag, scanner),
        }
    }

    fn open(&mut self, aggregate: Aggregate, tag: Tag, scanner: &mut Scanner<'a>) -> Result<(), ReadError> {
        self.place = Place::Elsewhere;
        match aggregate {
            Aggregate::Line | Aggregate::PendingLine => {
                self.end_line()?;
                let number = scanner.line_of(tag.at);
                if self.open.is_some() {
                    let pending = aggregate == Aggregate::PendingLine;
                    self.line = Some(RawLine { number, pending, ..RawLine::default() });
                } else {
                    self.reject(number, "it stands in no statement, so its account is not known".to_owned());
                }
            }
            Aggregate::BankStatement => self.begin(AccountKind::Other, tag, scanner)?,
            Aggregate::CardStatement => self.begin(AccountKind::Card, tag, scanner)?,
            Aggregate::InvestmentStatement => self.begin(AccountKind::Other, tag, scanner)?,
            Aggregate::InvestmentList => {
                if let Some(open) = &mut self.open {
                    open.has_investments = true;
                }
            }
            Aggregate::Closing => {
                if let Some(open) = &mut self.open {
                    open.next_closing();
                }
            }
            Aggregate::LedgerBalance => self.place = Place::Ledger,
            Aggregate::AvailableBalance => self.place = Place::Available,
            Aggregate::Currency => self.place = Place::Currency,
            Aggregate::Status => {
                self.place = Place::Status;
                self.code = 0;
            }
            Aggregate::File | Aggregate::Institution | Aggregate::TransactionList | Aggregate::OriginalCurrency => {}
        }
        Ok(())
    }

    fn close(&mut self, aggregate: Aggregate) -> Result<(), ReadError> {
        self.place = Place::Elsewhere;
        match aggregate {
            Aggregate::Line | Aggregate::PendingLine | Aggregate::TransactionList => self.end_line(),
            Aggregate::BankStatement | Aggregate::CardStatement | Aggregate::InvestmentStatement => {
                self.end_line()?;
                self.end_statement();
                Ok(())
            }
            Aggregate::File => {
                self.ended = true;
                self.end_line()
            }
            Aggregate::Institution
            | Aggregate::Status
            | Aggregate::InvestmentList
            | Aggregate::Closing
            | Aggregate::LedgerBalance
            | Aggregate::AvailableBalance
            | Aggregate::Currency
            | Aggregate::OriginalCurrency => Ok(()),
        }
    }

    #[inline]
    fn field(&mut self, field: Field, value: Value<'a>) {
        if let Some(line) = &mut self.line {
            let slot = match field {
                Field::LineType => &mut line.kind,
                Field::PostedOn => &mut line.posted_on,
                Field::TransactedOn => &mut line.transacted_on,
                Field::Amount => &mut line.amount,
                Field::FitId => &mut line.fit_id,
                Field::Name => &mut line.name,
                Field::Memo => &mut line.memo,
                Field::CheckNumber => &mut line.check_number,
                Field::ReferenceNumber => &mut line.reference,
                Field::CorrectsId => &mut line.corrects,
                Field::Action => &mut line.action,
                Field::CurrencySymbol if self.place == Place::Currency => &mut line.currency,
                _ => return,
            };
            // An empty element never hides a filled one, as when a name stands twice.
            if slot.text.is_empty() {
                *slot = value;
            }
        } else if self.place == Place::Status {
            self.status(field, value);
        } else if let Some(open) = &mut self.open {
            if field == Field::CurrencyDefault {
                open.unit = named_unit(value);
            } else if field == Field::AccountType {
                open.kind = fields::account_kind(value.text);
            } else if let Some(slot) = open.slot(field, self.place) {
                *slot = value;
            }
        } else {
            match field {
                Field::InstitutionName => self.institution = kept(value),
                Field::InstitutionId => self.institution_id = kept(value),
                _ => {}
            }
        }
    }

    fn status(&mut self, field: Field, value: Value<'a>) {
        match field {
            Field::Code => self.code = value.text.parse().unwrap_or(0),
            Field::Severity if value.text.eq_ignore_ascii_case("ERROR") && self.issuer_error.is_none() => {
                self.issuer_error = Some((self.code, None));
            }
            Field::Message => {
                if let Some((code, message @ None)) = &mut self.issuer_error
                    && *code == self.code
                {
                    *message = kept(value);
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, kind: AccountKind, tag: Tag, scanner: &mut Scanner<'a>) -> Result<(), ReadError> {
        self.end_line()?;
        self.end_statement();
        self.open = Some(Open::new(kind, scanner.line_of(tag.at)));
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), ReadError> {
        let (Some(line), Some(open)) = (&self.line, &mut self.open) else { return Ok(()) };
        if self.transactions == TRANSACTIONS_MAX {
            return Err(ReadError::TooMany { limit: TRANSACTIONS_MAX as u32 });
        }
        self.transactions += 1;
        match open.unit(line.currency.text, self.options) {
            Ok((unit, warning)) => {
                match line.check(unit, open.kind == AccountKind::Card) {
                    Ok(transaction) => open.transactions.push(transaction),
                    Err(reason) => {
                        let number = line.number;
                        self.reject(number, reason);
                    }
                }
                if let Some(warning) = warning {
                    warn(&mut self.warnings, warning);
                }
            }
            Err(_) => open.left_out += 1,
        }
        self.line = None;
        Ok(())
    }

    fn end_statement(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        let unit = match open.unit("", self.options) {
            Ok((unit, warning)) => {
                if let Some(warning) = warning {
                    warn(&mut self.warnings, warning);
                }
                unit
            }
            Err(refusal) => {
                let reason =
                    format!("the statement that begins here is left out with {} lines: {refusal}", open.left_out);
                self.reject(open.line, reason);
                self.refusal.get_or_insert(refusal);
                return;
            }
        };
        if open.has_investments {
            warn(&mut self.warnings, "The file holds investments; only its cash lines are read.".to_owned());
        }
        let statement =
            open.checked(unit, self.institution.clone().or(self.institution_id.clone()), &mut self.warnings);
        self.keep(statement);
    }

    /// A closing comes in a statement of its own (11.5); it is put to the statement of the same account.
    fn keep(&mut self, statement: ImportedStatement) {
        let bare = statement.transactions.is_empty() && statement.ledger_balance.is_none();
        let same = |other: &&mut ImportedStatement| other.account == statement.account;
        if bare && let Some(other) = self.statements.iter_mut().rev().take(STATEMENTS_NEAR).find(same) {
            other.issuer = latest(other.issuer.take(), statement.issuer);
            return;
        }
        if self.statements.len() == STATEMENTS_MAX {
            warn(&mut self.warnings, format!("Only the first {STATEMENTS_MAX} statements were taken."));
            return;
        }
        self.statements.push(statement);
    }

    fn reject(&mut self, line: u32, reason: String) {
        if self.rejected.len() < REJECTED_MAX {
            self.rejected.push(Rejected { line, reason });
        } else {
            self.rejected_more = self.rejected_more.saturating_add(1);
        }
    }

    pub fn finish(mut self, last_line: u32, label: String) -> Result<ImportedFile, ReadError> {
        if let Some(line) = self.line.take() {
            self.reject(line.number, "the file ends within it".to_owned());
        }
        // A cut file may end before the currency of its last statement.
        self.open = self.open.take().filter(|open| self.ended || open.says_something());
        // The balance stands after the lines: without it some of them may be cut off, and the days that were meant say nothing.
        if let Some(open) = self.open.as_mut().filter(|open| !self.ended && open.ledger.amount.text.is_empty()) {
            open.starts_on = Value::default();
        }
        self.end_statement();
        if self.statements.is_empty() {
            if let Some(refusal) = self.refusal {
                return Err(refusal);
            }
            if let Some((code, message)) = self.issuer_error {
                return Err(ReadError::IssuerError { code, message });
            }
            if !self.ended {
                return Err(ReadError::Truncated);
            }
            warn(&mut self.warnings, "The file holds no statement.".to_owned());
        } else if let Some((code, _)) = self.issuer_error {
            warn(&mut self.warnings, format!("The issuer left a part out, with its error {code}."));
        }
        if !self.ended {
            let warning =
                format!("The file is cut: it ends at line {last_line}, before its own end. Download it again.");
            self.warnings.insert(0, warning);
        }
        if self.rejected_more > 0 {
            self.warnings.insert(0, format!("{} more lines were rejected.", self.rejected_more));
        }
        Ok(ImportedFile { label, statements: self.statements, rejected: self.rejected, warnings: self.warnings })
    }
}

/// How many of the last statements a closing may belong to.
const STATEMENTS_NEAR: usize = 100;

impl<'a> Open<'a> {
    fn new(kind: AccountKind, line: u32) -> Self {
        Self {
            kind,
            line,
            unit: None,
            left_out: 0,
            number: Value::default(),
            bank: Value::default(),
            branch: Value::default(),
            starts_on: Value::default(),
            ends_on: Value::default(),
            ledger: RawBalance::default(),
            available: RawBalance::default(),
            closing: RawClosing::default(),
            closing_before: RawClosing::default(),
            has_investments: false,
            transactions: Vec::new(),
        }
    }

    const fn says_something(&self) -> bool {
        self.unit.is_some() || !self.transactions.is_empty()
    }

    fn next_closing(&mut self) {
        let date = |closing: &RawClosing<'_>| fields::date(closing.closed_on.text);
        if date(&self.closing) > date(&self.closing_before) {
            self.closing_before = self.closing;
        }
        self.closing = RawClosing::default();
    }

    fn slot(&mut self, field: Field, place: Place) -> Option<&mut Value<'a>> {
        Some(match (field, place) {
            (Field::AccountNumber, _) => &mut self.number,
            (Field::BankId, _) => &mut self.bank,
            (Field::BranchId, _) => &mut self.branch,
            (Field::StartsOn, _) => &mut self.starts_on,
            (Field::EndsOn, _) => &mut self.ends_on,
            (Field::Balance, Place::Ledger) => &mut self.ledger.amount,
            (Field::BalanceAsOf, Place::Ledger) => &mut self.ledger.as_of,
            (Field::Balance, Place::Available) => &mut self.available.amount,
            (Field::BalanceAsOf, Place::Available) => &mut self.available.as_of,
            (Field::ClosedOn, _) => &mut self.closing.closed_on,
            (Field::ClosingBalance, _) => &mut self.closing.balance,
            (Field::DueOn, _) => &mut self.closing.due_on,
            (Field::MinimumDue, _) => &mut self.closing.minimum_due,
            (Field::CreditLimit, _) => &mut self.closing.credit_limit,
            _ => return None,
        })
    }

    /// The currency of the amounts: the statement's, else the line's own, else the caller's default, with a warning
    /// where it is not the statement's.
    fn unit(&mut self, of_line: &str, options: ReadOptions) -> Result<(Unit, Option<String>), ReadError> {
        if let Some(known) = &self.unit {
            return known.clone().map(|unit| (unit, None));
        }
        let by_line = of_line.parse::<Currency>().ok();
        let found = by_line.or(options.default_currency).map(Unit::of).ok_or(ReadError::NoCurrency);
        self.unit = Some(found.clone());
        let unit = found?;
        let source = if by_line.is_some() { "its first line names it" } else { "it was taken as the default" };
        Ok((unit, Some(format!("A statement names no currency; {} is used, since {source}.", unit.currency))))
    }

    fn checked(mut self, unit: Unit, issuer: Option<String>, warnings: &mut Vec<String>) -> ImportedStatement {
        let mut balance = |raw: RawBalance<'_>, name: &str| raw.checked(unit, name, self.line, warnings);
        let ledger_balance = balance(self.ledger, "balance");
        let available = balance(self.available, "available balance");
        if !self.closing_before.closed_on.text.is_empty() {
            self.next_closing();
            self.closing = self.closing_before;
        }
        let figures = self.closing.checked(unit, self.line, warnings);
        if self.number.text.is_empty() {
            warn(warnings, format!("The statement at line {} has no account number.", self.line));
        }
        ImportedStatement {
            account: ImportedAccount {
                kind: self.kind,
                currency: unit.currency,
                issuer,
                bank: kept(self.bank),
                branch: kept(self.branch),
                number: fields::text(self.number),
            },
            ledger_balance,
            available,
            issuer: figures.filter(|_| self.kind == AccountKind::Card),
            starts_on: fields::date(self.starts_on.text),
            ends_on: fields::date(self.ends_on.text),
            transactions: self.transactions,
        }
    }
}

impl RawBalance<'_> {
    fn checked(self, unit: Unit, name: &str, line: u32, warnings: &mut Vec<String>) -> Option<Balance> {
        if self.amount.text.is_empty() {
            if !self.as_of.text.is_empty() {
                warn(warnings, format!("The {name} of the statement at line {line} is empty."));
            }
            return None;
        }
        match unit.amount(self.amount.text) {
            Ok(amount) => Some(Balance { amount, as_of: fields::date(self.as_of.text) }),
            Err(error) => {
                warn(warnings, format!("The {name} of the statement at line {line} was not taken: {error}."));
                None
            }
        }
    }
}

impl RawClosing<'_> {
    /// What is owed is positive in the figures. The standard lets a card's balance owed be negative, but issuers write
    /// both; where something must be paid, something is owed.
    fn checked(self, unit: Unit, line: u32, warnings: &mut Vec<String>) -> Option<IssuerFigures> {
        let amount = |value: Value<'_>| unit.amount(value.text).ok();
        let minimum_due = amount(self.minimum_due).map(size);
        let balance = amount(self.balance);
        let Some(closed_on) = fields::date(self.closed_on.text) else {
            if balance.is_some() || minimum_due.is_some() {
                let warning = format!("The card's figures of the statement at line {line} have no closing date.");
                warn(warnings, warning);
            }
            return None;
        };
        let must_pay = minimum_due.is_some_and(Money::is_positive);
        Some(IssuerFigures {
            closed_on,
            due_on: fields::date(self.due_on.text),
            statement_balance: balance.map(|said| if must_pay { size(said) } else { said.negated() }),
            minimum_due,
            credit_limit: amount(self.credit_limit).map(size),
        })
    }
}

const fn size(amount: Money) -> Money {
    if amount.is_negative() { amount.negated() } else { amount }
}

/// The unit of a named currency; absent where the name is empty.
fn named_unit(value: Value<'_>) -> Option<Result<Unit, ReadError>> {
    let unknown = || ReadError::UnknownCurrency { code: fields::text(value).chars().take(8).collect() };
    match value.text {
        "" => None,
        code => Some(code.parse().map(Unit::of).map_err(|_| unknown())),
    }
}

fn latest(left: Option<IssuerFigures>, right: Option<IssuerFigures>) -> Option<IssuerFigures> {
    let closed_on = |figures: &Option<IssuerFigures>| figures.as_ref().map(|figures| figures.closed_on);
    if closed_on(&right) > closed_on(&left) { right } else { left }
}

fn warn(warnings: &mut Vec<String>, warning: String) {
    if warnings.len() < WARNINGS_MAX && !warnings.contains(&warning) {
        warnings.push(warning);
    }
}
