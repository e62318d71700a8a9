//! The binary `billfold-server`: reads its arguments, starts the library, stops on a signal.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use server::Server;
use server::config::{self, Config};

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
}

#[derive(clap::Args)]
struct Serve {
    #[command(flatten)]
    place: Place,
    /// Where to listen. Beyond loopback only with an https public URL.
    #[arg(long, default_value = "127.0.0.1:8470")]
    listen: SocketAddr,
    /// The address that people's browsers use: https, or http://localhost:PORT.
    #[arg(long)]
    public_url: Option<String>,
    /// The name that the server's pages show.
    #[arg(long, default_value = "Billfold")]
    name: String,
    /// A reverse proxy whose X-Forwarded-For is believed; may be given several times.
    #[arg(long = "trusted-proxy")]
    trusted_proxies: Vec<std::net::IpAddr>,
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

#[tokio::main]
async fn main() -> ExitCode {
    config::start_log();
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::Openapi) => print_openapi(),
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

#[expect(clippy::print_stdout, reason = "the document is what the command is for")]
fn print_openapi() -> Done {
    println!("{}", server::openapi::text()?);
    Ok(())
}

fn place(place: &Place) -> Result<server::db::Location, Box<dyn std::error::Error>> {
    match (&place.data, &place.database) {
        (Some(folder), _) => Ok(config::data_folder(folder, None)?),
        (None, Some(url)) => Ok(server::db::Location::Postgres { url: url.clone() }),
        (None, None) => Err("say where the data lives: --data DIR or --database URL".into()),
    }
}

async fn serve(serve: Serve) -> Done {
    let mut config = Config::new(place(&serve.place)?, serve.listen);
    config.public_url = serve.public_url.as_deref().map(str::parse).transpose()?;
    config.server_name = serve.name;
    config.trusted_proxies = serve.trusted_proxies;
    let running = Server::start(config).await?;
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
