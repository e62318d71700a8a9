//! Generated card transactions: fixed seed, fixed parameters, the same bytes in every run.
//! Three years of one card, about 90 merchants, amounts from 1.00 to 250.00, a payment each 30 lines.

/// SplitMix64: small, seeded and good enough to spread test data.
pub struct Chance(u64);

impl Chance {
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

const FIRST: [&str; 10] =
    ["Quartz", "Alder", "Northfold", "Juniper", "Cobalt", "Paperkite", "Millbrook", "Kestrel", "Harbor", "Lantern"];
const SECOND: [&str; 9] =
    ["Market", "Books", "Garden", "Pharmacy", "Bakery", "Outfitters", "Cycles", "Cinema", "Tools"];

pub struct Line {
    /// `YYYYMMDD`.
    pub date: String,
    pub amount_minor: i64,
    pub name: String,
    pub memo: String,
    pub fitid: String,
}

pub fn lines(count: usize) -> impl Iterator<Item = Line> {
    let mut chance = Chance::seeded(20_260_112);
    (0..count).map(move |i| {
        let day = i * 1_080 / count.max(1);
        let (year, month, day) = (2024 + day / 360, day % 360 / 30 + 1, day % 28 + 1);
        let payment = i % 30 == 29;
        let amount = i64::try_from(chance.below(24_900)).unwrap_or(0) + 100;
        let first = FIRST[usize::try_from(chance.below(10)).unwrap_or(0)];
        let second = SECOND[usize::try_from(chance.below(9)).unwrap_or(0)];
        Line {
            date: format!("{year}{month:02}{day:02}"),
            amount_minor: if payment { amount * 10 } else { -amount },
            name: if payment { "Payment received".to_owned() } else { format!("{first} {second}") },
            memo: format!("ref {:08x} till {}", chance.next() & 0xffff_ffff, chance.below(40)),
            fitid: format!("{year}{month:02}{day:02}{i:08}"),
        }
    })
}

fn decimal(minor: i64) -> String {
    format!("{}{}.{:02}", if minor < 0 { "-" } else { "" }, minor.abs() / 100, minor.abs() % 100)
}

/// One card statement as OFX 1.02 (SGML, values without end tags), about 200 bytes a line.
pub fn ofx_sgml(count: usize) -> Vec<u8> {
    use std::fmt::Write;
    let mut text = String::with_capacity(count * 220 + 1_000);
    text.push_str(
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\n\
         COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0\
         <SEVERITY>INFO</STATUS><DTSERVER>20261112120000<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>\r\n<CREDITCARDMSGSRSV1>\
         <CCSTMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><CCSTMTRS><CURDEF>USD<CCACCTFROM>\
         <ACCTID>4111111111111111</CCACCTFROM>\r\n<BANKTRANLIST><DTSTART>20240101<DTEND>20261231\r\n",
    );
    for line in lines(count) {
        let kind = if line.amount_minor > 0 { "CREDIT" } else { "DEBIT" };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "<STMTTRN>\r\n<TRNTYPE>{kind}\r\n<DTPOSTED>{}120000.000[-5:EST]\r\n<TRNAMT>{}\r\n<FITID>{}\r\n<NAME>{}\r\n\
             <MEMO>{}\r\n</STMTTRN>\r\n",
            line.date,
            decimal(line.amount_minor),
            line.fitid,
            line.name,
            line.memo,
        );
    }
    text.push_str(
        "</BANKTRANLIST><LEDGERBAL><BALAMT>-1234.56<DTASOF>20261112120000</LEDGERBAL></CCSTMTRS></CCSTMTTRNRS>\
         </CREDITCARDMSGSRSV1></OFX>\r\n",
    );
    text.into_bytes()
}
