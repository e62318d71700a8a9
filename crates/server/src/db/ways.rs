//! Counts ways to the database and back, so that tests can say how many something takes. A test runs on a thread of its
//! own, and so does all that it starts; what SQLite's threads do is not asked, only how often they are.

use std::cell::Cell;

thread_local! {
    static WAYS: Cell<usize> = const { Cell::new(0) };
}

pub(super) fn count(ways: usize) {
    WAYS.set(WAYS.get() + ways);
}

/// How many there were on this thread.
pub(crate) fn so_far() -> usize {
    WAYS.get()
}
