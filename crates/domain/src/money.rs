//! Exact money: integer minor units and an ISO 4217 currency. No floats, no silent overflow.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An exact amount in one currency, counted in minor units (cents). Mixing currencies or leaving
/// the range is an error, never a wrong number.
///
/// On the wire: `{"minor":95000,"currency":"USD"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Money {
    #[cfg_attr(feature = "schema", schema(minimum = -9007199254740991_i64, maximum = 9007199254740991_i64))]
    minor: i64,
    #[cfg_attr(feature = "bindings", specta(type = String))]
    #[cfg_attr(feature = "schema", schema(value_type = String, min_length = 3, max_length = 3, example = "USD"))]
    currency: Currency,
}

impl Money {
    /// Up to here an amount is exact in JavaScript too.
    pub const MINOR_MAX: i64 = (1 << 53) - 1;

    pub fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor.unsigned_abs() > Self::MINOR_MAX.unsigned_abs() {
            return Err(MoneyError::OutOfRange);
        }
        Ok(Self { minor, currency })
    }

    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads a plain decimal such as `950`, `-34.51` or `+0.5`, with `.` or a single `,` as the decimal mark.
    /// No grouping, no symbol, no exponent. More decimals than the currency has are refused unless they are zeros; a comma
    /// before three digits that cannot all be decimals is refused whatever they are, since it may part thousands.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let text = text.trim();
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(MoneyError::NotANumber);
        }
        if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(MoneyError::NotANumber);
        }
        let exponent = usize::from(currency.exponent());
        if exponent != GROUP_DIGITS && fraction.len() == GROUP_DIGITS && digits.contains(',') {
            return Err(MoneyError::Grouped);
        }
        let (kept, dropped) = fraction.split_at(fraction.len().min(exponent));
        if dropped.bytes().any(|b| b != b'0') {
            return Err(MoneyError::TooManyDecimals { allowed: currency.exponent() });
        }
        let mut minor: i64 = 0;
        let padding = std::iter::repeat_n(b'0', exponent - kept.len());
        for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
            minor = minor
                .checked_mul(10)
                .and_then(|m| m.checked_add(i64::from(digit - b'0')))
                .ok_or(MoneyError::OutOfRange)?;
        }
        Self::new(if negative { -minor } else { minor }, currency)
    }

    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::OutOfRange)?;
        Self::new(minor, self.currency)
    }

    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.plus(other.negated())
    }

    #[must_use]
    pub const fn negated(self) -> Self {
        // The range is symmetric, so the negation of a valid amount is valid.
        Self { minor: -self.minor, currency: self.currency }
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// The smaller of two amounts of one currency.
    pub fn lesser(self, other: Self) -> Result<Self, MoneyError> {
        Ok(if self.minus(other)?.is_positive() { other } else { self })
    }

    /// The larger of two amounts of one currency.
    pub fn greater(self, other: Self) -> Result<Self, MoneyError> {
        Ok(if self.minus(other)?.is_positive() { self } else { other })
    }

    /// The sum of amounts that must all be in `currency`; zero when there are none.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

/// Plain decimal text with all decimals of the currency: `-34.51`. For people, the UI formats by CLDR instead.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_u64.pow(u32::from(self.currency.exponent()));
        let size = self.minor.unsigned_abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        if scale == 1 {
            return write!(f, "{sign}{size} {}", self.currency);
        }
        let width = usize::from(self.currency.exponent());
        write!(f, "{sign}{}.{:0width$} {}", size / scale, size % scale, self.currency)
    }
}

/// An ISO 4217 currency that Billfold knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    pub const USD: Self = Self(*b"USD");
    pub const EUR: Self = Self(*b"EUR");
    pub const GBP: Self = Self(*b"GBP");
    pub const JPY: Self = Self(*b"JPY");
    pub const CHF: Self = Self(*b"CHF");
    pub const CAD: Self = Self(*b"CAD");
    pub const AUD: Self = Self(*b"AUD");

    #[must_use]
    pub fn code(&self) -> &str {
        // Only ASCII letters get in.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Each that is known.
    pub fn all() -> impl Iterator<Item = Self> {
        [NO_DECIMALS, THREE_DECIMALS, TWO_DECIMALS].into_iter().flatten().map(|code| Self(*code))
    }

    /// How many decimals an amount has (ISO 4217 "minor unit").
    #[must_use]
    pub fn exponent(self) -> u8 {
        if NO_DECIMALS.contains(&self.0) {
            0
        } else if THREE_DECIMALS.contains(&self.0) {
            3
        } else {
            2
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let code: [u8; 3] = text.trim().as_bytes().try_into().map_err(|_| MoneyError::UnknownCurrency)?;
        let code = code.map(|b| b.to_ascii_uppercase());
        let known = NO_DECIMALS.contains(&code) || THREE_DECIMALS.contains(&code) || TWO_DECIMALS.contains(&code);
        if known { Ok(Self(code)) } else { Err(MoneyError::UnknownCurrency) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("the amount is out of range")]
    OutOfRange,
    #[error("amounts in {left} and {right} cannot be added")]
    CurrencyMismatch { left: Currency, right: Currency },
    #[error("the currency is not known")]
    UnknownCurrency,
    #[error("the amount is not a plain decimal number")]
    NotANumber,
    #[error("the amount has more than {allowed} decimals")]
    TooManyDecimals { allowed: u8 },
    #[error("the mark in the amount may stand for decimals or for thousands")]
    Grouped,
}

/// Thousands are written in groups of so many.
const GROUP_DIGITS: usize = 3;

/// Checked on the way in: what does not fit the range is refused, not clipped.
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct OnWire {
            minor: i64,
            currency: Currency,
        }
        let wire = OnWire::deserialize(from)?;
        Self::new(wire.minor, wire.currency).map_err(serde::de::Error::custom)
    }
}

// ISO 4217 list one, active codes of countries and unions, by minor unit.
const NO_DECIMALS: &[[u8; 3]] = &[
    *b"BIF", *b"CLP", *b"DJF", *b"GNF", *b"ISK", *b"JPY", *b"KMF", *b"KRW", *b"PYG", *b"RWF", *b"UGX", *b"VND",
    *b"VUV", *b"XAF", *b"XOF", *b"XPF",
];
const THREE_DECIMALS: &[[u8; 3]] = &[*b"BHD", *b"IQD", *b"JOD", *b"KWD", *b"LYD", *b"OMR", *b"TND"];
const TWO_DECIMALS: &[[u8; 3]] = &[
    *b"AED", *b"AFN", *b"ALL", *b"AMD", *b"AOA", *b"ARS", *b"AUD", *b"AWG", *b"AZN", *b"BAM", *b"BBD", *b"BDT",
    *b"BMD", *b"BND", *b"BOB", *b"BRL", *b"BSD", *b"BTN", *b"BWP", *b"BYN", *b"BZD", *b"CAD", *b"CDF", *b"CHF",
    *b"CNY", *b"COP", *b"CRC", *b"CUP", *b"CVE", *b"CZK", *b"DKK", *b"DOP", *b"DZD", *b"EGP", *b"ERN", *b"ETB",
    *b"EUR", *b"FJD", *b"FKP", *b"GBP", *b"GEL", *b"GHS", *b"GIP", *b"GMD", *b"GTQ", *b"GYD", *b"HKD", *b"HNL",
    *b"HTG", *b"HUF", *b"IDR", *b"ILS", *b"INR", *b"IRR", *b"JMD", *b"KES", *b"KGS", *b"KHR", *b"KPW", *b"KYD",
    *b"KZT", *b"LAK", *b"LBP", *b"LKR", *b"LRD", *b"LSL", *b"MAD", *b"MDL", *b"MGA", *b"MKD", *b"MMK", *b"MNT",
    *b"MOP", *b"MRU", *b"MUR", *b"MVR", *b"MWK", *b"MXN", *b"MYR", *b"MZN", *b"NAD", *b"NGN", *b"NIO", *b"NOK",
    *b"NPR", *b"NZD", *b"PAB", *b"PEN", *b"PGK", *b"PHP", *b"PKR", *b"PLN", *b"QAR", *b"RON", *b"RSD", *b"RUB",
    *b"SAR", *b"SBD", *b"SCR", *b"SDG", *b"SEK", *b"SGD", *b"SHP", *b"SLE", *b"SOS", *b"SRD", *b"SSP", *b"STN",
    *b"SVC", *b"SYP", *b"SZL", *b"THB", *b"TJS", *b"TMT", *b"TOP", *b"TRY", *b"TTD", *b"TWD", *b"TZS", *b"UAH",
    *b"USD", *b"UYU", *b"UZS", *b"VES", *b"WST", *b"XCD", *b"XCG", *b"YER", *b"ZAR", *b"ZMW", *b"ZWG",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect("a valid amount")
    }

    #[test]
    fn a_decimal_is_read_exactly() {
        assert_eq!(usd("950.00").minor(), 95_000);
        assert_eq!(usd("-34.51").minor(), -3_451);
        assert_eq!(usd("12,5").minor(), 1_250);
        assert_eq!(usd(".07").minor(), 7);
        assert_eq!(usd("1.000").minor(), 100, "zeros beyond the minor unit carry no value");
        assert_eq!(Money::parse("1200", Currency::JPY).map(Money::minor), Ok(1200));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        assert_eq!(Money::parse("1.005", Currency::USD), Err(MoneyError::TooManyDecimals { allowed: 2 }));
        for (grouped, code) in [("1,000", "USD"), ("-1,250", "USD"), ("5,000", "JPY"), ("1,005", "EUR")] {
            assert_eq!(Money::parse(grouped, code.parse().expect("known")), Err(MoneyError::Grouped), "{grouped}");
        }
        assert_eq!(Money::parse("1,500", "KWD".parse().expect("known")).map(Money::minor), Ok(1_500));
        for text in ["", "-", ".", "1.2.3", "$12", "1e3", "0x10", "12 34", "١٢"] {
            assert_eq!(Money::parse(text, Currency::USD), Err(MoneyError::NotANumber), "{text:?}");
        }
        assert_eq!(Money::parse("90071992547409.92", Currency::USD), Err(MoneyError::OutOfRange));
        assert_eq!(Money::parse(&"9".repeat(40), Currency::USD), Err(MoneyError::OutOfRange));
    }

    #[test]
    fn of_two_amounts_one_is_the_lesser_and_the_other_the_greater() {
        let (low, high) = (usd("-3"), usd("2.50"));
        for (one, other) in [(low, high), (high, low)] {
            assert_eq!((one.lesser(other), one.greater(other)), (Ok(low), Ok(high)));
        }
        let euro = Money::parse("1", Currency::EUR).expect("valid");
        assert!(low.lesser(euro).is_err() && low.greater(euro).is_err());
    }

    #[test]
    fn amounts_of_two_currencies_never_add() {
        let euro = Money::parse("1", Currency::EUR).expect("valid");
        assert!(matches!(usd("1").plus(euro), Err(MoneyError::CurrencyMismatch { .. })));
    }

    #[test]
    fn the_wire_shape_is_stable_and_checked() {
        let text = serde_json::to_string(&usd("950")).expect("serialises");
        assert_eq!(text, r#"{"minor":95000,"currency":"USD"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"minor":9007199254740992,"currency":"USD"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"minor":1,"currency":"ZZZ"}"#).is_err());
    }

    #[test]
    fn plain_text_shows_every_decimal() {
        assert_eq!(usd("-34.5").to_string(), "-34.50 USD");
        assert_eq!(Money::parse("7", Currency::JPY).expect("valid").to_string(), "7 JPY");
    }
}
