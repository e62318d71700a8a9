//! What a server tells that may be newer than this program. A record of a kind, or with a value, that this program does not
//! know is left out and counted, and everything is read again once the program is another one: one new word never keeps
//! all the rest from being read.

use api::sync::{Change, Page, Record};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::cache::{CacheResult, Tx, state};
use crate::http::CallError;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Entries of the security log that are named one by one.
const ENTRIES_MAX: usize = 1_000;

pub(crate) enum Told {
    Known(Box<Record>),
    /// With its number, if it is an entry of the security log.
    Unread(Option<i64>),
}

/// A page of the feed, and what in it was not read.
pub(crate) struct PageTold {
    pub page: Page,
    pub unread: Unread,
}

/// What was left out, and by which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unread {
    version: String,
    count: u32,
    /// Entries of the security log: the chain goes on over them.
    pub entries: Vec<i64>,
}

impl Default for Unread {
    fn default() -> Self {
        Self { version: VERSION.to_owned(), count: 0, entries: Vec::new() }
    }
}

impl Unread {
    pub fn add(&mut self, entry: Option<i64>) {
        self.count = self.count.saturating_add(1);
        self.entries.extend(entry.filter(|_| self.entries.len() < ENTRIES_MAX));
    }

    /// Another program left it out: this one may know it.
    pub fn is_of_another_version(&self) -> bool {
        self.version != VERSION
    }

    /// Beside what was left out before.
    pub async fn keep_beside(self, tx: &mut Tx) -> CacheResult<()> {
        if self.count == 0 {
            return Ok(());
        }
        let mut kept: Self = state::find(&mut **tx, state::UNREAD).await?.unwrap_or_default();
        kept.count = kept.count.saturating_add(self.count);
        kept.entries.extend(self.entries);
        kept.entries.truncate(ENTRIES_MAX);
        tracing::warn!(count = kept.count, "the server tells more than this version knows");
        state::put(&mut **tx, state::UNREAD, &kept).await
    }
}

/// One line of a snapshot.
pub(crate) fn told(line: &[u8]) -> Result<Told, CallError> {
    match serde_json::from_slice(line) {
        Ok(record) => Ok(Told::Known(Box::new(record))),
        Err(error) if is_newer(&error) => {
            let value = serde_json::from_slice(line).map_err(|_| CallError::NotAServer)?;
            Ok(Told::Unread(entry_in(&value)))
        }
        Err(_) => Err(CallError::NotAServer),
    }
}

impl<'de> Deserialize<'de> for PageTold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            changes: Vec<RawChange>,
            cursor: String,
            more: bool,
        }
        #[derive(Deserialize)]
        struct RawChange {
            number: i64,
            kind: String,
            #[serde(default)]
            body: Value,
        }
        let raw = Raw::deserialize(deserializer)?;
        let (mut changes, mut unread) = (Vec::with_capacity(raw.changes.len()), Unread::default());
        for RawChange { number, kind, body } in raw.changes {
            let value = serde_json::json!({ "kind": kind, "body": body });
            match Record::deserialize(&value) {
                Ok(record) => changes.push(Change { number, record }),
                Err(error) if is_newer(&error) => unread.add(entry_in(&value)),
                Err(error) => return Err(serde::de::Error::custom(error)),
            }
        }
        Ok(Self { page: Page { changes, cursor: raw.cursor, more: raw.more }, unread })
    }
}

/// A kind, or a value of a field that has so many, which this program does not have. All else is no record.
fn is_newer(error: &serde_json::Error) -> bool {
    error.is_data() && error.to_string().starts_with("unknown variant")
}

fn entry_in(record: &Value) -> Option<i64> {
    (record["kind"] == "security_event").then(|| record["body"]["number"].as_i64()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_newer_is_left_out_and_what_is_broken_is_not() {
        let newer = [
            r#"{"kind":"horoscope","body":{}}"#,
            r#"{"kind":"gone","body":{"what":"horoscope","id":"x"}}"#,
            r#"{"kind":"security_event","body":{"number":7,"kind":"stars_aligned"}}"#,
        ];
        for line in newer {
            assert!(matches!(told(line.as_bytes()), Ok(Told::Unread(_))), "{line}");
        }
        assert!(matches!(told(newer[2].as_bytes()), Ok(Told::Unread(Some(7)))));
        for line in [r#"{"kind":"bill","body":{"id":1}}"#, r#"{"kind":"bill"}"#, "{", "[]", "7"] {
            assert!(matches!(told(line.as_bytes()), Err(CallError::NotAServer)), "{line}");
        }
        let page = format!(r#"{{"changes":[{{"number":4,{}],"cursor":"c","more":false}}"#, &newer[2][1..]);
        let page: PageTold = serde_json::from_str(&page).unwrap();
        assert_eq!((page.page.changes.len(), page.unread.count, page.unread.entries), (0, 1, vec![7]));
    }
}
