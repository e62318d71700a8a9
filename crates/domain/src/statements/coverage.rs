//! Which days of an account are known: the spans that its imported files cover (ST2).

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Closings, Cycle};
use crate::accounts::Account;
use crate::days;

/// At most so many spans are kept with an account, the newest of them.
pub const SPANS_MAX: usize = 100;

/// A span of days of which an account's transactions are known, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Covered {
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub first_on: Date,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub last_on: Date,
}

/// In order, with those that overlap or adjoin as one. A span that ends before it begins covers nothing.
#[must_use]
pub fn merged(spans: impl IntoIterator<Item = Covered>) -> Vec<Covered> {
    let mut spans: Vec<Covered> = spans.into_iter().filter(|span| span.first_on <= span.last_on).collect();
    spans.sort_unstable();
    let mut merged: Vec<Covered> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut().filter(|last| span.first_on <= days::shifted(last.last_on, 1)) {
            Some(last) => last.last_on = last.last_on.max(span.last_on),
            None => merged.push(span),
        }
    }
    merged.drain(..merged.len().saturating_sub(SPANS_MAX));
    merged
}

/// What the lines of an account say where no file's span is known: from the first to the last, without the cycles in which
/// there is none. `lines` are their days.
#[must_use]
pub fn covered_by_lines(account: &Account, lines: impl IntoIterator<Item = Date>) -> Vec<Covered> {
    let closings = Closings::of(account);
    let mut spans: Vec<Covered> = Vec::new();
    for day in lines.into_iter().collect::<BTreeSet<Date>>() {
        let opened_on = closings.opened_on(closings.on_or_after(day));
        match spans.last_mut() {
            None => spans.push(Covered { first_on: day, last_on: day }),
            Some(span) => {
                let closed_on = closings.on_or_after(span.last_on);
                if opened_on <= days::shifted(closed_on, 1) {
                    span.last_on = day;
                } else {
                    span.last_on = closed_on;
                    spans.push(Covered { first_on: opened_on, last_on: day });
                }
            }
        }
    }
    merged(spans)
}

/// What is known of an account, by which its cycles are whole, not complete or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Merged.
    spans: Vec<Covered>,
    /// From the first to the last day of which anything is known.
    pub(super) extent: Covered,
    is_stated: bool,
}

impl Coverage {
    /// `lines` are the days of the account's first and last one. `None` when nothing of it is known.
    #[must_use]
    pub fn of(account: &Account, lines: Option<Covered>) -> Option<Self> {
        let known = || account.covered.iter().copied().chain(lines);
        let extent = Covered {
            first_on: known().map(|span| span.first_on).min()?,
            last_on: known().map(|span| span.last_on).max()?,
        };
        let is_stated = !account.covered.is_empty();
        let spans = if is_stated { merged(account.covered.iter().copied()) } else { vec![extent] };
        Some(Self { spans, extent, is_stated })
    }

    /// It comes from spans that files cover, not from lines alone.
    #[must_use]
    pub const fn is_stated(&self) -> bool {
        self.is_stated
    }

    /// All these days are known.
    pub(super) fn holds(&self, opened_on: Date, closed_on: Date) -> bool {
        self.spans.iter().any(|span| span.first_on <= opened_on && closed_on <= span.last_on)
    }

    /// Nothing of the cycle is here: it has no line, and no file says that it covers the whole of it. It is a gap and has no
    /// statement.
    #[must_use]
    pub const fn lacks(&self, cycle: &Cycle, lines: u32) -> bool {
        lines == 0 && !(self.is_stated && cycle.complete)
    }
}
