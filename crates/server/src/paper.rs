//! Paper: a PDF that is tagged for screen readers (PDF/UA-1, ISO 14289-1), with fonts embedded and figures aligned. krilla
//! writes the file and checks it against the standard; what is here shapes and measures. What stands on a sheet is its
//! own feature's.

use std::sync::LazyLock;

use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect, Size};
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TagGroup, TagTree};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings, color::rgb};
use rustybuzz::{Face, Feature, UnicodeBuffer, ttf_parser};

static REGULAR: &[u8] = include_bytes!("../assets/fonts/Inter-Regular.otf");
static SEMIBOLD: &[u8] = include_bytes!("../assets/fonts/Inter-SemiBold.otf");

const PAGE_WIDTH: f32 = 595.0;
pub(crate) const PAGE_HEIGHT: f32 = 842.0;
pub(crate) const LEFT: f32 = 48.0;
pub(crate) const RIGHT: f32 = PAGE_WIDTH - 48.0;
pub(crate) const TOP: f32 = 56.0;
pub(crate) const BOTTOM: f32 = PAGE_HEIGHT - 64.0;
const TEXT: f32 = 9.0;
pub(crate) const SMALL: f32 = 8.0;
pub(crate) const TITLE: f32 = 20.0;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PaperError {
    #[error("a font of this build does not read")]
    Font,
    #[error("the page has no size")]
    Page,
    #[error("the file would not be accessible: {0}")]
    Refused(String),
}

/// A document that must turn out accessible.
pub(crate) fn document(title: &str, by: &str, language: &str) -> Result<Document, PaperError> {
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| PaperError::Refused(format!("{error:?}")))?;
    let settings = SerializeSettings { configuration, enable_tagging: true, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let metadata = Metadata::new().title(title.to_owned()).language(language.to_owned());
    document.set_metadata(metadata.authors(vec![by.to_owned()]));
    Ok(document)
}

pub(crate) fn page_settings() -> Result<PageSettings, PaperError> {
    Size::from_wh(PAGE_WIDTH, PAGE_HEIGHT).map(PageSettings::new).ok_or(PaperError::Page)
}

/// The bytes of the file.
pub(crate) fn finish(mut document: Document, title: String, tree: TagTree) -> Result<Vec<u8>, PaperError> {
    let mut outline = Outline::new();
    outline.push_child(OutlineNode::new(title, XyzDestination::new(0, Point::from_xy(LEFT, TOP))));
    document.set_outline(outline);
    document.set_tag_tree(tree);
    document.finish().map_err(|error| PaperError::Refused(format!("{error:?}")))
}

pub(crate) fn faces() -> Result<&'static Faces, PaperError> {
    FACES.as_ref().ok_or(PaperError::Font)
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

pub(crate) struct Faces {
    regular: Typeface,
    bold: Typeface,
}

#[cfg(test)]
impl Faces {
    /// Whether a text stands whole in so much room.
    pub fn fits(&self, text: &str, size: f32, width: f32) -> bool {
        self.bold.width(text, size) <= width && self.regular.width(text, size) <= width
    }
}

static FACES: LazyLock<Option<Faces>> =
    LazyLock::new(|| Some(Faces { regular: Typeface::read(REGULAR)?, bold: Typeface::read(SEMIBOLD)? }));

#[derive(Clone, Copy, PartialEq)]
enum Weight {
    Regular,
    Bold,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A text with its place: the left end, or with `Align::Right` the right one.
pub(crate) struct Word<'a> {
    text: &'a str,
    x: f32,
    y: f32,
    size: f32,
    weight: Weight,
    pub align: Align,
    color: [u8; 3],
    /// At most so wide; longer text is cut short on paper, and read aloud whole.
    within: Option<f32>,
}

const INK: [u8; 3] = [24, 28, 36];
const QUIET: [u8; 3] = [88, 96, 110];
const LINE: [u8; 3] = [214, 218, 226];

impl<'a> Word<'a> {
    pub const fn new(text: &'a str, x: f32, y: f32) -> Self {
        Self { text, x, y, size: TEXT, weight: Weight::Regular, align: Align::Left, color: INK, within: None }
    }

    pub const fn bold(mut self) -> Self {
        self.weight = Weight::Bold;
        self
    }

    pub const fn quiet(mut self) -> Self {
        self.color = QUIET;
        self
    }

    pub const fn sized(mut self, size: f32) -> Self {
        self.size = size;
        self
    }

    pub const fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }

    pub const fn within(mut self, width: f32) -> Self {
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

/// A text in lines of a width, cut between words.
pub(crate) fn wrapped(faces: &Faces, text: &str, size: f32, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let space = faces.regular.width(" ", size);
    let mut used = 0.0;
    for word in text.split_whitespace() {
        let wide = faces.regular.width(&drawable(&faces.regular, word), size);
        match lines.last_mut().filter(|_| used + space + wide <= width) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
                used += space + wide;
            }
            None => {
                lines.push(word.to_owned());
                used = wide;
            }
        }
    }
    lines
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
pub(crate) fn content(surface: &mut Surface<'_>, faces: &Faces, word: &Word<'_>) -> Identifier {
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
pub(crate) fn artifact(surface: &mut Surface<'_>, faces: &Faces, word: &Word<'_>, kind: ArtifactType) {
    let face = if word.weight == Weight::Bold { &faces.bold } else { &faces.regular };
    let drawn = drawable(face, word.text);
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
    draw(surface, faces, word, &drawn);
    surface.end_tagged();
}

pub(crate) fn rule(surface: &mut Surface<'_>, y: f32) {
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

pub(crate) fn cell(tag: impl Into<krilla::tagging::TagKind>, id: Identifier) -> TagGroup {
    TagGroup::with_children(tag, vec![Node::from(id)])
}
