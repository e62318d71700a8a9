//! `billfold-server support …`: agents are made and removed by whoever runs the server, and agents work here as they do
//! on the page. An agent names themselves by the code in a file, never in an argument.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use domain::ids::{PaymentId, SupportRequestId};
use domain::support::{SupportOperation, SupportScope};
use server::App;
use server::error::ApiError;
use server::support::{Agent, agents, desk};

use crate::Done;
use crate::beside_command::Beside;

#[derive(Args)]
pub struct SupportArguments {
    #[command(flatten)]
    beside: Beside,
    /// The address that people's browsers use; needed to make an agent.
    #[arg(long)]
    public_url: Option<String>,
    /// A file whose first line is the agent's code.
    #[arg(long, value_name = "FILE")]
    agent_file: Option<PathBuf>,
    #[command(subcommand)]
    what: SupportCommand,
}

#[derive(Subcommand)]
enum SupportCommand {
    /// Make an agent: prints the address for their browser, good once, and writes the code for the command line.
    Add {
        name: String,
        /// Where the code is written; readable by its owner alone.
        #[arg(long, value_name = "FILE")]
        code_file: PathBuf,
    },
    /// Take an agent's ways in.
    Remove { name: String },
    /// Who they are.
    Agents,
    #[command(flatten)]
    Help(HelpCommand),
}

/// What agents do.
#[derive(Subcommand)]
enum HelpCommand {
    /// A code to read to the person on the line.
    Code {
        #[arg(value_parser = scope)]
        scope: SupportScope,
    },
    /// Open cases, and requests that wait for a second one.
    Cases,
    /// Look at what the person lets you see; it stands in their log.
    Look {
        case: i64,
        #[arg(value_parser = scope)]
        scope: SupportScope,
    },
    /// Ask for something that a second one decides.
    Ask {
        case: i64,
        #[arg(value_parser = operation)]
        operation: SupportOperation,
        /// The payment to cancel.
        #[arg(long)]
        payment: Option<PaymentId>,
    },
    /// Decide what another one asked for.
    Decide {
        request: SupportRequestId,
        #[arg(value_parser = yes)]
        answer: bool,
    },
}

fn scope(text: &str) -> Result<SupportScope, String> {
    let known = SupportScope::ALL.into_iter().find(|scope| scope.as_str() == text);
    known.ok_or_else(|| format!("one of {}", SupportScope::ALL.map(SupportScope::as_str).join(", ")))
}

fn operation(text: &str) -> Result<SupportOperation, String> {
    let known = SupportOperation::ALL.into_iter().find(|operation| operation.as_str() == text);
    known.ok_or_else(|| format!("one of {}", SupportOperation::ALL.map(SupportOperation::as_str).join(", ")))
}

fn yes(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no".to_owned()),
    }
}

pub async fn run(arguments: SupportArguments) -> Done {
    let mut config = arguments.beside.config()?;
    config.public_url = arguments.public_url.as_deref().map(str::parse).transpose()?;
    if matches!(arguments.what, SupportCommand::Add { .. }) && config.public_url.is_none() {
        return Err("say which address people's browsers use: --public-url".into());
    }
    let app = server::beside::open(config).await?;
    let text = work(&app, &arguments).await;
    app.db.close().await;
    crate::say(&text?)
}

type Text = Result<String, Box<dyn std::error::Error>>;

async fn work(app: &App, arguments: &SupportArguments) -> Text {
    match &arguments.what {
        SupportCommand::Add { name, code_file } => add(app, name, code_file).await,
        SupportCommand::Remove { name } => {
            agents::remove(app, name).await.map_err(plain)?;
            Ok(format!("{name} is let in no more.\n"))
        }
        SupportCommand::Agents => {
            let names = agents::names(app).await.map_err(plain)?;
            Ok(names.into_iter().map(|name| name + "\n").collect())
        }
        SupportCommand::Help(what) => {
            let agent = agent(app, arguments.agent_file.as_deref()).await?;
            help(app, &agent, what).await
        }
    }
}

async fn add(app: &App, name: &str, code_file: &Path) -> Text {
    // The file first: an agent whose code is lost would have to be made anew.
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(code_file)?;
    let made = match agents::invite(app, name).await {
        Ok(made) => made,
        Err(error) => {
            std::fs::remove_file(code_file)?;
            return Err(plain(error));
        }
    };
    std::io::Write::write_all(&mut file, format!("{}\n", made.code).as_bytes())?;
    let file = code_file.display();
    Ok(format!(
        "{} makes a passkey at this address, once, within a day:\n  {}\nTheir code for the command line is in {file}.\n",
        made.name, made.address
    ))
}

async fn agent(app: &App, file: Option<&Path>) -> Result<Agent, Box<dyn std::error::Error>> {
    let file = file.ok_or("say who you are: --agent-file FILE")?;
    let text = std::fs::read_to_string(file)?;
    agents::by_code(app, text.lines().next().unwrap_or_default()).await.map_err(plain)
}

async fn help(app: &App, agent: &Agent, what: &HelpCommand) -> Text {
    match what {
        HelpCommand::Code { scope } => {
            let code = desk::give_code(app, agent, *scope).await.map_err(plain)?;
            Ok(format!("Read this to the person: {code}\nIt works once, for ten minutes.\n"))
        }
        HelpCommand::Cases => cases(app).await,
        HelpCommand::Look { case, scope } => {
            let seen = desk::look(app, agent, *case, *scope).await.map_err(plain)?;
            let part = |part: &desk::Seen| {
                let lines = part.lines.iter().map(|(name, value)| format!("  {name}: {value}\n"));
                format!("{}\n{}", part.heading, lines.collect::<String>())
            };
            Ok(seen.iter().map(part).collect())
        }
        HelpCommand::Ask { case, operation, payment } => {
            let id = desk::ask(app, agent, *case, *operation, *payment).await.map_err(plain)?;
            Ok(format!("Asked: {id}\nA second one of you decides within a day.\n"))
        }
        HelpCommand::Decide { request, answer } => {
            desk::decide(app, agent, *request, *answer).await.map_err(plain)?;
            Ok(if *answer { "Done.\n" } else { "Refused.\n" }.to_owned())
        }
    }
}

async fn cases(app: &App) -> Text {
    let mut text = String::new();
    for case in desk::open_cases(app).await.map_err(plain)? {
        text.push_str(&format!("case {}: {}, since {}\n", case.number, case.kind.as_str(), case.opened_at));
    }
    for waiting in desk::waiting(app).await.map_err(plain)? {
        let operation = waiting.operation.as_str();
        text.push_str(&format!(
            "{}: {operation} in case {}, asked by {}\n",
            waiting.id, waiting.case, waiting.asked_by
        ));
    }
    if text.is_empty() {
        text.push_str("Nothing is open.\n");
    }
    Ok(text)
}

/// A refusal in its plain words.
pub fn plain(error: ApiError) -> Box<dyn std::error::Error> {
    error.problem.title.into()
}
