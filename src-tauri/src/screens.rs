//! Where in the window something outside it leads to: a notice, the tray.

use client::reminders::Acted;
use domain::ids::BillId;
use jiff::civil::Date;

/// All that is due.
pub const DUE: &str = "/bills";

/// One due date.
pub fn shows(bill: BillId, due_on: Date) -> String {
    format!("{DUE}?bill={bill}&due={due_on}")
}

/// Where one due date is paid: the person sees what it comes to, and says yes to that.
pub fn pays(bill: BillId, due_on: Date) -> String {
    format!("{}&pay=1", shows(bill, due_on))
}

/// What an answer to a notice leads to.
pub fn after(acted: &Acted) -> Option<String> {
    match *acted {
        Acted::Done => None,
        Acted::Shows { about: Some((bill, due_on)) } => Some(shows(bill, due_on)),
        Acted::Shows { about: None } => Some(DUE.to_owned()),
        Acted::Asks { bill, due_on } => Some(pays(bill, due_on)),
    }
}
