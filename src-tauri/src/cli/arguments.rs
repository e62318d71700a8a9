//! What can be typed: `billfold [--data DIR] [--json] …`. With no command the window opens.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use client::pages::PageQuery;
use client::vault::Protect;
use domain::addresses::Language;
use domain::billers::Accepts;
use domain::calendar::{Calendar, Roll};
use domain::ids::{CodeId, DisputeId, PurchaseId, SupportCheckId, SupportViewId};
use domain::paydays::PayCycle;
use domain::plan::Pace;
use domain::schedule::{Every, Nth, Schedule, Weekday};
use jiff::civil::Date;
use zeroize::Zeroizing;

use crate::failure::Failure;

#[derive(Debug, Parser)]
#[command(name = "billfold", version, about = "Bills, cards and payments, kept on this computer")]
pub struct Arguments {
    /// The data folder, instead of the person's own.
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long, global = true)]
    pub json: bool,
    /// A file whose first line is the passphrase, where there is no keyring.
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Start in the tray, without a window.
    #[arg(long)]
    pub hidden: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account.
    Account {
        #[command(subcommand)]
        what: AccountCommand,
    },
    /// Sign in to an account server, by the browser.
    SignIn {
        /// `https://NAME`, or `http://localhost:PORT`.
        #[arg(long, value_name = "URL")]
        server: String,
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
        /// Make an account there.
        #[arg(long)]
        create: bool,
        /// Keep nothing on this computer: it ends when Billfold is locked or closed.
        #[arg(long)]
        not_my_computer: bool,
    },
    /// Remove the account from this computer; the server keeps everything it has.
    SignOut {
        /// Also when some changes were not sent: they are lost.
        #[arg(long)]
        discard: bool,
    },
    /// Who is signed in, where, and how fresh it is.
    Status,
    /// Import an OFX or QFX file, or put back an archive that `export` wrote.
    Import {
        file: PathBuf,
        /// The account, by name or id, when the file does not say.
        #[arg(long, value_name = "ACCOUNT")]
        into: Option<String>,
        /// Show what would happen; change nothing.
        #[arg(long)]
        preview: bool,
    },
    /// What came of the last files that were imported, and which of their lines could not be taken.
    Imports,
    /// Accounts and their balances.
    Accounts,
    /// Transactions, newest first.
    Transactions {
        #[arg(long)]
        account: Option<String>,
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[arg(long, value_name = "DATE")]
        since: Option<Date>,
        #[arg(long, value_name = "DATE")]
        until: Option<Date>,
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: Option<u16>,
        /// Where the page before ended (its `next`).
        #[arg(long)]
        after: Option<String>,
    },
    /// Bills: what recurs.
    Bills {
        #[command(subcommand)]
        what: BillsCommand,
    },
    /// What is due.
    Due {
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(0..=3660))]
        days: u16,
    },
    /// Say that a due date is paid elsewhere or skipped, or take that back.
    Mark {
        /// The bill, by name or id.
        bill: String,
        due_on: Date,
        #[command(flatten)]
        how: MarkHow,
    },
    /// Pay a bill, or a biller of the directory.
    #[command(group = ArgGroup::new("whom").required(true).args(["bill", "payee"]))]
    Pay {
        /// The bill, by name or id: its next due date is paid.
        bill: Option<String>,
        /// A biller of the directory, by name or id.
        #[arg(long, value_name = "BILLER", requires = "amount")]
        payee: Option<String>,
        #[arg(long, allow_negative_numbers = true)]
        amount: Option<String>,
        #[arg(long, default_value = "USD")]
        currency: String,
        /// Which due date of the bill.
        #[arg(long, value_name = "DATE", requires = "bill")]
        due: Option<Date>,
        /// When it leaves.
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        /// The same was paid a moment ago, and is meant again.
        #[arg(long)]
        again: bool,
        /// Draw it from this payment method, by its last four digits or id, instead of the balance kept by the server.
        #[arg(long, value_name = "METHOD")]
        from: Option<String>,
        /// Print the address to open instead of opening it, should the payment need a passkey.
        #[arg(long)]
        no_browser: bool,
        /// Do not wait for the approval of a payment that needs one.
        #[arg(long)]
        no_wait: bool,
    },
    /// Approve a payment that waits for it, with a passkey on the server's page.
    Approve {
        payment: String,
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Change the amount or the day of a payment that has not left.
    #[command(group = ArgGroup::new("change").required(true).multiple(true).args(["amount", "on", "soonest"]))]
    EditPayment {
        payment: String,
        #[arg(long, allow_negative_numbers = true)]
        amount: Option<String>,
        /// When it leaves.
        #[arg(long, value_name = "DATE", conflicts_with = "soonest")]
        on: Option<Date>,
        /// As soon as possible.
        #[arg(long)]
        soonest: bool,
    },
    /// Pay days: what comes in, and when.
    Paydays {
        #[command(subcommand)]
        what: Option<PaydaysCommand>,
    },
    /// Recurring bills that were found in transactions.
    Suggestions {
        #[command(subcommand)]
        what: Option<SuggestionsCommand>,
    },
    /// Which payment leaves on which day, why, and what is safe to spend until the next pay day.
    Plan {
        #[command(subcommand)]
        what: Option<PlanCommand>,
    },
    /// What stands between you and paying, each with its fix.
    Ready {
        /// Accept the server's terms of this version.
        #[arg(long, value_name = "VERSION")]
        accept_terms: Option<String>,
    },
    /// What leaves to known payees without a passkey; with amounts, sets it. Raising needs a passkey, and its time.
    Limits {
        /// The most for one payment.
        #[arg(long, requires = "day")]
        payment: Option<String>,
        /// The most in 24 hours.
        #[arg(long, requires = "payment")]
        day: Option<String>,
        #[arg(long, default_value = "USD")]
        currency: String,
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Orders at merchants, newest first; or one of them with its parcels.
    Orders {
        /// By its number or id.
        order: Option<String>,
        #[command(flatten)]
        page: PageArguments,
    },
    /// What payments may be drawn from, and what stops when one ends.
    Methods {
        #[command(subcommand)]
        what: Option<MethodsCommand>,
    },
    /// Bills and cards that are paid by themselves, and what leaves next.
    Autopay {
        #[command(subcommand)]
        what: Option<AutopayCommand>,
    },
    /// What charges on cards of the server earned, and what may be used of it.
    Rewards {
        #[command(subcommand)]
        what: Option<RewardsCommand>,
    },
    /// What was put by on cards of the server, to be spent before the card.
    Wallet {
        #[command(subcommand)]
        what: Option<WalletCommand>,
    },
    /// Payments, newest first.
    Payments,
    /// Take a payment back.
    Cancel { payment: String },
    /// The directory of billers, and those of your own.
    #[command(args_conflicts_with_subcommands = true)]
    Billers {
        #[arg(default_value = "")]
        search: String,
        #[command(subcommand)]
        own: Option<BillersCommand>,
    },
    /// Everything that the server holds of you, as one archive: JSON, tables, a journal for hledger, statements.
    Export {
        #[arg(long, value_name = "F.zip")]
        out: PathBuf,
        #[command(flatten)]
        over: Over,
        /// Only say the address at which a passkey is shown, where one is needed.
        #[arg(long)]
        no_browser: bool,
    },
    /// Statements of closed cycles.
    Statement {
        #[command(subcommand)]
        what: StatementCommand,
    },
    /// Cards: their figures, terms and plans, and what paying them costs.
    Card {
        #[command(subcommand)]
        what: CardCommand,
    },
    /// Show what is to be reminded now; the system's timer calls this.
    Remind {
        /// Say what would be shown; show and record nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// What was reminded, what comes next, and why none.
    Reminders {
        #[command(subcommand)]
        what: Option<RemindersCommand>,
    },
    /// Due dates in other calendars: an address to subscribe to, or a file.
    Calendar {
        #[command(subcommand)]
        what: Option<CalendarCommand>,
    },
    /// Send and fetch now.
    Sync,
    /// Close the copy on this computer; what shows data asks for the keyring or the passphrase again.
    Lock,
    /// Open it, by the keyring or with `--passphrase-file`.
    Unlock,
    /// Protect the copy on this computer by other means. `--passphrase-file` is the passphrase that it has now.
    Protect {
        by: ByWord,
        /// A file whose first line is the new passphrase or PIN.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Make a new recovery key, which is shown this once; the one before opens nothing any more. `--passphrase-file` is the
    /// passphrase that protects the copy now.
    RecoveryKey,
    /// Open with the recovery key what keyring or passphrase no longer open, and protect it anew. `--passphrase-file` is
    /// the new passphrase, where one is to be.
    Repair {
        /// A file whose first line is the recovery key.
        #[arg(long, value_name = "FILE")]
        recovery_key_file: PathBuf,
        #[arg(long, default_value = "keyring")]
        by: ByWord,
    },
    /// Devices that are signed in.
    Devices {
        /// Sign this one out, by name or id: its copy is removed at its next contact.
        #[arg(long, value_name = "DEVICE")]
        sign_out: Option<String>,
    },
    /// What happened to the ways into the account.
    Security {
        #[command(subcommand)]
        what: SecurityCommand,
    },
    /// Versions, keyring, server, cache, clock, notifier: one line each.
    Check,
    /// Write the TypeScript of the window's commands.
    #[command(hide = true)]
    ExportBindings { path: PathBuf },
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Over {
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make one; its recovery key is shown this once.
    Create {
        /// On this computer: the account server runs inside the app.
        #[arg(long, required = true)]
        local: bool,
        #[arg(long, default_value = "Me")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum BillsCommand {
    /// Add a bill.
    Add(NewBillArguments),
    /// All bills, each with its next due date.
    List,
    /// Change a bill, for all its dates or from one on.
    Edit(EditBillArguments),
    /// No due dates for a while.
    Pause {
        /// By name or id.
        bill: String,
        /// Today when not said.
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
        /// The last day of it; without, until `bills resume`.
        #[arg(long, value_name = "DATE")]
        until: Option<Date>,
    },
    /// Due dates come again from today on.
    Resume {
        /// By name or id.
        bill: String,
    },
    /// Remove a bill; what was paid for it stays.
    Remove {
        /// By name or id.
        bill: String,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("how_often").required(true).args(["every", "rrule"]))]
pub struct NewBillArguments {
    #[arg(long)]
    pub name: String,
    #[arg(long)]
    pub amount: String,
    #[arg(long, default_value = "USD")]
    pub currency: String,
    /// The amount is a guess until the bill arrives.
    #[arg(long)]
    pub estimate: bool,
    /// How often it comes.
    #[arg(long)]
    pub every: Option<EveryWord>,
    /// The rule as an RRULE line of RFC 5545, instead of the words below.
    #[arg(long, value_name = "LINE", conflicts_with_all = ["interval", "day", "weekdays", "nth", "ends", "count"])]
    pub rrule: Option<String>,
    #[command(flatten)]
    pub rule: RuleWords,
    /// A biller of the directory, by name or id.
    #[arg(long, visible_alias = "biller", value_name = "BILLER")]
    pub payee: Option<String>,
    /// What the biller knows the person by.
    #[arg(long)]
    pub reference: Option<String>,
    /// The linked card whose payment it is, by name or id.
    #[arg(long, value_name = "CARD", conflicts_with = "payee")]
    pub card: Option<String>,
    /// Days before the due date: `3,1`.
    #[arg(long, value_delimiter = ',', value_name = "DAYS")]
    pub remind: Option<Vec<u8>>,
    #[arg(long)]
    pub note: Option<String>,
    #[command(flatten)]
    pub about: AboutWords,
}

// What else there is to say about a bill. (The parser would say this of each command that takes these words.)
#[derive(Debug, Args)]
pub struct AboutWords {
    /// An amount above this is never taken for granted.
    #[arg(long, value_name = "AMOUNT")]
    pub cap: Option<String>,
    /// The bill arrives so many days before its due date.
    #[arg(long, value_name = "DAYS")]
    pub arrives: Option<u8>,
    /// A payment is taken without a fee for so many days after the due date.
    #[arg(long, value_name = "DAYS")]
    pub grace: Option<u8>,
    /// Banking days that the own way of paying takes.
    #[arg(long, value_name = "DAYS")]
    pub lead: Option<u8>,
}

// The words of a rule, beside how often it comes.
#[derive(Clone, Debug, Default, Args)]
pub struct RuleWords {
    /// Every how many.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=120))]
    pub interval: Option<u16>,
    /// Day of the month, 1 to 31, or `last`.
    #[arg(long, conflicts_with = "nth")]
    pub day: Option<DayWord>,
    /// The days of a week: `monday,friday`.
    #[arg(long, value_delimiter = ',', value_name = "DAYS")]
    pub weekdays: Option<Vec<WeekdayWord>>,
    /// A day of the month by its weekday or among the working days: `2-tuesday`, `last-friday`, `-2-working-day`.
    #[arg(long, allow_hyphen_values = true)]
    pub nth: Option<NthWord>,
    /// The first date is the first that fits on or after this one; today when not said.
    #[arg(long, value_name = "DATE")]
    pub starts: Option<Date>,
    /// Nothing falls after this date.
    #[arg(long, value_name = "DATE", conflicts_with = "count")]
    pub ends: Option<Date>,
    /// It ends after so many dates.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=9_999))]
    pub count: Option<u16>,
    /// Whose working days count.
    #[arg(long)]
    pub calendar: Option<CalendarWord>,
    /// Where a date goes that falls on a closed day.
    #[arg(long)]
    pub roll: Option<RollWord>,
}

impl RuleWords {
    #[must_use]
    pub const fn says_nothing(&self) -> bool {
        self.interval.is_none()
            && self.day.is_none()
            && self.weekdays.is_none()
            && self.nth.is_none()
            && self.starts.is_none()
            && self.ends.is_none()
            && self.count.is_none()
            && self.calendar.is_none()
            && self.roll.is_none()
    }

    /// Days that a rule of this kind does not have are no words for it.
    pub fn fits(&self, every: EveryWord) -> Result<(), Failure> {
        let in_month = every.every().is_in_month();
        if self.weekdays.is_some() && every != EveryWord::Week {
            return Err(Failure::usage("--weekdays goes with --every week"));
        }
        if (self.day.is_some() || self.nth.is_some()) && !in_month {
            return Err(Failure::usage("--day and --nth go with --every month, quarter or year"));
        }
        Ok(())
    }

    /// The rule with what was said about it; of the days it has, those that still fit.
    #[must_use]
    pub fn applied_to(self, before: Schedule, every: Every) -> Schedule {
        // What is typed and does not fit is refused by the rule's own check.
        let before_nth = before.nth.filter(|_| every.is_in_month());
        let nth = if self.day.is_some() { None } else { self.nth.map(|nth| nth.0).or(before_nth) };
        let kept = before.day.filter(|_| nth.is_none() && every.is_in_month());
        let weekdays = self.weekdays.map(|days| days.into_iter().map(WeekdayWord::weekday).collect());
        let ends_on = if self.count.is_some() { None } else { self.ends.or(before.ends_on) };
        Schedule {
            every,
            interval: self.interval.unwrap_or(before.interval),
            day: self.day.map(|day| day.0).or(kept),
            weekdays: weekdays.unwrap_or(if every == Every::Week { before.weekdays } else { Vec::new() }),
            nth,
            starts_on: self.starts.unwrap_or(before.starts_on),
            ends_on,
            count: if self.ends.is_some() { None } else { self.count.or(before.count) },
            calendar: self.calendar.map_or(before.calendar, CalendarWord::calendar),
            roll: self.roll.map_or(before.roll, RollWord::roll),
        }
    }
}

#[derive(Debug, Args)]
pub struct EditBillArguments {
    /// By name or id.
    pub bill: String,
    #[arg(long)]
    pub name: Option<String>,
    #[arg(long)]
    pub amount: Option<String>,
    #[arg(long, value_name = "true|false")]
    pub estimate: Option<bool>,
    #[arg(long)]
    pub every: Option<EveryWord>,
    #[command(flatten)]
    pub rule: RuleWords,
    /// By name or id; `none` removes it.
    #[arg(long, visible_alias = "biller", value_name = "BILLER")]
    pub payee: Option<String>,
    #[arg(long)]
    pub reference: Option<String>,
    #[arg(long, value_delimiter = ',', value_name = "DAYS")]
    pub remind: Option<Vec<u8>>,
    #[arg(long)]
    pub note: Option<String>,
    #[command(flatten)]
    pub about: AboutWords,
    /// Only this due date and later ones: what stood before stays.
    #[arg(long, value_name = "DUE_ON")]
    pub from: Option<Date>,
}

#[derive(Debug, Subcommand)]
pub enum PaydaysCommand {
    /// Incomes, each with its next pay days.
    Show,
    /// Add an income, or change the one of this name.
    Set(IncomeArguments),
    /// Remove an income.
    Remove {
        /// By name or id.
        income: String,
    },
}

#[derive(Debug, Args)]
pub struct IncomeArguments {
    /// Who pays.
    pub name: String,
    /// What arrives at least, as a rule.
    #[arg(long)]
    pub amount: String,
    #[arg(long, default_value = "USD")]
    pub currency: String,
    #[command(flatten)]
    pub cycle: CycleHow,
    /// Whose banking days count.
    #[arg(long)]
    pub calendar: Option<CalendarWord>,
    /// Where a pay day goes that falls on a closed day; to the banking day before when not said.
    #[arg(long)]
    pub roll: Option<RollWord>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct CycleHow {
    /// Every week, on the weekday of this day.
    #[arg(long, value_name = "DATE")]
    pub weekly: Option<Date>,
    /// Every second week, counted from this pay day.
    #[arg(long, value_name = "DATE")]
    pub two_weekly: Option<Date>,
    /// On two days of each month: `15,31`.
    #[arg(long, value_delimiter = ',', value_name = "DAY,DAY")]
    pub twice_monthly: Option<Vec<DayWord>>,
    /// On this day of each month, 1 to 31, or `last`.
    #[arg(long, value_name = "DAY")]
    pub monthly: Option<DayWord>,
    /// On the last working day of each month.
    #[arg(long)]
    pub last_working_day: bool,
}

impl CycleHow {
    pub fn cycle(&self) -> Result<PayCycle, Failure> {
        let twice = || Failure::usage("two days a month are said like `15,31`, the earlier one first");
        if let Some(anchor) = self.weekly {
            return Ok(PayCycle::Weekly { anchor });
        }
        if let Some(anchor) = self.two_weekly {
            return Ok(PayCycle::TwoWeekly { anchor });
        }
        if let Some(days) = &self.twice_monthly {
            let [first, second] = days.as_slice() else { return Err(twice()) };
            return Ok(PayCycle::SemiMonthly { first: first.0, second: second.0 });
        }
        Ok(self.monthly.map_or(PayCycle::LastWorkingDay, |day| PayCycle::Monthly { day: day.0 }))
    }
}

#[derive(Debug, Subcommand)]
pub enum SuggestionsCommand {
    /// Keep one as a bill.
    Accept {
        /// By payee or id.
        suggestion: String,
    },
    /// It is none: do not suggest it again.
    Dismiss {
        /// By payee or id.
        suggestion: String,
    },
    /// Take a dismissal back.
    Restore {
        /// By id.
        suggestion: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum MethodsCommand {
    /// Add one: its number is typed on the server's own page, in the browser.
    Add {
        #[arg(value_enum)]
        kind: MethodKindArgument,
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Offer it first when paying.
    Default {
        method: String,
        /// No longer.
        #[arg(long)]
        none: bool,
    },
    /// Remove one from which nothing leaves.
    Remove { method: String },
    /// Let everything that leaves from one leave from another, in one step.
    Replace {
        method: String,
        #[arg(long, value_name = "METHOD")]
        with: String,
        /// Print the address to open instead of opening it, should a passkey be needed.
        #[arg(long)]
        no_browser: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum RewardsCommand {
    /// Lower what is owed on a card by so much.
    Use {
        /// The card, by name or id.
        card: String,
        amount: String,
    },
    /// Whether each charge uses what may be used by then.
    Checkout {
        /// The card, by name or id.
        card: String,
        #[arg(value_enum)]
        what: OnOff,
    },
}

/// Which page of a list.
#[derive(Debug, Args)]
pub struct PageArguments {
    /// So many at most; 50 unless told.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: Option<u16>,
    /// Where the page before ended (its `next`).
    #[arg(long)]
    after: Option<String>,
}

impl From<PageArguments> for PageQuery {
    fn from(PageArguments { limit, after }: PageArguments) -> Self {
        Self { limit, after }
    }
}

#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// What moved in the wallet of a card, newest first.
    Moves {
        /// The card, by name or id.
        card: String,
        #[command(flatten)]
        page: PageArguments,
    },
    /// Charge so much to a card and put it by.
    Reload {
        /// The card, by name or id.
        card: String,
        amount: String,
    },
    /// Whether each charge is paid from the wallet first.
    Checkout {
        /// The card, by name or id.
        card: String,
        #[arg(value_enum)]
        what: OnOff,
    },
    /// Let the wallet be reloaded from the card by itself when there is too little in it. Where there is a passkey, it
    /// approves the terms.
    Auto {
        /// The card, by name or id.
        card: String,
        /// Reload when there is less than this.
        #[arg(long, value_name = "AMOUNT", required_unless_present = "off")]
        below: Option<String>,
        /// Reload with so much, and not less than `--below`.
        #[arg(long, value_name = "AMOUNT", required_unless_present = "off")]
        amount: Option<String>,
        /// In one calendar month no more than this.
        #[arg(long, value_name = "AMOUNT", required_unless_present = "off")]
        month_most: Option<String>,
        /// Turn it off: nothing is reloaded by itself any more.
        #[arg(long, conflicts_with_all = ["below", "amount", "month_most"])]
        off: bool,
        /// Print the address to open instead of opening it, should a passkey be needed.
        #[arg(long)]
        no_browser: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    On,
    Off,
}

#[derive(Debug, Subcommand)]
pub enum AutopayCommand {
    /// Let a bill, or a card of the server, be paid by itself. Where there is a passkey, it approves the terms.
    Set(AutopaySettings),
    /// Nothing of it leaves until it goes on; what has not left is taken back.
    Pause {
        #[command(flatten)]
        what: PaidByItself,
    },
    /// It goes on with the same terms.
    Resume {
        #[command(flatten)]
        what: PaidByItself,
    },
    /// What has not left is taken back.
    Off {
        #[command(flatten)]
        what: PaidByItself,
    },
}

/// What is paid by itself: one of the two.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct PaidByItself {
    /// The bill, by name or id.
    pub bill: Option<String>,
    /// A card of the server, by name or id, in the place of a bill.
    #[arg(long)]
    pub card: Option<String>,
}

/// What of a card is paid each time.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OfCard {
    /// What is left of its statement's minimum.
    Minimum,
    /// What is left of its statement's balance.
    Statement,
    /// All that is owed on that day.
    Current,
}

#[derive(Debug, Args)]
pub struct AutopaySettings {
    #[command(flatten)]
    pub what: PaidByItself,
    /// What of a card is paid each time, worked out when its day comes.
    #[arg(long, conflicts_with = "amount")]
    pub pay: Option<OfCard>,
    /// A payment above this waits for your yes.
    #[arg(long)]
    pub cap: String,
    /// This amount each time, and never more than is left; without it, whatever is left of the bill. Of a card: its
    /// minimum where that is more.
    #[arg(long, value_name = "AMOUNT")]
    pub amount: Option<String>,
    /// Warn before a payment above this leaves.
    #[arg(long, value_name = "AMOUNT")]
    pub warn_above: Option<String>,
    /// Draw it from this payment method, by its last four digits or id, instead of the balance kept by the server.
    #[arg(long, value_name = "METHOD")]
    pub from: Option<String>,
    /// It is there so many days before the due date.
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=30))]
    pub days_before: u8,
    /// Nothing due after this day is paid by itself.
    #[arg(long, value_name = "DATE", conflicts_with = "times")]
    pub until: Option<Date>,
    /// It ends after so many payments.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=999))]
    pub times: Option<u16>,
    /// Print the address to open instead of opening it, should a passkey be needed.
    #[arg(long)]
    pub no_browser: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum MethodKindArgument {
    Card,
    BankAccount,
}

impl From<MethodKindArgument> for domain::methods::MethodKind {
    fn from(kind: MethodKindArgument) -> Self {
        match kind {
            MethodKindArgument::Card => Self::Card,
            MethodKindArgument::BankAccount => Self::BankAccount,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum BillersCommand {
    /// Add a biller of your own, or change the one of that name. It is never paid from here.
    Set {
        name: String,
        /// What it takes.
        #[arg(long, value_delimiter = ',', value_name = "WAYS")]
        accepts: Option<Vec<AcceptsWord>>,
        /// How you pay it.
        #[arg(long, value_name = "TEXT")]
        how: Option<String>,
        /// Words to find it by.
        #[arg(long, value_name = "WORDS")]
        category: Option<String>,
    },
    /// Remove a biller of your own; its bills stay.
    Remove {
        /// By name or id.
        biller: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum AcceptsWord {
    BankTransfer,
    DirectDebit,
    Card,
    Check,
    Cash,
}

impl From<AcceptsWord> for Accepts {
    fn from(word: AcceptsWord) -> Self {
        match word {
            AcceptsWord::BankTransfer => Self::BankTransfer,
            AcceptsWord::DirectDebit => Self::DirectDebit,
            AcceptsWord::Card => Self::Card,
            AcceptsWord::Check => Self::Check,
            AcceptsWord::Cash => Self::Cash,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// From which account, what to keep in it, and when payments leave.
    Set(PlanSettings),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct PlanSettings {
    /// The account that pay comes into, by name or id; `any` leaves the choice to Billfold.
    #[arg(long)]
    pub account: Option<String>,
    /// The balance shall not go below this.
    #[arg(long, value_name = "AMOUNT")]
    pub keep: Option<String>,
    #[arg(long)]
    pub pace: Option<PaceWord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PaceWord {
    /// Right after the pay day.
    AfterPay,
    /// On the last day that is in time.
    AtTheLast,
}

impl PaceWord {
    #[must_use]
    pub const fn pace(self) -> Pace {
        match self {
            Self::AfterPay => Pace::AfterPay,
            Self::AtTheLast => Pace::AtTheLast,
        }
    }
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct MarkHow {
    /// Paid outside Billfold.
    #[arg(long)]
    pub paid: bool,
    #[arg(long)]
    pub skip: bool,
    /// This once another amount is owed.
    #[arg(long)]
    pub amount: Option<String>,
    /// This once it falls on another day.
    #[arg(long = "move", value_name = "DATE")]
    pub move_to: Option<Date>,
    /// Take back what was said last on this computer, or everything when another device has spoken since.
    #[arg(long)]
    pub undo: bool,
}

#[derive(Debug, Subcommand)]
pub enum StatementCommand {
    /// Statements of all accounts, the newest first.
    List,
    /// Write a statement as a PDF.
    Get {
        /// By name or id.
        account: String,
        /// The closing day that names the cycle: `2026-10-25`.
        cycle: Date,
        #[arg(long, value_name = "F.pdf")]
        out: PathBuf,
        #[command(flatten)]
        over: Over,
    },
    /// Write every statement of an account into a folder, as PDF. Nothing there is written over.
    All {
        /// By name or id.
        account: String,
        #[arg(long, value_name = "FOLDER")]
        into: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum RemindersCommand {
    /// The system's own timer reminds while the app is closed.
    On,
    /// Reminders come only while the app runs.
    Off,
    /// When reminders come, and what they may say.
    Set(ReminderSettings),
    /// Reminders by e-mail from the server, for people away from the desk.
    Email {
        /// Switch them on or off; without a word it says how they stand.
        switch: Option<Switch>,
        /// Names and amounts stand in them.
        #[arg(long)]
        details: bool,
        /// The time of day at which one is sent; as reminders where it is left out.
        #[arg(long, value_name = "HH:MM")]
        at: Option<String>,
    },
    /// Take the whole way of a reminder now, and say where it stopped.
    Test {
        /// Wait so many seconds for a button of the notice to be pressed.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        wait: u64,
    },
}

#[derive(Debug, Subcommand)]
pub enum CalendarCommand {
    /// Make an address, shown this once; one of before ends. Whoever has it reads the names of what is due.
    On {
        /// Amounts stand beside the names.
        #[arg(long)]
        amounts: bool,
        /// The time of day at which alarms ring; as reminders where it is left out.
        #[arg(long, value_name = "HH:MM")]
        at: Option<String>,
    },
    /// End the address.
    Off,
    /// Write the same as a file.
    Save {
        #[arg(value_name = "F.ics")]
        file: PathBuf,
        #[command(flatten)]
        over: Over,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct ReminderSettings {
    /// The time of day at which reminders come: `09:00`.
    #[arg(long, value_name = "HH:MM")]
    pub at: Option<String>,
    /// Nothing is shown within these hours: `22:00-07:00`, or `off`.
    #[arg(long, value_name = "HH:MM-HH:MM")]
    pub quiet: Option<QuietWord>,
    /// Again on the due day and after it, while it is unpaid.
    #[arg(long)]
    pub again: Option<Switch>,
    /// The day before a payment goes out by itself.
    #[arg(long)]
    pub payments: Option<Switch>,
    /// Names and amounts in notifications.
    #[arg(long)]
    pub details: Option<Switch>,
}

/// Quiet hours as they are typed; whether they are times is decided where they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietWord(pub Option<(String, String)>);

impl std::str::FromStr for QuietWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let hours = text.split_once('-').map(|(from, until)| (from.trim().to_owned(), until.trim().to_owned()));
        hours.map(|hours| Self(Some(hours))).ok_or_else(|| "quiet hours are `22:00-07:00`, or `off`".to_owned())
    }
}

#[derive(Debug, Subcommand)]
pub enum SecurityCommand {
    /// The log, newest first.
    Log {
        /// Write it as a CSV table instead.
        #[arg(long, value_name = "F.csv")]
        out: Option<PathBuf>,
        #[command(flatten)]
        over: Over,
    },
    /// The passkeys of the account.
    Passkeys,
    /// Add a passkey, on the server's page in the browser.
    AddPasskey {
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Remove a passkey, unless it is the last way in. Other devices are signed out.
    RemovePasskey {
        /// By name or id.
        passkey: String,
        /// Leave the other devices signed in.
        #[arg(long)]
        keep_devices: bool,
    },
    /// What was unusual lately, with the reasons and their points.
    Risk,
    /// Whether the rhythm in which you type your account name is looked at when you sign in; on or off. Off forgets it.
    Rhythm { turn: Option<Switch> },
    /// Where you can be written to.
    Addresses,
    /// Add an e-mail address, or a telephone number that begins with +, on the server's page in the browser. A code is sent there.
    AddAddress {
        address: String,
        /// The language that you are written to in: en, es or de.
        #[arg(long, default_value = "en", value_parser = language)]
        language: Language,
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Type the code that came, or ask for another.
    ConfirmAddress {
        /// The address or its id.
        address: String,
        #[command(flatten)]
        how: ConfirmHow,
    },
    /// Remove an address. It hears of it.
    RemoveAddress {
        /// The address or its id.
        address: String,
    },
    /// The code on paper, and getting back in from this computer: how far it is, or begin, finish or stop it.
    Recovery {
        #[command(subcommand)]
        what: Option<RecoveryCommand>,
    },
    /// Lock the account at once: no money leaves, no way in is added, reading goes on. What is scheduled is held.
    Lock,
    /// The password and the second factors of the account.
    WaysIn,
    /// Release the account, with a passkey where it has one.
    Release {
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Set or change the password, on the server's page in the browser.
    SetPassword {
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Remove the password, unless it is the last way in. Other devices are signed out.
    RemovePassword {
        /// Leave the other devices signed in.
        #[arg(long)]
        keep_devices: bool,
    },
    /// Keep the password a way in beside two passkeys, on the server's page in the browser.
    KeepPassword {
        /// Let the passkeys stand alone instead.
        #[arg(long, conflicts_with = "no_browser")]
        off: bool,
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Set up an authenticator app, on the server's page in the browser.
    AddAuthenticator {
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Give a second factor another name.
    RenameFactor {
        /// By name or id.
        factor: String,
        name: String,
    },
    /// Remove a second factor, unless nobody could sign in without it. Other devices are signed out.
    RemoveFactor {
        /// By name or id.
        factor: String,
        /// Leave the other devices signed in.
        #[arg(long)]
        keep_devices: bool,
    },
    /// Somebody from support on the line: who sees what, and every case; or is their code theirs?
    Support {
        #[command(subcommand)]
        what: Option<SupportCommand>,
    },
    /// Answer "Was this you?" about an entry.
    Answer {
        number: i64,
        #[command(flatten)]
        how: AnswerHow,
    },
}

#[derive(Debug, Subcommand)]
pub enum RecoveryCommand {
    /// Make a new code for your paper, on the server's page in the browser. The one before is good for nothing then.
    MakeCode {
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
    /// Send the code that counts beside this computer to a confirmed e-mail address.
    SendCode {
        /// Send it as a text message to a confirmed telephone instead.
        #[arg(long)]
        text: bool,
    },
    /// Begin a recovery from this computer, by one of the two codes.
    Start(StartHow),
    /// Stop the recovery that runs: it was not you.
    Stop,
    /// Make the new passkey once the wait is over, on the server's page in the browser.
    Finish {
        /// Print the address to open instead of opening it.
        #[arg(long)]
        no_browser: bool,
    },
}

#[derive(Debug, Args)]
pub struct StartHow {
    /// A file whose first line is the code of the recovery sheet: arguments can be seen by other programs.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sent", "code"], required_unless_present = "sent")]
    pub saved_code_file: Option<PathBuf>,
    /// The id that `send-code` gave.
    #[arg(long, value_name = "ID", requires = "code")]
    pub sent: Option<CodeId>,
    /// The digits that came.
    pub code: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum SupportCommand {
    /// Whether the code that somebody reads out is one of support. Nothing is shown to them.
    Check { code: String },
    /// Let them see what they ask for, for a quarter of an hour.
    Allow { check: SupportCheckId },
    /// Let them see nothing.
    Refuse { check: SupportCheckId },
    /// Close what they see, at once.
    End { sight: SupportViewId },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ConfirmHow {
    pub code: Option<String>,
    #[arg(long)]
    pub send_again: bool,
}

fn language(name: &str) -> Result<Language, String> {
    Language::named(name).ok_or_else(|| "en, es or de".to_owned())
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct AnswerHow {
    /// It was me.
    #[arg(long)]
    pub mine: bool,
    /// It was not: the device of that entry is signed out.
    #[arg(long)]
    pub not_mine: bool,
}

#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// Cards and their four figures.
    List,
    /// What a linked card's agreement says: its closing day, when it is due, minimum, rate and fees.
    Terms {
        /// By name or id.
        account: String,
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=31))]
        closing_day: u8,
        #[command(flatten)]
        due: DueHow,
        /// The minimum payment is at least this.
        #[arg(long, value_name = "AMOUNT")]
        minimum_floor: Option<String>,
        /// And at least this share of the statement balance, in percent: `2`, `1.5`.
        #[arg(long, value_name = "PERCENT")]
        minimum_share: Option<String>,
        /// The cycle's interest and fees come on top of the share.
        #[arg(long)]
        minimum_adds_charges: bool,
        /// Yearly rate on purchases, in percent: `27.99`.
        #[arg(long, value_name = "PERCENT")]
        apr: Option<String>,
        /// Charged when the minimum is not paid by its day.
        #[arg(long, value_name = "AMOUNT")]
        late_fee: Option<String>,
    },
    /// Keep a payment plan of a linked card, as its statement says.
    Plan(PlanArguments),
    /// Remove a payment plan.
    RemovePlan {
        /// By name or id.
        account: String,
        /// By name or id.
        plan: String,
    },
    /// Where the issuer was asked to put what is above the minimum.
    Excess {
        /// By name or id.
        account: String,
        #[command(flatten)]
        to: ExcessTo,
    },
    #[command(flatten)]
    Served(ServedCardCommand),
    /// What paying so much each month costs, and until when; nothing new is bought.
    Payoff {
        /// By name or id.
        account: String,
        /// A fixed payment each month; the minimum where that is more.
        #[arg(long, value_name = "AMOUNT")]
        monthly: Option<String>,
    },
}

/// What is wrong with a charge.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DisputeReasonArgument {
    NotMine,
    WrongAmount,
    ChargedTwice,
    NotReceived,
    NotAsAgreed,
    RefundMissing,
    /// Say it with --words.
    Other,
}

/// What is done with a card of this server.
#[derive(Debug, Subcommand)]
pub enum ServedCardCommand {
    /// Open a card of practice money, on a server of your own.
    Open {
        name: String,
        /// What may be owed at most.
        #[arg(long, value_name = "AMOUNT")]
        limit: String,
        #[arg(long, default_value = "USD")]
        currency: String,
        #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u8).range(1..=28))]
        closing_day: u8,
    },
    /// Freeze a card of this server: no new purchase is approved, from now on.
    Freeze {
        /// By name or id.
        card: String,
    },
    /// Use a frozen card again.
    Unfreeze {
        /// By name or id.
        card: String,
        /// Print the address to open instead of opening it, should it need a passkey.
        #[arg(long)]
        no_browser: bool,
    },
    /// Report a card lost: it takes no purchases any more, for good.
    Lost {
        /// By name or id.
        card: String,
    },
    /// Move what a card is in credit by to the account that payments leave from, or to another card.
    Credit {
        /// By name or id.
        card: String,
        /// Another card of this server, by name or id.
        #[arg(long, value_name = "CARD")]
        to: Option<String>,
    },
    /// Make a code that a merchant gets in the place of a card's number.
    Link {
        /// By name or id.
        card: String,
        /// Print the address to open instead of opening it, should it need a passkey.
        #[arg(long)]
        no_browser: bool,
    },
    /// End what a merchant got for a code.
    Unlink {
        /// By name or id.
        card: String,
        /// By name or id.
        merchant: String,
    },
    /// Say what is wrong with a charge: it is given back until that is decided. What was not yours freezes the card too.
    Dispute {
        purchase: PurchaseId,
        #[arg(long, default_value = "not-mine")]
        reason: DisputeReasonArgument,
        /// What you say about it.
        #[arg(long, default_value = "")]
        words: String,
        /// What of the charge is wrong; all of it when not said.
        #[arg(long, value_name = "AMOUNT")]
        amount: Option<String>,
    },
    /// The disputes of a card and how far they have come, newest first.
    Disputes {
        /// By name or id.
        card: String,
    },
    /// Take a dispute back: what it gave back is owed again.
    Withdraw { dispute: DisputeId },
    /// Pay a card of this server: the minimum, the statement, all of it, or another amount.
    Pay {
        /// By name or id.
        card: String,
        /// Another amount.
        #[arg(long, value_name = "AMOUNT", group = "how_much", allow_negative_numbers = true)]
        amount: Option<String>,
        /// What is left of the minimum.
        #[arg(long, group = "how_much")]
        minimum: bool,
        /// What is left of the statement.
        #[arg(long, group = "how_much")]
        statement: bool,
        /// All that is owed now.
        #[arg(long, group = "how_much")]
        current: bool,
        /// The day on which it leaves; as soon as possible when not said.
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        /// Paid already a moment ago, and meant again.
        #[arg(long)]
        again: bool,
        /// Print the address to open instead of opening it, should it need a passkey.
        #[arg(long)]
        no_browser: bool,
        /// Do not wait for the passkey.
        #[arg(long)]
        no_wait: bool,
    },
    /// How a purchase may be paid over time, and what each way means.
    Offers { purchase: PurchaseId },
    /// Pay a purchase over time, before the statement with it closes.
    Choose {
        purchase: PurchaseId,
        #[command(flatten)]
        offer: OfferHow,
    },
    /// What merchants asked a card for, and how far each has come.
    Purchases {
        /// By name or id.
        card: String,
        #[command(flatten)]
        page: PageArguments,
    },
}

#[derive(Debug, Args)]
pub struct PlanArguments {
    /// The card, by name or id.
    pub account: String,
    #[arg(long)]
    pub name: String,
    /// What it began with.
    #[arg(long)]
    pub amount: String,
    /// When it began.
    #[arg(long, value_name = "DATE")]
    pub since: Date,
    /// What is left.
    #[arg(long, value_name = "AMOUNT")]
    pub left: String,
    /// The day of the statement that says what is left; today when not said.
    #[arg(long, value_name = "DATE")]
    pub left_on: Option<Date>,
    /// Yearly rate in percent; of deferred interest, the rate at which it is kept aside.
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    pub apr: String,
    #[command(flatten)]
    pub how: PlanHow,
    /// Deferred interest kept aside so far, when the statement says it.
    #[arg(long, value_name = "AMOUNT", requires = "ends")]
    pub accrued: Option<String>,
    /// Replace this plan, by name or id.
    #[arg(long, value_name = "PLAN")]
    pub replace: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct PlanHow {
    /// Equal payments: so much with each minimum.
    #[arg(long, value_name = "AMOUNT")]
    pub monthly: Option<String>,
    /// Deferred interest: the last day on which paying all of it avoids the interest.
    #[arg(long, value_name = "DATE")]
    pub ends: Option<Date>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct OfferHow {
    /// In so many equal payments, without interest.
    #[arg(long, value_name = "MONTHS")]
    pub equal: Option<u8>,
    /// Without interest if all of it is paid within so many months; otherwise from the first day on.
    #[arg(long, value_name = "MONTHS")]
    pub deferred: Option<u8>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ExcessTo {
    /// To this plan first, by name or id.
    #[arg(long)]
    pub plan: Option<String>,
    /// To the highest rate first.
    #[arg(long)]
    pub by_rate: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct DueHow {
    /// So many days after closing.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=60))]
    pub due_days: Option<u8>,
    /// On this day of the month.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=31))]
    pub due_day: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

/// What protects the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ByWord {
    /// The system's keyring.
    Keyring,
    /// The keyring, and a passphrase or PIN on top of it.
    Both,
    /// A passphrase alone, where there is no keyring.
    Passphrase,
}

impl ByWord {
    pub fn protect(self, passphrase: Option<Zeroizing<String>>) -> Result<Protect, Failure> {
        let needed = || Failure::usage("a passphrase is needed for that: name the file that holds it");
        match self {
            Self::Keyring => Ok(Protect::Keyring),
            Self::Both => passphrase.map(Protect::KeyringAndPassphrase).ok_or_else(needed),
            Self::Passphrase => passphrase.map(Protect::Passphrase).ok_or_else(needed),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EveryWord {
    Once,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl EveryWord {
    #[must_use]
    pub const fn every(self) -> Every {
        match self {
            Self::Once => Every::Once,
            Self::Day => Every::Day,
            Self::Week => Every::Week,
            Self::Month => Every::Month,
            Self::Quarter => Every::Quarter,
            Self::Year => Every::Year,
        }
    }
}

/// A day of the month; the last one is the 31st, which clamps to shorter months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayWord(pub u8);

impl std::str::FromStr for DayWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "last" {
            return Ok(Self(31));
        }
        match text.parse() {
            Ok(day @ 1..=31) => Ok(Self(day)),
            _ => Err("a day is 1 to 31, or `last`".to_owned()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WeekdayWord {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl WeekdayWord {
    #[must_use]
    pub const fn weekday(self) -> Weekday {
        match self {
            Self::Monday => Weekday::Monday,
            Self::Tuesday => Weekday::Tuesday,
            Self::Wednesday => Weekday::Wednesday,
            Self::Thursday => Weekday::Thursday,
            Self::Friday => Weekday::Friday,
            Self::Saturday => Weekday::Saturday,
            Self::Sunday => Weekday::Sunday,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CalendarWord {
    FederalReserve,
    Target2,
    EnglandWales,
    WeekendsOnly,
    EveryDay,
}

impl CalendarWord {
    #[must_use]
    pub const fn calendar(self) -> Calendar {
        match self {
            Self::FederalReserve => Calendar::FederalReserve,
            Self::Target2 => Calendar::Target2,
            Self::EnglandWales => Calendar::EnglandWales,
            Self::WeekendsOnly => Calendar::WeekendsOnly,
            Self::EveryDay => Calendar::EveryDay,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RollWord {
    Stays,
    Preceding,
    Following,
    ModifiedFollowing,
}

impl RollWord {
    #[must_use]
    pub const fn roll(self) -> Roll {
        match self {
            Self::Stays => Roll::Stays,
            Self::Preceding => Roll::Preceding,
            Self::Following => Roll::Following,
            Self::ModifiedFollowing => Roll::ModifiedFollowing,
        }
    }
}

/// `2-tuesday`, `last-friday`, `last-working-day`, `-2-working-day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NthWord(pub Nth);

impl std::str::FromStr for NthWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "say it like `2-tuesday`, `last-friday`, `last-working-day` or `-2-working-day`".to_owned();
        let (minus, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (place, what) = rest.split_once('-').ok_or_else(wrong)?;
        let nth = match (place, place.parse::<i8>()) {
            ("last", _) if !minus => -1,
            (_, Ok(nth @ 1..=15)) => {
                if minus {
                    -nth
                } else {
                    nth
                }
            }
            _ => return Err(wrong()),
        };
        if what == "working-day" {
            return Ok(Self(Nth::WorkingDay { nth }));
        }
        let weekday = WeekdayWord::from_str(what, true).map_err(|_| wrong())?.weekday();
        Ok(Self(Nth::Weekday { nth, weekday }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(words.split_whitespace())
    }

    #[test]
    fn the_definitions_agree_with_themselves() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    /// Each command below this one, whose own words stand in no other beside it.
    fn described(command: &clap::Command) {
        let mut said = std::collections::HashSet::new();
        for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            let about = one.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && said.insert(about), "{} {}", command.get_name(), one.get_name());
            described(one);
        }
    }

    #[test]
    fn every_command_says_what_it_does() {
        described(&<Arguments as clap::CommandFactory>::command());
    }

    #[test]
    fn days_that_a_rule_does_not_have_are_wrong_usage() {
        let rule = |words: &str| {
            let read = read(&format!("billfold bills add --name X --amount 1 --every {words}")).unwrap();
            let Some(Command::Bills { what: BillsCommand::Add(new) }) = read.command else { panic!() };
            new.rule.fits(new.every.unwrap())
        };
        for words in ["month --weekdays monday", "week --day 3", "day --nth 2-tuesday"] {
            assert_eq!(rule(words).unwrap_err().exit, 2, "{words}");
        }
        assert!(rule("week --weekdays monday").is_ok() && rule("quarter --day 31").is_ok());
    }

    /// The Rust files below a folder of the repository.
    fn sources(folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(folder)];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    found.push(path);
                }
            }
        }
        found
    }

    #[test]
    fn each_command_that_a_person_is_told_to_type_is_one() {
        const TOLD: &str = "`billfold ";
        let mut named = 0;
        for file in [sources("crates/client/src"), sources("crates/domain/src"), sources("src-tauri/src")].concat() {
            let text = std::fs::read_to_string(&file).unwrap();
            for words in text.split(TOLD).skip(1) {
                let mut command = <Arguments as clap::CommandFactory>::command();
                command.build();
                for word in words.split('`').next().unwrap_or_default().split_whitespace() {
                    let is_word = word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
                    if !is_word || command.get_subcommands().next().is_none() {
                        break;
                    }
                    let next = command.find_subcommand(word).cloned();
                    command = next.unwrap_or_else(|| panic!("{}: `billfold {word}` is none", file.display()));
                    named += 1;
                }
            }
        }
        assert!(named > 30, "{named} were found");
    }

    #[test]
    fn global_words_stand_before_or_after_the_command() {
        for words in ["billfold --json --data /d due --days 400", "billfold due --days 400 --json --data /d"] {
            let read = read(words).unwrap();
            assert!(read.json);
            assert_eq!(read.data.as_deref(), Some(std::path::Path::new("/d")));
            assert!(matches!(read.command, Some(Command::Due { days: 400 })));
        }
    }

    #[test]
    fn a_bill_is_added_as_the_documents_say() {
        let words =
            "billfold bills add --name Insurance --amount 300.00 --every quarter --day last --starts 2026-01-31";
        let Some(Command::Bills { what: BillsCommand::Add(new) }) = read(words).unwrap().command else { panic!() };
        assert_eq!(
            (new.every, new.rule.day, new.currency.as_str()),
            (Some(EveryWord::Quarter), Some(DayWord(31)), "USD")
        );
        assert_eq!(new.rule.starts, Some(jiff::civil::date(2026, 1, 31)));
    }

    #[test]
    fn a_rule_is_said_by_its_words() {
        let add = |words: &str| {
            let read = read(&format!("billfold bills add --name X --amount 1 {words}")).unwrap();
            let Some(Command::Bills { what: BillsCommand::Add(new) }) = read.command else { panic!() };
            let every = new.every.map_or(Every::Month, EveryWord::every);
            new.rule.applied_to(Schedule::new(every, 1, jiff::civil::date(2026, 11, 26)), every)
        };
        let last_friday = Some(Nth::Weekday { nth: -1, weekday: Weekday::Friday });
        assert_eq!(add("--every month --nth last-friday").nth, last_friday);
        assert_eq!(add("--every month --nth -2-working-day").nth, Some(Nth::WorkingDay { nth: -2 }));
        assert_eq!(add("--every month --nth=3-tuesday --count 6").count, Some(6));
        assert_eq!(add("--every week --weekdays monday,friday").weekdays, [Weekday::Monday, Weekday::Friday]);
        let of_week = add("--every week --nth 2-tuesday");
        assert!(of_week.nth.is_some() && of_week.check().is_err(), "what does not fit is refused, not left out");
        let rolled = add("--every month --day 31 --calendar federal-reserve --roll modified-following");
        assert_eq!((rolled.calendar, rolled.roll), (Calendar::FederalReserve, Roll::ModifiedFollowing));
    }

    #[test]
    fn an_edited_rule_keeps_what_still_fits() {
        let every = Every::Month;
        let before =
            Schedule { day: Some(31), count: Some(9), ..Schedule::new(every, 1, jiff::civil::date(2026, 11, 26)) };
        let with = |words: RuleWords, every| words.applied_to(before.clone(), every);
        assert_eq!(with(RuleWords::default(), every), before);
        assert_eq!(with(RuleWords::default(), Every::Week).day, None);
        let nth = Some(NthWord(Nth::WorkingDay { nth: -1 }));
        assert_eq!(with(RuleWords { nth, ..RuleWords::default() }, every).day, None);
        let ends = Some(jiff::civil::date(2027, 11, 26));
        assert_eq!(with(RuleWords { ends, ..RuleWords::default() }, every).count, None);
    }

    #[test]
    fn quiet_hours_are_typed_as_a_span_or_off() {
        for (typed, meant) in [("22:00-07:00", Some(("22:00", "07:00"))), ("off", None)] {
            let words = format!("billfold reminders set --quiet {typed} --again off");
            let Some(Command::Reminders { what: Some(RemindersCommand::Set(set)) }) = read(&words).unwrap().command
            else {
                panic!()
            };
            let meant = meant.map(|(from, until)| (from.to_owned(), until.to_owned()));
            assert_eq!((set.quiet, set.again, set.at), (Some(QuietWord(meant)), Some(Switch::Off), None));
        }
    }

    #[test]
    fn wrong_usage_is_refused() {
        for words in [
            "billfold pay",
            "billfold pay --payee Power",
            "billfold pay Rent --payee Power --amount 1",
            "billfold bills add --name X --amount 1 --every month --day 32",
            "billfold bills add --name X --amount 1",
            "billfold bills add --name X --amount 1 --every month --nth last-someday",
            "billfold bills add --name X --amount 1 --every month --nth 0-friday",
            "billfold bills add --name X --amount 1 --every month --rrule FREQ=MONTHLY",
            "billfold bills add --name X --amount 1 --every month --count 3 --ends 2027-01-01",
            "billfold mark Rent 2026-01-01",
            "billfold mark Rent 2026-01-01 --paid --skip",
            "billfold card terms Visa --closing-day 5",
            "billfold account create",
            "billfold repair",
            "billfold protect nothing",
            "billfold reminders maybe",
            "billfold calendar on --at",
            "billfold calendar save",
            "billfold reminders set",
            "billfold reminders test --wait long",
            "billfold reminders set --quiet 22:00",
            "billfold nonsense",
        ] {
            assert!(read(words).is_err(), "{words}");
        }
    }
}
