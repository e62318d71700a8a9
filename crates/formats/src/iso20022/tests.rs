use domain::money::Currency;
use jiff::civil::date;
use proptest::prelude::*;

use super::tree::TreeError;
use super::*;

const IBAN: &str = "DE89370400440532013000";

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).expect("an amount")
}

fn party(name: &str) -> Party {
    Party { name: name.to_owned(), iban: IBAN.parse().expect("an IBAN"), bic: None }
}

fn order(end_to_end: &str, amount: &str) -> Order {
    Order {
        end_to_end: end_to_end.to_owned(),
        amount: eur(amount),
        payee: party("Stadtwerke Erlenau"),
        payer: "Ines Calloway".to_owned(),
        remittance: Some("Kundennummer 4471".to_owned()),
    }
}

fn message(orders: Vec<Order>) -> Outgoing {
    Outgoing {
        message: "BF-20270301-1".to_owned(),
        made_at: date(2027, 3, 1).at(16, 30, 0, 0),
        sender: "Billfold Test".to_owned(),
        debtor: Party { bic: Some("INVEDEFFXXX".parse().expect("a BIC")), ..party("Billfold Test") },
        execute_on: date(2027, 3, 2),
        service_level: Some("SEPA".to_owned()),
        orders,
    }
}

#[test]
fn an_order_is_written_with_its_sums_and_names() {
    let text = write(&message(vec![order("a1", "41.20"), order("a2", "0.05")])).expect("writes");
    for part in [
        "<NbOfTxs>2</NbOfTxs>\n<CtrlSum>41.25</CtrlSum>",
        "<InstdAmt Ccy=\"EUR\">0.05</InstdAmt>",
        "<EndToEndId>a2</EndToEndId>",
        "<Dt>2027-03-02</Dt>",
        "<Ustrd>Kundennummer 4471</Ustrd>",
        "<UltmtDbtr>\n<Nm>Ines Calloway</Nm>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let mut foreign = order("a3", "1");
    foreign.payee.name = "Łódź & Söhne <Ltd>".to_owned();
    foreign.remittance = Some("\u{202e}✓".to_owned());
    let text = write(&message(vec![foreign])).expect("writes");
    assert!(text.contains("<Nm>Lodz Sohne Ltd</Nm>"), "{text}");
    assert!(text.is_ascii());
}

#[test]
fn a_payer_whose_name_cannot_be_written_is_left_out() {
    let mut nameless = order("a1", "41.20");
    nameless.payer = "_&".to_owned();
    let text = write(&message(vec![nameless, order("a2", "0.05")])).expect("writes");
    assert_eq!(text.matches("<UltmtDbtr>").count(), 1, "{text}");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let written = |change: &dyn Fn(&mut Outgoing)| {
        let mut message = message(vec![order("a1", "41.20"), order("a2", "0.05")]);
        change(&mut message);
        write(&message)
    };
    assert_eq!(written(&|message| message.orders.clear()), Err(WriteError::Empty));
    assert_eq!(written(&|message| message.orders[0].amount = eur("0")), Err(WriteError::Amount));
    assert_eq!(written(&|message| message.orders[0].amount = eur("-1")), Err(WriteError::Amount));
    let dollars = Money::parse("1", Currency::USD).expect("an amount");
    assert_eq!(written(&|message| message.orders[1].amount = dollars), Err(WriteError::Currencies));
    assert_eq!(written(&|message| message.message = "x".repeat(36)), Err(WriteError::Id));
    assert_eq!(written(&|message| message.orders[0].end_to_end = "a b".to_owned()), Err(WriteError::Id));
    assert_eq!(written(&|message| message.orders[0].payee.name = "\u{1}".to_owned()), Err(WriteError::Nameless));
    let most = Money::new(Money::MINOR_MAX, Currency::EUR).expect("an amount");
    let both = |message: &mut Outgoing| message.orders.iter_mut().for_each(|order| order.amount = most);
    assert_eq!(written(&both), Err(WriteError::Amount), "the sum leaves what is exact");
}

#[test]
fn an_account_is_checked_and_never_shown() {
    assert!("DE89 3704 0044 0532 0130 00".parse::<Iban>().is_ok());
    for wrong in
        ["DE88370400440532013000", "DE8937040044053201300", "de89370400440532013000", "", "DE89é704004405320130"]
    {
        assert_eq!(wrong.parse::<Iban>(), Err(PartyError::Iban), "{wrong}");
    }
    for wrong in ["INVEDEF", "invedeff", "INVE1EFF", "INVEDEFFXXXX", "ÄNVEDEF"] {
        assert_eq!(wrong.parse::<Bic>(), Err(PartyError::Bic), "{wrong}");
    }
    assert!(!format!("{:?}", party("A name")).contains("3704"));
}

// ---- What a bank answers -----------------------------------------------------------------------------------------

fn report(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt>\n\
         <GrpHdr><MsgId>B1</MsgId><CreDtTm>2027-03-01T17:00:00</CreDtTm></GrpHdr>\n{inner}</CstmrPmtStsRpt></Document>"
    )
}

#[test]
fn a_report_says_how_orders_stand_and_then_how_their_message_does() {
    let text = report(
        "<OrgnlGrpInfAndSts><OrgnlMsgId>BF-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>ACTC</GrpSts></OrgnlGrpInfAndSts>\n\
         <OrgnlPmtInfAndSts><OrgnlPmtInfId>BF-1</OrgnlPmtInfId>\n\
         <TxInfAndSts><OrgnlEndToEndId>a1</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf></TxInfAndSts>\n\
         <TxInfAndSts><OrgnlEndToEndId>a2</OrgnlEndToEndId><TxSts>PDNG</TxSts></TxInfAndSts>\n\
         <TxInfAndSts><OrgnlEndToEndId>a3</OrgnlEndToEndId><TxSts>ZZZZ</TxSts></TxInfAndSts>\n\
         </OrgnlPmtInfAndSts>",
    );
    let incoming = read(text.as_bytes()).expect("reads");
    let order = |line, end_to_end: &str, state, code: Option<&str>| Received::Order {
        line,
        end_to_end: end_to_end.to_owned(),
        state,
        code: code.map(str::to_owned),
    };
    assert_eq!(
        incoming.received,
        [
            order(6, "a1", OrderState::Refused, Some("AC01")),
            order(7, "a2", OrderState::Pending, None),
            Received::Message { line: 4, message: "BF-1".to_owned(), state: OrderState::Accepted, code: None },
        ]
    );
    assert_eq!(incoming.rejected.iter().map(|rejected| rejected.line).collect::<Vec<_>>(), [8]);
    let partly = report(
        "<OrgnlGrpInfAndSts><OrgnlMsgId>BF-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>",
    );
    assert_eq!(read(partly.as_bytes()), Ok(Incoming::default()), "its orders speak for themselves");
}

const BALANCES: &str = "<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2027-03-02</Dt></Dt></Bal>\n\
     <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">60.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2027-03-02</Dt></Dt></Bal>\n";

fn statement(entries: &str) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr><MsgId>S</MsgId>\
         <CreDtTm>2027-03-03T06:30:00</CreDtTm></GrpHdr>\n<Stmt><Id>S-7</Id><CreDtTm>2027-03-03T06:30:00</CreDtTm>\
         <Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>\n{BALANCES}{entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

fn entry(amount: &str, direction: &str, rest: &str) -> String {
    let (reference, details) = rest.split_at(rest.find("<NtryDtls>").unwrap_or(rest.len()));
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>2027-03-02</Dt></BookgDt>{reference}<BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd>{details}</Ntry>\n"
    )
}

fn bookings(text: &str) -> Vec<Booking> {
    let incoming = read(text.as_bytes()).expect("reads");
    assert!(incoming.rejected.is_empty(), "{:?}", incoming.rejected);
    let booking = |received| match received {
        Received::Booked(booking) => booking,
        other => panic!("{other:?}"),
    };
    incoming.received.into_iter().map(booking).collect()
}

#[test]
fn a_statement_gives_each_movement_with_its_order_and_why_it_came_back() {
    let paid = entry(
        "41.20",
        "DBIT",
        "<AcctSvcrRef>N1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>a1</EndToEndId></Refs></TxDtls></NtryDtls>",
    );
    let back = entry(
        "1.20",
        "CRDT",
        "<NtryDtls><TxDtls><Refs><AcctSvcrRef>R9</AcctSvcrRef><EndToEndId>a2</EndToEndId></Refs>\
         <RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls>",
    );
    let read = bookings(&statement(&(paid + &back)));
    assert_eq!(read.len(), 2);
    assert_eq!((read[0].end_to_end.as_deref(), read[0].reference.as_str()), (Some("a1"), "N1"));
    assert_eq!((read[0].amount, read[0].is_credit, read[0].is_return), (eur("41.20"), false, false));
    assert_eq!((read[1].end_to_end.as_deref(), read[1].reference.as_str()), (Some("a2"), "R9"));
    assert_eq!((read[1].is_return, read[1].code.as_deref()), (true, Some("AC04")));
    assert_eq!(read[1].booked_on, date(2027, 3, 2));
}

#[test]
fn a_movement_that_the_bank_does_not_name_has_a_name_of_its_own() {
    let named = |reference: &str, element: &str| format!("<{element}>{reference}</{element}>");
    let details = "<NtryDtls><TxDtls><Refs><EndToEndId>a1</EndToEndId></Refs></TxDtls></NtryDtls>";
    for reference in [named("NONREF", "AcctSvcrRef"), named("NOTPROVIDED", "AcctSvcrRef"), named("1", "NtryRef")] {
        let paid = entry("20.00", "DBIT", &format!("{reference}{details}"));
        let one_day = statement(&(paid.clone() + &paid));
        let next_day = one_day.replace("S-7", "S-8");
        let names: Vec<String> = [&one_day, &next_day]
            .into_iter()
            .flat_map(|text| bookings(text))
            .map(|booking| booking.reference)
            .collect();
        let different: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), 4, "{names:?}");
        let again: Vec<String> = bookings(&one_day).into_iter().map(|booking| booking.reference).collect();
        assert_eq!(again, names[..2], "the same whenever it is reported");
    }
    let detail = details.replace("<Refs>", "<Refs><AcctSvcrRef>NONREF</AcctSvcrRef>");
    let read = bookings(&statement(&entry("40.00", "DBIT", &format!("<AcctSvcrRef>N1</AcctSvcrRef>{detail}"))));
    assert_eq!(read[0].reference, "N1", "what the entry is called");
}

#[test]
fn a_sum_of_several_orders_gives_its_parts_or_names_its_message() {
    let parts = "<NtryDtls><TxDtls><Refs><EndToEndId>a1</EndToEndId></Refs><Amt Ccy=\"EUR\">30.00</Amt></TxDtls>\
         <TxDtls><Refs><EndToEndId>a2</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy=\"EUR\">10.00</Amt></TxAmt></AmtDtls></TxDtls></NtryDtls>";
    let read = bookings(&statement(&entry("40.00", "DBIT", parts)));
    assert_eq!(read.iter().map(|booking| booking.amount).collect::<Vec<_>>(), [eur("30.00"), eur("10.00")]);
    assert_ne!(read[0].reference, read[1].reference, "each has a name of its own");
    let whole = "<NtryDtls><Btch><PmtInfId>BF-1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch></NtryDtls>";
    let read = bookings(&statement(&entry("40.00", "DBIT", whole)));
    assert_eq!((read.len(), read[0].message.as_deref()), (1, Some("BF-1")));
    let wrong = parts.replace("10.00", "11.00");
    let incoming = super::read(statement(&entry("40.00", "DBIT", &wrong)).as_bytes()).expect("reads");
    assert!(incoming.received.is_empty());
    assert_eq!(incoming.rejected.len(), 1, "movements that do not sum to their entry");
}

#[test]
fn a_statement_that_does_not_lead_to_its_balance_is_refused_whole() {
    let short = statement(&entry("39.99", "DBIT", ""));
    let incoming = read(short.as_bytes()).expect("reads");
    assert!(incoming.received.is_empty());
    assert_eq!(incoming.rejected.len(), 1);
    let pending = entry("7.00", "DBIT", "").replace("BOOK", "PDNG");
    let read = bookings(&statement(&(entry("40.00", "DBIT", "") + &pending)));
    assert_eq!(read.len(), 1, "what is announced has not happened");
}

#[test]
fn what_is_no_message_of_a_bank_is_refused() {
    assert_eq!(read(b""), Err(IsoError::Tree(TreeError::Empty)));
    assert_eq!(read(b"<a/>"), Err(IsoError::OtherMessage));
    let cut = statement(&entry("40.00", "DBIT", ""));
    let cut = &cut[..cut.len() - 30];
    assert!(matches!(read(cut.as_bytes()), Err(IsoError::Tree(TreeError::Broken { .. }))));
    let entities = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
    assert_eq!(read(entities.as_bytes()), Err(IsoError::Tree(TreeError::DocumentType { line: 1 })));
    assert!(matches!(read(b"<a>&b;</a>"), Err(IsoError::Tree(TreeError::Broken { .. }))));
    let deep = "<a>".repeat(40);
    assert_eq!(read(deep.as_bytes()), Err(IsoError::Tree(TreeError::TooLarge)));
    assert!(matches!(read(b"<a>\xff</a>"), Err(IsoError::Tree(TreeError::Broken { line: 1 }))));
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "[<>/a-zA-Z&;!\\[\\]\"= \\n]{0,300}") {
        let _ = read(text.as_bytes());
    }

    #[test]
    fn a_damaged_statement_is_answered(at in 0_usize..1_200, byte in any::<u8>()) {
        let mut bytes = statement(&entry("40.00", "DBIT", "<NtryDtls><TxDtls><Refs><EndToEndId>a1</EndToEndId></Refs></TxDtls></NtryDtls>")).into_bytes();
        let at = at.min(bytes.len() - 1);
        bytes[at] = byte;
        if let Ok(incoming) = read(&bytes) {
            for received in &incoming.received {
                let Received::Booked(booking) = received else { continue };
                prop_assert!(!booking.amount.is_negative());
            }
        }
    }
}
