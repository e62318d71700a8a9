//! What leaves without a passkey where its owner said nothing: about as much in every currency. The one reviewed table of it.

use super::Limits;
use crate::money::Currency;

/// A payment in a currency that is not in the table: so many whole units. Each of those has two decimals, and a unit that is
/// worth about a US dollar, or less, so that a passkey is asked for sooner and never later.
const PAYMENT_UNITS: i64 = 500;

/// By how many whole units a payment may have: 500 times what a US dollar bought, rounded down to 1, 2 or 5 and zeros, so
/// that no ordinary change of rates reaches it. All currencies without two decimals are here, and others with a small unit.
const BY_UNITS: &[(i64, &[&str])] = &[
    (100, &["BHD", "KWD", "OMR"]),
    (250, &["JOD"]),
    (1_000, &["LYD", "TND"]),
    (2_500, &["BRL", "CNY", "DKK", "HKD", "SEK"]),
    (5_000, &["MXN", "NOK", "ZAR"]),
    (10_000, &["CZK", "THB", "TRY", "TWD"]),
    (25_000, &["INR", "PHP", "RUB"]),
    (50_000, &["DJF", "ISK", "JPY", "KES", "RSD", "VUV", "XPF"]),
    (100_000, &["HUF", "KMF", "LKR", "PKR"]),
    (250_000, &["CLP", "CRC", "KZT", "XAF", "XOF"]),
    (500_000, &["ARS", "IQD", "KRW", "NGN", "RWF"]),
    (1_000_000, &["BIF", "COP", "KHR", "MMK", "TZS", "UGX"]),
    (2_500_000, &["GNF", "PYG"]),
    (5_000_000, &["IDR", "UZS"]),
    (10_000_000, &["LAK", "VND"]),
];

/// The limits of who set none.
#[must_use]
pub fn limits(currency: Currency) -> Limits {
    let found = BY_UNITS.iter().find(|(_, codes)| codes.contains(&currency.code()));
    let payment_minor = found.map_or(PAYMENT_UNITS, |(units, _)| *units) * 10_i64.pow(currency.exponent().into());
    Limits { payment_minor, day_minor: payment_minor * 2 }
}

/// Balances below are not looked at for the share of them that leaves.
#[must_use]
pub fn share_from_minor(currency: Currency) -> i64 {
    limits(currency).day_minor
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(code: &str) -> i64 {
        limits(code.parse().expect("known")).payment_minor
    }

    #[test]
    fn the_usual_limits_are_about_as_much_in_every_currency() {
        assert_eq!(limits(Currency::USD), Limits { payment_minor: 50_000, day_minor: 100_000 });
        assert_eq!(limits(Currency::JPY), Limits { payment_minor: 50_000, day_minor: 100_000 });
        assert_eq!((payment("KRW"), payment("VND")), (500_000, 10_000_000), "whole units");
        assert_eq!((payment("KWD"), payment("IQD")), (100_000, 500_000_000), "thousandths");
        assert_eq!((payment("IDR"), payment("SEK")), (500_000_000, 250_000), "hundredths");
        assert_eq!(payment("CHF"), 50_000, "in no table");
        assert_eq!(share_from_minor(Currency::USD), 100_000);
    }

    #[test]
    fn the_table_has_each_currency_once_and_all_that_have_not_two_decimals() {
        let listed: Vec<&str> = BY_UNITS.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        for (at, code) in listed.iter().enumerate() {
            assert!(code.parse::<Currency>().is_ok(), "{code}");
            assert!(!listed[..at].contains(code), "{code} twice");
        }
        for currency in Currency::all().filter(|currency| currency.exponent() != 2) {
            assert!(listed.contains(&currency.code()), "{currency}");
        }
        assert!(BY_UNITS.is_sorted_by(|one, next| one.0 < next.0));
    }
}
