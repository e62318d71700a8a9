//! Commands that run to their end in this process, on a data folder of their own.

use super::*;

const PASSPHRASE: &str = "hollow reed lantern by the river";
const CHECKING: &str = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:USASCII\nCHARSET:1252\n\
    COMPRESSION:NONE\nOLDFILEUID:NONE\nNEWFILEUID:NONE\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD\
    <BANKACCTFROM><BANKID>1<ACCTID>000777<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST><DTSTART>20260101\
    <DTEND>20260131<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260115<TRNAMT>-5.00<FITID>1<NAME>Corner shop</STMTTRN>\
    </BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n";

struct Desk {
    core: Arc<Core>,
    folder: tempfile::TempDir,
}

impl Desk {
    async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let core = Core::open(&folder.path().join("data"), crate::os::ports().0).await.unwrap();
        Self { core, folder }
    }

    async fn with_account() -> Self {
        let desk = Self::open().await;
        assert_eq!(desk.says("account create --local").await.0, 0);
        desk
    }

    /// The exit code and what stands on standard output.
    async fn runs(&self, words: &str, json: bool) -> (u8, String) {
        let argv = ["billfold"].into_iter().chain(json.then_some("--json")).chain(words.split(' '));
        let call = Call {
            argv: argv.map(OsString::from).collect(),
            cwd: self.folder.path().into(),
            passphrase: Some(PASSPHRASE.to_owned()),
        };
        let outcome = run(&self.core, call, tokio::sync::mpsc::unbounded_channel().0).await;
        (outcome.exit, outcome.stdout)
    }

    async fn says(&self, words: &str) -> (u8, Value) {
        let (exit, text) = self.runs(words, true).await;
        (exit, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{words}: {text}")))
    }

    async fn refuses(&self, words: &str) -> (u8, String) {
        let (exit, said) = self.says(words).await;
        (exit, said["error"]["code"].as_str().unwrap_or_else(|| panic!("{words}: {said}")).to_owned())
    }

    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }
}

fn refused(exit: u8, code: &str) -> (u8, String) {
    (exit, code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_locked_where_there_is_no_account() {
    let desk = Desk::open().await;
    assert_eq!(desk.refuses("lock").await, refused(3, "no_account"));
    let (exit, said) = desk.says("sign-in --server http://localhost:1 --no-browser").await;
    assert_eq!((exit, said["error"]["code"].as_str()), (4, Some("server_unreachable")));
    let next = said["error"]["next"].as_str().unwrap();
    assert!(next.starts_with("check the address"), "nothing is kept for later: {next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_to_a_bill_is_said_in_its_own_words() {
    let desk = Desk::with_account().await;
    let add = "bills add --name Rent --amount 950.00 --every month";
    assert_eq!(desk.says(add).await.0, 0);
    assert_eq!(desk.refuses("bills edit Rent").await, refused(2, "usage"));
    assert_eq!(desk.refuses(&format!("{add} --weekdays monday")).await, refused(2, "usage"));
    let pause = "bills pause Rent --from 2027-01-01 --until 2026-01-01";
    assert_eq!(desk.refuses(pause).await, refused(1, "invalid_date"));
    assert_eq!(desk.refuses("bills edit Rent --reference a\tb").await, refused(1, "not_one_line"));
    assert_eq!(desk.refuses("bills edit Rent --name ").await, refused(1, "invalid_request"));
    assert_eq!(desk.refuses("autopay off Rent").await, refused(1, "not_found"));
    let due = desk.runs("due", false).await.1;
    assert!(due.contains("elsewhere"), "it has no biller that is paid here: {due}");
    assert_eq!(desk.says("bills remove Rent").await.0, 0);
    assert_eq!(desk.runs("due", false).await.1, "Nothing is due within 30 days.\n");
    assert_eq!(desk.runs("bills list", false).await.1, "None.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_no_card_has_no_terms_of_one_and_every_date_can_be_asked_for() {
    let desk = Desk::with_account().await;
    desk.file("checking.ofx", CHECKING);
    assert_eq!(desk.refuses("import .").await, refused(1, "file_failed"));
    let said = desk.runs("import checking.ofx", false).await.1;
    assert!(said.contains(": 1 is new, ") && said.contains("\n  of "), "{said}");
    let (_, accounts) = desk.says("accounts").await;
    let account = accounts["items"][0]["id"].as_str().unwrap();
    let terms = format!("card terms {account} --closing-day 31 --due-days 20");
    assert_eq!(desk.refuses(&terms).await, refused(1, "forbidden"));
    let lines = async |words: &str| desk.says(words).await.1["items"].as_array().unwrap().len();
    assert_eq!(lines("transactions --since 9999-12-31").await, 0);
    assert_eq!(lines("transactions --until 9999-12-31").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_there_is_written_over_only_when_that_is_said() {
    let desk = Desk::with_account().await;
    let kept = || std::fs::read_to_string(desk.folder.path().join("due.ics")).unwrap();
    desk.file("due.ics", "mine");
    for words in ["calendar save due.ics", "export --out due.ics", "security log --out due.ics"] {
        assert_eq!(desk.refuses(words).await, refused(1, "file_exists"), "{words}");
    }
    assert_eq!(kept(), "mine");
    assert_eq!(desk.says("calendar save due.ics --force").await.0, 0);
    assert!(kept().starts_with("BEGIN:VCALENDAR"));
    desk.file("due.ics", "");
    assert_eq!(desk.says("calendar save due.ics").await.0, 0, "nothing is lost of an empty one");
}
