//! What should be reminded, and when to look again. Pure: the delivery record is an argument.
