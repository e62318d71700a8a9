//! P1: the product's OFX reader against the least that can give owned records: one pass that looks only for `<`.

use crate::data;
use crate::jobs::LARGE;
use crate::pairs::{Work, compare, timed};

/// A record as the limit makes it: owned text, amount in minor units, nothing checked beyond that it is there.
pub struct Scanned {
    pub date: u32,
    pub amount_minor: i64,
    pub fitid: String,
    pub name: String,
    pub memo: String,
}

pub fn run() -> Result<(), String> {
    let file = data::ofx_sgml(LARGE);
    println!("  {} lines, {:.1} MB", LARGE, file.len() as f64 / 1e6);
    compare(
        "parse / one pass",
        2.0,
        Box::new(|| timed(|| product(&file))),
        Box::new(|| {
            timed(|| {
                let records = scan(&file);
                Ok(Work { count: records.len() as u64, sum: records.iter().map(|r| r.amount_minor).sum() })
            })
        }),
    )?;
    Ok(())
}

fn product(file: &[u8]) -> Result<Work, String> {
    let read = formats::ofx::read(file, &formats::ReadOptions::default()).map_err(|e| e.to_string())?;
    let transactions = || read.statements.iter().flat_map(|s| &s.transactions);
    Ok(Work { count: transactions().count() as u64, sum: transactions().map(|t| t.amount.minor()).sum() })
}

/// The limit: `memchr` for the next tag, a first-letters match, values copied out.
pub fn scan(file: &[u8]) -> Vec<Scanned> {
    let mut records = Vec::new();
    let mut current: Option<Scanned> = None;
    let mut places = memchr::memchr_iter(b'<', file).peekable();
    while let Some(at) = places.next() {
        let end = places.peek().copied().unwrap_or(file.len());
        let Some(element) = file.get(at + 1..end) else { break };
        let Some(close) = memchr::memchr(b'>', element) else { continue };
        let (name, value) = (&element[..close], element[close + 1..].trim_ascii_end());
        match name {
            b"STMTTRN" => {
                current = Some(Scanned {
                    date: 0,
                    amount_minor: 0,
                    fitid: String::new(),
                    name: String::new(),
                    memo: String::new(),
                });
            }
            b"/STMTTRN" => records.extend(current.take()),
            _ => {
                let Some(record) = current.as_mut() else { continue };
                let text = || String::from_utf8_lossy(value).into_owned();
                match name {
                    b"DTPOSTED" => record.date = digits(value.get(..8).unwrap_or(value)),
                    b"TRNAMT" => record.amount_minor = minor(value),
                    b"FITID" => record.fitid = text(),
                    b"NAME" => record.name = text(),
                    b"MEMO" => record.memo = text(),
                    _ => {}
                }
            }
        }
    }
    records
}

fn digits(value: &[u8]) -> u32 {
    value.iter().filter(|b| b.is_ascii_digit()).fold(0, |n, b| n * 10 + u32::from(b - b'0'))
}

fn minor(value: &[u8]) -> i64 {
    let size = i64::from(digits(value));
    if value.first() == Some(&b'-') { -size } else { size }
}
