//! Rules of the whole repository; see `tests/tidy.rs`.
