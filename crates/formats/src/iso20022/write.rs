//! Writing pain.001.001.09: elements in the order of its schema, text in the letters that SEPA carries.

use domain::money::{Currency, Money};
use quick_xml::escape::escape;

use super::{ID_CHARS_MAX, ORDERS_MAX, Order, Outgoing, Party};
use crate::latin::spelt;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";
/// An amount within SEPA, and the sums of messages elsewhere: what every bank takes.
const AMOUNT_DIGITS_MAX: usize = 18;
const NAME_CHARS_MAX: usize = 70;
const TEXT_CHARS_MAX: usize = 140;

/// Why a message cannot be written. Nothing of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("a message has at least one order")]
    Empty,
    #[error("a message has at most {ORDERS_MAX} orders")]
    TooMany,
    #[error("the amount of an order is not above zero, or the sum has too many digits")]
    Amount,
    #[error("the orders of a message are in one currency")]
    Currencies,
    #[error("an id has 1 to 35 letters and digits")]
    Id,
    #[error("a name that the message must have is empty")]
    Nameless,
}

/// Writes the message, as UTF-8.
pub fn write(message: &Outgoing) -> Result<String, WriteError> {
    let first = message.orders.first().ok_or(WriteError::Empty)?;
    if message.orders.len() > ORDERS_MAX {
        return Err(WriteError::TooMany);
    }
    let currency = first.amount.currency();
    if message.orders.iter().any(|order| order.amount.currency() != currency) {
        return Err(WriteError::Currencies);
    }
    let sum = Money::sum(currency, message.orders.iter().map(|order| order.amount)).map_err(|_| WriteError::Amount)?;
    let (count, sum) = (message.orders.len().to_string(), decimal(sum)?);
    let mut out = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    out.open(&format!("Document xmlns=\"{NAMESPACE}\""));
    out.open("CstmrCdtTrfInitn");
    out.open("GrpHdr");
    out.leaf("MsgId", id(&message.message)?);
    out.leaf("CreDtTm", &message.made_at.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    out.leaf("NbOfTxs", &count);
    out.leaf("CtrlSum", &sum);
    out.open("InitgPty");
    out.leaf("Nm", &name(&message.sender)?);
    out.close("InitgPty");
    out.close("GrpHdr");
    out.open("PmtInf");
    out.leaf("PmtInfId", id(&message.message)?);
    out.leaf("PmtMtd", "TRF");
    out.leaf("BtchBookg", "true");
    out.leaf("NbOfTxs", &count);
    out.leaf("CtrlSum", &sum);
    if let Some(level) = &message.service_level {
        out.open("PmtTpInf");
        out.open("SvcLvl");
        out.leaf("Cd", level);
        out.close("SvcLvl");
        out.close("PmtTpInf");
    }
    out.open("ReqdExctnDt");
    out.leaf("Dt", &message.execute_on.to_string());
    out.close("ReqdExctnDt");
    out.open("Dbtr");
    out.leaf("Nm", &name(&message.debtor.name)?);
    out.close("Dbtr");
    account(&mut out, "DbtrAcct", &message.debtor);
    out.open("DbtrAgt");
    out.open("FinInstnId");
    match &message.debtor.bic {
        Some(bic) => out.leaf("BICFI", &bic.0),
        None => {
            out.open("Othr");
            out.leaf("Id", "NOTPROVIDED");
            out.close("Othr");
        }
    }
    out.close("FinInstnId");
    out.close("DbtrAgt");
    out.leaf("ChrgBr", "SLEV");
    for order in &message.orders {
        write_order(&mut out, order, currency)?;
    }
    out.close("PmtInf");
    out.close("CstmrCdtTrfInitn");
    out.close("Document");
    Ok(out.0)
}

fn write_order(out: &mut Xml, order: &Order, currency: Currency) -> Result<(), WriteError> {
    out.open("CdtTrfTxInf");
    out.open("PmtId");
    out.leaf("InstrId", id(&order.end_to_end)?);
    out.leaf("EndToEndId", id(&order.end_to_end)?);
    out.close("PmtId");
    out.open("Amt");
    out.open(&format!("InstdAmt Ccy=\"{}\"", currency.code()));
    out.0.truncate(out.0.trim_end().len());
    out.0.push_str(&decimal(order.amount)?);
    out.close("InstdAmt");
    out.close("Amt");
    if let Ok(payer) = name(&order.payer) {
        out.open("UltmtDbtr");
        out.leaf("Nm", &payer);
        out.close("UltmtDbtr");
    }
    if let Some(bic) = &order.payee.bic {
        out.open("CdtrAgt");
        out.open("FinInstnId");
        out.leaf("BICFI", &bic.0);
        out.close("FinInstnId");
        out.close("CdtrAgt");
    }
    out.open("Cdtr");
    out.leaf("Nm", &name(&order.payee.name)?);
    out.close("Cdtr");
    account(out, "CdtrAcct", &order.payee);
    let text = order.remittance.as_deref().map(|text| spelt(text, is_allowed, TEXT_CHARS_MAX));
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        out.open("RmtInf");
        out.leaf("Ustrd", &text);
        out.close("RmtInf");
    }
    out.close("CdtTrfTxInf");
    Ok(())
}

fn account(out: &mut Xml, element: &str, party: &Party) {
    out.open(element);
    out.open("Id");
    out.leaf("IBAN", &party.iban.0);
    out.close("Id");
    out.close(element);
}

/// What every bank of the scheme takes in names and texts.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || " /-?:().,'+".contains(c)
}

fn name(text: &str) -> Result<String, WriteError> {
    let name = spelt(text, is_allowed, NAME_CHARS_MAX);
    if name.is_empty() { Err(WriteError::Nameless) } else { Ok(name) }
}

fn id(text: &str) -> Result<&str, WriteError> {
    let fits = (1..=ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits { Ok(text) } else { Err(WriteError::Id) }
}

/// The amount as the schema writes it: a point, and as many decimals as the currency has.
fn decimal(amount: Money) -> Result<String, WriteError> {
    if !amount.is_positive() {
        return Err(WriteError::Amount);
    }
    let exponent = usize::from(amount.currency().exponent());
    let digits = format!("{:0>width$}", amount.minor(), width = exponent + 1);
    if digits.len() > AMOUNT_DIGITS_MAX {
        return Err(WriteError::Amount);
    }
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    Ok(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

struct Xml(String);

impl Xml {
    fn open(&mut self, tag: &str) {
        self.0.push('<');
        self.0.push_str(tag);
        self.0.push_str(">\n");
    }

    fn close(&mut self, tag: &str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push_str(">\n");
    }

    fn leaf(&mut self, tag: &str, text: &str) {
        self.0.push('<');
        self.0.push_str(tag);
        self.0.push('>');
        self.0.push_str(&escape(text));
        self.close(tag);
    }
}
