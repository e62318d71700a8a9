//! Import of files that other issuers export. The same file again adds nothing; twins within a file are both kept.

use domain::ids::AccountId;
use domain::money::Money;
use jiff::civil::Date;
use serde::Serialize;

/// The outcome, or with `preview` what it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ImportReport {
    /// "OFX 1.02 (SGML)".
    pub format: String,
    pub new: u32,
    pub known: u32,
    pub replaced: u32,
    pub rejected: Vec<RejectedLine>,
    pub accounts: Vec<AccountId>,
    pub account_names: Vec<String>,
    /// The first 200 lines and why each is new, known or replaced.
    pub lines: Vec<ImportLine>,
    /// What was odd and taken all the same.
    pub warnings: Vec<String>,
    pub preview: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RejectedLine {
    /// Counted from 1 in the file.
    pub line: u32,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ImportLine {
    #[specta(type = String)]
    pub posted_on: Date,
    pub amount: Money,
    pub description: String,
    pub verdict: ImportVerdict,
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ImportVerdict {
    New,
    Known,
    Replaces,
}

/// A file that was chosen or dropped, read and not yet kept. `token` confirms it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ImportOffer {
    pub token: String,
    pub file_name: String,
    pub report: ImportReport,
}
