//! Known tags and the text after them, in one pass. Every byte is looked at a bounded number of times, whatever the input.

use memchr::{memchr, memchr_iter, memchr2, memmem};

use super::elements::{Element, NAME_MAX};

/// A tag of a known element and where it stands; its value is read only when it is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    pub element: Element,
    pub closes: bool,
    /// Where its `<` is.
    pub at: usize,
}

/// A value as it stands in the file; entities are resolved when it is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Value<'a> {
    pub text: &'a str,
    /// From a CDATA section: `&` means itself.
    pub literal: bool,
}

pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    counted_to: usize,
    /// Old Macintosh files end lines with CR alone.
    line_break: u8,
    /// No comment ends behind this place, so none is looked for again.
    comments_end: bool,
    /// The same of CDATA sections.
    literals_end: bool,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        let line_break = if memchr(b'\n', text.as_bytes()).is_some() { b'\n' } else { b'\r' };
        Self { text, at: 0, line: 1, counted_to: 0, line_break, comments_end: false, literals_end: false }
    }

    /// The next known tag; other tags, comments, declarations and stray `<` are passed over.
    #[inline]
    pub fn next(&mut self) -> Option<Tag> {
        let bytes = self.text.as_bytes();
        loop {
            // A value ends at the next `<`, so that is mostly where this begins.
            let at = match bytes.get(self.at)? {
                b'<' => self.at,
                _ => self.at + memchr(b'<', &bytes[self.at..])?,
            };
            let inside = at + 1;
            let first = *bytes.get(inside)?;
            if matches!(first, b'!' | b'?') {
                self.pass_markup(inside);
                continue;
            }
            self.at = inside;
            if !first.is_ascii_alphabetic() && first != b'/' {
                continue;
            }
            let closes = first == b'/';
            let start = inside + usize::from(closes);
            let (name, end) = match plain_name(&bytes[start..]) {
                Some(length) => (&bytes[start..start + length], start + length),
                None => {
                    // A second `<` before the `>` makes the first one a lone character.
                    let end = start + memchr2(b'<', b'>', &bytes[start..])?;
                    match name_in(&bytes[start..end]) {
                        Some(name) if bytes[end] == b'>' => (name, end),
                        _ => continue,
                    }
                }
            };
            self.at = end + 1;
            if let Some(element) = Element::of(name) {
                return Some(Tag { element, closes, at });
            }
        }
    }

    /// The text between the tag just given and the next one, a CDATA section unwrapped. Absent when the file ends
    /// before the next tag, since the value may then be cut.
    #[inline]
    pub fn value(&mut self) -> Option<Value<'a>> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut end = start;
        loop {
            end += memchr(b'<', &bytes[end..])?;
            match bytes.get(end + 1) {
                Some(b'!') if bytes[end..].starts_with(b"<![CDATA[") => return self.literal(end + 9),
                Some(b'/' | b'!' | b'?') => break,
                Some(first) if first.is_ascii_alphabetic() => break,
                Some(_) => end += 1,
                None => return None,
            }
        }
        self.at = end;
        Some(Value { text: self.text[start..end].trim_ascii(), literal: false })
    }

    fn literal(&mut self, start: usize) -> Option<Value<'a>> {
        if self.literals_end {
            return None;
        }
        let Some(length) = memmem::find(&self.text.as_bytes()[start..], b"]]>") else {
            self.literals_end = true;
            return None;
        };
        self.at = start + length + 3;
        Some(Value { text: self.text[start..start + length].trim_ascii(), literal: true })
    }

    /// The line, counted from 1, of a place that is not before the last one asked for.
    pub fn line_of(&mut self, at: usize) -> u32 {
        let between = self.text.as_bytes().get(self.counted_to..at).unwrap_or_default();
        let breaks = memchr_iter(self.line_break, between).count();
        self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        self.counted_to = self.counted_to.max(at);
        self.line
    }

    /// Steps over a comment or declaration; what never ends is stepped into instead, so that nothing behind is lost.
    fn pass_markup(&mut self, inside: usize) {
        let rest = &self.text.as_bytes()[inside..];
        let length = if rest.starts_with(b"!--") && !self.comments_end {
            let found = memmem::find(rest, b"-->").map(|end| end + 3);
            self.comments_end = found.is_none();
            found
        } else {
            memchr2(b'<', b'>', rest).map(|end| end + usize::from(rest[end] == b'>'))
        };
        self.at = inside + length.unwrap_or(1);
    }
}

/// The length of a name in capitals that `>` follows at once: nearly every tag.
#[inline]
fn plain_name(bytes: &[u8]) -> Option<usize> {
    let window = &bytes[..bytes.len().min(NAME_MAX + 1)];
    let length = window.iter().position(|b| !(b.is_ascii_uppercase() || b.is_ascii_digit()))?;
    (window[length] == b'>').then_some(length)
}

/// The name in a tag, without attributes and the slash of an empty element.
fn name_in(inner: &[u8]) -> Option<&[u8]> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':');
    let length = inner.iter().position(|b| !is_name(b)).unwrap_or(inner.len());
    let ends = matches!(inner.get(length), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'/'));
    (length > 0 && ends).then(|| &inner[..length])
}
