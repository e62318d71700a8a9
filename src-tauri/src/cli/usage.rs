//! What was typed wrongly, in words of a person where the parser's own are those of a library.

use std::error::Error as _;
use std::ffi::OsString;
use std::num::ParseIntError;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::arguments::Arguments;
use crate::failure::Failure;

/// The refusal, and whether it has words of its own; `text` is the parser's.
pub(super) fn explained(error: &clap::Error, text: &str, argv: &[OsString]) -> (Failure, bool) {
    let own = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => which_one(argv),
        ErrorKind::UnknownArgument => below_zero(error),
        ErrorKind::ValueValidation => no_value(error),
        _ => None,
    };
    let first = || {
        let first = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
        Failure::usage(first.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    own.map_or_else(|| (first(), false), |failure| (failure, true))
}

/// A command that has others below it was typed alone.
fn which_one(argv: &[OsString]) -> Option<Failure> {
    let mut command = Arguments::command();
    let mut path = Vec::new();
    for word in argv.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(next) = command.find_subcommand(word).cloned() {
            command = next;
            path.push(word);
        }
    }
    let names: Vec<&str> =
        command.get_subcommands().filter(|one| !one.is_hide_set()).map(clap::Command::get_name).collect();
    let (last, others) = names.split_last()?;
    let message = format!("say which: {} or {last}", others.join(", "));
    Some(Failure { next: format!("see `billfold help {}`", path.join(" ")), ..Failure::usage(message) })
}

/// A number below zero was taken for an option.
fn below_zero(error: &clap::Error) -> Option<Failure> {
    let typed = said(error, ContextKind::InvalidArg)?;
    let is_number = typed.strip_prefix('-')?.starts_with(|first: char| first.is_ascii_digit());
    let next = "write a number from 0 up there".to_owned();
    is_number.then(|| Failure { next, ..Failure::usage(format!("`{typed}` is below zero")) })
}

/// No date, or no number, where one belongs.
fn no_value(error: &clap::Error) -> Option<Failure> {
    let (typed, place) = (said(error, ContextKind::InvalidValue)?, said(error, ContextKind::InvalidArg)?);
    let why = error.source()?;
    let (what, next) = if why.is::<jiff::Error>() {
        ("date", "write it like 2027-01-31")
    } else if why.is::<ParseIntError>() {
        ("number", "write it in digits, like 3")
    } else {
        return None;
    };
    Some(Failure { next: next.to_owned(), ..Failure::usage(format!("`{typed}` is no {what} for {place}")) })
}

fn said(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}
