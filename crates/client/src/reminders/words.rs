//! The words of notices, in the person's language. Nothing here decides what is shown.

use domain::money::Money;
use jiff::Zoned;
use jiff::civil::{Date, Weekday};

use crate::cover::Cover;
use crate::platform::{Language, NoticeAction};

/// What one reminder is about, with names and amounts.
pub(crate) struct About<'a> {
    pub name: &'a str,
    pub left: Money,
    pub estimated: bool,
    pub due_on: Date,
    /// From today; negative when late.
    pub days: i32,
    /// The least that a card asks for.
    pub minimum: bool,
}

/// What is known of a payment that goes out by itself.
pub(crate) struct Leaving {
    pub cover: Cover,
    /// It is above this, and its person wanted to hear of that.
    pub warned: Option<Money>,
}

/// A title and a body.
pub(crate) type Text = (String, String);

impl NoticeAction {
    /// What stands on the button.
    #[must_use]
    pub const fn label(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::En, Self::Pay) => "Pay",
            (Language::En, Self::Snooze) => "Snooze",
            (Language::En, Self::MarkPaid) => "Mark paid",
            (Language::En, Self::Open) => "Open",
            (Language::Es, Self::Pay) => "Pagar",
            (Language::Es, Self::Snooze) => "Posponer",
            (Language::Es, Self::MarkPaid) => "Marcar pagada",
            (Language::Es, Self::Open) => "Abrir",
            (Language::De, Self::Pay) => "Bezahlen",
            (Language::De, Self::Snooze) => "Später",
            (Language::De, Self::MarkPaid) => "Als bezahlt merken",
            (Language::De, Self::Open) => "Öffnen",
        }
    }
}

/// The notice of a test.
pub(crate) fn test(language: Language) -> Text {
    let (title, body) = match language {
        Language::En => (
            "This is how Billfold reminds you",
            "A test: nothing is due. Press any button; nothing is paid, and Billfold then knows that the buttons work.",
        ),
        Language::Es => (
            "Así te avisa Billfold",
            "Es una prueba: no vence nada. Pulsa cualquier botón; no se paga nada, y Billfold sabrá que funcionan.",
        ),
        Language::De => (
            "So erinnert Sie Billfold",
            "Eine Probe: fällig ist nichts. Drücken Sie irgendeinen Knopf; bezahlt wird nichts, und Billfold weiß dann, \
             dass die Knöpfe gehen.",
        ),
    };
    (title.to_owned(), body.to_owned())
}

/// One due date that the person has to pay.
pub(crate) fn due(language: Language, about: &About<'_>, details: bool) -> Text {
    let when = when(language, about.days);
    let on = day(language, about.due_on);
    if !details {
        let title = match language {
            Language::En => format!("1 payment is {when}"),
            Language::Es => format!("1 pago {when}"),
            Language::De => format!("1 Zahlung ist {when}"),
        };
        return (title, open_one(language).to_owned());
    }
    let amount = amount(language, about.left, about.estimated);
    let name = about.name;
    let (title, mut body) = match language {
        Language::En if about.days < 0 => (format!("{amount} for {name}, {when}"), format!("It was due on {on}.")),
        Language::En => (format!("{amount} for {name}, {when}"), format!("Due on {on}.")),
        Language::Es if about.days < 0 => (format!("{amount} para {name}, {when}"), format!("Vencía el {on}.")),
        Language::Es => (format!("{amount} para {name}, {when}"), format!("Vence el {on}.")),
        Language::De if about.days < 0 => (format!("{amount} für {name}, {when}"), format!("Fällig war es am {on}.")),
        Language::De => (format!("{amount} für {name}, {when}"), format!("Fällig am {on}.")),
    };
    if about.minimum {
        body.push_str(match language {
            Language::En => " That is the minimum due.",
            Language::Es => " Es el pago mínimo.",
            Language::De => " Das ist der Mindestbetrag.",
        });
    }
    (title, body)
}

/// A payment that leaves by itself on `on`, in `days` days.
pub(crate) fn goes_out(
    language: Language,
    about: &About<'_>,
    on: Date,
    days: i32,
    leaving: &Leaving,
    details: bool,
) -> Text {
    let when = plain_when(language, on, days);
    let short = matches!(leaving.cover, Cover::Short { .. } | Cover::MethodEnds { .. });
    if !details {
        let title = match (language, short) {
            (Language::En, false) => format!("1 payment goes out by itself {when}"),
            (Language::En, true) => format!("1 payment that goes out {when} is not covered"),
            (Language::Es, false) => format!("1 pago sale solo {when}"),
            (Language::Es, true) => format!("1 pago que sale {when} no está cubierto"),
            (Language::De, false) => format!("1 Zahlung geht {when} von selbst ab"),
            (Language::De, true) => format!("1 Zahlung, die {when} abgeht, ist nicht gedeckt"),
        };
        return (title, open_one(language).to_owned());
    }
    let sum = amount(language, about.left, about.estimated);
    let title = match language {
        Language::En => format!("{sum} goes out by itself {when}"),
        Language::Es => format!("{sum} sale solo {when}"),
        Language::De => format!("{sum} geht {when} von selbst ab"),
    };
    let mut body = cover_words(language, about.name, &leaving.cover);
    if let Some(above) = leaving.warned {
        let above = amount(language, above, false);
        body.push_str(&match language {
            Language::En => format!(" It is more than {above}, above which you wanted to be warned."),
            Language::Es => format!(" Es más de {above}, a partir de lo cual querías un aviso."),
            Language::De => format!(" Das ist mehr als {above}, ab da wollten Sie gewarnt werden."),
        });
    }
    (title, body)
}

fn cover_words(language: Language, name: &str, cover: &Cover) -> String {
    match (language, cover) {
        (Language::En, Cover::Bears { from }) => format!("{name}, from {from}. The balance bears it."),
        (Language::Es, Cover::Bears { from }) => format!("{name}, desde {from}. El saldo alcanza."),
        (Language::De, Cover::Bears { from }) => format!("{name}, von {from}. Das Guthaben reicht."),
        (Language::En, Cover::Short { from, by }) => {
            format!(
                "{name}, from {from}. The balance is {} short: add money or cancel it.",
                amount(language, *by, false)
            )
        }
        (Language::Es, Cover::Short { from, by }) => {
            let by = amount(language, *by, false);
            format!("{name}, desde {from}. Al saldo le faltan {by}: añade dinero o cancélalo.")
        }
        (Language::De, Cover::Short { from, by }) => {
            let by = amount(language, *by, false);
            format!(
                "{name}, von {from}. Dem Guthaben fehlen {by}: legen Sie Geld nach oder ziehen Sie die Zahlung zurück."
            )
        }
        (Language::En, Cover::Drawn { from }) => format!("{name}, from {from}."),
        (Language::Es, Cover::Drawn { from }) => format!("{name}, desde {from}."),
        (Language::De, Cover::Drawn { from }) => format!("{name}, von {from}."),
        (Language::En, Cover::MethodEnds { from }) => {
            format!("{name}, from {from}, which is good no more by then: replace it in the Wallet.")
        }
        (Language::Es, Cover::MethodEnds { from }) => {
            format!("{name}, desde {from}, que entonces ya no vale: cámbialo en la Cartera.")
        }
        (Language::De, Cover::MethodEnds { from }) => {
            format!("{name}, von {from}; das gilt dann nicht mehr: Ersetzen Sie es in der Brieftasche.")
        }
        (_, Cover::Unknown) => format!("{name}."),
    }
}

/// One line of a digest.
pub(crate) fn line(language: Language, name: &str, due_on: Date) -> String {
    format!("{name}, {}", day(language, due_on))
}

/// Several at once. With `lines` the body names them.
pub(crate) fn digest(language: Language, count: usize, all_due: bool, lines: Option<&[String]>) -> Text {
    let title = match (language, all_due, count) {
        (Language::En, true, 1) => "1 payment is due".to_owned(),
        (Language::En, true, count) => format!("{count} payments are due"),
        (Language::En, false, count) => format!("{count} reminders of payments"),
        (Language::Es, true, 1) => "1 pago vence".to_owned(),
        (Language::Es, true, count) => format!("Vencen {count} pagos"),
        (Language::Es, false, count) => format!("{count} recordatorios de pagos"),
        (Language::De, true, 1) => "1 Zahlung ist fällig".to_owned(),
        (Language::De, true, count) => format!("{count} Zahlungen sind fällig"),
        (Language::De, false, count) => format!("{count} Erinnerungen an Zahlungen"),
    };
    let body = lines.map_or_else(|| open_them(language, count).to_owned(), |lines| lines.join("\n"));
    (title, body)
}

/// While locked: how many, and the day when they share one.
pub(crate) fn locked(language: Language, count: usize, days: Option<i32>, goes_out: bool) -> Text {
    let title = match (language, count, days) {
        (Language::En, 1, Some(days)) if goes_out => format!("1 payment goes out by itself {}", near(language, days)),
        (Language::Es, 1, Some(days)) if goes_out => format!("1 pago sale solo {}", near(language, days)),
        (Language::De, 1, Some(days)) if goes_out => format!("1 Zahlung geht {} von selbst ab", near(language, days)),
        (Language::En, 1, Some(days)) => format!("1 payment is {}", when(language, days)),
        (Language::En, count, Some(days)) => format!("{count} payments are {}", when(language, days)),
        (Language::En, count, None) => format!("{count} payments are due soon"),
        (Language::Es, 1, Some(days)) => format!("1 pago {}", when(language, days)),
        (Language::Es, count, Some(days)) => format!("{count} pagos: {}", when(language, days)),
        (Language::Es, count, None) => format!("{count} pagos vencen pronto"),
        (Language::De, 1, Some(days)) => format!("1 Zahlung ist {}", when(language, days)),
        (Language::De, count, Some(days)) => format!("{count} Zahlungen sind {}", when(language, days)),
        (Language::De, count, None) => format!("{count} Zahlungen sind bald fällig"),
    };
    // What was paid on another device since the locking is not known here.
    let late = days.is_some_and(|days| days < 0);
    let body = match (language, late) {
        (Language::En, false) => "Unlock Billfold to see it.",
        (Language::En, true) => "Unlock Billfold to see it: it may be settled by now.",
        (Language::Es, false) => "Desbloquea Billfold para verlo.",
        (Language::Es, true) => "Desbloquea Billfold para verlo: quizá ya esté pagado.",
        (Language::De, false) => "Entsperren Sie Billfold, um es zu sehen.",
        (Language::De, true) => "Entsperren Sie Billfold, um es zu sehen: Vielleicht ist es schon bezahlt.",
    };
    (title, body.to_owned())
}

/// "due in 4 days", "3 days late".
fn when(language: Language, days: i32) -> String {
    match (language, days) {
        (Language::En, i32::MIN..=-2) => format!("{} days late", -days),
        (Language::En, -1) => "1 day late".to_owned(),
        (Language::En, days) => format!("due {}", near(language, days)),
        (Language::Es, i32::MIN..=-2) => format!("con {} días de retraso", -days),
        (Language::Es, -1) => "con 1 día de retraso".to_owned(),
        (Language::Es, days) => format!("vence {}", near(language, days)),
        (Language::De, i32::MIN..=-2) => format!("{} Tage überfällig", -days),
        (Language::De, -1) => "1 Tag überfällig".to_owned(),
        (Language::De, days) => format!("{} fällig", near(language, days)),
    }
}

fn near(language: Language, days: i32) -> String {
    match (language, days) {
        (Language::En, ..=0) => "today".to_owned(),
        (Language::En, 1) => "tomorrow".to_owned(),
        (Language::En, days) => format!("in {days} days"),
        (Language::Es, ..=0) => "hoy".to_owned(),
        (Language::Es, 1) => "mañana".to_owned(),
        (Language::Es, days) => format!("en {days} días"),
        (Language::De, ..=0) => "heute".to_owned(),
        (Language::De, 1) => "morgen".to_owned(),
        (Language::De, days) => format!("in {days} Tagen"),
    }
}

/// "tomorrow", or the day's name when it is further off.
fn plain_when(language: Language, on: Date, days: i32) -> String {
    match (language, days) {
        (_, ..=1) => near(language, days),
        (Language::En, _) => format!("on {}", day(language, on)),
        (Language::Es, _) => format!("el {}", day(language, on)),
        (Language::De, _) => format!("am {}", day(language, on)),
    }
}

const fn open_one(language: Language) -> &'static str {
    match language {
        Language::En => "Open Billfold to see it.",
        Language::Es => "Abre Billfold para verlo.",
        Language::De => "Öffnen Sie Billfold, um sie zu sehen.",
    }
}

const fn open_them(language: Language, count: usize) -> &'static str {
    match language {
        Language::En if count > 1 => "Open Billfold to see them.",
        Language::Es if count > 1 => "Abre Billfold para verlos.",
        other => open_one(other),
    }
}

/// "about 94.17 USD".
pub(crate) fn amount(language: Language, money: Money, estimated: bool) -> String {
    let text = money.to_string();
    match (language, estimated) {
        (Language::En, false) => text,
        (Language::En, true) => format!("About {text}"),
        (Language::Es, false) => text.replace('.', ","),
        (Language::Es, true) => format!("Unos {}", text.replace('.', ",")),
        (Language::De, false) => text.replace('.', ","),
        (Language::De, true) => format!("Etwa {}", text.replace('.', ",")),
    }
}

/// The same within a line.
pub(crate) fn amount_within(language: Language, money: Money, estimated: bool) -> String {
    let text = amount(language, money, false);
    match (language, estimated) {
        (_, false) => text,
        (Language::En, true) => format!("about {text}"),
        (Language::Es, true) => format!("unos {text}"),
        (Language::De, true) => format!("etwa {text}"),
    }
}

/// "4 days", "3 days late", for a line that says little else.
pub(crate) fn when_short(language: Language, days: i32) -> String {
    match (language, days) {
        (Language::En, 2..) => format!("{days} days"),
        (Language::Es, 2..) => format!("{days} días"),
        (Language::De, 2..) => format!("{days} Tage"),
        (Language::En | Language::De, ..=-1) => when(language, days),
        (Language::Es, -1) => "1 día de retraso".to_owned(),
        (Language::Es, ..=-2) => format!("{} días de retraso", -days),
        (_, 0..=1) => near(language, days),
    }
}

/// "Mon, Nov 16, 09:00".
pub(crate) fn moment(language: Language, at: &Zoned) -> String {
    format!("{}, {}", day(language, at.date()), at.strftime("%H:%M"))
}

/// "Mon, Nov 16".
pub(crate) fn day(language: Language, date: Date) -> String {
    let weekday = weekday(language, date.weekday());
    let month = MONTHS[language as usize][usize::from(date.month().unsigned_abs()) - 1];
    match language {
        Language::En => format!("{weekday}, {month} {}", date.day()),
        Language::Es => format!("{weekday} {} {month}", date.day()),
        Language::De => format!("{weekday}, {}. {month}", date.day()),
    }
}

fn weekday(language: Language, day: Weekday) -> &'static str {
    WEEKDAYS[language as usize][usize::from(day.to_monday_zero_offset().unsigned_abs())]
}

const WEEKDAYS: [[&str; 7]; 3] = [
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"],
    ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"],
];

const MONTHS: [[&str; 12]; 3] = [
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
];

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::testing::usd;

    const ALL: [Language; 3] = [Language::En, Language::Es, Language::De];

    fn power(days: i32) -> About<'static> {
        let due_on = date(2026, 11, 16);
        About { name: "Cobalt Ridge Power", left: usd("94.17"), estimated: false, due_on, days, minimum: false }
    }

    #[test]
    fn a_reminder_says_what_for_whom_and_when_in_each_language() {
        let titles = ALL.map(|language| due(language, &power(4), true).0);
        assert_eq!(
            titles,
            [
                "94.17 USD for Cobalt Ridge Power, due in 4 days",
                "94,17 USD para Cobalt Ridge Power, vence en 4 días",
                "94,17 USD für Cobalt Ridge Power, in 4 Tagen fällig",
            ]
        );
        assert_eq!(due(Language::En, &power(4), true).1, "Due on Mon, Nov 16.");
        assert_eq!(due(Language::De, &power(-3), true).0, "94,17 USD für Cobalt Ridge Power, 3 Tage überfällig");
    }

    #[test]
    fn without_details_no_text_in_any_language_holds_a_name_or_an_amount() {
        let cover = || Cover::Short { from: "Tern Harbor Checking".to_owned(), by: usd("12.00") };
        for language in ALL {
            for days in [-3, 0, 1, 4] {
                let leaving = Leaving { cover: cover(), warned: Some(usd("12.00")) };
                let out = goes_out(language, &power(days), date(2026, 11, 13), days, &leaving, false);
                let texts = [
                    due(language, &power(days), false),
                    out,
                    digest(language, 2, true, None),
                    locked(language, 2, Some(days), false),
                ];
                for (title, body) in texts {
                    let all = format!("{title} {body}");
                    let tells = ["Cobalt", "Tern", "94", "12", "USD"].iter().any(|word| all.contains(word));
                    assert!(!tells && !title.is_empty() && !body.is_empty(), "{all}");
                }
            }
        }
    }

    #[test]
    fn what_goes_out_by_itself_says_from_where_and_whether_it_is_covered() {
        let tomorrow = date(2026, 11, 13);
        let bears = Cover::Bears { from: "Tern Harbor Checking".to_owned() };
        let out = |cover, warned| goes_out(Language::En, &power(4), tomorrow, 1, &Leaving { cover, warned }, true);
        let (title, body) = out(bears, None);
        assert_eq!(title, "94.17 USD goes out by itself tomorrow");
        assert_eq!(body, "Cobalt Ridge Power, from Tern Harbor Checking. The balance bears it.");
        let short = Cover::Short { from: "Tern Harbor Checking".to_owned(), by: usd("12.00") };
        let (_, body) = out(short, Some(usd("80.00")));
        assert!(body.contains("12.00 USD short") && body.contains("more than 80.00 USD"), "{body}");
        let card = || "Heron ··4471".to_owned();
        assert_eq!(out(Cover::Drawn { from: card() }, None).1, "Cobalt Ridge Power, from Heron ··4471.");
        let (_, body) = out(Cover::MethodEnds { from: card() }, None);
        assert!(body.contains("good no more"), "{body}");
    }
}
