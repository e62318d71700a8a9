//! The command line. One function runs a command, whether it was typed to this process or forwarded to it; the answer is
//! one JSON document or words for a person. The shapes are written down in `docs/CLI.md`.

pub mod arguments;
mod autopay;
mod card;
mod methods;
mod orders;
mod plan;
mod rewards;
#[cfg(test)]
mod run_tests;
mod suggestions;
mod table;
mod usage;
mod wallet;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::accounts::{AccountEdit, CardTerms, DueRule};
use api::bills::BillEdit;
use clap::Parser;
use clap::error::ErrorKind;
use client::accounts::{AccountView, TransactionQuery};
use client::addresses::{AddressBegun, AddressView};
use client::billers::{Accepts, BillerView, NewBiller, OwnBiller};
use client::bills::{BillView, EditScope, MarkAs, NewBill, OccurrenceView, Undone, read_rrule, write_rrule};
use client::calendar_feed::CalendarFeedView;
use client::card::{PayoffMissing, PayoffView, PlanEdit};
use client::export::Fetched;
use client::lock::LockReason;
use client::payments::{LimitsView, PayBill, PaymentView, PaymentViewState, SendOn};
use client::readiness::TermsView;
use client::recovery::ProvenBy;
use client::reminders::{ReminderTestView, TestAnswer, TestStep, TimerState};
use client::restore::ArchiveView;
use client::security::{FactorView, PasskeyView, VisitStarted};
use client::settings::Quiet;
use client::status::{Phase, Place, Protection};
use client::vault::{Protect, RecoveryKey};
use domain::accounts::Account;
use domain::addresses::{AddressKind, AddressState};
use domain::bills::{Bill, OccurrenceState};
use domain::card::{Apr, Excess, PlanKind};
use domain::ids::{BillId, PaymentId, PlanId};
use domain::money::{Currency, Money, MoneyError};
use domain::policy::Limits;
use domain::readiness::{Met, Prerequisite};
use domain::recovery::RecoveryState;
use domain::schedule::{Every, Schedule};
use domain::ways_in::{FactorKind, PasswordState};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use zeroize::Zeroizing;

use crate::check::CheckLine;
use crate::core::Core;
use crate::failure::Failure;
use crate::owner::{Call, Outcome};
use arguments::{
    AccountCommand, Arguments, BillersCommand, BillsCommand, ByWord, CalendarCommand, CardCommand, Command,
    EditBillArguments, EveryWord, MarkHow, NewBillArguments, Over, PlanArguments, QuietWord, RecoveryCommand,
    ReminderSettings, RemindersCommand, RuleWords, SecurityCommand, StatementCommand, SupportCommand, Switch,
};
use table::table;

/// What a command says: for programs and for people.
struct Answer {
    json: Value,
    text: String,
    /// What was asked for was kept and then refused: it stands beside the error.
    refused: Option<Failure>,
}

impl Answer {
    fn new(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), refused: None }
    }
}

type Done = Result<Answer, Failure>;

/// A command that only looks waits no longer for a network that swallows everything.
const ASK_WITHIN: Duration = Duration::from_secs(3);
/// Nobody waits longer for the answer to a test.
const TEST_WAIT_MAX: u64 = 600;
const GROUP_DIGITS: usize = 3;
/// How far ahead a bill's next due date is looked for when it is paid by name.
const PAY_AHEAD_DAYS: u16 = 400;

/// A command with what it stands in.
struct Run<'a> {
    core: &'a Core,
    cwd: &'a Path,
    passphrase: Option<Zeroizing<String>>,
    say: &'a UnboundedSender<String>,
}

/// Wrong usage, or a call for help: there is nothing to run. Help goes to standard output, complaints do not.
#[must_use]
pub fn not_a_command(error: &clap::Error, argv: &[OsString]) -> Outcome {
    let text = error.render().to_string();
    let wants_json = argv.iter().any(|word| word == "--json");
    if error.use_stderr() {
        let (failure, known) = usage::explained(error, &text, argv);
        let stdout = if wants_json { failure_json(&failure) } else { String::new() };
        // The parser's own words name the usage; those that say nothing to a person give way.
        let stderr = if known { failure_words(&failure) } else { text };
        return Outcome { stdout, stderr, exit: failure.exit };
    }
    let json = match error.kind() {
        ErrorKind::DisplayVersion => json!({ "version": env!("CARGO_PKG_VERSION") }),
        _ => json!({ "help": text }),
    };
    outcome(Ok(Answer::new(json, text)), wants_json)
}

/// Runs one command to its end.
pub async fn run(core: &Arc<Core>, call: Call, say: UnboundedSender<String>) -> Outcome {
    let arguments = match Arguments::try_parse_from(&call.argv) {
        Ok(arguments) => arguments,
        Err(error) => return not_a_command(&error, &call.argv),
    };
    let json = arguments.json;
    let Some(command) = arguments.command else {
        return outcome(Err(Failure::usage("there is no command")), json);
    };
    if is_typed(&command) {
        core.touch();
    }
    let run = Run { core, cwd: Path::new(&call.cwd), passphrase: call.passphrase.map(Zeroizing::new), say: &say };
    let done = match run.command(command).await {
        Ok(answer) => Ok(answer),
        Err(failure) => Err(explained(core, failure).await),
    };
    outcome(done, json)
}

/// The client says what is wrong in words for the window, too; here the next step is something to type. Locked because the
/// keyring did not open it: that is the reason to tell.
async fn explained(core: &Core, failure: Failure) -> Failure {
    match (failure.code.as_str(), core.client.trouble()) {
        ("locked", Some(trouble)) => trouble.into(),
        // What asks the server finds nothing open, and not why.
        ("locked", None) if core.client.phase() == Phase::Welcome => core.client.absent().into(),
        ("locked" | "passphrase_needed", _) => {
            let by = core.client.status().await.ok().and_then(|status| status.protected_by);
            Failure { next: how_to_unlock(by).to_owned(), ..failure }
        }
        // Before there is an account, there is no recovery key to repair with.
        ("keyring_absent" | "keyring_no_bus" | "keyring_refused", _) if matches!(core.client.place(), Ok(None)) => {
            let next =
                "protect it by a passphrase instead: `--passphrase-file FILE`, whose first line it is".to_owned();
            Failure { next, ..failure }
        }
        ("already_set_up", _) if matches!(core.client.place(), Ok(Some(Place::ThisComputer))) => {
            Failure { next: "choose another data folder: `--data DIR`".to_owned(), ..failure }
        }
        // Where there is no account nothing is kept for later.
        ("server_unreachable", _) if matches!(core.client.place(), Ok(None)) => {
            Failure { next: "check the address and the connection, then try again".to_owned(), ..failure }
        }
        ("not_signed_in", _) => match core.client.place() {
            Ok(Some(Place::Server { url, .. })) => {
                Failure { next: format!("sign in: `billfold sign-in --server {url}`"), ..failure }
            }
            _ => failure,
        },
        _ => failure,
    }
}

const fn how_to_unlock(by: Option<Protection>) -> &'static str {
    match by {
        Some(Protection::Keyring) => "unlock it: `billfold unlock`",
        Some(Protection::Passphrase | Protection::KeyringAndPassphrase) => {
            "say the same with `--passphrase-file FILE`, whose first line is the passphrase"
        }
        Some(Protection::Memory) | None => "sign in again: nothing was kept",
    }
}

/// `check` where the data folder cannot be used: that is what it reports.
pub async fn check_without_folder(failure: Failure, json: bool) -> Outcome {
    outcome(checked(&crate::check::lines_without_folder(failure).await), json)
}

fn checked(lines: &[CheckLine]) -> Done {
    let mut text = String::new();
    for line in lines {
        text += &format!("{} {}: {}\n", if line.good { "ok  " } else { "FAIL" }, line.name, line.about);
        text += &line.next.as_ref().map_or_else(String::new, |next| format!("     {next}\n"));
    }
    Ok(Answer::new(json!({ "items": to_json(&lines)? }), text))
}

/// A file with words for Billfold that was not read. One that holds other bytes than text is there all the same.
#[must_use]
pub fn unread(what: &str, error: &io::Error) -> Failure {
    let (why, next) = match error.kind() {
        io::ErrorKind::InvalidData => ("holds no text", "write it as text; its first line counts"),
        io::ErrorKind::IsADirectory => ("is a folder", "name the file in it"),
        _ => ("cannot be read", "check its path and rights"),
    };
    Failure::refused("file_failed", format!("{what} {why}"), next)
}

#[must_use]
pub fn failed(failure: Failure, json: bool) -> Outcome {
    outcome(Err(failure), json)
}

fn outcome(done: Done, json: bool) -> Outcome {
    match done {
        Ok(Answer { json: mut beside, text, refused: Some(failure) }) => {
            beside["error"] = json!(failure);
            let stdout = if json { format!("{beside}\n") } else { text };
            Outcome { stdout, stderr: failure_words(&failure), exit: failure.exit }
        }
        Ok(answer) if json => Outcome { stdout: format!("{}\n", answer.json), stderr: answer.text, exit: 0 },
        Ok(answer) => Outcome { stdout: answer.text, stderr: String::new(), exit: 0 },
        Err(failure) => {
            let stdout = if json { failure_json(&failure) } else { String::new() };
            Outcome { stdout, stderr: failure_words(&failure), exit: failure.exit }
        }
    }
}

fn failure_words(failure: &Failure) -> String {
    format!("billfold: {}\n  {}\n", failure.message, failure.next)
}

fn failure_json(failure: &Failure) -> String {
    format!("{}\n", json!({ "error": failure }))
}

impl Run<'_> {
    async fn command(&self, command: Command) -> Done {
        if needs_account(&command) && self.core.client.is_unfinished()? {
            return Err(Failure {
                code: "no_account".to_owned(),
                message: "the account in this data folder was never finished".to_owned(),
                next: "make it again: `billfold account create --local`, or `billfold sign-in`".to_owned(),
                exit: 3,
            });
        }
        self.open_with_passphrase(&command).await?;
        if looks_at_the_book(&command) && !self.core.stays() {
            // What other devices and the rails did meanwhile, where the server can be asked; a window keeps in step by
            // itself. Nothing is paid that another device has paid.
            let _ = tokio::time::timeout(ASK_WITHIN, self.core.send_soon()).await;
        }
        match command {
            Command::Account { what: AccountCommand::Create { name, .. } } => self.create(&name).await,
            Command::SignIn { server, no_browser, create, not_my_computer } => {
                let protect = self.protect_new(not_my_computer)?;
                self.sign_in(&server, !no_browser, create, protect).await
            }
            Command::SignOut { discard } => self.sign_out(discard).await,
            Command::Status => self.status().await,
            Command::Import { file, into, preview } => self.import(&file, into.as_deref(), preview).await,
            Command::Imports => self.imports().await,
            Command::Accounts => self.accounts().await,
            Command::Transactions { account, search, since, until, limit, after } => {
                let account = match account {
                    None => None,
                    Some(typed) => Some(self.account(&typed).await?.account.id),
                };
                self.transactions(TransactionQuery { account, search, since, until, limit, after }).await
            }
            Command::Bills { what } => self.bills(what).await,
            Command::Due { days } => self.due(days).await,
            Command::Mark { bill, due_on, how } => self.mark(&bill, due_on, &how).await,
            Command::Pay { bill, payee, amount, currency, due, on, again, from, no_browser, no_wait } => {
                let request = match (bill, payee) {
                    (Some(bill), _) => self.pay_bill(&bill, amount.as_deref(), due).await?,
                    (None, payee) => self.pay_payee(payee.as_deref(), amount.as_deref(), &currency).await?,
                };
                let method = match from {
                    Some(typed) => Some(self.method(&typed).await?.method.id),
                    None => None,
                };
                let request = PayBill { send_on: on, duplicate_meant: again, method, ..request };
                self.pay(request, !no_browser, !no_wait).await
            }
            Command::Approve { payment, no_browser } => {
                self.approve(payment_id(&payment)?, !no_browser).await?;
                self.payment(payment_id(&payment)?).await
            }
            Command::EditPayment { payment, amount, on, soonest } => {
                self.edit_payment(&payment, amount.as_deref(), on, soonest).await
            }
            Command::Paydays { what } => self.paydays(what).await,
            Command::Methods { what } => self.methods(what).await,
            Command::Autopay { what } => self.autopay(what).await,
            Command::Rewards { what } => self.rewards(what).await,
            Command::Wallet { what } => self.wallet(what).await,
            Command::Plan { what } => self.plan(what).await,
            Command::Suggestions { what } => self.suggestions(what).await,
            Command::Ready { accept_terms } => self.ready(accept_terms.as_deref()).await,
            Command::Limits { payment, day, currency, no_browser } => {
                self.limits(payment.as_deref().zip(day.as_deref()), &currency, !no_browser).await
            }
            Command::Orders { order: Some(order), .. } => self.order(&order).await,
            Command::Orders { order: None, page } => self.orders(page.into()).await,
            Command::Payments => self.payments().await,
            Command::Cancel { payment } => self.cancel(&payment).await,
            Command::Export { out, over, no_browser } => self.export(&self.file_for(&out, over)?, !no_browser).await,
            Command::Billers { search, own: None } => self.billers(&search).await,
            Command::Billers { own: Some(own), .. } => self.own_billers(own).await,
            Command::Statement { what } => self.statement(what).await,
            Command::Card { what } => self.card(what).await,
            Command::Remind { dry_run } => self.remind(dry_run).await,
            Command::Reminders { what } => self.reminders(what).await,
            Command::Calendar { what } => self.calendar(what).await,
            Command::Sync => self.sync().await,
            Command::Lock => self.lock().await,
            Command::Unlock => self.unlock().await,
            Command::RecoveryKey => self.new_recovery_key().await,
            Command::Protect { by, new_passphrase_file } => self.protect(by, new_passphrase_file.as_deref()).await,
            Command::Repair { recovery_key_file, by } => self.repair(&recovery_key_file, by).await,
            Command::Devices { sign_out: None } => self.devices().await,
            Command::Devices { sign_out: Some(device) } => self.device_sign_out(&device).await,
            Command::Security { what } => self.security(what).await,
            Command::Check => self.check().await,
            Command::ExportBindings { path } => export_bindings(&self.cwd.join(path)),
        }
    }

    /// A passphrase on the command line opens what it protects; locked by hand stays locked otherwise.
    async fn open_with_passphrase(&self, command: &Command) -> Result<(), Failure> {
        let opens = !matches!(
            command,
            Command::Account { .. } | Command::SignIn { .. } | Command::Lock | Command::Unlock | Command::Repair { .. }
        );
        match &self.passphrase {
            Some(passphrase) if opens && self.core.client.phase() == Phase::Locked => {
                self.core.unlock(Some(passphrase.clone())).await
            }
            _ => Ok(()),
        }
    }

    // ---- the account ---------------------------------------------------------------------------------------------

    async fn create(&self, name: &str) -> Done {
        let recovery_key = self.core.start_here(name, self.passphrase.clone()).await?;
        self.core.client.recovery_key_noted().await?;
        let text =
            format!("The account is made. Write down its recovery key; it is shown this once:\n  {recovery_key}\n");
        let status = self.core.client.status().await?;
        Ok(Answer::new(json!({ "created": true, "name": status.name, "recovery_key": recovery_key }), text))
    }

    /// How a new copy is protected. One of which nothing is kept ends with its program, so that a command alone has no
    /// use for it.
    fn protect_new(&self, not_my_computer: bool) -> Result<Protect, Failure> {
        match (not_my_computer, self.passphrase.clone()) {
            (false, passphrase) => Ok(passphrase.map_or(Protect::Keyring, Protect::Passphrase)),
            (true, Some(_)) => {
                Err(Failure::usage("what is kept nowhere needs no passphrase: leave one of the two out"))
            }
            (true, None) if self.core.stays() => Ok(Protect::Memory),
            (true, None) => Err(Failure::refused(
                "nothing_stays",
                "what is kept nowhere ends with its program, and this command ends at once",
                "start Billfold's window first, then say this again",
            )),
        }
    }

    async fn sign_in(&self, server: &str, open_browser: bool, create: bool, protect: Protect) -> Done {
        if self.passphrase.is_some()
            && self.core.client.phase() == Phase::Locked
            && !self.core.client.is_unfinished()?
        {
            // Signed out from elsewhere: the copy is opened by what protects it, and signed in again.
            self.core.unlock(self.passphrase.clone()).await?;
        }
        let nothing_kept = matches!(protect, Protect::Memory);
        let started = self.core.connect(server, create, open_browser, protect).await?;
        let opened = if started.browser_opened { "The browser is open. If it is not, open" } else { "Open" };
        let words =
            format!("{opened} this address:\n  {}\nThe page must show {}.\n", started.address, started.match_code);
        // Nobody listens any more: the sign-in goes on all the same.
        let _ = self.say.send(words);
        let recovery_key = self.core.finish_connect().await?;
        if recovery_key.is_some() {
            self.core.client.recovery_key_noted().await?;
        }
        // What cannot be fetched now comes with the next sync.
        self.core.send_soon().await;
        let status = self.core.client.status().await?;
        let text = match &recovery_key {
            Some(key) => format!("You are signed in. Write down the recovery key; it is shown this once:\n  {key}\n"),
            None if nothing_kept => {
                "You are signed in. Nothing is kept here: it ends when Billfold is locked or closed.\n".to_owned()
            }
            None => "You are signed in.\n".to_owned(),
        };
        let json = json!({
            "signed_in": status.signed_in, "name": status.name, "server": server, "recovery_key": recovery_key,
        });
        Ok(Answer::new(json, text))
    }

    async fn sign_out(&self, discard: bool) -> Done {
        self.core.sign_out(discard).await?;
        Ok(Answer::new(json!({ "signed_in": false }), "The account was removed from this computer.\n"))
    }

    async fn status(&self) -> Done {
        let status = self.core.client.status().await?;
        let on_off = |yes: bool| if yes { "yes" } else { "no" };
        let mut rows = vec![
            vec!["Signed in".to_owned(), on_off(status.signed_in).to_owned()],
            vec!["Locked".to_owned(), locked_words(status.locked_because)],
        ];
        rows.extend(status.name.iter().map(|name| vec!["Name".to_owned(), name.clone()]));
        rows.push(vec!["Protected by".to_owned(), protection_words(status.protected_by).to_owned()]);
        if let Some(trouble) = self.core.client.trouble() {
            rows.push(vec!["Stands in the way".to_owned(), trouble.message]);
            rows.push(vec!["What to do".to_owned(), trouble.next]);
        }
        let synced = status.synced_at.map_or_else(|| "never".to_owned(), local);
        rows.push(vec!["Last sync".to_owned(), synced]);
        rows.push(vec!["Waiting to be sent".to_owned(), status.waiting.to_string()]);
        for refused in &status.refused {
            let words = format!("{}, {}: {}", refused.what, local(refused.at), refused.code);
            rows.push(vec!["Not taken by the server".to_owned(), words]);
        }
        if status.recovery_key_unnoted {
            let words = "make a recovery key and note it: `billfold recovery-key`".to_owned();
            rows.push(vec!["What to do".to_owned(), words]);
        }
        if status.urge_second_passkey {
            let words = "add a second passkey: `billfold security add-passkey`".to_owned();
            rows.push(vec!["What to do".to_owned(), words]);
        }
        Ok(Answer::new(to_json(&status)?, table(&["", ""], &rows).trim_start().to_owned()))
    }

    async fn sync(&self) -> Done {
        self.core.sync().await?;
        let status = self.core.client.status().await?;
        let json = json!({ "synced_at": status.synced_at, "waiting": status.waiting });
        Ok(Answer::new(json, "Everything is up to date.\n"))
    }

    async fn lock(&self) -> Done {
        if self.core.client.phase() == Phase::Welcome {
            return Err(self.core.client.absent().into());
        }
        self.core.lock().await?;
        Ok(Answer::new(json!({ "locked": true }), "Billfold is locked.\n"))
    }

    async fn unlock(&self) -> Done {
        self.core.unlock(self.passphrase.clone()).await?;
        Ok(Answer::new(json!({ "locked": false }), "Billfold is unlocked.\n"))
    }

    async fn devices(&self) -> Done {
        let devices = self.core.client.devices().await?;
        let rows: Vec<_> = devices
            .iter()
            .map(|device| {
                let here = if device.this_one { "this one" } else { "" };
                let place = device.place.as_ref().map_or_else(String::new, ToString::to_string);
                vec![device.name.clone(), device.last_seen_at.clone(), place, here.to_owned(), device.id.clone()]
            })
            .collect();
        let text = table(&["Device", "Last seen", "Place", "", "Id"], &rows);
        Ok(Answer::new(json!({ "items": to_json(&devices)? }), text))
    }

    async fn device_sign_out(&self, typed: &str) -> Done {
        let devices = self.core.client.devices().await?;
        let named: Vec<_> = devices.iter().filter(|device| device.id == typed || device.name == typed).collect();
        let device = match named.as_slice() {
            [] => return Err(Failure::not_found("device")),
            [device] => device,
            _ => return Err(Failure::refused("ambiguous", "several devices have that name", "say the id")),
        };
        self.core.client.device_sign_out(&device.id).await?;
        Ok(Answer::new(json!({ "id": device.id, "signed_in": false }), format!("{} is signed out.\n", device.name)))
    }

    /// The words of a file's first line, meant from where the command was typed.
    fn first_line(&self, file: &Path) -> Result<Zeroizing<String>, Failure> {
        let read = crate::owner::read_passphrase(&self.cwd.join(file));
        read.map(Zeroizing::new).map_err(|error| unread("the file", &error))
    }

    /// Where a file is written that the person named. What is in a file that is there is lost only when they say so.
    fn file_for(&self, file: &Path, over: Over) -> Result<PathBuf, Failure> {
        let file = self.cwd.join(file);
        let stands = file.metadata().is_ok_and(|kept| kept.is_file() && kept.len() > 0);
        if stands && !over.force {
            return Err(Failure::refused(
                "file_exists",
                "a file of that name is there already",
                "choose another name, or say `--force` to write over it",
            ));
        }
        Ok(file)
    }

    /// By other means from now on. `--passphrase-file` is the one that protects it now.
    async fn protect(&self, by: ByWord, new_passphrase_file: Option<&Path>) -> Done {
        let new = new_passphrase_file.map(|file| self.first_line(file)).transpose()?;
        self.core.client.protect(self.passphrase.clone(), by.protect(new)?).await?;
        self.protected("The copy on this computer is protected by").await
    }

    /// `--passphrase-file` is the one that protects it now.
    async fn new_recovery_key(&self) -> Done {
        let made = self.core.client.new_recovery_key(self.passphrase.clone()).await?;
        // What was printed stays where it was printed.
        self.core.client.recovery_key_noted().await?;
        let key = made.expose();
        let text = format!(
            "Write down the new recovery key; it is shown this once, and the one before opens nothing any more:\n  {}\n",
            key.as_str()
        );
        Ok(Answer::new(json!({ "recovery_key": key.as_str() }), text))
    }

    /// `--passphrase-file` is the new one, where one is to be.
    async fn repair(&self, recovery_key_file: &Path, by: ByWord) -> Done {
        let recovery = RecoveryKey::parse(&self.first_line(recovery_key_file)?)?;
        self.core.repair(recovery, by.protect(self.passphrase.clone())?).await?;
        self.protected("The copy is open again, protected by").await
    }

    async fn protected(&self, words: &str) -> Done {
        let by = self.core.client.status().await?.protected_by;
        let text = format!("{words} {}.\n", protection_words(by));
        Ok(Answer::new(json!({ "protected_by": by }), text))
    }

    // ---- security ------------------------------------------------------------------------------------------------

    async fn security(&self, what: SecurityCommand) -> Done {
        let security = self.core.client.security();
        match what {
            SecurityCommand::Log { out: None, .. } => self.security_log().await,
            SecurityCommand::Log { out: Some(file), over } => {
                let file = self.file_for(&file, over)?;
                let entries = security.save(file.clone()).await?;
                let text = format!("{entries} entries are in {}.\n", file.display());
                Ok(Answer::new(json!({ "file": file.to_string_lossy(), "entries": entries }), text))
            }
            SecurityCommand::Answer { number, how } => {
                security.answer(number, how.mine).await?;
                let text = if how.mine { "Noted as yours.\n" } else { "Noted: that device is signed out.\n" };
                Ok(Answer::new(json!({ "number": number, "mine": how.mine }), text))
            }
            SecurityCommand::Risk => self.risk().await,
            SecurityCommand::Rhythm { turn } => self.rhythm(turn).await,
            SecurityCommand::Addresses
            | SecurityCommand::AddAddress { .. }
            | SecurityCommand::ConfirmAddress { .. }
            | SecurityCommand::RemoveAddress { .. } => self.addresses(what).await,
            SecurityCommand::Recovery { what } => self.recovery(what).await,
            SecurityCommand::Support { what } => self.support(what).await,
            SecurityCommand::Passkeys => {
                let passkeys = security.passkeys().await?;
                let row = |passkey: &PasskeyView| {
                    let used = passkey.last_used_at.map_or_else(|| "never used".to_owned(), |at| at.to_string());
                    vec![passkey.name.clone(), passkey.created_at.to_string(), used, passkey.id.to_string()]
                };
                let rows: Vec<_> = passkeys.iter().map(row).collect();
                let text = table(&["Passkey", "Made", "Last used", "Id"], &rows);
                Ok(Answer::new(json!({ "items": to_json(&passkeys)? }), text))
            }
            SecurityCommand::AddPasskey { no_browser } => Ok(visit_started(&security.add_passkey(!no_browser).await?)),
            SecurityCommand::Lock => {
                security.lock_account().await?;
                let text = "Your account is locked: no money leaves and no way in is added. \
                            Release it with `billfold security release`.\n";
                Ok(Answer::new(json!({ "standing": to_json(&self.core.client.standing().await?)? }), text))
            }
            SecurityCommand::Release { no_browser } => {
                let Some(begun) = security.release_account(!no_browser).await? else {
                    return Ok(Answer::new(json!({ "released": true }), "Your account is released.\n"));
                };
                Ok(visit_started(&begun))
            }
            SecurityCommand::RemovePasskey { passkey, keep_devices } => {
                let all = security.passkeys().await?;
                let is_meant = |one: &&PasskeyView| one.id.to_string() == passkey || one.name == passkey;
                let named: Vec<_> = all.iter().filter(is_meant).collect();
                let found = match named.as_slice() {
                    [] => return Err(Failure::not_found("passkey")),
                    [found] => found,
                    _ => return Err(Failure::refused("ambiguous", "several passkeys have that name", "say the id")),
                };
                security.remove_passkey(found.id, keep_devices).await?;
                Ok(Answer::new(json!({ "id": found.id }), format!("{} lets nobody in any more.\n", found.name)))
            }
            SecurityCommand::WaysIn => self.security_ways_in().await,
            SecurityCommand::SetPassword { no_browser } => {
                Ok(visit_started(&security.set_password(!no_browser).await?))
            }
            SecurityCommand::RemovePassword { keep_devices } => {
                security.remove_password(keep_devices).await?;
                Ok(Answer::new(json!({ "password": null }), "The password lets nobody in any more.\n".to_owned()))
            }
            SecurityCommand::KeepPassword { off: true, .. } => {
                security.let_password_go().await?;
                let text = "Beside two passkeys, the password is off.\n".to_owned();
                Ok(Answer::new(json!({ "kept": false }), text))
            }
            SecurityCommand::KeepPassword { off: false, no_browser } => {
                Ok(visit_started(&security.keep_password(!no_browser).await?))
            }
            SecurityCommand::AddAuthenticator { no_browser } => {
                Ok(visit_started(&security.add_authenticator(!no_browser).await?))
            }
            SecurityCommand::RenameFactor { factor, name } => {
                let found = self.factor(&factor).await?;
                security.rename_factor(found.id, &name).await?;
                Ok(Answer::new(json!({ "id": found.id, "name": name }), format!("It is called {name} now.\n")))
            }
            SecurityCommand::RemoveFactor { factor, keep_devices } => {
                let found = self.factor(&factor).await?;
                security.remove_factor(found.id, keep_devices).await?;
                Ok(Answer::new(json!({ "id": found.id }), format!("{} is removed.\n", found.name)))
            }
        }
    }

    async fn risk(&self) -> Done {
        let view = self.core.client.risk().await?;
        let rows: Vec<_> = view
            .decisions
            .iter()
            .map(|decision| {
                let reasons: Vec<_> =
                    decision.reasons.iter().map(|point| format!("{} {}", word(&point.reason), point.points)).collect();
                vec![
                    local(decision.at),
                    word(&decision.occasion),
                    decision.score.to_string(),
                    word(&decision.verdict),
                    decision.place.as_ref().map_or_else(String::new, ToString::to_string),
                    reasons.join(", "),
                ]
            })
            .collect();
        let mut text = table(&["When", "What", ">Score", "Then", "Place", "Reasons"], &rows);
        if !view.places_known {
            text.push_str("\nThis account server has no database of places: networks are told apart, towns are not.\n");
        }
        Ok(Answer::new(json!({ "items": to_json(&view.decisions)?, "places_known": view.places_known }), text))
    }

    async fn rhythm(&self, turn: Option<Switch>) -> Done {
        let client = &self.core.client;
        let view = match turn {
            Some(turn) => client.set_rhythm(matches!(turn, Switch::On)).await?,
            None => client.rhythm().await?,
        };
        let text = if view.on {
            format!("On: known {} times, compared after {}.\n", view.known, view.needed)
        } else {
            "Off: nothing is kept of how you type.\n".to_owned()
        };
        Ok(Answer::new(to_json(&view)?, text))
    }

    async fn addresses(&self, what: SecurityCommand) -> Done {
        let addresses = self.core.client.addresses();
        match what {
            SecurityCommand::AddAddress { address, language, no_browser } => {
                let kind = if address.starts_with('+') { AddressKind::Phone } else { AddressKind::Email };
                match addresses.add(kind, &address, language, !no_browser).await? {
                    AddressBegun::Now { address } => {
                        let text = format!(
                            "A code is on its way to {}. Type it with security confirm-address.\n",
                            address.value
                        );
                        Ok(Answer::new(to_json(&address)?, text))
                    }
                    AddressBegun::InBrowser { id, visit } => {
                        let text = visit_started(&visit).text;
                        let text = format!("{text}The code is sent then. Type it with security confirm-address.\n");
                        let VisitStarted { address, browser_opened } = visit;
                        Ok(Answer::new(json!({ "id": id, "address": address, "browser_opened": browser_opened }), text))
                    }
                }
            }
            SecurityCommand::ConfirmAddress { address, how } => {
                let id = self.address(&address).await?.id;
                let Some(code) = how.code else {
                    addresses.send_code(id).await?;
                    return Ok(Answer::new(
                        json!({ "id": id }),
                        "Another code is on its way, unless too many were asked for.\n",
                    ));
                };
                let confirmed = addresses.confirm(id, &code).await?;
                let text = format!("{}: {}.\n", confirmed.value, address_state(confirmed.state));
                Ok(Answer::new(to_json(&confirmed)?, text))
            }
            SecurityCommand::RemoveAddress { address } => {
                let found = self.address(&address).await?;
                addresses.remove(found.id).await?;
                Ok(Answer::new(json!({ "id": found.id }), format!("{} is removed, and hears of it.\n", found.value)))
            }
            _ => {
                let view = addresses.list().await?;
                let row = |one: &AddressView| vec![one.value.clone(), address_state(one.state), one.id.to_string()];
                let rows: Vec<_> = view.items.iter().map(row).collect();
                let mut text = table(&["Address", "State", "Id"], &rows);
                if !view.sends_email {
                    text.push_str("This account server sends no messages, so no address can be confirmed.\n");
                }
                Ok(Answer::new(to_json(&view)?, text))
            }
        }
    }

    async fn recovery(&self, what: Option<RecoveryCommand>) -> Done {
        let recovery = self.core.client.recovery();
        match what {
            None => {
                let view = recovery.find().await?;
                let code = match (view.code_made_at, view.code_spent) {
                    (None, _) => {
                        "There is no saved code: make one with `billfold security recovery make-code`.".to_owned()
                    }
                    (Some(_), true) => "The saved code was guessed at too often: make a new one.".to_owned(),
                    (Some(at), false) => format!("The saved code was made {at}."),
                };
                let text = format!("{code}\n{}\n", recovery_state(&view.state));
                Ok(Answer::new(to_json(&view)?, text))
            }
            Some(RecoveryCommand::MakeCode { no_browser }) => Ok(visit_started(&recovery.new_code(!no_browser).await?)),
            Some(RecoveryCommand::SendCode { text }) => {
                let kind = if text { AddressKind::Phone } else { AddressKind::Email };
                let sent = recovery.send_code(kind).await?;
                let text = format!(
                    "A code is on its way to {}, unless too many were asked for. Begin with\n  \
                     billfold security recovery start --sent {} CODE\n",
                    sent.to, sent.id
                );
                Ok(Answer::new(to_json(&sent)?, text))
            }
            Some(RecoveryCommand::Start(how)) => {
                let proof = match (how.saved_code_file, how.sent, how.code) {
                    (Some(file), _, _) => ProvenBy::Saved { code: self.first_line(&file)?.to_string() },
                    (None, Some(id), Some(code)) => ProvenBy::Sent { id, code },
                    (None, _, _) => return Err(Failure::refused("usage", "a code is missing", "see --help")),
                };
                let view = recovery.start(proof).await?;
                Ok(Answer::new(to_json(&view)?, format!("{}\n", recovery_state(&view.state))))
            }
            Some(RecoveryCommand::Stop) => {
                recovery.stop().await?;
                Ok(Answer::new(json!({ "stopped": true }), "No recovery runs, and none can begin for 7 days.\n"))
            }
            Some(RecoveryCommand::Finish { no_browser }) => Ok(visit_started(&recovery.finish(!no_browser).await?)),
        }
    }

    async fn support(&self, what: Option<SupportCommand>) -> Done {
        let support = self.core.client.support();
        match what {
            None => self.support_overview().await,
            Some(SupportCommand::Check { code }) => {
                let check = support.check(&code).await?;
                let text = format!(
                    "This is support: {}. They ask to see {} for {} minutes.\nAllow it with: security support allow {}\n",
                    check.agent,
                    word(&check.scope),
                    check.minutes,
                    check.id
                );
                Ok(Answer::new(to_json(&check)?, text))
            }
            Some(SupportCommand::Allow { check }) => {
                let sight = support.answer(check, true).await?;
                Ok(Answer::new(json!({ "sight": to_json(&sight)? }), "They see it now.\n"))
            }
            Some(SupportCommand::Refuse { check }) => {
                support.answer(check, false).await?;
                Ok(Answer::new(json!({ "sight": null }), "Nothing is shown.\n"))
            }
            Some(SupportCommand::End { sight }) => {
                support.end(sight).await?;
                Ok(Answer::new(json!({ "id": sight }), "Nobody sees it any more.\n"))
            }
        }
    }

    async fn address(&self, typed: &str) -> Result<AddressView, Failure> {
        let all = self.core.client.addresses().list().await?.items;
        named(all, typed, "address", |one| (one.id.to_string(), one.value.clone()))
    }

    /// The one second factor that is meant, by name or id.
    async fn factor(&self, typed: &str) -> Result<FactorView, Failure> {
        let factors = self.core.client.security().ways_in().await?.factors;
        named(factors, typed, "second factor", |one| (one.id.to_string(), one.name.clone()))
    }

    async fn security_ways_in(&self) -> Done {
        let ways = self.core.client.security().ways_in().await?;
        let used = |at: Option<jiff::Timestamp>| at.map_or_else(|| "never used".to_owned(), |at| at.to_string());
        let password = ways.password.iter().map(|password| {
            let state = match password.state {
                PasswordState::On => "on",
                PasswordState::NeedsFactor => "needs a second factor",
                PasswordState::OffBesidePasskeys => "off beside passkeys",
            };
            let name = format!("Password of {}", password.name);
            vec![name, state.to_owned(), password.changed_at.to_string(), used(password.last_used_at), String::new()]
        });
        let factors = ways.factors.iter().map(|factor| {
            let (made, used) = (factor.created_at.to_string(), used(factor.last_used_at));
            vec![factor.name.clone(), factor_kind(factor.kind).to_owned(), made, used, factor.id.to_string()]
        });
        let sent = ways.codes_to.iter().map(|code| {
            vec![code.to.clone(), factor_kind(code.kind).to_owned(), String::new(), String::new(), String::new()]
        });
        let rows: Vec<_> = password.chain(factors).chain(sent).collect();
        let text = table(&["Way in", "What", "Made or changed", "Last used", "Id"], &rows);
        Ok(Answer::new(to_json(&ways)?, text))
    }

    async fn support_overview(&self) -> Done {
        let view = self.core.client.support().overview().await?;
        let mut text = String::new();
        for sight in &view.sights {
            text.push_str(&format!(
                "{} sees {} until {} ({})\n",
                sight.agent,
                word(&sight.scope),
                sight.ends_at,
                sight.id
            ));
        }
        for case in &view.cases {
            let open = if case.open { "open" } else { "closed" };
            text.push_str(&format!("Case {}, {open}, {}\n", case.number, case.opened_at));
            for request in &case.requests {
                let decided = match (request.granted, &request.decided_by) {
                    (Some(true), Some(by)) => format!("done with {by}"),
                    (Some(false), Some(by)) => format!("refused by {by}"),
                    _ => "waits for a second person".to_owned(),
                };
                text.push_str(&format!("  {} asked to {}: {decided}\n", request.asked_by, word(&request.operation)));
            }
        }
        if text.is_empty() {
            text.push_str("Nobody of support sees anything, and there is no case.\n");
        }
        Ok(Answer::new(to_json(&view)?, text))
    }

    async fn security_log(&self) -> Done {
        let view = self.core.client.security().log().await?;
        let rows: Vec<_> = view
            .events
            .iter()
            .map(|event| {
                let asks = view.questions.iter().any(|question| question.number == event.number);
                vec![
                    format!("{}", event.number),
                    local(event.at),
                    event.kind.as_str().replace('_', " "),
                    event.name.clone().unwrap_or_default(),
                    if asks { "was this you?".to_owned() } else { String::new() },
                ]
            })
            .collect();
        let mut text = table(&[">Number", "When", "What", "Name", ""], &rows);
        if let Some(number) = view.broken_at {
            text.push_str(&format!("\nThe log is not as it was written, from entry {number} on.\n"));
        }
        let json = json!({
            "items": to_json(&view.events)?, "questions": to_json(&view.questions)?, "broken_at": view.broken_at,
        });
        Ok(Answer::new(json, text))
    }

    async fn check(&self) -> Done {
        checked(&crate::check::lines(self.core).await)
    }

    // ---- accounts ------------------------------------------------------------------------------------------------

    async fn import(&self, file: &Path, into: Option<&str>, preview: bool) -> Done {
        let into = match into {
            None => None,
            Some(typed) => Some(self.account(typed).await?.account.id),
        };
        let file = self.cwd.join(file);
        is_no_file(&file)?;
        let report = self.core.import_file(&file, into, preview).await?;
        if let Some(archive) = &report.archive {
            return Ok(Answer::new(to_json(&report)?, archive_words(archive, preview)));
        }
        let mut text = format!(
            "{}: {} {} new, {} known, {} replaced, {} rejected.\n",
            report.format,
            report.new,
            are(report.new, preview),
            report.known,
            report.replaced,
            report.rejected.len()
        );
        if !report.account_names.is_empty() {
            text += &format!("  of {}\n", report.account_names.join(", "));
        }
        for line in &report.rejected {
            text += &format!("  line {}: {}\n", line.line, line.reason);
        }
        for warning in &report.warnings {
            text += &format!("  note: {warning}\n");
        }
        Ok(Answer::new(to_json(&report)?, text))
    }

    async fn imports(&self) -> Done {
        let past = self.core.client.import().past().await?;
        let mut text = String::new();
        for one in &past {
            let (at, names) = (local(one.at), one.account_names.join(", "));
            text += &format!("{at}  {} of {names}: {} new, {} rejected\n", one.format, one.new, one.rejected_count);
            for line in &one.rejected {
                text += &format!("  line {}: {}\n", line.line, line.reason);
            }
        }
        if past.is_empty() {
            "No file was imported here yet.\n".clone_into(&mut text);
        }
        Ok(Answer::new(json!({ "items": to_json(&past)? }), text))
    }

    async fn accounts(&self) -> Done {
        let accounts = self.core.client.accounts().list().await?;
        let items: Vec<Value> = accounts.iter().map(account_json).collect::<Result<_, _>>()?;
        let rows: Vec<_> = accounts
            .iter()
            .map(|view| {
                let balance = view.account.balance.map_or_else(|| "not known".to_owned(), |money| money.to_string());
                vec![view.account.name.clone(), balance, view.transactions.to_string(), view.account.id.to_string()]
            })
            .collect();
        Ok(Answer::new(json!({ "items": items }), table(&["Account", ">Balance", ">Lines", "Id"], &rows)))
    }

    async fn transactions(&self, query: TransactionQuery) -> Done {
        let page = self.core.client.accounts().transactions(query).await?;
        let rows: Vec<_> = page
            .items
            .iter()
            .map(|line| vec![line.posted_on.to_string(), line.amount.to_string(), line.description.clone()])
            .collect();
        let text = table(&["Date", ">Amount", "Description"], &rows) + &more(page.next.as_deref());
        Ok(Answer::new(to_json(&page)?, text))
    }

    async fn account(&self, typed: &str) -> Result<AccountView, Failure> {
        let accounts = self.core.client.accounts().list().await?;
        named(accounts, typed, "account", |view| (view.account.id.to_string(), view.account.name.clone()))
    }

    async fn card(&self, what: CardCommand) -> Done {
        match what {
            CardCommand::List => {
                let cards = self.core.client.cards().await?;
                let shown =
                    |money: Option<Money>| money.map_or_else(|| "not known".to_owned(), |money| money.to_string());
                let rows: Vec<_> = cards
                    .iter()
                    .map(|card| {
                        let figures = &card.figures;
                        let due = figures.due_on.map_or_else(|| "not known".to_owned(), |date| date.to_string());
                        vec![
                            card.account.name.clone(),
                            shown(figures.statement_balance),
                            shown(figures.current_balance),
                            shown(figures.minimum_due),
                            figures.pending.to_string(),
                            due,
                        ]
                    })
                    .collect();
                let heads = ["Card", ">Statement balance", ">Current balance", ">Minimum due", ">Pending", "Due"];
                Ok(Answer::new(json!({ "items": to_json(&cards)? }), table(&heads, &rows)))
            }
            CardCommand::Terms {
                account,
                closing_day,
                due,
                minimum_floor,
                minimum_share,
                minimum_adds_charges,
                apr,
                late_fee,
            } => {
                let account = self.account(&account).await?.account;
                let due = match (due.due_days, due.due_day) {
                    (Some(days), _) => DueRule::DaysAfterClosing(days),
                    (None, Some(day)) => DueRule::DayOfMonth(day),
                    (None, None) => return Err(Failure::usage("say --due-days or --due-day")),
                };
                let terms = CardTerms {
                    closing_day,
                    due,
                    minimum_floor: minimum_floor.map(|text| amount(&text, account.currency)).transpose()?,
                    minimum_share: minimum_share.as_deref().map(share).transpose()?,
                    minimum_adds_charges,
                    apr: apr.as_deref().map(rate).transpose()?,
                    late_fee: late_fee.map(|text| amount(&text, account.currency)).transpose()?,
                };
                let json = json!({ "account": account.id, "terms": to_json(&terms)? });
                self.core.client.accounts().put_terms(account.id, terms).await?;
                self.core.send_soon().await;
                Ok(Answer::new(json, "The card's terms are kept.\n"))
            }
            CardCommand::Plan(plan) => self.card_plan(plan).await,
            CardCommand::RemovePlan { account, plan } => {
                let account = self.account(&account).await?.account;
                let plan = plan_named(&account, &plan)?;
                self.core.client.accounts().remove_plan(account.id, plan).await?;
                self.core.send_soon().await;
                Ok(Answer::new(json!({ "account": account.id, "plan": plan }), "The plan is removed.\n"))
            }
            CardCommand::Excess { account, to } => {
                let account = self.account(&account).await?.account;
                let excess = match to.plan {
                    Some(plan) => Excess::Plan(plan_named(&account, &plan)?),
                    None => Excess::ByRate,
                };
                let edit = AccountEdit { excess: Some(excess), ..AccountEdit::default() };
                self.core.client.accounts().edit(account.id, edit).await?;
                self.core.send_soon().await;
                let json = json!({ "account": account.id, "excess": to_json(&excess)? });
                Ok(Answer::new(json, "Payments are worked out so.\n"))
            }
            CardCommand::Served(what) => self.served_card(what).await,
            CardCommand::Payoff { account, monthly } => self.card_payoff(&account, monthly).await,
        }
    }

    async fn card_plan(&self, plan: PlanArguments) -> Done {
        let account = self.account(&plan.account).await?.account;
        let money = |text: &str| amount(text, account.currency);
        let kind = match (&plan.how.monthly, plan.how.ends) {
            (Some(monthly), _) => PlanKind::EqualPayments { monthly: money(monthly)? },
            (None, Some(ends_on)) => {
                PlanKind::DeferredInterest { ends_on, accrued: plan.accrued.as_deref().map(money).transpose()? }
            }
            (None, None) => return Err(Failure::usage("say --monthly or --ends")),
        };
        let edit = PlanEdit {
            id: plan.replace.as_deref().map(|text| plan_named(&account, text)).transpose()?,
            name: plan.name,
            kind,
            apr: rate(&plan.apr)?,
            amount: money(&plan.amount)?,
            opened_on: plan.since,
            left: money(&plan.left)?,
            left_on: plan.left_on,
        };
        let id = self.core.client.accounts().put_plan(account.id, edit).await?;
        self.core.send_soon().await;
        Ok(Answer::new(json!({ "account": account.id, "plan": id }), "The plan is kept.\n"))
    }

    async fn card_payoff(&self, account: &str, monthly: Option<String>) -> Done {
        let account = self.account(account).await?.account;
        let monthly = monthly.map(|text| amount(&text, account.currency)).transpose()?;
        let choices = match self.core.client.payoff(account.id, monthly).await? {
            PayoffView::Ready(choices) => choices,
            PayoffView::Missing { why } => return Err(missing(why)),
        };
        let rows: Vec<Vec<String>> = choices
            .rows
            .iter()
            .map(|row| {
                vec![
                    row.monthly.map_or("only the minimum".to_owned(), |monthly| monthly.to_string()),
                    row.paid_off_on.map_or("never".to_owned(), |on| on.to_string()),
                    row.interest.to_string(),
                    if row.landed.is_zero() { "none".to_owned() } else { row.landed.to_string() },
                ]
            })
            .collect();
        let heads = ["Each month", "Paid off", ">Interest", ">Deferred interest that lands"];
        Ok(Answer::new(to_json(&choices)?, table(&heads, &rows)))
    }

    async fn statement(&self, what: StatementCommand) -> Done {
        match what {
            StatementCommand::List => {
                // The newest list, when the server can be asked.
                self.core.send_soon().await;
                let view = self.core.client.statements().view().await?;
                let (mut items, mut gaps) = (Vec::new(), Vec::new());
                let mut rows = Vec::new();
                for of in &view.accounts {
                    for row in &of.statements {
                        let summary = &row.summary;
                        let mut item = to_json(summary)?;
                        item["account_name"] = json!(of.name);
                        item["cycle"] = json!(summary.closed_on);
                        items.push(item);
                        rows.push(vec![
                            of.name.clone(),
                            summary.closed_on.to_string(),
                            summary.opening.to_string(),
                            summary.closing.to_string(),
                            summary.lines.to_string(),
                            if summary.complete { "whole" } else { "not whole" }.to_owned(),
                        ]);
                    }
                    for gap in &of.gaps {
                        gaps.push(json!({ "account": of.account, "account_name": of.name, "cycle": gap }));
                        let none = String::new;
                        let missing = "missing".to_owned();
                        rows.push(vec![of.name.clone(), gap.to_string(), none(), none(), none(), missing]);
                    }
                }
                let heads = ["Account", "Cycle", ">Opening", ">Closing", ">Lines", "Covered"];
                Ok(Answer::new(json!({ "items": items, "gaps": gaps }), table(&heads, &rows)))
            }
            StatementCommand::Get { account, cycle, out, over } => {
                let account = self.account(&account).await?.account;
                let out = self.file_for(&out, over)?;
                self.core.client.statements().save_pdf(account.id, cycle, out.clone()).await?;
                let json = json!({ "account": account.id, "cycle": cycle, "file": out.to_string_lossy() });
                Ok(Answer::new(json, format!("Written to {}.\n", out.display())))
            }
            StatementCommand::All { account, into } => {
                let account = self.account(&account).await?.account;
                let into = self.cwd.join(into);
                let done = self.core.client.statements().save_all(account.id, into.clone()).await?;
                let mut text = format!("{} written to {}.\n", done.saved, into.display());
                if !done.left.is_empty() {
                    let left: Vec<String> = done.left.iter().map(ToString::to_string).collect();
                    text += &format!("On the server, which cannot be asked now: {}.\n", left.join(", "));
                }
                let json = json!({
                    "account": account.id, "folder": into.to_string_lossy(), "saved": done.saved, "left": done.left,
                });
                Ok(Answer::new(json, text))
            }
        }
    }

    // ---- bills ---------------------------------------------------------------------------------------------------

    async fn bills(&self, what: BillsCommand) -> Done {
        match what {
            BillsCommand::Add(new) => self.add_bill(new).await,
            BillsCommand::List => self.list_bills().await,
            BillsCommand::Edit(edit) => self.edit_bill(edit).await,
            BillsCommand::Pause { bill, from, until } => {
                let bill = self.bill(&bill).await?;
                self.core.client.bills().pause(bill.id, from.unwrap_or_else(today), until).await?;
                self.core.send_soon().await;
                Ok(Answer::new(json!({ "id": bill.id, "paused": true }), format!("{} is paused.\n", bill.name)))
            }
            BillsCommand::Resume { bill } => {
                let bill = self.bill(&bill).await?;
                self.core.client.bills().resume(bill.id).await?;
                self.core.send_soon().await;
                Ok(Answer::new(json!({ "id": bill.id, "paused": false }), format!("{} goes on.\n", bill.name)))
            }
            BillsCommand::Remove { bill } => {
                let bill = self.bill(&bill).await?;
                self.core.client.bills().remove(bill.id).await?;
                self.core.send_soon().await;
                let leaves = self.still_leaves(bill.id, None).await?;
                let text = format!("{} is removed.\n{}", bill.name, leaves_words(&leaves));
                Ok(Answer::new(json!({ "id": bill.id, "still_leaves": to_json(&leaves)? }), text))
            }
        }
    }

    async fn add_bill(&self, new: NewBillArguments) -> Done {
        let biller = match &new.payee {
            None => None,
            Some(typed) => Some(self.biller(typed).await?.id),
        };
        let card = match &new.card {
            None => None,
            Some(typed) => Some(self.account(typed).await?.account.id),
        };
        let remind_days = match new.remind {
            Some(days) => days,
            None => self.core.client.settings().await?.remind_days,
        };
        let currency = currency(&new.currency)?;
        new.rule.fits(new.every.unwrap_or(EveryWord::Month))?;
        let schedule = new_schedule(new.every, new.rrule.as_deref(), new.rule)?;
        let bill = NewBill {
            estimated: new.estimate,
            biller,
            reference: new.reference,
            remind_days,
            note: new.note,
            cap: new.about.cap.map(|text| amount(&text, currency)).transpose()?,
            issue_days: new.about.arrives,
            grace_days: new.about.grace.unwrap_or(0),
            lead_days: new.about.lead.unwrap_or(0),
            card,
            ..NewBill::new(new.name, amount(&new.amount, currency)?, schedule)
        };
        let name = bill.name.clone();
        let id = self.core.client.bills().add(bill).await?;
        self.core.send_soon().await;
        Ok(Answer::new(json!({ "id": id }), format!("{name} is added.\n")))
    }

    async fn list_bills(&self) -> Done {
        let view = self.core.client.bills().view().await?;
        let mut items = Vec::new();
        let mut rows = Vec::new();
        for one in &view.bills {
            let mut item = to_json(&one.bill)?;
            item["next_due_on"] = json!(one.next_due_on);
            item["amount"] = to_json(&one.amount)?;
            item["paused"] = json!(one.paused);
            item["payable"] = json!(one.payable);
            item["biller_name"] = json!(one.biller_name);
            item["rrule"] = json!(write_rrule(&one.bill.schedule));
            items.push(item);
            let about = if one.bill.estimated { "about " } else { "" };
            let next = one.next_due_on.map_or_else(|| "ended".to_owned(), |date| date.to_string());
            rows.push(vec![one.bill.name.clone(), format!("{about}{}", one.amount), next, one.bill.id.to_string()]);
        }
        Ok(Answer::new(json!({ "items": items }), table(&["Bill", ">Amount", "Next", "Id"], &rows)))
    }

    async fn edit_bill(&self, edit: EditBillArguments) -> Done {
        let view = self.bill_view(&edit.bill).await?;
        let shown = view.bill;
        let before = Bill { amount: view.amount, ..shown.clone() };
        let currency = before.amount.currency();
        if let Some(every) = edit.every {
            edit.rule.fits(every)?;
        }
        let every = edit.every.map_or(before.schedule.every, EveryWord::every);
        let same = edit.every.is_none() && edit.rule.says_nothing();
        let schedule = (!same).then(|| edit.rule.applied_to(before.schedule.clone(), every));
        let biller = match edit.payee.as_deref() {
            None => None,
            Some("none") => Some(None),
            Some(typed) => Some(Some(self.biller(typed).await?.id)),
        };
        let change = BillEdit {
            name: edit.name,
            amount: edit.amount.map(|text| amount(&text, currency)).transpose()?,
            estimated: edit.estimate,
            schedule,
            biller,
            reference: edit.reference.map(filled),
            card: None,
            remind_days: edit.remind,
            note: edit.note.map(filled),
            cap: edit.about.cap.map(|text| amount(&text, currency).map(Some)).transpose()?,
            issue_days: edit.about.arrives.map(Some),
            grace_days: edit.about.grace,
            lead_days: edit.about.lead,
            ..BillEdit::default()
        };
        if change == BillEdit::default() {
            return Err(Failure::usage("say what to change, such as --amount 950.00"));
        }
        let id = before.id;
        let scope = edit.from.map_or(EditScope::All, |due_on| EditScope::From { due_on });
        self.core.client.bills().edit_whole(shown, change.applied_to(before), scope).await?;
        self.core.send_soon().await;
        Ok(Answer::new(json!({ "id": id }), "The bill is changed.\n"))
    }

    async fn due(&self, days: u16) -> Done {
        let due = self.core.client.bills().due(days).await?;
        if due.is_empty() {
            return Ok(Answer::new(json!({ "items": [] }), format!("Nothing is due within {days} days.\n")));
        }
        let rows: Vec<_> = due
            .iter()
            .map(|one| {
                let about = if one.estimated { "about " } else { "" };
                vec![
                    one.falls_on.to_string(),
                    one.name.clone(),
                    format!("{about}{}", one.left),
                    state_words(one),
                    one.pay_by.to_string(),
                    if one.payable { "here" } else { "elsewhere" }.to_owned(),
                ]
            })
            .collect();
        let head = ["Due", "Bill", ">Left", "State", "Pay by", "Paid"];
        Ok(Answer::new(json!({ "items": to_json(&due)? }), table(&head, &rows)))
    }

    async fn mark(&self, bill: &str, due_on: Date, how: &MarkHow) -> Done {
        let bill = self.bill(bill).await?;
        let bills = self.core.client.bills();
        let mark = match (how.paid, how.skip, &how.amount, how.move_to) {
            (true, ..) => Some(MarkAs::Paid { amount: None }),
            (_, true, ..) => Some(MarkAs::Skipped),
            (_, _, Some(text), _) => Some(MarkAs::Amount { amount: amount(text, bill.amount.currency())? }),
            (.., Some(to)) => Some(MarkAs::Moved { to }),
            _ => None,
        };
        let needs_none = matches!(mark, Some(MarkAs::Paid { .. } | MarkAs::Skipped));
        let done = match mark {
            Some(mark) => bills.mark(bill.id, due_on, mark).await.map(|_| "It is marked.")?,
            None => undone_words(bills.undo(bill.id, due_on, None).await?),
        };
        self.core.send_soon().await;
        let leaves = if needs_none { self.still_leaves(bill.id, Some(due_on)).await? } else { Vec::new() };
        let shown = json!({ "bill": bill.id, "due_on": due_on, "still_leaves": to_json(&leaves)? });
        Ok(Answer::new(shown, format!("{done}\n{}", leaves_words(&leaves))))
    }

    /// What was ordered by hand for a bill, or one due date of it, and leaves all the same.
    async fn still_leaves(&self, bill: BillId, due_on: Option<Date>) -> Result<Vec<PaymentView>, Failure> {
        let mut all = self.core.client.payments().list().await?;
        all.retain(|one| {
            let of_it = one.bill == Some(bill) && due_on.is_none_or(|date| one.due_on == Some(date));
            of_it && one.can_cancel && !one.autopay
        });
        Ok(all)
    }

    async fn bill(&self, typed: &str) -> Result<Bill, Failure> {
        Ok(self.bill_view(typed).await?.bill)
    }

    async fn bill_view(&self, typed: &str) -> Result<BillView, Failure> {
        let view = self.core.client.bills().view().await?;
        let by = |view: &BillView| (view.bill.id.to_string(), view.bill.name.clone());
        let card = named(view.cards, typed, "card", by);
        named(view.bills, typed, "bill", by).map_err(|failure| match card {
            Ok(card) => Failure {
                message: format!("{} is a card of the server, and no bill", card.bill.name),
                next: format!("pay it: `billfold card pay {}`", card.bill.id),
                ..failure
            },
            Err(_) => failure,
        })
    }

    async fn biller(&self, typed: &str) -> Result<BillerView, Failure> {
        let words = if typed.parse::<domain::ids::BillerId>().is_ok() { "" } else { typed };
        let billers = self.core.client.billers().search(words).await?;
        named(billers, typed, "biller", |biller| (biller.id.to_string(), biller.name.clone()))
    }

    async fn billers(&self, search: &str) -> Done {
        let billers = self.core.client.billers().search(search).await?;
        let rows: Vec<_> = billers
            .iter()
            .map(|biller| {
                let payable = match (biller.payable, biller.own) {
                    (true, _) => "can be paid here",
                    (false, true) => "yours, not payable here",
                    (false, false) => "not payable here",
                };
                let accepts: Vec<&str> = biller.accepts.iter().map(|way| way.as_str()).collect();
                vec![biller.name.clone(), payable.to_owned(), accepts.join(", "), biller.id.to_string()]
            })
            .collect();
        let directory = self.core.client.billers().directory().await?;
        let mut text = table(&["Biller", "", "Takes", "Id"], &rows);
        if let Some(why) = directory.refused {
            text += &format!("Version {} stays: {}.\n", directory.version, why.as_str());
        }
        Ok(Answer::new(json!({ "items": to_json(&billers)?, "directory": to_json(&directory)? }), text))
    }

    async fn export(&self, out: &Path, open_browser: bool) -> Done {
        let export = self.core.client.export();
        match export.fetch(open_browser).await? {
            Fetched::InBrowser(begun) => {
                let mut answer = visit_started(&begun);
                answer.text += "Show your passkey there, then run this again within five minutes.\n";
                Ok(answer)
            }
            Fetched::Archive(archive) => {
                let bytes = export.save(archive, out.to_owned()).await?;
                let text = format!("Everything is in {}. Whoever has that file can read it.\n", out.display());
                Ok(Answer::new(json!({ "file": out.to_string_lossy(), "bytes": bytes }), text))
            }
        }
    }

    async fn own_billers(&self, what: BillersCommand) -> Done {
        let billers = self.core.client.billers();
        let known = billers.own().await?;
        let key = |one: &OwnBiller| (one.id.to_string(), one.name.clone());
        match what {
            BillersCommand::Set { name, accepts, how, category } => {
                let wanted = name.trim().to_lowercase();
                let before = known.into_iter().find(|one| one.name.to_lowercase() == wanted);
                let (id, kept) = before.map_or((None, None), |one| (Some(one.id), Some(one)));
                let was = |text: fn(OwnBiller) -> String| kept.clone().map(text).unwrap_or_default();
                let ways = accepts.map(|ways| ways.into_iter().map(Accepts::from).collect());
                let new = NewBiller {
                    accepts: ways.unwrap_or_else(|| kept.clone().map(|one| one.accepts).unwrap_or_default()),
                    how_to_pay: how.unwrap_or_else(|| was(|one| one.how_to_pay)),
                    category: category.unwrap_or_else(|| was(|one| one.category)),
                    name,
                };
                let id = billers.put(id, new).await?;
                let kept = billers.own().await?.into_iter().find(|one| one.id == id);
                let kept = kept.ok_or_else(|| Failure::not_found("biller"))?;
                Ok(Answer::new(
                    json!({ "biller": to_json(&kept)? }),
                    format!("{} is one of your billers.\n", kept.name),
                ))
            }
            BillersCommand::Remove { biller } => {
                let biller = named(known, &biller, "biller of your own", key)?;
                billers.remove(biller.id).await?;
                let text = format!("{} is gone; its bills stay.\n", biller.name);
                Ok(Answer::new(json!({ "id": biller.id }), text))
            }
        }
    }

    // ---- payments ------------------------------------------------------------------------------------------------

    /// The bill's next due date that nothing pays yet, in full unless an amount is given.
    async fn pay_bill(&self, typed: &str, sum: Option<&str>, due: Option<Date>) -> Result<PayBill, Failure> {
        let bill = self.bill(typed).await?;
        let all = self.core.client.bills().due(PAY_AHEAD_DAYS).await?;
        let mut own = all.into_iter().filter(|one| one.bill == bill.id);
        let chosen = match due {
            Some(date) => own.find(|one| one.due_on == date),
            None => own.find(|one| one.left.is_positive()),
        };
        let chosen = chosen.ok_or_else(|| Failure::not_found("due date that is left to pay"))?;
        let amount = match sum {
            Some(text) => amount(text, bill.amount.currency())?,
            None if chosen.left.is_positive() => chosen.left,
            None => {
                let message = format!("nothing is left to pay of {}", chosen.due_on);
                let next = "see `billfold payments`; to pay more all the same, say how much with --amount";
                return Err(Failure::refused("not_payable", message, next));
            }
        };
        Ok(PayBill {
            bill: Some(bill.id),
            due_on: Some(chosen.due_on),
            biller: None,
            amount,
            send_on: None,
            duplicate_meant: false,
            method: None,
        })
    }

    async fn pay_payee(&self, payee: Option<&str>, sum: Option<&str>, code: &str) -> Result<PayBill, Failure> {
        let (Some(payee), Some(sum)) = (payee, sum) else { return Err(Failure::usage("say whom and how much")) };
        let biller = self.biller(payee).await?;
        let amount = amount(sum, currency(code)?)?;
        Ok(PayBill {
            bill: None,
            due_on: None,
            biller: Some(biller.id),
            amount,
            send_on: None,
            duplicate_meant: false,
            method: None,
        })
    }

    async fn pay(&self, request: PayBill, open_browser: bool, wait: bool) -> Done {
        let id = self.core.client.payments().pay_bill(request).await?.id;
        self.core.send_soon().await;
        let payment = self.core.client.payments().find(id).await?;
        if payment.state == PaymentViewState::AwaitingApproval && wait {
            self.approve(id, open_browser).await?;
        }
        self.payment(id).await
    }

    async fn payment(&self, id: PaymentId) -> Done {
        let payment = self.core.client.payments().find(id).await?;
        let mut text = format!("{} to {}: {}.\n", payment.amount, payment.to, payment_words(&payment)?);
        if payment.state == PaymentViewState::AwaitingApproval {
            text.push_str(&format!("Approve it with `billfold approve {id}`.\n"));
        }
        let answer = Answer::new(json!({ "payment": to_json(&payment)? }), text);
        Ok(Answer { refused: payment.refusal().map(Failure::from), ..answer })
    }

    /// Says at once where to approve, and waits until it was done there.
    async fn approve(&self, id: PaymentId, open_browser: bool) -> Result<(), Failure> {
        let started = self.core.client.payments().approve(id, open_browser).await?;
        let opened = if started.browser_opened { "The browser is open. If it is not, open" } else { "Open" };
        let words = format!("{opened} this address within two minutes, and approve there:\n  {}\n", started.address);
        // Nobody listens any more: the approval goes on all the same.
        let _ = self.say.send(words);
        self.core.client.payments().approved(id).await?;
        Ok(())
    }

    async fn ready(&self, accept_terms: Option<&str>) -> Done {
        if let Some(version) = accept_terms {
            self.core.client.accept_terms(version).await?;
        }
        let ready = self.core.client.readiness().await?;
        let mut text = String::new();
        for one in &ready.items {
            let (mark, fix) = match one.met {
                Met::Yes => ("yes", String::new()),
                Met::NotAsked => ("not asked", String::new()),
                Met::No => ("MISSING", format!(" – {}", fix_of(one.what, ready.terms.as_ref()))),
            };
            text.push_str(&format!("{}: {mark}{fix}\n", word(&one.what)));
        }
        text.push_str(if ready.ready { "You can pay.\n" } else { "Paying waits for what is missing.\n" });
        Ok(Answer::new(to_json(&ready)?, text))
    }

    async fn limits(&self, wish: Option<(&str, &str)>, currency: &str, open_browser: bool) -> Done {
        let payments = self.core.client.payments();
        if let Some((payment, day)) = wish {
            let currency: Currency = currency.parse().map_err(|_| {
                Failure::refused("unknown_currency", "this currency is not known", "say its code, such as USD")
            })?;
            let minor = |text| amount(text, currency).map(Money::minor);
            let limits = Limits { payment_minor: minor(payment)?, day_minor: minor(day)? };
            if let Some(begun) = payments.set_limits(currency, limits, open_browser).await?.visit {
                return Ok(visit_started(&begun));
            }
        }
        let all = payments.limits().await?;
        let said =
            |minor, currency| Money::new(minor, currency).map_or_else(|_| String::new(), |money| money.to_string());
        let row = |one: &LimitsView| {
            let next = one.next.map_or_else(String::new, |next| {
                format!(
                    "{} and {} from {}",
                    said(next.limits.payment_minor, one.currency),
                    said(next.limits.day_minor, one.currency),
                    next.from
                )
            });
            vec![said(one.limits.payment_minor, one.currency), said(one.limits.day_minor, one.currency), next]
        };
        let rows: Vec<_> = all.iter().map(row).collect();
        let text = table(&["One payment", "24 hours", "Waiting"], &rows);
        Ok(Answer::new(json!({ "items": to_json(&all)? }), text))
    }

    async fn edit_payment(&self, typed: &str, sum: Option<&str>, on: Option<Date>, soonest: bool) -> Done {
        let id = payment_id(typed)?;
        let payments = self.core.client.payments();
        let currency = payments.find(id).await?.amount.currency();
        let sum = sum.map(|text| amount(text, currency)).transpose()?;
        let send_on = match on {
            Some(day) => SendOn::Day(day),
            None if soonest => SendOn::Soonest,
            None => SendOn::AsBefore,
        };
        payments.edit(id, sum, send_on).await?;
        self.payment(id).await
    }

    async fn payments(&self) -> Done {
        let payments = self.core.client.payments().list().await?;
        let mut rows = Vec::new();
        for payment in &payments {
            let sends = payment.sends_on.map_or_else(String::new, |date| date.to_string());
            rows.push(vec![
                payment.amount.to_string(),
                payment.to.clone(),
                payment_words(payment)?,
                sends,
                payment.id.to_string(),
            ]);
        }
        let heads = [">Amount", "To", "State", "Leaves", "Id"];
        Ok(Answer::new(json!({ "items": to_json(&payments)? }), table(&heads, &rows)))
    }

    async fn cancel(&self, typed: &str) -> Done {
        let id = payment_id(typed)?;
        self.core.client.payments().cancel(id).await?;
        self.core.send_soon().await;
        let payment = self.core.client.payments().find(id).await?;
        let text = format!("{}.\n", payment_words(&payment)?);
        Ok(Answer::new(json!({ "payment": to_json(&payment)? }), text))
    }

    // ---- reminders -----------------------------------------------------------------------------------------------

    async fn remind(&self, dry_run: bool) -> Done {
        let shown = self.core.remind(dry_run).await?;
        // What could not be shown is still to be shown.
        let not_shown = if dry_run { 0 } else { self.core.remind(true).await?.len() };
        let verb = if dry_run { "would be shown" } else { "shown" };
        let mut text = format!("{} {verb}.\n", shown.len());
        for notice in &shown {
            text += &format!("  {}\n", notice.title);
        }
        let items: Vec<_> = shown.iter().map(|notice| json!({ "title": notice.title, "body": notice.body })).collect();
        let json = json!({ "shown": shown.len(), "not_shown": not_shown, "items": items, "dry_run": dry_run });
        let refused = if shown.is_empty() && not_shown > 0 { Some(unseen().await) } else { None };
        Ok(Answer { refused, ..Answer::new(json, text) })
    }

    async fn reminders(&self, what: Option<RemindersCommand>) -> Done {
        match what {
            None => self.reminders_shown().await,
            Some(RemindersCommand::On) => self.reminders_timer(true).await,
            Some(RemindersCommand::Off) => self.reminders_timer(false).await,
            Some(RemindersCommand::Set(set)) => self.reminders_set(set).await,
            Some(RemindersCommand::Email { switch, details, at }) => self.reminders_email(switch, details, at).await,
            Some(RemindersCommand::Test { wait }) => self.reminders_test(wait).await,
        }
    }

    async fn reminders_shown(&self) -> Done {
        let view = self.core.client.reminders().view(self.core.timer_state().await).await?;
        let mut text = timer_words(&view.timer);
        text += &match (&view.next, view.why_none) {
            (Some(next), _) => format!("Next: {}, due {}, comes {}.\n", next.name, next.falls_on, local(next.at)),
            (None, Some(why)) => format!("Next: none, because {}.\n", why.as_str()),
            (None, None) => "Next: none.\n".to_owned(),
        };
        for one in view.coming.iter().skip(1) {
            text += &format!("Then: {}, due {}, comes {}.\n", one.name, one.falls_on, local(one.at));
        }
        for one in &view.silent {
            text += &format!("None for {}: {}.\n", one.name, one.why.as_str());
        }
        if view.held > 0 {
            text += &format!("{} waiting for the end of the quiet hours.\n", view.held);
        }
        if let Some(test) = &view.test {
            text += &test_words(test);
        }
        let rows: Vec<Vec<String>> =
            view.delivered.iter().map(|one| vec![local(one.at), one.name.clone(), one.falls_on.to_string()]).collect();
        text +=
            &if rows.is_empty() { "None was shown yet.\n".to_owned() } else { table(&["Shown", "Bill", "Due"], &rows) };
        Ok(Answer::new(to_json(&view)?, text))
    }

    async fn reminders_email(&self, switch: Option<Switch>, details: bool, at: Option<String>) -> Done {
        let email = self.core.client.email_reminders();
        let view = match switch {
            None => email.view().await?,
            Some(Switch::Off) => {
                email.end().await?;
                email.view().await?
            }
            Some(Switch::On) => {
                let at = match at {
                    Some(at) => at,
                    None => self.core.client.settings().await?.remind_at,
                };
                email.set(details, &at).await?
            }
        };
        let text = match (&view.on, &view.to) {
            (None, _) => "No reminders come by e-mail.\n".to_owned(),
            (Some(on), Some(to)) => {
                let what = if on.details { "with names and amounts" } else { "without names or amounts" };
                format!("Reminders go to {to} at {} ({}), {what}.\n", on.remind_at, on.zone)
            }
            (Some(_), None) => {
                "Reminders by e-mail are on, and there is no confirmed address: `billfold security add-address`.\n"
                    .to_owned()
            }
        };
        Ok(Answer::new(to_json(&view)?, text))
    }

    async fn reminders_test(&self, wait: u64) -> Done {
        let reminders = self.core.client.reminders();
        let mut test = reminders.test().await?;
        if test.stopped.is_none() {
            // Whoever asked for it may have left; the words are for who is there.
            let _ = self.say.send("The notice is shown: press one of its buttons, or close it.\n".to_owned());
            test = reminders.test_outcome(Duration::from_secs(wait.min(TEST_WAIT_MAX))).await?.unwrap_or(test);
        }
        if let Some(stop) = &test.stopped {
            let why = format!("the test stopped before `{}`: {}", stop.step.as_str(), stop.why);
            return Err(Failure::refused("reminder_stopped", why, &stop.next));
        }
        Ok(Answer::new(json!({ "test": to_json(&test)? }), test_words(&test)))
    }

    async fn reminders_timer(&self, on: bool) -> Done {
        self.core.set_timer(on).await?;
        let state = self.core.timer_state().await;
        let text = timer_words(&state);
        Ok(Answer::new(json!({ "timer": to_json(&state)? }), text))
    }

    async fn reminders_set(&self, set: ReminderSettings) -> Done {
        let mut settings = self.core.client.settings().await?;
        let on = |switch: Option<Switch>, before| switch.map_or(before, |switch| switch == Switch::On);
        settings.again_while_unpaid = on(set.again, settings.again_while_unpaid);
        settings.tell_of_payments = on(set.payments, settings.tell_of_payments);
        settings.details_in_notifications = on(set.details, settings.details_in_notifications);
        settings.remind_at = set.at.unwrap_or(settings.remind_at);
        if let Some(QuietWord(quiet)) = set.quiet {
            settings.quiet = quiet.map(|(from, until)| Quiet { from, until });
        }
        self.core.client.set_settings(settings).await?;
        let kept = self.core.client.settings().await?;
        let said = json!({
            "at": kept.remind_at,
            "quiet": to_json(&kept.quiet)?,
            "again": kept.again_while_unpaid,
            "payments": kept.tell_of_payments,
            "details": kept.details_in_notifications,
        });
        Ok(Answer::new(said, format!("Reminders come at {}.\n", kept.remind_at)))
    }

    // ---- the calendar feed ---------------------------------------------------------------------------------------

    async fn calendar(&self, what: Option<CalendarCommand>) -> Done {
        let feed = self.core.client.calendar_feed();
        match what {
            None => {
                let view = feed.view().await?;
                Ok(Answer::new(to_json(&view)?, calendar_words(&view)))
            }
            Some(CalendarCommand::On { amounts, at }) => {
                let at = match at {
                    Some(at) => at,
                    None => self.core.client.settings().await?.remind_at,
                };
                let address = feed.make_address(amounts, &at).await?;
                let text = format!(
                    "Subscribe to this address in your calendar; it is shown this once:\n  {address}\n\
                     Whoever has it reads the names and days of what is due{}.\n",
                    if amounts { ", and the amounts" } else { "" }
                );
                Ok(Answer::new(json!({ "address": address, "amounts": amounts, "at": at }), text))
            }
            Some(CalendarCommand::Off) => {
                feed.end().await?;
                Ok(Answer::new(json!({ "feed": null }), "The address has ended.\n"))
            }
            Some(CalendarCommand::Save { file, over }) => {
                let file = self.file_for(&file, over)?;
                feed.save(file.clone()).await?;
                let text = format!("The due dates are in {}.\n", file.display());
                Ok(Answer::new(json!({ "file": file.to_string_lossy() }), text))
            }
        }
    }
}

fn calendar_words(view: &CalendarFeedView) -> String {
    let Some(feed) = &view.feed else { return "No calendar can subscribe: there is no address.\n".to_owned() };
    let amounts = if feed.amounts { "with amounts" } else { "without amounts" };
    let read = feed.read_at.map_or_else(|| "It was not read yet".to_owned(), |at| format!("Last read {}", local(at)));
    let here = if view.only_here { "It is read on this computer alone, while Billfold runs.\n" } else { "" };
    format!(
        "There is an address since {}, {amounts}, alarms at {}. {read}.\n{here}",
        local(feed.made_at),
        feed.remind_at
    )
}

/// Why reminders that are due do not appear.
async fn unseen() -> Failure {
    let asked = tokio::task::spawn_blocking(crate::os::notify::about).await;
    let why = match asked {
        Ok(Err(why)) => why,
        Ok(Ok(_)) | Err(_) => "the notification service did not take it".to_owned(),
    };
    let next = "start it in a desktop session; `billfold due` says what is due";
    Failure::refused("reminder_stopped", format!("no reminder could be shown: {why}"), next)
}

/// A folder, a pipe or a device is there, and can be no export of a bank.
fn is_no_file(path: &Path) -> Result<(), Failure> {
    let refused = |what, next| Err(Failure::refused("file_failed", what, next));
    match path.metadata() {
        Ok(found) if found.is_dir() => refused("a folder is there, and not a file", "name the file in it"),
        Ok(found) if !found.is_file() => {
            refused("a pipe or a device is there, and not a file", "save it as a file first, then import that")
        }
        _ => Ok(()),
    }
}

const fn are(count: u32, preview: bool) -> &'static str {
    match (preview, count) {
        (true, _) => "would be",
        (false, 1) => "is",
        (false, _) => "are",
    }
}

/// What an archive of everything came to.
fn archive_words(archive: &ArchiveView, preview: bool) -> String {
    let mut text = format!("Archive of {}, made {}:\n", archive.server, archive.made_at);
    for part in &archive.parts {
        let verb = are(part.new, preview);
        text += &format!("  {}: {} {verb} new, {} known\n", part.what.as_str(), part.new, part.known);
    }
    if archive.history > 0 {
        text += &format!("  History that stays in the archive: {}.\n", archive.history);
    }
    if archive.under_way > 0 {
        text += &format!(
            "  Payments that were under way when it was made, and are where they were ordered: {}.\n",
            archive.under_way
        );
    }
    if archive.without_biller > 0 {
        text += &format!("  Bills that come without a biller, whom nobody here knows: {}.\n", archive.without_biller);
    }
    text
}

fn test_words(test: &ReminderTestView) -> String {
    let at = local(test.at);
    match (&test.stopped, test.answer) {
        (Some(stop), _) => format!("Test of {at}: it stopped before `{}`: {}.\n", stop.step.as_str(), stop.why),
        (None, Some(TestAnswer::Button { action })) => {
            format!("Test of {at}: the whole way works; `{}` came back.\n", action.as_str())
        }
        (None, Some(TestAnswer::Closed)) => format!("Test of {at}: the whole way works; it was closed by hand.\n"),
        (None, None) if test.reached == Some(TestStep::Shown) => {
            format!("Test of {at}: planned, recorded and shown; nobody answered the notice.\n")
        }
        (None, None) => format!("Test of {at}: Billfold ended before the notice was shown.\n"),
    }
}

fn timer_words(state: &TimerState) -> String {
    match state {
        TimerState::On => "Reminders come while Billfold is closed, too.\n".to_owned(),
        TimerState::Off => "Reminders come only while Billfold runs.\n".to_owned(),
        TimerState::NotHere { why } => format!("Reminders come only while Billfold runs: {why}.\n"),
    }
}

/// In the zone of this computer, to the minute.
fn local(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Which guard stands before the copy.
const fn protection_words(by: Option<Protection>) -> &'static str {
    match by {
        None => "nothing yet",
        Some(Protection::Keyring) => "the system's keyring",
        Some(Protection::KeyringAndPassphrase) => "the system's keyring and a passphrase",
        Some(Protection::Passphrase) => "a passphrase",
        Some(Protection::Memory) => "memory alone: nothing is kept",
    }
}

fn locked_words(because: Option<LockReason>) -> String {
    match because {
        None => "no".to_owned(),
        Some(LockReason::Started) => "yes, since it began".to_owned(),
        Some(LockReason::Idle { minutes }) => format!("yes, after {minutes} minutes without use"),
        Some(LockReason::Slept) => "yes, the computer slept".to_owned(),
        Some(LockReason::ScreenLocked) => "yes, with the computer's screen".to_owned(),
        Some(LockReason::OtherPerson) => "yes, another person took the desk".to_owned(),
        Some(LockReason::ByHand | LockReason::Ended) => "yes, by hand".to_owned(),
        Some(LockReason::CopyFailed) => "yes, the copy could not be opened again".to_owned(),
    }
}

fn export_bindings(path: &Path) -> Done {
    crate::commands::export(path).map_err(Failure::system)?;
    Ok(Answer::new(json!({ "file": path.to_string_lossy() }), format!("Written to {}.\n", path.display())))
}

/// By id, or by name when it is the only one of that name; case does not matter.
fn named<T>(all: Vec<T>, typed: &str, what: &str, key: impl Fn(&T) -> (String, String)) -> Result<T, Failure> {
    let wanted = typed.trim().to_lowercase();
    let mut found: Vec<T> = all
        .into_iter()
        .filter(|one| {
            let (id, name) = key(one);
            id == wanted || name.to_lowercase() == wanted
        })
        .collect();
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(Failure::not_found(what)),
        _ => Err(Failure::refused("ambiguous", format!("there are several such {what}s"), "name it by its id")),
    }
}

fn new_schedule(every: Option<EveryWord>, rrule: Option<&str>, rule: RuleWords) -> Result<Schedule, Failure> {
    let starts_on = rule.starts.unwrap_or_else(today);
    let before = match rrule {
        Some(line) => read_rrule(line, starts_on)?,
        None => Schedule::new(every.map_or(Every::Month, EveryWord::every), 1, starts_on),
    };
    let every = before.every;
    Ok(rule.applied_to(before, every))
}

/// All but what makes an account, takes it away, or says how things are.
const fn needs_account(command: &Command) -> bool {
    !matches!(
        command,
        Command::Account { .. }
            | Command::SignIn { .. }
            | Command::SignOut { .. }
            | Command::Status
            | Command::Lock
            | Command::Unlock
            | Command::Check
            | Command::ExportBindings { .. }
    )
}

/// What timers and scripts say by themselves does not mean that somebody is there.
const fn is_typed(command: &Command) -> bool {
    !matches!(command, Command::Remind { .. } | Command::Status | Command::Due { .. } | Command::Check)
}

/// Shows or changes what other devices and the server change, too.
const fn looks_at_the_book(command: &Command) -> bool {
    matches!(
        command,
        Command::Status
            | Command::Import { .. }
            | Command::Imports
            | Command::Remind { .. }
            | Command::Reminders { .. }
            | Command::Accounts
            | Command::Transactions { .. }
            | Command::Bills { .. }
            | Command::Due { .. }
            | Command::Mark { .. }
            | Command::Pay { .. }
            | Command::Payments
            | Command::EditPayment { .. }
            | Command::Cancel { .. }
            | Command::Card { .. }
            | Command::Plan { .. }
    )
}

const fn undone_words(undone: Undone) -> &'static str {
    match undone {
        Undone { whole: false, .. } => "It is taken back, but for what another device said of it meanwhile.",
        Undone { all_by: Some(_), .. } => "It is not marked any more.",
        Undone { all_by: None, .. } => "It stands as before.",
    }
}

/// What leaves although its due date needs it no more, and how to stop it.
fn leaves_words(payments: &[PaymentView]) -> String {
    let words = |one: &PaymentView| {
        let on = one.sends_on.map(|day| format!(" on {day}")).unwrap_or_default();
        format!("{} to {} still leaves{on}: `billfold cancel {}` stops it.\n", one.amount, one.to, one.id)
    };
    payments.iter().map(words).collect()
}

/// An empty text clears the field.
fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

fn currency(code: &str) -> Result<Currency, Failure> {
    let known = code.to_uppercase().parse();
    known
        .map_err(|_| Failure::refused("unknown_currency", "this currency is not known", "use an ISO code, such as USD"))
}

fn amount(text: &str, currency: Currency) -> Result<Money, Failure> {
    let like = match currency.exponent() {
        0 => format!("write it without decimals in {currency}, like 950"),
        places => format!("write it like 950.{}", "0".repeat(usize::from(places))),
    };
    let refused = |message: String, next: &str| Failure::refused("invalid_amount", message, next);
    // A mark before as many digits as a group has may mean either, a thousand times apart. A point is what dinars are
    // written with.
    let may_group = text.rsplit_once([',', '.']).is_some_and(|(_, after)| after.trim_end().len() == GROUP_DIGITS);
    if may_group && (text.contains(',') || usize::from(currency.exponent()) != GROUP_DIGITS) {
        let next = like.replace("write it like", "write it with a point, like");
        return Err(refused(MoneyError::Grouped.to_string(), &next));
    }
    Money::parse(text, currency).map_err(|error| match error {
        MoneyError::OutOfRange => refused(error.to_string(), "say a smaller amount"),
        _ => refused(error.to_string(), &like),
    })
}

/// Percent as typed, in millionths: `1.5` is 15,000.
fn share(text: &str) -> Result<u32, Failure> {
    let wrong = || Failure::refused("invalid_request", "the share is 0 to 100 percent", "write it like 2 or 1.5");
    let (whole, part) = text.trim_end_matches('%').split_once('.').unwrap_or((text.trim_end_matches('%'), ""));
    if part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let part: u32 = format!("{part:0<4}").parse().map_err(|_| wrong())?;
    let millionths = whole.checked_mul(10_000).and_then(|whole| whole.checked_add(part)).ok_or_else(wrong)?;
    if millionths > 1_000_000 { Err(wrong()) } else { Ok(millionths) }
}

/// A plan of a card, by id or by a name that only one has.
fn plan_named(account: &Account, typed: &str) -> Result<PlanId, Failure> {
    let plans = account.plans.clone();
    named(plans, typed, "plan", |plan| (plan.id.to_string(), plan.name.clone())).map(|plan| plan.id)
}

/// Why no payoff is worked out, with what mends it.
fn missing(why: PayoffMissing) -> Failure {
    let terms = "say it with `card terms`";
    let (message, next) = match why {
        PayoffMissing::Balance => ("no file gave a balance yet", "import one"),
        PayoffMissing::NothingOwed => ("nothing is owed", "there is nothing to pay off"),
        PayoffMissing::Terms => ("the closing day is not known", terms),
        PayoffMissing::Rate => ("the yearly rate is not known", terms),
        PayoffMissing::Minimum => ("the rule of the minimum is not known", terms),
        PayoffMissing::PlansAboveBalance => {
            ("what is left on the plans is more than the card owes", "correct a plan with `card plan --replace`")
        }
    };
    Failure::refused("payoff_unknown", message, next)
}

/// A yearly rate in percent as typed.
fn rate(text: &str) -> Result<Apr, Failure> {
    let wrong = |_| Failure::refused("invalid_request", "the rate is 0 to 100 percent", "write it like 27.99");
    Apr::new(share(text)?).map_err(wrong)
}

/// The day it is here.
#[expect(clippy::disallowed_methods, reason = "a person types the command now")]
fn today() -> Date {
    Zoned::now().date()
}

/// The code of something, as words.
fn word(code: &impl serde::Serialize) -> String {
    let code = serde_json::to_value(code).ok();
    code.as_ref().and_then(Value::as_str).unwrap_or_default().replace('_', " ")
}

/// Where a visit of the browser begins.
const fn factor_kind(kind: FactorKind) -> &'static str {
    match kind {
        FactorKind::Totp => "authenticator app",
        FactorKind::Email => "e-mail",
        FactorKind::Text => "text message",
    }
}

/// How to go on, where a list does.
fn more(next: Option<&str>) -> String {
    next.map_or_else(String::new, |next| format!("More: --after {next}\n"))
}

fn visit_started(begun: &VisitStarted) -> Answer {
    let opened = if begun.browser_opened { "The browser is open. If it is not, open" } else { "Open" };
    let text = format!("{opened} this address within two minutes:\n  {}\n", begun.address);
    Answer::new(json!({ "address": begun.address, "browser_opened": begun.browser_opened }), text)
}

fn to_json(value: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|_| Failure::system("the answer could not be written as JSON"))
}

fn recovery_state(state: &RecoveryState) -> String {
    match state {
        RecoveryState::None => "No recovery runs.".to_owned(),
        RecoveryState::Waiting { ready_at } => {
            format!("A recovery waits until {ready_at}. If it was not you: billfold security recovery stop")
        }
        RecoveryState::Ready { ends_at } => {
            format!("A new passkey can be made until {ends_at}. If it was not you: billfold security recovery stop")
        }
        RecoveryState::Stopped { until } => format!("A recovery was stopped; none can begin before {until}."),
    }
}

fn address_state(state: AddressState) -> String {
    match state {
        AddressState::Unconfirmed => "not confirmed yet".to_owned(),
        AddressState::Waiting { usable_at } => format!("confirmed, helps you back in from {usable_at}"),
        AddressState::Confirmed => "confirmed".to_owned(),
        AddressState::Leaving { leaves_at } => format!("removed, still told until {leaves_at}"),
    }
}

fn account_json(view: &AccountView) -> Result<Value, Failure> {
    let mut item = to_json(&view.account)?;
    item["transactions"] = json!(view.transactions);
    item["first_on"] = json!(view.first_on);
    item["last_on"] = json!(view.last_on);
    Ok(item)
}

fn state_words(one: &OccurrenceView) -> String {
    match one.state {
        OccurrenceState::Due => match one.days {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            days => format!("in {days} days"),
        },
        OccurrenceState::Overdue if one.days == -1 => "1 day late".to_owned(),
        OccurrenceState::Overdue => format!("{} days late", -one.days),
        OccurrenceState::Scheduled => "scheduled".to_owned(),
        OccurrenceState::Pending if one.not_sent => "not sent yet".to_owned(),
        OccurrenceState::Pending => "on its way".to_owned(),
        OccurrenceState::PartlyPaid => "partly paid".to_owned(),
        OccurrenceState::Paid => "paid".to_owned(),
        OccurrenceState::Skipped => "skipped".to_owned(),
    }
}

/// What to do about a prerequisite that is missing.
fn fix_of(what: Prerequisite, terms: Option<&TermsView>) -> String {
    match what {
        Prerequisite::GoodStanding => "release your account: `billfold security release`".to_owned(),
        Prerequisite::AcceptedTerms => terms.map_or_else(String::new, |terms| {
            format!("read {} and run `billfold ready --accept-terms {}`", terms.address, terms.version)
        }),
        Prerequisite::ConfirmedEmail => "add an address: `billfold security add-address`".to_owned(),
        Prerequisite::Passkey => "add a passkey: `billfold security add-passkey`".to_owned(),
        Prerequisite::FundingAccount => "whoever runs the server opens an account for you".to_owned(),
        Prerequisite::Money => "wait until money has come in, or mark the bill paid elsewhere".to_owned(),
    }
}

fn payment_id(typed: &str) -> Result<PaymentId, Failure> {
    typed.parse().map_err(|_| Failure::not_found("payment"))
}

fn payment_words(payment: &PaymentView) -> Result<String, Failure> {
    let state = to_json(&payment.state)?;
    let words = state.as_str().unwrap_or_default().replace('_', " ");
    Ok(with_reason(words, payment.reason.as_deref()))
}

/// A state with the code of its reason, as words; one that says the state, too, stands alone.
fn with_reason(state: String, reason: Option<&str>) -> String {
    match reason.map(|reason| reason.replace('_', " ")) {
        None => state,
        Some(reason) if reason.starts_with(&state) => reason,
        Some(reason) => format!("{state}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_document_with_code_words_and_the_next_step() {
        let outcome = failed(Failure::not_found("bill"), true);
        let read: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let next = "see which there are: `billfold bills list`";
        assert_eq!(read, json!({ "error": { "code": "not_found", "message": "there is no such bill", "next": next } }));
        assert_eq!(outcome.exit, 1);
        assert!(failed(Failure::not_found("bill"), false).stdout.is_empty(), "words are for standard error");
    }

    #[test]
    fn what_was_kept_and_refused_stands_beside_the_error() {
        let mut answer = Answer::new(json!({ "payment": { "state": "refused" } }), "40.00 USD: refused.\n");
        answer.refused = Some(Failure::refused("possible_duplicate", "it was paid", "say that it is meant"));
        let outcome = outcome(Ok(answer), true);
        let read: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let error = json!({ "code": "possible_duplicate", "message": "it was paid", "next": "say that it is meant" });
        assert_eq!(read, json!({ "payment": { "state": "refused" }, "error": error }));
        assert_eq!(outcome.exit, 1, "a script must not take it for paid");
        assert!(outcome.stderr.contains("say that it is meant"));
    }

    #[test]
    fn an_amount_that_is_refused_is_shown_as_its_currency_writes_it() {
        let next = |text: &str, code: &str| amount(text, code.parse().unwrap()).unwrap_err().next;
        for text in ["1.005", "1,000", "1.000", "-1,250", "12,000"] {
            assert_eq!(next(text, "USD"), "write it with a point, like 950.00", "{text}");
        }
        assert_eq!(next("5,000", "JPY"), "write it without decimals in JPY, like 950");
        assert_eq!(next("1200.5", "JPY"), "write it without decimals in JPY, like 950");
        assert_eq!(next("1.2345", "KWD"), "write it like 950.000");
        assert_eq!(next("1,234", "KWD"), "write it with a point, like 950.000");
        assert_eq!(next("99999999999999999999", "USD"), "say a smaller amount");
        let dinars = |text: &str| amount(text, "KWD".parse().unwrap());
        assert!(dinars("1,234").is_err(), "a thousand times more or less");
        assert_eq!(dinars("1.234").unwrap().minor(), 1_234);
        assert_eq!(dinars("1,5").unwrap().minor(), 1_500);
        assert_eq!(amount("12,50", "USD".parse().unwrap()).unwrap().minor(), 1_250);
    }

    #[test]
    fn what_is_locked_names_what_to_type() {
        assert!(how_to_unlock(Some(Protection::Passphrase)).contains("--passphrase-file FILE"));
        assert!(how_to_unlock(Some(Protection::KeyringAndPassphrase)).contains("--passphrase-file FILE"));
        assert!(how_to_unlock(Some(Protection::Keyring)).contains("billfold unlock"));
    }

    #[test]
    fn wrong_usage_exits_with_2_and_is_json_when_json_was_asked_for() {
        let argv = ["billfold", "--json", "pay"].map(OsString::from);
        let error = Arguments::try_parse_from(&argv).unwrap_err();
        let outcome = not_a_command(&error, &argv);
        let read: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!((outcome.exit, read["error"]["code"].as_str()), (2, Some("usage")));
    }

    #[test]
    fn help_is_no_error() {
        let argv = ["billfold", "--help"].map(OsString::from);
        let outcome = not_a_command(&Arguments::try_parse_from(&argv).unwrap_err(), &argv);
        assert_eq!(outcome.exit, 0);
        assert!(outcome.stdout.contains("Usage"));
    }

    fn refused_usage(words: &[&str]) -> Failure {
        let argv: Vec<OsString> = ["billfold", "--json"].iter().chain(words).map(OsString::from).collect();
        let outcome = not_a_command(&Arguments::try_parse_from(&argv).unwrap_err(), &argv);
        let read: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let said = |name: &str| read["error"][name].as_str().unwrap_or_default().to_owned();
        Failure { code: said("code"), message: said("message"), next: said("next"), exit: outcome.exit }
    }

    #[test]
    fn wrong_usage_says_what_to_type() {
        for (words, message, next) in [
            ("bills", "say which: add, list, edit, pause, resume or remove", "see `billfold help bills`"),
            (
                "security support check",
                "the following required arguments were not provided: <CODE>",
                "see `billfold help`",
            ),
            ("pay Rent --on tomorrow", "`tomorrow` is no date for --on <DATE>", "write it like 2027-01-31"),
            (
                "transactions --since 10000-01-01",
                "`10000-01-01` is no date for --since <DATE>",
                "write it like 2027-01-31",
            ),
            ("due --days -1", "`-1` is below zero", "write a number from 0 up there"),
            ("card open Store --limit -3", "`-3` is below zero", "write a number from 0 up there"),
            ("bills edit Rent --remind 3,x", "`x` is no number for --remind <DAYS>", "write it in digits, like 3"),
            (
                "due --days 9999",
                "invalid value '9999' for '--days <DAYS>': 9999 is not in 0..=3660",
                "see `billfold help`",
            ),
        ] {
            let failure = refused_usage(&words.split(' ').collect::<Vec<_>>());
            assert_eq!((failure.message.as_str(), failure.next.as_str()), (message, next), "{words}");
            assert_eq!((failure.code.as_str(), failure.exit), ("usage", 2));
        }
        for (words, named) in [
            ("pay", "<BILL|--payee <BILLER>>"),
            ("bills add --name X --amount 1", "<--every <EVERY>|--rrule <LINE>>"),
            ("edit-payment 1", "<--amount <AMOUNT>|--on <DATE>|--soonest>"),
        ] {
            let failure = refused_usage(&words.split(' ').collect::<Vec<_>>());
            assert!(failure.message.contains(named), "{words}: {}", failure.message);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_word_that_is_no_text_is_wrong_usage_and_a_path_may_be_any() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = || OsString::from_vec(b"bad\xff".to_vec());
        for words in [&["bills", "add", "--amount", "5", "--every", "month", "--name"][..], &["status"], &[]] {
            let argv: Vec<OsString> =
                ["billfold", "--json"].iter().chain(words).map(OsString::from).chain([odd()]).collect();
            let outcome = not_a_command(&Arguments::try_parse_from(&argv).unwrap_err(), &argv);
            let read: Value = serde_json::from_str(&outcome.stdout).unwrap();
            assert_eq!((outcome.exit, read["error"]["code"].as_str()), (2, Some("usage")), "{words:?}");
        }
        let read = Arguments::try_parse_from([OsString::from("billfold"), "import".into(), odd()]).unwrap();
        assert!(matches!(read.command, Some(Command::Import { file, .. }) if file.as_os_str() == odd()));
    }

    #[test]
    fn help_and_the_version_are_json_when_json_was_asked_for() {
        let said = |words: &[&str]| -> Value {
            let argv: Vec<OsString> = ["billfold", "--json"].iter().chain(words).map(OsString::from).collect();
            let outcome = not_a_command(&Arguments::try_parse_from(&argv).unwrap_err(), &argv);
            assert_eq!(outcome.exit, 0);
            serde_json::from_str(&outcome.stdout).unwrap()
        };
        assert_eq!(said(&["--version"]), json!({ "version": env!("CARGO_PKG_VERSION") }));
        for words in [&["help"][..], &["account", "create", "--help"]] {
            assert!(said(words)["help"].as_str().unwrap().contains("Usage"), "{words:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_text_or_no_file_is_said_to_be_that() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = folder.path().join("bytes");
        std::fs::write(&bytes, [0xff, 0xfe]).unwrap();
        let failure = unread("the file", &crate::owner::read_passphrase(&bytes).unwrap_err());
        assert_eq!(failure.message, "the file holds no text");
        assert_eq!(is_no_file(folder.path()).unwrap_err().message, "a folder is there, and not a file");
        assert!(is_no_file(&bytes).is_ok() && is_no_file(&folder.path().join("none")).is_ok());
    }

    #[tokio::test]
    async fn a_check_reports_a_folder_that_cannot_be_used() {
        let outcome =
            check_without_folder(Failure::refused("read_only", "it cannot be written", "mend it"), true).await;
        let read: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let of_folder = read["items"].as_array().unwrap().iter().find(|line| line["name"] == "folder").unwrap();
        assert_eq!((&of_folder["good"], &of_folder["about"]), (&json!(false), &json!("it cannot be written")));
        assert_eq!(outcome.exit, 0, "it reports");
        assert!(outcome.stderr.contains("FAIL folder: it cannot be written\n     mend it\n"), "{}", outcome.stderr);
    }

    #[test]
    fn counts_and_reasons_read_as_words() {
        assert_eq!([are(0, false), are(1, false), are(2, false), are(1, true)], ["are", "is", "are", "would be"]);
        let refused = with_reason("refused".to_owned(), Some("possible_duplicate"));
        assert_eq!(refused, "refused: possible duplicate");
        assert_eq!(with_reason("insufficient".to_owned(), Some("insufficient_funds")), "insufficient funds");
        assert_eq!(with_reason("settled".to_owned(), None), "settled");
    }

    #[test]
    fn a_share_is_percent_to_four_places() {
        for (text, millionths) in [("2", 20_000), ("1.5", 15_000), ("0.0001", 1), ("100", 1_000_000), ("3%", 30_000)] {
            assert_eq!(share(text).unwrap(), millionths, "{text}");
        }
        for text in ["", "-1", "100.1", "1.23456", "a", "1.-5", "99999999999"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_thing_is_found_by_id_or_by_a_name_that_only_it_has() {
        let all = || vec![("1", "Rent"), ("2", "Gas"), ("3", "gas")];
        let key = |one: &(&str, &str)| (one.0.to_owned(), one.1.to_owned());
        assert_eq!(named(all(), " rent ", "bill", key).unwrap().0, "1");
        assert_eq!(named(all(), "3", "bill", key).unwrap().0, "3");
        assert_eq!(named(all(), "Gas", "bill", key).unwrap_err().code, "ambiguous");
        assert_eq!(named(all(), "Tax", "bill", key).unwrap_err().code, "not_found");
    }
}
