//! Files that we write read back the same.

use domain::accounts::{AccountKind, TransactionKind};
use domain::card::IssuerFigures;
use proptest::prelude::*;

use super::*;
use crate::ofx::{Dialect, write};
use crate::records::{Balance, Correction, ImportedAccount, ImportedTransaction};

const DIALECTS: [Dialect; 2] = [Dialect::Sgml, Dialect::Xml];

fn made_at() -> jiff::civil::DateTime {
    day("2026-11-20").at(22, 0, 0, 0)
}

pub fn account(kind: AccountKind) -> ImportedAccount {
    ImportedAccount {
        kind,
        currency: Currency::USD,
        issuer: Some("First & Last".to_owned()),
        bank: (kind != AccountKind::Card).then(|| "021000021".to_owned()),
        branch: None,
        number: "4111 1111 1111 1234".to_owned(),
    }
}

/// A statement of so many lines, the same for the same seed, with identical twins, pending lines and corrections.
pub fn statement(kind: AccountKind, count: usize, mut seed: u64) -> ImportedStatement {
    let mut chance = |below: u64| {
        // Splitmix64.
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    };
    let mut transactions: Vec<ImportedTransaction> = Vec::with_capacity(count);
    for i in 0..count {
        if chance(20) == 0
            && let Some(twin) = transactions.last()
        {
            transactions.push(twin.clone());
            continue;
        }
        let payment = chance(30) == 0;
        let minor = i64::try_from(chance(25_000)).expect("small") + 1;
        let amount = Money::new(if payment { minor * 10 } else { -minor }, Currency::USD).expect("in range");
        let plain = if kind == AccountKind::Card { TransactionKind::Purchase } else { TransactionKind::Debit };
        let places = ["Grocer & Son", "Café <Central>", "Fuel 24/7", "Book shop"];
        transactions.push(ImportedTransaction {
            line: 0,
            posted_on: day("2026-01-01").saturating_add(jiff::Span::new().days(i64::try_from(i % 300).expect("small"))),
            amount,
            kind: if payment { TransactionKind::Payment } else { plain },
            description: places[usize::try_from(chance(4)).expect("small")].to_owned(),
            memo: (chance(2) == 0).then(|| format!("ref {:06x}", chance(1 << 24))),
            issuer_id: (chance(10) != 0).then(|| format!("T{i:08}")),
            check_number: (chance(40) == 0).then(|| (100 + i).to_string()),
            pending: false,
            corrects: (chance(50) == 0).then(|| Correction::Replaces(format!("T{:08}", i / 2))),
        });
    }
    for last in transactions.iter_mut().rev().take(count.min(3)) {
        last.pending = true;
    }
    let balance = |text| Some(Balance { amount: usd(text), as_of: Some(day("2026-11-12")) });
    ImportedStatement {
        account: account(kind),
        ledger_balance: balance("-1234.56"),
        available: balance("3765.44"),
        issuer: (kind == AccountKind::Card).then(|| IssuerFigures {
            closed_on: day("2026-10-31"),
            due_on: Some(day("2026-11-25")),
            statement_balance: Some(usd("812.40")),
            minimum_due: Some(usd("25.00")),
            credit_limit: Some(usd("5000.00")),
        }),
        starts_on: Some(day("2026-01-01")),
        ends_on: Some(day("2026-11-12")),
        transactions,
    }
}

/// Line numbers come from the file, so they are set aside in comparisons.
fn without_lines(mut statements: Vec<ImportedStatement>) -> Vec<ImportedStatement> {
    statements.iter_mut().flat_map(|s| &mut s.transactions).for_each(|t| t.line = 0);
    statements
}

#[test]
fn what_is_written_reads_back_the_same_in_both_dialects() {
    let kinds = [AccountKind::Checking, AccountKind::Savings, AccountKind::Loan, AccountKind::Other, AccountKind::Card];
    let statements: Vec<_> = kinds.into_iter().zip(7..).map(|(kind, seed)| statement(kind, 300, seed)).collect();
    for dialect in DIALECTS {
        let file = read(write(&statements, dialect, made_at())).expect("reads");
        assert!(file.rejected.is_empty() && file.warnings.is_empty(), "{:?} {:?}", file.rejected, file.warnings);
        assert_eq!(without_lines(file.statements), statements, "{dialect:?}");
    }
}

#[test]
fn both_dialects_name_themselves() {
    let label = |dialect| read(write(&[], dialect, made_at())).expect("reads").label;
    assert_eq!(label(Dialect::Sgml), "OFX 1.02 (SGML)");
    assert_eq!(label(Dialect::Xml), "OFX 2.03 (XML)");
}

#[test]
fn identical_twins_are_both_kept_in_their_order() {
    let mut twins = statement(AccountKind::Card, 0, 1);
    let one = statement(AccountKind::Card, 1, 2).transactions.remove(0);
    twins.transactions = vec![one.clone(), one.clone(), one];
    let file = read(write(&[twins], Dialect::Sgml, made_at())).expect("reads");
    let lines: Vec<_> = only(&file).transactions.iter().map(|t| t.line).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.is_sorted_by(|a, b| a < b), "each at its own line: {lines:?}");
}

proptest! {
    #[test]
    fn any_words_and_amounts_survive_the_round(
        name in "[^\\p{Cc}\\p{Cf}\\s]{1,20}( [^\\p{Cc}\\p{Cf}\\s]{1,20}){0,4}",
        id in proptest::option::of("[!-~]{1,40}"),
        minor in -Money::MINOR_MAX..=Money::MINOR_MAX,
        days in 0_i64..100_000,
        currency in prop::sample::select(vec![Currency::USD, Currency::JPY, Currency::EUR]),
        dialect in prop::sample::select(DIALECTS.to_vec()),
    ) {
        let amount = Money::new(minor, currency).expect("in range");
        let mut one = statement(AccountKind::Checking, 1, 3);
        one.account.currency = currency;
        (one.ledger_balance, one.available) = (None, None);
        let line = &mut one.transactions[0];
        *line = ImportedTransaction {
            posted_on: day("1900-01-01").saturating_add(jiff::Span::new().days(days)),
            amount,
            kind: TransactionKind::Transfer,
            description: name,
            memo: None,
            issuer_id: id,
            check_number: None,
            pending: false,
            corrects: None,
            line: 0,
        };
        let file = read(write(std::slice::from_ref(&one), dialect, made_at())).expect("reads");
        prop_assert_eq!(&file.rejected, &vec![]);
        prop_assert_eq!(without_lines(file.statements), vec![one]);
    }
}
