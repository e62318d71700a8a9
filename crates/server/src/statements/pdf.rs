//! A statement as a PDF: its head, its figures and its lines, over as many pages as they need. What stands on it is laid
//! out first, piece by piece, and drawn then.

mod issued;
mod layout;

use domain::accounts::{Account, AccountKind, Keeping};
use domain::money::Money;
use domain::statements::Statement;
use jiff::civil::Date;

use crate::paper::{Align, LEFT, PaperError, RIGHT};
use layout::{Column, Layout};

const DATE_WIDTH: f32 = 84.0;
const AMOUNT_WIDTH: f32 = 96.0;
/// Where the amounts of a list of figures end.
const FIGURES_END: f32 = LEFT + 300.0;

/// What stands on a statement.
pub(super) struct Sheet<'a> {
    pub account: &'a Account,
    pub statement: &'a Statement,
    /// Who made it: the server's name.
    pub by: &'a str,
    /// Practice money: it says so on every page.
    pub practice: bool,
}

/// Amounts as people read them: grouped, with every decimal, and the currency.
fn words_of(amount: Money) -> String {
    let plain = amount.to_string();
    let (number, currency) = plain.split_once(' ').unwrap_or((&plain, ""));
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("−", rest));
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    format!("{sign}{grouped}{fraction} {currency}")
}

fn day_words(day: Date) -> String {
    day.strftime("%-d %b %Y").to_string()
}

/// The bytes of the PDF.
pub(super) fn render(sheet: &Sheet<'_>) -> Result<Vec<u8>, PaperError> {
    let title = title(sheet);
    let mut layout = Layout::new(&title)?;
    head(sheet, &title, &mut layout);
    let summary = &sheet.statement.summary;
    match summary.issued.as_deref() {
        Some(issued) => {
            issued::figures(&mut layout, summary, issued);
            note(sheet, &mut layout);
            lines(sheet, &mut layout);
            issued::disclosures(&mut layout, issued);
        }
        None => {
            figures(sheet, &mut layout);
            note(sheet, &mut layout);
            lines(sheet, &mut layout);
        }
    }
    let by = if sheet.practice { format!("{} · practice money", sheet.by) } else { sheet.by.to_owned() };
    layout.draw(sheet.by, &by)
}

fn title(sheet: &Sheet<'_>) -> String {
    format!("Statement of {}, {}", sheet.account.name, day_words(sheet.statement.summary.closed_on))
}

fn head(sheet: &Sheet<'_>, title: &str, layout: &mut Layout) {
    let summary = &sheet.statement.summary;
    layout.title("Statement", title);
    let account = sheet.account;
    let mask = account.mask.as_deref().filter(|mask| !account.name.contains(mask));
    layout.name(mask.map_or_else(|| account.name.clone(), |mask| format!("{} ··{mask}", account.name)));
    let number = summary.issued.as_ref().map_or_else(String::new, |issued| format!("No. {}, ", issued.number));
    layout.period(format!("{number}{} to {}", day_words(summary.opened_on), day_words(summary.closed_on)));
}

/// Two columns: what a figure is, and the figure.
fn pairs() -> Vec<Column> {
    vec![Column::new("", LEFT, Align::Left), Column::new("", FIGURES_END, Align::Right)]
}

/// What the head of a statement says that was worked out from lines.
fn figures(sheet: &Sheet<'_>, layout: &mut Layout) {
    let summary = &sheet.statement.summary;
    let card = sheet.account.kind == AccountKind::Card;
    let shown = |amount: Money| words_of(if card { amount.negated() } else { amount });
    let (opening, closing) =
        if card { ("Owed before", "Owed at closing") } else { ("Balance before", "Balance at closing") };
    let table = layout.table(pairs());
    layout.row(table, [opening.to_owned(), shown(summary.opening)]);
    if let Ok(moved) = summary.closing.minus(summary.opening) {
        layout.row(table, ["Change by the lines below".to_owned(), shown(moved)]);
    }
    layout.strong_row(table, [closing.to_owned(), shown(summary.closing)]);
    if let Some(due_on) = summary.due_on {
        layout.row(table, ["Due".to_owned(), day_words(due_on)]);
    }
}

fn note(sheet: &Sheet<'_>, layout: &mut Layout) {
    if sheet.practice {
        layout.note("Practice money: nothing real was paid or received.");
    }
    if sheet.account.keeping == Keeping::Linked {
        layout.note("Worked out from imported files. The issuer’s own statement counts.");
    }
    if !sheet.statement.summary.complete {
        layout.note("The imported files do not cover the whole cycle.");
    }
}

fn lines(sheet: &Sheet<'_>, layout: &mut Layout) {
    let room = RIGHT - LEFT - DATE_WIDTH - AMOUNT_WIDTH - 12.0;
    let table = layout.table(vec![
        Column::new("Date", LEFT, Align::Left).quiet(),
        Column::new("Description", LEFT + DATE_WIDTH, Align::Left).within(room),
        Column::new("Amount", RIGHT, Align::Right),
    ]);
    layout.table_head(table);
    let card = sheet.account.kind == AccountKind::Card;
    for line in &sheet.statement.lines {
        let amount = words_of(if card { line.amount.negated() } else { line.amount });
        // A cell without a word would be no cell.
        let about = if line.description.trim().is_empty() { "–" } else { line.description.as_str() };
        layout.row(table, [day_words(line.posted_on), about.to_owned(), amount]);
    }
}
