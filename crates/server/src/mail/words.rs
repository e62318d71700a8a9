//! What messages say, in each language. Plain text, no names, no amounts, nothing to click but addresses of this server.

use domain::addresses::{AddressKind, Language};

use super::Purpose;

/// A message as it is read.
pub(crate) struct Said {
    pub subject: String,
    pub text: String,
}

pub(super) fn code(language: Language, kind: AddressKind, server: &str, purpose: Purpose, digits: &str) -> Said {
    let (before, after) = digits.split_at(digits.len() / 2);
    let digits = format!("{before} {after}");
    let what = wanted(language, purpose);
    let (subject, advice) = match language {
        Language::En => (
            format!("{digits} is your code for {server}"),
            "It is good for 10 minutes and for nothing else. Nobody from us will ever ask you for it. If you did not \
             ask for it, do nothing: without it nothing happens.",
        ),
        Language::Es => (
            format!("{digits} es tu código para {server}"),
            "Vale durante 10 minutos y para nada más. Nadie de nuestra parte te lo pedirá jamás. Si no lo has pedido, \
             no hagas nada: sin él no pasa nada.",
        ),
        Language::De => (
            format!("{digits} ist Ihr Code für {server}"),
            "Er gilt 10 Minuten und für nichts anderes. Niemand von uns wird Sie je danach fragen. Wenn Sie ihn \
             nicht angefordert haben, tun Sie nichts: ohne ihn geschieht nichts.",
        ),
    };
    match kind {
        AddressKind::Email => Said { text: format!("{what}\n\n    {digits}\n\n{advice}\n"), subject },
        AddressKind::Phone => Said { text: format!("{subject}. {advice}"), subject: String::new() },
    }
}

const fn wanted(language: Language, purpose: Purpose) -> &'static str {
    match (purpose, language) {
        (Purpose::ConfirmAddress, Language::En) => "Type this code in the app to confirm that this address is yours:",
        (Purpose::ConfirmAddress, Language::Es) => {
            "Escribe este código en la aplicación para confirmar que esta dirección es tuya:"
        }
        (Purpose::ConfirmAddress, Language::De) => {
            "Geben Sie diesen Code in der App ein, um zu bestätigen, dass diese Adresse Ihnen gehört:"
        }
        (Purpose::SignIn, Language::En) => {
            "Your password was typed. If it was you, type this code on the page of the server:"
        }
        (Purpose::SignIn, Language::Es) => {
            "Se escribió tu contraseña. Si fuiste tú, escribe este código en la página del servidor:"
        }
        (Purpose::SignIn, Language::De) => {
            "Ihr Passwort wurde eingegeben. Wenn Sie es waren, geben Sie diesen Code auf der Seite des Servers ein:"
        }
        (Purpose::Recover, Language::En) => {
            "Somebody wants to get back into your account. If it is you, type this code:"
        }
        (Purpose::Recover, Language::Es) => {
            "Alguien quiere volver a entrar en tu cuenta. Si eres tú, escribe este código:"
        }
        (Purpose::Recover, Language::De) => {
            "Jemand möchte wieder in Ihr Konto. Wenn Sie es sind, geben Sie diesen Code ein:"
        }
    }
}
