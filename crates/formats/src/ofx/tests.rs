//! What the reader promises: on files as issuers write them, on broken ones and on hostile ones.

mod hostile;
mod made;
mod samples;
mod wild;

use domain::money::{Currency, Money};
use jiff::civil::Date;

use crate::records::{ImportedFile, ImportedStatement, ReadError, ReadOptions};

fn read(text: impl AsRef<[u8]>) -> Result<ImportedFile, ReadError> {
    super::read(text.as_ref(), &ReadOptions::default())
}

/// A card statement in US dollars with these lines, without a header.
fn card_with(lines: &str) -> String {
    format!(
        "<OFX><CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>USD<CCACCTFROM><ACCTID>4111111111111111</CCACCTFROM>\
         <BANKTRANLIST>{lines}</BANKTRANLIST></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1></OFX>"
    )
}

fn line_with(fields: &str) -> String {
    format!("<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260105<TRNAMT>-1.00<FITID>1{fields}</STMTTRN>")
}

fn only(file: &ImportedFile) -> &ImportedStatement {
    assert_eq!(file.statements.len(), 1, "one statement");
    &file.statements[0]
}

fn money(text: &str, currency: Currency) -> Money {
    Money::parse(text, currency).expect("a valid amount")
}

fn usd(text: &str) -> Money {
    money(text, Currency::USD)
}

fn day(text: &str) -> Date {
    text.parse().expect("a valid date")
}
