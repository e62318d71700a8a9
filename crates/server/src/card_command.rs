//! `billfold-server card …` and `billfold-server merchant …`: whoever runs the server opens and closes cards, and says
//! who sells. A merchant's secret is printed once and kept nowhere.

use api::card::OpenCard;
use clap::{Args, Subcommand};
use domain::disputes::Dispute;
use domain::ids::{AccountId, DisputeId, HolderId, MerchantId};
use domain::money::{Currency, Money};
use domain::purchases::CardStatus;
use server::purchases::merchants;
use server::{App, card, disputes};

use crate::Done;
use crate::beside_command::Beside;
use crate::support_command::plain;

#[derive(Args)]
pub struct CardArguments {
    #[command(flatten)]
    beside: Beside,
    #[command(subcommand)]
    what: CardCommand,
}

#[derive(Subcommand)]
enum CardCommand {
    /// Open a card for a person.
    Open {
        /// The person's name here, or the id of their account.
        #[arg(long)]
        person: String,
        /// What may be owed at most, in whole or decimal units: 1500 or 1500.00.
        #[arg(long)]
        limit: String,
        #[arg(long, default_value = "USD")]
        currency: Currency,
        #[arg(long, default_value = "Store card")]
        name: String,
        /// The day of the month on which a cycle closes, 1 to 28.
        #[arg(long, default_value_t = 25)]
        closing_day: u8,
    },
    /// Charges that people say are wrong and that nobody has decided yet, oldest first.
    Disputes,
    /// Look at a dispute, and decide it.
    Dispute {
        #[command(subcommand)]
        what: DisputeCommand,
    },
    /// Close a card for good. What is owed is still paid.
    Close {
        /// The person's name here, or the id of their account.
        #[arg(long)]
        person: String,
        card: AccountId,
    },
}

#[derive(Subcommand)]
enum DisputeCommand {
    /// Tell the person that it is looked at.
    Acknowledge { dispute: DisputeId },
    /// Decide it. For the person, what was given back stays so; against them, it is owed again.
    #[command(group = clap::ArgGroup::new("outcome").required(true).args(["for_person", "against"]))]
    Decide {
        dispute: DisputeId,
        #[arg(long = "for")]
        for_person: bool,
        #[arg(long)]
        against: bool,
        /// Why, in words that the person reads.
        #[arg(long)]
        why: String,
    },
}

#[derive(Args)]
pub struct MerchantArguments {
    #[command(flatten)]
    beside: Beside,
    #[command(subcommand)]
    what: MerchantCommand,
}

#[derive(Subcommand)]
enum MerchantCommand {
    /// Add a merchant. Its secret is printed this once.
    Add {
        /// As it stands on statements, 1 to 60 characters.
        name: String,
    },
    /// Who they are, and how many cards each may ask.
    List,
    /// End a merchant: it asks no card any more.
    End { merchant: MerchantId },
}

pub async fn run_card(arguments: CardArguments) -> Done {
    let app = arguments.beside.open().await?;
    let text = work_on_card(&app, arguments.what).await;
    say(&app, text).await
}

pub async fn run_merchant(arguments: MerchantArguments) -> Done {
    let app = arguments.beside.open().await?;
    let text = work_on_merchant(&app, arguments.what).await;
    say(&app, text).await
}

async fn say(app: &App, text: Result<String, Box<dyn std::error::Error>>) -> Done {
    app.db.close().await;
    crate::say(&text?)
}

type Text = Result<String, Box<dyn std::error::Error>>;

async fn work_on_card(app: &App, what: CardCommand) -> Text {
    match what {
        CardCommand::Open { person, limit, currency, name, closing_day } => {
            let limit = Money::parse(&limit, currency)?;
            let id = AccountId::new(app.clock.now(), app.chance10());
            let wanted = OpenCard { name, limit, closing_day };
            card::open_by_operator(app, holder(app, &person).await?, id, &wanted).await.map_err(plain)?;
            Ok(format!("card: {id}\n"))
        }
        CardCommand::Disputes => {
            let waiting = disputes::waiting(app).await.map_err(plain)?;
            let text: String = waiting.iter().map(|(holder, one)| dispute_line(*holder, one)).collect();
            Ok(if text.is_empty() { "No dispute waits.\n".to_owned() } else { text })
        }
        CardCommand::Dispute { what: DisputeCommand::Acknowledge { dispute } } => {
            disputes::acknowledge(app, dispute).await.map_err(plain)?;
            Ok("The person is told that it is looked at.\n".to_owned())
        }
        CardCommand::Dispute { what: DisputeCommand::Decide { dispute, for_person, why, .. } } => {
            let decided = disputes::decide(app, dispute, for_person, &why).await.map_err(plain)?;
            Ok(if for_person {
                format!("{} stay given back.\n", decided.credited)
            } else {
                "What was given back is owed again.\n".to_owned()
            })
        }
        CardCommand::Close { person, card } => {
            card::set_by_operator(app, holder(app, &person).await?, card, CardStatus::Closed).await.map_err(plain)?;
            Ok("The card is closed.\n".to_owned())
        }
    }
}

/// Amounts and merchants stand in it, names of people do not.
fn dispute_line(holder: HolderId, one: &Dispute) -> String {
    let reason = serde_json::to_value(one.reason).ok();
    let reason = reason.as_ref().and_then(|reason| reason.as_str()).unwrap_or_default();
    let said = if one.words.is_empty() { String::new() } else { format!("  \"{}\"", one.words) };
    format!(
        "{}  {}  {}  account {}  purchase {}  {}  {} in dispute, {} given back  {reason}  decide by {}{said}\n",
        one.id,
        one.opened_at,
        one.state(),
        holder,
        one.purchase,
        one.merchant,
        one.amount,
        one.credited,
        one.answer_by
    )
}

/// The one account of this id or name.
async fn holder(app: &App, typed: &str) -> Result<HolderId, Box<dyn std::error::Error>> {
    if let Ok(id) = typed.parse() {
        return Ok(id);
    }
    match card::people_named(app, typed).await.map_err(plain)?.as_slice() {
        [] => Err("nobody here is called so".into()),
        [one] => Ok(*one),
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(format!("several people are called so, say whose account it is: {}", ids.join(", ")).into())
        }
    }
}

async fn work_on_merchant(app: &App, what: MerchantCommand) -> Text {
    match what {
        MerchantCommand::Add { name } => {
            let made = merchants::add(app, &name).await.map_err(plain)?;
            Ok(format!("client_id: {}\nclient_secret: {}\n", made.client_id, made.client_secret))
        }
        MerchantCommand::List => {
            let mut text = String::new();
            for merchant in merchants::list(app).await.map_err(plain)? {
                let state = merchant.ended_at.map_or("sells".to_owned(), |at| format!("ended {at}"));
                text.push_str(&format!("{}  {}  {}  {} cards\n", merchant.id, merchant.name, state, merchant.cards));
            }
            Ok(text)
        }
        MerchantCommand::End { merchant } => {
            merchants::end(app, merchant).await.map_err(plain)?;
            Ok("The merchant asks no card any more.\n".to_owned())
        }
    }
}
