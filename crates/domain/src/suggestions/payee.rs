//! Whom a line paid, by what its description keeps from month to month: numbers, dates and the words of banks go.

/// Words that banks and terminals add, and legal forms.
const NOISE: &[&str] = &[
    "ach",
    "auth",
    "authorized",
    "auto",
    "autopay",
    "bill",
    "billpay",
    "card",
    "checkcard",
    "co",
    "com",
    "corp",
    "credit",
    "crd",
    "debit",
    "des",
    "dbt",
    "direct",
    "ebill",
    "elec",
    "epay",
    "from",
    "gmbh",
    "id",
    "inc",
    "indn",
    "inst",
    "lastschrift",
    "llc",
    "ltd",
    "mobile",
    "no",
    "online",
    "on",
    "payment",
    "payments",
    "pmt",
    "pmts",
    "pos",
    "ppd",
    "preauth",
    "purchase",
    "pymt",
    "rec",
    "recur",
    "recurring",
    "ref",
    "sa",
    "sepa",
    "sig",
    "the",
    "thank",
    "to",
    "trn",
    "visa",
    "web",
    "www",
    "xxxx",
    "you",
];

/// What is no bill whatever its rhythm: money that stays the person's own, cash, and cheques without a payee.
const OWN: &[&str] = &["atm", "cash", "cheque", "check", "deposit", "savings", "transfer", "withdrawal", "xfer"];

/// So many words tell one payee from another.
const WORDS_MAX: usize = 3;

fn words(description: &str) -> impl Iterator<Item = String> {
    description
        .split(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’' && letter != '&')
        .filter(|word| !word.is_empty() && !word.chars().any(|letter| letter.is_ascii_digit()))
        .map(|word| word.to_lowercase().replace(['\'', '’'], ""))
}

/// What two lines of one payee have in common; `None` for what is nobody's bill.
#[must_use]
pub fn payee_key(description: &str) -> Option<String> {
    let all: Vec<String> = words(description).collect();
    if all.iter().any(|word| OWN.contains(&word.as_str())) {
        return None;
    }
    let telling: Vec<&String> = all.iter().filter(|word| is_telling(word)).take(WORDS_MAX).collect();
    // A payee may be called by nothing but such words.
    let chosen = if telling.is_empty() { all.iter().take(WORDS_MAX).collect() } else { telling };
    let key = chosen.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    (key.chars().count() >= 3).then_some(key)
}

fn is_telling(word: &str) -> bool {
    word.chars().count() > 1 && !NOISE.contains(&word)
}

/// A name for a bill: the telling words as a person would write them.
#[must_use]
pub fn payee_name(description: &str) -> String {
    let Some(key) = payee_key(description) else { return description.trim().to_owned() };
    key.split(' ').map(capitalised).collect::<Vec<_>>().join(" ")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payee_is_the_same_whatever_the_bank_adds() {
        for text in [
            "LANTERNLINE FIBER 8004321",
            "POS DEBIT Lanternline Fiber #0042",
            "ACH WEB PMT LANTERNLINE-FIBER ID:99812",
            "Lanternline Fiber Autopay 11/20",
        ] {
            assert_eq!(payee_key(text).as_deref(), Some("lanternline fiber"), "{text}");
        }
        assert_eq!(payee_name("POS DEBIT LANTERNLINE FIBER #0042"), "Lanternline Fiber");
        assert_ne!(payee_key("PEREGRINE MOBILE"), payee_key("PEREGRINE MARKET"));
    }

    #[test]
    fn what_stays_the_persons_own_has_no_payee() {
        for text in ["ATM WITHDRAWAL 0423", "TRANSFER TO SAVINGS 2086", "CHECK 1023", "", "12345", "–"] {
            assert_eq!(payee_key(text), None, "{text}");
        }
        assert_eq!(payee_key("Card Payment").as_deref(), Some("card payment"), "when there is nothing else");
    }
}
