//! Bills with their marks and payments, read at one moment: what every screen of due dates is worked out from.

use std::collections::{HashMap, HashSet};

use api::bills::MarkEdit;
use domain::accounts::Account;
use domain::billers::{Biller, OwnBiller};
use domain::bills::{Bill, Mark, Occurrence, PaymentOf, occurrence_named, occurrences, open_day};
use domain::calendar::Calendar;
use domain::ids::{BillId, BillerId, TransactionId};
use domain::money::{Currency, Money};
use domain::payments::RailTiming;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::bills::{HolidayView, OccurrenceView};
use crate::cache::bills::{self, PaymentRow};
use crate::cache::{Cache, CacheResult, accounts, state};

/// Payments that the device shows and reckons with; older ones are on the server.
const PAYMENTS_MAX: i64 = 5_000;
const YEAR: i32 = 366;

/// A moment, and where the person is.
#[derive(Clone, Debug)]
pub(crate) struct Here {
    pub now: Timestamp,
    pub zone: TimeZone,
}

impl Here {
    pub fn today(&self) -> Date {
        self.now.to_zoned(self.zone.clone()).date()
    }
}

pub(crate) struct Book {
    pub here: Here,
    pub today: Date,
    /// Payments from here move practice money.
    pub practice: bool,
    /// By name.
    pub bills: Vec<Bill>,
    /// Of the directory.
    pub billers: HashMap<BillerId, Biller>,
    /// Those that the person added: never paid from here, and without a clock of their own.
    pub own_billers: HashMap<BillerId, OwnBiller>,
    /// Cards of the server, by the id under which they are paid.
    pub cards: HashMap<BillerId, Account>,
    /// The due dates of those cards, as if they were bills under the cards' ids; by name.
    pub card_dates: Vec<Bill>,
    /// Newest first.
    pub payments: Vec<PaymentRow>,
    marks: HashMap<BillId, Vec<Mark>>,
    meaning: HashMap<BillId, Vec<PaymentOf>>,
}

impl Book {
    pub async fn read(cache: &Cache, here: Here) -> CacheResult<Self> {
        let mut tx = cache.begin_read().await?;
        let mut all = bills::all_bills(&mut *tx).await?;
        let marks = bills::all_marks(&mut *tx).await?;
        let payments = bills::payments(&mut *tx, PAYMENTS_MAX).await?;
        let billers = bills::all_billers(&mut tx).await?;
        let own_billers = bills::own_billers(&mut *tx).await?;
        let me: Option<api::sign_in::Me> = state::find(&mut *tx, state::ME).await?;
        let cards = accounts::all(&mut *tx).await?.into_iter().filter(|account| account.card.is_some());
        let cards: HashMap<BillerId, Account> =
            cards.map(|account| (BillerId::from_uuid(account.id.as_uuid()), account)).collect();
        drop(tx);
        all.sort_by_cached_key(by_name);
        let mut by_bill: HashMap<BillId, Vec<Mark>> = HashMap::new();
        for mark in marks {
            by_bill.entry(mark.bill).or_default().push(mark);
        }
        let mut meaning: HashMap<BillId, Vec<PaymentOf>> = HashMap::new();
        for (bill, payment) in payments.iter().filter_map(PaymentRow::means) {
            meaning.entry(bill).or_default().push(payment);
        }
        let mut card_dates = Vec::new();
        for (payee, card) in &cards {
            let to_it: Vec<PaymentOf> = payments.iter().filter_map(|row| row.means_for_card(*payee)).collect();
            let has_bill = all.iter().any(|bill| bill.card == Some(card.id));
            let Some((date, covering)) = Bill::of_card(card, &to_it, has_bill) else { continue };
            meaning.insert(date.id, covering);
            card_dates.push(date);
        }
        card_dates.sort_by_cached_key(by_name);
        Ok(Self {
            today: here.today(),
            here,
            practice: me.is_some_and(|me| me.practice_money),
            bills: all,
            cards,
            card_dates,
            billers: billers.into_iter().map(|biller| (biller.id, biller)).collect(),
            own_billers: own_billers.into_iter().map(|biller| (biller.id, biller)).collect(),
            payments,
            marks: by_bill,
            meaning,
        })
    }

    pub fn bill(&self, id: BillId) -> Option<&Bill> {
        self.bills.iter().find(|bill| bill.id == id)
    }

    /// Every bill, and the due dates of cards of the server.
    pub fn all(&self) -> impl Iterator<Item = &Bill> {
        self.bills.iter().chain(&self.card_dates)
    }

    /// The card of the server whose payment it is.
    pub fn card_of(&self, bill: &Bill) -> Option<&Account> {
        bill.card.and_then(|card| self.cards.get(&BillerId::from_uuid(card.as_uuid())))
    }

    /// A bill, or the due date of a card of the server.
    pub fn bill_or_card(&self, id: BillId) -> Option<&Bill> {
        self.bill(id).or_else(|| self.card_dates.iter().find(|date| date.id == id))
    }

    pub fn biller_of(&self, bill: &Bill) -> Option<&Biller> {
        bill.biller.and_then(|id| self.billers.get(&id))
    }

    pub fn own_biller_of(&self, bill: &Bill) -> Option<&OwnBiller> {
        bill.biller.and_then(|id| self.own_billers.get(&id))
    }

    /// Whom the bill is paid to, by name: of the directory or the person's own.
    pub fn payee_of(&self, bill: &Bill) -> Option<&str> {
        let own = || self.own_biller_of(bill).map(|biller| biller.name.as_str());
        self.biller_of(bill).map(|biller| biller.name.as_str()).or_else(own)
    }

    pub fn knows_biller(&self, id: BillerId) -> bool {
        self.billers.contains_key(&id) || self.own_billers.contains_key(&id)
    }

    /// How people call whom an order pays.
    pub fn payee(&self, id: BillerId) -> Option<&str> {
        let card = self.cards.get(&id).map(|card| card.name.as_str());
        card.or_else(|| self.billers.get(&id).map(|biller| biller.name.as_str()))
    }

    pub fn payable(&self, bill: &Bill) -> bool {
        self.biller_of(bill).is_some_and(|biller| biller.payable)
    }

    pub fn marks_of(&self, bill: BillId) -> &[Mark] {
        self.marks.get(&bill).map_or(&[], Vec::as_slice)
    }

    /// Lines that are gone pay nothing any more. The marks of which that is true, each with what that says of it.
    pub fn unsee(&mut self, gone: &HashSet<TransactionId>) -> Vec<(Mark, MarkEdit)> {
        let mut changed = Vec::new();
        for mark in self.marks.values_mut().flatten() {
            let seen = mark.seen.iter().map(|seen| seen.transaction);
            let unseen: Vec<TransactionId> = seen.filter(|line| gone.contains(line)).collect();
            if !unseen.is_empty() {
                let edit = MarkEdit { unseen, ..MarkEdit::default() };
                *mark = edit.clone().applied_to(mark.clone());
                changed.push((mark.clone(), edit));
            }
        }
        changed.sort_by_key(|(mark, _)| (mark.bill, mark.due_on));
        changed
    }

    fn payments_of(&self, bill: BillId) -> &[PaymentOf] {
        self.meaning.get(&bill).map_or(&[], Vec::as_slice)
    }

    /// The clock of whoever is owed: a person who travels shifts no due date.
    fn zone_of(&self, bill: &Bill) -> TimeZone {
        let named = self.biller_of(bill).map(|biller| biller.zone.as_str()).or(bill.zone.as_deref());
        named.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| self.here.zone.clone())
    }

    /// The first day that the bill's biller has not closed.
    fn open_day(&self, bill: &Bill) -> Date {
        let cutoff = self.biller_of(bill).and_then(|biller| biller.cutoff);
        open_day(self.here.now, &self.zone_of(bill), cutoff)
    }

    /// The civil day at the bill's biller.
    fn today_at(&self, bill: &Bill) -> Date {
        self.here.now.to_zoned(self.zone_of(bill)).date()
    }

    /// The last day on which a payment can leave to be there in time: the lead time of the way it is paid counts back over
    /// banking days.
    pub fn pay_by(&self, bill: &Bill, falls_on: Date) -> Date {
        let rail = || RailTiming::united_states().ok().filter(|_| !self.practice);
        match self.biller_of(bill) {
            Some(biller) if biller.payable => rail().map_or(falls_on, |timing| timing.leave_by(falls_on)),
            None if self.card_of(bill).is_some() => rail().map_or(falls_on, |timing| timing.leave_by(falls_on)),
            Some(biller) => biller.calendar.subtract_banking_days(falls_on, bill.lead_days.into()),
            None => bill.schedule.calendar.subtract_banking_days(falls_on, bill.lead_days.into()),
        }
    }

    /// Whose banking days decide about a bill: those of its rule, of its biller, and of the rail that would pay it.
    fn closes_for(&self, bill: &Bill, calendar: Calendar) -> bool {
        let biller = self.biller_of(bill);
        let by_rail = biller.is_some_and(|biller| biller.payable && !self.practice);
        bill.schedule.calendar == calendar
            || biller.is_some_and(|biller| biller.calendar == calendar)
            || by_rail && RailTiming::united_states().is_ok_and(|timing| timing.calendar == calendar)
    }

    /// The days on which the banks of these bills are closed by a holiday, both days included; by day.
    pub fn holidays(&self, from: Date, to: Date) -> Vec<HolidayView> {
        let asked = |calendar: &Calendar| self.bills.iter().any(|bill| self.closes_for(bill, *calendar));
        let calendars: Vec<Calendar> = Calendar::ALL.into_iter().filter(asked).collect();
        let mut found: Vec<HolidayView> = Vec::new();
        for on in days(from, to) {
            for calendar in &calendars {
                let Some(name) = calendar.holiday_name(on) else { continue };
                match found.iter_mut().find(|holiday| holiday.on == on && holiday.name == name) {
                    Some(holiday) => holiday.calendars.push(*calendar),
                    None => found.push(HolidayView { on, name: name.to_owned(), calendars: vec![*calendar] }),
                }
            }
        }
        found
    }

    /// Both days included, by the day they fall on.
    pub fn occurrences(&self, bill: &Bill, from: Date, to: Date) -> Vec<Occurrence> {
        let payments = self.payments_of(bill.id);
        occurrences(bill, self.marks_of(bill.id), payments, from, to, self.open_day(bill))
    }

    /// Whether a due date that is not over falls after a day, within the next year of it.
    pub fn falls_after(&self, bill: &Bill, day: Date) -> bool {
        let from = day.tomorrow().unwrap_or(day).max(self.today);
        self.occurrences(bill, from, shifted(from, YEAR)).iter().any(|one| !one.is_over())
    }

    /// By its name.
    pub fn occurrence(&self, bill: &Bill, due_on: Date) -> Option<Occurrence> {
        let payments = self.payments_of(bill.id);
        occurrence_named(bill, self.marks_of(bill.id), payments, due_on, self.open_day(bill))
    }

    /// Of every bill and card, both days included, by the day they fall on and then name.
    pub fn between(&self, from: Date, to: Date) -> Vec<OccurrenceView> {
        let mut found: Vec<OccurrenceView> = self
            .all()
            .flat_map(|bill| {
                let all = self.occurrences(bill, from, to);
                all.into_iter().map(|occurrence| self.view(bill, &occurrence))
            })
            .collect();
        found.sort_by_key(|view| view.falls_on);
        found
    }

    pub fn view(&self, bill: &Bill, occurrence: &Occurrence) -> OccurrenceView {
        OccurrenceView {
            bill: bill.id,
            name: bill.name.clone(),
            due_on: occurrence.due_on,
            falls_on: occurrence.falls_on,
            issued_on: occurrence.issued_on,
            grace_until: occurrence.grace_until,
            pay_by: self.pay_by(bill, occurrence.falls_on),
            over_cap: occurrence.over_cap,
            amount: occurrence.amount,
            left: occurrence.left,
            estimated: occurrence.estimated,
            state: occurrence.state,
            days: days_between(self.today_at(bill), occurrence.falls_on),
            payable: self.payable(bill),
            card: self.card_of(bill).map(|card| card.id),
            issued: bill.is_of_card(),
            payment: occurrence.payment,
            sends_on: occurrence.sends_on,
            not_sent: occurrence.not_sent,
        }
    }
}

fn by_name(bill: &Bill) -> (String, BillId) {
    (bill.name.to_lowercase(), bill.id)
}

/// From `from` to `to`; negative when `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// A day so many days on; the calendar's end where it would leave it.
pub(crate) fn shifted(date: Date, days: i32) -> Date {
    date.checked_add(i64::from(days).days()).unwrap_or(if days < 0 { Date::MIN } else { Date::MAX })
}

/// Both days included.
fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    from.series(1.day()).take_while(move |day| *day <= to)
}

/// One sum a currency, by its code.
pub(crate) fn sums(amounts: impl IntoIterator<Item = Money>) -> Vec<Money> {
    let mut by_currency: std::collections::BTreeMap<Currency, Money> = std::collections::BTreeMap::new();
    for amount in amounts {
        let currency = amount.currency();
        let sum = by_currency.entry(currency).or_insert(Money::zero(currency));
        // Beyond the range the sum stands at what it had: single amounts are far below it.
        *sum = sum.plus(amount).unwrap_or(*sum);
    }
    by_currency.into_values().collect()
}
