//! One refusal as the command line prints it and the window gets it: a stable code, words, the next step.

use client::ClientError;
use client::vault::VaultError;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub code: String,
    pub message: String,
    /// What the person can do about it.
    pub next: String,
    /// The exit code of the command line: 1 refused, 2 usage, 3 not signed in or locked, 4 server unreachable.
    #[serde(skip)]
    pub exit: u8,
}

impl Failure {
    #[must_use]
    pub fn refused(code: &str, message: impl Into<String>, next: &str) -> Self {
        Self { code: code.to_owned(), message: message.into(), next: next.to_owned(), exit: 1 }
    }

    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        let next = "see `billfold help`".to_owned();
        Self { code: "usage".to_owned(), message: message.into(), next, exit: 2 }
    }

    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::refused("not_found", format!("there is no such {what}"), where_listed(what))
    }

    /// The system refused something that the desktop does.
    #[must_use]
    pub fn system(message: impl Into<String>) -> Self {
        Self::refused("system_refused", message, "run `billfold check` to see what is missing")
    }
}

/// Where whatever is named on the command line can be looked up.
fn where_listed(what: &str) -> &'static str {
    match what {
        "account" | "card" => "see which there are: `billfold accounts`",
        "bill" => "see which there are: `billfold bills list`",
        "biller" | "biller of your own" => "see which there are: `billfold billers`",
        "payment" => "see which there are: `billfold payments`",
        "due date that is left to pay" => "see what is due: `billfold due --days 400`",
        "plan" => "see which there are: `billfold card list`",
        "method" => "see which there are: `billfold methods`",
        "device" => "see which there are: `billfold devices`",
        "passkey" => "see which there are: `billfold security passkeys`",
        "second factor" => "see which there are: `billfold security ways-in`",
        "address" => "see which there are: `billfold security addresses`",
        "suggestion" => "see which there are: `billfold suggestions`",
        "income" => "see which there are: `billfold paydays`",
        _ => "look at the list again",
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self { exit: error.class.exit_code(), code: error.code, message: error.message, next: error.next }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        ClientError::from(error).into()
    }
}
