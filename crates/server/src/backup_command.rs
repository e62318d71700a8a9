//! `billfold-server backup` and `billfold-server restored`.

use std::path::PathBuf;

use clap::Args;
use server::backup;
use server::config::SystemChance;

use crate::Done;
use crate::beside_command::Books;

#[derive(Args)]
pub struct BackupArguments {
    #[command(flatten)]
    books: Books,
    /// The file to make. The keys that seal come beside it, under its name and `.seal.keys`.
    file: PathBuf,
}

#[derive(Args)]
pub struct RestoredArguments {
    #[command(flatten)]
    books: Books,
}

pub async fn back_up(arguments: BackupArguments) -> Done {
    let keys = backup::back_up(&arguments.books.location()?, &arguments.file).await?;
    eprintln!("{} is a copy of the database", arguments.file.display());
    match keys {
        Some(keys) => eprintln!("{} are the keys that seal; keep them apart from it", keys.display()),
        None => eprintln!("the keys that seal are not in the server's folder: keep a copy of the file of --seal-keys"),
    }
    Ok(())
}

pub async fn restored(arguments: RestoredArguments) -> Done {
    backup::restored(&arguments.books.location()?, &SystemChance).await?;
    eprintln!("every device reads everything anew; run `rails reconcile` for each rail before the server starts");
    Ok(())
}
