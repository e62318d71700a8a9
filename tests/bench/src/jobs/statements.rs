//! P16: a statement of forty lines as a tagged PDF, against the plainest program that writes the same lines with the same
//! library, and against two well-known tools where they are installed; and a thousand of them on two threads against one.

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{Point, Size};
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::surface::Surface;
use krilla::tagging::{ContentTag, Node, SpanTag, TableHeaderScope, Tag, TagGroup, TagTree};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};
use rustybuzz::{Face, UnicodeBuffer};
use server::testing::SampleStatement;

use crate::pairs::{Work, compare, timed, verdict};

static FONT: &[u8] = include_bytes!("../../../../crates/server/assets/fonts/Inter-Regular.otf");

const LINES: usize = 40;
const RUNS: usize = 40;
const MANY: usize = 1_000;

pub fn run() -> Result<(), String> {
    let sample = SampleStatement::new(LINES);
    let prototype = Prototype::new()?;
    compare(
        "time of a statement / of the bare prototype",
        1.0,
        Box::new(|| timed(|| runs(|| sample.draw()))),
        Box::new(|| timed(|| runs(|| prototype.draw(&sample.words())))),
    )?;
    threads(&Arc::new(sample))?;
    peer("reportlab, untagged", 1.0, REPORTLAB)?;
    peer("WeasyPrint", 1.0 / 15.0, WEASYPRINT)
}

/// Every run writes something that is a PDF.
fn runs(draw: impl Fn() -> Result<Vec<u8>, String>) -> Result<Work, String> {
    let mut count = 0;
    for _ in 0..RUNS {
        let bytes = black_box(draw()?);
        count += u64::from(bytes.starts_with(b"%PDF"));
    }
    Ok(Work { count, sum: 0 })
}

fn threads(sample: &Arc<SampleStatement>) -> Result<(), String> {
    let many = |threads: usize| -> Result<Duration, String> {
        let began = Instant::now();
        let work = |sample: Arc<SampleStatement>| move || (0..MANY / threads).try_for_each(|_| sample.draw().map(drop));
        let all: Vec<_> = (0..threads).map(|_| std::thread::spawn(work(Arc::clone(sample)))).collect();
        for one in all {
            one.join().map_err(|_| "a thread ended early".to_owned())??;
        }
        Ok(began.elapsed())
    };
    many(1)?;
    let mut ratios = Vec::new();
    for _ in 0..3 {
        ratios.push(many(2)?.as_secs_f64() / many(1)?.as_secs_f64());
    }
    // At least 1.8 times as many.
    verdict("time of a thousand on two threads / on one", 1.0 / 1.8, &mut ratios);
    Ok(())
}

/// A peer measures itself, so that its own start does not count, and prints its seconds a run.
fn peer(name: &str, goal: f64, program: &str) -> Result<(), String> {
    let mut command = Command::new("python3");
    command.args(["-c", program, &LINES.to_string(), &RUNS.to_string()]).stdin(Stdio::null()).stderr(Stdio::null());
    let answer = command.output().ok().filter(|answer| answer.status.success());
    let Some(theirs) = answer.and_then(|answer| String::from_utf8_lossy(&answer.stdout).trim().parse::<f64>().ok())
    else {
        println!("  SKIPPED: {name} is not here");
        return Ok(());
    };
    let sample = SampleStatement::new(LINES);
    let (ours, _) = timed(|| runs(|| sample.draw()))?;
    verdict(&format!("time of a statement / of {name}"), goal, &mut [ours.as_secs_f64() / RUNS as f64 / theirs]);
    Ok(())
}

const REPORTLAB: &str = r#"
import io, sys, time
from reportlab.platypus import SimpleDocTemplate, Table
lines, runs = int(sys.argv[1]), int(sys.argv[2])
rows = [["Date", "Description", "Amount"]] + [["2 Mar 2027", f"Quillmere Market {n}", "12.40 USD"] for n in range(lines)]
def draw():
    SimpleDocTemplate(io.BytesIO()).build([Table(rows, repeatRows=1)])
draw()
began = time.perf_counter()
for _ in range(runs): draw()
print((time.perf_counter() - began) / runs)
"#;

const WEASYPRINT: &str = r#"
import sys, time
from weasyprint import HTML
lines, runs = int(sys.argv[1]), int(sys.argv[2])
rows = "".join(f"<tr><td>2 Mar 2027<td>Quillmere Market {n}<td>12.40 USD" for n in range(lines))
page = f"<html lang=en><title>Statement</title><h1>Statement</h1><table><tr><th>Date<th>Description<th>Amount{rows}</table>"
draw = lambda: HTML(string=page).write_pdf(pdf_variant="pdf/ua-1")
draw()
began = time.perf_counter()
for _ in range(runs): draw()
print((time.perf_counter() - began) / runs)
"#;

/// The least that writes rows of three words, tagged and in one typeface, onto as many pages as they need.
struct Prototype {
    font: Font,
    face: Face<'static>,
}

const LEFT: f32 = 48.0;
const COLUMNS: [f32; 3] = [LEFT, 132.0, 460.0];
const TOP: f32 = 56.0;
const BOTTOM: f32 = 778.0;
const ROW: f32 = 16.5;

impl Prototype {
    fn new() -> Result<Self, String> {
        let font = Font::new(FONT.into(), 0).ok_or("the font does not read")?;
        let face = Face::from_slice(FONT, 0).ok_or("the font does not read")?;
        Ok(Self { font, face })
    }

    fn draw(&self, rows: &[[String; 3]]) -> Result<Vec<u8>, String> {
        let configuration = ConfigurationBuilder::new().with_accessibility_validator(Accessibility::UA1).finish();
        let configuration = configuration.map_err(|error| format!("{error:?}"))?;
        let mut document = Document::new_with(SerializeSettings {
            configuration,
            enable_tagging: true,
            ..SerializeSettings::default()
        });
        document.set_metadata(Metadata::new().title("Statement".to_owned()).language("en".to_owned()));
        let mut body = TagGroup::new(Tag::TBody);
        let on_a_page = ((BOTTOM - TOP) / ROW) as usize;
        for rows in rows.chunks(on_a_page) {
            let size = Size::from_wh(595.0, 842.0).ok_or("the page has no size")?;
            let mut page = document.start_page_with(PageSettings::new(size));
            let mut surface = page.surface();
            for (at, row) in rows.iter().enumerate() {
                body.push(self.row(&mut surface, TOP + ROW * at as f32, row));
            }
            surface.finish();
            page.finish();
        }
        let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
        tree.push(TagGroup::with_children(Tag::Table, vec![body.into()]));
        let mut outline = Outline::new();
        let first = XyzDestination::new(0, Point::from_xy(LEFT, TOP));
        outline.push_child(OutlineNode::new("Statement".to_owned(), first));
        document.set_outline(outline);
        document.set_tag_tree(tree);
        document.finish().map_err(|error| format!("{error:?}"))
    }

    fn row(&self, surface: &mut Surface<'_>, y: f32, words: &[String; 3]) -> TagGroup {
        let mut row = TagGroup::new(Tag::TR);
        for (at, (word, x)) in words.iter().zip(COLUMNS).enumerate() {
            let id = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
            surface.draw_glyphs(Point::from_xy(x, y), &self.shape(word), self.font.clone(), word, 9.0, false);
            surface.end_tagged();
            let node = vec![Node::from(id)];
            row.push(match at {
                0 => TagGroup::with_children(Tag::TH(TableHeaderScope::Row), node),
                _ => TagGroup::with_children(Tag::TD, node),
            });
        }
        row
    }

    fn shape(&self, text: &str) -> Vec<KrillaGlyph> {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        let shaped = rustybuzz::shape(&self.face, &[], buffer);
        let em = self.font.units_per_em();
        let starts: Vec<usize> = shaped.glyph_infos().iter().map(|info| info.cluster as usize).collect();
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions()).enumerate();
        glyphs
            .map(|(at, (info, place))| {
                let end = starts[at + 1..].iter().find(|next| **next > starts[at]).copied().unwrap_or(text.len());
                let units = |value: i32| value as f32 / em;
                KrillaGlyph::new(
                    GlyphId::new(info.glyph_id),
                    units(place.x_advance),
                    units(place.x_offset),
                    units(place.y_offset),
                    units(place.y_advance),
                    starts[at]..end,
                    None,
                )
            })
            .collect()
    }
}
