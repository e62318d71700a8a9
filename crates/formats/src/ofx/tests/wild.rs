//! What issuers write that no specification allows, or that few readers take.

use domain::accounts::{AccountKind, TransactionKind};

use super::*;
use crate::records::Correction;

#[test]
fn the_character_set_is_found_whatever_the_header_says() {
    let header = |rest: &str| format!("OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\n{rest}\r\n\r\n");
    let name = |bytes: Vec<u8>| only(&read(bytes).expect("reads")).transactions[0].description.clone();
    let utf8 = header("ENCODING:USASCII\r\nCHARSET:1252") + &card_with(&line_with("<NAME>Café Zürich"));
    assert_eq!(name(utf8.clone().into_bytes()), "Café Zürich", "UTF-8 under a 1252 header");
    let mut with_mark = b"\xef\xbb\xbf".to_vec();
    with_mark.extend_from_slice(utf8.as_bytes());
    assert_eq!(name(with_mark), "Café Zürich", "with a byte order mark");

    let latin = |charset: &str| {
        let text = header(charset) + &card_with(&line_with("<NAME>Caf@ Z#rich"));
        text.bytes()
            .map(|b| {
                if b == b'@' {
                    0xe9
                } else if b == b'#' {
                    0xfc
                } else {
                    b
                }
            })
            .collect::<Vec<u8>>()
    };
    for charset in ["ENCODING:USASCII\r\nCHARSET:1252", "CHARSET:ISO-8859-1", "CHARSET:8859-1", "ENCODING:UTF-8", ""] {
        assert_eq!(name(latin(charset)), "Café Zürich", "{charset:?}");
    }
    let cyrillic = header("CHARSET:1251") + &card_with(&line_with("<NAME>@"));
    let cyrillic = cyrillic.bytes().map(|b| if b == b'@' { 0xcf } else { b }).collect();
    assert_eq!(name(cyrillic), "П");

    let mut mixed = (header("ENCODING:UTF-8") + &card_with(&line_with("<NAME>Zürich @"))).into_bytes();
    let at = mixed.iter().position(|b| *b == b'@').expect("there is one");
    mixed[at] = 0xe9;
    assert_eq!(name(mixed), "Zürich é", "a stray byte spoils only itself");
}

#[test]
fn sixteen_bit_text_with_its_mark_reads() {
    let text = card_with(&line_with("<NAME>Café"));
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let file = crate::read_any(&wide, &ReadOptions::default()).expect("reads");
    assert_eq!(only(&file).transactions[0].description, "Café");
}

#[test]
fn headers_of_every_shape_give_the_version() {
    let label = |header: &str| read(format!("{header}<OFX></OFX>")).expect("reads").label;
    assert_eq!(label("OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\n"), "OFX 1.02 (SGML)", "no blank line");
    assert_eq!(label("OFXHEADER:100 DATA:OFXSGML VERSION:151 SECURITY:NONE "), "OFX 1.51 (SGML)", "one line");
    assert_eq!(label("OFXHEADER:100\rDATA:OFXSGML\rVERSION:103\r\r"), "OFX 1.03 (SGML)", "old line ends");
    assert_eq!(label("<?xml version='1.0'?><?OFX OFXHEADER='200' VERSION='220'?>"), "OFX 2.20 (XML)");
    assert_eq!(label("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), "OFX (XML)", "the version of XML is not OFX's");
    assert_eq!(label(""), "OFX (SGML)");
    assert_eq!(label("\n\n\n\t "), "OFX (SGML)");
}

#[test]
fn line_ends_of_every_kind_count_the_same() {
    let text = "OFXHEADER:100\n\n".to_owned() + &card_with(&line_with("").replace('<', "\n<"));
    let at = |text: String| only(&read(text).expect("reads")).transactions[0].line;
    let line = at(text.clone());
    assert!(line > 2);
    assert_eq!(at(text.replace('\n', "\r\n")), line);
    assert_eq!(at(text.replace('\n', "\r")), line);
}

#[test]
fn tags_in_small_letters_and_with_attributes_read() {
    let text = card_with(&line_with("<NAME>Shop")).to_lowercase().replace("<trnamt>", "<trnamt currency=\"x\">");
    let file = read(text).expect("reads");
    let line = &only(&file).transactions[0];
    assert_eq!((line.description.as_str(), line.amount, line.kind), ("shop", usd("-1"), TransactionKind::Purchase));
}

#[test]
fn entities_white_space_and_lone_brackets_are_resolved() {
    let name = |name: &str| {
        let file = read(card_with(&line_with(&format!("<NAME>{name}")))).expect("reads");
        only(&file).transactions[0].description.clone()
    };
    assert_eq!(name("A&amp;B &lt;x&gt; &quot;q&quot; &#233;&#xE9;&apos;"), "A&B <x> \"q\" éé'");
    assert_eq!(
        name("AT&T; a & b &unknown; &#; &#xD800; &#99999999;"),
        "AT&T; a & b &unknown; &#; &#xD800; &#99999999;"
    );
    assert_eq!(name("  A&nbsp;&nbsp;B\t C\r\n D  "), "A B C D");
    assert_eq!(name("a < b <3 c"), "a < b <3 c");
    assert_eq!(name("<![CDATA[ A &amp; <B> ]]>"), "A &amp; <B>");
    assert_eq!(name("good\u{202e}lived\u{200b}"), "goodlived", "text is not turned round");
    assert_eq!(name(&"x".repeat(5_000)).len(), super::super::TEXT_MAX);
    assert_eq!(name("a <!-- <NAME>b --> "), "a");
}

#[test]
fn name_and_memo_become_one_description_without_saying_a_thing_twice() {
    let words = |fields: &str| {
        let file = read(card_with(&line_with(fields))).expect("reads");
        let line = &only(&file).transactions[0];
        (line.description.clone(), line.memo.clone())
    };
    let both = |d: &str, m: Option<&str>| (d.to_owned(), m.map(str::to_owned));
    assert_eq!(words("<NAME>Shop<MEMO>Till 4"), both("Shop", Some("Till 4")));
    assert_eq!(words("<NAME>Shop<MEMO>"), both("Shop", None));
    assert_eq!(words("<NAME><MEMO>Till 4"), both("Till 4", None));
    assert_eq!(words("<NAME>SHOP IN A LONG<MEMO>Shop in a long street"), both("Shop in a long street", None));
    assert_eq!(words("<NAME>Shop in a street<MEMO>Shop"), both("Shop in a street", None));
    assert_eq!(words("<PAYEE><NAME>Shop<ADDR1>x</PAYEE><MEMO>Till"), both("Shop", Some("Till")));
    assert_eq!(words("<CHECKNUM>17"), both("17", None), "something is better than nothing");
    assert_eq!(words(""), both("DEBIT", None));
}

#[test]
fn amounts_with_commas_signs_and_groups_read_exactly() {
    let read_amount = |text: &str| {
        let lines = line_with("").replace("-1.00", text);
        let file = read(card_with(&lines)).expect("reads");
        only(&file).transactions.first().map(|t| t.amount.minor()).ok_or_else(|| file.rejected[0].reason.clone())
    };
    for (text, minor) in [
        ("-12,34", -1_234),
        ("+5.5", 550),
        ("1,234.56", 123_456),
        ("1.234,56", 123_456),
        ("-.07", -7),
        ("7", 700),
        ("1.500", 150),
        (" 3.00 ", 300),
        ("-1,234,567.89", -123_456_789),
        ("0", 0),
        ("90071992547409.91", 9_007_199_254_740_991),
    ] {
        assert_eq!(read_amount(text), Ok(minor), "{text:?}");
    }
    for (text, reason) in [
        ("1.005", "its amount has more than 2 decimals"),
        ("-1,000", "its amount has a comma that may stand for decimals or for thousands"),
        ("90071992547409.92", "its amount is out of range"),
        ("99999999999999999999999999", "its amount is out of range"),
        ("", "it has no amount"),
        ("1e3", "its amount is not a plain decimal number"),
        ("$1.00", "its amount is not a plain decimal number"),
        ("12,34,567.00", "its amount is not a plain decimal number"),
        ("--1.00", "its amount is not a plain decimal number"),
        ("١.٠٠", "its amount is not a plain decimal number"),
    ] {
        assert_eq!(read_amount(text), Err(reason.to_owned()), "{text:?}");
    }
}

#[test]
fn yen_have_no_decimals_and_dinars_three() {
    let first = |currency: &str, amount: &str| {
        let text = card_with(&line_with("")).replace("USD", currency).replace("-1.00", amount);
        let file = read(text).expect("reads");
        only(&file).transactions.first().map(|t| t.amount.minor())
    };
    assert_eq!(first("JPY", "-1200"), Some(-1_200));
    assert_eq!(first("JPY", "-1200.00"), Some(-1_200));
    assert_eq!(first("JPY", "-1200.50"), None);
    assert_eq!(first("KWD", "1.234"), Some(1_234));
    assert_eq!(first("kwd", "1.23"), Some(1_230));
}

#[test]
fn dates_are_the_civil_day_as_written() {
    let date = |text: &str| super::super::fields::date(text);
    for text in [
        "20260105",
        "20260105235959",
        "20260105000000.000[-5:EST]",
        "20260105230000[+13]",
        "20260105093914:014",
        "2026-01-05",
        "2026-01-05T10:00:00",
    ] {
        assert_eq!(date(text), Some(day("2026-01-05")), "{text}");
    }
    for text in
        ["", "2026", "20260230", "20261301", "00000000", "99990101", "0105202", "20é60105", "2026/01/05", "ééééé"]
    {
        assert_eq!(date(text), None, "{text}");
    }
}

#[test]
fn pending_lines_are_told_by_their_list_or_their_code() {
    let pending = "</BANKTRANLIST><BANKTRANLISTP><DTASOF>20260106<STMTTRNP><TRNTYPE>POS<DTTRAN>20260106<TRNAMT>-2.00\
                   <NAME>Fuel</STMTTRNP></BANKTRANLISTP><BANKTRANLIST>";
    let hold = line_with("").replace("DEBIT", "HOLD");
    let file = read(card_with(&(line_with("") + pending + &hold))).expect("reads");
    let found: Vec<_> = only(&file).transactions.iter().map(|t| (t.pending, t.posted_on)).collect();
    assert_eq!(found, [(false, day("2026-01-05")), (true, day("2026-01-06")), (true, day("2026-01-05"))]);
}

#[test]
fn corrections_name_the_line_that_they_correct() {
    let lines = line_with("<CORRECTFITID>7<CORRECTACTION>REPLACE") + &line_with("<CORRECTFITID>8<CORRECTACTION>delete");
    let file = read(card_with(&lines)).expect("reads");
    let corrections: Vec<_> = only(&file).transactions.iter().map(|t| t.corrects.clone()).collect();
    assert_eq!(corrections, [Some(Correction::Replaces("7".to_owned())), Some(Correction::Deletes("8".to_owned()))]);
}

#[test]
fn a_line_in_another_currency_is_rejected_and_one_already_converted_is_kept() {
    let lines = line_with("<CURRENCY><CURRATE>1.1<CURSYM>EUR</CURRENCY>")
        + &line_with("<ORIGCURRENCY><CURRATE>1.1<CURSYM>EUR</ORIGCURRENCY>")
        + &line_with("<CURRENCY><CURRATE>1<CURSYM>USD</CURRENCY>");
    let file = read(card_with(&lines)).expect("reads");
    assert_eq!(only(&file).transactions.len(), 2);
    assert_eq!(file.rejected[0].reason, "its amount is in EUR, the account's currency is USD");
}

#[test]
fn kinds_follow_code_sign_and_account() {
    let kind = |on_card: bool, code: &str, amount: &str, name: &str| {
        let line = line_with(&format!("<NAME>{name}")).replace("DEBIT", code).replace("-1.00", amount);
        let text = card_with(&line);
        let text = if on_card { text } else { text.replace("CCSTMTRS", "STMTRS") };
        only(&read(text).expect("reads")).transactions[0].kind
    };
    assert_eq!(kind(true, "DEBIT", "-1", "Shop"), TransactionKind::Purchase);
    assert_eq!(kind(true, "CREDIT", "1", "Shop"), TransactionKind::Refund);
    assert_eq!(kind(true, "CREDIT", "1", "Payment - thank you"), TransactionKind::Payment);
    assert_eq!(kind(true, "PAYMENT", "1", "x"), TransactionKind::Payment);
    assert_eq!(kind(true, "Fee", "-1", "x"), TransactionKind::Fee);
    assert_eq!(kind(true, "INT", "-1", "x"), TransactionKind::Interest);
    assert_eq!(kind(false, "DEBIT", "-1", "Shop"), TransactionKind::Debit);
    assert_eq!(kind(false, "DIRECTDEP", "1", "Pay"), TransactionKind::Credit);
    assert_eq!(kind(false, "POS", "-1", "Shop"), TransactionKind::Purchase);
    assert_eq!(kind(false, "ATM", "-1", "x"), TransactionKind::Cash);
    assert_eq!(kind(false, "XFER", "-1", "x"), TransactionKind::Transfer);
    assert_eq!(kind(false, "A CODE THAT NO ONE KNOWS AT ALL", "-1", "x"), TransactionKind::Debit);
}

#[test]
fn lines_without_their_end_tag_are_kept() {
    let line = line_with("<NAME>Shop").replace("</STMTTRN>", "");
    let file = read(card_with(&line.repeat(3))).expect("reads");
    assert_eq!((only(&file).transactions.len(), file.rejected.len()), (3, 0));
}

#[test]
fn a_line_outside_of_any_statement_is_rejected() {
    let file = read(format!("<OFX>\n{}</OFX>", line_with("<NAME>Shop"))).expect("reads in part");
    assert_eq!((file.statements.len(), file.rejected[0].line), (0, 2));
    assert_eq!(file.rejected[0].reason, "it stands in no statement, so its account is not known");
}

#[test]
fn figures_of_the_latest_closing_go_to_their_card_with_what_is_owed_positive() {
    let closing = |on: &str, balance: &str, minimum: &str| {
        format!(
            "<CCCLOSING><FITID>c<DTCLOSE>{on}<BALOPEN>0<BALCLOSE>{balance}<DTPMTDUE>20260125<MINPMTDUE>{minimum}\
             <CREDITLIMIT>5000.00</CCCLOSING>"
        )
    };
    let answer = |closings: String| {
        let statement = "<CCSTMTENDTRNRS><CCSTMTENDRS><CURDEF>USD<CCACCTFROM><ACCTID>4111111111111111</CCACCTFROM>";
        let end = "</CCSTMTENDRS></CCSTMTENDTRNRS></CREDITCARDMSGSRSV1>";
        let text = card_with(&line_with("")).replace("</CREDITCARDMSGSRSV1>", &format!("{statement}{closings}{end}"));
        let file = read(text).expect("reads");
        only(&file).issuer.clone().expect("figures")
    };
    let older = closing("20251131", "-9", "9") + &closing("20251130", "-9.00", "9.00");
    let figures = answer(closing("20251231", "-812.40", "25.00") + &older);
    assert_eq!((figures.closed_on, figures.due_on), (day("2025-12-31"), Some(day("2026-01-25"))));
    assert_eq!((figures.statement_balance, figures.minimum_due), (Some(usd("812.40")), Some(usd("25"))));
    assert_eq!(figures.credit_limit, Some(usd("5000")));
    let positive = answer(older + &closing("20251231", "812.40", "25.00"));
    assert_eq!(positive.statement_balance, Some(usd("812.40")), "something must be paid, so it is owed");
    let credit = answer(closing("20251231", "30.00", "0"));
    assert_eq!(credit.statement_balance, Some(usd("-30")), "nothing must be paid, so the sign is the standard's");
}

#[test]
fn figures_without_a_closing_date_are_left_out_with_a_warning() {
    let text = card_with("").replace("</CCSTMTRS>", "<MINPMTDUE>270.00<CREDITLIMIT>15000</CCSTMTRS>");
    let file = read(text).expect("reads");
    assert_eq!(only(&file).issuer, None);
    assert_eq!(file.warnings, ["The card's figures of the statement at line 1 have no closing date."]);
}

#[test]
fn an_unknown_or_missing_currency_refuses_its_statement_and_no_other() {
    let unknown = card_with(&line_with("")).replace("USD", "QQQ");
    assert_eq!(read(&unknown), Err(ReadError::UnknownCurrency { code: "QQQ".to_owned() }));
    let missing = card_with(&line_with("")).replace("USD", "");
    assert_eq!(read(&missing), Err(ReadError::NoCurrency));
    let options = ReadOptions { default_currency: Some(Currency::EUR) };
    let file = super::super::read(missing.as_bytes(), &options).expect("reads");
    assert_eq!(only(&file).account.currency, Currency::EUR);
    assert_eq!(file.warnings, ["A statement names no currency; EUR is used, since it was taken as the default."]);
    assert!(super::super::read(unknown.as_bytes(), &options).is_err(), "an unknown currency is not a missing one");

    let both = unknown.replace("</OFX>", "").replace("QQQ", "QQQ\n") + "\n" + &card_with(&line_with(""));
    let file = read(both).expect("reads in part");
    assert_eq!(only(&file).transactions.len(), 1);
    assert_eq!(file.rejected.len(), 1);
    assert!(file.rejected[0].reason.contains("left out with 1 lines"), "{}", file.rejected[0].reason);
}

#[test]
fn an_error_beside_statements_is_a_warning() {
    let error = "<STMTTRNRS><STATUS><CODE>2003<SEVERITY>ERROR<MESSAGE>No such account</STATUS></STMTTRNRS></OFX>";
    let file = read(card_with(&line_with("")).replace("</OFX>", error)).expect("reads");
    assert_eq!(only(&file).transactions.len(), 1);
    assert_eq!(file.warnings, ["The issuer left a part out, with its error 2003."]);
}

#[test]
fn cash_lines_of_an_investment_account_read_with_a_warning() {
    let text = format!(
        "<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS><CURDEF>USD<INVACCTFROM><BROKERID>b.com<ACCTID>99887766\
         </INVACCTFROM><INVTRANLIST><DTSTART>20260101<DTEND>20260131<BUYSTOCK><INVBUY><INVTRAN><FITID>9<MEMO>x\
         </INVTRAN><TOTAL>-5</INVBUY></BUYSTOCK><INVBANKTRAN>{}<SUBACCTFUND>CASH</INVBANKTRAN></INVTRANLIST>\
         </INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1></OFX>",
        line_with("<NAME>Deposit")
    );
    let file = read(text).expect("reads");
    let account = only(&file);
    assert_eq!((account.account.kind, account.account.bank.as_deref()), (AccountKind::Other, Some("b.com")));
    assert_eq!(account.transactions.len(), 1);
    assert_eq!(file.warnings, ["The file holds investments; only its cash lines are read."]);
}

#[test]
fn an_account_shows_four_characters_of_its_number_and_prints_no_more() {
    let file = read(card_with(&line_with(""))).expect("reads");
    let account = &only(&file).account;
    assert_eq!(account.mask().as_deref(), Some("1111"));
    assert!(!format!("{file:?}").contains("41111"), "the number is in no debug text");
}
