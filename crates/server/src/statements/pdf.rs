//! A statement as a PDF: its head, its figures and its lines, over as many pages as they need.

use std::num::NonZeroU16;

use domain::accounts::{Account, AccountKind, Transaction};
use domain::money::Money;
use domain::statements::Statement;
use jiff::civil::Date;
use krilla::surface::Surface;
use krilla::tagging::{ArtifactType, TableHeaderScope, Tag, TagGroup, TagTree};

use crate::paper::{
    Align, BOTTOM, Faces, LEFT, PAGE_HEIGHT, PaperError, RIGHT, SMALL, TITLE, TOP, Word, artifact, cell, content,
    document, faces, finish, page_settings, rule,
};

const ROW: f32 = 16.5;
const DATE_WIDTH: f32 = 84.0;
const AMOUNT_WIDTH: f32 = 96.0;

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

/// What the head of a statement says, row by row.
fn summary_rows(sheet: &Sheet<'_>) -> Vec<(&'static str, String)> {
    let summary = &sheet.statement.summary;
    let card = sheet.account.kind == AccountKind::Card;
    let shown = |amount: Money| words_of(if card { amount.negated() } else { amount });
    let (opening, closing) =
        if card { ("Owed before", "Owed at closing") } else { ("Balance before", "Balance at closing") };
    let mut rows = vec![(opening, shown(summary.opening))];
    if let Ok(moved) = summary.closing.minus(summary.opening) {
        rows.push(("Change by the lines below", shown(moved)));
    }
    rows.push((closing, shown(summary.closing)));
    if let Some(due_on) = summary.due_on {
        rows.push(("Due", day_words(due_on)));
    }
    rows
}

fn notes(sheet: &Sheet<'_>) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if sheet.practice {
        notes.push("Practice money: nothing real was paid or received.");
    }
    if sheet.account.keeping == domain::accounts::Keeping::Linked {
        notes.push("Worked out from imported files. The issuer’s own statement counts.");
    }
    if !sheet.statement.summary.complete {
        notes.push("The imported files do not cover the whole cycle.");
    }
    notes
}

/// The bytes of the PDF.
pub(super) fn render(sheet: &Sheet<'_>) -> Result<Vec<u8>, PaperError> {
    let faces = faces()?;
    let title = title(sheet);
    let mut document = document(&title, sheet.by, "en")?;
    let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
    let mut table = Lines::new();
    let lines = &sheet.statement.lines;
    let mut next = 0;
    let pages = page_count(sheet);
    for number in 1..=pages {
        let mut page = document.start_page_with(page_settings()?);
        let mut surface = page.surface();
        let mut y = if number == 1 { head(&mut surface, faces, sheet, &title, &mut tree)? } else { TOP };
        y = table.head(&mut surface, faces, y, number == 1);
        while next < lines.len() && y + ROW <= BOTTOM {
            y = table.line(&mut surface, faces, y, &lines[next], sheet.account.kind == AccountKind::Card);
            next += 1;
        }
        foot(&mut surface, faces, sheet, number, pages);
        surface.finish();
        page.finish();
    }
    tree.push(table.finish());
    finish(document, title, tree)
}

fn title(sheet: &Sheet<'_>) -> String {
    format!("Statement of {}, {}", sheet.account.name, day_words(sheet.statement.summary.closed_on))
}

/// Where the lines begin on the first page; `head` draws by the same measure.
fn head_height(sheet: &Sheet<'_>) -> f32 {
    TOP + 58.0 + ROW * (summary_rows(sheet).len() as f32) + 14.0 * (notes(sheet).len() as f32) + 14.0
}

fn page_count(sheet: &Sheet<'_>) -> usize {
    let rows_from = |y: f32| ((BOTTOM - y - ROW - 6.0) / ROW).floor().max(0.0) as usize;
    let first = rows_from(head_height(sheet));
    let rest = sheet.statement.lines.len().saturating_sub(first);
    1 + rest.div_ceil(rows_from(TOP).max(1))
}

fn head(
    surface: &mut Surface<'_>,
    faces: &Faces,
    sheet: &Sheet<'_>,
    title: &str,
    tree: &mut TagTree,
) -> Result<f32, PaperError> {
    let summary = &sheet.statement.summary;
    let mut y = TOP;
    let width = RIGHT - LEFT;
    let id = content(surface, faces, &Word::new("Statement", LEFT, y).bold().sized(TITLE).within(width));
    let level = NonZeroU16::MIN;
    tree.push(cell(Tag::Hn(level, Some(title.to_owned())), id));
    y += 22.0;
    let account = sheet.account;
    let mask = account.mask.as_deref().filter(|mask| !account.name.contains(mask));
    let name = mask.map_or_else(|| account.name.clone(), |mask| format!("{} ··{mask}", account.name));
    let id = content(surface, faces, &Word::new(&name, LEFT, y).bold().sized(11.0).within(width));
    tree.push(cell(Tag::P, id));
    y += 16.0;
    let period = format!("{} to {}", day_words(summary.opened_on), day_words(summary.closed_on));
    let id = content(surface, faces, &Word::new(&period, LEFT, y).quiet());
    tree.push(cell(Tag::P, id));
    y += 20.0;
    let mut body = TagGroup::new(Tag::TBody);
    let rows = summary_rows(sheet);
    for (name, value) in &rows {
        let strong = name.contains("closing");
        let mut label = Word::new(name, LEFT, y);
        let mut amount = Word::new(value, LEFT + 300.0, y).right();
        if strong {
            (label, amount) = (label.bold(), amount.bold());
        }
        let mut row = TagGroup::new(Tag::TR);
        let label = content(surface, faces, &label);
        row.push(cell(Tag::TH(TableHeaderScope::Row), label));
        let amount = content(surface, faces, &amount);
        row.push(cell(Tag::TD, amount));
        body.push(row);
        y += ROW;
    }
    tree.push(TagGroup::with_children(Tag::Table, vec![body.into()]));
    for note in notes(sheet) {
        let id = content(surface, faces, &Word::new(note, LEFT, y).quiet().sized(SMALL).within(width));
        tree.push(cell(Tag::P, id));
        y += 14.0;
    }
    Ok(head_height(sheet))
}

/// The table of lines, growing over the pages.
struct Lines {
    head: TagGroup,
    body: TagGroup,
}

const COLUMNS: [(&str, f32, Align); 3] =
    [("Date", LEFT, Align::Left), ("Description", LEFT + DATE_WIDTH, Align::Left), ("Amount", RIGHT, Align::Right)];

impl Lines {
    fn new() -> Self {
        Self { head: TagGroup::new(Tag::THead), body: TagGroup::new(Tag::TBody) }
    }

    /// The names of the columns; on later pages they are for the eye alone.
    fn head(&mut self, surface: &mut Surface<'_>, faces: &Faces, y: f32, first: bool) -> f32 {
        let mut row = TagGroup::new(Tag::TR);
        for (name, x, align) in COLUMNS {
            let mut word = Word::new(name, x, y).bold().sized(SMALL).quiet();
            word.align = align;
            if first {
                let id = content(surface, faces, &word);
                row.push(cell(Tag::TH(TableHeaderScope::Column), id));
            } else {
                artifact(surface, faces, &word, ArtifactType::PaginationOther);
            }
        }
        if first {
            self.head.push(row);
        }
        rule(surface, y + 5.0);
        y + ROW + 4.0
    }

    fn line(&mut self, surface: &mut Surface<'_>, faces: &Faces, y: f32, line: &Transaction, card: bool) -> f32 {
        let amount = words_of(if card { line.amount.negated() } else { line.amount });
        let day = day_words(line.posted_on);
        let room = RIGHT - LEFT - DATE_WIDTH - AMOUNT_WIDTH - 12.0;
        // A cell without a word would be no cell.
        let about = if line.description.trim().is_empty() { "–" } else { line.description.as_str() };
        let words = [
            Word::new(&day, LEFT, y).quiet(),
            Word::new(about, LEFT + DATE_WIDTH, y).within(room),
            Word::new(&amount, RIGHT, y).right(),
        ];
        let mut row = TagGroup::new(Tag::TR);
        for word in &words {
            let id = content(surface, faces, word);
            row.push(cell(Tag::TD, id));
        }
        self.body.push(row);
        y + ROW
    }

    fn finish(self) -> TagGroup {
        TagGroup::with_children(Tag::Table, vec![self.head.into(), self.body.into()])
    }
}

fn foot(surface: &mut Surface<'_>, faces: &Faces, sheet: &Sheet<'_>, number: usize, pages: usize) {
    let y = PAGE_HEIGHT - 36.0;
    rule(surface, y - 14.0);
    let by = if sheet.practice { format!("{} · practice money", sheet.by) } else { sheet.by.to_owned() };
    artifact(surface, faces, &Word::new(&by, LEFT, y).quiet().sized(SMALL), ArtifactType::Footer);
    let page = format!("Page {number} of {pages}");
    artifact(surface, faces, &Word::new(&page, RIGHT, y).right().quiet().sized(SMALL), ArtifactType::PageNumber);
}
