//! Payment methods (WA1): bank accounts and cards of the person that a payment may be drawn from. A method is what is left
//! of its number: brand, last four, expiry. The number itself is read once, exchanged for a token and forgotten; nothing
//! here keeps one.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::ids::MethodId;

/// A bank account or card of the person, as every device sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Method {
    pub id: MethodId,
    pub kind: MethodKind,
    /// Who issued it, as the tokeniser names them.
    pub brand: String,
    pub last_four: String,
    /// Absent for bank accounts.
    pub expiry: Option<Expiry>,
    /// Offered first when a payment is made.
    pub is_default: bool,
    /// Nothing leaves from it any more: its owner said that they did not add it.
    pub frozen: bool,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub added_at: Timestamp,
    /// A payment leaves from it at this moment at the earliest.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub usable_from: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum MethodKind {
    BankAccount,
    Card,
}

impl MethodKind {
    pub const ALL: [Self; 2] = [Self::BankAccount, Self::Card];

    /// The stored name; it never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BankAccount => "bank_account",
            Self::Card => "card",
        }
    }
}

/// The month with whose last day a card ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Expiry {
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl Expiry {
    /// Cards are issued for fewer years than this.
    pub const YEARS_AHEAD_MAX: i16 = 20;

    /// The last day on which the card is good; none when there is no such month.
    #[must_use]
    pub fn last_day(self) -> Option<Date> {
        Date::new(self.year, self.month, 1).ok().map(Date::last_of_month)
    }

    #[must_use]
    pub fn is_over(self, today: Date) -> bool {
        self.last_day().is_none_or(|last| last < today)
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}/{}", self.month, self.year)
    }
}

/// How good a method is, seen from one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum MethodHealth {
    Good,
    /// It is good through this day, which is near.
    ExpiresSoon {
        #[cfg_attr(feature = "bindings", specta(type = String))]
        on: Date,
    },
    /// It was good through this day.
    Expired {
        #[cfg_attr(feature = "bindings", specta(type = String))]
        on: Date,
    },
    Frozen,
}

/// Why nothing can be drawn from a method. The names are stored with payments: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undrawable {
    #[error("the payment method has expired")]
    Expired,
    #[error("the payment method is frozen")]
    Frozen,
    #[error("the payment method was removed")]
    Removed,
}

impl Undrawable {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "method_expired",
            Self::Frozen => "method_frozen",
            Self::Removed => "method_removed",
        }
    }
}

impl Method {
    /// More than anybody has, and few enough to look through.
    pub const MAX: usize = 20;
    /// So many days before its last one an expiry is told.
    pub const SOON_DAYS: i32 = 30;

    #[must_use]
    pub fn health(&self, today: Date) -> MethodHealth {
        if self.frozen {
            return MethodHealth::Frozen;
        }
        let Some(on) = self.expiry.and_then(Expiry::last_day) else { return MethodHealth::Good };
        let left = crate::days::number_of(on) - crate::days::number_of(today);
        match left {
            ..0 => MethodHealth::Expired { on },
            0..=Self::SOON_DAYS => MethodHealth::ExpiresSoon { on },
            _ => MethodHealth::Good,
        }
    }

    /// Whether something can be drawn from it on a day; `usable_from` is another question.
    pub fn drawable(&self, on: Date) -> Result<(), Undrawable> {
        if self.frozen {
            return Err(Undrawable::Frozen);
        }
        match self.expiry {
            Some(expiry) if expiry.is_over(on) => Err(Undrawable::Expired),
            _ => Ok(()),
        }
    }

    /// Its name for people: never more than the last four of the number.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} ··{}", self.brand, self.last_four)
    }
}

// ---- What a person types -----------------------------------------------------------------------------------------

/// A number as it was typed, on its way to the tokeniser. It shows itself nowhere and is wiped when it goes.
pub struct TypedNumber {
    kind: MethodKind,
    /// Digits alone.
    number: Zeroizing<String>,
    /// Of bank accounts: the bank's own number, which is public.
    routing: Option<String>,
    expiry: Option<Expiry>,
}

/// Why what was typed is no number of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("this is not the number of a card: a digit is missing or wrong")]
    Card,
    #[error("an account number has 5 to 17 digits")]
    Account,
    #[error("this is not a bank's routing number: a digit is missing or wrong")]
    Routing,
    #[error("the expiry is a month and a year, like 08/2029")]
    Expiry,
    #[error("this card has expired")]
    Expired,
}

impl TypedNumber {
    const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;
    /// At least five, so that the last four never are the whole number.
    const ACCOUNT_DIGITS: std::ops::RangeInclusive<usize> = 5..=17;
    const ROUTING_DIGITS: usize = 9;
    /// Nobody types more; longer text is not looked at.
    const TEXT_MAX: usize = 40;

    pub fn card(number: &str, expiry: &str, today: Date) -> Result<Self, NumberError> {
        let number = digits(number).filter(|digits| Self::CARD_DIGITS.contains(&digits.len()));
        let number = number.filter(|digits| luhn(digits)).ok_or(NumberError::Card)?;
        let expiry = read_expiry(expiry).ok_or(NumberError::Expiry)?;
        if expiry.year > today.year() + Expiry::YEARS_AHEAD_MAX {
            return Err(NumberError::Expiry);
        }
        if expiry.is_over(today) {
            return Err(NumberError::Expired);
        }
        Ok(Self { kind: MethodKind::Card, number, routing: None, expiry: Some(expiry) })
    }

    pub fn bank_account(number: &str, routing: &str) -> Result<Self, NumberError> {
        let number = digits(number).filter(|digits| Self::ACCOUNT_DIGITS.contains(&digits.len()));
        let number = number.ok_or(NumberError::Account)?;
        let routing = digits(routing).filter(|digits| digits.len() == Self::ROUTING_DIGITS && aba(digits));
        let routing = routing.ok_or(NumberError::Routing)?.to_string();
        Ok(Self { kind: MethodKind::BankAccount, number, routing: Some(routing), expiry: None })
    }

    #[must_use]
    pub const fn kind(&self) -> MethodKind {
        self.kind
    }

    #[must_use]
    pub const fn expiry(&self) -> Option<Expiry> {
        self.expiry
    }

    #[must_use]
    pub fn routing(&self) -> Option<&str> {
        self.routing.as_deref()
    }

    /// The number, for the tokeniser alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.number
    }

    #[must_use]
    pub fn last_four(&self) -> &str {
        &self.number[self.number.len() - 4..]
    }
}

impl fmt::Debug for TypedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedNumber(…)")
    }
}

/// The digits of what was typed; spaces and hyphens between them are how people write numbers.
fn digits(text: &str) -> Option<Zeroizing<String>> {
    if text.len() > TypedNumber::TEXT_MAX {
        return None;
    }
    let mut digits = Zeroizing::new(String::with_capacity(TypedNumber::TEXT_MAX));
    for character in text.trim().chars() {
        match character {
            '0'..='9' => digits.push(character),
            ' ' | '-' => {}
            _ => return None,
        }
    }
    Some(digits)
}

fn values(digits: &str) -> impl DoubleEndedIterator<Item = u32> {
    digits.bytes().map(|byte| u32::from(byte - b'0'))
}

/// The check digit of card numbers (ISO/IEC 7812-1, annex B).
fn luhn(digits: &str) -> bool {
    let sum: u32 = values(digits)
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The check digit of routing numbers: weights 3, 7, 1 (ABA).
fn aba(digits: &str) -> bool {
    let sum: u32 = values(digits).zip([3, 7, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    sum.is_multiple_of(10) && sum > 0
}

/// "8/29", "08/2029" and "08 / 29".
fn read_expiry(text: &str) -> Option<Expiry> {
    let (month, year) = text.split_once('/')?;
    let (month, year) = (month.trim(), year.trim());
    let plain = |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(month) || !plain(year) {
        return None;
    }
    let year = match (year.len(), year.parse::<i16>().ok()?) {
        (2, year) => 2_000 + year,
        (4, year) => year,
        _ => return None,
    };
    let expiry = Expiry { year, month: month.parse().ok()? };
    expiry.last_day().map(|_| expiry)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// A number with the check digit that makes it good.
    fn with_check_digit(start: &str) -> String {
        let found = (0..10).map(|digit| format!("{start}{digit}")).find(|number| luhn(number));
        found.expect("one of ten digits fits")
    }

    fn method(expiry: Option<Expiry>) -> Method {
        Method {
            id: MethodId::new(Timestamp::UNIX_EPOCH, [0; 10]),
            kind: MethodKind::Card,
            brand: "Heron".to_owned(),
            last_four: "4471".to_owned(),
            expiry,
            is_default: false,
            frozen: false,
            added_at: Timestamp::UNIX_EPOCH,
            usable_from: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn any_one_wrong_digit_and_any_two_swapped_ones_are_noticed() {
        let good = with_check_digit("999012004471553");
        assert!(TypedNumber::card(&good, "08/2029", date(2027, 3, 1)).is_ok());
        for at in 0..good.len() {
            for digit in b'0'..=b'9' {
                let mut wrong = good.clone().into_bytes();
                if wrong[at] == digit {
                    continue;
                }
                wrong[at] = digit;
                assert!(!luhn(std::str::from_utf8(&wrong).expect("digits")), "digit {at}");
            }
        }
        assert!(aba("999000001") && !aba("999000010") && !aba("000000000"));
    }

    #[test]
    fn a_number_is_read_as_people_write_it_and_never_shows_itself() {
        let good = with_check_digit("999012004471553");
        let spaced = format!("{} {}-{} {} ", &good[..4], &good[4..8], &good[8..12], &good[12..]);
        let typed = TypedNumber::card(&spaced, "8/29", date(2027, 3, 1)).expect("a card");
        assert_eq!((typed.expose(), typed.last_four()), (good.as_str(), &good[12..]));
        assert_eq!(typed.expiry(), Some(Expiry { year: 2029, month: 8 }));
        assert!(!format!("{typed:?}").contains(&good[..6]));
        let account = TypedNumber::bank_account("0012 3456 78", "999000001").expect("an account");
        assert_eq!((account.expose(), account.last_four()), ("0012345678", "5678"));
        for wrong in ["", "4471", "12a45678", "123456789012345678", "१२३४५६७"] {
            assert_eq!(TypedNumber::bank_account(wrong, "999000001").err(), Some(NumberError::Account), "{wrong}");
        }
        assert_eq!(TypedNumber::bank_account("00123456", "999000002").err(), Some(NumberError::Routing));
    }

    #[test]
    fn a_card_is_good_through_the_last_day_of_its_month() {
        let good = with_check_digit("999012004471553");
        for (expiry, refused) in [
            ("02/2027", Some(NumberError::Expired)),
            ("03/2027", None),
            ("3/27", None),
            ("03/2047", None),
            ("03/2048", Some(NumberError::Expiry)),
            ("13/2027", Some(NumberError::Expiry)),
            ("0/27", Some(NumberError::Expiry)),
            ("03-27", Some(NumberError::Expiry)),
            ("+3/27", Some(NumberError::Expiry)),
            ("03/327", Some(NumberError::Expiry)),
        ] {
            let answer = TypedNumber::card(&good, expiry, date(2027, 3, 31)).err();
            assert_eq!(answer, refused, "{expiry}");
        }
    }

    #[test]
    fn an_expiry_is_told_a_month_before_and_stops_what_is_drawn_after_it() {
        let card = method(Some(Expiry { year: 2028, month: 2 }));
        let on = date(2028, 2, 29);
        assert_eq!(card.health(date(2028, 1, 29)), MethodHealth::Good);
        assert_eq!(card.health(date(2028, 1, 30)), MethodHealth::ExpiresSoon { on });
        assert_eq!(card.health(on), MethodHealth::ExpiresSoon { on });
        assert_eq!(card.health(date(2028, 3, 1)), MethodHealth::Expired { on });
        assert_eq!(card.drawable(on), Ok(()));
        assert_eq!(card.drawable(date(2028, 3, 1)), Err(Undrawable::Expired));
        let frozen = Method { frozen: true, ..card };
        assert_eq!((frozen.health(on), frozen.drawable(on)), (MethodHealth::Frozen, Err(Undrawable::Frozen)));
        let account = method(None);
        assert_eq!(account.health(date(2199, 1, 1)), MethodHealth::Good);
        assert_eq!(account.name(), "Heron ··4471");
    }
}
