//! Text for bank files that know Latin letters alone: every writing is spelt in them, and what is left over is a space.

use deunicode::deunicode;

/// The text in ASCII, of allowed characters alone, in at most so many of them. Never two spaces in a row.
pub(crate) fn spelt(text: &str, allowed: fn(char) -> bool, chars_max: usize) -> String {
    let ascii = deunicode(text);
    let kept: String = ascii.chars().map(|c| if allowed(c) { c } else { ' ' }).collect();
    let mut out = String::with_capacity(kept.len());
    for word in kept.split_ascii_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.truncate(chars_max);
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_writing_is_spelt_in_latin_letters() {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ';
        assert_eq!(spelt("Zoë Müller-Łódź", plain, 40), "Zoe Muller Lodz");
        assert_eq!(spelt("Стоимость", plain, 40), "Stoimost");
        assert_eq!(spelt("  a\u{0}\n\tb  ", plain, 40), "a b");
        assert_eq!(spelt("Strasse 12 rear", plain, 11), "Strasse 12", "no space at the cut");
        assert_eq!(spelt("", plain, 5), "");
    }
}
