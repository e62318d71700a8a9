//! The words of the page that asks for a yes: what is asked, what it is about and what the yes means. Amounts, days and
//! moments are said alike in every language, so that nothing is read as something else: `12.50 USD`, `2026-09-14`.

use domain::addresses::Language;
use domain::policy::StepUp;
use domain::risk::RiskReason;

/// One thing that is asked: its title, what the yes means and the button.
pub(crate) struct Question {
    pub title: &'static str,
    pub note: &'static str,
    pub button: &'static str,
}

pub(crate) struct Words {
    /// `{name}` is whose account it is.
    pub asked_by: &'static str,
    pub not_you: &'static str,
    pub done: &'static str,
    pub done_about: &'static str,
    pub release: Question,
    pub locked_since: &'static str,
    pub payment: Question,
    pub limits: Question,
    pub unfreeze: Question,
    pub link: Question,
    pub add_method: Question,
    pub replace_method: Question,
    pub export: Question,
    pub autopay_bill: Question,
    pub autopay_card: Question,
    pub auto_reload: Question,
    // What a fact is of.
    pub to: &'static str,
    pub reference: &'static str,
    pub amount: &'static str,
    pub from: &'static str,
    pub leaves_on: &'static str,
    pub held_until: &'static str,
    pub asked_because: &'static str,
    pub unusual: &'static str,
    pub payment_now: &'static str,
    pub payment_then: &'static str,
    pub day_now: &'static str,
    pub day_then: &'static str,
    pub counts: &'static str,
    pub at_once: &'static str,
    pub any_amount: &'static str,
    pub card: &'static str,
    pub bill: &'static str,
    pub frozen_since: &'static str,
    pub method: &'static str,
    pub expires: &'static str,
    pub pays_from: &'static str,
    pub instead_of: &'static str,
    pub from_now_on: &'static str,
    pub payments_moved: &'static str,
    pub autopays_moved: &'static str,
    pub what: &'static str,
    pub everything: &'static str,
    pub each_time: &'static str,
    pub charged_to: &'static str,
    pub reloaded_below: &'static str,
    pub month_most: &'static str,
    pub asks_above: &'static str,
    pub warns_above: &'static str,
    pub is_there: &'static str,
    pub ends: &'static str,
    // How much an autopay pays. `{amount}` is the one it was given.
    pub what_is_left: &'static str,
    pub minimum_left: &'static str,
    pub statement_left: &'static str,
    pub all_owed: &'static str,
    pub fixed_for_bill: &'static str,
    pub fixed_for_card: &'static str,
    pub balance_here: &'static str,
    // When it is there. `{days}` is more than one.
    pub on_due_date: &'static str,
    pub day_before: &'static str,
    pub days_before: &'static str,
    // When it ends. `{day}` is a due date, `{count}` more than one.
    pub with_what_is_due: &'static str,
    pub after_one: &'static str,
    pub after_some: &'static str,
    pub turned_off: &'static str,
}

impl Words {
    pub fn days_before(&self, days: u8) -> String {
        match days {
            0 => self.on_due_date.to_owned(),
            1 => self.day_before.to_owned(),
            days => self.days_before.replace("{days}", &days.to_string()),
        }
    }
}

pub(crate) const fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &Words {
            asked_by: "Asked by the Billfold app of {name}",
            not_you: "If you did not start this, close the page: nothing happens.",
            done: "Done",
            done_about: "What you said yes to is carried out.",
            release: Question {
                title: "Release your account?",
                note: "Payments that were held go on.",
                button: "Release with a passkey",
            },
            locked_since: "Locked since",
            payment: Question {
                title: "Approve this payment?",
                note: "Your passkey approves exactly this. Any change asks again.",
                button: "Approve with a passkey",
            },
            limits: Question {
                title: "Raise your limits?",
                note: "Up to these amounts known payees are paid without your passkey.",
                button: "Raise with a passkey",
            },
            unfreeze: Question {
                title: "Use your card again?",
                note: "Merchants that you linked may ask it to pay again.",
                button: "Unfreeze with a passkey",
            },
            link: Question {
                title: "Let a merchant ask your card to pay?",
                note: "Whoever you give the code to may ask this card to pay, until you end it.",
                button: "Allow with a passkey",
            },
            add_method: Question {
                title: "Add this payment method?",
                note: "Payments that you make can be drawn from it then.",
                button: "Add with a passkey",
            },
            replace_method: Question {
                title: "Replace this payment method?",
                note: "Your passkey approves the payments that move, and the bills that go on, as they stand.",
                button: "Replace with a passkey",
            },
            export: Question {
                title: "Take everything out?",
                note: "It leaves in the next five minutes, to that device alone. Nothing is deleted here.",
                button: "Allow with a passkey",
            },
            autopay_bill: Question {
                title: "Pay this bill automatically?",
                note: "Payments within these terms leave by themselves. Any change of them asks again.",
                button: "Approve with a passkey",
            },
            autopay_card: Question {
                title: "Pay this card automatically?",
                note: "Payments within these terms leave by themselves. Any change of them asks again.",
                button: "Approve with a passkey",
            },
            auto_reload: Question {
                title: "Reload this wallet automatically?",
                note: "Reloads within these terms are charged by themselves. Any change of them asks again.",
                button: "Approve with a passkey",
            },
            to: "To",
            reference: "Reference",
            amount: "Amount",
            from: "From",
            leaves_on: "Leaves on",
            held_until: "Held until",
            asked_because: "Asked because",
            unusual: "Unusual",
            payment_now: "One payment, now",
            payment_then: "One payment, then",
            day_now: "24 hours, now",
            day_then: "24 hours, then",
            counts: "Counts",
            at_once: "at once",
            any_amount: "any amount",
            card: "Card",
            bill: "Bill",
            frozen_since: "Frozen since",
            method: "Method",
            expires: "Expires",
            pays_from: "Pays from",
            instead_of: "Instead of",
            from_now_on: "From now on",
            payments_moved: "Payments that move",
            autopays_moved: "Bills and cards paid by themselves from then on",
            what: "What",
            everything: "All accounts, lines, bills, payments, statements and the security log",
            each_time: "Each time",
            charged_to: "Charged to",
            reloaded_below: "When there is less than",
            month_most: "At most a month",
            asks_above: "Asks above",
            warns_above: "Warns above",
            is_there: "Is there",
            ends: "Ends",
            what_is_left: "what is left to pay",
            minimum_left: "what is left of the statement's minimum",
            statement_left: "what is left of the statement's balance",
            all_owed: "all that is owed on that day",
            fixed_for_bill: "{amount}, and never more than is left",
            fixed_for_card: "{amount}, the minimum where that is more, and never more than is owed",
            balance_here: "the balance kept here",
            on_due_date: "on the due date",
            day_before: "1 day before it is due",
            days_before: "{days} days before it is due",
            with_what_is_due: "with what is due on {day}",
            after_one: "after 1 payment",
            after_some: "after {count} payments",
            turned_off: "when you turn it off",
        },
        Language::Es => &Words {
            asked_by: "Lo pide la aplicación Billfold de {name}",
            not_you: "Si no lo has empezado tú, cierra la página: no pasa nada.",
            done: "Hecho",
            done_about: "Aquello a lo que dijiste que sí se lleva a cabo.",
            release: Question {
                title: "¿Desbloquear tu cuenta?",
                note: "Los pagos retenidos siguen adelante.",
                button: "Desbloquear con una llave de acceso",
            },
            locked_since: "Bloqueada desde",
            payment: Question {
                title: "¿Aprobar este pago?",
                note: "Tu llave aprueba exactamente esto. Cualquier cambio vuelve a preguntar.",
                button: "Aprobar con una llave de acceso",
            },
            limits: Question {
                title: "¿Subir tus límites?",
                note: "Hasta estos importes se paga a destinatarios conocidos sin tu llave.",
                button: "Subir con una llave de acceso",
            },
            unfreeze: Question {
                title: "¿Volver a usar tu tarjeta?",
                note: "Los comercios que vinculaste pueden volver a pedirle que pague.",
                button: "Descongelar con una llave de acceso",
            },
            link: Question {
                title: "¿Dejar que un comercio pida a tu tarjeta que pague?",
                note: "Aquel a quien des el código puede pedir a esta tarjeta que pague, hasta que lo termines.",
                button: "Permitir con una llave de acceso",
            },
            add_method: Question {
                title: "¿Añadir este método de pago?",
                note: "Los pagos que hagas podrán salir de él.",
                button: "Añadir con una llave de acceso",
            },
            replace_method: Question {
                title: "¿Sustituir este método de pago?",
                note: "Tu llave aprueba los pagos que se mueven, y las facturas que siguen, tal como están.",
                button: "Sustituir con una llave de acceso",
            },
            export: Question {
                title: "¿Sacarlo todo?",
                note: "Sale en los próximos cinco minutos, solo a ese dispositivo. Aquí no se borra nada.",
                button: "Permitir con una llave de acceso",
            },
            autopay_bill: Question {
                title: "¿Pagar esta factura automáticamente?",
                note: "Los pagos dentro de estas condiciones salen solos. Cualquier cambio de ellas vuelve a preguntar.",
                button: "Aprobar con una llave de acceso",
            },
            autopay_card: Question {
                title: "¿Pagar esta tarjeta automáticamente?",
                note: "Los pagos dentro de estas condiciones salen solos. Cualquier cambio de ellas vuelve a preguntar.",
                button: "Aprobar con una llave de acceso",
            },
            auto_reload: Question {
                title: "¿Recargar este saldo automáticamente?",
                note: "Las recargas dentro de estas condiciones se cargan solas. Cualquier cambio de ellas vuelve a preguntar.",
                button: "Aprobar con una llave de acceso",
            },
            to: "A",
            reference: "Referencia",
            amount: "Importe",
            from: "Desde",
            leaves_on: "Sale el",
            held_until: "Retenido hasta",
            asked_because: "Se pide porque",
            unusual: "Inusual",
            payment_now: "Un pago, ahora",
            payment_then: "Un pago, después",
            day_now: "24 horas, ahora",
            day_then: "24 horas, después",
            counts: "Vale desde",
            at_once: "ya mismo",
            any_amount: "cualquier importe",
            card: "Tarjeta",
            bill: "Factura",
            frozen_since: "Congelada desde",
            method: "Método",
            expires: "Caduca",
            pays_from: "Paga desde",
            instead_of: "En lugar de",
            from_now_on: "Desde ahora",
            payments_moved: "Pagos que se mueven",
            autopays_moved: "Facturas y tarjetas que se pagan solas desde entonces",
            what: "Qué",
            everything: "Todas las cuentas, movimientos, facturas, pagos, extractos y el registro de seguridad",
            each_time: "Cada vez",
            charged_to: "Se carga a",
            reloaded_below: "Cuando hay menos de",
            month_most: "Como máximo al mes",
            asks_above: "Pregunta por encima de",
            warns_above: "Avisa por encima de",
            is_there: "Llega",
            ends: "Termina",
            what_is_left: "lo que queda por pagar",
            minimum_left: "lo que queda del mínimo del extracto",
            statement_left: "lo que queda del saldo del extracto",
            all_owed: "todo lo que se debe ese día",
            fixed_for_bill: "{amount}, y nunca más de lo que queda",
            fixed_for_card: "{amount}, el mínimo si es más, y nunca más de lo que se debe",
            balance_here: "el saldo que se guarda aquí",
            on_due_date: "el día del vencimiento",
            day_before: "1 día antes del vencimiento",
            days_before: "{days} días antes del vencimiento",
            with_what_is_due: "con lo que vence el {day}",
            after_one: "tras 1 pago",
            after_some: "tras {count} pagos",
            turned_off: "cuando lo desactives",
        },
        Language::De => &Words {
            asked_by: "Gefragt von der App Billfold von {name}",
            not_you: "Wenn Sie das nicht begonnen haben, schließen Sie die Seite: nichts geschieht.",
            done: "Erledigt",
            done_about: "Wozu Sie Ja gesagt haben, wird ausgeführt.",
            release: Question {
                title: "Ihr Konto freigeben?",
                note: "Angehaltene Zahlungen gehen weiter.",
                button: "Mit einem Passkey freigeben",
            },
            locked_since: "Gesperrt seit",
            payment: Question {
                title: "Diese Zahlung freigeben?",
                note: "Ihr Passkey gibt genau dies frei. Jede Änderung fragt erneut.",
                button: "Mit einem Passkey freigeben",
            },
            limits: Question {
                title: "Ihre Grenzen erhöhen?",
                note: "Bis zu diesen Beträgen werden bekannte Empfänger ohne Ihren Passkey bezahlt.",
                button: "Mit einem Passkey erhöhen",
            },
            unfreeze: Question {
                title: "Ihre Karte wieder benutzen?",
                note: "Händler, die Sie verknüpft haben, dürfen sie wieder um Zahlung bitten.",
                button: "Mit einem Passkey freigeben",
            },
            link: Question {
                title: "Einen Händler Ihre Karte um Zahlung bitten lassen?",
                note: "Wem Sie den Code geben, der darf diese Karte um Zahlung bitten, bis Sie es beenden.",
                button: "Mit einem Passkey erlauben",
            },
            add_method: Question {
                title: "Diese Zahlungsart hinzufügen?",
                note: "Ihre Zahlungen können dann davon abgehen.",
                button: "Mit einem Passkey hinzufügen",
            },
            replace_method: Question {
                title: "Diese Zahlungsart ersetzen?",
                note: "Ihr Passkey gibt die Zahlungen frei, die umziehen, und die Rechnungen, die weitergehen, so wie sie sind.",
                button: "Mit einem Passkey ersetzen",
            },
            export: Question {
                title: "Alles herausgeben?",
                note: "Es geht in den nächsten fünf Minuten hinaus, nur an dieses Gerät. Hier wird nichts gelöscht.",
                button: "Mit einem Passkey erlauben",
            },
            autopay_bill: Question {
                title: "Diese Rechnung automatisch bezahlen?",
                note: "Zahlungen nach diesen Bedingungen gehen von selbst ab. Jede Änderung daran fragt erneut.",
                button: "Mit einem Passkey freigeben",
            },
            autopay_card: Question {
                title: "Diese Karte automatisch bezahlen?",
                note: "Zahlungen nach diesen Bedingungen gehen von selbst ab. Jede Änderung daran fragt erneut.",
                button: "Mit einem Passkey freigeben",
            },
            auto_reload: Question {
                title: "Dieses Guthaben automatisch aufladen?",
                note: "Aufladungen nach diesen Bedingungen werden von selbst belastet. Jede Änderung daran fragt erneut.",
                button: "Mit einem Passkey freigeben",
            },
            to: "An",
            reference: "Verwendungszweck",
            amount: "Betrag",
            from: "Von",
            leaves_on: "Geht ab am",
            held_until: "Angehalten bis",
            asked_because: "Gefragt, weil",
            unusual: "Ungewöhnlich",
            payment_now: "Eine Zahlung, jetzt",
            payment_then: "Eine Zahlung, dann",
            day_now: "24 Stunden, jetzt",
            day_then: "24 Stunden, dann",
            counts: "Gilt ab",
            at_once: "sofort",
            any_amount: "jeder Betrag",
            card: "Karte",
            bill: "Rechnung",
            frozen_since: "Eingefroren seit",
            method: "Zahlungsart",
            expires: "Läuft ab",
            pays_from: "Zahlt ab",
            instead_of: "Anstelle von",
            from_now_on: "Ab jetzt",
            payments_moved: "Zahlungen, die umziehen",
            autopays_moved: "Rechnungen und Karten, die ab dann von selbst bezahlt werden",
            what: "Was",
            everything: "Alle Konten, Umsätze, Rechnungen, Zahlungen, Abrechnungen und das Sicherheitsprotokoll",
            each_time: "Jedes Mal",
            charged_to: "Belastet wird",
            reloaded_below: "Wenn weniger da ist als",
            month_most: "Höchstens im Monat",
            asks_above: "Fragt über",
            warns_above: "Warnt über",
            is_there: "Ist da",
            ends: "Endet",
            what_is_left: "was noch zu zahlen ist",
            minimum_left: "was vom Mindestbetrag der Abrechnung noch offen ist",
            statement_left: "was vom Saldo der Abrechnung noch offen ist",
            all_owed: "alles, was an diesem Tag geschuldet ist",
            fixed_for_bill: "{amount}, und nie mehr, als noch offen ist",
            fixed_for_card: "{amount}, der Mindestbetrag, wenn er höher ist, und nie mehr, als geschuldet ist",
            balance_here: "das hier geführte Guthaben",
            on_due_date: "am Fälligkeitstag",
            day_before: "1 Tag vor der Fälligkeit",
            days_before: "{days} Tage vor der Fälligkeit",
            with_what_is_due: "mit dem, was am {day} fällig ist",
            after_one: "nach 1 Zahlung",
            after_some: "nach {count} Zahlungen",
            turned_off: "wenn Sie es ausschalten",
        },
    }
}

/// Why a passkey is asked for.
pub(crate) const fn because(language: Language, of: StepUp) -> &'static str {
    let [english, spanish, german] = match of {
        StepUp::Changed => [
            "it was changed after it was approved",
            "se cambió después de aprobarlo",
            "sie nach der Freigabe geändert wurde",
        ],
        StepUp::FirstPayment => [
            "it is the first payment to this payee",
            "es el primer pago a este destinatario",
            "es die erste Zahlung an diesen Empfänger ist",
        ],
        StepUp::AboveLimit => [
            "it is above your limit for one payment",
            "supera tu límite para un pago",
            "sie über Ihrer Grenze für eine Zahlung liegt",
        ],
        StepUp::AboveDayLimit => [
            "it is above your limit for 24 hours",
            "supera tu límite de 24 horas",
            "sie über Ihrer Grenze für 24 Stunden liegt",
        ],
        StepUp::LargeShare => [
            "a large share of your balance would leave within 24 hours",
            "una gran parte de tu saldo saldría en 24 horas",
            "ein großer Teil Ihres Guthabens innerhalb von 24 Stunden abginge",
        ],
        StepUp::Risk => {
            ["it is unlike what you usually do", "no se parece a lo que sueles hacer", "sie anders ist als üblich"]
        }
        StepUp::SessionOver => [
            "no passkey was shown on this device for a day, or nothing was paid for an hour",
            "en este dispositivo no se mostró ninguna llave en un día, o no se pagó nada en una hora",
            "auf diesem Gerät seit einem Tag kein Passkey gezeigt oder seit einer Stunde nichts bezahlt wurde",
        ],
        StepUp::Always => [
            "this always needs your passkey",
            "esto siempre necesita tu llave de acceso",
            "dafür immer Ihr Passkey nötig ist",
        ],
        StepUp::AboveCap => [
            "it is above the cap of its autopay",
            "supera el tope de su pago automático",
            "sie über der Obergrenze ihrer automatischen Zahlung liegt",
        ],
    };
    one_of(language, english, spanish, german)
}

/// What is unusual about it.
pub(crate) const fn unlike(language: Language, reason: RiskReason) -> &'static str {
    let [english, spanish, german] = match reason {
        RiskReason::DeviceNew => ["new device", "dispositivo nuevo", "neues Gerät"],
        RiskReason::DeviceYoung => ["young device", "dispositivo reciente", "junges Gerät"],
        RiskReason::NetworkNew => ["new network", "red nueva", "neues Netz"],
        RiskReason::PlaceNew => ["new place", "lugar nuevo", "neuer Ort"],
        RiskReason::CountryNew => ["new country", "país nuevo", "neues Land"],
        RiskReason::ImpossibleTravel => {
            ["too far, too fast", "demasiado lejos, demasiado rápido", "zu weit, zu schnell"]
        }
        RiskReason::OddHour => ["odd hour for you", "hora rara para ti", "für Sie ungewöhnliche Zeit"],
        RiskReason::FailedTries => ["failed tries", "intentos fallidos", "Fehlversuche"],
        RiskReason::ManyFailedTries => ["many failed tries", "muchos intentos fallidos", "viele Fehlversuche"],
        RiskReason::TokenReused => ["a key came back", "una clave volvió", "ein Schlüssel kam wieder"],
        RiskReason::ForeignProof => ["key without its device", "clave sin su dispositivo", "Schlüssel ohne sein Gerät"],
        RiskReason::ManyForeignProofs => [
            "key without its device, again and again",
            "clave sin su dispositivo, una y otra vez",
            "Schlüssel ohne sein Gerät, immer wieder",
        ],
        RiskReason::PasskeyCounter => {
            ["passkey counted back", "la llave contó hacia atrás", "Passkey zählte rückwärts"]
        }
        RiskReason::PasskeyChanged => ["passkeys changed", "cambiaron las llaves", "Passkeys geändert"],
        RiskReason::Recovered => ["account recovered", "cuenta recuperada", "Konto wiederhergestellt"],
        RiskReason::RhythmUnlike => ["typed differently", "escrito de otra manera", "anders getippt"],
        RiskReason::PayeeNew => ["new payee", "destinatario nuevo", "neuer Empfänger"],
        RiskReason::PayeeYoung => ["young payee", "destinatario reciente", "junger Empfänger"],
        RiskReason::MethodNew => ["new payment method", "método de pago nuevo", "neue Zahlungsart"],
        RiskReason::AmountAbove => ["above your payments", "por encima de tus pagos", "über Ihren Zahlungen"],
        RiskReason::AmountFarAbove => {
            ["far above your payments", "muy por encima de tus pagos", "weit über Ihren Zahlungen"]
        }
        RiskReason::Burst => ["many at once", "muchos a la vez", "viele auf einmal"],
        RiskReason::LargeBurst => ["very many at once", "muchísimos a la vez", "sehr viele auf einmal"],
        RiskReason::Drain => ["half of the money", "la mitad del dinero", "die Hälfte des Geldes"],
        RiskReason::DrainNearlyAll => ["nearly all the money", "casi todo el dinero", "fast das ganze Geld"],
    };
    one_of(language, english, spanish, german)
}

const fn one_of(
    language: Language,
    english: &'static str,
    spanish: &'static str,
    german: &'static str,
) -> &'static str {
    match language {
        Language::En => english,
        Language::Es => spanish,
        Language::De => german,
    }
}
