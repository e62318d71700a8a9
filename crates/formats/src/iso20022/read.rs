//! Reading what a bank answers: the status of orders (pain.002) and statements (camt.053), of any version that has the
//! elements read here. What does not read is refused by its line and the rest is taken, but a statement whose entries
//! do not lead from its opening to its closing balance is refused whole.

use domain::money::{Currency, Money};
use jiff::civil::Date;

use super::tree::{Node, TreeError, parse};
use crate::Rejected;

/// What banks write where something has no name.
const NAMELESS: [&str; 2] = ["NONREF", "NOTPROVIDED"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IsoError {
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("the file is no status report (pain.002) and no statement (camt.053)")]
    OtherMessage,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// What is said of single orders comes before what is said of their message.
    pub received: Vec<Received>,
    pub rejected: Vec<Rejected>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The bank says how one order stands.
    Order { line: u32, end_to_end: String, state: OrderState, code: Option<String> },
    /// How all orders of a message stand of which nothing else is said.
    Message { line: u32, message: String, state: OrderState, code: Option<String> },
    /// Money moved on the account.
    Booked(Booking),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// The bank has it and has decided nothing.
    Pending,
    /// The bank will carry it out.
    Accepted,
    /// Nothing moved, and nothing will.
    Refused,
}

impl OrderState {
    fn of(code: &str) -> Option<Self> {
        Some(match code {
            "RCVD" | "PDNG" | "PATC" => Self::Pending,
            "ACTC" | "ACCP" | "ACFC" | "ACSP" | "ACWC" | "ACWP" | "ACSC" | "ACCC" => Self::Accepted,
            "RJCT" | "CANC" => Self::Refused,
            _ => return None,
        })
    }
}

/// One movement of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    pub line: u32,
    /// The bank's own name for it, the same whenever it is reported; where it has none, its place in the statement.
    pub reference: String,
    /// The order that it is about, where the bank says so.
    pub end_to_end: Option<String>,
    /// The message whose orders were booked as one sum.
    pub message: Option<String>,
    /// Above zero.
    pub amount: Money,
    /// Money came in.
    pub is_credit: bool,
    /// It takes back a movement from before.
    pub is_return: bool,
    /// Why it came back.
    pub code: Option<String>,
    pub booked_on: Date,
}

/// Reads a status report or a statement, told by its content.
pub fn read(bytes: &[u8]) -> Result<Incoming, IsoError> {
    let root = parse(bytes)?;
    let mut incoming = Incoming::default();
    if let Some(report) = root.at("CstmrPmtStsRpt") {
        read_report(report, &mut incoming);
    } else if let Some(report) = root.at("BkToCstmrStmt") {
        for (statement, number) in report.all("Stmt").zip(1_usize..) {
            read_statement(statement, number, &mut incoming);
        }
    } else {
        return Err(IsoError::OtherMessage);
    }
    incoming.rejected.sort_by_key(|rejected| rejected.line);
    Ok(incoming)
}

fn reject(incoming: &mut Incoming, line: u32, reason: &str) {
    incoming.rejected.push(Rejected { line, reason: reason.to_owned() });
}

// ---- Status reports ----------------------------------------------------------------------------------------------

fn read_report(report: &Node, incoming: &mut Incoming) {
    let mut of_messages = Vec::new();
    for group in report.all("OrgnlGrpInfAndSts") {
        of_messages.extend(whole(group, "OrgnlMsgId", "GrpSts", incoming));
    }
    for payments in report.all("OrgnlPmtInfAndSts") {
        of_messages.extend(whole(payments, "OrgnlPmtInfId", "PmtInfSts", incoming));
        for order in payments.all("TxInfAndSts") {
            read_order(order, incoming);
        }
    }
    incoming.received.append(&mut of_messages);
}

/// What is said of a message, or of its one group of orders, which has the same name. Of one that is partly accepted
/// its orders speak for themselves.
fn whole(node: &Node, id: &str, status: &str, incoming: &mut Incoming) -> Option<Received> {
    let status = node.text_at(status).filter(|status| *status != "PART")?;
    let (Some(message), Some(state)) = (node.text_at(id), OrderState::of(status)) else {
        reject(incoming, node.line, "a status without the message that it is of, or one that is not known");
        return None;
    };
    Some(Received::Message { line: node.line, message: message.to_owned(), state, code: reason(node) })
}

fn read_order(order: &Node, incoming: &mut Incoming) {
    let line = order.line;
    let status = order.text_at("TxSts").and_then(OrderState::of);
    match (order.text_at("OrgnlEndToEndId"), status) {
        (Some(end_to_end), Some(state)) => {
            let (end_to_end, code) = (end_to_end.to_owned(), reason(order));
            incoming.received.push(Received::Order { line, end_to_end, state, code });
        }
        _ => reject(incoming, line, "a status without the order that it is of, or one that is not known"),
    }
}

fn reason(node: &Node) -> Option<String> {
    code(node.at("StsRsnInf/Rsn")?)
}

/// A code of the standard's list, or the bank's own.
fn code(reason: &Node) -> Option<String> {
    let code = reason.text_at("Cd").or_else(|| reason.text_at("Prtry"))?;
    let plain = code.len() <= 35 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| code.to_owned())
}

// ---- Statements --------------------------------------------------------------------------------------------------

fn read_statement(statement: &Node, number: usize, incoming: &mut Incoming) {
    let name = statement.text_at("Id").map_or_else(|| number.to_string(), str::to_owned);
    let (from, before) = (incoming.received.len(), incoming.rejected.len());
    let mut sum = 0_i64;
    for (entry, place) in statement.all("Ntry").zip(1_usize..) {
        match read_entry(entry, &format!("{name}/{place}"), incoming) {
            Ok(minor) => sum = sum.saturating_add(minor),
            Err(reason) => reject(incoming, entry.line, reason),
        }
    }
    let counted = statement.text_at("TxsSummry/TtlNtries/NbOfNtries").and_then(|count| count.parse::<usize>().ok());
    let misses = counted.is_some_and(|count| count != statement.all("Ntry").count());
    let whole = incoming.rejected.len() == before;
    let leads_on = match (balance(statement, &["OPBD", "PRCD"]), balance(statement, &["CLBD"])) {
        (Some(opening), Some(closing)) if whole => opening.saturating_add(sum) == closing,
        _ => true,
    };
    if misses || !leads_on {
        incoming.received.truncate(from);
        let reason = "this statement's entries do not fit its count or its balances; none of it is taken";
        reject(incoming, statement.line, reason);
    }
}

/// A booked balance, in minor units.
fn balance(statement: &Node, kinds: &[&str]) -> Option<i64> {
    let node =
        statement.all("Bal").find(|node| node.text_at("Tp/CdOrPrtry/Cd").is_some_and(|kind| kinds.contains(&kind)))?;
    let amount = money(node.at("Amt")?)?;
    let sign = if node.text_at("CdtDbtInd") == Some("DBIT") { -1 } else { 1 };
    Some(amount.minor() * sign)
}

/// A name of a movement, unless it says there that it has none.
fn own_name(node: &Node, path: &str) -> Option<String> {
    node.text_at(path).filter(|name| !NAMELESS.contains(name)).map(str::to_owned)
}

fn money(node: &Node) -> Option<Money> {
    let currency: Currency = node.currency.as_deref()?.parse().ok()?;
    let amount = Money::parse(node.text.trim(), currency).ok()?;
    (!amount.is_negative()).then_some(amount)
}

/// The entry's movements; gives what it adds to the balance.
fn read_entry(entry: &Node, name: &str, incoming: &mut Incoming) -> Result<i64, &'static str> {
    let amount = entry.at("Amt").and_then(money).ok_or("an entry whose amount or currency does not read")?;
    let is_credit = match entry.text_at("CdtDbtInd") {
        Some("CRDT") => true,
        Some("DBIT") => false,
        _ => return Err("an entry that is neither a credit nor a debit"),
    };
    let status = entry.text_at("Sts/Cd").or_else(|| entry.text_at("Sts"));
    if status != Some("BOOK") {
        // Announced, and not yet so.
        return Ok(0);
    }
    let day = entry.text_at("BookgDt/Dt").or_else(|| entry.text_at("BookgDt/DtTm").and_then(|time| time.get(..10)));
    let booked_on: Date = day.and_then(|day| day.parse().ok()).ok_or("an entry without the day of its booking")?;
    // `NtryRef` counts the entries of one statement: it names nothing beyond it.
    let reference = own_name(entry, "AcctSvcrRef").unwrap_or_else(|| format!("{name}/{booked_on}"));
    let is_reversal = entry.text_at("RvslInd") == Some("true");
    let minor = if is_credit { amount.minor() } else { -amount.minor() };
    let booking = |line| Booking {
        line,
        reference: reference.clone(),
        end_to_end: None,
        message: None,
        amount,
        is_credit,
        is_return: is_reversal,
        code: None,
        booked_on,
    };
    let details: Vec<&Node> = entry.all("NtryDtls").flat_map(|details| details.all("TxDtls")).collect();
    if details.is_empty() {
        let message = entry.text_at("NtryDtls/Btch/PmtInfId").or_else(|| entry.text_at("NtryDtls/Btch/MsgId"));
        let whole = Booking { message: message.map(str::to_owned), ..booking(entry.line) };
        incoming.received.push(Received::Booked(whole));
        return Ok(minor);
    }
    let mut parts = Vec::with_capacity(details.len());
    let mut sum = 0_i64;
    for (detail, place) in details.iter().zip(1_usize..) {
        let said = detail.at("Amt").or_else(|| detail.at("AmtDtls/TxAmt/Amt"));
        let part = match said {
            Some(node) => money(node).ok_or("a movement whose amount does not read")?,
            None if details.len() == 1 => amount,
            None => return Err("one of several movements without its amount"),
        };
        sum = sum.saturating_add(part.minor());
        let own = own_name(detail, "Refs/AcctSvcrRef");
        let reason = detail.at("RtrInf");
        parts.push(Booking {
            reference: own
                .unwrap_or_else(|| if details.len() == 1 { reference.clone() } else { format!("{reference}/{place}") }),
            end_to_end: own_name(detail, "Refs/EndToEndId"),
            amount: part,
            is_return: is_reversal || reason.is_some(),
            code: reason.and_then(|reason| code(reason.at("Rsn")?)),
            ..booking(detail.line)
        });
    }
    if sum != amount.minor() {
        return Err("an entry whose movements do not sum to it");
    }
    incoming.received.extend(parts.into_iter().map(Received::Booked));
    Ok(minor)
}
