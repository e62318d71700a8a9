//! A statement as a PDF: tagged for screen readers (PDF/UA-1, ISO 14289-1), fonts embedded, figures aligned.
//! krilla writes the file and checks it against the standard; what is here shapes, measures and breaks pages.

use std::num::NonZeroU16;
use std::sync::LazyLock;

use domain::accounts::{Account, AccountKind, Transaction};
use domain::money::Money;
use domain::statements::Statement;
use jiff::civil::Date;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect, Size};
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TableHeaderScope, Tag, TagGroup, TagTree,
};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings, color::rgb};
use rustybuzz::{Face, Feature, UnicodeBuffer, ttf_parser};

static REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.otf");
static SEMIBOLD: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");

const PAGE_WIDTH: f32 = 595.0;
const PAGE_HEIGHT: f32 = 842.0;
const LEFT: f32 = 48.0;
const RIGHT: f32 = PAGE_WIDTH - 48.0;
const TOP: f32 = 56.0;
const BOTTOM: f32 = PAGE_HEIGHT - 64.0;
const ROW: f32 = 16.5;
const DATE_WIDTH: f32 = 84.0;
const AMOUNT_WIDTH: f32 = 96.0;
const TEXT: f32 = 9.0;
const SMALL: f32 = 8.0;
const TITLE: f32 = 20.0;

#[derive(Debug, thiserror::Error)]
pub(super) enum PdfError {
    #[error("a font of this build does not read")]
    Font,
    #[error("the page has no size")]
    Page,
    #[error("the file would not be accessible: {0}")]
    Refused(String),
}

/// What stands on a statement.
pub(super) struct Sheet<'a> {
    pub account: &'a Account,
    pub statement: &'a Statement,
    /// Who made it: the server's name.
    pub by: &'a str,
    /// Practice money: it says so on every page.
    pub practice: bool,
}

/// One weight of the typeface, for drawing and for measuring.
struct Typeface {
    font: Font,
    face: Face<'static>,
}

impl Typeface {
    fn read(bytes: &'static [u8]) -> Option<Self> {
        let font = Font::new(bytes.into(), 0)?;
        Some(Self { font, face: Face::from_slice(bytes, 0)? })
    }

    fn has(&self, character: char) -> bool {
        self.face.glyph_index(character).is_some_and(|glyph| glyph.0 != 0)
    }

    /// Glyphs with figures of one width; advances are in ems.
    fn shape(&self, text: &str) -> Vec<KrillaGlyph> {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(rustybuzz::Direction::LeftToRight);
        let tabular = Feature::new(ttf_parser::Tag::from_bytes(b"tnum"), 1, ..);
        let shaped = rustybuzz::shape(&self.face, &[tabular], buffer);
        let em = self.font.units_per_em();
        let infos = shaped.glyph_infos();
        let units = |value: i32| value as f32 / em;
        shaped
            .glyph_positions()
            .iter()
            .enumerate()
            .map(|(at, position)| {
                let start = infos[at].cluster as usize;
                let later = infos[at + 1..].iter().map(|info| info.cluster as usize).find(|next| *next > start);
                KrillaGlyph::new(
                    GlyphId::new(infos[at].glyph_id),
                    units(position.x_advance),
                    units(position.x_offset),
                    units(position.y_offset),
                    units(position.y_advance),
                    start..later.unwrap_or(text.len()),
                    None,
                )
            })
            .collect()
    }

    fn width(&self, text: &str, size: f32) -> f32 {
        self.shape(text).iter().map(|glyph| glyph.x_advance * size).sum()
    }
}

struct Faces {
    regular: Typeface,
    bold: Typeface,
}

static FACES: LazyLock<Option<Faces>> =
    LazyLock::new(|| Some(Faces { regular: Typeface::read(REGULAR)?, bold: Typeface::read(SEMIBOLD)? }));

#[derive(Clone, Copy, PartialEq)]
enum Weight {
    Regular,
    Bold,
}

#[derive(Clone, Copy, PartialEq)]
enum Align {
    Left,
    Right,
}

/// A text with its place: the left end, or with `Align::Right` the right one.
struct Word<'a> {
    text: &'a str,
    x: f32,
    y: f32,
    size: f32,
    weight: Weight,
    align: Align,
    color: [u8; 3],
    /// At most so wide; longer text is cut short on paper, and read aloud whole.
    within: Option<f32>,
}

const INK: [u8; 3] = [24, 28, 36];
const QUIET: [u8; 3] = [88, 96, 110];
const LINE: [u8; 3] = [214, 218, 226];

impl<'a> Word<'a> {
    const fn new(text: &'a str, x: f32, y: f32) -> Self {
        Self { text, x, y, size: TEXT, weight: Weight::Regular, align: Align::Left, color: INK, within: None }
    }

    const fn bold(mut self) -> Self {
        self.weight = Weight::Bold;
        self
    }

    const fn quiet(mut self) -> Self {
        self.color = QUIET;
        self
    }

    const fn sized(mut self, size: f32) -> Self {
        self.size = size;
        self
    }

    const fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }

    const fn within(mut self, width: f32) -> Self {
        self.within = Some(width);
        self
    }
}

fn fill([red, green, blue]: [u8; 3]) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

/// Characters that the typeface lacks would make the file unreadable aloud: they are drawn as a question mark.
fn drawable(face: &Typeface, text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                ' '
            } else if face.has(c) {
                c
            } else {
                '?'
            }
        })
        .collect()
}

fn shortened(face: &Typeface, text: String, size: f32, width: f32) -> String {
    if face.width(&text, size) <= width {
        return text;
    }
    let mut kept: Vec<char> = text.chars().collect();
    // Halving finds the longest that fits in a few steps.
    let (mut fits, mut too_long) = (0, kept.len());
    while too_long - fits > 1 {
        let middle = usize::midpoint(fits, too_long);
        let trial: String = kept[..middle].iter().chain(['…'].iter()).collect();
        if face.width(&trial, size) <= width { fits = middle } else { too_long = middle }
    }
    kept.truncate(fits);
    kept.push('…');
    kept.into_iter().collect()
}

fn draw(surface: &mut Surface<'_>, faces: &Faces, word: &Word<'_>, drawn: &str) {
    let face = if word.weight == Weight::Bold { &faces.bold } else { &faces.regular };
    let glyphs = face.shape(drawn);
    let width: f32 = glyphs.iter().map(|glyph| glyph.x_advance * word.size).sum();
    let x = if word.align == Align::Right { word.x - width } else { word.x };
    surface.set_fill(Some(fill(word.color)));
    surface.draw_glyphs(Point::from_xy(x, word.y), &glyphs, face.font.clone(), drawn, word.size, false);
}

/// Draws a word as content and gives its place in the tag tree.
fn content(surface: &mut Surface<'_>, faces: &Faces, word: &Word<'_>) -> Identifier {
    let face = if word.weight == Weight::Bold { &faces.bold } else { &faces.regular };
    let mut drawn = drawable(face, word.text);
    if let Some(width) = word.within {
        drawn = shortened(face, drawn, word.size, width);
    }
    let whole = (drawn != word.text).then_some(word.text);
    let id = surface.start_tagged(ContentTag::Span(SpanTag::empty().with_actual_text(whole)));
    draw(surface, faces, word, &drawn);
    surface.end_tagged();
    id
}

/// Draws a word that is not read aloud: a repeated head, a page number.
fn artifact(surface: &mut Surface<'_>, faces: &Faces, word: &Word<'_>, kind: ArtifactType) {
    let face = if word.weight == Weight::Bold { &faces.bold } else { &faces.regular };
    let drawn = drawable(face, word.text);
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
    draw(surface, faces, word, &drawn);
    surface.end_tagged();
}

fn rule(surface: &mut Surface<'_>, y: f32) {
    let mut path = PathBuilder::new();
    if let Some(line) = Rect::from_xywh(LEFT, y, RIGHT - LEFT, 0.6) {
        path.push_rect(line);
    }
    let Some(path) = path.finish() else { return };
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
    surface.set_fill(Some(fill(LINE)));
    surface.draw_path(&path);
    surface.end_tagged();
}

fn cell(tag: impl Into<krilla::tagging::TagKind>, id: Identifier) -> TagGroup {
    TagGroup::with_children(tag, vec![Node::from(id)])
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
pub(super) fn render(sheet: &Sheet<'_>) -> Result<Vec<u8>, PdfError> {
    let faces = FACES.as_ref().ok_or(PdfError::Font)?;
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| PdfError::Refused(format!("{error:?}")))?;
    let settings = SerializeSettings { configuration, enable_tagging: true, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let title = title(sheet);
    document.set_metadata(
        Metadata::new().title(title.clone()).language("en".to_owned()).authors(vec![sheet.by.to_owned()]),
    );
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
    let mut outline = Outline::new();
    outline.push_child(OutlineNode::new(title, XyzDestination::new(0, Point::from_xy(LEFT, TOP))));
    document.set_outline(outline);
    document.set_tag_tree(tree);
    document.finish().map_err(|error| PdfError::Refused(format!("{error:?}")))
}

fn title(sheet: &Sheet<'_>) -> String {
    format!("Statement of {}, {}", sheet.account.name, day_words(sheet.statement.summary.closed_on))
}

fn page_settings() -> Result<PageSettings, PdfError> {
    Size::from_wh(PAGE_WIDTH, PAGE_HEIGHT).map(PageSettings::new).ok_or(PdfError::Page)
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
) -> Result<f32, PdfError> {
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
