//! Tables as CSV (RFC 4180), written for people who open them in a spreadsheet.

use csv::{QuoteStyle, Terminator, WriterBuilder};

/// What makes a spreadsheet take a cell for a formula, when the cell begins with it (OWASP ASVS 5.0, 1.2.10).
const FORMULA_STARTS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\0'];

/// A head and rows of as many cells: UTF-8, every cell in quotes, lines ended by CR LF. A cell that a spreadsheet would
/// run gets an apostrophe before it.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut writer = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .flexible(true)
        .from_writer(Vec::new());
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        // Memory takes whatever is written to it.
        let _ = writer.write_record(row.iter().map(|cell| harmless(cell)));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn harmless(cell: &str) -> String {
    if cell.starts_with(FORMULA_STARTS) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells() {
        let rows = vec![vec!["a \"quoted\", name".to_owned(), "two\nlines".to_owned()]];
        assert_eq!(
            table(&["Name", "Note"], &rows),
            "\"Name\",\"Note\"\r\n\"a \"\"quoted\"\", name\",\"two\nlines\"\r\n"
        );
    }

    #[test]
    fn no_cell_is_a_formula() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            let text = table(&["x"], &[vec![bad.to_owned()]]);
            assert!(text.contains(&format!("\"'{bad}\"")), "{text:?}");
        }
        assert!(table(&["x"], &[vec!["3-1".to_owned()]]).contains("\"3-1\""), "inside a cell they are harmless");
    }
}
