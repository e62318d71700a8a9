//! What stands in the archive, file by file. Described for people in `docs/EXPORT.md` and, shorter, in the archive itself.

use std::io::Write;

use api::addresses::Address;
use api::bills::Bill;
use api::devices::Device;
use api::payments::Payment;
use domain::accounts::{Account, Transaction, TransactionState};
use domain::money::Money;
use domain::payments::PaymentOrder;
use domain::security::SecurityEvent;
use formats::{csv, journal};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::statements::Drawable;

/// Grows when a file of the archive changes its meaning.
const VERSION: u32 = 1;
const README: &str = "Everything that this account server holds of you, in open formats.\r\n\r\n\
records.json      all of it, as the server's API documents it: what Billfold itself reads\r\n\
accounts.csv      accounts and cards\r\n\
transactions.csv  every line of them, pending ones too\r\n\
bills.csv         bills and how often they come\r\n\
payments.csv      payments, with what became of them\r\n\
security.csv      the security log, with the hash that chains it\r\n\
journal.hledger   the posted lines as double entry, for hledger and its kin: `hledger -f journal.hledger check`\r\n\
statements/       each closed cycle as PDF\r\n\r\n\
Amounts that came and amounts that went have columns of their own, without signs. Keep this file as you keep your bank\r\n\
statements: whoever has it can read all of it.\r\n";

/// Read at one moment.
pub(super) struct Everything {
    pub made_at: Timestamp,
    pub server: String,
    /// Every record of the feed, by its name on the wire.
    pub records: Vec<(&'static str, Vec<Value>)>,
    pub accounts: Vec<Account>,
    pub lines: Vec<Transaction>,
    pub bills: Vec<Bill>,
    pub payments: Vec<Payment>,
    pub events: Vec<SecurityEvent>,
    pub devices: Vec<Device>,
    pub addresses: Vec<Address>,
    pub statements: Vec<Drawable>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    #[error("the archive could not be written")]
    Zip(#[from] zip::result::ZipError),
    #[error("the archive could not be written")]
    Write(#[from] std::io::Error),
    #[error("the records do not serialise")]
    Json(#[from] serde_json::Error),
    #[error("a statement could not be drawn")]
    Statement,
}

/// Writes it file by file, so that the first leaves while the last is still being made.
pub(super) fn write(all: &Everything, out: &mut impl Write) -> Result<(), ArchiveError> {
    let mut zip = ZipWriter::new_stream(out);
    let packed = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(moment(all.made_at))
        .unix_permissions(0o600);
    let mut put = |name: &str, bytes: &[u8]| -> Result<(), ArchiveError> {
        zip.start_file(name, packed)?;
        Ok(zip.write_all(bytes)?)
    };
    put("README.txt", README.as_bytes())?;
    put("records.json", &records(all)?)?;
    put("accounts.csv", accounts(&all.accounts).as_bytes())?;
    put("transactions.csv", transactions(&all.accounts, &all.lines).as_bytes())?;
    put("bills.csv", bills(&all.bills).as_bytes())?;
    put("payments.csv", payments(&all.accounts, &all.payments).as_bytes())?;
    put("security.csv", events(&all.events).as_bytes())?;
    put("journal.hledger", journal::journal(&all.accounts, &all.lines).as_bytes())?;
    for (place, account) in all.accounts.iter().enumerate() {
        for drawable in all.statements.iter().filter(|one| one.account.id == account.id) {
            // Names of accounts are a person's words and twins among them are likely: the number keeps them apart.
            let name = format!("statements/{:02} {}/{}.pdf", place + 1, plain(&account.name), drawable.closed_on());
            put(&name, &drawable.draw(&all.server).map_err(|_| ArchiveError::Statement)?)?;
        }
    }
    zip.finish()?;
    Ok(())
}

/// Archives know local time to two seconds, and no zone.
fn moment(at: Timestamp) -> DateTime {
    let at = at.to_zoned(TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    let year = u16::try_from(at.year()).unwrap_or_default();
    let (month, day) = (part(at.month()), part(at.day()));
    DateTime::from_date_and_time(year, month, day, part(at.hour()), part(at.minute()), part(at.second()))
        .unwrap_or_default()
}

/// A name that every system takes for a folder's.
fn plain(name: &str) -> String {
    let kept = name.chars().map(|c| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_') { c } else { '_' });
    kept.take(60).collect::<String>().trim().to_owned()
}

fn records(all: &Everything) -> Result<Vec<u8>, ArchiveError> {
    let one = |(kind, bodies): &(&'static str, Vec<Value>)| {
        bodies.iter().map(|body| json!({ "kind": kind, "body": body })).collect::<Vec<_>>()
    };
    let whole = json!({
        "format": "billfold-export",
        "version": VERSION,
        "made_at": all.made_at,
        "server": all.server,
        "devices": all.devices,
        "addresses": all.addresses,
        "records": all.records.iter().flat_map(one).collect::<Vec<_>>(),
    });
    Ok(serde_json::to_vec_pretty(&whole)?)
}

// ---- Tables ------------------------------------------------------------------------------------------------------

/// Digits alone, for a column that says which way the money went.
fn digits(amount: Money) -> String {
    let text = amount.to_string();
    let number = text.split(' ').next().unwrap_or_default();
    number.trim_start_matches('-').to_owned()
}

/// What came and what went; one of them is empty.
fn came_and_went(amount: Option<Money>) -> [String; 2] {
    match amount {
        Some(amount) if amount.is_negative() => [String::new(), digits(amount)],
        Some(amount) => [digits(amount), String::new()],
        None => [String::new(), String::new()],
    }
}

fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

fn accounts(all: &[Account]) -> String {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| {
            let [held, owed] = came_and_went(one.balance);
            let as_of = one.balance_as_of.map(|at| at.to_string()).unwrap_or_default();
            let mask = one.mask.clone().unwrap_or_default();
            let currency = one.currency.code().to_owned();
            vec![
                one.id.to_string(),
                one.name.clone(),
                word(&one.kind),
                mask,
                currency,
                held,
                owed,
                as_of,
                word(&one.keeping),
            ]
        })
        .collect();
    csv::table(&["id", "name", "kind", "number", "currency", "held", "owed", "as_of", "kept_by"], &rows)
}

fn transactions(accounts: &[Account], lines: &[Transaction]) -> String {
    let name_of = |line: &Transaction| {
        accounts.iter().find(|one| one.id == line.account).map(|one| one.name.clone()).unwrap_or_default()
    };
    let mut sorted: Vec<&Transaction> = lines.iter().collect();
    sorted.sort_by_key(|line| (line.posted_on, line.id));
    let rows: Vec<Vec<String>> = sorted
        .into_iter()
        .map(|line| {
            let [came, went] = came_and_went(Some(line.amount));
            let state = if line.state == TransactionState::Posted { "posted" } else { "pending" };
            let currency = line.amount.currency().code().to_owned();
            vec![
                line.id.to_string(),
                name_of(line),
                line.posted_on.to_string(),
                came,
                went,
                currency,
                line.description.clone(),
                line.memo.clone().unwrap_or_default(),
                word(&line.kind),
                state.to_owned(),
            ]
        })
        .collect();
    let head = ["id", "account", "posted_on", "in", "out", "currency", "description", "memo", "kind", "state"];
    csv::table(&head, &rows)
}

fn bills(all: &[Bill]) -> String {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|bill| {
            vec![
                bill.id.to_string(),
                bill.name.clone(),
                digits(bill.amount),
                bill.amount.currency().code().to_owned(),
                bill.estimated.to_string(),
                word(&bill.schedule.every),
                bill.schedule.starts_on.to_string(),
                bill.reference.clone().unwrap_or_default(),
                bill.note.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let head = ["id", "name", "amount", "currency", "estimated", "every", "starts_on", "reference", "note"];
    csv::table(&head, &rows)
}

/// Whom it pays, as people call them: who is not in the directory is a card of this person's.
fn payee<'a>(accounts: &'a [Account], order: &PaymentOrder) -> &'a str {
    if let Some(biller) = crate::billers::find(order.biller) {
        return &biller.name;
    }
    accounts.iter().find(|one| one.id.as_uuid() == order.biller.as_uuid()).map_or("", |card| &card.name)
}

fn payments(accounts: &[Account], all: &[Payment]) -> String {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|payment| {
            let order = &payment.order;
            vec![
                order.id.to_string(),
                payee(accounts, order).to_owned(),
                digits(order.amount),
                order.amount.currency().code().to_owned(),
                order.due_on.map(|day| day.to_string()).unwrap_or_default(),
                payment.will_process_on.to_string(),
                word(&payment.state),
                payment.reason.clone().unwrap_or_default(),
                payment.rail.clone(),
            ]
        })
        .collect();
    let head = ["id", "payee", "amount", "currency", "due_on", "leaves_on", "state", "reason", "rail"];
    csv::table(&head, &rows)
}

fn events(all: &[SecurityEvent]) -> String {
    let mut sorted: Vec<&SecurityEvent> = all.iter().collect();
    sorted.sort_by_key(|event| event.number);
    let rows: Vec<Vec<String>> = sorted
        .into_iter()
        .map(|event| {
            vec![
                event.number.to_string(),
                event.at.to_string(),
                event.kind.as_str().to_owned(),
                event.name.clone().unwrap_or_default(),
                event.hash.clone(),
            ]
        })
        .collect();
    csv::table(&["number", "at", "what", "name", "hash"], &rows)
}
