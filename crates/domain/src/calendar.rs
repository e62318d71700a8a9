//! Which days are banking days, by calendar.
