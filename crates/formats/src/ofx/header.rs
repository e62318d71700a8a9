//! What stands before `<OFX>`: version, dialect and character set, and how far to believe them.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// How far into a file the beginning of OFX is looked for.
const HEAD_BYTES: usize = 64 << 10;
/// A longer header is none.
const HEADER_MAX: usize = 4 << 10;

/// Whether the bytes look like OFX of any kind, judged by their beginning.
#[must_use]
pub fn looks_like(bytes: &[u8]) -> bool {
    let window = window(bytes);
    find(&window, b"<OFX>").is_some() || find(&window, b"<OFX ").is_some() || find(&window, b"OFXHEADER").is_some()
}

/// The beginning, with wide characters made narrow.
fn window(bytes: &[u8]) -> Cow<'_, [u8]> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    match Encoding::for_bom(bytes) {
        Some((encoding, _)) if encoding != UTF_8 => {
            let (text, _, _) = encoding.decode(head);
            Cow::Owned(text.into_owned().into_bytes())
        }
        _ => Cow::Borrowed(head),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    memchr::memchr2_iter(first, first.to_ascii_lowercase(), haystack)
        .find(|at| haystack[*at..].get(..needle.len()).is_some_and(|part| part.eq_ignore_ascii_case(needle)))
}

pub struct Header {
    version: Option<u32>,
    xml: bool,
    charset: Option<String>,
}

impl Header {
    pub fn of(bytes: &[u8]) -> Self {
        let window = window(bytes);
        let start = window.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(0);
        let end = find(&window, b"<OFX>").unwrap_or(window.len()).min(start + HEADER_MAX).max(start);
        let text = String::from_utf8_lossy(&window[start..end]).to_ascii_uppercase();
        let declared = text.find("<?OFX").map_or(text.as_str(), |at| &text[at..]);
        let version = after(declared, "VERSION").and_then(|digits| digits.parse().ok());
        let named = |key| after(&text, key).filter(|name| *name != "NONE").map(str::to_owned);
        Self { version, xml: text.contains("<?"), charset: named("CHARSET").or_else(|| named("ENCODING")) }
    }

    /// "OFX 1.02 (SGML)".
    pub fn label(&self) -> String {
        let dialect = if self.xml { "XML" } else { "SGML" };
        match self.version {
            Some(version @ 100..=999) => format!("OFX {}.{:02} ({dialect})", version / 100, version % 100),
            _ => format!("OFX ({dialect})"),
        }
    }

    /// UTF-8 where it is valid, whatever the header says: that is how headers are wrong most often. Otherwise the
    /// declared set, and Western European where that is UTF-8 or unknown.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        if let Some((encoding, mark)) = Encoding::for_bom(bytes)
            && encoding != UTF_8
        {
            return encoding.decode_without_bom_handling(&bytes[mark..]).0;
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => return Cow::Borrowed(text),
            // Only its last character is cut.
            Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
                return String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            }
            Err(_) => {}
        }
        match self.encoding() {
            Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
            None => mixed(bytes),
        }
    }

    /// The declared character set; absent where it is UTF-8, which the bytes are not.
    fn encoding(&self) -> Option<&'static Encoding> {
        let name = self.charset.as_deref()?;
        let found = Encoding::for_label(name.as_bytes())
            .or_else(|| Encoding::for_label(format!("windows-{name}").as_bytes()))
            .or_else(|| Encoding::for_label(format!("iso-{name}").as_bytes()));
        // Sixteen bits a character would have shown by its zeros, and "replacement" reads nothing.
        found.filter(|found| *found != UTF_8 && found.is_ascii_compatible())
    }
}

/// The word after `KEY:` or `KEY="`.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.match_indices(key).find_map(|(at, _)| {
        let rest = text[at + key.len()..].trim_start().strip_prefix([':', '='])?;
        let rest = rest.trim_start_matches([' ', '\t', '"', '\'']);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')).unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    })
}

/// Mostly UTF-8 with single bytes of Western European in between, as when a bank joins two systems.
fn mixed(bytes: &[u8]) -> Cow<'_, str> {
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    Cow::Owned(out)
}
