//! The binary `billfold-server`: reads its arguments, starts the library, stops on a signal.

mod backup_command;
mod beside_command;
mod billers_command;
mod card_command;
mod rails_command;
mod support_command;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use api::readiness::Terms;
use beside_command::Books;
use clap::{Parser, Subcommand};
use domain::policy::Preset;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use server::Server;
use server::audit::heads::Noted;
use server::config::{self, Config, ConfigError, SealKeys, Secret, SystemChance};
use server::db::Db;
use server::limits::Throttle;
use server::mail::carriers::{MailSettings, MailWay, TextGateway};
use server::payments::rails::sandbox::{Practice, Turn};
use server::payments::rails::settings::RailSettings;
use server::proxies::Network;
use server::seals;

#[derive(Parser)]
#[command(
    name = "billfold-server",
    version,
    about = "The Billfold account server",
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Print the OpenAPI 3.1 document.
    Openapi,
    /// The directory of billers: sign one, and look whether devices take it.
    Billers(billers_command::BillersArguments),
    /// Help people: make agents, and work as one of them.
    Support(support_command::SupportArguments),
    /// The rails that move real money: how they stand, files of the bank, and what waits for a person.
    Rails(rails_command::RailsArguments),
    /// Look whether the books agree: the ledger, payments and what the practice bank did. Ends with 1 if not.
    Audit(Audit),
    /// Copy the database to a file, at one moment, while the server runs.
    Backup(backup_command::BackupArguments),
    /// Say that an older database was put back, before the server starts: every device reads everything anew.
    Restored(backup_command::RestoredArguments),
    /// Put a new key before those that seal what authenticator apps hold. After the next start it seals, and what older
    /// keys sealed is sealed anew; once every node was started anew, their lines may go.
    NewSealKey {
        /// The file of keys: `seal.keys` in the folder of `--data`, or what `--seal-keys` names.
        file: PathBuf,
    },
    /// Open and close cards of people.
    Card(card_command::CardArguments),
    /// Say who sells: merchants may ask cards that people linked to pay.
    Merchant(card_command::MerchantArguments),
}

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("mail_way").args(["mail_server", "mail_folder"]))]
struct Serve {
    #[command(flatten)]
    place: Place,
    /// Where to listen. Beyond loopback only with an https public URL.
    #[arg(long, default_value = "127.0.0.1:8470")]
    listen: SocketAddr,
    /// The address that people's browsers use: https, or http://localhost:PORT.
    #[arg(long)]
    public_url: Option<String>,
    /// A signed directory of billers, newer than the one of this build; its signature lies beside it.
    #[arg(long)]
    billers: Option<PathBuf>,
    /// The name that the server's pages show.
    #[arg(long, default_value = "Billfold")]
    name: String,
    /// A reverse proxy whose X-Forwarded-For is believed, or a network of them such as 10.0.0.0/8; may be given several times.
    #[arg(long = "trusted-proxy", value_name = "ADDRESS or NETWORK")]
    trusted_proxies: Vec<Network>,
    /// Where the days of payments and statements are meant, as an IANA name; this machine's zone unless told.
    #[arg(long)]
    zone: Option<String>,
    /// A file of the MaxMind format that says where networks are. Without one no place is known, and nothing is ever
    /// asked of anybody else.
    #[arg(long)]
    places: Option<PathBuf>,
    /// What needs a passkey and what waits: standard, or personal for a server of one person (nothing waits).
    #[arg(long, default_value = "standard")]
    policy: Preset,
    /// The file of keys that seal what people's authenticator apps hold; made when it is not there. With --data it is
    /// `seal.keys` in that folder unless told; nodes on one database need the same one.
    #[arg(long)]
    seal_keys: Option<PathBuf>,
    /// A file that the heads of the security logs are noted in, best on another machine's disk: `audit --audit-head`
    /// then finds a log that was cut or made anew. Only ever added to.
    #[arg(long, value_name = "FILE")]
    audit_head: Option<PathBuf>,
    /// Tell browsers that every name below that of --public-url is reached over TLS alone, too, for two years. For whoever
    /// owns all of them: one that has no TLS cannot be reached any more.
    #[arg(long)]
    hsts_subdomains: bool,
    /// Open the back office of support, under /support.
    #[arg(long)]
    support: bool,
    /// Where the terms are read that people accept before they pay.
    #[arg(long, requires = "terms_version")]
    terms: Option<String>,
    /// What those terms call themselves; another version is accepted anew.
    #[arg(long, requires = "terms")]
    terms_version: Option<String>,
    /// Calls of one signed-in device, by the second.
    #[arg(long, default_value_t = Throttle::default().calls_per_second)]
    calls_per_second: u32,
    /// New payments of one device.
    #[arg(long, default_value_t = Throttle::default().payments_per_minute)]
    payments_per_minute: u32,
    #[arg(long, default_value_t = Throttle::default().payments_per_day)]
    payments_per_day: u32,
    /// Calls of one merchant, by the second.
    #[arg(long, default_value_t = Throttle::default().merchant_calls_per_second)]
    merchant_calls_per_second: u32,
    /// Seconds from taking a practice payment to settling it.
    #[arg(long, default_value_t = 2)]
    practice_settles_after: u32,
    /// Seconds from settling a practice payment to its return, where one comes.
    #[arg(long, default_value_t = 10)]
    practice_returns_after: u32,
    /// What happens to practice payments whose reference asks for nothing: settle, decline, lost-answer, lost-order,
    /// return or wait.
    #[arg(long, default_value = "settle")]
    practice: Turn,
    /// A file of TOML that says which rails move real money (docs/RAILS.md). Without one, payments are practice.
    #[arg(long, value_name = "FILE")]
    rails: Option<PathBuf>,
    /// The server that takes e-mail: smtps://HOST, smtp://HOST (TLS before anything is said) or smtp://localhost:PORT.
    /// Without it no address can be confirmed and nobody is written to.
    #[arg(long, requires = "mail_from")]
    mail_server: Option<String>,
    /// The name to log in to the mail server with.
    #[arg(long, requires = "mail_password_file")]
    mail_user: Option<String>,
    /// A file that holds the password for it.
    #[arg(long, requires = "mail_user")]
    mail_password_file: Option<PathBuf>,
    /// Whom e-mail is from: Billfold <accounts@example.org>. Goes with --mail-server or --mail-folder.
    #[arg(long, requires = "mail_way")]
    mail_from: Option<String>,
    /// Writes each message to a file in this folder instead of sending it, for trying things out.
    #[arg(long, requires = "mail_from")]
    mail_folder: Option<PathBuf>,
    /// Your own gateway for text messages: it gets a POST of {"id", "to", "text"}. https, or http on this machine.
    #[arg(long)]
    text_gateway: Option<String>,
    /// A file that holds the bearer token for it.
    #[arg(long, requires = "text_gateway")]
    text_token_file: Option<PathBuf>,
}

impl Serve {
    fn mail(&self) -> Result<Option<MailSettings>, ConfigError> {
        let Some(from) = self.mail_from.clone() else { return Ok(None) };
        let way = match (&self.mail_server, &self.mail_folder) {
            (Some(server), _) => {
                let login = self.mail_user.clone().zip(secret(self.mail_password_file.as_ref())?);
                MailWay::Smtp { server: server.clone(), login }
            }
            (None, Some(folder)) => MailWay::Folder(folder.clone()),
            (None, None) => return Ok(None),
        };
        Ok(Some(MailSettings { from, way }))
    }

    fn texts(&self) -> Result<Option<TextGateway>, ConfigError> {
        let Some(address) = self.text_gateway.clone() else { return Ok(None) };
        Ok(Some(TextGateway { address, token: secret(self.text_token_file.as_ref())? }))
    }
}

fn secret(file: Option<&PathBuf>) -> Result<Option<Secret>, ConfigError> {
    file.map(|file| Secret::from_file(file)).transpose()
}

#[derive(clap::Args)]
struct Audit {
    #[command(flatten)]
    books: Books,
    /// The file that the running server notes the heads of the security logs in: each must be an entry of its log.
    #[arg(long, value_name = "FILE")]
    audit_head: Option<PathBuf>,
}

#[derive(clap::Args)]
#[group(multiple = false)]
struct Place {
    /// A folder for a SQLite database; made when it is not there.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The URL of a PostgreSQL database.
    #[arg(long)]
    database: Option<String>,
}

/// What one piece of work may take of a thread's stack, also where nothing is optimised.
const WORK_STACK: usize = 16 * 1024 * 1024;

fn main() -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(WORK_STACK).build() {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => {
            eprintln!("billfold-server: no threads could be started: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> ExitCode {
    config::start_log();
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::Openapi) => print_openapi(),
        Some(Command::Billers(arguments)) => billers_command::run(&arguments),
        Some(Command::Support(arguments)) => support_command::run(arguments).await,
        Some(Command::Rails(arguments)) => rails_command::run(arguments).await,
        Some(Command::Audit(arguments)) => audit(&arguments).await,
        Some(Command::Backup(arguments)) => backup_command::back_up(arguments).await,
        Some(Command::Restored(arguments)) => backup_command::restored(arguments).await,
        Some(Command::NewSealKey { file }) => new_seal_key(&file),
        Some(Command::Card(arguments)) => card_command::run_card(arguments).await,
        Some(Command::Merchant(arguments)) => card_command::run_merchant(arguments).await,
        None => serve(arguments.serve).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("billfold-server: {error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                eprintln!("  because: {inner}");
                cause = inner.source();
            }
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn std::error::Error>>;

/// What a command is for. Whoever reads it may have heard enough.
fn say(text: &str) -> Done {
    match std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn print_openapi() -> Done {
    say(&format!("{}\n", server::openapi::text()?))
}

fn place(place: &Place) -> Result<server::db::Location, Box<dyn std::error::Error>> {
    match (&place.data, &place.database) {
        (Some(folder), _) => Ok(config::data_folder(folder, None)?),
        (None, Some(url)) => Ok(server::db::Location::Postgres { url: url.clone() }),
        (None, None) => Err("say where the data lives: --data DIR or --database URL".into()),
    }
}

fn rails(file: Option<&Path>) -> Result<Arc<RailSettings>, ConfigError> {
    Ok(Arc::new(file.map(RailSettings::open).transpose()?.unwrap_or_default()))
}

async fn audit(Audit { books, audit_head }: &Audit) -> Done {
    let noted = audit_head.as_deref().map(Noted::open).transpose()?;
    let db = Db::open_standing(&books.location()?).await?;
    let report = server::audit::run_with(&db, noted.as_ref()).await?;
    db.close().await;
    let mut text = report.faults.iter().map(|fault| format!("{fault}\n")).collect::<String>();
    text += &format!("audit: {} questions, {} faults\n", report.questions, report.faults.len());
    say(&text)?;
    if report.faults.is_empty() { Ok(()) } else { Err("the books do not agree".into()) }
}

fn new_seal_key(file: &Path) -> Done {
    let keys = seals::add_key(file, &SystemChance)?;
    eprintln!("{} has {keys} keys; start the server anew, each node of it, to seal with the new one", file.display());
    Ok(())
}

async fn serve(serve: Serve) -> Done {
    let mut config = Config::new(place(&serve.place)?, serve.listen);
    config.public_url = serve.public_url.as_deref().map(str::parse).transpose()?;
    (config.mail, config.texts) = (serve.mail()?, serve.texts()?);
    if let Some(file) = serve.seal_keys {
        config.seal_keys = SealKeys::File(file);
    }
    config.audit_head = serve.audit_head;
    config.hsts_subdomains = serve.hsts_subdomains;
    config.server_name = serve.name;
    config.trusted_proxies = serve.trusted_proxies;
    config.policy = serve.policy;
    config.throttle = Throttle {
        calls_per_second: serve.calls_per_second,
        calls_at_once: serve.calls_per_second.saturating_mul(3),
        payments_per_minute: serve.payments_per_minute,
        payments_per_day: serve.payments_per_day,
        merchant_calls_per_second: serve.merchant_calls_per_second,
        ..Throttle::default()
    };
    if let Some(zone) = serve.zone {
        config.zone = TimeZone::get(&zone)?;
    }
    config.practice = Practice {
        settles_after: SignedDuration::from_secs(serve.practice_settles_after.into()),
        returns_after: SignedDuration::from_secs(serve.practice_returns_after.into()),
        usual: serve.practice,
    };
    if let Some(file) = &serve.billers {
        let directory = server::billers::load(file)?;
        eprintln!("billfold-server hands out version {} of the directory of billers", directory.version);
    }
    config.rails = rails(serve.rails.as_deref())?;
    config.places = serve.places;
    config.support = serve.support;
    config.terms = serve.terms.zip(serve.terms_version).map(|(address, version)| Terms { version, address });
    let (no_places, no_mail) = (config.places.is_none(), config.mail.is_none());
    let running = Server::start(config).await?;
    server::health::note_zone(&running.app).await?;
    if no_places {
        eprintln!("billfold-server has no database of places: devices are told apart by network alone");
    }
    if no_mail {
        eprintln!("billfold-server sends no e-mail: no address can be confirmed, and nobody is written to");
    }
    eprintln!("billfold-server listens on {} for {}", running.addr, running.public_url);
    stop_signal().await;
    eprintln!("billfold-server is stopping");
    running.shutdown().await;
    Ok(())
}

async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(["billfold-server"].into_iter().chain(words.split_whitespace()))
    }

    #[test]
    fn the_arguments_fit_each_other() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_sender_of_mail_needs_a_way_for_it_and_one_alone() {
        for good in ["--mail-folder out --mail-from a@example.org", "--mail-server smtps://m --mail-from a@example.org"]
        {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "--mail-from a@example.org",
            "--mail-folder out",
            "--mail-server smtps://m",
            "--mail-from a@example.org --mail-folder out --mail-server smtps://m",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn commands_beside_a_server_are_told_what_the_server_is_told() {
        for command in ["rails status", "card disputes", "merchant list", "support agents"] {
            let (name, what) = command.split_once(' ').unwrap();
            for books in ["--data folder", "--database postgres://localhost/books"] {
                let words = format!("{name} {books} --rails rails.toml --billers billers.json {what}");
                assert!(read(&words).is_ok(), "{words}");
            }
            let both = format!("{name} --data folder --database postgres://localhost/books {what}");
            assert!(read(&both).is_err(), "{both}");
        }
    }

    #[test]
    fn proxies_are_listed_by_address_and_by_network() {
        let listed = read("--trusted-proxy 10.0.0.0/8 --trusted-proxy ::1").ok().unwrap();
        assert_eq!(listed.serve.trusted_proxies.len(), 2);
        assert!(read("--trusted-proxy proxy.example.org").is_err());
    }
}
