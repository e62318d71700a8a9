//! Broken, cut and hostile files: an answer every time, soon, and nothing lost without a word.

use std::time::{Duration, Instant};

use domain::accounts::AccountKind;
use proptest::prelude::*;

use super::made::statement;
use super::*;
use crate::ofx::{BYTES_MAX, Dialect, REJECTED_MAX, write};

fn small(dialect: Dialect) -> Vec<u8> {
    let statements = [statement(AccountKind::Checking, 4, 5), statement(AccountKind::Card, 4, 6)];
    write(&statements, dialect, day("2026-11-20").at(22, 0, 0, 0))
}

#[test]
fn a_file_cut_at_any_byte_keeps_its_whole_lines_and_says_that_it_is_cut() {
    for dialect in [Dialect::Sgml, Dialect::Xml] {
        let bytes = small(dialect);
        let whole = read(&bytes).expect("reads");
        let whole: Vec<_> = whole.statements.iter().flat_map(|s| s.transactions.iter().cloned()).collect();
        for cut in 0..bytes.len() - "</OFX>\r\n".len() + 1 {
            let count = |tag: &[u8]| memchr::memmem::find_iter(&bytes[..cut], tag).count();
            let begun = count(b"<STMTTRN>") + count(b"<STMTTRNP>");
            let complete = count(b"</STMTTRN>") + count(b"</STMTTRNP>");
            match read(&bytes[..cut]) {
                Ok(file) => {
                    assert!(file.warnings.iter().any(|w| w.starts_with("The file is cut")), "{dialect:?} at {cut}");
                    let lines: Vec<_> = file.statements.iter().flat_map(|s| s.transactions.iter().cloned()).collect();
                    assert_eq!(lines, whole[..complete], "{dialect:?} at {cut}");
                    assert_eq!(file.rejected.len(), begun - complete, "{dialect:?} at {cut}");
                }
                Err(error) => {
                    assert_eq!(complete, 0, "{dialect:?} at {cut}");
                    let expected = matches!(error, ReadError::Truncated | ReadError::UnknownFormat | ReadError::Empty);
                    assert!(expected, "{dialect:?} at {cut}: {error:?}");
                }
            }
        }
    }
}

#[test]
fn a_list_that_is_cut_does_not_cover_the_days_that_it_was_to_cover() {
    let bytes = small(Dialect::Sgml);
    let at = memchr::memmem::find(&bytes, b"</BANKTRANLIST>").expect("is there");
    let cut = read(&bytes[..at]).expect("reads in part");
    assert_eq!(cut.statements[0].starts_on, None);
    let whole = read(&bytes).expect("reads");
    assert!(whole.statements.iter().all(|statement| statement.starts_on.is_some()));
}

#[test]
fn no_figure_is_taken_from_a_value_that_is_cut() {
    let text = card_with(&line_with(""));
    let with_balance =
        text.replace("</CCSTMTRS>", "<LEDGERBAL><BALAMT>-1234.56<DTASOF>20260131</LEDGERBAL></CCSTMTRS>");
    let cut = with_balance.find("34.56").expect("is there");
    let file = read(&with_balance[..cut]).expect("reads in part");
    assert_eq!(only(&file).ledger_balance, None);
}

#[test]
fn what_is_no_ofx_is_refused_with_what_to_do() {
    let read_any = |bytes: &[u8]| crate::read_any(bytes, &ReadOptions::default());
    assert_eq!(read_any(b""), Err(ReadError::Empty));
    assert_eq!(read_any(b" \r\n\t"), Err(ReadError::Empty));
    assert_eq!(read(b" \r\n"), Err(ReadError::Empty));
    for bytes in [
        &b"Date,Amount,Payee\n2026-01-05,-1.00,Shop\n"[..],
        b"<!DOCTYPE html><html><body>Please sign in</body></html>",
        b"%PDF-1.7 binary \xff\xfe\x00",
        b"PK\x03\x04",
        &[0; 1_000],
        &[0xff; 1_000],
    ] {
        assert_eq!(read_any(bytes), Err(ReadError::UnknownFormat));
        assert_eq!(read(bytes), Err(ReadError::UnknownFormat));
    }
    assert!(ReadError::UnknownFormat.to_string().contains("export it as OFX or QFX"));
}

/// Far above what a debug build takes for two MiB in a straight line, far below what it takes in a square.
const SOON: Duration = Duration::from_secs(10);
const TRIES: usize = 3;

#[test]
fn large_garbage_is_answered_soon() {
    let repeated = |unit: &str| {
        let count = (2 << 20) / unit.len();
        format!("<OFX>{}{}", card_with("").replace("</OFX>", ""), unit.repeat(count))
    };
    for unit in [
        "<",
        "<a",
        "<A>",
        "<A><B>x</B>",
        "</A>",
        "< ",
        "<!",
        "<!-- ",
        "<![CDATA[",
        "<NAME><![CDATA[",
        "&",
        "<NAME>&amp;",
        "<?",
        "<STMTTRN",
        "<STMTTRN>",
        "<STMTRS>",
        "<CCCLOSING>",
        "<STATUS><SEVERITY>ERROR<MESSAGE>x",
        "<NAME>< < <",
        "\u{202e}",
        "é<",
        "\n",
        "</STMTTRN><STMTTRN><DTPOSTED>20260101<TRNAMT>1",
    ] {
        let text = repeated(unit);
        // A machine that is busy with something else gets another try.
        let answer = (0..TRIES).find_map(|_| {
            let start = Instant::now();
            let answer = read(&text);
            (start.elapsed() < SOON).then_some(answer)
        });
        let Some(answer) = answer else { panic!("{unit:?} took longer than {SOON:?} each time") };
        if let Ok(file) = answer {
            assert!(file.rejected.len() <= REJECTED_MAX, "{unit:?}");
            assert!(file.warnings.len() <= crate::ofx::WARNINGS_MAX + 2, "{unit:?}");
            assert!(file.statements.len() <= crate::ofx::STATEMENTS_MAX, "{unit:?}");
        }
    }
}

#[test]
fn a_file_beyond_the_limit_is_refused_before_it_is_read() {
    let bytes = vec![b'<'; BYTES_MAX + 1];
    assert_eq!(read(&bytes), Err(ReadError::TooLarge { limit_mib: 256 }));
}

#[test]
fn more_rejected_lines_than_a_report_names_are_counted() {
    let file = read(card_with(&"<STMTTRN><TRNAMT>x</STMTTRN>".repeat(REJECTED_MAX + 5))).expect("reads in part");
    assert_eq!(file.rejected.len(), REJECTED_MAX);
    assert_eq!(file.warnings, ["5 more lines were rejected."]);
}

/// Bytes that lead a reader somewhere, more often than chance would.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "<OFX>",
        "</OFX>",
        "<STMTRS>",
        "</STMTRS>",
        "<CCSTMTRS>",
        "<CURDEF>",
        "USD",
        "<STMTTRN>",
        "</STMTTRN>",
        "<TRNAMT>",
        "-1.00",
        "<DTPOSTED>",
        "20260105",
        "<NAME>",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "&#",
        "<!--",
        "-->",
        "<?",
        "<",
        ">",
        "/",
        "é",
        "\r\n",
        " ",
        "<LEDGERBAL>",
        "<BALAMT>",
        "<STATUS>",
        "<CCCLOSING>",
        "<DTCLOSE>",
        "OFXHEADER:100",
        "CHARSET:",
    ];
    prop_oneof![
        4 => prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

/// Whatever was read can be written, and all of it reads again.
fn writes_again(file: &ImportedFile) {
    let taken = |file: &ImportedFile| file.statements.iter().map(|s| s.transactions.len()).sum::<usize>();
    for dialect in [Dialect::Sgml, Dialect::Xml] {
        let again = read(write(&file.statements, dialect, day("2026-11-20").at(12, 0, 0, 0))).expect("reads");
        assert_eq!((again.rejected.len(), taken(&again)), (0, taken(file)), "{dialect:?}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = crate::read_any(&bytes, &ReadOptions::default());
        let _ = read([b"<OFX>", bytes.as_slice()].concat());
    }

    #[test]
    fn random_pieces_of_ofx_never_panic(pieces in prop::collection::vec(piece(), 0..120)) {
        if let Ok(file) = read([b"<OFX>".to_vec(), pieces.concat()].concat()) {
            writes_again(&file);
        }
    }

    #[test]
    fn a_changed_file_never_panics_and_still_balances_its_count(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = small(Dialect::Sgml);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read(&bytes[..cut.index(bytes.len())]);
        if let Ok(file) = read(&bytes) {
            let taken: usize = file.statements.iter().map(|s| s.transactions.len()).sum();
            writes_again(&file);
            prop_assert!(taken + file.rejected.len() <= 8 + 2, "no line is made out of nothing");
        }
    }
}
