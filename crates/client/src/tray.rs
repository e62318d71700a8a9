//! What the tray says (RE6): the total of the next seven days, the next three due dates with what can be done about each,
//! and the proof of the reminders. In the person's language; while locked without names or amounts. The shell draws it.

use domain::bills::OccurrenceState;
use domain::ids::BillId;
use domain::money::Money;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::bills::{OccurrenceView, is_kept, needs_person};
use crate::book::sums;
use crate::client::Client;
use crate::error::ClientError;
use crate::platform::Language;
use crate::reminders::words;
use crate::status::Phase;

/// How far ahead the tray looks.
const DAYS: u16 = 7;
const NEXT: usize = 3;

/// The tray as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrayView {
    /// The first line; it can't be chosen.
    pub head: String,
    pub next: Vec<TrayLine>,
    /// When a reminder was shown last, and when the next one comes.
    pub proof: Option<String>,
    pub commands: TrayCommands,
    pub tooltip: String,
    pub late: bool,
    /// How many due dates need the person; zero while it is locked.
    pub count: u32,
}

/// One due date with what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrayLine {
    pub text: String,
    pub bill: BillId,
    pub due_on: Date,
    /// In the order in which they are shown; each with its words.
    pub acts: Vec<(TrayAct, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrayAct {
    /// Opens the sheet that pays it: one click in a menu moves no money.
    Pay,
    Snooze,
    MarkPaid,
    /// Opens the bill.
    Show,
}

impl TrayAct {
    pub const ALL: [Self; 4] = [Self::Pay, Self::Snooze, Self::MarkPaid, Self::Show];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pay => "pay",
            Self::Snooze => "snooze",
            Self::MarkPaid => "mark_paid",
            Self::Show => "show",
        }
    }
}

/// The words of what the tray can always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrayCommands {
    pub open: &'static str,
    pub sync: &'static str,
    pub lock: &'static str,
    pub quit: &'static str,
}

impl TrayCommands {
    #[must_use]
    pub const fn of(language: Language) -> Self {
        match language {
            Language::En => Self { open: "Open Billfold", sync: "Sync now", lock: "Lock", quit: "Quit" },
            Language::Es => Self { open: "Abrir Billfold", sync: "Sincronizar", lock: "Bloquear", quit: "Salir" },
            Language::De => Self { open: "Billfold öffnen", sync: "Abgleichen", lock: "Sperren", quit: "Beenden" },
        }
    }
}

impl Client {
    /// What the tray says now.
    pub async fn tray(&self) -> TrayView {
        let language = self.0.ports.language.now();
        let bare = |head: &str| TrayView {
            head: head.to_owned(),
            next: Vec::new(),
            proof: None,
            commands: TrayCommands::of(language),
            tooltip: "Billfold".to_owned(),
            late: false,
            count: 0,
        };
        match self.phase() {
            Phase::Welcome => bare(match language {
                Language::En => "No account yet",
                Language::Es => "Aún no hay cuenta",
                Language::De => "Noch kein Konto",
            }),
            // No names, no amounts.
            Phase::Locked => bare(match language {
                Language::En => "Billfold is locked",
                Language::Es => "Billfold está bloqueado",
                Language::De => "Billfold ist gesperrt",
            }),
            Phase::Ready => match self.tray_ready(language).await {
                Ok(view) => view,
                Err(_) => bare(match language {
                    Language::En => "Open Billfold to see why nothing is shown",
                    Language::Es => "Abre Billfold para ver por qué no se muestra nada",
                    Language::De => "Öffnen Sie Billfold, um zu sehen, warum nichts da steht",
                }),
            },
        }
    }

    async fn tray_ready(&self, language: Language) -> Result<TrayView, ClientError> {
        let due = self.bills().due(DAYS).await?;
        let (shown, comes) = self.reminders().last_and_next().await?;
        let zone = self.0.ports.zone.zone();
        let at = |at: Timestamp| words::moment(language, &at.to_zoned(zone.clone()));
        let late = due.iter().any(|one| needs_person(one) && one.days < 0);
        Ok(TrayView {
            head: head(language, &due),
            next: due.iter().take(NEXT).map(|one| line(language, one)).collect(),
            proof: proof(language, shown.map(at), comes.map(at)),
            commands: TrayCommands::of(language),
            tooltip: match (late, language) {
                (false, _) => "Billfold",
                (true, Language::En) => "Billfold, something is overdue",
                (true, Language::Es) => "Billfold, hay algo vencido",
                (true, Language::De) => "Billfold, etwas ist überfällig",
            }
            .to_owned(),
            late,
            count: u32::try_from(due.iter().filter(|one| needs_person(one)).count()).unwrap_or(u32::MAX),
        })
    }

    /// Does what was chosen of a due date, without a window. Paying and showing are the window's.
    pub async fn tray_act(&self, bill: BillId, due_on: Date, act: TrayAct) -> Result<(), ClientError> {
        match act {
            TrayAct::Pay | TrayAct::Show => Ok(()),
            TrayAct::Snooze => self.reminders().snooze(bill, due_on).await,
            TrayAct::MarkPaid => self.reminders().mark_paid(bill, due_on).await,
        }
    }
}

fn head(language: Language, due: &[OccurrenceView]) -> String {
    let totals = sums(due.iter().map(|one| one.left));
    let totals: Vec<String> = totals.into_iter().map(|sum| words::amount(language, sum, false)).collect();
    match (language, due.is_empty()) {
        (Language::En, true) => "Nothing due in 7 days".to_owned(),
        (Language::Es, true) => "No vence nada en 7 días".to_owned(),
        (Language::De, true) => "In 7 Tagen ist nichts fällig".to_owned(),
        (Language::En, false) => format!("Next 7 days: {}", totals.join(", ")),
        (Language::Es, false) => format!("Próximos 7 días: {}", totals.join(" y ")),
        (Language::De, false) => format!("Nächste 7 Tage: {}", totals.join(" und ")),
    }
}

fn line(language: Language, one: &OccurrenceView) -> TrayLine {
    let when = match (one.state, language) {
        // Nobody was paid while the payment is kept here.
        _ if is_kept(one) => words::when_short(language, one.days),
        (OccurrenceState::Scheduled, Language::En) => "scheduled".to_owned(),
        (OccurrenceState::Scheduled, Language::Es) => "programado".to_owned(),
        (OccurrenceState::Scheduled, Language::De) => "geplant".to_owned(),
        (OccurrenceState::Pending, Language::En) => "on its way".to_owned(),
        (OccurrenceState::Pending, Language::Es) => "en camino".to_owned(),
        (OccurrenceState::Pending, Language::De) => "unterwegs".to_owned(),
        _ => words::when_short(language, one.days),
    };
    // What is on its way or scheduled has nothing left: its whole amount is what the line is about.
    let sum: Money = if one.left.is_positive() { one.left } else { one.amount };
    let amount = words::amount_within(language, sum, one.estimated);
    let open = one.left.is_positive() && !matches!(one.state, OccurrenceState::Scheduled | OccurrenceState::Pending);
    let offered = |act: &TrayAct| match act {
        TrayAct::Pay => open && (one.payable || one.card.is_some()),
        TrayAct::Snooze => open,
        TrayAct::MarkPaid => open && !one.issued,
        TrayAct::Show => true,
    };
    let acts = TrayAct::ALL.into_iter().filter(offered).map(|act| (act, act_words(language, act))).collect();
    TrayLine { text: format!("{}, {when}   {amount}", one.name), bill: one.bill, due_on: one.due_on, acts }
}

const fn act_words(language: Language, act: TrayAct) -> &'static str {
    match (act, language) {
        (TrayAct::Pay, Language::En) => "Pay…",
        (TrayAct::Pay, Language::Es) => "Pagar…",
        (TrayAct::Pay, Language::De) => "Bezahlen…",
        (TrayAct::Snooze, Language::En) => "Remind me tomorrow",
        (TrayAct::Snooze, Language::Es) => "Avisar mañana",
        (TrayAct::Snooze, Language::De) => "Morgen erinnern",
        (TrayAct::MarkPaid, Language::En) => "Mark paid",
        (TrayAct::MarkPaid, Language::Es) => "Marcar como pagado",
        (TrayAct::MarkPaid, Language::De) => "Als bezahlt merken",
        (TrayAct::Show, Language::En) => "Show",
        (TrayAct::Show, Language::Es) => "Mostrar",
        (TrayAct::Show, Language::De) => "Anzeigen",
    }
}

fn proof(language: Language, shown: Option<String>, comes: Option<String>) -> Option<String> {
    let shown = shown.map(|at| match language {
        Language::En => format!("Last reminder {at}"),
        Language::Es => format!("Último aviso {at}"),
        Language::De => format!("Letzte Erinnerung {at}"),
    });
    let comes = comes.map(|at| match language {
        Language::En => format!("Next reminder {at}"),
        Language::Es => format!("Próximo aviso {at}"),
        Language::De => format!("Nächste Erinnerung {at}"),
    });
    let parts: Vec<String> = [shown, comes].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, day, monthly, with_biller};

    #[tokio::test]
    async fn the_tray_says_the_week_the_next_three_and_what_can_be_done_about_each() {
        let world = World::new();
        assert_eq!(world.open().await.tray().await.head, "No account yet");
        let client = world.start().await;
        assert_eq!(client.tray().await.head, "Nothing due in 7 days");
        let biller = with_biller(&client).await;
        let phone = crate::bills::NewBill { biller: Some(biller), ..monthly("Phone", "40.00", "2026-11-18") };
        client.bills().add(phone).await.unwrap();
        for (name, amount, on) in
            [("Gas", "58.32", "2026-11-20"), ("Power", "94.17", "2026-11-24"), ("Rent", "950", "2026-11-25")]
        {
            client.bills().add(monthly(name, amount, on)).await.unwrap();
        }
        let tray = client.tray().await;
        assert_eq!((tray.head.as_str(), tray.late, tray.count), ("Next 7 days: 1142.49 USD", true, 4));
        let lines: Vec<&str> = tray.next.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["Phone, 2 days late   40.00 USD", "Gas, today   58.32 USD", "Power, 4 days   94.17 USD"]);
        let acts = |at: usize| tray.next[at].acts.iter().map(|(act, _)| *act).collect::<Vec<_>>();
        assert_eq!(acts(0), TrayAct::ALL);
        assert_eq!(acts(1), [TrayAct::Snooze, TrayAct::MarkPaid, TrayAct::Show], "nobody takes that payment here");
        let gas = tray.next[1].clone();
        client.tray_act(gas.bill, gas.due_on, TrayAct::MarkPaid).await.unwrap();
        client.tray_act(gas.bill, gas.due_on, TrayAct::MarkPaid).await.unwrap();
        assert!(client.tray().await.next.iter().all(|line| line.bill != gas.bill));
        client.reminders().run_once(false).await.unwrap();
        assert!(client.tray().await.proof.unwrap().starts_with("Last reminder Fri, Nov 20, 12:00 · Next reminder"));
        let power = tray.next[2].clone();
        world.at("2026-11-23T10:00:00Z");
        client.tray_act(power.bill, power.due_on, TrayAct::Snooze).await.unwrap();
        assert!(client.reminders().run_once(false).await.unwrap().iter().all(|notice| !notice.title.contains("Power")));
        world.at("2026-11-24T09:00:00Z");
        let again = client.reminders().run_once(false).await.unwrap();
        assert!(again.iter().any(|notice| format!("{}{}", notice.title, notice.body).contains("Power")), "{again:?}");
        client.lock().await.unwrap();
        let locked = client.tray().await;
        assert_eq!((locked.head.as_str(), locked.next.len(), locked.count), ("Billfold is locked", 0, 0));
        assert_eq!(locked.proof, None);
        world.end().await;
    }

    #[test]
    fn every_word_of_it_is_there_in_each_language() {
        let due = |days, state| OccurrenceView {
            bill: "01890000-0000-7000-8000-000000000000".parse().unwrap(),
            name: "Cobalt Ridge Power".to_owned(),
            due_on: day("2026-11-16"),
            falls_on: day("2026-11-16"),
            issued_on: None,
            grace_until: day("2026-11-16"),
            pay_by: day("2026-11-16"),
            over_cap: false,
            amount: crate::testing::usd("94.17"),
            left: crate::testing::usd("94.17"),
            estimated: true,
            state,
            days,
            card: None,
            issued: false,
            payable: true,
            payment: None,
            sends_on: None,
            not_sent: false,
        };
        let late = due(-3, OccurrenceState::Overdue);
        let texts = [Language::En, Language::Es, Language::De].map(|language| line(language, &late).text);
        assert_eq!(
            texts,
            [
                "Cobalt Ridge Power, 3 days late   about 94.17 USD",
                "Cobalt Ridge Power, 3 días de retraso   unos 94,17 USD",
                "Cobalt Ridge Power, 3 Tage überfällig   etwa 94,17 USD",
            ]
        );
        let tomorrow = due(1, OccurrenceState::Due);
        assert_eq!(head(Language::De, std::slice::from_ref(&tomorrow)), "Nächste 7 Tage: 94,17 USD");
        assert!(line(Language::Es, &tomorrow).text.contains(", mañana "));
        let scheduled = due(1, OccurrenceState::Scheduled);
        assert_eq!(line(Language::En, &scheduled).acts, [(TrayAct::Show, "Show")]);
    }
}
