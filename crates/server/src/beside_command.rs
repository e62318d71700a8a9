//! What each command beside a server is told: where the server's books are, and what of its settings changes the work.

use std::path::PathBuf;

use clap::Args;
use server::App;
use server::config::{self, Config};
use server::db::Location;

use crate::rails;

/// The books of a server that there is.
#[derive(Args)]
#[group(multiple = false)]
pub struct Books {
    /// The folder of the server's --data.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The URL of the server's PostgreSQL database.
    #[arg(long)]
    database: Option<String>,
}

impl Books {
    /// A mistyped folder is no new database.
    pub fn location(&self) -> Result<Location, Box<dyn std::error::Error>> {
        match (&self.data, &self.database) {
            (Some(folder), _) => Ok(config::standing_data_folder(folder)?),
            (None, Some(url)) => Ok(Location::Postgres { url: url.clone() }),
            (None, None) => Err("say where the server's data lives: --data DIR or --database URL".into()),
        }
    }
}

#[derive(Args)]
pub struct Beside {
    #[command(flatten)]
    books: Books,
    /// The signed directory of billers that the server hands out, if it is told one.
    #[arg(long, value_name = "FILE")]
    billers: Option<PathBuf>,
    /// The file that says which rails there are, if the server is told one.
    #[arg(long, value_name = "FILE")]
    rails: Option<PathBuf>,
}

impl Beside {
    /// What a server would be told of this.
    pub fn config(&self) -> Result<Config, Box<dyn std::error::Error>> {
        let mut config = Config::new(self.books.location()?, ([127, 0, 0, 1], 0).into());
        // Before the rails, whose payees are of it.
        if let Some(file) = &self.billers {
            server::billers::load(file)?;
        }
        config.rails = rails(self.rails.as_deref())?;
        Ok(config)
    }

    pub const fn names_rails(&self) -> bool {
        self.rails.is_some()
    }

    pub async fn open(&self) -> Result<App, Box<dyn std::error::Error>> {
        Ok(server::beside::open(self.config()?).await?)
    }
}
