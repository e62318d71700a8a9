//! The words of the page on which the number of a payment method is typed.

use domain::addresses::Language;

pub(super) struct Words {
    pub add_card: &'static str,
    pub add_bank_account: &'static str,
    pub card_number: &'static str,
    pub card_number_help: &'static str,
    pub expires: &'static str,
    pub routing: &'static str,
    pub routing_help: &'static str,
    pub account_number: &'static str,
    pub go_on: &'static str,
    pub note: &'static str,
}

pub(super) const fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &Words {
            add_card: "Add a card",
            add_bank_account: "Add a bank account",
            card_number: "Card number",
            card_number_help: "With practice money: 9990 or 9991 and a good check digit, such as 9990 0000 0000 0003. Real cards are refused.",
            expires: "Expires",
            routing: "Routing number",
            routing_help: "With practice money: 999000001. Real banks are refused.",
            account_number: "Account number",
            go_on: "Continue",
            note: "The number is exchanged for a token and forgotten. Billfold keeps its last four digits.",
        },
        Language::Es => &Words {
            add_card: "Añadir una tarjeta",
            add_bank_account: "Añadir una cuenta bancaria",
            card_number: "Número de la tarjeta",
            card_number_help: "Con dinero de práctica: 9990 o 9991 y una cifra de control correcta, como 9990 0000 0000 0003. Las tarjetas reales se rechazan.",
            expires: "Caduca",
            routing: "Número de ruta del banco",
            routing_help: "Con dinero de práctica: 999000001. Los bancos reales se rechazan.",
            account_number: "Número de la cuenta",
            go_on: "Continuar",
            note: "El número se cambia por una ficha y se olvida. Billfold guarda sus cuatro últimas cifras.",
        },
        Language::De => &Words {
            add_card: "Karte hinzufügen",
            add_bank_account: "Bankkonto hinzufügen",
            card_number: "Kartennummer",
            card_number_help: "Mit Übungsgeld: 9990 oder 9991 und eine richtige Prüfziffer, etwa 9990 0000 0000 0003. Echte Karten werden abgelehnt.",
            expires: "Läuft ab",
            routing: "Bankleitzahl (Routing-Nummer)",
            routing_help: "Mit Übungsgeld: 999000001. Echte Banken werden abgelehnt.",
            account_number: "Kontonummer",
            go_on: "Weiter",
            note: "Die Nummer wird gegen ein Token getauscht und vergessen. Billfold behält ihre letzten vier Ziffern.",
        },
    }
}
