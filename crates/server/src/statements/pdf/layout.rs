//! Pieces of a document from top to bottom: headings, texts and rows of tables. They are put on pages first, so that each
//! page can say how many there are; a table that goes on repeats its head for the eye.

use std::num::NonZeroU16;

use krilla::surface::Surface;
use krilla::tagging::{ArtifactType, TableHeaderScope, Tag, TagGroup, TagTree};

use crate::paper::{
    Align, BOTTOM, Faces, LEFT, PAGE_HEIGHT, PaperError, RIGHT, SMALL, TITLE, TOP, Word, artifact, cell, content,
    document, faces, finish, page_settings, rule, wrapped,
};

const ROW: f32 = 16.5;
const HEAD: f32 = ROW + 4.0;
const HEADING: f32 = 36.0;
const NOTE: f32 = 14.0;
/// Between a table and what follows it.
const GAP: f32 = 14.0;
const WIDTH: f32 = RIGHT - LEFT;

/// One column of a table: where its words begin, or with `Align::Right` where they end.
pub(super) struct Column {
    name: &'static str,
    x: f32,
    align: Align,
    within: Option<f32>,
    quiet: bool,
}

impl Column {
    pub const fn new(name: &'static str, x: f32, align: Align) -> Self {
        Self { name, x, align, within: None, quiet: false }
    }

    /// Longer words are cut short on paper.
    pub const fn within(mut self, width: f32) -> Self {
        self.within = Some(width);
        self
    }

    pub const fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }
}

enum Piece {
    Title {
        word: &'static str,
        whole: String,
    },
    Name(String),
    Period(String),
    Heading(&'static str),
    /// One line each; together they are one paragraph.
    Note(Vec<String>),
    Head(usize),
    Row {
        table: usize,
        cells: Vec<String>,
        strong: bool,
    },
}

impl Piece {
    fn height(&self) -> f32 {
        match self {
            Self::Title { .. } => 22.0,
            Self::Name(_) => 16.0,
            Self::Period(_) => 20.0,
            Self::Heading(_) => HEADING,
            Self::Note(lines) => NOTE * lines.len() as f32,
            Self::Head(_) => HEAD,
            Self::Row { .. } => ROW,
        }
    }

    const fn table(&self) -> Option<usize> {
        match self {
            Self::Head(table) | Self::Row { table, .. } => Some(*table),
            _ => None,
        }
    }
}

/// A document that is being laid out.
pub(super) struct Layout {
    faces: &'static Faces,
    title: String,
    tables: Vec<Vec<Column>>,
    pieces: Vec<Piece>,
}

impl Layout {
    pub fn new(title: &str) -> Result<Self, PaperError> {
        Ok(Self { faces: faces()?, title: title.to_owned(), tables: Vec::new(), pieces: Vec::new() })
    }

    pub fn title(&mut self, word: &'static str, whole: &str) {
        self.pieces.push(Piece::Title { word, whole: whole.to_owned() });
    }

    pub fn name(&mut self, name: String) {
        self.pieces.push(Piece::Name(name));
    }

    pub fn period(&mut self, period: String) {
        self.pieces.push(Piece::Period(period));
    }

    pub fn heading(&mut self, text: &'static str) {
        self.pieces.push(Piece::Heading(text));
    }

    /// A paragraph in small type, over as many lines as it needs.
    pub fn note(&mut self, text: &str) {
        self.pieces.push(Piece::Note(wrapped(self.faces, text, SMALL, WIDTH)));
    }

    pub fn table(&mut self, columns: Vec<Column>) -> usize {
        self.tables.push(columns);
        self.tables.len() - 1
    }

    /// The names of the columns. A table without them has names of rows in its first column.
    pub fn table_head(&mut self, table: usize) {
        self.pieces.push(Piece::Head(table));
    }

    pub fn row<const N: usize>(&mut self, table: usize, cells: [String; N]) {
        self.pieces.push(Piece::Row { table, cells: cells.into(), strong: false });
    }

    pub fn strong_row<const N: usize>(&mut self, table: usize, cells: [String; N]) {
        self.pieces.push(Piece::Row { table, cells: cells.into(), strong: true });
    }

    fn has_head(&self, table: usize) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Head(of) if *of == table))
    }

    /// The pieces of each page with their places. A heading, or the head of a table, is never the last on its page.
    fn pages(&self) -> Vec<Vec<(f32, &Piece)>> {
        let headed: Vec<bool> = (0..self.tables.len()).map(|table| self.has_head(table)).collect();
        let mut pages = vec![Vec::new()];
        let mut y = TOP;
        let mut before: Option<&Piece> = None;
        for piece in &self.pieces {
            let goes_on = before.and_then(Piece::table) == piece.table();
            if before.and_then(Piece::table).is_some() && !goes_on {
                y += GAP;
            }
            let with = match piece {
                Piece::Heading(_) => HEADING + HEAD + ROW,
                Piece::Head(_) => HEAD + ROW,
                other => other.height(),
            };
            // Words stand on their line: what begins above the bottom is on the page.
            if y + with > BOTTOM && before.is_some() {
                pages.push(Vec::new());
                y = TOP;
                if let Piece::Row { table, .. } = piece
                    && headed[*table]
                {
                    y += HEAD;
                }
            }
            if let Some(page) = pages.last_mut() {
                page.push((y, piece));
            }
            y += piece.height();
            before = Some(piece);
        }
        pages
    }

    /// Draws all pages; `by` is the document's author, and `foot` stands at the end of each page.
    pub fn draw(self, by: &str, foot: &str) -> Result<Vec<u8>, PaperError> {
        let mut document = document(&self.title, by, "en")?;
        let pages = self.pages();
        let mut drawn = Drawn { layout: &self, tree: TagTree::new().with_lang(Some("en".to_owned())), open: None };
        let count = pages.len();
        for (at, pieces) in pages.iter().enumerate() {
            let mut page = document.start_page_with(page_settings()?);
            let mut surface = page.surface();
            if let Some((y, Piece::Row { table, .. })) = pieces.first()
                && self.has_head(*table)
            {
                drawn.head_again(&mut surface, *table, y - HEAD);
            }
            for (y, piece) in pieces {
                drawn.piece(&mut surface, *y, piece);
            }
            foot_of(&mut surface, self.faces, foot, at + 1, count);
            surface.finish();
            page.finish();
        }
        drawn.end_table();
        let tree = drawn.tree;
        finish(document, self.title, tree)
    }
}

/// What was drawn so far, for those who have it read to them.
struct Drawn<'a> {
    layout: &'a Layout,
    tree: TagTree,
    /// The table that may go on, its head and its body.
    open: Option<(usize, TagGroup, TagGroup)>,
}

impl Drawn<'_> {
    fn end_table(&mut self) {
        let Some((_, head, body)) = self.open.take() else { return };
        let parts = if head.children.is_empty() { vec![body.into()] } else { vec![head.into(), body.into()] };
        self.tree.push(TagGroup::with_children(Tag::Table, parts));
    }

    fn begin_table(&mut self, table: usize) {
        if self.open.as_ref().is_none_or(|(open, ..)| *open != table) {
            self.end_table();
            self.open = Some((table, TagGroup::new(Tag::THead), TagGroup::new(Tag::TBody)));
        }
    }

    fn piece(&mut self, surface: &mut Surface<'_>, y: f32, piece: &Piece) {
        if piece.table().is_none() {
            self.end_table();
        }
        let faces = self.layout.faces;
        match piece {
            Piece::Title { word, whole } => {
                let id = content(surface, faces, &Word::new(word, LEFT, y).bold().sized(TITLE).within(WIDTH));
                self.tree.push(cell(Tag::Hn(NonZeroU16::MIN, Some(whole.clone())), id));
            }
            Piece::Name(name) => {
                let id = content(surface, faces, &Word::new(name, LEFT, y).bold().sized(11.0).within(WIDTH));
                self.tree.push(cell(Tag::P, id));
            }
            Piece::Period(period) => {
                let id = content(surface, faces, &Word::new(period, LEFT, y).quiet());
                self.tree.push(cell(Tag::P, id));
            }
            Piece::Heading(text) => {
                let id = content(surface, faces, &Word::new(text, LEFT, y + 18.0).bold().sized(11.0));
                let level = NonZeroU16::MIN.saturating_add(1);
                self.tree.push(cell(Tag::Hn(level, Some((*text).to_owned())), id));
            }
            Piece::Note(lines) => {
                let mut paragraph = TagGroup::new(Tag::P);
                for (at, line) in lines.iter().enumerate() {
                    let word = Word::new(line, LEFT, y + NOTE * at as f32).quiet().sized(SMALL).within(WIDTH);
                    paragraph.push(content(surface, faces, &word));
                }
                self.tree.push(paragraph);
            }
            Piece::Head(table) => self.head(surface, *table, y),
            Piece::Row { table, cells, strong } => self.row(surface, y, *table, cells, *strong),
        }
    }

    fn head(&mut self, surface: &mut Surface<'_>, table: usize, y: f32) {
        self.begin_table(table);
        let mut row = TagGroup::new(Tag::TR);
        for column in &self.layout.tables[table] {
            let id = content(surface, self.layout.faces, &name_of(column, y));
            row.push(cell(Tag::TH(TableHeaderScope::Column), id));
        }
        if let Some((_, head, _)) = &mut self.open {
            head.push(row);
        }
        rule(surface, y + 5.0);
    }

    /// On later pages the names of the columns are for the eye alone.
    fn head_again(&self, surface: &mut Surface<'_>, table: usize, y: f32) {
        for column in &self.layout.tables[table] {
            artifact(surface, self.layout.faces, &name_of(column, y), ArtifactType::PaginationOther);
        }
        rule(surface, y + 5.0);
    }

    fn row(&mut self, surface: &mut Surface<'_>, y: f32, table: usize, cells: &[String], strong: bool) {
        self.begin_table(table);
        let Some((_, head, body)) = &mut self.open else { return };
        let names_rows = head.children.is_empty();
        let mut row = TagGroup::new(Tag::TR);
        for (at, (column, text)) in self.layout.tables[table].iter().zip(cells).enumerate() {
            let mut word = Word::new(text, column.x, y);
            word.align = column.align;
            if let Some(width) = column.within {
                word = word.within(width);
            }
            if column.quiet {
                word = word.quiet();
            }
            if strong {
                word = word.bold();
            }
            let id = content(surface, self.layout.faces, &word);
            row.push(if at == 0 && names_rows { cell(Tag::TH(TableHeaderScope::Row), id) } else { cell(Tag::TD, id) });
        }
        body.push(row);
    }
}

fn name_of(column: &Column, y: f32) -> Word<'_> {
    let mut word = Word::new(column.name, column.x, y).bold().sized(SMALL).quiet();
    word.align = column.align;
    word
}

fn foot_of(surface: &mut Surface<'_>, faces: &Faces, by: &str, number: usize, pages: usize) {
    let y = PAGE_HEIGHT - 36.0;
    rule(surface, y - 14.0);
    artifact(surface, faces, &Word::new(by, LEFT, y).quiet().sized(SMALL), ArtifactType::Footer);
    let page = format!("Page {number} of {pages}");
    artifact(surface, faces, &Word::new(&page, RIGHT, y).right().quiet().sized(SMALL), ArtifactType::PageNumber);
}
