//! Statements as OFX, in both dialects. What is written reads back the same.

use std::fmt::Write;

use domain::accounts::{AccountKind, TransactionKind};
use domain::card::IssuerFigures;
use domain::money::Money;
use jiff::civil::{Date, DateTime};

use crate::records::{Balance, Correction, ImportedAccount, ImportedStatement, ImportedTransaction};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OFX 1.02: values without end tags.
    Sgml,
    /// OFX 2.03.
    Xml,
}

/// Writes a file with these statements, in UTF-8. `made_at` is in UTC.
#[must_use]
pub fn write(statements: &[ImportedStatement], dialect: Dialect, made_at: DateTime) -> Vec<u8> {
    let lines: usize = statements.iter().map(|statement| statement.transactions.len()).sum();
    let mut out = Writer { text: String::with_capacity(2_000 + lines * 260), dialect };
    out.header();
    out.open("OFX");
    out.sign_on(statements.iter().find_map(|statement| statement.account.issuer.as_deref()), made_at);
    let (cards, banks): (Vec<_>, Vec<_>) = statements.iter().partition(|s| s.account.kind == AccountKind::Card);
    if !banks.is_empty() {
        out.open("BANKMSGSRSV1");
        banks.iter().for_each(|statement| out.statement(statement, "STMTTRNRS", "STMTRS"));
        out.close("BANKMSGSRSV1");
    }
    if !cards.is_empty() {
        out.open("CREDITCARDMSGSRSV1");
        for statement in cards {
            out.statement(statement, "CCSTMTTRNRS", "CCSTMTRS");
            if let Some(figures) = &statement.issuer {
                out.closing(&statement.account, figures);
            }
        }
        out.close("CREDITCARDMSGSRSV1");
    }
    out.close("OFX");
    out.text.into_bytes()
}

struct Writer {
    text: String,
    dialect: Dialect,
}

impl Writer {
    fn header(&mut self) {
        self.text.push_str(match self.dialect {
            Dialect::Sgml => {
                "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:UTF-8\r\nCHARSET:NONE\r\n\
                 COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n"
            }
            Dialect::Xml => {
                "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\r\n\
                 <?OFX OFXHEADER=\"200\" VERSION=\"203\" SECURITY=\"NONE\" OLDFILEUID=\"NONE\" NEWFILEUID=\"NONE\"?>\r\n"
            }
        });
    }

    fn sign_on(&mut self, issuer: Option<&str>, made_at: DateTime) {
        self.open("SIGNONMSGSRSV1");
        self.open("SONRS");
        self.status();
        let time = made_at.time();
        let clock = format!("{:02}{:02}{:02}[0:GMT]", time.hour(), time.minute(), time.second());
        self.value("DTSERVER", &format!("{}{clock}", digits(made_at.date())));
        self.value("LANGUAGE", "ENG");
        if let Some(issuer) = issuer {
            self.open("FI");
            self.value("ORG", issuer);
            self.close("FI");
        }
        self.close("SONRS");
        self.close("SIGNONMSGSRSV1");
    }

    fn statement(&mut self, statement: &ImportedStatement, answer: &str, body: &str) {
        self.open(answer);
        self.value("TRNUID", "0");
        self.status();
        self.open(body);
        self.value("CURDEF", statement.account.currency.code());
        self.account(&statement.account);
        let (pending, posted): (Vec<_>, Vec<_>) = statement.transactions.iter().partition(|t| t.pending);
        self.open("BANKTRANLIST");
        self.date("DTSTART", statement.starts_on);
        self.date("DTEND", statement.ends_on);
        let on_card = statement.account.kind == AccountKind::Card;
        posted.iter().for_each(|transaction| self.transaction(transaction, on_card, "STMTTRN", "DTPOSTED"));
        self.close("BANKTRANLIST");
        if !pending.is_empty() {
            self.open("BANKTRANLISTP");
            pending.iter().for_each(|transaction| self.transaction(transaction, on_card, "STMTTRNP", "DTTRAN"));
            self.close("BANKTRANLISTP");
        }
        self.balance("LEDGERBAL", statement.ledger_balance);
        self.balance("AVAILBAL", statement.available);
        self.close(body);
        self.close(answer);
    }

    fn closing(&mut self, account: &ImportedAccount, figures: &IssuerFigures) {
        self.open("CCSTMTENDTRNRS");
        self.value("TRNUID", "0");
        self.status();
        self.open("CCSTMTENDRS");
        self.value("CURDEF", account.currency.code());
        self.account(account);
        self.open("CCCLOSING");
        self.value("FITID", &digits(figures.closed_on));
        self.date("DTCLOSE", Some(figures.closed_on));
        self.amount("BALCLOSE", figures.statement_balance.map(Money::negated));
        self.date("DTPMTDUE", figures.due_on);
        self.amount("MINPMTDUE", figures.minimum_due);
        self.amount("CREDITLIMIT", figures.credit_limit);
        self.close("CCCLOSING");
        self.close("CCSTMTENDRS");
        self.close("CCSTMTENDTRNRS");
    }

    fn account(&mut self, account: &ImportedAccount) {
        let on_card = account.kind == AccountKind::Card;
        let element = if on_card { "CCACCTFROM" } else { "BANKACCTFROM" };
        self.open(element);
        self.maybe("BANKID", account.bank.as_deref());
        self.maybe("BRANCHID", account.branch.as_deref());
        self.value("ACCTID", &account.number);
        match account.kind {
            AccountKind::Card => {}
            AccountKind::Checking => self.value("ACCTTYPE", "CHECKING"),
            AccountKind::Savings => self.value("ACCTTYPE", "SAVINGS"),
            AccountKind::Loan => self.value("ACCTTYPE", "CREDITLINE"),
            AccountKind::Other => self.value("ACCTTYPE", "OTHER"),
        }
        self.close(element);
    }

    fn transaction(&mut self, transaction: &ImportedTransaction, on_card: bool, element: &str, date: &str) {
        self.open(element);
        self.value("TRNTYPE", code(transaction, on_card));
        self.date(date, Some(transaction.posted_on));
        self.amount("TRNAMT", Some(transaction.amount));
        self.maybe("FITID", transaction.issuer_id.as_deref());
        match &transaction.corrects {
            Some(Correction::Replaces(earlier)) => {
                self.value("CORRECTFITID", earlier);
                self.value("CORRECTACTION", "REPLACE");
            }
            Some(Correction::Deletes(earlier)) => {
                self.value("CORRECTFITID", earlier);
                self.value("CORRECTACTION", "DELETE");
            }
            None => {}
        }
        self.maybe("CHECKNUM", transaction.check_number.as_deref());
        self.value("NAME", &transaction.description);
        self.maybe("MEMO", transaction.memo.as_deref());
        self.close(element);
    }

    fn balance(&mut self, element: &str, balance: Option<Balance>) {
        let Some(balance) = balance else { return };
        self.open(element);
        self.amount("BALAMT", Some(balance.amount));
        self.date("DTASOF", balance.as_of);
        self.close(element);
    }

    fn status(&mut self) {
        self.open("STATUS");
        self.value("CODE", "0");
        self.value("SEVERITY", "INFO");
        self.close("STATUS");
    }

    fn open(&mut self, element: &str) {
        self.put(format_args!("<{element}>\r\n"));
    }

    fn close(&mut self, element: &str) {
        self.put(format_args!("</{element}>\r\n"));
    }

    fn maybe(&mut self, element: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.value(element, value);
        }
    }

    fn date(&mut self, element: &str, date: Option<Date>) {
        if let Some(date) = date {
            self.value(element, &digits(date));
        }
    }

    fn amount(&mut self, element: &str, amount: Option<Money>) {
        if let Some(amount) = amount {
            let text = amount.to_string();
            self.value(element, text.split(' ').next().unwrap_or_default());
        }
    }

    fn value(&mut self, element: &str, value: &str) {
        self.put(format_args!("<{element}>"));
        for character in value.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                other => self.text.push(other),
            }
        }
        match self.dialect {
            Dialect::Sgml => self.text.push_str("\r\n"),
            Dialect::Xml => self.put(format_args!("</{element}>\r\n")),
        }
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(text);
    }
}

fn digits(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// The code that reads back as the same kind, as far as the standard has one.
fn code(transaction: &ImportedTransaction, on_card: bool) -> &'static str {
    match transaction.kind {
        TransactionKind::Interest => "INT",
        TransactionKind::Fee => "FEE",
        TransactionKind::Cash => "CASH",
        TransactionKind::Check => "CHECK",
        TransactionKind::Transfer => "XFER",
        TransactionKind::Payment => "PAYMENT",
        TransactionKind::Purchase if !on_card => "POS",
        TransactionKind::Purchase
        | TransactionKind::Refund
        | TransactionKind::Credit
        | TransactionKind::Debit
        | TransactionKind::Other => {
            if transaction.amount.is_negative() {
                "DEBIT"
            } else {
                "CREDIT"
            }
        }
    }
}
