//! Real files made by others, kept beside the repository.

use std::path::PathBuf;

use domain::accounts::{AccountKind, TransactionKind};

use super::*;

/// The file, or nothing with a printed line where the folder is absent.
fn sample(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/ofx").join(name);
    let bytes = std::fs::read(path).ok();
    if bytes.is_none() {
        println!("skipped: the sample {name} is not here");
    }
    bytes
}

#[test]
fn a_card_with_an_xml_header_over_unclosed_tags_reads() {
    let Some(bytes) = sample("anzcc.ofx") else { return };
    let file = read(bytes).expect("reads");
    assert_eq!(file.label, "OFX 2.03 (XML)");
    assert!(file.rejected.is_empty() && file.warnings.is_empty(), "{file:?}");
    let card = only(&file);
    assert_eq!(card.account.kind, AccountKind::Card);
    assert_eq!(card.account.mask().as_deref(), Some("1234"));
    assert_eq!(card.ledger_balance.expect("a balance").amount, money("-123.45", Currency::AUD));
    assert_eq!(card.ledger_balance.expect("a balance").as_of, Some(day("2017-05-10")));
    assert_eq!(card.available.expect("a balance").amount, money("123.45", Currency::AUD));
    assert_eq!((card.starts_on, card.ends_on), (Some(day("2017-03-11")), Some(day("2017-05-09"))));
    let line = &card.transactions[0];
    assert_eq!((line.line, line.posted_on, line.amount), (29, day("2017-05-08"), money("-5.50", Currency::AUD)));
    assert_eq!((line.description.as_str(), line.memo.as_deref()), ("SOME MEMO", None));
    assert_eq!((line.kind, line.issuer_id.as_deref()), (TransactionKind::Purchase, Some("201705080001")));
}

#[test]
fn a_checking_account_in_sgml_reads_and_takes_the_longer_words() {
    let Some(bytes) = sample("checking.ofx") else { return };
    let file = read(bytes).expect("reads");
    assert_eq!(file.label, "OFX 1.02 (SGML)");
    assert!(file.rejected.is_empty() && file.warnings.is_empty(), "{file:?}");
    let checking = only(&file);
    assert_eq!(checking.account.kind, AccountKind::Checking);
    assert_eq!(checking.account.issuer.as_deref(), Some("FAKE"));
    assert_eq!(checking.account.bank.as_deref(), Some("5472369148"));
    assert_eq!(checking.account.number, "1452687~7");
    assert_eq!(checking.ledger_balance.expect("a balance").amount, usd("100.99"));
    let kinds: Vec<_> = checking.transactions.iter().map(|t| t.kind).collect();
    assert_eq!(kinds, [TransactionKind::Credit, TransactionKind::Debit, TransactionKind::Check]);
    assert_eq!(
        checking.transactions[0].description,
        "DIVIDEND EARNED FOR PERIOD OF 03/01/2011 THROUGH 03/31/2011 ANNUAL PERCENTAGE YIELD EARNED IS 0.05%"
    );
    assert_eq!(checking.transactions[2].check_number.as_deref(), Some("319"));
    assert_eq!(checking.transactions[2].amount, usd("-25.00"));
}

#[test]
fn several_accounts_of_one_file_stay_apart() {
    let Some(bytes) = sample("multiple_accounts.ofx") else { return };
    let file = read(bytes).expect("reads");
    let accounts: Vec<_> = file
        .statements
        .iter()
        .map(|s| (s.account.kind, s.account.number.as_str(), s.ledger_balance.expect("a balance").amount))
        .collect();
    assert_eq!(accounts, [(AccountKind::Checking, "9100", usd("111")), (AccountKind::Savings, "9200", usd("222"))]);
    assert!(file.warnings.is_empty(), "{:?}", file.warnings);
}

#[test]
fn empty_tags_are_absent_values_and_the_currency_of_the_line_stands_in() {
    let Some(bytes) = sample("ofx-v102-empty-tags.ofx") else { return };
    let file = read(bytes).expect("reads");
    assert_eq!(file.label, "OFX 1.02 (SGML)");
    let account = only(&file);
    assert_eq!(account.account.currency, Currency::AUD);
    assert_eq!((account.ledger_balance, account.account.branch.as_deref()), (None, None));
    let line = &account.transactions[0];
    assert_eq!((line.amount, line.posted_on), (money("12.34", Currency::AUD), day("2018-05-07")));
    assert_eq!((line.description.as_str(), line.issuer_id.as_deref()), ("CBA:Transfer", None));
    assert_eq!((line.line, line.kind), (23, TransactionKind::Credit));
    assert_eq!(file.warnings, ["A statement names no currency; AUD is used, since its first line names it."]);
}

#[test]
fn cdata_is_read_as_text() {
    let Some(bytes) = sample("suncorp.ofx") else { return };
    let file = read(bytes).expect("reads");
    let line = &only(&file).transactions[0];
    assert_eq!(line.description, "EFTPOS WDL HANDYWAY ALDI STORE GEELONG WEST VICAU");
    assert_eq!((line.memo.as_deref(), line.check_number.as_deref()), (None, None));
    assert_eq!(line.line, 35);
}

#[test]
fn an_empty_answer_reads_as_a_file_without_statements() {
    let Some(bytes) = sample("bank_small.ofx") else { return };
    let file = read(bytes).expect("reads");
    assert!(file.statements.is_empty() && file.rejected.is_empty());
    assert_eq!(file.warnings, ["The file holds no statement."]);
}

#[test]
fn an_error_of_the_issuer_is_told_as_such() {
    let Some(bytes) = sample("error_message.ofx") else { return };
    let message = Some("General Server Error".to_owned());
    assert_eq!(read(bytes), Err(ReadError::IssuerError { code: 2000, message }));
}

#[test]
fn lines_without_a_real_date_are_rejected_by_number_and_reason() {
    let Some(bytes) = sample("bad/date_missing.ofx") else { return };
    let file = read(bytes).expect("reads in part");
    let rejected: Vec<_> = file.rejected.iter().map(|r| (r.line, r.reason.as_str())).collect();
    assert_eq!(rejected, [(33, "it has no date"), (40, "it has no date"), (48, "its date does not exist")]);
    let account = only(&file);
    assert!(account.transactions.is_empty());
    assert_eq!(account.ledger_balance.expect("a balance").amount, usd("0"));
}

#[test]
fn an_amount_with_a_symbol_is_rejected_and_both_reasons_are_named() {
    let Some(bytes) = sample("bad/decimal_error.ofx") else { return };
    let file = read(bytes).expect("reads in part");
    let rejected: Vec<_> = file.rejected.iter().map(|r| (r.line, r.reason.as_str())).collect();
    assert_eq!(rejected, [(34, "its date does not exist; its amount is not a plain decimal number")]);
}

#[test]
fn an_empty_balance_is_absent_with_a_warning_and_the_line_is_kept() {
    let Some(bytes) = sample("bad/empty_balance.ofx") else { return };
    let file = read(bytes).expect("reads");
    assert!(file.rejected.is_empty());
    let account = only(&file);
    assert_eq!((account.ledger_balance, account.available), (None, None));
    assert_eq!(account.transactions[0].amount, money("120", Currency::CAD));
    assert_eq!(
        file.warnings,
        [
            "The balance of the statement at line 19 is empty.",
            "The available balance of the statement at line 19 is empty."
        ]
    );
}
