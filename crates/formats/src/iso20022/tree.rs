//! A small tree of an XML message: local names, text and lines. No document types, no entities but XML's own, and limits.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Larger messages are not read.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
pub const ELEMENTS_MAX: usize = 2_000_000;
const DEPTH_MAX: usize = 32;

/// Why a message is refused as a whole. Each message says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    #[error("the file is empty; fetch it again")]
    Empty,
    #[error("the file is larger than {} MiB or holds too much; ask the bank for smaller files", BYTES_MAX / 1024 / 1024)]
    TooLarge,
    #[error("line {line}: the file is not whole XML; fetch it again")]
    Broken { line: u32 },
    #[error("line {line}: the file brings a document type, which no bank's message has")]
    DocumentType { line: u32 },
}

#[derive(Debug, Default)]
pub(super) struct Node {
    pub name: String,
    pub line: u32,
    pub text: String,
    /// The one attribute that is needed: the currency of an amount.
    pub currency: Option<String>,
    pub children: Vec<Self>,
}

impl Node {
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element at this path.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |node, name| node.children.iter().find(|child| child.name == name))
    }

    pub fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path).map(|node| node.text.trim()).filter(|text| !text.is_empty())
    }
}

/// The root element.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, TreeError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(TreeError::Empty);
    }
    if bytes.len() > BYTES_MAX {
        return Err(TreeError::TooLarge);
    }
    let line_of = |at: usize| {
        u32::try_from(1 + memchr::memchr_iter(b'\n', &bytes[..at.min(bytes.len())]).count()).unwrap_or(u32::MAX)
    };
    let text = std::str::from_utf8(bytes).map_err(|error| TreeError::Broken { line: line_of(error.valid_up_to()) })?;
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::from_str(text);
    let (mut line, mut counted_to) = (1_u32, 0);
    let mut open: Vec<Node> = vec![Node::default()];
    let mut elements = 0;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(text.len()).min(text.len());
        line += u32::try_from(memchr::memchr_iter(b'\n', &text.as_bytes()[counted_to..at]).count()).unwrap_or(0);
        counted_to = at;
        let broken = TreeError::Broken { line };
        match reader.read_event().map_err(|_| broken)? {
            Event::Start(start) => {
                elements += 1;
                if elements > ELEMENTS_MAX || open.len() > DEPTH_MAX {
                    return Err(TreeError::TooLarge);
                }
                open.push(node(&start, line, broken)?);
            }
            Event::Empty(start) => {
                elements += 1;
                if elements > ELEMENTS_MAX {
                    return Err(TreeError::TooLarge);
                }
                let node = node(&start, line, broken)?;
                open.last_mut().ok_or(broken)?.children.push(node);
            }
            Event::End(_) => {
                let done = open.pop().ok_or(broken)?;
                open.last_mut().ok_or(broken)?.children.push(done);
            }
            Event::Text(part) => open.last_mut().ok_or(broken)?.text.push_str(&part),
            Event::CData(part) => open.last_mut().ok_or(broken)?.text.push_str(&part),
            Event::GeneralRef(name) => {
                let plain = match name.resolve_char_ref().map_err(|_| broken)? {
                    Some(c) => c,
                    None => match &*name {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "apos" => '\'',
                        "quot" => '"',
                        _ => return Err(broken),
                    },
                };
                open.last_mut().ok_or(broken)?.text.push(plain);
            }
            Event::DocType(_) => return Err(TreeError::DocumentType { line }),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => {
                let whole = open.len() == 1;
                let mut roots = open.pop().ok_or(broken)?.children;
                return if whole && roots.len() == 1 { roots.pop().ok_or(broken) } else { Err(broken) };
            }
        }
    }
}

fn node(start: &BytesStart<'_>, line: u32, broken: TreeError) -> Result<Node, TreeError> {
    let mut currency = None;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| broken)?;
        if attribute.key.local_name().into_inner() == "Ccy" {
            currency = Some(attribute.value.into_owned());
        }
    }
    let name = start.local_name().into_inner().to_owned();
    Ok(Node { name, line, currency, ..Node::default() })
}
