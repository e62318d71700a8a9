//! How typed words and the texts they are looked for in are compared: without case, and without the accents that a
//! keyboard may lack. The index of transactions folds the same way: accents of Latin letters, and no others.

use domain::money::Money;
use unicode_normalization::UnicodeNormalization as _;

/// The same for two texts that differ in case, in accents of Latin letters, or in how those are encoded.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfc() {
        let mut parts = std::iter::once(letter).nfd();
        let base = parts.next().unwrap_or(letter);
        if base.is_ascii_alphabetic() && parts.all(is_accent) {
            folded.push(base.to_ascii_lowercase());
        } else if !(is_accent(letter) && folded.ends_with(|before: char| before.is_ascii_alphabetic())) {
            folded.extend(letter.to_lowercase());
        }
    }
    folded
}

const fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// Words that somebody typed.
pub(crate) struct Typed(Vec<String>);

impl Typed {
    pub fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(fold).collect())
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every word is somewhere in the text.
    pub fn is_in(&self, text: &str) -> bool {
        self.is_in_or_of(text, None)
    }

    /// The same, where a word may also be the amount: "40", "40.00" or "40,00".
    pub fn is_in_or_of(&self, text: &str, amount: Option<Money>) -> bool {
        let text = fold(text);
        self.0.iter().all(|word| text.contains(word) || amount.is_some_and(|amount| is_amount(word, amount)))
    }
}

fn is_amount(word: &str, amount: Money) -> bool {
    let plain = word.trim_matches(|sign: char| !sign.is_ascii_digit()).replace(',', ".");
    Money::parse(&plain, amount.currency()).is_ok_and(|typed| typed.minor() == amount.minor().abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::usd;

    #[test]
    fn what_a_keyboard_lacks_is_found_without_it() {
        for (written, typed) in [
            ("Teléfono", "telefono"),
            ("Müllabfuhr", "MULLABFUHR"),
            ("Cafe\u{301} Ångström", "café angstrom"),
            ("Việt Nam", "viet"),
        ] {
            assert!(Typed::new(typed).is_in(written), "{typed} in {written}");
            assert!(Typed::new(written).is_in(typed) || typed == "viet", "and the other way");
        }
        assert!(!Typed::new("telefono movil").is_in("Teléfono"));
        assert_eq!(fold("Мой"), "мой", "another letter, not an accent");
    }

    #[test]
    fn a_word_may_be_the_amount() {
        let of = |typed: &str| Typed::new(typed).is_in_or_of("Rent", Some(usd("40")));
        assert!(of("rent 40") && of("40.00") && of("40,00") && of("$40"));
        assert!(!of("4") && !of("400") && !of("40.01"));
    }
}
