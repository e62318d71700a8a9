//! A journal of plain text for hledger and its kin: double entry, written so that those programs prove it. Every entry
//! balances by itself, and where an account's balance is known the last entry of its day asserts it, to the last digit.
//! Written, not read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use domain::accounts::{Account, AccountKind, Transaction, TransactionKind, TransactionState};
use domain::ids::AccountId;
use domain::money::{Currency, Money};
use jiff::civil::Date;

const OPENING: &str = "Equity:Opening balances";

/// The journal of these accounts and of their posted lines. Lines of no account in the list are left out, and so are pending
/// ones: they may still come to nothing. An account whose lines add up to no amount has neither an opening nor an assertion.
#[must_use]
pub fn journal(accounts: &[Account], lines: &[Transaction]) -> String {
    let names = names(accounts);
    let mut of_account: HashMap<AccountId, Vec<&Transaction>> = HashMap::new();
    for line in lines.iter().filter(|line| line.state == TransactionState::Posted) {
        of_account.entry(line.account).or_default().push(line);
    }
    // By day, openings first: an assertion is about what stands above it.
    let mut entries: BTreeMap<(Date, bool, usize, usize), String> = BTreeMap::new();
    for (place, account) in accounts.iter().enumerate() {
        let Some(name) = names.get(&account.id) else { continue };
        let mut own = of_account.remove(&account.id).unwrap_or_default();
        own.sort_by_key(|line| (line.posted_on, line.id));
        // Only so many of them are in the balance; the others came later.
        let through = account.balance_through();
        let held = own.partition_point(|line| through.is_none_or(|through| line.posted_on <= through));
        let opening = opening_of(account, &own[..held]);
        let balance = account.balance.filter(|_| opening.is_some());
        if let Some(opening) = opening {
            let on = own[..held].first().map_or_else(|| day_of(account), |line| line.posted_on);
            let end = balance.filter(|_| held == 0);
            entries.insert((on, false, place, 0), opening_entry(on, name, opening, end));
        }
        for (at, line) in own.iter().enumerate() {
            let end = balance.filter(|_| at + 1 == held);
            entries.insert((line.posted_on, true, place, at), line_entry(line, name, end));
        }
    }
    let mut text = String::from("; Written by Billfold. `hledger check` proves it.\n\n");
    let currencies: BTreeSet<String> = accounts.iter().map(|account| commodity(account.currency)).collect();
    text.extend(currencies);
    for account in accounts {
        if let Some(name) = names.get(&account.id) {
            let kind = if name.starts_with("Liabilities") { 'L' } else { 'A' };
            // Memory takes whatever is written to it.
            let _ = writeln!(text, "account {name}  ; type:{kind}");
        }
    }
    text.push('\n');
    text.extend(entries.into_values());
    text
}

/// What was there before the first of the lines that are in its balance.
fn opening_of(account: &Account, held: &[&Transaction]) -> Option<Money> {
    let moved: i128 = held.iter().map(|line| i128::from(line.amount.minor())).sum();
    let opening = i128::from(account.balance?.minor()) - moved;
    Money::new(i64::try_from(opening).ok()?, account.currency).ok()
}

/// How amounts of a currency are written: a decimal mark always, so that none is taken for a separator of thousands.
fn commodity(currency: Currency) -> String {
    let decimals = "0".repeat(currency.exponent().into());
    format!("commodity {}1000.{decimals}\n", symbol(currency))
}

/// In quotes, as journals want whatever is not letters alone.
fn symbol(currency: Currency) -> String {
    format!("\"{}\" ", currency.code())
}

fn amount(money: Money) -> String {
    let exponent = usize::from(money.currency().exponent());
    let digits = format!("{:0>width$}", money.minor().unsigned_abs(), width = exponent + 1);
    let (whole, part) = digits.split_at(digits.len() - exponent);
    let sign = if money.is_negative() { "-" } else { "" };
    format!("{}{sign}{whole}.{part}", symbol(money.currency()))
}

fn opening_entry(on: Date, name: &str, opening: Money, end: Option<Money>) -> String {
    entry(on, None, "Opening balance", (name, opening, end), OPENING)
}

fn line_entry(line: &Transaction, name: &str, end: Option<Money>) -> String {
    entry(line.posted_on, Some(&line.id.to_string()), &line.description, (name, line.amount, end), other_side(line))
}

fn entry(on: Date, code: Option<&str>, about: &str, posting: (&str, Money, Option<Money>), other: &str) -> String {
    let (name, moved, end) = posting;
    let code = code.map_or_else(String::new, |code| format!("({code}) "));
    let end = end.map_or_else(String::new, |end| format!(" = {}", amount(end)));
    let about = words(about);
    format!("{on} * {code}{about}\n    {name}  {}{end}\n    {other}  {}\n\n", amount(moved), amount(moved.negated()))
}

/// What the money came from or went to. Nobody said more than the kind of the line, so nothing more is claimed.
const fn other_side(line: &Transaction) -> &'static str {
    let came = line.amount.is_positive();
    match (line.kind, came) {
        (TransactionKind::Purchase | TransactionKind::Refund, _) => "Expenses:Purchases",
        (TransactionKind::Fee, _) => "Expenses:Fees",
        (TransactionKind::Interest, false) => "Expenses:Interest",
        (TransactionKind::Interest, true) => "Income:Interest",
        (TransactionKind::Payment | TransactionKind::Transfer, _) => "Equity:Transfers",
        (TransactionKind::Cash, _) => "Assets:Cash",
        (TransactionKind::Check, _) => "Expenses:Checks",
        (TransactionKind::Credit | TransactionKind::Debit | TransactionKind::Other, true) => "Income:Other",
        (TransactionKind::Credit | TransactionKind::Debit | TransactionKind::Other, false) => "Expenses:Other",
    }
}

/// Each account under a name of its own.
fn names(accounts: &[Account]) -> HashMap<AccountId, String> {
    let mut taken = BTreeSet::new();
    let mut names = HashMap::new();
    for account in accounts {
        let side = match account.kind {
            AccountKind::Card | AccountKind::Loan => "Liabilities",
            AccountKind::Checking | AccountKind::Savings | AccountKind::Other => "Assets",
        };
        let mask = account.mask.as_deref().map_or_else(String::new, |mask| format!(" {}", words(mask)));
        let plain = format!("{side}:{}{mask}", words(&account.name).replace(':', "-"));
        let mut name = plain.clone();
        let mut twin = 2_u32;
        while !taken.insert(name.clone()) {
            name = format!("{plain} {twin}");
            twin = twin.saturating_add(1);
        }
        names.insert(account.id, name);
    }
    names
}

/// One line of words with single spaces: two spaces end a name, and a semicolon begins a comment.
fn words(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c == ';' || c.is_control() { ' ' } else { c }).collect();
    let joined = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if joined.is_empty() { "-".to_owned() } else { joined }
}

fn day_of(account: &Account) -> Date {
    let as_of = || account.balance_as_of.map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date());
    account.balance_through().or_else(as_of).unwrap_or(Date::constant(1970, 1, 1))
}

#[cfg(test)]
mod tests {
    use domain::accounts::Keeping;
    use domain::card::Excess;
    use domain::ids::TransactionId;
    use jiff::civil::date;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).unwrap()
    }

    fn account(number: u8, kind: AccountKind, name: &str, balance: Option<Money>) -> Account {
        Account {
            id: AccountId::new("2026-01-01T00:00:00Z".parse().unwrap(), [number; 10]),
            keeping: Keeping::Linked,
            kind,
            name: name.to_owned(),
            mask: None,
            currency: balance.map_or(Currency::USD, Money::currency),
            source: None,
            balance,
            available: None,
            balance_as_of: None,
            terms: None,
            issuer: None,
            plans: Vec::new(),
            excess: Excess::ByRate,
            card: None,
            covered: Vec::new(),
        }
    }

    fn line(account: &Account, number: u8, on: Date, amount: Money, about: &str) -> Transaction {
        Transaction {
            id: TransactionId::new("2026-01-01T00:00:00Z".parse().unwrap(), [number; 10]),
            account: account.id,
            posted_on: on,
            amount,
            description: about.to_owned(),
            memo: None,
            kind: TransactionKind::Purchase,
            state: TransactionState::Posted,
            source: None,
        }
    }

    #[test]
    fn entries_balance_and_the_last_of_an_account_asserts_what_is_known() {
        let card = account(1, AccountKind::Card, "Sea  Card:Blue", Some(usd(-4_567)));
        let second = line(&card, 2, date(2026, 3, 2), usd(1_000), "Refund; of shoes\n* 2");
        let first = line(&card, 3, date(2026, 3, 1), usd(-2_005), "Shoes");
        let pending = Transaction { state: TransactionState::Pending, ..first.clone() };
        let text = journal(std::slice::from_ref(&card), &[second, first.clone(), pending]);
        let name = "Liabilities:Sea Card-Blue";
        let body = text.split_once("type:L\n\n").unwrap().1;
        let expected = format!(
            "2026-03-01 * Opening balance\n    {name}  \"USD\" -35.62\n    {OPENING}  \"USD\" 35.62\n\n\
             2026-03-01 * ({}) Shoes\n    {name}  \"USD\" -20.05\n    Expenses:Purchases  \"USD\" 20.05\n\n\
             2026-03-02 * ({}) Refund of shoes * 2\n    {name}  \"USD\" 10.00 = \"USD\" -45.67\n    Expenses:Purchases  \"USD\" -10.00\n\n",
            first.id,
            TransactionId::new("2026-01-01T00:00:00Z".parse().unwrap(), [2; 10]),
        );
        assert_eq!(body, expected);
        assert!(text.contains("commodity \"USD\" 1000.00\n"), "{text}");
    }

    #[test]
    fn a_balance_is_asserted_on_its_own_day() {
        let october = Some("2026-10-31T00:00:00Z".parse().unwrap());
        let desk = Account { balance_as_of: october, ..account(1, AccountKind::Checking, "Desk", Some(usd(100_000))) };
        let at = |number, on, minor| line(&desk, number, on, usd(minor), "Line");
        let later = at(3, date(2026, 11, 2), -20_000);
        let lines = [at(2, date(2026, 10, 31), -500), later.clone()];
        let text = journal(std::slice::from_ref(&desk), &lines);
        assert!(text.contains("2026-10-31 * Opening balance\n    Assets:Desk  \"USD\" 1005.00\n"), "{text}");
        assert!(text.contains("    Assets:Desk  \"USD\" -5.00 = \"USD\" 1000.00\n"), "{text}");
        assert!(text.contains("    Assets:Desk  \"USD\" -200.00\n"), "{text}");
        let text = journal(std::slice::from_ref(&desk), &[later]);
        let opens = "2026-10-31 * Opening balance\n    Assets:Desk  \"USD\" 1000.00 = \"USD\" 1000.00\n";
        assert!(text.contains(opens) && text.contains("2026-11-02 * ("), "{text}");
    }

    #[test]
    fn lines_that_add_up_to_no_amount_stand_without_an_opening() {
        let desk = account(1, AccountKind::Checking, "Desk", Some(usd(500)));
        let most = usd(Money::MINOR_MAX);
        let lines = [2, 3].map(|number| line(&desk, number, date(2026, 10, 1), most, "Line"));
        let text = journal(std::slice::from_ref(&desk), &lines);
        assert_eq!(text.matches("\"USD\" 90071992547409.91\n").count(), 2, "{text}");
        assert!(!text.contains("Opening balance") && !text.contains(" = "), "{text}");
    }

    #[test]
    fn currencies_without_and_with_three_decimals_keep_every_digit() {
        let yen = Money::new(-1_204, "JPY".parse().unwrap()).unwrap();
        let dinar = Money::new(7, "KWD".parse().unwrap()).unwrap();
        assert_eq!((amount(yen).as_str(), amount(dinar).as_str()), ("\"JPY\" -1204.", "\"KWD\" 0.007"));
        assert_eq!(commodity(yen.currency()), "commodity \"JPY\" 1000.\n");
    }

    #[test]
    fn an_account_without_lines_opens_with_its_balance_and_twins_get_names_of_their_own() {
        let one = account(1, AccountKind::Checking, "Desk", Some(usd(500)));
        let two = account(2, AccountKind::Checking, "Desk", None);
        let text = journal(&[one, two], &[]);
        assert!(text.contains("    Assets:Desk  \"USD\" 5.00 = \"USD\" 5.00\n"), "{text}");
        assert!(text.contains("account Assets:Desk 2  ; type:A\n"), "{text}");
    }
}
