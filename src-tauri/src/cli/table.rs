//! Plain tables for people: columns line up, amounts stand right.

/// Rows under their heads. Heads that begin with `>` are right-aligned. Without rows it says that there are none.
#[must_use]
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return "None.\n".to_owned();
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(heads[column].trim_start_matches('>').chars().count())
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate().take(heads.len()) {
            let space = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            let gap = if column == 0 { "" } else { "  " };
            text += gap;
            text += &if heads[column].starts_with('>') { space + cell } else { cell.clone() + &space };
        }
        text.trim_end().to_owned() + "\n"
    };
    let named: Vec<String> = heads.iter().map(|head| head.trim_start_matches('>').to_owned()).collect();
    rows.iter().fold(line(&named), |text, row| text + &line(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_stand_right_and_nothing_trails() {
        let rows = vec![vec!["Rent".into(), "950.00 USD".into()], vec!["Käse".into(), "1.00 USD".into()]];
        assert_eq!(table(&["Name", ">Amount"], &rows), "Name      Amount\nRent  950.00 USD\nKäse    1.00 USD\n");
        assert_eq!(table(&["Name", ">Amount"], &[]), "None.\n");
    }
}
