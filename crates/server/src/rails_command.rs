//! `billfold-server rails …`: how the rails that move real money stand, files of a bank taken in by hand, what waits for
//! a person, and money that came in for an account.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::ids::AccountId;
use domain::money::Money;
use server::App;
use server::payments;
use server::payments::rails::files::{self, Reconciled, Taken};

use crate::Done;
use crate::beside_command::Beside;

#[derive(Args)]
pub struct RailsArguments {
    #[command(flatten)]
    beside: Beside,
    #[command(subcommand)]
    what: RailsCommand,
}

#[derive(Subcommand)]
enum RailsCommand {
    /// How each rail stands: the next file, the last ones, returns, and what is open.
    Status,
    /// Take in a file of the bank. The same file twice does nothing twice.
    TakeIn {
        /// The rail that it is for: nacha or iso20022.
        rail: String,
        file: PathBuf,
    },
    /// What fits nothing or needs a person, oldest first.
    Exceptions,
    /// Say what was done about an entry; a payee that it stopped is paid again, and a file that stuck is tried again.
    Resolve {
        rail: String,
        number: i64,
        /// What was done, for whoever looks later.
        #[arg(long)]
        note: String,
    },
    /// After an older database was put back: learn from the rail's folder which orders are with the bank, so that none
    /// of them is sent again.
    Reconcile { rail: String },
    /// Book money that came in for an account.
    Deposit {
        account: AccountId,
        /// Such as 250.00, in the account's currency.
        amount: String,
        currency: domain::money::Currency,
        /// The bank's own name for it: the same one is booked once.
        #[arg(long)]
        reference: String,
    },
}

/// What is written about an entry.
const NOTE_CHARS_MAX: usize = 500;

pub async fn run(arguments: RailsArguments) -> Done {
    if !arguments.beside.names_rails() {
        return Err("name the file that says which rails there are, as the server gets it: --rails FILE".into());
    }
    let app = arguments.beside.open().await?;
    let text = work(&app, arguments.what).await;
    app.db.close().await;
    crate::say(&text?)
}

type Text = Result<String, Box<dyn std::error::Error>>;

async fn work(app: &App, what: RailsCommand) -> Text {
    match what {
        RailsCommand::Status => status(app).await,
        RailsCommand::TakeIn { rail, file } => {
            let rail = app.rails.of_files(&rail).ok_or("no such rail is in the file of rails")?;
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let bytes = std::fs::read(&file)?;
            Ok(match files::take_in(rail, app, &name, &bytes).await? {
                Taken::New { records, exceptions: 0 } => format!("{records} records, all taken.\n"),
                Taken::New { records, exceptions } => {
                    format!("{records} records, {exceptions} before a person: `rails exceptions` lists them.\n")
                }
                Taken::Before => "This file was taken in before; nothing was done.\n".to_owned(),
                Taken::Refused => {
                    "This file does not read: `rails exceptions` says why. Nothing of it was taken.\n".to_owned()
                }
            })
        }
        RailsCommand::Exceptions => exceptions(app).await,
        RailsCommand::Resolve { rail, number, note } => {
            if note.trim().is_empty() || note.chars().count() > NOTE_CHARS_MAX {
                return Err("say in 1 to 500 characters what was done".into());
            }
            if files::resolve(app, &rail, number, note.trim()).await? {
                Ok(format!("{rail} {number} is resolved.\n"))
            } else {
                Err("there is no such open entry".into())
            }
        }
        RailsCommand::Reconcile { rail } => {
            let rail = app.rails.of_files(&rail).ok_or("no such rail is in the file of rails")?;
            let Reconciled { files, orders, unknown } = rail.reconcile(app).await?;
            Ok(format!(
                "{files} files had left with {orders} orders of this database, and {unknown} that are before a person.\n"
            ))
        }
        RailsCommand::Deposit { account, amount, currency, reference } => {
            let amount = Money::parse(&amount, currency)?;
            let fresh = payments::deposit(app, account, amount, &reference).await?;
            Ok(if fresh { "Booked.\n" } else { "This reference was booked before; nothing was done.\n" }.to_owned())
        }
    }
}

async fn status(app: &App) -> Text {
    let mut text = String::new();
    for rail in app.rails.all_of_files() {
        let status = rail.status().await?;
        text.push_str(&format!(
            "{} ({}): {} orders wait for the file of {}\n",
            status.rail, status.currency, status.waiting, status.next_file_at
        ));
        text.push_str(&format!("  {} sent and {} returned in the last 60 days\n", status.sent, status.returned));
        if let Some(id) = status.folder_away {
            text.push_str(&format!("  ALARM: its folder is not there, or is another one (its rail.id holds {id})\n"));
        }
        for alarm in status.alarms {
            text.push_str(&format!("  ALARM: {}\n", alarm.words()));
        }
        text.push_str(&format!("  {} open exceptions, {} of them overdue\n", status.open, status.overdue));
        for (name, state, orders) in status.files {
            text.push_str(&format!("  {name}: {orders} orders, {state}\n"));
        }
    }
    if text.is_empty() {
        text.push_str("The file of rails names none: payments are practice.\n");
    }
    Ok(text)
}

async fn exceptions(app: &App) -> Text {
    let mut text = String::new();
    for entry in files::exceptions(&app.db).await? {
        text.push_str(&format!("{} {}: {}, due {}\n", entry.rail, entry.number, entry.kind, entry.due_on));
        text.push_str(&format!("  {}\n", entry.words));
        if let Some(file) = entry.file_name {
            let line = entry.line.map_or_else(String::new, |line| format!(", line {line}"));
            text.push_str(&format!("  in {file}{line}\n"));
        }
        if let Some(code) = entry.code {
            text.push_str(&format!("  code {code}\n"));
        }
        if let Some(amount) = entry.amount {
            text.push_str(&format!("  {amount}\n"));
        }
        if let Some(payment) = entry.payment {
            text.push_str(&format!("  payment {payment}\n"));
        }
    }
    if text.is_empty() {
        text.push_str("Nothing is open.\n");
    }
    Ok(text)
}
