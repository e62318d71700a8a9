//! Values of OFX elements: dates, amounts, text and codes.

use domain::accounts::{AccountKind, TransactionKind};
use domain::money::{Currency, Money, MoneyError};
use jiff::civil::Date;

use super::TEXT_MAX;
use super::scan::Value;

/// A date outside these years is a slip of the writer, not a date of a statement.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// The civil date of an OFX date-time (`YYYYMMDD`, more digits and an offset may follow; 3.2.8.2). The offset is not
/// applied: the date is what the issuer printed.
pub fn date(text: &str) -> Option<Date> {
    let digits = text.as_bytes().get(..8)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return dashed(text).filter(|date| YEARS.contains(&date.year()));
    }
    let number = |part: &[u8]| part.iter().fold(0_i16, |n, b| n * 10 + i16::from(b - b'0'));
    let small = |part: &[u8]| i8::try_from(number(part)).ok();
    let year = Some(number(&digits[..4])).filter(|year| YEARS.contains(year))?;
    Date::new(year, small(&digits[4..6])?, small(&digits[6..8])?).ok()
}

/// Not in the standard, but written by some: `2018-05-07`.
fn dashed(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// A currency with what reading its amounts needs, worked out once a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    pub currency: Currency,
    exponent: usize,
}

impl Unit {
    pub fn of(currency: Currency) -> Self {
        Self { currency, exponent: usize::from(currency.exponent()) }
    }

    /// An amount with `.` or `,` as its decimal mark; where both stand, the last one is it (3.2.9.1).
    #[inline]
    pub fn amount(self, text: &str) -> Result<Money, MoneyError> {
        match self.plain(text.as_bytes()) {
            Some(minor) => Money::new(minor, self.currency),
            None => amount_slowly(text, self.currency),
        }
    }

    /// Nearly every amount: sign, few digits, and all decimals that the currency has. Absent for any other.
    #[inline]
    fn plain(self, text: &[u8]) -> Option<i64> {
        let (negative, digits) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        // So many digits cannot overflow.
        if digits.len() > 16 || digits.len() < 2 + self.exponent || self.exponent == 0 {
            return None;
        }
        let (whole, fraction) = digits.split_at(digits.len() - self.exponent - 1);
        let (mark, fraction) = fraction.split_first()?;
        if !matches!(mark, b'.' | b',') {
            return None;
        }
        let mut minor = 0_i64;
        for digit in whole.iter().chain(fraction) {
            if !digit.is_ascii_digit() {
                return None;
            }
            minor = minor * 10 + i64::from(digit - b'0');
        }
        Some(if negative { -minor } else { minor })
    }
}

fn amount_slowly(text: &str, currency: Currency) -> Result<Money, MoneyError> {
    match Money::parse(text, currency) {
        Err(MoneyError::NotANumber) => {}
        other => return other,
    }
    let Some(mark) = text.rfind(['.', ',']) else { return Err(MoneyError::NotANumber) };
    let (whole, fraction) = text.split_at(mark);
    let grouping = if text.as_bytes()[mark] == b'.' { ',' } else { '.' };
    let (first, groups) = whole.split_once(grouping).ok_or(MoneyError::NotANumber)?;
    let first_is_short = (1..=3).contains(&first.trim_start_matches(['-', '+']).len());
    if !first_is_short || groups.split(grouping).any(|group| group.len() != 3) {
        return Err(MoneyError::NotANumber);
    }
    let plain: String = whole.chars().filter(|c| *c != grouping).chain(fraction.chars()).collect();
    Money::parse(&plain, currency)
}

/// Text to keep: entities resolved, white space folded, unseen direction marks dropped, at most [`TEXT_MAX`]
/// characters.
#[inline]
pub fn text(value: Value<'_>) -> String {
    // Written without a way out in the middle, so that it runs many bytes at a time.
    let bytes = value.text.as_bytes();
    let is_odd = |b: u8| !(b' '..0x7f).contains(&b) | (b == b'&');
    let odd = bytes.iter().fold(false, |odd, b| odd | is_odd(*b));
    let next = bytes.get(1..).unwrap_or_default();
    let gaps = bytes.iter().zip(next).fold(false, |gaps, (a, b)| gaps | ((*a == b' ') & (*b == b' ')));
    let plain = !odd && !gaps && bytes.len() <= TEXT_MAX;
    if plain { value.text.to_owned() } else { cleaned(value) }
}

fn cleaned(value: Value<'_>) -> String {
    // The longest reference has 12 bytes, so what lies further on cannot be kept.
    let end = value.text.char_indices().nth(TEXT_MAX * 12).map_or(value.text.len(), |(at, _)| at);
    let raw = &value.text[..end];
    if value.literal || !raw.contains('&') { folded(raw) } else { folded(&unescape(raw)) }
}

fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(TEXT_MAX));
    let mut count = 0;
    let mut gap = false;
    for character in text.chars() {
        if character.is_whitespace() || character.is_control() {
            gap = true;
            continue;
        }
        if is_unseen(character) {
            continue;
        }
        if std::mem::take(&mut gap) && count > 0 {
            out.push(' ');
            count += 1;
        }
        if count >= TEXT_MAX {
            break;
        }
        out.push(character);
        count += 1;
    }
    out.truncate(out.trim_end().len());
    out
}

/// Characters that turn the direction of text, or show nothing: a name with them can look like another name.
const fn is_unseen(character: char) -> bool {
    matches!(character, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The entities of the specification (2.3.2.1) and character references; what is none stays as it is.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let from = &rest[at..];
        // The longest reference is `&#x0010FFFF;`.
        let end = from.bytes().take(12).position(|b| b == b';');
        match end.and_then(|end| Some((reference(&from[1..end])?, end))) {
            Some((character, end)) => {
                out.push(character);
                rest = &from[end + 1..];
            }
            None => {
                out.push('&');
                rest = &from[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    let named = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("nbsp", ' ')];
    if let Some((_, character)) = named.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) {
        return Some(*character);
    }
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    // A reference to a line break or another control is white space.
    char::from_u32(code).map(|c| if c.is_control() { ' ' } else { c })
}

/// A code in capitals, for matching. Longer texts are no codes.
pub struct Code {
    bytes: [u8; 16],
    length: usize,
}

impl Code {
    #[inline]
    pub fn of(text: &str) -> Self {
        let mut code = Self { bytes: [0; 16], length: 0 };
        if text.len() <= code.bytes.len() {
            code.length = text.len();
            code.bytes[..text.len()].copy_from_slice(text.as_bytes());
            code.bytes.make_ascii_uppercase();
        }
        code
    }

    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

pub fn account_kind(code: &str) -> AccountKind {
    match Code::of(code).as_bytes() {
        b"CHECKING" => AccountKind::Checking,
        b"SAVINGS" | b"MONEYMRKT" | b"CD" => AccountKind::Savings,
        b"CREDITLINE" | b"LOAN" => AccountKind::Loan,
        b"CREDITCARD" => AccountKind::Card,
        _ => AccountKind::Other,
    }
}

/// What a line is, by its code (11.4.4.3); on a card a plain debit is a purchase, a plain credit a payment or refund.
pub fn transaction_kind(code: &Code, amount: Money, on_card: bool, description: &str) -> TransactionKind {
    match code.as_bytes() {
        b"INT" => TransactionKind::Interest,
        b"FEE" | b"SRVCHG" => TransactionKind::Fee,
        b"ATM" | b"CASH" => TransactionKind::Cash,
        b"CHECK" => TransactionKind::Check,
        b"XFER" => TransactionKind::Transfer,
        b"PAYMENT" | b"REPEATPMT" => TransactionKind::Payment,
        b"POS" if amount.is_negative() => TransactionKind::Purchase,
        _ => match (on_card, amount.is_negative()) {
            (true, true) => TransactionKind::Purchase,
            (true, false) if is_card_payment(description) => TransactionKind::Payment,
            (true, false) => TransactionKind::Refund,
            (false, true) => TransactionKind::Debit,
            (false, false) => TransactionKind::Credit,
        },
    }
}

/// How issuers name a payment they received, where its code is only "credit".
const PAYMENT_WORDS: &[&str] = &["PAYMENT", "THANK YOU", "AUTOPAY", "PYMT", "LASTSCHRIFT", "PAIEMENT", "PAGO "];

fn is_card_payment(description: &str) -> bool {
    let upper = description.to_ascii_uppercase();
    PAYMENT_WORDS.iter().any(|word| upper.contains(word))
}
