//! iCalendar (RFC 5545), written: whole-day events with their alarms. The same events give the same bytes.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A line is folded after so many bytes (RFC 5545, 3.1).
const LINE_BYTES_MAX: usize = 75;
/// More events than this are not written: a calendar program would choke on them.
pub const EVENTS_MAX: usize = 5_000;

const MINUTES_OF_DAY: u32 = 24 * 60;

/// A calendar as others read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub name: String,
    /// Readers look again after so many hours.
    pub refresh_hours: u32,
    pub events: Vec<Event>,
}

/// One day on which something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same for the same thing for ever: how a reader knows what it has.
    pub uid: String,
    /// Grows with every change of the event.
    pub sequence: u32,
    pub changed_at: Timestamp,
    pub on: Date,
    pub summary: String,
    pub description: Option<String>,
    pub cancelled: bool,
    /// Minutes from the day's beginning: negative before it.
    pub alarms: Vec<i32>,
}

/// Writes the calendar; events beyond [`EVENTS_MAX`] are left out.
#[must_use]
pub fn write(calendar: &Calendar) -> String {
    let mut out = Lines::default();
    out.line("BEGIN", "VCALENDAR");
    out.line("VERSION", "2.0");
    out.line("PRODID", "-//Billfold//Due dates//EN");
    out.line("CALSCALE", "GREGORIAN");
    out.line("METHOD", "PUBLISH");
    out.text("NAME", &calendar.name);
    // What readers had before RFC 7986 gave it a name.
    out.text("X-WR-CALNAME", &calendar.name);
    let refresh = format!("PT{}H", calendar.refresh_hours);
    out.line("REFRESH-INTERVAL;VALUE=DURATION", &refresh);
    out.line("X-PUBLISHED-TTL", &refresh);
    for event in calendar.events.iter().take(EVENTS_MAX) {
        write_event(&mut out, event);
    }
    out.line("END", "VCALENDAR");
    out.0
}

fn write_event(out: &mut Lines, event: &Event) {
    let changed = utc(event.changed_at);
    out.line("BEGIN", "VEVENT");
    out.text("UID", &event.uid);
    // In a calendar that is published this is when the event was last changed (3.8.7.2).
    out.line("DTSTAMP", &changed);
    out.line("LAST-MODIFIED", &changed);
    out.line("SEQUENCE", &event.sequence.to_string());
    out.line("DTSTART;VALUE=DATE", &day(event.on));
    // The end is the first day that is no longer part of it.
    out.line("DTEND;VALUE=DATE", &day(event.on.tomorrow().unwrap_or(event.on)));
    out.text("SUMMARY", &event.summary);
    if let Some(description) = &event.description {
        out.text("DESCRIPTION", description);
    }
    out.line("STATUS", if event.cancelled { "CANCELLED" } else { "CONFIRMED" });
    out.line("CLASS", "PRIVATE");
    out.line("TRANSP", "TRANSPARENT");
    if !event.cancelled {
        for minutes in &event.alarms {
            out.line("BEGIN", "VALARM");
            out.line("ACTION", "DISPLAY");
            out.text("DESCRIPTION", &event.summary);
            out.line("TRIGGER", &duration(*minutes));
            out.line("END", "VALARM");
        }
    }
    out.line("END", "VEVENT");
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    /// A value that is text: its own signs are escaped.
    fn text(&mut self, name: &str, value: &str) {
        self.line(name, &escaped(value));
    }

    fn line(&mut self, name: &str, value: &str) {
        let mut left = LINE_BYTES_MAX;
        for c in name.chars().chain([':']).chain(value.chars()) {
            // A character is never cut in two.
            if c.len_utf8() > left {
                self.0.push_str("\r\n ");
                left = LINE_BYTES_MAX - 1;
            }
            self.0.push(c);
            left -= c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

/// Text as RFC 5545, 3.3.11 has it. Other control characters are left out: no reader may see them as a line's end.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

fn day(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year().max(0), date.month(), date.day())
}

fn utc(at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    format!("{}T{:02}{:02}{:02}Z", day(at.date()), at.hour(), at.minute(), at.second())
}

fn duration(minutes: i32) -> String {
    let sign = if minutes < 0 { "-" } else { "" };
    let all = minutes.unsigned_abs();
    let (days, rest) = (all / MINUTES_OF_DAY, all % MINUTES_OF_DAY);
    let (hours, minutes) = (rest / 60, rest % 60);
    let days = if days > 0 { format!("{days}D") } else { String::new() };
    let time = match (hours, minutes) {
        (0, 0) if days.is_empty() => "T0M".to_owned(),
        (0, 0) => String::new(),
        (hours, 0) => format!("T{hours}H"),
        (0, minutes) => format!("T{minutes}M"),
        (hours, minutes) => format!("T{hours}H{minutes}M"),
    };
    format!("{sign}P{days}{time}")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn rent() -> Event {
        Event {
            uid: "0192-2026-12-01@billfold".to_owned(),
            sequence: 2,
            changed_at: "2026-11-20T12:00:00Z".parse().expect("an instant"),
            on: date(2026, 12, 1),
            summary: "Rent".to_owned(),
            description: None,
            cancelled: false,
            alarms: vec![-(3 * 1_440) + 9 * 60, 9 * 60],
        }
    }

    fn written(event: Event) -> String {
        write(&Calendar { name: "Due dates".to_owned(), refresh_hours: 6, events: vec![event] })
    }

    /// The lines as a reader has them: unfolded.
    fn lines(text: &str) -> Vec<String> {
        text.replace("\r\n ", "").split_terminator("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn a_due_date_is_a_whole_day_with_its_alarms() {
        let text = written(rent());
        let event: Vec<String> = lines(&text)
            .into_iter()
            .skip_while(|line| line != "BEGIN:VEVENT")
            .take_while(|l| l != "END:VEVENT")
            .collect();
        assert_eq!(
            event,
            [
                "BEGIN:VEVENT",
                "UID:0192-2026-12-01@billfold",
                "DTSTAMP:20261120T120000Z",
                "LAST-MODIFIED:20261120T120000Z",
                "SEQUENCE:2",
                "DTSTART;VALUE=DATE:20261201",
                "DTEND;VALUE=DATE:20261202",
                "SUMMARY:Rent",
                "STATUS:CONFIRMED",
                "CLASS:PRIVATE",
                "TRANSP:TRANSPARENT",
                "BEGIN:VALARM",
                "ACTION:DISPLAY",
                "DESCRIPTION:Rent",
                "TRIGGER:-P2DT15H",
                "END:VALARM",
                "BEGIN:VALARM",
                "ACTION:DISPLAY",
                "DESCRIPTION:Rent",
                "TRIGGER:PT9H",
                "END:VALARM",
            ]
        );
    }

    #[test]
    fn a_cancelled_event_says_so_and_rings_no_more() {
        let text = written(Event { cancelled: true, ..rent() });
        assert!(text.contains("STATUS:CANCELLED") && !text.contains("VALARM"), "{text}");
    }

    #[test]
    fn durations_are_whole_and_never_empty() {
        let cases = [(0, "PT0M"), (-1_440, "-P1D"), (540, "PT9H"), (-15, "-PT15M"), (-2_895, "-P2DT15M")];
        for (minutes, text) in cases {
            assert_eq!(duration(minutes), text);
        }
    }

    #[test]
    fn a_name_cannot_write_lines_of_its_own() {
        let text = written(Event { summary: "Rent\r\nATTACH:http://x\r\u{2028}; a, b\\c".to_owned(), ..rent() });
        let summary = lines(&text).into_iter().find(|line| line.starts_with("SUMMARY:"));
        assert_eq!(summary.as_deref(), Some("SUMMARY:Rent\\nATTACH:http://x\\; a\\, b\\\\c"));
    }

    proptest! {
        #[test]
        fn lines_are_short_and_read_back_whole(name in "\\PC{0,200}") {
            let text = written(Event { summary: name.clone(), ..rent() });
            prop_assert!(text.ends_with("END:VCALENDAR\r\n"));
            for line in text.split_terminator("\r\n") {
                prop_assert!(line.len() <= LINE_BYTES_MAX, "{line}");
                prop_assert!(!line.contains(['\r', '\n']));
            }
            let wanted = format!("SUMMARY:{}", escaped(&name));
            prop_assert!(lines(&text).contains(&wanted));
        }
    }
}
