//! Lists that come page by page, the newest first. Where a page ended is a mark that only this program reads.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::ClientError;

pub(crate) const PAGE_DEFAULT: u16 = 50;
pub(crate) const PAGE_MAX: u16 = 500;

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PageQuery {
    /// 1 to 500; 50 when absent.
    pub limit: Option<u16>,
    /// Where the page before ended.
    pub after: Option<String>,
}

/// Where something stands in a list: by when it was, then by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Microseconds.
    pub at: i64,
    pub id: Uuid,
}

impl Place {
    /// Before the newest.
    pub const START: Self = Self { at: i64::MAX, id: Uuid::max() };

    pub fn to_mark(self) -> String {
        format!("{}.{}", self.at, self.id.simple())
    }

    fn of_mark(mark: &str) -> Option<Self> {
        let (at, id) = mark.split_once('.')?;
        Some(Self { at: at.parse().ok()?, id: Uuid::try_parse(id).ok()? })
    }
}

impl PageQuery {
    pub(crate) fn limit(&self) -> u16 {
        limit(self.limit)
    }

    /// What is asked for stands behind this.
    pub(crate) fn place(&self) -> Result<Place, ClientError> {
        self.after.as_deref().map_or(Ok(Place::START), |mark| Place::of_mark(mark).ok_or_else(foreign_mark))
    }
}

pub(crate) fn limit(wanted: Option<u16>) -> u16 {
    wanted.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX)
}

/// So many are read for a page: one more says that there is another.
pub(crate) fn rows_for(limit: u16) -> i64 {
    i64::from(limit) + 1
}

/// A page of what was read for it, and the mark of its end where there is more.
pub(crate) fn cut<T>(mut rows: Vec<T>, limit: u16, mark: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next = rows.last().filter(|_| more).map(mark);
    (rows, next)
}

pub(crate) fn foreign_mark() -> ClientError {
    ClientError::refused("invalid_request", "the page mark is not one of ours", "start at the first page")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_where_its_page_ended_and_another_text_is_none() {
        let place = Place { at: -7, id: Uuid::from_u128(9) };
        assert_eq!(Place::of_mark(&place.to_mark()), Some(place));
        for foreign in ["", "7", "7.", ".7", "x.00000000000000000000000000000009", "7.9"] {
            let query = PageQuery { after: Some(foreign.to_owned()), limit: None };
            assert_eq!(query.place().unwrap_err().code, "invalid_request", "{foreign}");
        }
        assert_eq!(PageQuery::default().place().unwrap(), Place::START);
    }

    #[test]
    fn a_page_has_a_next_one_only_where_there_is_more() {
        let mark = |one: &u8| one.to_string();
        assert_eq!(cut(vec![3, 2, 1], 2, mark), (vec![3, 2], Some("2".to_owned())));
        assert_eq!(cut(vec![3, 2], 2, mark), (vec![3, 2], None));
        assert_eq!(cut(Vec::new(), 2, mark), (Vec::new(), None));
    }
}
