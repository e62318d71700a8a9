//! What is told of each entry of the security log, in each language. An entry that is not told has no words here.

use domain::addresses::Language;
use domain::security::SecurityEventKind as Kind;

/// What a notice says of one kind of entry, in English, Spanish and German. `{name}` stands for how the entry calls its
/// device, passkey or address.
pub(super) struct Telling {
    what: [&'static str; 3],
    /// What saying "that was not me" does; none where there is nothing to take back.
    undo: Option<[&'static str; 3]>,
    /// It goes out as a text message too.
    pub grave: bool,
}

impl Telling {
    pub const fn what(&self, language: Language) -> &'static str {
        in_language(&self.what, language)
    }

    pub const fn undo(&self, language: Language) -> Option<&'static str> {
        match &self.undo {
            Some(words) => Some(in_language(words, language)),
            None => None,
        }
    }
}

const fn in_language(words: &[&'static str; 3], language: Language) -> &'static str {
    match language {
        Language::En => words[0],
        Language::Es => words[1],
        Language::De => words[2],
    }
}

const SIGNED_OUT: Option<[&str; 3]> = Some([
    "The device that did it is signed out.",
    "Se cierra la sesión del dispositivo que lo hizo.",
    "Das Gerät, das es tat, wird abgemeldet.",
]);

const LOCKED: Option<[&str; 3]> = Some([
    "The device that did it is signed out, and the account is locked until you release it.",
    "Se cierra la sesión del dispositivo que lo hizo y la cuenta queda bloqueada hasta que la desbloquees.",
    "Das Gerät, das es tat, wird abgemeldet, und das Konto bleibt gesperrt, bis Sie es freigeben.",
]);

const fn telling(what: [&'static str; 3], undo: Option<[&'static str; 3]>, grave: bool) -> Option<Telling> {
    Some(Telling { what, undo, grave })
}

/// No wildcard: a new kind does not compile until it is decided whether it is told.
pub(super) const fn of(kind: Kind) -> Option<Telling> {
    match kind {
        Kind::DeviceAdded => telling(
            [
                "A new device signed in to your account: “{name}”.",
                "Un dispositivo nuevo ha iniciado sesión en tu cuenta: «{name}».",
                "Ein neues Gerät hat sich bei Ihrem Konto angemeldet: „{name}“.",
            ],
            Some(["The device is signed out.", "Se cierra la sesión del dispositivo.", "Das Gerät wird abgemeldet."]),
            false,
        ),
        Kind::TokenReused => telling(
            [
                "A key of the device “{name}” came back twice. The device was signed out to be safe: a restored backup \
                 does that, and so does a copied key.",
                "Una clave del dispositivo «{name}» ha llegado dos veces. Se cerró su sesión por si acaso: lo causa una \
                 copia de seguridad restaurada, y también una clave copiada.",
                "Ein Schlüssel des Geräts „{name}“ kam zweimal. Das Gerät wurde vorsichtshalber abgemeldet: Das kommt von \
                 einer zurückgespielten Sicherung, aber auch von einem kopierten Schlüssel.",
            ],
            None,
            false,
        ),
        Kind::PasskeyAdded => telling(
            [
                "A passkey was added to your account.",
                "Se añadió una llave de acceso a tu cuenta.",
                "Ihrem Konto wurde ein Passkey hinzugefügt.",
            ],
            LOCKED,
            false,
        ),
        Kind::PasskeyRemoved => telling(
            [
                "A passkey was removed from your account: “{name}”.",
                "Se quitó una llave de acceso de tu cuenta: «{name}».",
                "Ein Passkey Ihres Kontos wurde entfernt: „{name}“.",
            ],
            LOCKED,
            false,
        ),
        Kind::RiskNoticed => telling(
            [
                "Something is unusual in your account. Until you answer, more is asked of that device.",
                "Algo es inusual en tu cuenta. Hasta que respondas, se pide más a ese dispositivo.",
                "In Ihrem Konto ist etwas ungewöhnlich. Bis Sie antworten, wird von diesem Gerät mehr verlangt.",
            ],
            SIGNED_OUT,
            false,
        ),
        Kind::AddressAdded => telling(
            [
                "An address was added to your account: {name}.",
                "Se añadió una dirección a tu cuenta: {name}.",
                "Ihrem Konto wurde eine Adresse hinzugefügt: {name}.",
            ],
            Some([
                "While it can be objected to, the address is removed again; the device that did it is signed out.",
                "Mientras se pueda objetar, la dirección se quita de nuevo; se cierra la sesión del dispositivo que lo hizo.",
                "Solange man widersprechen kann, wird die Adresse wieder entfernt; das Gerät, das es tat, wird abgemeldet.",
            ]),
            true,
        ),
        Kind::AddressRemoved => telling(
            [
                "An address was removed from your account: {name}.",
                "Se quitó una dirección de tu cuenta: {name}.",
                "Eine Adresse Ihres Kontos wurde entfernt: {name}.",
            ],
            Some([
                "The address stays, and the device that did it is signed out.",
                "La dirección se queda y se cierra la sesión del dispositivo que lo hizo.",
                "Die Adresse bleibt, und das Gerät, das es tat, wird abgemeldet.",
            ]),
            true,
        ),
        Kind::AddressChangeStopped => telling(
            [
                "A change of an address was stopped: {name}.",
                "Se detuvo un cambio de dirección: {name}.",
                "Die Änderung einer Adresse wurde verhindert: {name}.",
            ],
            None,
            false,
        ),
        Kind::CalendarFeedMade => telling(
            [
                "An address was made under which a calendar shows your due dates: whoever has it reads their names.",
                "Se creó una dirección en la que un calendario muestra tus vencimientos: quien la tenga lee sus nombres.",
                "Es wurde eine Adresse angelegt, unter der ein Kalender Ihre Fälligkeiten zeigt: wer sie hat, liest deren Namen.",
            ],
            Some([
                "The address ends, and the device that did it is signed out.",
                "La dirección deja de funcionar y se cierra la sesión del dispositivo que lo hizo.",
                "Die Adresse endet, und das Gerät, das es tat, wird abgemeldet.",
            ]),
            false,
        ),
        Kind::PasskeyCopied => telling(
            [
                "A passkey's counter went back: there may be a copy of it. It was let in all the same.",
                "El contador de una llave de acceso ha retrocedido: puede haber una copia. Aun así se dejó entrar.",
                "Der Zähler eines Passkeys lief rückwärts: es kann eine Kopie davon geben. Er wurde trotzdem angenommen.",
            ],
            LOCKED,
            false,
        ),
        Kind::PasswordSet => telling(
            [
                "A password was set for your account.",
                "Se puso una contraseña a tu cuenta.",
                "Für Ihr Konto wurde ein Passwort gesetzt.",
            ],
            LOCKED,
            false,
        ),
        Kind::PasswordChanged => telling(
            [
                "Your account's password was changed.",
                "Se cambió la contraseña de tu cuenta.",
                "Das Passwort Ihres Kontos wurde geändert.",
            ],
            LOCKED,
            true,
        ),
        Kind::PasswordRemoved => telling(
            [
                "Your account's password was removed.",
                "Se quitó la contraseña de tu cuenta.",
                "Das Passwort Ihres Kontos wurde entfernt.",
            ],
            LOCKED,
            false,
        ),
        Kind::PasswordKept => telling(
            [
                "From now on your account's password lets in beside your passkeys.",
                "Desde ahora la contraseña de tu cuenta vale junto a tus llaves de acceso.",
                "Ab jetzt gilt das Passwort Ihres Kontos neben Ihren Passkeys.",
            ],
            LOCKED,
            false,
        ),
        Kind::FactorAdded => telling(
            [
                "A second step for your password was added: “{name}”.",
                "Se añadió un segundo paso para tu contraseña: «{name}».",
                "Für Ihr Passwort wurde ein zweiter Schritt hinzugefügt: „{name}“.",
            ],
            LOCKED,
            false,
        ),
        Kind::FactorRemoved => telling(
            [
                "A second step for your password was removed: “{name}”.",
                "Se quitó un segundo paso de tu contraseña: «{name}».",
                "Ein zweiter Schritt für Ihr Passwort wurde entfernt: „{name}“.",
            ],
            LOCKED,
            false,
        ),
        Kind::FactorRefused => telling(
            [
                "Somebody typed your password, and not the second step. They were not let in. If it was not you, change \
                 the password.",
                "Alguien escribió tu contraseña, pero no el segundo paso. No entró. Si no has sido tú, cambia la contraseña.",
                "Jemand gab Ihr Passwort ein, aber nicht den zweiten Schritt, und kam nicht hinein. Wenn Sie es nicht waren, \
                 ändern Sie das Passwort.",
            ],
            None,
            false,
        ),
        Kind::SupportAllowed => telling(
            [
                "You let somebody of support see a part of your account.",
                "Has permitido que alguien de asistencia vea una parte de tu cuenta.",
                "Sie haben jemandem vom Support erlaubt, einen Teil Ihres Kontos zu sehen.",
            ],
            None,
            false,
        ),
        Kind::SupportDid => telling(
            [
                "Two people of support changed something in your account.",
                "Dos personas de asistencia han cambiado algo en tu cuenta.",
                "Zwei Personen vom Support haben in Ihrem Konto etwas geändert.",
            ],
            None,
            true,
        ),
        Kind::AccountLocked => telling(
            [
                "Your account is locked: no money leaves and no way in is added. What was scheduled waits.",
                "Tu cuenta está bloqueada: no sale dinero ni se añaden formas de entrar. Lo programado espera.",
                "Ihr Konto ist gesperrt: Kein Geld geht hinaus, kein Zugang kommt hinzu. Was geplant war, wartet.",
            ],
            None,
            true,
        ),
        Kind::AccountRestricted => telling(
            [
                "Your account is restricted for a while: known payees are paid within your limits, nothing new.",
                "Tu cuenta está limitada por un tiempo: se paga a beneficiarios conocidos dentro de tus límites, nada nuevo.",
                "Ihr Konto ist eine Zeit lang eingeschränkt: Bekannte Empfänger werden in Ihren Grenzen bezahlt, nichts Neues.",
            ],
            None,
            false,
        ),
        Kind::AccountSuspended => telling(
            [
                "Your account is suspended. Support tells you why and lifts it.",
                "Tu cuenta está suspendida. Asistencia te dice por qué y lo levanta.",
                "Ihr Konto ist stillgelegt. Der Support sagt Ihnen warum und hebt es auf.",
            ],
            None,
            true,
        ),
        Kind::AccountReleased => telling(
            [
                "Your account is released. What waited goes on.",
                "Tu cuenta está desbloqueada. Lo que esperaba sigue.",
                "Ihr Konto ist freigegeben. Was wartete, geht weiter.",
            ],
            LOCKED,
            false,
        ),
        Kind::Exported => telling(
            [
                "Everything in your account was taken out as an archive, to one of your devices.",
                "Se extrajo todo lo de tu cuenta como un archivo, a uno de tus dispositivos.",
                "Alles in Ihrem Konto wurde als Archiv herausgegeben, an eines Ihrer Geräte.",
            ],
            Some([
                "The device that did it is signed out. What it took cannot be taken back.",
                "Se cierra la sesión del dispositivo que lo hizo. Lo que se llevó no se puede recuperar.",
                "Das Gerät, das es tat, wird abgemeldet. Was es mitnahm, lässt sich nicht zurückholen.",
            ]),
            true,
        ),
        Kind::LimitsRaised => telling(
            [
                "The limits up to which your account pays without your passkey were raised ({name}).",
                "Se aumentaron los límites hasta los que tu cuenta paga sin tu llave de acceso ({name}).",
                "Die Grenzen, bis zu denen Ihr Konto ohne Ihren Passkey zahlt, wurden erhöht ({name}).",
            ],
            Some([
                "The limits are the usual ones again, and the device that did it is signed out.",
                "Los límites vuelven a ser los de siempre y se cierra la sesión del dispositivo que lo hizo.",
                "Die Grenzen sind wieder die üblichen, und das Gerät, das es tat, wird abgemeldet.",
            ]),
            true,
        ),
        Kind::MethodAdded => telling(
            [
                "A payment method was added to your account: {name}.",
                "Se añadió un medio de pago a tu cuenta: {name}.",
                "Ihrem Konto wurde eine Zahlungsart hinzugefügt: {name}.",
            ],
            Some([
                "Nothing is drawn from it then, and the device that did it is signed out.",
                "Entonces no se cobra nada de él y se cierra la sesión del dispositivo que lo hizo.",
                "Dann wird nichts davon eingezogen, und das Gerät, das es tat, wird abgemeldet.",
            ]),
            true,
        ),
        Kind::MethodReplaced => telling(
            [
                "A payment method of your account was replaced: {name}. What left from the old one leaves from the new one now.",
                "Se cambió un medio de pago de tu cuenta: {name}. Lo que salía del anterior sale ahora del nuevo.",
                "Eine Zahlungsart Ihres Kontos wurde ersetzt: {name}. Was von der alten abging, geht jetzt von der neuen ab.",
            ],
            None,
            false,
        ),
        Kind::MethodExpiring => telling(
            [
                "A payment method of your account expires soon: {name}. The Wallet shows what would stop, and replaces it everywhere in one step.",
                "Un medio de pago de tu cuenta caduca pronto: {name}. La Cartera muestra lo que se detendría y lo cambia en todas partes en un paso.",
                "Eine Zahlungsart Ihres Kontos läuft bald ab: {name}. Die Brieftasche zeigt, was ausfiele, und ersetzt sie überall in einem Schritt.",
            ],
            None,
            false,
        ),
        Kind::AutopaySet => telling(
            [
                "This is paid by itself from your account from now on: {name}.",
                "Desde ahora esto se paga solo desde tu cuenta: {name}.",
                "Dies wird ab jetzt von selbst aus Ihrem Konto bezahlt: {name}.",
            ],
            Some([
                "It is off again, nothing of it leaves, and the device that did it is signed out.",
                "Vuelve a estar apagado, no sale nada y se cierra la sesión del dispositivo que lo hizo.",
                "Es ist wieder aus, nichts davon geht ab, und das Gerät, das es tat, wird abgemeldet.",
            ]),
            false,
        ),
        Kind::AutopayPaused => telling(
            [
                "This is not paid by itself for now: {name}. Billfold says why, and how it goes on.",
                "Por ahora esto no se paga solo: {name}. Billfold dice por qué y cómo sigue.",
                "Dies wird vorerst nicht von selbst bezahlt: {name}. Billfold sagt, warum und wie es weitergeht.",
            ],
            None,
            false,
        ),
        Kind::AutoReloadSet => telling(
            [
                "The wallet of this card is reloaded by itself from now on: {name}.",
                "Desde ahora este saldo se recarga solo: {name}.",
                "Dieses Guthaben wird ab jetzt von selbst aufgeladen: {name}.",
            ],
            Some([
                "It is off again, nothing is reloaded by itself, and the device that did it is signed out.",
                "Vuelve a estar apagado, nada se recarga solo y se cierra la sesión del dispositivo que lo hizo.",
                "Es ist wieder aus, nichts wird von selbst aufgeladen, und das Gerät, das es tat, wird abgemeldet.",
            ]),
            false,
        ),
        Kind::AutoReloaded => telling(
            [
                "The wallet of this card was reloaded by itself, on your terms: {name}. The Wallet shows with how much and why.",
                "Este saldo se ha recargado solo, según tus condiciones: {name}. La Cartera muestra con cuánto y por qué.",
                "Dieses Guthaben wurde zu Ihren Bedingungen von selbst aufgeladen: {name}. Die Brieftasche zeigt, womit und warum.",
            ],
            None,
            false,
        ),
        Kind::AutoReloadWaits => telling(
            [
                "The wallet of this card was to be reloaded by itself and was not: {name}. The Wallet says why, and when that is looked at again.",
                "Este saldo debía recargarse solo y no se ha recargado: {name}. La Cartera dice por qué y cuándo se mira de nuevo.",
                "Dieses Guthaben sollte von selbst aufgeladen werden und wurde es nicht: {name}. Die Brieftasche sagt, warum und wann wieder danach gesehen wird.",
            ],
            None,
            false,
        ),
        Kind::DisputeOpened => telling(
            [
                "A charge of {name} is disputed: what it took is given back until it is decided.",
                "Se reclama un cargo de {name}: lo que se cobró se devuelve hasta que se decida.",
                "Eine Abbuchung von {name} wird bestritten: Der Betrag ist gutgeschrieben, bis darüber entschieden ist.",
            ],
            None,
            false,
        ),
        Kind::DisputeWithdrawn => telling(
            [
                "A dispute was taken back: {name}. What was given back is owed again.",
                "Se retiró una reclamación: {name}. Lo devuelto se debe de nuevo.",
                "Eine Beanstandung wurde zurückgezogen: {name}. Das Gutgeschriebene wird wieder geschuldet.",
            ],
            None,
            false,
        ),
        Kind::DisputeDecidedFor => telling(
            [
                "A dispute was decided for you: {name}. What was given back stays yours.",
                "Se decidió una reclamación a tu favor: {name}. Lo devuelto es tuyo.",
                "Eine Beanstandung wurde zu Ihren Gunsten entschieden: {name}. Die Gutschrift bleibt.",
            ],
            None,
            false,
        ),
        Kind::DisputeDecidedAgainst => telling(
            [
                "A dispute was decided against you: {name}. What was given back is owed again; Billfold shows why.",
                "Se decidió una reclamación en tu contra: {name}. Lo devuelto se debe de nuevo; Billfold muestra por qué.",
                "Eine Beanstandung wurde gegen Sie entschieden: {name}. Das Gutgeschriebene wird wieder geschuldet; Billfold zeigt, warum.",
            ],
            None,
            false,
        ),
        Kind::DisputeRefunded => telling(
            [
                "A dispute is over: {name} gave all of it back.",
                "Una reclamación ha terminado: {name} lo devolvió todo.",
                "Eine Beanstandung ist erledigt: {name} hat alles zurückgegeben.",
            ],
            None,
            false,
        ),
        Kind::RecoveryCodeMade => telling(
            [
                "A new recovery code was made for your account. The code on an older sheet is good for nothing any more.",
                "Se creó un código de recuperación nuevo para tu cuenta. El de una hoja anterior ya no vale.",
                "Für Ihr Konto wurde ein neuer Wiederherstellungscode erstellt. Der Code eines älteren Blatts gilt nicht mehr.",
            ],
            Some([
                "The new code is good for nothing then, and the device that did it is signed out.",
                "Entonces el código nuevo no vale y se cierra la sesión del dispositivo que lo hizo.",
                "Der neue Code gilt dann nicht mehr, und das Gerät, das es tat, wird abgemeldet.",
            ]),
            true,
        ),
        Kind::RecoveryStarted => telling(
            [
                "Somebody is getting back into your account: they proved enough to begin, and make a new passkey when the \
                 wait is over.",
                "Alguien está volviendo a entrar en tu cuenta: demostró lo bastante para empezar y creará una llave de \
                 acceso nueva cuando acabe la espera.",
                "Jemand kommt in Ihr Konto zurück: Er hat genug nachgewiesen, um zu beginnen, und erstellt einen neuen \
                 Passkey, wenn die Wartezeit um ist.",
            ],
            Some([
                "It is stopped at once, and none can begin for 7 days.",
                "Se detiene al momento, y no puede empezar otra en 7 días.",
                "Es wird sofort gestoppt, und 7 Tage lang kann keines neu beginnen.",
            ]),
            true,
        ),
        Kind::RecoveryStopped => telling(
            [
                "Getting back into your account was stopped. None can begin for 7 days.",
                "Se detuvo la vuelta a tu cuenta. No puede empezar otra en 7 días.",
                "Der Weg zurück in Ihr Konto wurde gestoppt. 7 Tage lang kann keiner neu beginnen.",
            ],
            None,
            true,
        ),
        Kind::RecoveryFinished => telling(
            [
                "Somebody got back into your account and made a new passkey. All other devices are signed out, and for a \
                 while nothing new is allowed.",
                "Alguien volvió a entrar en tu cuenta y creó una llave de acceso nueva. Los demás dispositivos no tienen \
                 sesión, y por un tiempo no se permite nada nuevo.",
                "Jemand ist in Ihr Konto zurückgekommen und hat einen neuen Passkey erstellt. Alle anderen Geräte sind \
                 abgemeldet, und eine Zeit lang ist nichts Neues erlaubt.",
            ],
            LOCKED,
            true,
        ),
        Kind::RecoveryBlocked => telling(
            [
                "The code of your recovery sheet was typed wrongly too often. It is not taken for a while; every other way \
                 in works as before.",
                "El código de tu hoja de recuperación se escribió mal demasiadas veces. Por un tiempo no se acepta; las demás \
                 formas de entrar funcionan como antes.",
                "Der Code Ihres Wiederherstellungsblatts wurde zu oft falsch eingegeben. Er wird eine Zeit lang nicht \
                 angenommen; jeder andere Zugang funktioniert wie bisher.",
            ],
            None,
            false,
        ),
        Kind::SignInDeclined => telling(
            [
                "You said no to letting an app in that calls itself “{name}”. Nothing was let in. If you did not start it, somebody \
                 may be using a program on your computer.",
                "Dijiste que no a dejar entrar una aplicación que se llama «{name}». No entró nada. Si no la iniciaste tú, alguien \
                 puede estar usando un programa en tu ordenador.",
                "Sie haben eine App nicht eingelassen, die sich „{name}“ nennt. Nichts kam hinein. Wenn Sie sie nicht gestartet \
                 haben, benutzt vielleicht jemand ein Programm auf Ihrem Computer.",
            ],
            None,
            false,
        ),
        Kind::AccountCreated
        | Kind::RhythmTurnedOn
        | Kind::RhythmTurnedOff
        | Kind::LimitsLowered
        | Kind::MethodRemoved
        | Kind::AutopayResumed
        | Kind::AutopayEnded
        | Kind::AutoReloadEnded
        | Kind::TermsAccepted
        | Kind::SignedIn
        | Kind::DeviceSignedOut
        | Kind::PasskeyRenamed
        | Kind::CalendarFeedEnded
        | Kind::PasswordLetGo
        | Kind::FactorRenamed
        | Kind::SupportLooked
        | Kind::SupportEnded
        | Kind::SupportAsked
        | Kind::SupportRefused
        | Kind::ConfirmedAsMine
        | Kind::ReportedAsNotMine => None,
    }
}

/// The words around it.
pub(super) struct Frame {
    pub subject: &'static str,
    pub when: &'static str,
    pub mine: &'static str,
    pub not_mine: &'static str,
    pub good_for: &'static str,
    pub look: &'static str,
    // On the page that the address opens.
    pub title: &'static str,
    pub button: &'static str,
    pub done: &'static str,
    pub done_about: &'static str,
    pub over: &'static str,
    pub over_about: &'static str,
}

pub(super) const fn frame(language: Language) -> &'static Frame {
    match language {
        Language::En => &Frame {
            subject: "Something changed in your account at {server}",
            when: "When: {at} (UTC).",
            mine: "If it was you, there is nothing to do.",
            not_mine: "If it was not you, say so here. {undo}",
            good_for: "The address works for 7 days, without signing in. We never ask for a code or a passkey by e-mail.",
            look: "If it was not you, open Billfold and look at Security.",
            title: "Was this you?",
            button: "No, that was not me",
            done: "It is stopped",
            done_about: "Open Billfold and look at Security: the log says what happened, and which devices are signed in.",
            over: "This address is used or too old",
            over_about: "Nothing was changed. Open Billfold and look at Security.",
        },
        Language::Es => &Frame {
            subject: "Algo ha cambiado en tu cuenta de {server}",
            when: "Cuándo: {at} (UTC).",
            mine: "Si has sido tú, no hay nada que hacer.",
            not_mine: "Si no has sido tú, dilo aquí. {undo}",
            good_for: "La dirección vale 7 días, sin iniciar sesión. Nunca pedimos un código ni una llave por correo.",
            look: "Si no has sido tú, abre Billfold y mira Seguridad.",
            title: "¿Has sido tú?",
            button: "No, no he sido yo",
            done: "Está detenido",
            done_about: "Abre Billfold y mira Seguridad: el registro dice qué pasó y qué dispositivos tienen sesión.",
            over: "Esta dirección ya se usó o es demasiado antigua",
            over_about: "No se ha cambiado nada. Abre Billfold y mira Seguridad.",
        },
        Language::De => &Frame {
            subject: "In Ihrem Konto bei {server} hat sich etwas geändert",
            when: "Wann: {at} (UTC).",
            mine: "Wenn Sie das waren, ist nichts zu tun.",
            not_mine: "Wenn Sie es nicht waren, sagen Sie es hier. {undo}",
            good_for: "Die Adresse gilt 7 Tage, ohne Anmeldung. Wir fragen nie per E-Mail nach einem Code oder Passkey.",
            look: "Wenn Sie es nicht waren, öffnen Sie Billfold und sehen Sie unter Sicherheit nach.",
            title: "Waren Sie das?",
            button: "Nein, das war ich nicht",
            done: "Es ist gestoppt",
            done_about: "Öffnen Sie Billfold und sehen Sie unter Sicherheit nach: Das Protokoll sagt, was geschah und welche Geräte angemeldet sind.",
            over: "Diese Adresse ist benutzt oder zu alt",
            over_about: "Nichts wurde geändert. Öffnen Sie Billfold und sehen Sie unter Sicherheit nach.",
        },
    }
}
