//! One person's computer: a home folder of its own, and the command line in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::bus::Bus;
use crate::process::Program;

/// A passphrase that is long enough and of nobody.
pub const PASSPHRASE: &str = "seven quiet otters by the mill";

/// A computer whose keyring starts when it is asked for first, unless it is made without one or is given another bus.
pub struct Place {
    bus: Option<String>,
    /// Its own, which ends before its home goes.
    own: Option<Bus>,
    home: TempDir,
    zone: &'static str,
    locale: &'static str,
}

/// What a command ended with.
#[derive(Debug)]
pub struct Done {
    pub exit: i32,
    pub json: Value,
    pub words: String,
}

impl Done {
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.exit, 0, "{} {}", self.json, self.words);
        self.json
    }

    /// The refusal's code, with the exit code that goes with it.
    #[track_caller]
    pub fn refused(self, exit: i32) -> String {
        assert_eq!(self.exit, exit, "{} {}", self.json, self.words);
        let error = &self.json["error"];
        assert!(!error["message"].as_str().unwrap_or_default().is_empty(), "it says what happened: {}", self.json);
        assert!(!error["next"].as_str().unwrap_or_default().is_empty(), "it says what to do next: {}", self.json);
        error["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// The program under test: what `cargo xtask test` built, or the one beside this test.
fn program(variable: &str, name: &str) -> PathBuf {
    if let Some(told) = std::env::var_os(variable) {
        return PathBuf::from(told);
    }
    let here = std::env::current_exe().expect("a path");
    // A test's program stands one folder deeper than the others.
    let mut built = here.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    built.find(|path| path.exists()).unwrap_or_else(|| panic!("build {name} first: `cargo xtask test` does"))
}

pub fn billfold_program() -> PathBuf {
    program("BILLFOLD_BIN", "billfold")
}

pub fn server_program() -> PathBuf {
    program("BILLFOLD_SERVER_BIN", "billfold-server")
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    pub fn new() -> Self {
        let mut place = Self::without_keyring();
        let own = Bus::with_keyring(place.home());
        place.bus = Some(own.address.clone());
        place.own = Some(own);
        place
    }

    /// Where a passphrase protects what is kept.
    pub fn without_keyring() -> Self {
        let home = tempfile::Builder::new().prefix("billfold-flow-").tempdir().expect("a folder");
        std::fs::write(home.path().join("passphrase"), format!("{PASSPHRASE}\n")).expect("a file");
        let runtime = home.path().join("run");
        std::fs::create_dir(&runtime).expect("a folder");
        std::os::unix::fs::chown(&runtime, None, None).expect("it is ours");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&runtime, private).expect("it is ours");
        Self { bus: None, own: None, home, zone: "UTC", locale: "C.UTF-8" }
    }

    /// The same computer with this session bus.
    #[must_use]
    pub fn with_bus(mut self, address: &str) -> Self {
        self.bus = Some(address.to_owned());
        self.own = None;
        self
    }

    /// The same computer in another time zone.
    #[must_use]
    pub fn in_zone(mut self, zone: &'static str) -> Self {
        self.zone = zone;
        self
    }

    /// The same computer, whose person reads this language: `de_DE.UTF-8`.
    #[must_use]
    pub fn reading(mut self, locale: &'static str) -> Self {
        self.locale = locale;
        self
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    pub fn passphrase_file(&self) -> PathBuf {
        self.home.path().join("passphrase")
    }

    /// What a program on this computer sees of the world.
    pub fn dress(&self, command: &mut Command) {
        let home = self.home.path();
        let none = format!("unix:path={}", home.join("no-bus").display());
        command
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home.join("run"))
            .env("XDG_DATA_HOME", home.join("share"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus.as_deref().unwrap_or(&none))
            .env("TZ", self.zone)
            .env("LANG", self.locale)
            .env("LC_ALL", self.locale)
            .env("GIO_USE_VFS", "local")
            .env("NO_AT_BRIDGE", "1")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("RUST_BACKTRACE", "0")
            .env_remove("BILLFOLD_LOG")
            .env_remove("WAYLAND_DISPLAY");
    }

    /// `billfold --data … …`, not started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(billfold_program());
        command.arg("--data").arg(self.data()).args(arguments);
        self.dress(&mut command);
        command.env_remove("DISPLAY");
        command
    }

    /// Runs a command to its end, with the passphrase at hand where there is no keyring.
    pub fn billfold(&self, arguments: &[&str]) -> Done {
        let mut command = self.command(&["--json"]);
        if self.bus.is_none() {
            command.arg("--passphrase-file").arg(self.passphrase_file());
        }
        run(command.args(arguments))
    }

    /// The same on a computer whose clock is that far off: `+20d`.
    pub fn billfold_at(&self, off: &str, arguments: &[&str]) -> Done {
        run(&mut self.command_at(off, arguments))
    }

    /// Starts one there that goes on while the flow does.
    pub fn start_at(&self, off: &str, arguments: &[&str]) -> Program {
        Program::start(&mut self.command_at(off, arguments))
    }

    fn command_at(&self, off: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("faketime");
        command.arg("-f").arg(off).arg(billfold_program()).arg("--data").arg(self.data()).arg("--json");
        self.dress(&mut command);
        command.env_remove("DISPLAY").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        if self.bus.is_none() {
            command.arg("--passphrase-file").arg(self.passphrase_file());
        }
        command.args(arguments);
        command
    }

    /// The same, and nobody helps it.
    pub fn billfold_bare(&self, arguments: &[&str]) -> Done {
        run(self.command(&["--json"]).args(arguments))
    }

    /// The window, on this display.
    pub fn window_on(&self, display: &str) -> Done {
        run(self.command(&["--json"]).env("DISPLAY", display))
    }

    /// Starts one that goes on while the flow does.
    pub fn start(&self, arguments: &[&str]) -> Program {
        let mut command = self.command(&["--json"]);
        if self.bus.is_none() {
            command.arg("--passphrase-file").arg(self.passphrase_file());
        }
        Program::start(command.args(arguments))
    }

    /// A new account on this computer.
    #[must_use]
    pub fn with_account(self) -> Self {
        self.billfold(&["account", "create", "--local", "--name", "Ines Calloway"]).ok();
        self
    }

    /// A file with this text.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    }

    /// Every file under the data folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.data()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let kind = entry.file_type().expect("a type");
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    found.push(entry.path());
                }
            }
        }
        found
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Done {
    let output = command.output().expect("billfold starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!words.contains("panicked"), "it panicked: {words}");
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Done { exit: output.status.code().unwrap_or(-1), json, words }
}

/// An export of a card, as other issuers write it: (day, amount, id, name).
pub fn card_export(lines: &[(&str, &str, &str, &str)]) -> String {
    let mut text =
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\n\
        COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0\
        <SEVERITY>INFO</STATUS><DTSERVER>20261120<LANGUAGE>ENG<FI><ORG>Cobalt<FID>77</FI></SONRS></SIGNONMSGSRSV1>\
        <CREDITCARDMSGSRSV1><CCSTMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><CCSTMTRS><CURDEF>USD\
        <CCACCTFROM><ACCTID>4111222233334444</CCACCTFROM><BANKTRANLIST><DTSTART>20260801<DTEND>20261120"
            .to_owned();
    for (day, amount, id, name) in lines {
        let kind = if amount.starts_with('-') { "DEBIT" } else { "PAYMENT" };
        text.push_str(&format!(
            "<STMTTRN><TRNTYPE>{kind}<DTPOSTED>{day}<TRNAMT>{amount}<FITID>{id}<NAME>{name}</STMTTRN>\r\n"
        ));
    }
    // Every line is in the balance.
    let today = crate::world::today().strftime("%Y%m%d");
    text.push_str(&format!(
        "</BANKTRANLIST><LEDGERBAL><BALAMT>-512.34<DTASOF>{today}</LEDGERBAL></CCSTMTRS></CCSTMTTRNRS>\
         </CREDITCARDMSGSRSV1></OFX>\r\n"
    ));
    text
}
